//! Refusals and failures in the dialect's own shape: one table from each to code, status, message, details and hint
//! (PostgREST's reference, "Errors").

use std::borrow::Cow;

use plinth_engine::EngineError;
use plinth_query::Refusal;
use serde_json::{Value, json};

use crate::overrides;

/// Characters of a message, of details or of a hint: a refusal may quote the request, but does not send all of it back.
const MAX_TEXT_CHARS: usize = 1_000;

/// What a client gets when a request is not answered.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiError {
    /// HTTP status
    pub status: u16,
    /// `PGRST…` or an SQLSTATE
    pub code: String,
    /// What is wrong
    pub message: String,
    /// More on it; a list of candidates for PGRST201
    pub details: Option<Value>,
    /// What to do
    pub hint: Option<String>,
    /// `WWW-Authenticate`, for 401
    pub authenticate: Option<String>,
    /// The position in a batch of the request that it is about
    pub entry: Option<usize>,
    /// Seconds after which to try again, for 503
    pub retry_after_seconds: Option<u32>,
    /// Further headers, from SQL
    pub headers: Vec<(http::HeaderName, http::HeaderValue)>,
}

impl ApiError {
    /// An error without details and hint.
    pub fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> ApiError {
        ApiError {
            status,
            code: code.into(),
            message: message.into(),
            details: None,
            hint: None,
            authenticate: None,
            entry: None,
            retry_after_seconds: None,
            headers: Vec::new(),
        }
    }

    /// The same with details.
    pub fn details(self, details: impl Into<Value>) -> ApiError {
        ApiError { details: Some(details.into()), ..self }
    }

    /// The same with a hint.
    pub fn hint(self, hint: impl Into<String>) -> ApiError {
        ApiError { hint: Some(hint.into()), ..self }
    }

    /// The same, about the request at this position of a batch.
    pub fn of_entry(self, at: usize) -> ApiError {
        ApiError { entry: Some(at), ..self }
    }

    /// The body: always these four members, and the position in a batch where there is one.
    pub fn body(&self) -> Vec<u8> {
        let details = match &self.details {
            Some(Value::String(text)) => Some(Value::from(shortened(text))),
            other => other.clone(),
        };
        let mut body = json!({
            "code": self.code,
            "details": details,
            "hint": self.hint.as_deref().map(shortened),
            "message": shortened(&self.message),
        });
        if let (Some(entry), Some(members)) = (self.entry, body.as_object_mut()) {
            members.insert("entry".into(), entry.into());
        }
        body.to_string().into_bytes()
    }

    /// PGRST100: a query parameter that does not follow the grammar. `at` is the offset in characters.
    pub(crate) fn syntax(what: &str, text: &str, at: usize, details: String) -> ApiError {
        ApiError::new(
            400,
            "PGRST100",
            format!("\"failed to parse {what} ({text})\" (line 1, column {})", at + 1),
        )
        .details(details)
    }

    /// PGRST102: a body that cannot be used.
    pub(crate) fn invalid_body(message: impl Into<String>) -> ApiError {
        ApiError::new(400, "PGRST102", message)
    }

    /// A limit of the configuration.
    pub(crate) fn limit(status: u16, message: impl Into<String>, hint: &str) -> ApiError {
        ApiError::new(status, "54000", message).hint(hint)
    }

