//! One expression: which form of the syntax tree is resolved by whom, and PostgreSQL's special syntax as the function calls it
//! stands for (`extract`, `substring … from`, `at time zone`, …).

use plinth_values::builtin::Kind;
use plinth_values::{Type, Value};
use sqlparser::ast;

use super::diagnose::Place;
use super::scope::{Scope, parts};
use super::{Result, Work};
use crate::expr::{Expr, ExprKind};

/// What an expression is told when no other form took it.
const REWRITE: &str = "write it in another way";

impl Work<'_> {
    /// An expression. A bare literal keeps the type `unknown`: its surroundings say what it is.
    pub(super) fn expr(&self, scope: &Scope<'_>, ast: &ast::Expr) -> Result<Expr> {
        let _level = self.deeper(ast)?;
        match ast {
            ast::Expr::Nested(inner) => self.expr(scope, inner),
            ast::Expr::Identifier(ident) => self.column(scope, ast, std::slice::from_ref(ident)),
            ast::Expr::CompoundIdentifier(idents) => self.column(scope, ast, idents),
            ast::Expr::Value(value) => self.value(value),
            ast::Expr::TypedString(typed) => self.typed_string(typed),
            ast::Expr::Interval(interval) => self.interval(ast, interval),
            ast::Expr::BinaryOp { left, op, right } => self.binary(scope, ast, left, op, right),
            ast::Expr::UnaryOp { op, expr } => self.unary(scope, ast, *op, expr),
            ast::Expr::Cast { kind, expr, data_type, format } => match (kind, format) {
                (ast::CastKind::Cast | ast::CastKind::DoubleColon, None) => {
                    self.written_cast(scope, ast, expr, data_type)
                }
                _ => Err(self.unsupported(ast, "this form of cast", "use cast(… as …) or ::")),
            },
            ast::Expr::Function(call) => self.call(scope, ast, call),
            ast::Expr::Case { operand, conditions, else_result, .. } => {
                self.case(scope, ast, operand.as_deref(), conditions, else_result.as_deref())
            }
            ast::Expr::InList { expr, list, negated } => self.in_list(scope, ast, expr, list, *negated),
            ast::Expr::InSubquery { expr, subquery, negated } => {
                self.in_query(scope, ast, expr, subquery, *negated)
            }
            ast::Expr::Between { expr, negated, low, high } => {
                self.between(scope, ast, (expr, low, high), *negated)
            }
            ast::Expr::Exists { subquery, negated } => {
                let query = Box::new(self.subquery(scope, ast, subquery)?);
                Ok(Expr::boolean(ExprKind::Exists { query, negated: *negated }))
            }
            ast::Expr::Subquery(query) => self.scalar_query(scope, ast, query),
            ast::Expr::Array(array) => self.array(scope, ast, &array.elem, None),
            ast::Expr::CompoundFieldAccess { root, access_chain } => {
                self.subscript(scope, ast, root, access_chain)
            }
            ast::Expr::AnyOp { left, compare_op, right, .. } => {
                let operator = self.quantified_operator(ast, compare_op)?;
                self.quantified(scope, ast, left, &operator, right, false)
            }
            ast::Expr::AllOp { left, compare_op, right } => {
                let operator = self.quantified_operator(ast, compare_op)?;
                self.quantified(scope, ast, left, &operator, right, true)
            }
            ast::Expr::Tuple(_) => Err(self.row_as_value(ast)),
            _ => match self.test(scope, ast)? {
                Some(expr) => Ok(expr),
                None => self.special(scope, ast),
            },
        }
    }

    pub(super) fn row_as_value(&self, at: &impl Place) -> crate::Diagnostic {
        let hint = "rows can be compared, and tested by in and is null";
        self.refuse(at, "a row cannot be used as a value here").hint(hint)
    }

    /// `expr::type`
    fn written_cast(
        &self,
        scope: &Scope<'_>,
        ast: &ast::Expr,
        expr: &ast::Expr,
        data_type: &ast::DataType,
    ) -> Result<Expr> {
        let (ty, modifier) = self.cast_type(ast, data_type)?;
        let inner = match expr {
            ast::Expr::Nested(inner) => inner.as_ref(),
            expr => expr,
        };
        // As in PostgreSQL, the cast of `array[…]` is the cast of its elements: so it can be empty, or of bare literals.
        let expr = match (inner, ty.element()) {
            (ast::Expr::Array(array), Some(element)) => {
                self.array(scope, inner, &array.elem, Some(element))?
            }
            _ => self.expr(scope, expr)?,
        };
        self.explicit_cast(ast, expr, &ty, modifier)
    }

    fn scalar_query(&self, scope: &Scope<'_>, ast: &ast::Expr, query: &ast::Query) -> Result<Expr> {
        let query = self.subquery(scope, ast, query)?;
        let [(_, ty)] = query.columns.as_slice() else {
            return Err(self.refuse(ast, "subquery must return only one column"));
        };
        let ty = ty.clone();
        Ok(Expr { kind: ExprKind::Scalar(Box::new(query)), ty })
    }

    /// `is null` and its relatives.
    fn test(&self, scope: &Scope<'_>, ast: &ast::Expr) -> Result<Option<Expr>> {
        Ok(Some(match ast {
            ast::Expr::IsNull(expr) => self.is_null(scope, ast, expr, false)?,
            ast::Expr::IsNotNull(expr) => self.is_null(scope, ast, expr, true)?,
            ast::Expr::IsTrue(expr) => self.is_bool(scope, ast, expr, Some(true), false)?,
            ast::Expr::IsNotTrue(expr) => self.is_bool(scope, ast, expr, Some(true), true)?,
            ast::Expr::IsFalse(expr) => self.is_bool(scope, ast, expr, Some(false), false)?,
            ast::Expr::IsNotFalse(expr) => self.is_bool(scope, ast, expr, Some(false), true)?,
            ast::Expr::IsUnknown(expr) => self.is_bool(scope, ast, expr, None, false)?,
            ast::Expr::IsNotUnknown(expr) => self.is_bool(scope, ast, expr, None, true)?,
            ast::Expr::IsDistinctFrom(left, right) => self.distinct(scope, ast, left, right, false)?,
            ast::Expr::IsNotDistinctFrom(left, right) => self.distinct(scope, ast, left, right, true)?,
            _ => return Ok(None),
        }))
    }

    fn is_null(&self, scope: &Scope<'_>, _ast: &ast::Expr, expr: &ast::Expr, negated: bool) -> Result<Expr> {
        if let Some(elements) = self.row_elements(expr) {
            let elements = elements.into_iter().map(|element| self.expr(scope, element));
            return Ok(self.row_is_null(elements.collect::<Result<_>>()?, negated));
        }
        if let Some(table) = self.whole_row(scope, expr) {
            return Ok(self.row_is_null(self.row_columns(table), negated));
        }
        let expr = self.expr(scope, expr)?;
        let expr = Box::new(self.known(expr)?);
        Ok(Expr::boolean(ExprKind::IsNull { expr, negated }))
    }

    fn is_bool(
        &self,
        scope: &Scope<'_>,
        ast: &ast::Expr,
        expr: &ast::Expr,
        value: Option<bool>,
        negated: bool,
    ) -> Result<Expr> {
        let construct = match (value, negated) {
            (Some(true), false) => "IS TRUE",
            (Some(true), true) => "IS NOT TRUE",
            (Some(false), false) => "IS FALSE",
            (Some(false), true) => "IS NOT FALSE",
            (None, false) => "IS UNKNOWN",
            (None, true) => "IS NOT UNKNOWN",
        };
        let expr = self.expr(scope, expr)?;
        let expr = Box::new(self.condition(ast, expr, construct)?);
        Ok(Expr::boolean(ExprKind::IsBool { expr, value, negated }))
    }

    /// Syntax that stands for a function.
    fn special(&self, scope: &Scope<'_>, ast: &ast::Expr) -> Result<Expr> {
        match ast {
            ast::Expr::Like { negated, any: false, expr, pattern, escape_char } => {
                self.like(scope, ast, "~~", (expr, pattern), escape_char.as_deref(), *negated)
            }
            ast::Expr::ILike { negated, any: false, expr, pattern, escape_char } => {
                self.like(scope, ast, "~~*", (expr, pattern), escape_char.as_deref(), *negated)
            }
            ast::Expr::Like { negated, any: true, expr, pattern, escape_char: None } => self.quantified(
                scope,
                ast,
                expr,
                if *negated { "!~~" } else { "~~" },
                unnested(pattern),
                false,
            ),
            ast::Expr::ILike { negated, any: true, expr, pattern, escape_char: None } => self.quantified(
                scope,
                ast,
                expr,
                if *negated { "!~~*" } else { "~~*" },
                unnested(pattern),
                false,
            ),
            ast::Expr::SimilarTo { .. } => Err(self.unsupported(ast, "similar to", "use like or ~")),
            ast::Expr::AtTimeZone { timestamp, time_zone } => {
                let args = vec![self.expr(scope, time_zone)?, self.expr(scope, timestamp)?];
                self.builtin(ast, "timezone", &[Kind::Function], args)
            }
            ast::Expr::Extract { field, expr, .. } => {
                let field = field.to_string().to_lowercase();
                let field = Expr::literal(Value::Text(field.trim_matches('\'').to_owned()), Type::Text);
                let args = vec![field, self.expr(scope, expr)?];
                self.builtin(ast, "extract", &[Kind::Function], args)
            }
            ast::Expr::Ceil { expr, field } => self.rounding(scope, ast, "ceil", expr, field),
            ast::Expr::Floor { expr, field } => self.rounding(scope, ast, "floor", expr, field),
            ast::Expr::Position { expr, r#in } => {
                let args = vec![self.expr(scope, r#in)?, self.expr(scope, expr)?];
                self.builtin(ast, "strpos", &[Kind::Function], args)
            }
            ast::Expr::Substring { expr, substring_from, substring_for, shorthand, .. } => {
                let name = if *shorthand { "substr" } else { "substring" };
                let from = match (substring_from, substring_for) {
                    (Some(from), _) => Some(self.expr(scope, from)?),
                    // Without `from` it starts at the first character.
                    (None, Some(_)) => Some(Expr::literal(Value::Int(1), Type::Int4)),
                    (None, None) => None,
                };
                let mut args = vec![self.expr(scope, expr)?];
                args.extend(from);
                if let Some(length) = substring_for {
                    args.push(self.expr(scope, length)?);
                }
                self.builtin(ast, name, &[Kind::Function], args)
            }
            ast::Expr::Trim { trim_where, trim_what, expr, trim_characters } => {
                let name = match trim_where {
                    Some(ast::TrimWhereField::Leading) => "ltrim",
                    Some(ast::TrimWhereField::Trailing) => "rtrim",
                    Some(ast::TrimWhereField::Both) | None => "btrim",
                };
                let mut args = vec![self.expr(scope, expr)?];
                for what in trim_what.iter().map(Box::as_ref).chain(trim_characters.iter().flatten()) {
                    args.push(self.expr(scope, what)?);
                }
                self.builtin(ast, name, &[Kind::Function], args)
            }
            ast::Expr::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                let parts = [expr, overlay_what, overlay_from].into_iter().chain(overlay_for);
                let args = parts.map(|part| self.expr(scope, part)).collect::<Result<Vec<Expr>>>()?;
                self.builtin(ast, "overlay", &[Kind::Function], args)
            }
            ast::Expr::Collate { expr, collation } => self.collate(scope, ast, expr, collation),
            ast::Expr::Named { .. } => Err(self.unsupported(ast, "a name for an argument", REWRITE)),
            other => Err(self.unsupported(ast, &format!("the expression {other}"), REWRITE)),
        }
    }

    fn rounding(
        &self,
        scope: &Scope<'_>,
        ast: &ast::Expr,
        name: &str,
        expr: &ast::Expr,
        field: &ast::CeilFloorKind,
    ) -> Result<Expr> {
        match field {
            ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime) => {
                let args = vec![self.expr(scope, expr)?];
                self.builtin(ast, name, &[Kind::Function], args)
            }
            _ => Err(self.unsupported(ast, &format!("{name} with a unit"), "use round")),
        }
    }

    /// `expr collate "C"`: text is compared byte by byte anyway.
    fn collate(
        &self,
        scope: &Scope<'_>,
        ast: &ast::Expr,
        expr: &ast::Expr,
        collation: &ast::ObjectName,
    ) -> Result<Expr> {
        let value = self.expr(scope, expr)?;
        if !value.ty.is_string() && value.ty != Type::Unknown {
            return Err(self.refuse(ast, format!("collations are not supported by type {}", value.ty)));
        }
        match parts(collation).last().map(String::as_str) {
            Some("C" | "POSIX" | "ucs_basic" | "C.UTF-8" | "C.utf8" | "pg_c_utf8") => Ok(value),
            name => {
                let what = format!("collation \"{}\"", name.unwrap_or_default());
                Err(self.unsupported(
                    ast,
                    &what,
                    "text is ordered by its characters' code points, as \"C\" does",
                ))
            }
        }
    }
}

fn unnested(ast: &ast::Expr) -> &ast::Expr {
    match ast {
        ast::Expr::Nested(inner) => inner,
        other => other,
    }
}
