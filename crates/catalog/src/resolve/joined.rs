//! `update … from` and `delete … using`: the rows of other tables, as conditions and values of the row that is changed. A row is
//! changed when it joins with any of them, and takes its values from one of those it joins with, as in PostgreSQL.

use plinth_values::{Type, Value};
use sqlparser::ast;

use super::from::Source;
use super::scope::Names;
use super::{Result, Work};
use crate::expr::{Distinct, Expr, ExprKind, FromItem, Query, Select, SourceId};
use crate::walk::{Visitor, walk_expr};

/// The tables beside the one that a statement changes.
pub(super) struct Beside {
    item: FromItem,
    /// Their names
    pub names: Names,
}

impl Work<'_> {
    /// The tables of `from` or `using`; none for none.
    pub(super) fn beside(&self, target: &Names, list: &[ast::TableWithJoins]) -> Result<Option<Beside>> {
        let Some(Source { item, names }) = self.from(None, list)? else { return Ok(None) };
        let twice =
            names.tables.iter().find(|table| target.tables.iter().any(|known| known.name == table.name));
        if let (Some(table), Some(at)) = (twice, list.first()) {
            let message = format!("table name \"{}\" specified more than once", table.name);
            return Err(self.refuse(at, message));
        }
        Ok(Some(Beside { item, names }))
    }

    /// The condition on the changed row alone: that it joins.
    pub(super) fn joins(&self, beside: &Beside, filter: Option<Expr>) -> Expr {
        let one = Expr::literal(Value::Int(1), Type::Int4);
        let query = Box::new(beside.rows(one, filter, false));
        Expr::boolean(ExprKind::Exists { query, negated: false })
    }

    /// A value of the changed row: of what it joins with, where it is about that.
    pub(super) fn joined_value(&self, beside: &Beside, filter: Option<&Expr>, value: Expr) -> Expr {
        if !beside.is_named_in(&value) {
            return value;
        }
        let ty = value.ty.clone();
        let query = beside.rows(value, filter.cloned(), true);
        Expr { kind: ExprKind::Scalar(Box::new(query)), ty }
    }
}

impl Beside {
    /// Whether an expression names a column of these tables.
    pub(super) fn is_named_in(&self, expr: &Expr) -> bool {
        let mut finder =
            Finder { sources: self.names.tables.iter().map(|table| table.source).collect(), found: false };
        finder.expr(expr);
        finder.found
    }

    fn rows(&self, value: Expr, filter: Option<Expr>, one: bool) -> Query {
        let columns = vec![("value".to_owned(), value.ty.clone())];
        let select = Select {
            distinct: Distinct::No,
            projection: vec![value],
            from: Some(self.item.clone()),
            filter,
            group_by: Vec::new(),
            grouped: false,
            having: None,
        };
        let limit = one.then(|| Box::new(Expr::literal(Value::Int(1), Type::Int8)));
        Query { limit, ..Query::of_select(select, columns) }
    }
}

struct Finder {
    sources: Vec<SourceId>,
    found: bool,
}

impl Visitor for Finder {
    fn expr(&mut self, expr: &Expr) {
        if let ExprKind::Column { source, .. } = &expr.kind {
            self.found |= self.sources.contains(source);
        }
        walk_expr(self, expr);
    }
}
