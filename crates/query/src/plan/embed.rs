//! Embedded resources: which relationship a name and hint mean (PostgREST's reference, "Resource Embedding" and "Foreign Key Joins
//! on Multiple Foreign Key Relationships"), and how the related rows are reached. A relationship that uses a table or column which
//! the caller may not read does not exist for it.

use plinth_catalog::expr::{CompareOp, Expr, ExprKind, FromItem, JoinKind, QueryBody};
use plinth_catalog::{Cardinality, ComputedRelationship, Relation, RelationId, RelationKind, Relationship};
use plinth_values::cast::{self, Context};
use plinth_values::{Type, Value};

use super::access::similar;
use super::planner::{Planner, Source, coerce};
use super::select::{Part, Scope};
use crate::ir;
use crate::plan::Node;
use crate::refusal::{Refusal, RelationshipCandidate};
use crate::request::Embed;

/// An embedded resource whose relationship is found.
pub(crate) struct Embedded<'a, 'r> {
    /// What was asked
    pub embed: &'r Embed,
    /// Whether its fields become the parent's
    pub spread: bool,
    /// How its rows are found
    pub link: Link<'a>,
}

/// What leads from a row to related ones.
#[derive(Clone, Copy)]
pub(crate) enum Link<'a> {
    /// Columns that are equal
    Keys(&'a Relationship),
    /// A function of the row
    Function(ComputedRelationship<'a>),
}

impl Link<'_> {
    /// The relation that the related rows are of.
    pub fn to(&self) -> RelationId {
        match self {
            Link::Keys(relationship) => relationship.to,
            Link::Function(computed) => computed.to,
        }
    }
}

impl Embedded<'_, '_> {
    /// The name in the result.
    pub fn name(&self) -> &str {
        self.embed.alias.as_deref().unwrap_or(&self.embed.relation)
    }

    /// Whether there is at most one related row.
    pub fn to_one(&self) -> bool {
        match &self.link {
            Link::Keys(relationship) => relationship.cardinality.is_to_one(),
            Link::Function(computed) => computed.to_one,
        }
    }
}

/// The related rows, before any condition of the request.
pub(crate) struct Related<'a> {
    /// Their columns
    pub source: Source<'a>,
    /// Where they come from
    pub from: FromItem,
    /// What makes them related to the parent's row
    pub on: Vec<Expr>,
}

