//! The writes, each in a transaction of its own.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;

use crate::{App, Failure};

#[derive(Deserialize)]
pub struct Entry {
    room: i64,
    author: String,
    body: String,
    created: i64,
}

#[derive(Deserialize)]
pub struct Change {
    body: String,
}

async fn add(app: &App, entries: &[Entry]) -> Result<StatusCode, Failure> {
    let mut transaction = app.pool.begin_with("begin immediate").await?;
    for entry in entries {
        sqlx::query("insert into entry (room, author, body, created) values (?, ?, ?, ?)")
            .bind(entry.room)
            .bind(&entry.author)
            .bind(&entry.body)
            .bind(entry.created)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(StatusCode::CREATED)
}

pub async fn insert(State(app): State<App>, Json(entry): Json<Entry>) -> Result<StatusCode, Failure> {
    add(&app, &[entry]).await
}

pub async fn insert_many(
    State(app): State<App>,
    Json(entries): Json<Vec<Entry>>,
) -> Result<StatusCode, Failure> {
    add(&app, &entries).await
}

pub async fn update(
    State(app): State<App>,
    Path(id): Path<i64>,
    Json(change): Json<Change>,
) -> Result<StatusCode, Failure> {
    let mut transaction = app.pool.begin_with("begin immediate").await?;
    sqlx::query("update message set body = ? where id = ?")
        .bind(change.body)
        .bind(id)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
