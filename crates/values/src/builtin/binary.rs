//! Functions and operators over bytea, text encodings and digests.

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose::STANDARD};
use sha2::Digest;

use super::Arg::{Bytea, Int4, Int8, Text};
use super::args::{bytes, int, invalid_parameter, some_count, some_text, text};
use super::{Builtin, function, operator};
use crate::{Result, Value, ValueError, ValueRef};

pub(super) static TABLE: &[Builtin] = &[
    operator("bytea_concat", "||", &[Bytea, Bytea], Bytea, |_, a| {
        Ok(Value::Bytes([bytes(a, 0)?, bytes(a, 1)?].concat()))
    }),
    function("bytea_length", "length", &[Bytea], Int4, |_, a| some_count(bytes(a, 0)?.len())),
    function("bytea_length_in", "length", &[Bytea, Text], Int4, |_, a| {
        some_count(convert_from(bytes(a, 0)?, text(a, 1)?)?.chars().count())
    }),
    function("bytea_octet_length", "octet_length", &[Bytea], Int4, |_, a| some_count(bytes(a, 0)?.len())),
    function("bytea_bit_length", "bit_length", &[Bytea], Int4, |_, a| some_count(bytes(a, 0)?.len() * 8)),
    function("bytea_substring", "substring", &[Bytea, Int4, Int4], Bytea, |_, a| substring(a)).optional(1),
    function("bytea_substr", "substr", &[Bytea, Int4, Int4], Bytea, |_, a| substring(a)).optional(1),
    function("bytea_position", "position", &[Bytea, Bytea], Int4, |_, a| {
        let (whole, part) = (bytes(a, 0)?, bytes(a, 1)?);
        let found = if part.is_empty() { Some(0) } else { whole.windows(part.len()).position(|w| w == part) };
        some_count(found.map_or(0, |at| at + 1))
    }),
    function("get_byte", "get_byte", &[Bytea, Int4], Int4, |_, a| {
        let (whole, at) = (bytes(a, 0)?, byte_index(a)?);
        Ok(Value::Int(whole.get(at).map_or(0, |byte| i64::from(*byte))))
    }),
    function("set_byte", "set_byte", &[Bytea, Int4, Int4], Bytea, |_, a| {
        let (mut whole, at) = (bytes(a, 0)?.to_vec(), byte_index(a)?);
        let low = int(a, 2)?.to_le_bytes();
        if let (Some(byte), [new, ..]) = (whole.get_mut(at), low) {
            *byte = new;
        }
        Ok(Value::Bytes(whole))
    }),
    function("bit_count", "bit_count", &[Bytea], Int8, |_, a| {
        Ok(Value::Int(bytes(a, 0)?.iter().map(|byte| i64::from(byte.count_ones())).sum()))
    }),
    function("bytea_btrim", "btrim", &[Bytea, Bytea], Bytea, |_, a| {
        let (mut whole, cut) = (bytes(a, 0)?, bytes(a, 1)?);
        while let [first, rest @ ..] = whole {
            if !cut.contains(first) {
                break;
            }
            whole = rest;
        }
        while let [rest @ .., last] = whole {
            if !cut.contains(last) {
                break;
            }
            whole = rest;
        }
        Ok(Value::Bytes(whole.to_vec()))
    }),
    function("encode", "encode", &[Bytea, Text], Text, |_, a| some_text(encode(bytes(a, 0)?, text(a, 1)?)?)),
    function("decode", "decode", &[Text, Text], Bytea, |_, a| {
        decode(text(a, 0)?, text(a, 1)?).map(Value::Bytes)
    }),
    function("convert_to", "convert_to", &[Text, Text], Bytea, |_, a| {
        only_utf8(text(a, 1)?, false)?;
        Ok(Value::Bytes(text(a, 0)?.as_bytes().to_vec()))
    }),
    function("convert_from", "convert_from", &[Bytea, Text], Text, |_, a| {
        some_text(convert_from(bytes(a, 0)?, text(a, 1)?)?)
    }),
    function("text_md5", "md5", &[Text], Text, |_, a| {
        some_text(hex(&md5::Md5::digest(text(a, 0)?.as_bytes())))
    }),
    function("bytea_md5", "md5", &[Bytea], Text, |_, a| some_text(hex(&md5::Md5::digest(bytes(a, 0)?)))),
    function("sha224", "sha224", &[Bytea], Bytea, |_, a| {
        Ok(Value::Bytes(sha2::Sha224::digest(bytes(a, 0)?).to_vec()))
    }),
    function("sha256", "sha256", &[Bytea], Bytea, |_, a| {
        Ok(Value::Bytes(sha2::Sha256::digest(bytes(a, 0)?).to_vec()))
    }),
    function("sha384", "sha384", &[Bytea], Bytea, |_, a| {
        Ok(Value::Bytes(sha2::Sha384::digest(bytes(a, 0)?).to_vec()))
    }),
    function("sha512", "sha512", &[Bytea], Bytea, |_, a| {
        Ok(Value::Bytes(sha2::Sha512::digest(bytes(a, 0)?).to_vec()))
    }),
];

