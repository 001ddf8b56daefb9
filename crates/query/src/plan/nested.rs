//! Nested writes: rows with related rows inside, as inserts that follow each other. Rows whose keys others need come first; every
//! level is an insert with the rights, the checks and the upsert of a request of its own. Running them is the engine's.

use plinth_catalog::{Cardinality, Relation};
use plinth_values::Value;

use super::embed;
use super::limits::limit;
use super::payload::{self, Item};
use super::planner::{Planner, Source};
use super::written::Written;
use crate::plan::{Cell, Link, TreePlan, TreeStep};
use crate::refusal::Refusal;
use crate::request::{Body, Conflict, Embed, Insert, Nested, Request, Returning};

/// Rows of one level of the payload.
#[derive(Default)]
struct Rows<'b> {
    /// For each row one item per column and then one per related resource; `None` where the row does not have it
    items: Vec<Vec<Option<Item<'b>>>>,
    /// Where each row stands in the payload
    paths: Vec<String>,
}

/// A column whose values come from rows of another step.
struct Filled {
    column: String,
    step: usize,
    /// The column there
    from: usize,
    /// For each row the row there
    rows: Vec<Option<usize>>,
    /// The rows that take the column's default, where nothing is filled in; the others are null
    defaults: Vec<bool>,
}

/// A level of the tree.
struct Here<'a, 'r> {
    relation: &'a Relation,
    columns: &'r [String],
    nested: &'r [Nested],
    conflict: Option<Conflict>,
    /// Whether rows come back, or their keys are needed elsewhere
    reads: bool,
    depth: usize,
}

/// The tree while it is planned.
struct Tree {
    steps: Vec<TreeStep>,
    rows_left: usize,
    max_rows: usize,
    missing_default: bool,
    /// Whether rows that are there already are updated
    merge: bool,
}

impl<'a> Planner<'a> {
    /// Plans an insert of rows with related rows inside.
    pub fn insert_tree(
        &mut self,
        relation: &'a Relation,
        request: &Request,
        insert: &Insert,
    ) -> Result<TreePlan, Refusal> {
        if insert.conflict.as_ref().is_some_and(|conflict| !conflict.merge) {
            return Err(not_offered("resolution=ignore-duplicates"));
        }
        if insert.returning == Returning::Keys {
            return Err(not_offered("return=headers-only"));
        }
        let Body::Json(text) = &insert.body else { return Err(not_offered("a body that is not JSON")) };
        let columns = insert.columns.as_deref().unwrap_or_default();
        let here = Here {
            relation,
            columns,
            nested: &insert.nested,
            conflict: insert.conflict.clone(),
            reads: insert.returning == Returning::Rows,
            depth: 0,
        };
        let mut tree = Tree {
            steps: Vec::new(),
            rows_left: self.limits.max_payload_rows,
            max_rows: self.limits.max_payload_rows,
            missing_default: insert.missing_default,
            merge: insert.conflict.is_some(),
        };
        let mut rows = Rows::default();
        let is_array = text.trim_start().starts_with('[');
        tree.read(&mut rows, text, &here, |at| if is_array { format!("/{at}") } else { String::new() })?;
        let root = self.level(&mut tree, here, rows, Vec::new())?;
        let written = self.written(relation, "insert into")?;
        let returning = self.returning(&written, request, insert.returning)?;
        Ok(TreePlan { steps: tree.steps, root, returning })
    }

