//! What the functions of a connection share with the engine: the session of the running request, and the last refusal.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};

use plinth_values::{Session, ValueError};

/// One per connection. The engine sets the session before it runs a request's statements.
#[derive(Clone, Debug)]
pub(crate) struct SharedSession(Arc<Mutex<Session>>);

thread_local! {
    /// SQLite carries only an error's text through a statement, so the whole error waits here. A statement's functions run on the
    /// thread that steps it.
    static LAST_ERROR: RefCell<Option<ValueError>> = const { RefCell::new(None) };
}

/// What a function refused on this thread since this was last asked. To be asked when a statement fails, and before a request.
pub(crate) fn take_error() -> Option<ValueError> {
    LAST_ERROR.take()
}

/// Keeps the refusal for [`take_error`], and gives SQLite its text.
pub(super) fn refuse(error: ValueError) -> rusqlite::Error {
    LAST_ERROR.set(Some(error.clone()));
    rusqlite::Error::UserFunctionError(Box::new(error))
}

impl Default for SharedSession {
    fn default() -> SharedSession {
        SharedSession(Arc::new(Mutex::new(Session::utc())))
    }
}

impl SharedSession {
    /// Begins a request.
    pub(crate) fn set(&self, session: Session) {
        // A panic inside a call leaves nothing half done in here, so a poisoned lock is as good as any.
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = session;
    }

    /// Runs with the session of the running request.
    pub(super) fn run<T>(&self, call: impl FnOnce(&Session) -> Result<T, ValueError>) -> rusqlite::Result<T> {
        let session = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        call(&session).map_err(refuse)
    }
}
