//! What is asked, in names, independent of the wire dialect. Nothing here is checked against a catalog.

use plinth_values::Value;

/// A request for data.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The relation or function asked for
    pub target: Target,
    /// What to do with it
    pub action: Action,
    /// What to give back (for a write: of the affected rows)
    pub select: Vec<SelectItem>,
    /// Which rows: all conditions must hold
    pub filters: Vec<Filter>,
    /// Order of the rows
    pub order: Vec<Order>,
    /// At most so many rows
    pub limit: Option<u64>,
    /// After skipping so many
    pub offset: u64,
    /// Which groups: all conditions must hold. Any makes the rows grouped
    pub having: Vec<Having>,
    /// Leave out what is there already
    pub distinct: Option<Distinct>,
    /// Where the page begins, when pages are told by a row rather than by a number of rows
    pub page: Option<Page>,
    /// How to count the rows without limit and offset
    pub count: Option<Count>,
    /// Whether each row comes with its version: the columns that the caller may read, in front of what is selected
    pub versioned: bool,
    /// Limits of the configuration that planning enforces
    pub limits: Limits,
}

/// What a request is about.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "names")]
pub enum Target {
    Relation { schema: String, name: String },
    Function { schema: String, name: String },
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Read rows
    Read,
    /// Insert (or upsert) rows
    Insert(Insert),
    /// Change the filtered rows
    Update {
        /// One object with the new values
        body: Body,
        /// `columns=`: only these keys of the body count
        columns: Option<Vec<String>>,
        /// Whether and how affected rows come back
        returning: Returning,
        /// Refuse when more rows than this would be affected
        max_affected: Option<u64>,
    },
    /// Delete the filtered rows
    Delete {
        /// Whether and how affected rows come back
        returning: Returning,
        /// Refuse when more rows than this would be affected
        max_affected: Option<u64>,
    },
    /// Call the function
    Call {
        /// Its arguments
        arguments: Arguments,
        /// Refuse functions that may write (a GET)
        read_only: bool,
        /// Refuse when the result has more rows than this, and functions that give no set
        max_affected: Option<u64>,
    },
}

/// An insert.
#[derive(Clone, Debug, PartialEq)]
pub struct Insert {
    /// The rows
    pub body: Body,
    /// `columns=`: the key set; otherwise the first object's keys, and all others must have the same
    pub columns: Option<Vec<String>>,
    /// Absent keys take the column's default instead of null (with `columns` only; without it absent columns always do)
    pub missing_default: bool,
    /// What to do with rows that are there already
    pub conflict: Option<Conflict>,
    /// Whether and how affected rows come back
    pub returning: Returning,
    /// A single-row upsert (`PUT`): the filters name exactly the primary key, and the row must agree
    pub put: bool,
    /// Related rows inside the rows; `columns` is given then
    pub nested: Vec<Nested>,
}

/// Related rows inside the rows of an insert: `columns=name,tasks(title)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Nested {
    /// The relation, foreign-key column or constraint named
    pub relation: String,
    /// `alias:`, the member of the payload that holds them; without one it is what `relation` says
    pub alias: Option<String>,
    /// `!hint`
    pub hint: Option<String>,
    /// The key set of the related rows
    pub columns: Vec<String>,
    /// Rows related to them
    pub nested: Vec<Nested>,
    /// `tasks.on_conflict=`: the columns of the unique constraint; `None`: the primary key
    pub on_conflict: Option<Vec<String>>,
}

/// `resolution=…`, `on_conflict=…`.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// The columns of the unique constraint; `None`: the primary key
    pub columns: Option<Vec<String>>,
    /// Update the row that is there (otherwise leave it)
    pub merge: bool,
}

/// What comes back from a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returning {
    /// Nothing
    Minimal,
    /// The primary key of an inserted row, for the `Location` header
    Keys,
    /// The selected columns of the affected rows
    Rows,
}

/// The payload of a write, as the client sent it.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// JSON text: an object or an array of objects
    Json(String),
    /// Rows of text fields under a header (CSV, forms); `None` is null
    Fields {
        /// The header
        columns: Vec<String>,
        /// The rows, as wide as the header
        rows: Vec<Vec<Option<String>>>,
    },
}

