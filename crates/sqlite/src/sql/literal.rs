//! Constants, types and collations as SQLite text.

use plinth_catalog::quote_ident;
use plinth_values::compare::is_plain;
use plinth_values::{Type, Value};

use super::{Result, internal};
use crate::functions::collation_name;

/// A constant of the catalog.
pub(super) fn constant(value: &Value) -> Result<String> {
    Ok(match value {
        Value::Null => "null".to_owned(),
        Value::Int(i) => i.to_string(),
        // Read by Rust, which rounds correctly; SQLite's own reading may differ in the last bit.
        Value::Float(f) => format!("plinth_float('{f:?}')"),
        Value::Text(text) => string(text)?,
        Value::Bytes(bytes) => {
            let mut hex = String::with_capacity(bytes.len() * 2 + 3);
            hex.push_str("x'");
            for byte in bytes {
                hex.push_str(&format!("{byte:02x}"));
            }
            hex.push('\'');
            hex
        }
    })
}

/// A string constant. SQLite would end the text at a NUL, which no PostgreSQL text contains.
pub(super) fn string(text: &str) -> Result<String> {
    if text.contains('\0') {
        return Err(internal("a constant of the schema contains a NUL character"));
    }
    Ok(format!("'{}'", text.replace('\'', "''")))
}

/// The value of a type out of its form in [`crate::functions::rows_json`].
pub(super) fn received(text: &str, ty: &Type) -> String {
    match ty {
        Type::Float4 | Type::Float8 => format!("plinth_float({text})"),
        Type::Bytea => format!("unhex({text})"),
        _ => text.to_owned(),
    }
}

/// The declared type of a column of a strict table; `None` for types that are not kept.
pub(crate) fn declared_type(ty: &Type) -> Option<&'static str> {
    Some(match ty {
        Type::Bool | Type::Int2 | Type::Int4 | Type::Int8 => "INTEGER",
        Type::Date | Type::Time | Type::Timestamp | Type::Timestamptz => "INTEGER",
        Type::Float4 | Type::Float8 => "REAL",
        Type::Bytea => "BLOB",
        Type::Numeric | Type::Text | Type::Varchar | Type::Char | Type::Enum(_) | Type::Uuid => "TEXT",
        Type::Interval | Type::Json | Type::Jsonb | Type::Range(_) | Type::Unknown => "TEXT",
        Type::Tsvector | Type::Tsquery | Type::Regconfig => "TEXT",
        Type::Array(element) => declared_type(element).map(|_| "TEXT")?,
        Type::Row(_) | Type::Void | Type::Native(_) => return None,
    })
}

/// Whether values are kept as text.
pub(super) fn is_text(ty: &Type) -> bool {
    declared_type(ty) == Some("TEXT")
}

/// The collation, quoted, that orders a type whose stored text does not order by itself.
pub(super) fn collation(ty: &Type) -> Option<String> {
    if !is_text(ty) || is_plain(ty) {
        return None;
    }
    collation_name(ty).map(|name| quote_ident(&name))
}
