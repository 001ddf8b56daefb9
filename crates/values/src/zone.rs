//! Time zones: their names, and the offset that holds at an instant or at a local time.

use jiff::tz::TimeZone;
use crate::Result;

/// The zone that `at time zone 'name'` means: an IANA name, an abbreviation, or an offset of POSIX's sign.
/// Error: 22023 `time zone "x" not recognized`.
pub fn by_name(name: &str) -> Result<TimeZone> { let _ = name; unimplemented!() }

/// Seconds east of UTC at an instant (microseconds since 1970 UTC; finite).
pub fn offset_at(zone: &TimeZone, micros: i64) -> i32 { let _ = (zone, micros); unimplemented!() }

/// The local time of an instant. Infinities stay. Errors: 22008.
pub fn to_local(zone: &TimeZone, micros: i64) -> Result<i64> { let _ = (zone, micros); unimplemented!() }

/// The instant of a local time: in a gap the offset before it holds, in an overlap the one after. Infinities stay. Errors: 22008.
pub fn to_instant(zone: &TimeZone, local: i64) -> Result<i64> { let _ = (zone, local); unimplemented!() }
