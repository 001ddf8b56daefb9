//! Which built-in a name and argument types mean: PostgreSQL's "Operator Type Resolution" and "Function Type Resolution".
//! Responsible for the choice and for the types after coercion, not for coercing. Its input is the table of built-ins.

use std::collections::HashSet;

use super::{Arg, Builtin, Kind, Resolved, Unresolved, by_name};
use crate::Type;
use crate::cast::{self, Context};
use crate::range::RangeKind;

/// A built-in whose number of arguments fits, with one parameter per given argument.
#[derive(Clone)]
struct Candidate {
    builtin: &'static Builtin,
    parameters: Vec<Arg>,
}

/// PostgreSQL's `pg_type.typcategory`, as far as the choice needs it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Category {
    Bool,
    Number,
    String,
    DateTime,
    Interval,
    Array,
    Range,
    Enum,
    Pseudo,
    Unknown,
    Other,
}

/// Finds the built-in for a name and argument types by PostgreSQL's rules ("Function Type Resolution", "Operator Type
/// Resolution"): an exact match, else the best match through implicit casts, `Unknown` arguments taking the type that fits.
pub fn resolve(name: &str, kinds: &[Kind], args: &[Type]) -> Result<Resolved, Unresolved> {
    let named: Vec<&'static Builtin> =
        by_name(name).iter().copied().filter(|builtin| kinds.contains(&builtin.kind)).collect();
    if named.is_empty() {
        return Err(Unresolved::NoSuchName);
    }
    let candidates: Vec<Candidate> =
        named.iter().filter_map(|builtin| candidate(builtin, args.len())).collect();
    let exact = exact(&candidates, args, args.iter().all(|ty| *ty != Type::Unknown));
    // An operator's undecided operand is first taken to be of the other operand's type.
    let exact = exact.or_else(|| match args {
        [Type::Unknown, known] | [known, Type::Unknown] if kinds.contains(&Kind::Operator) => {
            self::exact(&candidates, &[known.clone(), known.clone()], *known != Type::Unknown)
        }
        _ => None,
    });
    let chosen = match exact {
        Some(candidate) => candidate,
        None => best(candidates, args)?,
    };
    if chosen.parameters.contains(&Arg::AnyRange) && range_kind(&chosen.parameters, args) == Some(None) {
        // Which range a bare literal is, nothing says.
        return Err(Unresolved::Ambiguous);
    }
    complete(&chosen, args).ok_or(Unresolved::NoSuchSignature)
}

fn candidate(builtin: &'static Builtin, given: usize) -> Option<Candidate> {
    let declared = builtin.args.len();
    let fits = given >= declared.saturating_sub(builtin.optional) && (given <= declared || builtin.variadic);
    let parameters = builtin.args.iter().chain(builtin.args.last().into_iter().cycle()).copied().take(given);
    fits.then(|| Candidate { builtin, parameters: parameters.collect() })
}

fn exact(candidates: &[Candidate], args: &[Type], decided: bool) -> Option<Candidate> {
    let equals = |candidate: &&Candidate| {
        candidate.parameters.iter().zip(args).all(|(parameter, ty)| parameter.concrete().as_ref() == Some(ty))
    };
    candidates.iter().filter(|_| decided).find(equals).cloned()
}

/// PostgreSQL's `func_select_candidate`: each rule keeps the better ones, until one is left.
fn best(candidates: Vec<Candidate>, args: &[Type]) -> Result<Candidate, Unresolved> {
    let fitting: Vec<Candidate> =
        candidates.into_iter().filter(|candidate| accepts(&candidate.parameters, args)).collect();
    if fitting.is_empty() {
        return Err(Unresolved::NoSuchSignature);
    }
    let fitting = keep_most(fitting, |candidate| count(candidate, args, is_exactly));
    let fitting = keep_most(fitting, |candidate| {
        count(candidate, args, |parameter, ty| {
            is_exactly(parameter, ty) || (is_preferred(parameter) && category_of(parameter) == category(ty))
        })
    });
    let fitting = match one(fitting) {
        Ok(chosen) => return Ok(chosen),
        Err(several) => several,
    };
    if !args.contains(&Type::Unknown) {
        return Err(Unresolved::Ambiguous);
    }
    let fitting = match one(keep_category(fitting, args)) {
        Ok(chosen) => return Ok(chosen),
        Err(several) => several,
    };
    // Where the decided arguments are all of one type, the undecided ones are tried as that type.
    let known: HashSet<&Type> = args.iter().filter(|ty| **ty != Type::Unknown).collect();
    let mut known = known.into_iter();
    let (Some(known), None) = (known.next(), known.next()) else {
        return Err(Unresolved::Ambiguous);
    };
    let assumed = vec![known.clone(); args.len()];
    let fitting = fitting.into_iter().filter(|candidate| accepts(&candidate.parameters, &assumed)).collect();
    one(fitting).map_err(|_| Unresolved::Ambiguous)
}

