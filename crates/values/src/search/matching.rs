//! `vector @@ query`: whether a text has what a query looks for. Three answers are possible on the way: without positions a phrase can
//! be neither found nor ruled out.

use super::query::{Node, Operand, Query};
use super::vector::{Lexeme, Vector};

/// Whether something is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    No,
    Yes,
    Maybe,
}

/// Where something was found. With `negated`, everywhere but there.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    pub(super) at: Vec<u32>,
    negated: bool,
    /// How far what was found reaches back from its place
    width: u32,
}

/// Answers for a single word; the places are looked at only when they are asked for.
pub(super) trait Look {
    /// Whether the word is there.
    fn has(&self, operand: &Operand) -> Answer;
    /// Whether, and where.
    fn places(&self, operand: &Operand) -> (Answer, Vec<u32>);
}

/// Which places of two lists come out of a join.
#[derive(Clone, Copy)]
struct Keep {
    both: bool,
    left: bool,
    right: bool,
}

const BOTH: Keep = Keep { both: true, left: false, right: false };
const LEFT: Keep = Keep { both: false, left: true, right: false };
const RIGHT: Keep = Keep { both: false, left: false, right: true };
const ALL: Keep = Keep { both: true, left: true, right: true };

/// `vector @@ query`.
pub fn matches(vector: &Vector, query: &Query) -> bool {
    query.root().is_some_and(|root| execute(root, vector) != Answer::No)
}

impl Look for Vector {
    fn has(&self, operand: &Operand) -> Answer {
        let is = |lexeme: &Lexeme| {
            operand.weights == 0
                || lexeme.positions.is_empty()
                || lexeme
                    .positions
                    .iter()
                    .any(|position| operand.weights & (1 << position.weight.index()) != 0)
        };
        let found = match operand.prefix {
            true => self.starting(&operand.text).iter().any(is),
            false => self.find(&operand.text).is_some_and(is),
        };
        if found { Answer::Yes } else { Answer::No }
    }

    fn places(&self, operand: &Operand) -> (Answer, Vec<u32>) {
        let lexemes = match operand.prefix {
            true => self.starting(&operand.text),
            false => self.find(&operand.text).map(std::slice::from_ref).unwrap_or_default(),
        };
        let mut places = Vec::new();
        for lexeme in lexemes {
            if lexeme.positions.is_empty() {
                return (Answer::Maybe, Vec::new());
            }
            let wanted = lexeme.positions.iter().filter(|position| {
                operand.weights == 0 || operand.weights & (1 << position.weight.index()) != 0
            });
            places.extend(wanted.map(|position| u32::from(position.place)));
        }
        if lexemes.len() > 1 {
            places.sort_unstable();
            places.dedup();
        }
        (if places.is_empty() { Answer::No } else { Answer::Yes }, places)
    }
}

/// Answers a query.
pub(super) fn execute(node: &Node, look: &dyn Look) -> Answer {
    match node {
        Node::Word(operand) => look.has(operand),
        Node::Not(node) => match execute(node, look) {
            Answer::No => Answer::Yes,
            Answer::Yes => Answer::No,
            Answer::Maybe => Answer::Maybe,
        },
        Node::And(nodes) => {
            let mut all = Answer::Yes;
            for node in nodes {
                match execute(node, look) {
                    Answer::No => return Answer::No,
                    Answer::Yes => {}
                    Answer::Maybe => all = Answer::Maybe,
                }
            }
            all
        }
        Node::Or(nodes) => {
            let mut any = Answer::No;
            for node in nodes {
                match execute(node, look) {
                    Answer::No => {}
                    Answer::Yes => return Answer::Yes,
                    Answer::Maybe => any = Answer::Maybe,
                }
            }
            any
        }
        Node::Phrase(..) => match locate(node, look).0 {
            // Without positions a phrase is taken not to be there.
            Answer::Maybe | Answer::No => Answer::No,
            Answer::Yes => Answer::Yes,
        },
    }
}

