//! What is done to a database by a role that may change it: the roles and functions that serving needs, schema files applied as they
//! are, first rows loaded. The database reads the SQL; here it is only taken apart into statements.

mod pull;
mod script;

use std::fmt::Write as _;

use futures_util::SinkExt as _;
use plinth_catalog::quote_ident;
use postgres_protocol::escape::escape_literal;
use postgres_protocol::password::scram_sha_256;
use tokio_postgres::Client;
use tokio_postgres::error::ErrorPosition;

use crate::address::Address;

pub use pull::Pulled;

/// A connection of the administrator's.
pub struct Admin {
    client: Client,
    driver: tokio::task::JoinHandle<()>,
}

/// A schema file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaFile {
    /// Its path, as people know it
    pub path: String,
    /// What is in it
    pub text: String,
}

/// Rows for one table.
#[derive(Clone, Debug)]
pub struct Rows {
    /// Schema and name of the table
    pub table: (String, String),
    /// The columns that are given
    pub columns: Vec<String>,
    /// The rows
    pub values: Values,
}

/// Rows as text that the database reads.
#[derive(Clone, Debug)]
pub enum Values {
    /// A JSON array of objects, read as `json_populate_recordset` does
    Json(String),
    /// CSV with a header line, read as `copy` does
    Csv(String),
}

/// Why something was not done to the database.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The database cannot be connected to
    #[error("the database {database} cannot be connected to: {reason}")]
    Unreachable {
        /// Host and database
        database: String,
        /// What is wrong
        reason: String,
    },
    /// A file's SQL is refused
    #[error("{path}{place}: {message}")]
    Refused {
        /// The file
        path: String,
        /// `:line:column`, where the database says it
        place: String,
        /// The database's words
        message: String,
    },
    /// Anything else that the database says
    #[error("{0}")]
    Database(String),
}

/// The functions by which SQL learns who asks, each with its body; made where they are missing.
const FUNCTIONS: [(&str, &str, &str); 3] = [
    (
        "uid",
        "uuid",
        "select case when claims ->> 'sub' ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then (claims ->> 'sub')::uuid end \
         from (select nullif(current_setting('request.jwt.claims', true), '')::jsonb as claims) as c",
    ),
    ("jwt", "jsonb", "select nullif(current_setting('request.jwt.claims', true), '')::jsonb"),
    (
        "role",
        "text",
        "select coalesce(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role', current_user::text)",
    ),
];

/// Where what was applied is kept: in a schema of its own that nobody else may use.
const RECORD: &str = "create schema if not exists plinth; \
    create table if not exists plinth.applied_files (position int primary key, path text not null, text text not null)";

/// Where answers are kept under their Idempotency-Key.
const REMEMBERED: &str = "create schema if not exists plinth; \
    create table if not exists plinth.remembered (owner bytea not null, key bytea not null, fingerprint bytea not null, \
    expires timestamptz not null, answer bytea not null, primary key (owner, key)); \
    create index if not exists remembered_expires on plinth.remembered (expires)";

/// The schemas that are not the system's.
const SCHEMAS: &str = "select nspname::text from pg_namespace where nspname !~ '^pg_'";

/// Of those, the ones whose rights nothing was said about.
const UNSAID: &str = "select nspname::text from pg_namespace where nspname !~ '^pg_' and nspacl is null";

/// All roles.
const ROLES: &str = "select rolname::text from pg_roles";

/// A grant for each sequence that belongs to a column and each role that may insert into its table.
const SEQUENCES: &str = "select distinct format('grant usage on sequence %s to %s', s.oid::regclass, \
    case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end) \
    from pg_class s join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = s.oid \
    and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i') join pg_class t on t.oid = d.refobjid \
    left join pg_attribute c on c.attrelid = t.oid and c.attacl is not null, \
    aclexplode(nullif(coalesce(t.relacl, '{}') || coalesce(c.attacl, '{}'), '{}')) as a \
    where s.relkind = 'S' and a.privilege_type = 'INSERT' and a.grantee <> t.relowner";

impl Admin {
    /// Connects.
    pub async fn connect(address: &Address) -> Result<Admin, AdminError> {
        let unreachable = |error: &tokio_postgres::Error| AdminError::Unreachable {
            database: address.to_string(),
            reason: words(error),
        };
        let (client, connection) = address.connect().await.map_err(|error| unreachable(&error))?;
        let driver = tokio::spawn(async move {
            let _ = connection.await;
        });
        Ok(Admin { client, driver })
    }

