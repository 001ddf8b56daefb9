//! An HTTP request, as a request for data and the shape its answer takes.

use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;
use plinth_catalog::Catalog;
use plinth_engine::{JsonShape, JsonSink, Outcome, RowSink};
use plinth_query::plan::{CallShape, PlannedAction};
use plinth_query::request::{
    Action, Arguments, Conflict, Distinct, Filter, Having, Insert, Limits, Nested, Returning, SelectItem,
    Target,
};
use plinth_query::{Plan, Request};
use plinth_values::Session;

use crate::batch::{self, Batch, BatchOptions};
use crate::body;
use crate::conditional::{self, Conditions, VersionSink};
use crate::csv_sink::CsvSink;
use crate::error::ApiError;
use crate::explain::Explained;
use crate::head_sink::HeadSink;
use crate::media::{self, DocumentVersion, MediaType};
use crate::page::{self, CursorKey, Cursors};
use crate::parse::{self, Attachment};
use crate::preferences::{self, Handling, Preferences, Return, Transaction};
use crate::query_body;
use crate::query_string;
use crate::range::{self, Window};
use crate::raw_sink::RawSink;

/// A request under the REST root.
pub struct Incoming<'a> {
    /// The method
    pub method: &'a Method,
    /// The path below the root, percent-encoded, with its leading `/`
    pub path: &'a str,
    /// The query string, percent-encoded
    pub query: &'a str,
    /// The headers
    pub headers: &'a HeaderMap,
    /// The body
    pub body: &'a [u8],
}

/// What configuration says about the dialect.
#[derive(Clone, Debug)]
pub struct Options {
    /// The exposed schemas; the first one is the default
    pub schemas: Vec<String>,
    /// Limits that planning enforces
    pub limits: Limits,
    /// Whether a client may choose `tx=rollback`
    pub allow_rollback: bool,
    /// Whether the root tells what there is
    pub openapi: bool,
    /// Whether a client may ask for the plan of a request
    pub plans: bool,
    /// Several requests in one
    pub batch: BatchOptions,
    /// What cursors are signed with; there are none without
    pub cursor_key: Option<CursorKey>,
    /// Bytes of a cursor
    pub max_cursor_bytes: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            schemas: vec!["public".to_owned()],
            limits: Limits::default(),
            allow_rollback: false,
            openapi: true,
            plans: false,
            batch: BatchOptions::default(),
            cursor_key: None,
            max_cursor_bytes: 2_000,
        }
    }
}

/// What is asked for.
#[derive(Debug)]
pub enum Call {
    /// Data
    Data {
        /// What
        request: Box<Request>,
        /// How to answer
        shape: Box<Shape>,
    },
    /// Several requests in one transaction
    Batch(Batch),
    /// `OPTIONS`: which methods the target offers
    Methods(Target),
    /// The root: what there is
    Root {
        /// The schema asked about
        schema: String,
        /// How the answer is written
        version: DocumentVersion,
    },
}

/// How an answer is shaped.
#[derive(Debug)]
pub struct Shape {
    /// `HEAD`: headers alone
    pub head: bool,
    /// The media type of the rows
    pub media: MediaType,
    /// Tell the plan instead of running it
    pub explain: Option<Explained>,
    /// What the client preferred
    pub preferences: Preferences,
    /// `If-Match`, `If-None-Match`
    pub conditions: Conditions,
    /// Roll back in the end
    pub rollback: bool,
    /// The relation's or function's name, for `Location`
    pub name: String,
    /// `Content-Location` of a read
    pub location: Option<String>,
    /// `Content-Profile`, when several schemas are exposed
    pub profile: Option<String>,
    /// How the cursors of the page's ends are told, when pages are by cursor
    pub cursors: Option<Cursors>,
}

