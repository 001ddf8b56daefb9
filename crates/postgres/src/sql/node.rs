//! The rows of a [`Node`] as one statement: a related row by a join, related rows as JSON that the database builds, by position and
//! without names.

use plinth_catalog::expr::FromItem;
use plinth_catalog::{Catalog, RelationKind};
use plinth_query::plan::{Field, Node};

use super::layout::{Column, Layout, Nested};
use super::{Form, Param, Result, Sql, Writer, internal, types};
use crate::wire::Format;

/// PostgreSQL's functions take no more arguments.
const MAX_ARGUMENTS: usize = 100;

/// A read.
pub(crate) fn read(catalog: &Catalog, node: &Node, form: Form) -> Result<(Sql, Layout)> {
    let mut w = Writer::new(catalog, form);
    let (text, layout) = w.rows(node, None)?;
    Ok((w.finish(text), layout))
}

/// How many rows a read has without limit and offset.
pub(crate) fn count(catalog: &Catalog, node: &Node) -> Result<Sql> {
    let mut w = Writer::new(catalog, Form::Json);
    let from = w.from(node)?;
    let filter = w.filter(node)?;
    let text = if node.grouped {
        let group = w.group_by(&node.group_by)?;
        let having = w.having(node)?;
        format!("select count(*) from (select count(*) from {from}{filter}{group}{having}) as g")
    } else if !node.distinct_on.is_empty() {
        let distinct = w.distinct(node)?;
        format!("select count(*) from (select {distinct}1 from {from}{filter}) as g")
    } else {
        format!("select count(*) from {from}{filter}")
    };
    Ok(w.finish(text))
}

/// What a node selects beside its plain values.
#[derive(Default)]
pub(super) struct Parts {
    /// The expressions of the select list
    pub(super) list: Vec<String>,
    /// The joins with related rows
    pub(super) joins: String,
}

