//! The names of types: PostgreSQL's own with all their aliases, and the catalog's enumerations and domains.

use std::sync::Arc;

use plinth_values::range::RangeKind;
use plinth_values::{Modifier, Type};
use sqlparser::ast::{self, ArrayElemTypeDef, CharacterLength, DataType, ExactNumberInfo, TimezoneInfo};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use super::diagnose::suggest;
use super::scope::parts;
use crate::{Catalog, Domain, Name};

/// PostgreSQL's largest `varchar(n)`.
const MAX_LENGTH: u64 = 10_485_760;

/// Longer texts name no type. Each `[]` nests what is read of it once more, and requests bring these texts.
const MAX_TYPE_TEXT: usize = 256;

/// A type with its modifier, and the domain it was named by.
pub(super) type Named = (Type, Modifier, Option<Name>);

/// Reads a type's name as it stands in `::type`; `None` when there is no such type. A domain is not a type to cast to.
pub fn parse_type(catalog: &Catalog, search_path: &[&str], text: &str) -> Option<(Type, Modifier)> {
    if text.len() > MAX_TYPE_TEXT {
        return None;
    }
    let mut parser = Parser::new(&PostgreSqlDialect {}).try_with_sql(text).ok()?;
    let ast = parser.parse_data_type().ok()?;
    parser.expect_token(&sqlparser::tokenizer::Token::EOF).ok()?;
    let search_path: Vec<String> = search_path.iter().map(|schema| (*schema).to_owned()).collect();
    match data_type(catalog, &search_path, &ast) {
        Ok((ty, modifier, None)) => Some((ty, modifier)),
        _ => None,
    }
}

/// The type that a name of the syntax tree means, or what is wrong with it.
pub(super) fn data_type(catalog: &Catalog, search_path: &[String], ast: &DataType) -> Result<Named, String> {
    let plain = |ty| Ok((ty, Modifier::None, None));
    match ast {
        DataType::Bool | DataType::Boolean => plain(Type::Bool),
        DataType::SmallInt(None) | DataType::Int2(None) => plain(Type::Int2),
        DataType::Int(None) | DataType::Integer(None) | DataType::Int4(None) => plain(Type::Int4),
        DataType::BigInt(None) | DataType::Int8(None) => plain(Type::Int8),
        DataType::Real | DataType::Float4 => plain(Type::Float4),
        DataType::Double(ExactNumberInfo::None) | DataType::DoublePrecision | DataType::Float8 => {
            plain(Type::Float8)
        }
        DataType::Float(precision) => float(*precision),
        DataType::Numeric(info) | DataType::Decimal(info) | DataType::Dec(info) => numeric(*info),
        DataType::Text => plain(Type::Text),
        DataType::Varchar(length) | DataType::CharVarying(length) | DataType::CharacterVarying(length) => {
            string(Type::Varchar, *length, None)
        }
        DataType::Char(length) | DataType::Character(length) => string(Type::Char, *length, Some(1)),
        DataType::Date => plain(Type::Date),
        DataType::Time(precision, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => {
            Ok((Type::Time, seconds(*precision)?, None))
        }
        DataType::Time(..) => Err("type time with time zone is not supported: use timestamptz".to_owned()),
        DataType::Timestamp(precision, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => {
            Ok((Type::Timestamp, seconds(*precision)?, None))
        }
        DataType::Timestamp(precision, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) => {
            Ok((Type::Timestamptz, seconds(*precision)?, None))
        }
        DataType::Interval { fields: None, precision } => Ok((Type::Interval, seconds(*precision)?, None)),
        DataType::Interval { .. } => Err("interval with fields is not supported: use interval".to_owned()),
        DataType::Uuid => plain(Type::Uuid),
        DataType::JSON => plain(Type::Json),
        DataType::JSONB => plain(Type::Jsonb),
        DataType::Bytea => plain(Type::Bytea),
        DataType::TsVector => plain(Type::Tsvector),
        DataType::TsQuery => plain(Type::Tsquery),
        DataType::Array(
            ArrayElemTypeDef::SquareBracket(element, _) | ArrayElemTypeDef::Qualified(element, _),
        ) => array(catalog, search_path, element),
        DataType::Custom(name, arguments) => custom(catalog, search_path, name, arguments),
        other => Err(format!("type {} is not supported", other.to_string().to_lowercase())),
    }
}

/// A type of a similar name.
pub(super) fn suggestion(catalog: &Catalog, ast: &DataType) -> Option<String> {
    let DataType::Custom(name, _) = ast else { return None };
    let name = parts(name).pop()?;
    let enums = catalog.enums.iter().map(|e| e.name.as_str());
    let domains = catalog.domains.iter().map(|d| d.name.name.as_str());
    let common =
        ["text", "integer", "bigint", "boolean", "numeric", "timestamptz", "uuid", "jsonb", "varchar"];
    suggest(&name, enums.chain(domains).chain(common))
}

/// The enumeration or domain of this name.
enum Found<'c> {
    Enum(Type),
    Domain(&'c Domain),
}

fn find<'c>(
    catalog: &'c Catalog,
    search_path: &[String],
    schema: Option<&str>,
    name: &str,
) -> Option<Found<'c>> {
    let in_schema = |schema: &str| {
        let of_enum = catalog.enums.iter().find(|e| e.schema == schema && e.name == name);
        let of_domain = || catalog.domains.iter().find(|d| d.name.schema == schema && d.name.name == name);
        of_enum.map(|e| Found::Enum(Type::Enum(Arc::clone(e)))).or_else(|| of_domain().map(Found::Domain))
    };
    match schema {
        Some(schema) => in_schema(schema),
        None => search_path.iter().find_map(|schema| in_schema(schema)),
    }
}

