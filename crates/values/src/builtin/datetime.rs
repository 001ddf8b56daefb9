//! Functions and operators over dates, times and intervals. The calendar itself is `crate::datetime`'s and the zones are
//! `crate::zone`'s; formatted text is `format_datetime`'s and `parse_datetime`'s.

use super::Arg::{
    Bool, Date, Float8, Int4, Interval as IntervalArg, Numeric, Text, Time, Timestamp, Timestamptz,
};
use super::args::{float, int, some_bool, text, value};
use super::{Builtin, Context, function, operator};
use crate::datetime::{self, DAY_MICROS, INFINITY, Interval, NEGATIVE_INFINITY, Part};
use crate::{Result, Session, Value, ValueError, ValueRef, zone};

type Args<'a, 'b> = &'a [ValueRef<'b>];

pub(super) static CLOCK: &[Builtin] = &[
    function("now", "now", &[], Timestamptz, |c, _| some(c.session.now)).stable(),
    function("transaction_timestamp", "transaction_timestamp", &[], Timestamptz, |c, _| some(c.session.now))
        .stable(),
    function("statement_timestamp", "statement_timestamp", &[], Timestamptz, |c, _| some(c.session.now))
        .stable(),
    function("current_timestamp", "current_timestamp", &[], Timestamptz, |c, _| some(c.session.now)).stable(),
    function("clock_timestamp", "clock_timestamp", &[], Timestamptz, |_, _| {
        some(jiff::Timestamp::now().as_microsecond())
    })
    .volatile(),
    function("localtimestamp", "localtimestamp", &[], Timestamp, |c, _| some(local_now(c)?)).stable(),
    function("current_date", "current_date", &[], Date, |c, _| some(datetime::split(local_now(c)?).0))
        .stable(),
    function("localtime", "localtime", &[], Time, |c, _| some(datetime::split(local_now(c)?).1)).stable(),
    function("current_time", "current_time", &[], Time, |c, _| some(datetime::split(local_now(c)?).1))
        .stable(),
];

