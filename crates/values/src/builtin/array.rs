//! Functions and operators over arrays. How an array is stored is `crate::array`'s; rows of elements are `sets`'.

use std::cmp::Ordering;

use super::Arg::{AnyArray, AnyElement, Bool, Int4, Int4Array, Text};
use super::args::{
    bounded, int, invalid_parameter, out_of_range, some_bool, some_count, some_text, text, value,
};
use super::compose::display;
use super::{Builtin, Context, MAX_ROWS, function, operator};
use crate::array::{Array, decode, encode};
use crate::{Result, Type, Value, ValueError, ValueRef, compare, output};

type Args<'a, 'b> = &'a [ValueRef<'b>];

pub(super) static TABLE: &[Builtin] = &[
    operator("array_concat", "||", &[AnyArray, AnyArray], AnyArray, concat).lax(),
    operator("array_concat_element", "||", &[AnyArray, AnyElement], AnyArray, append).lax(),
    operator("element_concat_array", "||", &[AnyElement, AnyArray], AnyArray, prepend).lax(),
    function("array_cat", "array_cat", &[AnyArray, AnyArray], AnyArray, concat).lax(),
    function("array_append", "array_append", &[AnyArray, AnyElement], AnyArray, append).lax(),
    function("array_prepend", "array_prepend", &[AnyElement, AnyArray], AnyArray, prepend).lax(),
    operator("array_contains", "@>", &[AnyArray, AnyArray], Bool, |c, a| {
        some_bool(contains(c, &array(c, a, 0)?, &array(c, a, 1)?))
    }),
    operator("array_contained", "<@", &[AnyArray, AnyArray], Bool, |c, a| {
        some_bool(contains(c, &array(c, a, 1)?, &array(c, a, 0)?))
    }),
    operator("array_overlap", "&&", &[AnyArray, AnyArray], Bool, |c, a| {
        let (left, right) = (array(c, a, 0)?, array(c, a, 1)?);
        let shared =
            |value: &Value| !value.is_null() && right.elements.iter().any(|other| same(c, value, other));
        some_bool(left.elements.iter().any(shared))
    }),
    function("array_remove", "array_remove", &[AnyArray, AnyElement], AnyArray, |c, a| {
        replace(c, a, "removing elements from multidimensional arrays is not supported", |_| None)
    })
    .lax(),
    function("array_replace", "array_replace", &[AnyArray, AnyElement, AnyElement], AnyArray, |c, a| {
        if value(a, 0).is_null() {
            return Ok(Value::Null);
        }
        let mut whole = array(c, a, 0)?;
        for element in &mut whole.elements {
            if not_distinct(c, element.as_ref(), value(a, 1)) {
                *element = value(a, 2).to_owned();
            }
        }
        encode(element(c), &whole)
    })
    .lax(),
    function("array_position", "array_position", &[AnyArray, AnyElement, Int4], Int4, |c, a| {
        if value(a, 0).is_null() {
            return Ok(Value::Null);
        }
        let skipped = match a.get(2) {
            Some(ValueRef::Null) => {
                return Err(ValueError::new("22004", "initial position must not be null"));
            }
            Some(_) => usize::try_from(int(a, 2)?.max(1) - 1).unwrap_or(usize::MAX),
            None => 0,
        };
        let found = positions(c, a)?.into_iter().find(|position| *position > skipped);
        found.map_or(Ok(Value::Null), some_count)
    })
    .optional(1)
    .lax(),
    function("array_positions", "array_positions", &[AnyArray, AnyElement], Int4Array, |c, a| {
        if value(a, 0).is_null() {
            return Ok(Value::Null);
        }
        let found = positions(c, a)?.into_iter().map(some_count).collect::<Result<Vec<_>>>()?;
        encode(&Type::Int4, &Array::flat(found))
    })
    .lax(),
    function("array_length", "array_length", &[AnyArray, Int4], Int4, |c, a| {
        dimension(c, a)?.map_or(Ok(Value::Null), some_count)
    }),
    function("array_upper", "array_upper", &[AnyArray, Int4], Int4, |c, a| {
        dimension(c, a)?.map_or(Ok(Value::Null), some_count)
    }),
    function("array_lower", "array_lower", &[AnyArray, Int4], Int4, |c, a| {
        Ok(dimension(c, a)?.map_or(Value::Null, |_| Value::Int(1)))
    }),
    function("array_ndims", "array_ndims", &[AnyArray], Int4, |c, a| {
        match array(c, a, 0)?.dimensions.len() {
            0 => Ok(Value::Null),
            count => some_count(count),
        }
    }),
    function("array_dims", "array_dims", &[AnyArray], Text, |c, a| {
        let dimensions = array(c, a, 0)?.dimensions;
        if dimensions.is_empty() {
            return Ok(Value::Null);
        }
        some_text(dimensions.iter().map(|length| format!("[1:{length}]")).collect::<String>())
    }),
    function("cardinality", "cardinality", &[AnyArray], Int4, |c, a| {
        some_count(array(c, a, 0)?.elements.len())
    }),
    function("array_to_string", "array_to_string", &[AnyArray, Text, Text], Text, to_string)
        .optional(1)
        .lax(),
    function("array_fill", "array_fill", &[AnyElement, Int4Array], AnyArray, |c, a| {
        if value(a, 1).is_null() {
            return Err(ValueError::new("22004", "dimension array or low bound array cannot be null"));
        }
        let dimensions = lengths(&decode(&Type::Int4, text(a, 1)?)?)?;
        let count = dimensions.iter().try_fold(1usize, |all, length| all.checked_mul(*length));
        let count = count.filter(|count| *count <= MAX_ROWS).ok_or_else(too_large)?;
        let element = c.types.first().unwrap_or(&Type::Text);
        if count == 0 || dimensions.is_empty() {
            return encode(element, &Array::flat(Vec::new()));
        }
        encode(element, &Array { dimensions, elements: vec![value(a, 0).to_owned(); count] })
    })
    .lax(),
    // `array[from:to]`, which has no name in SQL.
    function("array_slice", "[:]", &[AnyArray, Int4, Int4], AnyArray, |c, a| {
        let mut whole = array(c, a, 0)?;
        let length = whole.dimensions.first().copied().unwrap_or(0);
        let first = usize::try_from(int(a, 1)?.max(1) - 1).unwrap_or(usize::MAX).min(length);
        let end = usize::try_from(int(a, 2)?.max(0)).unwrap_or(usize::MAX).min(length);
        if first >= end {
            return encode(element(c), &Array::flat(Vec::new()));
        }
        let each: usize = whole.dimensions.iter().skip(1).product();
        whole.elements.truncate(end.saturating_mul(each));
        whole.elements.drain(..first.saturating_mul(each).min(whole.elements.len()));
        if let Some(dimension) = whole.dimensions.first_mut() {
            *dimension = end - first;
        }
        encode(element(c), &whole)
    }),
    function("trim_array", "trim_array", &[AnyArray, Int4], AnyArray, |c, a| {
        let mut whole = array(c, a, 0)?;
        let length = whole.dimensions.first().copied().unwrap_or(0);
        let cut = usize::try_from(int(a, 1)?).ok().filter(|cut| *cut <= length).ok_or_else(|| {
            ValueError::new("2202E", format!("number of elements to trim must be between 0 and {length}"))
        })?;
        let kept = length - cut;
        if kept == 0 {
            return encode(element(c), &Array::flat(Vec::new()));
        }
        let each: usize = whole.dimensions.iter().skip(1).product();
        whole.elements.truncate(kept.saturating_mul(each));
        if let Some(first) = whole.dimensions.first_mut() {
            *first = kept;
        }
        encode(element(c), &whole)
    }),
];

