//! Writes at the same time: each its own, all of a group on disk or none.

use std::sync::Arc;

use plinth_engine::{Engine, EngineError};

use super::{Bed, SCHEMA};
use crate::Options;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_writers_and_readers() {
    let bed = Arc::new(Bed::new(SCHEMA));
    bed.check("service_role", &[("POST /author", r#"{"name":"Ada"}"#, "[]")]).await;
    let tasks: Vec<_> = (0..64)
        .map(|task| {
            let bed = bed.clone();
            tokio::spawn(async move {
                for round in 0..10 {
                    // Every third row is refused, alone.
                    let author = if (task + round) % 3 == 0 { 99 } else { 1 };
                    let body = format!(r#"{{"author_id":{author},"title":"{task} {round}"}}"#);
                    let written = bed.run("service_role", "POST /book", &body).await;
                    match (author, written) {
                        (99, Err(EngineError::Sql { code, .. })) => assert_eq!(code, "23503"),
                        (1, Ok(outcome)) => assert_eq!(outcome.inserted, 1),
                        (_, other) => panic!("{:?}", other.err()),
                    }
                    let read = bed.run("service_role", "GET /author?id=eq.1&select=name", "").await;
                    assert_eq!(read.expect("a read").body, br#"[{"name":"Ada"}]"#);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    let refused =
        (0..64).flat_map(|task| (0..10).map(move |round| (task + round) % 3 == 0)).filter(|r| *r).count();
    assert_eq!(bed.count("book").await, 640 - refused as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_row_fails_alone() {
    let bed = Bed::new(SCHEMA);
    let bodies = [
        r#"{"name":"a","code":"x"}"#,
        r#"{"name":null}"#,
        r#"{"name":"b","code":"x"}"#,
        r#"{"name":"c","code":"y"}"#,
    ];
    let running: Vec<_> = bodies
        .iter()
        .map(|body| {
            let execution = bed.execution("service_role", "POST /author", body).expect("a plan");
            let engine = bed.engine.clone();
            tokio::spawn(async move { engine.run(execution).await.is_ok() })
        })
        .collect();
    let mut stayed = Vec::new();
    for task in running {
        stayed.push(task.await.expect("no panic"));
    }
    // Of the two with the same code, whichever came first has stayed.
    assert_eq!(stayed.iter().filter(|stayed| **stayed).count(), 2);
    assert!(!stayed[1] && stayed[3]);
    assert_eq!(bed.count("author").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_stays_short() {
    let bed = Arc::new(Bed::new(SCHEMA));
    let tasks: Vec<_> = (0..50)
        .map(|task| {
            let bed = bed.clone();
            tokio::spawn(async move {
                for round in 0..100 {
                    let body = format!(r#"{{"title":"{task} {round} {}"}}"#, "x".repeat(300));
                    assert!(bed.run("service_role", "POST /book return=representation", &body).await.is_ok());
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    let log = std::fs::metadata(crate::connection::beside(&bed.path, "-wal")).expect("a log").len();
    assert!(log < 10 << 20, "the log has {log} bytes");
    assert_eq!(bed.count("book").await, 5000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_ends_one_write_alone() {
    let bed = Bed::new(SCHEMA);
    let mut execution = bed
        .execution("service_role", "POST /author return=representation", r#"{"name":"a"}"#)
        .expect("a plan");
    execution.sink = Box::new(Panicking);
    let error = bed.engine.run(execution).await.err();
    assert!(matches!(error, Some(EngineError::Internal { .. })), "{error:?}");
    assert_eq!(bed.count("author").await, 0);
    bed.check(
        "service_role",
        &[("POST /author?select=id return=representation", r#"{"name":"b"}"#, r#"[{"id":2}]"#)],
    )
    .await;
}

#[tokio::test]
async fn a_full_queue_is_refused() {
    let bed = Bed::with(SCHEMA, Options { max_waiting: 1, ..Options::default() });
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let (started, start) = std::sync::mpsc::channel::<()>();
    let engine = bed.engine.clone();
    let holder = std::thread::spawn(move || {
        engine.writer.serve(move |_| {
            let _ = started.send(());
            let _ = held.recv();
        })
    });
    start.recv().expect("the writer is held");
    let first = bed.execution("service_role", "POST /author", r#"{"name":"a"}"#).expect("a plan");
    let engine = bed.engine.clone();
    let first = tokio::spawn(async move { engine.run(first).await.is_ok() });
    tokio::task::yield_now().await;
    let second = bed.run("service_role", "POST /author", r#"{"name":"b"}"#).await.err();
    assert_eq!(second, Some(EngineError::Busy));
    drop(hold);
    assert!(first.await.expect("no panic"));
    assert!(holder.join().expect("no panic").is_ok());
}

/// A sink that fails as no sink should.
struct Panicking;

impl plinth_engine::RowSink for Panicking {
    fn header(&mut self, _: &[&str]) {
        panic!("a defect")
    }
    fn begin_row(&mut self) {}
    fn end_row(&mut self) {}
    fn value(
        &mut self,
        _: &str,
        _: &plinth_values::Type,
        _: plinth_values::ValueRef<'_>,
        _: &plinth_values::Session,
    ) {
    }
    fn begin_object(&mut self, _: &str) {}
    fn end_object(&mut self) {}
    fn null(&mut self, _: &str) {}
    fn begin_array(&mut self, _: &str) {}
    fn end_array(&mut self) {}
    fn element(
        &mut self,
        _: &plinth_values::Type,
        _: plinth_values::ValueRef<'_>,
        _: &plinth_values::Session,
    ) {
    }
    fn len(&self) -> usize {
        0
    }
    fn finish(self: Box<Self>) -> Vec<u8> {
        Vec::new()
    }
}
