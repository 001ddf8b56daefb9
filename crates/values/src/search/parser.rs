//! PostgreSQL's default text search parser: text to tokens of its 23 kinds. The rules are data, in `rules`; here is the machine
//! that follows them. What a token becomes is `config`'s business.

mod class;
mod rules;

use std::collections::HashSet;

use class::Class;
use rules::{Action, State, rules};

/// The kinds of tokens (`ts_token_type('default')`), by PostgreSQL's aliases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "PostgreSQL's names")]
pub enum Kind {
    AsciiWord,
    Word,
    NumWord,
    Email,
    Url,
    Host,
    Sfloat,
    Version,
    HwordNumpart,
    HwordPart,
    HwordAsciipart,
    Blank,
    Tag,
    Protocol,
    Numhword,
    Asciihword,
    Hword,
    UrlPath,
    File,
    Float,
    Int,
    Uint,
    Entity,
}

/// A piece of the text. Compound words and addresses are followed by their parts, so tokens may overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'t> {
    /// What it is
    pub kind: Kind,
    /// The text, as it stands there
    pub text: &'t str,
}

/// A failed attempt that went further than this is remembered: without that, one text could be walked through from each of its words.
const REMEMBERED_BYTES: usize = 256;

/// How deep parsers may look ahead inside of each other: only a string of addresses in addresses goes beyond one.
const MOST_INNER: u8 = 8;

/// Where the machine stands.
#[derive(Clone, Copy)]
struct Place {
    state: State,
    /// The next byte
    at: usize,
    /// The rule to go on with, when an attempt has failed
    rule: usize,
}

/// The parser: an iterator over the tokens of a text.
pub struct Parser<'t> {
    text: &'t str,
    place: Place,
    /// Where the token begins
    start: usize,
    /// The places to come back to when an attempt fails
    attempts: Vec<Place>,
    /// Attempts that have failed after a long way, by state and place
    failed: HashSet<(State, usize)>,
    /// No comment ends any more
    unclosed: bool,
    /// Characters looked at
    #[cfg(test)]
    steps: usize,
    /// The furthest byte that an attempt has looked at
    furthest: usize,
    /// Inside `<script>` or `<style>`
    ignored: bool,
    /// Only the host of an address is wanted
    wants_host: bool,
    /// How many parsers this one is inside of
    depth: u8,
}

