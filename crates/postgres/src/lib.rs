//! The server engine: any PostgreSQL database, served as it is.
//!
//! The database is the authority: roles, grants and row security are its own. A request runs as PostgREST runs it: in one
//! transaction that sets the caller's role and the `request.*` settings for itself, then the statement, as the caller's role.
//!
//! `wire` is one connection, `pool` has them in turn, `sql` writes the statements of a plan, `compile` and `run` take a plan from
//! there to its outcome, `emit` gives its rows to the sink. Plans come from `plinth-query`, over a catalog read from the database.

#![allow(clippy::result_large_err, reason = "an error is made once per failed request")]

mod address;
mod admin;
mod compile;
mod emit;
mod engine;
mod error;
mod explain;
#[cfg(test)]
mod injection;
mod introspect;
mod pool;
mod reload;
mod remember;
mod run;
mod settings;
mod sql;
mod transaction;
mod tree;
mod wire;

pub use address::{Address, AddressError, TlsMode};
pub use admin::{Admin, AdminError, Pulled, Rows, SchemaFile, Values};
pub use engine::{Options, PostgresEngine};
