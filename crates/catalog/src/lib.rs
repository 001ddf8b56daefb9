//! What exists: schemas, roles, types, relations, functions, policies and grants, resolved and typed.
//!
//! A catalog is built once, from SQL files ([`read`]) or by an engine's introspection, and is immutable from then on. It knows
//! no engine and does no I/O.

mod computed;
mod database;
mod diagnostic;
pub mod expr;
mod model;
mod names;
mod read;
mod relationships;
mod resolve;
pub mod walk;

pub use computed::ComputedRelationship;
pub use database::{Database, Isolation, RoleSettings};
pub use diagnostic::{Diagnostic, Location, SourceFile};
pub use model::*;
pub use names::{Name, quote_ident};
pub use read::{Defaults, read, read_inserts};
pub use relationships::relationships;
pub use resolve::{parse_expr, parse_query, parse_type};
