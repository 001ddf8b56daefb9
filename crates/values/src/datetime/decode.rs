//! Dates, times and timestamps from text: what the fields of `tokens` mean together, in the order month-day-year where
//! numbers alone do not tell.

use jiff::tz::TimeZone;

use super::tokens::{Kind, Token, Word, special, tokens};
use super::{
    Clock, DAY_MICROS, INFINITY, MIN_DATE, NEGATIVE_INFINITY, SECOND_MICROS, civil_from_days,
    days_from_civil, days_in_month, is_date, split, timestamp,
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

type Step<T = ()> = std::result::Result<T, Refusal>;

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

const YEAR: u32 = 1;
const MONTH: u32 = 1 << 1;
const DAY: u32 = 1 << 2;
const DATE: u32 = YEAR | MONTH | DAY;
const DAY_OF_YEAR: u32 = 1 << 3;
const TIME: u32 = 1 << 4;
const ZONE: u32 = 1 << 5;
const NOON: u32 = 1 << 6;
const ERA: u32 = 1 << 7;
const WEEKDAY: u32 = 1 << 8;

/// What has been read so far.
#[derive(Default)]
struct Fields {
    /// Bits of the fields that are set
    seen: u32,
    year: i64,
    month: i64,
    day: i64,
    day_of_year: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
    zone: Option<TimeZone>,
    two_digit_year: bool,
    text_month: bool,
    julian: bool,
    before_christ: bool,
    /// `am` is false, `pm` true
    afternoon: Option<bool>,
    constant: Option<i64>,
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
    if prefix.is_some() {
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
        Word::Month(month) => {
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
        Word::Weekday => WEEKDAY,
        _ => return Err(Refusal::BadFormat),
    }))
}

