//! Entity tags and the headers that name them (RFC 9110, 8.8.3, 13.1.1, 13.1.2).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use sha2::{Digest as _, Sha256};

use super::sink::VERSION_BYTES;
use crate::error::ApiError;

/// Bytes of the representation's part.
const REPRESENTATION_BYTES: usize = 12;

/// What is put behind a tag when the answer is compressed: its bytes are others, so its tag is another one.
const COMPRESSED: &str = "-gzip";

/// Tags in one header; more are refused.
const MAX_TAGS: usize = 100;

/// The tag of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag(String);

impl Tag {
    /// The tag of a row in this version, as these bytes of this media type.
    pub(crate) fn new(version: &[u8], media_type: &[u8], body: &[u8]) -> Tag {
        let mut hash = Sha256::new();
        hash.update(media_type);
        hash.update(b"\0");
        hash.update(body);
        let hash = hash.finalize();
        Tag(format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(version),
            URL_SAFE_NO_PAD.encode(hash.get(..REPRESENTATION_BYTES).unwrap_or_default())
        ))
    }

    /// As it stands in the header.
    pub(crate) fn quoted(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

/// What `If-Match` and `If-None-Match` say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    matches: Option<Tags>,
    matches_none: Option<Tags>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Tags {
    /// `*`: any row that is there
    Any,
    /// Tags, each with whether it is weak
    Listed(Vec<(bool, String)>),
}

impl Conditions {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.matches.is_none() && self.matches_none.is_none()
    }

    /// Whether a row of this version (`None`: it is not there) may be written.
    pub fn allow(&self, version: Option<&[u8]>) -> bool {
        let unwanted = match &self.matches_none {
            None => false,
            Some(Tags::Any) => version.is_some(),
            Some(Tags::Listed(tags)) => {
                version.is_some_and(|version| tags.iter().any(|(_, tag)| is_of(tag, version)))
            }
        };
        self.allow_version(version) && !unwanted
    }

    /// Whether `If-Match` holds. A weak tag never does (13.1.1).
    pub(crate) fn allow_version(&self, version: Option<&[u8]>) -> bool {
        match (&self.matches, version) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(Tags::Any), Some(_)) => true,
            (Some(Tags::Listed(tags)), Some(version)) => {
                tags.iter().any(|(weak, tag)| !weak && is_of(tag, version))
            }
        }
    }

    /// Whether the client has this representation already; weak tags count (13.1.2).
    pub(crate) fn has_already(&self, tag: &Tag) -> bool {
        match &self.matches_none {
            None => false,
            Some(Tags::Any) => true,
            Some(Tags::Listed(tags)) => {
                tags.iter().any(|(_, given)| given.strip_suffix(COMPRESSED).unwrap_or(given) == tag.0)
            }
        }
    }
}

/// Whether a tag is one of a row in this version.
fn is_of(tag: &str, version: &[u8]) -> bool {
    let written = URL_SAFE_NO_PAD.encode(version);
    version.len() == VERSION_BYTES
        && tag.strip_prefix(written.as_str()).is_some_and(|rest| rest.starts_with('.'))
}

/// Reads both headers. Errors: what is no list of tags (PLN105).
pub(crate) fn conditions(headers: &HeaderMap) -> Result<Conditions, ApiError> {
    Ok(Conditions { matches: tags(headers, "if-match")?, matches_none: tags(headers, "if-none-match")? })
}

fn tags(headers: &HeaderMap, name: &str) -> Result<Option<Tags>, ApiError> {
    let invalid = || {
        ApiError::new(400, "PLN105", format!("The header {name} is not a list of entity tags"))
            .hint("Send the ETag of an earlier answer as it is, with its quotes, or *.")
    };
    let mut listed = Vec::new();
    let mut any = false;
    let mut given = false;
    for value in headers.get_all(name) {
        given = true;
        let mut text = value.to_str().map_err(|_| invalid())?.trim();
        if text == "*" {
            any = true;
            continue;
        }
        while !text.is_empty() {
            let weak = text.starts_with("W/");
            let quoted = text.strip_prefix("W/").unwrap_or(text).strip_prefix('"').ok_or_else(invalid)?;
            let (tag, rest) = quoted.split_once('"').ok_or_else(invalid)?;
            listed.push((weak, tag.to_owned()));
            let rest = rest.trim_start();
            text = match rest.strip_prefix(',') {
                Some(rest) => rest.trim_start(),
                None if rest.is_empty() => rest,
                None => return Err(invalid()),
            };
            if listed.len() > MAX_TAGS {
                return Err(invalid());
            }
        }
    }
    match (given, any, listed.is_empty()) {
        (false, _, _) => Ok(None),
        (true, true, true) => Ok(Some(Tags::Any)),
        (true, false, false) => Ok(Some(Tags::Listed(listed))),
        // Nothing at all, or `*` among tags.
        _ => Err(invalid()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &'static str, value: &str) -> Result<Conditions, ApiError> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        conditions(&headers)
    }

    #[test]
    fn a_version_is_matched_whatever_was_selected() {
        let version = [7; VERSION_BYTES];
        let (one, other) = (Tag::new(&version, b"a", b"x"), Tag::new(&version, b"a", b"y"));
        assert_ne!(one, other);
        let stale = Tag::new(&[8; VERSION_BYTES], b"a", b"x");
        for (header, holds) in [
            (one.quoted(), true),
            (other.quoted(), true),
            (format!("{}, {}", stale.quoted(), one.quoted()), true),
            (one.quoted().replace("\"", "").replace('.', "-gzip.").replace("-gzip.", ".") + "", false),
            (stale.quoted(), false),
            (format!("W/{}", one.quoted()), false),
            ("\"\"".into(), false),
            ("*".into(), true),
        ] {
            let Ok(conditions) = read("if-match", &header) else {
                assert!(!header.starts_with('"'), "{header}");
                continue;
            };
            assert_eq!(conditions.allow(Some(&version)), holds, "{header}");
            assert!(!conditions.allow(None), "{header}");
        }
    }

    #[test]
    fn a_representation_is_known_by_its_bytes() {
        let version = [7; VERSION_BYTES];
        let (one, other) = (Tag::new(&version, b"a", b"x"), Tag::new(&version, b"b", b"x"));
        for (header, known) in [
            (one.quoted(), true),
            (format!("W/{}", one.quoted()), true),
            (format!("\"{}-gzip\"", one.0), true),
            (other.quoted(), false),
            ("*".into(), true),
        ] {
            let conditions = read("if-none-match", &header).unwrap();
            assert_eq!(conditions.has_already(&one), known, "{header}");
        }
        assert!(!read("if-none-match", "*").unwrap().allow(Some(&version)));
        assert!(read("if-none-match", "*").unwrap().allow(None));
        assert!(!read("if-none-match", &other.quoted()).unwrap().allow(Some(&version)));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for bad in ["", "x", "\"x", "\"a\" \"b\"", "W/x", ",", "\"a\", *", &"\"a\",".repeat(200)] {
            assert_eq!(read("if-match", bad).unwrap_err().code, "PLN105", "{bad}");
        }
        let mut headers = HeaderMap::new();
        headers.append("if-match", "*".parse().unwrap());
        headers.append("if-match", "\"a\"".parse().unwrap());
        assert_eq!(conditions(&headers).unwrap_err().code, "PLN105");
    }
}
