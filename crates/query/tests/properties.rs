//! What holds for every request: planning never panics, and what the caller has no right on is as if it were not there.

mod common;

use std::sync::{Arc, LazyLock};

use common::*;
use plinth_catalog::Catalog;
use plinth_query::request::*;
use plinth_query::{Caller, PlanCache, plan};
use plinth_values::Value;
use proptest::prelude::*;

/// The fixture without what anon has no right on.
static WITHOUT: LazyLock<Catalog> = LazyLock::new(without);

fn catalog_of_fixture() -> Catalog {
    catalog(include_str!("common/fixture.sql"))
}

fn without() -> Catalog {
    let sql = include_str!("common/fixture.sql");
    let hidden = ["create table vaults", "create table vault_users", "create function private_answer"];
    let statements = sql.split(";\n").filter(|statement| {
        !hidden.iter().any(|start| statement.trim_start().lines().any(|line| line.starts_with(start)))
    });
    let sql = statements.collect::<Vec<_>>().join(";\n");
    let sql = sql.replace("revoke execute on function private_answer() from public", "");
    catalog(&sql.replace(", vaults to service_role", " to service_role"))
}

/// The fixture with another name for the column that anon may not see.
static RENAMED: LazyLock<Catalog> =
    LazyLock::new(|| catalog(&include_str!("common/fixture.sql").replace("secret", "under_another_name")));

const NAMES: &[&str] = &[
    "clients",
    "projects",
    "users",
    "project_users",
    "messages",
    "nodes",
    "vaults",
    "vault_users",
    "notes",
    "circles",
    "project_names",
    "own_names",
    "id",
    "name",
    "secret",
    "client_id",
    "data",
    "raw",
    "tags",
    "done",
    "mood",
    "label",
    "sender",
    "parent",
    "owner",
    "body",
    "code",
    "project_id",
    "projects_client_id_fkey",
    "messages_sender_fkey",
    "vaults_project_id_fkey",
    "nope",
    "",
    "Clients",
    "clients.secret",
    "add",
    "find_projects",
    "rename_client",
    "one_client",
    "private_answer",
    "totals",
    "a",
];

const VALUES: &[&str] = &[
    "1",
    "x",
    "",
    "{1,2}",
    "{",
    "true",
    "{\"a\": 1}",
    "null",
    "happy",
    "1e400",
    "%a%",
    "(",
    "99999999999999999999",
];

fn name() -> impl Strategy<Value = String> {
    prop_oneof![9 => prop::sample::select(NAMES).prop_map(str::to_owned), 1 => ".{0,6}"]
}

/// Mostly something that is there, so that planning gets further.
fn column() -> impl Strategy<Value = String> {
    let common = prop::sample::select(vec!["id", "id", "name", "name", "secret", "client_id"]);
    prop_oneof![4 => common.prop_map(str::to_owned), 1 => name()]
}

fn relation() -> impl Strategy<Value = String> {
    let common =
        prop::sample::select(vec!["clients", "projects", "users", "project_names", "own_names", "vaults"]);
    prop_oneof![4 => common.prop_map(str::to_owned), 1 => name()]
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![9 => prop::sample::select(VALUES).prop_map(str::to_owned), 1 => ".{0,8}"]
}

fn field_path() -> impl Strategy<Value = FieldPath> {
    let step = (
        prop_oneof![name().prop_map(PathOperand::Key), any::<i32>().prop_map(PathOperand::Index)],
        any::<bool>(),
    )
        .prop_map(|(operand, as_text)| PathStep { operand, as_text });
    (column(), prop::collection::vec(step, 0..=1)).prop_map(|(column, path)| FieldPath { column, path })
}

fn comparison() -> impl Strategy<Value = Comparison> {
    use Comparison::*;
    prop::sample::select(vec![Eq, Neq, Gt, Gte, Lt, Lte, Like, Ilike, Match, Imatch])
}

