//! Several requests in one: `POST /batch` with a JSON array of requests, answered by an array of answers. What a request in it may
//! say is listed; everything else is refused by name. Running them is not this module's.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::preferences::{self, Transaction};

/// What configuration says about batches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchOptions {
    /// The name below the REST root, before which a table of this name gives way when it is posted to; empty: there are no batches
    pub path: String,
    /// Requests in one batch
    pub max_requests: usize,
}

impl Default for BatchOptions {
    fn default() -> BatchOptions {
        BatchOptions { path: "batch".into(), max_requests: 100 }
    }
}

/// A batch.
#[derive(Debug)]
pub struct Batch {
    /// The requests, in order
    pub entries: Vec<Entry>,
    /// Roll all of it back in the end
    pub rollback: bool,
    /// `Preference-Applied`
    applied: Option<String>,
}

/// A request in a batch.
#[derive(Debug)]
pub struct Entry {
    /// Its method
    pub method: Method,
    /// Its path below the REST root
    pub path: String,
    /// Its query string
    pub query: String,
    /// Its headers
    pub headers: HeaderMap,
    /// Its body
    pub body: Vec<u8>,
}

/// The headers that a request in a batch may have. Who asks is said once, for all of them.
const HEADERS: [&str; 9] = [
    "accept",
    "accept-profile",
    "content-profile",
    "content-type",
    "if-match",
    "if-none-match",
    "prefer",
    "range",
    "range-unit",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written<'b> {
    method: String,
    path: String,
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(borrow, default)]
    body: Option<&'b RawValue>,
}

/// Reads a batch. Errors: what is no array of requests (PLN106), what a request in a batch may not say (PLN107), with its position;
/// too many of them.
pub(crate) fn parse(
    headers: &HeaderMap,
    body: &[u8],
    options: &BatchOptions,
    allow_rollback: bool,
) -> Result<Batch, ApiError> {
    let hint = || {
        format!(
            "A batch is a JSON array of objects with method, path, headers and body. To reach a table of the name \"{}\", change path in [batch].",
            options.path
        )
    };
    let malformed = |details: String| {
        ApiError::new(400, "PLN106", "The body is not a batch of requests").details(details).hint(hint())
    };
    if !is_json(headers) {
        return Err(malformed("The Content-Type is not application/json".into()));
    }
    let written: Vec<&RawValue> =
        serde_json::from_slice(body).map_err(|_| malformed("The body is not a JSON array".into()))?;
    if written.len() > options.max_requests {
        return Err(ApiError::limit(
            400,
            format!("the batch has more than {} requests", options.max_requests),
            "Send it in several batches, or insert many rows with one request.",
        ));
    }
    let preferences = preferences::preferences(headers)?;
    let rollback = allow_rollback && preferences.transaction == Some(Transaction::Rollback);
    let applied =
        preferences.applied(preferences::Applies { transaction: allow_rollback, ..Default::default() });
    let mut entries = Vec::with_capacity(written.len());
    for (at, written) in written.into_iter().enumerate() {
        let written: Written<'_> = serde_json::from_str(written.get())
            .map_err(|error| malformed(format!("{error}")).of_entry(at))?;
        entries.push(entry(written, &options.path).map_err(|error| error.of_entry(at))?);
    }
    Ok(Batch { entries, rollback, applied })
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or(b"application/json");
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

fn refused(message: String) -> ApiError {
    ApiError::new(400, "PLN107", message)
}

fn entry(written: Written<'_>, batch_path: &str) -> Result<Entry, ApiError> {
    let method = match written.method.as_str() {
        "GET" => Method::GET,
        "HEAD" => Method::HEAD,
        "POST" => Method::POST,
        "PATCH" => Method::PATCH,
        "PUT" => Method::PUT,
        "DELETE" => Method::DELETE,
        other => return Err(refused(format!("A request in a batch cannot have the method {other}"))),
    };
    let (path, query) = match written.path.split_once('?') {
        Some((path, query)) => (path.to_owned(), query.to_owned()),
        None => (written.path.clone(), String::new()),
    };
    let below = path.trim_matches('/');
    if !path.starts_with('/') || below.is_empty() || written.path.contains('#') {
        return Err(refused("The path of a request in a batch is below the REST root: /table?query".into()));
    }
    let decoded = percent_encoding::percent_decode_str(below).decode_utf8_lossy();
    if decoded == batch_path {
        return Err(refused("A batch cannot be in a batch".into()));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in &written.headers {
        let lower = name.to_ascii_lowercase();
        let known = HEADERS.iter().find(|known| **known == lower);
        let Some(known) = known else {
            return Err(refused(format!("A request in a batch cannot have the header {name}")).hint(
                format!(
                    "It may have: {}. The caller and the Idempotency-Key are those of the whole batch.",
                    HEADERS.join(", ")
                ),
            ));
        };
        let text = value.as_str().and_then(|text| HeaderValue::from_str(text).ok());
        let text = text.ok_or_else(|| refused(format!("The header {name} is not a line of text")))?;
        headers.append(HeaderName::from_static(known), text);
    }
    if preferences::preferences(&headers)?.transaction.is_some() {
        return Err(refused("A request in a batch cannot choose the end of the transaction".into())
            .hint("Send Prefer: tx=… with the batch itself."));
    }
    let body = match written.body {
        None => Vec::new(),
        // Text of another media type is written as a JSON string.
        Some(body) if !is_json(&headers) => match serde_json::from_str::<Value>(body.get()) {
            Ok(Value::String(text)) => text.into_bytes(),
            _ => body.get().as_bytes().to_vec(),
        },
        Some(body) => body.get().as_bytes().to_vec(),
    };
    Ok(Entry { method, path, query, headers, body })
}

/// The answer to a batch: one object for each request, in order.
pub fn batch(batch: &Batch, answers: Vec<Response<Bytes>>) -> Response<Bytes> {
    let mut text = vec![b'['];
    for (at, answer) in answers.into_iter().enumerate() {
        if at > 0 {
            text.push(b',');
        }
        let headers: Map<String, Value> = answer
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.into())))
            .collect();
        let head = format!(
            "{{\"status\":{},\"headers\":{},\"body\":",
            answer.status().as_u16(),
            Value::Object(headers)
        );
        text.extend_from_slice(head.as_bytes());
        let kind = answer.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        match answer.body() {
            body if body.is_empty() => text.extend_from_slice(b"null"),
            body if kind.windows(4).any(|part| part == b"json") => text.extend_from_slice(body),
            body => text.extend_from_slice(Value::from(String::from_utf8_lossy(body)).to_string().as_bytes()),
        }
        text.push(b'}');
    }
    text.push(b']');
    let mut response = Response::new(Bytes::from(text));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    if let Some(applied) = batch.applied.as_deref().and_then(|applied| HeaderValue::from_str(applied).ok()) {
        headers.insert(HeaderName::from_static("preference-applied"), applied);
    }
    response
}
