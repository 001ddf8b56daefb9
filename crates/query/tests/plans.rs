//! What is planned for which request of which role, and what is refused. The expectations are in `expected/`, one file per
//! subject, the outline of a plan or the refusal below the title of its case; `UPDATE_EXPECT=1` writes them anew.

mod common;

use std::path::Path;

use common::*;
use plinth_query::request::*;

type Case = (&'static str, &'static str, Request);

fn check(subject: &str, cases: Vec<Case>) {
    let mut text = String::new();
    for (title, role, request) in cases {
        text += &format!("-- {title} ({role})\n{}\n\n", outline_as(role, &request));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/expected/{subject}.txt"));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    if expected != text {
        let differs = text.lines().zip(expected.lines()).find(|(got, wanted)| got != wanted);
        panic!("{subject} differs, first in {differs:#?}");
    }
}

fn select(relation: &str, select: Vec<SelectItem>) -> Request {
    Request { select, ..get(relation) }
}

fn filter(relation: &str, filters: Vec<Filter>) -> Request {
    Request { select: vec![field("id")], filters, ..get(relation) }
}

fn inner(embed: Embed) -> SelectItem {
    SelectItem::Embed(Embed { inner: Some(true), ..embed })
}

fn any(op: Comparison, value: &str) -> Operation {
    Operation::Compare { op, quantifier: Some(Quantifier::Any), value: value.into() }
}

fn contains(op: Containment, value: &str) -> Operation {
    Operation::Containment { op, value: value.into() }
}

#[test]
fn reads() {
    check(
        "reads",
        vec![
            ("all columns that may be read", "anon", get("clients")),
            ("no policy applies", "anon", get("nodes")),
            ("all policies, none bypassed", "anon", select("projects", vec![field("id")])),
            (
                "the restrictive policy is for anon only",
                "authenticated",
                select("projects", vec![field("id")]),
            ),
            ("row security is bypassed", "service_role", select("projects", vec![field("id")])),
            ("owner of rows", "authenticated", select("notes", vec![field("body")])),
            ("a view has its owner's rights", "anon", get("project_names")),
            ("an invoker's view has the caller's", "anon", get("own_names")),
            (
                "a path",
                "service_role",
                select("projects", vec![field("data->a->0->>b"), field("data->0"), field("tags->0")]),
            ),
            (
                "casts",
                "service_role",
                select(
                    "projects",
                    vec![cast("id", "text"), cast("data->>a", "integer"), cast("budget", "numeric(10,2)")],
                ),
            ),
            ("an empty select", "anon", select("clients", vec![])),
            (
                "order and range",
                "anon",
                Request {
                    order: vec![
                        by("name"),
                        Order { descending: true, ..by("id") },
                        Order { nulls_first: Some(true), ..by("name") },
                    ],
                    limit: Some(5),
                    offset: 10,
                    ..get("clients")
                },
            ),
            ("a limit above the highest", "anon", Request { limit: Some(5000), ..get("clients") }),
            ("a policy that leads back to its table", "anon", get("circles")),
            ("a column that may not be read", "anon", select("clients", vec![field("secret")])),
            ("a column that does not exist", "anon", select("clients", vec![field("secrex")])),
            ("a table that may not be read", "anon", get("vaults")),
            ("a table that does not exist", "anon", get("vaultx")),
            ("a table with a similar name", "anon", get("client")),
            ("a table without any right", "anon", get("notes")),
            (
                "nothing is hidden",
                "anon",
                Request { limits: Limits { hide_ungranted: false, ..Limits::default() }, ..get("vaults") },
            ),
            (
                "nothing is hidden, a column",
                "anon",
                Request {
                    limits: Limits { hide_ungranted: false, ..Limits::default() },
                    ..select("clients", vec![field("secret")])
                },
            ),
            ("no such cast", "service_role", select("projects", vec![cast("done", "date")])),
            ("no such type", "service_role", select("projects", vec![cast("done", "nonsense")])),
            ("a path into text", "service_role", select("projects", vec![field("name->a")])),
            ("order by json", "service_role", Request { order: vec![by("raw")], ..get("projects") }),
        ],
    );
}