fn operation() -> impl Strategy<Value = Operation> {
    use Containment::*;
    let quantifier = prop::option::of(prop::sample::select(vec![Quantifier::Any, Quantifier::All]));
    let containment =
        vec![Contains, Contained, Overlaps, StrictlyLeft, StrictlyRight, NotRightOf, NotLeftOf, Adjacent];
    prop_oneof![
        4 => (comparison(), quantifier, value()).prop_map(|(op, quantifier, value)| Operation::Compare { op, quantifier, value }),
        1 => value().prop_map(Operation::IsDistinct),
        1 => prop::collection::vec(value(), 0..3).prop_map(Operation::In),
        2 => prop::sample::select(vec![Is::Null, Is::NotNull, Is::True, Is::Unknown]).prop_map(Operation::Is),
        1 => (prop::sample::select(containment), value()).prop_map(|(op, value)| Operation::Containment { op, value }),
    ]
}

fn filter() -> impl Strategy<Value = Filter> {
    let leaf = (any::<bool>(), field_path(), operation())
        .prop_map(|(negated, field, op)| Filter::Condition { negated, field, op });
    leaf.prop_recursive(2, 6, 3, |inner| {
        (any::<bool>(), any::<bool>(), prop::collection::vec(inner, 0..3))
            .prop_map(|(negated, all, filters)| Filter::Logic { negated, all, filters })
    })
}

fn order() -> impl Strategy<Value = Order> {
    (prop::option::weighted(0.2, name()), field_path(), any::<bool>())
        .prop_map(|(relation, field, descending)| Order { relation, field, descending, nulls_first: None })
}

fn item() -> impl Strategy<Value = SelectItem> {
    use Aggregate::*;
    let aggregate = prop::option::weighted(0.15, prop::sample::select(vec![Count, Sum, Avg, Min, Max]));
    let cast = || {
        prop::option::weighted(
            0.1,
            prop::sample::select(vec!["text", "integer", "nope"]).prop_map(str::to_owned),
        )
    };
    let leaf = prop_oneof![
        1 => Just(SelectItem::All),
        4 => (prop::option::weighted(0.9, field_path()), cast(), aggregate, cast()).prop_map(
            |(field, cast, aggregate, aggregate_cast)| SelectItem::Field { field, alias: None, cast, aggregate, aggregate_cast }
        ),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let embed = (
            relation(),
            prop::option::weighted(0.2, name()),
            prop::option::weighted(0.3, any::<bool>()),
            prop::collection::vec(inner, 0..3),
            prop::collection::vec(filter(), 0..2),
            prop::collection::vec(order(), 0..2),
            any::<bool>(),
        );
        embed.prop_map(|(relation, hint, inner, select, filters, order, spread)| {
            let embed =
                Embed { relation, hint, inner, select, filters, order, ..common::embed("", Vec::new()) };
            if spread { SelectItem::Spread(embed) } else { SelectItem::Embed(embed) }
        })
    })
}

fn body() -> impl Strategy<Value = String> {
    let object = prop::collection::vec((column(), value()), 0..3).prop_map(|members| {
        let members: serde_json::Map<String, serde_json::Value> = members
            .into_iter()
            .map(|(name, value)| {
                let json = serde_json::from_str(&value).unwrap_or(serde_json::Value::String(value));
                (name, json)
            })
            .collect();
        serde_json::Value::Object(members).to_string()
    });
    prop_oneof![8 => object, 1 => ".{0,10}"]
}

fn action() -> impl Strategy<Value = Action> {
    let returning = || prop::sample::select(vec![Returning::Minimal, Returning::Keys, Returning::Rows]);
    let conflict = (prop::option::of(prop::collection::vec(name(), 0..2)), any::<bool>())
        .prop_map(|(columns, merge)| Conflict { columns, merge });
    prop_oneof![
        4 => Just(Action::Read),
        1 => (body(), prop::option::of(conflict), returning(), any::<bool>()).prop_map(|(body, conflict, returning, put)| {
            Action::Insert(Insert { body: Body::Json(body), columns: None, missing_default: false, conflict, returning, put, nested: Vec::new() })
        }),
        1 => (body(), returning()).prop_map(|(body, returning)| Action::Update {
            body: Body::Json(body),
            columns: None,
            returning,
            max_affected: None,
        }),
        1 => returning().prop_map(|returning| Action::Delete { returning, max_affected: None }),
        1 => body().prop_map(|body| Action::Call { arguments: Arguments::Json(body), read_only: false, max_affected: None }),
    ]
}

