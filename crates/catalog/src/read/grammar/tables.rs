//! `create table`, its columns and constraints, and `create index`.

use sqlparser::ast;
use sqlparser::tokenizer::Token;

use crate::read::cursor::{Cursor, Parsed};
use crate::read::syntax::{
    ColumnDefinition, Constraint, ConstraintKind, CreateIndex, CreateTable, IndexKeyDefinition, Place,
    References, Statement, Word,
};
use crate::{Action, Diagnostic, Identity};

pub(super) fn create_table(cursor: &mut Cursor<'_>) -> Parsed<Statement> {
    cursor.eat(&["unlogged"]);
    cursor.expect(&["table"])?;
    let if_not_exists = cursor.eat(&["if", "not", "exists"]);
    let name = cursor.name()?;
    let place = cursor.place();
    if cursor.is(&["as"]) {
        return Err(cursor.refuse(place, "create table as is not supported", "write the columns, or a view"));
    }
    if cursor.is(&["partition", "of"]) || cursor.is(&["of"]) {
        return Err(cursor.refuse(
            place,
            "partitions and typed tables are not supported",
            "write a table of its own",
        ));
    }
    cursor.expect_token(&Token::LParen)?;
    let mut table = CreateTable { name, if_not_exists, columns: Vec::new(), constraints: Vec::new() };
    if !cursor.eat_token(&Token::RParen) {
        loop {
            element(cursor, &mut table)?;
            if !cursor.eat_token(&Token::Comma) {
                break;
            }
        }
        cursor.expect_token(&Token::RParen)?;
    }
    let place = cursor.place();
    if cursor.is(&["inherits"]) {
        return Err(cursor.refuse(
            place,
            "inheritance is not supported",
            "repeat the columns, or refer to the other table",
        ));
    }
    if cursor.is(&["partition"]) {
        return Err(cursor.refuse(place, "partitioned tables are not supported", "leave out partition by"));
    }
    if cursor.eat(&["with"]) {
        cursor.skip_parenthesized()?;
    }
    Ok(Statement::Table(table))
}

fn element(cursor: &mut Cursor<'_>, table: &mut CreateTable) -> Parsed<()> {
    if cursor.is(&["like"]) {
        return Err(cursor.refuse(
            cursor.place(),
            "like is not supported in create table",
            "repeat the columns",
        ));
    }
    if at_table_constraint(cursor) {
        table.constraints.push(table_constraint(cursor)?);
    } else {
        let column = column(cursor, &mut table.constraints)?;
        table.columns.push(column);
    }
    Ok(())
}

fn at_table_constraint(cursor: &Cursor<'_>) -> bool {
    ["constraint", "primary", "unique", "check", "foreign"].iter().any(|word| cursor.is(&[word]))
        || cursor.is(&["exclude"]) && !matches!(cursor.peek_nth(1).token, Token::Word(_))
        || cursor.is(&["exclude", "using"])
}

/// A column with its constraints; those that could stand beside the columns are added to `constraints`.
pub(super) fn column(cursor: &mut Cursor<'_>, constraints: &mut Vec<Constraint>) -> Parsed<ColumnDefinition> {
    let name = cursor.word()?;
    let ty = cursor.type_name()?;
    let mut column =
        ColumnDefinition { name, ty, not_null: None, default: None, identity: None, generated: None };
    loop {
        let place = cursor.place();
        let constraint = if cursor.eat(&["constraint"]) { Some(cursor.word()?) } else { None };
        let columns = || vec![column.name.clone()];
        let kind = if cursor.eat(&["not", "null"]) {
            set_nullability(cursor, &mut column, place, true)?;
            continue;
        } else if cursor.eat(&["null"]) {
            set_nullability(cursor, &mut column, place, false)?;
            continue;
        } else if cursor.eat(&["default"]) {
            if column.default.is_some() {
                return Err(multiple(cursor, place, "default values", &column.name));
            }
            column.default = Some(cursor.default_expression()?);
            continue;
        } else if cursor.eat(&["generated"]) {
            generated(cursor, &mut column, place)?;
            continue;
        } else if cursor.is(&["collate"]) {
            collation(cursor)?;
            continue;
        } else if cursor.eat(&["primary", "key"]) {
            index_parameters(cursor)?;
            ConstraintKind::PrimaryKey(columns())
        } else if cursor.eat(&["unique"]) {
            let nulls_not_distinct = nulls_not_distinct(cursor);
            index_parameters(cursor)?;
            ConstraintKind::Unique { columns: columns(), nulls_not_distinct }
        } else if cursor.eat(&["check"]) {
            ConstraintKind::Check(cursor.parenthesized_expression()?)
        } else if cursor.is(&["references"]) {
            ConstraintKind::ForeignKey(references(cursor, columns())?)
        } else if constraint.is_some() {
            return Err(cursor.unexpected("a constraint"));
        } else {
            break;
        };
        constraints.push(with_attributes(cursor, constraint, place, kind)?);
    }
    Ok(column)
}