/// Reads a request. Errors: everything in it that is not the dialect's, with its code and status.
pub fn parse(incoming: &Incoming<'_>, options: &Options) -> Result<Call, ApiError> {
    let resource = resource(incoming.path)?;
    if let Resource::Relation(name) = &resource
        && *incoming.method == Method::POST
        && *name == options.batch.path
    {
        let batch = batch::parse(incoming.headers, incoming.body, &options.batch, options.allow_rollback)?;
        return Ok(Call::Batch(batch));
    }
    let in_body = query_body::is_query(incoming.method, incoming.headers);
    let is_read = in_body || matches!(*incoming.method, Method::GET | Method::HEAD);
    let schema = schema(incoming, options, is_read)?;
    let target = match resource {
        Resource::Root => return root(incoming, options, schema),
        Resource::Relation(name) => Target::Relation { schema: schema.clone(), name },
        Resource::Function(name) => Target::Function { schema: schema.clone(), name },
    };
    check_method(incoming.method, &target)?;
    if incoming.method == Method::OPTIONS {
        return Ok(Call::Methods(target));
    }
    let preferences = preferences::preferences(incoming.headers)?;
    let is_function = matches!(target, Target::Function { .. });
    let (media, explain) = media::negotiate(incoming.headers, is_function, options.plans)?;
    let pairs = query_string::decode(if in_body { query_body::query(incoming)? } else { incoming.query })?;
    let rows = match (is_function, is_read) {
        (true, true) => Rows::Called,
        (true, false) | (false, true) => Rows::Read,
        (false, false) => Rows::Written,
    };
    let parameters = parameters(&pairs, rows)?;
    // RFC 9110, 14.2: a Range is of a GET alone, so a HEAD answers as if there were none.
    let ranged = is_read && incoming.method != Method::HEAD;
    let header = if ranged { range::header(incoming.headers)? } else { Window::default() };
    let window = range::intersect(parameters.window, header);
    let name = match &target {
        Target::Relation { name, .. } | Target::Function { name, .. } => name.clone(),
    };
    let location = is_read.then(|| {
        let prefix = if is_function { "/rpc/" } else { "/" };
        let canonical = query_string::canonical(&pairs);
        let mark = if canonical.is_empty() { "" } else { "?" };
        format!("{prefix}{}{mark}{canonical}", query_string::encode(&name))
    });
    let location = location.filter(|location| !in_body || location.len() <= query_body::MAX_LOCATION);
    let cursors = page::page(options, &pairs, parameters.after.as_deref(), parameters.before.as_deref())?;
    if cursors.is_some() && header != Window::default() {
        return Err(ApiError::new(400, "PGRST127", "Feature not implemented")
            .details("A page begins at a cursor or at a Range, not at both."));
    }
    let count = preferences.count;
    let action = match &target {
        Target::Relation { .. } if is_read => Action::Read,
        Target::Function { .. } if is_read => Action::Call {
            arguments: Arguments::Named(parameters.arguments.clone()),
            read_only: true,
            max_affected: max_affected(&preferences),
        },
        _ => action(incoming, &target, &preferences, &parameters)?,
    };
    let request = Request {
        target,
        action,
        select: parameters.select,
        filters: parameters.filters,
        order: parameters.order,
        limit: window.limit,
        offset: window.offset,
        having: parameters.having,
        distinct: parameters.distinct,
        page: cursors.as_ref().map(|(page, _)| page.clone()),
        count,
        versioned: false,
        limits: options.limits,
    };
    let shape = Shape {
        head: incoming.method == Method::HEAD,
        media,
        explain,
        // A POST cannot be answered with 304 (RFC 9110, 13.1.2), even where it is a read.
        conditions: match is_read && *incoming.method == Method::POST {
            true => Conditions::default(),
            false => conditional::conditions(incoming.headers)?,
        },
        rollback: options.allow_rollback && preferences.transaction == Some(Transaction::Rollback),
        preferences: Preferences {
            transaction: preferences.transaction.filter(|_| options.allow_rollback),
            ..preferences
        },
        name,
        location,
        profile: (options.schemas.len() > 1).then_some(schema),
        cursors: cursors.map(|(_, cursors)| cursors),
    };
    Ok(Call::Data { request: Box::new(request), shape: Box::new(shape) })
}

