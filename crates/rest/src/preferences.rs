//! The `Prefer` header (RFC 7240) and what of it was applied.

use http::HeaderMap;
use jiff::tz::TimeZone;
use plinth_query::request::Count;

use crate::error::ApiError;

/// What a client prefers. Where a preference is repeated, the first one counts.
#[derive(Clone, Debug, Default)]
pub struct Preferences {
    /// `resolution=merge-duplicates` (`true`), `resolution=ignore-duplicates` (`false`)
    pub merge: Option<bool>,
    /// `missing=default` (`true`), `missing=null` (`false`)
    pub missing_default: Option<bool>,
    /// `return=…`
    pub returning: Option<Return>,
    /// `count=…`
    pub count: Option<Count>,
    /// `tx=…`
    pub transaction: Option<Transaction>,
    /// `handling=…`
    pub handling: Option<Handling>,
    /// `timezone=…`: the name as given, and the zone
    pub time_zone: Option<(String, TimeZone)>,
    /// `max-affected=…`
    pub max_affected: Option<u64>,
}

/// `return=…`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the header's words")]
pub enum Return {
    Minimal,
    HeadersOnly,
    Representation,
}

/// `tx=…`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the header's words")]
pub enum Transaction {
    Commit,
    Rollback,
}

/// `handling=…`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the header's words")]
pub enum Handling {
    Strict,
    Lenient,
}

/// Reads every `Prefer` header. Errors: with `handling=strict`, preferences that are not known (PGRST122); a time zone that does
/// not exist (22023).
pub(crate) fn preferences(headers: &HeaderMap) -> Result<Preferences, ApiError> {
    let mut found = Preferences::default();
    let mut unknown = Vec::new();
    let tokens = headers
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|token| !token.is_empty());
    for token in tokens {
        if !known(&mut found, token)? {
            unknown.push(token);
        }
    }
    if found.handling == Some(Handling::Strict) && !unknown.is_empty() {
        return Err(ApiError::new(400, "PGRST122", "Invalid preferences given with handling=strict")
            .details(format!("Invalid preferences: {}", unknown.join(", "))));
    }
    Ok(found)
}

