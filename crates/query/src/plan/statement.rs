//! Statements of a function's body that is called: writes with the policies and privilege checks of whoever the body runs as.

use plinth_catalog::expr::{Expr, ExprKind, SourceId};
use plinth_catalog::{
    Columns, DeleteStatement, Function, InsertStatement, OnConflict, PolicyCommand, Relation, Statement,
    UpdateStatement,
};

use super::access::denied;
use super::planner::Planner;
use super::weave::{Body, Rights};
use super::written::written_table;
use crate::ir::{self, Visit};
use crate::plan::{ConflictPlan, DeletePlan, PlannedStatement, ReturningPlan, RowCheck, UpdatePlan};
use crate::refusal::Refusal;

impl<'a> Planner<'a> {
    /// A statement with the arguments in place. Statements of a strict function do nothing when an argument is null.
    pub fn statement(
        &mut self,
        function: &'a Function,
        statement: &'a Statement,
        arguments: &[Expr],
    ) -> Result<PlannedStatement, Refusal> {
        let call = Running {
            rights: self.weaver.body_rights(function, Rights::Caller),
            given: self.weaver.given(function, arguments),
            arguments,
        };
        match statement {
            Statement::Query(query) => {
                let query = self.weaver.row_query(function, query, arguments.to_vec(), Rights::Caller)?;
                Ok(PlannedStatement::Query(query))
            }
            Statement::Insert(insert) => self.insert_statement(&call, insert),
            Statement::Update(update) => self.update_statement(&call, update),
            Statement::Delete(delete) => self.delete_statement(&call, delete),
        }
    }

    fn insert_statement(
        &mut self,
        call: &Running<'_>,
        insert: &InsertStatement,
    ) -> Result<PlannedStatement, Refusal> {
        let relation = self.catalog.relation(insert.relation);
        written_table(relation, "insert into")?;
        let privileges = self.weaver.access.privileges(relation);
        call.check(relation, &privileges.insert, &insert.columns)?;
        let mut query = insert.query.clone();
        Body::new(&mut self.weaver, call.rights, call.arguments.to_vec()).query(&mut query)?;
        if let Some(given) = &call.given {
            query = self.weaver.filtered(query, given.clone());
        }
        let returning = self.returned(call, relation, &insert.returning)?;
        let reads = !returning.is_empty() || insert.on_conflict.is_some();
        let checks = self.checks(call, relation, PolicyCommand::Insert, reads)?;
        let conflict = match &insert.on_conflict {
            Some(conflict) => Some(Box::new(self.conflict_statement(call, relation, conflict)?)),
            None => None,
        };
        Ok(PlannedStatement::Insert {
            relation: relation.id,
            columns: insert.columns.clone(),
            query,
            checks,
            conflict,
            returning,
        })
    }

    fn conflict_statement(
        &mut self,
        call: &Running<'_>,
        relation: &'a Relation,
        conflict: &OnConflict,
    ) -> Result<ConflictPlan, Refusal> {
        let privileges = self.weaver.access.privileges(relation);
        if call.rights == Rights::Caller
            && !conflict.target.iter().all(|column| privileges.select.covers(*column))
        {
            return Err(denied(relation));
        }
        let target = conflict.target.clone();
        let Some(set) = &conflict.update else {
            return Ok(ConflictPlan { target, ..ConflictPlan::default() });
        };
        let takes_proposed = |(column, value): &(usize, Expr)| matches!(&value.kind, ExprKind::Column { source: SourceId::EXCLUDED, column: proposed } if proposed == column);
        let mut values = Vec::new();
        for (column, value) in set.iter().filter(|set| !takes_proposed(set)) {
            values.push((*column, self.over_row(call, relation, value)?));
        }
        let filter = match &conflict.filter {
            Some(filter) => Some(self.over_row(call, relation, filter)?),
            None => None,
        };
        let update: Vec<usize> = set.iter().map(|(column, _)| *column).collect();
        call.check(relation, &privileges.update, &update)?;
        let (existing, checks) = match call.rights {
            Rights::Caller => {
                let written = self.written(relation, "insert into")?;
                self.conflict_checks(&written)?
            }
            Rights::View | Rights::Owner => (Vec::new(), Vec::new()),
        };
        Ok(ConflictPlan { target, update: Some(update), values, filter, existing, checks })
    }

