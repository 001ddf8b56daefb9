//! PostgreSQL's functions, aggregates and orders of values, registered on an SQLite connection.
//!
//! What they compute is `plinth_values`' business; here it gets its arguments, the session of the running request, and its
//! errors a way out.

mod aggregate;
mod collation;
mod form;
mod scalar;
mod search;
mod session;
mod tag;
mod transport;

use plinth_catalog::Catalog;

pub(crate) use collation::collation_name;
pub(crate) use session::{SharedSession, take_error};
pub(crate) use tag::{cast_tag, type_tags};
pub(crate) use transport::rows_json;

/// Registers everything that compiled statements of this catalog use. Doing it again, for a newer catalog, replaces what was
/// there.
pub(crate) fn register(
    connection: &rusqlite::Connection,
    catalog: &Catalog,
    session: SharedSession,
) -> rusqlite::Result<()> {
    let types = tag::EnumTypes::new(catalog);
    scalar::register(connection, &types, &session)?;
    search::register(connection)?;
    form::register(connection, &types, &session)?;
    aggregate::register(connection, &types, &session)?;
    collation::register(connection, catalog)
}
