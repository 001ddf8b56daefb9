//! Schema files and what they are read as: for each `tests/read/*.sql`, the file of the same name with `.txt` has the catalog in
//! short, or the errors. `UPDATE_EXPECT=1 cargo test -p plinth-catalog` writes those files anew. A case of several files has
//! lines `-- file: name.sql` between them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;

use plinth_catalog::expr::{Expr, display, display_row};
use plinth_catalog::{
    Catalog, Columns, Defaults, ForeignKey, Function, Identity, Key, Relation, RelationKind, Relationship,
    Returns, SourceFile, Table, View, read,
};

#[test]
fn cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/read");
    let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
    paths.sort();
    assert!(!paths.is_empty());
    let mut failures = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let found = outcome(&split(&name, &text));
        let expected_path = path.with_extension("txt");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&expected_path, &found).unwrap();
        } else if std::fs::read_to_string(&expected_path).unwrap_or_default() != found {
            failures.push(format!("{name} is read as:\n{found}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_example_reads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/hiring/schema");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let files: Vec<SourceFile> = paths
        .iter()
        .map(|path| SourceFile {
            path: format!("schema/{}", path.file_name().unwrap().to_string_lossy()),
            text: std::fs::read_to_string(path).unwrap(),
        })
        .collect();
    let catalog = read(&files, &Defaults::default()).map_err(|errors| lines(&errors)).unwrap();
    assert!(catalog.find_relation("public", "posting").is_some_and(|posting| posting.columns.len() == 20));
    // The order of the files does not matter.
    let mut reversed = files.clone();
    reversed.reverse();
    let again = read(&reversed, &Defaults::default()).map_err(|errors| lines(&errors)).unwrap();
    assert_eq!(relations_in_short(&catalog), relations_in_short(&again));
}

/// Statements of the cases, whole or cut to pieces and put together anew.
fn mutated() -> impl Strategy<Value = String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/read");
    let mut words: Vec<String> = Vec::new();
    let mut statements: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            let text = std::fs::read_to_string(path).unwrap();
            words.extend(text.split_whitespace().map(str::to_owned));
            statements.extend(text.split_inclusive(';').map(str::to_owned));
        }
    }
    words.sort();
    words.dedup();
    statements.sort();
    let statement = proptest::sample::select(statements);
    let word = proptest::sample::select(words);
    let mutation = (statement, any::<prop::sample::Index>(), any::<prop::sample::Index>(), word, 0..5)
        .prop_map(|(statement, from, to, word, kind)| {
            let mut parts: Vec<String> = statement.split(' ').map(str::to_owned).collect();
            let (from, to) = (from.index(parts.len()), to.index(parts.len()));
            match kind {
                0 => {}
                1 => drop(parts.remove(from)),
                2 => parts.insert(from, word),
                3 => parts[from] = word,
                _ => parts.swap(from, to),
            }
            parts.join(" ")
        });
    prop::collection::vec(mutation, 1..12).prop_map(|statements| statements.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC*") {
        let _ = outcome(&split("any.sql", &text));
    }

    #[test]
    fn any_words_are_read_or_refused(text in mutated()) {
        let _ = outcome(&split("mutated.sql", &text));
    }
}

