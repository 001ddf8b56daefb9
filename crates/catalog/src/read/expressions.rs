//! Columns' defaults and generated columns.

use super::reader::{Reader, at};
use super::syntax::Expression;
use super::tables::{ColumnDraft, TableDraft};
use crate::expr::{Expr, ExprKind, SourceId};
use crate::walk::{Visitor, walk_expr};
use crate::{Diagnostic, RelationId};

pub(super) fn columns(reader: &mut Reader<'_>, tables: &[TableDraft<'_>]) {
    for table in tables {
        for (index, draft) in table.columns.iter().enumerate() {
            let default = default(reader, table.id, index, draft);
            let default = reader.keep(default).flatten();
            let generated = draft.generated.map(|expression| generated(reader, table.id, index, expression));
            let generated = generated.and_then(|generated| reader.keep(generated));
            let relation = reader.relation_mut(table.id);
            if let Some(column) = relation.and_then(|relation| relation.columns.get_mut(index)) {
                column.default = default;
                column.generated = generated;
            }
        }
    }
}

/// The column's default, or its domain's.
fn default(
    reader: &Reader<'_>,
    table: RelationId,
    index: usize,
    draft: &ColumnDraft<'_>,
) -> Result<Option<Expr>, Diagnostic> {
    let relation = reader.catalog.relation(table);
    let Some(column) = relation.columns.get(index) else { return Ok(None) };
    let Some(expression) = draft.default else {
        if column.identity.is_some() || draft.generated.is_some() {
            return Ok(None);
        }
        let domain =
            reader.catalog.domains.iter().find(|domain| Some(&domain.name) == column.domain.as_ref());
        return Ok(domain.and_then(|domain| domain.default.clone()));
    };
    let want = Some((&column.ty, column.modifier));
    let resolver = reader.resolver(expression.place);
    let resolved = resolver.row_expr(&relation.name.name, &[], &expression.ast, want, "DEFAULT expression");
    at(reader, expression.place, resolved).map(Some)
}

fn generated(
    reader: &Reader<'_>,
    table: RelationId,
    index: usize,
    expression: &Expression,
) -> Result<Expr, Diagnostic> {
    let relation = reader.catalog.relation(table);
    let want = relation.columns.get(index).map(|column| (&column.ty, column.modifier));
    let resolver = reader.resolver(expression.place);
    let context = "column generation expression";
    let resolved = resolver.row_expr(&relation.name.name, &relation.columns, &expression.ast, want, context);
    at(reader, expression.place, resolved)
}

/// Generated columns that are made from generated columns: which these are is known when all are resolved.
pub(super) fn check_generated(reader: &mut Reader<'_>, tables: &[TableDraft<'_>]) {
    for table in tables {
        for draft in &table.columns {
            let (Some(expression), columns) = (draft.generated, &reader.catalog.relation(table.id).columns)
            else {
                continue;
            };
            let own = columns.iter().find(|column| column.name == draft.column.name);
            let Some(generated) = own.and_then(|column| column.generated.as_ref()) else { continue };
            let mut used = RowColumns(Vec::new());
            used.expr(generated);
            let mut used = used.0.into_iter().filter_map(|index| columns.get(index));
            if let Some(other) = used.find(|column| column.generated.is_some()) {
                let message =
                    format!("cannot use generated column \"{}\" in column generation expression", other.name);
                let error = reader.error_with_hint(
                    expression.place,
                    message,
                    "a generated column cannot reference another generated column",
                );
                reader.keep::<()>(Err(error));
            }
        }
    }
}

/// The columns of the row that an expression looks at.
pub(super) struct RowColumns(pub Vec<usize>);

impl Visitor for RowColumns {
    fn expr(&mut self, expr: &Expr) {
        if let ExprKind::Column { source: SourceId::ROW, column } = expr.kind
            && !self.0.contains(&column)
        {
            self.0.push(column);
        }
        walk_expr(self, expr);
    }
}