pub(super) static OPERATORS: &[Builtin] = &[
    operator("date_add_days", "+", &[Date, Int4], Date, |_, a| {
        some(datetime::date_plus_days(int(a, 0)?, int(a, 1)?)?)
    }),
    operator("days_add_date", "+", &[Int4, Date], Date, |_, a| {
        some(datetime::date_plus_days(int(a, 1)?, int(a, 0)?)?)
    }),
    operator("date_subtract_days", "-", &[Date, Int4], Date, |_, a| {
        some(datetime::date_plus_days(int(a, 0)?, -int(a, 1)?)?)
    }),
    operator("date_subtract_date", "-", &[Date, Date], Int4, |_, a| {
        let (left, right) = (int(a, 0)?, int(a, 1)?);
        if !datetime::is_finite(left) || !datetime::is_finite(right) {
            return Err(ValueError::new("22008", "cannot subtract infinite dates"));
        }
        super::arithmetic::integer(left.checked_sub(right))
    }),
    operator("date_add_interval", "+", &[Date, IntervalArg], Timestamp, |_, a| {
        some(datetime::timestamp_plus(datetime::date_to_timestamp(int(a, 0)?)?, interval(a, 1)?)?)
    }),
    operator("interval_add_date", "+", &[IntervalArg, Date], Timestamp, |_, a| {
        some(datetime::timestamp_plus(datetime::date_to_timestamp(int(a, 1)?)?, interval(a, 0)?)?)
    }),
    operator("date_subtract_interval", "-", &[Date, IntervalArg], Timestamp, |_, a| {
        some(datetime::timestamp_plus(datetime::date_to_timestamp(int(a, 0)?)?, interval(a, 1)?.negated()?)?)
    }),
    operator("date_add_time", "+", &[Date, Time], Timestamp, |_, a| {
        some(date_and_time(int(a, 0)?, int(a, 1)?)?)
    }),
    operator("time_add_date", "+", &[Time, Date], Timestamp, |_, a| {
        some(date_and_time(int(a, 1)?, int(a, 0)?)?)
    }),
    operator("timestamp_add", "+", &[Timestamp, IntervalArg], Timestamp, |_, a| {
        some(datetime::timestamp_plus(int(a, 0)?, interval(a, 1)?)?)
    }),
    operator("interval_add_timestamp", "+", &[IntervalArg, Timestamp], Timestamp, |_, a| {
        some(datetime::timestamp_plus(int(a, 1)?, interval(a, 0)?)?)
    }),
    operator("timestamp_subtract_interval", "-", &[Timestamp, IntervalArg], Timestamp, |_, a| {
        some(datetime::timestamp_plus(int(a, 0)?, interval(a, 1)?.negated()?)?)
    }),
    operator("timestamp_subtract", "-", &[Timestamp, Timestamp], IntervalArg, |_, a| {
        span(datetime::timestamp_minus(int(a, 0)?, int(a, 1)?)?)
    }),
    operator("timestamptz_add", "+", &[Timestamptz, IntervalArg], Timestamptz, |c, a| {
        some(datetime::timestamptz_plus(int(a, 0)?, interval(a, 1)?, &c.session.time_zone)?)
    })
    .stable(),
    operator("interval_add_timestamptz", "+", &[IntervalArg, Timestamptz], Timestamptz, |c, a| {
        some(datetime::timestamptz_plus(int(a, 1)?, interval(a, 0)?, &c.session.time_zone)?)
    })
    .stable(),
    operator("timestamptz_subtract_interval", "-", &[Timestamptz, IntervalArg], Timestamptz, |c, a| {
        some(datetime::timestamptz_plus(int(a, 0)?, interval(a, 1)?.negated()?, &c.session.time_zone)?)
    })
    .stable(),
    operator("timestamptz_subtract", "-", &[Timestamptz, Timestamptz], IntervalArg, |_, a| {
        span(datetime::timestamp_minus(int(a, 0)?, int(a, 1)?)?)
    }),
    operator("time_add", "+", &[Time, IntervalArg], Time, |_, a| {
        some(datetime::time_plus(int(a, 0)?, interval(a, 1)?))
    }),
    operator("interval_add_time", "+", &[IntervalArg, Time], Time, |_, a| {
        some(datetime::time_plus(int(a, 1)?, interval(a, 0)?))
    }),
    operator("time_subtract_interval", "-", &[Time, IntervalArg], Time, |_, a| {
        some(datetime::time_plus(int(a, 0)?, interval(a, 1)?.negated()?))
    }),
    operator("time_subtract", "-", &[Time, Time], IntervalArg, |_, a| {
        span(Interval { months: 0, days: 0, micros: int(a, 0)? - int(a, 1)? })
    }),
    operator("interval_add", "+", &[IntervalArg, IntervalArg], IntervalArg, |_, a| {
        span(interval(a, 0)?.plus(interval(a, 1)?)?)
    }),
    operator("interval_subtract", "-", &[IntervalArg, IntervalArg], IntervalArg, |_, a| {
        span(interval(a, 0)?.minus(interval(a, 1)?)?)
    }),
    operator("interval_minus", "-", &[IntervalArg], IntervalArg, |_, a| span(interval(a, 0)?.negated()?)),
    operator("interval_multiply", "*", &[IntervalArg, Float8], IntervalArg, |_, a| {
        span(interval(a, 0)?.times(float(a, 1)?)?)
    }),
    operator("multiply_interval", "*", &[Float8, IntervalArg], IntervalArg, |_, a| {
        span(interval(a, 1)?.times(float(a, 0)?)?)
    }),
    operator("interval_divide", "/", &[IntervalArg, Float8], IntervalArg, |_, a| {
        if float(a, 1)? == 0.0 {
            return Err(super::args::division_by_zero());
        }
        span(interval(a, 0)?.divided_by(float(a, 1)?)?)
    }),
];

