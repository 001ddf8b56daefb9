//! Planning over a catalog that was read from a PostgreSQL database (what that means is said with [`plinth_catalog::Database`]).
//! Names and relationships are resolved as everywhere; operators, functions and values are left to the database, which has more of
//! them and reads every text itself. Nothing is read here and nothing woven: the same request always gives the same plan.

use plinth_catalog::expr::{CompareOp, Expr, ExprKind, FromItem, Native, Quantifiable};
use plinth_catalog::{Column, Database, Function, Parameter};
use plinth_values::builtin::{self, Kind};
use plinth_values::{Modifier, NativeType, Session, Type, Value, compare, input};
use serde_json::value::RawValue;

use super::payload::Item;
use super::planner::{Origin, Planner};
use crate::plan::Cell;
use crate::refusal::Refusal;
use crate::request::TextSearch;

/// What the database evaluates.
pub(crate) fn native(native: Native, ty: Type) -> Expr {
    Expr { kind: ExprKind::Native(Box::new(native)), ty }
}

/// `left operator right`, a condition.
pub(crate) fn operator(name: &'static str, left: Expr, right: Expr) -> Expr {
    native(Native::Operator { name, left, right }, Type::Bool)
}

/// A step into a JSON value: `->`, or `->>` for text.
pub(crate) fn step(expr: Expr, key: Expr, as_text: bool) -> Expr {
    let (name, ty) = if as_text { ("->>", Type::Text) } else { ("->", expr.ty.clone()) };
    native(Native::Operator { name, left: expr, right: key }, ty)
}

/// A call of one of PostgreSQL's own functions or aggregates. Its type is known where Plinth knows the function for these types.
pub(crate) fn call(name: &'static str, kinds: &[Kind], mut args: Vec<Expr>) -> Expr {
    let types: Vec<Type> = args.iter().map(|arg| arg.ty.clone()).collect();
    let ty = builtin::resolve(name, kinds, &types).map_or(Type::Unknown, |found| found.returns);
    match kinds {
        [Kind::Aggregate] => native(Native::Aggregate { name, arg: args.pop() }, ty),
        _ => native(Native::Call { name, args }, ty),
    }
}

