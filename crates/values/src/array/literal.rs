//! PostgreSQL's array literals: `{1,2,NULL,"a b"}`, `{{1,2},{3,4}}`, `[1:2]={3,4}`.

use super::{Array, MAX_DIMENSIONS};
use crate::{Modifier, Result, Session, Type, Value, ValueError, input};

/// Reads a literal; elements by their type's input. Errors: 22P02 with PostgreSQL's details, 0A000 for lower bounds other
/// than 1, 54000 for more than six dimensions.
pub(crate) fn parse(element: &Type, modifier: Modifier, text: &str, session: &Session) -> Result<Array> {
    let mut reader = Reader { text, rest: text.trim_start_matches(is_space) };
    let declared = reader.dimensions()?;
    if !reader.rest.starts_with('{') {
        return Err(reader.malformed(match declared {
            Some(_) => "Array contents must start with \"{\".",
            None => "Array value must start with \"{\" or dimension information.",
        }));
    }
    // From here on, refusals show the text without its dimensions, as PostgreSQL's do.
    reader.text = reader.rest;
    let mut found = Found::default();
    reader.level(0, &mut found)?;
    if !reader.rest.trim_start_matches(is_space).is_empty() {
        return Err(reader.malformed("Junk after closing right brace."));
    }
    let dimensions: Vec<usize> = if found.elements.is_empty() {
        Vec::new()
    } else {
        found.lengths.iter().flatten().copied().collect()
    };
    if declared.is_some_and(|declared| declared != dimensions) {
        reader.text = text;
        return Err(reader.malformed("Specified array dimensions do not match array contents."));
    }
    let read = |item: Option<String>| match item {
        None => Ok(Value::Null),
        Some(item) => input::from_text(element, modifier, &item, session),
    };
    let elements = found.elements.into_iter().map(read).collect::<Result<Vec<Value>>>()?;
    Ok(Array { dimensions, elements })
}

/// The elements' texts (`None` for NULL) and the lengths of the dimensions, each known once its first list has ended.
#[derive(Default)]
struct Found {
    elements: Vec<Option<String>>,
    lengths: Vec<Option<usize>>,
    /// How deep the first element lies, and so all
    depth: Option<usize>,
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

impl Reader<'_> {
    fn malformed(&self, detail: impl Into<String>) -> ValueError {
        ValueError::new("22P02", format!("malformed array literal: \"{}\"", self.text)).with_detail(detail)
    }

    fn unexpected(&self, character: Option<char>) -> ValueError {
        match character {
            None => self.malformed("Unexpected end of input."),
            Some(character) if matches!(character, '{' | '}' | ',' | '\\') => {
                self.malformed(format!("Unexpected \"{character}\" character."))
            }
            Some(_) => self.malformed("Unexpected array element."),
        }
    }

    /// `[1:2][1:3]=`: the lengths.
    fn dimensions(&mut self) -> Result<Option<Vec<usize>>> {
        let mut lengths = Vec::new();
        while let Some(after) = self.rest.trim_start_matches(is_space).strip_prefix('[') {
            if lengths.len() == MAX_DIMENSIONS {
                return Err(too_many_dimensions(lengths.len() + 1));
            }
            let Some((bounds, after)) = after.split_once(']') else {
                return Err(self.malformed("Missing \"]\" after array dimensions."));
            };
            let (lower, upper) = bounds.split_once(':').unwrap_or(("1", bounds));
            let bound = |text: &str| text.trim_matches(is_space).parse::<i32>();
            let (Ok(lower), Ok(upper)) = (bound(lower), bound(upper)) else {
                return Err(self.malformed("\"[\" must introduce explicitly-specified array dimensions."));
            };
            if upper < lower {
                return Err(ValueError::new("2202E", "upper bound cannot be less than lower bound"));
            }
            if lower != 1 {
                return Err(ValueError::new(
                    "0A000",
                    "arrays with a lower bound other than 1 are not supported",
                ));
            }
            lengths.push(usize::try_from(upper).unwrap_or(0));
            self.rest = after;
        }
        if lengths.is_empty() {
            return Ok(None);
        }
        match self.rest.trim_start_matches(is_space).strip_prefix('=') {
            Some(after) => self.rest = after.trim_start_matches(is_space),
            None => return Err(self.malformed("Missing \"=\" after array dimensions.")),
        }
        Ok(Some(lengths))
    }

    /// One pair of braces, from its opening one. All its entries are lists, or none is.
    fn level(&mut self, depth: usize, found: &mut Found) -> Result<()> {
        if depth == MAX_DIMENSIONS {
            return Err(too_many_dimensions(depth + 1));
        }
        if found.lengths.len() <= depth {
            found.lengths.push(None);
        }
        self.skip(1);
        let mut lists = None;
        let mut count = 0;
        loop {
            match self.next() {
                Some('}') if count == 0 && depth == 0 => {
                    self.skip(1);
                    return Ok(());
                }
                // Elements stand where other lists of this depth have lists.
                Some('{') if lists != Some(false) => {
                    lists = Some(true);
                    self.level(depth + 1, found)?;
                }
                character @ (Some('{' | '}' | ',') | None) => return Err(self.unexpected(character)),
                Some(_) if lists == Some(true) => return Err(self.malformed("Unexpected array element.")),
                Some('"') => {
                    lists = Some(false);
                    let element = self.quoted()?;
                    found.elements.push(Some(element));
                }
                Some(_) => {
                    lists = Some(false);
                    let element = self.bare()?;
                    found.elements.push(element);
                }
            }
            count += 1;
            match self.next() {
                Some(',') => self.skip(1),
                Some('}') => break,
                other => return Err(self.unexpected(other)),
            }
        }
        self.skip(1);
        let even = lists == Some(true) || *found.depth.get_or_insert(depth) == depth;
        match found.lengths.get_mut(depth) {
            Some(length) if even && length.is_none_or(|length| length == count) => *length = Some(count),
            _ => {
                return Err(
                    self.malformed("Multidimensional arrays must have sub-arrays with matching dimensions.")
                );
            }
        }
        Ok(())
    }

