//! Functions and operators over text that look at its characters. Patterns are `pattern`'s, quoting, `concat` and `format`
//! are `compose`'s, bytes and digests are `binary`'s.

use super::Arg::{Bool, Int4, Int8, Text, TextArray};
use super::args::{bounded, int, invalid_parameter, some_bool, some_count, some_text, text, value};
use super::array::text_array;
use super::{Builtin, function, operator};
use crate::{Result, Value, ValueError, ValueRef};

pub(super) static TABLE: &[Builtin] = &[
    function("lower", "lower", &[Text], Text, |_, a| some_text(lower(text(a, 0)?))),
    function("upper", "upper", &[Text], Text, |_, a| some_text(upper(text(a, 0)?))),
    function("initcap", "initcap", &[Text], Text, |_, a| some_text(initcap(text(a, 0)?))),
    function("text_length", "length", &[Text], Int4, |_, a| some_count(text(a, 0)?.chars().count())),
    function("char_length", "char_length", &[Text], Int4, |_, a| some_count(text(a, 0)?.chars().count())),
    function("character_length", "character_length", &[Text], Int4, |_, a| {
        some_count(text(a, 0)?.chars().count())
    }),
    function("text_octet_length", "octet_length", &[Text], Int4, |_, a| some_count(text(a, 0)?.len())),
    function("text_bit_length", "bit_length", &[Text], Int4, |_, a| some_count(text(a, 0)?.len() * 8)),
    function("text_substring", "substring", &[Text, Int4, Int4], Text, |_, a| substring(a)).optional(1),
    function("text_substr", "substr", &[Text, Int4, Int4], Text, |_, a| substring(a)).optional(1),
    function("text_left", "left", &[Text, Int4], Text, |_, a| {
        let count = from_end(text(a, 0)?, int(a, 1)?);
        some_text(text(a, 0)?.chars().take(count).collect::<String>())
    }),
    function("text_right", "right", &[Text, Int4], Text, |_, a| {
        let count = from_end(text(a, 0)?, int(a, 1)?);
        let all = text(a, 0)?.chars().count();
        some_text(text(a, 0)?.chars().skip(all - count).collect::<String>())
    }),
    function("lpad", "lpad", &[Text, Int4, Text], Text, |_, a| some_text(pad(a, true)?)).optional(1),
    function("rpad", "rpad", &[Text, Int4, Text], Text, |_, a| some_text(pad(a, false)?)).optional(1),
    function("btrim", "btrim", &[Text, Text], Text, |_, a| {
        let characters = trimmed(a)?;
        some_text(text(a, 0)?.trim_matches(|c| characters.contains(c)))
    })
    .optional(1),
    function("ltrim", "ltrim", &[Text, Text], Text, |_, a| {
        let characters = trimmed(a)?;
        some_text(text(a, 0)?.trim_start_matches(|c| characters.contains(c)))
    })
    .optional(1),
    function("rtrim", "rtrim", &[Text, Text], Text, |_, a| {
        let characters = trimmed(a)?;
        some_text(text(a, 0)?.trim_end_matches(|c| characters.contains(c)))
    })
    .optional(1),
    function("strpos", "strpos", &[Text, Text], Int4, |_, a| position(a)),
    function("text_position", "position", &[Text, Text], Int4, |_, a| position(a)),
    function("replace", "replace", &[Text, Text, Text], Text, |_, a| {
        some_text(replace(text(a, 0)?, text(a, 1)?, text(a, 2)?)?)
    }),
    function("translate", "translate", &[Text, Text, Text], Text, |_, a| {
        some_text(translate(text(a, 0)?, text(a, 1)?, text(a, 2)?))
    }),
    function("repeat", "repeat", &[Text, Int4], Text, |_, a| {
        let times = usize::try_from(int(a, 1)?).unwrap_or(0);
        bounded(text(a, 0)?.len().saturating_mul(times))?;
        some_text(text(a, 0)?.repeat(times))
    }),
    function("reverse", "reverse", &[Text], Text, |_, a| {
        some_text(text(a, 0)?.chars().rev().collect::<String>())
    }),
    function("split_part", "split_part", &[Text, Text, Int4], Text, |_, a| split_part(a)),
    function("chr", "chr", &[Int4], Text, |_, a| some_text(chr(int(a, 0)?)?)),
    function("ascii", "ascii", &[Text], Int4, |_, a| {
        Ok(Value::Int(text(a, 0)?.chars().next().map_or(0, |c| i64::from(u32::from(c)))))
    }),
    function("int4_to_hex", "to_hex", &[Int4], Text, |_, a| {
        some_text(format!("{:x}", int(a, 0)? & i64::from(u32::MAX)))
    }),
    function("int8_to_hex", "to_hex", &[Int8], Text, |_, a| some_text(format!("{:x}", int(a, 0)?))),
    function("starts_with", "starts_with", &[Text, Text], Bool, |_, a| {
        some_bool(text(a, 0)?.starts_with(text(a, 1)?))
    }),
    operator("starts_with_operator", "^@", &[Text, Text], Bool, |_, a| {
        some_bool(text(a, 0)?.starts_with(text(a, 1)?))
    }),
    function("text_overlay", "overlay", &[Text, Text, Int4, Int4], Text, |_, a| overlay(a)).optional(1),
    function(
        "string_to_array",
        "string_to_array",
        &[Text, Text, Text],
        TextArray,
        |_, a| match string_parts(a)? {
            Some(parts) => Ok(text_array(parts)),
            None => Ok(Value::Null),
        },
    )
    .optional(1)
    .lax(),
    // Text and bytea have `<`, `=` … as expression forms; these are the character-wise ones that ignore the collation.
    operator("text_pattern_lt", "~<~", &[Text, Text], Bool, |_, a| some_bool(text(a, 0)? < text(a, 1)?)),
    operator("text_pattern_le", "~<=~", &[Text, Text], Bool, |_, a| some_bool(text(a, 0)? <= text(a, 1)?)),
    operator("text_pattern_ge", "~>=~", &[Text, Text], Bool, |_, a| some_bool(text(a, 0)? >= text(a, 1)?)),
    operator("text_pattern_gt", "~>~", &[Text, Text], Bool, |_, a| some_bool(text(a, 0)? > text(a, 1)?)),
];

