//! `to_char` of timestamps and intervals, by a picture (`picture`).

use super::Arg::{Interval as IntervalArg, Text, Timestamp, Timestamptz};
use super::args::{bounded, int, text};
use super::datetime::{interval, local};
use super::picture::{self, Case, DAYS, Field, MONTHS, Node, ROMAN_MONTHS, ordinal};
use super::{Builtin, Context, function};
use crate::datetime::{self, Clock, Interval};
use crate::{Result, Session, Value, ValueError, ValueRef, zone};

pub(super) static TABLE: &[Builtin] = &[
    function("timestamp_to_char", "to_char", &[Timestamp, Text], Text, |_, a| {
        of_timestamp(int(a, 0)?, Zone::default(), text(a, 1)?)
    })
    .stable(),
    function("timestamptz_to_char", "to_char", &[Timestamptz, Text], Text, of_timestamptz).stable(),
    function("interval_to_char", "to_char", &[IntervalArg, Text], Text, |_, a| {
        let picture = text(a, 1)?;
        if picture.is_empty() {
            return Ok(Value::Null);
        }
        write(&Moment::of_interval(interval(a, 0)?), picture).map(Value::Text)
    })
    .stable(),
];

/// The Julian day number of 1970-01-01.
const JULIAN_EPOCH: i64 = 2_440_588;
/// The longest picture, in bytes.
const MAX_PICTURE_BYTES: usize = 4 << 20;

/// The zone that a timestamptz is shown in.
#[derive(Default)]
struct Zone {
    abbreviation: String,
    /// Seconds east of UTC
    offset: i64,
}

/// The fields that a picture may ask for.
struct Moment {
    year: i64,
    month: i64,
    day: i64,
    clock: Clock,
    day_of_year: i64,
    /// Days since 1970; `None` for an interval, which has no place in the calendar
    days: Option<i64>,
    zone: Zone,
}

fn of_timestamptz(context: &Context<'_>, args: &[ValueRef<'_>]) -> Result<Value> {
    let instant = int(args, 0)?;
    if !datetime::is_finite(instant) {
        return Ok(Value::Null);
    }
    let zone = shown_zone(context.session, instant);
    of_timestamp(local(context.session, instant)?, zone, text(args, 1)?)
}

fn shown_zone(session: &Session, instant: i64) -> Zone {
    let offset = i64::from(zone::offset_at(&session.time_zone, instant));
    let stamp = jiff::Timestamp::from_microsecond(instant).unwrap_or_default();
    let abbreviation = session.time_zone.to_offset_info(stamp).abbreviation().to_owned();
    Zone { abbreviation, offset }
}

fn of_timestamp(timestamp: i64, zone: Zone, picture: &str) -> Result<Value> {
    if picture.is_empty() || !datetime::is_finite(timestamp) {
        return Ok(Value::Null);
    }
    let (days, micros) = datetime::split(timestamp);
    let civil = datetime::civil_from_days(days);
    let moment = Moment {
        year: civil.year,
        month: civil.month,
        day: civil.day,
        clock: datetime::clock(micros),
        day_of_year: datetime::day_of_year(days),
        days: Some(days),
        zone,
    };
    write(&moment, picture).map(Value::Text)
}

impl Moment {
    fn of_interval(interval: Interval) -> Moment {
        let (months, days, micros) = (i64::from(interval.months), i64::from(interval.days), interval.micros);
        let clock = Clock {
            hour: micros / 3_600_000_000,
            minute: micros / 60_000_000 % 60,
            second: micros / 1_000_000 % 60,
            micros: micros % 1_000_000,
        };
        Moment {
            year: months / 12,
            month: months % 12,
            day: days,
            clock,
            day_of_year: months * 30 + days,
            days: None,
            zone: Zone::default(),
        }
    }

    /// The day in the calendar; an interval has none.
    fn calendar(&self) -> Result<i64> {
        self.days
            .ok_or_else(|| ValueError::new("22007", "invalid format specification for an interval value"))
    }

