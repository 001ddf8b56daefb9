//! The limits that hold for a request whatever it is about, and what is refused before any name is looked up.

use crate::refusal::Refusal;
use crate::request::{Embed, Filter, Having, Limits, Operation, Request, SelectItem};

/// How deep `and(…)` and `or(…)` may be nested.
const MAX_LOGIC_DEPTH: usize = 32;

/// The most values of a request that an engine binds one by one.
const MAX_VALUES: usize = 30_000;

/// Refuses a plan with more values than can be bound.
pub(crate) fn check_values(values: usize) -> Result<(), Refusal> {
    if values <= MAX_VALUES {
        return Ok(());
    }
    Err(limit(format!("the conditions have more than {MAX_VALUES} values"), "Ask in several requests."))
}

/// Refuses more values in a row, or keys of an order, than the configuration allows.
pub(crate) fn check_width(limits: &Limits, width: usize) -> Result<(), Refusal> {
    if width <= limits.max_select {
        return Ok(());
    }
    Err(limit(
        format!("more than {} values are selected of a row, or ordered by", limits.max_select),
        "Select fewer.",
    ))
}

/// Refuses requests that are too large, or that use what is switched off.
pub(crate) fn check(request: &Request) -> Result<(), Refusal> {
    let mut conditions = Conditions { limits: &request.limits, seen: 0 };
    conditions.filters(&request.filters, 0)?;
    conditions.having(&request.having, 0)?;
    conditions.embeds(&request.select, 0)?;
    let aggregates = !request.having.is_empty() || request.select.iter().any(has_aggregate);
    if aggregates && !request.limits.aggregates {
        return Err(Refusal::AggregatesDisabled);
    }
    Ok(())
}

fn has_aggregate(item: &SelectItem) -> bool {
    match item {
        SelectItem::All => false,
        SelectItem::Field { aggregate, .. } => aggregate.is_some(),
        SelectItem::Embed(embed) | SelectItem::Spread(embed) => {
            !embed.having.is_empty() || embed.select.iter().any(has_aggregate)
        }
    }
}

/// The conditions of a request, counted.
struct Conditions<'r> {
    limits: &'r Limits,
    seen: usize,
}

impl Conditions<'_> {
    fn embeds(&mut self, select: &[SelectItem], depth: usize) -> Result<(), Refusal> {
        for item in select {
            let (SelectItem::Embed(embed) | SelectItem::Spread(embed)) = item else { continue };
            let Embed { select, filters, having, .. } = embed;
            if depth >= self.limits.max_embed_depth {
                return Err(limit(
                    format!("resources are embedded more than {} levels deep", self.limits.max_embed_depth),
                    "Embed fewer levels, or ask for them in a second request.",
                ));
            }
            self.filters(filters, 0)?;
            self.having(having, 0)?;
            self.embeds(select, depth + 1)?;
        }
        Ok(())
    }

    fn filters(&mut self, all: &[Filter], depth: usize) -> Result<(), Refusal> {
        check_depth(depth)?;
        for filter in all {
            match filter {
                Filter::Logic { filters: inner, .. } => self.filters(inner, depth + 1)?,
                Filter::Condition { op, .. } => self.condition(op)?,
            }
        }
        Ok(())
    }

    fn having(&mut self, all: &[Having], depth: usize) -> Result<(), Refusal> {
        check_depth(depth)?;
        for condition in all {
            match condition {
                Having::Logic { conditions: inner, .. } => self.having(inner, depth + 1)?,
                Having::Condition { op, .. } => self.condition(op)?,
            }
        }
        Ok(())
    }

    fn condition(&mut self, op: &Operation) -> Result<(), Refusal> {
        self.seen += 1;
        if let Operation::In(list) = op
            && list.len() > self.limits.max_in_list
        {
            return Err(limit(
                format!("a list has more than {} values", self.limits.max_in_list),
                "Ask in several requests.",
            ));
        }
        if let Operation::TextSearch { value, .. } = op
            && value.len() > self.limits.max_search_bytes
        {
            return Err(limit(
                format!("a search has more than {} bytes", self.limits.max_search_bytes),
                "Search for fewer words.",
            ));
        }
        if self.seen > self.limits.max_filters {
            return Err(limit(
                format!("there are more than {} conditions", self.limits.max_filters),
                "Use in.(…) for many values of one column.",
            ));
        }
        Ok(())
    }
}

fn check_depth(depth: usize) -> Result<(), Refusal> {
    if depth <= MAX_LOGIC_DEPTH {
        return Ok(());
    }
    Err(limit(
        format!("conditions are nested more than {MAX_LOGIC_DEPTH} levels deep"),
        "Write the conditions flatter.",
    ))
}

/// The refusal of what is beyond a limit.
pub(crate) fn limit(message: String, hint: &str) -> Refusal {
    Refusal::Limit { message, hint: hint.to_owned() }
}
