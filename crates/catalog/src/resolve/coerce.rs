//! Casts: which are applied by themselves, which type several expressions have in common ("UNION, CASE, and Related
//! Constructs"), and constants turned into the type that is wanted of them.

use plinth_values::builtin::Volatility;
use plinth_values::cast::{self, Context};
use plinth_values::{Modifier, Type, Value};
use sqlparser::ast;

use super::diagnose::Place;
use super::{Result, Work};
use crate::Diagnostic;
use crate::expr::{Expr, ExprKind, Query, Setting};
use crate::walk::{self, Visitor};

/// Whether `from` becomes `to` in this context.
pub(super) fn converts(from: &Type, to: &Type, context: Context) -> bool {
    from == to || *from == Type::Unknown || cast::context(from, to).is_some_and(|needed| needed <= context)
}

/// PostgreSQL's type categories, as far as they matter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Category {
    Unknown,
    Boolean,
    Number,
    String,
    DateTime,
    Timespan,
    Enum,
    Array,
    Range,
    User,
}

fn category(ty: &Type) -> Category {
    match ty {
        Type::Unknown => Category::Unknown,
        Type::Bool => Category::Boolean,
        Type::Int2 | Type::Int4 | Type::Int8 | Type::Numeric | Type::Float4 | Type::Float8 => {
            Category::Number
        }
        Type::Text | Type::Varchar | Type::Char => Category::String,
        Type::Date | Type::Time | Type::Timestamp | Type::Timestamptz => Category::DateTime,
        Type::Interval => Category::Timespan,
        Type::Enum(_) => Category::Enum,
        Type::Array(_) => Category::Array,
        Type::Range(_) => Category::Range,
        // What stands for an object is a number there.
        Type::Regconfig => Category::Number,
        Type::Uuid
        | Type::Json
        | Type::Jsonb
        | Type::Bytea
        | Type::Tsvector
        | Type::Tsquery
        | Type::Row(_)
        | Type::Void
        | Type::Native(_) => Category::User,
    }
}

/// Whether the type is the preferred one of its category.
pub(super) fn is_preferred(ty: &Type) -> bool {
    matches!(ty, Type::Bool | Type::Float8 | Type::Text | Type::Timestamptz | Type::Interval)
}

/// The type that these have in common, or the two that have none. Bare literals alone make text.
pub(super) fn common_type<'t>(
    types: impl IntoIterator<Item = &'t Type>,
) -> std::result::Result<Type, (Type, Type)> {
    let mut common = &Type::Unknown;
    for ty in types {
        if *ty == Type::Unknown || ty == common {
            continue;
        }
        if *common == Type::Unknown {
            common = ty;
        } else if category(common) != category(ty) {
            return Err((common.clone(), ty.clone()));
        } else if !is_preferred(common)
            && converts(common, ty, Context::Implicit)
            && !converts(ty, common, Context::Implicit)
        {
            common = ty;
        }
    }
    Ok(if *common == Type::Unknown { Type::Text } else { common.clone() })
}

