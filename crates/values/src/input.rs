//! Text and JSON to values: PostgreSQL's input syntax.

use crate::{Modifier, Result, Session, Type, Value};

/// Reads a value from its text form, as PostgreSQL's input function of the type does (`'12'::integer`).
/// Errors: `22P02` (syntax), `22003` (out of range), `22007`/`22008` (dates), `22001` (too long), with PostgreSQL's messages.
pub fn from_text(ty: &Type, modifier: Modifier, text: &str, session: &Session) -> Result<Value> {
    let _ = (ty, modifier, text, session);
    unimplemented!()
}

/// Reads a value from a JSON value as `json_populate_record` does: a string is read by the type's input syntax, a number or
/// boolean by its text, an array for an array type by its elements; for `json`/`jsonb` the JSON itself; an object or array for
/// any other type by its JSON text. JSON's null is SQL's null.
pub fn from_json(
    ty: &Type,
    modifier: Modifier,
    json: &serde_json::value::RawValue,
    session: &Session,
) -> Result<Value> {
    let _ = (ty, modifier, json, session);
    unimplemented!()
}
