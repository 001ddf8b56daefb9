//! One connection on the wire: several statements as one transaction in one round trip.
//!
//! tokio-postgres ends every statement with a `Sync` of its own, so that a failed `begin` would let the next statement run
//! without its role. Here a request's statements share one `Sync`: PostgreSQL runs them as one implicit transaction, an error
//! skips all that follow, and nothing is ever left open. Rows come in the formats that their sink wants.

mod connect;
mod message;
mod statements;

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;

use bytes::{Buf as _, BytesMut};
use postgres_protocol::IsNull;
use postgres_protocol::message::frontend;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};

pub(crate) use connect::{Cancel, Startup, connect};
pub(crate) use message::{DatabaseError, Row};

use message::Message;
use statements::Statements;

/// A byte stream to a server.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// A connection. It is of use only while [`Connection::is_idle`]: one that was left in the middle of an answer is thrown away.
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    input: BytesMut,
    output: BytesMut,
    statements: Statements,
    /// Answers to a `Sync` that have not been read yet
    pending: usize,
    /// Statements were sent whose `Sync` is still to come
    open: bool,
    cancel: Cancel,
}

/// How a column comes over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    /// PostgreSQL's text form
    Text,
    /// PostgreSQL's binary form
    Binary,
}

/// A statement with its parameters, all as text; `None` is null.
#[derive(Clone, Copy)]
pub(crate) struct Step<'a> {
    pub(crate) text: &'a str,
    pub(crate) params: &'a [Option<Vec<u8>>],
    /// One format for each column of the result; empty: all as text
    pub(crate) formats: &'a [Format],
}

/// Why an exchange failed.
#[derive(Debug)]
pub(crate) enum WireError {
    /// The server refused; the connection is usable once its answer is read to the end
    Database(Box<DatabaseError>),
    /// The connection is gone
    Io(io::Error),
    /// The server does not keep to the protocol
    Protocol(&'static str),
}

impl From<io::Error> for WireError {
    fn from(error: io::Error) -> WireError {
        WireError::Io(error)
    }
}

impl Connection {
    /// Whether everything sent has been answered.
    pub(crate) fn is_idle(&self) -> bool {
        self.pending == 0
    }

    /// Whether statements were sent whose end is still to be said.
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// What it takes to cancel a statement that runs here.
    pub(crate) fn cancel(&self) -> Cancel {
        self.cancel.clone()
    }

    /// Whether the server is still there, as far as can be known without asking: an idle connection has nothing to read.
    pub(crate) async fn is_alive(&mut self) -> bool {
        let mut byte = [0u8; 1];
        let stream = &mut self.stream;
        poll_fn(|cx| {
            let mut buffer = ReadBuf::new(&mut byte);
            // Anything to read now is an end of the stream or the farewell before it.
            Poll::Ready(Pin::new(&mut **stream).poll_read(cx, &mut buffer).is_pending())
        })
        .await
    }

    /// Adds statements to what will be sent.
    pub(crate) fn push<'s>(
        &mut self,
        steps: impl IntoIterator<Item = &'s Step<'s>>,
    ) -> Result<(), WireError> {
        for step in steps {
            let name = self.statements.name(step.text, &mut self.output)?;
            let fresh = name.as_ref().is_none_or(|name| !name.known);
            let name = name.map(|name| name.name).unwrap_or_default();
            if fresh {
                frontend::parse(&name, step.text, [], &mut self.output)?;
            }
            let formats = step.formats.iter().map(|format| match format {
                Format::Text => 0,
                Format::Binary => 1,
            });
            frontend::bind(
                "",
                &name,
                [],
                step.params,
                |param, buffer| match param {
                    Some(text) => {
                        buffer.extend_from_slice(text);
                        Ok(IsNull::No)
                    }
                    None => Ok(IsNull::Yes),
                },
                formats,
                &mut self.output,
            )
            .map_err(|_| WireError::Protocol("a statement has too many parameters"))?;
            frontend::execute("", 0, &mut self.output)?;
        }
        Ok(())
    }

    /// Ends the transaction with what was added: everything so far is committed unless it failed.
    pub(crate) fn push_sync(&mut self) {
        frontend::sync(&mut self.output);
        if !std::mem::take(&mut self.open) {
            self.pending += 1;
        }
    }

    /// Asks for the answers so far without ending the transaction.
    pub(crate) fn push_flush(&mut self) {
        frontend::flush(&mut self.output);
        if !std::mem::replace(&mut self.open, true) {
            self.pending += 1;
        }
    }

    /// Sends what was added.
    pub(crate) async fn send(&mut self) -> Result<(), WireError> {
        // A crash of this future leaves the connection unusable, which `pending` tells.
        self.stream.write_all_buf(&mut self.output).await?;
        self.stream.flush().await?;
        Ok(())
    }

    /// Reads the answers of `steps` statements. Rows go to `row` with the position of their statement; what it says may end the
    /// reading early, and then the connection is not idle. Gives the rows that each statement gave or affected.
    pub(crate) async fn answers<E>(
        &mut self,
        steps: usize,
        mut row: impl FnMut(usize, Row<'_>) -> Result<(), E>,
    ) -> Result<Result<Vec<u64>, E>, WireError> {
        let mut counts = Vec::with_capacity(steps);
        while counts.len() < steps {
            match self.next().await? {
                Head::Row(length) => {
                    let body = self.input.get(5..length).unwrap_or_default();
                    let taken = row(counts.len(), Row::new(body));
                    self.input.advance(length);
                    if let Err(error) = taken {
                        return Ok(Err(error));
                    }
                }
                Head::Other(Message::Complete(rows)) => counts.push(rows),
                Head::Other(Message::Error(error)) => {
                    self.statements.forget_unanswered();
                    return Err(WireError::Database(error));
                }
                Head::Other(Message::Parsed) => self.statements.answered(),
                Head::Other(Message::Ready { .. }) => {
                    return Err(WireError::Protocol("an answer ended before its statements"));
                }
                Head::Other(Message::Skip) => {}
            }
        }
        Ok(Ok(counts))
    }

    /// Reads to the end of an exchange: whether a transaction is left open. An error here is one of the commit.
    pub(crate) async fn finish(&mut self) -> Result<bool, WireError> {
        let mut failed = None;
        loop {
            match self.next().await? {
                Head::Row(length) => self.input.advance(length),
                Head::Other(Message::Ready { in_transaction }) => {
                    self.pending = self.pending.saturating_sub(1);
                    return match failed {
                        Some(error) => Err(WireError::Database(error)),
                        None => Ok(in_transaction),
                    };
                }
                Head::Other(Message::Error(error)) => {
                    self.statements.forget_unanswered();
                    failed = Some(error);
                }
                Head::Other(Message::Parsed) => self.statements.answered(),
                Head::Other(_) => {}
            }
        }
    }

    /// The next message. A row stays in the input, because copying it would be the greater part of the work.
    async fn next(&mut self) -> Result<Head, WireError> {
        loop {
            if let Some(length) = message::length(&self.input)? {
                if self.input.first() == Some(&message::DATA_ROW) {
                    return Ok(Head::Row(length));
                }
                let bytes = self.input.split_to(length);
                return Ok(Head::Other(message::read(&bytes)?));
            }
            self.input.reserve(8192);
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Err(WireError::Io(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }
}

enum Head {
    /// A row of so many bytes, at the beginning of the input
    Row(usize),
    Other(Message),
}
