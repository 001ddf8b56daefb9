//! Dates and times as numbers.

use jiff::tz::TimeZone;

use crate::Result;
pub use crate::interval::Interval;
use crate::numeric::Decimal;

/// Microseconds in a day
pub const DAY_MICROS: i64 = 86_400_000_000;
/// `infinity` of dates and timestamps; `-infinity` is [`NEGATIVE_INFINITY`]
pub const INFINITY: i64 = i64::MAX;
/// `-infinity` of dates and timestamps
pub const NEGATIVE_INFINITY: i64 = i64::MIN;

/// A date of the proleptic Gregorian calendar; year 0 is 1 BC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Civil { pub year: i64, pub month: i64, pub day: i64 }

/// A time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Clock { pub hour: i64, pub minute: i64, pub second: i64, pub micros: i64 }

/// The answer of `extract`.
#[derive(Clone, Debug)]
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

/// Days since 1970-01-01 of a date; the fields may overflow their ranges only as far as `day` goes.
pub fn days_from_civil(year: i64, month: i64, day: i64) -> i64 { let _ = (year, month, day); unimplemented!() }
/// The date of a day number.
pub fn civil_from_days(days: i64) -> Civil { let _ = days; unimplemented!() }
/// Days in a month, 1 to 12.
pub fn days_in_month(year: i64, month: i64) -> i64 { let _ = (year, month); unimplemented!() }
/// The day number of a valid date in PostgreSQL's range (4713 BC to 5874897). Error: 22008 `date field value out of range`.
pub fn make_date(year: i64, month: i64, day: i64) -> Result<i64> { let _ = (year, month, day); unimplemented!() }
/// Day number and microseconds in the day of a finite timestamp.
pub fn split(timestamp: i64) -> (i64, i64) { let _ = timestamp; unimplemented!() }
/// The time of day of microseconds since midnight.
pub fn clock(micros: i64) -> Clock { let _ = micros; unimplemented!() }
/// A timestamp of day number and microseconds; checked against PostgreSQL's range. Error: 22008 `timestamp out of range`.
pub fn timestamp(days: i64, micros: i64) -> Result<i64> { let _ = (days, micros); unimplemented!() }
/// Whether a date or timestamp is not infinite.
pub fn is_finite(value: i64) -> bool { let _ = value; unimplemented!() }
/// ISO 8601 year and week of a day number.
pub fn iso_week(days: i64) -> (i64, i64) { let _ = days; unimplemented!() }
/// Day of the week, 0 for Sunday.
pub fn day_of_week(days: i64) -> i64 { let _ = days; unimplemented!() }
/// Day of the year, from 1.
pub fn day_of_year(days: i64) -> i64 { let _ = days; unimplemented!() }
/// `date ± integer`. Error: 22008 `date out of range`.
pub fn date_plus_days(date: i64, days: i64) -> Result<i64> { let _ = (date, days); unimplemented!() }
/// `date::timestamp`
pub fn date_to_timestamp(date: i64) -> Result<i64> { let _ = date; unimplemented!() }
/// `timestamp + interval`: months first (clamped to the month's end), then days, then time. Error: 22008.
pub fn timestamp_plus(timestamp: i64, interval: Interval) -> Result<i64> { let _ = (timestamp, interval); unimplemented!() }
/// `timestamptz + interval`: months and days on the zone's calendar.
pub fn timestamptz_plus(instant: i64, interval: Interval, zone: &TimeZone) -> Result<i64> { let _ = (instant, interval, zone); unimplemented!() }
/// `timestamp - timestamp`: days and time. Error: 22008 `cannot subtract infinite timestamps`.
pub fn timestamp_minus(a: i64, b: i64) -> Result<Interval> { let _ = (a, b); unimplemented!() }
/// `time + interval`, modulo 24 hours.
pub fn time_plus(time: i64, interval: Interval) -> i64 { let _ = (time, interval); unimplemented!() }
/// `age(a, b)`: years, months, days and time on the calendar. For timestamptz pass local times.
pub fn age(a: i64, b: i64) -> Result<Interval> { let _ = (a, b); unimplemented!() }
/// `date_trunc` of a timestamp. Errors: 22023 `unit "x" not recognized for type timestamp without time zone`, 0A000.
pub fn trunc_timestamp(field: &str, timestamp: i64) -> Result<i64> { let _ = (field, timestamp); unimplemented!() }
/// `date_trunc` of a timestamptz in a zone.
pub fn trunc_timestamptz(field: &str, instant: i64, zone: &TimeZone) -> Result<i64> { let _ = (field, instant, zone); unimplemented!() }
/// `date_trunc` of an interval.
pub fn trunc_interval(field: &str, interval: Interval) -> Result<Interval> { let _ = (field, interval); unimplemented!() }
/// `extract(field from date)`
pub fn extract_date(field: &str, date: i64) -> Result<Part> { let _ = (field, date); unimplemented!() }
/// `extract(field from time)`
pub fn extract_time(field: &str, time: i64) -> Result<Part> { let _ = (field, time); unimplemented!() }
/// `extract(field from timestamp)`
pub fn extract_timestamp(field: &str, timestamp: i64) -> Result<Part> { let _ = (field, timestamp); unimplemented!() }
/// `extract(field from timestamptz)` in a zone
pub fn extract_timestamptz(field: &str, instant: i64, zone: &TimeZone) -> Result<Part> { let _ = (field, instant, zone); unimplemented!() }
/// `extract(field from interval)`
pub fn extract_interval(field: &str, interval: Interval) -> Result<Part> { let _ = (field, interval); unimplemented!() }
