//! Python's published client library, unmodified, against the hiring example on both engines.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use plinth_tests::server::root;
use plinth_tests::{Postgres, Project, Server, clients};

/// How many tests there are at least: Python's runner is content with none.
const TESTS: usize = 34;

#[test]
fn postgrest_py_drives_the_hiring_example() {
    drive(hiring());
}

#[test]
fn postgrest_py_drives_the_hiring_example_on_postgres() {
    if let Some(postgres) = Postgres::shared() {
        drive(hiring().on_postgres(postgres, &postgres.database()));
    }
}

fn hiring() -> Project {
    Project::copy_of(&root().join("examples/hiring"))
}

/// Where `tests/prepare` puts it: a virtual environment of its own.
fn python() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    target.join("postgrest-py/bin/python")
}

fn drive(project: Project) {
    if !python().exists() {
        // Not by `println!`, which a passing test keeps to itself: a skip has to be seen.
        let why = "skipped: no postgrest-py here (tests/prepare installs it where python3 has venv)";
        let _ = writeln!(std::io::stderr(), "{why}");
        return;
    }
    let server = Server::start(project.seeded(), "serve", &[]);
    let output = Command::new(python())
        .args(["-B", "-W", "error", "postgrest_test.py", "--verbose"])
        .current_dir(root().join("tests/clients/python"))
        .envs(clients::environment(&server))
        .output()
        .expect("python starts");
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}");
    let ran = report.lines().filter(|line| line.ends_with(" ... ok")).count();
    assert!(ran >= TESTS, "{ran} tests ran:\n{report}");
    println!("{report}");
}
