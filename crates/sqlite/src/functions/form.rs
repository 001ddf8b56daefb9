//! Functions behind the forms of expressions that are no function calls: casts, `greatest`/`least`, arrays and their elements,
//! limits, scalar subqueries.

use std::cmp::Ordering;
use std::sync::Arc;

use plinth_values::builtin::Volatility;
use plinth_values::compare::compare;
use plinth_values::input::from_json;
use plinth_values::output::write_json;
use plinth_values::{Modifier, Session, Type, Value, ValueError, ValueRef, cast};
use rusqlite::Connection;
use rusqlite::functions::{Aggregate, Context};
use rusqlite::types::ToSqlOutput;
use serde_json::value::RawValue;

use super::scalar::{flags, tags};
use super::session::{SharedSession, refuse};
use super::tag::{Cast, EnumTypes};
use super::transport::{
    argument, arguments, defect, result, separate, text, values_json, write_row, write_value,
};

type Output = rusqlite::Result<ToSqlOutput<'static>>;

pub(super) fn register(
    connection: &Connection,
    enums: &EnumTypes,
    session: &SharedSession,
) -> rusqlite::Result<()> {
    let constant = flags(Volatility::Immutable);
    let (types, shared) = (enums.clone(), session.clone());
    connection.create_scalar_function("plinth_cast", 2, constant, move |context| {
        let cast: Arc<Cast> = context.get_or_create_aux(0, |tag| {
            let known = tag.as_str().ok().and_then(|tag| types.cast(tag));
            known.ok_or_else(|| defect("a cast names a type that does not exist"))
        })?;
        let value = argument(context, 1)?;
        if value.is_null() {
            return Ok(result(Value::Null));
        }
        let run = |session: &Session| {
            cast::cast(&cast.from, &cast.to, cast.modifier, cast.explicit, value, session)
        };
        shared.run(run).map(result)
    })?;
    for (name, wanted) in [("plinth_greatest", Ordering::Greater), ("plinth_least", Ordering::Less)] {
        let types = enums.clone();
        connection.create_scalar_function(name, -1, constant, move |context| {
            let tags = tags(context, &types)?;
            let values = arguments(context, 1)?;
            let ty = tags.first().ok_or_else(|| refuse(defect("a call does not name its type")))?;
            let mut values = values.into_iter().filter(|value| !value.is_null());
            let Some(mut best) = values.next() else { return Ok(result(Value::Null)) };
            for value in values {
                if compare(ty, value, best) == wanted {
                    best = value;
                }
            }
            Ok(result(best.to_owned()))
        })?;
    }
    let (types, shared) = (enums.clone(), session.clone());
    connection.create_scalar_function("plinth_array", -1, constant, move |context| {
        let tags = tags(context, &types)?;
        let values = arguments(context, 1)?;
        let ty = tags.first().ok_or_else(|| refuse(defect("a call does not name its type")))?;
        shared.run(|session| array(ty, values.into_iter(), session)).map(result)
    })?;
    let (types, shared) = (enums.clone(), session.clone());
    connection.create_scalar_function("plinth_elements", 2, constant, move |context| {
        let tags = tags(context, &types)?;
        let array = argument(context, 1)?;
        let ty = tags.first().ok_or_else(|| refuse(defect("a call does not name its type")))?;
        shared.run(|session| elements(ty, array, session)).map(result)
    })?;
    let (types, shared) = (enums.clone(), session.clone());
    connection.create_scalar_function("plinth_index", 3, constant, move |context| {
        let tags = tags(context, &types)?;
        let (array, index) = (argument(context, 1)?, argument(context, 2)?);
        let ty = tags.first().ok_or_else(|| refuse(defect("a call does not name its type")))?;
        shared.run(|session| element(ty, array, index, session)).map(result)
    })?;
    for (name, all) in [("plinth_any", false), ("plinth_all", true)] {
        let (types, shared) = (enums.clone(), session.clone());
        connection.create_scalar_function(name, 4, constant, move |context| {
            let tags = tags(context, &types)?;
            let (operator, left, array) =
                (argument(context, 1)?, argument(context, 2)?, argument(context, 3)?);
            let ty = tags.first().ok_or_else(|| refuse(defect("a call does not name its type")))?;
            shared.run(|session| quantified(ty, operator, all, left, array, session)).map(result)
        })?;
    }
    connection.create_scalar_function("plinth_float", 1, constant, float)?;
    connection.create_scalar_function("plinth_limit", 1, constant, |context| {
        page(context, -1, "2201W", "LIMIT must not be negative")
    })?;
    connection.create_scalar_function("plinth_offset", 1, constant, |context| {
        page(context, 0, "2201X", "OFFSET must not be negative")
    })?;
    connection.create_aggregate_function("plinth_single", 1, constant, Single)?;
    connection.create_aggregate_function("plinth_rows", -1, constant, Rows)?;
    let array_of = ArrayOf { enums: enums.clone(), session: session.clone() };
    connection.create_aggregate_function("plinth_array_of", 2, constant, array_of)
}

