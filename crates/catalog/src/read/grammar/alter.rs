//! `alter …`: what dumps and hand-written schemas add to a table after its creation. Everything else is said in the create
//! statement.

use super::tables;
use crate::Identity;
use crate::read::cursor::{Cursor, Parsed};
use crate::read::grammar::{access, views};
use crate::read::syntax::{AlterTable, Statement};

pub(super) fn alter(cursor: &mut Cursor<'_>) -> Parsed<Statement> {
    cursor.expect(&["alter"])?;
    if cursor.eat(&["default", "privileges"]) {
        return access::default_privileges(cursor);
    }
    if cursor.eat(&["table"]) {
        cursor.eat(&["if", "exists"]);
        cursor.eat(&["only"]);
        let table = cursor.name()?;
        let actions = cursor.list(action)?;
        return Ok(Statement::AlterTable { table, actions });
    }
    if cursor.eat(&["view"]) {
        let view = cursor.name()?;
        if cursor.eat(&["set"]) {
            let options = cursor.parenthesized(views::view_option)?;
            return Ok(match options.into_iter().flatten().last() {
                Some(security_invoker) => Statement::AlterView { view, security_invoker },
                None => Statement::Nothing,
            });
        }
    }
    owner(cursor)
}

/// `alter <anything> <name> owner to <role>`: everything belongs to the project.
fn owner(cursor: &mut Cursor<'_>) -> Parsed<Statement> {
    let place = cursor.place();
    while !cursor.at_end() {
        if cursor.eat(&["owner", "to"]) {
            cursor.label()?;
            return Ok(Statement::Nothing);
        }
        cursor.next();
    }
    Err(cursor.refuse(
        place,
        "this alter statement is not supported in a schema file",
        "schema files describe the model as it should be: change the create statement instead",
    ))
}

fn action(cursor: &mut Cursor<'_>) -> Parsed<AlterTable> {
    let place = cursor.place();
    if cursor.eat(&["add"]) {
        return add(cursor);
    }
    if cursor.eat(&["alter"]) {
        return alter_column(cursor);
    }
    if cursor.eat(&["enable", "row", "level", "security"]) {
        return Ok(AlterTable::RowSecurity(true));
    }
    if cursor.eat(&["disable", "row", "level", "security"]) {
        return Ok(AlterTable::RowSecurity(false));
    }
    // The owner stands above row security here, as PostgreSQL's superuser does.
    if cursor.eat(&["force", "row", "level", "security"])
        || cursor.eat(&["no", "force", "row", "level", "security"])
    {
        return Ok(AlterTable::Nothing);
    }
    if cursor.eat(&["owner", "to"]) {
        cursor.label()?;
        return Ok(AlterTable::Nothing);
    }
    // How much of the old row replication sees; there is no replication to configure.
    if cursor.eat(&["replica", "identity"]) {
        if cursor.eat(&["using", "index"]) {
            cursor.word()?;
        } else {
            cursor.eat_one_of(&["full", "default", "nothing"]);
        }
        return Ok(AlterTable::Nothing);
    }
    Err(cursor.refuse(
        place,
        "this alter table statement is not supported in a schema file",
        "schema files describe the model as it should be: change the create table statement instead",
    ))
}

fn add(cursor: &mut Cursor<'_>) -> Parsed<AlterTable> {
    let constraint = ["constraint", "primary", "unique", "check", "foreign", "exclude"];
    if constraint.iter().any(|word| cursor.is(&[word])) {
        return Ok(AlterTable::AddConstraint(tables::table_constraint(cursor)?));
    }
    cursor.eat(&["column"]);
    let if_not_exists = cursor.eat(&["if", "not", "exists"]);
    let mut constraints = Vec::new();
    let column = Box::new(tables::column(cursor, &mut constraints)?);
    Ok(AlterTable::AddColumn { column, constraints, if_not_exists })
}

fn alter_column(cursor: &mut Cursor<'_>) -> Parsed<AlterTable> {
    cursor.eat(&["column"]);
    let column = cursor.word()?;
    let place = cursor.place();
    if cursor.eat(&["set", "default"]) {
        let default = Some(cursor.default_expression()?);
        return Ok(AlterTable::SetDefault { column, default });
    }
    if cursor.eat(&["drop", "default"]) {
        return Ok(AlterTable::SetDefault { column, default: None });
    }
    if cursor.eat(&["set", "not", "null"]) {
        return Ok(AlterTable::SetNotNull { column, not_null: true });
    }
    if cursor.eat(&["drop", "not", "null"]) {
        return Ok(AlterTable::SetNotNull { column, not_null: false });
    }
    if cursor.eat(&["add", "generated"]) {
        let identity = if cursor.eat(&["always"]) {
            Identity::Always
        } else {
            cursor.expect(&["by", "default"])?;
            Identity::ByDefault
        };
        cursor.expect(&["as", "identity"])?;
        tables::identity_options(cursor)?;
        return Ok(AlterTable::SetIdentity { column, identity });
    }
    if cursor.eat(&["set", "statistics"]) || cursor.eat(&["set", "storage"]) {
        cursor.next();
        return Ok(AlterTable::Nothing);
    }
    Err(cursor.refuse(
        place,
        "this alter column is not supported in a schema file",
        "schema files describe the model as it should be: change the column in the create table statement",
    ))
}
