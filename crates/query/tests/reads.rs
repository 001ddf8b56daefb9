//! What is planned for which read of which role, and what is refused.
//! The expectations are in `expected/`.

mod common;

use common::*;
use plinth_query::request::*;

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
                        Operation::TextSearch { op: TextSearch::Query, language: None, value: "cats".into() },
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
