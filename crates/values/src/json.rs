//! JSON: PostgreSQL's canonical jsonb as a tree and as text, its order, and picking parts out of JSON text without a tree.
//! The grammar itself is in `json/parse.rs`.

mod parse;
mod pick;

use std::cmp::Ordering;

use crate::Result;
use crate::numeric;
pub use pick::{at, elements, get, members, path, unquote};

/// The deepest nesting that is read.
pub const MAX_DEPTH: usize = 512;

/// A JSON value. Numbers keep their text; the members of an object keep their order (and, read as `json`, duplicates).
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// As written; in jsonb, as numeric prints it
    Number(String),
    /// Decoded
    String(String),
    /// Elements
    Array(Vec<Json>),
    /// Members; in jsonb ordered by the length of the key, then its bytes
    Object(Vec<(String, Json)>),
}

/// Checks that text is JSON, as input of type json does. Errors: 22P02, 54001.
pub fn check(text: &str) -> Result<()> {
    parse::check(text)
}

/// jsonb's canonical text. Errors: 22P02, 22P05, 22003, 54001.
pub fn canonical(text: &str) -> Result<String> {
    Json::parse_jsonb(text).map(|json| json.to_text())
}

impl Json {
    /// Reads JSON text as jsonb: the last of duplicate keys wins, keys are ordered by length then bytes, numbers take
    /// numeric's form. Errors: 22P02, 22P05, 22003, 54001.
    pub fn parse_jsonb(text: &str) -> Result<Json> {
        parse::tree(text, true)
    }

    /// Reads JSON text as json: members and numbers as written. Errors: 22P02, 22P05, 54001.
    pub fn parse_json(text: &str) -> Result<Json> {
        parse::tree(text, false)
    }

