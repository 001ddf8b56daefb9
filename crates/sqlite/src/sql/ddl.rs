//! Tables and indexes as SQLite definitions. Defaults are the engine's business, except for constants, which `on … set default`
//! needs; everything else that PostgreSQL checks is checked by SQLite with PostgreSQL's functions and orders.

use plinth_catalog::expr::{Expr, ExprKind, SourceId};
use plinth_catalog::{Action, Catalog, Column, ForeignKey, Index, Key, Relation, Table, quote_ident};
use plinth_values::{Type, Value};

use super::literal::{collation, constant, declared_type};
use super::search::is_search;
use super::{Result, Writer, internal, not_supported, walk};

/// The name of a relation's table in the file, not quoted: plain for `public`, otherwise with the schema as one name.
pub(crate) fn table_name(relation: &Relation) -> String {
    qualified(&relation.name.schema, &relation.name.name)
}

/// The name of a table's index in the file, not quoted. An index stands in the schema of its table.
pub(crate) fn index_name(relation: &Relation, index: &str) -> String {
    qualified(&relation.name.schema, index)
}

fn qualified(schema: &str, name: &str) -> String {
    match schema {
        "public" => name.to_owned(),
        schema => format!("{schema}.{name}"),
    }
}

/// The name by which a table's row ids can be had: one that no column has taken.
pub(crate) fn rowid(relation: &Relation) -> &'static str {
    let free = |name: &&&str| !relation.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    ["rowid", "_rowid_", "oid"].iter().find(free).copied().unwrap_or("rowid")
}

/// The column that is the row id itself: the only column of a primary key, when it is an integer.
pub(crate) fn rowid_column(relation: &Relation) -> Option<usize> {
    let key = relation.table()?.primary_key.as_ref()?;
    match key.columns.as_slice() {
        [column] => {
            let definition = relation.columns.get(*column)?;
            (definition.ty.is_integer() && definition.generated.is_none()).then_some(*column)
        }
        _ => None,
    }
}

/// `create table …`.
pub(crate) fn create_table(catalog: &Catalog, relation: &Relation) -> Result<String> {
    let table = relation.table().ok_or_else(|| internal("a view has no table"))?;
    let mut parts = Vec::new();
    for (index, column) in relation.columns.iter().enumerate() {
        let key = if rowid_column(relation) == Some(index) { " primary key" } else { "" };
        parts.push(format!("{}{key}", column_definition(catalog, relation, column)?));
    }
    if let Some(key) = &table.primary_key
        && rowid_column(relation).is_none()
    {
        parts.push(key_clause(relation, key, "primary key"));
    }
    for key in table.uniques.iter().filter(|key| !key.nulls_not_distinct) {
        parts.push(key_clause(relation, key, "unique"));
    }
    for check in &table.checks {
        parts.push(check_clause(catalog, relation, &check.name, &check.condition)?);
    }
    for key in &table.foreign_keys {
        let columns = column_list(relation, &key.columns);
        let (name, references) = (quote_ident(&key.name), references(catalog, key)?);
        parts.push(format!("constraint {name} foreign key ({columns}) {references}"));
    }
    Ok(format!("create table {} (\n  {}\n) strict", quote_ident(&table_name(relation)), parts.join(",\n  ")))
}

