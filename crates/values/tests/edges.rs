//! Every built-in with every combination of extreme arguments: an answer or a refusal in bounded time, never a panic.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::time::{Duration, Instant};

use plinth_values::builtin::{self, Arg, Builtin, Context, Kind};
use plinth_values::range::RangeKind;
use plinth_values::{EnumType, Modifier, Session, Type, Value, ValueRef, input};

/// The most combinations tried of one built-in, and the longest that one call may take (unoptimized).
const COMBINATIONS: usize = 4000;
const LONGEST: Duration = Duration::from_secs(5);

fn pool(ty: &Type) -> Vec<Value> {
    let texts: &[&str] = match ty {
        Type::Bool => &["t", "f"],
        Type::Int2 => &["-32768", "32767", "-1", "0", "1"],
        Type::Int4 => &["-2147483648", "2147483647", "-1", "0", "1", "3"],
        Type::Int8 => &["-9223372036854775808", "9223372036854775807", "-1", "0", "1", "3"],
        Type::Numeric => &["0", "-1", "0.00001", "1e900", "-1e900", "99999999999999999999.99", "2.5"],
        Type::Float4 => &["0", "-1", "3.4e38", "1e-45", "Infinity", "2.5"],
        Type::Float8 => &["0", "-1", "1.7e308", "5e-324", "Infinity", "-Infinity", "2.5", "9e18"],
        Type::Date => &["-infinity", "infinity", "4713-01-01 BC", "5874897-12-31", "2024-02-29"],
        Type::Time => &["00:00", "24:00", "12:34:56.789"],
        Type::Timestamp => {
            &["-infinity", "infinity", "4713-01-01 BC", "294276-12-31 23:59:59", "2024-02-29 12:34:56"]
        }
        Type::Timestamptz => {
            &["-infinity", "infinity", "4713-01-02 BC", "294276-12-31 23:59:59", "2024-02-29 12:34:56"]
        }
        Type::Interval => {
            &["0", "178000000 years", "-178000000 years", "2147483647 days", "2562047788:00:54.7", "-1 day"]
        }
        Type::Uuid => &["00000000-0000-0000-0000-000000000000"],
        Type::Json | Type::Jsonb => {
            &["null", "[]", "{}", "[1,[2,{\"a\":null}]]", "{\"a\":{\"b\":[1]}}", "\"ä\"", "1e300"]
        }
        Type::Bytea => &["", "\\x00ff", "\\xc3a4"],
        Type::Tsvector => &["", "a", "a:1A b:2,16383", "'ä€':3 a"],
        Type::Tsquery => &["", "a", "!a & b:*A | (c <-> d <16384> !e)"],
        Type::Regconfig => &["english", "simple"],
        Type::Array(element) if element.is_integer() => {
            &["{}", "{1,2,NULL}", "{{1},{2}}", "{2147483647,2147483647}"]
        }
        Type::Array(_) => &["{}", "{a,NULL,b}", "{{0},{1}}", "{a,b}"],
        Type::Enum(_) => &["low", "high"],
        Type::Range(RangeKind::Int4 | RangeKind::Int8 | RangeKind::Num) => {
            &["empty", "(,)", "[1,5)", "(,2147483647)", "[-2147483648,-2147483648]", "[5,)"]
        }
        Type::Range(_) => {
            &["empty", "(,)", "[-infinity,infinity]", "[2024-02-29,infinity)", "(4713-01-01 BC,2024-02-29]"]
        }
        _ => &[
            "",
            "a",
            "ä€😀",
            "%",
            "\\",
            "(a|b)*?",
            "[",
            "YYYY-MM-DD HH24:MI:SS.US Day Month RM CC TZ J IW",
            "FM9,990.00S",
            "S9V99",
            "RN",
            "UTC",
            "2024-02-30",
            "g",
            "day",
            "epoch",
            "century",
            "hex",
            "base64",
            "%1$s %I %-5s %*s",
        ],
    };
    let session = Session::utc();
    let values = texts.iter().map(|text| input::from_text(ty, Modifier::None, text, &session));
    let mut values: Vec<Value> = values.filter_map(Result::ok).collect();
    assert!(!values.is_empty(), "{ty}");
    values.push(Value::Null);
    values
}

