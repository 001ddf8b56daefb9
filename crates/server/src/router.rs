//! From an HTTP request to its response: which path belongs to which front door, and what holds for all of them (request ids,
//! body limits, CORS, compression, one bad request never ending the process).

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::Body as HttpBody;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use plinth_engine::{Engine, EngineError};
use plinth_query::PlanCache;
use plinth_rest::{ApiError, Call, Incoming};
use plinth_values::Session;

use crate::config::Config;
use crate::data::{Data, InProgress};
use crate::files::{Body, Files};
use crate::keys::Keys;
use crate::stream;
use crate::timing::Timing;
use crate::token::Verifier;
use crate::{compression, cors};

const REST_ROOT: &str = "/rest/v1";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Everything a request needs, shared by all of them.
pub struct App {
    engine: Arc<dyn Engine>,
    config: Config,
    rest: plinth_rest::Options,
    data: Data,
    verifier: Verifier,
    files: Option<Files>,
    anon_key: String,
}

impl App {
    /// The application over an engine. `public` is the folder served at `/`, when there is one.
    pub fn new(
        engine: Arc<dyn Engine>,
        config: Config,
        keys: &Keys,
        public: Option<std::path::PathBuf>,
    ) -> App {
        let rest = config.rest(&keys.jwt_secret);
        let data = Data {
            engine: Arc::clone(&engine),
            options: rest.clone(),
            remember: config.idempotency.limits(),
            in_progress: InProgress::default(),
            plans: PlanCache::new(config.api.plans_kept),
            patience: Duration::from_secs(config.server.send_timeout_seconds),
        };
        App {
            rest,
            data,
            verifier: Verifier::new(
                &keys.jwt_secret,
                &config.auth.jwt_audience,
                &config.api.anon_role,
                config.auth.tokens_kept,
            ),
            files: public.map(Files::new),
            anon_key: keys.anon_key.clone(),
            engine,
            config,
        }
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Answers a request. Never fails and never panics: a defect is a 500 for this request alone, logged.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: HttpBody<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let started = Instant::now();
        let id = request_id(request.headers());
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let answer = AssertUnwindSafe(self.route(request)).catch_unwind().await;
        let mut response = answer.unwrap_or_else(|_| {
            tracing::error!(request_id = %id, %method, path, "a request panicked: this is a defect");
            plain(plinth_rest::error(&ApiError::from_engine(
                EngineError::Internal { detail: "panic".into() },
                false,
            )))
        });
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        let status = response.status().as_u16();
        let millis = started.elapsed().as_secs_f64() * 1000.0;
        if status >= 500 {
            tracing::error!(request_id = %id, %method, path, status, millis, "request failed");
        } else {
            tracing::debug!(request_id = %id, %method, path, status, millis, "request");
        }
        response
    }

