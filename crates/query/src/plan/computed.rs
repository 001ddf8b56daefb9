//! Computed columns and relationships: functions over a row of the relation that a request names (PostgREST's reference, "Computed
//! Fields" and "Computed Relationships"). As in PostgreSQL they take the whole row, so every column of it must be readable. What the
//! function does is [`super::weave`]'s.

use plinth_catalog::expr::{Expr, FromItem};
use plinth_catalog::{ComputedRelationship, Function, Relation};

use super::planner::{Planner, Source, SourceColumn};
use super::weave::Rights;
use crate::refusal::Refusal;

impl<'a> Planner<'a> {
    /// A column of the source, or what a function of that name makes of its row.
    pub fn column(&mut self, source: &Source<'a>, name: &str) -> Result<Expr, Refusal> {
        let refusal = match self.position(source, name) {
            Ok(position) => return Ok(source.value(position)),
            Err(refusal) => refusal,
        };
        let Refusal::NoSuchColumn { .. } = &refusal else { return Err(refusal) };
        let schemas = if self.schema == "public" { vec!["public"] } else { vec![self.schema, "public"] };
        let relation = source.relation.map(|relation| relation.id);
        let function = relation.and_then(|id| self.catalog.computed_column(id, &schemas, name));
        match function.filter(|function| self.is_there(source, function)) {
            Some(function) => {
                let row = self.row(source, function)?;
                self.weaver.scalar_function(function.id, row, Rights::Caller)
            }
            None => Err(refusal),
        }
    }

    /// The relationships that functions make of the source's rows, as far as they are there for the caller.
    pub fn computed_relationships(&self, source: &Source<'a>) -> Vec<ComputedRelationship<'a>> {
        let Some(relation) = source.relation else { return Vec::new() };
        self.catalog
            .computed_relationships(relation.id)
            .filter(|computed| computed.function.name.schema == self.schema)
            .filter(|computed| self.is_there(source, computed.function))
            .collect()
    }

    /// The rows that a computed relationship leads to from a row of the parent. Their columns are the function's to give.
    pub fn computed_rows(
        &mut self,
        parent: &Source<'a>,
        computed: ComputedRelationship<'a>,
    ) -> Result<(Source<'a>, FromItem), Refusal> {
        let row = self.row(parent, computed.function)?;
        let id = self.weaver.fresh();
        let from = self.weaver.row_function(id, computed.function.id, row, Rights::Caller, false)?;
        let to: &'a Relation = self.catalog.relation(computed.to);
        let columns = to.columns.iter().map(|column| SourceColumn {
            name: &column.name,
            ty: &column.ty,
            readable: true,
        });
        let columns = columns.collect();
        Ok((Source { id, name: &to.name.name, relation: Some(to), columns, values: None }, from))
    }

    /// Whether the function exists for a caller from whom is hidden what it has no privilege on.
    fn is_there(&self, source: &Source<'a>, function: &Function) -> bool {
        let allowed = self.weaver.access.may_execute(function) && source.columns.iter().all(|c| c.readable);
        allowed || !self.limits.hide_ungranted
    }

    /// The whole row, as a function's arguments.
    fn row(&self, source: &Source<'a>, function: &Function) -> Result<Vec<Expr>, Refusal> {
        if !self.weaver.access.may_execute(function) {
            return Err(Refusal::PermissionDenied { kind: "function", name: function.name.name.clone() });
        }
        match source.columns.iter().find(|column| !column.readable) {
            Some(hidden) => self.position(source, hidden.name).map(|_| Vec::new()),
            None => Ok((0..source.columns.len()).map(|position| source.value(position)).collect()),
        }
    }
}
