//! Several plans in one transaction, and answers kept under a key.

use std::time::Duration;

use plinth_engine::{
    Engine, EngineError, Outcome, Remember, RememberLimits, Step, Stopped, Transacted, Transaction, Why,
};

use super::{Bed, SCHEMA, shown};

const LIMITS: RememberLimits = RememberLimits {
    keep: Duration::from_secs(60),
    max_answer_bytes: 1000,
    max_keys: 3,
    max_total_bytes: 2000,
};

fn steps(bed: &Bed, lines: &[(&str, &str)]) -> Vec<Step> {
    let execution = |(line, body): &(&str, &str)| Step {
        execution: bed.execution("service_role", line, body).expect("a request"),
        accept: None,
    };
    lines.iter().map(execution).collect()
}

/// Runs requests together; their bodies one after the other, or the position and reason of the failure.
async fn together(bed: &Bed, lines: &[(&str, &str)], rollback: bool) -> String {
    told(bed.engine.transact(Transaction { steps: steps(bed, lines), rollback, remember: None }).await)
}

fn told(result: Result<Transacted, Stopped>) -> String {
    match result {
        Ok(Transacted::Done(outcomes)) => joined(outcomes),
        Ok(Transacted::Remembered(answer)) => String::from_utf8(answer).expect("text"),
        Err(Stopped { at, why: Why::Failed(error) }) => format!("{at}: {}", shown(&error)),
        Err(Stopped { at, why: Why::NotAccepted(outcome) }) => format!("{at}: {} rows", outcome.rows),
    }
}

fn joined(outcomes: Vec<Outcome>) -> String {
    let bodies = outcomes.into_iter().map(|outcome| String::from_utf8(outcome.body).expect("text"));
    bodies.collect::<Vec<_>>().join(" ")
}

fn remembered(bed: &Bed, key: u8, asked: u8, limits: RememberLimits, lines: &[(&str, &str)]) -> Transaction {
    let remember = Remember {
        owner: [1; 32],
        key: [key; 32],
        fingerprint: [asked; 32],
        limits,
        answer: Box::new(|outcomes| joined(outcomes).into_bytes()),
    };
    Transaction { steps: steps(bed, lines), rollback: false, remember: Some(remember) }
}

