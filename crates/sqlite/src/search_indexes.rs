//! The indexes of full-text search in the file, brought in step with a catalog: made and filled where they are missing or different, and
//! removed where nothing asks for them. Inside the transaction of whoever changes the tables.

use std::collections::HashMap;

use plinth_catalog::{Catalog, quote_ident};
use plinth_engine::EngineError;
use rusqlite::Connection;

use crate::error::engine_error;
use crate::sql::{SearchIndex, search_indexes};
use crate::statement::execute;

/// Brings all of them in step. An index whose triggers are as they should be has been kept in step by them.
pub(crate) fn bring_in_step(connection: &Connection, catalog: &Catalog) -> Result<(), EngineError> {
    let wanted = search_indexes(catalog)?;
    let there = definitions(connection).map_err(engine_error)?;
    let is_kept = |index: &SearchIndex| {
        there.get(&index.name).is_some_and(|text| *text == index.create)
            && index.triggers.iter().all(|(name, text)| there.get(name) == Some(text))
    };
    let (kept, missing): (Vec<&SearchIndex>, Vec<&SearchIndex>) =
        wanted.iter().partition(|index| is_kept(index));
    for (name, text) in &there {
        let belongs = |index: &&SearchIndex| {
            index.name == *name || index.triggers.iter().any(|(trigger, _)| trigger == name)
        };
        if kept.iter().any(belongs) {
            continue;
        }
        let kind = if text.starts_with("CREATE TRIGGER") { "trigger" } else { "table" };
        execute(connection, &format!("drop {kind} {}", quote_ident(name))).map_err(engine_error)?;
    }
    for index in missing {
        execute(connection, &index.create).map_err(engine_error)?;
        execute(connection, &index.fill).map_err(engine_error)?;
        for (_, text) in &index.triggers {
            execute(connection, text).map_err(engine_error)?;
        }
    }
    Ok(())
}

/// What there is, without the tables that FTS5 keeps beside its own: their names do not end so.
fn definitions(connection: &Connection) -> rusqlite::Result<HashMap<String, String>> {
    let mut read = connection.prepare(
        "select name, sql from sqlite_schema where name glob '[_]plinth[_]search:*' \
         and (type = 'trigger' or (type = 'table' and name glob '*:'))",
    )?;
    let rows = read.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}
