//! The built-in functions, operators, aggregates and window functions: their names, their signatures, and what they compute.
//!
//! One table serves everyone: the reader of schema files resolves names against it, planning builds calls from it, and an
//! engine without PostgreSQL's function of the same name registers the implementation here as its own. Comparisons
//! (`= <> < <= > >=`), `and`/`or`/`not`, `is …`, `in`, `case`, `coalesce`, `nullif`, `greatest`, `least` and casts are not
//! here: they are expression forms of their own.

mod aggregate;
mod args;
mod arithmetic;
mod array;
mod binary;
mod compose;
mod datetime;
mod decimal;
mod float;
mod format_datetime;
mod format_number;
mod json;
mod json_change;
mod misc;
mod parse_datetime;
mod pattern;
mod picture;
mod range;
mod regular;
mod resolve;
mod search;
mod sets;
mod statistics;
mod text;
mod window;

use std::collections::HashMap;
use std::sync::LazyLock;

pub use resolve::resolve;

use crate::range::RangeKind;
use crate::{Result, Session, Type, Value, ValueError, ValueRef};

/// The most rows that one call of a set-returning function may give.
pub const MAX_ROWS: usize = 1_000_000;

/// The longest text, in bytes, that one call may build from short arguments (`repeat`, `lpad`, `format`, …).
pub const MAX_TEXT_BYTES: usize = 16 << 20;

/// A function, operator, aggregate or window function.
#[derive(Debug)]
pub struct Builtin {
    /// Unique, lower-case letters, digits and `_` only, for example `int4_add`, `date_trunc_tz`: the name an engine registers it by
    pub id: &'static str,
    /// The SQL name (`date_trunc`) or operator symbol (`+`, `->>`, `||`, `~~`, `@>`)
    pub name: &'static str,
    /// Function, operator, …
    pub kind: Kind,
    /// The argument types; the last one repeats when `variadic`
    pub args: &'static [Arg],
    /// How many of the last arguments may be left out
    pub optional: usize,
    /// Whether the last argument may be given any number of times
    pub variadic: bool,
    /// The result type
    pub returns: Arg,
    /// How far the result depends on the arguments alone
    pub volatility: Volatility,
    /// Null for a null argument, without a call
    pub strict: bool,
    /// What it computes; `None` where only an engine can (aggregates, window functions and a few others)
    pub call: Option<Call>,
    /// The rows of a [`Kind::Set`]
    pub rows: Option<Rows>,
    /// The columns of a [`Kind::Set`] by name; empty for one column of the type `returns`, named as the function
    pub columns: &'static [(&'static str, Arg)],
    /// The fresh state of a [`Kind::Aggregate`]
    pub start: Option<Start>,
}

/// A scalar implementation. It gets the values in storage form with their types after coercion.
pub type Call = fn(&Context<'_>, &[ValueRef<'_>]) -> Result<Value>;

/// The implementation of a set-returning function: at most [`MAX_ROWS`] rows.
pub type Rows = fn(&Context<'_>, &[ValueRef<'_>]) -> Result<Vec<Vec<Value>>>;

/// The fresh state of an aggregate for its argument types.
pub type Start = fn(&[Type], &Session) -> Box<dyn Accumulator>;

/// What an implementation may look at beside its arguments.
pub struct Context<'a> {
    /// The caller's session
    pub session: &'a Session,
    /// The types of the arguments, after coercion (for polymorphic functions such as `to_jsonb(anyelement)`)
    pub types: &'a [Type],
}

/// What a built-in is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `name(args)`
    Function,
    /// `left op right`, or `op right` with one argument
    Operator,
    /// `name(args)` over a group
    Aggregate,
    /// `name(args) over (…)` only
    Window,
    /// A function in `from` that gives rows: `unnest`, `generate_series`, `jsonb_array_elements`, …
    Set,
}

/// See PostgreSQL's "Function Volatility Categories".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volatility {
    /// Depends on its arguments alone
    Immutable,
    /// Depends also on the session or the transaction
    Stable,
    /// May differ at each call
    Volatile,
}

/// An argument or result type in a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names of Type")]
pub enum Arg {
    Bool,
    Int2,
    Int4,
    Int8,
    Numeric,
    Float4,
    Float8,
    Text,
    Date,
    Time,
    Timestamp,
    Timestamptz,
    Interval,
    Uuid,
    Json,
    Jsonb,
    Bytea,
    Tsvector,
    Tsquery,
    Regconfig,
    /// `real[]`
    Float4Array,
    /// `text[]`
    TextArray,
    Int4Array,
    Int8Array,
    /// Any type (`"any"`): several arguments may differ
    Any,
    /// Any type but an array (`anynonarray`)
    AnyNonArray,
    /// `anycompatible`: all of these in one signature become one type, which is also the element type of `AnyArray`
    AnyElement,
    /// `anycompatiblearray`
    AnyArray,
    /// `anyenum`
    AnyEnum,
    /// `int4range` and its kin
    Range(RangeKind),
    /// `anyrange`: all of these in one signature are of one type
    AnyRange,
    /// `anyelement` beside `anyrange`: the type of its bounds
    RangeElement,
    Void,
}

