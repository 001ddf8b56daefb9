//! What all parts of planning share: the state of one plan, the sources that names are looked up in, and how typed expressions are
//! built from names and text. Which expressions a request needs is decided by the other modules.

use plinth_catalog::expr::{Expr, ExprKind, SourceId};
use plinth_catalog::walk::{Visitor, walk_expr};
use plinth_catalog::{Catalog, Relation};
use plinth_values::builtin::{self, Kind};
use plinth_values::cast;
use plinth_values::{Modifier, Session, Type, Value, input};

use super::access::{Access, denied};
use super::native;
use super::weave::Weaver;
use crate::caller::Caller;
use crate::refusal::Refusal;
use crate::request::{FieldPath, Limits, PathOperand, Request, Target};

/// The state of one plan.
pub(crate) struct Planner<'a> {
    /// What exists
    pub catalog: &'a Catalog,
    /// The caller's rights and policies
    pub weaver: Weaver<'a>,
    /// What the meaning of values depends on
    pub session: &'a Session,
    /// The limits of the configuration
    pub limits: Limits,
    /// The schema in which names of the request are looked for
    pub schema: &'a str,
    /// The caller's role
    pub role: &'a str,
    /// The request's values so far
    pub values: Vec<(Type, Value)>,
    /// Where in the request each of them was read, for those that were read from a text of it
    pub origins: Vec<Option<Origin>>,
    /// How many fields of the root are the row's version
    pub version: usize,
    /// The keys of JSON paths among them, so that equal paths are equal expressions
    keys: Vec<(String, Expr)>,
}

/// A text by its place in memory: while a request is planned, what stands where one of its texts stands is that text, and no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    address: usize,
    length: usize,
}

impl Origin {
    /// `None` for an empty text, which has no place of its own.
    pub fn of(text: &str) -> Option<Origin> {
        (!text.is_empty()).then(|| Origin { address: text.as_ptr().addr(), length: text.len() })
    }
}

/// Whether a text stands as a constant in an expression.
struct IsNamed<'k> {
    key: &'k str,
    found: bool,
}

impl Visitor for IsNamed<'_> {
    fn expr(&mut self, expr: &Expr) {
        self.found |= matches!(&expr.kind, ExprKind::Literal(Value::Text(text)) if text == self.key);
        walk_expr(self, expr);
    }
}

/// Something whose columns a request can name.
pub(crate) struct Source<'a> {
    /// What it is called in the plan
    pub id: SourceId,
    /// What it is called in messages
    pub name: &'a str,
    /// The relation whose rows it has, if it has a relation's
    pub relation: Option<&'a Relation>,
    /// Its columns
    pub columns: Vec<SourceColumn<'a>>,
    /// What its columns are, where they are not simply the columns of `id`
    pub values: Option<Vec<Expr>>,
}

/// A column of a source.
pub(crate) struct SourceColumn<'a> {
    /// Its name
    pub name: &'a str,
    /// Its type
    pub ty: &'a Type,
    /// Whether the caller may read it
    pub readable: bool,
}

impl<'a> Source<'a> {
    /// The value of a column.
    pub fn value(&self, position: usize) -> Expr {
        if let Some(value) = self.values.as_ref().and_then(|values| values.get(position)) {
            return value.clone();
        }
        let ty = self.columns.get(position).map_or(Type::Unknown, |column| column.ty.clone());
        Expr::column(self.id, position, ty)
    }

    /// The columns that the caller may read, with their positions.
    pub fn readable(&self) -> impl Iterator<Item = (usize, &SourceColumn<'a>)> {
        self.columns.iter().enumerate().filter(|(_, column)| column.readable)
    }
}

