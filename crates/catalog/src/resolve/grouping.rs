//! PostgreSQL's rule for grouped queries: outside of aggregates, only what is grouped by, or what a grouped primary key
//! determines.

use plinth_values::Value;

use super::diagnose::Place;
use super::scope::Table;
use super::{Result, Work};
use crate::expr::{Expr, ExprKind, OrderBy, Quantifiable, Query, SourceId};
use crate::walk::{self, Visitor};

/// Whether two expressions are the same. Subqueries are never taken for the same.
pub(super) fn same(a: &Expr, b: &Expr) -> bool {
    let all = |a: &[Expr], b: &[Expr]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b));
    let option = |a: &Option<Box<Expr>>, b: &Option<Box<Expr>>| match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => same(a, b),
        _ => false,
    };
    use ExprKind as K;
    a.ty == b.ty
        && match (&a.kind, &b.kind) {
            (K::Literal(a), K::Literal(b)) => same_value(a, b),
            (K::Column { source, column }, K::Column { source: other_source, column: other }) => {
                source == other_source && column == other
            }
            (K::Argument(a), K::Argument(b)) | (K::Bind(a), K::Bind(b)) => a == b,
            (K::Setting(a), K::Setting(b)) => a == b,
            (K::And(a), K::And(b))
            | (K::Or(a), K::Or(b))
            | (K::Coalesce(a), K::Coalesce(b))
            | (K::Greatest(a), K::Greatest(b))
            | (K::Least(a), K::Least(b))
            | (K::Array(a), K::Array(b)) => all(a, b),
            (K::Not(a), K::Not(b)) => same(a, b),
            (K::Compare(op, a, b), K::Compare(other, c, d)) => op == other && same(a, c) && same(b, d),
            (K::NullIf(a, b), K::NullIf(c, d)) => same(a, c) && same(b, d),
            (K::Index { array, index }, K::Index { array: other, index: at }) => {
                same(array, other) && same(index, at)
            }
            (
                K::IsDistinct { left, right, negated },
                K::IsDistinct { left: other_left, right: other_right, negated: other },
            ) => negated == other && same(left, other_left) && same(right, other_right),
            (K::IsNull { expr, negated }, K::IsNull { expr: other, negated: n }) => {
                negated == n && same(expr, other)
            }
            (
                K::IsBool { expr, value, negated },
                K::IsBool { expr: other, value: other_value, negated: other_negated },
            ) => value == other_value && negated == other_negated && same(expr, other),
            (K::Call { builtin, args }, K::Call { builtin: other, args: other_args }) => {
                builtin.id == other.id && all(args, other_args)
            }
            (K::UserCall { function, args }, K::UserCall { function: other, args: other_args }) => {
                function == other && all(args, other_args)
            }
            (K::Case { whens, otherwise }, K::Case { whens: other_whens, otherwise: other }) => {
                let pairs = whens.iter().zip(other_whens);
                whens.len() == other_whens.len()
                    && pairs.into_iter().all(|((a, b), (c, d))| same(a, c) && same(b, d))
                    && option(otherwise, other)
            }
            (
                K::Cast { expr, modifier, explicit },
                K::Cast { expr: other, modifier: other_modifier, explicit: other_explicit },
            ) => modifier == other_modifier && explicit == other_explicit && same(expr, other),
            (K::InList { expr, list, negated }, K::InList { expr: other, list: others, negated: n }) => {
                negated == n && same(expr, other) && all(list, others)
            }
            (
                K::Quantified { op, all, left, array },
                K::Quantified { op: other_op, all: other_all, left: other_left, array: other_array },
            ) => {
                let same_op = match (op, other_op) {
                    (Quantifiable::Compare(a), Quantifiable::Compare(b)) => a == b,
                    (Quantifiable::Operator(a), Quantifiable::Operator(b)) => a.id == b.id,
                    _ => false,
                };
                same_op && all == other_all && same(left, other_left) && same(array, other_array)
            }
            (
                K::Aggregate { builtin, args, distinct, order, filter },
                K::Aggregate {
                    builtin: other,
                    args: other_args,
                    distinct: other_distinct,
                    order: other_order,
                    filter: other_filter,
                },
            ) => {
                builtin.id == other.id
                    && distinct == other_distinct
                    && all(args, other_args)
                    && same_order(order, other_order)
                    && option(filter, other_filter)
            }
            _ => false,
        }
}

