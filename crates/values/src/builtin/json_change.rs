//! Changing jsonb: joining, deleting, setting and inserting at a path, stripping nulls, and the indented form.

use super::Arg::{Bool, Int4, Json as JsonArg, Jsonb, Text, TextArray};
use super::args::{self, int, invalid_parameter, some_text, text};
use super::array::texts;
use super::json::{quoted, tree};
use super::{Builtin, function, operator};
use crate::json::Json;
use crate::{Result, Value, ValueError, ValueRef};

type Args<'a, 'b> = &'a [ValueRef<'b>];

pub(super) static TABLE: &[Builtin] = &[
    operator("jsonb_concat", "||", &[Jsonb, Jsonb], Jsonb, |_, a| stored(concat(tree(a, 0)?, tree(a, 1)?))),
    operator("jsonb_delete", "-", &[Jsonb, Text], Jsonb, |_, a| {
        stored(delete(tree(a, 0)?, &[text(a, 1)?.to_owned()])?)
    }),
    operator("jsonb_delete_array", "-", &[Jsonb, TextArray], Jsonb, |_, a| {
        let keys: Vec<String> = texts(a, 1)?.into_iter().flatten().collect();
        stored(delete(tree(a, 0)?, &keys)?)
    }),
    operator("jsonb_delete_index", "-", &[Jsonb, Int4], Jsonb, |_, a| {
        stored(delete_index(tree(a, 0)?, int(a, 1)?)?)
    }),
    operator("jsonb_delete_path", "#-", &[Jsonb, TextArray], Jsonb, |_, a| {
        change(a, Change::Delete, "cannot delete path in scalar")
    }),
    function("jsonb_delete_path_function", "jsonb_delete_path", &[Jsonb, TextArray], Jsonb, |_, a| {
        change(a, Change::Delete, "cannot delete path in scalar")
    }),
    function("jsonb_set", "jsonb_set", &[Jsonb, TextArray, Jsonb, Bool], Jsonb, |_, a| {
        let create = a.len() < 4 || args::bool(a, 3)?;
        change(a, Change::Set { value: tree(a, 2)?, create }, "cannot set path in scalar")
    })
    .optional(1),
    function("jsonb_insert", "jsonb_insert", &[Jsonb, TextArray, Jsonb, Bool], Jsonb, |_, a| {
        let after = a.len() > 3 && args::bool(a, 3)?;
        change(a, Change::Insert { value: tree(a, 2)?, after }, "cannot set path in scalar")
    })
    .optional(1),
    function("jsonb_strip_nulls", "jsonb_strip_nulls", &[Jsonb], Jsonb, |_, a| {
        stored(strip_nulls(tree(a, 0)?))
    }),
    function("json_strip_nulls", "json_strip_nulls", &[JsonArg], JsonArg, |_, a| {
        let mut out = String::new();
        write_compact(&strip_nulls(Json::parse_json(text(a, 0)?)?), &mut out);
        some_text(out)
    }),
    function("jsonb_pretty", "jsonb_pretty", &[Jsonb], Text, |_, a| {
        let mut out = String::new();
        write_pretty(&tree(a, 0)?, 0, &mut out);
        some_text(out)
    }),
];

/// What happens at the end of a path.
enum Change {
    Delete,
    Set { value: Json, create: bool },
    Insert { value: Json, after: bool },
}

impl Change {
    /// What a missing key or an index past the end gets.
    fn created(&self) -> Option<&Json> {
        match self {
            Change::Set { value, create: true } | Change::Insert { value, .. } => Some(value),
            _ => None,
        }
    }
}

fn stored(tree: Json) -> Result<Value> {
    some_text(tree.to_text())
}

fn is_scalar(tree: &Json) -> bool {
    !matches!(tree, Json::Array(_) | Json::Object(_))
}

/// Two objects are merged; everything else is joined as arrays.
fn concat(left: Json, right: Json) -> Json {
    match (left, right) {
        (Json::Object(left), Json::Object(right)) => Json::object(left.into_iter().chain(right).collect()),
        (left, right) => {
            let elements = |tree| match tree {
                Json::Array(elements) => elements,
                other => vec![other],
            };
            Json::Array(elements(left).into_iter().chain(elements(right)).collect())
        }
    }
}

fn delete(tree: Json, keys: &[String]) -> Result<Json> {
    match tree {
        Json::Object(members) => {
            Ok(Json::Object(members.into_iter().filter(|(key, _)| !keys.contains(key)).collect()))
        }
        Json::Array(elements) => {
            let kept = |element: &Json| !matches!(element, Json::String(text) if keys.contains(text));
            Ok(Json::Array(elements.into_iter().filter(kept).collect()))
        }
        _ => Err(invalid_parameter("cannot delete from scalar")),
    }
}

fn delete_index(tree: Json, index: i64) -> Result<Json> {
    match tree {
        Json::Object(_) => Err(invalid_parameter("cannot delete from object using integer index")),
        Json::Array(mut elements) => {
            if let Place::At(at) = place(index, elements.len()) {
                elements.remove(at);
            }
            Ok(Json::Array(elements))
        }
        _ => Err(invalid_parameter("cannot delete from scalar")),
    }
}

