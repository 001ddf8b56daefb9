//! Seed files: first data for a project's tables, as CSV, JSON or SQL.
//!
//! `NN_table.csv` has a header line; an empty field without quotes is null. `NN_table.json` is an array of objects, or an object that
//! maps table names to such arrays. `NN_anything.sql` holds `insert` statements.

use std::path::Path;

use plinth_catalog::expr::{Expr, ExprKind, QueryBody};
use plinth_catalog::{Catalog, Relation, SourceFile};
use plinth_query::plan::Cell;
use plinth_values::array::{Array, encode};
use plinth_values::builtin::{Context, Volatility};
use plinth_values::{Session, Type, Value, input};
use serde_json::value::RawValue;

use crate::commands::Result;

/// Rows for one table.
pub struct Batch<'a> {
    /// The table
    pub relation: &'a Relation,
    /// The columns that are given
    pub columns: Vec<usize>,
    /// The rows, one cell per given column
    pub rows: Vec<Vec<Cell>>,
}

/// Reads a CSV or JSON file. The message of an error says which line or row.
pub fn read<'a>(catalog: &'a Catalog, default_schema: &str, file: &SourceFile) -> Result<Vec<Batch<'a>>> {
    let path = Path::new(&file.path);
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let name = stem.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches(['_', '-']);
    let located = |message: String| format!("{}: {message}", file.path);
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => {
            let relation = table(catalog, default_schema, name).map_err(located)?;
            Ok(vec![csv(relation, &file.text).map_err(located)?])
        }
        Some("sql") => sql(catalog, default_schema, file),
        _ => json(catalog, default_schema, name, &file.text).map_err(located),
    }
}

/// `insert` statements whose values are constants.
fn sql<'a>(catalog: &'a Catalog, default_schema: &str, file: &SourceFile) -> Result<Vec<Batch<'a>>> {
    let defaults = plinth_catalog::Defaults { search_path: vec![default_schema.to_owned()] };
    let inserts =
        plinth_catalog::read_inserts(catalog, file, &defaults).map_err(|error| error.to_string())?;
    inserts
        .iter()
        .map(|insert| {
            let relation = catalog.relation(insert.relation);
            let located = |message: &str| format!("{}: insert into {}: {message}", file.path, relation.name);
            let QueryBody::Values(rows) = &insert.query.body else {
                return Err(located("a seed's rows stand in values (…)"));
            };
            if insert.on_conflict.is_some() || !insert.returning.is_empty() {
                return Err(located("a seed has neither on conflict nor returning"));
            }
            let rows = rows
                .iter()
                .map(|row| row.iter().map(|expr| constant(expr).map(Cell::Value)).collect())
                .collect::<Result<_>>()
                .map_err(|message| located(&message))?;
            Ok(Batch { relation, columns: insert.columns.clone(), rows })
        })
        .collect()
}

/// The value of a constant, casts included.
fn constant(expr: &Expr) -> Result<Value> {
    match &expr.kind {
        ExprKind::Literal(value) => Ok(value.clone()),
        ExprKind::Cast { expr: inner, modifier, explicit } => {
            let value = constant(inner)?;
            let session = Session::utc();
            plinth_values::cast::cast(&inner.ty, &expr.ty, *modifier, *explicit, value.as_ref(), &session)
                .map_err(|error| error.to_string())
        }
        ExprKind::Call { builtin, args } => {
            let call =
                builtin.call.filter(|_| builtin.volatility == Volatility::Immutable).ok_or_else(|| {
                    format!(
                        "{}() is no constant: give the value itself, or leave the column to its default",
                        builtin.name
                    )
                })?;
            let values = args.iter().map(constant).collect::<Result<Vec<_>>>()?;
            if builtin.strict && values.iter().any(Value::is_null) {
                return Ok(Value::Null);
            }
            let types: Vec<Type> = args.iter().map(|arg| arg.ty.clone()).collect();
            let refs: Vec<_> = values.iter().map(Value::as_ref).collect();
            let session = Session::utc();
            call(&Context { session: &session, types: &types }, &refs).map_err(|error| error.to_string())
        }
        ExprKind::Array(elements) => {
            let element = expr.ty.element().ok_or("an array of no type cannot be seeded")?;
            let elements = elements.iter().map(constant).collect::<Result<_>>()?;
            encode(element, &Array::flat(elements)).map_err(|error| error.to_string())
        }
        _ => {
            Err("only constants can be seeded: give the value itself, or leave the column to its default"
                .into())
        }
    }
}