    /// An object in jsonb's order, the last of duplicate keys winning.
    pub fn object(mut members: Vec<(String, Json)>) -> Json {
        members.sort_by(|(a, _), (b, _)| compare_keys(a, b));
        // `dedup_by` keeps the first of equals, so the later one is moved there.
        members.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                std::mem::swap(later, kept);
            }
            same
        });
        Json::Object(members)
    }

    /// Appends jsonb's text: `{"a": 1, "bb": [1, 2]}`.
    pub fn write(&self, out: &mut String) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(true) => out.push_str("true"),
            Json::Bool(false) => out.push_str("false"),
            Json::Number(number) => out.push_str(number),
            Json::String(text) => push_string(text, out),
            Json::Array(elements) => {
                out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    element.write(out);
                }
                out.push(']');
            }
            Json::Object(members) => {
                out.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    push_string(key, out);
                    out.push_str(": ");
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// jsonb's text.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    /// The member of an object: the last one of that key.
    pub fn get(&self, key: &str) -> Option<&Json> {
        match self {
            Json::Object(members) => {
                members.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The element of an array, from the end when negative.
    pub fn at(&self, index: i64) -> Option<&Json> {
        match self {
            Json::Array(elements) => elements.get(position(index, elements.len())?),
            _ => None,
        }
    }

    /// The part at a path of keys and indexes.
    pub fn path(&self, path: &[&str]) -> Option<&Json> {
        path.iter().try_fold(self, |json, step| match json {
            Json::Array(_) => json.at(step.trim_start().parse().ok()?),
            _ => json.get(step),
        })
    }

    /// What `->>` gives: null for JSON null, a string's content, else the JSON text.
    pub fn into_text(self) -> Option<String> {
        match self {
            Json::Null => None,
            Json::String(text) => Some(text),
            json => Some(json.to_text()),
        }
    }

    /// `object`, `array`, `string`, `number`, `boolean` or `null`
    pub fn type_name(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "boolean",
            Json::Number(_) => "number",
            Json::String(_) => "string",
            Json::Array(_) => "array",
            Json::Object(_) => "object",
        }
    }

    /// jsonb's B-tree order: null, strings, numbers, booleans, arrays, objects; longer containers after shorter ones.
    pub fn compare(&self, other: &Json) -> Ordering {
        // PostgreSQL keeps a lone scalar as an array of one, which sorts after the empty array.
        match (self, other) {
            (Json::Array(a), Json::Array(_)) if a.is_empty() => self.compare_parts(other),
            (Json::Array(a), b) if a.is_empty() && b.rank() < Json::Array(Vec::new()).rank() => {
                Ordering::Less
            }
            (a, Json::Array(b)) if b.is_empty() && a.rank() < Json::Array(Vec::new()).rank() => {
                Ordering::Greater
            }
            _ => self.compare_parts(other),
        }
    }

    fn compare_parts(&self, other: &Json) -> Ordering {
        match (self, other) {
            (Json::Bool(a), Json::Bool(b)) => a.cmp(b),
            (Json::Number(a), Json::Number(b)) => numeric::compare_stored(a, b),
            (Json::String(a), Json::String(b)) => a.cmp(b),
            (Json::Array(a), Json::Array(b)) => {
                a.len().cmp(&b.len()).then_with(|| first_difference(a, b, Json::compare_parts))
            }
            (Json::Object(a), Json::Object(b)) => a.len().cmp(&b.len()).then_with(|| {
                first_difference(a, b, |(key, value), (other_key, other_value)| {
                    key.cmp(other_key).then_with(|| value.compare_parts(other_value))
                })
            }),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Json::Null => 0,
            Json::String(_) => 1,
            Json::Number(_) => 2,
            Json::Bool(_) => 3,
            Json::Array(_) => 4,
            Json::Object(_) => 5,
        }
    }
}

fn first_difference<T>(a: &[T], b: &[T], compare: impl Fn(&T, &T) -> Ordering) -> Ordering {
    a.iter().zip(b).map(|(a, b)| compare(a, b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// jsonb's order of keys.
pub fn compare_keys(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// The position that an index means, which counts from the end when negative.
fn position(index: i64, length: usize) -> Option<usize> {
    let position = if index < 0 { index.checked_add(i64::try_from(length).ok()?)? } else { index };
    usize::try_from(position).ok()
}

/// Appends a JSON string with PostgreSQL's escapes.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    escape(text, |run| out.extend_from_slice(run.as_bytes()));
    out.push(b'"');
}

/// Appends a JSON string with PostgreSQL's escapes.
pub fn push_string(text: &str, out: &mut String) {
    out.push('"');
    escape(text, |run| out.push_str(run));
    out.push('"');
}

/// Hands over the text in runs, with escapes for what JSON forbids and nothing else.
fn escape(text: &str, mut push: impl FnMut(&str)) {
    let mut start = 0;
    for (index, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        push(text.get(start..index).unwrap_or_default());
        start = index + 1;
        match byte {
            b'"' => push("\\\""),
            b'\\' => push("\\\\"),
            0x08 => push("\\b"),
            0x0c => push("\\f"),
            b'\n' => push("\\n"),
            b'\r' => push("\\r"),
            b'\t' => push("\\t"),
            _ => push(&format!("\\u{byte:04x}")),
        }
    }
    push(text.get(start..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_jsonb() {
        for (text, expected) in [
            (r#" {"bb":1,"a":[1,2 , {}],"a":1e2} "#, r#"{"a": 100, "bb": 1}"#),
            ("1.10", "1.10"),
            ("-0", "0"),
            ("[]", "[]"),
            (r#""\u00e9\ud83d\ude00\/\u0001""#, "\"é😀/\\u0001\""),
            ("[1E-3, 10.0e1]", "[0.001, 100]"),
        ] {
            assert_eq!(canonical(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn orders_as_postgresql_does() {
        let sorted = [
            "[]",
            "null",
            r#""a""#,
            r#""b""#,
            "1",
            "2",
            "false",
            "true",
            "[null]",
            "[1]",
            "[[]]",
            "[1, 2]",
            "{}",
            r#"{"a": 1}"#,
        ];
        for (index, a) in sorted.iter().enumerate() {
            for (other, b) in sorted.iter().enumerate() {
                let (a, b) = (Json::parse_jsonb(a).expect(a), Json::parse_jsonb(b).expect(b));
                assert_eq!(a.compare(&b), index.cmp(&other), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn finds_parts() {
        let json = Json::parse_jsonb(r#"{"a": [1, {"b": "x"}]}"#).expect("json");
        assert_eq!(json.path(&["a", "-1", "b"]), Some(&Json::String("x".to_owned())));
        assert_eq!(json.path(&["a", "2"]), None);
        assert_eq!(json.path(&["a", "x"]), None);
        assert_eq!(json.path(&[]), Some(&json));
    }
}
