//! The typed expressions, queries and plans of the catalog as SQLite's SQL: text with numbered parameters, and what each
//! parameter stands for. Pure functions from a catalog and a plan; running the text and binding its parameters is the engine's.
//!
//! Text is made of fixed pieces, quoted identifiers and quoted literals of the catalog; everything a request brings is a parameter.

mod aggregate;
mod call;
mod ddl;
mod expr;
mod from;
mod keyset;
mod literal;
mod node;
mod query;
mod search;
mod supported;
mod walk;
mod write;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use plinth_catalog::expr::{Expr, Setting, SourceId};
use plinth_catalog::{Catalog, Relation, RelationId, quote_ident};
use plinth_engine::EngineError;
use plinth_values::{Type, Value};

pub(crate) use call::is_polymorphic;
pub(crate) use ddl::{
    add_column, create_index, create_indexes, create_table, index_name, notes, rowid, table_name,
};
use literal::declared_type;
pub(crate) use node::{NodeSql, count, node, returning};
pub(crate) use query::query;
pub(crate) use search::{SearchIndex, search_indexes};
pub(crate) use supported::supported;
pub(crate) use walk::row_columns;
pub(crate) use write::{Rows, check_update, delete, exprs, insert, select_rowids, update};

/// A statement, or a part of one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sql {
    /// The text, with parameters `?1` to `?n`
    pub text: String,
    /// What the parameters stand for; the first is `?1`
    pub params: Vec<Param>,
}

/// What the engine has to bind.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Param {
    /// A value of the plan, by position
    Bind(usize),
    /// What the caller brings
    Setting(Setting),
    /// A column of the current row of a node further out
    Outer { source: SourceId, column: usize },
    /// A column of the row that is about to be written ([`SourceId::ROW`])
    Cell(usize),
    /// A column of the row proposed for insertion ([`SourceId::EXCLUDED`])
    Excluded(usize),
    /// The start of the transaction, in microseconds since 1970
    Now,
    /// The affected rows: a JSON array of row ids
    Rowids,
    /// The rows that the writing statement of a function returned: [`crate::functions::rows_json`]
    WriteResult,
    /// This value
    Value(Value),
}

/// Refusals while compiling are defects of the plan, or what SQLite cannot do with the same meaning.
pub(crate) type Result<T> = std::result::Result<T, EngineError>;

/// Deeper expressions and queries are refused before SQLite's own limit (1000) or the stack can be reached.
const MAX_DEPTH: usize = 150;

/// Compiles expressions and queries into one statement.
pub(crate) struct Writer<'a> {
    catalog: &'a Catalog,
    params: Vec<Param>,
    scope: Vec<(SourceId, Source<'a>)>,
    ctes: HashMap<SourceId, String>,
    /// Where the sources of the `from` begin that is being written: what a lateral subquery may refer to
    from_start: usize,
    names: usize,
    depth: usize,
    place: Place,
    /// Whether conditions that can fail stand outside: subqueries with row security then must not be flattened into them
    fallible_outside: bool,
}

/// What the text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// A statement with parameters
    Statement,
    /// A table's or index's definition, which has no parameters
    Definition,
}

