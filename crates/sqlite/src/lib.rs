//! The embedded engine: plans compiled to SQLite's SQL, PostgreSQL's meaning kept, every acknowledged write on disk.
//!
//! The compiler half (`sql`, `functions`) turns typed expressions into SQL text and teaches SQLite PostgreSQL's functions; the
//! execution half runs compiled plans: readers from a pool, one writer that commits in groups. Plans come from `plinth-query`.

#![allow(clippy::result_large_err, reason = "an error is made once per failed request")]

mod connection;
mod difference;
mod engine;
mod error;
mod explain;
mod functions;
mod interrupt;
mod load;
mod query_plan;
mod read;
mod readers;
mod remember;
mod schema;
mod search_indexes;
mod sequence;
mod sql;
mod statement;
#[cfg(test)]
mod tests;
mod transaction;
mod write;
mod writer;

pub use connection::Options;
pub use difference::{Applies, Change, difference};
pub use engine::SqliteEngine;
pub use error::OpenError;
pub use explain::explain;
pub use load::Batch;
pub use schema::{ApplyError, notes, problems};
