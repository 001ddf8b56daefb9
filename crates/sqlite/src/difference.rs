//! What differs between two catalogs, as sentences and as steps for the file. Pure; applying the steps is `schema`'s business.
//!
//! A change that loses no data and holds for every row that is there is additive. Views, functions, policies, grants and comments
//! live in the catalog alone, so any change of them is.

use std::fmt;

use plinth_catalog::expr::Expr;
use plinth_catalog::{Catalog, Column, Domain, Index, Relation, RelationId, Table};
use plinth_values::{Modifier, Type};

use crate::sql::row_columns;

/// One difference between two catalogs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What is different, for people: `table "jobs": new column "salary"`
    pub sentence: String,
    /// Whether it can be applied to a file with data
    pub applies: Applies,
    /// What is to be done to the file
    pub(crate) step: Step,
}

/// When a change can be applied by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applies {
    /// Always
    Always,
    /// While this table of the new catalog has no rows
    WhileEmpty(RelationId),
    /// Never: it needs a migration
    Never,
}

/// What is to be done to the file; relations are those of the new catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing: the catalog is enough
    Nothing,
    /// A table with its indexes
    CreateTable(RelationId),
    /// A column
    AddColumn(RelationId, usize),
    /// Make the table anew and copy its rows
    Rebuild(RelationId),
    /// An index, by its place in the table
    CreateIndex(RelationId, usize),
    /// An index that is gone, by table and name
    DropIndex(RelationId, String),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

/// Everything that is different in `new`.
pub fn difference(old: &Catalog, new: &Catalog) -> Vec<Change> {
    let mut changes = Vec::new();
    schemas_and_roles(old, new, &mut changes);
    types(old, new, &mut changes);
    for relation in &new.relations {
        match old.find_relation(&relation.name.schema, &relation.name.name) {
            None => {
                let (what, step) = match relation.table() {
                    Some(_) => ("table", Step::CreateTable(relation.id)),
                    None => ("view", Step::Nothing),
                };
                add(&mut changes, format!("new {what} \"{}\"", relation.name), Applies::Always, step);
            }
            Some(before) => match (before.table(), relation.table()) {
                (Some(old_table), Some(new_table)) => {
                    table(Pair { old, new, before, after: relation, old_table, new_table }, &mut changes);
                }
                (None, None) if shape(before) != shape(relation) => {
                    let sentence = format!("view \"{}\" is defined differently", relation.name);
                    add(&mut changes, sentence, Applies::Always, Step::Nothing);
                }
                (None, None) => {}
                _ => never(
                    &mut changes,
                    format!("\"{}\" is a table in one and a view in the other", relation.name),
                ),
            },
        }
    }
    for relation in &old.relations {
        if new.find_relation(&relation.name.schema, &relation.name.name).is_none() {
            match relation.table() {
                Some(_) => never(&mut changes, format!("table \"{}\" is gone", relation.name)),
                None => always(&mut changes, format!("view \"{}\" is gone", relation.name)),
            }
        }
    }
    functions(old, new, &mut changes);
    changes
}

fn add(changes: &mut Vec<Change>, sentence: String, applies: Applies, step: Step) {
    changes.push(Change { sentence, applies, step });
}

fn always(changes: &mut Vec<Change>, sentence: String) {
    add(changes, sentence, Applies::Always, Step::Nothing);
}

fn never(changes: &mut Vec<Change>, sentence: String) {
    add(changes, sentence, Applies::Never, Step::Nothing);
}

fn schemas_and_roles(old: &Catalog, new: &Catalog, changes: &mut Vec<Change>) {
    let named = |catalog: &Catalog| -> Vec<String> {
        let schemas = catalog.schemas.iter().map(|schema| format!("schema \"{}\"", schema.name));
        schemas.chain(catalog.roles.iter().map(|role| format!("role \"{}\"", role.name))).collect()
    };
    let (before, after) = (named(old), named(new));
    for name in after.iter().filter(|name| !before.contains(name)) {
        always(changes, format!("new {name}"));
    }
    for name in before.iter().filter(|name| !after.contains(name)) {
        always(changes, format!("{name} is gone"));
    }
    for role in &new.roles {
        let changed = |before: &plinth_catalog::Role| {
            before.member_of != role.member_of || before.bypass_row_security != role.bypass_row_security
        };
        if old.find_role(&role.name).is_some_and(changed) {
            always(changes, format!("role \"{}\" has other rights", role.name));
        }
    }
}

