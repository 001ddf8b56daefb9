//! A plan for people: what will be read or written, which policies take part and what they became, and the SQL it compiles to.

use std::fmt::Write as _;

use plinth_catalog::Catalog;
use plinth_catalog::expr::{Expr, FromItem, SourceNames};
use plinth_engine::EngineError;
use plinth_query::Plan;
use plinth_query::plan::{Field, InsertPlan, Node, PlannedAction, PlannedStatement, ReturningPlan, RowCheck};

use crate::sql::{self, Param, Rows, Sql};

/// The plan, its policies and its SQL as text. A part that does not compile says why in its place.
pub fn explain(catalog: &Catalog, plan: &Plan) -> String {
    let mut out = String::from("plan\n");
    let mut statements = Vec::new();
    action(catalog, &plan.action, &mut SourceNames::new(catalog), &mut out, &mut statements);
    out.push_str("\npolicies\n");
    if plan.applied.is_empty() {
        out.push_str("  none\n");
    }
    for applied in &*plan.applied {
        let policy = applied.policy.as_deref().unwrap_or("none applies to this role: no rows");
        let _ = writeln!(out, "  {}: {policy} ({})", applied.relation, applied.role);
    }
    out.push_str("\nsql\n");
    for (what, statement) in statements {
        let _ = writeln!(out, "  -- {what}");
        match statement {
            Ok(statement) => write_sql(&mut out, plan, &statement),
            Err(error) => {
                let _ = writeln!(out, "  -- not compiled: {error}");
            }
        }
    }
    out
}

/// The statements of a plan, and what each is for.
pub(crate) fn statements(catalog: &Catalog, plan: &Plan) -> Statements {
    let mut statements = Vec::new();
    action(catalog, &plan.action, &mut SourceNames::new(catalog), &mut String::new(), &mut statements);
    statements
}

type Statements = Vec<(String, Result<Sql, EngineError>)>;

fn write_sql(out: &mut String, plan: &Plan, statement: &Sql) {
    let _ = writeln!(out, "  {}", statement.text);
    for (index, param) in statement.params.iter().enumerate() {
        let shown = match param {
            Param::Bind(at) => match plan.values.get(*at) {
                Some((ty, value)) => format!("{value:?} ({ty}), from the request"),
                None => "a value of the request".to_owned(),
            },
            Param::Setting(setting) => format!("{setting:?} of the caller"),
            Param::Outer { column, .. } => format!("column {} of the row around", column + 1),
            other => format!("{other:?}"),
        };
        let _ = writeln!(out, "    ?{} = {shown}", index + 1);
    }
}

fn action(
    catalog: &Catalog,
    action: &PlannedAction,
    names: &mut SourceNames<'_>,
    out: &mut String,
    statements: &mut Statements,
) {
    let table = |id| &catalog.relation(id).name;
    match action {
        PlannedAction::Read(root) => node(catalog, root, "read", 1, names, out, statements),
        PlannedAction::Insert(plan) => {
            insert(catalog, plan, names, out);
            returning(catalog, &plan.returning, names, out, statements);
        }
        PlannedAction::InsertTree(tree) => {
            for step in &tree.steps {
                insert(catalog, &step.insert, names, out);
            }
            returning(catalog, &tree.returning, names, out, statements);
        }
        PlannedAction::Update(plan) => {
            names.add_row(catalog.relation(plan.relation));
            let _ = writeln!(out, "  update {}", table(plan.relation));
            for (column, value) in &plan.set {
                let name =
                    catalog.relation(plan.relation).columns.get(*column).map_or("?", |c| c.name.as_str());
                let _ = writeln!(out, "    set {name} = {}", names.display(value));
            }
            filter(names, plan.filter.as_ref(), 2, out);
            checks(names, "new row", &plan.checks, out);
            statements.push((
                "the rows to update".into(),
                sql::select_rowids(
                    catalog,
                    catalog.relation(plan.relation),
                    Rows::Where(plan.filter.as_ref()),
                ),
            ));
            returning(catalog, &plan.returning, names, out, statements);
        }
        PlannedAction::Delete(plan) => {
            names.add_row(catalog.relation(plan.relation));
            let _ = writeln!(out, "  delete from {}", table(plan.relation));
            filter(names, plan.filter.as_ref(), 2, out);
            statements.push((
                "the rows to delete".into(),
                sql::select_rowids(
                    catalog,
                    catalog.relation(plan.relation),
                    Rows::Where(plan.filter.as_ref()),
                ),
            ));
            returning(catalog, &plan.returning, names, out, statements);
        }
        PlannedAction::Call(plan) => {
            for statement in plan.before.iter().chain(&plan.write) {
                let what = match statement {
                    PlannedStatement::Query(_) => "a query".to_owned(),
                    PlannedStatement::Insert { relation, .. } => format!("insert into {}", table(*relation)),
                    PlannedStatement::Update { plan, .. } => format!("update {}", table(plan.relation)),
                    PlannedStatement::Delete { plan, .. } => format!("delete from {}", table(plan.relation)),
                };
                let _ = writeln!(out, "  first {what}");
            }
            node(catalog, &plan.result, "call, reading", 1, names, out, statements);
        }
    }
}

