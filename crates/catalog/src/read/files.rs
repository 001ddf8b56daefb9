//! Text to tokens, and tokens to statements: so an error in one statement does not hide those in others. A function's body is a
//! text of its own inside a file, whose tokens keep their places in the file.

use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer};

use super::syntax::Place;

/// The dialect everything is read in.
pub(super) static DIALECT: PostgreSqlDialect = PostgreSqlDialect {};

/// More tokens than any statement needs that a person wrote.
const MAX_STATEMENT_TOKENS: usize = 50_000;

/// How many operators may stand in one chain, not counting those within the terms of `and` and `or`. The syntax tree of a chain is as deep as the chain is long, and what walks over
/// trees (the SQL parser's own code too) needs stack for each level.
const MAX_CHAIN: usize = 300;

/// The tokens of a text that starts at `start`, without white space and comments; or what is wrong with it, and where.
pub(super) fn tokenize(text: &str, start: Place) -> Result<Vec<TokenWithSpan>, (Place, String)> {
    let shift = |at: Location| {
        let line = start.line.saturating_add(at.line).saturating_sub(1);
        let column =
            if at.line == 1 { start.column.saturating_add(at.column).saturating_sub(1) } else { at.column };
        Location { line, column }
    };
    let mut tokens = Vec::new();
    if let Err(error) = Tokenizer::new(&DIALECT, text).tokenize_with_location_into_buf(&mut tokens) {
        let at = shift(error.location);
        return Err((Place { line: at.line, column: at.column, ..start }, error.message));
    }
    tokens.retain(|token| !matches!(token.token, Token::Whitespace(_)));
    for token in &mut tokens {
        token.span = Span::new(shift(token.span.start), shift(token.span.end));
    }
    Ok(trims_of_blanks(tokens))
}

/// `trim(both from x)` as `trim(both ' ' from x)`, which is what it means and what the parser reads.
fn trims_of_blanks(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for token in tokens {
        if is_word(&token, "from")
            && let [.., trim, open, side] = out.as_slice()
            && is_word(trim, "trim")
            && open.token == Token::LParen
            && ["both", "leading", "trailing"].iter().any(|word| is_word(side, word))
        {
            out.push(TokenWithSpan { token: Token::SingleQuotedString(" ".to_owned()), span: token.span });
        }
        out.push(token);
    }
    out
}

/// The tokens of each statement, without the semicolons.
pub(super) fn split(tokens: Vec<TokenWithSpan>) -> Vec<Vec<TokenWithSpan>> {
    let mut statements = Vec::new();
    let mut current: Vec<TokenWithSpan> = Vec::new();
    // Inside `begin atomic … end` semicolons separate the statements of a body, and `case … end` nests.
    let mut nesting: usize = 0;
    for token in tokens {
        if nesting > 0 {
            if is_word(&token, "case") {
                nesting += 1;
            } else if is_word(&token, "end") {
                nesting -= 1;
            }
        } else if is_word(&token, "atomic") && current.last().is_some_and(|last| is_word(last, "begin")) {
            nesting = 1;
        }
        if nesting == 0 && token.token == Token::SemiColon {
            if !current.is_empty() {
                statements.push(std::mem::take(&mut current));
            }
        } else {
            current.push(token);
        }
    }
    if !current.is_empty() {
        statements.push(current);
    }
    statements
}

/// Whether the token is this keyword, not quoted. Keywords here are written in lower case.
pub(super) fn is_word(token: &TokenWithSpan, keyword: &str) -> bool {
    matches!(&token.token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(keyword))
}

/// How deep the tree of the text inside a parenthesis can get.
#[derive(Clone, Copy, Default)]
struct Depth {
    /// The longest chain of operators that has ended
    longest: usize,
    /// The chain that goes on
    chain: usize,
    /// `and`, `or`, set operations and joins, between which chains end
    junctions: usize,
}

/// The token where a statement gets too long to be read safely, if it does.
pub(super) fn too_long(tokens: &[TokenWithSpan]) -> Option<usize> {
    let mut depth = Depth::default();
    let mut around: Vec<Depth> = Vec::new();
    let mut around_total: usize = 0;
    for (index, token) in tokens.iter().enumerate() {
        match &token.token {
            Token::LParen => {
                around_total = around_total.saturating_add(depth.chain).saturating_add(depth.junctions);
                around.push(std::mem::take(&mut depth));
            }
            Token::RParen => {
                let inner = depth.longest.max(depth.chain).saturating_add(depth.junctions);
                depth = around.pop().unwrap_or_default();
                around_total = around_total.saturating_sub(depth.chain).saturating_sub(depth.junctions);
                depth.chain = depth.chain.saturating_add(inner);
            }
            Token::Comma => depth = Depth { longest: depth.longest.max(depth.chain), chain: 0, ..depth },
            Token::Word(_) => match word_kind(token) {
                WordKind::Begins => {
                    depth = Depth { longest: depth.longest.max(depth.chain), chain: 0, ..depth }
                }
                WordKind::Chains => depth.chain = depth.chain.saturating_add(1),
                WordKind::Joins => {
                    let (longest, junctions) =
                        (depth.longest.max(depth.chain), depth.junctions.saturating_add(1));
                    depth = Depth { longest, chain: 0, junctions };
                }
                WordKind::Other => {}
            },
            Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::DollarQuotedString(_)
            | Token::EscapedStringLiteral(_)
            | Token::Period
            | Token::SemiColon
            | Token::RBracket => {}
            _ => depth.chain = depth.chain.saturating_add(1),
        }
        let total = around_total.saturating_add(depth.chain).saturating_add(depth.junctions);
        if total > MAX_CHAIN || around.len() > MAX_CHAIN || index >= MAX_STATEMENT_TOKENS {
            return Some(index);
        }
    }
    None
}

enum WordKind {
    /// Another expression begins after it
    Begins,
    /// An operator
    Chains,
    /// Puts a condition, query or relation beside the one before
    Joins,
    Other,
}

fn word_kind(token: &TokenWithSpan) -> WordKind {
    const BEGINS: [&str; 9] = ["select", "from", "where", "on", "when", "then", "else", "by", "having"];
    const CHAINS: [&str; 9] = ["is", "isnull", "notnull", "in", "like", "ilike", "similar", "between", "at"];
    const JOINS: [&str; 6] = ["and", "or", "union", "intersect", "except", "join"];
    let is_one_of = |words: &[&str]| words.iter().any(|word| is_word(token, word));
    if is_one_of(&BEGINS) {
        WordKind::Begins
    } else if is_one_of(&CHAINS) {
        WordKind::Chains
    } else if is_one_of(&JOINS) {
        WordKind::Joins
    } else {
        WordKind::Other
    }
}
