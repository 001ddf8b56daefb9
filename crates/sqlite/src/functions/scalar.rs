//! The built-in functions and operators of `plinth_values`, registered as `plinth_<id>`, and the set-returning ones as
//! `plinth_<id>__rows`, which give their rows as JSON.

use std::sync::Arc;

use plinth_values::builtin::{self, Builtin, Kind, Volatility};
use plinth_values::{Session, Type, Value, ValueRef};
use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ToSqlOutput;

use super::session::{SharedSession, refuse};
use super::tag::EnumTypes;
use super::transport::{arguments, defect, result, rows_json, values_json};

/// A signature's types, where it fixes them.
enum Types {
    /// For every call the same; the last repeats
    Fixed(Vec<Type>),
    /// The call's first argument names them
    Tagged(EnumTypes),
}

pub(super) fn register(
    connection: &Connection,
    enums: &EnumTypes,
    session: &SharedSession,
) -> rusqlite::Result<()> {
    for builtin in builtin::all() {
        let (name, arity) = (format!("plinth_{}", builtin.id), arity(builtin));
        let types = types(builtin, enums);
        let session = session.clone();
        match builtin.kind {
            Kind::Function | Kind::Operator if builtin.call.is_some() => {
                connection.create_scalar_function(
                    name.as_str(),
                    arity,
                    flags(builtin.volatility),
                    move |context| {
                        call(context, &types, &session, |context, args| match builtin.call {
                            _ if builtin.strict && args.iter().any(|arg| arg.is_null()) => Ok(Value::Null),
                            Some(call) => call(context, args),
                            None => Ok(Value::Null),
                        })
                    },
                )?;
            }
            Kind::Set if builtin.rows.is_some() => {
                let flat = builtin.columns.len() <= 1;
                let name = format!("{name}__rows");
                connection.create_scalar_function(
                    name.as_str(),
                    arity,
                    flags(builtin.volatility),
                    move |context| {
                        call(context, &types, &session, |context, args| {
                            let rows = builtin::rows(builtin.id, context, args)?;
                            Ok(Value::Text(if flat { values_json(&rows.concat()) } else { rows_json(&rows) }))
                        })
                    },
                )?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Immutable and stable functions give the same for the same arguments within a statement, which lets SQLite compute them once.
/// Whether they may stand in a definition is decided before: [`crate::sql::supported`].
pub(super) fn flags(volatility: Volatility) -> FunctionFlags {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
    match volatility {
        Volatility::Immutable | Volatility::Stable => flags | FunctionFlags::SQLITE_DETERMINISTIC,
        Volatility::Volatile => flags,
    }
}

fn arity(builtin: &Builtin) -> i32 {
    if builtin.variadic || builtin.optional > 0 {
        return -1;
    }
    let tag = usize::from(crate::sql::is_polymorphic(builtin));
    i32::try_from(builtin.args.len() + tag).unwrap_or(-1)
}

fn types(builtin: &Builtin, enums: &EnumTypes) -> Types {
    match builtin.args.iter().map(|arg| arg.concrete()).collect() {
        Some(types) => Types::Fixed(types),
        None => Types::Tagged(enums.clone()),
    }
}

/// Runs an implementation with its arguments, their types and the session.
fn call(
    context: &Context<'_>,
    types: &Types,
    session: &SharedSession,
    implementation: impl FnOnce(&builtin::Context<'_>, &[ValueRef<'_>]) -> plinth_values::Result<Value>,
) -> rusqlite::Result<ToSqlOutput<'static>> {
    let (args, tagged, repeated);
    let types: &[Type] = match types {
        Types::Fixed(fixed) => {
            args = arguments(context, 0)?;
            match args.len() {
                n if n <= fixed.len() => &fixed[..n],
                n => {
                    let last = fixed.last().into_iter().cycle().cloned();
                    repeated = fixed.iter().cloned().chain(last).take(n).collect::<Vec<_>>();
                    &repeated
                }
            }
        }
        Types::Tagged(enums) => {
            args = arguments(context, 1)?;
            tagged = tags(context, enums)?;
            tagged.as_slice()
        }
    };
    let run = |session: &Session| implementation(&builtin::Context { session, types }, &args);
    session.run(run).map(result)
}

/// The types named by the first argument, which is a constant: they are read once per statement.
pub(super) fn tags(context: &Context<'_>, enums: &EnumTypes) -> rusqlite::Result<Arc<Vec<Type>>> {
    if context.is_empty() {
        return Err(refuse(defect("a call does not name its types")));
    }
    context.get_or_create_aux(0, |tag| match tag.as_str().ok().and_then(|tag| enums.types(tag)) {
        Some(types) => Ok(types),
        None => Err(defect("a call names a type that does not exist")),
    })
}
