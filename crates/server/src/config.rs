//! `plinth.toml` and the environment.
//!
//! Every key can come from the environment as `PLINTH_<SECTION>_<KEY>`, which wins over the file. A key that does not exist is an
//! error, with the one that was probably meant.

use std::path::Path;
use std::time::Duration;

use plinth_engine::RememberLimits;
use plinth_query::request::Limits;
use plinth_rest::BatchOptions;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

/// The whole configuration. What is not said has the default here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// About the project itself
    pub project: Project,
    /// The HTTP server
    pub server: Server,
    /// The database
    pub database: Database,
    /// The API over the data
    pub api: Api,
    /// Several requests in one
    pub batch: Batch,
    /// Answers kept under an `Idempotency-Key`
    pub idempotency: Idempotency,
    /// Tokens
    pub auth: Auth,
    /// Cross-origin requests
    pub cors: Cors,
    /// Compression of responses
    pub compression: Compression,
    /// Logs
    pub log: Log,
}

/// `[project]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Project {
    /// The project's name, for people
    pub name: String,
    /// The folder that is served at `/`, relative to the project
    pub public_dir: String,
}

/// `[server]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Server {
    /// Address and port
    pub listen: String,
    /// Connections served at once; further ones wait
    pub max_connections: usize,
    /// Bytes of a request's body
    pub max_body_bytes: usize,
    /// Seconds for a request's head to arrive
    pub header_timeout_seconds: u64,
    /// Seconds for a request's body to arrive
    pub body_timeout_seconds: u64,
    /// Seconds that a reader may wait, all in all, for a client to take an answer that is sent in parts
    pub send_timeout_seconds: u64,
    /// Seconds that requests in flight have to finish after SIGTERM
    pub shutdown_seconds: u64,
}

/// `[database]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Database {
    /// A PostgreSQL database, `postgres://…`; the SQLite file when empty
    pub url: String,
    /// The same database as a role that may change its schema; `url` when empty
    pub admin_url: String,
    /// The SQLite file, relative to the project
    pub path: String,
    /// Milliseconds a statement may take
    pub statement_timeout_ms: u64,
    /// Bytes of one response
    pub max_response_bytes: usize,
    /// SQLite: connections for reading
    pub readers: usize,
    /// PostgreSQL: connections at once
    pub pool: usize,
    /// PostgreSQL: milliseconds that a request waits for a connection
    pub pool_wait_ms: u64,
    /// PostgreSQL: milliseconds that opening a connection may take
    pub connect_timeout_ms: u64,
    /// PostgreSQL: milliseconds that the network may add to a statement's time
    pub network_grace_ms: u64,
    /// PostgreSQL: whether connections keep statements prepared; not where they are shared (PgBouncer in transaction mode)
    pub prepared_statements: bool,
    /// PostgreSQL: statements that a connection keeps prepared
    pub max_prepared_statements: usize,
    /// Requests that may wait for the database; further ones are refused with 503
    pub max_waiting: usize,
}

/// `[api]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Api {
    /// The exposed schemas; the first one is the default
    pub schemas: Vec<String>,
    /// PostgreSQL: further schemas in which functions and types are looked up
    pub extra_search_path: Vec<String>,
    /// The role of requests without a token
    pub anon_role: String,
    /// Rows of one read; 0 is no limit
    pub max_rows: u64,
    /// A relation that the caller has no privilege on is answered as if it did not exist
    pub hide_ungranted: bool,
    /// Whether requests may aggregate
    pub aggregates: bool,
    /// Whether a client may roll its request back (`Prefer: tx=rollback`)
    pub allow_rollback: bool,
    /// Whether the root answers the OpenAPI document of what the caller may reach
    pub openapi: bool,
    /// Whether a client may ask for the plan of a request (`Accept: application/vnd.pgrst.plan`)
    pub plan_enabled: bool,
    /// Whether answers tell what each station took (`Server-Timing`)
    pub server_timing: bool,
    /// Nesting of embedded resources
    pub max_embed_depth: usize,
    /// Values selected of a row, and keys of an order
    pub max_select: usize,
    /// Bytes of a cursor
    pub max_cursor_bytes: usize,
    /// Conditions in one request
    pub max_filters: usize,
    /// Values in one `in` list
    pub max_in_list: usize,
    /// Length of one full-text query, in bytes
    pub max_search_bytes: usize,
    /// Rows in one payload
    pub max_payload_rows: usize,
    /// Plans of reads that are kept for requests that differ in their values alone; 0 plans every request anew
    pub plans_kept: usize,
}

