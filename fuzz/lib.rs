//! What the targets share: the hiring example's catalog, and a request taken as far as it goes without a database: parsed, planned
//! for callers with different rights, compiled to SQL, or answered with a refusal.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use http::{HeaderMap, Method};
use plinth_catalog::{Catalog, Defaults, SourceFile};
use plinth_query::Caller;
use plinth_query::request::Limits;
use plinth_rest::{ApiError, Call, CursorKey, Incoming, Options};

/// The hiring example's catalog.
pub static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/hiring/schema");
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).expect("the example").map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    let files: Vec<SourceFile> = paths
        .iter()
        .map(|path| SourceFile {
            path: path.display().to_string(),
            text: fs::read_to_string(path).expect("a schema file"),
        })
        .collect();
    plinth_catalog::read(&files, &Defaults::default()).expect("the example's schema")
});

/// What cursors are signed with.
pub const SECRET: &str = "a-secret-of-at-least-32-characters!!";

/// Everything that a project can allow.
pub fn options() -> Options {
    Options {
        schemas: vec!["public".into(), "auth".into()],
        limits: Limits { aggregates: true, ..Limits::default() },
        allow_rollback: true,
        cursor_key: Some(CursorKey::derive(SECRET)),
        ..Options::default()
    }
}

/// A request, from its parts to SQL. A refusal has to have a body that is JSON and not longer than a client should get.
pub fn request(method: Method, path: &str, query: &str, headers: &HeaderMap, body: &[u8]) {
    let options = options();
    let incoming = Incoming { method: &method, path, query, headers, body };
    let call = match plinth_rest::parse(&incoming, &options) {
        Ok(call) => call,
        Err(error) => return refused(&error),
    };
    if let Ok(Some(key)) = plinth_rest::idempotency::key(headers) {
        assert!(!key.is_empty() && key.len() <= 255);
    }
    let (request, shape) = match call {
        Call::Data { request, shape } => (request, shape),
        Call::Batch(batch) => {
            for entry in batch.entries {
                // A batch in a batch is refused, so this ends.
                self::request(entry.method, &entry.path, &entry.query, &entry.headers, &entry.body);
            }
            return;
        }
        Call::Methods(_) | Call::Root { .. } => return,
    };
    for role in ["anon", "authenticated", "service_role"] {
        match plinth_query::plan(&CATALOG, &Caller::with_role(role), &request) {
            Ok(plan) => {
                let _ = plinth_sqlite::explain(&CATALOG, &plan);
                if let Err(error) = shape.sink(&plan) {
                    refused(&error);
                }
            }
            Err(refusal) => refused(&ApiError::from_refusal(refusal, role == "anon")),
        }
    }
}

fn refused(error: &ApiError) {
    let response = plinth_rest::error(error);
    assert!(response.status().as_u16() < 500, "{error:?}");
    assert!(serde_json::from_slice::<serde_json::Value>(response.body()).is_ok(), "{error:?}");
    assert!(response.body().len() < 16_384, "a refusal repeats the request: {} bytes", response.body().len());
}
