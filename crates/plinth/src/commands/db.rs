//! `plinth db check|apply|seed`, and what serving shares with them.

use std::path::Path;
use std::sync::Arc;

use plinth_catalog::Catalog;
use plinth_engine::{Engine as _, EngineError};
use plinth_sqlite::{Applies, Batch, Change, SqliteEngine, difference};

use super::Result;
use super::postgres::{self, Addresses};
use crate::project::Project;
use crate::seed;

/// Reads the schema; errors, or how it differs from the database.
pub fn check(dir: &Path) -> Result {
    let project = Project::open(dir)?;
    if let Some(addresses) = Addresses::of(&project.config.database)? {
        return postgres::check(&project, &addresses);
    }
    let files = project.schema_files()?;
    let catalog = Arc::new(project.catalog(&files)?);
    let count = |word: &str, number: usize| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
    println!(
        "schema/ is in order: {}, {}",
        count("relation", catalog.relations.len()),
        count("function", catalog.functions.len())
    );
    for warning in unprotected(&project, &catalog) {
        println!("note: {warning}");
    }
    if !project.database_path().exists() {
        println!("there is no database yet; make it with: plinth db apply");
        return Ok(());
    }
    let engine = project.engine()?;
    let Some(applied) = adopt(&project, &engine)? else {
        println!("the database is empty; fill it with: plinth db apply");
        return Ok(());
    };
    let changes = difference(&applied, &catalog);
    if changes.is_empty() {
        println!("the database agrees with it");
        return Ok(());
    }
    print_changes(&changes);
    let blocked = engine.blocked(&catalog).map_err(|error| error.to_string())?;
    if blocked.is_empty() {
        println!("apply it with: plinth db apply");
        return Ok(());
    }
    Err(refusal(&blocked))
}

/// Creates the database, or applies what was added.
pub fn apply(dir: &Path, dry_run: bool) -> Result {
    let project = Project::open(dir)?;
    if let Some(addresses) = Addresses::of(&project.config.database)? {
        return postgres::apply(&project, &addresses, dry_run);
    }
    let files = project.schema_files()?;
    let catalog = Arc::new(project.catalog(&files)?);
    if dry_run && !project.database_path().exists() {
        println!("would create the database with {} relations", catalog.relations.len());
        return Ok(());
    }
    let engine = project.engine()?;
    let Some(applied) = adopt(&project, &engine)? else {
        if dry_run {
            println!("would create {} relations", catalog.relations.len());
            return Ok(());
        }
        engine.create(Arc::clone(&catalog), files).map_err(|error| error.to_string())?;
        println!("created the database with {} relations", catalog.relations.len());
        return Ok(());
    };
    let changes = difference(&applied, &catalog);
    print_changes(&changes);
    if dry_run {
        let blocked = engine.blocked(&catalog).map_err(|error| error.to_string())?;
        return if blocked.is_empty() { Ok(()) } else { Err(refusal(&blocked)) };
    }
    engine.apply(catalog, files).map_err(|error| error.to_string())?;
    println!("{}", if changes.is_empty() { "nothing to apply" } else { "applied" });
    Ok(())
}

/// Loads the seed files.
pub fn seed(dir: &Path) -> Result {
    let project = Project::open(dir)?;
    if let Some(addresses) = Addresses::of(&project.config.database)? {
        return postgres::seed(&project, &addresses);
    }
    let engine = project.engine()?;
    if adopt(&project, &engine)?.is_none() {
        return Err("the database is empty; make its tables first with: plinth db apply".into());
    }
    load_seed(&project, &engine)
}

/// Writes the database's model as schema files.
pub fn pull(dir: &Path) -> Result {
    let project = Project::open(dir)?;
    match Addresses::of(&project.config.database)? {
        Some(addresses) => postgres::pull(&project, &addresses),
        None => Err("[database] url names no PostgreSQL database: a SQLite file is made from schema/, so there is nothing to pull".into()),
    }
}

