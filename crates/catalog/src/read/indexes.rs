//! `create index`.

use std::collections::HashMap;

use plinth_values::{Modifier, Type};
use sqlparser::ast;

use super::names::free_name;
use super::reader::{Reader, at};
use super::syntax::{CreateIndex, Expression, IndexKeyDefinition, Statement};
use crate::expr::Expr;
use crate::names::suggest;
use crate::{Diagnostic, Index, IndexKey, Name, RelationId};

const METHODS: [&str; 6] = ["btree", "hash", "gin", "gist", "brin", "spgist"];

/// The columns of unique indexes over whole tables: foreign keys can refer to them.
pub(super) fn find_unique(reader: &mut Reader<'_>, statements: &[Statement]) {
    for statement in statements {
        let Statement::Index(index) = statement else { continue };
        if !index.unique || index.filter.is_some() {
            continue;
        }
        let Ok(table) = reader.table_id(&index.table) else { continue };
        let relation = reader.catalog.relation(table);
        let columns: Option<Vec<usize>> =
            index.keys.iter().map(|key| relation.column_index(&plain_column(&key.expr)?)).collect();
        reader.unique_indexes.extend(columns.map(|columns| (table, columns)));
    }
}

fn plain_column(expression: &Expression) -> Option<String> {
    match &expression.ast {
        ast::Expr::Identifier(ident) if ident.quote_style.is_some() => Some(ident.value.clone()),
        ast::Expr::Identifier(ident) => Some(ident.value.to_ascii_lowercase()),
        _ => None,
    }
}

pub(super) fn build(reader: &mut Reader<'_>, statements: &[Statement]) {
    // Names that are written out are taken before any is made up.
    let mut first_of: HashMap<usize, Name> = HashMap::new();
    for (number, statement) in statements.iter().enumerate() {
        let Statement::Index(index) = statement else { continue };
        let reserved = reserve(reader, index);
        if let Some(Some(name)) = reader.keep(reserved) {
            first_of.insert(number, name);
        }
    }
    for (number, statement) in statements.iter().enumerate() {
        let Statement::Index(index) = statement else { continue };
        if index.name.is_some() && !first_of.contains_key(&number) {
            continue;
        }
        let built = index_of(reader, index, first_of.remove(&number));
        if let Some((table, index)) = reader.keep(built)
            && let Some(table) = reader.table_mut(table)
        {
            table.indexes.push(index);
        }
    }
}

/// The index's name, if it has one that is free. It belongs to the schema of its table.
fn reserve(reader: &mut Reader<'_>, index: &CreateIndex) -> Result<Option<Name>, Diagnostic> {
    let Some(name) = &index.name else { return Ok(None) };
    let table = reader.relation_id(&index.table)?;
    let new = Name::new(&*reader.catalog.relation(table).name.schema, &*name.name.text);
    if let Some(first) = reader.relation_places.get(&new) {
        if index.if_not_exists {
            return Ok(None);
        }
        return Err(reader.duplicate(name.place(), format!("relation \"{name}\" already exists"), *first));
    }
    reader.relation_places.insert(new.clone(), name.place());
    Ok(Some(new))
}

fn index_of(
    reader: &mut Reader<'_>,
    index: &CreateIndex,
    name: Option<Name>,
) -> Result<(RelationId, Index), Diagnostic> {
    let table = reader.relation_id(&index.table)?;
    if reader.catalog.relation(table).table().is_none() {
        return Err(reader.error_with_hint(
            index.table.place(),
            format!("\"{}\" is not a table", index.table),
            "indexes belong to tables; a view uses those of its tables",
        ));
    }
    let method = match &index.method {
        Some(method) if !METHODS.contains(&method.text.as_str()) => {
            let message = format!("access method \"{}\" does not exist", method.text);
            let hint = suggest(&method.text, METHODS);
            return Err(Diagnostic { hint, ..reader.error(method.place, message) });
        }
        Some(method) => method.text.clone(),
        None => "btree".to_owned(),
    };
    if index.unique && method != "btree" {
        return Err(
            reader.error(index.place, format!("access method \"{method}\" does not support unique indexes"))
        );
    }
    reader.column_indexes(table, &index.include, "include")?;
    let keys = index.keys.iter().map(|key| index_key(reader, table, key)).collect::<Result<_, _>>()?;
    let filter = match &index.filter {
        Some(filter) => Some(expression(reader, table, filter, Some(&Type::Bool), "index predicate")?),
        None => None,
    };
    let name = match name {
        Some(name) => name.name,
        None => made_up_name(reader, table, index),
    };
    let index = Index {
        name,
        unique: index.unique,
        nulls_not_distinct: index.nulls_not_distinct,
        method,
        keys,
        filter,
    };
    Ok((table, index))
}

fn index_key(
    reader: &Reader<'_>,
    table: RelationId,
    key: &IndexKeyDefinition,
) -> Result<IndexKey, Diagnostic> {
    let expr = expression(reader, table, &key.expr, None, "index expression")?;
    Ok(IndexKey { expr, descending: key.descending, nulls_first: key.nulls_first.unwrap_or(key.descending) })
}

fn expression(
    reader: &Reader<'_>,
    table: RelationId,
    expression: &Expression,
    want: Option<&Type>,
    context: &'static str,
) -> Result<Expr, Diagnostic> {
    let relation = reader.catalog.relation(table);
    let want = want.map(|ty| (ty, Modifier::None));
    let resolver = reader.resolver(expression.place);
    let resolved = resolver.row_expr(&relation.name.name, &relation.columns, &expression.ast, want, context);
    at(reader, expression.place, resolved)
}

/// PostgreSQL's name for an index without one: `table_column_lower_idx`.
fn made_up_name(reader: &mut Reader<'_>, table: RelationId, index: &CreateIndex) -> String {
    let table = reader.catalog.relation(table).name.clone();
    let mut parts: Vec<String> = Vec::new();
    for key in &index.keys {
        let part = key_name(&key.expr.ast);
        let taken = |name: &str| parts.iter().any(|part| part == name);
        let mut free = part.clone();
        let mut number = 0u32;
        while taken(&free) {
            number = number.saturating_add(1);
            free = format!("{part}{number}");
        }
        parts.push(free);
    }
    let taken = |name: &str| reader.relation_places.contains_key(&Name::new(&*table.schema, name));
    let name = free_name(&table.name, Some(&parts.join("_")), "idx", taken);
    reader.relation_places.insert(Name::new(&*table.schema, &*name), index.place);
    name
}

fn key_name(key: &ast::Expr) -> String {
    let ident = match key {
        ast::Expr::Identifier(ident) => Some(ident),
        ast::Expr::CompoundIdentifier(idents) => idents.last(),
        ast::Expr::Function(function) => function.name.0.last().and_then(|part| part.as_ident()),
        ast::Expr::Nested(inner) => return key_name(inner),
        _ => None,
    };
    match ident {
        Some(ident) if ident.quote_style.is_some() => ident.value.clone(),
        Some(ident) => ident.value.to_ascii_lowercase(),
        None => "expr".to_owned(),
    }
}
