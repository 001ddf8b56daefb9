//! The catalog's types.

use std::collections::HashMap;
use std::sync::Arc;

use plinth_values::{EnumType, Modifier, Type};

use crate::database::Database;
use crate::expr::{Expr, Query};
use crate::names::Name;

/// Everything that exists.
#[derive(Debug, Default)]
pub struct Catalog {
    /// Schemas, `public` first
    pub schemas: Vec<Schema>,
    /// Roles; `anon`, `authenticated` and `service_role` are always there
    pub roles: Vec<Role>,
    /// Enumerations
    pub enums: Vec<Arc<EnumType>>,
    /// Domains
    pub domains: Vec<Domain>,
    /// Tables and views; [`RelationId`] is the index
    pub relations: Vec<Relation>,
    /// Functions; [`FunctionId`] is the index
    pub functions: Vec<Function>,
    /// Relationships between relations, both directions, derived from foreign keys (and through views)
    pub relationships: Vec<Relationship>,
    /// Position of each relation by name
    pub relation_by_name: HashMap<Name, RelationId>,
    /// The database that it was read from, which then is the authority itself (the module [`crate::Database`] is in says what
    /// that means); `None` when it was read from SQL files
    pub database: Option<Box<Database>>,
}

/// A schema.
#[derive(Debug, Clone)]
pub struct Schema {
    /// Its name
    pub name: String,
    /// `comment on schema`
    pub comment: Option<String>,
}

/// A role that requests can run as, or that others are members of.
#[derive(Debug, Clone)]
pub struct Role {
    /// Its name
    pub name: String,
    /// The roles it is a member of, directly (`grant parent to role`)
    pub member_of: Vec<String>,
    /// It may do everything. Of the roles of SQL files none may
    pub superuser: bool,
    /// `bypassrls`: row security does not apply to it
    pub bypass_row_security: bool,
}

/// Index of a relation in [`Catalog::relations`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelationId(pub u32);

/// Index of a function in [`Catalog::functions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FunctionId(pub u32);

/// A table or a view.
#[derive(Debug)]
pub struct Relation {
    /// Its index
    pub id: RelationId,
    /// Its name
    pub name: Name,
    /// The columns, in order
    pub columns: Vec<Column>,
    /// Table or view
    pub kind: RelationKind,
    /// Who may do what with it
    pub grants: Grants,
    /// `comment on`
    pub comment: Option<String>,
}

/// What a relation is.
#[derive(Debug)]
pub enum RelationKind {
    /// A base table
    Table(Table),
    /// A view
    View(View),
}

/// What only a table has.
#[derive(Debug, Default)]
pub struct Table {
    /// How its rows are kept
    pub kind: TableKind,
    /// The primary key
    pub primary_key: Option<Key>,
    /// Unique constraints
    pub uniques: Vec<Key>,
    /// Foreign keys
    pub foreign_keys: Vec<ForeignKey>,
    /// Check constraints, those of the columns and their domains included
    pub checks: Vec<Check>,
    /// Indexes that no constraint made
    pub indexes: Vec<Index>,
    /// `enable row level security`
    pub row_security: bool,
    /// Its policies
    pub policies: Vec<Policy>,
}

/// The kinds of tables. From SQL files come plain ones alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum TableKind {
    /// A table
    #[default]
    Plain,
    /// `partition by`
    Partitioned,
    /// `create foreign table`
    Foreign,
}

/// What only a view has.
#[derive(Debug)]
pub struct View {
    /// Its query; its columns are the relation's columns, in order. `None` when the database runs it
    pub query: Option<Query>,
    /// `with (security_invoker = true)`: reads with the caller's rights instead of the owner's
    pub security_invoker: bool,
    /// `materialized view`
    pub materialized: bool,
    /// For each column, the table column it shows unchanged, if it does
    pub origins: Vec<Option<(RelationId, usize)>>,
    /// What can be written through it, by the database's word; nothing where the view has its query here, which says it
    pub writable: Writable,
}

/// What can be written through a view that the database runs: it is updatable by itself, or has triggers or rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "SQL's words")]
pub struct Writable {
    pub insert: bool,
    pub update: bool,
    pub delete: bool,
}

