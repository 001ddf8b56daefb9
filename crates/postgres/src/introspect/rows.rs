//! What the queries in `sql/` answer, as they write it: names are PostgreSQL's own, and so are the one-letter kinds.

use serde::Deserialize;

/// An object's identity in the database.
pub(super) type Oid = u32;

/// A grant: to whom (0 is everyone), and which privilege.
pub(super) type Grant = (Oid, String);

/// The answers to all queries, each as JSON.
#[derive(Debug, Deserialize)]
pub(super) struct Answers {
    pub schemas: Vec<SchemaRow>,
    pub roles: Vec<RoleRow>,
    pub types: Vec<TypeRow>,
    pub relations: Vec<RelationRow>,
    pub keys: Vec<KeyRow>,
    pub views: Vec<(Oid, String)>,
    pub functions: Vec<FunctionRow>,
    pub time_zones: Vec<String>,
    pub time_zone: String,
    /// Role, name and value
    pub role_settings: Vec<(String, String, String)>,
    pub statement_timeout: Option<String>,
    pub version: u32,
}

#[derive(Debug, Deserialize)]
pub(super) struct SchemaRow {
    pub name: String,
    pub comment: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RoleRow {
    pub oid: Oid,
    pub name: String,
    pub superuser: bool,
    pub bypass: bool,
    pub member_of: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct TypeRow {
    pub oid: Oid,
    pub schema: String,
    pub name: String,
    pub sql: String,
    /// `typtype`
    pub kind: char,
    /// Of an array, what it has
    pub element: Option<Oid>,
    pub base: Option<Oid>,
    pub modifier: i32,
    pub not_null: bool,
    pub default: Option<String>,
    /// The relation whose row type it is
    pub relation: Option<Oid>,
    pub labels: Option<Vec<String>>,
    pub attributes: Option<Vec<(String, Oid)>>,
    pub comment: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RelationRow {
    pub oid: Oid,
    pub schema: String,
    pub name: String,
    /// `relkind`
    pub kind: char,
    pub comment: Option<String>,
    pub row_security: bool,
    pub security_invoker: bool,
    /// `pg_relation_is_updatable`'s bits
    pub updatable: Option<i32>,
    pub grants: Option<Vec<Grant>>,
    pub columns: Option<Vec<ColumnRow>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ColumnRow {
    pub number: i16,
    pub name: String,
    #[serde(rename = "type")]
    pub ty: Oid,
    pub modifier: i32,
    pub declared: String,
    pub not_null: bool,
    /// `attidentity`
    pub identity: String,
    /// `attgenerated`
    pub generated: String,
    pub default: Option<String>,
    pub comment: Option<String>,
    pub grants: Option<Vec<Grant>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct KeyRow {
    pub relation: Oid,
    pub name: String,
    /// `contype`
    pub kind: char,
    pub columns: Vec<i16>,
    pub references: Option<Oid>,
    pub referenced: Option<Vec<i16>>,
    pub on_delete: char,
    pub on_update: char,
    pub deferred: bool,
    pub nulls_not_distinct: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct FunctionRow {
    pub schema: String,
    pub name: String,
    /// The types of all arguments, results included
    pub arguments: Vec<Oid>,
    pub names: Option<Vec<String>>,
    /// `proargmodes`; all are inputs when there are none
    pub modes: Option<Vec<char>>,
    /// The types of the inputs in SQL
    pub declared: Option<Vec<String>>,
    pub defaults: usize,
    pub returns: Oid,
    pub set: bool,
    pub rows: f64,
    /// `provolatile`
    pub volatility: char,
    pub strict: bool,
    pub definer: bool,
    pub comment: Option<String>,
    pub grants: Option<Vec<Oid>>,
}
