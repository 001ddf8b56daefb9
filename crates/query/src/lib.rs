//! What is asked, and what will be done.
//!
//! A front door turns its wire dialect into a [`Request`], which speaks in names. [`plan`] resolves the names against the
//! catalog, checks types and privileges, weaves the row-security policies in, and gives a [`Plan`], which speaks in catalog
//! positions and typed expressions. There is no other way to make a plan, and no data is reachable without one. No I/O, no HTTP,
//! no SQL text here.

#![allow(clippy::result_large_err, reason = "a refusal is made once per refused request")]

pub mod caller;
mod deferred;
mod ir;
pub mod plan;
pub mod refusal;
pub mod request;
mod shape;

pub use caller::Caller;
pub use deferred::Deferred;
pub use plan::{Offered, Plan, PlanCache, Reach, ReachedRelation, find, offered, plan, reach};
pub use refusal::Refusal;
pub use request::Request;