    /// A refusal of planning; `anonymous` decides between 401 and 403 for missing rights.
    pub fn from_refusal(refusal: Refusal, anonymous: bool) -> ApiError {
        match refusal {
            Refusal::NoSuchRelation { schema, name, suggestion } => ApiError {
                hint: suggestion.map(|s| format!("Perhaps you meant the table '{schema}.{s}'")),
                ..ApiError::new(
                    404,
                    "PGRST205",
                    format!("Could not find the table '{schema}.{name}' in the schema cache"),
                )
            },
            Refusal::NoSuchFunction { schema, name, arguments, suggestion, single_unnamed } => {
                no_such_function(&schema, &name, &arguments, suggestion, single_unnamed)
            }
            Refusal::AmbiguousFunction { candidates } => ApiError::new(
                300,
                "PGRST203",
                format!("Could not choose the best candidate function between: {}", candidates.join(", ")),
            )
            .hint(
                "Try renaming the parameters or the function itself in the database so function overloading can be resolved",
            ),
            Refusal::NoSuchColumn { relation, column } => {
                let name = if relation.is_empty() { column } else { format!("{relation}.{column}") };
                ApiError::new(400, "42703", format!("column {name} does not exist"))
            }
            Refusal::NoSuchPayloadColumn { relation, column } => ApiError::new(
                400,
                "PGRST204",
                format!("Could not find the '{column}' column of '{relation}' in the schema cache"),
            ),
            Refusal::NoRelationship { schema, from, to, hint, suggestion } => {
                no_relationship(&schema, &from, &to, hint, suggestion)
            }
            Refusal::AmbiguousRelationship { from, to, candidates } => {
                ambiguous_relationship(&from, &to, &candidates)
            }
            Refusal::MaxAffectedOfSingle => ApiError::new(400, "PGRST128", "Function must return SETOF or TABLE when max-affected preference is used with handling=strict"),
            Refusal::NotEmbedded { name } => ApiError::new(
                400,
                "PGRST108",
                format!("'{name}' is not an embedded resource in this request"),
            )
            .hint(format!("Verify that '{name}' is included in the 'select' query parameter.")),
            Refusal::OrderByToMany { from, name } => ApiError::new(
                400,
                "PGRST118",
                format!("A related order on '{name}' is not possible"),
            )
            .details(format!("'{from}' and '{name}' do not form a many-to-one or one-to-one relationship")),
            Refusal::BadEmbedFilter { name } => ApiError::new(
                400,
                "PGRST120",
                format!("Bad operator on the '{name}' embedded resource"),
            )
            .details("Only is null or not is null filters are allowed on embedded resources"),
            Refusal::AggregatesDisabled => {
                ApiError::new(400, "PGRST123", "Use of aggregate functions is not allowed")
            }
            Refusal::NotImplemented { detail } => {
                ApiError::new(400, "PGRST127", "Feature not implemented").details(detail)
            }
            Refusal::PermissionDenied { kind, name } => {
                let error = ApiError::new(
                    if anonymous { 401 } else { 403 },
                    "42501",
                    format!("permission denied for {kind} {name}"),
                );
                if anonymous { ApiError { authenticate: Some("Bearer".into()), ..error } } else { error }
            }
            Refusal::BadPayload { message } => ApiError::invalid_body(message),
            Refusal::BadPutFilters => ApiError::new(
                405,
                "PGRST105",
                "Filters must include all and only primary key columns with 'eq' operators",
            ),
            Refusal::PutKeyMismatch => {
                ApiError::new(400, "PGRST115", "Payload values do not match URL in primary key column(s)")
            }
            Refusal::ReadOnly { function } => ApiError::new(
                405,
                "25006",
                format!("cannot execute the volatile function {function} in a read-only transaction"),
            )
            .hint("Call it with POST, or declare it stable or immutable if it does not write."),
            Refusal::Sql { code, message, detail, hint } => {
                sql(code, message, detail, hint, anonymous)
            }
            Refusal::Limit { message, hint } => ApiError::limit(400, message, &hint),
        }
    }

