//! Inserts and upserts: typed rows, the checks they must pass, and what to do with rows that are there already. What a new row must
//! still pass (not null, unique, …) is the engine's.

use plinth_catalog::expr::{ExprKind, SourceId};
use plinth_catalog::{Columns, PolicyCommand, Relation, Table};
use plinth_values::{Modifier, input};

use super::access::denied;
use super::payload::{self, refuse_given};
use super::planner::Planner;
use super::select::Part;
use super::weave::Condition;
use crate::plan::{Cell, ConflictPlan, InsertPlan, ReturningPlan, RowCheck};
use crate::refusal::Refusal;
use crate::request::{Comparison, Conflict, Filter, Insert, Operation, Request, Returning};

impl<'a> Planner<'a> {
    /// Plans an insert.
    pub fn insert(
        &mut self,
        relation: &'a Relation,
        request: &Request,
        insert: &Insert,
    ) -> Result<InsertPlan, Refusal> {
        let privileges = self.weaver.access.privileges(relation);
        if !privileges.insert.any() {
            return Err(denied(relation));
        }
        let table = written_table(relation, "insert into")?;
        let payload = payload::read(&insert.body, insert.columns.as_deref(), self.limits.max_payload_rows)?;
        let columns = payload
            .keys
            .iter()
            .map(|key| self.payload_column(relation, &privileges.insert, key))
            .collect::<Result<Vec<usize>, Refusal>>()?;

        let mut rows = Vec::with_capacity(payload.rows.len());
        for row in payload.rows {
            let mut cells = Vec::with_capacity(columns.len());
            for (item, position) in row.into_iter().zip(&columns) {
                let column = &relation.columns[*position];
                if item.is_none() && insert.missing_default {
                    cells.push(Cell::Default);
                    continue;
                }
                refuse_given(column, false)?;
                cells.push(Cell::Value(match item {
                    Some(item) => item.value(column, self.session)?,
                    None => plinth_values::Value::Null,
                }));
            }
            rows.push(cells);
        }

        let conflict = if insert.put {
            self.check_put(relation, table, &request.filters, &columns, &rows)?;
            Some(Conflict { columns: None, merge: true })
        } else {
            insert.conflict.clone()
        };
        // With a conflict target, the table is read.
        let reads = insert.returning != Returning::Minimal || conflict.is_some();
        let mut checks = self.weaver.row_checks(relation, PolicyCommand::Insert, Condition::Check)?;
        if reads {
            checks.extend(self.weaver.row_checks(relation, PolicyCommand::Select, Condition::Using)?);
        }
        let conflict = match conflict {
            Some(conflict) => self.conflict(relation, table, &conflict, &columns)?,
            None => None,
        };
        let returning = self.returning(relation, request, insert.returning)?;
        Ok(InsertPlan { relation: relation.id, columns, rows, checks, conflict, returning, put: insert.put })
    }

    /// What an upsert does with a row that is there already; `None` when the table has no primary key to find one by.
    fn conflict(
        &mut self,
        relation: &'a Relation,
        table: &Table,
        conflict: &Conflict,
        given: &[usize],
    ) -> Result<Option<ConflictPlan>, Refusal> {
        let privileges = self.weaver.access.privileges(relation);
        let target = match &conflict.columns {
            Some(names) => names
                .iter()
                .map(|name| self.payload_column(relation, &privileges.select, name))
                .collect::<Result<Vec<usize>, Refusal>>()?,
            None => match &table.primary_key {
                Some(key) => key.columns.clone(),
                None => return Ok(None),
            },
        };
        if !target.iter().all(|column| privileges.select.covers(*column)) {
            return Err(denied(relation));
        }
        if !is_unique(table, &target) {
            return Err(Refusal::Sql {
                code: "42P10",
                message: "there is no unique or exclusion constraint matching the ON CONFLICT specification"
                    .into(),
                detail: None,
                hint: None,
            });
        }
        if !conflict.merge || given.is_empty() {
            return Ok(Some(ConflictPlan { target, update: None, existing: Vec::new(), checks: Vec::new() }));
        }
        self.check_updatable(relation, &privileges.update, given)?;
        let (existing, checks) = self.conflict_checks(relation, true)?;
        Ok(Some(ConflictPlan { target, update: Some(given.to_vec()), existing, checks }))
    }

    /// What the existing row and the updated one must pass in an upsert.
    pub fn conflict_checks(
        &mut self,
        relation: &'a Relation,
        reads: bool,
    ) -> Result<(Vec<RowCheck>, Vec<RowCheck>), Refusal> {
        let mut existing = self.weaver.row_checks(relation, PolicyCommand::Update, Condition::Using)?;
        let mut checks = self.weaver.row_checks(relation, PolicyCommand::Update, Condition::Check)?;
        if reads {
            existing.extend(self.weaver.row_checks(relation, PolicyCommand::Select, Condition::Using)?);
            checks.extend(self.weaver.row_checks(relation, PolicyCommand::Select, Condition::Using)?);
        }
        Ok((existing, checks))
    }

