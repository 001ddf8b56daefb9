//! The forms in which an interval may be written: `1 day 02:03`, `1-2`, `@ 3 weeks ago`, and ISO 8601's `P1Y2M3DT4H`.

use super::{Interval, out_of_range, to_i64};
use crate::datetime::decode::Refusal;
use crate::datetime::fields::{clock_text, fraction};
use crate::datetime::tokens::{Kind, Token, tokens};
use crate::datetime::units::{Unit, unit};
use crate::datetime::{DAY_MICROS, SECOND_MICROS};
use crate::{Result, ValueError};

const MINUTE_MICROS: i64 = 60 * SECOND_MICROS;
const HOUR_MICROS: i64 = 60 * MINUTE_MICROS;

/// The fields as they are collected.
#[derive(Default)]
struct Sum {
    years: i32,
    months: i32,
    days: i32,
    micros: i64,
}

type Step<T = ()> = std::result::Result<T, Refusal>;

pub(super) fn parse(text: &str) -> Result<Interval> {
    let read = match verbose(text) {
        Err(Refusal::BadFormat) => iso(text),
        read => read,
    };
    let sum = read.map_err(|refusal| match refusal {
        Refusal::Overflow => {
            ValueError::new("22015", format!("interval field value out of range: \"{text}\""))
        }
        refusal => refusal.into_error(text, "interval"),
    })?;
    let months = sum.years.checked_mul(12).and_then(|months| months.checked_add(sum.months));
    let months = months.ok_or_else(out_of_range)?;
    Ok(Interval { months, days: sum.days, micros: sum.micros })
}

/// PostgreSQL's and SQL's forms, read from the end so that units come before their numbers.
fn verbose(text: &str) -> Step<Sum> {
    let tokens = tokens(text).ok_or(Refusal::BadFormat)?;
    let mut sum = Sum::default();
    let mut ago = false;
    // The unit of the next number; seconds for one without.
    let mut next = Some(Unit::Second);
    let mut seen = 0_u32;
    for Token { kind, text } in tokens.iter().rev() {
        let mask = match kind {
            Kind::Time => {
                sum.micros = time(text)?;
                next = Some(Unit::Day);
                TIME
            }
            Kind::Zone if text.contains(':') && time(text.get(1..).unwrap_or_default()).is_ok() => {
                let micros = time(text.get(1..).unwrap_or_default())?;
                sum.micros = if text.starts_with('-') { -micros } else { micros };
                next = Some(Unit::Day);
                TIME
            }
            Kind::Zone | Kind::Date | Kind::Number => {
                let unit = next.ok_or(Refusal::BadFormat)?;
                let (value, rest, unit) = number(text, unit)?;
                sum.add(unit, value, rest)?;
                next = Some(if unit == Unit::Hour { Unit::Day } else { unit });
                match unit {
                    Unit::Second if rest != 0.0 => SECONDS,
                    unit => bit(unit),
                }
            }
            Kind::Word | Kind::Special if text == "ago" => {
                ago = true;
                next = None;
                0
            }
            Kind::Word | Kind::Special => {
                next = Some(unit(text).ok_or(Refusal::BadFormat)?);
                0
            }
        };
        if mask & seen != 0 {
            return Err(Refusal::BadFormat);
        }
        seen |= mask;
    }
    if seen == 0 {
        return Err(Refusal::BadFormat);
    }
    if ago { sum.negated() } else { Ok(sum) }
}

const SECONDS: u32 = 1 << 8 | 1 << 9 | 1 << 10;
const TIME: u32 = SECONDS | 1 << 6 | 1 << 7;

/// Each unit may occur once.
fn bit(unit: Unit) -> u32 {
    match unit {
        Unit::Year => 1,
        Unit::Month => 1 << 1,
        Unit::Day => 1 << 2,
        Unit::Week => 1 << 3,
        Unit::Decade => 1 << 4,
        Unit::Century => 1 << 5,
        Unit::Hour => 1 << 6,
        Unit::Minute => 1 << 7,
        Unit::Second => 1 << 8,
        Unit::Millisecond => 1 << 9,
        Unit::Microsecond => 1 << 10,
        _ => 1 << 11,
    }
}

/// A number with its fraction, or `years-months`, which decides its unit itself.
fn number(text: &str, unit: Unit) -> Step<(i64, f64, Unit)> {
    let negative = text.starts_with('-');
    let start = usize::from(text.starts_with(['+', '-']));
    let unsigned = text.get(start..).unwrap_or_default();
    let digits = unsigned.find(|c: char| !c.is_ascii_digit()).unwrap_or(unsigned.len());
    let (whole, after) = unsigned.split_at(digits);
    let sign = if negative { -1 } else { 1 };
    let value = match whole {
        "" => 0,
        whole => format!("{}{whole}", if negative { "-" } else { "" })
            .parse::<i64>()
            .map_err(|_| Refusal::Overflow)?,
    };
    if let Some(months) = after.strip_prefix('-') {
        if !months.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Refusal::BadFormat);
        }
        let months = if months.is_empty() { Ok(0) } else { months.parse::<i64>() };
        let months = months.ok().filter(|months| *months < 12).ok_or(Refusal::Overflow)?;
        let total = value.checked_mul(12).and_then(|years| years.checked_add(sign * months));
        return Ok((total.ok_or(Refusal::Overflow)?, 0.0, Unit::Month));
    }
    if after.is_empty() {
        return if whole.is_empty() { Err(Refusal::BadFormat) } else { Ok((value, 0.0, unit)) };
    }
    let rest = fraction(after).ok_or(Refusal::BadFormat)?;
    Ok((value, if negative { -rest } else { rest }, unit))
}