#[test]
fn deep_and_long_statements_are_read_or_refused() {
    let long = |item: &str, times: usize| item.repeat(times);
    for (text, error) in [
        (format!("create table t (a int check ({}1 > 0))", long("1 + ", 250)), Some("too deeply")),
        (format!("create table t (a int check ({}1 > 0))", long("1 + ", 4_000)), Some("too long")),
        (format!("create table t (a int check ({}true))", long("a > 0 and ", 200)), None),
        (format!("create table t (a int check ({}true))", long("a > 0 and ", 4_000)), Some("too long")),
        (
            format!("create table t (a int check ({}a{} > 0))", long("(", 200), long(")", 200)),
            Some("too deeply"),
        ),
        (
            format!("create table t (a int check ({}a{}))", long("(1 + ", 4_000), long(")", 4_000)),
            Some("too long"),
        ),
        (format!("create table t (a int check ({} true))", long("not ", 4_000)), Some("syntax error")),
        (format!("create table t (a int check (a {}))", long("is null ", 4_000)), Some("too long")),
        (format!("create table t (a int check (a{} > 0))", long("::int", 4_000)), Some("too long")),
        (format!("create table t (a int default {})", long("(", 4_000)), Some("too long")),
        (format!("create table t (a text{})", long("[]", 4_000)), Some("too long")),
        (format!("create view v as {}select 1", long("select 1 union ", 4_000)), Some("too long")),
        (format!("create view v as select 1{}", long(", 1", 4_000)), Some("more than once")),
        (format!("create view v as select {}1{}", long("(select ", 250), long(")", 250)), Some("too deeply")),
        (
            format!(
                "create type e as enum ('first'{})",
                (0..4_000).map(|n| format!(", '{n}'")).collect::<String>()
            ),
            None,
        ),
    ] {
        let found = outcome(&split("long.sql", &text));
        match error {
            Some(error) => assert!(found.contains(error), "{error}: {}", &found[..found.len().min(300)]),
            None => assert!(!found.starts_with("long.sql"), "{}", &found[..found.len().min(300)]),
        }
    }
}

fn split(name: &str, text: &str) -> Vec<SourceFile> {
    let mut files = vec![SourceFile { path: name.to_owned(), text: String::new() }];
    for line in text.split_inclusive('\n') {
        if let Some(path) = line.strip_prefix("-- file: ") {
            files.push(SourceFile { path: path.trim().to_owned(), text: String::new() });
        } else if let Some(file) = files.last_mut() {
            file.text.push_str(line);
        }
    }
    files
}

fn outcome(files: &[SourceFile]) -> String {
    match read(files, &Defaults::default()) {
        Ok(catalog) => in_short(&catalog),
        Err(errors) => lines(&errors),
    }
}

fn lines<T: std::fmt::Display>(items: &[T]) -> String {
    items.iter().map(|item| format!("{item}\n")).collect()
}

fn in_short(catalog: &Catalog) -> String {
    let mut text = String::new();
    for schema in &catalog.schemas {
        if schema.name != "public" || schema.comment.is_some() {
            writeln!(text, "schema {}{}", schema.name, comment(&schema.comment)).unwrap();
        }
    }
    for role in &catalog.roles {
        let built_in = ["anon", "authenticated", "service_role"].contains(&role.name.as_str());
        if !built_in || !role.member_of.is_empty() {
            let bypass = if role.bypass_row_security { " bypassrls" } else { "" };
            writeln!(text, "role {}{bypass} member of [{}]", role.name, role.member_of.join(", ")).unwrap();
        }
    }
    for found in &catalog.enums {
        writeln!(text, "enum {}.{} ({})", found.schema, found.name, found.labels.join(", ")).unwrap();
    }
    for domain in &catalog.domains {
        write!(text, "domain {} {}{:?}", domain.name, domain.ty, domain.modifier).unwrap();
        if domain.not_null {
            text.push_str(" not null");
        }
        if let Some(default) = &domain.default {
            write!(text, " default {}", display(catalog, default)).unwrap();
        }
        for check in &domain.checks {
            write!(text, " check {}: {}", check.name, display(catalog, &check.condition)).unwrap();
        }
        writeln!(text, "{}", comment(&domain.comment)).unwrap();
    }
    text.push_str(&relations_in_short(catalog));
    for function in &catalog.functions {
        text.push_str(&function_in_short(catalog, function));
    }
    for relationship in &catalog.relationships {
        text.push_str(&relationship_in_short(catalog, relationship));
    }
    text
}

