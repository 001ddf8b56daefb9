//! Full-text indexes: whatever is written, an indexed search gives what one without an index gives.

use super::{Bed, catalog, files};
use crate::{Options, SqliteEngine, explain};

/// `doc` has indexes, `bare` has the same rows and none.
const SCHEMA: &str = "
    create table shelf (id integer primary key);
    create table doc (
        id integer primary key, shelf_id integer references shelf on delete cascade, code text unique, title text, body text,
        words tsvector generated always as
            (setweight(to_tsvector('english', coalesce(title, '')), 'A') || to_tsvector('english', coalesce(body, ''))) stored
    );
    create table bare (
        id integer primary key, shelf_id integer references shelf on delete cascade, code text unique, title text, body text,
        words tsvector generated always as
            (setweight(to_tsvector('english', coalesce(title, '')), 'A') || to_tsvector('english', coalesce(body, ''))) stored
    );
    alter table doc enable row level security;
    create policy odd on doc to anon using (id % 2 = 1);
    alter table bare enable row level security;
    create policy odd on bare to anon using (id % 2 = 1);
    grant all on all tables in schema public to anon, service_role;
";
const BY_WORDS: &str = "create index doc_words on doc using gin (words);";
const BY_BODY: &str = "create index doc_body on doc using gin (to_tsvector('english', body));";

fn indexed() -> String {
    format!("{SCHEMA}{BY_WORDS}{BY_BODY}")
}

/// Numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % limit
    }

    fn text(&mut self) -> String {
        const WORDS: [&str; 12] = [
            "cat",
            "running",
            "Ran",
            "the",
            "zebra",
            "caf\u{e9}",
            "foo-bar",
            "3.14",
            "a@b.com",
            "dogs",
            "x",
            "it's",
        ];
        let count = self.below(6);
        (0..count).map(|_| WORDS[self.below(WORDS.len())]).collect::<Vec<_>>().join(" ")
    }
}

const QUERIES: [&str; 16] = [
    "words=fts.cat",
    "words=fts.cat:A",
    "words=fts.cat%26!dog",
    "words=fts.!cat",
    "words=fts.cat|!dog",
    "words=fts.z:*",
    "words=fts.ca:*%26x",
    "words=fts.cat%3C-%3Edog",
    "words=fts.!cat%3C-%3Edog",
    "words=fts.",
    "words=not.fts.dog",
    "body=plfts(english).running%20cats",
    "body=phfts(english).foo-bar",
    "body=wfts.caf%C3%A9%20or%20%22cat%20dogs%22",
    "body=fts(simple).running",
    "or=(words.fts.cat,body.fts(english).zebra)",
];

async fn compare(bed: &Bed, when: &str) {
    for query in QUERIES {
        for role in ["service_role", "anon"] {
            let ask = async |table: &str| {
                bed.ask(role, &format!("GET /{table}?select=id&order=id&{query}"), "").await
            };
            let (doc, bare) = (ask("doc").await, ask("bare").await);
            assert!(doc.starts_with('['), "{query}: {doc}");
            assert_eq!(doc, bare, "{when}: {role} {query}");
        }
    }
}

async fn write(bed: &Bed, numbers: &mut Numbers) {
    let (id, other) = (numbers.below(40), numbers.below(40));
    let row = serde_json::json!({
        "id": id, "shelf_id": numbers.below(4), "code": format!("c{}", numbers.below(30)),
        "title": numbers.text(), "body": if numbers.below(5) == 0 { None } else { Some(numbers.text()) },
    });
    let text = serde_json::json!({"body": numbers.text()});
    let (line, body) = match numbers.below(8) {
        0 | 1 => ("POST /T".to_owned(), row.to_string()),
        2 => ("POST /T resolution=merge-duplicates".to_owned(), row.to_string()),
        3 => ("POST /T?on_conflict=code resolution=ignore-duplicates".to_owned(), row.to_string()),
        4 => (format!("PATCH /T?id=eq.{id}"), text.to_string()),
        5 => (format!("PATCH /T?id=eq.{id}"), format!("{{\"id\":{other}}}")),
        6 => ("PATCH /T?words=fts.cat tx=rollback".to_owned(), text.to_string()),
        _ => (format!("DELETE /T?id=eq.{id}"), String::new()),
    };
    let doc = bed.ask("service_role", &line.replace("/T", "/doc"), &body).await;
    let bare = bed.ask("service_role", &line.replace("/T", "/bare"), &body).await;
    assert_eq!(doc.replace("doc", "bare"), bare, "{line} {body}");
}

