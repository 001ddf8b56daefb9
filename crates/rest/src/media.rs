//! The media types of answers, and which of them a client accepts (RFC 9110, 12.5.1).

use http::HeaderMap;

use crate::error::ApiError;
use crate::explain::{self, Explained};

/// A media type that rows can be answered in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaType {
    /// `application/json`
    Json,
    /// `application/vnd.pgrst.array+json;nulls=stripped`
    StrippedArray,
    /// `application/vnd.pgrst.object+json`, nulls left out when `true`
    Object(bool),
    /// `text/csv`
    Csv,
    /// `text/plain`: the result of a scalar function
    Text,
    /// `application/octet-stream`: the result of a scalar function
    Bytes,
}

impl MediaType {
    /// The `Content-Type` of the answer.
    pub fn content_type(self) -> &'static str {
        match self {
            MediaType::Json => "application/json; charset=utf-8",
            MediaType::StrippedArray => "application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8",
            MediaType::Object(false) => "application/vnd.pgrst.object+json; charset=utf-8",
            MediaType::Object(true) => "application/vnd.pgrst.object+json;nulls=stripped; charset=utf-8",
            MediaType::Csv => "text/csv; charset=utf-8",
            MediaType::Text => "text/plain; charset=utf-8",
            MediaType::Bytes => "application/octet-stream",
        }
    }

    /// Whether exactly one row is asked for.
    pub fn is_object(self) -> bool {
        matches!(self, MediaType::Object(_))
    }
}

/// Chooses by the `Accept` headers among what the resource offers: rows of a relation, or also `text/plain` and
/// `application/octet-stream` for a function, and plans where configuration allows. Errors: PGRST107.
pub(crate) fn negotiate(headers: &HeaderMap, function: bool, plans: bool) -> Result<Negotiated, ApiError> {
    choose(headers, (MediaType::Json, None), |entry| {
        if let Some(explained) = explain::entry(entry).filter(|_| plans) {
            return Some((media_type(&explained.rows, function)?, Some(explained)));
        }
        Some((media_type(entry, function)?, None))
    })
}

/// The media type of the rows, and what is to be told of the plan instead of giving them.
pub(crate) type Negotiated = (MediaType, Option<Explained>);

/// A version of OpenAPI that the root's document is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentVersion {
    /// 2.0, for those who ask for it
    V2,
    /// 3.1
    V3,
}

impl DocumentVersion {
    /// The `Content-Type` of the document.
    pub fn content_type(self) -> &'static str {
        match self {
            DocumentVersion::V2 => "application/openapi+json;version=2.0; charset=utf-8",
            DocumentVersion::V3 => "application/openapi+json; charset=utf-8",
        }
    }
}

/// Chooses by the `Accept` headers how the root's document is written: 2.0 where its version is asked for. Errors: PGRST107.
pub(crate) fn document_version(headers: &HeaderMap) -> Result<DocumentVersion, ApiError> {
    choose(headers, DocumentVersion::V3, |entry| {
        let mut parts = entry.split(';').map(|part| part.trim().to_ascii_lowercase());
        let name = parts.next()?;
        let version =
            parts.find_map(|part| Some(part.strip_prefix("version=")?.trim_matches('"').to_owned()));
        match (name.as_str(), version.as_deref()) {
            ("application/openapi+json" | "application/vnd.oai.openapi+json", Some(version)) => match version
            {
                "2.0" | "2" => Some(DocumentVersion::V2),
                "3.1" | "3.1.0" | "3.1.1" | "3" => Some(DocumentVersion::V3),
                _ => None,
            },
            (
                "application/openapi+json"
                | "application/vnd.oai.openapi+json"
                | "application/json"
                | "application/*"
                | "*/*",
                _,
            ) => Some(DocumentVersion::V3),
            _ => None,
        }
    })
}

