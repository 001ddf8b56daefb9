//! What is planned for which write or call of which role, and what is refused.
//! The expectations are in `expected/`.

mod common;

use common::*;
use plinth_query::request::*;

#[test]
fn writes() {
    let returned = |request: Request| match request.action {
        Action::Insert(insert) => {
            Request { action: Action::Insert(Insert { returning: Returning::Rows, ..insert }), ..request }
        }
        _ => request,
    };
    let upsert = |body: &str, columns: Option<&[&str]>, merge: bool| {
        let columns = columns.map(|columns| columns.iter().map(|column| column.to_string()).collect());
        Action::Insert(Insert { conflict: Some(Conflict { columns, merge }), ..insert(body) })
    };
    let put = |filters: Vec<Filter>, body: &str| Request {
        action: Action::Insert(Insert { put: true, ..insert(body) }),
        filters,
        ..get("users")
    };
    let key = || when("id", eq("1"));
    check(
        "writes",
        vec![
            (
                "insert",
                "authenticated",
                post("projects", r#"{"id": 1, "name": "x", "tags": ["a"], "data": {"b":1}}"#),
            ),
            ("insert and read", "authenticated", returned(post("projects", r#"[{"id": 1}, {"id": null}]"#))),
            (
                "insert and embed",
                "authenticated",
                Request {
                    select: vec![field("id"), sub("clients", vec![field("name")])],
                    ..returned(post("projects", r#"{"id": 1}"#))
                },
            ),
            ("insert defaults", "authenticated", post("projects", "{}")),
            ("insert nothing", "authenticated", post("projects", "[]")),
            (
                "insert for the location",
                "authenticated",
                Request {
                    action: Action::Insert(Insert { returning: Returning::Keys, ..insert(r#"{"id": 1}"#) }),
                    ..get("projects")
                },
            ),
            (
                "columns, absent ones null",
                "anon",
                Request {
                    action: Action::Insert(Insert {
                        columns: Some(vec!["id".into(), "name".into()]),
                        ..insert(r#"[{"id": 1, "z": 2}]"#)
                    }),
                    ..get("clients")
                },
            ),
            (
                "columns, absent ones default",
                "anon",
                Request {
                    action: Action::Insert(Insert {
                        columns: Some(vec!["id".into(), "name".into()]),
                        missing_default: true,
                        ..insert(r#"[{"id": 1}]"#)
                    }),
                    ..get("clients")
                },
            ),
            (
                "upsert",
                "authenticated",
                Request {
                    action: upsert(
                        r#"{"id": 1, "owner": "00000000-0000-0000-0000-000000000001"}"#,
                        None,
                        true,
                    ),
                    ..get("notes")
                },
            ),
            (
                "upsert by other columns",
                "authenticated",
                Request { action: upsert(r#"{"id": 1}"#, Some(&["body", "owner"]), true), ..get("notes") },
            ),
            (
                "ignore",
                "authenticated",
                Request { action: upsert(r#"{"id": 1}"#, None, false), ..get("notes") },
            ),
            (
                "upsert with update policies",
                "authenticated",
                Request { action: upsert(r#"{"id": 1}"#, None, true), ..get("projects") },
            ),
            ("put", "authenticated", put(vec![key()], r#"{"id": 1, "name": "x"}"#)),
            ("update", "authenticated", patch("projects", r#"{"name": "x"}"#, Returning::Minimal)),
            (
                "update what is found",
                "authenticated",
                Request { filters: vec![key()], ..patch("projects", r#"{"name": "x"}"#, Returning::Minimal) },
            ),
            (
                "update and read",
                "authenticated",
                Request { select: vec![field("id")], ..patch("notes", r#"{"body": "x"}"#, Returning::Rows) },
            ),
            ("update nothing", "authenticated", patch("projects", "{}", Returning::Minimal)),
            (
                "delete",
                "authenticated",
                Request { filters: vec![key()], ..delete("notes", Returning::Minimal) },
            ),
            ("delete without a policy", "authenticated", delete("projects", Returning::Minimal)),
            ("delete blindly", "service_role", delete("notes", Returning::Minimal)),
            ("no right", "anon", post("notes", "{}")),
            ("no right to insert", "anon", post("project_names", "{}")),
            ("no right to update", "anon", patch("users", r#"{"name": "x"}"#, Returning::Minimal)),
            ("no right to delete", "anon", delete("users", Returning::Minimal)),
            ("through a view", "authenticated", returned(post("project_names", r#"{"id": 1, "name": "x"}"#))),
            (
                "through a view, update",
                "authenticated",
                Request {
                    filters: vec![key()],
                    ..patch("project_names", r#"{"name": "x"}"#, Returning::Minimal)
                },
            ),
            ("through a view, delete", "authenticated", delete("project_names", Returning::Minimal)),
            ("through an invoker's view", "authenticated", post("own_names", r#"{"id": 1, "name": "x"}"#)),
            (
                "through an invoker's view, a column that may not be updated",
                "authenticated",
                patch("own_names", r#"{"id": 1}"#, Returning::Minimal),
            ),
            ("a view that cannot be written", "service_role", post("totals_by_client", "{}")),
            ("an unknown key", "anon", post("clients", r#"{"secrex": 1}"#)),
            ("a hidden key", "anon", post("clients", r#"{"secret": 1}"#)),
            ("a key that may not be updated", "anon", patch("clients", r#"{"id": 1}"#, Returning::Minimal)),
            ("a generated column", "authenticated", post("projects", r#"{"label": "X"}"#)),
            (
                "a generated column in an update",
                "authenticated",
                patch("projects", r#"{"label": "X"}"#, Returning::Minimal),
            ),
            ("an identity", "anon", post("messages", r#"{"id": 1}"#)),
            ("a value that is none", "authenticated", post("projects", r#"{"id": "x"}"#)),
            ("unequal keys", "anon", post("clients", r#"[{"id": 1}, {"name": "x"}]"#)),
            ("no JSON", "anon", post("clients", "{")),
            (
                "too many rows",
                "anon",
                Request {
                    limits: Limits { max_payload_rows: 1, ..Limits::default() },
                    ..post("clients", "[{},{}]")
                },
            ),
            (
                "no unique constraint",
                "authenticated",
                Request { action: upsert(r#"{"id": 1}"#, Some(&["body"]), true), ..get("notes") },
            ),
            (
                "an unknown conflict column",
                "authenticated",
                Request { action: upsert(r#"{"id": 1}"#, Some(&["nope"]), true), ..get("notes") },
            ),
            (
                "upsert without the right to update",
                "anon",
                Request { action: upsert(r#"{"id": 1, "name": "x"}"#, None, true), ..get("users") },
            ),
            ("put with other filters", "authenticated", put(vec![when("name", eq("x"))], r#"{"id": 1}"#)),
            (
                "put with another operator",
                "authenticated",
                put(vec![when("id", compare(Comparison::Gt, "1"))], r#"{"id": 1}"#),
            ),
            ("put with another key", "authenticated", put(vec![key()], r#"{"id": 2}"#)),
            ("put without the key", "authenticated", put(vec![key()], r#"{"name": "x"}"#)),
            (
                "a filter by a hidden column",
                "anon",
                Request { filters: vec![when("secret", eq("x"))], ..delete("clients", Returning::Minimal) },
            ),
            (
                "a returned column that is hidden",
                "anon",
                Request { select: vec![field("secret")], ..returned(post("clients", r#"{"id": 1}"#)) },
            ),
        ],
    );
}

#[test]
fn calls() {
    check(
        "calls",
        vec![
            ("a value", "anon", call("add", r#"{"a": 1, "b": 2}"#)),
            ("a default", "anon", call("add", r#"{"a": 1}"#)),
            ("text arguments", "anon", call_get("add", &[("a", "1"), ("b", "2")])),
            ("values", "anon", call("visible_clients", "{}")),
            ("the owner's rights", "anon", call("client_count", "")),
            (
                "rows of a relation",
                "anon",
                Request {
                    select: vec![field("id"), sub("clients", vec![field("name")])],
                    filters: vec![when("done", eq("true"))],
                    order: vec![by("id")],
                    limit: Some(3),
                    ..call("find_projects", r#"{"word": "a%"}"#)
                },
            ),
            ("a table", "service_role", call("totals", "{}")),
            ("a row", "service_role", call("one_client", r#"{"client": 1}"#)),
            ("a row with columns that may not be read", "anon", call("one_client", r#"{"client": 1}"#)),
            ("the whole body", "anon", call("take", r#"[1, 2]"#)),
            ("variadic", "anon", call_get("sum_all", &[("numbers", "1"), ("numbers", "2")])),
            ("a write", "service_role", call("rename_client", r#"{"client": 1, "new_name": "x"}"#)),
            ("nothing comes back", "anon", call("reset_notes", "{}")),
            (
                "a write by GET",
                "service_role",
                call_get("rename_client", &[("client", "1"), ("new_name", "x")]),
            ),
            (
                "a write without the right",
                "authenticated",
                call("rename_client", r#"{"client": 1, "new_name": "x"}"#),
            ),
            ("no right to execute", "anon", call("private_answer", "{}")),
            ("no such function", "anon", call("private_answex", "{}")),
            (
                "nothing is hidden",
                "anon",
                Request {
                    limits: Limits { hide_ungranted: false, ..Limits::default() },
                    ..call("private_answer", "{}")
                },
            ),
            ("no such arguments", "anon", call("add", r#"{"x": 1}"#)),
            ("too few arguments", "anon", call_get("add", &[])),
            ("ambiguous", "anon", call("over", r#"{"a": 1}"#)),
            ("a similar name", "anon", call("total", "{}")),
            ("a value that is none", "anon", call("add", r#"{"a": "x"}"#)),
            ("no JSON", "anon", call("add", "{")),
        ],
    );
}
