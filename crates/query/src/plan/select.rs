//! What to give of each row: `select` becomes the fields of a [`Node`], `order` its order (PostgREST's reference, "Tables and
//! Views", "Aggregate Functions"). Conditions are [`super::filter`]'s, related rows [`super::embed`]'s.

use plinth_catalog::expr::{Expr, FromItem, OrderBy};
use plinth_values::Type;
use plinth_values::builtin::Kind;

use super::embed::{Embedded, Link, Related};
use super::limits;
use super::planner::{Planner, Source, has_equality};
use crate::plan::{Field, Node};
use crate::refusal::Refusal;
use crate::request::{
    Aggregate, Distinct, Embed, FieldPath, Filter, Having, Order, Page, PathOperand, Request, SelectItem,
};

/// One level of a request: a source, and the resources embedded in it.
pub(crate) struct Scope<'a, 'r> {
    /// The source
    pub source: Source<'a>,
    /// The embedded resources, in the order of `select`
    pub embeds: Vec<Embedded<'a, 'r>>,
}

impl<'a, 'r> Scope<'a, 'r> {
    /// The embedded resource of this name: its alias, or the name it was asked by.
    pub fn embedded(&self, name: &str) -> Option<&Embedded<'a, 'r>> {
        self.embeds
            .iter()
            .find(|embedded| embedded.embed.alias.as_deref() == Some(name))
            .or_else(|| self.embeds.iter().find(|embedded| embedded.embed.relation == name))
    }
}

/// What a request says about one level.
pub(crate) struct Part<'r> {
    /// What to give
    pub select: &'r [SelectItem],
    /// Which rows
    pub filters: &'r [Filter],
    /// In which order
    pub order: &'r [Order],
    /// How many
    pub limit: Option<u64>,
    /// After how many
    pub offset: u64,
    /// Which groups
    pub having: &'r [Having],
    /// What is left out as being there already
    pub distinct: Option<&'r Distinct>,
    /// Where the page begins
    pub page: Option<&'r Page>,
}

