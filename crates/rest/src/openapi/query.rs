//! The `QUERY` method in the document: OpenAPI 3.1 has no operation for it, so it is an extension of the path, in the form that
//! OpenAPI 3.2 gives its `query`.

use serde_json::{Map, Value, json};

/// Where a path says what its `QUERY` is.
const KEY: &str = "x-query";

/// Adds to a path what can be asked with the query in the body: all that can be asked with `get`.
pub(super) fn add(path: &mut Map<String, Value>) {
    let Some(get) = path.get("get") else { return };
    let in_header = |parameter: &&Value| {
        let name = parameter["$ref"].as_str().and_then(|name| name.rsplit('/').next());
        matches!(name, Some("Range" | "Range-Unit" | "Prefer.read"))
    };
    let headers: Vec<&Value> = get["parameters"].as_array().into_iter().flatten().filter(in_header).collect();
    let text = json!({ "schema": { "type": "string", "examples": ["select=id&order=id&limit=10"] } });
    let query = json!({
        "tags": get["tags"],
        "summary": "As get, with the query string in the body (RFC 10008)",
        "parameters": headers,
        "requestBody": {
            "required": true,
            "content": {
                "application/x-www-form-urlencoded": text,
                "application/vnd.pgrst.query": text,
            },
        },
        "responses": get["responses"],
    });
    path.insert(KEY.into(), query);
}
