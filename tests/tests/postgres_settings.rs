//! What a request's transaction begins with on PostgreSQL: what the database has set for the role, the time zone, the search path.

use std::time::{Duration, Instant};

use plinth_tests::{Postgres, Project, Response, Server};

/// Roles are the cluster's: these are no other test's.
const DATABASE: &str = "
    do $$ begin
        create role anon nologin;
        create role hurried nologin;
        create role patient nologin;
        create role strict nologin;
        create role traveller nologin;
        create role settled login noinherit;
        grant anon, hurried, patient, strict, traveller to settled;
        alter role hurried set statement_timeout = '200ms';
        alter role patient set statement_timeout = '5s';
        alter role strict set default_transaction_isolation = 'serializable';
        alter role strict set work_mem = '7MB';
        alter role strict set log_min_messages = 'error';
        alter role strict set client_encoding = 'LATIN1';
        alter role traveller set timezone = 'America/New_York';
    exception when duplicate_object or unique_violation then null; end $$;
    create schema other;
    create schema shared;
    grant usage on schema other, shared to public;
    create table moment (id int primary key, at timestamptz, local timestamp, parent int references moment);
    insert into moment values (1, '2026-07-01 12:00+00', '2026-07-01 12:00', null), (2, '2026-01-01 00:30:00.5+00', null, 1);
    grant select, insert on moment to public;
    create function nap(seconds float8) returns text language plpgsql volatile as $$ begin perform pg_sleep(seconds); return 'rested'; end $$;
    create function setting(name text) returns text language sql stable as 'select current_setting(name)';
    create function other.setting(name text) returns text language sql stable as 'select current_setting(name)';
    create function written(name text) returns text language sql volatile as 'select current_setting(name)';
    create table whose (name text);
    create table other.whose (name text);
    create table shared.common (name text);
    insert into whose values ('public''s');
    insert into other.whose values ('other''s');
    insert into shared.common values ('shared');
    grant select on shared.common to public;
    grant select on whose, other.whose to public;
    create function other.nearest() returns text language plpgsql stable as $$ begin return (select name from whose); end $$;
    create function nearest() returns text language plpgsql stable as $$ begin return (select name from whose); end $$;
    create function other.common() returns text language plpgsql stable as $$ begin return (select name from common); end $$;
";

const CONFIGURATION: &str = "[api]\nschemas = [\"public\", \"other\"]\nextra_search_path = [\"shared\"]\n";

fn serve(postgres: &Postgres, more: &str, settings: &[(&str, &str)]) -> (Server, String) {
    let database = postgres.database();
    postgres.run(&database, DATABASE);
    postgres.run(&database, &more.replace("{database}", &database));
    let project = Project::with_files(&[("plinth.toml", CONFIGURATION)]);
    let url = postgres.url("settled", &database);
    let mut all = vec![("PLINTH_DATABASE_URL", url.as_str())];
    all.extend(settings);
    (Server::start(project, "serve", &all), database)
}

fn call(server: &Server, role: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    let token = server.sign(serde_json::json!({ "role": role }).as_object().expect("an object"));
    let bearer = format!("Bearer {token}");
    let mut all = vec![("Authorization", bearer.as_str())];
    all.extend(headers);
    server.send("GET", &format!("/rest/v1/{path}"), &all, None)
}

