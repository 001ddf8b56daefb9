//! Asking a database over a connection. One round trip; what is made of the answer is made beside the requests.

use plinth_catalog::Catalog;
use plinth_engine::EngineError;

use super::{PREPARATION, answers, catalog, question};
use crate::error::of_statement;
use crate::wire::{Connection, Step};

/// The catalog of the database that the connection leads to.
pub(crate) async fn read(connection: &mut Connection) -> Result<Catalog, EngineError> {
    let question = question();
    let texts = ["begin isolation level repeatable read read only", PREPARATION, &question, "rollback"];
    let steps = texts.map(|text| Step { text, params: &[], formats: &[] });
    connection.push(&steps).map_err(of_statement)?;
    connection.push_sync();
    connection.send().await.map_err(of_statement)?;
    let mut text = String::new();
    let read = connection
        .answers(steps.len(), |step, mut row| {
            if step == 2 {
                let value = row.field().unwrap_or_default();
                text = String::from_utf8_lossy(value).into_owned();
            }
            Ok::<(), EngineError>(())
        })
        .await;
    // Whatever it was, the connection is of use again only at the end of the exchange.
    let finished = connection.finish().await;
    read.map_err(of_statement)??;
    finished.map_err(of_statement)?;
    let made = tokio::task::spawn_blocking(move || answers(&text).map(|answers| catalog(&answers))).await;
    match made {
        Ok(Ok(catalog)) => Ok(catalog),
        Ok(Err(error)) => {
            Err(EngineError::Internal { detail: format!("the database's catalog cannot be read: {error}") })
        }
        Err(error) => Err(EngineError::Internal { detail: format!("reading the catalog ended: {error}") }),
    }
}
