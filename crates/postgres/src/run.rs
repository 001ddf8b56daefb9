//! One plan in one round trip: begin, the caller's settings, the statement, what is to be known beside its rows, the end of the
//! transaction.

use plinth_catalog::Catalog;
use plinth_engine::{Edges, EngineError, Outcome, Overrides, RowSink};
use plinth_query::plan::PlannedAction;
use plinth_query::{Caller, Plan};
use plinth_values::{Type, Value};

use crate::compile::{COUNT_FORMATS, Compiled, Counting, Gives, params, planned_rows};
use crate::emit;
use crate::settings::{self, Settings, settings};
use crate::sql::{Page, Sql};
use crate::tree;
use crate::wire::{Connection, Row, Step, WireError};

/// What a statement may have left for the answer.
pub(crate) const AFTERWARDS: &str = "select pg_catalog.current_setting('response.status', true), pg_catalog.current_setting('response.headers', true), pg_catalog.current_setting('plinth.updated', true)";

/// What a session may still have when its transaction has ended, though it was not its own: settings that a function made for good.
const CLEAN: [&str; 2] = ["set session authorization default", "reset all"];

/// One plan to run on a connection.
pub(crate) struct Run<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) compiled: &'a Compiled,
    pub(crate) plan: &'a Plan,
    pub(crate) caller: &'a Caller,
    /// Further schemas in which names are looked up
    pub(crate) extra_search_path: &'a [String],
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
    /// Of a page, its ends
    edges: Edges,
    keys: Vec<Value>,
    counted: Option<u64>,
    planned: Option<u64>,
    overrides: Overrides,
    updated: u64,
}

impl Seen {
    /// Takes what stands before a row's fields. Whether the row is the page's: one more, at its far end, only tells that it is there.
    fn is_of_page(&mut self, page: &Page, row: &mut Row<'_>) -> Result<bool, EngineError> {
        if page.backwards {
            let found = match emit::kept(&Type::Int8, row.field())? {
                Value::Int(found) => u64::try_from(found).unwrap_or_default(),
                _ => 0,
            };
            // The far end comes first.
            let first = self.rows == 0 && !self.edges.more;
            if first && page.limit.is_some_and(|limit| found > limit) {
                self.edges.more = true;
                return Ok(false);
            }
        } else if Some(self.rows) == page.limit {
            self.edges.more = true;
            return Ok(false);
        }
        self.edges.last = page.keys.iter().map(|ty| emit::kept(ty, row.field())).collect::<Result<_, _>>()?;
        if self.rows == 0 {
            self.edges.first.clone_from(&self.edges.last);
        }
        Ok(true)
    }
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

/// The statements of a plan with their parameters, ready to be sent.
struct Statements<'a> {
    settings: Settings,
    main: (&'a Sql, Params),
    counts: Vec<(Part, &'a Sql, Params)>,
    afterwards: bool,
}

/// The values of a statement's parameters.
pub(crate) type Params = Vec<Option<Vec<u8>>>;

impl<'a> Statements<'a> {
    fn of(run: &Run<'a>, statement: &'a Sql) -> Result<Statements<'a>, EngineError> {
        let sql = |part, sql: &'a Sql| Ok::<_, EngineError>((part, sql, params(sql, run.plan, run.caller)?));
        let counts = match &run.compiled.count {
            Counting::No => Vec::new(),
            Counting::Exact(count) => vec![sql(Part::Count, count)?],
            Counting::Planned(planned) => vec![sql(Part::Explain, planned)?],
            Counting::Estimated { counted, planned } => {
                vec![sql(Part::Count, counted)?, sql(Part::Explain, planned)?]
            }
        };
        Ok(Statements {
            settings: settings(
                run.catalog,
                run.caller,
                &settings::search_path(run.catalog, run.plan, run.extra_search_path),
            ),
            main: (statement, params(statement, run.plan, run.caller)?),
            counts,
            // A relation's rows say nothing about the answer; functions and triggers may.
            afterwards: !matches!(&*run.plan.action, PlannedAction::Read(_)),
        })
    }

    fn steps<'s>(&'s self, run: &'s Run<'_>, begin: Option<&'s str>) -> Vec<(Part, Step<'s>)> {
        let mut steps: Vec<(Part, Step<'s>)> =
            begin.map(|begin| (Part::Control, plain(begin))).into_iter().collect();
        steps.push((
            Part::Control,
            Step { text: &self.settings.text, params: &self.settings.params, formats: &[] },
        ));
        let (sql, params) = &self.main;
        steps.push((Part::Main, Step { text: &sql.text, params, formats: &run.compiled.layout.formats }));
        for (part, sql, params) in &self.counts {
            steps.push((*part, Step { text: &sql.text, params, formats: COUNT_FORMATS }));
        }
        if self.afterwards {
            steps.push((Part::Afterwards, plain(AFTERWARDS)));
        }
        steps
    }
}

/// A statement without parameters.
pub(crate) fn plain(text: &str) -> Step<'_> {
    Step { text, params: &[], formats: &[] }
}