/// `hh:mm`, `hh:mm:ss.f` or `mm:ss.f` in microseconds.
fn time(text: &str) -> Step<i64> {
    let time = clock_text(text)?;
    time.hour
        .checked_mul(HOUR_MICROS)
        .and_then(|hours| {
            hours.checked_add(time.minute * MINUTE_MICROS + time.second * SECOND_MICROS + time.micros)
        })
        .ok_or(Refusal::Overflow)
}

impl Sum {
    fn add(&mut self, unit: Unit, value: i64, rest: f64) -> Step {
        match unit {
            Unit::Microsecond => self.add_micros(value, rest, 1),
            Unit::Millisecond => self.add_micros(value, rest, 1000),
            Unit::Second => self.add_micros(value, rest, SECOND_MICROS),
            Unit::Minute => self.add_micros(value, rest, MINUTE_MICROS),
            Unit::Hour => self.add_micros(value, rest, HOUR_MICROS),
            Unit::Day => {
                self.add_days(value, 1)?;
                self.add_micros(0, rest, DAY_MICROS)
            }
            Unit::Week => {
                self.add_days(value, 7)?;
                self.add_day_fraction(rest * 7.0)
            }
            Unit::Month => {
                self.months = plus(self.months, value, 1)?;
                self.add_day_fraction(rest * 30.0)
            }
            Unit::Year => self.add_years(value, rest, 1),
            Unit::Decade => self.add_years(value, rest, 10),
            Unit::Century => self.add_years(value, rest, 100),
            Unit::Millennium => self.add_years(value, rest, 1000),
            _ => Err(Refusal::BadFormat),
        }
    }

    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a fraction of a known unit"
    )]
    fn add_micros(&mut self, value: i64, rest: f64, scale: i64) -> Step {
        let rest = rest * scale as f64;
        let mut micros = rest as i64;
        // Half a microsecond is dropped, more is rounded up.
        let beyond = rest - micros as f64;
        if beyond > 0.5 {
            micros += 1;
        } else if beyond < -0.5 {
            micros -= 1;
        }
        let sum = value.checked_mul(scale).and_then(|value| self.micros.checked_add(value));
        self.micros = sum.and_then(|sum| sum.checked_add(micros)).ok_or(Refusal::Overflow)?;
        Ok(())
    }

    fn add_days(&mut self, value: i64, scale: i32) -> Step {
        self.days = plus(self.days, value, scale)?;
        Ok(())
    }

    #[allow(clippy::cast_possible_truncation, reason = "less than a month")]
    fn add_day_fraction(&mut self, days: f64) -> Step {
        self.add_days(days as i64, 1)?;
        self.add_micros(0, days.fract(), DAY_MICROS)
    }

    #[allow(clippy::cast_possible_truncation, reason = "less than a millennium")]
    fn add_years(&mut self, value: i64, rest: f64, scale: i32) -> Step {
        self.years = plus(self.years, value, scale)?;
        let months = (rest * f64::from(scale) * 12.0).round_ties_even() as i64;
        self.months = plus(self.months, months, 1)?;
        Ok(())
    }

    fn negated(self) -> Step<Sum> {
        let negate = |value: i32| value.checked_neg().ok_or(Refusal::Overflow);
        Ok(Sum {
            years: negate(self.years)?,
            months: negate(self.months)?,
            days: negate(self.days)?,
            micros: self.micros.checked_neg().ok_or(Refusal::Overflow)?,
        })
    }
}

fn plus(field: i32, value: i64, scale: i32) -> Step<i32> {
    i32::try_from(value)
        .ok()
        .and_then(|value| value.checked_mul(scale))
        .and_then(|value| field.checked_add(value))
        .ok_or(Refusal::Overflow)
}

