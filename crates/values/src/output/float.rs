//! Floats to text: the shortest digits that read back as the same number, in PostgreSQL's notation.

/// Digits from which PostgreSQL writes an exponent.
const FLOAT8_DIGITS: i32 = 15;
const FLOAT4_DIGITS: i32 = 6;

/// Appends a `double precision`.
pub(crate) fn write_float8(value: f64, out: &mut Vec<u8>) {
    if !value.is_finite() {
        return write_special(value, out);
    }
    let mut buffer = ryu::Buffer::new();
    let mut shortest = Digits::read(buffer.format_finite(value).as_bytes());
    if is_halfway_float8(value, &shortest) {
        shortest = longer(shortest, |precision| {
            let text = format!("{value:.precision$e}");
            (text.parse() == Ok(value)).then_some(text)
        })
        .unwrap_or(shortest);
    }
    shortest.write(value.is_sign_negative(), FLOAT8_DIGITS, out);
}

/// Appends a `real`.
pub(crate) fn write_float4(value: f32, out: &mut Vec<u8>) {
    if !value.is_finite() {
        return write_special(f64::from(value), out);
    }
    let mut buffer = ryu::Buffer::new();
    let mut shortest = Digits::read(buffer.format_finite(value).as_bytes());
    if is_halfway_float4(value, &shortest) {
        shortest = longer(shortest, |precision| {
            let text = format!("{value:.precision$e}");
            (text.parse() == Ok(value)).then_some(text)
        })
        .unwrap_or(shortest);
    }
    shortest.write(value.is_sign_negative(), FLOAT4_DIGITS, out);
}

fn write_special(value: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(match value {
        _ if value.is_nan() => b"NaN",
        _ if value > 0.0 => b"Infinity",
        _ => b"-Infinity",
    });
}

/// A decimal: `0.d1d2d3…` × 10^`point`, without zeros at either end; no digit is zero.
#[derive(Clone, Copy)]
struct Digits {
    digits: [u8; 24],
    length: usize,
    point: i32,
}

impl Digits {
    /// Reads `-12.5e-7` and the like, as number formatters write it.
    fn read(text: &[u8]) -> Digits {
        let mut read = Digits { digits: [b'0'; 24], length: 0, point: 0 };
        let mut after_point = false;
        let mut at = 0;
        for byte in text {
            at += 1;
            match byte {
                b'.' => after_point = true,
                b'e' => break,
                b'0' if read.length == 0 => read.point -= i32::from(after_point),
                b'0'..=b'9' => {
                    if let Some(slot) = read.digits.get_mut(read.length) {
                        *slot = *byte;
                        read.length += 1;
                    }
                    read.point += i32::from(!after_point);
                }
                _ => {}
            }
        }
        let exponent = text.get(at..).and_then(|text| std::str::from_utf8(text).ok());
        read.point += exponent.and_then(|text| text.parse::<i32>().ok()).unwrap_or(0);
        while read.length > 0 && read.digits.get(read.length - 1) == Some(&b'0') {
            read.length -= 1;
        }
        read
    }

    fn as_slice(&self) -> &[u8] {
        self.digits.get(..self.length).unwrap_or_default()
    }

    /// The digits as a whole number, with the power of ten that it is multiplied by.
    fn whole(&self) -> (u128, i32) {
        let value = self.as_slice().iter().fold(0_u128, |sum, digit| sum * 10 + u128::from(digit - b'0'));
        (value, self.point - i32::try_from(self.length).unwrap_or(0))
    }