fn one(mut candidates: Vec<Candidate>) -> Result<Candidate, Vec<Candidate>> {
    match candidates.pop() {
        Some(last) if candidates.is_empty() => Ok(last),
        Some(last) => {
            candidates.push(last);
            Err(candidates)
        }
        None => Err(candidates),
    }
}

fn count(candidate: &Candidate, args: &[Type], good: impl Fn(Arg, &Type) -> bool) -> usize {
    let pairs = candidate.parameters.iter().zip(args);
    pairs.filter(|(parameter, ty)| **ty != Type::Unknown && good(**parameter, ty)).count()
}

fn keep_most(candidates: Vec<Candidate>, score: impl Fn(&Candidate) -> usize) -> Vec<Candidate> {
    let most = candidates.iter().map(&score).max().unwrap_or(0);
    candidates.into_iter().filter(|candidate| score(candidate) == most).collect()
}

/// For each undecided argument: the string category when any candidate takes a string there, else the one category that all
/// take; then only the preferred type of it, when any candidate takes that. Without such a category nothing changes.
fn keep_category(candidates: Vec<Candidate>, args: &[Type]) -> Vec<Candidate> {
    let mut wanted: Vec<(usize, Category, bool)> = Vec::new();
    for (position, _) in args.iter().enumerate().filter(|(_, ty)| **ty == Type::Unknown) {
        let at: Vec<Arg> =
            candidates.iter().filter_map(|candidate| candidate.parameters.get(position).copied()).collect();
        let Some(first) = at.first().map(|parameter| category_of(*parameter)) else {
            return candidates;
        };
        let category = if at.iter().any(|parameter| category_of(*parameter) == Category::String) {
            Category::String
        } else if at.iter().all(|parameter| category_of(*parameter) == first) {
            first
        } else {
            return candidates;
        };
        let preferred =
            at.iter().any(|parameter| category_of(*parameter) == category && is_preferred(*parameter));
        wanted.push((position, category, preferred));
    }
    let kept: Vec<Candidate> = candidates
        .iter()
        .filter(|candidate| {
            wanted.iter().all(|(position, category, preferred)| {
                candidate.parameters.get(*position).is_some_and(|parameter| {
                    category_of(*parameter) == *category && (!preferred || is_preferred(*parameter))
                })
            })
        })
        .cloned()
        .collect();
    if kept.is_empty() { candidates } else { kept }
}

fn is_exactly(parameter: Arg, ty: &Type) -> bool {
    parameter.concrete().as_ref() == Some(ty)
}

fn implicit(from: &Type, to: &Type) -> bool {
    from == to || *from == Type::Unknown || cast::context(from, to) == Some(Context::Implicit)
}

/// Whether a signature takes the arguments through implicit casts.
fn accepts(parameters: &[Arg], args: &[Type]) -> bool {
    let each = parameters.iter().zip(args).all(|(parameter, ty)| match parameter {
        Arg::Any | Arg::AnyElement => true,
        Arg::AnyNonArray => ty.element().is_none(),
        Arg::AnyArray => ty.element().is_some() || *ty == Type::Unknown,
        Arg::AnyEnum => matches!(ty, Type::Enum(_) | Type::Unknown),
        Arg::AnyRange => matches!(ty, Type::Range(_) | Type::Unknown),
        Arg::RangeElement => true,
        other => other.concrete().is_some_and(|parameter| implicit(ty, &parameter)),
    });
    each && common(parameters, args).is_some() && range_kind(parameters, args).is_some()
}

