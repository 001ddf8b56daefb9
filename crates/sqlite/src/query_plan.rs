//! A plan as clients are told it: each statement that a request becomes, with the steps SQLite takes for it (`explain query plan`). What
//! it becomes in the plan's own terms is `explain`'s.
//!
//! The form is Plinth's own and stable: what stands in a step is SQLite's.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use plinth_engine::{EngineError, Execution, Explain};
use plinth_query::plan::PlannedAction;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::engine::SqliteEngine;
use crate::error::{engine_error, sql_error};
use crate::explain::statements;
use crate::sql::Sql;
use crate::write::writes;

/// A statement of a plan.
struct Told {
    /// What it is for: `read public.posting`
    what: String,
    /// Its SQL, without any value; nothing for an insert, which is a statement for each row
    sql: String,
    steps: Vec<Step>,
}

/// What SQLite does, and within it does more.
struct Step {
    detail: String,
    steps: Vec<Step>,
}

/// What running it took.
struct Taken {
    rows: u64,
    millis: f64,
}

impl SqliteEngine {
    /// Tells a plan. Errors: options that SQLite has nothing to tell of; running a write only to tell about it.
    pub(crate) async fn tell_plan(
        &self,
        execution: Execution,
        options: Explain,
    ) -> Result<Vec<u8>, EngineError> {
        let refused = |what: &str| {
            Err(sql_error("0A000", format!("plans of the embedded engine cannot tell {what}"), None))
        };
        if options.buffers || options.wal || options.settings {
            return refused("buffers, wal or settings");
        }
        if options.analyze && writes(&execution.plan.action) {
            return refused("what a write takes without writing");
        }
        let mut told = Vec::new();
        {
            let borrowed = self.readers.borrow()?;
            let connection = &borrowed.database()?.connection;
            for (what, sql) in statements(&execution.catalog, &execution.plan) {
                let Sql { text, .. } = sql?;
                let steps = steps(connection, &text)?;
                told.push(Told { what, sql: text, steps });
            }
        }
        if let PlannedAction::Insert(insert) = &*execution.plan.action {
            let what = format!("insert into {}", execution.catalog.relation(insert.relation).name);
            told.insert(0, Told { what, sql: String::new(), steps: Vec::new() });
        }
        let taken = if options.analyze {
            let outcome = self.readers.run(execution).await?;
            Some(Taken { rows: outcome.rows, millis: outcome.elapsed_micros as f64 / 1000.0 })
        } else {
            None
        };
        Ok(if options.json {
            json(&told, taken.as_ref(), options.verbose)
        } else {
            text(&told, taken.as_ref(), options.verbose)
        })
    }
}

fn steps(connection: &Connection, sql: &str) -> Result<Vec<Step>, EngineError> {
    let mut statement = connection.prepare(&format!("explain query plan {sql}")).map_err(engine_error)?;
    let mut rows = statement.raw_query();
    let mut below: BTreeMap<i64, Vec<(i64, String)>> = BTreeMap::new();
    while let Some(row) = rows.next().map_err(engine_error)? {
        let get = || Ok::<_, rusqlite::Error>((row.get(0)?, row.get(1)?, row.get(3)?));
        let (id, parent, detail): (i64, i64, String) = get().map_err(engine_error)?;
        below.entry(parent).or_default().push((id, detail));
    }
    Ok(tree(&mut below, 0))
}

fn tree(below: &mut BTreeMap<i64, Vec<(i64, String)>>, parent: i64) -> Vec<Step> {
    let own = below.remove(&parent).unwrap_or_default();
    own.into_iter().map(|(id, detail)| Step { detail, steps: tree(below, id) }).collect()
}

fn text(told: &[Told], taken: Option<&Taken>, verbose: bool) -> Vec<u8> {
    fn add(out: &mut String, steps: &[Step], depth: usize) {
        for step in steps {
            let _ = writeln!(out, "{}->  {}", "  ".repeat(depth), step.detail);
            add(out, &step.steps, depth + 1);
        }
    }
    let mut out = String::new();
    for Told { what, sql, steps } in told {
        let _ = writeln!(out, "{what}");
        add(&mut out, steps, 1);
        if verbose && !sql.is_empty() {
            let _ = writeln!(out, "  SQL: {sql}");
        }
    }
    if let Some(Taken { rows, millis }) = taken {
        let _ = writeln!(out, "Actual Rows: {rows}\nExecution Time: {millis:.3} ms");
    }
    out.into_bytes()
}

fn json(told: &[Told], taken: Option<&Taken>, verbose: bool) -> Vec<u8> {
    fn list(steps: &[Step]) -> Vec<Value> {
        steps
            .iter()
            .map(|step| match step.steps.as_slice() {
                [] => json!({ "Detail": step.detail }),
                inner => json!({ "Detail": step.detail, "Plans": list(inner) }),
            })
            .collect()
    }
    let plans: Vec<Value> = told
        .iter()
        .map(|Told { what, sql, steps }| {
            let mut plan = json!({ "Statement": what, "Plans": list(steps) });
            if verbose && !sql.is_empty() {
                plan["SQL"] = sql.as_str().into();
            }
            plan
        })
        .collect();
    let mut whole = json!({ "Plan": plans });
    if let Some(Taken { rows, millis }) = taken {
        whole["Actual Rows"] = (*rows).into();
        whole["Execution Time"] = json!(millis);
    }
    json!([whole]).to_string().into_bytes()
}
