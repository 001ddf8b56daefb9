//! Values to text and JSON: PostgreSQL's output forms.

use crate::{Session, Type, ValueRef};

/// Appends the JSON form that PostgreSQL's `to_json` gives the value: numbers bare, json and jsonb as themselves, booleans,
/// arrays as JSON arrays, everything else as a string of its text form (dates and times in ISO 8601 with `T`).
pub fn write_json(ty: &Type, value: ValueRef<'_>, session: &Session, out: &mut Vec<u8>) {
    let _ = (ty, value, session, out);
    unimplemented!()
}

/// Appends a JSON string with PostgreSQL's escapes.
pub fn write_json_string(text: &str, out: &mut Vec<u8>) {
    let _ = (text, out);
    unimplemented!()
}

/// Appends the text form, what `value::text` gives (`t`/`f` for booleans as PostgreSQL's CSV has them, `{1,2}` for arrays). Null
/// appends nothing.
pub fn write_text(ty: &Type, value: ValueRef<'_>, session: &Session, out: &mut Vec<u8>) {
    let _ = (ty, value, session, out);
    unimplemented!()
}
