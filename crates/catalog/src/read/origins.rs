//! For each column of a view, the table column that it shows unchanged: through subqueries, common table expressions and other
//! views, as PostgreSQL's `resorigtbl` and `resorigcol` say it.

use crate::expr::{Cte, ExprKind, FromItem, Query, QueryBody, SourceId};
use crate::{Catalog, RelationId, RelationKind};

/// One per column of the query.
pub(super) fn origins(catalog: &Catalog, query: &Query) -> Vec<Option<(RelationId, usize)>> {
    (0..query.columns.len()).map(|column| origin(catalog, &mut Vec::new(), query, column)).collect()
}

fn origin<'q>(
    catalog: &Catalog,
    ctes: &mut Vec<&'q Cte>,
    query: &'q Query,
    column: usize,
) -> Option<(RelationId, usize)> {
    let QueryBody::Select(select) = &query.body else { return None };
    let ExprKind::Column { source, column } = select.projection.get(column)?.kind else { return None };
    ctes.extend(&query.with);
    match find(select.from.as_ref()?, source)? {
        FromItem::Relation { relation, .. } => match &catalog.relation(*relation).kind {
            RelationKind::Table(_) => Some((*relation, column)),
            RelationKind::View(view) => view.origins.get(column).copied().flatten(),
        },
        FromItem::Query { query, .. } => origin(catalog, ctes, query, column),
        FromItem::Cte { cte, .. } => {
            let cte = *ctes.iter().find(|known| known.id == *cte)?;
            if cte.recursive { None } else { origin(catalog, ctes, &cte.query, column) }
        }
        FromItem::Set { .. } | FromItem::Function { .. } | FromItem::Join { .. } => None,
    }
}

fn find(item: &FromItem, source: SourceId) -> Option<&FromItem> {
    match item {
        FromItem::Relation { id, .. }
        | FromItem::Query { id, .. }
        | FromItem::Cte { id, .. }
        | FromItem::Set { id, .. }
        | FromItem::Function { id, .. } => (*id == source).then_some(item),
        FromItem::Join { left, right, .. } => find(left, source).or_else(|| find(right, source)),
    }
}
