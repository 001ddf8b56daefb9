//! `create policy`, `create role`, `grant`, `revoke`, `alter default privileges`.

use sqlparser::tokenizer::Token;

use super::functions::signature;
use crate::PolicyCommand;
use crate::read::cursor::{Cursor, Parsed};
use crate::read::syntax::{
    CreatePolicy, CreateRole, DefaultObject, DefaultPrivileges, Grant, GrantTarget, Membership,
    PrivilegeDefinition, Statement, Word,
};

pub(super) fn create_policy(cursor: &mut Cursor<'_>) -> Parsed<Statement> {
    cursor.expect(&["policy"])?;
    let name = cursor.word()?;
    cursor.expect(&["on"])?;
    let table = cursor.name()?;
    let mut policy = CreatePolicy {
        name,
        table,
        permissive: true,
        command: PolicyCommand::All,
        roles: Vec::new(),
        using: None,
        check: None,
    };
    if cursor.eat(&["as"]) {
        policy.permissive = match cursor.eat_one_of(&["permissive", "restrictive"]) {
            Some(word) => word == "permissive",
            None => return Err(cursor.unexpected("PERMISSIVE or RESTRICTIVE")),
        };
    }
    if cursor.eat(&["for"]) {
        policy.command = match cursor.eat_one_of(&["all", "select", "insert", "update", "delete"]) {
            Some("all") => PolicyCommand::All,
            Some("select") => PolicyCommand::Select,
            Some("insert") => PolicyCommand::Insert,
            Some("update") => PolicyCommand::Update,
            Some(_) => PolicyCommand::Delete,
            None => return Err(cursor.unexpected("ALL, SELECT, INSERT, UPDATE or DELETE")),
        };
    }
    if cursor.eat(&["to"]) {
        policy.roles = cursor.list(role)?;
    }
    let using_place = cursor.place();
    if cursor.eat(&["using"]) {
        if policy.command == PolicyCommand::Insert {
            return Err(cursor.refuse(
                using_place,
                "only WITH CHECK expression allowed for INSERT",
                "write with check instead of using",
            ));
        }
        policy.using = Some(cursor.parenthesized_expression()?);
    }
    let check_place = cursor.place();
    if cursor.eat(&["with", "check"]) {
        if matches!(policy.command, PolicyCommand::Select | PolicyCommand::Delete) {
            return Err(cursor.refuse(
                check_place,
                "WITH CHECK cannot be applied to SELECT or DELETE",
                "write using instead of with check",
            ));
        }
        policy.check = Some(cursor.parenthesized_expression()?);
    }
    Ok(Statement::Policy(Box::new(policy)))
}

/// A role in `to …` or `from …`.
fn role(cursor: &mut Cursor<'_>) -> Parsed<Word> {
    cursor.eat(&["group"]);
    let place = cursor.place();
    if cursor.eat_one_of(&["current_user", "current_role", "session_user"]).is_some() {
        return Err(cursor.refuse(
            place,
            "a schema file is applied by no particular role",
            "write the role's name",
        ));
    }
    cursor.word()
}

pub(super) fn create_role(cursor: &mut Cursor<'_>) -> Parsed<Statement> {
    cursor.expect(&["role"])?;
    let name = cursor.word()?;
    if name.text == "public" || name.text == "none" || name.text.starts_with("pg_") {
        return Err(cursor.error(name.place, format!("role name \"{}\" is reserved", name.text)));
    }
    let mut role_made = CreateRole {
        name,
        bypass_row_security: false,
        inherit: true,
        member_of: Vec::new(),
        members: Vec::new(),
    };
    cursor.eat(&["with"]);
    while !cursor.at_end() {
        let place = cursor.place();
        // How a role signs in to a database server has no meaning for roles that requests run as.
        const IGNORED: [&str; 7] =
            ["nologin", "login", "nosuperuser", "nocreatedb", "nocreaterole", "noreplication", "nobypassrls"];
        const REFUSED: [&str; 5] = ["superuser", "createdb", "createrole", "replication", "admin"];
        if cursor.eat_one_of(&IGNORED).is_some() {
        } else if cursor.eat(&["bypassrls"]) {
            role_made.bypass_row_security = true;
        } else if let Some(word) = cursor.eat_one_of(&["inherit", "noinherit"]) {
            role_made.inherit = word == "inherit";
        } else if cursor.eat(&["connection", "limit"]) {
            cursor.eat_token(&Token::Minus);
            cursor.next();
        } else if cursor.eat(&["in", "role"]) || cursor.eat(&["in", "group"]) {
            role_made.member_of.extend(cursor.list(role)?);
        } else if cursor.eat(&["role"]) || cursor.eat(&["user"]) {
            role_made.members.extend(cursor.list(role)?);
        } else if let Some(word) = cursor.eat_one_of(&REFUSED) {
            return Err(cursor.refuse(
                place,
                format!("create role … {word} is not supported"),
                "leave it out; bypassrls makes a role that row security does not apply to",
            ));
        } else if cursor.is(&["password"]) || cursor.is(&["encrypted"]) || cursor.is(&["valid"]) {
            return Err(cursor.refuse(
                place,
                "a role in a schema file has no password",
                "leave it out: roles are what requests run as, people sign in as users",
            ));
        } else {
            return Err(cursor.unexpected("an option of the role"));
        }
    }
    Ok(Statement::Role(role_made))
}

