//! Dates, times and timestamps from text: what the fields of `tokens` mean together, in the order month-day-year where
//! numbers alone do not tell.

use jiff::tz::TimeZone;

use super::fields::{DATE, DAY, ERA, Fields, MONTH, NOON, TIME, WEEKDAY, ZONE, clock_text, offset};
use super::tokens::{Kind, Token, Word, special, tokens};
use super::{
    DAY_MICROS, INFINITY, NEGATIVE_INFINITY, SECOND_MICROS, days_from_civil, is_date, split, timestamp,
};
use crate::{Result, Session, ValueError, zone};

/// Why a text is not a date, time or interval.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// 22007
    BadFormat,
    /// 22008
    Overflow,
    /// 22009
    ZoneOverflow,
    /// 22023
    UnknownZone(String),
}

impl Refusal {
    pub(crate) fn into_error(self, text: &str, ty: &str) -> ValueError {
        match self {
            Refusal::BadFormat => {
                ValueError::new("22007", format!("invalid input syntax for type {ty}: \"{text}\""))
            }
            Refusal::Overflow => {
                ValueError::new("22008", format!("date/time field value out of range: \"{text}\""))
            }
            Refusal::ZoneOverflow => {
                ValueError::new("22009", format!("time zone displacement out of range: \"{text}\""))
            }
            Refusal::UnknownZone(name) => {
                ValueError::new("22023", format!("time zone \"{name}\" not recognized"))
            }
        }
    }
}

pub(crate) type Step<T = ()> = std::result::Result<T, Refusal>;

/// Reads a date.
pub(crate) fn date(text: &str, session: &Session) -> Result<i64> {
    let out_of_range = || ValueError::new("22008", format!("date out of range: \"{text}\""));
    let days = match decode(text, session, false).map_err(|refusal| refusal.into_error(text, "date"))? {
        Decoded::Constant(0) => 0,
        Decoded::Constant(infinity) => return Ok(infinity),
        Decoded::Fields { days, .. } => days,
    };
    if is_date(days) { Ok(days) } else { Err(out_of_range()) }
}

/// Reads a time of day; a date or zone beside it is ignored.
pub(crate) fn time(text: &str, session: &Session) -> Result<i64> {
    const TYPE: &str = "time";
    match decode(text, session, true).map_err(|refusal| refusal.into_error(text, TYPE))? {
        Decoded::Fields { micros, .. } => Ok(micros),
        Decoded::Constant(_) => Err(Refusal::BadFormat.into_error(text, TYPE)),
    }
}

/// Reads a timestamp; a zone is ignored.
pub(crate) fn timestamp_text(text: &str, session: &Session) -> Result<i64> {
    match decode(text, session, false).map_err(|refusal| refusal.into_error(text, "timestamp"))? {
        Decoded::Constant(value) => Ok(value),
        Decoded::Fields { days, micros, .. } => timestamp(days, micros).map_err(|_| timestamp_range(text)),
    }
}

/// Reads a timestamptz; without a zone it is in the session's.
pub(crate) fn timestamptz_text(text: &str, session: &Session) -> Result<i64> {
    const TYPE: &str = "timestamp with time zone";
    match decode(text, session, false).map_err(|refusal| refusal.into_error(text, TYPE))? {
        Decoded::Constant(value) => Ok(value),
        Decoded::Fields { days, micros, zone } => {
            // A local time near the ends of the range may have an instant outside of it, and the reverse.
            let local = days.checked_mul(DAY_MICROS).and_then(|midnight| midnight.checked_add(micros));
            local
                .and_then(|local| zone::to_instant(zone.as_ref().unwrap_or(&session.time_zone), local).ok())
                .ok_or_else(|| timestamp_range(text))
        }
    }
}

fn timestamp_range(text: &str) -> ValueError {
    ValueError::new("22008", format!("timestamp out of range: \"{text}\""))
}

enum Decoded {
    /// The epoch (0) or an infinity
    Constant(i64),
    Fields {
        days: i64,
        micros: i64,
        zone: Option<TimeZone>,
    },
}

/// What the word before a number says that the number is.
#[derive(Clone, Copy, PartialEq)]
enum Prefix {
    Julian,
    Time,
    Other,
}

