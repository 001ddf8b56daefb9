//! Dates and times as numbers: the calendar, the day, and arithmetic with intervals. Storage form throughout: days or
//! microseconds since 1970, the extremes of `i64` for the infinities. Text is the business of `input` and `output`.

pub(crate) mod decode;
mod extract;
pub(crate) mod fields;
pub(crate) mod tokens;
mod trunc;
pub(crate) mod units;

use jiff::tz::TimeZone;

pub use crate::interval::Interval;
use crate::{Result, ValueError, zone};
pub use extract::{
    Part, extract_date, extract_interval, extract_time, extract_timestamp, extract_timestamptz,
};
pub use trunc::{trunc_interval, trunc_timestamp, trunc_timestamptz};

/// Microseconds in a second
pub const SECOND_MICROS: i64 = 1_000_000;
/// Microseconds in a day
pub const DAY_MICROS: i64 = 86_400_000_000;
/// `infinity` of dates and timestamps
pub const INFINITY: i64 = i64::MAX;
/// `-infinity` of dates and timestamps
pub const NEGATIVE_INFINITY: i64 = i64::MIN;

/// Day 0 of the Julian day count, 4714-11-24 BC: the first date.
pub const MIN_DATE: i64 = -2_440_588;
/// 5874897-12-31: the last date.
pub(crate) const MAX_DATE: i64 = 2_145_042_905;
/// The first timestamp; the last is the greatest `i64` but one, in the year 294247.
const MIN_TIMESTAMP: i64 = MIN_DATE * DAY_MICROS;

/// A date of the proleptic Gregorian calendar; year 0 is 1 BC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Astronomical year
    pub year: i64,
    /// 1 to 12
    pub month: i64,
    /// 1 to 31
    pub day: i64,
}

/// A time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// 0 to 24
    pub hour: i64,
    /// 0 to 59
    pub minute: i64,
    /// 0 to 59
    pub second: i64,
    /// 0 to 999,999
    pub micros: i64,
}

/// Days since 1970-01-01 of a date. The day may lie outside its month; the month is 1 to 12, the year within ±10 million.
pub fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March put the leap day last; eras of 400 years have a constant length.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The date of a day number within ±3 billion.
pub fn civil_from_days(days: i64) -> Civil {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    Civil { year: era * 400 + year_of_era + i64::from(month <= 2), month, day }
}

/// Whether a year has 366 days.
pub fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days in a month, 1 to 12.
pub fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The day number of a date (astronomical year). Error: 22008 when there is no such day, or outside PostgreSQL's range.
pub fn make_date(year: i64, month: i64, day: i64) -> Result<i64> {
    let refusal =
        || ValueError::new("22008", format!("date field value out of range: {year}-{month:02}-{day:02}"));
    if !(1..=12).contains(&month) || !(-10_000..=10_000_000).contains(&year) {
        return Err(refusal());
    }
    if day < 1 || day > days_in_month(year, month) {
        return Err(refusal());
    }
    let days = days_from_civil(year, month, day);
    if is_date(days) { Ok(days) } else { Err(refusal()) }
}

fn is_date(days: i64) -> bool {
    (MIN_DATE..=MAX_DATE).contains(&days)
}

/// Day number and microseconds in the day of a finite timestamp.
pub fn split(timestamp: i64) -> (i64, i64) {
    (timestamp.div_euclid(DAY_MICROS), timestamp.rem_euclid(DAY_MICROS))
}

/// The time of day of microseconds since midnight.
pub fn clock(micros: i64) -> Clock {
    let seconds = micros / SECOND_MICROS;
    Clock {
        hour: seconds / 3600,
        minute: seconds / 60 % 60,
        second: seconds % 60,
        micros: micros % SECOND_MICROS,
    }
}

/// A timestamp of day number and microseconds. Error: 22008 `timestamp out of range`.
pub fn timestamp(days: i64, micros: i64) -> Result<i64> {
    days.checked_mul(DAY_MICROS)
        .and_then(|midnight| midnight.checked_add(micros))
        .ok_or_else(timestamp_range)
        .and_then(checked)
}

/// Refuses a finite timestamp outside the range. Error: 22008.
pub(crate) fn checked(timestamp: i64) -> Result<i64> {
    if (MIN_TIMESTAMP..INFINITY).contains(&timestamp) { Ok(timestamp) } else { Err(timestamp_range()) }
}

