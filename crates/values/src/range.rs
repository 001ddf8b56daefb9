//! Ranges: bounds, canonical form, order, and what is computed from them (PostgreSQL's manual, "Range Types" and "Range Functions
//! and Operators"). Their text syntax is `literal`'s; the SQL functions are `builtin::range`'s.
//!
//! A range is kept as `[1,5)`: the bounds in the storage form of the subtype, nothing where there is none, or `empty`. Ranges of
//! integers and dates are always kept with an inclusive lower and an exclusive upper bound, so equal ones are the same text.

mod literal;

use std::cmp::Ordering;

use crate::compare::compare;
use crate::{Result, Type, Value, ValueError, ValueRef};

pub use literal::{parse, write_text};

/// What a range is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RangeKind {
    /// `int4range`
    Int4,
    /// `int8range`
    Int8,
    /// `numrange`
    Num,
    /// `tsrange`
    Ts,
    /// `tstzrange`
    Tstz,
    /// `daterange`
    Date,
}

/// One end of a range.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// The value; none where the range has no end
    pub value: Option<Value>,
    /// Whether the value belongs to the range
    pub inclusive: bool,
}

/// A range in canonical form.
#[derive(Clone, Debug, PartialEq)]
pub enum Range {
    /// No value at all
    Empty,
    /// From the first bound to the second
    Bounds(Bound, Bound),
}

/// A bound, and whether it is the lower one.
type Side<'b> = (&'b Bound, bool);

impl RangeKind {
    /// All kinds.
    pub const ALL: [RangeKind; 6] =
        [RangeKind::Int4, RangeKind::Int8, RangeKind::Num, RangeKind::Ts, RangeKind::Tstz, RangeKind::Date];

