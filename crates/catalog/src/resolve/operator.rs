//! Operators: `and`, `or`, `not`, arithmetic and all that the table of built-ins has, `like`, `any` and `all`.

use plinth_values::Type;
use plinth_values::builtin::{self, Kind};
use sqlparser::ast::{self, BinaryOperator, UnaryOperator};

use super::compare::{compare_op, compared_as, negate_if, symbol};
use super::diagnose::Place;
use super::scope::Scope;
use super::{Result, Work};
use crate::expr::{CompareOp, Expr, ExprKind, Quantifiable};

/// The symbol under which the table of built-ins knows an operator.
fn operator_symbol(op: &BinaryOperator) -> Option<String> {
    match op {
        BinaryOperator::PGCustomBinaryOperator(path) => match path.as_slice() {
            [symbol] => Some(symbol.clone()),
            [schema, symbol] if schema == "pg_catalog" => Some(symbol.clone()),
            _ => None,
        },
        op => Some(op.to_string().to_ascii_lowercase()),
    }
}

fn compare_op_of_symbol(symbol: &str) -> Option<CompareOp> {
    Some(match symbol {
        "=" => CompareOp::Eq,
        "<>" | "!=" => CompareOp::Ne,
        "<" => CompareOp::Lt,
        "<=" => CompareOp::Le,
        ">" => CompareOp::Gt,
        ">=" => CompareOp::Ge,
        _ => return None,
    })
}