fn types(arg: Arg) -> Vec<Type> {
    let levels =
        EnumType { schema: "public".into(), name: "level".into(), labels: vec!["low".into(), "high".into()] };
    let open = match arg {
        Arg::AnyEnum => vec![Type::Enum(levels.into())],
        Arg::Any | Arg::AnyNonArray | Arg::AnyElement => {
            vec![Type::Int4, Type::Text, Type::Jsonb, Type::Timestamptz, Type::Bool]
        }
        Arg::AnyArray => {
            [Type::Int4, Type::Text, Type::Jsonb, Type::Timestamptz, Type::Bool].map(Type::array).into()
        }
        Arg::AnyRange => RangeKind::ALL.map(Type::Range).into(),
        Arg::RangeElement => RangeKind::ALL.map(RangeKind::subtype).into(),
        _ => Vec::new(),
    };
    arg.concrete().map_or(open, |ty| vec![ty])
}

/// The numbers of arguments to try: all of them, without the optional ones, and one more of a variadic.
fn arities(builtin: &Builtin) -> Vec<usize> {
    let all = builtin.args.len();
    let most = if builtin.variadic { all + 2 } else { all };
    (all - builtin.optional..=most).collect()
}

#[test]
fn every_builtin_answers_or_refuses() {
    let session = Session::utc();
    let mut failures = Vec::new();
    for builtin in builtin::all().filter(|builtin| builtin.kind != Kind::Window) {
        for arity in arities(builtin) {
            for round in 0..5 {
                let parameters =
                    builtin.args.iter().chain(builtin.args.last().into_iter().cycle()).take(arity);
                let types: Vec<Type> = parameters
                    .map(|arg| types(*arg))
                    .filter_map(|choices| choices.get(round % choices.len()).cloned())
                    .collect();
                let polymorphic = builtin.args.iter().any(|arg| self::types(*arg).len() > 1);
                if round > 0 && !polymorphic {
                    break;
                }
                let pools: Vec<Vec<Value>> = types.iter().map(pool).collect();
                let all: usize = pools.iter().map(Vec::len).product::<usize>().max(1);
                // A stride without common factors with the pools' sizes visits different combinations each time.
                for step in 0..all.min(COMBINATIONS) {
                    let mut place = if all > COMBINATIONS { step * 7919 } else { step };
                    let mut args = Vec::new();
                    for pool in &pools {
                        args.push(pool[place % pool.len()].as_ref());
                        place /= pool.len();
                    }
                    failures.extend(try_one(builtin, &types, &args, &session));
                }
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} failures:\n{}",
        failures.len(),
        failures[..failures.len().min(40)].join("\n")
    );
}

fn try_one(builtin: &Builtin, types: &[Type], args: &[ValueRef<'_>], session: &Session) -> Option<String> {
    let context = Context { session, types };
    let begin = Instant::now();
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| match builtin.kind {
        Kind::Set => builtin::rows(builtin.id, &context, args).err(),
        Kind::Aggregate => {
            let mut state = builtin::accumulator(builtin.id, types, session).unwrap();
            let stepped = state.step(args).and_then(|()| state.step(args)).err();
            stepped.or_else(|| state.finish().err())
        }
        _ => builtin::call(builtin.id, &context, args).err(),
    }));
    let took = begin.elapsed();
    match ended {
        Err(_) => Some(format!("{} panicked: {args:?}", builtin.id)),
        // PostgreSQL's own answer to a letter that is no weight (`data/search.tsv`).
        Ok(Some(error)) if error.message.starts_with("unrecognized weight: ") => None,
        Ok(Some(error)) if error.code == "XX000" => Some(format!("{}: {error}: {args:?}", builtin.id)),
        Ok(_) if took > LONGEST => Some(format!("{} took {took:?}: {args:?}", builtin.id)),
        Ok(_) => None,
    }
}