impl Work<'_> {
    /// The expression as the type, if PostgreSQL does that by itself in this context.
    pub(super) fn coerce(&self, at: &impl Place, expr: Expr, to: &Type, context: Context) -> Result<Expr> {
        if expr.ty == *to {
            return Ok(expr);
        }
        if !converts(&expr.ty, to, context) {
            return Err(self.refuse(at, format!("cannot cast type {} to {to}", expr.ty)));
        }
        self.cast(at, expr, to, Modifier::None, false)
    }

    /// The same for what cannot fail, or fails without a place.
    pub(super) fn coerce_unlocated(&self, expr: Expr, to: &Type, context: Context) -> Result<Expr> {
        self.coerce(&ast::Ident::new(""), expr, to, context)
    }

    /// The expression as the value of a column (or another target, by its name), with its modifier.
    pub(super) fn assign(
        &self,
        at: &impl Place,
        expr: Expr,
        to: &Type,
        modifier: Modifier,
        target: impl FnOnce() -> String,
    ) -> Result<Expr> {
        if !converts(&expr.ty, to, Context::Assignment) {
            let message = format!("{} is of type {to} but expression is of type {}", target(), expr.ty);
            return Err(self.refuse(at, message).hint("rewrite or cast the expression"));
        }
        self.cast(at, expr, to, modifier, false)
    }

    /// A cast that is known to exist; constants are cast here and now where nothing depends on the caller.
    pub(super) fn cast(
        &self,
        at: &impl Place,
        expr: Expr,
        to: &Type,
        modifier: Modifier,
        explicit: bool,
    ) -> Result<Expr> {
        if expr.ty == *to && modifier == Modifier::None {
            return Ok(expr);
        }
        if let ExprKind::Literal(value) = &expr.kind {
            match value {
                Value::Null => return Ok(Expr::literal(Value::Null, to.clone())),
                Value::Text(text) if expr.ty == Type::Unknown => {
                    return self.read(at, text, to, modifier, explicit);
                }
                value if is_plain(&expr.ty) && is_plain(to) => {
                    // A cast that fails is left for the moment when it is needed, which may never come.
                    let cast = cast::cast(&expr.ty, to, modifier, explicit, value.as_ref(), &self.session);
                    if let Ok(value) = cast {
                        return Ok(Expr::literal(value, to.clone()));
                    }
                }
                _ => {}
            }
        }
        Ok(Expr { kind: ExprKind::Cast { expr: Box::new(expr), modifier, explicit }, ty: to.clone() })
    }

    /// `expr::type`
    pub(super) fn explicit_cast(
        &self,
        at: &impl Place,
        expr: Expr,
        to: &Type,
        modifier: Modifier,
    ) -> Result<Expr> {
        if !converts(&expr.ty, to, Context::Explicit) {
            return Err(self.refuse(at, format!("cannot cast type {} to {to}", expr.ty)));
        }
        self.cast(at, expr, to, modifier, true)
    }

    /// All expressions as the type they have in common. `construct` is PostgreSQL's word for what they stand in.
    pub(super) fn in_common(
        &self,
        at: &impl Place,
        construct: &str,
        exprs: Vec<Expr>,
    ) -> Result<(Vec<Expr>, Type)> {
        let common = common_type(exprs.iter().map(|expr| &expr.ty))
            .map_err(|(a, b)| self.no_common_type(at, construct, &a, &b))?;
        let exprs = exprs.into_iter().map(|expr| {
            let from = expr.ty.clone();
            if !converts(&from, &common, Context::Implicit) {
                let part = if construct == "CASE" { "CASE/WHEN" } else { construct };
                return Err(self.refuse(at, format!("{part} could not convert type {from} to {common}")));
            }
            self.coerce(at, expr, &common, Context::Implicit)
        });
        Ok((exprs.collect::<Result<_>>()?, common))
    }

    pub(super) fn no_common_type(&self, at: &impl Place, construct: &str, a: &Type, b: &Type) -> Diagnostic {
        self.refuse(at, format!("{construct} types {a} and {b} cannot be matched"))
    }

    /// A condition.
    pub(super) fn condition(&self, at: &impl Place, expr: Expr, construct: &str) -> Result<Expr> {
        if !converts(&expr.ty, &Type::Bool, Context::Implicit) {
            let message = format!("argument of {construct} must be type boolean, not type {}", expr.ty);
            return Err(self.refuse(at, message));
        }
        self.coerce(at, expr, &Type::Bool, Context::Implicit)
    }

    /// Refuses what PostgreSQL refuses in generated columns and indexes.
    pub(super) fn require_immutable(&self, at: &impl Place, expr: &Expr, context: &str) -> Result<()> {
        let mut finder = Volatilities { work: self, most: Volatility::Immutable };
        finder.expr(expr);
        match finder.most {
            Volatility::Immutable => Ok(()),
            _ if context == "column generation expression" => {
                Err(self.refuse(at, "generation expression is not immutable"))
            }
            _ => Err(self.refuse(at, format!("functions in {context} must be marked IMMUTABLE"))),
        }
    }
}

/// Types whose casts among each other depend on nothing but the value.
fn is_plain(ty: &Type) -> bool {
    ty.is_number() || ty.is_string()
}

/// Finds the most volatile part of an expression.
struct Volatilities<'w, 'c> {
    work: &'w Work<'c>,
    most: Volatility,
}

impl Visitor for Volatilities<'_, '_> {
    fn expr(&mut self, expr: &Expr) {
        let here = match &expr.kind {
            // PostgreSQL replaces these two by the cast that they contain, and looks at that.
            ExprKind::Call { builtin, args }
                if matches!(builtin.id, "text_concat_any" | "any_concat_text") =>
            {
                match args.iter().any(|arg| depends_on_zone(&arg.ty, &Type::Text)) {
                    true => Volatility::Stable,
                    false => Volatility::Immutable,
                }
            }
            ExprKind::Call { builtin, .. } => builtin.volatility,
            ExprKind::UserCall { function, .. } => self.work.catalog.function(*function).volatility,
            ExprKind::Cast { expr: from, .. } if depends_on_zone(&from.ty, &expr.ty) => Volatility::Stable,
            ExprKind::Setting(
                Setting::Uid
                | Setting::Role
                | Setting::Jwt
                | Setting::Claims
                | Setting::Method
                | Setting::Path
                | Setting::Headers
                | Setting::Cookies,
            ) => Volatility::Stable,
            _ => Volatility::Immutable,
        };
        self.most = self.most.max(here);
        walk::walk_expr(self, expr);
    }

    fn query(&mut self, query: &Query) {
        self.most = self.most.max(Volatility::Stable);
        walk::walk_query(self, query);
    }
}

/// Whether a cast depends on the session: PostgreSQL marks those between text and dates, and those across time zones, stable.
fn depends_on_zone(from: &Type, to: &Type) -> bool {
    let dated = |ty: &Type| {
        matches!(
            ty,
            Type::Date | Type::Time | Type::Timestamp | Type::Timestamptz | Type::Interval | Type::Range(_)
        )
    };
    let zoned = |ty: &Type| *ty == Type::Timestamptz;
    let of_array = |ty: &Type| ty.element().is_some_and(dated);
    (zoned(from) != zoned(to) && dated(from) && dated(to))
        || ((dated(from) || of_array(from)) && (to.is_string() || to.is_json()))
        || ((dated(to) || of_array(to)) && from.is_string())
}
