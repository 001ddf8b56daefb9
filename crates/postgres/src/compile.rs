//! A plan as the statements to run, and what their rows mean.

use plinth_catalog::Catalog;
use plinth_engine::EngineError;
use plinth_query::plan::{CallPlan, Node, PlannedAction, ReturningPlan};
use plinth_query::request::Count;
use plinth_query::{Caller, Plan};
use plinth_values::output::to_text;
use plinth_values::{Session, Value};

use crate::sql::layout::Layout;
use crate::sql::{self, Form, Page, Param, Sql};
use crate::tree::{self, TreeGives};
use crate::wire::Format;

/// A plan, compiled.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// The statement; `None` where there is nothing to do, or a tree
    pub(crate) statement: Option<Sql>,
    /// Where the plan is a tree of inserts: what it gives back
    pub(crate) tree: Option<TreeGives>,
    /// What its columns are
    pub(crate) layout: Layout,
    /// What its rows are
    pub(crate) gives: Gives,
    /// How the rows without limit and offset are counted
    pub(crate) count: Counting,
    /// Whether it is to run in a read-only transaction
    pub(crate) read_only: bool,
    /// Refuse when more rows are affected
    pub(crate) max_affected: Option<u64>,
}

/// What a statement gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Gives {
    /// Rows for the sink
    Rows,
    /// Rows for the sink, with what tells where the page begins and ends
    Page(Page),
    /// The values of these columns of the written row
    Keys(Vec<usize>),
    /// The number of affected rows
    Nothing,
}

/// How rows are counted.
#[derive(Debug)]
pub(crate) enum Counting {
    No,
    /// By counting them
    Exact(Sql),
    /// By the planner's estimate
    Planned(Sql),
    /// By counting, up to a number; beyond it by the planner's estimate
    Estimated {
        counted: Sql,
        planned: Sql,
    },
}

/// Compiles a plan. `threshold`: up to how many rows an estimated count counts.
pub(crate) fn compile(
    catalog: &Catalog,
    plan: &Plan,
    form: Form,
    session: &Session,
    threshold: u64,
) -> Result<Compiled, EngineError> {
    let compiled = |statement, layout, gives| Compiled {
        statement,
        tree: None,
        layout,
        gives,
        count: Counting::No,
        read_only: false,
        max_affected: None,
    };
    match &*plan.action {
        PlannedAction::Read(node) => {
            let (sql, layout, gives) = match &node.keyset {
                Some(keyset) => {
                    let (sql, layout, page) = sql::page(catalog, node, keyset, form)?;
                    (sql, layout, Gives::Page(page))
                }
                None => {
                    let (sql, layout) = sql::read(catalog, node, form)?;
                    (sql, layout, Gives::Rows)
                }
            };
            let count = counting(catalog, node, plan.count, threshold)?;
            Ok(Compiled { count, read_only: true, ..compiled(Some(sql), layout, gives) })
        }
        PlannedAction::Call(CallPlan { before, write, result, shape: _, read_only, max_affected }) => {
            if !before.is_empty() || write.is_some() {
                return Err(EngineError::Internal {
                    detail: "a function's body was planned for a database".into(),
                });
            }
            let (sql, layout) = sql::read(catalog, result, form)?;
            let count = match plan.count {
                None => Counting::No,
                // A function runs once: its rows are counted as they come where all of them come.
                Some(_) if result.limit.is_none() && result.offset == 0 => Counting::No,
                count => counting(catalog, result, count, threshold)?,
            };
            let (read_only, max_affected) = (*read_only, *max_affected);
            Ok(Compiled { count, read_only, max_affected, ..compiled(Some(sql), layout, Gives::Rows) })
        }
        PlannedAction::Insert(insert) => {
            let (sql, layout) = sql::insert(catalog, insert, form, session)?;
            Ok(compiled(Some(sql), layout, gives(&insert.returning)))
        }
        PlannedAction::InsertTree(plan) => {
            let Some(node) = tree::returning(plan) else {
                let tree = TreeGives { columns: Vec::new(), select: None };
                return Ok(Compiled {
                    tree: Some(tree),
                    ..compiled(None, Layout::default(), Gives::Nothing)
                });
            };
            let (sql, layout, columns) = sql::written(catalog, node, form)?;
            let tree = TreeGives { columns, select: Some(sql) };
            Ok(Compiled { tree: Some(tree), ..compiled(None, layout, Gives::Rows) })
        }
        PlannedAction::Update(update) => {
            let gives = gives(&update.returning);
            if update.set.is_empty() {
                return Ok(compiled(None, empty(catalog, &update.returning, form)?, gives));
            }
            let (sql, layout) = sql::update(catalog, update, form)?;
            Ok(Compiled { max_affected: update.max_affected, ..compiled(Some(sql), layout, gives) })
        }
        PlannedAction::Delete(delete) => {
            let (sql, layout) = sql::delete(catalog, delete, form)?;
            let gives = gives(&delete.returning);
            Ok(Compiled { max_affected: delete.max_affected, ..compiled(Some(sql), layout, gives) })
        }
    }
}

