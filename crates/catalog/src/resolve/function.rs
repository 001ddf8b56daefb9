//! Function calls: which function a name and its arguments mean: a form of its own, a setting, a built-in, or a function of the
//! catalog. Aggregates and window functions are completed in `aggregate`.

use plinth_values::builtin::{self, Kind, Unresolved};
use plinth_values::cast::Context;
use plinth_values::{Modifier, Type};
use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArgOperator, FunctionArguments};

use super::diagnose::{Place, signature, suggest};
use super::scope::{Scope, Table, fold, parts};
use super::{Result, Work};
use crate::Diagnostic;
use crate::expr::{Expr, ExprKind};

/// A call as it is written.
pub(super) struct Call<'e> {
    /// Schema, if given, and name
    pub schema: Option<String>,
    /// The name
    pub name: String,
    /// The arguments, in order
    pub args: Vec<Written<'e>>,
    /// `count(*)`
    pub star: bool,
    /// `distinct`
    pub distinct: bool,
    /// `order by` among the arguments
    pub order: &'e [ast::OrderByExpr],
    /// `filter (where …)`
    pub filter: Option<&'e ast::Expr>,
    /// `over …`
    pub over: Option<&'e ast::WindowType>,
}

/// An argument as it is written.
pub(super) struct Written<'e> {
    /// `name => …`
    pub name: Option<String>,
    /// Its value
    pub value: WrittenValue<'e>,
}

