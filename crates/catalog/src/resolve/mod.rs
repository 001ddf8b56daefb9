//! Expressions and queries of the parser's syntax tree to the typed form of [`crate::expr`]: names looked up, types found,
//! every implicit cast written out. Not responsible for `create …` statements: those are the reader's.

mod aggregate;
mod arguments;
mod coerce;
mod combine;
mod compare;
mod diagnose;
mod expression;
mod from;
mod function;
mod grouping;
mod joined;
mod literal;
mod naming;
mod operator;
mod query;
mod row;
mod scope;
mod select;
mod setting;
mod statement;
mod types;

use std::cell::Cell;

use plinth_values::{Modifier, Session, Type, cast};
use sqlparser::ast;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use crate::expr::{Expr, Query, SourceId};
use crate::{Catalog, Column, Diagnostic, Location, Name, Parameter, Relation, Returns, Statement};

pub use types::parse_type;

use diagnose::Place;
use scope::{Clause, Names, Scope, Table};

/// How deep expressions and queries may be nested in each other. Chains of `and` and `or` count once.
const MAX_DEPTH: u32 = 100;

type Result<T> = std::result::Result<T, Diagnostic>;

/// What expressions and queries are resolved against.
pub(crate) struct Resolver<'a> {
    /// The catalog as far as it is built
    pub catalog: &'a Catalog,
    /// The schemas in which an unqualified name is looked for, in order
    pub search_path: Vec<String>,
    /// The file that the syntax tree comes from
    pub path: &'a str,
}

impl Resolver<'_> {
    /// An expression over one row of a relation ([`SourceId::ROW`]); with `want`, cast to it as an assignment is.
    ///
    /// `context` says what the expression is, in PostgreSQL's words, and with it what is allowed: `check constraint`,
    /// `DEFAULT expression`, `column generation expression`, `index expression`, `index predicate`, `policy expression`.
    /// Only a policy may contain subqueries; generated columns and indexes must be immutable.
    pub fn row_expr(
        &self,
        relation: &str,
        columns: &[Column],
        ast: &ast::Expr,
        want: Option<(&Type, Modifier)>,
        context: &'static str,
    ) -> Result<Expr> {
        let work = self.work(&[], None);
        let same = |r: &&Relation| r.columns.iter().map(|c| &c.name).eq(columns.iter().map(|c| &c.name));
        let known =
            self.search_path.iter().find_map(|s| self.catalog.find_relation(s, relation)).filter(same);
        let mut names = Names::default();
        names.add(Table {
            name: relation.to_owned(),
            schema: known.map(|r| r.name.schema.clone()),
            source: SourceId::ROW,
            relation: known.map(|r| r.id),
            row: known.map(|r| r.id),
            columns: columns.iter().map(|c| (c.name.clone(), c.ty.clone())).collect(),
            nullable: false,
            is_value: false,
            argument: None,
        });
        let clause = Clause { name: context, subqueries: context == "policy expression", ..Clause::PLAIN };
        let scope = Scope::new(None, names, clause);
        let expr = work.expr(&scope, ast)?;
        if matches!(context, "column generation expression" | "index expression" | "index predicate") {
            work.require_immutable(ast, &expr, context)?;
        }
        match want {
            None => work.known(expr),
            Some((ty, modifier)) => work.assign(ast, expr, ty, modifier, || format!("the {context}")),
        }
    }

    /// A query.
    pub fn query(&self, ast: &ast::Query) -> Result<Query> {
        self.work(&[], None).query(None, ast)
    }

    /// A statement of a function's body, whose parameters are known by name, also qualified by the function's, and as `$1`.
    /// The columns of its rows are coerced to `returns`: give [`Returns::Void`] for every statement but the last.
    pub fn named_function_statement(
        &self,
        function: &str,
        parameters: &[Parameter],
        ast: &ast::Statement,
        returns: &Returns,
    ) -> Result<Statement> {
        self.work(parameters, Some(function)).function_statement(ast, returns)
    }

    /// A type by its name; a domain's type comes with the domain's name.
    pub fn data_type(&self, ast: &ast::DataType) -> Result<(Type, Modifier, Option<Name>)> {
        types::data_type(self.catalog, &self.search_path, ast).map_err(|message| Diagnostic {
            location: self.location(ast),
            message,
            hint: types::suggestion(self.catalog, ast),
        })
    }

    fn location(&self, at: &impl Place) -> Location {
        let start = at.start();
        Location { path: self.path.to_owned(), line: start.line, column: start.column }
    }

    fn work<'w>(&'w self, parameters: &'w [Parameter], function: Option<&'w str>) -> Work<'w> {
        let positions = self.catalog.argument_positions(parameters);
        Work {
            rows: row::parameters(self.catalog, parameters, &positions),
            positions,
            catalog: self.catalog,
            search_path: &self.search_path,
            path: self.path,
            parameters,
            function,
            depth: Cell::new(0),
            session: Session::utc(),
        }
    }
}

