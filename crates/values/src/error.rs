//! What can be wrong with a value.

use std::fmt;

/// A refusal in PostgreSQL's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueError {
    /// The SQLSTATE, for example `22P02`
    pub code: &'static str,
    /// PostgreSQL's message, for example `invalid input syntax for type integer: "a"`
    pub message: String,
    /// Its DETAIL, where it has one
    pub detail: Option<String>,
}

/// The result of an operation on values.
pub type Result<T, E = ValueError> = std::result::Result<T, E>;

impl ValueError {
    /// A refusal without detail.
    pub fn new(code: &'static str, message: impl Into<String>) -> ValueError {
        ValueError { code, message: message.into(), detail: None }
    }

    /// The same refusal with a detail.
    pub fn with_detail(self, detail: impl Into<String>) -> ValueError {
        ValueError { detail: Some(detail.into()), ..self }
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ValueError {}
