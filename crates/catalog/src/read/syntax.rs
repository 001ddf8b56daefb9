//! The statements of schema files as they are written: names unresolved, expressions and queries as the parser's syntax trees.
//! Made by [`super::grammar`]; nothing here has a meaning yet.

use sqlparser::ast;

use crate::{Action, Identity, PolicyCommand};
use plinth_values::builtin::Volatility;

/// A place in one of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Place {
    /// Position of the file among those read
    pub file: usize,
    /// From 1
    pub line: u64,
    /// From 1
    pub column: u64,
}

/// An identifier, folded to lower case where it was not quoted.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub text: String,
    pub place: Place,
}

/// A name with or without its schema.
#[derive(Clone, Debug)]
pub(super) struct Qualified {
    pub schema: Option<Word>,
    pub name: Word,
}

impl Qualified {
    pub fn place(&self) -> Place {
        self.schema.as_ref().map_or(self.name.place, |schema| schema.place)
    }
}

/// As it was written.
impl std::fmt::Display for Qualified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{}.{}", schema.text, self.name.text),
            None => f.write_str(&self.name.text),
        }
    }
}

/// An expression.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    pub ast: ast::Expr,
    pub place: Place,
}

/// A type as it is written.
#[derive(Clone, Debug)]
pub(super) struct TypeName {
    pub ast: ast::DataType,
    pub place: Place,
    /// `serial`, `bigserial`, `smallserial`: `ast` is the integer type under it
    pub serial: bool,
}

/// A statement.
#[derive(Debug)]
pub(super) enum Statement {
    Schema {
        name: Word,
        if_not_exists: bool,
    },
    Role(CreateRole),
    Enum {
        name: Qualified,
        labels: Vec<Word>,
    },
    Domain(Box<CreateDomain>),
    Table(CreateTable),
    AlterTable {
        table: Qualified,
        actions: Vec<AlterTable>,
    },
    Index(Box<CreateIndex>),
    View(CreateView),
    AlterView {
        view: Qualified,
        security_invoker: bool,
    },
    Function(CreateFunction),
    Policy(Box<CreatePolicy>),
    Grant(Grant),
    Membership(Membership),
    DefaultPrivileges(DefaultPrivileges),
    Comment(Comment),
    /// Accepted, but without a meaning here: `begin`, `set client_encoding …`, `alter … owner to …`
    Nothing,
}

#[derive(Debug)]
pub(super) struct CreateRole {
    pub name: Word,
    pub bypass_row_security: bool,
    /// Without it, memberships give no rights by themselves
    pub inherit: bool,
    pub member_of: Vec<Word>,
    /// `role a, b`: who becomes a member of it
    pub members: Vec<Word>,
}

#[derive(Debug)]
pub(super) struct CreateDomain {
    pub name: Qualified,
    pub ty: TypeName,
    pub not_null: bool,
    pub default: Option<Expression>,
    pub checks: Vec<(Option<Word>, Expression)>,
}

#[derive(Debug)]
pub(super) struct CreateTable {
    pub name: Qualified,
    pub if_not_exists: bool,
    pub columns: Vec<ColumnDefinition>,
    /// Those of the columns too, in the order of the text
    pub constraints: Vec<Constraint>,
}

#[derive(Debug)]
pub(super) struct ColumnDefinition {
    pub name: Word,
    pub ty: TypeName,
    /// `not null` is true, `null` is false
    pub not_null: Option<bool>,
    pub default: Option<Expression>,
    pub identity: Option<Identity>,
    pub generated: Option<Expression>,
}

#[derive(Debug)]
pub(super) struct Constraint {
    pub name: Option<Word>,
    pub place: Place,
    pub kind: ConstraintKind,
}

#[derive(Debug)]
pub(super) enum ConstraintKind {
    PrimaryKey(Vec<Word>),
    Unique { columns: Vec<Word>, nulls_not_distinct: bool },
    Check(Expression),
    ForeignKey(References),
}

#[derive(Debug)]
pub(super) struct References {
    pub columns: Vec<Word>,
    pub table: Qualified,
    /// Empty: the primary key
    pub referenced: Vec<Word>,
    pub on_delete: Action,
    pub on_update: Action,
    pub deferred: bool,
    pub match_full: bool,
}

#[derive(Debug)]
pub(super) enum AlterTable {
    AddColumn {
        column: Box<ColumnDefinition>,
        constraints: Vec<Constraint>,
        if_not_exists: bool,
    },
    AddConstraint(Constraint),
    SetDefault {
        column: Word,
        default: Option<Expression>,
    },
    SetNotNull {
        column: Word,
        not_null: bool,
    },
    SetIdentity {
        column: Word,
        identity: Identity,
    },
    RowSecurity(bool),
    /// `owner to`, `force row level security`
    Nothing,
}

