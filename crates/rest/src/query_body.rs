//! Reads whose query is in the body: the `QUERY` method (RFC 10008), and a `POST` form of it for clients, proxies and browsers that
//! do not let `QUERY` through. That form is told by a media type of its own: a body of it is no rows, so it is never taken for an
//! insert, whatever is lost on the way.

use http::{HeaderMap, Method};

use crate::body::content_type;
use crate::error::ApiError;
use crate::request::Incoming;

/// The media type of a query that is posted. Its grammar is a query string's.
const POSTED: &str = "application/vnd.pgrst.query";

/// The media types of a `QUERY`, for `Accept-Query`.
pub(crate) const ACCEPTED: &str = "application/x-www-form-urlencoded, application/vnd.pgrst.query";

/// Bytes of a `Content-Location`. The address of a longer query is not told: it would not be of use.
pub(crate) const MAX_LOCATION: usize = 2_048;

/// Whether the query is in the body.
pub(crate) fn is_query(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::QUERY || *method == Method::POST && content_type(headers) == POSTED
}

/// The query. Errors: a body of another media type (415), or of none or not of text (400, PGRST102); a query in the URL as well
/// (400, PGRST100).
pub(crate) fn query<'b>(incoming: &Incoming<'b>) -> Result<&'b str, ApiError> {
    let given = incoming.headers.get("content-type").is_some_and(|value| !value.is_empty());
    if !given {
        return Err(ApiError::invalid_body("Content-Type is missing")
            .hint(format!("A query in the body is one of: {ACCEPTED}")));
    }
    let media_type = content_type(incoming.headers);
    if media_type != POSTED && media_type != "application/x-www-form-urlencoded" {
        return Err(ApiError::new(
            415,
            "PGRST102",
            format!("Content-Type not acceptable for a query: {media_type}"),
        )
        .hint(format!("A query in the body is one of: {ACCEPTED}")));
    }
    if !incoming.query.is_empty() {
        return Err(ApiError::new(400, "PGRST100", "The query is given twice: in the URL and in the body")
            .hint("Give all of it in the body."));
    }
    std::str::from_utf8(incoming.body).map_err(|_| ApiError::invalid_body("The query is not UTF-8"))
}
