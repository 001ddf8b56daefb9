//! Reading an implementation's arguments, and the refusals that many implementations share.
//! The engine has coerced and counted the arguments; a wrong shape is its fault and answered as an internal error.

use super::MAX_TEXT_BYTES;
use crate::{Result, Value, ValueError, ValueRef};

pub(super) fn value<'a>(args: &[ValueRef<'a>], index: usize) -> ValueRef<'a> {
    args.get(index).copied().unwrap_or_default()
}

pub(super) fn int(args: &[ValueRef<'_>], index: usize) -> Result<i64> {
    as_int(value(args, index))
}

pub(super) fn as_int(value: ValueRef<'_>) -> Result<i64> {
    match value {
        ValueRef::Int(i) => Ok(i),
        _ => Err(wrong_shape("an integer")),
    }
}

pub(super) fn bool(args: &[ValueRef<'_>], index: usize) -> Result<bool> {
    Ok(int(args, index)? != 0)
}

pub(super) fn float(args: &[ValueRef<'_>], index: usize) -> Result<f64> {
    as_float(value(args, index))
}

#[allow(clippy::cast_precision_loss, reason = "an engine may keep a whole float as an integer")]
pub(super) fn as_float(value: ValueRef<'_>) -> Result<f64> {
    match value {
        ValueRef::Float(f) => Ok(f),
        ValueRef::Int(i) => Ok(i as f64),
        _ => Err(wrong_shape("a float")),
    }
}

pub(super) fn text<'a>(args: &[ValueRef<'a>], index: usize) -> Result<&'a str> {
    as_text(value(args, index))
}

pub(super) fn as_text(value: ValueRef<'_>) -> Result<&str> {
    match value {
        ValueRef::Text(s) => Ok(s),
        _ => Err(wrong_shape("a text")),
    }
}

pub(super) fn bytes<'a>(args: &[ValueRef<'a>], index: usize) -> Result<&'a [u8]> {
    match value(args, index) {
        ValueRef::Bytes(b) => Ok(b),
        _ => Err(wrong_shape("bytes")),
    }
}

fn wrong_shape(wanted: &str) -> ValueError {
    ValueError::new("XX000", format!("unexpected argument: {wanted} was expected"))
}

pub(super) fn some_bool(answer: bool) -> Result<Value> {
    Ok(Value::Int(i64::from(answer)))
}

pub(super) fn some_text(answer: impl Into<String>) -> Result<Value> {
    Ok(Value::Text(answer.into()))
}

/// A count as `integer`.
pub(super) fn some_count(count: usize) -> Result<Value> {
    i32::try_from(count).map(|count| Value::Int(i64::from(count))).map_err(|_| out_of_range("integer"))
}

/// 22003 `integer out of range`
pub(super) fn out_of_range(ty: &str) -> ValueError {
    ValueError::new("22003", format!("{ty} out of range"))
}

/// 22012
pub(super) fn division_by_zero() -> ValueError {
    ValueError::new("22012", "division by zero")
}

/// 22023
pub(super) fn invalid_parameter(message: impl Into<String>) -> ValueError {
    ValueError::new("22023", message)
}

/// 54000, when a text would be longer than [`MAX_TEXT_BYTES`].
pub(super) fn bounded(bytes: usize) -> Result<()> {
    if bytes > MAX_TEXT_BYTES { Err(ValueError::new("54000", "requested length too large")) } else { Ok(()) }
}
