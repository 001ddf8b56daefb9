//! Expressions, queries and function bodies against what they are resolved to: each `.txt` file is a list of cases, the SQL first
//! and then, indented by `=>`, what comes out or, by `!!`, why it is refused. `UPDATE_EXPECT=1` writes the answers anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use plinth_catalog::expr::{display_query, display_row, display_statement};
use plinth_catalog::{
    Catalog, Defaults, Diagnostic, RelationId, SourceFile, parse_expr, parse_query, parse_type, read,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/resolve")
}

fn schema() -> SourceFile {
    let text = std::fs::read_to_string(folder().join("schema.sql")).expect("the schema is there");
    SourceFile { path: "schema.sql".to_owned(), text }
}

fn catalog() -> &'static Catalog {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
        read(&[schema()], &Defaults::default()).unwrap_or_else(|errors| panic!("{}", list(&errors)))
    });
    &CATALOG
}

fn person(catalog: &Catalog) -> RelationId {
    catalog.find_relation("public", "person").expect("the table is there").id
}

fn list(errors: &[Diagnostic]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Runs every case of a file and compares with the answers in it.
fn check(file: &str, run: impl Fn(&str) -> Result<String, String>) {
    let path = folder().join(file);
    let text = std::fs::read_to_string(&path).expect("the cases are there");
    let mut actual = String::new();
    let mut failures = 0;
    let mut sql = String::new();
    let mut answer: Option<String> = None;
    let mut finish = |sql: &mut String, answer: &mut Option<String>, actual: &mut String| {
        if sql.trim().is_empty() {
            actual.push_str(sql);
        } else {
            let (mark, result) = match run(sql.trim()) {
                Ok(text) => ("=>", text),
                Err(text) => ("!!", text),
            };
            let line = format!("    {mark} {}", result.replace('\n', "\\n"));
            if answer.as_deref() != Some(&line) {
                failures += 1;
                eprintln!("{sql}  expected {}\n  got      {line}\n", answer.as_deref().unwrap_or("nothing"));
            }
            let _ = writeln!(actual, "{sql}{line}");
        }
        sql.clear();
        *answer = None;
    };
    for line in text.lines() {
        let is_answer = line.starts_with("    =>") || line.starts_with("    !!");
        if is_answer {
            answer = Some(line.to_owned());
            continue;
        }
        if answer.is_some() || line.trim().is_empty() || line.starts_with("--") || !line.starts_with(' ') {
            finish(&mut sql, &mut answer, &mut actual);
        }
        if line.trim().is_empty() || line.starts_with("--") {
            let _ = writeln!(actual, "{line}");
        } else {
            let _ = writeln!(sql, "{line}");
        }
    }
    finish(&mut sql, &mut answer, &mut actual);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, actual).expect("the cases can be written");
    } else {
        assert_eq!(failures, 0, "cases of {file} differ");
    }
}

#[test]
fn expressions() {
    let catalog = catalog();
    let person = catalog.relation(person(catalog));
    check("expressions.txt", |sql| {
        let expr = parse_expr(catalog, &["public"], "person", sql).map_err(|error| error.to_string())?;
        Ok(format!("{}: {}", expr.ty, display_row(catalog, person, &expr)))
    });
}

/// `types.tsv` is recorded from PostgreSQL 15: an expression over `person`, and its type or `!` where it is refused.
#[test]
fn types_of_expressions() {
    let catalog = catalog();
    let text = std::fs::read_to_string(folder().join("types.tsv")).expect("the cases are there");
    for line in text.lines() {
        let (sql, expected) = line.split_once('\t').expect("two columns");
        let found = parse_expr(catalog, &["public"], "person", sql).map(|expr| expr.ty.to_string());
        assert_eq!(found.as_deref().unwrap_or("!"), expected, "{sql}");
    }
}

#[test]
fn queries() {
    let catalog = catalog();
    check("queries.txt", |sql| {
        let query = parse_query(catalog, &["public"], sql).map_err(|error| error.to_string())?;
        let columns: Vec<String> = query.columns.iter().map(|(name, ty)| format!("{name} {ty}")).collect();
        Ok(format!("[{}] {}", columns.join(", "), display_query(catalog, &query)))
    });
}

#[test]
fn statements() {
    check("statements.txt", |sql| {
        let file = SourceFile { path: "f.sql".to_owned(), text: sql.to_owned() };
        let catalog = read(&[schema(), file], &Defaults::default()).map_err(|errors| list(&errors))?;
        let function = catalog.find_functions("public", "f").next().ok_or("no function f")?;
        let statements = function.body.iter().map(|statement| display_statement(&catalog, statement));
        Ok(statements.collect::<Vec<_>>().join("; "))
    });
}

