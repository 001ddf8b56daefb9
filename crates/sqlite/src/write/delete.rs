//! Deleting: the rows are found first, then removed in portions. Cascades are SQLite's; row security does not apply to them.

use plinth_catalog::RelationId;
use plinth_engine::EngineError;
use plinth_query::plan::DeletePlan;

use super::Work;
use super::foreign_keys::{self, Change};
use super::update::PORTION;
use crate::sql::{self, Rows};
use crate::statement::{Scope, id_list};

/// The rows that a delete plan removes.
pub(super) fn find(work: &Work<'_>, plan: &DeletePlan) -> Result<Vec<i64>, EngineError> {
    let (relation, _) = work.table(plan.relation)?;
    let mut find =
        work.prepare(sql::select_rowids(work.catalog, relation, Rows::Where(plan.filter.as_ref()))?)?;
    let rowids = work.reading(|| find.ids(&work.scope()))?;
    match plan.max_affected {
        Some(limit) if rowids.len() as u64 > limit => {
            Err(EngineError::MaxAffected { rows: rowids.len() as u64 })
        }
        _ => Ok(rowids),
    }
}

/// Removes rows.
pub(super) fn remove(work: &Work<'_>, relation: RelationId, rowids: &[i64]) -> Result<(), EngineError> {
    let (relation, _) = work.table(relation)?;
    if rowids.is_empty() {
        return Ok(());
    }
    let scope = work.scope();
    let change = Change { relation, rowids, set: None, scope: &scope };
    let savepoint = change.savepoint(work)?;
    let mut statement = work.prepare(sql::delete(work.catalog, relation, Rows::Listed)?)?;
    let mut run = || {
        for rowids in rowids.chunks(PORTION) {
            work.interrupt.check()?;
            let list = id_list(rowids);
            statement.ids(&Scope { rowids: &list, ..scope })?;
        }
        Ok(Vec::new())
    };
    let result = run();
    foreign_keys::settle(work, &change, savepoint, result).map(|_| ())
}
