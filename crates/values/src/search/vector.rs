//! `tsvector`: lexemes with their positions and weights; its text form, and what is computed from it. Kept as PostgreSQL prints it:
//! `'fat':2A,4 'rat':5`.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use super::config::{Config, Found};
use super::scan::{Scanner, Word};
use crate::json::Json;
use crate::{Result, ValueError};

/// The longest lexeme, in bytes.
pub(super) const LONGEST_LEXEME: usize = 2046;
/// The largest position; what comes after has this one.
pub(super) const LIMIT_POSITION: u32 = 16_383;
/// The most bytes that lexemes and positions may take.
pub(super) const LIMIT_BYTES: usize = (1 << 20) - 1;
/// The most positions that one lexeme of a text keeps.
const MOST_POSITIONS: usize = 255;

/// How much a position counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "PostgreSQL's names")]
pub enum Weight {
    D,
    C,
    B,
    A,
}

/// A position in a text, with its weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// From 1 to 16383
    pub place: u16,
    /// Its weight
    pub weight: Weight,
}

/// A lexeme of a vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lexeme {
    /// The word
    pub text: String,
    /// Where it stands, ascending; empty in a vector without positions
    pub positions: Vec<Position>,
}

/// The lexemes of a text, ascending by their bytes, each once.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Vector {
    lexemes: Vec<Lexeme>,
}

/// 54000
pub(super) fn too_long(bytes: usize) -> ValueError {
    ValueError::new(
        "54000",
        format!("string is too long for tsvector ({bytes} bytes, max {LIMIT_BYTES} bytes)"),
    )
}

impl Weight {
    /// Reads a letter of either case.
    pub fn parse(letter: char) -> Option<Weight> {
        match letter.to_ascii_uppercase() {
            'A' => Some(Weight::A),
            'B' => Some(Weight::B),
            'C' => Some(Weight::C),
            'D' => Some(Weight::D),
            _ => None,
        }
    }

    /// From 0 for D to 3 for A.
    pub fn index(self) -> usize {
        self as usize
    }

    /// The letter.
    pub fn letter(self) -> char {
        match self {
            Weight::A => 'A',
            Weight::B => 'B',
            Weight::C => 'C',
            Weight::D => 'D',
        }
    }
}

impl Vector {
    /// The lexemes, ascending.
    pub fn lexemes(&self) -> &[Lexeme] {
        &self.lexemes
    }

    /// Whether there is no lexeme.
    pub fn is_empty(&self) -> bool {
        self.lexemes.is_empty()
    }

    /// Reads a vector's text form. Errors: 42601 (syntax), 54000 (too long).
    pub fn parse(text: &str) -> Result<Vector> {
        let mut scanner = Scanner::vector(text);
        let mut words: Vec<Word> = Vec::new();
        let mut bytes = 0;
        while let Some(word) = scanner.word()? {
            if word.text.len() > LONGEST_LEXEME {
                return Err(ValueError::new(
                    "54000",
                    format!("word is too long ({} bytes, max {LONGEST_LEXEME} bytes)", word.text.len()),
                ));
            }
            bytes += word.text.len();
            if bytes > LIMIT_BYTES {
                return Err(too_long(bytes));
            }
            words.push(word);
        }
        let mut lexemes: BTreeMap<String, Vec<Position>> = BTreeMap::new();
        for word in words {
            lexemes.entry(word.text).or_default().extend(word.positions);
        }
        let lexemes =
            lexemes.into_iter().map(|(text, positions)| Lexeme { text, positions: unique(positions) });
        Vector { lexemes: lexemes.collect() }.checked()
    }

    /// The vector of a text. Errors: 54000 when it has more lexemes than a vector holds.
    pub fn of_text(config: Config, text: &str) -> Result<Vector> {
        let mut found = Vec::new();
        config.lexemes(text, 0, &mut found);
        Vector::of_found(found)
    }

    /// The vector of the strings in JSON text; keys do not count. Between two strings lies an empty place.
    pub fn of_json(config: Config, text: &str) -> Result<Vector> {
        let mut found = Vec::new();
        let mut position = 0;
        each_string(&Json::parse_json(text)?, &mut |string| {
            let before = found.len();
            position = config.lexemes(string, position, &mut found);
            if found.len() > before {
                position += 1;
            }
        });
        Vector::of_found(found)
    }

