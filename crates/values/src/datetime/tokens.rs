//! Date, time and interval text cut into fields, by PostgreSQL's rules ("Date/Time Input Interpretation" in its manual).
//! What the fields mean is decided by `decode` and by `interval/parse`.

use super::units::shortened;

/// A field of a date, time or interval text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    /// The text in lower case
    pub(crate) text: String,
}

/// What a field looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Digits, perhaps with a point
    Number,
    /// Numbers or a month with separators; also a zone's name with punctuation
    Date,
    /// Digits and colons
    Time,
    /// A sign and digits: a zone's offset, a signed number
    Zone,
    /// Letters
    Word,
    /// A sign and letters
    Special,
}

/// The most fields of one text.
const MAX_FIELDS: usize = 25;

/// The most bytes of one text's fields.
const MAX_BYTES: usize = 128;

/// What a word in a date means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Month(i64),
    Weekday,
    Infinity,
    NegativeInfinity,
    Epoch,
    Now,
    Yesterday,
    Today,
    Tomorrow,
    AllBalls,
    Am,
    Pm,
    Ad,
    Bc,
    /// `t` before a time
    TimeMark,
    /// `j`, `jd`, `julian` before a day number
    Julian,
    /// The name of a unit, which no number may follow
    Unit,
    /// `at`, `on`
    Filler,
}

/// Cuts a text into fields; `None` when it has a character, or a number of fields, that no date has.
pub(crate) fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut rest = text.as_bytes();
    let mut found = Vec::new();
    let mut bytes = 0;
    while let [first, after @ ..] = rest {
        if first.is_ascii_whitespace() || *first == 0x0b {
            rest = after;
            continue;
        }
        let (kind, token, tail) = match first {
            b'0'..=b'9' => number(rest),
            b'.' => split(rest, Kind::Number, 1 + count(after, u8::is_ascii_digit)),
            b'+' | b'-' => signed(*first, after)?,
            _ if first.is_ascii_alphabetic() => word(rest),
            // Other punctuation only separates.
            _ if first.is_ascii_punctuation() => {
                rest = after;
                continue;
            }
            _ => return None,
        };
        bytes += token.len();
        if found.len() == MAX_FIELDS || bytes > MAX_BYTES {
            return None;
        }
        found.push(Token { kind, text: String::from_utf8(token).ok()?.to_ascii_lowercase() });
        rest = tail;
    }
    Some(found)
}

type Cut<'a> = (Kind, Vec<u8>, &'a [u8]);

fn count(bytes: &[u8], belongs: impl Fn(&u8) -> bool) -> usize {
    bytes.iter().position(|b| !belongs(b)).unwrap_or(bytes.len())
}

fn split(bytes: &[u8], kind: Kind, at: usize) -> Cut<'_> {
    let (token, rest) = bytes.split_at_checked(at).unwrap_or((bytes, &[]));
    (kind, token.to_vec(), rest)
}

/// From a digit: a time with colons, a date with separators, or a number.
fn number(bytes: &[u8]) -> Cut<'_> {
    let digits = count(bytes, u8::is_ascii_digit);
    let after = bytes.get(digits..).unwrap_or_default();
    let Some((separator, tail)) = after.split_first() else { return split(bytes, Kind::Number, digits) };
    match separator {
        b':' => split(
            bytes,
            Kind::Time,
            digits + count(after, |b| b.is_ascii_digit() || matches!(b, b':' | b'.')),
        ),
        b'-' | b'/' | b'.' => {
            let second = count(tail, u8::is_ascii_digit);
            if second == 0 {
                // A month's name stands between, or nothing.
                let length = count(tail, |b| b.is_ascii_alphanumeric() || b == separator);
                return split(bytes, Kind::Date, digits + 1 + length);
            }
            let end = digits + 1 + second;
            if tail.get(second) == Some(separator) {
                let more =
                    count(tail.get(second..).unwrap_or_default(), |b| b.is_ascii_digit() || b == separator);
                return split(bytes, Kind::Date, end + more);
            }
            split(bytes, if *separator == b'.' { Kind::Number } else { Kind::Date }, end)
        }
        _ => split(bytes, Kind::Number, digits),
    }
}

