//! Tables and their columns: `create table`, and what `alter table` adds. Constraints and expressions come later.

use std::collections::HashMap;

use super::reader::Reader;
use super::syntax::{
    AlterTable, ColumnDefinition, Constraint, CreateTable, Expression, Place, Qualified, Statement, Word,
};
use super::types;
use crate::{Column, Diagnostic, Identity, Name, RelationId};

/// A table whose constraints and expressions are not resolved yet.
pub(super) struct TableDraft<'s> {
    pub id: RelationId,
    pub name: Name,
    /// The number of the statement that created it
    pub created: usize,
    pub columns: Vec<ColumnDraft<'s>>,
    pub constraints: Vec<&'s Constraint>,
    pub row_security: bool,
}

/// A column whose expressions are not resolved yet.
pub(super) struct ColumnDraft<'s> {
    pub column: Column,
    place: Place,
    not_null: Option<bool>,
    pub default: Option<&'s Expression>,
    pub generated: Option<&'s Expression>,
}

pub(super) fn declare<'s>(reader: &mut Reader<'_>, statements: &'s [Statement]) -> Vec<TableDraft<'s>> {
    let mut drafts: Vec<TableDraft<'s>> = Vec::new();
    let mut by_name: HashMap<Name, usize> = HashMap::new();
    for (created, statement) in statements.iter().enumerate() {
        let Statement::Table(table) = statement else { continue };
        let declared = new_relation(reader, &table.name);
        let name = match declared {
            Err(_) if table.if_not_exists && exists(reader, &table.name) => continue,
            declared => reader.keep(declared),
        };
        let Some(name) = name else { continue };
        by_name.insert(name.clone(), drafts.len());
        drafts.push(draft(reader, name, created, table));
    }
    for statement in statements {
        let Statement::AlterTable { table, actions } = statement else { continue };
        let found = reader.look_up(table, |name| by_name.get(name).copied());
        let Some(draft) = found.and_then(|index| drafts.get_mut(index)) else {
            let error = unknown_table(reader, table, &by_name);
            reader.keep::<()>(Err(error));
            continue;
        };
        for action in actions {
            let altered = alter(reader, draft, action);
            reader.keep(altered);
        }
    }
    for draft in &mut drafts {
        finish(reader, draft);
    }
    drafts
}

/// Reserves the name of a new table or view.
pub(super) fn new_relation(reader: &mut Reader<'_>, name: &Qualified) -> Result<Name, Diagnostic> {
    let new = reader.new_name(name)?;
    if let Some(first) = reader.relation_places.get(&new) {
        return Err(reader.duplicate(name.place(), format!("relation \"{name}\" already exists"), *first));
    }
    if let Some(first) = reader.type_places.get(&new) {
        return Err(reader.duplicate(name.place(), format!("type \"{name}\" already exists"), *first));
    }
    reader.relation_places.insert(new.clone(), name.place());
    Ok(new)
}

pub(super) fn exists(reader: &Reader<'_>, name: &Qualified) -> bool {
    reader.new_name(name).is_ok_and(|name| reader.relation_places.contains_key(&name))
}

fn unknown_table(reader: &Reader<'_>, table: &Qualified, known: &HashMap<Name, usize>) -> Diagnostic {
    if let Some(Err(error)) = table.schema.as_ref().map(|schema| reader.check_schema(schema)) {
        return error;
    }
    let hint = crate::names::suggest(&table.name.text, known.keys().map(|name| name.name.as_str()));
    Diagnostic { hint, ..reader.error(table.place(), format!("relation \"{table}\" does not exist")) }
}

fn draft<'s>(reader: &mut Reader<'_>, name: Name, created: usize, table: &'s CreateTable) -> TableDraft<'s> {
    let mut draft = TableDraft {
        id: RelationId(0),
        name,
        created,
        columns: Vec::with_capacity(table.columns.len()),
        constraints: table.constraints.iter().collect(),
        row_security: false,
    };
    for definition in &table.columns {
        let added = add_column(reader, &mut draft, definition);
        reader.keep(added);
    }
    draft
}

