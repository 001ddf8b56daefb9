//! Rows with related rows inside: one insert after the other in an open transaction, each with the keys that the ones before it have
//! made. What comes back are the rows of the root as they were written, with their related rows as they are in the end.

use plinth_engine::{EngineError, Outcome, Overrides, RowSink};
use plinth_query::plan::{Cell, InsertPlan, PlannedAction, ReturningPlan, TreePlan, TreeStep};
use plinth_values::Value;
use plinth_values::output::write_json_string;

use crate::compile::params;
use crate::emit;
use crate::error::of_statement;
use crate::run::{AFTERWARDS, Params, Run, RunError, plain, recover};
use crate::settings::{self, settings};
use crate::sql::{self, Param, Sql};
use crate::wire::{Connection, Row, Step, WireError};

/// Where the transaction goes back to, to find the row that was refused among several.
const SAVEPOINT: &str = "savepoint plinth_rows";
const BACK: &str = "rollback to savepoint plinth_rows";

/// Makes what is counted by [`sql::UPDATED`] be about the root alone.
const COUNT_ANEW: &str = "select pg_catalog.set_config('plinth.updated', '', true)";

/// What a tree gives back.
#[derive(Debug)]
pub(crate) struct TreeGives {
    /// The columns of the root's rows that are needed
    pub(crate) columns: Vec<usize>,
    /// Selects from them; one parameter is [`Param::Written`]. `None` where nothing is to come back
    pub(crate) select: Option<Sql>,
}

/// The values of some columns of the rows of a step, as text.
#[derive(Default)]
struct Rows {
    columns: Vec<usize>,
    values: Vec<Vec<Option<String>>>,
    affected: u64,
}

/// Runs a tree as a part of a transaction that stays open; `begin` opens it.
pub(crate) async fn run(
    connection: &mut Connection,
    run: &Run<'_>,
    gives: &TreeGives,
    sink: &mut dyn RowSink,
    begin: Option<&str>,
) -> Result<Outcome, RunError> {
    let PlannedAction::InsertTree(plan) = &*run.plan.action else {
        return Err(internal("a tree was compiled from something else").into());
    };
    let path = settings::search_path(run.catalog, run.plan, run.extra_search_path);
    let settings = settings(run.catalog, run.caller, &path);
    let settings = Step { text: &settings.text, params: &settings.params, formats: &[] };
    let opening: Vec<Step<'_>> = begin.map(plain).into_iter().chain([settings]).collect();
    exchange(connection, &opening, |_, _| Ok(())).await?;
    let mut written: Vec<Rows> = Vec::with_capacity(plan.steps.len());
    let mut updated = 0;
    for (number, step) in plan.steps.iter().enumerate() {
        let is_root = number == plan.root;
        if is_root {
            exchange(connection, &[plain(COUNT_ANEW)], |_, _| Ok(())).await?;
        }
        let mut columns = if is_root { gives.columns.clone() } else { Vec::new() };
        let links = plan.steps.iter().flat_map(|later| &later.links);
        columns.extend(links.filter(|link| link.step == number).map(|link| link.column));
        columns.sort_unstable();
        columns.dedup();
        let insert = InsertPlan {
            rows: linked(step, &written)?,
            returning: ReturningPlan::Keys(columns.clone()),
            ..step.insert.clone()
        };
        let rows = insert_rows(connection, run, step, &insert, columns).await?;
        let is_needed = plan.steps.iter().any(|later| later.links.iter().any(|link| link.step == number));
        if is_needed && rows.values.len() != step.insert.rows.len() {
            return Err(RunError::Engine(left_out()));
        }
        written.push(rows);
        if is_root {
            updated = afterwards(connection).await?.1;
        }
    }
    let root = written.get(plan.root).ok_or_else(|| internal("a tree has no root"))?;
    if let Some(select) = &gives.select {
        give_back(connection, run, gives, select, root, sink).await?;
    }
    let (overrides, _) = afterwards(connection).await?;
    // What comes next in the transaction counts its own.
    exchange(connection, &[plain(COUNT_ANEW)], |_, _| Ok(())).await?;
    let rows = root.affected;
    if run.single && rows != 1 {
        return Err(EngineError::NotSingular { rows }.into());
    }
    Ok(Outcome {
        rows,
        inserted: rows.saturating_sub(updated),
        total: run.plan.count.map(|_| rows),
        overrides,
        ..Outcome::default()
    })
}

/// The rows of a step, with the keys of earlier ones filled in.
fn linked(step: &TreeStep, written: &[Rows]) -> Result<Vec<Vec<Cell>>, EngineError> {
    let lost = || internal("a row refers to a step that has not run");
    let mut rows = step.insert.rows.clone();
    for link in &step.links {
        let earlier = written.get(link.step).ok_or_else(lost)?;
        let column = earlier.columns.iter().position(|column| *column == link.column).ok_or_else(lost)?;
        for (row, from) in rows.iter_mut().zip(&link.rows) {
            let Some(from) = from else { continue };
            let value = earlier.values.get(*from).and_then(|row| row.get(column)).ok_or_else(lost)?;
            let value = value.clone().map_or(Value::Null, Value::Text);
            *row.get_mut(link.place).ok_or_else(lost)? = Cell::Value(value);
        }
    }
    Ok(rows)
}

