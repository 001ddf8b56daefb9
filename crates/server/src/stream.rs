//! Beguns that are sent while their rows are still being read, so that a large one never stands in memory as a whole.
//!
//! The engine's sink is wrapped: small answers pass through it as they are. Of a large one each part is handed to the connection,
//! which takes the next when it has sent the last; a reader waits for a client as long as configured. What goes wrong after the first
//! part ends the connection, so that nobody takes a part for the whole.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Response;
use http_body::Frame;
use http_body_util::BodyExt as _;
use plinth_engine::{EngineError, Outcome, RowSink};
use plinth_values::{Session, Type, ValueRef};
use tokio::sync::{mpsc, oneshot};

use crate::files::{Body, full};

/// A part of an answer, in bytes, and how many parts wait for the connection at most.
const PART_BYTES: usize = 64 * 1024;
const PARTS_WAITING: usize = 4;

/// A running plan.
pub(crate) type Run = Pin<Box<dyn Future<Output = Result<Outcome, EngineError>> + Send>>;

/// What is known when the first part of an answer is handed on.
pub(crate) struct First {
    /// Rows that there will be
    rows: u64,
    /// All rows that match, when they were to be counted
    total: Option<u64>,
    parts: mpsc::Receiver<Bytes>,
}

/// A sink that hands parts on.
struct PartSink {
    inner: Box<dyn RowSink>,
    begun: Option<oneshot::Sender<First>>,
    parts: Option<mpsc::Sender<Bytes>>,
    /// How long the reader may still wait for the client
    patience: Duration,
}

/// Wraps the sink of an answer that may be large. The receiver hears when the first part is there; of a small answer it hears nothing.
pub(crate) fn in_parts(
    sink: Box<dyn RowSink>,
    patience: Duration,
) -> (Box<dyn RowSink>, oneshot::Receiver<First>) {
    let (begun, beginning) = oneshot::channel();
    (Box::new(PartSink { inner: sink, begun: Some(begun), parts: None, patience }), beginning)
}

/// How a plan's answer comes.
pub(crate) enum Begun {
    /// At once
    Whole(Result<Outcome, EngineError>),
    /// In parts: an outcome without body, and what the body is to come from
    Parts(Outcome, Rest),
}

/// Runs a plan until its answer is there, or begins to come.
pub(crate) async fn begin(mut run: Run, mut beginning: oneshot::Receiver<First>) -> Begun {
    tokio::select! {
        biased;
        done = &mut run => match (done, beginning.try_recv()) {
            (Ok(outcome), Ok(begun)) => Begun::Whole(Ok(together(begun, outcome))),
            (done, _) => Begun::Whole(done),
        },
        Ok(First { rows, total, parts }) = &mut beginning => {
            let rest = Parts { run: Some(run), parts, end: None };
            Begun::Parts(Outcome { rows, total, ..Outcome::default() }, Rest(Arc::new(Mutex::new(Some(rest)))))
        }
    }
}

/// The answer of a run that had handed parts on, but ended before anybody looked.
fn together(mut begun: First, outcome: Outcome) -> Outcome {
    let mut body = Vec::with_capacity((PARTS_WAITING + 1) * PART_BYTES);
    while let Ok(part) = begun.parts.try_recv() {
        body.extend_from_slice(&part);
    }
    body.extend_from_slice(&outcome.body);
    Outcome { body, ..outcome }
}

/// The parts of a response's body: carried in its extensions until the response is complete.
#[derive(Clone)]
pub(crate) struct Rest(Arc<Mutex<Option<Parts>>>);

/// The response with its body: what it has, or the parts that are to come.
pub(crate) fn with_body(mut response: Response<Bytes>) -> Response<Body> {
    let rest = response.extensions_mut().remove::<Rest>();
    let parts = rest.and_then(|rest| rest.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    match parts {
        None => response.map(full),
        Some(parts) => response.map(|_| parts.boxed_unsync()),
    }
}

/// A body in parts. Dropping it ends the run.
struct Parts {
    run: Option<Run>,
    parts: mpsc::Receiver<Bytes>,
    end: Option<Vec<u8>>,
}

impl http_body::Body for Parts {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(run) = &mut self.run
            && let Poll::Ready(done) = run.as_mut().poll(context)
        {
            self.run = None;
            match done {
                Ok(outcome) => self.end = Some(outcome.body),
                Err(error) => {
                    tracing::warn!(%error, "a response ended before its end");
                    return Poll::Ready(Some(Err(io::Error::other(error))));
                }
            }
        }
        // What was handed on before the run ended comes first.
        if let Some(part) = ready!(self.parts.poll_recv(context)) {
            return Poll::Ready(Some(Ok(Frame::data(part))));
        }
        if self.run.is_some() {
            // The sink is gone, the outcome is about to come.
            return Poll::Pending;
        }
        let end = self.end.take().filter(|end| !end.is_empty());
        Poll::Ready(end.map(|end| Ok(Frame::data(Bytes::from(end)))))
    }
}

impl PartSink {
    /// Waits until the connection takes a part, as long as there is patience.
    fn send(&mut self, part: Bytes) -> Result<(), EngineError> {
        let Some(parts) = &self.parts else { return Ok(()) };
        let part = match parts.try_send(part) {
            Ok(()) => return Ok(()),
            // The client has left.
            Err(mpsc::error::TrySendError::Closed(_)) => return Err(EngineError::Timeout),
            Err(mpsc::error::TrySendError::Full(part)) => part,
        };
        let started = Instant::now();
        let sent =
            tokio::runtime::Handle::current().block_on(tokio::time::timeout(self.patience, parts.send(part)));
        self.patience = self.patience.saturating_sub(started.elapsed());
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(EngineError::Timeout),
        }
    }
}

