//! Functions: their signatures first, which everything else may call, and their bodies last.

use std::collections::HashMap;

use plinth_values::{Modifier, Type};

use super::dependencies::reads_broken_view;
use super::reader::{Reader, at};
use super::syntax::{
    BodyStatement, CreateFunction, ParameterDefinition, ParameterMode, Place, ReturnsDefinition, Signature,
    Statement, TypeName, Word,
};
use super::types;
use crate::names::suggest;
use crate::{Diagnostic, Function, FunctionId, Name, Parameter, Returns};

/// A function whose expressions and body are not resolved yet.
pub(super) struct FunctionDraft<'s> {
    id: FunctionId,
    statement: &'s CreateFunction,
    place: Place,
}

pub(super) fn declare<'s>(reader: &mut Reader<'_>, statements: &'s [Statement]) -> Vec<FunctionDraft<'s>> {
    struct Declared<'s> {
        function: Function,
        statement: &'s CreateFunction,
        place: Place,
        created: usize,
    }
    let mut declared: Vec<Declared<'s>> = Vec::new();
    let mut by_signature: HashMap<(Name, Vec<Type>), usize> = HashMap::new();
    for (created, statement) in statements.iter().enumerate() {
        let Statement::Function(definition) = statement else { continue };
        let function = function_of(reader, definition);
        let Some(function) = reader.keep(function) else { continue };
        let types = function.parameters.iter().map(|parameter| parameter.ty.clone()).collect();
        let signature = (function.name.clone(), types);
        let place = definition.name.place();
        let before = by_signature.get(&signature).and_then(|index| declared.get_mut(*index));
        match before {
            Some(before) if definition.or_replace => {
                *before = Declared { function, statement: definition, place, created: before.created };
            }
            Some(before) => {
                let message =
                    format!("function \"{}\" already exists with same argument types", definition.name);
                let error = reader.duplicate(place, message, before.place);
                reader.keep::<()>(Err(error));
            }
            None => {
                by_signature.insert(signature, declared.len());
                declared.push(Declared { function, statement: definition, place, created });
            }
        }
    }
    declared.sort_by_cached_key(|declared| {
        let types = declared.function.parameters.iter().map(|parameter| parameter.ty.to_string());
        (declared.function.name.clone(), types.collect::<Vec<_>>())
    });
    let mut drafts = Vec::with_capacity(declared.len());
    for (number, Declared { mut function, statement, place, created }) in declared.into_iter().enumerate() {
        function.id = FunctionId(u32::try_from(number).unwrap_or(u32::MAX));
        drafts.push(FunctionDraft { id: function.id, statement, place });
        reader.catalog.functions.push(function);
        reader.function_created.push(created);
        reader.function_places.push(place);
    }
    drafts
}

fn function_of(reader: &Reader<'_>, definition: &CreateFunction) -> Result<Function, Diagnostic> {
    let name = reader.new_name(&definition.name)?;
    let parameters = parameters(reader, &definition.parameters)?;
    let returns = returns(reader, definition)?;
    Ok(Function {
        id: FunctionId(0),
        name,
        parameters,
        returns,
        volatility: definition.volatility,
        strict: definition.strict,
        rows_one: definition.rows_one,
        security_definer: definition.security_definer,
        body: Vec::new(),
        execute: Vec::new(),
        comment: None,
    })
}

fn is_input(definition: &ParameterDefinition) -> bool {
    definition.mode != ParameterMode::Out
}

/// The inputs, in order.
fn parameters(
    reader: &Reader<'_>,
    definitions: &[ParameterDefinition],
) -> Result<Vec<Parameter>, Diagnostic> {
    let mut names: Vec<&Word> = Vec::new();
    for name in definitions.iter().filter_map(|definition| definition.name.as_ref()) {
        if names.iter().any(|known| known.text == name.text) {
            return Err(
                reader.error(name.place, format!("parameter name \"{}\" used more than once", name.text))
            );
        }
        names.push(name);
    }
    let mut parameters: Vec<Parameter> = Vec::new();
    let mut defaults = false;
    for definition in definitions.iter().filter(|definition| is_input(definition)) {
        let place = definition.ty.place;
        let ty = types::value_type(reader, &definition.ty)?;
        if definition.ty.serial || matches!(ty, Type::Void | Type::Unknown) {
            return Err(reader.error(place, format!("SQL functions cannot accept type {ty}")));
        }
        let variadic = definition.mode == ParameterMode::Variadic;
        if parameters.last().is_some_and(|last| last.variadic) {
            return Err(reader.error(place, "VARIADIC parameter must be the last input parameter"));
        }
        if variadic && ty.element().is_none() {
            return Err(reader.error(place, "VARIADIC parameter must be an array"));
        }
        defaults |= definition.default.is_some();
        if defaults && definition.default.is_none() && !variadic {
            let message = "input parameters after one with a default value must also have defaults";
            return Err(reader.error(place, message));
        }
        let name = definition.name.as_ref().map(|name| name.text.clone()).unwrap_or_default();
        let row = types::row_type(reader, &definition.ty);
        parameters.push(Parameter { name, ty, declared: None, row, default: None, variadic });
    }
    Ok(parameters)
}

