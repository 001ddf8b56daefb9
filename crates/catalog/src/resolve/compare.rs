//! Comparisons: the type in which two values are compared, and everything that comes down to comparing.

use plinth_values::cast::Context;
use plinth_values::{Type, Value};
use sqlparser::ast::{self, BinaryOperator};

use super::coerce::converts;
use super::diagnose::Place;
use super::scope::Scope;
use super::{Result, Work};
use crate::expr::{CompareOp, Expr, ExprKind};

/// The comparison that an operator stands for.
pub(super) fn compare_op(op: &BinaryOperator) -> Option<CompareOp> {
    match op {
        BinaryOperator::Eq => Some(CompareOp::Eq),
        BinaryOperator::NotEq => Some(CompareOp::Ne),
        BinaryOperator::Lt => Some(CompareOp::Lt),
        BinaryOperator::LtEq => Some(CompareOp::Le),
        BinaryOperator::Gt => Some(CompareOp::Gt),
        BinaryOperator::GtEq => Some(CompareOp::Ge),
        _ => None,
    }
}

/// The operator's symbol.
pub(crate) fn symbol(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Eq => "=",
        CompareOp::Ne => "<>",
        CompareOp::Lt => "<",
        CompareOp::Le => "<=",
        CompareOp::Gt => ">",
        CompareOp::Ge => ">=",
    }
}

/// Whether values of the type can be compared at all.
pub(super) fn is_comparable(ty: &Type) -> bool {
    match ty {
        Type::Json | Type::Tsquery | Type::Regconfig | Type::Row(_) | Type::Void => false,
        Type::Array(element) => is_comparable(element),
        _ => true,
    }
}

/// The type in which PostgreSQL's operators compare two types; `None` when no operator does.
pub(super) fn compared_as(left: &Type, right: &Type) -> Option<Type> {
    let common = match (left, right) {
        (Type::Unknown, Type::Unknown) => Type::Text,
        (Type::Unknown, ty) | (ty, Type::Unknown) => ty.clone(),
        (a, b) if a == b => a.clone(),
        (a, b) if a.is_number() && b.is_number() => numbers(a, b),
        // `char` keeps its own comparison against varchar, but becomes text beside text.
        (Type::Char, Type::Varchar) | (Type::Varchar, Type::Char) => Type::Char,
        (a, b) if a.is_string() && b.is_string() => Type::Text,
        (Type::Array(_), Type::Array(_)) => return None,
        (a, b) if converts(a, b, Context::Implicit) => b.clone(),
        (a, b) if converts(b, a, Context::Implicit) => a.clone(),
        _ => return None,
    };
    is_comparable(&common).then_some(common)
}

/// Whole numbers meet in the larger type, exact ones in numeric, and whatever is not exact in double precision.
fn numbers(a: &Type, b: &Type) -> Type {
    match (a, b) {
        (Type::Float4 | Type::Float8, _) | (_, Type::Float4 | Type::Float8) => Type::Float8,
        (Type::Numeric, _) | (_, Type::Numeric) => Type::Numeric,
        (Type::Int8, _) | (_, Type::Int8) => Type::Int8,
        _ => Type::Int4,
    }
}

/// Whether the expression is a whole-number constant that the type has too. Comparing in the column's own type then means the
/// same, and leaves the column bare for an index.
fn fits(constant: &Expr, ty: &Type) -> bool {
    let ExprKind::Literal(Value::Int(number)) = constant.kind else { return false };
    constant.ty.is_integer()
        && match ty {
            Type::Int2 => i16::try_from(number).is_ok(),
            Type::Int4 => i32::try_from(number).is_ok(),
            Type::Int8 => true,
            _ => false,
        }
}

