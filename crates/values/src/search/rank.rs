//! `ts_rank` and `ts_rank_cd`: how well a text fits a query. The arithmetic follows PostgreSQL's step by step, in single precision where it
//! uses that, so that the numbers are the same.

use super::matching::{Answer, Look, execute};
use super::query::{Node, Operand, Query, operands};
use super::vector::{LIMIT_POSITION, Lexeme, Position, Vector, Weight};
use crate::{Result, ValueError};

/// What D, C, B and A count when nothing else is said.
pub const DEFAULT_WEIGHTS: [f32; 4] = [0.1, 0.2, 0.4, 1.0];

/// Divide by the logarithm of the length
const BY_LOG_LENGTH: i64 = 1;
/// Divide by the length
const BY_LENGTH: i64 = 2;
/// Divide by the mean distance of the covers
const BY_DISTANCE: i64 = 4;
/// Divide by the number of different words
const BY_WORDS: i64 = 8;
/// Divide by its logarithm
const BY_LOG_WORDS: i64 = 16;
/// Divide by itself and one
const BY_ITSELF: i64 = 32;

/// The weights that a call was given, D first. Errors: 2202E, 22004, 22023.
pub fn weights(given: &[Option<f64>]) -> Result<[f32; 4]> {
    let mut weights = DEFAULT_WEIGHTS;
    if given.len() < weights.len() {
        return Err(ValueError::new("2202E", "array of weight is too short"));
    }
    if given.iter().any(Option::is_none) {
        return Err(ValueError::new("22004", "array of weight must not contain nulls"));
    }
    for (weight, given) in weights.iter_mut().zip(given) {
        let given = single(given.unwrap_or_default());
        if given >= 0.0 {
            *weight = given;
        }
        if *weight > 1.0 {
            return Err(ValueError::new("22023", "weight out of range"));
        }
    }
    Ok(weights)
}

#[allow(clippy::cast_possible_truncation, reason = "rounds to single precision")]
fn single(value: f64) -> f32 {
    value as f32
}

#[allow(clippy::cast_precision_loss, reason = "counts are small")]
fn number(count: usize) -> f64 {
    count as f64
}

/// The different words of a query, ascending; of equal ones the last in the query.
fn words(root: &Node) -> Vec<&Operand> {
    let mut all = Vec::new();
    operands(root, &mut all);
    all.reverse();
    all.sort_by(|a, b| a.text.cmp(&b.text));
    all.dedup_by(|a, b| a.text == b.text);
    all
}

fn lexemes<'v>(vector: &'v Vector, operand: &Operand) -> &'v [Lexeme] {
    match operand.prefix {
        true => vector.starting(&operand.text),
        false => vector.find(&operand.text).map(std::slice::from_ref).unwrap_or_default(),
    }
}

/// `ts_rank(weights, vector, query, normalization)`.
pub fn rank(weights: &[f32; 4], vector: &Vector, query: &Query, normalization: i64) -> f32 {
    let Some(root) = query.root() else { return 0.0 };
    if vector.is_empty() {
        return 0.0;
    }
    let mut rank = match root {
        Node::And(_) | Node::Phrase(..) => rank_and(weights, vector, root),
        Node::Word(_) | Node::Not(_) | Node::Or(_) => rank_or(weights, vector, root),
    };
    if rank < 0.0 {
        rank = 1e-20;
    }
    let divided = |rank: f32, by: f64| single(f64::from(rank) / by);
    if normalization & BY_LOG_LENGTH != 0 {
        rank = divided(rank, number(vector.length() + 1).ln() / 2.0_f64.ln());
    }
    if normalization & BY_LENGTH != 0 && vector.length() > 0 {
        rank /= single(number(vector.length()));
    }
    if normalization & BY_WORDS != 0 {
        rank /= single(number(vector.lexemes().len()));
    }
    if normalization & BY_LOG_WORDS != 0 {
        rank = divided(rank, number(vector.lexemes().len() + 1).ln() / 2.0_f64.ln());
    }
    if normalization & BY_ITSELF != 0 {
        rank /= rank + 1.0;
    }
    rank
}

fn weight_of(weights: &[f32; 4], weight: Weight) -> f32 {
    weights.get(weight.index()).copied().unwrap_or_default()
}

/// How much two words count that stand so far from each other.
fn nearness(distance: u32) -> f32 {
    if distance > 100 {
        return 1e-30;
    }
    single(1.0 / (1.005 + 0.05 * (f64::from(distance) / 1.5 - 2.0).exp()))
}

