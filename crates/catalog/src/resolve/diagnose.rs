//! Refusals: where they are, PostgreSQL's wording where it has one, and what was probably meant.

use plinth_values::Type;
use sqlparser::ast::{self, Spanned};
use sqlparser::tokenizer::{Location as Start, Span};

use super::Work;
use super::scope::{Scope, Table};
pub(super) use crate::names::suggest;
use crate::{Diagnostic, Location};

/// A part of the syntax tree that knows where it stands.
pub(super) trait Place {
    /// Where it begins
    fn start(&self) -> Start;
}

impl Place for Span {
    fn start(&self) -> Start {
        self.start
    }
}

impl Place for ast::Ident {
    fn start(&self) -> Start {
        self.span.start
    }
}

/// The parser keeps no place for the types it knows by keyword.
impl Place for ast::DataType {
    fn start(&self) -> Start {
        match self {
            ast::DataType::Custom(name, _) => name.span().start,
            ast::DataType::Array(ast::ArrayElemTypeDef::SquareBracket(element, _)) => element.start(),
            _ => Start::empty(),
        }
    }
}

impl Place for ast::Expr {
    /// Chains of operators may be thousands deep on their left side: the way down there is a loop.
    fn start(&self) -> Start {
        let mut leftmost = self;
        loop {
            leftmost = match leftmost {
                ast::Expr::BinaryOp { left, .. }
                | ast::Expr::AnyOp { left, .. }
                | ast::Expr::AllOp { left, .. } => left,
                ast::Expr::Cast { expr, kind: ast::CastKind::DoubleColon, .. }
                | ast::Expr::Nested(expr)
                | ast::Expr::IsNull(expr)
                | ast::Expr::IsNotNull(expr)
                | ast::Expr::IsTrue(expr)
                | ast::Expr::IsFalse(expr)
                | ast::Expr::Like { expr, .. }
                | ast::Expr::ILike { expr, .. }
                | ast::Expr::Between { expr, .. }
                | ast::Expr::InList { expr, .. }
                | ast::Expr::InSubquery { expr, .. }
                | ast::Expr::CompoundFieldAccess { root: expr, .. } => expr,
                ast::Expr::AtTimeZone { timestamp, .. } => timestamp,
                _ => return leftmost.span().start,
            };
        }
    }
}

macro_rules! places {
    ($($part:ty),*) => {
        $(impl Place for $part {
            fn start(&self) -> Start {
                self.span().start
            }
        })*
    };
}

places!(
    ast::ValueWithSpan,
    ast::ObjectName,
    ast::Query,
    ast::SetExpr,
    ast::Select,
    ast::Statement,
    ast::Values,
    ast::TableFactor,
    ast::TableWithJoins,
    ast::Join,
    ast::OrderByExpr,
    ast::Assignment,
    ast::SelectItem,
    ast::GroupByExpr,
    ast::TableObject,
    ast::Delete
);

impl Diagnostic {
    /// The same refusal with advice.
    pub(super) fn hint(self, hint: impl Into<String>) -> Diagnostic {
        Diagnostic { hint: Some(hint.into()), ..self }
    }

    /// The same refusal with advice, where there is any.
    pub(super) fn maybe_hint(self, hint: Option<String>) -> Diagnostic {
        Diagnostic { hint, ..self }
    }
}

impl Work<'_> {
    /// A refusal at a place of the syntax tree.
    pub(super) fn refuse(&self, at: &impl Place, message: impl Into<String>) -> Diagnostic {
        let start = at.start();
        let location = Location { path: self.path.to_owned(), line: start.line, column: start.column };
        Diagnostic { location, message: message.into(), hint: None }
    }

    /// Something PostgreSQL has and Plinth does not.
    pub(super) fn unsupported(&self, at: &impl Place, what: &str, instead: &str) -> Diagnostic {
        self.refuse(at, format!("{what} is not supported")).hint(instead)
    }

    /// A column that a table in scope does not have.
    pub(super) fn no_column_in(&self, at: &impl Place, name: &str, table: &Table) -> Diagnostic {
        let relation = table.relation.or(table.row).map(|id| self.catalog.relation(id));
        let kind = if relation.is_some_and(|r| r.table().is_none()) { "view" } else { "table" };
        let shown = relation.map_or(&table.name, |r| &r.name.name);
        self.refuse(at, format!("column \"{name}\" does not exist in {kind} \"{shown}\""))
            .maybe_hint(suggest(name, table.columns.iter().map(|(name, _)| name.as_str())))
    }

    /// An unqualified name that nothing in scope has.
    pub(super) fn no_column(&self, at: &impl Place, name: &str, scope: &Scope<'_>) -> Diagnostic {
        let mut tables = scope.chain().flat_map(|scope| &scope.names.tables);
        if let (Some(only), None) = (tables.next(), tables.next())
            && self.parameters.is_empty()
            && !only.name.is_empty()
        {
            return self.no_column_in(at, name, only);
        }
        let columns = scope.chain().flat_map(|scope| &scope.names.visible).map(|column| column.name.as_str());
        let parameters = self.parameters.iter().map(|parameter| parameter.name.as_str());
        self.refuse(at, format!("column \"{name}\" does not exist"))
            .maybe_hint(suggest(name, columns.chain(parameters)))
    }

    /// A relation that does not exist.
    pub(super) fn no_relation(&self, at: &impl Place, name: &str, scope: Option<&Scope<'_>>) -> Diagnostic {
        let expressions =
            scope.into_iter().flat_map(Scope::chain).flat_map(|s| &s.ctes).map(|c| c.name.as_str());
        let relations = self.catalog.relations.iter().map(|relation| relation.name.name.as_str());
        let bare = name.rsplit('.').next().unwrap_or(name);
        self.refuse(at, format!("relation \"{name}\" does not exist"))
            .maybe_hint(suggest(bare, expressions.chain(relations)))
    }

    /// An operator that does not exist for these types.
    pub(super) fn no_operator(&self, at: &impl Place, operator: &str, types: &[&Type]) -> Diagnostic {
        let signature = match types {
            [operand] => format!("{operator} {operand}"),
            [left, right] => format!("{left} {operator} {right}"),
            _ => operator.to_owned(),
        };
        self.refuse(at, format!("operator does not exist: {signature}"))
            .hint("no operator has this name and these types: an explicit cast may be needed")
    }
}

/// `name(integer, text)`
pub(super) fn signature<'t>(name: &str, types: impl IntoIterator<Item = &'t Type>) -> String {
    let types: Vec<String> = types.into_iter().map(Type::to_string).collect();
    format!("{name}({})", types.join(", "))
}
