//! Arrays: between the storage form (a compact JSON array, timestamptz elements in UTC) and a list of elements with its
//! dimensions. PostgreSQL's `{…}` literals are in `array/literal.rs`.
//!
//! An array of json or jsonb has one dimension, because a JSON array in it is an element; JSON's null is no element of it,
//! because it could not be told from SQL's.

mod literal;

use jiff::tz::TimeZone;

use crate::{Result, Session, Type, Value, ValueError, ValueRef, json, output};
pub(crate) use literal::parse;

/// The most dimensions of an array.
pub const MAX_DIMENSIONS: usize = 6;

/// A rectangular array of any number of dimensions; every lower bound is 1.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Array {
    /// The length of each dimension; empty for the empty array
    pub dimensions: Vec<usize>,
    /// The elements in storage form, row by row
    pub elements: Vec<Value>,
}

impl Array {
    /// A one-dimensional array (the empty one has no dimension).
    pub fn flat(elements: Vec<Value>) -> Array {
        let dimensions = if elements.is_empty() { Vec::new() } else { vec![elements.len()] };
        Array { dimensions, elements }
    }
}

/// Reads the storage form of an array of this element type. Error: XX001 for text that is not one.
pub fn decode(element: &Type, stored: &str) -> Result<Array> {
    let mut array = Array::default();
    decode_level(element, stored, 0, &mut array)?;
    if array.elements.is_empty() {
        array.dimensions.clear();
    }
    Ok(array)
}

fn decode_level(element: &Type, text: &str, depth: usize, array: &mut Array) -> Result<()> {
    let parts = json::elements(text).ok_or_else(corrupt)?;
    match array.dimensions.get(depth) {
        Some(length) if *length != parts.len() => return Err(corrupt()),
        Some(_) => {}
        None => array.dimensions.push(parts.len()),
    }
    for part in parts {
        if part.starts_with('[') && !element.is_json() {
            if depth + 1 >= MAX_DIMENSIONS {
                return Err(corrupt());
            }
            decode_level(element, part, depth + 1, array)?;
        } else {
            array.elements.push(decode_element(element, part)?);
        }
    }
    Ok(())
}

/// An element from its JSON form.
fn decode_element(element: &Type, raw: &str) -> Result<Value> {
    if raw == "null" {
        return Ok(Value::Null);
    }
    let text = || json::unquote(raw).map(Option::unwrap_or_default);
    Ok(match element {
        Type::Bool => Value::Int(i64::from(raw == "true")),
        Type::Int2 | Type::Int4 | Type::Int8 => Value::Int(raw.parse().map_err(|_| corrupt())?),
        Type::Numeric | Type::Json | Type::Jsonb => Value::Text(raw.to_owned()),
        Type::Float4 => Value::Float(text()?.parse::<f32>().map_err(|_| corrupt())?.into()),
        Type::Float8 => Value::Float(text()?.parse().map_err(|_| corrupt())?),
        Type::Date | Type::Time | Type::Timestamp | Type::Timestamptz | Type::Bytea => {
            crate::input::from_text(element, crate::Modifier::None, &text()?, &stored_session())?
        }
        _ => Value::Text(text()?),
    })
}

/// The storage form of an array of this element type. Error: 0A000 for what an array of JSON cannot hold.
pub fn encode(element: &Type, array: &Array) -> Result<Value> {
    if element.is_json() {
        let is_null = |value: &Value| matches!(value, Value::Text(text) if text.trim() == "null");
        if array.dimensions.len() > 1 || array.elements.iter().any(is_null) {
            return Err(ValueError::new(
                "0A000",
                format!("an array of {element} with several dimensions or with JSON nulls is not supported"),
            ));
        }
    }
    let mut out = Vec::new();
    write_level(array, '[', ']', &mut out, &mut |value, out| {
        output::write_json(element, value, &stored_session(), out);
    });
    Ok(Value::Text(String::from_utf8(out).map_err(|_| corrupt())?))
}

/// Appends the JSON form of a stored array.
pub(crate) fn write_json(element: &Type, stored: &str, session: &Session, out: &mut Vec<u8>) {
    // The storage form is the JSON form, in UTC.
    let shifted = *element == Type::Timestamptz && session.time_zone != TimeZone::UTC;
    match shifted.then(|| decode(element, stored)) {
        Some(Ok(array)) => write_level(&array, '[', ']', out, &mut |value, out| {
            output::write_json(element, value, session, out);
        }),
        _ => out.extend_from_slice(stored.as_bytes()),
    }
}

/// Appends PostgreSQL's text of a stored array: `{1,2,NULL,"a b"}`.
pub(crate) fn write_text(element: &Type, stored: &str, session: &Session, out: &mut Vec<u8>) {
    let Ok(array) = decode(element, stored) else {
        out.extend_from_slice(stored.as_bytes());
        return;
    };
    write_level(&array, '{', '}', out, &mut |value, out| match value {
        ValueRef::Null => out.extend_from_slice(b"NULL"),
        value => literal::write_element(&output::to_text(element, value, session), out),
    });
}

/// Writes the elements in the brackets of their dimensions.
fn write_level(
    array: &Array,
    open: char,
    close: char,
    out: &mut Vec<u8>,
    write: &mut dyn FnMut(ValueRef<'_>, &mut Vec<u8>),
) {
    let (open, close) = (open as u8, close as u8);
    if array.elements.is_empty() {
        out.extend_from_slice(&[open, close]);
        return;
    }
    // The number of elements below one entry of each dimension, from the outermost.
    let spans: Vec<usize> =
        (0..array.dimensions.len()).map(|from| array.dimensions.iter().skip(from).product()).collect();
    for (index, element) in array.elements.iter().enumerate() {
        let starts = spans.iter().filter(|span| index % **span == 0).count();
        if index > 0 {
            out.push(b',');
        }
        out.resize(out.len() + starts, open);
        write(element.as_ref(), out);
        let ends = spans.iter().filter(|span| (index + 1) % **span == 0).count();
        out.resize(out.len() + ends, close);
    }
}

/// The session in which elements are stored.
fn stored_session() -> Session {
    Session { time_zone: TimeZone::UTC, now: 0 }
}

fn corrupt() -> ValueError {
    ValueError::new("XX001", "a stored array is damaged")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_elements() {
        for (element, stored, dimensions, count) in [
            (Type::Int4, "[1,2,null]", vec![3], 3),
            (Type::Int4, "[[1,2],[3,4],[5,6]]", vec![3, 2], 6),
            (Type::Text, "[]", vec![], 0),
            (Type::Text, r#"["a\"b",null,"null"]"#, vec![3], 3),
            (Type::Jsonb, "[[1, 2],{\"a\": null}]", vec![2], 2),
            (Type::Float8, "[1.5,\"Infinity\"]", vec![2], 2),
            (Type::Timestamptz, "[\"2024-01-01T10:00:00+00:00\"]", vec![1], 1),
            (Type::Bool, "[true,false]", vec![2], 2),
        ] {
            let array = decode(&element, stored).expect(stored);
            assert_eq!((&array.dimensions, array.elements.len()), (&dimensions, count), "{stored}");
            assert_eq!(encode(&element, &array), Ok(Value::Text(stored.to_owned())));
        }
        for stored in ["", "{}", "[[1],[2,3]]", "[1", "[\"x\"]"] {
            assert!(decode(&Type::Int4, stored).is_err(), "{stored}");
        }
    }
}
