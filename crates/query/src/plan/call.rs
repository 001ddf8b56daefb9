//! Calls: which function is meant (PostgREST's reference, "Functions as RPC"), its arguments, and its result as a node that the
//! request's select, filters and order work on.

use std::collections::BTreeSet;

use plinth_catalog::expr::{Expr, FromItem, SourceId};
use plinth_catalog::{Function, Parameter, RelationId, Returns, Statement};
use plinth_values::builtin::Volatility;
use plinth_values::{Modifier, Type, Value, input};
use serde_json::value::RawValue;

use super::access::similar;
use super::native;
use super::payload::{Object, first_object, parse_object};
use super::planner::{Planner, Source, SourceColumn};
use super::select::{Part, Scope};
use super::weave::{Rights, returns_set};
use crate::ir;
use crate::plan::{CallPlan, CallShape, Field, Node, PlannedStatement, WRITE_RESULT};
use crate::refusal::Refusal;
use crate::request::{Arguments, Request};

/// What a client sent for a function's parameters.
enum Given<'r> {
    /// JSON by name
    Members(Object<'r>),
    /// Text by name
    Texts(&'r [(String, String)]),
    /// Nothing by name: only the body as a whole
    Nothing,
}

impl Given<'_> {
    fn names(&self) -> BTreeSet<&str> {
        match self {
            Given::Members(members) => members.iter().map(|(name, _)| name.as_str()).collect(),
            Given::Texts(texts) => texts.iter().map(|(name, _)| name.as_str()).collect(),
            Given::Nothing => BTreeSet::new(),
        }
    }

    /// The JSON given under a name; of a name given twice, the last.
    fn member(&self, name: &str) -> Option<&RawValue> {
        match self {
            Given::Members(members) => {
                members.iter().rev().find(|(given, _)| given == name).map(|(_, json)| *json)
            }
            Given::Texts(_) | Given::Nothing => None,
        }
    }

    /// The texts given under a name.
    fn texts(&self, name: &str) -> Vec<&str> {
        match self {
            Given::Texts(texts) => {
                texts.iter().filter(|(given, _)| given == name).map(|(_, text)| text.as_str()).collect()
            }
            Given::Members(_) | Given::Nothing => Vec::new(),
        }
    }
}

impl<'a> Planner<'a> {
    /// Plans a call.
    pub fn call_function(
        &mut self,
        name: &'a str,
        request: &Request,
        arguments: &Arguments,
        read_only: bool,
        max_affected: Option<u64>,
    ) -> Result<CallPlan, Refusal> {
        let (given, whole) = given(arguments)?;
        let (function, whole) = self.find_function(name, &given, whole)?;
        if !self.weaver.access.may_execute(function) {
            return Err(Refusal::PermissionDenied { kind: "function", name: name.to_owned() });
        }
        let writes = function.body.iter().any(|statement| !matches!(statement, Statement::Query(_)));
        if read_only && writes {
            return Err(Refusal::ReadOnly { function: name.to_owned() });
        }
        if max_affected.is_some() && !returns_set(&function.returns) {
            return Err(Refusal::MaxAffectedOfSingle);
        }
        let arguments = match whole {
            Some(whole) => self.whole_argument(function, whole)?,
            None if self.database().is_some() => {
                self.native_arguments(function, |name| given.member(name), |name| given.texts(name))
            }
            None => self.arguments(function, &given)?,
        };
        let plan = self.planned_call(function, arguments, request)?;
        let pure = match self.database() {
            Some(_) => function.volatility != Volatility::Volatile,
            None => !writes,
        };
        Ok(CallPlan { read_only: read_only || pure, max_affected, ..plan })
    }

