//! Operators and functions over real and double precision, and the random number.
//! A result that is not a number has no storage form and is refused; infinities are kept where PostgreSQL gives them.

use std::f64::consts;

use super::Arg::{Float4, Float8, Int4};
use super::args::{division_by_zero, float, int, invalid_parameter, out_of_range};
use super::arithmetic::integer;
use super::{Builtin, function, operator};
use crate::{Result, Value, ValueError, ValueRef};

/// The four operators of two float types; real with real stays real.
macro_rules! operators {
    ($name:literal, $left:ident, $right:ident, $result:ident, $fit:ident) => {
        &[
            operator(concat!($name, "_add"), "+", &[$left, $right], $result, |_, a| {
                $fit(float(a, 0)? + float(a, 1)?, a, false)
            }),
            operator(concat!($name, "_subtract"), "-", &[$left, $right], $result, |_, a| {
                $fit(float(a, 0)? - float(a, 1)?, a, false)
            }),
            operator(concat!($name, "_multiply"), "*", &[$left, $right], $result, |_, a| {
                let may_vanish = float(a, 0)? != 0.0 && float(a, 1)? != 0.0;
                $fit(float(a, 0)? * float(a, 1)?, a, may_vanish)
            }),
            operator(concat!($name, "_divide"), "/", &[$left, $right], $result, |_, a| {
                if float(a, 1)? == 0.0 {
                    return Err(division_by_zero());
                }
                let may_vanish = float(a, 0)? != 0.0 && float(a, 1)?.is_finite();
                $fit(float(a, 0)? / float(a, 1)?, a, may_vanish)
            }),
        ]
    };
}

pub(super) static REAL: &[Builtin] = operators!("float4", Float4, Float4, Float4, real);
pub(super) static DOUBLE: &[Builtin] = operators!("float8", Float8, Float8, Float8, double);
pub(super) static REAL_DOUBLE: &[Builtin] = operators!("float48", Float4, Float8, Float8, double);
pub(super) static DOUBLE_REAL: &[Builtin] = operators!("float84", Float8, Float4, Float8, double);

/// A function of one double that is defined everywhere.
macro_rules! simple {
    ($id:literal, $name:literal, $compute:expr) => {
        function($id, $name, &[Float8], Float8, |_, a| {
            let compute: fn(f64) -> f64 = $compute;
            double(compute(float(a, 0)?), a, false)
        })
    };
}

pub(super) static TABLE: &[Builtin] = &[
    operator("float4_minus", "-", &[Float4], Float4, |_, a| Ok(Value::Float(-float(a, 0)?))),
    operator("float8_minus", "-", &[Float8], Float8, |_, a| Ok(Value::Float(-float(a, 0)?))),
    operator("float4_plus", "+", &[Float4], Float4, |_, a| Ok(Value::Float(float(a, 0)?))),
    operator("float8_plus", "+", &[Float8], Float8, |_, a| Ok(Value::Float(float(a, 0)?))),
    function("float4_abs", "abs", &[Float4], Float4, |_, a| Ok(Value::Float(float(a, 0)?.abs()))),
    simple!("float8_abs", "abs", f64::abs),
    operator("float4_absolute", "@", &[Float4], Float4, |_, a| Ok(Value::Float(float(a, 0)?.abs()))),
    operator("float8_absolute", "@", &[Float8], Float8, |_, a| Ok(Value::Float(float(a, 0)?.abs()))),
    operator("float8_power_operator", "^", &[Float8, Float8], Float8, |_, a| power(a)),
    operator("float8_sqrt_operator", "|/", &[Float8], Float8, |_, a| sqrt(a)),
    operator("float8_cbrt_operator", "||/", &[Float8], Float8, |_, a| double(float(a, 0)?.cbrt(), a, false)),
    function("float8_power", "power", &[Float8, Float8], Float8, |_, a| power(a)),
    function("float8_pow", "pow", &[Float8, Float8], Float8, |_, a| power(a)),
    simple!("float8_ceil", "ceil", f64::ceil),
    simple!("float8_ceiling", "ceiling", f64::ceil),
    simple!("float8_floor", "floor", f64::floor),
    // PostgreSQL rounds a double's ties to even.
    simple!("float8_round", "round", f64::round_ties_even),
    simple!("float8_trunc", "trunc", f64::trunc),
    simple!("float8_sign", "sign", |x| if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        0.0
    }),
    function("float8_sqrt", "sqrt", &[Float8], Float8, |_, a| sqrt(a)),
    simple!("float8_cbrt", "cbrt", f64::cbrt),
    function("float8_exp", "exp", &[Float8], Float8, |_, a| {
        double(float(a, 0)?.exp(), a, float(a, 0)?.is_finite())
    }),
    function("float8_ln", "ln", &[Float8], Float8, |_, a| double(positive(a)?.ln(), a, false)),
    function("float8_log", "log", &[Float8], Float8, |_, a| double(positive(a)?.log10(), a, false)),
    function("float8_log10", "log10", &[Float8], Float8, |_, a| double(positive(a)?.log10(), a, false)),
    function("pi", "pi", &[], Float8, |_, _| Ok(Value::Float(consts::PI))),
    simple!("degrees", "degrees", |x| x / (consts::PI / 180.0)),
    simple!("radians", "radians", |x| x * (consts::PI / 180.0)),
    function("sin", "sin", &[Float8], Float8, |_, a| double(angle(a)?.sin(), a, false)),
    function("cos", "cos", &[Float8], Float8, |_, a| double(angle(a)?.cos(), a, false)),
    function("tan", "tan", &[Float8], Float8, |_, a| double(angle(a)?.tan(), a, false)),
    function("cot", "cot", &[Float8], Float8, |_, a| Ok(Value::Float(1.0 / angle(a)?.tan()))),
    function("asin", "asin", &[Float8], Float8, |_, a| double(ratio(a)?.asin(), a, false)),
    function("acos", "acos", &[Float8], Float8, |_, a| double(ratio(a)?.acos(), a, false)),
    simple!("atan", "atan", f64::atan),
    function("atan2", "atan2", &[Float8, Float8], Float8, |_, a| {
        double(float(a, 0)?.atan2(float(a, 1)?), a, false)
    }),
    simple!("sinh", "sinh", f64::sinh),
    simple!("cosh", "cosh", f64::cosh),
    simple!("tanh", "tanh", f64::tanh),
    function("random", "random", &[], Float8, |_, _| Ok(Value::Float(random()))).volatile(),
    function("width_bucket_float8", "width_bucket", &[Float8, Float8, Float8, Int4], Int4, |_, a| {
        width_bucket(a)
    }),
];

