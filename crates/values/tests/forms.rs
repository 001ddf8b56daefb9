//! Replays what PostgreSQL 15 made of several hundred texts: the value's text and JSON, or the refusal.
//! The cases are rows of `data/forms.tsv` and `data/range_forms.tsv`.

use plinth_values::range::RangeKind;
use plinth_values::{Modifier, Session, Type, input, output};

#[test]
fn reads_and_writes_as_postgresql_does() {
    let session = Session { time_zone: zone("Europe/Berlin"), now: 0 };
    let mut wrong = Vec::new();
    let mut count = 0;
    let files = [include_str!("data/forms.tsv"), include_str!("data/range_forms.tsv")];
    for line in files.into_iter().flat_map(str::lines).filter(|line| !line.starts_with('#')) {
        let fields: Vec<String> = line.split('\t').map(unescape).collect();
        let field = |index: usize| fields.get(index).map_or("", String::as_str);
        let (ty, modifier) = named_type(field(0));
        let expected = match field(2) {
            "!" => vec![field(3).to_owned(), field(4).to_owned(), field(5).to_owned()],
            text => vec![text.to_owned(), field(3).to_owned()],
        };
        let found = match input::from_text(&ty, modifier, field(1), &session) {
            Ok(value) => vec![
                output::to_text(&ty, value.as_ref(), &session),
                output::to_json(&ty, value.as_ref(), &session),
            ],
            Err(refusal) => {
                vec![refusal.code.to_owned(), refusal.message, refusal.detail.unwrap_or_default()]
            }
        };
        if found != expected {
            wrong.push(format!("{line}\n    expected {expected:?}\n    found    {found:?}"));
        }
        count += 1;
    }
    assert!(count > 500);
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn zone(name: &str) -> jiff::tz::TimeZone {
    plinth_values::zone::by_name(name).expect(name)
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => out.push(match characters.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                other => other.unwrap_or('\\'),
            }),
            character => out.push(character),
        }
    }
    out
}

/// `numeric(5,2)[]` and the like.
fn named_type(name: &str) -> (Type, Modifier) {
    if let Some(element) = name.strip_suffix("[]") {
        let (element, modifier) = named_type(element);
        return (element.array(), modifier);
    }
    let (base, numbers) = match name.split_once('(') {
        Some((base, numbers)) => (base, numbers.trim_end_matches(')')),
        None => (name, ""),
    };
    let numbers: Vec<i16> = numbers.split(',').filter_map(|number| number.parse().ok()).collect();
    let ty = match base {
        "boolean" => Type::Bool,
        "smallint" => Type::Int2,
        "integer" => Type::Int4,
        "bigint" => Type::Int8,
        "numeric" => Type::Numeric,
        "real" => Type::Float4,
        "double precision" => Type::Float8,
        "text" => Type::Text,
        "varchar" => Type::Varchar,
        "char" => Type::Char,
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
            None => panic!("no such type: {other}"),
        },
    };
    let modifier = match (&ty, numbers.as_slice()) {
        (Type::Numeric, [precision, scale]) => {
            Modifier::Numeric { precision: precision.unsigned_abs(), scale: *scale }
        }
        (Type::Varchar | Type::Char, [length]) => Modifier::Length(length.unsigned_abs().into()),
        (_, [digits]) => Modifier::Seconds(u8::try_from(*digits).unwrap_or(6)),
        _ => Modifier::None,
    };
    (ty, modifier)
}