/// The table of a name that may be qualified.
fn table<'a>(catalog: &'a Catalog, default_schema: &str, name: &str) -> Result<&'a Relation> {
    let (schema, table) = name.split_once('.').unwrap_or((default_schema, name));
    catalog
        .find_relation(schema, table)
        .filter(|relation| relation.table().is_some())
        .ok_or_else(|| format!("there is no table \"{schema}.{table}\""))
}

fn column(relation: &Relation, name: &str) -> Result<usize> {
    relation
        .column_index(name)
        .ok_or_else(|| format!("there is no column \"{name}\" in table \"{}\"", relation.name))
}

fn csv<'a>(relation: &'a Relation, text: &str) -> Result<Batch<'a>> {
    let mut records = csv_records(text)?.into_iter();
    let header = records.next().ok_or("the header line is missing")?;
    let columns = header
        .into_iter()
        .map(|name| column(relation, &name.unwrap_or_default()))
        .collect::<Result<Vec<_>>>()?;
    let session = Session::utc();
    let mut rows = Vec::new();
    for (number, record) in records.enumerate() {
        let located = |message: String| format!("row {}: {message}", number + 1);
        if record.len() != columns.len() {
            return Err(located(format!("{} fields instead of {}", record.len(), columns.len())));
        }
        let mut row = Vec::with_capacity(columns.len());
        for (field, index) in record.iter().zip(&columns) {
            let Some(column) = relation.columns.get(*index) else { continue };
            let value = match field {
                None => Value::Null,
                Some(text) => input::from_text(&column.ty, column.modifier, text, &session)
                    .map_err(|error| located(format!("column \"{}\": {error}", column.name)))?,
            };
            row.push(Cell::Value(value));
        }
        rows.push(row);
    }
    Ok(Batch { relation, columns, rows })
}

/// Splits CSV (RFC 4180) into records; a field is `None` when it is empty and has no quotes, as in PostgreSQL's `copy`.
/// The records of CSV; an empty field without quotes is null.
pub fn csv_records(text: &str) -> Result<Vec<Vec<Option<String>>>> {
    let mut records = Vec::new();
    let mut record: Vec<Option<String>> = Vec::new();
    let mut chars = text.strip_prefix('\u{feff}').unwrap_or(text).chars().peekable();
    while chars.peek().is_some() {
        let mut field = String::new();
        let quoted = chars.peek() == Some(&'"');
        if quoted {
            chars.next();
            loop {
                match chars.next() {
                    Some('"') if chars.peek() == Some(&'"') => {
                        chars.next();
                        field.push('"');
                    }
                    Some('"') => break,
                    Some(c) => field.push(c),
                    None => return Err(format!("row {}: a quoted field does not end", records.len())),
                }
            }
        }
        while let Some(c) = chars.next_if(|c| !matches!(c, ',' | '\n' | '\r')) {
            field.push(c);
        }
        record.push((quoted || !field.is_empty()).then_some(field));
        match chars.next() {
            Some(',') => {
                if chars.peek().is_none() {
                    record.push(None);
                }
                continue;
            }
            Some('\r') => {
                chars.next_if_eq(&'\n');
            }
            _ => {}
        }
        records.push(std::mem::take(&mut record));
    }
    if !record.is_empty() {
        records.push(record);
    }
    Ok(records)
}

fn json<'a>(catalog: &'a Catalog, default_schema: &str, name: &str, text: &str) -> Result<Vec<Batch<'a>>> {
    let wrong = |error: serde_json::Error| error.to_string();
    if text.trim_start().starts_with('[') {
        let rows: Vec<Object<'_>> = serde_json::from_str(text).map_err(wrong)?;
        return Ok(vec![objects(table(catalog, default_schema, name)?, &rows)?]);
    }
    let tables: Ordered<'_> = serde_json::from_str(text).map_err(wrong)?;
    tables
        .0
        .into_iter()
        .map(|(name, rows)| {
            let rows: Vec<Object<'_>> = serde_json::from_str(rows.get()).map_err(wrong)?;
            objects(table(catalog, default_schema, &name)?, &rows)
                .map_err(|message| format!("{name}: {message}"))
        })
        .collect()
}

