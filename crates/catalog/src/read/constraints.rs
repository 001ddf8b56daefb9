//! Keys, foreign keys and checks, with PostgreSQL's names for those without one.

use std::collections::{HashMap, HashSet};

use plinth_values::{Modifier, Type};

use super::expressions::RowColumns;
use super::names::free_name;
use super::reader::{Reader, at};
use super::syntax::{Constraint, ConstraintKind, Expression, Place, References, Word};
use super::tables::TableDraft;
use super::types::{self, DomainDraft};
use crate::expr::Expr;
use crate::walk::Visitor;
use crate::{Check, Column, Diagnostic, ForeignKey, Key, Name, RelationId};

/// Primary keys and unique constraints.
pub(super) fn keys(reader: &mut Reader<'_>, tables: &[TableDraft<'_>]) {
    for table in tables {
        reserve_names(reader, table);
        for constraint in &table.constraints {
            let added = match &constraint.kind {
                ConstraintKind::PrimaryKey(columns) => primary_key(reader, table, constraint, columns),
                _ => continue,
            };
            reader.keep(added);
        }
        for constraint in &table.constraints {
            let ConstraintKind::Unique { columns, nulls_not_distinct } = &constraint.kind else { continue };
            let added = unique(reader, table, constraint, columns, *nulls_not_distinct);
            reader.keep(added);
        }
    }
}

/// Names that are written out are taken before any is made up. Keys have an index of the same name, beside the relations.
fn reserve_names(reader: &mut Reader<'_>, table: &TableDraft<'_>) {
    let mut named: HashMap<&str, Place> = HashMap::new();
    for constraint in &table.constraints {
        let Some(name) = &constraint.name else { continue };
        let is_key = matches!(constraint.kind, ConstraintKind::PrimaryKey(_) | ConstraintKind::Unique { .. });
        let index = Name::new(&*table.name.schema, &*name.text);
        let twice = if let Some(first) = named.insert(&name.text, name.place) {
            let message =
                format!("constraint \"{}\" for relation \"{}\" already exists", name.text, table.name.name);
            Err(reader.duplicate(name.place, message, first))
        } else if let Some(first) = reader.relation_places.get(&index).filter(|_| is_key) {
            let message = format!("relation \"{}\" already exists", name.text);
            Err(reader.duplicate(name.place, message, *first))
        } else {
            Ok(())
        };
        if reader.keep(twice).is_some() && is_key {
            reader.relation_places.insert(index, name.place);
        }
    }
}

/// The name of a key's index, written out or made up.
fn key_name(
    reader: &mut Reader<'_>,
    table: &Name,
    constraint: &Constraint,
    columns: Option<&str>,
    label: &str,
) -> String {
    if let Some(name) = &constraint.name {
        return name.text.clone();
    }
    let taken = |name: &str| reader.relation_places.contains_key(&Name::new(&*table.schema, name));
    let name = free_name(&table.name, columns, label, taken);
    reader.relation_places.insert(Name::new(&*table.schema, &*name), constraint.place);
    name
}

fn key_columns(
    reader: &Reader<'_>,
    table: &TableDraft<'_>,
    columns: &[Word],
    what: &str,
) -> Result<Vec<usize>, Diagnostic> {
    reader.column_indexes(table.id, columns, what)
}

fn primary_key(
    reader: &mut Reader<'_>,
    table: &TableDraft<'_>,
    constraint: &Constraint,
    columns: &[Word],
) -> Result<(), Diagnostic> {
    let columns = key_columns(reader, table, columns, "primary key constraint")?;
    if reader.catalog.relation(table.id).table().is_some_and(|table| table.primary_key.is_some()) {
        let message = format!("multiple primary keys for table \"{}\" are not allowed", table.name.name);
        return Err(reader.error(constraint.place, message));
    }
    let name = key_name(reader, &table.name, constraint, None, "pkey");
    if let Some(relation) = reader.relation_mut(table.id) {
        for column in &columns {
            if let Some(column) = relation.columns.get_mut(*column) {
                column.nullable = false;
            }
        }
    }
    if let Some(table) = reader.table_mut(table.id) {
        table.primary_key = Some(Key { name, columns, nulls_not_distinct: false });
    }
    Ok(())
}

