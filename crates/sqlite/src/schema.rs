//! The applied catalog in the file: made in an empty one, compared with what the schema files say now, and extended by what can be
//! added. What differs is `difference`'s business, and the text of tables `sql`'s.

use std::collections::BTreeSet;
use std::sync::Arc;

use plinth_catalog::{Catalog, Relation, RelationId, SourceFile, quote_ident};
use plinth_engine::{Engine, EngineError};
use plinth_query::Caller;
use plinth_query::plan::Cell;
use rusqlite::{Connection, params};

use crate::connection::FORMAT;
use crate::difference::{Applies, Change, Step, difference};
use crate::engine::{SqliteEngine, put_in_force};
use crate::error::{engine_error, internal, sql_error};
use crate::load::{self, Seed};
use crate::search_indexes;
use crate::sequence;
use crate::sql;
use crate::statement::{column, execute};
use crate::writer::State;

/// Where the applied schema files are kept.
const FILES: &str = "create table _plinth_schema \
    (path text primary key not null, position integer not null, text text not null) strict, without rowid";

/// The name of a table while another one takes its place.
const REPLACED: &str = "_plinth_replaced";

/// Why a catalog is not applied.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ApplyError {
    /// The file has tables already
    #[error("the database is not empty")]
    NotEmpty,
    /// What SQLite cannot keep with PostgreSQL's meaning; one sentence each
    #[error("{}", .0.join("\n"))]
    Unsupported(Vec<String>),
    /// Changes that would lose or contradict data
    #[error("the schema cannot be changed in place:\n{}", sentences(.0))]
    Blocked(Vec<Change>),
    /// The file refuses
    #[error(transparent)]
    Engine(#[from] EngineError),
}

fn sentences(changes: &[Change]) -> String {
    changes.iter().map(|change| format!("  {change}")).collect::<Vec<_>>().join("\n")
}

impl SqliteEngine {
    /// The schema files that the tables of the file were made from, in their order; `None` for an empty file.
    pub fn applied(&self) -> Result<Option<Vec<SourceFile>>, EngineError> {
        self.writer.serve(|state| read_files(&state.database.connection).map_err(engine_error))?
    }

    /// Makes a catalog's tables in an empty file, and puts it in force.
    pub fn create(&self, catalog: Arc<Catalog>, files: Vec<SourceFile>) -> Result<(), ApplyError> {
        supported(&catalog)?;
        let (readers, current) = (self.readers.clone(), self.catalog.clone());
        self.writer.serve(move |state| {
            state.database.register(&catalog).map_err(engine_error)?;
            state.transaction(|state| create(&state.database.connection, &catalog, &files))?;
            put_in_force(&readers, &current, catalog);
            Ok(())
        })?
    }

    /// The changes that keep a catalog from being applied to the file as it is.
    pub fn blocked(&self, catalog: &Arc<Catalog>) -> Result<Vec<Change>, EngineError> {
        let (old, new) = (self.catalog(), catalog.clone());
        self.writer.serve(move |state| blocking(&state.database.connection, &new, difference(&old, &new)))?
    }

    /// Whether a table of the catalog in force has no rows.
    pub fn is_empty(&self, table: RelationId) -> Result<bool, EngineError> {
        let catalog = self.catalog();
        self.writer.serve(move |state| is_empty(&state.database.connection, &catalog, table))?
    }

    /// Brings the file from the catalog in force to this one, when all that differs can be added, and puts it in force. Requests
    /// that run meanwhile finish with the catalog they began with. Gives what was different.
    pub fn apply(&self, catalog: Arc<Catalog>, files: Vec<SourceFile>) -> Result<Vec<Change>, ApplyError> {
        supported(&catalog)?;
        let (readers, current, old) = (self.readers.clone(), self.catalog.clone(), self.catalog());
        self.writer.serve(move |state| {
            let changes = difference(&old, &catalog);
            let blocked = blocking(&state.database.connection, &catalog, changes.clone())?;
            if !blocked.is_empty() {
                return Err(ApplyError::Blocked(blocked));
            }
            state.database.register(&catalog).map_err(engine_error)?;
            let steps = steps(&catalog, &changes)?;
            without_references(state, !steps.rebuilt.is_empty(), |state| {
                state.transaction(|state| {
                    steps.run(state, &old, &catalog)?;
                    write_files(&state.database.connection, &files).map_err(engine_error)
                })
            })?;
            put_in_force(&readers, &current, catalog);
            Ok(changes)
        })?
    }
}

/// What of a catalog is accepted but has no effect in an SQLite file, one sentence each: for people to read.
pub fn notes(catalog: &Catalog) -> Vec<String> {
    sql::notes(catalog)
}

/// What of a catalog SQLite cannot keep with PostgreSQL's meaning, one sentence each. Such a catalog is not applied.
pub fn problems(catalog: &Catalog) -> Vec<String> {
    let mut problems = sql::supported(catalog);
    for relation in catalog.relations.iter().filter(|relation| relation.table().is_some()) {
        let name = sql::table_name(relation).to_ascii_lowercase();
        for reserved in ["_plinth_", "sqlite_"] {
            if name.starts_with(reserved) {
                problems.push(format!(
                    "table \"{}\": names that begin with \"{reserved}\" are reserved; choose another name",
                    relation.name
                ));
            }
        }
    }
    problems
}

