//! The database's types as the catalog's: PostgreSQL's own that Plinth knows by their fixed identities, enumerations, arrays and
//! domains by their structure, and all others as native ones.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use plinth_catalog::expr::{Expr, ExprKind, Native};
use plinth_catalog::{Domain, Name};
use plinth_values::{EnumType, Modifier, NativeKind, NativeType, Type};

use super::rows::{Oid, TypeRow};

/// `pg_type.dat`: identities that never change.
const KNOWN: &[(Oid, Type)] = &[
    (16, Type::Bool),
    (17, Type::Bytea),
    (20, Type::Int8),
    (21, Type::Int2),
    (23, Type::Int4),
    (25, Type::Text),
    (114, Type::Json),
    (700, Type::Float4),
    (701, Type::Float8),
    (1042, Type::Char),
    (1043, Type::Varchar),
    (1082, Type::Date),
    (1083, Type::Time),
    (1114, Type::Timestamp),
    (1184, Type::Timestamptz),
    (1186, Type::Interval),
    (1700, Type::Numeric),
    (2278, Type::Void),
    (2950, Type::Uuid),
    (3802, Type::Jsonb),
];

/// How deeply types may be made of each other.
const MAX_DEPTH: usize = 16;

/// The types of a database.
pub(super) struct Types<'r> {
    rows: HashMap<Oid, &'r TypeRow>,
    enums: HashMap<Oid, Arc<EnumType>>,
    natives: HashMap<Oid, Type>,
}

/// A column's or parameter's type: what it is made of, its modifier, and the domain that it was declared with.
pub(super) type Declared = (Type, Modifier, Option<Name>);

