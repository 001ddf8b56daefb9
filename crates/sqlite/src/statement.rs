//! Compiled text on a connection: prepared statements, what their parameters are given, and their rows as values. Knows neither
//! plans nor tables.

use plinth_engine::EngineError;
use plinth_query::Caller;
use plinth_values::{Type, Value, ValueRef};
use rusqlite::types::ValueRef as SqlRef;
use rusqlite::{CachedStatement, Connection, ErrorCode, Row};

use crate::error::{engine_error, internal};
use crate::sql::{Param, Sql};

/// What parameters may stand for, while one request runs.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// The plan's values
    pub(crate) values: &'a [(Type, Value)],
    /// Who asks
    pub(crate) caller: &'a Caller,
    /// The row about to be written, by column
    pub(crate) cells: &'a [Value],
    /// The row proposed for insertion, by column
    pub(crate) excluded: &'a [Value],
    /// The rows a statement is about, as a JSON array of row ids
    pub(crate) rowids: &'a str,
    /// The rows that a function's writing statement returned, as JSON
    pub(crate) write_result: &'a str,
}

impl<'a> Scope<'a> {
    /// A request's own values and caller, and no row.
    pub(crate) fn new(values: &'a [(Type, Value)], caller: &'a Caller) -> Scope<'a> {
        Scope { values, caller, cells: &[], excluded: &[], rowids: "[]", write_result: "[]" }
    }

    /// Binds one parameter; those of nodes further out are not the scope's business.
    pub(crate) fn bind(
        &self,
        statement: &mut rusqlite::Statement<'_>,
        index: usize,
        param: &Param,
    ) -> Result<(), Failure> {
        let missing = || Failure::Engine(internal("the plan refers to a value that was not given"));
        let value = match param {
            Param::Bind(n) => self.values.get(*n).ok_or_else(missing)?.1.as_ref(),
            Param::Cell(n) => self.cells.get(*n).ok_or_else(missing)?.as_ref(),
            Param::Excluded(n) => self.excluded.get(*n).ok_or_else(missing)?.as_ref(),
            Param::Rowids => ValueRef::Text(self.rowids),
            Param::WriteResult => ValueRef::Text(self.write_result),
            Param::Now => ValueRef::Int(self.caller.session.now),
            Param::Value(value) => value.as_ref(),
            Param::Setting(setting) => {
                let value = self.caller.setting(*setting);
                return bind(statement, index, to_sqlite(value.as_ref()));
            }
            Param::Outer { .. } => {
                return Err(internal("a column of an outer node is used outside of a node").into());
            }
        };
        bind(statement, index, to_sqlite(value))
    }
}

/// A statement that failed: as SQLite said it, so that a violated constraint can be explained, or in the engine's terms already.
#[derive(Debug)]
pub(crate) enum Failure {
    Sqlite(rusqlite::Error),
    Engine(EngineError),
}

