//! Pages by cursor: whatever the order, whatever the values, and whatever comes and goes between two pages, every row that stays is on
//! exactly one page, in order; and a page costs the same wherever it is.

use std::collections::BTreeSet;

use http::HeaderMap;
use plinth_engine::Engine as _;
use plinth_query::plan::PlannedAction;
use proptest::prelude::*;

use super::Bed;
use crate::sql;

const SCHEMA: &str = "
    create table parent (id integer primary key, label text);
    create table item (
        id bigint primary key,
        parent_id integer references parent,
        whole integer,
        word text,
        real double precision not null,
        exact numeric,
        flag boolean,
        at timestamptz,
        data jsonb
    );
    create table pair (a text, b numeric, n integer, primary key (a, b));
    create index item_by_whole on item (whole, word desc, id);
    create index item_by_real on item (real, id);
    grant all on all tables in schema public to service_role;
";

/// A row of `item`, without its id. Few values, so that there are many equal ones.
fn row() -> impl Strategy<Value = String> {
    let or_null = |values: &'static [&'static str]| prop::sample::select(values);
    (
        or_null(&["null", "1", "2", "3"]),
        or_null(&["null", "0", "7", "-3"]),
        or_null(&["null", "\"\"", "\"a\"", "\"B\"", "\"ä\"", "\"a b\""]),
        or_null(&["0", "-1.5", "1e300", "\"Infinity\"", "\"-Infinity\""]),
        or_null(&["null", "1.0", "1.00", "-2", "10"]),
        or_null(&["null", "true", "false"]),
        or_null(&["null", "\"2024-01-01T00:00:00Z\"", "\"infinity\"", "\"1999-12-31T23:00:00+01:00\""]),
        or_null(&["null", "{}", "{\"k\": 1}", "{\"k\": null}", "{\"k\": \"x\"}", "[1]"]),
    )
        .prop_map(|(parent, whole, word, real, exact, flag, at, data)| {
            format!(
                r#""parent_id":{parent},"whole":{whole},"word":{word},"real":{real},"exact":{exact},"flag":{flag},"at":{at},"data":{data}"#
            )
        })
}

fn order() -> impl Strategy<Value = String> {
    let field = prop::sample::select(
        &[
            "id",
            "whole",
            "word",
            "real",
            "exact",
            "flag",
            "at",
            "data",
            "data->k",
            "data->>k",
            "parent(label)",
            "parent_id",
        ][..],
    );
    let direction = prop::sample::select(&["", ".asc", ".desc"][..]);
    let nulls = prop::sample::select(&["", ".nullsfirst", ".nullslast"][..]);
    let key =
        (field, direction, nulls).prop_map(|(field, direction, nulls)| format!("{field}{direction}{nulls}"));
    prop::collection::vec(key, 0..4).prop_map(|keys| keys.join(",").replace('>', "%3E"))
}

/// What happens between two pages.
#[derive(Clone, Debug)]
enum Change {
    Insert(i64, String),
    Delete(i64),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (100..400_i64, row()).prop_map(|(id, row)| Change::Insert(id, row)),
        (0..60_i64).prop_map(|id| Change::Delete(id * 5)),
    ]
}

impl Bed {
    /// The ids of a page, and the cursor that leads on.
    async fn page(&self, query: &str, backwards: bool) -> (Vec<i64>, Option<String>) {
        let response = self.respond(&format!("GET /{query}")).await;
        let ids: Vec<serde_json::Value> = serde_json::from_slice(response.body()).expect("rows");
        let ids = ids.iter().map(|row| row["id"].as_i64().expect("an id")).collect();
        let name = if backwards { "previous-cursor" } else { "next-cursor" };
        (ids, response.headers().get(name).map(|cursor| cursor.to_str().expect("text").to_owned()))
    }

    async fn respond(&self, line: &str) -> http::Response<bytes::Bytes> {
        let (method, target) = line.split_once(' ').expect("a method and a path");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let method = method.parse().expect("a method");
        let incoming =
            plinth_rest::Incoming { method: &method, path, query, headers: &HeaderMap::new(), body: b"" };
        let call =
            plinth_rest::parse(&incoming, &super::rest_options()).unwrap_or_else(|e| panic!("{line}: {e:?}"));
        let plinth_rest::Call::Data { shape, .. } = call else { panic!("{line}: no request for data") };
        let execution = self.execution("service_role", line, "").unwrap_or_else(|e| panic!("{line}: {e}"));
        let (plan, catalog) = (execution.plan.clone(), execution.catalog.clone());
        let session = execution.caller.session.clone();
        let outcome =
            self.engine.run(execution).await.unwrap_or_else(|e| panic!("{line}: {}", super::shown(&e)));
        plinth_rest::success(&shape, &plan, &catalog, &session, outcome)
    }
}

