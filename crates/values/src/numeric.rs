//! Exact decimals: PostgreSQL's `numeric` without NaN and infinities. Reading, printing, the four operations, rounding and
//! conversions; roots, logarithms and powers are in `numeric/functions.rs`. The scales of results are PostgreSQL's.

mod functions;
mod stored;

use std::cmp::Ordering;
use std::fmt;

use bigdecimal::num_bigint::{BigInt, Sign};
use bigdecimal::num_traits::{One, Signed, ToPrimitive, Zero};

use crate::{Result, ValueError};
pub use stored::compare_stored;

/// The most digits that a numeric may have before its point, and the most after it.
pub const MAX_DIGITS: u32 = 1000;

/// The significant digits that PostgreSQL gives a quotient at least.
const MIN_SIGNIFICANT_DIGITS: i64 = 16;

/// PostgreSQL keeps four decimal digits per unit; the scale of a quotient depends on where these units begin.
const UNIT_DIGITS: i64 = 4;

/// A finite decimal number with the number of digits after its point (its scale), which trailing zeros count to.
#[derive(Clone, Debug)]
pub struct Decimal {
    /// The value times 10 to the power of `scale`
    unscaled: BigInt,
    /// Digits after the point
    scale: u32,
}

impl Decimal {
    /// `unscaled` / 10^`scale`.
    pub fn new(unscaled: BigInt, scale: u32) -> Decimal {
        Decimal { unscaled, scale }
    }

    /// 0, with no digit after the point.
    pub fn zero() -> Decimal {
        Decimal::new(BigInt::zero(), 0)
    }

    /// 1, with no digit after the point.
    pub fn one() -> Decimal {
        Decimal::new(BigInt::one(), 0)
    }