fn finish(mut fields: Fields, time_only: bool) -> Step<Decoded> {
    if let Some(value) = fields.constant {
        return Ok(Decoded::Constant(value));
    }
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
    let complete = if time_only { fields.seen & TIME == TIME } else { fields.seen & DATE == DATE };
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

impl Fields {
    fn constant(&mut self, value: i64) -> u32 {
        self.constant = Some(value);
        DATE | TIME | ZONE
    }

    fn relative_day(&mut self, days: i64, session: &Session) -> Step<u32> {
        let local = zone::to_local(&session.time_zone, session.now).map_err(|_| Refusal::Overflow)?;
        self.set_day(split(local).0 + days);
        Ok(DATE)
    }

    fn set_day(&mut self, days: i64) {
        let date = civil_from_days(days);
        (self.year, self.month, self.day) = (date.year, date.month, date.day);
        self.julian = true;
    }

    fn set_micros(&mut self, micros: i64) {
        // The range is that of one day, whose clock always fits.
        let time = super::clock(micros);
        (self.hour, self.minute, self.second, self.micros) =
            (time.hour, time.minute, time.second, time.micros);
    }

    fn set_clock(&mut self, time: Clock) -> Step {
        if time.hour > 24 || (time.hour == 24 && time.minute + time.second + time.micros > 0) {
            return Err(Refusal::Overflow);
        }
        (self.hour, self.minute, self.second, self.micros) =
            (time.hour, time.minute, time.second, time.micros);
        Ok(())
    }

    /// A day of the Julian count, perhaps with a fraction.
    fn julian_day(&mut self, text: &str) -> Step<u32> {
        let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
        let day = number(whole)?;
        self.set_day(day + MIN_DATE);
        if rest.is_empty() {
            return Ok(DATE);
        }
        let part = fraction(rest).ok_or(Refusal::BadFormat)?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "less than a day")]
        self.set_micros((part * DAY_MICROS as f64) as i64);
        Ok(DATE | TIME)
    }

    /// A date with separators: `2024-01-31`, `1/31/99`, `31-jan-1999`.
    fn date(&mut self, text: &str) -> Step<u32> {
        let mut given = 0;
        let mut text_month = false;
        let parts: Vec<&str> = text
            .split(|c: char| !c.is_ascii_alphanumeric())
            .flat_map(split_letters)
            .filter(|part| !part.is_empty())
            .collect();
        if text.ends_with(|c: char| !c.is_ascii_alphanumeric()) {
            return Err(Refusal::BadFormat);
        }
        let is_word = |part: &str| part.starts_with(|c: char| c.is_ascii_alphabetic());
        for part in parts.iter().filter(|part| is_word(part)) {
            match special(part) {
                Some(Word::Filler) => continue,
                Some(Word::Month(month)) => self.month = month,
                _ => return Err(Refusal::BadFormat),
            }
            text_month = true;
            if (self.seen | given) & MONTH != 0 {
                return Err(Refusal::BadFormat);
            }
            given |= MONTH;
        }
        for part in parts.iter().filter(|part| !is_word(part)) {
            let more = self.number(part, text_month, self.seen | given)?;
            if (self.seen | given) & more != 0 {
                return Err(Refusal::BadFormat);
            }
            given |= more;
        }
        if (self.seen | given) & !(DAY_OF_YEAR | ZONE) != DATE {
            return Err(Refusal::BadFormat);
        }
        Ok(given)
    }

    /// One number, by what is known already: year, month or day, or a time when the date is complete.
    fn number(&mut self, text: &str, text_month: bool, known: u32) -> Step<u32> {
        let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
        let value = number(whole)?;
        if !rest.is_empty() {
            if whole.len() > 2 {
                return self.run_together(text, known | DATE);
            }
            self.micros = fraction_micros(rest)?;
        }
        let long = text.len() >= 3;
        if text.len() == 3 && known & DATE == YEAR && (1..=366).contains(&value) {
            self.day_of_year = value;
            return Ok(DAY_OF_YEAR | MONTH | DAY);
        }
        const NOTHING: u32 = 0;
        const YEAR_MONTH: u32 = YEAR | MONTH;
        const MONTH_DAY: u32 = MONTH | DAY;
        let given = match known & DATE {
            NOTHING if long => YEAR,
            NOTHING => MONTH,
            YEAR | DAY => MONTH,
            MONTH if text_month && long => YEAR,
            MONTH => DAY,
            YEAR_MONTH if text_month && long && self.two_digit_year => {
                // The first number was the day, then: `08-jan-1999`
                self.day = self.year;
                self.year = value;
                self.two_digit_year = false;
                return Ok(DAY);
            }
            YEAR_MONTH => DAY,
            MONTH_DAY => YEAR,
            DATE => return self.run_together(text, known),
            _ => return Err(Refusal::BadFormat),
        };
        match given {
            YEAR => {
                self.year = value;
                self.two_digit_year = text.len() <= 2;
            }
            MONTH => self.month = value,
            _ => self.day = value,
        }
        Ok(given)
    }

    /// Digits without separators: `20240131`, `240131`, `040506.789`, `0405`.
    fn run_together(&mut self, text: &str, known: u32) -> Step<u32> {
        let (digits, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Refusal::BadFormat);
        }
        if !rest.is_empty() {
            self.micros = fraction_micros(rest)?;
        } else if known & DATE != DATE && digits.len() >= 6 {
            let (year, month_day) = digits.split_at(digits.len() - 4);
            let (month, day) = month_day.split_at(2);
            (self.year, self.month, self.day) = (number(year)?, number(month)?, number(day)?);
            self.two_digit_year |= year.len() == 2;
            return Ok(DATE);
        }
        if known & TIME != 0 || !matches!(digits.len(), 4 | 6) {
            return Err(Refusal::BadFormat);
        }
        let (hour, tail) = digits.split_at(2);
        let (minute, second) = tail.split_at(2);
        let time = Clock {
            hour: number(hour)?,
            minute: number(minute)?,
            second: if second.is_empty() { 0 } else { number(second)? },
            micros: self.micros,
        };
        // These are not checked one by one: 24:00:00 is the most, and `finish` refuses what is beyond.
        (self.hour, self.minute, self.second) = (time.hour, time.minute, time.second);
        if time.minute > 59 || time.second > 60 || time.hour > 24 {
            return Err(Refusal::Overflow);
        }
        Ok(TIME)
    }

    fn validate_date(&mut self) -> Step {
        let has = |field: u32| self.seen & field != 0;
        if has(YEAR) && !self.julian {
            if self.before_christ {
                if self.year <= 0 {
                    return Err(Refusal::Overflow);
                }
                self.year = 1 - self.year;
            } else if self.two_digit_year {
                self.year += match self.year {
                    0..70 => 2000,
                    70..100 => 1900,
                    _ => 0,
                };
            } else if self.year <= 0 {
                return Err(Refusal::Overflow);
            }
        }
        let has = |field: u32| self.seen & field != 0;
        if has(DAY_OF_YEAR) {
            let date = civil_from_days(days_from_civil(self.year, 1, 1) + self.day_of_year - 1);
            (self.year, self.month, self.day) = (date.year, date.month, date.day);
        }
        let has = |field: u32| self.seen & field != 0;
        if (has(MONTH) && !(1..=12).contains(&self.month)) || (has(DAY) && !(1..=31).contains(&self.day)) {
            return Err(Refusal::Overflow);
        }
        if self.seen & DATE == DATE && self.day > days_in_month(self.year, self.month) {
            return Err(Refusal::Overflow);
        }
        Ok(())
    }
}

