//! Published client libraries, unmodified, from their registries, against the hiring example.

use std::process::Command;

use plinth_tests::server::root;
use plinth_tests::{Postgres, Project, Server, clients};

#[test]
fn postgrest_js_drives_the_hiring_example() {
    drive(Project::copy_of(&root().join("examples/hiring")), "postgrest-js.test.mjs");
}

#[test]
fn clients_use_the_writes_beyond_postgrest() {
    drive(Project::copy_of(&root().join("examples/hiring")), "writes.test.mjs");
}

#[test]
fn postgrest_js_drives_the_hiring_example_on_postgres() {
    if let Some(postgres) = Postgres::shared() {
        let project = Project::copy_of(&root().join("examples/hiring"));
        drive(project.on_postgres(postgres, &postgres.database()), "postgrest-js.test.mjs");
        let project = Project::copy_of(&root().join("examples/hiring"));
        drive(project.on_postgres(postgres, &postgres.database()), "writes.test.mjs");
    }
}

/// Runs a file of tests against a server of its own.
fn drive(project: Project, file: &str) {
    let folder = root().join("tests/clients");
    assert!(folder.join("node_modules").is_dir(), "run tests/prepare first (make test does)");
    let server = Server::start(project.seeded(), "serve", &[]);
    let output = Command::new("node")
        .args(["--test", "--test-reporter=spec", "--test-timeout=60000", file])
        .current_dir(&folder)
        .envs(clients::environment(&server))
        .output()
        .expect("node starts");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}\n{}", String::from_utf8_lossy(&output.stderr));
    println!("{report}");
}
