//! The paths of functions: `POST` with the arguments as an object, and `GET` with them in the query string where a call changes
//! nothing. Overloads share a path.

use plinth_catalog::{Function, Parameter, Returns};
use plinth_query::Reach;
use plinth_values::builtin::Volatility;
use plinth_values::{Modifier, Type};
use serde_json::{Map, Value, json};

use super::paths::{RESERVED, answer, done, named, refused};
use super::{key, reference, types, with_comment};

/// The paths of all functions that the caller may call.
pub(super) fn paths(reach: &Reach<'_>) -> Map<String, Value> {
    reach
        .functions
        .chunk_by(|a, b| a.name.name == b.name.name)
        .filter_map(|overloads| Some((overloads.first()?, overloads)))
        .map(|(first, overloads)| {
            let path = format!("/rpc/{}", crate::query_string::encode(&first.name.name));
            (path, functions(reach, overloads))
        })
        .collect()
}

fn functions(reach: &Reach<'_>, overloads: &[&Function]) -> Value {
    let comment = overloads.iter().find_map(|function| function.comment.as_deref());
    let tag = overloads.first().map(|function| format!("(rpc) {}", function.name.name));
    let key = overloads.first().map(|function| key(&function.name.name)).unwrap_or_default();
    let operation = |verb: &str, mut own: Value| {
        own["tags"] = json!([tag]);
        own["operationId"] = format!("{verb}_{key}").into();
        with_comment(own, Some("summary"), comment)
    };
    let mut path = Map::new();
    let reading: Vec<&Function> =
        overloads.iter().copied().filter(|function| function.volatility != Volatility::Volatile).collect();
    if !reading.is_empty() {
        let parameters = [query(&reading), shared(&reading)].concat();
        path.insert(
            "get".into(),
            operation("fetch", json!({ "parameters": parameters, "responses": responses(reach, &reading) })),
        );
    }
    super::query::add(&mut path);
    let mut post = json!({
        "parameters": shared(overloads),
        "responses": responses(reach, overloads),
    });
    post["requestBody"] = body(overloads);
    path.insert("post".into(), operation("call", post));
    Value::Object(path)
}

/// Rows can be chosen from, ordered and cut.
fn shared(overloads: &[&Function]) -> Vec<Value> {
    let rows = |function: &&Function| {
        is_set(function) && matches!(function.returns, Returns::Relation { .. } | Returns::Columns { .. })
    };
    match overloads.iter().any(rows) {
        true => named(&["select", "and", "or", "order", "limit", "offset", "Prefer.read"]),
        false => named(&["Prefer.read"]),
    }
}

fn is_set(function: &Function) -> bool {
    match function.returns {
        Returns::Relation { set, .. } | Returns::Columns { set, .. } | Returns::Scalar { set, .. } => set,
        Returns::Void => false,
    }
}

fn query(overloads: &[&Function]) -> Vec<Value> {
    let mut seen: Vec<&str> = RESERVED.to_vec();
    let mut parameters = Vec::new();
    for function in overloads {
        for parameter in function.parameters.iter().filter(|parameter| !parameter.name.is_empty()) {
            if seen.contains(&parameter.name.as_str()) {
                continue;
            }
            seen.push(&parameter.name);
            let schema = match &parameter.ty {
                Type::Array(_) | Type::Row(_) => json!({ "type": "string" }),
                ty => Value::Object(types::of(ty, Modifier::None, false)),
            };
            parameters.push(json!({
                "name": parameter.name,
                "in": "query",
                "required": overloads.len() == 1 && is_required(parameter),
                "schema": schema,
            }));
        }
    }
    parameters
}

fn is_required(parameter: &Parameter) -> bool {
    parameter.default.is_none() && !parameter.variadic
}

fn body(overloads: &[&Function]) -> Value {
    let mut content = Map::new();
    let mut objects = Vec::new();
    for function in overloads {
        match function.parameters.as_slice() {
            // One parameter without a name is the body as a whole.
            [only] if only.name.is_empty() => {
                let media = match only.ty {
                    Type::Text => "text/plain",
                    Type::Bytea => "application/octet-stream",
                    _ => "application/json",
                };
                let schema = Value::Object(types::of(&only.ty, Modifier::None, false));
                if media == "application/json" {
                    objects.push(schema);
                } else {
                    content.insert(media.into(), json!({ "schema": schema }));
                }
            }
            parameters => objects.push(arguments(parameters)),
        }
    }
    // Several overloads may take the same object: a call says which by its names.
    match objects.as_slice() {
        [] => {}
        [one] => _ = content.insert("application/json".into(), json!({ "schema": one })),
        several => _ = content.insert("application/json".into(), json!({ "schema": { "anyOf": several } })),
    }
    let required = !overloads.iter().any(|function| !function.parameters.iter().any(is_required));
    json!({ "required": required, "content": content })
}

fn arguments(parameters: &[Parameter]) -> Value {
    let named = || parameters.iter().filter(|parameter| !parameter.name.is_empty());
    let properties: Map<String, Value> = named()
        .map(|parameter| {
            (parameter.name.clone(), Value::Object(types::of(&parameter.ty, Modifier::None, true)))
        })
        .collect();
    let required: Vec<&str> =
        named().filter(|parameter| is_required(parameter)).map(|parameter| parameter.name.as_str()).collect();
    let mut object = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        object["required"] = required.into();
    }
    object
}

fn responses(reach: &Reach<'_>, overloads: &[&Function]) -> Value {
    let mut responses = json!({ "default": refused() });
    let mut results: Vec<Value> = Vec::new();
    for function in overloads {
        match result(reach, &function.returns) {
            Some(schema) if !results.contains(&schema) => results.push(schema),
            Some(_) => {}
            None => responses["204"] = done("Done"),
        }
    }
    let schema = match results.as_slice() {
        [] => return responses,
        [one] => one.clone(),
        several => json!({ "anyOf": several }),
    };
    let content = json!({ "application/json": { "schema": schema } });
    if overloads.iter().any(|function| is_set(function)) {
        responses["206"] = answer("A part of the result", content.clone());
    }
    responses["200"] = answer("The result", content);
    responses
}

/// The schema of a result; `None` for one that there is nothing of.
fn result(reach: &Reach<'_>, returns: &Returns) -> Option<Value> {
    let (one, set) = match returns {
        Returns::Void => return None,
        Returns::Scalar { ty, set } => (Value::Object(types::of(ty, Modifier::None, true)), *set),
        Returns::Relation { relation, set } => {
            let reached = reach.relation(*relation).filter(|reached| !reached.select.is_empty());
            // Of a relation that is hidden otherwise, nothing is told.
            let row = reached.map_or_else(
                || json!({ "type": "object" }),
                |reached| reference(&key(&reached.relation.name.name)),
            );
            (if *set { row } else { json!({ "anyOf": [row, { "type": "null" }] }) }, *set)
        }
        Returns::Columns { columns, set } => {
            let properties: Map<String, Value> = columns
                .iter()
                .map(|(name, ty)| (name.clone(), Value::Object(types::of(ty, Modifier::None, true))))
                .collect();
            (json!({ "type": "object", "properties": properties }), *set)
        }
    };
    Some(if set { json!({ "type": "array", "items": one }) } else { one })
}
