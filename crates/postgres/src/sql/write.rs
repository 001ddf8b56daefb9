//! Writes. The rows come as one JSON parameter, which the database reads as `json_to_recordset` does, or, for a single row or where
//! a cell is the column's default, as values one by one. What a write gives back is selected from its `returning`.

use plinth_catalog::expr::{ExprKind, FromItem, Native, SourceId};
use plinth_catalog::walk::{self, Visitor};
use plinth_catalog::{Catalog, Column, Relation};
use plinth_engine::EngineError;
use plinth_query::plan::{
    Cell, ConflictPlan, DeletePlan, Field, InsertPlan, Node, ReturningPlan, UpdatePlan,
};
use plinth_values::{Session, Type, Value};

use super::layout::Layout;
use super::{Form, Param, Result, SourceColumns, Sql, Writer, column_name, internal, relation_name, types};

/// The setting that counts the rows which an upsert updated.
pub(crate) const UPDATED: &str = "plinth.updated";

/// The protocol's limit.
const MAX_PARAMS: usize = 65_535;

/// An insert, and the layout of what it gives back.
pub(crate) fn insert(
    catalog: &Catalog,
    plan: &InsertPlan,
    form: Form,
    session: &Session,
) -> Result<(Sql, Layout)> {
    let mut w = Writer::new(catalog, form);
    let relation = w.relation(plan.relation)?;
    let alias = w.name("t");
    w.define(SourceId::ROW, alias.clone(), SourceColumns::Relation(plan.relation));
    let columns: Vec<String> =
        plan.columns.iter().map(|column| column_name(relation, *column)).collect::<Result<_>>()?;
    let rows = w.proposed(relation, plan, &columns, session)?;
    let conflict = match &plan.conflict {
        Some(conflict) => on_conflict(relation, conflict)?,
        None => String::new(),
    };
    let text = format!("insert into {} as {alias}{rows}{conflict}", relation_name(relation));
    w.returning(text, &alias, relation, &plan.returning)
}

/// An update.
pub(crate) fn update(catalog: &Catalog, plan: &UpdatePlan, form: Form) -> Result<(Sql, Layout)> {
    let mut w = Writer::new(catalog, form);
    let relation = w.relation(plan.relation)?;
    let alias = w.name("t");
    w.define(SourceId::ROW, alias.clone(), SourceColumns::Relation(plan.relation));
    let mut set = Vec::with_capacity(plan.set.len());
    for (column, value) in &plan.set {
        set.push(format!("{} = {}", column_name(relation, *column)?, w.expr(value)?));
    }
    let filter = match &plan.filter {
        Some(filter) => format!(" where {}", w.expr(filter)?),
        None => String::new(),
    };
    let text = format!("update {} as {alias} set {}{filter}", relation_name(relation), set.join(", "));
    w.returning(text, &alias, relation, &plan.returning)
}

/// A delete.
pub(crate) fn delete(catalog: &Catalog, plan: &DeletePlan, form: Form) -> Result<(Sql, Layout)> {
    let mut w = Writer::new(catalog, form);
    let relation = w.relation(plan.relation)?;
    let alias = w.name("t");
    w.define(SourceId::ROW, alias.clone(), SourceColumns::Relation(plan.relation));
    let filter = match &plan.filter {
        Some(filter) => format!(" where {}", w.expr(filter)?),
        None => String::new(),
    };
    let text = format!("delete from {} as {alias}{filter}", relation_name(relation));
    w.returning(text, &alias, relation, &plan.returning)
}

/// What a write gives back, where its rows are [`Param::Written`]: the select, its layout, and the columns that the rows have.
pub(crate) fn written(catalog: &Catalog, node: &Node, form: Form) -> Result<(Sql, Layout, Vec<usize>)> {
    let mut w = Writer::new(catalog, form);
    let FromItem::Relation { id, relation, .. } = &node.from else {
        return Err(internal("a write returns rows of something else than its table"));
    };
    let (id, from) = (*id, *relation);
    let relation = w.relation(from)?;
    let columns = used(node, id, relation);
    let rows = w.param(Param::Written);
    let (mut list, mut types) = (Vec::new(), Vec::new());
    for (i, column) in columns.iter().enumerate() {
        let name = column_name(relation, *column)?;
        let column = relation.columns.get(*column).ok_or_else(|| internal("a relation lacks a column"))?;
        list.push(format!("r.c{i}::{} as {name}", declared(column)?));
        types.push(format!("c{i} text"));
    }
    if list.is_empty() {
        (list, types) = (vec!["1".to_owned()], vec!["c0 text".to_owned()]);
    }
    let (list, types) = (list.join(", "), types.join(", "));
    let (name, alias) = (w.name("w"), w.name("t"));
    w.define(id, alias.clone(), SourceColumns::Written(from));
    let (select, layout) = w.rows(node, Some(format!("{name} as {alias}")))?;
    let text = format!(
        "with {name} as (select {list} from pg_catalog.json_to_recordset({rows}::json) as r({types})) {select}"
    );
    Ok((w.finish(text), layout, columns))
}

