//! Several plans in one transaction, one round trip for each: whether to go on is decided between them.

use std::sync::Arc;

use plinth_engine::{EngineError, Execution, Outcome, Step, Stopped, Transacted, Transaction, Why};
use plinth_query::Plan;

use crate::compile::{Compiled, compile};
use crate::emit;
use crate::engine::{PostgresEngine, in_time};
use crate::error::of_statement;
use crate::pool::Lease;
use crate::remember::{self, Key};
use crate::run::{self, Run, RunError};
use crate::settings;
use crate::sql::Form;

/// Runs a transaction. What one step has read holds when a later one writes: PostgreSQL refuses to go on otherwise (40001).
pub(crate) async fn transact(
    engine: &PostgresEngine,
    transaction: Transaction,
) -> Result<Transacted, Stopped> {
    let last = transaction.steps.len().saturating_sub(1);
    let mut lease = engine.pool().lease().await.map_err(|error| Stopped::failed(0, error))?;
    let locks = transaction.remember.is_some();
    let result = within(engine, &mut lease, transaction, last).await;
    if lease.is_open() {
        // Nothing stays. A connection that cannot say so is closed.
        let _ = run::end(&mut lease, false).await;
    }
    if locks && lease.is_idle() {
        remember::release(&mut lease).await;
    }
    result
}

/// The transaction on its connection. One that fails is left open.
async fn within(
    engine: &PostgresEngine,
    lease: &mut Lease,
    transaction: Transaction,
    last: usize,
) -> Result<Transacted, Stopped> {
    let Transaction { steps, rollback, remember } = transaction;
    let compiled = steps
        .iter()
        .enumerate()
        .map(|(at, step)| compile_step(engine, &step.execution).map_err(|error| Stopped::failed(at, error)));
    let compiled: Vec<Compiled> = compiled.collect::<Result<_, _>>()?;
    let Some(first) = steps.first() else { return Ok(Transacted::Done(Vec::new())) };
    let (catalog, caller) = (&first.execution.catalog, &first.execution.caller);
    let limit = engine.time_limit(catalog, caller);
    let begin = match (compiled.iter().all(|compiled| compiled.read_only) && remember.is_none(), last) {
        (read_only, 0) => settings::begin(catalog, caller, read_only),
        (true, _) => "begin isolation level repeatable read read only",
        (false, _) => "begin isolation level serializable",
    };
    let mut begun = false;
    if let Some(key) = remember.as_ref().map(Key::of) {
        let found = in_time(limit, remember::find(lease, key, begin)).await;
        let found = found.and_then(|found| found).map_err(|error| Stopped::failed(last, error))?;
        if let Some(answer) = found {
            return Ok(Transacted::Remembered(answer));
        }
        begun = true;
    }
    let mut outcomes = Vec::with_capacity(steps.len());
    let max_bytes = engine.options().max_response_bytes;
    let mut bytes_left = max_bytes;
    for (at, (Step { execution, accept }, compiled)) in steps.into_iter().zip(&compiled).enumerate() {
        let begin = (!begun).then_some(begin);
        begun = true;
        let outcome = one(engine, lease, execution, compiled, begin, bytes_left).await;
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
    let failed = |error| Stopped::failed(last, error);
    let done = match remember {
        Some(remember) => {
            let kept = in_time(limit, remember::keep(lease, remember, outcomes)).await;
            Transacted::Remembered(kept.and_then(|kept| kept).map_err(failed)?)
        }
        None => Transacted::Done(outcomes),
    };
    if lease.is_open() {
        let ended = in_time(limit, run::end(lease, !rollback)).await.map_err(failed)?;
        ended.map_err(|error| failed(of_statement(error)))?;
    }
    Ok(done)
}

fn compile_step(engine: &PostgresEngine, execution: &Execution) -> Result<Compiled, EngineError> {
    let Execution { catalog, plan, caller, sink, .. } = execution;
    let form = if sink.wants_text() { Form::Text } else { Form::Json };
    let plan: &Arc<Plan> = plan;
    compile(catalog, plan, form, &caller.session, engine.options().estimate_above)
}

async fn one(
    engine: &PostgresEngine,
    lease: &mut Lease,
    execution: Execution,
    compiled: &Compiled,
    begin: Option<&str>,
    max_bytes: usize,
) -> Result<Outcome, EngineError> {
    let Execution { catalog, plan, caller, mut sink, rollback: _, single } = execution;
    emit::header(&compiled.layout, sink.as_mut());
    let limit = engine.time_limit(&catalog, &caller);
    let run = Run {
        catalog: &catalog,
        compiled,
        plan: &plan,
        caller: &caller,
        extra_search_path: &engine.options().extra_search_path,
        rollback: false,
        single,
        max_bytes,
        threshold: engine.options().estimate_above,
    };
    let attempt = run::step(lease, &run, sink.as_mut(), begin);
    match in_time(limit, attempt).await? {
        Ok(outcome) => Ok(Outcome { body: sink.finish(), ..outcome }),
        Err(RunError::Wire { error, emitted: _ }) => Err(of_statement(error)),
        Err(RunError::Engine(error)) => Err(error),
    }
}
