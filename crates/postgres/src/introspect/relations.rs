//! Tables and views: columns, keys, privileges, and what views show.

use std::collections::HashMap;

use plinth_catalog::{
    Action, Column, Columns, ForeignKey, Grants, Identity, Key, Name, Privileges, Relation, RelationId,
    RelationKind, Table, TableKind, View, Writable,
};

use super::rows::{ColumnRow, KeyRow, Oid, RelationRow};
use super::types::{Types, text_of};
use super::views::{self, Shown};

/// The relations by name, which gives them their ids.
pub(super) struct Numbered<'r> {
    pub rows: Vec<&'r RelationRow>,
    ids: HashMap<Oid, RelationId>,
}

impl<'r> Numbered<'r> {
    pub fn new(rows: &'r [RelationRow]) -> Numbered<'r> {
        let mut rows: Vec<&RelationRow> = rows.iter().collect();
        rows.sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
        let id = |number: usize| RelationId(u32::try_from(number).unwrap_or(u32::MAX));
        let ids = rows.iter().enumerate().map(|(number, row)| (row.oid, id(number))).collect();
        Numbered { rows, ids }
    }

    pub fn id(&self, oid: Oid) -> Option<RelationId> {
        self.ids.get(&oid).copied()
    }

    /// The position of a column by its number; numbers of dropped columns leave gaps.
    fn position(&self, relation: RelationId, number: i16) -> Option<usize> {
        let columns = self.rows.get(relation.0 as usize)?.columns.as_deref()?;
        columns.binary_search_by_key(&number, |column| column.number).ok()
    }

    fn positions(&self, relation: RelationId, numbers: &[i16]) -> Option<Vec<usize>> {
        numbers.iter().map(|number| self.position(relation, *number)).collect()
    }
}

/// All relations, by id.
pub(super) fn relations(
    numbered: &Numbered<'_>,
    types: &Types<'_>,
    keys: &[KeyRow],
    shown: &HashMap<Oid, Vec<Shown>>,
    roles: &HashMap<Oid, &str>,
) -> Vec<Relation> {
    let mut relations: Vec<Relation> = numbered
        .rows
        .iter()
        .enumerate()
        .map(|(number, row)| {
            let id = RelationId(u32::try_from(number).unwrap_or(u32::MAX));
            let columns = row.columns.iter().flatten();
            Relation {
                id,
                name: Name::new(&row.schema, &row.name),
                columns: columns.map(|column| self::column(types, column)).collect(),
                kind: kind(numbered, row, shown),
                grants: grants(row, roles),
                comment: row.comment.clone(),
            }
        })
        .collect();
    for key in keys {
        let Some(id) = numbered.id(key.relation) else { continue };
        if let Some(relation) = relations.get_mut(id.0 as usize)
            && let RelationKind::Table(table) = &mut relation.kind
        {
            add_key(numbered, table, id, key);
        }
    }
    relations
}

fn column(types: &Types<'_>, row: &ColumnRow) -> Column {
    let (ty, modifier, domain) = types.declared(row.ty, row.modifier);
    let text = row.default.as_deref().map(|text| text_of(text, ty.clone()));
    let is_generated = !row.generated.is_empty();
    Column {
        name: row.name.clone(),
        modifier,
        domain,
        declared: Some(row.declared.as_str().into()),
        nullable: !row.not_null && !types.is_not_null(row.ty),
        default: if is_generated { None } else { text.clone() },
        identity: match row.identity.as_str() {
            "a" => Some(Identity::Always),
            "d" => Some(Identity::ByDefault),
            _ => None,
        },
        generated: if is_generated { text } else { None },
        comment: row.comment.clone(),
        ty,
    }
}

fn kind(numbered: &Numbered<'_>, row: &RelationRow, shown: &HashMap<Oid, Vec<Shown>>) -> RelationKind {
    let kind = match row.kind {
        'v' | 'm' => {
            let origins = row.columns.iter().flatten().map(|column| {
                let (table, number) = views::origin(shown, row.oid, column.number)?;
                let table = numbered.id(table)?;
                Some((table, numbered.position(table, number)?))
            });
            // Bits by the numbers of commands: update 2, insert 3, delete 4.
            let can = |bit: i32| row.updatable.is_some_and(|bits| bits & (1 << bit) != 0);
            return RelationKind::View(View {
                query: None,
                security_invoker: row.security_invoker,
                materialized: row.kind == 'm',
                origins: origins.collect(),
                writable: Writable { insert: can(3), update: can(2), delete: can(4) },
            });
        }
        'p' => TableKind::Partitioned,
        'f' => TableKind::Foreign,
        _ => TableKind::Plain,
    };
    RelationKind::Table(Table { kind, row_security: row.row_security, ..Table::default() })
}

fn add_key(numbered: &Numbered<'_>, table: &mut Table, id: RelationId, row: &KeyRow) {
    let Some(columns) = numbered.positions(id, &row.columns) else { return };
    let name = row.name.clone();
    let nulls_not_distinct = row.nulls_not_distinct;
    match row.kind {
        'p' => table.primary_key = Some(Key { name, columns, nulls_not_distinct }),
        'u' => table.uniques.push(Key { name, columns, nulls_not_distinct }),
        _ => {
            let Some(references) = row.references.and_then(|oid| numbered.id(oid)) else { return };
            let referenced = row.referenced.as_deref().unwrap_or_default();
            let Some(referenced) = numbered.positions(references, referenced) else { return };
            table.foreign_keys.push(ForeignKey {
                name,
                columns,
                references,
                referenced,
                on_delete: action(row.on_delete),
                on_update: action(row.on_update),
                deferred: row.deferred,
            });
        }
    }
}

fn action(letter: char) -> Action {
    match letter {
        'r' => Action::Restrict,
        'c' => Action::Cascade,
        'n' => Action::SetNull,
        'd' => Action::SetDefault,
        _ => Action::NoAction,
    }
}

/// The role of a grant; 0 is everyone.
pub(super) fn grantee(roles: &HashMap<Oid, &str>, oid: Oid) -> Option<String> {
    match oid {
        0 => Some("public".to_owned()),
        oid => roles.get(&oid).map(|name| (*name).to_owned()),
    }
}

fn grants(row: &RelationRow, roles: &HashMap<Oid, &str>) -> Grants {
    let mut by_role: HashMap<String, Privileges> = HashMap::new();
    for (role, privilege) in row.grants.iter().flatten() {
        let Some(role) = grantee(roles, *role) else { continue };
        let held = by_role.entry(role).or_default();
        match privilege.as_str() {
            "SELECT" => held.select = Columns::All,
            "INSERT" => held.insert = Columns::All,
            "UPDATE" => held.update = Columns::All,
            "DELETE" => held.delete = true,
            _ => {}
        }
    }
    for (position, column) in row.columns.iter().flatten().enumerate() {
        for (role, privilege) in column.grants.iter().flatten() {
            let Some(role) = grantee(roles, *role) else { continue };
            let held = by_role.entry(role).or_default();
            let one = Columns::Some(vec![position]);
            match privilege.as_str() {
                "SELECT" => held.select = held.select.union(&one),
                "INSERT" => held.insert = held.insert.union(&one),
                "UPDATE" => held.update = held.update.union(&one),
                _ => {}
            }
        }
    }
    // Predefined roles hold these on everything.
    for (role, reads) in [("pg_read_all_data", true), ("pg_write_all_data", false)] {
        let all = by_role.entry(role.to_owned()).or_default();
        if reads {
            all.select = Columns::All;
        } else {
            (all.insert, all.update, all.delete) = (Columns::All, Columns::All, true);
        }
    }
    Grants { roles: by_role }
}
