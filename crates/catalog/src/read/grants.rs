//! `grant`, `revoke` and default privileges, in the order of the text, as PostgreSQL applies them: `on all tables in schema`
//! covers what is created before it, default privileges what is created after.

use std::collections::{BTreeMap, BTreeSet};

use super::functions;
use super::reader::Reader;
use super::syntax::{
    DefaultObject, DefaultPrivileges, Grant, GrantTarget, PrivilegeDefinition, Statement, Word,
};
use crate::{Columns, Diagnostic, FunctionId, Privileges, RelationId};

/// The privileges on a relation that have a meaning here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Privilege {
    Select,
    Insert,
    Update,
    Delete,
}

/// What one role may do with one relation, while grants and revokes are applied.
#[derive(Clone, Default)]
struct Access {
    select: ColumnAccess,
    insert: ColumnAccess,
    update: ColumnAccess,
    delete: bool,
}

/// A privilege on the whole relation and on single columns: revoking the one leaves the other.
#[derive(Clone, Default)]
struct ColumnAccess {
    whole: bool,
    columns: BTreeSet<usize>,
}

/// What every role may do with every relation and function.
struct State {
    relations: Vec<BTreeMap<String, Access>>,
    functions: Vec<BTreeSet<String>>,
}

pub(super) fn apply(reader: &mut Reader<'_>, statements: &[Statement]) {
    let mut state = initial(reader, statements);
    for (number, statement) in statements.iter().enumerate() {
        match statement {
            Statement::Grant(grant) => {
                let applied = apply_grant(reader, &mut state, grant, number);
                reader.keep(applied);
            }
            Statement::DefaultPrivileges(defaults) => {
                let checked = check_defaults(reader, defaults);
                reader.keep(checked);
            }
            _ => {}
        }
    }
    for (relation, roles) in reader.catalog.relations.iter_mut().zip(state.relations) {
        relation.grants.roles = roles
            .into_iter()
            .map(|(role, access)| (role, access.privileges()))
            .filter(|(_, privileges)| *privileges != Privileges::default())
            .collect();
    }
    for (function, roles) in reader.catalog.functions.iter_mut().zip(state.functions) {
        function.execute = roles.into_iter().collect();
    }
}

impl Access {
    fn of(&mut self, privilege: Privilege) -> Option<&mut ColumnAccess> {
        match privilege {
            Privilege::Select => Some(&mut self.select),
            Privilege::Insert => Some(&mut self.insert),
            Privilege::Update => Some(&mut self.update),
            Privilege::Delete => None,
        }
    }

    fn change(&mut self, privilege: Privilege, columns: Option<&[usize]>, revoke: bool) {
        let Some(access) = self.of(privilege) else {
            self.delete = !revoke;
            return;
        };
        match columns {
            // Revoking it from the whole relation also takes it from single columns.
            None if revoke => *access = ColumnAccess::default(),
            None => access.whole = true,
            Some(columns) if revoke => access.columns.retain(|column| !columns.contains(column)),
            Some(columns) => access.columns.extend(columns),
        }
    }

    fn privileges(self) -> Privileges {
        Privileges {
            select: self.select.columns(),
            insert: self.insert.columns(),
            update: self.update.columns(),
            delete: self.delete,
        }
    }
}

impl ColumnAccess {
    fn columns(self) -> Columns {
        match (self.whole, self.columns.is_empty()) {
            (true, _) => Columns::All,
            (false, true) => Columns::None,
            (false, false) => Columns::Some(self.columns.into_iter().collect()),
        }
    }
}