impl RowSink for PartSink {
    fn header(&mut self, names: &[&str]) {
        self.inner.header(names);
    }

    fn begin_row(&mut self) {
        self.inner.begin_row();
    }

    fn end_row(&mut self) {
        self.inner.end_row();
    }

    fn value(&mut self, name: &str, ty: &Type, value: ValueRef<'_>, session: &Session) {
        self.inner.value(name, ty, value, session);
    }

    fn begin_object(&mut self, name: &str) {
        self.inner.begin_object(name);
    }

    fn end_object(&mut self) {
        self.inner.end_object();
    }

    fn null(&mut self, name: &str) {
        self.inner.null(name);
    }

    fn begin_array(&mut self, name: &str) {
        self.inner.begin_array(name);
    }

    fn end_array(&mut self) {
        self.inner.end_array();
    }

    fn element(&mut self, ty: &Type, value: ValueRef<'_>, session: &Session) {
        self.inner.element(ty, value, session);
    }

    fn len(&self) -> usize {
        self.inner.len()
    }

    fn wants_text(&self) -> bool {
        self.inner.wants_text()
    }

    fn is_full(&self) -> bool {
        self.inner.len() >= PART_BYTES
    }

    fn hand_on(&mut self, rows: u64, total: Option<u64>) -> Result<(), EngineError> {
        let Some(part) = self.inner.take() else { return Ok(()) };
        if let Some(begun) = self.begun.take() {
            let (sender, parts) = mpsc::channel(PARTS_WAITING);
            self.parts = Some(sender);
            // Nobody hears it when the client has left; then nobody takes the part either.
            drop(begun.send(First { rows, total, parts }));
        }
        self.send(Bytes::from(part))
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        self.inner.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plinth_engine::{JsonShape, JsonSink};

    /// A run that writes so many rows in a thread that may wait, and then ends like this.
    fn run(rows: i64, end: Result<(), EngineError>) -> (Run, oneshot::Receiver<First>) {
        let sink = Box::new(JsonSink::new(JsonShape::Rows, false));
        let (mut sink, beginning) = in_parts(sink, Duration::from_secs(5));
        let task = tokio::task::spawn_blocking(move || {
            for row in 0..rows {
                sink.begin_row();
                sink.value("id", &Type::Int8, ValueRef::Int(row), &Session::utc());
                sink.end_row();
                if sink.is_full() {
                    sink.hand_on(rows as u64, None)?;
                }
            }
            end.map(|()| Outcome { body: sink.finish(), rows: rows as u64, ..Outcome::default() })
        });
        (Box::pin(async move { task.await.expect("no panic") }), beginning)
    }

    fn expected(rows: i64) -> String {
        let rows: Vec<String> = (0..rows).map(|row| format!("{{\"id\":{row}}}")).collect();
        format!("[{}]", rows.join(","))
    }

    async fn body(answer: Begun) -> Result<(bool, String), String> {
        let (whole, response) = match answer {
            Begun::Whole(outcome) => {
                (true, Response::new(Bytes::from(outcome.map_err(|e| e.to_string())?.body)))
            }
            Begun::Parts(_, rest) => {
                let mut response = Response::new(Bytes::new());
                response.extensions_mut().insert(rest);
                (false, response)
            }
        };
        let collected = with_body(response).collect().await.map_err(|error| error.to_string())?;
        Ok((whole, String::from_utf8(collected.to_bytes().to_vec()).expect("UTF-8")))
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
    }

    #[test]
    fn every_row_comes_once_whatever_the_size() {
        runtime().block_on(async {
            for rows in [0, 1, 6_000, 8_000, 20_000, 200_000] {
                let (run, beginning) = run(rows, Ok(()));
                let (_, text) = body(begin(run, beginning).await).await.expect("an answer");
                assert!(text == expected(rows), "{rows} rows");
            }
        });
    }

    #[test]
    fn parts_that_nobody_saw_before_the_end_are_put_together() {
        runtime().block_on(async {
            let (mut run, beginning) = run(20_000, Ok(()));
            // The run ends before anybody listens.
            let outcome = (&mut run).await;
            let ended: Run = Box::pin(async move { outcome });
            let (whole, text) = body(begin(ended, beginning).await).await.expect("an answer");
            assert!(whole && text == expected(20_000));
        });
    }

    #[test]
    fn an_error_is_an_error_whenever_it_comes() {
        runtime().block_on(async {
            for rows in [1, 200_000] {
                let (run, beginning) = run(rows, Err(EngineError::Busy));
                assert!(body(begin(run, beginning).await).await.is_err(), "{rows} rows");
            }
        });
    }

    #[test]
    fn nobody_waits_for_a_client_for_ever() {
        runtime().block_on(async {
            let (mut sink, beginning) =
                in_parts(Box::new(JsonSink::new(JsonShape::Rows, false)), Duration::from_millis(20));
            let task = tokio::task::spawn_blocking(move || {
                loop {
                    sink.begin_row();
                    sink.value("id", &Type::Int8, ValueRef::Int(1), &Session::utc());
                    sink.end_row();
                    if sink.is_full() {
                        sink.hand_on(1, None)?;
                    }
                }
            });
            let ended: Result<Result<(), EngineError>, _> = task.await;
            assert_eq!(ended.expect("no panic"), Err(EngineError::Timeout));
            drop(beginning);
        });
    }
}