fn types(old: &Catalog, new: &Catalog, changes: &mut Vec<Change>) {
    for ty in &new.enums {
        let before = old.enums.iter().find(|before| before.schema == ty.schema && before.name == ty.name);
        match before {
            None => always(changes, format!("new type \"{}.{}\"", ty.schema, ty.name)),
            Some(before) if before.labels == ty.labels => {}
            // A label at the end changes the order of no stored value.
            Some(before) if ty.labels.starts_with(&before.labels) => {
                always(changes, format!("type \"{}.{}\" has further labels", ty.schema, ty.name));
            }
            Some(_) => never(
                changes,
                format!("type \"{}.{}\" has other labels, or in another order", ty.schema, ty.name),
            ),
        }
    }
    for ty in &old.enums {
        if !new.enums.iter().any(|after| after.schema == ty.schema && after.name == ty.name) {
            // A column of the type would be reported as changed.
            always(changes, format!("type \"{}.{}\" is gone", ty.schema, ty.name));
        }
    }
    for domain in &new.domains {
        match old.domains.iter().find(|before| before.name == domain.name) {
            None => always(changes, format!("new domain \"{}\"", domain.name)),
            // What of it matters for stored rows is found again in their columns and checks.
            Some(before) if domain_shape(before) != domain_shape(domain) => {
                always(changes, format!("domain \"{}\" is defined differently", domain.name));
            }
            Some(_) => {}
        }
    }
}

fn functions(old: &Catalog, new: &Catalog, changes: &mut Vec<Change>) {
    let described = |catalog: &Catalog| -> Vec<(String, String)> {
        let functions = catalog.functions.iter().map(|function| {
            let types: Vec<String> = function.parameters.iter().map(|p| p.ty.to_string()).collect();
            let shape = normalised(&format!(
                "{:?}",
                (
                    &function.parameters,
                    &function.returns,
                    function.volatility,
                    function.strict,
                    function.security_definer,
                    &function.body,
                    &function.execute
                )
            ));
            (format!("function \"{}({})\"", function.name, types.join(", ")), shape)
        });
        functions.collect()
    };
    let (before, after) = (described(old), described(new));
    for (name, shape) in &after {
        match before.iter().find(|(known, _)| known == name) {
            None => always(changes, format!("new {name}")),
            Some((_, known)) if known != shape => always(changes, format!("{name} is defined differently")),
            Some(_) => {}
        }
    }
    for (name, _) in before.iter().filter(|(name, _)| !after.iter().any(|(known, _)| known == name)) {
        always(changes, format!("{name} is gone"));
    }
}

/// One table in both catalogs.
#[derive(Clone, Copy)]
struct Pair<'c> {
    old: &'c Catalog,
    new: &'c Catalog,
    before: &'c Relation,
    after: &'c Relation,
    old_table: &'c Table,
    new_table: &'c Table,
}

fn table(pair: Pair<'_>, changes: &mut Vec<Change>) {
    let Pair { before, after, old_table, new_table, .. } = pair;
    let name = format!("table \"{}\"", after.name);
    for (index, column) in after.columns.iter().enumerate() {
        match before.columns.iter().find(|known| known.name == column.name) {
            None => new_column(pair, &name, index, column, changes),
            Some(known) => changed_column(pair, &name, known, column, changes),
        }
    }
    for column in &before.columns {
        if after.column_index(&column.name).is_none() {
            never(changes, format!("{name}: column \"{}\" is gone", column.name));
        }
    }
    let is_new = |columns: &[usize]| {
        // A constraint over a column that is new itself is part of that column.
        columns
            .iter()
            .filter_map(|index| after.columns.get(*index))
            .any(|column| before.column_index(&column.name).is_none())
    };
    constraints(&name, after.id, &keys(before, old_table), &keys(after, new_table), &is_new, changes);
    let references =
        |catalog: &Catalog, relation: &Relation, table: &Table| references(catalog, relation, table);
    let (old_keys, new_keys) =
        (references(pair.old, before, old_table), references(pair.new, after, new_table));
    constraints(&name, after.id, &old_keys, &new_keys, &is_new, changes);
    constraints(&name, after.id, &checks(before, old_table), &checks(after, new_table), &is_new, changes);
    indexes(pair, &name, changes);
    if rights(before, old_table) != rights(after, new_table) {
        always(changes, format!("{name}: other policies, grants or comments"));
    }
}

