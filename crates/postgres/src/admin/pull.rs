//! The model of a database as SQL files that make it again: what `schema/` would have to say for the database to be what it is. The
//! database writes each statement itself; here they are put into files and into an order in which they apply. Who owns an object is
//! not written: that is whoever applies the files.

use std::collections::{BTreeSet, HashMap};

use super::{Admin, AdminError, SchemaFile, words};

/// A model.
#[derive(Debug)]
pub struct Pulled {
    /// The files, in the order in which they apply
    pub files: Vec<SchemaFile>,
    /// What the database has that is not in them
    pub left_out: Vec<String>,
}

/// The files in their order: name, the `file` of the queries, and what is said at the top.
const FILES: [(&str, &str, &str); 9] = [
    ("01_schemas.sql", "schemas", "Schemas, extensions, and the roles that the model names."),
    ("02_types.sql", "types", "Types, and the functions that tables need."),
    ("03_tables.sql", "tables", "Tables, with their keys and checks."),
    ("04_keys.sql", "keys", "Foreign keys and indexes."),
    ("05_views.sql", "views", "Views and functions."),
    ("06_triggers.sql", "triggers", "Triggers and rules."),
    ("07_policies.sql", "policies", "Row security."),
    ("08_grants.sql", "grants", "Who may do what."),
    ("09_comments.sql", "comments", "Comments."),
];

/// The queries, all of the shape file, name, statement; the first has an identity between.
const OBJECTS: &str = include_str!("pull/objects.sql");
const EDGES: &str = include_str!("pull/edges.sql");
const RIGHTS: &str = include_str!("pull/rights.sql");
const COMMENTS: &str = include_str!("pull/comments.sql");
const LEFT_OUT: &str = include_str!("pull/left_out.sql");

/// An object of the database.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Object {
    name: String,
    key: String,
    /// The file it goes to, by position in [`FILES`]
    file: usize,
    text: String,
}

impl Admin {
    /// Reads the database's model.
    pub async fn pull(&self) -> Result<Pulled, AdminError> {
        self.run("begin isolation level repeatable read read only; set local search_path = ''").await?;
        let mut objects = Vec::new();
        for [file, key, name, text] in self.table::<4>(OBJECTS).await? {
            // A function goes with the views, unless a table needs it.
            let file = position(if file == "functions" { "views" } else { &file });
            objects.push(Object { name, key, file, text });
        }
        let edges = self.table::<2>(EDGES).await?;
        let mut rest = Vec::new();
        for sql in [RIGHTS, COMMENTS] {
            for [file, name, text] in self.table::<3>(sql).await? {
                let file = position(if file == "roles" { "schemas" } else { &file });
                rest.push(Object { name: format!("~{name}"), key: String::new(), file, text });
            }
        }
        let left_out = self.table::<1>(LEFT_OUT).await?.into_iter().map(|[what]| what).collect();
        self.run("rollback").await?;
        rest.sort();
        let mut ordered = in_order(objects, &edges);
        ordered.extend(rest);
        Ok(Pulled { files: files(&ordered), left_out })
    }

    async fn table<const N: usize>(&self, sql: &str) -> Result<Vec<[String; N]>, AdminError> {
        let rows = self.client.query(sql, &[]).await.map_err(|error| AdminError::Database(words(&error)))?;
        let text = |row: &tokio_postgres::Row, column: usize| row.try_get(column).unwrap_or_default();
        Ok(rows.iter().map(|row| std::array::from_fn(|column| text(row, column))).collect())
    }
}

fn position(file: &str) -> usize {
    FILES.iter().position(|(_, name, _)| *name == file).unwrap_or(FILES.len() - 1)
}

