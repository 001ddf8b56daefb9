//! `create view` and `create materialized view`.

use sqlparser::tokenizer::Token;

use crate::read::cursor::{Cursor, Parsed};
use crate::read::syntax::{CreateView, Statement};

pub(super) fn create_view(cursor: &mut Cursor<'_>, or_replace: bool) -> Parsed<Statement> {
    if cursor.is(&["recursive"]) {
        return Err(cursor.refuse(
            cursor.place(),
            "create recursive view is not supported",
            "write create view … as with recursive … select …",
        ));
    }
    cursor.expect(&["view"])?;
    let if_not_exists = cursor.eat(&["if", "not", "exists"]);
    let name = cursor.name()?;
    let columns =
        if *cursor.peek() == Token::LParen { cursor.parenthesized(Cursor::word)? } else { Vec::new() };
    let mut security_invoker = false;
    if cursor.eat(&["with"]) {
        for invoker in cursor.parenthesized(view_option)?.into_iter().flatten() {
            security_invoker = invoker;
        }
    }
    cursor.expect(&["as"])?;
    let query = cursor.query()?;
    if cursor.is(&["with"]) {
        return Err(cursor.refuse(
            cursor.place(),
            "with check option is not supported",
            "leave it out; policies of the table check what is written",
        ));
    }
    Ok(Statement::View(CreateView {
        name,
        or_replace,
        if_not_exists,
        columns,
        security_invoker,
        materialized: false,
        query,
    }))
}

/// One option of a view: `Some` for `security_invoker`.
pub(super) fn view_option(cursor: &mut Cursor<'_>) -> Parsed<Option<bool>> {
    let name = cursor.label()?;
    match name.text.as_str() {
        "security_invoker" => cursor.option_value().map(Some),
        // Conditions of the view are always applied before the caller's: there is nothing to switch on.
        "security_barrier" => cursor.option_value().map(|_| None),
        "check_option" => Err(cursor.refuse(
            name.place,
            "with check option is not supported",
            "leave it out; policies of the table check what is written",
        )),
        _ => Err(cursor.error(name.place, format!("unrecognized parameter \"{}\"", name.text))),
    }
}

pub(super) fn create_materialized_view(cursor: &mut Cursor<'_>) -> Parsed<Statement> {
    cursor.expect(&["materialized", "view"])?;
    let if_not_exists = cursor.eat(&["if", "not", "exists"]);
    let name = cursor.name()?;
    let columns =
        if *cursor.peek() == Token::LParen { cursor.parenthesized(Cursor::word)? } else { Vec::new() };
    if cursor.eat(&["with"]) {
        cursor.skip_parenthesized()?;
    }
    cursor.expect(&["as"])?;
    let query = cursor.query()?;
    if cursor.is(&["with", "no", "data"]) {
        return Err(cursor.refuse(cursor.place(), "with no data is not supported", "leave it out"));
    }
    cursor.eat(&["with", "data"]);
    Ok(Statement::View(CreateView {
        name,
        or_replace: false,
        if_not_exists,
        columns,
        security_invoker: false,
        materialized: true,
        query,
    }))
}
