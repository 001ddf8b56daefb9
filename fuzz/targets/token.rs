//! The `Authorization` and `apikey` headers. What begins with `{` is a header and claims, signed as a token of ours would be, so that
//! the claims are reached.

#![no_main]

use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use plinth_server::token::Verifier;
use plinth_values::Session;

const SECRET: &str = "a-secret-of-at-least-32-characters!!";

fuzz_target!(|data: &[u8]| {
    let token = match serde_json::from_slice::<serde_json::Value>(data) {
        Ok(serde_json::Value::Object(claims)) => {
            let Ok(token) = plinth_server::keys::sign(SECRET, &claims) else { return };
            token.into_bytes()
        }
        _ => data.to_vec(),
    };
    let mut bearer = b"Bearer ".to_vec();
    bearer.extend_from_slice(&token);
    for (name, value) in [("authorization", bearer.as_slice()), ("authorization", data), ("apikey", &token)] {
        let Ok(value) = HeaderValue::from_bytes(value) else { continue };
        let mut headers = HeaderMap::new();
        headers.insert(name, value.clone());
        headers.insert("cookie", value);
        let verifier = Verifier::new(SECRET, "me", "anon", 2);
        let caller = verifier.caller(&plinth_fuzz::CATALOG, "GET", "/x", &headers, Session::utc());
        if let Err(error) = caller {
            assert_eq!(error.status, 401, "{error:?}");
            assert!(error.body().len() < 2_048, "a refusal repeats the token");
        }
    }
});
