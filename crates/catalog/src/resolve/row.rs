//! Rows as values: `(a, b) = (c, d)` compared element by element, and a table's whole row where something can be made of it
//! (JSON, a count, a test for null).

use plinth_values::builtin::Kind;
use plinth_values::{Type, Value};
use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArguments};

use std::ops::Range;

use super::arguments::Found;
use super::compare::symbol;
use super::diagnose::Place;
use super::function::Argument;
use super::scope::{Scope, Table, parts};
use super::{Result, Work};
use crate::expr::{CompareOp, Expr, ExprKind, SourceId};
use crate::model::RelationKind;
use crate::{Catalog, Function, Parameter, RelationId};

/// What `json_build_object` takes at most; PostgreSQL's limit on arguments is 100 too.
const MAX_COLUMNS: usize = 1600;

impl Work<'_> {
    /// The elements of `(a, b)` or `row(a, b)`.
    pub(super) fn row_elements<'e>(&self, ast: &'e ast::Expr) -> Option<Vec<&'e ast::Expr>> {
        match ast {
            ast::Expr::Tuple(elements) => Some(elements.iter().collect()),
            ast::Expr::Nested(inner) => self.row_elements(inner),
            ast::Expr::Function(call) if parts(&call.name) == ["row"] => match &call.args {
                FunctionArguments::List(list) => list
                    .args
                    .iter()
                    .map(|arg| match arg {
                        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
                        _ => None,
                    })
                    .collect(),
                _ => None,
            },
            _ => None,
        }
    }

    /// The elements of two rows, if these are rows.
    pub(super) fn rows<'e>(
        &self,
        at: &impl Place,
        left: &'e ast::Expr,
        right: &'e ast::Expr,
    ) -> Result<Option<(Vec<&'e ast::Expr>, Vec<&'e ast::Expr>)>> {
        match (self.row_elements(left), self.row_elements(right)) {
            (Some(left), Some(right)) if left.len() == right.len() => Ok(Some((left, right))),
            (Some(_), Some(_)) => Err(self.refuse(at, "unequal number of entries in row expressions")),
            _ => Ok(None),
        }
    }

    /// `left op right`, of values or of rows.
    pub(super) fn compare_asts(
        &self,
        scope: &Scope<'_>,
        at: &ast::Expr,
        op: CompareOp,
        left: &ast::Expr,
        right: &ast::Expr,
    ) -> Result<Expr> {
        if let Some((left, right)) = self.rows(at, left, right)? {
            return self.compare_rows(scope, at, op, &left, &right);
        }
        if let (Some(elements), ast::Expr::Subquery(_)) = (self.row_elements(left), right) {
            let what = format!("a row of {} columns {} a subquery", elements.len(), symbol(op));
            return Err(self.unsupported(at, &what, "use in, or compare each column with a subquery"));
        }
        let (left, right) = (self.expr(scope, left)?, self.expr(scope, right)?);
        self.compare(at, op, left, right)
    }

    /// Equality of all elements, or the order of the first that differs. For `<` of rows that is
    /// `a < c or (a = c and b < d)`, which is null exactly where PostgreSQL's is.
    fn compare_rows(
        &self,
        scope: &Scope<'_>,
        at: &ast::Expr,
        op: CompareOp,
        left: &[&ast::Expr],
        right: &[&ast::Expr],
    ) -> Result<Expr> {
        let element = |op, index: usize| match (left.get(index), right.get(index)) {
            (Some(left), Some(right)) => self.compare_asts(scope, at, op, left, right),
            _ => Err(self.refuse(at, "unequal number of entries in row expressions")),
        };
        let all = 0..left.len();
        match op {
            CompareOp::Eq => Ok(Expr::and(all.map(|i| element(op, i)).collect::<Result<Vec<Expr>>>()?)),
            CompareOp::Ne => Ok(Expr::or(all.map(|i| element(op, i)).collect::<Result<Vec<Expr>>>()?)),
            CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge => {
                let strict = match op {
                    CompareOp::Lt | CompareOp::Le => CompareOp::Lt,
                    _ => CompareOp::Gt,
                };
                let last = left.len().saturating_sub(1);
                let mut result = element(op, last)?;
                for index in (0..last).rev() {
                    let equal = element(CompareOp::Eq, index)?;
                    result = Expr::or([element(strict, index)?, Expr::and([equal, result])]);
                }
                Ok(result)
            }
        }
    }

    /// `row is null`: all elements are. `row is not null`: all elements are not. The two are not opposites.
    pub(super) fn row_is_null(&self, elements: Vec<Expr>, negated: bool) -> Expr {
        Expr::and(
            elements
                .into_iter()
                .map(|element| Expr::boolean(ExprKind::IsNull { expr: Box::new(element), negated })),
        )
    }

    /// The columns of a table's whole row.
    pub(super) fn row_columns(&self, table: &Table) -> Vec<Expr> {
        table.visible().map(|column| column.expr).collect()
    }

    /// The whole row as a JSON object, `builder` being `json_build_object` or `jsonb_build_object`; null where an outer join
    /// has no row.
    pub(super) fn row_object(&self, at: &impl Place, table: &Table, builder: &str) -> Result<Expr> {
        if table.columns.len() > MAX_COLUMNS {
            return Err(self.refuse(at, "the row has too many columns"));
        }
        let mut args = Vec::with_capacity(table.columns.len() * 2);
        for column in table.visible() {
            args.push(Expr::literal(Value::Text(column.name), Type::Text));
            args.push(column.expr);
        }
        let object = self.builtin(at, builder, &[Kind::Function], args)?;
        if !table.nullable {
            return Ok(object);
        }
        let present = self.presence(at, table)?;
        let is_there = Expr::boolean(ExprKind::IsNull { expr: Box::new(present), negated: true });
        let ty = object.ty.clone();
        Ok(Expr { kind: ExprKind::Case { whens: vec![(is_there, object)], otherwise: None }, ty })
    }

    /// A column that is null only when the whole row is missing.
    pub(super) fn presence(&self, at: &impl Place, table: &Table) -> Result<Expr> {
        let relation = table.relation.map(|id| self.catalog.relation(id));
        let never_null = relation.filter(|r| matches!(r.kind, RelationKind::Table(_))).and_then(|relation| {
            let key =
                relation.table().and_then(|t| t.primary_key.as_ref()).and_then(|key| key.columns.first());
            key.copied().or_else(|| relation.columns.iter().position(|column| !column.nullable))
        });
        let column = never_null.and_then(|index| table.visible().nth(index));
        column.map(|column| column.expr).ok_or_else(|| {
            let what = format!("the whole row of \"{}\", which an outer join may leave out,", table.name);
            self.unsupported(at, &what, "name its columns")
        })
    }

    /// A whole row as the argument of a call.
    pub(super) fn row_as_argument(&self, name: Option<String>, table: &Table) -> Argument {
        let ty = table.row.map_or(Type::Unknown, |row| row_type(self.catalog, row));
        Argument { name, expr: Expr::literal(Value::Null, ty), row: Some(table.clone()) }
    }

    /// The arguments that a parameter of a row type stands for.
    pub(super) fn row_members(
        &self,
        at: &impl Place,
        parameter: &Parameter,
        row: Option<&Table>,
    ) -> Result<Vec<Expr>> {
        match row {
            Some(table) => Ok(self.row_columns(table)),
            None => {
                let what = format!("a value of type {} that is no table's row", parameter.ty);
                Err(self.unsupported(at, &what, "give the row of a table in from"))
            }
        }
    }

    /// What must hold for a row that an outer join may leave out to be there, when a call is given such a row. Without it the call
    /// is null, as a strict function's is.
    pub(super) fn missing_row(
        &self,
        at: &impl Place,
        function: &Function,
        args: &[Argument],
    ) -> Result<Option<Expr>> {
        let mut present = Vec::new();
        for table in args.iter().filter_map(|arg| arg.row.as_ref()).filter(|table| table.nullable) {
            if !function.strict {
                let what = format!("the row of \"{}\", which an outer join may leave out,", table.name);
                return Err(self.unsupported(at, &what, "declare the function strict: it is null then"));
            }
            let column = Box::new(self.presence(at, table)?);
            present.push(Expr::boolean(ExprKind::IsNull { expr: column, negated: true }));
        }
        Ok(if present.is_empty() { None } else { Some(Expr::and(present)) })
    }

    /// What `row.name` means where the row has no such column: a call of the function of that name.
    pub(super) fn computed(&self, at: &ast::Expr, table: &Table, name: &str) -> Result<Option<Expr>> {
        let schemas: Vec<&str> = self.search_path.iter().map(String::as_str).collect();
        let function = table.row.and_then(|row| self.catalog.computed_column(row, &schemas, name));
        let Some(function) = function else { return Ok(None) };
        let found = Found { function: function.id, slots: vec![vec![0]], is_exact: true };
        self.user_call(at, found, vec![self.row_as_argument(None, table)]).map(Some)
    }
}

/// The type of a relation's rows.
fn row_type(catalog: &Catalog, relation: RelationId) -> Type {
    Type::Row(catalog.relation(relation).name.to_string().into())
}

/// The parameters that are rows, each in its place, as tables whose columns are arguments.
pub(super) fn parameters(
    catalog: &Catalog,
    parameters: &[Parameter],
    positions: &[Range<usize>],
) -> Vec<Option<Table>> {
    let rows = parameters.iter().zip(positions).map(|(parameter, arguments)| {
        let row = parameter.row?;
        let relation = catalog.relation(row);
        Some(Table {
            name: parameter.name.clone(),
            schema: None,
            source: SourceId::ROW,
            relation: None,
            row: Some(row),
            columns: relation.columns.iter().map(|c| (c.name.clone(), c.ty.clone())).collect(),
            nullable: false,
            is_value: false,
            argument: Some(arguments.start),
        })
    });
    rows.collect()
}