/// An array of values. Elements that are arrays themselves make it one of more dimensions.
fn array<'v>(
    ty: &Type,
    values: impl Iterator<Item = ValueRef<'v>>,
    session: &Session,
) -> Result<Value, ValueError> {
    let mut out = vec![b'['];
    for (i, value) in values.enumerate() {
        separate(i, &mut out);
        write_json(ty, value, session, &mut out);
    }
    out.push(b']');
    Ok(Value::Text(text(out)))
}

/// `left operator any (array)`, `left operator all (array)`, where a subquery cannot stand.
fn quantified(
    ty: &Type,
    operator: ValueRef<'_>,
    all: bool,
    left: ValueRef<'_>,
    array: ValueRef<'_>,
    session: &Session,
) -> Result<Value, ValueError> {
    let (ValueRef::Text(operator), ValueRef::Text(text)) = (operator, array) else { return Ok(Value::Null) };
    let mut elements = Vec::new();
    collect(ty, text, session, &mut elements, 0)?;
    let mut unknown = false;
    for element in &elements {
        if left.is_null() || element.is_null() {
            unknown = true;
            continue;
        }
        let order = compare(ty, left, element.as_ref());
        let holds = match operator {
            "=" => order.is_eq(),
            "<>" => order.is_ne(),
            "<" => order.is_lt(),
            "<=" => order.is_le(),
            ">" => order.is_gt(),
            ">=" => order.is_ge(),
            _ => return Err(defect("a comparison has an unknown operator")),
        };
        if holds != all {
            return Ok(Value::Int(i64::from(!all)));
        }
    }
    Ok(if unknown { Value::Null } else { Value::Int(i64::from(all)) })
}

/// The elements of an array, of all its dimensions, each in its storage form; of a null array one null.
fn elements(ty: &Type, array: ValueRef<'_>, session: &Session) -> Result<Value, ValueError> {
    let text = match array {
        ValueRef::Text(text) => text,
        _ => return Ok(Value::Text("[null]".into())),
    };
    // These are in JSON what they are in storage; a further bracket would be a further dimension, or part of a text.
    let alike = matches!(
        ty,
        Type::Bool
            | Type::Int2
            | Type::Int4
            | Type::Int8
            | Type::Text
            | Type::Varchar
            | Type::Uuid
            | Type::Enum(_)
    );
    if alike && !text.get(1..).unwrap_or_default().contains('[') {
        return Ok(Value::Text(text.to_owned()));
    }
    let mut values = Vec::new();
    collect(ty, text, session, &mut values, 0)?;
    Ok(Value::Text(values_json(&values)))
}

/// PostgreSQL's arrays have six dimensions at most.
const MAX_DIMENSIONS: usize = 6;

fn collect(
    ty: &Type,
    text: &str,
    session: &Session,
    values: &mut Vec<Value>,
    dimension: usize,
) -> Result<(), ValueError> {
    for item in items(text)? {
        if item.get().starts_with('[') && !ty.is_json() && dimension < MAX_DIMENSIONS {
            collect(ty, item.get(), session, values, dimension + 1)?;
        } else {
            values.push(from_json(ty, Modifier::None, item, session)?);
        }
    }
    Ok(())
}

fn items(text: &str) -> Result<Vec<&RawValue>, ValueError> {
    serde_json::from_str(text).map_err(|_| defect("a stored array is not well formed"))
}