/// `[batch]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Batch {
    /// The name that batches are posted to; a table of this name cannot be posted to. Empty: there are no batches
    pub path: String,
    /// Requests in one batch
    pub max_requests: usize,
}

/// `[idempotency]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Idempotency {
    /// Hours that a key is remembered
    pub keep_hours: u64,
    /// Bytes of one answer that is remembered
    pub max_answer_bytes: u64,
    /// Keys of one caller
    pub max_keys: u64,
    /// Bytes of all answers remembered for one caller
    pub max_total_bytes: u64,
}

/// `[auth]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Auth {
    /// The secret that tokens are signed with, at least 32 bytes; the project's own when empty
    pub jwt_secret: String,
    /// The audience that tokens with an `aud` must name; any when empty
    pub jwt_audience: String,
    /// Verified tokens that are remembered, by their hash; 0 verifies the token of every request anew
    pub tokens_kept: usize,
}

/// `[cors]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cors {
    /// The origins that browsers may call from; `*` is any
    pub origins: Vec<String>,
    /// Seconds a browser may keep a preflight's answer
    pub max_age_seconds: u64,
}

/// `[compression]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Compression {
    /// Whether responses are compressed
    pub enabled: bool,
    /// Bytes from which it pays
    pub min_bytes: usize,
}

/// `[log]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Log {
    /// What is logged, in tracing's filter syntax: `info`, `plinth=debug`
    pub level: String,
    /// `text`, `json`, or `auto`: text on a terminal, JSON otherwise
    pub format: String,
}

impl Default for Project {
    fn default() -> Project {
        Project { name: "plinth".into(), public_dir: "public".into() }
    }
}

impl Default for Server {
    fn default() -> Server {
        Server {
            listen: "127.0.0.1:8000".into(),
            max_connections: 10_000,
            max_body_bytes: 10 * 1024 * 1024,
            header_timeout_seconds: 15,
            body_timeout_seconds: 60,
            send_timeout_seconds: 60,
            shutdown_seconds: 30,
        }
    }
}

impl Default for Database {
    fn default() -> Database {
        Database {
            url: String::new(),
            admin_url: String::new(),
            path: "data/plinth.db".into(),
            statement_timeout_ms: 8_000,
            max_response_bytes: 64 * 1024 * 1024,
            readers: 4,
            pool: 10,
            pool_wait_ms: 10_000,
            connect_timeout_ms: 5_000,
            network_grace_ms: 5_000,
            prepared_statements: true,
            max_prepared_statements: 256,
            max_waiting: 1_000,
        }
    }
}

impl Default for Api {
    fn default() -> Api {
        let limits = Limits::default();
        Api {
            schemas: vec!["public".into()],
            extra_search_path: vec!["public".into()],
            anon_role: "anon".into(),
            max_rows: limits.max_rows.unwrap_or(0),
            hide_ungranted: limits.hide_ungranted,
            aggregates: limits.aggregates,
            allow_rollback: false,
            openapi: true,
            plan_enabled: false,
            server_timing: false,
            max_embed_depth: limits.max_embed_depth,
            max_select: limits.max_select,
            max_cursor_bytes: plinth_rest::Options::default().max_cursor_bytes,
            max_filters: limits.max_filters,
            max_in_list: limits.max_in_list,
            max_search_bytes: limits.max_search_bytes,
            max_payload_rows: limits.max_payload_rows,
            plans_kept: 1_000,
        }
    }
}

impl Default for Batch {
    fn default() -> Batch {
        let BatchOptions { path, max_requests } = BatchOptions::default();
        Batch { path, max_requests }
    }
}

impl Default for Idempotency {
    fn default() -> Idempotency {
        Idempotency {
            keep_hours: 24,
            max_answer_bytes: 64 * 1024,
            max_keys: 100_000,
            max_total_bytes: 64 * 1024 * 1024,
        }
    }
}

impl Idempotency {
    /// What the engine is told.
    pub fn limits(&self) -> RememberLimits {
        RememberLimits {
            keep: Duration::from_secs(self.keep_hours.saturating_mul(3600)),
            max_answer_bytes: self.max_answer_bytes,
            max_keys: self.max_keys,
            max_total_bytes: self.max_total_bytes,
        }
    }
}

impl Default for Auth {
    fn default() -> Auth {
        Auth { jwt_secret: String::new(), jwt_audience: String::new(), tokens_kept: 10_000 }
    }
}

