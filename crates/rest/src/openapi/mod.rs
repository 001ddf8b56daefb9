//! The OpenAPI 3.1 document (and the same in 2.0) of what a caller may reach of a schema. A pure function of the catalog, the caller and the schema;
//! what may be reached is [`plinth_query::reach`]'s to say. Not how the document is sent.

mod functions;
mod paths;
mod query;
mod types;
mod version_2;

use plinth_catalog::{Cardinality, Catalog, Column, ForeignKey, Relation, RelationKind};
use plinth_query::{Caller, Reach, ReachedRelation, reach};
use serde_json::{Map, Value, json};

/// The document. Its order is that of names and of columns, so that it changes only with what it tells.
pub fn document(catalog: &Catalog, caller: &Caller, schema: &str) -> Value {
    let reach = reach(catalog, caller, schema);
    let mut schemas = Map::new();
    let mut parameters = paths::common_parameters();
    let mut all_paths = Map::new();
    let mut tags = Vec::new();
    all_paths.insert("/".into(), paths::root());
    for reached in &reach.relations {
        let relation = reached.relation;
        let key = key(&relation.name.name);
        for (suffix, columns, required) in [
            ("", &reached.select, false),
            (".insert", &reached.insert, true),
            (".update", &reached.update, false),
        ] {
            if !columns.is_empty() {
                schemas.insert(format!("{key}{suffix}"), row(catalog, &reach, relation, columns, required));
            }
        }
        paths::row_filters(reached, &mut parameters);
        if let Some(path) = paths::relation(reached) {
            all_paths.insert(format!("/{}", crate::query_string::encode(&relation.name.name)), path);
            tags.push(with_comment(json!({ "name": relation.name.name }), None, relation.comment.as_deref()));
        }
    }
    all_paths.extend(functions::paths(&reach));
    schemas.insert(ERROR.into(), error());
    json!({
        "openapi": "3.1.0",
        "info": info(catalog, schema),
        "servers": [{ "url": "/rest/v1" }],
        "security": [{ "bearer": [] }, { "apikey": [] }, {}],
        "tags": tags,
        "paths": all_paths,
        "components": {
            "schemas": schemas,
            "parameters": parameters,
            "headers": paths::common_headers(),
            "responses": { "error": paths::error_response(&reference(ERROR)) },
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
                "apikey": { "type": "apiKey", "in": "header", "name": "apikey" },
            },
        },
    })
}

/// The same document in OpenAPI 2.0.
pub fn document_2(catalog: &Catalog, caller: &Caller, schema: &str) -> Value {
    version_2::of(&document(catalog, caller, schema))
}

/// The schema of errors. No relation's schema has this key: theirs end in `.insert` or `.update`, or have no dot.
const ERROR: &str = "plinth.error";

fn info(catalog: &Catalog, schema: &str) -> Value {
    let comment = catalog
        .schemas
        .iter()
        .find(|known| known.name == schema)
        .and_then(|known| known.comment.as_deref())
        .unwrap_or_default();
    let (title, description) = split(comment);
    let title = if title.is_empty() { format!("Schema {schema}") } else { title.to_owned() };
    let mut info = json!({ "title": title, "version": env!("CARGO_PKG_VERSION") });
    if !description.is_empty() {
        info["description"] = description.into();
    }
    info
}

fn error() -> Value {
    json!({
        "type": "object",
        "required": ["code", "details", "hint", "message"],
        "properties": {
            "code": { "type": "string", "description": "PGRST… or an SQLSTATE" },
            "details": {},
            "hint": { "type": ["string", "null"] },
            "message": { "type": "string" },
        },
    })
}

/// The schema of a row with these columns.
fn row(
    catalog: &Catalog,
    reach: &Reach<'_>,
    relation: &Relation,
    columns: &[usize],
    with_required: bool,
) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for position in columns {
        let Some(column) = relation.columns.get(*position) else { continue };
        let mut schema = types::of_column(column);
        let notes = notes(catalog, reach, relation, *position);
        let comment = column.comment.as_deref().unwrap_or_default();
        let description: Vec<&str> =
            [comment, notes.as_str()].into_iter().filter(|text| !text.is_empty()).collect();
        if !description.is_empty() {
            schema.insert("description".into(), description.join("\n\n").into());
        }
        properties.insert(column.name.clone(), Value::Object(schema));
        if with_required && is_required(column) {
            required.push(column.name.as_str());
        }
    }
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    with_comment(schema, None, relation.comment.as_deref())
}