/// Each object after all that it needs; by name where the order is free. An object that another file's object needs goes to that file,
/// and one that needs an object of a later file to the later one.
fn in_order(mut objects: Vec<Object>, edges: &[[String; 2]]) -> Vec<Object> {
    objects.sort();
    let places: HashMap<String, usize> =
        objects.iter().enumerate().map(|(place, object)| (object.key.clone(), place)).collect();
    let mut needs: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); objects.len()];
    for [from, to] in edges {
        if let (Some(from), Some(to)) = (places.get(from), places.get(to))
            && from != to
            && let Some(needs) = needs.get_mut(*from)
        {
            needs.insert(*to);
        }
    }
    let (types, tables, views) = (position("types"), position("tables"), position("views"));
    pull_functions_forward(&mut objects, &needs, types, tables, views);
    push_back(&mut objects, &needs);
    let mut placed: Vec<Object> = Vec::with_capacity(objects.len());
    let mut open: BTreeSet<(usize, usize)> =
        objects.iter().enumerate().map(|(place, object)| (object.file, place)).collect();
    let mut done = vec![false; objects.len()];
    while !open.is_empty() {
        let is_ready = |place: usize| {
            needs
                .get(place)
                .is_none_or(|needs| needs.iter().all(|need| done.get(*need).is_none_or(|done| *done)))
        };
        // Objects that need each other in a circle come in the order of their names.
        let next = open.iter().copied().find(|(_, place)| is_ready(*place)).or_else(|| open.first().copied());
        let Some(next) = next else { break };
        open.remove(&next);
        if let Some(done) = done.get_mut(next.1) {
            *done = true;
        }
        placed.extend(objects.get(next.1).cloned());
    }
    placed.sort_by_key(|object| object.file);
    placed
}

/// Functions that types and tables need stand with the types.
fn pull_functions_forward(
    objects: &mut [Object],
    needs: &[BTreeSet<usize>],
    types: usize,
    tables: usize,
    views: usize,
) {
    let is_early = |object: &Object| object.file == types || object.file == tables;
    let mut reached: Vec<usize> =
        objects.iter().enumerate().filter(|(_, object)| is_early(object)).map(|(place, _)| place).collect();
    let mut seen: BTreeSet<usize> = reached.iter().copied().collect();
    while let Some(place) = reached.pop() {
        for need in needs.get(place).into_iter().flatten() {
            if seen.insert(*need) {
                reached.push(*need);
            }
        }
    }
    for place in seen {
        if let Some(object) = objects.get_mut(place)
            && object.file == views
        {
            object.file = types;
        }
    }
}

/// No object stands in an earlier file than what it needs.
fn push_back(objects: &mut [Object], needs: &[BTreeSet<usize>]) {
    loop {
        let mut changed = false;
        for (place, needs) in needs.iter().enumerate() {
            let latest = needs.iter().filter_map(|need| objects.get(*need)).map(|object| object.file).max();
            if let (Some(latest), Some(object)) = (latest, objects.get_mut(place))
                && object.file < latest
            {
                object.file = latest;
                changed = true;
            }
        }
        if !changed {
            return;
        }
    }
}

/// The files with anything in them.
fn files(objects: &[Object]) -> Vec<SchemaFile> {
    let mut files = Vec::new();
    for (position, (path, _, about)) in FILES.iter().enumerate() {
        let statements: Vec<&str> = objects
            .iter()
            .filter(|object| object.file == position)
            .map(|object| object.text.trim_end())
            .collect();
        if statements.is_empty() {
            continue;
        }
        // Bodies of functions may name what comes in later files, and names mean the same under every search path.
        let text = format!(
            "-- {about}\nset local search_path = '';\nset local check_function_bodies = off;\n\n{}\n",
            statements.join("\n\n")
        );
        files.push(SchemaFile { path: format!("schema/{path}"), text });
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str, file: &str) -> Object {
        Object { name: name.into(), key: name.into(), file: position(file), text: String::new() }
    }

    fn order(objects: &[(&str, &str)], edges: &[(&str, &str)]) -> String {
        let objects = objects.iter().map(|(name, file)| object(name, file)).collect();
        let edges: Vec<[String; 2]> = edges.iter().map(|(a, b)| [(*a).into(), (*b).into()]).collect();
        let placed = in_order(objects, &edges);
        let shown: Vec<String> =
            placed.iter().map(|object| format!("{}:{}", FILES[object.file].1, object.name)).collect();
        shown.join(" ")
    }

    #[test]
    fn objects_come_after_what_they_need() {
        let objects = [("a", "views"), ("f", "views"), ("t", "tables"), ("u", "tables"), ("z", "types")];
        assert_eq!(order(&objects, &[]), "types:z tables:t tables:u views:a views:f");
        assert_eq!(order(&objects, &[("a", "f"), ("t", "u")]), "types:z tables:u tables:t views:f views:a");
        // A default calls f, and f's argument is a z.
        assert_eq!(order(&objects, &[("t", "f"), ("f", "z")]), "types:z types:f tables:t tables:u views:a");
        // The function of t's default takes rows of u.
        assert_eq!(order(&objects, &[("t", "f"), ("f", "u")]), "types:z tables:u tables:f tables:t views:a");
        // A circle ends.
        assert_eq!(order(&objects, &[("t", "u"), ("u", "t")]), "types:z tables:t tables:u views:a views:f");
    }
}