enum Resource {
    Root,
    Relation(String),
    Function(String),
}

/// `/`, `/relation`, `/rpc/function`; anything deeper is PGRST125.
fn resource(path: &str) -> Result<Resource, ApiError> {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let decode = |segment: &str| {
        percent_decode_str(segment)
            .decode_utf8()
            .ok()
            .filter(|name| !name.contains('\0'))
            .map(|name| name.into_owned())
            .ok_or_else(invalid_path)
    };
    match segments.as_slice() {
        [] => Ok(Resource::Root),
        [relation] => Ok(Resource::Relation(decode(relation)?)),
        ["rpc", function] => Ok(Resource::Function(decode(function)?)),
        _ => Err(invalid_path()),
    }
}

fn invalid_path() -> ApiError {
    ApiError::new(404, "PGRST125", "Invalid path specified in request URL")
}

fn schema(incoming: &Incoming<'_>, options: &Options, is_read: bool) -> Result<String, ApiError> {
    let reads = is_read || *incoming.method == Method::OPTIONS;
    let header = if reads { "accept-profile" } else { "content-profile" };
    let default = || options.schemas.first().cloned().unwrap_or_else(|| "public".to_owned());
    let Some(asked) = incoming.headers.get(header) else { return Ok(default()) };
    let asked = String::from_utf8_lossy(asked.as_bytes());
    if options.schemas.iter().any(|schema| *schema == asked) {
        return Ok(asked.into_owned());
    }
    Err(ApiError::new(406, "PGRST106", format!("Invalid schema: {asked}"))
        .hint(format!("Only the following schemas are exposed: {}", options.schemas.join(", "))))
}

fn root(incoming: &Incoming<'_>, options: &Options, schema: String) -> Result<Call, ApiError> {
    match *incoming.method {
        Method::OPTIONS => Ok(Call::Root { schema, version: DocumentVersion::V3 }),
        Method::GET | Method::HEAD if !options.openapi => {
            Err(ApiError::new(404, "PGRST126", "Root endpoint metadata is disabled"))
        }
        Method::GET | Method::HEAD => {
            Ok(Call::Root { schema, version: media::document_version(incoming.headers)? })
        }
        ref other => Err(unsupported(other)),
    }
}

fn unsupported(method: &Method) -> ApiError {
    ApiError::new(405, "PGRST117", format!("Unsupported HTTP method: {method}"))
}

fn check_method(method: &Method, target: &Target) -> Result<(), ApiError> {
    let known = matches!(
        *method,
        Method::GET
            | Method::HEAD
            | Method::QUERY
            | Method::POST
            | Method::PATCH
            | Method::PUT
            | Method::DELETE
            | Method::OPTIONS
    );
    if !known {
        return Err(unsupported(method));
    }
    let on_function =
        matches!(*method, Method::GET | Method::HEAD | Method::QUERY | Method::POST | Method::OPTIONS);
    if matches!(target, Target::Function { .. }) && !on_function {
        return Err(ApiError::new(405, "PGRST101", format!("Cannot use the {method} method on RPC")));
    }
    Ok(())
}

/// What the query string says.
#[derive(Default)]
struct Parameters {
    select: Vec<SelectItem>,
    filters: Vec<Filter>,
    order: Vec<plinth_query::request::Order>,
    window: Window,
    has_window: bool,
    columns: Option<Vec<String>>,
    /// Related rows in `columns`
    nested: Vec<Nested>,
    on_conflict: Option<Vec<String>>,
    /// `tasks.on_conflict=`: what it is about, and its columns
    nested_conflicts: Vec<(Vec<String>, Vec<String>)>,
    arguments: Vec<(String, String)>,
    having: Vec<Having>,
    distinct: Option<Distinct>,
    after: Option<String>,
    before: Option<String>,
}

