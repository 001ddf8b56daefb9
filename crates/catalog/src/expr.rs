//! Expressions and queries, resolved and typed: what policies, checks, defaults, generated columns, views and functions are made
//! of, what planning weaves together, and what an engine compiles.
//!
//! Every name is resolved: a column is a position in a source, a function is an entry of the built-in table or of the catalog.
//! Every implicit cast is written out. So an engine compiles an expression without looking anything up or deciding anything.

mod display;
mod native;

use std::sync::atomic::{AtomicU32, Ordering};

use plinth_values::builtin::Builtin;
use plinth_values::{Modifier, Type, Value};

use crate::model::{FunctionId, RelationId};

pub use display::{SourceNames, display, display_query, display_row, display_statement};
pub use native::Native;

/// An expression with its type.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is
    pub kind: ExprKind,
    /// The type of its value
    pub ty: Type,
}

/// The forms of expressions. The members of each form are explained with it.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "explained with each form")]
pub enum ExprKind {
    /// A constant of the schema, in storage form
    Literal(Value),
    /// A column of a source in scope (of this query, or of one around it)
    Column {
        /// The source
        source: SourceId,
        /// The position among the source's columns
        column: usize,
    },
    /// An argument of the SQL function whose body this is, by position: one for each parameter, except that a parameter of a
    /// relation's row type has one for each of the relation's columns
    Argument(usize),
    /// A value of the request, by position in the plan's values
    Bind(usize),
    /// Something the caller brings along
    Setting(Setting),
    /// True when all are (SQL's three-valued logic)
    And(Vec<Expr>),
    /// True when any is
    Or(Vec<Expr>),
    /// The opposite
    Not(Box<Expr>),
    /// A comparison of two values of one type
    Compare(CompareOp, Box<Expr>, Box<Expr>),
    /// `is distinct from`, or `is not distinct from` when negated
    IsDistinct { left: Box<Expr>, right: Box<Expr>, negated: bool },
    /// `is null`, `is not null`
    IsNull { expr: Box<Expr>, negated: bool },
    /// `is true`, `is not false`, `is unknown` (`None`), …
    IsBool { expr: Box<Expr>, value: Option<bool>, negated: bool },
    /// A built-in function or operator; the arguments have the types it was resolved with
    Call { builtin: &'static Builtin, args: Vec<Expr> },
    /// A function of the catalog, used as a value. Its arguments are counted as [`ExprKind::Argument`] says
    UserCall { function: FunctionId, args: Vec<Expr> },
    /// `case when … then … else … end`
    Case { whens: Vec<(Expr, Expr)>, otherwise: Option<Box<Expr>> },
    /// The first that is not null
    Coalesce(Vec<Expr>),
    /// `nullif(a, b)`
    NullIf(Box<Expr>, Box<Expr>),
    /// `greatest(…)`; nulls are passed over
    Greatest(Vec<Expr>),
    /// `least(…)`; nulls are passed over
    Least(Vec<Expr>),
    /// A cast to this expression's type
    Cast { expr: Box<Expr>, modifier: Modifier, explicit: bool },
    /// `in (a, b, …)`, all of one type
    InList { expr: Box<Expr>, list: Vec<Expr>, negated: bool },
    /// `in (select …)`: as many expressions as the query has columns
    InQuery { exprs: Vec<Expr>, query: Box<Query>, negated: bool },
    /// `exists (select …)`
    Exists { query: Box<Query>, negated: bool },
    /// `(select …)` as a value
    Scalar(Box<Query>),
    /// `left op any (array)`, `left op all (array)`
    Quantified { op: Quantifiable, all: bool, left: Box<Expr>, array: Box<Expr> },
    /// `left op any (select …)`, `left op all (select …)`
    QuantifiedQuery { op: CompareOp, all: bool, left: Box<Expr>, query: Box<Query> },
    /// `array[…]`
    Array(Vec<Expr>),
    /// `array(select …)`
    ArrayQuery(Box<Query>),
    /// `array[i]`, one-based; null outside
    Index { array: Box<Expr>, index: Box<Expr> },
    /// An aggregate over the query's groups
    Aggregate {
        /// Which
        builtin: &'static Builtin,
        /// Its arguments; empty for `count(*)`
        args: Vec<Expr>,
        /// `distinct`
        distinct: bool,
        /// `order by` inside the call
        order: Vec<OrderBy>,
        /// `filter (where …)`
        filter: Option<Box<Expr>>,
    },
    /// An aggregate or window function over a window
    Window {
        /// Which
        builtin: &'static Builtin,
        /// Its arguments; empty for `count(*)`
        args: Vec<Expr>,
        /// `filter (where …)`
        filter: Option<Box<Expr>>,
        /// `over (…)`
        over: Box<Over>,
    },
    /// Something that only PostgreSQL evaluates
    Native(Box<Native>),
}

/// What the right side of `any`/`all` over an array is compared with.
#[derive(Clone, Debug)]
pub enum Quantifiable {
    /// A comparison
    Compare(CompareOp),
    /// Another boolean operator, such as `~~`
    Operator(&'static Builtin),
    /// An operator that the database resolves, as in [`Native::Operator`]
    Native(&'static str),
}

/// `= <> < <= > >=`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the operators")]
pub enum CompareOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// What a caller brings to every expression. An engine binds them like values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Setting {
    /// `auth.uid()`: the claim `sub` as uuid; null without one
    Uid,
    /// `auth.role()`, `current_user`: the role's name, text
    Role,
    /// `auth.jwt()`: the claims as jsonb
    Jwt,
    /// `current_setting('request.jwt.claims', true)`: the claims as text
    Claims,
    /// `current_setting('request.method', true)`
    Method,
    /// `current_setting('request.path', true)`
    Path,
    /// `current_setting('request.headers', true)`: a JSON object as text
    Headers,
    /// `current_setting('request.cookies', true)`: a JSON object as text
    Cookies,
}

/// A source of rows in a query, unique within everything that can be woven together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub u32);

impl SourceId {
    /// The row of the table that a check, default, policy, generated column or index belongs to.
    pub const ROW: SourceId = SourceId(0);
    /// The proposed row in `on conflict do update`.
    pub const EXCLUDED: SourceId = SourceId(1);

