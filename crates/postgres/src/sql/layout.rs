//! What the columns of a statement's rows mean: which field each one is, and what is nested in it.

use plinth_values::Type;

use crate::wire::Format;

/// The columns of a row, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    /// The fields
    pub(crate) fields: Vec<Column>,
    /// The format of each column
    pub(crate) formats: Vec<Format>,
}

/// A field that takes its values from columns.
#[derive(Clone, Debug)]
pub(crate) enum Column {
    /// One column
    Value { name: String, ty: Type },
    /// A related row: one column that is not null where there is one, then its own. Without a name its fields are the row's own
    One { name: Option<String>, fields: Vec<Column> },
    /// One column with JSON made by [`Nested`]
    Json(Nested),
}

/// A field inside JSON that the database has built without names: a row is an array of its fields' values.
#[derive(Clone, Debug)]
pub(crate) enum Nested {
    /// A value, as the database writes it in JSON
    Value { name: String },
    /// An array for the related row, or null
    One { name: Option<String>, fields: Vec<Nested> },
    /// An array of such arrays. Without a name it becomes an array for each of its fields
    Many { name: Option<String>, fields: Vec<Nested> },
}

/// The names of the fields that a row brings, spread ones included.
pub(crate) fn names<'l>(fields: &'l [Column], names: &mut Vec<&'l str>) {
    for field in fields {
        match field {
            Column::Value { name, .. } | Column::One { name: Some(name), .. } => names.push(name),
            Column::One { name: None, fields } => self::names(fields, names),
            Column::Json(nested) => nested_names(std::slice::from_ref(nested), names),
        }
    }
}

/// The same inside JSON.
pub(crate) fn nested_names<'l>(fields: &'l [Nested], names: &mut Vec<&'l str>) {
    for field in fields {
        match field {
            Nested::Value { name }
            | Nested::One { name: Some(name), .. }
            | Nested::Many { name: Some(name), .. } => names.push(name),
            Nested::One { name: None, fields } | Nested::Many { name: None, fields } => {
                nested_names(fields, names);
            }
        }
    }
}
