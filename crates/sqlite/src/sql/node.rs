//! The statements of a [`Node`]: its rows, the count of its rows, and the rows that a write returns.

use plinth_catalog::expr::{Expr, ExprKind, FromItem, OrderBy, SourceId};
use plinth_catalog::{Catalog, quote_ident};
use plinth_query::plan::{Field, Node};
use plinth_values::{Type, Value};

use super::ddl::rowid;
use super::expr::direction;
use super::keyset;
use super::query::{Parts, collated, has_aggregate};
use super::{Param, Result, Source, Sql, Writer, internal, table_name, walk};

/// The statement of one node, without the nodes below it: those have statements of their own, which are given columns of this
/// one's current row as [`Param::Outer`].
#[derive(Clone, Debug)]
pub(crate) struct NodeSql {
    /// The statement
    pub sql: Sql,
    /// How many of the first columns are the node's [`Field::Value`]s, in their order
    pub values: usize,
    /// What inner nodes refer to: the columns after those, in this order
    pub outer: Vec<(SourceId, usize)>,
}

/// The rows of a node.
pub(crate) fn node(catalog: &Catalog, node: &Node) -> Result<NodeSql> {
    let mut w = Writer::new(catalog);
    if let Some(keyset) = &node.keyset {
        return keyset::node(w, node, keyset);
    }
    if !node.distinct_on.is_empty() {
        return distinct_on(w, node);
    }
    let body = w.body(&parts(node))?;
    let Selected { values, outer, list } = selected(&mut w, node)?;
    let order = w.order_by(&node.order)?;
    let page = page(&mut w, node);
    let text = format!("select {}{body}{order}{page}", list.join(", "));
    Ok(NodeSql { sql: w.finish(text), values, outer })
}

/// Of rows that agree in some expressions, the first one in the order.
fn distinct_on(mut w: Writer<'_>, node: &Node) -> Result<NodeSql> {
    let body = w.body(&parts(node))?;
    let Selected { values, outer, list } = selected(&mut w, node)?;
    let keys = node.distinct_on.iter().map(|key| w.key(key)).collect::<Result<Vec<_>>>()?;
    let first = w.order_by(&node.order)?;
    let (keyed, order) = (w.keys(&node.order)?, order_by_keys(&node.order));
    let columns = columns(list.len());
    let list = named(list).chain(keyed).collect::<Vec<_>>().join(", ");
    let number = format!("row_number() over (partition by {}{first}) as n", keys.join(", "));
    let page = page(&mut w, node);
    let text = format!("select {columns} from (select {list}, {number}{body}) where n = 1{order}{page}");
    Ok(NodeSql { sql: w.finish(text), values, outer })
}

impl Writer<'_> {
    /// The keys of an order as columns `o0`, `o1`, ….
    pub(super) fn keys(&mut self, order: &[OrderBy]) -> Result<Vec<String>> {
        order.iter().enumerate().map(|(i, key)| Ok(format!("{} as o{i}", self.expr(&key.expr)?))).collect()
    }
}

/// The order by those columns.
pub(super) fn order_by_keys(order: &[OrderBy]) -> String {
    let keys: Vec<String> = order
        .iter()
        .enumerate()
        .map(|(i, key)| format!("o{i}{}{}", collated(&key.expr.ty), direction(key, true)))
        .collect();
    if keys.is_empty() { String::new() } else { format!(" order by {}", keys.join(", ")) }
}

/// What is selected, as columns `c0`, `c1`, ….
pub(super) fn named(list: Vec<String>) -> impl Iterator<Item = String> {
    list.into_iter().enumerate().map(|(i, text)| format!("{text} as c{i}"))
}

/// `c0, c1, …`
pub(super) fn columns(count: usize) -> String {
    (0..count).map(|i| format!("c{i}")).collect::<Vec<_>>().join(", ")
}

pub(super) fn parts(node: &Node) -> Parts<'_> {
    Parts {
        from: Some(&node.from),
        filter: node.filter.as_ref(),
        group_by: &node.group_by,
        having: node.having.as_ref(),
    }
}