/// Character by character, as PostgreSQL does: a character whose other case is several characters stays.
pub(super) fn lower(text: &str) -> String {
    text.chars().map(lower_char).collect()
}

pub(super) fn upper(text: &str) -> String {
    text.chars().map(upper_char).collect()
}

fn lower_char(c: char) -> char {
    let mut mapped = c.to_lowercase();
    mapped.next().filter(|_| mapped.next().is_none()).unwrap_or(c)
}

fn upper_char(c: char) -> char {
    let mut mapped = c.to_uppercase();
    mapped.next().filter(|_| mapped.next().is_none()).unwrap_or(c)
}

pub(super) fn initcap(text: &str) -> String {
    let mut inside = false;
    text.chars()
        .map(|c| {
            let cased = if inside { lower_char(c) } else { upper_char(c) };
            inside = c.is_alphanumeric();
            cased
        })
        .collect()
}

fn negative_length() -> ValueError {
    ValueError::new("22011", "negative substring length not allowed")
}

/// The bounds, from 0, of SQL's `substring(… from start for length)`; `None` for no length is to the end.
pub(super) fn window(start: i64, length: Option<i64>) -> Result<(usize, usize)> {
    let first = usize::try_from(start.max(1) - 1).unwrap_or(usize::MAX);
    let Some(length) = length else {
        return Ok((first, usize::MAX));
    };
    if length < 0 {
        return Err(negative_length());
    }
    let end = start.saturating_add(length).max(1) - 1;
    let end = usize::try_from(end).unwrap_or(usize::MAX);
    Ok((first, end.saturating_sub(first)))
}

fn substring(args: &[ValueRef<'_>]) -> Result<Value> {
    let length = if args.len() > 2 { Some(int(args, 2)?) } else { None };
    let (skip, take) = window(int(args, 1)?, length)?;
    some_text(text(args, 0)?.chars().skip(skip).take(take).collect::<String>())
}

/// How many characters `left`/`right` keep: a negative count is "all but".
fn from_end(text: &str, count: i64) -> usize {
    let all = text.chars().count();
    match usize::try_from(count) {
        Ok(count) => count.min(all),
        Err(_) => all.saturating_sub(usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX)),
    }
}

fn pad(args: &[ValueRef<'_>], left: bool) -> Result<String> {
    let (given, fill) = (text(args, 0)?, if args.len() > 2 { text(args, 2)? } else { " " });
    let wanted = usize::try_from(int(args, 1)?).unwrap_or(0);
    let have = given.chars().count();
    if have >= wanted || fill.is_empty() {
        return Ok(given.chars().take(wanted).collect());
    }
    bounded(wanted.saturating_mul(4))?;
    let filling = fill.chars().cycle().take(wanted - have);
    Ok(if left { filling.chain(given.chars()).collect() } else { given.chars().chain(filling).collect() })
}

fn trimmed<'a>(args: &[ValueRef<'a>]) -> Result<&'a str> {
    if args.len() > 1 { text(args, 1) } else { Ok(" ") }
}