/// What the query string is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// Rows of a relation, or of a function whose arguments are in the body
    Read,
    /// Rows of a function: what is no filter is an argument of it
    Called,
    /// Rows that are written
    Written,
}

fn parameters(pairs: &[(String, String)], rows: Rows) -> Result<Parameters, ApiError> {
    let mut found = Parameters::default();
    let select = pairs.iter().find(|(name, _)| name == "select").map(|(_, value)| value.as_str());
    found.select = match select {
        Some(text) => parse::select(text)?,
        None => vec![SelectItem::All],
    };
    for (name, value) in pairs {
        parameter(&mut found, name, value, rows)?;
    }
    for (path, columns) in std::mem::take(&mut found.nested_conflicts) {
        let nested = parse::nested_at(&mut found.nested, &path).ok_or_else(|| {
            ApiError::new(
                400,
                "PGRST108",
                format!("'{}' is not in the columns of this request", path.join(".")),
            )
            .hint("Related rows are inserted with columns=name,tasks(title).")
        })?;
        nested.on_conflict = Some(columns);
    }
    Ok(found)
}

fn parameter(found: &mut Parameters, name: &str, value: &str, rows: Rows) -> Result<(), ApiError> {
    match name {
        "select" => return Ok(()),
        "columns" => {
            let (columns, nested) = parse::columns(value)?;
            found.columns = Some(columns);
            found.nested = nested;
            return Ok(());
        }
        "on_conflict" => {
            found.on_conflict = Some(parse::column_list("on_conflict parameter", value)?);
            return Ok(());
        }
        _ => {}
    }
    let (path, last) = name.rsplit_once('.').map_or((None, name), |(path, last)| (Some(path), last));
    if let (Some(path), "on_conflict") = (path, last)
        && !parse::has_operator(value)
    {
        let (mut names, field) = parse::tree_path(path)?;
        names.push(field.column);
        found.nested_conflicts.push((names, parse::column_list("on_conflict parameter", value)?));
        return Ok(());
    }
    match last {
        "order" => {
            let order = parse::order(value)?;
            place(found, path, Attachment::Order(order), |found, what| {
                if let Attachment::Order(order) = what {
                    found.order = order;
                }
            })
        }
        "limit" => {
            let limit = range::limit(value)?;
            place(found, path, Attachment::Limit(limit), |found, _| {
                found.window.limit = Some(limit);
                found.has_window = true;
            })
        }
        "offset" => {
            let offset = range::offset(value)?;
            place(found, path, Attachment::Offset(offset), |found, _| {
                found.window.offset = offset;
                found.has_window = true;
            })
        }
        "and" | "or" => {
            let (path, negated) = match path {
                Some("not") => (None, true),
                Some(path) => match path.strip_suffix(".not") {
                    Some(path) => (Some(path), true),
                    None => (Some(path), false),
                },
                None => (None, false),
            };
            let filter = parse::logic(negated, last == "and", value)?;
            place(found, path, Attachment::Filter(filter), push_filter)
        }
        "having" | "distinct" | "after" | "before" if rows == Rows::Read && !parse::has_operator(value) => {
            beyond(found, path, last, value)
        }
        _ => condition(found, name, value, rows == Rows::Called),
    }
}

/// The parameters that PostgREST does not have. They have no operator, without which these names could be nothing else to it.
fn beyond(found: &mut Parameters, path: Option<&str>, name: &str, value: &str) -> Result<(), ApiError> {
    match (name, path) {
        ("having", _) => place(found, path, Attachment::Having(parse::having(value)?), |found, what| {
            if let Attachment::Having(having) = what {
                found.having.extend(having);
            }
        }),
        ("distinct", _) => {
            place(found, path, Attachment::Distinct(parse::distinct(value)?), |found, what| {
                if let Attachment::Distinct(distinct) = what {
                    found.distinct = Some(distinct);
                }
            })
        }
        (_, Some(_)) => Err(ApiError::new(400, "PGRST127", "Feature not implemented")
            .details("Related rows have no cursors: limit and offset choose among them.")),
        (_, None) => {
            let cursor = if name == "after" { &mut found.after } else { &mut found.before };
            match cursor.replace(value.to_owned()) {
                None => Ok(()),
                Some(_) => Err(ApiError::new(400, "PGRST100", format!("{name} is given twice"))),
            }
        }
    }
}