    /// The year as it is written: 1 BC is year 0.
    fn shown_year(&self, year: i64) -> i64 {
        if self.days.is_some() && year <= 0 { 1 - year } else { year }
    }
}

fn write(moment: &Moment, picture: &str) -> Result<String> {
    if picture.len() > MAX_PICTURE_BYTES {
        bounded(usize::MAX)?;
    }
    let mut out = String::new();
    for node in picture::parse(picture) {
        match node {
            Node::Text(c) | Node::Separator(c) => out.push(c),
            Node::Field(field) => {
                let written = write_field(moment, &field)?;
                out.push_str(&written);
                if let Some(case) = field.ordinal {
                    out.push_str(ordinal(&written, case));
                }
            }
        }
    }
    Ok(out)
}

/// A number with leading zeros; a sign does not count to the width.
fn padded(number: i64, width: usize, field: &Field) -> String {
    if field.fill {
        return number.to_string();
    }
    format!("{:0width$}", number, width = width + usize::from(number < 0))
}

/// A number with leading zeros; a sign counts to the width.
fn filled(number: i64, width: usize, field: &Field) -> String {
    if field.fill { number.to_string() } else { format!("{number:0width$}") }
}

fn cased(name: &str, case: Case) -> String {
    match case {
        Case::Upper => name.to_ascii_uppercase(),
        Case::Lower => name.to_ascii_lowercase(),
        Case::Title => name.to_owned(),
    }
}

/// A name as the field is written, filled up with blanks.
fn named(name: &str, width: usize, field: &Field) -> String {
    let name = cased(name, field.case);
    if field.fill || field.localized { name } else { format!("{name:<width$}") }
}

fn nth<'a>(names: &[&'a str], index: i64) -> &'a str {
    usize::try_from(index).ok().and_then(|index| names.get(index).copied()).unwrap_or("")
}

