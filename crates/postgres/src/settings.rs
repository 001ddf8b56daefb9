//! What a request brings into its transaction: the role it runs as, what the database has set for that role, and what SQL may read of
//! the request. All of it ends with the transaction.

use std::borrow::Cow;
use std::sync::LazyLock;

use jiff::tz::TimeZone;
use plinth_catalog::expr::FromItem;
use plinth_catalog::{Catalog, Isolation, RoleSettings, quote_ident};
use plinth_query::plan::PlannedAction;
use plinth_query::{Caller, Plan};

/// The settings in the order of their parameters. The role comes after the search path and before what depends on nothing; what the
/// role's own settings are comes before it, because the serving role may be allowed to set what the role may not.
const NAMES: [&str; 7] = [
    "search_path",
    "role",
    "request.jwt.claims",
    "request.method",
    "request.path",
    "request.headers",
    "request.cookies",
];

/// The statement that sets them, and its parameters.
pub(crate) struct Settings {
    pub(crate) text: Cow<'static, str>,
    pub(crate) params: Vec<Option<Vec<u8>>>,
}

/// The statements for nothing more, and with the time zone.
static TEXTS: LazyLock<[String; 2]> = LazyLock::new(|| [text(0, false), text(0, true)]);

/// The statement with so many settings of the role's own, whose names and values are the last parameters.
fn text(own: usize, zone: bool) -> String {
    let call = |name: &str, place: usize| format!("pg_catalog.set_config('{name}', ${place}, true)");
    let mut calls: Vec<String> = NAMES.iter().zip(1..).map(|(name, place)| call(name, place)).collect();
    let mut next = NAMES.len() + 1;
    if zone {
        calls.push(call("TimeZone", next));
        next += 1;
    }
    let own =
        (0..own).map(|i| format!("pg_catalog.set_config(${}, ${}, true)", next + 2 * i, next + 2 * i + 1));
    calls.splice(1..1, own.collect::<Vec<_>>());
    format!("select {}", calls.join(", "))
}

/// The settings of a request. `search_path` is quoted already.
pub(crate) fn settings(catalog: &Catalog, caller: &Caller, search_path: &str) -> Settings {
    let mut params: Vec<Option<Vec<u8>>> = [
        search_path,
        &caller.role,
        &caller.claims,
        &caller.method,
        &caller.path,
        &caller.headers,
        &caller.cookies,
    ]
    .into_iter()
    .map(|value| Some(value.as_bytes().to_vec()))
    .collect();
    let own = of_role(catalog, caller).map(|role| role.settings.as_slice()).unwrap_or_default();
    let zone = zone(catalog, caller);
    let with_zone = zone.is_some();
    params.extend(zone.map(|zone| Some(zone.into_bytes())));
    for text in own.iter().flat_map(|(name, value)| [name, value]) {
        params.push(Some(text.as_bytes().to_vec()));
    }
    let text = match own {
        [] => Cow::Borrowed(TEXTS[usize::from(with_zone)].as_str()),
        own => text(own.len(), with_zone).into(),
    };
    Settings { text, params }
}

/// What the database has set for the caller's role.
pub(crate) fn of_role<'c>(catalog: &'c Catalog, caller: &Caller) -> Option<&'c RoleSettings> {
    catalog.database.as_ref()?.role_settings.get(&caller.role)
}

/// The zone to set, where the transaction would not begin with it.
fn zone(catalog: &Catalog, caller: &Caller) -> Option<String> {
    let wanted = &caller.session.time_zone;
    let own = of_role(catalog, caller).and_then(|role| role.time_zone.as_ref());
    let begins_with = own.or(catalog.database.as_ref().and_then(|database| database.time_zone.as_ref()));
    (begins_with != Some(wanted)).then(|| name_of(wanted))
}

/// A zone as PostgreSQL calls it.
fn name_of(zone: &TimeZone) -> String {
    if let Some(name) = zone.iana_name() {
        return name.to_owned();
    }
    // As POSIX has it: what follows the name is west of Greenwich.
    let seconds = zone.to_fixed_offset().map_or(0, jiff::tz::Offset::seconds);
    let (east, west) = if seconds < 0 { ('-', '+') } else { ('+', '-') };
    let (hours, minutes, seconds) = (seconds.abs() / 3600, seconds.abs() / 60 % 60, seconds.abs() % 60);
    let clock = format!("{hours:02}:{minutes:02}:{seconds:02}");
    format!("<{east}{clock}>{west}{clock}")
}

/// How a request's transaction begins.
pub(crate) fn begin(catalog: &Catalog, caller: &Caller, read_only: bool) -> &'static str {
    let isolation = of_role(catalog, caller).and_then(|role| role.isolation);
    match (isolation, read_only) {
        (None, true) => "begin read only",
        (None, false) => "begin",
        (Some(Isolation::ReadCommitted), true) => "begin isolation level read committed read only",
        (Some(Isolation::ReadCommitted), false) => "begin isolation level read committed",
        (Some(Isolation::RepeatableRead), true) => "begin isolation level repeatable read read only",
        (Some(Isolation::RepeatableRead), false) => "begin isolation level repeatable read",
        (Some(Isolation::Serializable), true) => "begin isolation level serializable read only",
        (Some(Isolation::Serializable), false) => "begin isolation level serializable",
    }
}

/// Where names without a schema are looked up: the request's schema first, then the further ones, as PostgREST has it.
pub(crate) fn search_path(catalog: &Catalog, plan: &Plan, extra: &[String]) -> String {
    let schema = schema(catalog, plan);
    let names: Vec<String> =
        schema.into_iter().chain(extra.iter().map(String::as_str)).map(quote_ident).collect();
    names.join(", ")
}

/// The schema of what a plan is about.
fn schema<'c>(catalog: &'c Catalog, plan: &Plan) -> Option<&'c str> {
    let relation = match &*plan.action {
        PlannedAction::Read(node) => return schema_of(catalog, &node.from),
        PlannedAction::Call(call) => return schema_of(catalog, &call.result.from),
        PlannedAction::Insert(insert) => insert.relation,
        PlannedAction::InsertTree(tree) => tree.steps.get(tree.root)?.insert.relation,
        PlannedAction::Update(update) => update.relation,
        PlannedAction::Delete(delete) => delete.relation,
    };
    Some(&catalog.relations.get(relation.0 as usize)?.name.schema)
}

fn schema_of<'c>(catalog: &'c Catalog, from: &FromItem) -> Option<&'c str> {
    let name = match from {
        FromItem::Relation { relation, .. } => &catalog.relations.get(relation.0 as usize)?.name,
        FromItem::Function { function, .. } => &catalog.functions.get(function.0 as usize)?.name,
        FromItem::Join { left, .. } => return schema_of(catalog, left),
        FromItem::Query { .. } | FromItem::Cte { .. } | FromItem::Set { .. } => return None,
    };
    Some(&name.schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roles_own_settings_come_before_the_role() {
        let text = text(2, true);
        let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part} in {text}"));
        assert!(at("'search_path', $1") < at("set_config($9, $10, true)"));
        assert!(at("set_config($11, $12, true)") < at("'role', $2"));
        assert!(at("'role', $2") < at("'TimeZone', $8"));
    }

    #[test]
    fn zones_without_a_name_are_rules() {
        let zone = |seconds| name_of(&TimeZone::fixed(jiff::tz::Offset::from_seconds(seconds).unwrap()));
        assert_eq!(zone(19_800), "<+05:30:00>-05:30:00");
        assert_eq!(zone(-12_600), "<-03:30:00>+03:30:00");
        assert_eq!(name_of(&TimeZone::UTC), "UTC");
    }
}
