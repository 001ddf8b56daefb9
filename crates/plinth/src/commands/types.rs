//! `plinth types`

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use plinth_catalog::{Cardinality, Catalog, Column, Function, Relation, RelationKind, Returns};
use plinth_query::{Caller, Reach, ReachedRelation};
use plinth_values::{NativeKind, Type};

use super::Result;
use super::postgres::{self, Addresses};
use crate::project::Project;

/// Prints the type that `@supabase/supabase-js` takes as its `Database` parameter: of the schemas given, or of the exposed ones, as
/// the service role reaches them.
pub fn typescript(dir: &Path, schemas: &[String]) -> Result {
    let project = Project::open(dir)?;
    let catalog = match Addresses::of(&project.config.database)? {
        Some(addresses) => postgres::catalog(&project, &addresses)?,
        None => Arc::new(project.catalog(&project.schema_files()?)?),
    };
    let schemas = if schemas.is_empty() { &project.config.api.schemas } else { schemas };
    if let Some(unknown) =
        schemas.iter().find(|name| !catalog.schemas.iter().any(|schema| schema.name == **name))
    {
        return Err(format!("schema \"{unknown}\" does not exist"));
    }
    print!("{}", database(&catalog, schemas));
    Ok(())
}

const JSON: &str =
    "export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[]";

fn database(catalog: &Catalog, schemas: &[String]) -> String {
    let caller = Caller::with_role("service_role");
    let superuser = catalog.roles.iter().find(|role| role.superuser);
    let superuser = superuser.map(|role| Caller::with_role(role.name.as_str()));
    let mut out = format!("{JSON}\n\nexport type Database = {{\n");
    for schema in schemas {
        let mut reach = plinth_query::reach(catalog, &caller, schema);
        // A database of others may have no service role, or give it nothing.
        if reach.relations.is_empty()
            && let Some(superuser) = &superuser
        {
            reach = plinth_query::reach(catalog, superuser, schema);
        }
        let _ = writeln!(out, "  {}: {{", quoted(schema));
        let is_table = |reached: &&ReachedRelation<'_>| reached.relation.table().is_some();
        let tables = reach.relations.iter().filter(is_table).map(|r| relation(catalog, &reach, r));
        section(&mut out, "Tables", tables);
        let views = reach.relations.iter().filter(|r| !is_table(r)).map(|r| relation(catalog, &reach, r));
        section(&mut out, "Views", views);
        let functions = reach.functions.chunk_by(|a, b| a.name.name == b.name.name);
        section(&mut out, "Functions", functions.map(|overloads| function(catalog, &reach, overloads)));
        let mut enums: Vec<_> = catalog.enums.iter().filter(|named| named.schema == *schema).collect();
        enums.sort_by(|a, b| a.name.cmp(&b.name));
        let enums = enums.into_iter().map(|named| {
            let labels = named.labels.iter().map(|label| quoted(label)).collect::<Vec<_>>();
            let labels = if labels.is_empty() { "never".to_owned() } else { labels.join(" | ") };
            format!("      {}: {labels}\n", quoted(&named.name))
        });
        section(&mut out, "Enums", enums);
        let known = catalog.database.iter().flat_map(|database| database.types.iter());
        let composites = known.filter(|((of, _), _)| of == schema).filter_map(|((_, name), ty)| match ty {
            Type::Native(native) => match &native.kind {
                NativeKind::Composite(_) => Some(format!("      {}: {}\n", quoted(name), self::of(ty))),
                NativeKind::Base | NativeKind::Range | NativeKind::Pseudo => None,
            },
            _ => None,
        });
        section(&mut out, "CompositeTypes", composites);
        out.push_str("  }\n");
    }
    out.push_str("}\n");
    out
}

fn section(out: &mut String, name: &str, entries: impl Iterator<Item = String>) {
    let entries: String = entries.collect();
    // An empty object type would take any key.
    let _ = match entries.is_empty() {
        true => writeln!(out, "    {name}: {{ [_ in never]: never }}"),
        false => writeln!(out, "    {name}: {{\n{entries}    }}"),
    };
}

fn relation(catalog: &Catalog, reach: &Reach<'_>, reached: &ReachedRelation<'_>) -> String {
    let mut out = format!("      {}: {{\n", quoted(&reached.relation.name.name));
    let row = members(reached.relation, &reached.select, |_| false);
    let _ = writeln!(out, "        Row: {row}");
    let is_table = matches!(reached.relation.kind, RelationKind::Table(_));
    if is_table || !reached.insert.is_empty() || !reached.update.is_empty() {
        let insert = members(reached.relation, &reached.insert, |column| {
            column.nullable || column.default.is_some() || column.identity.is_some()
        });
        let _ = writeln!(out, "        Insert: {insert}");
        let update = members(reached.relation, &reached.update, |_| true);
        let _ = writeln!(out, "        Update: {update}");
    }
    let relationships: String = relationships(catalog, reach, reached.relation).concat();
    let _ = match relationships.is_empty() {
        true => writeln!(out, "        Relationships: []"),
        false => writeln!(out, "        Relationships: [\n{relationships}        ]"),
    };
    out.push_str("      }\n");
    out
}

/// An object type of some columns of a relation.
fn members(relation: &Relation, positions: &[usize], optional: fn(&Column) -> bool) -> String {
    let mut out = String::new();
    for column in positions.iter().filter_map(|position| relation.columns.get(*position)) {
        let mark = if optional(column) { "?" } else { "" };
        let null = if column.nullable { " | null" } else { "" };
        let _ = writeln!(out, "          {}{mark}: {}{null}", quoted(&column.name), of(&column.ty));
    }
    if out.is_empty() { "Record<never, never>".into() } else { format!("{{\n{out}        }}") }
}