impl<'a> Planner<'a> {
    /// A planner for one request.
    pub fn new(catalog: &'a Catalog, caller: &'a Caller, request: &'a Request) -> Planner<'a> {
        let (Target::Relation { schema, .. } | Target::Function { schema, .. }) = &request.target;
        Planner {
            catalog,
            weaver: Weaver::new(Access::new(catalog, caller, request.limits.hide_ungranted)),
            session: &caller.session,
            limits: request.limits,
            schema,
            role: &caller.role,
            values: Vec::new(),
            origins: Vec::new(),
            version: 0,
            keys: Vec::new(),
        }
    }

    /// The columns of a relation that the caller reads. Refused when it may read none of them.
    pub fn source(&self, id: SourceId, relation: &'a Relation) -> Result<Source<'a>, Refusal> {
        let select = self.weaver.access.privileges(relation).select;
        if !select.any() {
            return Err(denied(relation));
        }
        let columns = relation.columns.iter().enumerate().map(|(n, column)| SourceColumn {
            name: &column.name,
            ty: &column.ty,
            readable: select.covers(n),
        });
        let columns = columns.collect();
        Ok(Source { id, name: &relation.name.name, relation: Some(relation), columns, values: None })
    }

    /// The position of a column of this name, if the caller may read it. A column that it may not read is refused as one that does
    /// not exist.
    pub fn position(&self, source: &Source<'a>, name: &str) -> Result<usize, Refusal> {
        match source.columns.iter().position(|column| column.name == name) {
            Some(position) if source.columns[position].readable => Ok(position),
            Some(_) if !self.limits.hide_ungranted => Err(source.relation.map_or_else(
                || Refusal::PermissionDenied { kind: "table", name: source.name.to_owned() },
                denied,
            )),
            _ => Err(Refusal::NoSuchColumn { relation: source.name.to_owned(), column: name.to_owned() }),
        }
    }

    /// A column, with the path into it.
    pub fn field(&mut self, source: &Source<'a>, field: &FieldPath) -> Result<Expr, Refusal> {
        let mut expr = self.column(source, &field.column)?;
        let native = self.database().is_some();
        if !field.path.is_empty() && !expr.ty.is_json() {
            expr = self.call("to_jsonb", &[Kind::Function], vec![expr])?;
        }
        for step in &field.path {
            let operand = match &step.operand {
                PathOperand::Key(key) => self.key(source, key)?,
                PathOperand::Index(index) => Expr::literal(Value::Int((*index).into()), Type::Int4),
            };
            if native {
                expr = native::step(expr, operand, step.as_text);
                continue;
            }
            let operator = if step.as_text { "->>" } else { "->" };
            let found = builtin::resolve(operator, &[Kind::Operator], &[expr.ty.clone(), operand.ty.clone()]);
            let Ok(found) = found else {
                let operand = match step.operand {
                    PathOperand::Key(_) => Type::Unknown,
                    PathOperand::Index(_) => Type::Int4,
                };
                return Err(no_operator(&expr.ty, operator, &operand));
            };
            expr = built(found, vec![expr, operand]);
        }
        Ok(expr)
    }

    /// A key of a JSON path: a value of the request, except where an index of the relation is over that key. Then it is the index's own,
    /// so that an engine sees that the index is meant.
    fn key(&mut self, source: &Source<'a>, key: &str) -> Result<Expr, Refusal> {
        let indexes = source.relation.and_then(|relation| relation.table()).map(|table| &table.indexes);
        let mut found = IsNamed { key, found: false };
        for indexed in indexes.into_iter().flatten().flat_map(|index| &index.keys) {
            found.expr(&indexed.expr);
        }
        if found.found {
            return Ok(Expr::literal(Value::Text(key.to_owned()), Type::Text));
        }
        if let Some((_, known)) = self.keys.iter().find(|(known, _)| known == key) {
            return Ok(known.clone());
        }
        let read = self.read(&Type::Text, key)?;
        self.keys.push((key.to_owned(), read.clone()));
        Ok(read)
    }

    /// A call of a built-in by name.
    pub fn call(&self, name: &'static str, kinds: &[Kind], args: Vec<Expr>) -> Result<Expr, Refusal> {
        if self.database().is_some() {
            return Ok(native::call(name, kinds, args));
        }
        let types: Vec<Type> = args.iter().map(|arg| arg.ty.clone()).collect();
        match builtin::resolve(name, kinds, &types) {
            Ok(found) => Ok(built(found, args)),
            Err(_) => Err(no_function(name, &types)),
        }
    }

    /// `left operator 'text'`: the text is read as what the operator wants.
    pub fn operate(&mut self, operator: &'static str, left: Expr, text: &str) -> Result<Expr, Refusal> {
        if self.database().is_some() {
            let right = self.text(text);
            return Ok(native::operator(operator, left, right));
        }
        let found = builtin::resolve(operator, &[Kind::Operator], &[left.ty.clone(), Type::Unknown]);
        let Ok(found) = found else { return Err(no_operator(&left.ty, operator, &Type::Unknown)) };
        let wanted = match found.args.get(1) {
            None | Some(Type::Unknown) => Type::Text,
            Some(ty) => ty.clone(),
        };
        if found.returns != Type::Bool {
            // `<<` shifts integers: an operator, but no condition.
            return Err(Refusal::Sql {
                code: "42804",
                message: format!("argument of WHERE must be type boolean, not type {}", found.returns),
                detail: None,
                hint: None,
            });
        }
        let right = self.read(&wanted, text)?;
        Ok(built(found, vec![left, right]))
    }

    /// A value of the request, read from its text.
    pub fn read(&mut self, ty: &Type, text: &str) -> Result<Expr, Refusal> {
        let value = input::from_text(ty, Modifier::None, text, self.session)?;
        let read = self.bind(ty.clone(), value);
        if let Some(origin) = self.origins.last_mut() {
            *origin = Origin::of(text);
        }
        Ok(read)
    }

    /// A value of the request.
    pub fn bind(&mut self, ty: Type, value: Value) -> Expr {
        self.values.push((ty.clone(), value));
        self.origins.push(None);
        Expr { kind: ExprKind::Bind(self.values.len() - 1), ty }
    }

    /// `expr::name`
    pub fn cast(&self, expr: Expr, name: &str) -> Result<Expr, Refusal> {
        if let Some(database) = self.database() {
            return self.native_cast(database, expr, name);
        }
        let path: Vec<&str> =
            if self.schema == "public" { vec!["public"] } else { vec![self.schema, "public"] };
        let Some((ty, modifier)) = plinth_catalog::parse_type(self.catalog, &path, name) else {
            return Err(Refusal::Sql {
                code: "42704",
                message: format!("type \"{name}\" does not exist"),
                detail: None,
                hint: None,
            });
        };
        if ty == expr.ty && modifier == Modifier::None {
            return Ok(expr);
        }
        if ty != expr.ty && cast::context(&expr.ty, &ty).is_none() {
            return Err(Refusal::Sql {
                code: "42846",
                message: format!("cannot cast type {} to {ty}", expr.ty),
                detail: None,
                hint: None,
            });
        }
        Ok(Expr { kind: ExprKind::Cast { expr: Box::new(expr), modifier, explicit: true }, ty })
    }
}

/// A resolved call, with its arguments brought to the types it wants.
pub(crate) fn built(found: builtin::Resolved, args: Vec<Expr>) -> Expr {
    let builtin::Resolved { builtin, args: types, returns } = found;
    let mut types = types.into_iter();
    let args = args
        .into_iter()
        .map(|arg| match types.next() {
            Some(ty) => coerce(arg, ty),
            None => arg,
        })
        .collect();
    let kind = match builtin.kind {
        Kind::Aggregate => {
            ExprKind::Aggregate { builtin, args, distinct: false, order: Vec::new(), filter: None }
        }
        Kind::Function | Kind::Operator | Kind::Window | Kind::Set => ExprKind::Call { builtin, args },
    };
    Expr { kind, ty: returns }
}

/// The expression as a value of a type that PostgreSQL would convert it to by itself.
pub(crate) fn coerce(expr: Expr, ty: Type) -> Expr {
    if expr.ty == ty || ty == Type::Unknown {
        return expr;
    }
    Expr { kind: ExprKind::Cast { expr: Box::new(expr), modifier: Modifier::None, explicit: false }, ty }
}

/// 42883 for an operator.
pub(crate) fn no_operator(left: &Type, operator: &str, right: &Type) -> Refusal {
    Refusal::Sql {
        code: "42883",
        message: format!("operator does not exist: {left} {operator} {right}"),
        detail: None,
        hint: Some(
            "No operator matches the given name and argument types. You might need to add explicit type casts."
                .into(),
        ),
    }
}

fn no_function(name: &str, types: &[Type]) -> Refusal {
    let types: Vec<String> = types.iter().map(Type::to_string).collect();
    Refusal::Sql {
        code: "42883",
        message: format!("function {name}({}) does not exist", types.join(", ")),
        detail: None,
        hint: Some(
            "No function matches the given name and argument types. You might need to add explicit type casts."
                .into(),
        ),
    }
}

/// Whether PostgreSQL can compare two values of the type for equality, as far as is known here.
pub(crate) fn has_equality(ty: &Type) -> bool {
    match ty {
        Type::Json | Type::Tsquery | Type::Regconfig | Type::Void | Type::Unknown => false,
        Type::Array(element) => has_equality(element),
        _ => true,
    }
}
