//! `insert` statements of seed files, resolved against a finished catalog. What runs them is an engine's business.

use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use super::Defaults;
use crate::resolve::Resolver;
use crate::{Catalog, Diagnostic, InsertStatement, Location, Returns, SourceFile, Statement};

/// Reads a file of `insert` statements. Errors: what is no SQL, other statements, unknown names and wrong types, with their place.
pub fn read_inserts(
    catalog: &Catalog,
    file: &SourceFile,
    defaults: &Defaults,
) -> Result<Vec<InsertStatement>, Diagnostic> {
    let refuse = |message: String, hint: Option<&str>| Diagnostic {
        location: Location { path: file.path.clone(), ..Location::default() },
        message,
        hint: hint.map(str::to_owned),
    };
    let statements = Parser::parse_sql(&PostgreSqlDialect {}, &file.text)
        .map_err(|error| refuse(error.to_string(), None))?;
    let resolver = Resolver { catalog, search_path: defaults.search_path.clone(), path: &file.path };
    statements
        .iter()
        .map(|statement| match resolver.named_function_statement("", &[], statement, &Returns::Void)? {
            Statement::Insert(insert) => Ok(insert),
            Statement::Query(_) | Statement::Update(_) | Statement::Delete(_) => Err(refuse(
                "a seed file holds insert statements alone".into(),
                Some("put the rows into insert statements, a .csv or a .json file"),
            )),
        })
        .collect()
}
