//! Rows of the database to the sink: columns from their wire format, JSON that the database built taken apart by position.

use plinth_engine::{Columns, EngineError, RowSink};
use plinth_values::{Session, Type, Value, ValueRef};

use crate::sql::layout::{Column, Layout, Nested, names, nested_names};
use crate::wire::Row;

/// Days from 1970 to 2000, where PostgreSQL's dates begin.
const EPOCH_DAYS: i64 = 10_957;
const EPOCH_MICROS: i64 = EPOCH_DAYS * 86_400_000_000;

/// The names of a result's fields.
pub(crate) fn header(layout: &Layout, sink: &mut dyn RowSink) {
    let mut all = Vec::new();
    names(&layout.fields, &mut all);
    sink.header(&all);
}

/// A row of the result.
pub(crate) fn row(
    layout: &Layout,
    mut row: Row<'_>,
    sink: &mut dyn RowSink,
    session: &Session,
) -> Result<(), EngineError> {
    sink.begin_row();
    for field in &layout.fields {
        column(field, &mut row, sink, session)?;
    }
    sink.end_row();
    Ok(())
}

fn column(
    field: &Column,
    row: &mut Row<'_>,
    sink: &mut dyn RowSink,
    session: &Session,
) -> Result<(), EngineError> {
    match field {
        Column::Value { name, ty } => {
            let (ty, value) = value(ty, row.field())?;
            sink.value(name, ty, value, session);
        }
        Column::One { name, fields } => {
            if row.field().is_none() {
                skip(fields, row);
                match name {
                    Some(name) => sink.null(name),
                    None => {
                        let mut all = Vec::new();
                        names(fields, &mut all);
                        all.into_iter().for_each(|name| sink.null(name));
                    }
                }
                return Ok(());
            }
            if let Some(name) = name {
                sink.begin_object(name);
            }
            for field in fields {
                column(field, row, sink, session)?;
            }
            if name.is_some() {
                sink.end_object();
            }
        }
        Column::Json(inner) => {
            let json = row.field().map(text).transpose()?;
            nested(inner, json.unwrap_or("null"), sink, session);
        }
    }
    Ok(())
}

/// Passes over the columns of a related row that is not there.
fn skip(fields: &[Column], row: &mut Row<'_>) {
    for field in fields {
        row.field();
        if let Column::One { fields, .. } = field {
            skip(fields, row);
        }
    }
}

/// A column's value, and its type where the value's form asks for another one.
fn value<'a>(ty: &'a Type, field: Option<&'a [u8]>) -> Result<(&'a Type, ValueRef<'a>), EngineError> {
    let Some(field) = field else { return Ok((ty, ValueRef::Null)) };
    Ok((
        ty,
        match ty {
            Type::Bool => ValueRef::Int(integer(field)?),
            Type::Int2 | Type::Int4 | Type::Int8 => ValueRef::Int(integer(field)?),
            Type::Float4 | Type::Float8 => ValueRef::Float(float(field)?),
            Type::Date => ValueRef::Int(match integer(field)? {
                days if days == i64::from(i32::MAX) => i64::MAX,
                days if days == i64::from(i32::MIN) => i64::MIN,
                days => days + EPOCH_DAYS,
            }),
            Type::Time => ValueRef::Int(integer(field)?),
            Type::Timestamp | Type::Timestamptz => ValueRef::Int(match integer(field)? {
                micros @ (i64::MAX | i64::MIN) => micros,
                micros => micros.saturating_add(EPOCH_MICROS),
            }),
            Type::Bytea => ValueRef::Bytes(field),
            // NaN and the infinities are no JSON numbers.
            Type::Numeric if !field.last().is_some_and(u8::is_ascii_digit) => {
                return Ok((&Type::Text, ValueRef::Text(text(field)?)));
            }
            Type::Void => ValueRef::Null,
            _ => ValueRef::Text(text(field)?),
        },
    ))
}

/// A column's value to keep.
pub(crate) fn kept(ty: &Type, field: Option<&[u8]>) -> Result<Value, EngineError> {
    Ok(value(ty, field)?.1.to_owned())
}

fn integer(field: &[u8]) -> Result<i64, EngineError> {
    match field {
        [byte] => Ok(i64::from(*byte)),
        [a, b] => Ok(i64::from(i16::from_be_bytes([*a, *b]))),
        [a, b, c, d] => Ok(i64::from(i32::from_be_bytes([*a, *b, *c, *d]))),
        _ => field.try_into().map(i64::from_be_bytes).map_err(|_| unexpected()),
    }
}

fn float(field: &[u8]) -> Result<f64, EngineError> {
    match field {
        [a, b, c, d] => Ok(f64::from(f32::from_be_bytes([*a, *b, *c, *d]))),
        _ => field.try_into().map(f64::from_be_bytes).map_err(|_| unexpected()),
    }
}

fn text(field: &[u8]) -> Result<&str, EngineError> {
    std::str::from_utf8(field).map_err(|_| unexpected())
}

fn unexpected() -> EngineError {
    EngineError::Internal { detail: "a column is not of the type that the catalog says".into() }
}