fn known(found: &mut Preferences, token: &str) -> Result<bool, ApiError> {
    fn first<T>(slot: &mut Option<T>, value: T) {
        if slot.is_none() {
            *slot = Some(value);
        }
    }
    match token {
        "resolution=merge-duplicates" => first(&mut found.merge, true),
        "resolution=ignore-duplicates" => first(&mut found.merge, false),
        "missing=default" => first(&mut found.missing_default, true),
        "missing=null" => first(&mut found.missing_default, false),
        "return=minimal" => first(&mut found.returning, Return::Minimal),
        "return=headers-only" => first(&mut found.returning, Return::HeadersOnly),
        "return=representation" => first(&mut found.returning, Return::Representation),
        "count=exact" => first(&mut found.count, Count::Exact),
        "count=planned" => first(&mut found.count, Count::Planned),
        "count=estimated" => first(&mut found.count, Count::Estimated),
        "tx=commit" => first(&mut found.transaction, Transaction::Commit),
        "tx=rollback" => first(&mut found.transaction, Transaction::Rollback),
        "handling=strict" => first(&mut found.handling, Handling::Strict),
        "handling=lenient" => first(&mut found.handling, Handling::Lenient),
        _ => {
            if let Some(name) = token.strip_prefix("timezone=") {
                let zone = time_zone(name)?;
                first(&mut found.time_zone, (name.to_owned(), zone));
            } else if let Some(Ok(rows)) = token.strip_prefix("max-affected=").map(str::parse) {
                first(&mut found.max_affected, rows);
            } else {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// A zone of the IANA database, or a fixed offset, which PostgreSQL reads as POSIX does: `+05:30` is west of Greenwich.
fn time_zone(name: &str) -> Result<TimeZone, ApiError> {
    let invalid =
        || ApiError::new(400, "22023", format!("invalid value for parameter \"TimeZone\": \"{name}\""));
    if name.eq_ignore_ascii_case("utc") || name.eq_ignore_ascii_case("gmt") || name.eq_ignore_ascii_case("z")
    {
        return Ok(TimeZone::UTC);
    }
    let digits = name.trim_start_matches(['+', '-']);
    if digits.starts_with(|c: char| c.is_ascii_digit()) {
        return fixed_offset(name, digits, invalid);
    }
    TimeZone::get(name).map_err(|_| invalid())
}

fn fixed_offset(name: &str, digits: &str, invalid: impl Fn() -> ApiError) -> Result<TimeZone, ApiError> {
    let mut parts = digits.split(':').map(|part| part.parse::<i32>().map_err(|_| invalid()));
    let hours = parts.next().transpose()?.unwrap_or(0);
    let minutes = parts.next().transpose()?.unwrap_or(0);
    let seconds = parts.next().transpose()?.unwrap_or(0);
    if seconds != 0 {
        return Err(ApiError::new(400, "22023", format!("time zone \"{name}\" appears to use leap seconds"))
            .details("PostgreSQL does not support leap seconds."));
    }
    if hours > 15 || minutes > 59 || parts.next().is_some() {
        return Err(invalid());
    }
    let sign = if name.starts_with('-') { 1 } else { -1 };
    jiff::tz::Offset::from_seconds(sign * (hours * 3600 + minutes * 60))
        .map(TimeZone::fixed)
        .map_err(|_| invalid())
}

impl Preferences {
    /// The `Preference-Applied` header, in the dialect's fixed order. The arguments say which preferences had a meaning for this
    /// request.
    pub(crate) fn applied(&self, applies: Applies) -> Option<String> {
        let mut applied: Vec<String> = Vec::new();
        if let (true, Some(merge)) = (applies.resolution, self.merge) {
            applied
                .push(format!("resolution={}", if merge { "merge-duplicates" } else { "ignore-duplicates" }));
        }
        if let (true, Some(default)) = (applies.missing, self.missing_default) {
            applied.push(format!("missing={}", if default { "default" } else { "null" }));
        }
        if let (true, Some(returning)) = (applies.returning, self.returning) {
            applied.push(format!(
                "return={}",
                match returning {
                    Return::Minimal => "minimal",
                    Return::HeadersOnly => "headers-only",
                    Return::Representation => "representation",
                }
            ));
        }
        if let Some(count) = self.count {
            applied.push(format!(
                "count={}",
                match count {
                    Count::Exact => "exact",
                    Count::Planned => "planned",
                    Count::Estimated => "estimated",
                }
            ));
        }
        if let (true, Some(transaction)) = (applies.transaction, self.transaction) {
            applied.push(format!(
                "tx={}",
                match transaction {
                    Transaction::Commit => "commit",
                    Transaction::Rollback => "rollback",
                }
            ));
        }
        if let Some(handling) = self.handling {
            applied.push(format!(
                "handling={}",
                match handling {
                    Handling::Strict => "strict",
                    Handling::Lenient => "lenient",
                }
            ));
        }
        if let Some((name, _)) = &self.time_zone {
            applied.push(format!("timezone={name}"));
        }
        if let (true, Some(rows)) = (applies.max_affected, self.max_affected) {
            applied.push(format!("max-affected={rows}"));
        }
        (!applied.is_empty()).then(|| applied.join(", "))
    }
}

/// Which preferences have a meaning for a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Applies {
    pub(crate) resolution: bool,
    pub(crate) missing: bool,
    pub(crate) returning: bool,
    pub(crate) transaction: bool,
    pub(crate) max_affected: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<Preferences, ApiError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("prefer", value.parse().unwrap());
        }
        preferences(&headers)
    }

    #[test]
    fn the_first_of_a_kind_counts() {
        let found = read(&["return=minimal, return=representation", "count=exact"]).unwrap();
        assert_eq!(found.returning, Some(Return::Minimal));
        assert_eq!(found.count, Some(Count::Exact));
    }

    #[test]
    fn strict_handling_refuses_what_is_unknown() {
        assert_eq!(read(&["handling=strict, anything, max-affected=x"]).unwrap_err().code, "PGRST122");
        assert!(read(&["handling=lenient, anything"]).is_ok());
    }

    #[test]
    fn time_zones() {
        for good in ["UTC", "America/Los_Angeles", "+05:30", "-03"] {
            assert!(read(&[&format!("timezone={good}")]).is_ok(), "{good}");
        }
        for bad in ["Invalid/Timezone", "05:30:15", "+99", "5x", "+1:2:0:4"] {
            assert_eq!(read(&[&format!("timezone={bad}")]).unwrap_err().code, "22023", "{bad}");
        }
    }
}
