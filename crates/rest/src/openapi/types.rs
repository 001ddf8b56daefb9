//! The JSON Schema of a type's values, as the REST dialect writes and reads them.

use plinth_catalog::Column;
use plinth_catalog::expr::ExprKind;
use plinth_values::output::to_json;
use plinth_values::{Modifier, Session, Type};
use serde_json::{Map, Value, json};

/// The schema of a column's values.
pub(super) fn of_column(column: &Column) -> Map<String, Value> {
    let mut schema = of(&column.ty, column.modifier, column.nullable);
    if let Some(default) = column.default.as_ref()
        && let ExprKind::Literal(value) = &default.kind
        && !value.is_null()
        && let Ok(default) = serde_json::from_str(&to_json(&column.ty, value.as_ref(), &Session::utc()))
    {
        schema.insert("default".into(), default);
    }
    schema
}

/// The schema of a type's values; `format` is PostgreSQL's name of the type.
pub(super) fn of(ty: &Type, modifier: Modifier, nullable: bool) -> Map<String, Value> {
    let mut schema = Map::new();
    // Any JSON is a JSON value, and a value of an unknown type is whatever its engine writes.
    if let Some(name) = json_type(ty) {
        let kind = if nullable { json!([name, "null"]) } else { name.into() };
        schema.insert("type".into(), kind);
    }
    if let Some(format) = format(ty) {
        schema.insert("format".into(), format.into());
    }
    match ty {
        Type::Enum(labels) => {
            let mut all: Vec<Value> = labels.labels.iter().map(|label| label.as_str().into()).collect();
            if nullable {
                all.push(Value::Null);
            }
            schema.insert("enum".into(), all.into());
        }
        Type::Array(element) => {
            schema.insert("items".into(), Value::Object(of(element, modifier, true)));
        }
        _ => {}
    }
    if let Modifier::Length(length) = modifier
        && ty.is_string()
    {
        schema.insert("maxLength".into(), length.into());
    }
    schema
}

fn json_type(ty: &Type) -> Option<&'static str> {
    Some(match ty {
        Type::Bool => "boolean",
        Type::Int2 | Type::Int4 | Type::Int8 => "integer",
        Type::Numeric | Type::Float4 | Type::Float8 => "number",
        Type::Text
        | Type::Varchar
        | Type::Char
        | Type::Date
        | Type::Time
        | Type::Timestamp
        | Type::Timestamptz
        | Type::Interval
        | Type::Uuid
        | Type::Bytea
        | Type::Range(_)
        | Type::Tsvector
        | Type::Tsquery
        | Type::Regconfig
        | Type::Enum(_) => "string",
        Type::Array(_) => "array",
        Type::Row(_) => "object",
        Type::Json | Type::Jsonb | Type::Unknown | Type::Void | Type::Native(_) => return None,
    })
}

/// A row type names a relation, which may be hidden.
fn format(ty: &Type) -> Option<String> {
    match ty {
        Type::Enum(named) => Some(format!("{}.{}", named.schema, named.name)),
        Type::Array(element) => format(element).map(|element| format!("{element}[]")),
        Type::Row(_) | Type::Unknown | Type::Void => None,
        named => Some(named.to_string()),
    }
}
