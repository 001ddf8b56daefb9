//! What targets offer: to anyone with every privilege, as PostgREST tells it, and to a caller with few.

mod common;

use common::catalog;
use plinth_query::request::Target;
use plinth_query::{Caller, Offered, offered};

const SCHEMA: &str = "
    create table thing (id integer primary key, name text, secret text);
    create table loose (name text);
    create view whole as select id, name from thing;
    create view keyless as select name from thing;
    create view summed as select name, count(*) as things from thing group by name;
    create view computed as select upper(name) as name from thing;
    create function reads(a integer) returns integer language sql stable as 'select a';
    create function writes(a integer) returns integer language sql volatile as 'select a';
    grant select on thing, whole, keyless, summed to anon;
    grant insert (id, name) on whole to anon;
    grant insert on loose to anon;
    grant update (name) on thing to anon;
    grant delete on keyless to anon;
";

/// `GPUTD` for read, insert, put, update, delete; `-` for what is not offered; the error's beginning for what is not there.
fn told(role: &str, name: &str, hide_ungranted: bool) -> String {
    let catalog = catalog(SCHEMA);
    let target = match name.strip_prefix("rpc/") {
        Some(name) => Target::Function { schema: "public".into(), name: name.into() },
        None => Target::Relation { schema: "public".into(), name: name.into() },
    };
    match offered(&catalog, &Caller::with_role(role), &target, hide_ungranted) {
        Ok(Offered::Relation { read, insert, put, update, delete }) => [read, insert, put, update, delete]
            .into_iter()
            .zip("GPUTD".chars())
            .map(|(offered, letter)| if offered { letter } else { '-' })
            .collect(),
        Ok(Offered::Function { read }) => if read { "GP" } else { "P" }.into(),
        Err(refusal) => refusal.to_string(),
    }
}

#[test]
fn to_anyone_with_every_privilege() {
    for (name, expected) in [
        ("thing", "GPUTD"),
        ("loose", "GP-TD"),
        ("whole", "GPUTD"),
        ("keyless", "GP-TD"),
        ("summed", "G----"),
        ("computed", "G---D"),
        ("rpc/reads", "GP"),
        ("rpc/writes", "P"),
        ("nothing", "could not find the table 'public.nothing'"),
        ("rpc/nothing", "could not find the function public.nothing"),
    ] {
        assert_eq!(told("anon", name, false), expected, "{name}");
    }
}

#[test]
fn to_a_caller_with_few() {
    for (name, expected) in [
        ("thing", "G--T-"),
        ("loose", "-P---"),
        ("whole", "GP---"),
        ("keyless", "G---D"),
        ("summed", "G----"),
        ("computed", "could not find the table 'public.computed'"),
        ("nothing", "could not find the table 'public.nothing'"),
    ] {
        assert_eq!(told("anon", name, true), expected, "{name}");
    }
    assert_eq!(told("authenticated", "thing", true), "could not find the table 'public.thing'");
}