impl Writer<'_> {
    /// The columns and rows of an insert, with a blank before.
    fn proposed(
        &mut self,
        relation: &Relation,
        plan: &InsertPlan,
        columns: &[String],
        session: &Session,
    ) -> Result<String> {
        if columns.is_empty() && plan.rows.len() == 1 {
            return Ok(" default values".to_owned());
        }
        if columns.is_empty() {
            let column = column_name(relation, 0)?;
            let rows = vec!["(default)"; plan.rows.len()].join(", ");
            return Ok(match rows.is_empty() {
                true => format!(" ({column}) select null where false"),
                false => format!(" ({column}) values {rows}"),
            });
        }
        let definitions: Vec<&Column> =
            plan.columns.iter().filter_map(|column| relation.columns.get(*column)).collect();
        let columns = columns.join(", ");
        let with_defaults = plan.rows.iter().flatten().any(|cell| *cell == Cell::Default);
        if with_defaults || matches!(plan.rows.as_slice(), [_]) {
            let values = self.values(&definitions, &plan.rows, session)?;
            return Ok(format!(" ({columns}) values {values}"));
        }
        let json = self.param(Param::Text(recordset(&definitions, &plan.rows, session)?));
        let mut types = Vec::with_capacity(definitions.len());
        for (i, column) in definitions.iter().enumerate() {
            types.push(format!("c{i} {}", declared(column)?));
        }
        let list: Vec<String> = (0..definitions.len()).map(|i| format!("r.c{i}")).collect();
        let types = types.join(", ");
        let list = list.join(", ");
        Ok(format!(
            " ({columns}) select {list} from pg_catalog.json_to_recordset({json}::json) as r({types})"
        ))
    }

    /// Rows cell by cell. A parameter without a cast gets the column's type, and the column's length holds.
    fn values(&mut self, columns: &[&Column], rows: &[Vec<Cell>], session: &Session) -> Result<String> {
        if rows.len().saturating_mul(columns.len()) > MAX_PARAMS {
            return Err(EngineError::Sql {
                code: "54000".into(),
                message: format!("a payload with absent values has more than {MAX_PARAMS} values"),
                detail: None,
                hint: Some("Send fewer rows in one request, or give every row the same keys.".into()),
            });
        }
        let mut texts = Vec::with_capacity(rows.len());
        for row in rows {
            let mut cells = Vec::with_capacity(row.len());
            for (cell, column) in row.iter().zip(columns) {
                cells.push(match cell {
                    Cell::Default => "default".to_owned(),
                    Cell::Value(Value::Null) => "null".to_owned(),
                    Cell::Value(Value::Text(text)) => self.param(Param::Text(text.clone())),
                    Cell::Value(value) => {
                        self.param(Param::Text(plinth_values::output::to_text(&column.ty, value.as_ref(), session)))
                    }
                    Cell::Json(json) => match scalar(json, &column.ty) {
                        Scalar::Null => "null".to_owned(),
                        Scalar::Text(text) => self.param(Param::Text(text)),
                        Scalar::Not => {
                            let (json, ty) = (self.param(Param::Text(json.clone())), declared(column)?);
                            let name = self.name("j");
                            format!(
                                "(select {name}.v from pg_catalog.json_to_record(pg_catalog.json_build_object('v', {json}::json)) as {name}(v {ty}))"
                            )
                        }
                    },
                });
            }
            texts.push(format!("({})", cells.join(", ")));
        }
        Ok(texts.join(", "))
    }

    /// A write with what it gives back.
    fn returning(
        mut self,
        text: String,
        alias: &str,
        relation: &Relation,
        plan: &ReturningPlan,
    ) -> Result<(Sql, Layout)> {
        match plan {
            ReturningPlan::Nothing => Ok((self.finish(text), Layout::default())),
            ReturningPlan::Keys(columns) if columns.is_empty() => Ok((self.finish(text), Layout::default())),
            ReturningPlan::Keys(columns) => {
                let keys: Vec<String> = columns
                    .iter()
                    .map(|column| Ok(format!("{alias}.{}", column_name(relation, *column)?)))
                    .collect::<Result<_>>()?;
                Ok((self.finish(format!("{text} returning {}", keys.join(", "))), Layout::default()))
            }
            ReturningPlan::Rows(node) => {
                let FromItem::Relation { id, relation: from, .. } = &node.from else {
                    return Err(internal("a write returns rows of something else than its table"));
                };
                let used = used(node, *id, relation);
                let columns: Vec<String> = used
                    .iter()
                    .map(|column| Ok(format!("{alias}.{}", column_name(relation, *column)?)))
                    .collect::<Result<_>>()?;
                let columns = if columns.is_empty() { "1".to_owned() } else { columns.join(", ") };
                let name = self.name("w");
                let rows = self.name("t");
                self.define(*id, rows.clone(), SourceColumns::Written(*from));
                let (select, layout) = self.rows(node, Some(format!("{name} as {rows}")))?;
                Ok((self.finish(format!("with {name} as ({text} returning {columns}) {select}")), layout))
            }
        }
    }
}

