//! Functions of the catalog: which overload fits the arguments, by position and by name, with defaults and `variadic`.

use plinth_values::cast::Context;
use plinth_values::{Type, Value};

use super::coerce::{converts, is_preferred};
use super::diagnose::{Place, signature};
use super::function::{Argument, Call};
use super::scope::Table;
use super::{Result, Work};
use crate::expr::{Expr, ExprKind};
use crate::{Function, FunctionId, Parameter, Returns};

/// A function of the catalog that fits a call.
pub(super) struct Found {
    /// Which
    pub function: FunctionId,
    /// For each parameter, the arguments it takes: one, none for its default, any number for a variadic one
    pub slots: Vec<Vec<usize>>,
    /// Whether no argument has to be cast
    pub is_exact: bool,
}

struct Candidate {
    found: Found,
    exact: usize,
    preferred: usize,
    /// Bare literals that would become text, which PostgreSQL likes best for them
    texts: usize,
}

impl Work<'_> {
    /// The function of the catalog that a call means, if there is one.
    pub(super) fn find_function(
        &self,
        at: &impl Place,
        call: &Call<'_>,
        args: &[Argument],
    ) -> Result<Option<Found>> {
        let schemas: Vec<&str> = match &call.schema {
            Some(schema) => vec![schema],
            None => self.search_path.iter().map(String::as_str).collect(),
        };
        let functions = schemas.iter().flat_map(|schema| self.catalog.find_functions(schema, &call.name));
        let mut candidates: Vec<Candidate> = functions.filter_map(|function| fit(function, args)).collect();
        for score in [
            (|c: &Candidate| c.exact) as fn(&Candidate) -> usize,
            |c: &Candidate| c.preferred,
            |c: &Candidate| c.texts,
            // Fewer defaults filled in are closer to what was written.
            |c: &Candidate| usize::MAX - c.found.slots.iter().filter(|slot| slot.is_empty()).count(),
        ] {
            let best = candidates.iter().map(score).max();
            candidates.retain(|candidate| Some(score(candidate)) == best);
        }
        // Of functions in several schemas, the first in the search path is meant.
        let first = candidates.first().map(|c| self.catalog.function(c.found.function));
        let rivals = first.map_or(0, |first| {
            let schema = &first.name.schema;
            candidates
                .iter()
                .filter(|c| self.catalog.function(c.found.function).name.schema == *schema)
                .count()
        });
        if rivals > 1 {
            let shown = signature(&call.name, args.iter().map(|arg| &arg.expr.ty));
            return Err(self
                .refuse(at, format!("function {shown} is not unique"))
                .hint("add explicit casts"));
        }
        Ok(candidates.into_iter().next().map(|candidate| candidate.found))
    }

    /// The arguments in the order and types of the parameters.
    pub(super) fn user_arguments(
        &self,
        at: &impl Place,
        found: &Found,
        args: Vec<Argument>,
    ) -> Result<Vec<Expr>> {
        let function = self.catalog.function(found.function);
        let (mut given, mut rows): (Vec<Option<Expr>>, Vec<Option<Table>>) =
            args.into_iter().map(|arg| (Some(arg.expr), arg.row)).unzip();
        let mut result = Vec::with_capacity(function.parameters.len());
        for (parameter, slot) in function.parameters.iter().zip(&found.slots) {
            if parameter.row.is_some() {
                let row = slot.first().and_then(|index| rows.get_mut(*index).and_then(Option::take));
                result.extend(self.row_members(at, parameter, row.as_ref())?);
                continue;
            }
            let mut exprs = slot.iter().filter_map(|index| given.get_mut(*index).and_then(Option::take));
            let expr = match variadic_element(parameter) {
                Some(element) if !slot.is_empty() => {
                    let elements = exprs.map(|expr| self.coerce(at, expr, element, Context::Implicit));
                    let kind = ExprKind::Array(elements.collect::<Result<Vec<Expr>>>()?);
                    Expr { kind, ty: parameter.ty.clone() }
                }
                _ => match exprs.next() {
                    Some(expr) => self.coerce(at, expr, &parameter.ty, Context::Implicit)?,
                    None => match &parameter.default {
                        Some(default) => {
                            self.coerce(at, default.clone(), &parameter.ty, Context::Assignment)?
                        }
                        None => {
                            return Err(
                                self.refuse(at, format!("argument \"{}\" is missing", parameter.name))
                            );
                        }
                    },
                },
            };
            result.push(expr);
        }
        Ok(result)
    }

    /// A call of a function of the catalog as a value.
    pub(super) fn user_call(&self, at: &impl Place, found: Found, args: Vec<Argument>) -> Result<Expr> {
        let function = self.catalog.function(found.function);
        let ty = match scalar(&function.returns) {
            Some((_, true)) => return Err(self.set_as_value(at, &function.name.name)),
            Some((ty, false)) => ty,
            None => {
                let message = format!("function {} gives rows of several columns", function.name.name);
                return Err(self.refuse(at, message).hint(format!("call {}() in from", function.name.name)));
            }
        };
        let missing = self.missing_row(at, function, &args)?;
        let args = self.user_arguments(at, &found, args)?;
        let call = Expr { kind: ExprKind::UserCall { function: found.function, args }, ty };
        let Some(present) = missing else { return Ok(call) };
        let ty = call.ty.clone();
        Ok(Expr { kind: ExprKind::Case { whens: vec![(present, call)], otherwise: None }, ty })
    }
}