/// How the columns of a source are written.
#[derive(Clone, Debug)]
pub(crate) enum Source<'a> {
    /// A table under an alias: its columns have their own names and collations
    Table { alias: String, relation: RelationId, outer: bool },
    /// A subquery or common table expression: its columns are `c0`, `c1`, …
    Columns { alias: String },
    /// The rows of `json_each` over [`crate::functions::rows_json`]: arrays, or bare values when flat
    Rows { alias: String, flat: bool, ordinality: Option<usize> },
    /// The output columns of a set operation, for its order
    Output,
    /// The columns of a table by their bare names, in its definition
    Definition(RelationId),
    /// The row about to be written, as parameters; generated columns are their expressions
    Cells(RelationId),
    /// The row proposed for insertion, as parameters
    Excluded(RelationId),
    /// A row as an update leaves it: assigned columns are their new values
    Changed { alias: String, relation: RelationId, set: Vec<(usize, &'a Expr)> },
}

impl<'a> Writer<'a> {
    /// A writer of a statement.
    pub(crate) fn new(catalog: &'a Catalog) -> Writer<'a> {
        Writer {
            catalog,
            params: Vec::new(),
            scope: Vec::new(),
            ctes: HashMap::new(),
            from_start: 0,
            names: 0,
            depth: 0,
            place: Place::Statement,
            fallible_outside: false,
        }
    }

    /// A writer of parts of a table's definition.
    fn definition(catalog: &'a Catalog, relation: &Relation) -> Writer<'a> {
        let mut writer = Writer::new(catalog);
        writer.place = Place::Definition;
        writer.push(SourceId::ROW, Source::Definition(relation.id));
        writer
    }

    /// Gives a source its form for what is written next.
    pub(crate) fn push(&mut self, id: SourceId, source: Source<'a>) {
        self.scope.push((id, source));
    }

    /// The finished statement.
    pub(crate) fn finish(self, text: String) -> Sql {
        Sql { text, params: self.params }
    }

    /// The parameter's text; one that is there already is used again.
    pub(crate) fn param(&mut self, param: Param) -> String {
        let known = self.params.iter().position(|p| *p == param);
        let index = known.unwrap_or_else(|| {
            self.params.push(param);
            self.params.len() - 1
        });
        format!("?{}", index + 1)
    }

    /// A name that the statement does not use yet. Numbered by order of appearance, so that equal plans give equal texts.
    fn name(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    /// A source of this text alone: plans number theirs from the other end.
    fn own_source(&mut self) -> SourceId {
        self.names += 1;
        SourceId(u32::MAX - u32::try_from(self.names).unwrap_or(0))
    }

    fn source(&self, id: SourceId) -> Option<&Source<'a>> {
        self.scope.iter().rev().find(|(known, _)| *known == id).map(|(_, source)| source)
    }

    /// Runs with sources of its own: they are gone afterwards.
    fn scoped<T>(&mut self, write: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let mark = self.scope.len();
        let from_start = std::mem::replace(&mut self.from_start, mark);
        let fallible_outside = self.fallible_outside;
        let result = write(self);
        self.scope.truncate(mark);
        self.from_start = from_start;
        self.fallible_outside = fallible_outside;
        result
    }

    /// Counts one level of nesting.
    fn nested<T>(&mut self, write: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= MAX_DEPTH {
            return Err(EngineError::Sql {
                code: "54001".into(),
                message: "stack depth limit exceeded".into(),
                detail: None,
                hint: Some("The expression is nested too deeply.".into()),
            });
        }
        self.depth += 1;
        let result = write(self);
        self.depth -= 1;
        result
    }

    /// A column of a source.
    fn column(&mut self, id: SourceId, column: usize, ty: &Type) -> Result<String> {
        let Some(source) = self.source(id).cloned() else {
            return match self.place {
                Place::Statement if id == SourceId::EXCLUDED => Ok(self.param(Param::Excluded(column))),
                Place::Statement => Ok(self.param(Param::Outer { source: id, column })),
                Place::Definition => Err(internal("a definition refers to another relation")),
            };
        };
        match source {
            Source::Table { alias, relation, .. } => {
                Ok(format!("{alias}.{}", quote_ident(&self.relation_column(relation, column)?.name)))
            }
            Source::Definition(relation) => Ok(quote_ident(&self.relation_column(relation, column)?.name)),
            Source::Columns { alias } => Ok(format!("{alias}.c{column}")),
            Source::Output => Ok(format!("c{column}")),
            Source::Rows { alias, ordinality, .. } if ordinality == Some(column) => {
                Ok(format!("({alias}.key + 1)"))
            }
            Source::Rows { alias, flat: true, .. } => Ok(literal::received(&format!("{alias}.value"), ty)),
            Source::Rows { alias, .. } => {
                Ok(literal::received(&format!("json_extract({alias}.value, '$[{column}]')"), ty))
            }
            Source::Cells(relation) => match &self.relation_column(relation, column)?.generated {
                Some(generated) => self.nested(|w| w.expr(generated)),
                None => Ok(self.param(Param::Cell(column))),
            },
            Source::Excluded(relation) => match &self.relation_column(relation, column)?.generated {
                Some(generated) => self.nested(|w| {
                    w.scoped(|w| {
                        w.push(SourceId::ROW, Source::Excluded(relation));
                        w.expr(generated)
                    })
                }),
                None => Ok(self.param(Param::Excluded(column))),
            },
            Source::Changed { alias, relation, set } => {
                if let Some((_, value)) = set.into_iter().find(|(changed, _)| *changed == column) {
                    return self.nested(|w| {
                        w.scoped(|w| {
                            w.push(SourceId::ROW, Source::Table { alias, relation, outer: false });
                            w.expr(value)
                        })
                    });
                }
                let definition = self.relation_column(relation, column)?;
                match &definition.generated {
                    Some(generated) => self.nested(|w| w.expr(generated)),
                    None => Ok(format!("{alias}.{}", quote_ident(&definition.name))),
                }
            }
        }
    }

    fn relation_column(&self, relation: RelationId, column: usize) -> Result<&'a plinth_catalog::Column> {
        let relation = self.catalog.relations.get(relation.0 as usize);
        relation
            .and_then(|relation| relation.columns.get(column))
            .ok_or_else(|| internal("the plan refers to a column that does not exist"))
    }
}

/// A defect; the text is for the log alone.
fn internal(detail: impl Into<String>) -> EngineError {
    EngineError::Internal { detail: detail.into() }
}

/// What SQLite cannot do with PostgreSQL's meaning (0A000).
fn not_supported(message: impl Into<String>) -> EngineError {
    EngineError::Sql { code: "0A000".into(), message: message.into(), detail: None, hint: None }
}
