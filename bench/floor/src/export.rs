//! A million rows as one response, in chunks: the thread that reads waits while the client has not taken them.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::Response;
use hyper::body::Frame;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use rusqlite::types::ValueRef;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::database::read;
use crate::{Body, json};

const CHUNK_BYTES: usize = 64 * 1024;
const CHUNKS_AHEAD: usize = 4;
const SQL: &str = "select id, kind, place, amount, note from event";

struct Chunks(Receiver<Bytes>);

impl hyper::body::Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|chunk| chunk.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// All events as a JSON array.
pub fn json(path: &str) -> Response<Body> {
    stream(path, "application/json; charset=utf-8", b"[", b"]", |row, first, out| {
        out.extend_from_slice(if first { b"{\"id\":" } else { b",{\"id\":" });
        json::int(row.get(0)?, out);
        out.extend_from_slice(b",\"kind\":");
        json::string(row.get_ref(1)?.as_str()?, out);
        out.extend_from_slice(b",\"place\":");
        json::int(row.get(2)?, out);
        out.extend_from_slice(b",\"amount\":");
        json::int(row.get(3)?, out);
        out.extend_from_slice(b",\"note\":");
        match row.get_ref(4)? {
            ValueRef::Null => out.extend_from_slice(b"null"),
            text => json::string(text.as_str()?, out),
        }
        out.push(b'}');
        Ok(())
    })
}

/// All events as CSV. Notes have blanks, which Plinth (as PostgREST) puts in quotes; no text has a quote of its own.
pub fn csv(path: &str) -> Response<Body> {
    stream(path, "text/csv; charset=utf-8", b"id,kind,place,amount,note", b"", |row, _, out| {
        out.push(b'\n');
        json::int(row.get(0)?, out);
        out.push(b',');
        out.extend_from_slice(row.get_ref(1)?.as_bytes()?);
        out.push(b',');
        json::int(row.get(2)?, out);
        out.push(b',');
        json::int(row.get(3)?, out);
        out.push(b',');
        if let Some(note) = row.get_ref(4)?.as_bytes_or_null()? {
            out.push(b'"');
            out.extend_from_slice(note);
            out.push(b'"');
        }
        Ok(())
    })
}

fn stream(
    path: &str,
    media_type: &'static str,
    head: &'static [u8],
    tail: &'static [u8],
    write: impl Fn(&rusqlite::Row<'_>, bool, &mut Vec<u8>) -> rusqlite::Result<()> + Send + 'static,
) -> Response<Body> {
    let (sender, receiver) = channel(CHUNKS_AHEAD);
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || {
        let mut out = head.to_vec();
        let result = read(&path, |connection| {
            let mut statement = connection.prepare_cached(SQL)?;
            let mut rows = statement.query([])?;
            let mut first = true;
            while let Some(row) = rows.next()? {
                write(row, first, &mut out)?;
                first = false;
                if out.len() >= CHUNK_BYTES && !send(&sender, &mut out) {
                    return Ok(());
                }
            }
            out.extend_from_slice(tail);
            send(&sender, &mut out);
            Ok(())
        });
        if let Err(error) = result {
            eprintln!("an export ended early: {error}");
        }
    });
    let mut response = Response::new(Chunks(receiver).boxed());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// False when the client has left.
fn send(sender: &Sender<Bytes>, out: &mut Vec<u8>) -> bool {
    let full = std::mem::replace(out, Vec::with_capacity(CHUNK_BYTES + 1024));
    sender.blocking_send(Bytes::from(full)).is_ok()
}