impl Work<'_> {
    /// Both sides in the type in which they are compared.
    pub(super) fn comparable(
        &self,
        at: &impl Place,
        operator: &str,
        left: Expr,
        right: Expr,
    ) -> Result<(Expr, Expr)> {
        let ty = if fits(&right, &left.ty) {
            left.ty.clone()
        } else if fits(&left, &right.ty) {
            right.ty.clone()
        } else {
            compared_as(&left.ty, &right.ty)
                .ok_or_else(|| self.no_operator(at, operator, &[&left.ty, &right.ty]))?
        };
        Ok((self.as_compared(at, left, &ty)?, self.as_compared(at, right, &ty)?))
    }

    /// A side of a comparison in the type that was found for it.
    pub(super) fn as_compared(&self, at: &impl Place, side: Expr, ty: &Type) -> Result<Expr> {
        self.cast(at, side, ty, plinth_values::Modifier::None, false)
    }

    /// `left op right`
    pub(super) fn compare(&self, at: &impl Place, op: CompareOp, left: Expr, right: Expr) -> Result<Expr> {
        let (left, right) = self.comparable(at, symbol(op), left, right)?;
        Ok(Expr::compare(op, left, right))
    }

    /// `left is [not] distinct from right`
    pub(super) fn distinct(
        &self,
        scope: &Scope<'_>,
        ast: &ast::Expr,
        left: &ast::Expr,
        right: &ast::Expr,
        negated: bool,
    ) -> Result<Expr> {
        if let Some((left, right)) = self.rows(ast, left, right)? {
            let pairs = left.into_iter().zip(right);
            let pairs = pairs.map(|(left, right)| self.distinct(scope, ast, left, right, negated));
            let pairs = pairs.collect::<Result<Vec<Expr>>>()?;
            return Ok(if negated { Expr::and(pairs) } else { Expr::or(pairs) });
        }
        let (left, right) = (self.expr(scope, left)?, self.expr(scope, right)?);
        // Beside a bare null it is a test for null, which every type has.
        let is_null =
            |side: &Expr| matches!(side.kind, ExprKind::Literal(Value::Null)) && side.ty == Type::Unknown;
        match (is_null(&left), is_null(&right)) {
            (_, true) if left.ty != Type::Unknown => return Ok(null_test(left, !negated)),
            (true, _) if right.ty != Type::Unknown => return Ok(null_test(right, !negated)),
            _ => {}
        }
        let (left, right) = self.comparable(ast, "=", left, right)?;
        Ok(Expr::boolean(ExprKind::IsDistinct { left: Box::new(left), right: Box::new(right), negated }))
    }

    /// `expr [not] in (a, b, …)`
    pub(super) fn in_list(
        &self,
        scope: &Scope<'_>,
        ast: &ast::Expr,
        expr: &ast::Expr,
        list: &[ast::Expr],
        negated: bool,
    ) -> Result<Expr> {
        if self.row_elements(expr).is_some() {
            let any = list.iter().map(|item| self.compare_asts(scope, ast, CompareOp::Eq, expr, item));
            return Ok(negate_if(negated, Expr::or(any.collect::<Result<Vec<Expr>>>()?)));
        }
        let expr = self.expr(scope, expr)?;
        let list = list.iter().map(|item| self.expr(scope, item)).collect::<Result<Vec<Expr>>>()?;
        let typed = list
            .iter()
            .map(|item| match fits(item, &expr.ty) {
                true => Some(expr.ty.clone()),
                false => compared_as(&expr.ty, &item.ty),
            })
            .reduce(|a, b| if a == b { a } else { None })
            .flatten();
        match typed {
            Some(ty) => {
                let list = list.into_iter().map(|item| self.as_compared(ast, item, &ty));
                let list = list.collect::<Result<Vec<Expr>>>()?;
                let expr = Box::new(self.as_compared(ast, expr, &ty)?);
                Ok(Expr::boolean(ExprKind::InList { expr, list, negated }))
            }
            // Each item is compared in a type of its own, as if written with `or`.
            None => {
                let any = list.into_iter().map(|item| self.compare(ast, CompareOp::Eq, expr.clone(), item));
                Ok(negate_if(negated, Expr::or(any.collect::<Result<Vec<Expr>>>()?)))
            }
        }
    }

    /// `expr [not] in (select …)`
    pub(super) fn in_query(
        &self,
        scope: &Scope<'_>,
        ast: &ast::Expr,
        expr: &ast::Expr,
        query: &ast::Query,
        negated: bool,
    ) -> Result<Expr> {
        let single = std::slice::from_ref(expr);
        let exprs = match self.row_elements(expr) {
            Some(elements) => elements,
            None => single.iter().collect(),
        };
        let exprs = exprs.into_iter().map(|expr| self.expr(scope, expr)).collect::<Result<Vec<Expr>>>()?;
        let mut query = self.subquery(scope, ast, query)?;
        match query.columns.len() {
            columns if columns > exprs.len() => return Err(self.refuse(ast, "subquery has too many columns")),
            columns if columns < exprs.len() => return Err(self.refuse(ast, "subquery has too few columns")),
            _ => {}
        }
        let mut types = Vec::with_capacity(exprs.len());
        for (expr, (_, column)) in exprs.iter().zip(&query.columns) {
            let ty = compared_as(&expr.ty, column)
                .ok_or_else(|| self.no_operator(ast, "=", &[&expr.ty, column]))?;
            types.push(ty);
        }
        let exprs = exprs.into_iter().zip(&types).map(|(expr, ty)| self.as_compared(ast, expr, ty));
        let exprs = exprs.collect::<Result<Vec<Expr>>>()?;
        self.retype(ast, &mut query, &types)?;
        Ok(Expr::boolean(ExprKind::InQuery { exprs, query: Box::new(query), negated }))
    }

    /// `expr [not] between low and high`
    pub(super) fn between(
        &self,
        scope: &Scope<'_>,
        ast: &ast::Expr,
        (expr, low, high): (&ast::Expr, &ast::Expr, &ast::Expr),
        negated: bool,
    ) -> Result<Expr> {
        let at_least = self.compare_asts(scope, ast, CompareOp::Ge, expr, low)?;
        let at_most = self.compare_asts(scope, ast, CompareOp::Le, expr, high)?;
        Ok(negate_if(negated, Expr::and([at_least, at_most])))
    }
}

/// `not expr`, if so.
pub(super) fn negate_if(negated: bool, expr: Expr) -> Expr {
    if negated { Expr::boolean(ExprKind::Not(Box::new(expr))) } else { expr }
}

fn null_test(expr: Expr, negated: bool) -> Expr {
    Expr::boolean(ExprKind::IsNull { expr: Box::new(expr), negated })
}
