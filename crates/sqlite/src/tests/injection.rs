//! Nothing of a request gets into SQL text: of two requests that differ in their values alone, the statements are the same, and a mark
//! that every value has is in none of them.

use std::sync::{Arc, LazyLock};

use http::{HeaderMap, Method};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use plinth_catalog::Catalog;
use plinth_query::plan::{PlannedAction, ReturningPlan, RowCheck};
use plinth_query::{Caller, Plan};
use plinth_rest::{Call, Incoming};
use proptest::prelude::*;

use crate::read;
use crate::sql::{self, Rows};

/// In every value, and in nothing else.
const MARK: &str = "zqx7w";

static CATALOG: LazyLock<Arc<Catalog>> = LazyLock::new(|| {
    super::catalog(&format!(
        "{}
        create table thing (id integer primary key, label text, size numeric, data jsonb, tags text[], at timestamptz);
        grant all on thing to anon;",
        super::SCHEMA
    ))
});

/// Requests with places for values: `<t>` a text, `<q>` a quoted text of a list or tree, `<a>` one of an array, `<j>` one of JSON,
/// `<n>` a number, `<k>` a key of a JSON path (the same one at each place: equal keys are one parameter). After the target, the body.
const REQUESTS: &[(&str, &str, &str)] = &[
    ("GET", "/author?name=eq.<t>&code=neq.<t>", ""),
    ("GET", "/author?name=in.(<q>,<q>,<q>)&score=in.(<n>,<n>)", ""),
    ("GET", "/author?or=(name.eq.<q>,not.and(code.like.<q>,score.gt.<n>),code.isdistinct.<q>)", ""),
    ("GET", "/author?name=like(any).{<a>,<a>}&code=ilike.<t>&order=name.desc&limit=3", ""),
    ("GET", "/author?name=not.match.<t>&code=imatch.<t>", ""),
    ("GET", "/book?select=title,author!inner(name)&author.name=neq.<t>&title=gte.<t>", ""),
    ("GET", "/author?select=<t>:id,book(title)&book.title=eq.<t>&book.limit=2&name=gt.<t>", ""),
    ("GET", "/thing?data->><k>=eq.<t>&select=x:data-><k>->>b&order=data-><k>", ""),
    ("GET", "/thing?data=cs.{\"a\":\"<t>\"}&tags=ov.{<a>}&size=lt.<n>", ""),
    ("GET", "/owned?body=eq.<t>&offset=<n>", ""),
    ("GET", "/rpc/all_books?title=eq.<t>", ""),
    ("POST", "/rpc/all_books?title=eq.<t>&select=title", "{}"),
    ("DELETE", "/author?name=eq.<t>&score=lte.<n>", ""),
    ("DELETE", "/owned?or=(body.eq.<q>,id.eq.<n>)", ""),
    ("PATCH", "/author?code=eq.<t>", "{\"name\": <j>, \"score\": <n>}"),
    ("PATCH", "/owned?body=like.<t>", "{\"body\": <j>}"),
    ("PATCH", "/thing?id=eq.<n>", "{\"data\": {\"a\": [<j>, <n>]}, \"tags\": [<j>]}"),
    ("POST", "/author", "[{\"name\": <j>, \"code\": <j>, \"score\": <n>}]"),
    ("POST", "/author?on_conflict=code", "{\"name\": <j>, \"code\": <j>}"),
    ("POST", "/owned?select=body", "{\"body\": <j>, \"id\": <n>}"),
];

/// What would break out of a literal, a name, a comment or a parameter, beside everything else.
fn around() -> impl Strategy<Value = String> {
    let nasty = vec![
        "'",
        "''",
        "\"",
        "`",
        "\\",
        ";",
        "--",
        "/*",
        "*/",
        "?1",
        "?",
        "$1",
        ":a",
        "@a",
        "') or 1=1 --",
        "%",
        "_",
        "*",
        "]",
        "(",
        ")",
        ",",
        "{",
        "}",
        "null",
        "\u{7f}",
        "\u{2028}",
        "é",
        "\u{1f600}",
        "x'00'",
        "\n",
        " ",
    ];
    prop_oneof![
        3 => prop::collection::vec(prop::sample::select(nasty), 0..4).prop_map(|all| all.concat()),
        1 => "[^\u{0}]{0,8}",
    ]
}

fn text() -> impl Strategy<Value = String> {
    (around(), around()).prop_map(|(before, after)| format!("{before}{MARK}{after}"))
}

