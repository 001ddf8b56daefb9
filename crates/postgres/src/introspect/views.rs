//! Which columns of tables a view's columns show, from its parsed query (`pg_rewrite.ev_action`), which PostgreSQL writes as a tree
//! of nodes: `{TARGETENTRY :expr … :resno 1 … :resorigtbl 16384 :resorigcol 2 …}`. Views over views are followed to the tables.

use std::collections::HashMap;

use super::rows::Oid;

/// How many views may stand on each other.
const MAX_DEPTH: usize = 32;

/// A view's column and the column of a relation that it shows, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub column: i16,
    pub relation: Oid,
    pub shows: i16,
}

/// What each view shows, by its identity.
pub(super) fn shown(views: &[(Oid, String)]) -> HashMap<Oid, Vec<Shown>> {
    views.iter().map(|(view, tree)| (*view, targets(tree))).collect()
}

/// The table's column behind a view's column, through all views between.
pub(super) fn origin(views: &HashMap<Oid, Vec<Shown>>, view: Oid, column: i16) -> Option<(Oid, i16)> {
    let (mut relation, mut column) = (view, column);
    for _ in 0..MAX_DEPTH {
        let Some(targets) = views.get(&relation) else { return Some((relation, column)) };
        let found = targets.iter().find(|target| target.column == column)?;
        (relation, column) = (found.relation, found.shows);
    }
    None
}

/// The entries of the outermost query's target list that show a column of a relation.
fn targets(tree: &str) -> Vec<Shown> {
    let mut found = Vec::new();
    // Braces open nodes: the query is the first level, the entries of its lists are the second.
    let mut depth = 0usize;
    let mut entry: Option<Entry> = None;
    let mut field = "";
    for token in (Tokens { rest: tree }) {
        match token {
            "{" => depth += 1,
            "}" => {
                if depth == 2 {
                    found.extend(entry.take().and_then(Entry::shown));
                }
                depth = depth.saturating_sub(1);
            }
            "TARGETENTRY" if depth == 2 => entry = Some(Entry::default()),
            name if name.starts_with(':') => field = name,
            value => {
                if depth == 2
                    && let Some(entry) = &mut entry
                {
                    entry.set(field, value);
                }
            }
        }
    }
    found
}

#[derive(Default)]
struct Entry {
    column: Option<i16>,
    relation: Option<Oid>,
    shows: Option<i16>,
    is_junk: bool,
}

impl Entry {
    fn set(&mut self, field: &str, value: &str) {
        match field {
            ":resno" => self.column = value.parse().ok(),
            ":resorigtbl" => self.relation = value.parse().ok(),
            ":resorigcol" => self.shows = value.parse().ok(),
            ":resjunk" => self.is_junk = value == "true",
            _ => {}
        }
    }

    fn shown(self) -> Option<Shown> {
        let shown = Shown { column: self.column?, relation: self.relation?, shows: self.shows? };
        (!self.is_junk && shown.relation != 0 && shown.shows > 0).then_some(shown)
    }
}

/// The words of a tree, with braces and parentheses as words of their own. A backslash takes its meaning from what follows.
struct Tokens<'t> {
    rest: &'t str,
}

impl<'t> Iterator for Tokens<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        let is_own = |byte: u8| matches!(byte, b'{' | b'}' | b'(' | b')');
        let start = self.rest.trim_start();
        let bytes = start.as_bytes();
        let first = *bytes.first()?;
        let mut end = 0;
        if is_own(first) {
            end = 1;
        } else {
            while let Some(byte) = bytes.get(end) {
                match byte {
                    // All bytes of an escaped character but the first are no delimiters anyway.
                    b'\\' => end += 2,
                    byte if byte.is_ascii_whitespace() || is_own(*byte) => break,
                    _ => end += 1,
                }
            }
        }
        let mut end = end.min(start.len());
        while !start.is_char_boundary(end) {
            end += 1;
        }
        let (token, rest) = start.split_at(end);
        self.rest = rest;
        Some(token)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn finds_what_a_view_shows() {
        let tree = r"({QUERY :commandType 1 :rtable ({RTE :alias {ALIAS :aliasname a\ \{b :colnames <>} :subquery {QUERY :targetList ({TARGETENTRY :expr {VAR :varno 1} :resno 9 :resorigtbl 7 :resorigcol 7 :resjunk false})}}) :targetList ({TARGETENTRY :expr {VAR :varno 1 :location 12} :resno 1 :resname id :ressortgroupref 0 :resorigtbl 16384 :resorigcol 2 :resjunk false} {TARGETENTRY :expr {CONST :constvalue 4 [ 1 0 0 0 ]} :resno 2 :resname \} :resorigtbl 0 :resorigcol 0 :resjunk false} {TARGETENTRY :expr {VAR} :resno 3 :resorigtbl 5 :resorigcol 1 :resjunk true}) :jointree <>})";
        assert_eq!(targets(tree), [Shown { column: 1, relation: 16384, shows: 2 }]);
    }

    #[test]
    fn follows_views_over_views() {
        let views = HashMap::from([
            (1, vec![Shown { column: 1, relation: 2, shows: 3 }]),
            (2, vec![Shown { column: 3, relation: 10, shows: 4 }]),
            (3, vec![Shown { column: 1, relation: 3, shows: 1 }]),
        ]);
        assert_eq!(origin(&views, 1, 1), Some((10, 4)));
        assert_eq!(origin(&views, 1, 2), None);
        assert_eq!(origin(&views, 3, 1), None, "a circle ends");
    }

    proptest! {
        #[test]
        fn never_panics(tree in r"[{}() \\:aé0TARGETENTRYresno]{0,60}") {
            targets(&tree);
        }
    }
}
