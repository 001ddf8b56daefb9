//! Functions: parameters, results, and who may call them.

use std::collections::HashMap;

use plinth_catalog::{Function, FunctionId, Name, Parameter, Returns};
use plinth_values::builtin::Volatility;
use plinth_values::{NativeKind, Type};

use super::relations::{Numbered, grantee};
use super::rows::{FunctionRow, Oid};
use super::types::{Types, text_of};

/// `void`
const VOID: Oid = 2278;

/// The functions that a request can mean; the position is the id.
pub(super) fn functions(
    rows: &[FunctionRow],
    numbered: &Numbered<'_>,
    types: &Types<'_>,
    roles: &HashMap<Oid, &str>,
) -> Vec<Function> {
    let callable = rows.iter().filter_map(|row| {
        let parameters = parameters(row, numbered, types);
        is_callable(&parameters).then_some((row, parameters))
    });
    callable
        .enumerate()
        .map(|(number, (row, parameters))| Function {
            id: FunctionId(u32::try_from(number).unwrap_or(u32::MAX)),
            name: Name::new(&row.schema, &row.name),
            parameters,
            returns: returns(row, numbered, types),
            volatility: match row.volatility {
                'i' => Volatility::Immutable,
                's' => Volatility::Stable,
                _ => Volatility::Volatile,
            },
            strict: row.strict,
            rows_one: row.rows == 1.0,
            security_definer: row.definer,
            body: Vec::new(),
            execute: row.grants.iter().flatten().filter_map(|oid| grantee(roles, *oid)).collect(),
            comment: row.comment.clone(),
        })
        .collect()
}

/// Each argument with its mode: `i`n, `o`ut, `b`oth, `v`ariadic, `t`able.
fn arguments(row: &FunctionRow) -> impl Iterator<Item = (char, &str, Oid)> {
    row.arguments.iter().enumerate().map(|(position, ty)| {
        let mode = row.modes.as_ref().and_then(|modes| modes.get(position)).copied().unwrap_or('i');
        let name = row.names.as_ref().and_then(|names| names.get(position)).map_or("", String::as_str);
        (mode, name, *ty)
    })
}

fn parameters(row: &FunctionRow, numbered: &Numbered<'_>, types: &Types<'_>) -> Vec<Parameter> {
    let inputs: Vec<(char, &str, Oid)> =
        arguments(row).filter(|(mode, _, _)| matches!(mode, 'i' | 'b' | 'v')).collect();
    let first_default = inputs.len().saturating_sub(row.defaults);
    let declared = row.declared.as_deref().unwrap_or_default();
    inputs
        .iter()
        .enumerate()
        .map(|(position, (mode, name, oid))| {
            let ty = types.get(*oid);
            Parameter {
                name: (*name).to_owned(),
                declared: declared.get(position).map(|declared| declared.as_str().into()),
                row: types.relation(*oid).and_then(|relation| numbered.id(relation)),
                default: (position >= first_default).then(|| text_of("default", ty.clone())),
                variadic: *mode == 'v',
                ty,
            }
        })
        .collect()
}

/// Arguments go by their names. Without one there can be the body as a whole, or the row that a column is computed from.
fn is_callable(parameters: &[Parameter]) -> bool {
    let takes_body = |ty: &Type| match ty {
        Type::Json | Type::Jsonb | Type::Text | Type::Bytea => true,
        Type::Native(native) => native.schema == "pg_catalog" && native.name == "xml",
        _ => false,
    };
    match parameters {
        [parameter] if parameter.name.is_empty() => parameter.row.is_some() || takes_body(&parameter.ty),
        parameters => parameters.iter().all(|parameter| !parameter.name.is_empty()),
    }
}

fn returns(row: &FunctionRow, numbered: &Numbered<'_>, types: &Types<'_>) -> Returns {
    let set = row.set;
    let outputs: Vec<(String, Type)> = arguments(row)
        .filter(|(mode, _, _)| matches!(mode, 'o' | 'b' | 't'))
        .map(|(_, name, ty)| (name.to_owned(), types.get(ty)))
        .collect();
    if !outputs.is_empty() {
        return Returns::Columns { columns: name_all(outputs), set };
    }
    if row.returns == VOID {
        return Returns::Void;
    }
    if let Some(relation) = types.relation(row.returns).and_then(|oid| numbered.id(oid)) {
        return Returns::Relation { relation, set };
    }
    let ty = types.get(row.returns);
    match &ty {
        Type::Native(native) => match &native.kind {
            NativeKind::Composite(attributes) => Returns::Columns { columns: attributes.clone(), set },
            NativeKind::Base | NativeKind::Range | NativeKind::Pseudo => Returns::Scalar { ty, set },
        },
        _ => Returns::Scalar { ty, set },
    }
}

/// PostgreSQL calls an output without a name by its position.
fn name_all(outputs: Vec<(String, Type)>) -> Vec<(String, Type)> {
    let mut outputs = outputs;
    for (position, (name, _)) in outputs.iter_mut().enumerate() {
        if name.is_empty() {
            *name = format!("column{}", position + 1);
        }
    }
    outputs
}