    /// Plans the rows of one level with everything below it. Gives its step.
    fn level(
        &mut self,
        tree: &mut Tree,
        mut here: Here<'a, '_>,
        rows: Rows<'_>,
        mut links: Vec<Filled>,
    ) -> Result<usize, Refusal> {
        if here.depth > self.limits.max_embed_depth {
            return Err(limit(
                format!("related rows are nested more than {} levels deep", self.limits.max_embed_depth),
                "Insert them in several requests.",
            ));
        }
        let id = self.weaver.fresh();
        let source = if here.nested.is_empty() { None } else { Some(self.source(id, here.relation)?) };
        let mut below = Vec::new();
        for (at, nested) in here.nested.iter().enumerate() {
            let Some(source) = &source else { continue };
            let found = self.relates(source, nested)?;
            match found.cardinality {
                Cardinality::ManyToOne | Cardinality::OneToOneParent => {
                    let inside = self.parents(tree, &here, nested, &found, &rows, at)?;
                    links.extend(inside);
                }
                Cardinality::OneToMany | Cardinality::OneToOneChild | Cardinality::ManyToMany => {
                    here.reads = true;
                    below.push((at, nested, found));
                }
            }
        }
        for link in &links {
            if here.columns.contains(&link.column) {
                return Err(Refusal::BadPayload {
                    message: format!(
                        "The column '{}' of '{}' is filled in from the related row and cannot be given as well",
                        link.column, here.relation.name.name
                    ),
                });
            }
        }
        let step = self.step(tree, &here, &rows, links)?;
        for (at, nested, found) in below {
            self.children(tree, &here, nested, &found, &rows, (at, step))?;
        }
        Ok(step)
    }

    /// The insert of a level's own rows.
    fn step(
        &mut self,
        tree: &mut Tree,
        here: &Here<'a, '_>,
        rows: &Rows<'_>,
        links: Vec<Filled>,
    ) -> Result<usize, Refusal> {
        let own = here.columns.len();
        let mut keys = here.columns.to_vec();
        keys.extend(links.iter().map(|link| link.column.clone()));
        let written = self.insertable(here.relation)?;
        let columns = self.written_columns(&written, &keys, |rights| &rights.insert, "insert into")?;
        let mut cells = Vec::with_capacity(rows.items.len());
        for (number, (row, path)) in rows.items.iter().zip(&rows.paths).enumerate() {
            let items = row.get(..own).unwrap_or_default().to_vec();
            let row = self.cells(&written, &columns, items, tree.missing_default);
            let mut row = row.map_err(|refusal| at(path, refusal))?;
            row.extend(links.iter().map(|link| match link.defaults.get(number) {
                Some(true) => Cell::Default,
                _ => Cell::Value(Value::Null),
            }));
            cells.push(row);
        }
        let conflict = self.possible(here, &written, &keys);
        let insert = self.checked(&written, (&keys, columns), cells, conflict.as_ref(), here.reads)?;
        let links = links.into_iter().enumerate().map(|(place, link)| Link {
            place: own + place,
            step: link.step,
            column: link.from,
            rows: link.rows,
        });
        tree.steps.push(TreeStep { insert, links: links.collect(), paths: rows.paths.clone() });
        Ok(tree.steps.len() - 1)
    }

    /// The upsert of a level: that of the root as asked, below it where the given columns can meet a row that is there.
    fn possible(&self, here: &Here<'a, '_>, written: &Written<'a>, keys: &[String]) -> Option<Conflict> {
        let conflict = here.conflict.clone()?;
        if here.depth == 0 || conflict.columns.is_some() {
            return Some(conflict);
        }
        let key = written.primary_key.as_ref()?;
        let given = |column: &usize| {
            written.base.columns.get(*column).is_some_and(|column| keys.contains(&column.name))
        };
        key.iter().all(given).then_some(conflict)
    }

    /// Related rows that the rows of this level refer to: they are inserted first. Gives the referring columns.
    fn parents(
        &mut self,
        tree: &mut Tree,
        here: &Here<'a, '_>,
        nested: &Nested,
        found: &Found<'a>,
        rows: &Rows<'_>,
        at: usize,
    ) -> Result<Vec<Filled>, Refusal> {
        let place = here.columns.len() + at;
        let there = here.below(found.relation, nested, tree.merge, true);
        let mut inner = Rows::default();
        let mut of_row: Vec<Option<usize>> = Vec::with_capacity(rows.items.len());
        for (row, path) in rows.items.iter().zip(&rows.paths) {
            let Some(text) = given(row, place) else {
                of_row.push(None);
                continue;
            };
            if !text.starts_with('{') {
                return Err(shape(path, nested, "an object"));
            }
            of_row.push(Some(inner.items.len()));
            tree.read(&mut inner, text, &there, |_| format!("{path}/{}", key(nested)))?;
        }
        let step = self.level(tree, there, inner, Vec::new())?;
        let absent = |row: &Vec<Option<Item<'_>>>| !matches!(row.get(place), Some(Some(_)));
        let defaults: Vec<bool> = rows.items.iter().map(|row| tree.missing_default && absent(row)).collect();
        let links = found.columns.iter().map(|(own, other)| Filled {
            column: own.clone(),
            step,
            from: *other,
            rows: of_row.clone(),
            defaults: defaults.clone(),
        });
        Ok(links.collect())
    }