#[test]
fn filters() {
    use Comparison::*;
    check(
        "filters",
        vec![
            (
                "comparisons",
                "service_role",
                filter(
                    "projects",
                    vec![
                        when("id", eq("1")),
                        when("name", compare(Neq, "x")),
                        when("budget", compare(Gte, "1.50")),
                        when("mood", compare(Lt, "happy")),
                        when_not("done", eq("true")),
                    ],
                ),
            ),
            (
                "patterns",
                "service_role",
                filter(
                    "projects",
                    vec![
                        when("name", compare(Like, "a%")),
                        when("name", compare(Ilike, "a%")),
                        when("name", compare(Match, "^a")),
                        when("name", compare(Imatch, "^a")),
                    ],
                ),
            ),
            (
                "paths",
                "service_role",
                filter(
                    "projects",
                    vec![
                        when("data->>a", eq("1")),
                        when("data->a", eq("1")),
                        when("data->a->>0", compare(Gt, "x")),
                    ],
                ),
            ),
            (
                "quantifiers",
                "service_role",
                filter(
                    "projects",
                    vec![
                        when("id", any(Eq, "{1,2}")),
                        when(
                            "name",
                            Operation::Compare {
                                op: Like,
                                quantifier: Some(Quantifier::All),
                                value: "{a%,%b}".into(),
                            },
                        ),
                    ],
                ),
            ),
            (
                "lists",
                "service_role",
                filter(
                    "projects",
                    vec![
                        when("id", Operation::In(vec!["1".into(), "2".into()])),
                        when_not("id", Operation::In(vec![])),
                    ],
                ),
            ),
            (
                "is",
                "service_role",
                filter(
                    "projects",
                    vec![
                        when("name", Operation::Is(Is::Null)),
                        when("name", Operation::Is(Is::NotNull)),
                        when("done", Operation::Is(Is::True)),
                        when_not("done", Operation::Is(Is::Unknown)),
                        when("budget", Operation::IsDistinct("2".into())),
                    ],
                ),
            ),
            (
                "containment",
                "service_role",
                filter(
                    "projects",
                    vec![
                        when("tags", contains(Containment::Contains, "{a}")),
                        when("tags", contains(Containment::Overlaps, "{a,b}")),
                        when("data", contains(Containment::Contained, "{\"a\": 1}")),
                    ],
                ),
            ),
            (
                "logic",
                "service_role",
                filter(
                    "projects",
                    vec![Filter::Logic {
                        negated: true,
                        all: false,
                        filters: vec![
                            when("id", eq("1")),
                            Filter::Logic {
                                negated: false,
                                all: true,
                                filters: vec![when("id", eq("2")), when("done", eq("f"))],
                            },
                        ],
                    }],
                ),
            ),
            ("a value that is none", "service_role", filter("projects", vec![when("id", eq("x"))])),
            (
                "an enum's value that is none",
                "service_role",
                filter("projects", vec![when("mood", eq("angry"))]),
            ),
            (
                "a pattern on a number",
                "service_role",
                filter("projects", vec![when("id", compare(Like, "1%"))]),
            ),
            ("equality of json", "service_role", filter("projects", vec![when("raw", eq("{}"))])),
            (
                "is true on text",
                "service_role",
                filter("projects", vec![when("name", Operation::Is(Is::True))]),
            ),
            (
                "a range operator on text",
                "service_role",
                filter("projects", vec![when("name", contains(Containment::Adjacent, "a"))]),
            ),
            (
                "an operator that is no condition",
                "service_role",
                filter("projects", vec![when("id", contains(Containment::StrictlyLeft, "1"))]),
            ),
            (
                "full text",
                "service_role",
                filter(
                    "projects",
                    vec![when(
                        "name",
                        Operation::TextSearch { op: TextSearch::Query, language: None, value: "a".into() },
                    )],
                ),
            ),
            ("a hidden column", "anon", filter("clients", vec![when("secret", eq("a"))])),
            ("a hidden column in an order", "anon", Request { order: vec![by("secret")], ..get("clients") }),
            ("too many conditions", "anon", filter("clients", vec![when("id", eq("1")); 201])),
            (
                "a list that is too long",
                "anon",
                Request {
                    limits: Limits { max_in_list: 1, ..Limits::default() },
                    ..filter("clients", vec![when("id", Operation::In(vec!["1".into(), "2".into()]))])
                },
            ),
        ],
    );
}

