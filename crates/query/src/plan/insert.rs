//! Inserts and upserts: typed rows, the checks they must pass, and what to do with rows that are there already. What a new row must
//! still pass (not null, unique, …) is the engine's.

use plinth_catalog::expr::{Expr, ExprKind, FromItem, SourceId};
use plinth_catalog::{PolicyCommand, Relation, Table};
use plinth_values::{Modifier, input};

use super::access::denied;
use super::native;
use super::payload::{self, Item, refuse_given};
use super::planner::Planner;
use super::select::Part;
use super::weave::Rights;
use super::written::Written;
use crate::ir;
use crate::plan::{Cell, ConflictPlan, InsertPlan, ReturningPlan};
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
        let written = self.insertable(relation)?;
        let payload = payload::read(&insert.body, insert.columns.as_deref(), self.limits.max_payload_rows)?;
        let columns =
            self.written_columns(&written, &payload.keys, |rights| &rights.insert, "insert into")?;
        let mut rows = Vec::with_capacity(payload.rows.len());
        for row in payload.rows {
            rows.push(self.cells(&written, &columns, row, insert.missing_default)?);
        }
        let conflict = if insert.put {
            // Of several rows PostgREST puts the first.
            rows.truncate(1);
            self.check_put(&written, &request.filters, &columns, &rows)?;
            Some(Conflict { columns: None, merge: true })
        } else {
            insert.conflict.clone()
        };
        let reads = insert.returning != Returning::Minimal;
        let plan = self.checked(&written, (&payload.keys, columns), rows, conflict.as_ref(), reads)?;
        let returning = self.returning(&written, request, insert.returning)?;
        Ok(InsertPlan { returning, put: insert.put, ..plan })
    }

    /// The target of an insert, when the caller may insert into it.
    pub fn insertable(&mut self, relation: &'a Relation) -> Result<Written<'a>, Refusal> {
        if !self.weaver.access.privileges(relation).insert.any() {
            return Err(denied(relation));
        }
        let written = self.written(relation, "insert into")?;
        self.base_granted(&written, |rights| rights.insert.any())?;
        Ok(written)
    }

    /// A row of the payload, typed.
    pub fn cells(
        &self,
        written: &Written<'a>,
        columns: &[usize],
        row: Vec<Option<Item<'_>>>,
        missing_default: bool,
    ) -> Result<Vec<Cell>, Refusal> {
        let native = self.database().is_some();
        let mut cells = Vec::with_capacity(columns.len());
        for (item, position) in row.into_iter().zip(columns) {
            let column = &written.base.columns[*position];
            if item.is_none() && missing_default {
                cells.push(Cell::Default);
                continue;
            }
            if native {
                cells.push(native::cell(item));
                continue;
            }
            refuse_given(column, false)?;
            cells.push(Cell::Value(match item {
                Some(item) => item.value(column, self.session)?,
                None => plinth_values::Value::Null,
            }));
        }
        Ok(cells)
    }

    /// The plan of an insert of these rows, with what they must pass and what is done with rows that are there already. `reads`: what is
    /// written is read again.
    pub fn checked(
        &mut self,
        written: &Written<'a>,
        (keys, columns): (&[String], Vec<usize>),
        rows: Vec<Vec<Cell>>,
        conflict: Option<&Conflict>,
        reads: bool,
    ) -> Result<InsertPlan, Refusal> {
        // With a conflict target, the table is read.
        let reads = reads || conflict.is_some();
        let checks = self.written_checks(written, PolicyCommand::Insert, reads)?;
        let conflict = match conflict {
            Some(conflict) => self.conflict(written, conflict, keys, &columns)?,
            None => None,
        };
        let defaults = self.defaults(written.base)?;
        let relation = written.base.id;
        let returning = ReturningPlan::Nothing;
        Ok(InsertPlan { relation, columns, rows, defaults, checks, conflict, returning, put: false })
    }

    /// The defaults that an engine cannot compute by itself, because they call functions of the catalog.
    fn defaults(&mut self, relation: &Relation) -> Result<Vec<(usize, Expr)>, Refusal> {
        let mut defaults = Vec::new();
        for (position, column) in relation.columns.iter().enumerate() {
            if let Some(default) = &column.default
                && ir::facts(default).functions
            {
                defaults.push((position, self.weaver.row_expr(default, SourceId::ROW, Rights::Caller)?));
            }
        }
        Ok(defaults)
    }

    /// What an upsert does with a row that is there already; `None` when the table has no primary key to find one by.
    fn conflict(
        &mut self,
        written: &Written<'a>,
        conflict: &Conflict,
        keys: &[String],
        given: &[usize],
    ) -> Result<Option<ConflictPlan>, Refusal> {
        let target = match &conflict.columns {
            Some(names) => self.written_columns(written, names, |rights| &rights.select, "find a row by")?,
            None => match &written.primary_key {
                Some(key) => key.clone(),
                None => return Ok(None),
            },
        };
        if !self.is_readable(written, &target) {
            return Err(denied(written.asked));
        }
        if self.database().is_none() && !written.table.is_some_and(|table| is_unique(table, &target)) {
            return Err(Refusal::Sql {
                code: "42P10",
                message: "there is no unique or exclusion constraint matching the ON CONFLICT specification"
                    .into(),
                detail: None,
                hint: None,
            });
        }
        if !conflict.merge || given.is_empty() {
            return Ok(Some(ConflictPlan { target, ..ConflictPlan::default() }));
        }
        if !written.privileges.update.any() {
            return Err(denied(written.asked));
        }
        self.written_columns(written, keys, |rights| &rights.update, "update")?;
        let (existing, checks) = self.conflict_checks(written)?;
        Ok(Some(ConflictPlan {
            target,
            update: Some(given.to_vec()),
            existing,
            checks,
            ..ConflictPlan::default()
        }))
    }

    /// Whether the caller may read these columns of the table through the target.
    fn is_readable(&self, written: &Written<'a>, columns: &[usize]) -> bool {
        let Ok(source) = self.written_source(written) else { return false };
        columns.iter().all(|column| {
            source.readable().any(|(position, _)| written.base_column(position) == Some(*column))
        })
    }

    /// A `PUT` names exactly the primary key in its filters, and its one row agrees with them.
    fn check_put(
        &self,
        written: &Written<'a>,
        filters: &[Filter],
        columns: &[usize],
        rows: &[Vec<Cell>],
    ) -> Result<(), Refusal> {
        let Some(key) = &written.primary_key else { return Err(Refusal::BadPutFilters) };
        let source = self.written_source(written)?;
        let mut wanted = Vec::new();
        for filter in filters {
            let Filter::Condition { negated: false, field, op } = filter else {
                return Err(Refusal::BadPutFilters);
            };
            let Operation::Compare { op: Comparison::Eq, quantifier: None, value } = op else {
                return Err(Refusal::BadPutFilters);
            };
            let named = source.readable().find(|(_, column)| column.name == field.column);
            match named.and_then(|(position, _)| written.base_column(position)) {
                Some(column) if field.path.is_empty() && key.contains(&column) => {
                    wanted.push((column, value));
                }
                _ => return Err(Refusal::BadPutFilters),
            }
        }
        if wanted.len() != key.len()
            || !key.iter().all(|column| wanted.iter().any(|(wanted, _)| wanted == column))
        {
            return Err(Refusal::BadPutFilters);
        }
        let [row] = rows else { return Err(Refusal::PutKeyMismatch) };
        for (column, text) in wanted {
            let declared = &written.base.columns[column];
            if self.database().is_some() {
                let given = columns.iter().position(|given| *given == column).and_then(|at| row.get(at));
                if !given.is_some_and(|given| native::agrees(&declared.ty, given, text, self.session)) {
                    return Err(Refusal::PutKeyMismatch);
                }
                continue;
            }
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
        written: &Written<'a>,
        request: &Request,
        returning: Returning,
    ) -> Result<ReturningPlan, Refusal> {
        match returning {
            Returning::Minimal => Ok(ReturningPlan::Nothing),
            Returning::Keys => {
                let columns = written.primary_key.clone().unwrap_or_default();
                if !self.is_readable(written, &columns) {
                    return Err(denied(written.asked));
                }
                Ok(ReturningPlan::Keys(columns))
            }
            Returning::Rows => {
                let source = self.written_source(written)?;
                let scope = self.scope(source, &request.select)?;
                // The filters chose the rows to write. What comes back are those, whatever they look like now.
                let part = Part { filters: &[], limit: None, offset: 0, ..Part::of_request(request) };
                let from =
                    FromItem::Relation { id: SourceId::ROW, relation: written.base.id, security: None };
                let node = self.node(&scope, from, Vec::new(), &part)?;
                Ok(ReturningPlan::Rows(Box::new(self.with_version(request, &scope, node))))
            }
        }
    }
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