    /// Whether the caller may update each of these columns.
    fn check_updatable(
        &self,
        relation: &Relation,
        granted: &Columns,
        columns: &[usize],
    ) -> Result<(), Refusal> {
        if !granted.any() {
            return Err(denied(relation));
        }
        for column in columns.iter().filter_map(|column| relation.columns.get(*column)) {
            self.payload_column(relation, granted, &column.name)?;
        }
        Ok(())
    }

    /// A `PUT` names exactly the primary key in its filters, and its one row agrees with them.
    fn check_put(
        &self,
        relation: &Relation,
        table: &Table,
        filters: &[Filter],
        columns: &[usize],
        rows: &[Vec<Cell>],
    ) -> Result<(), Refusal> {
        let Some(key) = &table.primary_key else { return Err(Refusal::BadPutFilters) };
        let readable = self.weaver.access.privileges(relation).select;
        let mut wanted = Vec::new();
        for filter in filters {
            let Filter::Condition { negated: false, field, op } = filter else {
                return Err(Refusal::BadPutFilters);
            };
            let Operation::Compare { op: Comparison::Eq, quantifier: None, value } = op else {
                return Err(Refusal::BadPutFilters);
            };
            match relation.column_index(&field.column) {
                Some(column)
                    if field.path.is_empty() && key.columns.contains(&column) && readable.covers(column) =>
                {
                    wanted.push((column, value));
                }
                _ => return Err(Refusal::BadPutFilters),
            }
        }
        if wanted.len() != key.columns.len()
            || !key.columns.iter().all(|column| wanted.iter().any(|(wanted, _)| wanted == column))
        {
            return Err(Refusal::BadPutFilters);
        }
        let [row] = rows else { return Err(Refusal::PutKeyMismatch) };
        for (column, text) in wanted {
            let declared = &relation.columns[column];
            let value = input::from_text(&declared.ty, Modifier::None, text, self.session)?;
            let given = columns.iter().position(|given| *given == column).and_then(|at| row.get(at));
            match given {
                Some(Cell::Value(given))
                    if !given.is_null()
                        && plinth_values::compare::compare(&declared.ty, given.as_ref(), value.as_ref())
                            .is_eq() => {}
                _ => return Err(Refusal::PutKeyMismatch),
            }
        }
        Ok(())
    }

    /// What a write gives back.
    pub fn returning(
        &mut self,
        relation: &'a Relation,
        request: &Request,
        returning: Returning,
    ) -> Result<ReturningPlan, Refusal> {
        match returning {
            Returning::Minimal => Ok(ReturningPlan::Nothing),
            Returning::Keys => {
                let key = relation.table().and_then(|table| table.primary_key.as_ref());
                let columns = key.map(|key| key.columns.clone()).unwrap_or_default();
                let select = self.weaver.access.privileges(relation).select;
                if !columns.iter().all(|column| select.covers(*column)) {
                    return Err(denied(relation));
                }
                Ok(ReturningPlan::Keys(columns))
            }
            Returning::Rows => {
                let source = self.source(SourceId::ROW, relation)?;
                let scope = self.scope(source, &request.select)?;
                // The filters chose the rows to write. What comes back are those, whatever they look like now.
                let part = Part { filters: &[], limit: None, offset: 0, ..Part::of_request(request) };
                let from = plinth_catalog::expr::FromItem::Relation {
                    id: SourceId::ROW,
                    relation: relation.id,
                    security: None,
                };
                Ok(ReturningPlan::Rows(Box::new(self.node(&scope, from, Vec::new(), &part)?)))
            }
        }
    }
}

/// The table that a write is about. A view is refused as PostgreSQL refuses one that is not automatically updatable.
pub(crate) fn written_table<'a>(relation: &'a Relation, verb: &str) -> Result<&'a Table, Refusal> {
    relation.table().ok_or_else(|| Refusal::Sql {
        code: "55000",
        message: format!("cannot {verb} view \"{}\"", relation.name.name),
        detail: Some("Plinth does not write through views.".into()),
        hint: Some("Write to the table that the view shows, or call a function that does.".into()),
    })
}

/// Whether a constraint or an index guarantees that these columns together are unique.
fn is_unique(table: &Table, target: &[usize]) -> bool {
    let same = |columns: &[usize]| {
        columns.iter().all(|column| target.contains(column))
            && target.iter().all(|column| columns.contains(column))
    };
    let by_key = table.primary_key.iter().chain(&table.uniques).any(|key| same(&key.columns));
    by_key
        || table.indexes.iter().any(|index| {
            let columns: Option<Vec<usize>> = index
                .keys
                .iter()
                .map(|key| match key.expr.kind {
                    ExprKind::Column { source: SourceId::ROW, column } => Some(column),
                    _ => None,
                })
                .collect();
            index.unique && index.filter.is_none() && columns.is_some_and(|columns| same(&columns))
        })
}
