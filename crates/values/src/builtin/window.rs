//! The window functions' signatures. What they compute depends on the window's rows, which only an engine has.

use super::Arg::{AnyElement, Float8, Int4, Int8};
use super::{Arg, Builtin, Kind, builtin};

pub(super) static TABLE: &[Builtin] = &[
    window("row_number", &[], Int8),
    window("rank", &[], Int8),
    window("dense_rank", &[], Int8),
    window("percent_rank", &[], Float8),
    window("cume_dist", &[], Float8),
    window("ntile", &[Int4], Int4),
    window("lag", &[AnyElement, Int4, AnyElement], AnyElement).optional(2),
    window("lead", &[AnyElement, Int4, AnyElement], AnyElement).optional(2),
    window("first_value", &[AnyElement], AnyElement),
    window("last_value", &[AnyElement], AnyElement),
    window("nth_value", &[AnyElement, Int4], AnyElement),
];

const fn window(name: &'static str, args: &'static [Arg], returns: Arg) -> Builtin {
    Builtin { strict: false, ..builtin(name, name, Kind::Window, args, returns) }
}
