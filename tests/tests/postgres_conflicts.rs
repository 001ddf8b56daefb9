//! Writes of several steps that PostgreSQL ends for the sake of other transactions: they are run again, and what stays is there once.

use plinth_tests::{Postgres, Project, Server};

/// A sequence remembers what a transaction that was rolled back has tried.
const DATABASE: &str = "
    do $$ begin
        create role anon nologin;
        create role authenticator login noinherit;
        grant anon to authenticator;
    exception when duplicate_object or unique_violation then null; end $$;
    create table entry (id int primary key);
    create sequence tries;
    grant select, insert on entry to anon;
    grant usage on sequence tries to anon;
    create function meets(code text, times int) returns int language plpgsql volatile as $$
    declare at int := nextval('tries');
    begin
        if at <= times then raise exception 'another transaction' using errcode = code; end if;
        return at;
    end $$;
";

fn serve() -> Option<(Server, String)> {
    let postgres = Postgres::shared()?;
    let database = postgres.database();
    postgres.run(&database, DATABASE);
    let project = Project::with_files(&[("plinth.toml", "")]).on_postgres(postgres, &database);
    project.run_ok(&["db", "apply"]);
    Some((Server::start(project, "serve", &[]), database))
}

fn batch(server: &Server, id: u32, code: &str, times: u32, headers: &[(&str, &str)]) -> (u16, String) {
    let body = serde_json::json!([
        {"method": "POST", "path": "/entry", "body": {"id": id}},
        {"method": "POST", "path": "/rpc/meets", "body": {"code": code, "times": times}},
    ]);
    let headers: Vec<(&str, &str)> =
        headers.iter().copied().chain([("Content-Type", "application/json")]).collect();
    let response = server.send("POST", "/rest/v1/batch", &headers, Some(&body.to_string()));
    (response.status, response.text())
}

#[test]
fn a_batch_that_meets_another_transaction_is_run_again() {
    let Some((server, database)) = serve() else { return };
    let postgres = Postgres::shared().expect("it was there");
    for (id, code) in [(1, "40001"), (2, "40P01")] {
        postgres.run(&database, "alter sequence tries restart");
        let (status, text) = batch(&server, id, code, 2, &[]);
        assert_eq!(status, 200, "{text}");
        assert_eq!(postgres.run(&database, "select last_value from tries"), "3", "{code}");
    }
    assert_eq!(server.get("/rest/v1/entry?order=id").text(), "[{\"id\":1},{\"id\":2}]");
}

#[test]
fn one_that_meets_others_for_ever_is_answered_with_what_the_database_says() {
    let Some((server, database)) = serve() else { return };
    let postgres = Postgres::shared().expect("it was there");
    let (status, text) = batch(&server, 1, "40001", 1000, &[]);
    assert_eq!(status, 500, "{text}");
    assert!(text.contains("40001"), "{text}");
    assert_eq!(postgres.run(&database, "select last_value from tries"), "5", "as often as is tried");
    assert_eq!(server.get("/rest/v1/entry").text(), "[]");
    // What else is wrong is not tried again, and neither is a single statement.
    postgres.run(&database, "alter sequence tries restart");
    let (status, text) = batch(&server, 1, "23514", 1000, &[]);
    assert_eq!(status, 400, "{text}");
    assert_eq!(postgres.run(&database, "select last_value from tries"), "1");
    let json = [("Content-Type", "application/json")];
    let body = "{\"code\": \"40001\", \"times\": 1000}";
    let alone = server.send("POST", "/rest/v1/rpc/meets", &json, Some(body));
    assert_eq!((alone.status, alone.json()["code"].as_str()), (500, Some("40001")));
    assert_eq!(postgres.run(&database, "select last_value from tries"), "2");
}

#[test]
fn an_answer_under_a_key_is_kept_once() {
    let Some((server, database)) = serve() else { return };
    let postgres = Postgres::shared().expect("it was there");
    let key = [("Idempotency-Key", "one")];
    let first = batch(&server, 1, "40001", 2, &key);
    assert_eq!(first.0, 200, "{}", first.1);
    assert_eq!(postgres.run(&database, "select last_value from tries"), "3");
    assert_eq!(batch(&server, 1, "40001", 2, &key), first);
    assert_eq!(postgres.run(&database, "select last_value from tries"), "3", "it is not run any more");
    assert_eq!(server.get("/rest/v1/entry").text(), "[{\"id\":1}]");
}
