//! The document in OpenAPI 2.0, for clients that know nothing newer: the 3.1 document, said in the words of 2.0. What 2.0 has no
//! words for is left out: of alternatives the first one stays, and null is told by `x-nullable`.

use serde_json::{Map, Value, json};

const JSON: &str = "application/json";

/// The same document in OpenAPI 2.0.
pub(super) fn of(document: &Value) -> Value {
    let components = &document["components"];
    let headers = &components["headers"];
    json!({
        "swagger": "2.0",
        "info": document["info"],
        "basePath": document["servers"][0]["url"],
        "consumes": [JSON],
        "produces": [JSON],
        "security": [{ "bearer": [] }, { "apikey": [] }, {}],
        "securityDefinitions": {
            "bearer": {
                "type": "apiKey", "in": "header", "name": "Authorization", "description": "Bearer, and a token",
            },
            "apikey": { "type": "apiKey", "in": "header", "name": "apikey" },
        },
        "tags": document["tags"],
        "paths": map(&document["paths"], |path| map(path, |own| operation(own, headers))),
        "definitions": map(&components["schemas"], schema),
        "parameters": map(&components["parameters"], parameter),
        "responses": map(&components["responses"], |answer| response(answer, headers)),
    })
}

fn map(object: &Value, each: impl Fn(&Value) -> Value) -> Value {
    let members = object.as_object().into_iter().flatten();
    members.map(|(name, value)| (name.clone(), each(value))).collect::<Map<_, _>>().into()
}

fn list(array: &Value, each: impl Fn(&Value) -> Value) -> Vec<Value> {
    array.as_array().into_iter().flatten().map(each).collect()
}

/// A reference, where the value is one: components have other places in 2.0.
fn reference(value: &Value) -> Option<Value> {
    let path = value["$ref"].as_str()?;
    let path = path.replace("#/components/schemas/", "#/definitions/").replace("#/components/", "#/");
    Some(json!({ "$ref": path }))
}

fn operation(operation: &Value, headers: &Value) -> Value {
    let mut told = operation.clone();
    let mut parameters = list(&operation["parameters"], parameter);
    let content = &operation["requestBody"]["content"];
    if let Some(types) = content.as_object().filter(|types| !types.is_empty()) {
        let consumes: Vec<&String> = types.keys().collect();
        told["consumes"] = json!(consumes);
        let body = types.get(JSON).or_else(|| types.values().next()).map(|media| schema(&media["schema"]));
        let required = operation["requestBody"]["required"] == true;
        parameters.push(json!({ "name": "body", "in": "body", "required": required, "schema": body }));
    }
    let produces: Vec<&String> = operation["responses"]
        .as_object()
        .into_iter()
        .flatten()
        .find_map(|(_, response)| response["content"].as_object())
        .map(|types| types.keys().collect())
        .unwrap_or_default();
    if !produces.is_empty() {
        told["produces"] = json!(produces);
    }
    told["parameters"] = parameters.into();
    told["responses"] = map(&operation["responses"], |answer| response(answer, headers));
    if let Some(members) = told.as_object_mut() {
        members.remove("requestBody");
    }
    told
}

fn response(response: &Value, headers: &Value) -> Value {
    if let Some(reference) = reference(response) {
        return reference;
    }
    let mut told = json!({ "description": response["description"] });
    if let Some(types) = response["content"].as_object() {
        let body = types.get(JSON).or_else(|| types.values().next()).map(|media| schema(&media["schema"]));
        told["schema"] = json!(body);
    }
    let named: Map<String, Value> = response["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| (name.clone(), flat(&headers[name])))
        .collect();
    if !named.is_empty() {
        told["headers"] = named.into();
    }
    told
}

fn parameter(parameter: &Value) -> Value {
    reference(parameter).unwrap_or_else(|| flat(parameter))
}

/// A parameter or header with the words of its schema as its own. Those have one type, which is no object.
fn flat(value: &Value) -> Value {
    let mut told = value.clone();
    let Value::Object(mut words) = schema(&value["schema"]) else { return told };
    words.entry("type").or_insert_with(|| "string".into());
    if let Some(members) = told.as_object_mut() {
        members.remove("schema");
        words.remove("x-nullable");
        members.extend(words);
    }
    told
}

fn schema(value: &Value) -> Value {
    if let Some(reference) = reference(value) {
        return reference;
    }
    if let Some(first) = value["oneOf"].get(0).or_else(|| value["anyOf"].get(0)) {
        return schema(first);
    }
    let mut told = Map::new();
    for (word, value) in value.as_object().into_iter().flatten() {
        match word.as_str() {
            "type" if value.is_array() => {
                let types = list(value, Value::clone);
                told.insert("type".into(), types.first().cloned().unwrap_or_default());
                told.insert("x-nullable".into(), types.contains(&json!("null")).into());
            }
            "enum" => {
                let values = list(value, Value::clone);
                told.insert("enum".into(), values.into_iter().filter(|value| !value.is_null()).collect());
            }
            "properties" => _ = told.insert("properties".into(), map(value, schema)),
            "items" => _ = told.insert("items".into(), schema(value)),
            "examples" => {}
            _ => _ = told.insert(word.clone(), value.clone()),
        }
    }
    Value::Object(told)
}
