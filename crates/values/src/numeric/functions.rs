//! Roots, exponentials, logarithms and powers of decimals, to the scale that PostgreSQL chooses for each: at least 16
//! significant digits, never fewer than the arguments have. Computed in fixed point with guard digits, then rounded.

use std::f64::consts::LOG10_E;

use bigdecimal::num_bigint::BigInt;
use bigdecimal::num_traits::{One, Signed, ToPrimitive, Zero};

use super::{
    Decimal, MAX_DIGITS, MIN_SIGNIFICANT_DIGITS, UNIT_DIGITS, divide_rounding, division_by_zero, overflow,
    power_of_ten,
};
use crate::{Result, ValueError};

/// Digits computed beyond those asked for.
const GUARD_DIGITS: i64 = 25;

impl Decimal {
    /// The square root. Error: 2201F for a negative number.
    pub fn sqrt(&self) -> Result<Decimal> {
        if self.is_negative() {
            return Err(ValueError::new("2201F", "cannot take square root of a negative number"));
        }
        let weight = self.leading_unit().0 * UNIT_DIGITS / 2 + 1;
        let scale = result_scale(MIN_SIGNIFICANT_DIGITS - weight, &[self]);
        // One digit more than wanted decides the rounding: a root is never exactly half way.
        let root = (&self.unscaled * power_of_ten(2 * scale + 2 - i64::from(self.scale))).sqrt();
        Ok(Decimal::new(divide_rounding(&root, &BigInt::from(10)), scale_of(scale)))
    }

    /// e to this power. Error: 22003.
    pub fn exp(&self) -> Result<Decimal> {
        let weight = (self.to_f64() * LOG10_E).clamp(-2000.0, 2000.0);
        let scale = result_scale(MIN_SIGNIFICANT_DIGITS - whole(weight), &[self]);
        exponential(self, scale)
    }

    /// The natural logarithm. Error: 2201E for zero and below.
    pub fn ln(&self) -> Result<Decimal> {
        refuse_logarithm(self)?;
        let scale = result_scale(MIN_SIGNIFICANT_DIGITS - logarithm_weight(self), &[self]);
        let digits = scale + GUARD_DIGITS;
        Ok(Decimal::new(logarithm(self, digits), scale_of(digits)).rounded(scale))
    }

    /// The logarithm to base 10. Error: 2201E for zero and below.
    pub fn log10(&self) -> Result<Decimal> {
        self.log(&Decimal::from(10_i64))
    }

    /// The logarithm to a base. Errors: 2201E for zero and below, 22012 for base 1.
    pub fn log(&self, base: &Decimal) -> Result<Decimal> {
        refuse_logarithm(base)?;
        refuse_logarithm(self)?;
        let (base_weight, weight) = (logarithm_weight(base), logarithm_weight(self));
        let scale = result_scale(MIN_SIGNIFICANT_DIGITS - weight + base_weight, &[base, self]);
        let digits = scale + GUARD_DIGITS + 2 * (base_weight.abs() + weight.abs());
        let divisor = logarithm(base, digits);
        if divisor.is_zero() {
            return Err(division_by_zero());
        }
        let quotient = divide_rounding(&(logarithm(self, digits) * power_of_ten(scale)), &divisor);
        Decimal::new(quotient, scale_of(scale)).checked()
    }

    /// This number to a power. Errors: 2201F (zero to a negative power, a negative number to a fraction), 22003.
    pub fn pow(&self, exponent: &Decimal) -> Result<Decimal> {
        if self.is_zero() && exponent.is_negative() {
            return Err(ValueError::new("2201F", "zero raised to a negative power is undefined"));
        }
        if exponent.is_whole() {
            if let Some(power) = exponent.to_i64().and_then(|power| i32::try_from(power).ok()) {
                return whole_power(self, power);
            }
        } else if self.is_negative() {
            return Err(ValueError::new(
                "2201F",
                "a negative number raised to a non-integer power yields a complex result",
            ));
        }
        if self.is_zero() {
            return Ok(Decimal::new(BigInt::zero(), scale_of(MIN_SIGNIFICANT_DIGITS)));
        }
        let odd = (&exponent.trunc(0).unscaled % 2_u8).is_one()
            || (&exponent.trunc(0).unscaled % 2_u8).is_negative();
        let power = fractional_power(&self.abs(), exponent)?;
        Ok(if self.is_negative() && odd { power.neg() } else { power })
    }

    fn rounded(&self, scale: i64) -> Decimal {
        self.rescale(i32::try_from(scale).unwrap_or(0), divide_rounding)
    }
}