/// The storage form of a `text[]` of one dimension.
pub(super) fn text_array(texts: Vec<Option<String>>) -> Value {
    let mut out = vec![b'['];
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match text {
            Some(text) => output::write_json_string(text, &mut out),
            None => out.extend_from_slice(b"null"),
        }
    }
    out.push(b']');
    Value::Text(String::from_utf8_lossy(&out).into_owned())
}

/// The elements of a `text[]` argument.
pub(super) fn texts(args: Args<'_, '_>, index: usize) -> Result<Vec<Option<String>>> {
    let elements = decode(&Type::Text, text(args, index)?)?.elements;
    Ok(elements
        .into_iter()
        .map(|element| match element {
            Value::Text(text) => Some(text),
            _ => None,
        })
        .collect())
}

/// The array argument of that index, by its type.
pub(super) fn array(context: &Context<'_>, args: Args<'_, '_>, index: usize) -> Result<Array> {
    let element = context.types.get(index).and_then(Type::element).unwrap_or(&Type::Text);
    decode(element, text(args, index)?)
}

/// The element type of the first array argument.
fn element<'a>(context: &Context<'a>) -> &'a Type {
    context.types.iter().find_map(Type::element).unwrap_or(&Type::Text)
}

fn too_large() -> ValueError {
    ValueError::new("54000", format!("array size exceeds the maximum allowed ({MAX_ROWS})"))
}

