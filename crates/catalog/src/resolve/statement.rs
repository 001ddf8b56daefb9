//! The statements of a function's body: queries, and insert, update and delete with their assignments.

use plinth_values::cast::Context;
use plinth_values::{Modifier, Type, Value};
use sqlparser::ast::{self, AssignmentTarget, ConflictTarget, OnConflictAction, SetExpr};

use super::coerce::converts;
use super::diagnose::{Place, suggest};
use super::joined::Beside;
use super::query::take;
use super::scope::{Clause, Names, Scope, Table, fold, parts};
use super::{Result, Work};
use crate::expr::{Expr, ExprKind, Query, QueryBody, SourceId};
use crate::{
    Column, DeleteStatement, Diagnostic, Identity, InsertStatement, OnConflict, Relation, Returns, Statement,
    UpdateStatement,
};

const RETURNING: Clause = Clause::plain("RETURNING");

impl Work<'_> {
    /// A statement, its rows coerced to what the function returns.
    pub(super) fn function_statement(&self, ast: &ast::Statement, returns: &Returns) -> Result<Statement> {
        match ast {
            ast::Statement::Query(query) => match query.body.as_ref() {
                SetExpr::Insert(inner) | SetExpr::Update(inner) | SetExpr::Delete(inner) => match &query.with
                {
                    None => {
                        let _level = self.deeper(inner)?;
                        self.function_statement(inner, returns)
                    }
                    Some(_) => {
                        let what = "with before insert, update or delete";
                        Err(self.unsupported(ast, what, "use subqueries in the statement"))
                    }
                },
                _ => {
                    let mut resolved = self.raw_query(None, query)?;
                    self.coerce_result(query, &mut resolved, returns)?;
                    Ok(Statement::Query(resolved))
                }
            },
            ast::Statement::Insert(insert) => {
                let mut resolved = self.insert(insert)?;
                self.coerce_returning(ast, &mut resolved.returning, returns)?;
                Ok(Statement::Insert(resolved))
            }
            ast::Statement::Update(update) => {
                let mut resolved = self.update(update)?;
                self.coerce_returning(ast, &mut resolved.returning, returns)?;
                Ok(Statement::Update(resolved))
            }
            ast::Statement::Delete(delete) => {
                let mut resolved = self.delete(delete)?;
                self.coerce_returning(ast, &mut resolved.returning, returns)?;
                Ok(Statement::Delete(resolved))
            }
            other => Err(self.unsupported(
                other,
                "this statement in a function",
                "use queries, insert, update and delete",
            )),
        }
    }

    /// The types that a function's last statement gives; `None` when its rows do not matter.
    fn result_types(&self, returns: &Returns) -> Option<Vec<Type>> {
        match returns {
            Returns::Void => None,
            Returns::Scalar { ty, .. } => Some(vec![ty.clone()]),
            Returns::Columns { columns, .. } => Some(columns.iter().map(|(_, ty)| ty.clone()).collect()),
            Returns::Relation { relation, .. } => Some(
                self.catalog.relation(*relation).columns.iter().map(|column| column.ty.clone()).collect(),
            ),
        }
    }

    fn result_mismatch(&self, at: &impl Place, returns: &Returns, hint: String) -> Diagnostic {
        let shown = match returns {
            Returns::Void => "void".to_owned(),
            Returns::Scalar { ty, .. } => ty.to_string(),
            Returns::Columns { .. } => "record".to_owned(),
            Returns::Relation { relation, .. } => self.catalog.relation(*relation).name.name.clone(),
        };
        self.refuse(at, format!("return type mismatch in function declared to return {shown}")).hint(hint)
    }

    fn check_result<'t>(
        &self,
        at: &impl Place,
        returns: &Returns,
        given: impl ExactSizeIterator<Item = &'t Type>,
        wanted: &[Type],
    ) -> Result<()> {
        if given.len() != wanted.len() {
            let hint =
                format!("the last statement must return {} columns, not {}", wanted.len(), given.len());
            return Err(self.result_mismatch(at, returns, hint));
        }
        for (index, (given, wanted)) in given.zip(wanted).enumerate() {
            if !converts(given, wanted, Context::Assignment) {
                let hint =
                    format!("column {} of the last statement is {given} instead of {wanted}", index + 1);
                return Err(self.result_mismatch(at, returns, hint));
            }
        }
        Ok(())
    }

    fn coerce_result(&self, at: &ast::Query, query: &mut Query, returns: &Returns) -> Result<()> {
        let Some(wanted) = self.result_types(returns) else { return self.settle(query) };
        self.check_result(at, returns, query.columns.iter().map(|(_, ty)| ty), &wanted)?;
        self.retype(at, query, &wanted)
    }

    fn coerce_returning(
        &self,
        at: &ast::Statement,
        returning: &mut [(Expr, String)],
        returns: &Returns,
    ) -> Result<()> {
        let wanted = match self.result_types(returns) {
            Some(wanted) => wanted,
            None => returning.iter().map(|(expr, _)| expr.ty.clone()).collect(),
        };
        self.check_result(at, returns, returning.iter().map(|(expr, _)| &expr.ty), &wanted)?;
        for ((expr, _), ty) in returning.iter_mut().zip(&wanted) {
            let given = take(expr);
            *expr = match ty {
                Type::Unknown => self.known(given)?,
                ty => self.cast(at, given, ty, Modifier::None, false)?,
            };
        }
        Ok(())
    }

    /// The table that a statement changes.
    fn target(&self, name: &ast::ObjectName) -> Result<&Relation> {
        let relation = self.find_relation(name, None)?;
        match relation.table() {
            Some(_) => Ok(relation),
            None => {
                let message = format!("cannot change view \"{}\" in a function", relation.name.name);
                Err(self.refuse(name, message).hint("change the tables under it"))
            }
        }
    }

    /// The row of the changed table, under its name or alias.
    fn target_row(&self, relation: &Relation, alias: Option<&ast::Ident>) -> Table {
        Table {
            name: alias.map_or_else(|| relation.name.name.clone(), fold),
            schema: alias.is_none().then(|| relation.name.schema.clone()),
            source: SourceId::ROW,
            relation: Some(relation.id),
            row: Some(relation.id),
            columns: relation.columns.iter().map(|c| (c.name.clone(), c.ty.clone())).collect(),
            nullable: false,
            is_value: false,
            argument: None,
        }
    }

    fn target_column<'r>(
        &self,
        at: &impl Place,
        relation: &'r Relation,
        name: &str,
    ) -> Result<(usize, &'r Column)> {
        let found = relation.columns.iter().enumerate().find(|(_, column)| column.name == name);
        found.ok_or_else(|| {
            let message = format!("column \"{name}\" does not exist in table \"{}\"", relation.name.name);
            self.refuse(at, message)
                .maybe_hint(suggest(name, relation.columns.iter().map(|c| c.name.as_str())))
        })
    }

    fn writable(&self, at: &impl Place, column: &Column, verb: &str) -> Result<()> {
        let always = column.identity == Some(Identity::Always);
        if column.generated.is_none() && !always {
            return Ok(());
        }
        let what =
            if always { "an identity column defined as GENERATED ALWAYS" } else { "a generated column" };
        let message = match verb {
            "insert" => format!("cannot insert a non-DEFAULT value into column \"{}\"", column.name),
            _ => format!("column \"{}\" can only be updated to DEFAULT", column.name),
        };
        Err(self.refuse(at, message).hint(format!("column \"{}\" is {what}", column.name)))
    }

    fn insert(&self, ast: &ast::Insert) -> Result<InsertStatement> {
        let ast::TableObject::TableName(name) = &ast.table else {
            return Err(self.unsupported(&ast.table, "this target of an insert", "name a table"));
        };
        let foreign = ast.or.is_some()
            || ast.ignore
            || ast.overwrite
            || ast.replace_into
            || ast.partitioned.is_some()
            || !ast.assignments.is_empty()
            || !ast.after_columns.is_empty()
            || ast.insert_alias.is_some()
            || ast.output.is_some();
        if foreign {
            return Err(self.unsupported(name, "this form of insert", "use PostgreSQL's"));
        }
        let relation = self.target(name)?;
        let mut columns = Vec::with_capacity(ast.columns.len());
        for column in &ast.columns {
            let column_name = parts(column).pop().unwrap_or_default();
            let (index, _) = self.target_column(column, relation, &column_name)?;
            if columns.contains(&index) {
                return Err(self.refuse(column, format!("column \"{column_name}\" specified more than once")));
            }
            columns.push(index);
        }
        let (columns, query) = match &ast.source {
            Some(source) => self.insert_rows(name, relation, columns, source)?,
            // `default values`: one row of no columns.
            None => (Vec::new(), values_query(vec![Vec::new()], Vec::new())),
        };
        let row = self.target_row(relation, ast.table_alias.as_ref().map(|alias| &alias.alias));
        let on_conflict = match &ast.on {
            None => None,
            Some(ast::OnInsert::OnConflict(conflict)) => {
                Some(self.on_conflict(name, relation, &row, conflict)?)
            }
            Some(_) => return Err(self.unsupported(name, "on duplicate key", "use on conflict")),
        };
        let mut names = Names::default();
        names.add(row);
        let returning = self.returning(&Scope::new(None, names, RETURNING), ast.returning.as_deref())?;
        Ok(InsertStatement { relation: relation.id, columns, query, on_conflict, returning })
    }

    /// The rows of an insert, each column assigned to its target.
    fn insert_rows(
        &self,
        at: &ast::ObjectName,
        relation: &Relation,
        listed: Vec<usize>,
        source: &ast::Query,
    ) -> Result<(Vec<usize>, Query)> {
        let stripped;
        let mut source = source;
        let is_listed = !listed.is_empty();
        let mut columns = if is_listed { listed } else { (0..relation.columns.len()).collect() };
        if let SetExpr::Values(values) = source.body.as_ref()
            && let Some((values, kept)) = self.without_defaults(at, values, &columns)?
        {
            columns = kept;
            stripped = ast::Query { body: Box::new(SetExpr::Values(values)), ..source.clone() };
            source = &stripped;
        }
        if columns.is_empty() && matches!(source.body.as_ref(), SetExpr::Values(_)) {
            return Ok((columns, values_query(vec![Vec::new()], Vec::new())));
        }
        // Each value of `values` is assigned by itself; of another query, the columns are.
        let plain = source.with.is_none() && source.order_by.is_none() && source.limit_clause.is_none();
        let (rows, mut query) = match source.body.as_ref() {
            SetExpr::Values(values) if plain && source.fetch.is_none() => {
                let rows = self.value_rows(None, values)?;
                (rows, values_query(Vec::new(), Vec::new()))
            }
            _ => {
                let query = self.raw_query(None, source)?;
                let row =
                    query.columns.iter().map(|(_, ty)| Expr::literal(Value::Null, ty.clone())).collect();
                (vec![row], query)
            }
        };
        let width = rows.first().map_or(0, Vec::len);
        if width > columns.len() {
            return Err(self.refuse(source, "INSERT has more expressions than target columns"));
        }
        if width < columns.len() {
            if is_listed {
                return Err(self.refuse(source, "INSERT has more target columns than expressions"));
            }
            columns.truncate(width);
        }
        let targets: Vec<&Column> = columns.iter().filter_map(|index| relation.columns.get(*index)).collect();
        for column in &targets {
            self.writable(at, column, "insert")?;
        }
        for (expr, column) in rows.iter().flat_map(|row| row.iter().zip(&targets)) {
            if !converts(&expr.ty, &column.ty, Context::Assignment) {
                return Err(self.not_assignable(source, column, &expr.ty));
            }
        }
        if !query.columns.is_empty() {
            let types: Vec<_> = targets.iter().map(|column| (column.ty.clone(), column.modifier)).collect();
            self.recast(source, &mut query, &types)?;
            return Ok((columns, query));
        }
        let mut assigned = Vec::with_capacity(rows.len());
        for row in rows {
            let row = row.into_iter().zip(&targets);
            let row = row.map(|(expr, column)| self.cast(source, expr, &column.ty, column.modifier, false));
            assigned.push(row.collect::<Result<Vec<Expr>>>()?);
        }
        let named = targets.iter().map(|column| (column.name.clone(), column.ty.clone())).collect();
        Ok((columns, values_query(assigned, named)))
    }

    fn not_assignable(&self, at: &impl Place, column: &Column, given: &Type) -> Diagnostic {
        let message =
            format!("column \"{}\" is of type {} but expression is of type {given}", column.name, column.ty);
        self.refuse(at, message).hint("rewrite or cast the expression")
    }

    /// The rows without the columns that are `default` in all of them; `None` when no row says `default`.
    fn without_defaults(
        &self,
        at: &ast::ObjectName,
        values: &ast::Values,
        columns: &[usize],
    ) -> Result<Option<(ast::Values, Vec<usize>)>> {
        let is_default_at = |row: &ast::Parens<Vec<ast::Expr>>, position: usize| {
            row.content.get(position).is_some_and(is_default)
        };
        let width = values.rows.iter().map(|row| row.content.len()).max().unwrap_or(0);
        let mut dropped = Vec::new();
        for position in 0..width {
            let defaults = values.rows.iter().filter(|row| is_default_at(row, position)).count();
            if defaults == values.rows.len() {
                dropped.push(position);
            } else if defaults > 0 {
                let what = "default in some rows and a value in others";
                return Err(self.unsupported(at, what, "use two inserts"));
            }
        }
        if dropped.is_empty() {
            return Ok(None);
        }
        let mut values = values.clone();
        for row in &mut values.rows {
            let content = std::mem::take(&mut row.content).into_iter().enumerate();
            row.content =
                content.filter(|(index, _)| !dropped.contains(index)).map(|(_, expr)| expr).collect();
        }
        let kept = columns.iter().enumerate().filter(|(index, _)| *index < width && !dropped.contains(index));
        Ok(Some((values, kept.map(|(_, column)| *column).collect())))
    }

    fn on_conflict(
        &self,
        at: &ast::ObjectName,
        relation: &Relation,
        row: &Table,
        ast: &ast::OnConflict,
    ) -> Result<OnConflict> {
        let target = match &ast.conflict_target {
            None => Vec::new(),
            Some(ConflictTarget::Columns(columns)) => {
                let mut target = Vec::with_capacity(columns.len());
                for column in columns {
                    target.push(self.target_column(column, relation, &fold(column))?.0);
                }
                if !is_unique(relation, &target) {
                    let message =
                        "there is no unique or exclusion constraint matching the ON CONFLICT specification";
                    return Err(self.refuse(at, message));
                }
                target
            }
            Some(ConflictTarget::OnConstraint(name)) => {
                let wanted = parts(name).pop().unwrap_or_default();
                let keys = relation.table().into_iter().flat_map(|t| t.primary_key.iter().chain(&t.uniques));
                let key = keys.into_iter().find(|key| key.name == wanted);
                let missing = || {
                    let table = &relation.name.name;
                    self.refuse(name, format!("constraint \"{wanted}\" for table \"{table}\" does not exist"))
                };
                key.ok_or_else(missing)?.columns.clone()
            }
        };
        let OnConflictAction::DoUpdate(update) = &ast.action else {
            return Ok(OnConflict { target, update: None, filter: None });
        };
        if target.is_empty() {
            let message = "ON CONFLICT DO UPDATE requires inference specification or constraint name";
            return Err(self.refuse(at, message).hint("for example, on conflict (column_name)"));
        }
        let mut names = Names::default();
        names.add(row.clone());
        names.add(Table {
            name: "excluded".to_owned(),
            schema: None,
            source: SourceId::EXCLUDED,
            relation: None,
            ..row.clone()
        });
        let scope = Scope::new(None, names, Clause::plain("UPDATE"));
        let set = self.assignments(&scope, relation, &update.assignments)?;
        let filter = self.filter_clause(&scope, update.selection.as_ref())?;
        Ok(OnConflict { target, update: Some(set), filter })
    }

    fn filter_clause(&self, scope: &Scope<'_>, ast: Option<&ast::Expr>) -> Result<Option<Expr>> {
        let Some(ast) = ast else { return Ok(None) };
        scope.within(Clause::plain("WHERE"), || {
            let expr = self.expr(scope, ast)?;
            self.condition(ast, expr, "WHERE").map(Some)
        })
    }

    fn assignments(
        &self,
        scope: &Scope<'_>,
        relation: &Relation,
        assignments: &[ast::Assignment],
    ) -> Result<Vec<(usize, Expr)>> {
        let mut set: Vec<(usize, Expr)> = Vec::with_capacity(assignments.len());
        for assignment in assignments {
            let pairs: Vec<(&ast::ObjectName, &ast::Expr)> = match &assignment.target {
                AssignmentTarget::ColumnName(name) => vec![(name, &assignment.value)],
                AssignmentTarget::Tuple(names) => match self.row_elements(&assignment.value) {
                    Some(values) if values.len() == names.len() => names.iter().zip(values).collect(),
                    Some(_) => {
                        return Err(
                            self.refuse(assignment, "number of columns does not match number of values")
                        );
                    }
                    None => {
                        let what = "an assignment of a subquery to several columns";
                        return Err(self.unsupported(assignment, what, "assign each column its own"));
                    }
                },
            };
            for (name, value) in pairs {
                let column_name = parts(name).pop().unwrap_or_default();
                let (index, column) = self.target_column(name, relation, &column_name)?;
                if set.iter().any(|(other, _)| *other == index) {
                    return Err(
                        self.refuse(name, format!("multiple assignments to same column \"{column_name}\""))
                    );
                }
                set.push((index, self.assigned(scope, column, value)?));
            }
        }
        Ok(set)
    }

    /// The value that a column is set to.
    fn assigned(&self, scope: &Scope<'_>, column: &Column, value: &ast::Expr) -> Result<Expr> {
        if is_default(value) {
            if column.identity.is_some() || column.generated.is_some() {
                return Err(self.unsupported(
                    value,
                    "default of a generated column here",
                    "leave the column out",
                ));
            }
            let null = || Expr::literal(Value::Null, column.ty.clone());
            return Ok(column.default.clone().unwrap_or_else(null));
        }
        self.writable(value, column, "update")?;
        let expr = self.expr(scope, value)?;
        self.assign(value, expr, &column.ty, column.modifier, || format!("column \"{}\"", column.name))
    }

    fn update(&self, ast: &ast::Update) -> Result<UpdateStatement> {
        let (name, alias) = self.only_table(&ast.table)?;
        if ast.or.is_some() || ast.limit.is_some() || !ast.order_by.is_empty() || ast.output.is_some() {
            return Err(self.unsupported(name, "this form of update", "use PostgreSQL's"));
        }
        let relation = self.target(name)?;
        let from = match &ast.from {
            Some(
                ast::UpdateTableFromKind::BeforeSet(tables) | ast::UpdateTableFromKind::AfterSet(tables),
            ) => tables.as_slice(),
            None => &[],
        };
        let (names, beside) = self.changed(relation, alias, from)?;
        let scope = Scope::new(None, names, Clause::plain("UPDATE"));
        let mut set = self.assignments(&scope, relation, &ast.assignments)?;
        let mut filter = self.filter_clause(&scope, ast.selection.as_ref())?;
        let returning = scope.within(RETURNING, || self.returning(&scope, ast.returning.as_deref()))?;
        if let Some(beside) = &beside {
            for (_, value) in &mut set {
                let given = take(value);
                *value = self.joined_value(beside, filter.as_ref(), given);
            }
            filter = Some(self.joins(beside, filter));
            self.of_changed_alone(name, beside, &returning)?;
        }
        Ok(UpdateStatement { relation: relation.id, set, filter, returning })
    }

    fn delete(&self, ast: &ast::Delete) -> Result<DeleteStatement> {
        let (ast::FromTable::WithFromKeyword(tables) | ast::FromTable::WithoutKeyword(tables)) = &ast.from;
        let [table] = tables.as_slice() else {
            return Err(self.unsupported(ast, "delete from several tables", "use a statement for each"));
        };
        let (name, alias) = self.only_table(table)?;
        if !ast.tables.is_empty() || ast.limit.is_some() || !ast.order_by.is_empty() || ast.output.is_some() {
            return Err(self.unsupported(name, "this form of delete", "use PostgreSQL's"));
        }
        let relation = self.target(name)?;
        let (names, beside) = self.changed(relation, alias, ast.using.as_deref().unwrap_or_default())?;
        let scope = Scope::new(None, names, RETURNING);
        let mut filter = self.filter_clause(&scope, ast.selection.as_ref())?;
        let returning = self.returning(&scope, ast.returning.as_deref())?;
        if let Some(beside) = &beside {
            filter = Some(self.joins(beside, filter));
            self.of_changed_alone(name, beside, &returning)?;
        }
        Ok(DeleteStatement { relation: relation.id, filter, returning })
    }

    /// The names in a statement that changes a table, and the tables beside it.
    fn changed(
        &self,
        relation: &Relation,
        alias: Option<&ast::Ident>,
        beside: &[ast::TableWithJoins],
    ) -> Result<(Names, Option<Beside>)> {
        let mut names = Names::default();
        names.add(self.target_row(relation, alias));
        let beside = self.beside(&names, beside)?;
        if let Some(beside) = &beside {
            names = names.join(beside.names.clone());
        }
        Ok((names, beside))
    }

    /// Refuses to give back columns of other tables than the changed one.
    fn of_changed_alone(&self, at: &impl Place, beside: &Beside, returning: &[(Expr, String)]) -> Result<()> {
        match returning.iter().any(|(expr, _)| beside.is_named_in(expr)) {
            false => Ok(()),
            true => {
                let what = "returning columns of other tables than the changed one";
                Err(self.unsupported(
                    at,
                    what,
                    "name those of the changed table, and query the others after it",
                ))
            }
        }
    }

    fn only_table<'e>(
        &self,
        ast: &'e ast::TableWithJoins,
    ) -> Result<(&'e ast::ObjectName, Option<&'e ast::Ident>)> {
        match (&ast.relation, ast.joins.as_slice()) {
            (ast::TableFactor::Table { name, alias, args: None, .. }, []) => {
                Ok((name, alias.as_ref().map(|alias| &alias.name)))
            }
            _ => Err(self.unsupported(ast, "this target of a statement", "name one table")),
        }
    }
}

fn values_query(rows: Vec<Vec<Expr>>, columns: Vec<(String, Type)>) -> Query {
    Query {
        with: Vec::new(),
        body: QueryBody::Values(rows),
        order: Vec::new(),
        limit: None,
        offset: None,
        columns,
        output: SourceId::fresh(),
    }
}

fn is_default(ast: &ast::Expr) -> bool {
    matches!(ast, ast::Expr::Identifier(ident) if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("default"))
}

/// Whether a unique constraint or a plain unique index has exactly these columns.
fn is_unique(relation: &Relation, target: &[usize]) -> bool {
    let matches = |columns: &[usize]| {
        columns.len() == target.len() && columns.iter().all(|column| target.contains(column))
    };
    let Some(table) = relation.table() else { return false };
    let keys = table.primary_key.iter().chain(&table.uniques).any(|key| matches(&key.columns));
    keys || table.indexes.iter().filter(|index| index.unique && index.filter.is_none()).any(|index| {
        let columns: Option<Vec<usize>> = index
            .keys
            .iter()
            .map(|key| match &key.expr.kind {
                ExprKind::Column { source: SourceId::ROW, column } => Some(*column),
                _ => None,
            })
            .collect();
        columns.is_some_and(|columns| matches(&columns))
    })
}