fn decode(text: &str, session: &Session, time_only: bool) -> Step<Decoded> {
    let tokens = tokens(text).ok_or(Refusal::BadFormat)?;
    let mut fields = Fields::default();
    let mut prefix = None;
    for (index, token) in tokens.iter().enumerate() {
        let given = match token.kind {
            Kind::Date => date_token(&mut fields, &tokens, index, prefix.take(), time_only)?,
            Kind::Time => {
                if prefix.take().is_some_and(|prefix| prefix != Prefix::Time) {
                    return Err(Refusal::BadFormat);
                }
                fields.set_clock(clock_text(&token.text)?)?;
                TIME
            }
            Kind::Zone => {
                fields.zone = Some(offset(&token.text)?);
                ZONE
            }
            Kind::Number => match prefix.take() {
                Some(Prefix::Julian) => fields.julian_day(&token.text)?,
                Some(Prefix::Time) => match fields.run_together(&token.text, fields.seen | DATE)? {
                    TIME => TIME,
                    _ => return Err(Refusal::BadFormat),
                },
                Some(Prefix::Other) => return Err(Refusal::BadFormat),
                None => number_token(&mut fields, &tokens, index, time_only)?,
            },
            Kind::Word | Kind::Special => {
                match word_token(&mut fields, &token.text, session, &mut prefix, time_only)? {
                    Some(given) => given,
                    None => continue,
                }
            }
        };
        if given & fields.seen != 0 {
            return Err(Refusal::BadFormat);
        }
        fields.seen |= given;
    }
    // A lone unit at the end is ignored, but a time must follow its mark.
    if prefix == Some(Prefix::Time) {
        return Err(Refusal::BadFormat);
    }
    finish(fields, time_only)
}

fn date_token(
    fields: &mut Fields,
    tokens: &[Token],
    index: usize,
    prefix: Option<Prefix>,
    time_only: bool,
) -> Step<u32> {
    let Some(token) = tokens.get(index) else { return Err(Refusal::BadFormat) };
    let text = token.text.as_str();
    let digit = text.starts_with(|c: char| c.is_ascii_digit());
    let date_may_come = if time_only {
        index == 0
            && tokens.len() >= 2
            && (tokens.last().is_some_and(|last| last.kind == Kind::Date)
                || tokens.get(1).is_some_and(|next| next.kind == Kind::Time))
    } else {
        fields.seen & (MONTH | DAY) != MONTH | DAY
    };
    match prefix {
        Some(Prefix::Julian) => {
            // A day number with a zone: `j2451187-8`
            let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            let (number, zone) = text.split_at(end);
            let given = fields.julian_day(number)?;
            fields.zone = Some(offset(zone)?);
            return Ok(given | TIME | ZONE);
        }
        None if date_may_come => return fields.date(text),
        None if !digit => {
            let found = zone::named(text).ok_or_else(|| Refusal::UnknownZone(text.to_owned()))?;
            fields.zone = Some(found);
            fields.named_zone = true;
            return Ok(ZONE);
        }
        None | Some(Prefix::Time) => {}
        Some(Prefix::Other) => return Err(Refusal::BadFormat),
    }
    // A run-together time with a zone: `040506-08`
    if fields.seen & TIME != 0 {
        return Err(Refusal::BadFormat);
    }
    let (time, zone) = text.split_at(text.find('-').ok_or(Refusal::BadFormat)?);
    fields.zone = Some(offset(zone)?);
    let known = if time_only { fields.seen | DATE } else { fields.seen };
    Ok(fields.run_together(time, known)? | ZONE)
}

fn number_token(fields: &mut Fields, tokens: &[Token], index: usize, time_only: bool) -> Step<u32> {
    let Some(token) = tokens.get(index) else { return Err(Refusal::BadFormat) };
    let text = token.text.as_str();
    let point = text.find('.');
    if time_only {
        let known = fields.seen | DATE;
        return match point {
            Some(_)
                if index == 0
                    && tokens.len() >= 2
                    && tokens.last().is_some_and(|last| last.kind == Kind::Date) =>
            {
                fields.date(text)
            }
            Some(at) if at > 2 => fields.run_together(text, known),
            Some(_) => Err(Refusal::BadFormat),
            None if text.len() > 4 => fields.run_together(text, known),
            None => fields.number(text, false, known),
        };
    }
    match point {
        Some(_) if fields.seen & DATE == 0 => fields.date(text),
        Some(at) if at > 2 => fields.run_together(text, fields.seen),
        // Six digits or more are a date or a time, unless both are there already; five are a year.
        _ if text.len() >= 6 && (fields.seen & DATE == 0 || fields.seen & TIME == 0) => {
            fields.run_together(text, fields.seen)
        }
        _ => fields.number(text, fields.text_month, fields.seen),
    }
}