fn on_conflict(relation: &Relation, conflict: &ConflictPlan) -> Result<String> {
    let names = |columns: &[usize]| -> Result<Vec<String>> {
        columns.iter().map(|column| column_name(relation, *column)).collect()
    };
    let target = match conflict.target.as_slice() {
        [] => String::new(),
        columns => format!(" ({})", names(columns)?.join(", ")),
    };
    match conflict.update.as_deref() {
        None | Some([]) => Ok(format!(" on conflict{target} do nothing")),
        Some(columns) => {
            let set: Vec<String> =
                names(columns)?.into_iter().map(|name| format!("{name} = excluded.{name}")).collect();
            // The condition counts the rows that are updated rather than inserted; it always holds.
            Ok(format!(
                " on conflict{target} do update set {} where pg_catalog.set_config('{UPDATED}', (coalesce(nullif(pg_catalog.current_setting('{UPDATED}', true), '')::int8, 0) + 1)::text, true) is not null",
                set.join(", ")
            ))
        }
    }
}

/// The column's type as the database declares it.
fn declared(column: &Column) -> Result<String> {
    match &column.declared {
        Some(declared) => Ok(declared.to_string()),
        None => types::with_modifier(&column.ty, column.modifier),
    }
}

/// The rows as JSON for `json_to_recordset`.
fn recordset(columns: &[&Column], rows: &[Vec<Cell>], session: &Session) -> Result<String> {
    let mut out = Vec::with_capacity(rows.len() * columns.len() * 16);
    out.push(b'[');
    for (i, row) in rows.iter().enumerate() {
        out.extend_from_slice(if i == 0 { b"{" } else { b",{" });
        for (i, (cell, column)) in row.iter().zip(columns).enumerate() {
            if i > 0 {
                out.push(b',');
            }
            out.extend_from_slice(format!("\"c{i}\":").as_bytes());
            match cell {
                Cell::Json(json) => out.extend_from_slice(json.as_bytes()),
                Cell::Value(Value::Null) | Cell::Default => out.extend_from_slice(b"null"),
                Cell::Value(Value::Text(text)) => plinth_values::output::write_json_string(text, &mut out),
                Cell::Value(value) => {
                    let text = plinth_values::output::to_text(&column.ty, value.as_ref(), session);
                    plinth_values::output::write_json_string(&text, &mut out);
                }
            }
        }
        out.push(b'}');
    }
    out.push(b']');
    String::from_utf8(out).map_err(|_| internal("a payload is not text"))
}

/// What a JSON member is to the input function of a type.
enum Scalar {
    Null,
    Text(String),
    /// An object, an array, or a value whose reading is `json_to_record`'s business
    Not,
}

fn scalar(json: &str, ty: &Type) -> Scalar {
    let json = json.trim();
    match json.as_bytes().first() {
        Some(b'n') => Scalar::Null,
        _ if ty.is_json() => Scalar::Text(json.to_owned()),
        Some(b'"') => match serde_json::from_str::<String>(json) {
            Ok(text) if !text.contains('\0') => Scalar::Text(text),
            _ => Scalar::Not,
        },
        _ if matches!(ty, Type::Array(_) | Type::Row(_) | Type::Native(_)) => Scalar::Not,
        Some(b'{' | b'[') | None => Scalar::Not,
        Some(_) => Scalar::Text(json.to_owned()),
    }
}

/// The columns of the written row that a node needs, ascending; all of them where it needs the row as a whole.
fn used(node: &Node, row: SourceId, relation: &Relation) -> Vec<usize> {
    struct Used {
        row: SourceId,
        columns: Vec<usize>,
        whole: bool,
    }
    impl Visitor for Used {
        fn expr(&mut self, expr: &plinth_catalog::expr::Expr) {
            match &expr.kind {
                ExprKind::Column { source, column } if *source == self.row => self.columns.push(*column),
                ExprKind::Native(native) if matches!(**native, Native::Row(id) if id == self.row) => {
                    self.whole = true;
                }
                _ => {}
            }
            walk::walk_expr(self, expr);
        }
    }
    fn visit(node: &Node, used: &mut Used) {
        walk::walk_from_item(used, &node.from);
        let order = node.order.iter().map(|key| &key.expr);
        let groups = node.group_by.iter().chain(&node.having).chain(&node.distinct_on);
        for expr in node.filter.iter().chain(groups).chain(order) {
            used.expr(expr);
        }
        for field in &node.fields {
            match field {
                Field::Value { expr, .. } => used.expr(expr),
                Field::Embed { node, .. } | Field::Spread { node, .. } => visit(node, used),
            }
        }
    }
    let mut used = Used { row, columns: Vec::new(), whole: false };
    visit(node, &mut used);
    if used.whole {
        return (0..relation.columns.len()).collect();
    }
    used.columns.sort_unstable();
    used.columns.dedup();
    used.columns
}
