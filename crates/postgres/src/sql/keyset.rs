//! Pages told by a row: each piece of what lies beyond the place is a search of its own, of as many rows as the page has and one
//! more, which tells that there are more. Without an `or` between them PostgreSQL finds each in an index over the order.

use plinth_catalog::Catalog;
use plinth_catalog::expr::{Expr, OrderBy};
use plinth_query::plan::{Keyset, Node};
use plinth_values::Type;

use super::layout::Layout;
use super::{Form, Result, Sql, Writer, internal, types};
use crate::wire::Format;

/// What stands before the fields in each row of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// The rows are the last ones before the place. Then the first column says how many were found
    pub(crate) backwards: bool,
    /// At most so many rows are the page's; one more may have been found, at the far end
    pub(crate) limit: Option<u64>,
    /// The types in which the order's keys come, a column each
    pub(crate) keys: Vec<Type>,
}

/// A read of a page.
pub(crate) fn page(
    catalog: &Catalog,
    node: &Node,
    keyset: &Keyset,
    form: Form,
) -> Result<(Sql, Layout, Page)> {
    let mut w = Writer::new(catalog, form);
    let backwards = keyset.backwards;
    let searched = order_by(&node.order, backwards);
    let limit = match node.limit {
        Some(limit) => format!(" limit {}", i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1)),
        None => String::new(),
    };
    let pieces: Vec<Option<&Expr>> = match &keyset.beyond {
        None => vec![None],
        Some(beyond) => beyond.iter().map(Some).collect(),
    };
    let mut texts = Vec::with_capacity(pieces.len());
    let mut layout = Layout::default();
    for piece in pieces {
        let (text, columns) = w.piece(node, piece)?;
        texts.push(format!("{text}{searched}{limit}"));
        layout = columns;
    }
    let rows = match texts.as_slice() {
        [only] => only.clone(),
        // The order ends in a key, by which every row has rows beyond it.
        [] => return Err(internal("a place in an order without keys")),
        several => format!("select * from (({})) as u{searched}{limit}", several.join(") union all (")),
    };
    let mut list = Vec::new();
    let mut formats = Vec::new();
    if backwards {
        list.push("count(*) over ()".to_owned());
        formats.push(Format::Binary);
    }
    let mut keys = Vec::with_capacity(node.order.len());
    for (i, key) in node.order.iter().enumerate() {
        // As text wherever there is no binary form: what comes back with a cursor is read as text.
        let (text, format, ty) = types::output(&key.expr.ty, Form::Text, format!("p.o{i}"));
        list.push(text);
        formats.push(format);
        keys.push(ty);
    }
    list.extend((0..layout.formats.len()).map(|i| format!("p.c{i}")));
    formats.append(&mut layout.formats);
    layout.formats = formats;
    let order = order_by(&node.order, false);
    let text = format!("select {} from ({rows}) as p{order}", list.join(", "));
    Ok((w.finish(text), layout, Page { backwards, limit: node.limit, keys }))
}

impl Writer<'_> {
    /// The rows of a piece without their order: the fields as `c0`, `c1`, …, the order's keys as `o0`, `o1`, ….
    fn piece(&mut self, node: &Node, piece: Option<&Expr>) -> Result<(String, Layout)> {
        let from = self.item(&node.from)?;
        let (parts, layout) = self.columns(node)?;
        let named = parts.list.iter().enumerate().map(|(i, text)| format!("{text} as c{i}"));
        let mut list: Vec<String> = named.collect();
        for (i, key) in node.order.iter().enumerate() {
            list.push(format!("{} as o{i}", self.expr(&key.expr)?));
        }
        let conditions: Vec<String> =
            node.filter.iter().chain(piece).map(|filter| self.expr(filter)).collect::<Result<_>>()?;
        let filter = match conditions.is_empty() {
            true => String::new(),
            false => format!(" where {}", conditions.join(" and ")),
        };
        Ok((format!("select {} from {from}{}{filter}", list.join(", "), parts.joins), layout))
    }
}

/// The order by the keys' columns, or its reverse.
fn order_by(order: &[OrderBy], reversed: bool) -> String {
    let keys: Vec<String> = order
        .iter()
        .enumerate()
        .map(|(i, key)| {
            let direction = if key.descending != reversed { "desc" } else { "asc" };
            let nulls = if key.nulls_first != reversed { "first" } else { "last" };
            format!("o{i} {direction} nulls {nulls}")
        })
        .collect();
    format!(" order by {}", keys.join(", "))
}
