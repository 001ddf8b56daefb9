//! Functions of the catalog: their bodies take the place of their calls. Only bodies that are one query can stand inside a query;
//! the target of a call is [`crate::plan::call`]'s.

use plinth_catalog::expr::{Cte, Expr, ExprKind, FromItem, JoinKind, Query, QueryBody, SourceId};
use plinth_catalog::{Function, FunctionId, Returns, Statement};
use plinth_values::{Type, Value};

use super::{Body, Rights, Weaver, set_function_not_here};
use crate::ir::{self, Facts, Visit};
use crate::refusal::Refusal;

impl<'a> Weaver<'a> {
    /// The rights that a function's body has, where it is called with `rights`.
    pub fn body_rights(&self, function: &Function, rights: Rights) -> Rights {
        match rights {
            Rights::Owner => Rights::Owner,
            Rights::Caller | Rights::View if function.security_definer => Rights::Owner,
            Rights::Caller | Rights::View => Rights::Caller,
        }
    }

    /// A call as a value. The arguments are woven already.
    pub fn scalar_function(
        &mut self,
        id: FunctionId,
        arguments: Vec<Expr>,
        rights: Rights,
    ) -> Result<Expr, Refusal> {
        let function = self.access.catalog.function(id);
        self.executable(function, rights)?;
        if self.access.catalog.database.is_some() {
            let ty = match &function.returns {
                Returns::Scalar { ty, .. } => ty.clone(),
                Returns::Void | Returns::Relation { .. } | Returns::Columns { .. } => Type::Unknown,
            };
            return Ok(Expr { kind: ExprKind::UserCall { function: id, args: arguments }, ty });
        }
        let ty = match &function.returns {
            Returns::Scalar { ty, set: false } => ty,
            Returns::Scalar { set: true, .. } => return Err(set_function_not_here()),
            Returns::Void | Returns::Relation { .. } | Returns::Columns { .. } => {
                return Err(not_inside(function, "it does not return a single value"));
            }
        };
        self.scalar_query(function, single_query(function)?, ty, arguments, rights)
    }

    /// The value of a function whose last statement is this query. Whether it may be called is checked by the caller of this.
    pub fn scalar_query(
        &mut self,
        function: &Function,
        query: &Query,
        ty: &Type,
        arguments: Vec<Expr>,
        rights: Rights,
    ) -> Result<Expr, Refusal> {
        let (mut query, ty) = (query.clone(), ty.clone());
        // Arguments that must be evaluated once become columns of a source of their own.
        let once = evaluate_once(&arguments, &ir::query_facts(&query), function.strict).then(|| self.fresh());
        let inside = match once {
            Some(source) => arguments
                .iter()
                .enumerate()
                .map(|(n, argument)| Expr::column(source, n, argument.ty.clone()))
                .collect(),
            None => arguments.clone(),
        };
        self.enter()?;
        let body_rights = self.body_rights(function, rights);
        Body::new(self, body_rights, inside.clone()).query(&mut query)?;
        self.leave();
        let mut value = match only_value(query) {
            Ok(value) => value,
            Err(query) => {
                let query = self.first_row(*query);
                Expr { kind: ExprKind::Scalar(Box::new(query)), ty: ty.clone() }
            }
        };
        if let Some(given) = self.given(function, &inside) {
            value = Expr {
                ty: ty.clone(),
                kind: ExprKind::Case {
                    whens: vec![(given, value)],
                    otherwise: Some(Box::new(Expr::literal(Value::Null, ty.clone()))),
                },
            };
        }
        let Some(source) = once else { return Ok(value) };
        let arguments = self.arguments_query(arguments);
        let from = FromItem::Query { id: source, query: Box::new(arguments), lateral: false };
        let query = ir::select(self.fresh(), vec![(value, function.name.name.clone())], Some(from), None);
        Ok(Expr { kind: ExprKind::Scalar(Box::new(query)), ty })
    }