/// An object's members in their order, values as they are written.
struct Ordered<'a>(Vec<(String, &'a RawValue)>);
type Object<'a> = Ordered<'a>;

impl<'de: 'a, 'a> serde::Deserialize<'de> for Ordered<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Members;
        impl<'de> serde::de::Visitor<'de> for Members {
            type Value = Ordered<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Ordered(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// The columns are those that any row names; a row that lacks one takes the default.
fn objects<'a>(relation: &'a Relation, rows: &[Object<'_>]) -> Result<Batch<'a>> {
    let mut columns: Vec<usize> = Vec::new();
    for row in rows {
        for (name, _) in &row.0 {
            let index = column(relation, name)?;
            if !columns.contains(&index) {
                columns.push(index);
            }
        }
    }
    let session = Session::utc();
    let mut cells = Vec::with_capacity(rows.len());
    for (number, row) in rows.iter().enumerate() {
        let mut values = vec![Cell::Default; columns.len()];
        for (name, json) in &row.0 {
            let index = column(relation, name)?;
            let Some(column) = relation.columns.get(index) else { continue };
            let value = input::from_json(&column.ty, column.modifier, json, &session)
                .map_err(|error| format!("row {}: column \"{name}\": {error}", number + 1))?;
            if let Some(slot) = columns.iter().position(|c| *c == index).and_then(|at| values.get_mut(at)) {
                *slot = Cell::Value(value);
            }
        }
        cells.push(values);
    }
    Ok(Batch { relation, columns, rows: cells })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_tells_null_from_empty() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            csv_records("a,b\n1,\n\"\",\"x\"\"y,\nz\"\r\n").unwrap(),
            [vec![some("a"), some("b")], vec![some("1"), None], vec![some(""), some("x\"y,\nz")],]
        );
        assert_eq!(csv_records("a,").unwrap(), [vec![some("a"), None]]);
        assert!(csv_records("\"a").is_err());
    }

    #[test]
    fn sql_seeds_constants_of_every_shape() {
        let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
        let defaults = plinth_catalog::Defaults::default();
        let schema = file("schema.sql", "create table t (a text[], b interval, c date, d int[][])");
        let catalog = plinth_catalog::read(&[schema], &defaults).unwrap();
        let insert =
            "insert into t values (array['x', 'y,z'], interval '1 hour', date '2025-01-01', '{{1}}')";
        let batches = read(&catalog, "public", &file("seed/t.sql", insert)).unwrap();
        let texts: Vec<String> = batches[0].rows[0].iter().map(|cell| format!("{cell:?}")).collect();
        assert!(texts[0].contains("y,z"), "{texts:?}");
        assert!(
            read(&catalog, "public", &file("seed/t.sql", "insert into t (c) values (current_date)")).is_err()
        );
        assert!(
            read(&catalog, "public", &file("seed/t.sql", "insert into t (c) select '2025-01-01'")).is_err()
        );
    }

    /// What PostgreSQL 15 makes of `N'…'`, a constant of type character.
    #[test]
    fn national_strings_lose_the_blanks_at_their_end() {
        let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
        let defaults = plinth_catalog::Defaults::default();
        let schema =
            file("schema.sql", "create table t (a text, b varchar(5), c char(5), d jsonb, e int, f date)");
        let catalog = plinth_catalog::read(&[schema], &defaults).unwrap();
        let insert = |columns: &str, values: &str| {
            let text = format!("insert into t ({columns}) values ({values})");
            let batches = read(&catalog, "public", &file("seed/t.sql", &text))?;
            Ok::<_, Box<dyn std::error::Error>>(format!("{:?}", batches[0].rows[0]))
        };
        let cells = |texts: &[&str]| {
            let cells: Vec<Cell> =
                texts.iter().map(|text| Cell::Value(Value::Text((*text).into()))).collect();
            format!("{cells:?}")
        };
        assert_eq!(insert("a, b", "N'x ', N'abcde   '").unwrap(), cells(&["x", "abcde"]));
        assert_eq!(insert("a, b", "'x ', 'y '").unwrap(), cells(&["x ", "y "]));
        assert!(insert("b", "N'abcdef'").is_err());
        for (column, value) in [("d", "N'{}'"), ("e", "N'5'"), ("f", "N'2020-01-01'")] {
            assert!(insert(column, value).is_err(), "{column}");
        }
    }
}
