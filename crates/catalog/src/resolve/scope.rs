//! What names mean at a place of a query: the sources of the select around it, of those around that, and the common table
//! expressions. Not what the names are used for.

use std::cell::Cell;

use plinth_values::Type;
use sqlparser::ast;

use super::diagnose::Place;
use super::{Result, Work};
use crate::RelationId;
use crate::expr::{Expr, ExprKind, SourceId};

/// A source of columns with a name.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// Its alias, or the relation's own name
    pub name: String,
    /// The relation's schema, unless an alias hides it
    pub schema: Option<String>,
    /// Its identity
    pub source: SourceId,
    /// The relation, if it is one
    pub relation: Option<RelationId>,
    /// The relation whose row type its rows have: the relation itself, or that which a function gives rows of
    pub row: Option<RelationId>,
    /// Its columns
    pub columns: Vec<(String, Type)>,
    /// Whether an outer join may give nulls instead of its row
    pub nullable: bool,
    /// Whether its row is one value: that of a function which gives a value, not rows
    pub is_value: bool,
    /// The position of its first column among the function's arguments, when it is a parameter: it has no source then
    pub argument: Option<usize>,
}

/// A column that an unqualified name or `*` can mean.
#[derive(Clone, Debug)]
pub(super) struct Visible {
    /// Its name
    pub name: String,
    /// Its value: a column, or what a join made of two
    pub expr: Expr,
}

/// The names that a `from` clause brings.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// What a qualifier can mean
    pub tables: Vec<Table>,
    /// What an unqualified name can mean, in the order of `*`
    pub visible: Vec<Visible>,
}

/// A common table expression in scope.
#[derive(Clone, Debug)]
pub(super) struct CteName {
    /// Its name
    pub name: String,
    /// Its identity
    pub id: SourceId,
    /// Its columns
    pub columns: Vec<(String, Type)>,
}

/// The part of a query that an expression stands in, and what it may contain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clause {
    /// PostgreSQL's name for it: `WHERE`, `JOIN conditions`, `check constraint`, …
    pub name: &'static str,
    /// Aggregates
    pub aggregates: bool,
    /// Window functions
    pub windows: bool,
    /// Subqueries
    pub subqueries: bool,
}

impl Clause {
    /// Nothing special is allowed.
    pub const PLAIN: Clause = Clause { name: "", aggregates: false, windows: false, subqueries: true };
    /// The select list, and `order by`.
    pub const SELECT: Clause = Clause { name: "SELECT", aggregates: true, windows: true, subqueries: true };

    /// A clause where neither aggregates nor window functions are allowed.
    pub const fn plain(name: &'static str) -> Clause {
        Clause { name, ..Clause::PLAIN }
    }

    /// The name, as it ends "aggregate functions are not allowed in …".
    pub fn plural(&self) -> String {
        match self.name {
            "check constraint"
            | "DEFAULT expression"
            | "column generation expression"
            | "index expression"
            | "index predicate"
            | "policy expression" => format!("{}s", self.name),
            name => name.to_owned(),
        }
    }
}

/// What is known at one level of nesting.
pub(super) struct Scope<'s> {
    /// The level around this one
    pub outer: Option<&'s Scope<'s>>,
    /// What `from` brings
    pub names: Names,
    /// The common table expressions declared here
    pub ctes: Vec<CteName>,
    /// The select's `window` clause
    pub windows: &'s [ast::NamedWindowDefinition],
    /// Where the expression at hand stands
    pub clause: Cell<Clause>,
}

impl<'s> Scope<'s> {
    /// A level with these names.
    pub fn new(outer: Option<&'s Scope<'s>>, names: Names, clause: Clause) -> Scope<'s> {
        Scope { outer, names, ctes: Vec::new(), windows: &[], clause: Cell::new(clause) }
    }

    /// This level and those around it, from the inside.
    pub fn chain(&self) -> impl Iterator<Item = &Scope<'s>> {
        let mut next = Some(self);
        std::iter::from_fn(move || {
            let scope = next?;
            next = scope.outer;
            Some(scope)
        })
    }

    /// Runs something in another clause of the same level.
    pub fn within<T>(&self, clause: Clause, run: impl FnOnce() -> T) -> T {
        let before = self.clause.replace(clause);
        let result = run();
        self.clause.set(before);
        result
    }

    /// Whether the source belongs to this level itself.
    pub fn is_local(&self, source: SourceId) -> bool {
        self.names.tables.iter().any(|table| table.source == source)
    }

    /// The common table expression of this name.
    pub fn find_cte(&self, name: &str) -> Option<&CteName> {
        self.chain().find_map(|scope| scope.ctes.iter().rev().find(|cte| cte.name == name))
    }
}