fn relations_in_short(catalog: &Catalog) -> String {
    let mut text = String::new();
    for relation in &catalog.relations {
        let kind = match &relation.kind {
            RelationKind::Table(_) => "table",
            RelationKind::View(View { materialized: true, .. }) => "materialized view",
            RelationKind::View(View { security_invoker: true, .. }) => "invoker view",
            RelationKind::View(_) => "view",
        };
        writeln!(text, "{kind} {}{}", relation.name, comment(&relation.comment)).unwrap();
        for column in &relation.columns {
            write!(text, "  {} {}", column.name, column.ty).unwrap();
            if column.modifier != Default::default() {
                write!(text, " {:?}", column.modifier).unwrap();
            }
            if let Some(domain) = &column.domain {
                write!(text, " ({})", domain.name).unwrap();
            }
            if !column.nullable {
                text.push_str(" not null");
            }
            match column.identity {
                Some(Identity::Always) => text.push_str(" identity always"),
                Some(Identity::ByDefault) => text.push_str(" identity"),
                None => {}
            }
            if let Some(default) = &column.default {
                write!(text, " default {}", display(catalog, default)).unwrap();
            }
            if let Some(generated) = &column.generated {
                write!(text, " generated {}", display_row(catalog, relation, generated)).unwrap();
            }
            writeln!(text, "{}", comment(&column.comment)).unwrap();
        }
        match &relation.kind {
            RelationKind::Table(table) => text.push_str(&table_in_short(catalog, relation, table)),
            RelationKind::View(view) => {
                let origins = view.origins.iter().map(|origin| match origin {
                    Some((table, column)) => {
                        let table = catalog.relation(*table);
                        format!("{}.{}", table.name.name, table.columns[*column].name)
                    }
                    None => "-".to_owned(),
                });
                writeln!(text, "  shows {}", origins.collect::<Vec<_>>().join(", ")).unwrap();
            }
        }
        let mut roles: Vec<_> = relation.grants.roles.iter().collect();
        roles.sort_by_key(|(role, _)| (*role).clone());
        for (role, privileges) in roles {
            let mut granted = Vec::new();
            for (name, columns) in [
                ("select", &privileges.select),
                ("insert", &privileges.insert),
                ("update", &privileges.update),
            ] {
                match columns {
                    Columns::None => {}
                    Columns::All => granted.push(name.to_owned()),
                    Columns::Some(columns) => granted.push(format!("{name} ({})", names(relation, columns))),
                }
            }
            if privileges.delete {
                granted.push("delete".to_owned());
            }
            writeln!(text, "  {role} may {}", granted.join(", ")).unwrap();
        }
    }
    text
}

fn table_in_short(catalog: &Catalog, relation: &Relation, table: &Table) -> String {
    let mut text = String::new();
    let expr = |expr: &Expr| display_row(catalog, relation, expr);
    let key = |kind: &str, key: &Key| {
        let nulls = if key.nulls_not_distinct { " nulls not distinct" } else { "" };
        format!("  {kind} {} ({}){nulls}\n", key.name, names(relation, &key.columns))
    };
    text.extend(table.primary_key.iter().map(|found| key("primary key", found)));
    text.extend(table.uniques.iter().map(|found| key("unique", found)));
    for ForeignKey { name, columns, references, referenced, on_delete, on_update, deferred } in
        &table.foreign_keys
    {
        let other = catalog.relation(*references);
        write!(text, "  foreign key {name} ({}) to ", names(relation, columns)).unwrap();
        write!(text, "{} ({})", other.name.name, names(other, referenced)).unwrap();
        write!(text, " on delete {on_delete:?} on update {on_update:?}").unwrap();
        writeln!(text, "{}", if *deferred { " deferred" } else { "" }).unwrap();
    }
    for check in &table.checks {
        let domain = check.domain.as_ref().map(|domain| format!(" of {}", domain.name)).unwrap_or_default();
        writeln!(text, "  check {}{domain}: {}", check.name, expr(&check.condition)).unwrap();
    }
    for index in &table.indexes {
        let unique = if index.unique { "unique " } else { "" };
        let keys = index.keys.iter().map(|key| {
            let direction = if key.descending { " desc" } else { "" };
            let nulls = if key.nulls_first { " nulls first" } else { "" };
            format!("{}{direction}{nulls}", expr(&key.expr))
        });
        let keys = keys.collect::<Vec<_>>().join(", ");
        let filter =
            index.filter.as_ref().map(|filter| format!(" where {}", expr(filter))).unwrap_or_default();
        writeln!(text, "  {unique}index {} {} ({keys}){filter}", index.name, index.method).unwrap();
    }
    if table.row_security {
        text.push_str("  row security\n");
    }
    for policy in &table.policies {
        let kind = if policy.permissive { "" } else { "restrictive " };
        let using = policy.using.as_ref().map(|using| format!(" using {}", expr(using))).unwrap_or_default();
        let check = policy.check.as_ref().map(|check| format!(" check {}", expr(check))).unwrap_or_default();
        let roles = policy.roles.join(", ");
        writeln!(text, "  {kind}policy {} for {:?} to {roles}{using}{check}", policy.name, policy.command)
            .unwrap();
    }
    text
}

