//! The Chinook store: its PostgreSQL edition loads as schema and seed, questions about it get over REST what plain SQL gives, and
//! both engines answer with the same bytes.

use plinth_tests::server::root;
use plinth_tests::{Postgres, Project, Response, Server};
use serde_json::Value;

/// Every table, its key, and how many rows it has.
const TABLES: [(&str, &str, usize); 11] = [
    ("album", "album_id", 347),
    ("artist", "artist_id", 275),
    ("customer", "customer_id", 59),
    ("employee", "employee_id", 8),
    ("genre", "genre_id", 25),
    ("invoice", "invoice_id", 412),
    ("invoice_line", "invoice_line_id", 2240),
    ("media_type", "media_type_id", 5),
    ("playlist", "playlist_id", 18),
    ("playlist_track", "playlist_id,track_id", 8715),
    ("track", "track_id", 3503),
];

struct Question {
    title: String,
    target: String,
    sql: String,
}

fn questions(text: &str) -> Vec<Question> {
    text.split("\n## ")
        .skip(1)
        .map(|block| {
            let mut lines = block.lines().map(str::trim).filter(|line| !line.is_empty());
            let title = lines.next().unwrap_or_default().to_owned();
            let target = lines.next().unwrap_or_default().trim_start_matches("GET ").to_owned();
            Question { title, target, sql: lines.next().unwrap_or_default().to_owned() }
        })
        .collect()
}

fn questions_of_the_store() -> Vec<Question> {
    let text = std::fs::read_to_string(root().join("tests/fixtures/chinook/questions.txt")).unwrap();
    let questions = questions(&text);
    assert!(questions.len() >= 40, "{} questions", questions.len());
    questions
}

fn store() -> Project {
    Project::copy_of(&root().join("tests/fixtures/chinook"))
}

/// What the service role gets.
fn ask(server: &Server, method: &str, target: &str, headers: &[(&str, &str)]) -> Response {
    let bearer = format!("Bearer {}", server.service_key);
    let mut all = vec![("Authorization", bearer.as_str())];
    all.extend(headers);
    server.send(method, &format!("/rest/v1{}", target.replace(' ', "%20")), &all, None)
}

/// Equal as values: members in any order, numbers by what they are worth.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|other| same(v, other)))
        }
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}

#[test]
fn questions_get_the_answers_of_plain_sql() {
    let plain = rusqlite::Connection::open_in_memory().unwrap();
    let text = std::fs::read_to_string(root().join("tests/fixtures/chinook/plain_sqlite.sql")).unwrap();
    plain.execute_batch(&text).unwrap();
    let server = Server::start(store().seeded(), "serve", &[]);
    let questions = questions_of_the_store();
    let mut wrong = Vec::new();
    for question in &questions {
        let mut statement =
            plain.prepare(&question.sql).unwrap_or_else(|e| panic!("{}: {e}", question.title));
        let expected: Vec<Value> = statement
            .query_map([], |row| row.get::<_, String>(0))
            .unwrap()
            .map(|row| serde_json::from_str(&row.unwrap()).unwrap())
            .collect();
        assert!(!expected.is_empty(), "{}: plain SQL gives no rows", question.title);
        let response = ask(&server, "GET", &question.target, &[]);
        let expected = Value::Array(expected);
        if response.status != 200 || !same(&expected, &response.json()) {
            wrong.push(format!(
                "{}\n  GET {}\n  expected {expected}\n  got {} {}",
                question.title,
                question.target,
                response.status,
                response.text()
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), questions.len(), wrong.join("\n"));
}

#[test]
fn every_row_is_there() {
    let server = Server::start(store().seeded(), "serve", &[]);
    counts_every_row(&server);
    // People and sales are not for everyone: without a grant they do not exist.
    assert_eq!(server.get("/rest/v1/customer").status, 404);
    assert_eq!(server.get("/rest/v1/artist?limit=1").status, 200);
}

fn counts_every_row(server: &Server) {
    let mut total = 0;
    for (table, _, rows) in TABLES {
        let response = ask(server, "HEAD", &format!("/{table}"), &[("Prefer", "count=exact")]);
        let range = response.header("content-range").unwrap_or_default();
        assert_eq!(range, format!("0-{}/{rows}", rows - 1), "{table}");
        total += rows;
    }
    assert_eq!(total, 15_607);
}

/// Every question, and every row of every table in its order, as JSON and as CSV.
#[test]
fn postgres_answers_with_the_same_bytes() {
    let Some(postgres) = Postgres::shared() else { return };
    let sqlite = Server::start(store().seeded(), "serve", &[]);
    let postgres = Server::start(store().on_postgres(postgres, &postgres.database()).seeded(), "serve", &[]);
    counts_every_row(&postgres);
    let rows = TABLES.map(|(table, key, _)| format!("/{table}?order={key}"));
    let targets = questions_of_the_store().into_iter().map(|question| question.target).chain(rows);
    let mut wrong = Vec::new();
    for target in targets {
        for format in ["application/json", "text/csv"] {
            let headers = [("Accept", format), ("Prefer", "count=exact")];
            let expected = ask(&sqlite, "GET", &target, &headers);
            let got = ask(&postgres, "GET", &target, &headers);
            let told = |response: &Response| {
                let header = |name| response.header(name).unwrap_or_default().to_owned();
                (response.status, header("content-type"), header("content-range"), header("content-location"))
            };
            if ![200, 206].contains(&expected.status)
                || told(&expected) != told(&got)
                || expected.body != got.body
            {
                wrong.push(difference(&format!("{target} as {format}"), &expected, &got));
            }
        }
    }
    assert!(wrong.is_empty(), "{} answers differ:\n{}", wrong.len(), wrong.join("\n"));
    // What nobody granted to anon is as absent there.
    let (expected, got) = (sqlite.get("/rest/v1/customer"), postgres.get("/rest/v1/customer"));
    assert_eq!((got.status, got.text()), (404, expected.text()));
    assert_eq!(postgres.get("/rest/v1/artist?limit=1").status, 200);
}

/// Both answers around the first byte that differs.
fn difference(target: &str, expected: &Response, got: &Response) -> String {
    let at = expected.body.iter().zip(&got.body).take_while(|(a, b)| a == b).count();
    let around = |response: &Response| {
        let end = (at + 80).min(response.body.len());
        String::from_utf8_lossy(&response.body[at.saturating_sub(80)..end]).into_owned()
    };
    format!(
        "GET {target}, byte {at}\n  SQLite     {} …{}…\n  PostgreSQL {} …{}…",
        expected.status,
        around(expected),
        got.status,
        around(got)
    )
}
