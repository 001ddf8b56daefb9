//! PostgreSQL's advanced regular expressions, translated for the `regex` crate. Responsible for syntax, options, the choice
//! between longest and shortest match, and a cache of compiled patterns; what is done with matches is `pattern`'s.
//! Back references and look-around have no translation and are refused (2201B).

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind};

use super::args::invalid_parameter;
use crate::{Result, ValueError};

/// Compiled patterns kept per thread.
const CACHE_PATTERNS: usize = 64;
/// The longest pattern, in bytes.
const MAX_PATTERN_BYTES: usize = 32 << 10;
/// The largest compiled program, in bytes.
const MAX_COMPILED_BYTES: usize = 2 << 20;
/// How deep groups may nest.
const MAX_DEPTH: usize = 200;
/// The largest bound in `{m,n}`, PostgreSQL's `DUPMAX`.
const MAX_REPEAT: u32 = 255;

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

/// A pattern in the `regex` crate's syntax.
struct Translated {
    source: String,
    /// The whole prefers the shortest match
    shortest: bool,
    /// "Leftmost, first alternative" gives the same match as PostgreSQL's rule
    plain: bool,
}

/// What is known of the group being read.
#[derive(Default)]
struct Group {
    alternatives: bool,
    /// Whether the branch's first quantifier is a non-greedy one
    shortest: Option<bool>,
}

impl Group {
    /// The preference of the group as an atom: alternatives always prefer the longest.
    fn preference(&self) -> Option<bool> {
        if self.alternatives { Some(false) } else { self.shortest }
    }
}

struct Translator<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    out: String,
    options: Options,
    groups: Vec<Group>,
    quantifiers: usize,
    alternatives: bool,
    /// What the last atom is to a quantifier: none may follow nothing, a constraint or a quantifier
    atom: Option<Atom>,
}

#[derive(Clone, Copy)]
struct Atom {
    preference: Option<bool>,
}

fn translate(pattern: &str, options: Options) -> Result<Translated> {
    let mut options = options;
    let mut rest = pattern;
    if let Some(after) = rest.strip_prefix("***=") {
        options.literal = true;
        rest = after;
    } else if let Some(after) = rest.strip_prefix("***:") {
        rest = after;
    } else if rest.starts_with("***") {
        return Err(invalid("invalid regexp (reg version 0.8)"));
    }
    if !options.literal {
        rest = embedded_options(rest, &mut options)?;
    }
    let flags = if options.ignore_case { "(?i)" } else { "" };
    if options.literal {
        return Ok(Translated {
            source: format!("{flags}{}", regex::escape(rest)),
            shortest: false,
            plain: true,
        });
    }
    let mut translator = Translator {
        rest: rest.chars().peekable(),
        out: flags.to_owned(),
        options,
        groups: vec![Group::default()],
        quantifiers: 0,
        alternatives: false,
        atom: None,
    };
    translator.run()?;
    let whole = translator.groups.pop().unwrap_or_default();
    if !translator.groups.is_empty() {
        return Err(invalid("parentheses () not balanced"));
    }
    Ok(Translated {
        source: translator.out,
        shortest: whole.preference().unwrap_or(false),
        plain: translator.quantifiers <= 1 && !translator.alternatives,
    })
}

/// `(?i)` and the like, at the start of the pattern only.
fn embedded_options<'a>(pattern: &'a str, options: &mut Options) -> Result<&'a str> {
    let Some(inside) = pattern.strip_prefix("(?") else {
        return Ok(pattern);
    };
    if !inside.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Ok(pattern);
    }
    let (flags, after) = inside.split_once(')').ok_or_else(|| invalid("invalid embedded option"))?;
    if flags.chars().all(|flag| options.set(flag)) {
        Ok(after)
    } else {
        Err(invalid("invalid embedded option"))
    }
}

