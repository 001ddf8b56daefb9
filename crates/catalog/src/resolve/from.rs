//! The `from` clause: relations, subqueries, functions and joins, as sources with the names they bring.

use plinth_values::Type;
use plinth_values::builtin::{self, Kind};
use sqlparser::ast::{self, JoinConstraint, JoinOperator, TableFactor};

use super::arguments::scalar;
use super::diagnose::Place;
use super::function::{Call, Written, WrittenValue};
use super::scope::{Clause, Names, Scope, Table, Visible, fold, parts};
use super::{MAX_DEPTH, Result, Work};
use crate::expr::{CompareOp, Distinct, Expr, ExprKind, FromItem, JoinKind, Query, Select, SourceId};
use crate::{Relation, RelationId, Returns};

/// A source of rows with the names it brings.
pub(super) struct Source {
    /// The source
    pub item: FromItem,
    /// Its names
    pub names: Names,
}

/// Rows of a function.
pub(super) struct FunctionRows {
    /// Its identity
    pub id: SourceId,
    /// The source
    pub item: FromItem,
    /// Its columns
    pub columns: Vec<(String, Type)>,
    /// Whether its one column is called as the source is
    pub is_scalar: bool,
    /// The relation whose rows they are, if they are a relation's
    pub row: Option<RelationId>,
}

/// The sources to the left, which a lateral source may refer to.
type Before<'b> = Option<&'b Names>;

