//! `to_char` of numbers. A picture is read into nodes and counts (`Picture`); the number, rounded to the picture's decimals, is
//! then laid out node by node, with blanks, signs and separators where PostgreSQL puts them.

use super::Arg::{Float4, Float8, Int4, Int8, Numeric, Text};
use super::args::{bounded, float, int, some_text, text};
use super::decimal::number;
use super::picture::{Case, ordinal};
use super::{Builtin, function};
use crate::numeric::Decimal;
use crate::{Result, Value, ValueError};

pub(super) static TABLE: &[Builtin] = &[
    function("int4_to_char", "to_char", &[Int4, Text], Text, |_, a| of_integer(int(a, 0)?, text(a, 1)?))
        .stable(),
    function("int8_to_char", "to_char", &[Int8, Text], Text, |_, a| {
        of_decimal(&int(a, 0)?.into(), text(a, 1)?)
    })
    .stable(),
    function("numeric_to_char", "to_char", &[Numeric, Text], Text, |_, a| {
        of_decimal(&number(a, 0)?, text(a, 1)?)
    })
    .stable(),
    function("float4_to_char", "to_char", &[Float4, Text], Text, |_, a| {
        of_float(float(a, 0)?, text(a, 1)?, 6)
    })
    .stable(),
    function("float8_to_char", "to_char", &[Float8, Text], Text, |_, a| {
        of_float(float(a, 0)?, text(a, 1)?, 15)
    })
    .stable(),
];

/// The longest picture, in bytes.
const MAX_PICTURE_BYTES: usize = 64 << 10;
/// The most digits that `V` may shift by.
const MAX_SHIFT: usize = 500;
/// The width of a Roman number.
const ROMAN_WIDTH: usize = 15;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Nine,
    Zero,
    Point,
    Comma,
    Currency,
    Minus,
    Plus,
    Sign,
    Ordinal(Case),
    Roman(Case),
    /// Understood while reading, nothing by itself
    Silent,
    Text(char),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum SignPlace {
    #[default]
    None,
    Before,
    After,
}

/// A picture with what its nodes add up to.
#[derive(Debug, Default)]
struct Picture {
    nodes: Vec<Node>,
    /// Digits before the point
    pre: usize,
    /// Digits after it
    post: usize,
    /// Digits after `V`
    shift: usize,
    point: bool,
    shifted: bool,
    /// The place, from 1, of the first `0` before the point
    zero_start: Option<usize>,
    /// Digits up to the last `0`
    zero_end: usize,
    fill: bool,
    sign: SignPlace,
    /// Digits before an `S` that stands before the point
    pre_sign: usize,
    minus: bool,
    plus: bool,
    bracket: bool,
    roman: Option<Case>,
    scientific: bool,
}

const KEYWORDS: &[&str] = &[
    ",", ".", "0", "9", "B", "C", "D", "EEEE", "FM", "G", "L", "MI", "PL", "PR", "RN", "SG", "SP", "S", "TH",
    "V",
];

fn misplaced(message: &str) -> ValueError {
    ValueError::new("42601", message)
}

fn read(picture: &str) -> Result<Picture> {
    if picture.len() > MAX_PICTURE_BYTES {
        bounded(usize::MAX)?;
    }
    let mut read = Picture::default();
    let mut rest = picture;
    while !rest.is_empty() {
        let found = KEYWORDS.iter().find_map(|key| {
            let (head, after) = rest.split_at_checked(key.len())?;
            let lower = head == key.to_ascii_lowercase() && head != *key;
            (head == *key || lower).then_some((*key, if lower { Case::Lower } else { Case::Upper }, after))
        });
        if let Some((key, case, after)) = found {
            let node = read.keyword(key, case)?;
            read.nodes.push(node);
            rest = after;
            continue;
        }
        let mut characters = rest.chars();
        match characters.next() {
            Some('"') => {
                while let Some(c) = characters.next() {
                    match c {
                        '"' => break,
                        '\\' => read.nodes.extend(characters.next().map(Node::Text)),
                        c => read.nodes.push(Node::Text(c)),
                    }
                }
            }
            Some('\\') if characters.as_str().starts_with('"') => {
                characters.next();
                read.nodes.push(Node::Text('"'));
            }
            Some(c) => read.nodes.push(Node::Text(c)),
            None => {}
        }
        rest = characters.as_str();
    }
    if read.roman.is_some() {
        (read.pre, read.post, read.point, read.sign) = (0, 0, false, SignPlace::None);
    }
    Ok(read)
}

