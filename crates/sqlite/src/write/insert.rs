//! Inserting, and updating instead where a row is there already: rows are made complete, pass row security, and are written one
//! by one, in PostgreSQL's order of refusals.

use std::cell::Cell as Place;
use std::collections::HashSet;

use plinth_catalog::expr::{CompareOp, Expr, ExprKind, SourceId};
use plinth_catalog::{Column, Identity, Relation, Table};
use plinth_engine::EngineError;
use plinth_query::plan::{Cell, ConflictPlan, InsertPlan, RowCheck};
use plinth_values::Value;

use super::foreign_keys::{self, Change};
use super::{Affected, Work, holds, key, refused, update, violation};
use crate::error::internal;
use crate::sql::{self, Rows};
use crate::statement::{Prepared, Scope};

/// What is to be inserted, without the rows.
#[derive(Clone, Copy)]
pub(crate) struct Proposal<'p> {
    pub(crate) relation: &'p Relation,
    /// The columns that rows bring
    pub(crate) columns: &'p [usize],
    /// Defaults that stand for the columns' own
    pub(crate) defaults: &'p [(usize, Expr)],
    pub(crate) checks: &'p [RowCheck],
    pub(crate) conflict: Option<&'p ConflictPlan>,
    /// Whether numbers may be given for columns that are always generated: a seed's right
    pub(crate) overriding: bool,
}

/// Runs an insert plan.
pub(super) fn run(work: &Work<'_>, plan: &InsertPlan) -> Result<Affected, EngineError> {
    rows(work, Proposal::of(work, plan)?, plan.rows.iter().map(|row| row.to_vec()))
}

impl<'p> Proposal<'p> {
    /// What an insert plan proposes, without its rows.
    pub(super) fn of(work: &Work<'p>, plan: &'p InsertPlan) -> Result<Proposal<'p>, EngineError> {
        Ok(Proposal {
            relation: work.relation(plan.relation)?,
            columns: &plan.columns,
            defaults: &plan.defaults,
            checks: &plan.checks,
            conflict: plan.conflict.as_ref(),
            overriding: false,
        })
    }
}

/// Inserts rows. All pass row security before any is written.
pub(super) fn rows(
    work: &Work<'_>,
    proposal: Proposal<'_>,
    rows: impl Iterator<Item = Vec<Cell>>,
) -> Result<Affected, EngineError> {
    rows_at(work, proposal, rows, &Place::new(None))
}

/// The same; `at` says which row it was that an error is about, if it is about one.
pub(super) fn rows_at(
    work: &Work<'_>,
    proposal: Proposal<'_>,
    rows: impl Iterator<Item = Vec<Cell>>,
    at: &Place<Option<usize>>,
) -> Result<Affected, EngineError> {
    let mut inserter = Inserter::new(work, proposal)?;
    let mut complete = Vec::with_capacity(rows.size_hint().0);
    for (number, row) in rows.enumerate() {
        at.set(Some(number));
        work.interrupt.check()?;
        let row = inserter.complete(row)?;
        inserter.check(&row)?;
        complete.push(row);
    }
    for (number, row) in complete.into_iter().enumerate() {
        at.set(Some(number));
        work.interrupt.check()?;
        inserter.write(row)?;
    }
    at.set(None);
    inserter.finish()
}

/// The statements of an insert, prepared once for all its rows.
pub(crate) struct Inserter<'w, 'a> {
    work: &'w Work<'a>,
    proposal: Proposal<'w>,
    table: &'w Table,
    /// The columns whose values are stored: all but generated ones
    insert: Prepared<'a>,
    checks: Option<Prepared<'a>>,
    /// Defaults that have to be computed, by column
    defaults: Vec<Option<Prepared<'a>>>,
    conflict: Option<Conflict<'w, 'a>>,
    affected: Affected,
}

