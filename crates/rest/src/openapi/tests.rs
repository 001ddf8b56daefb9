//! The document of a small catalog, for callers with different rights.

use plinth_catalog::{Catalog, Defaults, SourceFile, read};
use plinth_query::Caller;
use serde_json::{Value, json};

use super::{document, key};

const SCHEMA: &str = "
    comment on schema public is E'The shop\\nSells things.';
    create type mood as enum ('glad', 'sad');
    create table secret (id bigint primary key, code text);
    create table maker (id bigint primary key, name varchar(40) not null);
    create table thing (
        id bigint generated always as identity primary key,
        maker_id bigint not null references maker (id),
        secret_id bigint references secret (id),
        mood mood default 'glad',
        tags text[] not null default '{}',
        cost numeric(10, 2) not null,
        double numeric generated always as (cost * 2) stored
    );
    comment on table thing is E'What is sold\\nOne row each.';
    create view cheap as select id, cost from thing where cost < 5;
    create view total as select sum(cost) as cost from thing;
    create view caller_secret with (security_invoker = true) as select id from secret;
    create function price(thing bigint, rate numeric default 1) returns numeric language sql stable
        as $$ select cost * rate from thing t where t.id = price.thing $$;
    create function forget(thing bigint) returns void language sql as $$ delete from thing t where t.id = forget.thing $$;
    create function hidden() returns setof secret language sql stable as $$ select * from secret $$;
    revoke execute on function forget(bigint) from public;
    revoke execute on function hidden() from public;
    grant execute on function forget(bigint), hidden() to service_role;
    grant select, insert, update, delete on secret, maker, thing, cheap, total to service_role;
    grant select (id, name) on maker to anon;
    grant select (id, maker_id, secret_id, mood, cost), insert (maker_id, cost) on thing to anon;
    grant select on caller_secret to anon;
";

fn catalog() -> Catalog {
    let file = SourceFile { path: "schema.sql".into(), text: SCHEMA.into() };
    read(&[file], &Defaults::default()).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn of(role: &str) -> Value {
    document(&catalog(), &Caller::with_role(role), "public")
}

fn operations(document: &Value) -> Vec<String> {
    let mut all: Vec<String> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().unwrap().keys().map(move |method| format!("{method} {path}"))
        })
        .filter(|operation| !operation.starts_with("x-query "))
        .collect();
    all.sort();
    all
}

#[test]
fn each_caller_its_own() {
    assert_eq!(
        operations(&of("anon")),
        ["get /", "get /maker", "get /rpc/price", "get /thing", "post /rpc/price", "post /thing"]
    );
    assert_eq!(
        operations(&of("service_role")),
        [
            "delete /cheap",
            "delete /maker",
            "delete /secret",
            "delete /thing",
            "get /",
            "get /cheap",
            "get /maker",
            "get /rpc/hidden",
            "get /rpc/price",
            "get /secret",
            "get /thing",
            "get /total",
            "patch /cheap",
            "patch /maker",
            "patch /secret",
            "patch /thing",
            "post /cheap",
            "post /maker",
            "post /rpc/forget",
            "post /rpc/hidden",
            "post /rpc/price",
            "post /secret",
            "post /thing",
            "put /maker",
            "put /secret",
        ]
    );
    assert_eq!(operations(&of("authenticated")), ["get /", "get /rpc/price", "post /rpc/price"]);
}

#[test]
fn what_can_be_read_can_be_asked_with_a_body() {
    for role in ["anon", "authenticated", "service_role"] {
        let document = of(role);
        for (path, item) in document["paths"].as_object().unwrap() {
            let query = &item["x-query"];
            assert_eq!(query.is_object(), item["get"].is_object() && path != "/", "{role} {path}");
            assert_eq!(
                query["responses"],
                if path == "/" { Value::Null } else { item["get"]["responses"].clone() }
            );
        }
    }
    let headers = of("anon")["paths"]["/thing"]["x-query"]["parameters"].to_string();
    assert!(
        headers.contains("Range") && headers.contains("Prefer.read") && !headers.contains("select"),
        "{headers}"
    );
}