impl Failure {
    /// SQLite's error, when it is that of a violated constraint.
    pub(crate) fn constraint(&self) -> Option<&rusqlite::Error> {
        match self {
            Failure::Sqlite(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                Some(error)
            }
            _ => None,
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Failure {
        Failure::Sqlite(error)
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Failure {
        Failure::Engine(error)
    }
}

impl From<Failure> for EngineError {
    fn from(failure: Failure) -> EngineError {
        match failure {
            Failure::Sqlite(error) => engine_error(error),
            Failure::Engine(error) => error,
        }
    }
}

/// Gives a parameter its value.
pub(crate) fn bind(
    statement: &mut rusqlite::Statement<'_>,
    index: usize,
    value: SqlRef<'_>,
) -> Result<(), Failure> {
    Ok(statement.raw_bind_parameter(index, rusqlite::types::ToSqlOutput::Borrowed(value))?)
}

/// A statement with what its parameters stand for.
pub(crate) struct Prepared<'c> {
    statement: CachedStatement<'c>,
    params: Vec<Param>,
}

impl<'c> Prepared<'c> {
    /// Prepares a statement, or takes it from those that the connection has kept.
    pub(crate) fn new(connection: &'c Connection, sql: Sql) -> Result<Prepared<'c>, Failure> {
        Ok(Prepared { statement: connection.prepare_cached(&sql.text)?, params: sql.params })
    }

    /// Runs the statement to its end and hands every row over. A statement that is left early keeps SQLite from checkpointing.
    pub(crate) fn each(
        &mut self,
        scope: &Scope<'_>,
        mut take: impl FnMut(&Row<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        for (i, param) in self.params.iter().enumerate() {
            scope.bind(&mut self.statement, i + 1, param)?;
        }
        let mut rows = self.statement.raw_query();
        while let Some(row) = rows.next()? {
            take(row)?;
        }
        Ok(())
    }

    /// All rows.
    pub(crate) fn rows(&mut self, scope: &Scope<'_>) -> Result<Vec<Vec<Value>>, Failure> {
        let width = self.statement.column_count();
        let mut all = Vec::new();
        self.each(scope, |row| {
            let values: Result<Vec<Value>, Failure> =
                (0..width).map(|i| Ok(column(row, i)?.to_owned())).collect();
            all.push(values?);
            Ok(())
        })?;
        Ok(all)
    }

    /// The first row.
    pub(crate) fn row(&mut self, scope: &Scope<'_>) -> Result<Option<Vec<Value>>, Failure> {
        Ok(self.rows(scope)?.into_iter().next())
    }

    /// The first column of all rows: row ids.
    pub(crate) fn ids(&mut self, scope: &Scope<'_>) -> Result<Vec<i64>, Failure> {
        let mut ids = Vec::new();
        self.each(scope, |row| {
            ids.push(row.get(0)?);
            Ok(())
        })?;
        Ok(ids)
    }
}

/// A column of a row as a value.
pub(crate) fn column<'r>(row: &'r Row<'_>, index: usize) -> Result<ValueRef<'r>, Failure> {
    from_sqlite(row.get_ref(index)?)
}

/// A value of SQLite as one in storage form.
pub(crate) fn from_sqlite(value: SqlRef<'_>) -> Result<ValueRef<'_>, Failure> {
    Ok(match value {
        SqlRef::Null => ValueRef::Null,
        SqlRef::Integer(i) => ValueRef::Int(i),
        SqlRef::Real(f) => ValueRef::Float(f),
        SqlRef::Blob(bytes) => ValueRef::Bytes(bytes),
        SqlRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => ValueRef::Text(text),
            Err(_) => return Err(internal("a stored text is not UTF-8").into()),
        },
    })
}

/// A value in storage form as one of SQLite.
pub(crate) fn to_sqlite(value: ValueRef<'_>) -> SqlRef<'_> {
    match value {
        ValueRef::Null => SqlRef::Null,
        ValueRef::Int(i) => SqlRef::Integer(i),
        ValueRef::Float(f) => SqlRef::Real(f),
        ValueRef::Text(text) => SqlRef::Text(text.as_bytes()),
        ValueRef::Bytes(bytes) => SqlRef::Blob(bytes),
    }
}

/// Row ids as a JSON array.
pub(crate) fn id_list(ids: &[i64]) -> String {
    let mut list = String::with_capacity(ids.len() * 8 + 2);
    list.push('[');
    for (i, id) in ids.iter().enumerate() {
        if i > 0 {
            list.push(',');
        }
        list.push_str(&id.to_string());
    }
    list.push(']');
    list
}

/// Runs a statement without parameters or rows of interest.
pub(crate) fn execute(connection: &Connection, text: &str) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(text)?;
    let mut rows = statement.raw_query();
    while rows.next()?.is_some() {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_lists() {
        for (ids, list) in
            [(&[][..], "[]"), (&[7], "[7]"), (&[1, -2, i64::MAX], "[1,-2,9223372036854775807]")]
        {
            assert_eq!(id_list(ids), list);
        }
    }

    #[test]
    fn values_are_the_same_there_and_back() {
        let values = [
            ValueRef::Null,
            ValueRef::Int(-1),
            ValueRef::Float(0.5),
            ValueRef::Text("ü"),
            ValueRef::Bytes(&[0]),
        ];
        for value in values {
            assert_eq!(from_sqlite(to_sqlite(value)).ok(), Some(value));
        }
        assert!(from_sqlite(SqlRef::Text(&[0xff])).is_err());
    }
}