/// The statements of an upsert.
struct Conflict<'w, 'a> {
    plan: &'w ConflictPlan,
    /// Each finds the row that is there already
    find: Vec<Prepared<'a>>,
    /// The table's own checks, which a proposed row must pass even when it is not inserted
    table_checks: Option<Prepared<'a>>,
    /// Rows that this command has written
    touched: HashSet<i64>,
}

impl<'w, 'a> Inserter<'w, 'a> {
    /// Prepares an insert.
    pub(crate) fn new(work: &'w Work<'a>, proposal: Proposal<'w>) -> Result<Inserter<'w, 'a>, EngineError> {
        let relation = proposal.relation;
        let table = relation.table().ok_or_else(|| internal("the plan inserts into a view"))?;
        let is_stored = |i: &usize| relation.columns.get(*i).is_some_and(|column| column.generated.is_none());
        let stored: Vec<usize> = (0..relation.columns.len()).filter(is_stored).collect();
        let insert = work.prepare(sql::insert(work.catalog, relation, &stored)?)?;
        let checks =
            prepare_conditions(work, relation, proposal.checks.iter().map(|check| &check.condition))?;
        let conflict = match proposal.conflict {
            Some(plan) => Some(Conflict {
                plan,
                find: prepare_find(work, relation, table, plan)?,
                table_checks: prepare_conditions(
                    work,
                    relation,
                    table.checks.iter().map(|check| &check.condition),
                )?,
                touched: HashSet::new(),
            }),
            None => None,
        };
        let defaults = relation.columns.iter().map(|_| None).collect();
        let affected = Affected::default();
        Ok(Inserter { work, proposal, table, insert, checks, defaults, conflict, affected })
    }

    /// The whole row: what was given, and defaults for the rest. Generated columns stay null; SQLite computes them.
    pub(crate) fn complete(&mut self, given: Vec<Cell>) -> Result<Vec<Value>, EngineError> {
        let relation = self.proposal.relation;
        let mut cells: Vec<Cell> = relation.columns.iter().map(|_| Cell::Default).collect();
        for (column, cell) in self.proposal.columns.iter().zip(given) {
            let place = cells.get_mut(*column).ok_or_else(|| internal("a row has a column too many"))?;
            *place = cell;
        }
        let mut row = Vec::with_capacity(cells.len());
        for (i, (cell, column)) in cells.into_iter().zip(&relation.columns).enumerate() {
            row.push(match cell {
                Cell::Value(value) => {
                    refuse_given(column, self.proposal.overriding)?;
                    value
                }
                Cell::Json(_) => return Err(internal("a value that another database is to read")),
                Cell::Default => self.default(i, column)?,
            });
        }
        Ok(row)
    }

    fn default(&mut self, index: usize, column: &Column) -> Result<Value, EngineError> {
        if column.generated.is_some() {
            return Ok(Value::Null);
        }
        if column.identity.is_some() {
            let connection = &self.work.database.connection;
            let mut sequences = self.work.sequences.borrow_mut();
            return sequences.next(connection, self.proposal.relation, index).map(Value::Int);
        }
        let planned = self.proposal.defaults.iter().find(|(planned, _)| *planned == index);
        let Some(default) = planned.map(|(_, default)| default).or(column.default.as_ref()) else {
            return Ok(Value::Null);
        };
        if let ExprKind::Literal(value) = &default.kind {
            return Ok(value.clone());
        }
        let place = self.defaults.get_mut(index).ok_or_else(|| internal("a column is gone"))?;
        if place.is_none() {
            *place = Some(self.work.prepare(sql::exprs(self.work.catalog, None, &[default])?)?);
        }
        let Some(statement) = place else { return Ok(Value::Null) };
        let row = statement.row(&self.work.scope())?;
        Ok(row.and_then(|row| row.into_iter().next()).unwrap_or_default())
    }

    /// Row security: whether the caller may write such a row.
    pub(crate) fn check(&mut self, row: &[Value]) -> Result<(), EngineError> {
        let Some(statement) = &mut self.checks else { return Ok(()) };
        let scope = Scope { cells: row, ..self.work.scope() };
        let results = self.work.reading(|| statement.row(&scope))?.unwrap_or_default();
        match results.iter().zip(self.proposal.checks).find(|(value, _)| !holds(value)) {
            Some((_, check)) => Err(refused(self.proposal.relation, check, "")),
            None => Ok(()),
        }
    }