impl Work<'_> {
    /// A whole `from` clause.
    pub(super) fn from(
        &self,
        outer: Option<&Scope<'_>>,
        list: &[ast::TableWithJoins],
    ) -> Result<Option<Source>> {
        let mut all: Option<Source> = None;
        let joins = list.iter().map(|item| item.joins.len().saturating_add(1)).sum::<usize>();
        if let Some(first) = list.first().filter(|_| joins > MAX_DEPTH as usize) {
            return Err(self.refuse(first, "too many joins").hint("put some of them into a view"));
        }
        for item in list {
            let next = self.joined(outer, all.as_ref().map(|source| &source.names), item)?;
            all = Some(match all {
                None => next,
                Some(before) => {
                    self.no_duplicates(item, &before.names, &next.names)?;
                    let item = join_item(JoinKind::Cross, before.item, next.item, None);
                    Source { item, names: before.names.join(next.names) }
                }
            });
        }
        Ok(all)
    }

    /// A source with the joins that follow it.
    fn joined(
        &self,
        outer: Option<&Scope<'_>>,
        before: Before<'_>,
        ast: &ast::TableWithJoins,
    ) -> Result<Source> {
        let _level = self.deeper(ast)?;
        let mut left = self.factor(outer, before, &ast.relation)?;
        for join in &ast.joins {
            let mut lateral = before.cloned().unwrap_or_default();
            lateral = lateral.join(left.names.clone());
            let right = self.factor(outer, Some(&lateral), &join.relation)?;
            left = self.join(outer, left, right, join)?;
        }
        Ok(left)
    }

    fn factor(&self, outer: Option<&Scope<'_>>, before: Before<'_>, ast: &TableFactor) -> Result<Source> {
        match ast {
            TableFactor::Table {
                name,
                alias,
                args: None,
                with_hints,
                version: None,
                with_ordinality: false,
                partitions,
                json_path: None,
                sample: None,
                index_hints,
            } if with_hints.is_empty() && partitions.is_empty() && index_hints.is_empty() => {
                self.relation_source(outer, name, alias.as_ref())
            }
            TableFactor::Table { name, alias, args: Some(args), with_ordinality, sample: None, .. } => {
                let mut call = self.named_call(name)?;
                self.add_arguments(&mut call, name, &args.args)?;
                self.function_source(outer, before, ast, &call, *with_ordinality, alias.as_ref())
            }
            TableFactor::Function { name, args, with_ordinality, alias, .. } => {
                let mut call = self.named_call(name)?;
                self.add_arguments(&mut call, name, args)?;
                self.function_source(outer, before, ast, &call, *with_ordinality, alias.as_ref())
            }
            TableFactor::UNNEST { alias, array_exprs, with_offset: false, with_ordinality, .. } => {
                let mut call = self.named_call(&ast::ObjectName::from(vec![ast::Ident::new("unnest")]))?;
                let args =
                    array_exprs.iter().map(|expr| Written { name: None, value: WrittenValue::Expr(expr) });
                call.args.extend(args);
                self.function_source(outer, before, ast, &call, *with_ordinality, alias.as_ref())
            }
            TableFactor::Derived { lateral, subquery, alias, sample: None } => {
                self.derived(outer, before, *lateral, subquery, alias.as_ref())
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                self.joined(outer, before, table_with_joins)
            }
            TableFactor::NestedJoin { .. } => {
                Err(self.unsupported(ast, "an alias for a join", "give aliases to the joined tables"))
            }
            _ => Err(self.unsupported(
                ast,
                "this kind of source",
                "use a table, a view, a subquery or a function",
            )),
        }
    }

    /// The relation that a name means.
    pub(super) fn find_relation(
        &self,
        name: &ast::ObjectName,
        scope: Option<&Scope<'_>>,
    ) -> Result<&Relation> {
        let names = parts(name);
        let found = match names.as_slice() {
            [name] => self.search_path.iter().find_map(|schema| self.catalog.find_relation(schema, name)),
            [schema, name] => self.catalog.find_relation(schema, name),
            _ => None,
        };
        found.ok_or_else(|| self.no_relation(name, &names.join("."), scope))
    }

    fn relation_source(
        &self,
        outer: Option<&Scope<'_>>,
        name: &ast::ObjectName,
        alias: Option<&ast::TableAlias>,
    ) -> Result<Source> {
        let names = parts(name);
        if let ([only], Some(scope)) = (names.as_slice(), outer)
            && let Some(cte) = scope.find_cte(only)
        {
            let id = SourceId::fresh();
            let table = Table {
                name: cte.name.clone(),
                schema: None,
                source: id,
                relation: None,
                row: None,
                columns: cte.columns.clone(),
                nullable: false,
                is_value: false,
                argument: None,
            };
            return self.aliased(FromItem::Cte { id, cte: cte.id }, table, alias);
        }
        let relation = self.find_relation(name, outer)?;
        let id = SourceId::fresh();
        let table = Table {
            name: relation.name.name.clone(),
            schema: Some(relation.name.schema.clone()),
            source: id,
            relation: Some(relation.id),
            row: Some(relation.id),
            columns: relation.columns.iter().map(|c| (c.name.clone(), c.ty.clone())).collect(),
            nullable: false,
            is_value: false,
            argument: None,
        };
        self.aliased(FromItem::Relation { id, relation: relation.id, security: None }, table, alias)
    }

    fn derived(
        &self,
        outer: Option<&Scope<'_>>,
        before: Before<'_>,
        lateral: bool,
        query: &ast::Query,
        alias: Option<&ast::TableAlias>,
    ) -> Result<Source> {
        let left = Scope::new(outer, before.cloned().unwrap_or_default(), Clause::PLAIN);
        let resolved = if lateral { self.query(Some(&left), query)? } else { self.query(outer, query)? };
        let id = SourceId::fresh();
        let columns = resolved.columns.clone();
        let name = String::new();
        let table = Table {
            name,
            schema: None,
            source: id,
            relation: None,
            row: None,
            columns,
            nullable: false,
            is_value: false,
            argument: None,
        };
        self.aliased(FromItem::Query { id, query: Box::new(resolved), lateral }, table, alias)
    }

    fn function_source(
        &self,
        outer: Option<&Scope<'_>>,
        before: Before<'_>,
        at: &TableFactor,
        call: &Call<'_>,
        with_ordinality: bool,
        alias: Option<&ast::TableAlias>,
    ) -> Result<Source> {
        let left = Scope::new(outer, before.cloned().unwrap_or_default(), Clause::plain("functions in FROM"));
        let mut rows = match self.function_rows(&left, at, call)? {
            Some(rows) => rows,
            None => self.scalar_rows(&left, at, call)?,
        };
        let name = alias.map_or_else(|| call.name.clone(), |alias| fold(&alias.name));
        if let ([column], true) = (rows.columns.as_mut_slice(), rows.is_scalar) {
            column.0.clone_from(&name);
        }
        let is_value = rows.columns.len() == 1 && rows.row.is_none() && !with_ordinality;
        if with_ordinality {
            let FromItem::Set { with_ordinality, columns, .. } = &mut rows.item else {
                let hint = "use row_number() over () around it";
                return Err(self.unsupported(at, &format!("with ordinality of {}()", call.name), hint));
            };
            *with_ordinality = true;
            columns.clone_from(&rows.columns);
            rows.columns.push(("ordinality".to_owned(), Type::Int8));
        }
        let table = Table {
            name,
            schema: None,
            source: rows.id,
            relation: None,
            row: rows.row.filter(|_| !with_ordinality),
            columns: rows.columns,
            nullable: false,
            is_value,
            argument: None,
        };
        self.aliased(rows.item, table, alias)
    }

    /// The rows of a set-returning built-in, or of a function of the catalog; `None` when it is neither.
    pub(super) fn function_rows(
        &self,
        scope: &Scope<'_>,
        at: &impl Place,
        call: &Call<'_>,
    ) -> Result<Option<FunctionRows>> {
        let is_built_in = matches!(call.schema.as_deref(), None | Some("pg_catalog"))
            && builtin::by_name(&call.name).iter().any(|builtin| builtin.kind == Kind::Set);
        if !is_built_in && !self.is_own(call) {
            return Ok(None);
        }
        let args = self.arguments(scope, call)?;
        let types: Vec<Type> = args.iter().map(|arg| arg.expr.ty.clone()).collect();
        let id = SourceId::fresh();
        if is_built_in && let Ok(found) = builtin::resolve(&call.name, &[Kind::Set], &types) {
            let columns = builtin::columns(&found);
            let exprs = self.plain_values(at, args)?;
            let args = self.coerce_all(at, exprs, &found.args)?;
            let is_scalar = found.builtin.columns.is_empty();
            let item = FromItem::Set {
                id,
                builtin: found.builtin,
                args,
                columns: columns.clone(),
                with_ordinality: false,
            };
            return Ok(Some(FunctionRows { id, item, columns, is_scalar, row: None }));
        }
        let Some(found) = self.find_function(at, call, &args)? else {
            // A scalar function of the same name may still fit.
            return match is_built_in {
                true => Err(self.no_function(at, call, &types)),
                false => Ok(None),
            };
        };
        let function = self.catalog.function(found.function);
        if let Some(row) = args.iter().filter_map(|arg| arg.row.as_ref()).find(|row| row.nullable) {
            let what = format!("the row of \"{}\", which an outer join may leave out,", row.name);
            return Err(self.unsupported(at, &what, "call the function in a subquery of its own"));
        }
        let (columns, is_scalar) = match &function.returns {
            Returns::Void => {
                let message = format!("function {}() returns no rows", call.name);
                return Err(self.refuse(at, message));
            }
            Returns::Scalar { ty, .. } => (vec![(call.name.clone(), ty.clone())], true),
            Returns::Columns { columns, .. } => (columns.clone(), false),
            Returns::Relation { relation, .. } => {
                let relation = self.catalog.relation(*relation);
                (relation.columns.iter().map(|c| (c.name.clone(), c.ty.clone())).collect(), false)
            }
        };
        let item =
            FromItem::Function { id, function: found.function, args: self.user_arguments(at, &found, args)? };
        let row = match function.returns {
            Returns::Relation { relation, .. } => Some(relation),
            Returns::Void | Returns::Scalar { .. } | Returns::Columns { .. } => None,
        };
        Ok(Some(FunctionRows { id, item, columns, is_scalar, row }))
    }

    /// Whether the catalog has a function of this name.
    pub(super) fn is_own(&self, call: &Call<'_>) -> bool {
        let mut schemas = call.schema.iter().chain(self.search_path.iter().filter(|_| call.schema.is_none()));
        schemas.any(|schema| self.catalog.find_functions(schema, &call.name).next().is_some())
    }

    /// Whether a call gives rows instead of a value.
    pub(super) fn gives_rows(&self, call: &Call<'_>) -> bool {
        let is_built_in = matches!(call.schema.as_deref(), None | Some("pg_catalog"));
        let named = builtin::by_name(&call.name);
        if is_built_in && named.iter().any(|builtin| builtin.kind == Kind::Set) {
            return named.iter().all(|builtin| builtin.kind == Kind::Set);
        }
        let schemas = call.schema.iter().chain(self.search_path.iter().filter(|_| call.schema.is_none()));
        let mut functions = schemas.flat_map(|schema| self.catalog.find_functions(schema, &call.name));
        functions.any(|function| match &function.returns {
            Returns::Relation { .. } => true,
            returns => scalar(returns).is_none_or(|(_, set)| set),
        })
    }

    /// A scalar function in `from`: one row with its value.
    fn scalar_rows(&self, scope: &Scope<'_>, at: &TableFactor, call: &Call<'_>) -> Result<FunctionRows> {
        let TableFactor::Table { name, args: Some(args), .. } = at else {
            return Err(self.unsupported(at, "this call in from", "put it into a subquery"));
        };
        let list = ast::FunctionArgumentList {
            duplicate_treatment: None,
            args: args.args.clone(),
            clauses: Vec::new(),
        };
        let function = ast::Function {
            name: name.clone(),
            uses_odbc_syntax: false,
            parameters: ast::FunctionArguments::None,
            args: ast::FunctionArguments::List(list),
            filter: None,
            null_treatment: None,
            over: None,
            within_group: Vec::new(),
        };
        let value = self.expr(scope, &ast::Expr::Function(function))?;
        let value = self.known(value)?;
        let columns = vec![(call.name.clone(), value.ty.clone())];
        let query = Query::of_select(
            Select {
                distinct: Distinct::No,
                projection: vec![value],
                from: None,
                filter: None,
                group_by: Vec::new(),
                grouped: false,
                having: None,
            },
            columns.clone(),
        );
        let id = SourceId::fresh();
        let item = FromItem::Query { id, query: Box::new(query), lateral: true };
        Ok(FunctionRows { id, item, columns, is_scalar: true, row: None })
    }

    /// Applies `as name (columns)`.
    fn aliased(&self, item: FromItem, mut table: Table, alias: Option<&ast::TableAlias>) -> Result<Source> {
        if let Some(alias) = alias {
            if alias.at.is_some() || alias.columns.iter().any(|column| column.data_type.is_some()) {
                return Err(self.unsupported(
                    &alias.name,
                    "a column definition list",
                    "name the columns only",
                ));
            }
            table.name = fold(&alias.name);
            table.schema = None;
            if alias.columns.len() > table.columns.len() {
                let message = format!(
                    "table \"{}\" has {} columns available but {} columns specified",
                    table.name,
                    table.columns.len(),
                    alias.columns.len()
                );
                return Err(self.refuse(&alias.name, message));
            }
            for (column, renamed) in table.columns.iter_mut().zip(&alias.columns) {
                column.0 = fold(&renamed.name);
            }
        }
        let mut names = Names::default();
        names.add(table);
        Ok(Source { item, names })
    }

    fn no_duplicates(&self, at: &impl Place, left: &Names, right: &Names) -> Result<()> {
        for table in right.tables.iter().filter(|table| !table.name.is_empty()) {
            let twin = |other: &&Table| other.name == table.name && other.schema == table.schema;
            if left.tables.iter().find(twin).is_some() {
                let message = format!("table name \"{}\" specified more than once", table.name);
                return Err(self.refuse(at, message).hint("give one of them an alias"));
            }
        }
        Ok(())
    }

    fn join(
        &self,
        outer: Option<&Scope<'_>>,
        left: Source,
        right: Source,
        ast: &ast::Join,
    ) -> Result<Source> {
        self.no_duplicates(ast, &left.names, &right.names)?;
        let (kind, constraint) = match &ast.join_operator {
            JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => (JoinKind::Inner, constraint),
            JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => {
                (JoinKind::Left, constraint)
            }
            JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => {
                (JoinKind::Right, constraint)
            }
            JoinOperator::FullOuter(constraint) => (JoinKind::Full, constraint),
            JoinOperator::CrossJoin(constraint) => (JoinKind::Cross, constraint),
            _ => {
                return Err(self.unsupported(
                    ast,
                    "this kind of join",
                    "use inner, left, right, full or cross join",
                ));
            }
        };
        if matches!(kind, JoinKind::Right | JoinKind::Full) && refers_left(&right.item, &left.names) {
            return Err(
                self.refuse(ast, "the combining JOIN type must be INNER or LEFT for a LATERAL reference")
            );
        }
        let (on, merged) = match constraint {
            JoinConstraint::On(condition) => {
                let names = left.names.clone().join(right.names.clone());
                let scope = Scope::new(outer, names, Clause::plain("JOIN conditions"));
                let expr = self.expr(&scope, condition)?;
                (Some(self.condition(condition, expr, "JOIN/ON")?), None)
            }
            JoinConstraint::Using(columns) => {
                let names: Vec<String> = columns.iter().filter_map(|column| parts(column).pop()).collect();
                let (on, merged) = self.using(ast, kind, &left.names, &right.names, &names)?;
                (Some(on), Some((names, merged)))
            }
            JoinConstraint::Natural => {
                let in_right = |name: &str| right.names.visible.iter().any(|column| column.name == name);
                let mut names: Vec<String> = Vec::new();
                for column in &left.names.visible {
                    if in_right(&column.name) && !names.contains(&column.name) {
                        names.push(column.name.clone());
                    }
                }
                let (on, merged) = self.using(ast, kind, &left.names, &right.names, &names)?;
                (Some(on), Some((names, merged)))
            }
            JoinConstraint::None if kind == JoinKind::Cross => (None, None),
            JoinConstraint::None => {
                return Err(self.refuse(ast, "a join needs a condition").hint("add on (…) or using (…)"));
            }
        };
        let (left_names, right_names) = match kind {
            JoinKind::Inner | JoinKind::Cross => (left.names, right.names),
            JoinKind::Left => (left.names, right.names.nullable()),
            JoinKind::Right => (left.names.nullable(), right.names),
            JoinKind::Full => (left.names.nullable(), right.names.nullable()),
        };
        let mut names = left_names.join(right_names);
        if let Some((shared, merged)) = merged {
            let rest = names.visible.into_iter().filter(|column| !shared.contains(&column.name));
            names.visible = merged.into_iter().chain(rest).collect();
        }
        Ok(Source { item: join_item(kind, left.item, right.item, on), names })
    }

    /// The condition of `using`, and the merged columns: the left side's, the right side's, or whichever is there.
    fn using(
        &self,
        at: &impl Place,
        kind: JoinKind,
        left: &Names,
        right: &Names,
        shared: &[String],
    ) -> Result<(Expr, Vec<Visible>)> {
        let mut conditions = Vec::with_capacity(shared.len());
        let mut merged = Vec::with_capacity(shared.len());
        for name in shared {
            let left = self.shared_column(at, left, name, "left")?;
            let right = self.shared_column(at, right, name, "right")?;
            conditions.push(self.compare(at, CompareOp::Eq, left.clone(), right.clone())?);
            let (both, ty) = self.in_common(at, "JOIN/USING", vec![left, right])?;
            let mut sides = both.into_iter();
            let expr = match kind {
                JoinKind::Full => Some(Expr { kind: ExprKind::Coalesce(sides.collect()), ty }),
                JoinKind::Right => sides.nth(1),
                JoinKind::Inner | JoinKind::Left | JoinKind::Cross => sides.next(),
            };
            merged.extend(expr.map(|expr| Visible { name: name.clone(), expr }));
        }
        Ok((Expr::and(conditions), merged))
    }

    fn shared_column(&self, at: &impl Place, names: &Names, name: &str, side: &str) -> Result<Expr> {
        let mut found = names.visible.iter().filter(|column| column.name == name);
        match (found.next(), found.next()) {
            (Some(column), None) => Ok(column.expr.clone()),
            (None, _) => {
                let message =
                    format!("column \"{name}\" specified in USING clause does not exist in {side} table");
                let known = names.visible.iter().map(|column| column.name.as_str());
                Err(self.refuse(at, message).maybe_hint(super::diagnose::suggest(name, known)))
            }
            (Some(_), Some(_)) => Err(self
                .refuse(at, format!("common column name \"{name}\" appears more than once in {side} table"))),
        }
    }
}

fn join_item(kind: JoinKind, left: FromItem, right: FromItem, on: Option<Expr>) -> FromItem {
    FromItem::Join { kind, left: Box::new(left), right: Box::new(right), on }
}

/// Whether a source refers to columns of the names to its left.
fn refers_left(item: &FromItem, left: &Names) -> bool {
    struct Finder<'l>(&'l Names, bool);
    impl crate::walk::Visitor for Finder<'_> {
        fn expr(&mut self, expr: &Expr) {
            if let ExprKind::Column { source, .. } = &expr.kind {
                self.1 |= self.0.tables.iter().any(|table| table.source == *source);
            }
            crate::walk::walk_expr(self, expr);
        }
    }
    let mut finder = Finder(left, false);
    crate::walk::Visitor::from_item(&mut finder, item);
    finder.1
}