/// After a sign: a zone's offset or a special word. White space between is dropped.
fn signed(sign: u8, after: &[u8]) -> Option<Cut<'_>> {
    let after = after.get(count(after, u8::is_ascii_whitespace)..).unwrap_or_default();
    let first = after.first()?;
    let (kind, length) = if first.is_ascii_digit() {
        (Kind::Zone, count(after, |b| b.is_ascii_digit() || matches!(b, b':' | b'.' | b'-')))
    } else if first.is_ascii_alphabetic() {
        (Kind::Special, count(after, u8::is_ascii_alphabetic))
    } else {
        return None;
    };
    let (kind, mut token, rest) = split(after, kind, length);
    token.insert(0, sign);
    Some((kind, token, rest))
}

/// From a letter: a word, or a date or zone name with punctuation in it.
fn word(bytes: &[u8]) -> Cut<'_> {
    let letters = count(bytes, u8::is_ascii_alphabetic);
    let goes_on = match bytes.get(letters) {
        Some(b'-' | b'/' | b'.') => true,
        Some(b'+' | b'0'..=b'9') => {
            let name = String::from_utf8_lossy(bytes.get(..letters).unwrap_or_default()).to_ascii_lowercase();
            special(&name).is_none()
        }
        _ => false,
    };
    if !goes_on {
        return split(bytes, Kind::Word, letters);
    }
    let length =
        count(bytes, |b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'/' | b'_' | b'.' | b':'));
    split(bytes, Kind::Date, length)
}

/// The meaning of a word in lower case.
pub(crate) fn special(name: &str) -> Option<Word> {
    Some(match shortened(name) {
        "jan" | "january" => Word::Month(1),
        "feb" | "february" => Word::Month(2),
        "mar" | "march" => Word::Month(3),
        "apr" | "april" => Word::Month(4),
        "may" => Word::Month(5),
        "jun" | "june" => Word::Month(6),
        "jul" | "july" => Word::Month(7),
        "aug" | "august" => Word::Month(8),
        "sep" | "sept" | "september" => Word::Month(9),
        "oct" | "october" => Word::Month(10),
        "nov" | "november" => Word::Month(11),
        "dec" | "december" => Word::Month(12),
        "sun" | "sunday" | "mon" | "monday" | "tue" | "tues" | "tuesday" | "wed" | "weds" | "wednesday"
        | "thu" | "thur" | "thurs" | "thursday" | "fri" | "friday" | "sat" | "saturday" => Word::Weekday,
        "infinity" => Word::Infinity,
        "-infinity" => Word::NegativeInfinity,
        "epoch" => Word::Epoch,
        "now" => Word::Now,
        "yesterday" => Word::Yesterday,
        "today" => Word::Today,
        "tomorrow" => Word::Tomorrow,
        "allballs" => Word::AllBalls,
        "am" => Word::Am,
        "pm" => Word::Pm,
        "ad" => Word::Ad,
        "bc" => Word::Bc,
        "t" => Word::TimeMark,
        "j" | "jd" | "julian" => Word::Julian,
        "d" | "dow" | "doy" | "h" | "isodow" | "isoyear" | "m" | "mm" | "s" | "y" => Word::Unit,
        "at" | "on" => Word::Filler,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts() {
        for (text, expected) in [
            ("2024-01-01T10:00:00.5Z", "D2024-01-01 Wt T10:00:00.5 Wz"),
            ("2024-01-01 10:00+05:30", "D2024-01-01 T10:00 Z+05:30"),
            ("Jan 8, 1999", "Wjan N8 N1999"),
            ("1999-Jan-08", "D1999-jan-08"),
            ("10:00 America/New_York", "T10:00 Damerica/new_york"),
            ("-infinity", "S-infinity"),
            ("@ 1.5 days - 2 ago", "N1.5 Wdays Z-2 Wago"),
            ("j2451187", "Wj N2451187"),
        ] {
            let cut = tokens(text).expect(text);
            let shown: Vec<String> = cut
                .iter()
                .map(|token| {
                    let letter = match token.kind {
                        Kind::Number => 'N',
                        Kind::Date => 'D',
                        Kind::Time => 'T',
                        Kind::Zone => 'Z',
                        Kind::Word => 'W',
                        Kind::Special => 'S',
                    };
                    format!("{letter}{}", token.text)
                })
                .collect();
            assert_eq!(shown.join(" "), expected, "{text}");
        }
        assert_eq!(tokens("10:00 é"), None);
        assert_eq!(tokens("-"), None);
    }
}