fn supported(catalog: &Catalog) -> Result<(), ApplyError> {
    let problems = problems(catalog);
    if problems.is_empty() { Ok(()) } else { Err(ApplyError::Unsupported(problems)) }
}

fn has_table(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    let mut find =
        connection.prepare_cached("select 1 from sqlite_schema where type = 'table' and name = ?1")?;
    find.exists([name])
}

fn read_files(connection: &Connection) -> rusqlite::Result<Option<Vec<SourceFile>>> {
    if !has_table(connection, "_plinth_schema")? {
        return Ok(None);
    }
    let mut read = connection.prepare("select path, text from _plinth_schema order by position")?;
    let files = read.query_map([], |row| Ok(SourceFile { path: row.get(0)?, text: row.get(1)? }))?;
    files.collect::<rusqlite::Result<Vec<_>>>().map(Some)
}

fn write_files(connection: &Connection, files: &[SourceFile]) -> rusqlite::Result<()> {
    execute(connection, "delete from _plinth_schema")?;
    let mut insert =
        connection.prepare_cached("insert into _plinth_schema (path, position, text) values (?1, ?2, ?3)")?;
    for (position, file) in files.iter().enumerate() {
        insert.execute(params![file.path, i64::try_from(position).unwrap_or(i64::MAX), file.text])?;
    }
    Ok(())
}

fn create(connection: &Connection, catalog: &Catalog, files: &[SourceFile]) -> Result<(), ApplyError> {
    let tables: i64 = connection
        .query_row("select count(*) from sqlite_schema", [], |row| row.get(0))
        .map_err(engine_error)?;
    if tables > 0 {
        return Err(ApplyError::NotEmpty);
    }
    let run = |text: &str| execute(connection, text).map_err(engine_error);
    run(FILES)?;
    run(sequence::TABLE)?;
    run(&format!("pragma user_version = {FORMAT}"))?;
    for relation in &catalog.relations {
        if relation.table().is_some() {
            create_table(connection, catalog, relation)?;
        }
    }
    search_indexes::bring_in_step(connection, catalog)?;
    write_files(connection, files).map_err(engine_error)?;
    Ok(())
}

fn create_table(connection: &Connection, catalog: &Catalog, relation: &Relation) -> Result<(), EngineError> {
    let run = |text: &str| execute(connection, text).map_err(engine_error);
    run(&sql::create_table(catalog, relation)?)?;
    sql::create_indexes(catalog, relation)?.iter().try_for_each(|text| run(text))
}

/// The changes that cannot be applied, now that it is known which tables are empty.
fn blocking(
    connection: &Connection,
    catalog: &Catalog,
    changes: Vec<Change>,
) -> Result<Vec<Change>, EngineError> {
    let mut blocked = Vec::new();
    for change in changes {
        let applies = match change.applies {
            Applies::Always => true,
            Applies::Never => false,
            Applies::WhileEmpty(id) => is_empty(connection, catalog, id)?,
        };
        if !applies {
            blocked.push(change);
        }
    }
    Ok(blocked)
}

fn is_empty(connection: &Connection, catalog: &Catalog, id: RelationId) -> Result<bool, EngineError> {
    let name = quote_ident(&sql::table_name(table_of(catalog, id)?));
    let mut find = connection.prepare(&format!("select 1 from {name} limit 1")).map_err(engine_error)?;
    Ok(!find.exists([]).map_err(engine_error)?)
}

fn table_of(catalog: &Catalog, id: RelationId) -> Result<&Relation, EngineError> {
    catalog
        .relations
        .get(id.0 as usize)
        .ok_or_else(|| internal("a change is about a table that does not exist"))
}

/// What is to be done, table by table.
struct Steps {
    /// Tables that are made anew, indexes included
    rebuilt: BTreeSet<RelationId>,
    created: Vec<RelationId>,
    /// Statements for the others
    statements: Vec<String>,
}

fn steps(catalog: &Catalog, changes: &[Change]) -> Result<Steps, EngineError> {
    let mut steps = Steps { rebuilt: BTreeSet::new(), created: Vec::new(), statements: Vec::new() };
    for change in changes {
        match change.step {
            Step::Rebuild(id) => {
                steps.rebuilt.insert(id);
            }
            Step::AddColumn(id, index)
                if sql::add_column(catalog, table_of(catalog, id)?, index)?.is_none() =>
            {
                steps.rebuilt.insert(id);
            }
            Step::CreateTable(id) => steps.created.push(id),
            _ => {}
        }
    }
    for change in changes {
        match &change.step {
            Step::AddColumn(id, index) if !steps.rebuilt.contains(id) => {
                steps.statements.extend(sql::add_column(catalog, table_of(catalog, *id)?, *index)?);
            }
            Step::CreateIndex(id, place) if !steps.rebuilt.contains(id) => {
                let relation = table_of(catalog, *id)?;
                if let Some(index) = relation.table().and_then(|table| table.indexes.get(*place)) {
                    steps.statements.extend(sql::create_index(catalog, relation, index)?);
                }
            }
            Step::DropIndex(id, name) if !steps.rebuilt.contains(id) => {
                let name = quote_ident(&sql::index_name(table_of(catalog, *id)?, name));
                steps.statements.push(format!("drop index if exists {name}"));
            }
            _ => {}
        }
    }
    Ok(steps)
}

