//! The shape of a request: all that planning decides by, and nothing that it only carries along. Requests of one shape from
//! callers of one role have the same plan but for their values.
//!
//! Every part of a request is named here, without `..`: a new one does not compile until somebody has decided which it is.

use crate::request::{
    Action, Aggregate, Comparison, Containment, Count, Embed, FieldPath, Filter, Is, Limits, Operation,
    Order, PathOperand, PathStep, Quantifier, Request, SelectItem, Target,
};

/// The shape of a request, and the texts of its values.
pub(crate) struct Shape<'r> {
    /// Equal for equal shapes and roles alone: every text in it has its length before it
    pub key: Vec<u8>,
    /// The texts that planning reads as values, in the order of the request
    pub texts: Vec<&'r str>,
}

/// The shape of a request for a role; `None` for requests whose plans depend on more than their shape, or may.
pub(crate) fn shape<'r>(role: &str, request: &'r Request) -> Option<Shape<'r>> {
    let Request {
        target,
        action,
        select,
        filters,
        order,
        limit,
        offset,
        having,
        distinct,
        page,
        count,
        versioned,
        limits,
    } = request;
    // A page begins at values that are no texts, and what is null among them is part of its plan.
    if page.is_some() || !having.is_empty() || distinct.is_some() {
        return None;
    }
    let mut writer = Writer(Shape { key: Vec::with_capacity(256), texts: Vec::new() });
    let Target::Relation { schema, name } = target else { return None };
    match action {
        Action::Read => {}
        Action::Insert(_) | Action::Update { .. } | Action::Delete { .. } | Action::Call { .. } => {
            return None;
        }
    }
    writer.text(role);
    writer.text(schema);
    writer.text(name);
    writer.limits(limits);
    writer.flag(*versioned);
    writer.tag(match count {
        None => 0,
        Some(Count::Exact) => 1,
        Some(Count::Planned) => 2,
        Some(Count::Estimated) => 3,
    });
    writer.level(select, filters, order, *limit, *offset)?;
    Some(writer.0)
}

struct Writer<'r>(Shape<'r>);

impl<'r> Writer<'r> {
    fn tag(&mut self, tag: u8) {
        self.0.key.push(tag);
    }

