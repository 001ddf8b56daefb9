//! Casts between types: which exist, in which contexts (PostgreSQL's `pg_cast` and its I/O conversions), and what they give.

use crate::array::{self, Array};
use crate::datetime::{self, DAY_MICROS};
use crate::input::{apply, from_text};
use crate::interval::Interval;
use crate::json::Json;
use crate::numeric::Decimal;
use crate::{Modifier, Result, Session, Type, Value, ValueError, ValueRef, output, zone};

/// When PostgreSQL applies a cast by itself (its `pg_cast.castcontext`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Context {
    /// In any expression
    Implicit,
    /// When a value is stored in a column
    Assignment,
    /// Only where `cast`/`::` is written
    Explicit,
}

/// The weakest context in which `from` is cast to `to`; `None` when there is no such cast.
pub fn context(from: &Type, to: &Type) -> Option<Context> {
    use Context::{Assignment, Explicit, Implicit};
    use Type::{
        Bool, Date, Float4, Float8, Int2, Int4, Int8, Interval, Json, Jsonb, Numeric, Time, Timestamp,
        Timestamptz,
    };
    if from == to {
        return Some(Implicit);
    }
    match (from, to) {
        (Type::Unknown, Type::Void | Type::Row(_)) => None,
        (Type::Unknown, _) => Some(Implicit),
        (_, Type::Unknown) => None,
        (Type::Array(from), Type::Array(to)) => context(from, to),
        (Int2, Int4 | Int8 | Numeric | Float4 | Float8)
        | (Int4, Int8 | Numeric | Float4 | Float8)
        | (Int8, Numeric | Float4 | Float8)
        | (Numeric, Float4 | Float8)
        | (Float4, Float8)
        | (Date, Timestamp | Timestamptz)
        | (Timestamp, Timestamptz)
        | (Time, Interval) => Some(Implicit),
        (Int4 | Int8 | Numeric | Float4 | Float8, Int2)
        | (Int8 | Numeric | Float4 | Float8, Int4)
        | (Numeric | Float4 | Float8, Int8)
        | (Float4 | Float8, Numeric)
        | (Float8, Float4)
        | (Timestamp | Timestamptz, Date | Time)
        | (Timestamptz, Timestamp)
        | (Interval, Time)
        | (Json, Jsonb)
        | (Jsonb, Json) => Some(Assignment),
        (Int4, Bool) | (Bool, Int4) | (Jsonb, Bool | Int2 | Int4 | Int8 | Numeric | Float4 | Float8) => {
            Some(Explicit)
        }
        (from, to) if from.is_string() && to.is_string() => Some(Implicit),
        (Type::Void | Type::Row(_), _) | (_, Type::Void | Type::Row(_)) => None,
        // What has a text can be written to any string, and read from one.
        (_, to) if to.is_string() => Some(Assignment),
        (from, _) if from.is_string() => Some(Explicit),
        _ => None,
    }
}

/// Casts a value. `explicit` matters for `varchar(n)`/`char(n)`: an explicit cast cuts, an assignment refuses (22001).
/// Errors: those of the types' input, 22003 and 22008 for values out of range, 42846 where there is no such cast.
pub fn cast(
    from: &Type,
    to: &Type,
    modifier: Modifier,
    explicit: bool,
    value: ValueRef<'_>,
    session: &Session,
) -> Result<Value> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    if let (Type::Array(from), Type::Array(to), ValueRef::Text(stored)) = (from, to, value) {
        // Elements of the same type and size stay as they are.
        if from == to && modifier == Modifier::None {
            return Ok(value.to_owned());
        }
        let Array { dimensions, elements } = array::decode(from, stored)?;
        let elements = elements
            .iter()
            .map(|element| cast(from, to, modifier, explicit, element.as_ref(), session))
            .collect::<Result<Vec<Value>>>()?;
        return array::encode(to, &Array { dimensions, elements });
    }
    if let (Type::Unknown | Type::Text | Type::Varchar, Type::Array(element), ValueRef::Text(text)) =
        (from, to, value)
    {
        let read = from_text(to, Modifier::None, text, session)?;
        return cast(to, &Type::Array(element.clone()), modifier, explicit, read.as_ref(), session);
    }
    apply(to, modifier, explicit, convert(from, to, value, session)?)
}

