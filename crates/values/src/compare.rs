//! The order of values: PostgreSQL's default B-tree order of each type, text by code point.

use std::cmp::Ordering;

use crate::array::{self, Array};
use crate::interval::Interval;
use crate::json::Json;
use crate::search::Vector;
use crate::{Type, ValueRef, numeric, range};

/// Compares two non-null values of one type in storage form. A null sorts last.
pub fn compare(ty: &Type, a: ValueRef<'_>, b: ValueRef<'_>) -> Ordering {
    match (a, b) {
        (ValueRef::Null, ValueRef::Null) => Ordering::Equal,
        (ValueRef::Null, _) => Ordering::Greater,
        (_, ValueRef::Null) => Ordering::Less,
        (ValueRef::Int(a), ValueRef::Int(b)) => a.cmp(&b),
        (ValueRef::Float(a), ValueRef::Float(b)) => compare_floats(a, b),
        (ValueRef::Int(a), ValueRef::Float(b)) => compare_floats(widened(a), b),
        (ValueRef::Float(a), ValueRef::Int(b)) => compare_floats(a, widened(b)),
        (ValueRef::Text(a), ValueRef::Text(b)) => compare_text(ty, a, b),
        (ValueRef::Bytes(a), ValueRef::Bytes(b)) => a.cmp(b),
        // Different shapes do not occur within a type; any fixed order will do.
        (a, b) => shape(a).cmp(&shape(b)),
    }
}

/// Whether the storage form orders (and equals) as the type does, byte by byte or number by number: `false` for numeric,
/// interval, jsonb, char, enum, ranges and arrays, whose texts need [`compare_text`].
pub fn is_plain(ty: &Type) -> bool {
    !matches!(
        ty,
        Type::Numeric
            | Type::Interval
            | Type::Jsonb
            | Type::Char
            | Type::Tsvector
            | Type::Enum(_)
            | Type::Range(_)
            | Type::Array(_)
    )
}

/// Compares two values of a type that is not plain by their stored text. Text that is no value of the type is ordered by its
/// bytes.
pub fn compare_text(ty: &Type, a: &str, b: &str) -> Ordering {
    match ty {
        Type::Numeric => numeric::compare_stored(a, b),
        Type::Char => a.trim_end_matches(' ').cmp(b.trim_end_matches(' ')),
        _ if a == b => Ordering::Equal,
        Type::Interval => {
            both(Interval::parse(a), Interval::parse(b)).map_or_else(|| a.cmp(b), |(a, b)| a.compare(&b))
        }
        Type::Jsonb => {
            both(Json::parse_jsonb(a), Json::parse_jsonb(b)).map_or_else(|| a.cmp(b), |(a, b)| a.compare(&b))
        }
        Type::Tsvector => {
            both(Vector::parse(a), Vector::parse(b)).map_or_else(|| a.cmp(b), |(a, b)| a.compare(&b))
        }
        Type::Enum(labels) => {
            let rank =
                |text: &str| labels.labels.iter().position(|label| label == text).unwrap_or(usize::MAX);
            rank(a).cmp(&rank(b)).then_with(|| a.cmp(b))
        }
        Type::Range(kind) => range::compare_stored(*kind, a, b),
        Type::Array(element) => both(array::decode(element, a), array::decode(element, b))
            .map_or_else(|| a.cmp(b), |(a, b)| compare_arrays(element, &a, &b)),
        _ => a.cmp(b),
    }
}

/// Element by element, then by number of elements, then by dimensions. Null elements sort last.
fn compare_arrays(element: &Type, a: &Array, b: &Array) -> Ordering {
    a.elements
        .iter()
        .zip(&b.elements)
        .map(|(a, b)| compare(element, a.as_ref(), b.as_ref()))
        .find(|order| order.is_ne())
        .unwrap_or_else(|| a.elements.len().cmp(&b.elements.len()))
        .then_with(|| a.dimensions.len().cmp(&b.dimensions.len()))
        .then_with(|| a.dimensions.cmp(&b.dimensions))
}

fn both<T, E>(a: Result<T, E>, b: Result<T, E>) -> Option<(T, T)> {
    Some((a.ok()?, b.ok()?))
}

/// Zeros are equal whatever their sign. Values have no NaN.
fn compare_floats(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.total_cmp(&b))
}

#[allow(clippy::cast_precision_loss, reason = "a whole float that an engine keeps as an integer")]
fn widened(value: i64) -> f64 {
    value as f64
}

fn shape(value: ValueRef<'_>) -> u8 {
    match value {
        ValueRef::Int(_) => 0,
        ValueRef::Float(_) => 1,
        ValueRef::Text(_) => 2,
        ValueRef::Bytes(_) => 3,
        ValueRef::Null => 4,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::EnumType;

    #[test]
    fn orders() {
        let size = Type::Enum(Arc::new(EnumType {
            schema: "public".to_owned(),
            name: "size".to_owned(),
            labels: ["small", "medium", "large"].map(str::to_owned).to_vec(),
        }));
        for (ty, sorted) in [
            (Type::Numeric, vec!["-10.5", "-2", "0", "0.05", "0.5", "10"]),
            (Type::Interval, vec!["-1 days", "00:00:00", "23:00:00", "1 day", "1 mon"]),
            (size, vec!["small", "medium", "large", "unknown"]),
            (Type::Char, vec!["a", "ab", "b  "]),
            (Type::Int4.array(), vec!["[]", "[1]", "[1,2]", "[1,10]", "[2]", "[null]"]),
            (Type::Jsonb, vec!["null", "\"a\"", "1", "true", "{\"a\": 1}"]),
            (Type::Text, vec!["A", "Z", "a", "é"]),
        ] {
            for (index, a) in sorted.iter().enumerate() {
                for (other, b) in sorted.iter().enumerate() {
                    assert_eq!(compare_text(&ty, a, b), index.cmp(&other), "{ty} {a} {b}");
                }
            }
        }
        for (ty, a, b) in [
            (Type::Numeric, "1.0", "1.00"),
            (Type::Interval, "1 mon", "30 days"),
            (Type::Char, "a  ", "a"),
            (Type::Numeric.array(), "[1.0]", "[1.00]"),
        ] {
            assert_eq!(compare_text(&ty, a, b), Ordering::Equal, "{ty} {a} {b}");
        }
        assert_eq!(compare(&Type::Int4, ValueRef::Null, ValueRef::Int(1)), Ordering::Greater);
        assert_eq!(compare(&Type::Float8, ValueRef::Float(-0.0), ValueRef::Int(0)), Ordering::Equal);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(a in "\\PC{0,12}", b in "[-0-9.\\[\\]{},: a-z\"]{0,12}") {
            for ty in [Type::Numeric, Type::Interval, Type::Jsonb, Type::Char, Type::Int4.array()] {
                proptest::prop_assert_eq!(compare_text(&ty, &a, &b), compare_text(&ty, &b, &a).reverse());
            }
        }
    }
}
