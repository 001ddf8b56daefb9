//! Several plans in one transaction, one round trip for each: whether to go on is decided between them.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use plinth_engine::{
    EngineError, Execution, JsonShape, JsonSink, Outcome, RowSink, Step, Stopped, Transacted, Transaction,
    Why,
};
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

/// How often a transaction of several steps is run when PostgreSQL ends it for the sake of another one.
const ATTEMPTS: u32 = 5;

/// Runs a transaction. What one step has read holds when a later one writes: PostgreSQL refuses to go on otherwise (40001), and then it
/// is run again. A single statement is not, as with PostgREST: its conflicts are the client's own.
pub(crate) async fn transact(
    engine: &PostgresEngine,
    mut transaction: Transaction,
) -> Result<Transacted, Stopped> {
    let last = transaction.steps.len().saturating_sub(1);
    let mut lease = engine.pool().lease().await.map_err(|error| Stopped::failed(0, error))?;
    let locks = transaction.remember.is_some();
    let several = last > 0 || locks;
    let mut attempt = 1;
    loop {
        let (sinks, again) = sinks(&mut transaction);
        if !again || !several {
            attempt = ATTEMPTS;
        }
        let result = within(engine, &mut lease, &mut transaction, sinks, last).await;
        if lease.is_open() {
            // Nothing stays. A connection that cannot say so is closed.
            let _ = run::end(&mut lease, false).await;
        }
        if locks && lease.is_idle() {
            remember::release(&mut lease).await;
        }
        match result {
            Err(Stopped { why: Why::Failed(error), .. })
                if attempt < ATTEMPTS && is_conflict(&error) && lease.is_idle() =>
            {
                tracing::debug!(attempt, "a transaction met another one and is run again");
                tokio::time::sleep(pause(attempt)).await;
                attempt += 1;
            }
            result => return result,
        }
    }
}

/// How long to wait before the next attempt: two that met each other wait for different times.
fn pause(attempt: u32) -> Duration {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Duration::from_micros(u64::from(since.subsec_micros() % (attempt * 5000)))
}

/// Whether PostgreSQL has ended a transaction because of another one (serialization failure, deadlock).
fn is_conflict(error: &EngineError) -> bool {
    matches!(error, EngineError::Sql { code, .. } if code == "40001" || code == "40P01")
}

/// An empty sink for each step, and whether there will be others.
fn sinks(transaction: &mut Transaction) -> (Vec<Box<dyn RowSink>>, bool) {
    let fresh: Option<Vec<_>> = transaction.steps.iter().map(|step| step.execution.sink.fresh()).collect();
    if let Some(fresh) = fresh {
        return (fresh, true);
    }
    let own = |step: &mut Step| {
        let nothing = Box::new(JsonSink::new(JsonShape::Rows, false));
        std::mem::replace(&mut step.execution.sink, nothing)
    };
    (transaction.steps.iter_mut().map(own).collect(), false)
}

/// The transaction on its connection. One that fails is left open.
async fn within(
    engine: &PostgresEngine,
    lease: &mut Lease,
    transaction: &mut Transaction,
    sinks: Vec<Box<dyn RowSink>>,
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
    for (at, ((step, sink), compiled)) in steps.iter_mut().zip(sinks).zip(&compiled).enumerate() {
        let begin = (!begun).then_some(begin);
        begun = true;
        let outcome = one(engine, lease, &mut step.execution, sink, (compiled, begin), bytes_left).await;
        let outcome = outcome.map_err(|error| match error {
            EngineError::ResponseTooLarge { limit: _ } => {
                Stopped::failed(at, EngineError::ResponseTooLarge { limit: max_bytes as u64 })
            }
            error => Stopped::failed(at, error),
        })?;
        if step.accept.as_mut().is_some_and(|accept| !accept(&outcome)) {
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
        let rollback = *rollback;
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
    execution: &mut Execution,
    mut sink: Box<dyn RowSink>,
    (compiled, begin): (&Compiled, Option<&str>),
    max_bytes: usize,
) -> Result<Outcome, EngineError> {
    let Execution { catalog, plan, caller, single, .. } = &*execution;
    emit::header(&compiled.layout, sink.as_mut());
    let limit = engine.time_limit(catalog, caller);
    let run = Run {
        catalog,
        compiled,
        plan,
        caller,
        extra_search_path: &engine.options().extra_search_path,
        rollback: false,
        single: *single,
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
