//! Operators and functions over numeric. The arithmetic itself is `crate::numeric`'s.

use super::Arg::{Int4, Int8, Numeric};
use super::args::{int, text};
use super::arithmetic::integer;
use super::{Builtin, function, operator};
use crate::numeric::Decimal;
use crate::{Result, Value, ValueError, ValueRef};

type Args<'a, 'b> = &'a [ValueRef<'b>];

pub(super) static TABLE: &[Builtin] = &[
    operator("numeric_add", "+", &[Numeric, Numeric], Numeric, |_, a| {
        some(number(a, 0)?.add(&number(a, 1)?)?)
    }),
    operator("numeric_subtract", "-", &[Numeric, Numeric], Numeric, |_, a| {
        some(number(a, 0)?.sub(&number(a, 1)?)?)
    }),
    operator("numeric_multiply", "*", &[Numeric, Numeric], Numeric, |_, a| {
        some(number(a, 0)?.mul(&number(a, 1)?)?)
    }),
    operator("numeric_divide", "/", &[Numeric, Numeric], Numeric, |_, a| {
        some(number(a, 0)?.div(&number(a, 1)?)?)
    }),
    operator("numeric_modulo", "%", &[Numeric, Numeric], Numeric, |_, a| {
        some(number(a, 0)?.rem(&number(a, 1)?)?)
    }),
    operator("numeric_power_operator", "^", &[Numeric, Numeric], Numeric, |_, a| {
        some(number(a, 0)?.pow(&number(a, 1)?)?)
    }),
    operator("numeric_minus", "-", &[Numeric], Numeric, |_, a| some(number(a, 0)?.neg())),
    operator("numeric_plus", "+", &[Numeric], Numeric, |_, a| some(number(a, 0)?)),
    operator("numeric_absolute", "@", &[Numeric], Numeric, |_, a| some(number(a, 0)?.abs())),
    function("numeric_abs", "abs", &[Numeric], Numeric, |_, a| some(number(a, 0)?.abs())),
    function("numeric_mod", "mod", &[Numeric, Numeric], Numeric, |_, a| {
        some(number(a, 0)?.rem(&number(a, 1)?)?)
    }),
    function("numeric_div", "div", &[Numeric, Numeric], Numeric, |_, a| {
        some(number(a, 0)?.div_trunc(&number(a, 1)?)?)
    }),
    function("numeric_ceil", "ceil", &[Numeric], Numeric, |_, a| some(number(a, 0)?.ceil()?)),
    function("numeric_ceiling", "ceiling", &[Numeric], Numeric, |_, a| some(number(a, 0)?.ceil()?)),
    function("numeric_floor", "floor", &[Numeric], Numeric, |_, a| some(number(a, 0)?.floor()?)),
    function("numeric_round", "round", &[Numeric, Int4], Numeric, |_, a| {
        some(number(a, 0)?.round(digits(a)?)?)
    })
    .optional(1),
    function("numeric_trunc", "trunc", &[Numeric, Int4], Numeric, |_, a| {
        some(number(a, 0)?.trunc(digits(a)?))
    })
    .optional(1),
    function("numeric_sign", "sign", &[Numeric], Numeric, |_, a| {
        Ok(Value::Text(number(a, 0)?.sign().to_string()))
    }),
    function("numeric_sqrt", "sqrt", &[Numeric], Numeric, |_, a| some(number(a, 0)?.sqrt()?)),
    function("numeric_exp", "exp", &[Numeric], Numeric, |_, a| some(number(a, 0)?.exp()?)),
    function("numeric_ln", "ln", &[Numeric], Numeric, |_, a| some(number(a, 0)?.ln()?)),
    function("numeric_log", "log", &[Numeric], Numeric, |_, a| some(number(a, 0)?.log10()?)),
    function("numeric_log10", "log10", &[Numeric], Numeric, |_, a| some(number(a, 0)?.log10()?)),
    function("numeric_log_base", "log", &[Numeric, Numeric], Numeric, |_, a| {
        some(number(a, 1)?.log(&number(a, 0)?)?)
    }),
    function("numeric_power", "power", &[Numeric, Numeric], Numeric, |_, a| {
        some(number(a, 0)?.pow(&number(a, 1)?)?)
    }),
    function("numeric_pow", "pow", &[Numeric, Numeric], Numeric, |_, a| {
        some(number(a, 0)?.pow(&number(a, 1)?)?)
    }),
    function("numeric_gcd", "gcd", &[Numeric, Numeric], Numeric, |_, a| {
        some(gcd(number(a, 0)?, number(a, 1)?)?)
    }),
    function("numeric_lcm", "lcm", &[Numeric, Numeric], Numeric, |_, a| {
        some(lcm(number(a, 0)?, number(a, 1)?)?)
    }),
    function("numeric_scale", "scale", &[Numeric], Int4, |_, a| {
        Ok(Value::Int(i64::from(number(a, 0)?.scale())))
    }),
    function("numeric_min_scale", "min_scale", &[Numeric], Int4, |_, a| {
        Ok(Value::Int(i64::from(number(a, 0)?.trim_scale().scale())))
    }),
    function("numeric_trim_scale", "trim_scale", &[Numeric], Numeric, |_, a| {
        some(number(a, 0)?.trim_scale())
    }),
    function("factorial", "factorial", &[Int8], Numeric, |_, a| some(factorial(int(a, 0)?)?)),
    function("width_bucket_numeric", "width_bucket", &[Numeric, Numeric, Numeric, Int4], Int4, |_, a| {
        width_bucket(a)
    }),
];

