//! Requests for data: planned, run, answered. One alone, with conditions on its row, several of a batch, or under an idempotency key:
//! all but the first are transactions of several steps.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use plinth_catalog::Catalog;
use plinth_engine::{
    Engine, EngineError, Execution, Outcome, Remember, RememberLimits, Step, Stopped, Transacted,
    Transaction, Why,
};
use plinth_query::request::Action;
use plinth_query::{Caller, Plan, PlanCache, Request};
use plinth_rest::{ApiError, Batch, Call, Incoming, Options, Shape, idempotency};
use plinth_values::Session;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::stream::{self, Begun};
use crate::timing::Timing;

/// What requests for data are run with.
pub(crate) struct Data {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) options: Options,
    pub(crate) remember: RememberLimits,
    pub(crate) plans: PlanCache,
    /// How long a reader waits for a client that takes its answer in parts
    pub(crate) patience: Duration,
    /// The keys of requests that are being answered
    pub(crate) in_progress: InProgress,
}

/// A request, planned.
struct Planned {
    steps: Vec<Step>,
    answer: Answer,
}

/// What is needed to shape the answer.
struct Answer {
    shape: Arc<Shape>,
    plan: Arc<Plan>,
    catalog: Arc<Catalog>,
    session: Session,
    anonymous: bool,
    /// How many steps the request has; the last one is its own
    steps: usize,
}

/// Who asks what under which key.
struct Key {
    owner: [u8; 32],
    key: [u8; 32],
    fingerprint: [u8; 32],
}

impl Data {
    /// Runs one request.
    pub(crate) async fn one(
        &self,
        catalog: Arc<Catalog>,
        caller: Caller,
        incoming: &Incoming<'_>,
        (request, shape): (Request, Shape),
        timing: &mut Timing,
    ) -> Result<Response<Bytes>, ApiError> {
        let reads = matches!(request.action, Action::Read | Action::Call { read_only: true, .. });
        let reads = reads || shape.explain.is_some();
        let key = if reads { None } else { key_of(incoming, &caller)? };
        let rollback = shape.rollback;
        let Planned { mut steps, answer } = self.plan(catalog, caller, request, shape)?;
        timing.station("plan");
        if key.is_none()
            && steps.len() == 1
            && let Some(step) = steps.pop()
        {
            if let Some(explain) = &answer.shape.explain {
                let text = self.engine.explain(step.execution, explain.options).await;
                timing.station("transaction");
                return Ok(plinth_rest::explained(explain, text.map_err(|error| answer.failure(error))?));
            }
            let begun = self.begin(step.execution, &answer).await;
            timing.station("transaction");
            return match begun {
                Begun::Whole(outcome) => Ok(answer.of(outcome.map_err(|error| answer.failure(error))?)),
                Begun::Parts(outcome, rest) => {
                    let mut response = answer.of(outcome);
                    response.extensions_mut().insert(rest);
                    Ok(response)
                }
            };
        }
        let answers = vec![answer];
        let answered = |mut responses: Vec<Response<Bytes>>| responses.pop().unwrap_or_default();
        let done = self.transact(steps, rollback, answers, key, answered).await;
        timing.station("transaction");
        done.map_err(|(_, error)| error)
    }

    /// Runs one plan until its answer is there, or its first part where it may come in parts.
    async fn begin(&self, mut execution: Execution, answer: &Answer) -> Begun {
        if !answer.shape.in_parts(&answer.plan) {
            return Begun::Whole(self.engine.run(execution).await);
        }
        let (sink, beginning) = stream::in_parts(execution.sink, self.patience);
        execution.sink = sink;
        let engine = Arc::clone(&self.engine);
        stream::begin(Box::pin(async move { engine.run(execution).await }), beginning).await
    }

    /// Runs the requests of a batch, all or none.
    pub(crate) async fn batch(
        &self,
        catalog: Arc<Catalog>,
        caller: Caller,
        incoming: &Incoming<'_>,
        batch: Batch,
        timing: &mut Timing,
    ) -> Result<Response<Bytes>, ApiError> {
        let key = key_of(incoming, &caller)?;
        let (mut steps, mut answers) = (Vec::new(), Vec::new());
        for (at, entry) in batch.entries.iter().enumerate() {
            let incoming = Incoming {
                method: &entry.method,
                path: &entry.path,
                query: &entry.query,
                headers: &entry.headers,
                body: &entry.body,
            };
            let caller = Caller {
                method: entry.method.as_str().to_owned(),
                path: entry.path.clone(),
                ..caller.clone()
            };
            let planned = self.planned(&catalog, caller, &incoming).map_err(|error| error.of_entry(at))?;
            steps.extend(planned.steps);
            answers.push(planned.answer);
        }
        timing.station("plan");
        let rollback = batch.rollback;
        let answered = move |responses| plinth_rest::batch(&batch, responses);
        let done = self.transact(steps, rollback, answers, key, answered).await;
        timing.station("transaction");
        done.map_err(|(at, error)| match at {
            Some(at) => error.of_entry(at),
            None => error,
        })
    }

