//! Full-text search as PostgreSQL means it: `tsvector`, `tsquery`, the default parser, the configurations `english` and `simple`, matching and
//! ranking. The functions of these names are in `builtin::search`.

mod config;
mod index;
mod matching;
mod parser;
mod query;
mod rank;
mod scan;
mod vector;

pub use config::{Config, DEFAULT};
pub use index::{Candidates, NOTHING, candidates, tokens};
pub use matching::matches;
pub use parser::{Kind, Parser, Token};
pub use query::{MAX_DISTANCE, Node, Operand, Query, Style};
pub use rank::{DEFAULT_WEIGHTS, rank, rank_by_covers, weights};
pub use vector::{Lexeme, Position, Vector, Weight};