fn push_filter(found: &mut Parameters, what: Attachment) {
    if let Attachment::Filter(filter) = what {
        found.filters.push(filter);
    }
}

fn condition(found: &mut Parameters, name: &str, value: &str, is_call: bool) -> Result<(), ApiError> {
    if is_call && !parse::has_operator(value) {
        found.arguments.push((name.to_owned(), value.to_owned()));
        return Ok(());
    }
    let (path, field) = parse::tree_path(name)?;
    let filter = parse::condition(field, value)?;
    if path.is_empty() {
        found.filters.push(filter);
        return Ok(());
    }
    parse::attach(&mut found.select, &path, Attachment::Filter(filter))
}

/// Gives the attachment to the embedded resource at the path, or to the request itself without one.
fn place(
    found: &mut Parameters,
    path: Option<&str>,
    what: Attachment,
    here: impl FnOnce(&mut Parameters, Attachment),
) -> Result<(), ApiError> {
    let Some(path) = path else {
        here(found, what);
        return Ok(());
    };
    let (mut names, last) = parse::tree_path(path)?;
    names.push(last.column);
    parse::attach(&mut found.select, &names, what)
}

/// `max-affected`, which counts under `handling=strict`.
fn max_affected(preferences: &Preferences) -> Option<u64> {
    preferences.max_affected.filter(|_| preferences.handling == Some(Handling::Strict))
}

/// What a request that is no read does.
fn action(
    incoming: &Incoming<'_>,
    target: &Target,
    preferences: &Preferences,
    parameters: &Parameters,
) -> Result<Action, ApiError> {
    if !parameters.nested.is_empty()
        && !matches!((incoming.method, target), (&Method::POST, Target::Relation { .. }))
    {
        return Err(ApiError::new(400, "PLN108", "Related rows can only be inserted with POST into a table")
            .hint("Leave what is in parentheses out of columns."));
    }
    let returning = match preferences.returning {
        Some(Return::Representation) => Returning::Rows,
        Some(Return::HeadersOnly) => Returning::Keys,
        Some(Return::Minimal) | None => Returning::Minimal,
    };
    let max_affected = max_affected(preferences);
    if matches!(target, Target::Function { .. }) {
        let arguments = match (body::arguments(incoming.headers, incoming.body)?, &parameters.columns) {
            (Arguments::Json(json), Some(columns)) => {
                Arguments::JsonColumns { json, columns: columns.clone() }
            }
            (arguments, _) => arguments,
        };
        return Ok(Action::Call { arguments, read_only: false, max_affected });
    }
    // Only an insert has a row of its own to locate.
    let changed = if returning == Returning::Keys { Returning::Minimal } else { returning };
    Ok(match *incoming.method {
        Method::POST => Action::Insert(Insert {
            body: body::rows(incoming.headers, incoming.body)?,
            columns: parameters.columns.clone(),
            missing_default: preferences.missing_default == Some(true),
            conflict: preferences
                .merge
                .map(|merge| Conflict { columns: parameters.on_conflict.clone(), merge }),
            returning,
            put: false,
            nested: parameters.nested.clone(),
        }),
        Method::PUT => {
            if parameters.has_window {
                return Err(ApiError::new(
                    400,
                    "PGRST114",
                    "limit/offset querystring parameters are not allowed for PUT",
                ));
            }
            Action::Insert(Insert {
                body: body::rows(incoming.headers, incoming.body)?,
                columns: parameters.columns.clone(),
                missing_default: preferences.missing_default == Some(true),
                conflict: Some(Conflict { columns: None, merge: true }),
                returning: changed,
                put: true,
                nested: Vec::new(),
            })
        }
        Method::PATCH => Action::Update {
            body: body::rows(incoming.headers, incoming.body)?,
            columns: parameters.columns.clone(),
            returning: changed,
            max_affected,
        },
        Method::DELETE => Action::Delete { returning: changed, max_affected },
        ref other => return Err(unsupported(other)),
    })
}

