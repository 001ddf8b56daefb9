//! What functions add to the rows of a relation: a function whose only argument is a row of it is a computed column where it gives
//! a value, a computed relationship where it gives rows of a relation (PostgREST's reference, "Computed Fields" and "Computed
//! Relationships"). Only that they exist: whose body is put in its place is decided by planning.

use crate::{Catalog, Function, Parameter, RelationId, Returns};

/// A function that leads from a row of one relation to rows of another.
#[derive(Clone, Copy, Debug)]
pub struct ComputedRelationship<'a> {
    /// The function; its name is the relationship's
    pub function: &'a Function,
    /// The relation whose rows it gives
    pub to: RelationId,
    /// Whether it gives at most one: it is no `setof`, or one with `rows 1`
    pub to_one: bool,
}

impl Function {
    /// The relation whose row is the function's only argument.
    pub fn of_row(&self) -> Option<RelationId> {
        match self.parameters.as_slice() {
            [Parameter { row, variadic: false, .. }] => *row,
            _ => None,
        }
    }
}

impl Catalog {
    /// How many arguments a parameter stands for: one, or as many as the row has columns.
    pub fn arguments_of(&self, parameter: &Parameter) -> usize {
        parameter.row.map_or(1, |row| self.relation(row).columns.len())
    }

    /// The arguments of each parameter, by the position of the first and their number.
    pub fn argument_positions(&self, parameters: &[Parameter]) -> Vec<std::ops::Range<usize>> {
        let mut next = 0usize;
        let ranges = parameters.iter().map(|parameter| {
            let start = next;
            next = next.saturating_add(self.arguments_of(parameter));
            start..next
        });
        ranges.collect()
    }

    /// The function that `row.name` means where the relation has no column of this name: the first in these schemas.
    pub fn computed_column(&self, relation: RelationId, schemas: &[&str], name: &str) -> Option<&Function> {
        let is_meant = |function: &&Function, schema: &str| {
            function.name.name == name
                && function.name.schema == schema
                && function.of_row() == Some(relation)
        };
        schemas.iter().find_map(|schema| self.functions.iter().find(|function| is_meant(function, schema)))
    }

    /// The functions that lead from a relation's rows to others, by the functions' ids.
    pub fn computed_relationships(&self, from: RelationId) -> impl Iterator<Item = ComputedRelationship<'_>> {
        self.functions.iter().filter(move |function| function.of_row() == Some(from)).filter_map(|function| {
            let Returns::Relation { relation: to, set } = function.returns else { return None };
            Some(ComputedRelationship { function, to, to_one: !set || function.rows_one })
        })
    }
}