async fn pages(
    rows: &[String],
    order: &str,
    sizes: &[u64],
    changes: &[Vec<Change>],
    backwards: bool,
) -> Result<(), TestCaseError> {
    let bed = Bed::new(SCHEMA);
    let parents = r#"[{"id":1,"label":"x"},{"id":2,"label":null},{"id":3,"label":"x"}]"#;
    bed.check("service_role", &[("POST /parent", parents, "[]")]).await;
    let all: Vec<String> =
        rows.iter().enumerate().map(|(n, row)| format!("{{\"id\":{},{row}}}", n * 5)).collect();
    bed.check("service_role", &[("POST /item", &format!("[{}]", all.join(",")), "[]")]).await;
    let select = format!("item?select=id,parent(label)&order={order}");
    // The complete order, asked for in one piece.
    let complete =
        format!("item?select=id,parent(label)&order={}", [order, "id"].join(",").trim_start_matches(','));
    let (before, _) = bed.page(&complete, false).await;

    let mut seen: Vec<i64> = Vec::new();
    let (mut cursor, mut sizes, mut changes) = (String::new(), sizes.iter().cycle(), changes.iter());
    let parameter = if backwards { "before" } else { "after" };
    loop {
        let size = sizes.next().copied().unwrap_or(1);
        let (mut ids, next) =
            bed.page(&format!("{select}&limit={size}&{parameter}={cursor}"), backwards).await;
        prop_assert!(ids.len() as u64 <= size);
        if next.is_some() {
            prop_assert_eq!(ids.len() as u64, size, "only the last page may be short");
        }
        if backwards {
            ids.reverse();
        }
        seen.extend(ids);
        let Some(next) = next else { break };
        cursor = next;
        for change in changes.next().into_iter().flatten() {
            match change {
                Change::Insert(id, row) => {
                    bed.ask("service_role", "POST /item", &format!("{{\"id\":{},{row}}}", id * 5 + 1)).await;
                }
                Change::Delete(id) => {
                    bed.ask("service_role", &format!("DELETE /item?id=eq.{id}"), "").await;
                }
            }
        }
    }
    let (mut after, _) = bed.page(&complete, false).await;
    if backwards {
        seen.reverse();
    }
    let distinct: BTreeSet<i64> = seen.iter().copied().collect();
    prop_assert_eq!(distinct.len(), seen.len(), "a row is on two pages: {:?}", seen);
    let stayed: BTreeSet<i64> = after.iter().copied().filter(|id| before.contains(id)).collect();
    let survivors: Vec<i64> = after.iter().copied().filter(|id| stayed.contains(id)).collect();
    seen.retain(|id| stayed.contains(id));
    prop_assert_eq!(seen, survivors);
    after.retain(|id| before.contains(id));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn every_row_is_on_one_page(
        rows in prop::collection::vec(row(), 0..30),
        order in order(),
        sizes in prop::collection::vec(1..8_u64, 1..4),
        changes in prop::collection::vec(prop::collection::vec(change(), 0..3), 0..10),
        backwards in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(pages(&rows, &order, &sizes, &changes, backwards))?;
    }
}

/// How SQLite finds the rows of a page that begins at the cursor of the page before it.
async fn found(bed: &Bed, query: &str) -> Vec<String> {
    let response = bed.respond(&format!("GET /{query}&limit=2&after=")).await;
    let cursor = response.headers()["next-cursor"].to_str().expect("text");
    let execution =
        bed.execution("service_role", &format!("GET /{query}&limit=2&after={cursor}"), "").expect("a plan");
    let PlannedAction::Read(node) = &*execution.plan.action else { panic!("a read") };
    let sql = sql::node(&execution.catalog, node).expect("compiles").sql;
    let connection = bed.connection();
    let mut statement = connection.prepare(&format!("explain query plan {}", sql.text)).expect("SQL");
    let mut rows = statement.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next().expect("a plan") {
        steps.push(row.get(3).expect("text"));
    }
    steps
}

#[tokio::test]
async fn a_page_is_a_search_in_the_index() {
    let bed = Bed::new(SCHEMA);
    let rows: Vec<String> = (0..40)
        .map(|n| {
            format!(r#"{{"id":{n},"whole":{},"word":"w{}","real":{},"exact":{n}}}"#, n % 3, n % 5, n % 7)
        })
        .collect();
    bed.check("service_role", &[("POST /item", &format!("[{}]", rows.join(",")), "[]")]).await;
    let pairs = r#"[{"a":"x","b":1,"n":1},{"a":"x","b":2,"n":1},{"a":"y","b":1,"n":1}]"#;
    bed.check("service_role", &[("POST /pair", pairs, "[]")]).await;
    for (query, index) in [
        ("item?select=id", "INTEGER PRIMARY KEY"),
        ("item?select=id&order=id.desc", "INTEGER PRIMARY KEY"),
        ("item?select=id&order=real", "item_by_real"),
        ("item?select=id&order=real.desc,id.desc", "item_by_real"),
        ("item?select=id&order=whole,word.desc.nullslast", "item_by_whole"),
        ("pair?select=n&order=a,b", "sqlite_autoindex_pair"),
    ] {
        let steps = found(&bed, query).await;
        // Beside the searches, only the few rows that they found are looked through and sorted.
        let searches = steps.iter().filter(|step| step.starts_with("SEARCH"));
        assert!(searches.clone().count() > 0, "{query}: {steps:#?}");
        assert!(searches.clone().all(|step| step.contains(index)), "{query}: {steps:#?}");
        assert!(!steps.iter().any(|step| step.starts_with("SCAN t")), "{query}: {steps:#?}");
    }
    // Without an index there is none to search.
    let steps = found(&bed, "item?select=id&order=exact").await;
    assert!(steps.iter().any(|step| step.starts_with("SCAN t")), "{steps:#?}");
}
