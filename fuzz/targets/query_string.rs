//! `select`, filters, `order` and the other query parameters: the first byte chooses what they are asked of.

#![no_main]

use http::{HeaderMap, Method};
use libfuzzer_sys::fuzz_target;

const TARGETS: [(Method, &str, &str); 8] = [
    (Method::GET, "/posting", ""),
    (Method::GET, "/application", ""),
    (Method::GET, "/rpc/search_postings", ""),
    (Method::DELETE, "/posting", ""),
    (Method::PATCH, "/company", "{\"name\":\"x\"}"),
    (Method::POST, "/skill", "{\"name\":\"x\",\"slug\":\"y\"}"),
    (Method::PUT, "/skill", "{\"id\":1,\"name\":\"x\",\"slug\":\"y\"}"),
    (Method::POST, "/rpc/search_postings", "{\"query\":\"x\"}"),
];

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let Ok(query) = std::str::from_utf8(rest) else { return };
    let (method, path, body) = &TARGETS[usize::from(*first) % TARGETS.len()];
    plinth_fuzz::request(method.clone(), path, query, &HeaderMap::new(), body.as_bytes());
});
