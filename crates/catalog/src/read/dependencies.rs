//! Which relations and functions a syntax tree names, found without resolving it: the order in which views can be built, and
//! what an unbuilt view takes along.

use std::ops::ControlFlow;

use sqlparser::ast::{self, Visit, Visitor};

use super::reader::Reader;
use super::syntax::{Place, Qualified, Word};
use crate::Name;

/// The names in a syntax tree.
#[derive(Default)]
pub(super) struct References {
    /// In `from`: relations, and functions that give rows
    pub relations: Vec<Qualified>,
    /// Called
    pub functions: Vec<Qualified>,
}

pub(super) fn references(tree: &impl Visit) -> References {
    let mut collector = Collector::default();
    let _: ControlFlow<()> = tree.visit(&mut collector);
    collector.found
}

/// Whether the tree names a view that could not be built.
pub(super) fn reads_broken_view(reader: &Reader<'_>, tree: &impl Visit) -> bool {
    let broken = |name: &Name| reader.broken_views.contains(name).then_some(());
    !reader.broken_views.is_empty()
        && references(tree).relations.iter().any(|relation| reader.look_up(relation, broken).is_some())
}

#[derive(Default)]
struct Collector {
    found: References,
    /// One for each query around the current place
    scopes: Vec<Scope>,
}

/// The common table expressions of a query, which hide relations of the same name.
struct Scope {
    names: Vec<String>,
    queries: Vec<*const ast::Query>,
    recursive: bool,
    /// How many of them can be seen: in a query of `with`, those before it, unless recursive
    visible: usize,
}

impl Collector {
    fn is_hidden(&self, name: &Qualified) -> bool {
        let in_scope =
            |scope: &Scope| scope.names.iter().take(scope.visible).any(|known| *known == name.name.text);
        name.schema.is_none() && self.scopes.iter().any(in_scope)
    }

    /// The position of this query among the common table expressions of the query around it.
    fn position(&self, query: &ast::Query) -> Option<usize> {
        self.scopes.last()?.queries.iter().position(|known| std::ptr::eq(*known, query))
    }
}

impl Visitor for Collector {
    type Break = ();

    fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<()> {
        let position = self.position(query);
        if let (Some(position), Some(around)) = (position, self.scopes.last_mut())
            && !around.recursive
        {
            around.visible = position;
        }
        let ctes = query.with.iter().flat_map(|with| &with.cte_tables);
        let (names, queries): (Vec<_>, Vec<_>) =
            ctes.map(|cte| (fold(&cte.alias.name), &raw const *cte.query)).unzip();
        let recursive = query.with.as_ref().is_some_and(|with| with.recursive);
        self.scopes.push(Scope { visible: names.len(), names, queries, recursive });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &ast::Query) -> ControlFlow<()> {
        self.scopes.pop();
        if self.position(query).is_some()
            && let Some(around) = self.scopes.last_mut()
        {
            around.visible = around.names.len();
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ast::ObjectName) -> ControlFlow<()> {
        if let Some(name) = qualified(relation)
            && !self.is_hidden(&name)
        {
            self.found.relations.push(name);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &ast::TableFactor) -> ControlFlow<()> {
        if let ast::TableFactor::Function { name, .. } = factor {
            self.found.functions.extend(qualified(name));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &ast::Expr) -> ControlFlow<()> {
        if let ast::Expr::Function(function) = expr {
            self.found.functions.extend(qualified(&function.name));
        }
        ControlFlow::Continue(())
    }
}

fn fold(ident: &ast::Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_ascii_lowercase(),
    }
}

fn qualified(name: &ast::ObjectName) -> Option<Qualified> {
    let word =
        |part: &ast::ObjectNamePart| Some(Word { text: fold(part.as_ident()?), place: Place::default() });
    match name.0.as_slice() {
        [name] => Some(Qualified { schema: None, name: word(name)? }),
        [schema, name] => Some(Qualified { schema: Some(word(schema)?), name: word(name)? }),
        _ => None,
    }
}
