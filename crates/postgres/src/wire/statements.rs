//! The statements that a connection has prepared: as many as the limit, the longest unused goes first.

use std::collections::HashMap;

use bytes::BytesMut;
use postgres_protocol::message::frontend;

use super::WireError;

/// The prepared statements of one connection.
#[derive(Debug)]
pub(super) struct Statements {
    limit: usize,
    by_text: HashMap<Box<str>, Prepared>,
    /// Texts sent to be prepared whose answer has not come, in order
    unanswered: Vec<Box<str>>,
    clock: u64,
    next: u64,
}

#[derive(Debug)]
struct Prepared {
    name: String,
    used: u64,
}

/// What a statement is called.
pub(super) struct Named {
    pub(super) name: String,
    /// Whether the server has it already
    pub(super) known: bool,
}

impl Statements {
    /// `limit` 0: nothing is kept.
    pub(super) fn new(limit: usize) -> Statements {
        Statements { limit, by_text: HashMap::new(), unanswered: Vec::new(), clock: 0, next: 0 }
    }

    /// The name of a statement; a new one takes the place of the longest unused, whose end is written to `output`. `None`: it is
    /// not to be kept.
    pub(super) fn name(&mut self, text: &str, output: &mut BytesMut) -> Result<Option<Named>, WireError> {
        if self.limit == 0 {
            return Ok(None);
        }
        self.clock += 1;
        if let Some(prepared) = self.by_text.get_mut(text) {
            prepared.used = self.clock;
            return Ok(Some(Named { name: prepared.name.clone(), known: true }));
        }
        if self.by_text.len() >= self.limit {
            let oldest = self.by_text.iter().min_by_key(|(_, prepared)| prepared.used);
            if let Some(text) = oldest.map(|(text, _)| text.clone())
                && let Some(prepared) = self.by_text.remove(&text)
            {
                frontend::close(b'S', &prepared.name, output)?;
            }
        }
        self.next += 1;
        let name = format!("s{}", self.next);
        self.by_text.insert(text.into(), Prepared { name: name.clone(), used: self.clock });
        self.unanswered.push(text.into());
        Ok(Some(Named { name, known: false }))
    }

    /// The oldest unanswered statement is prepared.
    pub(super) fn answered(&mut self) {
        if !self.unanswered.is_empty() {
            self.unanswered.remove(0);
        }
    }

    /// An error came: what was not answered before it was never prepared, and one that was may not fit any more.
    pub(super) fn forget_unanswered(&mut self) {
        for text in self.unanswered.drain(..) {
            self.by_text.remove(&text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_unused_goes() {
        let mut statements = Statements::new(2);
        let mut output = BytesMut::new();
        let mut name = |text: &str| statements.name(text, &mut output).unwrap().unwrap();
        assert!(!name("a").known);
        assert!(!name("b").known);
        assert!(name("a").known);
        assert!(!name("c").known);
        assert!(name("a").known);
        assert!(!name("b").known, "b was the longest unused");
        assert_eq!(output.iter().filter(|byte| **byte == b'C').count(), 2, "two were closed");
    }

    #[test]
    fn an_error_forgets_what_was_not_answered() {
        let mut statements = Statements::new(8);
        let mut output = BytesMut::new();
        statements.name("a", &mut output).unwrap();
        statements.name("b", &mut output).unwrap();
        statements.answered();
        statements.forget_unanswered();
        assert!(statements.name("a", &mut output).unwrap().unwrap().known);
        assert!(!statements.name("b", &mut output).unwrap().unwrap().known);
    }
}