/// `alter table … add column …` with the constraints that the column brings; `None` when SQLite can only make the table anew: for
/// keys, generated columns, and what the rows that are there need a computed value for.
pub(crate) fn add_column(catalog: &Catalog, relation: &Relation, index: usize) -> Result<Option<String>> {
    let (Some(table), Some(column)) = (relation.table(), relation.columns.get(index)) else {
        return Err(internal("a column that does not exist cannot be added"));
    };
    let is_constant = column.default.as_ref().is_none_or(|default| literal(default).is_some());
    let fills = column.default.as_ref().and_then(literal).is_some_and(|value| !value.is_null());
    let mut keys = table.primary_key.iter().chain(&table.uniques);
    let in_key = keys.any(|key| key.columns.contains(&index));
    let mut foreign: Vec<&ForeignKey> = table.foreign_keys.iter().collect();
    foreign.retain(|key| key.columns.contains(&index));
    let composite = foreign.iter().any(|key| key.columns.len() > 1);
    let is_plain = is_constant && column.generated.is_none() && column.identity.is_none();
    // SQLite wants null as the default of a new reference while foreign keys are on.
    if in_key || composite || !is_plain || (!column.nullable && !fills) || (fills && !foreign.is_empty()) {
        return Ok(None);
    }
    let mut text = format!(
        "alter table {} add column {}",
        quote_ident(&table_name(relation)),
        column_definition(catalog, relation, column)?
    );
    for key in foreign {
        text.push_str(&format!(" constraint {} {}", quote_ident(&key.name), references(catalog, key)?));
    }
    for check in &table.checks {
        // A check of several columns comes with the last of them: only then do all exist.
        if last_column(&check.condition) == Some(index) {
            text.push(' ');
            text.push_str(&check_clause(catalog, relation, &check.name, &check.condition)?);
        }
    }
    Ok(Some(text))
}

/// The indexes of a table, those that stand for `unique nulls not distinct` included.
pub(crate) fn create_indexes(catalog: &Catalog, relation: &Relation) -> Result<Vec<String>> {
    let Some(table) = relation.table() else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for key in table.uniques.iter().filter(|key| key.nulls_not_distinct) {
        let columns: Vec<Expr> = key
            .columns
            .iter()
            .filter_map(|index| {
                let column = relation.columns.get(*index)?;
                Some(Expr::column(SourceId::ROW, *index, column.ty.clone()))
            })
            .collect();
        let mut w = Writer::definition(catalog, relation);
        let keys =
            columns.iter().map(|column| null_is_a_value(&mut w, column)).collect::<Result<Vec<_>>>()?;
        let (name, table) = (index_name(relation, &key.name), table_name(relation));
        all.push(format!(
            "create unique index {} on {} ({})",
            quote_ident(&name),
            quote_ident(&table),
            keys.join(", ")
        ));
    }
    for index in &table.indexes {
        all.extend(create_index(catalog, relation, index)?);
    }
    Ok(all)
}

/// `create index …`; `None` for methods whose indexes SQLite does not have, and which change nothing but speed. Those over vectors
/// are [`super::search`]'s.
pub(crate) fn create_index(catalog: &Catalog, relation: &Relation, index: &Index) -> Result<Option<String>> {
    if !is_ordered(index) {
        return Ok(None);
    }
    let mut w = Writer::definition(catalog, relation);
    let mut keys = Vec::with_capacity(index.keys.len());
    for key in &index.keys {
        if index.unique && index.nulls_not_distinct {
            keys.push(null_is_a_value(&mut w, &key.expr)?);
            continue;
        }
        let text = w.key(&key.expr)?;
        keys.push(format!("{text}{}", if key.descending { " desc" } else { "" }));
    }
    let filter = match &index.filter {
        Some(filter) => format!(" where {}", w.expr(filter)?),
        None => String::new(),
    };
    Ok(Some(format!(
        "create {}index {} on {} ({}){filter}",
        if index.unique { "unique " } else { "" },
        quote_ident(&index_name(relation, &index.name)),
        quote_ident(&table_name(relation)),
        keys.join(", ")
    )))
}

/// What is accepted but has no effect in the file.
pub(crate) fn notes(catalog: &Catalog) -> Vec<String> {
    let mut notes = Vec::new();
    for relation in &catalog.relations {
        for index in relation.table().into_iter().flat_map(|table: &Table| &table.indexes) {
            if !is_ordered(index) && !is_search(index) {
                notes.push(format!(
                    "index \"{}\" on {} is not created: SQLite has no {} indexes, so what it serves reads the whole table",
                    index.name, relation.name, index.method
                ));
            }
        }
    }
    notes
}

