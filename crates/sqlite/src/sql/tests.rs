//! Queries replayed from `tests/meaning`, whose answers PostgreSQL gave, and the texts that plans become.

mod definitions;
mod meaning;
mod nodes;

use plinth_catalog::{Catalog, Defaults, SourceFile, read};
use plinth_query::Caller;
use plinth_values::{Type, Value, ValueRef};
use rusqlite::Connection;
use rusqlite::types::{Value as SqlValue, ValueRef as SqlRef};

use super::{Param, Sql, create_indexes, create_table, supported};
use crate::functions::{self, SharedSession};

/// A catalog from schema SQL.
fn catalog(schema: &str) -> Catalog {
    let file = SourceFile { path: "schema.sql".into(), text: schema.into() };
    read(&[file], &Defaults::default()).unwrap_or_else(|problems| {
        panic!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}

/// A database in memory with the catalog's tables.
fn database(catalog: &Catalog) -> Connection {
    assert_eq!(supported(catalog), Vec::<String>::new());
    let connection = Connection::open_in_memory().unwrap();
    let strict = rusqlite::config::DbConfig::SQLITE_DBCONFIG_DQS_DML;
    connection.set_db_config(strict, false).unwrap();
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DQS_DDL, false).unwrap();
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false).unwrap();
    functions::register(&connection, catalog, SharedSession::default()).unwrap();
    for relation in catalog.relations.iter().filter(|relation| relation.table().is_some()) {
        let mut statements = vec![create_table(catalog, relation).unwrap()];
        statements.extend(create_indexes(catalog, relation).unwrap());
        for statement in statements {
            connection.execute_batch(&statement).unwrap_or_else(|e| panic!("{e}\n{statement}"));
        }
    }
    connection
}

/// What parameters of tests stand for.
#[derive(Default)]
struct Bound {
    values: Vec<Value>,
    cells: Vec<Value>,
    outer: Vec<((plinth_catalog::expr::SourceId, usize), Value)>,
    rowids: String,
    written: String,
}

fn bound(param: &Param, bound: &Bound) -> Value {
    let caller = Caller::with_role("anon");
    match param {
        Param::Bind(index) => bound.values[*index].clone(),
        Param::Setting(setting) => caller.setting(*setting),
        Param::Outer { source, column } => {
            bound.outer.iter().find(|(known, _)| *known == (*source, *column)).unwrap().1.clone()
        }
        Param::Cell(column) | Param::Excluded(column) => bound.cells[*column].clone(),
        Param::Now => Value::Int(caller.session.now),
        Param::Rowids => Value::Text(bound.rowids.clone()),
        Param::WriteResult => Value::Text(bound.written.clone()),
        Param::Value(value) => value.clone(),
    }
}

/// Runs a statement: its rows, or the SQLSTATE and message of the refusal.
fn run(connection: &Connection, sql: &Sql, values: &Bound) -> Result<Vec<Vec<Value>>, String> {
    drop(functions::take_error());
    let failed = |e: rusqlite::Error| match functions::take_error() {
        Some(error) => format!("{} {}", error.code, error.message),
        None => format!("SQLite: {e}\n{}", sql.text),
    };
    let mut statement = connection.prepare(&sql.text).map_err(failed)?;
    for (index, param) in sql.params.iter().enumerate() {
        let value = match bound(param, values) {
            Value::Null => SqlValue::Null,
            Value::Int(i) => SqlValue::Integer(i),
            Value::Float(f) => SqlValue::Real(f),
            Value::Text(text) => SqlValue::Text(text),
            Value::Bytes(bytes) => SqlValue::Blob(bytes),
        };
        statement.raw_bind_parameter(index + 1, value).map_err(failed)?;
    }
    let columns = statement.column_count();
    let mut rows = statement.raw_query();
    let mut all = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let mut values = Vec::new();
        for column in 0..columns {
            values.push(match row.get_ref(column).map_err(failed)? {
                SqlRef::Null => Value::Null,
                SqlRef::Integer(i) => Value::Int(i),
                SqlRef::Real(f) => Value::Float(f),
                SqlRef::Text(text) => Value::Text(String::from_utf8(text.to_vec()).unwrap()),
                SqlRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
            });
        }
        all.push(values);
    }
    Ok(all)
}

/// A row as `psql -A` shows it.
fn shown(row: &[Value], types: &[Type]) -> String {
    let session = plinth_values::Session::utc();
    let mut out = Vec::new();
    for (index, value) in row.iter().enumerate() {
        if index > 0 {
            out.push(b'|');
        }
        match value.as_ref() {
            ValueRef::Null => out.extend_from_slice("∅".as_bytes()),
            value => plinth_values::output::write_text(&types[index], value, &session, &mut out),
        }
    }
    String::from_utf8(out).unwrap()
}
