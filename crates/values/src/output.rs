//! Values to text and JSON: PostgreSQL's output forms, `DateStyle` ISO and `bytea_output` hex. Values come in storage form;
//! one of an unexpected shape is shown as it is rather than refused.

mod date;
mod float;

use std::io::Write;

use crate::array;
use crate::{Session, Type, ValueRef, range};

pub(crate) use float::{write_float4, write_float8};

/// Appends the JSON form that PostgreSQL's `to_json` gives the value: numbers bare, json and jsonb as themselves, booleans,
/// arrays as JSON arrays, everything else as a string of its text form (dates and times in ISO 8601 with `T`).
pub fn write_json(ty: &Type, value: ValueRef<'_>, session: &Session, out: &mut Vec<u8>) {
    match (ty, value) {
        (_, ValueRef::Null) => out.extend_from_slice(b"null"),
        (Type::Bool, ValueRef::Int(i)) => out.extend_from_slice(if i == 0 { b"false" } else { b"true" }),
        (Type::Date, ValueRef::Int(days)) => quoted(out, |out| date::write_date(days, out)),
        (Type::Time, ValueRef::Int(micros)) => quoted(out, |out| date::write_time(micros, out)),
        (Type::Timestamp, ValueRef::Int(micros)) => {
            quoted(out, |out| date::write_timestamp(micros, b'T', out))
        }
        (Type::Timestamptz, ValueRef::Int(micros)) => {
            quoted(out, |out| date::write_timestamptz(micros, b'T', &session.time_zone, out));
        }
        (Type::Float4 | Type::Float8, _) => match as_float(value) {
            Some(float) if float.is_finite() => write_float(ty, float, out),
            Some(float) => quoted(out, |out| write_float(ty, float, out)),
            None => write_plain(value, out),
        },
        (Type::Numeric | Type::Json | Type::Jsonb, ValueRef::Text(text)) => {
            out.extend_from_slice(text.as_bytes());
        }
        (Type::Array(element), ValueRef::Text(stored)) => array::write_json(element, stored, session, out),
        (Type::Range(_), ValueRef::Text(_)) => write_json_string(&to_text(ty, value, session), out),
        // A uuid has nothing to escape.
        (Type::Uuid, ValueRef::Text(text)) => quoted(out, |out| out.extend_from_slice(text.as_bytes())),
        (_, ValueRef::Text(text)) => write_json_string(text, out),
        (_, ValueRef::Bytes(bytes)) => quoted(out, |out| {
            out.push(b'\\');
            write_hex(bytes, out);
        }),
        (_, ValueRef::Int(_) | ValueRef::Float(_)) => write_plain(value, out),
    }
}

/// Appends a JSON string with PostgreSQL's escapes.
pub fn write_json_string(text: &str, out: &mut Vec<u8>) {
    crate::json::write_string(text, out);
}

/// Appends the text form, what `value::text` gives (`t`/`f` for booleans as PostgreSQL's CSV has them, `{1,2}` for arrays). Null
/// appends nothing.
pub fn write_text(ty: &Type, value: ValueRef<'_>, session: &Session, out: &mut Vec<u8>) {
    match (ty, value) {
        (_, ValueRef::Null) => {}
        (Type::Bool, ValueRef::Int(i)) => out.push(if i == 0 { b'f' } else { b't' }),
        (Type::Date, ValueRef::Int(days)) => date::write_date(days, out),
        (Type::Time, ValueRef::Int(micros)) => date::write_time(micros, out),
        (Type::Timestamp, ValueRef::Int(micros)) => date::write_timestamp(micros, b' ', out),
        (Type::Timestamptz, ValueRef::Int(micros)) => {
            date::write_timestamptz(micros, b' ', &session.time_zone, out);
        }
        (Type::Float4 | Type::Float8, _) => match as_float(value) {
            Some(float) => write_float(ty, float, out),
            None => write_plain(value, out),
        },
        (Type::Array(element), ValueRef::Text(stored)) => array::write_text(element, stored, session, out),
        (Type::Range(kind), ValueRef::Text(stored)) => range::write_text(*kind, stored, session, out),
        (_, ValueRef::Bytes(bytes)) => write_hex(bytes, out),
        (_, ValueRef::Text(_) | ValueRef::Int(_) | ValueRef::Float(_)) => write_plain(value, out),
    }
}