fn new_column(pair: Pair<'_>, name: &str, index: usize, column: &Column, changes: &mut Vec<Change>) {
    let fills = column.nullable
        || column.default.is_some()
        || column.identity.is_some()
        || column.generated.is_some();
    let sentence = format!("{name}: new column \"{}\"", column.name);
    if fills {
        add(changes, sentence, Applies::Always, Step::AddColumn(pair.after.id, index));
    } else {
        let sentence = format!("{sentence}, which is not null and has no default");
        add(changes, sentence, Applies::WhileEmpty(pair.after.id), Step::Rebuild(pair.after.id));
    }
}

fn changed_column(pair: Pair<'_>, name: &str, old: &Column, new: &Column, changes: &mut Vec<Change>) {
    let column = format!("{name}: column \"{}\"", new.name);
    let mut rebuilt = |what: String| {
        let sentence = format!("{column} {what}");
        add(changes, sentence, Applies::WhileEmpty(pair.after.id), Step::Rebuild(pair.after.id));
    };
    if !same_type(&old.ty, &new.ty) {
        rebuilt(format!("is of type {} instead of {}", new.ty, old.ty));
    } else if !widens(old.modifier, new.modifier) {
        rebuilt(format!("of type {} has another length or precision", new.ty));
    }
    match (old.nullable, new.nullable) {
        (true, false) => rebuilt("is not null now".into()),
        (false, true) => rebuilt("can be null now".into()),
        _ => {}
    }
    if expr_shape(pair.before, old.generated.as_ref()) != expr_shape(pair.after, new.generated.as_ref()) {
        rebuilt("is generated differently".into());
    }
    if expr_shape(pair.before, old.default.as_ref()) != expr_shape(pair.after, new.default.as_ref()) {
        // The engine applies defaults; only a foreign key's `set default` needs it in the file.
        let step = match sets_default(pair.new_table) {
            true => Step::Rebuild(pair.after.id),
            false => Step::Nothing,
        };
        add(changes, format!("{column} has another default"), Applies::Always, step);
    }
    if old.identity != new.identity {
        always(changes, format!("{column} gets its numbers differently"));
    }
    if old.domain != new.domain || old.comment != new.comment {
        always(changes, format!("{column} has another domain or comment"));
    }
}

fn sets_default(table: &Table) -> bool {
    use plinth_catalog::Action::SetDefault;
    table.foreign_keys.iter().any(|key| key.on_delete == SetDefault || key.on_update == SetDefault)
}

/// Whether types are the same for stored values. An enum is known by its name; its labels are compared on their own.
fn same_type(old: &Type, new: &Type) -> bool {
    match (old, new) {
        (Type::Enum(old), Type::Enum(new)) => old.schema == new.schema && old.name == new.name,
        (Type::Array(old), Type::Array(new)) => same_type(old, new),
        (old, new) => old == new,
    }
}

/// Whether every stored value fits the new modifier as it is.
fn widens(old: Modifier, new: Modifier) -> bool {
    match (old, new) {
        (Modifier::Length(old), Modifier::Length(new)) => old <= new,
        (Modifier::Length(_) | Modifier::Numeric { .. }, Modifier::None) => true,
        (old, new) => old == new,
    }
}

/// A constraint: its name, what it is for people, its columns, and everything about it as text.
struct Constraint {
    name: String,
    kind: &'static str,
    columns: Vec<usize>,
    shape: String,
}

fn column_names(relation: &Relation, columns: &[usize]) -> Vec<String> {
    columns
        .iter()
        .filter_map(|index| relation.columns.get(*index))
        .map(|column| column.name.clone())
        .collect()
}

