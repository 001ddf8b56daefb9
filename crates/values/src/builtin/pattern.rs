//! `like`, and the functions over regular expressions. The expressions themselves are `regular`'s.

use std::rc::Rc;

use super::Arg::{Bool, Int4, Text, TextArray};
use super::args::{bounded, int, invalid_parameter, some_bool, some_count, some_text, text};
use super::array::text_array;
use super::regular::{Options, Pattern, Spans, compile};
use super::{Builtin, MAX_ROWS, function, operator, set};
use crate::{Result, Value, ValueError, ValueRef};

type Args<'a, 'b> = &'a [ValueRef<'b>];

pub(super) static TABLE: &[Builtin] = &[
    operator("like", "~~", &[Text, Text], Bool, |_, a| some_bool(like(text(a, 0)?, text(a, 1)?)?)),
    operator("not_like", "!~~", &[Text, Text], Bool, |_, a| some_bool(!like(text(a, 0)?, text(a, 1)?)?)),
    operator("ilike", "~~*", &[Text, Text], Bool, |_, a| some_bool(ilike(text(a, 0)?, text(a, 1)?)?)),
    operator("not_ilike", "!~~*", &[Text, Text], Bool, |_, a| some_bool(!ilike(text(a, 0)?, text(a, 1)?)?)),
    function("like_escape", "like_escape", &[Text, Text], Text, |_, a| {
        some_text(like_escape(text(a, 0)?, text(a, 1)?)?)
    }),
    operator("regex_match", "~", &[Text, Text], Bool, |_, a| some_bool(matches(a, false)?)),
    operator("regex_imatch", "~*", &[Text, Text], Bool, |_, a| some_bool(matches(a, true)?)),
    operator("regex_not_match", "!~", &[Text, Text], Bool, |_, a| some_bool(!matches(a, false)?)),
    operator("regex_not_imatch", "!~*", &[Text, Text], Bool, |_, a| some_bool(!matches(a, true)?)),
    function("regex_substring", "substring", &[Text, Text], Text, |_, a| {
        let pattern = compile(text(a, 1)?, Options::default())?;
        let found = pattern.find(text(a, 0)?, 0);
        Ok(found.map_or(Value::Null, |spans| {
            part(text(a, 0).unwrap_or(""), &spans, usize::from(pattern.groups() > 0))
        }))
    }),
    function("regexp_match", "regexp_match", &[Text, Text, Text], TextArray, |_, a| {
        let pattern = compile(text(a, 1)?, local_options(a, 2, "regexp_match()")?)?;
        let whole = text(a, 0)?;
        Ok(pattern.find(whole, 0).map_or(Value::Null, |spans| groups(whole, &pattern, &spans)))
    })
    .optional(1),
    set("regexp_matches", "regexp_matches", &[Text, Text, Text], TextArray, |_, a| {
        let options = options(a, 2)?;
        let pattern = compile(text(a, 1)?, options)?;
        let whole = text(a, 0)?;
        let found = all_matches(&pattern, whole, 0, if options.global { usize::MAX } else { 1 })?;
        Ok(found.iter().map(|spans| vec![groups(whole, &pattern, spans)]).collect())
    })
    .optional(1),
    function("regexp_replace", "regexp_replace", &[Text, Text, Text, Text], Text, |_, a| {
        let options = options(a, 3)?;
        some_text(replace(a, options, 0, if options.global { 0 } else { 1 })?)
    })
    .optional(1),
    function("regexp_replace_from", "regexp_replace", &[Text, Text, Text, Int4, Int4, Text], Text, |_, a| {
        let options = options(a, 5)?;
        let start = start(a, 3)?;
        let wanted = match a.get(4) {
            Some(_) => at_least(int(a, 4)?, 0, "n")?,
            None if options.global => 0,
            None => 1,
        };
        some_text(replace(a, options, start, wanted)?)
    })
    .optional(2),
    function("regexp_split_to_array", "regexp_split_to_array", &[Text, Text, Text], TextArray, |_, a| {
        Ok(text_array(split(a, "regexp_split_to_array()")?.into_iter().map(Some).collect()))
    })
    .optional(1),
    set("regexp_split_to_table", "regexp_split_to_table", &[Text, Text, Text], Text, |_, a| {
        let parts = split(a, "regexp_split_to_table()")?;
        Ok(parts.into_iter().map(|part| vec![Value::Text(part)]).collect())
    })
    .optional(1),
    function("regexp_like", "regexp_like", &[Text, Text, Text], Bool, |_, a| {
        some_bool(compile(text(a, 1)?, local_options(a, 2, "regexp_like()")?)?.is_match(text(a, 0)?))
    })
    .optional(1),
    function("regexp_count", "regexp_count", &[Text, Text, Int4, Text], Int4, |_, a| {
        let pattern = compile(text(a, 1)?, local_options(a, 3, "regexp_count()")?)?;
        some_count(all_matches(&pattern, text(a, 0)?, start(a, 2)?, usize::MAX)?.len())
    })
    .optional(2),
    function("regexp_substr", "regexp_substr", &[Text, Text, Int4, Int4, Text, Int4], Text, |_, a| {
        let (pattern, found) = nth_match(a, 4, 5, "regexp_substr()")?;
        let group = subexpression(a, 5)?;
        let wanted = found.filter(|_| group <= pattern.groups());
        Ok(wanted.map_or(Value::Null, |spans| part(text(a, 0).unwrap_or(""), &spans, group)))
    })
    .optional(4),
    function("regexp_instr", "regexp_instr", &[Text, Text, Int4, Int4, Int4, Text, Int4], Int4, |_, a| {
        let at_end = if a.len() > 4 { at_least(int(a, 4)?, 0, "endoption")? } else { 0 };
        if at_end > 1 {
            return Err(invalid_value("endoption", int(a, 4)?));
        }
        let (_, found) = nth_match(a, 5, 6, "regexp_instr()")?;
        let span = found.and_then(|spans| spans.get(subexpression(a, 6).unwrap_or(0)).copied().flatten());
        let place = span.map(|(start, end)| if at_end == 1 { end } else { start });
        let before = place.and_then(|place| text(a, 0).ok()?.get(..place));
        some_count(before.map_or(0, |before| before.chars().count() + 1))
    })
    .optional(5),
];

