//! The connections that read, and which thread a read runs on. Compiling and running are `read`'s.
//!
//! A read that is known to be cheap runs where it is asked for: handing it to another thread would cost a quarter to a half of it
//! again. Every other one goes to a bounded set of threads, so that it never holds up cheap ones. Whether a shape of plan is cheap
//! is measured: its first run is on a thread of its own, and a shape that becomes expensive goes back there.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use plinth_catalog::Catalog;
use plinth_engine::{EngineError, Execution, Outcome, Stopped, Transacted, Transaction};
use tokio::sync::Semaphore;

use crate::connection::{Database, Options};
use crate::error::{engine_error, internal};
use crate::interrupt::{CancelOnDrop, Interrupt};
use crate::read;
use crate::transaction;

/// A read that takes no longer than this, in microseconds, runs where it is asked for.
const CHEAP_MICROS: u64 = 400;

/// How many shapes of plans are remembered; the memory starts anew when it is full.
const SHAPES_KEPT: usize = 4096;

/// The readers.
pub(crate) struct Readers {
    path: PathBuf,
    options: Options,
    idle: Mutex<Idle>,
    /// One permit for each expensive read that may run
    expensive: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// What a shape of plan takes, in microseconds
    costs: Mutex<HashMap<u64, u64>>,
}

/// Connections that nobody uses at the moment.
struct Idle {
    /// The catalog whose functions new connections get
    catalog: Arc<Catalog>,
    /// Counts the catalogs; a connection of an older one is not used again
    generation: u64,
    connections: Vec<Database>,
    most: usize,
}

/// A connection in use. It comes back by itself, however its use ends.
pub(crate) struct Borrowed<'r> {
    readers: &'r Readers,
    database: Option<Database>,
    generation: u64,
}

/// Counts one waiting read.
struct Waiting<'r>(&'r AtomicUsize);

impl Readers {
    /// Readers of a file that the writer has opened.
    pub(crate) fn new(path: PathBuf, options: Options, catalog: Arc<Catalog>) -> Readers {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let readers = options.readers.max(1);
        let idle = Idle { catalog, generation: 0, connections: Vec::new(), most: readers + cores.min(8) };
        Readers {
            path,
            options,
            idle: Mutex::new(idle),
            expensive: Arc::new(Semaphore::new(readers)),
            waiting: AtomicUsize::new(0),
            costs: Mutex::new(HashMap::new()),
        }
    }

    /// Gives the readers another catalog. Reads that run go on with the one they have.
    pub(crate) fn renew(&self, catalog: Arc<Catalog>) {
        let mut idle = lock(&self.idle);
        idle.catalog = catalog;
        idle.generation += 1;
        idle.connections.clear();
    }

