//! Parts of JSON text, cut out as they stand: the text is known to be well-formed json or jsonb, and no tree is built.
//! On text that is not, parts may be missing.

use super::parse::{skip, unescape};
use super::position;
use crate::Result;

/// The raw text of a member of an object (the last of duplicates), in json or jsonb text.
pub fn get<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let mut found = None;
    each(text, b'{', |name, value| {
        if name.is_some_and(|name| is_key(name, key)) {
            found = Some(value);
        }
        true
    })?;
    found
}

/// The raw text of an element of an array, from the end when negative.
pub fn at(text: &str, index: i64) -> Option<&str> {
    if index < 0 {
        let all = elements(text)?;
        return all.get(position(index, all.len())?).copied();
    }
    let mut left = index;
    let mut found = None;
    each(text, b'[', |_, value| {
        if left == 0 {
            found = Some(value);
        }
        left -= 1;
        left >= 0
    })?;
    found
}

/// The raw text at a path of keys and indexes, as `#>` gives it.
pub fn path<'a>(text: &'a str, path: &[&str]) -> Option<&'a str> {
    path.iter().try_fold(trim(text), |json, step| {
        if json.starts_with('[') { at(json, step.trim_start().parse().ok()?) } else { get(json, step) }
    })
}

/// The raw texts of the elements of an array; `None` for anything else.
pub fn elements(text: &str) -> Option<Vec<&str>> {
    let mut found = Vec::new();
    each(text, b'[', |_, value| {
        found.push(value);
        true
    })?;
    Some(found)
}

/// The members of an object in their order: decoded key, raw text of the value; `None` for anything else.
pub fn members(text: &str) -> Option<Vec<(String, &str)>> {
    let mut found = Vec::new();
    each(text, b'{', |name, value| {
        let key = name.and_then(|name| unescape(name).ok());
        found.push((key, value));
        true
    })?;
    found.into_iter().map(|(key, value)| key.map(|key| (key, value))).collect()
}

/// What `->>` gives for the raw text of a value: null for JSON null, a string's content, else the text itself.
/// Errors: 22P05, 22P02 for escapes that are no text.
pub fn unquote(raw: &str) -> Result<Option<String>> {
    let raw = trim(raw);
    match raw.as_bytes().first() {
        Some(b'n') => Ok(None),
        Some(b'"') => unescape(raw).map(Some),
        _ => Ok(Some(raw.to_owned())),
    }
}

/// Calls back for each part of an array or object (told by its opening bracket) until the callback says to stop; `None`
/// when the text is something else.
fn each<'a>(text: &'a str, open: u8, mut part: impl FnMut(Option<&'a str>, &'a str) -> bool) -> Option<()> {
    let mut rest = trim(text).strip_prefix(char::from(open))?;
    loop {
        rest = trim(rest);
        if rest.starts_with([']', '}']) {
            return Some(());
        }
        let mut name = None;
        if open == b'{' {
            let (key, after) = rest.split_at_checked(skip(rest)?)?;
            name = Some(key);
            rest = trim(trim(after).strip_prefix(':')?);
        }
        let (value, after) = rest.split_at_checked(skip(rest)?)?;
        if !part(name, value) {
            return Some(());
        }
        rest = trim(after);
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
}

fn is_key(raw: &str, key: &str) -> bool {
    if raw.contains('\\') {
        return unescape(raw).is_ok_and(|name| name == key);
    }
    raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) == Some(key)
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#" { "a" : [1, "x,]" , {"b":null}] , "\u0062": 1, "b": 2 } "#;

    #[test]
    fn cuts_parts_as_they_stand() {
        assert_eq!(get(TEXT, "a"), Some(r#"[1, "x,]" , {"b":null}]"#));
        assert_eq!(get(TEXT, "b"), Some("2"));
        assert_eq!(get(TEXT, "c"), None);
        assert_eq!(get("[1]", "c"), None);
        assert_eq!(path(TEXT, &["a", "-1", "b"]), Some("null"));
        assert_eq!(path(TEXT, &["a", "1"]), Some("\"x,]\""));
        assert_eq!(at("[10, 20]", 1), Some("20"));
        assert_eq!(at("[10, 20]", 2), None);
        assert_eq!(at("[10, 20]", -3), None);
        assert_eq!(elements("[]"), Some(vec![]));
        assert_eq!(members(TEXT).map(|m| m.len()), Some(3));
        assert_eq!(unquote("\"a\\n\""), Ok(Some("a\n".to_owned())));
        assert_eq!(unquote("null"), Ok(None));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[\\[\\]{}:,\"\\\\u0-9a-f é]{0,30}") {
            let _ = (get(&text, "a"), at(&text, 1), elements(&text), members(&text), unquote(&text));
        }
    }
}