fn convert(from: &Type, to: &Type, value: ValueRef<'_>, session: &Session) -> Result<Value> {
    if from == to {
        return Ok(value.to_owned());
    }
    match (from, to, value) {
        (Type::Char, to, ValueRef::Text(text)) if to.is_string() => {
            Ok(Value::Text(text.trim_end_matches(' ').to_owned()))
        }
        (Type::Unknown | Type::Text | Type::Varchar | Type::Char, _, ValueRef::Text(text)) => {
            from_text(to, Modifier::None, text, session)
        }
        (Type::Bool, to, ValueRef::Int(i)) if to.is_string() => {
            Ok(Value::Text(if i == 0 { "false" } else { "true" }.to_owned()))
        }
        (Type::Bool, Type::Int4, ValueRef::Int(i)) => Ok(Value::Int(i)),
        (Type::Int4, Type::Bool, ValueRef::Int(i)) => Ok(Value::Int(i64::from(i != 0))),
        (Type::Json, Type::Jsonb, ValueRef::Text(text)) => from_text(to, Modifier::None, text, session),
        (Type::Jsonb, Type::Json, ValueRef::Text(_)) => Ok(value.to_owned()),
        (Type::Jsonb, to, ValueRef::Text(text)) if to.is_number() || *to == Type::Bool => {
            from_jsonb(text, to, session)
        }
        (_, to, _) if to.is_string() && context(from, to).is_some() => {
            Ok(Value::Text(output::to_text(from, value, session)))
        }
        _ if from.is_number() && to.is_number() => number(from, to, value),
        (_, _, ValueRef::Int(i)) => moment(from, to, i, session),
        (Type::Interval, Type::Time, ValueRef::Text(text)) => {
            Ok(Value::Int(Interval::parse(text)?.micros.rem_euclid(DAY_MICROS)))
        }
        _ => Err(no_cast(from, to)),
    }
}

fn number(from: &Type, to: &Type, value: ValueRef<'_>) -> Result<Value> {
    match value {
        ValueRef::Int(i) if from.is_integer() => from_integer(i, to),
        ValueRef::Text(text) => from_numeric(&Decimal::parse(text)?, to),
        ValueRef::Float(f) => from_float(from, f, to),
        // An engine may keep a whole float as an integer.
        #[allow(clippy::cast_precision_loss, reason = "it was a float before")]
        ValueRef::Int(i) => from_float(from, i as f64, to),
        _ => Err(no_cast(from, to)),
    }
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "casts to floats round")]
fn from_integer(value: i64, to: &Type) -> Result<Value> {
    Ok(match to {
        Type::Numeric => Value::Text(value.to_string()),
        Type::Float4 => Value::Float(f64::from(value as f32)),
        Type::Float8 => Value::Float(value as f64),
        _ => return in_range(Some(value), to),
    })
}

