//! Functions and operators over ranges. What they compute is `crate::range`'s.

use super::Arg::{self, AnyRange, Bool, RangeElement, Text};
use super::args::{some_bool, text, value};
use super::{Builtin, Context, function, operator};
use crate::range::{Bound, Range, RangeKind};
use crate::{Result, Type, Value, ValueError, ValueRef};

type Args<'a, 'b> = &'a [ValueRef<'b>];

const BOTH: &[Arg] = &[AnyRange, AnyRange];

pub(super) static TABLE: &[Builtin] = &[
    constructor("int4range", &[Arg::Int4, Arg::Int4, Text], RangeKind::Int4, |_, a| made(RangeKind::Int4, a)),
    constructor("int8range", &[Arg::Int8, Arg::Int8, Text], RangeKind::Int8, |_, a| made(RangeKind::Int8, a)),
    constructor("numrange", &[Arg::Numeric, Arg::Numeric, Text], RangeKind::Num, |_, a| {
        made(RangeKind::Num, a)
    }),
    constructor("tsrange", &[Arg::Timestamp, Arg::Timestamp, Text], RangeKind::Ts, |_, a| {
        made(RangeKind::Ts, a)
    }),
    constructor("tstzrange", &[Arg::Timestamptz, Arg::Timestamptz, Text], RangeKind::Tstz, |_, a| {
        made(RangeKind::Tstz, a)
    }),
    constructor("daterange", &[Arg::Date, Arg::Date, Text], RangeKind::Date, |_, a| made(RangeKind::Date, a)),
    function("range_lower", "lower", &[AnyRange], RangeElement, |c, a| {
        Ok(bounds(c, a)?.and_then(|(lower, _)| lower.value).unwrap_or_default())
    }),
    function("range_upper", "upper", &[AnyRange], RangeElement, |c, a| {
        Ok(bounds(c, a)?.and_then(|(_, upper)| upper.value).unwrap_or_default())
    }),
    function("range_isempty", "isempty", &[AnyRange], Bool, |c, a| some_bool(bounds(c, a)?.is_none())),
    function("range_lower_inc", "lower_inc", &[AnyRange], Bool, |c, a| {
        some_bool(bounds(c, a)?.is_some_and(|(lower, _)| lower.inclusive))
    }),
    function("range_upper_inc", "upper_inc", &[AnyRange], Bool, |c, a| {
        some_bool(bounds(c, a)?.is_some_and(|(_, upper)| upper.inclusive))
    }),
    function("range_lower_inf", "lower_inf", &[AnyRange], Bool, |c, a| {
        some_bool(bounds(c, a)?.is_some_and(|(lower, _)| lower.value.is_none()))
    }),
    function("range_upper_inf", "upper_inf", &[AnyRange], Bool, |c, a| {
        some_bool(bounds(c, a)?.is_some_and(|(_, upper)| upper.value.is_none()))
    }),
    function("range_merge", "range_merge", BOTH, AnyRange, |c, a| {
        let (kind, left, right) = both(c, a)?;
        Ok(stored(&kind.merge(&left, &right)))
    }),
    operator("range_contains", "@>", BOTH, Bool, |c, a| test(c, a, RangeKind::contains)),
    operator("range_contained", "<@", BOTH, Bool, |c, a| test(c, a, |kind, a, b| kind.contains(b, a))),
    operator("range_contains_value", "@>", &[AnyRange, RangeElement], Bool, |c, a| holds(c, a, 0, 1)),
    operator("range_contained_value", "<@", &[RangeElement, AnyRange], Bool, |c, a| holds(c, a, 1, 0)),
    operator("range_overlaps", "&&", BOTH, Bool, |c, a| test(c, a, RangeKind::overlaps)),
    operator("range_before", "<<", BOTH, Bool, |c, a| test(c, a, RangeKind::is_before)),
    operator("range_after", ">>", BOTH, Bool, |c, a| test(c, a, |kind, a, b| kind.is_before(b, a))),
    operator("range_overleft", "&<", BOTH, Bool, |c, a| test(c, a, RangeKind::ends_within)),
    operator("range_overright", "&>", BOTH, Bool, |c, a| test(c, a, RangeKind::starts_within)),
    operator("range_adjacent", "-|-", BOTH, Bool, |c, a| test(c, a, RangeKind::is_adjacent)),
    operator("range_union", "+", BOTH, AnyRange, |c, a| {
        let (kind, left, right) = both(c, a)?;
        kind.union(&left, &right).map(|range| stored(&range))
    }),
    operator("range_intersect", "*", BOTH, AnyRange, |c, a| {
        let (kind, left, right) = both(c, a)?;
        kind.intersection(&left, &right).map(|range| stored(&range))
    }),
    operator("range_minus", "-", BOTH, AnyRange, |c, a| {
        let (kind, left, right) = both(c, a)?;
        kind.difference(&left, &right).map(|range| stored(&range))
    }),
];

const fn constructor(
    name: &'static str,
    args: &'static [Arg],
    kind: RangeKind,
    call: super::Call,
) -> Builtin {
    function(name, name, args, Arg::Range(kind), call).optional(1).lax()
}

/// `int4range(lower, upper, '[]')`; a null bound is none.
fn made(kind: RangeKind, args: Args<'_, '_>) -> Result<Value> {
    let flags = match args.get(2) {
        None => "[)",
        Some(ValueRef::Null) => {
            return Err(ValueError::new("22000", "range constructor flags argument must not be null"));
        }
        Some(_) => text(args, 2)?,
    };
    let (lower_inclusive, upper_inclusive) = match flags {
        "[]" => (true, true),
        "[)" => (true, false),
        "(]" => (false, true),
        "()" => (false, false),
        _ => return Err(ValueError::new("42601", "invalid range bound flags")),
    };
    let bound = |index: usize, inclusive: bool| Bound {
        value: Some(value(args, index).to_owned()).filter(|value| !value.is_null()),
        inclusive,
    };
    kind.range(bound(0, lower_inclusive), bound(1, upper_inclusive)).map(|range| stored(&range))
}

fn stored(range: &Range) -> Value {
    Value::Text(range.encode())
}

fn kind(context: &Context<'_>, index: usize) -> Result<RangeKind> {
    match context.types.get(index) {
        Some(Type::Range(kind)) => Ok(*kind),
        _ => Err(ValueError::new("XX000", "unexpected argument: a range was expected")),
    }
}

fn range(context: &Context<'_>, args: Args<'_, '_>, index: usize) -> Result<Range> {
    kind(context, index)?.decode(text(args, index)?)
}

fn bounds(context: &Context<'_>, args: Args<'_, '_>) -> Result<Option<(Bound, Bound)>> {
    Ok(match range(context, args, 0)? {
        Range::Empty => None,
        Range::Bounds(lower, upper) => Some((lower, upper)),
    })
}

fn both(context: &Context<'_>, args: Args<'_, '_>) -> Result<(RangeKind, Range, Range)> {
    Ok((kind(context, 0)?, range(context, args, 0)?, range(context, args, 1)?))
}

fn test(
    context: &Context<'_>,
    args: Args<'_, '_>,
    holds: fn(RangeKind, &Range, &Range) -> bool,
) -> Result<Value> {
    let (kind, left, right) = both(context, args)?;
    some_bool(holds(kind, &left, &right))
}

fn holds(context: &Context<'_>, args: Args<'_, '_>, container: usize, element: usize) -> Result<Value> {
    let kind = kind(context, container)?;
    some_bool(kind.contains_value(&range(context, args, container)?, value(args, element)))
}
