//! The bodies of batches: JSON, and in it methods, paths with queries, headers and bodies of other media types. The first byte
//! chooses the headers of the batch itself.

#![no_main]

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response};
use libfuzzer_sys::fuzz_target;
use plinth_rest::{Call, Incoming};

const PREFERENCES: [&str; 4] = ["", "tx=rollback", "tx=commit", "handling=strict, missing=default"];

fuzz_target!(|data: &[u8]| {
    let Some((first, body)) = data.split_first() else { return };
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    let preferences = PREFERENCES[usize::from(*first) % PREFERENCES.len()];
    headers.insert("prefer", HeaderValue::from_static(preferences));
    let options = plinth_fuzz::options();
    let incoming = Incoming { method: &Method::POST, path: "/batch", query: "", headers: &headers, body };
    if let Ok(Call::Batch(batch)) = plinth_rest::parse(&incoming, &options) {
        assert!(batch.entries.len() <= options.batch.max_requests);
        for entry in &batch.entries {
            assert!(entry.path.starts_with('/') && !entry.headers.contains_key("authorization"));
        }
        let count = batch.entries.len();
        let answers = (0..count).map(|_| Response::new(Bytes::from_static(b"a \"text\""))).collect();
        let answer = plinth_rest::batch(&batch, answers);
        let read: Vec<serde_json::Value> = serde_json::from_slice(answer.body()).expect("JSON");
        assert_eq!(read.len(), count);
    }
    plinth_fuzz::request(Method::POST, "/batch", "", &headers, body);
});
