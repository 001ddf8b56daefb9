//! What will be done: fully resolved, typed, and with the policies woven in. An engine compiles a plan without deciding anything
//! about rights or names.

mod access;
mod cache;
mod call;
mod compiled;
mod computed;
mod embed;
mod filter;
mod groups;
mod insert;
mod keyset;
mod limits;
mod native;
mod nested;
mod offered;
mod payload;
mod planner;
mod reach;
mod search;
mod select;
mod start;
mod statement;
mod update;
mod weave;
mod written;

use std::sync::Arc;

use plinth_catalog::expr::{Expr, FromItem, OrderBy, SourceId};
use plinth_catalog::{Catalog, RelationId};
use plinth_values::{Type, Value};

use crate::caller::Caller;
use crate::refusal::Refusal;
use crate::request::{Request, Target};

pub use cache::PlanCache;
pub use compiled::Compiled;
pub use offered::{Offered, offered};
pub use reach::{Reach, ReachedRelation, reach};

/// A plan for one request of one caller.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What to do; shared with the other plans of the same shape that a [`PlanCache`] gives
    pub action: Arc<PlannedAction>,
    /// The request's own values, which [`plinth_catalog::expr::ExprKind::Bind`] refers to by position, with their types. The
    /// rest of the plan does not depend on them: it is the request's shape
    pub values: Vec<(Type, Value)>,
    /// How to count all rows that match, without limit and offset
    pub count: Option<crate::request::Count>,
    /// How many of the root's first fields are the row's version, which the request did not select
    pub version: usize,
    /// The policies that took part, for `plinth explain`
    pub applied: Arc<[AppliedPolicy]>,
    /// What an engine made of the shape
    pub compiled: Compiled,
}

/// What a plan does.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "a plan has one action")]
pub enum PlannedAction {
    /// Read rows
    Read(Node),
    /// Insert or upsert
    Insert(InsertPlan),
    /// Insert or upsert rows with related rows
    InsertTree(TreePlan),
    /// Update
    Update(UpdatePlan),
    /// Delete
    Delete(DeletePlan),
    /// Call a function
    Call(CallPlan),
}

/// A policy that a plan contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedPolicy {
    /// `schema.table`
    pub relation: String,
    /// The policy; `None` when row security is on and no policy applies (so: no rows)
    pub policy: Option<String>,
    /// `select using`, `insert check`, …
    pub role: &'static str,
}

/// Rows of one source, and below each row the rows of related sources. For an engine that runs nested statements: the columns of
/// outer nodes appear in inner ones as [`plinth_catalog::expr::ExprKind::Column`] of the outer node's sources; a correlated
/// subquery, a lateral join, or one statement per outer row all give the same.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where the rows come from, row security included
    pub from: FromItem,
    /// Which rows
    pub filter: Option<Expr>,
    /// Grouping, when aggregates are selected
    pub group_by: Vec<Expr>,
    /// Whether the rows are grouped (aggregates without `group_by` make one group)
    pub grouped: bool,
    /// Order of the rows
    pub order: Vec<OrderBy>,
    /// Which groups, when the rows are grouped
    pub having: Option<Expr>,
    /// Of rows that agree in all of these, only the first one in the order; none: all rows
    pub distinct_on: Vec<Expr>,
    /// Where the rows begin, when they are a page told by a row
    pub keyset: Option<Keyset>,
    /// At most so many rows
    pub limit: Option<u64>,
    /// After skipping so many
    pub offset: u64,
    /// What to give of each row, in this order
    pub fields: Vec<Field>,
}

impl Node {
    /// All rows of a source, and nothing of them.
    pub fn of(from: FromItem) -> Node {
        Node {
            from,
            filter: None,
            group_by: Vec::new(),
            grouped: false,
            order: Vec::new(),
            having: None,
            distinct_on: Vec::new(),
            keyset: None,
            limit: None,
            offset: 0,
            fields: Vec::new(),
        }
    }
}

/// A page told by a row: the first rows behind a place in the node's order, or the last ones before it. The order is complete: no
/// two rows are equal in it. The place is no restriction of what is counted.
///
/// The engine gives the values of the order's keys in the first and the last row, and says whether there are rows beyond the limit.
#[derive(Clone, Debug)]
pub struct Keyset {
    /// The last rows before the place, or of all
    pub backwards: bool,
    /// The rows beyond the place, in pieces. Every row is in at most one, and the rows of a piece come before those of the next one
    /// (after them when backwards). `None` without a place: all rows
    pub beyond: Option<Vec<Expr>>,
    /// What a place of this order belongs to: relation, role and order
    pub shape: [u8; 16],
}

