//! Pages told by a row: each piece of what lies beyond the place is a search of its own, of as many rows as the page has and one
//! more, which tells that there are more. Without an `or` between them SQLite finds each in an index over the order.

use plinth_catalog::expr::{Expr, OrderBy};
use plinth_query::plan::{Keyset, Node};

use super::node::{NodeSql, Selected, columns, named, order_by_keys, parts, selected};
use super::query::Parts;
use super::{Result, Writer};

/// The rows of such a node. Behind its other columns stand the order's keys; backwards, behind those, how many rows were found.
pub(super) fn node(mut w: Writer<'_>, node: &Node, keyset: &Keyset) -> Result<NodeSql> {
    let order = direct(&node.order, keyset.backwards);
    let limit = match node.limit {
        Some(limit) => format!(" limit {}", i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1)),
        None => String::new(),
    };
    let pieces: Vec<Option<&Expr>> = match &keyset.beyond {
        None => vec![None],
        Some(beyond) => beyond.iter().map(Some).collect(),
    };
    let mut texts = Vec::with_capacity(pieces.len());
    let mut shape = (0, Vec::new(), 0);
    for piece in pieces {
        let filter = match (&node.filter, piece) {
            (Some(filter), Some(piece)) => Some(Expr::and([filter.clone(), piece.clone()])),
            (filter, piece) => filter.as_ref().or(piece).cloned(),
        };
        let (text, selected) = w.scoped(|w| {
            let body = w.body(&Parts { filter: filter.as_ref(), ..parts(node) })?;
            let Selected { values, outer, list } = selected(w, node)?;
            let keys = w.keys(&node.order)?;
            let order = w.order_by(&order)?;
            let width = list.len();
            let list = named(list).chain(keys).collect::<Vec<_>>().join(", ");
            Ok((format!("select {list}{body}{order}{limit}"), (values, outer, width)))
        })?;
        texts.push(text);
        shape = selected;
    }
    let (values, outer, width) = shape;
    let keys: String = (0..node.order.len()).map(|i| format!(", o{i}")).collect();
    let columns = format!("{}{keys}", columns(width));
    let there = order_by_keys(&order);
    let rows = match texts.as_slice() {
        [only] => only.clone(),
        // The order ends in a key, by which every row has rows beyond it.
        [] => return Err(super::internal("a place in an order without keys")),
        several => {
            let all: Vec<String> = several.iter().map(|text| format!("select * from ({text})")).collect();
            format!("select {columns} from ({}){there}{limit}", all.join(" union all "))
        }
    };
    let text = match keyset.backwards {
        false => rows,
        true => {
            let forwards = order_by_keys(&node.order);
            format!(
                "select {columns}, n from (select {columns}, count(*) over () as n from ({rows})){forwards}"
            )
        }
    };
    Ok(NodeSql { sql: w.finish(text), values, outer })
}

/// The order in which the rows are searched.
fn direct(order: &[OrderBy], backwards: bool) -> Vec<OrderBy> {
    let turned = |key: &OrderBy| OrderBy {
        expr: key.expr.clone(),
        descending: key.descending != backwards,
        nulls_first: key.nulls_first != backwards,
    };
    order.iter().map(turned).collect()
}
