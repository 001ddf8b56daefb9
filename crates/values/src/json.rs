//! JSON text: checking it, reading it into a tree, PostgreSQL's canonical jsonb form, and picking parts of it.

use std::cmp::Ordering;

use crate::Result;

/// A JSON value. Numbers keep their text; the members of an object keep their order (and, read as `json`, duplicates).
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Json {
    Null,
    Bool(bool),
    Number(String),
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads JSON text as jsonb: the last of duplicate keys wins, keys ordered by length then bytes, numbers in numeric's form.
    pub fn parse_jsonb(text: &str) -> Result<Json> { let _ = text; unimplemented!() }
    /// Reads JSON text as json: members as written, numbers as written.
    pub fn parse_json(text: &str) -> Result<Json> { let _ = text; unimplemented!() }
    /// An object in jsonb's order, the last of duplicate keys winning.
    pub fn object(members: Vec<(String, Json)>) -> Json { let _ = members; unimplemented!() }
    /// Appends jsonb's text: `{"a": 1, "bb": [1, 2]}`.
    pub fn write(&self, out: &mut String) { let _ = out; unimplemented!() }
    /// jsonb's text.
    pub fn to_text(&self) -> String { unimplemented!() }
    /// The member of an object.
    pub fn get(&self, key: &str) -> Option<&Json> { let _ = key; unimplemented!() }
    /// The element of an array, from the end when negative.
    pub fn at(&self, index: i64) -> Option<&Json> { let _ = index; unimplemented!() }
    /// The part at a path of keys and indexes.
    pub fn path(&self, path: &[&str]) -> Option<&Json> { let _ = path; unimplemented!() }
    /// What `->>` gives: null for JSON null, a string's content, else the JSON text.
    pub fn into_text(self) -> Option<String> { unimplemented!() }
    /// jsonb's B-tree order.
    pub fn compare(&self, other: &Json) -> Ordering { let _ = other; unimplemented!() }
    /// `object`, `array`, `string`, `number`, `boolean` or `null`
    pub fn type_name(&self) -> &'static str { unimplemented!() }
}

/// Checks that text is JSON, as input of type json does. Errors: 22P02, 54001.
pub fn check(text: &str) -> Result<()> { let _ = text; unimplemented!() }
/// jsonb's canonical text.
pub fn canonical(text: &str) -> Result<String> { let _ = text; unimplemented!() }
/// The raw text of a member of an object (the last of duplicates), in json or jsonb text.
pub fn get<'a>(text: &'a str, key: &str) -> Option<&'a str> { let _ = (text, key); unimplemented!() }
/// The raw text of an element of an array, from the end when negative.
pub fn at(text: &str, index: i64) -> Option<&str> { let _ = (text, index); unimplemented!() }
/// The raw text at a path of keys and indexes, as `#>` gives it.
pub fn path<'a>(text: &'a str, path: &[&str]) -> Option<&'a str> { let _ = (text, path); unimplemented!() }
/// The raw texts of the elements of an array; `None` for anything else.
pub fn elements(text: &str) -> Option<Vec<&str>> { let _ = text; unimplemented!() }
/// The members of an object in their order: decoded key, raw text of the value; `None` for anything else.
pub fn members(text: &str) -> Option<Vec<(String, &str)>> { let _ = text; unimplemented!() }
/// What `->>` gives for the raw text of a value: null for JSON null, a string's content, else the text itself.
pub fn unquote(raw: &str) -> Result<Option<String>> { let _ = raw; unimplemented!() }
/// Appends a JSON string with PostgreSQL's escapes.
pub fn write_string(text: &str, out: &mut Vec<u8>) { crate::output::write_json_string(text, out); }
