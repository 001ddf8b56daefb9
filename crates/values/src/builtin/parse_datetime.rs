//! `to_timestamp` and `to_date` by a picture (`picture`): a text is read field by field, and the fields are put together.

use super::Arg::{Date, Text, Timestamptz};
use super::args::text;
use super::picture::{self, Field, MONTHS, Node, ROMAN_MONTHS};
use super::{Builtin, function};
use crate::datetime;
use crate::{Result, Value, ValueError, zone};

pub(super) static TABLE: &[Builtin] = &[
    function("to_timestamp", "to_timestamp", &[Text, Text], Timestamptz, |c, a| {
        let read = read(text(a, 0)?, text(a, 1)?)?;
        let local = datetime::timestamp(read.date, read.micros)?;
        Ok(Value::Int(match read.offset {
            Some(offset) => local
                .checked_sub(offset.saturating_mul(1_000_000))
                .ok_or_else(|| ValueError::new("22008", "timestamp out of range"))?,
            None => zone::to_instant(&c.session.time_zone, local)?,
        }))
    })
    .stable(),
    function("to_date", "to_date", &[Text, Text], Date, |_, a| {
        Ok(Value::Int(read(text(a, 0)?, text(a, 1)?)?.date))
    })
    .stable(),
];

/// The Julian day number of 1970-01-01.
const JULIAN_EPOCH: i64 = 2_440_588;
/// The largest number that a field may have, so that no sum of fields overflows.
const MAX_FIELD: i64 = i32::MAX as i64;

/// What a text says: day number, microseconds in the day, seconds east of UTC.
struct Read {
    date: i64,
    micros: i64,
    offset: Option<i64>,
}

/// The fields as they were found; 0 or `None` where they were not.
#[derive(Default)]
struct Fields {
    year: Option<i64>,
    /// The digits that the year was written with, 4 for a full one
    year_digits: usize,
    before_christ: bool,
    century: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    /// The day of the week from Sunday (0)
    weekday: Option<i64>,
    week_of_month: Option<i64>,
    week: Option<i64>,
    iso_year: Option<i64>,
    iso_week: Option<i64>,
    /// From Monday (1)
    iso_weekday: Option<i64>,
    iso_day: Option<i64>,
    julian: Option<i64>,
    hour: i64,
    twelve_hours: bool,
    afternoon: Option<bool>,
    minute: i64,
    second: i64,
    seconds_of_day: Option<i64>,
    micros: i64,
    zone_sign: Option<i64>,
    zone_hour: i64,
    zone_minute: i64,
}

fn invalid(message: String) -> ValueError {
    ValueError::new("22007", message)
}

fn out_of_range(text: &str) -> ValueError {
    ValueError::new("22008", format!("date/time field value out of range: \"{text}\""))
}

fn read(text: &str, picture: &str) -> Result<Read> {
    let nodes = picture::parse(picture);
    let fields = Reader { rest: text, nodes: &nodes, fixed: false, skipped: 0, minus: false }.run()?;
    assemble(text, &fields)
}

struct Reader<'a> {
    rest: &'a str,
    nodes: &'a [Node],
    /// `FX`: blanks and separators count
    fixed: bool,
    /// Blanks read beyond those the picture has
    skipped: i64,
    /// The last separator was a `-`, which may have been meant as a sign
    minus: bool,
}

impl<'a> Reader<'a> {
    fn run(mut self) -> Result<Fields> {
        let mut fields = Fields::default();
        for (index, node) in self.nodes.iter().enumerate() {
            if self.rest.is_empty() {
                break;
            }
            if !self.fixed && (index == 0 || matches!(node, Node::Field(_))) {
                self.skip_blanks();
            }
            match node {
                Node::Field(field) if field.key == "FX" => self.fixed = true,
                Node::Field(field) => {
                    self.field(field, index, &mut fields)?;
                    if !self.fixed {
                        (self.skipped, self.minus) = (0, false);
                        self.skip_blanks();
                    }
                }
                Node::Separator(_) if !self.fixed => {
                    self.skipped -= 1;
                    if self.rest.starts_with(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric()) {
                        self.minus = self.rest.starts_with('-');
                        self.take_character();
                        self.skipped += 1;
                    }
                }
                Node::Text(_) if !self.fixed && self.skipped > 0 => self.skipped -= 1,
                Node::Separator(_) | Node::Text(_) => self.take_character(),
            }
        }
        Ok(fields)
    }