fn having() -> impl Strategy<Value = Having> {
    use Aggregate::*;
    let aggregate =
        (prop::option::of(field_path()), prop::sample::select(vec![Count, Sum, Avg, Min, Max])).prop_map(
            |(field, aggregate)| GroupValue::Aggregate { field, cast: None, aggregate, aggregate_cast: None },
        );
    let value = prop_oneof![field_path().prop_map(GroupValue::Selected), aggregate];
    let leaf = (any::<bool>(), value, operation()).prop_map(|(negated, value, op)| Having::Condition {
        negated,
        value,
        op,
    });
    leaf.prop_recursive(2, 4, 2, |inner| {
        (any::<bool>(), any::<bool>(), prop::collection::vec(inner, 0..3))
            .prop_map(|(negated, all, conditions)| Having::Logic { negated, all, conditions })
    })
}

fn distinct() -> impl Strategy<Value = Distinct> {
    prop_oneof![Just(Distinct::Rows), prop::collection::vec(field_path(), 1..3).prop_map(Distinct::On)]
}

fn page() -> impl Strategy<Value = Page> {
    let values = prop::collection::vec(prop_oneof![Just(Value::Null), Just(Value::Int(1))], 0..3);
    let position = prop::option::of(values.prop_map(|values| Position { shape: [0; 16], values }));
    (any::<bool>(), position).prop_map(|(backwards, from)| Page { backwards, from })
}

fn request() -> impl Strategy<Value = Request> {
    let select = prop::collection::vec(item(), 0..4);
    let parts = (select, prop::collection::vec(filter(), 0..3), prop::collection::vec(order(), 0..2));
    let beyond = (
        prop_oneof![4 => Just(Vec::new()), 1 => prop::collection::vec(having(), 1..3)],
        prop::option::weighted(0.1, distinct()),
        prop::option::weighted(0.1, page()),
    );
    (relation(), action(), parts, beyond).prop_map(
        |(name, action, (select, filters, order), (having, distinct, page))| {
            let schema = "public".to_owned();
            let target = match action {
                Action::Call { .. } => Target::Function { schema, name },
                _ => Target::Relation { schema, name },
            };
            Request { target, action, select, filters, order, having, distinct, page, ..get("") }
        },
    )
}

/// The plan or the refusal, whole. Tables are told apart by name: their numbers differ between catalogs.
fn told(catalog: &Catalog, request: &Request) -> String {
    match plan(catalog, &Caller::with_role("anon"), request) {
        Ok(plan) => outline::plan(catalog, &plan),
        Err(refusal) => format!("{refusal:?}"),
    }
}

/// Caches that live through all cases, so that plans of earlier requests and callers are found by later ones: one for each catalog,
/// and one for both that is so small that it forgets all the time.
static CACHES: LazyLock<[PlanCache; 2]> = LazyLock::new(|| [PlanCache::new(10_000), PlanCache::new(10_000)]);
static SMALL: LazyLock<PlanCache> = LazyLock::new(|| PlanCache::new(3));
static CATALOGS: LazyLock<[Arc<Catalog>; 2]> =
    LazyLock::new(|| [Arc::new(catalog_of_fixture()), Arc::new(without())]);

/// The request with other values in its filters, everything else as it is.
fn with_values(mut request: Request, values: &[String]) -> Request {
    fn filters(all: &mut [Filter], next: &mut impl Iterator<Item = String>) {
        for filter in all {
            let op = match filter {
                Filter::Logic { filters: inner, .. } => {
                    filters(inner, next);
                    continue;
                }
                Filter::Condition { op, .. } => op,
            };
            match op {
                Operation::Compare { value, .. }
                | Operation::IsDistinct(value)
                | Operation::Containment { value, .. }
                | Operation::TextSearch { value, .. } => *value = next.next().unwrap_or_default(),
                Operation::In(list) => {
                    list.iter_mut().for_each(|value| *value = next.next().unwrap_or_default())
                }
                Operation::Is(_) => {}
            }
        }
    }
    fn select(items: &mut [SelectItem], next: &mut impl Iterator<Item = String>) {
        for item in items {
            if let SelectItem::Embed(embed) | SelectItem::Spread(embed) = item {
                filters(&mut embed.filters, next);
                select(&mut embed.select, next);
            }
        }
    }
    let mut next = values.iter().cloned().cycle();
    filters(&mut request.filters, &mut next);
    select(&mut request.select, &mut next);
    request
}

