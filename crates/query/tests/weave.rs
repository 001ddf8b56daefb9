//! Policies, views and functions inside each other: whose rights hold where, what recursion and repetition do, and which policies
//! are told to have taken part.

mod common;

use common::*;
use plinth_query::request::*;
use plinth_query::{Caller, plan};

const TABLES: &str = "
    create table a (id integer primary key, b integer, hidden text);
    create table b (id integer primary key, a integer);
    grant select (id, b) on a to anon;
    alter table a enable row level security;
";

/// `select id from a` for anon, over the tables and what is added to them.
fn planned(added: &str) -> String {
    let catalog = catalog(&format!("{TABLES}{added}"));
    let request = Request { select: vec![field("id")], ..get("a") };
    match plan(&catalog, &Caller::with_role("anon"), &request) {
        Ok(plan) => outline::plan(&catalog, &plan),
        Err(refusal) => format!("{refusal:?}"),
    }
}

#[test]
fn policies() {
    for (added, expected) in [
        ("", "select id: r1.0 from a r1 secured (0)"),
        ("create policy p on a using (true);", "select id: r1.0 from a r1"),
        (
            "create policy p on a using (id = 1); create policy q on a using (id = 2);",
            "select id: r1.0 from a r1 secured ((r1.0 = 1 or r1.0 = 2))",
        ),
        ("create policy p on a as restrictive using (id = 1);", "select id: r1.0 from a r1 secured (0)"),
        ("create policy p on a for update using (true);", "select id: r1.0 from a r1 secured (0)"),
        ("create policy p on a to authenticated using (true);", "select id: r1.0 from a r1 secured (0)"),
        // A policy may look at columns that the caller may not read …
        ("create policy p on a using (hidden = 'x');", "select id: r1.0 from a r1 secured (r1.2 = 'x')"),
        // … of its own table, but reads other tables with the caller's rights.
        (
            "create policy p on a using (exists (select 1 from b where b.a = a.id));",
            "PermissionDenied { kind: \"table\", name: \"b\" }",
        ),
        (
            "grant select (id) on b to anon;
             create policy p on a using (exists (select 1 from b where b.a = a.id));",
            "PermissionDenied { kind: \"table\", name: \"b\" }",
        ),
        (
            "grant select on b to anon;
             alter table b enable row level security; create policy q on b using (id > 0);
             create policy p on a using (exists (select 1 from b where b.a = a.id));",
            "select id: r1.0 from a r1 secured (exists (select 1 from b r3 secured (r3.0 > 0) where r3.1 = r1.0))",
        ),
        (
            "create policy p on a using (exists (select 1 from a x where x.id = a.b));",
            "Sql { code: \"42P17\", message: \"infinite recursion detected in policy for relation \\\"a\\\"\", detail: None, hint: None }",
        ),
    ] {
        assert_eq!(planned(added), expected, "{added}");
    }
}

#[test]
fn functions_and_views() {
    let too_deep = "Sql { code: \"54001\", message: \"stack depth limit exceeded\"";
    for (added, expected) in [
        // The owner sees everything.
        (
            "create function f() returns setof integer language sql security definer as $$ select a from b $$;
             create policy p on a using (id in (select f()));",
            "select id: r1.0 from a r1 secured (r1.0 in (select r3.0 from (select r5.1 from b r5) r3))",
        ),
        // The caller does not.
        (
            "create function f() returns setof integer language sql as $$ select a from b $$;
             create policy p on a using (id in (select f()));",
            "PermissionDenied { kind: \"table\", name: \"b\" }",
        ),
        (
            "create function f() returns boolean language sql as $$ select true $$;
             revoke execute on function f() from public; create policy p on a using (f());",
            "PermissionDenied { kind: \"function\", name: \"f\" }",
        ),
        // What a definer calls runs as the owner, too.
        (
            "create function g() returns bigint language sql as $$ select count(*) from b $$;
             revoke execute on function g() from public;
             create function f() returns boolean language sql security definer as $$ select g() > 0 $$;
             create policy p on a using (f());",
            "select id: r1.0 from a r1 secured ((select count(*) from b r4 group by ()) > 0)",
        ),
        // A function that calls the caller's rights back to its own table.
        (
            "create function f(n integer) returns boolean language sql as $$ select exists (select 1 from a where id = n) $$;
             create policy p on a using (f(b));",
            too_deep,
        ),
        // An argument with a query, or that may change, is computed once.
        (
            "create function f(n integer) returns boolean language sql as $$ select n > 1 and n < 5 $$;
             grant select on b to anon;
             create policy p on a using (f((select max(id) from b)));",
            "select id: r1.0 from a r1 secured ((select (r4.0 > 1 and r4.0 < 5) from (select (select max(r3.0) from b r3 group by ())) r4))",
        ),
        (
            "create function f(n integer) returns boolean language sql as $$ select n > 1 and n < 5 $$;
             create policy p on a using (f(b));",
            "select id: r1.0 from a r1 secured ((r1.1 > 1 and r1.1 < 5))",
        ),
        // A view has its owner's rights, but who calls functions in it is still the caller.
        (
            "create function f() returns bigint language sql as $$ select count(*) from b $$;
             create view v as select f() as n from b;
             create function d() returns bigint language sql security definer as $$ select n from v $$;
             create policy p on a using (d() > 0);",
            "select id: r1.0 from a r1 secured ((select r3.0 from (select (select count(*) from b r7 group by ()) from b r5) r3 limit 1) > 0)",
        ),
        (
            "create function f() returns bigint language sql as $$ select count(*) from b $$;
             create view v as select f() as n from b; grant select on v to anon;
             create policy p on a using (exists (select 1 from v where n > 0));",
            "PermissionDenied { kind: \"table\", name: \"b\" }",
        ),
    ] {
        let planned = planned(added);
        if expected == too_deep {
            assert!(planned.starts_with(expected), "{added}\n{planned}");
        } else {
            assert_eq!(planned, expected, "{added}");
        }
    }
}

#[test]
fn applied_policies_are_told() {
    let request = Request {
        action: Action::Insert(Insert { returning: Returning::Rows, ..insert("{}") }),
        select: vec![field("id"), sub("clients", vec![field("id")]), sub("users", vec![field("id")])],
        ..get("projects")
    };
    let plan = plan_as("authenticated", &request).unwrap();
    let told: Vec<String> = plan
        .applied
        .iter()
        .map(|applied| {
            format!("{} {} {}", applied.relation, applied.policy.as_deref().unwrap_or("-"), applied.role)
        })
        .collect();
    assert_eq!(
        told,
        [
            "public.projects projects_write insert check",
            "public.projects projects_read select using on the new row"
        ]
    );
    let told = plan_as("anon", &get("nodes")).unwrap().applied;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].policy, None);
}
