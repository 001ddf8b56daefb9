//! Outcomes and errors to HTTP responses.

use bytes::Bytes;
use http::header::{
    ALLOW, CONTENT_LOCATION, CONTENT_RANGE, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
    VARY, WWW_AUTHENTICATE,
};
use http::{HeaderMap, Response, StatusCode};
use plinth_catalog::Catalog;
use plinth_engine::{EngineError, Outcome};
use plinth_query::plan::{CallShape, Keyset, Node, Plan, PlannedAction};
use plinth_query::{Caller, Offered};
use plinth_values::Session;
use plinth_values::output::write_text;

use crate::conditional;
use crate::error::ApiError;
use crate::media::DocumentVersion;
use crate::openapi;
use crate::overrides;
use crate::page;
use crate::preferences::{Applies, Return};
use crate::query_body;
use crate::query_string::encode;
use crate::range;
use crate::request::Shape;

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const CONTENT_PROFILE: HeaderName = HeaderName::from_static("content-profile");
const ACCEPT_QUERY: HeaderName = HeaderName::from_static("accept-query");
const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");

/// The response for an error.
pub fn error(error: &ApiError) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(error.body()));
    *response.status_mut() = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    // The name that clients of this dialect know.
    set(headers, PROXY_STATUS, &format!("PostgREST; error={}", error.code));
    if let Some(challenge) = &error.authenticate {
        set(headers, WWW_AUTHENTICATE, challenge);
    }
    if let Some(seconds) = error.retry_after_seconds {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    overrides::put(headers, error.headers.clone());
    response
}

/// Why an outcome is a refusal after all: a response that cannot be as SQL wants it (PGRST111, PGRST112), a range beyond the rows (PGRST103), a row that is not as `If-Match` says (PLN104).
pub fn refused(shape: &Shape, plan: &Plan, outcome: &Outcome) -> Option<ApiError> {
    if let Err(wrong) = overrides::apply(&mut Response::default(), &outcome.overrides) {
        return Some(wrong);
    }
    let offset = match &*plan.action {
        PlannedAction::Read(node) => node.offset,
        PlannedAction::Call(call) if call.shape != CallShape::Void => call.result.offset,
        _ => return None,
    };
    let unwanted = plan.version > 0 && !shape.conditions.allow_version(conditional::version(&outcome.body));
    if unwanted {
        return Some(conditional::failed());
    }
    range::status(offset, outcome.rows, outcome.total).err()
}

/// The response for what a plan gave.
pub fn success(
    shape: &Shape,
    plan: &Plan,
    catalog: &Catalog,
    session: &Session,
    mut outcome: Outcome,
) -> Response<Bytes> {
    if let PlannedAction::Call(call) = &*plan.action
        && call.max_affected.is_some_and(|most| outcome.rows > most)
    {
        // A function that wrote was taken back by the engine already.
        return error(&ApiError::from_engine(EngineError::MaxAffected { rows: outcome.rows }, false));
    }
    let wanted = std::mem::take(&mut outcome.overrides);
    let mut response = usual(shape, plan, catalog, session, outcome);
    match overrides::apply(&mut response, &wanted) {
        Ok(()) => response,
        Err(wrong) => error(&wrong),
    }
}

/// The response when SQL says nothing about it.
fn usual(
    shape: &Shape,
    plan: &Plan,
    catalog: &Catalog,
    session: &Session,
    mut outcome: Outcome,
) -> Response<Bytes> {
    if plan.version == 0 {
        return encoded(shape, plan, catalog, session, outcome);
    }
    let reads = matches!(*plan.action, PlannedAction::Read(_));
    if reads && !shape.conditions.allow_version(conditional::version(&outcome.body)) {
        return error(&conditional::failed());
    }
    let (version, body) = conditional::split(outcome.body);
    let tag = conditional::tag(shape, &version, &body);
    outcome.body = body;
    let response = encoded(shape, plan, catalog, session, outcome);
    match tag {
        Some(tag) => conditional::tagged(response, &tag, shape, reads),
        None => response,
    }
}