    /// PostgreSQL's name of the type.
    pub fn name(self) -> &'static str {
        match self {
            RangeKind::Int4 => "int4range",
            RangeKind::Int8 => "int8range",
            RangeKind::Num => "numrange",
            RangeKind::Ts => "tsrange",
            RangeKind::Tstz => "tstzrange",
            RangeKind::Date => "daterange",
        }
    }

    /// The type of the bounds.
    pub fn subtype(self) -> Type {
        match self {
            RangeKind::Int4 => Type::Int4,
            RangeKind::Int8 => Type::Int8,
            RangeKind::Num => Type::Numeric,
            RangeKind::Ts => Type::Timestamp,
            RangeKind::Tstz => Type::Timestamptz,
            RangeKind::Date => Type::Date,
        }
    }

    /// The range between two bounds, in canonical form. Errors: 22000 when the lower one is above the upper one, 22003 and 22008
    /// when a bound has no successor.
    pub fn range(self, lower: Bound, upper: Bound) -> Result<Range> {
        let known = |bound: Bound| Bound { inclusive: bound.inclusive && bound.value.is_some(), ..bound };
        let range = self.checked(known(lower), known(upper))?;
        let Range::Bounds(lower, upper) = range else { return Ok(Range::Empty) };
        let lower = if lower.inclusive { lower } else { self.flipped(lower)? };
        let upper = if upper.inclusive { self.flipped(upper)? } else { upper };
        self.checked(lower, upper)
    }

    fn checked(self, lower: Bound, upper: Bound) -> Result<Range> {
        if let (Some(from), Some(to)) = (&lower.value, &upper.value) {
            match compare(&self.subtype(), from.as_ref(), to.as_ref()) {
                Ordering::Less => {}
                Ordering::Equal if lower.inclusive && upper.inclusive => {}
                Ordering::Equal => return Ok(Range::Empty),
                Ordering::Greater => {
                    let message = "range lower bound must be less than or equal to range upper bound";
                    return Err(ValueError::new("22000", message));
                }
            }
        }
        Ok(Range::Bounds(lower, upper))
    }

    /// The same bound of a discrete range, said by the next value and the other inclusion.
    fn flipped(self, bound: Bound) -> Result<Bound> {
        let Some(Value::Int(value)) = bound.value else { return Ok(bound) };
        let next = match self {
            RangeKind::Int4 if value >= i64::from(i32::MAX) => Err(("22003", "integer out of range")),
            RangeKind::Int8 if value == i64::MAX => Err(("22003", "bigint out of range")),
            RangeKind::Date if value == i64::MIN || value == i64::MAX => return Ok(bound),
            RangeKind::Date if value >= crate::datetime::MAX_DATE => Err(("22008", "date out of range")),
            RangeKind::Int4 | RangeKind::Int8 | RangeKind::Date => Ok(value + 1),
            RangeKind::Num | RangeKind::Ts | RangeKind::Tstz => return Ok(bound),
        };
        match next {
            Ok(next) => Ok(Bound { value: Some(Value::Int(next)), inclusive: !bound.inclusive }),
            Err((code, message)) => Err(ValueError::new(code, message)),
        }
    }

    /// Reads the storage form.
    pub fn decode(self, stored: &str) -> Result<Range> {
        if stored == "empty" {
            return Ok(Range::Empty);
        }
        let broken = || ValueError::new("XX000", format!("malformed stored {}: {stored}", self.name()));
        let inside = stored.get(1..stored.len().saturating_sub(1)).ok_or_else(broken)?;
        let (lower, upper) = inside.split_once(',').ok_or_else(broken)?;
        let value = |text: &str| -> Result<Option<Value>> {
            Ok(match (text, self) {
                ("", _) => None,
                (text, RangeKind::Num) => Some(Value::Text(text.to_owned())),
                (text, _) => Some(Value::Int(text.parse().map_err(|_| broken())?)),
            })
        };
        Ok(Range::Bounds(
            Bound { value: value(lower)?, inclusive: stored.starts_with('[') },
            Bound { value: value(upper)?, inclusive: stored.ends_with(']') },
        ))
    }

    /// The order of two ranges: the empty one first, then by the lower bounds, then by the upper ones.
    pub fn compare(self, a: &Range, b: &Range) -> Ordering {
        match (a, b) {
            (Range::Empty, Range::Empty) => Ordering::Equal,
            (Range::Empty, _) => Ordering::Less,
            (_, Range::Empty) => Ordering::Greater,
            (Range::Bounds(from, to), Range::Bounds(other_from, other_to)) => self
                .compare_bounds((from, true), (other_from, true))
                .then_with(|| self.compare_bounds((to, false), (other_to, false))),
        }
    }

    /// Where one bound lies from the other: what is exclusive lies a little inside.
    fn compare_bounds(self, (a, a_lower): Side<'_>, (b, b_lower): Side<'_>) -> Ordering {
        let beyond = |is_lower: bool| if is_lower { Ordering::Less } else { Ordering::Greater };
        match (&a.value, &b.value) {
            (None, None) if a_lower == b_lower => Ordering::Equal,
            (None, _) => beyond(a_lower),
            (_, None) => beyond(b_lower).reverse(),
            (Some(x), Some(y)) => compare(&self.subtype(), x.as_ref(), y.as_ref()).then_with(|| {
                match (a.inclusive, b.inclusive) {
                    (true, true) => Ordering::Equal,
                    (false, false) if a_lower == b_lower => Ordering::Equal,
                    (false, _) => beyond(a_lower).reverse(),
                    (true, false) => beyond(b_lower),
                }
            }),
        }
    }

    /// `a @> b`
    pub fn contains(self, a: &Range, b: &Range) -> bool {
        match (a, b) {
            (_, Range::Empty) => true,
            (Range::Empty, _) => false,
            (Range::Bounds(from, to), Range::Bounds(other_from, other_to)) => {
                self.compare_bounds((from, true), (other_from, true)).is_le()
                    && self.compare_bounds((to, false), (other_to, false)).is_ge()
            }
        }
    }

    /// `range @> value`
    pub fn contains_value(self, range: &Range, value: ValueRef<'_>) -> bool {
        let Range::Bounds(lower, upper) = range else { return false };
        let inside = |bound: &Bound, beyond: Ordering| match &bound.value {
            None => true,
            Some(end) => match compare(&self.subtype(), value, end.as_ref()) {
                Ordering::Equal => bound.inclusive,
                order => order != beyond,
            },
        };
        inside(lower, Ordering::Less) && inside(upper, Ordering::Greater)
    }

    /// `a && b`
    pub fn overlaps(self, a: &Range, b: &Range) -> bool {
        let (Range::Bounds(from, to), Range::Bounds(other_from, other_to)) = (a, b) else { return false };
        self.compare_bounds((from, true), (other_to, false)).is_le()
            && self.compare_bounds((other_from, true), (to, false)).is_le()
    }

    /// `a << b`
    pub fn is_before(self, a: &Range, b: &Range) -> bool {
        let (Range::Bounds(_, to), Range::Bounds(from, _)) = (a, b) else { return false };
        self.compare_bounds((to, false), (from, true)).is_lt()
    }

    /// `a &< b`: it does not extend to the right of the other
    pub fn ends_within(self, a: &Range, b: &Range) -> bool {
        let (Range::Bounds(_, to), Range::Bounds(_, other)) = (a, b) else { return false };
        self.compare_bounds((to, false), (other, false)).is_le()
    }

    /// `a &> b`: it does not extend to the left of the other
    pub fn starts_within(self, a: &Range, b: &Range) -> bool {
        let (Range::Bounds(from, _), Range::Bounds(other, _)) = (a, b) else { return false };
        self.compare_bounds((from, true), (other, true)).is_ge()
    }

    /// `a -|- b`
    pub fn is_adjacent(self, a: &Range, b: &Range) -> bool {
        let (Range::Bounds(from, to), Range::Bounds(other_from, other_to)) = (a, b) else { return false };
        self.meets(to, other_from) || self.meets(other_to, from)
    }

    /// Whether nothing lies between the end of one range and the start of another, and they share nothing.
    fn meets(self, end: &Bound, start: &Bound) -> bool {
        match (&end.value, &start.value) {
            (Some(a), Some(b)) => match compare(&self.subtype(), a.as_ref(), b.as_ref()) {
                Ordering::Equal => end.inclusive != start.inclusive,
                // Between them lies what neither has: nothing, where the values are next to each other.
                Ordering::Less => {
                    let between = |bound: &Bound| Bound { inclusive: !bound.inclusive, ..bound.clone() };
                    let is_discrete = matches!(self, RangeKind::Int4 | RangeKind::Int8 | RangeKind::Date);
                    is_discrete && self.range(between(end), between(start)) == Ok(Range::Empty)
                }
                Ordering::Greater => false,
            },
            _ => false,
        }
    }

    /// `a + b`; 22000 where they neither overlap nor meet.
    pub fn union(self, a: &Range, b: &Range) -> Result<Range> {
        let both = *a != Range::Empty && *b != Range::Empty;
        if both && !self.overlaps(a, b) && !self.is_adjacent(a, b) {
            return Err(ValueError::new("22000", "result of range union would not be contiguous"));
        }
        Ok(self.merge(a, b))
    }

    /// The smallest range that contains both.
    pub fn merge(self, a: &Range, b: &Range) -> Range {
        match (a, b) {
            (Range::Empty, other) | (other, Range::Empty) => other.clone(),
            (Range::Bounds(from, to), Range::Bounds(other_from, other_to)) => {
                let first = self.compare_bounds((from, true), (other_from, true)).is_lt();
                let last = self.compare_bounds((to, false), (other_to, false)).is_gt();
                let lower = if first { from } else { other_from };
                let upper = if last { to } else { other_to };
                Range::Bounds(lower.clone(), upper.clone())
            }
        }
    }

    /// `a * b`
    pub fn intersection(self, a: &Range, b: &Range) -> Result<Range> {
        match (a, b) {
            (Range::Bounds(from, to), Range::Bounds(other_from, other_to)) if self.overlaps(a, b) => {
                let last = self.compare_bounds((from, true), (other_from, true)).is_ge();
                let first = self.compare_bounds((to, false), (other_to, false)).is_le();
                let lower = if last { from } else { other_from };
                let upper = if first { to } else { other_to };
                self.range(lower.clone(), upper.clone())
            }
            _ => Ok(Range::Empty),
        }
    }

    /// `a - b`; 22000 where two pieces would be left.
    pub fn difference(self, a: &Range, b: &Range) -> Result<Range> {
        let (Range::Bounds(from, to), Range::Bounds(other_from, other_to)) = (a, b) else {
            return Ok(a.clone());
        };
        let starts = self.compare_bounds((from, true), (other_from, true));
        let ends = self.compare_bounds((to, false), (other_to, false));
        if starts.is_lt() && ends.is_gt() {
            return Err(ValueError::new("22000", "result of range difference would not be contiguous"));
        }
        if !self.overlaps(a, b) {
            return Ok(a.clone());
        }
        let cut = |bound: &Bound| Bound { inclusive: !bound.inclusive, ..bound.clone() };
        if starts.is_ge() && ends.is_le() {
            Ok(Range::Empty)
        } else if starts.is_lt() {
            self.range(from.clone(), cut(other_from))
        } else {
            self.range(cut(other_to), to.clone())
        }
    }
}

