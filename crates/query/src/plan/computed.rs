//! Computed columns and relationships: functions over a row of the relation that a request names (PostgREST's reference, "Computed
//! Fields" and "Computed Relationships"). As in PostgreSQL they take the whole row, so every column of it must be readable. What the
//! function does is [`super::weave`]'s.

use plinth_catalog::expr::{Expr, FromItem, Native};
use plinth_catalog::{ComputedRelationship, Function, Relation};
use plinth_values::Type;
use plinth_values::builtin::Kind;

use super::access::denied;
use super::native::native;
use super::planner::{Planner, Source, SourceColumn};
use super::select::Scope;
use super::weave::Rights;
use crate::refusal::Refusal;
use crate::request::SelectItem;

impl<'a> Planner<'a> {
    /// A column of the source, or what a function of that name makes of its row.
    pub fn column(&mut self, source: &Source<'a>, name: &str) -> Result<Expr, Refusal> {
        let refusal = match self.position(source, name) {
            Ok(position) => return Ok(source.value(position)),
            Err(refusal) => refusal,
        };
        let Refusal::NoSuchColumn { .. } = &refusal else { return Err(refusal) };
        match self.computed_function(source, name) {
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

    /// Whether a level is one row with the number of its rows: `tasks(count)`, as PostgreSQL reads `tasks.count` where no column is
    /// called so: `count(tasks)`. Beside it only aggregates can stand.
    pub fn counts_rows(&self, scope: &Scope<'a, '_>, select: &[SelectItem]) -> Result<bool, Refusal> {
        if !select.iter().any(|item| self.is_row_count(&scope.source, item)) {
            return Ok(false);
        }
        let beside = select.iter().find_map(|item| match item {
            SelectItem::All => scope.source.readable().next().map(|(_, column)| column.name.to_owned()),
            SelectItem::Field { field: Some(field), aggregate: None, .. }
                if !self.is_row_count(&scope.source, item) =>
            {
                Some(field.column.clone())
            }
            SelectItem::Field { .. } => None,
            SelectItem::Embed(embed) | SelectItem::Spread(embed) => Some(embed.relation.clone()),
        });
        match beside {
            None => Ok(true),
            Some(column) => Err(Refusal::Sql {
                code: "42803",
                message: format!(
                    "column \"{}.{column}\" must appear in the GROUP BY clause or be used in an aggregate function",
                    scope.source.name
                ),
                detail: None,
                hint: None,
            }),
        }
    }

    /// Whether an item is the name `count` alone, where it is no column.
    pub fn is_row_count(&self, source: &Source<'a>, item: &SelectItem) -> bool {
        match item {
            SelectItem::Field { field: Some(field), aggregate: None, .. } => {
                field.column == "count"
                    && field.path.is_empty()
                    && source.relation.is_some()
                    && !source.columns.iter().any(|column| column.name == "count")
                    && self.computed_function(source, "count").is_none()
            }
            SelectItem::All | SelectItem::Field { .. } | SelectItem::Embed(_) | SelectItem::Spread(_) => {
                false
            }
        }
    }

    /// `count(row)`
    pub fn row_count(&self, source: &Source<'a>, cast: Option<&str>) -> Result<Expr, Refusal> {
        if source.columns.iter().any(|column| !column.readable) {
            return Err(match (self.limits.hide_ungranted, source.relation) {
                (false, Some(relation)) => denied(relation),
                _ => Refusal::NoSuchColumn { relation: source.name.to_owned(), column: "count".to_owned() },
            });
        }
        let count = self.call("count", &[Kind::Aggregate], Vec::new())?;
        match cast {
            Some(cast) => self.cast(count, cast),
            None => Ok(count),
        }
    }

    /// The function that a name means which is no column of the source.
    fn computed_function(&self, source: &Source<'a>, name: &str) -> Option<&'a Function> {
        let schemas = if self.schema == "public" { vec!["public"] } else { vec![self.schema, "public"] };
        let function = self.catalog.computed_column(source.relation?.id, &schemas, name)?;
        self.is_there(source, function).then_some(function)
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
        if self.database().is_some() {
            let ty = function.parameters.first().map_or(Type::Unknown, |parameter| parameter.ty.clone());
            return Ok(vec![native(Native::Row(source.id), ty)]);
        }
        match source.columns.iter().find(|column| !column.readable) {
            Some(hidden) => self.position(source, hidden.name).map(|_| Vec::new()),
            None => Ok((0..source.columns.len()).map(|position| source.value(position)).collect()),
        }
    }
}
