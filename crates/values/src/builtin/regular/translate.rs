//! PostgreSQL's regular expression syntax in the `regex` crate's: one walk over the pattern, group by group.
//! What has no equal there is refused (2201B); compiling and matching are the parent's.

use super::{Options, invalid};
use crate::Result;

/// How deep groups may nest.
const MAX_DEPTH: usize = 200;
/// The largest bound in `{m,n}`, PostgreSQL's `DUPMAX`.
const MAX_REPEAT: u32 = 255;

/// A pattern in the `regex` crate's syntax.
pub(super) struct Translated {
    pub(super) source: String,
    /// The whole prefers the shortest match
    pub(super) shortest: bool,
    /// "Leftmost, first alternative" gives the same match as PostgreSQL's rule
    pub(super) plain: bool,
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

pub(super) fn translate(pattern: &str, options: Options) -> Result<Translated> {
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
