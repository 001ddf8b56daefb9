//! Names: which words PostgreSQL reserves, and what it calls a constraint or index without a name.

/// PostgreSQL's `NAMEDATALEN` less one.
pub(super) const MAX_IDENTIFIER_BYTES: usize = 63;

/// PostgreSQL's reserved words, and those it allows for functions and types only. Sorted.
const RESERVED: [&str; 100] = [
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "binary",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "group",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "intersect",
    "into",
    "is",
    "isnull",
    "join",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "natural",
    "not",
    "notnull",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "outer",
    "overlaps",
    "placing",
    "primary",
    "references",
    "returning",
    "right",
    "select",
    "session_user",
    "similar",
    "some",
    "symmetric",
    "system_user",
    "table",
    "tablesample",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
];

/// Whether the word can only be a table's or column's name in double quotes.
pub(super) fn is_reserved(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    word == "with" || RESERVED.binary_search(&word.as_str()).is_ok()
}

/// PostgreSQL's `makeObjectName`: `name1_name2_label`, the longer of the two names cut until the whole fits.
pub(super) fn object_name(name1: &str, name2: Option<&str>, label: &str) -> String {
    let name2_text = name2.unwrap_or("");
    let overhead = label.len() + 1 + usize::from(name2.is_some());
    let available = MAX_IDENTIFIER_BYTES.saturating_sub(overhead);
    let (mut length1, mut length2) = (name1.len(), name2_text.len());
    while length1 + length2 > available {
        if length1 > length2 {
            length1 -= 1;
        } else {
            length2 -= 1;
        }
    }
    let mut name = clip(name1, length1).to_owned();
    if name2.is_some() {
        name.push('_');
        name.push_str(clip(name2_text, length2));
    }
    name.push('_');
    name.push_str(label);
    name
}

/// The first of `name`, `name1`, `name2`, … that is free. The number counts as part of the label.
pub(super) fn free_name(
    name1: &str,
    name2: Option<&str>,
    label: &str,
    taken: impl Fn(&str) -> bool,
) -> String {
    let mut name = object_name(name1, name2, label);
    let mut number = 0u32;
    while taken(&name) {
        number = number.saturating_add(1);
        name = object_name(name1, name2, &format!("{label}{number}"));
    }
    name
}

fn clip(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_names() {
        let long = "a".repeat(60);
        let longer = "é".repeat(40);
        for (name1, name2, label, expected) in [
            ("t", None, "pkey", "t_pkey".to_owned()),
            ("t", Some("a_b"), "key", "t_a_b_key".to_owned()),
            ("t", Some("a"), "check1", "t_a_check1".to_owned()),
            (&long, None, "pkey", format!("{}_pkey", "a".repeat(58))),
            (&long, Some("b"), "fkey", format!("{}_b_fkey", "a".repeat(56))),
            (&long, Some(&long), "key", format!("{}_{}_key", "a".repeat(29), "a".repeat(29))),
            ("t", Some(&longer), "key", format!("t_{}_key", "é".repeat(28))),
        ] {
            let name = object_name(name1, name2, label);
            assert_eq!(name, expected);
            assert!(name.len() <= MAX_IDENTIFIER_BYTES);
        }
    }

    #[test]
    fn free_names_count_up() {
        let taken = ["t_check", "t_check1"];
        assert_eq!(free_name("t", None, "check", |name| taken.contains(&name)), "t_check2");
    }

    #[test]
    fn reserved_words() {
        assert!(RESERVED.is_sorted());
        for word in ["user", "ORDER", "with", "left", "all", "window"] {
            assert!(is_reserved(word), "{word}");
        }
        for word in ["name", "role", "public", "state", "value", "key"] {
            assert!(!is_reserved(word), "{word}");
        }
    }
}