    fn skip_blanks(&mut self) {
        let after = self.rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
        self.skipped += i64::try_from(self.rest.len() - after.len()).unwrap_or(0);
        self.rest = after;
    }

    fn take_character(&mut self) {
        let mut characters = self.rest.chars();
        characters.next();
        self.rest = characters.as_str();
    }

    /// Whether what follows a field in the picture cannot be read as its digits.
    fn ends_at_separator(&self, field: &Field, index: usize) -> bool {
        if field.fill || field.ordinal.is_some() {
            return true;
        }
        match self.nodes.get(index + 1) {
            None => true,
            Some(Node::Field(next)) => !is_number(next.key),
            Some(Node::Text(c) | Node::Separator(c)) => !c.is_ascii_digit(),
        }
    }

    /// A number of at most `width` digits, or any where a separator ends it; and how many characters it has.
    fn number(&mut self, field: &Field, index: usize, width: usize) -> Result<(i64, usize)> {
        self.rest = self.rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
        let free = self.ends_at_separator(field, index);
        let part = if free {
            self.rest
        } else {
            let end = self.rest.char_indices().nth(width).map_or(self.rest.len(), |(at, _)| at);
            self.rest.get(..end).unwrap_or("")
        };
        if !free && part.len() < width {
            return Err(invalid(format!(
                "source string too short for \"{}\" formatting field",
                shown(field)
            ))
            .with_detail(format!("Field requires {width} characters, but only {} remain.", part.len())));
        }
        let sign = usize::from(part.starts_with(['-', '+']));
        let digits = part.bytes().skip(sign).take_while(u8::is_ascii_digit).count();
        let used = if digits == 0 { 0 } else { sign + digits };
        let refused = || {
            let end = part.char_indices().nth(width).map_or(part.len(), |(at, _)| at);
            invalid(format!("invalid value \"{}\" for \"{}\"", part.get(..end).unwrap_or(part), shown(field)))
        };
        if used == 0 {
            return Err(refused().with_detail("Value must be an integer."));
        }
        if !free && used < width {
            let detail = format!("Field requires {width} characters, but only {used} could be parsed.");
            return Err(refused().with_detail(detail));
        }
        let number: i64 = part.get(..used).and_then(|digits| digits.parse().ok()).unwrap_or(i64::MAX);
        if number.abs() > MAX_FIELD {
            let message = format!("value for \"{}\" in source string is out of range", shown(field));
            return Err(ValueError::new("22008", message)
                .with_detail("Value must be in the range -2147483648 to 2147483647."));
        }
        self.rest = self.rest.get(used..).unwrap_or("");
        self.skip_ordinal(field);
        Ok((number, used))
    }

    fn skip_ordinal(&mut self, field: &Field) {
        if field.ordinal.is_some() {
            self.take_character();
            self.take_character();
        }
    }

    /// One of several names, in any case; its place in the list.
    fn name(&mut self, field: &Field, names: &[&str]) -> Result<usize> {
        for (at, name) in names.iter().enumerate() {
            if let Some((head, after)) = self.rest.split_at_checked(name.len())
                && head.eq_ignore_ascii_case(name)
            {
                self.rest = after;
                return Ok(at);
            }
        }
        let end = self.rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(self.rest.len());
        let word = self.rest.get(..end).unwrap_or("");
        Err(invalid(format!("invalid value \"{word}\" for \"{}\"", shown(field)))
            .with_detail("The given value did not match any of the allowed values for this field."))
    }