/// SQL's `like`: `%` any characters, `_` one, `\` takes the next as it is.
pub(super) fn like(text: &str, pattern: &str) -> Result<bool> {
    let (bytes, pattern_bytes) = (text.as_bytes(), pattern.as_bytes());
    let (mut at, mut pattern_at) = (0, 0);
    // Where to resume when what follows the last `%` does not fit: that `%` takes one character more.
    let mut resume: Option<(usize, usize)> = None;
    loop {
        let fits = match (pattern_bytes.get(pattern_at), bytes.get(at)) {
            (None, None) => return Ok(true),
            (Some(b'%'), _) => {
                pattern_at += 1;
                resume = Some((pattern_at, at));
                continue;
            }
            (Some(b'_'), Some(_)) => {
                at += character_bytes(text, at);
                pattern_at += 1;
                continue;
            }
            (Some(b'\\'), Some(byte)) => {
                let Some(literal) = pattern_bytes.get(pattern_at + 1) else {
                    return Err(ValueError::new("22025", "LIKE pattern must not end with escape character"));
                };
                if literal == byte {
                    pattern_at += 1;
                }
                literal == byte
            }
            (Some(literal), Some(byte)) => literal == byte,
            _ => false,
        };
        if fits {
            at += 1;
            pattern_at += 1;
            continue;
        }
        match resume {
            Some((after, from)) if from < bytes.len() => {
                at = from + character_bytes(text, from);
                pattern_at = after;
                resume = Some((after, at));
            }
            _ => return Ok(false),
        }
    }
}

fn character_bytes(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
}