/// The rows of a node that stands for rows just written: those in [`Param::Rowids`], in that order unless the node has one.
pub(crate) fn returning(catalog: &Catalog, node: &Node) -> Result<NodeSql> {
    let FromItem::Relation { id, relation, .. } = &node.from else {
        return Err(internal("a write returns rows of something else than its table"));
    };
    let mut w = Writer::new(catalog);
    let ids = w.param(Param::Rowids);
    let (alias, list) = (w.name("t"), w.name("r"));
    let relation = catalog.relation(*relation);
    // A cross join keeps the loops in this order: one lookup per written row.
    let from = format!(
        " from json_each({ids}) as {list} cross join {} as {alias} on {alias}.{} = {list}.value",
        quote_ident(&table_name(relation)),
        rowid(relation)
    );
    w.push(*id, Source::Table { alias, relation: relation.id, outer: false });
    let filter = match &node.filter {
        Some(filter) => format!(" where ({})", w.expr(filter)?),
        None => String::new(),
    };
    let group = w.group_by(&node.group_by)?;
    let Selected { values, outer, list: select } = selected(&mut w, node)?;
    let select = select.join(", ");
    let order = match w.order_by(&node.order)? {
        order if order.is_empty() && !node.grouped => format!(" order by {list}.key"),
        order => order,
    };
    let page = page(&mut w, node);
    let text = format!("select {select}{from}{filter}{group}{order}{page}");
    Ok(NodeSql { sql: w.finish(text), values, outer })
}

/// How many rows the node has without limit and offset.
pub(crate) fn count(catalog: &Catalog, node: &Node) -> Result<Sql> {
    let mut w = Writer::new(catalog);
    if !node.distinct_on.is_empty() {
        let body = w.body(&Parts { group_by: &node.distinct_on, ..parts(node) })?;
        return Ok(w.finish(format!("select count(*) from (select 1{body})")));
    }
    let body = w.body(&parts(node))?;
    if node.grouped {
        // An aggregate has to stand in the list, or a select without `group by` would not be grouped.
        return Ok(w.finish(format!("select count(*) from (select count(*){body})")));
    }
    Ok(w.finish(format!("select count(*){body}")))
}

fn value_exprs(node: &Node) -> impl Iterator<Item = &Expr> {
    node.fields.iter().filter_map(|field| match field {
        Field::Value { expr, .. } => Some(expr),
        Field::Embed { .. } | Field::Spread { .. } => None,
    })
}

/// What a node selects, and where it is.
pub(super) struct Selected {
    /// How many of the list are the node's values
    pub values: usize,
    /// What the columns after those are
    pub outer: Vec<(SourceId, usize)>,
    /// At least one
    pub list: Vec<String>,
}

/// The values, then the columns that inner nodes need.
pub(super) fn selected(w: &mut Writer<'_>, node: &Node) -> Result<Selected> {
    let own = walk::sources(&node.from);
    let mut outer: Vec<(SourceId, usize)> = Vec::new();
    let mut columns: Vec<Expr> = Vec::new();
    for field in &node.fields {
        let (Field::Embed { node, .. } | Field::Spread { node, .. }) = field else { continue };
        walk::node(node, &mut |expr| {
            if let ExprKind::Column { source, column } = expr.kind
                && own.contains(&source)
                && !outer.contains(&(source, column))
            {
                outer.push((source, column));
                columns.push(expr.clone());
            }
        });
    }
    let mut list = Vec::new();
    for expr in value_exprs(node).chain(&columns) {
        list.push(w.expr(expr)?);
    }
    let values = list.len() - columns.len();
    if node.grouped && node.group_by.is_empty() && !value_exprs(node).any(has_aggregate) {
        // One group, though nothing of it is selected: SQLite groups only where an aggregate stands in the list.
        list.push("count(*)".to_owned());
    }
    if list.is_empty() {
        list.push(w.expr(&Expr::literal(Value::Int(1), Type::Int4))?);
    }
    Ok(Selected { values, outer, list })
}

/// The limit is part of the text, which lets SQLite choose an index for a short page; pages differ by offset, which is bound.
fn page(w: &mut Writer<'_>, node: &Node) -> String {
    let offset = match node.offset {
        0 => None,
        offset => Some(w.param(Param::Value(Value::Int(i64::try_from(offset).unwrap_or(i64::MAX))))),
    };
    match (node.limit, offset) {
        (None, None) => String::new(),
        (None, Some(offset)) => format!(" limit -1 offset {offset}"),
        (Some(limit), offset) => {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let offset = offset.map(|offset| format!(" offset {offset}")).unwrap_or_default();
            format!(" limit {limit}{offset}")
        }
    }
}