pub(super) static TABLE: &[Builtin] = &[
    function("age_timestamp", "age", &[Timestamp, Timestamp], IntervalArg, |_, a| {
        span(datetime::age(int(a, 0)?, int(a, 1)?)?)
    }),
    function("age_timestamptz", "age", &[Timestamptz, Timestamptz], IntervalArg, |c, a| {
        span(datetime::age(local(c.session, int(a, 0)?)?, local(c.session, int(a, 1)?)?)?)
    })
    .stable(),
    function("age_timestamp_today", "age", &[Timestamp], IntervalArg, |c, a| {
        span(datetime::age(today(c)?, int(a, 0)?)?)
    })
    .stable(),
    function("age_timestamptz_today", "age", &[Timestamptz], IntervalArg, |c, a| {
        span(datetime::age(today(c)?, local(c.session, int(a, 0)?)?)?)
    })
    .stable(),
    function("extract_date", "extract", &[Text, Date], Numeric, |_, a| {
        exact(&datetime::extract_date(text(a, 0)?, int(a, 1)?)?)
    }),
    function("extract_time", "extract", &[Text, Time], Numeric, |_, a| {
        exact(&datetime::extract_time(text(a, 0)?, int(a, 1)?)?)
    }),
    function("extract_timestamp", "extract", &[Text, Timestamp], Numeric, |_, a| {
        exact(&datetime::extract_timestamp(text(a, 0)?, int(a, 1)?)?)
    }),
    function("extract_timestamptz", "extract", &[Text, Timestamptz], Numeric, |c, a| {
        exact(&datetime::extract_timestamptz(text(a, 0)?, int(a, 1)?, &c.session.time_zone)?)
    })
    .stable(),
    function("extract_interval", "extract", &[Text, IntervalArg], Numeric, |_, a| {
        exact(&datetime::extract_interval(text(a, 0)?, interval(a, 1)?)?)
    }),
    function("date_part_date", "date_part", &[Text, Date], Float8, |_, a| {
        // PostgreSQL's own definition: by way of a timestamp, so that the fields of a time are allowed.
        approximate(&datetime::extract_timestamp(text(a, 0)?, datetime::date_to_timestamp(int(a, 1)?)?)?)
    }),
    function("date_part_time", "date_part", &[Text, Time], Float8, |_, a| {
        approximate(&datetime::extract_time(text(a, 0)?, int(a, 1)?)?)
    }),
    function("date_part_timestamp", "date_part", &[Text, Timestamp], Float8, |_, a| {
        approximate(&datetime::extract_timestamp(text(a, 0)?, int(a, 1)?)?)
    }),
    function("date_part_timestamptz", "date_part", &[Text, Timestamptz], Float8, |c, a| {
        approximate(&datetime::extract_timestamptz(text(a, 0)?, int(a, 1)?, &c.session.time_zone)?)
    })
    .stable(),
    function("date_part_interval", "date_part", &[Text, IntervalArg], Float8, |_, a| {
        approximate(&datetime::extract_interval(text(a, 0)?, interval(a, 1)?)?)
    }),
    function("date_trunc", "date_trunc", &[Text, Timestamp], Timestamp, |_, a| {
        some(datetime::trunc_timestamp(text(a, 0)?, int(a, 1)?)?)
    }),
    function("date_trunc_tz", "date_trunc", &[Text, Timestamptz], Timestamptz, |c, a| {
        some(datetime::trunc_timestamptz(text(a, 0)?, int(a, 1)?, &c.session.time_zone)?)
    })
    .stable(),
    function("date_trunc_zone", "date_trunc", &[Text, Timestamptz, Text], Timestamptz, |_, a| {
        some(datetime::trunc_timestamptz(text(a, 0)?, int(a, 1)?, &zone::by_name(text(a, 2)?)?)?)
    })
    .stable(),
    function("date_trunc_interval", "date_trunc", &[Text, IntervalArg], IntervalArg, |_, a| {
        span(datetime::trunc_interval(text(a, 0)?, interval(a, 1)?)?)
    }),
    function("date_bin", "date_bin", &[IntervalArg, Timestamp, Timestamp], Timestamp, |_, a| date_bin(a)),
    function("date_bin_tz", "date_bin", &[IntervalArg, Timestamptz, Timestamptz], Timestamptz, |_, a| {
        date_bin(a)
    }),
    function("make_date", "make_date", &[Int4, Int4, Int4], Date, |_, a| some(make_date(a)?)),
    function("make_time", "make_time", &[Int4, Int4, Float8], Time, |_, a| some(make_time(a, 0)?)),
    function(
        "make_timestamp",
        "make_timestamp",
        &[Int4, Int4, Int4, Int4, Int4, Float8],
        Timestamp,
        |_, a| some(make_timestamp(a)?),
    ),
    function(
        "make_timestamptz",
        "make_timestamptz",
        &[Int4, Int4, Int4, Int4, Int4, Float8, Text],
        Timestamptz,
        |c, a| {
            let named = if a.len() > 6 { Some(zone::by_name(text(a, 6)?)?) } else { None };
            some(zone::to_instant(named.as_ref().unwrap_or(&c.session.time_zone), make_timestamp(a)?)?)
        },
    )
    .optional(1)
    .stable(),
    function(
        "make_interval",
        "make_interval",
        &[Int4, Int4, Int4, Int4, Int4, Int4, Float8],
        IntervalArg,
        |_, a| span(make_interval(a)?),
    )
    .optional(7),
    function("to_timestamp_epoch", "to_timestamp", &[Float8], Timestamptz, |_, a| {
        some(from_epoch(float(a, 0)?)?)
    }),
    function("timezone_timestamptz", "timezone", &[Text, Timestamptz], Timestamp, |_, a| {
        some(zone::to_local(&zone::by_name(text(a, 0)?)?, int(a, 1)?)?)
    }),
    function("timezone_timestamp", "timezone", &[Text, Timestamp], Timestamptz, |_, a| {
        some(zone::to_instant(&zone::by_name(text(a, 0)?)?, int(a, 1)?)?)
    }),
    function("timezone_interval_timestamptz", "timezone", &[IntervalArg, Timestamptz], Timestamp, |_, a| {
        some(shifted(int(a, 1)?, zone_interval(a)?)?)
    }),
    function("timezone_interval_timestamp", "timezone", &[IntervalArg, Timestamp], Timestamptz, |_, a| {
        some(shifted(int(a, 1)?, -zone_interval(a)?)?)
    }),
    function("justify_hours", "justify_hours", &[IntervalArg], IntervalArg, |_, a| {
        span(interval(a, 0)?.justify_hours()?)
    }),
    function("justify_days", "justify_days", &[IntervalArg], IntervalArg, |_, a| {
        span(interval(a, 0)?.justify_days()?)
    }),
    function("justify_interval", "justify_interval", &[IntervalArg], IntervalArg, |_, a| {
        span(interval(a, 0)?.justify()?)
    }),
    function("isfinite_date", "isfinite", &[Date], Bool, |_, a| some_bool(datetime::is_finite(int(a, 0)?))),
    function("isfinite_timestamp", "isfinite", &[Timestamp], Bool, |_, a| {
        some_bool(datetime::is_finite(int(a, 0)?))
    }),
    function("isfinite_timestamptz", "isfinite", &[Timestamptz], Bool, |_, a| {
        some_bool(datetime::is_finite(int(a, 0)?))
    }),
    function("isfinite_interval", "isfinite", &[IntervalArg], Bool, |_, _| some_bool(true)),
    function(
        "overlaps_timestamptz",
        "overlaps",
        &[Timestamptz, Timestamptz, Timestamptz, Timestamptz],
        Bool,
        |_, a| overlaps(a),
    )
    .lax(),
    function(
        "overlaps_timestamp",
        "overlaps",
        &[Timestamp, Timestamp, Timestamp, Timestamp],
        Bool,
        |_, a| overlaps(a),
    )
    .lax(),
    function("overlaps_time", "overlaps", &[Time, Time, Time, Time], Bool, |_, a| overlaps(a)).lax(),
];