/// A part of a row.
#[derive(Clone, Debug)]
pub enum Field {
    /// A value under a name
    Value {
        /// The name
        name: String,
        /// The value
        expr: Expr,
    },
    /// Related rows under a name
    Embed {
        /// The name
        name: String,
        /// An object or null (otherwise an array)
        to_one: bool,
        /// The related rows
        node: Box<Node>,
    },
    /// The fields of the related row as fields of this one: null where there is none; or, for a to-many relationship, an array of
    /// each field's values
    Spread {
        /// Whether there is at most one related row
        to_one: bool,
        /// The related rows
        node: Box<Node>,
    },
}

/// Checks that a written row must pass; each holds when true (not null, not false). Columns refer to the new row
/// ([`SourceId::ROW`]).
#[derive(Clone, Debug)]
pub struct RowCheck {
    /// The condition
    pub condition: Expr,
    /// The restrictive policy it is, when it is one (PostgreSQL names it in its message)
    pub policy: Option<String>,
}

/// An insert or upsert. Rows are complete when they reach the table: what the client did not give is the column's default.
#[derive(Clone, Debug)]
pub struct InsertPlan {
    /// The table
    pub relation: RelationId,
    /// The columns the client gives, in the order of [`InsertPlan::rows`]
    pub columns: Vec<usize>,
    /// The rows, in storage form
    pub rows: Vec<Vec<Cell>>,
    /// The defaults that call functions of the catalog, with the functions' bodies in place: they stand for the columns' own
    pub defaults: Vec<(usize, Expr)>,
    /// What new rows must pass
    pub checks: Vec<RowCheck>,
    /// What to do with rows that are there already
    pub conflict: Option<ConflictPlan>,
    /// What to give back
    pub returning: ReturningPlan,
    /// A `PUT`: one row
    pub put: bool,
}

/// Inserts of rows that belong together. Each step is an insert of its own, with its own checks; they run in order, and what a check or
/// default of one reads, it reads after the steps before it. Deferred constraints wait for the last.
#[derive(Clone, Debug)]
pub struct TreePlan {
    /// The inserts; none gives anything back
    pub steps: Vec<TreeStep>,
    /// Which of them the request's own rows are
    pub root: usize,
    /// What to give back of those
    pub returning: ReturningPlan,
}

/// An insert of a tree.
#[derive(Clone, Debug)]
pub struct TreeStep {
    /// The rows. What [`TreeStep::links`] fill in is null or the default here
    pub insert: InsertPlan,
    /// The values that rows of earlier steps give
    pub links: Vec<Link>,
    /// Where each row stands in the payload, as a JSON pointer
    pub paths: Vec<String>,
}

/// A column whose values are those of a column of rows that an earlier step wrote.
#[derive(Clone, Debug)]
pub struct Link {
    /// The position among [`InsertPlan::columns`]
    pub place: usize,
    /// The earlier step
    pub step: usize,
    /// The column of its table
    pub column: usize,
    /// For each row the row of that step; `None` where nothing is to be filled in
    pub rows: Vec<Option<usize>>,
}

/// One value of a payload row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// This value
    Value(Value),
    /// JSON text as the client sent it, to be read by the database as `json_to_recordset` reads a member
    Json(String),
    /// The column's default
    Default,
}

/// What an upsert does with a row that is there already.
#[derive(Clone, Debug, Default)]
pub struct ConflictPlan {
    /// The columns of the unique constraint or primary key
    pub target: Vec<usize>,
    /// Columns to take from the proposed row; `None`: leave the row as it is and do not return it
    pub update: Option<Vec<usize>>,
    /// Values for some of those columns instead, over the existing row ([`SourceId::ROW`]) and the proposed one
    /// ([`SourceId::EXCLUDED`]): a function's own
    pub values: Vec<(usize, Expr)>,
    /// Which existing rows are updated (over both rows); others are left as they are and not returned
    pub filter: Option<Expr>,
    /// What the existing row must pass to be updated (over [`SourceId::ROW`], the existing row); failing is an error
    pub existing: Vec<RowCheck>,
    /// What the row must pass after the update
    pub checks: Vec<RowCheck>,
}

