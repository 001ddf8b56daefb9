//! Ending statements early: when they take too long, or when the one who asked has left.
//!
//! Each connection has a [`Watch`] that SQLite consults while it computes; a request arms it with its [`Interrupt`]. Writing
//! statements are never interrupted: SQLite would roll the whole transaction back, and with it the group's other writes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use plinth_engine::EngineError;
use rusqlite::Connection;

/// How many of SQLite's virtual machine instructions run between two looks at the watch.
const INSTRUCTIONS_BETWEEN_LOOKS: i32 = 20_000;

/// What ends one request early.
#[derive(Debug)]
pub(crate) struct Interrupt {
    cancelled: AtomicBool,
    deadline: Option<Instant>,
    /// Microseconds that the request waited for others while it ran: they are not its own
    waited_micros: AtomicU64,
}

impl Interrupt {
    /// An interrupt that fires after this time, or when cancelled.
    pub(crate) fn after(timeout: Duration) -> Arc<Interrupt> {
        Arc::new(Interrupt {
            cancelled: AtomicBool::new(false),
            deadline: Instant::now().checked_add(timeout),
            waited_micros: AtomicU64::new(0),
        })
    }

    /// An interrupt that never fires by itself: for the service's own work.
    pub(crate) fn never() -> Arc<Interrupt> {
        Arc::new(Interrupt {
            cancelled: AtomicBool::new(false),
            deadline: None,
            waited_micros: AtomicU64::new(0),
        })
    }

    /// Does not count so much time.
    pub(crate) fn add_waited(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.waited_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Ends the request at the next look.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    fn is_due(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
            || self.deadline.is_some_and(|deadline| {
                let waited = Duration::from_micros(self.waited_micros.load(Ordering::Relaxed));
                Instant::now().checked_sub(waited).is_some_and(|now| now >= deadline)
            })
    }

    /// An error once the request has to end.
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        if self.is_due() { Err(EngineError::Timeout) } else { Ok(()) }
    }
}

/// Cancels its interrupt when dropped: held by the future that waits for a read.
#[derive(Debug)]
pub(crate) struct CancelOnDrop(pub(crate) Arc<Interrupt>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// A connection's watch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch(Arc<Mutex<Option<Arc<Interrupt>>>>);

impl Watch {
    /// A watch that the connection consults from now on.
    pub(crate) fn install(connection: &mut Connection) -> rusqlite::Result<Watch> {
        let watch = Watch::default();
        let consulted = watch.clone();
        connection.progress_handler(INSTRUCTIONS_BETWEEN_LOOKS, Some(move || consulted.is_due()))?;
        Ok(watch)
    }

    fn is_due(&self) -> bool {
        let armed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        armed.as_ref().is_some_and(|interrupt| interrupt.is_due())
    }

    fn set(&self, interrupt: Option<Arc<Interrupt>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = interrupt;
    }

    /// Statements can be interrupted until the guard is dropped.
    pub(crate) fn arm(&self, interrupt: &Arc<Interrupt>) -> Armed {
        self.set(Some(interrupt.clone()));
        Armed(self.clone())
    }
}

/// While it lives, the watch is armed.
#[derive(Debug)]
pub(crate) struct Armed(Watch);

impl Drop for Armed {
    fn drop(&mut self) {
        self.0.set(None);
    }
}
