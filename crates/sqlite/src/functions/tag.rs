//! Types as text: what a compiled statement tells a polymorphic function about its arguments, as a constant first argument.
//!
//! `int4`, `text[]`, `enum "public"."mood"`, several separated by commas; a cast is `from>to>modifier>context`.

use std::collections::HashMap;
use std::sync::Arc;

use plinth_catalog::{Catalog, quote_ident};
use plinth_values::range::RangeKind;
use plinth_values::{EnumType, Modifier, Type};

/// The types with a name of their own.
const NAMES: [(&str, Type); 30] = [
    ("unknown", Type::Unknown),
    ("bool", Type::Bool),
    ("int2", Type::Int2),
    ("int4", Type::Int4),
    ("int8", Type::Int8),
    ("numeric", Type::Numeric),
    ("float4", Type::Float4),
    ("float8", Type::Float8),
    ("text", Type::Text),
    ("varchar", Type::Varchar),
    ("char", Type::Char),
    ("date", Type::Date),
    ("time", Type::Time),
    ("timestamp", Type::Timestamp),
    ("timestamptz", Type::Timestamptz),
    ("interval", Type::Interval),
    ("uuid", Type::Uuid),
    ("json", Type::Json),
    ("jsonb", Type::Jsonb),
    ("bytea", Type::Bytea),
    ("int4range", Type::Range(RangeKind::Int4)),
    ("int8range", Type::Range(RangeKind::Int8)),
    ("numrange", Type::Range(RangeKind::Num)),
    ("tsrange", Type::Range(RangeKind::Ts)),
    ("tstzrange", Type::Range(RangeKind::Tstz)),
    ("daterange", Type::Range(RangeKind::Date)),
    ("tsvector", Type::Tsvector),
    ("tsquery", Type::Tsquery),
    ("regconfig", Type::Regconfig),
    ("void", Type::Void),
];

/// Types by name, without enumerations and arrays.
pub(super) fn plain_types() -> impl Iterator<Item = (&'static str, Type)> {
    NAMES.iter().cloned()
}

/// The name of a type in a tag.
pub(super) fn type_tag(ty: &Type) -> String {
    match ty {
        Type::Array(element) => format!("{}[]", type_tag(element)),
        Type::Enum(e) => format!("enum {}.{}", quote_ident(&e.schema), quote_ident(&e.name)),
        // Neither is ever kept here; nothing reads it back.
        Type::Row(name) => format!("row {}", quote_ident(name)),
        Type::Native(native) => format!("native {}", quote_ident(&native.sql)),
        ty => NAMES.iter().find(|(_, known)| known == ty).map_or("text", |(name, _)| name).to_owned(),
    }
}

/// The types of some arguments.
pub(crate) fn type_tags(types: &[&Type]) -> String {
    types.iter().map(|ty| type_tag(ty)).collect::<Vec<_>>().join(",")
}

/// A cast.
pub(crate) fn cast_tag(from: &Type, to: &Type, modifier: Modifier, explicit: bool) -> String {
    let modifier = match modifier {
        Modifier::None => String::new(),
        Modifier::Length(length) => format!("length {length}"),
        Modifier::Numeric { precision, scale } => format!("numeric {precision} {scale}"),
        Modifier::Seconds(digits) => format!("seconds {digits}"),
    };
    let context = if explicit { "explicit" } else { "implicit" };
    format!("{}>{}>{modifier}>{context}", type_tag(from), type_tag(to))
}

/// A cast that was read from its tag.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cast {
    pub from: Type,
    pub to: Type,
    pub modifier: Modifier,
    pub explicit: bool,
}

/// The catalog's enumerations by their names in tags.
#[derive(Clone, Debug)]
pub(super) struct EnumTypes(Arc<HashMap<String, Arc<EnumType>>>);

impl EnumTypes {
    pub(super) fn new(catalog: &Catalog) -> EnumTypes {
        let named = |e: &Arc<EnumType>| (type_tag(&Type::Enum(e.clone())), e.clone());
        EnumTypes(Arc::new(catalog.enums.iter().map(named).collect()))
    }

    /// Reads [`type_tags`].
    pub(super) fn types(&self, tags: &str) -> Option<Vec<Type>> {
        if tags.is_empty() {
            return Some(Vec::new());
        }
        split(tags, ',').into_iter().map(|tag| self.one(tag)).collect()
    }

    /// Reads [`cast_tag`].
    pub(super) fn cast(&self, tag: &str) -> Option<Cast> {
        let parts = split(tag, '>');
        let [from, to, modifier, context] = parts.as_slice() else { return None };
        Some(Cast {
            from: self.one(from)?,
            to: self.one(to)?,
            modifier: read_modifier(modifier)?,
            explicit: *context == "explicit",
        })
    }

    fn one(&self, tag: &str) -> Option<Type> {
        if let Some(element) = tag.strip_suffix("[]") {
            return Some(self.one(element)?.array());
        }
        if tag.starts_with("enum ") {
            return self.0.get(tag).cloned().map(Type::Enum);
        }
        NAMES.iter().find(|(name, _)| *name == tag).map(|(_, ty)| ty.clone())
    }
}

fn read_modifier(text: &str) -> Option<Modifier> {
    let mut words = text.split(' ');
    Some(match words.next()? {
        "" => Modifier::None,
        "length" => Modifier::Length(words.next()?.parse().ok()?),
        "numeric" => {
            Modifier::Numeric { precision: words.next()?.parse().ok()?, scale: words.next()?.parse().ok()? }
        }
        "seconds" => Modifier::Seconds(words.next()?.parse().ok()?),
        _ => return None,
    })
}

/// Splits at a separator that does not stand in double quotes. A doubled quote inside closes and opens again, which is the same.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    text.split(|c| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_back() {
        let mood = Arc::new(EnumType {
            schema: "a,b".into(),
            name: "it's \"q>\", really".into(),
            labels: vec!["sad".into()],
        });
        let catalog = Catalog { enums: vec![mood.clone()], ..Catalog::default() };
        let enums = EnumTypes::new(&catalog);
        let mut types: Vec<Type> = NAMES.iter().map(|(_, ty)| ty.clone()).collect();
        types.extend([Type::Enum(mood.clone()), Type::Enum(mood).array(), Type::Int4.array()]);
        let tags = type_tags(&types.iter().collect::<Vec<_>>());
        assert_eq!(enums.types(&tags), Some(types.clone()));
        let modifiers = [
            Modifier::None,
            Modifier::Length(7),
            Modifier::Numeric { precision: 10, scale: -2 },
            Modifier::Seconds(3),
        ];
        for (i, from) in types.iter().enumerate() {
            let modifier = modifiers[i % modifiers.len()];
            let to = types[(i + 1) % types.len()].clone();
            let cast = Cast { from: from.clone(), to: to.clone(), modifier, explicit: i % 2 == 0 };
            assert_eq!(enums.cast(&cast_tag(from, &to, modifier, i % 2 == 0)), Some(cast));
        }
        assert_eq!(enums.types("nonsense"), None);
    }
}