/// Answers a part of a phrase, with its places.
fn locate(node: &Node, look: &dyn Look) -> (Answer, Places) {
    match node {
        Node::Word(operand) => {
            let (answer, at) = look.places(operand);
            (answer, Places { at, ..Places::default() })
        }
        Node::Not(node) => match locate(node, look) {
            (Answer::No, places) => (Answer::Yes, Places { at: Vec::new(), negated: true, ..places }),
            (Answer::Yes, places) if places.at.is_empty() && places.negated => {
                (Answer::No, Places { negated: false, ..places })
            }
            (Answer::Yes, places) => (Answer::Yes, Places { negated: !places.negated, ..places }),
            (Answer::Maybe, places) => (Answer::Maybe, places),
        },
        Node::And(nodes) => chain(nodes.iter().map(|node| (0, node)), look, |_, left, right| {
            let width = left.width.max(right.width);
            intersect(&left, width - left.width, &right, width - right.width, width)
        }),
        Node::Phrase(first, rest) => {
            let all =
                std::iter::once((0, &**first)).chain(rest.iter().map(|(distance, node)| (*distance, node)));
            chain(all, look, |distance, left, right| {
                let distance = u32::from(distance);
                // The left side moves on to where the right side ends.
                intersect(&left, distance + right.width, &right, 0, distance + left.width + right.width)
            })
        }
        Node::Or(nodes) => nodes
            .iter()
            .map(|node| locate(node, look))
            .reduce(either)
            .unwrap_or((Answer::No, Places::default())),
    }
}

/// All of these, each joined to those before it.
fn chain<'n>(
    nodes: impl Iterator<Item = (u16, &'n Node)>,
    look: &dyn Look,
    join: impl Fn(u16, Places, Places) -> (Answer, Places),
) -> (Answer, Places) {
    let mut sum: Option<(Answer, Places)> = None;
    for (distance, node) in nodes {
        let (answer, places) = locate(node, look);
        sum = Some(match (sum, answer) {
            (_, Answer::No) => return (Answer::No, Places::default()),
            (None, answer) => (answer, places),
            (Some((Answer::Maybe, _)), _) | (_, Answer::Maybe) => (Answer::Maybe, Places::default()),
            (Some((_, left)), Answer::Yes) => match join(distance, left, places) {
                (Answer::No, _) => return (Answer::No, Places::default()),
                joined => joined,
            },
        });
    }
    sum.unwrap_or((Answer::No, Places::default()))
}

/// Both at one place, each side moved on by a number.
fn intersect(left: &Places, by_left: u32, right: &Places, by_right: u32, width: u32) -> (Answer, Places) {
    let merged = |keep| merge(&left.at, by_left, &right.at, by_right, keep);
    let (at, negated) = match (left.negated, right.negated) {
        (true, true) => (merged(ALL), true),
        (true, false) => (merged(RIGHT), false),
        (false, true) => (merged(LEFT), false),
        (false, false) => (merged(BOTH), false),
    };
    let answer = if negated || !at.is_empty() { Answer::Yes } else { Answer::No };
    (answer, Places { at, negated, width })
}

fn either(
    (left_answer, left): (Answer, Places),
    (right_answer, right): (Answer, Places),
) -> (Answer, Places) {
    let one_sided = |answer, places: Places| match answer {
        Answer::No => Places::default(),
        _ => places,
    };
    match (left_answer, right_answer) {
        (Answer::No, Answer::No) => return (Answer::No, Places::default()),
        (Answer::Maybe, _) | (_, Answer::Maybe) => return (Answer::Maybe, Places::default()),
        _ => {}
    }
    let (left, right) = (one_sided(left_answer, left), one_sided(right_answer, right));
    let width = left.width.max(right.width);
    let merged = |keep| merge(&left.at, width - left.width, &right.at, width - right.width, keep);
    let (at, negated) = match (left.negated, right.negated) {
        (true, true) => (merged(BOTH), true),
        (true, false) => (merged(LEFT), true),
        (false, true) => (merged(RIGHT), true),
        (false, false) => (merged(ALL), false),
    };
    let answer = if negated || !at.is_empty() { Answer::Yes } else { Answer::No };
    (answer, Places { at, negated, width })
}

/// Joins two ascending lists of places, each moved on by a number.
fn merge(left: &[u32], by_left: u32, right: &[u32], by_right: u32, keep: Keep) -> Vec<u32> {
    let mut left = left.iter().map(|place| place + by_left).peekable();
    let mut right = right.iter().map(|place| place + by_right).peekable();
    let mut places = Vec::new();
    loop {
        match (left.peek().copied(), right.peek().copied()) {
            (None, None) => return places,
            (None, Some(_)) if !keep.right => return places,
            (Some(_), None) if !keep.left => return places,
            (Some(l), Some(r)) if l == r => {
                if keep.both {
                    places.push(r);
                }
                left.next();
                right.next();
            }
            (Some(l), r) if r.is_none_or(|r| l < r) => {
                if keep.left {
                    places.push(l);
                }
                left.next();
            }
            (_, Some(r)) => {
                if keep.right {
                    places.push(r);
                }
                right.next();
            }
            (Some(_), None) => return places,
        }
    }
}
