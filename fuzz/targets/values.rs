//! The text of values of every type, as it stands in filters and bodies: what is read is written in a form that reads as itself.

#![no_main]

use libfuzzer_sys::fuzz_target;
use plinth_values::output::write_text;
use plinth_values::{Modifier, Session, Type, input};

const TYPES: [&str; 26] = [
    "text",
    "boolean",
    "integer",
    "bigint",
    "numeric",
    "real",
    "double precision",
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "interval",
    "uuid",
    "bytea",
    "json",
    "jsonb",
    "text[]",
    "numeric[]",
    "timestamptz[]",
    "int4range",
    "numrange",
    "daterange",
    "tstzrange",
    "tsvector",
    "tsquery",
    "seniority_level",
];

fn read(ty: &Type, text: &str) -> Option<String> {
    let session = Session::utc();
    let value = input::from_text(ty, Modifier::None, text, &session).ok()?;
    let mut out = Vec::new();
    write_text(ty, value.as_ref(), &session, &mut out);
    Some(String::from_utf8(out).expect("a value's text is UTF-8"))
}

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let name = TYPES[usize::from(*first) % TYPES.len()];
    let Some((ty, _)) = plinth_catalog::parse_type(&plinth_fuzz::CATALOG, &["public"], name) else { return };
    // A time without a date may be 'now', which passes.
    if text.to_ascii_lowercase().contains("now") {
        return;
    }
    if let Some(written) = read(&ty, text) {
        assert_eq!(read(&ty, &written).as_ref(), Some(&written), "{name}: {text:?}");
    }
});
