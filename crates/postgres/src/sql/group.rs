//! Grouping by values of related rows. PostgreSQL takes two subqueries for the same only where they are written alike, and each has
//! names of its own here: such a key is a column beside the rows, and everything that means it refers to that column.

use plinth_catalog::expr::{Expr, ExprKind};

use super::{Result, Writer};

/// A key of groups that is a subquery, and the column that stands for it.
pub(super) struct GroupKey {
    /// The expression in its debug form: unambiguous, and the same for what planning has copied
    expr: String,
    column: String,
}

impl Writer<'_> {
    /// The columns for those keys that are subqueries, as a join with the rows written before; nothing where there are none.
    pub(super) fn group_keys(&mut self, keys: &[Expr]) -> Result<String> {
        let mut list = Vec::new();
        let mut known = Vec::new();
        let alias = self.name("k");
        for key in keys {
            if let ExprKind::Scalar(_) = key.kind
                && self.group_key(key).is_none()
            {
                let name = format!("c{}", list.len());
                list.push(format!("{} as {name}", self.expr(key)?));
                known.push(GroupKey { expr: format!("{key:?}"), column: format!("{alias}.{name}") });
            }
        }
        self.group_keys.append(&mut known);
        Ok(match list.is_empty() {
            true => String::new(),
            // With the offset it is computed once for each row, and not once for each place that refers to it.
            false => format!(" cross join lateral (select {} offset 0) as {alias}", list.join(", ")),
        })
    }

    /// The column that stands for an expression, if one does.
    pub(super) fn group_key(&self, expr: &Expr) -> Option<String> {
        if self.group_keys.is_empty() {
            return None;
        }
        let expr = format!("{expr:?}");
        self.group_keys.iter().find(|key| key.expr == expr).map(|key| key.column.clone())
    }
}