/// Whether an ordered index serves what this one is for. A hash index serves equality; a brin index a range.
fn is_ordered(index: &Index) -> bool {
    matches!(index.method.as_str(), "btree" | "hash" | "brin" | "")
}

/// Two keys for one: nulls are equal to each other and different from everything else.
fn null_is_a_value(w: &mut Writer<'_>, expr: &Expr) -> Result<String> {
    let text = w.expr(expr)?;
    let placeholder = match declared_type(&expr.ty) {
        Some("TEXT") => "''",
        Some("BLOB") => "x''",
        _ => "0",
    };
    let collation = collation(&expr.ty).map(|name| format!(" collate {name}")).unwrap_or_default();
    Ok(format!("coalesce({text}, {placeholder}){collation}, ({text} is null)"))
}

fn column_definition(catalog: &Catalog, relation: &Relation, column: &Column) -> Result<String> {
    let ty = declared_type(&column.ty).ok_or_else(|| {
        not_supported(format!("column \"{}\" of {} has type {}", column.name, relation.name, column.ty))
    })?;
    let mut text = format!("{} {ty}", quote_ident(&column.name));
    if !column.nullable {
        text.push_str(" not null");
    }
    if let Some(collation) = collation(&column.ty) {
        text.push_str(&format!(" collate {collation}"));
    }
    if let Some(value) = column.default.as_ref().and_then(literal) {
        text.push_str(&format!(" default ({})", constant(value)?));
    }
    if let Some(generated) = &column.generated {
        let value = Writer::definition(catalog, relation).expr(generated)?;
        text.push_str(&format!(" generated always as ({value}) stored"));
    }
    Ok(text)
}

/// The constant that a default is.
fn literal(default: &Expr) -> Option<&Value> {
    match &default.kind {
        ExprKind::Literal(value) if default.ty != Type::Void => Some(value),
        _ => None,
    }
}

fn key_clause(relation: &Relation, key: &Key, kind: &str) -> String {
    format!("constraint {} {kind} ({})", quote_ident(&key.name), column_list(relation, &key.columns))
}

fn check_clause(catalog: &Catalog, relation: &Relation, name: &str, condition: &Expr) -> Result<String> {
    let condition = Writer::definition(catalog, relation).expr(condition)?;
    Ok(format!("constraint {} check ({condition})", quote_ident(name)))
}

fn references(catalog: &Catalog, key: &ForeignKey) -> Result<String> {
    let referenced = catalog
        .relations
        .get(key.references.0 as usize)
        .ok_or_else(|| internal("a foreign key refers to a relation that does not exist"))?;
    let mut text = format!(
        "references {} ({})",
        quote_ident(&table_name(referenced)),
        column_list(referenced, &key.referenced)
    );
    for (event, action) in [("delete", key.on_delete), ("update", key.on_update)] {
        if let Some(action) = action_words(action) {
            text.push_str(&format!(" on {event} {action}"));
        }
    }
    if key.deferred {
        text.push_str(" deferrable initially deferred");
    }
    Ok(text)
}

fn action_words(action: Action) -> Option<&'static str> {
    match action {
        Action::NoAction => None,
        Action::Restrict => Some("restrict"),
        Action::Cascade => Some("cascade"),
        Action::SetNull => Some("set null"),
        Action::SetDefault => Some("set default"),
    }
}

fn column_list(relation: &Relation, columns: &[usize]) -> String {
    let names = columns.iter().filter_map(|index| relation.columns.get(*index));
    names.map(|column| quote_ident(&column.name)).collect::<Vec<_>>().join(", ")
}

fn last_column(condition: &Expr) -> Option<usize> {
    let mut last = None;
    walk::expr(condition, &mut |e| {
        if let ExprKind::Column { source: SourceId::ROW, column } = e.kind {
            last = last.max(Some(column));
        }
    });
    last
}
