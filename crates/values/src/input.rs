//! Text and JSON to values: PostgreSQL's input syntax. Dates and times are read by `datetime`, numbers by `numeric`, JSON by
//! `json`, arrays by `array`; here are the choice among them, the simple types, and the limits of modifiers.

mod bytea;
mod json_value;
mod uuid;

use crate::datetime::{decode, round_to};
use crate::interval::Interval;
use crate::numeric::{Decimal, is_space};
use crate::search::{Config, Query, Vector};
use crate::{Modifier, Result, Session, Type, Value, ValueError, array, json, range};
pub use json_value::from_json;

/// Reads a value from its text form, as PostgreSQL's input function of the type does (`'12'::integer`).
/// Errors: `22P02` (syntax), `22003` (out of range), `22007`/`22008` (dates), `22001` (too long), with PostgreSQL's messages.
pub fn from_text(ty: &Type, modifier: Modifier, text: &str, session: &Session) -> Result<Value> {
    if text.contains('\0') {
        return Err(ValueError::new("22021", "invalid byte sequence for encoding \"UTF8\": 0x00"));
    }
    let value = match ty {
        Type::Bool => Value::Int(i64::from(boolean(text)?)),
        Type::Int2 => Value::Int(integer(text, ty, i64::from(i16::MIN), i64::from(i16::MAX))?),
        Type::Int4 => Value::Int(integer(text, ty, i64::from(i32::MIN), i64::from(i32::MAX))?),
        Type::Int8 => Value::Int(integer(text, ty, i64::MIN, i64::MAX)?),
        Type::Numeric => return numeric(text, modifier),
        Type::Float4 => Value::Float(float(text, ty, |text| text.parse::<f32>().ok().map(f64::from))?),
        Type::Float8 => Value::Float(float(text, ty, |text| text.parse().ok())?),
        Type::Text | Type::Varchar | Type::Char | Type::Unknown | Type::Native(_) => {
            Value::Text(text.to_owned())
        }
        Type::Date => Value::Int(decode::date(text, session)?),
        Type::Time => Value::Int(decode::time(text, session)?),
        Type::Timestamp => Value::Int(decode::timestamp_text(text, session)?),
        Type::Timestamptz => Value::Int(decode::timestamptz_text(text, session)?),
        Type::Interval => Value::Text(Interval::parse(text)?.to_string()),
        Type::Uuid => Value::Text(uuid::parse(text)?),
        Type::Json => {
            json::check(text)?;
            Value::Text(text.to_owned())
        }
        Type::Jsonb => Value::Text(json::canonical(text)?),
        Type::Bytea => Value::Bytes(bytea::parse(text)?),
        Type::Tsvector => Value::Text(Vector::parse(text)?.to_string()),
        Type::Tsquery => Value::Text(Query::parse(text)?.to_string()),
        Type::Regconfig => Value::Text(Config::parse(text)?.name().to_owned()),
        Type::Enum(labels) => {
            if !labels.labels.iter().any(|label| label == text) {
                return Err(ValueError::new(
                    "22P02",
                    format!("invalid input value for enum {}: \"{text}\"", labels.name),
                ));
            }
            Value::Text(text.to_owned())
        }
        Type::Range(kind) => Value::Text(range::parse(*kind, text, session)?.encode()),
        Type::Array(element) => {
            return array::encode(element, &array::parse(element, modifier, text, session)?);
        }
        Type::Void => Value::Text(String::new()),
        Type::Row(_) => {
            return Err(ValueError::new("0A000", "input of composite types is not supported"));
        }
    };
    apply(ty, modifier, false, value)
}

