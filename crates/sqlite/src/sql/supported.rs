//! What of a catalog SQLite cannot keep with PostgreSQL's meaning, said before a table is made: where, what, and what to do.

use std::collections::HashMap;

use plinth_catalog::expr::{Expr, ExprKind, Quantifiable};
use plinth_catalog::{Action, Catalog, Relation, RelationKind, Table};
use plinth_values::Type;
use plinth_values::builtin::Volatility;

use super::call::cast_volatility;
use super::{create_indexes, create_table, declared_type, table_name, walk};

/// One sentence for each thing that cannot be kept; nothing when all is well.
pub(crate) fn supported(catalog: &Catalog) -> Vec<String> {
    let mut problems = Vec::new();
    if catalog.database.is_some() {
        problems.push("the schema is one of a PostgreSQL database, which SQLite cannot serve".to_owned());
    }
    same_names(catalog, &mut problems);
    for relation in &catalog.relations {
        columns(relation, &mut problems);
        match &relation.kind {
            RelationKind::Table(table) => {
                let before = problems.len();
                definitions(catalog, relation, table, &mut problems);
                if problems.len() == before {
                    compiled(catalog, relation, &mut problems);
                }
            }
            RelationKind::View(view) => {
                if view.materialized {
                    problems.push(format!(
                        "materialized view {} cannot be kept: SQLite has none; make it a view",
                        relation.name
                    ));
                }
                let mut types = Vec::new();
                view.query.iter().for_each(|query| walk::query(query, &mut |e| foreign_type(e, &mut types)));
                report_types(&format!("view {}", relation.name), types, &mut problems);
            }
        }
    }
    for function in &catalog.functions {
        let mut types = Vec::new();
        for statement in &function.body {
            walk::statement(statement, &mut |e| foreign_type(e, &mut types));
        }
        report_types(&format!("function {}", function.name), types, &mut problems);
    }
    problems
}

/// SQLite's names ignore the case of ASCII letters even when they are quoted; tables and indexes share one name space.
fn same_names(catalog: &Catalog, problems: &mut Vec<String>) {
    let mut seen: HashMap<String, String> = HashMap::new();
    for relation in catalog.relations.iter().filter(|relation| relation.table().is_some()) {
        let indexes = relation.table().into_iter().flat_map(|table| &table.indexes);
        let named = std::iter::once((table_name(relation), format!("table {}", relation.name))).chain(
            indexes.map(|index| {
                let what = format!("index \"{}\" on {}", index.name, relation.name);
                (super::index_name(relation, &index.name), what)
            }),
        );
        for (name, what) in named {
            let folded = name.to_ascii_lowercase();
            if folded.starts_with("sqlite_") || folded.starts_with("_plinth_") {
                problems.push(format!("{what} has a reserved name; choose one that does not begin so"));
            }
            if let Some(other) = seen.insert(folded, what.clone()) {
                problems.push(format!("{what} and {other} have the same name in SQLite; rename one of them"));
            }
        }
    }
}

fn columns(relation: &Relation, problems: &mut Vec<String>) {
    let mut seen: HashMap<String, &str> = HashMap::new();
    for column in &relation.columns {
        let what = format!("column \"{}\" of {}", column.name, relation.name);
        if declared_type(&column.ty).is_none() {
            problems.push(format!(
                "{what} has type {}, which SQLite cannot keep; choose another type or run the project on PostgreSQL",
                column.ty
            ));
        }
        if relation.table().is_some()
            && let Some(other) = seen.insert(column.name.to_ascii_lowercase(), &column.name)
        {
            problems.push(format!(
                "{what} and column \"{other}\" have the same name in SQLite; rename one of them"
            ));
        }
    }
    if relation.table().is_some() && ["rowid", "_rowid_", "oid"].iter().all(|name| seen.contains_key(*name)) {
        problems.push(format!("{} has columns rowid, _rowid_ and oid; rename one of them", relation.name));
    }
    if relation.columns.is_empty() && relation.table().is_some() {
        problems.push(format!(
            "table {} has no columns, which SQLite does not allow; give it one",
            relation.name
        ));
    }
}