    /// Reads a numeric literal. White space around it, a sign, a point and an exponent are allowed.
    /// Errors: 22P02 for the syntax, 22003 beyond [`MAX_DIGITS`], 0A000 for NaN and infinities.
    pub fn parse(text: &str) -> Result<Decimal> {
        let trimmed = text.trim_matches(is_space);
        let (negative, digits) = match trimmed.as_bytes().first() {
            Some(b'-') => (true, &trimmed[1..]),
            Some(b'+') => (false, &trimmed[1..]),
            _ => (false, trimmed),
        };
        if ["nan", "inf", "infinity"].iter().any(|word| digits.eq_ignore_ascii_case(word)) {
            return Err(not_finite(trimmed));
        }
        let (mantissa, exponent) = match digits.find(['e', 'E']) {
            Some(at) => (&digits[..at], exponent(&digits[at + 1..]).ok_or_else(|| syntax(text))??),
            None => (digits, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !is_digits(whole) || !is_digits(fraction) {
            return Err(syntax(text));
        }
        let scale = i64::try_from(fraction.len()).map_err(|_| overflow())? - exponent;
        let digits = format!("{whole}{fraction}");
        let digits = digits.trim_start_matches('0');
        let length = i64::try_from(digits.len()).map_err(|_| overflow())?;
        let most = i64::from(MAX_DIGITS);
        if scale > most || (length > 0 && length - scale > most) {
            return Err(overflow());
        }
        let magnitude: BigInt = if digits.is_empty() {
            BigInt::zero()
        } else {
            let value: BigInt = digits.parse().map_err(|_| syntax(text))?;
            if scale < 0 { value * power_of_ten(-scale) } else { value }
        };
        let unscaled = if negative { -magnitude } else { magnitude };
        Ok(Decimal::new(unscaled, u32::try_from(scale.max(0)).unwrap_or(0)))
    }

    /// The numeric that `double precision::numeric` gives: 15 significant digits. Error: 0A000 for NaN and infinities.
    pub fn from_f64(value: f64) -> Result<Decimal> {
        Decimal::from_significant(&format!("{value:.14e}"), value)
    }

    /// The numeric that `real::numeric` gives: 6 significant digits. Error: 0A000 for NaN and infinities.
    pub fn from_f32(value: f32) -> Result<Decimal> {
        Decimal::from_significant(&format!("{value:.5e}"), f64::from(value))
    }

    fn from_significant(text: &str, value: f64) -> Result<Decimal> {
        if !value.is_finite() {
            return Err(not_finite(if value.is_nan() {
                "NaN"
            } else if value > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            }));
        }
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
        Decimal::parse(&format!("{mantissa}e{exponent}"))
    }

    /// The value times 10 to the power of [`scale`](Decimal::scale).
    pub fn unscaled(&self) -> &BigInt {
        &self.unscaled
    }

    /// Digits after the point.
    pub fn scale(&self) -> u32 {
        self.scale
    }

    /// Whether the value is 0.
    pub fn is_zero(&self) -> bool {
        self.unscaled.is_zero()
    }

    /// Whether the value is below 0.
    pub fn is_negative(&self) -> bool {
        self.unscaled.is_negative()
    }

    /// Whether the value has no fraction.
    pub fn is_whole(&self) -> bool {
        self.trim_scale().scale == 0
    }

    /// The sum, with the greater scale.
    pub fn add(&self, other: &Decimal) -> Result<Decimal> {
        let (a, b, scale) = aligned(self, other);
        Decimal::new(a + b, scale).checked()
    }

    /// The difference, with the greater scale.
    pub fn sub(&self, other: &Decimal) -> Result<Decimal> {
        let (a, b, scale) = aligned(self, other);
        Decimal::new(a - b, scale).checked()
    }

    /// The product, with the sum of the scales.
    pub fn mul(&self, other: &Decimal) -> Result<Decimal> {
        Decimal::new(&self.unscaled * &other.unscaled, self.scale + other.scale).checked()
    }

    /// The quotient, rounded half away from zero to at least 16 significant digits (PostgreSQL's `select_div_scale`).
    /// Error: 22012.
    pub fn div(&self, other: &Decimal) -> Result<Decimal> {
        if other.is_zero() {
            return Err(division_by_zero());
        }
        let (weight, first) = self.leading_unit();
        let (other_weight, other_first) = other.leading_unit();
        let weight = weight - other_weight - i64::from(first <= other_first);
        let scale = (MIN_SIGNIFICANT_DIGITS - weight * UNIT_DIGITS)
            .max(i64::from(self.scale))
            .max(i64::from(other.scale))
            .clamp(0, i64::from(MAX_DIGITS));
        self.quotient(other, u32::try_from(scale).unwrap_or(MAX_DIGITS)).checked()
    }

    /// The quotient rounded half away from zero to a given scale; 0 by a divisor of 0.
    pub(crate) fn quotient(&self, other: &Decimal, scale: u32) -> Decimal {
        let shift = i64::from(scale) + i64::from(other.scale) - i64::from(self.scale);
        let (numerator, denominator) = if shift >= 0 {
            (&self.unscaled * power_of_ten(shift), other.unscaled.clone())
        } else {
            (self.unscaled.clone(), &other.unscaled * power_of_ten(-shift))
        };
        if denominator.is_zero() {
            return Decimal::new(BigInt::zero(), scale);
        }
        Decimal::new(divide_rounding(&numerator, &denominator), scale)
    }

    /// The whole part of the quotient (`div`), with scale 0. Error: 22012.
    pub fn div_trunc(&self, other: &Decimal) -> Result<Decimal> {
        if other.is_zero() {
            return Err(division_by_zero());
        }
        let (a, b, _) = aligned(self, other);
        Decimal::new(a / b, 0).checked()
    }

    /// The remainder with the dividend's sign, with the greater scale. Error: 22012.
    pub fn rem(&self, other: &Decimal) -> Result<Decimal> {
        if other.is_zero() {
            return Err(division_by_zero());
        }
        let (a, b, scale) = aligned(self, other);
        Ok(Decimal::new(a % b, scale))
    }

    /// The negative.
    pub fn neg(&self) -> Decimal {
        Decimal::new(-&self.unscaled, self.scale)
    }

    /// The absolute value.
    pub fn abs(&self) -> Decimal {
        Decimal::new(self.unscaled.abs(), self.scale)
    }

    /// -1, 0 or 1.
    pub fn sign(&self) -> i64 {
        match self.unscaled.sign() {
            Sign::Minus => -1,
            Sign::NoSign => 0,
            Sign::Plus => 1,
        }
    }

    /// Rounds half away from zero to a number of digits after the point (before it, when negative).
    pub fn round(&self, digits: i32) -> Result<Decimal> {
        self.rescale(shown(digits), divide_rounding).checked()
    }

    /// Cuts to a number of digits after the point (before it, when negative).
    pub fn trunc(&self, digits: i32) -> Decimal {
        self.rescale(shown(digits), |a, b| a / b)
    }

    /// The least whole number not below.
    pub fn ceil(&self) -> Result<Decimal> {
        self.floor_by(|a, b| -floor_division(&-a, b)).checked()
    }

    /// The greatest whole number not above.
    pub fn floor(&self) -> Result<Decimal> {
        self.floor_by(floor_division).checked()
    }

    fn floor_by(&self, divide: impl Fn(&BigInt, &BigInt) -> BigInt) -> Decimal {
        self.rescale(0, divide)
    }

    fn rescale(&self, digits: i32, divide: impl Fn(&BigInt, &BigInt) -> BigInt) -> Decimal {
        let digits = i64::from(digits);
        let drop = i64::from(self.scale) - digits;
        let scale = u32::try_from(digits.max(0)).unwrap_or(0);
        if drop <= 0 {
            return Decimal::new(&self.unscaled * power_of_ten(-drop), scale);
        }
        let kept = divide(&self.unscaled, &power_of_ten(drop));
        Decimal::new(if digits < 0 { kept * power_of_ten(-digits) } else { kept }, scale)
    }

    /// Rounds to `numeric(precision, scale)`. Error: 22003 `numeric field overflow`.
    pub fn fit(&self, precision: u16, scale: i16) -> Result<Decimal> {
        let rounded = self.rescale(i32::from(scale), divide_rounding);
        let whole = i64::from(precision) - i64::from(scale);
        // With more digits after the point than its precision, the value must stay below a negative power of ten.
        let limit = whole + i64::from(rounded.scale);
        if !rounded.is_zero() && (limit < 0 || rounded.unscaled.abs() >= power_of_ten(limit)) {
            let bound = if whole == 0 { "1".to_owned() } else { format!("10^{whole}") };
            return Err(ValueError::new("22003", "numeric field overflow").with_detail(format!(
                "A field with precision {precision}, scale {scale} must round to an absolute value less than {bound}."
            )));
        }
        Ok(rounded)
    }

    /// The same value without trailing zeros after the point.
    pub fn trim_scale(&self) -> Decimal {
        let text = self.to_string();
        let zeros = match text.split_once('.') {
            Some((_, fraction)) => fraction.len() - fraction.trim_end_matches('0').len(),
            None => 0,
        };
        let zeros = u32::try_from(zeros).unwrap_or(0).min(self.scale);
        Decimal::new(&self.unscaled / power_of_ten(i64::from(zeros)), self.scale - zeros)
    }

    /// The nearest whole number, half away from zero, where it fits.
    pub fn to_i64(&self) -> Option<i64> {
        self.rescale(0, divide_rounding).unscaled.to_i64()
    }

    /// The nearest `f64`; infinite beyond its range.
    pub fn to_f64(&self) -> f64 {
        self.to_string().parse().unwrap_or(0.0)
    }

    /// Refuses what has more than [`MAX_DIGITS`] before or after the point.
    pub(crate) fn checked(self) -> Result<Decimal> {
        // 10^1000 has 3322 bits: no need to count digits below that.
        let most = u64::from(MAX_DIGITS + self.scale) * 3;
        let too_large = self.unscaled.bits() > most
            && self.unscaled.magnitude() >= power_of_ten(i64::from(MAX_DIGITS + self.scale)).magnitude();
        if self.scale > MAX_DIGITS || too_large { Err(overflow()) } else { Ok(self) }
    }

    /// The position of the first decimal digit: 0 for 1 to 9, -1 for 0.1; `None` for 0.
    fn leading_position(&self) -> Option<i64> {
        if self.is_zero() {
            return None;
        }
        let digits = self.unscaled.magnitude().to_string().len();
        Some(i64::try_from(digits).unwrap_or(i64::MAX) - 1 - i64::from(self.scale))
    }

    /// PostgreSQL's leading unit of four decimal digits: its position and its value.
    fn leading_unit(&self) -> (i64, u32) {
        let Some(position) = self.leading_position() else { return (0, 0) };
        let weight = position.div_euclid(UNIT_DIGITS);
        let count = usize::try_from(position - weight * UNIT_DIGITS + 1).unwrap_or(1);
        let digits = self.unscaled.magnitude().to_string();
        let padded = digits.bytes().chain(std::iter::repeat(b'0')).take(count);
        (weight, padded.fold(0, |unit, digit| unit * 10 + u32::from(digit - b'0')))
    }
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Decimal {
        Decimal::new(value.into(), 0)
    }
}

impl From<i128> for Decimal {
    fn from(value: i128) -> Decimal {
        Decimal::new(value.into(), 0)
    }
}

/// Plain notation with all digits of the scale, as it is stored.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_negative() { "-" } else { "" };
        let digits = self.unscaled.magnitude().to_string();
        let scale = self.scale as usize;
        if scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let digits = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

/// By value: 1.0 equals 1.00.
impl PartialEq for Decimal {
    fn eq(&self, other: &Decimal) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Decimal) -> Ordering {
        let (a, b, _) = aligned(self, other);
        a.cmp(&b)
    }
}