    /// A call in `from`. The arguments are woven already.
    pub fn row_function(
        &mut self,
        id: SourceId,
        function: FunctionId,
        arguments: Vec<Expr>,
        rights: Rights,
        lateral: bool,
    ) -> Result<FromItem, Refusal> {
        let function = self.access.catalog.function(function);
        self.executable(function, rights)?;
        if self.access.catalog.database.is_some() {
            return Ok(FromItem::Function { id, function: function.id, args: arguments });
        }
        let query = match &function.returns {
            Returns::Scalar { .. } | Returns::Relation { .. } | Returns::Columns { .. } => {
                single_query(function)?
            }
            Returns::Void => return Err(not_inside(function, "it does not return anything")),
        };
        let query = self.row_query(function, query, arguments, rights)?;
        let query = if returns_set(&function.returns) { query } else { self.one_row(query) };
        Ok(FromItem::Query { id, query: Box::new(query), lateral })
    }

    /// The rows of a function whose last statement is this query, as many as the query gives. Whether it may be called is checked
    /// by the caller of this.
    pub fn row_query(
        &mut self,
        function: &Function,
        query: &Query,
        arguments: Vec<Expr>,
        rights: Rights,
    ) -> Result<Query, Refusal> {
        let mut query = query.clone();
        let once = evaluate_once(&arguments, &ir::query_facts(&query), function.strict).then(|| self.fresh());
        let inside: Vec<Expr> = match once {
            Some(cte) => (0..arguments.len()).map(|n| self.argument_of(cte, n, &arguments)).collect(),
            None => arguments.clone(),
        };
        self.enter()?;
        let body_rights = self.body_rights(function, rights);
        Body::new(self, body_rights, inside.clone()).query(&mut query)?;
        self.leave();
        if let Some(given) = self.given(function, &inside) {
            query = self.around(query, None, Some(given));
        }
        if let Some(cte) = once {
            let arguments = self.arguments_query(arguments);
            let cte = Cte { id: cte, name: "arguments".into(), query: arguments, recursive: false };
            query.with.insert(0, cte);
        }
        Ok(query)
    }

    /// What must hold for a strict function to run: no argument is null.
    pub fn given(&mut self, function: &Function, arguments: &[Expr]) -> Option<Expr> {
        if !function.strict {
            return None;
        }
        let unsure =
            |argument: &&Expr| !matches!(&argument.kind, ExprKind::Literal(value) if !value.is_null());
        let mut given: Vec<Expr> = Vec::new();
        let positions = self.access.catalog.argument_positions(&function.parameters);
        for (parameter, range) in function.parameters.iter().zip(positions) {
            let values = arguments.get(range).unwrap_or_default();
            if parameter.row.is_some() {
                // A row is there whatever is in it, except that a request may give null for it, which is null in every column.
                if values.iter().all(|value| matches!(value.kind, ExprKind::Bind(_))) {
                    given.push(Expr::or(values.iter().map(|value| is_null(value.clone(), true))));
                }
                continue;
            }
            given.extend(values.iter().filter(unsure).map(|argument| is_null(self.copy(argument), true)));
        }
        if given.is_empty() {
            return None;
        }
        Some(Expr::and(given))
    }

    /// The first row; one of nulls when there is none.
    pub fn one_row(&mut self, query: Query) -> Query {
        let query = self.first_row(query);
        let one = ir::select(self.fresh(), vec![(Expr::bool(true), "one".into())], None, None);
        let one = FromItem::Query { id: self.fresh(), query: Box::new(one), lateral: false };
        self.around(query, Some(one), None)
    }

    /// The rows for which a condition that does not depend on them holds.
    pub fn filtered(&mut self, query: Query, filter: Expr) -> Query {
        self.around(query, None, Some(filter))
    }

    /// `select inner.* from [beside left join] (query) as inner where filter`.
    fn around(&mut self, query: Query, beside: Option<FromItem>, filter: Option<Expr>) -> Query {
        let id = self.fresh();
        let projection = query
            .columns
            .iter()
            .enumerate()
            .map(|(n, (name, ty))| (Expr::column(id, n, ty.clone()), name.clone()))
            .collect();
        let inner = FromItem::Query { id, query: Box::new(query), lateral: false };
        let from = match beside {
            None => inner,
            Some(beside) => FromItem::Join {
                kind: JoinKind::Left,
                left: Box::new(beside),
                right: Box::new(inner),
                on: Some(Expr::bool(true)),
            },
        };
        ir::select(self.fresh(), projection, Some(from), filter)
    }

