//! The aggregates but the statistical ones: counting, sums and averages, extremes, and collecting into text, arrays and JSON.
//! Each state takes a group's rows one by one; nulls are skipped except where a collection keeps them.

use std::cmp::Ordering;

use super::Arg::{
    Any, AnyArray, AnyElement, Bool, Bytea, Float4, Float8, Int2, Int4, Int8, Interval as IntervalArg, Json,
    Jsonb, Numeric, Text,
};
use super::args::{as_float, as_int, as_text, bounded, int, invalid_parameter, out_of_range, value};
use super::json::{key_text, quoted, typed_json};
use super::{Accumulator, Builtin, Context, MAX_ROWS, aggregate};
use crate::array::{Array, encode};
use crate::datetime::Interval;
use crate::numeric::Decimal;
use crate::{Result, Session, Type, Value, ValueError, ValueRef, compare, json};

pub(super) static TABLE: &[Builtin] = &[
    aggregate("count", "count", &[Any], Int8, |_, _| Box::new(Count(0))).optional(1),
    aggregate("sum_int2", "sum", &[Int2], Int8, |_, _| Box::new(WholeSum::new(Whole::Bigint))),
    aggregate("sum_int4", "sum", &[Int4], Int8, |_, _| Box::new(WholeSum::new(Whole::Bigint))),
    aggregate("sum_int8", "sum", &[Int8], Numeric, |_, _| Box::new(WholeSum::new(Whole::Numeric))),
    aggregate("sum_numeric", "sum", &[Numeric], Numeric, |_, _| Box::new(NumericSum::new(false))),
    aggregate("sum_float4", "sum", &[Float4], Float4, |_, _| Box::new(FloatSum::new(true, false))),
    aggregate("sum_float8", "sum", &[Float8], Float8, |_, _| Box::new(FloatSum::new(false, false))),
    aggregate("sum_interval", "sum", &[IntervalArg], IntervalArg, |_, _| Box::new(IntervalSum::new(false))),
    aggregate("avg_int2", "avg", &[Int2], Numeric, |_, _| Box::new(WholeSum::new(Whole::Average))),
    aggregate("avg_int4", "avg", &[Int4], Numeric, |_, _| Box::new(WholeSum::new(Whole::Average))),
    aggregate("avg_int8", "avg", &[Int8], Numeric, |_, _| Box::new(WholeSum::new(Whole::Average))),
    aggregate("avg_numeric", "avg", &[Numeric], Numeric, |_, _| Box::new(NumericSum::new(true))),
    aggregate("avg_float4", "avg", &[Float4], Float8, |_, _| Box::new(FloatSum::new(false, true))),
    aggregate("avg_float8", "avg", &[Float8], Float8, |_, _| Box::new(FloatSum::new(false, true))),
    aggregate("avg_interval", "avg", &[IntervalArg], IntervalArg, |_, _| Box::new(IntervalSum::new(true))),
    aggregate("min", "min", &[AnyElement], AnyElement, |types, _| Extreme::start(types, Ordering::Less)),
    aggregate("min_text", "min", &[Text], Text, |types, _| Extreme::start(types, Ordering::Less)),
    aggregate("max", "max", &[AnyElement], AnyElement, |types, _| Extreme::start(types, Ordering::Greater)),
    aggregate("max_text", "max", &[Text], Text, |types, _| Extreme::start(types, Ordering::Greater)),
    aggregate("bool_and", "bool_and", &[Bool], Bool, |_, _| Fold::start(|a, b| a & b)),
    aggregate("every", "every", &[Bool], Bool, |_, _| Fold::start(|a, b| a & b)),
    aggregate("bool_or", "bool_or", &[Bool], Bool, |_, _| Fold::start(|a, b| a | b)),
    aggregate("bit_and_int2", "bit_and", &[Int2], Int2, |_, _| Fold::start(|a, b| a & b)),
    aggregate("bit_and_int4", "bit_and", &[Int4], Int4, |_, _| Fold::start(|a, b| a & b)),
    aggregate("bit_and_int8", "bit_and", &[Int8], Int8, |_, _| Fold::start(|a, b| a & b)),
    aggregate("bit_or_int2", "bit_or", &[Int2], Int2, |_, _| Fold::start(|a, b| a | b)),
    aggregate("bit_or_int4", "bit_or", &[Int4], Int4, |_, _| Fold::start(|a, b| a | b)),
    aggregate("bit_or_int8", "bit_or", &[Int8], Int8, |_, _| Fold::start(|a, b| a | b)),
    aggregate("bit_xor_int2", "bit_xor", &[Int2], Int2, |_, _| Fold::start(|a, b| a ^ b)),
    aggregate("bit_xor_int4", "bit_xor", &[Int4], Int4, |_, _| Fold::start(|a, b| a ^ b)),
    aggregate("bit_xor_int8", "bit_xor", &[Int8], Int8, |_, _| Fold::start(|a, b| a ^ b)),
    aggregate("string_agg", "string_agg", &[Text, Text], Text, |_, _| Box::new(Joined(None))),
    aggregate("string_agg_bytea", "string_agg", &[Bytea, Bytea], Bytea, |_, _| Box::new(JoinedBytes(None))),
    aggregate("array_agg", "array_agg", &[AnyElement], AnyArray, |types, _| {
        Box::new(Elements { ty: first(types), taken: Vec::new() })
    }),
    aggregate("json_agg", "json_agg", &[AnyElement], Json, |types, session| {
        Collected::start(types, session, false)
    })
    .stable(),
    aggregate("jsonb_agg", "jsonb_agg", &[AnyElement], Jsonb, |types, session| {
        Collected::start(types, session, true)
    })
    .stable(),
    aggregate("json_object_agg", "json_object_agg", &[Any, Any], Json, |types, session| {
        Members::start(types, session, false)
    })
    .stable(),
    aggregate("jsonb_object_agg", "jsonb_object_agg", &[Any, Any], Jsonb, |types, session| {
        Members::start(types, session, true)
    })
    .stable(),
];