/// Whether a date or timestamp is not infinite.
pub fn is_finite(value: i64) -> bool {
    value != INFINITY && value != NEGATIVE_INFINITY
}

/// Day of the week, 0 for Sunday.
pub fn day_of_week(days: i64) -> i64 {
    (days + 4).rem_euclid(7)
}

/// Day of the year, from 1.
pub fn day_of_year(days: i64) -> i64 {
    days - days_from_civil(civil_from_days(days).year, 1, 1) + 1
}

/// ISO 8601 year (astronomical) and week of a day number.
pub fn iso_week(days: i64) -> (i64, i64) {
    // A week belongs to the year of its Thursday.
    let thursday = days + 3 - (days + 3).rem_euclid(7);
    (civil_from_days(thursday).year, (day_of_year(thursday) - 1) / 7 + 1)
}

/// `date ± integer`; infinities stay. Error: 22008 `date out of range`.
pub fn date_plus_days(date: i64, days: i64) -> Result<i64> {
    if !is_finite(date) {
        return Ok(date);
    }
    date.checked_add(days)
        .filter(|sum| is_date(*sum))
        .ok_or_else(|| ValueError::new("22008", "date out of range"))
}

/// `date::timestamp`. Error: 22008 `date out of range for timestamp`.
pub fn date_to_timestamp(date: i64) -> Result<i64> {
    if !is_finite(date) {
        return Ok(date);
    }
    timestamp(date, 0).map_err(|_| ValueError::new("22008", "date out of range for timestamp"))
}

/// The date of a timestamp; infinities stay.
pub fn timestamp_to_date(timestamp: i64) -> i64 {
    if is_finite(timestamp) { split(timestamp).0 } else { timestamp }
}

/// `timestamp + interval`: months first (clamped to the month's end), then days, then time; infinities stay. Error: 22008.
pub fn timestamp_plus(timestamp: i64, interval: Interval) -> Result<i64> {
    if !is_finite(timestamp) {
        return Ok(timestamp);
    }
    let moved = plus_calendar(timestamp, interval)?;
    moved.checked_add(interval.micros).ok_or_else(timestamp_range).and_then(checked)
}

/// `timestamptz + interval`: months and days on the zone's calendar, then time; infinities stay. Error: 22008.
pub fn timestamptz_plus(instant: i64, interval: Interval, zone: &TimeZone) -> Result<i64> {
    if !is_finite(instant) {
        return Ok(instant);
    }
    let mut moved = instant;
    // Months and days are applied one after the other, each as a local time of its own that must exist.
    if interval.months != 0 {
        let local = zone::to_local(zone, moved)?;
        moved = zone::to_instant(zone, plus_calendar(local, Interval { days: 0, ..interval })?)?;
    }
    if interval.days != 0 {
        let local = zone::to_local(zone, moved)?;
        moved = zone::to_instant(zone, plus_calendar(local, Interval { months: 0, ..interval })?)?;
    }
    moved.checked_add(interval.micros).ok_or_else(timestamp_range).and_then(checked)
}

fn plus_calendar(timestamp: i64, interval: Interval) -> Result<i64> {
    let (mut days, micros) = split(timestamp);
    if interval.months != 0 {
        let date = civil_from_days(days);
        let months = date.year * 12 + date.month - 1 + i64::from(interval.months);
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
        days = days_from_civil(year, month, date.day.min(days_in_month(year, month)));
    }
    self::timestamp(days + i64::from(interval.days), micros)
}

/// `timestamp - timestamp`: days and time. Error: 22008 `cannot subtract infinite timestamps`.
pub fn timestamp_minus(a: i64, b: i64) -> Result<Interval> {
    if !is_finite(a) || !is_finite(b) {
        return Err(ValueError::new("22008", "cannot subtract infinite timestamps"));
    }
    let micros = a.checked_sub(b).ok_or_else(crate::interval::out_of_range)?;
    Interval { months: 0, days: 0, micros }.justify_hours()
}

/// `time + interval`, modulo 24 hours.
pub fn time_plus(time: i64, interval: Interval) -> i64 {
    (time % DAY_MICROS + interval.micros % DAY_MICROS).rem_euclid(DAY_MICROS)
}