/// The type that `AnyElement` or `AnyEnum` stands for; `None` when the arguments have no common type, `Unknown` when nothing
/// decides it.
fn common(parameters: &[Arg], args: &[Type]) -> Option<Type> {
    let decided: Vec<&Type> = parameters
        .iter()
        .zip(args)
        .filter(|(_, ty)| **ty != Type::Unknown)
        .filter_map(|(parameter, ty)| match parameter {
            Arg::AnyElement | Arg::AnyEnum => Some(ty),
            Arg::AnyArray => ty.element(),
            _ => None,
        })
        .collect();
    let mut chosen = match decided.first() {
        Some(first) => (*first).clone(),
        None => return Some(Type::Unknown),
    };
    for ty in &decided {
        if category(ty) != category(&chosen) {
            return None;
        }
        let preferred = is_preferred_type(&chosen);
        if !preferred && **ty != chosen && implicit(&chosen, ty) && !implicit(ty, &chosen) {
            chosen = (*ty).clone();
        }
    }
    decided.iter().all(|ty| implicit(ty, &chosen)).then_some(chosen)
}

/// The range that `AnyRange` stands for: `Some(None)` when nothing decides it, `None` when the arguments contradict each other.
fn range_kind(parameters: &[Arg], args: &[Type]) -> Option<Option<RangeKind>> {
    let mut found: Option<RangeKind> = None;
    for (parameter, ty) in parameters.iter().zip(args) {
        if let (Arg::AnyRange, Type::Range(kind)) = (parameter, ty) {
            if found.is_some_and(|found| found != *kind) {
                return None;
            }
            found = Some(*kind);
        }
    }
    let element = found.map(RangeKind::subtype);
    let fits = |(parameter, ty): (&Arg, &Type)| {
        *parameter != Arg::RangeElement
            || *ty == Type::Unknown
            || element.as_ref().is_none_or(|element| element == ty)
    };
    parameters.iter().zip(args).all(fits).then_some(found)
}

fn complete(candidate: &Candidate, args: &[Type]) -> Option<Resolved> {
    let common = match common(&candidate.parameters, args)? {
        // A bare literal alone is text; an array or an enum cannot be guessed.
        Type::Unknown if candidate.parameters.iter().any(|p| matches!(p, Arg::AnyArray | Arg::AnyEnum)) => {
            return None;
        }
        Type::Unknown => Type::Text,
        decided => decided,
    };
    let range = range_kind(&candidate.parameters, args)?;
    let coerced = |parameter: Arg, given: &Type| match parameter {
        Arg::AnyRange => range.map_or(Type::Unknown, Type::Range),
        Arg::RangeElement => range.map_or(Type::Unknown, RangeKind::subtype),
        Arg::Any | Arg::AnyNonArray if *given == Type::Unknown => Type::Text,
        Arg::Any | Arg::AnyNonArray => given.clone(),
        Arg::AnyElement | Arg::AnyEnum => common.clone(),
        // An array of arrays is an array of more dimensions, of the same type.
        Arg::AnyArray => common.clone().array(),
        other => other.concrete().unwrap_or(Type::Text),
    };
    let types = candidate.parameters.iter().zip(args).map(|(parameter, given)| coerced(*parameter, given));
    let returns = match candidate.builtin.returns {
        // An array as element of an array result gives the same array type, one dimension more.
        Arg::AnyArray if common.element().is_some() => common.clone(),
        other => coerced(other, &Type::Text),
    };
    Some(Resolved { builtin: candidate.builtin, args: types.collect(), returns })
}

fn category(ty: &Type) -> Category {
    match ty {
        Type::Unknown => Category::Unknown,
        Type::Bool => Category::Bool,
        Type::Int2 | Type::Int4 | Type::Int8 | Type::Numeric | Type::Float4 | Type::Float8 => {
            Category::Number
        }
        Type::Text | Type::Varchar | Type::Char => Category::String,
        Type::Date | Type::Time | Type::Timestamp | Type::Timestamptz => Category::DateTime,
        Type::Interval => Category::Interval,
        Type::Enum(_) => Category::Enum,
        Type::Array(_) => Category::Array,
        Type::Range(_) => Category::Range,
        Type::Void => Category::Pseudo,
        // What stands for an object is a number there.
        Type::Regconfig => Category::Number,
        Type::Uuid
        | Type::Json
        | Type::Jsonb
        | Type::Bytea
        | Type::Tsvector
        | Type::Tsquery
        | Type::Row(_)
        | Type::Native(_) => Category::Other,
    }
}

