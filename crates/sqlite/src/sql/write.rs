//! The statements that write rows, and those that compute what is written: one row's defaults and checks, and the checks of rows
//! that an update changes. The engine runs them in the order that gives PostgreSQL's errors.

use plinth_catalog::expr::{Expr, ExprKind, SourceId};
use plinth_catalog::{Catalog, Relation, quote_ident};

use super::ddl::rowid;
use super::{Param, Result, Source, Sql, Writer, table_name, walk};

/// Which rows of a table a statement is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rows<'p> {
    /// Those for which this holds ([`SourceId::ROW`] is the row); all without a condition
    Where(Option<&'p Expr>),
    /// Those in [`Param::Rowids`]
    Listed,
}

/// `select e1, e2, …`: values of one row. With a relation, [`SourceId::ROW`] is its row about to be written: [`Param::Cell`]s, and
/// generated columns by their expressions.
pub(crate) fn exprs(catalog: &Catalog, relation: Option<&Relation>, exprs: &[&Expr]) -> Result<Sql> {
    let mut w = Writer::new(catalog);
    if let Some(relation) = relation {
        w.push(SourceId::ROW, Source::Cells(relation.id));
        w.push(SourceId::EXCLUDED, Source::Excluded(relation.id));
    }
    let values = exprs.iter().map(|expr| w.expr(expr)).collect::<Result<Vec<_>>>()?;
    Ok(w.finish(format!("select {}", values.join(", "))))
}

/// `insert into … (columns) values (…)`, the values being [`Param::Cell`]s; gives the row's id back.
pub(crate) fn insert(catalog: &Catalog, relation: &Relation, columns: &[usize]) -> Result<Sql> {
    let mut w = Writer::new(catalog);
    let table = quote_ident(&table_name(relation));
    let id = rowid(relation);
    if columns.is_empty() {
        return Ok(w.finish(format!("insert into {table} default values returning {id}")));
    }
    let mut names = Vec::with_capacity(columns.len());
    let mut values = Vec::with_capacity(columns.len());
    for column in columns {
        names.push(quote_ident(&w.relation_column(relation.id, *column)?.name));
        values.push(w.param(Param::Cell(*column)));
    }
    let (names, values) = (names.join(", "), values.join(", "));
    Ok(w.finish(format!("insert into {table} ({names}) values ({values}) returning {id}")))
}

/// `update … set …`; gives the ids of the changed rows back. [`SourceId::EXCLUDED`] is [`Param::Excluded`].
pub(crate) fn update(
    catalog: &Catalog,
    relation: &Relation,
    set: &[(usize, Expr)],
    rows: Rows<'_>,
) -> Result<Sql> {
    let mut w = Writer::new(catalog);
    let (from, filter) = w.target(relation, rows)?;
    let mut names = Vec::with_capacity(set.len());
    let mut values = Vec::with_capacity(set.len());
    for (column, value) in set {
        names.push(quote_ident(&w.relation_column(relation.id, *column)?.name));
        values.push(w.expr(value)?);
    }
    if set.iter().any(|(_, value)| reads_rows(value)) {
        // What is looked up is what there was before the statement. Values that come from a join SQLite keeps, all of them, before
        // it changes the first row; a plain update looks up what it has already changed.
        let (table, new, id) = (w.name("t"), w.name("n"), rowid(relation));
        let values: Vec<String> =
            values.iter().enumerate().map(|(n, value)| format!("{value} as v{n}")).collect();
        let assignments: Vec<String> =
            names.iter().enumerate().map(|(n, name)| format!("{name} = {new}.v{n}")).collect();
        let text = format!(
            "update {} as {table} set {} from (select {id} as id, {} from {from}{filter}) as {new} where {table}.{id} = {new}.id returning {id}",
            quote_ident(&table_name(relation)),
            assignments.join(", "),
            values.join(", "),
        );
        return Ok(w.finish(text));
    }
    let assignments: Vec<String> =
        names.iter().zip(&values).map(|(name, value)| format!("{name} = {value}")).collect();
    let text = format!("update {from} set {}{filter} returning {}", assignments.join(", "), rowid(relation));
    Ok(w.finish(text))
}

/// The number of the first check that a row would fail after the update (from 0), for a row that fails one; no row when all pass.
/// With an empty `set` it is the rows as they are that are checked.
pub(crate) fn check_update(
    catalog: &Catalog,
    relation: &Relation,
    set: &[(usize, Expr)],
    rows: Rows<'_>,
    checks: &[&Expr],
) -> Result<Sql> {
    let mut w = Writer::new(catalog);
    let (from, filter) = w.target(relation, rows)?;
    let alias = match w.source(SourceId::ROW) {
        Some(Source::Table { alias, .. }) => alias.clone(),
        _ => return Err(super::internal("a table has no alias")),
    };
    let changed = set.iter().map(|(column, value)| (*column, value)).collect();
    w.push(SourceId::ROW, Source::Changed { alias, relation: relation.id, set: changed });
    let mut failures = Vec::with_capacity(checks.len());
    for (number, check) in checks.iter().enumerate() {
        failures.push(format!("when ({}) is not true then {number}", w.expr(check)?));
    }
    let failures = match failures.as_slice() {
        [] => "null".to_owned(),
        failures => format!("case {} end", failures.join(" ")),
    };
    let glue = if filter.is_empty() { " where" } else { " and" };
    Ok(w.finish(format!("select {failures} from {from}{filter}{glue} {failures} is not null limit 1")))
}

/// The ids of the rows.
pub(crate) fn select_rowids(catalog: &Catalog, relation: &Relation, rows: Rows<'_>) -> Result<Sql> {
    let mut w = Writer::new(catalog);
    let (from, filter) = w.target(relation, rows)?;
    Ok(w.finish(format!("select {} from {from}{filter}", rowid(relation))))
}

/// `delete from …`; gives the ids of the rows that went.
pub(crate) fn delete(catalog: &Catalog, relation: &Relation, rows: Rows<'_>) -> Result<Sql> {
    let mut w = Writer::new(catalog);
    let (from, filter) = w.target(relation, rows)?;
    Ok(w.finish(format!("delete from {from}{filter} returning {}", rowid(relation))))
}

/// Whether a value is looked up in tables.
fn reads_rows(value: &Expr) -> bool {
    let mut reads = false;
    walk::expr(value, &mut |expr| {
        reads |= matches!(
            expr.kind,
            ExprKind::Exists { .. }
                | ExprKind::Scalar(_)
                | ExprKind::InQuery { .. }
                | ExprKind::ArrayQuery(_)
                | ExprKind::QuantifiedQuery { .. }
        );
    });
    reads
}

impl<'a> Writer<'a> {
    /// `"table" as t1` and ` where …`, with the row in scope.
    fn target(&mut self, relation: &Relation, rows: Rows<'_>) -> Result<(String, String)> {
        let alias = self.name("t");
        let from = format!("{} as {alias}", quote_ident(&table_name(relation)));
        let id = format!("{alias}.{}", rowid(relation));
        self.push(SourceId::ROW, Source::Table { alias, relation: relation.id, outer: false });
        let filter = match rows {
            Rows::Where(None) => String::new(),
            Rows::Where(Some(filter)) => format!(" where ({})", self.written_filter(filter)?),
            Rows::Listed => {
                let ids = self.param(Param::Rowids);
                format!(" where {id} in (select value from json_each({ids}))")
            }
        };
        Ok((from, filter))
    }
}
