//! Several plans in one transaction, one round trip for each: whether to go on is decided between them.

use std::sync::Arc;

use plinth_engine::{EngineError, Execution, Outcome, Step, Stopped, Transacted, Transaction, Why};
use plinth_query::Plan;

use crate::compile::{Compiled, compile};
use crate::emit;
use crate::engine::PostgresEngine;
use crate::error::of_statement;
use crate::run::{self, Run, RunError};
use crate::sql::Form;

/// Runs a transaction. What one step has read holds when a later one writes: PostgreSQL refuses to go on otherwise (40001).
pub(crate) async fn transact(
    engine: &PostgresEngine,
    transaction: Transaction,
) -> Result<Transacted, Stopped> {
    let Transaction { steps, rollback, remember } = transaction;
    let last = steps.len().saturating_sub(1);
    if remember.is_some() {
        return Err(Stopped::failed(
            last,
            EngineError::Sql {
                code: "0A000".into(),
                message: "answers are not remembered on PostgreSQL yet".into(),
                detail: None,
                hint: Some("Send the request without Idempotency-Key.".into()),
            },
        ));
    }
    let compiled = steps
        .iter()
        .enumerate()
        .map(|(at, step)| compile_step(engine, &step.execution).map_err(|error| Stopped::failed(at, error)));
    let compiled: Vec<Compiled> = compiled.collect::<Result<_, _>>()?;
    let begin = match (compiled.iter().all(|compiled| compiled.read_only), last) {
        (true, 0) => "begin read only",
        (true, _) => "begin isolation level repeatable read read only",
        (false, 0) => "begin",
        (false, _) => "begin isolation level serializable",
    };
    let mut lease = engine.pool().lease().await.map_err(|error| Stopped::failed(0, error))?;
    let mut outcomes = Vec::with_capacity(steps.len());
    let limit = engine.options().max_response_bytes;
    let mut bytes_left = limit;
    for (at, (Step { execution, accept }, compiled)) in steps.into_iter().zip(&compiled).enumerate() {
        let begin = (at == 0).then_some(begin);
        let result = one(engine, &mut lease, execution, compiled, begin, bytes_left).await;
        let (outcome, refused) = match result {
            Ok(outcome) if accept.is_some_and(|accept| !accept(&outcome)) => (Some(outcome), None),
            Ok(outcome) => {
                bytes_left = bytes_left.saturating_sub(outcome.body.len());
                outcomes.push(outcome);
                continue;
            }
            Err(error) => (None, Some(error)),
        };
        if lease.is_open() {
            // Nothing stays. A connection that cannot say so is closed.
            let _ = run::end(&mut lease, false).await;
        }
        return Err(match (outcome, refused) {
            (Some(outcome), _) => Stopped { at, why: Why::NotAccepted(Box::new(outcome)) },
            (None, Some(EngineError::ResponseTooLarge { limit: _ })) => {
                Stopped::failed(at, EngineError::ResponseTooLarge { limit: limit as u64 })
            }
            (None, Some(error)) => Stopped::failed(at, error),
            (None, None) => {
                Stopped::failed(at, EngineError::Internal { detail: "a step has no outcome".into() })
            }
        });
    }
    if lease.is_open() {
        let ended = run::end(&mut lease, !rollback).await;
        ended.map_err(|error| Stopped::failed(last, of_statement(error)))?;
    }
    Ok(Transacted::Done(outcomes))
}

fn compile_step(engine: &PostgresEngine, execution: &Execution) -> Result<Compiled, EngineError> {
    let Execution { catalog, plan, caller, sink, .. } = execution;
    let form = if sink.wants_text() { Form::Text } else { Form::Json };
    let plan: &Arc<Plan> = plan;
    compile(catalog, plan, form, &caller.session, engine.options().estimate_above)
}

async fn one(
    engine: &PostgresEngine,
    lease: &mut crate::pool::Lease,
    execution: Execution,
    compiled: &Compiled,
    begin: Option<&str>,
    max_bytes: usize,
) -> Result<Outcome, EngineError> {
    let Execution { catalog: _, plan, caller, mut sink, rollback: _, single } = execution;
    emit::header(&compiled.layout, sink.as_mut());
    let run = Run {
        compiled,
        plan: &plan,
        caller: &caller,
        search_path: engine.search_path(),
        rollback: false,
        single,
        max_bytes,
        threshold: engine.options().estimate_above,
    };
    let attempt = run::step(lease, &run, sink.as_mut(), begin);
    match engine.in_time(attempt).await? {
        Ok(outcome) => Ok(Outcome { body: sink.finish(), ..outcome }),
        Err(RunError::Wire { error, emitted: _ }) => Err(of_statement(error)),
        Err(RunError::Engine(error)) => Err(error),
    }
}