/// PostgreSQL's scale of a result: what 16 significant digits need, at least that of the arguments, in 0 to 1000.
fn result_scale(wanted: i64, arguments: &[&Decimal]) -> i64 {
    arguments.iter().map(|d| i64::from(d.scale)).fold(wanted, i64::max).clamp(0, i64::from(MAX_DIGITS))
}

fn scale_of(scale: i64) -> u32 {
    u32::try_from(scale).unwrap_or(0)
}

/// The whole part; callers have bounded the value.
#[allow(clippy::cast_possible_truncation)]
fn whole(value: f64) -> i64 {
    value as i64
}

fn refuse_logarithm(value: &Decimal) -> Result<()> {
    if value.is_zero() {
        return Err(ValueError::new("2201E", "cannot take logarithm of zero"));
    }
    if value.is_negative() {
        return Err(ValueError::new("2201E", "cannot take logarithm of a negative number"));
    }
    Ok(())
}

/// PostgreSQL's estimate of the position of the first digit of ln(value); 0 for what has no logarithm.
#[allow(clippy::cast_precision_loss, reason = "an estimate")]
fn logarithm_weight(value: &Decimal) -> i64 {
    let Some(position) = value.leading_position().filter(|_| !value.is_negative()) else { return 0 };
    let (low, high) = (Decimal::new(BigInt::from(9), 1), Decimal::new(BigInt::from(11), 1));
    if *value >= low && *value <= high {
        let difference = value.sub(&Decimal::one()).ok();
        return difference.and_then(|d| d.leading_position()).unwrap_or(0);
    }
    let digits: String = value.unscaled.magnitude().to_string().chars().take(8).collect();
    let leading =
        digits.parse::<f64>().unwrap_or(1.0) / 10_f64.powi(i32::try_from(digits.len()).unwrap_or(1) - 1);
    let logarithm = leading.ln() + position as f64 * std::f64::consts::LN_10;
    whole(logarithm.abs().log10())
}

/// e^value rounded to a scale.
fn exponential(value: &Decimal, scale: i64) -> Result<Decimal> {
    let estimate = value.to_f64();
    // More than MAX_DIGITS digits before the point, or nothing but zeros after it.
    if estimate > f64::from(MAX_DIGITS) * 2.31 {
        return Err(overflow());
    }
    if estimate < -f64::from(MAX_DIGITS) * 6.0 {
        return Ok(Decimal::new(BigInt::zero(), scale_of(scale)));
    }
    let digits = scale + GUARD_DIGITS + whole((estimate * LOG10_E).abs()) + 1;
    let one = power_of_ten(digits);
    let argument = value.abs().rounded(digits).unscaled;
    // Halving the argument until it is below 2^-8 keeps the series short; squaring as often undoes it.
    let halvings = (whole(estimate.abs().max(1.0).log2()) + 10).unsigned_abs();
    let argument = argument >> halvings;
    let (mut sum, mut term, mut n) = (one.clone(), one.clone(), 1_u32);
    while !term.is_zero() {
        term = &term * &argument / &one / n;
        sum += &term;
        n = n.saturating_add(1);
    }
    for _ in 0..halvings {
        sum = &sum * &sum / &one;
    }
    if value.is_negative() {
        sum = &one * &one / sum;
    }
    Decimal::new(sum, scale_of(digits)).rounded(scale).checked()
}

/// ln(value) in fixed point with this many digits.
fn logarithm(value: &Decimal, digits: i64) -> BigInt {
    let guarded = digits + 15;
    let position = value.leading_position().unwrap_or(0);
    // Bring the value near 1 (0.5 to 5), so that nothing cancels for values that are near 1 themselves.
    let leading = value.quotient(&Decimal::new(BigInt::one(), 0).shifted(position), 2);
    let shift = if leading.to_f64() >= 5.0 { position + 1 } else { position };
    let mantissa = value.quotient(&Decimal::one().shifted(shift), scale_of(guarded)).unscaled;
    let near = logarithm_near_one(&mantissa, guarded);
    let far = if shift == 0 {
        BigInt::zero()
    } else {
        // ln 10 = 2 ln 4 - ln 1.6
        let four = logarithm_near_one(&(power_of_ten(guarded) * 4_u8), guarded);
        let rest = logarithm_near_one(&(power_of_ten(guarded - 1) * 16_u8), guarded);
        (four * 2_u8 - rest) * shift
    };
    divide_rounding(&(near + far), &power_of_ten(guarded - digits))
}

/// ln of a fixed-point number between 0.4 and 5: square roots bring it near 1, then 2 artanh((m-1)/(m+1)).
fn logarithm_near_one(mantissa: &BigInt, digits: i64) -> BigInt {
    const ROOTS: u32 = 10;
    let one = power_of_ten(digits);
    let mut root = mantissa.clone();
    for _ in 0..ROOTS {
        root = (root * &one).sqrt();
    }
    let y = (&root - &one) * &one / (&root + &one);
    let square = &y * &y / &one;
    let (mut sum, mut power, mut n) = (BigInt::zero(), y, 1_u32);
    while !power.is_zero() {
        sum += &power / n;
        power = power * &square / &one;
        n = n.saturating_add(2);
    }
    sum << (ROOTS + 1)
}