fn same(context: &Context<'_>, a: &Value, b: &Value) -> bool {
    !a.is_null()
        && !b.is_null()
        && compare::compare(element(context), a.as_ref(), b.as_ref()) == Ordering::Equal
}

fn not_distinct(context: &Context<'_>, a: ValueRef<'_>, b: ValueRef<'_>) -> bool {
    match (a.is_null(), b.is_null()) {
        (true, true) => true,
        (false, false) => compare::compare(element(context), a, b) == Ordering::Equal,
        _ => false,
    }
}

fn contains(context: &Context<'_>, whole: &Array, part: &Array) -> bool {
    part.elements.iter().all(|wanted| whole.elements.iter().any(|element| same(context, element, wanted)))
}

fn incompatible(detail: &str) -> ValueError {
    ValueError::new("2202E", "cannot concatenate incompatible arrays").with_detail(detail)
}

fn concat(context: &Context<'_>, args: Args<'_, '_>) -> Result<Value> {
    match (value(args, 0).is_null(), value(args, 1).is_null()) {
        (true, _) => return Ok(value(args, 1).to_owned()),
        (_, true) => return Ok(value(args, 0).to_owned()),
        _ => {}
    }
    encode(element(context), &joined(array(context, args, 0)?, array(context, args, 1)?)?)
}

/// Arrays of the same number of dimensions, or one of them an element of the other.
fn joined(left: Array, right: Array) -> Result<Array> {
    if left.dimensions.is_empty() {
        return Ok(right);
    }
    if right.dimensions.is_empty() {
        return Ok(left);
    }
    let (l, r) = (left.dimensions.as_slice(), right.dimensions.as_slice());
    let tail = |dimensions: &[usize]| dimensions.get(1..).unwrap_or(&[]).to_vec();
    let (first, rest) = if l.len() == r.len() {
        if tail(l) != tail(r) {
            let detail = "Arrays with differing element dimensions are not compatible for concatenation.";
            return Err(incompatible(detail));
        }
        (l.iter().take(1).chain(r.iter().take(1)).sum(), tail(l))
    } else if l.len() == r.len() + 1 && tail(l) == r {
        (l.first().copied().unwrap_or(0) + 1, r.to_vec())
    } else if r.len() == l.len() + 1 && tail(r) == l {
        (r.first().copied().unwrap_or(0) + 1, l.to_vec())
    } else if l.len().abs_diff(r.len()) == 1 {
        return Err(incompatible("Arrays with differing dimensions are not compatible for concatenation."));
    } else {
        let detail =
            format!("Arrays of {} and {} dimensions are not compatible for concatenation.", l.len(), r.len());
        return Err(incompatible(&detail));
    };
    let dimensions = std::iter::once(first).chain(rest).collect();
    Ok(Array { dimensions, elements: left.elements.into_iter().chain(right.elements).collect() })
}