async fn shelves(bed: &Bed) {
    bed.check("service_role", &[("POST /shelf", r#"[{"id":0},{"id":1},{"id":2},{"id":3}]"#, "[]")]).await;
}

fn sql(bed: &Bed, line: &str) -> String {
    let execution = bed.execution("anon", line, "").unwrap_or_else(|error| panic!("{error}"));
    explain(&execution.catalog, &execution.plan)
}

#[tokio::test(flavor = "multi_thread")]
async fn random_writes_keep_indexes_in_step() {
    let bed = Bed::new(&indexed());
    shelves(&bed).await;
    let mut numbers = Numbers(7);
    for round in 0..12 {
        for _ in 0..25 {
            write(&bed, &mut numbers).await;
        }
        if round == 6 {
            bed.check("service_role", &[("DELETE /shelf?id=eq.2", "", "[]")]).await;
            bed.check("service_role", &[("POST /shelf", r#"{"id":2}"#, "[]")]).await;
        }
        compare(&bed, &format!("round {round}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn indexes_come_and_go_with_the_schema() {
    let bed = Bed::new(SCHEMA);
    shelves(&bed).await;
    let mut numbers = Numbers(11);
    let changed = indexed().replace("(to_tsvector('english', body))", "(to_tsvector('simple', body))");
    let rebuilt = indexed().replace(
        "title text, body text,",
        "title text, body text, kept text generated always as (code) stored,",
    );
    for (when, schema) in [
        ("with one", format!("{SCHEMA}{BY_WORDS}")),
        ("with both", indexed()),
        ("one changed", changed),
        ("the table made anew", rebuilt.clone()),
        ("with none", rebuilt.replace(BY_WORDS, "").replace(BY_BODY, "")),
        ("with both again", rebuilt),
    ] {
        for _ in 0..20 {
            write(&bed, &mut numbers).await;
        }
        bed.engine.apply(catalog(&schema), files(&schema)).unwrap_or_else(|error| panic!("{when}: {error}"));
        compare(&bed, when).await;
        for _ in 0..20 {
            write(&bed, &mut numbers).await;
        }
        compare(&bed, when).await;
        let used = sql(&bed, "GET /doc?words=fts.cat").contains("_plinth_search:doc_words:");
        assert_eq!(used, schema.contains(BY_WORDS), "{when}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_indexes_gets_them() {
    let Bed { engine, path, _folder } = Bed::new(&indexed());
    drop(engine);
    let text = "select count(*) from sqlite_schema where name glob '[_]plinth[_]search:*'";
    let raw = rusqlite::Connection::open(&path).expect("the file opens");
    for name in ["doc_words", "doc_body"] {
        for event in ["insert", "update", "delete"] {
            raw.execute_batch(&format!("drop trigger \"_plinth_search:{name}:{event}\"")).expect("a trigger");
        }
        raw.execute_batch(&format!("drop table \"_plinth_search:{name}:\"")).expect("an index");
    }
    assert_eq!(raw.query_row(text, [], |row| row.get::<_, i64>(0)), Ok(0));
    drop(raw);
    let engine = SqliteEngine::open(&path, Options::default()).expect("the file opens");
    engine.adopt(catalog(&indexed())).expect("its schema is taken over");
    let bed = Bed { engine: engine.into(), path, _folder };
    shelves(&bed).await;
    let mut numbers = Numbers(3);
    for _ in 0..60 {
        write(&bed, &mut numbers).await;
    }
    compare(&bed, "afterwards").await;
}

#[tokio::test]
async fn the_index_is_used_where_it_says_the_same() {
    let bed = Bed::new(&indexed());
    for (query, used) in [
        ("words=fts.cat", true),
        ("body=fts(english).cat", true),
        ("body=wfts.cat", true),
        ("body=fts(simple).cat", false),
        ("title=fts(english).cat", false),
        ("words=not.fts.cat", false),
    ] {
        let sql = sql(&bed, &format!("GET /doc?{query}"));
        assert_eq!(sql.contains("_plinth_search:"), used, "{query}: {sql}");
    }
    // What the index keeps cannot be reached by name.
    for name in ["_plinth_search:doc_words:", "_plinth_search%3Adoc_words%3A_data"] {
        assert!(bed.execution("service_role", &format!("GET /{name}"), "").is_err(), "{name}");
    }
}
