//! The REST dialect (PostgREST's): an HTTP request to a [`plinth_query::Request`], and an outcome or refusal to an HTTP response.
//!
//! No SQL and no I/O: bodies come in as bytes and go out as bytes. What may be asked is decided by planning, not here.

#![allow(clippy::result_large_err, reason = "an error is made once per refused request")]

mod batch;
mod body;
mod conditional;
mod csv_sink;
mod error;
mod explain;
mod head_sink;
pub mod idempotency;
mod media;
pub mod openapi;
mod overrides;
mod page;
mod parse;
mod preferences;
mod query_body;
mod query_string;
mod range;
mod raw_sink;
mod request;
mod response;

pub use batch::{Batch, BatchOptions, Entry, batch};
pub use conditional::failed as precondition_failed;
pub use error::ApiError;
pub use explain::{Explained, explained};
pub use media::{DocumentVersion, MediaType};
pub use page::{CursorKey, Cursors};
pub use preferences::{Handling, Preferences, Return, Transaction};
pub use request::{Call, Incoming, Options, Shape, parse};
pub use response::{allow, error, refused, root, success};
