//! Parameters about embedded resources (`clients.order=name`) find their place in the select tree.

use plinth_query::request::{Distinct, Embed, Filter, Having, Order, SelectItem};

use crate::error::ApiError;

/// What a parameter says about an embedded resource.
pub(crate) enum Attachment {
    Filter(Filter),
    Order(Vec<Order>),
    Limit(u64),
    Offset(u64),
    Having(Vec<Having>),
    Distinct(Distinct),
}

/// Gives the attachment to the resource at the end of the path. A name finds a resource by its alias or, where that leaves one
/// choice, by its relation.
pub(crate) fn attach(select: &mut [SelectItem], path: &[String], what: Attachment) -> Result<(), ApiError> {
    let Some((first, rest)) = path.split_first() else { return Ok(()) };
    let Some(embed) = find(select, first) else {
        return Err(ApiError::new(
            400,
            "PGRST108",
            format!("'{first}' is not an embedded resource in this request"),
        )
        .hint(format!("Verify that '{first}' is included in the 'select' query parameter.")));
    };
    if !rest.is_empty() {
        return attach(&mut embed.select, rest, what);
    }
    match what {
        Attachment::Filter(filter) => embed.filters.push(filter),
        Attachment::Order(order) => embed.order = order,
        Attachment::Limit(limit) => embed.limit = Some(limit),
        Attachment::Offset(offset) => embed.offset = offset,
        Attachment::Having(having) => embed.having.extend(having),
        Attachment::Distinct(distinct) => embed.distinct = Some(distinct),
    }
    Ok(())
}

fn find<'a>(select: &'a mut [SelectItem], name: &str) -> Option<&'a mut Embed> {
    fn embed(item: &SelectItem) -> Option<&Embed> {
        match item {
            SelectItem::Embed(embed) | SelectItem::Spread(embed) => Some(embed),
            SelectItem::All | SelectItem::Field { .. } => None,
        }
    }
    let position =
        |wanted: &dyn Fn(&Embed) -> bool| select.iter().position(|item| embed(item).is_some_and(wanted));
    let at = position(&|e| e.alias.as_deref() == Some(name))
        .or_else(|| position(&|e| e.alias.is_none() && e.relation == name))
        .or_else(|| position(&|e| e.relation == name))?;
    match select.get_mut(at) {
        Some(SelectItem::Embed(embed) | SelectItem::Spread(embed)) => Some(embed),
        _ => None,
    }
}