impl Arg {
    /// The type that it stands for, when it stands for one.
    pub fn concrete(self) -> Option<Type> {
        Some(match self {
            Arg::Bool => Type::Bool,
            Arg::Int2 => Type::Int2,
            Arg::Int4 => Type::Int4,
            Arg::Int8 => Type::Int8,
            Arg::Numeric => Type::Numeric,
            Arg::Float4 => Type::Float4,
            Arg::Float8 => Type::Float8,
            Arg::Text => Type::Text,
            Arg::Date => Type::Date,
            Arg::Time => Type::Time,
            Arg::Timestamp => Type::Timestamp,
            Arg::Timestamptz => Type::Timestamptz,
            Arg::Interval => Type::Interval,
            Arg::Uuid => Type::Uuid,
            Arg::Json => Type::Json,
            Arg::Jsonb => Type::Jsonb,
            Arg::Bytea => Type::Bytea,
            Arg::Tsvector => Type::Tsvector,
            Arg::Tsquery => Type::Tsquery,
            Arg::Regconfig => Type::Regconfig,
            Arg::Float4Array => Type::Float4.array(),
            Arg::TextArray => Type::Text.array(),
            Arg::Int4Array => Type::Int4.array(),
            Arg::Int8Array => Type::Int8.array(),
            Arg::Range(kind) => Type::Range(kind),
            Arg::Void => Type::Void,
            Arg::Any
            | Arg::AnyNonArray
            | Arg::AnyElement
            | Arg::AnyArray
            | Arg::AnyEnum
            | Arg::AnyRange
            | Arg::RangeElement => return None,
        })
    }
}

/// A call that fits: which built-in, the types its arguments have to be coerced to, and the type of its result.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The built-in
    pub builtin: &'static Builtin,
    /// One per given argument
    pub args: Vec<Type>,
    /// The result
    pub returns: Type,
}

/// Why no call fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unresolved {
    /// No built-in of that name and kind exists
    NoSuchName,
    /// The name exists, but not for these types
    NoSuchSignature,
    /// Several fit equally well
    Ambiguous,
}

/// The running state of an aggregate over one group (or one window frame).
pub trait Accumulator: Send {
    /// Takes one row's arguments, in storage form.
    fn step(&mut self, args: &[ValueRef<'_>]) -> Result<()>;
    /// The aggregate of what was taken.
    fn finish(&self) -> Result<Value>;
}

/// The built-in with this id.
pub fn by_id(id: &str) -> Option<&'static Builtin> {
    static INDEX: LazyLock<HashMap<&'static str, &'static Builtin>> =
        LazyLock::new(|| all().map(|builtin| (builtin.id, builtin)).collect());
    INDEX.get(id).copied()
}

/// The built-ins with this SQL name, of any kind.
pub fn by_name(name: &str) -> &'static [&'static Builtin] {
    static INDEX: LazyLock<HashMap<&'static str, Vec<&'static Builtin>>> = LazyLock::new(|| {
        let mut index: HashMap<&'static str, Vec<&'static Builtin>> = HashMap::new();
        for builtin in all() {
            index.entry(builtin.name).or_default().push(builtin);
        }
        index
    });
    INDEX.get(name).map_or(&[], Vec::as_slice)
}

/// Every built-in.
pub fn all() -> impl Iterator<Item = &'static Builtin> {
    TABLES.iter().copied().flatten()
}

/// One table per subject.
static TABLES: &[&[Builtin]] = &[
    arithmetic::SMALL,
    arithmetic::MIDDLE,
    arithmetic::BIG,
    arithmetic::TABLE,
    float::REAL,
    float::DOUBLE,
    float::REAL_DOUBLE,
    float::DOUBLE_REAL,
    float::TABLE,
    decimal::TABLE,
    text::TABLE,
    compose::TABLE,
    pattern::TABLE,
    binary::TABLE,
    datetime::CLOCK,
    datetime::OPERATORS,
    datetime::TABLE,
    format_datetime::TABLE,
    format_number::TABLE,
    parse_datetime::TABLE,
    json::JSON,
    json::JSONB,
    json::TABLE,
    json_change::TABLE,
    array::TABLE,
    range::TABLE,
    misc::TABLE,
    search::TABLE,
    sets::TABLE,
    aggregate::TABLE,
    statistics::VARIANCE,
    statistics::VAR_SAMP,
    statistics::VAR_POP,
    statistics::STDDEV,
    statistics::STDDEV_SAMP,
    statistics::STDDEV_POP,
    window::TABLE,
];