/// The type of a function that gives single values, and whether it gives a set of them.
pub(super) fn scalar(returns: &Returns) -> Option<(Type, bool)> {
    match returns {
        Returns::Void => Some((Type::Void, false)),
        Returns::Scalar { ty, set } => Some((ty.clone(), *set)),
        Returns::Columns { columns, set } => match columns.as_slice() {
            [(_, ty)] => Some((ty.clone(), *set)),
            _ => None,
        },
        Returns::Relation { .. } => None,
    }
}

fn variadic_element(parameter: &Parameter) -> Option<&Type> {
    if parameter.variadic { parameter.ty.element() } else { None }
}

/// Whether the arguments fit a function, and how well.
fn fit(function: &Function, args: &[Argument]) -> Option<Candidate> {
    let parameters = &function.parameters;
    let mut slots: Vec<Vec<usize>> = vec![Vec::new(); parameters.len()];
    for (index, arg) in args.iter().enumerate() {
        let position = match &arg.name {
            Some(name) => parameters.iter().position(|parameter| parameter.name == *name)?,
            None if index < parameters.len() => index,
            None => parameters.len().checked_sub(1)?,
        };
        let slot = slots.get_mut(position)?;
        if !slot.is_empty() && variadic_element(parameters.get(position)?).is_none() {
            return None;
        }
        slot.push(index);
    }
    let mut candidate = Candidate {
        found: Found { function: function.id, slots, is_exact: true },
        exact: 0,
        preferred: 0,
        texts: 0,
    };
    for (parameter, slot) in parameters.iter().zip(&candidate.found.slots) {
        let element = variadic_element(parameter);
        if slot.is_empty() && parameter.default.is_none() {
            return None;
        }
        let wanted = element.unwrap_or(&parameter.ty);
        for arg in slot.iter().filter_map(|index| args.get(*index)) {
            let given = &arg.expr.ty;
            if !converts(given, wanted, Context::Implicit) {
                return None;
            }
            if given == wanted {
                candidate.exact += 1;
            } else {
                candidate.found.is_exact = false;
                candidate.preferred += usize::from(is_preferred(wanted));
                candidate.texts += usize::from(*given == Type::Unknown && wanted.is_string());
            }
        }
    }
    Some(candidate)
}

/// The arguments of a built-in in its own order, for the few that are called by name.
pub(super) fn ordered(function: &str, args: Vec<Argument>) -> Option<Vec<Expr>> {
    if function != "make_interval" {
        return None;
    }
    const NAMES: [&str; 7] = ["years", "months", "weeks", "days", "hours", "mins", "secs"];
    let mut exprs: Vec<Option<Expr>> = vec![None; NAMES.len()];
    for (index, arg) in args.into_iter().enumerate() {
        let position = match arg.name {
            Some(name) => NAMES.iter().position(|known| *known == name)?,
            None => index,
        };
        let slot = exprs.get_mut(position)?;
        if slot.replace(arg.expr).is_some() {
            return None;
        }
    }
    let zero = || Expr::literal(Value::Int(0), Type::Int4);
    Some(exprs.into_iter().map(|expr| expr.unwrap_or_else(zero)).collect())
}
