//! What a row violates, in PostgreSQL's words. SQLite says which constraint it was; the row is known here, and so is whether the
//! caller may be told about it.

use plinth_catalog::expr::{Expr, ExprKind, SourceId, display_row};
use plinth_catalog::{Check, Relation};
use plinth_engine::EngineError;
use plinth_values::{Type, Value};

use super::{Work, column, key, text_of};
use crate::error::{message, sql_error};
use crate::sql;
use crate::statement::Failure;

/// Longer values are cut in a description of a row, as PostgreSQL does.
const MAX_VALUE_CHARS: usize = 64;

/// Refuses a null where there must be none, among the columns that count.
pub(super) fn nulls(
    work: &Work<'_>,
    relation: &Relation,
    row: &[Value],
    counts: impl Fn(usize) -> bool,
) -> Result<(), EngineError> {
    let key = relation.table().and_then(|table| table.primary_key.as_ref());
    let in_key = |index: usize| key.is_some_and(|key| key.columns.contains(&index));
    for (index, (value, column)) in row.iter().zip(&relation.columns).enumerate() {
        let required = !column.nullable || in_key(index);
        if value.is_null() && required && column.generated.is_none() && counts(index) {
            return Err(null(work, relation, row, index));
        }
    }
    Ok(())
}

fn null(work: &Work<'_>, relation: &Relation, row: &[Value], index: usize) -> EngineError {
    let Some(column) = relation.columns.get(index) else { return sql_error("23502", "null value", None) };
    if let Some(name) = &column.domain
        && work.catalog.domains.iter().any(|domain| domain.name == *name && domain.not_null)
    {
        return sql_error("23502", format!("domain {} does not allow null values", shown(name)), None);
    }
    let message = format!(
        "null value in column \"{}\" of relation \"{}\" violates not-null constraint",
        column.name, relation.name.name
    );
    sql_error("23502", message, failing_row(work, relation, row))
}

/// Explains a statement that failed for a row as it was to be written; the row is empty when it is not known.
pub(super) fn of_row(work: &Work<'_>, relation: &Relation, row: &[Value], failure: Failure) -> EngineError {
    let Some(said) = failure.constraint().map(|error| message(error).to_owned()) else {
        return failure.into();
    };
    // A cascade can violate another table's constraints; its row is not known.
    let others = work.catalog.relations.iter().filter(|other| other.id != relation.id);
    let candidates = std::iter::once((relation, row)).chain(others.map(|other| (other, &[][..])));
    for (relation, row) in candidates {
        if let Some(error) = of_relation(work, relation, row, &said) {
            return error;
        }
    }
    failure.into()
}

fn of_relation(work: &Work<'_>, relation: &Relation, row: &[Value], said: &str) -> Option<EngineError> {
    let table = relation.table()?;
    let name = sql::table_name(relation);
    if let Some(failed) = said.strip_prefix("CHECK constraint failed: ") {
        let check = table.checks.iter().find(|check| check.name == failed)?;
        return Some(of_check(work, relation, row, check));
    }
    if let Some(failed) = said.strip_prefix("NOT NULL constraint failed: ") {
        let is_it = |index: &usize| {
            relation.columns.get(*index).is_some_and(|column| failed == format!("{name}.{}", column.name))
        };
        let index = (0..relation.columns.len()).find(is_it)?;
        return Some(null(work, relation, row, index));
    }
    let failed = said.strip_prefix("UNIQUE constraint failed: ")?;
    let is_index = |index: &str| failed == format!("index '{}'", sql::index_name(relation, index));
    let is_columns = |columns: &[usize]| {
        let named = columns.iter().filter_map(|index| relation.columns.get(*index));
        let named: Vec<String> = named.map(|column| format!("{name}.{}", column.name)).collect();
        failed == named.join(", ")
    };
    for key in key::unique(table) {
        if is_columns(&key.columns) || is_index(key.name) {
            let keys: Vec<Expr> = key.columns.iter().map(|index| column(relation, *index)).collect();
            return Some(duplicate(work, relation, row, key.name, &keys));
        }
    }
    for index in table.indexes.iter().filter(|index| index.unique) {
        let columns = key::plain_columns(index);
        if is_index(&index.name) || columns.as_deref().is_some_and(is_columns) {
            let keys: Vec<Expr> = index.keys.iter().map(|key| key.expr.clone()).collect();
            return Some(duplicate(work, relation, row, &index.name, &keys));
        }
    }
    None
}

fn duplicate(
    work: &Work<'_>,
    relation: &Relation,
    row: &[Value],
    constraint: &str,
    keys: &[Expr],
) -> EngineError {
    let message = format!("duplicate key value violates unique constraint \"{constraint}\"");
    sql_error("23505", message, existing_key(work, relation, row, keys))
}

