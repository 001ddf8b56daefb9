//! The grammar of requests: what is read, what is refused and how the refusal is worded, and that no input panics.

#![allow(clippy::result_large_err, clippy::unwrap_used, reason = "a test")]

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use plinth_query::Request;
use plinth_query::request::*;
use plinth_rest::{ApiError, Call, Incoming, Options, Shape, parse};
use proptest::prelude::*;

fn options() -> Options {
    Options { schemas: vec!["public".into(), "v2".into()], allow_rollback: true, ..Options::default() }
}

fn send(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Result<(Request, Shape), ApiError> {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name: HeaderName = name.parse().unwrap();
        map.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let incoming = Incoming { method: &method, path, query, headers: &map, body: body.as_bytes() };
    match parse(&incoming, &options())? {
        Call::Data { request, shape } => Ok((*request, *shape)),
        other => panic!("no data was asked for: {other:?}"),
    }
}

fn get(url: &str) -> Request {
    send("GET", url, &[], "").unwrap_or_else(|e| panic!("{url}: {e:?}")).0
}

fn refused(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> (u16, String, String) {
    let error = send(method, url, headers, body).expect_err(url);
    (error.status, error.code, error.message)
}

fn column(name: &str) -> FieldPath {
    FieldPath { column: name.into(), path: Vec::new() }
}

fn field(name: &str) -> SelectItem {
    SelectItem::Field {
        field: Some(column(name)),
        alias: None,
        cast: None,
        aggregate: None,
        aggregate_cast: None,
    }
}

fn compare(name: &str, op: Comparison, value: &str) -> Filter {
    Filter::Condition {
        negated: false,
        field: column(name),
        op: Operation::Compare { op, quantifier: None, value: value.into() },
    }
}

#[test]
fn select_items() {
    assert_eq!(get("/t").select, [SelectItem::All]);
    assert_eq!(get("/t?select=").select, []);
    assert_eq!(
        get("/t?select=id,*,first-name,%22a,b%22").select,
        [field("id"), SelectItem::All, field("first-name"), field("a,b")]
    );
    let request = get("/t?select=total:amount::numeric(10,2).sum()::text,n:count(),count()");
    let SelectItem::Field { alias, cast, aggregate, aggregate_cast, .. } = &request.select[0] else {
        panic!("a field")
    };
    assert_eq!(
        (alias.as_deref(), cast.as_deref(), *aggregate, aggregate_cast.as_deref()),
        (Some("total"), Some("numeric(10,2)"), Some(Aggregate::Sum), Some("text"))
    );
    assert!(matches!(&request.select[1], SelectItem::Field { field: None, alias: Some(a), .. } if a == "n"));
    assert!(matches!(&request.select[2], SelectItem::Field { field: None, alias: None, .. }));
}

#[test]
fn json_paths() {
    let request = get(
        "/t?select=data-%3Ea-%3E%3E0,data-%3E-1,data-%3E%22a%20b%22,x:data-%3E%3Eb-c&data-%3Ea-%3E%3Eb=eq.1",
    );
    let paths: Vec<FieldPath> = request
        .select
        .iter()
        .map(|item| match item {
            SelectItem::Field { field: Some(field), .. } => field.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    let step = |operand, as_text| PathStep { operand, as_text };
    assert_eq!(paths[0].path, [step(PathOperand::Key("a".into()), false), step(PathOperand::Index(0), true)]);
    assert_eq!(paths[1].path, [step(PathOperand::Index(-1), false)]);
    assert_eq!(paths[2].path, [step(PathOperand::Key("a b".into()), false)]);
    assert_eq!(paths[3].path, [step(PathOperand::Key("b-c".into()), true)]);
    assert!(matches!(&request.filters[0], Filter::Condition { field, .. } if field.path.len() == 2));
}

#[test]
fn embeds_and_what_is_said_about_them() {
    let request = get(
        "/projects?select=id,c:clients!client_id!inner(name,...country(iso)),tasks()&c.name=eq.x&tasks.order=id.desc&tasks.limit=2&tasks.offset=1&clients.or=(a.eq.1,b.is.null)&c.country.iso=neq.de",
    );
    let SelectItem::Embed(clients) = &request.select[1] else { panic!("an embed") };
    assert_eq!(
        (clients.relation.as_str(), clients.alias.as_deref(), clients.hint.as_deref(), clients.inner),
        ("clients", Some("c"), Some("client_id"), Some(true))
    );
    assert_eq!(clients.filters.len(), 2);
    let SelectItem::Spread(country) = &clients.select[1] else { panic!("a spread") };
    assert_eq!(country.filters, [compare("iso", Comparison::Neq, "de")]);
    let SelectItem::Embed(tasks) = &request.select[2] else { panic!("an embed") };
    assert_eq!((tasks.select.len(), tasks.limit, tasks.offset), (0, Some(2), 1));
    assert!(tasks.order[0].descending);
}

#[test]
fn filters() {
    let request = get(
        "/t?a=eq.x.y&b=not.like.*a*&c=in.(1,%22x,y%22,%22q%5C%22%22)&d=is.NOT_NULL&e=gt(any).{1,2}&f=fts(english).cat&g=cs.{a}&h=isdistinct.1&i=in.()",
    );
    assert_eq!(request.filters[0], compare("a", Comparison::Eq, "x.y"));
    assert_eq!(
        request.filters[1],
        Filter::Condition {
            negated: true,
            field: column("b"),
            op: Operation::Compare { op: Comparison::Like, quantifier: None, value: "%a%".into() },
        }
    );
    let op = |at: usize| match &request.filters[at] {
        Filter::Condition { op, .. } => op.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(op(2), Operation::In(vec!["1".into(), "x,y".into(), "q\"".into()]));
    assert_eq!(op(3), Operation::Is(Is::NotNull));
    assert_eq!(
        op(4),
        Operation::Compare { op: Comparison::Gt, quantifier: Some(Quantifier::Any), value: "{1,2}".into() }
    );
    assert_eq!(
        op(5),
        Operation::TextSearch {
            op: TextSearch::Query,
            language: Some("english".into()),
            value: "cat".into()
        }
    );
    assert_eq!(op(6), Operation::Containment { op: Containment::Contains, value: "{a}".into() });
    assert_eq!(op(7), Operation::IsDistinct("1".into()));
    assert_eq!(op(8), Operation::In(Vec::new()));
}

#[test]
fn logic_trees() {
    let request = get(
        "/t?or=(a.eq.1,not.and(b.gt.2,c.not.is.null),d.cs.{x,y},e.eq.%22a,b)%22,f.in.(1,2))&not.and=(a.lt.3,b.eq.)",
    );
    let Filter::Logic { negated: false, all: false, filters } = &request.filters[0] else { panic!("or") };
    assert_eq!(filters.len(), 5);
    assert!(matches!(&filters[1], Filter::Logic { negated: true, all: true, filters } if filters.len() == 2));
    assert_eq!(filters[3], compare("e", Comparison::Eq, "a,b)"));
    assert!(
        matches!(&filters[2], Filter::Condition { op: Operation::Containment { value, .. }, .. } if value == "{x,y}")
    );
    let Filter::Logic { negated: true, all: true, filters } = &request.filters[1] else { panic!("not and") };
    assert_eq!(filters[1], compare("b", Comparison::Eq, ""));
}

#[test]
fn orders_and_ranges() {
    let request =
        get("/t?order=a,b.desc,c.asc.nullsfirst,clients(name).desc.nullslast,d-%3E%3Ee&limit=5&offset=2");
    assert_eq!(request.order.len(), 5);
    assert_eq!(request.order[3].relation.as_deref(), Some("clients"));
    assert_eq!(request.order[2].nulls_first, Some(true));
    assert_eq!((request.limit, request.offset), (Some(5), 2));
    let (request, _) = send("GET", "/t?limit=5&offset=2", &[("Range", "4-20")], "").unwrap();
    assert_eq!((request.limit, request.offset), (Some(3), 4));
}

#[test]
fn writes() {
    let (request, _) = send(
        "POST",
        "/t?columns=a,%22b%20c%22&on_conflict=a",
        &[("Prefer", "resolution=merge-duplicates,return=representation, missing=default")],
        "[]",
    )
    .unwrap();
    let Action::Insert(insert) = request.action else { panic!("an insert") };
    assert_eq!(insert.columns, Some(vec!["a".into(), "b c".into()]));
    assert_eq!(insert.conflict, Some(Conflict { columns: Some(vec!["a".into()]), merge: true }));
    assert!(insert.missing_default && !insert.put);
    assert_eq!(insert.returning, Returning::Rows);
    let (request, _) =
        send("PATCH", "/t?id=eq.1", &[("Prefer", "handling=strict,max-affected=3")], "{}").unwrap();
    assert!(matches!(request.action, Action::Update { max_affected: Some(3), .. }));
    let (request, _) = send("DELETE", "/t", &[("Prefer", "max-affected=3")], "").unwrap();
    assert!(matches!(request.action, Action::Delete { max_affected: None, .. }));
}

#[test]
fn calls() {
    let request = get("/rpc/f?a=1&b=eq.2&select=id&c={1,2}");
    let Action::Call { arguments, read_only: true, .. } = request.action else { panic!("a call") };
    assert_eq!(arguments, Arguments::Named(vec![("a".into(), "1".into()), ("c".into(), "{1,2}".into())]));
    assert_eq!(request.filters, [compare("b", Comparison::Eq, "2")]);
    let (request, _) = send("POST", "/rpc/f", &[], "").unwrap();
    assert!(
        matches!(request.action, Action::Call { arguments: Arguments::Json(json), read_only: false, .. } if json == "{}")
    );
}

#[test]
fn refusals() {
    for (method, url, headers, body, status, code) in [
        ("GET", "/t?a=foo.1", &[][..], "", 400, "PGRST100"),
        ("GET", "/t?a=is.maybe", &[], "", 400, "PGRST100"),
        ("GET", "/t?a=in.1", &[], "", 400, "PGRST100"),
        ("GET", "/t?or=(a.eq.1", &[], "", 400, "PGRST100"),
        ("GET", "/t?or=a.eq.1", &[], "", 400, "PGRST100"),
        ("GET", "/t?or=()", &[], "", 400, "PGRST100"),
        ("GET", "/t?select=a(", &[], "", 400, "PGRST100"),
        ("GET", "/t?select=a,,b", &[], "", 400, "PGRST100"),
        ("GET", "/t?select=...a", &[], "", 400, "PGRST100"),
        ("GET", "/t?select=a::", &[], "", 400, "PGRST100"),
        ("GET", "/t?select=a.median()", &[], "", 400, "PGRST100"),
        ("GET", "/t?select=d-%3E99999999999", &[], "", 400, "PGRST100"),
        ("GET", "/t?order=a.up", &[], "", 400, "PGRST100"),
        ("GET", "/t?order=a.desc.asc", &[], "", 400, "PGRST100"),
        ("GET", "/t?limit=-1", &[], "", 416, "PGRST103"),
        ("GET", "/t?limit=x", &[], "", 400, "PGRST100"),
        ("GET", "/t", &[("Range", "5-1")], "", 416, "PGRST103"),
        ("GET", "/t?clients.name=eq.1", &[], "", 400, "PGRST108"),
        ("GET", "/t?a=eq.%00", &[], "", 400, "22021"),
        ("GET", "/t?a=eq.%ff", &[], "", 400, "PGRST100"),
        ("GET", "/t", &[("Accept", "image/png")], "", 406, "PGRST107"),
        ("GET", "/t", &[("Accept-Profile", "secret")], "", 406, "PGRST106"),
        ("GET", "/t/1", &[], "", 404, "PGRST125"),
        ("GET", "/rpc", &[], "", 0, ""),
        ("TRACE", "/t", &[], "", 405, "PGRST117"),
        ("PATCH", "/rpc/f", &[], "{}", 405, "PGRST101"),
        ("POST", "/t", &[("Content-Type", "text/html")], "x", 400, "PGRST102"),
        ("POST", "/t?columns=", &[], "{}", 400, "PGRST100"),
        ("PUT", "/t?id=eq.1&limit=1", &[], "{}", 400, "PGRST114"),
        ("GET", "/t", &[("Prefer", "handling=strict, nonsense")], "", 400, "PGRST122"),
        ("GET", "/t", &[("Prefer", "timezone=Nowhere")], "", 400, "22023"),
    ] {
        if code.is_empty() {
            // `/rpc` alone is a relation of that name.
            assert!(send(method, url, headers, body).is_ok());
            continue;
        }
        let (found_status, found_code, _) = refused(method, url, headers, body);
        assert_eq!((found_status, found_code.as_str()), (status, code), "{method} {url}");
    }
}

#[test]
fn refusals_name_the_place() {
    let message = |url| refused("GET", url, &[], "").2;
    assert_eq!(message("/t?a=foo.1"), "\"failed to parse filter (foo.1)\" (line 1, column 1)");
    assert_eq!(
        message("/t?select=data-%3E%3E--34"),
        "\"failed to parse select parameter (data->>--34)\" (line 1, column 9)"
    );
    assert_eq!(
        message("/t?select=data-%3E(!x"),
        "\"failed to parse select parameter (data->(!x)\" (line 1, column 7)"
    );
}

#[test]
fn depth_is_bounded() {
    let deep = format!("/t?select={}a{}", "a(".repeat(5000), ")".repeat(5000));
    assert_eq!(refused("GET", &deep, &[], "").1, "PGRST100");
    let deep = format!("/t?or={}a.eq.1{}", "(and".repeat(5000), ")".repeat(5000));
    assert_eq!(refused("GET", &deep, &[], "").1, "PGRST100");
    let deep = format!("/t?select=a{}", "-%3Eb".repeat(5000));
    assert_eq!(refused("GET", &deep, &[], "").1, "PGRST100");
}

proptest! {
    #[test]
    fn nothing_panics(query in "[a-c*.,:()!\"\\\\{}>%0-9=& \u{e9}-]{0,60}", key in "(select|order|or|a|columns|limit|a.or|not.and)") {
        for method in ["GET", "POST", "PUT"] {
            let _ = send(method, &format!("/t?{key}={query}"), &[], "{}");
            let _ = send(method, &format!("/rpc/t?{query}"), &[("Content-Type", "text/csv")], &query);
        }
    }

    #[test]
    fn headers_do_not_panic(value in "[ -~]{0,40}") {
        for name in ["Accept", "Prefer", "Range", "Content-Type", "Accept-Profile"] {
            let _ = send("GET", "/t", &[(name, &value)], "");
        }
    }

    #[test]
    fn quoting_keeps_any_text(text in "[^\\x00]{1,30}") {
        let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
        let escaped: String = quoted.bytes().map(|b| format!("%{b:02x}")).collect();
        let request = get(&format!("/t?a=in.(%22{escaped}%22,x)&or=(b.eq.%22{escaped}%22)"));
        let kept = matches!(&request.filters[0], Filter::Condition { op: Operation::In(list), .. } if list[0] == text);
        prop_assert!(kept);
        let Filter::Logic { filters, .. } = &request.filters[1] else { panic!("a tree") };
        prop_assert_eq!(&filters[0], &compare("b", Comparison::Eq, &text));
    }
}
