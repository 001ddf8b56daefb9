//! Answers kept under a key, in the table that `plinth db apply` makes and that the serving role alone may use. A lock of the session
//! lets one transaction at a time have a key, so that a retry beside its first request waits for the answer.

use plinth_engine::{EngineError, Outcome, Remember};

use crate::error::of_statement;
use crate::run::{self, plain};
use crate::wire::{Connection, Format, Step, WireError};

/// What is looked up before anything else, as the serving role.
const FIND: &str = "select fingerprint, answer from plinth.remembered where owner = $1::bytea and key = $2::bytea and expires > pg_catalog.now()";

/// Back from the caller's role.
const OWN_ROLE: &str = "select pg_catalog.set_config('role', 'none', true)";

/// Some of what has expired, and the key itself where it has.
const EXPIRE: &str = "delete from plinth.remembered where expires <= pg_catalog.now() and ((owner = $1::bytea and key = $2::bytea) \
    or (owner, key) in (select owner, key from plinth.remembered where expires <= pg_catalog.now() order by expires limit 4))";

const IN_USE: &str = "select count(*), coalesce(sum(pg_catalog.octet_length(answer)), 0)::int8 from plinth.remembered where owner = $1::bytea";

const KEEP: &str = "insert into plinth.remembered (owner, key, fingerprint, expires, answer) \
    values ($1::bytea, $2::bytea, $3::bytea, pg_catalog.now() + pg_catalog.make_interval(secs => $4::float8), $5::bytea)";

type Params = Vec<Option<Vec<u8>>>;

/// What a remembered answer is found by.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    owner: [u8; 32],
    key: [u8; 32],
    fingerprint: [u8; 32],
}

impl Key {
    pub(crate) fn of(remember: &Remember) -> Key {
        Key { owner: remember.owner, key: remember.key, fingerprint: remember.fingerprint }
    }
}

/// Takes the key, begins the transaction, and gives the answer that is kept already.
pub(crate) async fn find(
    connection: &mut Connection,
    remember: Key,
    begin: &str,
) -> Result<Option<Vec<u8>>, EngineError> {
    let lock = vec![Some(lock_of(&remember).to_string().into_bytes())];
    let keys = vec![bytes(&remember.owner), bytes(&remember.key)];
    let lock = Step { text: "select pg_catalog.pg_advisory_lock($1::int8)", params: &lock, formats: &[] };
    connection.push([&lock]).map_err(of_statement)?;
    connection.push_sync();
    ask(connection, 1).await?;
    connection.finish().await.map_err(of_statement)?;
    let find = Step { text: FIND, params: &keys, formats: &[Format::Binary, Format::Binary] };
    connection.push([&plain(begin), &find]).map_err(of_statement)?;
    connection.push_flush();
    match ask(connection, 2).await?.pop() {
        None => Ok(None),
        Some(row) => match row.as_slice() {
            [Some(fingerprint), Some(answer)] if *fingerprint == remember.fingerprint => {
                Ok(Some(answer.clone()))
            }
            _ => Err(EngineError::KeyReused),
        },
    }
}

/// Makes the answer and keeps it, in the transaction that is open.
pub(crate) async fn keep(
    connection: &mut Connection,
    remember: &mut Remember,
    outcomes: Vec<Outcome>,
) -> Result<Vec<u8>, EngineError> {
    let Remember { owner, key, fingerprint, limits, answer } = remember;
    let answer = answer(outcomes);
    if answer.len() as u64 > limits.max_answer_bytes {
        return Err(EngineError::AnswerTooLarge { limit: limits.max_answer_bytes });
    }
    let keys = vec![bytes(owner), bytes(key)];
    let owned = vec![bytes(owner)];
    let expire = Step { text: EXPIRE, params: &keys, formats: &[] };
    let in_use = Step { text: IN_USE, params: &owned, formats: &[] };
    connection.push([&plain(OWN_ROLE), &expire, &in_use]).map_err(of_statement)?;
    connection.push_flush();
    let row = ask(connection, 3).await?.pop().unwrap_or_default();
    let number = |at: usize| -> u64 {
        let text = row.get(at).and_then(Option::as_deref).unwrap_or_default();
        std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or_default()
    };
    if number(0) >= limits.max_keys {
        return Err(EngineError::TooManyKeys { limit: format!("{} keys", limits.max_keys) });
    }
    if number(1).saturating_add(answer.len() as u64) > limits.max_total_bytes {
        return Err(EngineError::TooManyKeys { limit: format!("{} bytes", limits.max_total_bytes) });
    }
    let seconds = Some(limits.keep.as_secs().to_string().into_bytes());
    let values = vec![bytes(owner), bytes(key), bytes(fingerprint), seconds, bytes(&answer)];
    connection.push([&Step { text: KEEP, params: &values, formats: &[] }]).map_err(of_statement)?;
    connection.push_flush();
    ask(connection, 1).await?;
    Ok(answer)
}

/// Gives the key back. A connection that cannot is closed, which gives it back too.
pub(crate) async fn release(connection: &mut Connection) {
    let released = async {
        connection.push([&plain("select pg_catalog.pg_advisory_unlock_all()")])?;
        connection.push_sync();
        connection.send().await?;
        connection.answers(1, |_, _| Ok::<(), EngineError>(())).await?.ok();
        connection.finish().await
    };
    if let Err(error) = released.await {
        tracing::debug!(?error, "a key could not be given back");
    }
}

/// Sends, and gives the rows of the last statement.
async fn ask(connection: &mut Connection, steps: usize) -> Result<Vec<Params>, EngineError> {
    connection.send().await.map_err(of_statement)?;
    let mut rows = Vec::new();
    let answers = connection.answers(steps, |at, mut row| {
        if at + 1 == steps {
            // None of the statements has more columns.
            let mut field = || row.field().map(<[u8]>::to_vec);
            rows.push(vec![field(), field()]);
        }
        Ok::<(), EngineError>(())
    });
    match answers.await {
        Ok(Ok(_)) => Ok(rows),
        Ok(Err(error)) => Err(error),
        Err(error) => {
            if let WireError::Database(said) = &error {
                let missing = matches!(said.code.as_str(), "42P01" | "3F000")
                    || said.code == "42501" && said.message.contains("plinth");
                run::recover(connection).await.map_err(of_statement)?;
                if missing {
                    return Err(missing_table());
                }
            }
            Err(of_statement(error))
        }
    }
}

fn missing_table() -> EngineError {
    EngineError::Sql {
        code: "0A000".into(),
        message: "this database has no place for remembered answers".into(),
        detail: None,
        hint: Some("An administrator makes it with: plinth db apply".into()),
    }
}

/// A bytea in its text form.
fn bytes(bytes: &[u8]) -> Option<Vec<u8>> {
    use std::io::Write as _;
    let mut text = Vec::with_capacity(2 + bytes.len() * 2);
    text.extend_from_slice(b"\\x");
    for byte in bytes {
        // Writing to a vector does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    Some(text)
}

/// The lock of a key: two keys that share one wait for each other, and nothing else.
fn lock_of(remember: &Key) -> i64 {
    let mut lock = 0i64;
    for (owner, key) in remember.owner.chunks_exact(8).zip(remember.key.chunks_exact(8)) {
        for part in [owner, key] {
            lock = lock.rotate_left(1) ^ part.try_into().map_or(0, i64::from_be_bytes);
        }
    }
    lock
}