#[allow(clippy::unnecessary_wraps, reason = "the end of every implementation here")]
fn some(number: i64) -> Result<Value> {
    Ok(Value::Int(number))
}

#[allow(clippy::unnecessary_wraps, reason = "the end of every implementation here")]
fn span(interval: Interval) -> Result<Value> {
    Ok(Value::Text(interval.to_string()))
}

pub(super) fn interval(args: Args<'_, '_>, index: usize) -> Result<Interval> {
    Interval::parse(text(args, index)?)
}

/// The session's local time of an instant.
pub(super) fn local(session: &Session, instant: i64) -> Result<i64> {
    zone::to_local(&session.time_zone, instant)
}

fn local_now(context: &Context<'_>) -> Result<i64> {
    local(context.session, context.session.now)
}

/// Midnight of the session's day.
fn today(context: &Context<'_>) -> Result<i64> {
    datetime::date_to_timestamp(datetime::split(local_now(context)?).0)
}

fn date_and_time(date: i64, time: i64) -> Result<i64> {
    if !datetime::is_finite(date) {
        return Ok(date);
    }
    datetime::date_to_timestamp(date)?.checked_add(time).ok_or_else(timestamp_out_of_range)
}

fn timestamp_out_of_range() -> ValueError {
    ValueError::new("22008", "timestamp out of range")
}

