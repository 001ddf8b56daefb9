//! What is wrong with a schema file: where, what, and what to do about it.

use std::fmt;

/// A file of schema SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path as people know it: `schema/02_jobs.sql`
    pub path: String,
    /// Its text
    pub text: String,
}

/// A place in a schema file.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Location {
    /// [`SourceFile::path`]
    pub path: String,
    /// From 1; 0 when not known
    pub line: u64,
    /// From 1; 0 when not known
    pub column: u64,
}

/// An error in a schema file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Where
    pub location: Location,
    /// What is wrong: `column "compnay_id" does not exist in table "jobs"`
    pub message: String,
    /// What to do: `did you mean "company_id"?`
    pub hint: Option<String>,
}

/// `schema/02_jobs.sql:14:9: column "compnay_id" does not exist in table "jobs"; did you mean "company_id"?`
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Location { path, line, column } = &self.location;
        match (line, column) {
            (0, _) => write!(f, "{path}: {}", self.message)?,
            (_, 0) => write!(f, "{path}:{line}: {}", self.message)?,
            _ => write!(f, "{path}:{line}:{column}: {}", self.message)?,
        }
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Diagnostic {}
