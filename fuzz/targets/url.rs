//! Request targets: paths and percent-encoding. The first line is the method.

#![no_main]

use http::{HeaderMap, Method, Uri};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(at) = data.iter().position(|byte| *byte == b'\n') else { return };
    let Ok(method) = Method::from_bytes(&data[..at]) else { return };
    let Ok(uri) = Uri::try_from(&data[at + 1..]) else { return };
    plinth_fuzz::request(method, uri.path(), uri.query().unwrap_or(""), &HeaderMap::new(), b"{}");
});
