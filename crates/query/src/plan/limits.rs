//! The limits that hold for a request whatever it is about, and what is refused before any name is looked up.

use crate::refusal::Refusal;
use crate::request::{Embed, Filter, Limits, Operation, Request, SelectItem};

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
    let mut conditions = 0;
    filters(request, &request.filters, 0, &mut conditions)?;
    embeds(request, &request.select, 0, &mut conditions)?;
    if !request.limits.aggregates && request.select.iter().any(has_aggregate) {
        return Err(Refusal::AggregatesDisabled);
    }
    Ok(())
}

fn has_aggregate(item: &SelectItem) -> bool {
    match item {
        SelectItem::All => false,
        SelectItem::Field { aggregate, .. } => aggregate.is_some(),
        SelectItem::Embed(embed) | SelectItem::Spread(embed) => embed.select.iter().any(has_aggregate),
    }
}

fn embeds(
    request: &Request,
    select: &[SelectItem],
    depth: usize,
    conditions: &mut usize,
) -> Result<(), Refusal> {
    for item in select {
        let (SelectItem::Embed(embed) | SelectItem::Spread(embed)) = item else { continue };
        let Embed { select, filters: embedded, .. } = embed;
        if depth >= request.limits.max_embed_depth {
            return Err(limit(
                format!("resources are embedded more than {} levels deep", request.limits.max_embed_depth),
                "Embed fewer levels, or ask for them in a second request.",
            ));
        }
        filters(request, embedded, 0, conditions)?;
        embeds(request, select, depth + 1, conditions)?;
    }
    Ok(())
}

fn filters(request: &Request, all: &[Filter], depth: usize, conditions: &mut usize) -> Result<(), Refusal> {
    if depth > MAX_LOGIC_DEPTH {
        return Err(limit(
            format!("conditions are nested more than {MAX_LOGIC_DEPTH} levels deep"),
            "Write the conditions flatter.",
        ));
    }
    for filter in all {
        match filter {
            Filter::Logic { filters: inner, .. } => filters(request, inner, depth + 1, conditions)?,
            Filter::Condition { op, .. } => {
                *conditions += 1;
                if let Operation::In(list) = op
                    && list.len() > request.limits.max_in_list
                {
                    return Err(limit(
                        format!("a list has more than {} values", request.limits.max_in_list),
                        "Ask in several requests.",
                    ));
                }
            }
        }
        if let Filter::Condition { op: Operation::TextSearch { value, .. }, .. } = filter
            && value.len() > request.limits.max_search_bytes
        {
            return Err(limit(
                format!("a search has more than {} bytes", request.limits.max_search_bytes),
                "Search for fewer words.",
            ));
        }
        if *conditions > request.limits.max_filters {
            return Err(limit(
                format!("there are more than {} conditions", request.limits.max_filters),
                "Use in.(…) for many values of one column.",
            ));
        }
    }
    Ok(())
}

/// The refusal of what is beyond a limit.
pub(crate) fn limit(message: String, hint: &str) -> Refusal {
    Refusal::Limit { message, hint: hint.to_owned() }
}
