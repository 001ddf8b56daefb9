//! `Accept`, `Prefer`, `Range`, the profiles and every other header: one on each line. The first byte chooses the method.

#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use libfuzzer_sys::fuzz_target;

const METHODS: [Method; 6] =
    [Method::GET, Method::HEAD, Method::POST, Method::PATCH, Method::PUT, Method::DELETE];

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let mut headers = HeaderMap::new();
    for line in rest.split(|byte| *byte == b'\n').take(100) {
        let Some(at) = line.iter().position(|byte| *byte == b':') else { continue };
        if let Ok(name) = HeaderName::from_bytes(&line[..at])
            && let Ok(value) = HeaderValue::from_bytes(&line[at + 1..])
        {
            headers.append(name, value);
        }
    }
    let method = METHODS[usize::from(*first) % METHODS.len()].clone();
    plinth_fuzz::request(method, "/skill", "id=eq.1", &headers, b"{\"id\":1,\"name\":\"x\",\"slug\":\"y\"}");
});
