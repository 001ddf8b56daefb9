//! `having=` and `distinct=`: conditions on groups, written as conditions on fields are; and what rows are told apart by.

use plinth_query::request::{Aggregate, Distinct, GroupValue, Having};

use super::cursor::{Cursor, MAX_NESTING};
use super::field::field_path;
use super::filter::{Place, operation};
use super::select::{aggregate, cast};
use crate::error::ApiError;

/// Parses the whole parameter: `count().gt.5`, `total.gte.10,or(n.eq.1,price.avg().lt.2)`; all that stands there must hold.
pub(crate) fn having(text: &str) -> Result<Vec<Having>, ApiError> {
    let mut cursor = Cursor::new("having", text);
    let mut conditions = Vec::new();
    loop {
        cursor.skip_blanks();
        conditions.push(condition(&mut cursor, 0)?);
        cursor.skip_blanks();
        if cursor.at_end() {
            return Ok(conditions);
        }
        cursor.expect(",")?;
    }
}

fn group(cursor: &mut Cursor<'_>, depth: usize) -> Result<Vec<Having>, ApiError> {
    if depth > MAX_NESTING {
        return Err(cursor.error(format!("conditions are nested at most {MAX_NESTING} deep")));
    }
    cursor.expect("(")?;
    let mut conditions = Vec::new();
    loop {
        cursor.skip_blanks();
        conditions.push(condition(cursor, depth)?);
        cursor.skip_blanks();
        if cursor.eat(")") {
            return Ok(conditions);
        }
        if !cursor.eat(",") {
            return Err(cursor.unexpected("\",\" or \")\""));
        }
    }
}

fn condition(cursor: &mut Cursor<'_>, depth: usize) -> Result<Having, ApiError> {
    let start = cursor.mark();
    for (word, negated, all) in
        [("not.and", true, true), ("not.or", true, false), ("and", false, true), ("or", false, false)]
    {
        if cursor.eat(word) && cursor.peek() == Some('(') {
            return Ok(Having::Logic { negated, all, conditions: group(cursor, depth + 1)? });
        }
        cursor.reset(start);
    }
    let value = value(cursor)?;
    cursor.expect(".")?;
    let (negated, op) = operation(cursor, Place::Group)?;
    Ok(Having::Condition { negated, value, op })
}

fn value(cursor: &mut Cursor<'_>) -> Result<GroupValue, ApiError> {
    if cursor.eat("count()") {
        return Ok(GroupValue::Aggregate {
            field: None,
            cast: None,
            aggregate: Aggregate::Count,
            aggregate_cast: cast(cursor)?,
        });
    }
    let field = field_path(cursor)?;
    let cast_before = cast(cursor)?;
    let dot = cursor.mark();
    match aggregate(cursor) {
        Ok(Some(aggregate)) => Ok(GroupValue::Aggregate {
            field: Some(field),
            cast: cast_before,
            aggregate,
            aggregate_cast: cast(cursor)?,
        }),
        Ok(None) | Err(_) if cast_before.is_none() => {
            cursor.reset(dot);
            Ok(GroupValue::Selected(field))
        }
        Ok(None) => Err(cursor.unexpected("\".\" and an aggregate")),
        Err(error) => Err(error),
    }
}

/// Parses the whole parameter: `*`, or `a,b->>c`.
pub(crate) fn distinct(text: &str) -> Result<Distinct, ApiError> {
    if text == "*" {
        return Ok(Distinct::Rows);
    }
    let mut cursor = Cursor::new("distinct", text);
    let mut fields = Vec::new();
    loop {
        cursor.skip_blanks();
        fields.push(field_path(&mut cursor)?);
        if cursor.at_end() {
            return Ok(Distinct::On(fields));
        }
        cursor.expect(",")?;
    }
}
