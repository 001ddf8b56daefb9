//! Tables and indexes as SQLite makes them, what they refuse, and what cannot be made.

use plinth_catalog::{Defaults, SourceFile, parse_query, read};

use super::super::{add_column, create_indexes, create_table, notes, query, rowid, supported};
use super::{catalog, database};

#[test]
fn definitions_are_written_in_full() {
    let catalog = catalog(
        "create type mood as enum ('sad', 'ok');
         create schema shop;
         create table a (id integer primary key, u uuid not null unique, n numeric(10, 2) not null default 1.5 check (n > 0));
         create table shop.b (
             x integer, y text default 'it''s', at timestamptz default now(), m mood default 'ok', flags boolean[],
             a_id integer references a (id) on delete set null on update cascade deferrable initially deferred,
             size real generated always as (length(y)) stored,
             primary key (x, y), constraint b_n unique nulls not distinct (m, a_id)
         );
         create index b_lower on shop.b (lower(y), x desc) where m = 'ok';
         create index b_flags on shop.b using gin (flags);",
    );
    let table = |schema, name| create_table(&catalog, catalog.find_relation(schema, name).unwrap()).unwrap();
    assert_eq!(
        table("public", "a"),
        "create table \"a\" (\n  \"id\" INTEGER not null primary key,\n  \"u\" TEXT not null,\n  \
         \"n\" TEXT not null collate \"plinth_numeric\" default ('1.50'),\n  \
         constraint \"a_u_key\" unique (\"u\"),\n  constraint \"a_n_check\" check ((\"n\" > '0'))\n) strict"
    );
    assert_eq!(
        table("shop", "b"),
        "create table \"shop.b\" (\n  \"x\" INTEGER not null,\n  \"y\" TEXT not null default ('it''s'),\n  \
         \"at\" INTEGER,\n  \"m\" TEXT collate \"plinth_enum_public_mood\" default ('ok'),\n  \
         \"flags\" TEXT collate \"plinth_array_bool\",\n  \"a_id\" INTEGER,\n  \
         \"size\" REAL generated always as (plinth_cast('int4>float4>>implicit', length(\"y\"))) stored,\n  \
         constraint \"b_pkey\" primary key (\"x\", \"y\"),\n  constraint \"b_a_id_fkey\" foreign key (\"a_id\") \
         references \"a\" (\"id\") on delete set null on update cascade deferrable initially deferred\n) strict"
    );
    let b = catalog.find_relation("shop", "b").unwrap();
    assert_eq!(
        create_indexes(&catalog, b).unwrap(),
        [
            "create unique index \"shop.b_n\" on \"shop.b\" (coalesce(\"m\", '') collate \"plinth_enum_public_mood\", \
             (\"m\" is null), coalesce(\"a_id\", 0), (\"a_id\" is null))",
            "create index \"shop.b_lower\" on \"shop.b\" (plinth_lower(\"y\"), \"x\" desc) where (\"m\" = 'ok')",
        ]
    );
    assert_eq!(notes(&catalog).len(), 1);
    assert_eq!(rowid(b), "rowid");
    database(&catalog);
}

#[test]
fn the_example_can_be_kept() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/hiring/schema");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let schema: Vec<String> = paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let catalog = catalog(&schema.join("\n"));
    let connection = database(&catalog);
    // The list of published postings, newest first, is read from its index.
    let text = "select title from posting where state = 'published' order by published_at desc limit 20";
    let newest = query(&catalog, &parse_query(&catalog, &["public"], text).unwrap()).unwrap();
    let mut plan = connection.prepare(&format!("explain query plan {}", newest.text)).unwrap();
    let steps: Vec<String> = plan.query_map([], |row| row.get(3)).unwrap().map(Result::unwrap).collect();
    assert_eq!(steps, ["SCAN t1 USING INDEX posting_published_at_idx"]);
    for view in catalog.relations.iter() {
        if let plinth_catalog::RelationKind::View(view) = &view.kind {
            // Functions of the schema are inlined by planning.
            if let Some(Ok(sql)) = view.query.as_ref().map(|shown| query(&catalog, shown)) {
                connection.prepare(&sql.text).unwrap_or_else(|e| panic!("{e}\n{}", sql.text));
            }
        }
    }
}