#[test]
fn embeds() {
    let id = || vec![field("id")];
    check(
        "embeds",
        vec![
            ("to one", "service_role", select("projects", vec![field("id"), sub("clients", id())])),
            ("to many", "service_role", select("clients", vec![sub("projects", id())])),
            ("many to many", "service_role", select("projects", vec![sub("users", id())])),
            ("both sides have policies", "anon", select("clients", vec![sub("projects", id())])),
            ("by constraint", "service_role", select("projects", vec![sub("projects_client_id_fkey", id())])),
            ("by column", "service_role", select("projects", vec![sub("client_id", id())])),
            (
                "by hint",
                "service_role",
                select(
                    "messages",
                    vec![
                        sub("users!messages_sender_fkey", id()),
                        sub("users!receiver", id()),
                        sub("receiver", id()),
                    ],
                ),
            ),
            ("by junction", "service_role", select("projects", vec![sub("users!project_users", id())])),
            (
                "the children of a node, and its parent",
                "service_role",
                select("nodes", vec![sub("nodes", id()), sub("parent", id())]),
            ),
            ("from a view", "service_role", select("project_names", vec![sub("clients", id())])),
            (
                "inner",
                "service_role",
                select(
                    "clients",
                    vec![
                        field("id"),
                        inner(Embed {
                            filters: vec![when("done", eq("true"))],
                            ..embed("projects", vec![field("id"), inner(embed("users", id()))])
                        }),
                    ],
                ),
            ),
            (
                "spread",
                "service_role",
                select(
                    "projects",
                    vec![
                        SelectItem::Spread(embed("clients", vec![field("name")])),
                        SelectItem::Spread(embed("users", vec![field("name")])),
                    ],
                ),
            ),
            (
                "filters, order and range of an embed",
                "service_role",
                select(
                    "clients",
                    vec![SelectItem::Embed(Embed {
                        alias: Some("work".into()),
                        filters: vec![when("id", eq("1"))],
                        order: vec![by("id")],
                        limit: Some(2),
                        offset: 1,
                        ..embed("projects", id())
                    })],
                ),
            ),
            (
                "an empty embed that is filtered by",
                "service_role",
                Request {
                    filters: vec![when_not("projects", Operation::Is(Is::Null))],
                    ..select("clients", vec![field("id"), sub("projects", vec![])])
                },
            ),
            (
                "an alias in a logic tree",
                "service_role",
                Request {
                    filters: vec![Filter::Logic {
                        negated: false,
                        all: false,
                        filters: vec![when("id", eq("1")), when("work", Operation::Is(Is::Null))],
                    }],
                    ..select(
                        "clients",
                        vec![SelectItem::Embed(Embed {
                            alias: Some("work".into()),
                            ..embed("projects", id())
                        })],
                    )
                },
            ),
            (
                "order by a related row",
                "service_role",
                Request {
                    order: vec![Order { relation: Some("clients".into()), descending: true, ..by("name") }],
                    ..select("projects", vec![field("id"), sub("clients", id())])
                },
            ),
            ("hidden: a table", "anon", select("projects", vec![sub("vaults", id())])),
            ("hidden: a table that is not there", "anon", select("projects", vec![sub("vaultx", id())])),
            ("hidden: by junction", "anon", select("users", vec![sub("vaults!vault_users", id())])),
            ("hidden: the column of the key", "authenticated", select("messages", vec![sub("sender", id())])),
            ("ambiguous", "service_role", select("messages", vec![sub("users", id())])),
            ("ambiguous the other way", "service_role", select("users", vec![sub("messages", id())])),
            ("a wrong hint", "service_role", select("projects", vec![sub("clients!nope", id())])),
            ("a similar name", "service_role", select("projects", vec![sub("client", id())])),
            (
                "order by many",
                "service_role",
                Request {
                    order: vec![Order { relation: Some("projects".into()), ..by("name") }],
                    ..select("clients", vec![sub("projects", id())])
                },
            ),
            (
                "order by what is not embedded",
                "service_role",
                Request {
                    order: vec![Order { relation: Some("clients".into()), ..by("name") }],
                    ..select("projects", id())
                },
            ),
            (
                "a filter on an embed",
                "service_role",
                Request {
                    filters: vec![when("projects", eq("1"))],
                    ..select("clients", vec![sub("projects", id())])
                },
            ),
            (
                "a hidden column in an embed",
                "anon",
                select("projects", vec![sub("clients", vec![field("secret")])]),
            ),
            (
                "too deep",
                "service_role",
                Request {
                    limits: Limits { max_embed_depth: 1, ..Limits::default() },
                    ..select("clients", vec![sub("projects", vec![sub("users", id())])])
                },
            ),
        ],
    );
}

