//! Text search configurations: which tokens become lexemes, and how. `simple` lowers the case; `english` also leaves out stop words
//! and reduces words to their stems (Snowball's English stemmer, in the state of PostgreSQL 15).

use std::collections::HashSet;
use std::sync::LazyLock;

use rust_stemmers::{Algorithm, Stemmer};

use super::parser::{Kind, Parser};
use super::vector::{LIMIT_POSITION, LONGEST_LEXEME};
use crate::{Result, ValueError};

/// A configuration: the value of type `regconfig`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Config {
    /// Words in lower case
    Simple,
    /// Stems of English words
    English,
}

/// The configuration of the functions that are not given one (`default_text_search_config`).
pub const DEFAULT: Config = Config::English;

/// The configurations that PostgreSQL 15 brings and this crate does not know.
const UNKNOWN: [&str; 27] = [
    "arabic",
    "armenian",
    "basque",
    "catalan",
    "danish",
    "dutch",
    "finnish",
    "french",
    "german",
    "greek",
    "hindi",
    "hungarian",
    "indonesian",
    "irish",
    "italian",
    "lithuanian",
    "nepali",
    "norwegian",
    "portuguese",
    "romanian",
    "russian",
    "serbian",
    "spanish",
    "swedish",
    "tamil",
    "turkish",
    "yiddish",
];

/// The longest word, in bytes, that is stemmed.
const LONGEST_STEMMED: usize = 1000;

/// A lexeme of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) lexeme: String,
    /// Counted from 1; words that are left out count
    pub(super) position: u32,
}

impl Config {
    /// Reads a configuration's name. Errors: 42704 when PostgreSQL has none of that name, 0A000 when only PostgreSQL has it.
    pub fn parse(text: &str) -> Result<Config> {
        let trimmed = text.trim();
        let bare = trimmed.strip_prefix("pg_catalog.").unwrap_or(trimmed);
        let name = match bare.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(quoted) => quoted.to_owned(),
            None => bare.to_ascii_lowercase(),
        };
        match name.as_str() {
            "simple" => Ok(Config::Simple),
            "english" => Ok(Config::English),
            name if UNKNOWN.contains(&name) => Err(ValueError::new(
                "0A000",
                format!(
                    "text search configuration \"{name}\" is not supported: use \"english\" or \"simple\""
                ),
            )),
            name => {
                let schema = if bare == trimmed { "" } else { "pg_catalog." };
                let message = format!("text search configuration \"{schema}{name}\" does not exist");
                Err(ValueError::new("42704", message))
            }
        }
    }

    /// The name, as `regconfig` shows it.
    pub fn name(self) -> &'static str {
        match self {
            Config::Simple => "simple",
            Config::English => "english",
        }
    }

    /// The lexeme of a token: `None` when the kind is not indexed, `Some(None)` for a stop word.
    pub(super) fn lexeme(self, kind: Kind, text: &str) -> Option<Option<String>> {
        let stems = match kind {
            Kind::AsciiWord
            | Kind::Word
            | Kind::HwordPart
            | Kind::HwordAsciipart
            | Kind::Asciihword
            | Kind::Hword => self == Config::English,
            Kind::NumWord
            | Kind::Email
            | Kind::Url
            | Kind::Host
            | Kind::Sfloat
            | Kind::Version
            | Kind::HwordNumpart
            | Kind::Numhword
            | Kind::UrlPath
            | Kind::File
            | Kind::Float
            | Kind::Int
            | Kind::Uint => false,
            Kind::Blank | Kind::Tag | Kind::Protocol | Kind::Entity => return None,
        };
        let lower = lower(text);
        if !stems {
            return Some(Some(lower));
        }
        if is_stop_word(&lower) {
            return Some(None);
        }
        if lower.len() > LONGEST_STEMMED {
            return Some(Some(lower));
        }
        Some(Some(stemmed(&lower)))
    }

    /// The lexemes of a text, counting on from a position. Gives the last position.
    pub(super) fn lexemes(self, text: &str, from: u32, found: &mut Vec<Found>) -> u32 {
        let mut position = from;
        for token in Parser::new(text) {
            // Such a word is passed over and takes no place.
            if token.text.len() > LONGEST_LEXEME {
                continue;
            }
            let Some(lexeme) = self.lexeme(token.kind, token.text) else { continue };
            position = position.saturating_add(1);
            let Some(lexeme) = lexeme else { continue };
            found.push(Found { lexeme, position: position.min(LIMIT_POSITION) });
        }
        position
    }
}

fn stemmed(word: &str) -> String {
    static ENGLISH: LazyLock<Stemmer> = LazyLock::new(|| Stemmer::create(Algorithm::English));
    ENGLISH.stem(word).into_owned()
}

/// The text in lower case, character by character.
pub(super) fn lower(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let lower = |c: char| {
        let mut lower = c.to_lowercase();
        match (lower.next(), lower.next()) {
            (Some(lower), None) => lower,
            // The only character whose lower case is two: a dotted I.
            _ => 'i',
        }
    };
    text.chars().map(lower).collect()
}

fn is_stop_word(word: &str) -> bool {
    static WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| STOP_WORDS.split_whitespace().collect());
    WORDS.contains(word)
}

/// Snowball's English stop words.
const STOP_WORDS: &str = "\
    i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers \
    herself it its itself they them their theirs themselves what which who whom this that these those am is \
    are was were be been being have has had having do does did doing a an the and but if or because as until \
    while of at by for with about against between into through during before after above below to from up \
    down in out on off over under again further then once here there when where why how all any both each few \
    more most other some such no nor not only own same so than too very s t can will just don should now";
