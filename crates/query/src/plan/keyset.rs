//! Pages told by a row: the order is made complete by a key, and what lies beyond a place in it is written as conditions that an
//! index can be searched by. How a place travels to the client and back is the front door's.

use plinth_catalog::expr::{CompareOp, Expr, ExprKind, OrderBy};
use plinth_values::Value;
use sha2::{Digest as _, Sha256};

use super::limits::limit;
use super::planner::{Planner, Source};
use super::select::{Part, Scope};
use crate::plan::Keyset;
use crate::refusal::Refusal;
use crate::request::{FieldPath, Order, Page, Position};

/// The most keys of an order with pages by cursor: each is a piece of its own.
const MAX_KEYS: usize = 16;

/// A key of the complete order.
struct Key<'k> {
    by: &'k OrderBy,
    nullable: bool,
}

impl<'a> Planner<'a> {
    /// The page, and `order` made complete.
    pub fn keyset(
        &mut self,
        scope: &Scope<'a, '_>,
        part: &Part<'_>,
        page: &Page,
        grouped: bool,
        order: &mut Vec<OrderBy>,
    ) -> Result<Keyset, Refusal> {
        if grouped {
            return Err(Refusal::NotImplemented {
                detail: "Cursors are not implemented for groups and distinct rows.".into(),
            });
        }
        if part.offset > 0 {
            return Err(Refusal::NotImplemented {
                detail: "A page begins at a cursor or at an offset, not at both.".into(),
            });
        }
        let mut asked: Vec<Order> = part.order.to_vec();
        for column in self.unique_key(&scope.source)? {
            let Some(name) = scope.source.columns.get(column).map(|column| column.name.to_owned()) else {
                continue;
            };
            let field = FieldPath { column: name, path: Vec::new() };
            if asked.iter().any(|key| key.relation.is_none() && key.field == field) {
                continue;
            }
            asked.push(Order { relation: None, field, descending: false, nulls_first: None });
            let expr = scope.source.value(column);
            order.push(OrderBy { expr, descending: false, nulls_first: false });
        }
        if order.len() > MAX_KEYS {
            return Err(limit(
                format!("an order with cursors has at most {MAX_KEYS} keys"),
                "Order by fewer columns, or page by offset.",
            ));
        }
        let shape = self.shape(&scope.source, &asked, order);
        let beyond = match &page.from {
            None => None,
            Some(position) if position.shape == shape && position.values.len() == order.len() => {
                Some(self.beyond(&scope.source, order, position, page.backwards))
            }
            Some(_) => {
                return Err(Refusal::Sql {
                    code: "34000",
                    message: "the cursor is not one of this order".into(),
                    detail: Some("It was given for another relation, order or role.".into()),
                    hint: Some("Begin again with an empty cursor.".into()),
                });
            }
        };
        Ok(Keyset { backwards: page.backwards, beyond, shape })
    }

    /// A key that no two rows have in common, and that the caller may read: the primary key, or a unique one without nulls. Keys that
    /// it may not read do not exist for it.
    fn unique_key(&self, source: &Source<'a>) -> Result<Vec<usize>, Refusal> {
        let table = source.relation.and_then(|relation| relation.table());
        let sure = |column: &usize| {
            let readable = source.columns.get(*column).is_some_and(|column| column.readable);
            readable && !self.is_nullable(source, *column)
        };
        let mut keys = table.into_iter().flat_map(|table| table.primary_key.iter().chain(&table.uniques));
        match keys.find(|key| key.columns.iter().all(sure)) {
            Some(key) => Ok(key.columns.clone()),
            None => Err(Refusal::NotImplemented {
                detail: format!(
                    "Cursors need a key that no two rows of '{}' have in common: a primary key, or unique columns without nulls.",
                    source.name
                ),
            }),
        }
    }

    fn is_nullable(&self, source: &Source<'a>, column: usize) -> bool {
        let Some(relation) = source.relation.filter(|_| source.values.is_none()) else { return true };
        let in_key = relation
            .table()
            .and_then(|table| table.primary_key.as_ref())
            .is_some_and(|key| key.columns.contains(&column));
        !in_key && relation.columns.get(column).is_none_or(|column| column.nullable)
    }

    /// What a place of this order belongs to. The values themselves, conditions and limits are no part of it.
    fn shape(&self, source: &Source<'a>, asked: &[Order], order: &[OrderBy]) -> [u8; 16] {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        };
        add(self.role);
        add(self.schema);
        add(source.name);
        for (Order { relation, field, .. }, by) in asked.iter().zip(order) {
            // The debug form is used for being unambiguous: nobody reads it.
            add(&format!("{relation:?} {field:?} {} {} {}", by.expr.ty, by.descending, by.nulls_first));
        }
        let digest = hash.finalize();
        let mut shape = [0; 16];
        shape.copy_from_slice(&digest[..16]);
        shape
    }

    /// The rows beyond a place: for each key, from the last to the first, those that agree in the keys before it and come later by it.
    /// Written apart, each is a search in an index over the order; one condition over all keys would be a scan.
    fn beyond(
        &mut self,
        source: &Source<'a>,
        order: &[OrderBy],
        position: &Position,
        backwards: bool,
    ) -> Vec<Expr> {
        let keys: Vec<Key<'_>> = order
            .iter()
            .map(|by| Key {
                by,
                nullable: match by.expr.kind {
                    ExprKind::Column { source: id, column } if id == source.id => {
                        self.is_nullable(source, column)
                    }
                    _ => true,
                },
            })
            .collect();
        let values: Vec<Option<Expr>> = order
            .iter()
            .zip(&position.values)
            .map(|(by, value)| match value {
                Value::Null => None,
                value => Some(self.bind(by.expr.ty.clone(), value.clone())),
            })
            .collect();
        let mut pieces = Vec::new();
        for (at, (key, value)) in keys.iter().zip(&values).enumerate().rev() {
            let same: Vec<Expr> =
                keys.iter().zip(&values).take(at).map(|(key, value)| is_same(&key.by.expr, value)).collect();
            for later in later(key, value.as_ref(), backwards) {
                pieces.push(Expr::and(same.iter().cloned().chain([later])));
            }
        }
        pieces
    }
}

fn is_same(key: &Expr, value: &Option<Expr>) -> Expr {
    match value {
        Some(value) => Expr::compare(CompareOp::Eq, key.clone(), value.clone()),
        None => is_null(key, false),
    }
}

/// The values of a key that come later than a value, in the order in which they come.
fn later(key: &Key<'_>, value: Option<&Expr>, backwards: bool) -> Vec<Expr> {
    let OrderBy { expr, descending, nulls_first } = key.by;
    let nulls_come_later = key.nullable && *nulls_first == backwards;
    match value {
        Some(value) => {
            let op = if *descending == backwards { CompareOp::Gt } else { CompareOp::Lt };
            let mut later = vec![Expr::compare(op, expr.clone(), value.clone())];
            if nulls_come_later {
                later.push(is_null(expr, false));
            }
            later
        }
        None if nulls_come_later => Vec::new(),
        None => vec![is_null(expr, true)],
    }
}

fn is_null(expr: &Expr, negated: bool) -> Expr {
    Expr::boolean(ExprKind::IsNull { expr: Box::new(expr.clone()), negated })
}
