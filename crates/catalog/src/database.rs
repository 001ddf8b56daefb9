//! What a catalog that was read from a PostgreSQL database says about that database. There the database is the authority: it
//! checks privileges and row security, runs views and functions, and reads values.
//!
//! What that means for the catalog:
//! - Policies and checks are not in it; views and functions have no query and no body; a default or generated column is there as
//!   [`crate::expr::Native::Text`], so that it is known to exist.
//! - Types beyond Plinth's own are [`plinth_values::Type::Native`]. [`crate::Column::declared`] and
//!   [`crate::Parameter::declared`] are the types as the database writes them, domain and modifier included, every name
//!   qualified and quoted: safe to paste into SQL.
//!
//! What it means for a plan:
//! - Nothing is woven: no row security, no checks, no view's query, no function's body. Writes may name a view.
//! - A value in the plan's values or in a payload is what the client wrote, as text in the database's input syntax
//!   (`Value::Text`, or `Value::Null`), and not in storage form; the database reads it. With `Type::Unknown` the
//!   database takes the type from what it is compared with (a bare `$1`); otherwise it is cast to the type.
//! - Constants that planning makes itself ([`crate::expr::ExprKind::Literal`]: booleans, JSON keys and indexes, limits) are in
//!   storage form.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::tz::TimeZone;
use plinth_values::Type;

/// The database behind a catalog.
#[derive(Debug, Default)]
pub struct Database {
    /// `server_version_num`: 150004 for 15.4
    pub version: u32,
    /// The names of `pg_timezone_names`, as written there
    pub time_zones: BTreeSet<String>,
    /// The types that a request can cast to, by schema and name (`pg_catalog`, `int4`); arrays are not listed
    pub types: BTreeMap<(String, String), Type>,
    /// The zone of a session that sets none; `None` is UTC
    pub time_zone: Option<TimeZone>,
    /// What is set for requests of a role; roles without settings are not listed
    pub role_settings: BTreeMap<String, RoleSettings>,
}

/// What a request of a role sets for its transaction: what the database says the role's sessions begin with (`alter role … set`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleSettings {
    /// Names and values, in order; the isolation level is not among them
    pub settings: Vec<(String, String)>,
    /// `default_transaction_isolation`
    pub isolation: Option<Isolation>,
    /// The zone among the settings, when there is one
    pub time_zone: Option<TimeZone>,
    /// `statement_timeout` among the settings, when there is one; zero is no limit
    pub statement_timeout: Option<Duration>,
}

/// How far a transaction is kept apart from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "SQL's words")]
pub enum Isolation {
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

impl Database {
    /// The zone in which a role's requests read and show times, where the client prefers none.
    pub fn time_zone(&self, role: &str) -> TimeZone {
        let own = self.role_settings.get(role).and_then(|settings| settings.time_zone.clone());
        own.or_else(|| self.time_zone.clone()).unwrap_or(TimeZone::UTC)
    }
}
