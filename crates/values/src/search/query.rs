//! `tsquery`: words joined by `&`, `|`, `!` and `<->`; its text form, and building one from what people write. Kept as PostgreSQL
//! prints it: `'fat' & !'cat':*A <-> 'dog'`.

use std::fmt::{self, Write as _};

use super::config::Config;
use super::scan::{Scanner, is_operator, is_space};
use super::vector::{LIMIT_BYTES, LONGEST_LEXEME, Weight, write_quoted};
use crate::{Result, ValueError};

/// The greatest distance of a phrase operator.
pub const MAX_DISTANCE: u16 = 16_384;
/// How deep operators may stand inside of each other; lists of `&`, `|` or `<->` are one deep, however long.
const MAX_DEPTH: usize = 256;
/// How many operators may wait for their operand.
const MAX_WAITING: usize = 32;

/// A word that is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operand {
    /// The lexeme
    pub text: String,
    /// The weights it is looked for with, bit `1 << weight.index()` each; 0 stands for all
    pub weights: u8,
    /// Whether lexemes that begin so are meant
    pub prefix: bool,
}

/// A query that is not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A word
    Word(Operand),
    /// `!a`
    Not(Box<Node>),
    /// `a & b & …`, two or more
    And(Vec<Node>),
    /// `a | b | …`, two or more
    Or(Vec<Node>),
    /// `a <1> b <2> c …`: the first, and each further one with its distance from the one before
    Phrase(Box<Node>, Vec<(u16, Node)>),
}

/// A query; without a word it finds nothing.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Query {
    root: Option<Node>,
}

/// How a text becomes a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `to_tsquery`: with operators
    Operators,
    /// `plainto_tsquery`: all words
    Plain,
    /// `phraseto_tsquery`: all words, one after the other
    Phrase,
    /// `websearch_to_tsquery`: quotes, `or`, `-`
    Web,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    Phrase(u16),
    Not,
}

/// Something on the stack of operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    Operator(Operator),
    Open,
}

/// A part of a query that is being built. Where stop words were left out, the places they took.
#[derive(Default)]
struct Part {
    node: Option<Node>,
    depth: usize,
    left: u32,
    right: u32,
}

/// 22023
fn bad_distance() -> ValueError {
    ValueError::new(
        "22023",
        format!(
            "distance in phrase operator must be an integer value between zero and {MAX_DISTANCE} inclusive"
        ),
    )
}

fn too_deep() -> ValueError {
    ValueError::new("54001", "stack depth limit exceeded")
}

impl Operator {
    fn priority(self) -> u8 {
        match self {
            Operator::Or => 1,
            Operator::And => 2,
            Operator::Phrase(_) => 3,
            Operator::Not => 4,
        }
    }
}

impl Part {
    fn word(operand: Operand) -> Part {
        Part { node: Some(Node::Word(operand)), depth: 1, ..Part::default() }
    }

    fn negated(self) -> Part {
        Part { node: self.node.map(|node| Node::Not(Box::new(node))), depth: self.depth + 1, ..self }
    }

    /// Two parts with an operator between them. Of stop words only the places stay, and only in phrases.
    fn joined(self, operator: Operator, other: Part) -> Part {
        let distance = match operator {
            Operator::Phrase(distance) => Some(u32::from(distance)),
            _ => None,
        };
        match (self.node, other.node) {
            (None, None) => {
                let width = match distance {
                    Some(distance) => self.left + distance + other.left,
                    None => self.left.max(other.left),
                };
                Part { node: None, depth: 0, left: width, right: width }
            }
            (None, node) => Part {
                node,
                depth: other.depth,
                left: distance.map_or(other.left, |distance| self.left + distance + other.left),
                right: other.right,
            },
            (node, None) => Part {
                node,
                depth: self.depth,
                left: self.left,
                right: distance.map_or(self.right, |distance| self.right + distance + other.right),
            },
            (Some(left), Some(right)) => {
                let is_and = operator == Operator::And;
                let grows = match left {
                    Node::Phrase(..) => distance.is_some(),
                    Node::And(_) => is_and,
                    Node::Or(_) => operator == Operator::Or,
                    Node::Word(_) | Node::Not(_) => false,
                };
                let depth = (self.depth + usize::from(!grows)).max(other.depth + 1);
                match distance {
                    Some(distance) => {
                        let distance = distance + self.right + other.left;
                        let distance = u16::try_from(distance).unwrap_or(MAX_DISTANCE).min(MAX_DISTANCE);
                        let node = Some(phrase(left, distance, right));
                        Part { node, depth, left: self.left, right: other.right }
                    }
                    None => Part { node: Some(list(is_and, left, right)), depth, left: 0, right: 0 },
                }
            }
        }
    }
}

