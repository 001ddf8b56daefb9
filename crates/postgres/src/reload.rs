//! Keeping the catalog current: read when the engine starts, again whenever the database says so (`notify pgrst, 'reload schema'`,
//! `'reload config'` for the settings of roles, or `notify plinth`), and when the connection that listens had to be made anew. Requests never wait for it: they keep the catalog they
//! began with, and a new one takes its place whole.

use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::time::Duration;

use plinth_engine::EngineError;
use tokio::sync::mpsc;
use tokio_postgres::AsyncMessage;

use crate::engine::PostgresEngine;

/// How long to wait before trying again, at first and at most: the service has to be back within a second of its database.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Several changes in one script are read once.
const SETTLING: Duration = Duration::from_millis(20);

/// Runs until the engine is dropped.
pub(crate) async fn keep_current(engine: Weak<PostgresEngine>) {
    let mut pause = FIRST_PAUSE;
    while let Some(current) = engine.upgrade() {
        if listen(current, &engine).await {
            pause = FIRST_PAUSE;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Reads the catalog and reads it again for each notification, until the connection ends. Gives whether it was read at all.
async fn listen(engine: Arc<PostgresEngine>, weak: &Weak<PostgresEngine>) -> bool {
    let (changed, mut changes) = mpsc::channel(1);
    let connecting = tokio::time::timeout(engine.options().connect_timeout, engine.address().connect()).await;
    let (client, mut connection) = match connecting {
        Ok(Ok(connected)) => connected,
        Ok(Err(error)) => {
            let reason = error.as_db_error().map_or("it cannot be reached", |error| error.message());
            tracing::warn!(database = %engine.address(), reason, "the database cannot be listened to; trying again");
            return false;
        }
        Err(_) => {
            tracing::warn!(database = %engine.address(), "the database does not answer; trying again");
            return false;
        }
    };
    let driver = tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
            if let AsyncMessage::Notification(notification) = message
                && is_reload(notification.channel(), notification.payload())
            {
                // A full channel says it already.
                let _ = changed.try_send(());
            }
        }
    });
    let _ended = Ended(driver);
    // Listening comes first: a change between the two would be missed.
    if let Err(error) = client.batch_execute("listen pgrst; listen plinth").await {
        let reason = error.as_db_error().map_or("", |error| error.message());
        tracing::warn!(reason, "the database does not let itself be listened to");
    }
    let mut read = reload(&engine).await;
    drop(engine);
    loop {
        // Where reading failed it is tried again, for as long as the connection holds.
        let next = match read {
            true => changes.recv().await,
            false => match tokio::time::timeout(LONGEST_PAUSE, changes.recv()).await {
                Ok(next) => next,
                Err(_) => Some(()),
            },
        };
        let (Some(()), Some(engine)) = (next, weak.upgrade()) else { return read };
        tokio::time::sleep(SETTLING).await;
        let _ = changes.try_recv();
        read = reload(&engine).await;
    }
}

/// Whether a notification asks for the catalog to be read again.
fn is_reload(channel: &str, payload: &str) -> bool {
    match channel {
        "pgrst" => matches!(payload, "" | "reload schema" | "reload config"),
        channel => channel == "plinth",
    }
}

async fn reload(engine: &PostgresEngine) -> bool {
    match engine.reload().await {
        Ok(()) => true,
        Err(error) => {
            let detail = match &error {
                EngineError::Internal { detail } => detail.clone(),
                other => other.to_string(),
            };
            tracing::error!(detail, "the database's catalog could not be read; trying again");
            false
        }
    }
}

/// A task that ends with the one that waits for it.
struct Ended(tokio::task::JoinHandle<()>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgrests_notifications_are_understood() {
        assert!(is_reload("pgrst", "reload schema"));
        assert!(is_reload("pgrst", ""));
        assert!(is_reload("pgrst", "reload config"));
        assert!(!is_reload("pgrst", "something else"));
        assert!(is_reload("plinth", "anything"));
        assert!(!is_reload("other", ""));
    }
}
