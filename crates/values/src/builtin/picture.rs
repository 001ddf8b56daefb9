//! The pictures of `to_char`, `to_timestamp` and `to_date` for dates and times, as a list of nodes.

/// A part of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// A field
    Field(Field),
    /// A character of a quoted text, or one that means nothing
    Text(char),
    /// A blank or another character that is neither letter nor digit
    Separator(char),
}

/// A field with what is written around its keyword.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// The keyword, in capitals
    pub key: &'static str,
    /// How the keyword is written
    pub case: Case,
    /// `FM`: no padding
    pub fill: bool,
    /// `TM`: a name in the locale's language, which is English here, without padding
    pub localized: bool,
    /// `TH` or `th`
    pub ordinal: Option<Case>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Upper,
    Title,
    Lower,
}

/// The keywords, each before those that are its beginning.
const KEYWORDS: &[&str] = &[
    "A.D.", "A.M.", "AD", "AM", "B.C.", "BC", "CC", "DAY", "DDD", "DD", "DY", "D", "FF1", "FF2", "FF3",
    "FF4", "FF5", "FF6", "FX", "HH24", "HH12", "HH", "IDDD", "ID", "IW", "IYYY", "IYY", "IY", "I", "J", "MI",
    "MM", "MONTH", "MON", "MS", "OF", "P.M.", "PM", "Q", "RM", "SSSSS", "SSSS", "SS", "TZH", "TZM", "TZ",
    "US", "WW", "W", "Y,YYY", "YYYY", "YYY", "YY", "Y",
];

/// The fields whose capital-then-small spelling means something.
const TITLED: &[&str] = &["DAY", "DY", "MONTH", "MON"];

/// Reads a picture; every text is one.
pub(super) fn parse(picture: &str) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut rest = picture;
    while !rest.is_empty() {
        let (after, fill, localized) = prefixes(rest);
        if let Some((key, case, after)) = keyword(after) {
            let (ordinal, after) = suffix(after);
            nodes.push(Node::Field(Field { key, case, fill, localized, ordinal }));
            rest = after;
            continue;
        }
        let mut characters = after.chars();
        match characters.next() {
            Some('"') => {
                rest = quoted(characters.as_str(), &mut nodes);
                continue;
            }
            Some('\\') if characters.as_str().starts_with('"') => {
                characters.next();
                nodes.push(Node::Text('"'));
            }
            Some(c) if c.is_ascii() && !c.is_ascii_alphanumeric() => nodes.push(Node::Separator(c)),
            Some(c) => nodes.push(Node::Text(c)),
            None => {}
        }
        rest = characters.as_str();
    }
    nodes
}

/// Takes `FM` and `TM` off, and says which were there.
fn prefixes(text: &str) -> (&str, bool, bool) {
    let (mut rest, mut fill, mut localized) = (text, false, false);
    loop {
        if let Some(after) = rest.strip_prefix("FM").or_else(|| rest.strip_prefix("fm")) {
            (rest, fill) = (after, true);
        } else if let Some(after) = rest.strip_prefix("TM").or_else(|| rest.strip_prefix("tm")) {
            (rest, localized) = (after, true);
        } else {
            return (rest, fill, localized);
        }
    }
}

fn keyword(text: &str) -> Option<(&'static str, Case, &str)> {
    KEYWORDS.iter().find_map(|key| {
        let (head, after) = text.split_at_checked(key.len())?;
        if head == *key {
            return Some((*key, Case::Upper, after));
        }
        if head == key.to_ascii_lowercase() {
            return Some((*key, Case::Lower, after));
        }
        let (first, tail) = head.split_at_checked(1)?;
        let (key_first, key_tail) = key.split_at_checked(1)?;
        let titled = TITLED.contains(key) && first == key_first && tail == key_tail.to_ascii_lowercase();
        titled.then_some((*key, Case::Title, after))
    })
}

fn suffix(text: &str) -> (Option<Case>, &str) {
    if let Some(after) = text.strip_prefix("TH") {
        (Some(Case::Upper), after)
    } else if let Some(after) = text.strip_prefix("th") {
        (Some(Case::Lower), after)
    } else if let Some(after) = text.strip_prefix("SP").or_else(|| text.strip_prefix("sp")) {
        // "Spell mode" is read and without effect.
        (None, after)
    } else {
        (None, text)
    }
}

/// The characters up to the closing quote, where `\` takes the next as it is.
fn quoted<'a>(text: &'a str, nodes: &mut Vec<Node>) -> &'a str {
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '"' => break,
            '\\' => nodes.extend(characters.next().map(Node::Text)),
            c => nodes.push(Node::Text(c)),
        }
    }
    characters.as_str()
}

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
pub(super) const ROMAN_MONTHS: [&str; 12] =
    ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"];

/// The English ending of an ordinal number.
pub(super) fn ordinal(number: &str, case: Case) -> &'static str {
    let mut digits = number.bytes().rev();
    let (last, before) = (digits.next().unwrap_or(b'0'), digits.next().unwrap_or(b'0'));
    match (last, before, case) {
        (b'1', tens, Case::Lower) if tens != b'1' => "st",
        (b'2', tens, Case::Lower) if tens != b'1' => "nd",
        (b'3', tens, Case::Lower) if tens != b'1' => "rd",
        (_, _, Case::Lower) => "th",
        (b'1', tens, _) if tens != b'1' => "ST",
        (b'2', tens, _) if tens != b'1' => "ND",
        (b'3', tens, _) if tens != b'1' => "RD",
        _ => "TH",
    }
}
