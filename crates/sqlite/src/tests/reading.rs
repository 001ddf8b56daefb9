//! Reads: nested rows, spreads, counts, limits, cancellation.

use std::time::Duration;

use plinth_engine::{Engine, EngineError};

use super::{Bed, SCHEMA, shown};
use crate::Options;

async fn library() -> Bed {
    let bed = Bed::new(SCHEMA);
    let steps = [
        ("POST /author", r#"[{"name":"Ada","code":"a"},{"name":"Bob","code":"b"}]"#),
        (
            "POST /book",
            r#"[{"author_id":1,"title":"One","rating":null},{"author_id":1,"title":"Two","rating":4},{"author_id":null,"title":"Lost","rating":null}]"#,
        ),
        ("POST /page", r#"[{"id":1,"book_id":1},{"id":2,"book_id":1}]"#),
    ];
    for (line, body) in steps {
        bed.check("service_role", &[(line, body, "[]")]).await;
    }
    bed
}

#[tokio::test]
async fn nested_rows() {
    let bed = library().await;
    bed.check(
        "service_role",
        &[
            ("GET /author?select=id,name,shout&order=id.desc", "", r#"[{"id":2,"name":"Bob","shout":"BOB"},{"id":1,"name":"Ada","shout":"ADA"}]"#),
            ("GET /author?id=eq.7", "", "[]"),
            (
                "GET /author?select=name,book(title,page(id))&order=id&book.order=id",
                "",
                r#"[{"name":"Ada","book":[{"title":"One","page":[{"id":1},{"id":2}]},{"title":"Two","page":[]}]},{"name":"Bob","book":[]}]"#,
            ),
            (
                "GET /book?select=title,author(name)&order=id",
                "",
                r#"[{"title":"One","author":{"name":"Ada"}},{"title":"Two","author":{"name":"Ada"}},{"title":"Lost","author":null}]"#,
            ),
            (
                "GET /book?select=title,...author(name,code)&order=id",
                "",
                r#"[{"title":"One","name":"Ada","code":"a"},{"title":"Two","name":"Ada","code":"a"},{"title":"Lost","name":null,"code":null}]"#,
            ),
            (
                "GET /author?select=name,...book(title,rating)&order=id&book.order=id",
                "",
                r#"[{"name":"Ada","title":["One","Two"],"rating":[null,4]},{"name":"Bob","title":[],"rating":[]}]"#,
            ),
            ("GET /author?id=eq.1&select=name single", "", r#"{"name":"Ada"}"#),
            ("GET /author?select=name single", "", "the result contains 2 rows"),
            ("GET /rpc/all_books?select=title&order=title.desc&limit=1", "", r#"[{"title":"Two"}]"#),
        ],
    )
    .await;
}

#[tokio::test]
async fn counts() {
    let bed = library().await;
    for (line, rows, total) in [
        ("GET /author", 2, None),
        ("GET /author count=exact", 2, Some(2)),
        ("GET /author?limit=1 count=exact", 1, Some(2)),
        ("GET /author?limit=1&offset=1 count=exact", 1, Some(2)),
        ("GET /author?limit=5&offset=1 count=exact", 1, Some(2)),
        ("GET /author?offset=9 count=exact", 0, Some(2)),
        ("GET /author?id=eq.9 count=exact", 0, Some(0)),
    ] {
        let outcome = bed.run("service_role", line, "").await.expect("a read");
        assert_eq!((outcome.rows, outcome.total), (rows, total), "{line}");
    }
}

/// A read that would take minutes: every row of a large table with every other.
const SLOW: &str = "
    create table n (id integer primary key);
    create view slow as select count(*) as c from n a, n b, n c, n d where a.id + b.id + c.id + d.id = -1;
    grant all on all tables in schema public to service_role;
";

async fn slow(options: Options) -> Bed {
    let bed = Bed::with(SLOW, options);
    let rows: Vec<String> = (0..500).map(|id| format!(r#"{{"id":{id}}}"#)).collect();
    bed.check("service_role", &[("POST /n", &format!("[{}]", rows.join(",")), "[]")]).await;
    bed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_takes_too_long_ends() {
    let bed = slow(Options { statement_timeout: Duration::from_millis(150), ..Options::default() }).await;
    let error = bed.run("service_role", "GET /slow", "").await.err();
    assert_eq!(error, Some(EngineError::Timeout));
    assert_eq!(bed.count("n").await, 500, "the connection serves on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_nobody_waits_for_ends() {
    let options = Options { readers: 1, ..Options::default() };
    let bed = slow(options).await;
    let execution = bed.execution("service_role", "GET /slow", "").expect("a plan");
    let left = tokio::time::timeout(Duration::from_millis(100), bed.engine.run(execution)).await;
    assert!(left.is_err(), "the read takes long");
    // The only reader is free again long before the statement's own time is up.
    let next =
        tokio::time::timeout(Duration::from_secs(5), bed.run("service_role", "GET /n?limit=1", "")).await;
    assert!(matches!(next, Ok(Ok(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_may_wait_is_refused() {
    let options = Options {
        readers: 1,
        max_waiting: 2,
        statement_timeout: Duration::from_millis(300),
        ..Options::default()
    };
    let bed = std::sync::Arc::new(slow(options).await);
    let reads: Vec<_> = (0..8)
        .map(|_| {
            let bed = bed.clone();
            tokio::spawn(async move { bed.run("service_role", "GET /slow", "").await.err() })
        })
        .collect();
    let mut busy = 0;
    for read in reads {
        let error = read.await.expect("no panic").expect("an error");
        assert!(matches!(error, EngineError::Busy | EngineError::Timeout), "{error:?}");
        busy += usize::from(error == EngineError::Busy);
    }
    assert!(busy >= 5, "{busy} of 8 were refused");
}

#[tokio::test]
async fn a_response_has_a_limit() {
    let bed = Bed::with(SCHEMA, Options { max_response_bytes: 2000, ..Options::default() });
    let rows: Vec<String> = (0..100).map(|i| format!(r#"{{"name":"author {i}"}}"#)).collect();
    bed.check("service_role", &[("POST /author", &format!("[{}]", rows.join(",")), "[]")]).await;
    let error = bed.run("service_role", "GET /author", "").await.err();
    assert_eq!(error, Some(EngineError::ResponseTooLarge { limit: 2000 }));
    let error = bed.run("service_role", "PATCH /author return=representation", r#"{"score":1}"#).await.err();
    assert_eq!(error.as_ref().map(shown).as_deref(), Some("the response is larger than 2000 bytes"));
    bed.check("service_role", &[("GET /author?select=score&limit=1", "", r#"[{"score":5}]"#)]).await;
}