fn custom(
    catalog: &Catalog,
    search_path: &[String],
    name: &ast::ObjectName,
    arguments: &[String],
) -> Result<Named, String> {
    let parts = parts(name);
    let (schema, bare) = match parts.as_slice() {
        [bare] => (None, bare.as_str()),
        [schema, bare] => (Some(schema.as_str()), bare.as_str()),
        _ => return Err(format!("type \"{}\" does not exist", parts.join("."))),
    };
    let built_in =
        if matches!(schema, None | Some("pg_catalog")) { alias(name, bare, arguments) } else { None };
    if let Some(found) = built_in {
        return found;
    }
    let found = find(catalog, search_path, schema, bare);
    if found.is_some() && !arguments.is_empty() {
        return Err(format!("type modifier is not allowed for type \"{bare}\""));
    }
    match found {
        Some(Found::Enum(ty)) => Ok((ty, Modifier::None, None)),
        Some(Found::Domain(domain)) => Ok((domain.ty.clone(), domain.modifier, Some(domain.name.clone()))),
        None => Err(format!("type \"{}\" does not exist", parts.join("."))),
    }
}

/// Names of built-in types that the parser does not know as such: PostgreSQL's internal ones, also quoted or qualified.
fn alias(name: &ast::ObjectName, bare: &str, arguments: &[String]) -> Option<Result<Named, String>> {
    let quoted = name
        .0
        .last()
        .and_then(ast::ObjectNamePart::as_ident)
        .is_some_and(|ident| ident.quote_style.is_some());
    let length = || -> Option<CharacterLength> {
        let length = arguments.first()?.parse().ok()?;
        Some(CharacterLength::IntegerLength { length, unit: None })
    };
    let precision = || arguments.first().and_then(|digits| digits.parse().ok());
    let plain = |ty| Ok((ty, Modifier::None, None));
    Some(match bare {
        "bool" => plain(Type::Bool),
        "int2" => plain(Type::Int2),
        "int4" => plain(Type::Int4),
        "int8" => plain(Type::Int8),
        "float4" => plain(Type::Float4),
        "float8" => plain(Type::Float8),
        "numeric" => match arguments {
            [] => plain(Type::Numeric),
            [p] => numeric(ExactNumberInfo::Precision(p.parse().ok()?)),
            [p, s] => numeric(ExactNumberInfo::PrecisionAndScale(p.parse().ok()?, s.parse().ok()?)),
            _ => Err("invalid NUMERIC type modifier".to_owned()),
        },
        "text" => plain(Type::Text),
        "varchar" => string(Type::Varchar, length(), None),
        "bpchar" => string(Type::Char, length(), None),
        // Quoted, it is PostgreSQL's one-byte type for its own tables.
        "char" if quoted => Err("type \"char\" is not supported: use char(1) or text".to_owned()),
        "date" => plain(Type::Date),
        "time" => seconds(precision()).map(|modifier| (Type::Time, modifier, None)),
        "timestamp" => seconds(precision()).map(|modifier| (Type::Timestamp, modifier, None)),
        "timestamptz" => seconds(precision()).map(|modifier| (Type::Timestamptz, modifier, None)),
        "interval" => seconds(precision()).map(|modifier| (Type::Interval, modifier, None)),
        "uuid" => plain(Type::Uuid),
        "json" => plain(Type::Json),
        "jsonb" => plain(Type::Jsonb),
        "bytea" => plain(Type::Bytea),
        "tsvector" => plain(Type::Tsvector),
        "tsquery" => plain(Type::Tsquery),
        "regconfig" => plain(Type::Regconfig),
        "int4multirange" | "int8multirange" | "nummultirange" | "tsmultirange" | "tstzmultirange"
        | "datemultirange" => Err(format!("type {bare} is not supported: keep one range a row")),
        other => {
            return RangeKind::ALL
                .into_iter()
                .find(|kind| kind.name() == other)
                .map(|kind| plain(Type::Range(kind)));
        }
    })
}

