//! The limit that Plinth is measured against: the benchmark's endpoints written by hand over hyper and SQLite, with every trick
//! that is known and nothing that is not needed. No options, no planning; policies are written into the statements.
//!
//!     bench-floor DATABASE ADDRESS SECRET

mod database;
mod export;
mod json;
mod reads;
mod token;
mod writes;

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_RANGE, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::token::Verifier;
use crate::writes::{Write, Writer};

type Body = BoxBody<Bytes, Infallible>;
type Failure = Box<dyn Error + Send + Sync>;

struct App {
    path: String,
    verifier: Verifier,
    writer: Writer,
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, address, secret] = arguments.as_slice() else {
        return Err("usage: bench-floor DATABASE ADDRESS SECRET".into());
    };
    let app =
        Arc::new(App { path: path.clone(), verifier: Verifier::new(secret), writer: Writer::start(path)? });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let app = Arc::clone(&app);
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let app = Arc::clone(&app);
                    async move { Ok::<_, Infallible>(answer(&app, request).await) }
                });
                // A client that leaves in the middle is no news.
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    })
}

async fn answer(app: &App, request: Request<Incoming>) -> Response<Body> {
    match route(app, request).await {
        Ok(response) => response,
        Err(error) => {
            let text = format!("{{\"error\":{:?}}}", error.to_string());
            with_status(StatusCode::INTERNAL_SERVER_ERROR, json_response(text.into_bytes()))
        }
    }
}

async fn route(app: &App, request: Request<Incoming>) -> Result<Response<Body>, Failure> {
    let (parts, body) = request.into_parts();
    let path: Vec<&str> = parts.uri.path().trim_start_matches('/').split('/').collect();
    let after = || number(parts.uri.query().unwrap_or("").split('=').nth(1).unwrap_or(""));
    let database = app.path.as_str();
    if parts.method == Method::GET {
        let user = || app.verifier.user(parts.headers.get(AUTHORIZATION));
        let rows = match path.as_slice() {
            ["constant"] => b"{\"status\":\"live\"}".to_vec(),
            ["message", id] => reads::message(database, number(id)?)?,
            ["room", room, "messages"] => reads::page(database, number(room)?, after()?)?,
            ["room", room, "board"] => reads::board(database, number(room)?, after()?)?,
            ["room", room, "authors"] => reads::authors(database, number(room)?)?,
            ["room", room, "counted"] => {
                let (rows, range) = reads::counted(database, number(room)?, after()?)?;
                let mut response = json_response(rows);
                response.headers_mut().insert(CONTENT_RANGE, HeaderValue::from_str(&range)?);
                return Ok(response);
            }
            ["letter", id] => reads::letter(database, &user()?, number(id)?)?,
            ["room", room, "letters"] => reads::letters(database, &user()?, number(room)?, after()?)?,
            ["postings"] => reads::postings(database, after()?)?,
            ["slow", rounds] => {
                let (database, rounds) = (app.path.clone(), number(rounds)?);
                tokio::task::spawn_blocking(move || reads::slow(&database, rounds)).await??
            }
            ["events.json"] => return Ok(export::json(&app.path)),
            ["events.csv"] => return Ok(export::csv(&app.path)),
            _ => return Ok(empty(StatusCode::NOT_FOUND)),
        };
        return Ok(json_response(rows));
    }
    let body = body.collect().await?.to_bytes();
    let (write, status) = match (parts.method.as_str(), path.as_slice()) {
        ("POST", ["entry"]) => (Write::Insert(vec![serde_json::from_slice(&body)?]), StatusCode::CREATED),
        ("POST", ["entries"]) => (Write::Insert(serde_json::from_slice(&body)?), StatusCode::CREATED),
        ("PATCH", ["message", id]) => {
            let change: writes::Change = serde_json::from_slice(&body)?;
            (Write::Update { id: number(id)?, body: change.body }, StatusCode::NO_CONTENT)
        }
        _ => return Ok(empty(StatusCode::NOT_FOUND)),
    };
    app.writer.write(write).await?;
    Ok(empty(status))
}

fn number(text: &str) -> Result<i64, Failure> {
    Ok(text.parse()?)
}

fn json_response(bytes: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(bytes)).boxed());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}

fn empty(status: StatusCode) -> Response<Body> {
    with_status(status, Response::new(Full::default().boxed()))
}

fn with_status(status: StatusCode, mut response: Response<Body>) -> Response<Body> {
    *response.status_mut() = status;
    response
}
