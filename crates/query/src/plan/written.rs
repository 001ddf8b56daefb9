//! The target of a write: a table, or a view that shows rows of one table as they are, through which PostgreSQL writes to that
//! table ("Updatable Views" in the manual's `create view`). Other views are refused.

use plinth_catalog::expr::{Distinct, Expr, ExprKind, FromItem, QueryBody, SourceId};
use plinth_catalog::{
    Catalog, Columns, PolicyCommand, Privileges, Relation, RelationId, RelationKind, Table, View,
};

use super::access::denied;
use super::planner::{Planner, Source};
use super::weave::{Condition, Rights};
use crate::plan::RowCheck;
use crate::refusal::Refusal;

/// What a write is about.
pub(crate) struct Written<'a> {
    /// The table or view that the request names
    pub asked: &'a Relation,
    /// What the caller may do with it
    pub privileges: Privileges,
    /// The table that is written
    pub base: &'a Relation,
    /// The columns of it that a row is known by
    pub primary_key: Option<Vec<usize>>,
    /// What is known of it as a table; nothing where the database writes through a view
    pub table: Option<&'a Table>,
    /// Of a view, what its columns show of the table's row ([`SourceId::ROW`])
    columns: Option<Vec<Expr>>,
    /// Of a view, which rows of the table it shows
    filter: Option<Expr>,
    /// Whether the caller's own rights hold for the table: always, but for a view that has its owner's
    as_caller: bool,
}

impl<'a> Planner<'a> {
    /// The target of a write that PostgreSQL calls `verb` in its messages. Whether the caller may write it is checked before.
    pub fn written(&mut self, asked: &'a Relation, verb: &str) -> Result<Written<'a>, Refusal> {
        let privileges = self.weaver.access.privileges(asked);
        let view = match &asked.kind {
            RelationKind::Table(table) => {
                return Ok(Written {
                    asked,
                    privileges,
                    base: asked,
                    primary_key: table.primary_key.as_ref().map(|key| key.columns.clone()),
                    table: Some(table),
                    columns: None,
                    filter: None,
                    as_caller: true,
                });
            }
            RelationKind::View(_) if self.database().is_some() => {
                let primary_key = key_of(self.catalog, asked);
                return Ok(Written {
                    asked,
                    privileges,
                    base: asked,
                    primary_key,
                    table: None,
                    columns: None,
                    filter: None,
                    as_caller: true,
                });
            }
            RelationKind::View(view) => view,
        };
        let refused = || not_updatable(asked, verb);
        let shown = shown_rows(view).ok_or_else(refused)?;
        let base = self.catalog.relation(shown.relation);
        let table = base.table().ok_or_else(refused)?;
        let rights = if view.security_invoker { Rights::Caller } else { Rights::View };
        let mut columns = Vec::new();
        for column in shown.projection {
            columns.push(self.weaver.expr_over(column, shown.id, SourceId::ROW, rights)?);
        }
        let filter = match shown.filter {
            Some(filter) => Some(self.weaver.expr_over(filter, shown.id, SourceId::ROW, rights)?),
            None => None,
        };
        let as_caller = view.security_invoker;
        let primary_key = table.primary_key.as_ref().map(|key| key.columns.clone());
        let (table, columns) = (Some(table), Some(columns));
        Ok(Written { asked, privileges, base, primary_key, table, columns, filter, as_caller })
    }

    /// Refuses a command on a view with the caller's rights when the caller itself may not do it to the table behind.
    pub fn base_granted(
        &self,
        written: &Written<'a>,
        granted: fn(&Privileges) -> bool,
    ) -> Result<(), Refusal> {
        let held = !written.as_caller || granted(&self.weaver.access.privileges(written.base));
        if held { Ok(()) } else { Err(denied(written.base)) }
    }

    /// The columns of the table that are given under these names, each of which the caller may write.
    pub fn written_columns(
        &self,
        written: &Written<'a>,
        names: &[String],
        privilege: fn(&Privileges) -> &Columns,
        verb: &str,
    ) -> Result<Vec<usize>, Refusal> {
        let base = self.weaver.access.privileges(written.base);
        names
            .iter()
            .map(|name| {
                let position = self.payload_column(written.asked, privilege(&written.privileges), name)?;
                let column = written.base_column(position).ok_or_else(|| Refusal::Sql {
                    code: "0A000",
                    message: format!(
                        "cannot {verb} column \"{name}\" of view \"{}\"",
                        written.asked.name.name
                    ),
                    detail: Some(
                        "View columns that are not columns of their base relation are not updatable.".into(),
                    ),
                    hint: None,
                })?;
                if written.as_caller && !privilege(&base).covers(column) {
                    return Err(denied(written.base));
                }
                Ok(column)
            })
            .collect()
    }

    /// The row of the target, for filters and for what is given back.
    pub fn written_source(&self, written: &Written<'a>) -> Result<Source<'a>, Refusal> {
        let mut source = self.source(SourceId::ROW, written.asked)?;
        let Some(columns) = &written.columns else { return Ok(source) };
        if written.as_caller {
            let base = self.weaver.access.privileges(written.base).select;
            for (position, column) in source.columns.iter_mut().enumerate() {
                column.readable &= match written.base_column(position) {
                    Some(shown) => base.covers(shown),
                    None => base == Columns::All,
                };
            }
        }
        source.values = Some(columns.clone());
        Ok(source)
    }

    /// The rows of the table that a command finds before any condition of the request.
    pub fn written_rows(
        &mut self,
        written: &Written<'a>,
        command: PolicyCommand,
        reads: bool,
    ) -> Result<Vec<Expr>, Refusal> {
        let mut all = match written.as_caller {
            true => self.visible_rows(written.base, command, reads)?,
            false => Vec::new(),
        };
        all.extend(written.filter.as_ref().map(|filter| self.weaver.copy(filter)));
        Ok(all)
    }

    /// What a written row must pass.
    pub fn written_checks(
        &mut self,
        written: &Written<'a>,
        command: PolicyCommand,
        reads: bool,
    ) -> Result<Vec<RowCheck>, Refusal> {
        if !written.as_caller {
            return Ok(Vec::new());
        }
        self.row_checks(written.base, command, reads)
    }

    /// What a written row of a table must pass: the policies of the command, and those of a select when the command reads.
    pub fn row_checks(
        &mut self,
        table: &'a Relation,
        command: PolicyCommand,
        reads: bool,
    ) -> Result<Vec<RowCheck>, Refusal> {
        let mut checks = self.weaver.row_checks(table, command, Condition::Check)?;
        if reads && !self.weaver.same_as_select(table, command, Condition::Check) {
            checks.extend(self.weaver.row_checks(table, PolicyCommand::Select, Condition::Using)?);
        }
        Ok(checks)
    }

    /// What the existing row and the updated one must pass in an upsert, which always reads.
    pub fn conflict_checks(
        &mut self,
        written: &Written<'a>,
    ) -> Result<(Vec<RowCheck>, Vec<RowCheck>), Refusal> {
        if !written.as_caller {
            return Ok((Vec::new(), Vec::new()));
        }
        let mut existing = self.weaver.row_checks(written.base, PolicyCommand::Update, Condition::Using)?;
        if !self.weaver.same_as_select(written.base, PolicyCommand::Update, Condition::Using) {
            existing.extend(self.weaver.row_checks(written.base, PolicyCommand::Select, Condition::Using)?);
        }
        Ok((existing, self.row_checks(written.base, PolicyCommand::Update, true)?))
    }
}

impl Written<'_> {
    /// The table's column that a column of the target is.
    pub fn base_column(&self, position: usize) -> Option<usize> {
        match &self.columns {
            None => Some(position),
            Some(columns) => match columns.get(position)?.kind {
                ExprKind::Column { source: SourceId::ROW, column } => Some(column),
                _ => None,
            },
        }
    }
}

/// The target of a write in a function's body, which must be a table.
pub(crate) fn written_table<'a>(relation: &'a Relation, verb: &str) -> Result<&'a Table, Refusal> {
    relation.table().ok_or_else(|| not_updatable(relation, verb))
}