/// The text form as a string.
pub fn to_text(ty: &Type, value: ValueRef<'_>, session: &Session) -> String {
    let mut out = Vec::new();
    write_text(ty, value, session, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// The JSON form as a string.
pub fn to_json(ty: &Type, value: ValueRef<'_>, session: &Session) -> String {
    let mut out = Vec::new();
    write_json(ty, value, session, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn quoted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    write(out);
    out.push(b'"');
}

/// An engine may keep a whole float as an integer.
#[allow(clippy::cast_precision_loss, reason = "it was a float before")]
fn as_float(value: ValueRef<'_>) -> Option<f64> {
    match value {
        ValueRef::Float(float) => Some(float),
        ValueRef::Int(i) => Some(i as f64),
        _ => None,
    }
}

#[allow(clippy::cast_possible_truncation, reason = "a real is kept as the widened f32")]
fn write_float(ty: &Type, float: f64, out: &mut Vec<u8>) {
    if *ty == Type::Float4 { write_float4(float as f32, out) } else { write_float8(float, out) }
}

/// The value by its shape alone.
fn write_plain(value: ValueRef<'_>, out: &mut Vec<u8>) {
    match value {
        ValueRef::Null => {}
        ValueRef::Int(i) => out.extend_from_slice(itoa::Buffer::new().format(i).as_bytes()),
        ValueRef::Float(float) => write_float8(float, out),
        ValueRef::Text(text) => out.extend_from_slice(text.as_bytes()),
        ValueRef::Bytes(bytes) => write_hex(bytes, out),
    }
}

fn write_hex(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(2 + bytes.len() * 2);
    out.extend_from_slice(b"\\x");
    for byte in bytes {
        // Writing to a vector does not fail.
        let _ = write!(out, "{byte:02x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes() {
        let session = Session { time_zone: jiff::tz::TimeZone::UTC, now: 0 };
        let text_array = Type::Text.array();
        for (ty, value, text, json) in [
            (Type::Bool, ValueRef::Int(1), "t", "true"),
            (Type::Int8, ValueRef::Int(i64::MIN), "-9223372036854775808", "-9223372036854775808"),
            (Type::Float8, ValueRef::Float(1.0), "1", "1"),
            (Type::Float8, ValueRef::Float(f64::INFINITY), "Infinity", "\"Infinity\""),
            (Type::Float4, ValueRef::Float(f64::from(0.1_f32)), "0.1", "0.1"),
            (Type::Numeric, ValueRef::Text("1.50"), "1.50", "1.50"),
            (Type::Text, ValueRef::Text("a\"b\\c\n\u{1}é/"), "a\"b\\c\n\u{1}é/", r#""a\"b\\c\n\u0001é/""#),
            (Type::Date, ValueRef::Int(19_723), "2024-01-01", "\"2024-01-01\""),
            (Type::Date, ValueRef::Int(i64::MAX), "infinity", "\"infinity\""),
            (Type::Time, ValueRef::Int(86_400_000_000), "24:00:00", "\"24:00:00\""),
            (
                Type::Timestamp,
                ValueRef::Int(1_704_103_200_500_000),
                "2024-01-01 10:00:00.5",
                "\"2024-01-01T10:00:00.5\"",
            ),
            (
                Type::Timestamptz,
                ValueRef::Int(1_704_103_200_000_000),
                "2024-01-01 10:00:00+00",
                "\"2024-01-01T10:00:00+00:00\"",
            ),
            (Type::Bytea, ValueRef::Bytes(&[0, 255]), "\\x00ff", "\"\\\\x00ff\""),
            (Type::Jsonb, ValueRef::Text("{\"a\": 1}"), "{\"a\": 1}", "{\"a\": 1}"),
            (
                text_array,
                ValueRef::Text(r#"["a b",null,"NULL","","x\"y"]"#),
                r#"{"a b",NULL,"NULL","","x\"y"}"#,
                r#"["a b",null,"NULL","","x\"y"]"#,
            ),
        ] {
            assert_eq!(to_text(&ty, value, &session), text, "{ty}");
            assert_eq!(to_json(&ty, value, &session), json, "{ty}");
        }
    }
}