impl Range {
    /// The storage form.
    pub fn encode(&self) -> String {
        let Range::Bounds(lower, upper) = self else { return "empty".to_owned() };
        let value = |bound: &Bound| match &bound.value {
            Some(Value::Int(value)) => value.to_string(),
            Some(Value::Text(value)) => value.clone(),
            _ => String::new(),
        };
        format!(
            "{}{},{}{}",
            if lower.inclusive { '[' } else { '(' },
            value(lower),
            value(upper),
            if upper.inclusive { ']' } else { ')' }
        )
    }
}

/// Compares two stored ranges; text that is none by its bytes.
pub fn compare_stored(kind: RangeKind, a: &str, b: &str) -> Ordering {
    match (kind.decode(a), kind.decode(b)) {
        (Ok(a), Ok(b)) => kind.compare(&a, &b),
        _ => a.cmp(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Session;

    fn read(kind: RangeKind, text: &str) -> String {
        parse(kind, text, &Session::utc()).map_or_else(|e| e.message, |range| range.encode())
    }

    /// In PostgreSQL's order, each different from the next.
    #[test]
    fn orders_as_postgresql_does() {
        for (kind, sorted) in [
            (
                RangeKind::Int4,
                vec!["empty", "(,4)", "(,5)", "(,)", "[1,5)", "[2,4)", "[3,8)", "[3,)", "[5,9)", "[9,12)"],
            ),
            (
                RangeKind::Num,
                vec![
                    "empty", "(,1)", "(,)", "[1,1]", "[1,5)", "(1,5]", "(1,)", "[2.5,3]", "[5,5]", "[5,6)",
                    "(5,6]", "(5,9)", "[10,11)",
                ],
            ),
            (
                RangeKind::Ts,
                vec![
                    "empty",
                    "(,2024-01-01 10:00)",
                    "[-infinity,)",
                    "[2024-01-01,2024-02-01)",
                    "(2024-01-15,2024-02-01]",
                    "[2024-02-01,)",
                ],
            ),
            (
                RangeKind::Date,
                vec![
                    "empty",
                    "(,2024-01-01)",
                    "[-infinity,infinity]",
                    "[2024-01-01,2024-01-31]",
                    "(2024-01-15,)",
                    "[2024-02-01,2024-02-29]",
                ],
            ),
        ] {
            for (index, a) in sorted.iter().enumerate() {
                for (other, b) in sorted.iter().enumerate() {
                    let order = compare_stored(kind, &read(kind, a), &read(kind, b));
                    assert_eq!(order, index.cmp(&other), "{} {a} {b}", kind.name());
                }
            }
        }
        let equal = |a: &str, b: &str| compare_stored(RangeKind::Num, a, b);
        assert_eq!(equal("[1,5)", "[1.0,5.00)"), Ordering::Equal);
        assert_eq!(equal("[1,5)", "[1.0,5.00]"), Ordering::Less);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(a in "\\PC{0,16}", b in "[\\[(][-0-9.]{0,4},[-0-9.]{0,4}[\\])]") {
            for kind in RangeKind::ALL {
                let _ = read(kind, &a);
                let _ = read(kind, &b);
                proptest::prop_assert_eq!(compare_stored(kind, &a, &b), compare_stored(kind, &b, &a).reverse());
                // What was read is written as it is read again.
                if let Ok(range) = parse(kind, &b, &Session::utc()) {
                    let mut text = Vec::new();
                    write_text(kind, &range.encode(), &Session::utc(), &mut text);
                    let text = String::from_utf8_lossy(&text).into_owned();
                    proptest::prop_assert_eq!(read(kind, &text), range.encode());
                }
            }
        }
    }
}
