//! `create role`, and `grant role to role`.

use std::collections::{HashMap, HashSet};

use super::reader::Reader;
use super::syntax::{CreateRole, Membership, Place, Statement, Word};
use crate::{Diagnostic, Role};

/// The roles that are always there: nobody signed in, somebody signed in, and the service itself.
fn built_in() -> Vec<Role> {
    let role = |name: &str, bypass_row_security| Role {
        name: name.to_owned(),
        member_of: Vec::new(),
        superuser: false,
        bypass_row_security,
    };
    vec![role("anon", false), role("authenticated", false), role("service_role", true)]
}

pub(super) fn declare(reader: &mut Reader<'_>, statements: &[Statement]) {
    reader.catalog.roles = built_in();
    let mut places: HashMap<&str, Place> = HashMap::new();
    // Members without `inherit` could only switch to the role, which no request does.
    let mut without_inherit: HashSet<&str> = HashSet::new();
    for statement in statements {
        let Statement::Role(role) = statement else { continue };
        let declared = declare_role(reader, role, &mut places);
        if reader.keep(declared).is_some() && !role.inherit {
            without_inherit.insert(&role.name.text);
        }
    }
    for statement in statements {
        let (revoke, roles, members) = match statement {
            Statement::Membership(Membership { revoke, roles, members }) => (*revoke, roles, members),
            Statement::Role(role) => {
                let itself = vec![role.name.clone()];
                apply(reader, false, &role.member_of, &itself, &without_inherit);
                apply(reader, false, &itself, &role.members, &without_inherit);
                continue;
            }
            _ => continue,
        };
        apply(reader, revoke, roles, members, &without_inherit);
    }
    reader.catalog.roles.sort_by(|a, b| a.name.cmp(&b.name));
}

fn declare_role<'s>(
    reader: &mut Reader<'_>,
    role: &'s CreateRole,
    places: &mut HashMap<&'s str, Place>,
) -> Result<(), Diagnostic> {
    let name = &role.name;
    let message = format!("role \"{}\" already exists", name.text);
    if let Some(first) = places.insert(&name.text, name.place) {
        return Err(reader.duplicate(name.place, message, first));
    }
    if let Some(known) = reader.catalog.find_role(&name.text) {
        // Saying again what is always there does no harm.
        if known.bypass_row_security == role.bypass_row_security {
            return Ok(());
        }
        return Err(reader.error_with_hint(name.place, message, "it is built in: take this statement out"));
    }
    reader.catalog.roles.push(Role {
        name: name.text.clone(),
        member_of: Vec::new(),
        superuser: false,
        bypass_row_security: role.bypass_row_security,
    });
    Ok(())
}

fn apply(
    reader: &mut Reader<'_>,
    revoke: bool,
    roles: &[Word],
    members: &[Word],
    without_inherit: &HashSet<&str>,
) {
    for role in roles {
        for member in members {
            let changed = change(reader, revoke, role, member, without_inherit);
            reader.keep(changed);
        }
    }
}

fn change(
    reader: &mut Reader<'_>,
    revoke: bool,
    role: &Word,
    member: &Word,
    without_inherit: &HashSet<&str>,
) -> Result<(), Diagnostic> {
    for word in [role, member] {
        if word.text == "public" {
            return Err(
                reader.error(word.place, "public is not a role of its own: everyone is a member of it")
            );
        }
        reader.check_role(word)?;
    }
    if without_inherit.contains(member.text.as_str()) {
        return Ok(());
    }
    if !revoke
        && (role.text == member.text || reader.catalog.roles_of(&role.text).contains(&member.text.as_str()))
    {
        let message = format!("role \"{}\" is a member of role \"{}\"", role.text, member.text);
        return Err(reader.error_with_hint(role.place, message, "memberships cannot go in a circle"));
    }
    if let Some(entry) = reader.catalog.roles.iter_mut().find(|entry| entry.name == member.text) {
        entry.member_of.retain(|parent| *parent != role.text);
        if !revoke {
            entry.member_of.push(role.text.clone());
            entry.member_of.sort();
        }
    }
    Ok(())
}
