//! Requests that schemathesis makes up from the hiring example's OpenAPI document, for callers with different rights: none is
//! answered by a 5xx, and every answer is as the document says. `make test-schemathesis` makes many more than `make test`.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output};

use plinth_tests::server::root;
use plinth_tests::{Project, Server};
use serde_json::json;

const CHECKS: &str = "not_a_server_error,status_code_conformance,response_headers_conformance,missing_required_header,body_as_documented";

/// Requests that `make test-schemathesis` makes at least.
const LONG_RUN: u64 = 10_000;

/// Where `tests/prepare` puts it: a virtual environment of its own.
fn program() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    target.join("schemathesis/bin/schemathesis")
}

fn generate(server: &Server, token: Option<&str>, examples: &str, phases: &str, seed: &str) -> Output {
    let mut command = Command::new(program());
    command
        .current_dir(server.project.path())
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", root().join("tests/schemathesis"))
        .args(["run", &format!("http://{}/rest/v1/", server.address)])
        .args(["--checks", CHECKS, "--phases", phases, "--max-examples", examples, "--seed", seed])
        .args(["--continue-on-failure", "--suppress-health-check", "all", "--request-timeout", "30"])
        .args(["--no-color", "--warnings", "off"]);
    if let Some(token) = token {
        command.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    command.output().expect("schemathesis starts")
}

/// How many requests a report tells of: `  1173 generated, 1173 passed`.
fn generated(report: &str) -> u64 {
    report
        .lines()
        .find_map(|line| line.trim().split_once(" generated").and_then(|(count, _)| count.parse().ok()))
        .unwrap_or_default()
}

#[test]
fn generated_requests_are_answered_as_documented() {
    if !program().exists() {
        // Not by `println!`, which a passing test keeps to itself: a skip has to be seen.
        let why = "skipped: no schemathesis here (tests/prepare installs it where python3 has venv)";
        let _ = writeln!(std::io::stderr(), "{why}");
        return;
    }
    let long = std::env::var("SCHEMATHESIS_EXAMPLES").ok();
    let seed = std::env::var("SCHEMATHESIS_SEED").unwrap_or_else(|_| "1".into());
    let server = Server::start(Project::copy_of(&root().join("examples/hiring")).seeded(), "serve", &[]);
    let recruiter = json!({ "role": "authenticated", "sub": "22222222-2222-4222-8222-222222222222" });
    let recruiter = server.token(recruiter.as_object().expect("claims"));
    let mut total = 0;
    for (who, token) in [
        ("anon", None),
        ("a recruiter", Some(recruiter.as_str())),
        ("the service role", Some(server.service_key.as_str())),
    ] {
        // What covers every parameter of every operation is by far the most of it for those who may do more than anon.
        let (examples, phases) = match (&long, token) {
            (Some(examples), _) => (examples.as_str(), "examples,coverage,fuzzing"),
            (None, None) => ("10", "examples,coverage,fuzzing"),
            (None, Some(_)) => ("5", "examples,fuzzing"),
        };
        let output = generate(&server, token, examples, phases, &seed);
        let report = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "as {who}, seed {seed}:\n{report}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let count = generated(&report);
        assert!(count > 0, "nothing was asked as {who}:\n{report}");
        println!("{count} requests as {who}");
        total += count;
    }
    let log = server.log();
    assert!(!log.contains("defect"), "{log}");
    println!("{total} requests");
    assert!(long.is_none() || total >= LONG_RUN, "{total} requests are fewer than {LONG_RUN}");
}