fn returns(reader: &Reader<'_>, definition: &CreateFunction) -> Result<Returns, Diagnostic> {
    let place = definition.name.place();
    let outs: Vec<&ParameterDefinition> = definition
        .parameters
        .iter()
        .filter(|parameter| matches!(parameter.mode, ParameterMode::Out | ParameterMode::InOut))
        .collect();
    if !outs.is_empty() {
        return out_parameters(reader, definition, &outs);
    }
    match &definition.returns {
        None => Err(reader.error(place, "function result type must be specified")),
        Some(ReturnsDefinition::Void) => Ok(Returns::Void),
        Some(ReturnsDefinition::Record { .. }) => Err(reader.error_with_hint(
            place,
            "functions returning record are not supported",
            "name the columns: returns table (name type, …)",
        )),
        Some(ReturnsDefinition::Table(columns)) => {
            let mut found: Vec<(String, Type)> = Vec::with_capacity(columns.len());
            for (name, ty) in columns {
                let clashes = found.iter().any(|(known, _)| *known == name.text)
                    || definition
                        .parameters
                        .iter()
                        .any(|p| p.name.as_ref().is_some_and(|p| p.text == name.text));
                if clashes {
                    let message = format!("parameter name \"{}\" used more than once", name.text);
                    return Err(reader.error(name.place, message));
                }
                found.push((name.text.clone(), result_type(reader, ty)?));
            }
            Ok(Returns::Columns { columns: found, set: true })
        }
        Some(ReturnsDefinition::Type { ty, set }) => {
            if let Some(relation) = types::row_type(reader, ty) {
                return Ok(Returns::Relation { relation, set: *set });
            }
            match types::value_type(reader, ty)? {
                Type::Void => Ok(Returns::Void),
                ty => Ok(Returns::Scalar { ty, set: *set }),
            }
        }
    }
}

fn result_type(reader: &Reader<'_>, name: &TypeName) -> Result<Type, Diagnostic> {
    let ty = types::value_type(reader, name)?;
    if name.serial || matches!(ty, Type::Void | Type::Row(_) | Type::Unknown) {
        return Err(reader.error(name.place, format!("column of a result cannot have type {ty}")));
    }
    Ok(ty)
}

/// A result made of `out` parameters.
fn out_parameters(
    reader: &Reader<'_>,
    definition: &CreateFunction,
    outs: &[&ParameterDefinition],
) -> Result<Returns, Diagnostic> {
    let mut columns: Vec<(String, Type)> = Vec::with_capacity(outs.len());
    for (index, parameter) in outs.iter().enumerate() {
        let name = match &parameter.name {
            Some(name) => name.text.clone(),
            None => format!("column{}", index.saturating_add(1)),
        };
        columns.push((name, result_type(reader, &parameter.ty)?));
    }
    let expected = match columns.as_slice() {
        [(_, ty)] => ty.to_string(),
        _ => "record".to_owned(),
    };
    let set = match &definition.returns {
        None => false,
        Some(ReturnsDefinition::Record { set }) if columns.len() > 1 => *set,
        Some(ReturnsDefinition::Type { ty, set })
            if types::value_type(reader, ty)
                .is_ok_and(|ty| columns.len() == 1 && ty.to_string() == expected) =>
        {
            *set
        }
        Some(ReturnsDefinition::Table(_)) => {
            let message = "OUT and INOUT arguments aren't allowed in TABLE functions";
            return Err(reader.error(definition.name.place(), message));
        }
        Some(_) => {
            let message = format!("function result type must be {expected} because of OUT parameters");
            return Err(reader.error(definition.name.place(), message));
        }
    };
    Ok(Returns::Columns { columns, set })
}

