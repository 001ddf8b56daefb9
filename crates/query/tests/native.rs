//! Over a database that is its own authority nothing is woven and no value is read: the plan leaves both to it. The expectations are
//! in `expected/native.txt`.

mod common;

use std::path::Path;
use std::sync::Arc;

use common::*;
use plinth_catalog::{Catalog, Database};
use plinth_query::request::*;
use plinth_query::{Caller, PlanCache, plan};

/// The fixture, as if a database had it.
fn of_database() -> Catalog {
    Catalog { database: Some(Box::new(Database::default())), ..catalog(include_str!("common/fixture.sql")) }
}

fn condition(column: &str, op: Operation) -> Filter {
    let field = FieldPath { column: column.into(), path: Vec::new() };
    Filter::Condition { negated: false, field, op }
}

fn equals(column: &str, value: &str) -> Filter {
    let op = Operation::Compare { op: Comparison::Eq, quantifier: None, value: value.into() };
    condition(column, op)
}

fn requests() -> Vec<(&'static str, Request)> {
    let filtered =
        |filter: Filter| Request { select: vec![field("id")], filters: vec![filter], ..get("projects") };
    let words = |op: Operation| filtered(condition("name", op));
    vec![
        ("no policy, and every column", get("projects")),
        ("what is no number here is the database's to refuse", filtered(equals("id", "x"))),
        ("a list is one value", words(Operation::In(vec!["a".into(), "b\"c".into()]))),
        (
            "operators are the database's",
            words(Operation::Containment { op: Containment::Adjacent, value: "[1,2)".into() }),
        ),
        (
            "a pattern for any",
            words(Operation::Compare {
                op: Comparison::Like,
                quantifier: Some(Quantifier::Any),
                value: "{a%,b%}".into(),
            }),
        ),
        (
            "full text",
            words(Operation::TextSearch {
                op: TextSearch::Web,
                language: Some("french".into()),
                value: "chat".into(),
            }),
        ),
        (
            "a payload as it came",
            post("clients", r#"[{"id": "x", "name": {"a": 1}}, {"id": 2, "name": null}]"#),
        ),
        ("an update of text and JSON", patch("clients", r#"{"name": "a"}"#, Returning::Minimal)),
        ("a delete", Request { filters: vec![equals("id", "1")], ..delete("clients", Returning::Minimal) }),
    ]
}

#[test]
fn nothing_is_woven_and_nothing_read() {
    let catalog = of_database();
    let caller = Caller::with_role("service_role");
    let mut text = String::new();
    for (title, request) in requests() {
        let shown = match plan(&catalog, &caller, &request) {
            Ok(plan) => {
                assert!(plan.applied.is_empty(), "{title}");
                outline::plan(&catalog, &plan)
            }
            Err(refusal) => format!("refused: {refusal}"),
        };
        text += &format!("-- {title}\n{shown}\n\n");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expected/native.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&path).unwrap_or_default());
}

/// Hiding is still planning's: what a role has no privilege on is not there for it.
#[test]
fn what_is_hidden_is_not_there() {
    let catalog = of_database();
    let refused = plan(&catalog, &Caller::with_role("anon"), &get("vaults")).unwrap_err();
    assert_eq!(refused.to_string(), "could not find the table 'public.vaults'");
    let open = Request { limits: Limits { hide_ungranted: false, ..Limits::default() }, ..get("vaults") };
    assert!(plan(&catalog, &Caller::with_role("anon"), &open).is_ok(), "the database says what is denied");
}

/// A plan that was kept is the plan that would be made.
#[test]
fn kept_plans_take_the_texts_as_they_are() {
    let catalog = Arc::new(of_database());
    let caller = Caller::with_role("service_role");
    let cache = PlanCache::new(10);
    for value in ["1", "x", "2024-01-01", "{1,2}", "NULL"] {
        let request = Request { filters: vec![equals("id", value)], ..get("projects") };
        let (kept, anew) =
            (cache.plan(&catalog, &caller, &request).unwrap(), plan(&catalog, &caller, &request).unwrap());
        assert_eq!(kept.values, anew.values);
        assert_eq!(outline::plan(&catalog, &kept), outline::plan(&catalog, &anew));
    }
}