    fn planned(
        &self,
        catalog: &Arc<Catalog>,
        mut caller: Caller,
        incoming: &Incoming<'_>,
    ) -> Result<Planned, ApiError> {
        match plinth_rest::parse(incoming, &self.options)? {
            Call::Data { request, shape } if shape.explain.is_none() => {
                shape.enter(&mut caller.session);
                self.plan(Arc::clone(catalog), caller, *request, *shape)
            }
            Call::Data { .. } | Call::Batch(_) | Call::Methods(_) | Call::Root { .. } => {
                Err(ApiError::new(400, "PLN107", "A request in a batch reads or writes data"))
            }
        }
    }

    /// Runs steps in one transaction. An error comes with the position of the request it is about, where it is about one.
    async fn transact(
        &self,
        steps: Vec<Step>,
        rollback: bool,
        answers: Vec<Answer>,
        key: Option<Key>,
        answered: impl Fn(Vec<Response<Bytes>>) -> Response<Bytes> + Send + 'static,
    ) -> Result<Response<Bytes>, (Option<usize>, ApiError)> {
        if steps.is_empty() {
            return Ok(answered(Vec::new()));
        }
        let Some(key) = key else {
            let done = self.engine.transact(Transaction { steps, rollback, remember: None }).await;
            return match done {
                Ok(Transacted::Done(outcomes)) => Ok(answered(responses(&answers, outcomes))),
                Ok(Transacted::Remembered(_)) => {
                    Err((None, defect("an answer was remembered without a key")))
                }
                Err(stopped) => Err(refusal(&answers, stopped)),
            };
        };
        let _entered =
            self.in_progress.enter(key.owner, key.key).ok_or((None, idempotency::in_progress()))?;
        let answers = Arc::new(answers);
        let inside = Arc::clone(&answers);
        let remember = Remember {
            owner: key.owner,
            key: key.key,
            fingerprint: key.fingerprint,
            limits: self.remember,
            answer: Box::new(move |outcomes| idempotency::store(&answered(responses(&inside, outcomes)))),
        };
        match self.engine.transact(Transaction { steps, rollback, remember: Some(remember) }).await {
            Ok(Transacted::Remembered(stored)) => idempotency::restore(stored)
                .ok_or_else(|| (None, defect("a remembered answer is unreadable"))),
            Ok(Transacted::Done(_)) => Err((None, defect("an answer was not remembered"))),
            Err(stopped) => Err(refusal(&answers, stopped)),
        }
    }
}

impl Data {
    /// Plans a request, with the look at its row that conditions need.
    fn plan(
        &self,
        catalog: Arc<Catalog>,
        caller: Caller,
        mut request: Request,
        shape: Shape,
    ) -> Result<Planned, ApiError> {
        let anonymous = !caller.authenticated;
        let shape = Arc::new(shape);
        let look = shape.conditional(&catalog, &mut request)?;
        let plan = |request: &Request| {
            let plan = self.plans.plan(&catalog, &caller, request);
            plan.map(Arc::new).map_err(|refusal| ApiError::from_refusal(refusal, anonymous))
        };
        let mut steps = Vec::with_capacity(2);
        if let Some(look) = look {
            let plan = plan(&look)?;
            let sink = shape.condition_sink(&plan);
            let allowed = Arc::clone(&shape);
            let (catalog, caller) = (Arc::clone(&catalog), caller.clone());
            steps.push(Step {
                execution: Execution { catalog, plan, caller, sink, rollback: false, single: false },
                accept: Some(Box::new(move |row| allowed.allows(row))),
            });
        }
        let plan = plan(&request)?;
        let answer = Answer {
            shape: Arc::clone(&shape),
            plan: Arc::clone(&plan),
            catalog: Arc::clone(&catalog),
            session: caller.session.clone(),
            anonymous,
            steps: steps.len() + 1,
        };
        let sink = shape.sink(&plan)?;
        let accepted = (Arc::clone(&shape), Arc::clone(&plan));
        let (rollback, single) = (shape.rollback, shape.media.is_object());
        steps.push(Step {
            execution: Execution { catalog, plan, caller, sink, rollback, single },
            accept: Some(Box::new(move |outcome| {
                plinth_rest::refused(&accepted.0, &accepted.1, outcome).is_none()
            })),
        });
        Ok(Planned { steps, answer })
    }
}

impl Answer {
    fn of(&self, outcome: Outcome) -> Response<Bytes> {
        plinth_rest::success(&self.shape, &self.plan, &self.catalog, &self.session, outcome)
    }

    fn failure(&self, error: EngineError) -> ApiError {
        if let EngineError::Internal { detail } = &error {
            tracing::error!(detail, "the engine failed: this is a defect");
        }
        ApiError::from_engine(error, self.anonymous)
    }
}

