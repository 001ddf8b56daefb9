//! The orders of the types whose stored text does not order by itself, as SQLite collations.

use plinth_catalog::Catalog;
use plinth_values::Type;
use plinth_values::compare::{compare_text, is_plain};
use rusqlite::Connection;

use super::tag::plain_types;

/// The name of the collation that orders a type; `None` when the type has no order of its own.
///
/// SQLite ignores case in these names, and PostgreSQL does not in an enumeration's, so capitals are marked.
pub(crate) fn collation_name(ty: &Type) -> Option<String> {
    match ty {
        Type::Array(element) => Some(format!("plinth_array_{}", element_name(element)?)),
        ty if is_plain(ty) => None,
        ty => Some(format!("plinth_{}", element_name(ty)?)),
    }
}

fn element_name(ty: &Type) -> Option<String> {
    match ty {
        Type::Enum(e) => Some(format!("enum_{}_{}", marked(&e.schema), marked(&e.name))),
        Type::Array(element) => Some(format!("array_{}", element_name(element)?)),
        ty => plain_types().find(|(_, known)| known == ty).map(|(name, _)| name.to_owned()),
    }
}

/// Lower-case letters and digits as they are, everything else by its code point, so that different names stay different.
fn marked(name: &str) -> String {
    let mut marked = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            'a'..='z' | '0'..='9' => marked.push(c),
            c => marked.push_str(&format!("${:x}$", u32::from(c))),
        }
    }
    marked
}

pub(super) fn register(connection: &Connection, catalog: &Catalog) -> rusqlite::Result<()> {
    let plain = plain_types().map(|(_, ty)| ty);
    let enums = catalog.enums.iter().map(|e| Type::Enum(e.clone()));
    for ty in plain.chain(enums).filter(|ty| *ty != Type::Void) {
        for ty in [ty.clone(), ty.array()] {
            if let Some(name) = collation_name(&ty) {
                connection.create_collation(name.as_str(), move |a, b| compare_text(&ty, a, b))?;
            }
        }
    }
    Ok(())
}