/// Brings the database of a starting server to the schema: creates it when it is empty; applies what was added where that is
/// allowed; refuses what differs otherwise. Without schema files the database stays as it is.
pub fn prepare(project: &Project, engine: &SqliteEngine, apply_additions: bool) -> Result {
    let applied = adopt(project, engine)?;
    if !project.dir.join("schema").is_dir() {
        return match applied {
            Some(_) => Ok(()),
            None => Err(format!("{}: there is neither schema/ nor a database", project.dir.display())),
        };
    }
    let files = project.schema_files()?;
    let catalog = Arc::new(project.catalog(&files)?);
    for warning in unprotected(project, &catalog) {
        tracing::warn!("{warning}");
    }
    let Some(applied) = applied else {
        return engine.create(catalog, files).map_err(|error| error.to_string());
    };
    let changes = difference(&applied, &catalog);
    if changes.is_empty() {
        // Files may have moved or gained comments: the database keeps their present text.
        return engine.apply(catalog, files).map(|_| ()).map_err(|error| error.to_string());
    }
    if !apply_additions {
        let list: Vec<String> = changes.iter().map(|change| format!("  {change}")).collect();
        return Err(format!(
            "schema/ differs from the database:\n{}\nApply it with: plinth db apply",
            list.join("\n")
        ));
    }
    engine.apply(catalog, files).map(|_| ()).map_err(|error| error.to_string())
}

/// Applies what was added to the schema files since; gives what changed.
pub fn apply_changes(project: &Project, engine: &SqliteEngine) -> Result<Vec<Change>> {
    let files = project.schema_files()?;
    let catalog = Arc::new(project.catalog(&files)?);
    engine.apply(catalog, files).map_err(|error| error.to_string())
}

/// Puts the catalog that the database holds in force, and gives it; `None` for an empty database.
fn adopt(project: &Project, engine: &SqliteEngine) -> Result<Option<Arc<Catalog>>> {
    let Some(files) = engine.applied().map_err(|error| error.to_string())? else { return Ok(None) };
    let catalog = Arc::new(project.catalog(&files)?);
    engine.adopt(Arc::clone(&catalog)).map_err(|error| error.to_string())?;
    Ok(Some(catalog))
}

/// Loads the seed files, all or none of them, into the tables that have no rows yet.
pub fn load_seed(project: &Project, engine: &SqliteEngine) -> Result {
    let catalog = engine.catalog();
    let schema = project.config.api.schemas.first().map_or("public", String::as_str);
    let mut batches = Vec::new();
    let mut told = Vec::new();
    for path in project.seed_files()? {
        let file = project.source(path)?;
        for batch in seed::read(&catalog, schema, &file)? {
            let name = &batch.relation.name;
            if engine.is_empty(batch.relation.id).map_err(|error| error.to_string())? {
                told.push(format!("{}: {} rows into {name}", file.path, batch.rows.len()));
                let relation = batch.relation.id;
                batches.push(Batch { relation, columns: batch.columns, rows: batch.rows });
            } else {
                tracing::info!("{}: {name} has rows already and is left as it is", file.path);
            }
        }
    }
    engine.load(batches).map_err(|error| seed_error(&error))?;
    told.iter().for_each(|line| println!("{line}"));
    Ok(())
}

fn seed_error(error: &EngineError) -> String {
    let detail = match error {
        EngineError::Sql { detail: Some(detail), .. } | EngineError::Internal { detail } => {
            format!("\n  {detail}")
        }
        _ => String::new(),
    };
    format!("seed/ is not loaded: {error}{detail}")
}

fn print_changes(changes: &[Change]) {
    for change in changes {
        let mark = match change.applies {
            Applies::Always => "+",
            Applies::WhileEmpty(_) => "?",
            Applies::Never => "!",
        };
        println!("{mark} {change}");
    }
}

fn refusal(blocked: &[Change]) -> String {
    let list: Vec<String> = blocked.iter().map(|change| format!("  {change}")).collect();
    format!("the schema cannot be changed in place:\n{}", list.join("\n"))
}

/// Exposed tables that a role of the public may reach without row security: most often an oversight.
fn unprotected(project: &Project, catalog: &Catalog) -> Vec<String> {
    let mut found = Vec::new();
    for relation in &catalog.relations {
        let Some(table) = relation.table() else { continue };
        if table.row_security || !project.config.api.schemas.contains(&relation.name.schema) {
            continue;
        }
        let writable = ["anon", "authenticated", "public"].iter().any(|role| {
            relation.grants.roles.get(*role).is_some_and(|p| p.insert.any() || p.update.any() || p.delete)
        });
        if writable {
            found.push(format!(
                "table \"{}\" can be written without row security; if that is not meant: alter table {} enable row level security",
                relation.name, relation.name
            ));
        }
    }
    found
}
