//! Kill -9 under write load, in a loop: what was acknowledged is there, and no request is there by half.
//!
//! `CRASH_ROUNDS` sets the number of rounds (`make test-crash`: 100).

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use plinth_tests::{Project, Server, send};

const SCHEMA: &str = "create table entry (
  id bigint primary key,
  request bigint not null,
  body text not null
);
create index entry_request_idx on entry (request);
grant select, insert, update, delete on entry to anon;
";
/// Rows of one request: all of them are there afterwards, or none.
const ROWS: u64 = 3;
const WRITERS: usize = 8;

/// Numbers that differ from run to run, without being secret: when to kill.
fn random(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

fn write_until_killed(
    address: &str,
    next: &AtomicU64,
    acknowledged: &Mutex<BTreeSet<u64>>,
    stop: &AtomicBool,
) {
    while !stop.load(Ordering::Relaxed) {
        let request = next.fetch_add(1, Ordering::Relaxed);
        let rows: Vec<String> = (0..ROWS)
            .map(|row| {
                format!(
                    "{{\"id\":{},\"request\":{request},\"body\":\"{}\"}}",
                    request * ROWS + row,
                    "x".repeat(200)
                )
            })
            .collect();
        let body = format!("[{}]", rows.join(","));
        match send(address, "POST", "/rest/v1/entry", &[], Some(body.as_bytes())) {
            Ok(response) if response.status == 201 => {
                acknowledged.lock().unwrap().insert(request);
            }
            Ok(response) => panic!("a write was refused: {} {}", response.status, response.text()),
            // The server was killed.
            Err(_) => return,
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost() {
    let rounds: u32 = std::env::var("CRASH_ROUNDS").ok().and_then(|r| r.parse().ok()).unwrap_or(6);
    let project = Project::with_files(&[
        (
            "plinth.toml",
            "[database]\npath = \"data/crash.db\"\nstatement_timeout_ms = 120000\n[api]\nmax_rows = 0\n",
        ),
        ("schema/01_entry.sql", SCHEMA),
    ]);
    let mut server = Server::start(project, "serve", &[]);
    let mut seed = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(1, |d| d.subsec_nanos().into())
        | 1;
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    let next = Arc::new(AtomicU64::new(1));
    for round in 1..=rounds {
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                let (address, next) = (server.address.clone(), Arc::clone(&next));
                let (acknowledged, stop) = (Arc::clone(&acknowledged), Arc::clone(&stop));
                std::thread::spawn(move || write_until_killed(&address, &next, &acknowledged, &stop))
            })
            .collect();
        std::thread::sleep(Duration::from_millis(30 + random(&mut seed) % 300));
        server.kill();
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            writer.join().expect("a writer");
        }
        check_file(&server);
        server.restart("serve", &[]);
        check_rows(&server, &acknowledged.lock().unwrap(), round);
    }
    let count = acknowledged.lock().unwrap().len();
    println!("{rounds} rounds, {count} acknowledged requests, none lost");
    assert!(count > 0, "nothing was written at all");
}

fn check_file(server: &Server) {
    // A copy, so that looking at the file does not recover it.
    let copy = tempfile::tempdir().unwrap();
    for name in ["crash.db", "crash.db-wal"] {
        let from = server.project.path().join("data").join(name);
        if from.exists() {
            std::fs::copy(&from, copy.path().join(name)).unwrap();
        }
    }
    let file = rusqlite::Connection::open(copy.path().join("crash.db")).unwrap();
    let verdict: String = file.query_row("pragma integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
}

fn check_rows(server: &Server, acknowledged: &BTreeSet<u64>, round: u32) {
    let rows = server.get("/rest/v1/entry?select=id,request&order=id").json();
    let mut found: std::collections::BTreeMap<u64, u64> = std::collections::BTreeMap::new();
    for row in rows.as_array().expect("rows") {
        *found.entry(row["request"].as_u64().unwrap()).or_default() += 1;
    }
    for request in acknowledged {
        assert_eq!(
            found.get(request),
            Some(&ROWS),
            "round {round}: request {request} was acknowledged and is lost"
        );
    }
    let half: Vec<_> = found.iter().filter(|(_, rows)| **rows != ROWS).collect();
    assert!(half.is_empty(), "round {round}: requests there by half: {half:?}");
    let total = server.send("HEAD", "/rest/v1/entry", &[("Prefer", "count=exact")], None);
    let expected = rows.as_array().map_or(0, Vec::len);
    assert!(
        total.header("content-range").is_some_and(|range| range.ends_with(&format!("/{expected}"))),
        "round {round}: {expected} rows were read, but counting them gives {total:?}; log: {}",
        server.log()
    );
}

const KEYED: &str = "create table payment (
  id bigint generated always as identity primary key,
  request bigint not null
);
grant select, insert on payment to anon;
";

/// What became of requests: the answers of those that were acknowledged, and those of which nobody knows.
#[derive(Default)]
struct Told {
    answers: std::collections::BTreeMap<u64, String>,
    unknown: BTreeSet<u64>,
}

/// Sends a request under its own key; a retry is the same again.
fn pay(address: &str, request: u64) -> std::io::Result<String> {
    let key = format!("\"payment-{request}\"");
    let headers = [("Idempotency-Key", key.as_str()), ("Prefer", "return=representation")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let body = format!("{{\"request\":{request}}}");
    let response = send(address, "POST", "/rest/v1/payment", &headers, Some(body.as_bytes()))?;
    assert_eq!(response.status, 201, "a write was refused: {}", response.text());
    Ok(response.text())
}

#[test]
fn a_retried_request_is_done_once() {
    let rounds: u32 = std::env::var("CRASH_ROUNDS").ok().and_then(|r| r.parse().ok()).unwrap_or(4);
    let project = Project::with_files(&[
        ("plinth.toml", "[database]\npath = \"data/crash.db\"\n[api]\nmax_rows = 0\n"),
        ("schema/01_payment.sql", KEYED),
    ]);
    let mut server = Server::start(project, "serve", &[]);
    let mut seed = 0x9e37_79b9_7f4a_7c15;
    let told = Arc::new(Mutex::new(Told::default()));
    let next = Arc::new(AtomicU64::new(1));
    for round in 1..=rounds {
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                let (address, next, told) = (server.address.clone(), Arc::clone(&next), Arc::clone(&told));
                std::thread::spawn(move || {
                    loop {
                        let request = next.fetch_add(1, Ordering::Relaxed);
                        match pay(&address, request) {
                            Ok(answer) => drop(told.lock().unwrap().answers.insert(request, answer)),
                            // The server was killed.
                            Err(_) => {
                                told.lock().unwrap().unknown.insert(request);
                                return;
                            }
                        }
                    }
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(30 + random(&mut seed) % 300));
        server.kill();
        for writer in writers {
            writer.join().expect("a writer");
        }
        check_file(&server);
        server.restart("serve", &[]);
        let mut told = told.lock().unwrap();
        for request in std::mem::take(&mut told.unknown) {
            let first = pay(&server.address, request).expect("an answer");
            let again = pay(&server.address, request).expect("an answer");
            assert_eq!(first, again, "round {round}: request {request}");
            told.answers.insert(request, first);
        }
        // Those that were acknowledged before the crash are remembered after it.
        for (request, answer) in told.answers.iter().rev().take(20) {
            let again = pay(&server.address, *request).expect("an answer");
            assert_eq!(*answer, again, "round {round}: request {request}");
        }
        let rows = server.get("/rest/v1/payment?select=request&order=request").json();
        let found: Vec<u64> =
            rows.as_array().expect("rows").iter().filter_map(|row| row["request"].as_u64()).collect();
        let expected: Vec<u64> = told.answers.keys().copied().collect();
        assert_eq!(found, expected, "round {round}: each request is there once");
    }
    let count = told.lock().unwrap().answers.len();
    println!("{rounds} rounds, {count} requests with keys, each done once");
    assert!(count > 0, "nothing was written at all");
}