#[test]
fn aggregates() {
    let count = || aggregate("", Aggregate::Count);
    check(
        "aggregates",
        vec![
            ("count", "service_role", select("projects", vec![count()])),
            (
                "groups",
                "service_role",
                Request {
                    order: vec![by("client_id")],
                    ..select(
                        "projects",
                        vec![
                            field("client_id"),
                            aggregate("budget", Aggregate::Sum),
                            aggregate("id", Aggregate::Max),
                        ],
                    )
                },
            ),
            (
                "groups by paths and casts",
                "service_role",
                select("projects", vec![field("data->>a"), cast("budget", "integer"), count()]),
            ),
            (
                "casts before and after",
                "service_role",
                select(
                    "projects",
                    vec![SelectItem::Field {
                        field: Some(path("data->>a")),
                        alias: Some("total".into()),
                        cast: Some("integer".into()),
                        aggregate: Some(Aggregate::Sum),
                        aggregate_cast: Some("text".into()),
                    }],
                ),
            ),
            (
                "of an embed",
                "service_role",
                select("clients", vec![field("id"), sub("projects", vec![count()])]),
            ),
            (
                "spread",
                "service_role",
                select(
                    "projects",
                    vec![
                        SelectItem::Spread(embed("clients", vec![field("name")])),
                        aggregate("budget", Aggregate::Avg),
                    ],
                ),
            ),
            (
                "spread, hoisted",
                "service_role",
                select(
                    "projects",
                    vec![
                        field("done"),
                        SelectItem::Spread(embed("clients", vec![aggregate("name", Aggregate::Min)])),
                    ],
                ),
            ),
            (
                "beside an embed",
                "service_role",
                select("projects", vec![count(), sub("clients", vec![field("name")])]),
            ),
            (
                "spread over many",
                "service_role",
                select("clients", vec![SelectItem::Spread(embed("projects", vec![count()]))]),
            ),
            (
                "switched off",
                "service_role",
                Request { limits: Limits::default(), ..select("nothing", vec![sub("none", vec![count()])]) },
            ),
            (
                "order by what is not grouped",
                "service_role",
                Request { order: vec![by("id")], ..select("projects", vec![count()]) },
            ),
            ("of text", "service_role", select("projects", vec![aggregate("name", Aggregate::Sum)])),
            ("a hidden column", "anon", select("clients", vec![aggregate("secret", Aggregate::Count)])),
        ],
    );
}

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
            ("no right to insert", "authenticated", post("project_names", "{}")),
            ("no right to update", "anon", patch("users", r#"{"name": "x"}"#, Returning::Minimal)),
            ("no right to delete", "anon", delete("users", Returning::Minimal)),
            ("a view", "service_role", post("project_names", "{}")),
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
