//! Casts between types: which exist, and what they give.

use crate::{Modifier, Result, Session, Type, Value, ValueRef};

/// When PostgreSQL applies a cast by itself (its `pg_cast.castcontext`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Context {
    /// In any expression
    Implicit,
    /// When a value is stored in a column
    Assignment,
    /// Only where `cast`/`::` is written
    Explicit,
}

/// The weakest context in which `from` is cast to `to`; `None` when there is no such cast.
pub fn context(from: &Type, to: &Type) -> Option<Context> {
    let _ = (from, to);
    unimplemented!()
}

/// Casts a value. `explicit` matters for `varchar(n)`/`char(n)`: an explicit cast cuts, an assignment refuses (22001).
pub fn cast(
    from: &Type,
    to: &Type,
    modifier: Modifier,
    explicit: bool,
    value: ValueRef<'_>,
    session: &Session,
) -> Result<Value> {
    let _ = (from, to, modifier, explicit, value, session);
    unimplemented!()
}