impl<'t> Parser<'t> {
    /// A parser at the beginning of a text.
    pub fn new(text: &'t str) -> Parser<'t> {
        Parser {
            text,
            place: Place { state: State::Base, at: 0, rule: 0 },
            start: 0,
            attempts: Vec::new(),
            failed: HashSet::new(),
            unclosed: false,
            #[cfg(test)]
            steps: 0,
            furthest: 0,
            ignored: false,
            wants_host: false,
            depth: 0,
        }
    }

    fn character(&self) -> Option<char> {
        self.text.get(self.place.at..)?.chars().next()
    }

    /// Whether the rule's condition holds here. Hosts and paths inside of addresses are parsed at once: then the place moves on.
    fn holds(&mut self, class: Class, character: Option<char>) -> bool {
        match class {
            Class::Ignored => self.ignored,
            Class::HostStops => std::mem::take(&mut self.wants_host),
            Class::Host => self.inner(State::Base, true, Kind::Host),
            Class::UrlPath => self.inner(State::UrlPathFirst, false, Kind::UrlPath),
            class => class.matches(character),
        }
    }

    fn inner(&mut self, state: State, wants_host: bool, wanted: Kind) -> bool {
        if self.depth >= MOST_INNER {
            return false;
        }
        let mut inner = Parser { wants_host, depth: self.depth + 1, ..Parser::new(self.text) };
        inner.place.at = self.place.at;
        inner.place.state = state;
        inner.furthest = self.furthest;
        let found = inner.next();
        self.furthest = self.furthest.max(inner.furthest);
        match found {
            Some(token) if token.kind == wanted => {
                self.place.at = inner.place.at;
                true
            }
            _ => false,
        }
    }

    /// Comes back from a failed attempt.
    fn fail(&mut self) {
        if let Some(before) = self.attempts.pop() {
            if self.furthest.saturating_sub(before.at) > REMEMBERED_BYTES
                && let Some(rule) = rules(before.state).get(before.rule.saturating_sub(1))
                && let Action::Try(state) = rule.action
            {
                self.failed.insert((state, before.at));
            }
            self.place = before;
        } else {
            // Only states that were tried can fail.
            self.place.state = State::Blank;
        }
    }

    /// Beginning and end of scripts and styles, whose text is passed over.
    fn notice_script(&mut self) {
        let so_far = self.text.get(self.start..self.place.at).unwrap_or_default();
        let is = |tag: &str| so_far.eq_ignore_ascii_case(tag);
        if is("</script") || is("</style") {
            self.ignored = false;
        } else if is("<script") || is("<style") {
            self.ignored = true;
        }
    }
}

impl<'t> Iterator for Parser<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        if self.place.at >= self.text.len() {
            return None;
        }
        self.attempts.clear();
        self.start = self.place.at;
        self.place.rule = 0;
        loop {
            let character = self.character();
            self.furthest = self.furthest.max(self.place.at);
            #[cfg(test)]
            {
                self.steps += 1;
            }
            let state = self.place.state;
            let table = rules(state);
            let mut index = std::mem::take(&mut self.place.rule);
            let rule = loop {
                // Every table ends with a rule for everything.
                let rule = table.get(index)?;
                if self.holds(rule.class, character) {
                    let tried = match rule.action {
                        Action::Try(to) => {
                            !self.failed.is_empty() && self.failed.contains(&(to, self.place.at))
                        }
                        _ => false,
                    };
                    if !tried {
                        break rule;
                    }
                }
                index += 1;
            };
            // What a host or path was parsed up to.
            let character = if matches!(rule.class, Class::Host | Class::UrlPath) { None } else { character };
            if rule.notices_script {
                self.notice_script();
            }
            match rule.action {
                // Nothing comes any more: what was begun is no token.
                Action::Go(_) if character.is_none() => return None,
                Action::Go(State::Comment) if self.unclosed => {
                    self.fail();
                    continue;
                }
                Action::Go(to) => self.place.state = to,
                Action::Again(to) => {
                    self.place.state = to;
                    continue;
                }
                Action::Try(to) => {
                    self.attempts.push(Place { rule: index + 1, ..self.place });
                    self.place.state = to;
                }
                Action::Settle(to) => {
                    self.attempts.pop();
                    self.place.state = to;
                }
                Action::Return => {
                    if let Some(before) = self.attempts.pop() {
                        // As after a failed attempt, the rules before are passed over once.
                        self.place.state = before.state;
                        self.place.rule = before.rule;
                    }
                }
                Action::Fail => {
                    let in_comment =
                        matches!(state, State::Comment | State::CommentCloseFirst | State::CommentCloseLast);
                    self.unclosed |= in_comment && character.is_none();
                    self.fail();
                    continue;
                }
                Action::FailBoth => {
                    self.attempts.pop();
                    self.fail();
                    continue;
                }
                Action::Found(kind, then) => {
                    let text = self.text.get(self.start..self.place.at).unwrap_or_default();
                    self.place.state = then;
                    match kind {
                        // Their parts come next.
                        Kind::Asciihword | Kind::Hword | Kind::Numhword => self.place.at = self.start,
                        Kind::Url => {
                            self.place.at = self.start;
                            self.wants_host = true;
                        }
                        _ => {}
                    }
                    return Some(Token { kind, text });
                }
            }
            self.place.at += character.map_or(0, char::len_utf8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts that would be walked through from each of their words, if failed attempts were forgotten.
    #[test]
    fn the_work_grows_with_the_text_and_no_faster() {
        for piece in [
            "1_", "a-1_", "a.", "1@", "a-", "/a", "a1_", "<a ", "<!--", "&a", "a:/", "~/", "1e", "a@a.",
            "1.", "_-",
        ] {
            let text = piece.repeat(20_000 / piece.len());
            let mut parser = Parser::new(&text);
            assert!(parser.by_ref().count() > 0);
            assert!(parser.steps < text.len() * 400, "{piece}: {}", parser.steps);
        }
    }

    proptest::proptest! {
        #[test]
        fn covers_the_text(text in "[a1._\\-/@:<>&; é'\\\\+e~?=\\n]{0,60}") {
            for token in Parser::new(&text) {
                proptest::prop_assert!(!token.text.is_empty() && text.contains(token.text));
            }
        }
    }
}
