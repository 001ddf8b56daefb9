//! What can go wrong while running a plan.

/// A failure, in terms a dialect can map to its own codes. Messages never hold SQL text, paths or secrets.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EngineError {
    /// A refusal in PostgreSQL's terms: a violated constraint, a bad value, row security
    #[error("{message}")]
    Sql {
        /// The SQLSTATE
        code: String,
        /// PostgreSQL's message
        message: String,
        /// Its DETAIL
        detail: Option<String>,
        /// Its HINT
        hint: Option<String>,
    },
    /// The result does not have exactly one row, though one was asked for (PGRST116)
    #[error("the result contains {rows} rows")]
    NotSingular {
        /// Rows there were
        rows: u64,
    },
    /// More rows would be affected than allowed (PGRST124)
    #[error("query result exceeds max-affected preference constraint")]
    MaxAffected {
        /// Rows that would have been affected
        rows: u64,
    },
    /// The response would be larger than the configuration allows
    #[error("the response is larger than {limit} bytes")]
    ResponseTooLarge {
        /// The limit, in bytes
        limit: u64,
    },
    /// The statement took longer than allowed (57014)
    #[error("canceling statement due to statement timeout")]
    Timeout,
    /// The key of a remembered answer belongs to another request
    #[error("the key was used for a different request")]
    KeyReused,
    /// The caller has too many remembered answers, or their bytes are too many
    #[error("too many answers are remembered for this caller: at most {limit}")]
    TooManyKeys {
        /// The limit, with its unit
        limit: String,
    },
    /// The answer is too large to be remembered
    #[error("the answer is larger than the {limit} bytes that are remembered")]
    AnswerTooLarge {
        /// The limit, in bytes
        limit: u64,
    },
    /// Too much is waiting already; try again later
    #[error("too many requests are waiting for the database")]
    Busy,
    /// No connection to the database became free in time (PGRST003)
    #[error("timed out acquiring a connection from the pool")]
    PoolTimeout,
    /// What the database holds is not known yet (PGRST002): 503
    #[error("the database's schema could not be read yet")]
    NoCatalog,
    /// The database cannot be connected to (PGRST000): 503
    #[error("{reason}")]
    Unreachable {
        /// What is wrong, for operators and clients
        reason: String,
    },
    /// The connection to the database was lost, or it cannot be written to (a full or read-only disk): 503
    #[error("{reason}")]
    Unavailable {
        /// What is wrong, for operators and clients
        reason: String,
    },
    /// A defect; the details are in the log
    #[error("internal error")]
    Internal {
        /// For the log alone
        detail: String,
    },
}

impl From<plinth_values::ValueError> for EngineError {
    fn from(error: plinth_values::ValueError) -> EngineError {
        EngineError::Sql { code: error.code.into(), message: error.message, detail: error.detail, hint: None }
    }
}
