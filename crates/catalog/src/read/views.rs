//! Views, built after those they read.

use std::collections::{HashMap, HashSet};

use super::dependencies::references;
use super::origins::origins;
use super::reader::{Reader, at};
use super::syntax::{CreateView, Place, Statement};
use super::{tables, types};
use crate::{Column, Diagnostic, Name, RelationId, RelationKind, Returns};

/// A view whose query is not resolved yet.
pub(super) struct ViewDraft<'s> {
    pub id: RelationId,
    pub name: Name,
    /// The number of the statement that created it
    pub created: usize,
    pub place: Place,
    pub security_invoker: bool,
    pub statement: &'s CreateView,
}

pub(super) fn declare<'s>(reader: &mut Reader<'_>, statements: &'s [Statement]) -> Vec<ViewDraft<'s>> {
    let mut drafts: Vec<ViewDraft<'s>> = Vec::new();
    for (created, statement) in statements.iter().enumerate() {
        let Statement::View(view) = statement else { continue };
        let replaced = reader
            .new_name(&view.name)
            .ok()
            .and_then(|name| drafts.iter_mut().find(|draft| draft.name == name && view.or_replace));
        if let Some(draft) = replaced {
            draft.statement = view;
            draft.security_invoker = view.security_invoker;
            draft.place = view.name.place();
            continue;
        }
        if view.if_not_exists && tables::exists(reader, &view.name) {
            continue;
        }
        let declared = tables::new_relation(reader, &view.name);
        if let Some(name) = reader.keep(declared) {
            drafts.push(ViewDraft {
                id: RelationId(0),
                name,
                created,
                place: view.name.place(),
                security_invoker: view.security_invoker,
                statement: view,
            });
        }
    }
    for statement in statements {
        let Statement::AlterView { view, security_invoker } = statement else { continue };
        let name = reader.look_up(view, |name| drafts.iter().position(|draft| draft.name == *name));
        match name.and_then(|index| drafts.get_mut(index)) {
            Some(draft) => draft.security_invoker = *security_invoker,
            None => reader.report(view.place(), format!("view \"{view}\" does not exist")),
        }
    }
    drafts
}

pub(super) fn build(reader: &mut Reader<'_>, drafts: &[ViewDraft<'_>]) {
    let names: HashSet<&Name> = drafts.iter().map(|draft| &draft.name).collect();
    let mut waiting: Vec<(&ViewDraft<'_>, Vec<Name>)> =
        drafts.iter().map(|draft| (draft, views_read(reader, draft, &names))).collect();
    waiting.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    while !waiting.is_empty() {
        let unbuilt: HashSet<Name> = waiting.iter().map(|(draft, _)| draft.name.clone()).collect();
        let (ready, blocked): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|(_, reads)| !reads.iter().any(|name| unbuilt.contains(name)));
        if ready.is_empty() {
            report_cycle(reader, &blocked);
            return;
        }
        for (draft, reads) in ready {
            let built = if reads.iter().any(|name| reader.broken_views.contains(name)) {
                None
            } else {
                let built = build_view(reader, draft);
                reader.keep(built)
            };
            if built.is_none() {
                reader.broken_views.insert(draft.name.clone());
            }
        }
        waiting = blocked;
    }
}

/// The views that a view needs to be built before it: those it reads, and those whose rows the functions it calls return.
fn views_read(reader: &Reader<'_>, draft: &ViewDraft<'_>, views: &HashSet<&Name>) -> Vec<Name> {
    let found = references(&*draft.statement.query);
    let is_view = |name: &Name| views.contains(name);
    let mut reads: Vec<Name> = Vec::new();
    for relation in &found.relations {
        reads.extend(reader.look_up(relation, |name| is_view(name).then(|| name.clone())));
    }
    for function in found.functions.iter().chain(&found.relations) {
        let functions = reader.look_up(function, |name| {
            let mut functions = reader.catalog.find_functions(&name.schema, &name.name).peekable();
            functions.peek()?;
            Some(functions.map(|function| function.id).collect::<Vec<_>>())
        });
        for id in functions.into_iter().flatten() {
            if let Returns::Relation { relation, .. } = reader.catalog.function(id).returns {
                let name = &reader.catalog.relation(relation).name;
                reads.extend(is_view(name).then(|| name.clone()));
            }
        }
    }
    reads.sort();
    reads.dedup();
    reads
}

/// None of these can be built first: at least some of them read each other in a circle.
fn report_cycle(reader: &mut Reader<'_>, blocked: &[(&ViewDraft<'_>, Vec<Name>)]) {
    let by_name: HashMap<&Name, &Vec<Name>> =
        blocked.iter().map(|(draft, reads)| (&draft.name, reads)).collect();
    for (draft, _) in blocked {
        reader.broken_views.insert(draft.name.clone());
    }
    // Following one blocked view after the other must come back to one that was there before.
    let mut path: Vec<&Name> = Vec::new();
    let mut next = blocked.first().map(|(draft, _)| &draft.name);
    while let Some(name) = next {
        if let Some(start) = path.iter().position(|seen| *seen == name) {
            path.drain(..start);
            break;
        }
        path.push(name);
        next = by_name.get(name).and_then(|reads| reads.iter().find(|read| by_name.contains_key(read)));
    }
    let circle: Vec<&str> = path.iter().chain(path.first()).map(|name| name.name.as_str()).collect();
    let place = blocked.iter().find(|(draft, _)| path.first().is_some_and(|first| **first == draft.name));
    if let Some((draft, _)) = place {
        let message = format!("view \"{}\" reads itself: {}", draft.name.name, circle.join(" → "));
        reader.report(draft.place, message);
    }
}

fn build_view(reader: &mut Reader<'_>, draft: &ViewDraft<'_>) -> Result<(), Diagnostic> {
    let resolver = reader.resolver(draft.place);
    let query = at(reader, draft.place, resolver.query(&draft.statement.query))?;
    let origins = origins(&reader.catalog, &query);
    let names = &draft.statement.columns;
    if let Some(extra) = names.get(query.columns.len()) {
        return Err(reader.error(extra.place, "CREATE VIEW specifies more column names than columns"));
    }
    let mut columns: Vec<Column> = Vec::with_capacity(query.columns.len());
    for (index, (name, ty)) in query.columns.iter().enumerate() {
        let given = names.get(index);
        let name = given.map_or(name, |word| &word.text);
        let place = given.map_or(draft.place, |word| word.place);
        if columns.iter().any(|column| column.name == *name) {
            return Err(reader.error_with_hint(
                place,
                format!("column \"{name}\" specified more than once"),
                "give each column a name of its own: … as name",
            ));
        }
        if matches!(ty, plinth_values::Type::Void | plinth_values::Type::Row(_)) {
            return Err(reader.error(place, format!("column \"{name}\" cannot have type {ty}")));
        }
        let origin = origins.get(index).copied().flatten();
        let shown = origin.and_then(|(table, column)| reader.catalog.relation(table).columns.get(column));
        columns.push(Column {
            modifier: shown.map(|column| column.modifier).unwrap_or_default(),
            domain: shown.and_then(|column| column.domain.clone()),
            ..types::column(name, ty.clone(), plinth_values::Modifier::None)
        });
    }
    if let Some(relation) = reader.relation_mut(draft.id) {
        relation.columns = columns;
        if let RelationKind::View(view) = &mut relation.kind {
            view.query = Some(query);
            view.origins = origins;
        }
    }
    Ok(())
}