    async fn route<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: HttpBody<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path();
        if let Some(below) = below(path, REST_ROOT) {
            if let Some(response) = cors::preflight(&self.config.cors, &parts.method, &parts.headers) {
                return plain(response);
            }
            let mut timing = Timing::start(self.config.api.server_timing);
            let mut answer = match self.rest(&parts, below, body, &mut timing).await {
                Ok(response) => response,
                Err(error) => plinth_rest::error(&error),
            };
            timing.station("response");
            timing.tell(answer.status(), answer.headers_mut());
            let mut response = compression::compress(&self.config.compression, &parts.headers, answer);
            if parts.method == Method::OPTIONS {
                cors::tell_any(&self.config.cors, response.headers_mut());
            }
            cors::decorate(&self.config.cors, &parts.headers, response.headers_mut());
            return plain(response);
        }
        match path {
            "/health/live" => plain(json(StatusCode::OK, r#"{"status":"live"}"#.into())),
            "/health/ready" => self.ready().await,
            "/.well-known/plinth.json" => {
                let text = serde_json::json!({ "url": "/", "rest": REST_ROOT, "anon_key": self.anon_key });
                plain(json(StatusCode::OK, text.to_string()))
            }
            _ => self.file(parts).await,
        }
    }

    async fn ready(&self) -> Response<Body> {
        match self.engine.ready().await {
            Ok(()) => plain(json(StatusCode::OK, r#"{"status":"ready"}"#.into())),
            Err(error) => {
                let text = serde_json::json!({ "status": "unavailable", "reason": error.to_string() });
                plain(json(StatusCode::SERVICE_UNAVAILABLE, text.to_string()))
            }
        }
    }

    async fn file(&self, parts: http::request::Parts) -> Response<Body> {
        let readable = matches!(parts.method, Method::GET | Method::HEAD);
        match &self.files {
            Some(files) if readable => files.serve(Request::from_parts(parts, ())).await,
            _ => {
                let error = ApiError::new(404, "PGRST125", "Invalid path specified in request URL")
                    .hint(format!("The REST interface is at {REST_ROOT}."));
                plain(plinth_rest::error(&error))
            }
        }
    }

    async fn rest<B>(
        &self,
        parts: &http::request::Parts,
        path: &str,
        body: B,
        timing: &mut Timing,
    ) -> Result<Response<Bytes>, ApiError>
    where
        B: HttpBody<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.engine.has_catalog().map_err(|error| ApiError::from_engine(error, false))?;
        let catalog = self.engine.catalog();
        let session = Session::utc();
        let method = parts.method.as_str();
        let mut caller = self.verifier.caller(&catalog, method, path, &parts.headers, session)?;
        if let Some(database) = &catalog.database {
            caller.session.time_zone = database.time_zone(&caller.role);
        }
        timing.station("jwt");
        let body = self.body(&parts.method, &parts.headers, body).await?;
        timing.pause();
        let incoming = Incoming {
            method: &parts.method,
            path,
            query: parts.uri.query().unwrap_or(""),
            headers: &parts.headers,
            body: &body,
        };
        let call = plinth_rest::parse(&incoming, &self.rest)?;
        timing.station("parse");
        match call {
            Call::Root { .. } if parts.method == Method::OPTIONS => Ok(plinth_rest::allow(None)),
            Call::Root { schema, version } => {
                let profiled = self.rest.schemas.len() > 1;
                let head = parts.method == Method::HEAD;
                Ok(plinth_rest::root(&catalog, &caller, &schema, version, profiled, head))
            }
            Call::Methods(target) => {
                let hide = self.rest.limits.hide_ungranted;
                let offered = plinth_query::offered(&catalog, &caller, &target, hide)
                    .map_err(|refusal| ApiError::from_refusal(refusal, !caller.authenticated))?;
                Ok(plinth_rest::allow(Some(offered)))
            }
            Call::Batch(batch) => self.data.batch(catalog, caller, &incoming, batch, timing).await,
            Call::Data { request, shape } => {
                shape.enter(&mut caller.session);
                self.data.one(catalog, caller, &incoming, (*request, *shape), timing).await
            }
        }
    }

    /// Reads the body within the configured size and time.
    async fn body<B>(&self, method: &Method, headers: &HeaderMap, body: B) -> Result<Bytes, ApiError>
    where
        B: HttpBody<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return Ok(Bytes::new());
        }
        let limit = self.config.server.max_body_bytes;
        let too_large = || {
            ApiError::new(413, "54000", format!("the request's body is larger than {limit} bytes"))
                .hint("Send fewer rows in one request, or raise max_body_bytes in [server].")
        };
        let announced = headers
            .get(http::header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.parse::<u64>().ok());
        if announced.is_some_and(|length| length > limit as u64) {
            return Err(too_large());
        }
        let timeout = Duration::from_secs(self.config.server.body_timeout_seconds);
        match tokio::time::timeout(timeout, Limited::new(body, limit).collect()).await {
            Ok(Ok(collected)) => Ok(collected.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
            Ok(Err(_)) => Err(ApiError::new(400, "PGRST102", "the request's body could not be read")),
            Err(_) => Err(ApiError::new(408, "57014", "the request's body took too long to arrive")),
        }
    }
}

/// The rest of the path below a root: `/rest/v1/x` below `/rest/v1` is `/x`.
fn below<'a>(path: &'a str, root: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(root)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

/// The client's own request id, where it is harmless, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| !id.is_empty() && id.len() <= 64)
        .filter(|id| id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')))
        .map_or_else(|| uuid::Uuid::now_v7().to_string(), str::to_owned)
}

fn json(status: StatusCode, text: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}

fn plain(response: Response<Bytes>) -> Response<Body> {
    stream::with_body(response)
}
