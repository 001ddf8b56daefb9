//! `date_trunc` of timestamps and intervals.

use jiff::tz::TimeZone;

use super::units::{Unit, unit};
use super::{Civil, Interval, SECOND_MICROS, civil_from_days, days_from_civil, is_finite, split, timestamp};
use crate::{Result, Type, ValueError, zone};

/// `date_trunc` of a timestamp; infinities stay. Errors: 22023 and 0A000 for the field.
pub fn trunc_timestamp(field: &str, timestamp: i64) -> Result<i64> {
    trunc(find(field, &Type::Timestamp)?, field, timestamp, &Type::Timestamp)
}

/// `date_trunc` of a timestamptz in a zone; infinities stay. Errors: 22023 and 0A000 for the field.
pub fn trunc_timestamptz(field: &str, instant: i64, zone: &TimeZone) -> Result<i64> {
    let unit = find(field, &Type::Timestamptz)?;
    if !is_finite(instant) {
        return Ok(instant);
    }
    let local = zone::to_local(zone, instant)?;
    let truncated = trunc(unit, field, local, &Type::Timestamptz)?;
    match unit {
        // Within the day, the offset of the instant itself holds.
        Unit::Microsecond | Unit::Millisecond | Unit::Second | Unit::Minute | Unit::Hour => {
            Ok(instant - (local - truncated))
        }
        _ => zone::to_instant(zone, truncated),
    }
}

fn trunc(unit: Unit, field: &str, value: i64, ty: &Type) -> Result<i64> {
    if !is_finite(value) {
        return Ok(value);
    }
    let (days, micros) = split(value);
    let Civil { year, month, .. } = civil_from_days(days);
    let step = |step: i64| timestamp(days, micros - micros % step);
    let start = |year: i64, month: i64| timestamp(days_from_civil(year, month, 1), 0);
    match unit {
        Unit::Microsecond => Ok(value),
        Unit::Millisecond => step(1000),
        Unit::Second => step(SECOND_MICROS),
        Unit::Minute => step(60 * SECOND_MICROS),
        Unit::Hour => step(3600 * SECOND_MICROS),
        Unit::Day => timestamp(days, 0),
        Unit::Week => timestamp(days - (days + 3).rem_euclid(7), 0),
        Unit::Month => start(year, month),
        Unit::Quarter => start(year, (month - 1) / 3 * 3 + 1),
        Unit::Year => start(year, 1),
        Unit::Decade => start(year.div_euclid(10) * 10, 1),
        Unit::Century => start((year - 1).div_euclid(100) * 100 + 1, 1),
        Unit::Millennium => start((year - 1).div_euclid(1000) * 1000 + 1, 1),
        _ => Err(not_supported(field, ty)),
    }
}

/// `date_trunc` of an interval. Errors: 22023 and 0A000 for the field.
pub fn trunc_interval(field: &str, interval: Interval) -> Result<Interval> {
    let Interval { months, days, micros } = interval;
    let to_months = |count: i32| Interval { months: months - months % count, days: 0, micros: 0 };
    let to_micros = |step: i64| Interval { micros: micros - micros % step, ..interval };
    Ok(match find(field, &Type::Interval)? {
        Unit::Microsecond => interval,
        Unit::Millisecond => to_micros(1000),
        Unit::Second => to_micros(SECOND_MICROS),
        Unit::Minute => to_micros(60 * SECOND_MICROS),
        Unit::Hour => to_micros(3600 * SECOND_MICROS),
        Unit::Day => Interval { months, days, micros: 0 },
        Unit::Month => to_months(1),
        Unit::Quarter => to_months(3),
        Unit::Year => to_months(12),
        Unit::Decade => to_months(120),
        Unit::Century => to_months(1200),
        Unit::Millennium => to_months(12_000),
        Unit::Week => {
            return Err(
                not_supported(field, &Type::Interval).with_detail("Months usually have fractional weeks.")
            );
        }
        _ => return Err(not_supported(field, &Type::Interval)),
    })
}

fn find(field: &str, ty: &Type) -> Result<Unit> {
    unit(&field.to_lowercase()).ok_or_else(|| not_recognized(field, ty))
}

pub(super) fn not_recognized(field: &str, ty: &Type) -> ValueError {
    ValueError::new("22023", format!("unit \"{}\" not recognized for type {ty}", field.to_lowercase()))
}

pub(super) fn not_supported(field: &str, ty: &Type) -> ValueError {
    ValueError::new("0A000", format!("unit \"{}\" not supported for type {ty}", field.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datetime::DAY_MICROS;

    #[test]
    fn cuts_intervals() {
        let interval = Interval { months: -14, days: 3, micros: DAY_MICROS + 61_500_000 };
        for (field, expected) in [
            ("year", "-1 years"),
            ("month", "-1 years -2 mons"),
            ("day", "-1 years -2 mons +3 days"),
            ("hour", "-1 years -2 mons +3 days 24:00:00"),
            ("SECOND", "-1 years -2 mons +3 days 24:01:01"),
        ] {
            assert_eq!(trunc_interval(field, interval).map(|i| i.to_string()), Ok(expected.to_owned()));
        }
        assert_eq!(trunc_interval("week", interval).map_err(|e| e.code).err(), Some("0A000"));
        assert_eq!(trunc_interval("foo", interval).map_err(|e| e.code).err(), Some("22023"));
    }
}