    fn field(&mut self, field: &Field, index: usize, fields: &mut Fields) -> Result<()> {
        let full = |names: &[&'static str]| -> Vec<&'static str> { names.to_vec() };
        match field.key {
            "A.M." | "P.M." => fields.afternoon = Some(self.name(field, &["A.M.", "P.M."])? == 1),
            "AM" | "PM" => fields.afternoon = Some(self.name(field, &["AM", "PM"])? == 1),
            "A.D." | "B.C." => fields.before_christ = self.name(field, &["A.D.", "B.C."])? == 1,
            "AD" | "BC" => fields.before_christ = self.name(field, &["AD", "BC"])? == 1,
            "HH" | "HH12" => {
                fields.hour = self.number(field, index, 2)?.0;
                fields.twelve_hours = true;
            }
            "HH24" => fields.hour = self.number(field, index, 2)?.0,
            "MI" => fields.minute = self.number(field, index, 2)?.0,
            "SS" => fields.second = self.number(field, index, 2)?.0,
            "SSSS" | "SSSSS" => fields.seconds_of_day = Some(self.number(field, index, 5)?.0),
            "MS" => fields.micros += self.fraction(field, index, 3)? * 1000,
            "US" | "FF6" => fields.micros += self.fraction(field, index, 6)?,
            "FF1" => fields.micros += self.fraction(field, index, 1)? * 100_000,
            "FF2" => fields.micros += self.fraction(field, index, 2)? * 10_000,
            "FF3" => fields.micros += self.fraction(field, index, 3)? * 1000,
            "FF4" => fields.micros += self.fraction(field, index, 4)? * 100,
            "FF5" => fields.micros += self.fraction(field, index, 5)? * 10,
            "TZ" | "OF" => {
                let message = format!("formatting field \"{}\" is only supported in to_char", shown(field));
                return Err(ValueError::new("0A000", message));
            }
            "TZH" => {
                let signed = self.rest.starts_with(['+', '-', ' ']);
                let negative =
                    if signed { self.rest.starts_with('-') } else { self.skipped > 0 && self.minus };
                if signed {
                    self.take_character();
                }
                fields.zone_sign = Some(if negative { -1 } else { 1 });
                fields.zone_hour = self.number(field, index, 2)?.0;
            }
            "TZM" => {
                fields.zone_sign = fields.zone_sign.or(Some(1));
                fields.zone_minute = self.number(field, index, 2)?.0;
            }
            "MONTH" => fields.month = Some(self.place(field, &full(&MONTHS))?),
            "MON" => fields.month = Some(self.place(field, &abbreviated(&MONTHS))?),
            "RM" => {
                // Longer names first, so that "VIII" is not read as "V".
                let mut order: Vec<usize> = (0..ROMAN_MONTHS.len()).collect();
                order.sort_by_key(|at| std::cmp::Reverse(ROMAN_MONTHS.get(*at).map_or(0, |name| name.len())));
                let names: Vec<&str> = order.iter().filter_map(|at| ROMAN_MONTHS.get(*at).copied()).collect();
                let found = self.name(field, &names)?;
                fields.month = order.get(found).and_then(|at| i64::try_from(at + 1).ok());
            }
            "MM" => fields.month = Some(self.number(field, index, 2)?.0),
            "DAY" => fields.weekday = Some(self.place(field, &full(&picture::DAYS))? - 1),
            "DY" => fields.weekday = Some(self.place(field, &abbreviated(&picture::DAYS))? - 1),
            "DD" => fields.day = Some(self.number(field, index, 2)?.0),
            "DDD" => fields.day_of_year = Some(self.number(field, index, 3)?.0),
            "D" => fields.weekday = Some(self.number(field, index, 1)?.0 - 1),
            "ID" => fields.iso_weekday = Some(self.number(field, index, 1)?.0),
            "IDDD" => fields.iso_day = Some(self.number(field, index, 3)?.0),
            "WW" => fields.week = Some(self.number(field, index, 2)?.0),
            "W" => fields.week_of_month = Some(self.number(field, index, 1)?.0),
            "IW" => fields.iso_week = Some(self.number(field, index, 2)?.0),
            // The quarter says nothing that the month does not.
            "Q" => {
                self.number(field, index, 1)?;
            }
            "CC" => fields.century = Some(self.number(field, index, 2)?.0),
            "J" => fields.julian = Some(self.number(field, index, 7)?.0),
            "Y,YYY" => {
                let (thousands, _) = self.digits(field)?;
                self.take_character();
                let (rest, width) = self.digits(field)?;
                if width != 3 {
                    return Err(invalid("invalid input string for \"Y,YYY\"".to_owned()));
                }
                (fields.year, fields.year_digits) = (Some(thousands * 1000 + rest), 4);
            }
            "YYYY" | "YYY" | "YY" | "Y" => {
                let (year, used) = self.number(field, index, field.key.len())?;
                let year = if field.key.len() < 4 && used < 4 { partial_year(year) } else { year };
                (fields.year, fields.year_digits) = (Some(year), field.key.len());
            }
            "IYYY" | "IYY" | "IY" | "I" => {
                let (year, used) = self.number(field, index, field.key.len())?;
                fields.iso_year =
                    Some(if field.key.len() < 4 && used < 4 { partial_year(year) } else { year });
            }
            _ => {}
        }
        Ok(())
    }

    /// A name's place from 1.
    fn place(&mut self, field: &Field, names: &[&str]) -> Result<i64> {
        Ok(i64::try_from(self.name(field, names)?).unwrap_or(0) + 1)
    }

    /// Decimals of a second: `5` for `MS` is 500.
    fn fraction(&mut self, field: &Field, index: usize, width: usize) -> Result<i64> {
        let (number, used) = self.number(field, index, width)?;
        let scale = u32::try_from(width.saturating_sub(used)).unwrap_or(0);
        Ok(number.saturating_mul(10i64.saturating_pow(scale)).min(MAX_FIELD))
    }

    fn digits(&mut self, field: &Field) -> Result<(i64, usize)> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, after) = self.rest.split_at(end);
        let number: i32 =
            digits.parse().map_err(|_| invalid(format!("invalid input string for \"{}\"", shown(field))))?;
        self.rest = after;
        Ok((i64::from(number), digits.len()))
    }
}