fn set_nullability(
    cursor: &Cursor<'_>,
    column: &mut ColumnDefinition,
    place: Place,
    not_null: bool,
) -> Parsed<()> {
    if column.not_null.is_some_and(|before| before != not_null) {
        let name = &column.name.text;
        return Err(
            cursor.error(place, format!("conflicting NULL/NOT NULL declarations for column \"{name}\""))
        );
    }
    column.not_null = Some(not_null);
    Ok(())
}

/// After `generated`: an identity or an expression.
fn generated(cursor: &mut Cursor<'_>, column: &mut ColumnDefinition, place: Place) -> Parsed<()> {
    let always = cursor.eat(&["always"]);
    if !always {
        cursor.expect(&["by", "default"])?;
    }
    cursor.expect(&["as"])?;
    if cursor.eat(&["identity"]) {
        if column.identity.is_some() {
            return Err(multiple(cursor, place, "identity specifications", &column.name));
        }
        column.identity = Some(if always { Identity::Always } else { Identity::ByDefault });
        return identity_options(cursor);
    }
    if !always {
        return Err(cursor.error(place, "for a generated column, GENERATED ALWAYS must be specified"));
    }
    if column.generated.is_some() {
        return Err(multiple(cursor, place, "generation clauses", &column.name));
    }
    column.generated = Some(cursor.parenthesized_expression()?);
    if cursor.eat(&["stored"]) {
        return Ok(());
    }
    Err(cursor.refuse(
        cursor.place(),
        "virtual generated columns are not supported",
        "write stored after the expression",
    ))
}

fn multiple(cursor: &Cursor<'_>, place: Place, what: &str, column: &Word) -> Diagnostic {
    cursor.error(place, format!("multiple {what} specified for column \"{}\"", column.text))
}

/// The options of an identity's sequence, as far as they are the defaults: numbers start at 1 and go up by 1.
pub(super) fn identity_options(cursor: &mut Cursor<'_>) -> Parsed<()> {
    if !cursor.eat_token(&Token::LParen) {
        return Ok(());
    }
    while !cursor.eat_token(&Token::RParen) {
        let place = cursor.place();
        let accepted = if cursor.eat(&["start"]) {
            cursor.eat(&["with"]);
            number(cursor)? == "1"
        } else if cursor.eat(&["increment"]) {
            cursor.eat(&["by"]);
            number(cursor)? == "1"
        } else if cursor.eat(&["cache"]) {
            number(cursor)?;
            true
        } else if cursor.eat(&["minvalue"]) {
            number(cursor)? == "1"
        } else if cursor.eat(&["maxvalue"]) {
            matches!(number(cursor)?.as_str(), "32767" | "2147483647" | "9223372036854775807")
        } else if cursor.eat(&["sequence", "name"]) {
            cursor.name()?;
            true
        } else if cursor.eat(&["no", "minvalue"])
            || cursor.eat(&["no", "maxvalue"])
            || cursor.eat(&["no", "cycle"])
        {
            true
        } else if cursor.eat(&["cycle"]) {
            false
        } else {
            return Err(cursor.unexpected("an option of the identity's sequence"));
        };
        if !accepted {
            return Err(cursor.refuse(
                place,
                "identity options other than the defaults are not supported",
                "numbers start at 1 and go up by 1: leave the option out",
            ));
        }
    }
    Ok(())
}

fn number(cursor: &mut Cursor<'_>) -> Parsed<String> {
    let sign = if cursor.eat_token(&Token::Minus) { "-" } else { "" };
    match cursor.peek() {
        Token::Number(text, _) => {
            let text = format!("{sign}{text}");
            cursor.next();
            Ok(text)
        }
        _ => Err(cursor.unexpected("a number")),
    }
}

/// `collate "C"`: the order of bytes, which is how text is always compared here.
pub(super) fn collation(cursor: &mut Cursor<'_>) -> Parsed<()> {
    cursor.expect(&["collate"])?;
    let place = cursor.place();
    let mut name = cursor.label()?;
    if cursor.eat_token(&Token::Period) {
        name = cursor.label()?;
    }
    check_collation(cursor, place, &name.text)
}