fn unique(
    reader: &mut Reader<'_>,
    table: &TableDraft<'_>,
    constraint: &Constraint,
    columns: &[Word],
    nulls_not_distinct: bool,
) -> Result<(), Diagnostic> {
    let indexes = key_columns(reader, table, columns, "unique constraint")?;
    // As in PostgreSQL, a constraint that says what another one says already is not made again.
    if constraint.name.is_none()
        && let Some(made) = reader.catalog.relation(table.id).table()
        && made.primary_key.iter().chain(&made.uniques).any(|key| key.columns == indexes)
    {
        return Ok(());
    }
    let joined = joined(columns);
    let name = key_name(reader, &table.name, constraint, Some(&joined), "key");
    if let Some(table) = reader.table_mut(table.id) {
        table.uniques.push(Key { name, columns: indexes, nulls_not_distinct });
    }
    Ok(())
}

fn joined(columns: &[Word]) -> String {
    columns.iter().map(|column| column.text.as_str()).collect::<Vec<_>>().join("_")
}

/// Foreign keys. All keys are known by now.
pub(super) fn foreign_keys(reader: &mut Reader<'_>, tables: &[TableDraft<'_>]) {
    let mut taken = explicit_names(tables);
    for table in tables {
        for constraint in &table.constraints {
            let ConstraintKind::ForeignKey(references) = &constraint.kind else { continue };
            let key = foreign_key(reader, table, constraint, references, &mut taken);
            if let Some(key) = reader.keep(key)
                && let Some(table) = reader.table_mut(table.id)
            {
                table.foreign_keys.push(key);
            }
        }
    }
}

/// The constraint names that are written out, by schema.
fn explicit_names(tables: &[TableDraft<'_>]) -> HashSet<Name> {
    let of = |table: &TableDraft<'_>| {
        let names = table.constraints.iter().filter_map(|constraint| constraint.name.as_ref());
        names.map(|name| Name::new(&*table.name.schema, &*name.text)).collect::<Vec<_>>()
    };
    tables.iter().flat_map(of).collect()
}

/// The constraint's name, written out or made up: those made up are unique in their schema.
fn constraint_name(
    table: &Name,
    name: Option<&Word>,
    columns: Option<&str>,
    label: &str,
    taken: &mut HashSet<Name>,
) -> String {
    if let Some(name) = name {
        return name.text.clone();
    }
    let name =
        free_name(&table.name, columns, label, |name| taken.contains(&Name::new(&*table.schema, name)));
    taken.insert(Name::new(&*table.schema, &*name));
    name
}

fn foreign_key(
    reader: &Reader<'_>,
    table: &TableDraft<'_>,
    constraint: &Constraint,
    references: &References,
    taken: &mut HashSet<Name>,
) -> Result<ForeignKey, Diagnostic> {
    let what = "foreign key constraint";
    let columns = reader.column_indexes(table.id, &references.columns, what)?;
    let target = reader.relation_id(&references.table)?;
    let place = references.table.place();
    let Some(target_table) = reader.catalog.relation(target).table() else {
        return Err(
            reader.error(place, format!("referenced relation \"{}\" is not a table", references.table))
        );
    };
    let referenced = if references.referenced.is_empty() {
        match &target_table.primary_key {
            Some(key) => key.columns.clone(),
            None => {
                let message =
                    format!("there is no primary key for referenced table \"{}\"", references.table);
                return Err(reader.error(place, message));
            }
        }
    } else {
        reader.column_indexes(target, &references.referenced, what)?
    };
    if referenced.len() != columns.len() {
        let message = "number of referencing and referenced columns for foreign key disagree";
        return Err(reader.error(constraint.place, message));
    }
    if references.match_full && columns.len() > 1 {
        return Err(reader.error_with_hint(
            constraint.place,
            "match full is not supported for several columns",
            "leave it out, and add a check that all columns are null or none is",
        ));
    }
    let same_columns =
        |key: &[usize]| key.len() == referenced.len() && key.iter().all(|column| referenced.contains(column));
    let keys = target_table.primary_key.iter().chain(&target_table.uniques);
    let by_key = keys.into_iter().any(|key| same_columns(&key.columns));
    let unique_index =
        || reader.unique_indexes.iter().any(|(id, columns)| *id == target && same_columns(columns));
    if !by_key && !unique_index() {
        let message = format!(
            "there is no unique constraint matching given keys for referenced table \"{}\"",
            references.table
        );
        return Err(reader.error(place, message));
    }
    let name = constraint_name(
        &table.name,
        constraint.name.as_ref(),
        Some(&joined(&references.columns)),
        "fkey",
        taken,
    );
    check_key_types(reader, constraint.place, &name, (table.id, &columns), (target, &referenced))?;
    Ok(ForeignKey {
        name,
        columns,
        references: target,
        referenced,
        on_delete: references.on_delete,
        on_update: references.on_update,
        deferred: references.deferred,
    })
}

