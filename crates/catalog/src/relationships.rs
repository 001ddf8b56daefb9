//! How relations lead to each other, derived from foreign keys by PostgREST's rules: in both directions, through views that show
//! the key's columns, and through junctions.

use std::collections::{HashMap, HashSet};

use crate::{Cardinality, ForeignKey, Junction, Relation, RelationId, RelationKind, Relationship};

/// In how many ways a view may show the columns of one key before the others are left out.
const MAX_WAYS: usize = 8;

/// All relationships, in the order that [`crate::Catalog::relationships_from`] expects; within it by the other relation's name,
/// then by the constraint.
pub fn relationships(relations: &[Relation]) -> Vec<Relationship> {
    let mut found = foreign_key_relationships(relations);
    let many_to_many = many_to_many(relations, &found);
    let inverse: Vec<Relationship> = found.iter().map(invert).collect();
    found.extend(inverse);
    found.extend(many_to_many);
    let name = |id: RelationId| relations.get(id.0 as usize).map(|relation| &relation.name);
    found.sort_by(|a, b| {
        let key = |relationship: &Relationship| {
            let junction = relationship.junction.as_ref();
            (
                relationship.from,
                name(relationship.to).cloned(),
                relationship.constraint.clone(),
                junction.map(|junction| (name(junction.relation).cloned(), junction.constraint.clone())),
                relationship.columns.clone(),
            )
        };
        key(a).cmp(&key(b))
    });
    found.dedup();
    found
}

/// From each foreign key to what it references, between the tables themselves and all views that show its columns.
fn foreign_key_relationships(relations: &[Relation]) -> Vec<Relationship> {
    let views = views_by_table(relations);
    let mut found = Vec::new();
    for relation in relations {
        for key in relation.table().map(|table| table.foreign_keys.as_slice()).unwrap_or_default() {
            let cardinality =
                if is_unique(relation, key) { Cardinality::OneToOneParent } else { Cardinality::ManyToOne };
            let sides_from = sides(relations, &views, relation.id, &key.columns);
            let sides_to = sides(relations, &views, key.references, &key.referenced);
            for (from, from_columns) in &sides_from {
                for (to, to_columns) in &sides_to {
                    found.push(Relationship {
                        from: *from,
                        to: *to,
                        cardinality,
                        columns: from_columns.iter().copied().zip(to_columns.iter().copied()).collect(),
                        constraint: key.name.clone(),
                        junction: None,
                        is_self: from == to,
                    });
                }
            }
        }
    }
    found
}

/// Whether the foreign key's columns are those of the primary key or of a unique constraint.
fn is_unique(relation: &Relation, key: &ForeignKey) -> bool {
    let same = |columns: &[usize]| {
        columns.len() == key.columns.len() && columns.iter().all(|column| key.columns.contains(column))
    };
    relation.table().is_some_and(|table| {
        table.primary_key.iter().chain(&table.uniques).any(|unique| same(&unique.columns))
    })
}

/// The views that show columns of each table.
fn views_by_table(relations: &[Relation]) -> HashMap<RelationId, Vec<RelationId>> {
    let mut views: HashMap<RelationId, Vec<RelationId>> = HashMap::new();
    for relation in relations {
        if let RelationKind::View(view) = &relation.kind {
            let tables: HashSet<RelationId> =
                view.origins.iter().flatten().map(|(table, _)| *table).collect();
            for table in tables {
                views.entry(table).or_default().push(relation.id);
            }
        }
    }
    views
}

/// Where the columns of a table are found: in the table, and in each view that shows all of them.
fn sides(
    relations: &[Relation],
    views: &HashMap<RelationId, Vec<RelationId>>,
    table: RelationId,
    columns: &[usize],
) -> Vec<(RelationId, Vec<usize>)> {
    let mut sides = vec![(table, columns.to_vec())];
    for view in views.get(&table).into_iter().flatten() {
        let relation = relations.get(view.0 as usize);
        let ways = relation.map(|relation| ways_shown(relation, table, columns)).unwrap_or_default();
        sides.extend(ways.into_iter().map(|columns| (*view, columns)));
    }
    sides
}

/// The ways in which a view shows these columns of a table: several when it shows a column more than once.
fn ways_shown(view: &Relation, table: RelationId, columns: &[usize]) -> Vec<Vec<usize>> {
    let RelationKind::View(shown) = &view.kind else { return Vec::new() };
    let mut ways: Vec<Vec<usize>> = vec![Vec::new()];
    for column in columns {
        let positions: Vec<usize> = shown
            .origins
            .iter()
            .enumerate()
            .filter(|(_, origin)| **origin == Some((table, *column)))
            .map(|(position, _)| position)
            .collect();
        ways = ways
            .iter()
            .flat_map(|way| {
                positions.iter().map(move |position| way.iter().copied().chain([*position]).collect())
            })
            .take(MAX_WAYS)
            .collect();
    }
    ways
}

fn invert(relationship: &Relationship) -> Relationship {
    Relationship {
        from: relationship.to,
        to: relationship.from,
        cardinality: match relationship.cardinality {
            Cardinality::OneToOneParent => Cardinality::OneToOneChild,
            _ => Cardinality::OneToMany,
        },
        columns: relationship.columns.iter().map(|(from, to)| (*to, *from)).collect(),
        ..relationship.clone()
    }
}

/// A relation is a junction for two of its foreign keys when its primary key includes the columns of both.
fn many_to_many(relations: &[Relation], many_to_one: &[Relationship]) -> Vec<Relationship> {
    let mut by_junction: HashMap<RelationId, Vec<&Relationship>> = HashMap::new();
    for relationship in many_to_one.iter().filter(|found| found.cardinality == Cardinality::ManyToOne) {
        by_junction.entry(relationship.from).or_default().push(relationship);
    }
    let mut found = Vec::new();
    for (junction, mut keys) in by_junction {
        let primary_key = primary_key_columns(relations, junction);
        keys.retain(|key| key.columns.iter().all(|(column, _)| primary_key.contains(column)));
        for back in &keys {
            for on in keys.iter().filter(|on| on.constraint != back.constraint) {
                found.push(Relationship {
                    from: back.to,
                    to: on.to,
                    cardinality: Cardinality::ManyToMany,
                    columns: back
                        .columns
                        .iter()
                        .map(|(of_junction, of_from)| (*of_from, *of_junction))
                        .collect(),
                    constraint: back.constraint.clone(),
                    junction: Some(Junction {
                        relation: junction,
                        constraint: on.constraint.clone(),
                        columns: on.columns.clone(),
                    }),
                    is_self: back.to == on.to,
                });
            }
        }
    }
    found
}

/// The columns of the primary key; of a view, those that show the whole primary key of a table.
fn primary_key_columns(relations: &[Relation], relation: RelationId) -> HashSet<usize> {
    let get = |id: RelationId| relations.get(id.0 as usize);
    let key_of =
        |id: RelationId| get(id).and_then(Relation::table).and_then(|table| table.primary_key.as_ref());
    let Some(found) = get(relation) else { return HashSet::new() };
    match &found.kind {
        RelationKind::Table(table) => {
            table.primary_key.iter().flat_map(|key| key.columns.iter().copied()).collect()
        }
        RelationKind::View(view) => {
            let tables: HashSet<RelationId> =
                view.origins.iter().flatten().map(|(table, _)| *table).collect();
            tables
                .into_iter()
                .filter_map(|table| ways_shown(found, table, &key_of(table)?.columns).into_iter().next())
                .flatten()
                .collect()
        }
    }
}
