//! Updating. The rows are found first, in a statement that can be interrupted, and then written in portions, so that a write that
//! takes too long ends between two of them.

use plinth_catalog::Relation;
use plinth_catalog::expr::{Expr, ExprKind};
use plinth_engine::EngineError;
use plinth_query::plan::{RowCheck, UpdatePlan};
use plinth_values::Value;

use super::foreign_keys::{self, Change};
use super::{Affected, Work, refused, violation};
use crate::error::internal;
use crate::sql::{self, Rows};
use crate::statement::{Failure, Scope, id_list};

/// Rows written by one statement.
pub(super) const PORTION: usize = 500;

/// Runs an update plan.
pub(super) fn run(work: &Work<'_>, plan: &UpdatePlan) -> Result<Affected, EngineError> {
    let (relation, _) = work.table(plan.relation)?;
    if plan.set.is_empty() {
        return Ok(Affected::default());
    }
    let scope = work.scope();
    let mut find =
        work.prepare(sql::select_rowids(work.catalog, relation, Rows::Where(plan.filter.as_ref()))?)?;
    let rowids = work.reading(|| find.ids(&scope))?;
    if let Some(limit) = plan.max_affected
        && rowids.len() as u64 > limit
    {
        return Err(EngineError::MaxAffected { rows: rowids.len() as u64 });
    }
    if rowids.is_empty() {
        return Ok(Affected::default());
    }
    if let Some(check) = first_failure(work, relation, &plan.set, &rowids, &plan.checks, &scope)? {
        return Err(refused(relation, check, ""));
    }
    let change = Change { relation, rowids: &rowids, set: Some(&plan.set), scope: &scope };
    let savepoint = change.savepoint(work)?;
    let written = apply(work, relation, &plan.set, &rowids, &scope);
    let written = foreign_keys::settle(work, &change, savepoint, written)?;
    Ok(Affected { rowids: written, inserted: 0 })
}

/// The first check that one of the rows would not pass after the update.
pub(super) fn first_failure<'c>(
    work: &Work<'_>,
    relation: &Relation,
    set: &[(usize, Expr)],
    rowids: &[i64],
    checks: &'c [RowCheck],
    scope: &Scope<'_>,
) -> Result<Option<&'c RowCheck>, EngineError> {
    if checks.is_empty() {
        return Ok(None);
    }
    let conditions: Vec<&Expr> = checks.iter().map(|check| &check.condition).collect();
    let sql = sql::check_update(work.catalog, relation, set, Rows::Listed, &conditions)?;
    let mut statement = work.prepare(sql)?;
    let list = id_list(rowids);
    let failed = work.reading(|| statement.ids(&Scope { rowids: &list, ..*scope }))?;
    match failed.first() {
        None => Ok(None),
        Some(number) => {
            let check = usize::try_from(*number).ok().and_then(|number| checks.get(number));
            check.map(Some).ok_or_else(|| internal("a check that does not exist has failed"))
        }
    }
}

/// Changes the rows; gives their ids afterwards. Every failure is explained but that of a foreign key.
pub(super) fn apply(
    work: &Work<'_>,
    relation: &Relation,
    set: &[(usize, Expr)],
    rowids: &[i64],
    scope: &Scope<'_>,
) -> Result<Vec<i64>, Failure> {
    refuse_nulls(work, relation, set, rowids, scope)?;
    let mut statement = work.prepare(sql::update(work.catalog, relation, set, Rows::Listed)?)?;
    // A value that is looked up must not see what an earlier portion has changed.
    let portion = if set.iter().all(|(_, value)| is_of_row(value)) { PORTION } else { rowids.len().max(1) };
    let mut written = Vec::with_capacity(rowids.len());
    for rowids in rowids.chunks(portion) {
        work.interrupt.check()?;
        let list = id_list(rowids);
        match statement.ids(&Scope { rowids: &list, ..*scope }) {
            Ok(ids) => written.extend(ids),
            Err(failure) => return Err(explain(work, relation, set, rowids, scope, failure)),
        }
    }
    Ok(written)
}

/// Whether a value depends on the row and the request alone.
fn is_of_row(value: &Expr) -> bool {
    match &value.kind {
        ExprKind::Literal(_) | ExprKind::Bind(_) | ExprKind::Setting(_) | ExprKind::Column { .. } => true,
        ExprKind::Call { args, .. } => args.iter().all(is_of_row),
        ExprKind::Cast { expr, .. } => is_of_row(expr),
        _ => false,
    }
}

/// A given null for a column that has none is refused before anything is written.
fn refuse_nulls(
    work: &Work<'_>,
    relation: &Relation,
    set: &[(usize, Expr)],
    rowids: &[i64],
    scope: &Scope<'_>,
) -> Result<(), EngineError> {
    let nullable = |column: usize| relation.columns.get(column).is_none_or(|column| column.nullable);
    let given_null = |value: &Expr| match &value.kind {
        ExprKind::Literal(value) => value.is_null(),
        ExprKind::Bind(n) => work.values.get(*n).is_some_and(|(_, value)| value.is_null()),
        _ => false,
    };
    let null = set.iter().any(|(column, value)| !nullable(*column) && given_null(value));
    match rowids.first() {
        Some(first) if null => {
            let row = changed_row(work, relation, set, *first, scope)?;
            violation::nulls(work, relation, &row, |column| set.iter().any(|(changed, _)| *changed == column))
        }
        _ => Ok(()),
    }
}

/// Finds the row that a portion failed for, and why. The failed statement has left no trace.
fn explain(
    work: &Work<'_>,
    relation: &Relation,
    set: &[(usize, Expr)],
    rowids: &[i64],
    scope: &Scope<'_>,
    failure: Failure,
) -> Failure {
    if failure.constraint().is_none() || violation::is_foreign_key(&failure) {
        return failure;
    }
    match find_failing(work, relation, set, rowids, scope) {
        Ok(Some((row, failure))) => violation::of_row(work, relation, &row, failure).into(),
        Ok(None) => violation::of_row(work, relation, &[], failure).into(),
        Err(error) => error.into(),
    }
}

fn find_failing(
    work: &Work<'_>,
    relation: &Relation,
    set: &[(usize, Expr)],
    rowids: &[i64],
    scope: &Scope<'_>,
) -> Result<Option<(Vec<Value>, Failure)>, EngineError> {
    let mut statement = work.prepare(sql::update(work.catalog, relation, set, Rows::Listed)?)?;
    for rowid in rowids {
        let row = changed_row(work, relation, set, *rowid, scope)?;
        let list = id_list(&[*rowid]);
        if let Err(failure) = statement.ids(&Scope { rowids: &list, ..*scope }) {
            return Ok(Some((row, failure)));
        }
    }
    Ok(None)
}

/// A row as the update would leave it.
pub(super) fn changed_row(
    work: &Work<'_>,
    relation: &Relation,
    set: &[(usize, Expr)],
    rowid: i64,
    scope: &Scope<'_>,
) -> Result<Vec<Value>, EngineError> {
    let mut row = work.row(relation, rowid)?;
    let exprs: Vec<&Expr> = set.iter().map(|(_, value)| value).collect();
    let mut statement = work.prepare(sql::exprs(work.catalog, Some(relation), &exprs)?)?;
    let values = statement.row(&Scope { cells: &row, ..*scope })?.unwrap_or_default();
    for ((column, _), value) in set.iter().zip(values) {
        if let Some(cell) = row.get_mut(*column) {
            *cell = value;
        }
    }
    work.generate(relation, &mut row)?;
    Ok(row)
}