    fn number(&mut self, number: u64) {
        self.0.key.extend_from_slice(&number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        // No request is longer than four gigabytes.
        self.0.key.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.0.key.extend_from_slice(text.as_bytes());
    }

    fn flag(&mut self, flag: bool) {
        self.tag(u8::from(flag));
    }

    fn maybe<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn value(&mut self, text: &'r str) {
        self.0.texts.push(text);
    }

    fn limits(&mut self, limits: &Limits) {
        let Limits {
            max_rows,
            max_embed_depth,
            max_select,
            max_filters,
            max_in_list,
            max_search_bytes,
            max_payload_rows,
            aggregates,
            hide_ungranted,
        } = *limits;
        self.maybe(max_rows, Self::number);
        for limit in
            [max_embed_depth, max_select, max_filters, max_in_list, max_search_bytes, max_payload_rows]
        {
            self.number(limit as u64);
        }
        self.flag(aggregates);
        self.flag(hide_ungranted);
    }

    /// The root, or an embedded resource.
    fn level(
        &mut self,
        select: &'r [SelectItem],
        filters: &'r [Filter],
        order: &'r [Order],
        limit: Option<u64>,
        offset: u64,
    ) -> Option<()> {
        self.maybe(limit, Self::number);
        self.number(offset);
        self.number(select.len() as u64);
        for item in select {
            self.item(item)?;
        }
        self.filters(filters)?;
        self.number(order.len() as u64);
        for Order { relation, field, descending, nulls_first } in order {
            self.maybe(relation.as_deref(), Self::text);
            self.field(field);
            self.flag(*descending);
            self.maybe(*nulls_first, Self::flag);
        }
        Some(())
    }

    fn item(&mut self, item: &'r SelectItem) -> Option<()> {
        match item {
            SelectItem::All => self.tag(0),
            SelectItem::Field { field, alias, cast, aggregate, aggregate_cast } => {
                self.tag(1);
                self.maybe(field.as_ref(), Self::field);
                self.maybe(alias.as_deref(), Self::text);
                self.maybe(cast.as_deref(), Self::text);
                self.maybe(*aggregate, |w, aggregate| {
                    w.tag(match aggregate {
                        Aggregate::Count => 0,
                        Aggregate::Sum => 1,
                        Aggregate::Avg => 2,
                        Aggregate::Min => 3,
                        Aggregate::Max => 4,
                    });
                });
                self.maybe(aggregate_cast.as_deref(), Self::text);
            }
            SelectItem::Embed(embed) => {
                self.tag(2);
                self.embed(embed)?;
            }
            SelectItem::Spread(embed) => {
                self.tag(3);
                self.embed(embed)?;
            }
        }
        Some(())
    }

    fn embed(&mut self, embed: &'r Embed) -> Option<()> {
        let Embed { relation, alias, hint, inner, select, filters, order, limit, offset, having, distinct } =
            embed;
        if !having.is_empty() || distinct.is_some() {
            return None;
        }
        self.text(relation);
        self.maybe(alias.as_deref(), Self::text);
        self.maybe(hint.as_deref(), Self::text);
        self.maybe(*inner, Self::flag);
        self.level(select, filters, order, *limit, *offset)
    }

    fn field(&mut self, field: &'r FieldPath) {
        let FieldPath { column, path } = field;
        self.text(column);
        self.number(path.len() as u64);
        for PathStep { operand, as_text } in path {
            match operand {
                PathOperand::Key(key) => {
                    self.tag(0);
                    // It names the field, too.
                    self.text(key);
                    self.value(key);
                }
                PathOperand::Index(index) => {
                    self.tag(1);
                    self.number(i64::from(*index).cast_unsigned());
                }
            }
            self.flag(*as_text);
        }
    }

    fn filters(&mut self, filters: &'r [Filter]) -> Option<()> {
        self.number(filters.len() as u64);
        filters.iter().try_for_each(|filter| self.filter(filter))
    }

    fn filter(&mut self, filter: &'r Filter) -> Option<()> {
        match filter {
            Filter::Logic { negated, all, filters } => {
                self.tag(0);
                self.flag(*negated);
                self.flag(*all);
                self.filters(filters)
            }
            Filter::Condition { negated, field, op } => {
                self.tag(1);
                self.flag(*negated);
                self.field(field);
                self.operation(op)
            }
        }
    }

    fn operation(&mut self, op: &'r Operation) -> Option<()> {
        match op {
            Operation::Compare { op, quantifier, value } => {
                self.tag(0);
                self.comparison(*op);
                self.maybe(*quantifier, |w, quantifier| w.flag(quantifier == Quantifier::All));
                self.value(value);
            }
            Operation::IsDistinct(value) => {
                self.tag(1);
                self.value(value);
            }
            Operation::In(values) => {
                self.tag(2);
                self.number(values.len() as u64);
                values.iter().for_each(|value| self.value(value));
            }
            Operation::Is(is) => {
                self.tag(3);
                self.tag(match is {
                    Is::Null => 0,
                    Is::NotNull => 1,
                    Is::True => 2,
                    Is::False => 3,
                    Is::Unknown => 4,
                });
            }
            Operation::Containment { op, value } => {
                self.tag(4);
                self.tag(match op {
                    Containment::Contains => 0,
                    Containment::Contained => 1,
                    Containment::Overlaps => 2,
                    Containment::StrictlyLeft => 3,
                    Containment::StrictlyRight => 4,
                    Containment::NotRightOf => 5,
                    Containment::NotLeftOf => 6,
                    Containment::Adjacent => 7,
                });
                self.value(value);
            }
            // What a text query becomes may depend on its words.
            Operation::TextSearch { op: _, language: _, value: _ } => return None,
        }
        Some(())
    }

    fn comparison(&mut self, op: Comparison) {
        self.tag(match op {
            Comparison::Eq => 0,
            Comparison::Neq => 1,
            Comparison::Gt => 2,
            Comparison::Gte => 3,
            Comparison::Lt => 4,
            Comparison::Lte => 5,
            Comparison::Like => 6,
            Comparison::Ilike => 7,
            Comparison::Match => 8,
            Comparison::Imatch => 9,
        });
    }
}
