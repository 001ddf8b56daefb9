//! Connections in turn: as many as the limit, given to one request at a time. One that is given back is idle and alive; one that is
//! dropped in the middle of its work is cancelled and closed, because a late cancel would hit whatever runs on it next.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use plinth_engine::EngineError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::of_connecting;
use crate::wire::{self, Connection, Startup};

/// The pool.
pub(crate) struct Pool {
    startup: Startup,
    slots: Arc<Semaphore>,
    /// The one used last is used next: the others may rest
    idle: Arc<Mutex<Vec<Connection>>>,
    waiting: AtomicUsize,
    max_waiting: usize,
    wait: Duration,
}

/// A connection for one request.
pub(crate) struct Lease {
    connection: Option<Connection>,
    idle: Arc<Mutex<Vec<Connection>>>,
    slot: Option<OwnedSemaphorePermit>,
}

impl Pool {
    pub(crate) fn new(startup: Startup, size: usize, max_waiting: usize, wait: Duration) -> Pool {
        Pool {
            startup,
            slots: Arc::new(Semaphore::new(size.max(1))),
            idle: Arc::new(Mutex::new(Vec::new())),
            waiting: AtomicUsize::new(0),
            max_waiting,
            wait,
        }
    }

    /// A connection, opened where none is idle. Waits for as long as the configuration says, in a queue as long as it says.
    pub(crate) async fn lease(&self) -> Result<Lease, EngineError> {
        let slot = self.slot().await?;
        loop {
            let known = lock(&self.idle).pop();
            let Some(mut connection) = known else { break };
            if connection.is_alive().await {
                return Ok(Lease {
                    connection: Some(connection),
                    idle: Arc::clone(&self.idle),
                    slot: Some(slot),
                });
            }
        }
        let connection = wire::connect(&self.startup).await.map_err(of_connecting)?;
        Ok(Lease { connection: Some(connection), idle: Arc::clone(&self.idle), slot: Some(slot) })
    }

    /// A new connection in the place of one that turned out to be of no use.
    pub(crate) async fn renew(&self, mut lease: Lease) -> Result<Lease, EngineError> {
        lease.connection = None;
        lease.connection = Some(wire::connect(&self.startup).await.map_err(of_connecting)?);
        Ok(lease)
    }

    async fn slot(&self) -> Result<OwnedSemaphorePermit, EngineError> {
        if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            return Ok(slot);
        }
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.max_waiting {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(EngineError::Busy);
        }
        let _waiting = Waiting(&self.waiting);
        match tokio::time::timeout(self.wait, Arc::clone(&self.slots).acquire_owned()).await {
            Ok(Ok(slot)) => Ok(slot),
            _ => Err(EngineError::PoolTimeout),
        }
    }
}

/// One in the queue, however it leaves it.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Deref for Lease {
    type Target = Connection;

    #[allow(clippy::expect_used, reason = "the connection goes with the lease")]
    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("a lease has a connection")
    }
}

impl DerefMut for Lease {
    #[allow(clippy::expect_used, reason = "the connection goes with the lease")]
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("a lease has a connection")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if connection.is_idle() {
            lock(&self.idle).push(connection);
            return;
        }
        // What it was doing is nobody's any more. Its slot stays taken until the server has been told.
        let (cancel, slot) = (connection.cancel(), self.slot.take());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                cancel.send().await;
                drop(connection);
                drop(slot);
            });
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