/// The arguments of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Arguments {
    /// A JSON object with the arguments by name; of an array of them, the first
    Json(String),
    /// The same, of which only these members are arguments: null where the object has none
    JsonColumns {
        /// The JSON
        json: String,
        /// The arguments' names
        columns: Vec<String>,
    },
    /// Names with text values (a query string); a repeated name is a variadic argument
    Named(Vec<(String, String)>),
    /// The raw body for a function with a single unnamed parameter, with its media type
    Raw {
        /// `text/plain`, `application/octet-stream`, …
        media_type: String,
        /// The bytes
        body: Vec<u8>,
    },
}

/// An item of `select`.
#[derive(Clone, Debug, PartialEq)]
pub enum SelectItem {
    /// `*`
    All,
    /// `[alias:]column[->path][.aggregate()][::cast]`
    Field {
        /// The column and path; `None` for a bare `count()`
        field: Option<FieldPath>,
        /// `alias:`
        alias: Option<String>,
        /// `::type`, applied before the aggregate
        cast: Option<String>,
        /// `.sum()`
        aggregate: Option<Aggregate>,
        /// `::type` after the aggregate
        aggregate_cast: Option<String>,
    },
    /// `[alias:]relation[!hint][!inner](items)`
    Embed(Embed),
    /// `...relation[!hint][!inner](items)`
    Spread(Embed),
}

/// A related resource in `select`, with what the request says about it elsewhere (`relation.order=…`).
#[derive(Clone, Debug, PartialEq)]
pub struct Embed {
    /// The relation, foreign-key column or constraint named
    pub relation: String,
    /// `alias:`
    pub alias: Option<String>,
    /// `!hint`
    pub hint: Option<String>,
    /// `!inner` (`Some(true)`), `!left` (`Some(false)`)
    pub inner: Option<bool>,
    /// What to give of it
    pub select: Vec<SelectItem>,
    /// `relation.column=op.value`
    pub filters: Vec<Filter>,
    /// `relation.order=`
    pub order: Vec<Order>,
    /// `relation.limit=`
    pub limit: Option<u64>,
    /// `relation.offset=`
    pub offset: u64,
    /// `relation.having=`
    pub having: Vec<Having>,
    /// `relation.distinct=`
    pub distinct: Option<Distinct>,
}

/// A column with an optional path into its JSON (or composite) value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldPath {
    /// The column
    pub column: String,
    /// The steps
    pub path: Vec<PathStep>,
}

/// A step of a JSON path: `->key`, `->>key`, `->0`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PathStep {
    /// Key or index
    pub operand: PathOperand,
    /// `->>`: as text (only the last step)
    pub as_text: bool,
}

/// What a JSON path step looks up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PathOperand {
    /// A member
    Key(String),
    /// An element; negative counts from the end
    Index(i32),
}

/// Aggregates over rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "SQL's words")]
pub enum Aggregate {
    Count,
    Sum,
    Avg,
    Min,
    Max,
}

/// A condition on rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// `and(…)`, `or(…)`
    Logic {
        /// `not.`
        negated: bool,
        /// All (`and`) or any (`or`)
        all: bool,
        /// The conditions
        filters: Vec<Filter>,
    },
    /// `field.[not.]op.value`
    Condition {
        /// `not.`
        negated: bool,
        /// The field; a name without path may also be an embedded resource (`clients=not.is.null`)
        field: FieldPath,
        /// The comparison
        op: Operation,
    },
}

/// A condition on groups.
#[derive(Clone, Debug, PartialEq)]
pub enum Having {
    /// `and(…)`, `or(…)`
    Logic {
        /// `not.`
        negated: bool,
        /// All (`and`) or any (`or`)
        all: bool,
        /// The conditions
        conditions: Vec<Having>,
    },
    /// `value.[not.]op.value`
    Condition {
        /// `not.`
        negated: bool,
        /// What of the group is compared
        value: GroupValue,
        /// The comparison
        op: Operation,
    },
}

/// A value of a group.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupValue {
    /// The selected value of this name, or a field that the rows are grouped by
    Selected(FieldPath),
    /// `[column[->path][::cast]].aggregate()[::cast]`, selected or not
    Aggregate {
        /// The column and path; `None` for a bare `count()`
        field: Option<FieldPath>,
        /// `::type`, applied before the aggregate
        cast: Option<String>,
        /// The aggregate
        aggregate: Aggregate,
        /// `::type` after the aggregate
        aggregate_cast: Option<String>,
    },
}

