//! What a caller may reach of a schema: for documents about it. Every answer is asked of the code that plans requests, so that
//! a document never says more or less than a request finds.

use plinth_catalog::{Catalog, Columns, Function, Privileges, Relation, RelationId, RelationKind, Writable};

use super::access::Access;
use super::payload::refuse_given;
use super::planner::Planner;
use super::select::Part;
use super::weave::Rights;
use crate::caller::Caller;
use crate::request::{Action, Limits, Request, Returning, SelectItem, Target};

/// What a caller may reach of a schema, by name.
#[derive(Debug)]
pub struct Reach<'a> {
    /// The relations that it may do anything with
    pub relations: Vec<ReachedRelation<'a>>,
    /// The functions that it may call; overloads stand together
    pub functions: Vec<&'a Function>,
}

/// What a caller may do with a relation. Columns are positions, ascending.
#[derive(Debug)]
pub struct ReachedRelation<'a> {
    /// The relation
    pub relation: &'a Relation,
    /// The columns that it may read
    pub select: Vec<usize>,
    /// The columns that it may give for a new row
    pub insert: Vec<usize>,
    /// The columns that it may change
    pub update: Vec<usize>,
    /// Whether it may delete rows
    pub delete: bool,
    /// Whether it may put a row under its primary key
    pub put: bool,
}

impl<'a> Reach<'a> {
    /// What the caller may do with a relation, if anything.
    pub fn relation(&self, id: RelationId) -> Option<&ReachedRelation<'a>> {
        self.relations.iter().find(|reached| reached.relation.id == id)
    }
}

/// What the caller may reach of a schema.
pub fn reach<'a>(catalog: &'a Catalog, caller: &Caller, schema: &str) -> Reach<'a> {
    let mut relations: Vec<ReachedRelation<'a>> = catalog
        .relations
        .iter()
        .filter(|relation| relation.name.schema == schema)
        .filter_map(|relation| reached(catalog, caller, relation))
        .collect();
    relations.sort_by(|a, b| a.relation.name.name.cmp(&b.relation.name.name));
    let access = Access::new(catalog, caller, true);
    let mut functions: Vec<&Function> = catalog
        .functions
        .iter()
        .filter(|function| function.name.schema == schema && access.may_execute(function))
        .collect();
    functions.sort_by(|a, b| a.name.name.cmp(&b.name.name).then(a.id.cmp(&b.id)));
    Reach { relations, functions }
}

/// What the caller may do with a relation, if anything.
pub(super) fn reached<'a>(
    catalog: &'a Catalog,
    caller: &Caller,
    relation: &'a Relation,
) -> Option<ReachedRelation<'a>> {
    let request = Request {
        target: Target::Relation { schema: relation.name.schema.clone(), name: relation.name.name.clone() },
        action: Action::Read,
        select: vec![SelectItem::All],
        filters: Vec::new(),
        order: Vec::new(),
        limit: None,
        offset: 0,
        having: Vec::new(),
        distinct: None,
        page: None,
        count: None,
        versioned: false,
        limits: Limits::default(),
    };
    let mut planner = Planner::new(catalog, caller, &request);
    let rights = planner.weaver.access.privileges(relation);
    if rights == Privileges::default() {
        return None;
    }
    let mut found = ReachedRelation {
        relation,
        select: readable(&mut planner, relation, &request, &rights.select),
        insert: writable(&mut planner, relation, |rights| &rights.insert, "insert into", false),
        update: writable(&mut planner, relation, |rights| &rights.update, "update", true),
        delete: is_open(&planner, relation, |by| by.delete)
            && planner.delete(relation, &request, Returning::Minimal, None).is_ok(),
        put: false,
    };
    found.put = puts(&mut planner, &found);
    let any =
        found.delete || !(found.select.is_empty() && found.insert.is_empty() && found.update.is_empty());
    any.then_some(found)
}

/// The columns that may be read. A view with the caller's rights is read only where its tables may be.
fn readable<'a>(
    planner: &mut Planner<'a>,
    relation: &'a Relation,
    request: &Request,
    columns: &Columns,
) -> Vec<usize> {
    if !columns.any() {
        return Vec::new();
    }
    if matches!(relation.kind, RelationKind::View(_)) && !is_planned(planner, relation, request) {
        return Vec::new();
    }
    (0..relation.columns.len()).filter(|column| columns.covers(*column)).collect()
}

fn is_planned<'a>(planner: &mut Planner<'a>, relation: &'a Relation, request: &Request) -> bool {
    let id = planner.weaver.fresh();
    let Ok(source) = planner.source(id, relation) else { return false };
    let Ok(from) = planner.weaver.relation(id, relation.id, Rights::Caller) else { return false };
    let Ok(scope) = planner.scope(source, &request.select) else { return false };
    planner.node(&scope, from, Vec::new(), &Part::of_request(request)).is_ok()
}

/// Whether a row may be put: its key is read, inserted, and (as the whole row is) updated.
fn puts<'a>(planner: &mut Planner<'a>, found: &ReachedRelation<'a>) -> bool {
    let Ok(written) = planner.written(found.relation, "insert into") else { return false };
    let Some(key) = &written.primary_key else { return false };
    key.iter().all(|column| {
        let all = [&found.select, &found.insert, &found.update];
        all.iter().all(|columns| columns.iter().any(|at| written.base_column(*at) == Some(*column)))
    })
}

/// Whether the database lets rows be written through the relation, if it is a view of one.
fn is_open(planner: &Planner<'_>, relation: &Relation, way: fn(&Writable) -> bool) -> bool {
    match &relation.kind {
        RelationKind::View(view) if planner.database().is_some() => way(&view.writable),
        RelationKind::View(_) | RelationKind::Table(_) => true,
    }
}

/// The columns that may be given in a write.
fn writable<'a>(
    planner: &mut Planner<'a>,
    relation: &'a Relation,
    privilege: fn(&Privileges) -> &Columns,
    verb: &str,
    updates: bool,
) -> Vec<usize> {
    if !privilege(&planner.weaver.access.privileges(relation)).any() {
        return Vec::new();
    }
    if !is_open(planner, relation, if updates { |by| by.update } else { |by| by.insert }) {
        return Vec::new();
    }
    let Ok(written) = planner.written(relation, verb) else { return Vec::new() };
    let open = |name: &String| {
        planner
            .written_columns(&written, std::slice::from_ref(name), privilege, verb)
            .ok()
            .and_then(|base| base.first().and_then(|position| written.base.columns.get(*position)))
            .is_some_and(|column| refuse_given(column, updates).is_ok())
    };
    let columns = relation.columns.iter().enumerate();
    columns.filter(|(_, column)| open(&column.name)).map(|(position, _)| position).collect()
}