/// The response without a tag.
fn encoded(
    shape: &Shape,
    plan: &Plan,
    catalog: &Catalog,
    session: &Session,
    outcome: Outcome,
) -> Response<Bytes> {
    match &*plan.action {
        PlannedAction::Read(Node { keyset: Some(keyset), .. }) => page(shape, keyset, outcome),
        PlannedAction::Read(node) => read(shape, node.offset, outcome),
        PlannedAction::Call(call) if call.shape == CallShape::Void => no_content(shape),
        PlannedAction::Call(call) => read(shape, call.result.offset, outcome),
        PlannedAction::Insert(insert) if insert.put => changed(shape, outcome, true, None),
        PlannedAction::Insert(insert) => {
            let location = location(shape, catalog, insert.relation, session, &outcome);
            let merges = insert.conflict.as_ref().is_some_and(|conflict| conflict.update.is_some());
            let status = if merges && outcome.inserted == 0 { 200 } else { 201 };
            let applies = Applies {
                resolution: insert.conflict.is_some(),
                missing: true,
                returning: true,
                transaction: true,
                max_affected: false,
            };
            inserted(shape, outcome, status, location, applies)
        }
        PlannedAction::InsertTree(tree) => {
            let root = tree.steps.get(tree.root);
            let merges = root.is_some_and(|root| root.insert.conflict.is_some());
            let status = if merges && outcome.inserted == 0 { 200 } else { 201 };
            let applies = Applies {
                resolution: merges,
                missing: true,
                returning: true,
                transaction: true,
                max_affected: false,
            };
            inserted(shape, outcome, status, None, applies)
        }
        PlannedAction::Update(_) => {
            let count = shape.preferences.count.map(|_| outcome.rows);
            let range = range::content_range(0, outcome.rows, count);
            changed(shape, outcome, false, Some(range))
        }
        PlannedAction::Delete(_) => {
            let count = shape.preferences.count.map(|_| outcome.rows);
            let range = range::content_range(0, 0, count);
            changed(shape, outcome, false, Some(range))
        }
    }
}

/// A page told by a row: where it stands among all rows is not known.
fn page(shape: &Shape, keyset: &Keyset, outcome: Outcome) -> Response<Bytes> {
    let (total, edges) = (outcome.total, outcome.edges.clone());
    let told = match (&shape.cursors, &edges) {
        (Some(cursors), Some(edges)) => page::headers(cursors, keyset.shape, edges),
        _ => Ok(Vec::new()),
    };
    let told = match told {
        Ok(told) => told,
        Err(refused) => return error(&refused),
    };
    let mut response = read(shape, 0, Outcome { total: None, ..outcome });
    let headers = response.headers_mut();
    set(headers, CONTENT_RANGE, &range::content_range(0, 0, total));
    for (name, value) in told {
        set(headers, name, &value);
    }
    response
}

fn read(shape: &Shape, offset: u64, outcome: Outcome) -> Response<Bytes> {
    let status = match range::status(offset, outcome.rows, outcome.total) {
        Ok(status) => status,
        Err(beyond) => {
            let mut response = error(&beyond);
            set(response.headers_mut(), CONTENT_RANGE, &range::content_range(offset, 0, outcome.total));
            return response;
        }
    };
    let mut response = Response::new(if shape.head { Bytes::new() } else { Bytes::from(outcome.body) });
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(shape.media.content_type()));
    set(headers, CONTENT_RANGE, &range::content_range(offset, outcome.rows, outcome.total));
    if let Some(location) = &shape.location {
        set(headers, CONTENT_LOCATION, location);
    }
    headers.insert(VARY, HeaderValue::from_static("Accept, Prefer, Range"));
    common(shape, headers, Applies { transaction: true, ..Applies::default() });
    response
}

fn inserted(
    shape: &Shape,
    outcome: Outcome,
    status: u16,
    location: Option<String>,
    applies: Applies,
) -> Response<Bytes> {
    let representation = shape.preferences.returning == Some(Return::Representation);
    let count = shape.preferences.count.map(|_| outcome.rows);
    let mut response = Response::new(if representation { Bytes::from(outcome.body) } else { Bytes::new() });
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::CREATED);
    let headers = response.headers_mut();
    if representation {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(shape.media.content_type()));
    }
    if let Some(location) = location {
        set(headers, LOCATION, &location);
    }
    set(headers, CONTENT_RANGE, &range::content_range(0, 0, count));
    common(shape, headers, applies);
    response
}

