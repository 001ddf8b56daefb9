//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): the key, what it was used for, and an answer as bytes that are kept
//! with the write. Keeping them is the engine's.

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::error::ApiError;
use crate::request::Incoming;

/// Characters of a key.
const MAX_KEY: usize = 255;

/// The headers that change what a request means, beside its method, path, query and body.
const MEANINGFUL: [&str; 8] = [
    "accept",
    "accept-profile",
    "content-profile",
    "content-type",
    "if-match",
    "if-none-match",
    "prefer",
    "range",
];

/// The key of a request, when it has one: a string in quotes, as the draft writes it, or the same without. Errors: PLN103.
pub fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let invalid = || {
        ApiError::new(400, "PLN103", "The Idempotency-Key is not a string of 1 to 255 visible characters")
            .hint("Send one new key for each new request, such as a UUID.")
    };
    if values.next().is_some() {
        return Err(invalid());
    }
    let text = value.to_str().map_err(|_| invalid())?.trim();
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    if inner.is_empty() || inner.len() > MAX_KEY || !inner.bytes().all(is_plain) {
        return Err(invalid());
    }
    Ok(Some(inner.to_owned()))
}

/// What tells one request from another. Two requests of the same one are retries.
pub fn fingerprint(incoming: &Incoming<'_>) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut add = |part: &[u8]| {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    };
    add(incoming.method.as_str().as_bytes());
    add(incoming.path.as_bytes());
    add(incoming.query.as_bytes());
    add(incoming.body);
    for name in MEANINGFUL {
        for value in incoming.headers.get_all(name) {
            add(name.as_bytes());
            add(value.as_bytes());
        }
    }
    hash.finalize().into()
}

/// An answer as bytes: a line of JSON with its status and headers, then its body.
pub fn store(response: &Response<Bytes>) -> Vec<u8> {
    let headers: Vec<Value> = response
        .headers()
        .iter()
        .filter_map(|(name, value)| Some(Value::from(vec![name.as_str(), value.to_str().ok()?])))
        .collect();
    let mut stored = Value::from(vec![Value::from(response.status().as_u16()), Value::from(headers)])
        .to_string()
        .into_bytes();
    stored.push(b'\n');
    stored.extend_from_slice(response.body());
    stored
}

/// The answer again. `None`: the bytes are not of this form.
pub fn restore(mut stored: Vec<u8>) -> Option<Response<Bytes>> {
    let line = stored.iter().position(|byte| *byte == b'\n')?;
    let body = stored.split_off(line + 1);
    let (status, headers): (u16, Vec<(String, String)>) = serde_json::from_slice(&stored).ok()?;
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::from_u16(status).ok()?;
    for (name, value) in headers {
        let (name, value) =
            (HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(&value).ok()?);
        response.headers_mut().append(name, value);
    }
    Some(response)
}

/// PLN102: a request with this key is being answered.
pub fn in_progress() -> ApiError {
    ApiError {
        retry_after_seconds: Some(1),
        ..ApiError::new(409, "PLN102", "A request with this Idempotency-Key is being answered")
            .hint("Send it again in a moment, to get the same answer.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        let long = "x".repeat(256);
        for (value, expected) in [
            ("abc", Some("abc")),
            ("\"abc\"", Some("abc")),
            ("8e03978e-40d5-43dd-bc93-6894a57f9324", Some("8e03978e-40d5-43dd-bc93-6894a57f9324")),
            ("", None),
            ("\"\"", None),
            ("a b", None),
            ("a\"b", None),
            (long.as_str(), None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("idempotency-key", value.parse().unwrap());
            assert_eq!(key(&headers).ok().flatten().as_deref(), expected, "{value}");
        }
        assert_eq!(key(&HeaderMap::new()), Ok(None));
        let mut headers = HeaderMap::new();
        headers.append("idempotency-key", "a".parse().unwrap());
        headers.append("idempotency-key", "b".parse().unwrap());
        assert_eq!(key(&headers).unwrap_err().code, "PLN103");
    }

    #[test]
    fn answers_come_back_as_they_were() {
        let mut response = Response::new(Bytes::from("[{\"a\":1}]\n\0"));
        *response.status_mut() = StatusCode::CREATED;
        response.headers_mut().append("x-a", "1".parse().unwrap());
        response.headers_mut().append("x-a", "2".parse().unwrap());
        let again = restore(store(&response)).unwrap();
        assert_eq!(again.status(), response.status());
        assert_eq!(again.headers(), response.headers());
        assert_eq!(again.body(), response.body());
        for bad in ["", "x", "[1]\n", "[99999,[]]\n", "[200,[[\"a b\",\"c\"]]]\n"] {
            assert!(restore(bad.into()).is_none(), "{bad}");
        }
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let headers = HeaderMap::new();
        let of = |path: &str, query: &str| {
            fingerprint(&Incoming { method: &http::Method::POST, path, query, headers: &headers, body: b"" })
        };
        assert_eq!(of("/a", "b"), of("/a", "b"));
        assert_ne!(of("/a", "b"), of("/ab", ""));
    }
}