impl Decimal {
    /// Times 10 to a power.
    fn shifted(&self, positions: i64) -> Decimal {
        if positions >= 0 {
            Decimal::new(&self.unscaled * power_of_ten(positions), self.scale)
        } else {
            Decimal::new(self.unscaled.clone(), self.scale + scale_of(-positions))
        }
    }
}

/// PostgreSQL's `power_var_int`.
fn whole_power(base: &Decimal, power: i32) -> Result<Decimal> {
    let scale = result_scale(MIN_SIGNIFICANT_DIGITS, &[base]);
    match power {
        0 => return Decimal::one().rounded(scale).checked(),
        1 => return base.rounded(scale).checked(),
        2 => return square(base, scale).checked(),
        -1 => return Decimal::one().quotient(base, scale_of(scale)).checked(),
        _ => {}
    }
    let Some(position) = base.leading_position() else {
        return Ok(Decimal::new(BigInt::zero(), scale_of(scale)));
    };
    let digits: String = base.unscaled.magnitude().to_string().chars().take(16).collect();
    let leading =
        digits.parse::<f64>().unwrap_or(1.0) / 10_f64.powi(i32::try_from(digits.len()).unwrap_or(1) - 1);
    #[allow(clippy::cast_precision_loss, reason = "an estimate")]
    let weight = f64::from(power) * (leading.log10() + position as f64);
    if weight > f64::from(MAX_DIGITS) + 1.0 {
        return Err(overflow());
    }
    if weight + 1.0 < -(scale as f64) {
        return Ok(Decimal::new(BigInt::zero(), scale_of(scale)));
    }
    // Multiply with as many significant digits as the result shows, plus guard digits.
    let significant = 1 + scale + whole(weight).max(0) + GUARD_DIGITS;
    let mut remaining = power.unsigned_abs();
    let mut factor = Floating::new(base, significant);
    let mut product = Floating::new(&Decimal::one(), significant);
    while remaining > 0 {
        if remaining & 1 == 1 {
            product = product.times(&factor);
        }
        remaining >>= 1;
        if remaining > 0 {
            factor = factor.times(&factor);
        }
    }
    let product = if power < 0 { product.inverse() } else { product };
    product.round(scale).checked()
}

fn square(base: &Decimal, scale: i64) -> Decimal {
    Decimal::new(&base.unscaled * &base.unscaled, base.scale * 2).rounded(scale)
}

/// A number with a bounded count of significant digits: `mantissa` × 10^`exponent`.
struct Floating {
    mantissa: BigInt,
    exponent: i64,
    significant: i64,
}

impl Floating {
    fn new(value: &Decimal, significant: i64) -> Floating {
        Floating { mantissa: value.unscaled.clone(), exponent: -i64::from(value.scale), significant }
            .shortened()
    }

    fn shortened(self) -> Floating {
        // 0.30103 digits per bit, from below: a digit too many does no harm.
        let digits = i64::try_from(self.mantissa.bits()).unwrap_or(i64::MAX).saturating_mul(30102) / 100_000;
        let drop = digits - self.significant;
        if drop <= 0 {
            return self;
        }
        Floating {
            mantissa: divide_rounding(&self.mantissa, &power_of_ten(drop)),
            exponent: self.exponent.saturating_add(drop),
            ..self
        }
    }

    fn times(&self, other: &Floating) -> Floating {
        let mantissa = &self.mantissa * &other.mantissa;
        let exponent = self.exponent.saturating_add(other.exponent);
        Floating { mantissa, exponent, significant: self.significant }.shortened()
    }

    fn inverse(&self) -> Floating {
        let digits = self.significant + self.mantissa.magnitude().to_string().len().to_i64().unwrap_or(0);
        let mantissa = divide_rounding(&power_of_ten(digits), &self.mantissa);
        Floating { mantissa, exponent: -(digits + self.exponent), significant: self.significant }.shortened()
    }

    /// To a scale; the caller has bounded the size.
    fn round(&self, scale: i64) -> Decimal {
        let shift = scale + self.exponent;
        let unscaled = if shift >= 0 {
            &self.mantissa * power_of_ten(shift)
        } else if -shift > self.mantissa.magnitude().to_string().len().to_i64().unwrap_or(0) + 1 {
            BigInt::zero()
        } else {
            divide_rounding(&self.mantissa, &power_of_ten(-shift))
        };
        Decimal::new(unscaled, scale_of(scale))
    }
}

