//! Functions behind the forms of expressions that are no function calls: casts, `greatest`/`least`, arrays and their elements,
//! limits, scalar subqueries.

use std::cmp::Ordering;
use std::sync::Arc;

use plinth_values::array::{Array, decode, encode};
use plinth_values::builtin::Volatility;
use plinth_values::compare::compare;
use plinth_values::{Session, Type, Value, ValueError, ValueRef, cast};
use rusqlite::Connection;
use rusqlite::functions::{Aggregate, Context};
use rusqlite::types::ToSqlOutput;

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
    let types = enums.clone();
    connection.create_scalar_function("plinth_array", -1, constant, move |context| {
        let tags = tags(context, &types)?;
        let values = arguments(context, 1)?;
        let ty = tags.first().ok_or_else(|| refuse(defect("a call does not name its type")))?;
        array(ty, values).map(result).map_err(refuse)
    })?;
    let types = enums.clone();
    connection.create_scalar_function("plinth_elements", 2, constant, move |context| {
        let tags = tags(context, &types)?;
        let array = argument(context, 1)?;
        let ty = tags.first().ok_or_else(|| refuse(defect("a call does not name its type")))?;
        elements(ty, array).map(result).map_err(refuse)
    })?;
    let types = enums.clone();
    connection.create_scalar_function("plinth_index", 3, constant, move |context| {
        let tags = tags(context, &types)?;
        let (array, index) = (argument(context, 1)?, argument(context, 2)?);
        let ty = tags.first().ok_or_else(|| refuse(defect("a call does not name its type")))?;
        element(ty, array, index).map(result).map_err(refuse)
    })?;
    for (name, all) in [("plinth_any", false), ("plinth_all", true)] {
        let types = enums.clone();
        connection.create_scalar_function(name, 4, constant, move |context| {
            let tags = tags(context, &types)?;
            let (operator, left, array) =
                (argument(context, 1)?, argument(context, 2)?, argument(context, 3)?);
            let ty = tags.first().ok_or_else(|| refuse(defect("a call does not name its type")))?;
            quantified(ty, operator, all, left, array).map(result).map_err(refuse)
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
    connection.create_aggregate_function("plinth_array_of", 2, constant, ArrayOf(enums.clone()))
}

/// An array of values. Elements that are arrays themselves make it one of more dimensions.
fn array(ty: &Type, values: Vec<ValueRef<'_>>) -> Result<Value, ValueError> {
    let Some(element) = ty.element() else {
        return encode(ty, &Array::flat(values.into_iter().map(ValueRef::to_owned).collect()));
    };
    let count = values.len();
    let mut all: Option<Array> = None;
    for value in values {
        let inner = match value {
            ValueRef::Text(text) => decode(element, text)?,
            _ => Array::default(),
        };
        match &mut all {
            None => all = Some(inner),
            Some(all) if all.dimensions == inner.dimensions => all.elements.extend(inner.elements),
            Some(_) => {
                let message = "multidimensional arrays must have array expressions with matching dimensions";
                return Err(ValueError::new("2202E", message));
            }
        }
    }
    let mut all = all.unwrap_or_default();
    if !all.elements.is_empty() {
        all.dimensions.insert(0, count);
    }
    encode(element, &all)
}

/// `left operator any (array)`, `left operator all (array)`, where a subquery cannot stand.
fn quantified(
    ty: &Type,
    operator: ValueRef<'_>,
    all: bool,
    left: ValueRef<'_>,
    array: ValueRef<'_>,
) -> Result<Value, ValueError> {
    let (ValueRef::Text(operator), ValueRef::Text(text)) = (operator, array) else { return Ok(Value::Null) };
    let mut unknown = false;
    for element in &decode(ty, text)?.elements {
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
fn elements(ty: &Type, array: ValueRef<'_>) -> Result<Value, ValueError> {
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
    Ok(Value::Text(values_json(&decode(ty, text)?.elements)))
}

/// `array[index]`: from one, null outside. One subscript of an array of more dimensions names no element.
fn element(ty: &Type, array: ValueRef<'_>, index: ValueRef<'_>) -> Result<Value, ValueError> {
    let (ValueRef::Text(text), ValueRef::Int(index)) = (array, index) else { return Ok(Value::Null) };
    let Some(index) = index.checked_sub(1).and_then(|index| usize::try_from(index).ok()) else {
        return Ok(Value::Null);
    };
    let mut array = decode(ty, text)?;
    match array.dimensions.len() {
        1 if index < array.elements.len() => Ok(array.elements.swap_remove(index)),
        _ => Ok(Value::Null),
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
struct ArrayOf(EnumTypes);

/// The type of the elements, and the elements so far.
type ArrayState = (Type, Vec<Value>);

impl Aggregate<ArrayState, ToSqlOutput<'static>> for ArrayOf {
    fn init(&self, context: &mut Context<'_>) -> rusqlite::Result<ArrayState> {
        let types = match argument(context, 0)? {
            ValueRef::Text(tag) => self.0.types(tag),
            _ => None,
        };
        let ty = types.and_then(|types| types.into_iter().next());
        Ok((ty.ok_or_else(|| refuse(defect("a call does not name its type")))?, Vec::new()))
    }

    fn step(&self, context: &mut Context<'_>, (_, elements): &mut ArrayState) -> rusqlite::Result<()> {
        elements.push(argument(context, 1)?.to_owned());
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, state: Option<ArrayState>) -> Output {
        match state {
            Some((ty, elements)) => encode(&ty, &Array::flat(elements)).map(result).map_err(refuse),
            None => Ok(result(Value::Null)),
        }
    }
}
