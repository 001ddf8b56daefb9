//! The grammar of query parameters: text to [`plinth_query::request`] types.

mod columns;
mod cursor;
mod field;
mod filter;
mod having;
mod order;
mod select;
mod tree;

pub(crate) use columns::{columns, nested_at};
pub(crate) use field::{column_list, tree_path};
pub(crate) use filter::{condition, has_operator, logic};
pub(crate) use having::{distinct, having};
pub(crate) use order::order;
pub(crate) use select::select;
pub(crate) use tree::Attachment;
pub(crate) use tree::attach;