fn same_order(a: &[OrderBy], b: &[OrderBy]) -> bool {
    let same_key = |(a, b): (&OrderBy, &OrderBy)| {
        a.descending == b.descending && a.nulls_first == b.nulls_first && same(&a.expr, &b.expr)
    };
    a.len() == b.len() && a.iter().zip(b).all(same_key)
}

fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    }
}

/// Whether an aggregate of this query is in the expression.
pub(super) fn has_aggregate(expr: &Expr) -> bool {
    struct Finder(bool);
    impl Visitor for Finder {
        fn expr(&mut self, expr: &Expr) {
            if matches!(expr.kind, ExprKind::Aggregate { .. }) {
                self.0 = true;
            } else {
                walk::walk_expr(self, expr);
            }
        }
        fn query(&mut self, _: &Query) {}
    }
    let mut finder = Finder(false);
    finder.expr(expr);
    finder.0
}

/// Looks for a column that is neither grouped by nor determined by what is.
struct Ungrouped<'g> {
    groups: &'g [Expr],
    /// Sources all of whose columns are determined
    determined: Vec<SourceId>,
    tables: &'g [Table],
    in_query: bool,
    found: Option<(String, bool)>,
}

impl Visitor for Ungrouped<'_> {
    fn expr(&mut self, expr: &Expr) {
        if self.found.is_some() || self.groups.iter().any(|group| same(group, expr)) {
            return;
        }
        match &expr.kind {
            // An aggregate of this query takes the rows of the group; one inside a subquery is that query's.
            ExprKind::Aggregate { .. } if !self.in_query => {}
            ExprKind::Column { source, column } => {
                let table = self.tables.iter().find(|table| table.source == *source);
                if let Some(table) = table.filter(|_| !self.determined.contains(source)) {
                    let column = table.columns.get(*column).map_or("", |(name, _)| name);
                    self.found = Some((format!("{}.{column}", table.name), self.in_query));
                }
            }
            _ => walk::walk_expr(self, expr),
        }
    }

    fn query(&mut self, query: &Query) {
        let before = std::mem::replace(&mut self.in_query, true);
        walk::walk_query(self, query);
        self.in_query = before;
    }
}

impl Work<'_> {
    /// Refuses the first expression that uses a column it may not.
    pub(super) fn require_grouped<'g>(
        &self,
        at: &impl Place,
        tables: &'g [Table],
        groups: &'g [Expr],
        exprs: impl IntoIterator<Item = &'g Expr>,
    ) -> Result<()> {
        let determined =
            tables.iter().filter(|table| self.is_determined(table, groups)).map(|table| table.source);
        let mut finder =
            Ungrouped { groups, determined: determined.collect(), tables, in_query: false, found: None };
        exprs.into_iter().for_each(|expr| finder.expr(expr));
        match finder.found {
            None => Ok(()),
            Some((column, true)) => {
                Err(self.refuse(at, format!("subquery uses ungrouped column \"{column}\" from outer query")))
            }
            Some((column, false)) => {
                let message = format!(
                    "column \"{column}\" must appear in the GROUP BY clause or be used in an aggregate function"
                );
                Err(self.refuse(at, message))
            }
        }
    }

    /// Whether the groups contain the table's whole primary key.
    fn is_determined(&self, table: &Table, groups: &[Expr]) -> bool {
        let relation = table.relation.map(|id| self.catalog.relation(id));
        let key = relation.and_then(|relation| relation.table()).and_then(|t| t.primary_key.as_ref());
        key.is_some_and(|key| {
            key.columns.iter().all(|wanted| {
                groups.iter().any(|group| {
                    matches!(&group.kind, ExprKind::Column { source, column }
                        if *source == table.source && column == wanted)
                })
            })
        })
    }
}