    /// Whether a read would be answered.
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        let borrowed = self.borrow()?;
        let connection = &borrowed.database()?.connection;
        connection.query_row("select count(*) from sqlite_schema", [], |_| Ok(())).map_err(engine_error)
    }

    /// Runs a plan that only reads.
    pub(crate) async fn run(self: &Arc<Self>, execution: Execution) -> Result<Outcome, EngineError> {
        let started = Instant::now();
        let read = read::compiled(&execution.catalog, &execution.plan)?;
        let shape = read.shape();
        let interrupt = Interrupt::after(self.options.statement_timeout);
        let max_bytes = self.options.max_response_bytes;
        let run = move |database: &Database, interrupt: &Arc<Interrupt>, parts: bool| {
            database.begin_request(&execution.caller.session);
            transaction::run_read(
                database,
                &read,
                execution,
                interrupt,
                transaction::Room { max_bytes, parts },
            )
        };
        let mut outcome = if self.is_cheap(shape) {
            guarded(|| self.run_here(shape, &interrupt, false, run))?
        } else {
            self.run_elsewhere(shape, interrupt, run).await?
        };
        outcome.elapsed_micros = micros(started);
        Ok(outcome)
    }

    /// Runs plans that only read, on one state of the database.
    pub(crate) async fn transact(self: &Arc<Self>, transaction: Transaction) -> Result<Transacted, Stopped> {
        let mut steps = Vec::with_capacity(transaction.steps.len());
        let mut shapes = std::hash::DefaultHasher::new();
        for (at, step) in transaction.steps.into_iter().enumerate() {
            let read = read::compiled(&step.execution.catalog, &step.execution.plan);
            let read = read.map_err(|error| Stopped::failed(at, error))?;
            std::hash::Hash::hash(&read.shape(), &mut shapes);
            steps.push((read, step));
        }
        let shape = std::hash::Hasher::finish(&shapes);
        let interrupt = Interrupt::after(self.options.statement_timeout);
        let max_bytes = self.options.max_response_bytes;
        let run = move |database: &Database, interrupt: &Arc<Interrupt>, _parts: bool| {
            Ok(transaction::run_reading(database, steps, interrupt, max_bytes))
        };
        let done = if self.is_cheap(shape) {
            guarded(|| self.run_here(shape, &interrupt, false, run))
        } else {
            self.run_elsewhere(shape, interrupt, run).await
        };
        done.unwrap_or_else(|error| Err(Stopped::failed(0, error)))
    }

    async fn run_elsewhere<T: Send + 'static>(
        self: &Arc<Self>,
        shape: u64,
        interrupt: Arc<Interrupt>,
        run: impl FnOnce(&Database, &Arc<Interrupt>, bool) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let permit = {
            let waiting = Waiting(&self.waiting);
            if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.options.max_waiting.max(1) {
                return Err(EngineError::Busy);
            }
            let permit =
                tokio::time::timeout(self.options.statement_timeout, self.expensive.clone().acquire_owned())
                    .await;
            drop(waiting);
            match permit {
                Ok(Ok(permit)) => permit,
                Ok(Err(_)) | Err(_) => return Err(EngineError::Busy),
            }
        };
        let cancel = CancelOnDrop(interrupt.clone());
        let readers = self.clone();
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            guarded(|| readers.run_here(shape, &interrupt, true, run))
        });
        let done = task.await.unwrap_or_else(|error| Err(internal(error.to_string())));
        drop(cancel);
        done
    }

    /// Runs it on this thread; `may_wait` says whether the thread is one that may wait for a client.
    fn run_here<T>(
        &self,
        shape: u64,
        interrupt: &Arc<Interrupt>,
        may_wait: bool,
        run: impl FnOnce(&Database, &Arc<Interrupt>, bool) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        interrupt.check()?;
        let borrowed = self.borrow()?;
        let database = borrowed.database()?;
        let started = Instant::now();
        let done = run(database, interrupt, may_wait);
        self.remember(shape, micros(started));
        done
    }

    fn is_cheap(&self, shape: u64) -> bool {
        lock(&self.costs).get(&shape).is_some_and(|cost| *cost <= CHEAP_MICROS)
    }

    fn remember(&self, shape: u64, micros: u64) {
        let mut costs = lock(&self.costs);
        if costs.len() >= SHAPES_KEPT && !costs.contains_key(&shape) {
            costs.clear();
        }
        // A mean in which one slow run among fast ones does not decide: on a busy machine, any run may have to wait for a processor.
        let counted = micros.min(4 * CHEAP_MICROS);
        costs.entry(shape).and_modify(|cost| *cost = (*cost * 7 + counted) / 8).or_insert(counted);
    }

    /// A connection to read with.
    pub(crate) fn borrow(&self) -> Result<Borrowed<'_>, EngineError> {
        let (found, generation, catalog) = {
            let mut idle = lock(&self.idle);
            (idle.connections.pop(), idle.generation, idle.catalog.clone())
        };
        let database = match found {
            Some(database) => database,
            None => Database::open(&self.path, &self.options, &catalog).map_err(engine_error)?,
        };
        Ok(Borrowed { readers: self, database: Some(database), generation })
    }
}

impl Borrowed<'_> {
    /// The connection.
    pub(crate) fn database(&self) -> Result<&Database, EngineError> {
        self.database.as_ref().ok_or_else(|| internal("a connection was given back too early"))
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        // After a panic nobody knows what state the connection is in.
        let Some(database) = self.database.take().filter(|_| !std::thread::panicking()) else { return };
        let mut idle = lock(&self.readers.idle);
        if idle.generation == self.generation && idle.connections.len() < idle.most {
            idle.connections.push(database);
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A panic in one request is an error of that request alone.
pub(crate) fn guarded<T>(run: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let said = said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(internal(format!("panic: {said}")))
    })
}

/// Whole microseconds since then.
pub(crate) fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept under these locks is whole after every single step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