    fn of_found(found: Vec<Found>) -> Result<Vector> {
        let mut lexemes: BTreeMap<String, Vec<Position>> = BTreeMap::new();
        for Found { lexeme, position } in found {
            let place = u16::try_from(position).unwrap_or(u16::MAX);
            let positions = lexemes.entry(lexeme).or_default();
            if positions.len() < MOST_POSITIONS && positions.last().is_none_or(|last| last.place != place) {
                positions.push(Position { place, weight: Weight::D });
            }
        }
        let lexemes = lexemes.into_iter().map(|(text, positions)| Lexeme { text, positions });
        Vector { lexemes: lexemes.collect() }.checked()
    }

    /// The vector without positions of some words (`array_to_tsvector`).
    pub fn of_words(words: impl IntoIterator<Item = String>) -> Result<Vector> {
        let mut words: Vec<String> = words.into_iter().collect();
        words.sort_unstable();
        words.dedup();
        let lexemes = words.into_iter().map(|text| Lexeme { text, positions: Vec::new() });
        Vector { lexemes: lexemes.collect() }.checked()
    }

    fn checked(self) -> Result<Vector> {
        let bytes = self.bytes();
        if bytes > LIMIT_BYTES { Err(too_long(bytes)) } else { Ok(self) }
    }

    /// The bytes that PostgreSQL keeps lexemes and positions in.
    fn bytes(&self) -> usize {
        self.lexemes.iter().fold(0, |bytes, lexeme| match lexeme.positions.len() {
            0 => bytes + lexeme.text.len(),
            positions => (bytes + lexeme.text.len()).next_multiple_of(2) + 2 + 2 * positions,
        })
    }

    /// The lexeme that is this word.
    pub(super) fn find(&self, word: &str) -> Option<&Lexeme> {
        let index = self.lexemes.binary_search_by(|lexeme| lexeme.text.as_str().cmp(word)).ok()?;
        self.lexemes.get(index)
    }

    /// The lexemes that begin so.
    pub(super) fn starting(&self, prefix: &str) -> &[Lexeme] {
        let start = self.lexemes.partition_point(|lexeme| lexeme.text.as_str() < prefix);
        let rest = self.lexemes.get(start..).unwrap_or_default();
        rest.get(..rest.partition_point(|lexeme| lexeme.text.starts_with(prefix))).unwrap_or_default()
    }

    /// The number of positions; a lexeme without any counts as one.
    pub(super) fn length(&self) -> usize {
        self.lexemes.iter().map(|lexeme| lexeme.positions.len().max(1)).sum()
    }

    /// Without positions (`strip`).
    pub fn strip(mut self) -> Vector {
        self.lexemes.iter_mut().for_each(|lexeme| lexeme.positions.clear());
        self
    }

    /// With another weight at every position, of all lexemes or of these words (`setweight`).
    pub fn set_weight(mut self, weight: Weight, words: Option<&[String]>) -> Vector {
        for lexeme in &mut self.lexemes {
            if words.is_none_or(|words| words.contains(&lexeme.text)) {
                lexeme.positions.iter_mut().for_each(|position| position.weight = weight);
            }
        }
        self
    }

    /// Only the positions of these weights, and the lexemes that have one (`ts_filter`).
    pub fn filter(mut self, weights: &[Weight]) -> Vector {
        for lexeme in &mut self.lexemes {
            lexeme.positions.retain(|position| weights.contains(&position.weight));
        }
        self.lexemes.retain(|lexeme| !lexeme.positions.is_empty());
        self
    }

    /// Without these words (`ts_delete`).
    pub fn delete(mut self, words: &[String]) -> Vector {
        self.lexemes.retain(|lexeme| !words.contains(&lexeme.text));
        self
    }

    /// The vector of a text followed by another one (`||`). Errors: 54000 when it is more than a vector holds.
    pub fn followed_by(self, other: Vector) -> Result<Vector> {
        let places = self.lexemes.iter().filter_map(|lexeme| lexeme.positions.last());
        let offset = places.map(|position| position.place).max().unwrap_or(0);
        let shift = |positions: Vec<Position>, onto: &mut Vec<Position>| {
            for position in positions {
                // A list that has come to the last place or is full ends.
                let ends = onto.last().is_some_and(|last| u32::from(last.place) == LIMIT_POSITION);
                if ends || onto.len() > MOST_POSITIONS {
                    break;
                }
                let place = u32::from(position.place) + u32::from(offset);
                let place = u16::try_from(place.min(LIMIT_POSITION)).unwrap_or(u16::MAX);
                onto.push(Position { place, ..position });
            }
        };
        let mut lexemes = Vec::with_capacity(self.lexemes.len() + other.lexemes.len());
        let (mut left, mut right) =
            (self.lexemes.into_iter().peekable(), other.lexemes.into_iter().peekable());
        loop {
            let order = match (left.peek(), right.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(a), Some(b)) => a.text.cmp(&b.text),
            };
            let mut lexeme = match order {
                Ordering::Less | Ordering::Equal => left.next(),
                Ordering::Greater => None,
            };
            if order.is_ge()
                && let Some(Lexeme { text, positions }) = right.next()
            {
                let lexeme = lexeme.get_or_insert(Lexeme { text, positions: Vec::new() });
                shift(positions, &mut lexeme.positions);
            }
            lexemes.extend(lexeme);
        }
        Vector { lexemes }.checked()
    }

    /// PostgreSQL's order of vectors: by size before anything else.
    pub fn compare(&self, other: &Vector) -> Ordering {
        let size = |vector: &Vector| vector.bytes() + 4 * vector.lexemes.len();
        let by_size = size(self).cmp(&size(other)).then(self.lexemes.len().cmp(&other.lexemes.len()));
        let pairs = self.lexemes.iter().zip(&other.lexemes);
        pairs.fold(by_size, |order, (a, b)| order.then_with(|| compare_lexemes(a, b)))
    }
}

