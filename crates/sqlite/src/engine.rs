//! The engine as others see it: a file that is open, its catalog, and plans run on it by the readers and the writer.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};

use plinth_catalog::Catalog;
use plinth_engine::{Engine, EngineError, Execution, Explain, Outcome, Stopped, Transacted, Transaction};

use crate::connection::{FileLock, Options, open_writer};
use crate::error::{OpenError, engine_error, open_error};
use crate::readers::Readers;
use crate::search_indexes;
use crate::transaction;
use crate::write::writes;
use crate::writer::Writer;

/// The catalog that is in force; a reload swaps it whole.
pub(crate) type Current = Arc<RwLock<Arc<Catalog>>>;

/// A database file that is being served.
pub struct SqliteEngine {
    pub(crate) catalog: Current,
    pub(crate) readers: Arc<Readers>,
    pub(crate) writer: Writer,
    /// Given back last, when every connection is closed
    _lock: FileLock,
}

impl SqliteEngine {
    /// Opens a database file, or makes an empty one where there is none. It has an empty catalog until [`SqliteEngine::create`] or
    /// [`SqliteEngine::adopt`] give it its own.
    pub fn open(path: &Path, options: Options) -> Result<SqliteEngine, OpenError> {
        let lock = FileLock::take(path)?;
        let database = open_writer(path, &options)?;
        let catalog = Arc::new(Catalog::default());
        database.register(&catalog).map_err(|error| open_error(path, &error))?;
        let readers = Arc::new(Readers::new(path.to_path_buf(), options.clone(), catalog.clone()));
        let writer = Writer::start(database, options)
            .map_err(|error| OpenError::Refused { path: path.to_path_buf(), reason: error.to_string() })?;
        Ok(SqliteEngine { catalog: Arc::new(RwLock::new(catalog)), readers, writer, _lock: lock })
    }

    /// Puts a catalog in force that the tables of the file fit already: the one its applied files describe.
    pub fn adopt(&self, catalog: Arc<Catalog>) -> Result<(), EngineError> {
        let (readers, current) = (self.readers.clone(), self.catalog.clone());
        self.writer.serve(move |state| {
            state.database.register(&catalog).map_err(engine_error)?;
            // A file of a version that made no such indexes gets them now.
            state.transaction(|state| search_indexes::bring_in_step(&state.database.connection, &catalog))?;
            put_in_force(&readers, &current, catalog);
            Ok(())
        })?
    }
}

/// Swaps the catalog. Readers come first: a plan of the new catalog must not meet a connection that lacks its functions.
pub(crate) fn put_in_force(readers: &Readers, current: &Current, catalog: Arc<Catalog>) {
    readers.renew(catalog.clone());
    *current.write().unwrap_or_else(PoisonError::into_inner) = catalog;
}

impl Engine for SqliteEngine {
    fn catalog(&self) -> Arc<Catalog> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn run<'a>(
        &'a self,
        execution: Execution,
    ) -> Pin<Box<dyn Future<Output = Result<Outcome, EngineError>> + Send + 'a>> {
        if writes(&execution.plan.action) {
            Box::pin(self.writer.run(execution))
        } else {
            Box::pin(self.readers.run(execution))
        }
    }

    fn transact<'a>(
        &'a self,
        transaction: Transaction,
    ) -> Pin<Box<dyn Future<Output = Result<Transacted, Stopped>> + Send + 'a>> {
        if transaction::writes(&transaction) {
            Box::pin(self.writer.transact(transaction))
        } else {
            Box::pin(self.readers.transact(transaction))
        }
    }

    fn explain<'a>(
        &'a self,
        execution: Execution,
        options: Explain,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, EngineError>> + Send + 'a>> {
        Box::pin(self.tell_plan(execution, options))
    }

    fn ready(&self) -> Pin<Box<dyn Future<Output = Result<(), EngineError>> + Send + '_>> {
        Box::pin(async { self.readers.check() })
    }
}
