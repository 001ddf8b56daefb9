//! Conditions: the client's operators and text become typed expressions (PostgREST's reference, "Operators"; the meaning is
//! PostgreSQL's). Where a condition is about an embedded resource, [`super::embed`] says whether there is one.

use plinth_catalog::expr::{CompareOp, Expr, ExprKind, Quantifiable};
use plinth_values::array::{self, Array};
use plinth_values::builtin::{self, Kind};
use plinth_values::{Modifier, Type, input};

use super::native;
use super::planner::{Planner, coerce, has_equality, no_operator};
use super::select::Scope;
use crate::refusal::Refusal;
use crate::request::{Comparison, Containment, FieldPath, Filter, Is, Operation, Quantifier};

/// The longest `in` list whose values are values of the request one by one: an engine sees each, but can bind only so many. A longer
/// one is an array.
const MAX_VALUES_APART: usize = 100;

impl<'a> Planner<'a> {
    /// The conditions of one level, each an expression.
    pub fn conditions(&mut self, scope: &Scope<'a, '_>, filters: &[Filter]) -> Result<Vec<Expr>, Refusal> {
        filters.iter().map(|filter| self.condition(scope, filter)).collect()
    }

    fn condition(&mut self, scope: &Scope<'a, '_>, filter: &Filter) -> Result<Expr, Refusal> {
        let (negated, expr) = match filter {
            Filter::Logic { negated, all, filters } => {
                let inner = self.conditions(scope, filters)?;
                (*negated, if *all { Expr::and(inner) } else { Expr::or(inner) })
            }
            Filter::Condition { negated, field, op } => {
                let expr = match self.embed_condition(scope, field, op)? {
                    Some(expr) => expr,
                    None => {
                        let field = self.field(&scope.source, field)?;
                        self.operation(field, op)?
                    }
                };
                (*negated, expr)
            }
        };
        Ok(if negated { not(expr) } else { expr })
    }

    /// `clients=is.null`: whether there is a related row. `None` when the field is not an embedded resource.
    fn embed_condition(
        &mut self,
        scope: &Scope<'a, '_>,
        field: &FieldPath,
        op: &Operation,
    ) -> Result<Option<Expr>, Refusal> {
        if !field.path.is_empty() {
            return Ok(None);
        }
        let Some(embedded) = scope.embedded(&field.column) else { return Ok(None) };
        let is_null = match op {
            Operation::Is(Is::Null) => true,
            Operation::Is(Is::NotNull) => false,
            // A column of the same name is meant then.
            _ if scope.source.columns.iter().any(|column| column.readable && column.name == field.column) => {
                return Ok(None);
            }
            _ => return Err(Refusal::BadEmbedFilter { name: field.column.clone() }),
        };
        self.exists(&scope.source, embedded, is_null).map(Some)
    }

    /// `field op value`
    pub fn operation(&mut self, field: Expr, op: &Operation) -> Result<Expr, Refusal> {
        match op {
            Operation::Compare { op, quantifier: None, value } => match comparison(*op) {
                Compare::Plain(op) => {
                    let value = self.operand(&field, op, value)?;
                    Ok(Expr::compare(op, field, value))
                }
                Compare::Operator(symbol) => self.operate(symbol, field, value),
            },
            Operation::Compare { op, quantifier: Some(quantifier), value } => {
                self.quantified(field, *op, *quantifier, value)
            }
            Operation::IsDistinct(value) => {
                let value = self.operand(&field, CompareOp::Eq, value)?;
                Ok(Expr::boolean(ExprKind::IsDistinct {
                    left: Box::new(field),
                    right: Box::new(value),
                    negated: false,
                }))
            }
            Operation::In(values) if self.database().is_some() => Ok(self.any_of(field, values)),
            Operation::In(values) if values.len() > MAX_VALUES_APART && field.ty.element().is_none() => {
                self.in_array(field, values)
            }
            Operation::In(values) => {
                let list = values
                    .iter()
                    .map(|value| self.operand(&field, CompareOp::Eq, value))
                    .collect::<Result<Vec<Expr>, Refusal>>()?;
                if list.is_empty() {
                    // As `= any ('{}')`: false for every value, null included.
                    return Ok(Expr::bool(false));
                }
                Ok(Expr::boolean(ExprKind::InList { expr: Box::new(field), list, negated: false }))
            }
            Operation::Is(is) => is_condition(field, *is, self.database().is_none()),
            Operation::Containment { op, value } => self.operate(containment(*op), field, value),
            Operation::TextSearch { op, language, value } if self.database().is_some() => {
                Ok(self.text_search(field, *op, language.as_deref(), value))
            }
            Operation::TextSearch { op, language, value } => {
                self.vector_search(field, *op, language.as_deref(), value)
            }
        }
    }

    /// `field = any (array)`: the same as `in` with a list, as one value of the request.
    fn in_array(&mut self, field: Expr, values: &[String]) -> Result<Expr, Refusal> {
        if !has_equality(&field.ty) {
            return Err(no_operator(&field.ty, symbol(CompareOp::Eq), &Type::Unknown));
        }
        let elements = values
            .iter()
            .map(|value| input::from_text(&field.ty, Modifier::None, value, self.session))
            .collect::<Result<_, _>>()?;
        let value = array::encode(&field.ty, &Array::flat(elements))?;
        let ty = field.ty.clone().array();
        Ok(Expr::boolean(ExprKind::Quantified {
            op: Quantifiable::Compare(CompareOp::Eq),
            all: false,
            left: Box::new(field),
            array: Box::new(self.bind(ty, value)),
        }))
    }