    /// Related rows that refer to the rows of this level, or are joined to them by rows of a junction.
    fn children(
        &mut self,
        tree: &mut Tree,
        here: &Here<'a, '_>,
        nested: &Nested,
        found: &Found<'a>,
        rows: &Rows<'_>,
        (at, parent): (usize, usize),
    ) -> Result<(), Refusal> {
        let place = here.columns.len() + at;
        let to_one = found.cardinality == Cardinality::OneToOneChild;
        let there = here.below(found.relation, nested, tree.merge, found.junction.is_some());
        let mut inner = Rows::default();
        let mut parents = Vec::new();
        for (number, (row, path)) in rows.items.iter().zip(&rows.paths).enumerate() {
            let Some(text) = given(row, place) else { continue };
            if to_one != text.starts_with('{') {
                return Err(shape(path, nested, if to_one { "an object" } else { "an array of objects" }));
            }
            let before = inner.items.len();
            let name = key(nested);
            tree.read(&mut inner, text, &there, |at| match to_one {
                true => format!("{path}/{name}"),
                false => format!("{path}/{name}/{at}"),
            })?;
            parents.extend(std::iter::repeat_n(Some(number), inner.items.len() - before));
        }
        let from_step = |step: usize, rows: Vec<Option<usize>>| {
            move |(column, from): &(String, usize)| Filled {
                column: column.clone(),
                step,
                from: *from,
                rows: rows.clone(),
                defaults: Vec::new(),
            }
        };
        let to_parents: Vec<Filled> = found.columns.iter().map(from_step(parent, parents)).collect();
        let Some(junction) = &found.junction else {
            self.level(tree, there, inner, to_parents)?;
            return Ok(());
        };
        let paths = inner.paths.clone();
        let step = self.level(tree, there, inner, Vec::new())?;
        let mut links = to_parents;
        links.extend(junction.columns.iter().map(from_step(step, (0..paths.len()).map(Some).collect())));
        let between = Here {
            relation: junction.relation,
            columns: &[],
            nested: &[],
            // Rows that are joined already stay so.
            conflict: tree.merge.then_some(Conflict { columns: None, merge: false }),
            reads: false,
            depth: here.depth + 1,
        };
        let rows = Rows { items: vec![Vec::new(); paths.len()], paths };
        tree.take(rows.items.len())?;
        self.step(tree, &between, &rows, links)?;
        Ok(())
    }

