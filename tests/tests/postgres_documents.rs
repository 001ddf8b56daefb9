//! What is told about a PostgreSQL database: TypeScript types and the OpenAPI document, from its catalog.

use plinth_tests::server::root;
use plinth_tests::{Postgres, Project, Server};

fn hiring() -> Project {
    Project::copy_of(&root().join("examples/hiring"))
}

#[test]
fn the_types_of_a_project_are_those_on_sqlite() {
    let Some(postgres) = Postgres::shared() else { return };
    let project = hiring();
    let expected = project.run_ok(&["types", "typescript"]);
    let project = project.on_postgres(postgres, &postgres.database());
    project.run_ok(&["db", "apply"]);
    assert_eq!(project.run_ok(&["types", "typescript"]), expected);
}

#[test]
fn the_types_of_any_database() {
    let Some(postgres) = Postgres::shared() else { return };
    let database = postgres.database();
    let rich = root().join("crates/postgres/tests/introspect/rich.sql");
    postgres.run(&database, &std::fs::read_to_string(rich).unwrap());
    let project = Project::with_files(&[("plinth.toml", "[api]\nschemas = [\"api\"]\n")]);
    let project = project.on_postgres(postgres, &database);
    // The role that serves has no rights of its own, and has not been made yet.
    project.run_ok(&["db", "apply"]);
    postgres.run(&database, "grant all on all tables in schema api to service_role");
    let types = project.run_ok(&["types", "typescript"]);
    for line in [
        "      \"point3\": { \"x\": number | null; \"y\": number | null; \"z\": number | null }\n",
        "      \"one_out\": { Args: Record<PropertyKey, never>; Returns: { \"single\": number } }\n",
        "      \"mood\": \"sad\" | \"ok\" | \"happy\"\n",
        "          { foreignKeyName: \"person_team_id_fkey\"; columns: [\"team_id\"]; isOneToOne: false; referencedRelation: \"teams\"; referencedColumns: [\"id\"] },\n",
    ] {
        assert!(types.contains(line), "{line}{types}");
    }
    assert!(!types.contains("floats_multirange"), "a range's own constructor: {types}");
    let unknown = project.run(&["types", "typescript", "--schema", "nowhere"]);
    assert!(!unknown.status.success());
}

#[test]
fn the_document_of_a_project() {
    let Some(postgres) = Postgres::shared() else { return };
    let paths = |server: &Server| -> Vec<String> {
        let document = server.get("/rest/v1/").json();
        document["paths"].as_object().unwrap().keys().cloned().collect()
    };
    let expected = paths(&Server::start(hiring().seeded(), "serve", &[]));
    let project = hiring().on_postgres(postgres, &postgres.database());
    let found = paths(&Server::start(project.seeded(), "serve", &[]));
    assert!(expected.len() > 5);
    assert_eq!(found, expected);
}