/// Resolves the defaults of parameters.
pub(super) fn parameter_defaults(reader: &mut Reader<'_>, drafts: &[FunctionDraft<'_>]) {
    for draft in drafts {
        let inputs = draft.statement.parameters.iter().filter(|definition| is_input(definition));
        for (index, definition) in inputs.enumerate() {
            let Some(default) = &definition.default else { continue };
            let parameter = reader.catalog.function(draft.id).parameters.get(index);
            let want = parameter.map(|parameter| (&parameter.ty, Modifier::None));
            let resolver = reader.resolver(default.place);
            let resolved = resolver.row_expr("", &[], &default.ast, want, "DEFAULT expression");
            let resolved = at(reader, default.place, resolved);
            let resolved = reader.keep(resolved);
            let function = reader.catalog.functions.get_mut(draft.id.0 as usize);
            if let Some(parameter) = function.and_then(|function| function.parameters.get_mut(index)) {
                parameter.default = resolved;
            }
        }
    }
}

/// Resolves the bodies. All views are built by now.
pub(super) fn bodies(reader: &mut Reader<'_>, drafts: &[FunctionDraft<'_>]) {
    for draft in drafts {
        let returns_broken = match reader.catalog.function(draft.id).returns {
            Returns::Relation { relation, .. } => {
                reader.broken_views.contains(&reader.catalog.relation(relation).name)
            }
            _ => false,
        };
        if returns_broken
            || draft.statement.body.iter().any(|statement| reads_broken_view(reader, &statement.ast))
        {
            continue;
        }
        let body = body(reader, draft);
        if let Some(body) = reader.keep(body)
            && let Some(function) = reader.catalog.functions.get_mut(draft.id.0 as usize)
        {
            function.body = body;
        }
    }
}

fn body(reader: &Reader<'_>, draft: &FunctionDraft<'_>) -> Result<Vec<crate::Statement>, Diagnostic> {
    let function = reader.catalog.function(draft.id);
    let search_path = draft.statement.search_path.as_deref().unwrap_or(reader.search_path);
    let statements = &draft.statement.body;
    if statements.is_empty() && function.returns != Returns::Void {
        return Err(reader.error_with_hint(
            draft.place,
            "return type mismatch in function: the body is empty",
            "the function's final statement must be select, or insert, update or delete with returning",
        ));
    }
    let last = statements.len().saturating_sub(1);
    let resolve = |(index, statement): (usize, &BodyStatement)| {
        let returns = if index == last { &function.returns } else { &Returns::Void };
        let resolver = reader.resolver_in(statement.place, search_path.to_vec());
        let (name, parameters) = (&function.name.name, &function.parameters);
        at(
            reader,
            statement.place,
            resolver.named_function_statement(name, parameters, &statement.ast, returns),
        )
    };
    statements.iter().enumerate().map(resolve).collect()
}

/// The function that a grant or comment names.
pub(super) fn find(reader: &Reader<'_>, signature: &Signature) -> Result<FunctionId, Diagnostic> {
    let name = &signature.name;
    let overloads: Vec<&Function> = reader
        .look_up(name, |name| {
            let found: Vec<&Function> =
                reader.catalog.functions.iter().filter(|function| function.name == *name).collect();
            (!found.is_empty()).then_some(found)
        })
        .unwrap_or_default();
    if overloads.is_empty()
        && let Some(schema) = &name.schema
    {
        reader.check_schema(schema)?;
    }
    let Some(arguments) = &signature.arguments else {
        return match overloads.as_slice() {
            [function] => Ok(function.id),
            [] => {
                let message = format!("could not find a function named \"{name}\"");
                Err(Diagnostic { hint: hint(reader, signature, &[]), ..reader.error(name.place(), message) })
            }
            _ => Err(reader.error_with_hint(
                name.place(),
                format!("function name \"{name}\" is not unique"),
                "specify the argument list to select the function unambiguously",
            )),
        };
    };
    let inputs = arguments.iter().filter(|definition| is_input(definition));
    let wanted: Vec<Type> =
        inputs.map(|definition| types::value_type(reader, &definition.ty)).collect::<Result<_, _>>()?;
    let fits = |function: &&&Function| function.parameters.iter().map(|parameter| &parameter.ty).eq(&wanted);
    overloads.iter().find(fits).map(|function| function.id).ok_or_else(|| {
        let types: Vec<String> = wanted.iter().map(Type::to_string).collect();
        let message = format!("function {name}({}) does not exist", types.join(", "));
        Diagnostic { hint: hint(reader, signature, &overloads), ..reader.error(name.place(), message) }
    })
}

/// What was probably meant: the function with other arguments, or one whose name is close.
fn hint(reader: &Reader<'_>, signature: &Signature, overloads: &[&Function]) -> Option<String> {
    if let Some(function) = overloads.first() {
        let types: Vec<String> =
            function.parameters.iter().map(|parameter| parameter.ty.to_string()).collect();
        return Some(format!("there is {}({})", function.name.name, types.join(", ")));
    }
    let known = reader.catalog.functions.iter().map(|function| function.name.name.as_str());
    suggest(&signature.name.name.text, known)
}
