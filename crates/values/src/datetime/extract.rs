//! `extract(field from …)`: numbers with the scale that PostgreSQL gives each field.

use bigdecimal::num_bigint::BigInt;
use jiff::tz::TimeZone;

use super::trunc::{not_recognized, not_supported};
use super::units::{Unit, field};
use super::{
    DAY_MICROS, INFINITY, Interval, MIN_DATE, SECOND_MICROS, civil_from_days, clock, day_of_week,
    day_of_year, is_finite, iso_week, split,
};
use crate::numeric::Decimal;
use crate::{Result, Type, zone};

/// The answer of `extract`.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Null: a field that an infinite value does not have
    Null,
    /// `Infinity`
    PositiveInfinity,
    /// `-Infinity`
    NegativeInfinity,
    /// A number with PostgreSQL's scale
    Number(Decimal),
}

/// `extract(field from date)`. Errors: 22023 and 0A000 for the field.
pub fn extract_date(name: &str, date: i64) -> Result<Part> {
    let unit = find(name, &Type::Date)?;
    if !is_calendar(unit) && unit != Unit::Epoch {
        return Err(not_supported(name, &Type::Date));
    }
    if !is_finite(date) {
        return Ok(infinite(unit, date));
    }
    Ok(match unit {
        Unit::Epoch => whole(date * 86_400),
        Unit::Julian => whole(date - MIN_DATE),
        _ => whole(calendar(unit, date)),
    })
}

/// `extract(field from time)`. Errors: 22023 and 0A000 for the field.
pub fn extract_time(name: &str, time: i64) -> Result<Part> {
    let unit = find(name, &Type::Time)?;
    match unit {
        Unit::Epoch => Ok(scaled(time, 6)),
        _ => of_day(unit, time).ok_or_else(|| not_supported(name, &Type::Time)),
    }
}

/// `extract(field from timestamp)`. Errors: 22023 and 0A000 for the field.
pub fn extract_timestamp(name: &str, timestamp: i64) -> Result<Part> {
    let unit = find(name, &Type::Timestamp)?;
    if matches!(unit, Unit::Timezone | Unit::TimezoneHour | Unit::TimezoneMinute) {
        return Err(not_supported(name, &Type::Timestamp));
    }
    if !is_finite(timestamp) {
        return Ok(infinite(unit, timestamp));
    }
    of_timestamp(unit, timestamp, timestamp)
}

/// `extract(field from timestamptz)` in a zone. Errors: 22023 for the field.
pub fn extract_timestamptz(name: &str, instant: i64, zone: &TimeZone) -> Result<Part> {
    let unit = find(name, &Type::Timestamptz)?;
    if !is_finite(instant) {
        return Ok(infinite(unit, instant));
    }
    let offset = i64::from(zone::offset_at(zone, instant));
    match unit {
        Unit::Timezone => Ok(whole(offset)),
        Unit::TimezoneHour => Ok(whole(offset / 3600)),
        Unit::TimezoneMinute => Ok(whole(offset / 60 % 60)),
        _ => of_timestamp(unit, zone::to_local(zone, instant)?, instant),
    }
}

/// `extract(field from interval)`. Errors: 22023 and 0A000 for the field.
pub fn extract_interval(name: &str, interval: Interval) -> Result<Part> {
    let months = i64::from(interval.months);
    let days = i64::from(interval.days);
    let (years, months) = (months / 12, months % 12);
    let unit = find(name, &Type::Interval)?;
    Ok(match unit {
        Unit::Day => whole(days),
        Unit::Month => whole(months),
        Unit::Quarter => whole(months / 3 + 1),
        Unit::Year => whole(years),
        Unit::Decade => whole(years / 10),
        Unit::Century => whole(years / 100),
        Unit::Millennium => whole(years / 1000),
        Unit::Epoch => {
            // A year has 365.25 days here.
            let seconds = years * 31_557_600 + months * 30 * 86_400 + days * 86_400;
            let micros = i128::from(seconds) * 1_000_000 + i128::from(interval.micros);
            Part::Number(Decimal::new(BigInt::from(micros), 6))
        }
        _ => return of_day(unit, interval.micros).ok_or_else(|| not_supported(name, &Type::Interval)),
    })
}

fn find(name: &str, ty: &Type) -> Result<Unit> {
    field(&name.to_lowercase()).ok_or_else(|| not_recognized(name, ty))
}

/// Monotonic fields are infinite with the value, others are null.
fn infinite(unit: Unit, value: i64) -> Part {
    match unit {
        Unit::Year
        | Unit::Decade
        | Unit::Century
        | Unit::Millennium
        | Unit::Julian
        | Unit::IsoYear
        | Unit::Epoch => {
            if value == INFINITY {
                Part::PositiveInfinity
            } else {
                Part::NegativeInfinity
            }
        }
        _ => Part::Null,
    }
}

