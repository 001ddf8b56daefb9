//! `If-Match` and `If-None-Match`. The first byte chooses the method and which header each line that follows is a value of.

#![no_main]

use http::{HeaderMap, HeaderValue, Method};
use libfuzzer_sys::fuzz_target;
use plinth_rest::{Call, Incoming};

const METHODS: [Method; 4] = [Method::GET, Method::PATCH, Method::PUT, Method::DELETE];

const BODY: &[u8] = b"{\"id\":1,\"name\":\"x\",\"slug\":\"y\"}";

/// A version that a row may have; a tag of it begins with `BwcHBwcHBwcHBwcHBwcHBw.`.
const VERSION: [u8; 16] = [7; 16];

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let first = usize::from(*first);
    let method = METHODS[first % METHODS.len()].clone();
    let mut headers = HeaderMap::new();
    for (at, line) in rest.split(|byte| *byte == b'\n').take(8).enumerate() {
        let Ok(value) = HeaderValue::from_bytes(line) else { continue };
        let name = if first >> (2 + at % 6) & 1 == 0 { "if-match" } else { "if-none-match" };
        headers.append(name, value);
    }
    let incoming =
        Incoming { method: &method, path: "/skill", query: "id=eq.1", headers: &headers, body: BODY };
    if let Ok(Call::Data { shape, .. }) = plinth_rest::parse(&incoming, &plinth_fuzz::options()) {
        let conditions = &shape.conditions;
        assert_eq!(conditions.is_empty(), headers.is_empty(), "conditions are lost");
        let (there, absent) = (conditions.allow(Some(&VERSION)), conditions.allow(None));
        let wants_row = headers.contains_key("if-match");
        assert!(!(wants_row && absent), "If-Match holds without a row");
        // Without `If-Match`, a row that is not there is no reason to refuse.
        assert!(wants_row || absent, "If-None-Match fails without a row");
        // A tag is of one version, however it is written.
        assert!(!wants_row || !there || headers_say(&headers, "if-match", "BwcHBwcHBwcHBwcHBwcHBw."));
    }
    plinth_fuzz::request(method, "/skill", "id=eq.1", &headers, BODY);
});

/// Whether a header has the tag, or `*`.
fn headers_say(headers: &HeaderMap, name: &str, tag: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.trim() == "*" || value.contains(tag))
}