/// Fits a value to its type's modifier. `explicit` cuts a string that is too long, otherwise it is refused.
pub(crate) fn apply(ty: &Type, modifier: Modifier, explicit: bool, value: Value) -> Result<Value> {
    match (ty, modifier, value) {
        (Type::Varchar | Type::Char, Modifier::Length(length), Value::Text(text)) => {
            fit_length(ty, length, explicit, text).map(Value::Text)
        }
        (Type::Numeric, Modifier::Numeric { precision, scale }, Value::Text(text)) => {
            Ok(Value::Text(Decimal::parse(&text)?.fit(precision, scale)?.to_string()))
        }
        (Type::Time | Type::Timestamp | Type::Timestamptz, Modifier::Seconds(digits), Value::Int(micros)) => {
            Ok(Value::Int(round_to(micros, digits)))
        }
        (Type::Interval, Modifier::Seconds(digits), Value::Text(text)) => {
            Ok(Value::Text(Interval::parse(&text)?.round(digits).to_string()))
        }
        (_, _, value) => Ok(value),
    }
}

/// At most (for `char`: exactly) so many characters; blanks beyond do not count.
fn fit_length(ty: &Type, length: u32, explicit: bool, mut text: String) -> Result<String> {
    let length = length as usize;
    if text.len() > length
        && let Some((end, _)) = text.char_indices().nth(length)
    {
        let beyond = text.get(end..).unwrap_or_default();
        if !explicit && beyond.contains(|c| c != ' ') {
            return Err(ValueError::new("22001", format!("value too long for type {ty}({length})")));
        }
        text.truncate(end);
    }
    if *ty == Type::Char {
        let missing = length.saturating_sub(text.chars().count());
        text.extend(std::iter::repeat_n(' ', missing));
    }
    Ok(text)
}

fn syntax(ty: &Type, text: &str) -> ValueError {
    ValueError::new("22P02", format!("invalid input syntax for type {ty}: \"{text}\""))
}

fn boolean(text: &str) -> Result<bool> {
    let word = text.trim_matches(is_space);
    // A word may be cut where it stays distinct: `o` may be `on` or `off`.
    let is = |full: &str, least: usize| {
        word.len() >= least && full.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    if is("true", 1) || is("yes", 1) || is("on", 2) || word == "1" {
        Ok(true)
    } else if is("false", 1) || is("no", 1) || is("off", 2) || word == "0" {
        Ok(false)
    } else {
        Err(syntax(&Type::Bool, text))
    }
}

fn integer(text: &str, ty: &Type, least: i64, most: i64) -> Result<i64> {
    let trimmed = text.trim_matches(is_space);
    let digits = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(syntax(ty, text));
    }
    match trimmed.parse::<i64>() {
        Ok(value) if (least..=most).contains(&value) => Ok(value),
        _ => Err(ValueError::new("22003", format!("value \"{text}\" is out of range for type {ty}"))),
    }
}

fn numeric(text: &str, modifier: Modifier) -> Result<Value> {
    let value = Decimal::parse(text)?;
    let value = match modifier {
        Modifier::Numeric { precision, scale } => value.fit(precision, scale)?,
        _ => value,
    };
    Ok(Value::Text(value.to_string()))
}

