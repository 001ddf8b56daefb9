//! Time zones: their names, and the offset that holds at an instant or at a local time. Not the session's choice of a zone.

use jiff::civil;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use crate::datetime::{self, DAY_MICROS};
use crate::{Result, ValueError};

/// The Gregorian calendar, and so every zone's rule for the future, repeats after 400 years.
const CYCLE_MICROS: i64 = 146_097 * DAY_MICROS;

/// Local times from here on (about the year 9892) are looked up in an earlier cycle, within the zone database's range.
const LAST_LOOKUP: i64 = 250_000_000_000_000_000;

/// Abbreviations with one meaning, in hours and minutes east of UTC, as PostgreSQL's default set has them.
const ABBREVIATIONS: &[(&str, i32, i32)] = &[
    ("z", 0, 0),
    ("zulu", 0, 0),
    ("utc", 0, 0),
    ("ut", 0, 0),
    ("uct", 0, 0),
    ("gmt", 0, 0),
    ("wet", 0, 0),
    ("west", 1, 0),
    ("bst", 1, 0),
    ("cet", 1, 0),
    ("cest", 2, 0),
    ("met", 1, 0),
    ("mest", 2, 0),
    ("eet", 2, 0),
    ("eest", 3, 0),
    ("msk", 3, 0),
    ("ist", 2, 0),
    ("idt", 3, 0),
    ("est", -5, 0),
    ("edt", -4, 0),
    ("cst", -6, 0),
    ("cdt", -5, 0),
    ("mst", -7, 0),
    ("mdt", -6, 0),
    ("pst", -8, 0),
    ("pdt", -7, 0),
    ("akst", -9, 0),
    ("akdt", -8, 0),
    ("hst", -10, 0),
    ("ast", -4, 0),
    ("adt", -3, 0),
    ("nst", -3, -30),
    ("ndt", -2, -30),
    ("jst", 9, 0),
    ("kst", 9, 0),
    ("hkt", 8, 0),
    ("pht", 8, 0),
    ("sgt", 8, 0),
    ("nzst", 12, 0),
    ("nzdt", 13, 0),
    ("awst", 8, 0),
    ("acst", 9, 30),
    ("acdt", 10, 30),
    ("aest", 10, 0),
    ("aedt", 11, 0),
];

/// The zone that `at time zone 'name'` means: an abbreviation, an IANA name, or an offset of POSIX's sign (west positive).
/// Error: 22023 `time zone "x" not recognized`.
pub fn by_name(name: &str) -> Result<TimeZone> {
    abbreviation(name)
        .or_else(|| named(name))
        .or_else(|| posix_offset(name))
        .ok_or_else(|| ValueError::new("22023", format!("time zone \"{name}\" not recognized")))
}

/// The fixed zone of an abbreviation such as `EST`, in any case.
pub(crate) fn abbreviation(name: &str) -> Option<TimeZone> {
    let (_, hours, minutes) = ABBREVIATIONS.iter().find(|(known, ..)| name.eq_ignore_ascii_case(known))?;
    fixed(hours * 3600 + minutes * 60)
}

/// The zone of an IANA name, in any case.
pub(crate) fn named(name: &str) -> Option<TimeZone> {
    // The database also answers names of its own making, which PostgreSQL does not know.
    let plausible =
        name.starts_with(|c: char| c.is_ascii_alphabetic()) && !name.eq_ignore_ascii_case("local");
    if plausible { jiff::tz::db().get(name).ok() } else { None }
}

/// A zone at a fixed number of seconds east of UTC.
pub fn fixed(seconds: i32) -> Option<TimeZone> {
    if seconds == 0 {
        return Some(TimeZone::UTC);
    }
    Offset::from_seconds(seconds).ok().map(TimeZone::fixed)
}

