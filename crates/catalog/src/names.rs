//! Qualified names, and how they are quoted.

use std::fmt;

/// A name in a schema, as the catalog holds it (already case-folded where it was not quoted).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    /// The schema
    pub schema: String,
    /// The name in it
    pub name: String,
}

impl Name {
    /// `schema.name`
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Name {
        Name { schema: schema.into(), name: name.into() }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// The identifier in double quotes, quotes inside doubled: safe in any SQL dialect Plinth writes.
pub fn quote_ident(name: &str) -> String {
    let mut quoted = String::with_capacity(name.len() + 2);
    quoted.push('"');
    for c in name.chars() {
        if c == '"' {
            quoted.push('"');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}