    /// Leaves only the first row.
    pub fn first_row(&mut self, mut query: Query) -> Query {
        let single = match &query.body {
            QueryBody::Select(select) => {
                select.from.is_none()
                    || select.grouped && select.group_by.is_empty() && select.having.is_none()
            }
            QueryBody::Values(rows) => rows.len() == 1,
            QueryBody::SetOperation { .. } => false,
        };
        if single {
            return query;
        }
        if query.limit.is_some() {
            query = self.around(query, None, None);
        }
        query.limit = Some(Box::new(Expr::literal(Value::Int(1), Type::Int8)));
        query
    }

    fn arguments_query(&mut self, arguments: Vec<Expr>) -> Query {
        let named = arguments.into_iter().enumerate().map(|(n, argument)| (argument, format!("argument{n}")));
        ir::select(self.fresh(), named.collect(), None, None)
    }

    /// `(select a.n from arguments a)`
    fn argument_of(&mut self, cte: SourceId, n: usize, arguments: &[Expr]) -> Expr {
        let id = self.fresh();
        let ty = arguments.get(n).map_or(Type::Unknown, |argument| argument.ty.clone());
        let column = (Expr::column(id, n, ty.clone()), format!("argument{n}"));
        let query = ir::select(self.fresh(), vec![column], Some(FromItem::Cte { id, cte }), None);
        Expr { kind: ExprKind::Scalar(Box::new(query)), ty }
    }

    fn executable(&self, function: &Function, rights: Rights) -> Result<(), Refusal> {
        if rights == Rights::Owner || self.access.may_execute(function) {
            return Ok(());
        }
        Err(Refusal::PermissionDenied { kind: "function", name: function.name.name.clone() })
    }
}

/// Whether putting the arguments where the body names them would evaluate something too often.
fn evaluate_once(arguments: &[Expr], body: &Facts, strict: bool) -> bool {
    arguments.iter().enumerate().any(|(n, argument)| {
        let uses = body.arguments.iter().filter(|used| **used == n).count() + usize::from(strict);
        let facts = ir::facts(argument);
        facts.volatile && uses > 0 || facts.queries && uses > 1
    })
}

/// Whether a call can give any number of rows.
pub(crate) fn returns_set(returns: &Returns) -> bool {
    match returns {
        Returns::Void => false,
        Returns::Scalar { set, .. } | Returns::Relation { set, .. } | Returns::Columns { set, .. } => *set,
    }
}

fn is_null(expr: Expr, negated: bool) -> Expr {
    Expr::boolean(ExprKind::IsNull { expr: Box::new(expr), negated })
}

/// The body's only statement, a query.
fn single_query(function: &Function) -> Result<&Query, Refusal> {
    match function.body.as_slice() {
        [Statement::Query(query)] => Ok(query),
        _ => Err(not_inside(function, "its body is not a single query")),
    }
}

fn not_inside(function: &Function, why: &str) -> Refusal {
    Refusal::Sql {
        code: "0A000",
        message: format!("function {} cannot be used inside a query: {why}", function.name.name),
        detail: None,
        hint: None,
    }
}

/// The value of `select value`, or the query when it is more than that.
fn only_value(mut query: Query) -> Result<Expr, Box<Query>> {
    let plain =
        query.with.is_empty() && query.limit.is_none() && query.offset.is_none() && query.order.is_empty();
    if let QueryBody::Select(select) = &mut query.body
        && plain
        && select.from.is_none()
        && select.filter.is_none()
        && !select.grouped
        && select.having.is_none()
        && select.projection.len() == 1
        && let Some(value) = select.projection.pop()
    {
        return Ok(value);
    }
    Err(Box::new(query))
}