/// `+05:30`, `UTC+3`, `<+03>-3`: POSIX counts west as positive.
fn posix_offset(name: &str) -> Option<TimeZone> {
    let offset = match name.strip_prefix('<') {
        Some(quoted) => quoted.split_once('>')?.1,
        None => name.trim_start_matches(|c: char| c.is_ascii_alphabetic()),
    };
    let (sign, digits) = match offset.as_bytes().first()? {
        b'+' => (-1, offset.get(1..)?),
        b'-' => (1, offset.get(1..)?),
        _ => (-1, offset),
    };
    let mut seconds = 0_i32;
    let mut unit = 3600_i32;
    for part in digits.split(':') {
        let plain = (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        if !plain || unit == 0 {
            return None;
        }
        seconds += part.parse::<i32>().ok()? * unit;
        unit /= 60;
    }
    fixed(sign * seconds)
}

/// Seconds east of UTC at an instant (microseconds since 1970 UTC; finite).
pub fn offset_at(zone: &TimeZone, micros: i64) -> i32 {
    match zone.to_fixed_offset() {
        Ok(offset) => offset.seconds(),
        Err(_) => {
            jiff::Timestamp::from_microsecond(in_range(micros)).map_or(0, |at| zone.to_offset(at).seconds())
        }
    }
}

/// The local time of an instant. Infinities stay. Error: 22008.
pub fn to_local(zone: &TimeZone, micros: i64) -> Result<i64> {
    if !datetime::is_finite(micros) {
        return Ok(micros);
    }
    let offset = i64::from(offset_at(zone, micros)) * 1_000_000;
    micros
        .checked_add(offset)
        .filter(|local| datetime::is_finite(*local))
        .ok_or_else(datetime::timestamp_range)
}

/// The instant of a local time: in a gap the offset before it holds, in an overlap the one after, as in PostgreSQL.
/// Infinities stay. Error: 22008.
pub fn to_instant(zone: &TimeZone, local: i64) -> Result<i64> {
    if !datetime::is_finite(local) {
        return Ok(local);
    }
    let offset = i64::from(offset_of_local(zone, local)) * 1_000_000;
    local.checked_sub(offset).ok_or_else(datetime::timestamp_range).and_then(datetime::checked)
}

/// Seconds east of UTC at a local time.
pub(crate) fn offset_of_local(zone: &TimeZone, local: i64) -> i32 {
    if let Ok(offset) = zone.to_fixed_offset() {
        return offset.seconds();
    }
    let Some(local) = to_civil(in_range(local)) else { return 0 };
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.seconds(),
        AmbiguousOffset::Gap { before, .. } => before.seconds(),
        AmbiguousOffset::Fold { after, .. } => after.seconds(),
    }
}

fn in_range(micros: i64) -> i64 {
    if micros < LAST_LOOKUP {
        micros
    } else {
        micros - ((micros - LAST_LOOKUP) / CYCLE_MICROS + 1) * CYCLE_MICROS
    }
}

fn to_civil(local: i64) -> Option<civil::DateTime> {
    let (days, micros) = datetime::split(local);
    let date = datetime::civil_from_days(days);
    let time = datetime::clock(micros);
    civil::DateTime::new(
        i16::try_from(date.year).ok()?,
        i8::try_from(date.month).ok()?,
        i8::try_from(date.day).ok()?,
        i8::try_from(time.hour).ok()?,
        i8::try_from(time.minute).ok()?,
        i8::try_from(time.second).ok()?,
        i32::try_from(time.micros * 1000).ok()?,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_names() {
        for (name, offset) in [
            ("UTC", 0),
            ("est", -18_000),
            ("+05:30", -19_800),
            ("-3", 10_800),
            ("UTC+3", -10_800),
            ("<+03>-3", 10_800),
            ("europe/moscow", 10_800),
        ] {
            let zone = by_name(name).expect(name);
            assert_eq!(offset_at(&zone, 1_700_000_000_000_000), offset, "{name}");
        }
        for name in ["", "Mars/Base", "+99:99:99:99", "x y", "+", "local"] {
            assert_eq!(by_name(name).map_err(|e| e.code).err(), Some("22023"), "{name}");
        }
    }

    #[test]
    fn gaps_take_the_offset_before_and_overlaps_the_one_after() {
        let zone = by_name("Europe/Berlin").expect("Berlin");
        let at = |year, month, day, hour: i64| {
            datetime::days_from_civil(year, month, day) * DAY_MICROS + hour * 3_600_000_000 + 1_800_000_000
        };
        for (local, offset) in [
            (at(2024, 3, 31, 2), 3600),
            (at(2024, 10, 27, 2), 3600),
            (at(2024, 7, 1, 0), 7200),
            (at(12024, 7, 1, 0), 7200),
            (at(294_000, 1, 1, 0), 3600),
        ] {
            assert_eq!(offset_of_local(&zone, local), offset);
            let instant = to_instant(&zone, local).expect("in range");
            assert_eq!(to_instant(&zone, to_local(&zone, instant).expect("in range")), Ok(instant));
        }
    }
}