fn only_flat(array: &Array) -> Result<()> {
    if array.dimensions.len() > 1 {
        return Err(ValueError::new("22000", "argument must be empty or one-dimensional array"));
    }
    Ok(())
}

fn append(context: &Context<'_>, args: Args<'_, '_>) -> Result<Value> {
    let mut whole = if value(args, 0).is_null() { Array::default() } else { array(context, args, 0)? };
    only_flat(&whole)?;
    whole.elements.push(value(args, 1).to_owned());
    encode(element(context), &Array::flat(whole.elements))
}

fn prepend(context: &Context<'_>, args: Args<'_, '_>) -> Result<Value> {
    let mut whole = if value(args, 1).is_null() { Array::default() } else { array(context, args, 1)? };
    only_flat(&whole)?;
    whole.elements.insert(0, value(args, 0).to_owned());
    encode(element(context), &Array::flat(whole.elements))
}

fn replace(
    context: &Context<'_>,
    args: Args<'_, '_>,
    refusal: &str,
    with: fn(Value) -> Option<Value>,
) -> Result<Value> {
    if value(args, 0).is_null() {
        return Ok(Value::Null);
    }
    let whole = array(context, args, 0)?;
    if whole.dimensions.len() > 1 {
        return Err(ValueError::new("0A000", refusal));
    }
    let kept = whole.elements.into_iter().filter_map(|element| {
        if not_distinct(context, element.as_ref(), value(args, 1)) { with(element) } else { Some(element) }
    });
    encode(element(context), &Array::flat(kept.collect()))
}

/// The places, from 1, of an element (null is found too).
fn positions(context: &Context<'_>, args: Args<'_, '_>) -> Result<Vec<usize>> {
    let whole = array(context, args, 0)?;
    if whole.dimensions.len() > 1 {
        let message = "searching for elements in multidimensional arrays is not supported";
        return Err(ValueError::new("0A000", message));
    }
    let found = whole.elements.iter().enumerate();
    Ok(found
        .filter(|(_, element)| not_distinct(context, element.as_ref(), value(args, 1)))
        .map(|(index, _)| index + 1)
        .collect())
}

fn dimension(context: &Context<'_>, args: Args<'_, '_>) -> Result<Option<usize>> {
    let whole = array(context, args, 0)?;
    let wanted = usize::try_from(int(args, 1)?).ok().and_then(|number| number.checked_sub(1));
    Ok(wanted.and_then(|index| whole.dimensions.get(index).copied()))
}

fn lengths(dimensions: &Array) -> Result<Vec<usize>> {
    if dimensions.dimensions.len() > 1 {
        return Err(ValueError::new("2202E", "wrong number of array subscripts")
            .with_detail("Dimension array must be one dimensional."));
    }
    if dimensions.elements.len() > 6 {
        let count = dimensions.elements.len();
        let message = format!("number of dimensions ({count}) exceeds the maximum allowed (6)");
        return Err(ValueError::new("54000", message));
    }
    dimensions
        .elements
        .iter()
        .map(|length| match length {
            Value::Int(length) => usize::try_from(*length).map_err(|_| out_of_range("array length")),
            Value::Null => Err(ValueError::new("22004", "dimension values cannot be null")),
            _ => Err(invalid_parameter("dimension values must be integers")),
        })
        .collect()
}

fn to_string(context: &Context<'_>, args: Args<'_, '_>) -> Result<Value> {
    if value(args, 0).is_null() || value(args, 1).is_null() {
        return Ok(Value::Null);
    }
    let (whole, delimiter) = (array(context, args, 0)?, text(args, 1)?);
    let null = if value(args, 2).is_null() { None } else { Some(text(args, 2)?) };
    let mut out = String::new();
    let mut first = true;
    for value in &whole.elements {
        let shown = match (value, null) {
            (Value::Null, None) => continue,
            (Value::Null, Some(null)) => null.into(),
            _ => display(element(context), value.as_ref(), context),
        };
        if !first {
            out.push_str(delimiter);
        }
        first = false;
        out.push_str(&shown);
        bounded(out.len())?;
    }
    some_text(out)
}