impl Picture {
    fn keyword(&mut self, key: &str, case: Case) -> Result<Node> {
        if self.scientific && key != "EEEE" {
            return Err(misplaced("\"EEEE\" must be the last pattern used"));
        }
        let together = "cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together";
        match key {
            "9" | "0" if self.bracket => {
                return Err(misplaced(&format!("\"{key}\" must be ahead of \"PR\"")));
            }
            "9" => {
                match (self.shifted, self.point) {
                    (true, _) => self.shift += 1,
                    (false, true) => self.post += 1,
                    (false, false) => self.pre += 1,
                }
                return Ok(Node::Nine);
            }
            "0" => {
                if self.zero_start.is_none() && !self.point {
                    self.zero_start = Some(self.pre + 1);
                }
                if self.point {
                    self.post += 1
                } else {
                    self.pre += 1
                }
                self.zero_end = self.pre + self.post;
                return Ok(Node::Zero);
            }
            "." | "D" => {
                if self.point {
                    return Err(misplaced("multiple decimal points"));
                }
                if self.shifted {
                    return Err(misplaced("cannot use \"V\" and decimal point together"));
                }
                self.point = true;
                return Ok(Node::Point);
            }
            "," | "G" => return Ok(Node::Comma),
            "L" => return Ok(Node::Currency),
            "FM" => self.fill = true,
            "S" => {
                if self.sign != SignPlace::None {
                    return Err(misplaced("cannot use \"S\" twice"));
                }
                if self.plus || self.minus || self.bracket {
                    return Err(misplaced(together));
                }
                if self.point {
                    self.sign = SignPlace::After;
                } else {
                    (self.sign, self.pre_sign) = (SignPlace::Before, self.pre);
                }
            }
            "MI" | "PL" | "SG" => {
                if self.sign != SignPlace::None {
                    return Err(misplaced(&format!("cannot use \"S\" and \"{key}\" together")));
                }
                self.minus |= key != "PL";
                self.plus |= key != "MI";
                return Ok(match key {
                    "MI" => Node::Minus,
                    "PL" => Node::Plus,
                    _ => Node::Sign,
                });
            }
            "PR" => {
                if self.sign != SignPlace::None || self.plus || self.minus {
                    return Err(misplaced("cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together"));
                }
                self.bracket = true;
            }
            "RN" => {
                self.roman = Some(case);
                return Ok(Node::Roman(case));
            }
            "TH" => return Ok(Node::Ordinal(case)),
            "V" => {
                if self.point {
                    return Err(misplaced("cannot use \"V\" and decimal point together"));
                }
                self.shifted = true;
            }
            "EEEE" => {
                if self.scientific {
                    return Err(misplaced("cannot use \"EEEE\" twice"));
                }
                if self.fill
                    || self.sign != SignPlace::None
                    || self.plus
                    || self.minus
                    || self.bracket
                    || self.roman.is_some()
                    || self.shifted
                {
                    return Err(misplaced("\"EEEE\" is incompatible with other formats").with_detail(
                        "\"EEEE\" may only be used together with digit and decimal point patterns.",
                    ));
                }
                self.scientific = true;
            }
            // `B`, `C` and `SP` are read and without effect.
            _ => {}
        }
        Ok(Node::Silent)
    }
}