impl Default for Cors {
    fn default() -> Cors {
        Cors { origins: vec!["*".into()], max_age_seconds: 86_400 }
    }
}

impl Default for Compression {
    fn default() -> Compression {
        Compression { enabled: true, min_bytes: 1_024 }
    }
}

impl Default for Log {
    fn default() -> Log {
        Log { level: "info".into(), format: "auto".into() }
    }
}

impl Api {
    /// The limits that planning enforces.
    pub fn limits(&self) -> Limits {
        Limits {
            max_rows: (self.max_rows > 0).then_some(self.max_rows),
            max_embed_depth: self.max_embed_depth,
            max_select: self.max_select,
            max_filters: self.max_filters,
            max_in_list: self.max_in_list,
            max_search_bytes: self.max_search_bytes,
            max_payload_rows: self.max_payload_rows,
            aggregates: self.aggregates,
            hide_ungranted: self.hide_ungranted,
        }
    }
}

impl Config {
    /// What the REST dialect needs to know; `secret` is the project's.
    pub fn rest(&self, secret: &str) -> plinth_rest::Options {
        plinth_rest::Options {
            schemas: self.api.schemas.clone(),
            limits: self.api.limits(),
            allow_rollback: self.api.allow_rollback,
            openapi: self.api.openapi,
            plans: self.api.plan_enabled,
            batch: BatchOptions { path: self.batch.path.clone(), max_requests: self.batch.max_requests },
            cursor_key: Some(plinth_rest::CursorKey::derive(secret)),
            max_cursor_bytes: self.api.max_cursor_bytes,
        }
    }
}

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error, PartialEq)]
#[error("{0}")]
pub struct ConfigError(String);

/// Reads the configuration of a project: its `plinth.toml` (which may be missing) and the environment's variables.
pub fn read(
    project: &Path,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let path = project.join("plinth.toml");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(ConfigError(format!("{}: {error}", path.display()))),
    };
    parse(&text, environment).map_err(|ConfigError(message)| {
        let place = if message.starts_with("PLINTH_") { String::new() } else { "plinth.toml: ".into() };
        ConfigError(format!("{place}{message}"))
    })
}

/// Reads the configuration from the text of `plinth.toml` and the environment's variables.
pub fn parse(text: &str, environment: impl Iterator<Item = (String, String)>) -> Result<Config, ConfigError> {
    let mut table: Table = toml::from_str(text).map_err(|error| ConfigError(error.to_string()))?;
    let known = Table::try_from(Config::default()).map_err(|error| ConfigError(error.to_string()))?;
    check_keys(&table, &known)?;
    for (name, value) in environment {
        if let Some(key) = name.strip_prefix("PLINTH_") {
            set_from_environment(&mut table, &known, &name, key, &value)?;
        }
    }
    let config: Config = table.try_into().map_err(|error: toml::de::Error| ConfigError(error.to_string()))?;
    check_values(&config)?;
    Ok(config)
}

fn check_keys(table: &Table, known: &Table) -> Result<(), ConfigError> {
    for (section, value) in table {
        let Some(Value::Table(keys)) = known.get(section) else {
            return Err(unknown("section", &format!("[{section}]"), section, known.keys()));
        };
        let Value::Table(entries) = value else {
            return Err(ConfigError(format!("\"{section}\" must be a section: [{section}]")));
        };
        for key in entries.keys() {
            if !keys.contains_key(key) {
                return Err(unknown("key", &format!("\"{key}\" in [{section}]"), key, keys.keys()));
            }
        }
    }
    Ok(())
}

fn unknown<'a>(what: &str, shown: &str, name: &str, known: impl Iterator<Item = &'a String>) -> ConfigError {
    let closest = known.max_by(|a, b| strsim::jaro(a, name).total_cmp(&strsim::jaro(b, name)));
    let hint = match closest {
        Some(closest) if strsim::jaro(closest, name) > 0.7 => format!("; did you mean \"{closest}\"?"),
        _ => String::new(),
    };
    ConfigError(format!("unknown {what} {shown}{hint}"))
}