/// The fields that a word sets; `None` where it sets none.
fn word_token(
    fields: &mut Fields,
    text: &str,
    session: &Session,
    prefix: &mut Option<Prefix>,
    time_only: bool,
) -> Step<Option<u32>> {
    // Abbreviations of zones come before other words.
    if let Some(found) = zone::abbreviation(text) {
        fields.zone = Some(found);
        return Ok(Some(ZONE));
    }
    let Some(word) = special(text) else {
        fields.zone = Some(zone::named(text).ok_or(Refusal::BadFormat)?);
        fields.named_zone = true;
        return Ok(Some(ZONE));
    };
    let in_date = !time_only;
    let mark = match word {
        Word::Filler => return Ok(None),
        Word::Unit => Some(Prefix::Other),
        Word::Julian => Some(Prefix::Julian),
        // A time follows a date, unless there is none at all.
        Word::TimeMark if in_date && fields.seen & DATE != DATE => return Err(Refusal::BadFormat),
        Word::TimeMark => Some(Prefix::Time),
        _ => None,
    };
    if mark.is_some() {
        if prefix.is_some() {
            return Err(Refusal::BadFormat);
        }
        *prefix = mark;
        return Ok(None);
    }
    Ok(Some(match word {
        Word::Now => {
            let local = zone::to_local(&session.time_zone, session.now).map_err(|_| Refusal::Overflow)?;
            let (days, micros) = split(local);
            fields.set_day(days);
            fields.set_micros(micros);
            fields.zone = zone::fixed(zone::offset_at(&session.time_zone, session.now));
            DATE | TIME | ZONE
        }
        Word::AllBalls => {
            fields.set_micros(0);
            fields.zone = Some(TimeZone::UTC);
            TIME | ZONE
        }
        Word::Yesterday if in_date => fields.relative_day(-1, session)?,
        Word::Today if in_date => fields.relative_day(0, session)?,
        Word::Tomorrow if in_date => fields.relative_day(1, session)?,
        Word::Epoch if in_date => fields.constant(0),
        Word::Infinity if in_date => fields.constant(INFINITY),
        Word::NegativeInfinity if in_date => fields.constant(NEGATIVE_INFINITY),
        Word::Month(month) if in_date => {
            // A number before the month's name was the day, not the month.
            let swap = fields.seen & (MONTH | DAY) == MONTH
                && !fields.text_month
                && (1..=31).contains(&fields.month);
            if swap {
                fields.day = fields.month;
            }
            fields.text_month = true;
            fields.month = month;
            if swap { DAY } else { MONTH }
        }
        Word::Am | Word::Pm => {
            fields.afternoon = Some(word == Word::Pm);
            NOON
        }
        Word::Ad | Word::Bc => {
            fields.before_christ = word == Word::Bc;
            ERA
        }
        Word::Weekday if in_date => WEEKDAY,
        _ => return Err(Refusal::BadFormat),
    }))
}