impl<'a> Planner<'a> {
    /// The database, where it is the authority.
    pub fn database(&self) -> Option<&'a Database> {
        self.catalog.database.as_deref()
    }

    /// A text of the request, whose type the database takes from what it stands beside.
    pub fn text(&mut self, text: &str) -> Expr {
        let read = self.bind(Type::Unknown, Value::Text(text.to_owned()));
        if let Some(origin) = self.origins.last_mut() {
            *origin = Origin::of(text);
        }
        read
    }

    /// `field = any ('{…}')`: a list is one value, however long it is.
    pub fn any_of(&mut self, field: Expr, values: &[String]) -> Expr {
        let literal = array_literal(values.iter().map(String::as_str));
        let array = self.bind(Type::Unknown, Value::Text(literal));
        quantified(Quantifiable::Compare(CompareOp::Eq), false, field, array)
    }

    /// `field @@ to_tsquery('text')`, where the field is no document itself `to_tsvector(field) @@ …`.
    pub fn text_search(&mut self, field: Expr, op: TextSearch, language: Option<&str>, text: &str) -> Expr {
        let is_document = match &field.ty {
            Type::Native(ty) => ty.schema == "pg_catalog" && ty.name == "tsvector",
            ty => *ty == Type::Tsvector,
        };
        let document = if is_document {
            field
        } else {
            let mut args: Vec<Expr> = language.map(|language| self.text(language)).into_iter().collect();
            args.push(field);
            native(Native::Call { name: "to_tsvector", args }, Type::Unknown)
        };
        let name = match op {
            TextSearch::Query => "to_tsquery",
            TextSearch::Plain => "plainto_tsquery",
            TextSearch::Phrase => "phraseto_tsquery",
            TextSearch::Web => "websearch_to_tsquery",
        };
        let mut args: Vec<Expr> = language.map(|language| self.text(language)).into_iter().collect();
        args.push(self.text(text));
        operator("@@", document, native(Native::Call { name, args }, Type::Unknown))
    }

    /// `expr::name`, with any type that the database has.
    pub fn native_cast(&self, database: &Database, expr: Expr, name: &str) -> Result<Expr, Refusal> {
        let path: Vec<&str> =
            if self.schema == "public" { vec!["public"] } else { vec![self.schema, "public"] };
        let known = plinth_catalog::parse_type(self.catalog, &path, name);
        let (ty, modifier) = match known {
            Some(known) => known,
            None => (database_type(database, &path, name).ok_or_else(|| no_type(name))?, Modifier::None),
        };
        Ok(Expr { kind: ExprKind::Cast { expr: Box::new(expr), modifier, explicit: true }, ty })
    }

    /// What is stored in a column: the client's text, or its JSON where only the database can take that apart.
    pub fn native_value(&mut self, column: &Column, item: Option<Item<'_>>) -> Expr {
        match item {
            None | Some(Item::Null) => self.bind(Type::Unknown, Value::Null),
            Some(Item::Text(text)) => self.text(text),
            Some(Item::Json(json)) => match scalar(&column.ty, json.get()) {
                Some(value) => self.bind(Type::Unknown, value),
                None => self.json_value(column.ty.clone(), column.declared.as_deref(), json.get()),
            },
        }
    }

    /// The arguments of a call in the order of its parameters. What is not given has a default there, or is an empty variadic.
    pub fn native_arguments<'g>(
        &mut self,
        function: &Function,
        json: impl Fn(&str) -> Option<&'g RawValue>,
        texts: impl Fn(&str) -> Vec<&'g str>,
    ) -> Vec<Expr> {
        let mut arguments = Vec::with_capacity(function.parameters.len());
        for parameter in &function.parameters {
            let argument = match json(&parameter.name) {
                Some(json) => Some(self.json_argument(parameter, json.get())),
                None => self.text_argument_native(parameter, &texts(&parameter.name)),
            };
            let none = native(Native::Omitted, parameter.ty.clone());
            arguments.push(argument.unwrap_or(none));
        }
        arguments
    }

    fn json_argument(&mut self, parameter: &Parameter, json: &str) -> Expr {
        match scalar(&parameter.ty, json) {
            Some(value) => self.bind(parameter.ty.clone(), value),
            None => self.json_value(parameter.ty.clone(), parameter.declared.as_deref(), json),
        }
    }

    fn text_argument_native(&mut self, parameter: &Parameter, texts: &[&str]) -> Option<Expr> {
        match (texts.last(), parameter.variadic) {
            (Some(last), false) => Some(self.bind(parameter.ty.clone(), Value::Text((*last).to_owned()))),
            (Some(_), true) => {
                let literal = array_literal(texts.iter().copied());
                Some(self.bind(parameter.ty.clone(), Value::Text(literal)))
            }
            (None, true) if parameter.default.is_none() => {
                Some(self.bind(parameter.ty.clone(), Value::Text("{}".into())))
            }
            (None, _) => None,
        }
    }

    /// JSON as a value of the type, by the database's own rules for JSON. A domain's checks hold for it.
    fn json_value(&mut self, ty: Type, declared: Option<&str>, json: &str) -> Expr {
        let value = self.bind(Type::Json, Value::Text(json.to_owned()));
        let ty = match declared {
            Some(sql) => Type::Native(
                NativeType {
                    schema: String::new(),
                    name: ty.to_string(),
                    sql: sql.to_owned(),
                    kind: plinth_values::NativeKind::Base,
                }
                .into(),
            ),
            None => ty,
        };
        native(Native::FromJson(value), ty)
    }

    /// The call of a function that the database runs.
    pub fn native_call(&mut self, function: &Function, args: Vec<Expr>) -> FromItem {
        FromItem::Function { id: self.weaver.fresh(), function: function.id, args }
    }
}

/// A payload's cell as the database takes it.
pub(crate) fn cell(item: Option<Item<'_>>) -> Cell {
    match item {
        None | Some(Item::Null) => Cell::Value(Value::Null),
        Some(Item::Text(text)) => Cell::Value(Value::Text(text.to_owned())),
        Some(Item::Json(json)) => Cell::Json(json.get().to_owned()),
    }
}

/// Whether a cell is the same value as a text. Of a type that Plinth does not know, whether it is the same text.
pub(crate) fn agrees(ty: &Type, cell: &Cell, text: &str, session: &Session) -> bool {
    let given = match cell {
        Cell::Json(json) => scalar(ty, json),
        Cell::Value(value) => Some(value.clone()),
        Cell::Default => None,
    };
    let Some(Value::Text(given)) = given else { return false };
    let read = |text: &str| input::from_text(ty, Modifier::None, text, session);
    match (read(&given), read(text)) {
        (Ok(one), Ok(other)) => compare::compare(ty, one.as_ref(), other.as_ref()).is_eq(),
        _ => given == text,
    }
}

/// Bytes as bytea's input has them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    let digits = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    "\\x".chars().chain(digits).collect()
}

/// `left op any (array)`
pub(crate) fn quantified(op: Quantifiable, all: bool, left: Expr, array: Expr) -> Expr {
    Expr::boolean(ExprKind::Quantified { op, all, left: Box::new(left), array: Box::new(array) })
}