pub(super) fn grant(cursor: &mut Cursor<'_>) -> Parsed<Statement> {
    cursor.expect(&["grant"])?;
    grant_or_revoke(cursor, false)
}

pub(super) fn revoke(cursor: &mut Cursor<'_>) -> Parsed<Statement> {
    cursor.expect(&["revoke"])?;
    let place = cursor.place();
    if cursor.eat(&["grant", "option", "for"]) || cursor.eat(&["admin", "option", "for"]) {
        return Err(cursor.refuse(
            place,
            "grant options are not supported",
            "leave the statement out: no role has any",
        ));
    }
    grant_or_revoke(cursor, true)
}

fn grant_or_revoke(cursor: &mut Cursor<'_>, revoke: bool) -> Parsed<Statement> {
    let privileges = privileges(cursor)?;
    if !cursor.eat(&["on"]) {
        let roles = privileges.into_iter().map(|privilege| privilege.name).collect();
        let members = grantees(cursor, revoke)?;
        return Ok(Statement::Membership(Membership { revoke, roles, members }));
    }
    let target = target(cursor)?;
    let roles = grantees(cursor, revoke)?;
    Ok(Statement::Grant(Grant { revoke, privileges, target, roles }))
}

fn privileges(cursor: &mut Cursor<'_>) -> Parsed<Vec<PrivilegeDefinition>> {
    if cursor.is(&["all"]) {
        let name = cursor.label()?;
        cursor.eat(&["privileges"]);
        let columns = privilege_columns(cursor)?;
        return Ok(vec![PrivilegeDefinition { name, columns }]);
    }
    cursor.list(|cursor| {
        let name = cursor.label()?;
        let columns = privilege_columns(cursor)?;
        Ok(PrivilegeDefinition { name, columns })
    })
}

fn privilege_columns(cursor: &mut Cursor<'_>) -> Parsed<Option<Vec<Word>>> {
    if *cursor.peek() == Token::LParen { cursor.parenthesized(Cursor::word).map(Some) } else { Ok(None) }
}

/// After `on`.
fn target(cursor: &mut Cursor<'_>) -> Parsed<GrantTarget> {
    for objects in ["tables", "functions", "routines", "procedures", "sequences"] {
        if cursor.eat(&["all", objects, "in", "schema"]) {
            let schemas = cursor.list(Cursor::word)?;
            return Ok(match objects {
                "tables" => GrantTarget::AllRelations(schemas),
                "functions" | "routines" => GrantTarget::AllFunctions(schemas),
                _ => GrantTarget::Other,
            });
        }
    }
    if cursor.eat_one_of(&["function", "routine"]).is_some() {
        return Ok(GrantTarget::Functions(cursor.list(signature)?));
    }
    if cursor.eat(&["schema"]) {
        return Ok(GrantTarget::Schemas(cursor.list(Cursor::word)?));
    }
    if cursor.eat_one_of(&["sequence", "type", "domain", "language", "database"]).is_some() {
        cursor.list(Cursor::name)?;
        return Ok(GrantTarget::Other);
    }
    // `table` may be left out; a relation can also have that name only in quotes.
    cursor.eat(&["table"]);
    Ok(GrantTarget::Relations(cursor.list(Cursor::name)?))
}

/// `to role, …` or `from role, …`, and what may follow.
fn grantees(cursor: &mut Cursor<'_>, revoke: bool) -> Parsed<Vec<Word>> {
    cursor.expect(if revoke { &["from"] } else { &["to"] })?;
    let roles = cursor.list(role)?;
    if revoke {
        cursor.eat_one_of(&["cascade", "restrict"]);
    }
    let place = cursor.place();
    if cursor.eat(&["with"]) {
        return Err(cursor.refuse(
            place,
            "grant options are not supported",
            "leave it out: grants are made in schema files only",
        ));
    }
    if cursor.eat(&["granted", "by"]) {
        cursor.label()?;
    }
    Ok(roles)
}

/// After `alter default privileges`.
pub(super) fn default_privileges(cursor: &mut Cursor<'_>) -> Parsed<Statement> {
    let mut schemas = Vec::new();
    loop {
        let place = cursor.place();
        if cursor.eat(&["for", "role"]) || cursor.eat(&["for", "user"]) {
            return Err(cursor.refuse(
                place,
                "default privileges for a role are not supported",
                "leave out for role: everything belongs to the project",
            ));
        }
        if !cursor.eat(&["in", "schema"]) {
            break;
        }
        schemas.extend(cursor.list(Cursor::word)?);
    }
    let revoke = match cursor.eat_one_of(&["grant", "revoke"]) {
        Some(word) => word == "revoke",
        None => return Err(cursor.unexpected("GRANT or REVOKE")),
    };
    let privileges = privileges(cursor)?;
    cursor.expect(&["on"])?;
    let object =
        match cursor.eat_one_of(&["tables", "functions", "routines", "sequences", "types", "schemas"]) {
            Some("tables") => DefaultObject::Relations,
            Some("functions" | "routines") => DefaultObject::Functions,
            Some(_) => DefaultObject::Other,
            None => return Err(cursor.unexpected("TABLES, FUNCTIONS, SEQUENCES, TYPES or SCHEMAS")),
        };
    let roles = grantees(cursor, revoke)?;
    Ok(Statement::DefaultPrivileges(DefaultPrivileges { schemas, revoke, privileges, object, roles }))
}
