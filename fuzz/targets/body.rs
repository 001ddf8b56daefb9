//! Bodies: JSON, CSV, forms and raw ones. The first byte chooses the media type and what they are sent to.

#![no_main]

use http::{HeaderMap, HeaderValue, Method};
use libfuzzer_sys::fuzz_target;

const TYPES: [&str; 5] = [
    "application/json",
    "text/csv",
    "application/x-www-form-urlencoded",
    "text/plain",
    "application/octet-stream",
];

const TARGETS: [(Method, &str, &str); 7] = [
    (Method::POST, "/candidate", ""),
    (Method::POST, "/skill", "on_conflict=slug&columns=name,slug"),
    (Method::PATCH, "/posting", "id=eq.1"),
    (Method::PUT, "/skill", "id=eq.1"),
    (Method::POST, "/rpc/search_postings", ""),
    (Method::POST, "/batch", ""),
    (Method::QUERY, "/posting", ""),
];

fuzz_target!(|data: &[u8]| {
    let Some((first, body)) = data.split_first() else { return };
    let first = usize::from(*first);
    let (method, path, query) = &TARGETS[first % TARGETS.len()];
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static(TYPES[first / TARGETS.len() % TYPES.len()]));
    headers.insert("prefer", HeaderValue::from_static("missing=default, resolution=merge-duplicates"));
    plinth_fuzz::request(method.clone(), path, query, &headers, body);
});