/// The answers to requests, from the outcomes of their steps.
fn responses(answers: &[Answer], outcomes: Vec<Outcome>) -> Vec<Response<Bytes>> {
    let mut outcomes = outcomes.into_iter();
    let own = |answer: &Answer| Some(answer.of(outcomes.nth(answer.steps.checked_sub(1)?)?));
    answers.iter().filter_map(own).collect()
}

/// Why a transaction was stopped, and by which request.
fn refusal(answers: &[Answer], Stopped { at, why }: Stopped) -> (Option<usize>, ApiError) {
    let mut first = 0;
    for (position, answer) in answers.iter().enumerate() {
        let last = first + answer.steps - 1;
        if at > last {
            first = last + 1;
            continue;
        }
        let error = match why {
            Why::Failed(error) if is_about_key(&error) => return (None, answer.failure(error)),
            Why::Failed(error) => answer.failure(error),
            Why::NotAccepted(_) if at < last => plinth_rest::precondition_failed(),
            Why::NotAccepted(outcome) => plinth_rest::refused(&answer.shape, &answer.plan, &outcome)
                .unwrap_or_else(|| defect("an outcome was refused without a reason")),
        };
        return (Some(position), error);
    }
    (None, defect("a step that does not exist has failed"))
}

/// Whether it is the whole request's key that a transaction failed for.
fn is_about_key(error: &EngineError) -> bool {
    matches!(
        error,
        EngineError::KeyReused | EngineError::TooManyKeys { .. } | EngineError::AnswerTooLarge { .. }
    )
}

fn defect(detail: &str) -> ApiError {
    tracing::error!(detail, "this is a defect");
    ApiError::from_engine(EngineError::Internal { detail: detail.into() }, false)
}

/// The idempotency key of a request that writes.
fn key_of(incoming: &Incoming<'_>, caller: &Caller) -> Result<Option<Key>, ApiError> {
    let Some(key) = idempotency::key(incoming.headers)? else { return Ok(None) };
    Ok(Some(Key {
        owner: owner(caller),
        key: Sha256::digest(key.as_bytes()).into(),
        fingerprint: idempotency::fingerprint(incoming),
    }))
}

/// Whose keys they are: the role's and subject's. Tokens without a subject are told apart by all they claim, but for their times.
fn owner(caller: &Caller) -> [u8; 32] {
    let claims: Map<String, Value> = serde_json::from_str(&caller.claims).unwrap_or_default();
    let who = match claims.get("sub") {
        Some(sub) => Value::from(vec![Value::from(caller.role.as_str()), sub.clone()]),
        None => {
            let lasting = |name: &str| !matches!(name, "exp" | "iat" | "nbf" | "jti");
            let claims: Map<String, Value> = claims.into_iter().filter(|(name, _)| lasting(name)).collect();
            Value::from(vec![Value::from(caller.role.as_str()), Value::Object(claims)])
        }
    };
    Sha256::digest(who.to_string().as_bytes()).into()
}

/// The keys of requests that are being answered. There are never more than requests.
#[derive(Default)]
pub(crate) struct InProgress(Mutex<HashSet<([u8; 32], [u8; 32])>>);

/// A key while its request is being answered.
struct Entered<'p> {
    among: &'p InProgress,
    key: ([u8; 32], [u8; 32]),
}

impl InProgress {
    fn keys(&self) -> MutexGuard<'_, HashSet<([u8; 32], [u8; 32])>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None`: there is a request with this key.
    fn enter(&self, owner: [u8; 32], key: [u8; 32]) -> Option<Entered<'_>> {
        let key = (owner, key);
        // Only what has entered leaves again: dropping it removes the key.
        if self.keys().insert(key) { Some(Entered { among: self, key }) } else { None }
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.among.keys().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_in_progress_once() {
        let keys = InProgress::default();
        let first = keys.enter([1; 32], [1; 32]);
        assert!(first.is_some());
        assert!(keys.enter([1; 32], [1; 32]).is_none());
        assert!(keys.enter([2; 32], [1; 32]).is_some());
        drop(first);
        assert!(keys.enter([1; 32], [1; 32]).is_some());
    }

    #[test]
    fn keys_belong_to_one_caller() {
        let with =
            |role: &str, claims: &str| owner(&Caller { claims: claims.into(), ..Caller::with_role(role) });
        let ada = with("authenticated", r#"{"sub":"a","exp":1,"team":"red"}"#);
        assert_eq!(ada, with("authenticated", r#"{"sub":"a","exp":2}"#));
        assert_ne!(ada, with("authenticated", r#"{"sub":"b"}"#));
        assert_ne!(ada, with("editor", r#"{"sub":"a"}"#));
        let nobody = with("authenticated", r#"{"team":"red","exp":1}"#);
        assert_eq!(nobody, with("authenticated", r#"{"team":"red","exp":2}"#));
        assert_ne!(nobody, with("authenticated", r#"{"team":"blue"}"#));
    }
}