    fn update_statement(
        &mut self,
        call: &Running<'_>,
        update: &UpdateStatement,
    ) -> Result<PlannedStatement, Refusal> {
        let relation = self.catalog.relation(update.relation);
        written_table(relation, "update")?;
        let privileges = self.weaver.access.privileges(relation);
        let columns: Vec<usize> = update.set.iter().map(|(column, _)| *column).collect();
        call.check(relation, &privileges.update, &columns)?;
        let mut set = Vec::new();
        for (column, value) in &update.set {
            set.push((*column, self.over_row(call, relation, value)?));
        }
        let asked = match &update.filter {
            Some(filter) => Some(self.over_row(call, relation, filter)?),
            None => None,
        };
        let returning = self.returned(call, relation, &update.returning)?;
        let reads = !returning.is_empty() || set.iter().map(|(_, value)| value).chain(&asked).any(names_row);
        let filter = self.found(call, relation, PolicyCommand::Update, asked, reads)?;
        let checks = self.checks(call, relation, PolicyCommand::Update, reads)?;
        let plan = UpdatePlan {
            relation: relation.id,
            set,
            filter,
            checks,
            max_affected: None,
            returning: ReturningPlan::Nothing,
        };
        Ok(PlannedStatement::Update { plan, returning })
    }

    fn delete_statement(
        &mut self,
        call: &Running<'_>,
        delete: &DeleteStatement,
    ) -> Result<PlannedStatement, Refusal> {
        let relation = self.catalog.relation(delete.relation);
        written_table(relation, "delete from")?;
        if call.rights == Rights::Caller && !self.weaver.access.privileges(relation).delete {
            return Err(denied(relation));
        }
        let asked = match &delete.filter {
            Some(filter) => Some(self.over_row(call, relation, filter)?),
            None => None,
        };
        let returning = self.returned(call, relation, &delete.returning)?;
        let reads = !returning.is_empty() || asked.iter().any(names_row);
        let filter = self.found(call, relation, PolicyCommand::Delete, asked, reads)?;
        let plan = DeletePlan {
            relation: relation.id,
            filter,
            max_affected: None,
            returning: ReturningPlan::Nothing,
        };
        Ok(PlannedStatement::Delete { plan, returning })
    }

    /// An expression over the written row.
    fn over_row(&mut self, call: &Running<'_>, relation: &Relation, expr: &Expr) -> Result<Expr, Refusal> {
        let mut expr = expr.clone();
        Body::new(&mut self.weaver, call.rights, call.arguments.to_vec())
            .over_row(relation.id)
            .expr(&mut expr)?;
        Ok(expr)
    }

    fn returned(
        &mut self,
        call: &Running<'_>,
        relation: &Relation,
        returning: &[(Expr, String)],
    ) -> Result<Vec<(Expr, String)>, Refusal> {
        returning
            .iter()
            .map(|(expr, name)| Ok((self.over_row(call, relation, expr)?, name.clone())))
            .collect()
    }

    /// The rows that a statement finds: what the policies show it, what it asks for, and none for a strict function without its
    /// arguments.
    fn found(
        &mut self,
        call: &Running<'_>,
        relation: &'a Relation,
        command: PolicyCommand,
        asked: Option<Expr>,
        reads: bool,
    ) -> Result<Option<Expr>, Refusal> {
        let mut all = match call.rights {
            Rights::Caller => self.visible_rows(relation, command, reads)?,
            Rights::View | Rights::Owner => Vec::new(),
        };
        all.extend(asked);
        all.extend(call.given.as_ref().map(|given| self.weaver.copy(given)));
        Ok(if all.is_empty() { None } else { Some(Expr::and(all)) })
    }

    fn checks(
        &mut self,
        call: &Running<'_>,
        relation: &'a Relation,
        command: PolicyCommand,
        reads: bool,
    ) -> Result<Vec<RowCheck>, Refusal> {
        if call.rights != Rights::Caller {
            return Ok(Vec::new());
        }
        self.row_checks(relation, command, reads)
    }
}

/// A function's body while it is planned.
struct Running<'c> {
    /// Whose rights it has
    rights: Rights,
    /// What must hold for its statements to do anything
    given: Option<Expr>,
    /// Its arguments
    arguments: &'c [Expr],
}

impl Running<'_> {
    /// Whether whoever the body runs as may write these columns.
    fn check(&self, relation: &Relation, granted: &Columns, columns: &[usize]) -> Result<(), Refusal> {
        let allowed = granted.any() && columns.iter().all(|column| granted.covers(*column));
        if self.rights != Rights::Caller || allowed { Ok(()) } else { Err(denied(relation)) }
    }
}

fn names_row(expr: &Expr) -> bool {
    ir::facts(expr).sources.contains(&SourceId::ROW)
}