/// The largest number whose factorial has no more digits than a numeric may have.
const MAX_FACTORIAL: i64 = 450;

pub(super) fn number(args: Args<'_, '_>, index: usize) -> Result<Decimal> {
    Decimal::parse(text(args, index)?)
}

pub(super) fn whole(value: i64) -> Decimal {
    Decimal::new(value.into(), 0)
}

#[allow(clippy::unnecessary_wraps, reason = "the end of every implementation here")]
fn some(number: Decimal) -> Result<Value> {
    Ok(Value::Text(number.to_string()))
}

/// The second argument of `round` and `trunc`; more digits than a numeric has change nothing.
fn digits(args: Args<'_, '_>) -> Result<i32> {
    if args.len() < 2 {
        return Ok(0);
    }
    i32::try_from(int(args, 1)?.clamp(-2000, 2000)).map_err(|_| overflow())
}

fn overflow() -> ValueError {
    ValueError::new("22003", "value overflows numeric format")
}

fn gcd(a: Decimal, b: Decimal) -> Result<Decimal> {
    let scale = i32::try_from(a.scale().max(b.scale())).map_err(|_| overflow())?;
    let (mut a, mut b) = (a.abs(), b.abs());
    while !b.is_zero() {
        let rest = a.rem(&b)?;
        (a, b) = (b, rest);
    }
    a.round(scale)
}

fn lcm(a: Decimal, b: Decimal) -> Result<Decimal> {
    let scale = i32::try_from(a.scale().max(b.scale())).map_err(|_| overflow())?;
    if a.is_zero() || b.is_zero() {
        return Decimal::zero().round(scale);
    }
    let divisor = gcd(a.clone(), b.clone())?;
    a.div_trunc(&divisor)?.mul(&b)?.abs().round(scale)
}

fn factorial(number: i64) -> Result<Decimal> {
    if number < 0 {
        return Err(ValueError::new("22003", "factorial of a negative number is undefined"));
    }
    if number > MAX_FACTORIAL {
        return Err(overflow());
    }
    (2..=number).try_fold(Decimal::one(), |product, factor| product.mul(&whole(factor)))
}

fn width_bucket(args: Args<'_, '_>) -> Result<Value> {
    let (operand, low, high, count) = (number(args, 0)?, number(args, 1)?, number(args, 2)?, int(args, 3)?);
    if count <= 0 {
        return Err(ValueError::new("2201G", "count must be greater than zero"));
    }
    let width = high.sub(&low)?;
    if width.is_zero() {
        return Err(ValueError::new("2201G", "lower bound cannot equal upper bound"));
    }
    // Measured from the lower bound, in the direction of the upper one.
    let direction = whole(width.sign());
    let distance = operand.sub(&low)?.mul(&direction)?;
    let width = width.abs();
    if distance.is_negative() {
        return Ok(Value::Int(0));
    }
    let beyond = distance.sub(&width)?;
    if !beyond.is_negative() {
        return integer(count.checked_add(1));
    }
    let bucket = distance.mul(&whole(count))?.div_trunc(&width)?;
    integer(bucket.to_i64().and_then(|bucket| bucket.checked_add(1)))
}