fn float(precision: ExactNumberInfo) -> Result<Named, String> {
    let ty = match precision {
        ExactNumberInfo::None | ExactNumberInfo::Precision(25..=53) => Type::Float8,
        ExactNumberInfo::Precision(1..=24) => Type::Float4,
        ExactNumberInfo::Precision(0) => {
            return Err("precision for type float must be at least 1 bit".to_owned());
        }
        _ => return Err("precision for type float must be less than 54 bits".to_owned()),
    };
    Ok((ty, Modifier::None, None))
}

fn numeric(info: ExactNumberInfo) -> Result<Named, String> {
    let (precision, scale) = match info {
        ExactNumberInfo::None => return Ok((Type::Numeric, Modifier::None, None)),
        ExactNumberInfo::Precision(precision) => (precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (precision, scale),
    };
    let small = u16::try_from(precision).ok().filter(|p| (1..=1000).contains(p));
    let precision =
        small.ok_or_else(|| format!("NUMERIC precision {precision} must be between 1 and 1000"))?;
    let scale = i16::try_from(scale)
        .ok()
        .filter(|s| (-1000..=1000).contains(s))
        .ok_or_else(|| format!("NUMERIC scale {scale} must be between -1000 and 1000"))?;
    Ok((Type::Numeric, Modifier::Numeric { precision, scale }, None))
}

fn string(ty: Type, length: Option<CharacterLength>, default: Option<u64>) -> Result<Named, String> {
    let length = match length {
        Some(CharacterLength::IntegerLength { length, .. }) => Some(length),
        Some(CharacterLength::Max) => return Err(format!("{ty}(max) is not supported: use text")),
        None => default,
    };
    match length {
        None => Ok((ty, Modifier::None, None)),
        Some(0) => Err(format!("length for type {ty} must be at least 1")),
        Some(length) if length > MAX_LENGTH => {
            Err(format!("length for type {ty} cannot exceed {MAX_LENGTH}"))
        }
        Some(length) => {
            let length = u32::try_from(length)
                .map_err(|_| format!("length for type {ty} cannot exceed {MAX_LENGTH}"))?;
            Ok((ty, Modifier::Length(length), None))
        }
    }
}

fn seconds(precision: Option<u64>) -> Result<Modifier, String> {
    match precision {
        None => Ok(Modifier::None),
        Some(digits) => match u8::try_from(digits) {
            Ok(digits @ 0..=6) => Ok(Modifier::Seconds(digits)),
            _ => Err(format!("precision {digits} of the seconds must be between 0 and 6")),
        },
    }
}

fn array(catalog: &Catalog, search_path: &[String], element: &DataType) -> Result<Named, String> {
    match data_type(catalog, search_path, element)? {
        // As in PostgreSQL, the number of brackets does not matter.
        (ty @ Type::Array(_), modifier, None) => Ok((ty, modifier, None)),
        (ty, modifier, None) => Ok((ty.array(), modifier, None)),
        (_, _, Some(domain)) => Err(format!("arrays of the domain \"{domain}\" are not supported")),
    }
}
