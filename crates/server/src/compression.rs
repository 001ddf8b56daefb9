//! Compression of responses where it pays.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderValue, VARY};
use http::{HeaderMap, Response};

use crate::config::Compression as Config;

/// Compresses the body with gzip when the client takes it, it is text, and it is large enough.
pub fn compress(config: &Config, request: &HeaderMap, response: Response<Bytes>) -> Response<Bytes> {
    let pays = config.enabled && response.body().len() >= config.min_bytes && is_text(response.headers());
    if !pays || response.headers().contains_key(CONTENT_ENCODING) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    parts.headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
    if !accepts_gzip(request) {
        return Response::from_parts(parts, body);
    }
    // Level 1 to 3 is where JSON's ratio is already good and the processor's time still small.
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 3), Compression::new(2));
    match encoder.write_all(&body).and_then(|()| encoder.finish()) {
        Ok(compressed) => {
            parts.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            mark_compressed(&mut parts.headers);
            Response::from_parts(parts, Bytes::from(compressed))
        }
        Err(_) => Response::from_parts(parts, body),
    }
}

/// A strong tag names one sequence of bytes (RFC 9110, 8.8.3.3): the compressed ones have another one.
fn mark_compressed(headers: &mut HeaderMap) {
    let tag = headers.get(ETAG).and_then(|tag| tag.to_str().ok()).and_then(|tag| tag.strip_suffix('"'));
    if let Some(tag) = tag.and_then(|tag| HeaderValue::from_str(&format!("{tag}-gzip\"")).ok()) {
        headers.insert(ETAG, tag);
    }
}

fn is_text(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.starts_with("text/") || kind.contains("json") || kind.contains("xml"))
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|entry| {
            let mut parts = entry.split(';').map(str::trim);
            let name = parts.next().unwrap_or("");
            let refused =
                parts.any(|p| p.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()) == Some(0.0));
            (name.eq_ignore_ascii_case("gzip") || name == "*") && !refused
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    fn run(accept: &str, kind: &str, length: usize) -> Response<Bytes> {
        let mut request = HeaderMap::new();
        request.insert(ACCEPT_ENCODING, accept.parse().unwrap());
        let mut response = Response::new(Bytes::from("a".repeat(length)));
        response.headers_mut().insert(CONTENT_TYPE, kind.parse().unwrap());
        compress(&Config::default(), &request, response)
    }

    #[test]
    fn compresses_where_it_pays() {
        let response = run("br, gzip;q=0.5", "application/json; charset=utf-8", 5000);
        assert_eq!(response.headers()[CONTENT_ENCODING], "gzip");
        let mut text = String::new();
        flate2::read::GzDecoder::new(response.body().as_ref()).read_to_string(&mut text).unwrap();
        assert_eq!(text.len(), 5000);
        for (accept, kind, length) in [
            ("gzip", "application/json", 10),
            ("gzip;q=0", "application/json", 5000),
            ("gzip", "image/png", 5000),
        ] {
            assert!(!run(accept, kind, length).headers().contains_key(CONTENT_ENCODING));
        }
    }
}