fn post(server: &Server, role: &str, path: &str, body: &str) -> Response {
    let token = server.sign(serde_json::json!({ "role": role }).as_object().expect("an object"));
    let bearer = format!("Bearer {token}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    server.send("POST", &format!("/rest/v1/{path}"), &headers, Some(body))
}

fn setting(server: &Server, role: &str, name: &str) -> String {
    let response = call(server, role, &format!("rpc/setting?name={name}"), &[]);
    assert_eq!(response.status, 200, "{}", response.text());
    response.json().as_str().expect("a text").to_owned()
}

#[test]
fn a_roles_settings_hold_for_its_requests() {
    let Some(postgres) = Postgres::shared() else { return };
    // One connection: what one request sets would be met by the next.
    let (server, _) = serve(postgres, "", &[("PLINTH_DATABASE_POOL", "1")]);
    let usual = setting(&server, "anon", "work_mem");
    assert_ne!(usual, "7MB");
    assert_eq!(setting(&server, "strict", "work_mem"), "7MB");
    assert_eq!(setting(&server, "strict", "transaction_isolation"), "serializable");
    let written = post(&server, "strict", "rpc/written", "{\"name\": \"transaction_isolation\"}");
    assert_eq!(written.json(), "serializable");
    assert_eq!(setting(&server, "anon", "transaction_isolation"), "read committed");
    assert_eq!(setting(&server, "anon", "work_mem"), usual);
    // What only a superuser may set is left as it is, and so is what the connection needs.
    assert_eq!(setting(&server, "strict", "log_min_messages"), "warning");
    assert_eq!(setting(&server, "strict", "client_encoding"), "UTF8");
}

#[test]
fn a_roles_statement_timeout_counts() {
    let Some(postgres) = Postgres::shared() else { return };
    let limits =
        [("PLINTH_DATABASE_STATEMENT_TIMEOUT_MS", "600"), ("PLINTH_DATABASE_NETWORK_GRACE_MS", "300")];
    let (server, _) = serve(postgres, "", &limits);
    let nap = |role: &str, seconds: &str| {
        let started = Instant::now();
        (post(&server, role, "rpc/nap", &format!("{{\"seconds\": {seconds}}}")), started.elapsed())
    };
    let (short, taken) = nap("hurried", "5");
    assert_eq!((short.status, short.json()["code"].as_str()), (500, Some("57014")));
    assert!(taken >= Duration::from_millis(200) && taken < Duration::from_millis(2000), "{taken:?}");
    let (usual, _) = nap("anon", "5");
    assert_eq!((usual.status, usual.json()["code"].as_str()), (500, Some("57014")));
    // Longer than the configuration and the network's grace would let it be.
    let (long, _) = nap("patient", "1.2");
    assert_eq!((long.status, long.text().as_str()), (200, "\"rested\""));
}

#[test]
fn the_serving_roles_statement_timeout_counts_where_a_role_has_none() {
    let Some(postgres) = Postgres::shared() else { return };
    let more = "alter role settled in database {database} set statement_timeout = '300ms'";
    let (server, _) = serve(postgres, more, &[]);
    assert_eq!(setting(&server, "anon", "statement_timeout"), "300ms");
    assert_eq!(setting(&server, "patient", "statement_timeout"), "5s");
}

#[test]
fn changed_settings_are_read_again() {
    let Some(postgres) = Postgres::shared() else { return };
    let more = "do $$ begin create role changing nologin; grant changing to settled; exception when duplicate_object or unique_violation then null; end $$";
    let (server, database) = serve(postgres, more, &[]);
    assert_ne!(setting(&server, "changing", "work_mem"), "9MB");
    postgres.run(&database, "alter role changing set work_mem = '9MB'; notify pgrst, 'reload config'");
    let deadline = Instant::now() + Duration::from_secs(5);
    while setting(&server, "changing", "work_mem") != "9MB" {
        assert!(Instant::now() < deadline, "the change is not seen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Times in columns, in related rows (which the database writes as JSON), and as text in SQL agree on the zone.
fn times(server: &Server, role: &str, headers: &[(&str, &str)]) -> String {
    let path = "moment?id=eq.1&select=at,local,moment(at)";
    let rows = call(server, role, path, headers);
    assert_eq!(rows.status, 200, "{}", rows.text());
    let csv: Vec<(&str, &str)> = headers.iter().copied().chain([("Accept", "text/csv")]).collect();
    let csv = call(server, role, "moment?id=eq.1&select=at", &csv);
    let zone = call(server, role, "rpc/setting?name=TimeZone", headers);
    format!("{} {} {}", rows.text(), csv.text().replace('\n', " ").trim_end(), zone.text())
}

#[test]
fn the_time_zone_is_the_databases_unless_the_client_prefers_one() {
    let Some(postgres) = Postgres::shared() else { return };
    let more = "alter database {database} set timezone = 'Europe/Berlin'";
    let (server, _) = serve(postgres, more, &[]);
    let berlin = r#"[{"at":"2026-07-01T14:00:00+02:00","local":"2026-07-01T12:00:00","moment":[{"at":"2026-01-01T01:30:00.5+01:00"}]}] at "2026-07-01 14:00:00+02" "Europe/Berlin""#;
    assert_eq!(times(&server, "anon", &[]), berlin);
    let kolkata = berlin
        .replace("14:00:00+02:00", "17:30:00+05:30")
        .replace("14:00:00+02", "17:30:00+05:30")
        .replace("01:30:00.5+01:00", "06:00:00.5+05:30")
        .replace("Europe/Berlin", "Asia/Kolkata");
    assert_eq!(times(&server, "anon", &[("Prefer", "timezone=Asia/Kolkata")]), kolkata);
    let utc = berlin
        .replace("14:00:00+02:00", "12:00:00+00:00")
        .replace("14:00:00+02", "12:00:00+00")
        .replace("01:30:00.5+01:00", "00:30:00.5+00:00")
        .replace("Europe/Berlin", "UTC");
    assert_eq!(times(&server, "anon", &[("Prefer", "timezone=UTC")]), utc);
    let york = berlin
        .replace("14:00:00+02:00", "08:00:00-04:00")
        .replace("14:00:00+02", "08:00:00-04")
        .replace("2026-01-01T01:30:00.5+01:00", "2025-12-31T19:30:00.5-05:00")
        .replace("Europe/Berlin", "America/New_York");
    assert_eq!(times(&server, "traveller", &[]), york);
    assert_eq!(times(&server, "traveller", &[("Prefer", "timezone=Europe/Berlin")]), berlin);
    // A time without a zone is read in the zone, too.
    let written = post(&server, "anon", "moment?select=at", r#"{"id": 3, "at": "2026-07-01 14:00"}"#);
    assert_eq!(written.status, 201, "{}", written.text());
    let read = call(&server, "anon", "moment?id=eq.3&select=at", &[]);
    assert_eq!(read.text(), r#"[{"at":"2026-07-01T14:00:00+02:00"}]"#);
    let found = call(&server, "anon", "moment?at=eq.2026-07-01T14:00&select=id&order=id", &[]);
    assert_eq!(found.text(), r#"[{"id":1},{"id":3}]"#);
}

#[test]
fn a_zone_by_rule_is_the_databases_too() {
    let Some(postgres) = Postgres::shared() else { return };
    let (server, _) = serve(postgres, "alter database {database} set timezone = '<+02>-02'", &[]);
    let rows = call(&server, "anon", "moment?id=eq.1&select=at,moment(at)", &[]);
    assert_eq!(
        rows.text(),
        r#"[{"at":"2026-07-01T14:00:00+02:00","moment":[{"at":"2026-01-01T02:30:00.5+02:00"}]}]"#
    );
}

#[test]
fn names_are_looked_up_in_the_requests_schema_first() {
    let Some(postgres) = Postgres::shared() else { return };
    let (server, _) = serve(postgres, "", &[]);
    let other = [("Accept-Profile", "other")];
    let ask = |path: &str, headers: &[(&str, &str)]| {
        let response = call(&server, "anon", path, headers);
        (response.status, response.json())
    };
    let text = |text: &str| (200, serde_json::Value::from(text));
    assert_eq!(ask("rpc/setting?name=search_path", &[]), text("\"public\", \"shared\""));
    assert_eq!(ask("rpc/setting?name=search_path", &other), text("\"other\", \"shared\""));
    assert_eq!(ask("rpc/nearest", &[]), text("public's"));
    assert_eq!(ask("rpc/nearest", &other), text("other's"));
    assert_eq!(ask("rpc/common", &other), text("shared"));
    assert_eq!(ask("whose", &other).1, serde_json::json!([{"name": "other's"}]));
}
