//! bytea input: the hex form `\x00ff` and the escape form `a\\b\000`.

use crate::{Result, ValueError};

/// The bytes. Errors: 22023 in the hex form, 22P02 in the escape form.
pub(super) fn parse(text: &str) -> Result<Vec<u8>> {
    match text.strip_prefix("\\x") {
        Some(digits) => hex(digits),
        None => escape(text.as_bytes())
            .ok_or_else(|| ValueError::new("22P02", "invalid input syntax for type bytea")),
    }
}

fn hex(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut high = None;
    for character in text.chars() {
        // White space is allowed between the pairs.
        if high.is_none() && matches!(character, ' ' | '\n' | '\t' | '\r') {
            continue;
        }
        let digit = character
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
            .ok_or_else(|| ValueError::new("22023", format!("invalid hexadecimal digit: \"{character}\"")))?;
        match high.take() {
            None => high = Some(digit),
            Some(high) => bytes.push(high << 4 | digit),
        }
    }
    match high {
        None => Ok(bytes),
        Some(_) => Err(ValueError::new("22023", "invalid hexadecimal data: odd number of digits")),
    }
}

fn escape(mut text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    loop {
        text = match text {
            [] => return Some(bytes),
            [b'\\', b'\\', rest @ ..] => {
                bytes.push(b'\\');
                rest
            }
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', rest @ ..] => {
                bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest
            }
            [b'\\', ..] => return None,
            [byte, rest @ ..] => {
                bytes.push(*byte);
                rest
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_forms() {
        for (text, expected) in [
            ("\\x00fF", Ok(vec![0, 255])),
            ("\\x00 ff", Ok(vec![0, 255])),
            ("\\x", Ok(vec![])),
            ("a\\\\\\001é", Ok(vec![b'a', b'\\', 1, 0xc3, 0xa9])),
            ("\\x0", Err("22023")),
            ("\\x0g", Err("22023")),
            ("\\400", Err("22P02")),
            ("\\", Err("22P02")),
        ] {
            assert_eq!(parse(text).map_err(|e| e.code), expected, "{text}");
        }
    }
}
