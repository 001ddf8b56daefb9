//! Operators and functions over smallint, integer and bigint. Not floats (`float`) and not numeric (`decimal`).

use super::Arg::{Int2, Int4, Int8};
use super::args::{division_by_zero, int, out_of_range};
use super::{Builtin, function, operator};
use crate::{Result, Value, ValueRef};

/// The rows of one integer width. `$fit` checks its range, `$word` is the machine integer, for shifts.
macro_rules! width {
    ($name:literal, $ty:ident, $fit:ident, $word:ident) => {
        &[
            operator(concat!($name, "_add"), "+", &[$ty, $ty], $ty, |_, a| {
                $fit(int(a, 0)?.checked_add(int(a, 1)?))
            }),
            operator(concat!($name, "_subtract"), "-", &[$ty, $ty], $ty, |_, a| {
                $fit(int(a, 0)?.checked_sub(int(a, 1)?))
            }),
            operator(concat!($name, "_multiply"), "*", &[$ty, $ty], $ty, |_, a| {
                $fit(int(a, 0)?.checked_mul(int(a, 1)?))
            }),
            operator(concat!($name, "_divide"), "/", &[$ty, $ty], $ty, |_, a| $fit(divide(a)?)),
            operator(concat!($name, "_modulo"), "%", &[$ty, $ty], $ty, |_, a| $fit(modulo(a)?)),
            function(concat!($name, "_mod"), "mod", &[$ty, $ty], $ty, |_, a| $fit(modulo(a)?)),
            operator(concat!($name, "_minus"), "-", &[$ty], $ty, |_, a| $fit(int(a, 0)?.checked_neg())),
            operator(concat!($name, "_plus"), "+", &[$ty], $ty, |_, a| $fit(Some(int(a, 0)?))),
            operator(concat!($name, "_absolute"), "@", &[$ty], $ty, |_, a| $fit(int(a, 0)?.checked_abs())),
            function(concat!($name, "_abs"), "abs", &[$ty], $ty, |_, a| $fit(int(a, 0)?.checked_abs())),
            operator(concat!($name, "_and"), "&", &[$ty, $ty], $ty, |_, a| {
                $fit(Some(int(a, 0)? & int(a, 1)?))
            }),
            operator(concat!($name, "_or"), "|", &[$ty, $ty], $ty, |_, a| {
                $fit(Some(int(a, 0)? | int(a, 1)?))
            }),
            operator(concat!($name, "_xor"), "#", &[$ty, $ty], $ty, |_, a| {
                $fit(Some(int(a, 0)? ^ int(a, 1)?))
            }),
            operator(concat!($name, "_not"), "~", &[$ty], $ty, |_, a| $fit(Some(!int(a, 0)?))),
            operator(concat!($name, "_shift_left"), "<<", &[$ty, Int4], $ty, |_, a| {
                let shifted = narrow::<$word>(int(a, 0)?)?.wrapping_shl(places(a)?);
                Ok(Value::Int(i64::from(shifted)))
            }),
            operator(concat!($name, "_shift_right"), ">>", &[$ty, Int4], $ty, |_, a| {
                let shifted = narrow::<$word>(int(a, 0)?)?.wrapping_shr(places(a)?);
                Ok(Value::Int(i64::from(shifted)))
            }),
        ]
    };
}

pub(super) static SMALL: &[Builtin] = width!("int2", Int2, smallint, i16);
pub(super) static MIDDLE: &[Builtin] = width!("int4", Int4, integer, i32);
pub(super) static BIG: &[Builtin] = width!("int8", Int8, bigint, i64);

pub(super) static TABLE: &[Builtin] = &[
    function("int4_gcd", "gcd", &[Int4, Int4], Int4, |_, a| integer(gcd(int(a, 0)?, int(a, 1)?))),
    function("int8_gcd", "gcd", &[Int8, Int8], Int8, |_, a| bigint(gcd(int(a, 0)?, int(a, 1)?))),
    function("int4_lcm", "lcm", &[Int4, Int4], Int4, |_, a| integer(lcm(int(a, 0)?, int(a, 1)?))),
    function("int8_lcm", "lcm", &[Int8, Int8], Int8, |_, a| bigint(lcm(int(a, 0)?, int(a, 1)?))),
];

fn smallint(value: Option<i64>) -> Result<Value> {
    let value = value.filter(|value| i16::try_from(*value).is_ok());
    value.map(Value::Int).ok_or_else(|| out_of_range("smallint"))
}

pub(super) fn integer(value: Option<i64>) -> Result<Value> {
    let value = value.filter(|value| i32::try_from(*value).is_ok());
    value.map(Value::Int).ok_or_else(|| out_of_range("integer"))
}

pub(super) fn bigint(value: Option<i64>) -> Result<Value> {
    value.map(Value::Int).ok_or_else(|| out_of_range("bigint"))
}

fn divide(args: &[ValueRef<'_>]) -> Result<Option<i64>> {
    match int(args, 1)? {
        0 => Err(division_by_zero()),
        divisor => Ok(int(args, 0)?.checked_div(divisor)),
    }
}

/// The sign of the result is that of the dividend; the smallest number modulo -1 is 0.
fn modulo(args: &[ValueRef<'_>]) -> Result<Option<i64>> {
    match int(args, 1)? {
        0 => Err(division_by_zero()),
        divisor => Ok(Some(int(args, 0)?.wrapping_rem(divisor))),
    }
}

fn narrow<T: TryFrom<i64>>(value: i64) -> Result<T> {
    T::try_from(value).map_err(|_| out_of_range("integer"))
}

/// The machine takes the number of places modulo the word's size, and so does PostgreSQL.
#[allow(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "only the low bits count")]
fn places(args: &[ValueRef<'_>]) -> Result<u32> {
    Ok((int(args, 1)? & 63) as u32)
}

fn gcd(a: i64, b: i64) -> Option<i64> {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    i64::try_from(a).ok()
}

fn lcm(a: i64, b: i64) -> Option<i64> {
    match gcd(a, b)? {
        0 => Some(0),
        divisor => a.checked_div(divisor)?.checked_mul(b)?.checked_abs(),
    }
}