impl<'a> Planner<'a> {
    /// Finds the relationship that an embedded resource names.
    pub fn embedded<'r>(
        &self,
        parent: &Source<'a>,
        embed: &'r Embed,
        spread: bool,
    ) -> Result<Embedded<'a, 'r>, Refusal> {
        let computed = self.computed_relationships(parent);
        // A function takes the place of what was detected between the relation and the one of its name.
        let is_replaced = |relationship: &Relationship| {
            let to = &self.catalog.relation(relationship.to).name;
            computed.iter().any(|computed| computed.function.name == *to)
        };
        let detected = match parent.relation {
            Some(relation) => self.catalog.relationships_from(relation.id),
            None => &[],
        };
        let detected = detected
            .iter()
            .filter(|relationship| self.usable(parent, relationship) && !is_replaced(relationship));
        let usable: Vec<Link<'a>> =
            detected.map(Link::Keys).chain(computed.iter().copied().map(Link::Function)).collect();
        let is_meant = |link: &&Link<'a>| match link {
            Link::Keys(relationship) => self.is_meant(relationship, &embed.relation, embed.hint.as_deref()),
            Link::Function(computed) => computed.function.name.name == embed.relation,
        };
        let found: Vec<&Link<'a>> = usable.iter().filter(is_meant).collect();
        match found.as_slice() {
            [link] => Ok(Embedded { embed, spread, link: **link }),
            [] => Err(Refusal::NoRelationship {
                schema: self.schema.to_owned(),
                from: parent.name.to_owned(),
                to: embed.relation.clone(),
                hint: embed.hint.clone(),
                suggestion: similar(
                    &embed.relation,
                    usable
                        .iter()
                        .map(|link| self.catalog.relation(link.to()).name.name.as_str())
                        .filter(|name| *name != embed.relation),
                ),
            }),
            several => Err(Refusal::AmbiguousRelationship {
                from: parent.name.to_owned(),
                to: embed.relation.clone(),
                candidates: several.iter().map(|link| self.candidate(link)).collect(),
            }),
        }
    }

    /// Whether the caller may read every column that the relationship is made of.
    fn usable(&self, parent: &Source<'a>, relationship: &Relationship) -> bool {
        let to = self.catalog.relation(relationship.to);
        let readable = |relation: &Relation, column: usize| {
            self.weaver.access.privileges(relation).select.covers(column)
        };
        let here = relationship
            .columns
            .iter()
            .all(|(column, _)| parent.columns.get(*column).is_some_and(|column| column.readable));
        let there = match &relationship.junction {
            None => relationship.columns.iter().all(|(_, column)| readable(to, *column)),
            Some(junction) => {
                let between = self.catalog.relation(junction.relation);
                relationship.columns.iter().all(|(_, column)| readable(between, *column))
                    && junction
                        .columns
                        .iter()
                        .all(|(near, far)| readable(between, *near) && readable(to, *far))
            }
        };
        to.name.schema == self.schema && here && there
    }

    /// Whether a target and hint mean this relationship.
    fn is_meant(&self, relationship: &Relationship, target: &str, hint: Option<&str>) -> bool {
        let to = self.catalog.relation(relationship.to);
        let from = self.catalog.relation(relationship.from);
        let by_name = to.name.name == target;
        let single = match (relationship.columns.as_slice(), &relationship.junction) {
            ([(here, there)], None) => from
                .columns
                .get(*here)
                .zip(to.columns.get(*there))
                .map(|(here, there)| (&here.name, &there.name)),
            _ => None,
        };
        let by_column = |name: &str| single.is_some_and(|(here, _)| here == name);
        let by_referenced = |name: &str| single.is_some_and(|(_, there)| there == name);
        let by_constraint = |name: &str| relationship.junction.is_none() && relationship.constraint == name;
        let by_junction = |name: &str| {
            relationship.junction.as_ref().is_some_and(|junction| {
                junction.constraint == name || self.catalog.relation(junction.relation).name.name == name
            })
        };
        let outwards =
            matches!(relationship.cardinality, Cardinality::OneToMany | Cardinality::OneToOneChild);
        let inwards =
            matches!(relationship.cardinality, Cardinality::ManyToOne | Cardinality::OneToOneParent);
        match (relationship.is_self, hint) {
            // One foreign key leads both ways: the table's name means the many, the column's name the one.
            (true, None) => by_name && outwards || by_column(target) && inwards,
            (true, Some(hint)) => {
                by_name && (outwards && (by_referenced(hint) || by_constraint(hint)) || by_junction(hint))
            }
            (false, None) => {
                let is_table = matches!(to.kind, RelationKind::Table(_));
                by_name || is_table && (by_constraint(target) || by_column(target))
            }
            (false, Some(hint)) => {
                by_name
                    && (by_constraint(hint) || by_column(hint) || by_referenced(hint) || by_junction(hint))
            }
        }
    }

    fn candidate(&self, link: &Link<'a>) -> RelationshipCandidate {
        let relationship = match link {
            Link::Keys(relationship) => relationship,
            Link::Function(computed) => return self.computed_candidate(computed),
        };
        let from = self.catalog.relation(relationship.from);
        let to = self.catalog.relation(relationship.to);
        let names = |relation: &Relation, columns: &mut dyn Iterator<Item = usize>| {
            let names: Vec<&str> = columns
                .filter_map(|column| relation.columns.get(column))
                .map(|column| column.name.as_str())
                .collect();
            names.join(", ")
        };
        let cardinality = match relationship.cardinality {
            Cardinality::ManyToOne => "many-to-one",
            Cardinality::OneToMany => "one-to-many",
            Cardinality::OneToOneParent | Cardinality::OneToOneChild => "one-to-one",
            Cardinality::ManyToMany => "many-to-many",
        };
        let (text, hint) = match &relationship.junction {
            None => (
                format!(
                    "{} using {}({}) and {}({})",
                    relationship.constraint,
                    from.name.name,
                    names(from, &mut relationship.columns.iter().map(|(here, _)| *here)),
                    to.name.name,
                    names(to, &mut relationship.columns.iter().map(|(_, there)| *there)),
                ),
                &relationship.constraint,
            ),
            Some(junction) => {
                let between = self.catalog.relation(junction.relation);
                let text = format!(
                    "{} using {}({}) and {}({})",
                    between.name.name,
                    relationship.constraint,
                    names(between, &mut relationship.columns.iter().map(|(_, near)| *near)),
                    junction.constraint,
                    names(between, &mut junction.columns.iter().map(|(near, _)| *near)),
                );
                (text, &between.name.name)
            }
        };
        RelationshipCandidate {
            embedding: format!("{} with {}", from.name.name, to.name.name),
            cardinality,
            relationship: text,
            hint: format!("{}!{hint}", to.name.name),
        }
    }

    fn computed_candidate(&self, computed: &ComputedRelationship<'a>) -> RelationshipCandidate {
        let from = computed.function.of_row().map(|from| self.catalog.relation(from).name.name.as_str());
        let (from, to) = (from.unwrap_or_default(), &self.catalog.relation(computed.to).name.name);
        let name = &computed.function.name.name;
        RelationshipCandidate {
            embedding: format!("{from} with {to}"),
            cardinality: if computed.to_one { "many-to-one" } else { "one-to-many" },
            relationship: format!("{name}({from})"),
            hint: name.clone(),
        }
    }

    /// The rows related to a row of the parent, under sources of their own.
    pub fn related(
        &mut self,
        parent: &Source<'a>,
        embedded: &Embedded<'a, '_>,
    ) -> Result<Related<'a>, Refusal> {
        let relationship = match embedded.link {
            Link::Keys(relationship) => relationship,
            Link::Function(computed) => {
                let (source, from) = self.computed_rows(parent, computed)?;
                return Ok(Related { source, from, on: Vec::new() });
            }
        };
        let native = self.database().is_some();
        let to = self.catalog.relation(relationship.to);
        let (id, from) = self.weaver.read(to.id)?;
        let source = self.source(id, to)?;
        let Some(junction) = &relationship.junction else {
            let on = relationship
                .columns
                .iter()
                .map(|(here, there)| equal(source.value(*there), parent.value(*here), native))
                .collect();
            return Ok(Related { source, from, on });
        };
        let between = self.catalog.relation(junction.relation);
        let (id, between_from) = self.weaver.read(between.id)?;
        let between = self.source(id, between)?;
        let meets = junction
            .columns
            .iter()
            .map(|(near, far)| equal(source.value(*far), between.value(*near), native));
        let from = FromItem::Join {
            kind: JoinKind::Inner,
            left: Box::new(from),
            right: Box::new(between_from),
            on: Some(Expr::and(meets)),
        };
        let on = relationship
            .columns
            .iter()
            .map(|(here, near)| equal(between.value(*near), parent.value(*here), native))
            .collect();
        Ok(Related { source, from, on })
    }

    /// The node of an embedded resource.
    pub fn embedded_node(
        &mut self,
        parent: &Source<'a>,
        embedded: &Embedded<'a, '_>,
    ) -> Result<Node, Refusal> {
        let Related { source, from, on } = self.related(parent, embedded)?;
        let scope = self.scope(source, &embedded.embed.select)?;
        let mut part = Part::of_embed(embedded.embed);
        if !embedded.to_one() {
            part.limit = self.capped(part.limit);
        }
        self.node(&scope, from, on, &part)
    }

    /// Whether there is a related row that the embedded resource's own conditions let through.
    pub fn exists(
        &mut self,
        parent: &Source<'a>,
        embedded: &Embedded<'a, '_>,
        negated: bool,
    ) -> Result<Expr, Refusal> {
        let Related { source, from, mut on } = self.related(parent, embedded)?;
        let scope = self.scope(source, &embedded.embed.select)?;
        on.extend(self.restrictions(&scope, &embedded.embed.filters)?);
        let projection = vec![(Expr::literal(Value::Int(1), Type::Int4), "one".to_owned())];
        let mut query = ir::select(self.weaver.fresh(), projection, Some(from), Some(Expr::and(on)));
        if let QueryBody::Select(select) = &mut query.body {
            self.group(&scope, &Part::of_embed(embedded.embed), select)?;
        }
        let number =
            |n: u64| Box::new(Expr::literal(Value::Int(i64::try_from(n).unwrap_or(i64::MAX)), Type::Int8));
        // What the embedded resource leaves out by its range is not there for its parent either.
        query.limit = embedded.embed.limit.map(number);
        query.offset = Some(embedded.embed.offset).filter(|offset| *offset > 0).map(number);
        Ok(Expr::boolean(ExprKind::Exists { query: Box::new(query), negated }))
    }

    /// A value of the one related row, as a value of the parent's row.
    pub fn related_value(
        &mut self,
        parent: &Source<'a>,
        embedded: &Embedded<'a, '_>,
        value: impl FnOnce(&mut Self, &Scope<'a, '_>) -> Result<Expr, Refusal>,
    ) -> Result<Expr, Refusal> {
        let Related { source, from, mut on } = self.related(parent, embedded)?;
        let scope = self.scope(source, &embedded.embed.select)?;
        on.extend(self.restrictions(&scope, &embedded.embed.filters)?);
        let value = value(self, &scope)?;
        let ty = value.ty.clone();
        let projection = vec![(value, "value".to_owned())];
        let query = ir::select(self.weaver.fresh(), projection, Some(from), Some(Expr::and(on)));
        Ok(Expr { kind: ExprKind::Scalar(Box::new(query)), ty })
    }
}

/// `left = right`, of the type that both can have, which a database finds by itself.
fn equal(left: Expr, right: Expr, native: bool) -> Expr {
    if native || left.ty == right.ty {
        return Expr::compare(CompareOp::Eq, left, right);
    }
    let (left_ty, right_ty) = (left.ty.clone(), right.ty.clone());
    if cast::context(&left_ty, &right_ty) == Some(Context::Implicit) {
        Expr::compare(CompareOp::Eq, coerce(left, right_ty), right)
    } else {
        Expr::compare(CompareOp::Eq, left, coerce(right, left_ty))
    }
}
