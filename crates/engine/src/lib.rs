//! What every engine offers: run a [`Plan`] and write its rows to a [`RowSink`].
//!
//! No SQL and no HTTP here: an engine crate compiles plans, a front door chooses the sink.

mod columns;
mod error;
mod explain;
mod json;
mod sink;
mod transaction;

pub use columns::Columns;
pub use error::EngineError;
pub use explain::Explain;
pub use json::{JsonShape, JsonSink};
pub use sink::RowSink;
pub use transaction::{Accept, Remember, RememberLimits, Step, Stopped, Transacted, Transaction, Why};

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use plinth_catalog::Catalog;
use plinth_query::{Caller, Plan};
use plinth_values::Value;

/// Something that keeps data and runs plans.
pub trait Engine: Send + Sync + 'static {
    /// The catalog that plans are to be made with now. A reload swaps it whole.
    fn catalog(&self) -> Arc<Catalog>;

    /// Whether there is a catalog to plan with. One that is read from a database may still have to come.
    fn has_catalog(&self) -> Result<(), EngineError> {
        Ok(())
    }

    /// Runs a plan in a transaction of its own. A write is on disk when this answers. Dropping the future cancels a read; a write
    /// that has begun is finished.
    fn run<'a>(
        &'a self,
        execution: Execution,
    ) -> Pin<Box<dyn Future<Output = Result<Outcome, EngineError>> + Send + 'a>>;

    /// Runs several plans in one transaction, all or none. It is on disk when this answers, if it writes. Dropping the future cancels
    /// one that only reads; one that has begun to write is finished.
    fn transact<'a>(
        &'a self,
        transaction: Transaction,
    ) -> Pin<Box<dyn Future<Output = Result<Transacted, Stopped>> + Send + 'a>>;

    /// Tells how a plan would be run, in the engine's own words, as text or JSON.
    fn explain<'a>(
        &'a self,
        execution: Execution,
        options: Explain,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, EngineError>> + Send + 'a>> {
        let _ = (execution, options);
        Box::pin(async {
            Err(EngineError::Sql {
                code: "0A000".into(),
                message: "this engine does not tell its plans".into(),
                detail: None,
                hint: None,
            })
        })
    }

    /// Whether requests can be served, for readiness probes; the error says why not.
    fn ready(&self) -> Pin<Box<dyn Future<Output = Result<(), EngineError>> + Send + '_>>;
}

/// One plan to run.
pub struct Execution {
    /// The catalog that the plan was made with
    pub catalog: Arc<Catalog>,
    /// What to do
    pub plan: Arc<Plan>,
    /// For whom: settings are bound from it
    pub caller: Caller,
    /// Where the rows go
    pub sink: Box<dyn RowSink>,
    /// Roll the write back in the end and answer as if it had stayed (`tx=rollback`)
    pub rollback: bool,
    /// Refuse (and roll back) unless the result has exactly one row (the single-object media type)
    pub single: bool,
}

/// The ends of a page: for each, the values of the keys of the plan's order, in storage form.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Edges {
    /// The first row
    pub first: Vec<Value>,
    /// The last row
    pub last: Vec<Value>,
    /// Whether there are rows beyond the page in its direction
    pub more: bool,
}

/// What running a plan gave.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The encoded rows
    pub body: Vec<u8>,
    /// Rows read, or rows affected by a write
    pub rows: u64,
    /// Of an upsert: how many rows were inserted rather than updated
    pub inserted: u64,
    /// All rows that match, when the plan counts them
    pub total: Option<u64>,
    /// The ends of a page, when the plan tells pages by a row and there are rows
    pub edges: Option<Edges>,
    /// The key values of the inserted row, when the plan returns keys: column positions and text forms
    pub keys: Vec<(usize, Value)>,
    /// What the database's own code wants the answer to be
    pub overrides: Overrides,
    /// How long the engine worked on it, in microseconds
    pub elapsed_micros: u64,
}

/// What SQL has said about the answer (PostgREST's reference, "Response Headers" and "Response Status Code"), as text that nobody has
/// looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// The setting `response.status`
    pub status: Option<String>,
    /// The setting `response.headers`
    pub headers: Option<String>,
}