/// What holds before any grant: nothing on relations, execute for everyone on functions, and default privileges.
fn initial(reader: &Reader<'_>, statements: &[Statement]) -> State {
    let defaults: Vec<(usize, &DefaultPrivileges)> = statements
        .iter()
        .enumerate()
        .filter_map(|(number, statement)| match statement {
            Statement::DefaultPrivileges(defaults) => Some((number, defaults)),
            _ => None,
        })
        .collect();
    let before = |created: usize, object: DefaultObject| {
        defaults
            .iter()
            .filter(move |(number, defaults)| *number < created && defaults.object == object)
            .map(|(_, d)| *d)
    };
    let relation = |relation: &crate::Relation| {
        let created = reader.relation_created.get(relation.id.0 as usize).copied().unwrap_or_default();
        let mut roles: BTreeMap<String, Access> = BTreeMap::new();
        // A schema's default privileges only add to the global ones: revoking them there takes nothing from these.
        for in_schema in [false, true] {
            let mut own: BTreeMap<String, Access> = BTreeMap::new();
            for defaults in before(created, DefaultObject::Relations)
                .filter(|d| is_for(d, &relation.name.schema, in_schema))
            {
                for privilege in relation_privileges(&defaults.privileges) {
                    for role in &defaults.roles {
                        own.entry(role.text.clone()).or_default().change(privilege, None, defaults.revoke);
                    }
                }
            }
            for (role, mut access) in own {
                let entry = roles.entry(role).or_default();
                for privilege in ALL {
                    let delete = access.delete;
                    let granted = access.of(privilege).map_or(delete, |access| access.whole);
                    if granted {
                        entry.change(privilege, None, false);
                    }
                }
            }
        }
        roles
    };
    let function = |function: &crate::Function| {
        let created = reader.function_created.get(function.id.0 as usize).copied().unwrap_or_default();
        let mut roles: BTreeSet<String> = BTreeSet::from(["public".to_owned()]);
        for in_schema in [false, true] {
            let mut own = if in_schema { BTreeSet::new() } else { std::mem::take(&mut roles) };
            for defaults in before(created, DefaultObject::Functions)
                .filter(|d| is_for(d, &function.name.schema, in_schema))
            {
                for role in &defaults.roles {
                    if defaults.revoke {
                        own.remove(&role.text);
                    } else {
                        own.insert(role.text.clone());
                    }
                }
            }
            roles.append(&mut own);
        }
        roles
    };
    State {
        relations: reader.catalog.relations.iter().map(relation).collect(),
        functions: reader.catalog.functions.iter().map(function).collect(),
    }
}

fn is_for(defaults: &DefaultPrivileges, schema: &str, in_schema: bool) -> bool {
    if in_schema {
        defaults.schemas.iter().any(|known| known.text == schema)
    } else {
        defaults.schemas.is_empty()
    }
}

fn check_defaults(reader: &Reader<'_>, defaults: &DefaultPrivileges) -> Result<(), Diagnostic> {
    for schema in &defaults.schemas {
        reader.check_schema(schema)?;
    }
    for role in &defaults.roles {
        reader.check_role(role)?;
    }
    for privilege in &defaults.privileges {
        if privilege.columns.is_some() {
            return Err(reader.error(privilege.name.place, "default privileges cannot be set for columns"));
        }
        match defaults.object {
            DefaultObject::Relations => check_relation_privilege(reader, privilege)?,
            DefaultObject::Functions => check_privilege(reader, privilege, &["execute"], "function")?,
            DefaultObject::Other => {}
        }
    }
    Ok(())
}

const ALL: [Privilege; 4] = [Privilege::Select, Privilege::Insert, Privilege::Update, Privilege::Delete];

/// The privileges with a meaning here: `truncate`, `references` and their like open no way to the data.
fn relation_privileges(definitions: &[PrivilegeDefinition]) -> Vec<Privilege> {
    definitions.iter().flat_map(|definition| named(&definition.name.text)).copied().collect()
}

fn named(name: &str) -> &'static [Privilege] {
    match name {
        "all" => &ALL,
        "select" => &[Privilege::Select],
        "insert" => &[Privilege::Insert],
        "update" => &[Privilege::Update],
        "delete" => &[Privilege::Delete],
        _ => &[],
    }
}

fn check_relation_privilege(reader: &Reader<'_>, definition: &PrivilegeDefinition) -> Result<(), Diagnostic> {
    const RELATION: [&str; 8] =
        ["select", "insert", "update", "delete", "truncate", "references", "trigger", "maintain"];
    check_privilege(reader, definition, &RELATION, "relation")?;
    const COLUMN: [&str; 5] = ["all", "select", "insert", "update", "references"];
    if definition.columns.is_some() && !COLUMN.contains(&definition.name.text.as_str()) {
        let message = format!("invalid privilege type {} for column", definition.name.text.to_uppercase());
        return Err(reader.error_with_hint(
            definition.name.place,
            message,
            "a row is deleted as a whole: leave out the columns",
        ));
    }
    Ok(())
}

fn check_privilege(
    reader: &Reader<'_>,
    definition: &PrivilegeDefinition,
    known: &[&str],
    object: &str,
) -> Result<(), Diagnostic> {
    let name = definition.name.text.as_str();
    if name == "all" || known.contains(&name) {
        return Ok(());
    }
    let every = [
        "select",
        "insert",
        "update",
        "delete",
        "execute",
        "usage",
        "create",
        "truncate",
        "references",
        "trigger",
    ];
    let place = definition.name.place;
    if every.contains(&name) {
        return Err(
            reader.error(place, format!("invalid privilege type {} for {object}", name.to_uppercase()))
        );
    }
    let hint = crate::names::suggest(name, every);
    Err(Diagnostic { hint, ..reader.error(place, format!("unrecognized privilege type \"{name}\"")) })
}