fn gives(returning: &ReturningPlan) -> Gives {
    match returning {
        ReturningPlan::Nothing => Gives::Nothing,
        ReturningPlan::Keys(columns) if columns.is_empty() => Gives::Nothing,
        ReturningPlan::Keys(columns) => Gives::Keys(columns.clone()),
        ReturningPlan::Rows(_) => Gives::Rows,
    }
}

/// The layout of rows that will not come.
fn empty(catalog: &Catalog, returning: &ReturningPlan, form: Form) -> Result<Layout, EngineError> {
    match returning {
        ReturningPlan::Rows(node) => Ok(sql::read(catalog, node, form)?.1),
        ReturningPlan::Nothing | ReturningPlan::Keys(_) => Ok(Layout::default()),
    }
}

fn counting(
    catalog: &Catalog,
    node: &Node,
    count: Option<Count>,
    threshold: u64,
) -> Result<Counting, EngineError> {
    let bare = |limit| Node {
        filter: node.filter.clone(),
        group_by: node.group_by.clone(),
        grouped: node.grouped,
        having: node.having.clone(),
        distinct_on: node.distinct_on.clone(),
        limit,
        ..Node::of(node.from.clone())
    };
    let planned = || -> Result<Sql, EngineError> {
        let (sql, _) = sql::read(catalog, &bare(None), Form::Json)?;
        Ok(Sql { text: format!("explain (format json) {}", sql.text), ..sql })
    };
    Ok(match count {
        None => Counting::No,
        Some(Count::Exact) => Counting::Exact(sql::count(catalog, node)?),
        Some(Count::Planned) => Counting::Planned(planned()?),
        Some(Count::Estimated) => {
            let (rows, _) = sql::read(catalog, &bare(threshold.checked_add(1)), Form::Json)?;
            let counted = Sql { text: format!("select count(*) from ({}) as r", rows.text), ..rows };
            Counting::Estimated { counted, planned: planned()? }
        }
    })
}

/// The number of rows in the answer to `explain (format json)`.
pub(crate) fn planned_rows(json: &[u8]) -> Option<u64> {
    let plan: serde_json::Value = serde_json::from_slice(json).ok()?;
    plan.get(0)?.get("Plan")?.get("Plan Rows")?.as_u64()
}

/// The values of a statement's parameters as text.
pub(crate) fn params(sql: &Sql, plan: &Plan, caller: &Caller) -> Result<Vec<Option<Vec<u8>>>, EngineError> {
    let lost =
        || EngineError::Internal { detail: "a statement refers to a value that the plan lacks".into() };
    let text = |ty: &plinth_values::Type, value: &Value| match value {
        Value::Null => None,
        // As the client wrote it.
        Value::Text(text) => Some(text.clone().into_bytes()),
        other => Some(to_text(ty, other.as_ref(), &caller.session).into_bytes()),
    };
    sql.params
        .iter()
        .map(|param| match param {
            Param::Bind(at) => plan.values.get(*at).map(|(ty, value)| text(ty, value)).ok_or_else(lost),
            Param::Array(all) => {
                let mut out = vec![b'{'];
                for (i, at) in all.iter().enumerate() {
                    let (ty, value) = plan.values.get(*at).ok_or_else(lost)?;
                    if i > 0 {
                        out.push(b',');
                    }
                    array_element(text(ty, value), &mut out);
                }
                out.push(b'}');
                Ok(Some(out))
            }
            Param::Value(ty, Value::Text(value)) if ty.element().is_some() => {
                Ok(Some(to_text(ty, plinth_values::ValueRef::Text(value), &caller.session).into_bytes()))
            }
            Param::Value(ty, value) => Ok(text(ty, value)),
            // Known when it is written.
            Param::Written => Ok(None),
            Param::Text(value) => Ok(Some(value.clone().into_bytes())),
            Param::Setting(setting) => Ok(text(&plinth_values::Type::Text, &caller.setting(*setting))),
        })
        .collect()
}

/// An element of an array in PostgreSQL's text form, always quoted.
fn array_element(text: Option<Vec<u8>>, out: &mut Vec<u8>) {
    let Some(text) = text else { return out.extend_from_slice(b"NULL") };
    out.push(b'"');
    for byte in text {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// The formats of a count's answer.
pub(crate) const COUNT_FORMATS: &[Format] = &[Format::Text];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn array_elements_are_quoted() {
        let mut out = Vec::new();
        array_element(Some(br#"a"b\c,}"#.to_vec()), &mut out);
        array_element(None, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), r#""a\"b\\c,}"NULL"#);
    }

    #[test]
    fn estimates_are_found() {
        assert_eq!(planned_rows(br#"[{"Plan": {"Node Type": "Seq Scan", "Plan Rows": 12}}]"#), Some(12));
        assert_eq!(planned_rows(b"[]"), None);
    }
}