fn rank_and(weights: &[f32; 4], vector: &Vector, root: &Node) -> f32 {
    let words = words(root);
    if words.len() < 2 {
        return rank_or(weights, vector, root);
    }
    // A lexeme without positions is taken to stand at the end.
    let nowhere = [Position { place: u16::try_from(LIMIT_POSITION).unwrap_or(u16::MAX), weight: Weight::D }];
    let mut rank: f32 = -1.0;
    let mut seen: Vec<Option<(&[Position], bool)>> = vec![None; words.len()];
    for (index, word) in words.iter().enumerate() {
        for lexeme in lexemes(vector, word) {
            let (positions, is_nowhere) = match lexeme.positions.as_slice() {
                [] => (&nowhere[..], true),
                positions => (positions, false),
            };
            if let Some(seen) = seen.get_mut(index) {
                *seen = Some((positions, is_nowhere));
            }
            for (others, other_is_nowhere) in seen.iter().take(index).flatten() {
                for here in positions {
                    for there in *others {
                        let distance = u32::from(here.place.abs_diff(there.place));
                        if distance == 0 && !is_nowhere && !other_is_nowhere {
                            continue;
                        }
                        let distance = if distance == 0 { LIMIT_POSITION + 1 } else { distance };
                        let weight = weight_of(weights, here.weight)
                            * weight_of(weights, there.weight)
                            * nearness(distance);
                        let current = single(f64::from(weight).sqrt());
                        rank = if rank < 0.0 {
                            current
                        } else {
                            single(1.0 - (1.0 - f64::from(rank)) * (1.0 - f64::from(current)))
                        };
                    }
                }
            }
        }
    }
    rank
}

fn rank_or(weights: &[f32; 4], vector: &Vector, root: &Node) -> f32 {
    /// The sum of 1/n²
    const SUM: f64 = 1.644_934_066_85;
    let nowhere = [Position { place: 0, weight: Weight::D }];
    let words = words(root);
    let mut rank: f32 = 0.0;
    for word in &words {
        for lexeme in lexemes(vector, word) {
            let positions = match lexeme.positions.as_slice() {
                [] => &nowhere[..],
                positions => positions,
            };
            let mut sum: f32 = 0.0;
            let mut best: f32 = -1.0;
            let mut best_square: f32 = 1.0;
            for (index, position) in positions.iter().enumerate() {
                let weight = weight_of(weights, position.weight);
                let place = single(number(index + 1));
                let square = place * place;
                sum += weight / square;
                if weight > best {
                    best = weight;
                    best_square = square;
                }
            }
            let share = best + sum - best / best_square;
            rank = single(f64::from(rank) + f64::from(share) / SUM);
        }
    }
    if words.is_empty() { rank } else { rank / single(number(words.len())) }
}

/// A place of a text where words of the query stand.
struct Place<'q> {
    position: Position,
    lexeme: usize,
    operands: Vec<&'q Operand>,
}

/// What has been passed on the way through the places.
#[derive(Default)]
struct Passed<'q> {
    operands: Vec<(&'q Operand, Vec<u32>)>,
}

impl<'q> Passed<'q> {
    fn pass(&mut self, place: &Place<'q>, backwards: bool) {
        let at = u32::from(place.position.place);
        for operand in &place.operands {
            let index = match self.operands.iter().position(|(known, _)| known == operand) {
                Some(index) => index,
                None => {
                    self.operands.push((operand, Vec::new()));
                    self.operands.len() - 1
                }
            };
            let Some((_, places)) = self.operands.get_mut(index) else { continue };
            let newest = if backwards { places.first() } else { places.last() };
            if newest != Some(&at) {
                let index = if backwards { 0 } else { places.len() };
                places.insert(index, at);
            }
        }
    }
}

impl Look for Passed<'_> {
    fn has(&self, operand: &Operand) -> Answer {
        match self.operands.iter().any(|(known, _)| *known == operand) {
            true => Answer::Yes,
            false => Answer::No,
        }
    }

    fn places(&self, operand: &Operand) -> (Answer, Vec<u32>) {
        match self.operands.iter().find(|(known, _)| *known == operand) {
            Some((_, places)) => (Answer::Yes, places.clone()),
            None => (Answer::No, Vec::new()),
        }
    }
}

/// A stretch of text in which the whole query is found.
#[derive(Clone, Copy)]
struct Cover {
    begin: usize,
    end: usize,
    from: u32,
    to: u32,
}

