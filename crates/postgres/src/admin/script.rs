//! A file of SQL as its statements, so that one that has nothing to do can be left out and a refusal can be placed. Only what tells where
//! a statement ends is understood: strings, quoted names, comments, dollar quotes, and bodies of `begin atomic … end`.

/// A statement and where it begins, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Statement<'a> {
    pub(super) start: usize,
    pub(super) text: &'a str,
}

/// The statements of a text, without what stands between them.
pub(super) fn statements(text: &str) -> Vec<Statement<'_>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let (mut at, mut start) = (0, None);
    // Words that only an `end` closes, once a body has begun; and whether the last word was `begin`.
    let (mut open, mut after_begin) = (0usize, false);
    while let Some(byte) = bytes.get(at) {
        let rest = text.get(at..).unwrap_or_default();
        if let Some(length) = comment(rest) {
            at += length;
            continue;
        }
        if byte.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        if *byte == b';' && open == 0 {
            if let Some(start) = start.take() {
                found.push(Statement { start, text: text.get(start..at).unwrap_or_default().trim_end() });
            }
            at += 1;
            continue;
        }
        start = start.or(Some(at));
        let word = rest.len() - rest.trim_start_matches(is_word).len();
        if word > 0 {
            // `e'…'` has backslashes of its own.
            let escapes = rest.get(word..).is_some_and(|after| after.starts_with('\''))
                && rest.get(..word).is_some_and(|word| word.eq_ignore_ascii_case("e"));
            if escapes {
                at += word + string(rest.get(word..).unwrap_or_default(), true);
                continue;
            }
            let word_text = rest.get(..word).unwrap_or_default().to_ascii_lowercase();
            match word_text.as_str() {
                "atomic" if after_begin => open += 1,
                "case" if open > 0 => open += 1,
                "end" if open > 0 => open -= 1,
                _ => {}
            }
            after_begin = word_text == "begin";
            at += word;
            continue;
        }
        at += match byte {
            b'\'' => string(rest, false),
            b'"' => quoted(rest),
            b'$' => dollar_quoted(rest),
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
    }
    if let Some(start) = start {
        found.push(Statement { start, text: text.get(start..).unwrap_or_default().trim_end() });
    }
    found
}

/// The name of the role that a statement makes, when it makes one.
pub(super) fn created_role(statement: &str) -> Option<String> {
    let mut rest = statement;
    for words in [&["create"][..], &["role", "user"]] {
        rest = after_blanks(rest);
        let length = rest.len() - rest.trim_start_matches(is_word).len();
        let (found, after) = rest.split_at_checked(length)?;
        words.iter().find(|word| found.eq_ignore_ascii_case(word))?;
        rest = after;
    }
    rest = after_blanks(rest);
    if rest.starts_with('"') {
        let inside = rest.get(1..quoted(rest).checked_sub(1)?)?;
        return Some(inside.replace("\"\"", "\""));
    }
    let length = rest.len() - rest.trim_start_matches(is_word).len();
    rest.get(..length).filter(|name| !name.is_empty()).map(str::to_ascii_lowercase)
}

fn after_blanks(mut text: &str) -> &str {
    loop {
        let trimmed = text.trim_start();
        match comment(trimmed) {
            Some(length) => text = trimmed.get(length..).unwrap_or_default(),
            None => return trimmed,
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of a comment at the beginning of a text.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("--") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if !text.starts_with("/*") {
        return None;
    }
    let (mut depth, mut at) = (0usize, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    Some(text.len())
}

/// The length of a string at the beginning of a text.
fn string(text: &str, escapes: bool) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if escapes => at += 2,
            b'\'' if bytes.get(at + 1) == Some(&b'\'') => at += 2,
            b'\'' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// The length of a quoted name at the beginning of a text.
fn quoted(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' if bytes.get(at + 1) == Some(&b'"') => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// The length of a dollar-quoted string at the beginning of a text; of the dollar sign alone where none begins.
fn dollar_quoted(text: &str) -> usize {
    let inside = text.get(1..).unwrap_or_default();
    let tag = inside.len() - inside.trim_start_matches(is_word).len();
    if !inside.get(tag..).is_some_and(|after| after.starts_with('$')) {
        return 1;
    }
    let quote = text.get(..tag + 2).unwrap_or_default();
    match text.get(quote.len()..).and_then(|body| body.find(quote)) {
        Some(end) => quote.len() + end + quote.len(),
        None => text.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        statements(text).into_iter().map(|statement| statement.text).collect()
    }

    #[test]
    fn a_statement_ends_at_a_semicolon_that_is_one() {
        assert_eq!(texts(""), Vec::<&str>::new());
        assert_eq!(texts(" ;; -- a;\n select 1 ; /* b; /* c; */ */ select 2"), ["select 1", "select 2"]);
        assert_eq!(
            texts("select ';', 'it''s;', e'\\';', \"a;\"\"b\"; x"),
            ["select ';', 'it''s;', e'\\';', \"a;\"\"b\"", "x"]
        );
        assert_eq!(
            texts("do $$ a; b $$; do $t$ a; $$; $t$; select $1;"),
            ["do $$ a; b $$", "do $t$ a; $$; $t$", "select $1"]
        );
        assert_eq!(
            texts(
                "create function f() returns int begin atomic select case when true then 1 end; select 2; end; select 3"
            ),
            [
                "create function f() returns int begin atomic select case when true then 1 end; select 2; end",
                "select 3"
            ]
        );
        assert_eq!(texts("begin; select 1; end; x"), ["begin", "select 1", "end", "x"]);
        assert_eq!(statements("-- é\n x")[0].start, 7);
    }

    #[test]
    fn roles_that_are_made_are_known() {
        assert_eq!(created_role("create role Editor nologin").as_deref(), Some("editor"));
        assert_eq!(created_role("CREATE /* x */ ROLE -- y\n \"A \"\"b\"").as_deref(), Some("A \"b"));
        assert_eq!(created_role("create user u").as_deref(), Some("u"));
        assert_eq!(created_role("create table role (x int)"), None);
        assert_eq!(created_role("create"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(text: String) {
            for statement in statements(&text) {
                let _ = created_role(statement.text);
            }
        }

        #[test]
        fn nothing_is_lost_but_what_stands_between(text in "[a-z'\"$;/*\\- \n]{0,60}") {
            let kept: usize = statements(&text).iter().map(|statement| statement.text.len()).sum();
            proptest::prop_assert!(kept <= text.len());
        }
    }
}
