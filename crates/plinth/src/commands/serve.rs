//! `plinth serve` and `plinth dev`

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use notify::Watcher as _;
use plinth_catalog::Catalog;
use plinth_engine::Engine as _;
use plinth_server::keys::Keys;
use plinth_server::{App, log, serve as http};
use plinth_sqlite::SqliteEngine;

use super::postgres::{self, Addresses};
use super::{Result, db};
use crate::project::Project;

/// Serves the project until SIGTERM. `dev` also applies additive changes, now and whenever a schema file changes.
pub fn run(dir: &Path, listen: Option<String>, seed: bool, dev: bool) -> Result {
    let mut project = Project::open(dir)?;
    if let Some(listen) = listen {
        project.config.server.listen = listen;
    }
    log::init(&project.config.log);
    let keys = project.keys()?;
    if let Some(addresses) = Addresses::of(&project.config.database)? {
        return run_postgres(&project, &addresses, &keys, seed, dev);
    }
    let engine = Arc::new(project.engine()?);
    db::prepare(&project, &engine, dev)?;
    if seed {
        db::load_seed(&project, &engine)?;
    }
    runtime()?.block_on(async {
        let (listener, address) = http::listen(&project.config.server.listen).await?;
        let app = App::new(
            Arc::clone(&engine) as Arc<dyn plinth_engine::Engine>,
            project.config.clone(),
            &keys,
            project.public(),
        );
        announce(&project, &engine.catalog(), &keys, address, dev);
        let _watcher = if dev { Some(watch(project, Arc::clone(&engine))?) } else { None };
        let finished = http::serve(listener, Arc::new(app), http::stop_signal()).await;
        tracing::info!(finished, "stopped");
        Ok(())
    })
}

/// The same over a PostgreSQL database: `dev` applies the schema files to an empty one.
fn run_postgres(project: &Project, addresses: &Addresses, keys: &Keys, seed: bool, dev: bool) -> Result {
    runtime()?.block_on(async {
        if dev {
            postgres::prepare(project, addresses).await?;
        }
        if seed {
            postgres::load_seed(project, addresses).await?;
        }
        let engine = postgres::engine(project, addresses);
        let (listener, address) = http::listen(&project.config.server.listen).await?;
        let shared = Arc::clone(&engine) as Arc<dyn plinth_engine::Engine>;
        let app = App::new(shared, project.config.clone(), keys, project.public());
        if dev {
            postgres::wait_for_catalog(project, &engine).await;
        }
        announce(project, &engine.catalog(), keys, address, dev);
        let finished = http::serve(listener, Arc::new(app), http::stop_signal()).await;
        tracing::info!(finished, "stopped");
        Ok(())
    })
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the runtime could not be started: {error}"))
}

fn announce(project: &Project, catalog: &Catalog, keys: &Keys, address: std::net::SocketAddr, dev: bool) {
    if !dev {
        tracing::info!(%address, project = project.config.project.name, "serving");
        return;
    }
    let path = readable(catalog, &project.config.api.schemas, &project.config.api.anon_role);
    println!("{} is served at http://{address}\n", project.config.project.name);
    println!("  anon key          {}", keys.anon_key);
    println!("  service_role key  {}\n", keys.service_role_key);
    println!("  curl 'http://{address}/rest/v1/{path}?limit=3' -H 'apikey: {}'\n", keys.anon_key);
}

/// A table that everyone may read, for the line to try: the one with the most relationships.
fn readable<'a>(catalog: &'a Catalog, schemas: &[String], role: &str) -> &'a str {
    catalog
        .relations
        .iter()
        .filter(|relation| schemas.first() == Some(&relation.name.schema))
        .filter(|relation| {
            let granted = |name: &str| {
                relation.grants.roles.get(name).is_some_and(|p| p.select == plinth_catalog::Columns::All)
            };
            granted(role) || granted("public")
        })
        .max_by_key(|relation| catalog.relationships.iter().filter(|r| r.from == relation.id).count())
        .map_or("", |relation| relation.name.name.as_str())
}

/// Applies additive changes of the schema files as they happen; tells everything else. Watching ends when the watcher is dropped.
fn watch(project: Project, engine: Arc<SqliteEngine>) -> Result<notify::RecommendedWatcher> {
    let (changed, changes) = mpsc::channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !matches!(event.kind, notify::EventKind::Access(_))) {
            let _ = changed.send(());
        }
    })
    .map_err(|error| format!("schema/ cannot be watched: {error}"))?;
    watcher
        .watch(&project.dir.join("schema"), notify::RecursiveMode::Recursive)
        .map_err(|error| format!("schema/ cannot be watched: {error}"))?;
    std::thread::spawn(move || {
        while changes.recv().is_ok() {
            // An editor writes a file in several steps: wait until it is quiet.
            while changes.recv_timeout(Duration::from_millis(150)).is_ok() {}
            match db::apply_changes(&project, &engine) {
                Ok(applied) if applied.is_empty() => {}
                Ok(applied) => {
                    for change in applied {
                        tracing::info!("{change}");
                    }
                    tracing::info!("the schema is applied");
                }
                Err(message) => tracing::error!("the schema is not applied: {message}"),
            }
        }
    });
    Ok(watcher)
}
