//! `comment on … is …`.

use sqlparser::tokenizer::Token;

use super::functions::signature;
use crate::read::cursor::{Cursor, Parsed};
use crate::read::syntax::{Comment, CommentTarget, Qualified, Statement};

pub(super) fn comment(cursor: &mut Cursor<'_>) -> Parsed<Statement> {
    cursor.expect(&["comment", "on"])?;
    let target = target(cursor)?;
    cursor.expect(&["is"])?;
    let text = if cursor.eat(&["null"]) { None } else { Some(cursor.string()?.0) };
    Ok(Statement::Comment(Comment { target, text }))
}

fn target(cursor: &mut Cursor<'_>) -> Parsed<CommentTarget> {
    if cursor.eat(&["table"]) {
        return Ok(CommentTarget::Relation("table", cursor.name()?));
    }
    if cursor.eat(&["view"]) {
        return Ok(CommentTarget::Relation("view", cursor.name()?));
    }
    if cursor.eat(&["materialized", "view"]) {
        return Ok(CommentTarget::Relation("materialized view", cursor.name()?));
    }
    if cursor.eat(&["column"]) {
        return column(cursor);
    }
    if cursor.eat_one_of(&["function", "routine"]).is_some() {
        return Ok(CommentTarget::Function(signature(cursor)?));
    }
    if cursor.eat_one_of(&["type", "domain"]).is_some() {
        return Ok(CommentTarget::Type(cursor.name()?));
    }
    if cursor.eat(&["schema"]) {
        return Ok(CommentTarget::Schema(cursor.word()?));
    }
    if cursor.eat(&["constraint"]) {
        let name = cursor.word()?;
        cursor.expect(&["on"])?;
        let on_domain = cursor.eat(&["domain"]);
        return Ok(CommentTarget::Constraint { name, table: cursor.name()?, on_domain });
    }
    if cursor.eat(&["index"]) {
        return Ok(CommentTarget::Index(cursor.name()?));
    }
    if cursor.eat(&["policy"]) {
        let name = cursor.word()?;
        cursor.expect(&["on"])?;
        return Ok(CommentTarget::Policy { name, table: cursor.name()? });
    }
    if cursor.eat(&["role"]) {
        return Ok(CommentTarget::Role(cursor.word()?));
    }
    if cursor.eat(&["extension"]) {
        cursor.label()?;
        return Ok(CommentTarget::Other);
    }
    Err(cursor
        .unexpected("TABLE, VIEW, COLUMN, FUNCTION, TYPE, DOMAIN, SCHEMA, CONSTRAINT, INDEX, POLICY or ROLE"))
}

/// `relation.column` or `schema.relation.column`.
fn column(cursor: &mut Cursor<'_>) -> Parsed<CommentTarget> {
    let first = cursor.word()?;
    if !cursor.eat_token(&Token::Period) {
        return Err(cursor.refuse(first.place, "column name must be qualified", "write table.column"));
    }
    let second = cursor.label()?;
    if !cursor.eat_token(&Token::Period) {
        return Ok(CommentTarget::Column {
            relation: Qualified { schema: None, name: first },
            column: second,
        });
    }
    let column = cursor.label()?;
    Ok(CommentTarget::Column { relation: Qualified { schema: Some(first), name: second }, column })
}
