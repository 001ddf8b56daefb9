//! One plan in one round trip: begin, the caller's settings, the statement, what is to be known beside its rows, the end of the
//! transaction.

use std::time::{Duration, Instant};

use plinth_engine::{EngineError, Outcome, Overrides, RowSink};
use plinth_query::{Caller, Plan};
use plinth_values::Value;

use crate::compile::{COUNT_FORMATS, Compiled, Counting, Gives, params, planned_rows};
use crate::emit;
use crate::settings::settings;
use crate::sql::Sql;
use crate::wire::{Connection, Row, Step, WireError};

/// What a statement may have left for the answer.
const AFTERWARDS: &str = "select pg_catalog.current_setting('response.status', true), pg_catalog.current_setting('response.headers', true), pg_catalog.current_setting('plinth.updated', true)";

/// What a session may still have when its transaction has ended, though it was not its own: settings that a function made for good.
const CLEAN: [&str; 2] = ["set session authorization default", "reset all"];

/// One plan to run on a connection.
pub(crate) struct Run<'a> {
    pub(crate) compiled: &'a Compiled,
    pub(crate) plan: &'a Plan,
    pub(crate) caller: &'a Caller,
    pub(crate) search_path: &'a str,
    pub(crate) rollback: bool,
    pub(crate) single: bool,
    pub(crate) max_bytes: usize,
    pub(crate) threshold: u64,
}

/// Why a run failed.
pub(crate) enum RunError {
    /// On the wire, or the database refused
    Wire {
        error: WireError,
        /// The sink has rows already
        emitted: bool,
    },
    /// Here
    Engine(EngineError),
}

impl From<EngineError> for RunError {
    fn from(error: EngineError) -> RunError {
        RunError::Engine(error)
    }
}

/// What came of a statement and those after it.
#[derive(Default)]
struct Seen {
    rows: u64,
    keys: Vec<Value>,
    counted: Option<u64>,
    planned: Option<u64>,
    overrides: Overrides,
    updated: u64,
}

/// What the rows of each statement of the exchange are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Control,
    Main,
    Count,
    Explain,
    Afterwards,
}

/// Runs a plan. The connection is idle afterwards, unless it is of no more use.
pub(crate) async fn run(
    connection: &mut Connection,
    run: &Run<'_>,
    sink: &mut dyn RowSink,
) -> Result<Outcome, RunError> {
    let Some(statement) = &run.compiled.statement else { return Ok(Outcome::default()) };
    let settings = settings(run.caller, run.search_path);
    let main = params(statement, run.plan, run.caller)?;
    let counts: Vec<(Part, &Sql)> = match &run.compiled.count {
        Counting::No => Vec::new(),
        Counting::Exact(sql) => vec![(Part::Count, sql)],
        Counting::Planned(sql) => vec![(Part::Explain, sql)],
        Counting::Estimated { counted, planned } => vec![(Part::Count, counted), (Part::Explain, planned)],
    };
    let count_params: Vec<_> =
        counts.iter().map(|(_, sql)| params(sql, run.plan, run.caller)).collect::<Result<_, _>>()?;
    let plain = |text| Step { text, params: &[], formats: &[] };
    let mut parts = vec![Part::Control, Part::Control, Part::Main];
    let begin = if run.compiled.read_only { "begin read only" } else { "begin" };
    let mut steps = vec![
        plain(begin),
        Step { text: settings.text, params: &settings.params, formats: &[] },
        Step { text: &statement.text, params: &main, formats: &run.compiled.layout.formats },
    ];
    for ((part, sql), params) in counts.iter().zip(&count_params) {
        parts.push(*part);
        steps.push(Step { text: &sql.text, params, formats: COUNT_FORMATS });
    }
    let is_read = matches!(run.plan.action, plinth_query::plan::PlannedAction::Read(_));
    if !is_read {
        parts.push(Part::Afterwards);
        steps.push(plain(AFTERWARDS));
    }
    // A transaction that only reads is rolled back: so even a setting that a function made for the session ends with it.
    let ends_rolled_back = run.rollback || run.compiled.read_only;
    let asks = !ends_rolled_back && (run.single || run.compiled.max_affected.is_some());
    let ending = if ends_rolled_back { "rollback" } else { "commit" };
    let wire = |error| RunError::Wire { error, emitted: false };
    if !asks {
        parts.push(Part::Control);
        steps.push(plain(ending));
    }
    connection.push(&steps).map_err(wire)?;
    if asks {
        connection.push_flush();
    } else {
        connection.push_sync();
    }
    if !ends_rolled_back && !asks {
        clean(connection).map_err(wire)?;
    }
    connection.send().await.map_err(wire)?;
    let mut seen = Seen::default();
    let answers = connection
        .answers(parts.len(), |at, row| take(&mut seen, parts.get(at).copied(), row, run, sink))
        .await;
    let affected = match answers {
        Ok(Ok(counts)) => counts,
        Ok(Err(error)) => return Err(RunError::Engine(error)),
        Err(error) => {
            let emitted = seen.rows > 0;
            if matches!(error, WireError::Database(_)) {
                recover(connection, asks).await.map_err(|error| RunError::Wire { error, emitted })?;
            }
            return Err(RunError::Wire { error, emitted });
        }
    };
    if run.compiled.gives == Gives::Nothing {
        seen.rows = affected.get(2).copied().unwrap_or_default();
    }
    let emitted = seen.rows > 0;
    let wire = |error| RunError::Wire { error, emitted };
    let refused = refusal(run, &seen);
    if asks {
        let ending = if refused.is_some() { "rollback" } else { "commit" };
        connection.push(&[plain(ending)]).map_err(wire)?;
        connection.push_sync();
        clean(connection).map_err(wire)?;
        connection.send().await.map_err(wire)?;
        let ended = connection.answers(1, |_, _| Ok::<(), EngineError>(())).await;
        if let Err(error) = ended {
            if matches!(error, WireError::Database(_)) {
                recover(connection, false).await.map_err(wire)?;
            }
            return Err(wire(error));
        }
    }
    while !connection.is_idle() {
        connection.finish().await.map_err(wire)?;
    }
    match refused {
        Some(error) => Err(RunError::Engine(error)),
        None => Ok(outcome(run, seen)),
    }
}