/// PostgreSQL writes an integer's scientific form by way of a double, which rounds ties to even.
#[allow(clippy::cast_precision_loss, reason = "an integer of 32 bits is exact")]
fn of_integer(number: i64, picture: &str) -> Result<Value> {
    let read = read(picture)?;
    if read.scientific {
        return some_text(exponent_form(&format!("{:.*e}", read.post, number as f64), number < 0));
    }
    of_decimal(&number.into(), picture)
}

fn of_decimal(number: &Decimal, picture: &str) -> Result<Value> {
    let mut picture = read(picture)?;
    if picture.roman.is_some() {
        let whole = number.round(0)?.to_i64();
        return some_text(layout(&picture, "", false, &roman(whole)));
    }
    if picture.scientific {
        return some_text(scientific(&number.to_string(), number.is_negative(), picture.post)?);
    }
    let digits = i32::try_from(picture.post).unwrap_or(i32::MAX).min(2000);
    let shifted = shifted(number, &mut picture)?;
    finish(&picture, &shifted.round(digits)?.to_string())
}

fn of_float(number: f64, picture: &str, precision: usize) -> Result<Value> {
    let mut picture = read(picture)?;
    if picture.roman.is_some() {
        #[allow(clippy::cast_possible_truncation, reason = "saturates, and only 1 to 3999 has a Roman form")]
        let whole = number.round_ties_even() as i64;
        return some_text(layout(&picture, "", false, &roman(Some(whole))));
    }
    if picture.scientific {
        if number.is_infinite() {
            return finish(&picture, &"#".repeat(picture.pre + picture.post + 2));
        }
        return some_text(exponent_form(&format!("{number:.*e}", picture.post), number < 0.0));
    }
    if number.is_infinite() {
        let sign = if number < 0.0 { "-" } else { "" };
        return finish(&picture, &format!("{sign}Infinity"));
    }
    let number = number * 10f64.powi(i32::try_from(picture.shift.min(MAX_SHIFT)).unwrap_or(0));
    picture.pre += picture.shift;
    // No more digits than the type has.
    let whole_digits = format!("{:.0}", number.abs()).len();
    picture.post = picture.post.min(precision.saturating_sub(whole_digits));
    finish(&picture, &format!("{number:.*}", picture.post))
}

/// The number times ten to the digits after `V`.
fn shifted(number: &Decimal, picture: &mut Picture) -> Result<Decimal> {
    if picture.shift == 0 {
        return Ok(number.clone());
    }
    if picture.shift > MAX_SHIFT {
        return Err(ValueError::new("22003", "value overflows numeric format"));
    }
    picture.pre += picture.shift;
    number.mul(&Decimal::parse(&format!("1e{}", picture.shift))?)
}

/// Puts the rounded text of a number into the picture; `#` where it has too many digits.
fn finish(picture: &Picture, rounded: &str) -> Result<Value> {
    let (negative, digits) = match rounded.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, rounded),
    };
    let before = digits.find('.').unwrap_or(digits.len());
    if before > picture.pre || digits.starts_with(|c: char| !c.is_ascii_digit()) {
        let overflowed = format!("{}.{}", "#".repeat(picture.pre), "#".repeat(picture.post));
        return some_text(layout(picture, &overflowed, negative, ""));
    }
    some_text(layout(picture, digits, negative, ""))
}

fn scientific(plain: &str, negative: bool, decimals: usize) -> Result<String> {
    let number = Decimal::parse(plain)?;
    if number.is_zero() {
        return Ok(exponent_form(&format!("{:.*e}", decimals, 0.0), false));
    }
    let digits = number.unscaled().to_string();
    let digits = digits.trim_start_matches('-');
    let scale = i64::from(number.scale());
    let exponent = i64::try_from(digits.len()).unwrap_or(i64::MAX) - 1 - scale;
    // Rounded as a number between 1 and 10.
    let shape = format!("{}.{}", digits.get(..1).unwrap_or("0"), digits.get(1..).unwrap_or(""));
    let places = i32::try_from(decimals).unwrap_or(i32::MAX).min(2000);
    let mantissa = Decimal::parse(shape.trim_end_matches('.'))?.round(places)?;
    let sign = if negative { "-" } else { "" };
    Ok(exponent_form(&format!("{sign}{mantissa}e{exponent}"), negative))
}

