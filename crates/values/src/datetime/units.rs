//! The names of date and time units, in `extract`, `date_trunc` and interval text. PostgreSQL looks at their first ten letters.

/// A unit or field of a date, a time or an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    Decade,
    Century,
    Millennium,
    Timezone,
    TimezoneHour,
    TimezoneMinute,
    DayOfWeek,
    IsoDayOfWeek,
    DayOfYear,
    IsoYear,
    Julian,
    Epoch,
}

/// The most bytes of a name that count.
const NAME_BYTES: usize = 10;

/// A unit that `date_trunc` and interval text know, in lower case.
pub(crate) fn unit(name: &str) -> Option<Unit> {
    Some(match shortened(name) {
        "us" | "usec" | "usecs" | "usecond" | "useconds" | "microsecon" => Unit::Microsecond,
        "ms" | "msec" | "msecs" | "msecond" | "mseconds" | "millisecon" => Unit::Millisecond,
        "s" | "sec" | "secs" | "second" | "seconds" => Unit::Second,
        "m" | "min" | "mins" | "minute" | "minutes" => Unit::Minute,
        "h" | "hr" | "hrs" | "hour" | "hours" => Unit::Hour,
        "d" | "day" | "days" => Unit::Day,
        "w" | "week" | "weeks" => Unit::Week,
        "mon" | "mons" | "month" | "months" => Unit::Month,
        "qtr" | "quarter" => Unit::Quarter,
        "y" | "yr" | "yrs" | "year" | "years" => Unit::Year,
        "dec" | "decs" | "decade" | "decades" => Unit::Decade,
        "c" | "cent" | "century" | "centuries" => Unit::Century,
        "mil" | "mils" | "millennia" | "millennium" => Unit::Millennium,
        "timezone" => Unit::Timezone,
        "timezone_h" => Unit::TimezoneHour,
        "timezone_m" => Unit::TimezoneMinute,
        _ => return None,
    })
}

/// A field that `extract` knows, in lower case.
pub(crate) fn field(name: &str) -> Option<Unit> {
    match shortened(name) {
        "dow" => Some(Unit::DayOfWeek),
        "isodow" => Some(Unit::IsoDayOfWeek),
        "doy" => Some(Unit::DayOfYear),
        "isoyear" => Some(Unit::IsoYear),
        "j" | "jd" | "julian" => Some(Unit::Julian),
        "epoch" => Some(Unit::Epoch),
        _ => unit(name),
    }
}

pub(crate) fn shortened(name: &str) -> &str {
    name.get(..NAME_BYTES).unwrap_or(name)
}
