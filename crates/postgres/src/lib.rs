//! The server engine: any PostgreSQL database, served as it is.
//!
//! The database is the authority: roles, grants and row security are its own. A request runs as PostgREST runs it: in one
//! transaction that sets the caller's role and the `request.*` settings for itself, then the statement, as the caller's role.

#![allow(clippy::result_large_err, reason = "an error is made once per failed request")]
