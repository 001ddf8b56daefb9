//! Names and JSON paths.

use plinth_query::request::{FieldPath, PathOperand, PathStep};

use super::cursor::Cursor;
use crate::error::ApiError;

/// A name: letters, digits, `_`, `$`, blanks inside, `-` unless it begins an arrow; or anything in double quotes.
pub(crate) fn name(cursor: &mut Cursor<'_>) -> Result<String, ApiError> {
    if cursor.peek() == Some('"') {
        return cursor.quoted();
    }
    let mut name = String::new();
    loop {
        name.push_str(cursor.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | ' ')));
        let rest = cursor.rest();
        let dash = rest.starts_with('-') && !rest.starts_with("->");
        if !dash || name.is_empty() {
            break;
        }
        cursor.next();
        name.push('-');
    }
    let trimmed = name.trim();
    if trimmed.is_empty() {
        return Err(cursor.unexpected("field name (* or [a..z0..9_$])"));
    }
    Ok(trimmed.to_owned())
}

/// A name with the JSON path behind it.
pub(crate) fn field_path(cursor: &mut Cursor<'_>) -> Result<FieldPath, ApiError> {
    let column = name(cursor)?;
    Ok(FieldPath { column, path: json_path(cursor)? })
}

/// `->key`, `->>key`, `->0`, `->-1`, any number of them.
pub(crate) fn json_path(cursor: &mut Cursor<'_>) -> Result<Vec<PathStep>, ApiError> {
    let mut path = Vec::new();
    while cursor.eat("->") {
        let as_text = cursor.eat(">");
        path.push(PathStep { operand: path_operand(cursor)?, as_text });
        if path.len() > super::cursor::MAX_NESTING {
            return Err(cursor.error(format!("a JSON path has at most {} steps", super::cursor::MAX_NESTING)));
        }
    }
    Ok(path)
}

fn path_operand(cursor: &mut Cursor<'_>) -> Result<PathOperand, ApiError> {
    let start = cursor.mark();
    let negative = cursor.eat("-");
    let digits = cursor.take_while(|c| c.is_ascii_digit());
    if negative && digits.is_empty() {
        return Err(cursor.unexpected("digit"));
    }
    let ends = match cursor.peek() {
        None => true,
        Some(c) => matches!(c, '-' | ':' | '.' | ',' | ')'),
    };
    if !digits.is_empty() && ends {
        let index: i64 = digits.parse().unwrap_or(i64::MAX);
        let index = if negative { -index } else { index };
        return i32::try_from(index)
            .map(PathOperand::Index)
            .map_err(|_| cursor.error(format!("the index {index} is out of range for type integer")));
    }
    cursor.reset(start);
    if cursor.peek() == Some('"') {
        return cursor.quoted().map(PathOperand::Key);
    }
    let mut key = String::new();
    loop {
        key.push_str(cursor.take_while(|c| !matches!(c, '(' | '-' | ':' | '.' | ',' | '>' | ')')));
        let rest = cursor.rest();
        if rest.starts_with('-') && !rest.starts_with("->") {
            cursor.next();
            key.push('-');
        } else {
            break;
        }
    }
    if key.is_empty() {
        return Err(cursor.unexpected("\"-\", digit or any non reserved character different from: .,>()"));
    }
    Ok(PathOperand::Key(key))
}

/// The left side of a parameter: `clients.projects.data->>a`. Gives the embeds on the way and the field.
pub(crate) fn tree_path(key: &str) -> Result<(Vec<String>, FieldPath), ApiError> {
    let mut cursor = Cursor::new("tree path", key);
    let mut names = vec![name(&mut cursor)?];
    while cursor.eat(".") {
        names.push(name(&mut cursor)?);
    }
    let path = json_path(&mut cursor)?;
    if !cursor.at_end() {
        return Err(cursor.unexpected("\".\", \"->\" or end of input"));
    }
    let column = names.pop().unwrap_or_default();
    Ok((names, FieldPath { column, path }))
}

/// `columns=a,b,"c d"` and `on_conflict=a,b`.
pub(crate) fn column_list(what: &'static str, text: &str) -> Result<Vec<String>, ApiError> {
    let mut cursor = Cursor::new(what, text);
    let mut columns = Vec::new();
    loop {
        cursor.skip_blanks();
        columns.push(name(&mut cursor)?);
        if cursor.at_end() {
            return Ok(columns);
        }
        cursor.expect(",")?;
    }
}