fn choose<T>(headers: &HeaderMap, without: T, known: impl Fn(&str) -> Option<T>) -> Result<T, ApiError> {
    let mut accepted: Vec<(f32, &str)> = headers
        .get_all("accept")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(|entry| (quality(entry), entry))
        .collect();
    if accepted.is_empty() {
        return Ok(without);
    }
    // A stable sort: among equals the first one counts.
    accepted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let chosen = accepted.iter().filter(|(q, _)| *q > 0.0).find_map(|(_, entry)| known(entry));
    chosen.ok_or_else(|| {
        let names: Vec<&str> =
            accepted.iter().map(|(_, entry)| entry.split(";q=").next().unwrap_or(entry).trim()).collect();
        ApiError::new(
            406,
            "PGRST107",
            format!("None of these media types are available: {}", names.join(", ")),
        )
    })
}

fn quality(entry: &str) -> f32 {
    entry
        .split(';')
        .skip(1)
        .filter_map(|parameter| parameter.trim().strip_prefix("q="))
        .find_map(|q| q.trim().parse::<f32>().ok())
        .filter(|q| q.is_finite())
        .unwrap_or(1.0)
}

fn media_type(entry: &str, function: bool) -> Option<MediaType> {
    let mut parts = entry.split(';').map(str::trim);
    let name = parts.next()?.to_ascii_lowercase();
    let stripped = parts.any(|parameter| parameter.eq_ignore_ascii_case("nulls=stripped"));
    match name.as_str() {
        "*/*" | "application/json" | "application/*" => Some(MediaType::Json),
        "application/vnd.pgrst.array+json" | "application/vnd.pgrst.array" => {
            Some(if stripped { MediaType::StrippedArray } else { MediaType::Json })
        }
        "application/vnd.pgrst.object+json" | "application/vnd.pgrst.object" => {
            Some(MediaType::Object(stripped))
        }
        "text/csv" | "text/*" => Some(MediaType::Csv),
        "text/plain" if function => Some(MediaType::Text),
        "application/octet-stream" if function => Some(MediaType::Bytes),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(accept: &str) -> Result<MediaType, ApiError> {
        let mut headers = HeaderMap::new();
        headers.insert("accept", accept.parse().unwrap());
        negotiate(&headers, false, false).map(|(media, _)| media)
    }

    #[test]
    fn chooses() {
        for (accept, expected) in [
            ("*/*", MediaType::Json),
            ("text/html, application/json;q=0.5, text/csv;q=0.9", MediaType::Csv),
            ("application/vnd.pgrst.object+json", MediaType::Object(false)),
            ("application/vnd.pgrst.object+json;nulls=stripped", MediaType::Object(true)),
            ("application/vnd.pgrst.array+json; nulls=stripped", MediaType::StrippedArray),
            ("application/vnd.pgrst.array+json", MediaType::Json),
            ("text/csv;q=0, */*;q=0.1", MediaType::Json),
            ("", MediaType::Json),
        ] {
            assert_eq!(choose(accept).unwrap(), expected, "{accept}");
        }
    }

    #[test]
    fn versions_of_the_document() {
        let version = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("accept", accept.parse().unwrap());
            document_version(&headers)
        };
        for accept in
            ["*/*", "application/json", "application/openapi+json", "application/openapi+json;version=3.1"]
        {
            assert_eq!(version(accept), Ok(DocumentVersion::V3), "{accept}");
        }
        for accept in
            ["application/openapi+json; version=2.0", "application/vnd.oai.openapi+json;version=\"2.0\", */*"]
        {
            assert_eq!(version(accept), Ok(DocumentVersion::V2), "{accept}");
        }
        for accept in ["application/openapi+json;version=1.2", "text/html"] {
            assert_eq!(version(accept).unwrap_err().code, "PGRST107", "{accept}");
        }
    }

    #[test]
    fn refuses() {
        let error = choose("text/unknowntype").unwrap_err();
        assert_eq!(error.message, "None of these media types are available: text/unknowntype");
        assert_eq!(choose("text/plain").unwrap_err().code, "PGRST107");
    }
}
