//! `comment on`. What has no place for a comment in the catalog must still exist.

use super::functions;
use super::reader::Reader;
use super::syntax::{Comment, CommentTarget, Qualified, Statement, Word};
use crate::{Diagnostic, RelationKind, Table};

pub(super) fn apply(reader: &mut Reader<'_>, statements: &[Statement]) {
    for statement in statements {
        let Statement::Comment(comment) = statement else { continue };
        let applied = apply_one(reader, comment);
        reader.keep(applied);
    }
}

fn apply_one(reader: &mut Reader<'_>, comment: &Comment) -> Result<(), Diagnostic> {
    let text = comment.text.clone();
    match &comment.target {
        CommentTarget::Relation(kind, name) => {
            let id = reader.relation_id(name)?;
            let is = match &reader.catalog.relation(id).kind {
                RelationKind::Table(_) => "table",
                RelationKind::View(view) if view.materialized => "materialized view",
                RelationKind::View(_) => "view",
            };
            if is != *kind {
                let article = |kind: &str| format!("a {kind}");
                let hint = format!("write comment on {is}");
                return Err(reader.error_with_hint(
                    name.place(),
                    format!("\"{name}\" is not {}", article(kind)),
                    hint,
                ));
            }
            if let Some(relation) = reader.relation_mut(id) {
                relation.comment = text;
            }
        }
        CommentTarget::Column { relation, column } => {
            let id = reader.relation_id(relation)?;
            if reader.broken_views.contains(&reader.catalog.relation(id).name) {
                return Ok(());
            }
            let index = reader.column_index(id, column)?;
            let relation = reader.relation_mut(id);
            if let Some(column) = relation.and_then(|relation| relation.columns.get_mut(index)) {
                column.comment = text;
            }
        }
        CommentTarget::Function(signature) => {
            let id = functions::find(reader, signature)?;
            if let Some(function) = reader.catalog.functions.get_mut(id.0 as usize) {
                function.comment = text;
            }
        }
        CommentTarget::Type(name) => {
            if reader.look_up(name, |name| reader.type_places.get(name).copied()).is_none() {
                let known = reader.type_places.keys().map(|name| name.name.as_str());
                let hint = crate::names::suggest(&name.name.text, known);
                let error = reader.error(name.place(), format!("type \"{name}\" does not exist"));
                return Err(Diagnostic { hint, ..error });
            }
            let domain = reader
                .look_up(name, |name| reader.catalog.domains.iter().position(|domain| domain.name == *name));
            if let Some(domain) = domain.and_then(|index| reader.catalog.domains.get_mut(index)) {
                domain.comment = text;
            }
        }
        CommentTarget::Schema(schema) => {
            reader.check_schema(schema)?;
            if let Some(found) = reader.catalog.schemas.iter_mut().find(|known| known.name == schema.text) {
                found.comment = text;
            }
        }
        CommentTarget::Constraint { name, table, on_domain: false } => {
            must_exist(reader, "constraint", name, table, |table| {
                let keys = table.primary_key.iter().chain(&table.uniques).map(|key| key.name.as_str());
                let foreign = table.foreign_keys.iter().map(|key| key.name.as_str());
                let checks = table.checks.iter().map(|check| check.name.as_str());
                keys.chain(foreign).chain(checks).map(str::to_owned).collect()
            })?;
        }
        CommentTarget::Constraint { name, table: domain, on_domain: true } => {
            let found = reader
                .look_up(domain, |name| reader.catalog.domains.iter().find(|domain| domain.name == *name));
            let Some(found) = found else {
                return Err(reader.error(domain.place(), format!("type \"{domain}\" does not exist")));
            };
            if !found.checks.iter().any(|check| check.name == name.text) {
                let message = format!("constraint \"{}\" for domain \"{domain}\" does not exist", name.text);
                return Err(reader.error(name.place, message));
            }
        }
        CommentTarget::Index(name) => {
            if reader.look_up(name, |name| reader.relation_places.get(name).copied()).is_none() {
                return Err(reader.error(name.place(), format!("relation \"{name}\" does not exist")));
            }
        }
        CommentTarget::Policy { name, table } => {
            must_exist(reader, "policy", name, table, |table| {
                table.policies.iter().map(|policy| policy.name.clone()).collect()
            })?;
        }
        CommentTarget::Role(role) => reader.check_role(role)?,
        CommentTarget::Other => {}
    }
    Ok(())
}

fn must_exist(
    reader: &Reader<'_>,
    what: &str,
    name: &Word,
    table: &Qualified,
    names: impl FnOnce(&Table) -> Vec<String>,
) -> Result<(), Diagnostic> {
    let id = reader.table_id(table)?;
    let names = reader.catalog.relation(id).table().map(names).unwrap_or_default();
    if names.contains(&name.text) {
        return Ok(());
    }
    let message = format!("{what} \"{}\" for table \"{table}\" does not exist", name.text);
    let hint = crate::names::suggest(&name.text, names.iter().map(String::as_str));
    Err(Diagnostic { hint, ..reader.error(name.place, message) })
}