impl Work<'_> {
    /// `left op right`
    pub(super) fn binary(
        &self,
        scope: &Scope<'_>,
        ast: &ast::Expr,
        left: &ast::Expr,
        op: &BinaryOperator,
        right: &ast::Expr,
    ) -> Result<Expr> {
        if matches!(op, BinaryOperator::And | BinaryOperator::Or) {
            return self.junction(scope, ast, op);
        }
        if let Some(op) = compare_op(op) {
            return self.compare_asts(scope, ast, op, left, right);
        }
        let Some(symbol) = operator_symbol(op) else {
            return Err(self.refuse(ast, format!("operator does not exist: {op}")));
        };
        if let Some(op) = compare_op_of_symbol(&symbol) {
            return self.compare_asts(scope, ast, op, left, right);
        }
        if matches!(op, BinaryOperator::Overlaps) {
            return Err(self.unsupported(ast, "overlaps", "compare the starts and ends"));
        }
        let args = vec![self.expr(scope, left)?, self.expr(scope, right)?];
        self.builtin(ast, &symbol, &[Kind::Operator], args)
    }

    /// A chain of `and` or of `or`, however long, as one expression.
    fn junction(&self, scope: &Scope<'_>, ast: &ast::Expr, op: &BinaryOperator) -> Result<Expr> {
        let mut terms = Vec::new();
        let mut rest = ast;
        while let ast::Expr::BinaryOp { left, op: next, right } = rest {
            if next != op {
                break;
            }
            terms.push(right.as_ref());
            rest = left;
        }
        terms.push(rest);
        let construct = if *op == BinaryOperator::And { "AND" } else { "OR" };
        let terms = terms.into_iter().rev().map(|term| {
            let expr = self.expr(scope, term)?;
            self.condition(term, expr, construct)
        });
        let terms = terms.collect::<Result<Vec<Expr>>>()?;
        Ok(if *op == BinaryOperator::And { Expr::and(terms) } else { Expr::or(terms) })
    }

    /// `op expr`
    pub(super) fn unary(
        &self,
        scope: &Scope<'_>,
        ast: &ast::Expr,
        op: UnaryOperator,
        expr: &ast::Expr,
    ) -> Result<Expr> {
        if let (UnaryOperator::Minus, ast::Expr::Value(value)) = (op, expr)
            && let ast::Value::Number(digits, false) = &value.value
        {
            return self.number(value, digits, true);
        }
        let operand = self.expr(scope, expr)?;
        if op == UnaryOperator::Not {
            let condition = self.condition(expr, operand, "NOT")?;
            return Ok(negate_if(true, condition));
        }
        self.builtin(ast, &op.to_string(), &[Kind::Operator], vec![operand])
    }

    /// `expr [not] like pattern [escape e]`; `operator` is `~~` or `~~*`.
    pub(super) fn like(
        &self,
        scope: &Scope<'_>,
        ast: &ast::Expr,
        operator: &str,
        (expr, pattern): (&ast::Expr, &ast::Expr),
        escape: Option<&ast::Expr>,
        negated: bool,
    ) -> Result<Expr> {
        let expr = self.expr(scope, expr)?;
        let mut pattern = self.expr(scope, pattern)?;
        if let Some(escape) = escape {
            let escape = self.expr(scope, escape)?;
            pattern = self.builtin(ast, "like_escape", &[Kind::Function], vec![pattern, escape])?;
        }
        let operator = if negated { format!("!{operator}") } else { operator.to_owned() };
        self.builtin(ast, &operator, &[Kind::Operator], vec![expr, pattern])
    }

    /// `left op any (array)`, `left op all (select …)`, …
    pub(super) fn quantified(
        &self,
        scope: &Scope<'_>,
        ast: &ast::Expr,
        left: &ast::Expr,
        operator: &str,
        right: &ast::Expr,
        all: bool,
    ) -> Result<Expr> {
        if self.row_elements(left).is_some() {
            return Err(self.unsupported(ast, "any or all with a row", "use in or exists"));
        }
        let left = self.expr(scope, left)?;
        if let ast::Expr::Subquery(query) = right {
            return self.quantified_query(scope, ast, left, operator, query, all);
        }
        let array = self.expr(scope, right)?;
        let given = match &array.ty {
            Type::Array(element) => element.as_ref().clone(),
            Type::Unknown => Type::Unknown,
            _ => return Err(self.refuse(ast, "op ANY/ALL (array) requires array on right side")),
        };
        let (op, left_type, element) = match compare_op_of_symbol(operator) {
            Some(op) => {
                let ty = compared_as(&left.ty, &given)
                    .ok_or_else(|| self.no_operator(ast, operator, &[&left.ty, &given]))?;
                (Quantifiable::Compare(op), ty.clone(), ty)
            }
            None => {
                let found = builtin::resolve(operator, &[Kind::Operator], &[left.ty.clone(), given.clone()]);
                let found = found.map_err(|_| self.no_operator(ast, operator, &[&left.ty, &given]))?;
                if found.returns != Type::Bool {
                    return Err(self.refuse(ast, "op ANY/ALL (array) requires operator to yield boolean"));
                }
                let [left_type, element] = found.args.as_slice() else {
                    return Err(self.no_operator(ast, operator, &[&left.ty, &given]));
                };
                (Quantifiable::Operator(found.builtin), left_type.clone(), element.clone())
            }
        };
        let left = Box::new(self.as_compared(ast, left, &left_type)?);
        let array = Box::new(self.as_compared(ast, array, &element.array())?);
        Ok(Expr::boolean(ExprKind::Quantified { op, all, left, array }))
    }

    fn quantified_query(
        &self,
        scope: &Scope<'_>,
        ast: &ast::Expr,
        left: Expr,
        operator: &str,
        query: &ast::Query,
        all: bool,
    ) -> Result<Expr> {
        let Some(op) = compare_op_of_symbol(operator) else {
            let what = format!("{operator} any or all of a subquery");
            return Err(self.unsupported(ast, &what, "use exists"));
        };
        let mut query = self.subquery(scope, ast, query)?;
        let [(_, column)] = query.columns.as_slice() else {
            return Err(self.refuse(ast, "subquery has too many columns"));
        };
        let ty = compared_as(&left.ty, column)
            .ok_or_else(|| self.no_operator(ast, symbol(op), &[&left.ty, column]))?;
        let left = Box::new(self.as_compared(ast, left, &ty)?);
        self.retype(ast, &mut query, &[ty])?;
        Ok(Expr::boolean(ExprKind::QuantifiedQuery { op, all, left, query: Box::new(query) }))
    }

    /// The symbol of the operator in `left op any (…)`.
    pub(super) fn quantified_operator(&self, at: &impl Place, op: &BinaryOperator) -> Result<String> {
        operator_symbol(op).ok_or_else(|| self.refuse(at, format!("operator does not exist: {op}")))
    }
}
