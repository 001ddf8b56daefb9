//! Writing: one plan inside the writer's transaction. What every kind of write shares is here: the statements it runs, the rows it
//! gives back, the row values it looks at. Not responsible for transactions, savepoints and commits, which are `writer`'s.

mod call;
mod delete;
mod foreign_keys;
mod insert;
mod key;
mod tree;
mod update;
mod violation;

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use plinth_catalog::expr::{Expr, FromItem, SourceId};
use plinth_catalog::{Catalog, Relation, RelationId, Table};
use plinth_engine::{EngineError, Outcome, RowSink};
use plinth_query::plan::{CallPlan, Field, Node, PlannedAction, PlannedStatement, ReturningPlan, RowCheck};
use plinth_query::{Caller, Plan};
use plinth_values::output::write_text;
use plinth_values::{Type, Value, ValueRef};

use crate::connection::Database;
use crate::error::{internal, sql_error};
use crate::interrupt::Interrupt;
use crate::read::{self, Run};
use crate::sequence::Sequences;
use crate::sql::{self, Sql};
use crate::statement::{Failure, Prepared, Scope, id_list};

pub(crate) use foreign_keys::settle_deferred;
pub(crate) use insert::{Inserter, Proposal};

/// One request's write, while it runs.
pub(crate) struct Work<'a> {
    pub(crate) database: &'a Database,
    pub(crate) catalog: &'a Catalog,
    pub(crate) values: &'a [(Type, Value)],
    pub(crate) caller: &'a Caller,
    pub(crate) interrupt: &'a Arc<Interrupt>,
    pub(crate) sequences: &'a RefCell<Sequences>,
    pub(crate) max_bytes: usize,
    /// Whether further statements of the same transaction follow, as in a function: deferred constraints wait for them
    pub(crate) more_follows: Cell<bool>,
}

/// The rows that a statement wrote, as they are called afterwards.
#[derive(Debug, Default)]
pub(crate) struct Affected {
    pub(crate) rowids: Vec<i64>,
    /// How many of them are new
    pub(crate) inserted: u64,
}

/// Whether a plan needs the writer.
pub(crate) fn writes(action: &PlannedAction) -> bool {
    let only_reads = |statement: &PlannedStatement| matches!(statement, PlannedStatement::Query(_));
    match action {
        PlannedAction::Read(_) => false,
        PlannedAction::Insert(_)
        | PlannedAction::InsertTree(_)
        | PlannedAction::Update(_)
        | PlannedAction::Delete(_) => true,
        PlannedAction::Call(CallPlan { before, write, .. }) => {
            write.is_some() || !before.iter().all(only_reads)
        }
    }
}

/// Runs a plan that writes. What comes back was read after the write; nothing of it is on disk yet.
pub(crate) fn run(
    work: &Work<'_>,
    plan: &Plan,
    mut sink: Box<dyn RowSink>,
    single: bool,
) -> Result<Outcome, EngineError> {
    let mut outcome = Outcome::default();
    match &*plan.action {
        PlannedAction::Insert(insert) => {
            let affected = insert::run(work, insert)?;
            outcome.inserted = affected.inserted;
            outcome.rows = affected.rowids.len() as u64;
            give_back(
                work,
                &insert.returning,
                insert.relation,
                &affected.rowids,
                &mut outcome,
                sink.as_mut(),
            )?;
        }
        PlannedAction::InsertTree(tree) => {
            let affected = tree::run(work, tree)?;
            outcome.inserted = affected.inserted;
            outcome.rows = affected.rowids.len() as u64;
            let root = tree.steps.get(tree.root).ok_or_else(|| internal("a tree has no root"))?;
            let relation = root.insert.relation;
            give_back(work, &tree.returning, relation, &affected.rowids, &mut outcome, sink.as_mut())?;
        }
        PlannedAction::Update(update) => {
            let affected = update::run(work, update)?;
            outcome.rows = affected.rowids.len() as u64;
            give_back(
                work,
                &update.returning,
                update.relation,
                &affected.rowids,
                &mut outcome,
                sink.as_mut(),
            )?;
        }
        PlannedAction::Delete(delete) => {
            let rowids = delete::find(work, delete)?;
            outcome.rows = rowids.len() as u64;
            // Afterwards there is nothing left to be read.
            give_back(work, &delete.returning, delete.relation, &rowids, &mut outcome, sink.as_mut())?;
            delete::remove(work, delete.relation, &rowids)?;
        }
        PlannedAction::Call(call) => {
            outcome.rows = call::run(work, call, sink.as_mut())?;
            if call.max_affected.is_some_and(|most| outcome.rows > most) {
                return Err(EngineError::MaxAffected { rows: outcome.rows });
            }
        }
        PlannedAction::Read(_) => return Err(internal("a read was given to the writer")),
    }
    if plan.count.is_some() {
        outcome.total = Some(outcome.rows);
    }
    if single && outcome.rows != 1 {
        return Err(EngineError::NotSingular { rows: outcome.rows });
    }
    outcome.body = sink.finish();
    Ok(outcome)
}

fn give_back(
    work: &Work<'_>,
    returning: &ReturningPlan,
    relation: RelationId,
    rowids: &[i64],
    outcome: &mut Outcome,
    sink: &mut dyn RowSink,
) -> Result<(), EngineError> {
    match returning {
        ReturningPlan::Nothing => Ok(()),
        ReturningPlan::Keys(columns) => {
            // Only a single row has an address.
            let [rowid] = rowids else { return Ok(()) };
            let relation = work.relation(relation)?;
            let row = work.row(relation, *rowid)?;
            for column in columns {
                let (Some(value), Some(definition)) = (row.get(*column), relation.columns.get(*column))
                else {
                    return Err(internal("a key has a column that does not exist"));
                };
                let text = text_of(&definition.ty, value.as_ref(), work);
                outcome.keys.push((*column, Value::Text(text)));
            }
            Ok(())
        }
        ReturningPlan::Rows(node) => {
            outcome.rows = work.read_rows(node, rowids, sink)?;
            Ok(())
        }
    }
}

