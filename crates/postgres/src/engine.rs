//! The engine as others see it: a database, its catalog, and plans run on it.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use plinth_catalog::Catalog;
use plinth_engine::{Engine, EngineError, Execution, Explain, Outcome, Stopped, Transacted, Transaction};
use plinth_query::Caller;

use crate::address::Address;
use crate::compile::{Compiled, compile};
use crate::emit;
use crate::error::{is_outdated, of_connecting, of_statement};
use crate::explain;
use crate::introspect;
use crate::pool::Pool;
use crate::reload::keep_current;
use crate::run::{self, Run, RunError};
use crate::settings;
use crate::sql::Form;
use crate::transaction::transact;
use crate::wire::{self, Startup, WireError};

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
    /// Where names without a schema are looked up after the request's own schema
    pub extra_search_path: Vec<String>,
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
            extra_search_path: vec!["public".into()],
            estimate_above: 1000,
        }
    }
}

/// A PostgreSQL database that is being served.
pub struct PostgresEngine {
    /// `None` until it was read
    catalog: RwLock<Option<Arc<Catalog>>>,
    startup: Startup,
    pool: Pool,
    options: Options,
}

impl PostgresEngine {
    /// An engine over a database that need not be there yet: until its catalog is read requests are refused. Call it on a runtime;
    /// the catalog is kept current there until the engine is dropped.
    pub fn start(address: Address, options: Options) -> Arc<PostgresEngine> {
        let engine = Arc::new(PostgresEngine::new(address, options));
        tokio::spawn(keep_current(Arc::downgrade(&engine)));
        engine
    }

    /// An engine whose catalog is read when [`PostgresEngine::reload`] says so, and at no other time.
    pub fn new(address: Address, options: Options) -> PostgresEngine {
        let mut settings = vec![("DateStyle", "ISO, MDY".to_owned())];
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
        PostgresEngine {
            catalog: RwLock::new(None),
            startup: startup.clone(),
            pool: Pool::new(startup, options.pool, options.max_waiting, options.pool_wait),
            options,
        }
    }

    /// Reads the catalog again. Requests that have begun keep theirs.
    pub async fn reload(&self) -> Result<(), EngineError> {
        let started = Instant::now();
        let mut connection = wire::connect(&self.startup).await.map_err(of_connecting)?;
        let catalog = introspect::read(&mut connection).await?;
        let (relations, functions) = (catalog.relations.len(), catalog.functions.len());
        *self.catalog.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(catalog));
        tracing::info!(relations, functions, millis = started.elapsed().as_millis(), "the catalog is read");
        Ok(())
    }

    pub(crate) fn address(&self) -> &Address {
        &self.startup.address
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// How long a caller's statement may take on the wire; `None` is no limit.
    pub(crate) fn time_limit(&self, catalog: &Catalog, caller: &Caller) -> Option<Duration> {
        let own = settings::of_role(catalog, caller).and_then(|role| role.statement_timeout);
        let limit = own.unwrap_or(self.options.statement_timeout);
        (!limit.is_zero()).then(|| limit.saturating_add(self.options.network_grace))
    }

    fn compiled(&self, execution: &Execution) -> Result<Compiled, EngineError> {
        let Execution { catalog, plan, caller, sink, .. } = execution;
        let form = if sink.wants_text() { Form::Text } else { Form::Json };
        compile(catalog, plan, form, &caller.session, self.options.estimate_above)
    }

    async fn execute(&self, execution: Execution) -> Result<Outcome, EngineError> {
        let compiled = self.compiled(&execution)?;
        self.execute_compiled(&compiled, execution).await
    }

    async fn tell(&self, execution: Execution, options: Explain) -> Result<Vec<u8>, EngineError> {
        let Some(compiled) = explain::told(self.compiled(&execution)?, options) else {
            return Ok(Vec::new());
        };
        let sink = Box::new(explain::Lines::default());
        let execution = Execution { sink, rollback: true, single: false, ..execution };
        self.execute_compiled(&compiled, execution).await.map(|outcome| outcome.body)
    }

    async fn execute_compiled(
        &self,
        compiled: &Compiled,
        execution: Execution,
    ) -> Result<Outcome, EngineError> {
        let started = Instant::now();
        let Execution { catalog, plan, caller, mut sink, rollback, single } = execution;
        emit::header(&compiled.layout, sink.as_mut());
        let run = Run {
            catalog: &catalog,
            compiled,
            plan: &plan,
            caller: &caller,
            extra_search_path: &self.options.extra_search_path,
            rollback,
            single,
            max_bytes: self.options.max_response_bytes,
            threshold: self.options.estimate_above,
        };
        let mut lease = self.pool.lease().await?;
        let limit = self.time_limit(&catalog, &caller);
        let mut again = true;
        loop {
            let result = in_time(limit, run::run(&mut lease, &run, sink.as_mut())).await?;
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

/// Waits for what goes over the wire, no longer than a statement and the network may take. What is given up leaves its connection in
/// the middle of an exchange, which closes it.
pub(crate) async fn in_time<T>(
    limit: Option<Duration>,
    exchange: impl Future<Output = T>,
) -> Result<T, EngineError> {
    let Some(limit) = limit else { return Ok(exchange.await) };
    let reason = "the database does not answer";
    tokio::time::timeout(limit, exchange)
        .await
        .map_err(|_| EngineError::Unavailable { reason: reason.into() })
}

impl Engine for PostgresEngine {
    fn catalog(&self) -> Arc<Catalog> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default()
    }

    fn has_catalog(&self) -> Result<(), EngineError> {
        match &*self.catalog.read().unwrap_or_else(PoisonError::into_inner) {
            Some(_) => Ok(()),
            None => Err(EngineError::NoCatalog),
        }
    }

    fn run<'a>(
        &'a self,
        execution: Execution,
    ) -> Pin<Box<dyn Future<Output = Result<Outcome, EngineError>> + Send + 'a>> {
        Box::pin(self.execute(execution))
    }

    fn transact<'a>(
        &'a self,
        transaction: Transaction,
    ) -> Pin<Box<dyn Future<Output = Result<Transacted, Stopped>> + Send + 'a>> {
        Box::pin(transact(self, transaction))
    }

    fn explain<'a>(
        &'a self,
        execution: Execution,
        options: Explain,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, EngineError>> + Send + 'a>> {
        Box::pin(self.tell(execution, options))
    }

    fn ready(&self) -> Pin<Box<dyn Future<Output = Result<(), EngineError>> + Send + '_>> {
        Box::pin(async {
            self.has_catalog()?;
            self.pool.lease().await.map(drop)
        })
    }
}
