//! The project's `public/` folder at `/`: ETag, ranges, precompressed variants (`app.js.br`, `app.js.gz`).

use std::path::PathBuf;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use tower::ServiceExt as _;
use tower_http::services::ServeDir;

/// A response body that may come from a file.
pub type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// Serves the files of one folder.
#[derive(Clone)]
pub struct Files {
    service: ServeDir,
}

impl Files {
    /// The files below `folder`; hidden ones (a segment that begins with a dot) are not served.
    pub fn new(folder: PathBuf) -> Files {
        Files { service: ServeDir::new(folder).precompressed_br().precompressed_gzip() }
    }

    /// Answers a GET or HEAD; 404 when there is no such file.
    pub async fn serve(&self, request: Request<()>) -> Response<Body> {
        let hidden = request
            .uri()
            .path()
            .split('/')
            .any(|segment| segment.starts_with('.') || segment.to_ascii_lowercase().starts_with("%2e"));
        if hidden {
            return not_found();
        }
        let request = request.map(|()| http_body_util::Empty::<Bytes>::new());
        let mut response = match self.service.clone().oneshot(request).await {
            Ok(response) => response.map(|body| body.map_err(std::io::Error::other).boxed_unsync()),
            Err(error) => match error {},
        };
        let headers = response.headers_mut();
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("strict-origin-when-cross-origin"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        let is_page = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        if is_page {
            headers.insert(
                CONTENT_SECURITY_POLICY,
                HeaderValue::from_static(
                    "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
                ),
            );
        }
        response
    }
}

fn not_found() -> Response<Body> {
    let mut response = Response::new(full(Bytes::from_static(b"not found\n")));
    *response.status_mut() = http::StatusCode::NOT_FOUND;
    response
}

/// A body that is there already.
pub fn full(bytes: Bytes) -> Body {
    http_body_util::Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}
