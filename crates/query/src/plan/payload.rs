//! Payloads: the client's JSON or text fields become rows of typed values. Which columns may be written is decided here; what is
//! done with the rows is [`super::insert`]'s and [`super::update`]'s.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use plinth_catalog::{Column, Columns, Identity, Privileges, Relation};
use plinth_values::{Session, Value, input};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::access::denied;
use super::limits::limit;
use super::planner::Planner;
use crate::refusal::Refusal;
use crate::request::Body;

/// The rows of a payload, untyped, under their keys.
pub(crate) struct Payload<'b> {
    /// The keys, each once
    pub keys: Vec<String>,
    /// One item per key; `None` where the row does not have it
    pub rows: Vec<Vec<Option<Item<'b>>>>,
}

/// A value of a payload, untyped.
#[derive(Clone, Copy)]
pub(crate) enum Item<'b> {
    /// JSON
    Json(&'b RawValue),
    /// Text of a form or of CSV
    Text(&'b str),
    /// CSV's `NULL`
    Null,
}

impl Item<'_> {
    /// The value for a column.
    pub fn value(self, column: &Column, session: &Session) -> Result<Value, Refusal> {
        Ok(match self {
            Item::Json(json) => input::from_json(&column.ty, column.modifier, json, session)?,
            Item::Text(text) => input::from_text(&column.ty, column.modifier, text, session)?,
            Item::Null => Value::Null,
        })
    }
}

/// Reads a payload. `columns` fixes the keys; without it they are the first row's, and all rows must have the same.
pub(crate) fn read<'b>(
    body: &'b Body,
    columns: Option<&[String]>,
    max_rows: usize,
) -> Result<Payload<'b>, Refusal> {
    match body {
        Body::Json(text) => from_json(text, columns, max_rows),
        Body::Fields { columns: header, rows } => from_fields(header, rows, columns, max_rows),
    }
}

fn from_json<'b>(text: &'b str, columns: Option<&[String]>, max_rows: usize) -> Result<Payload<'b>, Refusal> {
    let objects = parse_objects(text, max_rows)?;
    let keys = match (columns, objects.first()) {
        (Some(columns), _) => once_each(columns),
        (None, Some(first)) => once_each_of(first.iter().map(|(key, _)| key)),
        (None, None) => Vec::new(),
    };
    let mut rows = Vec::with_capacity(objects.len());
    for object in &objects {
        let same_order =
            object.len() == keys.len() && object.iter().zip(&keys).all(|((given, _), key)| given == key);
        if same_order {
            rows.push(object.iter().map(|(_, value)| Some(Item::Json(value))).collect());
            continue;
        }
        // The last of repeated keys counts.
        let members: HashMap<&str, &'b RawValue> =
            object.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        let row: Vec<Option<Item<'b>>> =
            keys.iter().map(|key| members.get(key.as_str()).map(|value| Item::Json(value))).collect();
        if columns.is_none() && (members.len() != keys.len() || row.iter().any(Option::is_none)) {
            return Err(unequal_keys());
        }
        rows.push(row);
    }
    Ok(Payload { keys, rows })
}

fn from_fields<'b>(
    header: &'b [String],
    lines: &'b [Vec<Option<String>>],
    columns: Option<&[String]>,
    max_rows: usize,
) -> Result<Payload<'b>, Refusal> {
    if lines.len() > max_rows {
        return Err(too_many(max_rows));
    }
    let keys = columns.map_or_else(|| once_each(header), once_each);
    let places: Vec<Option<usize>> =
        keys.iter().map(|key| header.iter().rposition(|name| name == key)).collect();
    let mut rows = Vec::with_capacity(lines.len());
    for line in lines {
        if line.len() != header.len() {
            return Err(Refusal::BadPayload { message: "All lines must have same number of fields".into() });
        }
        let item = |place: &Option<usize>| {
            place.and_then(|place| line.get(place)).map(|field| match field {
                Some(text) => Item::Text(text),
                None => Item::Null,
            })
        };
        rows.push(places.iter().map(item).collect());
    }
    Ok(Payload { keys, rows })
}

fn once_each(names: &[String]) -> Vec<String> {
    once_each_of(names.iter())
}

fn once_each_of<'n>(names: impl Iterator<Item = &'n String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    names.filter(|name| seen.insert(name.as_str())).cloned().collect()
}

