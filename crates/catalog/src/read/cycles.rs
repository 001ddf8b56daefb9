//! Functions that call themselves, directly or through views and other functions. Where one is used, its body takes its place,
//! which would have no end.

use super::reader::Reader;
use crate::expr::{Expr, ExprKind, FromItem};
use crate::walk::{Visitor, walk_expr, walk_from_item, walk_statement};
use crate::{Catalog, FunctionId, RelationId, RelationKind};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Function(FunctionId),
    View(RelationId),
}

pub(super) fn check(reader: &mut Reader<'_>) {
    let catalog = &reader.catalog;
    let mut nodes: Vec<(Node, Vec<Node>)> = Vec::new();
    for function in &catalog.functions {
        let mut uses = Uses { catalog, found: Vec::new() };
        for statement in &function.body {
            walk_statement(&mut uses, statement);
        }
        nodes.push((Node::Function(function.id), uses.found));
    }
    for relation in &catalog.relations {
        if let RelationKind::View(view) = &relation.kind {
            let mut uses = Uses { catalog, found: Vec::new() };
            view.query.iter().for_each(|query| uses.query(query));
            nodes.push((Node::View(relation.id), uses.found));
        }
    }
    let Some(circle) = circle(nodes) else { return };
    let name = |node: &Node| match node {
        Node::Function(id) => catalog.function(*id).name.name.clone(),
        Node::View(id) => catalog.relation(*id).name.name.clone(),
    };
    let first = circle.iter().find_map(|node| match node {
        Node::Function(id) => Some((*id, reader.function_places.get(id.0 as usize).copied()?)),
        Node::View(_) => None,
    });
    let Some((function, place)) = first else { return };
    let path: Vec<String> = circle.iter().chain(circle.first()).map(name).collect();
    let message =
        format!("function \"{}\" calls itself: {}", name(&Node::Function(function)), path.join(" → "));
    let error = reader.error_with_hint(place, message, "write it with recursive instead");
    reader.keep::<()>(Err(error));
}

/// The functions and views that an expression or query uses.
struct Uses<'a> {
    catalog: &'a Catalog,
    found: Vec<Node>,
}

impl Visitor for Uses<'_> {
    fn expr(&mut self, expr: &Expr) {
        if let ExprKind::UserCall { function, .. } = &expr.kind {
            self.found.push(Node::Function(*function));
        }
        walk_expr(self, expr);
    }

    fn from_item(&mut self, item: &FromItem) {
        match item {
            FromItem::Function { function, .. } => self.found.push(Node::Function(*function)),
            FromItem::Relation { relation, .. } if self.catalog.relation(*relation).table().is_none() => {
                self.found.push(Node::View(*relation));
            }
            _ => {}
        }
        walk_from_item(self, item);
    }
}

/// Takes away what uses nothing that is left, until nothing changes: what remains leads into a circle.
fn circle(mut nodes: Vec<(Node, Vec<Node>)>) -> Option<Vec<Node>> {
    loop {
        let left: Vec<Node> = nodes.iter().map(|(node, _)| *node).collect();
        let before = nodes.len();
        for (_, uses) in &mut nodes {
            uses.retain(|used| left.contains(used));
        }
        nodes.retain(|(_, uses)| !uses.is_empty());
        if nodes.is_empty() {
            return None;
        }
        if nodes.len() == before {
            break;
        }
    }
    let mut path: Vec<Node> = Vec::new();
    let mut next = nodes.first().map(|(node, _)| *node);
    while let Some(node) = next {
        if let Some(start) = path.iter().position(|seen| *seen == node) {
            return path.get(start..).map(<[Node]>::to_vec);
        }
        path.push(node);
        next = nodes.iter().find(|(known, _)| *known == node).and_then(|(_, uses)| uses.first().copied());
    }
    None
}