/// Where an index, from the end when negative, falls in an array.
enum Place {
    Before,
    At(usize),
    After,
}

fn place(index: i64, length: usize) -> Place {
    let distance = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
    if index < 0 {
        length.checked_sub(distance).map_or(Place::Before, Place::At)
    } else if distance < length {
        Place::At(distance)
    } else {
        Place::After
    }
}

fn change(args: Args<'_, '_>, change: Change, scalar: &str) -> Result<Value> {
    let whole = tree(args, 0)?;
    if is_scalar(&whole) {
        return Err(invalid_parameter(scalar));
    }
    let path = texts(args, 1)?;
    if path.is_empty() {
        return stored(whole);
    }
    stored(change_at(whole, &path, 0, &change)?)
}

/// `level` counts the path's elements that are already walked.
fn change_at(tree: Json, path: &[Option<String>], level: usize, change: &Change) -> Result<Json> {
    let Some(step) = path.get(level) else {
        return Ok(tree);
    };
    let position = level + 1;
    let step = step
        .as_ref()
        .ok_or_else(|| ValueError::new("22004", format!("path element at position {position} is null")));
    let last = position == path.len();
    match tree {
        Json::Object(members) => change_object(members, path, step?, level, last, change),
        Json::Array(elements) => {
            let step = step?;
            let index = step.trim_start().parse::<i32>().map_err(|_| {
                let message = format!("path element at position {position} is not an integer: \"{step}\"");
                ValueError::new("22P02", message)
            })?;
            change_array(elements, path, i64::from(index), level, last, change)
        }
        scalar => Ok(scalar),
    }
}

fn change_object(
    mut members: Vec<(String, Json)>,
    path: &[Option<String>],
    key: &str,
    level: usize,
    last: bool,
    change: &Change,
) -> Result<Json> {
    let found = members.iter().position(|(name, _)| name == key);
    match (found, last) {
        (Some(at), false) => {
            if let Some((_, member)) = members.get_mut(at) {
                *member = change_at(std::mem::replace(member, Json::Null), path, level + 1, change)?;
            }
        }
        (Some(at), true) => match change {
            Change::Delete => {
                members.remove(at);
            }
            Change::Set { value, .. } => {
                if let Some((_, member)) = members.get_mut(at) {
                    *member = value.clone();
                }
            }
            Change::Insert { .. } => return Err(invalid_parameter("cannot replace existing key")),
        },
        (None, true) => {
            if let Some(value) = change.created() {
                members.push((key.to_owned(), value.clone()));
                return Ok(Json::object(members));
            }
        }
        (None, false) => {}
    }
    Ok(Json::Object(members))
}

fn change_array(
    mut elements: Vec<Json>,
    path: &[Option<String>],
    index: i64,
    level: usize,
    last: bool,
    change: &Change,
) -> Result<Json> {
    match (place(index, elements.len()), last) {
        (Place::At(at), false) => {
            if let Some(element) = elements.get_mut(at) {
                *element = change_at(std::mem::replace(element, Json::Null), path, level + 1, change)?;
            }
        }
        (Place::At(at), true) => match change {
            Change::Delete => {
                elements.remove(at);
            }
            Change::Set { value, .. } => {
                if let Some(element) = elements.get_mut(at) {
                    *element = value.clone();
                }
            }
            Change::Insert { value, after } => elements.insert(at + usize::from(*after), value.clone()),
        },
        (Place::Before, true) => {
            if let Some(value) = change.created() {
                elements.insert(0, value.clone());
            }
        }
        (Place::After, true) => elements.extend(change.created().cloned()),
        (_, false) => {}
    }
    Ok(Json::Array(elements))
}

/// Members that are null go, at every depth; elements stay.
fn strip_nulls(tree: Json) -> Json {
    match tree {
        Json::Object(members) => Json::Object(
            members
                .into_iter()
                .filter(|(_, value)| *value != Json::Null)
                .map(|(key, value)| (key, strip_nulls(value)))
                .collect(),
        ),
        Json::Array(elements) => Json::Array(elements.into_iter().map(strip_nulls).collect()),
        scalar => scalar,
    }
}

fn write_compact(tree: &Json, out: &mut String) {
    match tree {
        Json::Object(members) => {
            out.push('{');
            for (index, (key, value)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&quoted(key));
                out.push(':');
                write_compact(value, out);
            }
            out.push('}');
        }
        Json::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_compact(element, out);
            }
            out.push(']');
        }
        scalar => scalar.write(out),
    }
}

/// Four blanks for each level; an empty container still has a line break inside.
fn write_pretty(tree: &Json, level: usize, out: &mut String) {
    let line = |level: usize, out: &mut String| {
        out.push('\n');
        out.push_str(&"    ".repeat(level));
    };
    match tree {
        Json::Object(members) => {
            out.push('{');
            for (index, (key, value)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                line(level + 1, out);
                out.push_str(&quoted(key));
                out.push_str(": ");
                write_pretty(value, level + 1, out);
            }
            line(level, out);
            out.push('}');
        }
        Json::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                line(level + 1, out);
                write_pretty(element, level + 1, out);
            }
            line(level, out);
            out.push(']');
        }
        scalar => scalar.write(out),
    }
}
