//! The functions that stand between full-text queries and their indexes: `plinth_search_tokens`, what an index is given for a vector,
//! and `plinth_search_match`, what it is asked for a query: null when it cannot tell, and everything has to be looked at.

use plinth_values::search::{Candidates, NOTHING, Query, Vector, candidates, tokens};
use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};

use super::session::refuse;

pub(super) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        // Triggers may call them.
        | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function("plinth_search_tokens", 1, flags, |context| {
        let Some(text) = text(context)? else { return Ok(None) };
        Vector::parse(&text).map(|vector| Some(tokens(&vector))).map_err(refuse)
    })?;
    connection.create_scalar_function("plinth_search_match", 1, flags, |context| {
        // Nothing matches null.
        let Some(text) = text(context)? else { return Ok(Some(NOTHING.to_owned())) };
        let query = Query::parse(&text).map_err(refuse)?;
        Ok(match candidates(&query) {
            Candidates::None => Some(NOTHING.to_owned()),
            Candidates::All => None,
            Candidates::Matching(expression) => Some(expression),
        })
    })
}

fn text(context: &Context<'_>) -> rusqlite::Result<Option<String>> {
    context.get(0)
}
