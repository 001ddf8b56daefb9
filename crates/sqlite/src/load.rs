//! Loading many rows into a table in one transaction: seeds, and tables made anew. The service's own work: constraints hold, row
//! security does not.

use std::cell::Cell as Flag;
use std::collections::BTreeMap;
use std::sync::Arc;

use plinth_catalog::{Catalog, RelationId};
use plinth_engine::{Engine, EngineError};
use plinth_query::Caller;
use plinth_query::plan::Cell;
use plinth_values::Value;

use crate::engine::SqliteEngine;
use crate::error::internal;
use crate::interrupt::Interrupt;
use crate::write::{Inserter, Proposal, Work, settle_deferred};
use crate::writer::State;

/// Where rows go.
pub(crate) struct Seed<'s> {
    pub(crate) relation: RelationId,
    /// The columns that rows bring
    pub(crate) columns: &'s [usize],
    pub(crate) caller: &'s Caller,
}

/// Rows for one table.
pub struct Batch {
    /// The table
    pub relation: RelationId,
    /// The columns that the rows bring
    pub columns: Vec<usize>,
    /// The rows, each with a cell for each of the columns
    pub rows: Vec<Vec<Cell>>,
}

impl SqliteEngine {
    /// Loads rows into tables, all or none; gives their number. Foreign keys are looked at when all are there, so the order of the
    /// tables is free. Identity columns go on above the largest number loaded.
    pub fn load(&self, batches: Vec<Batch>) -> Result<u64, EngineError> {
        let catalog = self.catalog();
        self.writer.serve(move |state| {
            let caller = Caller::with_role("service_role");
            state.transaction(|state| {
                let mut loaded = 0;
                for Batch { relation, columns, rows } in batches {
                    let seed = Seed { relation, columns: &columns, caller: &caller };
                    loaded += self::rows(state, &catalog, &seed, rows.into_iter().map(Ok))?;
                }
                settle(state, &catalog, &caller)?;
                Ok(loaded)
            })
        })?
    }
}

/// Looks at the foreign keys of everything that was loaded.
fn settle(state: &State, catalog: &Arc<Catalog>, caller: &Caller) -> Result<(), EngineError> {
    let interrupt = Interrupt::never();
    settle_deferred(&work(state, catalog, caller, &interrupt))
}

fn work<'w>(
    state: &'w State,
    catalog: &'w Arc<Catalog>,
    caller: &'w Caller,
    interrupt: &'w Arc<Interrupt>,
) -> Work<'w> {
    Work {
        database: &state.database,
        catalog,
        values: &[],
        caller,
        interrupt,
        sequences: &state.sequences,
        max_bytes: state.options.max_response_bytes,
        more_follows: Flag::new(false),
    }
}

/// Loads rows inside the open transaction. Foreign keys are not looked at.
pub(crate) fn rows(
    state: &State,
    catalog: &Arc<Catalog>,
    seed: &Seed<'_>,
    rows: impl Iterator<Item = Result<Vec<Cell>, EngineError>>,
) -> Result<u64, EngineError> {
    let relation = catalog.relations.get(seed.relation.0 as usize);
    let relation = relation.ok_or_else(|| internal("rows are loaded into a table that does not exist"))?;
    state.database.begin_request(&seed.caller.session);
    let interrupt = Interrupt::never();
    let work = work(state, catalog, seed.caller, &interrupt);
    let proposal = Proposal {
        relation,
        columns: seed.columns,
        defaults: &[],
        checks: &[],
        conflict: None,
        overriding: true,
    };
    let is_numbered =
        |index: &usize| relation.columns.get(*index).is_some_and(|column| column.identity.is_some());
    let mut largest: BTreeMap<usize, i64> =
        seed.columns.iter().copied().filter(is_numbered).map(|index| (index, 0)).collect();
    let mut inserter = Inserter::new(&work, proposal)?;
    for row in rows {
        let row = inserter.complete(row?)?;
        for (index, largest) in &mut largest {
            if let Some(Value::Int(number)) = row.get(*index) {
                *largest = (*largest).max(*number);
            }
        }
        inserter.write(row)?;
    }
    for (index, number) in largest {
        state.sequences.borrow_mut().raise(&state.database.connection, relation, index, number)?;
    }
    Ok(inserter.finish_unsettled().inserted)
}
