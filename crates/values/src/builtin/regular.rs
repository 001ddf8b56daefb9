//! PostgreSQL's advanced regular expressions, translated for the `regex` crate. Responsible for syntax, options, the choice
//! between longest and shortest match, and a cache of compiled patterns; what is done with matches is `pattern`'s.
//! Back references and look-around have no translation and are refused (2201B).

mod translate;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind};

use self::translate::{Translated, translate};
use super::args::invalid_parameter;
use crate::{Result, ValueError};

/// Compiled patterns kept per thread.
const CACHE_PATTERNS: usize = 64;
/// The longest pattern, in bytes.
const MAX_PATTERN_BYTES: usize = 32 << 10;
/// The largest compiled program, in bytes.
const MAX_COMPILED_BYTES: usize = 2 << 20;

/// The options of a regular expression, from a flags argument or embedded in the pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Options {
    /// `g`: every match, not the first alone
    pub global: bool,
    /// `i`
    pub ignore_case: bool,
    /// `.` and negated brackets do not match a newline (`n`, `m`, `p`)
    pub line_stop: bool,
    /// `^` and `$` match at lines (`n`, `m`, `w`)
    pub line_anchors: bool,
    /// `x`
    pub expanded: bool,
    /// `q`
    pub literal: bool,
}

impl Options {
    /// Reads a flags argument. Error: 22023.
    pub(super) fn parse(flags: &str) -> Result<Options> {
        let mut options = Options::default();
        for flag in flags.chars() {
            if flag == 'g' {
                options.global = true;
            } else if !options.set(flag) {
                return Err(invalid_parameter(format!("invalid regular expression option: \"{flag}\"")));
            }
        }
        Ok(options)
    }

    fn set(&mut self, flag: char) -> bool {
        match flag {
            'i' => self.ignore_case = true,
            'c' => self.ignore_case = false,
            'n' | 'm' => (self.line_stop, self.line_anchors) = (true, true),
            's' => (self.line_stop, self.line_anchors) = (false, false),
            'p' => (self.line_stop, self.line_anchors) = (true, false),
            'w' => (self.line_stop, self.line_anchors) = (false, true),
            'x' => self.expanded = true,
            't' => self.expanded = false,
            'q' => self.literal = true,
            'e' => self.literal = false,
            _ => return false,
        }
        true
    }
}

/// The spans, in bytes, of a match (first) and of its groups.
pub(super) type Spans = Vec<Option<(usize, usize)>>;

/// A compiled regular expression.
pub(super) struct Pattern {
    regex: regex::Regex,
    /// Finds the end of the match where "leftmost, first alternative" does not already give PostgreSQL's
    end: Option<End>,
}

struct End {
    dfa: DFA,
    cache: RefCell<Cache>,
    shortest: bool,
    /// The same expression for the whole of a text, for the groups of a match whose end is known
    whole: regex::Regex,
}

impl Pattern {
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// How many groups the pattern has.
    pub(super) fn groups(&self) -> usize {
        self.regex.captures_len() - 1
    }

    /// The leftmost match from a byte position on: the longest or shortest one there, as the pattern prefers.
    pub(super) fn find(&self, text: &str, from: usize) -> Option<Spans> {
        if from > text.len() {
            return None;
        }
        let first = spans(&self.regex.captures_at(text, from)?, 0);
        let (Some(end), Some(Some((start, stop)))) = (&self.end, first.first().copied()) else {
            return Some(first);
        };
        let input = Input::new(text).range(start..).anchored(Anchored::Yes).earliest(end.shortest);
        let found = end.dfa.try_search_fwd(&mut end.cache.borrow_mut(), &input);
        let wanted = found.ok().flatten().map_or(stop, |half| half.offset());
        if wanted == stop {
            return Some(first);
        }
        let part = text.get(start..wanted)?;
        let groups = end.whole.captures(part).map(|captures| spans(&captures, start));
        Some(groups.unwrap_or_else(|| {
            let mut only = vec![None; first.len()];
            if let Some(whole) = only.first_mut() {
                *whole = Some((start, wanted));
            }
            only
        }))
    }
}

fn spans(captures: &regex::Captures<'_>, offset: usize) -> Spans {
    captures.iter().map(|group| group.map(|m| (m.start() + offset, m.end() + offset))).collect()
}

