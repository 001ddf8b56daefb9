//! `column=[not.]op.value` and logic trees: `or=(a.eq.1,and(b.gt.2,not.c.is.null))`.

use plinth_query::request::{
    Comparison, Containment, FieldPath, Filter, Is, Operation, Quantifier, TextSearch,
};

use super::cursor::{Cursor, MAX_NESTING};
use super::field::field_path;
use crate::error::ApiError;

const OPERATORS: &str = "operator (eq, gt, ...)";

/// Parses the right side of `field=…`.
pub(crate) fn condition(field: FieldPath, text: &str) -> Result<Filter, ApiError> {
    let mut cursor = Cursor::new("filter", text);
    let (negated, op) = operation(&mut cursor, Place::Parameter)?;
    Ok(Filter::Condition { negated, field, op })
}

/// Whether the text looks like `[not.]op…`: decides between a filter and an argument of a function.
pub(crate) fn has_operator(text: &str) -> bool {
    operation(&mut Cursor::new("filter", text), Place::Parameter).is_ok()
}

/// Parses `and=(…)`/`or=(…)`: the text with its parentheses.
pub(crate) fn logic(negated: bool, all: bool, text: &str) -> Result<Filter, ApiError> {
    let mut cursor = Cursor::new("logic tree", text);
    cursor.skip_blanks();
    let filters = group(&mut cursor, 0)?;
    cursor.skip_blanks();
    cursor.skip_surplus_parentheses();
    if !cursor.at_end() {
        return Err(cursor.unexpected("end of input"));
    }
    Ok(Filter::Logic { negated, all, filters })
}

fn group(cursor: &mut Cursor<'_>, depth: usize) -> Result<Vec<Filter>, ApiError> {
    if depth > MAX_NESTING {
        return Err(cursor.error(format!("conditions are nested at most {MAX_NESTING} deep")));
    }
    cursor.expect("(")?;
    let mut filters = Vec::new();
    loop {
        cursor.skip_blanks();
        filters.push(member(cursor, depth)?);
        cursor.skip_blanks();
        if cursor.eat(")") {
            return Ok(filters);
        }
        if !cursor.eat(",") {
            return Err(cursor.unexpected("\",\" or \")\""));
        }
    }
}

fn member(cursor: &mut Cursor<'_>, depth: usize) -> Result<Filter, ApiError> {
    let start = cursor.mark();
    for (word, negated, all) in
        [("not.and", true, true), ("not.or", true, false), ("and", false, true), ("or", false, false)]
    {
        if cursor.eat(word) {
            cursor.skip_blanks();
            if cursor.peek() == Some('(') {
                return Ok(Filter::Logic { negated, all, filters: group(cursor, depth + 1)? });
            }
            cursor.reset(start);
        }
    }
    let field = field_path(cursor)?;
    cursor.expect(".")?;
    let (negated, op) = operation(cursor, Place::Logic)?;
    Ok(Filter::Condition { negated, field, op })
}

/// Where an operation stands: as a parameter its value is all the rest; in a logic tree it ends at `,` or `)`; among conditions on
/// groups at these or at the end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Parameter,
    Logic,
    Group,
}

impl Place {
    /// Whether a value ends here.
    fn ends(self, cursor: &Cursor<'_>) -> bool {
        match (self, cursor.peek()) {
            (Place::Parameter | Place::Group, None) => true,
            (Place::Logic | Place::Group, Some(c)) => matches!(c, ',' | ')'),
            (Place::Parameter, Some(_)) | (Place::Logic, None) => false,
        }
    }
}

pub(super) fn operation(cursor: &mut Cursor<'_>, place: Place) -> Result<(bool, Operation), ApiError> {
    let negated = cursor.eat("not.");
    let start = cursor.mark();
    let word = cursor.take_while(|c| c.is_ascii_alphabetic());
    let op = match word {
        "in" => {
            cursor.expect(".")?;
            Operation::In(list(cursor)?)
        }
        "is" => {
            cursor.expect(".")?;
            Operation::Is(is(cursor, place)?)
        }
        "isdistinct" => {
            cursor.expect(".")?;
            Operation::IsDistinct(value(cursor, place)?)
        }
        "fts" | "plfts" | "phfts" | "wfts" => {
            let op = match word {
                "fts" => TextSearch::Query,
                "plfts" => TextSearch::Plain,
                "phfts" => TextSearch::Phrase,
                _ => TextSearch::Web,
            };
            let language = if cursor.eat("(") {
                let language = cursor.take_while(|c| c.is_alphanumeric() || c == '_').to_owned();
                cursor.expect(")")?;
                Some(language)
            } else {
                None
            };
            cursor.expect(".")?;
            Operation::TextSearch { op, language, value: value(cursor, place)? }
        }
        _ => match (comparison(word), containment(word)) {
            (Some(op), _) => compare(cursor, place, op)?,
            (_, Some(op)) => {
                cursor.expect(".")?;
                Operation::Containment { op, value: value(cursor, place)? }
            }
            _ => {
                cursor.reset(start);
                return Err(cursor.unexpected(OPERATORS));
            }
        },
    };
    Ok((negated, op))
}

