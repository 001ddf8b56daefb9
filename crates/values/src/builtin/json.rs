//! Reading and building json and jsonb: operators, parts, conversion from other types. Changing jsonb is `json_change`'s, rows
//! of members and elements are `sets`'. Parts are slices of the stored text, which is canonical for jsonb in every part.

use super::Arg::{Any, AnyArray, AnyElement, Bool, Int4, Json, Jsonb, Text, TextArray};
use super::args::{int, invalid_parameter, some_bool, some_count, some_text, text, value};
use super::array::{array, texts};
use super::compose::output_text;
use super::{Builtin, Context, function, operator};
use crate::json::{self, Json as Tree};
use crate::{Result, Type, Value, ValueError, ValueRef, output};

type Args<'a, 'b> = &'a [ValueRef<'b>];

/// What json and jsonb have in common.
macro_rules! both {
    ($name:literal, $ty:ident, $at:path) => {
        &[
            operator(concat!($name, "_get"), "->", &[$ty, Text], $ty, |_, a| {
                raw(json::get(text(a, 0)?, text(a, 1)?))
            }),
            operator(concat!($name, "_at"), "->", &[$ty, Int4], $ty, |_, a| {
                raw($at(text(a, 0)?, int(a, 1)?))
            }),
            operator(concat!($name, "_get_text"), "->>", &[$ty, Text], Text, |_, a| {
                plain(json::get(text(a, 0)?, text(a, 1)?))
            }),
            operator(concat!($name, "_at_text"), "->>", &[$ty, Int4], Text, |_, a| {
                plain($at(text(a, 0)?, int(a, 1)?))
            }),
            operator(concat!($name, "_path"), "#>", &[$ty, TextArray], $ty, |_, a| raw(at_path(a)?)),
            operator(concat!($name, "_path_text"), "#>>", &[$ty, TextArray], Text, |_, a| plain(at_path(a)?)),
            function(
                concat!($name, "_extract_path"),
                concat!($name, "_extract_path"),
                &[$ty, Text],
                $ty,
                |_, a| raw(at_keys(a)?),
            )
            .variadic(),
            function(
                concat!($name, "_extract_path_text"),
                concat!($name, "_extract_path_text"),
                &[$ty, Text],
                Text,
                |_, a| plain(at_keys(a)?),
            )
            .variadic(),
            function(
                concat!($name, "_array_length"),
                concat!($name, "_array_length"),
                &[$ty],
                Int4,
                |_, a| array_length(text(a, 0)?),
            ),
            function(concat!($name, "_typeof"), concat!($name, "_typeof"), &[$ty], Text, |_, a| {
                some_text(type_of(text(a, 0)?))
            }),
        ]
    };
}

pub(super) static JSON: &[Builtin] = both!("json", Json, json::at);
pub(super) static JSONB: &[Builtin] = both!("jsonb", Jsonb, element_at);

