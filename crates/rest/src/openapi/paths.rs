//! The paths of relations: one operation for each command that the caller may run, and the parameters they share.

use plinth_query::ReachedRelation;
use serde_json::{Map, Value, json};

use super::{key, query, reference, with_comment};

/// Query parameters with a meaning of their own: a column of such a name has no filter of this form.
pub(super) const RESERVED: [&str; 8] =
    ["select", "order", "limit", "offset", "columns", "on_conflict", "and", "or"];

const OBJECT: &str = "application/vnd.pgrst.object+json";

/// The parameters that relations and functions share.
pub(super) fn common_parameters() -> Map<String, Value> {
    let text = json!({ "type": "string" });
    let count = json!({ "type": "integer", "minimum": 0 });
    let list = [
        ("select", "query", "The columns to give, related rows included", text.clone()),
        ("order", "query", "The order of the rows: column.asc or column.desc, …", text.clone()),
        ("limit", "query", "At most so many rows", count.clone()),
        ("offset", "query", "Skip so many rows", count),
        ("and", "query", "Conditions that must all hold: (a.eq.1,or(b.lt.2,c.is.null))", text.clone()),
        ("or", "query", "Conditions of which one must hold: (a.eq.1,b.lt.2)", text.clone()),
        ("columns", "query", "The columns to take of the body's objects", text.clone()),
        ("on_conflict", "query", "The unique columns that an upsert finds rows by", text),
        (
            "Range",
            "header",
            "The rows to give, from-to, counted from 0",
            json!({
                "type": "string", "pattern": "^[0-9]+-[0-9]*$",
            }),
        ),
        ("Range-Unit", "header", "What Range counts", json!({ "type": "string", "enum": ["items"] })),
    ];
    let mut parameters = Map::new();
    for (name, place, description, schema) in list {
        parameters.insert(
            name.into(),
            json!({ "name": name, "in": place, "description": description, "schema": schema }),
        );
    }
    for (command, description, examples) in [
        (
            "read",
            "count=exact|planned|estimated, handling=strict|lenient, timezone=Area/City",
            json!(["count=exact"]),
        ),
        (
            "insert",
            "return=minimal|headers-only|representation, resolution=merge-duplicates|ignore-duplicates, missing=default",
            json!(["return=representation", "resolution=merge-duplicates"]),
        ),
        (
            "update",
            "return=minimal|representation, count=exact, handling=strict with max-affected=n",
            json!(["return=representation"]),
        ),
    ] {
        parameters.insert(
            format!("Prefer.{command}"),
            json!({
                "name": "Prefer", "in": "header", "description": format!("Preferences: {description}"),
                "schema": { "type": "string", "examples": examples },
            }),
        );
    }
    parameters
}

/// The headers of answers, and what they tell.
pub(super) fn common_headers() -> Map<String, Value> {
    let list = [
        ("Content-Range", "The rows given and how many there are: from-to/total, or * for what is not known"),
        ("Content-Location", "The request in a canonical form"),
        ("Preference-Applied", "The preferences that were applied"),
        ("Location", "Where the inserted row is, with return=headers-only"),
        ("Proxy-Status", "The code of the error"),
        ("WWW-Authenticate", "How to sign in, with status 401"),
        ("Retry-After", "Seconds after which to try again, with status 503"),
        ("X-Request-Id", "The request's id, which the server's log has too"),
    ];
    let header = |description: &str| json!({ "description": description, "schema": { "type": "string" } });
    list.into_iter().map(|(name, description)| (name.to_owned(), header(description))).collect()
}

fn headers(names: &[&str]) -> Value {
    let reference =
        |name: &&str| ((*name).to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }));
    names.iter().chain(&["X-Request-Id"]).map(reference).collect::<Map<_, _>>().into()
}

/// An answer without a body.
pub(super) fn done(description: &str) -> Value {
    json!({ "description": description, "headers": headers(&["Content-Range", "Preference-Applied"]) })
}

/// An answer with a body of these media types.
pub(super) fn answer(description: &str, content: Value) -> Value {
    let headers = headers(&["Content-Range", "Content-Location", "Preference-Applied"]);
    json!({ "description": description, "headers": headers, "content": content })
}

/// The answer that an error is.
pub(super) fn error_response(schema: &Value) -> Value {
    json!({
        "description": "The request is refused, or failed",
        "headers": headers(&["Proxy-Status", "WWW-Authenticate", "Retry-After"]),
        "content": { "application/json": { "schema": schema } },
    })
}

/// One parameter for each column that rows can be filtered by.
pub(super) fn row_filters(reached: &ReachedRelation<'_>, parameters: &mut Map<String, Value>) {
    for (key, name) in filters(reached) {
        parameters.insert(
            key,
            json!({
                "name": name, "in": "query",
                "description": "operator.value, for example eq.1",
                "schema": { "type": "string" },
            }),
        );
    }
}