#[tokio::test]
async fn all_or_none() {
    let bed = Bed::new(SCHEMA);
    let add = ("POST /author?select=id return=representation", r#"{"name":"Ada"}"#);
    let read = ("GET /author?select=id,name", "");
    assert_eq!(together(&bed, &[add, read], false).await, r#"[{"id":1}] [{"id":1,"name":"Ada"}]"#);
    let refused = ("POST /author", r#"{"name":null}"#);
    let answer = together(&bed, &[add, read, refused, add], false).await;
    assert!(answer.starts_with("2: 23502 "), "{answer}");
    assert_eq!(bed.count("author").await, 1);
    // Numbers that were drawn are gone, the rows are not there.
    assert_eq!(together(&bed, &[add], true).await, r#"[{"id":4}]"#);
    assert_eq!(bed.count("author").await, 1);
    // Reads alone need no writer, and see one state.
    assert_eq!(
        together(&bed, &[read, read], false).await,
        r#"[{"id":1,"name":"Ada"}] [{"id":1,"name":"Ada"}]"#
    );
}

#[tokio::test]
async fn an_outcome_that_is_not_accepted_rolls_back() {
    let bed = Bed::new(SCHEMA);
    let lines =
        [("POST /author", r#"{"name":"Ada"}"#), ("GET /author", ""), ("POST /author", r#"{"name":"Bob"}"#)];
    for (wanted, expected, left) in [(1, "[]", 2), (5, "1: 3 rows", 2)] {
        let mut steps = steps(&bed, &lines);
        steps[1].accept = Some(Box::new(move |outcome| outcome.rows == wanted));
        let told = told(bed.engine.transact(Transaction { steps, rollback: false, remember: None }).await);
        assert!(told.starts_with(expected), "{told}");
        assert_eq!(bed.count("author").await, left);
    }
}

#[tokio::test]
async fn deferred_references_wait_for_the_end_of_the_transaction() {
    let bed = Bed::new(
        "create table a (id integer primary key, b integer references b deferrable initially deferred);
         create table b (id integer primary key);
         grant select, insert on a, b to service_role;",
    );
    let first = ("POST /a", r#"{"id":1,"b":7}"#);
    let answer = together(&bed, &[first], false).await;
    assert!(answer.starts_with("0: 23503 "), "{answer}");
    let answer = together(&bed, &[first, ("POST /b", r#"{"id":8}"#)], false).await;
    assert!(answer.starts_with("1: 23503 "), "{answer}");
    assert_eq!(bed.count("a").await, 0);
    assert_eq!(together(&bed, &[first, ("POST /b", r#"{"id":7}"#)], false).await, "[] []");
}

#[tokio::test]
async fn limits_hold_for_all_steps_together() {
    let bed = Bed::with(SCHEMA, crate::Options { max_response_bytes: 60, ..crate::Options::default() });
    let add = ("POST /author?select=name return=representation", r#"{"name":"0123456789"}"#);
    let row = r#"[{"name":"0123456789"}]"#;
    assert_eq!(together(&bed, &[add, add], false).await, format!("{row} {row}"));
    let answer = together(&bed, &[add, add, add], false).await;
    assert_eq!(answer, "2: the response is larger than 60 bytes");
    assert_eq!(together(&bed, &[("GET /author?select=id", "")], false).await, r#"[{"id":1},{"id":2}]"#);
}

#[tokio::test]
async fn an_answer_is_remembered_with_its_write() {
    let bed = Bed::new(SCHEMA);
    let add = [("POST /author?select=id return=representation", r#"{"name":"Ada"}"#)];
    let run = async |key, asked, limits| {
        told(bed.engine.transact(remembered(&bed, key, asked, limits, &add)).await)
    };
    assert_eq!(run(1, 1, LIMITS).await, r#"[{"id":1}]"#);
    assert_eq!(run(1, 1, LIMITS).await, r#"[{"id":1}]"#);
    assert_eq!(run(1, 2, LIMITS).await, format!("0: {}", EngineError::KeyReused));
    assert_eq!(run(2, 1, LIMITS).await, r#"[{"id":2}]"#);
    assert_eq!(bed.count("author").await, 2);

    // What is not done is not remembered.
    let large = RememberLimits { max_answer_bytes: 3, ..LIMITS };
    assert_eq!(run(3, 1, large).await, "0: the answer is larger than the 3 bytes that are remembered");
    let full = RememberLimits { max_keys: 2, ..LIMITS };
    assert_eq!(run(3, 1, full).await, "0: too many answers are remembered for this caller: at most 2 keys");
    let full = RememberLimits { max_total_bytes: 25, ..LIMITS };
    assert_eq!(run(3, 1, full).await, "0: too many answers are remembered for this caller: at most 25 bytes");
    assert_eq!(bed.count("author").await, 2);
    assert_eq!(run(3, 1, LIMITS).await, r#"[{"id":6}]"#);
}

#[tokio::test]
async fn what_has_expired_makes_place() {
    let bed = Bed::new(SCHEMA);
    let add = [("POST /author?select=id return=representation", r#"{"name":"Ada"}"#)];
    let at_once = RememberLimits { keep: Duration::ZERO, max_keys: 1, ..LIMITS };
    for id in 1..=4 {
        let answer = told(bed.engine.transact(remembered(&bed, 1, id, at_once, &add)).await);
        assert_eq!(answer, format!(r#"[{{"id":{id}}}]"#));
    }
    let file = rusqlite::Connection::open(&bed.path).expect("the file");
    let kept: (i64, i64, i64) = file
        .query_row(
            "select (select count(*) from _plinth_idempotency), keys, bytes from _plinth_idempotency_use",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .expect("counts");
    assert_eq!(kept, (1, 1, 10));
}
