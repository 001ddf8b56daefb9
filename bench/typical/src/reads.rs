//! The reads.

use std::collections::HashMap;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_RANGE, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use crate::{App, Failure, User};

type Answer<T> = Result<Json<Vec<T>>, Failure>;

#[derive(Deserialize)]
pub struct After {
    after: i64,
}

#[derive(Serialize, FromRow)]
pub struct Message {
    id: i64,
    room: i64,
    author: String,
    body: String,
    created: i64,
}

#[derive(Serialize)]
pub struct Board {
    #[serde(flatten)]
    message: Message,
    r#in: Room,
    reaction: Vec<Reaction>,
}

#[derive(Clone, Serialize, FromRow)]
pub struct Room {
    id: i64,
    name: String,
}

#[derive(Serialize, FromRow)]
pub struct Reaction {
    #[serde(skip)]
    message_id: i64,
    author: String,
    mark: String,
}

#[derive(Serialize, FromRow)]
pub struct Author {
    author: String,
    count: i64,
    max: i64,
}

#[derive(FromRow)]
struct PostingRow {
    id: i64,
    title: String,
    city: String,
    name: String,
    slug: String,
}

#[derive(Serialize)]
pub struct Posting {
    id: i64,
    title: String,
    city: String,
    company: Company,
    posting_skill: Vec<Skill>,
}

#[derive(Serialize)]
pub struct Company {
    name: String,
    slug: String,
}

#[derive(Serialize, FromRow)]
pub struct Skill {
    #[serde(skip)]
    posting_id: i64,
    skill_id: i64,
    required: bool,
}

#[derive(Serialize, FromRow)]
pub struct Event {
    id: i64,
    kind: String,
    place: i64,
    amount: i64,
    note: Option<String>,
}

const PAGE: &str =
    "select id, room, author, body, created from message where room = ? and id > ? order by id limit 20";

pub async fn message(State(app): State<App>, Path(id): Path<i64>) -> Answer<Message> {
    let sql = "select id, room, author, body, created from message where id = ?";
    Ok(Json(sqlx::query_as(sql).bind(id).fetch_all(&app.pool).await?))
}

pub async fn page(
    State(app): State<App>,
    Path(room): Path<i64>,
    Query(after): Query<After>,
) -> Answer<Message> {
    Ok(Json(sqlx::query_as(PAGE).bind(room).bind(after.after).fetch_all(&app.pool).await?))
}

pub async fn board(
    State(app): State<App>,
    Path(room): Path<i64>,
    Query(after): Query<After>,
) -> Answer<Board> {
    let mut transaction = app.pool.begin().await?;
    let messages: Vec<Message> =
        sqlx::query_as(PAGE).bind(room).bind(after.after).fetch_all(&mut *transaction).await?;
    let of: Room = sqlx::query_as("select id, name from room where id = ?")
        .bind(room)
        .fetch_one(&mut *transaction)
        .await?;
    // All reactions in one query, for the page as a whole.
    let marks = vec!["?"; messages.len()].join(",");
    let sql =
        format!("select message_id, author, mark from reaction where message_id in ({marks}) order by id");
    let mut query = sqlx::query_as::<_, Reaction>(&sql);
    for message in &messages {
        query = query.bind(message.id);
    }
    let mut reactions: HashMap<i64, Vec<Reaction>> = HashMap::new();
    for reaction in query.fetch_all(&mut *transaction).await? {
        reactions.entry(reaction.message_id).or_default().push(reaction);
    }
    let with = |message: Message| Board {
        r#in: of.clone(),
        reaction: reactions.remove(&message.id).unwrap_or_default(),
        message,
    };
    Ok(Json(messages.into_iter().map(with).collect()))
}

pub async fn authors(State(app): State<App>, Path(room): Path<i64>) -> Answer<Author> {
    let sql = "select author, count(*) as count, max(id) as max from message where room = ? group by author order by author";
    Ok(Json(sqlx::query_as(sql).bind(room).fetch_all(&app.pool).await?))
}

pub async fn counted(
    State(app): State<App>,
    Path(room): Path<i64>,
    Query(after): Query<After>,
) -> Result<Response, Failure> {
    let mut transaction = app.pool.begin().await?;
    let messages: Vec<Message> =
        sqlx::query_as(PAGE).bind(room).bind(after.after).fetch_all(&mut *transaction).await?;
    let total: i64 = sqlx::query_scalar("select count(*) from message where room = ? and id > ?")
        .bind(room)
        .bind(after.after)
        .fetch_one(&mut *transaction)
        .await?;
    let range = match messages.len() {
        0 => format!("*/{total}"),
        rows => format!("0-{}/{total}", rows - 1),
    };
    Ok(([(CONTENT_RANGE, range)], Json(messages)).into_response())
}

