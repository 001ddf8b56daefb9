//! What a word index is given and asked: the lexemes of a vector as plain tokens, and for a query an expression that every vector it
//! matches matches too. An index finds candidates; whether they match is for `matching` to say.

use super::query::{Node, Operand, Query};
use super::vector::Vector;

/// What an index is asked for a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Candidates {
    /// None: the query is empty
    None,
    /// Any: the index cannot tell
    All,
    /// Those that match this expression of FTS5's syntax
    Matching(String),
}

/// An expression that nothing matches: no lexeme has this token. FTS5 has none for it.
pub const NOTHING: &str = "\"z\"";

/// Expressions of more words than this are not handed over, nor those nested deeper.
const MAX_WORDS: usize = 500;
const MAX_DEPTH: usize = 16;

/// The lexemes of a vector as tokens, separated by blanks.
pub fn tokens(vector: &Vector) -> String {
    let mut tokens = String::new();
    for lexeme in vector.lexemes() {
        if !tokens.is_empty() {
            tokens.push(' ');
        }
        write_token(&lexeme.text, &mut tokens);
    }
    tokens
}

/// A lexeme in letters and digits that no tokenizer changes or divides. Byte by byte, so that what begins with a lexeme begins with
/// its token.
fn write_token(lexeme: &str, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in lexeme.bytes() {
        match byte {
            b'a'..=b'y' | b'0'..=b'9' => out.push(char::from(byte)),
            byte => {
                out.push('z');
                for half in [byte >> 4, byte & 15] {
                    out.push(DIGITS.get(usize::from(half)).map_or('0', |digit| char::from(*digit)));
                }
            }
        }
    }
}

/// What to ask an index for a query.
pub fn candidates(query: &Query) -> Candidates {
    let Some(root) = query.root() else { return Candidates::None };
    let mut words = 0;
    match expression(root, MAX_DEPTH, &mut words) {
        Some(expression) if words <= MAX_WORDS => Candidates::Matching(expression),
        _ => Candidates::All,
    }
}

/// `None`: whatever the words, it may match.
fn expression(node: &Node, depth: usize, words: &mut usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    match node {
        Node::Word(operand) => {
            *words += 1;
            Some(word(operand))
        }
        Node::Not(_) => None,
        Node::Or(nodes) => {
            let parts: Option<Vec<String>> =
                nodes.iter().map(|node| expression(node, depth, words)).collect();
            Some(format!("({})", parts?.join(" OR ")))
        }
        Node::And(nodes) => all(nodes.iter(), depth, words),
        // The words of a phrase have to be there, wherever.
        Node::Phrase(first, rest) => {
            all(std::iter::once(&**first).chain(rest.iter().map(|(_, node)| node)), depth, words)
        }
    }
}

/// All that can be told of these.
fn all<'n>(nodes: impl Iterator<Item = &'n Node>, depth: usize, words: &mut usize) -> Option<String> {
    let parts: Vec<String> = nodes.filter_map(|node| expression(node, depth, words)).collect();
    if parts.is_empty() { None } else { Some(format!("({})", parts.join(" AND "))) }
}

fn word(operand: &Operand) -> String {
    let mut token = String::from("\"");
    write_token(&operand.text, &mut token);
    token.push('"');
    if operand.prefix {
        token.push('*');
    }
    token
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_plain() {
        let vector = Vector::parse("Az:1 foo é:2 'x y'").unwrap_or_default();
        assert_eq!(tokens(&vector), "z41z7a foo xz20y zc3za9");
    }

    #[test]
    fn candidates_are_no_fewer_than_matches() {
        for (query, expected) in [
            ("", Candidates::None),
            ("a", Candidates::Matching("\"a\"".into())),
            ("a:*A", Candidates::Matching("\"a\"*".into())),
            ("a & !b", Candidates::Matching("(\"a\")".into())),
            ("a <-> b | c", Candidates::Matching("((\"a\" AND \"b\") OR \"c\")".into())),
            ("!a", Candidates::All),
            ("a | !b", Candidates::All),
            ("!a <-> b", Candidates::Matching("(\"b\")".into())),
            ("!a & !b", Candidates::All),
        ] {
            assert_eq!(Query::parse(query).map(|query| candidates(&query)), Ok(expected), "{query}");
        }
        let long = vec!["a"; 2000].join(" | ");
        assert_eq!(Query::parse(&long).map(|query| candidates(&query)), Ok(Candidates::All));
    }
}
