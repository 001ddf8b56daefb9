//! The text form of ranges: `[1,5)`, `(,"2024-01-01 10:00:00"]`, `empty` (PostgreSQL's manual, "Range Input/Output").

use super::{Bound, Range, RangeKind};
use crate::numeric::is_space;
use crate::{Modifier, Result, Session, Value, ValueError, ValueRef, input, output};

/// Reads a range. Errors: 22P02 for its syntax, and those of the bounds' type.
pub fn parse(kind: RangeKind, text: &str, session: &Session) -> Result<Range> {
    let malformed = |detail: &str| {
        ValueError::new("22P02", format!("malformed range literal: \"{text}\"")).with_detail(detail)
    };
    let trimmed = text.trim_start_matches(is_space);
    if let Some(start) = trimmed.get(..5)
        && start.eq_ignore_ascii_case("empty")
    {
        let rest = trimmed.get(5..).unwrap_or_default();
        return match rest.trim_start_matches(is_space) {
            "" => Ok(Range::Empty),
            _ => Err(malformed("Junk after \"empty\" key word.")),
        };
    }
    let mut rest = trimmed.chars().peekable();
    let lower_inclusive = match rest.next() {
        Some('[') => true,
        Some('(') => false,
        _ => return Err(malformed("Missing left parenthesis or bracket.")),
    };
    let unexpected_end = || malformed("Unexpected end of input.");
    let lower = bound(&mut rest).ok_or_else(unexpected_end)?;
    if rest.next() != Some(',') {
        return Err(malformed("Missing comma after lower bound."));
    }
    let upper = bound(&mut rest).ok_or_else(unexpected_end)?;
    let upper_inclusive = match rest.next() {
        Some(']') => true,
        Some(')') => false,
        _ => return Err(malformed("Too many commas.")),
    };
    if rest.any(|c| !is_space(c)) {
        return Err(malformed("Junk after right parenthesis or bracket."));
    }
    let value = |text: Option<String>| -> Result<Option<Value>> {
        text.map(|text| input::from_text(&kind.subtype(), Modifier::None, &text, session)).transpose()
    };
    let lower = Bound { value: value(lower)?, inclusive: lower_inclusive };
    let upper = Bound { value: value(upper)?, inclusive: upper_inclusive };
    kind.range(lower, upper)
}

/// The text of a bound, up to the comma or bracket after it: `Some(None)` where there is none, `None` where the input ends.
fn bound(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Option<String>> {
    if matches!(rest.peek()?, ',' | ')' | ']') {
        return Some(None);
    }
    let mut text = String::new();
    let mut quoted = false;
    loop {
        let next = *rest.peek()?;
        if !quoted && matches!(next, ',' | ')' | ']') {
            return Some(Some(text));
        }
        rest.next();
        match next {
            '\\' => text.push(rest.next()?),
            '"' if !quoted => quoted = true,
            // A doubled quote is one of the value's.
            '"' if rest.peek() == Some(&'"') => {
                rest.next();
                text.push('"');
            }
            '"' => quoted = false,
            other => text.push(other),
        }
    }
}

/// Appends the text form of a stored range.
pub fn write_text(kind: RangeKind, stored: &str, session: &Session, out: &mut Vec<u8>) {
    let Ok(Range::Bounds(lower, upper)) = kind.decode(stored) else {
        out.extend_from_slice(stored.as_bytes());
        return;
    };
    out.push(if lower.inclusive { b'[' } else { b'(' });
    write_bound(kind, &lower, session, out);
    out.push(b',');
    write_bound(kind, &upper, session, out);
    out.push(if upper.inclusive { b']' } else { b')' });
}

fn write_bound(kind: RangeKind, bound: &Bound, session: &Session, out: &mut Vec<u8>) {
    let value = bound.value.as_ref().map_or(ValueRef::Null, Value::as_ref);
    let text = output::to_text(&kind.subtype(), value, session);
    // Of the six types only timestamps have a character that needs quotes: the blank.
    if text.contains(' ') {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}