fn insert(catalog: &Catalog, plan: &InsertPlan, names: &mut SourceNames<'_>, out: &mut String) {
    let relation = catalog.relation(plan.relation);
    names.add_row(relation);
    let _ = writeln!(out, "  insert {} rows into {}", plan.rows.len(), relation.name);
    checks(names, "new row", &plan.checks, out);
    if let Some(conflict) = &plan.conflict {
        checks(names, "row that is there", &conflict.existing, out);
        checks(names, "row after the update", &conflict.checks, out);
    }
}

fn returning(
    catalog: &Catalog,
    plan: &ReturningPlan,
    names: &mut SourceNames<'_>,
    out: &mut String,
    statements: &mut Statements,
) {
    match plan {
        ReturningPlan::Nothing => {}
        ReturningPlan::Keys(_) => out.push_str("    giving back the key\n"),
        ReturningPlan::Rows(root) => node(catalog, root, "give back", 2, names, out, statements),
    }
}

fn node(
    catalog: &Catalog,
    node: &Node,
    what: &str,
    depth: usize,
    names: &mut SourceNames<'_>,
    out: &mut String,
    statements: &mut Statements,
) {
    let indent = "  ".repeat(depth);
    let source = source(catalog, &node.from);
    names.add(&node.from);
    let _ = writeln!(out, "{indent}{what} {source}");
    for security in securities(&node.from) {
        let _ = writeln!(out, "{indent}  row security {}", names.display(security));
    }
    filter(names, node.filter.as_ref(), depth + 1, out);
    for key in &node.order {
        let direction = if key.descending { "desc" } else { "asc" };
        let _ = writeln!(out, "{indent}  order by {} {direction}", names.display(&key.expr));
    }
    if let Some(having) = &node.having {
        let _ = writeln!(out, "{indent}  having {}", names.display(having));
    }
    for key in &node.distinct_on {
        let _ = writeln!(out, "{indent}  distinct on {}", names.display(key));
    }
    if let Some(keyset) = &node.keyset {
        let direction = if keyset.backwards { "before" } else { "after" };
        let _ = writeln!(out, "{indent}  a page {direction} a place");
        for piece in keyset.beyond.iter().flatten() {
            let _ = writeln!(out, "{indent}    where {}", names.display(piece));
        }
    }
    if let Some(limit) = node.limit {
        let _ = writeln!(out, "{indent}  limit {limit} offset {}", node.offset);
    }
    statements.push((format!("{what} {source}"), sql::node(catalog, node).map(|node| node.sql)));
    for field in &node.fields {
        match field {
            Field::Value { name, expr } => {
                let _ = writeln!(out, "{indent}  {name}: {}", names.display(expr));
            }
            Field::Embed { name, to_one, node } => {
                let kind = if *to_one { "one of" } else { "many of" };
                self::node(catalog, node, &format!("{name}: {kind}"), depth + 1, names, out, statements);
            }
            Field::Spread { node, .. } => {
                self::node(catalog, node, "spread of", depth + 1, names, out, statements);
            }
        }
    }
}

fn filter(names: &mut SourceNames<'_>, filter: Option<&Expr>, depth: usize, out: &mut String) {
    if let Some(filter) = filter {
        let _ = writeln!(out, "{}where {}", "  ".repeat(depth), names.display(filter));
    }
}

fn checks(names: &mut SourceNames<'_>, what: &str, checks: &[RowCheck], out: &mut String) {
    for check in checks {
        let policy = check.policy.as_ref().map(|name| format!(" (policy {name})")).unwrap_or_default();
        let _ = writeln!(out, "    the {what} must hold{policy}: {}", names.display(&check.condition));
    }
}

/// The sources of a node by name.
fn source(catalog: &Catalog, from: &FromItem) -> String {
    match from {
        FromItem::Relation { relation, .. } => catalog.relation(*relation).name.to_string(),
        FromItem::Query { .. } => "the rows of a query".into(),
        FromItem::Cte { .. } => "the rows of a common table expression".into(),
        FromItem::Set { builtin, .. } => builtin.name.into(),
        FromItem::Function { function, .. } => catalog.function(*function).name.to_string(),
        FromItem::Join { left, right, .. } => {
            format!("{} joined with {}", source(catalog, left), source(catalog, right))
        }
    }
}

fn securities(from: &FromItem) -> Vec<&Expr> {
    match from {
        FromItem::Relation { security, .. } => security.as_deref().into_iter().collect(),
        FromItem::Join { left, right, .. } => securities(left).into_iter().chain(securities(right)).collect(),
        FromItem::Query { .. } | FromItem::Cte { .. } | FromItem::Set { .. } | FromItem::Function { .. } => {
            Vec::new()
        }
    }
}