    /// The function meant, and the raw body when that is its argument.
    fn find_function<'r>(
        &self,
        name: &'a str,
        given: &Given<'r>,
        whole: Option<Whole<'r>>,
    ) -> Result<(&'a Function, Option<Whole<'r>>), Refusal> {
        let all: Vec<&'a Function> = self
            .catalog
            .find_functions(self.schema, name)
            .filter(|function| !self.limits.hide_ungranted || self.weaver.access.may_execute(function))
            .collect();
        let names = given.names();
        let is_raw = matches!(given, Given::Nothing);
        let by_name: Vec<&'a Function> =
            all.iter().copied().filter(|function| !is_raw && fits(function, &names)).collect();
        let by_body: Vec<&'a Function> = all
            .iter()
            .copied()
            .filter(|function| whole.as_ref().is_some_and(|whole| takes_whole(function, whole)))
            .collect();
        match (by_name.as_slice(), by_body.as_slice()) {
            ([function], _) => Ok((function, None)),
            ([], [function]) => Ok((function, whole)),
            ([], []) => Err(self.no_function(name, &all, &names, whole.as_ref())),
            ([], several) | (several, _) => Err(Refusal::AmbiguousFunction {
                candidates: several.iter().map(|function| signature(function)).collect(),
            }),
        }
    }

    fn no_function(
        &self,
        name: &str,
        overloads: &[&Function],
        names: &BTreeSet<&str>,
        whole: Option<&Whole<'_>>,
    ) -> Refusal {
        let listed = |names: &mut dyn Iterator<Item = &str>| {
            let mut names: Vec<&str> = names.collect();
            names.sort_unstable();
            format!("({})", names.join(", "))
        };
        let suggestion = if overloads.is_empty() {
            let others = self
                .catalog
                .functions
                .iter()
                .filter(|function| {
                    function.name.schema == self.schema && self.weaver.access.may_execute(function)
                })
                .map(|function| function.name.name.as_str());
            similar(name, others).map(|similar| format!("{}.{similar}", self.schema))
        } else {
            let asked = listed(&mut names.iter().copied());
            let others: Vec<String> = overloads
                .iter()
                .map(|function| {
                    listed(&mut function.parameters.iter().map(|parameter| parameter.name.as_str()))
                })
                .collect();
            similar(&asked, others.iter().map(String::as_str))
                .map(|parameters| format!("{}.{name}{parameters}", self.schema))
        };
        Refusal::NoSuchFunction {
            schema: self.schema.to_owned(),
            name: name.to_owned(),
            arguments: names.iter().map(|name| (*name).to_owned()).collect(),
            suggestion,
            single_unnamed: whole.map(|whole| whole.kind.to_owned()),
        }
    }

    /// The raw body as the one argument.
    fn whole_argument(&mut self, function: &Function, whole: Whole<'_>) -> Result<Vec<Expr>, Refusal> {
        let ty = function.parameters.first().map_or(Type::Unknown, |parameter| parameter.ty.clone());
        let value = match ty {
            Type::Bytea if self.database().is_some() => Value::Text(native::hex(whole.body)),
            Type::Bytea => Value::Bytes(whole.body.to_vec()),
            _ => {
                let text = std::str::from_utf8(whole.body).map_err(|_| Refusal::Sql {
                    code: "22021",
                    message: "invalid byte sequence for encoding \"UTF8\"".into(),
                    detail: None,
                    hint: None,
                })?;
                match self.database() {
                    Some(_) => Value::Text(text.to_owned()),
                    None => input::from_text(&ty, Modifier::None, text, self.session)?,
                }
            }
        };
        Ok(vec![self.bind(ty, value)])
    }

    /// The arguments in the order of the parameters: given ones, and defaults.
    fn arguments(&mut self, function: &Function, given: &Given<'_>) -> Result<Vec<Expr>, Refusal> {
        let mut arguments = Vec::new();
        for parameter in &function.parameters {
            if let Some(row) = parameter.row {
                arguments.extend(self.row_argument(parameter, row, given)?);
                continue;
            }
            let value = match given {
                Given::Members(members) => {
                    let value = members.iter().rev().find(|(name, _)| *name == parameter.name);
                    match value {
                        Some((_, json)) => {
                            Some(input::from_json(&parameter.ty, Modifier::None, json, self.session)?)
                        }
                        None => None,
                    }
                }
                Given::Texts(texts) => self.text_argument(parameter, texts)?,
                Given::Nothing => None,
            };
            arguments.push(match (value, &parameter.default) {
                (Some(value), _) => self.bind(parameter.ty.clone(), value),
                (None, Some(default)) => self.weaver.row_expr(default, SourceId::ROW, Rights::Caller)?,
                // A variadic parameter may be left out altogether.
                (None, None) => self.bind(parameter.ty.clone(), Value::Text("[]".into())),
            });
        }
        Ok(arguments)
    }

    /// A row as an argument: a JSON object gives its columns, null for those it does not have.
    fn row_argument(
        &mut self,
        parameter: &Parameter,
        row: RelationId,
        given: &Given<'_>,
    ) -> Result<Vec<Expr>, Refusal> {
        let json = match given {
            Given::Members(members) => members.iter().rev().find(|(name, _)| *name == parameter.name),
            Given::Texts(_) | Given::Nothing => None,
        };
        let members = match json.map(|(_, json)| json.get().trim()) {
            Some("null") => Vec::new(),
            Some(text) if text.starts_with('{') => parse_object(text)?,
            Some(text) if text.starts_with('"') => return Err(composite_input()),
            Some(text) => {
                let what = if text.starts_with('[') { "an array" } else { "a scalar" };
                return Err(Refusal::Sql {
                    code: "22023",
                    message: format!("cannot call populate_composite on {what}"),
                    detail: None,
                    hint: None,
                });
            }
            None => return Err(composite_input()),
        };
        let mut values = Vec::new();
        for column in &self.catalog.relation(row).columns {
            let value = match members.iter().rev().find(|(name, _)| *name == column.name) {
                Some((_, json)) => input::from_json(&column.ty, column.modifier, json, self.session)?,
                None => Value::Null,
            };
            values.push(self.bind(column.ty.clone(), value));
        }
        Ok(values)
    }

    fn text_argument(
        &self,
        parameter: &Parameter,
        texts: &[(String, String)],
    ) -> Result<Option<Value>, Refusal> {
        let given: Vec<&str> =
            texts.iter().filter(|(name, _)| *name == parameter.name).map(|(_, text)| text.as_str()).collect();
        let Some(last) = given.last() else { return Ok(None) };
        if !parameter.variadic {
            return Ok(Some(input::from_text(&parameter.ty, Modifier::None, last, self.session)?));
        }
        let elements = serde_json::Value::from(given).to_string();
        let json = RawValue::from_string(elements)
            .map_err(|_| Refusal::BadPayload { message: "Empty or invalid json".into() })?;
        Ok(Some(input::from_json(&parameter.ty, Modifier::None, &json, self.session)?))
    }

    /// The plan of a call whose arguments are known.
    fn planned_call(
        &mut self,
        function: &'a Function,
        arguments: Vec<Expr>,
        request: &Request,
    ) -> Result<CallPlan, Refusal> {
        if self.database().is_some() {
            let from = self.native_call(function, arguments);
            let result = self.call_result(function, from, request)?;
            return Ok(CallPlan {
                before: Vec::new(),
                write: None,
                result,
                shape: shape(&function.returns),
                read_only: false,
                max_affected: None,
            });
        }
        let void = function.returns == Returns::Void;
        let (first, last) = match function.body.split_last() {
            Some((last, first)) if !void => (first, Some(last)),
            _ => (function.body.as_slice(), None),
        };
        let mut before = Vec::new();
        for statement in first {
            before.push(self.statement(function, statement, &arguments)?);
        }
        let (write, from) = match last {
            None => {
                let nothing =
                    ir::select(self.weaver.fresh(), vec![(Expr::bool(true), "void".into())], None, None);
                let from =
                    FromItem::Query { id: self.weaver.fresh(), query: Box::new(nothing), lateral: false };
                return Ok(CallPlan {
                    before,
                    write: None,
                    result: plain(from, Vec::new()),
                    shape: CallShape::Void,
                    read_only: false,
                    max_affected: None,
                });
            }
            Some(Statement::Query(query)) => {
                let query = match &function.returns {
                    Returns::Scalar { ty, set: false } => {
                        let value =
                            self.weaver.scalar_query(function, query, ty, arguments, Rights::Caller)?;
                        ir::select(self.weaver.fresh(), vec![(value, function.name.name.clone())], None, None)
                    }
                    returns => {
                        let query = self.weaver.row_query(function, query, arguments, Rights::Caller)?;
                        if returns_set(returns) { query } else { self.weaver.first_row(query) }
                    }
                };
                (None, FromItem::Query { id: self.weaver.fresh(), query: Box::new(query), lateral: false })
            }
            Some(statement) => {
                let write: PlannedStatement = self.statement(function, statement, &arguments)?;
                (Some(write), FromItem::Cte { id: WRITE_RESULT, cte: WRITE_RESULT })
            }
        };
        let result = self.call_result(function, from, request)?;
        Ok(CallPlan {
            before,
            write,
            result,
            shape: shape(&function.returns),
            read_only: false,
            max_affected: None,
        })
    }

    /// The node over a function's rows.
    fn call_result(
        &mut self,
        function: &'a Function,
        from: FromItem,
        request: &Request,
    ) -> Result<Node, Refusal> {
        let id = match &from {
            FromItem::Query { id, .. } | FromItem::Cte { id, .. } => *id,
            FromItem::Relation { id, .. } | FromItem::Set { id, .. } | FromItem::Function { id, .. } => *id,
            FromItem::Join { .. } => SourceId::ROW,
        };
        if request.page.is_some() {
            return Err(Refusal::NotImplemented {
                detail: "Cursors are not implemented for the rows of functions.".into(),
            });
        }
        let set = returns_set(&function.returns);
        let column = |name: &'a str, ty: &'a Type| SourceColumn { name, ty, readable: true };
        let mut source =
            Source { id, name: &function.name.name, relation: None, columns: Vec::new(), values: None };
        let scalar = match &function.returns {
            Returns::Void => None,
            Returns::Scalar { ty, .. } => {
                source.columns.push(column(&function.name.name, ty));
                Some(ty)
            }
            Returns::Relation { relation, .. } => {
                let relation = self.catalog.relation(*relation);
                source.name = &relation.name.name;
                source.relation = Some(relation);
                source.columns =
                    relation.columns.iter().map(|found| column(&found.name, &found.ty)).collect();
                None
            }
            Returns::Columns { columns, .. } => {
                source.columns = columns.iter().map(|(name, ty)| column(name, ty)).collect();
                None
            }
        };
        let mut part = Part::of_request(request);
        if set {
            part.limit = self.capped(part.limit);
        } else {
            // One value or object: there is nothing to leave out.
            part = Part {
                filters: &[],
                order: &[],
                having: &[],
                distinct: None,
                limit: Some(1),
                offset: 0,
                ..part
            };
        }
        match scalar {
            None => {
                let scope = self.scope(source, &request.select)?;
                self.node(&scope, from, Vec::new(), &part)
            }
            Some(ty) => {
                let value = Expr::column(id, 0, ty.clone());
                let scope = Scope { source, embeds: Vec::new() };
                let mut node = self.node(&scope, from, Vec::new(), &Part { select: &[], ..part })?;
                node.fields.push(Field::Value { name: function.name.name.clone(), expr: value });
                Ok(node)
            }
        }
    }
}

