//! The order of values: PostgreSQL's default B-tree order of each type, text by code point.

use std::cmp::Ordering;

use crate::{Type, ValueRef};

/// Compares two non-null values of one type in storage form. A null sorts last.
pub fn compare(ty: &Type, a: ValueRef<'_>, b: ValueRef<'_>) -> Ordering {
    let _ = (ty, a, b);
    unimplemented!()
}

/// Whether the storage form orders (and equals) as the type does, byte by byte or number by number: `false` for numeric,
/// interval, jsonb, char, enum and arrays, whose texts need [`compare_text`].
pub fn is_plain(ty: &Type) -> bool {
    let _ = ty;
    unimplemented!()
}

/// Compares two values of a type that is not plain by their stored text.
pub fn compare_text(ty: &Type, a: &str, b: &str) -> Ordering {
    compare(ty, ValueRef::Text(a), ValueRef::Text(b))
}