    /// A failure of the engine; `anonymous` as for refusals.
    pub fn from_engine(error: EngineError, anonymous: bool) -> ApiError {
        match error {
            EngineError::Sql { code, message, detail, .. } if code == "PGRST" => {
                overrides::raised(&message, detail.as_deref())
            }
            EngineError::NoCatalog => ApiError {
                retry_after_seconds: Some(1),
                ..ApiError::new(
                    503,
                    "PGRST002",
                    "Could not query the database for the schema cache. Retrying.",
                )
            },
            EngineError::Sql { code, message, detail, hint } => sql(&code, message, detail, hint, anonymous),
            EngineError::NotSingular { rows } => {
                ApiError::new(406, "PGRST116", "Cannot coerce the result to a single JSON object")
                    .details(format!("The result contains {rows} rows"))
            }
            EngineError::MaxAffected { rows } => {
                ApiError::new(400, "PGRST124", "Query result exceeds max-affected preference constraint")
                    .details(format!("The query affects {rows} rows"))
            }
            EngineError::ResponseTooLarge { limit } => ApiError::limit(
                400,
                format!("the response is larger than {limit} bytes"),
                "Ask for fewer rows or columns, with limit, offset and select.",
            ),
            EngineError::Timeout => {
                ApiError::new(500, "57014", "canceling statement due to statement timeout")
            }
            EngineError::KeyReused => {
                ApiError::new(422, "PLN101", "The Idempotency-Key was used for a different request")
                    .hint("Use a new key for a new request; send a retry exactly as it was sent first.")
            }
            EngineError::TooManyKeys { limit } => ApiError::limit(
                429,
                format!("more than {limit} are remembered for this caller's idempotency keys"),
                "Keys are forgotten after a time; until then, send fewer requests with one.",
            ),
            EngineError::AnswerTooLarge { limit } => ApiError::limit(
                400,
                format!(
                    "the answer is larger than the {limit} bytes that are remembered for an Idempotency-Key"
                ),
                "Ask for less of it with select, or for none with Prefer: return=minimal.",
            ),
            EngineError::Busy => ApiError {
                retry_after_seconds: Some(1),
                ..ApiError::new(503, "53300", "too many requests are waiting for the database")
                    .hint("Try again in a moment.")
            },
            EngineError::PoolTimeout => ApiError {
                retry_after_seconds: Some(1),
                ..ApiError::new(504, "PGRST003", "Timed out acquiring connection from connection pool.")
            },
            EngineError::Unreachable { reason } => ApiError {
                retry_after_seconds: Some(1),
                ..ApiError::new(503, "PGRST000", "Database connection error. Retrying the connection.")
                    .details(reason)
            },
            EngineError::Unavailable { reason } => ApiError {
                retry_after_seconds: Some(1),
                ..ApiError::new(503, "PGRST001", "the database cannot serve this request now").details(reason)
            },
            EngineError::Internal { detail: _ } => ApiError::new(
                500,
                "XX000",
                "internal error; the server's log says more under this request's id",
            ),
        }
    }
}

/// The text, without its middle where it is too long.
fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_TEXT_CHARS || text.chars().count() <= MAX_TEXT_CHARS {
        return text.into();
    }
    // The end says what is wrong as often as the beginning does.
    let half = MAX_TEXT_CHARS / 2;
    let head: String = text.chars().take(half).collect();
    let tail: Vec<char> = text.chars().rev().take(half).collect();
    format!("{head} … {}", tail.iter().rev().collect::<String>()).into()
}

fn no_such_function(
    schema: &str,
    name: &str,
    arguments: &[String],
    suggestion: Option<String>,
    single_unnamed: Option<String>,
) -> ApiError {
    // A body that is not JSON names no parameters.
    if let Some(kind) = single_unnamed.as_deref().filter(|kind| *kind != "json/jsonb") {
        let message = format!("Could not find the function {schema}.{name} in the schema cache");
        return ApiError::new(404, "PGRST202", message).details(format!(
            "Searched for the function {schema}.{name} with a single unnamed {kind} parameter, but no matches were found in the schema cache."
        ));
    }
    let called = if arguments.is_empty() {
        format!("{schema}.{name} without parameters")
    } else {
        format!("{schema}.{name}({})", arguments.join(", "))
    };
    let searched = if arguments.is_empty() {
        format!("{schema}.{name} without parameters")
    } else {
        let plural = if arguments.len() == 1 { "parameter" } else { "parameters" };
        format!("{schema}.{name} with {plural} {}", arguments.join(", "))
    };
    let also = match single_unnamed {
        Some(kind) => format!(" or with a single unnamed {kind} parameter"),
        None => String::new(),
    };
    ApiError {
        hint: suggestion.map(|s| format!("Perhaps you meant to call the function {s}")),
        ..ApiError::new(404, "PGRST202", format!("Could not find the function {called} in the schema cache"))
            .details(format!(
                "Searched for the function {searched}{also}, but no matches were found in the schema cache."
            ))
    }
}

fn no_relationship(
    schema: &str,
    from: &str,
    to: &str,
    hint: Option<String>,
    suggestion: Option<String>,
) -> ApiError {
    let by_hint = match &hint {
        Some(hint) => format!(" using the hint '{hint}'"),
        None => String::new(),
    };
    ApiError {
        hint: suggestion.map(|s| format!("Perhaps you meant '{s}' instead of '{to}'.")),
        ..ApiError::new(
            400,
            "PGRST200",
            format!("Could not find a relationship between '{from}' and '{to}' in the schema cache"),
        )
        .details(format!(
            "Searched for a foreign key relationship between '{from}' and '{to}'{by_hint} in the schema '{schema}', but no matches were found."
        ))
    }
}

