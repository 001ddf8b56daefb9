//! The example project: every relation and function of it can be planned for every role that may use it, so its policies, views and
//! functions fit into each other.

mod common;

use std::path::Path;

use common::*;
use plinth_catalog::{Catalog, Defaults, SourceFile, read};
use plinth_query::request::*;
use plinth_query::{Caller, Refusal, plan};

fn hiring() -> Catalog {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/hiring/schema");
    let mut files: Vec<SourceFile> = std::fs::read_dir(folder)
        .expect("the example is there")
        .map(|entry| {
            let path = entry.expect("a folder that can be read").path();
            SourceFile {
                text: std::fs::read_to_string(&path).expect("text"),
                path: path.display().to_string(),
            }
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    read(&files, &Defaults::default()).unwrap_or_else(|errors| panic!("{}", errors[0]))
}

#[test]
fn everything_can_be_planned() {
    let catalog = hiring();
    let mut planned = 0;
    for role in ["anon", "authenticated", "service_role"] {
        for relation in &catalog.relations {
            let name = relation.name.name.as_str();
            for request in [
                get(name),
                post(name, "{}"),
                patch(name, "{}", Returning::Rows),
                delete(name, Returning::Minimal),
                Request {
                    action: Action::Insert(Insert {
                        conflict: Some(Conflict { columns: None, merge: true }),
                        returning: Returning::Rows,
                        ..insert("{}")
                    }),
                    ..get(name)
                },
            ] {
                match plan(&catalog, &Caller::with_role(role), &request) {
                    Ok(plan) => {
                        let text = outline::plan(&catalog, &plan);
                        assert!(!text.contains("LEFT IN PLAN"), "{text}");
                        planned += 1;
                    }
                    Err(
                        Refusal::NoSuchRelation { .. }
                        | Refusal::PermissionDenied { kind: "table" | "view", .. },
                    ) => {}
                    // Views over several tables.
                    Err(Refusal::Sql { code: "55000", .. }) => {}
                    Err(refusal) => panic!("{role} {name}: {refusal:?}"),
                }
            }
        }
    }
    assert!(planned > 60, "{planned}");
}

#[test]
fn everything_can_be_embedded() {
    let catalog = hiring();
    for role in ["anon", "authenticated", "service_role"] {
        for relationship in &catalog.relationships {
            let from = catalog.relation(relationship.from);
            let to = catalog.relation(relationship.to);
            let hint = match &relationship.junction {
                Some(junction) => &catalog.relation(junction.relation).name.name,
                None => &relationship.constraint,
            };
            let item = SelectItem::Embed(Embed {
                inner: Some(true),
                ..embed(&format!("{}!{hint}", to.name.name), vec![SelectItem::All])
            });
            let request = Request { select: vec![item], ..get(&from.name.name) };
            match plan(&catalog, &Caller::with_role(role), &request) {
                Ok(_) => {}
                Err(refusal @ Refusal::NoRelationship { .. }) if role == "service_role" => {
                    panic!("{request:?} {refusal:?}")
                }
                Err(
                    Refusal::NoSuchRelation { .. }
                    | Refusal::NoRelationship { .. }
                    | Refusal::AmbiguousRelationship { .. }
                    | Refusal::PermissionDenied { .. },
                ) => {}
                Err(refusal) => panic!("{role} {}: {refusal:?}", from.name),
            }
        }
    }
}

#[test]
fn functions() {
    let catalog = hiring();
    for (role, name, arguments, allowed) in [
        ("anon", "search_postings", r#"{"query": "rust", "workplace": "remote"}"#, true),
        ("anon", "hiring_funnel", r#"{"company": 1}"#, false),
        ("authenticated", "hiring_funnel", r#"{"company": 1}"#, true),
        ("anon", "my_company_ids", "{}", false),
        ("authenticated", "my_company_ids", "{}", true),
        ("authenticated", "is_recruiter", r#"{"company": 1}"#, true),
    ] {
        let planned = plan(&catalog, &Caller::with_role(role), &call(name, arguments));
        assert_eq!(planned.is_ok(), allowed, "{role} {name}: {:?}", planned.err());
    }
}