/// A field inside JSON.
fn nested(field: &Nested, json: &str, sink: &mut dyn RowSink, session: &Session) {
    match field {
        Nested::Value { name } => sink.value(name, &Type::Json, leaf(json), session),
        Nested::One { name: Some(name), .. } if json == "null" => sink.null(name),
        Nested::One { name: None, fields } if json == "null" => {
            let mut all = Vec::new();
            nested_names(fields, &mut all);
            all.into_iter().for_each(|name| sink.null(name));
        }
        Nested::One { name, fields } => {
            if let Some(name) = name {
                sink.begin_object(name);
            }
            nested_fields(fields, json, sink, session);
            if name.is_some() {
                sink.end_object();
            }
        }
        Nested::Many { name: Some(name), fields } => {
            sink.begin_array(name);
            for row in Elements::of(json) {
                sink.begin_row();
                nested_fields(fields, row, sink, session);
                sink.end_row();
            }
            sink.end_array();
        }
        Nested::Many { name: None, fields } => {
            let mut all = Vec::new();
            nested_names(fields, &mut all);
            let mut columns = Columns::new(&all);
            for row in Elements::of(json) {
                columns.begin_row();
                nested_fields(fields, row, &mut columns, session);
                columns.end_row();
            }
            columns.emit(sink, session);
        }
    }
}

fn nested_fields(fields: &[Nested], json: &str, sink: &mut dyn RowSink, session: &Session) {
    let mut elements = Elements::of(json);
    for field in fields {
        nested(field, elements.next().unwrap_or("null"), sink, session);
    }
}

fn leaf(json: &str) -> ValueRef<'_> {
    if json == "null" { ValueRef::Null } else { ValueRef::Text(json) }
}

/// The elements of a JSON array, each as it is written.
struct Elements<'a> {
    rest: &'a str,
}

impl<'a> Elements<'a> {
    fn of(json: &'a str) -> Elements<'a> {
        Elements { rest: json.strip_prefix('[').unwrap_or("") }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start_matches([' ', '\n', '\t', '\r', ',']);
        let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
        let mut end = rest.len();
        for (at, byte) in rest.bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ if quoted => {}
                b'[' | b'{' => depth += 1,
                b']' | b'}' if depth > 0 => depth -= 1,
                b']' | b',' if depth == 0 => {
                    end = at;
                    break;
                }
                _ => {}
            }
        }
        let (element, rest) = rest.split_at_checked(end)?;
        self.rest = rest;
        let element = element.trim_end();
        (!element.is_empty()).then_some(element)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(json: &str) -> Vec<&str> {
        Elements::of(json).collect()
    }

    #[test]
    fn arrays_are_taken_apart_as_they_are_written() {
        assert_eq!(elements("[]"), Vec::<&str>::new());
        assert_eq!(elements("[1, null, -2.50, true]"), ["1", "null", "-2.50", "true"]);
        assert_eq!(
            elements(r#"["a,]\"[", {"b" : [1, 2]}, [[1], ",]"], "é\\"]"#),
            [r#""a,]\"[""#, r#"{"b" : [1, 2]}"#, r#"[[1], ",]"]"#, r#""é\\""#]
        );
        assert_eq!(elements("[[1, 2], \n [3]]"), ["[1, 2]", "[3]"]);
    }

    proptest::proptest! {
        #[test]
        fn any_json_array_is_taken_apart(values: Vec<(String, Option<i64>, Vec<String>)>) {
            let parts: Vec<String> = values
                .iter()
                .map(|value| serde_json::to_string(value).unwrap_or_default())
                .collect();
            let json = format!("[{}]", parts.join(", \n "));
            proptest::prop_assert_eq!(elements(&json), parts);
        }

        #[test]
        fn any_text_is_survived(text: String) {
            let _ = elements(&text);
        }
    }

    #[test]
    fn values_come_from_their_wire_form() {
        let read = |ty: &Type, bytes: &[u8]| {
            let (ty, value) = value(ty, Some(bytes)).unwrap();
            plinth_values::output::to_json(ty, value, &Session::utc())
        };
        assert_eq!(read(&Type::Int4, &(-7i32).to_be_bytes()), "-7");
        assert_eq!(read(&Type::Bool, &[1]), "true");
        assert_eq!(read(&Type::Date, &0i32.to_be_bytes()), "\"2000-01-01\"");
        assert_eq!(read(&Type::Date, &i32::MAX.to_be_bytes()), "\"infinity\"");
        assert_eq!(read(&Type::Timestamptz, &1i64.to_be_bytes()), "\"2000-01-01T00:00:00.000001+00:00\"");
        assert_eq!(read(&Type::Timestamp, &i64::MIN.to_be_bytes()), "\"-infinity\"");
        assert_eq!(read(&Type::Float4, &0.1f32.to_be_bytes()), "0.1");
        assert_eq!(read(&Type::Float8, &f64::NAN.to_be_bytes()), "\"NaN\"");
        assert_eq!(read(&Type::Numeric, b"1.50"), "1.50");
        assert_eq!(read(&Type::Numeric, b"-Infinity"), "\"-Infinity\"");
        assert_eq!(read(&Type::Bytea, &[0, 255]), "\"\\\\x00ff\"");
        assert!(value(&Type::Int4, Some(b"abc")).is_err());
    }
}
