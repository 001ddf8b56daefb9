//! `select=`: fields, aggregates, embedded and spread resources.

use plinth_query::request::{Aggregate, Embed, SelectItem};

use super::cursor::{Cursor, MAX_NESTING};
use super::field::{json_path, name};
use crate::error::ApiError;
use plinth_query::request::FieldPath;

/// Parses the whole parameter. An empty one selects nothing (rows are empty objects).
pub(crate) fn select(text: &str) -> Result<Vec<SelectItem>, ApiError> {
    let mut cursor = Cursor::new("select parameter", text);
    cursor.skip_blanks();
    if cursor.at_end() {
        return Ok(Vec::new());
    }
    let items = items(&mut cursor, 0)?;
    cursor.skip_surplus_parentheses();
    if !cursor.at_end() {
        return Err(cursor.unexpected("\",\" or end of input"));
    }
    Ok(items)
}

fn items(cursor: &mut Cursor<'_>, depth: usize) -> Result<Vec<SelectItem>, ApiError> {
    if depth > MAX_NESTING {
        return Err(cursor.error(format!("resources are embedded at most {MAX_NESTING} deep")));
    }
    let mut items = Vec::new();
    loop {
        cursor.skip_blanks();
        items.push(item(cursor, depth)?);
        cursor.skip_blanks();
        if !cursor.eat(",") {
            return Ok(items);
        }
    }
}

fn item(cursor: &mut Cursor<'_>, depth: usize) -> Result<SelectItem, ApiError> {
    if cursor.eat("...") {
        return match relation(cursor, depth)? {
            Some(embed) => Ok(SelectItem::Spread(embed)),
            None => Err(cursor.unexpected("\"(\"")),
        };
    }
    if cursor.eat("*") {
        return Ok(SelectItem::All);
    }
    if let Some(embed) = relation(cursor, depth)? {
        return Ok(SelectItem::Embed(embed));
    }
    field(cursor)
}

/// `[alias:]relation[!hint][!inner](items)`, or nothing (with the cursor where it was) when no parenthesis follows.
fn relation(cursor: &mut Cursor<'_>, depth: usize) -> Result<Option<Embed>, ApiError> {
    let start = cursor.mark();
    let alias = alias(cursor)?;
    let Ok(relation) = name(cursor) else {
        cursor.reset(start);
        return Ok(None);
    };
    let mut hint = None;
    let mut inner = None;
    while cursor.eat("!") {
        match name(cursor)?.as_str() {
            "inner" => inner = Some(true),
            "left" => inner = Some(false),
            other if hint.is_none() => hint = Some(other.to_owned()),
            _ => return Err(cursor.unexpected("\"(\"")),
        }
    }
    if !cursor.eat("(") {
        if hint.is_some() || inner.is_some() {
            return Err(cursor.unexpected("\"(\""));
        }
        cursor.reset(start);
        return Ok(None);
    }
    cursor.skip_blanks();
    // `count()` without a column is an aggregate, not a resource; an empty list embeds nothing.
    if cursor.peek() == Some(')') && relation == "count" && hint.is_none() {
        cursor.reset(start);
        return Ok(None);
    }
    let select = if cursor.peek() == Some(')') { Vec::new() } else { items(cursor, depth + 1)? };
    cursor.skip_blanks();
    if !cursor.eat(")") {
        return Err(cursor.unexpected("\",\" or \")\""));
    }
    Ok(Some(Embed {
        relation,
        alias,
        hint,
        inner,
        select,
        filters: Vec::new(),
        order: Vec::new(),
        limit: None,
        offset: 0,
        having: Vec::new(),
        distinct: None,
    }))
}

/// `alias:`, unless the colon belongs to a cast.
fn alias(cursor: &mut Cursor<'_>) -> Result<Option<String>, ApiError> {
    let start = cursor.mark();
    if let Ok(alias) = name(cursor)
        && !cursor.rest().starts_with("::")
        && cursor.eat(":")
    {
        return Ok(Some(alias));
    }
    cursor.reset(start);
    Ok(None)
}

fn field(cursor: &mut Cursor<'_>) -> Result<SelectItem, ApiError> {
    let alias = alias(cursor)?;
    if cursor.eat("count()") {
        let aggregate_cast = cast(cursor)?;
        return Ok(SelectItem::Field {
            field: None,
            alias,
            cast: None,
            aggregate: Some(Aggregate::Count),
            aggregate_cast,
        });
    }
    let column = if cursor.eat("*") { "*".to_owned() } else { name(cursor)? };
    if column == "*" && alias.is_some() {
        return Err(cursor.unexpected("field name without \"*\" behind an alias"));
    }
    let path = json_path(cursor)?;
    let cast_before = cast(cursor)?;
    let aggregate = aggregate(cursor)?;
    let aggregate_cast = if aggregate.is_some() { cast(cursor)? } else { None };
    Ok(SelectItem::Field {
        field: Some(FieldPath { column, path }),
        alias,
        cast: cast_before,
        aggregate,
        aggregate_cast,
    })
}

/// `::type`, with modifiers and array brackets: `::numeric(10,2)`, `::text[]`, `::double precision`.
pub(super) fn cast(cursor: &mut Cursor<'_>) -> Result<Option<String>, ApiError> {
    if !cursor.eat("::") {
        return Ok(None);
    }
    let mut ty = cursor.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ' ' | '"')).to_owned();
    if ty.trim().is_empty() {
        return Err(cursor.unexpected("type name"));
    }
    if cursor.peek() == Some('(') {
        cursor.next();
        ty.push('(');
        ty.push_str(cursor.take_while(|c| c.is_ascii_digit() || matches!(c, ',' | ' ')));
        cursor.expect(")")?;
        ty.push(')');
    }
    while cursor.eat("[]") {
        ty.push_str("[]");
    }
    Ok(Some(ty.trim().to_owned()))
}

pub(super) fn aggregate(cursor: &mut Cursor<'_>) -> Result<Option<Aggregate>, ApiError> {
    if !cursor.eat(".") {
        return Ok(None);
    }
    for (text, aggregate) in [
        ("sum()", Aggregate::Sum),
        ("avg()", Aggregate::Avg),
        ("count()", Aggregate::Count),
        ("max()", Aggregate::Max),
        ("min()", Aggregate::Min),
    ] {
        if cursor.eat(text) {
            return Ok(Some(aggregate));
        }
    }
    Err(cursor.unexpected("\"sum()\", \"avg()\", \"count()\", \"max()\" or \"min()\""))
}
