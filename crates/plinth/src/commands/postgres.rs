//! What the commands do when the project's database is a PostgreSQL server: it reads the SQL of `schema/` itself, and what it holds is
//! served as it is.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use plinth_catalog::Catalog;
use plinth_engine::Engine as _;
use plinth_postgres::{Address, Admin, AdminError, Options, PostgresEngine, Rows, SchemaFile, Values};
use plinth_server::config::Database;
use serde_json::value::RawValue;

use super::Result;
use crate::project::Project;
use crate::seed;

/// The roles that requests run as, beside those that the schema makes.
const ROLES: [&str; 3] = ["anon", "authenticated", "service_role"];

/// Where the database is, for requests and for changing it.
pub struct Addresses {
    serving: Address,
    admin: Address,
}

impl Addresses {
    /// Reads them from the configuration; `None` for a SQLite project.
    pub fn of(database: &Database) -> Result<Option<Addresses>> {
        if database.url.is_empty() {
            return Ok(None);
        }
        let serving = Address::parse(&database.url).map_err(|error| format!("[database] url: {error}"))?;
        let admin = match database.admin_url.as_str() {
            "" => serving.clone(),
            url => Address::parse(url).map_err(|error| format!("[database] admin_url: {error}"))?,
        };
        Ok(Some(Addresses { serving, admin }))
    }
}

/// The engine over the project's database. It need not be there yet.
pub fn engine(project: &Project, addresses: &Addresses) -> Arc<PostgresEngine> {
    let database = &project.config.database;
    let api = &project.config.api;
    PostgresEngine::start(
        addresses.serving.clone(),
        Options {
            pool: database.pool,
            pool_wait: Duration::from_millis(database.pool_wait_ms),
            max_waiting: database.max_waiting,
            prepared_statements: if database.prepared_statements {
                database.max_prepared_statements
            } else {
                0
            },
            statement_timeout: Duration::from_millis(database.statement_timeout_ms),
            connect_timeout: Duration::from_millis(database.connect_timeout_ms),
            network_grace: Duration::from_millis(database.network_grace_ms),
            max_response_bytes: database.max_response_bytes,
            extra_search_path: api.extra_search_path.clone(),
            estimate_above: if api.max_rows == 0 { u64::MAX } else { api.max_rows },
        },
    )
}

/// The catalog of the project's database, as the role of requests finds it.
pub fn catalog(project: &Project, addresses: &Addresses) -> Result<Arc<Catalog>> {
    block_on(async {
        let engine = engine(project, addresses);
        wait_for_catalog(project, &engine).await;
        engine.has_catalog().map_err(|error| error.to_string())?;
        Ok(engine.catalog())
    })
}

/// Waits for the engine's catalog, for as long as a connection may take.
pub async fn wait_for_catalog(project: &Project, engine: &PostgresEngine) {
    let deadline = Duration::from_millis(project.config.database.connect_timeout_ms);
    let ready = async {
        while engine.has_catalog().is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let _ = tokio::time::timeout(deadline, ready).await;
}

/// `plinth db apply`: makes the roles and functions that are missing, and applies `schema/` to an empty database.
pub fn apply(project: &Project, addresses: &Addresses, dry_run: bool) -> Result {
    block_on(async {
        if !project.dir.join("schema").is_dir() {
            if !dry_run {
                connect(addresses).await?.prepare(&addresses.serving, &ROLES).await.map_err(text)?;
            }
            println!("there is no schema/ to apply; what serving needs is in the database");
            return Ok(());
        }
        let files = schema_files(project)?;
        let admin = connect(addresses).await?;
        let already = admin.applied().await.map_err(text)?;
        match already {
            Some(applied) if applied == files => println!("nothing to apply"),
            Some(_) => return Err(differs()),
            None => {
                refuse_occupied(project, &admin).await?;
                if dry_run {
                    println!("would apply {} files of schema/", files.len());
                    return Ok(());
                }
                admin.prepare(&addresses.serving, &ROLES).await.map_err(text)?;
                admin.apply(&addresses.serving, &files).await.map_err(text)?;
                println!("applied {} files of schema/", files.len());
            }
        }
        Ok(())
    })
}

/// `plinth db check`: whether the database is what `schema/` says, by its text.
pub fn check(project: &Project, addresses: &Addresses) -> Result {
    block_on(async {
        let files = schema_files(project)?;
        let admin = connect(addresses).await?;
        match admin.applied().await.map_err(text)? {
            Some(applied) if applied == files => println!("the database agrees with schema/"),
            Some(_) => return Err(differs()),
            None => println!("schema/ is not applied; apply it with: plinth db apply"),
        }
        Ok(())
    })
}

/// `plinth db pull`: writes the database's model to `schema/`, where nothing may be yet.
pub fn pull(project: &Project, addresses: &Addresses) -> Result {
    let folder = project.dir.join("schema");
    let is_sql = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.is_ok_and(|entry| entry.path().extension().is_some_and(|extension| extension == "sql"))
    };
    if std::fs::read_dir(&folder).is_ok_and(|mut entries| entries.any(is_sql)) {
        return Err(format!("{} has files already; move them away first", folder.display()));
    }
    let pulled = block_on(async {
        let admin = connect(addresses).await?;
        admin.pull().await.map_err(text)
    })?;
    let written = |error: std::io::Error| format!("{}: {error}", folder.display());
    std::fs::create_dir_all(&folder).map_err(written)?;
    for file in &pulled.files {
        std::fs::write(project.dir.join(&file.path), &file.text).map_err(written)?;
        println!("{}", file.path);
    }
    for what in &pulled.left_out {
        println!("note: not written: {what}");
    }
    Ok(())
}