fn first(types: &[Type]) -> Type {
    types.first().cloned().unwrap_or(Type::Text)
}

/// `count(*)` without an argument, else the values that are not null.
struct Count(i64);

impl Accumulator for Count {
    fn step(&mut self, args: &[ValueRef<'_>]) -> Result<()> {
        if args.iter().all(|arg| !arg.is_null()) {
            self.0 = self.0.checked_add(1).ok_or_else(|| out_of_range("bigint"))?;
        }
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        Ok(Value::Int(self.0))
    }
}

/// What the sum of integers becomes.
enum Whole {
    Bigint,
    Numeric,
    Average,
}

/// 128 bits hold the sum of more bigints than a group can have.
struct WholeSum {
    gives: Whole,
    sum: i128,
    count: i64,
}

impl WholeSum {
    fn new(gives: Whole) -> WholeSum {
        WholeSum { gives, sum: 0, count: 0 }
    }
}

impl Accumulator for WholeSum {
    fn step(&mut self, args: &[ValueRef<'_>]) -> Result<()> {
        if !value(args, 0).is_null() {
            let sum = self.sum.checked_add(i128::from(int(args, 0)?));
            self.sum = sum.ok_or_else(|| out_of_range("bigint"))?;
            self.count += 1;
        }
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        if self.count == 0 {
            return Ok(Value::Null);
        }
        Ok(match self.gives {
            Whole::Bigint => Value::Int(i64::try_from(self.sum).map_err(|_| out_of_range("bigint"))?),
            Whole::Numeric => Value::Text(self.sum.to_string()),
            Whole::Average => {
                Value::Text(Decimal::from(self.sum).div(&Decimal::from(self.count))?.to_string())
            }
        })
    }
}

struct NumericSum {
    average: bool,
    sum: Decimal,
    count: i64,
}

impl NumericSum {
    fn new(average: bool) -> NumericSum {
        NumericSum { average, sum: Decimal::zero(), count: 0 }
    }
}

impl Accumulator for NumericSum {
    fn step(&mut self, args: &[ValueRef<'_>]) -> Result<()> {
        if let ValueRef::Text(number) = value(args, 0) {
            self.sum = self.sum.add(&Decimal::parse(number)?)?;
            self.count += 1;
        }
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        if self.count == 0 {
            return Ok(Value::Null);
        }
        let answer = if self.average { self.sum.div(&Decimal::from(self.count))? } else { self.sum.clone() };
        Ok(Value::Text(answer.to_string()))
    }
}

struct FloatSum {
    /// Added up in single precision, as PostgreSQL's `sum(real)` is
    single: bool,
    average: bool,
    sum: f64,
    count: i64,
}

impl FloatSum {
    fn new(single: bool, average: bool) -> FloatSum {
        FloatSum { single, average, sum: 0.0, count: 0 }
    }
}

impl Accumulator for FloatSum {
    #[allow(clippy::cast_possible_truncation, reason = "the rounding to real is meant")]
    fn step(&mut self, args: &[ValueRef<'_>]) -> Result<()> {
        if value(args, 0).is_null() {
            return Ok(());
        }
        let added = as_float(value(args, 0))?;
        let sum = self.sum + added;
        let sum = if self.single { f64::from(sum as f32) } else { sum };
        if sum.is_infinite() && self.sum.is_finite() && added.is_finite() {
            return Err(ValueError::new("22003", "value out of range: overflow"));
        }
        self.sum = sum;
        self.count += 1;
        Ok(())
    }

    #[allow(clippy::cast_precision_loss, reason = "a count of rows")]
    fn finish(&self) -> Result<Value> {
        if self.count == 0 {
            return Ok(Value::Null);
        }
        let answer = if self.average { self.sum / self.count as f64 } else { self.sum };
        if answer.is_nan() {
            return Err(ValueError::new("0A000", "the result NaN is not supported"));
        }
        Ok(Value::Float(answer))
    }
}

struct IntervalSum {
    average: bool,
    sum: Interval,
    count: i64,
}

impl IntervalSum {
    fn new(average: bool) -> IntervalSum {
        IntervalSum { average, sum: Interval::default(), count: 0 }
    }
}

impl Accumulator for IntervalSum {
    fn step(&mut self, args: &[ValueRef<'_>]) -> Result<()> {
        if let ValueRef::Text(interval) = value(args, 0) {
            self.sum = self.sum.plus(Interval::parse(interval)?)?;
            self.count += 1;
        }
        Ok(())
    }

    #[allow(clippy::cast_precision_loss, reason = "a count of rows")]
    fn finish(&self) -> Result<Value> {
        if self.count == 0 {
            return Ok(Value::Null);
        }
        let answer = if self.average { self.sum.divided_by(self.count as f64)? } else { self.sum };
        Ok(Value::Text(answer.to_string()))
    }
}

/// The least or greatest value.
struct Extreme {
    ty: Type,
    wanted: Ordering,
    best: Option<Value>,
}

impl Extreme {
    fn start(types: &[Type], wanted: Ordering) -> Box<dyn Accumulator> {
        Box::new(Extreme { ty: first(types), wanted, best: None })
    }
}

impl Accumulator for Extreme {
    fn step(&mut self, args: &[ValueRef<'_>]) -> Result<()> {
        let given = value(args, 0);
        let better = match &self.best {
            _ if given.is_null() => false,
            None => true,
            Some(best) => compare::compare(&self.ty, given, best.as_ref()) == self.wanted,
        };
        if better {
            self.best = Some(given.to_owned());
        }
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        Ok(self.best.clone().unwrap_or_default())
    }
}

/// Booleans and bits.
struct Fold {
    combine: fn(i64, i64) -> i64,
    state: Option<i64>,
}

impl Fold {
    fn start(combine: fn(i64, i64) -> i64) -> Box<dyn Accumulator> {
        Box::new(Fold { combine, state: None })
    }
}

impl Accumulator for Fold {
    fn step(&mut self, args: &[ValueRef<'_>]) -> Result<()> {
        if !value(args, 0).is_null() {
            let given = as_int(value(args, 0))?;
            self.state = Some(self.state.map_or(given, |state| (self.combine)(state, given)));
        }
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        Ok(self.state.map_or(Value::Null, Value::Int))
    }
}

/// `string_agg`: the first row's delimiter is not used.
struct Joined(Option<String>);

impl Accumulator for Joined {
    fn step(&mut self, args: &[ValueRef<'_>]) -> Result<()> {
        if value(args, 0).is_null() {
            return Ok(());
        }
        let given = as_text(value(args, 0))?;
        match &mut self.0 {
            None => self.0 = Some(given.to_owned()),
            Some(joined) => {
                if let ValueRef::Text(delimiter) = value(args, 1) {
                    joined.push_str(delimiter);
                }
                joined.push_str(given);
                bounded(joined.len() / 4)?;
            }
        }
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        Ok(self.0.clone().map_or(Value::Null, Value::Text))
    }
}

struct JoinedBytes(Option<Vec<u8>>);

impl Accumulator for JoinedBytes {
    fn step(&mut self, args: &[ValueRef<'_>]) -> Result<()> {
        let ValueRef::Bytes(given) = value(args, 0) else {
            return Ok(());
        };
        match &mut self.0 {
            None => self.0 = Some(given.to_vec()),
            Some(joined) => {
                if let ValueRef::Bytes(delimiter) = value(args, 1) {
                    joined.extend_from_slice(delimiter);
                }
                joined.extend_from_slice(given);
                bounded(joined.len() / 4)?;
            }
        }
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        Ok(self.0.clone().map_or(Value::Null, Value::Bytes))
    }
}

fn too_many() -> ValueError {
    ValueError::new("54000", format!("an aggregate may not collect more than {MAX_ROWS} values"))
}

/// `array_agg`: nulls are kept; arrays are put together as an array of one more dimension.
struct Elements {
    ty: Type,
    taken: Vec<Value>,
}

impl Accumulator for Elements {
    fn step(&mut self, args: &[ValueRef<'_>]) -> Result<()> {
        if self.taken.len() >= MAX_ROWS {
            return Err(too_many());
        }
        if self.ty.element().is_some() && value(args, 0).is_null() {
            return Err(ValueError::new("22004", "cannot accumulate null arrays"));
        }
        self.taken.push(value(args, 0).to_owned());
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        if self.taken.is_empty() {
            return Ok(Value::Null);
        }
        let Some(element) = self.ty.element() else {
            return encode(&self.ty, &Array::flat(self.taken.clone()));
        };
        let mut parts = Vec::with_capacity(self.taken.len());
        for part in &self.taken {
            parts.push(crate::array::decode(element, as_text(part.as_ref())?)?);
        }
        let inner = parts.first().map(|part| part.dimensions.clone()).unwrap_or_default();
        if inner.is_empty() {
            return Err(ValueError::new("2202E", "cannot accumulate empty arrays"));
        }
        if parts.iter().any(|part| part.dimensions != inner) {
            return Err(ValueError::new("2202E", "cannot accumulate arrays of different dimensionality"));
        }
        let dimensions = std::iter::once(parts.len()).chain(inner).collect();
        encode(
            element,
            &Array { dimensions, elements: parts.into_iter().flat_map(|part| part.elements).collect() },
        )
    }
}

/// `json_agg` and `jsonb_agg`: nulls are kept as JSON's null.
struct Collected {
    ty: Type,
    session: Session,
    binary: bool,
    out: String,
}

impl Collected {
    fn start(types: &[Type], session: &Session, binary: bool) -> Box<dyn Accumulator> {
        Box::new(Collected { ty: first(types), session: session.clone(), binary, out: String::new() })
    }
}

impl Accumulator for Collected {
    fn step(&mut self, args: &[ValueRef<'_>]) -> Result<()> {
        let structured = matches!(self.ty, Type::Array(_) | Type::Row(_)) && !value(args, 0).is_null();
        self.out.push_str(match (self.out.is_empty(), structured) {
            (true, _) => "[",
            (false, true) => ", \n ",
            (false, false) => ", ",
        });
        self.out.push_str(&typed_json(&self.ty, value(args, 0), &self.session));
        bounded(self.out.len() / 4)
    }

    fn finish(&self) -> Result<Value> {
        if self.out.is_empty() {
            return Ok(Value::Null);
        }
        finished(format!("{}]", self.out), self.binary)
    }
}

fn finished(text: String, binary: bool) -> Result<Value> {
    if binary { json::canonical(&text).map(Value::Text) } else { Ok(Value::Text(text)) }
}

/// `json_object_agg` and `jsonb_object_agg`.
struct Members {
    types: Vec<Type>,
    session: Session,
    binary: bool,
    out: String,
}

impl Members {
    fn start(types: &[Type], session: &Session, binary: bool) -> Box<dyn Accumulator> {
        Box::new(Members { types: types.to_vec(), session: session.clone(), binary, out: String::new() })
    }
}

impl Accumulator for Members {
    fn step(&mut self, args: &[ValueRef<'_>]) -> Result<()> {
        if value(args, 0).is_null() {
            return Err(invalid_parameter("field name must not be null"));
        }
        let context = Context { session: &self.session, types: &self.types };
        let key = quoted(&key_text(&context, args, 0)?);
        let member = typed_json(self.types.get(1).unwrap_or(&Type::Text), value(args, 1), &self.session);
        self.out.push_str(if self.out.is_empty() { "{ " } else { ", " });
        self.out.push_str(&key);
        self.out.push_str(" : ");
        self.out.push_str(&member);
        bounded(self.out.len() / 4)
    }

    fn finish(&self) -> Result<Value> {
        if self.out.is_empty() {
            return Ok(Value::Null);
        }
        finished(format!("{} }}", self.out), self.binary)
    }
}