/// One with positions comes before one without, one with more before one with fewer, later positions before earlier ones.
fn compare_lexemes(a: &Lexeme, b: &Lexeme) -> Ordering {
    let has = |lexeme: &Lexeme| !lexeme.positions.is_empty();
    let heads = has(b).cmp(&has(a)).then_with(|| a.text.cmp(&b.text));
    let heads = heads.then_with(|| b.positions.len().cmp(&a.positions.len()));
    a.positions.iter().zip(&b.positions).fold(heads, |order, (a, b)| {
        order.then_with(|| b.place.cmp(&a.place)).then_with(|| b.weight.cmp(&a.weight))
    })
}

/// Shows the strings that JSON holds, in its order.
fn each_string(json: &Json, show: &mut dyn FnMut(&str)) {
    match json {
        Json::String(text) => show(text),
        Json::Array(elements) => elements.iter().for_each(|element| each_string(element, show)),
        Json::Object(members) => members.iter().for_each(|(_, value)| each_string(value, show)),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

/// Positions in their order, each once with the greater weight; what is too many goes.
fn unique(mut positions: Vec<Position>) -> Vec<Position> {
    positions.sort_by_key(|position| position.place);
    let mut unique: Vec<Position> = Vec::with_capacity(positions.len());
    for position in positions {
        // The one beyond the limit is still kept, but nothing is merged into it.
        if unique.len() > MOST_POSITIONS {
            break;
        }
        match unique.last_mut() {
            Some(last) if last.place == position.place => last.weight = last.weight.max(position.weight),
            _ => unique.push(position),
        }
    }
    unique
}

/// Writes a word in quotes, with quotes and backslashes doubled.
pub(super) fn write_quoted(word: &str, out: &mut impl fmt::Write) -> fmt::Result {
    out.write_char('\'')?;
    for c in word.chars() {
        if matches!(c, '\'' | '\\') {
            out.write_char(c)?;
        }
        out.write_char(c)?;
    }
    out.write_char('\'')
}

/// PostgreSQL's text form.
impl fmt::Display for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, lexeme) in self.lexemes.iter().enumerate() {
            if index > 0 {
                f.write_char(' ')?;
            }
            write_quoted(&lexeme.text, f)?;
            for (index, position) in lexeme.positions.iter().enumerate() {
                f.write_char(if index == 0 { ':' } else { ',' })?;
                write!(f, "{}", position.place)?;
                if position.weight != Weight::D {
                    f.write_char(position.weight.letter())?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_as_postgresql_does() {
        // Sorted by PostgreSQL 15.
        let sorted =
            ["", "'a'", "'b'", "'a':2", "'a':1A", "'a':1", "'b':1", "'a' 'b'", "'a':1,2", "'abcdefgh'"];
        let mut vectors: Vec<Vector> =
            sorted.iter().rev().filter_map(|text| Vector::parse(text).ok()).collect();
        vectors.sort_by(Vector::compare);
        let found: Vec<String> = vectors.iter().map(Vector::to_string).collect();
        assert_eq!(found, sorted);
    }

    proptest::proptest! {
        #[test]
        fn never_panics_and_reads_what_it_writes(text in "[ab:,1A'\\\\ \\-./@_<>&;\\PC]{0,40}") {
            for vector in [Vector::parse(&text), Vector::of_text(Config::English, &text)].into_iter().flatten() {
                let written = vector.to_string();
                proptest::prop_assert_eq!(Vector::parse(&written).map(|vector| vector.to_string()), Ok(written));
            }
        }
    }
}