/// Inserts the rows of a step.
async fn insert_rows(
    connection: &mut Connection,
    run: &Run<'_>,
    step: &TreeStep,
    insert: &InsertPlan,
    columns: Vec<usize>,
) -> Result<Rows, RunError> {
    let mut rows = Rows { columns, ..Rows::default() };
    if insert.rows.is_empty() {
        return Ok(rows);
    }
    let (text, params) = statement(run, insert)?;
    let main = Step { text: &text, params: &params, formats: &[] };
    let steps = [plain(SAVEPOINT), main];
    let (wanted, values) = (rows.columns.len(), &mut rows.values);
    let answers = answers(connection, &steps, |_, mut row| {
        values.push((0..wanted).map(|_| text_of(row.field())).collect());
        Ok(())
    });
    match answers.await {
        Ok(affected) => {
            rows.affected = affected.last().copied().unwrap_or_default();
            Ok(rows)
        }
        Err(RunError::Wire { error: WireError::Database(error), emitted }) => {
            let refused = of_statement(WireError::Database(error.clone()));
            if crate::error::is_outdated(&WireError::Database(error.clone())) || !is_of_a_row(&refused) {
                recover(connection).await.map_err(wire)?;
                return Err(RunError::Wire { error: WireError::Database(error), emitted });
            }
            let refused = match step.paths.as_slice() {
                [path] => {
                    recover(connection).await.map_err(wire)?;
                    with_place(refused, path)
                }
                paths => find_row(connection, run, insert, paths, refused).await?,
            };
            Err(RunError::Engine(refused))
        }
        Err(error) => Err(error),
    }
}