/// `Key (a, lower(b))=(1, x) already exists.`, where the caller may be told.
fn existing_key(work: &Work<'_>, relation: &Relation, row: &[Value], keys: &[Expr]) -> Option<String> {
    let columns: Vec<usize> = keys.iter().flat_map(sql::row_columns).collect();
    if row.is_empty() || !can_see(work, relation, &columns) {
        return None;
    }
    let row = complete(work, relation, row);
    let values = work.over_cells(relation, &keys.iter().collect::<Vec<_>>(), &row).ok()?;
    let names: Vec<String> = keys.iter().map(|key| key_name(work, relation, key)).collect();
    let values: Vec<String> =
        keys.iter().zip(&values).map(|(key, value)| shown_value(work, &key.ty, value)).collect();
    Some(format!("Key ({})=({}) already exists.", names.join(", "), values.join(", ")))
}

fn key_name(work: &Work<'_>, relation: &Relation, key: &Expr) -> String {
    match key.kind {
        ExprKind::Column { source: SourceId::ROW, column } => {
            relation.columns.get(column).map(|column| identifier(&column.name)).unwrap_or_default()
        }
        // PostgreSQL shows the columns without their table.
        _ => display_row(work.catalog, relation, key).replace(&format!("{}.", relation.name.name), ""),
    }
}

/// The refusal of a row by a check constraint of its table, or of a domain of one of its columns.
pub(super) fn of_check(work: &Work<'_>, relation: &Relation, row: &[Value], check: &Check) -> EngineError {
    if let Some(domain) = &check.domain {
        let message =
            format!("value for domain {} violates check constraint \"{}\"", shown(domain), check.name);
        return sql_error("23514", message, None);
    }
    let message = format!(
        "new row for relation \"{}\" violates check constraint \"{}\"",
        relation.name.name, check.name
    );
    sql_error("23514", message, failing_row(work, relation, row))
}

/// Whether a failure is that of a foreign key.
pub(super) fn is_foreign_key(failure: &Failure) -> bool {
    failure.constraint().is_some_and(|error| message(error).contains("FOREIGN KEY constraint failed"))
}

/// Whether the caller may be told the values of these columns of rows that it may not be able to see: only when it may select
/// them, and no row security stands between.
pub(super) fn can_see(work: &Work<'_>, relation: &Relation, columns: &[usize]) -> bool {
    !hides_rows(work, relation) && columns.iter().all(|column| may_select(work, relation, *column))
}

fn hides_rows(work: &Work<'_>, relation: &Relation) -> bool {
    let bypasses = work.catalog.find_role(&work.caller.role).is_some_and(|role| role.bypass_row_security);
    relation.table().is_some_and(|table| table.row_security) && !bypasses
}

fn may_select(work: &Work<'_>, relation: &Relation, column: usize) -> bool {
    let roles = work.catalog.roles_of(&work.caller.role);
    roles.iter().any(|role| relation.grants.roles.get(*role).is_some_and(|held| held.select.covers(column)))
}

/// `Failing row contains (1, null, abc).`
fn failing_row(work: &Work<'_>, relation: &Relation, row: &[Value]) -> Option<String> {
    if row.is_empty() || hides_rows(work, relation) {
        return None;
    }
    let row = complete(work, relation, row);
    let seen: Vec<usize> = (0..row.len()).filter(|index| may_select(work, relation, *index)).collect();
    let columns: Vec<_> =
        seen.iter().filter_map(|index| relation.columns.get(*index).zip(row.get(*index))).collect();
    let values: Vec<String> =
        columns.iter().map(|(column, value)| shown_value(work, &column.ty, value)).collect();
    let values = values.join(", ");
    if seen.len() == row.len() {
        return Some(format!("Failing row contains ({values})."));
    }
    let names: Vec<&str> = columns.iter().map(|(column, _)| column.name.as_str()).collect();
    (!names.is_empty()).then(|| format!("Failing row contains ({}) = ({values}).", names.join(", ")))
}

/// The row with its generated columns, as far as they can be computed.
fn complete(work: &Work<'_>, relation: &Relation, row: &[Value]) -> Vec<Value> {
    let mut row = row.to_vec();
    if work.generate(relation, &mut row).is_err() {
        // The description is a courtesy; the refusal stands without it.
        drop(crate::functions::take_error());
    }
    row
}

fn shown_value(work: &Work<'_>, ty: &Type, value: &Value) -> String {
    if value.is_null() {
        return "null".into();
    }
    let text = text_of(ty, value.as_ref(), work);
    match text.char_indices().nth(MAX_VALUE_CHARS) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// A type's name as PostgreSQL shows it: with its schema, unless that is `public`.
fn shown(name: &plinth_catalog::Name) -> String {
    if name.schema == "public" { name.name.clone() } else { name.to_string() }
}

/// A name as it would be written in SQL.
fn identifier(name: &str) -> String {
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if starts && plain { name.to_owned() } else { plinth_catalog::quote_ident(name) }
}
