//! The grammar of JSON (RFC 8259) with PostgreSQL's refusals. One walk serves checking, which builds nothing, and reading
//! into a tree.

use super::{Json, MAX_DEPTH};
use crate::numeric::Decimal;
use crate::{Result, ValueError};

/// What is made of the parts of a text.
trait Build {
    type Key;
    type Value;
    fn key(&self, raw: &str) -> Result<Self::Key>;
    fn scalar(&self, raw: &str) -> Result<Self::Value>;
    fn array(&self, elements: Vec<Self::Value>) -> Self::Value;
    fn object(&self, members: Vec<(Self::Key, Self::Value)>) -> Self::Value;
}

/// Makes nothing: vectors of nothing take no memory.
struct Check;

impl Build for Check {
    type Key = ();
    type Value = ();
    fn key(&self, _: &str) -> Result<()> {
        Ok(())
    }
    fn scalar(&self, _: &str) -> Result<()> {
        Ok(())
    }
    fn array(&self, _: Vec<()>) {}
    fn object(&self, _: Vec<((), ())>) {}
}

/// Makes a tree, canonical for jsonb.
struct Tree {
    canonical: bool,
}

impl Build for Tree {
    type Key = String;
    type Value = Json;

    fn key(&self, raw: &str) -> Result<String> {
        unescape(raw)
    }

    fn scalar(&self, raw: &str) -> Result<Json> {
        Ok(match raw.as_bytes().first() {
            Some(b'"') => Json::String(unescape(raw)?),
            Some(b'n') => Json::Null,
            Some(b't') => Json::Bool(true),
            Some(b'f') => Json::Bool(false),
            _ if self.canonical => Json::Number(Decimal::parse(raw)?.to_string()),
            _ => Json::Number(raw.to_owned()),
        })
    }

    fn array(&self, elements: Vec<Json>) -> Json {
        Json::Array(elements)
    }

    fn object(&self, members: Vec<(String, Json)>) -> Json {
        if self.canonical { Json::object(members) } else { Json::Object(members) }
    }
}

pub(super) fn check(text: &str) -> Result<()> {
    document(&mut Reader { text, at: 0 }, &Check)
}

pub(super) fn tree(text: &str, canonical: bool) -> Result<Json> {
    document(&mut Reader { text, at: 0 }, &Tree { canonical })
}