fn abbreviated(names: &[&'static str]) -> Vec<&'static str> {
    names.iter().filter_map(|name| name.get(..3)).collect()
}

/// The keyword as it is written in the picture.
fn shown(field: &Field) -> String {
    match field.case {
        picture::Case::Upper => field.key.to_owned(),
        picture::Case::Lower => field.key.to_ascii_lowercase(),
        picture::Case::Title => {
            let (first, rest) = field.key.split_at_checked(1).unwrap_or((field.key, ""));
            format!("{first}{}", rest.to_ascii_lowercase())
        }
    }
}

fn is_number(key: &str) -> bool {
    !matches!(
        key,
        "A.D."
            | "A.M."
            | "AD"
            | "AM"
            | "B.C."
            | "BC"
            | "P.M."
            | "PM"
            | "DAY"
            | "DY"
            | "MONTH"
            | "MON"
            | "RM"
            | "FX"
            | "TZ"
            | "OF"
    )
}

/// A year of fewer than four digits is the one nearest to 2020.
fn partial_year(year: i64) -> i64 {
    match year {
        ..70 => year + 2000,
        70..100 => year + 1900,
        100..520 => year + 2000,
        520..1000 => year + 1000,
        _ => year,
    }
}

fn assemble(text: &str, fields: &Fields) -> Result<Read> {
    let date = date(text, fields)?;
    let mut hour = fields.hour;
    if fields.twelve_hours {
        if !(1..=12).contains(&hour) {
            return Err(invalid(format!("hour \"{hour}\" is invalid for the 12-hour clock")));
        }
        match fields.afternoon {
            Some(true) if hour < 12 => hour += 12,
            Some(false) if hour == 12 => hour = 0,
            _ => {}
        }
    }
    let (mut hour, mut minute, mut second) = (hour, fields.minute, fields.second);
    if let Some(seconds) = fields.seconds_of_day {
        (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    let fits = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second);
    let micros = ((hour * 60 + minute) * 60 + second) * 1_000_000 + fields.micros;
    if !fits || !(0..1_000_000).contains(&fields.micros) || micros > datetime::DAY_MICROS {
        return Err(out_of_range(text));
    }
    let offset = match fields.zone_sign {
        None => None,
        Some(_) if !(0..=15).contains(&fields.zone_hour) || !(0..60).contains(&fields.zone_minute) => {
            return Err(ValueError::new("22009", format!("time zone displacement out of range: \"{text}\"")));
        }
        Some(sign) => Some(sign * (fields.zone_hour * 3600 + fields.zone_minute * 60)),
    };
    Ok(Read { date, micros, offset })
}

/// The day of the fields: by ISO week, by Julian day, by day of the year, or by year, month and day, each 1 where missing.
fn date(text: &str, fields: &Fields) -> Result<i64> {
    let refused = |_| out_of_range(text);
    if let Some(julian) = fields.julian {
        return Ok(julian - JULIAN_EPOCH);
    }
    let year = year(fields);
    if let Some(iso_year) = fields.iso_year {
        if let Some(day) = fields.iso_day {
            return Ok(iso_start(iso_year)? + day - 1);
        }
        if let Some(week) = fields.iso_week {
            let weekday = fields.iso_weekday.unwrap_or(match fields.weekday {
                Some(0) => 7,
                Some(day) => day,
                None => 1,
            });
            return Ok(iso_start(iso_year)? + (week - 1) * 7 + weekday - 1);
        }
        return datetime::make_date(iso_year, fields.month.unwrap_or(1), fields.day.unwrap_or(1))
            .map_err(refused);
    }
    let day_of_year = fields.day_of_year.or(fields.week.map(|week| (week - 1) * 7 + 1));
    if let (Some(day), None) = (day_of_year, fields.month) {
        let start = datetime::make_date(year, 1, 1).map_err(refused)?;
        let leap = datetime::days_in_month(year, 2) == 29;
        if !(1..=if leap { 366 } else { 365 }).contains(&day) {
            return Err(out_of_range(text));
        }
        return Ok(start + day - 1);
    }
    let day = fields.day.or(fields.week_of_month.map(|week| (week - 1) * 7 + 1)).unwrap_or(1);
    datetime::make_date(year, fields.month.unwrap_or(1), day).map_err(refused)
}

/// The Monday of an ISO year's first week, the one with January 4.
fn iso_start(year: i64) -> Result<i64> {
    let fourth = datetime::make_date(year, 1, 4)?;
    Ok(fourth - (datetime::day_of_week(fourth) + 6) % 7)
}

/// The year with century and era; year 0 is 1 BC, which is also what a text without any year means.
fn year(fields: &Fields) -> i64 {
    let year = match (fields.year, fields.century) {
        (Some(year), Some(century)) if fields.year_digits <= 2 => {
            let in_century = year.rem_euclid(100);
            match (century, in_century) {
                // The last year of a century is a multiple of 100.
                (1.., 0) => century * 100,
                (1.., _) => (century - 1) * 100 + in_century,
                _ => century * 100 + in_century,
            }
        }
        (Some(year), _) => year,
        (None, Some(century)) if century >= 0 => (century - 1) * 100 + 1,
        (None, Some(century)) => century * 100 + 1,
        (None, None) => 0,
    };
    match (fields.year, fields.before_christ) {
        (Some(_), true) if year > 0 => 1 - year,
        (Some(_), false) if year < 0 => year + 1,
        _ => year,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,20}|[0-9 :-]{0,20}", picture in "(YYYY|MM|DD|HH24|MI|SS|MS|IW|J|Mon|TZH|FM|[ -]|\\PC){0,8}") {
            let _ = read(&text, &picture);
        }
    }
}