#[test]
fn nothing_hidden_is_named() {
    let anon = of("anon");
    let all: Vec<String> = anon["components"]["schemas"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(all, ["maker", "thing", "thing.insert", "plinth.error"]);
    let secret = &anon["components"]["schemas"]["thing"]["properties"]["secret_id"];
    assert_eq!(secret, &json!({ "type": ["integer", "null"], "format": "bigint" }));
    assert!(!anon.to_string().contains("'secret'"));
    assert!(of("service_role").to_string().contains("<fk table='secret' column='id'/>"));
}

#[test]
fn columns() {
    let service = of("service_role");
    let thing = &service["components"]["schemas"]["thing"];
    for (column, expected) in [
        (
            "id",
            json!({ "type": "integer", "format": "bigint", "description": "Note:\nThis is a Primary Key.<pk/>" }),
        ),
        (
            "maker_id",
            json!({
                "type": "integer", "format": "bigint",
                "description": "Note:\nThis is a Foreign Key to `maker.id`.<fk table='maker' column='id'/>",
            }),
        ),
        (
            "mood",
            json!({
                "type": ["string", "null"], "format": "public.mood", "enum": ["glad", "sad", null], "default": "glad",
            }),
        ),
        (
            "tags",
            json!({
                "type": "array", "format": "text[]", "default": [],
                "items": { "type": ["string", "null"], "format": "text" },
            }),
        ),
    ] {
        assert_eq!(thing["properties"][column], expected, "{column}");
    }
    let insert = &service["components"]["schemas"]["thing.insert"];
    assert_eq!(insert["required"], json!(["maker_id", "cost"]));
    assert_eq!(insert["properties"]["id"], Value::Null);
    assert_eq!(insert["properties"]["double"], Value::Null);
    assert_eq!(service["components"]["schemas"]["maker"]["properties"]["name"]["maxLength"], 40);
    assert_eq!(service["paths"]["/thing"]["get"]["summary"], "What is sold");
    assert_eq!(service["paths"]["/thing"]["get"]["description"], "One row each.");
    assert_eq!(service["info"]["title"], "The shop");
    assert_eq!(service["info"]["description"], "Sells things.");
}

#[test]
fn calls() {
    let body =
        &of("anon")["paths"]["/rpc/price"]["post"]["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(body["required"], json!(["thing"]));
    let hidden =
        &of("service_role")["paths"]["/rpc/hidden"]["get"]["responses"]["200"]["content"]["application/json"];
    assert_eq!(
        hidden["schema"],
        json!({ "type": "array", "items": { "$ref": "#/components/schemas/secret" } })
    );
    assert_eq!(of("service_role")["paths"]["/rpc/forget"]["post"]["responses"]["200"], Value::Null);
}

#[test]
fn version_2_says_the_same_in_its_own_words() {
    let document = super::document_2(&catalog(), &Caller::with_role("service_role"), "public");
    let thing = &document["definitions"]["thing"]["properties"];
    assert_eq!(
        thing["mood"],
        json!({
            "type": "string", "x-nullable": true, "format": "public.mood", "enum": ["glad", "sad"], "default": "glad",
        })
    );
    assert_eq!(
        document["paths"]["/thing"]["get"]["parameters"][0],
        json!({ "$ref": "#/parameters/rowFilter.thing.id" })
    );
    let post = &document["paths"]["/rpc/price"]["post"];
    assert_eq!(post["parameters"][1]["schema"]["required"], json!(["thing"]));
    assert_eq!(post["requestBody"], Value::Null);
    for word in ["oneOf", "anyOf", "#/components", "\"null\""] {
        assert!(!document.to_string().contains(word), "{word}");
    }
}

#[test]
fn keys_are_distinct_and_plain() {
    for (name, expected) in
        [("thing", "thing"), ("a b", "a-20-b"), ("a.b", "a-2e-b"), ("a-20-b", "a-2d-20-2d-b"), ("é", "-e9-")]
    {
        assert_eq!(key(name), expected);
    }
}