/// A body that could be a single unnamed parameter.
struct Whole<'r> {
    /// What that parameter's type is called in messages
    kind: &'static str,
    body: &'r [u8],
}

fn given(arguments: &Arguments) -> Result<(Given<'_>, Option<Whole<'_>>), Refusal> {
    match arguments {
        Arguments::Named(texts) => Ok((Given::Texts(texts), None)),
        Arguments::Json(text) if text.trim().is_empty() => {
            Ok((Given::Members(Vec::new()), Some(Whole { kind: "json/jsonb", body: b"{}" })))
        }
        Arguments::Json(text) => {
            let whole = Whole { kind: "json/jsonb", body: text.as_bytes() };
            Ok((first_object(text)?.map_or(Given::Nothing, Given::Members), Some(whole)))
        }
        Arguments::JsonColumns { json, columns } => {
            let whole = Whole { kind: "json/jsonb", body: json.as_bytes() };
            let members = first_object(json)?.unwrap_or_default();
            let member = |name: &String| {
                let given = members.iter().rev().find(|(given, _)| given == name);
                (name.clone(), given.map_or(RawValue::NULL, |(_, json)| *json))
            };
            Ok((Given::Members(columns.iter().map(member).collect()), Some(whole)))
        }
        Arguments::Raw { media_type, body } => {
            let kind = match media_type.split(';').next().unwrap_or_default().trim() {
                "text/plain" => "text",
                "application/json" => "json/jsonb",
                "text/xml" => "xml",
                _ => "bytea",
            };
            Ok((Given::Nothing, Some(Whole { kind, body })))
        }
    }
}