/// The text that the type's input function reads; `None` where JSON has to be taken apart.
fn scalar(ty: &Type, json: &str) -> Option<Value> {
    let json = json.trim();
    if json == "null" {
        return Some(Value::Null);
    }
    if ty.is_json() {
        return Some(Value::Text(json.to_owned()));
    }
    match json.as_bytes().first()? {
        b'{' | b'[' => match ty {
            Type::Text | Type::Varchar | Type::Char => Some(Value::Text(json.to_owned())),
            _ => None,
        },
        b'"' => serde_json::from_str::<String>(json).ok().map(Value::Text),
        _ => Some(Value::Text(json.to_owned())),
    }
}

/// An array in PostgreSQL's syntax, every element in quotes.
fn array_literal<'t>(elements: impl Iterator<Item = &'t str>) -> String {
    let mut literal = String::from("{");
    for (n, element) in elements.enumerate() {
        if n > 0 {
            literal.push(',');
        }
        literal.push('"');
        for c in element.chars() {
            if matches!(c, '"' | '\\') {
                literal.push('\\');
            }
            literal.push(c);
        }
        literal.push('"');
    }
    literal.push('}');
    literal
}

/// A type by its name, which may be qualified and have brackets, in the schemas of the path and then in PostgreSQL's own.
fn database_type(database: &Database, path: &[&str], name: &str) -> Option<Type> {
    let name = name.trim();
    if let Some(element) = name.strip_suffix("[]") {
        let element = database_type(database, path, element)?;
        return Some(if element.element().is_some() { element } else { element.array() });
    }
    let find = |schema: &str, name: &str| database.types.get(&(schema.to_owned(), name.to_owned())).cloned();
    let parts: Vec<String> = name.split('.').map(part).collect();
    match parts.as_slice() {
        [name] => path
            .iter()
            .chain(&["pg_catalog", "extensions"])
            .find_map(|schema| find(schema, name).or_else(|| find(schema, standard(name)))),
        [schema, name] => find(schema, name),
        _ => None,
    }
}

/// A part of a name: in quotes as it is, otherwise in lower case.
fn part(text: &str) -> String {
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => text.to_lowercase(),
    }
}

/// The internal names of the standard's types.
fn standard(name: &str) -> &str {
    match name {
        "time with time zone" => "timetz",
        "bit varying" => "varbit",
        other => other,
    }
}

fn no_type(name: &str) -> Refusal {
    Refusal::Sql {
        code: "42704",
        message: format!("type \"{name}\" does not exist"),
        detail: None,
        hint: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_quoted() {
        for (elements, expected) in [
            (vec![], "{}"),
            (vec!["a", "b c"], r#"{"a","b c"}"#),
            (vec!["NULL", "", "{", ","], r#"{"NULL","","{",","}"#),
            (vec![r#"a"b\c"#], r#"{"a\"b\\c"}"#),
        ] {
            assert_eq!(array_literal(elements.into_iter()), expected);
        }
    }

    #[test]
    fn json_scalars_are_the_text_that_the_type_reads() {
        for (ty, json, expected) in [
            (Type::Int4, "1", Some(Value::Text("1".into()))),
            (Type::Int4, "\"x\"", Some(Value::Text("x".into()))),
            (Type::Int4, " null ", Some(Value::Null)),
            (Type::Jsonb, "null", Some(Value::Null)),
            (Type::Jsonb, "\"x\"", Some(Value::Text("\"x\"".into()))),
            (Type::Int4.array(), "[1]", None),
            (Type::Text, "{\"a\":1}", Some(Value::Text("{\"a\":1}".into()))),
            (Type::Int4, "{\"a\":1}", None),
        ] {
            assert_eq!(scalar(&ty, json), expected, "{ty} {json}");
        }
    }

    #[test]
    fn types_by_name() {
        let mut database = Database::default();
        for (schema, name) in [("pg_catalog", "timetz"), ("api", "email"), ("api", "Odd")] {
            let ty = NativeType {
                schema: schema.into(),
                name: name.into(),
                sql: format!("{schema}.{name}"),
                kind: plinth_values::NativeKind::Base,
            };
            database.types.insert((schema.into(), name.into()), Type::Native(ty.into()));
        }
        for (name, expected) in [
            ("email", Some("api.email")),
            ("EMAIL[]", Some("api.email[]")),
            ("api.email", Some("api.email")),
            ("other.email", None),
            ("odd", None),
            ("\"Odd\"", Some("api.Odd")),
            ("time with time zone", Some("pg_catalog.timetz")),
            ("email); drop table x", None),
        ] {
            let found = database_type(&database, &["api"], name).map(|ty| ty.to_string());
            assert_eq!(found.as_deref(), expected, "{name}");
        }
    }
}
