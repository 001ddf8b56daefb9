//! Texts put together from values of any type: `||`, `concat`, `format` and the quoting functions.

use std::borrow::Cow;

use super::Arg::{Any, AnyNonArray, Text};
use super::args::{bounded, invalid_parameter, some_text, text, value};
use super::{Builtin, Context, function, operator};
use crate::{Result, Type, Value, ValueError, ValueRef, output};

pub(super) static TABLE: &[Builtin] = &[
    operator("text_concat", "||", &[Text, Text], Text, |_, a| some_text([text(a, 0)?, text(a, 1)?].concat())),
    operator("text_concat_any", "||", &[Text, AnyNonArray], Text, |c, a| {
        some_text(text(a, 0)?.to_owned() + &cast_text(c, a, 1))
    })
    .stable(),
    operator("any_concat_text", "||", &[AnyNonArray, Text], Text, |c, a| {
        some_text(cast_text(c, a, 0).into_owned() + text(a, 1)?)
    })
    .stable(),
    function("concat", "concat", &[Any], Text, |c, a| some_text(join(c, a, 0, ""))).variadic().stable().lax(),
    function("concat_ws", "concat_ws", &[Text, Any], Text, |c, a| match value(a, 0) {
        ValueRef::Text(separator) => some_text(join(c, a, 1, separator)),
        _ => Ok(Value::Null),
    })
    .variadic()
    .optional(1)
    .stable()
    .lax(),
    function("format", "format", &[Text, Any], Text, |c, a| match value(a, 0) {
        ValueRef::Text(pattern) => some_text(format(c, a, pattern)?),
        _ => Ok(Value::Null),
    })
    .variadic()
    .optional(1)
    .stable()
    .lax(),
    function("quote_ident", "quote_ident", &[Text], Text, |_, a| some_text(quote_ident(text(a, 0)?))),
    function("quote_literal", "quote_literal", &[Text], Text, |_, a| some_text(quote_literal(text(a, 0)?))),
    function("quote_literal_any", "quote_literal", &[Any], Text, |c, a| {
        some_text(quote_literal(&cast_text(c, a, 0)))
    })
    .stable(),
    function("quote_nullable", "quote_nullable", &[Text], Text, |_, a| match value(a, 0) {
        ValueRef::Null => some_text("NULL"),
        _ => some_text(quote_literal(text(a, 0)?)),
    })
    .lax(),
    function("quote_nullable_any", "quote_nullable", &[Any], Text, |c, a| match value(a, 0) {
        ValueRef::Null => some_text("NULL"),
        _ => some_text(quote_literal(&cast_text(c, a, 0))),
    })
    .stable()
    .lax(),
];

/// The words that PostgreSQL 15 quotes as identifiers: all its keywords but the unreserved ones.
const KEYWORDS: &str = "all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean \
    both case cast char character check coalesce collate collation column concurrently constraint create \
    cross current_catalog current_date current_role current_schema current_time current_timestamp \
    current_user dec decimal default deferrable desc distinct do else end except exists extract false \
    fetch float for foreign freeze from full grant greatest group grouping having ilike in initially \
    inner inout int integer intersect interval into is isnull join lateral leading least left like limit \
    localtime localtimestamp national natural nchar none normalize not notnull null nullif numeric \
    offset on only or order out outer overlaps overlay placing position precision primary real \
    references returning right row select session_user setof similar smallint some substring symmetric \
    table tablesample then time timestamp to trailing treat trim true union unique user using values \
    varchar variadic verbose when where window with xmlattributes xmlconcat xmlelement xmlexists \
    xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable";