fn position(args: &[ValueRef<'_>]) -> Result<Value> {
    let whole = text(args, 0)?;
    let before = whole.find(text(args, 1)?).and_then(|at| whole.get(..at));
    some_count(before.map_or(0, |before| before.chars().count() + 1))
}

fn replace(whole: &str, from: &str, to: &str) -> Result<String> {
    if from.is_empty() {
        return Ok(whole.to_owned());
    }
    if to.len() > from.len() {
        let growth = whole.matches(from).count().saturating_mul(to.len() - from.len());
        bounded(if growth == 0 { 0 } else { whole.len().saturating_add(growth) })?;
    }
    Ok(whole.replace(from, to))
}

fn translate(whole: &str, from: &str, to: &str) -> String {
    let to: Vec<char> = to.chars().collect();
    whole
        .chars()
        .filter_map(|c| match from.chars().position(|f| f == c) {
            Some(at) => to.get(at).copied(),
            None => Some(c),
        })
        .collect()
}

fn split_part(args: &[ValueRef<'_>]) -> Result<Value> {
    let (whole, delimiter, wanted) = (text(args, 0)?, text(args, 1)?, int(args, 2)?);
    if wanted == 0 {
        return Err(invalid_parameter("field position must not be zero"));
    }
    let index = usize::try_from(wanted.unsigned_abs() - 1).unwrap_or(usize::MAX);
    let part = if delimiter.is_empty() {
        (index == 0).then_some(whole)
    } else if wanted > 0 {
        whole.split(delimiter).nth(index)
    } else {
        // From the start, as overlapping delimiters split the same way in both directions.
        let count = whole.split(delimiter).count();
        count.checked_sub(index.saturating_add(1)).and_then(|index| whole.split(delimiter).nth(index))
    };
    some_text(part.unwrap_or(""))
}

fn chr(code: i64) -> Result<String> {
    let refused = |message: String| ValueError::new("54000", message);
    if code < 0 {
        return Err(invalid_parameter("character number must be positive"));
    }
    if code == 0 {
        return Err(refused("null character not permitted".to_owned()));
    }
    if code > 0x10_FFFF {
        return Err(refused(format!("requested character too large for encoding: {code}")));
    }
    let character = u32::try_from(code).ok().and_then(char::from_u32);
    let character =
        character.ok_or_else(|| refused(format!("requested character not valid for encoding: {code}")))?;
    Ok(character.to_string())
}

fn overlay(args: &[ValueRef<'_>]) -> Result<Value> {
    let (whole, new, start) = (text(args, 0)?, text(args, 1)?, int(args, 2)?);
    if start <= 0 {
        return Err(negative_length());
    }
    let length =
        if args.len() > 3 { int(args, 3)? } else { i64::try_from(new.chars().count()).unwrap_or(i64::MAX) };
    let before = usize::try_from(start - 1).unwrap_or(usize::MAX);
    let after = usize::try_from(start.saturating_add(length).max(1) - 1).unwrap_or(usize::MAX);
    some_text(
        whole.chars().take(before).chain(new.chars()).chain(whole.chars().skip(after)).collect::<String>(),
    )
}

/// The parts of `string_to_array(text, delimiter [, null])`: without a delimiter the characters, `None` for no text.
pub(super) fn string_parts<'a>(args: &[ValueRef<'a>]) -> Result<Option<Vec<Option<String>>>> {
    if value(args, 0).is_null() {
        return Ok(None);
    }
    let whole = text(args, 0)?;
    let null: Option<&'a str> = if value(args, 2).is_null() { None } else { Some(text(args, 2)?) };
    let parts: Vec<String> = match value(args, 1) {
        _ if whole.is_empty() => Vec::new(),
        ValueRef::Null => whole.chars().map(String::from).collect(),
        _ if text(args, 1)?.is_empty() => vec![whole.to_owned()],
        _ => whole.split(text(args, 1)?).map(str::to_owned).collect(),
    };
    Ok(Some(parts.into_iter().map(|part| Some(part).filter(|part| null != Some(part.as_str()))).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_of_characters() {
        let table = [
            (1, Some(2), "ab"),
            (0, Some(2), "a"),
            (-5, Some(3), ""),
            (2, None, "bcd"),
            (9, None, ""),
            (2, Some(i64::MAX), "bcd"),
        ];
        for (start, length, expected) in table {
            let (skip, take) = window(start, length).unwrap();
            assert_eq!(
                "abcd".chars().skip(skip).take(take).collect::<String>(),
                expected,
                "{start} {length:?}"
            );
        }
        assert_eq!(window(1, Some(-1)), Err(negative_length()));
    }

    #[test]
    fn cases() {
        assert_eq!(initcap("hello wORLD, it's 2nd"), "Hello World, It'S 2nd");
        assert_eq!(upper("straße"), "STRAßE");
    }
}
