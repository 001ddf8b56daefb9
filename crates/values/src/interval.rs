//! Intervals: their three fields, their text, and arithmetic among themselves. Reading text is in `interval/parse.rs`; adding
//! them to dates is in `datetime`.

mod parse;

use std::cmp::Ordering;
use std::fmt;

use crate::datetime::{DAY_MICROS, clock, round_to};
use crate::{Result, ValueError};

const MONTH_DAYS: i32 = 30;

/// A span of time in the three units that PostgreSQL keeps apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Interval {
    /// Months (twelve to the year)
    pub months: i32,
    /// Days
    pub days: i32,
    /// Microseconds
    pub micros: i64,
}

impl Interval {
    /// Reads any form that PostgreSQL accepts. Errors: 22007, 22008, 22015.
    pub fn parse(text: &str) -> Result<Interval> {
        parse::parse(text)
    }

    /// Orders by length, 30 days to the month and 24 hours to the day.
    pub fn compare(&self, other: &Interval) -> Ordering {
        self.length().cmp(&other.length())
    }

    /// The length in microseconds that intervals are compared by.
    fn length(&self) -> i128 {
        let days = i128::from(self.months) * i128::from(MONTH_DAYS) + i128::from(self.days);
        days * i128::from(DAY_MICROS) + i128::from(self.micros)
    }

    /// `-interval`. Error: 22008.
    pub fn negated(self) -> Result<Interval> {
        Interval::default().minus(self)
    }

    /// `interval + interval`, field by field. Error: 22008.
    pub fn plus(self, other: Interval) -> Result<Interval> {
        checked(
            self.months.checked_add(other.months),
            self.days.checked_add(other.days),
            self.micros.checked_add(other.micros),
        )
    }

    /// `interval - interval`, field by field. Error: 22008.
    pub fn minus(self, other: Interval) -> Result<Interval> {
        checked(
            self.months.checked_sub(other.months),
            self.days.checked_sub(other.days),
            self.micros.checked_sub(other.micros),
        )
    }

    /// `interval * double precision`: fractions of months become days, fractions of days time. Error: 22008.
    pub fn times(self, factor: f64) -> Result<Interval> {
        self.scaled(|value| value * factor)
    }

    /// `interval / double precision`. Errors: 22012, 22008.
    pub fn divided_by(self, divisor: f64) -> Result<Interval> {
        if divisor == 0.0 {
            return Err(ValueError::new("22012", "division by zero"));
        }
        self.scaled(|value| value / divisor)
    }

    #[allow(clippy::cast_precision_loss, reason = "PostgreSQL computes this in double precision")]
    fn scaled(self, scale: impl Fn(f64) -> f64) -> Result<Interval> {
        let (months, month_fraction) = whole_and_rest(scale(f64::from(self.months)))?;
        let (mut days, day_fraction) = whole_and_rest(scale(f64::from(self.days)))?;
        let month_days = to_micros_precision(month_fraction * f64::from(MONTH_DAYS));
        let day_seconds = 86_400.0;
        let mut seconds = to_micros_precision((day_fraction + month_days - month_days.trunc()) * day_seconds);
        if seconds.abs() >= day_seconds {
            let (carried, _) = whole_and_rest(seconds / day_seconds)?;
            days = days.checked_add(carried).ok_or_else(out_of_range)?;
            seconds -= f64::from(carried) * day_seconds;
        }
        let (carried, _) = whole_and_rest(month_days)?;
        let days = days.checked_add(carried).ok_or_else(out_of_range)?;
        let micros = to_i64((scale(self.micros as f64) + seconds * 1e6).round_ties_even());
        checked(Some(months), Some(days), micros)
    }

    /// `justify_hours`: 24 hours to the day. Error: 22008.
    pub fn justify_hours(self) -> Result<Interval> {
        let carried = i32::try_from(self.micros / DAY_MICROS).map_err(|_| out_of_range())?;
        let days = self.days.checked_add(carried).ok_or_else(out_of_range)?;
        Ok(Interval { days, micros: self.micros % DAY_MICROS, ..self }.same_sign_time())
    }

    /// `justify_days`: 30 days to the month. Error: 22008.
    pub fn justify_days(self) -> Result<Interval> {
        let months = self.months.checked_add(self.days / MONTH_DAYS).ok_or_else(out_of_range)?;
        let days = self.days % MONTH_DAYS;
        Ok(match (months.signum(), days.signum()) {
            (1, -1) => Interval { months: months - 1, days: days + MONTH_DAYS, ..self },
            (-1, 1) => Interval { months: months + 1, days: days - MONTH_DAYS, ..self },
            _ => Interval { months, days, ..self },
        })
    }

    /// `justify_interval`: both, and one sign for all fields. Error: 22008.
    pub fn justify(self) -> Result<Interval> {
        let total = i64::from(self.days) + self.micros / DAY_MICROS;
        let micros = self.micros % DAY_MICROS;
        let month_days = i64::from(MONTH_DAYS);
        let mut months = i64::from(self.months) + total / month_days;
        let mut days = total % month_days;
        if months > 0 && (days < 0 || (days == 0 && micros < 0)) {
            days += month_days;
            months -= 1;
        } else if months < 0 && (days > 0 || (days == 0 && micros > 0)) {
            days -= month_days;
            months += 1;
        }
        let (months, days) = (i32::try_from(months).ok(), i32::try_from(days).ok());
        Ok(checked(months, days, Some(micros))?.same_sign_time())
    }