/// A finite float or an infinity. What rounds to infinity, or to zero without being it, is out of range.
fn float(text: &str, ty: &Type, parse: impl Fn(&str) -> Option<f64>) -> Result<f64> {
    let trimmed = text.trim_matches(is_space);
    let value = parse(trimmed).ok_or_else(|| syntax(ty, text))?;
    let is_word = trimmed.contains(|c: char| c.is_ascii_alphabetic() && !matches!(c, 'e' | 'E'));
    if value.is_nan() {
        return Err(ValueError::new("0A000", format!("Plinth keeps no NaN in type {ty}")));
    }
    let mantissa = trimmed.split(['e', 'E']).next().unwrap_or_default();
    let vanished = value == 0.0 && mantissa.contains(|c: char| matches!(c, '1'..='9'));
    if (value.is_infinite() && !is_word) || vanished {
        return Err(ValueError::new("22003", format!("\"{trimmed}\" is out of range for type {ty}")));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{EnumType, output};

    fn session() -> Session {
        Session { time_zone: jiff::tz::TimeZone::UTC, now: 0 }
    }

    fn read(ty: &Type, modifier: Modifier, text: &str) -> String {
        match from_text(ty, modifier, text, &session()) {
            Ok(value) => output::to_text(ty, value.as_ref(), &session()),
            Err(refusal) => format!("{} {}", refusal.code, refusal.message),
        }
    }

    #[test]
    fn reads_plain_types() {
        let color = Type::Enum(Arc::new(EnumType {
            schema: "public".to_owned(),
            name: "color".to_owned(),
            labels: vec!["red".to_owned(), "green".to_owned()],
        }));
        for (ty, text, expected) in [
            (Type::Bool, " TRU ", "t"),
            (Type::Bool, "of", "f"),
            (Type::Bool, "o", "22P02 invalid input syntax for type boolean: \"o\""),
            (Type::Bool, "", "22P02 invalid input syntax for type boolean: \"\""),
            (Type::Int2, " -32768 ", "-32768"),
            (Type::Int2, "99999", "22003 value \"99999\" is out of range for type smallint"),
            (Type::Int4, "x", "22P02 invalid input syntax for type integer: \"x\""),
            (Type::Int4, "1.0", "22P02 invalid input syntax for type integer: \"1.0\""),
            (
                Type::Int8,
                "9223372036854775808",
                "22003 value \"9223372036854775808\" is out of range for type bigint",
            ),
            (Type::Float8, "1e400", "22003 \"1e400\" is out of range for type double precision"),
            (Type::Float8, "1e-400", "22003 \"1e-400\" is out of range for type double precision"),
            (Type::Float8, "-inf", "-Infinity"),
            (Type::Float8, "NaN", "0A000 Plinth keeps no NaN in type double precision"),
            (Type::Float4, "0.1", "0.1"),
            (Type::Float4, "1e40", "22003 \"1e40\" is out of range for type real"),
            (Type::Float8, "1.5x", "22P02 invalid input syntax for type double precision: \"1.5x\""),
            (Type::Text, "a\0", "22021 invalid byte sequence for encoding \"UTF8\": 0x00"),
            (Type::Jsonb, "[1,{\"b\":1, \"a\":2}]", "[1, {\"a\": 2, \"b\": 1}]"),
            (color.clone(), "red", "red"),
            (color, "blue", "22P02 invalid input value for enum color: \"blue\""),
            (Type::Int4.array(), "{1,x}", "22P02 invalid input syntax for type integer: \"x\""),
            (Type::Int4.array(), "{1, NULL}", "{1,NULL}"),
            (Type::Row("a.b".into()), "()", "0A000 input of composite types is not supported"),
        ] {
            assert_eq!(read(&ty, Modifier::None, text), expected, "{ty} {text}");
        }
    }

    #[test]
    fn fits_modifiers() {
        for (ty, modifier, text, expected) in [
            (Type::Varchar, Modifier::Length(3), "aé  ", "aé "),
            (
                Type::Varchar,
                Modifier::Length(3),
                "abcd",
                "22001 value too long for type character varying(3)",
            ),
            (Type::Char, Modifier::Length(3), "a", "a  "),
            (Type::Char, Modifier::Length(1), "ab", "22001 value too long for type character(1)"),
            (Type::Numeric, Modifier::Numeric { precision: 4, scale: 1 }, "12.35", "12.4"),
            (
                Type::Numeric,
                Modifier::Numeric { precision: 2, scale: 1 },
                "12.35",
                "22003 numeric field overflow",
            ),
            (Type::Time, Modifier::Seconds(0), "10:00:00.5", "10:00:01"),
            (Type::Interval, Modifier::Seconds(1), "1.26 s", "00:00:01.3"),
            (
                Type::Varchar.array(),
                Modifier::Length(2),
                "{ab,abc}",
                "22001 value too long for type character varying(2)",
            ),
        ] {
            assert_eq!(read(&ty, modifier, text), expected, "{ty} {text}");
        }
    }
}