#[derive(Debug)]
pub(super) struct CreateIndex {
    pub name: Option<Qualified>,
    pub place: Place,
    pub if_not_exists: bool,
    pub unique: bool,
    pub table: Qualified,
    pub method: Option<Word>,
    pub keys: Vec<IndexKeyDefinition>,
    pub include: Vec<Word>,
    pub nulls_not_distinct: bool,
    pub filter: Option<Expression>,
}

#[derive(Debug)]
pub(super) struct IndexKeyDefinition {
    pub expr: Expression,
    pub descending: bool,
    pub nulls_first: Option<bool>,
}

#[derive(Debug)]
pub(super) struct CreateView {
    pub name: Qualified,
    pub or_replace: bool,
    pub if_not_exists: bool,
    pub columns: Vec<Word>,
    pub security_invoker: bool,
    pub materialized: bool,
    pub query: Box<ast::Query>,
}

#[derive(Debug)]
pub(super) struct CreateFunction {
    pub name: Qualified,
    pub or_replace: bool,
    pub parameters: Vec<ParameterDefinition>,
    pub returns: Option<ReturnsDefinition>,
    pub volatility: Volatility,
    pub strict: bool,
    pub rows_one: bool,
    pub security_definer: bool,
    /// `set search_path`
    pub search_path: Option<Vec<String>>,
    pub body: Vec<BodyStatement>,
}

/// A statement of a function's body.
#[derive(Debug)]
pub(super) struct BodyStatement {
    pub place: Place,
    pub ast: ast::Statement,
}

#[derive(Debug)]
pub(super) struct ParameterDefinition {
    pub mode: ParameterMode,
    pub name: Option<Word>,
    pub ty: TypeName,
    pub default: Option<Expression>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ParameterMode {
    In,
    Out,
    InOut,
    Variadic,
}

#[derive(Debug)]
pub(super) enum ReturnsDefinition {
    Void,
    /// `record`, `setof record`: the columns are the `out` parameters
    Record {
        set: bool,
    },
    Type {
        ty: TypeName,
        set: bool,
    },
    Table(Vec<(Word, TypeName)>),
}

/// A function as grants and comments name it.
#[derive(Debug)]
pub(super) struct Signature {
    pub name: Qualified,
    /// `None` when it is named without parentheses
    pub arguments: Option<Vec<ParameterDefinition>>,
}

#[derive(Debug)]
pub(super) struct CreatePolicy {
    pub name: Word,
    pub table: Qualified,
    pub permissive: bool,
    pub command: PolicyCommand,
    pub roles: Vec<Word>,
    pub using: Option<Expression>,
    pub check: Option<Expression>,
}

/// `grant …`, or `revoke …`.
#[derive(Debug)]
pub(super) struct Grant {
    pub revoke: bool,
    pub privileges: Vec<PrivilegeDefinition>,
    pub target: GrantTarget,
    pub roles: Vec<Word>,
}

#[derive(Debug)]
pub(super) struct PrivilegeDefinition {
    /// Lower case; `all` for `all [privileges]`
    pub name: Word,
    pub columns: Option<Vec<Word>>,
}

#[derive(Debug)]
pub(super) enum GrantTarget {
    Relations(Vec<Qualified>),
    AllRelations(Vec<Word>),
    Functions(Vec<Signature>),
    AllFunctions(Vec<Word>),
    Schemas(Vec<Word>),
    /// Sequences, types, domains, languages: nothing here asks for these privileges
    Other,
}

/// `grant role to role`, or `revoke role from role`.
#[derive(Debug)]
pub(super) struct Membership {
    pub revoke: bool,
    pub roles: Vec<Word>,
    pub members: Vec<Word>,
}

#[derive(Debug)]
pub(super) struct DefaultPrivileges {
    /// Empty: every schema
    pub schemas: Vec<Word>,
    pub revoke: bool,
    pub privileges: Vec<PrivilegeDefinition>,
    pub object: DefaultObject,
    pub roles: Vec<Word>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DefaultObject {
    Relations,
    Functions,
    /// Sequences, types, schemas
    Other,
}

#[derive(Debug)]
pub(super) struct Comment {
    pub target: CommentTarget,
    pub text: Option<String>,
}

#[derive(Debug)]
pub(super) enum CommentTarget {
    /// The word is `table`, `view` or `materialized view`
    Relation(&'static str, Qualified),
    Column {
        relation: Qualified,
        column: Word,
    },
    Function(Signature),
    /// An enumeration or a domain
    Type(Qualified),
    Schema(Word),
    Constraint {
        name: Word,
        table: Qualified,
        on_domain: bool,
    },
    Index(Qualified),
    Policy {
        name: Word,
        table: Qualified,
    },
    Role(Word),
    /// Extensions
    Other,
}