    /// Gives the time the sign of the days.
    fn same_sign_time(self) -> Interval {
        match (self.days.signum(), self.micros.signum()) {
            (1, -1) => Interval { days: self.days - 1, micros: self.micros + DAY_MICROS, ..self },
            (-1, 1) => Interval { days: self.days + 1, micros: self.micros - DAY_MICROS, ..self },
            _ => self,
        }
    }

    /// Rounds the time to fractional digits of the second.
    pub(crate) fn round(self, digits: u8) -> Interval {
        Interval { micros: round_to(self.micros, digits), ..self }
    }
}

/// PostgreSQL's default output: `1 year 2 mons 3 days 04:05:06.5`.
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        // A positive field after a negative one shows its sign.
        let mut after_negative = false;
        for (value, unit) in [(self.months / 12, "year"), (self.months % 12, "mon"), (self.days, "day")] {
            if value == 0 {
                continue;
            }
            let sign = if after_negative && value > 0 { "+" } else { "" };
            let plural = if value == 1 { "" } else { "s" };
            write!(f, "{separator}{sign}{value} {unit}{plural}")?;
            separator = " ";
            after_negative = value < 0;
        }
        if self.micros == 0 && !separator.is_empty() {
            return Ok(());
        }
        let sign = match (self.micros < 0, after_negative) {
            (true, _) => "-",
            (false, true) => "+",
            (false, false) => "",
        };
        let time = clock(self.micros);
        let (hour, minute, second) = (time.hour.abs(), time.minute.abs(), time.second.abs());
        write!(f, "{separator}{sign}{hour:02}:{minute:02}:{second:02}")?;
        if time.micros != 0 {
            let digits = format!("{:06}", time.micros.abs());
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        Ok(())
    }
}

fn checked(months: Option<i32>, days: Option<i32>, micros: Option<i64>) -> Result<Interval> {
    match (months, days, micros) {
        (Some(months), Some(days), Some(micros)) => Ok(Interval { months, days, micros }),
        _ => Err(out_of_range()),
    }
}

/// The whole part as a field, and what is left.
#[allow(clippy::cast_possible_truncation, reason = "the range is checked")]
fn whole_and_rest(value: f64) -> Result<(i32, f64)> {
    if value.is_nan() || value > f64::from(i32::MAX) || value < f64::from(i32::MIN) {
        return Err(out_of_range());
    }
    let whole = value as i32;
    Ok((whole, value - f64::from(whole)))
}

/// Rounds to six digits, which hides what double precision adds to fractions such as 0.1.
fn to_micros_precision(value: f64) -> f64 {
    (value * 1e6).round_ties_even() / 1e6
}

#[allow(clippy::cast_possible_truncation, reason = "the range is checked")]
fn to_i64(value: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&value) { Some(value as i64) } else { None }
}

/// 22008 `interval out of range`
pub(crate) fn out_of_range() -> ValueError {
    ValueError::new("22008", "interval out of range")
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn interval(months: i32, days: i32, micros: i64) -> Interval {
        Interval { months, days, micros }
    }

    #[test]
    fn prints() {
        for (value, expected) in [
            (interval(0, 0, 0), "00:00:00"),
            (interval(14, -3, 14_706_500_000), "1 year 2 mons -3 days +04:05:06.5"),
            (interval(-14, 1, 0), "-1 years -2 mons +1 day"),
            (interval(1, 0, -1), "1 mon -00:00:00.000001"),
            (interval(0, 0, 360_000_000_000), "100:00:00"),
            (interval(0, 0, i64::MIN), "-2562047788:00:54.775808"),
        ] {
            assert_eq!(value.to_string(), expected);
        }
    }

    #[test]
    fn computes() {
        let shown = |result: Result<Interval>| result.map_or_else(|e| e.code.to_owned(), |i| i.to_string());
        for (result, expected) in [
            (interval(1, 0, 0).times(1.5), "1 mon 15 days"),
            (interval(13, 10, 3_600_000_000).times(-0.5), "-6 mons -20 days -00:30:00"),
            (interval(0, 1, 0).divided_by(3.0), "08:00:00"),
            (interval(0, 1, 0).divided_by(0.0), "22012"),
            (interval(i32::MAX, 0, 0).times(2.0), "22008"),
            (interval(0, 0, i64::MIN).negated(), "22008"),
            (interval(0, 35, 0).justify_days(), "1 mon 5 days"),
            (interval(0, 1, -3_600_000_000).justify_hours(), "23:00:00"),
            (interval(1, 0, -3_600_000_000).justify(), "29 days 23:00:00"),
        ] {
            assert_eq!(shown(result), expected);
        }
        assert_eq!(interval(1, 0, 0).compare(&interval(0, 30, 0)), Ordering::Equal);
    }
}