pub(super) static TABLE: &[Builtin] = &[
    operator("jsonb_contains", "@>", &[Jsonb, Jsonb], Bool, |_, a| {
        some_bool(contains_top(&tree(a, 0)?, &tree(a, 1)?))
    }),
    operator("jsonb_contained", "<@", &[Jsonb, Jsonb], Bool, |_, a| {
        some_bool(contains_top(&tree(a, 1)?, &tree(a, 0)?))
    }),
    operator("jsonb_exists", "?", &[Jsonb, Text], Bool, |_, a| some_bool(exists(&tree(a, 0)?, text(a, 1)?))),
    operator("jsonb_exists_any", "?|", &[Jsonb, TextArray], Bool, |_, a| {
        let whole = tree(a, 0)?;
        some_bool(texts(a, 1)?.iter().flatten().any(|key| exists(&whole, key)))
    }),
    operator("jsonb_exists_all", "?&", &[Jsonb, TextArray], Bool, |_, a| {
        let whole = tree(a, 0)?;
        some_bool(texts(a, 1)?.iter().flatten().all(|key| exists(&whole, key)))
    }),
    function("jsonb_exists_function", "jsonb_exists", &[Jsonb, Text], Bool, |_, a| {
        some_bool(exists(&tree(a, 0)?, text(a, 1)?))
    }),
    function("to_json", "to_json", &[AnyElement], Json, |c, a| some_text(value_json(c, a, 0))).stable(),
    function("to_jsonb", "to_jsonb", &[AnyElement], Jsonb, |c, a| canonical(&value_json(c, a, 0))).stable(),
    function("array_to_json", "array_to_json", &[AnyArray, Bool], Json, |c, a| {
        let _ = array(c, a, 0)?;
        some_text(value_json(c, a, 0))
    })
    .optional(1)
    .stable(),
    function("json_build_array", "json_build_array", &[Any], Json, |c, a| some_text(build_array(c, a)))
        .variadic()
        .optional(1)
        .stable()
        .lax(),
    function("jsonb_build_array", "jsonb_build_array", &[Any], Jsonb, |c, a| canonical(&build_array(c, a)))
        .variadic()
        .optional(1)
        .stable()
        .lax(),
    function("json_build_object", "json_build_object", &[Any], Json, |c, a| {
        some_text(build_object(c, a, |n| format!("argument {n} cannot be null"))?)
    })
    .variadic()
    .optional(1)
    .stable()
    .lax(),
    function("jsonb_build_object", "jsonb_build_object", &[Any], Jsonb, |c, a| {
        canonical(&build_object(c, a, |n| format!("argument {n}: key must not be null"))?)
    })
    .variadic()
    .optional(1)
    .stable()
    .lax(),
    function("json_object", "json_object", &[TextArray], Json, |_, a| some_text(object_of_pairs(a)?)),
    function("jsonb_object", "jsonb_object", &[TextArray], Jsonb, |_, a| canonical(&object_of_pairs(a)?)),
    function("json_object_of", "json_object", &[TextArray, TextArray], Json, |_, a| {
        some_text(object_of_two(a)?)
    }),
    function("jsonb_object_of", "jsonb_object", &[TextArray, TextArray], Jsonb, |_, a| {
        canonical(&object_of_two(a)?)
    }),
];

/// An element of jsonb: a scalar is kept as an array of one, and can be taken from it as such.
fn element_at(raw: &str, index: i64) -> Option<&str> {
    match type_of(raw) {
        "array" | "object" => json::at(raw, index),
        _ => matches!(index, 0 | -1).then_some(raw),
    }
}

fn raw(part: Option<&str>) -> Result<Value> {
    Ok(part.map_or(Value::Null, |part| Value::Text(part.to_owned())))
}

/// A part as `->>` gives it.
fn plain(part: Option<&str>) -> Result<Value> {
    Ok(part.map(json::unquote).transpose()?.flatten().map_or(Value::Null, Value::Text))
}

fn at_path<'a>(args: Args<'_, 'a>) -> Result<Option<&'a str>> {
    let keys: Option<Vec<String>> = texts(args, 1)?.into_iter().collect();
    let Some(keys) = keys else { return Ok(None) };
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    Ok(json::path(text(args, 0)?, &keys))
}

fn at_keys<'a>(args: Args<'_, 'a>) -> Result<Option<&'a str>> {
    let keys: Vec<&str> = (1..args.len()).map(|index| text(args, index)).collect::<Result<_>>()?;
    Ok(json::path(text(args, 0)?, &keys))
}

pub(super) fn type_of(raw: &str) -> &'static str {
    match raw.trim_start().bytes().next() {
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b'"') => "string",
        Some(b't' | b'f') => "boolean",
        Some(b'n') => "null",
        _ => "number",
    }
}

fn array_length(raw: &str) -> Result<Value> {
    match (json::elements(raw), type_of(raw)) {
        (Some(elements), _) => some_count(elements.len()),
        (None, "object") => Err(invalid_parameter("cannot get array length of a non-array")),
        _ => Err(invalid_parameter("cannot get array length of a scalar")),
    }
}

/// A jsonb argument as a tree.
pub(super) fn tree(args: Args<'_, '_>, index: usize) -> Result<Tree> {
    Tree::parse_jsonb(text(args, index)?)
}

/// jsonb of JSON text.
pub(super) fn canonical(text: &str) -> Result<Value> {
    json::canonical(text).map(Value::Text)
}

fn exists(whole: &Tree, key: &str) -> bool {
    match whole {
        Tree::Object(members) => members.iter().any(|(name, _)| name == key),
        Tree::Array(elements) => {
            elements.iter().any(|element| matches!(element, Tree::String(s) if s == key))
        }
        Tree::String(text) => text == key,
        _ => false,
    }
}

fn is_scalar(tree: &Tree) -> bool {
    !matches!(tree, Tree::Array(_) | Tree::Object(_))
}

/// `@>`: an array may also contain a bare scalar, at the top only.
fn contains_top(whole: &Tree, part: &Tree) -> bool {
    match whole {
        Tree::Array(elements) if is_scalar(part) => elements.iter().any(|element| equal(element, part)),
        _ => contains(whole, part),
    }
}

