//! PostgreSQL's data types, outside PostgreSQL: which values a type has, how they are written as text and as JSON,
//! how they are cast and compared, and what the built-in functions and operators compute from them.
//!
//! Everything here is pure: no I/O, no engine, no SQL text. The meaning is PostgreSQL's (chapter 8 "Data Types" and
//! chapter 9 "Functions and Operators" of its manual); where a case cannot be kept exactly it is an error, never an
//! approximation.

pub mod array;
pub mod builtin;
pub mod cast;
pub mod compare;
pub mod datetime;
mod error;
pub mod input;
pub mod interval;
pub mod json;
pub mod numeric;
pub mod output;
pub mod range;
pub mod search;
mod session;
mod ty;
mod value;
pub mod zone;

pub use error::{Result, ValueError};
pub use session::Session;
pub use ty::{EnumType, Modifier, NativeKind, NativeType, Type};
pub use value::{Value, ValueRef};