impl Steps {
    fn run(&self, state: &State, old: &Catalog, new: &Arc<Catalog>) -> Result<(), EngineError> {
        let connection = &state.database.connection;
        for id in &self.created {
            create_table(connection, new, table_of(new, *id)?)?;
        }
        for text in &self.statements {
            execute(connection, text).map_err(|error| duplicates(error, text))?;
        }
        for id in &self.rebuilt {
            rebuild(state, old, new, table_of(new, *id)?)?;
        }
        // Rows were copied without a look at references.
        for id in &self.rebuilt {
            let relation = table_of(new, *id)?;
            let check = format!("pragma foreign_key_check({})", quote_ident(&sql::table_name(relation)));
            let mut check = connection.prepare(&check).map_err(engine_error)?;
            if check.exists([]).map_err(engine_error)? {
                let message = format!("rows of table \"{}\" refer to rows that do not exist", relation.name);
                return Err(sql_error("23503", message, None));
            }
        }
        search_indexes::bring_in_step(connection, new)
    }
}

/// A unique index over rows that are not.
fn duplicates(error: rusqlite::Error, text: &str) -> EngineError {
    if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) {
        let index = text.split('"').nth(1).unwrap_or_default();
        return sql_error("23505", format!("could not create unique index \"{index}\""), None);
    }
    engine_error(error)
}

/// Runs with foreign keys switched off, which SQLite allows only outside of a transaction: a table that is made anew would
/// otherwise take the rows with it that refer to its own.
fn without_references<T, E>(
    state: &mut State,
    needed: bool,
    run: impl FnOnce(&State) -> Result<T, E>,
) -> Result<T, E>
where
    E: From<EngineError>,
{
    let set = |on: bool| -> Result<(), EngineError> {
        let connection = &state.database.connection;
        connection.pragma_update(None, "foreign_keys", !on).map_err(engine_error)?;
        // The old behaviour leaves other tables' references to a renamed table alone.
        connection.pragma_update(None, "legacy_alter_table", on).map_err(engine_error)
    };
    if !needed {
        return run(state);
    }
    set(true)?;
    let result = run(state);
    set(false)?;
    result
}

/// Makes a table anew and copies its rows; new columns get their defaults.
fn rebuild(state: &State, old: &Catalog, new: &Arc<Catalog>, relation: &Relation) -> Result<(), EngineError> {
    let connection = &state.database.connection;
    let before = old
        .find_relation(&relation.name.schema, &relation.name.name)
        .ok_or_else(|| internal("a table that did not exist is made anew"))?;
    let name = quote_ident(&sql::table_name(relation));
    let run = |text: &str| execute(connection, text).map_err(engine_error);
    run(&format!("alter table {name} rename to {REPLACED}"))?;
    run(&sql::create_table(new, relation)?)?;
    let is_kept = |index: &usize| {
        relation
            .columns
            .get(*index)
            .is_some_and(|column| column.generated.is_none() && before.column_index(&column.name).is_some())
    };
    let kept: Vec<usize> = (0..relation.columns.len()).filter(is_kept).collect();
    if kept.is_empty() {
        run(&format!("drop table {REPLACED}"))?;
    } else {
        copy(state, new, relation, &kept)?;
        run(&format!("drop table {REPLACED}"))?;
    }
    sql::create_indexes(new, relation)?.iter().try_for_each(|text| run(text))
}

fn copy(
    state: &State,
    catalog: &Arc<Catalog>,
    relation: &Relation,
    kept: &[usize],
) -> Result<(), EngineError> {
    let names = kept.iter().filter_map(|index| relation.columns.get(*index));
    let names: Vec<String> = names.map(|column| quote_ident(&column.name)).collect();
    let text = format!("select {} from {REPLACED} order by {}", names.join(", "), sql::rowid(relation));
    let mut read = state.database.connection.prepare(&text).map_err(engine_error)?;
    let mut rows = read.raw_query();
    let cells = std::iter::from_fn(|| {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => return None,
            Err(error) => return Some(Err(engine_error(error))),
        };
        let cell = |index| Ok(Cell::Value(column(row, index)?.to_owned()));
        Some((0..kept.len()).map(cell).collect::<Result<Vec<Cell>, EngineError>>())
    });
    let seed = Seed { relation: relation.id, columns: kept, caller: &Caller::with_role("service_role") };
    load::rows(state, catalog, &seed, cells)?;
    Ok(())
}