/// An update of the rows that match.
#[derive(Clone, Debug)]
pub struct UpdatePlan {
    /// The table; its row is [`SourceId::ROW`]
    pub relation: RelationId,
    /// Column and new value (over the old row, or a `Bind`); empty: nothing changes, nothing is affected
    pub set: Vec<(usize, Expr)>,
    /// Which rows may be and are asked to be updated: row security and filters
    pub filter: Option<Expr>,
    /// What the new rows must pass
    pub checks: Vec<RowCheck>,
    /// Refuse when more rows would be affected (PGRST124)
    pub max_affected: Option<u64>,
    /// Order and limit of the rows to be changed are not supported by PostgREST any more, so there are none
    pub returning: ReturningPlan,
}

/// A delete of the rows that match.
#[derive(Clone, Debug)]
pub struct DeletePlan {
    /// The table; its row is [`SourceId::ROW`]
    pub relation: RelationId,
    /// Which rows: row security and filters
    pub filter: Option<Expr>,
    /// Refuse when more rows would be affected (PGRST124)
    pub max_affected: Option<u64>,
    /// What to give back
    pub returning: ReturningPlan,
}

/// What a write gives back.
#[derive(Clone, Debug)]
pub enum ReturningPlan {
    /// The number of affected rows alone
    Nothing,
    /// The values of the primary key's columns of the inserted row, for `Location`
    Keys(Vec<usize>),
    /// The affected rows. The node's `from` is the plain table with the source [`SourceId::ROW`]; the engine narrows it to the
    /// affected rows. The node's filter is not the request's (rows are affected ones whatever they look like now): it holds only
    /// what `!inner` embeds demand. Its order holds
    Rows(Box<Node>),
}

/// A call of an SQL function.
#[derive(Clone, Debug)]
pub struct CallPlan {
    /// The statements before the last, for their effect: writes of the function's body
    pub before: Vec<PlannedStatement>,
    /// The last statement, when it writes; its `returning` rows are the source [`CallPlan::result`] reads from
    pub write: Option<PlannedStatement>,
    /// The rows of the result, with the request's filters, select and order applied; a function inlined as a query
    pub result: Node,
    /// How the rows become the answer
    pub shape: CallShape,
    /// Nothing may be written: a `GET`, or a function that is not volatile
    pub read_only: bool,
    /// Refuse when the result has more rows (PGRST124)
    pub max_affected: Option<u64>,
}

/// How the result of a call is shaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallShape {
    /// Nothing: 204
    Void,
    /// The single value itself
    Scalar,
    /// One object (null without a row)
    Object,
    /// An array of objects
    Rows,
    /// An array of bare values
    Values,
}

/// A write inside a function's body.
#[derive(Clone, Debug)]
pub enum PlannedStatement {
    /// `select`, for nothing but its effect (nested function calls)
    Query(plinth_catalog::expr::Query),
    /// `insert … select`: rows come from a query, one column per entry of `columns`
    Insert {
        /// The table
        relation: RelationId,
        /// The columns given
        columns: Vec<usize>,
        /// The rows
        query: plinth_catalog::expr::Query,
        /// What new rows must pass
        checks: Vec<RowCheck>,
        /// What to do with rows that are there already
        conflict: Option<Box<ConflictPlan>>,
        /// Expressions over the new row ([`SourceId::ROW`]), with names
        returning: Vec<(Expr, String)>,
    },
    /// `update`
    Update {
        /// Which rows, and what becomes of them; its own `returning` is nothing
        plan: UpdatePlan,
        /// Expressions over the new row ([`SourceId::ROW`]), with names
        returning: Vec<(Expr, String)>,
    },
    /// `delete`
    Delete {
        /// Which rows; its own `returning` is nothing
        plan: DeletePlan,
        /// Expressions over the old row ([`SourceId::ROW`]), with names
        returning: Vec<(Expr, String)>,
    },
}

/// The source that stands for the rows returned by [`CallPlan::write`]: [`CallPlan::result`] reads from
/// `FromItem::Cte { id: WRITE_RESULT, cte: WRITE_RESULT }`, whose columns are the write's `returning`.
pub const WRITE_RESULT: SourceId = SourceId(2);

/// Whether the target is there for the caller, by the same rules as [`plan`]; else the refusal.
pub fn find(
    catalog: &Catalog,
    caller: &Caller,
    target: &Target,
    hide_ungranted: bool,
) -> Result<(), Refusal> {
    start::find(catalog, caller, target, hide_ungranted)
}

/// Plans a request: resolves its names, types its values, checks privileges, and weaves the caller's policies in.
pub fn plan(catalog: &Catalog, caller: &Caller, request: &Request) -> Result<Plan, Refusal> {
    start::plan(catalog, caller, request)
}
