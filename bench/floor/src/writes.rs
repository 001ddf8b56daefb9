//! The writes: one thread, which commits all that is waiting in one transaction and answers after its fsync.

use std::sync::mpsc::{Receiver, Sender, channel};

use rusqlite::Connection;
use serde::Deserialize;
use tokio::sync::oneshot;

use crate::Failure;
use crate::database::{open, prepared};

const GROUP: usize = 256;

/// A row to insert.
#[derive(Deserialize)]
pub struct Entry {
    room: i64,
    author: String,
    body: String,
    created: i64,
}

/// What an update says.
#[derive(Deserialize)]
pub struct Change {
    /// The new text
    pub body: String,
}

/// A write.
pub enum Write {
    /// New rows
    Insert(Vec<Entry>),
    /// A message's new text
    Update { id: i64, body: String },
}

type Job = (Write, oneshot::Sender<Result<(), String>>);

/// The thread that writes.
pub struct Writer {
    jobs: Sender<Job>,
}

impl Writer {
    /// Starts it.
    pub fn start(path: &str) -> Result<Writer, Failure> {
        let connection = open(path)?;
        let (jobs, queue) = channel();
        std::thread::Builder::new().name("writer".into()).spawn(move || work(&connection, &queue))?;
        Ok(Writer { jobs })
    }

    /// Answers when the write is on disk.
    pub async fn write(&self, write: Write) -> Result<(), Failure> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send((write, reply)).map_err(|_| "the writer has ended")?;
        Ok(answer.await??)
    }
}

fn work(connection: &Connection, queue: &Receiver<Job>) {
    while let Ok(first) = queue.recv() {
        let mut group = vec![first];
        while group.len() < GROUP
            && let Ok(next) = queue.try_recv()
        {
            group.push(next);
        }
        let done = commit(connection, &group);
        if done.is_err() && !connection.is_autocommit() {
            let _ = connection.execute_batch("rollback");
        }
        for (at, (_, reply)) in group.into_iter().enumerate() {
            let answer = match &done {
                Ok(results) => results.get(at).cloned().unwrap_or(Ok(())),
                Err(error) => Err(error.to_string()),
            };
            let _ = reply.send(answer);
        }
    }
}

/// Runs a group; a write that fails is undone alone.
fn commit(connection: &Connection, group: &[Job]) -> rusqlite::Result<Vec<Result<(), String>>> {
    prepared(connection, "begin immediate")?.execute([])?;
    let mut results = Vec::with_capacity(group.len());
    for (write, _) in group {
        let result = match write {
            // One statement is undone by SQLite itself.
            Write::Insert(rows) if rows.len() == 1 => insert(connection, rows),
            Write::Insert(rows) => {
                prepared(connection, "savepoint job")?.execute([])?;
                let result = insert(connection, rows);
                if result.is_err() {
                    prepared(connection, "rollback to job")?.execute([])?;
                }
                prepared(connection, "release job")?.execute([])?;
                result
            }
            Write::Update { id, body } => prepared(connection, "update message set body = ? where id = ?")?
                .execute((body, id))
                .map(drop),
        };
        results.push(result.map_err(|error| error.to_string()));
    }
    prepared(connection, "commit")?.execute([])?;
    Ok(results)
}

fn insert(connection: &Connection, rows: &[Entry]) -> rusqlite::Result<()> {
    let mut statement =
        prepared(connection, "insert into entry (room, author, body, created) values (?, ?, ?, ?)")?;
    for row in rows {
        statement.execute((row.room, &row.author, &row.body, row.created))?;
    }
    Ok(())
}
