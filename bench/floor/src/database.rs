//! Connections: one for each thread that reads, opened at its first read and kept, with its statements prepared.

use std::cell::OnceCell;

use rusqlite::{CachedStatement, Connection, OpenFlags};

use crate::Failure;

thread_local! {
    static READER: OnceCell<Connection> = const { OnceCell::new() };
}

/// Opens the file with the settings that Plinth has.
pub fn open(path: &str) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection
        .execute_batch("pragma foreign_keys = on; pragma synchronous = full; pragma cache_size = -2048;")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Runs a read with this thread's connection.
pub fn read<T>(path: &str, run: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Failure> {
    READER.with(|cell| {
        let connection = match cell.get() {
            Some(connection) => connection,
            None => {
                let opened = open(path)?;
                cell.get_or_init(|| opened)
            }
        };
        Ok(run(connection)?)
    })
}

/// A statement of this thread's connection, kept prepared.
pub fn prepared<'c>(connection: &'c Connection, sql: &'static str) -> rusqlite::Result<CachedStatement<'c>> {
    connection.prepare_cached(sql)
}