    /// A source that no other expression of this process uses.
    pub fn fresh() -> SourceId {
        static NEXT: AtomicU32 = AtomicU32::new(16);
        SourceId(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A query: `with … body order by … limit … offset …`.
#[derive(Clone, Debug)]
pub struct Query {
    /// Common table expressions, in order
    pub with: Vec<Cte>,
    /// What gives the rows
    pub body: QueryBody,
    /// Order of the rows. Over a plain select: expressions over its sources. Over a set operation: [`ExprKind::Column`] of
    /// [`Query::output`]
    pub order: Vec<OrderBy>,
    /// `limit`
    pub limit: Option<Box<Expr>>,
    /// `offset`
    pub offset: Option<Box<Expr>>,
    /// Name and type of each output column
    pub columns: Vec<(String, Type)>,
    /// The source that stands for this query's own output columns, in the `order by` of a set operation
    pub output: SourceId,
}

/// A common table expression.
#[derive(Clone, Debug)]
pub struct Cte {
    /// Its identity; [`FromItem::Cte`] refers to it
    pub id: SourceId,
    /// Its name, for people
    pub name: String,
    /// Its query; when recursive, a `union [all]` whose right side may read the expression itself
    pub query: Query,
    /// `with recursive`, and it does refer to itself
    pub recursive: bool,
}

/// What gives a query's rows.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "explained with each form")]
pub enum QueryBody {
    /// `select …`
    Select(Box<Select>),
    /// `values (…), (…)`
    Values(Vec<Vec<Expr>>),
    /// `left union [all] right`, …: both sides have the same number and types of columns
    SetOperation { op: SetOp, all: bool, left: Box<Query>, right: Box<Query> },
}

/// Set operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "SQL's words")]
pub enum SetOp {
    Union,
    Intersect,
    Except,
}

/// `select … from … where … group by … having …`.
#[derive(Clone, Debug)]
pub struct Select {
    /// `distinct`
    pub distinct: Distinct,
    /// The output columns; names are in [`Query::columns`]
    pub projection: Vec<Expr>,
    /// The sources; `None` for a select without `from`
    pub from: Option<FromItem>,
    /// `where`
    pub filter: Option<Expr>,
    /// `group by`
    pub group_by: Vec<Expr>,
    /// Whether rows are grouped at all (an aggregate without `group by` makes one group)
    pub grouped: bool,
    /// `having`
    pub having: Option<Expr>,
}

/// Which duplicate rows go.
#[derive(Clone, Debug)]
pub enum Distinct {
    /// None
    No,
    /// All but one of equal rows
    All,
    /// `distinct on (…)`: the first row by the query's order for each value of these
    On(Vec<Expr>),
}

/// Something in `from`.
#[derive(Clone, Debug)]
pub enum FromItem {
    /// A table or view of the catalog
    Relation {
        /// Its identity in this query
        id: SourceId,
        /// Which
        relation: RelationId,
        /// Set by planning: only rows for which this holds are there at all (row security), evaluated before anything else.
        /// Columns refer to `id`
        security: Option<Box<Expr>>,
    },
    /// `(select …) as name`
    Query {
        /// Its identity
        id: SourceId,
        /// The query
        query: Box<Query>,
        /// `lateral`
        lateral: bool,
    },
    /// A common table expression
    Cte {
        /// Its identity in this place
        id: SourceId,
        /// The [`Cte::id`]
        cte: SourceId,
    },
    /// A set-returning built-in: `unnest(…)`, `generate_series(…)`, …
    Set {
        /// Its identity
        id: SourceId,
        /// Which
        builtin: &'static Builtin,
        /// Its arguments (lateral references allowed)
        args: Vec<Expr>,
        /// Name and type of its columns
        columns: Vec<(String, Type)>,
        /// A further last column, `ordinality` (bigint, from 1)
        with_ordinality: bool,
    },
    /// A function of the catalog. Planning replaces it by its body, unless the database itself runs it
    Function {
        /// Its identity
        id: SourceId,
        /// Which
        function: FunctionId,
        /// Its arguments (lateral references allowed), counted as [`ExprKind::Argument`] says
        args: Vec<Expr>,
    },
    /// A join
    Join {
        /// How
        kind: JoinKind,
        /// Left side
        left: Box<FromItem>,
        /// Right side
        right: Box<FromItem>,
        /// `on`; `using` and `natural` are written out
        on: Option<Expr>,
    },
}

/// Joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "SQL's words")]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
    Cross,
}

/// One key of an order.
#[derive(Clone, Debug)]
pub struct OrderBy {
    /// The expression
    pub expr: Expr,
    /// `desc`
    pub descending: bool,
    /// Nulls first; PostgreSQL's default is last for `asc`, first for `desc`
    pub nulls_first: bool,
}

/// `over (partition by … order by … frame)`.
#[derive(Clone, Debug, Default)]
pub struct Over {
    /// `partition by`
    pub partition_by: Vec<Expr>,
    /// `order by`
    pub order: Vec<OrderBy>,
    /// The frame; `None` is SQL's default
    pub frame: Option<Frame>,
}

/// A window frame.
#[derive(Clone, Debug)]
pub struct Frame {
    /// `rows`, `range` or `groups`
    pub units: FrameUnits,
    /// Where it starts
    pub start: FrameBound,
    /// Where it ends
    pub end: FrameBound,
}

/// What a frame counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "SQL's words")]
pub enum FrameUnits {
    Rows,
    Range,
    Groups,
}

/// One end of a frame.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "SQL's words")]
pub enum FrameBound {
    UnboundedPreceding,
    Preceding(Box<Expr>),
    CurrentRow,
    Following(Box<Expr>),
    UnboundedFollowing,
}

impl Expr {
    /// A constant.
    pub fn literal(value: Value, ty: Type) -> Expr {
        Expr { kind: ExprKind::Literal(value), ty }
    }

    /// `true` or `false`.
    pub fn bool(value: bool) -> Expr {
        Expr::literal(Value::Int(value.into()), Type::Bool)
    }

    /// A column.
    pub fn column(source: SourceId, column: usize, ty: Type) -> Expr {
        Expr { kind: ExprKind::Column { source, column }, ty }
    }

    /// A boolean expression.
    pub fn boolean(kind: ExprKind) -> Expr {
        Expr { kind, ty: Type::Bool }
    }

    /// The conjunction; `true` for none, the expression itself for one.
    pub fn and(exprs: impl IntoIterator<Item = Expr>) -> Expr {
        let mut all: Vec<Expr> = exprs.into_iter().collect();
        match all.len() {
            0 => Expr::bool(true),
            1 => all.remove(0),
            _ => Expr::boolean(ExprKind::And(all)),
        }
    }

    /// The disjunction; `false` for none, the expression itself for one.
    pub fn or(exprs: impl IntoIterator<Item = Expr>) -> Expr {
        let mut any: Vec<Expr> = exprs.into_iter().collect();
        match any.len() {
            0 => Expr::bool(false),
            1 => any.remove(0),
            _ => Expr::boolean(ExprKind::Or(any)),
        }
    }

    /// `left op right`.
    pub fn compare(op: CompareOp, left: Expr, right: Expr) -> Expr {
        Expr::boolean(ExprKind::Compare(op, Box::new(left), Box::new(right)))
    }

    /// Whether this is the constant true.
    pub fn is_true(&self) -> bool {
        matches!(self.kind, ExprKind::Literal(Value::Int(1))) && self.ty == Type::Bool
    }
}
