//! Classes of characters, as PostgreSQL's parser knows them in a UTF-8 database.

use std::sync::LazyLock;

use regex::Regex;

/// What a rule looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// The end of the text
    End,
    /// Anything, the end included
    Any,
    /// This character
    Is(u8),
    /// A to z, in either case
    AsciiLetter,
    /// A letter of any script
    Letter,
    /// 0 to 9
    Digit,
    /// A letter or digit
    LetterOrDigit,
    /// Neither letter nor digit
    Other,
    /// A combining mark
    Mark,
    /// White space
    Space,
    /// A hexadecimal digit
    HexDigit,
    /// What may stand in a path (RFC 3986)
    UrlCharacter,
    /// Anything inside of a script; the parser knows
    Ignored,
    /// Only a host is wanted; the parser knows
    HostStops,
    /// A host follows; the parser looks
    Host,
    /// A path follows; the parser looks
    UrlPath,
}

impl Class {
    /// Whether a character is of the class; `None` is the end. Of the classes that only the parser knows, nothing is.
    pub(super) fn matches(self, character: Option<char>) -> bool {
        let Some(c) = character else { return matches!(self, Class::End | Class::Any | Class::Other) };
        match self {
            Class::Any => true,
            Class::Is(byte) => c == char::from(byte),
            Class::AsciiLetter => c.is_ascii_alphabetic(),
            Class::Letter => is_letter(c),
            Class::Digit => c.is_ascii_digit(),
            Class::LetterOrDigit => c.is_ascii_digit() || is_letter(c),
            Class::Other => !c.is_ascii_digit() && !is_letter(c),
            Class::Mark => !c.is_ascii() && is_mark(c),
            Class::Space => is_space(c),
            Class::HexDigit => c.is_ascii_hexdigit(),
            Class::UrlCharacter => {
                c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}')
            }
            Class::End | Class::Ignored | Class::HostStops | Class::Host | Class::UrlPath => false,
        }
    }
}

/// A letter; digits of other scripts count as letters.
fn is_letter(c: char) -> bool {
    static DIGITS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{Nd}$").ok());
    c.is_alphabetic() || (!c.is_ascii() && c.is_numeric() && is_one_of(c, &DIGITS))
}

fn is_mark(c: char) -> bool {
    static MARKS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{M}$").ok());
    is_one_of(c, &MARKS)
}

fn is_one_of(c: char, class: &Option<Regex>) -> bool {
    let mut buffer = [0; 4];
    class.as_ref().is_some_and(|class| class.is_match(c.encode_utf8(&mut buffer)))
}

/// White space, without the kinds at which no line may break.
fn is_space(c: char) -> bool {
    c.is_whitespace() && !matches!(c, '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{85}')
}
