//! The catalog of a database with one of everything, against its outline in `introspect/rich.txt`, and how long a large one takes.
//! `UPDATE_EXPECT=1` rewrites the outline.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use plinth_catalog::expr::display;
use plinth_catalog::{Catalog, Columns, Privileges, RelationKind, Returns};
use plinth_engine::Engine as _;
use plinth_postgres::{Address, Options, PostgresEngine};
use plinth_tests::Postgres;

fn read(postgres: &Postgres, database: &str) -> std::sync::Arc<Catalog> {
    let address = Address::parse(&postgres.url("postgres", database)).unwrap();
    let engine = PostgresEngine::new(address, Options::default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(engine.reload()).unwrap();
    engine.catalog()
}

fn columns(covered: &Columns) -> String {
    match covered {
        Columns::None => "-".into(),
        Columns::All => "all".into(),
        Columns::Some(columns) => format!("{columns:?}"),
    }
}

fn outline(catalog: &Catalog) -> String {
    let mut text = String::new();
    for schema in &catalog.schemas {
        writeln!(text, "schema {} {:?}", schema.name, schema.comment).unwrap();
    }
    for role in catalog.roles.iter().filter(|role| role.name.starts_with("rich_") || role.superuser) {
        let flags = (role.superuser, role.bypass_row_security);
        writeln!(text, "role {} in {:?} superuser, bypass {flags:?}", role.name, role.member_of).unwrap();
    }
    for ty in &catalog.enums {
        writeln!(text, "enum {}.{} {:?}", ty.schema, ty.name, ty.labels).unwrap();
    }
    for domain in &catalog.domains {
        let default = domain.default.as_ref().map(|default| display(catalog, default));
        writeln!(
            text,
            "domain {} {} {:?} not null {} default {default:?} {:?}",
            domain.name, domain.ty, domain.modifier, domain.not_null, domain.comment
        )
        .unwrap();
    }
    for relation in &catalog.relations {
        writeln!(text, "{} {:?}", relation.name, relation.comment).unwrap();
        for column in &relation.columns {
            write!(text, "  {} {} {:?}", column.name, column.ty, column.modifier).unwrap();
            write!(text, " declared {}", column.declared.as_deref().unwrap_or_default()).unwrap();
            if let Some(domain) = &column.domain {
                write!(text, " domain {domain}").unwrap();
            }
            for (what, expr) in [("default", &column.default), ("generated", &column.generated)] {
                if let Some(expr) = expr {
                    write!(text, " {what} {}", display(catalog, expr)).unwrap();
                }
            }
            let marks = (column.nullable, column.identity);
            writeln!(text, " nullable, identity {marks:?} {:?}", column.comment).unwrap();
        }
        match &relation.kind {
            RelationKind::Table(table) => {
                writeln!(text, "  {:?} table, row security {}", table.kind, table.row_security).unwrap();
                writeln!(text, "  primary {:?}\n  unique {:?}", table.primary_key, table.uniques).unwrap();
                for key in &table.foreign_keys {
                    let to = &catalog.relation(key.references).name;
                    writeln!(
                        text,
                        "  {} {:?} to {to} {:?} {:?} deferred {}",
                        key.name, key.columns, key.referenced, key.on_delete, key.deferred
                    )
                    .unwrap();
                }
            }
            RelationKind::View(view) => {
                let invoker = (view.materialized, view.security_invoker);
                writeln!(text, "  view materialized, invoker {invoker:?} {:?}", view.writable).unwrap();
                let origins: Vec<String> = view
                    .origins
                    .iter()
                    .map(|origin| {
                        origin.map_or("-".into(), |(table, column)| {
                            let table = catalog.relation(table);
                            format!("{}.{}", table.name, table.columns[column].name)
                        })
                    })
                    .collect();
                writeln!(text, "  shows {}", origins.join(", ")).unwrap();
            }
        }
        let mut grants: Vec<(&String, &Privileges)> = relation.grants.roles.iter().collect();
        grants.sort_by_key(|(role, _)| *role);
        for (role, held) in grants.into_iter().filter(|(role, _)| !role.starts_with("pg_")) {
            let (select, insert, update) =
                (columns(&held.select), columns(&held.insert), columns(&held.update));
            writeln!(
                text,
                "  {role}: select {select} insert {insert} update {update} delete {}",
                held.delete
            )
            .unwrap();
        }
    }
    for relationship in &catalog.relationships {
        let (from, to) = (&catalog.relation(relationship.from).name, &catalog.relation(relationship.to).name);
        writeln!(
            text,
            "{from} to {to} {:?} {:?} by {}",
            relationship.cardinality, relationship.columns, relationship.constraint
        )
        .unwrap();
    }
    for function in &catalog.functions {
        let parameters: Vec<String> = function
            .parameters
            .iter()
            .map(|parameter| {
                let variadic = if parameter.variadic { "variadic " } else { "" };
                let default = if parameter.default.is_some() { " default" } else { "" };
                let row = if parameter.row.is_some() { " row" } else { "" };
                let declared = parameter.declared.as_deref().unwrap_or_default();
                format!("{variadic}{}: {} {declared}{default}{row}", parameter.name, parameter.ty)
            })
            .collect();
        write!(text, "{}({}) ", function.name, parameters.join(", ")).unwrap();
        match &function.returns {
            Returns::Relation { relation, set } => {
                write!(text, "rows of {} set {set}", catalog.relation(*relation).name).unwrap();
            }
            Returns::Columns { columns, set } => {
                let columns: Vec<String> = columns.iter().map(|(name, ty)| format!("{name} {ty}")).collect();
                write!(text, "columns ({}) set {set}", columns.join(", ")).unwrap();
            }
            Returns::Scalar { ty, set } => write!(text, "{ty} set {set}").unwrap(),
            Returns::Void => write!(text, "void").unwrap(),
        }
        writeln!(
            text,
            " {:?} strict {} definer {} one {} by {:?} {:?}",
            function.volatility,
            function.strict,
            function.security_definer,
            function.rows_one,
            function.execute,
            function.comment
        )
        .unwrap();
    }
    text
}

#[test]
fn one_of_everything() {
    let Some(postgres) = Postgres::shared() else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/introspect");
    let database = postgres.database();
    postgres.run(&database, &std::fs::read_to_string(folder.join("rich.sql")).unwrap());
    let catalog = read(postgres, &database);
    let text = outline(&catalog);
    let expected = folder.join("rich.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&expected, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&expected).unwrap_or_default());
    let known = catalog.database.as_ref().expect("the catalog is a database's");
    assert!(known.version >= 130_000 && known.time_zones.contains("Europe/Berlin"));
    let castable =
        |schema: &str, name: &str| known.types.get(&(schema.into(), name.into())).map(ToString::to_string);
    assert_eq!(castable("pg_catalog", "int4").as_deref(), Some("integer"));
    assert_eq!(castable("api", "email").as_deref(), Some("api.email"));
    assert_eq!(castable("api", "point3").as_deref(), Some("api.point3"));
    assert_eq!(castable("api", "nowhere"), None);
}

/// A thousand tables with a hundred views and as many functions. The time is printed; the limit is the promise of a second with room
/// for a busy machine and an unoptimised build.
#[test]
fn a_thousand_tables() {
    let Some(postgres) = Postgres::shared() else { return };
    let database = postgres.database();
    postgres.run(
        &database,
        "do $$ begin
           for i in 1..1000 loop
             execute format('create table t%s (id int primary key, a text, b timestamptz default now(), c numeric(10,2), d jsonb, e int %s)',
               i, case when i > 1 then format('references t%s', i - 1) else '' end);
             if i % 10 = 0 then
               execute format('create view v%s as select t.id, t.a, o.b from t%s t join t%s o on o.id = t.e', i, i, i - 1);
               execute format('create function f%s(a int, b text default null) returns setof t%s language sql stable as ''select * from t%s''', i, i, i);
             end if;
           end loop;
         end $$",
    );
    let started = Instant::now();
    let catalog = read(postgres, &database);
    let elapsed = started.elapsed();
    println!("1,000 tables, 100 views, 100 functions: {elapsed:?}");
    assert_eq!((catalog.relations.len(), catalog.functions.len()), (1_100, 100));
    assert!(elapsed < Duration::from_secs(3), "{elapsed:?}");
}