/// A column.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name
    pub name: String,
    /// Its type; of a domain, the type under it
    pub ty: Type,
    /// The type's modifier
    pub modifier: Modifier,
    /// The domain it was declared with
    pub domain: Option<Name>,
    /// The declared type as the database writes it in SQL, where it was read from one
    pub declared: Option<Arc<str>>,
    /// Whether it can be null
    pub nullable: bool,
    /// `default …`, or the domain's
    pub default: Option<Expr>,
    /// Identity and serial columns
    pub identity: Option<Identity>,
    /// `generated always as (…) stored`: an expression over the table's other columns ([`crate::expr::SourceId::ROW`])
    pub generated: Option<Expr>,
    /// `comment on column`
    pub comment: Option<String>,
}

/// How a column gets its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// `generated always as identity`: a client cannot set it
    Always,
    /// `generated by default as identity`, `serial`: generated when absent
    ByDefault,
}

/// A primary key or unique constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The constraint's name
    pub name: String,
    /// Its columns, in order
    pub columns: Vec<usize>,
    /// `nulls not distinct`
    pub nulls_not_distinct: bool,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// The constraint's name
    pub name: String,
    /// The referencing columns
    pub columns: Vec<usize>,
    /// The referenced table
    pub references: RelationId,
    /// The referenced columns, in the same order
    pub referenced: Vec<usize>,
    /// `on delete`
    pub on_delete: Action,
    /// `on update`
    pub on_update: Action,
    /// `deferrable initially deferred`
    pub deferred: bool,
}

/// What a foreign key does when the referenced row goes or changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Action {
    /// `no action`
    #[default]
    NoAction,
    /// `restrict`
    Restrict,
    /// `cascade`
    Cascade,
    /// `set null`
    SetNull,
    /// `set default`
    SetDefault,
}

/// A check constraint.
#[derive(Debug, Clone)]
pub struct Check {
    /// The constraint's name
    pub name: String,
    /// The condition over the row ([`crate::expr::SourceId::ROW`]); violated when false, not when null
    pub condition: Expr,
    /// The domain it comes from, if it does (its refusal is worded differently)
    pub domain: Option<Name>,
}

/// An index.
#[derive(Debug, Clone)]
pub struct Index {
    /// Its name
    pub name: String,
    /// `unique`
    pub unique: bool,
    /// `nulls not distinct`
    pub nulls_not_distinct: bool,
    /// `using …`, lower case; `btree` when not said
    pub method: String,
    /// The indexed expressions (plain columns included), over the row
    pub keys: Vec<IndexKey>,
    /// `where …`
    pub filter: Option<Expr>,
}

/// One key of an index.
#[derive(Debug, Clone)]
pub struct IndexKey {
    /// The expression
    pub expr: Expr,
    /// `desc`
    pub descending: bool,
    /// `nulls first` (after defaults: `desc` implies it)
    pub nulls_first: bool,
}

/// A row-security policy.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Its name
    pub name: String,
    /// `as permissive` (or'ed together) or `as restrictive` (and'ed on top)
    pub permissive: bool,
    /// `for …`
    pub command: PolicyCommand,
    /// `to …`; `public` stands for every role
    pub roles: Vec<String>,
    /// `using (…)` over the row
    pub using: Option<Expr>,
    /// `with check (…)` over the new row
    pub check: Option<Expr>,
}

/// What a policy is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "SQL's words")]
pub enum PolicyCommand {
    All,
    Select,
    Insert,
    Update,
    Delete,
}

/// Who may do what with a relation: `grant … on table`. Owner rights are not listed: only service code has them.
#[derive(Debug, Clone, Default)]
pub struct Grants {
    /// One entry per role named in a grant (`public` stands for every role)
    pub roles: HashMap<String, Privileges>,
}

/// The privileges of one role on one relation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Privileges {
    /// `select`
    pub select: Columns,
    /// `insert`
    pub insert: Columns,
    /// `update`
    pub update: Columns,
    /// `delete`
    pub delete: bool,
}

/// The columns that a privilege covers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Columns {
    /// No privilege
    #[default]
    None,
    /// The whole table, columns added later included
    All,
    /// Only these columns, by index, ascending
    Some(Vec<usize>),
}

/// A domain.
#[derive(Debug, Clone)]
pub struct Domain {
    /// Its name
    pub name: Name,
    /// The type under it
    pub ty: Type,
    /// The type's modifier
    pub modifier: Modifier,
    /// `not null`
    pub not_null: bool,
    /// `default …`
    pub default: Option<Expr>,
    /// Checks, over a row whose column 0 is the `value`
    pub checks: Vec<Check>,
    /// `comment on domain`
    pub comment: Option<String>,
}