/// Whether a function can be called with arguments of these names.
fn fits(function: &Function, names: &BTreeSet<&str>) -> bool {
    let known = |name: &&str| function.parameters.iter().any(|parameter| parameter.name == **name);
    names.iter().all(known)
        && function.parameters.iter().all(|parameter| {
            let given = !parameter.name.is_empty() && names.contains(parameter.name.as_str());
            given || parameter.default.is_some() || parameter.variadic
        })
}

/// Whether a function's one parameter, without a name, takes the body.
fn takes_whole(function: &Function, whole: &Whole<'_>) -> bool {
    let [parameter] = function.parameters.as_slice() else { return false };
    parameter.name.is_empty()
        && match whole.kind {
            "text" => parameter.ty == Type::Text,
            "bytea" => parameter.ty == Type::Bytea,
            "xml" => {
                matches!(&parameter.ty, Type::Native(ty) if ty.schema == "pg_catalog" && ty.name == "xml")
            }
            _ => parameter.ty.is_json(),
        }
}

/// How the result becomes the answer.
fn shape(returns: &Returns) -> CallShape {
    match returns {
        Returns::Void => CallShape::Void,
        Returns::Scalar { set: false, .. } => CallShape::Scalar,
        Returns::Scalar { set: true, .. } => CallShape::Values,
        Returns::Relation { set: true, .. } | Returns::Columns { set: true, .. } => CallShape::Rows,
        Returns::Relation { .. } | Returns::Columns { .. } => CallShape::Object,
    }
}

/// `public.f(a => integer)`
fn signature(function: &Function) -> String {
    let parameters: Vec<String> = function
        .parameters
        .iter()
        .map(
            |Parameter { name, ty, .. }| {
                if name.is_empty() { ty.to_string() } else { format!("{name} => {ty}") }
            },
        )
        .collect();
    format!("{}({})", function.name, parameters.join(", "))
}

fn composite_input() -> Refusal {
    Refusal::Sql {
        code: "0A000",
        message: "input of composite types is not supported".into(),
        detail: None,
        hint: Some("Give the row as a JSON object.".into()),
    }
}

fn plain(from: FromItem, fields: Vec<Field>) -> Node {
    Node { limit: Some(0), fields, ..Node::of(from) }
}