    /// The relationship of a related resource, by names of columns on the side that refers and positions on the other.
    fn relates(&self, source: &Source<'a>, nested: &Nested) -> Result<Found<'a>, Refusal> {
        let embed = Embed {
            relation: nested.relation.clone(),
            alias: nested.alias.clone(),
            hint: nested.hint.clone(),
            inner: None,
            select: Vec::new(),
            filters: Vec::new(),
            order: Vec::new(),
            limit: None,
            offset: 0,
            having: Vec::new(),
            distinct: None,
        };
        let embed::Link::Keys(relationship) = self.embedded(source, &embed, false)?.link else {
            return Err(not_offered("computed relationships"));
        };
        let (from, to) = (self.catalog.relation(relationship.from), self.catalog.relation(relationship.to));
        if from.table().is_none() || to.table().is_none() {
            return Err(not_offered("views"));
        }
        let name = |relation: &Relation, column: usize| {
            relation.columns.get(column).map(|column| column.name.clone()).unwrap_or_default()
        };
        let cardinality = relationship.cardinality;
        let Some(junction) = &relationship.junction else {
            let inwards = matches!(cardinality, Cardinality::ManyToOne | Cardinality::OneToOneParent);
            let columns = relationship.columns.iter().map(|(here, there)| match inwards {
                true => (name(from, *here), *there),
                false => (name(to, *there), *here),
            });
            return Ok(Found { relation: to, cardinality, columns: columns.collect(), junction: None });
        };
        let between = self.catalog.relation(junction.relation);
        let columns = relationship.columns.iter().map(|(here, near)| (name(between, *near), *here));
        let far = junction.columns.iter().map(|(near, far)| (name(between, *near), *far));
        let junction = Some(Junction { relation: between, columns: far.collect() });
        Ok(Found { relation: to, cardinality, columns: columns.collect(), junction })
    }
}

/// A relationship, as a nested write sees it.
struct Found<'a> {
    relation: &'a Relation,
    cardinality: Cardinality,
    /// Columns that refer, by name, and the positions of those that they refer to
    columns: Vec<(String, usize)>,
    junction: Option<Junction<'a>>,
}

/// The table between, and its columns that refer to the related rows.
struct Junction<'a> {
    relation: &'a Relation,
    columns: Vec<(String, usize)>,
}

impl<'a> Here<'a, '_> {
    fn below<'r>(
        &self,
        relation: &'a Relation,
        nested: &'r Nested,
        merge: bool,
        reads: bool,
    ) -> Here<'a, 'r> {
        Here {
            relation,
            columns: &nested.columns,
            nested: &nested.nested,
            conflict: merge.then(|| Conflict { columns: nested.on_conflict.clone(), merge: true }),
            reads,
            depth: self.depth + 1,
        }
    }
}

impl Tree {
    /// Reads the object or objects of a text as rows of a level.
    fn read<'b>(
        &mut self,
        rows: &mut Rows<'b>,
        text: &'b str,
        here: &Here<'_, '_>,
        path: impl Fn(usize) -> String,
    ) -> Result<(), Refusal> {
        let mut names = here.columns.to_vec();
        names.extend(here.nested.iter().map(|nested| key(nested).to_owned()));
        let payload = payload::of_json(text, &names, self.max_rows)?;
        self.take(payload.len())?;
        rows.paths.extend((0..payload.len()).map(path));
        rows.items.extend(payload);
        Ok(())
    }

    /// Counts rows of whatever level.
    fn take(&mut self, rows: usize) -> Result<(), Refusal> {
        self.rows_left = self.rows_left.checked_sub(rows).ok_or_else(|| payload::too_many(self.max_rows))?;
        Ok(())
    }
}

/// The member of the payload that holds the related rows.
fn key(nested: &Nested) -> &str {
    nested.alias.as_deref().unwrap_or(&nested.relation)
}

/// The JSON text of a row's item, when there is one that is not null.
fn given<'b>(row: &[Option<Item<'b>>], place: usize) -> Option<&'b str> {
    match row.get(place) {
        Some(Some(Item::Json(text))) => Some(text.get().trim_start()).filter(|text| *text != "null"),
        _ => None,
    }
}

/// The same refusal, with the place in the payload.
fn at(path: &str, refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::Sql { code, message, detail, hint } if !path.is_empty() => {
            let place = format!("In the row {path}.");
            let detail = detail.map_or(place.clone(), |detail| format!("{place} {detail}"));
            Refusal::Sql { code, message, detail: Some(detail), hint }
        }
        other => other,
    }
}

fn shape(path: &str, nested: &Nested, what: &str) -> Refusal {
    Refusal::BadPayload { message: format!("{path}/{} must be {what} or null", key(nested)) }
}

fn not_offered(what: &str) -> Refusal {
    Refusal::NotImplemented { detail: format!("Related rows cannot be inserted with {what}.") }
}