fn compare(cursor: &mut Cursor<'_>, place: Place, op: Comparison) -> Result<Operation, ApiError> {
    let quantifier = if op == Comparison::Neq {
        None
    } else if cursor.eat("(any)") {
        Some(Quantifier::Any)
    } else if cursor.eat("(all)") {
        Some(Quantifier::All)
    } else {
        None
    };
    cursor.expect(".")?;
    let mut value = value(cursor, place)?;
    if matches!(op, Comparison::Like | Comparison::Ilike) {
        value = value.replace('*', "%");
    }
    Ok(Operation::Compare { op, quantifier, value })
}

fn comparison(word: &str) -> Option<Comparison> {
    Some(match word {
        "eq" => Comparison::Eq,
        "neq" => Comparison::Neq,
        "gt" => Comparison::Gt,
        "gte" => Comparison::Gte,
        "lt" => Comparison::Lt,
        "lte" => Comparison::Lte,
        "like" => Comparison::Like,
        "ilike" => Comparison::Ilike,
        "match" => Comparison::Match,
        "imatch" => Comparison::Imatch,
        _ => return None,
    })
}

fn containment(word: &str) -> Option<Containment> {
    Some(match word {
        "cs" => Containment::Contains,
        "cd" => Containment::Contained,
        "ov" => Containment::Overlaps,
        "sl" => Containment::StrictlyLeft,
        "sr" => Containment::StrictlyRight,
        "nxr" => Containment::NotRightOf,
        "nxl" => Containment::NotLeftOf,
        "adj" => Containment::Adjacent,
        _ => return None,
    })
}

fn is(cursor: &mut Cursor<'_>, place: Place) -> Result<Is, ApiError> {
    let start = cursor.mark();
    let word = cursor.take_while(|c| c.is_ascii_alphabetic() || c == '_').to_ascii_lowercase();
    let ends = place.ends(cursor);
    match word.as_str() {
        "null" if ends => Ok(Is::Null),
        "not_null" if ends => Ok(Is::NotNull),
        "true" if ends => Ok(Is::True),
        "false" if ends => Ok(Is::False),
        "unknown" if ends => Ok(Is::Unknown),
        _ => {
            cursor.reset(start);
            Err(cursor.unexpected("isVal: (null, not_null, true, false, unknown)"))
        }
    }
}

fn value(cursor: &mut Cursor<'_>, place: Place) -> Result<String, ApiError> {
    match place {
        Place::Parameter => Ok(cursor.take_while(|_| true).to_owned()),
        Place::Logic | Place::Group => logic_value(cursor, place),
    }
}

/// In a logic tree: quoted, an array or composite literal in braces, or everything up to `,` or `)`.
fn logic_value(cursor: &mut Cursor<'_>, place: Place) -> Result<String, ApiError> {
    let start = cursor.mark();
    if cursor.peek() == Some('"')
        && let Ok(text) = cursor.quoted()
        && place.ends(cursor)
    {
        return Ok(text);
    }
    cursor.reset(start);
    if cursor.peek() == Some('{')
        && let Some(literal) = braces(cursor, place)
    {
        return Ok(literal);
    }
    cursor.reset(start);
    Ok(cursor.take_while(|c| !matches!(c, ',' | ')')).to_owned())
}

/// A balanced `{…}`, quotes respected; `None` when it does not close before `,` or `)`.
fn braces(cursor: &mut Cursor<'_>, place: Place) -> Option<String> {
    let mut literal = String::new();
    let mut open = 0_usize;
    let mut in_quotes = false;
    while let Some(c) = cursor.next() {
        literal.push(c);
        match c {
            '\\' => literal.push(cursor.next()?),
            '"' => in_quotes = !in_quotes,
            '{' if !in_quotes => open += 1,
            '}' if !in_quotes => {
                open = open.checked_sub(1)?;
                if open == 0 {
                    return place.ends(cursor).then_some(literal);
                }
            }
            _ => {}
        }
    }
    None
}

/// `(a,"b,c",d)`. A list of one empty element is the empty list.
fn list(cursor: &mut Cursor<'_>) -> Result<Vec<String>, ApiError> {
    cursor.skip_blanks();
    cursor.expect("(")?;
    cursor.skip_blanks();
    let mut values = Vec::new();
    loop {
        cursor.skip_blanks();
        values.push(logic_list_value(cursor));
        if cursor.eat(",") {
            continue;
        }
        cursor.expect(")")?;
        cursor.skip_blanks();
        break;
    }
    if values.len() == 1 && values.first().is_some_and(String::is_empty) {
        values.clear();
    }
    Ok(values)
}

fn logic_list_value(cursor: &mut Cursor<'_>) -> String {
    let start = cursor.mark();
    if cursor.peek() == Some('"')
        && let Ok(text) = cursor.quoted()
        && matches!(cursor.peek(), Some(',' | ')'))
    {
        return text;
    }
    cursor.reset(start);
    cursor.take_while(|c| !matches!(c, ',' | ')')).to_owned()
}
