//! The parts of expressions that only PostgreSQL can evaluate. They stand in plans over a catalog that was read from a database
//! ([`crate::Catalog::database`]) and in such a catalog itself; an engine that is not PostgreSQL never meets them.

use std::sync::Arc;

use crate::expr::{Expr, SourceId};

/// An expression that the database evaluates as it is written. Its type may be [`plinth_values::Type::Unknown`]: then only the
/// database knows it.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "explained with each form")]
pub enum Native {
    /// `left operator right`. The operator is one of the dialect's own; which function it is the database finds by the operands,
    /// in its search path
    Operator { name: &'static str, left: Expr, right: Expr },
    /// A function of `pg_catalog`, its arguments by position
    Call { name: &'static str, args: Vec<Expr> },
    /// An aggregate of `pg_catalog` over the group; `count(*)` has no argument
    Aggregate { name: &'static str, arg: Option<Expr> },
    /// The whole row of a source, as the argument of a function that takes rows of its relation
    Row(SourceId),
    /// JSON text (a bound value) as a value of this expression's type, read as `json_to_record` reads a member
    FromJson(Expr),
    /// In the arguments of a catalog function: not given, the parameter's default holds. The other arguments are then passed by
    /// name
    Omitted,
    /// Text of the database's own for a default or a generated column: there to be shown, never part of a plan
    Text(Arc<str>),
}

impl Native {
    /// The expressions inside.
    pub fn parts(&self) -> Vec<&Expr> {
        match self {
            Native::Operator { name: _, left, right } => vec![left, right],
            Native::Call { name: _, args } => args.iter().collect(),
            Native::Aggregate { name: _, arg } => arg.iter().collect(),
            Native::FromJson(inner) => vec![inner],
            Native::Row(_) | Native::Omitted | Native::Text(_) => Vec::new(),
        }
    }

    /// The expressions inside, to be changed.
    pub fn parts_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            Native::Operator { name: _, left, right } => vec![left, right],
            Native::Call { name: _, args } => args.iter_mut().collect(),
            Native::Aggregate { name: _, arg } => arg.iter_mut().collect(),
            Native::FromJson(inner) => vec![inner],
            Native::Row(_) | Native::Omitted | Native::Text(_) => Vec::new(),
        }
    }
}