fn of_timestamp(unit: Unit, local: i64, instant: i64) -> Result<Part> {
    let (days, micros) = split(local);
    Ok(match unit {
        Unit::Epoch => scaled(instant, 6),
        Unit::Julian => {
            let fraction = Decimal::from(micros).div(&Decimal::from(DAY_MICROS))?;
            Part::Number(Decimal::from(days - MIN_DATE).add(&fraction)?)
        }
        _ => of_day(unit, micros).unwrap_or_else(|| whole(calendar(unit, days))),
    })
}

/// The fields of a time, which in an interval may be negative or longer than a day.
fn of_day(unit: Unit, micros: i64) -> Option<Part> {
    let time = clock(micros);
    Some(match unit {
        Unit::Microsecond => whole(time.second * SECOND_MICROS + time.micros),
        Unit::Millisecond => scaled(time.second * SECOND_MICROS + time.micros, 3),
        Unit::Second => scaled(time.second * SECOND_MICROS + time.micros, 6),
        Unit::Minute => whole(time.minute),
        Unit::Hour => whole(time.hour),
        _ => return None,
    })
}

fn is_calendar(unit: Unit) -> bool {
    !matches!(
        unit,
        Unit::Microsecond
            | Unit::Millisecond
            | Unit::Second
            | Unit::Minute
            | Unit::Hour
            | Unit::Timezone
            | Unit::TimezoneHour
            | Unit::TimezoneMinute
            | Unit::Epoch
    )
}

fn calendar(unit: Unit, days: i64) -> i64 {
    let date = civil_from_days(days);
    // There is no year 0: 1 BC is -1.
    let named = |year: i64| if year > 0 { year } else { year - 1 };
    // The first century is 1 to 100, the one before it 100 BC to 1 BC.
    let counted = |span: i64| named((date.year - 1).div_euclid(span) + 1);
    match unit {
        Unit::Day => date.day,
        Unit::Month => date.month,
        Unit::Quarter => (date.month - 1) / 3 + 1,
        Unit::Week => iso_week(days).1,
        Unit::Year => named(date.year),
        Unit::Decade => date.year.div_euclid(10),
        Unit::Century => counted(100),
        Unit::Millennium => counted(1000),
        Unit::DayOfWeek => day_of_week(days),
        Unit::IsoDayOfWeek => (days + 3).rem_euclid(7) + 1,
        Unit::DayOfYear => day_of_year(days),
        Unit::IsoYear => named(iso_week(days).0),
        _ => days - MIN_DATE,
    }
}

fn whole(value: i64) -> Part {
    Part::Number(Decimal::from(value))
}

/// Microseconds as a number with this scale: 6 for seconds, 3 for milliseconds.
fn scaled(micros: i64, scale: u32) -> Part {
    Part::Number(Decimal::new(BigInt::from(micros), scale))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datetime::days_from_civil;

    fn text(part: Result<Part>) -> String {
        match part {
            Ok(Part::Number(number)) => number.to_string(),
            Ok(other) => format!("{other:?}"),
            Err(refusal) => refusal.message,
        }
    }

    #[test]
    fn extracts() {
        // 2024-05-06 07:08:09.123456
        let at = days_from_civil(2024, 5, 6) * DAY_MICROS + 25_689_123_456;
        for (field, expected) in [
            ("julian", "2460437.29732781777777777778"),
            ("epoch", "1714979289.123456"),
            ("SECONDS", "9.123456"),
            ("milliseconds", "9123.456"),
            ("microseconds", "9123456"),
            ("hour", "7"),
            ("isodow", "1"),
            ("week", "19"),
            ("century", "21"),
            ("timezone", "unit \"timezone\" not supported for type timestamp without time zone"),
            ("foo", "unit \"foo\" not recognized for type timestamp without time zone"),
        ] {
            assert_eq!(text(extract_timestamp(field, at)), expected, "{field}");
        }
        for (field, expected) in
            [("decade", "-1"), ("year", "-4"), ("century", "-1"), ("millennium", "-1"), ("isoyear", "-4")]
        {
            assert_eq!(text(extract_date(field, days_from_civil(-3, 6, 1))), expected, "{field}");
        }
        assert_eq!(text(extract_date("epoch", i64::MIN)), "NegativeInfinity");
        assert_eq!(text(extract_date("month", i64::MAX)), "Null");
        assert_eq!(text(extract_date("hour", i64::MAX)), "unit \"hour\" not supported for type date");
        let interval = Interval { months: 15, days: 4, micros: 18_367_123_000 };
        assert_eq!(text(extract_interval("epoch", interval)), "39697567.123000");
        assert_eq!(text(extract_interval("quarter", interval)), "2");
    }
}