impl Names {
    /// Adds a table, its columns last.
    pub fn add(&mut self, table: Table) {
        self.visible.extend(table.visible());
        self.tables.push(table);
    }

    /// Both sides' names.
    pub fn join(mut self, other: Names) -> Names {
        self.tables.extend(other.tables);
        self.visible.extend(other.visible);
        self
    }

    /// The same names, when an outer join may leave them all null.
    pub fn nullable(mut self) -> Names {
        for table in &mut self.tables {
            table.nullable = true;
        }
        self
    }
}

impl Table {
    /// The columns as expressions.
    pub fn visible(&self) -> impl Iterator<Item = Visible> {
        self.columns
            .iter()
            .enumerate()
            .map(|(index, (name, ty))| Visible { name: name.clone(), expr: self.value(index, ty) })
    }

    /// The value of a column.
    fn value(&self, index: usize, ty: &Type) -> Expr {
        match self.argument {
            None => Expr::column(self.source, index, ty.clone()),
            Some(first) => Expr { kind: ExprKind::Argument(first.saturating_add(index)), ty: ty.clone() },
        }
    }

    fn is_called(&self, schema: Option<&str>, name: &str) -> bool {
        // The row of a policy or check is known by its bare name; whichever schema is written before it, it is that one.
        let schema_fits = match (schema, &self.schema) {
            (None, _) => true,
            (Some(wanted), Some(schema)) => wanted == schema,
            (Some(_), None) => self.source == SourceId::ROW,
        };
        self.name == name && schema_fits
    }
}

/// The identifier as PostgreSQL reads it: lower case unless quoted.
pub(super) fn fold(ident: &ast::Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_ascii_lowercase(),
    }
}

/// The parts of a qualified name.
pub(super) fn parts(name: &ast::ObjectName) -> Vec<String> {
    name.0.iter().filter_map(ast::ObjectNamePart::as_ident).map(fold).collect()
}

