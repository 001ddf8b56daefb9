//! `create schema`, `create type`, `create domain`, `create extension`.

use sqlparser::tokenizer::Token;

use crate::read::cursor::{Cursor, Parsed};
use crate::read::syntax::{CreateDomain, Statement, Word};

pub(super) fn create_schema(cursor: &mut Cursor<'_>) -> Parsed<Statement> {
    cursor.expect(&["schema"])?;
    let if_not_exists = cursor.eat(&["if", "not", "exists"]);
    let name = cursor.word()?;
    if cursor.eat(&["authorization"]) {
        cursor.label()?;
    }
    if matches!(name.text.as_str(), "information_schema" | "pg_catalog") || name.text.starts_with("pg_") {
        return Err(cursor.refuse(
            name.place,
            format!("unacceptable schema name \"{}\"", name.text),
            "the prefix \"pg_\" is reserved for system schemas",
        ));
    }
    if !cursor.at_end() {
        return Err(cursor.unexpected(
            "the end of the statement: write what the schema contains as statements of its own",
        ));
    }
    Ok(Statement::Schema { name, if_not_exists })
}

pub(super) fn create_type(cursor: &mut Cursor<'_>) -> Parsed<Statement> {
    cursor.expect(&["type"])?;
    let name = cursor.name()?;
    let place = cursor.place();
    if cursor.is(&["as"]) && !cursor.is(&["as", "enum"]) || !cursor.is(&["as"]) {
        return Err(cursor.refuse(
            place,
            "only types as enum are supported",
            "use a table, a domain or jsonb instead",
        ));
    }
    cursor.expect(&["as", "enum"])?;
    cursor.expect_token(&Token::LParen)?;
    let mut labels: Vec<Word> = Vec::new();
    while !cursor.eat_token(&Token::RParen) {
        if !labels.is_empty() {
            cursor.expect_token(&Token::Comma)?;
        }
        let place = cursor.place();
        let (text, _) = cursor.string()?;
        if text.len() > super::super::names::MAX_IDENTIFIER_BYTES || text.is_empty() {
            return Err(cursor.refuse(
                place,
                format!("invalid enum label \"{text}\""),
                "labels must be 63 bytes or less, and not empty",
            ));
        }
        if labels.iter().any(|label| label.text == text) {
            return Err(cursor.error(place, format!("enum label \"{text}\" used more than once")));
        }
        labels.push(Word { text, place });
    }
    Ok(Statement::Enum { name, labels })
}

pub(super) fn create_domain(cursor: &mut Cursor<'_>) -> Parsed<Statement> {
    cursor.expect(&["domain"])?;
    let name = cursor.name()?;
    cursor.eat(&["as"]);
    let ty = cursor.type_name()?;
    if ty.serial {
        return Err(cursor.refuse(ty.place, "a domain cannot be serial", "use integer or bigint"));
    }
    let mut domain = CreateDomain { name, ty, not_null: false, default: None, checks: Vec::new() };
    while !cursor.at_end() {
        let place = cursor.place();
        let constraint = if cursor.eat(&["constraint"]) { Some(cursor.word()?) } else { None };
        if cursor.eat(&["check"]) {
            let check = cursor.parenthesized_expression()?;
            super::tables::refuse_not_valid(cursor)?;
            domain.checks.push((constraint, check));
        } else if cursor.eat(&["not", "null"]) {
            domain.not_null = true;
        } else if cursor.eat(&["null"]) {
        } else if cursor.eat(&["default"]) {
            if domain.default.is_some() {
                return Err(cursor.error(place, "multiple default expressions"));
            }
            domain.default = Some(cursor.default_expression()?);
        } else if cursor.is(&["collate"]) {
            super::tables::collation(cursor)?;
        } else {
            return Err(cursor.unexpected("CHECK, NOT NULL or DEFAULT"));
        }
    }
    Ok(Statement::Domain(Box::new(domain)))
}

/// Extensions whose functions are built in are accepted; all others are not there.
pub(super) fn create_extension(cursor: &mut Cursor<'_>) -> Parsed<Statement> {
    cursor.expect(&["extension"])?;
    cursor.eat(&["if", "not", "exists"]);
    let name = cursor.label()?;
    let hint = match name.text.as_str() {
        "pgcrypto" | "uuid-ossp" | "plpgsql" => None,
        "citext" => Some("compare with lower(…), or with ilike"),
        "moddatetime" => Some("set the time in the update"),
        _ => Some("leave it out, and what needs it"),
    };
    if let Some(hint) = hint {
        return Err(cursor.refuse(name.place, format!("extension \"{}\" is not available", name.text), hint));
    }
    cursor.eat(&["with"]);
    loop {
        if cursor.eat_one_of(&["schema", "version"]).is_some() {
            if cursor.string().is_err() {
                cursor.label()?;
            }
        } else if !cursor.eat(&["cascade"]) {
            break;
        }
    }
    Ok(Statement::Nothing)
}
