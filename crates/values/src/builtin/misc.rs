//! Functions of no other subject: UUIDs, enums, counting nulls, the type of a value.

use super::Arg::{Any, AnyArray, AnyEnum, Int4, Text, Uuid};
use super::args::{as_text, some_count, some_text, value};
use super::{Builtin, Context, function};
use crate::array::{Array, encode};
use crate::{EnumType, Result, Type, Value, ValueError, ValueRef};

pub(super) static TABLE: &[Builtin] = &[
    function("gen_random_uuid", "gen_random_uuid", &[], Uuid, |_, _| {
        some_text(uuid::Uuid::new_v4().to_string())
    })
    .volatile(),
    function("uuid_generate_v4", "uuid_generate_v4", &[], Uuid, |_, _| {
        some_text(uuid::Uuid::new_v4().to_string())
    })
    .volatile(),
    function("uuidv4", "uuidv4", &[], Uuid, |_, _| some_text(uuid::Uuid::new_v4().to_string())).volatile(),
    function("uuidv7", "uuidv7", &[], Uuid, |_, _| some_text(uuid::Uuid::now_v7().to_string())).volatile(),
    function("num_nulls", "num_nulls", &[Any], Int4, |_, a| {
        some_count(a.iter().filter(|value| value.is_null()).count())
    })
    .variadic()
    .lax(),
    function("num_nonnulls", "num_nonnulls", &[Any], Int4, |_, a| {
        some_count(a.iter().filter(|value| !value.is_null()).count())
    })
    .variadic()
    .lax(),
    function("pg_typeof", "pg_typeof", &[Any], Text, |c, _| {
        some_text(c.types.first().unwrap_or(&Type::Unknown).to_string())
    })
    .stable()
    .lax(),
    function("enum_first", "enum_first", &[AnyEnum], AnyEnum, |c, _| label(enumeration(c)?.labels.first()))
        .stable()
        .lax(),
    function("enum_last", "enum_last", &[AnyEnum], AnyEnum, |c, _| label(enumeration(c)?.labels.last()))
        .stable()
        .lax(),
    function("enum_range", "enum_range", &[AnyEnum], AnyArray, |c, _| enum_range(c, None, None))
        .stable()
        .lax(),
    function("enum_range_bounds", "enum_range", &[AnyEnum, AnyEnum], AnyArray, |c, a| {
        enum_range(c, Some(value(a, 0)), Some(value(a, 1)))
    })
    .stable()
    .lax(),
];

fn enumeration<'a>(context: &Context<'a>) -> Result<&'a EnumType> {
    match context.types.first() {
        Some(Type::Enum(enumeration)) => Ok(enumeration),
        _ => Err(ValueError::new("42804", "could not determine actual enum type")),
    }
}

fn label(label: Option<&String>) -> Result<Value> {
    label.map_or(Ok(Value::Null), some_text)
}

/// The labels from one to another; a null bound is no bound.
fn enum_range(context: &Context<'_>, from: Option<ValueRef<'_>>, to: Option<ValueRef<'_>>) -> Result<Value> {
    let enumeration = enumeration(context)?;
    let place = |bound: Option<ValueRef<'_>>| -> Result<Option<usize>> {
        match bound {
            None | Some(ValueRef::Null) => Ok(None),
            Some(value) => {
                let wanted = as_text(value)?;
                Ok(enumeration.labels.iter().position(|label| label == wanted))
            }
        }
    };
    let first = place(from)?.unwrap_or(0);
    let last = place(to)?.unwrap_or(enumeration.labels.len());
    let labels = enumeration.labels.iter().enumerate().filter(|(at, _)| (first..=last).contains(at));
    let labels = labels.map(|(_, label)| Value::Text(label.clone())).collect();
    let element = context.types.first().unwrap_or(&Type::Text);
    encode(element, &Array::flat(labels))
}
