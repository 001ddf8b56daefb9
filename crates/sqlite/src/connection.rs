//! Opening the file: its lock, its settings, and connections with PostgreSQL's functions on them. Knows no plans.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use plinth_catalog::Catalog;
use plinth_values::Session;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use crate::error::{OpenError, open_error};
use crate::functions::{self, SharedSession};
use crate::interrupt::Watch;

/// Marks the file as Plinth's (`pragma application_id`): "PLNT".
const APPLICATION_ID: i64 = 0x504c_4e54;

/// The layout of Plinth's own tables and of stored values (`pragma user_version`).
pub(crate) const FORMAT: i64 = 1;

/// Limits and sizes of the engine.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many expensive reads run at once; each has a connection and a thread
    pub readers: usize,
    /// How many reads may wait for one of them, and how many writes for the writer, before more are refused
    pub max_waiting: usize,
    /// How many writes share one commit at most
    pub group: usize,
    /// The largest response, in bytes
    pub max_response_bytes: usize,
    /// How long one request may compute
    pub statement_timeout: Duration,
    /// Page cache of each connection, in KiB
    pub cache_kib: u32,
    /// Prepared statements kept by each connection
    pub statements_kept: usize,
}

impl Default for Options {
    fn default() -> Options {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Options {
            readers: cores.clamp(2, 8),
            max_waiting: 1000,
            group: 256,
            max_response_bytes: 64 << 20,
            statement_timeout: Duration::from_secs(30),
            cache_kib: 2048,
            statements_kept: 256,
        }
    }
}

/// A connection with what belongs to it.
pub(crate) struct Database {
    pub(crate) connection: Connection,
    pub(crate) session: SharedSession,
    pub(crate) watch: Watch,
}

impl Database {
    /// Opens a further connection to a file that the writer has opened.
    pub(crate) fn open(path: &Path, options: &Options, catalog: &Catalog) -> rusqlite::Result<Database> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let database = connect(path, flags, options)?;
        database.connection.pragma_update(None, "query_only", true)?;
        database.register(catalog)?;
        Ok(database)
    }

    /// Gives the connection the catalog's functions and collations; again after the catalog has changed.
    pub(crate) fn register(&self, catalog: &Catalog) -> rusqlite::Result<()> {
        functions::register(&self.connection, catalog, self.session.clone())
    }

    /// Makes this the session that functions see.
    pub(crate) fn begin_request(&self, session: &Session) {
        self.session.set(session.clone());
        // What an earlier request left behind is not this one's.
        drop(functions::take_error());
    }
}

/// The file while it is served: nobody else may serve it.
#[derive(Debug)]
pub(crate) struct FileLock {
    /// `None` where the directory is read-only: nothing can be written then, so nothing has to be kept out
    _file: Option<File>,
}

impl FileLock {
    /// Takes the lock. It is a file beside the database, because closing any other handle of the database itself would drop
    /// SQLite's own locks (POSIX advisory locks belong to the process).
    pub(crate) fn take(path: &Path) -> Result<FileLock, OpenError> {
        let refused = |reason: String| OpenError::Refused { path: path.to_path_buf(), reason };
        let file = match File::options().create(true).append(true).open(beside(path, "-lock")) {
            Ok(file) => file,
            Err(e) if is_read_only(&e) && path.exists() => return Ok(FileLock { _file: None }),
            Err(e) => return Err(refused(e.to_string())),
        };
        match file.try_lock() {
            Ok(()) => Ok(FileLock { _file: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.to_path_buf() }),
            Err(TryLockError::Error(e)) => Err(refused(e.to_string())),
        }
    }
}

fn is_read_only(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem)
}

/// A file that belongs to the database: `plinth.db-lock`.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Opens the connection of the writer, creating the file when there is none.
pub(crate) fn open_writer(path: &Path, options: &Options) -> Result<Database, OpenError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = connect(path, flags, options).map_err(|e| open_error(path, &e))?;
    check_file(path, &database.connection)?;
    Ok(database)
}

fn connect(path: &Path, flags: OpenFlags, options: &Options) -> rusqlite::Result<Database> {
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    // Writes to SQLite's own tables, quoted words as strings, functions with effects in a schema: none are needed.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "synchronous", "full")?;
    // With memory-mapped I/O a long WAL is ruinous.
    connection.pragma_update_and_check(None, "mmap_size", 0, |_| Ok(())).or_else(no_row)?;
    connection.pragma_update(None, "cache_size", -i64::from(options.cache_kib))?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.set_prepared_statement_cache_capacity(options.statements_kept);
    let watch = Watch::install(&mut connection)?;
    Ok(Database { connection, session: SharedSession::default(), watch })
}

fn no_row(error: rusqlite::Error) -> rusqlite::Result<()> {
    match error {
        rusqlite::Error::QueryReturnedNoRows => Ok(()),
        error => Err(error),
    }
}

/// Makes sure that the file is Plinth's and that it is whole enough to be read, and sets what the file itself remembers.
fn check_file(path: &Path, connection: &Connection) -> Result<(), OpenError> {
    let failed = |e: rusqlite::Error| open_error(path, &e);
    let tables: i64 =
        connection.query_row("select count(*) from sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    let application: i64 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(failed)?;
    let format: i64 =
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
    if tables > 0 && application != APPLICATION_ID {
        return Err(OpenError::Foreign { path: path.to_path_buf() });
    }
    if format > FORMAT {
        return Err(OpenError::Newer { path: path.to_path_buf(), found: format, known: FORMAT });
    }
    if connection.is_readonly("main").map_err(failed)? {
        tracing::warn!(path = %path.display(), "the database file is read-only: every write will be refused");
        return Ok(());
    }
    if application != APPLICATION_ID {
        connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
    }
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0)).map_err(failed)?;
    if mode != "wal" {
        let reason = "its file system does not allow write-ahead logging".into();
        return Err(OpenError::Refused { path: path.to_path_buf(), reason });
    }
    // A short log keeps reads fast; a long one is cut back once it has been checkpointed.
    connection
        .pragma_update_and_check(None, "wal_autocheckpoint", 1000, |_| Ok(()))
        .or_else(no_row)
        .map_err(failed)?;
    connection
        .pragma_update_and_check(None, "journal_size_limit", 8 << 20, |_| Ok(()))
        .or_else(no_row)
        .map_err(failed)
}