/// `1.2e4` as `1.2e+04`, with a blank for the sign of a positive number.
fn exponent_form(number: &str, negative: bool) -> String {
    let (mantissa, exponent) = number.split_once('e').unwrap_or((number, "0"));
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{}{mantissa}e{sign}{digits:0>2}", if negative { "" } else { " " })
}

fn roman(number: Option<i64>) -> String {
    const PARTS: [(i64, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    let Some(mut rest) = number.filter(|number| (1..4000).contains(number)) else {
        return "#".repeat(ROMAN_WIDTH);
    };
    let mut out = String::new();
    for (value, letters) in PARTS {
        while rest >= value {
            out.push_str(letters);
            rest -= value;
        }
    }
    out
}

/// Where the layout of one number stands.
struct Layout<'a> {
    picture: &'a Picture,
    out: String,
    /// The number's digits and point, with a terminating NUL
    digits: Vec<char>,
    /// The next of them
    at: usize,
    /// The last one that `FM` keeps
    last_kept: Option<usize>,
    negative: bool,
    sign: SignPlace,
    bracket: bool,
    sign_written: bool,
    /// A digit has been written
    inside: bool,
    /// The number of digit nodes that are done, and of those there are
    done: usize,
    count: usize,
    /// Places before the point that the number does not fill
    blanks: usize,
}

fn layout(picture: &Picture, digits: &str, negative: bool, roman: &str) -> String {
    let mut layout = Layout::new(picture, digits, negative);
    for node in &picture.nodes {
        layout.node(*node, digits, roman);
    }
    layout.out
}

impl<'a> Layout<'a> {
    fn new(picture: &'a Picture, digits: &str, negative: bool) -> Layout<'a> {
        let before = digits.find('.').unwrap_or(digits.len());
        let blanks = picture.pre.saturating_sub(before);
        let bracket = picture.bracket && (negative || !picture.fill);
        let explicit = picture.plus || picture.minus;
        let sign_written = if explicit {
            picture.minus
        } else {
            !negative && picture.fill && picture.sign == SignPlace::None
        };
        let at_end = picture.sign == SignPlace::Before && picture.pre == picture.pre_sign && !explicit;
        let last_kept = if picture.fill && picture.point { last_kept(picture, digits, blanks) } else { None };
        let count =
            (picture.post + picture.pre).saturating_sub(1) + usize::from(!sign_written && blanks == 0);
        Layout {
            picture,
            out: String::new(),
            digits: digits.chars().chain(['\0']).collect(),
            at: 0,
            last_kept,
            negative,
            sign: if at_end { SignPlace::After } else { picture.sign },
            bracket,
            sign_written,
            inside: false,
            done: 0,
            count,
            blanks,
        }
    }

    fn node(&mut self, node: Node, digits: &str, roman: &str) {
        let fill = self.picture.fill;
        match node {
            Node::Nine | Node::Zero | Node::Point => self.digit(node),
            Node::Comma if self.inside => self.out.push(','),
            Node::Comma | Node::Currency if fill && node == Node::Comma => {}
            Node::Comma | Node::Currency => self.out.push(' '),
            Node::Minus if self.negative => self.out.push('-'),
            Node::Plus if !self.negative => self.out.push('+'),
            Node::Minus | Node::Plus if fill => {}
            Node::Minus | Node::Plus => self.out.push(' '),
            Node::Sign => self.out.push(if self.negative { '-' } else { '+' }),
            Node::Ordinal(case) => {
                let plain = self.picture.roman.is_none() && !self.picture.point && !self.negative;
                if plain && !digits.starts_with('#') {
                    self.out.push_str(ordinal(digits, case));
                }
            }
            Node::Roman(case) => {
                let roman = if case == Case::Lower { roman.to_ascii_lowercase() } else { roman.to_owned() };
                if fill {
                    self.out.push_str(&roman)
                } else {
                    self.out.push_str(&format!("{roman:>ROMAN_WIDTH$}"))
                }
            }
            Node::Silent => {}
            Node::Text(c) => self.out.push(c),
        }
    }

    fn current(&self) -> char {
        self.digits.get(self.at).copied().unwrap_or('\0')
    }

    /// A lone `0` before the point is not shown when there are decimals and no `0` in the picture.
    fn hides_zero(&self) -> bool {
        self.picture.zero_start.is_none() && self.at == 0 && self.current() == '0' && self.picture.post != 0
    }

    fn last_kept_is_point(&self) -> bool {
        self.last_kept.is_some_and(|last| self.digits.get(last) == Some(&'.'))
    }

    fn sign_text(&self) -> char {
        if self.negative { '-' } else { '+' }
    }

    fn write_sign(&mut self) {
        // The zero's place counts from 1 where the places done count from 0.
        let at_zero = self.picture.zero_start == Some(self.done + 1);
        if self.sign_written || !(self.done >= self.blanks || at_zero) {
            return;
        }
        if self.hides_zero() && !self.last_kept_is_point() {
            return;
        }
        if self.sign != SignPlace::None {
            if self.sign == SignPlace::Before {
                let sign = self.sign_text();
                self.out.push(sign);
                self.sign_written = true;
            }
            return;
        }
        if self.bracket {
            self.out.push(if self.negative { '<' } else { ' ' });
        } else if self.negative {
            self.out.push('-');
        } else if !self.picture.fill {
            self.out.push(' ');
        }
        self.sign_written = true;
    }

    /// One digit or the point, or the blank or zero in its place.
    fn digit(&mut self, node: Node) {
        self.write_sign();
        let fill = self.picture.fill;
        let zeros = self.picture.zero_start.is_some_and(|start| start <= self.done + 1);
        if self.done < self.blanks && !zeros {
            if !fill {
                self.out.push(' ');
            }
        } else if self.done < self.blanks {
            self.out.push('0');
            self.inside = true;
        } else {
            self.number_character(node);
            if self.current() != '\0' {
                self.at += 1;
            }
            self.after_last();
        }
        if self.done < self.blanks {
            self.after_last();
        }
        self.done += 1;
    }

    fn number_character(&mut self, node: Node) {
        let fill = self.picture.fill;
        match self.current() {
            '.' => {
                if !self.last_kept_is_point() || fill {
                    self.out.push('.');
                }
            }
            _ if self.last_kept.is_some_and(|last| self.at > last) && node != Node::Zero => {}
            _ if self.hides_zero() => {
                if !fill {
                    self.out.push(' ');
                } else if self.last_kept_is_point() {
                    self.out.push('0');
                }
            }
            '\0' => self.inside = true,
            digit => {
                self.out.push(digit);
                self.inside = true;
            }
        }
    }

    /// The sign or bracket that follows the last digit.
    fn after_last(&mut self) {
        let mut end = self.count + usize::from(self.blanks > 0) + usize::from(self.picture.point);
        if self.last_kept.is_some_and(|last| last == self.at) {
            end = self.done;
        }
        if self.done + 1 != end {
            return;
        }
        if self.sign_written && self.bracket {
            self.out.push(if self.negative { '>' } else { ' ' });
        } else if self.sign == SignPlace::After {
            let sign = self.sign_text();
            self.out.push(sign);
        }
    }
}

/// The last character that `FM` keeps: the last decimal that is not 0, or the point, or what a `0` of the picture asks for.
fn last_kept(picture: &Picture, digits: &str, blanks: usize) -> Option<usize> {
    let point = digits.find('.')?;
    let decimals = digits.char_indices().skip(point + 1);
    let last = decimals.filter(|(_, c)| *c != '0').last().map_or(point, |(at, _)| at);
    if picture.zero_end > blanks {
        let asked = (digits.len() - 1).min(picture.zero_end - blanks);
        return Some(last.max(asked));
    }
    Some(last)
}