/// `ts_rank_cd(weights, vector, query, normalization)`.
pub fn rank_by_covers(weights: &[f32; 4], vector: &Vector, query: &Query, normalization: i64) -> f32 {
    let Some(root) = query.root() else { return 0.0 };
    let places = places(vector, root);
    if places.is_empty() {
        return 0.0;
    }
    let inverse = |weight: Weight| 1.0 / f64::from(weight_of(weights, weight));
    let (mut rank, mut distances, mut before, mut covers) = (0.0_f64, 0.0_f64, 0.0_f64, 0_usize);
    let mut start = 0;
    while let Some((cover, next)) = next_cover(&places, root, start) {
        start = next;
        let inside = places.get(cover.begin..=cover.end).unwrap_or_default();
        let sum: f64 = inside.iter().map(|place| inverse(place.position.weight)).sum();
        let steps = cover.end - cover.begin;
        let density = number(steps + 1) / sum;
        // What lies between the words. Where positions have come to their limit, it is estimated.
        let span = usize::try_from(cover.to - cover.from).unwrap_or(usize::MAX);
        let noise = span.checked_sub(steps).unwrap_or(steps / 2);
        rank += density / number(1 + noise);
        let middle = f64::from(cover.to + cover.from) / 2.0;
        if covers > 0 && middle > before {
            distances += 1.0 / (middle - before);
        }
        before = middle;
        covers += 1;
    }
    if normalization & BY_LOG_LENGTH != 0 {
        rank /= number(vector.length() + 1).ln();
    }
    if normalization & BY_LENGTH != 0 && vector.length() > 0 {
        rank /= number(vector.length());
    }
    if normalization & BY_DISTANCE != 0 && covers > 0 && distances > 0.0 {
        rank /= number(covers) / distances;
    }
    if normalization & BY_WORDS != 0 {
        rank /= number(vector.lexemes().len());
    }
    if normalization & BY_LOG_WORDS != 0 {
        rank /= number(vector.lexemes().len() + 1).ln() / 2.0_f64.ln();
    }
    if normalization & BY_ITSELF != 0 {
        rank /= rank + 1.0;
    }
    single(rank)
}

/// The places of a query's words, in the text's order.
fn places<'q>(vector: &Vector, root: &'q Node) -> Vec<Place<'q>> {
    let mut all = Vec::new();
    operands(root, &mut all);
    let mut different: Vec<&Operand> = Vec::new();
    for operand in all {
        if !different.contains(&operand) {
            different.push(operand);
        }
    }
    let mut places: Vec<Place<'q>> = Vec::new();
    for operand in different {
        let matching = vector.lexemes().iter().enumerate().filter(|(_, lexeme)| match operand.prefix {
            true => lexeme.text.starts_with(&operand.text),
            false => lexeme.text == operand.text,
        });
        for (index, lexeme) in matching {
            for position in &lexeme.positions {
                if operand.weights == 0 || operand.weights & (1 << position.weight.index()) != 0 {
                    places.push(Place { position: *position, lexeme: index, operands: vec![operand] });
                }
            }
        }
    }
    places.sort_by_key(|place| (place.position.place, place.position.weight, place.lexeme));
    places.dedup_by(|later, kept| {
        let same = later.position == kept.position && later.lexeme == kept.lexeme;
        if same {
            kept.operands.append(&mut later.operands);
        }
        same
    });
    places
}

/// The next stretch from a place on: first where it ends, then, backwards from there, where it begins.
fn next_cover(places: &[Place<'_>], root: &Node, mut start: usize) -> Option<(Cover, usize)> {
    loop {
        let mut passed = Passed::default();
        let mut end = None;
        for (index, place) in places.iter().enumerate().skip(start) {
            passed.pass(place, false);
            if execute(root, &passed) != Answer::No {
                end = Some((index, u32::from(place.position.place)));
                break;
            }
        }
        let (end, to) = end.filter(|(_, to)| *to > 0)?;
        let mut passed = Passed::default();
        let mut begin = None;
        for (index, place) in places.iter().enumerate().take(end + 1).skip(start).rev() {
            passed.pass(place, true);
            if execute(root, &passed) != Answer::No {
                begin = Some((index, u32::from(place.position.place)));
                break;
            }
        }
        match begin {
            Some((begin, from)) if from <= to => return Some((Cover { begin, end, from, to }, begin + 1)),
            _ => start += 1,
        }
    }
}