/// `array[index]`: from one, null outside.
fn element(
    ty: &Type,
    array: ValueRef<'_>,
    index: ValueRef<'_>,
    session: &Session,
) -> Result<Value, ValueError> {
    let (ValueRef::Text(text), ValueRef::Int(index)) = (array, index) else { return Ok(Value::Null) };
    let Some(index) = index.checked_sub(1).and_then(|index| usize::try_from(index).ok()) else {
        return Ok(Value::Null);
    };
    match items(text)?.get(index) {
        // One subscript of an array of more dimensions names no element.
        Some(item) if item.get().starts_with('[') && !ty.is_json() => Ok(Value::Null),
        Some(item) => from_json(ty, Modifier::None, item, session),
        None => Ok(Value::Null),
    }
}

/// A float from its transport form.
fn float(context: &Context<'_>) -> Output {
    Ok(result(match argument(context, 0)? {
        ValueRef::Text(text) => text.parse().map_or(Value::Null, Value::Float),
        ValueRef::Int(i) => Value::Float(i as f64),
        value => value.to_owned(),
    }))
}

fn page(context: &Context<'_>, null: i64, code: &'static str, message: &str) -> Output {
    match argument(context, 0)? {
        ValueRef::Int(rows) if rows < 0 => Err(refuse(ValueError::new(code, message))),
        ValueRef::Int(rows) => Ok(result(Value::Int(rows))),
        _ => Ok(result(Value::Int(null))),
    }
}

/// `plinth_single(value)`: the value of the only row; a second row is refused.
struct Single;

impl Aggregate<Option<Value>, ToSqlOutput<'static>> for Single {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<Option<Value>> {
        Ok(None)
    }

    fn step(&self, context: &mut Context<'_>, state: &mut Option<Value>) -> rusqlite::Result<()> {
        let value = argument(context, 0)?.to_owned();
        if state.replace(value).is_some() {
            let message = "more than one row returned by a subquery used as an expression";
            return Err(refuse(ValueError::new("21000", message)));
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, state: Option<Option<Value>>) -> Output {
        Ok(result(state.flatten().unwrap_or_default()))
    }
}

/// `plinth_rows(c0, c1, …)`: the rows as JSON; values alone when there is one column.
struct Rows;

impl Aggregate<Vec<u8>, ToSqlOutput<'static>> for Rows {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<Vec<u8>> {
        Ok(vec![b'['])
    }

    fn step(&self, context: &mut Context<'_>, out: &mut Vec<u8>) -> rusqlite::Result<()> {
        let values = arguments(context, 0)?;
        separate(out.len() - 1, out);
        match values.as_slice() {
            [value] => write_value(*value, out),
            values => write_row(values.iter().copied(), out),
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, out: Option<Vec<u8>>) -> Output {
        let mut out = out.unwrap_or_else(|| vec![b'[']);
        out.push(b']');
        Ok(result(Value::Text(text(out))))
    }
}

/// `plinth_array_of(type, value)`: `array(select …)`; null for no rows.
struct ArrayOf {
    enums: EnumTypes,
    session: SharedSession,
}

/// The type of the elements, and what is written of the array so far.
type ArrayState = (Type, Vec<u8>);

impl Aggregate<ArrayState, ToSqlOutput<'static>> for ArrayOf {
    fn init(&self, context: &mut Context<'_>) -> rusqlite::Result<ArrayState> {
        let tag = argument(context, 0)?;
        let types = match tag {
            ValueRef::Text(tag) => self.enums.types(tag),
            _ => None,
        };
        let ty = types.and_then(|types| types.into_iter().next());
        Ok((ty.ok_or_else(|| refuse(defect("a call does not name its type")))?, vec![b'[']))
    }

    fn step(&self, context: &mut Context<'_>, (ty, out): &mut ArrayState) -> rusqlite::Result<()> {
        let value = argument(context, 1)?;
        self.session.run(|session| {
            separate(out.len() - 1, out);
            write_json(ty, value, session, out);
            Ok(())
        })
    }

    fn finalize(&self, _: &mut Context<'_>, state: Option<ArrayState>) -> Output {
        Ok(result(match state {
            Some((_, mut out)) => {
                out.push(b']');
                Value::Text(text(out))
            }
            None => Value::Null,
        }))
    }
}