/// The columns of a relation that a row of it is known by: a table's primary key, or where a view shows a whole one.
pub(crate) fn key_of(catalog: &Catalog, relation: &Relation) -> Option<Vec<usize>> {
    let view = match &relation.kind {
        RelationKind::Table(table) => return Some(table.primary_key.as_ref()?.columns.clone()),
        RelationKind::View(view) => view,
    };
    let mut tables: Vec<RelationId> = view.origins.iter().flatten().map(|(table, _)| *table).collect();
    tables.sort_unstable();
    tables.dedup();
    let mut keys = tables.into_iter().filter_map(|table| {
        let key = catalog.relation(table).table()?.primary_key.as_ref()?;
        let shown = |column: &usize| view.origins.iter().position(|origin| *origin == Some((table, *column)));
        key.columns.iter().map(shown).collect::<Option<Vec<usize>>>()
    });
    keys.next()
}

/// Whether rows of the relation can be written: of a table, or of a view that shows rows of one table as they are.
pub(crate) fn is_updatable(catalog: &Catalog, relation: &Relation) -> bool {
    match &relation.kind {
        RelationKind::Table(_) => true,
        RelationKind::View(view) => {
            shown_rows(view).is_some_and(|shown| catalog.relation(shown.relation).table().is_some())
        }
    }
}

fn not_updatable(relation: &Relation, verb: &str) -> Refusal {
    Refusal::Sql {
        code: "55000",
        message: format!("cannot {verb} view \"{}\"", relation.name.name),
        detail: Some("Only views that show columns of a single table are automatically updatable.".into()),
        hint: Some("Write to the table that the view shows, or call a function that does.".into()),
    }
}

/// The one table that a view shows rows of.
struct Shown<'v> {
    id: SourceId,
    relation: RelationId,
    projection: &'v [Expr],
    filter: Option<&'v Expr>,
}

/// What a view shows, when its rows are rows of one table.
fn shown_rows(view: &View) -> Option<Shown<'_>> {
    let query = view.query.as_ref()?;
    let QueryBody::Select(select) = &query.body else { return None };
    let whole = query.with.is_empty() && query.limit.is_none() && query.offset.is_none();
    let plain = matches!(select.distinct, Distinct::No) && !select.grouped && select.having.is_none();
    let FromItem::Relation { id, relation, security: _ } = select.from.as_ref()? else { return None };
    let computed = |expr: &Expr| matches!(expr.kind, ExprKind::Window { .. } | ExprKind::UserCall { .. });
    if view.materialized || !whole || !plain || select.projection.iter().any(computed) {
        return None;
    }
    Some(Shown {
        id: *id,
        relation: *relation,
        projection: &select.projection,
        filter: select.filter.as_ref(),
    })
}
