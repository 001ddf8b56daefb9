//! The types that a column, an argument or an expression can have.

use std::fmt;
use std::sync::Arc;

use crate::range::RangeKind;

/// A PostgreSQL data type, without its modifier (the `(10,2)` of `numeric(10,2)` is a [`Modifier`]).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// The type of a bare string literal or `null` before its context gives it one.
    Unknown,
    /// `boolean`
    Bool,
    /// `smallint`
    Int2,
    /// `integer`
    Int4,
    /// `bigint`
    Int8,
    /// `numeric`: exact decimal, without NaN and infinities
    Numeric,
    /// `real`
    Float4,
    /// `double precision`
    Float8,
    /// `text`
    Text,
    /// `character varying`
    Varchar,
    /// `character` (blank padded; trailing blanks do not count in comparisons)
    Char,
    /// `date`
    Date,
    /// `time without time zone`
    Time,
    /// `timestamp without time zone`
    Timestamp,
    /// `timestamp with time zone`
    Timestamptz,
    /// `interval`
    Interval,
    /// `uuid`
    Uuid,
    /// `json`: kept as it was written
    Json,
    /// `jsonb`: kept in canonical form
    Jsonb,
    /// `bytea`
    Bytea,
    /// `tsvector`: the lexemes of a text
    Tsvector,
    /// `tsquery`: words to look for in a tsvector
    Tsquery,
    /// `regconfig`: a text search configuration
    Regconfig,
    /// A type made by `create type … as enum`
    Enum(Arc<EnumType>),
    /// `int4range` and its kin
    Range(RangeKind),
    /// An array of any number of dimensions
    Array(Box<Type>),
    /// The row type of a relation, by its qualified name `schema.relation`; only as a function's argument or result
    Row(Arc<str>),
    /// `void`, the result of a function that returns nothing
    Void,
    /// A type of a PostgreSQL database that is none of these: its values travel as text, which only that database reads
    Native(Arc<NativeType>),
}

/// A type that only the database it was read from knows: composite, range, network, geometric, of an extension, ….
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct NativeType {
    /// Schema the type is in
    pub schema: String,
    /// Name of the type, as `pg_type` has it
    pub name: String,
    /// How it is written in SQL, with no regard to a search path: every part qualified and quoted where that is needed
    pub sql: String,
    /// What kind of type it is
    pub kind: NativeKind,
}

/// The kinds of [`NativeType`].
#[derive(Debug, PartialEq, Eq, Hash)]
pub enum NativeKind {
    /// A base type, or any other that has no parts
    Base,
    /// A composite type: name and type of its attributes
    Composite(Vec<(String, Type)>),
    /// A range or multirange
    Range,
    /// A type with no values of its own, such as `anyelement`, `record` or `trigger`: only in a function's signature
    Pseudo,
}

/// An enumeration: values compare in the order of their labels.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct EnumType {
    /// Schema the type was created in
    pub schema: String,
    /// Name of the type
    pub name: String,
    /// The labels, in declared order
    pub labels: Vec<String>,
}

/// What stands in the parentheses after a type's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Modifier {
    /// No parentheses
    #[default]
    None,
    /// `varchar(n)`, `char(n)`: at most (exactly) n characters
    Length(u32),
    /// `numeric(precision, scale)`
    Numeric {
        /// Total number of significant digits, 1 to 1000
        precision: u16,
        /// Digits after the decimal point
        scale: i16,
    },
    /// `time(p)`, `timestamp(p)`, `timestamptz(p)`, `interval(p)`: fractional digits of the second, 0 to 6
    Seconds(u8),
}

impl Type {
    /// The element type of an array, `None` for every other type.
    pub fn element(&self) -> Option<&Type> {
        match self {
            Type::Array(element) => Some(element),
            _ => None,
        }
    }

    /// The array type with this type's values as elements.
    pub fn array(self) -> Type {
        Type::Array(Box::new(self))
    }

    /// `smallint`, `integer` or `bigint`.
    pub fn is_integer(&self) -> bool {
        matches!(self, Type::Int2 | Type::Int4 | Type::Int8)
    }

    /// Any number type.
    pub fn is_number(&self) -> bool {
        self.is_integer() || matches!(self, Type::Numeric | Type::Float4 | Type::Float8)
    }

    /// `text`, `varchar` or `char`.
    pub fn is_string(&self) -> bool {
        matches!(self, Type::Text | Type::Varchar | Type::Char)
    }

    /// `json` or `jsonb`.
    pub fn is_json(&self) -> bool {
        matches!(self, Type::Json | Type::Jsonb)
    }
}

/// The SQL standard name, as PostgreSQL's `format_type` prints it.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::Unknown => "unknown",
            Type::Bool => "boolean",
            Type::Int2 => "smallint",
            Type::Int4 => "integer",
            Type::Int8 => "bigint",
            Type::Numeric => "numeric",
            Type::Float4 => "real",
            Type::Float8 => "double precision",
            Type::Text => "text",
            Type::Varchar => "character varying",
            Type::Char => "character",
            Type::Date => "date",
            Type::Time => "time without time zone",
            Type::Timestamp => "timestamp without time zone",
            Type::Timestamptz => "timestamp with time zone",
            Type::Interval => "interval",
            Type::Uuid => "uuid",
            Type::Json => "json",
            Type::Jsonb => "jsonb",
            Type::Bytea => "bytea",
            Type::Tsvector => "tsvector",
            Type::Tsquery => "tsquery",
            Type::Regconfig => "regconfig",
            Type::Void => "void",
            Type::Range(kind) => kind.name(),
            Type::Enum(e) => return f.write_str(&e.name),
            Type::Array(element) => return write!(f, "{element}[]"),
            Type::Row(name) => return f.write_str(name),
            Type::Native(native) => return f.write_str(&native.sql),
        })
    }
}
