//! Asking a database over a connection. Its version, then one round trip; what is made of the answer is made beside the requests.

use plinth_catalog::Catalog;
use plinth_engine::EngineError;

use super::{PREPARATION, answers, catalog, question};
use crate::error::of_statement;
use crate::wire::{Connection, Step};

/// What the question depends on.
const VERSION: &str = "select pg_catalog.current_setting('server_version_num')";

/// The catalog of the database that the connection leads to.
pub(crate) async fn read(connection: &mut Connection) -> Result<Catalog, EngineError> {
    let [version] = &ask(connection, &[VERSION], 0).await?[..] else { return Err(silent()) };
    let question = question(version.parse().map_err(|_| silent())?);
    let texts = ["begin isolation level repeatable read read only", PREPARATION, &question, "rollback"];
    let text = ask(connection, &texts, 2).await?.pop().ok_or_else(silent)?;
    let made = tokio::task::spawn_blocking(move || answers(&text).map(|answers| catalog(&answers))).await;
    match made {
        Ok(Ok(catalog)) => Ok(catalog),
        Ok(Err(error)) => {
            Err(EngineError::Internal { detail: format!("the database's catalog cannot be read: {error}") })
        }
        Err(error) => Err(EngineError::Internal { detail: format!("reading the catalog ended: {error}") }),
    }
}

/// Runs statements, and gives the first column of the rows of one of them.
async fn ask(connection: &mut Connection, texts: &[&str], of: usize) -> Result<Vec<String>, EngineError> {
    let steps: Vec<Step> = texts.iter().map(|text| Step { text, params: &[], formats: &[] }).collect();
    connection.push(&steps).map_err(of_statement)?;
    connection.push_sync();
    connection.send().await.map_err(of_statement)?;
    let mut rows = Vec::new();
    let read = connection
        .answers(steps.len(), |step, mut row| {
            if step == of {
                rows.push(String::from_utf8_lossy(row.field().unwrap_or_default()).into_owned());
            }
            Ok::<(), EngineError>(())
        })
        .await;
    // Whatever it was, the connection is of use again only at the end of the exchange.
    let finished = connection.finish().await;
    read.map_err(of_statement)??;
    finished.map_err(of_statement)?;
    Ok(rows)
}

fn silent() -> EngineError {
    EngineError::Internal { detail: "the database does not say what it is".into() }
}