/// `left & right` or `left | right`; what is such a list already grows.
fn list(is_and: bool, left: Node, right: Node) -> Node {
    let mut nodes = match left {
        Node::And(nodes) if is_and => nodes,
        Node::Or(nodes) if !is_and => nodes,
        node => vec![node],
    };
    match right {
        Node::And(more) if is_and => nodes.extend(more),
        Node::Or(more) if !is_and => nodes.extend(more),
        node => nodes.push(node),
    }
    if is_and { Node::And(nodes) } else { Node::Or(nodes) }
}

/// `left <distance> right`
fn phrase(left: Node, distance: u16, right: Node) -> Node {
    match left {
        Node::Phrase(first, mut rest) => {
            rest.push((distance, right));
            Node::Phrase(first, rest)
        }
        first => Node::Phrase(Box::new(first), vec![(distance, right)]),
    }
}

/// Puts a query together from operands and operators as they are read.
struct Builder {
    parts: Vec<Part>,
    waiting: Vec<Waiting>,
    bytes: usize,
}

impl Builder {
    fn new() -> Builder {
        Builder { parts: Vec::new(), waiting: Vec::new(), bytes: 0 }
    }

    fn push(&mut self, operand: Operand) -> Result<()> {
        if operand.text.len() > LONGEST_LEXEME {
            return Err(ValueError::new(
                "54000",
                format!("word is too long in tsquery: \"{}\"", operand.text),
            ));
        }
        if self.bytes > LIMIT_BYTES {
            return Err(ValueError::new(
                "54000",
                format!("value is too big in tsquery: \"{}\"", operand.text),
            ));
        }
        self.bytes += operand.text.len() + 1;
        self.parts.push(Part::word(operand));
        Ok(())
    }

    /// The words of a text, joined; words that are left out leave their places.
    fn push_text(
        &mut self,
        config: Config,
        text: &str,
        joined_by: Operator,
        weights: u8,
        prefix: bool,
    ) -> Result<()> {
        let mut found = Vec::new();
        config.lexemes(text, 0, &mut found);
        if found.is_empty() {
            self.parts.push(Part::default());
            return Ok(());
        }
        let mut before: Option<u32> = None;
        for found in found {
            for _ in before.map_or(found.position, |before| before + 1)..found.position {
                self.parts.push(Part::default());
                self.apply(joined_by)?;
            }
            self.push(Operand { text: found.lexeme, weights, prefix })?;
            if before.is_some() {
                self.apply(joined_by)?;
            }
            before = Some(found.position);
        }
        Ok(())
    }

    fn apply(&mut self, operator: Operator) -> Result<()> {
        let right = self.parts.pop().unwrap_or_default();
        let part = if operator == Operator::Not {
            right.negated()
        } else {
            self.parts.pop().unwrap_or_default().joined(operator, right)
        };
        if part.depth > MAX_DEPTH {
            return Err(too_deep());
        }
        self.parts.push(part);
        Ok(())
    }

    /// Applies what waits and binds at least as strongly as the next operator; without one, all since the last `(`.
    fn settle(&mut self, next: Option<Operator>) -> Result<()> {
        while let Some(Waiting::Operator(operator)) = self.waiting.last().copied() {
            let waits = match next {
                Some(Operator::Not) => true,
                Some(next) => next.priority() > operator.priority(),
                None => false,
            };
            if waits {
                break;
            }
            self.waiting.pop();
            self.apply(operator)?;
        }
        Ok(())
    }

    fn operator(&mut self, operator: Operator) -> Result<()> {
        self.settle(Some(operator))?;
        let opened = self.waiting.iter().rev().take_while(|waiting| **waiting != Waiting::Open).count();
        if opened >= MAX_WAITING {
            return Err(ValueError::new("54001", "tsquery stack too small"));
        }
        self.waiting.push(Waiting::Operator(operator));
        Ok(())
    }

    fn finish(mut self) -> Result<Query> {
        self.settle(None)?;
        Ok(Query { root: self.parts.pop().and_then(|part| part.node) })
    }
}

/// What operands are made of.
#[derive(Clone, Copy)]
enum Operands {
    /// The words themselves
    AsTheyAre,
    /// Their lexemes
    Of(Config),
}

impl Query {
    /// The query's root; `None` when it is empty.
    pub fn root(&self) -> Option<&Node> {
        self.root.as_ref()
    }

    /// Reads a query's text form. Errors: 42601 (syntax), 22023 (distance), 54000, 54001 (limits).
    pub fn parse(text: &str) -> Result<Query> {
        read(text, Operands::AsTheyAre)
    }

