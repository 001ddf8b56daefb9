//! The fields of a date or time while its text is read: what a number, a date with separators or a time adds to those that
//! are known already. Which part of the text is which is told by `decode`.

use jiff::tz::TimeZone;

use super::decode::{Refusal, Step};
use super::tokens::{Word, special};
use super::{Clock, DAY_MICROS, MIN_DATE, civil_from_days, days_from_civil, days_in_month, split};
use crate::{Session, zone};

pub(super) const YEAR: u32 = 1;
pub(super) const MONTH: u32 = 1 << 1;
pub(super) const DAY: u32 = 1 << 2;
pub(super) const DATE: u32 = YEAR | MONTH | DAY;
pub(super) const DAY_OF_YEAR: u32 = 1 << 3;
pub(super) const TIME: u32 = 1 << 4;
pub(super) const ZONE: u32 = 1 << 5;
pub(super) const NOON: u32 = 1 << 6;
pub(super) const ERA: u32 = 1 << 7;
pub(super) const WEEKDAY: u32 = 1 << 8;
pub(super) const CONSTANT: u32 = 1 << 9;

/// What has been read so far.
#[derive(Default)]
pub(super) struct Fields {
    /// Bits of the fields that are set
    pub(super) seen: u32,
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) day_of_year: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) micros: i64,
    pub(super) zone: Option<TimeZone>,
    pub(super) two_digit_year: bool,
    pub(super) text_month: bool,
    pub(super) julian: bool,
    pub(super) before_christ: bool,
    /// `am` is false, `pm` true
    pub(super) afternoon: Option<bool>,
    pub(super) constant: Option<i64>,
    /// Whether the zone is a name, whose offset depends on the date
    pub(super) named_zone: bool,
}

impl Fields {
    pub(super) fn constant(&mut self, value: i64) -> u32 {
        self.constant = Some(value);
        CONSTANT
    }

    pub(super) fn relative_day(&mut self, days: i64, session: &Session) -> Step<u32> {
        let local = zone::to_local(&session.time_zone, session.now).map_err(|_| Refusal::Overflow)?;
        self.set_day(split(local).0 + days);
        Ok(DATE)
    }

    pub(super) fn set_day(&mut self, days: i64) {
        let date = civil_from_days(days);
        (self.year, self.month, self.day) = (date.year, date.month, date.day);
        self.julian = true;
    }

    pub(super) fn set_micros(&mut self, micros: i64) {
        // The range is that of one day, whose clock always fits.
        let time = super::clock(micros);
        (self.hour, self.minute, self.second, self.micros) =
            (time.hour, time.minute, time.second, time.micros);
    }

    pub(super) fn set_clock(&mut self, time: Clock) -> Step {
        if time.hour > 24 || (time.hour == 24 && time.minute + time.second + time.micros > 0) {
            return Err(Refusal::Overflow);
        }
        (self.hour, self.minute, self.second, self.micros) =
            (time.hour, time.minute, time.second, time.micros);
        Ok(())
    }

    /// A day of the Julian count, perhaps with a fraction.
    pub(super) fn julian_day(&mut self, text: &str) -> Step<u32> {
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
    pub(super) fn date(&mut self, text: &str) -> Step<u32> {
        let mut given = 0;
        let mut text_month = false;
        let parts: Vec<&str> =
            text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()).collect();
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
    pub(super) fn number(&mut self, text: &str, text_month: bool, known: u32) -> Step<u32> {
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
    pub(super) fn run_together(&mut self, text: &str, known: u32) -> Step<u32> {
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

    pub(super) fn validate_date(&mut self) -> Step {
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
    // A sign may stand inside a token that began with one: `+05:-2`.
    if hour < 0 || !(0..=59).contains(&minute) || !(0..=60).contains(&second) {
        return Err(Refusal::Overflow);
    }
    Ok(Clock { hour, minute, second, micros })
}

/// The zone of an offset: `+05`, `-05:30`, `+0530`, `+05:30:15`.
pub(super) fn offset(text: &str) -> Step<TimeZone> {
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