fn ambiguous_relationship(
    from: &str,
    to: &str,
    candidates: &[plinth_query::refusal::RelationshipCandidate],
) -> ApiError {
    let choices: Vec<String> = candidates.iter().map(|c| format!("'{}'", c.hint)).collect();
    let details: Vec<Value> = candidates
        .iter()
        .map(|c| {
            json!({ "cardinality": c.cardinality, "embedding": c.embedding, "relationship": c.relationship })
        })
        .collect();
    ApiError::new(
        300,
        "PGRST201",
        format!(
            "Could not embed because more than one relationship was found for '{from}' and '{to}'"
        ),
    )
    .details(details)
    .hint(format!(
        "Try changing '{to}' to one of the following: {}. Find the desired relationship in the 'details' key.",
        choices.join(", ")
    ))
}

fn sql(
    code: &str,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
    anonymous: bool,
) -> ApiError {
    let status = sqlstate_status(code, &message, anonymous);
    ApiError {
        details: detail.map(Value::from),
        hint,
        authenticate: (status == 401).then(|| "Bearer".to_owned()),
        ..ApiError::new(status, code, message)
    }
}

/// SQLSTATE to HTTP status (PostgREST's reference, "Errors": "HTTP Status Codes").
fn sqlstate_status(code: &str, message: &str, anonymous: bool) -> u16 {
    let class = code.get(..2).unwrap_or("");
    match (class, code) {
        ("08", _) => 503,
        ("09", _) => 500,
        ("0L" | "0P", _) => 403,
        (_, "23503" | "23505") => 409,
        (_, "25006") => 405,
        (_, "21000") if message.ends_with("requires a WHERE clause") => 400,
        (_, "21000") => 500,
        (_, "22023") if message.starts_with("role \"") && message.ends_with("\" does not exist") => 401,
        ("25" | "2D" | "38" | "39" | "3B" | "40", _) => 500,
        ("28", _) => 403,
        (_, "53400") => 500,
        ("53", _) => 503,
        // A value nested too deeply is the client's doing.
        (_, "54001") => 400,
        ("54" | "55", _) => 500,
        (_, "57P01") => 503,
        ("57", _) => 500,
        ("58" | "F0" | "HV" | "XX", _) => 500,
        (_, "P0001") => 400,
        ("P0", _) => 500,
        (_, "42883") if message.starts_with("function xmlagg(") => 406,
        (_, "42883" | "42P01") => 404,
        (_, "42P17") => 500,
        (_, "42501") if anonymous => 401,
        (_, "42501") => 403,
        ("PT", _) => code
            .get(2..)
            .and_then(|status| status.parse::<u16>().ok())
            .filter(|status| (200..600).contains(status))
            .unwrap_or(500),
        _ => 400,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_follow_the_table() {
        for (code, message, anonymous, status) in [
            ("23505", "", false, 409),
            ("23503", "", false, 409),
            ("23514", "", false, 400),
            ("22P02", "", true, 400),
            ("42501", "", true, 401),
            ("42501", "", false, 403),
            ("42P17", "", false, 500),
            ("22023", "role \"x\" does not exist", false, 401),
            ("22023", "invalid value", false, 400),
            ("PT418", "", false, 418),
            ("PTabc", "", false, 500),
            ("P0001", "", false, 400),
            ("57014", "", false, 500),
            ("é", "", false, 400),
        ] {
            assert_eq!(sqlstate_status(code, message, anonymous), status, "{code} {message}");
        }
    }

    #[test]
    fn a_refusal_does_not_send_the_request_back() {
        let all = |text: &str| ApiError::new(400, "22P02", text).details(text).hint(text).body();
        let short = "é".repeat(MAX_TEXT_CHARS);
        let body: Value = serde_json::from_slice(&all(&short)).unwrap();
        assert_eq!(body["message"], short);
        let long = format!("begin {}\" end", "é".repeat(100_000));
        let body: Value = serde_json::from_slice(&all(&long)).unwrap();
        for member in ["message", "details", "hint"] {
            let text = body[member].as_str().unwrap();
            assert!(text.starts_with("begin é") && text.ends_with("é\" end"), "{member}");
            assert!(text.chars().count() <= MAX_TEXT_CHARS + 3);
        }
    }

    #[test]
    fn internal_errors_tell_nothing() {
        let error = ApiError::from_engine(EngineError::Internal { detail: "secret path".into() }, false);
        assert!(!String::from_utf8(error.body()).unwrap().contains("secret"));
    }
}
