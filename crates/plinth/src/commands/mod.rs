//! One file for each command. A command gives the message to print when it fails.

pub mod db;
pub mod explain;
pub mod keys;
pub mod new;
pub mod postgres;
pub mod serve;
pub mod token;
pub mod types;

/// What a command gives.
pub type Result<T = ()> = std::result::Result<T, String>;