/// Whether a new row needs the column.
fn is_required(column: &Column) -> bool {
    !column.nullable && column.default.is_none() && column.identity.is_none() && column.generated.is_none()
}

/// What PostgREST notes of keys, in its form, which clients read. A key that leads to what is hidden is not told.
fn notes(catalog: &Catalog, reach: &Reach<'_>, relation: &Relation, position: usize) -> String {
    let mut notes = Vec::new();
    if let Some((table, column)) = origin(catalog, relation, position)
        && let Some(key) = table.table().and_then(|table| table.primary_key.as_ref())
        && key.columns.contains(&column)
    {
        notes.push("This is a Primary Key.<pk/>".to_owned());
    }
    if let Some((table, column)) = referenced(catalog, reach, relation, position) {
        notes.push(format!(
            "This is a Foreign Key to `{table}.{column}`.<fk table='{table}' column='{column}'/>"
        ));
    }
    if notes.is_empty() { String::new() } else { format!("Note:\n{}", notes.join("\n")) }
}

/// The table's column that a column is, of a table or through a view.
fn origin<'a>(
    catalog: &'a Catalog,
    relation: &'a Relation,
    position: usize,
) -> Option<(&'a Relation, usize)> {
    match &relation.kind {
        RelationKind::Table(_) => Some((relation, position)),
        RelationKind::View(view) => {
            let (table, column) = view.origins.get(position).copied().flatten()?;
            Some((catalog.relation(table), column))
        }
    }
}

/// The table and column that the column alone refers to, where the caller may read it.
fn referenced<'a>(
    catalog: &'a Catalog,
    reach: &Reach<'_>,
    relation: &'a Relation,
    position: usize,
) -> Option<(&'a str, &'a str)> {
    let (table, column) = origin(catalog, relation, position)?;
    let leads = |key: &&ForeignKey| key.columns == [column];
    let direct = table.table()?.foreign_keys.iter().find(leads).and_then(|key| {
        let referenced = *key.referenced.first()?;
        readable(catalog, reach, key.references, referenced)
    });
    // A view over the referenced table will do where the table itself is not reached.
    direct.or_else(|| {
        catalog.relationships_from(relation.id).iter().find_map(|relationship| {
            let to_one =
                matches!(relationship.cardinality, Cardinality::ManyToOne | Cardinality::OneToOneParent);
            match relationship.columns.as_slice() {
                [(from, to)] if to_one && *from == position => readable(catalog, reach, relationship.to, *to),
                _ => None,
            }
        })
    })
}

fn readable<'a>(
    catalog: &'a Catalog,
    reach: &Reach<'_>,
    id: plinth_catalog::RelationId,
    column: usize,
) -> Option<(&'a str, &'a str)> {
    let reached: &ReachedRelation<'_> = reach.relation(id)?;
    if !reached.select.contains(&column) {
        return None;
    }
    let relation = catalog.relation(id);
    Some((&relation.name.name, &relation.columns.get(column)?.name))
}

/// The first line as the summary (where `summary` names the member), the rest as the description; all of it as the description
/// where there is no such member.
fn with_comment(mut object: Value, summary: Option<&str>, comment: Option<&str>) -> Value {
    let Some(comment) = comment.filter(|comment| !comment.is_empty()) else { return object };
    match summary {
        None => object["description"] = comment.into(),
        Some(member) => {
            let (first, rest) = split(comment);
            object[member] = first.into();
            if !rest.is_empty() {
                object["description"] = rest.into();
            }
        }
    }
    object
}

/// The first line, and what follows it.
fn split(comment: &str) -> (&str, &str) {
    let (first, rest) = comment.split_once('\n').unwrap_or((comment, ""));
    (first.trim(), rest.trim())
}

/// A name as a key of components, which have few characters (OpenAPI 3.1, "Components Object"): others as `-hex-`, so that two
/// names never share a key.
fn key(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_ascii_alphanumeric() || c == '_' {
            key.push(c);
        } else {
            key.push_str(&format!("-{:x}-", u32::from(c)));
        }
    }
    key
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

#[cfg(test)]
mod tests;