    /// The query of a text. Errors: as [`Query::parse`].
    pub fn of_text(config: Config, style: Style, text: &str) -> Result<Query> {
        let mut builder = Builder::new();
        match style {
            Style::Operators => return read(text, Operands::Of(config)),
            Style::Web => return read_web(text, config),
            Style::Plain => builder.push_text(config, text, Operator::And, 0, false)?,
            Style::Phrase => builder.push_text(config, text, Operator::Phrase(1), 0, false)?,
        }
        builder.finish()
    }

    /// `a && b`. Errors: 54001.
    pub fn and(self, other: Query) -> Result<Query> {
        self.joined(Operator::And, other)
    }

    /// `a || b`. Errors: 54001.
    pub fn or(self, other: Query) -> Result<Query> {
        self.joined(Operator::Or, other)
    }

    /// `!! a`. Errors: 54001.
    pub fn negated(self) -> Result<Query> {
        Query { root: self.root.map(|node| Node::Not(Box::new(node))) }.checked()
    }

    /// `a <-> b` (`tsquery_phrase`). Errors: 22023, 54001.
    pub fn phrase(self, other: Query, distance: i64) -> Result<Query> {
        let distance = u16::try_from(distance).ok().filter(|distance| *distance <= MAX_DISTANCE);
        self.joined(Operator::Phrase(distance.ok_or_else(bad_distance)?), other)
    }

    fn joined(self, operator: Operator, other: Query) -> Result<Query> {
        let root = match (self.root, other.root) {
            (Some(left), Some(right)) => Some(match operator {
                Operator::Phrase(distance) => phrase(left, distance, right),
                operator => list(operator == Operator::And, left, right),
            }),
            (left, right) => left.or(right),
        };
        Query { root }.checked()
    }

    fn checked(self) -> Result<Query> {
        match &self.root {
            Some(root) if depth(root) > MAX_DEPTH => Err(too_deep()),
            _ => Ok(self),
        }
    }

    /// The number of words and operators (`numnode`).
    pub fn nodes(&self) -> usize {
        self.root.as_ref().map_or(0, count)
    }

    /// The part of the query that an index could look up (`querytree`): `T` when it is none.
    pub fn indexable(&self) -> String {
        match &self.root {
            None => String::new(),
            Some(root) => match without_negations(root) {
                None => "T".to_owned(),
                root => Query { root }.to_string(),
            },
        }
    }
}

/// The words of a query, in their order.
pub(super) fn operands<'n>(node: &'n Node, all: &mut Vec<&'n Operand>) {
    match node {
        Node::Word(operand) => all.push(operand),
        Node::Not(node) => operands(node, all),
        Node::And(nodes) | Node::Or(nodes) => nodes.iter().for_each(|node| operands(node, all)),
        Node::Phrase(first, rest) => {
            operands(first, all);
            rest.iter().for_each(|(_, node)| operands(node, all));
        }
    }
}

fn depth(node: &Node) -> usize {
    1 + match node {
        Node::Word(_) => 0,
        Node::Not(node) => depth(node),
        Node::And(nodes) | Node::Or(nodes) => nodes.iter().map(depth).max().unwrap_or(0),
        Node::Phrase(first, rest) => rest.iter().map(|(_, node)| depth(node)).fold(depth(first), usize::max),
    }
}

fn count(node: &Node) -> usize {
    match node {
        Node::Word(_) => 1,
        Node::Not(node) => 1 + count(node),
        Node::And(nodes) | Node::Or(nodes) => nodes.iter().map(|node| count(node) + 1).sum::<usize>() - 1,
        Node::Phrase(first, rest) => {
            count(first) + rest.iter().map(|(_, node)| count(node) + 1).sum::<usize>()
        }
    }
}

/// What is left of a condition when every negation is taken for unknown; `None` for unknown.
fn without_negations(node: &Node) -> Option<Node> {
    match node {
        Node::Word(_) => Some(node.clone()),
        Node::Not(_) => None,
        Node::Or(nodes) => nodes.iter().map(without_negations).collect::<Option<Vec<_>>>().map(Node::Or),
        Node::And(nodes) => {
            nodes.iter().filter_map(without_negations).reduce(|left, right| list(true, left, right))
        }
        Node::Phrase(first, rest) => rest.iter().fold(without_negations(first), |left, (distance, node)| {
            match (left, without_negations(node)) {
                (Some(left), Some(right)) => Some(phrase(left, *distance, right)),
                (left, right) => left.or(right),
            }
        }),
    }
}

