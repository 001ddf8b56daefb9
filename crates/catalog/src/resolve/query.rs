//! Queries: `with`, set operations, values, order and limit around selects, and the types that a query's columns are given from
//! outside.

use plinth_values::cast::Context;
use plinth_values::{Modifier, Type};
use sqlparser::ast::{self, SetExpr, SetOperator, SetQuantifier};

use super::coerce::{common_type, converts};
use super::compare::is_comparable;
use super::diagnose::Place;
use super::scope::{Clause, CteName, Names, Scope, Table, fold};
use super::select::Output;
use super::{Result, Work};
use crate::expr::{Cte, Distinct, Expr, FromItem, OrderBy, Query, QueryBody, Select, SetOp, SourceId};
use crate::walk::{self, Visitor};

impl Query {
    /// A query that is nothing but this select.
    pub(super) fn of_select(select: Select, columns: Vec<(String, Type)>) -> Query {
        Query::of_body(QueryBody::Select(Box::new(select)), columns)
    }

    fn of_body(body: QueryBody, columns: Vec<(String, Type)>) -> Query {
        Query {
            with: Vec::new(),
            body,
            order: Vec::new(),
            limit: None,
            offset: None,
            columns,
            output: SourceId::fresh(),
        }
    }

    /// `select * from (this query)`, for what cannot be said about the query itself.
    fn wrapped(self) -> Query {
        let id = SourceId::fresh();
        let columns = self.columns.clone();
        let projection =
            columns.iter().enumerate().map(|(index, (_, ty))| Expr::column(id, index, ty.clone())).collect();
        let select = Select {
            distinct: Distinct::No,
            projection,
            from: Some(FromItem::Query { id, query: Box::new(self), lateral: false }),
            filter: None,
            group_by: Vec::new(),
            grouped: false,
            having: None,
        };
        Query::of_select(select, columns)
    }
}

