//! Visits every part of a resolved expression or query, those of its subqueries included. How deep they nest is bounded where
//! they are made.

use crate::Statement;
use crate::expr::{
    Distinct, Expr, ExprKind, Frame, FrameBound, FromItem, OrderBy, Over, Quantifiable, Query, QueryBody,
};

/// What is done at each part. A method that is written out calls the `walk_…` function of the same name to go deeper.
pub trait Visitor {
    /// At an expression
    fn expr(&mut self, expr: &Expr) {
        walk_expr(self, expr);
    }
    /// At a query
    fn query(&mut self, query: &Query) {
        walk_query(self, query);
    }
    /// At a source of rows
    #[allow(clippy::wrong_self_convention, reason = "a visit to a `FromItem`, not a conversion")]
    fn from_item(&mut self, item: &FromItem) {
        walk_from_item(self, item);
    }
}

/// Visits the parts of an expression.
pub fn walk_expr<V: Visitor + ?Sized>(visitor: &mut V, expr: &Expr) {
    match &expr.kind {
        ExprKind::Literal(_)
        | ExprKind::Column { .. }
        | ExprKind::Argument(_)
        | ExprKind::Bind(_)
        | ExprKind::Setting(_) => {}
        ExprKind::And(exprs)
        | ExprKind::Or(exprs)
        | ExprKind::Coalesce(exprs)
        | ExprKind::Greatest(exprs)
        | ExprKind::Least(exprs)
        | ExprKind::Array(exprs)
        | ExprKind::Call { args: exprs, .. }
        | ExprKind::UserCall { args: exprs, .. } => walk_exprs(visitor, exprs),
        ExprKind::Not(expr)
        | ExprKind::IsNull { expr, .. }
        | ExprKind::IsBool { expr, .. }
        | ExprKind::Cast { expr, .. } => visitor.expr(expr),
        ExprKind::Compare(_, left, right)
        | ExprKind::IsDistinct { left, right, .. }
        | ExprKind::NullIf(left, right)
        | ExprKind::Index { array: left, index: right } => {
            visitor.expr(left);
            visitor.expr(right);
        }
        ExprKind::Quantified {
            op: Quantifiable::Compare(_) | Quantifiable::Operator(_) | Quantifiable::Native(_),
            left,
            array,
            ..
        } => {
            visitor.expr(left);
            visitor.expr(array);
        }
        ExprKind::Case { whens, otherwise } => {
            for (when, then) in whens {
                visitor.expr(when);
                visitor.expr(then);
            }
            walk_option(visitor, otherwise.as_deref());
        }
        ExprKind::InList { expr, list, .. } => {
            visitor.expr(expr);
            walk_exprs(visitor, list);
        }
        ExprKind::InQuery { exprs, query, .. } => {
            walk_exprs(visitor, exprs);
            visitor.query(query);
        }
        ExprKind::Exists { query, .. } | ExprKind::Scalar(query) | ExprKind::ArrayQuery(query) => {
            visitor.query(query)
        }
        ExprKind::QuantifiedQuery { left, query, .. } => {
            visitor.expr(left);
            visitor.query(query);
        }
        ExprKind::Aggregate { args, order, filter, .. } => {
            walk_exprs(visitor, args);
            walk_order(visitor, order);
            walk_option(visitor, filter.as_deref());
        }
        ExprKind::Window { args, filter, over, .. } => {
            walk_exprs(visitor, args);
            walk_option(visitor, filter.as_deref());
            walk_over(visitor, over);
        }
        ExprKind::Native(native) => native.parts().into_iter().for_each(|part| visitor.expr(part)),
    }
}

fn walk_exprs<V: Visitor + ?Sized>(visitor: &mut V, exprs: &[Expr]) {
    for expr in exprs {
        visitor.expr(expr);
    }
}

fn walk_option<V: Visitor + ?Sized>(visitor: &mut V, expr: Option<&Expr>) {
    if let Some(expr) = expr {
        visitor.expr(expr);
    }
}

fn walk_order<V: Visitor + ?Sized>(visitor: &mut V, order: &[OrderBy]) {
    for key in order {
        visitor.expr(&key.expr);
    }
}

fn walk_over<V: Visitor + ?Sized>(visitor: &mut V, over: &Over) {
    walk_exprs(visitor, &over.partition_by);
    walk_order(visitor, &over.order);
    if let Some(Frame { start, end, .. }) = &over.frame {
        for bound in [start, end] {
            if let FrameBound::Preceding(expr) | FrameBound::Following(expr) = bound {
                visitor.expr(expr);
            }
        }
    }
}

/// Visits the parts of a query.
pub fn walk_query<V: Visitor + ?Sized>(visitor: &mut V, query: &Query) {
    for cte in &query.with {
        visitor.query(&cte.query);
    }
    match &query.body {
        QueryBody::Select(select) => {
            if let Some(from) = &select.from {
                visitor.from_item(from);
            }
            if let Distinct::On(exprs) = &select.distinct {
                walk_exprs(visitor, exprs);
            }
            walk_exprs(visitor, &select.projection);
            walk_option(visitor, select.filter.as_ref());
            walk_exprs(visitor, &select.group_by);
            walk_option(visitor, select.having.as_ref());
        }
        QueryBody::Values(rows) => {
            for row in rows {
                walk_exprs(visitor, row);
            }
        }
        QueryBody::SetOperation { left, right, .. } => {
            visitor.query(left);
            visitor.query(right);
        }
    }
    walk_order(visitor, &query.order);
    walk_option(visitor, query.limit.as_deref());
    walk_option(visitor, query.offset.as_deref());
}

/// Visits the parts of a source of rows.
pub fn walk_from_item<V: Visitor + ?Sized>(visitor: &mut V, item: &FromItem) {
    match item {
        FromItem::Relation { security, .. } => walk_option(visitor, security.as_deref()),
        FromItem::Query { query, .. } => visitor.query(query),
        FromItem::Cte { .. } => {}
        FromItem::Set { args, .. } | FromItem::Function { args, .. } => walk_exprs(visitor, args),
        FromItem::Join { left, right, on, .. } => {
            visitor.from_item(left);
            visitor.from_item(right);
            walk_option(visitor, on.as_ref());
        }
    }
}

/// Visits the parts of a function's statement.
pub fn walk_statement<V: Visitor + ?Sized>(visitor: &mut V, statement: &Statement) {
    let returning = match statement {
        Statement::Query(query) => {
            visitor.query(query);
            return;
        }
        Statement::Insert(insert) => {
            visitor.query(&insert.query);
            if let Some(conflict) = &insert.on_conflict {
                for (_, expr) in conflict.update.iter().flatten() {
                    visitor.expr(expr);
                }
                walk_option(visitor, conflict.filter.as_ref());
            }
            &insert.returning
        }
        Statement::Update(update) => {
            for (_, expr) in &update.set {
                visitor.expr(expr);
            }
            walk_option(visitor, update.filter.as_ref());
            &update.returning
        }
        Statement::Delete(delete) => {
            walk_option(visitor, delete.filter.as_ref());
            &delete.returning
        }
    };
    for (expr, _) in returning {
        visitor.expr(expr);
    }
}