fn overflow() -> ValueError {
    ValueError::new("22003", "value out of range: overflow")
}

fn underflow() -> ValueError {
    ValueError::new("22003", "value out of range: underflow")
}

fn not_a_number() -> ValueError {
    ValueError::new("0A000", "the result NaN is not supported")
}

/// A double result: an infinity must come from an infinite argument, and a result that may not vanish must not be zero.
fn double(result: f64, args: &[ValueRef<'_>], may_vanish: bool) -> Result<Value> {
    let infinite_argument = args.iter().any(|arg| matches!(arg, ValueRef::Float(f) if f.is_infinite()));
    if result.is_nan() {
        Err(not_a_number())
    } else if result.is_infinite() && !infinite_argument {
        Err(overflow())
    } else if result == 0.0 && may_vanish {
        Err(underflow())
    } else {
        Ok(Value::Float(result))
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the rounding to real is meant; its overflow is checked")]
fn real(result: f64, args: &[ValueRef<'_>], may_vanish: bool) -> Result<Value> {
    double(f64::from(result as f32), args, may_vanish)
}

fn sqrt(args: &[ValueRef<'_>]) -> Result<Value> {
    if float(args, 0)? < 0.0 {
        return Err(ValueError::new("2201F", "cannot take square root of a negative number"));
    }
    double(float(args, 0)?.sqrt(), args, false)
}

fn power(args: &[ValueRef<'_>]) -> Result<Value> {
    let (base, exponent) = (float(args, 0)?, float(args, 1)?);
    if base == 0.0 && exponent < 0.0 {
        return Err(ValueError::new("2201F", "zero raised to a negative power is undefined"));
    }
    if base < 0.0 && exponent.is_finite() && exponent.fract() != 0.0 {
        let message = "a negative number raised to a non-integer power yields a complex result";
        return Err(ValueError::new("2201F", message));
    }
    double(base.powf(exponent), args, base != 0.0 && base.is_finite() && exponent.is_finite())
}

/// The argument of a logarithm.
fn positive(args: &[ValueRef<'_>]) -> Result<f64> {
    let x = float(args, 0)?;
    if x == 0.0 {
        Err(ValueError::new("2201E", "cannot take logarithm of zero"))
    } else if x < 0.0 {
        Err(ValueError::new("2201E", "cannot take logarithm of a negative number"))
    } else {
        Ok(x)
    }
}

fn angle(args: &[ValueRef<'_>]) -> Result<f64> {
    let x = float(args, 0)?;
    if x.is_infinite() { Err(ValueError::new("22003", "input is out of range")) } else { Ok(x) }
}

fn ratio(args: &[ValueRef<'_>]) -> Result<f64> {
    let x = float(args, 0)?;
    if (-1.0..=1.0).contains(&x) { Ok(x) } else { Err(ValueError::new("22003", "input is out of range")) }
}

/// Uniform in [0, 1), from 53 of the random bits of a version 4 UUID.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "53 bits fit a double exactly"
)]
fn random() -> f64 {
    let bits = (uuid::Uuid::new_v4().as_u128() as u64) & ((1 << 53) - 1);
    bits as f64 / (1u64 << 53) as f64
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "at most count, an integer")]
fn width_bucket(args: &[ValueRef<'_>]) -> Result<Value> {
    let (operand, low, high, count) = (float(args, 0)?, float(args, 1)?, float(args, 2)?, int(args, 3)?);
    if count <= 0 {
        return Err(ValueError::new("2201G", "count must be greater than zero"));
    }
    if low.is_infinite() || high.is_infinite() {
        return Err(ValueError::new("2201G", "lower and upper bounds must be finite"));
    }
    if low == high {
        return Err(ValueError::new("2201G", "lower bound cannot equal upper bound"));
    }
    let (below, above) =
        if low < high { (operand < low, operand >= high) } else { (operand > low, operand <= high) };
    if below {
        return Ok(Value::Int(0));
    }
    if above {
        return integer(count.checked_add(1)).map_err(|_| out_of_range("integer"));
    }
    let bucket = ((operand - low) / (high - low) * count as f64).floor() as i64;
    integer(Some(bucket.min(count - 1) + 1)).map_err(|_| invalid_parameter("count out of range"))
}