    /// Plain notation where the first digit stands between 10^-4 and 10^`most`, else with an exponent of two digits or more.
    fn write(&self, negative: bool, most: i32, out: &mut Vec<u8>) {
        if negative {
            out.push(b'-');
        }
        let digits = self.as_slice();
        let Some((first, rest)) = digits.split_first() else {
            out.push(b'0');
            return;
        };
        let exponent = self.point - 1;
        if (-4..most).contains(&exponent) {
            let before = usize::try_from(self.point).unwrap_or(0);
            let zeros = usize::try_from(-self.point).unwrap_or(0);
            if before == 0 {
                out.extend_from_slice(b"0.");
                out.resize(out.len() + zeros, b'0');
                out.extend_from_slice(digits);
            } else if let Some((whole, fraction)) = digits.split_at_checked(before) {
                out.extend_from_slice(whole);
                if !fraction.is_empty() {
                    out.push(b'.');
                    out.extend_from_slice(fraction);
                }
            } else {
                out.extend_from_slice(digits);
                out.resize(out.len() + before - digits.len(), b'0');
            }
            return;
        }
        out.push(*first);
        if !rest.is_empty() {
            out.push(b'.');
            out.extend_from_slice(rest);
        }
        out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
        let exponent = exponent.unsigned_abs();
        if exponent < 10 {
            out.push(b'0');
        }
        out.extend_from_slice(itoa::Buffer::new().format(exponent).as_bytes());
    }
}

/// PostgreSQL does not use a decimal that lies exactly half way to the neighbouring float, though it reads back as this one:
/// 1e23 is shown as 9.999999999999999e+22. Such decimals are whole and have 54 significant bits.
fn is_halfway_float8(value: f64, shortest: &Digits) -> bool {
    if value.abs() < 9e15 {
        return false;
    }
    let Some(decimal) = exact(shortest) else { return false };
    decimal.trailing_zeros() + 54 == 128 - decimal.leading_zeros()
}

fn is_halfway_float4(value: f32, shortest: &Digits) -> bool {
    if value.abs() < 1e7 {
        return false;
    }
    let Some(decimal) = exact(shortest) else { return false };
    decimal.trailing_zeros() + 25 == 128 - decimal.leading_zeros()
}

fn exact(shortest: &Digits) -> Option<u128> {
    let (value, power) = shortest.whole();
    let power = u32::try_from(power).ok()?;
    10_u128.checked_pow(power).and_then(|power| value.checked_mul(power)).filter(|decimal| *decimal > 0)
}

/// The shortest longer decimal that reads back as the value.
fn longer(shortest: Digits, read_back: impl Fn(usize) -> Option<String>) -> Option<Digits> {
    (shortest.length..17).find_map(|precision| {
        let digits = Digits::read(read_back(precision)?.as_bytes());
        (digits.length > shortest.length).then_some(digits)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn float8(value: f64) -> String {
        let mut out = Vec::new();
        write_float8(value, &mut out);
        String::from_utf8(out).expect("ascii")
    }

    fn float4(value: f32) -> String {
        let mut out = Vec::new();
        write_float4(value, &mut out);
        String::from_utf8(out).expect("ascii")
    }

    #[test]
    fn writes_as_postgresql_does() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (-12.5, "-12.5"),
            (1e15, "1e+15"),
            (123_456_789_012_345.0, "123456789012345"),
            (1_234_567_890_123_456.0, "1.234567890123456e+15"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1e20, "1e+20"),
            (1e22, "1e+22"),
            (1e23, "9.999999999999999e+22"),
            (2e23, "1.9999999999999998e+23"),
            (1.6e24, "1.5999999999999999e+24"),
            (9_007_199_254_740_992.0, "9.007199254740992e+15"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(float8(value), expected);
        }
        for (value, expected) in [
            (1.1_f32, "1.1"),
            (1e6, "1e+06"),
            (999_999.0, "999999"),
            (16_777_216.0, "1.6777216e+07"),
            (3e10, "3.0000001e+10"),
            (7e10, "7e+10"),
        ] {
            assert_eq!(float4(value), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn reads_back(bits in proptest::prelude::any::<u64>(), small in proptest::prelude::any::<u32>()) {
            let (value, real) = (f64::from_bits(bits), f32::from_bits(small));
            if value.is_finite() {
                proptest::prop_assert_eq!(float8(value).parse::<f64>(), Ok(value));
            }
            if real.is_finite() {
                proptest::prop_assert_eq!(float4(real).parse::<f32>(), Ok(real));
            }
        }
    }
}