fn function_in_short(catalog: &Catalog, function: &Function) -> String {
    let parameters = function.parameters.iter().map(|parameter| {
        let variadic = if parameter.variadic { "variadic " } else { "" };
        let default =
            parameter.default.as_ref().map(|default| format!(" default {}", display(catalog, default)));
        let default = default.unwrap_or_default();
        format!("{variadic}{} {}{default}", parameter.name, parameter.ty)
    });
    let parameters = parameters.collect::<Vec<_>>().join(", ");
    let set = |set: bool| if set { "setof " } else { "" };
    let returns = match &function.returns {
        Returns::Void => "void".to_owned(),
        Returns::Scalar { ty, set: is_set } => format!("{}{ty}", set(*is_set)),
        Returns::Relation { relation, set: is_set } => {
            format!("{}row of {}", set(*is_set), catalog.relation(*relation).name)
        }
        Returns::Columns { columns, set: is_set } => {
            let columns: Vec<String> = columns.iter().map(|(name, ty)| format!("{name} {ty}")).collect();
            format!("{}({})", set(*is_set), columns.join(", "))
        }
    };
    let strict = if function.strict { " strict" } else { "" };
    let definer = if function.security_definer { " definer" } else { "" };
    format!(
        "function {}({parameters}) returns {returns} {:?}{strict}{definer}, {} statements, for [{}]{}\n",
        function.name,
        function.volatility,
        function.body.len(),
        function.execute.join(", "),
        comment(&function.comment),
    )
}

fn relationship_in_short(catalog: &Catalog, relationship: &Relationship) -> String {
    let (from, to) = (catalog.relation(relationship.from), catalog.relation(relationship.to));
    let pairs = |a: &Relation, b: &Relation, columns: &[(usize, usize)]| {
        let pair = |(x, y): &(usize, usize)| format!("{}={}", a.columns[*x].name, b.columns[*y].name);
        columns.iter().map(pair).collect::<Vec<_>>().join(", ")
    };
    let mut text = format!(
        "{} → {} {:?} by {} ",
        from.name.name, to.name.name, relationship.cardinality, relationship.constraint
    );
    match &relationship.junction {
        None => text.push_str(&pairs(from, to, &relationship.columns)),
        Some(junction) => {
            let between = catalog.relation(junction.relation);
            write!(text, "{} through {} ", pairs(from, between, &relationship.columns), between.name.name)
                .unwrap();
            write!(text, "by {} {}", junction.constraint, pairs(between, to, &junction.columns)).unwrap();
        }
    }
    text.push('\n');
    text
}

fn names(relation: &Relation, columns: &[usize]) -> String {
    columns.iter().map(|column| relation.columns[*column].name.as_str()).collect::<Vec<_>>().join(", ")
}

fn comment(comment: &Option<String>) -> String {
    comment.as_ref().map(|comment| format!(" -- {comment}")).unwrap_or_default()
}