fn keys(relation: &Relation, table: &Table) -> Vec<Constraint> {
    let primary = table.primary_key.iter().map(|key| (key, "primary key"));
    let all = primary.chain(table.uniques.iter().map(|key| (key, "unique constraint")));
    let all = all.map(|(key, kind)| Constraint {
        name: key.name.clone(),
        kind,
        columns: key.columns.clone(),
        shape: format!("{:?}", (column_names(relation, &key.columns), key.nulls_not_distinct)),
    });
    all.collect()
}

fn references(catalog: &Catalog, relation: &Relation, table: &Table) -> Vec<Constraint> {
    let all = table.foreign_keys.iter().map(|key| {
        let parent = catalog.relations.get(key.references.0 as usize);
        let referenced = parent.map(|parent| (&parent.name, column_names(parent, &key.referenced)));
        let columns = column_names(relation, &key.columns);
        Constraint {
            name: key.name.clone(),
            kind: "foreign key",
            columns: key.columns.clone(),
            shape: format!("{:?}", (columns, referenced, key.on_delete, key.on_update, key.deferred)),
        }
    });
    all.collect()
}

fn checks(relation: &Relation, table: &Table) -> Vec<Constraint> {
    let all = table.checks.iter().map(|check| Constraint {
        name: check.name.clone(),
        kind: "check constraint",
        columns: row_columns(&check.condition),
        shape: expr_shape(relation, Some(&check.condition)),
    });
    all.collect()
}

fn constraints(
    table: &str,
    relation: RelationId,
    before: &[Constraint],
    after: &[Constraint],
    is_new: &dyn Fn(&[usize]) -> bool,
    changes: &mut Vec<Change>,
) {
    let mut rebuild = |sentence: String, applies| add(changes, sentence, applies, Step::Rebuild(relation));
    for Constraint { name, kind, columns, shape } in after {
        // A domain's check stands once for each column that has the domain, always under the same name.
        let named = |known: &&Constraint| known.name == *name && known.kind == *kind;
        let same = before.iter().find(|known| named(known) && known.shape == *shape);
        match same.or_else(|| before.iter().find(named)) {
            None if is_new(columns) => {}
            None => rebuild(format!("{table}: new {kind} \"{name}\""), Applies::WhileEmpty(relation)),
            Some(known) if known.shape != *shape => {
                rebuild(
                    format!("{table}: {kind} \"{name}\" is defined differently"),
                    Applies::WhileEmpty(relation),
                );
            }
            Some(_) => {}
        }
    }
    for Constraint { name, kind, .. } in before {
        if !after.iter().any(|known| known.name == *name && known.kind == *kind) {
            rebuild(format!("{table}: {kind} \"{name}\" is gone"), Applies::WhileEmpty(relation));
        }
    }
}

fn indexes(pair: Pair<'_>, name: &str, changes: &mut Vec<Change>) {
    let Pair { before, after, old_table, new_table, .. } = pair;
    for (place, index) in new_table.indexes.iter().enumerate() {
        let create = Step::CreateIndex(after.id, place);
        match old_table.indexes.iter().find(|known| known.name == index.name) {
            None => add(changes, format!("{name}: new index \"{}\"", index.name), Applies::Always, create),
            Some(known) if index_shape(before, known) != index_shape(after, index) => {
                let applies = if known.unique { Applies::WhileEmpty(after.id) } else { Applies::Always };
                let sentence = format!("{name}: index \"{}\" is defined differently", index.name);
                add(changes, sentence.clone(), applies, Step::DropIndex(after.id, index.name.clone()));
                add(changes, sentence, applies, create);
            }
            Some(_) => {}
        }
    }
    for index in &old_table.indexes {
        if !new_table.indexes.iter().any(|known| known.name == index.name) {
            // A unique index is a rule about the data, others are about speed.
            let applies = if index.unique { Applies::WhileEmpty(after.id) } else { Applies::Always };
            let step = Step::DropIndex(after.id, index.name.clone());
            add(changes, format!("{name}: index \"{}\" is gone", index.name), applies, step);
        }
    }
}

fn index_shape(relation: &Relation, index: &Index) -> String {
    let keys: Vec<_> = index
        .keys
        .iter()
        .map(|key| (expr_shape(relation, Some(&key.expr)), key.descending, key.nulls_first))
        .collect();
    let filter = expr_shape(relation, index.filter.as_ref());
    format!("{:?}", (index.unique, index.nulls_not_distinct, &index.method, keys, filter))
}

