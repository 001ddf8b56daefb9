//! uuid input: 32 hexadecimal digits, hyphens after any group of four, braces around.

use crate::{Result, ValueError};

/// The canonical form, 36 lower-case characters. Error: 22P02.
pub(super) fn parse(text: &str) -> Result<String> {
    canonical(text)
        .ok_or_else(|| ValueError::new("22P02", format!("invalid input syntax for type uuid: \"{text}\"")))
}

fn canonical(text: &str) -> Option<String> {
    let inner = match text.strip_prefix('{') {
        Some(rest) => rest.strip_suffix('}')?,
        None => text,
    };
    let mut uuid = String::with_capacity(36);
    let mut digits = 0;
    let mut hyphen_allowed = false;
    for character in inner.chars() {
        if character == '-' && hyphen_allowed {
            hyphen_allowed = false;
            continue;
        }
        if !character.is_ascii_hexdigit() || digits == 32 {
            return None;
        }
        if matches!(digits, 8 | 12 | 16 | 20) {
            uuid.push('-');
        }
        uuid.push(character.to_ascii_lowercase());
        digits += 1;
        hyphen_allowed = digits % 4 == 0 && digits < 32;
    }
    (digits == 32).then_some(uuid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_all_forms() {
        const UUID: &str = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
        for text in [
            UUID,
            "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
            "{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}",
            "a0eebc999c0b4ef8bb6d6bb9bd380a11",
            "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11",
        ] {
            assert_eq!(parse(text).as_deref(), Ok(UUID), "{text}");
        }
        for text in
            ["", "{", "a0eebc99", &format!("{UUID}0"), &format!("{{{UUID}"), &format!(" {UUID}"), "a0eebc9-9"]
        {
            assert_eq!(parse(text).map_err(|e| e.code).err(), Some("22P02"), "{text}");
        }
    }
}
