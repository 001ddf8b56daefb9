//! What the tests of planning share: a catalog, and short ways to write requests and to read plans.

#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(clippy::result_large_err, reason = "as in the library")]

pub mod outline;

use std::path::Path;
use std::sync::LazyLock;

use plinth_catalog::{Catalog, Defaults, SourceFile, read};
use plinth_query::request::*;
use plinth_query::{Caller, Plan, Refusal, plan};

/// The fixture's catalog.
pub static CATALOG: LazyLock<Catalog> = LazyLock::new(|| catalog(include_str!("fixture.sql")));

/// A catalog from SQL text.
pub fn catalog(sql: &str) -> Catalog {
    let file = SourceFile { path: "fixture.sql".into(), text: sql.into() };
    match read(&[file], &Defaults::default()) {
        Ok(catalog) => catalog,
        Err(errors) => {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            panic!("{}", errors.join("\n"))
        }
    }
}

/// A read of all columns.
pub fn get(relation: &str) -> Request {
    Request {
        target: Target::Relation { schema: "public".into(), name: relation.into() },
        action: Action::Read,
        select: vec![SelectItem::All],
        filters: Vec::new(),
        order: Vec::new(),
        limit: None,
        offset: 0,
        having: Vec::new(),
        distinct: None,
        page: None,
        count: None,
        versioned: false,
        limits: Limits { aggregates: true, ..Limits::default() },
    }
}

/// An insert of JSON.
pub fn post(relation: &str, body: &str) -> Request {
    Request { action: Action::Insert(insert(body)), ..get(relation) }
}

/// The insert of JSON itself.
pub fn insert(body: &str) -> Insert {
    Insert {
        body: Body::Json(body.into()),
        columns: None,
        missing_default: false,
        conflict: None,
        returning: Returning::Minimal,
        put: false,
        nested: Vec::new(),
    }
}

/// An update by JSON.
pub fn patch(relation: &str, body: &str, returning: Returning) -> Request {
    let body = Body::Json(body.into());
    Request { action: Action::Update { body, columns: None, returning, max_affected: None }, ..get(relation) }
}

/// A delete.
pub fn delete(relation: &str, returning: Returning) -> Request {
    Request { action: Action::Delete { returning, max_affected: None }, ..get(relation) }
}

/// A call with JSON arguments.
pub fn call(function: &str, arguments: &str) -> Request {
    Request {
        target: Target::Function { schema: "public".into(), name: function.into() },
        action: Action::Call {
            arguments: Arguments::Json(arguments.into()),
            read_only: false,
            max_affected: None,
        },
        ..get(function)
    }
}

/// A call with text arguments.
pub fn call_get(function: &str, arguments: &[(&str, &str)]) -> Request {
    let named = arguments.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    Request {
        action: Action::Call { arguments: Arguments::Named(named), read_only: true, max_affected: None },
        ..call(function, "")
    }
}

/// `column->a->>b`, with integers as indexes.
pub fn path(text: &str) -> FieldPath {
    let mut steps = Vec::new();
    let mut parts = text.split("->");
    let column = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (as_text, key) = match part.strip_prefix('>') {
            Some(key) => (true, key),
            None => (false, part),
        };
        let operand = match key.parse() {
            Ok(index) => PathOperand::Index(index),
            Err(_) => PathOperand::Key(key.to_owned()),
        };
        steps.push(PathStep { operand, as_text });
    }
    FieldPath { column, path: steps }
}

/// A selected field.
pub fn field(text: &str) -> SelectItem {
    SelectItem::Field {
        field: Some(path(text)),
        alias: None,
        cast: None,
        aggregate: None,
        aggregate_cast: None,
    }
}

/// A selected field with a cast.
pub fn cast(text: &str, ty: &str) -> SelectItem {
    SelectItem::Field {
        field: Some(path(text)),
        alias: None,
        cast: Some(ty.into()),
        aggregate: None,
        aggregate_cast: None,
    }
}

/// An aggregate; of nothing for an empty text.
pub fn aggregate(text: &str, aggregate: Aggregate) -> SelectItem {
    let field = (!text.is_empty()).then(|| path(text));
    SelectItem::Field { field, alias: None, cast: None, aggregate: Some(aggregate), aggregate_cast: None }
}

/// `relation!hint(items)`
pub fn embed(name: &str, select: Vec<SelectItem>) -> Embed {
    let (relation, hint) = match name.split_once('!') {
        Some((relation, hint)) => (relation, Some(hint.to_owned())),
        None => (name, None),
    };
    Embed {
        relation: relation.into(),
        alias: None,
        hint,
        inner: None,
        select,
        filters: Vec::new(),
        order: Vec::new(),
        limit: None,
        offset: 0,
        having: Vec::new(),
        distinct: None,
    }
}

/// A selected embed.
pub fn sub(name: &str, select: Vec<SelectItem>) -> SelectItem {
    SelectItem::Embed(embed(name, select))
}

/// A condition.
pub fn when(field: &str, op: Operation) -> Filter {
    Filter::Condition { negated: false, field: path(field), op }
}

/// The opposite of a condition.
pub fn when_not(field: &str, op: Operation) -> Filter {
    Filter::Condition { negated: true, field: path(field), op }
}

/// A comparison.
pub fn compare(op: Comparison, value: &str) -> Operation {
    Operation::Compare { op, quantifier: None, value: value.into() }
}

/// `eq.value`
pub fn eq(value: &str) -> Operation {
    compare(Comparison::Eq, value)
}

/// An order key.
pub fn by(field: &str) -> Order {
    Order { relation: None, field: path(field), descending: false, nulls_first: None }
}

/// Plans for a role of the fixture.
pub fn plan_as(role: &str, request: &Request) -> Result<Plan, Refusal> {
    plan(&CATALOG, &Caller::with_role(role), request)
}

/// The plan as text, or the refusal as text.
pub fn outline_as(role: &str, request: &Request) -> String {
    match plan_as(role, request) {
        Ok(plan) => outline::plan(&CATALOG, &plan),
        Err(refusal) => format!("{refusal:?}"),
    }
}

/// Title, role and request.
pub type Case = (&'static str, &'static str, Request);

/// Compares what is planned with `expected/<subject>.txt`: the outline of a plan or the refusal below the title of its case.
/// `UPDATE_EXPECT=1` writes the file anew.
pub fn check(subject: &str, cases: Vec<Case>) {
    let mut text = String::new();
    for (title, role, request) in cases {
        text += &format!("-- {title} ({role})\n{}\n\n", outline_as(role, &request));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/expected/{subject}.txt"));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &text).expect("the expectation can be written");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    if expected != text {
        let differs = text.lines().zip(expected.lines()).find(|(got, wanted)| got != wanted);
        panic!("{subject} differs, first in {differs:#?}");
    }
}