fn exact(part: &Part) -> Result<Value> {
    match part {
        Part::Null => Ok(Value::Null),
        Part::Number(number) => Ok(Value::Text(number.to_string())),
        Part::PositiveInfinity | Part::NegativeInfinity => {
            Err(ValueError::new("0A000", "numeric infinity is not supported"))
        }
    }
}

#[allow(clippy::unnecessary_wraps, reason = "the end of every implementation here")]
fn approximate(part: &Part) -> Result<Value> {
    Ok(match part {
        Part::Null => Value::Null,
        Part::Number(number) => Value::Float(number.to_f64()),
        Part::PositiveInfinity => Value::Float(f64::INFINITY),
        Part::NegativeInfinity => Value::Float(f64::NEG_INFINITY),
    })
}

fn date_bin(args: Args<'_, '_>) -> Result<Value> {
    let (stride, source, origin) = (interval(args, 0)?, int(args, 1)?, int(args, 2)?);
    if !datetime::is_finite(source) {
        return some(source);
    }
    if !datetime::is_finite(origin) {
        return Err(ValueError::new("22008", "origin out of range"));
    }
    if stride.months != 0 {
        let message = "timestamps cannot be binned into intervals containing months or years";
        return Err(ValueError::new("0A000", message));
    }
    let stride =
        i64::from(stride.days).checked_mul(DAY_MICROS).and_then(|days| days.checked_add(stride.micros));
    let stride = stride.ok_or_else(|| ValueError::new("22008", "interval out of range"))?;
    if stride <= 0 {
        return Err(ValueError::new("22008", "stride must be greater than zero"));
    }
    let distance = source.checked_sub(origin).ok_or_else(timestamp_out_of_range)?;
    let start = distance.div_euclid(stride).checked_mul(stride).and_then(|offset| origin.checked_add(offset));
    some(start.ok_or_else(timestamp_out_of_range)?)
}

/// A negative year is BC.
fn make_date(args: Args<'_, '_>) -> Result<i64> {
    let (year, month, day) = (int(args, 0)?, int(args, 1)?, int(args, 2)?);
    let refused =
        || ValueError::new("22008", format!("date field value out of range: {year}-{month:02}-{day:02}"));
    if year == 0 {
        return Err(refused());
    }
    datetime::make_date(if year < 0 { year + 1 } else { year }, month, day).map_err(|_| refused())
}

#[allow(clippy::cast_possible_truncation, reason = "the seconds are checked to be 0 to 60")]
fn make_time(args: Args<'_, '_>, first: usize) -> Result<i64> {
    let (hour, minute, second) = (int(args, first)?, int(args, first + 1)?, float(args, first + 2)?);
    let micros = (second * 1_000_000.0).round_ties_even();
    let fits =
        (0..=24).contains(&hour) && (0..60).contains(&minute) && (0.0..=60_000_000.0).contains(&micros);
    let total = (hour * 60 + minute).saturating_mul(60_000_000).saturating_add(micros as i64);
    if !fits || total > DAY_MICROS {
        // PostgreSQL prints the seconds with at least one digit on each side of the point.
        let shown = if second.fract() == 0.0 { format!("{second:02}") } else { format!("{second:0>4}") };
        return Err(ValueError::new(
            "22008",
            format!("time field value out of range: {hour}:{minute:02}:{shown}"),
        ));
    }
    Ok(total)
}

fn make_timestamp(args: Args<'_, '_>) -> Result<i64> {
    datetime::timestamp(make_date(args)?, make_time(args, 3)?)
}

