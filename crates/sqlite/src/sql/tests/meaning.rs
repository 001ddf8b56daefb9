//! Every query of `tests/meaning/queries.txt` gives what PostgreSQL gave.

use plinth_catalog::parse_query;
use plinth_catalog::{Catalog, Relation};
use rusqlite::Connection;

use super::super::{insert, query};
use super::{Bound, catalog, database, run, shown};

const SCHEMA: &str = include_str!("../../../tests/meaning/schema.sql");
const ROWS: &str = include_str!("../../../tests/meaning/rows.sql");
const QUERIES: &str = include_str!("../../../tests/meaning/queries.txt");

/// The database that the queries ask.
fn filled(catalog: &Catalog) -> Connection {
    let connection = database(catalog);
    for line in ROWS.lines() {
        let (target, rows) = line.split_once(": ").unwrap();
        let (name, columns) = match target.split_once(" (") {
            Some((name, columns)) => (name, columns.trim_end_matches(')').split(", ").collect()),
            None => (target, Vec::new()),
        };
        let (schema, table) = name.split_once('.').unwrap_or(("public", name));
        let relation: &Relation = catalog.find_relation(schema, table).unwrap();
        let columns: Vec<usize> = match columns.is_empty() {
            true => (0..relation.columns.len()).collect(),
            false => columns.iter().map(|name| relation.column_index(name).unwrap()).collect(),
        };
        let rows = parse_query(catalog, &["public"], rows).unwrap();
        let given = run(&connection, &query(catalog, &rows).unwrap(), &Bound::default()).unwrap();
        let mut cells = vec![plinth_values::Value::Null; relation.columns.len()];
        for (column, value) in columns.iter().zip(&given[0]) {
            cells[*column] = value.clone();
        }
        let sql = insert(catalog, relation, &columns).unwrap();
        run(&connection, &sql, &Bound { cells, ..Bound::default() }).unwrap();
    }
    connection
}

fn answer(catalog: &Catalog, connection: &Connection, text: &str) -> (Vec<String>, String) {
    let resolved = match parse_query(catalog, &["public"], text) {
        Ok(resolved) => resolved,
        Err(problem) => return (vec![format!("!! resolve: {problem}")], String::new()),
    };
    let types: Vec<_> = resolved.columns.iter().map(|(_, ty)| ty.clone()).collect();
    let sql = match query(catalog, &resolved) {
        Ok(sql) => sql,
        Err(error) => return (vec![format!("!! compile: {error:?}")], String::new()),
    };
    match run(connection, &sql, &Bound::default()) {
        Ok(rows) => {
            // A text may have several lines.
            let rows = rows.iter().flat_map(|row| {
                let shown = shown(row, &types);
                shown.split('\n').map(|line| format!("=> {line}")).collect::<Vec<_>>()
            });
            (rows.collect(), sql.text)
        }
        Err(error) => (vec![format!("!! {error}")], sql.text),
    }
}

#[test]
fn queries_answer_as_postgresql_does() {
    let catalog = catalog(SCHEMA);
    let connection = filled(&catalog);
    let mut lines = QUERIES.lines().filter(|line| !line.is_empty() && !line.starts_with("--")).peekable();
    let (mut differing, mut count) = (Vec::new(), 0);
    while let Some(text) = lines.next() {
        let mut expected = Vec::new();
        while let Some(line) = lines.next_if(|line| line.starts_with("=>") || line.starts_with("!!")) {
            expected.push(line.to_owned());
        }
        count += 1;
        let (given, sql) = answer(&catalog, &connection, text);
        if given != expected {
            differing.push(format!(
                "{text}\n  expected {}\n  given    {}\n  by       {sql}",
                expected.join("\n           "),
                given.join("\n           ")
            ));
        }
    }
    assert!(count > 300, "only {count} queries were read");
    assert!(differing.is_empty(), "{} of {count} differ:\n{}", differing.len(), differing.join("\n"));
}
