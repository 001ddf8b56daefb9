//! Values from JSON values, as `json_populate_record` reads them from a request's body.

use serde_json::value::RawValue;

use super::from_text;
use crate::array::{self, Array};
use crate::{Modifier, Result, Session, Type, Value, ValueError, json};

/// Reads a value from a JSON value as `json_populate_record` does: a string is read by the type's input syntax, a number or
/// boolean by its text, an array for an array type by its elements; for `json`/`jsonb` the JSON itself; an object or array for
/// any other type by its JSON text. JSON's null is SQL's null.
/// Errors: those of [`from_text`], 22P02 `expected JSON array`.
pub fn from_json(ty: &Type, modifier: Modifier, json: &RawValue, session: &Session) -> Result<Value> {
    raw(ty, modifier, json.get(), session)
}

fn raw(ty: &Type, modifier: Modifier, text: &str, session: &Session) -> Result<Value> {
    let text = text.trim_matches([' ', '\t', '\n', '\r']);
    match (ty, text.as_bytes().first()) {
        (_, Some(b'n')) => Ok(Value::Null),
        (Type::Json | Type::Jsonb, _) => from_text(ty, modifier, text, session),
        (Type::Array(element), Some(b'[')) => {
            let mut array = Array::default();
            elements(element, modifier, text, 0, &mut array, session)?;
            if array.elements.is_empty() {
                array.dimensions.clear();
            }
            array::encode(element, &array)
        }
        (Type::Array(_), Some(first)) if *first != b'"' => {
            Err(ValueError::new("22P02", "expected JSON array"))
        }
        _ => match json::unquote(text)? {
            Some(content) => from_text(ty, modifier, &content, session),
            None => Ok(Value::Null),
        },
    }
}

fn elements(
    element: &Type,
    modifier: Modifier,
    text: &str,
    depth: usize,
    array: &mut Array,
    session: &Session,
) -> Result<()> {
    let uneven = || {
        ValueError::new("22P02", "malformed JSON array")
            .with_detail("Multidimensional arrays must have sub-arrays with matching dimensions.")
    };
    let parts = json::elements(text).ok_or_else(uneven)?;
    let known = array.dimensions.get(depth).copied();
    match known {
        Some(length) if length != parts.len() => return Err(uneven()),
        Some(_) => {}
        // A dimension that appears after the first elements were read is one too many.
        None if !array.elements.is_empty() => return Err(uneven()),
        None => array.dimensions.push(parts.len()),
    }
    for part in parts {
        // In an array of JSON, an array is an element.
        if part.starts_with('[') && !element.is_json() {
            if depth + 1 >= array::MAX_DIMENSIONS {
                return Err(ValueError::new(
                    "54000",
                    format!(
                        "number of array dimensions ({}) exceeds the maximum allowed ({})",
                        depth + 2,
                        array::MAX_DIMENSIONS
                    ),
                ));
            }
            elements(element, modifier, part, depth + 1, array, session)?;
        } else if array.dimensions.len() > depth + 1 {
            return Err(ValueError::new("22P02", "expected JSON array"));
        } else {
            array.elements.push(raw(element, modifier, part, session)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_json() {
        let session = Session { time_zone: jiff::tz::TimeZone::UTC, now: 0 };
        let text = |text: &str| Ok(Value::Text(text.to_owned()));
        for (ty, json, expected) in [
            (Type::Int4, "12", Ok(Value::Int(12))),
            (Type::Int4, "\" 12\"", Ok(Value::Int(12))),
            (Type::Int4, "1.5", Err("22P02")),
            (Type::Int4, "null", Ok(Value::Null)),
            (Type::Bool, "true", Ok(Value::Int(1))),
            (Type::Text, "1.50", text("1.50")),
            (Type::Text, "\"a\\u00e9\\n\"", text("aé\n")),
            (Type::Text, "\"\\u0000\"", Err("22P05")),
            (Type::Text, "{\"a\" : [1]}", text("{\"a\" : [1]}")),
            (Type::Json, "{\"a\" : 1e2}", text("{\"a\" : 1e2}")),
            (Type::Jsonb, "{\"a\" : 1e2}", text("{\"a\": 100}")),
            (Type::Jsonb, "\"x\"", text("\"x\"")),
            (Type::Numeric, "1e2", text("100")),
            (Type::Int4.array(), "[1, \"2\", null]", text("[1,2,null]")),
            (Type::Int4.array(), "[[1],[2]]", text("[[1],[2]]")),
            (Type::Int4.array(), "[[1],[2,3]]", Err("22P02")),
            (Type::Int4.array(), "[1,[2]]", Err("22P02")),
            (Type::Int4.array(), "[[1],2]", Err("22P02")),
            (Type::Int4.array(), "\"{1,2}\"", text("[1,2]")),
            (Type::Int4.array(), "{\"a\":1}", Err("22P02")),
            (Type::Int4.array(), "[]", text("[]")),
            (Type::Jsonb.array(), "[{\"b\":1,\"a\":2},[1,2]]", text("[{\"a\": 2, \"b\": 1},[1, 2]]")),
        ] {
            let raw = RawValue::from_string(json.to_owned()).expect(json);
            assert_eq!(
                from_json(&ty, Modifier::None, &raw, &session).map_err(|e| e.code),
                expected,
                "{ty} {json}"
            );
        }
    }
}
