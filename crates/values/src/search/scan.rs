//! Reading words as `tsvector` and `tsquery` write them: bare or quoted, with escapes, and the positions of a vector's.

use super::vector::{LIMIT_POSITION, Position, Weight};
use crate::{Result, ValueError};

/// What the words are read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Vector,
    Query,
    /// `websearch_to_tsquery`: nothing is special but quotation marks
    Web,
}

/// A word with its positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) positions: Vec<Position>,
}

/// Goes through a text character by character.
pub(super) struct Scanner<'t> {
    text: &'t str,
    at: usize,
    purpose: Purpose,
}

/// White space, as PostgreSQL's `t_isspace` knows it.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() && !matches!(c, '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{85}')
}

/// What ends a bare word of a query.
pub(super) fn is_operator(c: char) -> bool {
    matches!(c, '!' | '&' | '|' | '(' | ')' | '<')
}

impl<'t> Scanner<'t> {
    /// Over a vector's text form.
    pub(super) fn vector(text: &'t str) -> Scanner<'t> {
        Scanner { text, at: 0, purpose: Purpose::Vector }
    }

    /// Over a query's text form.
    pub(super) fn query(text: &'t str) -> Scanner<'t> {
        Scanner { text, at: 0, purpose: Purpose::Query }
    }

    /// Over what people type.
    pub(super) fn web(text: &'t str) -> Scanner<'t> {
        Scanner { text, at: 0, purpose: Purpose::Web }
    }

    /// The next character.
    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Moves on by some bytes.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// Moves on by a character.
    pub(super) fn advance(&mut self) {
        self.at += self.peek().map_or(0, char::len_utf8);
    }

    /// Passes over white space.
    pub(super) fn skip_space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.advance();
        }
    }

    /// 42601
    pub(super) fn syntax(&self) -> ValueError {
        let ty = if self.purpose == Purpose::Vector { "tsvector" } else { "tsquery" };
        ValueError::new("42601", format!("syntax error in {ty}: \"{}\"", self.text))
    }

    /// The next word; `None` at the end. Errors: 42601.
    pub(super) fn word(&mut self) -> Result<Option<Word>> {
        self.skip_space();
        let Some(first) = self.peek() else { return Ok(None) };
        let special = self.purpose != Purpose::Web;
        let text = if special && first == '\'' {
            self.advance();
            self.quoted()?
        } else {
            if self.purpose != Purpose::Vector && is_operator(first) {
                return Err(self.syntax());
            }
            self.bare()?
        };
        if text.is_empty() {
            return Err(self.syntax());
        }
        let mut positions = Vec::new();
        if self.purpose == Purpose::Vector && self.peek() == Some(':') {
            self.advance();
            positions = self.positions()?;
        }
        Ok(Some(Word { text, positions }))
    }

    /// The character after a backslash.
    fn escaped(&mut self) -> Result<char> {
        self.advance();
        let c = self.peek().ok_or_else(|| {
            ValueError::new("42601", format!("there is no escaped character: \"{}\"", self.text))
        })?;
        self.advance();
        Ok(c)
    }

    fn bare(&mut self) -> Result<String> {
        let mut word = String::new();
        // The first character belongs to the word whatever it is.
        let mut is_first = true;
        while let Some(c) = self.peek() {
            if c == '\\' && self.purpose != Purpose::Web {
                word.push(self.escaped()?);
                is_first = false;
                continue;
            }
            let ends = is_space(c)
                || (self.purpose != Purpose::Vector && is_operator(c))
                || (self.purpose == Purpose::Web && c == '"')
                || c == ':';
            if ends && !is_first {
                break;
            }
            word.push(c);
            self.advance();
            is_first = false;
        }
        Ok(word)
    }

    fn quoted(&mut self) -> Result<String> {
        let mut word = String::new();
        loop {
            match self.peek() {
                None => return Err(self.syntax()),
                Some('\\') => word.push(self.escaped()?),
                Some('\'') => {
                    self.advance();
                    if self.peek() != Some('\'') {
                        return Ok(word);
                    }
                    word.push('\'');
                    self.advance();
                }
                Some(c) => {
                    word.push(c);
                    self.advance();
                }
            }
        }
    }

    /// `1,2A,3b`
    fn positions(&mut self) -> Result<Vec<Position>> {
        let mut positions = Vec::new();
        loop {
            let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 {
                return Err(self.syntax());
            }
            let place = self.rest().get(..digits).unwrap_or_default();
            self.skip(digits);
            let place = place.parse::<u32>().unwrap_or(u32::MAX).min(LIMIT_POSITION);
            if place == 0 {
                return Err(ValueError::new(
                    "42601",
                    format!("wrong position info in tsvector: \"{}\"", self.text),
                ));
            }
            let mut weight = Weight::D;
            loop {
                match self.peek() {
                    Some(',') => {
                        self.advance();
                        break;
                    }
                    Some(c) if c == '*' || Weight::parse(c).is_some() => {
                        if weight != Weight::D {
                            return Err(self.syntax());
                        }
                        weight = Weight::parse(c).unwrap_or(Weight::A);
                        self.advance();
                    }
                    // Digits after a weight are passed over.
                    Some(c) if c.is_ascii_digit() => self.advance(),
                    None => {
                        positions.push(position(place, weight));
                        return Ok(positions);
                    }
                    Some(c) if is_space(c) => {
                        positions.push(position(place, weight));
                        return Ok(positions);
                    }
                    Some(_) => return Err(self.syntax()),
                }
            }
            positions.push(position(place, weight));
        }
    }
}

fn position(place: u32, weight: Weight) -> Position {
    Position { place: u16::try_from(place).unwrap_or(u16::MAX), weight }
}
