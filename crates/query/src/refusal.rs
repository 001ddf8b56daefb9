//! Why a request is not planned. A dialect maps each to its own code and status, in one table.

/// A refusal, with what its message needs.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the message says it")]
pub enum Refusal {
    /// PGRST205
    #[error("could not find the table '{schema}.{name}'")]
    NoSuchRelation { schema: String, name: String, suggestion: Option<String> },
    /// PGRST202
    #[error("could not find the function {schema}.{name}")]
    NoSuchFunction {
        schema: String,
        name: String,
        arguments: Vec<String>,
        suggestion: Option<String>,
        single_unnamed: Option<String>,
    },
    /// PGRST203
    #[error("could not choose the best candidate function")]
    AmbiguousFunction { candidates: Vec<String> },
    /// 42703 in a filter, select or order
    #[error("column {relation}.{column} does not exist")]
    NoSuchColumn { relation: String, column: String },
    /// PGRST204 in a payload, `columns` or `on_conflict`
    #[error("could not find the '{column}' column of '{relation}'")]
    NoSuchPayloadColumn { relation: String, column: String },
    /// PGRST200
    #[error("no relationship between '{from}' and '{to}'")]
    NoRelationship {
        schema: String,
        from: String,
        to: String,
        hint: Option<String>,
        suggestion: Option<String>,
    },
    /// PGRST201
    #[error("more than one relationship between '{from}' and '{to}'")]
    AmbiguousRelationship { from: String, to: String, candidates: Vec<RelationshipCandidate> },
    /// PGRST108
    #[error("'{name}' is not an embedded resource in this request")]
    NotEmbedded { name: String },
    /// PGRST118
    #[error("a related order on '{name}' is not possible")]
    OrderByToMany { from: String, name: String },
    /// PGRST120
    #[error("only is null and not.is.null filters are allowed on embedded resources")]
    BadEmbedFilter { name: String },
    /// PGRST123
    #[error("use of aggregate functions is not allowed")]
    AggregatesDisabled,
    /// PGRST127
    #[error("feature not implemented")]
    NotImplemented { detail: String },
    /// 42501 (401 for anonymous callers, 403 otherwise)
    #[error("permission denied for {kind} {name}")]
    PermissionDenied { kind: &'static str, name: String },
    /// PGRST102
    #[error("{message}")]
    BadPayload { message: String },
    /// PGRST105: a PUT whose filters are not exactly the primary key
    #[error("filters must include all and only primary key columns with 'eq' operators")]
    BadPutFilters,
    /// PGRST115
    #[error("payload values do not match URL in primary key column(s)")]
    PutKeyMismatch,
    /// A GET on a function that may write: 405, 25006
    #[error("cannot execute a volatile function in a read-only transaction")]
    ReadOnly { function: String },
    /// PGRST128: a limit to the rows of a function that gives no set
    #[error("Function must return SETOF or TABLE when max-affected preference is used with handling=strict")]
    MaxAffectedOfSingle,
    /// Any SQLSTATE that PostgreSQL would give at this place
    #[error("{message}")]
    Sql { code: &'static str, message: String, detail: Option<String>, hint: Option<String> },
    /// A limit of the configuration: 400, 54000
    #[error("{message}")]
    Limit { message: String, hint: String },
}

/// One of several relationships, as PostgREST describes them in an error's details.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelationshipCandidate {
    /// `projects with clients`
    pub embedding: String,
    /// `many-to-one`
    pub cardinality: &'static str,
    /// `projects_client_id_fkey using projects(client_id) and clients(id)`
    pub relationship: String,
    /// What to write to choose it: `clients!projects_client_id_fkey`
    pub hint: String,
}

impl From<plinth_values::ValueError> for Refusal {
    fn from(error: plinth_values::ValueError) -> Refusal {
        Refusal::Sql { code: error.code, message: error.message, detail: error.detail, hint: None }
    }
}