/// What `encode` breaks its base64 lines at.
const BASE64_LINE: usize = 76;

fn substring(args: &[ValueRef<'_>]) -> Result<Value> {
    let length = if args.len() > 2 { Some(int(args, 2)?) } else { None };
    let (skip, take) = super::text::window(int(args, 1)?, length)?;
    Ok(Value::Bytes(bytes(args, 0)?.iter().skip(skip).take(take).copied().collect()))
}

fn byte_index(args: &[ValueRef<'_>]) -> Result<usize> {
    let (whole, at) = (bytes(args, 0)?, int(args, 1)?);
    usize::try_from(at).ok().filter(|at| *at < whole.len()).ok_or_else(|| {
        let last = i64::try_from(whole.len()).unwrap_or(i64::MAX) - 1;
        ValueError::new("2202E", format!("index {at} out of valid range, 0..{last}"))
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn encode(bytes: &[u8], format: &str) -> Result<String> {
    match format.to_ascii_lowercase().as_str() {
        "hex" => Ok(hex(bytes)),
        "base64" => {
            let one_line = STANDARD.encode(bytes);
            let lines: Vec<&str> = one_line
                .as_bytes()
                .chunks(BASE64_LINE)
                .filter_map(|line| std::str::from_utf8(line).ok())
                .collect();
            Ok(lines.join("\n"))
        }
        "escape" => Ok(bytes
            .iter()
            .map(|byte| match byte {
                b'\\' => "\\\\".to_owned(),
                0 | 128..=255 => format!("\\{byte:03o}"),
                plain => char::from(*plain).to_string(),
            })
            .collect()),
        _ => Err(invalid_parameter(format!("unrecognized encoding: \"{format}\""))),
    }
}

fn decode(text: &str, format: &str) -> Result<Vec<u8>> {
    match format.to_ascii_lowercase().as_str() {
        "hex" => decode_hex(text),
        "base64" => decode_base64(text),
        "escape" => decode_escape(text.as_bytes()),
        _ => Err(invalid_parameter(format!("unrecognized encoding: \"{format}\""))),
    }
}

fn decode_hex(text: &str) -> Result<Vec<u8>> {
    let digits = text.chars().filter(|c| !c.is_ascii_whitespace()).map(|c| {
        c.to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
            .ok_or_else(|| invalid_parameter(format!("invalid hexadecimal digit: \"{c}\"")))
    });
    let digits: Vec<u8> = digits.collect::<Result<_>>()?;
    if digits.len() % 2 == 1 {
        return Err(invalid_parameter("invalid hexadecimal data: odd number of digits"));
    }
    Ok(digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

fn decode_base64(text: &str) -> Result<Vec<u8>> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, config);
    let plain: String = text.chars().filter(|c| !matches!(c, ' ' | '\t' | '\n' | '\r')).collect();
    engine.decode(plain.as_bytes()).map_err(|error| match error {
        base64::DecodeError::InvalidByte(at, byte) if byte != b'=' => {
            let symbol = plain.get(at..).and_then(|rest| rest.chars().next()).unwrap_or('?');
            invalid_parameter(format!("invalid symbol \"{symbol}\" found while decoding base64 sequence"))
        }
        base64::DecodeError::InvalidByte(..) => {
            invalid_parameter("unexpected \"=\" while decoding base64 sequence")
        }
        _ => invalid_parameter("invalid base64 end sequence"),
    })
}

fn decode_escape(text: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return Ok(out),
            [b'\\', b'\\', after @ ..] => {
                out.push(b'\\');
                after
            }
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..] => {
                out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                after
            }
            [b'\\', ..] => return Err(ValueError::new("22P02", "invalid input syntax for type bytea")),
            [plain, after @ ..] => {
                out.push(*plain);
                after
            }
        };
    }
}

/// Text is kept in UTF-8 and nothing else is converted to or from.
fn only_utf8(encoding: &str, source: bool) -> Result<()> {
    let plain: String = encoding.chars().filter(char::is_ascii_alphanumeric).collect();
    if matches!(plain.to_ascii_lowercase().as_str(), "utf8" | "unicode") {
        return Ok(());
    }
    let role = if source { "source" } else { "destination" };
    Err(invalid_parameter(format!("invalid {role} encoding name \"{encoding}\"")))
}

fn convert_from(bytes: &[u8], encoding: &str) -> Result<String> {
    only_utf8(encoding, true)?;
    let invalid = |at: usize| {
        let found: Vec<String> = bytes.iter().skip(at).take(1).map(|byte| format!("0x{byte:02x}")).collect();
        let message = format!("invalid byte sequence for encoding \"UTF8\": {}", found.join(" "));
        ValueError::new("22021", message)
    };
    let text = std::str::from_utf8(bytes).map_err(|error| invalid(error.valid_up_to()))?;
    match text.find('\0') {
        Some(at) => Err(invalid(at)),
        None => Ok(text.to_owned()),
    }
}