impl Work<'_> {
    /// What a possibly qualified name means: a column, or a parameter of the function.
    pub(super) fn column(&self, scope: &Scope<'_>, ast: &ast::Expr, idents: &[ast::Ident]) -> Result<Expr> {
        if scope.clause.get().name == "DEFAULT expression" {
            return Err(self.refuse(ast, "cannot use column reference in DEFAULT expression"));
        }
        let names: Vec<String> = idents.iter().map(fold).collect();
        match names.as_slice() {
            [name] => self.unqualified(scope, ast, name),
            [table, name] => self.qualified(scope, ast, None, table, name),
            [schema, table, name] => self.qualified(scope, ast, Some(schema), table, name),
            _ => Err(self.refuse(
                ast,
                format!("improper qualified name (too many dotted names): {}", names.join(".")),
            )),
        }
    }

    fn unqualified(&self, scope: &Scope<'_>, ast: &ast::Expr, name: &str) -> Result<Expr> {
        for level in scope.chain() {
            let mut found = level.names.visible.iter().filter(|column| column.name == name);
            match (found.next(), found.next()) {
                (Some(_), Some(_)) => {
                    let message = format!("column reference \"{name}\" is ambiguous");
                    return Err(self.refuse(ast, message).hint("write the table's name or alias before it"));
                }
                (Some(column), None) => return Ok(column.expr.clone()),
                (None, _) => {}
            }
        }
        if let Some(parameter) = self.parameter(name) {
            return Ok(parameter);
        }
        if let Some(table) = self.find_table(scope, None, name) {
            if let (true, Some((_, ty))) = (table.is_value, table.columns.first()) {
                return Ok(Expr::column(table.source, 0, ty.clone()));
            }
            return Err(self.row_not_here(ast, name));
        }
        Err(self.no_column(ast, name, scope))
    }

    fn qualified(
        &self,
        scope: &Scope<'_>,
        ast: &ast::Expr,
        schema: Option<&str>,
        table: &str,
        name: &str,
    ) -> Result<Expr> {
        if let Some(found) = self.find_table(scope, schema, table) {
            return self.row_member(ast, found, name);
        }
        if schema.is_none()
            && self.function == Some(table)
            && let Some(parameter) = self.parameter(name)
        {
            return Ok(parameter);
        }
        let tables = scope.chain().flat_map(|level| &level.names.tables).map(|table| table.name.as_str());
        Err(self
            .refuse(ast, format!("missing FROM-clause entry for table \"{table}\""))
            .maybe_hint(super::diagnose::suggest(table, tables)))
    }

    /// `table.name`: a column, or what a function of that name makes of the row.
    pub(super) fn row_member(&self, ast: &ast::Expr, table: &Table, name: &str) -> Result<Expr> {
        let position = table.columns.iter().position(|(column, _)| column == name);
        if let Some(index) = position
            && let Some((_, ty)) = table.columns.get(index)
        {
            return Ok(table.value(index, ty));
        }
        match self.computed(ast, table, name)? {
            Some(value) => Ok(value),
            None => Err(self.no_column_in(ast, name, table)),
        }
    }

    /// The table of this name, from the inside; last, the parameter that is a row.
    pub(super) fn find_table<'t>(
        &'t self,
        scope: &'t Scope<'_>,
        schema: Option<&str>,
        name: &str,
    ) -> Option<&'t Table> {
        let mut levels = scope.chain();
        let found =
            levels.find_map(|level| level.names.tables.iter().find(|table| table.is_called(schema, name)));
        let is_function = schema.is_none_or(|schema| self.function == Some(schema));
        found.or_else(|| {
            let mut rows = self.rows.iter().flatten();
            rows.find(|row| is_function && !name.is_empty() && row.name == name)
        })
    }

    /// The table whose whole row an expression stands for: `t` or `public.t`, where no column is called so and it is a row indeed.
    pub(super) fn whole_row<'t>(&'t self, scope: &'t Scope<'_>, ast: &ast::Expr) -> Option<&'t Table> {
        match ast {
            ast::Expr::Nested(inner) => self.whole_row(scope, inner),
            ast::Expr::Identifier(ident) => {
                let name = fold(ident);
                let is_column = scope.chain().any(|level| level.names.visible.iter().any(|c| c.name == name));
                if is_column || self.parameter(&name).is_some() {
                    return None;
                }
                self.find_table(scope, None, &name).filter(|table| !table.is_value)
            }
            ast::Expr::CompoundIdentifier(idents) => match idents.as_slice() {
                [schema, table] => {
                    let (schema, table) = (fold(schema), fold(table));
                    // `a.b` is first of all the column b of the table a.
                    let is_column = self.find_table(scope, None, &schema).is_some();
                    let found = self.find_table(scope, Some(&schema), &table)?;
                    (!is_column && found.source != SourceId::ROW).then_some(found)
                }
                _ => None,
            },
            ast::Expr::Value(value) => match &value.value {
                ast::Value::Placeholder(text) => {
                    let index = placeholder_index(text)?;
                    self.rows.get(index)?.as_ref()
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// A parameter that is a value.
    fn parameter(&self, name: &str) -> Option<Expr> {
        let index =
            self.parameters.iter().position(|parameter| !name.is_empty() && parameter.name == name)?;
        self.argument(index)
    }

    /// The argument of a parameter that is a value.
    fn argument(&self, parameter: usize) -> Option<Expr> {
        let found = self.parameters.get(parameter).filter(|parameter| parameter.row.is_none())?;
        let position = self.positions.get(parameter)?.start;
        Some(Expr { kind: ExprKind::Argument(position), ty: found.ty.clone() })
    }

    /// `$1`
    pub(super) fn placeholder(&self, at: &impl Place, text: &str) -> Result<Expr> {
        let index = placeholder_index(text);
        if let Some(argument) = index.and_then(|index| self.argument(index)) {
            return Ok(argument);
        }
        match index.and_then(|index| self.parameters.get(index)) {
            Some(_) => Err(self.row_not_here(at, text)),
            None => Err(self.refuse(at, format!("there is no parameter {text}"))),
        }
    }

    /// A whole row where only some functions take one.
    pub(super) fn row_not_here(&self, at: &impl Place, name: &str) -> crate::Diagnostic {
        let hint = "name its columns, or give it to a function that takes it, to to_jsonb(), row_to_json(), json_agg() or count()";
        self.refuse(at, format!("the whole row of \"{name}\" cannot be used here")).hint(hint)
    }
}

/// The position of the parameter that `$1` names.
fn placeholder_index(text: &str) -> Option<usize> {
    text.strip_prefix('$').and_then(|digits| digits.parse::<usize>().ok())?.checked_sub(1)
}
