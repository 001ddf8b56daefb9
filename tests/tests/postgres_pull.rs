//! `plinth db pull`: the model of a database, applied to an empty one and pulled again, is the same text.

use std::collections::BTreeMap;

use plinth_tests::server::root;
use plinth_tests::{Postgres, Project};

/// The schema files of a project.
fn files(project: &Project) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(project.path().join("schema")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let named = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).unwrap())
    };
    paths.map(named).collect()
}

/// A project without schema files on a database, and what is pulled from there.
fn pulled(postgres: &Postgres, database: &str) -> Project {
    let project = Project::with_files(&[("plinth.toml", "")]).on_postgres(postgres, database);
    project.run_ok(&["db", "pull"]);
    project
}

/// Pulls from a database that the project made, applies that to another, and pulls from there.
fn applied(folder: &str) {
    let Some(postgres) = Postgres::shared() else { return };
    let first = postgres.database();
    Project::copy_of(&root().join(folder)).on_postgres(postgres, &first).run_ok(&["db", "apply"]);
    round_trip(postgres, &first);
}

fn round_trip(postgres: &Postgres, first: &str) -> String {
    let second = postgres.database();
    let model = pulled(postgres, first);
    let before = files(&model);
    assert!(before["03_tables.sql"].contains("create table"), "{before:?}");
    model.on_postgres(postgres, &second).run_ok(&["db", "apply"]);
    let after = files(&pulled(postgres, &second));
    for (name, text) in &before {
        assert_eq!(Some(text), after.get(name), "{name}");
    }
    assert_eq!(before.len(), after.len());
    second
}

#[test]
fn chinook() {
    applied("tests/fixtures/chinook");
}

#[test]
fn hiring() {
    applied("examples/hiring");
}

/// A model with a schema that not everyone may use: it stays so.
#[test]
fn a_closed_schema() {
    let Some(postgres) = Postgres::shared() else { return };
    let rich = std::fs::read_to_string(root().join("crates/postgres/tests/introspect/rich.sql")).unwrap();
    let text = format!("{rich}\nrevoke all on schema private from public;\n");
    let first = postgres.database();
    let project = Project::with_files(&[("plinth.toml", ""), ("schema/01_rich.sql", &text)]);
    project.on_postgres(postgres, &first).run_ok(&["db", "apply"]);
    let second = round_trip(postgres, &first);
    let usable = "select has_schema_privilege('rich_group', 'api', 'usage'), has_schema_privilege('anon', 'private', 'usage')";
    assert_eq!(postgres.run(&second, usable), "t|f");
}

#[test]
fn files_are_not_written_over() {
    let Some(postgres) = Postgres::shared() else { return };
    let project =
        Project::with_files(&[("plinth.toml", ""), ("schema/01_mine.sql", "create table mine ();")])
            .on_postgres(postgres, &postgres.database());
    let refused = project.run(&["db", "pull"]);
    assert!(!refused.status.success());
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(words.contains("has files already"), "{words}");
    assert_eq!(files(&project).len(), 1);
}

#[test]
fn a_file_of_sqlite_has_nothing_to_pull() {
    let project = Project::with_files(&[("plinth.toml", "")]);
    let refused = project.run(&["db", "pull"]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("names no PostgreSQL database"));
}
