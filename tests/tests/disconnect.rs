//! A client that leaves takes its work with it.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use plinth_tests::server::root;
use plinth_tests::{Project, Server};

/// How long the next request may wait for a reader: far less than what was left takes, far more than a slow machine needs.
const FREE_AFTER: Duration = Duration::from_secs(20);

#[test]
fn a_client_that_leaves_frees_the_database_at_once() {
    let project = Project::copy_of(&root().join("tests/cases/limits")).seeded();
    // One reader, which what was left would keep for minutes.
    let environment = [
        ("PLINTH_DATABASE_STATEMENT_TIMEOUT_MS", "600000"),
        ("PLINTH_DATABASE_READERS", "1"),
        ("PLINTH_API_MAX_ROWS", "0"),
    ];
    let server = Server::start(project, "serve", &environment);
    let request = "GET /rest/v1/slow HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut left = TcpStream::connect(&server.address).expect("the server listens");
    left.write_all(request.as_bytes()).expect("the request is sent");
    std::thread::sleep(Duration::from_millis(500));
    drop(left);
    // Not yet known to be cheap, it needs the same reader.
    let started = Instant::now();
    let answer = server.get("/rest/v1/node?select=id,name&id=lte.2&order=name.desc");
    let waited = started.elapsed();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(waited < FREE_AFTER, "the reader was free after {waited:?}");
}

#[test]
fn while_it_stays_the_database_works_for_it() {
    let project = Project::copy_of(&root().join("tests/cases/limits")).seeded();
    let environment = [("PLINTH_DATABASE_STATEMENT_TIMEOUT_MS", "3000"), ("PLINTH_DATABASE_READERS", "1")];
    let server = Server::start(project, "serve", &environment);
    let request = "GET /rest/v1/slow HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut stays = TcpStream::connect(&server.address).expect("the server listens");
    stays.write_all(request.as_bytes()).expect("the request is sent");
    std::thread::sleep(Duration::from_millis(300));
    let started = Instant::now();
    // It waits for the reader until the first one's time is up, or its own.
    server.get("/rest/v1/node?select=id,name&id=lte.2&order=name.desc");
    assert!(started.elapsed() > Duration::from_secs(1), "the reader was free: {:?}", started.elapsed());
    drop(stays);
}
