//! What the meaning of a value depends on beside the value.

use jiff::tz::TimeZone;

/// The settings of the caller's session that values depend on.
#[derive(Clone, Debug)]
pub struct Session {
    /// The zone in which a timestamptz is read and shown
    pub time_zone: TimeZone,
    /// The start of the transaction, in microseconds since 1970 (UTC): what `now()` answers
    pub now: i64,
}

impl Session {
    /// A session in UTC whose transaction starts now.
    pub fn utc() -> Session {
        Session { time_zone: TimeZone::UTC, now: jiff::Timestamp::now().as_microsecond() }
    }
}