/// Runs a plan in a transaction of its own. The connection is idle afterwards, unless it is of no more use.
pub(crate) async fn run(
    connection: &mut Connection,
    run: &Run<'_>,
    sink: &mut dyn RowSink,
) -> Result<Outcome, RunError> {
    let begin = settings::begin(run.catalog, run.caller, run.compiled.read_only);
    if run.compiled.tree.is_some() {
        return alone(connection, run, sink, begin).await;
    }
    let Some(statement) = &run.compiled.statement else { return Ok(Outcome::default()) };
    // A transaction that only reads is rolled back: so even a setting that a function made for the session ends with it.
    let rolled_back = run.rollback || run.compiled.read_only;
    if !rolled_back && (run.single || run.compiled.max_affected.is_some()) {
        // Whether it stays depends on what it gives.
        return alone(connection, run, sink, begin).await;
    }
    let statements = Statements::of(run, statement)?;
    let mut steps = statements.steps(run, Some(begin));
    steps.push((Part::Control, plain(if rolled_back { "rollback" } else { "commit" })));
    let wire = |error| RunError::Wire { error, emitted: false };
    connection.push(steps.iter().map(|(_, step)| step)).map_err(wire)?;
    connection.push_sync();
    if !rolled_back {
        clean(connection).map_err(wire)?;
    }
    let seen = read(connection, &steps, run, sink).await?;
    while !connection.is_idle() {
        connection.finish().await.map_err(|error| RunError::Wire { error, emitted: true })?;
    }
    outcome(run, seen)
}

/// Runs a plan in a transaction whose end is decided when its answer is there.
async fn alone(
    connection: &mut Connection,
    run: &Run<'_>,
    sink: &mut dyn RowSink,
    begin: &str,
) -> Result<Outcome, RunError> {
    let outcome = step(connection, run, sink, Some(begin)).await;
    let stays = outcome.is_ok() && !run.rollback;
    if connection.is_open() {
        end(connection, stays).await.map_err(|error| RunError::Wire { error, emitted: true })?;
    }
    outcome
}

/// Runs a plan as a part of a transaction that stays open; `begin` opens it. Where it fails, the transaction is at its end.
pub(crate) async fn step(
    connection: &mut Connection,
    run: &Run<'_>,
    sink: &mut dyn RowSink,
    begin: Option<&str>,
) -> Result<Outcome, RunError> {
    if let Some(gives) = &run.compiled.tree {
        return tree::run(connection, run, gives, sink, begin).await;
    }
    let nothing = Sql { text: "select where false".into(), params: Vec::new() };
    let statement = run.compiled.statement.as_ref().unwrap_or(&nothing);
    let statements = Statements::of(run, statement)?;
    let steps = statements.steps(run, begin);
    connection
        .push(steps.iter().map(|(_, step)| step))
        .map_err(|error| RunError::Wire { error, emitted: false })?;
    connection.push_flush();
    let seen = read(connection, &steps, run, sink).await?;
    outcome(run, seen)
}

