//! The query string as decoded pairs, in order.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::error::ApiError;

/// Splits and decodes: `a=1&b=x%20y+z`. A name without `=` has an empty value; empty pairs are passed over. Errors: bytes that
/// are not UTF-8 after decoding, and NUL.
pub(crate) fn decode(query: &str) -> Result<Vec<(String, String)>, ApiError> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((component(name)?, component(value)?))
        })
        .collect()
}

/// Decodes one component; `+` is a blank.
fn component(text: &str) -> Result<String, ApiError> {
    if !text.contains(['+', '%', '\0']) {
        return Ok(text.to_owned());
    }
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().map_err(|_| {
        ApiError::new(400, "PGRST100", "the query string is not UTF-8 after percent-decoding")
            .details(format!("In: {}", text.chars().take(100).collect::<String>()))
    })?;
    if decoded.contains('\0') {
        return Err(ApiError::new(400, "22021", "invalid byte sequence for encoding \"UTF8\": 0x00"));
    }
    Ok(decoded.into_owned())
}

/// What stays as it is in `Content-Location` and `Location`: RFC 3986's unreserved characters and a few that need no escape in a
/// query.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'&')
    .add(b'+')
    .add(b'<')
    .add(b'=')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}')
    .add(b'/')
    .add(b'?')
    .add(b'$')
    .add(b'@')
    .add(b'!')
    .add(b'\'')
    .add(b'(')
    .add(b')')
    .add(b',')
    .add(b':')
    .add(b';')
    .add(b'*');

/// Escapes one name or value for a query string.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// The pairs sorted by name (then value) as a query string, for `Content-Location`.
pub(crate) fn canonical(pairs: &[(String, String)]) -> String {
    let mut sorted: Vec<&(String, String)> = pairs.iter().collect();
    sorted.sort();
    let mut text = String::with_capacity(128);
    for (name, value) in sorted {
        if !text.is_empty() {
            text.push('&');
        }
        text.extend(utf8_percent_encode(name, ESCAPED));
        text.push('=');
        text.extend(utf8_percent_encode(value, ESCAPED));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes() {
        let pairs = |text: &str| decode(text).unwrap();
        assert_eq!(
            pairs("a=1&&b=x%20y+z&c"),
            [
                ("a".to_owned(), "1".to_owned()),
                ("b".to_owned(), "x y z".to_owned()),
                ("c".to_owned(), String::new())
            ]
        );
        assert_eq!(pairs("a=b=c"), [("a".to_owned(), "b=c".to_owned())]);
        assert_eq!(pairs("%e2%82%ac=%"), [("€".to_owned(), "%".to_owned())]);
    }

    #[test]
    fn refuses_what_is_no_text() {
        assert_eq!(decode("a=%ff").unwrap_err().code, "PGRST100");
        assert_eq!(decode("a=%00").unwrap_err().code, "22021");
    }

    #[test]
    fn canonical_sorts_and_escapes() {
        let pairs = decode("select=id,name&id=eq.1").unwrap();
        assert_eq!(canonical(&pairs), "id=eq.1&select=id%2Cname");
    }
}