impl Work<'_> {
    /// A query whose bare literals have become text.
    pub(super) fn query(&self, outer: Option<&Scope<'_>>, ast: &ast::Query) -> Result<Query> {
        let mut query = self.raw_query(outer, ast)?;
        self.settle(&mut query)?;
        Ok(query)
    }

    /// A query inside an expression.
    pub(super) fn subquery(&self, scope: &Scope<'_>, at: &impl Place, ast: &ast::Query) -> Result<Query> {
        let clause = scope.clause.get();
        if !clause.subqueries {
            return Err(self.refuse(at, format!("cannot use subquery in {}", clause.name)));
        }
        self.query(Some(scope), ast)
    }

    /// A query whose columns may still be bare literals, for those who know better what they should be.
    pub(super) fn raw_query(&self, outer: Option<&Scope<'_>>, ast: &ast::Query) -> Result<Query> {
        let _level = self.deeper(ast)?;
        self.plain_query(ast)?;
        let mut level = Scope::new(outer, Names::default(), Clause::PLAIN);
        let mut with = Vec::new();
        if let Some(clause) = &ast.with {
            for cte in &clause.cte_tables {
                let resolved = self.cte(&level, cte, clause.recursive)?;
                if level.ctes.iter().any(|other| other.name == resolved.name) {
                    let message = format!("WITH query name \"{}\" specified more than once", resolved.name);
                    return Err(self.refuse(&cte.alias.name, message));
                }
                let columns = resolved.query.columns.clone();
                level.ctes.push(CteName { name: resolved.name.clone(), id: resolved.id, columns });
                with.push(resolved);
            }
        }
        let scope = if level.ctes.is_empty() { outer } else { Some(&level) };
        let order: &[ast::OrderByExpr] = match ast.order_by.as_ref().map(|order| &order.kind) {
            None => &[],
            Some(ast::OrderByKind::Expressions(keys)) => keys,
            Some(ast::OrderByKind::All(_)) => {
                return Err(self.unsupported(ast, "order by all", "name the columns"));
            }
        };
        let mut query = self.query_body(scope, &ast.body, order)?;
        let (limit, offset) = self.limits(scope, ast)?;
        if limit.is_some() || offset.is_some() {
            let is_plain = matches!(query.body, QueryBody::Select(_) | QueryBody::SetOperation { .. });
            if !is_plain || query.limit.is_some() || query.offset.is_some() {
                query = query.wrapped();
            }
            query.limit = limit;
            query.offset = offset;
        }
        if !with.is_empty() {
            if !query.with.is_empty() {
                query = query.wrapped();
            }
            query.with = with;
        }
        Ok(query)
    }

    fn plain_query(&self, ast: &ast::Query) -> Result<()> {
        if let Some(lock) = ast.locks.first() {
            let what = format!("for {}", lock.lock_type.to_string().to_lowercase());
            return Err(self.unsupported(ast, &what, "leave it out: a request is one transaction"));
        }
        let foreign = ast.for_clause.is_some()
            || ast.settings.is_some()
            || ast.format_clause.is_some()
            || !ast.pipe_operators.is_empty()
            || ast.order_by.as_ref().is_some_and(|order| order.interpolate.is_some());
        match foreign {
            true => Err(self.unsupported(ast, "this form of query", "use PostgreSQL's")),
            false => Ok(()),
        }
    }

    /// `limit` (or `fetch first`) and `offset`.
    #[allow(clippy::type_complexity, reason = "a pair of the same")]
    fn limits(
        &self,
        scope: Option<&Scope<'_>>,
        ast: &ast::Query,
    ) -> Result<(Option<Box<Expr>>, Option<Box<Expr>>)> {
        let count = |expr: &ast::Expr, name: &'static str| -> Result<Box<Expr>> {
            let level = Scope::new(scope, Names::default(), Clause::plain(name));
            let resolved = self.expr(&level, expr)?;
            if !converts(&resolved.ty, &Type::Int8, Context::Assignment) {
                let message = format!("argument of {name} must be type bigint, not type {}", resolved.ty);
                return Err(self.refuse(expr, message));
            }
            self.coerce(expr, resolved, &Type::Int8, Context::Assignment).map(Box::new)
        };
        let (mut limit, offset) = match &ast.limit_clause {
            None => (None, None),
            Some(ast::LimitClause::LimitOffset { limit, offset, limit_by }) if limit_by.is_empty() => (
                limit.as_ref().map(|expr| count(expr, "LIMIT")).transpose()?,
                offset.as_ref().map(|offset| count(&offset.value, "OFFSET")).transpose()?,
            ),
            Some(_) => return Err(self.unsupported(ast, "this form of limit", "write limit … offset …")),
        };
        if let Some(fetch) = &ast.fetch {
            if fetch.with_ties || fetch.percent {
                return Err(self.unsupported(ast, "fetch with ties or percent", "use limit"));
            }
            if limit.is_some() {
                return Err(self.refuse(ast, "multiple LIMIT clauses not allowed"));
            }
            limit = Some(match &fetch.quantity {
                Some(expr) => count(expr, "LIMIT")?,
                None => Box::new(Expr::literal(plinth_values::Value::Int(1), Type::Int8)),
            });
        }
        Ok((limit, offset))
    }

    fn query_body(
        &self,
        scope: Option<&Scope<'_>>,
        ast: &SetExpr,
        order: &[ast::OrderByExpr],
    ) -> Result<Query> {
        let _level = self.deeper(ast)?;
        let query = match ast {
            SetExpr::Select(select) => return self.select(scope, select, order),
            SetExpr::Values(values) => self.values(scope, values)?,
            SetExpr::Query(inner) => {
                let query = self.raw_query(scope, inner)?;
                if !order.is_empty() && !query.order.is_empty() {
                    return Err(self.refuse(ast, "multiple ORDER BY clauses not allowed"));
                }
                query
            }
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                let mut query = self.set_operation(scope, ast, (left, right), *op, *set_quantifier)?;
                query.order = self.output_order(&query, order)?;
                return Ok(query);
            }
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                let hint = "write it as a statement of its own";
                return Err(self.unsupported(ast, "insert, update or delete inside a query", hint));
            }
            SetExpr::Table(_) => {
                return Err(self.unsupported(ast, "table as a query", "write select * from"));
            }
        };
        if order.is_empty() {
            return Ok(query);
        }
        self.ordered(scope, query, order)
    }

    /// A query ordered from outside, by its output columns.
    fn ordered(&self, scope: Option<&Scope<'_>>, query: Query, order: &[ast::OrderByExpr]) -> Result<Query> {
        let mut query = query.wrapped();
        let QueryBody::Select(select) = &query.body else { return Ok(query) };
        let Some(FromItem::Query { id, .. }) = &select.from else { return Ok(query) };
        let mut names = Names::default();
        names.add(Table {
            name: String::new(),
            schema: None,
            source: *id,
            relation: None,
            row: None,
            columns: query.columns.clone(),
            nullable: false,
            is_value: false,
            argument: None,
        });
        let level = Scope::new(scope, names, Clause::SELECT);
        let outputs = outputs(&query.columns, *id);
        let order = order.iter().map(|key| {
            let expr = self.order_expr(&level, &key.expr, &outputs, "ORDER BY")?;
            self.order_key(key, expr)
        });
        let order = order.collect::<Result<Vec<OrderBy>>>()?;
        query.order = order;
        Ok(query)
    }

    /// The order of a set operation: positions and output columns only.
    fn output_order(&self, query: &Query, order: &[ast::OrderByExpr]) -> Result<Vec<OrderBy>> {
        let outputs = outputs(&query.columns, query.output);
        let level = Scope::new(None, Names::default(), Clause::SELECT);
        let keys = order.iter().map(|key| {
            let known = match &key.expr {
                ast::Expr::Identifier(ident) => outputs.iter().any(|output| output.name == fold(ident)),
                ast::Expr::Value(_) => true,
                _ => false,
            };
            if !known {
                let message = "invalid UNION/INTERSECT/EXCEPT ORDER BY clause";
                return Err(self
                    .refuse(key, message)
                    .hint("only result column names can be used, not expressions"));
            }
            let expr = self.order_expr(&level, &key.expr, &outputs, "ORDER BY")?;
            self.order_key(key, expr)
        });
        keys.collect()
    }

    /// The rows of `values`, each expression with the type it has by itself.
    pub(super) fn value_rows(&self, scope: Option<&Scope<'_>>, ast: &ast::Values) -> Result<Vec<Vec<Expr>>> {
        let level = Scope::new(scope, Names::default(), Clause::plain("VALUES"));
        let mut rows: Vec<Vec<Expr>> = Vec::with_capacity(ast.rows.len());
        for row in &ast.rows {
            let exprs =
                row.content.iter().map(|expr| self.expr(&level, expr)).collect::<Result<Vec<Expr>>>()?;
            if rows.first().is_some_and(|first| first.len() != exprs.len()) {
                return Err(self.refuse(ast, "VALUES lists must all be the same length"));
            }
            rows.push(exprs);
        }
        Ok(rows)
    }

    fn values(&self, scope: Option<&Scope<'_>>, ast: &ast::Values) -> Result<Query> {
        let mut rows = self.value_rows(scope, ast)?;
        let width = rows.first().map_or(0, Vec::len);
        let mut types = Vec::with_capacity(width);
        for index in 0..width {
            let column = || rows.iter().filter_map(|row| row.get(index)).map(|expr| &expr.ty);
            // Literals alone stay open: an insert makes values of the column's type of them.
            let ty = match column().all(|ty| *ty == Type::Unknown) {
                true => Type::Unknown,
                false => {
                    common_type(column()).map_err(|(a, b)| self.no_common_type(ast, "VALUES", &a, &b))?
                }
            };
            types.push(ty);
        }
        for row in &mut rows {
            for (expr, ty) in row.iter_mut().zip(&types) {
                *expr = self.converted(ast, "VALUES", take(expr), ty)?;
            }
        }
        let columns =
            types.into_iter().enumerate().map(|(index, ty)| (format!("column{}", index + 1), ty)).collect();
        Ok(Query::of_body(QueryBody::Values(rows), columns))
    }

    fn converted(&self, at: &impl Place, construct: &str, expr: Expr, ty: &Type) -> Result<Expr> {
        if !converts(&expr.ty, ty, Context::Implicit) {
            return Err(self.refuse(at, format!("{construct} could not convert type {} to {ty}", expr.ty)));
        }
        match ty {
            Type::Unknown => Ok(expr),
            ty => self.coerce(at, expr, ty, Context::Implicit),
        }
    }

    fn set_operation(
        &self,
        scope: Option<&Scope<'_>>,
        at: &SetExpr,
        (left, right): (&SetExpr, &SetExpr),
        op: SetOperator,
        quantifier: SetQuantifier,
    ) -> Result<Query> {
        let (op, construct) = match op {
            SetOperator::Union => (SetOp::Union, "UNION"),
            SetOperator::Intersect => (SetOp::Intersect, "INTERSECT"),
            SetOperator::Except => (SetOp::Except, "EXCEPT"),
            SetOperator::Minus => return Err(self.unsupported(at, "minus", "use except")),
        };
        let all = match quantifier {
            SetQuantifier::All => true,
            SetQuantifier::None | SetQuantifier::Distinct => false,
            _ => return Err(self.unsupported(at, "by name", "list the columns in the same order")),
        };
        let left = self.query_body(scope, left, &[])?;
        let right = self.query_body(scope, right, &[])?;
        self.combined(at, (op, construct), all, left, right)
    }

    /// Both sides with columns of the types they have in common.
    fn combined(
        &self,
        at: &SetExpr,
        (op, construct): (SetOp, &str),
        all: bool,
        mut left: Query,
        mut right: Query,
    ) -> Result<Query> {
        if left.columns.len() != right.columns.len() {
            let message = format!("each {construct} query must have the same number of columns");
            return Err(self.refuse(at, message));
        }
        let mut types = Vec::with_capacity(left.columns.len());
        for ((_, a), (_, b)) in left.columns.iter().zip(&right.columns) {
            let ty = common_type([a, b]).map_err(|(a, b)| self.no_common_type(at, construct, &a, &b))?;
            for side in [a, b] {
                if !converts(side, &ty, Context::Implicit) {
                    return Err(self.refuse(at, format!("{construct} could not convert type {side} to {ty}")));
                }
            }
            if !all && !is_comparable(&ty) {
                return Err(self.refuse(at, format!("could not identify an equality operator for type {ty}")));
            }
            types.push(ty);
        }
        self.retype(at, &mut left, &types)?;
        self.retype(at, &mut right, &types)?;
        let columns = left.columns.clone();
        let body = QueryBody::SetOperation { op, all, left: Box::new(left), right: Box::new(right) };
        Ok(Query::of_body(body, columns))
    }

    fn cte(&self, level: &Scope<'_>, ast: &ast::Cte, recursive: bool) -> Result<Cte> {
        let name = fold(&ast.alias.name);
        if ast.from.is_some() || ast.alias.columns.iter().any(|column| column.data_type.is_some()) {
            return Err(self.unsupported(&ast.alias.name, "this form of with", "name the columns only"));
        }
        if recursive
            && let SetExpr::SetOperation { op: SetOperator::Union, set_quantifier, left, right } =
                body(&ast.query)
            && let Some(cte) = self.recursive_cte(level, ast, &name, (left, right), *set_quantifier)?
        {
            return Ok(cte);
        }
        let mut query = self.query(Some(level), &ast.query)?;
        self.rename(ast, &name, &mut query)?;
        Ok(Cte { id: SourceId::fresh(), name, query, recursive: false })
    }

    fn rename(&self, ast: &ast::Cte, name: &str, query: &mut Query) -> Result<()> {
        let (given, there) = (ast.alias.columns.len(), query.columns.len());
        if given > there {
            let message =
                format!("WITH query \"{name}\" has {there} columns available but {given} columns specified");
            return Err(self.refuse(&ast.alias.name, message));
        }
        for (column, renamed) in query.columns.iter_mut().zip(&ast.alias.columns) {
            column.0 = fold(&renamed.name);
        }
        Ok(())
    }

    /// `first union [all] next`, where `next` reads the expression itself; `None` when it does not.
    fn recursive_cte(
        &self,
        level: &Scope<'_>,
        ast: &ast::Cte,
        name: &str,
        (first, next): (&SetExpr, &SetExpr),
        quantifier: SetQuantifier,
    ) -> Result<Option<Cte>> {
        let _level = self.deeper(&ast.alias.name)?;
        let mut first = self.query_body(Some(level), first, &[])?;
        self.settle(&mut first)?;
        self.rename(ast, name, &mut first)?;
        let id = SourceId::fresh();
        let mut inside = Scope::new(Some(level), Names::default(), Clause::PLAIN);
        inside.ctes.push(CteName { name: name.to_owned(), id, columns: first.columns.clone() });
        let mut next = self.query_body(Some(&inside), next, &[])?;
        let uses = Uses::count(id, &next);
        if uses.all == 0 {
            return Ok(None);
        }
        let at = &ast.alias.name;
        if uses.all > 1 {
            let message = format!("recursive reference to query \"{name}\" must not appear more than once");
            return Err(self.refuse(at, message));
        }
        if uses.direct == 0 {
            let message =
                format!("recursive reference to query \"{name}\" must not appear within a subquery");
            return Err(self.refuse(at, message));
        }
        if matches!(&next.body, QueryBody::Select(select) if select.grouped) {
            let message = "aggregate functions are not allowed in a recursive query's recursive term";
            return Err(self.refuse(at, message));
        }
        if ast.query.order_by.is_some() || ast.query.limit_clause.is_some() || ast.query.fetch.is_some() {
            return Err(self.unsupported(at, "order by or limit in a recursive query", "put it outside"));
        }
        let types: Vec<Type> = first.columns.iter().map(|(_, ty)| ty.clone()).collect();
        if types.len() != next.columns.len() {
            return Err(self.refuse(at, "each UNION query must have the same number of columns"));
        }
        for (index, (ty, (_, other))) in types.iter().zip(&next.columns).enumerate() {
            if ty != other && *other != Type::Unknown {
                let message = format!(
                    "recursive query \"{name}\" column {} has type {ty} in non-recursive term but type {other} overall",
                    index + 1
                );
                return Err(self.refuse(at, message).hint("cast the output of the non-recursive term"));
            }
        }
        self.retype(at, &mut next, &types)?;
        let columns = first.columns.clone();
        let all = matches!(quantifier, SetQuantifier::All);
        let body =
            QueryBody::SetOperation { op: SetOp::Union, all, left: Box::new(first), right: Box::new(next) };
        let query = Query::of_body(body, columns);
        Ok(Some(Cte { id, name: name.to_owned(), query, recursive: true }))
    }

    /// Makes text of the columns that are still bare literals.
    pub(super) fn settle(&self, query: &mut Query) -> Result<()> {
        let settled = query.columns.iter().map(|(_, ty)| match ty {
            Type::Unknown => Type::Text,
            ty => ty.clone(),
        });
        let types: Vec<Type> = settled.collect();
        self.retype(&ast::Ident::new(""), query, &types)
    }

    /// Casts the columns of a query to these types; that the casts exist is known.
    pub(super) fn retype(&self, at: &impl Place, query: &mut Query, types: &[Type]) -> Result<()> {
        let targets: Vec<(Type, Modifier)> = types.iter().map(|ty| (ty.clone(), Modifier::None)).collect();
        self.recast(at, query, &targets)
    }

    /// The same, with modifiers.
    pub(super) fn recast(
        &self,
        at: &impl Place,
        query: &mut Query,
        targets: &[(Type, Modifier)],
    ) -> Result<()> {
        let changes = |(column, target): (&(String, Type), &(Type, Modifier))| {
            column.1 != target.0 || target.1 != Modifier::None
        };
        if !query.columns.iter().zip(targets).any(changes) {
            return Ok(());
        }
        // Which rows are distinct, or in what order, is decided before the cast: that needs a query around this one, unless
        // only constants change, which make no difference.
        let is_outside = match &query.body {
            QueryBody::Select(select) => {
                matches!(select.distinct, Distinct::All)
                    && query.columns.iter().zip(targets).any(|(c, t)| c.1 != Type::Unknown && changes((c, t)))
            }
            QueryBody::Values(_) => false,
            QueryBody::SetOperation { .. } => true,
        };
        if is_outside {
            let inner = std::mem::replace(query, Query::of_body(QueryBody::Values(Vec::new()), Vec::new()));
            *query = inner.wrapped();
        }
        let rows: Vec<&mut Vec<Expr>> = match &mut query.body {
            QueryBody::Select(select) => vec![&mut select.projection],
            QueryBody::Values(rows) => rows.iter_mut().collect(),
            QueryBody::SetOperation { .. } => Vec::new(),
        };
        for row in rows {
            for (expr, (ty, modifier)) in row.iter_mut().zip(targets) {
                *expr = self.cast(at, take(expr), ty, *modifier, false)?;
            }
        }
        for (column, (ty, _)) in query.columns.iter_mut().zip(targets) {
            column.1 = ty.clone();
        }
        Ok(())
    }
}