impl<'r> Types<'r> {
    pub fn new(rows: &'r [TypeRow]) -> Types<'r> {
        let enums = rows
            .iter()
            .filter(|row| row.kind == 'e')
            .map(|row| {
                let labels = row.labels.clone().unwrap_or_default();
                (row.oid, Arc::new(EnumType { schema: row.schema.clone(), name: row.name.clone(), labels }))
            })
            .collect();
        let by_oid = rows.iter().map(|row| (row.oid, row)).collect();
        let mut types = Types { rows: by_oid, enums, natives: HashMap::new() };
        for row in rows {
            if let Some(native) = types.make_native(row, 0) {
                types.natives.insert(row.oid, native);
            }
        }
        types
    }

    /// The type without its domains.
    pub fn get(&self, oid: Oid) -> Type {
        self.at(oid, 0)
    }

    fn at(&self, oid: Oid, depth: usize) -> Type {
        if let Some((_, ty)) = KNOWN.iter().find(|(known, _)| *known == oid) {
            return ty.clone();
        }
        if let Some(ty) = self.natives.get(&oid) {
            return ty.clone();
        }
        let Some(row) = self.rows.get(&oid).filter(|_| depth < MAX_DEPTH) else { return Type::Unknown };
        if let Some(found) = self.enums.get(&oid) {
            return Type::Enum(Arc::clone(found));
        }
        match (row.kind, row.element, row.base, row.relation) {
            ('d', _, Some(base), _) => self.at(base, depth + 1),
            (_, Some(element), _, _) => self.at(element, depth + 1).array(),
            ('c', _, _, Some(_)) => Type::Row(format!("{}.{}", row.schema, row.name).into()),
            _ => self.make_native(row, depth).unwrap_or(Type::Unknown),
        }
    }

    fn make_native(&self, row: &TypeRow, depth: usize) -> Option<Type> {
        let is_known = KNOWN.iter().any(|(known, _)| *known == row.oid);
        if is_known || row.element.is_some() || matches!(row.kind, 'e' | 'd') {
            return None;
        }
        let kind = match row.kind {
            'c' if row.relation.is_some() => return None,
            'c' => {
                let attributes = row.attributes.iter().flatten();
                NativeKind::Composite(
                    attributes.map(|(name, ty)| (name.clone(), self.at(*ty, depth + 1))).collect(),
                )
            }
            'r' | 'm' => NativeKind::Range,
            'p' => NativeKind::Pseudo,
            _ => NativeKind::Base,
        };
        Some(Type::Native(Arc::new(NativeType {
            schema: row.schema.clone(),
            name: row.name.clone(),
            sql: row.sql.clone(),
            kind,
        })))
    }

    /// A column's type. A domain's modifier holds for what is declared with it.
    pub fn declared(&self, oid: Oid, modifier: i32) -> Declared {
        let (mut base, mut modifier, mut domain) = (oid, modifier, None);
        for _ in 0..MAX_DEPTH {
            let Some(row) = self.rows.get(&base).filter(|row| row.kind == 'd') else { break };
            domain.get_or_insert_with(|| Name::new(&row.schema, &row.name));
            let Some(under) = row.base else { break };
            (base, modifier) = (under, row.modifier);
        }
        let ty = self.get(base);
        let element = ty.element().unwrap_or(&ty);
        let modifier = self::modifier(element, modifier);
        (ty, modifier, domain)
    }

    /// Whether the type is a domain that takes no null.
    pub fn is_not_null(&self, oid: Oid) -> bool {
        let mut next = Some(oid);
        for _ in 0..MAX_DEPTH {
            let Some(row) = next.and_then(|oid| self.rows.get(&oid)).filter(|row| row.kind == 'd') else {
                return false;
            };
            if row.not_null {
                return true;
            }
            next = row.base;
        }
        false
    }

    /// The relation whose row type it is.
    pub fn relation(&self, oid: Oid) -> Option<Oid> {
        self.rows.get(&oid)?.relation
    }

    /// The enumerations, by name.
    pub fn enums(&self) -> Vec<Arc<EnumType>> {
        let mut enums: Vec<Arc<EnumType>> = self.enums.values().cloned().collect();
        enums.sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
        enums
    }

    /// The domains, by name.
    pub fn domains(&self) -> Vec<Domain> {
        let rows = self.rows.values().filter(|row| row.kind == 'd' && row.schema != "information_schema");
        let mut domains: Vec<Domain> = rows
            .map(|row| {
                let (ty, modifier, _) = self.declared(row.oid, -1);
                Domain {
                    name: Name::new(&row.schema, &row.name),
                    default: row.default.as_deref().map(|text| text_of(text, ty.clone())),
                    ty,
                    modifier,
                    not_null: self.is_not_null(row.oid),
                    checks: Vec::new(),
                    comment: row.comment.clone(),
                }
            })
            .collect();
        domains.sort_by(|a, b| a.name.cmp(&b.name));
        domains
    }

    /// The types that a request can cast to, by schema and name.
    pub fn castable(&self) -> BTreeMap<(String, String), Type> {
        self.rows
            .values()
            .filter(|row| row.kind != 'p' && row.element.is_none())
            .map(|row| ((row.schema.clone(), row.name.clone()), self.cast_type(row)))
            .collect()
    }

    /// A domain is cast to as itself: its checks hold for the value.
    fn cast_type(&self, row: &TypeRow) -> Type {
        if row.kind != 'd' {
            return self.get(row.oid);
        }
        Type::Native(Arc::new(NativeType {
            schema: row.schema.clone(),
            name: row.name.clone(),
            sql: row.sql.clone(),
            kind: NativeKind::Base,
        }))
    }
}

/// An expression of the database that is known by its text.
pub(super) fn text_of(text: &str, ty: Type) -> Expr {
    Expr { kind: ExprKind::Native(Box::new(Native::Text(text.into()))), ty }
}

/// `atttypmod`, as each type encodes it.
fn modifier(ty: &Type, modifier: i32) -> Modifier {
    if modifier < 0 {
        return Modifier::None;
    }
    let header = modifier.saturating_sub(4);
    match ty {
        Type::Varchar | Type::Char => u32::try_from(header).map_or(Modifier::None, Modifier::Length),
        Type::Numeric => {
            let precision = u16::try_from((header >> 16) & 0xffff).unwrap_or(1000);
            // Eleven bits with a sign, since version 15.
            let scale = i16::try_from(((header & 0x7ff) ^ 1024) - 1024).unwrap_or(0);
            Modifier::Numeric { precision, scale }
        }
        Type::Time | Type::Timestamp | Type::Timestamptz => seconds(modifier),
        Type::Interval => seconds(modifier & 0xffff),
        _ => Modifier::None,
    }
}

fn seconds(digits: i32) -> Modifier {
    match u8::try_from(digits) {
        Ok(digits @ 0..=6) => Modifier::Seconds(digits),
        _ => Modifier::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modifiers() {
        for (ty, given, expected) in [
            (Type::Varchar, 14, Modifier::Length(10)),
            (Type::Varchar, -1, Modifier::None),
            (Type::Numeric, (10 << 16 | 2) + 4, Modifier::Numeric { precision: 10, scale: 2 }),
            (Type::Numeric, (3 << 16 | (0x7ff & -2)) + 4, Modifier::Numeric { precision: 3, scale: -2 }),
            (Type::Timestamptz, 3, Modifier::Seconds(3)),
            (Type::Interval, (0x7fff << 16) | 0xffff, Modifier::None),
            (Type::Text, 5, Modifier::None),
        ] {
            assert_eq!(modifier(&ty, given), expected, "{ty} {given}");
        }
    }
}