/// After a refusal: reads to the end of the exchange and ends the transaction. `asks`: the exchange has no end yet.
async fn recover(connection: &mut Connection, asks: bool) -> Result<(), WireError> {
    if asks {
        connection.push_sync();
        connection.send().await?;
    }
    let mut open = false;
    while !connection.is_idle() {
        match connection.finish().await {
            Ok(in_transaction) => open = in_transaction,
            // What follows a failed transaction in the same exchange fails with it.
            Err(WireError::Database(_)) => {}
            Err(error) => return Err(error),
        }
    }
    if open {
        connection.push(&[Step { text: "rollback", params: &[], formats: &[] }])?;
        connection.push_sync();
        connection.send().await?;
        connection.finish().await?;
    }
    Ok(())
}

/// Adds what leaves nothing of the transaction in the session.
fn clean(connection: &mut Connection) -> Result<(), WireError> {
    connection.push(&CLEAN.map(|text| Step { text, params: &[], formats: &[] }))?;
    connection.push_sync();
    Ok(())
}

fn take(
    seen: &mut Seen,
    part: Option<Part>,
    mut row: Row<'_>,
    run: &Run<'_>,
    sink: &mut dyn RowSink,
) -> Result<(), EngineError> {
    let text = |field: Option<&[u8]>| {
        field.filter(|field| !field.is_empty()).map(|field| String::from_utf8_lossy(field).into_owned())
    };
    match part {
        Some(Part::Main) => {
            seen.rows += 1;
            match &run.compiled.gives {
                Gives::Rows => {
                    emit::row(&run.compiled.layout, row, sink, &run.caller.session)?;
                    if sink.len() > run.max_bytes {
                        return Err(EngineError::ResponseTooLarge { limit: run.max_bytes as u64 });
                    }
                }
                Gives::Keys(columns) if seen.rows == 1 => {
                    seen.keys =
                        columns.iter().map(|_| text(row.field()).map_or(Value::Null, Value::Text)).collect();
                }
                Gives::Keys(_) | Gives::Nothing => {}
            }
        }
        Some(Part::Count) => seen.counted = text(row.field()).and_then(|text| text.parse().ok()),
        Some(Part::Explain) => seen.planned = row.field().and_then(planned_rows),
        Some(Part::Afterwards) => {
            seen.overrides.status = text(row.field());
            seen.overrides.headers = text(row.field());
            seen.updated = text(row.field()).and_then(|text| text.parse().ok()).unwrap_or_default();
        }
        Some(Part::Control) | None => {}
    }
    Ok(())
}

fn refusal(run: &Run<'_>, seen: &Seen) -> Option<EngineError> {
    let rows = seen.rows;
    match run.compiled.max_affected {
        Some(limit) if rows > limit => Some(EngineError::MaxAffected { rows }),
        _ if run.single && rows != 1 => Some(EngineError::NotSingular { rows }),
        _ => None,
    }
}

fn outcome(run: &Run<'_>, seen: Seen) -> Outcome {
    let total = match (&run.compiled.count, run.plan.count) {
        (Counting::No, None) => None,
        (Counting::No, Some(_)) => Some(seen.rows),
        (Counting::Exact(_), _) => seen.counted,
        (Counting::Planned(_), _) => seen.planned,
        (Counting::Estimated { .. }, _) => match (seen.counted, seen.planned) {
            (Some(counted), _) if counted <= run.threshold => Some(counted),
            (counted, planned) => planned.max(counted),
        },
    };
    let keys = match &run.compiled.gives {
        // Only a single row has an address.
        Gives::Keys(columns) if seen.rows == 1 => columns.iter().copied().zip(seen.keys).collect(),
        _ => Vec::new(),
    };
    Outcome {
        rows: seen.rows,
        inserted: seen.rows.saturating_sub(seen.updated),
        total,
        keys,
        overrides: seen.overrides,
        ..Outcome::default()
    }
}

/// How long a request may stay on the wire: its statements' time, and a grace for the network.
pub(crate) fn deadline(statement_timeout: Duration, grace: Duration) -> Option<Instant> {
    (!statement_timeout.is_zero()).then(|| Instant::now() + statement_timeout + grace)
}
