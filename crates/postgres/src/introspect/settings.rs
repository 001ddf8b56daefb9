//! What the database has set for roles and for its sessions, as far as it concerns requests (PostgREST's reference, "Impersonated Role
//! Settings").

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use plinth_catalog::{Isolation, RoleSettings};

use super::rows::Answers;

/// What requests of each role set. A role without a statement timeout has the serving role's, which its sessions would begin with.
pub(super) fn role_settings(answers: &Answers) -> BTreeMap<String, RoleSettings> {
    let mut all: BTreeMap<String, RoleSettings> = BTreeMap::new();
    for (role, name, value) in &answers.role_settings {
        add(all.entry(role.clone()).or_default(), name, value);
    }
    if let Some(timeout) = &answers.statement_timeout {
        for role in &answers.roles {
            let settings = all.entry(role.name.clone()).or_default();
            if settings.statement_timeout.is_none() {
                add(settings, "statement_timeout", timeout);
            }
        }
    }
    all
}

fn add(to: &mut RoleSettings, name: &str, value: &str) {
    match name {
        "default_transaction_isolation" => {
            to.isolation = match value {
                "serializable" => Some(Isolation::Serializable),
                "repeatable read" => Some(Isolation::RepeatableRead),
                _ => Some(Isolation::ReadCommitted),
            };
            return;
        }
        // The connection's own: rows would be unreadable in another one.
        "client_encoding" => return,
        "TimeZone" => match time_zone(value) {
            Some(zone) => to.time_zone = Some(zone),
            None => return,
        },
        "statement_timeout" => to.statement_timeout = duration(value),
        _ => {}
    }
    to.settings.push((name.to_owned(), value.to_owned()));
}

/// A zone by PostgreSQL's name for it. `None`: it has a name that is known to the database alone, and UTC is used.
pub(super) fn time_zone(name: &str) -> Option<TimeZone> {
    let zone = TimeZone::get(name).or_else(|_| TimeZone::posix(name)).ok();
    if zone.is_none() {
        tracing::warn!(zone = name, "the database's time zone is not known; times are in UTC");
    }
    zone
}

/// A setting of time: a number, of milliseconds unless a unit follows (PostgreSQL's documentation, "Parameter Names and Values").
fn duration(value: &str) -> Option<Duration> {
    let value = value.trim();
    let unit = value.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(value.len());
    let (number, unit) = value.split_at_checked(unit)?;
    let number: f64 = number.trim().parse().ok()?;
    let millis = match unit {
        "us" => 0.001,
        "" | "ms" => 1.0,
        "s" => 1_000.0,
        "min" => 60_000.0,
        "h" => 3_600_000.0,
        "d" => 86_400_000.0,
        _ => return None,
    };
    Duration::try_from_secs_f64((number * millis).round() / 1000.0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, millis) in
            [("100", 100), ("100ms", 100), ("5s", 5000), ("1.5 min", 90_000), ("1h", 3_600_000), ("0", 0)]
        {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "5 weeks", "-1"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn zones_go_by_names_and_by_rules() {
        assert_eq!(time_zone("Europe/Berlin"), TimeZone::get("Europe/Berlin").ok());
        assert!(time_zone("<+02>-02").is_some());
        assert_eq!(time_zone("nowhere at all"), None);
    }
}