/// Reads one expression over the row of a relation, for tools and tests.
pub fn parse_expr(catalog: &Catalog, search_path: &[&str], relation: &str, text: &str) -> Result<Expr> {
    let ast = Parser::new(&PostgreSqlDialect {}).try_with_sql(text).and_then(|mut parser| {
        let expr = parser.parse_expr()?;
        parser.expect_token(&sqlparser::tokenizer::Token::EOF)?;
        Ok(expr)
    });
    let ast = ast.map_err(unparsable)?;
    let resolver = resolver(catalog, search_path);
    let found = search_path.iter().find_map(|schema| catalog.find_relation(schema, relation));
    let columns = found.map_or(&[][..], |relation| &relation.columns);
    resolver.row_expr(relation, columns, &ast, None, "policy expression")
}

/// Reads one query, for tools and tests.
pub fn parse_query(catalog: &Catalog, search_path: &[&str], text: &str) -> Result<Query> {
    let ast = Parser::new(&PostgreSqlDialect {}).try_with_sql(text).and_then(|mut parser| {
        let query = parser.parse_query()?;
        parser.expect_token(&sqlparser::tokenizer::Token::EOF)?;
        Ok(query)
    });
    resolver(catalog, search_path).query(&*ast.map_err(unparsable)?)
}

fn resolver<'a>(catalog: &'a Catalog, search_path: &[&str]) -> Resolver<'a> {
    Resolver { catalog, search_path: search_path.iter().map(|s| (*s).to_owned()).collect(), path: "query" }
}

fn unparsable(error: sqlparser::parser::ParserError) -> Diagnostic {
    let location = Location { path: "query".to_owned(), ..Location::default() };
    Diagnostic { location, message: error.to_string(), hint: None }
}

/// One piece of work: the resolver's surroundings, and what belongs to the expression or statement at hand.
struct Work<'a> {
    catalog: &'a Catalog,
    search_path: &'a [String],
    path: &'a str,
    parameters: &'a [Parameter],
    /// The arguments of each parameter
    positions: Vec<std::ops::Range<usize>>,
    /// The parameters that are rows, each in its place
    rows: Vec<Option<Table>>,
    function: Option<&'a str>,
    depth: Cell<u32>,
    /// Literals are read in UTC, wherever the caller is: a schema means the same for everyone.
    session: Session,
}

/// Counts one level of nesting for as long as it lives.
struct Level<'w>(&'w Cell<u32>);

impl Drop for Level<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

impl Work<'_> {
    /// Goes one level deeper, or refuses: what is too deep here would be too deep for every later walk.
    fn deeper(&self, at: &impl Place) -> Result<Level<'_>> {
        let depth = self.depth.get();
        if depth >= MAX_DEPTH {
            return Err(self
                .refuse(at, "the expression is nested too deeply")
                .hint("split it into simpler parts"));
        }
        self.depth.set(depth + 1);
        Ok(Level(&self.depth))
    }

    /// The type that an expression without context has: a bare literal is text.
    fn known(&self, expr: Expr) -> Result<Expr> {
        match expr.ty {
            Type::Unknown => self.coerce_unlocated(expr, &Type::Text, cast::Context::Implicit),
            _ => Ok(expr),
        }
    }
}
