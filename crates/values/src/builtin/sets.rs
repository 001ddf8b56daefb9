//! The functions that give rows: series, elements of arrays and JSON arrays, members of JSON objects, parts of text.

use super::Arg::{
    AnyArray, AnyElement, Bool, Int4, Int8, Interval as IntervalArg, Json, Jsonb, Numeric, Text, Timestamp,
    Timestamptz,
};
use super::args::{self, bounded, int, invalid_parameter, text};
use super::array::array;
use super::datetime::interval;
use super::decimal::number;
use super::json::type_of;
use super::text::string_parts;
use super::{Builtin, Context, MAX_ROWS, set};
use crate::datetime::{self, Interval};
use crate::numeric::Decimal;
use crate::{Result, Value, ValueError, ValueRef, json};

type Args<'a, 'b> = &'a [ValueRef<'b>];
type Rows = Vec<Vec<Value>>;

pub(super) static TABLE: &[Builtin] = &[
    set("unnest", "unnest", &[AnyArray], AnyElement, |c, a| single(array(c, a, 0)?.elements)),
    set("generate_series_int4", "generate_series", &[Int4, Int4, Int4], Int4, |_, a| integers(a)).optional(1),
    set("generate_series_int8", "generate_series", &[Int8, Int8, Int8], Int8, |_, a| integers(a)).optional(1),
    set("generate_series_numeric", "generate_series", &[Numeric, Numeric, Numeric], Numeric, |_, a| {
        numerics(a)
    })
    .optional(1),
    set(
        "generate_series_timestamp",
        "generate_series",
        &[Timestamp, Timestamp, IntervalArg],
        Timestamp,
        |_, a| timestamps(a, datetime::timestamp_plus),
    ),
    set(
        "generate_series_timestamptz",
        "generate_series",
        &[Timestamptz, Timestamptz, IntervalArg],
        Timestamptz,
        |c, a| timestamps(a, |instant, step| datetime::timestamptz_plus(instant, step, &c.session.time_zone)),
    )
    .stable(),
    set("generate_subscripts", "generate_subscripts", &[AnyArray, Int4, Bool], Int4, subscripts).optional(1),
    set("string_to_table", "string_to_table", &[Text, Text, Text], Text, |_, a| {
        let parts = string_parts(a)?.unwrap_or_default();
        single(parts.into_iter().map(|part| part.map_or(Value::Null, Value::Text)).collect())
    })
    .optional(1)
    .lax(),
    set("json_object_keys", "json_object_keys", &[Json], Text, |_, a| keys(a, "json_object_keys")),
    set("jsonb_object_keys", "jsonb_object_keys", &[Jsonb], Text, |_, a| keys(a, "jsonb_object_keys")),
    set("json_each", "json_each", &[Json], Json, |_, a| each(a, json_members, raw))
        .named(&[("key", Text), ("value", Json)]),
    set("jsonb_each", "jsonb_each", &[Jsonb], Jsonb, |_, a| each(a, |a| jsonb_members(a, "jsonb_each"), raw))
        .named(&[("key", Text), ("value", Jsonb)]),
    set("json_each_text", "json_each_text", &[Json], Text, |_, a| each(a, json_members, plain))
        .named(&[("key", Text), ("value", Text)]),
    set("jsonb_each_text", "jsonb_each_text", &[Jsonb], Text, |_, a| {
        each(a, |a| jsonb_members(a, "jsonb_each_text"), plain)
    })
    .named(&[("key", Text), ("value", Text)]),
    set("json_array_elements", "json_array_elements", &[Json], Json, |_, a| {
        elements(a, json_elements(a, "json_array_elements"), raw)
    })
    .named(&[("value", Json)]),
    set("jsonb_array_elements", "jsonb_array_elements", &[Jsonb], Jsonb, |_, a| {
        elements(a, jsonb_elements(a), raw)
    })
    .named(&[("value", Jsonb)]),
    set("json_array_elements_text", "json_array_elements_text", &[Json], Text, |_, a| {
        elements(a, json_elements(a, "json_array_elements_text"), plain)
    })
    .named(&[("value", Text)]),
    set("jsonb_array_elements_text", "jsonb_array_elements_text", &[Jsonb], Text, |_, a| {
        elements(a, jsonb_elements(a), plain)
    })
    .named(&[("value", Text)]),
];

fn too_many() -> ValueError {
    ValueError::new("54000", format!("a function may not give more than {MAX_ROWS} rows"))
}

/// Rows of one column.
fn single(values: Vec<Value>) -> Result<Rows> {
    if values.len() > MAX_ROWS {
        return Err(too_many());
    }
    Ok(values.into_iter().map(|value| vec![value]).collect())
}

/// Steps from one value to the last one not beyond the end. `next` gives no value where the type ends.
fn series<T>(
    first: T,
    inside: impl Fn(&T) -> bool,
    next: impl Fn(&T) -> Result<Option<T>>,
    value: impl Fn(&T) -> Value,
) -> Result<Rows> {
    let mut rows = Vec::new();
    let mut current = Some(first);
    while let Some(at) = current.filter(&inside) {
        if rows.len() == MAX_ROWS {
            return Err(too_many());
        }
        rows.push(vec![value(&at)]);
        current = next(&at)?;
    }
    Ok(rows)
}

fn zero_step() -> ValueError {
    invalid_parameter("step size cannot equal zero")
}

