//! Inserting rows with related rows: one insert after the other, each with the keys that the ones before it have made.

use std::cell::Cell as Place;
use std::collections::HashMap;

use plinth_engine::EngineError;
use plinth_query::plan::{Cell, InsertPlan, TreePlan, TreeStep};
use plinth_values::Value;

use super::{Affected, Proposal, Work, column, foreign_keys, insert};
use crate::error::internal;

/// Runs a tree; gives the rows of its root.
pub(super) fn run(work: &Work<'_>, plan: &TreePlan) -> Result<Affected, EngineError> {
    let more_follows = work.more_follows.replace(true);
    let mut root = None;
    let mut written: Vec<Vec<i64>> = Vec::with_capacity(plan.steps.len());
    for (number, step) in plan.steps.iter().enumerate() {
        let rows = linked(work, plan, step, &written)?;
        let affected = run_step(work, &step.insert, rows, &step.paths)?;
        written.push(affected.rowids.clone());
        if number == plan.root {
            root = Some(affected);
        }
    }
    work.more_follows.set(more_follows);
    if !more_follows {
        foreign_keys::settle_deferred(work)?;
    }
    root.ok_or_else(|| internal("a tree has no root"))
}

/// The rows of a step, with the keys of earlier ones filled in.
fn linked(
    work: &Work<'_>,
    plan: &TreePlan,
    step: &TreeStep,
    written: &[Vec<i64>],
) -> Result<Vec<Vec<Cell>>, EngineError> {
    let mut rows = step.insert.rows.clone();
    let mut keys: HashMap<(usize, usize), Vec<Vec<Value>>> = HashMap::new();
    for link in &step.links {
        let lost = || internal("a row refers to a step that has not run");
        let earlier = plan.steps.get(link.step).ok_or_else(lost)?;
        let rowids = written.get(link.step).ok_or_else(lost)?;
        if rowids.len() != earlier.insert.rows.len() {
            return Err(internal("a row that others refer to was not written"));
        }
        let values = match keys.entry((link.step, link.column)) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(unknown) => {
                let relation = work.relation(earlier.insert.relation)?;
                unknown.insert(work.select(relation, rowids, vec![column(relation, link.column)], None)?)
            }
        };
        for (row, from) in rows.iter_mut().zip(&link.rows) {
            let Some(from) = from else { continue };
            let value = values.get(*from).and_then(|row| row.first()).ok_or_else(lost)?;
            *row.get_mut(link.place).ok_or_else(lost)? = Cell::Value(value.clone());
        }
    }
    Ok(rows)
}

fn run_step(
    work: &Work<'_>,
    plan: &InsertPlan,
    rows: Vec<Vec<Cell>>,
    paths: &[String],
) -> Result<Affected, EngineError> {
    if rows.is_empty() {
        return Ok(Affected::default());
    }
    let proposal = Proposal::of(work, plan)?;
    let at = Place::new(None);
    let affected = insert::rows_at(work, proposal, rows.into_iter(), &at);
    affected.map_err(|error| match at.get().and_then(|at| paths.get(at)) {
        Some(path) => with_place(error, path),
        None => error,
    })
}

/// The same refusal, with the place in the payload.
fn with_place(error: EngineError, path: &str) -> EngineError {
    match error {
        EngineError::Sql { code, message, detail, hint } if !path.is_empty() => {
            let place = format!("In the row {path}.");
            let detail = detail.map_or(place.clone(), |detail| format!("{place} {detail}"));
            EngineError::Sql { code, message, detail: Some(detail), hint }
        }
        other => other,
    }
}