    /// The next character after white space.
    fn next(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start_matches(is_space);
        self.rest.chars().next()
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn quoted(&mut self) -> Result<String> {
        let mut content = String::new();
        let mut characters = self.rest.chars();
        characters.next();
        loop {
            match characters.next() {
                None => return Err(self.unexpected(None)),
                Some('"') => break,
                Some('\\') => match characters.next() {
                    None => return Err(self.unexpected(None)),
                    Some(escaped) => content.push(escaped),
                },
                Some(character) => content.push(character),
            }
        }
        self.rest = characters.as_str();
        Ok(content)
    }

    /// An element without quotes: up to a comma or brace, white space around it cut; `NULL` in any case is null.
    fn bare(&mut self) -> Result<Option<String>> {
        let mut content = String::new();
        // White space after the last character, or escape, that counts.
        let mut kept = 0;
        let mut escaped = false;
        let mut characters = self.rest.char_indices();
        let end = loop {
            match characters.next() {
                None => return Err(self.unexpected(None)),
                Some((at, ',' | '}')) => break at,
                Some((_, '"')) => return Err(self.malformed("Unexpected array element.")),
                Some((_, '{')) => return Err(self.unexpected(Some('{'))),
                Some((_, '\\')) => match characters.next() {
                    None => return Err(self.unexpected(None)),
                    Some((_, character)) => {
                        content.push(character);
                        kept = content.len();
                        escaped = true;
                    }
                },
                Some((_, character)) => {
                    content.push(character);
                    if !is_space(character) {
                        kept = content.len();
                    }
                }
            }
        };
        self.skip(end);
        content.truncate(kept);
        Ok(if !escaped && content.eq_ignore_ascii_case("null") { None } else { Some(content) })
    }
}

/// Appends an element, in quotes where a literal needs them.
pub(super) fn write_element(text: &str, out: &mut Vec<u8>) {
    let special = |c: char| matches!(c, '"' | '\\' | '{' | '}' | ',') || is_space(c);
    if !text.is_empty() && !text.contains(special) && !text.eq_ignore_ascii_case("null") {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

fn too_many_dimensions(count: usize) -> ValueError {
    ValueError::new(
        "54000",
        format!("number of array dimensions ({count}) exceeds the maximum allowed ({MAX_DIMENSIONS})"),
    )
}

#[cfg(test)]
mod tests {
    use super::super::encode;
    use super::*;

    fn read(text: &str) -> Result<Value> {
        let session = Session { time_zone: jiff::tz::TimeZone::UTC, now: 0 };
        encode(&Type::Text, &parse(&Type::Text, Modifier::None, text, &session)?)
    }

    #[test]
    fn reads() {
        for (text, expected) in [
            ("{}", "[]"),
            (" { } ", "[]"),
            (r#"{a, "b c" ,NULL,"NULL",\null}"#, r#"["a","b c",null,"NULL","null"]"#),
            (r#"{ a b ,"x\"y\\"}"#, r#"["a b","x\"y\\"]"#),
            ("{{a,b},{c,d}}", r#"[["a","b"],["c","d"]]"#),
            ("[1:2]={a,b}", r#"["a","b"]"#),
        ] {
            assert_eq!(read(text), Ok(Value::Text(expected.to_owned())), "{text}");
        }
    }

    #[test]
    fn refuses_with_postgresqls_details() {
        for (text, code, detail) in [
            ("", "22P02", "Array value must start with \"{\" or dimension information."),
            ("a", "22P02", "Array value must start with \"{\" or dimension information."),
            ("{a", "22P02", "Unexpected end of input."),
            ("{a,}", "22P02", "Unexpected \"}\" character."),
            ("{,a}", "22P02", "Unexpected \",\" character."),
            ("{a}b", "22P02", "Junk after closing right brace."),
            (
                "{{a},{b,c}}",
                "22P02",
                "Multidimensional arrays must have sub-arrays with matching dimensions.",
            ),
            ("{a,{b}}", "22P02", "Unexpected \"{\" character."),
            ("{{a},b}", "22P02", "Unexpected array element."),
            ("{\"a\"b}", "22P02", "Unexpected array element."),
            ("{a\"b\"}", "22P02", "Unexpected array element."),
            ("[1:3]={a}", "22P02", "Specified array dimensions do not match array contents."),
            ("[1:1]a", "22P02", "Missing \"=\" after array dimensions."),
        ] {
            let refusal = read(text).expect_err(text);
            assert_eq!((refusal.code, refusal.detail.as_deref()), (code, Some(detail)), "{text}");
        }
        assert_eq!(read("[0:1]={a,b}").map_err(|e| e.code), Err("0A000"));
        assert_eq!(read("{{{{{{{a}}}}}}}").map_err(|e| e.code), Err("54000"));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "\\PC*", likely in "[{},\"\\\\a \\[\\]:=0-9é]{0,20}") {
            let _ = (read(&text), read(&likely));
        }
    }
}