/// Compiles a pattern, or takes it from this thread's cache. Error: 2201B.
pub(super) fn compile(pattern: &str, options: Options) -> Result<Rc<Pattern>> {
    type Entry = (String, Options, Rc<Pattern>);
    thread_local! {
        static CACHE: RefCell<VecDeque<Entry>> = const { RefCell::new(VecDeque::new()) };
    }
    let options = Options { global: false, ..options };
    let cached = CACHE.with_borrow(|cache| {
        cache
            .iter()
            .find(|(p, o, _)| p == pattern && *o == options)
            .map(|(_, _, compiled)| Rc::clone(compiled))
    });
    if let Some(compiled) = cached {
        return Ok(compiled);
    }
    let compiled = Rc::new(build(pattern, options)?);
    CACHE.with_borrow_mut(|cache| {
        if cache.len() >= CACHE_PATTERNS {
            cache.pop_back();
        }
        cache.push_front((pattern.to_owned(), options, Rc::clone(&compiled)));
    });
    Ok(compiled)
}

fn invalid(reason: &str) -> ValueError {
    ValueError::new("2201B", format!("invalid regular expression: {reason}"))
}

fn build(pattern: &str, options: Options) -> Result<Pattern> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(invalid("regular expression is too complex"));
    }
    let translated = translate(pattern, options)?;
    let compile = |source: &str| {
        regex::RegexBuilder::new(source)
            .size_limit(MAX_COMPILED_BYTES)
            .dfa_size_limit(MAX_COMPILED_BYTES)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => invalid("regular expression is too complex"),
                _ => invalid("it has no exact translation"),
            })
    };
    let regex = compile(&translated.source)?;
    let end = if translated.plain { None } else { end(&translated, &compile)? };
    Ok(Pattern { regex, end })
}

fn end(translated: &Translated, compile: &dyn Fn(&str) -> Result<regex::Regex>) -> Result<Option<End>> {
    let config = DFA::config()
        .match_kind(MatchKind::All)
        .unicode_word_boundary(true)
        .cache_capacity(MAX_COMPILED_BYTES)
        .skip_cache_capacity_check(true);
    let thompson = regex_automata::nfa::thompson::Config::new().nfa_size_limit(Some(MAX_COMPILED_BYTES));
    let built = DFA::builder()
        .configure(config)
        .thompson(thompson)
        .syntax(syntax::Config::new())
        .build(&translated.source);
    let Ok(dfa) = built else {
        return Ok(None);
    };
    let whole = compile(&format!(r"\A(?:{})\z", translated.source))?;
    let cache = RefCell::new(dfa.create_cache());
    Ok(Some(End { dfa, cache, shortest: translated.shortest, whole }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn matches_as_postgresql_does() {
        let table: &[(&str, &str, Option<&str>)] = &[
            ("foo|foobar", "foobar", Some("foobar")),
            ("(a?)(ab)?", "ab", Some("ab")),
            ("x.*?y+", "xayyy", Some("xay")),
            ("x.*y+?", "xayyy", Some("xayyy")),
            (r"\yfoo\y", "a foo b", Some("foo")),
            (r"\mfoo", "xfoo foo", Some("foo")),
            ("[[:alpha:]]+", "12äb3", Some("äb")),
            ("[]a]+", "x]a]", Some("]a]")),
            ("(?i)ABC", "xabc", Some("abc")),
            ("***=a.c", "abc a.c", Some("a.c")),
            ("a{2}", "caab", Some("aa")),
            ("a{", "a{", Some("a{")),
            ("^b", "a\nb", None),
            ("(?n)^b", "a\nb", Some("b")),
            (r"[\d-]+", "a1-2", Some("1-2")),
            ("[a&&b]+", "&&", Some("&&")),
        ];
        for (pattern, text, expected) in table {
            let compiled = compile(pattern, Options::default()).unwrap();
            let found =
                compiled.find(text, 0).and_then(|spans| spans[0]).map(|(start, end)| &text[start..end]);
            assert_eq!(found, *expected, "{pattern} in {text}");
        }
    }

    #[test]
    fn refuses_as_postgresql_does() {
        let table = [
            ("(", "parentheses () not balanced"),
            (")", "parentheses () not balanced"),
            ("[a", "brackets [] not balanced"),
            ("*", "quantifier operand invalid"),
            ("a**", "quantifier operand invalid"),
            ("a{3,2}", "invalid repetition count(s)"),
            ("a{256}", "invalid repetition count(s)"),
            ("[z-a]", "invalid character range"),
            ("[[:nope:]]", "invalid character class"),
            ("a\\", "invalid escape \\ sequence"),
            (r"(a)\1", "back references are not supported"),
            ("(?=a)", "look-around constraints are not supported"),
        ];
        for (pattern, reason) in table {
            let refused = compile(pattern, Options::default()).err();
            assert_eq!(refused, Some(invalid(reason)), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(pattern in r"[\[\]()|*+?{}.^$\\a-c0-9:=,-]{0,20}|\PC{0,12}", text in "[a-c0-9]{0,10}|\\PC{0,6}") {
            if let Ok(compiled) = compile(&pattern, Options::default()) {
                let _ = compiled.find(&text, 0);
            }
        }
    }
}
