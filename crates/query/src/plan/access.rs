//! What the caller may do, by the grants of its role and of the roles it is a member of. Only grants; which rows it may see is
//! [`super::weave`]'s.

use plinth_catalog::{
    Catalog, Columns, Function, Privileges, Relation, RelationKind, Table, TableKind, View,
};

use crate::caller::Caller;
use crate::refusal::Refusal;

/// The caller as the catalog knows it.
pub(crate) struct Access<'a> {
    /// The catalog
    pub catalog: &'a Catalog,
    /// The caller's role, the roles it is a member of, and `public`
    pub roles: Vec<&'a str>,
    /// It may do everything
    pub superuser: bool,
    /// Row security does not apply to it
    pub bypass_row_security: bool,
    /// What it has no privilege on does not exist for it
    pub hide_ungranted: bool,
}

impl<'a> Access<'a> {
    /// Looks the caller's roles up.
    pub fn new(catalog: &'a Catalog, caller: &'a Caller, hide_ungranted: bool) -> Access<'a> {
        Access {
            catalog,
            roles: catalog.roles_of(&caller.role),
            superuser: catalog.find_role(&caller.role).is_some_and(|role| role.superuser),
            // An attribute of the role itself: membership does not pass it on.
            bypass_row_security: catalog.find_role(&caller.role).is_some_and(|role| role.bypass_row_security),
            hide_ungranted,
        }
    }

    /// What the roles may do with a relation, together.
    pub fn privileges(&self, relation: &Relation) -> Privileges {
        // Where nothing is hidden, a database says itself what is denied.
        if self.superuser || self.catalog.database.is_some() && !self.hide_ungranted {
            let all = Columns::All;
            return Privileges { select: all.clone(), insert: all.clone(), update: all, delete: true };
        }
        let mut all = Privileges::default();
        for granted in self.roles.iter().filter_map(|role| relation.grants.roles.get(*role)) {
            all.select = all.select.union(&granted.select);
            all.insert = all.insert.union(&granted.insert);
            all.update = all.update.union(&granted.update);
            all.delete |= granted.delete;
        }
        all
    }

    /// Whether the relation is there for the caller: it may do anything at all with it, or nothing is hidden.
    pub fn sees(&self, relation: &Relation) -> bool {
        !self.hide_ungranted || self.privileges(relation) != Privileges::default()
    }

    /// Whether the caller may call the function.
    pub fn may_execute(&self, function: &Function) -> bool {
        self.superuser
            || self.catalog.database.is_some() && !self.hide_ungranted
            || function.execute.iter().any(|role| self.roles.contains(&role.as_str()))
    }

    /// A relation by name, if it is there for the caller; else the refusal, which suggests a similar name that is.
    pub fn relation(&self, schema: &str, name: &str) -> Result<&'a Relation, Refusal> {
        match self.catalog.find_relation(schema, name) {
            Some(relation) if self.sees(relation) => Ok(relation),
            _ => Err(Refusal::NoSuchRelation {
                schema: schema.to_owned(),
                name: name.to_owned(),
                suggestion: similar(
                    name,
                    self.catalog
                        .relations
                        .iter()
                        .filter(|relation| relation.name.schema == schema && self.sees(relation))
                        .map(|relation| relation.name.name.as_str()),
                ),
            }),
        }
    }
}

/// The refusal of a command on a relation.
pub(crate) fn denied(relation: &Relation) -> Refusal {
    let kind = match relation.kind {
        RelationKind::Table(Table { kind: TableKind::Foreign, .. }) => "foreign table",
        RelationKind::Table(_) => "table",
        RelationKind::View(View { materialized: true, .. }) => "materialized view",
        RelationKind::View(_) => "view",
    };
    Refusal::PermissionDenied { kind, name: relation.name.name.clone() }
}

/// The most similar of the candidates, if one is similar enough to be meant. Of equals the first by name, so that the answer does
/// not depend on the catalog's order.
pub(crate) fn similar<'n>(name: &str, candidates: impl Iterator<Item = &'n str>) -> Option<String> {
    // Long names are not typing mistakes, and comparing them costs.
    if name.len() > 128 {
        return None;
    }
    candidates
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(similarity, _)| *similarity >= 0.8)
        .max_by(|(a, one), (b, other)| a.total_cmp(b).then_with(|| other.cmp(one)))
        .map(|(_, candidate)| candidate.to_owned())
}

#[cfg(test)]
mod tests {
    use super::similar;

    #[test]
    fn similar_names() {
        let names = ["posting", "posting_skill", "company"];
        for (name, expected) in [
            ("postings", Some("posting")),
            ("compnay", Some("company")),
            ("posting_skills", Some("posting_skill")),
            ("zebra", None),
            ("", None),
        ] {
            assert_eq!(similar(name, names.into_iter()).as_deref(), expected, "{name}");
        }
    }
}
