//! The Chinook store: its PostgreSQL edition loads as schema and seed, and questions about it get over REST what plain SQL gives.

use plinth_tests::server::root;
use plinth_tests::{Project, Server};
use serde_json::Value;

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
    let fixture = root().join("tests/fixtures/chinook");
    let plain = rusqlite::Connection::open_in_memory().unwrap();
    plain.execute_batch(&std::fs::read_to_string(fixture.join("plain_sqlite.sql")).unwrap()).unwrap();
    let server = Server::start(Project::copy_of(&fixture).seeded(), "serve", &[]);
    let text = std::fs::read_to_string(fixture.join("questions.txt")).unwrap();
    let questions = questions(&text);
    assert!(questions.len() >= 40, "{} questions", questions.len());
    let bearer = format!("Bearer {}", server.service_key);
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
        let target = format!("/rest/v1{}", question.target.replace(' ', "%20"));
        let response = server.send("GET", &target, &[("Authorization", &bearer)], None);
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
    let fixture = root().join("tests/fixtures/chinook");
    let server = Server::start(Project::copy_of(&fixture).seeded(), "serve", &[]);
    let bearer = format!("Bearer {}", server.service_key);
    let mut total = 0;
    for (table, rows) in [
        ("album", 347),
        ("artist", 275),
        ("customer", 59),
        ("employee", 8),
        ("genre", 25),
        ("invoice", 412),
        ("invoice_line", 2240),
        ("media_type", 5),
        ("playlist", 18),
        ("playlist_track", 8715),
        ("track", 3503),
    ] {
        let headers = [("Authorization", bearer.as_str()), ("Prefer", "count=exact")];
        let response = server.send("HEAD", &format!("/rest/v1/{table}"), &headers, None);
        let range = response.header("content-range").unwrap_or_default();
        assert_eq!(range, format!("0-{}/{rows}", rows - 1), "{table}");
        total += rows;
    }
    assert_eq!(total, 15_607);
    // People and sales are not for everyone: without a grant they do not exist.
    assert_eq!(server.get("/rest/v1/customer").status, 404);
    assert_eq!(server.get("/rest/v1/artist?limit=1").status, 200);
}
