//! Calling a function that writes: its statements one after the other, then the rows of the last one as the result.

use plinth_catalog::Relation;
use plinth_catalog::expr::Expr;
use plinth_engine::{EngineError, RowSink};
use plinth_query::plan::{CallPlan, Cell, PlannedStatement};
use plinth_values::Value;

use super::{Affected, Proposal, Work, delete, foreign_keys, insert, update};
use crate::functions::rows_json;
use crate::read::{self, Run};
use crate::sql;
use crate::statement::{Failure, Scope};

/// Rows as a statement returns them.
type Returned = Vec<Vec<Value>>;

/// Runs a call; gives the number of rows of its result.
pub(super) fn run(work: &Work<'_>, plan: &CallPlan, sink: &mut dyn RowSink) -> Result<u64, EngineError> {
    let more_follows = work.more_follows.replace(true);
    for statement in &plan.before {
        run_statement(work, statement)?;
    }
    let returned = match &plan.write {
        Some(statement) => run_statement(work, statement)?,
        None => Vec::new(),
    };
    work.more_follows.set(more_follows);
    if !more_follows {
        foreign_keys::settle_deferred(work)?;
    }
    let compiled = read::compile_node(work.catalog, &plan.result)?;
    let returned = rows_json(&returned);
    let run = Run {
        connection: &work.database.connection,
        scope: Scope { write_result: &returned, ..work.scope() },
        max_bytes: work.max_bytes,
        parts: None,
    };
    Ok(work.reading(|| Ok(read::run_node(&run, &compiled, sink)?))?)
}

fn run_statement(work: &Work<'_>, statement: &PlannedStatement) -> Result<Returned, EngineError> {
    work.interrupt.check()?;
    match statement {
        PlannedStatement::Query(query) => {
            let mut statement = work.prepare(sql::query(work.catalog, query)?)?;
            work.reading(|| statement.each(&work.scope(), |_| Ok(())))?;
            Ok(Vec::new())
        }
        PlannedStatement::Insert { relation, columns, query, checks, conflict, returning } => {
            let (relation, _) = work.table(*relation)?;
            let mut statement = work.prepare(sql::query(work.catalog, query)?)?;
            let rows = work.reading(|| statement.rows(&work.scope()))?;
            let proposal = Proposal {
                relation,
                columns,
                defaults: &[],
                checks,
                conflict: conflict.as_deref(),
                overriding: false,
            };
            let rows = rows.into_iter().map(|mut row| {
                // A query without columns still has one in SQL.
                row.truncate(columns.len());
                row.into_iter().map(Cell::Value).collect()
            });
            let affected = insert::rows(work, proposal, rows)?;
            Ok(returned(work, relation, &affected, returning)?)
        }
        PlannedStatement::Update { plan, returning } => {
            let (relation, _) = work.table(plan.relation)?;
            let affected = update::run(work, plan)?;
            Ok(returned(work, relation, &affected, returning)?)
        }
        PlannedStatement::Delete { plan, returning } => {
            let (relation, _) = work.table(plan.relation)?;
            let rowids = delete::find(work, plan)?;
            let affected = Affected { rowids, inserted: 0 };
            let rows = returned(work, relation, &affected, returning)?;
            delete::remove(work, plan.relation, &affected.rowids)?;
            Ok(rows)
        }
    }
}

fn returned(
    work: &Work<'_>,
    relation: &Relation,
    affected: &Affected,
    returning: &[(Expr, String)],
) -> Result<Returned, Failure> {
    if returning.is_empty() {
        return Ok(Vec::new());
    }
    let exprs = returning.iter().map(|(expr, _)| expr.clone()).collect();
    work.select(relation, &affected.rowids, exprs, None)
}