/// base^exponent = e^(exponent · ln base), for a positive base.
fn fractional_power(base: &Decimal, exponent: &Decimal) -> Result<Decimal> {
    let exponent_size = exponent.leading_position().unwrap_or(0).max(0);
    // A first look at the size, with some more than eight significant digits of the logarithm.
    let rough = 10 - logarithm_weight(base).min(0) + exponent_size;
    let size = Decimal::new(logarithm(base, rough), scale_of(rough)).product(exponent).to_f64();
    if size > f64::from(MAX_DIGITS) * 2.31 {
        return Err(overflow());
    }
    if size < -f64::from(MAX_DIGITS) * 6.02 {
        return Ok(Decimal::new(BigInt::zero(), MAX_DIGITS));
    }
    let weight = whole(size * LOG10_E);
    let scale = result_scale(MIN_SIGNIFICANT_DIGITS - weight, &[base, exponent]);
    let digits = scale + weight.max(0) + exponent_size + GUARD_DIGITS;
    let argument = Decimal::new(logarithm(base, digits), scale_of(digits)).product(exponent);
    exponential(&argument.rounded(digits), scale)
}

impl Decimal {
    /// The product without a limit on its digits.
    fn product(&self, other: &Decimal) -> Decimal {
        Decimal::new(&self.unscaled * &other.unscaled, self.scale + other.scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        Decimal::parse(text).expect(text)
    }

    fn text(result: Result<Decimal>) -> String {
        result.map_or_else(|e| e.code.to_owned(), |d| d.to_string())
    }

    #[test]
    fn gives_postgresqls_digits() {
        for (name, result, expected) in [
            ("sqrt 2", dec("2").sqrt(), "1.414213562373095"),
            ("sqrt 0", dec("0").sqrt(), "0.000000000000000"),
            ("sqrt 1e-9", dec("1e-9").sqrt(), "0.000031622776601683793"),
            ("sqrt -1", dec("-1").sqrt(), "2201F"),
            ("exp 1", dec("1").exp(), "2.7182818284590452"),
            ("exp -10", dec("-10").exp(), "0.00004539992976248485"),
            ("exp 5000", dec("5000").exp(), "22003"),
            ("ln 2", dec("2").ln(), "0.6931471805599453"),
            ("ln 1.0001", dec("1.0001").ln(), "0.00009999500033330834"),
            ("ln 0", dec("0").ln(), "2201E"),
            ("log 1000", dec("1000").log10(), "3.0000000000000000"),
            ("log 2 64", dec("64").log(&dec("2")), "6.0000000000000000"),
            ("log base 1", dec("64").log(&dec("1")), "22012"),
            ("2^10", dec("2").pow(&dec("10")), "1024.0000000000000000"),
            ("2^-3", dec("2").pow(&dec("-3")), "0.1250000000000000"),
            ("2^0.5", dec("2").pow(&dec("0.5")), "1.4142135623730950"),
            ("-8^0.5", dec("-8").pow(&dec("0.5")), "2201F"),
            ("0^-1", dec("0").pow(&dec("-1")), "2201F"),
            ("9^9999999", dec("9").pow(&dec("9999999")), "22003"),
            ("power 1", dec("1.5").pow(&dec("7.25")), "18.908698112379713"),
            ("power 2", dec("123456.789").pow(&dec("3.3")), "63386887152429046.728"),
            ("power 3", dec("0.001").pow(&dec("-2.5")), "31622776.601683793"),
            ("power 4", dec("1.000001").pow(&dec("100000.5")), "1.1051714154024332"),
            ("power 5", dec("12345.678").pow(&dec("7")), "43712396655645840078076291195.9316045428221021"),
            ("power 6", dec("-2.5").pow(&dec("3")), "-15.6250000000000000"),
            ("power 7", dec("100").pow(&dec("0.5")), "10.000000000000000"),
            ("power 8", dec("7.5").pow(&dec("0")), "1.0000000000000000"),
            ("ln", dec("123456789.123").ln(), "18.631401767164318"),
            ("exp", dec("12.345").exp(), "229808.12486124595"),
            ("log", dec("99").log(&dec("3.7")), "3.5121948949986826"),
            ("power tiny", dec("0.9").pow(&dec("2147483647")), "0.0000000000000000"),
        ] {
            assert_eq!(text(result), expected, "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(a in "-?[0-9]{1,6}(\\.[0-9]{1,6})?", b in "-?[0-9]{1,4}(\\.[0-9]{1,4})?") {
            let (a, b) = (dec(&a), dec(&b));
            let _ = (a.sqrt(), a.exp(), a.ln(), a.log(&b), a.pow(&b), a.div(&b), a.rem(&b));
        }
    }
}