    /// Writes a complete row.
    pub(crate) fn write(&mut self, row: Vec<Value>) -> Result<(), EngineError> {
        let relation = self.proposal.relation;
        violation::nulls(self.work, relation, &row, |_| true)?;
        if let Some(existing) = self.existing(&row)? {
            return self.write_existing(existing, &row);
        }
        let scope = Scope { cells: &row, ..self.work.scope() };
        match self.insert.ids(&scope) {
            Ok(ids) => {
                if let Some(conflict) = &mut self.conflict {
                    conflict.touched.extend(&ids);
                }
                self.affected.rowids.extend(ids);
                self.affected.inserted += 1;
                Ok(())
            }
            Err(failure) => Err(violation::of_row(self.work, relation, &row, failure)),
        }
    }

    /// The row that the proposed one conflicts with.
    fn existing(&mut self, row: &[Value]) -> Result<Option<i64>, EngineError> {
        let Some(conflict) = &mut self.conflict else { return Ok(None) };
        let mut generated = None;
        if self.proposal.relation.columns.iter().any(|column| column.generated.is_some()) {
            let mut full = row.to_vec();
            self.work.generate(self.proposal.relation, &mut full)?;
            generated = Some(full);
        }
        let excluded = generated.as_deref().unwrap_or(row);
        let scope = Scope { excluded, ..self.work.scope() };
        for find in &mut conflict.find {
            if let Some(rowid) = self.work.reading(|| find.ids(&scope))?.first() {
                return Ok(Some(*rowid));
            }
        }
        Ok(None)
    }

    /// There is a row already: updates it, or leaves it.
    fn write_existing(&mut self, rowid: i64, row: &[Value]) -> Result<(), EngineError> {
        let (work, relation) = (self.work, self.proposal.relation);
        let Some(conflict) = &mut self.conflict else { return Ok(()) };
        if let Some(checks) = &mut conflict.table_checks {
            let values = checks.row(&Scope { cells: row, ..work.scope() })?.unwrap_or_default();
            let failed = values.iter().zip(&self.table.checks).find(|(value, _)| **value == Value::Int(0));
            if let Some((_, check)) = failed {
                return Err(violation::of_check(work, relation, row, check));
            }
        }
        let Some(columns) = &conflict.plan.update else { return Ok(()) };
        if conflict.touched.contains(&rowid) {
            return Err(EngineError::Sql {
                code: "21000".into(),
                message: "ON CONFLICT DO UPDATE command cannot affect row a second time".into(),
                detail: None,
                hint: Some(
                    "Ensure that no rows proposed for insertion within the same command have duplicate constrained values."
                        .into(),
                ),
            });
        }
        let own = |column: &usize| conflict.plan.values.iter().find(|(known, _)| known == column);
        let set: Vec<(usize, Expr)> = columns
            .iter()
            .map(|column| own(column).cloned().unwrap_or_else(|| (*column, proposed(relation, *column))))
            .collect();
        let mut excluded = row.to_vec();
        if !conflict.plan.values.is_empty() || conflict.plan.filter.is_some() {
            // What the values and the filter read of the proposed row may be a generated column.
            work.generate(relation, &mut excluded)?;
        }
        let scope = Scope { excluded: &excluded, ..work.scope() };
        if let Some(filter) = &conflict.plan.filter {
            let asked = [RowCheck { condition: filter.clone(), policy: None }];
            if update::first_failure(work, relation, &[], &[rowid], &asked, &scope)?.is_some() {
                return Ok(());
            }
        }
        if let Some(check) =
            update::first_failure(work, relation, &[], &[rowid], &conflict.plan.existing, &scope)?
        {
            return Err(refused(relation, check, "(USING expression) "));
        }
        if let Some(check) =
            update::first_failure(work, relation, &set, &[rowid], &conflict.plan.checks, &scope)?
        {
            return Err(refused(relation, check, ""));
        }
        let changed = if set.is_empty() {
            vec![rowid]
        } else {
            let written = update::apply(work, relation, &set, &[rowid], &scope);
            let change = Change { relation, rowids: &[rowid], set: Some(&set), scope: &scope };
            foreign_keys::explain_restricted(work, &change, written)?
        };
        conflict.touched.insert(rowid);
        conflict.touched.extend(&changed);
        self.affected.rowids.extend(changed);
        Ok(())
    }