/// Cuts between digits and letters.
fn split_letters(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let letters = first.is_ascii_alphabetic();
        let end = rest.find(|c: char| c.is_ascii_alphabetic() != letters).unwrap_or(rest.len());
        let (part, tail) = rest.split_at(end);
        parts.push(part);
        rest = tail;
    }
    parts
}

/// A whole number in the range of PostgreSQL's `int`.
fn number(text: &str) -> Step<i64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Refusal::BadFormat);
    }
    text.parse::<i32>().map(i64::from).map_err(|_| Refusal::Overflow)
}

/// `.5` as 0.5; a lone point is 0.
pub(crate) fn fraction(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('.')?;
    if digits.is_empty() {
        return Some(0.0);
    }
    if digits.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[allow(clippy::cast_possible_truncation, reason = "at most a second")]
fn fraction_micros(text: &str) -> Step<i64> {
    Ok((fraction(text).ok_or(Refusal::BadFormat)? * 1e6).round_ties_even() as i64)
}

/// `hh:mm`, `hh:mm:ss`, `hh:mm:ss.f`, `mm:ss.f`.
pub(crate) fn clock_text(text: &str) -> Step<Clock> {
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let micros = if rest.is_empty() { 0 } else { fraction_micros(rest)? };
    let part = |text: &str| match text {
        "" => Ok(0),
        text => text.parse::<i64>().map_err(|_| Refusal::Overflow),
    };
    let parts = whole.split(':').map(part).collect::<Step<Vec<i64>>>()?;
    let (hour, minute, second) = match parts.as_slice() {
        [hour, minute] if rest.is_empty() => (*hour, *minute, 0),
        [minute, second] => (0, *minute, *second),
        [hour, minute, second] => (*hour, *minute, *second),
        _ => return Err(Refusal::BadFormat),
    };
    if minute > 59 || second > 60 {
        return Err(Refusal::Overflow);
    }
    Ok(Clock { hour, minute, second, micros })
}

/// The zone of an offset: `+05`, `-05:30`, `+0530`, `+05:30:15`.
fn offset(text: &str) -> Step<TimeZone> {
    let (sign, digits) = match text.split_at_checked(1) {
        Some(("+", digits)) => (1, digits),
        Some(("-", digits)) => (-1, digits),
        _ => return Err(Refusal::BadFormat),
    };
    let parts: Vec<&str> = digits.split(':').collect();
    let displacement = |part: &str| match number(part) {
        Err(Refusal::Overflow) => Err(Refusal::ZoneOverflow),
        read => read,
    };
    let (hours, minutes, seconds) = match parts.as_slice() {
        [run] if run.len() > 2 => {
            let run = displacement(run)?;
            (run / 100, run % 100, 0)
        }
        [hours] => (displacement(hours)?, 0, 0),
        [hours, minutes] => (displacement(hours)?, displacement(minutes)?, 0),
        [hours, minutes, seconds] => (displacement(hours)?, displacement(minutes)?, displacement(seconds)?),
        _ => return Err(Refusal::BadFormat),
    };
    if hours > 15 || minutes > 59 || seconds > 59 {
        return Err(Refusal::ZoneOverflow);
    }
    let east = sign * (hours * 3600 + minutes * 60 + seconds);
    i32::try_from(east).ok().and_then(zone::fixed).ok_or(Refusal::ZoneOverflow)
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
