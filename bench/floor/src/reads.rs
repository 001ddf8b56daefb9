//! The reads: one function for each endpoint, rows written to JSON as SQLite gives them.

use rusqlite::{Connection, Row};

use crate::Failure;
use crate::database::{prepared, read};
use crate::json;

/// A text column without a copy. SQLite's texts here are UTF-8: they came in as JSON and CSV.
fn text<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<&'r str> {
    Ok(row.get_ref(column)?.as_str()?)
}

/// The five columns of a message or letter, without the closing brace.
fn message_fields(row: &Row<'_>, out: &mut Vec<u8>) -> rusqlite::Result<()> {
    out.extend_from_slice(b"{\"id\":");
    json::int(row.get(0)?, out);
    out.extend_from_slice(b",\"room\":");
    json::int(row.get(1)?, out);
    out.extend_from_slice(b",\"author\":");
    json::string(text(row, 2)?, out);
    out.extend_from_slice(b",\"body\":");
    json::string(text(row, 3)?, out);
    out.extend_from_slice(b",\"created\":");
    json::int(row.get(4)?, out);
    Ok(())
}

/// All rows of a statement as an array, each written by `write`, which leaves the object open.
fn array(
    connection: &Connection,
    sql: &'static str,
    parameters: impl rusqlite::Params,
    out: &mut Vec<u8>,
    mut write: impl FnMut(&Row<'_>, &mut Vec<u8>) -> rusqlite::Result<()>,
) -> rusqlite::Result<usize> {
    let mut statement = prepared(connection, sql)?;
    let mut rows = statement.query(parameters)?;
    let mut count = 0;
    out.push(b'[');
    while let Some(row) = rows.next()? {
        if count > 0 {
            out.push(b',');
        }
        write(row, out)?;
        out.push(b'}');
        count += 1;
    }
    out.push(b']');
    Ok(count)
}

/// One message by its key.
pub fn message(path: &str, id: i64) -> Result<Vec<u8>, Failure> {
    const SQL: &str = "select id, room, author, body, created from message where id = ?";
    let mut out = Vec::with_capacity(512);
    read(path, |c| array(c, SQL, [id], &mut out, message_fields))?;
    Ok(out)
}

/// Twenty messages of a room.
pub fn page(path: &str, room: i64, after: i64) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::with_capacity(8192);
    read(path, |c| array(c, PAGE, [room, after], &mut out, message_fields))?;
    Ok(out)
}

const PAGE: &str =
    "select id, room, author, body, created from message where room = ? and id > ? order by id limit 20";

/// The same with the room of each message and the reactions to it.
pub fn board(path: &str, room: i64, after: i64) -> Result<Vec<u8>, Failure> {
    const SQL: &str = "select m.id, m.room, m.author, m.body, m.created, r.id, r.name from message m left join room r \
                       on r.id = m.room where m.room = ? and m.id > ? order by m.id limit 20";
    const REACTIONS: &str = "select author, mark from reaction where message_id = ?";
    let mut out = Vec::with_capacity(16_384);
    read(path, |c| {
        array(c, SQL, [room, after], &mut out, |row, out| {
            message_fields(row, out)?;
            out.extend_from_slice(b",\"in\":{\"id\":");
            json::int(row.get(5)?, out);
            out.extend_from_slice(b",\"name\":");
            json::string(text(row, 6)?, out);
            out.extend_from_slice(b"},\"reaction\":");
            array(c, REACTIONS, [row.get::<_, i64>(0)?], out, |row, out| {
                out.extend_from_slice(b"{\"author\":");
                json::string(text(row, 0)?, out);
                out.extend_from_slice(b",\"mark\":");
                json::string(text(row, 1)?, out);
                Ok(())
            })?;
            Ok(())
        })
    })?;
    Ok(out)
}

/// How many messages each author wrote in a room, and the last of them.
pub fn authors(path: &str, room: i64) -> Result<Vec<u8>, Failure> {
    const SQL: &str =
        "select author, count(*), max(id) from message where room = ? group by author order by author";
    let mut out = Vec::with_capacity(32_768);
    read(path, |c| {
        array(c, SQL, [room], &mut out, |row, out| {
            out.extend_from_slice(b"{\"author\":");
            json::string(text(row, 0)?, out);
            out.extend_from_slice(b",\"count\":");
            json::int(row.get(1)?, out);
            out.extend_from_slice(b",\"max\":");
            json::int(row.get(2)?, out);
            Ok(())
        })
    })?;
    Ok(out)
}

