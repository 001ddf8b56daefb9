//! Full-text search: the four grammars of queries and the parser of documents. The first byte chooses the grammar and the
//! configuration; the first line is the query, all of it the document.

#![no_main]

use libfuzzer_sys::fuzz_target;
use plinth_values::search::{
    Candidates, Config, DEFAULT_WEIGHTS, Query, Style, Vector, candidates, matches, rank, rank_by_covers,
    tokens,
};

const STYLES: [Style; 4] = [Style::Operators, Style::Plain, Style::Phrase, Style::Web];

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    // Neither a request nor a row has one.
    if text.contains('\0') {
        return;
    }
    let first = usize::from(*first);
    let style = STYLES[first % STYLES.len()];
    let config = if first & 4 == 0 { Config::English } else { Config::Simple };
    let vector = Vector::of_text(config, text);
    if let Ok(vector) = &vector {
        let written = vector.to_string();
        assert_eq!(Vector::parse(&written).as_ref(), Ok(vector), "{written}");
        let _ = tokens(vector);
        // A document has all words of itself.
        if let Ok(words) = Query::of_text(config, Style::Plain, text) {
            assert!(words.root().is_none() || matches(vector, &words), "{written} without {words}");
        }
    }
    let _ = Vector::of_json(config, text);
    let asked = text.lines().next().unwrap_or_default();
    for query in [Query::of_text(config, style, asked), Query::parse(asked)] {
        let Ok(query) = query else { continue };
        let written = query.to_string();
        assert_eq!(Query::parse(&written).map(|query| query.to_string()).as_ref(), Ok(&written), "{asked:?}");
        let _ = query.indexable();
        assert_eq!(query.nodes() == 0, query.root().is_none());
        let found = candidates(&query);
        let Ok(vector) = &vector else { continue };
        if matches(vector, &query) {
            assert!(!matches!(found, Candidates::None), "{written} is not looked up");
        }
        for value in
            [rank(&DEFAULT_WEIGHTS, vector, &query, 63), rank_by_covers(&DEFAULT_WEIGHTS, vector, &query, 63)]
        {
            assert!(!value.is_nan() && value >= 0.0, "{written}: {value}");
        }
    }
});