/// A value's text form.
fn text_of(ty: &Type, value: ValueRef<'_>, work: &Work<'_>) -> String {
    let mut text = Vec::new();
    write_text(ty, value, &work.caller.session, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

impl<'a> Work<'a> {
    /// The parameters of a statement that is about no row.
    fn scope(&self) -> Scope<'a> {
        Scope::new(self.values, self.caller)
    }

    fn prepare(&self, sql: Sql) -> Result<Prepared<'a>, Failure> {
        Prepared::new(&self.database.connection, sql)
    }

    fn relation(&self, id: RelationId) -> Result<&'a Relation, EngineError> {
        let found = self.catalog.relations.get(id.0 as usize);
        found.ok_or_else(|| internal("the plan refers to a relation that does not exist"))
    }

    fn table(&self, id: RelationId) -> Result<(&'a Relation, &'a Table), EngineError> {
        let relation = self.relation(id)?;
        let table = relation.table().ok_or_else(|| internal("the plan writes to a view"))?;
        Ok((relation, table))
    }

    /// Runs statements that only read; they can be interrupted.
    fn reading<T>(&self, run: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        let _armed = self.database.watch.arm(self.interrupt);
        run()
    }

    /// The rows of a node that stands for these rows of its table.
    fn read_rows(&self, node: &Node, rowids: &[i64], sink: &mut dyn RowSink) -> Result<u64, EngineError> {
        let compiled = read::compile_returning(self.catalog, node)?;
        let rowids = id_list(rowids);
        let run = Run {
            connection: &self.database.connection,
            scope: Scope { rowids: &rowids, ..self.scope() },
            max_bytes: self.max_bytes,
            parts: None,
        };
        Ok(self.reading(|| Ok(read::run_node(&run, &compiled, sink)?))?)
    }

    /// Expressions over these rows of a table, in their order, those rows alone for which the filter holds.
    fn select(
        &self,
        relation: &Relation,
        rowids: &[i64],
        exprs: Vec<Expr>,
        filter: Option<Expr>,
    ) -> Result<Vec<Vec<Value>>, Failure> {
        let width = exprs.len();
        let node = Node {
            filter,
            fields: exprs.into_iter().map(|expr| Field::Value { name: String::new(), expr }).collect(),
            ..Node::of(FromItem::Relation { id: SourceId::ROW, relation: relation.id, security: None })
        };
        let mut statement = self.prepare(sql::returning(self.catalog, &node)?.sql)?;
        let rowids = id_list(rowids);
        let mut rows = self.reading(|| statement.rows(&Scope { rowids: &rowids, ..self.scope() }))?;
        rows.iter_mut().for_each(|row| row.truncate(width));
        Ok(rows)
    }

    /// All columns of one row.
    fn row(&self, relation: &Relation, rowid: i64) -> Result<Vec<Value>, EngineError> {
        let columns = (0..relation.columns.len()).map(|i| column(relation, i)).collect();
        let rows = self.select(relation, &[rowid], columns, None)?;
        rows.into_iter().next().ok_or_else(|| internal("a row that was just written is gone"))
    }

    /// The values of expressions over a row that is about to be written.
    fn over_cells(
        &self,
        relation: &Relation,
        exprs: &[&Expr],
        cells: &[Value],
    ) -> Result<Vec<Value>, Failure> {
        if exprs.is_empty() {
            return Ok(Vec::new());
        }
        let mut statement = self.prepare(sql::exprs(self.catalog, Some(relation), exprs)?)?;
        let scope = Scope { cells, ..self.scope() };
        let row = self.reading(|| statement.row(&scope))?;
        row.ok_or_else(|| internal("an expression has no value").into())
    }

    /// Fills the generated columns of a row in.
    fn generate(&self, relation: &Relation, row: &mut [Value]) -> Result<(), Failure> {
        let is_generated =
            |i: &usize| relation.columns.get(*i).is_some_and(|column| column.generated.is_some());
        let generated: Vec<usize> = (0..row.len()).filter(is_generated).collect();
        let exprs: Vec<Expr> = generated.iter().map(|i| column(relation, *i)).collect();
        let values = self.over_cells(relation, &exprs.iter().collect::<Vec<_>>(), row)?;
        for (i, value) in generated.into_iter().zip(values) {
            if let Some(cell) = row.get_mut(i) {
                *cell = value;
            }
        }
        Ok(())
    }
}

/// A column of the row of a table.
fn column(relation: &Relation, index: usize) -> Expr {
    let ty = relation.columns.get(index).map_or(Type::Unknown, |column| column.ty.clone());
    Expr::column(SourceId::ROW, index, ty)
}

/// Whether a check's value lets the row pass: true does, false and null do not.
fn holds(value: &Value) -> bool {
    *value == Value::Int(1)
}

/// The refusal of a row by row security; `which` says so when it is the row that was there already.
fn refused(relation: &Relation, check: &RowCheck, which: &str) -> EngineError {
    let policy = check.policy.as_ref().map(|policy| format!("\"{policy}\" ")).unwrap_or_default();
    let message = format!(
        "new row violates row-level security policy {policy}{which}for table \"{}\"",
        relation.name.name
    );
    sql_error("42501", message, None)
}
