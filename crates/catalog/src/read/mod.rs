//! Schema files to a catalog. Statements may stand in any order over any number of files, so everything is parsed first, then
//! built in the order in which it depends on each other. Expressions and queries are resolved by [`crate::resolve`].
//!
//! Order in the text matters only where it does in PostgreSQL beyond mere existence: for `grant` after `revoke`, for
//! `on all tables in schema` and default privileges, and for `create or replace`.

mod comments;
mod constraints;
mod cursor;
mod cycles;
mod dependencies;
mod expressions;
mod files;
mod functions;
mod grammar;
mod grants;
mod indexes;
mod names;
mod origins;
mod policies;
mod reader;
mod roles;
mod schemas;
mod seeds;
mod syntax;
mod tables;
mod types;
mod views;

pub use self::seeds::read_inserts;

use self::cursor::Cursor;
use self::reader::Reader;
use self::syntax::{Place, Statement};
use crate::relationships::relationships;
use crate::{Catalog, Diagnostic, SourceFile};

/// What names in schema files mean where they do not say it themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// The schemas in which names without a schema are looked for; new objects go into the first
    pub search_path: Vec<String>,
}

impl Default for Defaults {
    fn default() -> Defaults {
        Defaults { search_path: vec!["public".to_owned()] }
    }
}

/// Reads schema files. Errors are all that were found, by file and position; one error does not hide others that have nothing
/// to do with it, but names are looked up only when every statement could be parsed.
pub fn read(files: &[SourceFile], defaults: &Defaults) -> Result<Catalog, Vec<Diagnostic>> {
    let mut reader = Reader::new(files, &defaults.search_path);
    let statements = parse(&mut reader, files);
    reader.checkpoint()?;

    schemas::declare(&mut reader, &statements);
    roles::declare(&mut reader, &statements);
    let domains = types::declare(&mut reader, &statements);
    let mut tables = tables::declare(&mut reader, &statements);
    let mut views = views::declare(&mut reader, &statements);
    reader.checkpoint()?;
    reader.number_relations(&mut tables, &mut views);
    let functions = functions::declare(&mut reader, &statements);
    reader.checkpoint()?;

    constraints::keys(&mut reader, &tables);
    indexes::find_unique(&mut reader, &statements);
    constraints::foreign_keys(&mut reader, &tables);
    functions::parameter_defaults(&mut reader, &functions);
    views::build(&mut reader, &views);
    functions::bodies(&mut reader, &functions);
    types::expressions(&mut reader, &domains);
    expressions::columns(&mut reader, &tables);
    expressions::check_generated(&mut reader, &tables);
    constraints::checks(&mut reader, &tables, &domains);
    indexes::build(&mut reader, &statements);
    policies::build(&mut reader, &statements);
    grants::apply(&mut reader, &statements);
    comments::apply(&mut reader, &statements);
    reader.checkpoint()?;

    cycles::check(&mut reader);
    reader.checkpoint()?;

    let mut catalog = reader.into_catalog();
    catalog.relationships = relationships(&catalog.relations);
    Ok(catalog)
}

/// All statements of all files, in order.
fn parse(reader: &mut Reader<'_>, files: &[SourceFile]) -> Vec<Statement> {
    let mut statements = Vec::new();
    for (file, source) in files.iter().enumerate() {
        let start = Place { file, line: 1, column: 1 };
        let tokens = match files::tokenize(&source.text, start) {
            Ok(tokens) => tokens,
            Err((place, message)) => {
                reader.report(place, message);
                continue;
            }
        };
        for tokens in files::split(tokens) {
            let parsed = Cursor::new(&source.path, file, tokens)
                .and_then(|mut cursor| grammar::statement(&mut cursor));
            statements.extend(reader.keep(parsed));
        }
    }
    statements
}