/// The answer to PATCH, DELETE and PUT.
fn changed(shape: &Shape, outcome: Outcome, put: bool, range: Option<String>) -> Response<Bytes> {
    let representation = shape.preferences.returning == Some(Return::Representation);
    let applies = Applies {
        resolution: false,
        missing: put,
        returning: shape.preferences.returning != Some(Return::HeadersOnly) || !put,
        transaction: true,
        max_affected: !put && shape.preferences.handling == Some(crate::preferences::Handling::Strict),
    };
    let mut response;
    if representation {
        response = Response::new(Bytes::from(outcome.body));
        if put && outcome.inserted > 0 {
            *response.status_mut() = StatusCode::CREATED;
        }
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(shape.media.content_type()));
    } else {
        response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::NO_CONTENT;
    }
    let headers = response.headers_mut();
    if let Some(range) = range {
        set(headers, CONTENT_RANGE, &range);
    }
    common(shape, headers, applies);
    response
}

fn no_content(shape: &Shape) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    common(shape, response.headers_mut(), Applies { transaction: true, ..Applies::default() });
    response
}

fn common(shape: &Shape, headers: &mut HeaderMap, applies: Applies) {
    if let Some(applied) = shape.preferences.applied(applies) {
        set(headers, PREFERENCE_APPLIED, &applied);
    }
    if let Some(profile) = &shape.profile {
        set(headers, CONTENT_PROFILE, profile);
    }
}

/// `Location` of the inserted row, by its primary key: `/car_models?name=eq.Enzo&year=eq.2021`.
fn location(
    shape: &Shape,
    catalog: &Catalog,
    relation: plinth_catalog::RelationId,
    session: &Session,
    outcome: &Outcome,
) -> Option<String> {
    if shape.preferences.returning != Some(Return::HeadersOnly) || outcome.keys.is_empty() {
        return None;
    }
    let relation = catalog.relation(relation);
    let mut keys = Vec::with_capacity(outcome.keys.len());
    for (column, value) in &outcome.keys {
        let column = relation.columns.get(*column)?;
        let mut text = Vec::new();
        write_text(&column.ty, value.as_ref(), session, &mut text);
        keys.push(format!("{}=eq.{}", encode(&column.name), encode(&String::from_utf8_lossy(&text))));
    }
    Some(format!("/{}?{}", encode(&shape.name), keys.join("&")))
}

/// The answer of the root: the OpenAPI document of what the caller may reach of the schema. `profiled` when several schemas are
/// exposed.
pub fn root(
    catalog: &Catalog,
    caller: &Caller,
    schema: &str,
    version: DocumentVersion,
    profiled: bool,
    head: bool,
) -> Response<Bytes> {
    let text = match (head, version) {
        (true, _) => String::new(),
        (false, DocumentVersion::V2) => openapi::document_2(catalog, caller, schema).to_string(),
        (false, DocumentVersion::V3) => openapi::document(catalog, caller, schema).to_string(),
    };
    let mut response = Response::new(Bytes::from(text));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(version.content_type()));
    headers.insert(VARY, HeaderValue::from_static("Accept, Authorization, Accept-Profile, apikey"));
    if profiled {
        set(headers, CONTENT_PROFILE, schema);
    }
    response
}

/// The answer to `OPTIONS`: the methods that the target offers (the root without one).
pub fn allow(offered: Option<Offered>) -> Response<Bytes> {
    let asked =
        matches!(offered, Some(Offered::Relation { read: true, .. } | Offered::Function { read: true }));
    let mut methods = vec!["OPTIONS"];
    let mut add = |offered: bool, more: &[&'static str]| {
        if offered {
            methods.extend(more);
        }
    };
    match offered {
        None => add(true, &["GET", "HEAD"]),
        Some(Offered::Relation { read, insert, put, update, delete }) => {
            add(read, &["GET", "HEAD"]);
            add(insert, &["POST"]);
            add(put, &["PUT"]);
            add(update, &["PATCH"]);
            add(delete, &["DELETE"]);
        }
        Some(Offered::Function { read }) => {
            add(read, &["GET", "HEAD"]);
            add(true, &["POST"]);
        }
    }
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    set(headers, ALLOW, &methods.join(","));
    if asked {
        // `Allow` is PostgREST's; this says that there is `QUERY` too (RFC 10008, 3).
        headers.insert(ACCEPT_QUERY, HeaderValue::from_static(query_body::ACCEPTED));
    }
    response
}

/// Sets a header; a value that cannot be one (control characters) is left out rather than sent broken.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
