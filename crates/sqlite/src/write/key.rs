//! The keys of a table: what makes a row unique, whether a constraint or an index says so.

use plinth_catalog::expr::{ExprKind, SourceId};
use plinth_catalog::{Index, Table};

/// A set of columns that no two rows share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UniqueKey<'t> {
    /// The constraint or index
    pub(super) name: &'t str,
    pub(super) columns: Vec<usize>,
    pub(super) nulls_not_distinct: bool,
}

/// The keys that hold for all rows, constraints first.
pub(super) fn unique(table: &Table) -> Vec<UniqueKey<'_>> {
    let constraints = table.primary_key.iter().chain(&table.uniques).map(|key| UniqueKey {
        name: &key.name,
        columns: key.columns.clone(),
        nulls_not_distinct: key.nulls_not_distinct,
    });
    let indexes = table.indexes.iter().filter(|index| index.unique && index.filter.is_none());
    let indexes = indexes.filter_map(|index| {
        let columns = plain_columns(index)?;
        Some(UniqueKey { name: &index.name, columns, nulls_not_distinct: index.nulls_not_distinct })
    });
    constraints.chain(indexes).collect()
}

/// The columns of an index that has nothing else.
pub(super) fn plain_columns(index: &Index) -> Option<Vec<usize>> {
    let columns = index.keys.iter().map(|key| match key.expr.kind {
        ExprKind::Column { source: SourceId::ROW, column } => Some(column),
        _ => None,
    });
    columns.collect()
}
