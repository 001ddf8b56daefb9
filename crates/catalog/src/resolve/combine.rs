//! Forms that make one value of several of a common type: `case`, `coalesce`, `nullif`, `greatest`, `least`, arrays.

use plinth_values::cast::Context;
use plinth_values::{Type, Value};
use sqlparser::ast;

use super::scope::{Scope, fold};
use super::{Result, Work};
use crate::expr::{CompareOp, Expr, ExprKind};

impl Work<'_> {
    /// `case [operand] when … then … else … end`
    pub(super) fn case(
        &self,
        scope: &Scope<'_>,
        ast: &ast::Expr,
        operand: Option<&ast::Expr>,
        whens: &[ast::CaseWhen],
        otherwise: Option<&ast::Expr>,
    ) -> Result<Expr> {
        let mut conditions = Vec::with_capacity(whens.len());
        let mut results = Vec::with_capacity(whens.len() + 1);
        for when in whens {
            let condition = match operand {
                Some(operand) => {
                    self.compare_asts(scope, &when.condition, CompareOp::Eq, operand, &when.condition)?
                }
                None => {
                    let condition = self.expr(scope, &when.condition)?;
                    self.condition(&when.condition, condition, "CASE/WHEN")?
                }
            };
            conditions.push(condition);
            results.push(self.expr(scope, &when.result)?);
        }
        // PostgreSQL looks at `else` first when it chooses the type.
        let has_else = otherwise.is_some();
        if let Some(otherwise) = otherwise {
            results.insert(0, self.expr(scope, otherwise)?);
        }
        let (mut results, ty) = self.in_common(ast, "CASE", results)?;
        let otherwise = has_else.then(|| Box::new(results.remove(0)));
        let whens = conditions.into_iter().zip(results).collect();
        Ok(Expr { kind: ExprKind::Case { whens, otherwise }, ty })
    }

    /// `coalesce`, `greatest`, `least`: `form` makes the expression.
    pub(super) fn several(
        &self,
        scope: &Scope<'_>,
        ast: &ast::Expr,
        construct: &str,
        args: &[&ast::Expr],
        form: fn(Vec<Expr>) -> ExprKind,
    ) -> Result<Expr> {
        if args.is_empty() {
            return Err(self.refuse(ast, format!("{construct} needs at least one argument")));
        }
        let exprs = args.iter().map(|arg| self.expr(scope, arg)).collect::<Result<Vec<Expr>>>()?;
        let (exprs, ty) = self.in_common(ast, construct, exprs)?;
        if construct != "COALESCE" && !super::compare::is_comparable(&ty) {
            return Err(self.refuse(ast, format!("could not identify a comparison function for type {ty}")));
        }
        Ok(Expr { kind: form(exprs), ty })
    }

    /// `nullif(a, b)`
    pub(super) fn nullif(&self, scope: &Scope<'_>, ast: &ast::Expr, args: &[&ast::Expr]) -> Result<Expr> {
        let [left, right] = args else {
            return Err(self.refuse(ast, "nullif needs two arguments"));
        };
        let (left, right) = (self.expr(scope, left)?, self.expr(scope, right)?);
        let original = left.clone();
        let other = right.ty.clone();
        let (compared, right) = self.comparable(ast, "=", left, right)?;
        let kept = keeps_type(&original.ty, &other) && compared.ty != original.ty;
        if !kept {
            // Varchar has no comparison of its own: the operator's type, and so the result's, is text.
            let ty = if compared.ty == Type::Varchar { Type::Text } else { compared.ty.clone() };
            let (compared, right) =
                (self.as_compared(ast, compared, &ty)?, self.as_compared(ast, right, &ty)?);
            return Ok(Expr { kind: ExprKind::NullIf(Box::new(compared), Box::new(right)), ty });
        }
        let ty = original.ty.clone();
        let equal = Expr::compare(CompareOp::Eq, compared, right);
        let null = Expr::literal(Value::Null, ty.clone());
        Ok(Expr {
            kind: ExprKind::Case { whens: vec![(equal, null)], otherwise: Some(Box::new(original)) },
            ty,
        })
    }

    /// `array[…]`; `want` is the element type where a cast names it.
    pub(super) fn array(
        &self,
        scope: &Scope<'_>,
        ast: &ast::Expr,
        elements: &[ast::Expr],
        want: Option<&Type>,
    ) -> Result<Expr> {
        let nested = |element: &ast::Expr| match element {
            ast::Expr::Array(inner) => Some(inner.elem.clone()),
            _ => None,
        };
        let _level = self.deeper(ast)?;
        let exprs = elements.iter().map(|element| match nested(element) {
            Some(inner) => self.array(scope, element, &inner, want),
            None => {
                let expr = self.expr(scope, element)?;
                match want {
                    Some(ty) => self.explicit_cast(element, expr, ty, plinth_values::Modifier::None),
                    None => Ok(expr),
                }
            }
        });
        let exprs = exprs.collect::<Result<Vec<Expr>>>()?;
        if exprs.is_empty() {
            let Some(ty) = want else {
                let message = "cannot determine type of empty array";
                return Err(self.refuse(ast, message).hint("cast it, for example array[]::integer[]"));
            };
            return Ok(Expr::literal(Value::Text("[]".to_owned()), ty.clone().array()));
        }
        let (exprs, ty) = self.in_common(ast, "ARRAY", exprs)?;
        // An array of arrays has one more dimension, and the same type.
        let ty = if ty.element().is_some() { ty } else { ty.array() };
        Ok(Expr { kind: ExprKind::Array(exprs), ty })
    }

    /// `array(select …)`
    pub(super) fn array_query(&self, scope: &Scope<'_>, ast: &ast::Expr, query: &ast::Query) -> Result<Expr> {
        let query = self.subquery(scope, ast, query)?;
        let [(_, ty)] = query.columns.as_slice() else {
            return Err(self.refuse(ast, "subquery must return only one column"));
        };
        if ty.element().is_some() {
            return Err(self.unsupported(
                ast,
                "an array of arrays from a subquery",
                "use array_agg or json_agg",
            ));
        }
        let ty = ty.clone().array();
        Ok(Expr { kind: ExprKind::ArrayQuery(Box::new(query)), ty })
    }

    /// `value[i]`
    pub(super) fn subscript(
        &self,
        scope: &Scope<'_>,
        ast: &ast::Expr,
        root: &ast::Expr,
        access_chain: &[ast::AccessExpr],
    ) -> Result<Expr> {
        let (mut value, access_chain) = match (self.whole_row(scope, root), access_chain) {
            (Some(row), [ast::AccessExpr::Dot(ast::Expr::Identifier(name)), rest @ ..]) => {
                (self.row_member(ast, row, &fold(name))?, rest)
            }
            _ => (self.expr(scope, root)?, access_chain),
        };
        if let [ast::AccessExpr::Subscript(ast::Subscript::Slice { lower_bound, upper_bound, stride: None })] =
            access_chain
            && value.ty.element().is_some()
        {
            // One slice is of the first dimension.
            let bound = |bound: &Option<ast::Expr>, default: i32| match bound {
                Some(bound) => {
                    let bound = self.expr(scope, bound)?;
                    self.coerce(ast, bound, &Type::Int4, Context::Assignment)
                }
                None => Ok(Expr::literal(Value::Int(default.into()), Type::Int4)),
            };
            let args = vec![value, bound(lower_bound, 1)?, bound(upper_bound, i32::MAX)?];
            return self.builtin(ast, "[:]", &[plinth_values::builtin::Kind::Function], args);
        }
        for (depth, access) in access_chain.iter().enumerate() {
            let ast::AccessExpr::Subscript(ast::Subscript::Index { index }) = access else {
                let hint = "use the function of the same meaning, or name the column in a query";
                return Err(self.unsupported(ast, "a slice or a field of a value", hint));
            };
            let index = self.expr(scope, index)?;
            if value.ty == Type::Jsonb {
                value =
                    self.builtin(ast, "->", &[plinth_values::builtin::Kind::Operator], vec![value, index])?;
                continue;
            }
            let Some(element) = value.ty.element().cloned() else {
                let message =
                    format!("cannot subscript type {} because it does not support subscripting", value.ty);
                return Err(self.refuse(ast, message));
            };
            if depth > 0 || access_chain.len() > 1 {
                return Err(self.unsupported(ast, "more than one subscript", "use unnest"));
            }
            let index = self.coerce(ast, index, &Type::Int4, Context::Assignment)?;
            let kind = ExprKind::Index { array: Box::new(value), index: Box::new(index) };
            value = Expr { kind, ty: element };
        }
        Ok(value)
    }
}

/// Whether PostgreSQL compares the two types without casting the left one, although they differ.
fn keeps_type(left: &Type, right: &Type) -> bool {
    let floats = |ty: &Type| matches!(ty, Type::Float4 | Type::Float8);
    let dates = |ty: &Type| matches!(ty, Type::Date | Type::Timestamp | Type::Timestamptz);
    (left.is_integer() && right.is_integer())
        || (floats(left) && right.is_number())
        || (dates(left) && dates(right))
}
