//! Cursors: a place in an order as an opaque text, signed so that what comes back is what was given. What is in it are the values of
//! the order's keys in one row, which the client could read in that row; it is not encrypted.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use http::header::{HeaderName, LINK};
use plinth_engine::Edges;
use plinth_query::request::{Page, Position};
use plinth_values::Value;
use sha2::Sha256;

use crate::error::ApiError;
use crate::query_body::MAX_LOCATION;
use crate::query_string;
use crate::request::Options;

/// The cursor for the page after this one.
const NEXT_CURSOR: HeaderName = HeaderName::from_static("next-cursor");
/// The cursor for the page before this one.
const PREVIOUS_CURSOR: HeaderName = HeaderName::from_static("previous-cursor");

/// The form of what is inside; another form is another version.
const VERSION: u8 = 1;

/// Bytes of the signature: HMAC-SHA-256, cut to half its length (RFC 2104, 5).
const TAG_BYTES: usize = 16;

const SHAPE_BYTES: usize = 16;

/// The key that cursors are signed with.
#[derive(Clone)]
pub struct CursorKey(Hmac<Sha256>);

/// The key is not shown.
impl std::fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CursorKey")
    }
}

impl CursorKey {
    /// The key that follows from the project's secret, for nothing but cursors.
    pub fn derive(secret: &str) -> CursorKey {
        let mut root = keyed(secret.as_bytes());
        root.update(b"plinth: signing of cursors, version 1");
        CursorKey(keyed(&root.finalize().into_bytes()))
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    // A key of any length is one: this never fails, and an empty key would sign nothing that was asked for.
    Hmac::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"))
}

/// How the ends of a page are told.
#[derive(Debug)]
pub struct Cursors {
    key: CursorKey,
    max_bytes: usize,
    /// The page begins at a cursor, and not at an end of all rows
    inside: bool,
    backwards: bool,
    /// The query without its cursor
    query: String,
}

/// What the parameters `after` and `before` say. Errors: both, or a cursor that was not given by this project (34000).
pub(crate) fn page(
    options: &Options,
    pairs: &[(String, String)],
    after: Option<&str>,
    before: Option<&str>,
) -> Result<Option<(Page, Cursors)>, ApiError> {
    let (backwards, cursor) = match (after, before) {
        (None, None) => return Ok(None),
        (Some(after), None) => (false, after),
        (None, Some(before)) => (true, before),
        (Some(_), Some(_)) => {
            return Err(ApiError::new(400, "PGRST100", "A page has one cursor: either after or before"));
        }
    };
    let Some(key) = options.cursor_key.clone() else {
        return Err(
            ApiError::new(400, "PGRST127", "Feature not implemented").details("There are no cursors here.")
        );
    };
    let max_bytes = options.max_cursor_bytes;
    let from = match cursor {
        "" => None,
        cursor => Some(open(&key, cursor, max_bytes).ok_or_else(|| {
            ApiError::new(400, "34000", "the cursor is not valid")
                .details("It is not as it was given, or was given by another server.")
                .hint("Begin again with an empty cursor.")
        })?),
    };
    let others: Vec<(String, String)> =
        pairs.iter().filter(|(name, _)| name != "after" && name != "before").cloned().collect();
    let query = query_string::canonical(&others);
    let cursors = Cursors { key, max_bytes, inside: from.is_some(), backwards, query };
    Ok(Some((Page { backwards, from }, cursors)))
}

/// What is told of a page: headers with their values.
pub(crate) fn headers(
    cursors: &Cursors,
    shape: [u8; SHAPE_BYTES],
    edges: &Edges,
) -> Result<Vec<(HeaderName, String)>, ApiError> {
    // Behind where a page came from there are rows: the one that the cursor told of, at least when it was given.
    let (next, previous) = match cursors.backwards {
        false => (edges.more, cursors.inside),
        true => (cursors.inside, edges.more),
    };
    let mut told = Vec::new();
    let mut links = Vec::new();
    for (wanted, values, name, parameter, relation) in [
        (next, &edges.last, NEXT_CURSOR, "after", "next"),
        (previous, &edges.first, PREVIOUS_CURSOR, "before", "prev"),
    ] {
        if !wanted {
            continue;
        }
        let cursor = seal(&cursors.key, shape, values, cursors.max_bytes)?;
        let mark = if cursors.query.is_empty() { "" } else { "&" };
        let link = format!("<?{}{mark}{parameter}={cursor}>; rel=\"{relation}\"", cursors.query);
        if link.len() <= MAX_LOCATION {
            links.push(link);
        }
        told.push((name, cursor));
    }
    if !links.is_empty() {
        told.push((LINK, links.join(", ")));
    }
    Ok(told)
}

/// A place as a cursor. Errors: longer than allowed (54000).
pub(crate) fn seal(
    key: &CursorKey,
    shape: [u8; SHAPE_BYTES],
    values: &[Value],
    max_bytes: usize,
) -> Result<String, ApiError> {
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(&shape);
    for value in values {
        write(value, &mut bytes);
    }
    let mut mac = key.0.clone();
    mac.update(&bytes);
    let tag = mac.finalize().into_bytes();
    bytes.extend_from_slice(tag.get(..TAG_BYTES).unwrap_or_default());
    let text = URL_SAFE_NO_PAD.encode(bytes);
    if text.len() > max_bytes {
        return Err(ApiError::limit(
            400,
            format!("a cursor of this order would be longer than {max_bytes} bytes"),
            "Order by shorter values, or page by offset.",
        ));
    }
    Ok(text)
}

fn open(key: &CursorKey, cursor: &str, max_bytes: usize) -> Option<Position> {
    if cursor.len() > max_bytes {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (content, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG_BYTES)?)?;
    let mut mac = key.0.clone();
    mac.update(content);
    // Compares in constant time.
    mac.verify_truncated_left(tag).ok()?;
    let (version, rest) = content.split_first()?;
    let (shape, mut rest) = rest.split_first_chunk::<SHAPE_BYTES>()?;
    let mut values = Vec::new();
    while !rest.is_empty() {
        let (value, behind) = read(rest)?;
        values.push(value);
        rest = behind;
    }
    (*version == VERSION).then_some(Position { shape: *shape, values })
}

fn write(value: &Value, out: &mut Vec<u8>) {
    let long = |kind: u8, bytes: &[u8], out: &mut Vec<u8>| {
        out.push(kind);
        out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        out.extend_from_slice(bytes);
    };
    match value {
        Value::Null => out.push(0),
        Value::Int(number) => {
            out.push(1);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Value::Float(number) => {
            out.push(2);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Value::Text(text) => long(3, text.as_bytes(), out),
        Value::Bytes(bytes) => long(4, bytes, out),
    }
}

fn read(bytes: &[u8]) -> Option<(Value, &[u8])> {
    let (kind, rest) = bytes.split_first()?;
    if *kind == 0 {
        return Some((Value::Null, rest));
    }
    let (eight, rest) = rest.split_first_chunk::<8>()?;
    match kind {
        1 => Some((Value::Int(i64::from_be_bytes(*eight)), rest)),
        2 => Some((Value::Float(f64::from_be_bytes(*eight)), rest)),
        3 | 4 => {
            let (bytes, rest) = rest.split_at_checked(usize::try_from(u64::from_be_bytes(*eight)).ok()?)?;
            let value = match kind {
                3 => Value::Text(String::from_utf8(bytes.to_vec()).ok()?),
                _ => Value::Bytes(bytes.to_vec()),
            };
            Some((value, rest))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MAX: usize = 4_000;

    fn key() -> CursorKey {
        CursorKey::derive("a secret of the project that is long enough")
    }

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::Int),
            prop::num::f64::NORMAL.prop_map(Value::Float),
            ".{0,20}".prop_map(Value::Text),
            prop::collection::vec(any::<u8>(), 0..20).prop_map(Value::Bytes),
        ]
    }

    proptest! {
        #[test]
        fn what_comes_back_is_what_was_given(
            values in prop::collection::vec(value(), 0..5),
            shape in any::<[u8; 16]>(),
            at in any::<prop::sample::Index>(),
            flip in 1..=255_u8,
        ) {
            let cursor = seal(&key(), shape, &values, MAX).unwrap();
            let position = Position { shape, values };
            prop_assert_eq!(open(&key(), &cursor, MAX), Some(position));
            // Not under another secret, and not with any byte changed, added or missing.
            prop_assert_eq!(open(&CursorKey::derive("another secret"), &cursor, MAX), None);
            let mut bytes = URL_SAFE_NO_PAD.decode(&cursor).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            prop_assert_eq!(open(&key(), &URL_SAFE_NO_PAD.encode(&bytes), MAX), None);
            bytes[at] ^= flip;
            bytes.remove(at);
            prop_assert_eq!(open(&key(), &URL_SAFE_NO_PAD.encode(&bytes), MAX), None);
            prop_assert_eq!(open(&key(), &format!("{cursor}A"), MAX), None);
            prop_assert_eq!(open(&key(), &cursor, cursor.len() - 1), None);
        }

        #[test]
        fn nothing_panics(cursor in "[A-Za-z0-9_-]{0,80}|.{0,40}", bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            prop_assert_eq!(open(&key(), &cursor, MAX), None);
            let mut rest = bytes.as_slice();
            while let Some((_, behind)) = read(rest) {
                rest = behind;
            }
        }
    }

    #[test]
    fn a_cursor_has_a_limit() {
        let long = [Value::Text("x".repeat(MAX))];
        assert_eq!(seal(&key(), [0; 16], &long, MAX).unwrap_err().code, "54000");
    }

    #[test]
    fn one_direction() {
        let options = Options { cursor_key: Some(key()), ..Options::default() };
        let read = |after, before| {
            page(&options, &[], after, before).map(|found| found.map(|(page, _)| page)).map_err(|e| e.code)
        };
        assert_eq!(read(Some(""), Some("")), Err("PGRST100".into()));
        assert_eq!(read(Some("x"), None), Err("34000".into()));
        assert_eq!(read(None, Some("")), Ok(Some(Page { backwards: true, from: None })));
        assert_eq!(read(None, None), Ok(None));
        assert!(page(&Options::default(), &[], Some(""), None).is_err());
    }
}