fn domain_shape(domain: &Domain) -> String {
    normalised(&format!("{domain:?}"))
}

/// All of a view but its name.
fn shape(relation: &Relation) -> String {
    normalised(&format!("{:?} {:?} {:?}", relation.kind, sorted_grants(relation), relation.comment))
}

/// What of a table lives in the catalog alone.
fn rights(relation: &Relation, table: &Table) -> String {
    normalised(&format!(
        "{:?}",
        (table.row_security, &table.policies, sorted_grants(relation), &relation.comment)
    ))
}

fn sorted_grants(relation: &Relation) -> Vec<(&String, &plinth_catalog::Privileges)> {
    let mut grants: Vec<_> = relation.grants.roles.iter().collect();
    grants.sort_by_key(|(role, _)| *role);
    grants
}

/// An expression over a table's row as text that is equal for equal expressions: columns by name, since their places may move.
fn expr_shape(relation: &Relation, expr: Option<&Expr>) -> String {
    let text = normalised(&format!("{expr:?}"));
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    const MARK: &str = "source: SourceId(0), column: ";
    while let Some(at) = rest.find(MARK) {
        let (head, tail) = rest.split_at(at + MARK.len());
        let digits = tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, tail) = tail.split_at(digits);
        out.push_str(head);
        let column = number.parse::<usize>().ok().and_then(|index| relation.columns.get(index));
        out.push_str(column.map_or(number, |column| &column.name));
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// The text without the labels of enums: an expression over one does not change when the type gets further labels.
fn without_labels(text: &str) -> String {
    const MARK: &str = "labels: [";
    let mut parts = text.split(MARK);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (mut quoted, mut escaped) = (false, false);
        let end = part.find(|c: char| {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => quoted = !quoted,
                ']' => return !quoted,
                _ => {}
            }
            false
        });
        out.push_str(MARK);
        out.push_str(end.and_then(|end| part.get(end..)).unwrap_or_default());
    }
    out
}

/// Sources are numbered anew for each catalog; here by their first appearance in a text.
fn normalised(text: &str) -> String {
    let text = &without_labels(text);
    const MARK: &str = "SourceId(";
    let mut seen: Vec<&str> = Vec::new();
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split(MARK);
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (number, tail) = part.split_once(')').unwrap_or((part, ""));
        out.push_str(MARK);
        match number.parse::<u32>() {
            // The row of a table and the proposed row are the same in every catalog.
            Ok(known @ (0 | 1)) => out.push_str(&known.to_string()),
            _ => {
                let place = seen.iter().position(|known| *known == number).unwrap_or_else(|| {
                    seen.push(number);
                    seen.len() - 1
                });
                out.push_str(&format!("#{place}"));
            }
        }
        out.push(')');
        out.push_str(tail);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_of_expressions() {
        for (text, expected) in [
            (
                "SourceId(17) SourceId(0) SourceId(20) SourceId(17)",
                "SourceId(#0) SourceId(0) SourceId(#1) SourceId(#0)",
            ),
            (r#"{ labels: ["a]", "\"]"], x: [1] }"#, "{ labels: [], x: [1] }"),
            ("SourceId(", "SourceId(#0)"),
        ] {
            assert_eq!(normalised(text), expected, "{text}");
        }
    }

    #[test]
    fn modifiers_that_hold_for_what_is_stored() {
        let numeric = |precision| Modifier::Numeric { precision, scale: 2 };
        for (old, new, expected) in [
            (Modifier::Length(3), Modifier::Length(5), true),
            (Modifier::Length(5), Modifier::Length(3), false),
            (Modifier::Length(5), Modifier::None, true),
            (Modifier::None, Modifier::Length(5), false),
            (numeric(10), numeric(10), true),
            (numeric(10), numeric(8), false),
        ] {
            assert_eq!(widens(old, new), expected, "{old:?} {new:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in r#"(SourceId\(|labels: \[|[0-9a-z"\\\])ü ]){0,40}"#) {
            normalised(&text);
        }
    }
}