#[test]
fn types() {
    let catalog = catalog();
    for (name, expected) in [
        ("int", Some("integer")),
        ("int4", Some("integer")),
        ("INT8", Some("bigint")),
        ("smallint", Some("smallint")),
        ("float8", Some("double precision")),
        ("double precision", Some("double precision")),
        ("real", Some("real")),
        ("float(10)", Some("real")),
        ("decimal", Some("numeric")),
        ("numeric(10,2)", Some("numeric")),
        ("varchar(10)", Some("character varying")),
        ("character varying", Some("character varying")),
        ("char", Some("character")),
        ("bpchar", Some("character")),
        ("text[]", Some("text[]")),
        ("int[][]", Some("integer[]")),
        ("timestamptz", Some("timestamp with time zone")),
        ("timestamp(3) with time zone", Some("timestamp with time zone")),
        ("time", Some("time without time zone")),
        ("bool", Some("boolean")),
        ("pg_catalog.int4", Some("integer")),
        ("mood", Some("mood")),
        ("public.mood", Some("mood")),
        ("mood[]", Some("mood[]")),
        ("slug", None),
        ("nope", None),
        ("timetz", None),
        ("numeric(0)", None),
        ("varchar(0)", None),
        ("int; drop table x", None),
        ("", None),
    ] {
        let found = parse_type(catalog, &["public"], name).map(|(ty, _)| ty.to_string());
        assert_eq!(found.as_deref(), expected, "{name}");
    }
    // So many dimensions once took the whole stack.
    assert_eq!(parse_type(catalog, &["public"], &format!("text{}", "[]".repeat(20_000))), None);
}

/// Words that make something near enough to SQL to get past the parser.
const WORDS: &[&str] = &[
    "select",
    "from",
    "where",
    "person",
    "pet",
    "company",
    "id",
    "name",
    "tags",
    "extra",
    "count(*)",
    "(",
    ")",
    "(",
    ")",
    ",",
    "+",
    "||",
    "->>",
    "=",
    "<",
    "in",
    "any",
    "array[1]",
    "is",
    "null",
    "not",
    "and",
    "or",
    "between",
    "like",
    "case",
    "when",
    "then",
    "else",
    "end",
    "1",
    "2.5",
    "'x'",
    "'{}'",
    "::",
    "text",
    "integer",
    "[1]",
    "group by",
    "order by",
    "limit",
    "join",
    "on",
    "using",
    "lateral",
    "unnest(tags)",
    "over",
    "union",
    "all",
    "values",
    "with",
    "as",
    "t",
    "*",
    "person.*",
    "t.id",
    "coalesce",
    "lower",
    "add_one",
    "named",
    "many",
    "a =>",
    "distinct",
    "filter",
    "auth.uid()",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_text_is_too_strange(text in ".{0,60}") {
        let catalog = catalog();
        let _ = parse_expr(catalog, &["public"], "person", &text);
        let _ = parse_query(catalog, &["public"], &text);
        let _ = parse_type(catalog, &["public"], &text);
    }

    #[test]
    fn no_words_are_too_strange(words in vec(select(WORDS), 1..14)) {
        let catalog = catalog();
        let text = words.join(" ");
        if let Ok(expr) = parse_expr(catalog, &["public"], "person", &text) {
            display_row(catalog, catalog.relation(person(catalog)), &expr);
        }
        let text = format!("select {text}");
        if let Ok(query) = parse_query(catalog, &["public"], &text) {
            display_query(catalog, &query);
        }
    }
}

#[test]
fn deep_nesting_is_refused() {
    let catalog = catalog();
    for (open, middle, close) in [
        ("not ", "true", ""),
        ("(", "1", ")"),
        ("-", "id", ""),
        ("case when true then ", "1", " end"),
        ("(select ", "1", ")"),
    ] {
        let sql = format!("{}{middle}{}", open.repeat(5000), close.repeat(5000));
        assert!(parse_expr(catalog, &["public"], "person", &sql).is_err());
    }
    let chain = format!("id{}", " + 1".repeat(3000));
    let refused = parse_expr(catalog, &["public"], "person", &chain).expect_err("too deep");
    assert!(refused.message.contains("nested too deeply"));
    let long = format!("id = 0{}", " or id = 1".repeat(3000));
    assert!(parse_expr(catalog, &["public"], "person", &long).is_ok());
}