/// A page with its `Content-Range`: how many messages there are without the limit.
pub fn counted(path: &str, room: i64, after: i64) -> Result<(Vec<u8>, String), Failure> {
    const COUNT: &str = "select count(*) from message where room = ? and id > ?";
    let mut out = Vec::with_capacity(8192);
    let range = read(path, |c| {
        prepared(c, "begin")?.execute([])?;
        let result = array(c, PAGE, [room, after], &mut out, message_fields).and_then(|rows| {
            let total = match rows {
                20 => prepared(c, COUNT)?.query_row([room, after], |row| row.get(0))?,
                rows => rows as i64,
            };
            Ok(match rows {
                0 => format!("*/{total}"),
                rows => format!("0-{}/{total}", rows - 1),
            })
        });
        prepared(c, "rollback")?.execute([])?;
        result
    })?;
    Ok((out, range))
}

/// A letter, when the user is a member of its room.
pub fn letter(path: &str, user: &str, id: i64) -> Result<Vec<u8>, Failure> {
    const SQL: &str = "select id, room, author, body, created from letter where id = ?1 and exists \
                       (select 1 from membership m where m.room = letter.room and m.user_id = ?2)";
    let mut out = Vec::with_capacity(512);
    read(path, |c| array(c, SQL, (id, user), &mut out, message_fields))?;
    Ok(out)
}

/// Twenty letters of a room, when the user is a member of it.
pub fn letters(path: &str, user: &str, room: i64, after: i64) -> Result<Vec<u8>, Failure> {
    const SQL: &str = "select id, room, author, body, created from letter where room = ?1 and id > ?2 and exists \
                       (select 1 from membership m where m.room = ?1 and m.user_id = ?3) order by id limit 20";
    let mut out = Vec::with_capacity(8192);
    read(path, |c| array(c, SQL, (room, after, user), &mut out, message_fields))?;
    Ok(out)
}

/// Twenty postings as the public sees them: published, of verified companies, with company and skills. The enum's own order is not
/// known here, and not needed for an equality.
pub fn postings(path: &str, after: i64) -> Result<Vec<u8>, Failure> {
    const SQL: &str = "select p.id, p.title, p.city, c.name, c.slug from posting p join company c on c.id = p.company_id \
                       where p.id > ? and p.state collate binary = 'published' and c.verified order by p.id limit 20";
    const SKILLS: &str = "select skill_id, required from posting_skill where posting_id = ?";
    let mut out = Vec::with_capacity(16_384);
    read(path, |c| {
        array(c, SQL, [after], &mut out, |row, out| {
            out.extend_from_slice(b"{\"id\":");
            json::int(row.get(0)?, out);
            out.extend_from_slice(b",\"title\":");
            json::string(text(row, 1)?, out);
            out.extend_from_slice(b",\"city\":");
            json::string(text(row, 2)?, out);
            out.extend_from_slice(b",\"company\":{\"name\":");
            json::string(text(row, 3)?, out);
            out.extend_from_slice(b",\"slug\":");
            json::string(text(row, 4)?, out);
            out.extend_from_slice(b"},\"posting_skill\":");
            array(c, SKILLS, [row.get::<_, i64>(0)?], out, |row, out| {
                out.extend_from_slice(b"{\"skill_id\":");
                json::int(row.get(0)?, out);
                let required: &[u8] =
                    if row.get(1)? { b",\"required\":true" } else { b",\"required\":false" };
                out.extend_from_slice(required);
                Ok(())
            })?;
            Ok(())
        })
    })?;
    Ok(out)
}

/// Counts to a number, slowly.
pub fn slow(path: &str, rounds: i64) -> Result<Vec<u8>, Failure> {
    const SQL: &str = "with recursive counted(n) as (select 1 union all select n + 1 from counted where n < ?) select count(*) from counted";
    let count: i64 = read(path, |c| prepared(c, SQL)?.query_row([rounds], |row| row.get(0)))?;
    Ok(count.to_string().into_bytes())
}