/// The body of a query, out of all its parentheses.
fn body(query: &ast::Query) -> &SetExpr {
    match query.body.as_ref() {
        SetExpr::Query(inner) if inner.with.is_none() => body(inner),
        body => body,
    }
}

/// Takes an expression out of its place, to put another one there.
pub(super) fn take(place: &mut Expr) -> Expr {
    std::mem::replace(place, Expr::bool(false))
}

fn outputs(columns: &[(String, Type)], source: SourceId) -> Vec<Output> {
    let output = |(index, (name, ty)): (usize, &(String, Type))| Output {
        name: name.clone(),
        expr: Expr::column(source, index, ty.clone()),
    };
    columns.iter().enumerate().map(output).collect()
}

/// How often a query reads a common table expression: in all, and in the `from` of its own select.
struct Uses {
    id: SourceId,
    all: usize,
    direct: usize,
}

impl Uses {
    fn count(id: SourceId, query: &Query) -> Uses {
        let mut uses = Uses { id, all: 0, direct: 0 };
        uses.query(query);
        if let QueryBody::Select(select) = &query.body {
            uses.direct = select.from.as_ref().map_or(0, |from| uses.in_join(from));
        }
        uses
    }

    fn in_join(&self, item: &FromItem) -> usize {
        match item {
            FromItem::Cte { cte, .. } => usize::from(*cte == self.id),
            FromItem::Join { left, right, .. } => self.in_join(left) + self.in_join(right),
            FromItem::Relation { .. }
            | FromItem::Query { .. }
            | FromItem::Set { .. }
            | FromItem::Function { .. } => 0,
        }
    }
}

impl Visitor for Uses {
    fn from_item(&mut self, item: &FromItem) {
        if let FromItem::Cte { cte, .. } = item {
            self.all += usize::from(*cte == self.id);
        }
        walk::walk_from_item(self, item);
    }
}