fn read(text: &str, operands: Operands) -> Result<Query> {
    let mut scanner = Scanner::query(text);
    let mut builder = Builder::new();
    let mut open = 0_usize;
    let (mut is_first, mut after_phrase) = (true, false);
    loop {
        // An operand is wanted.
        scanner.skip_space();
        match scanner.peek() {
            Some('!') => {
                scanner.advance();
                builder.operator(Operator::Not)?;
                is_first = false;
                continue;
            }
            Some('(') => {
                scanner.advance();
                open += 1;
                builder.waiting.push(Waiting::Open);
                is_first = false;
                continue;
            }
            Some(':') => return Err(scanner.syntax()),
            None if is_first => return builder.finish(),
            // PostgreSQL words it so where the text ends with a phrase operator.
            None if text.ends_with('>') && after_phrase => return Err(scanner.syntax()),
            None => return Err(ValueError::new("42601", format!("no operand in tsquery: \"{text}\""))),
            Some(_) => {}
        }
        is_first = false;
        let Some(word) = scanner.word()? else { return Err(scanner.syntax()) };
        let (weights, prefix) = modifiers(&mut scanner);
        match operands {
            Operands::AsTheyAre => builder.push(Operand { text: word.text, weights, prefix })?,
            Operands::Of(config) => {
                builder.push_text(config, &word.text, Operator::Phrase(1), weights, prefix)?;
            }
        }
        // An operator is wanted.
        let operator = loop {
            scanner.skip_space();
            match scanner.peek() {
                Some('&') => {
                    scanner.advance();
                    break Operator::And;
                }
                Some('|') => {
                    scanner.advance();
                    break Operator::Or;
                }
                Some('<') => break Operator::Phrase(distance(&mut scanner)?),
                Some(')') if open > 0 => {
                    scanner.advance();
                    open -= 1;
                    builder.settle(None)?;
                    builder.waiting.pop();
                }
                None if open == 0 => return builder.finish(),
                _ => return Err(scanner.syntax()),
            }
        };
        after_phrase = matches!(operator, Operator::Phrase(_));
        builder.operator(operator)?;
    }
}

/// `:*AB` after a word
fn modifiers(scanner: &mut Scanner<'_>) -> (u8, bool) {
    let (mut weights, mut prefix) = (0, false);
    if scanner.peek() == Some(':') {
        scanner.advance();
        while let Some(c) = scanner.peek() {
            match Weight::parse(c) {
                Some(weight) => weights |= 1 << weight.index(),
                None if c == '*' => prefix = true,
                None => break,
            }
            scanner.advance();
        }
    }
    (weights, prefix)
}

/// `<->`, `<2>`
fn distance(scanner: &mut Scanner<'_>) -> Result<u16> {
    let rest = scanner.rest();
    let inside = rest.get(1..).unwrap_or_default();
    if inside.starts_with("->") {
        scanner.skip(3);
        return Ok(1);
    }
    let digits = inside.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return Err(scanner.syntax());
    }
    let distance = inside.get(..digits).and_then(|digits| digits.parse::<u16>().ok());
    let distance = distance.filter(|distance| *distance <= MAX_DISTANCE).ok_or_else(bad_distance)?;
    if !inside.get(digits..).unwrap_or_default().starts_with('>') {
        return Err(scanner.syntax());
    }
    scanner.skip(digits + 2);
    Ok(distance)
}

/// What people type: words, "phrases", `or`, `-`. It never has a wrong syntax.
fn read_web(text: &str, config: Config) -> Result<Query> {
    let mut scanner = Scanner::web(text);
    let mut builder = Builder::new();
    let mut is_first = true;
    loop {
        scanner.skip_space();
        match scanner.peek() {
            None if is_first => return builder.finish(),
            None => {
                builder.parts.push(Part::default());
                return builder.finish();
            }
            Some('-') => {
                scanner.advance();
                builder.operator(Operator::Not)?;
                is_first = false;
                continue;
            }
            Some('"') => {
                scanner.advance();
                let rest = scanner.rest();
                let inside = rest.split('"').next().unwrap_or_default();
                scanner.skip(inside.len());
                scanner.advance();
                builder.push_text(config, inside, Operator::Phrase(1), 0, false)?;
            }
            Some(c) if is_operator(c) => {
                scanner.advance();
                is_first = false;
                continue;
            }
            Some(_) => {
                if let Some(word) = scanner.word()? {
                    builder.push_text(config, &word.text, Operator::Phrase(1), 0, false)?;
                }
            }
        }
        is_first = false;
        while scanner.peek().is_some_and(|c| is_space(c) || is_operator(c)) {
            scanner.advance();
        }
        match scanner.peek() {
            None => return builder.finish(),
            Some(_) if is_or(scanner.rest()) => {
                scanner.skip(2);
                builder.operator(Operator::Or)?;
            }
            Some(_) => builder.operator(Operator::And)?,
        }
    }
}

