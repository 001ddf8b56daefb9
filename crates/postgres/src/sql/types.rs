//! How types are written in SQL, and how a value of a type comes back.

use plinth_catalog::quote_ident;
use plinth_values::{Modifier, Type};

use super::{Form, Result, internal};
use crate::wire::Format;

/// The type's name for a cast, with no regard to the search path. Never one that means a length of one (`char`, `bit`).
pub(super) fn name(ty: &Type) -> Result<String> {
    Ok(match ty {
        Type::Unknown | Type::Void => return Err(internal("a value is cast to a type without values")),
        Type::Bool => "bool".into(),
        Type::Int2 => "int2".into(),
        Type::Int4 => "int4".into(),
        Type::Int8 => "int8".into(),
        Type::Numeric => "numeric".into(),
        Type::Float4 => "float4".into(),
        Type::Float8 => "float8".into(),
        Type::Text => "text".into(),
        Type::Varchar => "varchar".into(),
        Type::Char => "bpchar".into(),
        Type::Date => "date".into(),
        Type::Time => "time".into(),
        Type::Timestamp => "timestamp".into(),
        Type::Timestamptz => "timestamptz".into(),
        Type::Interval => "interval".into(),
        Type::Uuid => "uuid".into(),
        Type::Json => "json".into(),
        Type::Jsonb => "jsonb".into(),
        Type::Bytea => "bytea".into(),
        Type::Range(kind) => kind.name().into(),
        Type::Tsvector => "tsvector".into(),
        Type::Tsquery => "tsquery".into(),
        Type::Regconfig => "regconfig".into(),
        Type::Enum(ty) => format!("{}.{}", quote_ident(&ty.schema), quote_ident(&ty.name)),
        Type::Array(element) => format!("{}[]", name(element)?),
        Type::Row(relation) => match relation.split_once('.') {
            Some((schema, name)) => format!("{}.{}", quote_ident(schema), quote_ident(name)),
            None => quote_ident(relation),
        },
        Type::Native(native) => native.sql.clone(),
    })
}

/// The type's name for a cast that the client asked for, modifier included.
pub(super) fn with_modifier(ty: &Type, modifier: Modifier) -> Result<String> {
    Ok(match (ty, modifier) {
        (_, Modifier::None) => name(ty)?,
        (Type::Char, Modifier::Length(length)) => format!("char({length})"),
        (_, Modifier::Length(length)) => format!("{}({length})", name(ty)?),
        (_, Modifier::Numeric { precision, scale }) => format!("{}({precision},{scale})", name(ty)?),
        (Type::Time, Modifier::Seconds(digits)) => format!("time({digits})"),
        (Type::Timestamp, Modifier::Seconds(digits)) => format!("timestamp({digits})"),
        (Type::Timestamptz, Modifier::Seconds(digits)) => format!("timestamptz({digits})"),
        (_, Modifier::Seconds(digits)) => format!("{}({digits})", name(ty)?),
    })
}

/// How a result column of the type is asked for: the expression around it, the wire's format, and the type that the sink is told.
pub(super) fn output(ty: &Type, form: Form, expr: String) -> (String, Format, Type) {
    match ty {
        Type::Bool
        | Type::Int2
        | Type::Int4
        | Type::Int8
        | Type::Float4
        | Type::Float8
        | Type::Date
        | Type::Time
        | Type::Timestamp
        | Type::Timestamptz
        | Type::Bytea => (expr, Format::Binary, ty.clone()),
        Type::Numeric
        | Type::Text
        | Type::Varchar
        | Type::Char
        | Type::Interval
        | Type::Uuid
        | Type::Json
        | Type::Jsonb
        | Type::Tsvector
        | Type::Tsquery
        | Type::Regconfig
        | Type::Enum(_)
        | Type::Void => (expr, Format::Text, ty.clone()),
        Type::Range(_) | Type::Array(_) | Type::Row(_) | Type::Native(_) | Type::Unknown => match form {
            Form::Json => (format!("pg_catalog.to_json({expr})"), Format::Text, Type::Json),
            Form::Text => (format!("{expr}::text"), Format::Text, Type::Text),
        },
    }
}