fn finish(mut fields: Fields, time_only: bool) -> Step<Decoded> {
    fields.validate_date()?;
    let afternoon = fields.afternoon;
    if afternoon.is_some() && fields.hour > 12 {
        return Err(Refusal::Overflow);
    }
    match afternoon {
        Some(false) if fields.hour == 12 => fields.hour = 0,
        Some(true) if fields.hour != 12 => fields.hour += 12,
        _ => {}
    }
    if let Some(value) = fields.constant {
        return Ok(Decoded::Constant(value));
    }
    let has_date = fields.seen & DATE == DATE;
    let complete =
        if time_only { fields.seen & TIME != 0 && (has_date || !fields.named_zone) } else { has_date };
    if !complete {
        return Err(Refusal::BadFormat);
    }
    let seconds = fields.hour * 3600 + fields.minute * 60 + fields.second;
    let micros = seconds * SECOND_MICROS + fields.micros;
    if micros > DAY_MICROS {
        return Err(Refusal::Overflow);
    }
    let days = if time_only { 0 } else { days_from_civil(fields.year, fields.month, fields.day) };
    Ok(Decoded::Fields { days, micros, zone: fields.zone })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        Session { time_zone: TimeZone::UTC, now: days_from_civil(2024, 5, 6) * DAY_MICROS + 3_600_000_000 }
    }

    #[test]
    fn reads_dates() {
        for (text, expected) in [
            ("2024-01-31", Ok((2024, 1, 31))),
            ("20240131", Ok((2024, 1, 31))),
            ("Jan 8, 1999", Ok((1999, 1, 8))),
            ("1999-Jan-08", Ok((1999, 1, 8))),
            ("08-Jan-1999", Ok((1999, 1, 8))),
            ("8 January 99", Ok((1999, 1, 8))),
            ("1/18/1999", Ok((1999, 1, 18))),
            ("1999.008", Ok((1999, 1, 8))),
            ("J2451187", Ok((1999, 1, 8))),
            ("January 8, 99 BC", Ok((-98, 1, 8))),
            ("tomorrow", Ok((2024, 5, 7))),
            ("epoch", Ok((1970, 1, 1))),
            ("2024-02-29 25:00", Err("22008")),
            ("2023-02-29", Err("22008")),
            ("18/1/1999", Err("22008")),
            ("0000-01-01", Err("22008")),
            ("9999999-01-01", Err("22008")),
            ("2024-13-01", Err("22008")),
            ("2024-01", Err("22007")),
            ("hello", Err("22007")),
            ("", Err("22007")),
        ] {
            let read = date(text, &session()).map_err(|e| e.code);
            assert_eq!(read, expected.map(|(y, m, d)| days_from_civil(y, m, d)), "{text}");
        }
    }

    #[test]
    fn reads_times() {
        for (text, expected) in [
            ("04:05:06.789", Ok(14_706_789_000)),
            ("04:05", Ok(14_700_000_000)),
            ("040506", Ok(14_706_000_000)),
            ("0405", Ok(14_700_000_000)),
            ("04:05 PM", Ok(57_900_000_000)),
            ("24:00", Ok(DAY_MICROS)),
            ("2024-01-01 04:05", Ok(14_700_000_000)),
            ("04:05:06-08", Ok(14_706_000_000)),
            ("24:00:01", Err("22008")),
            ("13:00 PM", Err("22008")),
            ("10:60", Err("22008")),
            ("10", Err("22007")),
        ] {
            assert_eq!(time(text, &session()).map_err(|e| e.code), expected, "{text}");
        }
    }

    #[test]
    fn reads_timestamps() {
        let at = |y, m, d, seconds: i64| days_from_civil(y, m, d) * DAY_MICROS + seconds * SECOND_MICROS;
        for (text, expected) in [
            ("2024-01-31T10:00:00Z", Ok(at(2024, 1, 31, 36_000))),
            ("2024-01-31 10:00:00+02", Ok(at(2024, 1, 31, 28_800))),
            ("2024-01-31 10:00:00 +0230", Ok(at(2024, 1, 31, 27_000))),
            ("2024-01-31 10:00 Europe/Berlin", Ok(at(2024, 1, 31, 32_400))),
            ("Wed Jan 31 10:00:00 2024 EST", Ok(at(2024, 1, 31, 54_000))),
            ("20240131T100000Z", Ok(at(2024, 1, 31, 36_000))),
            ("now", Ok(session().now)),
            ("-infinity", Ok(i64::MIN)),
            ("2024-01-31 10:00 Mars/Base", Err("22023")),
            ("2024-01-31 10:00 FOO", Err("22007")),
            ("2024-01-31 10:00+16", Err("22009")),
            ("10:00", Err("22007")),
            ("294300-01-01", Err("22008")),
        ] {
            assert_eq!(timestamptz_text(text, &session()).map_err(|e| e.code), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "\\PC*", likely in "[0-9a-zA-Z]{0,8}[-/. T:]?[0-9:.]{0,9}[ T]?[-+0-9:.a-zA-Z/]{0,12}") {
            for text in [text, likely] {
                let _ = (date(&text, &session()), time(&text, &session()));
                let _ = (timestamp_text(&text, &session()), timestamptz_text(&text, &session()));
            }
        }
    }
}