/// Fills the places of a template, one value after the other.
fn fill(template: &str, texts: &[String], numbers: &[i32], in_url: bool) -> String {
    let mut out = String::new();
    let mut values = texts.iter().cycle();
    let mut count = numbers.iter().cycle();
    let mut rest = template;
    while let Some(at) = rest.find('<') {
        let (before, place) = rest.split_at(at);
        out.push_str(before);
        let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let value = match &place[..3] {
            "<n>" => count.next().map(|n| n.unsigned_abs().to_string()).unwrap_or_default(),
            "<k>" => texts.last().cloned().unwrap_or_default(),
            kind => {
                let text = values.next().map(String::as_str).unwrap_or_default();
                match kind {
                    "<j>" => serde_json::Value::from(text).to_string(),
                    "<q>" | "<a>" => format!("\"{}\"", escaped(text)),
                    _ => text.to_owned(),
                }
            }
        };
        let encoded = utf8_percent_encode(&value, NON_ALPHANUMERIC).to_string();
        out.push_str(if in_url { &encoded } else { &value });
        rest = &place[3..];
    }
    out + rest
}

fn planned(request: &(&str, &str, &str), texts: &[String], numbers: &[i32]) -> Option<Plan> {
    let (method, target, body) = *request;
    let method: Method = method.parse().ok()?;
    let (target, body) = (fill(target, texts, numbers, true), fill(body, texts, numbers, false));
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut headers = HeaderMap::new();
    headers.insert("prefer", "return=representation, resolution=merge-duplicates, count=exact".parse().ok()?);
    let incoming = Incoming { method: &method, path, query, headers: &headers, body: body.as_bytes() };
    let Call::Data { request, .. } = plinth_rest::parse(&incoming, &plinth_rest::Options::default()).ok()?
    else {
        return None;
    };
    plinth_query::plan(&CATALOG, &Caller::with_role("anon"), &request).ok()
}

/// Every statement that a plan of these requests becomes, or what it is compiled from.
fn statements(plan: &Plan) -> String {
    fn conditions(checks: &[RowCheck]) -> Vec<&plinth_catalog::expr::Expr> {
        checks.iter().map(|check| &check.condition).collect()
    }
    let catalog = &**CATALOG;
    let mut all = Vec::new();
    let mut add = |sql: sql::Result<sql::Sql>| all.push(sql.expect("a statement").text);
    let returning = match &*plan.action {
        PlannedAction::Read(_) | PlannedAction::Call(_) => {
            return read::compiled(catalog, plan).expect("a read").texts().join("\n");
        }
        PlannedAction::Insert(insert) => {
            let relation = catalog.relation(insert.relation);
            add(sql::insert(catalog, relation, &insert.columns));
            if !insert.checks.is_empty() {
                add(sql::exprs(catalog, Some(relation), &conditions(&insert.checks)));
            }
            &insert.returning
        }
        PlannedAction::InsertTree(tree) => {
            for insert in tree.steps.iter().map(|step| &step.insert) {
                let relation = catalog.relation(insert.relation);
                add(sql::insert(catalog, relation, &insert.columns));
                add(sql::exprs(catalog, Some(relation), &conditions(&insert.checks)));
            }
            &tree.returning
        }
        PlannedAction::Update(update) => {
            let relation = catalog.relation(update.relation);
            add(sql::select_rowids(catalog, relation, Rows::Where(update.filter.as_ref())));
            add(sql::update(catalog, relation, &update.set, Rows::Listed));
            add(sql::check_update(catalog, relation, &update.set, Rows::Listed, &conditions(&update.checks)));
            &update.returning
        }
        PlannedAction::Delete(delete) => {
            let relation = catalog.relation(delete.relation);
            add(sql::select_rowids(catalog, relation, Rows::Where(delete.filter.as_ref())));
            &delete.returning
        }
    };
    if let ReturningPlan::Rows(node) = returning {
        add(sql::returning(catalog, node).map(|node| node.sql));
    }
    all.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn statements_are_the_plans_shape(
        request in prop::sample::select(REQUESTS),
        one in prop::collection::vec(text(), 6),
        other in prop::collection::vec(text(), 6),
        numbers in prop::collection::vec(any::<i32>(), 4),
    ) {
        // A value that its place refuses (a pattern, an alias) has no statement.
        let (Some(first), Some(second)) = (planned(&request, &one, &numbers), planned(&request, &other, &[1, 2, 3, 4]))
        else { return Ok(()) };
        let statements = [statements(&first), statements(&second)];
        prop_assert_eq!(&statements[0], &statements[1], "{:?}", request);
        prop_assert!(!statements[0].contains(MARK), "{}", statements[0]);
    }
}

#[test]
fn every_kind_of_request_is_planned() {
    let texts = ["1".to_owned() + MARK, MARK.to_owned()];
    for request in REQUESTS {
        let plan = planned(request, &texts, &[1, 2]);
        assert!(!statements(&plan.unwrap_or_else(|| panic!("{request:?}"))).is_empty());
    }
}