impl<'r> Part<'r> {
    /// The request's own level.
    pub fn of_request(request: &'r Request) -> Part<'r> {
        let Request { select, filters, order, limit, offset, having, distinct, page, .. } = request;
        let (distinct, page) = (distinct.as_ref(), page.as_ref());
        Part { select, filters, order, limit: *limit, offset: *offset, having, distinct, page }
    }

    /// An embedded resource's level.
    pub fn of_embed(embed: &'r Embed) -> Part<'r> {
        let Embed { select, filters, order, limit, offset, having, distinct, .. } = embed;
        let distinct = distinct.as_ref();
        Part { select, filters, order, limit: *limit, offset: *offset, having, distinct, page: None }
    }
}

/// What a level gives of each row or group.
#[derive(Default)]
pub(super) struct Fields {
    pub fields: Vec<Field>,
    /// What the rows are grouped by, if they are
    pub group_by: Vec<Expr>,
    /// The plain fields among that
    pub grouped: Vec<FieldPath>,
}

/// A selected value of a row.
struct Selected {
    name: String,
    expr: Expr,
    /// The field, when it is a plain one that an order may name too
    field: Option<FieldPath>,
    /// Computed over a group rather than a row
    aggregate: bool,
}

impl<'a> Planner<'a> {
    /// The scope of a level.
    pub fn scope<'r>(&self, source: Source<'a>, select: &'r [SelectItem]) -> Result<Scope<'a, 'r>, Refusal> {
        let mut embeds = Vec::new();
        for item in select {
            match item {
                SelectItem::Embed(embed) => embeds.push(self.embedded(&source, embed, false)?),
                SelectItem::Spread(embed) => embeds.push(self.embedded(&source, embed, true)?),
                SelectItem::All | SelectItem::Field { .. } => {}
            }
        }
        Ok(Scope { source, embeds })
    }

    /// A limit, not above the configured one.
    pub fn capped(&self, limit: Option<u64>) -> Option<u64> {
        match (limit, self.limits.max_rows) {
            (Some(limit), Some(most)) => Some(limit.min(most)),
            (limit, most) => limit.or(most),
        }
    }

    /// What restricts the rows of a level: its conditions, and the embedded resources that must be there.
    pub fn restrictions(&mut self, scope: &Scope<'a, '_>, filters: &[Filter]) -> Result<Vec<Expr>, Refusal> {
        let mut all = self.conditions(scope, filters)?;
        for embedded in &scope.embeds {
            if embedded.embed.inner == Some(true) {
                all.push(self.exists(&scope.source, embedded, false)?);
            }
        }
        Ok(all)
    }

    /// The node of a level. `on` are conditions beside the request's.
    pub fn node(
        &mut self,
        scope: &Scope<'a, '_>,
        from: FromItem,
        on: Vec<Expr>,
        part: &Part<'_>,
    ) -> Result<Node, Refusal> {
        let mut filter = on;
        filter.extend(self.restrictions(scope, part.filters)?);
        let grouping = self.grouping(scope, part)?;
        let grouped = grouping.is_some();
        let Fields { fields, group_by, grouped: named } = self.fields(scope, part.select, grouped)?;
        let having = self.having(scope, part.having, &fields, &named)?;
        let distinct_on = self.distinct(scope, part, grouped, &group_by)?;
        let mut order = self.order(scope, part.order, grouping.map(|why| (why, named.as_slice())))?;
        let keyset = match part.page {
            Some(page) => Some(self.keyset(scope, part, page, grouped, &mut order)?),
            None => None,
        };
        Ok(Node {
            filter: if filter.is_empty() { None } else { Some(Expr::and(filter)) },
            group_by,
            grouped,
            having,
            distinct_on,
            order,
            keyset,
            limit: part.limit,
            offset: part.offset,
            fields,
            ..Node::of(from)
        })
    }

    /// The node with each row's version in front of its fields, where the request asks for it. A group has none.
    pub fn with_version(&mut self, request: &Request, scope: &Scope<'a, '_>, mut node: Node) -> Node {
        if request.versioned && !node.grouped {
            let columns = scope.source.readable().map(|(position, column)| Field::Value {
                name: column.name.to_owned(),
                expr: scope.source.value(position),
            });
            let version: Vec<Field> = columns.collect();
            self.version = version.len();
            node.fields.splice(0..0, version);
        }
        node
    }

    /// Whether a level's rows are grouped.
    pub(super) fn grouping(
        &self,
        scope: &Scope<'a, '_>,
        part: &Part<'_>,
    ) -> Result<Option<Grouping>, Refusal> {
        let aggregates = aggregates(scope, part.select) || self.counts_rows(scope, part.select)?;
        if aggregates || !part.having.is_empty() {
            return Ok(Some(Grouping::Aggregates));
        }
        Ok((part.distinct == Some(&Distinct::Rows)).then_some(Grouping::Distinct))
    }

    /// The fields of a level.
    pub(super) fn fields(
        &mut self,
        scope: &Scope<'a, '_>,
        select: &[SelectItem],
        grouped: bool,
    ) -> Result<Fields, Refusal> {
        let mut all = Fields::default();
        let mut embeds = scope.embeds.iter();
        for item in select {
            let mut values = Vec::new();
            match item {
                SelectItem::All | SelectItem::Field { .. } => values = self.values_of(&scope.source, item)?,
                SelectItem::Embed(_) | SelectItem::Spread(_) => {
                    let Some(embedded) = embeds.next() else { continue };
                    if is_empty(&embedded.embed.select) {
                        continue;
                    }
                    if grouped && embedded.spread && embedded.to_one() {
                        values = self.spread_values(&scope.source, embedded)?;
                    } else {
                        if embedded.spread && aggregates_in(&embedded.embed.select) {
                            return Err(Refusal::NotImplemented {
                                detail:
                                    "Aggregates are not implemented for one-to-many or many-to-many spreads."
                                        .into(),
                            });
                        }
                        if grouped {
                            // Rows of a group must agree on what leads to the related rows.
                            let Link::Keys(relationship) = &embedded.link else {
                                return Err(Refusal::NotImplemented {
                                    detail:
                                        "Aggregates are not implemented together with computed relationships."
                                            .into(),
                                });
                            };
                            for (column, _) in &relationship.columns {
                                all.group_by.push(scope.source.value(*column));
                            }
                        }
                        all.fields.push(self.embedded_field(&scope.source, embedded)?);
                    }
                }
            }
            for Selected { name, expr, field, aggregate } in values {
                if grouped && !aggregate {
                    if self.database().is_none() && !has_equality(&expr.ty) {
                        return Err(no_equality(&expr.ty));
                    }
                    all.group_by.push(expr.clone());
                    all.grouped.extend(field);
                }
                all.fields.push(Field::Value { name, expr });
            }
            limits::check_width(&self.limits, all.fields.len())?;
        }
        Ok(all)
    }

    fn embedded_field(&mut self, parent: &Source<'a>, embedded: &Embedded<'a, '_>) -> Result<Field, Refusal> {
        let node = Box::new(self.embedded_node(parent, embedded)?);
        let to_one = embedded.to_one();
        Ok(match embedded.spread {
            true => Field::Spread { to_one, node },
            false => Field::Embed { name: embedded.name().to_owned(), to_one, node },
        })
    }

    /// The values that `*` or a field stand for.
    fn values_of(&mut self, source: &Source<'a>, item: &SelectItem) -> Result<Vec<Selected>, Refusal> {
        match item {
            SelectItem::All => Ok(source
                .readable()
                .map(|(position, column)| Selected {
                    name: column.name.to_owned(),
                    expr: source.value(position),
                    field: Some(FieldPath { column: column.name.to_owned(), path: Vec::new() }),
                    aggregate: false,
                })
                .collect()),
            SelectItem::Field { field, alias, cast, aggregate, aggregate_cast } => {
                let counted = self.is_row_count(source, item);
                let expr = match (field, cast) {
                    _ if counted => Some(self.row_count(source, cast.as_deref())?),
                    (Some(field), Some(cast)) => {
                        let value = self.field(source, field)?;
                        Some(self.cast(value, cast)?)
                    }
                    (Some(field), None) => Some(self.field(source, field)?),
                    (None, _) => None,
                };
                let name = alias.clone().unwrap_or_else(|| output_name(field.as_ref(), *aggregate));
                let Some(aggregate) = aggregate else {
                    let Some(expr) = expr else {
                        let relation = source.name.to_owned();
                        return Err(Refusal::NoSuchColumn { relation, column: String::new() });
                    };
                    let field = field.clone().filter(|_| cast.is_none());
                    return Ok(vec![Selected { name, expr, field, aggregate: counted }]);
                };
                let expr = self.aggregate(*aggregate, expr, aggregate_cast.as_deref())?;
                Ok(vec![Selected { name, expr, field: None, aggregate: true }])
            }
            SelectItem::Embed(_) | SelectItem::Spread(_) => Ok(Vec::new()),
        }
    }

    pub(super) fn aggregate(
        &self,
        aggregate: Aggregate,
        expr: Option<Expr>,
        cast: Option<&str>,
    ) -> Result<Expr, Refusal> {
        let value = self.call(aggregate_name(aggregate), &[Kind::Aggregate], expr.into_iter().collect())?;
        match cast {
            Some(cast) => self.cast(value, cast),
            None => Ok(value),
        }
    }

    /// The fields of a to-one spread as values of the parent's row, so that the parent can be grouped by them and aggregate them.
    fn spread_values(
        &mut self,
        parent: &Source<'a>,
        embedded: &Embedded<'a, '_>,
    ) -> Result<Vec<Selected>, Refusal> {
        let mut values = Vec::new();
        for item in &embedded.embed.select {
            match item {
                SelectItem::All => {
                    let Related { source, .. } = self.related(parent, embedded)?;
                    let names: Vec<String> =
                        source.readable().map(|(_, column)| column.name.to_owned()).collect();
                    for name in names {
                        let field = FieldPath { column: name.clone(), path: Vec::new() };
                        let expr = self.related_value(parent, embedded, |planner, scope| {
                            planner.field(&scope.source, &field)
                        })?;
                        values.push(Selected { name, expr, field: None, aggregate: false });
                    }
                }
                SelectItem::Field { field, alias, cast, aggregate, aggregate_cast } => {
                    let expr =
                        self.related_value(parent, embedded, |planner, scope| match (field, cast) {
                            (Some(field), Some(cast)) => {
                                let value = planner.field(&scope.source, field)?;
                                planner.cast(value, cast)
                            }
                            (Some(field), None) => planner.field(&scope.source, field),
                            // A bare count counts the related rows.
                            (None, _) => Ok(Expr::bool(true)),
                        })?;
                    let name = alias.clone().unwrap_or_else(|| output_name(field.as_ref(), *aggregate));
                    let expr = match aggregate {
                        Some(aggregate) => {
                            self.aggregate(*aggregate, Some(expr), aggregate_cast.as_deref())?
                        }
                        None => expr,
                    };
                    values.push(Selected { name, expr, field: None, aggregate: aggregate.is_some() });
                }
                SelectItem::Embed(_) | SelectItem::Spread(_) => {
                    return Err(Refusal::NotImplemented {
                        detail:
                            "Resources embedded in a spread are not implemented together with aggregates."
                                .into(),
                    });
                }
            }
        }
        Ok(values)
    }

    /// The order of a level's rows. Of grouped rows, only fields that they are grouped by can be named.
    fn order(
        &mut self,
        scope: &Scope<'a, '_>,
        order: &[Order],
        grouped: Option<(Grouping, &[FieldPath])>,
    ) -> Result<Vec<OrderBy>, Refusal> {
        limits::check_width(&self.limits, order.len())?;
        let mut keys = Vec::new();
        for Order { relation, field, descending, nulls_first } in order {
            let expr = match relation {
                None => self.field(&scope.source, field)?,
                Some(name) => {
                    let embedded =
                        scope.embedded(name).ok_or_else(|| Refusal::NotEmbedded { name: name.clone() })?;
                    if !embedded.to_one() {
                        return Err(Refusal::OrderByToMany {
                            from: scope.source.name.to_owned(),
                            name: name.clone(),
                        });
                    }
                    self.related_value(&scope.source, embedded, |planner, scope| {
                        planner.field(&scope.source, field)
                    })?
                }
            };
            if let Some((why, grouped)) = grouped
                && (relation.is_some() || !grouped.contains(field))
            {
                return Err(match why {
                    Grouping::Aggregates => not_grouped(scope.source.name, &field.column),
                    Grouping::Distinct => Refusal::Sql {
                        code: "42P10",
                        message: "for SELECT DISTINCT, ORDER BY expressions must appear in select list"
                            .into(),
                        detail: None,
                        hint: None,
                    },
                });
            }
            if self.database().is_none() && !has_equality(&expr.ty) {
                return Err(Refusal::Sql {
                    code: "42883",
                    message: format!("could not identify an ordering operator for type {}", expr.ty),
                    detail: None,
                    hint: Some("Use an explicit ordering operator or modify the query.".into()),
                });
            }
            keys.push(OrderBy {
                expr,
                descending: *descending,
                nulls_first: nulls_first.unwrap_or(*descending),
            });
        }
        Ok(keys)
    }
}

/// Why a level's rows are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grouping {
    /// It has aggregates, or conditions on groups
    Aggregates,
    /// Rows that agree in all that is selected are one: a group of its own
    Distinct,
}