impl Writer<'_> {
    /// The statement of a node at the root. `from`: what stands for its source, when that is written already.
    pub(super) fn rows(&mut self, node: &Node, from: Option<String>) -> Result<(String, Layout)> {
        let from = match from {
            Some(from) => format!("{from}{}", self.group_keys(&node.group_by)?),
            None => self.from(node)?,
        };
        let (parts, layout) = self.columns(node)?;
        let distinct = self.distinct(node)?;
        let tail = self.tail(node)?;
        let list = parts.list.join(", ");
        Ok((format!("select {distinct}{list} from {from}{}{tail}", parts.joins), layout))
    }

    /// The rows of a node, with what they are grouped by.
    fn from(&mut self, node: &Node) -> Result<String> {
        let from = self.item(&node.from)?;
        Ok(format!("{from}{}", self.group_keys(&node.group_by)?))
    }

    /// What a node at the root selects.
    pub(super) fn columns(&mut self, node: &Node) -> Result<(Parts, Layout)> {
        let mut parts = Parts::default();
        let mut layout = Layout::default();
        for field in &node.fields {
            let column = self.column_field(node, field, &mut parts, &mut layout.formats)?;
            layout.fields.push(column);
        }
        Ok((parts, layout))
    }

    fn filter(&mut self, node: &Node) -> Result<String> {
        Ok(match &node.filter {
            Some(filter) => format!(" where {}", self.expr(filter)?),
            None => String::new(),
        })
    }

    fn having(&mut self, node: &Node) -> Result<String> {
        Ok(match &node.having {
            Some(having) => format!(" having {}", self.expr(having)?),
            None => String::new(),
        })
    }

    fn distinct(&mut self, node: &Node) -> Result<String> {
        if node.distinct_on.is_empty() {
            return Ok(String::new());
        }
        let keys = node.distinct_on.iter().map(|key| self.expr(key)).collect::<Result<Vec<_>>>()?;
        Ok(format!("distinct on ({}) ", keys.join(", ")))
    }

    /// What follows `from`.
    fn tail(&mut self, node: &Node) -> Result<String> {
        let filter = self.filter(node)?;
        let group = match self.group_by(&node.group_by)? {
            // One group, whether or not anything of it is selected.
            group if group.is_empty() && node.grouped => " group by ()".to_owned(),
            group => group,
        };
        if node.keyset.is_some() {
            return Err(internal("a page told by a row stands where only a read's root can be one"));
        }
        let having = self.having(node)?;
        let order = self.order_by(&node.order)?;
        let limit = node.limit.map(|limit| format!(" limit {limit}")).unwrap_or_default();
        let offset = match node.offset {
            0 => String::new(),
            offset => format!(" offset {}::int8", self.param(Param::Text(offset.to_string()))),
        };
        Ok(format!("{filter}{group}{having}{order}{limit}{offset}"))
    }

    /// A field that comes in columns of its own.
    fn column_field(
        &mut self,
        node: &Node,
        field: &Field,
        parts: &mut Parts,
        formats: &mut Vec<Format>,
    ) -> Result<Column> {
        match field {
            Field::Value { name, expr } => {
                let text = self.expr(expr)?;
                let (text, format, ty) = types::output(&expr.ty, self.form, text);
                parts.list.push(text);
                formats.push(format);
                Ok(Column::Value { name: name.clone(), ty })
            }
            // A join would be part of what is grouped.
            Field::Embed { to_one: true, node: inner, .. } | Field::Spread { to_one: true, node: inner }
                if !node.grouped =>
            {
                let name = name(field);
                let one = self.join_one(inner)?;
                parts.joins += &one.join;
                parts.list.push(format!("{}.found", one.alias));
                formats.push(Format::Binary);
                parts.list.extend(one.columns);
                formats.extend(one.formats);
                Ok(Column::One { name, fields: one.fields })
            }
            _ => {
                let (text, nested) = self.nested_field(node, field, &mut parts.joins)?;
                parts.list.push(text);
                formats.push(Format::Text);
                Ok(Column::Json(nested))
            }
        }
    }

    /// A field as one JSON value. Joins go to `joins`.
    fn nested_field(&mut self, node: &Node, field: &Field, joins: &mut String) -> Result<(String, Nested)> {
        match field {
            Field::Value { name, expr } => Ok((self.expr(expr)?, Nested::Value { name: name.clone() })),
            Field::Embed { to_one: true, node: inner, .. } | Field::Spread { to_one: true, node: inner } => {
                let name = name(field);
                if node.grouped {
                    let (row, nested) = self.nested_rows(inner, Some(1))?;
                    return Ok((
                        format!("(select r.j from ({row}) as r)"),
                        Nested::One { name, fields: nested },
                    ));
                }
                let alias = self.name("e");
                let (row, nested) = self.nested_rows(inner, self.at_most_one(inner))?;
                *joins += &format!(" left join lateral ({row}) as {alias} on true");
                Ok((format!("{alias}.j"), Nested::One { name, fields: nested }))
            }
            Field::Embed { node: inner, .. } | Field::Spread { node: inner, .. } => {
                let name = name(field);
                let (rows, nested) = self.nested_rows(inner, None)?;
                let text =
                    format!("(select coalesce(pg_catalog.json_agg(r.j), '[]'::json) from ({rows}) as r)");
                Ok((text, Nested::Many { name, fields: nested }))
            }
        }
    }

    /// The rows of a node, each as one JSON array `j` of its fields.
    fn nested_rows(&mut self, node: &Node, limit: Option<u64>) -> Result<(String, Vec<Nested>)> {
        self.nested(|w| {
            let from = w.from(node)?;
            let mut joins = String::new();
            let mut list = Vec::with_capacity(node.fields.len());
            let mut fields = Vec::with_capacity(node.fields.len());
            for field in &node.fields {
                let (text, nested) = w.nested_field(node, field, &mut joins)?;
                list.push(text);
                fields.push(nested);
            }
            let row = if list.len() <= MAX_ARGUMENTS {
                format!("pg_catalog.json_build_array({})", list.join(", "))
            } else {
                let list: Vec<String> =
                    list.into_iter().map(|text| format!("pg_catalog.to_json({text})")).collect();
                format!("pg_catalog.json_build_array(variadic array[{}])", list.join(", "))
            };
            let distinct = w.distinct(node)?;
            let tail = w.tail(node)?;
            let limit = match (limit, node.limit) {
                (Some(limit), None) => format!(" limit {limit}"),
                _ => String::new(),
            };
            Ok((format!("select {distinct}{row} as j from {from}{joins}{tail}{limit}"), fields))
        })
    }

    /// A related row as a join whose columns are selected one by one.
    fn join_one(&mut self, node: &Node) -> Result<One> {
        self.nested(|w| {
            let alias = w.name("e");
            let from = w.from(node)?;
            let mut parts = Parts::default();
            let mut formats = Vec::new();
            let mut fields = Vec::new();
            for field in &node.fields {
                fields.push(w.column_field(node, field, &mut parts, &mut formats)?);
            }
            let limit = match (w.at_most_one(node), node.limit) {
                (Some(limit), None) => format!(" limit {limit}"),
                _ => String::new(),
            };
            let distinct = w.distinct(node)?;
            let tail = w.tail(node)?;
            let mut list = vec!["true as found".to_owned()];
            list.extend(parts.list.iter().enumerate().map(|(i, text)| format!("{text} as c{i}")));
            let columns = (0..parts.list.len()).map(|i| format!("{alias}.c{i}")).collect();
            let row = format!("select {distinct}{} from {from}{}{tail}{limit}", list.join(", "), parts.joins);
            Ok(One {
                join: format!(" left join lateral ({row}) as {alias} on true"),
                alias,
                columns,
                formats,
                fields,
            })
        })
    }

    /// A limit of one where nothing else says that there is no second row: only a table's own keys do.
    fn at_most_one(&self, node: &Node) -> Option<u64> {
        match &node.from {
            FromItem::Relation { relation, .. } => match self.catalog.relation(*relation).kind {
                RelationKind::Table(_) => None,
                RelationKind::View(_) => Some(1),
            },
            _ => Some(1),
        }
    }
}

/// A related row, joined.
struct One {
    alias: String,
    join: String,
    columns: Vec<String>,
    formats: Vec<Format>,
    fields: Vec<Column>,
}

/// The name of an embedded resource; a spread one has none.
fn name(field: &Field) -> Option<String> {
    match field {
        Field::Value { name, .. } | Field::Embed { name, .. } => Some(name.clone()),
        Field::Spread { .. } => None,
    }
}
