//! Updates and deletes: which rows are found, what becomes of them, and what the new ones must pass.

use plinth_catalog::expr::{Expr, SourceId};
use plinth_catalog::{PolicyCommand, Relation};
use plinth_values::Value;

use super::access::denied;
use super::payload::{self, refuse_given};
use super::planner::Planner;
use super::select::Scope;
use super::weave::Condition;
use super::written::Written;
use crate::plan::{DeletePlan, UpdatePlan};
use crate::refusal::Refusal;
use crate::request::{Body, Filter, Request, Returning};

impl<'a> Planner<'a> {
    /// Plans an update.
    pub fn update(
        &mut self,
        relation: &'a Relation,
        request: &Request,
        body: &Body,
        columns: Option<&[String]>,
        returning: Returning,
        max_affected: Option<u64>,
    ) -> Result<UpdatePlan, Refusal> {
        if !self.weaver.access.privileges(relation).update.any() {
            return Err(denied(relation));
        }
        let written = self.written(relation, "update")?;
        self.base_granted(&written, |rights| rights.update.any())?;
        let payload = payload::read(body, columns, self.limits.max_payload_rows)?;
        let columns = self.written_columns(&written, &payload.keys, |rights| &rights.update, "update")?;
        let mut set = Vec::new();
        for (place, position) in columns.into_iter().enumerate() {
            let column = &written.base.columns[position];
            let native = self.database().is_some();
            if !native {
                refuse_given(column, true)?;
            }
            // Further rows of an array are ignored: there is one new state for all rows found.
            let Some(row) = payload.rows.first() else { continue };
            if native {
                let value = self.native_value(column, row.get(place).copied().flatten());
                set.push((position, value));
                continue;
            }
            let value = match row.get(place) {
                Some(Some(item)) => item.value(column, self.session)?,
                Some(None) | None => Value::Null,
            };
            set.push((position, self.bind(column.ty.clone(), value)));
        }
        let reads = !request.filters.is_empty() || returning != Returning::Minimal;
        let filter = self.found_rows(&written, PolicyCommand::Update, &request.filters, reads)?;
        let checks = self.written_checks(&written, PolicyCommand::Update, reads)?;
        let returning = self.returning(&written, request, returning)?;
        Ok(UpdatePlan { relation: written.base.id, set, filter, checks, max_affected, returning })
    }

    /// Plans a delete.
    pub fn delete(
        &mut self,
        relation: &'a Relation,
        request: &Request,
        returning: Returning,
        max_affected: Option<u64>,
    ) -> Result<DeletePlan, Refusal> {
        if !self.weaver.access.privileges(relation).delete {
            return Err(denied(relation));
        }
        let written = self.written(relation, "delete from")?;
        self.base_granted(&written, |rights| rights.delete)?;
        let reads = !request.filters.is_empty() || returning != Returning::Minimal;
        let filter = self.found_rows(&written, PolicyCommand::Delete, &request.filters, reads)?;
        let returning = self.returning(&written, request, returning)?;
        Ok(DeletePlan { relation: written.base.id, filter, max_affected, returning })
    }

    /// The rows that a command finds: those the policies show it, and of them those asked for.
    fn found_rows(
        &mut self,
        written: &Written<'a>,
        command: PolicyCommand,
        filters: &[Filter],
        reads: bool,
    ) -> Result<Option<Expr>, Refusal> {
        let mut all = self.written_rows(written, command, reads)?;
        if !filters.is_empty() {
            let source = self.written_source(written)?;
            all.extend(self.conditions(&Scope { source, embeds: Vec::new() }, filters)?);
        }
        Ok(if all.is_empty() { None } else { Some(Expr::and(all)) })
    }

    /// What the policies let a command find, over [`SourceId::ROW`]. One that reads columns finds only what may be selected.
    pub fn visible_rows(
        &mut self,
        relation: &'a Relation,
        command: PolicyCommand,
        reads: bool,
    ) -> Result<Vec<Expr>, Refusal> {
        let mut all = Vec::new();
        all.extend(self.weaver.visible_rows(relation, command, SourceId::ROW)?);
        if reads && !self.weaver.same_as_select(relation, command, Condition::Using) {
            all.extend(self.weaver.select_policies(relation, SourceId::ROW)?);
        }
        Ok(all)
    }
}