pub async fn letter(State(app): State<App>, user: User, Path(id): Path<i64>) -> Answer<Message> {
    let sql = "select id, room, author, body, created from letter where id = ? and exists \
               (select 1 from membership m where m.room = letter.room and m.user_id = ?)";
    Ok(Json(sqlx::query_as(sql).bind(id).bind(user.sub).fetch_all(&app.pool).await?))
}

pub async fn letters(
    State(app): State<App>,
    user: User,
    Path(room): Path<i64>,
    Query(after): Query<After>,
) -> Answer<Message> {
    let sql = "select id, room, author, body, created from letter where room = ? and id > ? and exists \
               (select 1 from membership m where m.room = letter.room and m.user_id = ?) order by id limit 20";
    Ok(Json(sqlx::query_as(sql).bind(room).bind(after.after).bind(user.sub).fetch_all(&app.pool).await?))
}

pub async fn postings(State(app): State<App>, Query(after): Query<After>) -> Answer<Posting> {
    let sql = "select p.id, p.title, p.city, c.name, c.slug from posting p join company c on c.id = p.company_id \
               where p.id > ? and p.state collate binary = 'published' and c.verified order by p.id limit 20";
    let mut transaction = app.pool.begin().await?;
    let rows: Vec<PostingRow> = sqlx::query_as(sql).bind(after.after).fetch_all(&mut *transaction).await?;
    let marks = vec!["?"; rows.len()].join(",");
    let sql = format!(
        "select posting_id, skill_id, required from posting_skill where posting_id in ({marks}) order by skill_id"
    );
    let mut query = sqlx::query_as::<_, Skill>(&sql);
    for row in &rows {
        query = query.bind(row.id);
    }
    let mut skills: HashMap<i64, Vec<Skill>> = HashMap::new();
    for skill in query.fetch_all(&mut *transaction).await? {
        skills.entry(skill.posting_id).or_default().push(skill);
    }
    let posting = |row: PostingRow| Posting {
        id: row.id,
        title: row.title,
        city: row.city,
        company: Company { name: row.name, slug: row.slug },
        posting_skill: skills.remove(&row.id).unwrap_or_default(),
    };
    Ok(Json(rows.into_iter().map(posting).collect()))
}

const EVENTS: &str = "select id, kind, place, amount, note from event";

/// Rows become text in a task of their own; the response takes it from a channel.
fn export(
    app: App,
    media_type: &'static str,
    head: &'static str,
    tail: &'static str,
    mut write: impl FnMut(Event) -> Result<Vec<u8>, Failure> + Send + 'static,
) -> Response {
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Vec<u8>, std::io::Error>>(64);
    tokio::spawn(async move {
        let mut rows = sqlx::query_as::<_, Event>(EVENTS).fetch(&app.pool);
        if sender.send(Ok(head.into())).await.is_err() {
            return;
        }
        loop {
            let text = match rows.try_next().await {
                Ok(Some(event)) => write(event).map_err(|failure| std::io::Error::other(failure.0)),
                Ok(None) => break,
                Err(error) => Err(std::io::Error::other(error)),
            };
            let failed = text.is_err();
            if sender.send(text).await.is_err() || failed {
                return;
            }
        }
        let _ = sender.send(Ok(tail.into())).await;
    });
    let stream = futures_util::stream::unfold(receiver, async |mut receiver| {
        receiver.recv().await.map(|text| (text, receiver))
    });
    ([(CONTENT_TYPE, media_type)], Body::from_stream(stream)).into_response()
}

pub async fn events_json(State(app): State<App>) -> Response {
    let mut first = true;
    export(app, "application/json", "[", "]", move |event| {
        let mut text = Vec::with_capacity(128);
        if !first {
            text.push(b',');
        }
        first = false;
        serde_json::to_writer(&mut text, &event)?;
        Ok(text)
    })
}

pub async fn events_csv(State(app): State<App>) -> Response {
    export(app, "text/csv", "id,kind,place,amount,note", "", |event| {
        let Event { id, kind, place, amount, note } = event;
        let note = note.map(|note| format!("\"{note}\"")).unwrap_or_default();
        Ok(format!("\n{id},{kind},{place},{amount},{note}").into_bytes())
    })
}

pub async fn slow(State(app): State<App>, Path(rounds): Path<i64>) -> Result<Json<i64>, Failure> {
    let sql = "with recursive counted(n) as (select 1 union all select n + 1 from counted where n < ?) select count(*) from counted";
    Ok(Json(sqlx::query_scalar(sql).bind(rounds).fetch_one(&app.pool).await?))
}