impl Translator<'_> {
    fn run(&mut self) -> Result<()> {
        while let Some(c) = self.rest.next() {
            match c {
                '(' => self.open()?,
                ')' => self.close()?,
                '|' => {
                    self.out.push('|');
                    self.alternatives = true;
                    self.atom = None;
                    if let Some(group) = self.groups.last_mut() {
                        group.alternatives = true;
                    }
                }
                '*' | '+' | '?' => self.quantifier(&c.to_string(), None)?,
                '{' if self.rest.peek().is_some_and(char::is_ascii_digit) => self.bounds()?,
                '^' if self.options.line_anchors => self.constraint("(?m:^)"),
                '^' => self.constraint(r"\A"),
                '$' if self.options.line_anchors => self.constraint("(?m:$)"),
                '$' => self.constraint(r"\z"),
                '.' if self.options.line_stop => self.push_atom(r"[^\n]"),
                '.' => self.push_atom("(?s:.)"),
                '[' => self.bracket()?,
                '\\' => self.escape()?,
                c if self.options.expanded && c.is_whitespace() => {}
                '#' if self.options.expanded => while self.rest.next().is_some_and(|c| c != '\n') {},
                c => self.literal(c),
            }
        }
        Ok(())
    }

    fn push_atom(&mut self, source: &str) {
        self.out.push_str(source);
        self.atom = Some(Atom { preference: None });
    }

    fn literal(&mut self, c: char) {
        self.push_atom(&regex::escape(c.encode_utf8(&mut [0; 4])));
    }

    fn constraint(&mut self, source: &str) {
        self.out.push_str(source);
        self.atom = None;
    }

    fn open(&mut self) -> Result<()> {
        if self.groups.len() > MAX_DEPTH {
            return Err(invalid("regular expression is too complex"));
        }
        if self.rest.next_if_eq(&'?').is_some() {
            match self.rest.next() {
                Some(':') => self.out.push_str("(?:"),
                Some('#') => {
                    // A comment; it does not stand between an atom and its quantifier.
                    while self.rest.next().is_some_and(|c| c != ')') {}
                    return Ok(());
                }
                Some('=' | '!' | '<') => return Err(invalid("look-around constraints are not supported")),
                _ => return Err(invalid("quantifier operand invalid")),
            }
        } else {
            self.out.push('(');
        }
        self.groups.push(Group::default());
        self.atom = None;
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let group = self.groups.pop().filter(|_| !self.groups.is_empty());
        let group = group.ok_or_else(|| invalid("parentheses () not balanced"))?;
        self.out.push(')');
        self.atom = Some(Atom { preference: group.preference() });
        // The first preference in a branch is the branch's.
        self.prefer(group.preference());
        Ok(())
    }

    fn prefer(&mut self, preference: Option<bool>) {
        if let Some(group) = self.groups.last_mut() {
            group.shortest = group.shortest.or(preference);
        }
    }

    /// `exact` is the preference-free `{m}`.
    fn quantifier(&mut self, source: &str, exact: Option<()>) -> Result<()> {
        let atom = self.atom.take().ok_or_else(|| invalid("quantifier operand invalid"))?;
        self.out.push_str(source);
        let lazy = self.rest.next_if_eq(&'?').is_some();
        if lazy {
            self.out.push('?');
        }
        self.quantifiers += usize::from(exact.is_none());
        self.prefer(if exact.is_some() { atom.preference } else { Some(lazy) });
        Ok(())
    }

    fn bounds(&mut self) -> Result<()> {
        let low = self.number()?;
        let source = if self.rest.next_if_eq(&',').is_some() {
            if self.rest.peek().is_some_and(char::is_ascii_digit) {
                let high = self.number()?;
                if low > high {
                    return Err(invalid("invalid repetition count(s)"));
                }
                format!("{{{low},{high}}}")
            } else {
                format!("{{{low},}}")
            }
        } else {
            format!("{{{low}}}")
        };
        match self.rest.next() {
            Some('}') => {}
            Some(_) => return Err(invalid("invalid repetition count(s)")),
            None => return Err(invalid("braces {} not balanced")),
        }
        let exact = (!source.contains(',')).then_some(());
        self.quantifier(&source, exact)
    }

    fn number(&mut self) -> Result<u32> {
        let mut number: u32 = 0;
        while let Some(digit) = self.rest.peek().and_then(|c| c.to_digit(10)) {
            number = number.saturating_mul(10).saturating_add(digit);
            self.rest.next();
        }
        if number > MAX_REPEAT { Err(invalid("invalid repetition count(s)")) } else { Ok(number) }
    }

    fn escape(&mut self) -> Result<()> {
        let c = self.rest.next().ok_or_else(|| invalid("invalid escape \\ sequence"))?;
        match c {
            'A' => self.constraint(r"\A"),
            'Z' => self.constraint(r"\z"),
            'm' => self.constraint(r"\b{start}"),
            'M' => self.constraint(r"\b{end}"),
            'y' => self.constraint(r"\b"),
            'Y' => self.constraint(r"\B"),
            'd' => self.push_atom("[0-9]"),
            'D' => self.push_atom(if self.options.line_stop { r"[^0-9\n]" } else { "[^0-9]" }),
            's' => self.push_atom(r"\s"),
            'S' => self.push_atom(r"\S"),
            'w' => self.push_atom(r"\w"),
            'W' => self.push_atom(if self.options.line_stop { r"[^\w\n]" } else { r"\W" }),
            '1'..='9' => return Err(invalid("back references are not supported")),
            c => {
                let literal = self.escaped_character(c)?;
                self.literal(literal);
            }
        }
        Ok(())
    }

    /// The character that an escape stands for.
    fn escaped_character(&mut self, c: char) -> Result<char> {
        Ok(match c {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'B' => '\\',
            'e' => '\u{1b}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'c' => {
                let control = self.rest.next().filter(char::is_ascii);
                let control = control.ok_or_else(|| invalid("invalid escape \\ sequence"))?;
                char::from_u32(u32::from(control) & 31).unwrap_or('\0')
            }
            'u' => self.hexadecimal(4, 4)?,
            'U' => self.hexadecimal(8, 8)?,
            'x' => self.hexadecimal(1, 255)?,
            '0' => '\0',
            c if c.is_alphanumeric() => return Err(invalid("invalid escape \\ sequence")),
            c => c,
        })
    }

    fn hexadecimal(&mut self, least: usize, most: usize) -> Result<char> {
        let (mut code, mut digits): (u32, usize) = (0, 0);
        while digits < most {
            let Some(digit) = self.rest.peek().and_then(|c| c.to_digit(16)) else { break };
            code = code.checked_mul(16).and_then(|c| c.checked_add(digit)).unwrap_or(u32::MAX);
            digits += 1;
            self.rest.next();
        }
        let character = char::from_u32(code).filter(|_| digits >= least);
        character.ok_or_else(|| invalid("invalid escape \\ sequence"))
    }

    fn bracket(&mut self) -> Result<()> {
        let unbalanced = || invalid("brackets [] not balanced");
        // PostgreSQL's spelling of the two word boundaries.
        let ahead: String = self.rest.clone().take(6).collect();
        if ahead == "[:<:]]" || ahead == "[:>:]]" {
            self.rest.nth(5);
            self.constraint(if ahead == "[:<:]]" { r"\b{start}" } else { r"\b{end}" });
            return Ok(());
        }
        let mut set = String::from("[");
        if self.rest.next_if_eq(&'^').is_some() {
            set.push('^');
            if self.options.line_stop {
                set.push_str(r"\n");
            }
        }
        let mut first = true;
        loop {
            let c = self.rest.next().ok_or_else(unbalanced)?;
            if c == ']' && !first {
                break;
            }
            first = false;
            let Some(low) = self.member(c, &mut set)? else { continue };
            let mut after = self.rest.clone();
            let is_range = after.next() == Some('-') && after.next().is_some_and(|c| c != ']');
            if !is_range {
                push_member(&mut set, low);
                continue;
            }
            self.rest.next();
            let c = self.rest.next().ok_or_else(unbalanced)?;
            let mut unused = String::new();
            let high = self.member(c, &mut unused)?.filter(|high| low <= *high);
            let high = high.ok_or_else(|| invalid("invalid character range"))?;
            push_member(&mut set, low);
            set.push('-');
            push_member(&mut set, high);
        }
        set.push(']');
        self.push_atom(&set);
        Ok(())
    }

    /// One member of a bracket expression: a character, or a class that is written to the set at once.
    fn member(&mut self, c: char, set: &mut String) -> Result<Option<char>> {
        match (c, self.rest.peek().copied()) {
            ('[', Some(kind @ (':' | '.' | '='))) => {
                self.rest.next();
                let mut name = String::new();
                loop {
                    let c = self.rest.next().ok_or_else(|| invalid("brackets [] not balanced"))?;
                    if c == kind && self.rest.next_if_eq(&']').is_some() {
                        break;
                    }
                    name.push(c);
                }
                if kind == ':' {
                    set.push_str(class(&name)?);
                    return Ok(None);
                }
                let mut characters = name.chars();
                match (characters.next(), characters.next()) {
                    (Some(c), None) => Ok(Some(c)),
                    _ => Err(invalid("invalid collating element")),
                }
            }
            ('\\', _) => match self.rest.next() {
                Some('d') => {
                    set.push_str("0-9");
                    Ok(None)
                }
                Some('s') => {
                    set.push_str(r"\s");
                    Ok(None)
                }
                Some('w') => {
                    set.push_str(r"\w");
                    Ok(None)
                }
                Some(c) => self.escaped_character(c).map(Some),
                None => Err(invalid("invalid escape \\ sequence")),
            },
            (c, _) => Ok(Some(c)),
        }
    }
}

/// Every member as an escape, so that none has a meaning of its own in the other syntax.
fn push_member(set: &mut String, c: char) {
    set.push_str(&format!(r"\x{{{:X}}}", u32::from(c)));
}

fn class(name: &str) -> Result<&'static str> {
    Ok(match name {
        "alpha" => r"\p{Alphabetic}",
        "digit" => "0-9",
        "alnum" => r"\p{Alphabetic}\p{Nd}",
        "upper" => r"\p{Uppercase}",
        "lower" => r"\p{Lowercase}",
        "space" => r"\s",
        "blank" => r"\t\p{Zs}",
        "punct" => r"[:punct:]\p{P}\p{S}",
        "cntrl" => r"\p{Cc}",
        "xdigit" => "0-9A-Fa-f",
        "word" => r"\w",
        "print" => r"[^\p{Cc}\p{Cs}\p{Cn}]",
        "graph" => r"[^\p{Cc}\p{Cs}\p{Cn}\s]",
        "ascii" => r"\x00-\x7F",
        _ => return Err(invalid("invalid character class")),
    })
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