#[test]
fn tables_refuse_what_postgresql_refuses() {
    let catalog = catalog(
        "create type mood as enum ('sad', 'ok');
         create table t (
             id integer primary key, n numeric unique, m mood check (m = any (array['ok'::mood])), c char(3) unique,
             day date check (day <= current_date), k integer, constraint t_k unique nulls not distinct (k)
         );",
    );
    let connection = database(&catalog);
    let cases = [
        ("insert into t values (1, '1.0', 'ok', 'a  ', 0, 1)", ""),
        ("insert into t values (2, '1.00', 'ok', 'b  ', 0, 2)", "UNIQUE constraint failed: t.n"),
        ("insert into t values (2, '2', 'sad', 'b  ', 0, 2)", "CHECK constraint failed: t_m_check"),
        ("insert into t values (2, '2', null, 'a', 0, 2)", "UNIQUE constraint failed: t.c"),
        ("insert into t values (2, '2', null, 'b  ', 9999999, 2)", "CHECK constraint failed: t_day_check"),
        ("insert into t values (2, '2', null, 'b  ', 0, null)", ""),
        ("insert into t values (3, '3', null, 'c  ', 0, null)", "UNIQUE constraint failed: index 't_k'"),
        ("insert into t values (3, '3', null, 'c  ', 0, 0)", ""),
        (
            "insert into t values (4, '4', null, 'd  ', 'x', 4)",
            "cannot store TEXT value in INTEGER column t.day",
        ),
    ];
    for (text, expected) in cases {
        let given = connection.execute(text, []).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(given.starts_with(expected) && given.is_empty() == expected.is_empty(), "{text}: {given}");
    }
}

#[test]
fn columns_are_added_where_sqlite_can() {
    let before = "create table p (id bigint primary key); create table t (id bigint primary key)";
    let added = [
        ("note text", true),
        ("n numeric(5, 1) not null default 1 check (n > 0)", true),
        ("p_id bigint references p", true),
        ("at timestamptz default now()", false),
        ("n integer not null", false),
        ("n integer unique", false),
        ("n integer generated always as (id::integer) stored", false),
        ("p_id bigint default 1 references p", false),
        ("n serial", false),
    ];
    for (column, possible) in added {
        let connection = database(&catalog(before));
        let after = catalog(&format!("{}, {column})", before.trim_end_matches(')')));
        let table = after.find_relation("public", "t").unwrap();
        let statement = add_column(&after, table, 1).unwrap();
        assert_eq!(statement.is_some(), possible, "{column}: {statement:?}");
        if let Some(statement) = statement {
            connection.execute_batch("insert into t values (1)").unwrap();
            connection.execute_batch(&statement).unwrap_or_else(|e| panic!("{e}: {statement}"));
        }
    }
}

#[test]
fn what_cannot_be_kept_is_said_before() {
    let cases = [
        ("create table t (a integer, \"A\" integer)", "have the same name in SQLite"),
        ("create table t (a integer); create table \"T\" (a integer)", "have the same name in SQLite"),
        ("create table sqlite_t (a integer)", "reserved name"),
        ("create table t (rowid integer, oid integer, _rowid_ integer)", "rename one of them"),
        ("create table t (a integer check (a < random()))", "calls random"),
        (
            "create table t (a timestamptz, b date generated always as (a::date) stored)",
            "depends on the session",
        ),
        ("create table t (a text); create index t_i on t ((a::date))", "depends on the session"),
        ("create table t (a uuid check (a = auth.uid()))", "depends on who asks"),
        ("create table t (a integer); create materialized view v as select a from t", "make it a view"),
    ];
    for (schema, expected) in cases {
        let file = SourceFile { path: "schema.sql".into(), text: schema.into() };
        match read(&[file], &Defaults::default()) {
            Ok(catalog) => {
                let problems = supported(&catalog);
                assert!(problems.iter().any(|problem| problem.contains(expected)), "{schema}: {problems:?}");
            }
            // Reading may refuse it first, as PostgreSQL does.
            Err(problems) => assert!(!problems.is_empty(), "{schema}"),
        }
    }
    assert!(supported(&catalog("create table t (a integer check (a > 0))")).is_empty());
}
