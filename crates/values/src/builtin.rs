//! The built-in functions, operators, aggregates and window functions: their names, their signatures, and what they compute.
//!
//! One table serves everyone: the reader of schema files resolves names against it, planning builds calls from it, and an
//! engine without PostgreSQL's function of the same name registers the implementation here as its own. Comparisons
//! (`= <> < <= > >=`), `and`/`or`/`not`, `is …`, `in`, `case`, `coalesce`, `nullif`, `greatest`, `least` and casts are not
//! here: they are expression forms of their own.

use crate::{Result, Session, Type, Value, ValueRef};

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
}

/// A scalar implementation. It gets the values in storage form with their types after coercion.
pub type Call = fn(&Context<'_>, &[ValueRef<'_>]) -> Result<Value>;

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
    /// A function in `from` that gives rows of one column: `unnest`, `generate_series`, `jsonb_array_elements`, …
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
    /// `text[]`
    TextArray,
    Int4Array,
    Int8Array,
    /// Any type (`"any"`): several arguments may differ
    Any,
    /// `anyelement`: all of these in one signature are the same type, and the element type of `AnyArray`
    AnyElement,
    /// `anyarray`
    AnyArray,
    /// `anyenum`
    AnyEnum,
    Void,
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

/// Finds the built-in for a name and argument types by PostgreSQL's rules ("Function Type Resolution", "Operator Type
/// Resolution"): an exact match, else the best match through implicit casts, `Unknown` arguments taking the type that fits.
pub fn resolve(name: &str, kinds: &[Kind], args: &[Type]) -> std::result::Result<Resolved, Unresolved> {
    let _ = (name, kinds, args);
    unimplemented!()
}

/// The built-in with this id.
pub fn by_id(id: &str) -> Option<&'static Builtin> {
    all().find(|b| b.id == id)
}

/// Every built-in.
pub fn all() -> impl Iterator<Item = &'static Builtin> {
    std::iter::empty()
}

/// The running state of an aggregate over one group (or one window frame).
pub trait Accumulator: Send {
    /// Takes one row's arguments, in storage form.
    fn step(&mut self, args: &[ValueRef<'_>]) -> Result<()>;
    /// The aggregate of what was taken.
    fn finish(&self) -> Result<Value>;
}

/// A fresh state for an aggregate and its argument types; `None` when the id is not an aggregate's.
pub fn accumulator(id: &str, types: &[Type], session: &Session) -> Option<Box<dyn Accumulator>> {
    let _ = (id, types, session);
    None
}
