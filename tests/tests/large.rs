//! Answers of many rows: sent while they are read, whole or visibly broken off, and never standing in the server's memory.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use plinth_tests::{Project, Server, send};

const ROWS: usize = 300_000;
const NOTE: &str = "twenty-four megabytes of these do not fit into a socket's buffers";

const SCHEMA: &str = "
create view counted as
    with recursive c(n) as (select 1 union all select n + 1 from c where n < 300000)
    select n as id, 'twenty-four megabytes of these do not fit into a socket''s buffers'::text as note from c;
create view failing as
    with recursive c(n) as (select 1 union all select n + 1 from c where n < 300000)
    select n as id, 1000 / (n - 200000) as part, repeat('x', 50) as note from c;
create view failing_at_once as
    with recursive c(n) as (select 1 union all select n + 1 from c where n < 300000)
    select n as id, 1000 / (n - 1) as part from c;
grant select on counted, failing, failing_at_once to anon;
";

fn server() -> Server {
    let toml = "[server]\nsend_timeout_seconds = 2\n\
                [database]\nreaders = 1\nstatement_timeout_ms = 60000\nmax_response_bytes = 1000000\n\
                [api]\nmax_rows = 0\n";
    let project = Project::with_files(&[("plinth.toml", toml), ("schema/01_views.sql", SCHEMA)]);
    Server::start(project, "serve", &[])
}

fn json(ids: impl Iterator<Item = usize>) -> String {
    let rows: Vec<String> = ids.map(|id| format!(r#"{{"id":{id},"note":"{NOTE}"}}"#)).collect();
    format!("[{}]", rows.join(","))
}

/// The most memory that the server had so far, in bytes.
fn peak(server: &Server) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("a peak");
    let kilobytes: usize = line.split_ascii_whitespace().nth(1).expect("a number").parse().expect("a number");
    kilobytes * 1024
}

#[test]
fn many_rows_come_whole_and_in_parts() {
    let server = server();
    let small = server.get("/rest/v1/counted?limit=3");
    assert_eq!(small.text(), json(1..=3));
    assert_eq!(small.header("transfer-encoding"), None);
    let before = peak(&server);

    let all = server.get("/rest/v1/counted");
    assert_eq!(all.status, 200);
    assert_eq!(all.header("content-range"), Some("0-299999/*"));
    assert_eq!(all.header("transfer-encoding"), Some("chunked"));
    assert_eq!(all.header("content-type"), Some("application/json; charset=utf-8"));
    assert!(all.text() == json(1..=ROWS), "the rows are not all the rows");

    let part = "/rest/v1/counted?offset=10&limit=250000";
    let part = server.send("GET", part, &[("Prefer", "count=exact")], None);
    assert_eq!((part.status, part.header("content-range")), (206, Some("10-250009/300000")));
    assert!(part.text() == json(11..=250_010), "the rows are not those asked for");

    let csv = server.send("GET", "/rest/v1/counted", &[("Accept", "text/csv")], None);
    let expected: String = (1..=ROWS).map(|id| format!("\n{id},\"{NOTE}\"")).collect();
    assert_eq!(csv.header("content-range"), Some("0-299999/*"));
    assert!(csv.text() == format!("id,note{expected}"), "the lines are not all the rows");

    let grown = peak(&server) - before;
    assert!(grown < 8 << 20, "the server grew by {grown} bytes for answers of {} each", all.body.len());
}

#[test]
fn what_has_to_be_known_as_a_whole_has_a_limit() {
    let server = server();
    let object = [("Accept", "application/vnd.pgrst.object+json")];
    let refused = server.send("GET", "/rest/v1/counted", &object, None);
    assert_eq!((refused.status, refused.header("transfer-encoding")), (400, None));
    assert_eq!(refused.json()["code"], "54000");
}

#[test]
fn an_error_after_the_first_rows_breaks_the_connection() {
    let server = server();
    let at_once = server.get("/rest/v1/failing_at_once");
    assert_eq!(at_once.status, 400);
    assert_eq!(at_once.json()["code"], "22012");
    let broken = send(&server.address, "GET", "/rest/v1/failing", &[], None);
    assert!(broken.is_err(), "a part was taken for the whole: {:?}", broken.map(|b| b.headers));
    assert!(server.log().contains("ended before its end"), "{}", server.log());
    // Up to the row that fails there is nothing wrong.
    assert_eq!(server.get("/rest/v1/failing?select=id&limit=199999").status, 200);
}

#[test]
fn a_client_that_takes_nothing_does_not_keep_the_reader() {
    let server = server();
    let mut stalled = TcpStream::connect(&server.address).unwrap();
    let request = format!("GET /rest/v1/counted HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    stalled.write_all(request.as_bytes()).unwrap();
    let mut first = [0; 1000];
    stalled.read_exact(&mut first).unwrap();
    // The only reader is the stalled client's, until the patience with it is at its end.
    let started = Instant::now();
    assert_eq!(server.get("/rest/v1/counted?limit=200000&select=id").status, 200);
    assert!(started.elapsed() < Duration::from_secs(40), "it took {:?}", started.elapsed());
    let mut rest = Vec::new();
    let _ = stalled.read_to_end(&mut rest);
    assert!(!rest.ends_with(b"0\r\n\r\n"), "the stalled answer looks whole");
}

#[test]
fn a_client_that_leaves_ends_the_read() {
    let server = server();
    for _ in 0..3 {
        let mut leaving = TcpStream::connect(&server.address).unwrap();
        let request = format!("GET /rest/v1/counted HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
        leaving.write_all(request.as_bytes()).unwrap();
        let mut first = [0; 1000];
        leaving.read_exact(&mut first).unwrap();
        drop(leaving);
    }
    let started = Instant::now();
    assert_eq!(server.get("/rest/v1/counted?limit=2000&select=id").status, 200);
    assert!(started.elapsed() < Duration::from_secs(20), "it took {:?}", started.elapsed());
}