/// Calls a scalar built-in by its id; a strict one answers null for a null argument.
pub fn call(id: &str, context: &Context<'_>, args: &[ValueRef<'_>]) -> Result<Value> {
    let builtin = by_id(id).ok_or_else(|| no_such(id))?;
    if builtin.strict && args.iter().any(|arg| arg.is_null()) {
        return Ok(Value::Null);
    }
    builtin.call.ok_or_else(|| no_such(id))?(context, args)
}

/// The rows of a set-returning built-in by its id; a strict one gives none for a null argument.
pub fn rows(id: &str, context: &Context<'_>, args: &[ValueRef<'_>]) -> Result<Vec<Vec<Value>>> {
    let builtin = by_id(id).ok_or_else(|| no_such(id))?;
    if builtin.strict && args.iter().any(|arg| arg.is_null()) {
        return Ok(Vec::new());
    }
    builtin.rows.ok_or_else(|| no_such(id))?(context, args)
}

/// The columns that a call of a set-returning built-in gives.
pub fn columns(resolved: &Resolved) -> Vec<(String, Type)> {
    match resolved.builtin.columns {
        [] => vec![(resolved.builtin.name.to_owned(), resolved.returns.clone())],
        // A single named column has the call's result type, which may be polymorphic.
        [(name, _)] => vec![((*name).to_owned(), resolved.returns.clone())],
        columns => columns
            .iter()
            .map(|(name, arg)| ((*name).to_owned(), arg.concrete().unwrap_or(Type::Text)))
            .collect(),
    }
}

/// A fresh state for an aggregate and its argument types; `None` when the id is not an aggregate's.
pub fn accumulator(id: &str, types: &[Type], session: &Session) -> Option<Box<dyn Accumulator>> {
    by_id(id)?.start.map(|start| start(types, session))
}

fn no_such(id: &str) -> ValueError {
    ValueError::new("42883", format!("function {id} does not exist"))
}

const fn builtin(
    id: &'static str,
    name: &'static str,
    kind: Kind,
    args: &'static [Arg],
    returns: Arg,
) -> Builtin {
    Builtin {
        id,
        name,
        kind,
        args,
        optional: 0,
        variadic: false,
        returns,
        volatility: Volatility::Immutable,
        strict: true,
        call: None,
        rows: None,
        columns: &[],
        start: None,
    }
}

/// A strict, immutable function.
const fn function(
    id: &'static str,
    name: &'static str,
    args: &'static [Arg],
    returns: Arg,
    call: Call,
) -> Builtin {
    Builtin { call: Some(call), ..builtin(id, name, Kind::Function, args, returns) }
}

/// A strict, immutable operator.
const fn operator(
    id: &'static str,
    name: &'static str,
    args: &'static [Arg],
    returns: Arg,
    call: Call,
) -> Builtin {
    Builtin { call: Some(call), ..builtin(id, name, Kind::Operator, args, returns) }
}

/// A strict, immutable set-returning function.
const fn set(
    id: &'static str,
    name: &'static str,
    args: &'static [Arg],
    returns: Arg,
    rows: Rows,
) -> Builtin {
    Builtin { rows: Some(rows), ..builtin(id, name, Kind::Set, args, returns) }
}

/// An aggregate.
const fn aggregate(
    id: &'static str,
    name: &'static str,
    args: &'static [Arg],
    returns: Arg,
    start: Start,
) -> Builtin {
    Builtin { start: Some(start), strict: false, ..builtin(id, name, Kind::Aggregate, args, returns) }
}

impl Builtin {
    const fn optional(self, optional: usize) -> Builtin {
        Builtin { optional, ..self }
    }

    const fn variadic(self) -> Builtin {
        Builtin { variadic: true, ..self }
    }

    const fn stable(self) -> Builtin {
        Builtin { volatility: Volatility::Stable, ..self }
    }

    const fn volatile(self) -> Builtin {
        Builtin { volatility: Volatility::Volatile, ..self }
    }

    /// Called for null arguments too.
    const fn lax(self) -> Builtin {
        Builtin { strict: false, ..self }
    }

    const fn named(self, columns: &'static [(&'static str, Arg)]) -> Builtin {
        Builtin { columns, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_plain() {
        let mut seen = std::collections::HashSet::new();
        for builtin in all() {
            assert!(seen.insert(builtin.id), "{} twice", builtin.id);
            assert!(
                builtin.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'),
                "{}",
                builtin.id
            );
            assert!(builtin.optional <= builtin.args.len(), "{}", builtin.id);
        }
    }

    #[test]
    fn each_kind_has_its_implementation() {
        for builtin in all() {
            let expected = match builtin.kind {
                Kind::Function | Kind::Operator => builtin.call.is_some(),
                Kind::Set => builtin.rows.is_some(),
                Kind::Aggregate => builtin.start.is_some(),
                Kind::Window => builtin.call.is_none(),
            };
            assert!(expected, "{}", builtin.id);
        }
    }
}