/// A function written in SQL.
#[derive(Debug)]
pub struct Function {
    /// Its index
    pub id: FunctionId,
    /// Its name
    pub name: Name,
    /// Its parameters, inputs only, in order
    pub parameters: Vec<Parameter>,
    /// Its result
    pub returns: Returns,
    /// `immutable`, `stable`, or `volatile` (the default)
    pub volatility: plinth_values::builtin::Volatility,
    /// `strict`
    pub strict: bool,
    /// `rows 1`: a set that is said to have one row
    pub rows_one: bool,
    /// `security definer`: runs with the owner's rights instead of the caller's
    pub security_definer: bool,
    /// The statements of its body; the last one gives the result. None when the database runs it
    pub body: Vec<Statement>,
    /// The roles that may call it (`public` stands for every role; PostgreSQL grants it to public by default)
    pub execute: Vec<String>,
    /// `comment on function`
    pub comment: Option<String>,
}

/// A function's parameter.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name; empty when it has none
    pub name: String,
    /// Its type
    pub ty: Type,
    /// The declared type as the database writes it in SQL, where it was read from one
    pub declared: Option<Arc<str>>,
    /// The relation whose row it is, where the type is a [`Type::Row`]: its columns are arguments of their own
    /// ([`Catalog::argument_positions`])
    pub row: Option<RelationId>,
    /// Its default
    pub default: Option<Expr>,
    /// `variadic`: the type is the array
    pub variadic: bool,
}

/// A function's result.
#[derive(Debug, Clone, PartialEq)]
pub enum Returns {
    /// `returns void`
    Void,
    /// `returns type` or `returns setof type`
    Scalar {
        /// The type
        ty: Type,
        /// `setof`
        set: bool,
    },
    /// `returns relation` or `returns setof relation`: rows of a table or view
    Relation {
        /// The relation
        relation: RelationId,
        /// `setof`
        set: bool,
    },
    /// `returns table (…)`, or `out` parameters
    Columns {
        /// Name and type of each
        columns: Vec<(String, Type)>,
        /// `returns table`, or `setof record`
        set: bool,
    },
}

/// A statement of a function's body.
#[derive(Debug, Clone)]
pub enum Statement {
    /// `select …` (also `values`, `with … select`)
    Query(Query),
    /// `insert`
    Insert(InsertStatement),
    /// `update`
    Update(UpdateStatement),
    /// `delete`
    Delete(DeleteStatement),
}

/// `insert into relation (columns) query [on conflict …] [returning …]`.
#[derive(Debug, Clone)]
pub struct InsertStatement {
    /// The table
    pub relation: RelationId,
    /// The columns given
    pub columns: Vec<usize>,
    /// The rows, one output column per given column, coerced to its type
    pub query: Query,
    /// What to do when a row is there already
    pub on_conflict: Option<OnConflict>,
    /// Expressions over the new row, with names
    pub returning: Vec<(Expr, String)>,
}

/// `on conflict (columns) do nothing | do update set …`.
#[derive(Debug, Clone)]
pub struct OnConflict {
    /// The columns of the unique constraint; empty: any
    pub target: Vec<usize>,
    /// The assignments over the old row (`SourceId::ROW`) and the proposed one (`SourceId::EXCLUDED`); `None` is `do nothing`
    pub update: Option<Vec<(usize, Expr)>>,
    /// `where …` of the update
    pub filter: Option<Expr>,
}

/// `update relation set … where … [returning …]`.
#[derive(Debug, Clone)]
pub struct UpdateStatement {
    /// The table, whose row is `SourceId::ROW`
    pub relation: RelationId,
    /// The assignments
    pub set: Vec<(usize, Expr)>,
    /// `where …`
    pub filter: Option<Expr>,
    /// Expressions over the new row, with names
    pub returning: Vec<(Expr, String)>,
}

/// `delete from relation where … [returning …]`.
#[derive(Debug, Clone)]
pub struct DeleteStatement {
    /// The table, whose row is `SourceId::ROW`
    pub relation: RelationId,
    /// `where …`
    pub filter: Option<Expr>,
    /// Expressions over the old row, with names
    pub returning: Vec<(Expr, String)>,
}