/// `distinct=`
#[derive(Clone, Debug, PartialEq)]
pub enum Distinct {
    /// `*`: of rows that agree in all that is selected, one
    Rows,
    /// `a,b`: of rows that agree in these fields, the first one in the order
    On(Vec<FieldPath>),
}

/// A page told by a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The rows before the position (the last ones, without one), instead of those after it
    pub backwards: bool,
    /// The row that the page begins at, which is not part of it; `None`: the end that the direction starts from
    pub from: Option<Position>,
}

/// A place in an order, as [`crate::plan::Keyset::shape`] and the values of the row's keys, in storage form.
#[derive(Clone, Debug, PartialEq)]
pub struct Position {
    /// What the place was told for
    pub shape: [u8; 16],
    /// A value for each key of the complete order
    pub values: Vec<Value>,
}

/// A comparison with the client's text, which is read by the field's type when planned.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// `eq neq gt gte lt lte like ilike match imatch`, with `(any)`/`(all)` over `{…}`
    Compare {
        /// The operator
        op: Comparison,
        /// `(any)`, `(all)`: then the value is an array literal
        quantifier: Option<Quantifier>,
        /// The value; `*` in patterns is already `%`
        value: String,
    },
    /// `isdistinct.value`
    IsDistinct(String),
    /// `in.(…)`
    In(Vec<String>),
    /// `is.null`, …
    Is(Is),
    /// `cs cd ov sl sr nxr nxl adj`
    Containment {
        /// The operator
        op: Containment,
        /// The value
        value: String,
    },
    /// `fts plfts phfts wfts`
    TextSearch {
        /// The query's grammar
        op: TextSearch,
        /// `(english)`
        language: Option<String>,
        /// The value
        value: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the dialect's words")]
pub enum Comparison {
    Eq,
    Neq,
    Gt,
    Gte,
    Lt,
    Lte,
    Like,
    Ilike,
    Match,
    Imatch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the dialect's words")]
pub enum Quantifier {
    Any,
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the dialect's words")]
pub enum Is {
    Null,
    NotNull,
    True,
    False,
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "PostgreSQL's operators")]
pub enum Containment {
    /// `@>`
    Contains,
    /// `<@`
    Contained,
    /// `&&`
    Overlaps,
    /// `<<`
    StrictlyLeft,
    /// `>>`
    StrictlyRight,
    /// `&<`
    NotRightOf,
    /// `&>`
    NotLeftOf,
    /// `-|-`
    Adjacent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "to_tsquery, plainto_, phraseto_, websearch_to_tsquery")]
pub enum TextSearch {
    Query,
    Plain,
    Phrase,
    Web,
}

/// A key of an order.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// A to-one embedded resource whose column it is: `order=rel(col)`
    pub relation: Option<String>,
    /// The field
    pub field: FieldPath,
    /// `desc`
    pub descending: bool,
    /// `nullsfirst`/`nullslast`; `None`: PostgreSQL's default
    pub nulls_first: Option<bool>,
}

/// How to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the dialect's words")]
pub enum Count {
    Exact,
    Planned,
    Estimated,
}

/// Limits that planning enforces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rows of one read, whatever the client asks for
    pub max_rows: Option<u64>,
    /// Nesting of embeds
    pub max_embed_depth: usize,
    /// Values selected of a row, and keys of an order
    pub max_select: usize,
    /// Conditions in one request
    pub max_filters: usize,
    /// Values in one `in` list
    pub max_in_list: usize,
    /// Length of one full-text query, in bytes
    pub max_search_bytes: usize,
    /// Rows in one payload
    pub max_payload_rows: usize,
    /// Whether aggregates are allowed
    pub aggregates: bool,
    /// A relation that the caller has no privilege on is answered as if it did not exist (otherwise: 42501)
    pub hide_ungranted: bool,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_rows: Some(1000),
            max_embed_depth: 8,
            max_select: 1600,
            max_filters: 200,
            max_in_list: 10_000,
            max_search_bytes: 10_000,
            max_payload_rows: 100_000,
            aggregates: false,
            hide_ungranted: true,
        }
    }
}