    /// The end of the statement: what holds only then, foreign keys, is looked at.
    pub(crate) fn finish(self) -> Result<Affected, EngineError> {
        foreign_keys::settle_inserted(self.work, self.proposal.relation, &self.affected.rowids)?;
        Ok(self.affected)
    }

    /// The end of one of several loads, whose foreign keys are looked at together.
    pub(crate) fn finish_unsettled(self) -> Affected {
        self.affected
    }
}

/// What only the table itself may decide.
fn refuse_given(column: &Column, overriding: bool) -> Result<(), EngineError> {
    let (what, hint) = match (&column.generated, column.identity) {
        (Some(_), _) => ("a generated column", None),
        (None, Some(Identity::Always)) if !overriding => (
            "an identity column defined as GENERATED ALWAYS",
            Some("Use OVERRIDING SYSTEM VALUE to override.".to_owned()),
        ),
        _ => return Ok(()),
    };
    Err(EngineError::Sql {
        code: "428C9".into(),
        message: format!("cannot insert a non-DEFAULT value into column \"{}\"", column.name),
        detail: Some(format!("Column \"{}\" is {what}.", column.name)),
        hint,
    })
}

/// One statement for all conditions; none for none.
fn prepare_conditions<'a, 'e>(
    work: &Work<'a>,
    relation: &Relation,
    conditions: impl Iterator<Item = &'e Expr>,
) -> Result<Option<Prepared<'a>>, EngineError> {
    let conditions: Vec<&Expr> = conditions.collect();
    if conditions.is_empty() {
        return Ok(None);
    }
    Ok(Some(work.prepare(sql::exprs(work.catalog, Some(relation), &conditions)?)?))
}

/// The statements that find the row a proposed one conflicts with: by the target, or by every key when there is none.
fn prepare_find<'a>(
    work: &Work<'a>,
    relation: &Relation,
    table: &Table,
    plan: &ConflictPlan,
) -> Result<Vec<Prepared<'a>>, EngineError> {
    let keys = key::unique(table);
    let mut targets: Vec<(&[usize], bool)> = Vec::new();
    if plan.target.is_empty() {
        targets.extend(keys.iter().map(|key| (key.columns.as_slice(), key.nulls_not_distinct)));
    } else {
        let same = keys.iter().find(|key| key.columns.iter().all(|column| plan.target.contains(column)));
        targets.push((&plan.target, same.is_some_and(|key| key.nulls_not_distinct)));
    }
    let mut statements = Vec::with_capacity(targets.len());
    for (columns, nulls_not_distinct) in targets {
        let equal = columns.iter().map(|column| {
            let (left, right) = (super::column(relation, *column), proposed(relation, *column));
            if nulls_not_distinct {
                let (left, right) = (Box::new(left), Box::new(right));
                return Expr::boolean(ExprKind::IsDistinct { left, right, negated: true });
            }
            Expr::compare(CompareOp::Eq, left, right)
        });
        let filter = Expr::and(equal);
        let sql = sql::select_rowids(work.catalog, relation, Rows::Where(Some(&filter)))?;
        statements.push(work.prepare(sql)?);
    }
    Ok(statements)
}

/// A column of the proposed row.
fn proposed(relation: &Relation, index: usize) -> Expr {
    let ty = relation.columns.get(index).map_or(plinth_values::Type::Unknown, |column| column.ty.clone());
    Expr::column(SourceId::EXCLUDED, index, ty)
}