fn check_collation(cursor: &Cursor<'_>, place: Place, name: &str) -> Parsed<()> {
    let name = name.trim_matches('"');
    if matches!(name, "C" | "POSIX" | "ucs_basic" | "default") {
        return Ok(());
    }
    let hint = "text is compared by its bytes: leave it out, or write \"C\"";
    Err(cursor.refuse(place, format!("collation \"{name}\" is not supported"), hint))
}

/// A constraint that stands beside the columns.
pub(super) fn table_constraint(cursor: &mut Cursor<'_>) -> Parsed<Constraint> {
    let place = cursor.place();
    let name = if cursor.eat(&["constraint"]) { Some(cursor.word()?) } else { None };
    let kind = if cursor.eat(&["primary", "key"]) {
        refuse_using_index(cursor)?;
        let columns = cursor.parenthesized(Cursor::word)?;
        index_parameters(cursor)?;
        ConstraintKind::PrimaryKey(columns)
    } else if cursor.eat(&["unique"]) {
        refuse_using_index(cursor)?;
        let nulls_not_distinct = nulls_not_distinct(cursor);
        let columns = cursor.parenthesized(Cursor::word)?;
        index_parameters(cursor)?;
        ConstraintKind::Unique { columns, nulls_not_distinct }
    } else if cursor.eat(&["check"]) {
        ConstraintKind::Check(cursor.parenthesized_expression()?)
    } else if cursor.eat(&["foreign", "key"]) {
        let columns = cursor.parenthesized(Cursor::word)?;
        ConstraintKind::ForeignKey(references(cursor, columns)?)
    } else if cursor.is(&["exclude"]) {
        return Err(cursor.refuse(
            cursor.place(),
            "exclusion constraints are not supported",
            "use a unique constraint, or check in a function",
        ));
    } else {
        return Err(cursor.unexpected("PRIMARY KEY, UNIQUE, CHECK or FOREIGN KEY"));
    };
    with_attributes(cursor, name, place, kind)
}

fn refuse_using_index(cursor: &Cursor<'_>) -> Parsed<()> {
    if cursor.is(&["using", "index"]) {
        return Err(cursor.refuse(
            cursor.place(),
            "using index is not supported in a constraint",
            "write the columns, and take the create index statement out",
        ));
    }
    Ok(())
}

fn nulls_not_distinct(cursor: &mut Cursor<'_>) -> bool {
    let found = cursor.eat(&["nulls", "not", "distinct"]);
    if !found {
        cursor.eat(&["nulls", "distinct"]);
    }
    found
}

/// `include (…)` and `with (…)`, which change how an index is stored, not what it means.
fn index_parameters(cursor: &mut Cursor<'_>) -> Parsed<()> {
    if cursor.eat(&["include"]) {
        cursor.parenthesized(Cursor::word)?;
    }
    if cursor.eat(&["with"]) {
        cursor.skip_parenthesized()?;
    }
    Ok(())
}

/// From `references` on.
fn references(cursor: &mut Cursor<'_>, columns: Vec<Word>) -> Parsed<References> {
    cursor.expect(&["references"])?;
    let table = cursor.name()?;
    let referenced =
        if *cursor.peek() == Token::LParen { cursor.parenthesized(Cursor::word)? } else { Vec::new() };
    let mut references = References {
        columns,
        table,
        referenced,
        on_delete: Action::NoAction,
        on_update: Action::NoAction,
        deferred: false,
        match_full: false,
    };
    loop {
        if cursor.eat(&["match"]) {
            let place = cursor.place();
            match cursor.eat_one_of(&["full", "partial", "simple"]) {
                Some("full") => references.match_full = true,
                Some("simple") => {}
                Some(_) => return Err(cursor.error(place, "MATCH PARTIAL not yet implemented")),
                None => return Err(cursor.unexpected("FULL or SIMPLE")),
            }
        } else if cursor.eat(&["on", "delete"]) {
            references.on_delete = action(cursor)?;
        } else if cursor.eat(&["on", "update"]) {
            references.on_update = action(cursor)?;
        } else {
            return Ok(references);
        }
    }
}

fn action(cursor: &mut Cursor<'_>) -> Parsed<Action> {
    let action = if cursor.eat(&["no", "action"]) {
        Action::NoAction
    } else if cursor.eat(&["restrict"]) {
        Action::Restrict
    } else if cursor.eat(&["cascade"]) {
        Action::Cascade
    } else if cursor.eat(&["set", "null"]) {
        Action::SetNull
    } else if cursor.eat(&["set", "default"]) {
        Action::SetDefault
    } else {
        return Err(cursor.unexpected("NO ACTION, RESTRICT, CASCADE, SET NULL or SET DEFAULT"));
    };
    if *cursor.peek() == Token::LParen {
        return Err(cursor.refuse(
            cursor.place(),
            "a column list after set null or set default is not supported",
            "leave it out: all columns of the key are set",
        ));
    }
    Ok(action)
}