fn add_column<'s>(
    reader: &Reader<'_>,
    draft: &mut TableDraft<'s>,
    definition: &'s ColumnDefinition,
) -> Result<(), Diagnostic> {
    let name = &definition.name;
    if draft.columns.iter().any(|column| column.column.name == name.text) {
        return Err(reader.error(name.place, format!("column \"{}\" specified more than once", name.text)));
    }
    const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];
    if SYSTEM_COLUMNS.contains(&name.text.as_str()) {
        let message = format!("column name \"{}\" conflicts with a system column name", name.text);
        return Err(reader.error(name.place, message));
    }
    let (ty, modifier, domain) = types::data_type(reader, &definition.ty)?;
    if matches!(ty, plinth_values::Type::Void | plinth_values::Type::Row(_) | plinth_values::Type::Unknown) {
        let message = format!("column \"{}\" cannot have type {ty}", name.text);
        return Err(reader.error(definition.ty.place, message));
    }
    let serial = definition.ty.serial.then_some(Identity::ByDefault);
    let column = Column {
        identity: definition.identity.or(serial),
        domain,
        ..types::column(&name.text, ty, modifier)
    };
    let both = |what: &str, other: &str| {
        let message = format!(
            "both {what} and {other} specified for column \"{}\" of table \"{}\"",
            name.text, draft.name.name
        );
        Err(reader.error(name.place, message))
    };
    if serial.is_some() && (definition.default.is_some() || definition.identity.is_some()) {
        return Err(reader.error(
            name.place,
            format!(
                "multiple default values specified for column \"{}\" of table \"{}\"",
                name.text, draft.name.name
            ),
        ));
    }
    match (&definition.default, column.identity, &definition.generated) {
        (Some(_), Some(_), _) => return both("default", "identity"),
        (Some(_), _, Some(_)) => return both("default", "generation expression"),
        (_, Some(_), Some(_)) => return both("identity", "generation expression"),
        _ => {}
    }
    if column.identity.is_some() && !column.ty.is_integer() {
        return Err(
            reader.error(definition.ty.place, "identity column type must be smallint, integer, or bigint")
        );
    }
    if column.identity.is_some() && definition.not_null == Some(false) {
        let message = format!(
            "conflicting NULL/NOT NULL declarations for column \"{}\" of table \"{}\"",
            name.text, draft.name.name
        );
        return Err(reader.error(name.place, message));
    }
    draft.columns.push(ColumnDraft {
        column,
        place: name.place,
        not_null: definition.not_null,
        default: definition.default.as_ref(),
        generated: definition.generated.as_ref(),
    });
    Ok(())
}

fn alter<'s>(
    reader: &Reader<'_>,
    draft: &mut TableDraft<'s>,
    action: &'s AlterTable,
) -> Result<(), Diagnostic> {
    match action {
        AlterTable::AddColumn { column, constraints, if_not_exists } => {
            let known = draft.columns.iter().any(|known| known.column.name == column.name.text);
            if known && *if_not_exists {
                return Ok(());
            }
            if known {
                let message = format!(
                    "column \"{}\" of relation \"{}\" already exists",
                    column.name.text, draft.name.name
                );
                return Err(reader.error(column.name.place, message));
            }
            draft.constraints.extend(constraints);
            add_column(reader, draft, column)
        }
        AlterTable::AddConstraint(constraint) => {
            draft.constraints.push(constraint);
            Ok(())
        }
        AlterTable::SetDefault { column, default } => {
            let column = find(reader, draft, column)?;
            column.default = default.as_ref();
            Ok(())
        }
        AlterTable::SetNotNull { column, not_null } => {
            let column = find(reader, draft, column)?;
            column.not_null = Some(*not_null);
            Ok(())
        }
        AlterTable::SetIdentity { column, identity } => {
            let place = column.place;
            let column = find(reader, draft, column)?;
            if column.column.identity.is_some() || column.default.is_some() || column.generated.is_some() {
                let message = format!("column \"{}\" already has a default or identity", column.column.name);
                return Err(reader.error(place, message));
            }
            if !column.column.ty.is_integer() {
                return Err(reader.error(place, "identity column type must be smallint, integer, or bigint"));
            }
            column.column.identity = Some(*identity);
            Ok(())
        }
        AlterTable::RowSecurity(enabled) => {
            draft.row_security = *enabled;
            Ok(())
        }
        AlterTable::Nothing => Ok(()),
    }
}

fn find<'d, 's>(
    reader: &Reader<'_>,
    draft: &'d mut TableDraft<'s>,
    column: &Word,
) -> Result<&'d mut ColumnDraft<'s>, Diagnostic> {
    let names = draft.columns.iter().map(|known| known.column.name.as_str());
    let unknown = reader.unknown_column(column, "table", &draft.name.name, names);
    draft.columns.iter_mut().find(|known| known.column.name == column.text).ok_or(unknown)
}

/// What is known of a column only when all statements have been seen.
fn finish(reader: &mut Reader<'_>, draft: &mut TableDraft<'_>) {
    for column in &mut draft.columns {
        let domain = column.column.domain.as_ref();
        let of_domain =
            reader.catalog.domains.iter().any(|known| Some(&known.name) == domain && known.not_null);
        let not_null = column.not_null == Some(true) || column.column.identity.is_some() || of_domain;
        column.column.nullable = !not_null;
        if column.default.is_some() && (column.column.identity.is_some() || column.generated.is_some()) {
            let message = format!(
                "both default and identity or generation expression specified for column \"{}\" of table \"{}\"",
                column.column.name, draft.name.name
            );
            reader.report(column.place, message);
        }
    }
}
