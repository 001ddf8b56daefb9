//! Qualified names, how they are quoted, and what was probably meant by an unknown one.

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

/// `did you mean "…"?`, when one of the names is close to the unknown one.
pub(crate) fn suggest<'n>(unknown: &str, names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    let limit = match unknown.chars().count() {
        0..=2 => return None,
        3..=5 => 1,
        6..=9 => 2,
        _ => 3,
    };
    let close = names.into_iter().map(|name| (strsim::damerau_levenshtein(unknown, name), name));
    let (_, name) = close.filter(|(distance, name)| *distance <= limit && !name.is_empty()).min()?;
    Some(format!("did you mean \"{name}\"?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions() {
        let known = ["company_id", "id", "name"];
        for (unknown, expected) in [
            ("compnay_id", Some("did you mean \"company_id\"?")),
            ("nmae", Some("did you mean \"name\"?")),
            ("ix", None),
            ("salary", None),
        ] {
            assert_eq!(suggest(unknown, known).as_deref(), expected);
        }
    }
}