/// What stands in a table's definition: evaluated by SQLite itself, whoever asks.
fn definitions(catalog: &Catalog, relation: &Relation, table: &Table, problems: &mut Vec<String>) {
    for column in &relation.columns {
        if let Some(generated) = &column.generated {
            let what = format!("generated column \"{}\" of {}", column.name, relation.name);
            definition(&what, generated, Volatility::Immutable, problems);
        }
    }
    for check in &table.checks {
        let what = format!("check \"{}\" of {}", check.name, relation.name);
        // The time and zone of the request are known to SQLite's functions when a row is written.
        definition(&what, &check.condition, Volatility::Stable, problems);
    }
    for index in &table.indexes {
        let what = format!("index \"{}\" on {}", index.name, relation.name);
        for expr in index.keys.iter().map(|key| &key.expr).chain(&index.filter) {
            definition(&what, expr, Volatility::Immutable, problems);
        }
        if index.unique && !matches!(index.method.as_str(), "btree" | "") {
            problems.push(format!("{what} is unique with method {}; use btree", index.method));
        }
    }
    for key in &table.foreign_keys {
        let defaults = [key.on_delete, key.on_update].contains(&Action::SetDefault);
        let computed = |index: &usize| {
            let default = relation.columns.get(*index).and_then(|column| column.default.as_ref());
            default.is_some_and(|default| !matches!(default.kind, ExprKind::Literal(_)))
        };
        if defaults && key.columns.iter().any(computed) {
            problems.push(format!(
                "foreign key \"{}\" of {} sets a default that is computed, which SQLite cannot do; use a constant default",
                key.name, relation.name
            ));
        }
        if catalog.relations.get(key.references.0 as usize).is_none_or(|to| to.table().is_none()) {
            problems.push(format!("foreign key \"{}\" of {} refers to no table", key.name, relation.name));
        }
    }
}

fn definition(what: &str, expr: &Expr, allowed: Volatility, problems: &mut Vec<String>) {
    let mut found = Vec::new();
    walk::expr(expr, &mut |e| match &e.kind {
        ExprKind::Call { builtin, .. } if builtin.volatility > allowed => {
            found.push(format!("calls {}, whose result is not fixed by its arguments", builtin.name));
        }
        ExprKind::Cast { expr, .. } if cast_volatility(&expr.ty, &e.ty) > allowed => {
            found.push(format!("casts {} to {}, which depends on the session", expr.ty, e.ty));
        }
        ExprKind::Setting(_) => found.push("depends on who asks; use a policy instead".into()),
        ExprKind::UserCall { .. } => {
            found
                .push("calls a function of the schema, which SQLite cannot; write out its expression".into());
        }
        ExprKind::Exists { .. }
        | ExprKind::Scalar(_)
        | ExprKind::InQuery { .. }
        | ExprKind::ArrayQuery(_)
        | ExprKind::QuantifiedQuery { .. } => found.push("contains a subquery".into()),
        ExprKind::Quantified { op: Quantifiable::Operator(_), .. } => {
            found
                .push("uses any/all with an operator that is no comparison; write it out with or/and".into());
        }
        _ => {}
    });
    problems.extend(found.into_iter().map(|reason| format!("{what} {reason}")));
}

/// The last word: whether the definition can be written.
fn compiled(catalog: &Catalog, relation: &Relation, problems: &mut Vec<String>) {
    let written = create_table(catalog, relation).and_then(|_| create_indexes(catalog, relation));
    if let Err(error) = written {
        problems.push(format!("table {} cannot be made: {error}", relation.name));
    }
}

fn foreign_type(expr: &Expr, types: &mut Vec<String>) {
    if let Type::Native(native) = &expr.ty {
        types.push(native.sql.clone());
    }
}

fn report_types(what: &str, mut types: Vec<String>, problems: &mut Vec<String>) {
    types.sort();
    types.dedup();
    for name in types {
        problems.push(format!(
            "{what} uses type {name}, which SQLite cannot keep; run the project on PostgreSQL"
        ));
    }
}