/// Both values at the greater scale.
fn aligned(a: &Decimal, b: &Decimal) -> (BigInt, BigInt, u32) {
    let scale = a.scale.max(b.scale);
    let at_scale = |d: &Decimal| {
        if d.scale == scale {
            d.unscaled.clone()
        } else {
            &d.unscaled * power_of_ten(i64::from(scale - d.scale))
        }
    };
    (at_scale(a), at_scale(b), scale)
}

/// 10 to a power; 1 for a negative one. Callers have bounded the exponent.
fn power_of_ten(exponent: i64) -> BigInt {
    let exponent = u32::try_from(exponent.max(0)).unwrap_or(0);
    match 10_u64.checked_pow(exponent) {
        Some(power) => BigInt::from(power),
        None => BigInt::from(10_u8).pow(exponent),
    }
}

/// The digits after the point that a caller may ask for.
fn shown(digits: i32) -> i32 {
    let most = i32::try_from(MAX_DIGITS).unwrap_or(i32::MAX);
    digits.clamp(-2 * most, most)
}

/// Division rounding half away from zero; the divisor is not 0.
fn divide_rounding(numerator: &BigInt, denominator: &BigInt) -> BigInt {
    let quotient = numerator / denominator;
    let rest = (numerator - &quotient * denominator).abs() * 2_u8;
    if rest < denominator.abs() {
        return quotient;
    }
    if numerator.is_negative() == denominator.is_negative() { quotient + 1_u8 } else { quotient - 1_u8 }
}