/// `deferrable`, `initially deferred`, `not valid` and their like, after a constraint.
fn with_attributes(
    cursor: &mut Cursor<'_>,
    name: Option<Word>,
    place: Place,
    mut kind: ConstraintKind,
) -> Parsed<Constraint> {
    let attributes = cursor.place();
    let (mut deferrable, mut deferred) = (false, false);
    loop {
        if cursor.eat(&["deferrable"]) {
            deferrable = true;
        } else if cursor.eat(&["initially", "deferred"]) {
            deferred = true;
        } else if !cursor.eat(&["not", "deferrable"]) && !cursor.eat(&["initially", "immediate"]) {
            break;
        }
    }
    refuse_not_valid(cursor)?;
    match &mut kind {
        ConstraintKind::ForeignKey(references) => references.deferred = deferred,
        ConstraintKind::Check(_) => {
            if deferrable || deferred {
                return Err(cursor.error(attributes, "CHECK constraints cannot be marked DEFERRABLE"));
            }
            if cursor.eat(&["no", "inherit"]) {
                refuse_not_valid(cursor)?;
            }
        }
        ConstraintKind::PrimaryKey(_) | ConstraintKind::Unique { .. } => {
            if deferrable || deferred {
                return Err(cursor.refuse(
                    attributes,
                    "deferrable unique constraints are not supported",
                    "leave out deferrable; foreign keys can be deferred",
                ));
            }
        }
    }
    Ok(Constraint { name, place, kind })
}

pub(super) fn refuse_not_valid(cursor: &Cursor<'_>) -> Parsed<()> {
    if cursor.is(&["not", "valid"]) || cursor.is(&["not", "enforced"]) {
        return Err(cursor.refuse(
            cursor.place(),
            "constraints that do not hold for all rows are not supported",
            "leave out not valid, or the constraint",
        ));
    }
    Ok(())
}

pub(super) fn create_index(cursor: &mut Cursor<'_>) -> Parsed<Statement> {
    let unique = cursor.eat(&["unique"]);
    cursor.expect(&["index"])?;
    cursor.eat(&["concurrently"]);
    let if_not_exists = cursor.eat(&["if", "not", "exists"]);
    let place = cursor.place();
    let name = if cursor.is(&["on"]) { None } else { Some(cursor.name()?) };
    cursor.expect(&["on"])?;
    cursor.eat(&["only"]);
    let table = cursor.name()?;
    let method = if cursor.eat(&["using"]) { Some(cursor.word()?) } else { None };
    let keys = cursor.parenthesized(index_key)?;
    let include = if cursor.eat(&["include"]) { cursor.parenthesized(Cursor::word)? } else { Vec::new() };
    let nulls_not_distinct = nulls_not_distinct(cursor);
    if cursor.eat(&["with"]) {
        cursor.skip_parenthesized()?;
    }
    let filter = if cursor.eat(&["where"]) { Some(cursor.expression()?) } else { None };
    Ok(Statement::Index(Box::new(CreateIndex {
        name,
        place,
        if_not_exists,
        unique,
        table,
        method,
        keys,
        include,
        nulls_not_distinct,
        filter,
    })))
}

fn index_key(cursor: &mut Cursor<'_>) -> Parsed<IndexKeyDefinition> {
    let mut expr = cursor.expression()?;
    // The SQL parser takes a collation for a part of the expression.
    if let ast::Expr::Collate { expr: inner, collation } = expr.ast {
        check_collation(
            cursor,
            expr.place,
            &collation.0.last().map(ToString::to_string).unwrap_or_default(),
        )?;
        expr.ast = *inner;
    }
    // An operator class (`text_pattern_ops`) says which searches the index serves, not what they give.
    const ORDER: [&str; 3] = ["asc", "desc", "nulls"];
    if matches!(cursor.peek(), Token::Word(_)) && !ORDER.iter().any(|word| cursor.is(&[word])) {
        cursor.name()?;
        if *cursor.peek() == Token::LParen {
            cursor.skip_parenthesized()?;
        }
    }
    let descending = cursor.eat_one_of(&["asc", "desc"]) == Some("desc");
    let nulls_first = if cursor.eat(&["nulls", "first"]) {
        Some(true)
    } else if cursor.eat(&["nulls", "last"]) {
        Some(false)
    } else {
        None
    };
    Ok(IndexKeyDefinition { expr, descending, nulls_first })
}
