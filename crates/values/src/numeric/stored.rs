//! The order of numerics in storage form, straight from their digits: what sorting and indexes call most.

use std::cmp::Ordering;

/// Compares two numerics in storage form without reading them into numbers. Any other text is compared by its bytes.
pub fn compare_stored(a: &str, b: &str) -> Ordering {
    let (Some(left), Some(right)) = (Plain::read(a), Plain::read(b)) else { return a.cmp(b) };
    match (left.negative, right.negative) {
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => left.magnitude(&right),
        (true, true) => right.magnitude(&left),
    }
}

/// The parts of a stored numeric, zeros that do not count removed.
struct Plain<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
}

impl Plain<'_> {
    fn read(text: &str) -> Option<Plain<'_>> {
        let (sign, digits) = match text.as_bytes() {
            [b'-', rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        let point = digits.iter().position(|b| *b == b'.');
        let (whole, fraction) = match point {
            Some(at) => (digits.get(..at)?, digits.get(at + 1..)?),
            None => (digits, &[][..]),
        };
        let is_digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
        if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
            return None;
        }
        let whole = whole.get(whole.iter().position(|b| *b != b'0').unwrap_or(whole.len())..)?;
        let fraction = fraction.get(..fraction.iter().rposition(|b| *b != b'0').map_or(0, |at| at + 1))?;
        let negative = sign && !(whole.is_empty() && fraction.is_empty());
        Some(Plain { negative, whole, fraction })
    }

    fn magnitude(&self, other: &Plain<'_>) -> Ordering {
        self.whole
            .len()
            .cmp(&other.whole.len())
            .then_with(|| self.whole.cmp(other.whole))
            .then_with(|| self.fraction.cmp(other.fraction))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Decimal;
    use super::*;

    fn dec(text: &str) -> Decimal {
        Decimal::parse(text).expect(text)
    }

    #[test]
    fn compares_stored_text_by_value() {
        let mut sorted =
            ["-10", "-9.5", "-0.5", "-0.05", "0", "0.05", "0.5", "0.55", "1", "9.99", "10", "100.1"];
        sorted.reverse();
        sorted.sort_by(|a, b| compare_stored(a, b));
        assert_eq!(sorted[0], "-10");
        assert_eq!(sorted[11], "100.1");
        assert!(sorted.windows(2).all(|pair| dec(pair[0]) < dec(pair[1])));
        assert_eq!(compare_stored("1.0", "1.00"), Ordering::Equal);
        assert_eq!(compare_stored("0", "-0.00"), Ordering::Equal);
        assert_eq!(compare_stored("x", "1"), "x".cmp("1"));
    }
}