/// A value's text by its type's output function (`t` for true); nothing for null.
pub(super) fn output_text<'a>(context: &Context<'_>, args: &[ValueRef<'a>], index: usize) -> Cow<'a, str> {
    display(context.types.get(index).unwrap_or(&Type::Text), value(args, index), context)
}

pub(super) fn display<'a>(ty: &Type, value: ValueRef<'a>, context: &Context<'_>) -> Cow<'a, str> {
    match (ty, value) {
        (Type::Text | Type::Varchar | Type::Unknown, ValueRef::Text(text)) => Cow::Borrowed(text),
        _ => {
            let mut out = Vec::new();
            output::write_text(ty, value, context.session, &mut out);
            Cow::Owned(String::from_utf8_lossy(&out).into_owned())
        }
    }
}

/// A value's text by the cast to text, which spells booleans out and takes a char's padding off.
fn cast_text<'a>(context: &Context<'_>, args: &[ValueRef<'a>], index: usize) -> Cow<'a, str> {
    match (context.types.get(index), value(args, index)) {
        (Some(Type::Bool), ValueRef::Int(b)) => Cow::Borrowed(if b != 0 { "true" } else { "false" }),
        (Some(Type::Char), ValueRef::Text(text)) => Cow::Borrowed(text.trim_end_matches(' ')),
        _ => output_text(context, args, index),
    }
}

fn join(context: &Context<'_>, args: &[ValueRef<'_>], from: usize, separator: &str) -> String {
    let given = (from..args.len()).filter(|index| !value(args, *index).is_null());
    let parts: Vec<Cow<'_, str>> = given.map(|index| output_text(context, args, index)).collect();
    parts.join(separator)
}

pub(super) fn quote_ident(name: &str) -> String {
    let plain_start = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if plain_start && plain && !KEYWORDS.split(' ').any(|keyword| keyword == name) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

fn quote_literal(text: &str) -> String {
    let escape = if text.contains('\\') { "E" } else { "" };
    format!("{escape}'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// One `%[position][flags][width]type` of a format.
struct Specifier {
    /// The argument by number; `None` is the next one
    position: Option<usize>,
    left: bool,
    width: Width,
    kind: char,
}

enum Width {
    None,
    Fixed(i64),
    /// From the argument of that number, or the next one
    Argument(Option<usize>),
}

fn format(context: &Context<'_>, args: &[ValueRef<'_>], pattern: &str) -> Result<String> {
    let mut out = String::new();
    let mut rest = pattern;
    let mut next = 1;
    while let Some(at) = rest.find('%') {
        out.push_str(rest.get(..at).unwrap_or(""));
        rest = rest.get(at + 1..).unwrap_or("");
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let (specifier, after) = specifier(rest)?;
        rest = after;
        let mut take = |position: Option<usize>| -> Result<usize> {
            let index = position.unwrap_or(next);
            next = index + 1;
            if index < args.len() {
                Ok(index)
            } else {
                Err(invalid_parameter("too few arguments for format()"))
            }
        };
        let width = match specifier.width {
            Width::None => 0,
            Width::Fixed(width) => width,
            Width::Argument(position) => {
                let index = take(position)?;
                let written = output_text(context, args, index);
                if written.is_empty() { 0 } else { written.parse().map_err(|_| out_of_range_width())? }
            }
        };
        let index = take(specifier.position)?;
        let null = value(args, index).is_null();
        let written = output_text(context, args, index);
        let written = match specifier.kind {
            's' => written,
            'I' if null => {
                let message = "null values cannot be formatted as an SQL identifier";
                return Err(ValueError::new("22004", message));
            }
            'I' => Cow::Owned(quote_ident(&written)),
            _ if null => Cow::Borrowed("NULL"),
            _ => Cow::Owned(quote_literal(&written)),
        };
        let wanted = usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX);
        let padding = wanted.saturating_sub(written.chars().count());
        bounded(if padding == 0 { 0 } else { out.len().saturating_add(padding) })?;
        if specifier.left || width < 0 {
            out.push_str(&written);
            out.extend(std::iter::repeat_n(' ', padding));
        } else {
            out.extend(std::iter::repeat_n(' ', padding));
            out.push_str(&written);
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn out_of_range_width() -> ValueError {
    invalid_parameter("number is out of range")
}

/// Reads a specifier after its `%`, and what follows it.
fn specifier(text: &str) -> Result<(Specifier, &str)> {
    let mut specifier = Specifier { position: None, left: false, width: Width::None, kind: 's' };
    let mut rest = text;
    let (number, after) = digits(rest)?;
    if let (Some(number), Some(after)) = (number, after.strip_prefix('$')) {
        specifier.position = Some(argument_number(number)?);
        rest = after;
    }
    while let Some(after) = rest.strip_prefix('-') {
        specifier.left = true;
        rest = after;
    }
    if let Some(after) = rest.strip_prefix('*') {
        let (number, after_number) = digits(after)?;
        let by_number = number.zip(after_number.strip_prefix('$'));
        specifier.width = Width::Argument(by_number.map(|(number, _)| argument_number(number)).transpose()?);
        rest = by_number.map_or(after, |(_, after)| after);
    } else {
        let (number, after) = digits(rest)?;
        specifier.width = number.map_or(Width::None, Width::Fixed);
        rest = after;
    }
    let mut characters = rest.chars();
    match characters.next() {
        Some(kind @ ('s' | 'I' | 'L')) => specifier.kind = kind,
        Some(other) => {
            return Err(invalid_parameter(format!("unrecognized format() type specifier \"{other}\"")));
        }
        None => return Err(invalid_parameter("unterminated format() type specifier")),
    }
    Ok((specifier, characters.as_str()))
}

fn argument_number(number: i64) -> Result<usize> {
    match usize::try_from(number) {
        Ok(0) | Err(_) => {
            Err(invalid_parameter("format specifies argument 0, but arguments are numbered from 1"))
        }
        Ok(number) => Ok(number),
    }
}

fn digits(text: &str) -> Result<(Option<i64>, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    if number.is_empty() {
        return Ok((None, rest));
    }
    let number: i32 = number.parse().map_err(|_| out_of_range_width())?;
    Ok((Some(i64::from(number)), rest))
}