    /// Makes what serving needs and is missing: the roles of requests, the role that serves (`authenticator`, when it is another one
    /// than the administrator) with membership in them and no rights of its own, and `auth.uid()`, `auth.jwt()`, `auth.role()`.
    pub async fn prepare(&self, authenticator: &Address, roles: &[&str]) -> Result<(), AdminError> {
        self.run("begin").await?;
        for role in roles {
            if !self.exists("select 1 from pg_roles where rolname = $1", role).await? {
                let bypass = if *role == "service_role" { " bypassrls" } else { "" };
                self.make_role(&format!("{} nologin noinherit{bypass}", quote_ident(role))).await?;
            }
        }
        let own: String = self.one("select current_user::text").await?;
        if let Some(name) = authenticator.config.get_user().filter(|name| *name != own) {
            if !self.exists("select 1 from pg_roles where rolname = $1", name).await? {
                let password = match authenticator.config.get_password() {
                    // The database keeps it in this form; the password itself never comes into a statement or a log.
                    Some(password) => format!(" password {}", escape_literal(&scram_sha_256(password))),
                    None => String::new(),
                };
                self.make_role(&format!("{} login noinherit{password}", quote_ident(name))).await?;
            }
            let superuser = "select 1 from pg_roles where rolname = $1 and rolsuper";
            if !self.exists(superuser, name).await? {
                for role in roles {
                    self.run(&format!("grant {} to {}", quote_ident(role), quote_ident(name))).await?;
                }
            }
        }
        self.run("create schema if not exists auth; grant usage on schema auth to public").await?;
        for (name, returns, body) in FUNCTIONS {
            let there = "select 1 from pg_proc where pronamespace = 'auth'::regnamespace and proname = $1 and pronargs = 0";
            if !self.exists(there, name).await? {
                let body = escape_literal(body);
                self.run(&format!(
                    "create function auth.{name}() returns {returns} language sql stable as {body}"
                ))
                .await?;
            }
        }
        self.run(REMEMBERED).await?;
        let serving = authenticator.config.get_user().map_or_else(|| quote_ident(&own), quote_ident);
        self.run(&format!(
            "grant usage on schema plinth to {serving}; grant select, insert, delete on plinth.remembered to {serving}"
        ))
        .await?;
        self.run("commit").await
    }

    /// Makes a role, which belongs to all databases of the server: another one may be making it at the same time.
    async fn make_role(&self, definition: &str) -> Result<(), AdminError> {
        let body = format!(
            "begin create role {definition}; exception when duplicate_object or unique_violation then null; end"
        );
        self.run(&format!("do {}", escape_literal(&body))).await
    }

    /// The files that were applied; `None` where none ever were.
    pub async fn applied(&self) -> Result<Option<Vec<SchemaFile>>, AdminError> {
        if !self.exists("select 1 where to_regclass($1) is not null", "plinth.applied_files").await? {
            return Ok(None);
        }
        let rows =
            self.client.query("select path, text from plinth.applied_files order by position", &[]).await;
        let rows = rows.map_err(|error| AdminError::Database(words(&error)))?;
        Ok(Some(rows.iter().map(|row| SchemaFile { path: row.get(0), text: row.get(1) }).collect()))
    }

    /// The relations of these schemas that no extension brought: what a schema would meet.
    pub async fn relations(&self, schemas: &[String]) -> Result<i64, AdminError> {
        let count = "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace \
            where n.nspname = any ($1) and c.relkind in ('r', 'v', 'm', 'p', 'f') \
            and not exists (select 1 from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')";
        let row = self.client.query_one(count, &[&schemas]).await;
        row.map(|row| row.get(0)).map_err(|error| AdminError::Database(words(&error)))
    }

    /// Applies files to a database, all or none, and keeps them there. What a model's files leave unsaid is said for them: schemas that
    /// they make and say nothing more of can be used by every role (what is in them cannot without a grant), who may insert into a table may take numbers
    /// from its sequences, and the `authenticator` may become every role that they make.
    pub async fn apply(&self, authenticator: &Address, files: &[SchemaFile]) -> Result<(), AdminError> {
        self.run("begin").await?;
        let schemas = self.names(SCHEMAS).await?;
        let roles = self.names(ROLES).await?;
        let mut made = Vec::new();
        for file in files {
            for statement in script::statements(&file.text) {
                if let Some(role) = script::created_role(statement.text) {
                    // Roles are the cluster's: another database's schema may have made it.
                    let there = roles.contains(&role);
                    made.push(role);
                    if there {
                        continue;
                    }
                }
                let run = self.client.batch_execute(statement.text).await;
                run.map_err(|error| refused(file, statement.start, &error))?;
            }
        }
        for schema in self.names(UNSAID).await?.iter().filter(|schema| !schemas.contains(schema)) {
            self.run(&format!("grant usage on schema {} to public", quote_ident(schema))).await?;
        }
        let own: String = self.one("select current_user::text").await?;
        if let Some(name) = authenticator.config.get_user().filter(|name| *name != own) {
            for role in &made {
                self.run(&format!("grant {} to {}", quote_ident(role), quote_ident(name))).await?;
            }
        }
        for grant in self.names(SEQUENCES).await? {
            self.run(&grant).await?;
        }
        self.run(RECORD).await?;
        for (position, file) in files.iter().enumerate() {
            let position = i32::try_from(position).unwrap_or(i32::MAX);
            let insert = "insert into plinth.applied_files (position, path, text) values ($1, $2, $3)";
            let inserted = self.client.execute(insert, &[&position, &file.path, &file.text]).await;
            inserted.map_err(|error| AdminError::Database(words(&error)))?;
        }
        self.run("notify pgrst, 'reload schema'").await?;
        self.run("commit").await
    }

