//! One `select`: its output columns, conditions, groups and order, in the order in which PostgreSQL looks at them.

use sqlparser::ast::{self, GroupByExpr, SelectItem, SelectItemQualifiedWildcardKind};

use super::compare::is_comparable;
use super::grouping::{has_aggregate, same};
use super::naming::output_name;
use super::scope::{Clause, Names, Scope, Visible, fold, parts};
use super::{Result, Work};
use crate::expr::{Distinct, Expr, FromItem, JoinKind, OrderBy, Query, Select};

/// An output column.
#[derive(Clone)]
pub(super) struct Output {
    /// Its name
    pub name: String,
    /// Its value
    pub expr: Expr,
}

impl Work<'_> {
    /// A select with the order of the query around it.
    pub(super) fn select(
        &self,
        outer: Option<&Scope<'_>>,
        ast: &ast::Select,
        order: &[ast::OrderByExpr],
    ) -> Result<Query> {
        self.plain_select(ast)?;
        let source = self.from(outer, &ast.from)?;
        let (mut from, names) = match source {
            Some(source) => (Some(source.item), source.names),
            None => (None, Names::default()),
        };
        let mut scope = Scope::new(outer, names, Clause::SELECT);
        scope.windows = &ast.named_window;

        let filter = match &ast.selection {
            Some(condition) => {
                Some(self.clause_condition(&scope, condition, Clause::plain("WHERE"), "WHERE")?)
            }
            None => None,
        };
        let (outputs, sets) = self.outputs(&scope, &ast.projection)?;
        let group_by = self.group_by(&scope, &ast.group_by, &outputs)?;
        let having = match &ast.having {
            Some(condition) => {
                let clause = Clause { name: "HAVING", aggregates: true, ..Clause::PLAIN };
                Some(self.clause_condition(&scope, condition, clause, "HAVING")?)
            }
            None => None,
        };
        let order = order.iter().map(|key| {
            let expr = self.order_expr(&scope, &key.expr, &outputs, "ORDER BY")?;
            self.order_key(key, expr)
        });
        let order = order.collect::<Result<Vec<OrderBy>>>()?;
        let distinct = self.distinct_clause(&scope, ast, &outputs, &order)?;

        let exprs = || {
            outputs.iter().map(|output| &output.expr).chain(order.iter().map(|key| &key.expr)).chain(&having)
        };
        let grouped = !group_by.is_empty() || having.is_some() || exprs().any(has_aggregate);
        if grouped {
            let on = match &distinct {
                Distinct::On(exprs) => exprs.as_slice(),
                Distinct::No | Distinct::All => &[],
            };
            self.require_grouped_select(ast, &scope, &group_by, &outputs, exprs().chain(on))?;
        }
        if !sets.is_empty() && (grouped || sets.len() > 1) {
            let what = "this use of a set-returning function in the select list";
            return Err(self.unsupported(&ast.select_token.0.span, what, "move it to from"));
        }
        for set in sets {
            from = Some(match from {
                None => set,
                Some(left) => FromItem::Join {
                    kind: JoinKind::Cross,
                    left: Box::new(left),
                    right: Box::new(set),
                    on: None,
                },
            });
        }
        let columns = outputs.iter().map(|output| (output.name.clone(), output.expr.ty.clone())).collect();
        let projection = outputs.into_iter().map(|output| output.expr).collect();
        let select = Select { distinct, projection, from, filter, group_by, grouped, having };
        Ok(Query { order, ..Query::of_select(select, columns) })
    }

    /// Refuses what other dialects have in a select.
    fn plain_select(&self, ast: &ast::Select) -> Result<()> {
        let foreign = ast.top.is_some()
            || ast.exclude.is_some()
            || ast.select_modifiers.is_some()
            || !ast.lateral_views.is_empty()
            || ast.prewhere.is_some()
            || !ast.connect_by.is_empty()
            || !ast.cluster_by.is_empty()
            || !ast.distribute_by.is_empty()
            || !ast.sort_by.is_empty()
            || ast.qualify.is_some()
            || ast.value_table_mode.is_some()
            || !matches!(ast.flavor, ast::SelectFlavor::Standard);
        if foreign {
            return Err(self.unsupported(ast, "this form of select", "use PostgreSQL's"));
        }
        match &ast.into {
            Some(_) => Err(self.unsupported(ast, "select into", "use insert … select")),
            None => Ok(()),
        }
    }

    fn clause_condition(
        &self,
        scope: &Scope<'_>,
        ast: &ast::Expr,
        clause: Clause,
        construct: &str,
    ) -> Result<Expr> {
        scope.within(clause, || {
            let expr = self.expr(scope, ast)?;
            self.condition(ast, expr, construct)
        })
    }

    /// The output columns, and the set-returning calls among them as sources.
    fn outputs(&self, scope: &Scope<'_>, items: &[SelectItem]) -> Result<(Vec<Output>, Vec<FromItem>)> {
        let mut outputs = Vec::with_capacity(items.len());
        let mut sets = Vec::new();
        for item in items {
            let (expr, alias) = match item {
                SelectItem::UnnamedExpr(expr) => (expr, None),
                SelectItem::ExprWithAlias { expr, alias } => (expr, Some(fold(alias))),
                wildcard => {
                    outputs.extend(self.wildcard(scope, wildcard)?);
                    continue;
                }
            };
            let name = alias.unwrap_or_else(|| output_name(expr));
            if let ast::Expr::Function(function) = expr
                && function.over.is_none()
                && !matches!(function.args, ast::FunctionArguments::Subquery(_))
            {
                let call = self.written(function)?;
                if self.gives_rows(&call)
                    && let Some(rows) = self.function_rows(scope, expr, &call)?
                {
                    let [(_, ty)] = rows.columns.as_slice() else {
                        let message = format!("function {} gives rows of several columns", call.name);
                        return Err(self.refuse(expr, message).hint(format!("call {}() in from", call.name)));
                    };
                    outputs.push(Output { name, expr: Expr::column(rows.id, 0, ty.clone()) });
                    sets.push(rows.item);
                    continue;
                }
            }
            outputs.push(Output { name, expr: self.expr(scope, expr)? });
        }
        Ok((outputs, sets))
    }

    /// `*` and `t.*`
    pub(super) fn wildcard(&self, scope: &Scope<'_>, item: &SelectItem) -> Result<Vec<Output>> {
        let (visible, options): (Vec<Visible>, _) = match item {
            SelectItem::Wildcard(options) => (scope.names.visible.clone(), options),
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                let names = parts(name);
                let found = match names.as_slice() {
                    [table] => self.find_table(scope, None, table),
                    [schema, table] => self.find_table(scope, Some(schema), table),
                    _ => None,
                };
                let Some(table) = found else {
                    let message = format!("missing FROM-clause entry for table \"{}\"", names.join("."));
                    return Err(self.refuse(name, message));
                };
                (table.visible().collect(), options)
            }
            other => return Err(self.unsupported(other, "this kind of output column", "name the columns")),
        };
        let has_options = options.opt_ilike.is_some()
            || options.opt_exclude.is_some()
            || options.opt_except.is_some()
            || options.opt_replace.is_some()
            || options.opt_rename.is_some()
            || options.opt_alias.is_some();
        if has_options {
            return Err(self.unsupported(item, "* with options", "name the columns"));
        }
        if matches!(item, SelectItem::Wildcard(_)) && scope.names.tables.is_empty() {
            return Err(self.refuse(item, "SELECT * with no tables specified is not valid"));
        }
        Ok(visible.into_iter().map(|column| Output { name: column.name, expr: column.expr }).collect())
    }

    fn group_by(&self, scope: &Scope<'_>, ast: &GroupByExpr, outputs: &[Output]) -> Result<Vec<Expr>> {
        let (exprs, modifiers) = match ast {
            GroupByExpr::Expressions(exprs, modifiers) => (exprs, modifiers),
            GroupByExpr::All(_) => {
                return Err(self.unsupported(ast, "group by all", "name what to group by"));
            }
        };
        if !modifiers.is_empty() {
            return Err(self.unsupported(
                ast,
                "group by with modifiers",
                "use a query per grouping, and union all",
            ));
        }
        let mut groups = Vec::with_capacity(exprs.len());
        for expr in exprs {
            self.group_key(scope, expr, outputs, &mut groups)?;
        }
        Ok(groups)
    }

    fn group_key(
        &self,
        scope: &Scope<'_>,
        ast: &ast::Expr,
        outputs: &[Output],
        groups: &mut Vec<Expr>,
    ) -> Result<()> {
        let unsupported =
            |what: &str| Err(self.unsupported(ast, what, "use a query per grouping, and union all"));
        match ast {
            ast::Expr::GroupingSets(_) => return unsupported("grouping sets"),
            ast::Expr::Cube(_) => return unsupported("cube"),
            ast::Expr::Rollup(_) => return unsupported("rollup"),
            ast::Expr::Tuple(exprs) if exprs.is_empty() => return unsupported("an empty grouping set"),
            ast::Expr::Tuple(exprs) => {
                let _level = self.deeper(ast)?;
                return exprs.iter().try_for_each(|expr| self.group_key(scope, expr, outputs, groups));
            }
            _ => {}
        }
        let position = self.position(ast, outputs, "GROUP BY")?;
        let expr = match (position, ast) {
            (Some(expr), _) => expr,
            // Here, unlike in order by, a column of the sources comes before an output column.
            (None, ast::Expr::Identifier(ident)) => {
                let name = fold(ident);
                let of_sources = scope.names.visible.iter().any(|column| column.name == name);
                match outputs.iter().find(|output| output.name == name) {
                    Some(output) if !of_sources => output.expr.clone(),
                    _ => scope.within(Clause::plain("GROUP BY"), || self.expr(scope, ast))?,
                }
            }
            _ => scope.within(Clause::plain("GROUP BY"), || self.expr(scope, ast))?,
        };
        if has_aggregate(&expr) {
            return Err(self.refuse(ast, "aggregate functions are not allowed in GROUP BY"));
        }
        let expr = self.known(expr)?;
        if !is_comparable(&expr.ty) {
            return Err(
                self.refuse(ast, format!("could not identify an equality operator for type {}", expr.ty))
            );
        }
        groups.push(expr);
        Ok(())
    }

    /// The output column that a number stands for.
    fn position(&self, ast: &ast::Expr, outputs: &[Output], clause: &str) -> Result<Option<Expr>> {
        let ast::Expr::Value(value) = ast else { return Ok(None) };
        match &value.value {
            ast::Value::Number(digits, _) => {
                let position = digits.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
                match position.and_then(|index| outputs.get(index)) {
                    Some(output) => self.known(output.expr.clone()).map(Some),
                    None => {
                        Err(self.refuse(ast, format!("{clause} position {digits} is not in select list")))
                    }
                }
            }
            ast::Value::Placeholder(_) => Ok(None),
            _ => Err(self.refuse(ast, format!("non-integer constant in {clause}"))),
        }
    }

    /// What `order by` or `distinct on` means by an expression: a position, an output column, or an expression.
    pub(super) fn order_expr(
        &self,
        scope: &Scope<'_>,
        ast: &ast::Expr,
        outputs: &[Output],
        clause: &'static str,
    ) -> Result<Expr> {
        if let Some(expr) = self.position(ast, outputs, clause)? {
            return Ok(expr);
        }
        if let ast::Expr::Identifier(ident) = ast {
            let name = fold(ident);
            let mut named = outputs.iter().filter(|output| output.name == name);
            if let Some(first) = named.next() {
                if named.any(|other| !same(&first.expr, &other.expr)) {
                    return Err(self.refuse(ast, format!("{clause} \"{name}\" is ambiguous")));
                }
                return self.known(first.expr.clone());
            }
        }
        let expr = scope.within(Clause { name: clause, ..Clause::SELECT }, || self.expr(scope, ast))?;
        self.known(expr)
    }

    fn distinct_clause(
        &self,
        scope: &Scope<'_>,
        ast: &ast::Select,
        outputs: &[Output],
        order: &[OrderBy],
    ) -> Result<Distinct> {
        let comparable = |expr: &Expr| match is_comparable(&expr.ty) {
            true => Ok(()),
            false => {
                let message = format!("could not identify an equality operator for type {}", expr.ty);
                Err(self.refuse(&ast.select_token.0.span, message))
            }
        };
        match &ast.distinct {
            None | Some(ast::Distinct::All) => Ok(Distinct::No),
            Some(ast::Distinct::Distinct) => {
                outputs.iter().try_for_each(|output| comparable(&output.expr))?;
                let known = outputs.iter().map(|output| self.known(output.expr.clone()));
                let known = known.collect::<Result<Vec<Expr>>>()?;
                if order.iter().all(|key| known.iter().any(|output| same(output, &key.expr))) {
                    return Ok(Distinct::All);
                }
                let message = "for SELECT DISTINCT, ORDER BY expressions must appear in select list";
                Err(self.refuse(&ast.select_token.0.span, message))
            }
            Some(ast::Distinct::On(exprs)) => {
                let exprs = exprs.iter().map(|expr| self.order_expr(scope, expr, outputs, "DISTINCT ON"));
                let exprs = exprs.collect::<Result<Vec<Expr>>>()?;
                exprs.iter().try_for_each(comparable)?;
                if order.iter().take(exprs.len()).all(|key| exprs.iter().any(|expr| same(expr, &key.expr))) {
                    return Ok(Distinct::On(exprs));
                }
                let message = "SELECT DISTINCT ON expressions must match initial ORDER BY expressions";
                Err(self.refuse(&ast.select_token.0.span, message))
            }
        }
    }

    /// Says which output column, or else which clause, breaks the rule for grouped queries.
    fn require_grouped_select<'e>(
        &self,
        ast: &ast::Select,
        scope: &'e Scope<'_>,
        groups: &'e [Expr],
        outputs: &'e [Output],
        rest: impl Iterator<Item = &'e Expr>,
    ) -> Result<()> {
        let tables = &scope.names.tables;
        for (index, output) in outputs.iter().enumerate() {
            match ast.projection.get(index) {
                Some(item) => self.require_grouped(item, tables, groups, [&output.expr])?,
                None => self.require_grouped(&ast.select_token.0.span, tables, groups, [&output.expr])?,
            }
        }
        self.require_grouped(&ast.select_token.0.span, tables, groups, rest)
    }

    /// The columns of `returning`.
    pub(super) fn returning(
        &self,
        scope: &Scope<'_>,
        items: Option<&[SelectItem]>,
    ) -> Result<Vec<(Expr, String)>> {
        let mut returning = Vec::new();
        for item in items.unwrap_or_default() {
            match item {
                SelectItem::UnnamedExpr(expr) => returning.push((self.expr(scope, expr)?, output_name(expr))),
                SelectItem::ExprWithAlias { expr, alias } => {
                    returning.push((self.expr(scope, expr)?, fold(alias)))
                }
                wildcard => {
                    let outputs = self.wildcard(scope, wildcard)?;
                    returning.extend(outputs.into_iter().map(|output| (output.expr, output.name)));
                }
            }
        }
        Ok(returning)
    }
}
