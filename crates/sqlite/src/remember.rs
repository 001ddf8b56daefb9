//! Answers kept under a key, in a table of Plinth's own that no catalog names. Hashes tell whose they are and what was asked; the
//! answer itself is the front door's bytes. What has expired is removed by later keys, a few at a time.

use std::time::{SystemTime, UNIX_EPOCH};

use plinth_engine::{EngineError, Outcome, Remember};
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::engine_error;
use crate::statement::execute;

/// The table is made when it is first needed, so that files made before it existed can be used. The second one counts what each
/// owner has, so that limits cost nothing.
const TABLES: [&str; 5] = [
    "create table _plinth_idempotency (owner blob not null, key blob not null, fingerprint blob not null, \
     expires integer not null, answer blob not null, primary key (owner, key)) strict",
    "create index _plinth_idempotency_expires on _plinth_idempotency (expires)",
    "create table _plinth_idempotency_use (owner blob primary key not null, keys integer not null, \
     bytes integer not null) strict, without rowid",
    "create trigger _plinth_idempotency_kept after insert on _plinth_idempotency begin \
     insert into _plinth_idempotency_use values (new.owner, 1, length(new.answer)) on conflict (owner) do update \
     set keys = keys + 1, bytes = bytes + length(new.answer); end",
    "create trigger _plinth_idempotency_gone after delete on _plinth_idempotency begin \
     update _plinth_idempotency_use set keys = keys - 1, bytes = bytes - length(old.answer) where owner = old.owner; \
     delete from _plinth_idempotency_use where owner = old.owner and keys <= 0; end",
];

/// Expired answers removed by each new key, so that there are never more of them than of live ones.
const REMOVED_AT_ONCE: i64 = 4;

/// The answer kept under the key. Errors: the key was used for another request.
pub(crate) fn find(connection: &Connection, remember: &Remember) -> Result<Option<Vec<u8>>, EngineError> {
    if !is_made(connection).map_err(engine_error)? {
        return Ok(None);
    }
    let found = connection
        .prepare_cached(
            "select fingerprint, answer from _plinth_idempotency where owner = ?1 and key = ?2 and expires > ?3",
        )
        .and_then(|mut find| {
            find.query_row(params![remember.owner, remember.key, now()], |row| {
                Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?))
            })
            .optional()
        })
        .map_err(engine_error)?;
    match found {
        None => Ok(None),
        Some((fingerprint, answer)) if fingerprint == remember.fingerprint => Ok(Some(answer)),
        Some(_) => Err(EngineError::KeyReused),
    }
}

/// Makes the answer and keeps it, in the transaction that is open.
pub(crate) fn keep(
    connection: &Connection,
    remember: Remember,
    outcomes: Vec<Outcome>,
) -> Result<Vec<u8>, EngineError> {
    let Remember { owner, key, fingerprint, limits, answer } = remember;
    let answer = answer(outcomes);
    if answer.len() as u64 > limits.max_answer_bytes {
        return Err(EngineError::AnswerTooLarge { limit: limits.max_answer_bytes });
    }
    let write = || -> rusqlite::Result<Option<EngineError>> {
        if !is_made(connection)? {
            TABLES.iter().try_for_each(|table| execute(connection, table))?;
        }
        remove_expired(connection, &owner, &key)?;
        let (keys, bytes) = in_use(connection, &owner)?;
        if keys >= limits.max_keys {
            return Ok(Some(EngineError::TooManyKeys { limit: format!("{} keys", limits.max_keys) }));
        }
        if bytes.saturating_add(answer.len() as u64) > limits.max_total_bytes {
            return Ok(Some(EngineError::TooManyKeys { limit: format!("{} bytes", limits.max_total_bytes) }));
        }
        let expires = now().saturating_add(i64::try_from(limits.keep.as_secs()).unwrap_or(i64::MAX));
        connection
            .prepare_cached(
                "insert into _plinth_idempotency (owner, key, fingerprint, expires, answer) \
                 values (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![owner, key, fingerprint, expires, answer])?;
        Ok(None)
    };
    match write().map_err(engine_error)? {
        Some(refused) => Err(refused),
        None => Ok(answer),
    }
}

fn remove_expired(connection: &Connection, owner: &[u8], key: &[u8]) -> rusqlite::Result<()> {
    // The key itself may be one that has expired.
    connection
        .prepare_cached(
            "delete from _plinth_idempotency where rowid in \
             (select rowid from _plinth_idempotency where expires <= ?1 order by expires limit ?2) \
             or (owner = ?3 and key = ?4 and expires <= ?1)",
        )?
        .execute(params![now(), REMOVED_AT_ONCE, owner, key])?;
    Ok(())
}

/// Keys and bytes of an owner.
fn in_use(connection: &Connection, owner: &[u8]) -> rusqlite::Result<(u64, u64)> {
    let found = connection
        .prepare_cached("select keys, bytes from _plinth_idempotency_use where owner = ?1")?
        .query_row([owner], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
        .optional()?;
    let (keys, bytes) = found.unwrap_or_default();
    Ok((u64::try_from(keys).unwrap_or(0), u64::try_from(bytes).unwrap_or(0)))
}

fn is_made(connection: &Connection) -> rusqlite::Result<bool> {
    connection.prepare_cached("select 1 from sqlite_schema where name = '_plinth_idempotency'")?.exists([])
}

/// Seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