impl Shape {
    /// Gives a session what the request prefers of it.
    pub fn enter(&self, session: &mut Session) {
        if let Some((_, zone)) = &self.preferences.time_zone {
            session.time_zone = zone.clone();
        }
    }

    /// Whether the answer may be sent in parts while its rows are read: the rows of a read, as an array or as CSV. Of anything else the
    /// whole has to be known first.
    pub fn in_parts(&self, plan: &Plan) -> bool {
        let rows = matches!(self.media, MediaType::Json | MediaType::StrippedArray | MediaType::Csv);
        let whole = self.head || self.rollback || plan.version > 0;
        rows && !whole && matches!(&*plan.action, PlannedAction::Read(_))
    }

    /// Where the engine writes the rows of this plan to. Errors: a media type that the result cannot have (PGRST107).
    pub fn sink(&self, plan: &Plan) -> Result<Box<dyn RowSink>, ApiError> {
        let call = match &*plan.action {
            PlannedAction::Call(call) => Some(call.shape),
            PlannedAction::Read(_)
            | PlannedAction::Insert(_)
            | PlannedAction::InsertTree(_)
            | PlannedAction::Update(_)
            | PlannedAction::Delete(_) => None,
        };
        let json = |shape, strip| Box::new(JsonSink::new(shape, strip)) as Box<dyn RowSink>;
        let sink: Box<dyn RowSink> = match (self.media, call) {
            (MediaType::Csv, _) => Box::new(CsvSink::new()),
            (MediaType::Text | MediaType::Bytes, Some(CallShape::Scalar)) => Box::new(RawSink::default()),
            (MediaType::Text, _) => return Err(unavailable("text/plain")),
            (MediaType::Bytes, _) => return Err(unavailable("application/octet-stream")),
            (_, Some(CallShape::Scalar)) => json(JsonShape::Scalar, false),
            (media, Some(CallShape::Object)) => {
                json(JsonShape::Object, matches!(media, MediaType::Object(true) | MediaType::StrippedArray))
            }
            (MediaType::Object(_), Some(CallShape::Values)) => json(JsonShape::Scalar, false),
            (_, Some(CallShape::Values)) => json(JsonShape::Values, false),
            (MediaType::Object(strip), _) => json(JsonShape::Object, strip),
            (MediaType::StrippedArray, _) => json(JsonShape::Rows, true),
            (MediaType::Json, _) => json(JsonShape::Rows, false),
        };
        Ok(match plan.version {
            0 if self.head => Box::new(HeadSink),
            0 => sink,
            // The tag of a HEAD is that of the GET.
            fields => Box::new(VersionSink::new(sink, fields)),
        })
    }

    /// Completes a request with what its answer's tag needs. What comes back is to be run first, in the same transaction, when the
    /// client has conditions on the row that it writes; [`Shape::allows`] says whether to go on. Errors: conditions on what is no
    /// single row (PLN105).
    pub fn conditional(
        &self,
        catalog: &Catalog,
        request: &mut Request,
    ) -> Result<Option<Box<Request>>, ApiError> {
        conditional::prepare(catalog, request, self)
    }

    /// Where the row that a condition is about is written to.
    pub fn condition_sink(&self, plan: &Plan) -> Box<dyn RowSink> {
        Box::new(VersionSink::new(Box::new(HeadSink), plan.version))
    }

    /// Whether the client's conditions let the row be written that is there now.
    pub fn allows(&self, row: &Outcome) -> bool {
        self.conditions.allow(conditional::version(&row.body))
    }
}

fn unavailable(media_type: &str) -> ApiError {
    ApiError::new(406, "PGRST107", format!("None of these media types are available: {media_type}"))
}
