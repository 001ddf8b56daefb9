//! The one thread that writes. Writes that wait are committed in groups: each runs under a savepoint of its own in one
//! transaction, and all are answered after its one commit, when they are on disk. What a write does is `write`'s business.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use plinth_engine::{EngineError, Execution, Outcome, Stopped, Transacted, Transaction, Why};
use tokio::sync::oneshot;

use crate::connection::{Database, Options};
use crate::error::{engine_error, internal};
use crate::readers::{guarded, micros};
use crate::sequence::Sequences;
use crate::statement::execute;
use crate::transaction::{self, Ran};

/// A group that has worked for so long is committed, even if more is waiting: the first of it should not wait for the last.
const GROUP_TIME: Duration = Duration::from_millis(20);

/// After so long without work, the log is written back into the database.
const IDLE: Duration = Duration::from_millis(250);

type Answer = Result<Transacted, Stopped>;

/// Something for the thread to do.
enum Job {
    /// A request's write
    Write(Box<Waiting>),
    /// Work of the service itself, between two groups
    Service(Box<dyn FnOnce(&mut State) + Send>),
}

/// A write with the one who waits for it.
struct Waiting {
    transaction: Transaction,
    reply: oneshot::Sender<Answer>,
    queued: Instant,
}

/// What the thread works with.
pub(crate) struct State {
    pub(crate) database: Database,
    pub(crate) sequences: RefCell<Sequences>,
    pub(crate) options: Options,
}

/// The writer, as seen from other threads.
pub(crate) struct Writer {
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(database: Database, options: Options) -> std::io::Result<Writer> {
        let (jobs, queue) = sync_channel(options.max_waiting.max(1));
        let state = State { database, sequences: RefCell::default(), options };
        let thread =
            std::thread::Builder::new().name("plinth-writer".into()).spawn(move || work(state, &queue))?;
        Ok(Writer { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Runs a plan that writes. Dropping the future before the write has begun withdraws it; afterwards it is finished.
    pub(crate) async fn run(&self, execution: Execution) -> Result<Outcome, EngineError> {
        match self.transact(Transaction::of(execution)).await {
            Ok(Transacted::Done(outcomes)) => {
                outcomes.into_iter().next().ok_or_else(|| internal("a write gave nothing"))
            }
            Ok(Transacted::Remembered(_)) => Err(internal("an answer was remembered without a key")),
            Err(Stopped { why: Why::Failed(error), .. }) => Err(error),
            Err(Stopped { why: Why::NotAccepted(_), .. }) => Err(internal("nobody was to accept the write")),
        }
    }

    /// Runs a transaction; what is said of a single write holds for all of it.
    pub(crate) async fn transact(&self, transaction: Transaction) -> Answer {
        let (reply, answer) = oneshot::channel();
        let failed = |error| Stopped::failed(0, error);
        let job = Job::Write(Box::new(Waiting { transaction, reply, queued: Instant::now() }));
        match self.jobs.as_ref().ok_or_else(stopped).map_err(failed)?.try_send(job) {
            Ok(()) => answer.await.unwrap_or_else(|_| Err(failed(stopped()))),
            Err(TrySendError::Full(_)) => Err(failed(EngineError::Busy)),
            Err(TrySendError::Disconnected(_)) => Err(failed(stopped())),
        }
    }

    /// Runs work of the service on the thread, and waits for it.
    pub(crate) fn serve<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut State) -> T + Send + 'static,
    ) -> Result<T, EngineError> {
        let (reply, answer) = std::sync::mpsc::channel();
        let job = Job::Service(Box::new(move |state| drop(reply.send(work(state)))));
        self.jobs.as_ref().ok_or_else(stopped)?.send(job).map_err(|_| stopped())?;
        answer.recv().map_err(|_| internal("work of the service did not finish"))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Without senders the thread finishes what is queued and ends.
        self.jobs = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writer ended with a panic");
        }
    }
}

fn stopped() -> EngineError {
    EngineError::Unavailable { reason: "the database is shutting down".into() }
}

impl State {
    /// Runs work of the service in a transaction that is on disk when this gives `Ok`.
    pub(crate) fn transaction<T, E: From<EngineError>>(
        &self,
        run: impl FnOnce(&State) -> Result<T, E>,
    ) -> Result<T, E> {
        self.begin()?;
        match run(self).and_then(|done| self.commit().map(|()| done).map_err(E::from)) {
            Ok(done) => Ok(done),
            Err(error) => {
                self.roll_back();
                Err(error)
            }
        }
    }

    fn begin(&self) -> Result<(), EngineError> {
        let connection = &self.database.connection;
        execute(connection, "begin immediate").map_err(engine_error)?;
        // References are counted and looked at when a statement ends, as PostgreSQL does it.
        execute(connection, "pragma defer_foreign_keys = on").map_err(engine_error)
    }

    fn commit(&self) -> Result<(), EngineError> {
        let connection = &self.database.connection;
        self.sequences.borrow().save(connection).map_err(engine_error)?;
        execute(connection, "commit").map_err(engine_error)?;
        self.sequences.borrow_mut().committed();
        Ok(())
    }

