//! Request bodies, by media type.

use http::HeaderMap;
use plinth_query::request::{Arguments, Body};

use crate::error::ApiError;
use crate::query_string;

/// The media type of the body, without parameters; JSON when not said.
pub(crate) fn content_type(headers: &HeaderMap) -> String {
    headers
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|value| value.trim().to_ascii_lowercase())
        .filter(|value| !value.is_empty())
        .unwrap_or_else(|| "application/json".to_owned())
}

fn is_json(media_type: &str) -> bool {
    matches!(
        media_type,
        "application/json" | "application/vnd.pgrst.object+json" | "application/vnd.pgrst.array+json" | "*/*"
    )
}

fn text(bytes: &[u8]) -> Result<&str, ApiError> {
    std::str::from_utf8(bytes)
        .map_err(|_| ApiError::invalid_body("Empty or invalid json").details("The body is not UTF-8"))
}

fn not_acceptable(media_type: &str) -> ApiError {
    ApiError::invalid_body(format!("Content-Type not acceptable: {media_type}"))
}

/// The rows of a write. Errors: PGRST102.
pub(crate) fn rows(headers: &HeaderMap, bytes: &[u8]) -> Result<Body, ApiError> {
    let media_type = content_type(headers);
    if is_json(&media_type) {
        return Ok(Body::Json(text(bytes)?.to_owned()));
    }
    match media_type.as_str() {
        "text/csv" => csv(bytes),
        "application/x-www-form-urlencoded" => {
            let pairs = query_string::decode(text(bytes)?)?;
            let (columns, values): (Vec<String>, Vec<Option<String>>) =
                pairs.into_iter().map(|(name, value)| (name, Some(value))).unzip();
            Ok(Body::Fields { columns, rows: vec![values] })
        }
        other => Err(not_acceptable(other)),
    }
}

/// The arguments of a call by POST. Errors: PGRST102.
pub(crate) fn arguments(headers: &HeaderMap, bytes: &[u8]) -> Result<Arguments, ApiError> {
    let media_type = content_type(headers);
    if is_json(&media_type) {
        let json = text(bytes)?;
        return Ok(Arguments::Json(if json.trim().is_empty() { "{}".to_owned() } else { json.to_owned() }));
    }
    match media_type.as_str() {
        "application/x-www-form-urlencoded" => Ok(Arguments::Named(query_string::decode(text(bytes)?)?)),
        "text/plain" | "text/xml" | "application/octet-stream" => {
            Ok(Arguments::Raw { media_type, body: bytes.to_vec() })
        }
        other => Err(not_acceptable(other)),
    }
}

/// CSV with a header line; the word `NULL` is null.
fn csv(bytes: &[u8]) -> Result<Body, ApiError> {
    let invalid = |_: csv::Error| ApiError::invalid_body("All lines must have same number of fields");
    let mut reader = csv::ReaderBuilder::new().from_reader(bytes);
    let columns: Vec<String> = reader.headers().map_err(invalid)?.iter().map(str::to_owned).collect();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(invalid)?;
        rows.push(record.iter().map(|field| (field != "NULL").then(|| field.to_owned())).collect());
    }
    Ok(Body::Fields { columns, rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(media_type: &str, body: &str) -> Result<Body, ApiError> {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", media_type.parse().unwrap());
        rows(&headers, body.as_bytes())
    }

    #[test]
    fn csv_rows() {
        let Ok(Body::Fields { columns, rows }) = read("text/csv; charset=utf-8", "a,b\n1,NULL\n\"x,y\",")
        else {
            panic!("not read")
        };
        assert_eq!(columns, ["a", "b"]);
        assert_eq!(rows, [[Some("1".to_owned()), None], [Some("x,y".to_owned()), Some(String::new())]]);
        assert_eq!(read("text/csv", "a,b\n1").unwrap_err().code, "PGRST102");
    }

    #[test]
    fn other_types_are_refused() {
        assert_eq!(read("text/html", "x").unwrap_err().message, "Content-Type not acceptable: text/html");
        let headers = HeaderMap::new();
        assert_eq!(rows(&headers, b"\xff").unwrap_err().code, "PGRST102");
    }
}
