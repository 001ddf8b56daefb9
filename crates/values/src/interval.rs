//! Intervals: their fields, their text, their arithmetic.

use std::cmp::Ordering;

use crate::Result;

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
    /// Reads any form that PostgreSQL accepts.
    pub fn parse(text: &str) -> Result<Interval> { let _ = text; unimplemented!() }
    /// Orders by length, 30 days to the month and 24 hours to the day.
    pub fn compare(&self, other: &Interval) -> Ordering { let _ = other; unimplemented!() }
    /// `-interval`
    pub fn negated(self) -> Result<Interval> { unimplemented!() }
    /// `interval + interval`
    pub fn plus(self, other: Interval) -> Result<Interval> { let _ = other; unimplemented!() }
    /// `interval - interval`
    pub fn minus(self, other: Interval) -> Result<Interval> { let _ = other; unimplemented!() }
    /// `interval * double precision`
    pub fn times(self, factor: f64) -> Result<Interval> { let _ = factor; unimplemented!() }
    /// `interval / double precision`
    pub fn divided_by(self, divisor: f64) -> Result<Interval> { let _ = divisor; unimplemented!() }
    /// `justify_hours`: 24 hours to days
    pub fn justify_hours(self) -> Result<Interval> { unimplemented!() }
    /// `justify_days`: 30 days to months
    pub fn justify_days(self) -> Result<Interval> { unimplemented!() }
    /// `justify_interval`
    pub fn justify(self) -> Result<Interval> { unimplemented!() }
}

/// PostgreSQL's default output: `1 year 2 mons 3 days 04:05:06.5`.
impl std::fmt::Display for Interval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { let _ = f; unimplemented!() }
}
