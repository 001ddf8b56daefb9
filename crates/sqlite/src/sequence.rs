//! The counters of identity columns. A number once drawn is never drawn again, also when the row it was drawn for is not kept; an
//! explicit value does not move the counter: both as PostgreSQL's sequences do.

use std::collections::HashMap;

use plinth_catalog::Relation;
use plinth_engine::EngineError;
use plinth_values::Type;
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::{engine_error, sql_error};

/// Where the counters are kept.
pub(crate) const TABLE: &str = "create table _plinth_sequence (name text primary key not null, last integer not null) strict, without rowid";

/// The counters that were used since the start. The writer's alone.
#[derive(Debug, Default)]
pub(crate) struct Sequences {
    counters: HashMap<String, Counter>,
}

#[derive(Clone, Copy, Debug)]
struct Counter {
    /// The number drawn last; 0 before the first
    last: i64,
    /// What the file says, when that is known
    saved: i64,
}

impl Sequences {
    /// Draws the next number for a column.
    pub(crate) fn next(
        &mut self,
        connection: &Connection,
        relation: &Relation,
        column: usize,
    ) -> Result<i64, EngineError> {
        let (name, ty) = described(relation, column);
        let greatest = match ty {
            Some(Type::Int2) => i64::from(i16::MAX),
            Some(Type::Int4) => i64::from(i32::MAX),
            _ => i64::MAX,
        };
        let counter = self.counter(connection, &name)?;
        if counter.last >= greatest {
            let column = relation.columns.get(column).map(|column| column.name.as_str()).unwrap_or_default();
            let message = format!(
                "nextval: reached maximum value of sequence \"{}_{column}_seq\" ({greatest})",
                relation.name.name
            );
            return Err(sql_error("2200H", message, None));
        }
        counter.last += 1;
        Ok(counter.last)
    }

    /// Moves the counter so that the next number is above this one.
    pub(crate) fn raise(
        &mut self,
        connection: &Connection,
        relation: &Relation,
        column: usize,
        to: i64,
    ) -> Result<(), EngineError> {
        let (name, _) = described(relation, column);
        let counter = self.counter(connection, &name)?;
        counter.last = counter.last.max(to);
        Ok(())
    }

    fn counter(&mut self, connection: &Connection, name: &str) -> Result<&mut Counter, EngineError> {
        if !self.counters.contains_key(name) {
            let last: Option<i64> = connection
                .prepare_cached("select last from _plinth_sequence where name = ?1")
                .and_then(|mut statement| statement.query_row([name], |row| row.get(0)).optional())
                .map_err(engine_error)?;
            let last = last.unwrap_or(0);
            self.counters.insert(name.to_owned(), Counter { last, saved: last });
        }
        self.counters.get_mut(name).ok_or_else(|| crate::error::internal("a counter is gone"))
    }

    /// Writes what was drawn into the open transaction.
    pub(crate) fn save(&self, connection: &Connection) -> rusqlite::Result<()> {
        for (name, counter) in self.counters.iter().filter(|(_, counter)| counter.last != counter.saved) {
            connection
                .prepare_cached("insert or replace into _plinth_sequence (name, last) values (?1, ?2)")?
                .execute(params![name, counter.last])?;
        }
        Ok(())
    }

    /// The transaction with what was saved is on disk.
    pub(crate) fn committed(&mut self) {
        for counter in self.counters.values_mut() {
            counter.saved = counter.last;
        }
    }
}

fn described(relation: &Relation, column: usize) -> (String, Option<&Type>) {
    let column = relation.columns.get(column);
    let name = column.map(|column| column.name.as_str()).unwrap_or_default();
    (format!("{}.{name}", relation.name), column.map(|column| &column.ty))
}
