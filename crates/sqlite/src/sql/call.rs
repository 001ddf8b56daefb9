//! Calls of built-in functions and operators, and casts: by SQLite's own means where they are the same and cannot fail, otherwise by
//! the registered functions.

use plinth_catalog::expr::Expr;
use plinth_values::builtin::{Arg, Builtin, Volatility};
use plinth_values::{Modifier, Type};

use super::literal::{collation, string};
use super::{Param, Place, Result, Writer};
use crate::functions::cast_tag;

/// The functions that answer the start of the transaction.
const NOW: [&str; 4] = ["now", "transaction_timestamp", "statement_timestamp", "current_timestamp"];

impl Writer<'_> {
    /// A call of a built-in function or operator.
    pub(super) fn call(&mut self, builtin: &'static Builtin, args: &[Expr]) -> Result<String> {
        if args.is_empty() && NOW.contains(&builtin.name) && self.place == Place::Statement {
            return Ok(self.param(Param::Now));
        }
        match (builtin.name, builtin.args, args) {
            ("||", [Arg::Text, Arg::Text], [left, right]) => {
                Ok(format!("({} || {})", self.expr(left)?, self.expr(right)?))
            }
            ("length" | "char_length" | "character_length", [Arg::Text], [text]) => {
                Ok(format!("length({})", self.expr(text)?))
            }
            _ => self.registered(&function_name(builtin), builtin, args),
        }
    }

    /// A call by a registered name; a polymorphic function is told the types of its arguments first.
    pub(super) fn registered(&mut self, name: &str, builtin: &Builtin, args: &[Expr]) -> Result<String> {
        if is_polymorphic(builtin) {
            let types: Vec<&Type> = args.iter().map(|arg| &arg.ty).collect();
            return self.tagged(name, &types, args);
        }
        Ok(format!("{name}({})", self.list(args)?))
    }

    /// A cast to a type.
    pub(super) fn cast(
        &mut self,
        expr: &Expr,
        to: &Type,
        modifier: Modifier,
        explicit: bool,
    ) -> Result<String> {
        let text = self.expr(expr)?;
        match native_cast(&expr.ty, to, modifier) {
            Some(cast) => Ok(apply(cast, &expr.ty, &text)),
            None => {
                let tag = string(&cast_tag(&expr.ty, to, modifier, explicit))?;
                Ok(format!("plinth_cast({tag}, {text})"))
            }
        }
    }

    pub(super) fn cast_text(&mut self, from: &Type, to: &Type, text: &str) -> Result<String> {
        let tag = string(&cast_tag(from, to, Modifier::None, false))?;
        Ok(format!("plinth_cast({tag}, {text})"))
    }
}

/// The name that [`crate::functions`] registers a built-in by.
pub(super) fn function_name(builtin: &Builtin) -> String {
    format!("plinth_{}", builtin.id)
}

/// Whether the signature leaves types open.
pub(crate) fn is_polymorphic(builtin: &Builtin) -> bool {
    builtin.args.iter().any(|arg| arg.concrete().is_none())
}

/// A cast by SQLite's own means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NativeCast {
    /// The stored form is the same
    Same,
    /// An integer as a floating-point number
    Real,
    /// An integer's digits
    Digits,
    /// Whether an integer is not zero
    Truth,
}

fn native_cast(from: &Type, to: &Type, modifier: Modifier) -> Option<NativeCast> {
    use Type::*;
    if modifier != Modifier::None {
        return None;
    }
    match (from, to) {
        (from, to) if from == to => Some(NativeCast::Same),
        (Int2, Int4 | Int8) | (Int4, Int8) | (Bool, Int4) | (Float4, Float8) => Some(NativeCast::Same),
        (Unknown | Text | Varchar, Text | Varchar) => Some(NativeCast::Same),
        (Enum(_) | Uuid | Json | Jsonb | Numeric | Interval, Text | Varchar) => Some(NativeCast::Same),
        (Jsonb, Json) => Some(NativeCast::Same),
        (Int2 | Int4 | Int8, Float8) => Some(NativeCast::Real),
        (Int2 | Int4 | Int8, Text | Varchar | Numeric) => Some(NativeCast::Digits),
        (Int4, Bool) => Some(NativeCast::Truth),
        _ => None,
    }
}

/// Whether a cast is SQLite's own, which never fails.
pub(super) fn is_native_cast(from: &Type, to: &Type, modifier: Modifier) -> bool {
    native_cast(from, to, modifier).is_some()
}

fn apply(cast: NativeCast, from: &Type, text: &str) -> String {
    match cast {
        // A column's collation is its type's; as text it is compared as text.
        NativeCast::Same if collation(from).is_some() => format!("({text} collate binary)"),
        NativeCast::Same => text.to_owned(),
        NativeCast::Real => format!("cast({text} as real)"),
        NativeCast::Digits => format!("cast({text} as text)"),
        NativeCast::Truth => format!("({text} <> 0)"),
    }
}

/// How far a cast depends on its argument alone.
pub(super) fn cast_volatility(from: &Type, to: &Type) -> Volatility {
    use Type::*;
    match (from, to) {
        (Array(from), to) => cast_volatility(from, to),
        (from, Array(to)) => cast_volatility(from, to),
        (from, to) if from == to => Volatility::Immutable,
        // The zone of the session decides what is read and shown; `'now'` and `'today'` are inputs, too.
        (Timestamptz | Range(_), _) | (_, Timestamptz | Range(_)) => Volatility::Stable,
        (Unknown | Text | Varchar | Char, Date | Time | Timestamp) => Volatility::Stable,
        _ => Volatility::Immutable,
    }
}

/// Operators and functions that answer for every argument. Patterns are among them: whether one is malformed does not depend on the
/// rows, and they are what filters are made of.
pub(super) fn never_fails(builtin: &Builtin) -> bool {
    const NAMES: [&str; 47] = [
        "||",
        "~~",
        "!~~",
        "~~*",
        "!~~*",
        "~",
        "!~",
        "~*",
        "!~*",
        "->",
        "->>",
        "#>",
        "#>>",
        "@>",
        "<@",
        "&&",
        "?",
        "?|",
        "?&",
        "^@",
        "starts_with",
        "length",
        "char_length",
        "character_length",
        "octet_length",
        "lower",
        "upper",
        "initcap",
        "btrim",
        "ltrim",
        "rtrim",
        "left",
        "right",
        "strpos",
        "replace",
        "reverse",
        "now",
        "current_date",
        "current_timestamp",
        "transaction_timestamp",
        "cardinality",
        "array_length",
        "array_position",
        "to_jsonb",
        "to_json",
        "jsonb_typeof",
        "json_typeof",
    ];
    NAMES.contains(&builtin.name)
}