/// `plinth db seed`: loads the files of `seed/` into tables without rows.
pub fn seed(project: &Project, addresses: &Addresses) -> Result {
    block_on(load_seed(project, addresses))
}

/// What `plinth dev` does before it serves: `schema/` is applied where nothing is yet.
pub async fn prepare(project: &Project, addresses: &Addresses) -> Result {
    if !project.dir.join("schema").is_dir() {
        return Ok(());
    }
    let files = schema_files(project)?;
    let admin = connect(addresses).await?;
    match admin.applied().await.map_err(text)? {
        Some(applied) if applied == files => Ok(()),
        Some(_) => Err(differs()),
        None => {
            refuse_occupied(project, &admin).await?;
            admin.prepare(&addresses.serving, &ROLES).await.map_err(text)?;
            admin.apply(&addresses.serving, &files).await.map_err(text)
        }
    }
}

/// Loads the seed files, all or none of them.
pub async fn load_seed(project: &Project, addresses: &Addresses) -> Result {
    let schema = project.config.api.schemas.first().map_or("public", String::as_str);
    let admin = connect(addresses).await?;
    let mut told = Vec::new();
    admin.run("begin; set constraints all deferred").await.map_err(text)?;
    for path in project.seed_files()? {
        let file = project.source(path)?;
        let file = SchemaFile { path: file.path, text: file.text };
        if file.path.ends_with(".sql") {
            admin.run_file(&file).await.map_err(text)?;
            told.push(file.path.clone());
            continue;
        }
        let mut last = None;
        let mut empty = false;
        for rows in rows(schema, &file)? {
            if last.as_ref() != Some(&rows.table) {
                empty =
                    admin.is_empty(&rows.table).await.map_err(|error| format!("{}: {error}", file.path))?;
                last = Some(rows.table.clone());
            }
            if empty {
                let loaded = admin.load(&rows).await.map_err(|error| format!("{}: {error}", file.path))?;
                told.push(format!("{}: {loaded} rows into {}.{}", file.path, rows.table.0, rows.table.1));
            }
        }
    }
    admin.run("commit").await.map_err(text)?;
    told.iter().for_each(|line| println!("{line}"));
    Ok(())
}

/// The rows of a CSV or JSON file, those with the same columns together.
fn rows(default_schema: &str, file: &SchemaFile) -> Result<Vec<Rows>> {
    let path = Path::new(&file.path);
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let name = stem.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches(['_', '-']);
    let table = |name: &str| {
        let (schema, name) = name.split_once('.').unwrap_or((default_schema, name));
        (schema.to_owned(), name.to_owned())
    };
    let located = |message: String| format!("{}: {message}", file.path);
    if file.path.to_ascii_lowercase().ends_with(".csv") {
        return csv(&table(name), &file.text).map_err(located);
    }
    let text = file.text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with('[') {
        return json(&table(name), text).map_err(located);
    }
    let tables: BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(text).map_err(|error| located(error.to_string()))?;
    // In the order of the text: a table may refer to one before it.
    let order: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(text).map_err(|error| located(error.to_string()))?;
    let mut all = Vec::new();
    for (name, rows) in order.keys().filter_map(|name| tables.get_key_value(name)) {
        all.extend(json(&table(name), rows.get()).map_err(|error| located(format!("{name}: {error}")))?);
    }
    Ok(all)
}

fn csv(table: &(String, String), text: &str) -> Result<Vec<Rows>> {
    let text = text.trim_start_matches('\u{feff}');
    let header = seed::csv_records(text)?.into_iter().next().ok_or("the header line is missing")?;
    let columns = header.into_iter().map(Option::unwrap_or_default).collect();
    Ok(vec![Rows { table: table.clone(), columns, values: Values::Csv(text.to_owned()) }])
}

/// An array of objects. Values keep their text, which a json column keeps too.
fn json(table: &(String, String), text: &str) -> Result<Vec<Rows>> {
    let rows: Vec<BTreeMap<String, Box<RawValue>>> =
        serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut batches: Vec<(Vec<String>, Vec<String>)> = Vec::new();
    for row in rows {
        let columns: Vec<String> = row.keys().cloned().collect();
        let row = serde_json::to_string(&row).map_err(|error| error.to_string())?;
        match batches.last_mut() {
            Some((known, rows)) if *known == columns => rows.push(row),
            _ => batches.push((columns, vec![row])),
        }
    }
    let rows = |(columns, rows): (Vec<String>, Vec<String>)| Rows {
        table: table.clone(),
        columns,
        values: Values::Json(format!("[{}]", rows.join(","))),
    };
    Ok(batches.into_iter().map(rows).collect())
}

fn schema_files(project: &Project) -> Result<Vec<SchemaFile>> {
    let files = project.schema_files()?.into_iter();
    Ok(files.map(|file| SchemaFile { path: file.path, text: file.text }).collect())
}

async fn refuse_occupied(project: &Project, admin: &Admin) -> Result {
    let there = admin.relations(&project.config.api.schemas).await.map_err(text)?;
    if there > 0 {
        return Err(format!(
            "the database has {there} relations that did not come from schema/, which is only applied to an empty one; \
             to serve the database as it is: plinth serve"
        ));
    }
    Ok(())
}

fn differs() -> String {
    "schema/ differs from what was applied to the database; changes are not applied to PostgreSQL yet: \
     make them there, or begin with an empty database"
        .to_owned()
}

async fn connect(addresses: &Addresses) -> Result<Admin> {
    Admin::connect(&addresses.admin).await.map_err(text)
}

fn text(error: AdminError) -> String {
    error.to_string()
}

fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the runtime could not be started: {error}"))?
        .block_on(future)
}