fn apply_grant(
    reader: &Reader<'_>,
    state: &mut State,
    grant: &Grant,
    number: usize,
) -> Result<(), Diagnostic> {
    for role in &grant.roles {
        reader.check_role(role)?;
    }
    match &grant.target {
        GrantTarget::Relations(names) => {
            check_relation_privileges(reader, grant)?;
            for name in names {
                grant_relation(reader, state, grant, reader.relation_id(name)?)?;
            }
        }
        GrantTarget::AllRelations(schemas) => {
            check_relation_privileges(reader, grant)?;
            check_no_columns(reader, grant)?;
            check_schemas(reader, schemas)?;
            for (relation, created) in reader.catalog.relations.iter().zip(&reader.relation_created) {
                if *created < number && schemas.iter().any(|schema| schema.text == relation.name.schema) {
                    grant_relation(reader, state, grant, relation.id)?;
                }
            }
        }
        GrantTarget::Functions(signatures) => {
            check_function_privileges(reader, grant)?;
            for signature in signatures {
                grant_function(state, grant, functions::find(reader, signature)?);
            }
        }
        GrantTarget::AllFunctions(schemas) => {
            check_function_privileges(reader, grant)?;
            check_schemas(reader, schemas)?;
            for (function, created) in reader.catalog.functions.iter().zip(&reader.function_created) {
                if *created < number && schemas.iter().any(|schema| schema.text == function.name.schema) {
                    grant_function(state, grant, function.id);
                }
            }
        }
        GrantTarget::Schemas(schemas) => grant_schema(reader, grant, schemas)?,
        GrantTarget::Other => {}
    }
    Ok(())
}

fn check_relation_privileges(reader: &Reader<'_>, grant: &Grant) -> Result<(), Diagnostic> {
    grant.privileges.iter().try_for_each(|definition| check_relation_privilege(reader, definition))
}

fn check_function_privileges(reader: &Reader<'_>, grant: &Grant) -> Result<(), Diagnostic> {
    check_no_columns(reader, grant)?;
    grant
        .privileges
        .iter()
        .try_for_each(|definition| check_privilege(reader, definition, &["execute"], "function"))
}

fn check_no_columns(reader: &Reader<'_>, grant: &Grant) -> Result<(), Diagnostic> {
    match grant.privileges.iter().find(|definition| definition.columns.is_some()) {
        Some(definition) => {
            Err(reader.error(definition.name.place, "column privileges are only valid for relations"))
        }
        None => Ok(()),
    }
}

fn check_schemas(reader: &Reader<'_>, schemas: &[Word]) -> Result<(), Diagnostic> {
    schemas.iter().try_for_each(|schema| reader.check_schema(schema))
}

/// Every role may use every schema: what counts is what it may do with the objects in it. So a revoke would promise too much.
fn grant_schema(reader: &Reader<'_>, grant: &Grant, schemas: &[Word]) -> Result<(), Diagnostic> {
    check_schemas(reader, schemas)?;
    for definition in &grant.privileges {
        check_privilege(reader, definition, &["usage", "create"], "schema")?;
        if grant.revoke && definition.name.text != "create" {
            return Err(reader.error_with_hint(
                definition.name.place,
                "usage of a schema cannot be revoked",
                "revoke the privileges on its tables and functions",
            ));
        }
    }
    Ok(())
}

fn grant_relation(
    reader: &Reader<'_>,
    state: &mut State,
    grant: &Grant,
    relation: RelationId,
) -> Result<(), Diagnostic> {
    if reader.broken_views.contains(&reader.catalog.relation(relation).name) {
        return Ok(());
    }
    let Some(roles) = state.relations.get_mut(relation.0 as usize) else { return Ok(()) };
    for definition in &grant.privileges {
        let columns = match &definition.columns {
            Some(columns) => {
                let indexes = columns.iter().map(|column| reader.column_index(relation, column));
                Some(indexes.collect::<Result<Vec<_>, _>>()?)
            }
            None => None,
        };
        for privilege in named(&definition.name.text) {
            // `all (columns)` is about those privileges that columns can have.
            if columns.is_some() && *privilege == Privilege::Delete {
                continue;
            }
            for role in &grant.roles {
                roles.entry(role.text.clone()).or_default().change(
                    *privilege,
                    columns.as_deref(),
                    grant.revoke,
                );
            }
        }
    }
    Ok(())
}

fn grant_function(state: &mut State, grant: &Grant, function: FunctionId) {
    let Some(roles) = state.functions.get_mut(function.0 as usize) else { return };
    for role in &grant.roles {
        if grant.revoke {
            roles.remove(&role.text);
        } else {
            roles.insert(role.text.clone());
        }
    }
}