fn filters<'a>(reached: &ReachedRelation<'a>) -> Vec<(String, &'a str)> {
    let relation = reached.relation;
    reached
        .select
        .iter()
        .filter_map(|position| relation.columns.get(*position))
        .filter(|column| !RESERVED.contains(&column.name.as_str()))
        .map(|column| {
            (format!("rowFilter.{}.{}", key(&relation.name.name), key(&column.name)), column.name.as_str())
        })
        .collect()
}

/// The root's own path.
pub(super) fn root() -> Value {
    json!({
        "get": {
            "operationId": "document",
            "summary": "This document",
            "responses": {
                "200": {
                    "description": "What the caller may reach",
                    "content": { "application/openapi+json": { "schema": { "type": "object" } } },
                },
                "default": refused(),
            },
        },
    })
}

/// The operations on a relation, if the caller may do anything that has one.
pub(super) fn relation(reached: &ReachedRelation<'_>) -> Option<Value> {
    let name = &reached.relation.name.name;
    let key = key(name);
    let filters: Vec<Value> = filters(reached).iter().map(|(filter, _)| parameter(filter)).collect();
    let reads = !reached.select.is_empty();
    let mut path = Map::new();
    let mut add = |(method, verb): (&str, &str),
                   parameters: Vec<Value>,
                   body: Option<Value>,
                   responses: Value| {
        let mut operation = json!({
            "tags": [name], "operationId": format!("{verb}_{key}"), "parameters": parameters, "responses": responses,
        });
        if let Some(body) = body {
            operation["requestBody"] = body;
        }
        let comment = reached.relation.comment.as_deref();
        path.insert(method.into(), with_comment(operation, Some("summary"), comment));
    };
    if reads {
        let own =
            named(&["select", "and", "or", "order", "limit", "offset", "Range", "Range-Unit", "Prefer.read"]);
        let responses = json!({
            "200": rows("All rows asked for", &key),
            "206": rows("A part of the rows", &key),
            "default": refused(),
        });
        add(("get", "read"), [filters.clone(), own].concat(), None, responses);
    }
    // What is written is given back, and found by conditions, only where it may be read.
    let returned = |mut responses: Value, status: &str, text: &str| {
        responses[status] = if reads { rows(text, &key) } else { done(text) };
        responses["default"] = refused();
        responses
    };
    let select: &[&str] = if reads { &["select"] } else { &[] };
    if !reached.insert.is_empty() {
        let own = named(&[select, &["columns", "on_conflict", "Prefer.insert"]].concat());
        let one = reference(&format!("{key}.insert"));
        let many = json!({ "oneOf": [one, { "type": "array", "items": one }] });
        let body = json!({
            "required": true,
            "content": {
                "application/json": { "schema": many },
                "application/x-www-form-urlencoded": { "schema": one },
                "text/csv": { "schema": { "type": "string" } },
            },
        });
        let responses = returned(json!({}), "200", "Rows that were there are updated");
        add(("post", "insert"), own, Some(body), returned(responses, "201", "Inserted"));
    }
    let changes = [filters.clone(), named(&[select, &["and", "or", "Prefer.update"]].concat())].concat();
    let nothing = json!({ "204": done("Done") });
    if reached.put {
        let own = [filters.clone(), named(&["select", "columns", "Prefer.insert"])].concat();
        let body = json!({
            "required": true,
            "content": { "application/json": { "schema": reference(&format!("{key}.insert")) } },
        });
        let responses = returned(nothing.clone(), "200", "The row, which was there");
        add(("put", "put"), own, Some(body), returned(responses, "201", "The row, which is new"));
    }
    if !reached.update.is_empty() {
        let one = reference(&format!("{key}.update"));
        let own = [changes.clone(), named(&["columns"])].concat();
        let body = json!({
            "required": true,
            "content": {
                "application/json": { "schema": one },
                "application/x-www-form-urlencoded": { "schema": one },
            },
        });
        add(("patch", "update"), own, Some(body), returned(nothing.clone(), "200", "The updated rows"));
    }
    if reached.delete {
        add(("delete", "delete"), changes, None, returned(nothing, "200", "The deleted rows"));
    }
    query::add(&mut path);
    (!path.is_empty()).then_some(Value::Object(path))
}

fn rows(description: &str, key: &str) -> Value {
    let one = reference(key);
    answer(
        description,
        json!({
            "application/json": { "schema": { "type": "array", "items": one } },
            OBJECT: { "schema": one },
            "text/csv": { "schema": { "type": "string" } },
        }),
    )
}

pub(super) fn refused() -> Value {
    json!({ "$ref": "#/components/responses/error" })
}

fn parameter(key: &str) -> Value {
    json!({ "$ref": format!("#/components/parameters/{key}") })
}

pub(super) fn named(keys: &[&str]) -> Vec<Value> {
    keys.iter().map(|key| parameter(key)).collect()
}