fn relationships(catalog: &Catalog, reach: &Reach<'_>, relation: &Relation) -> Vec<String> {
    let mut found = Vec::new();
    for relationship in catalog.relationships_from(relation.id) {
        let one_to_one = match relationship.cardinality {
            Cardinality::ManyToOne => false,
            Cardinality::OneToOneParent => true,
            Cardinality::OneToMany | Cardinality::OneToOneChild | Cardinality::ManyToMany => continue,
        };
        if reach.relation(relationship.to).is_none() {
            continue;
        }
        let to = catalog.relation(relationship.to);
        let names = |relation: &Relation, positions: Vec<usize>| {
            let names = positions.iter().filter_map(|position| relation.columns.get(*position));
            names.map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ")
        };
        let columns = names(relation, relationship.columns.iter().map(|(from, _)| *from).collect());
        let referenced = names(to, relationship.columns.iter().map(|(_, to)| *to).collect());
        found.push(format!(
            "          {{ foreignKeyName: {}; columns: [{columns}]; isOneToOne: {one_to_one}; referencedRelation: {}; referencedColumns: [{referenced}] }},\n",
            quoted(&relationship.constraint),
            quoted(&to.name.name),
        ));
    }
    found.sort();
    found
}

fn function(catalog: &Catalog, reach: &Reach<'_>, overloads: &[&Function]) -> String {
    let name = overloads.first().map(|function| quoted(&function.name.name)).unwrap_or_default();
    let forms: Vec<String> = overloads
        .iter()
        .map(|function| {
            let (returns, options) = returns(catalog, reach, &function.returns);
            format!("{{ Args: {}; Returns: {returns}{options} }}", arguments(function))
        })
        .collect();
    format!("      {name}: {}\n", forms.join(" | "))
}

fn arguments(function: &Function) -> String {
    match function.parameters.as_slice() {
        [] => "Record<PropertyKey, never>".into(),
        // The body as a whole.
        [only] if only.name.is_empty() => format!("{{ \"\": {} }}", of(&only.ty)),
        parameters => {
            let parameters: Vec<String> = parameters
                .iter()
                .filter(|parameter| !parameter.name.is_empty())
                .map(|parameter| {
                    let mark = if parameter.default.is_some() || parameter.variadic { "?" } else { "" };
                    format!("{}{mark}: {}", quoted(&parameter.name), of(&parameter.ty))
                })
                .collect();
            format!("{{ {} }}", parameters.join("; "))
        }
    }
}

/// The type of a result, and what the client must know of rows of a relation.
fn returns(catalog: &Catalog, reach: &Reach<'_>, returns: &Returns) -> (String, String) {
    match returns {
        Returns::Void => ("undefined".into(), String::new()),
        Returns::Scalar { ty, set } => (of_set(of(ty), *set), String::new()),
        Returns::Columns { columns, set } => {
            let columns: Vec<String> =
                columns.iter().map(|(name, ty)| format!("{}: {}", quoted(name), of(ty))).collect();
            (of_set(format!("{{ {} }}", columns.join("; ")), *set), String::new())
        }
        Returns::Relation { relation, set } => {
            let relation = catalog.relation(*relation);
            let all: Vec<usize> = (0..relation.columns.len()).collect();
            let readable = reach.relation(relation.id).map_or(all.as_slice(), |reached| &reached.select);
            let row = members(relation, readable, |_| false);
            let options = format!(
                "; SetofOptions: {{ from: \"*\"; to: {}; isOneToOne: {}; isSetofReturn: {set} }}",
                quoted(&relation.name.name),
                !set,
            );
            (of_set(row, *set), options)
        }
    }
}

fn of_set(one: String, set: bool) -> String {
    if set { format!("({one})[]") } else { one }
}

/// The type of a value as JSON carries it.
fn of(ty: &Type) -> String {
    match ty {
        Type::Bool => "boolean".into(),
        Type::Int2 | Type::Int4 | Type::Int8 | Type::Numeric | Type::Float4 | Type::Float8 => "number".into(),
        Type::Json | Type::Jsonb => "Json".into(),
        Type::Enum(named) => {
            let labels: Vec<String> = named.labels.iter().map(|label| quoted(label)).collect();
            if labels.is_empty() { "never".into() } else { format!("({})", labels.join(" | ")) }
        }
        Type::Array(element) => format!("{}[]", of(element)),
        Type::Row(_) => "Record<string, unknown>".into(),
        Type::Void => "undefined".into(),
        Type::Native(native) => match &native.kind {
            NativeKind::Composite(attributes) => {
                let attributes: Vec<String> = attributes
                    .iter()
                    .map(|(name, ty)| format!("{}: {} | null", quoted(name), of(ty)))
                    .collect();
                format!("{{ {} }}", attributes.join("; "))
            }
            NativeKind::Range => "string".into(),
            NativeKind::Base | NativeKind::Pseudo => "unknown".into(),
        },
        Type::Unknown => "unknown".into(),
        Type::Text
        | Type::Varchar
        | Type::Char
        | Type::Date
        | Type::Time
        | Type::Timestamp
        | Type::Timestamptz
        | Type::Interval
        | Type::Uuid
        | Type::Range(_)
        | Type::Bytea
        | Type::Regconfig => "string".into(),
        Type::Tsvector | Type::Tsquery => "unknown".into(),
    }
}

/// A name or a label as a TypeScript string: JSON's strings are among them.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