    /// A value to compare the field with, of the field's type.
    fn operand(&mut self, field: &Expr, op: CompareOp, text: &str) -> Result<Expr, Refusal> {
        if self.database().is_some() {
            return Ok(self.text(text));
        }
        if !has_equality(&field.ty) {
            return Err(no_operator(&field.ty, symbol(op), &Type::Unknown));
        }
        self.read(&field.ty, text)
    }

    /// `field op any (array)`
    fn quantified(
        &mut self,
        field: Expr,
        op: Comparison,
        quantifier: Quantifier,
        text: &str,
    ) -> Result<Expr, Refusal> {
        if self.database().is_some() {
            let op = match comparison(op) {
                Compare::Plain(op) => Quantifiable::Compare(op),
                Compare::Operator(symbol) => Quantifiable::Native(symbol),
            };
            let array = self.text(text);
            return Ok(native::quantified(op, quantifier == Quantifier::All, field, array));
        }
        let (op, left, element) = match comparison(op) {
            Compare::Plain(op) => {
                if !has_equality(&field.ty) {
                    return Err(no_operator(&field.ty, symbol(op), &Type::Unknown));
                }
                let ty = field.ty.clone();
                (Quantifiable::Compare(op), field, ty)
            }
            Compare::Operator(symbol) => {
                let found = builtin::resolve(symbol, &[Kind::Operator], &[field.ty.clone(), Type::Unknown]);
                let Ok(found) = found else { return Err(no_operator(&field.ty, symbol, &Type::Unknown)) };
                let mut types = found.args.into_iter();
                let left = types.next().unwrap_or(Type::Text);
                let right = types.next().filter(|ty| *ty != Type::Unknown).unwrap_or(Type::Text);
                (Quantifiable::Operator(found.builtin), coerce(field, left), right)
            }
        };
        let array = element.array();
        let array = self.read(&array, text)?;
        Ok(Expr::boolean(ExprKind::Quantified {
            op,
            all: quantifier == Quantifier::All,
            left: Box::new(left),
            array: Box::new(array),
        }))
    }
}

/// The opposite, with SQL's nulls: within the forms that have one of their own, so that engines see `is not null` and `not in`.
pub(super) fn not(mut expr: Expr) -> Expr {
    match &mut expr.kind {
        ExprKind::IsNull { negated, .. }
        | ExprKind::IsBool { negated, .. }
        | ExprKind::IsDistinct { negated, .. }
        | ExprKind::InList { negated, .. }
        | ExprKind::Exists { negated, .. } => {
            *negated = !*negated;
            expr
        }
        _ => Expr::boolean(ExprKind::Not(Box::new(expr))),
    }
}

/// How an operator of the dialect is written in PostgreSQL.
enum Compare {
    Plain(CompareOp),
    Operator(&'static str),
}

fn comparison(op: Comparison) -> Compare {
    match op {
        Comparison::Eq => Compare::Plain(CompareOp::Eq),
        Comparison::Neq => Compare::Plain(CompareOp::Ne),
        Comparison::Gt => Compare::Plain(CompareOp::Gt),
        Comparison::Gte => Compare::Plain(CompareOp::Ge),
        Comparison::Lt => Compare::Plain(CompareOp::Lt),
        Comparison::Lte => Compare::Plain(CompareOp::Le),
        Comparison::Like => Compare::Operator("~~"),
        Comparison::Ilike => Compare::Operator("~~*"),
        Comparison::Match => Compare::Operator("~"),
        Comparison::Imatch => Compare::Operator("~*"),
    }
}

fn symbol(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Eq => "=",
        CompareOp::Ne => "<>",
        CompareOp::Lt => "<",
        CompareOp::Le => "<=",
        CompareOp::Gt => ">",
        CompareOp::Ge => ">=",
    }
}

fn containment(op: Containment) -> &'static str {
    match op {
        Containment::Contains => "@>",
        Containment::Contained => "<@",
        Containment::Overlaps => "&&",
        Containment::StrictlyLeft => "<<",
        Containment::StrictlyRight => ">>",
        Containment::NotRightOf => "&<",
        Containment::NotLeftOf => "&>",
        Containment::Adjacent => "-|-",
    }
}

/// `typed`: only booleans are true or false; a database says so itself.
fn is_condition(field: Expr, is: Is, typed: bool) -> Result<Expr, Refusal> {
    let (value, word) = match is {
        Is::Null => {
            return Ok(Expr::boolean(ExprKind::IsNull { expr: Box::new(field), negated: false }));
        }
        Is::NotNull => {
            return Ok(Expr::boolean(ExprKind::IsNull { expr: Box::new(field), negated: true }));
        }
        Is::True => (Some(true), "TRUE"),
        Is::False => (Some(false), "FALSE"),
        Is::Unknown => (None, "UNKNOWN"),
    };
    if typed && field.ty != Type::Bool {
        return Err(Refusal::Sql {
            code: "42804",
            message: format!("argument of IS {word} must be type boolean, not type {}", field.ty),
            detail: None,
            hint: None,
        });
    }
    Ok(Expr::boolean(ExprKind::IsBool { expr: Box::new(field), value, negated: false }))
}
