//! Conditional requests on single rows (RFC 9110, 13): `ETag`, `If-Match` and `If-None-Match`.
//!
//! A tag has two parts. The first is the row's version: a hash over the columns that the caller may read, whatever was selected. The
//! second is the representation's own. `If-Match` looks at the first, so that a change of any readable column makes it stale;
//! `If-None-Match` looks at both, so that 304 never stands for other bytes.

mod sink;
mod tag;

pub(crate) use sink::VersionSink;
pub(crate) use sink::{split, version};
pub use tag::Conditions;
pub(crate) use tag::{Tag, conditions};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, HeaderValue};
use http::{Response, StatusCode};
use plinth_catalog::Catalog;
use plinth_query::Request;
use plinth_query::request::{Action, Comparison, Embed, Filter, Operation, Returning, SelectItem, Target};

use crate::error::ApiError;
use crate::request::Shape;

/// Makes the request give the version of its row, where its answer has a tag: a single row that is read, or that comes back from a
/// write. Errors: conditions on what is no single row (PLN105).
pub(crate) fn prepare(
    catalog: &Catalog,
    request: &mut Request,
    shape: &Shape,
) -> Result<Option<Box<Request>>, ApiError> {
    if shape.explain.is_some() {
        return Ok(None);
    }
    // A version beside its row would make rows differ that do not, or be no part of a group.
    let plain = request.distinct.is_none() && request.having.is_empty() && request.page.is_none();
    let by_key = names_row(catalog, request);
    request.versioned = match &request.action {
        Action::Read => (by_key || shape.media.is_object()) && !request.select.iter().any(has_aggregate),
        Action::Insert(insert) => {
            insert.returning == Returning::Rows && !insert.put && shape.media.is_object()
        }
        Action::Update { returning, .. } => {
            *returning == Returning::Rows && (by_key || shape.media.is_object())
        }
        Action::Delete { .. } | Action::Call { .. } => false,
    } && plain
        && matches!(request.target, Target::Relation { .. });
    if matches!(request.action, Action::Read) || shape.conditions.is_empty() {
        return Ok(None);
    }
    let is_single = by_key && !matches!(&request.action, Action::Insert(insert) if !insert.put);
    if !is_single || matches!(request.target, Target::Function { .. }) {
        return Err(ApiError::new(400, "PLN105", "If-Match and If-None-Match need a single row")
            .hint("Name the row by its whole primary key, with eq, in a PATCH, PUT or DELETE."));
    }
    // The row as the caller sees it, before it is written.
    Ok(Some(Box::new(Request {
        action: Action::Read,
        select: request.select.iter().filter_map(bare).collect(),
        order: Vec::new(),
        limit: None,
        offset: 0,
        count: None,
        versioned: true,
        ..request.clone()
    })))
}

/// Whether the request names one row by its whole primary key.
fn names_row(catalog: &Catalog, request: &Request) -> bool {
    let Target::Relation { schema, name } = &request.target else { return false };
    let relation = catalog.find_relation(schema, name);
    let Some((relation, table)) = relation.and_then(|relation| Some((relation, relation.table()?))) else {
        return false;
    };
    let named = |column: &usize| {
        let name = relation.columns.get(*column).map(|column| column.name.as_str());
        request.filters.iter().any(|filter| match filter {
            Filter::Condition {
                negated: false,
                field,
                op: Operation::Compare { op: Comparison::Eq, quantifier: None, value: _ },
            } => field.path.is_empty() && Some(field.column.as_str()) == name,
            _ => false,
        })
    };
    table.primary_key.as_ref().is_some_and(|key| key.columns.iter().all(named))
}

fn has_aggregate(item: &SelectItem) -> bool {
    match item {
        SelectItem::Field { aggregate, .. } => aggregate.is_some(),
        SelectItem::Embed(embed) | SelectItem::Spread(embed) => embed.select.iter().any(has_aggregate),
        SelectItem::All => false,
    }
}

/// An embedded resource for its conditions alone.
fn bare(item: &SelectItem) -> Option<SelectItem> {
    let bare =
        |embed: &Embed| Embed { select: embed.select.iter().filter_map(bare).collect(), ..embed.clone() };
    match item {
        SelectItem::Embed(embed) => Some(SelectItem::Embed(bare(embed))),
        SelectItem::Spread(embed) => Some(SelectItem::Spread(bare(embed))),
        SelectItem::All | SelectItem::Field { .. } => None,
    }
}

/// PLN104: the row is not as the client expects it.
pub fn failed() -> ApiError {
    ApiError::new(412, "PLN104", "The row has changed, or is not there")
        .details("The condition of If-Match or If-None-Match does not hold.")
        .hint("Read the row again, and send the ETag of that answer.")
}

/// The tag of a row in this version, as this body; `None` without a single row.
pub(crate) fn tag(shape: &Shape, version: &[u8], body: &[u8]) -> Option<Tag> {
    (!version.is_empty()).then(|| Tag::new(version, shape.media.content_type().as_bytes(), body))
}

/// Puts the tag on an answer, and answers a read with 304 when the client has it already.
pub(crate) fn tagged(response: Response<Bytes>, tag: &Tag, shape: &Shape, reads: bool) -> Response<Bytes> {
    let (mut parts, mut body) = response.into_parts();
    if !parts.status.is_success() {
        return Response::from_parts(parts, body);
    }
    if let Ok(value) = HeaderValue::from_str(&tag.quoted()) {
        parts.headers.insert(ETAG, value);
    }
    if reads && shape.conditions.has_already(tag) {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(CONTENT_TYPE);
        body = Bytes::new();
    }
    Response::from_parts(parts, body)
}