fn unequal_keys() -> Refusal {
    Refusal::BadPayload { message: "All object keys must match".into() }
}

fn invalid_json() -> Refusal {
    Refusal::BadPayload { message: "Empty or invalid json".into() }
}

pub(crate) fn too_many(max_rows: usize) -> Refusal {
    limit(format!("the payload has more than {max_rows} rows"), "Send it in several requests.")
}

/// The rows of a JSON text: for each one item per key, `None` where it does not have it.
pub(crate) fn of_json<'b>(
    text: &'b str,
    keys: &[String],
    max_rows: usize,
) -> Result<Vec<Vec<Option<Item<'b>>>>, Refusal> {
    let objects = parse_objects(text, max_rows)?;
    let row = |object: &Object<'b>| {
        // The last of repeated keys counts.
        let members: HashMap<&str, &'b RawValue> =
            object.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        keys.iter().map(|key| members.get(key.as_str()).map(|value| Item::Json(value))).collect()
    };
    Ok(objects.iter().map(row).collect())
}

/// An object's members in their order, values unread.
pub(crate) type Object<'b> = Vec<(String, &'b RawValue)>;

/// An object, or an array of objects.
fn parse_objects(text: &str, max_rows: usize) -> Result<Vec<Object<'_>>, Refusal> {
    match text.trim_start().as_bytes().first() {
        Some(b'{') => Ok(vec![parse_object(text)?]),
        Some(b'[') => {
            let mut json = serde_json::Deserializer::from_str(text);
            let mut full = false;
            let objects = ObjectsSeed { max_rows, full: &mut full }.deserialize(&mut json);
            match objects {
                Ok(objects) if json.end().is_ok() => Ok(objects),
                _ if full => Err(too_many(max_rows)),
                _ if serde_json::from_str::<&RawValue>(text).is_ok() => Err(unequal_keys()),
                _ => Err(invalid_json()),
            }
        }
        _ => Err(invalid_json()),
    }
}

/// The object of a body, or the first one of an array whose objects all have the same members. An empty array is an object without
/// members. None: another kind of JSON.
pub(crate) fn first_object(text: &str) -> Result<Option<Object<'_>>, Refusal> {
    if text.trim_start().starts_with('{') {
        return parse_object(text).map(Some);
    }
    let invalid = |_| invalid_json();
    if !text.trim_start().starts_with('[') {
        return serde_json::from_str::<&RawValue>(text).map(|_| None).map_err(invalid);
    }
    let items: Vec<&RawValue> = serde_json::from_str(text).map_err(invalid)?;
    if items.first().is_some_and(|item| !item.get().starts_with('{')) {
        return Ok(None);
    }
    let mut first = None;
    for item in items {
        let object = if item.get().starts_with('{') { parse_object(item.get())? } else { Vec::new() };
        match &first {
            None => first = Some(object),
            Some(first) if members(first) == members(&object) => {}
            Some(_) => return Err(unequal_keys()),
        }
    }
    Ok(Some(first.unwrap_or_default()))
}

fn members<'o>(object: &'o Object<'_>) -> BTreeSet<&'o str> {
    object.iter().map(|(name, _)| name.as_str()).collect()
}

/// One object.
pub(crate) fn parse_object(text: &str) -> Result<Object<'_>, Refusal> {
    let mut json = serde_json::Deserializer::from_str(text);
    let object = ObjectSeed.deserialize(&mut json).map_err(|_| invalid_json())?;
    json.end().map_err(|_| invalid_json())?;
    Ok(object)
}

struct ObjectSeed;

impl<'de> DeserializeSeed<'de> for ObjectSeed {
    type Value = Object<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Object<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ObjectSeed {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Object<'de>, M::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry::<String, &'de RawValue>()? {
            members.push(member);
        }
        Ok(members)
    }
}

struct ObjectsSeed<'f> {
    max_rows: usize,
    /// Set when there are more rows than that
    full: &'f mut bool,
}

impl<'de> DeserializeSeed<'de> for ObjectsSeed<'_> {
    type Value = Vec<Object<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Object<'de>>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ObjectsSeed<'_> {
    type Value = Vec<Object<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Vec<Object<'de>>, S::Error> {
        let mut objects = Vec::new();
        while let Some(object) = seq.next_element_seed(ObjectSeed)? {
            if objects.len() == self.max_rows {
                *self.full = true;
                return Err(serde::de::Error::custom("too many rows"));
            }
            objects.push(object);
        }
        Ok(objects)
    }
}

