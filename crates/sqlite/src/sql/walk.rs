//! Looking into expressions and queries: which sources they define and refer to, whether evaluating can fail, and whether row
//! security stands inside. The catalog's walk decides what is inside.

use plinth_catalog::Statement;
use plinth_catalog::expr::{Expr, ExprKind, FromItem, Quantifiable, Query, QueryBody, SourceId};
use plinth_catalog::walk::{Visitor, walk_expr, walk_from_item, walk_query, walk_statement};
use plinth_query::plan::{Field, Node};
use plinth_values::builtin::Volatility;

use super::call;

/// Shows every expression, those of subqueries included, to a function.
struct Each<'v>(&'v mut dyn FnMut(&Expr));

impl Visitor for Each<'_> {
    fn expr(&mut self, expr: &Expr) {
        (self.0)(expr);
        walk_expr(self, expr);
    }
}

/// Shows an expression and every expression inside it.
pub(super) fn expr(e: &Expr, visit: &mut dyn FnMut(&Expr)) {
    Each(visit).expr(e);
}

/// The columns of the row ([`SourceId::ROW`]) that an expression reads, each once, ascending.
pub(crate) fn row_columns(e: &Expr) -> Vec<usize> {
    let mut columns = Vec::new();
    expr(e, &mut |part| {
        if let ExprKind::Column { source: SourceId::ROW, column } = part.kind {
            columns.push(column);
        }
    });
    columns.sort_unstable();
    columns.dedup();
    columns
}

/// Shows every expression of a query.
pub(super) fn query(q: &Query, visit: &mut dyn FnMut(&Expr)) {
    walk_query(&mut Each(visit), q);
}

/// Shows every expression of a function's statement.
pub(super) fn statement(s: &Statement, visit: &mut dyn FnMut(&Expr)) {
    walk_statement(&mut Each(visit), s);
}

/// Shows every expression of a node and the nodes below it.
pub(super) fn node(n: &Node, visit: &mut dyn FnMut(&Expr)) {
    walk_from_item(&mut Each(visit), &n.from);
    let order = n.order.iter().map(|key| &key.expr);
    let beyond = n.keyset.iter().flat_map(|keyset| keyset.beyond.iter().flatten());
    let groups = n.group_by.iter().chain(&n.having).chain(&n.distinct_on);
    for e in n.filter.iter().chain(groups).chain(beyond).chain(order) {
        expr(e, visit);
    }
    for field in &n.fields {
        match field {
            Field::Value { expr: e, .. } => expr(e, visit),
            Field::Embed { node: inner, .. } | Field::Spread { node: inner, .. } => node(inner, visit),
        }
    }
}

/// The sources that an item of `from` defines.
pub(super) fn sources(item: &FromItem) -> Vec<SourceId> {
    match item {
        FromItem::Relation { id, .. }
        | FromItem::Query { id, .. }
        | FromItem::Cte { id, .. }
        | FromItem::Set { id, .. }
        | FromItem::Function { id, .. } => vec![*id],
        FromItem::Join { left, right, .. } => {
            let mut ids = sources(left);
            ids.extend(sources(right));
            ids
        }
    }
}

/// Whether a query refers to one of these sources.
pub(super) fn refers(q: &Query, ids: &[SourceId]) -> bool {
    let mut found = false;
    query(q, &mut |e| found |= matches!(&e.kind, ExprKind::Column { source, .. } if ids.contains(source)));
    found
}

/// Whether evaluating may end in an error that depends on a row's values. PostgreSQL calls such functions not leakproof: they must
/// not see rows that row security hides.
pub(super) fn is_fallible(e: &Expr) -> bool {
    let mut found = false;
    expr(e, &mut |e| found |= fails(e));
    found
}

/// The same for what depends on the row of a written table ([`SourceId::ROW`]).
pub(super) fn is_fallible_for_row(e: &Expr) -> bool {
    let mut found = false;
    expr(e, &mut |e| found |= fails(e) && !row_columns(e).is_empty());
    found
}

/// Whether anything in a query may end in such an error.
pub(super) fn is_fallible_query(q: &Query) -> bool {
    let mut found = false;
    query(q, &mut |e| found |= fails(e));
    found
}

/// Whether a condition that joins these may end in such an error.
pub(super) fn joins_fallibly(item: &FromItem) -> bool {
    match item {
        FromItem::Join { left, right, on, .. } => {
            on.as_ref().is_some_and(is_fallible) || joins_fallibly(left) || joins_fallibly(right)
        }
        FromItem::Relation { .. }
        | FromItem::Query { .. }
        | FromItem::Cte { .. }
        | FromItem::Set { .. }
        | FromItem::Function { .. } => false,
    }
}

fn fails(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Call { builtin, .. } => !call::never_fails(builtin),
        ExprKind::Cast { expr, modifier, .. } => !call::is_native_cast(&expr.ty, &e.ty, *modifier),
        ExprKind::Quantified { op: Quantifiable::Operator(builtin), .. } => !call::never_fails(builtin),
        ExprKind::UserCall { .. } | ExprKind::Scalar(_) => true,
        _ => false,
    }
}

/// Whether rows of a query's own sources are hidden by row security.
pub(super) fn has_security(q: &Query) -> bool {
    fn item(i: &FromItem) -> bool {
        match i {
            FromItem::Relation { security, .. } => security.is_some(),
            FromItem::Query { query, .. } => has_security(query),
            FromItem::Join { left, right, .. } => item(left) || item(right),
            FromItem::Cte { .. } | FromItem::Set { .. } | FromItem::Function { .. } => false,
        }
    }
    let body = match &q.body {
        QueryBody::Select(s) => s.from.as_ref().is_some_and(item),
        QueryBody::Values(_) => false,
        QueryBody::SetOperation { left, right, .. } => has_security(left) || has_security(right),
    };
    body || q.with.iter().any(|cte| has_security(&cte.query))
}

/// Whether a query computes something for its columns that can fail.
pub(super) fn projects_fallible(q: &Query) -> bool {
    match &q.body {
        QueryBody::Select(s) => s.projection.iter().any(is_fallible),
        QueryBody::Values(rows) => rows.iter().flatten().any(is_fallible),
        QueryBody::SetOperation { left, right, .. } => projects_fallible(left) || projects_fallible(right),
    }
}

/// Whether a query may give another result when it is evaluated again.
pub(super) fn is_volatile(q: &Query) -> bool {
    let mut found = false;
    query(q, &mut |e| {
        found |=
            matches!(&e.kind, ExprKind::Call { builtin, .. } if builtin.volatility == Volatility::Volatile);
    });
    found
}