/// Mostly requests that can be planned: hits are what is looked for.
fn plannable() -> impl Strategy<Value = Request> {
    let good = prop_oneof![
        3 => prop::sample::select(vec!["1", "2", "17"]),
        1 => prop::sample::select(VALUES),
    ];
    let column = prop::sample::select(vec!["id", "id", "name", "client_id"]);
    let leaf = (any::<bool>(), column, comparison(), prop::collection::vec(good, 1..3)).prop_map(
        |(listed, column, op, values)| {
            let values: Vec<String> = values.into_iter().map(str::to_owned).collect();
            let op = match (listed, values.as_slice()) {
                (false, [value, ..]) => Operation::Compare { op, quantifier: None, value: value.clone() },
                _ => Operation::In(values),
            };
            Filter::Condition {
                negated: listed,
                field: FieldPath { column: column.into(), path: Vec::new() },
                op,
            }
        },
    );
    let embedded = prop_oneof![5 => Just(None), 1 => item().prop_map(Some)];
    (relation(), prop::collection::vec(leaf, 0..3), embedded, prop::option::weighted(0.2, 0..3u64)).prop_map(
        |(name, filters, embedded, limit)| {
            let select = std::iter::once(SelectItem::All).chain(embedded).collect();
            Request { select, filters, limit, ..get(&name) }
        },
    )
}

/// What the cache gives for a request is what planning it anew gives: every part of the plan, or the refusal.
fn same_as_anew(request: &Request, role: &str) -> Result<(), TestCaseError> {
    let caller = Caller::with_role(role);
    for (catalog, cache) in CATALOGS.iter().zip(&*CACHES) {
        let anew = format!("{:?}", plan(catalog, &caller, request));
        prop_assert_eq!(&format!("{:?}", cache.plan(catalog, &caller, request)), &anew);
        prop_assert_eq!(&format!("{:?}", SMALL.plan(catalog, &caller, request)), &anew);
    }
    Ok(())
}

#[test]
fn a_plan_is_found_again() {
    let cache = PlanCache::new(10);
    let catalog = &CATALOGS[0];
    let by_id = |id: &str| Request { filters: vec![condition("id", Comparison::Eq, id)], ..get("projects") };
    let plan = |role: &str, id: &str| cache.plan(catalog, &Caller::with_role(role), &by_id(id)).unwrap();
    let first = plan("authenticated", "1");
    let second = plan("authenticated", "2");
    assert!(Arc::ptr_eq(&first.action, &second.action));
    assert_ne!(first.values, second.values);
    // Another role, or a catalog that is read anew, has plans of its own.
    assert!(!Arc::ptr_eq(&first.action, &plan("service_role", "1").action));
    let renewed = Arc::new(catalog_of_fixture());
    let caller = Caller::with_role("authenticated");
    let after = cache.plan(&renewed, &caller, &by_id("1")).unwrap();
    assert!(!Arc::ptr_eq(&first.action, &after.action));
    // What cannot be read is refused as by planning.
    assert!(cache.plan(&renewed, &caller, &by_id("x")).is_err());
}

fn condition(column: &str, op: Comparison, value: &str) -> Filter {
    let field = FieldPath { column: column.into(), path: Vec::new() };
    Filter::Condition {
        negated: false,
        field,
        op: Operation::Compare { op, quantifier: None, value: value.into() },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn planning_never_panics(request in request(), role in prop::sample::select(vec!["anon", "authenticated", "service_role", "nobody"])) {
        let text = outline_as(role, &request);
        prop_assert!(!text.contains("LEFT IN PLAN"), "{text}");
    }

    #[test]
    fn what_is_hidden_is_as_if_it_were_not_there(request in request()) {
        prop_assert_eq!(told(&CATALOG, &request), told(&WITHOUT, &request));
    }

    #[test]
    fn a_hidden_column_is_as_if_it_were_not_there(request in request()) {
        prop_assert_eq!(told(&CATALOG, &request), told(&RENAMED, &request));
    }

    #[test]
    fn kept_plans_are_those_made_anew(
        request in prop_oneof![plannable(), request()],
        values in prop::collection::vec(value(), 1..6),
        roles in prop::sample::subsequence(vec!["anon", "authenticated", "service_role", "nobody"], 2),
    ) {
        for role in roles {
            same_as_anew(&request, role)?;
            same_as_anew(&with_values(request.clone(), &values), role)?;
            same_as_anew(&request, role)?;
        }
    }
}
