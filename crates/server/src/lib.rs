//! Puts it together: configuration, keys and tokens, routing, limits, the life of the HTTP server.
//!
//! What a path means is decided in [`mod@router`]; everything about data is the front doors' and the engine's.

#![allow(clippy::result_large_err, reason = "an error is made once per refused request")]

pub mod compression;
pub mod config;
pub mod cors;
mod data;
pub mod files;
pub mod keys;
mod known_tokens;
pub mod log;
pub mod router;
pub mod serve;
mod stream;
pub mod timing;
pub mod token;

pub use config::Config;
pub use router::App;
pub use serve::serve;