fn integers(args: Args<'_, '_>) -> Result<Rows> {
    let (first, last) = (int(args, 0)?, int(args, 1)?);
    let step = if args.len() > 2 { int(args, 2)? } else { 1 };
    if step == 0 {
        return Err(zero_step());
    }
    let inside = |at: &i64| if step > 0 { *at <= last } else { *at >= last };
    // A series that is too long is refused before its rows are made.
    if inside(&first) && last.abs_diff(first) / step.unsigned_abs() >= MAX_ROWS as u64 {
        return Err(too_many());
    }
    series(first, inside, |at| Ok(at.checked_add(step)), |at| Value::Int(*at))
}

fn numerics(args: Args<'_, '_>) -> Result<Rows> {
    let (first, last) = (number(args, 0)?, number(args, 1)?);
    let step = if args.len() > 2 { number(args, 2)? } else { Decimal::one() };
    if step.is_zero() {
        return Err(zero_step());
    }
    let inside = |at: &Decimal| if step.is_negative() { *at >= last } else { *at <= last };
    if inside(&first) {
        let steps = last.sub(&first)?.div_trunc(&step)?.to_i64();
        let steps = steps.and_then(|steps| usize::try_from(steps).ok()).filter(|steps| *steps < MAX_ROWS);
        let bytes = first.to_string().len().max(last.to_string().len()) + step.to_string().len();
        bounded(steps.ok_or_else(too_many)?.saturating_mul(bytes) / 4)?;
    }
    series(first, inside, |at| at.add(&step).map(Some), |at| Value::Text(at.to_string()))
}

fn timestamps(args: Args<'_, '_>, plus: impl Fn(i64, Interval) -> Result<i64>) -> Result<Rows> {
    let (first, last, step) = (int(args, 0)?, int(args, 1)?, interval(args, 2)?);
    let sign = step.compare(&Interval::default());
    if sign.is_eq() {
        return Err(zero_step());
    }
    // An infinite bound would never be reached.
    if !datetime::is_finite(first) || (!datetime::is_finite(last) && (last > first) == sign.is_gt()) {
        return Err(too_many());
    }
    let inside = |at: &i64| if sign.is_gt() { *at <= last } else { *at >= last };
    series(first, inside, |at| plus(*at, step).map(Some), |at| Value::Int(*at))
}

fn subscripts(context: &Context<'_>, args: Args<'_, '_>) -> Result<Rows> {
    let dimensions = array(context, args, 0)?.dimensions;
    let wanted = usize::try_from(int(args, 1)?).ok().and_then(|number| number.checked_sub(1));
    let length = wanted.and_then(|index| dimensions.get(index).copied()).unwrap_or(0);
    let numbers = (1..=i64::try_from(length).unwrap_or(0)).map(Value::Int);
    if args.len() > 2 && args::bool(args, 2)? {
        single(numbers.rev().collect())
    } else {
        single(numbers.collect())
    }
}

fn raw(part: &str) -> Result<Value> {
    Ok(Value::Text(part.to_owned()))
}

fn plain(part: &str) -> Result<Value> {
    Ok(json::unquote(part)?.map_or(Value::Null, Value::Text))
}

type Members<'a> = Vec<(String, &'a str)>;

fn json_members<'a>(args: Args<'_, 'a>) -> Result<Members<'a>> {
    let whole = text(args, 0)?;
    json::members(whole).ok_or_else(|| match type_of(whole) {
        "array" => invalid_parameter("cannot deconstruct an array as an object"),
        _ => invalid_parameter("cannot deconstruct a scalar"),
    })
}

fn jsonb_members<'a>(args: Args<'_, 'a>, name: &str) -> Result<Members<'a>> {
    let members = json::members(text(args, 0)?);
    members.ok_or_else(|| invalid_parameter(format!("cannot call {name} on a non-object")))
}

fn keys(args: Args<'_, '_>, name: &str) -> Result<Rows> {
    let whole = text(args, 0)?;
    let members = json::members(whole).ok_or_else(|| match type_of(whole) {
        "array" => invalid_parameter(format!("cannot call {name} on an array")),
        _ => invalid_parameter(format!("cannot call {name} on a scalar")),
    })?;
    single(members.into_iter().map(|(key, _)| Value::Text(key)).collect())
}

fn each<'a>(
    args: Args<'_, 'a>,
    members: impl Fn(Args<'_, 'a>) -> Result<Members<'a>>,
    value: fn(&str) -> Result<Value>,
) -> Result<Rows> {
    let members = members(args)?;
    if members.len() > MAX_ROWS {
        return Err(too_many());
    }
    members.into_iter().map(|(key, part)| Ok(vec![Value::Text(key), value(part)?])).collect()
}

/// The refusal of a json value that is not an array.
fn json_elements(args: Args<'_, '_>, name: &str) -> ValueError {
    match text(args, 0).map(type_of) {
        Ok("object") => invalid_parameter(format!("cannot call {name} on a non-array")),
        _ => invalid_parameter(format!("cannot call {name} on a scalar")),
    }
}

/// The refusal of a jsonb value that is not an array.
fn jsonb_elements(args: Args<'_, '_>) -> ValueError {
    match text(args, 0).map(type_of) {
        Ok("object") => invalid_parameter("cannot extract elements from an object"),
        _ => invalid_parameter("cannot extract elements from a scalar"),
    }
}

fn elements(args: Args<'_, '_>, refusal: ValueError, value: fn(&str) -> Result<Value>) -> Result<Rows> {
    let parts = json::elements(text(args, 0)?).ok_or(refusal)?;
    single(parts.into_iter().map(value).collect::<Result<_>>()?)
}
