//! Values between SQLite and `plinth_values`, and rows as one JSON value: how rows travel where SQLite takes only values.
//!
//! In JSON, an integer is a number and a text a string; a float is a string in Rust's shortest form and bytes are a string of hex
//! digits, because SQLite's JSON keeps neither exactly. The reader of a column knows its type and undoes that.

use plinth_values::output::write_json_string;
use plinth_values::{Value, ValueError, ValueRef};
use rusqlite::functions::Context;
use rusqlite::types::{ToSqlOutput, Value as SqlValue, ValueRef as SqlRef};

use super::session::refuse;

/// An argument.
pub(super) fn argument<'c>(context: &'c Context<'_>, index: usize) -> rusqlite::Result<ValueRef<'c>> {
    if index >= context.len() {
        return Err(refuse(defect("a call has too few arguments")));
    }
    Ok(match context.get_raw(index) {
        SqlRef::Null => ValueRef::Null,
        SqlRef::Integer(i) => ValueRef::Int(i),
        SqlRef::Real(f) => ValueRef::Float(f),
        SqlRef::Blob(bytes) => ValueRef::Bytes(bytes),
        SqlRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => ValueRef::Text(text),
            Err(_) => {
                return Err(refuse(ValueError::new("22021", "invalid byte sequence for encoding \"UTF8\"")));
            }
        },
    })
}

/// The arguments from one on.
pub(super) fn arguments<'c>(context: &'c Context<'_>, first: usize) -> rusqlite::Result<Vec<ValueRef<'c>>> {
    (first..context.len()).map(|index| argument(context, index)).collect()
}

/// A result.
pub(super) fn result(value: Value) -> ToSqlOutput<'static> {
    ToSqlOutput::Owned(match value {
        Value::Null => SqlValue::Null,
        Value::Int(i) => SqlValue::Integer(i),
        Value::Float(f) => SqlValue::Real(f),
        Value::Text(text) => SqlValue::Text(text),
        Value::Bytes(bytes) => SqlValue::Blob(bytes),
    })
}

/// A statement and the functions it calls do not fit together.
pub(super) fn defect(message: &str) -> ValueError {
    ValueError::new("XX000", message)
}

/// Rows as JSON: an array of arrays, for [`crate::sql::Param::WriteResult`].
pub(crate) fn rows_json(rows: &[Vec<Value>]) -> String {
    let mut out = vec![b'['];
    for (i, row) in rows.iter().enumerate() {
        separate(i, &mut out);
        write_row(row.iter().map(Value::as_ref), &mut out);
    }
    out.push(b']');
    text(out)
}

/// One column's values as JSON: a flat array.
pub(super) fn values_json(values: &[Value]) -> String {
    let mut out = vec![b'['];
    for (i, value) in values.iter().enumerate() {
        separate(i, &mut out);
        write_value(value.as_ref(), &mut out);
    }
    out.push(b']');
    text(out)
}

/// Appends a comma before every entry but the first.
pub(super) fn separate(index: usize, out: &mut Vec<u8>) {
    if index > 0 {
        out.push(b',');
    }
}

/// Appends a row as an array.
pub(super) fn write_row<'v>(values: impl Iterator<Item = ValueRef<'v>>, out: &mut Vec<u8>) {
    out.push(b'[');
    for (i, value) in values.enumerate() {
        separate(i, out);
        write_value(value, out);
    }
    out.push(b']');
}

/// Appends a value.
pub(super) fn write_value(value: ValueRef<'_>, out: &mut Vec<u8>) {
    match value {
        ValueRef::Null => out.extend_from_slice(b"null"),
        ValueRef::Int(i) => out.extend_from_slice(i.to_string().as_bytes()),
        ValueRef::Float(f) => out.extend_from_slice(format!("\"{f:?}\"").as_bytes()),
        ValueRef::Text(text) => write_json_string(text, out),
        ValueRef::Bytes(bytes) => {
            out.push(b'"');
            for byte in bytes {
                out.extend_from_slice(format!("{byte:02x}").as_bytes());
            }
            out.push(b'"');
        }
    }
}

/// What was written is UTF-8, being made of texts and ASCII.
pub(super) fn text(out: Vec<u8>) -> String {
    String::from_utf8(out).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}