/// The value of an argument as it is written.
pub(super) enum WrittenValue<'e> {
    /// An expression
    Expr(&'e ast::Expr),
    /// `t.*`
    Row(&'e ast::ObjectName),
}

/// An argument with its type.
pub(super) struct Argument {
    /// `name => …`
    pub name: Option<String>,
    /// Its value; of a whole row only the type counts
    pub expr: Expr,
    /// The row that it is, if it is one
    pub row: Option<Table>,
}

impl Work<'_> {
    /// A function call as a value.
    pub(super) fn call(&self, scope: &Scope<'_>, ast: &ast::Expr, function: &ast::Function) -> Result<Expr> {
        if let FunctionArguments::Subquery(query) = &function.args {
            return match parts(&function.name).as_slice() {
                [name] if name == "array" => self.array_query(scope, ast, query),
                _ => Err(self.unsupported(ast, "a query as an argument", "put it in parentheses of its own")),
            };
        }
        let call = self.written(function)?;
        let is_builtin_schema = matches!(call.schema.as_deref(), None | Some("pg_catalog"));
        if is_builtin_schema && let Some(expr) = self.form(scope, ast, &call)? {
            return Ok(expr);
        }
        if let Some(expr) = self.setting(ast, &call)? {
            return Ok(expr);
        }
        let named = builtin::by_name(&call.name);
        let is = |kind| is_builtin_schema && named.iter().any(|builtin| builtin.kind == kind);
        if function.over.is_some() {
            if is(Kind::Aggregate) || is(Kind::Window) {
                return self.window(scope, ast, &call);
            }
            let message = format!(
                "OVER specified, but {} is not a window function nor an aggregate function",
                call.name
            );
            return Err(self.refuse(ast, message));
        }
        if is(Kind::Aggregate) {
            return self.aggregate(scope, ast, &call);
        }
        if is(Kind::Window) {
            return Err(self.refuse(ast, format!("window function {} requires an OVER clause", call.name)));
        }
        for (given, what) in [
            (call.distinct, "DISTINCT"),
            (!call.order.is_empty(), "ORDER BY"),
            (function.filter.is_some(), "FILTER"),
        ] {
            if given {
                let message = format!("{what} specified, but {} is not an aggregate function", call.name);
                return Err(self.refuse(ast, message));
            }
        }
        if call.star {
            let message =
                format!("{}(*) specified, but {} is not an aggregate function", call.name, call.name);
            return Err(self.refuse(ast, message));
        }
        if let Some(object) = self.row_function(scope, ast, &call)? {
            return Ok(object);
        }
        let args = self.arguments(scope, &call)?;
        self.function_call(ast, &call, args)
    }

    /// Reads the parts of a call.
    pub(super) fn written<'e>(&self, function: &'e ast::Function) -> Result<Call<'e>> {
        let at = &function.name;
        if !function.within_group.is_empty() {
            return Err(self.unsupported(
                at,
                "within group",
                "use window functions, for example row_number()",
            ));
        }
        if function.null_treatment.is_some() || !matches!(function.parameters, FunctionArguments::None) {
            return Err(self.unsupported(at, "this form of a call", "leave out what is not an argument"));
        }
        let mut call = self.named_call(&function.name)?;
        call.filter = function.filter.as_deref();
        call.over = function.over.as_ref();
        let FunctionArguments::List(list) = &function.args else { return Ok(call) };
        call.distinct = matches!(list.duplicate_treatment, Some(ast::DuplicateTreatment::Distinct));
        for clause in &list.clauses {
            match clause {
                ast::FunctionArgumentClause::OrderBy(order) => call.order = order,
                other => return Err(self.unsupported(at, &format!("{other} in a call"), "leave it out")),
            }
        }
        self.add_arguments(&mut call, at, &list.args)?;
        Ok(call)
    }

    /// A call without arguments so far.
    pub(super) fn named_call<'e>(&self, name: &ast::ObjectName) -> Result<Call<'e>> {
        let (schema, name) = match parts(name).as_slice() {
            [bare] => (None, bare.clone()),
            [schema, bare] => (Some(schema.clone()), bare.clone()),
            names => return Err(self.refuse(name, format!("function {} does not exist", names.join(".")))),
        };
        Ok(Call {
            schema,
            name,
            args: Vec::new(),
            star: false,
            distinct: false,
            order: &[],
            filter: None,
            over: None,
        })
    }

    /// Reads the arguments of a call.
    pub(super) fn add_arguments<'e>(
        &self,
        call: &mut Call<'e>,
        at: &impl Place,
        args: &'e [FunctionArg],
    ) -> Result<()> {
        for arg in args {
            match self.written_argument(at, arg)? {
                Some(arg) => call.args.push(arg),
                None => call.star = true,
            }
        }
        match call.star && !call.args.is_empty() {
            true => Err(self.refuse(at, "* must be the only argument")),
            false => Ok(()),
        }
    }

    fn written_argument<'e>(&self, at: &impl Place, arg: &'e FunctionArg) -> Result<Option<Written<'e>>> {
        let (name, value) = match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(ast::Expr::BinaryOp {
                left,
                op: ast::BinaryOperator::Assignment,
                right,
            })) => match left.as_ref() {
                ast::Expr::Identifier(name) => return Ok(Some(named_argument(name, right))),
                _ => return Err(self.refuse(at, "the name of an argument must be a name")),
            },
            FunctionArg::Unnamed(value) => (None, value),
            FunctionArg::Named {
                name,
                arg,
                operator: FunctionArgOperator::RightArrow | FunctionArgOperator::Assignment,
            } => (Some(fold(name)), arg),
            FunctionArg::ExprNamed {
                name: ast::Expr::Identifier(name),
                arg,
                operator: FunctionArgOperator::RightArrow | FunctionArgOperator::Assignment,
            } => (Some(fold(name)), arg),
            FunctionArg::Named { .. } | FunctionArg::ExprNamed { .. } => {
                return Err(self.unsupported(
                    at,
                    "this form of an argument",
                    "write name => value, or the value alone",
                ));
            }
        };
        match value {
            FunctionArgExpr::Expr(expr) => Ok(Some(Written { name, value: WrittenValue::Expr(expr) })),
            FunctionArgExpr::QualifiedWildcard(table) => {
                Ok(Some(Written { name, value: WrittenValue::Row(table) }))
            }
            FunctionArgExpr::Wildcard if name.is_none() => Ok(None),
            FunctionArgExpr::Wildcard | FunctionArgExpr::WildcardWithOptions(_) => {
                Err(self.refuse(at, "* cannot be used like this"))
            }
        }
    }

    /// Calls that are forms of their own.
    fn form(&self, scope: &Scope<'_>, ast: &ast::Expr, call: &Call<'_>) -> Result<Option<Expr>> {
        let plain = || -> Result<Vec<&ast::Expr>> {
            let exprs = call.args.iter().map(|arg| match (&arg.name, &arg.value) {
                (None, WrittenValue::Expr(expr)) => Ok(*expr),
                _ => Err(self.refuse(ast, format!("{} takes plain arguments", call.name))),
            });
            exprs.collect()
        };
        Ok(Some(match call.name.as_str() {
            "coalesce" => self.several(scope, ast, "COALESCE", &plain()?, ExprKind::Coalesce)?,
            "greatest" => self.several(scope, ast, "GREATEST", &plain()?, ExprKind::Greatest)?,
            "least" => self.several(scope, ast, "LEAST", &plain()?, ExprKind::Least)?,
            "nullif" => self.nullif(scope, ast, &plain()?)?,
            "row" => return Err(self.row_as_value(ast)),
            "grouping" => {
                return Err(self.unsupported(ast, "grouping()", "use a query per grouping, and union all"));
            }
            "current_timestamp" | "localtimestamp" | "current_time" | "localtime"
                if !call.args.is_empty() =>
            {
                self.moment(ast, call)?
            }
            _ => return Ok(None),
        }))
    }

    /// `current_timestamp(3)`
    fn moment(&self, ast: &ast::Expr, call: &Call<'_>) -> Result<Expr> {
        let digits = match call.args.as_slice() {
            [Written { value: WrittenValue::Expr(ast::Expr::Value(value)), .. }] => match &value.value {
                ast::Value::Number(digits, _) => digits.parse::<u8>().ok().filter(|digits| *digits <= 6),
                _ => None,
            },
            _ => None,
        };
        let digits =
            digits.ok_or_else(|| self.refuse(ast, "the precision must be a number between 0 and 6"))?;
        let now = self.builtin(ast, &call.name, &[Kind::Function], Vec::new())?;
        let ty = now.ty.clone();
        self.cast(ast, now, &ty, Modifier::Seconds(digits), true)
    }

    /// `to_jsonb(t)` and the like: the whole row as an object.
    fn row_function(&self, scope: &Scope<'_>, ast: &ast::Expr, call: &Call<'_>) -> Result<Option<Expr>> {
        let builder = match call.name.as_str() {
            "to_jsonb" => "jsonb_build_object",
            "to_json" | "row_to_json" => "json_build_object",
            _ => return Ok(None),
        };
        match call.args.as_slice() {
            [arg] => match self.row_argument(scope, ast, arg)? {
                Some(table) => Ok(Some(self.row_object(ast, table, builder)?)),
                None => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// The table whose whole row an argument is.
    pub(super) fn row_argument<'t>(
        &'t self,
        scope: &'t Scope<'_>,
        at: &impl Place,
        arg: &Written<'_>,
    ) -> Result<Option<&'t Table>> {
        match arg.value {
            WrittenValue::Expr(expr) => Ok(self.whole_row(scope, expr)),
            WrittenValue::Row(name) => {
                let names = parts(name);
                let found = match names.as_slice() {
                    [table] => self.find_table(scope, None, table),
                    [schema, table] => self.find_table(scope, Some(schema), table),
                    _ => None,
                };
                let missing = || {
                    self.refuse(at, format!("missing FROM-clause entry for table \"{}\"", names.join(".")))
                };
                found.map(Some).ok_or_else(missing)
            }
        }
    }

    /// The arguments with their types.
    pub(super) fn arguments(&self, scope: &Scope<'_>, call: &Call<'_>) -> Result<Vec<Argument>> {
        let args = call.args.iter().map(|arg| {
            let row = match arg.value {
                WrittenValue::Expr(expr) => self.whole_row(scope, expr),
                WrittenValue::Row(name) => self.row_argument(scope, name, arg)?,
            };
            let name = arg.name.clone();
            match (row, &arg.value) {
                (Some(table), _) if table.row.is_some() => Ok(self.row_as_argument(name, table)),
                (Some(table), WrittenValue::Row(at)) => Err(self.row_not_here(*at, &table.name)),
                (_, WrittenValue::Expr(expr)) => {
                    Ok(Argument { name, expr: self.expr(scope, expr)?, row: None })
                }
                (None, WrittenValue::Row(at)) => Err(self.row_not_here(*at, "")),
            }
        });
        args.collect()
    }

    /// The arguments of a built-in: none of them is a row.
    pub(super) fn plain_values(&self, at: &impl Place, args: Vec<Argument>) -> Result<Vec<Expr>> {
        let values = args.into_iter().map(|arg| match arg.row {
            None => Ok(arg.expr),
            Some(table) => Err(self.row_not_here(at, &table.name)),
        });
        values.collect()
    }

    /// A call of a scalar function: PostgreSQL's own before the catalog's, unless only the latter fits exactly.
    fn function_call(&self, ast: &ast::Expr, call: &Call<'_>, args: Vec<Argument>) -> Result<Expr> {
        let types: Vec<Type> = args.iter().map(|arg| arg.expr.ty.clone()).collect();
        let has_names = args.iter().any(|arg| arg.name.is_some());
        let in_builtins = matches!(call.schema.as_deref(), None | Some("pg_catalog"));
        let built_in = match in_builtins && !has_names {
            true => builtin::resolve(&call.name, &[Kind::Function], &types),
            false => Err(Unresolved::NoSuchName),
        };
        let is_exact = built_in.as_ref().is_ok_and(|found| found.args == types);
        let own = if is_exact { None } else { self.find_function(ast, call, &args)? };
        match (built_in, own) {
            (Ok(found), None) => {
                let exprs = self.plain_values(ast, args)?;
                self.builtin_call(ast, found, exprs)
            }
            (Ok(found), Some(own)) if !own.is_exact => {
                let exprs = self.plain_values(ast, args)?;
                self.builtin_call(ast, found, exprs)
            }
            (_, Some(own)) => self.user_call(ast, own, args),
            (Err(Unresolved::Ambiguous), None) => Err(self
                .refuse(ast, format!("function {} is not unique", signature(&call.name, &types)))
                .hint("add explicit casts to the arguments")),
            (Err(_), None) if args.iter().any(|arg| arg.row.is_some()) && !self.is_own(call) => {
                self.plain_values(ast, args).and_then(|_| Err(self.no_function(ast, call, &types)))
            }
            (Err(_), None) if has_names && in_builtins => match super::arguments::ordered(&call.name, args) {
                Some(exprs) => self.builtin(ast, &call.name, &[Kind::Function], exprs),
                None => Err(self.no_function(ast, call, &types)),
            },
            (Err(_), None) => Err(self.no_function(ast, call, &types)),
        }
    }

    /// Why there is no such scalar function.
    pub(super) fn no_function(&self, at: &impl Place, call: &Call<'_>, types: &[Type]) -> Diagnostic {
        let is_set = builtin::by_name(&call.name).iter().any(|builtin| builtin.kind == Kind::Set);
        if is_set && builtin::resolve(&call.name, &[Kind::Set], types).is_ok() {
            return self.set_as_value(at, &call.name);
        }
        let shown = match &call.schema {
            Some(schema) => format!("{schema}.{}", call.name),
            None => call.name.clone(),
        };
        let own = self.catalog.functions.iter().map(|function| function.name.name.as_str());
        let built_in = builtin::all().filter(|b| b.kind != Kind::Operator).map(|b| b.name);
        let is_known = !builtin::by_name(&call.name).is_empty() || own.clone().any(|name| name == call.name);
        let hint = match is_known {
            true => Some(
                "no function matches the given name and argument types: explicit casts may be needed"
                    .to_owned(),
            ),
            false => suggest(&call.name, own.chain(built_in)),
        };
        self.refuse(at, format!("function {} does not exist", signature(&shown, types))).maybe_hint(hint)
    }

    /// A function that gives rows, where a value is needed.
    pub(super) fn set_as_value(&self, at: &impl Place, name: &str) -> Diagnostic {
        self.refuse(at, "set-returning functions are not allowed here").hint(format!("call {name}() in from"))
    }

    /// A built-in function or operator by name.
    pub(super) fn builtin(
        &self,
        at: &impl Place,
        name: &str,
        kinds: &[Kind],
        args: Vec<Expr>,
    ) -> Result<Expr> {
        let types: Vec<Type> = args.iter().map(|arg| arg.ty.clone()).collect();
        match builtin::resolve(name, kinds, &types) {
            Ok(found) => self.builtin_call(at, found, args),
            Err(reason) if kinds == [Kind::Operator] => {
                let shown: Vec<&Type> = types.iter().collect();
                let refusal = self.no_operator(at, name, &shown);
                Err(match reason {
                    Unresolved::Ambiguous => {
                        let message =
                            refusal.message.replacen("operator does not exist", "operator is not unique", 1);
                        Diagnostic { message, ..refusal }
                    }
                    Unresolved::NoSuchName | Unresolved::NoSuchSignature => refusal,
                })
            }
            Err(Unresolved::Ambiguous) => Err(self
                .refuse(at, format!("function {} is not unique", signature(name, &types)))
                .hint("add explicit casts to the arguments")),
            Err(Unresolved::NoSuchName | Unresolved::NoSuchSignature) => {
                Err(self.refuse(at, format!("function {} does not exist", signature(name, &types))))
            }
        }
    }

    fn builtin_call(&self, at: &impl Place, found: builtin::Resolved, args: Vec<Expr>) -> Result<Expr> {
        let args = self.coerce_all(at, args, &found.args)?;
        Ok(Expr { kind: ExprKind::Call { builtin: found.builtin, args }, ty: found.returns })
    }

    /// Arguments in the types that a call was resolved with.
    pub(super) fn coerce_all(&self, at: &impl Place, args: Vec<Expr>, types: &[Type]) -> Result<Vec<Expr>> {
        let args = args.into_iter().enumerate().map(|(index, arg)| match types.get(index) {
            None | Some(Type::Unknown) => self.known(arg),
            Some(ty) => self.coerce(at, arg, ty, Context::Implicit),
        });
        args.collect()
    }
}

fn named_argument<'e>(name: &ast::Ident, value: &'e ast::Expr) -> Written<'e> {
    Written { name: Some(fold(name)), value: WrittenValue::Expr(value) }
}
