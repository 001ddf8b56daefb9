//! The engine as others see it: a database, its catalog, and plans run on it.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use plinth_catalog::{Catalog, quote_ident};
use plinth_engine::{Engine, EngineError, Execution, Outcome, Stopped, Transacted, Transaction};

use crate::address::Address;
use crate::compile::compile;
use crate::emit;
use crate::error::{is_outdated, of_statement};
use crate::introspect;
use crate::pool::Pool;
use crate::run::{self, Run, RunError};
use crate::sql::Form;
use crate::wire::{Startup, WireError};

/// How the engine is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Connections at once
    pub pool: usize,
    /// How long a request waits for a connection
    pub pool_wait: Duration,
    /// Requests that may wait for one
    pub max_waiting: usize,
    /// Statements that each connection keeps prepared; 0 where connections are shared between transactions (PgBouncer)
    pub prepared_statements: usize,
    /// How long a statement may take; zero is no limit
    pub statement_timeout: Duration,
    /// How long opening a connection may take
    pub connect_timeout: Duration,
    /// What the network may add to a statement's time
    pub network_grace: Duration,
    /// Bytes of one response
    pub max_response_bytes: usize,
    /// Where names without a schema are looked up
    pub search_path: Vec<String>,
    /// Up to how many rows an estimated count counts
    pub estimate_above: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            pool: 10,
            pool_wait: Duration::from_secs(10),
            max_waiting: 1000,
            prepared_statements: 256,
            statement_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            network_grace: Duration::from_secs(5),
            max_response_bytes: 64 << 20,
            search_path: vec!["public".into()],
            estimate_above: 1000,
        }
    }
}

/// A PostgreSQL database that is being served.
pub struct PostgresEngine {
    catalog: RwLock<Arc<Catalog>>,
    pool: Pool,
    options: Options,
    search_path: String,
}

impl PostgresEngine {
    /// An engine over a database whose catalog is known. Nothing is connected to yet.
    pub fn new(address: Address, options: Options, catalog: Arc<Catalog>) -> PostgresEngine {
        let mut settings = vec![("DateStyle", "ISO, MDY".to_owned()), ("TimeZone", "UTC".to_owned())];
        // A connection pooler between refuses settings that it does not follow.
        if options.prepared_statements > 0 {
            settings.extend([
                ("IntervalStyle", "postgres".to_owned()),
                ("extra_float_digits", "1".to_owned()),
                ("bytea_output", "hex".to_owned()),
                ("statement_timeout", options.statement_timeout.as_millis().to_string()),
                ("client_min_messages", "warning".to_owned()),
            ]);
        }
        let startup = Startup {
            address,
            settings,
            statements: options.prepared_statements,
            timeout: options.connect_timeout,
        };
        let names: Vec<String> = options.search_path.iter().map(|name| quote_ident(name)).collect();
        PostgresEngine {
            catalog: RwLock::new(catalog),
            pool: Pool::new(startup, options.pool, options.max_waiting, options.pool_wait),
            search_path: names.join(", "),
            options,
        }
    }

    /// Puts another catalog in force; requests that have begun keep theirs.
    pub fn replace_catalog(&self, catalog: Arc<Catalog>) {
        *self.catalog.write().unwrap_or_else(PoisonError::into_inner) = catalog;
    }

    /// Reads the database's catalog and puts it in force. Meanwhile requests go on with the one before.
    pub async fn reload(&self) -> Result<(), EngineError> {
        let mut lease = self.pool.lease().await?;
        let catalog = introspect::read(&mut lease).await?;
        self.replace_catalog(Arc::new(catalog));
        Ok(())
    }

    async fn execute(&self, execution: Execution) -> Result<Outcome, EngineError> {
        let started = Instant::now();
        let Execution { catalog, plan, caller, mut sink, rollback, single } = execution;
        let form = if sink.wants_text() { Form::Text } else { Form::Json };
        let threshold = self.options.estimate_above;
        let compiled = compile(&catalog, &plan, form, &caller.session, threshold)?;
        emit::header(&compiled.layout, sink.as_mut());
        let run = Run {
            compiled: &compiled,
            plan: &plan,
            caller: &caller,
            search_path: &self.search_path,
            rollback,
            single,
            max_bytes: self.options.max_response_bytes,
            threshold,
        };
        let mut lease = self.pool.lease().await?;
        let mut again = true;
        loop {
            let attempt = run::run(&mut lease, &run, sink.as_mut());
            let result = match run::deadline(self.options.statement_timeout, self.options.network_grace) {
                Some(deadline) => match tokio::time::timeout_at(deadline.into(), attempt).await {
                    Ok(result) => result,
                    Err(_) => {
                        let reason = "the database does not answer".to_owned();
                        return Err(EngineError::Unavailable { reason });
                    }
                },
                None => attempt.await,
            };
            match result {
                Ok(outcome) => {
                    return Ok(Outcome {
                        body: sink.finish(),
                        elapsed_micros: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
                        ..outcome
                    });
                }
                // Nothing of it has happened, or nothing that counts.
                Err(RunError::Wire { error, emitted: false })
                    if again
                        && (is_outdated(&error)
                            || compiled.read_only && matches!(error, WireError::Io(_))) =>
                {
                    again = false;
                    lease = self.pool.renew(lease).await?;
                }
                Err(RunError::Wire { error, .. }) => return Err(of_statement(error)),
                Err(RunError::Engine(error)) => return Err(error),
            }
        }
    }
}

impl Engine for PostgresEngine {
    fn catalog(&self) -> Arc<Catalog> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn run<'a>(
        &'a self,
        execution: Execution,
    ) -> Pin<Box<dyn Future<Output = Result<Outcome, EngineError>> + Send + 'a>> {
        Box::pin(self.execute(execution))
    }

    fn transact<'a>(
        &'a self,
        _transaction: Transaction,
    ) -> Pin<Box<dyn Future<Output = Result<Transacted, Stopped>> + Send + 'a>> {
        Box::pin(async {
            Err(Stopped::failed(
                0,
                EngineError::Sql {
                    code: "0A000".into(),
                    message: "several steps in one transaction are not supported on PostgreSQL yet".into(),
                    detail: None,
                    hint: None,
                },
            ))
        })
    }

    fn ready(&self) -> Pin<Box<dyn Future<Output = Result<(), EngineError>> + Send + '_>> {
        Box::pin(async { self.pool.lease().await.map(drop) })
    }
}