/// 42803
pub(super) fn not_grouped(relation: &str, column: &str) -> Refusal {
    Refusal::Sql {
        code: "42803",
        message: format!(
            "column \"{relation}.{column}\" must appear in the GROUP BY clause or be used in an aggregate function"
        ),
        detail: None,
        hint: None,
    }
}

/// Whether a level has aggregates, or takes them over from a to-one spread.
fn aggregates(scope: &Scope<'_, '_>, select: &[SelectItem]) -> bool {
    let own = select.iter().any(|item| matches!(item, SelectItem::Field { aggregate: Some(_), .. }));
    own || scope
        .embeds
        .iter()
        .any(|embedded| embedded.spread && embedded.to_one() && aggregates_in(&embedded.embed.select))
}

fn aggregates_in(select: &[SelectItem]) -> bool {
    select.iter().any(|item| match item {
        SelectItem::All | SelectItem::Embed(_) => false,
        SelectItem::Field { aggregate, .. } => aggregate.is_some(),
        SelectItem::Spread(embed) => aggregates_in(&embed.select),
    })
}

/// Whether an embedded resource gives nothing: it is there to be filtered by.
fn is_empty(select: &[SelectItem]) -> bool {
    select.iter().all(|item| match item {
        SelectItem::All | SelectItem::Field { .. } => false,
        SelectItem::Embed(embed) | SelectItem::Spread(embed) => is_empty(&embed.select),
    })
}

/// The name of a field without alias: the aggregate's, else the last key of the path, else the column's.
fn output_name(field: Option<&FieldPath>, aggregate: Option<Aggregate>) -> String {
    if let Some(aggregate) = aggregate {
        return aggregate_name(aggregate).to_owned();
    }
    let Some(FieldPath { column, path }) = field else { return String::new() };
    path.iter()
        .rev()
        .find_map(|step| match &step.operand {
            PathOperand::Key(key) => Some(key.clone()),
            PathOperand::Index(_) => None,
        })
        .unwrap_or_else(|| column.clone())
}

fn aggregate_name(aggregate: Aggregate) -> &'static str {
    match aggregate {
        Aggregate::Count => "count",
        Aggregate::Sum => "sum",
        Aggregate::Avg => "avg",
        Aggregate::Min => "min",
        Aggregate::Max => "max",
    }
}

pub(super) fn no_equality(ty: &Type) -> Refusal {
    Refusal::Sql {
        code: "42883",
        message: format!("could not identify an equality operator for type {ty}"),
        detail: None,
        hint: None,
    }
}