fn equal(a: &Tree, b: &Tree) -> bool {
    a.compare(b).is_eq()
}

fn contains(whole: &Tree, part: &Tree) -> bool {
    match (whole, part) {
        (Tree::Object(_), Tree::Object(wanted)) => {
            wanted.iter().all(|(key, part)| whole.get(key).is_some_and(|value| contains(value, part)))
        }
        (Tree::Array(elements), Tree::Array(wanted)) => {
            wanted.iter().all(|part| elements.iter().any(|element| contains(element, part)))
        }
        _ => is_scalar(whole) && is_scalar(part) && equal(whole, part),
    }
}

/// The JSON of an argument, as `to_json` gives it; `null` for a null.
pub(super) fn value_json(context: &Context<'_>, args: Args<'_, '_>, index: usize) -> String {
    let ty = context.types.get(index).unwrap_or(&Type::Text);
    typed_json(ty, value(args, index), context.session)
}

pub(super) fn typed_json(ty: &Type, value: ValueRef<'_>, session: &crate::Session) -> String {
    if value.is_null() {
        return "null".to_owned();
    }
    let mut out = Vec::new();
    output::write_json(ty, value, session, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

pub(super) fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    output::write_json_string(text, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn build_array(context: &Context<'_>, args: Args<'_, '_>) -> String {
    let elements: Vec<String> = (0..args.len()).map(|index| value_json(context, args, index)).collect();
    format!("[{}]", elements.join(", "))
}

fn build_object(context: &Context<'_>, args: Args<'_, '_>, null_key: fn(usize) -> String) -> Result<String> {
    if !args.len().is_multiple_of(2) {
        return Err(invalid_parameter("argument list must have even number of elements"));
    }
    let mut members = Vec::new();
    for index in (0..args.len()).step_by(2) {
        if value(args, index).is_null() {
            return Err(invalid_parameter(null_key(index + 1)));
        }
        let key = quoted(&key_text(context, args, index)?);
        members.push(format!("{key} : {}", value_json(context, args, index + 1)));
    }
    Ok(format!("{{{}}}", members.join(", ")))
}

/// The text of an object's key.
pub(super) fn key_text(context: &Context<'_>, args: Args<'_, '_>, index: usize) -> Result<String> {
    match context.types.get(index) {
        Some(Type::Json | Type::Jsonb | Type::Array(_) | Type::Row(_)) => {
            Err(invalid_parameter("key value must be scalar, not array, composite, or json"))
        }
        Some(Type::Bool) => Ok(if int(args, index)? != 0 { "true" } else { "false" }.to_owned()),
        _ => Ok(output_text(context, args, index).into_owned()),
    }
}

fn subscripts(message: &str) -> ValueError {
    ValueError::new("2202E", message)
}

fn member((key, value): (Option<String>, Option<String>)) -> Result<String> {
    let key = key.ok_or_else(|| ValueError::new("22004", "null value not allowed for object key"))?;
    let value = value.map_or_else(|| "null".to_owned(), |value| quoted(&value));
    Ok(format!("{} : {value}", quoted(&key)))
}

/// Keys and values in turn in one array, or pairs of them.
fn object_of_pairs(args: Args<'_, '_>) -> Result<String> {
    let given = crate::array::decode(&Type::Text, text(args, 0)?)?;
    match given.dimensions.as_slice() {
        [] => return Ok("{}".to_owned()),
        [length] if length.is_multiple_of(2) => {}
        [_] => return Err(subscripts("array must have even number of elements")),
        [_, 2] => {}
        [_, _] => return Err(subscripts("array must have two columns")),
        _ => return Err(subscripts("wrong number of array subscripts")),
    }
    let mut rest = texts(args, 0)?.into_iter();
    let mut members = Vec::new();
    while let (Some(key), Some(value)) = (rest.next(), rest.next()) {
        members.push(member((key, value))?);
    }
    Ok(format!("{{{}}}", members.join(", ")))
}

fn object_of_two(args: Args<'_, '_>) -> Result<String> {
    let (keys, values) = (texts(args, 0)?, texts(args, 1)?);
    if keys.len() != values.len() {
        return Err(subscripts("mismatched array dimensions"));
    }
    let members = keys.into_iter().zip(values).map(member).collect::<Result<Vec<_>>>()?;
    Ok(format!("{{{}}}", members.join(", ")))
}
