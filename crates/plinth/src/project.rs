//! A project on disk: its configuration, its keys, its schema files, its database.

use std::fs;
use std::path::{Path, PathBuf};

use plinth_catalog::{Catalog, SourceFile};
use plinth_server::Config;
use plinth_server::keys::Keys;
use plinth_sqlite::SqliteEngine;

use crate::commands::Result;

/// A project.
pub struct Project {
    /// Its folder
    pub dir: PathBuf,
    /// Its configuration
    pub config: Config,
}

impl Project {
    /// The project in a folder; its configuration is read and checked.
    pub fn open(dir: &Path) -> Result<Project> {
        if !dir.is_dir() {
            return Err(format!("{}: no such folder", dir.display()));
        }
        let config = plinth_server::config::read(dir, std::env::vars()).map_err(|error| error.to_string())?;
        let is_project = dir.join("plinth.toml").exists() || dir.join("schema").is_dir();
        if !is_project && config.database.url.is_empty() {
            return Err(format!(
                "{}: no project here (neither plinth.toml nor schema/); make one with: plinth new DIR",
                dir.display()
            ));
        }
        Ok(Project { dir: dir.to_owned(), config })
    }

    /// Its keys, made when there are none yet.
    pub fn keys(&self) -> Result<Keys> {
        plinth_server::keys::load_or_create(&self.dir, &self.config.auth.jwt_secret)
            .map_err(|error| error.to_string())
    }

    /// The files of `schema/`, sorted by path, subfolders included.
    pub fn schema_files(&self) -> Result<Vec<SourceFile>> {
        let mut paths = Vec::new();
        collect(&self.dir.join("schema"), "sql", &mut paths)?;
        if paths.is_empty() {
            return Err(format!("{}: there is no schema/*.sql", self.dir.display()));
        }
        paths.into_iter().map(|path| self.source(path)).collect()
    }

    /// Reads the schema files into a catalog; every error in them is in the message, one per line.
    pub fn catalog(&self, files: &[SourceFile]) -> Result<Catalog> {
        plinth_catalog::read(files, &plinth_catalog::Defaults::default())
            .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    /// The files of `seed/` in the order of their names.
    pub fn seed_files(&self) -> Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        for extension in ["csv", "json", "sql"] {
            collect(&self.dir.join("seed"), extension, &mut paths)?;
        }
        paths.sort();
        Ok(paths)
    }

    /// The database file.
    pub fn database_path(&self) -> PathBuf {
        self.dir.join(&self.config.database.path)
    }

    /// Opens the database, which may be empty or missing.
    pub fn engine(&self) -> Result<SqliteEngine> {
        let path = self.database_path();
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        let database = &self.config.database;
        let options = plinth_sqlite::Options {
            readers: database.readers,
            max_waiting: database.max_waiting,
            statement_timeout: std::time::Duration::from_millis(database.statement_timeout_ms),
            max_response_bytes: database.max_response_bytes,
            ..plinth_sqlite::Options::default()
        };
        SqliteEngine::open(&path, options).map_err(|error| error.to_string())
    }

    /// The folder served at `/`, when there is one.
    pub fn public(&self) -> Option<PathBuf> {
        let folder = self.dir.join(&self.config.project.public_dir);
        folder.is_dir().then_some(folder)
    }

    /// A file with its path as people know it, relative to the project.
    pub fn source(&self, path: PathBuf) -> Result<SourceFile> {
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let shown = path.strip_prefix(&self.dir).unwrap_or(&path).to_string_lossy().into_owned();
        Ok(SourceFile { path: shown, text })
    }
}

fn collect(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) -> Result {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(format!("{}: {error}", folder.display())),
    };
    for entry in entries {
        let path = entry.map_err(|error| format!("{}: {error}", folder.display()))?.path();
        if path.is_dir() {
            collect(&path, extension, found)?;
        } else if path.extension().is_some_and(|e| e.eq_ignore_ascii_case(extension)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(())
}