    /// Runs a file of SQL in the transaction that is open.
    pub async fn run_file(&self, file: &SchemaFile) -> Result<(), AdminError> {
        self.client.batch_execute(&file.text).await.map_err(|error| refused(file, 0, &error))
    }

    /// Whether a table has no rows.
    pub async fn is_empty(&self, table: &(String, String)) -> Result<bool, AdminError> {
        let name = format!("{}.{}", quote_ident(&table.0), quote_ident(&table.1));
        let found: Option<i32> = self.one(&format!("select (select 1 from {name} limit 1)")).await?;
        Ok(found.is_none())
    }

    /// Loads rows into a table; its sequences go on behind them.
    pub async fn load(&self, rows: &Rows) -> Result<u64, AdminError> {
        let name = format!("{}.{}", quote_ident(&rows.table.0), quote_ident(&rows.table.1));
        let columns: Vec<String> = rows.columns.iter().map(|column| quote_ident(column)).collect();
        let list = columns.join(", ");
        let loaded = match &rows.values {
            Values::Json(json) => {
                let insert = format!(
                    "insert into {name} ({list}) overriding system value \
                     select {list} from json_populate_recordset(null::{name}, $1::text::json)"
                );
                self.client.execute(&insert, &[json]).await
            }
            Values::Csv(text) => {
                self.copy(&format!("copy {name} ({list}) from stdin (format csv, header)"), text).await
            }
        };
        let loaded = loaded.map_err(|error| AdminError::Database(format!("{name}: {}", words(&error))))?;
        let owned = "select c from unnest($2::text[]) as c where pg_get_serial_sequence($1, c) is not null";
        let owned = self.client.query(owned, &[&name, &rows.columns]).await;
        let mut sequences = String::new();
        for row in owned.map_err(|error| AdminError::Database(words(&error)))? {
            let column: String = row.get(0);
            let _ = write!(
                sequences,
                "select setval(pg_get_serial_sequence({}, {}), max({})) from {name}; ",
                escape_literal(&name),
                escape_literal(&column),
                quote_ident(&column)
            );
        }
        self.run(&sequences).await?;
        Ok(loaded)
    }

    async fn copy(&self, statement: &str, text: &str) -> Result<u64, tokio_postgres::Error> {
        let sink = self.client.copy_in(statement).await?;
        let mut sink = std::pin::pin!(sink);
        sink.send(bytes::Bytes::copy_from_slice(text.as_bytes())).await?;
        sink.finish().await
    }

    /// Runs statements of Plinth's own.
    pub async fn run(&self, sql: &str) -> Result<(), AdminError> {
        self.client.batch_execute(sql).await.map_err(|error| AdminError::Database(words(&error)))
    }

    async fn exists(&self, query: &str, name: &str) -> Result<bool, AdminError> {
        let row = self.client.query_opt(query, &[&name]).await;
        row.map(|row| row.is_some()).map_err(|error| AdminError::Database(words(&error)))
    }

    async fn names(&self, query: &str) -> Result<Vec<String>, AdminError> {
        let rows =
            self.client.query(query, &[]).await.map_err(|error| AdminError::Database(words(&error)))?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    async fn one<T>(&self, query: &str) -> Result<T, AdminError>
    where
        T: for<'a> tokio_postgres::types::FromSql<'a>,
    {
        let row = self.client.query_one(query, &[]).await;
        row.map(|row| row.get(0)).map_err(|error| AdminError::Database(words(&error)))
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// The database's own words, or what happened to the connection.
fn words(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(error) => {
            let detail = error.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
            format!("{}{detail}", error.message())
        }
        None => match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}

/// A refusal of what begins at so many bytes of a file.
fn refused(file: &SchemaFile, start: usize, error: &tokio_postgres::Error) -> AdminError {
    let within = match error.as_db_error().and_then(|error| error.position()) {
        Some(ErrorPosition::Original(position)) => *position as usize,
        _ => 1,
    };
    let before = file.text.get(..start).map_or(0, |before| before.chars().count());
    let place = place(&file.text, before + within);
    AdminError::Refused { path: file.path.clone(), place, message: words(error) }
}

/// `:line:column` of a position in characters, from 1.
fn place(text: &str, position: usize) -> String {
    let before: String = text.chars().take(position.saturating_sub(1)).collect();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!(":{line}:{column}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_lines_and_columns() {
        assert_eq!(place("select 1;\nsélect x", 11), ":2:1");
        assert_eq!(place("select 1;\nsélect x", 18), ":2:8");
        assert_eq!(place("", 1), ":1:1");
    }
}