/// ISO 8601's durations, with units or in its alternative forms (`P0001-02-03T04:05:06`, `P00010203T040506`).
fn iso(text: &str) -> Step<Sum> {
    let mut rest = text.strip_prefix('P').filter(|rest| !rest.is_empty()).ok_or(Refusal::BadFormat)?;
    let mut sum = Sum::default();
    let mut in_date = true;
    // Whether a field with a unit came before, in this half.
    let mut has_field = false;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('T') {
            (in_date, has_field, rest) = (false, false, after);
            continue;
        }
        let (value, fraction, width, after) = iso_number(rest)?;
        let mark = after.chars().next();
        let unit = match (in_date, mark) {
            (true, Some('Y')) => Unit::Year,
            (true, Some('M')) => Unit::Month,
            (true, Some('W')) => Unit::Week,
            (true, Some('D')) => Unit::Day,
            (false, Some('H')) => Unit::Hour,
            (false, Some('M')) => Unit::Minute,
            (false, Some('S')) => Unit::Second,
            (true, None | Some('T')) if width == 8 && !has_field => {
                sum.add(Unit::Year, value / 10_000, 0.0)?;
                sum.add(Unit::Month, value / 100 % 100, 0.0)?;
                sum.add(Unit::Day, value % 100, fraction)?;
                rest = after;
                continue;
            }
            (false, None) if width == 6 && !has_field => {
                sum.add(Unit::Hour, value / 10_000, 0.0)?;
                sum.add(Unit::Minute, value / 100 % 100, 0.0)?;
                sum.add(Unit::Second, value % 100, fraction)?;
                return Ok(sum);
            }
            (true, None | Some('T' | '-')) if !has_field => {
                rest = iso_fields(rest, '-', &[Unit::Year, Unit::Month, Unit::Day], &mut sum)?;
                if !rest.is_empty() && !rest.starts_with('T') {
                    return Err(Refusal::BadFormat);
                }
                continue;
            }
            (false, None | Some(':')) if !has_field => {
                rest = iso_fields(rest, ':', &[Unit::Hour, Unit::Minute, Unit::Second], &mut sum)?;
                return if rest.is_empty() { Ok(sum) } else { Err(Refusal::BadFormat) };
            }
            _ => return Err(Refusal::BadFormat),
        };
        sum.add(unit, value, fraction)?;
        has_field = true;
        rest = after.get(1..).unwrap_or_default();
    }
    Ok(sum)
}

/// Up to three numbers with a separator; gives what follows.
fn iso_fields<'a>(text: &'a str, separator: char, units: &[Unit], sum: &mut Sum) -> Step<&'a str> {
    let mut rest = text;
    for (index, unit) in units.iter().enumerate() {
        let (value, fraction, _, after) = iso_number(rest)?;
        sum.add(*unit, value, fraction)?;
        match after.strip_prefix(separator) {
            Some(next) if index + 1 < units.len() => rest = next,
            _ => return Ok(after),
        }
    }
    Ok(rest)
}

/// A number: its whole part, its fraction, the width of its whole part, and what follows.
fn iso_number(text: &str) -> Step<(i64, f64, usize, &str)> {
    let start = usize::from(text.starts_with('-'));
    let unsigned = text.get(start..).unwrap_or_default();
    let length = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, after) = text.split_at_checked(start + length).ok_or(Refusal::BadFormat)?;
    let value: f64 = number.parse().map_err(|_| Refusal::BadFormat)?;
    if value.abs() > 1e15 {
        return Err(Refusal::Overflow);
    }
    let whole = to_i64(value.trunc()).ok_or(Refusal::Overflow)?;
    let width = unsigned.find(|c: char| !c.is_ascii_digit()).unwrap_or(unsigned.len());
    Ok((whole, value.fract(), width, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads() {
        for (text, expected) in [
            ("1 day 02:03", "1 day 02:03:00"),
            ("1-2", "1 year 2 mons"),
            ("-1-2 +3 -4:05:06", "-1 years -2 mons +3 days -04:05:06"),
            ("@ 1 year 2 mons ago", "-1 years -2 mons"),
            ("1.5 weeks", "10 days 12:00:00"),
            ("2 decades 1 century", "120 years"),
            ("P1Y2M3DT4H5M6.5S", "1 year 2 mons 3 days 04:05:06.5"),
            ("P0001-02-03T04:05:06", "1 year 2 mons 3 days 04:05:06"),
            ("P00010203T040506", "1 year 2 mons 3 days 04:05:06"),
            ("PT-1.5H", "-01:30:00"),
            ("30", "00:00:30"),
            ("1.5", "00:00:01.5"),
            ("1 12:00", "1 day 12:00:00"),
            ("0.5 month", "15 days"),
            ("1.23456789 seconds", "00:00:01.234568"),
        ] {
            assert_eq!(parse(text).map(|i| i.to_string()), Ok(expected.to_owned()), "{text}");
        }
        for (text, code) in [
            ("", "22007"),
            ("foo", "22007"),
            ("1 day 1 day", "22007"),
            ("1 quarter", "22007"),
            ("P", "22007"),
            ("P1Y2", "22007"),
            ("999999999999 days", "22015"),
            ("200000000 years", "22008"),
            ("99999999999999999999", "22015"),
            ("Y33+05:-234235333133$3533333333", "22007"),
            ("05:-1:00", "22007"),
            ("+05:-9223372036854775808", "22007"),
            ("5:234235333133", "22015"),
        ] {
            assert_eq!(parse(text).map_err(|e| e.code).err(), Some(code), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "\\PC*", likely in "[-+]?P?[0-9]{0,4}[-:. TYMWDHS0-9a-z]{0,20}") {
            let _ = (parse(&text), parse(&likely));
        }
    }
}