/// How rows of one relation find those of another, in one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relationship {
    /// The relation one comes from
    pub from: RelationId,
    /// The relation one goes to
    pub to: RelationId,
    /// How many rows there are at the other end
    pub cardinality: Cardinality,
    /// The columns that meet: of `from` and of `to`; through a junction, of `from` and of the junction
    pub columns: Vec<(usize, usize)>,
    /// The foreign key's name
    pub constraint: String,
    /// The table between, for many-to-many
    pub junction: Option<Junction>,
    /// Whether `from` and `to` are the same relation
    pub is_self: bool,
}

/// The table in the middle of a many-to-many relationship.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Junction {
    /// The table
    pub relation: RelationId,
    /// The foreign key that leads on to `to`
    pub constraint: String,
    /// The columns that meet: of the junction and of `to`
    pub columns: Vec<(usize, usize)>,
}

/// How many rows a relationship leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cardinality {
    /// Many rows here share one there
    ManyToOne,
    /// One row here has many there
    OneToMany,
    /// The foreign key's columns are unique: at most one on both sides. `from` holds the key
    OneToOneParent,
    /// The same, seen from the referenced side
    OneToOneChild,
    /// Through a junction
    ManyToMany,
}

impl Cardinality {
    /// Whether there is at most one row at the other end.
    pub fn is_to_one(self) -> bool {
        !matches!(self, Cardinality::OneToMany | Cardinality::ManyToMany)
    }
}

impl Catalog {
    /// The relation with this id. Ids come from this catalog, so it exists.
    pub fn relation(&self, id: RelationId) -> &Relation {
        &self.relations[id.0 as usize]
    }

    /// The function with this id. Ids come from this catalog, so it exists.
    pub fn function(&self, id: FunctionId) -> &Function {
        &self.functions[id.0 as usize]
    }

    /// The relation of this name.
    pub fn find_relation(&self, schema: &str, name: &str) -> Option<&Relation> {
        self.relation_by_name.get(&Name::new(schema, name)).map(|id| self.relation(*id))
    }

    /// The functions of this name, all overloads.
    pub fn find_functions<'a>(
        &'a self,
        schema: &'a str,
        name: &'a str,
    ) -> impl Iterator<Item = &'a Function> + 'a {
        self.functions.iter().filter(move |f| f.name.schema == schema && f.name.name == name)
    }

    /// The relationships that lead away from a relation: those with the same [`Relationship::from`] stand together, in the order
    /// of ids.
    pub fn relationships_from(&self, from: RelationId) -> &[Relationship] {
        let start = self.relationships.partition_point(|relationship| relationship.from < from);
        let rest = self.relationships.get(start..).unwrap_or_default();
        rest.get(..rest.partition_point(|relationship| relationship.from == from)).unwrap_or_default()
    }

    /// The role of this name.
    pub fn find_role(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.name == name)
    }

    /// The role and every role it is a member of, directly or not, and `public` last.
    pub fn roles_of<'a>(&'a self, name: &'a str) -> Vec<&'a str> {
        let mut found = vec![name];
        let mut next = 0;
        while let Some(current) = found.get(next).copied() {
            next += 1;
            if let Some(role) = self.find_role(current) {
                for parent in &role.member_of {
                    if !found.contains(&parent.as_str()) {
                        found.push(parent);
                    }
                }
            }
        }
        found.push("public");
        found
    }
}

impl Relation {
    /// The table's part, `None` for a view.
    pub fn table(&self) -> Option<&Table> {
        match &self.kind {
            RelationKind::Table(table) => Some(table),
            RelationKind::View(_) => None,
        }
    }

    /// The position of a column.
    pub fn column_index(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

impl Columns {
    /// Whether the privilege covers this column.
    pub fn covers(&self, column: usize) -> bool {
        match self {
            Columns::None => false,
            Columns::All => true,
            Columns::Some(columns) => columns.binary_search(&column).is_ok(),
        }
    }

    /// Whether the privilege covers anything.
    pub fn any(&self) -> bool {
        !matches!(self, Columns::None)
    }

    /// What either privilege covers.
    pub fn union(&self, other: &Columns) -> Columns {
        match (self, other) {
            (Columns::All, _) | (_, Columns::All) => Columns::All,
            (Columns::None, columns) | (columns, Columns::None) => columns.clone(),
            (Columns::Some(a), Columns::Some(b)) => {
                let mut columns: Vec<usize> = a.iter().chain(b).copied().collect();
                columns.sort_unstable();
                columns.dedup();
                Columns::Some(columns)
            }
        }
    }
}