fn from_numeric(value: &Decimal, to: &Type) -> Result<Value> {
    let text = value.to_string();
    let out_of_range = || ValueError::new("22003", format!("\"{text}\" is out of range for type {to}"));
    match to {
        Type::Numeric => Ok(Value::Text(text)),
        Type::Float4 | Type::Float8 => {
            let float = if *to == Type::Float4 {
                text.parse::<f32>().map_or(f64::INFINITY, f64::from)
            } else {
                value.to_f64()
            };
            let vanished = float == 0.0 && !value.is_zero();
            if float.is_finite() && !vanished { Ok(Value::Float(float)) } else { Err(out_of_range()) }
        }
        _ => in_range(value.to_i64(), to),
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the ranges are checked")]
fn from_float(from: &Type, value: f64, to: &Type) -> Result<Value> {
    match to {
        Type::Numeric if *from == Type::Float4 => {
            Ok(Value::Text(Decimal::from_f32(value as f32)?.to_string()))
        }
        Type::Numeric => Ok(Value::Text(Decimal::from_f64(value)?.to_string())),
        Type::Float8 => Ok(Value::Float(value)),
        Type::Float4 => {
            let real = f64::from(value as f32);
            if real.is_infinite() && value.is_finite() {
                return Err(ValueError::new("22003", "value out of range: overflow"));
            }
            if real == 0.0 && value != 0.0 {
                return Err(ValueError::new("22003", "value out of range: underflow"));
            }
            Ok(Value::Float(real))
        }
        _ => {
            const LIMIT: f64 = 9_223_372_036_854_775_808.0;
            let rounded = value.round_ties_even();
            in_range((-LIMIT..LIMIT).contains(&rounded).then_some(rounded as i64), to)
        }
    }
}

fn in_range(value: Option<i64>, to: &Type) -> Result<Value> {
    let fits = |value: &i64| match to {
        Type::Int2 => i16::try_from(*value).is_ok(),
        Type::Int4 => i32::try_from(*value).is_ok(),
        _ => true,
    };
    value.filter(fits).map(Value::Int).ok_or_else(|| ValueError::new("22003", format!("{to} out of range")))
}

fn from_jsonb(text: &str, to: &Type, session: &Session) -> Result<Value> {
    match (Json::parse_jsonb(text)?, to) {
        (Json::Bool(value), Type::Bool) => Ok(Value::Int(i64::from(value))),
        (Json::Number(number), to) if to.is_number() => {
            convert(&Type::Numeric, to, ValueRef::Text(&number), session)
        }
        (json, to) => {
            let message = format!("cannot cast jsonb {} to type {to}", json.type_name());
            let message = message.replace("jsonb number", "jsonb numeric");
            Err(ValueError::new("22023", message))
        }
    }
}

/// Among dates, times, timestamps and `time` to `interval`.
fn moment(from: &Type, to: &Type, value: i64, session: &Session) -> Result<Value> {
    let zone = &session.time_zone;
    let time_of = |local: i64| {
        // An infinite timestamp has no time of day.
        if datetime::is_finite(local) { Value::Int(datetime::split(local).1) } else { Value::Null }
    };
    Ok(match (from, to) {
        (Type::Date, Type::Timestamp) => Value::Int(datetime::date_to_timestamp(value)?),
        (Type::Date, Type::Timestamptz) => {
            Value::Int(zone::to_instant(zone, datetime::date_to_timestamp(value)?)?)
        }
        (Type::Timestamp, Type::Timestamptz) => Value::Int(zone::to_instant(zone, value)?),
        (Type::Timestamp, Type::Date) => Value::Int(datetime::timestamp_to_date(value)),
        (Type::Timestamp, Type::Time) => time_of(value),
        (Type::Timestamptz, Type::Timestamp) => Value::Int(zone::to_local(zone, value)?),
        (Type::Timestamptz, Type::Date) => {
            Value::Int(datetime::timestamp_to_date(zone::to_local(zone, value)?))
        }
        (Type::Timestamptz, Type::Time) => time_of(zone::to_local(zone, value)?),
        (Type::Time, Type::Interval) => {
            Value::Text(Interval { months: 0, days: 0, micros: value }.to_string())
        }
        _ => return Err(no_cast(from, to)),
    })
}

fn no_cast(from: &Type, to: &Type) -> ValueError {
    ValueError::new("42846", format!("cannot cast type {from} to {to}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        Session { time_zone: jiff::tz::TimeZone::UTC, now: 0 }
    }

    fn shown(from: &Type, to: &Type, modifier: Modifier, explicit: bool, text: &str) -> String {
        let result = from_text(from, Modifier::None, text, &session())
            .and_then(|value| cast(from, to, modifier, explicit, value.as_ref(), &session()));
        match result {
            Ok(Value::Null) => "null".to_owned(),
            Ok(value) => output::to_text(to, value.as_ref(), &session()),
            Err(refusal) => format!("{} {}", refusal.code, refusal.message),
        }
    }

    #[test]
    fn converts() {
        use Type::*;
        for (from, text, to, expected) in [
            (Int4, "40000", Int2, "22003 smallint out of range"),
            (Int4, "5", Bool, "t"),
            (Bool, "t", Text, "true"),
            (Float8, "2.5", Int4, "2"),
            (Float8, "3.5", Int4, "4"),
            (Float8, "3000000000", Int4, "22003 integer out of range"),
            (Float8, "-inf", Int4, "22003 integer out of range"),
            (Float8, "1e300", Float4, "22003 value out of range: overflow"),
            (Float8, "1e-300", Float4, "22003 value out of range: underflow"),
            (Float8, "0.1", Numeric, "0.1"),
            (Float4, "0.1", Numeric, "0.1"),
            (Float4, "0.1", Float8, "0.10000000149011612"),
            (Numeric, "2.5", Int4, "3"),
            (Numeric, "-2.5", Int8, "-3"),
            (Numeric, "1e30", Int8, "22003 bigint out of range"),
            (Numeric, "0.1", Float4, "0.1"),
            (Int8, "9007199254740993", Float8, "9.007199254740992e+15"),
            (Timestamp, "infinity", Time, "null"),
            (Timestamptz, "infinity", Date, "infinity"),
            (Date, "5874897-12-31", Timestamp, "22008 date out of range for timestamp"),
            (Timestamp, "2024-01-01 10:00", Time, "10:00:00"),
            (Interval, "1 day 25:00", Time, "01:00:00"),
            (Time, "10:00", Interval, "10:00:00"),
            (Text, "x", Int4, "22P02 invalid input syntax for type integer: \"x\""),
            (Text, "{1,2}", Int4.array(), "{1,2}"),
            (Numeric.array(), "{1,2.5,NULL}", Int4.array(), "{1,3,NULL}"),
            (Int4.array(), "{1,2}", Text, "{1,2}"),
            (Jsonb, "1.5", Int4, "2"),
            (Jsonb, "true", Bool, "t"),
            (Jsonb, "null", Int4, "22023 cannot cast jsonb null to type integer"),
            (Jsonb, "1", Bool, "22023 cannot cast jsonb numeric to type boolean"),
            (Jsonb, "{}", Float8, "22023 cannot cast jsonb object to type double precision"),
            (Jsonb, "\"a\"", Text, "\"a\""),
            (Json, "{\"b\":1,\"a\":2}", Jsonb, "{\"a\": 2, \"b\": 1}"),
            (Uuid, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", Int4, "42846 cannot cast type uuid to integer"),
        ] {
            assert_eq!(shown(&from, &to, Modifier::None, true, text), expected, "{from} {text} {to}");
        }
    }

    #[test]
    fn fits_strings() {
        let cut = Modifier::Length(3);
        for (from, text, to, explicit, expected) in [
            (Type::Unknown, "abcdef", Type::Varchar, true, "abc"),
            (Type::Int4, "123456", Type::Varchar, true, "123"),
            (Type::Text, "abcd", Type::Varchar, false, "22001 value too long for type character varying(3)"),
            (Type::Varchar, "abc  ", Type::Varchar, false, "abc"),
            (Type::Char, "a    ", Type::Varchar, false, "a"),
            (Type::Text, "a", Type::Char, false, "a  "),
            (Type::Unknown, "{abcd}", Type::Varchar.array(), true, "{abc}"),
        ] {
            assert_eq!(shown(&from, &to, cut, explicit, text), expected, "{from} {text} {to}");
        }
    }

    #[test]
    fn knows_contexts() {
        use Type::*;
        for (from, to, expected) in [
            (Int4, Int8, Some(Context::Implicit)),
            (Int8, Int4, Some(Context::Assignment)),
            (Int4, Bool, Some(Context::Explicit)),
            (Int8, Bool, None),
            (Int4, Text, Some(Context::Assignment)),
            (Text, Int4, Some(Context::Explicit)),
            (Unknown, Int4, Some(Context::Implicit)),
            (Varchar, Text, Some(Context::Implicit)),
            (Jsonb, Numeric, Some(Context::Explicit)),
            (Json, Numeric, None),
            (Int4.array(), Int8.array(), Some(Context::Implicit)),
            (Int4.array(), Int4, None),
            (Date, Timestamptz, Some(Context::Implicit)),
            (Timestamptz, Date, Some(Context::Assignment)),
            (Uuid, Text, Some(Context::Assignment)),
            (Void, Text, None),
        ] {
            assert_eq!(context(&from, &to), expected, "{from} {to}");
        }
    }
}
