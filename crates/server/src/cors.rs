//! Cross-origin requests, as PostgREST answers them.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ETAG, HeaderValue, ORIGIN, VARY,
};
use http::{HeaderMap, Method, Response};

use crate::config::Cors;

const METHODS: &str = "GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD";
/// The answer to who asks about `QUERY`, which PostgREST's list does not have.
const METHODS_WITH_QUERY: &str = "GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD, QUERY";
const EXPOSED: &str = "Content-Encoding, Content-Location, Content-Range, Content-Type, Date, Location, Server, Transfer-Encoding, Range-Unit";

/// `OPTIONS` tells that any origin is allowed even to a request that names none, as PostgREST does.
pub fn tell_any(config: &Cors, response: &mut HeaderMap) {
    if config.origins.iter().any(|allowed| allowed == "*") {
        response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
}

/// The origin that the answer names: `*` where any is allowed, the request's own where it is listed.
fn allowed_origin(config: &Cors, headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(ORIGIN)?;
    if config.origins.iter().any(|allowed| allowed == "*") {
        return Some(HeaderValue::from_static("*"));
    }
    config.origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()).then(|| origin.clone())
}

/// The answer to a preflight, when the request is one.
pub fn preflight(config: &Cors, method: &Method, headers: &HeaderMap) -> Option<Response<Bytes>> {
    if *method != Method::OPTIONS || !headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    let mut response = Response::new(Bytes::new());
    let out = response.headers_mut();
    let Some(origin) = allowed_origin(config, headers) else { return Some(response) };
    out.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    let about_query = headers.get(ACCESS_CONTROL_REQUEST_METHOD).is_some_and(|method| method == "QUERY");
    let methods = if about_query { METHODS_WITH_QUERY } else { METHODS };
    out.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    let asked = headers.get(ACCESS_CONTROL_REQUEST_HEADERS).and_then(|value| value.to_str().ok());
    let allowed = match asked {
        Some(asked) => format!("Authorization, {asked}"),
        None => "Authorization".to_owned(),
    };
    if let Ok(value) = HeaderValue::from_str(&allowed) {
        out.insert(ACCESS_CONTROL_ALLOW_HEADERS, value);
    }
    out.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(config.max_age_seconds));
    Some(response)
}

/// Adds what a browser needs to hand an answer to the page that asked.
pub fn decorate(config: &Cors, request: &HeaderMap, response: &mut HeaderMap) {
    let Some(origin) = allowed_origin(config, request) else { return };
    if origin != "*" {
        response.append(VARY, HeaderValue::from_static("Origin"));
        response.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    // What PostgREST's list does not have is told where it is.
    let tag = if response.contains_key(ETAG) { ", ETag" } else { "" };
    let has_cursors = ["next-cursor", "previous-cursor"].iter().any(|name| response.contains_key(*name));
    let cursors = if has_cursors { ", Link, Next-Cursor, Previous-Cursor" } else { "" };
    if let Ok(exposed) = HeaderValue::from_str(&format!("{EXPOSED}{tag}{cursors}")) {
        response.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(origin: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, origin.parse().unwrap());
        headers.insert(ACCESS_CONTROL_REQUEST_METHOD, "POST".parse().unwrap());
        headers.insert(ACCESS_CONTROL_REQUEST_HEADERS, "x-a, x-b".parse().unwrap());
        headers
    }

    #[test]
    fn any_origin() {
        let response = preflight(&Cors::default(), &Method::OPTIONS, &headers("https://a")).unwrap();
        assert_eq!(response.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert_eq!(response.headers()[ACCESS_CONTROL_ALLOW_HEADERS], "Authorization, x-a, x-b");
        assert_eq!(response.headers()[ACCESS_CONTROL_MAX_AGE], "86400");
    }

    #[test]
    fn listed_origins_only() {
        let config = Cors { origins: vec!["https://a".into()], max_age_seconds: 1 };
        let mut out = HeaderMap::new();
        decorate(&config, &headers("https://a"), &mut out);
        assert_eq!(out[ACCESS_CONTROL_ALLOW_ORIGIN], "https://a");
        for hostile in ["https://b", "https://a.evil", "null", "https://A"] {
            let mut out = HeaderMap::new();
            decorate(&config, &headers(hostile), &mut out);
            assert!(out.is_empty(), "{hostile}");
            tell_any(&config, &mut out);
            assert!(out.is_empty(), "{hostile}");
            let answer = preflight(&config, &Method::OPTIONS, &headers(hostile)).unwrap();
            assert!(answer.headers().is_empty(), "{hostile}");
        }
    }
}
