//! What the server says (PostgreSQL's documentation, "Message Formats"), as far as a request needs it.

use super::WireError;

/// The tag of a row.
pub(super) const DATA_ROW: u8 = b'D';

/// The longest message that is read: PostgreSQL's own limit for one value, 1 GB.
const MAX_MESSAGE_BYTES: usize = 1 << 30;

/// A message that is not a row.
pub(super) enum Message {
    /// A statement is prepared
    Parsed,
    /// A statement is done; rows given or affected
    Complete(u64),
    /// The exchange is at its end
    Ready {
        /// A transaction is open, perhaps a failed one
        in_transaction: bool,
    },
    /// Something is wrong
    Error(Box<DatabaseError>),
    /// Of no interest
    Skip,
}

/// An error of the database in its own words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DatabaseError {
    pub(crate) severity: String,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) detail: Option<String>,
    pub(crate) hint: Option<String>,
}

/// The length of the message at the beginning of the input, tag included, once it is there whole.
pub(super) fn length(input: &[u8]) -> Result<Option<usize>, WireError> {
    let Some(head) = input.first_chunk::<5>() else { return Ok(None) };
    let [_, length @ ..] = *head;
    let length = u32::from_be_bytes(length) as usize;
    if !(4..=MAX_MESSAGE_BYTES).contains(&length) {
        return Err(WireError::Protocol("a message has an impossible length"));
    }
    Ok((input.len() > length).then_some(length + 1))
}

/// Reads a whole message that is not a row.
pub(super) fn read(bytes: &[u8]) -> Result<Message, WireError> {
    let (Some(tag), body) = (bytes.first(), bytes.get(5..).unwrap_or_default()) else {
        return Err(WireError::Protocol("a message is empty"));
    };
    Ok(match tag {
        b'1' => Message::Parsed,
        b'C' => Message::Complete(affected(body)),
        b'I' => Message::Complete(0),
        b'Z' => Message::Ready { in_transaction: body.first() != Some(&b'I') },
        b'E' => Message::Error(Box::new(error(body))),
        // Bind and close complete, descriptions, notices, parameters, notifications.
        b'2' | b'3' | b'T' | b't' | b'n' | b'N' | b'S' | b'A' => Message::Skip,
        _ => return Err(WireError::Protocol("a message is of an unexpected kind")),
    })
}

/// The number at the end of a command's tag: `INSERT 0 5`.
fn affected(body: &[u8]) -> u64 {
    let tag = body.split(|byte| *byte == 0).next().unwrap_or_default();
    let number = tag.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    std::str::from_utf8(number).ok().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// The fields of an error.
pub(super) fn error(body: &[u8]) -> DatabaseError {
    let mut error = DatabaseError::default();
    for field in body.split(|byte| *byte == 0) {
        let Some((kind, text)) = field.split_first() else { continue };
        let text = String::from_utf8_lossy(text).into_owned();
        match kind {
            b'V' => error.severity = text,
            b'C' => error.code = text,
            b'M' => error.message = text,
            b'D' => error.detail = Some(text),
            b'H' => error.hint = Some(text),
            _ => {}
        }
    }
    error
}

/// A row: its fields one after the other.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    rest: &'a [u8],
}

impl<'a> Row<'a> {
    pub(super) fn new(body: &'a [u8]) -> Row<'a> {
        Row { rest: body.get(2..).unwrap_or_default() }
    }

    /// The next field; `None` inside is null. Fields beyond the last are null.
    pub(crate) fn field(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.rest.split_first_chunk::<4>()?;
        let length = usize::try_from(i32::from_be_bytes(*length)).ok();
        match length.and_then(|length| rest.split_at_checked(length)) {
            Some((field, rest)) => {
                self.rest = rest;
                Some(field)
            }
            None => {
                self.rest = rest;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_wait_until_they_are_whole() {
        assert!(matches!(length(b"Z\0\0\0"), Ok(None)));
        assert!(matches!(length(b"Z\0\0\0\x05"), Ok(None)));
        assert!(matches!(length(b"Z\0\0\0\x05I"), Ok(Some(6))));
        assert!(length(b"Z\0\0\0\x03I").is_err());
        assert!(length(b"Z\xff\xff\xff\xffI").is_err());
    }

    #[test]
    fn errors_are_read_field_by_field() {
        let error = error(b"SFEHLER\0VERROR\0C23505\0Mtwice\0DKey (id)=(1)\0\0");
        assert_eq!((error.code.as_str(), error.message.as_str()), ("23505", "twice"));
        assert_eq!((error.severity.as_str(), error.detail.as_deref()), ("ERROR", Some("Key (id)=(1)")));
        assert_eq!(error.hint, None);
    }

    #[test]
    fn rows_give_their_fields() {
        let mut row = Row::new(b"\0\x03\0\0\0\x02ab\xff\xff\xff\xff\0\0\0\0");
        assert_eq!((row.field(), row.field(), row.field()), (Some(&b"ab"[..]), None, Some(&b""[..])));
        assert_eq!(row.field(), None);
        assert_eq!(affected(b"INSERT 0 12\0"), 12);
        assert_eq!(affected(b"ROLLBACK\0"), 0);
    }
}