/// `age(a, b)`: years, months, days and time on the calendar. For timestamptz pass local times.
/// Error: 22008 for infinite timestamps.
pub fn age(a: i64, b: i64) -> Result<Interval> {
    if !is_finite(a) || !is_finite(b) {
        return Err(ValueError::new("22008", "cannot subtract infinite timestamps"));
    }
    let (later, earlier) = if a < b { (b, a) } else { (a, b) };
    let ((later_days, later_micros), (earlier_days, earlier_micros)) = (split(later), split(earlier));
    let (to, from) = (civil_from_days(later_days), civil_from_days(earlier_days));
    let mut micros = later_micros - earlier_micros;
    let mut days = to.day - from.day;
    let mut months = (to.year - from.year) * 12 + to.month - from.month;
    if micros < 0 {
        micros += DAY_MICROS;
        days -= 1;
    }
    while days < 0 {
        // The borrowed month is the one in which the earlier time lies.
        days += days_in_month(from.year, from.month);
        months -= 1;
    }
    let sign = if a < b { -1 } else { 1 };
    let field = |value: i64| i32::try_from(sign * value).map_err(|_| crate::interval::out_of_range());
    Ok(Interval { months: field(months)?, days: field(days)?, micros: sign * micros })
}

/// Rounds microseconds to fractional digits of the second (0 to 6), half away from zero; infinities stay.
pub(crate) fn round_to(micros: i64, digits: u8) -> i64 {
    let step = 10_i64.pow(6 - u32::from(digits.min(6)));
    if step == 1 || !is_finite(micros) {
        return micros;
    }
    let rest = micros % step;
    let down = micros - rest;
    match rest.abs() * 2 >= step {
        false => down,
        true => down.saturating_add(if micros < 0 { -step } else { step }),
    }
}

/// 22008 `timestamp out of range`
pub(crate) fn timestamp_range() -> ValueError {
    ValueError::new("22008", "timestamp out of range")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_days() {
        for (year, month, day, days) in [
            (1970, 1, 1, 0),
            (2000, 2, 29, 11_016),
            (1969, 12, 31, -1),
            (-4713, 11, 24, MIN_DATE),
            (5_874_897, 12, 31, MAX_DATE),
            (2024, 12, 31, 20_088),
        ] {
            assert_eq!(days_from_civil(year, month, day), days);
            assert_eq!(civil_from_days(days), Civil { year, month, day });
        }
    }

    #[test]
    fn knows_weeks() {
        for (year, month, day, expected, weekday) in [
            (2021, 1, 1, (2020, 53), 5),
            (2024, 12, 30, (2025, 1), 1),
            (2024, 2, 29, (2024, 9), 4),
            (1969, 12, 28, (1969, 52), 0),
        ] {
            let days = days_from_civil(year, month, day);
            assert_eq!(iso_week(days), expected);
            assert_eq!(day_of_week(days), weekday);
        }
    }

    #[test]
    fn adds_months_to_the_months_end() {
        let at = |y, m, d| days_from_civil(y, m, d) * DAY_MICROS;
        let months = |months| Interval { months, ..Interval::default() };
        assert_eq!(timestamp_plus(at(2024, 1, 31), months(1)), Ok(at(2024, 2, 29)));
        assert_eq!(timestamp_plus(at(2024, 3, 31), months(-1)), Ok(at(2024, 2, 29)));
        assert_eq!(timestamp_plus(at(2024, 1, 15), months(-13)), Ok(at(2022, 12, 15)));
        assert_eq!(timestamp_plus(INFINITY, months(1)), Ok(INFINITY));
        assert_eq!(timestamp_plus(at(2024, 1, 1), months(i32::MAX)).map_err(|e| e.code).err(), Some("22008"));
    }

    #[test]
    fn tells_ages() {
        let at = |y, m, d| days_from_civil(y, m, d) * DAY_MICROS;
        for (a, b, expected) in [
            (at(2001, 4, 10), at(1957, 6, 13), "43 years 9 mons 27 days"),
            (at(1957, 6, 13), at(2001, 4, 10), "-43 years -9 mons -27 days"),
            (at(2024, 3, 1), at(2024, 1, 31), "1 mon 1 day"),
            (at(2024, 3, 1) - 1, at(2024, 3, 1), "-00:00:00.000001"),
        ] {
            assert_eq!(age(a, b).map(|i| i.to_string()), Ok(expected.to_owned()));
        }
    }

    #[test]
    fn rounds_seconds() {
        assert_eq!(round_to(1_500_000, 0), 2_000_000);
        assert_eq!(round_to(-1_500_000, 0), -2_000_000);
        assert_eq!(round_to(1_234_449, 3), 1_234_000);
        assert_eq!(round_to(INFINITY, 0), INFINITY);
    }
}
