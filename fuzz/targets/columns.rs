//! `columns=` with related rows in parentheses, and what other parameters say about them (`posting.on_conflict=`). The first byte
//! chooses what is inserted.

#![no_main]

use http::{HeaderMap, HeaderValue, Method};
use libfuzzer_sys::fuzz_target;

const TARGETS: [(&str, &str); 4] = [
    (
        "/company",
        r#"[{"name":"x","posting":[{"title":"y","posting_skill":[{"skill_id":1,"required":null}]}]}]"#,
    ),
    (
        "/posting",
        r#"{"title":"x","company":{"name":"y"},"posting_skill":[{"skill":{"name":"z"}}],"benefits":["a"]}"#,
    ),
    ("/application", r#"[{"stage_event":[{"reason":"x"}],"interview":[]},{"interview":null}]"#),
    ("/candidate", r#"{"given_name":"x","application":[{"cover_letter":"y"}]}"#),
];

const PREFERENCES: [&str; 4] = [
    "return=representation",
    "return=minimal, missing=default",
    "resolution=merge-duplicates",
    "resolution=ignore-duplicates, return=headers-only",
];

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let first = usize::from(*first);
    let (path, body) = TARGETS[first % TARGETS.len()];
    let mut headers = HeaderMap::new();
    let preferences = PREFERENCES[first / TARGETS.len() % PREFERENCES.len()];
    headers.insert("prefer", HeaderValue::from_static(preferences));
    plinth_fuzz::request(Method::POST, path, &format!("columns={text}"), &headers, body.as_bytes());
});
