//! Replays calls recorded from PostgreSQL 15 (`tests/data/calls.tsv`, `range_calls.tsv`, `search.tsv`): resolution, coercion, the call, and its text form.
//! `CALLS_FILTER=name` runs one name only.

#![allow(clippy::unwrap_used, reason = "a test")]

use plinth_values::builtin::{self, Context, Kind, Resolved, Unresolved};
use plinth_values::range::RangeKind;
use plinth_values::{Modifier, Session, Type, Value, ValueError, ValueRef, cast, input, output};

fn type_named(name: &str) -> Type {
    if let Some(element) = name.strip_suffix("[]") {
        return type_named(element).array();
    }
    match name {
        "?" => Type::Unknown,
        "bool" => Type::Bool,
        "int2" => Type::Int2,
        "int4" => Type::Int4,
        "int8" => Type::Int8,
        "numeric" => Type::Numeric,
        "float4" => Type::Float4,
        "float8" => Type::Float8,
        "text" => Type::Text,
        "varchar" => Type::Varchar,
        "date" => Type::Date,
        "time" => Type::Time,
        "timestamp" => Type::Timestamp,
        "timestamptz" => Type::Timestamptz,
        "interval" => Type::Interval,
        "uuid" => Type::Uuid,
        "json" => Type::Json,
        "jsonb" => Type::Jsonb,
        "bytea" => Type::Bytea,
        "tsvector" => Type::Tsvector,
        "tsquery" => Type::Tsquery,
        "regconfig" => Type::Regconfig,
        other => match RangeKind::ALL.into_iter().find(|kind| kind.name() == other) {
            Some(kind) => Type::Range(kind),
            None => panic!("type {other}"),
        },
    }
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            c => out.push(c),
        }
    }
    out
}

fn shown(error: &ValueError) -> String {
    format!("!{} {}", error.code, error.message)
}

/// Reads an argument and coerces it to the type that the call asks for.
fn argument(from: &Type, to: &Type, text: &str, session: &Session) -> Result<Value, ValueError> {
    if text == "\\N" {
        return Ok(Value::Null);
    }
    let text = unescape(text);
    if *from == Type::Unknown {
        return input::from_text(to, Modifier::None, &text, session);
    }
    let value = input::from_text(from, Modifier::None, &text, session)?;
    if from == to { Ok(value) } else { cast::cast(from, to, Modifier::None, false, value.as_ref(), session) }
}

fn written(ty: &Type, value: &Value, session: &Session) -> String {
    if value.is_null() {
        return "\\N".to_owned();
    }
    let mut out = Vec::new();
    output::write_text(ty, value.as_ref(), session, &mut out);
    String::from_utf8(out).unwrap()
}

fn json(ty: &Type, value: &Value, session: &Session) -> String {
    if value.is_null() {
        return "null".to_owned();
    }
    let mut out = Vec::new();
    output::write_json(ty, value.as_ref(), session, &mut out);
    String::from_utf8(out).unwrap()
}

fn resolved(name: &str, kinds: &[Kind], types: &[Type]) -> Result<Resolved, String> {
    builtin::resolve(name, kinds, types).map_err(|unresolved| match unresolved {
        Unresolved::Ambiguous => "!42725".to_owned(),
        _ => "!42883".to_owned(),
    })
}

fn scalar(name: &str, kind: Kind, fields: &[&str], session: &Session) -> Result<String, String> {
    let given: Vec<(Type, &str)> =
        fields.iter().map(|field| field.split_once(':').unwrap()).map(|(t, v)| (type_named(t), v)).collect();
    let types: Vec<Type> = given.iter().map(|(ty, _)| ty.clone()).collect();
    let resolved = resolved(name, &[kind], &types)?;
    let mut values = Vec::new();
    for ((from, text), to) in given.iter().zip(&resolved.args) {
        values.push(argument(from, to, text, session).map_err(|error| shown(&error))?);
    }
    let refs: Vec<ValueRef<'_>> = values.iter().map(Value::as_ref).collect();
    let context = Context { session, types: &resolved.args };
    let id = resolved.builtin.id;
    if kind != Kind::Set {
        let answer = builtin::call(id, &context, &refs).map_err(|error| shown(&error))?;
        return Ok(written(&resolved.returns, &answer, session));
    }
    let rows = builtin::rows(id, &context, &refs).map_err(|error| shown(&error))?;
    let columns = builtin::columns(&resolved);
    let row = |row: Vec<Value>| match (row.as_slice(), columns.as_slice()) {
        ([value], _) => json(&resolved.returns, value, session),
        (values, columns) => {
            let members = columns.iter().zip(values);
            let members: Vec<String> = members
                .map(|((name, ty), value)| format!("\"{name}\":{}", json(ty, value, session)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
    };
    Ok(rows.into_iter().map(row).collect::<Vec<_>>().join("; "))
}

fn aggregate(name: &str, fields: &[&str], session: &Session) -> Result<String, String> {
    let (types, rows) = fields.split_first().unwrap();
    let types: Vec<Type> = types.split(',').map(type_named).collect();
    let resolved = resolved(name, &[Kind::Aggregate], &types)?;
    let mut state = builtin::accumulator(resolved.builtin.id, &resolved.args, session).unwrap();
    for row in rows {
        let mut values = Vec::new();
        for ((from, to), text) in types.iter().zip(&resolved.args).zip(row.split('|')) {
            values.push(argument(from, to, text, session).map_err(|error| shown(&error))?);
        }
        let refs: Vec<ValueRef<'_>> = values.iter().map(Value::as_ref).collect();
        state.step(&refs).map_err(|error| shown(&error))?;
    }
    let answer = state.finish().map_err(|error| shown(&error))?;
    Ok(written(&resolved.returns, &answer, session))
}

#[test]
fn answers_as_postgresql_does() {
    let session = Session::utc();
    let only = std::env::var("CALLS_FILTER").ok();
    let mut wrong = Vec::new();
    let mut count = 0;
    let files = [
        include_str!("data/calls.tsv"),
        include_str!("data/range_calls.tsv"),
        include_str!("data/search.tsv"),
    ];
    let recorded = files.into_iter().flat_map(str::lines).filter(|line| !line.starts_with('#'));
    for line in recorded {
        let fields: Vec<&str> = line.split('\t').collect();
        let (kind, name) = (fields[0], fields[1]);
        if only.as_deref().is_some_and(|only| only != name) {
            continue;
        }
        count += 1;
        let expected = fields[fields.len() - 1];
        let arguments = &fields[2..fields.len() - 2];
        let found = std::panic::catch_unwind(|| match kind {
            "f" => scalar(name, Kind::Function, arguments, &session),
            "o" => scalar(name, Kind::Operator, arguments, &session),
            "s" => scalar(name, Kind::Set, arguments, &session),
            _ => aggregate(name, arguments, &session),
        });
        let found = found.unwrap_or_else(|_| Err("panicked".to_owned())).unwrap_or_else(|refusal| refusal);
        let wanted = if expected == "\\N" { expected.to_owned() } else { unescape(expected) };
        // Of a call that does not resolve, the wording is not this crate's.
        let same = if wanted.starts_with("!42883") || wanted.starts_with("!42725") {
            wanted.starts_with(&found)
        } else {
            wanted == found
        };
        if !same {
            wrong.push(format!("{line}\n    found {}", found.replace('\n', "\\n")));
        }
    }
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
}