/// Division rounding down, by a positive divisor.
fn floor_division(numerator: &BigInt, denominator: &BigInt) -> BigInt {
    let quotient = numerator / denominator;
    if numerator.is_negative() && !(numerator % denominator).is_zero() { quotient - 1_u8 } else { quotient }
}

/// The exponent after `e`: `None` for wrong syntax, an error when it is absurd.
fn exponent(text: &str) -> Option<Result<i64>> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(match text.parse::<i64>() {
        Ok(exponent) if exponent.abs() < i64::from(i32::MAX / 2) => Ok(exponent),
        _ => Err(overflow()),
    })
}

/// The white space that PostgreSQL's number input skips.
pub(crate) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

fn syntax(text: &str) -> ValueError {
    ValueError::new("22P02", format!("invalid input syntax for type numeric: \"{text}\""))
}

fn not_finite(text: &str) -> ValueError {
    ValueError::new("0A000", format!("Plinth keeps only finite numerics, not \"{text}\""))
}

fn overflow() -> ValueError {
    ValueError::new("22003", "value overflows numeric format")
        .with_detail("A numeric has at most 1000 digits before and 1000 digits after its decimal point.")
}

fn division_by_zero() -> ValueError {
    ValueError::new("22012", "division by zero")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        Decimal::parse(text).expect(text)
    }

    #[test]
    fn reads() {
        for (input, expected) in [
            ("0", "0"),
            ("-0.00", "0.00"),
            (" +12.50 ", "12.50"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1e2", "100"),
            ("1.50e1", "15.0"),
            ("1e-5", "0.00001"),
            ("-1.5E+3", "-1500"),
            ("0e5000", "0"),
        ] {
            assert_eq!(Decimal::parse(input).map(|d| d.to_string()), Ok(expected.to_owned()), "{input}");
        }
        for (input, code) in [
            ("", "22P02"),
            (".", "22P02"),
            ("1e", "22P02"),
            ("1 2", "22P02"),
            ("0x10", "22P02"),
            ("--1", "22P02"),
            ("NaN", "0A000"),
            ("-infinity", "0A000"),
            ("1e1000", "22003"),
            ("1e-1001", "22003"),
            ("1e99999999999", "22003"),
        ] {
            assert_eq!(Decimal::parse(input).map_err(|e| e.code).err(), Some(code), "{input}");
        }
    }

    #[test]
    fn divides_to_postgresqls_scale() {
        for (a, b, expected) in [
            ("1", "3", "0.33333333333333333333"),
            ("10", "3", "3.3333333333333333"),
            ("100000", "3", "33333.333333333333"),
            ("1", "7000", "0.00014285714285714286"),
            ("0", "5", "0.00000000000000000000"),
            ("-7", "2", "-3.5000000000000000"),
            ("1.00", "0.03", "33.3333333333333333"),
        ] {
            assert_eq!(dec(a).div(&dec(b)).map(|d| d.to_string()), Ok(expected.to_owned()), "{a}/{b}");
        }
        assert_eq!(dec("1").div(&dec("0.0")).map_err(|e| e.code).err(), Some("22012"));
    }

    #[test]
    fn rounds() {
        for (value, digits, round, trunc) in [
            ("2.5", 0, "3", "2"),
            ("-2.5", 0, "-3", "-2"),
            ("1234.567", 2, "1234.57", "1234.56"),
            ("1254.567", -2, "1300", "1200"),
            ("1.5", 3, "1.500", "1.500"),
            ("0.4", 0, "0", "0"),
        ] {
            assert_eq!(dec(value).round(digits).map(|d| d.to_string()), Ok(round.to_owned()));
            assert_eq!(dec(value).trunc(digits).to_string(), trunc);
        }
        assert_eq!(dec("-1.5").floor().map(|d| d.to_string()), Ok("-2".to_owned()));
        assert_eq!(dec("-1.5").ceil().map(|d| d.to_string()), Ok("-1".to_owned()));
        assert_eq!(dec("1.01").ceil().map(|d| d.to_string()), Ok("2".to_owned()));
    }

    #[test]
    fn fits() {
        assert_eq!(dec("123.456").fit(5, 2).map(|d| d.to_string()), Ok("123.46".to_owned()));
        let refusal = dec("999.995").fit(5, 2).expect_err("too large");
        assert_eq!(refusal.code, "22003");
        assert_eq!(
            refusal.detail.as_deref(),
            Some("A field with precision 5, scale 2 must round to an absolute value less than 10^3.")
        );
        assert_eq!(dec("1250").fit(3, -2).map(|d| d.to_string()), Ok("1300".to_owned()));
        assert!(dec("0.01").fit(2, 3).is_ok());
        assert!(dec("0.1").fit(2, 3).is_err());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "\\PC*", number in "[-+]?[0-9]{0,5}\\.?[0-9]{0,5}(e[-+]?[0-9]{1,4})?") {
            let _ = Decimal::parse(&text);
            if let Ok(value) = Decimal::parse(&number) {
                proptest::prop_assert_eq!(Decimal::parse(&value.to_string()).map(|d| d.to_string()), Ok(value.to_string()));
            }
        }
    }
}