fn write_field(moment: &Moment, field: &Field) -> Result<String> {
    let clock = &moment.clock;
    let twelve = |hour: i64| if hour % 12 == 0 { 12 } else { hour % 12 };
    let afternoon = clock.hour % 24 >= 12;
    let micros = clock.micros;
    Ok(match field.key {
        "A.M." | "P.M." => cased(if afternoon { "P.M." } else { "A.M." }, field.case),
        "AM" | "PM" => cased(if afternoon { "PM" } else { "AM" }, field.case),
        "HH" | "HH12" => padded(twelve(clock.hour), 2, field),
        "HH24" => padded(clock.hour, 2, field),
        "MI" => padded(clock.minute, 2, field),
        "SS" => padded(clock.second, 2, field),
        "MS" | "FF3" => format!("{:03}", micros / 1000),
        "US" | "FF6" => format!("{micros:06}"),
        "FF1" => format!("{:01}", micros / 100_000),
        "FF2" => format!("{:02}", micros / 10_000),
        "FF4" => format!("{:04}", micros / 100),
        "FF5" => format!("{:05}", micros / 10),
        "SSSS" | "SSSSS" => (clock.hour * 3600 + clock.minute * 60 + clock.second).to_string(),
        "TZ" => {
            moment.calendar()?;
            cased(&moment.zone.abbreviation, field.case)
        }
        "TZH" => {
            moment.calendar()?;
            let sign = if moment.zone.offset < 0 { '-' } else { '+' };
            format!("{sign}{:02}", moment.zone.offset.abs() / 3600)
        }
        "TZM" => {
            moment.calendar()?;
            format!("{:02}", moment.zone.offset.abs() % 3600 / 60)
        }
        "OF" => {
            moment.calendar()?;
            offset(moment.zone.offset)
        }
        "A.D." | "B.C." => {
            moment.calendar()?;
            cased(if moment.year <= 0 { "B.C." } else { "A.D." }, field.case)
        }
        "AD" | "BC" => {
            moment.calendar()?;
            cased(if moment.year <= 0 { "BC" } else { "AD" }, field.case)
        }
        "MONTH" => {
            moment.calendar()?;
            named(nth(&MONTHS, moment.month - 1), 9, field)
        }
        "MON" => {
            moment.calendar()?;
            cased(nth(&MONTHS, moment.month - 1).get(..3).unwrap_or(""), field.case)
        }
        "RM" => roman_month(moment, field),
        "MM" => padded(moment.month, 2, field),
        "DAY" => named(nth(&DAYS, datetime::day_of_week(moment.calendar()?)), 9, field),
        "DY" => {
            cased(nth(&DAYS, datetime::day_of_week(moment.calendar()?)).get(..3).unwrap_or(""), field.case)
        }
        "D" => (datetime::day_of_week(moment.calendar()?) + 1).to_string(),
        "ID" => match datetime::day_of_week(moment.calendar()?) {
            0 => "7".to_owned(),
            day => day.to_string(),
        },
        "DD" => filled(moment.day, 2, field),
        "DDD" => filled(moment.day_of_year, 3, field),
        "IDDD" => padded(iso_day(moment.calendar()?), 3, field),
        "WW" => padded((moment.day_of_year - 1) / 7 + 1, 2, field),
        "W" => ((moment.day - 1) / 7 + 1).to_string(),
        "IW" => padded(datetime::iso_week(moment.calendar()?).1, 2, field),
        "Q" if moment.month == 0 => String::new(),
        "Q" => ((moment.month - 1) / 3 + 1).to_string(),
        "J" => (moment.days.unwrap_or(moment.day) + JULIAN_EPOCH).to_string(),
        "CC" => padded(century(moment), 2, field),
        "Y,YYY" => {
            let year = moment.shown_year(moment.year);
            format!("{},{:03}", year / 1000, year % 1000)
        }
        "YYYY" => padded(moment.shown_year(moment.year), 4, field),
        "YYY" => padded(moment.shown_year(moment.year) % 1000, 3, field),
        "YY" => padded(moment.shown_year(moment.year) % 100, 2, field),
        "Y" => (moment.shown_year(moment.year) % 10).to_string(),
        "IYYY" => padded(iso_year(moment)?, 4, field),
        "IYY" => padded(iso_year(moment)? % 1000, 3, field),
        "IY" => padded(iso_year(moment)? % 100, 2, field),
        "I" => (iso_year(moment)? % 10).to_string(),
        // `FX` is an option of the picture, not a field.
        _ => String::new(),
    })
}

fn offset(seconds: i64) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let (hours, minutes) = (seconds.abs() / 3600, seconds.abs() % 3600 / 60);
    if minutes == 0 { format!("{sign}{hours:02}") } else { format!("{sign}{hours:02}:{minutes:02}") }
}

fn roman_month(moment: &Moment, field: &Field) -> String {
    // A negative month of an interval counts from the year's end, and no month is the end itself.
    let index = match moment.month {
        0 if moment.year == 0 => return String::new(),
        0 => 11,
        month if month < 0 => 12 + month,
        month => month - 1,
    };
    named(nth(&ROMAN_MONTHS, index), 4, field)
}

fn century(moment: &Moment) -> i64 {
    match (moment.days, moment.year) {
        (None, year) => year / 100,
        (_, year) if year > 0 => (year - 1) / 100 + 1,
        (_, year) => year / 100 - 1,
    }
}

fn iso_year(moment: &Moment) -> Result<i64> {
    Ok(moment.shown_year(datetime::iso_week(moment.calendar()?).0))
}

/// The day in the ISO year, from 1: its weeks begin on Monday.
fn iso_day(days: i64) -> i64 {
    let week = datetime::iso_week(days).1;
    (week - 1) * 7 + (datetime::day_of_week(days) + 6) % 7 + 1
}
