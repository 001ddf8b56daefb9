//! Plans as PostgreSQL's SQL. Every value is a parameter with its type written out, every identifier comes from the catalog, and
//! the names that a result goes by never reach the database: rows come back by position ([`layout`]).

mod call;
mod expr;
mod from;
mod group;
mod keyset;
pub(crate) mod layout;
mod node;
mod query;
mod types;
mod write;

use std::collections::HashMap;

use plinth_catalog::expr::SourceId;
use plinth_catalog::{Catalog, Relation, RelationId, quote_ident};
use plinth_engine::EngineError;
use plinth_values::{Type, Value};

pub(crate) use keyset::{Page, page};
pub(crate) use node::{count, read};
pub(crate) use write::{delete, insert, update, written};

/// What compiling gives. An error is a defect of planning, or something that PostgreSQL cannot do.
pub(crate) type Result<T> = std::result::Result<T, EngineError>;

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sql {
    pub(crate) text: String,
    pub(crate) params: Vec<Param>,
}

/// What a parameter stands for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Param {
    /// A value of the request, by position in the plan's values
    Bind(usize),
    /// Several of them as an array
    Array(Vec<usize>),
    /// A constant of the plan, in storage form
    Value(Type, Value),
    /// Text as it is
    Text(String),
    /// The rows that were written before: JSON objects of texts
    Written,
    /// Something the caller brings along
    Setting(plinth_catalog::expr::Setting),
}

/// The form in which a sink wants values that Rust does not render.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    Json,
    Text,
}

/// Writes one statement.
pub(crate) struct Writer<'a> {
    pub(crate) catalog: &'a Catalog,
    params: Vec<Param>,
    /// The parameters that stand for a value of the request with a cast to a type, so that each is sent once
    binds: HashMap<usize, String>,
    /// What each source is called, and how its columns are
    sources: HashMap<SourceId, Source>,
    /// The columns that stand for what rows are grouped by
    group_keys: Vec<group::GroupKey>,
    names: usize,
    depth: usize,
    form: Form,
}

/// A source of rows under its alias.
#[derive(Clone, Debug)]
struct Source {
    alias: String,
    columns: SourceColumns,
}

/// How the columns of a source are called.
#[derive(Clone, Copy, Debug)]
enum SourceColumns {
    /// As the relation's
    Relation(RelationId),
    /// As the relation's; but its rows are not of the relation's type
    Written(RelationId),
    /// `c0`, `c1`, …
    Numbered,
}

/// How deep a statement may be nested: beyond it the stack would be in danger, here and in the database.
const MAX_DEPTH: usize = 200;

impl<'a> Writer<'a> {
    fn new(catalog: &'a Catalog, form: Form) -> Writer<'a> {
        Writer {
            catalog,
            params: Vec::new(),
            binds: HashMap::new(),
            sources: HashMap::new(),
            group_keys: Vec::new(),
            names: 0,
            depth: 0,
            form,
        }
    }

    fn finish(self, text: String) -> Sql {
        Sql { text, params: self.params }
    }

    /// A parameter, by its place: `$3`.
    fn param(&mut self, param: Param) -> String {
        self.params.push(param);
        format!("${}", self.params.len())
    }

    /// A name that nothing else in the statement has.
    fn name(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    fn define(&mut self, id: SourceId, alias: String, columns: SourceColumns) {
        self.sources.insert(id, Source { alias, columns });
    }

    fn source(&self, id: SourceId) -> Result<&Source> {
        self.sources.get(&id).ok_or_else(|| internal("the plan refers to a source that is not in scope"))
    }

    fn column(&self, id: SourceId, column: usize) -> Result<String> {
        let source = self.source(id)?;
        match source.columns {
            SourceColumns::Numbered => Ok(format!("{}.c{column}", source.alias)),
            SourceColumns::Relation(relation) | SourceColumns::Written(relation) => {
                Ok(format!("{}.{}", source.alias, column_name(self.relation(relation)?, column)?))
            }
        }
    }

    fn relation(&self, id: RelationId) -> Result<&'a Relation> {
        let relation = self.catalog.relations.get(id.0 as usize);
        relation.ok_or_else(|| internal("the plan refers to a relation that does not exist"))
    }

    /// Runs what goes one level deeper.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= MAX_DEPTH {
            return Err(EngineError::Sql {
                code: "54001".into(),
                message: "the request is nested too deeply".into(),
                detail: None,
                hint: None,
            });
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }
}

/// A relation's name, qualified.
fn relation_name(relation: &Relation) -> String {
    format!("{}.{}", quote_ident(&relation.name.schema), quote_ident(&relation.name.name))
}

/// The quoted name of a relation's column.
fn column_name(relation: &Relation, column: usize) -> Result<String> {
    let column = relation.columns.get(column);
    column.map(|column| quote_ident(&column.name)).ok_or_else(|| internal("a relation lacks a column"))
}

fn internal(detail: &str) -> EngineError {
    EngineError::Internal { detail: detail.to_owned() }
}