/// The end of the value that starts at the first byte (white space before it allowed), for JSON known to be well-formed.
pub(super) fn skip(text: &str) -> Option<usize> {
    let mut reader = Reader { text, at: 0 };
    value(&mut reader, &Check, 0).ok()?;
    Some(reader.at)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

fn document<B: Build>(reader: &mut Reader<'_>, build: &B) -> Result<B::Value> {
    let made = value(reader, build, 0)?;
    match reader.peek() {
        None => Ok(made),
        Some(_) => Err(reader.unexpected("Expected end of input")),
    }
}

fn value<B: Build>(reader: &mut Reader<'_>, build: &B, depth: usize) -> Result<B::Value> {
    if depth > MAX_DEPTH {
        return Err(ValueError::new("54001", "stack depth limit exceeded"));
    }
    match reader.peek() {
        Some(b'{') => {
            reader.at += 1;
            object(reader, build, depth)
        }
        Some(b'[') => {
            reader.at += 1;
            array(reader, build, depth)
        }
        _ => {
            let start = reader.at;
            let token = reader.token()?;
            if token.starts_with(|c: char| c == '"' || c == '-' || c.is_ascii_alphanumeric()) {
                build.scalar(token)
            } else {
                reader.at = start;
                Err(reader.unexpected("Expected JSON value"))
            }
        }
    }
}

fn array<B: Build>(reader: &mut Reader<'_>, build: &B, depth: usize) -> Result<B::Value> {
    let mut elements = Vec::new();
    if reader.take(b']') {
        return Ok(build.array(elements));
    }
    loop {
        elements.push(value(reader, build, depth + 1)?);
        if reader.take(b']') {
            return Ok(build.array(elements));
        }
        if !reader.take(b',') {
            return Err(reader.unexpected("Expected \",\" or \"]\""));
        }
    }
}

fn object<B: Build>(reader: &mut Reader<'_>, build: &B, depth: usize) -> Result<B::Value> {
    let mut members = Vec::new();
    if reader.take(b'}') {
        return Ok(build.object(members));
    }
    let mut expected = "Expected string or \"}\"";
    loop {
        if reader.peek() != Some(b'"') {
            return Err(reader.unexpected(expected));
        }
        expected = "Expected string";
        let key = build.key(reader.token()?)?;
        if !reader.take(b':') {
            return Err(reader.unexpected("Expected \":\""));
        }
        members.push((key, value(reader, build, depth + 1)?));
        if reader.take(b'}') {
            return Ok(build.object(members));
        }
        if !reader.take(b',') {
            return Err(reader.unexpected("Expected \",\" or \"}\""));
        }
    }
}

impl<'a> Reader<'a> {
    /// The next byte after white space.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn cut(&mut self, end: usize) -> &'a str {
        let token = self.text.get(self.at..end).unwrap_or_default();
        self.at = end;
        token
    }

    /// The next token: a string, number or word, checked, or one punctuation character.
    fn token(&mut self) -> Result<&'a str> {
        let Some(first) = self.peek() else { return Err(ended()) };
        let bytes = self.text.as_bytes().get(self.at..).unwrap_or_default();
        match first {
            b'"' => {
                let length = string_length(bytes, self.text.get(self.at..).unwrap_or_default())?;
                Ok(self.cut(self.at + length))
            }
            b'{' | b'}' | b'[' | b']' | b',' | b':' => Ok(self.cut(self.at + 1)),
            b'-' | b'0'..=b'9' => {
                let (length, valid) = number_length(bytes);
                let token = self.cut(self.at + length);
                if valid { Ok(token) } else { Err(invalid(token)) }
            }
            _ => {
                // A run of letters, or one character that is none.
                let length = bytes.iter().position(|b| !is_word(*b)).unwrap_or(bytes.len()).max(1);
                let token = self.cut(self.at + length);
                if matches!(token, "true" | "false" | "null") { Ok(token) } else { Err(invalid(token)) }
            }
        }
    }

    /// The refusal of the next token: that it is no token at all comes first.
    fn unexpected(&mut self, expected: &str) -> ValueError {
        match self.token() {
            Ok(token) => syntax(format!("{expected}, but found \"{token}\".")),
            Err(refusal) => refusal,
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// The length of a number, with what hangs on to it, and whether it is one.
fn number_length(bytes: &[u8]) -> (usize, bool) {
    let digits = |from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        rest.iter().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len())
    };
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    let mut valid = true;
    match bytes.get(at) {
        Some(b'0') => at += 1,
        Some(b'1'..=b'9') => at += digits(at),
        _ => valid = false,
    }
    if valid && bytes.get(at) == Some(&b'.') {
        let count = digits(at + 1);
        at += 1 + count;
        valid = count > 0;
    }
    if valid && matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let count = digits(at);
        at += count;
        valid = count > 0;
    }
    let garbage = bytes.get(at..).unwrap_or_default().iter().take_while(|b| is_word(**b)).count();
    (at + garbage, valid && garbage == 0)
}

/// The length of the string with its quotes; its escapes are checked for form only.
fn string_length(bytes: &[u8], text: &str) -> Result<usize> {
    let mut at = 1;
    loop {
        match bytes.get(at) {
            None => return Err(invalid(text)),
            Some(b'"') => return Ok(at + 1),
            Some(byte) if *byte < 0x20 => {
                return Err(syntax(format!("Character with value 0x{byte:02x} must be escaped.")));
            }
            Some(b'\\') => at += escape_length(bytes.get(at..).unwrap_or_default(), text, at)?,
            Some(_) => at += 1,
        }
    }
}

fn escape_length(bytes: &[u8], text: &str, at: usize) -> Result<usize> {
    match bytes.get(1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
        Some(b'u') => {
            let digits = bytes.iter().skip(2).take(4).take_while(|b| b.is_ascii_hexdigit()).count();
            if digits == 4 {
                Ok(6)
            } else if bytes.len() < 6 && digits + 2 == bytes.len() {
                Err(invalid(text))
            } else {
                Err(syntax("\"\\u\" must be followed by four hexadecimal digits."))
            }
        }
        Some(_) => {
            let wrong: String = text.get(at + 1..).unwrap_or_default().chars().take(1).collect();
            Err(syntax(format!("Escape sequence \"\\{wrong}\" is invalid.")))
        }
        None => Err(invalid(text)),
    }
}

