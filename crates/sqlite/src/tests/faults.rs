//! Disks that are full or read-only, and files that are not what they should be.

use std::fs;
use std::time::Duration;

use plinth_engine::EngineError;

use super::{Bed, SCHEMA};
use crate::{OpenError, Options, SqliteEngine};

fn pragma(bed: &Bed, name: &'static str, value: i64) {
    bed.engine
        .writer
        .serve(move |state| {
            let set = state.database.connection.pragma_update_and_check(None, name, value, |_| Ok(()));
            assert!(matches!(set, Ok(()) | Err(rusqlite::Error::QueryReturnedNoRows)), "{set:?}");
        })
        .expect("the writer runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_writes_until_there_is_room() {
    let bed = Bed::new(SCHEMA);
    bed.check("service_role", &[("POST /author", r#"{"name":"Ada"}"#, "[]")]).await;
    pragma(&bed, "max_page_count", 1);
    let large = format!(r#"{{"name":"Bob","code":"{}"}}"#, "x".repeat(200_000));
    for _ in 0..3 {
        let error = bed.run("service_role", "POST /author", &large).await.err();
        assert!(matches!(error, Some(EngineError::Unavailable { .. })), "{error:?}");
    }
    bed.check("service_role", &[("GET /author?select=name", "", r#"[{"name":"Ada"}]"#)]).await;
    pragma(&bed, "max_page_count", 1_000_000);
    bed.check("service_role", &[("POST /author", &large, "[]")]).await;
    assert_eq!(bed.count("author").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_fails_a_whole_group_or_one() {
    let bed = std::sync::Arc::new(Bed::new(SCHEMA));
    pragma(&bed, "max_page_count", 60);
    let tasks: Vec<_> = (0..40)
        .map(|i| {
            let bed = bed.clone();
            let body = format!(r#"{{"name":"{i}","code":"{i} {}"}}"#, "x".repeat(20_000));
            tokio::spawn(async move { bed.run("service_role", "POST /author", &body).await.map(|_| ()) })
        })
        .collect();
    let mut acknowledged = 0;
    for task in tasks {
        match task.await.expect("no panic") {
            Ok(()) => acknowledged += 1,
            Err(error) => assert!(matches!(error, EngineError::Unavailable { .. }), "{error:?}"),
        }
    }
    // What was acknowledged is there, and nothing else.
    assert_eq!(bed.count("author").await, acknowledged);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_database_still_reads() {
    let bed = Bed::new(SCHEMA);
    bed.check("service_role", &[("POST /author", r#"{"name":"Ada"}"#, "[]")]).await;
    pragma(&bed, "query_only", 1);
    bed.check(
        "service_role",
        &[
            ("POST /author", r#"{"name":"Bob"}"#, "the database is read-only; the write was refused"),
            ("GET /author?select=name", "", r#"[{"name":"Ada"}]"#),
        ],
    )
    .await;
    pragma(&bed, "query_only", 0);
    bed.check("service_role", &[("POST /author", r#"{"name":"Bob"}"#, "[]")]).await;
}

#[test]
fn files_that_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let open = |name: &str| SqliteEngine::open(&path(name), Options::default()).map(|_| ());

    fs::write(path("text.db"), "not a database at all, but long enough to have a header ".repeat(20))
        .expect("a file");
    let error = open("text.db").expect_err("no database");
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");

    let other = rusqlite::Connection::open(path("other.db")).expect("a database");
    other.execute_batch("create table t (a)").expect("a table");
    drop(other);
    let error = open("other.db").expect_err("another program's");
    assert!(
        error
            .to_string()
            .ends_with("other.db is an SQLite database that Plinth did not create; choose another file")
    );

    let first = SqliteEngine::open(&path("mine.db"), Options::default()).expect("a new file");
    let error = open("mine.db").expect_err("in use");
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    drop(first);
    assert!(open("mine.db").is_ok());

    let newer = rusqlite::Connection::open(path("mine.db")).expect("a database");
    newer.pragma_update(None, "user_version", 99).expect("a version");
    drop(newer);
    let error = open("mine.db").expect_err("too new");
    assert!(error.to_string().contains("has format 99"), "{error}");

    let error = open("no/such/folder.db").expect_err("no folder");
    assert!(matches!(error, OpenError::Refused { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_pages_are_told() {
    let bed = Bed::new(SCHEMA);
    let rows: Vec<String> = (0..2000).map(|i| format!(r#"{{"name":"author {i}"}}"#)).collect();
    bed.check("service_role", &[("POST /author", &format!("[{}]", rows.join(",")), "[]")]).await;
    let Bed { engine, path, _folder } = bed;
    drop(engine);
    let mut bytes = fs::read(&path).expect("the file");
    for byte in bytes.iter_mut().skip(4096 * 3) {
        *byte = 0xa5;
    }
    fs::write(&path, bytes).expect("the file");
    let Ok(engine) = SqliteEngine::open(&path, Options::default()) else { return };
    let engine = std::sync::Arc::new(engine);
    engine.adopt(super::catalog(SCHEMA)).expect("a catalog");
    let bed = Bed { engine, path, _folder };
    let error = bed.run("service_role", "GET /author", "").await.err();
    assert_eq!(error, Some(EngineError::Unavailable { reason: "the database file is damaged".into() }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_takes_too_long_leaves_nothing() {
    let schema = format!(
        "{SCHEMA} create table n (id integer primary key);
         create function fill() returns void language sql as
            'insert into n values (-1);
             insert into n select a.id from n a, n b, n c, n d where a.id + b.id + c.id + d.id = -1';
         grant all on all tables in schema public to service_role;"
    );
    let options = Options { statement_timeout: Duration::from_millis(200), ..Options::default() };
    let bed = Bed::with(&schema, options);
    let rows: Vec<String> = (0..500).map(|id| format!(r#"{{"id":{id}}}"#)).collect();
    bed.check("service_role", &[("POST /n", &format!("[{}]", rows.join(",")), "[]")]).await;
    let slow = bed.execution("service_role", "POST /rpc/fill", "{}").expect("a plan");
    let engine = bed.engine.clone();
    let slow = tokio::spawn(async move { plinth_engine::Engine::run(&*engine, slow).await.err() });
    // One that came into the same group is not touched by it.
    let quick = bed.run("service_role", "POST /author", r#"{"name":"a"}"#).await;
    assert!(matches!(quick, Ok(_) | Err(EngineError::Timeout)));
    assert_eq!(slow.await.expect("no panic"), Some(EngineError::Timeout));
    assert_eq!(bed.count("n").await, 500);
}
