//! A position in the text of one parameter, and the errors that name it.

use crate::error::ApiError;

/// Nesting of select items and logic trees that the parser follows; planning has its own, configurable limits below this.
pub(crate) const MAX_NESTING: usize = 64;

/// Walks over the characters of one parameter's value.
pub(crate) struct Cursor<'a> {
    /// What is parsed, for the message: `select parameter`
    what: &'static str,
    text: &'a str,
    /// Offset in bytes; always on a character boundary
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(what: &'static str, text: &'a str) -> Cursor<'a> {
        Cursor { what, text, at: 0 }
    }

    pub(crate) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(crate) fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    pub(crate) fn at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    /// Takes the literal when it comes next.
    pub(crate) fn eat(&mut self, literal: &str) -> bool {
        let found = self.rest().starts_with(literal);
        if found {
            self.at += literal.len();
        }
        found
    }

    /// Takes the literal or fails.
    pub(crate) fn expect(&mut self, literal: &str) -> Result<(), ApiError> {
        if self.eat(literal) { Ok(()) } else { Err(self.unexpected(&format!("{literal:?}"))) }
    }

    /// Takes characters while they satisfy the condition.
    pub(crate) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or("")
    }

    pub(crate) fn skip_blanks(&mut self) {
        self.take_while(|c| c == ' ');
    }

    /// Passes over closing parentheses at the very end that close nothing: PostgREST does not mind them.
    pub(crate) fn skip_surplus_parentheses(&mut self) {
        if self.rest().bytes().all(|b| b == b')') {
            self.at = self.text.len();
        }
    }

    /// Where it is, to come back to.
    pub(crate) fn mark(&self) -> usize {
        self.at
    }

    pub(crate) fn reset(&mut self, mark: usize) {
        self.at = mark;
    }

    /// The error for what comes next.
    pub(crate) fn unexpected(&self, expecting: &str) -> ApiError {
        let found = match self.peek() {
            Some(c) => format!("unexpected {:?}", c.to_string()),
            None => "unexpected end of input".to_owned(),
        };
        self.error(format!("{found} expecting {expecting}"))
    }

    /// An error at this place.
    pub(crate) fn error(&self, details: String) -> ApiError {
        let characters = self.text.get(..self.at).map_or(0, |before| before.chars().count());
        ApiError::syntax(self.what, self.text, characters, details)
    }

    /// A text in double quotes with backslash escapes; the opening quote comes next.
    pub(crate) fn quoted(&mut self) -> Result<String, ApiError> {
        self.expect("\"")?;
        let mut text = String::new();
        loop {
            match self.next() {
                Some('"') => return Ok(text),
                Some('\\') => match self.next() {
                    Some(c) => text.push(c),
                    None => return Err(self.unexpected("any character")),
                },
                Some(c) => text.push(c),
                None => return Err(self.unexpected("'\"'")),
            }
        }
    }
}