/// Whether `or` stands here as a word, with something after it.
fn is_or(rest: &str) -> bool {
    let Some(after) =
        rest.get(..2).filter(|word| word.eq_ignore_ascii_case("or")).and_then(|_| rest.get(2..))
    else {
        return false;
    };
    let Some(first) = after.chars().next() else { return false };
    if matches!(first, '-' | '_') || first.is_alphanumeric() {
        return false;
    }
    let beyond = after.get(first.len_utf8()..).unwrap_or_default();
    !beyond.trim_start_matches(is_space).is_empty()
}

/// PostgreSQL's text form.
impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.root {
            Some(root) => write_node(root, 0, false, f),
            None => Ok(()),
        }
    }
}

fn write_node(node: &Node, around: u8, right_of_phrase: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let priority = match node {
        Node::Word(operand) => return write_operand(operand, f),
        Node::Not(node) => {
            f.write_char('!')?;
            return write_node(node, Operator::Not.priority(), false, f);
        }
        Node::Or(_) => Operator::Or.priority(),
        Node::And(_) => Operator::And.priority(),
        Node::Phrase(..) => Operator::Phrase(1).priority(),
    };
    let parentheses = priority < around || (right_of_phrase && matches!(node, Node::Phrase(..)));
    if parentheses {
        f.write_str("( ")?;
    }
    match node {
        Node::Word(_) | Node::Not(_) => {}
        Node::And(nodes) | Node::Or(nodes) => {
            let sign = if matches!(node, Node::And(_)) { " & " } else { " | " };
            for (index, node) in nodes.iter().enumerate() {
                if index > 0 {
                    f.write_str(sign)?;
                }
                write_node(node, priority, false, f)?;
            }
        }
        Node::Phrase(first, rest) => {
            write_node(first, priority, false, f)?;
            for (distance, node) in rest {
                match distance {
                    1 => f.write_str(" <-> ")?,
                    distance => write!(f, " <{distance}> ")?,
                }
                write_node(node, priority, true, f)?;
            }
        }
    }
    if parentheses {
        f.write_str(" )")?;
    }
    Ok(())
}

fn write_operand(operand: &Operand, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write_quoted(&operand.text, f)?;
    if operand.weights == 0 && !operand.prefix {
        return Ok(());
    }
    f.write_char(':')?;
    if operand.prefix {
        f.write_char('*')?;
    }
    for weight in [Weight::A, Weight::B, Weight::C, Weight::D] {
        if operand.weights & (1 << weight.index()) != 0 {
            f.write_char(weight.letter())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_has_a_limit_and_lists_have_not() {
        let nested = |depth: usize| format!("{}a{}", "!(b | ".repeat(depth), ")".repeat(depth));
        assert!(Query::parse(&nested(100)).is_ok());
        for text in [nested(200), nested(100_000), "!(".repeat(1_000_000), "a & !(".repeat(100_000)] {
            let refusal = Query::parse(&text).map(|query| query.to_string());
            assert!(
                refusal.as_ref().is_err_and(|refusal| matches!(refusal.code, "54001" | "42601")),
                "{refusal:?}"
            );
        }
        let parentheses = format!("{}a{}", "(".repeat(100_000), ")".repeat(100_000));
        assert_eq!(Query::parse(&parentheses).map(|query| query.to_string()), Ok("'a'".to_owned()));
        for sign in [" & ", " | ", " <-> "] {
            let long = vec!["a"; 20_000].join(sign);
            assert_eq!(Query::parse(&long).map(|query| query.nodes()), Ok(39_999));
        }
        let mut query = Query::parse("a").unwrap_or_default();
        let refused = (0..1000).find(|_| match query.clone().negated() {
            Ok(deeper) => {
                query = deeper;
                false
            }
            Err(_) => true,
        });
        assert!(refused.is_some());
    }

    proptest::proptest! {
        #[test]
        fn never_panics_and_reads_what_it_writes(text in "[ab:*!&|()<>2\\-'\\\\ \\PC]{0,24}") {
            for style in [Style::Operators, Style::Plain, Style::Phrase, Style::Web] {
                if let Ok(query) = Query::of_text(Config::English, style, &text) {
                    let written = query.to_string();
                    proptest::prop_assert_eq!(Query::parse(&written).map(|query| query.to_string()), Ok(written));
                }
            }
            let _ = Query::parse(&text);
        }
    }
}
