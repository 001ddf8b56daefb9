//! `order=`.

use plinth_query::request::Order;

use super::cursor::Cursor;
use super::field::{field_path, name};
use crate::error::ApiError;

/// Parses the whole parameter: `a.desc.nullslast,b->>c,client(name).asc`.
pub(crate) fn order(text: &str) -> Result<Vec<Order>, ApiError> {
    let mut cursor = Cursor::new("order", text);
    let mut terms = Vec::new();
    if text.is_empty() {
        return Ok(terms);
    }
    loop {
        cursor.skip_blanks();
        terms.push(term(&mut cursor)?);
        if cursor.at_end() {
            return Ok(terms);
        }
        cursor.expect(",")?;
    }
}

fn term(cursor: &mut Cursor<'_>) -> Result<Order, ApiError> {
    let start = cursor.mark();
    let first = name(cursor)?;
    let (relation, field) = if cursor.eat("(") {
        let field = field_path(cursor)?;
        cursor.expect(")")?;
        (Some(first), field)
    } else {
        cursor.reset(start);
        (None, field_path(cursor)?)
    };
    let mut descending = None;
    let mut nulls_first = None;
    while cursor.eat(".") {
        let may_direct = descending.is_none() && nulls_first.is_none();
        if may_direct && cursor.eat("asc") {
            descending = Some(false);
        } else if may_direct && cursor.eat("desc") {
            descending = Some(true);
        } else if nulls_first.is_none() && cursor.eat("nullsfirst") {
            nulls_first = Some(true);
        } else if nulls_first.is_none() && cursor.eat("nullslast") {
            nulls_first = Some(false);
        } else {
            return Err(cursor.unexpected("\"asc\", \"desc\", \"nullsfirst\" or \"nullslast\""));
        }
    }
    if !cursor.at_end() && cursor.peek() != Some(',') {
        return Err(cursor.unexpected("\",\", \".\" or end of input"));
    }
    Ok(Order { relation, field, descending: descending.unwrap_or(false), nulls_first })
}
