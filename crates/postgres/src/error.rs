//! What the database and the wire say, as engine errors.

use std::io;

use plinth_engine::EngineError;

use crate::wire::{DatabaseError, WireError};

/// A failure while a statement ran.
pub(crate) fn of_statement(error: WireError) -> EngineError {
    match error {
        WireError::Database(error) => of_database(*error),
        WireError::Io(error) => EngineError::Unavailable { reason: lost(&error) },
        WireError::Protocol(detail) => EngineError::Internal { detail: detail.to_owned() },
    }
}

/// A failure to connect.
pub(crate) fn of_connecting(error: WireError) -> EngineError {
    let reason = match error {
        WireError::Database(error) => {
            tracing::error!(
                code = error.code,
                message = error.message,
                "the database refuses to be connected to"
            );
            // Who may not come in is not for clients to know.
            match error.code.get(..2) {
                Some("53" | "57") => error.message,
                _ => "the database refuses the connection; the server's log says why".to_owned(),
            }
        }
        WireError::Io(error) => {
            tracing::error!(%error, "the database cannot be reached");
            "the database cannot be reached".to_owned()
        }
        WireError::Protocol(detail) => {
            tracing::error!(detail, "the database cannot be connected to");
            "the database cannot be connected to; the server's log says why".to_owned()
        }
    };
    EngineError::Unreachable { reason }
}

fn of_database(error: DatabaseError) -> EngineError {
    let DatabaseError { severity, code, message, detail, hint } = error;
    match code.as_str() {
        "57014" if message.contains("statement timeout") => EngineError::Timeout,
        // The server ends the session: it stops, or an administrator stops it.
        _ if severity == "FATAL"
            || severity == "PANIC"
            || matches!(code.as_str(), "57P01" | "57P02" | "57P03") =>
        {
            EngineError::Unavailable { reason: message }
        }
        _ => EngineError::Sql { code, message, detail, hint },
    }
}

fn lost(error: &io::Error) -> String {
    tracing::warn!(%error, "the connection to the database was lost");
    "the connection to the database was lost".to_owned()
}

/// Whether a prepared statement does not fit any more, because what it is made of has changed: it is to be prepared again.
pub(crate) fn is_outdated(error: &WireError) -> bool {
    match error {
        WireError::Database(error) => {
            error.code == "0A000" && error.message == "cached plan must not change result type"
                || error.code == "26000"
        }
        _ => false,
    }
}