    fn roll_back(&self) {
        let connection = &self.database.connection;
        if !connection.is_autocommit()
            && let Err(error) = execute(connection, "rollback")
        {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
    }

    /// Runs one job under its savepoint. `Err` in the outer result: the writer's whole transaction is gone.
    fn run_job(&self, waiting: Transaction) -> Result<Answer, EngineError> {
        let started = Instant::now();
        let connection = &self.database.connection;
        execute(connection, "savepoint job").map_err(engine_error)?;
        let ran = guarded(|| Ok(transaction::run_writing(self, waiting)));
        let mut answer: Ran = ran.unwrap_or_else(|panic| Err(Stopped::failed(0, panic)));
        if let Ok((Transacted::Done(outcomes), _)) = &mut answer {
            outcomes.iter_mut().for_each(|outcome| outcome.elapsed_micros = micros(started));
        }
        if connection.is_autocommit() {
            // SQLite itself has rolled back: a full disk, an I/O error.
            return Err(match answer {
                Err(Stopped { why: Why::Failed(error), .. }) => error,
                _ => lost(),
            });
        }
        let keep = matches!(answer, Ok((_, true)));
        if !keep {
            execute(connection, "rollback to job").map_err(engine_error)?;
        }
        execute(connection, "release job").map_err(engine_error)?;
        Ok(answer.map(|(transacted, _)| transacted))
    }
}

fn lost() -> EngineError {
    EngineError::Unavailable { reason: "the write was not kept; try again".into() }
}

/// The thread: until nobody can send jobs any more.
fn work(mut state: State, queue: &Receiver<Job>) {
    let mut clean = true;
    loop {
        let next = match clean {
            true => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
            false => queue.recv_timeout(IDLE),
        };
        match next {
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                checkpoint(&state);
                clean = true;
            }
            Ok(first) => {
                clean = false;
                run_waiting(&mut state, first, queue);
                // Readers on busy cores get their turn between two groups.
                std::thread::yield_now();
            }
        }
    }
}

/// Runs a job and those that wait behind it.
fn run_waiting(state: &mut State, first: Job, queue: &Receiver<Job>) {
    let mut group = VecDeque::new();
    let mut service = None;
    let mut next = Some(first);
    while let Some(job) = next.take() {
        match job {
            Job::Write(waiting) => group.push_back(*waiting),
            Job::Service(job) => {
                service = Some(job);
                break;
            }
        }
        if group.len() < state.options.group.max(1) {
            next = queue.try_recv().ok();
        }
    }
    while !group.is_empty() {
        run_group(state, &mut group);
    }
    if let Some(job) = service {
        let run = guarded(|| {
            job(state);
            Ok(())
        });
        if let Err(EngineError::Internal { detail }) = run {
            tracing::error!(detail, "work of the service failed");
            state.roll_back();
        }
    }
}

/// Runs writes in one transaction and answers them. What is left over is for the next one.
fn run_group(state: &State, group: &mut VecDeque<Waiting>) {
    let started = Instant::now();
    let mut done: Vec<(oneshot::Sender<Answer>, Answer)> = Vec::with_capacity(group.len());
    if let Err(error) = state.begin() {
        state.roll_back();
        group.drain(..).for_each(|waiting| drop(waiting.reply.send(Err(Stopped::failed(0, error.clone())))));
        return;
    }
    while let Some(Waiting { transaction, reply, queued }) = group.pop_front() {
        if reply.is_closed() {
            continue;
        }
        if queued.elapsed() > state.options.statement_timeout {
            done.push((reply, Err(Stopped::failed(0, EngineError::Timeout))));
            continue;
        }
        match state.run_job(transaction) {
            Ok(answer) => done.push((reply, answer)),
            Err(error) => {
                state.roll_back();
                tracing::error!(%error, writes = done.len(), "a transaction was rolled back by a failing write");
                drop(reply.send(Err(Stopped::failed(0, error))));
                return refuse(done, &lost());
            }
        }
        if started.elapsed() > GROUP_TIME {
            break;
        }
    }
    match state.commit() {
        Ok(()) => done.into_iter().for_each(|(reply, answer)| drop(reply.send(answer))),
        Err(error) => {
            state.roll_back();
            tracing::error!(%error, writes = done.len(), "writes could not be committed");
            let error = match error {
                EngineError::Unavailable { .. } => error,
                _ => lost(),
            };
            refuse(done, &error);
        }
    }
}

/// Nothing of the group has stayed. That holds for refusals too: what they were refused for may be gone with the rest.
fn refuse(done: Vec<(oneshot::Sender<Answer>, Answer)>, error: &EngineError) {
    done.into_iter().for_each(|(reply, _)| drop(reply.send(Err(Stopped::failed(0, error.clone())))));
}

/// Writes the log back as far as no reader needs it. What is left is done by a later one.
fn checkpoint(state: &State) {
    if let Err(error) = execute(&state.database.connection, "pragma wal_checkpoint(passive)") {
        tracing::warn!(%error, "the log could not be written back");
    }
}
