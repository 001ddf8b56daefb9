//! The benchmark's endpoints as a good tutorial would write them: axum, sqlx with its pool, serde structs, one transaction per
//! write.
//!
//!     bench-typical DATABASE ADDRESS SECRET

mod reads;
mod writes;

use std::error::Error;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};

#[derive(Clone)]
struct App {
    pool: SqlitePool,
    key: DecodingKey,
}

/// Anything that went wrong: a 500.
struct Failure(String);

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure(error.to_string())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, Json(serde_json::json!({ "error": self.0 }))).into_response()
    }
}

/// The user whom the request's token names.
#[derive(Deserialize)]
struct User {
    sub: String,
}

impl FromRequestParts<App> for User {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<User, StatusCode> {
        let header = parts.headers.get("authorization").and_then(|value| value.to_str().ok());
        let token = header.and_then(|text| text.strip_prefix("Bearer ")).ok_or(StatusCode::UNAUTHORIZED)?;
        jsonwebtoken::decode::<User>(token, &app.key, &Validation::new(Algorithm::HS256))
            .map(|data| data.claims)
            .map_err(|_| StatusCode::UNAUTHORIZED)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, address, secret] = arguments.as_slice() else {
        return Err("usage: bench-typical DATABASE ADDRESS SECRET".into());
    };
    let options = SqliteConnectOptions::new()
        .filename(path)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(30));
    let pool = SqlitePoolOptions::new().max_connections(8).connect_with(options).await?;
    let app = App { pool, key: DecodingKey::from_secret(secret.as_bytes()) };
    let router = Router::new()
        .route("/constant", get(|| async { Json(serde_json::json!({ "status": "live" })) }))
        .route("/message/{id}", get(reads::message))
        .route("/message/{id}", patch(writes::update))
        .route("/room/{room}/messages", get(reads::page))
        .route("/room/{room}/board", get(reads::board))
        .route("/room/{room}/authors", get(reads::authors))
        .route("/room/{room}/counted", get(reads::counted))
        .route("/letter/{id}", get(reads::letter))
        .route("/room/{room}/letters", get(reads::letters))
        .route("/postings", get(reads::postings))
        .route("/events.json", get(reads::events_json))
        .route("/events.csv", get(reads::events_csv))
        .route("/slow/{rounds}", get(reads::slow))
        .route("/entry", post(writes::insert))
        .route("/entries", post(writes::insert_many))
        .with_state(app);
    let listener = tokio::net::TcpListener::bind(address).await?;
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await?;
    Ok(())
}
