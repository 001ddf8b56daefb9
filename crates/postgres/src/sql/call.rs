//! Calls of the database's own functions.

use plinth_catalog::expr::{Expr, ExprKind, Native};
use plinth_catalog::{Function, FunctionId, quote_ident};

use super::{Result, Writer, internal};

impl<'a> Writer<'a> {
    pub(super) fn function(&self, id: FunctionId) -> Result<&'a Function> {
        let function = self.catalog.functions.get(id.0 as usize);
        function.ok_or_else(|| internal("the plan refers to a function that does not exist"))
    }

    /// `"schema"."name"(arguments)`. Where an argument is left out, the others go by their names; an argument of a domain or with
    /// a declared type is cast to it, so that overloads stay apart.
    pub(super) fn user_call(&mut self, id: FunctionId, args: &[Expr]) -> Result<String> {
        let function = self.function(id)?;
        let by_name = args.iter().any(is_omitted);
        let mut texts = Vec::with_capacity(args.len());
        for (parameter, arg) in function.parameters.iter().zip(args) {
            if is_omitted(arg) {
                continue;
            }
            let variadic = if parameter.variadic { "variadic " } else { "" };
            let value = self.expr(arg)?;
            let value = match (&parameter.declared, &arg.kind) {
                // A row is of its relation's type already.
                (Some(declared), kind) if !matches!(kind, ExprKind::Native(native) if matches!(**native, Native::Row(_))) =>
                {
                    format!("({value})::{declared}")
                }
                _ => value,
            };
            texts.push(if by_name {
                format!("{variadic}{} => {value}", quote_ident(&parameter.name))
            } else {
                format!("{variadic}{value}")
            });
        }
        Ok(format!(
            "{}.{}({})",
            quote_ident(&function.name.schema),
            quote_ident(&function.name.name),
            texts.join(", ")
        ))
    }
}

fn is_omitted(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Native(native) if matches!(**native, Native::Omitted))
}