fn ilike(text: &str, pattern: &str) -> Result<bool> {
    like(&super::text::lower(text), &super::text::lower(pattern))
}

/// The pattern of `like … escape …` with `\` as its escape character.
fn like_escape(pattern: &str, escape: &str) -> Result<String> {
    let mut characters = escape.chars();
    let escape = characters.next();
    if characters.next().is_some() {
        let detail = "Escape string must be empty or one character.";
        return Err(ValueError::new("22025", "invalid escape string").with_detail(detail));
    }
    if escape == Some('\\') {
        return Ok(pattern.to_owned());
    }
    let mut out = String::with_capacity(pattern.len());
    let mut escaped = false;
    for c in pattern.chars() {
        if Some(c) == escape && !escaped {
            out.push('\\');
            escaped = true;
            continue;
        }
        if c == '\\' && !escaped {
            out.push('\\');
        }
        out.push(c);
        escaped = false;
    }
    Ok(out)
}

fn matches(args: Args<'_, '_>, ignore_case: bool) -> Result<bool> {
    let options = Options { ignore_case, ..Options::default() };
    Ok(compile(text(args, 1)?, options)?.is_match(text(args, 0)?))
}

fn options(args: Args<'_, '_>, index: usize) -> Result<Options> {
    if args.len() > index { Options::parse(text(args, index)?) } else { Ok(Options::default()) }
}

/// The options of a function that has no use for `g`.
fn local_options(args: Args<'_, '_>, index: usize, function: &str) -> Result<Options> {
    let options = options(args, index)?;
    if options.global {
        return Err(invalid_parameter(format!("{function} does not support the \"global\" option")));
    }
    Ok(options)
}

fn invalid_value(parameter: &str, value: i64) -> ValueError {
    invalid_parameter(format!("invalid value for parameter \"{parameter}\": {value}"))
}

fn at_least(value: i64, least: i64, parameter: &str) -> Result<usize> {
    usize::try_from(value).ok().filter(|_| value >= least).ok_or_else(|| invalid_value(parameter, value))
}

/// The byte position of the `start` argument, a character number from 1; past the text when there are fewer.
fn start(args: Args<'_, '_>, index: usize) -> Result<usize> {
    if args.len() <= index {
        return Ok(0);
    }
    let skipped = at_least(int(args, index)?, 1, "start")? - 1;
    let whole = text(args, 0)?;
    if skipped == whole.chars().count() {
        return Ok(whole.len());
    }
    Ok(whole.char_indices().nth(skipped).map_or(whole.len() + 1, |(at, _)| at))
}

fn subexpression(args: Args<'_, '_>, index: usize) -> Result<usize> {
    if args.len() > index { at_least(int(args, index)?, 0, "subexpr") } else { Ok(0) }
}

/// The match that `start` and `n` (third and fourth arguments) ask for.
fn nth_match(
    args: Args<'_, '_>,
    flags: usize,
    group: usize,
    name: &str,
) -> Result<(Rc<Pattern>, Option<Spans>)> {
    let from = start(args, 2)?;
    let wanted = if args.len() > 3 { at_least(int(args, 3)?, 1, "n")? } else { 1 };
    subexpression(args, group)?;
    let pattern = compile(text(args, 1)?, local_options(args, flags, name)?)?;
    let found = all_matches(&pattern, text(args, 0)?, from, wanted)?;
    Ok((pattern, found.into_iter().nth(wanted - 1)))
}

/// The matches one after the other; after an empty one the search goes on a character further.
fn all_matches(pattern: &Pattern, whole: &str, from: usize, most: usize) -> Result<Vec<Spans>> {
    let mut found = Vec::new();
    let mut from = from;
    while found.len() < most {
        let Some(spans) = pattern.find(whole, from) else { break };
        let Some(Some((start, end))) = spans.first().copied() else { break };
        from = if start == end { end + character_bytes(whole, end) } else { end };
        found.push(spans);
        if found.len() > MAX_ROWS {
            return Err(ValueError::new("54000", "too many regular expression matches"));
        }
    }
    Ok(found)
}