fn category_of(parameter: Arg) -> Category {
    parameter.concrete().map_or(Category::Pseudo, |ty| category(&ty))
}

fn is_preferred(parameter: Arg) -> bool {
    parameter.concrete().is_some_and(|ty| is_preferred_type(&ty))
}

fn is_preferred_type(ty: &Type) -> bool {
    matches!(ty, Type::Bool | Type::Float8 | Type::Text | Type::Timestamptz | Type::Interval)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Type::*;

    const SCALAR: &[Kind] = &[Kind::Function, Kind::Operator, Kind::Aggregate, Kind::Set];

    #[test]
    fn chooses_as_postgresql_does() {
        let table: &[(&str, &[Type], &str)] = &[
            ("+", &[Int4, Int4], "integer"),
            ("+", &[Int2, Int4], "integer"),
            ("+", &[Int4, Int8], "bigint"),
            ("+", &[Int4, Numeric], "numeric"),
            ("+", &[Int4, Float4], "double precision"),
            ("+", &[Float4, Float4], "real"),
            ("+", &[Numeric, Float8], "double precision"),
            ("+", &[Int4, Unknown], "integer"),
            ("+", &[Timestamptz, Unknown], "timestamp with time zone"),
            ("+", &[Date, Interval], "timestamp without time zone"),
            ("+", &[Date, Int4], "date"),
            ("-", &[Date, Unknown], "integer"),
            ("-", &[Timestamp, Date], "interval"),
            ("-", &[Int4], "integer"),
            ("||", &[Unknown, Unknown], "text"),
            ("||", &[Varchar, Unknown], "text"),
            ("||", &[Int4, Unknown], "text"),
            ("||", &[Text, Bool], "text"),
            ("||", &[Jsonb, Unknown], "jsonb"),
            ("||", &[Int4.array(), Unknown], "integer[]"),
            ("||", &[Int4.array(), Int4], "integer[]"),
            ("||", &[Int4.array(), Numeric], "numeric[]"),
            ("||", &[Int4, Int8.array()], "bigint[]"),
            ("->>", &[Jsonb, Unknown], "text"),
            ("->", &[Json, Int4], "json"),
            ("-", &[Jsonb, Text], "jsonb"),
            ("~~", &[Varchar, Unknown], "boolean"),
            ("@>", &[Jsonb, Unknown], "boolean"),
            ("@>", &[Text.array(), Unknown], "boolean"),
            ("round", &[Int4], "double precision"),
            ("round", &[Numeric], "numeric"),
            ("round", &[Float8, Int4], "no signature"),
            ("sqrt", &[Int4], "double precision"),
            ("abs", &[Unknown], "double precision"),
            ("length", &[Varchar], "integer"),
            ("length", &[Unknown], "integer"),
            ("date_trunc", &[Unknown, Date], "timestamp with time zone"),
            ("to_char", &[Timestamp, Unknown], "text"),
            ("sum", &[Int2], "bigint"),
            ("sum", &[Int8], "numeric"),
            ("avg", &[Int4], "numeric"),
            ("min", &[Date], "date"),
            ("array_agg", &[Text], "text[]"),
            ("count", &[], "bigint"),
            ("count", &[Text], "bigint"),
            ("coalesce", &[Text], "no name"),
            ("lower", &[Int4], "no signature"),
            ("array_length", &[Unknown, Int4], "no signature"),
            ("substring", &[Unknown, Int4], "text"),
            ("concat", &[Text, Int4, Unknown], "text"),
            ("now", &[], "timestamp with time zone"),
            ("unnest", &[Text.array()], "text"),
            ("generate_series", &[Int4, Int4], "integer"),
            ("generate_series", &[Int4, Int8], "bigint"),
            ("generate_series", &[Date, Date, Unknown], "timestamp with time zone"),
        ];
        for (name, args, expected) in table {
            let found = match resolve(name, SCALAR, args) {
                Ok(resolved) => resolved.returns.to_string(),
                Err(Unresolved::NoSuchName) => "no name".to_owned(),
                Err(Unresolved::NoSuchSignature) => "no signature".to_owned(),
                Err(Unresolved::Ambiguous) => "ambiguous".to_owned(),
            };
            assert_eq!(&found, expected, "{name} {args:?}");
        }
    }
}