fn check_key_types(
    reader: &Reader<'_>,
    place: Place,
    name: &str,
    (table, columns): (RelationId, &[usize]),
    (target, referenced): (RelationId, &[usize]),
) -> Result<(), Diagnostic> {
    let column = |relation: RelationId, index: usize| reader.catalog.relation(relation).columns.get(index);
    for (from, to) in columns.iter().zip(referenced) {
        let (Some(from), Some(to)) = (column(table, *from), column(target, *to)) else { continue };
        if !can_reference(&from.ty, &to.ty) {
            return Err(reader.error_with_hint(
                place,
                format!("foreign key constraint \"{name}\" cannot be implemented"),
                format!(
                    "key columns \"{}\" and \"{}\" are of incompatible types: {} and {}",
                    from.name, to.name, from.ty, to.ty
                ),
            ));
        }
    }
    Ok(())
}

/// Whether values of one type can be looked up among those of the other: PostgreSQL asks for an equality operator between them.
fn can_reference(from: &Type, to: &Type) -> bool {
    let text = |ty: &Type| matches!(ty, Type::Text | Type::Varchar);
    from == to || from.is_integer() && to.is_integer() || text(from) && text(to)
}

/// Checks of the columns' domains, then those of the table.
pub(super) fn checks(reader: &mut Reader<'_>, tables: &[TableDraft<'_>], domains: &[DomainDraft<'_>]) {
    let mut taken = explicit_names(tables);
    for table in tables {
        let mut checks = domain_checks(reader, table.id, domains);
        for constraint in &table.constraints {
            let ConstraintKind::Check(expression) = &constraint.kind else { continue };
            let condition = check(reader, table.id, expression);
            let Some(condition) = reader.keep(condition) else { continue };
            let column = single_column(&condition, &reader.catalog.relation(table.id).columns);
            let name = constraint_name(
                &table.name,
                constraint.name.as_ref(),
                column.as_deref(),
                "check",
                &mut taken,
            );
            checks.push(Check { name, condition, domain: None });
        }
        if let Some(table) = reader.table_mut(table.id) {
            table.checks = checks;
        }
    }
}

fn check(reader: &Reader<'_>, table: RelationId, expression: &Expression) -> Result<Expr, Diagnostic> {
    let relation = reader.catalog.relation(table);
    let want = Some((&Type::Bool, Modifier::None));
    let resolver = reader.resolver(expression.place);
    let context = "check constraint";
    at(
        reader,
        expression.place,
        resolver.row_expr(&relation.name.name, &relation.columns, &expression.ast, want, context),
    )
}

/// The column's name, when the expression looks at exactly one.
fn single_column(expr: &Expr, columns: &[Column]) -> Option<String> {
    let mut found = RowColumns(Vec::new());
    found.expr(expr);
    match found.0.as_slice() {
        [index] => columns.get(*index).map(|column| column.name.clone()),
        _ => None,
    }
}

/// The checks of domains, about the columns declared with them. A domain's check is over a row whose only column is `value`; here
/// it is resolved again, with that name for the column.
fn domain_checks(reader: &Reader<'_>, table: RelationId, domains: &[DomainDraft<'_>]) -> Vec<Check> {
    let columns = &reader.catalog.relation(table).columns;
    let mut checks = Vec::new();
    for (index, column) in columns.iter().enumerate() {
        let Some(name) = &column.domain else { continue };
        let Some(domain) = domains.iter().find(|domain| domain.name == *name) else { continue };
        let row: Vec<Column> = columns
            .iter()
            .enumerate()
            .map(|(position, column)| {
                let name = if position == index { "value" } else { "" };
                types::column(name, column.ty.clone(), column.modifier)
            })
            .collect();
        for (name, expression) in &domain.checks {
            let want = Some((&Type::Bool, Modifier::None));
            let resolver = reader.resolver(expression.place);
            // An error has been reported for the domain itself.
            if let Ok(condition) = resolver.row_expr("", &row, &expression.ast, want, "check constraint") {
                checks.push(Check { name: name.clone(), condition, domain: Some(domain.name.clone()) });
            }
        }
    }
    checks
}