impl<'a> Planner<'a> {
    /// The column of a payload key, if the caller may write it. One that it may do nothing at all with is refused as one that does
    /// not exist.
    pub fn payload_column(
        &self,
        relation: &Relation,
        granted: &Columns,
        key: &str,
    ) -> Result<usize, Refusal> {
        match relation.column_index(key) {
            Some(position) if granted.covers(position) => Ok(position),
            Some(position) if !self.limits.hide_ungranted || self.is_known(relation, position) => {
                Err(denied(relation))
            }
            _ => Err(Refusal::NoSuchPayloadColumn {
                relation: relation.name.name.clone(),
                column: key.to_owned(),
            }),
        }
    }

    /// Whether the caller has any privilege on a column.
    fn is_known(&self, relation: &Relation, position: usize) -> bool {
        let Privileges { select, insert, update, delete: _ } = self.weaver.access.privileges(relation);
        [select, insert, update].iter().any(|columns| columns.covers(position))
    }
}

/// The refusal of a value for a column that only the database fills, if it is one.
pub(crate) fn refuse_given(column: &Column, update: bool) -> Result<(), Refusal> {
    let name = &column.name;
    let (detail, hint) = if column.generated.is_some() {
        (format!("Column \"{name}\" is a generated column."), None)
    } else if column.identity == Some(Identity::Always) {
        let hint = (!update).then(|| "Use OVERRIDING SYSTEM VALUE to override.".to_owned());
        (format!("Column \"{name}\" is an identity column defined as GENERATED ALWAYS."), hint)
    } else {
        return Ok(());
    };
    let message = match update {
        false => format!("cannot insert a non-DEFAULT value into column \"{name}\""),
        true => format!("column \"{name}\" can only be updated to DEFAULT"),
    };
    Err(Refusal::Sql { code: "428C9", message, detail: Some(detail), hint })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str, columns: Option<&[&str]>) -> String {
        let columns: Option<Vec<String>> =
            columns.map(|columns| columns.iter().map(|column| column.to_string()).collect());
        match read(&Body::Json(text.into()), columns.as_deref(), 3) {
            Ok(Payload { keys, rows }) => {
                let rows: Vec<String> = rows
                    .iter()
                    .map(|row| {
                        let cells = row.iter().map(|item| match item {
                            Some(Item::Json(json)) => json.get(),
                            _ => "-",
                        });
                        cells.collect::<Vec<_>>().join(",")
                    })
                    .collect();
                format!("{}: {}", keys.join(","), rows.join("; "))
            }
            Err(refusal) => refusal.to_string(),
        }
    }

    #[test]
    fn json_payloads() {
        for (text, columns, expected) in [
            (r#"{"a": 1, "b": "x"}"#, None, r#"a,b: 1,"x""#),
            (r#"[{"a": 1, "b": 2}, {"b": 3, "a": 4}]"#, None, "a,b: 1,2; 4,3"),
            ("{}", None, ": "),
            ("[]", None, ": "),
            ("[{}, {}]", None, ": ; "),
            (r#"{"a": 1, "a": 2}"#, None, "a: 2"),
            (r#"[{"a": 1}, {"b": 2}]"#, None, "All object keys must match"),
            (r#"[{"a": 1}, {"a": 2, "b": 2}]"#, None, "All object keys must match"),
            (r#"[{"a": 1}, {"a": 2, "b": 2}]"#, Some(["a", "b"].as_slice()), "a,b: 1,-; 2,2"),
            (r#"{"a": 1, "z": 2}"#, Some(["a"].as_slice()), "a: 1"),
            ("", None, "Empty or invalid json"),
            ("7", None, "Empty or invalid json"),
            ("{\"a\": 1", None, "Empty or invalid json"),
            ("{} x", None, "Empty or invalid json"),
            ("[1]", None, "All object keys must match"),
            ("[{}", None, "Empty or invalid json"),
            ("[{},{},{},{}]", None, "the payload has more than 3 rows"),
        ] {
            assert_eq!(shown(text, columns), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[\\[\\]{}\",:a1 \\\\]{0,40}") {
            let _ = shown(&text, None);
        }
    }
}
