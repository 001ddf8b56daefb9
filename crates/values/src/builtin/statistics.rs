//! The statistical aggregates: variances and standard deviations, exact over integers and numeric,
//! running sums over floats.

use super::Arg::{Float4, Float8, Int2, Int4, Int8, Numeric};
use super::args::{as_float, value};
use super::{Accumulator, Builtin, aggregate};
use crate::numeric::Decimal;
use crate::{Result, Value, ValueError, ValueRef};

/// What is made of the sums.
#[derive(Clone, Copy)]
struct Spread {
    /// Divided by the count less one
    sample: bool,
    /// The square root of it
    deviation: bool,
}

/// One aggregate over every number type.
macro_rules! spread {
    ($name:literal, $sample:literal, $deviation:literal) => {
        spread!($name, $name, $sample, $deviation)
    };
    ($name:literal, $id:literal, $sample:literal, $deviation:literal) => {
        &[
            aggregate(concat!($id, "_int2"), $name, &[Int2], Numeric, |_, _| {
                Exact::start($sample, $deviation)
            }),
            aggregate(concat!($id, "_int4"), $name, &[Int4], Numeric, |_, _| {
                Exact::start($sample, $deviation)
            }),
            aggregate(concat!($id, "_int8"), $name, &[Int8], Numeric, |_, _| {
                Exact::start($sample, $deviation)
            }),
            aggregate(concat!($id, "_numeric"), $name, &[Numeric], Numeric, |_, _| {
                Exact::start($sample, $deviation)
            }),
            aggregate(concat!($id, "_float4"), $name, &[Float4], Float8, |_, _| {
                Floating::start($sample, $deviation)
            }),
            aggregate(concat!($id, "_float8"), $name, &[Float8], Float8, |_, _| {
                Floating::start($sample, $deviation)
            }),
        ]
    };
}

pub(super) static VARIANCE: &[Builtin] = spread!("variance", true, false);
pub(super) static VAR_SAMP: &[Builtin] = spread!("var_samp", true, false);
pub(super) static VAR_POP: &[Builtin] = spread!("var_pop", false, false);
pub(super) static STDDEV: &[Builtin] = spread!("stddev", true, true);
pub(super) static STDDEV_SAMP: &[Builtin] = spread!("stddev_samp", true, true);
pub(super) static STDDEV_POP: &[Builtin] = spread!("stddev_pop", false, true);

/// Sums of the numbers and of their squares, without rounding.
struct Exact {
    spread: Spread,
    count: i64,
    sum: Decimal,
    squares: Decimal,
}

impl Exact {
    fn start(sample: bool, deviation: bool) -> Box<dyn Accumulator> {
        let spread = Spread { sample, deviation };
        Box::new(Exact { spread, count: 0, sum: Decimal::zero(), squares: Decimal::zero() })
    }
}

impl Accumulator for Exact {
    fn step(&mut self, args: &[ValueRef<'_>]) -> Result<()> {
        let number = match value(args, 0) {
            ValueRef::Null => return Ok(()),
            ValueRef::Int(whole) => Decimal::from(whole),
            ValueRef::Text(text) => Decimal::parse(text)?,
            _ => return Err(ValueError::new("XX000", "unexpected argument: a number was expected")),
        };
        self.count += 1;
        self.sum = self.sum.add(&number)?;
        self.squares = self.squares.add(&number.mul(&number)?)?;
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        if self.count <= i64::from(self.spread.sample) {
            return Ok(Value::Null);
        }
        let count = Decimal::from(self.count);
        let scatter = count.mul(&self.squares)?.sub(&self.sum.mul(&self.sum)?)?;
        if scatter.is_negative() || scatter.is_zero() {
            return Ok(Value::Text("0".to_owned()));
        }
        let less = if self.spread.sample { Decimal::from(self.count - 1) } else { count.clone() };
        let variance = scatter.div(&count.mul(&less)?)?;
        let answer = if self.spread.deviation { variance.sqrt()? } else { variance };
        Ok(Value::Text(answer.to_string()))
    }
}

/// Youngs and Cramer's running sums, as PostgreSQL keeps them for floats.
struct Floating {
    spread: Spread,
    count: f64,
    sum: f64,
    scatter: f64,
}

impl Floating {
    fn start(sample: bool, deviation: bool) -> Box<dyn Accumulator> {
        Box::new(Floating { spread: Spread { sample, deviation }, count: 0.0, sum: 0.0, scatter: 0.0 })
    }
}

impl Accumulator for Floating {
    fn step(&mut self, args: &[ValueRef<'_>]) -> Result<()> {
        if value(args, 0).is_null() {
            return Ok(());
        }
        let number = as_float(value(args, 0))?;
        let before = self.count;
        self.count += 1.0;
        self.sum += number;
        if before > 0.0 {
            let distance = number * self.count - self.sum;
            self.scatter += distance * distance / (self.count * before);
            if self.scatter.is_infinite() && self.sum.is_finite() {
                return Err(ValueError::new("22003", "value out of range: overflow"));
            }
        }
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        let less = if self.spread.sample { self.count - 1.0 } else { self.count };
        if less <= 0.0 {
            return Ok(Value::Null);
        }
        let variance = self.scatter / less;
        let answer = if self.spread.deviation { variance.sqrt() } else { variance };
        if answer.is_nan() {
            return Err(ValueError::new("0A000", "the result NaN is not supported"));
        }
        Ok(Value::Float(answer))
    }
}