#[allow(clippy::cast_possible_truncation, reason = "the range of the microseconds is checked")]
fn make_interval(args: Args<'_, '_>) -> Result<Interval> {
    let refused = || ValueError::new("22008", "interval out of range");
    let field = |index: usize| if args.len() > index { int(args, index) } else { Ok(0) };
    let months = field(0)?.checked_mul(12).and_then(|months| months.checked_add(field(1).unwrap_or(0)));
    let days = field(2)?.checked_mul(7).and_then(|days| days.checked_add(field(3).unwrap_or(0)));
    let seconds = if args.len() > 6 { float(args, 6)? } else { 0.0 };
    let micros = (seconds * 1_000_000.0).round_ties_even();
    if micros.is_nan() || micros.abs() >= 9.2e18 {
        return Err(refused());
    }
    let whole = field(4)?.saturating_mul(3_600_000_000).checked_add(field(5)?.saturating_mul(60_000_000));
    Ok(Interval {
        months: months.and_then(|months| i32::try_from(months).ok()).ok_or_else(refused)?,
        days: days.and_then(|days| i32::try_from(days).ok()).ok_or_else(refused)?,
        micros: whole.and_then(|whole| whole.checked_add(micros as i64)).ok_or_else(refused)?,
    })
}

/// Seconds since 1970 as a timestamptz, rounded to microseconds.
#[allow(clippy::cast_possible_truncation, reason = "the range is checked")]
fn from_epoch(seconds: f64) -> Result<i64> {
    if seconds.is_infinite() {
        return Ok(if seconds > 0.0 { INFINITY } else { NEGATIVE_INFINITY });
    }
    let refused = || ValueError::new("22008", format!("timestamp out of range: \"{seconds}\""));
    if seconds.is_nan() || seconds.abs() >= 9.3e12 {
        return Err(refused());
    }
    // As PostgreSQL does it: the distance from 2000-01-01 is what is rounded.
    let since_2000 = seconds - 946_684_800.0;
    let micros = (since_2000 * 1_000_000.0).round_ties_even() as i64;
    let micros = micros.checked_add(946_684_800_000_000).ok_or_else(refused)?;
    let (days, rest) = datetime::split(micros);
    datetime::timestamp(days, rest).map_err(|_| refused())
}

/// The offset of `at time zone interval`, in microseconds east of UTC.
fn zone_interval(args: Args<'_, '_>) -> Result<i64> {
    let offset = interval(args, 0)?;
    if offset.months != 0 || offset.days != 0 {
        let shown = text(args, 0)?;
        let message = format!("interval time zone \"{shown}\" must not include months or days");
        return Err(ValueError::new("22023", message));
    }
    Ok(offset.micros - offset.micros % 1_000_000)
}

fn shifted(timestamp: i64, by: i64) -> Result<i64> {
    if !datetime::is_finite(timestamp) {
        return Ok(timestamp);
    }
    let (days, rest) = datetime::split(timestamp.checked_add(by).ok_or_else(timestamp_out_of_range)?);
    datetime::timestamp(days, rest)
}

/// SQL's `(start, end) overlaps (start, end)`: each period from its earlier bound up to, not including, its later one.
fn overlaps(args: Args<'_, '_>) -> Result<Value> {
    let bound = |index: usize| match value(args, index) {
        ValueRef::Null => Ok(None),
        _ => int(args, index).map(Some),
    };
    // A null bound is the later one; a period of two nulls is unknown.
    let period = |first: usize| -> Result<Option<(i64, Option<i64>)>> {
        Ok(match (bound(first)?, bound(first + 1)?) {
            (None, None) => None,
            (Some(one), None) | (None, Some(one)) => Some((one, None)),
            (Some(a), Some(b)) => Some((a.min(b), Some(a.max(b)))),
        })
    };
    let (Some(left), Some(right)) = (period(0)?, period(2)?) else {
        return Ok(Value::Null);
    };
    let (earlier, later) = if left.0 <= right.0 { (left, right) } else { (right, left) };
    if earlier.0 == later.0 {
        return if earlier.1.is_none() || later.1.is_none() { Ok(Value::Null) } else { some_bool(true) };
    }
    match (earlier.1, later.1) {
        (None, _) => Ok(Value::Null),
        (Some(end), later_end) if later.0 < end => {
            if later_end.is_none() {
                Ok(Value::Null)
            } else {
                some_bool(true)
            }
        }
        _ => some_bool(false),
    }
}