/// `PLINTH_SERVER_LISTEN=…`: the value is read as the type that the key has.
fn set_from_environment(
    table: &mut Table,
    known: &Table,
    name: &str,
    key: &str,
    text: &str,
) -> Result<(), ConfigError> {
    let lower = key.to_ascii_lowercase();
    let found = known.iter().find_map(|(section, keys)| {
        let rest = lower.strip_prefix(section.as_str())?.strip_prefix('_')?;
        let default = keys.as_table()?.get(rest)?;
        Some((section.clone(), rest.to_owned(), default))
    });
    let Some((section, key, default)) = found else {
        let all: Vec<String> = known
            .iter()
            .filter_map(|(section, keys)| Some((section, keys.as_table()?)))
            .flat_map(|(section, keys)| keys.keys().map(move |key| format!("{section}_{key}")))
            .map(|name| format!("PLINTH_{}", name.to_ascii_uppercase()))
            .collect();
        return Err(ConfigError(format!("{name}: {}", unknown("variable", name, name, all.iter()))));
    };
    let wrong = |kind: &str| ConfigError(format!("{name}: expected {kind}, found \"{text}\""));
    let value = match default {
        Value::Integer(_) => Value::Integer(text.trim().parse().map_err(|_| wrong("a whole number"))?),
        Value::Boolean(_) => Value::Boolean(text.trim().parse().map_err(|_| wrong("true or false"))?),
        Value::Array(_) => Value::Array(
            text.split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| Value::String(item.to_owned()))
                .collect(),
        ),
        _ => Value::String(text.to_owned()),
    };
    if let Value::Table(entries) = table.entry(section).or_insert_with(|| Value::Table(Table::new())) {
        entries.insert(key, value);
    }
    Ok(())
}

fn check_values(config: &Config) -> Result<(), ConfigError> {
    let refuse = |message: &str| Err(ConfigError(message.to_owned()));
    if config.api.schemas.is_empty() {
        return refuse("\"schemas\" in [api] must name at least one schema");
    }
    if !config.auth.jwt_secret.is_empty() && config.auth.jwt_secret.len() < 32 {
        return refuse("\"jwt_secret\" in [auth] must have at least 32 bytes");
    }
    if !matches!(config.log.format.as_str(), "auto" | "text" | "json") {
        return refuse("\"format\" in [log] must be \"auto\", \"text\" or \"json\"");
    }
    if config.server.max_connections == 0 || config.database.readers == 0 {
        return refuse("\"max_connections\" in [server] and \"readers\" in [database] must be at least 1");
    }
    if config.database.pool == 0 {
        return refuse("\"pool\" in [database] must be at least 1");
    }
    if config.api.max_embed_depth > 32 {
        return refuse("\"max_embed_depth\" in [api] must be at most 32");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
        parse(text, variables.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))).map_err(|e| e.0)
    }

    #[test]
    fn nothing_said_is_the_default() {
        assert_eq!(read("", &[]).unwrap(), Config::default());
    }

    #[test]
    fn the_environment_wins() {
        let config = read(
            "[server]\nlisten = \"a:1\"\n[api]\nmax_rows = 5",
            &[
                ("PLINTH_SERVER_LISTEN", "b:2"),
                ("PLINTH_API_SCHEMAS", "public, other"),
                ("PLINTH_API_AGGREGATES", "true"),
                ("OTHER", "x"),
            ],
        )
        .unwrap();
        assert_eq!(config.server.listen, "b:2");
        assert_eq!(config.api.schemas, ["public", "other"]);
        assert!(config.api.aggregates);
        assert_eq!(config.api.limits().max_rows, Some(5));
    }

    #[test]
    fn what_is_unknown_is_refused_with_a_suggestion() {
        for (text, variables, part) in [
            (
                "[server]\nlisen = \"a:1\"",
                &[][..],
                "unknown key \"lisen\" in [server]; did you mean \"listen\"?",
            ),
            ("[sever]\nlisten = \"a:1\"", &[], "unknown section [sever]; did you mean \"server\"?"),
            ("server = 1", &[], "must be a section"),
            ("", &[("PLINTH_SERVER_LISEN", "x")], "did you mean \"PLINTH_SERVER_LISTEN\"?"),
            ("", &[("PLINTH_API_MAX_ROWS", "many")], "expected a whole number, found \"many\""),
            ("[api]\nmax_rows = \"many\"", &[], "invalid type"),
            ("[api]\nmax_rows = -1", &[], "invalid value"),
            ("[api]\nschemas = []", &[], "at least one schema"),
            ("[auth]\njwt_secret = \"short\"", &[], "at least 32 bytes"),
            ("[log]\nformat = \"xml\"", &[], "\"auto\", \"text\" or \"json\""),
            ("[", &[], "TOML parse error"),
        ] {
            let error = read(text, variables).unwrap_err();
            assert!(error.contains(part), "{text} {variables:?}: {error}");
        }
    }
}