/// After a refusal of several rows at once: inserts them one by one, to tell which one is refused. Nothing of it stays.
async fn find_row(
    connection: &mut Connection,
    run: &Run<'_>,
    insert: &InsertPlan,
    paths: &[String],
    refused: EngineError,
) -> Result<EngineError, RunError> {
    connection.push_sync();
    connection.send().await.map_err(wire)?;
    while !connection.is_idle() {
        match connection.finish().await {
            Ok(_) | Err(WireError::Database(_)) => {}
            Err(error) => return Err(wire(error)),
        }
    }
    exchange(connection, &[plain(BACK)], |_, _| Ok(())).await?;
    for (row, path) in insert.rows.iter().zip(paths) {
        let one = InsertPlan { rows: vec![row.clone()], ..insert.clone() };
        let (text, params) = statement(run, &one)?;
        let steps = [Step { text: &text, params: &params, formats: &[] }];
        match answers(connection, &steps, |_, _| Ok(())).await {
            Ok(_) => {}
            Err(RunError::Wire { error: error @ WireError::Database(_), .. }) => {
                recover(connection).await.map_err(wire)?;
                let found = of_statement(error);
                return Ok(if is_same(&found, &refused) { with_place(found, path) } else { refused });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(refused)
}

fn statement(run: &Run<'_>, insert: &InsertPlan) -> Result<(String, Params), EngineError> {
    let (sql, _) = sql::insert(run.catalog, insert, sql::Form::Text, &run.caller.session)?;
    let params = params(&sql, run.plan, run.caller)?;
    Ok((sql.text, params))
}

/// Selects what comes back.
async fn give_back(
    connection: &mut Connection,
    run: &Run<'_>,
    gives: &TreeGives,
    select: &Sql,
    root: &Rows,
    sink: &mut dyn RowSink,
) -> Result<(), RunError> {
    let json = recordset(gives, root)?;
    if json.len() > run.max_bytes {
        return Err(EngineError::ResponseTooLarge { limit: run.max_bytes as u64 }.into());
    }
    let mut params = params(select, run.plan, run.caller)?;
    for (param, value) in select.params.iter().zip(&mut params) {
        if *param == Param::Written {
            *value = Some(json.clone());
        }
    }
    let layout = &run.compiled.layout;
    let steps = [Step { text: &select.text, params: &params, formats: &layout.formats }];
    exchange(connection, &steps, |_, row| {
        emit::row(layout, row, sink, &run.caller.session)?;
        if sink.len() > run.max_bytes {
            return Err(EngineError::ResponseTooLarge { limit: run.max_bytes as u64 });
        }
        Ok(())
    })
    .await
    .map(drop)
    .map_err(|error| match error {
        RunError::Wire { error, emitted: _ } => RunError::Wire { error, emitted: true },
        error => error,
    })
}

/// The root's rows as [`Param::Written`] has them: objects of texts.
fn recordset(gives: &TreeGives, root: &Rows) -> Result<Vec<u8>, EngineError> {
    let places = gives.columns.iter().map(|column| root.columns.iter().position(|known| known == column));
    let places: Vec<usize> =
        places.collect::<Option<_>>().ok_or_else(|| internal("a tree lacks a column of its root"))?;
    let mut out = vec![b'['];
    // Where no column is needed, the rows still count.
    let rows = root.values.iter().map(Some).chain(std::iter::repeat(None));
    let count = usize::try_from(root.affected).unwrap_or(usize::MAX);
    for (number, row) in rows.take(count).enumerate() {
        out.extend_from_slice(if number == 0 { b"{" } else { b",{" });
        for (i, place) in places.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            out.extend_from_slice(format!("\"c{i}\":").as_bytes());
            match row.and_then(|row| row.get(*place)) {
                Some(Some(text)) => write_json_string(text, &mut out),
                Some(None) | None => out.extend_from_slice(b"null"),
            }
        }
        out.push(b'}');
    }
    out.push(b']');
    Ok(out)
}

/// What the statements so far want the answer to be, and how many rows were updated by an upsert.
async fn afterwards(connection: &mut Connection) -> Result<(Overrides, u64), RunError> {
    let (mut overrides, mut updated) = (Overrides::default(), 0);
    exchange(connection, &[plain(AFTERWARDS)], |_, mut row| {
        let mut text = || text_of(row.field()).filter(|text| !text.is_empty());
        overrides = Overrides { status: text(), headers: text() };
        updated = text().and_then(|text| text.parse().ok()).unwrap_or_default();
        Ok(())
    })
    .await?;
    Ok((overrides, updated))
}

/// Runs statements. A refusal by the database ends the transaction.
async fn exchange(
    connection: &mut Connection,
    steps: &[Step<'_>],
    row: impl FnMut(usize, Row<'_>) -> Result<(), EngineError>,
) -> Result<Vec<u64>, RunError> {
    let result = answers(connection, steps, row).await;
    if let Err(RunError::Wire { error: WireError::Database(_), .. }) = result {
        recover(connection).await.map_err(wire)?;
    }
    result
}

/// Runs statements. After a refusal by the database the exchange is still open.
async fn answers(
    connection: &mut Connection,
    steps: &[Step<'_>],
    row: impl FnMut(usize, Row<'_>) -> Result<(), EngineError>,
) -> Result<Vec<u64>, RunError> {
    connection.push(steps).map_err(wire)?;
    connection.push_flush();
    connection.send().await.map_err(wire)?;
    Ok(connection.answers(steps.len(), row).await.map_err(wire)??)
}

/// Whether a refusal is about one of the rows rather than about the insert or the server. References are checked when all rows are there.
fn is_of_a_row(error: &EngineError) -> bool {
    let EngineError::Sql { code, message, .. } = error else { return false };
    match code.get(..2) {
        Some("22" | "44" | "P0") => true,
        Some("23") => code != "23503",
        Some("42") => code == "42501" && !message.starts_with("permission denied") || code == "428C9",
        _ => false,
    }
}

fn is_same(one: &EngineError, other: &EngineError) -> bool {
    match (one, other) {
        (
            EngineError::Sql { code, message, .. },
            EngineError::Sql { code: other_code, message: other_message, .. },
        ) => code == other_code && message == other_message,
        _ => false,
    }
}

/// The same refusal, with the place in the payload.
fn with_place(error: EngineError, path: &str) -> EngineError {
    match error {
        EngineError::Sql { code, message, detail, hint } if !path.is_empty() => {
            let place = format!("In the row {path}.");
            let detail = detail.map_or(place.clone(), |detail| format!("{place} {detail}"));
            EngineError::Sql { code, message, detail: Some(detail), hint }
        }
        other => other,
    }
}

/// A row that others refer to is not there: a trigger has left it out.
fn left_out() -> EngineError {
    EngineError::Sql {
        code: "0A000".into(),
        message: "a row that related rows refer to was not written".into(),
        detail: Some("A trigger of its table leaves rows out.".into()),
        hint: None,
    }
}

fn text_of(field: Option<&[u8]>) -> Option<String> {
    field.map(|field| String::from_utf8_lossy(field).into_owned())
}

fn wire(error: WireError) -> RunError {
    RunError::Wire { error, emitted: false }
}

fn internal(detail: &str) -> EngineError {
    EngineError::Internal { detail: detail.to_owned() }
}

/// What the root of a tree gives back, as a plan of a select.
pub(crate) fn returning(plan: &TreePlan) -> Option<&plinth_query::plan::Node> {
    match &plan.returning {
        ReturningPlan::Rows(node) => Some(node),
        ReturningPlan::Nothing | ReturningPlan::Keys(_) => None,
    }
}
