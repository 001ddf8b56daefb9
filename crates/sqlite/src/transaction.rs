//! Several plans in one transaction: inside the writer's when one of them writes or the answer is remembered, on a reader's snapshot
//! otherwise. Not responsible for the transaction itself, which is `writer`'s and `readers`'.

use std::cell::Cell;
use std::sync::Arc;

use plinth_engine::{EngineError, Execution, Outcome, Step, Stopped, Transacted, Transaction, Why};

use crate::connection::Database;
use crate::interrupt::Interrupt;
use crate::read::{self, CompiledRead, PartsOf, ReadTransaction, Run};
use crate::remember;
use crate::statement::Scope;
use crate::write::{self, Work};
use crate::writer::State;

/// Whether a transaction needs the writer.
pub(crate) fn writes(transaction: &Transaction) -> bool {
    transaction.remember.is_some()
        || transaction.steps.iter().any(|step| write::writes(&step.execution.plan.action))
}

/// What a transaction gave inside the writer's, and whether it is to stay.
pub(crate) type Ran = Result<(Transacted, bool), Stopped>;

/// Runs a transaction in the writer's.
pub(crate) fn run_writing(state: &State, transaction: Transaction) -> Ran {
    let Transaction { steps, rollback, remember } = transaction;
    let last = steps.len().saturating_sub(1);
    let connection = &state.database.connection;
    if let Some(remember) = &remember
        && let Some(answer) = remember::find(connection, remember).map_err(|e| Stopped::failed(last, e))?
    {
        return Ok((Transacted::Remembered(answer), true));
    }
    let interrupt = Interrupt::after(state.options.statement_timeout);
    let mut outcomes = Vec::with_capacity(steps.len());
    let mut bytes_left = state.options.max_response_bytes;
    for (at, Step { execution, accept }) in steps.into_iter().enumerate() {
        let outcome = run_step(state, execution, &interrupt, bytes_left, (at, last));
        let outcome = outcome.map_err(|error| Stopped::failed(at, limit_of_all(error, state)))?;
        if accept.is_some_and(|accept| !accept(&outcome)) {
            return Err(Stopped { at, why: Why::NotAccepted(Box::new(outcome)) });
        }
        bytes_left = bytes_left.saturating_sub(outcome.body.len());
        outcomes.push(outcome);
    }
    let Some(remember) = remember else { return Ok((Transacted::Done(outcomes), !rollback)) };
    let answer = remember::keep(connection, remember, outcomes).map_err(|e| Stopped::failed(last, e))?;
    Ok((Transacted::Remembered(answer), !rollback))
}

/// What is left of the response's bytes is no limit that anyone knows.
fn limit_of_all(error: EngineError, state: &State) -> EngineError {
    match error {
        EngineError::ResponseTooLarge { limit: _ } => {
            EngineError::ResponseTooLarge { limit: state.options.max_response_bytes as u64 }
        }
        error => error,
    }
}

/// Runs one step; `place` is its position and that of the last one.
fn run_step(
    state: &State,
    execution: Execution,
    interrupt: &Arc<Interrupt>,
    max_bytes: usize,
    (at, last): (usize, usize),
) -> Result<Outcome, EngineError> {
    interrupt.check()?;
    state.database.begin_request(&execution.caller.session);
    if !write::writes(&execution.plan.action) {
        let compiled = read::compiled(&execution.catalog, &execution.plan)?;
        return run_read(&state.database, &compiled, execution, interrupt, Room { max_bytes, parts: false });
    }
    let Execution { catalog, plan, caller, sink, rollback: _, single } = execution;
    let work = Work {
        database: &state.database,
        catalog: &catalog,
        values: &plan.values,
        caller: &caller,
        interrupt,
        sequences: &state.sequences,
        max_bytes,
        // Deferred constraints wait for the end of the transaction.
        more_follows: Cell::new(at < last),
    };
    let outcome = write::run(&work, &plan, sink, single)?;
    if at == last && last > 0 {
        write::settle_deferred(&work)?;
    }
    Ok(outcome)
}

/// What room the answer of a read has.
#[derive(Clone, Copy)]
pub(crate) struct Room {
    /// How large it may be, or what of it waits to be handed on
    pub(crate) max_bytes: usize,
    /// Whether it may be handed on in parts while the thread waits
    pub(crate) parts: bool,
}

/// Runs a plan that only reads.
pub(crate) fn run_read(
    database: &Database,
    compiled: &CompiledRead,
    execution: Execution,
    interrupt: &Arc<Interrupt>,
    room: Room,
) -> Result<Outcome, EngineError> {
    let armed = database.watch.arm(interrupt);
    let Execution { plan, caller, mut sink, single, .. } = execution;
    let run = Run {
        connection: &database.connection,
        scope: Scope::new(&plan.values, &caller),
        max_bytes: room.max_bytes,
        parts: room.parts.then_some(PartsOf { read: compiled, interrupt }),
    };
    let result = read::run(&run, compiled, sink.as_mut());
    drop(armed);
    let result = result?;
    if single && result.rows != 1 {
        return Err(EngineError::NotSingular { rows: result.rows });
    }
    let read::Read { rows, total, edges } = result;
    Ok(Outcome { body: sink.finish(), rows, total, edges, ..Outcome::default() })
}

/// Runs plans that only read, on one state of the database.
pub(crate) fn run_reading(
    database: &Database,
    steps: Vec<(Arc<CompiledRead>, Step)>,
    interrupt: &Arc<Interrupt>,
    max_bytes: usize,
) -> Result<Transacted, Stopped> {
    let snapshot = ReadTransaction::begin(&database.connection);
    let snapshot = snapshot.map_err(|failure| Stopped::failed(0, failure.into()))?;
    let mut outcomes = Vec::with_capacity(steps.len());
    let mut bytes_left = max_bytes;
    for (at, (compiled, Step { execution, accept })) in steps.into_iter().enumerate() {
        let outcome = interrupt.check().and_then(|()| {
            database.begin_request(&execution.caller.session);
            run_read(database, &compiled, execution, interrupt, Room { max_bytes: bytes_left, parts: false })
        });
        let outcome = outcome.map_err(|error| match error {
            EngineError::ResponseTooLarge { limit: _ } => {
                Stopped::failed(at, EngineError::ResponseTooLarge { limit: max_bytes as u64 })
            }
            error => Stopped::failed(at, error),
        })?;
        if accept.is_some_and(|accept| !accept(&outcome)) {
            return Err(Stopped { at, why: Why::NotAccepted(Box::new(outcome)) });
        }
        bytes_left = bytes_left.saturating_sub(outcome.body.len());
        outcomes.push(outcome);
    }
    drop(snapshot);
    Ok(Transacted::Done(outcomes))
}