fn part(whole: &str, spans: &Spans, group: usize) -> Value {
    let span = spans.get(group).copied().flatten();
    span.and_then(|(start, end)| whole.get(start..end))
        .map_or(Value::Null, |part| Value::Text(part.to_owned()))
}

/// The groups of a match as `text[]`, or the match itself where the pattern has none.
fn groups(whole: &str, pattern: &Pattern, spans: &Spans) -> Value {
    let first = usize::from(pattern.groups() > 0);
    let texts = spans.iter().skip(first);
    text_array(
        texts.map(|span| span.and_then(|(start, end)| Some(whole.get(start..end)?.to_owned()))).collect(),
    )
}

/// Replaces the `wanted`th match, or all when it is 0.
fn replace(args: Args<'_, '_>, options: Options, from: usize, wanted: usize) -> Result<String> {
    let (whole, replacement) = (text(args, 0)?, text(args, 2)?);
    let pattern = compile(text(args, 1)?, options)?;
    let found = all_matches(&pattern, whole, from, if wanted == 0 { usize::MAX } else { wanted })?;
    let mut out = String::with_capacity(whole.len());
    let mut copied = 0;
    for (number, spans) in found.iter().enumerate() {
        if wanted != 0 && number + 1 != wanted {
            continue;
        }
        let Some(Some((start, end))) = spans.first().copied() else { continue };
        out.push_str(whole.get(copied..start).unwrap_or(""));
        substitute(&mut out, replacement, whole, spans);
        bounded(out.len().saturating_sub(whole.len()))?;
        copied = end;
    }
    out.push_str(whole.get(copied..).unwrap_or(""));
    Ok(out)
}

/// Appends a replacement: `\1` to `\9` a group, `\&` the match, `\\` a backslash.
fn substitute(out: &mut String, replacement: &str, whole: &str, spans: &Spans) {
    let append = |out: &mut String, group: usize| {
        if let Some((start, end)) = spans.get(group).copied().flatten() {
            out.push_str(whole.get(start..end).unwrap_or(""));
        }
    };
    let mut characters = replacement.chars();
    while let Some(c) = characters.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match characters.next() {
            Some(digit @ '1'..='9') => append(out, digit as usize - '0' as usize),
            Some('&') => append(out, 0),
            Some('\\') | None => out.push('\\'),
            Some(other) => out.extend(['\\', other]),
        }
    }
}

/// The parts between matches; an empty match at the end of the previous one, or at the end of the text, does not split.
fn split(args: Args<'_, '_>, name: &str) -> Result<Vec<String>> {
    let whole = text(args, 0)?;
    let pattern = compile(text(args, 1)?, local_options(args, 2, name)?)?;
    let mut parts = Vec::new();
    let mut copied = 0;
    for spans in all_matches(&pattern, whole, 0, usize::MAX)? {
        let Some(Some((start, end))) = spans.first().copied() else { continue };
        if start < whole.len() && end > copied {
            parts.push(whole.get(copied..start).unwrap_or("").to_owned());
            copied = end;
        }
    }
    parts.push(whole.get(copied..).unwrap_or("").to_owned());
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_matches() {
        let table = [
            ("abc", "a%", true),
            ("abc", "_b_", true),
            ("abc", "%b", false),
            ("aXbXc", "a%X_", true),
            ("äö", "_ö", true),
            ("äö", "__", true),
            ("100%", r"100\%", true),
            ("100x", r"100\%", false),
            (r"a\b", r"a\\b", true),
            ("", "", true),
            ("", "%", true),
            ("mississippi", "%iss%ip%", true),
        ];
        for (text, pattern, expected) in table {
            assert_eq!(like(text, pattern), Ok(expected), "{text} like {pattern}");
        }
        assert_eq!(like("ab", "a\\").unwrap_err().code, "22025");
        assert_eq!(like_escape("a#%b\\", "#"), Ok(r"a\%b\\".to_owned()));
    }
}