/// Ends a transaction that [`step`] has left open.
pub(crate) async fn end(connection: &mut Connection, stays: bool) -> Result<(), WireError> {
    connection.push([&plain(if stays { "commit" } else { "rollback" })])?;
    connection.push_sync();
    if stays {
        clean(connection)?;
    }
    connection.send().await?;
    if let Err(error) = connection.answers(1, |_, _| Ok::<(), EngineError>(())).await {
        if matches!(error, WireError::Database(_)) {
            recover(connection).await?;
        }
        return Err(error);
    }
    while !connection.is_idle() {
        connection.finish().await?;
    }
    Ok(())
}

/// Sends what was added and reads its answers. A refusal ends the transaction.
async fn read(
    connection: &mut Connection,
    steps: &[(Part, Step<'_>)],
    run: &Run<'_>,
    sink: &mut dyn RowSink,
) -> Result<Seen, RunError> {
    connection.send().await.map_err(|error| RunError::Wire { error, emitted: false })?;
    let mut seen = Seen::default();
    let answers = connection
        .answers(steps.len(), |at, row| take(&mut seen, steps.get(at).map(|(part, _)| *part), row, run, sink))
        .await;
    let emitted = seen.rows > 0;
    match answers {
        Ok(Ok(affected)) => {
            if run.compiled.gives == Gives::Nothing {
                let main = steps.iter().position(|(part, _)| *part == Part::Main);
                seen.rows = main.and_then(|main| affected.get(main)).copied().unwrap_or_default();
            }
            Ok(seen)
        }
        Ok(Err(error)) => Err(RunError::Engine(error)),
        Err(error) => {
            if matches!(error, WireError::Database(_)) {
                recover(connection).await.map_err(|error| RunError::Wire { error, emitted })?;
            }
            Err(RunError::Wire { error, emitted })
        }
    }
}

/// After a refusal: reads to the end of the exchange and ends the transaction.
pub(crate) async fn recover(connection: &mut Connection) -> Result<(), WireError> {
    if connection.is_open() {
        connection.push_sync();
        connection.send().await?;
    }
    let mut in_transaction = false;
    while !connection.is_idle() {
        match connection.finish().await {
            Ok(still) => in_transaction = still,
            // What follows a failed transaction in the same exchange fails with it.
            Err(WireError::Database(_)) => {}
            Err(error) => return Err(error),
        }
    }
    if in_transaction {
        connection.push([&plain("rollback")])?;
        connection.push_sync();
        connection.send().await?;
        connection.finish().await?;
    }
    Ok(())
}

/// Adds what leaves nothing of the transaction in the session.
fn clean(connection: &mut Connection) -> Result<(), WireError> {
    connection.push(&CLEAN.map(plain))?;
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
            if let Gives::Page(page) = &run.compiled.gives
                && !seen.is_of_page(page, &mut row)?
            {
                return Ok(());
            }
            seen.rows += 1;
            match &run.compiled.gives {
                Gives::Rows | Gives::Page(_) => {
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

/// What was seen, as the engine's outcome; or the refusal that it is.
fn outcome(run: &Run<'_>, seen: Seen) -> Result<Outcome, RunError> {
    if let Some(refused) = refusal(run, &seen) {
        return Err(RunError::Engine(refused));
    }
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
    let is_page = matches!(run.compiled.gives, Gives::Page(_));
    Ok(Outcome {
        rows: seen.rows,
        edges: (is_page && seen.rows > 0).then_some(seen.edges),
        inserted: seen.rows.saturating_sub(seen.updated),
        total,
        keys,
        overrides: seen.overrides,
        ..Outcome::default()
    })
}
