//! Dates and times to text: ISO 8601 as PostgreSQL writes it. Nothing is allocated.

use jiff::tz::TimeZone;

use crate::datetime::{INFINITY, NEGATIVE_INFINITY, civil_from_days, clock, is_finite, split};
use crate::zone;

pub(super) fn write_date(days: i64, out: &mut Vec<u8>) {
    if write_infinity(days, out) {
        return;
    }
    let before_christ = write_civil(days, out);
    write_era(before_christ, out);
}

pub(super) fn write_time(micros: i64, out: &mut Vec<u8>) {
    let time = clock(micros.max(0));
    two_digits(time.hour, out);
    out.push(b':');
    two_digits(time.minute, out);
    out.push(b':');
    two_digits(time.second, out);
    if time.micros == 0 {
        return;
    }
    out.push(b'.');
    let (mut rest, mut unit) = (time.micros, 100_000);
    while rest > 0 && unit > 0 {
        out.push(digit(rest / unit));
        rest %= unit;
        unit /= 10;
    }
}

pub(super) fn write_timestamp(micros: i64, separator: u8, out: &mut Vec<u8>) {
    if write_infinity(micros, out) {
        return;
    }
    let before_christ = write_local(micros, separator, out);
    write_era(before_christ, out);
}

/// In JSON (separator `T`) the offset always has minutes.
pub(super) fn write_timestamptz(micros: i64, separator: u8, zone: &TimeZone, out: &mut Vec<u8>) {
    if write_infinity(micros, out) {
        return;
    }
    let offset = zone::offset_at(zone, micros);
    let before_christ = write_local(micros.saturating_add(i64::from(offset) * 1_000_000), separator, out);
    out.push(if offset < 0 { b'-' } else { b'+' });
    let seconds = i64::from(offset.abs());
    two_digits(seconds / 3600, out);
    if seconds % 3600 != 0 || separator == b'T' {
        out.push(b':');
        two_digits(seconds / 60 % 60, out);
    }
    if seconds % 60 != 0 {
        out.push(b':');
        two_digits(seconds % 60, out);
    }
    write_era(before_christ, out);
}

fn write_local(micros: i64, separator: u8, out: &mut Vec<u8>) -> bool {
    let (days, micros) = split(micros);
    let before_christ = write_civil(days, out);
    out.push(separator);
    write_time(micros, out);
    before_christ
}

fn write_infinity(value: i64, out: &mut Vec<u8>) -> bool {
    match value {
        INFINITY => out.extend_from_slice(b"infinity"),
        NEGATIVE_INFINITY => out.extend_from_slice(b"-infinity"),
        _ => {}
    }
    !is_finite(value)
}

/// Writes year, month and day; tells whether the year is before Christ.
fn write_civil(days: i64, out: &mut Vec<u8>) -> bool {
    // Beyond the range of dates nothing sensible can be shown; the bound keeps the arithmetic safe.
    let date = civil_from_days(days.clamp(-3_000_000_000, 3_000_000_000));
    let before_christ = date.year <= 0;
    let year = if before_christ { 1 - date.year } else { date.year };
    if year < 10_000 {
        two_digits(year / 100, out);
        two_digits(year % 100, out);
    } else {
        out.extend_from_slice(itoa::Buffer::new().format(year).as_bytes());
    }
    out.push(b'-');
    two_digits(date.month, out);
    out.push(b'-');
    two_digits(date.day, out);
    before_christ
}

fn write_era(before_christ: bool, out: &mut Vec<u8>) {
    if before_christ {
        out.extend_from_slice(b" BC");
    }
}

/// A number below 100; a time's hours may be more in values that no input gives.
fn two_digits(value: i64, out: &mut Vec<u8>) {
    if (0..100).contains(&value) {
        out.extend_from_slice(&[digit(value / 10), digit(value % 10)]);
    } else {
        out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }
}

fn digit(value: i64) -> u8 {
    b'0' + u8::try_from(value % 10).unwrap_or(0)
}
