//! SQLite's failures in the engine's terms. Violated constraints are explained in `write::violation`, where the row is known;
//! what reaches this table is everything else.

use std::path::PathBuf;

use plinth_engine::EngineError;
use rusqlite::{Error, ErrorCode, ffi};

use crate::functions;

/// Why a database file cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process serves the file
    #[error("{path} is in use by another process; stop it first, or choose another file")]
    InUse {
        /// The file
        path: PathBuf,
    },
    /// The file is not SQLite's, or its contents are damaged
    #[error("{path} is damaged or not a database: {reason}; restore it from a backup")]
    Damaged {
        /// The file
        path: PathBuf,
        /// SQLite's words
        reason: String,
    },
    /// A database of some other program
    #[error("{path} is an SQLite database that Plinth did not create; choose another file")]
    Foreign {
        /// The file
        path: PathBuf,
    },
    /// Written by a later version
    #[error("{path} has format {found}, and this version of Plinth reads up to {known}; upgrade Plinth")]
    Newer {
        /// The file
        path: PathBuf,
        /// The file's format
        found: i64,
        /// The last one known
        known: i64,
    },
    /// The operating system refuses
    #[error("{path} cannot be opened: {reason}")]
    Refused {
        /// The file
        path: PathBuf,
        /// Why
        reason: String,
    },
}

/// A refusal in PostgreSQL's terms.
pub(crate) fn sql_error(code: &str, message: impl Into<String>, detail: Option<String>) -> EngineError {
    EngineError::Sql { code: code.into(), message: message.into(), detail, hint: None }
}

/// A defect, for the log.
pub(crate) fn internal(detail: impl Into<String>) -> EngineError {
    EngineError::Internal { detail: detail.into() }
}

/// What SQLite says beside the code: the text of the violated constraint, for example.
pub(crate) fn message(error: &Error) -> &str {
    match error {
        Error::SqliteFailure(_, Some(message)) => message,
        Error::SqlInputError { msg, .. } => msg,
        _ => "",
    }
}

/// The failure of a statement. A function that refused its arguments left its refusal behind; that is the error then.
pub(crate) fn engine_error(error: Error) -> EngineError {
    if let Some(refused) = functions::take_error() {
        return refused.into();
    }
    let Some(failure) = error.sqlite_error().copied() else {
        return internal(error.to_string());
    };
    match failure.code {
        ErrorCode::OperationInterrupted => EngineError::Timeout,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => EngineError::Busy,
        ErrorCode::DiskFull => unavailable("the disk is full; the write was refused"),
        ErrorCode::ReadOnly => unavailable("the database is read-only; the write was refused"),
        ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
            tracing::error!(code = failure.extended_code, "the database file cannot be read or written");
            unavailable("the database file cannot be read or written")
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
            tracing::error!(
                code = failure.extended_code,
                message = message(&error),
                "the database file is damaged"
            );
            unavailable("the database file is damaged")
        }
        ErrorCode::OutOfMemory => sql_error("53200", "out of memory", None),
        ErrorCode::TooBig => sql_error("54000", "value is too large", None),
        _ if is_too_complex(message(&error)) => sql_error("54001", "statement is too complex", None),
        _ if failure.extended_code == ffi::SQLITE_CONSTRAINT_DATATYPE => {
            internal(format!("a value of a wrong storage class: {error}"))
        }
        _ => internal(error.to_string()),
    }
}

fn unavailable(reason: &str) -> EngineError {
    EngineError::Unavailable { reason: reason.into() }
}

/// SQLite's limits on the size of a statement.
fn is_too_complex(message: &str) -> bool {
    const LIMITS: [&str; 7] = [
        "Expression tree is too large",
        "parser stack overflow",
        "too many SQL variables",
        "too many terms in",
        "too many columns",
        "tables in a join",
        "too many arguments on function",
    ];
    LIMITS.iter().any(|limit| message.contains(limit))
}

/// The failure to open a file.
pub(crate) fn open_error(path: &std::path::Path, error: &Error) -> OpenError {
    let path = path.to_path_buf();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            OpenError::Damaged { path, reason: message(error).to_owned() }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::InUse { path },
        _ => OpenError::Refused { path, reason: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: i32, message: &str) -> Error {
        Error::SqliteFailure(ffi::Error::new(code), Some(message.into()))
    }

    #[test]
    fn failures_keep_their_kind() {
        let unavailable = |code| matches!(engine_error(failure(code, "")), EngineError::Unavailable { .. });
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR, ffi::SQLITE_READONLY, ffi::SQLITE_CORRUPT] {
            assert!(unavailable(code), "{code}");
        }
        assert_eq!(engine_error(failure(ffi::SQLITE_INTERRUPT, "")), EngineError::Timeout);
        assert_eq!(engine_error(failure(ffi::SQLITE_BUSY, "")), EngineError::Busy);
        let complex =
            engine_error(failure(ffi::SQLITE_ERROR, "Expression tree is too large (maximum depth 1000)"));
        assert!(matches!(complex, EngineError::Sql { code, .. } if code == "54001"));
        let defect = engine_error(failure(ffi::SQLITE_ERROR, "no such column: x"));
        assert!(matches!(defect, EngineError::Internal { .. }));
        assert_eq!(defect.to_string(), "internal error");
    }
}
