//! Which commands a target offers, for `OPTIONS`. What a caller may not know of has no influence, as in planning.

use plinth_catalog::{Catalog, Function, Relation, RelationKind, Writable};
use plinth_values::builtin::Volatility;

use super::access::Access;
use super::reach::reached;
use super::written::{is_updatable, key_of};
use crate::caller::Caller;
use crate::refusal::Refusal;
use crate::request::Target;

/// The commands that a target offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    /// A table or a view
    Relation {
        /// Rows may be read
        read: bool,
        /// Rows may be inserted
        insert: bool,
        /// One row may be put under its primary key
        put: bool,
        /// Rows may be changed
        update: bool,
        /// Rows may be deleted
        delete: bool,
    },
    /// A function
    Function {
        /// It can be called without changing anything
        read: bool,
    },
}

/// What a target offers: with `hide_ungranted` what the caller may do with it, otherwise what anyone with every privilege may.
/// Errors: the target is not there for the caller.
pub fn offered(
    catalog: &Catalog,
    caller: &Caller,
    target: &Target,
    hide_ungranted: bool,
) -> Result<Offered, Refusal> {
    let access = Access::new(catalog, caller, hide_ungranted);
    match target {
        Target::Relation { schema, name } => {
            let relation = access.relation(schema, name)?;
            Ok(if hide_ungranted { to_caller(catalog, caller, relation) } else { at_all(catalog, relation) })
        }
        Target::Function { schema, name } => {
            super::find(catalog, caller, target, hide_ungranted)?;
            let there = |function: &&Function| !hide_ungranted || access.may_execute(function);
            let reads = |function: &Function| function.volatility != Volatility::Volatile;
            Ok(Offered::Function { read: catalog.find_functions(schema, name).filter(there).any(reads) })
        }
    }
}

fn to_caller(catalog: &Catalog, caller: &Caller, relation: &Relation) -> Offered {
    match reached(catalog, caller, relation) {
        Some(reached) => Offered::Relation {
            read: !reached.select.is_empty(),
            insert: !reached.insert.is_empty(),
            put: reached.put,
            update: !reached.update.is_empty(),
            delete: reached.delete,
        },
        None => Offered::Relation { read: false, insert: false, put: false, update: false, delete: false },
    }
}

fn at_all(catalog: &Catalog, relation: &Relation) -> Offered {
    let all = |open| Writable { insert: open, update: open, delete: open };
    let (open, has_key) = match &relation.kind {
        RelationKind::Table(table) => (all(true), table.primary_key.is_some()),
        RelationKind::View(view) => {
            let open = match catalog.database {
                Some(_) => view.writable,
                // A view of nothing but computed columns takes no values, as in PostgreSQL.
                None => {
                    let delete = is_updatable(catalog, relation);
                    let takes_values = delete && view.origins.iter().any(Option::is_some);
                    Writable { insert: takes_values, update: takes_values, delete }
                }
            };
            (open, key_of(catalog, relation).is_some())
        }
    };
    let Writable { insert, update, delete } = open;
    Offered::Relation { read: true, insert, put: insert && update && has_key, update, delete }
}
