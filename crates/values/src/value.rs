//! A value in its storage form: the few shapes in which every type is kept, compared and bound.
//!
//! | type | shape |
//! | --- | --- |
//! | boolean | `Int` 0 or 1 |
//! | smallint, integer, bigint | `Int` |
//! | real, double precision | `Float` (a real is the nearest `f32`, widened; never NaN) |
//! | numeric | `Text`, plain decimal notation with its scale, as PostgreSQL prints it: `-12.50` |
//! | text, varchar, char, enum | `Text` (a char is stored blank-padded to its length) |
//! | uuid | `Text`, 36 lower-case characters |
//! | date | `Int`, days since 1970-01-01; `i64::MIN`/`i64::MAX` are `-infinity`/`infinity` |
//! | time | `Int`, microseconds since midnight (24:00:00 allowed) |
//! | timestamp, timestamptz | `Int`, microseconds since 1970-01-01 00:00:00 (UTC); infinities as for date |
//! | interval | `Text`, PostgreSQL's default output: `1 year 2 mons 3 days 04:05:06.5` |
//! | json | `Text`, as written |
//! | jsonb | `Text`, exactly as PostgreSQL prints jsonb: `{"a": 1, "bb": [1, 2]}`, keys ordered by length, then bytes |
//! | tsvector, tsquery | `Text`, as PostgreSQL prints it: `'fat':2A 'rat':3`, `'fat' & !'cat'` |
//! | regconfig | `Text`, the name of the configuration |
//! | bytea | `Bytes` |
//! | ranges | `Text`, the bounds in the form of their type, in PostgreSQL's brackets: `[1,5)`, `[19723,)`, `empty` |
//! | array | `Text`, a compact JSON array of the elements' JSON forms: `[1,2,null]`, `["a","b"]`, `[[1],[2]]` |

/// An owned value in storage form.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Value {
    /// SQL's null
    #[default]
    Null,
    /// See the table above
    Int(i64),
    /// See the table above
    Float(f64),
    /// See the table above
    Text(String),
    /// See the table above
    Bytes(Vec<u8>),
}

/// A borrowed value in storage form.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub enum ValueRef<'a> {
    /// SQL's null
    #[default]
    Null,
    /// See [`Value`]
    Int(i64),
    /// See [`Value`]
    Float(f64),
    /// See [`Value`]
    Text(&'a str),
    /// See [`Value`]
    Bytes(&'a [u8]),
}

impl Value {
    /// Borrows the value.
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Value::Null => ValueRef::Null,
            Value::Int(i) => ValueRef::Int(*i),
            Value::Float(f) => ValueRef::Float(*f),
            Value::Text(s) => ValueRef::Text(s),
            Value::Bytes(b) => ValueRef::Bytes(b),
        }
    }

    /// Whether this is SQL's null.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }
}

impl ValueRef<'_> {
    /// Copies the value.
    pub fn to_owned(self) -> Value {
        match self {
            ValueRef::Null => Value::Null,
            ValueRef::Int(i) => Value::Int(i),
            ValueRef::Float(f) => Value::Float(f),
            ValueRef::Text(s) => Value::Text(s.to_owned()),
            ValueRef::Bytes(b) => Value::Bytes(b.to_vec()),
        }
    }

    /// Whether this is SQL's null.
    pub fn is_null(self) -> bool {
        matches!(self, ValueRef::Null)
    }
}