/// The content of a JSON string with its quotes. Errors: 22P05 for `\u0000`, 22P02 for lone surrogates.
pub(super) fn unescape(raw: &str) -> Result<String> {
    let inner = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')).unwrap_or(raw);
    if !inner.contains('\\') {
        return Ok(inner.to_owned());
    }
    let mut content = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((before, after)) = rest.split_once('\\') {
        content.push_str(before);
        let mut characters = after.chars();
        let escaped = match characters.next() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                let (character, length) = unicode(characters.as_str())?;
                content.push(character);
                rest = characters.as_str().get(length..).unwrap_or_default();
                continue;
            }
            Some(other) => other,
            None => '\\',
        };
        content.push(escaped);
        rest = characters.as_str();
    }
    content.push_str(rest);
    Ok(content)
}

/// The character of four hexadecimal digits, or of a pair of surrogates, and the bytes that it takes.
fn unicode(text: &str) -> Result<(char, usize)> {
    let unit = |from: usize| text.get(from..from + 4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let high = unit(0).ok_or_else(|| syntax("\"\\u\" must be followed by four hexadecimal digits."))?;
    match high {
        0 => Err(ValueError::new("22P05", "unsupported Unicode escape sequence")
            .with_detail("\\u0000 cannot be converted to text.")),
        0xD800..=0xDBFF => {
            let low = text.get(4..6).filter(|escape| *escape == "\\u").and_then(|_| unit(6));
            match low {
                Some(low @ 0xDC00..=0xDFFF) => {
                    let point = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                    Ok((char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER), 10))
                }
                Some(0xD800..=0xDBFF) => {
                    Err(syntax("Unicode high surrogate must not follow a high surrogate."))
                }
                _ => Err(syntax("Unicode low surrogate must follow a high surrogate.")),
            }
        }
        0xDC00..=0xDFFF => Err(syntax("Unicode low surrogate must follow a high surrogate.")),
        point => Ok((char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER), 4)),
    }
}

fn syntax(detail: impl Into<String>) -> ValueError {
    ValueError::new("22P02", "invalid input syntax for type json").with_detail(detail)
}

fn invalid(token: &str) -> ValueError {
    syntax(format!("Token \"{token}\" is invalid."))
}

fn ended() -> ValueError {
    syntax("The input string ended unexpectedly.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_with_postgresqls_details() {
        for (text, detail) in [
            ("", "The input string ended unexpectedly."),
            ("{", "The input string ended unexpectedly."),
            ("[1", "The input string ended unexpectedly."),
            ("}", "Expected JSON value, but found \"}\"."),
            ("{1:2}", "Expected string or \"}\", but found \"1\"."),
            ("{\"a\" 1}", "Expected \":\", but found \"1\"."),
            ("{\"a\":1 2}", "Expected \",\" or \"}\", but found \"2\"."),
            ("{\"a\":1,}", "Expected string, but found \"}\"."),
            ("[1 2]", "Expected \",\" or \"]\", but found \"2\"."),
            ("[1,]", "Expected JSON value, but found \"]\"."),
            ("[,]", "Expected JSON value, but found \",\"."),
            ("1 2", "Expected end of input, but found \"2\"."),
            ("01", "Token \"01\" is invalid."),
            ("1.", "Token \"1.\" is invalid."),
            ("NaN", "Token \"NaN\" is invalid."),
            ("'a'", "Token \"'\" is invalid."),
            ("\"a", "Token \"\"a\" is invalid."),
            ("\"a\nb\"", "Character with value 0x0a must be escaped."),
            ("\"\\q\"", "Escape sequence \"\\q\" is invalid."),
            ("\"\\u12g4\"", "\"\\u\" must be followed by four hexadecimal digits."),
        ] {
            let refusal = check(text).expect_err(text);
            assert_eq!((refusal.code, refusal.detail.as_deref()), ("22P02", Some(detail)), "{text}");
        }
        for (text, code) in [("\"\\u0000\"", "22P05"), ("\"\\ud800\"", "22P02"), ("\"\\udc00\"", "22P02")] {
            assert_eq!(check(text), Ok(()), "{text}");
            assert_eq!(tree(text, true).map_err(|e| e.code).err(), Some(code), "{text}");
        }
        assert_eq!(check(&"[".repeat(100_000)).map_err(|e| e.code).err(), Some("54001"));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "\\PC*", likely in "[\\[\\]{}:,\"\\\\u0-9a-fn.eE+-]{0,30}") {
            for text in [text, likely] {
                let checked = check(&text);
                if let Ok(json) = tree(&text, true) {
                    proptest::prop_assert_eq!(checked, Ok(()));
                    proptest::prop_assert_eq!(tree(&json.to_text(), true), Ok(json));
                }
            }
        }
    }
}
