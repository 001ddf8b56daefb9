//! Functions and operators of full-text search. What they compute is `crate::search`'s.

use super::Arg::{
    Bool, Float4, Float4Array, Int4, Json, Jsonb, Regconfig, Text, TextArray, Tsquery, Tsvector,
};
use super::args::{int, invalid_parameter, some_bool, some_count, some_text, text, value};
use super::array::{array, texts};
use super::{Builtin, Context, Kind, builtin, function, operator};
use crate::array::{Array, encode};
use crate::search::{
    self, Config, DEFAULT, DEFAULT_WEIGHTS, Query, Style, Vector, Weight, matches, rank, rank_by_covers,
};
use crate::{Result, Type, Value, ValueError, ValueRef};

type Args<'a, 'b> = &'a [ValueRef<'b>];

pub(super) static TABLE: &[Builtin] = &[
    function("to_tsvector", "to_tsvector", &[Regconfig, Text], Tsvector, |_, a| {
        shown(Vector::of_text(config(a, 0)?, text(a, 1)?)?)
    }),
    function("to_tsvector_json", "to_tsvector", &[Regconfig, Json], Tsvector, |_, a| {
        shown(Vector::of_json(config(a, 0)?, text(a, 1)?)?)
    }),
    function("to_tsvector_jsonb", "to_tsvector", &[Regconfig, Jsonb], Tsvector, |_, a| {
        shown(Vector::of_json(config(a, 0)?, text(a, 1)?)?)
    }),
    function("to_tsvector_default", "to_tsvector", &[Text], Tsvector, |_, a| {
        shown(Vector::of_text(DEFAULT, text(a, 0)?)?)
    })
    .stable(),
    function("to_tsvector_json_default", "to_tsvector", &[Json], Tsvector, |_, a| {
        shown(Vector::of_json(DEFAULT, text(a, 0)?)?)
    })
    .stable(),
    function("to_tsvector_jsonb_default", "to_tsvector", &[Jsonb], Tsvector, |_, a| {
        shown(Vector::of_json(DEFAULT, text(a, 0)?)?)
    })
    .stable(),
    function("to_tsquery", "to_tsquery", &[Regconfig, Text], Tsquery, |_, a| of(a, Style::Operators)),
    function("to_tsquery_default", "to_tsquery", &[Text], Tsquery, |_, a| of(a, Style::Operators)).stable(),
    function("plainto_tsquery", "plainto_tsquery", &[Regconfig, Text], Tsquery, |_, a| of(a, Style::Plain)),
    function("plainto_tsquery_default", "plainto_tsquery", &[Text], Tsquery, |_, a| of(a, Style::Plain))
        .stable(),
    function("phraseto_tsquery", "phraseto_tsquery", &[Regconfig, Text], Tsquery, |_, a| {
        of(a, Style::Phrase)
    }),
    function("phraseto_tsquery_default", "phraseto_tsquery", &[Text], Tsquery, |_, a| of(a, Style::Phrase))
        .stable(),
    function("websearch_to_tsquery", "websearch_to_tsquery", &[Regconfig, Text], Tsquery, |_, a| {
        of(a, Style::Web)
    }),
    function("websearch_to_tsquery_default", "websearch_to_tsquery", &[Text], Tsquery, |_, a| {
        of(a, Style::Web)
    })
    .stable(),
    operator("tsvector_matches", "@@", &[Tsvector, Tsquery], Bool, |_, a| {
        some_bool(matches(&vector(a, 0)?, &query(a, 1)?))
    }),
    operator("tsquery_matches", "@@", &[Tsquery, Tsvector], Bool, |_, a| {
        some_bool(matches(&vector(a, 1)?, &query(a, 0)?))
    }),
    // The longer one of a text and a query is searched for the other.
    Builtin {
        volatility: super::Volatility::Stable,
        ..operator("text_matches_tsquery", "@@", &[Text, Tsquery], Bool, |_, a| {
            some_bool(matches(&Vector::of_text(DEFAULT, text(a, 0)?)?, &query(a, 1)?))
        })
    },
    Builtin {
        volatility: super::Volatility::Stable,
        ..operator("text_matches_text", "@@", &[Text, Text], Bool, |_, a| {
            let query = Query::of_text(DEFAULT, Style::Plain, text(a, 1)?)?;
            some_bool(matches(&Vector::of_text(DEFAULT, text(a, 0)?)?, &query))
        })
    },
    operator("tsvector_matches_old", "@@@", &[Tsvector, Tsquery], Bool, |_, a| {
        some_bool(matches(&vector(a, 0)?, &query(a, 1)?))
    }),
    operator("tsquery_matches_old", "@@@", &[Tsquery, Tsvector], Bool, |_, a| {
        some_bool(matches(&vector(a, 1)?, &query(a, 0)?))
    }),
    operator("tsvector_concat", "||", &[Tsvector, Tsvector], Tsvector, |_, a| {
        shown(vector(a, 0)?.followed_by(vector(a, 1)?)?)
    }),
    operator("tsquery_and", "&&", &[Tsquery, Tsquery], Tsquery, |_, a| {
        shown(query(a, 0)?.and(query(a, 1)?)?)
    }),
    operator("tsquery_or", "||", &[Tsquery, Tsquery], Tsquery, |_, a| shown(query(a, 0)?.or(query(a, 1)?)?)),
    operator("tsquery_not", "!!", &[Tsquery], Tsquery, |_, a| shown(query(a, 0)?.negated()?)),
    operator("tsquery_follows", "<->", &[Tsquery, Tsquery], Tsquery, |_, a| {
        shown(query(a, 0)?.phrase(query(a, 1)?, 1)?)
    }),
    function("tsquery_phrase", "tsquery_phrase", &[Tsquery, Tsquery, Int4], Tsquery, |_, a| {
        let distance = if a.len() > 2 { int(a, 2)? } else { 1 };
        shown(query(a, 0)?.phrase(query(a, 1)?, distance)?)
    })
    .optional(1),
    function("numnode", "numnode", &[Tsquery], Int4, |_, a| some_count(query(a, 0)?.nodes())),
    function("querytree", "querytree", &[Tsquery], Text, |_, a| some_text(query(a, 0)?.indexable())),
    function("tsvector_length", "length", &[Tsvector], Int4, |_, a| {
        some_count(vector(a, 0)?.lexemes().len())
    }),
    function("strip", "strip", &[Tsvector], Tsvector, |_, a| shown(vector(a, 0)?.strip())),
    function("setweight", "setweight", &[Tsvector, Text], Tsvector, |_, a| {
        shown(vector(a, 0)?.set_weight(weight(text(a, 1)?)?, None))
    }),
    function("setweight_of", "setweight", &[Tsvector, Text, TextArray], Tsvector, |_, a| {
        let words: Vec<String> = texts(a, 2)?.into_iter().flatten().collect();
        shown(vector(a, 0)?.set_weight(weight(text(a, 1)?)?, Some(&words)))
    }),
    function("ts_delete", "ts_delete", &[Tsvector, Text], Tsvector, |_, a| {
        shown(vector(a, 0)?.delete(&[text(a, 1)?.to_owned()]))
    }),
    function("ts_delete_all", "ts_delete", &[Tsvector, TextArray], Tsvector, |_, a| {
        let words: Vec<String> = texts(a, 1)?.into_iter().flatten().collect();
        shown(vector(a, 0)?.delete(&words))
    }),
    function("ts_filter", "ts_filter", &[Tsvector, TextArray], Tsvector, |_, a| {
        let mut weights = Vec::new();
        for letter in texts(a, 1)? {
            let letter =
                letter.ok_or_else(|| ValueError::new("22004", "weight array may not contain nulls"))?;
            let mut letters = letter.chars();
            let weight = letters.next().and_then(Weight::parse);
            weights
                .push(weight.ok_or_else(|| invalid_parameter(format!("unrecognized weight: \"{letter}\"")))?);
        }
        shown(vector(a, 0)?.filter(&weights))
    }),
    function("tsvector_to_array", "tsvector_to_array", &[Tsvector], TextArray, |_, a| {
        let vector = vector(a, 0)?;
        let elements: Vec<Value> =
            vector.lexemes().iter().map(|lexeme| Value::Text(lexeme.text.clone())).collect();
        let dimensions = if elements.is_empty() { Vec::new() } else { vec![elements.len()] };
        encode(&Type::Text, &Array { dimensions, elements })
    }),
    function("array_to_tsvector", "array_to_tsvector", &[TextArray], Tsvector, |_, a| {
        let mut words = Vec::new();
        for word in texts(a, 0)? {
            let word = word.ok_or_else(|| ValueError::new("22004", "lexeme array may not contain nulls"))?;
            if word.is_empty() {
                return Err(ValueError::new("2200F", "lexeme array may not contain empty strings"));
            }
            words.push(word);
        }
        shown(Vector::of_words(words)?)
    }),
    function("ts_rank", "ts_rank", &[Tsvector, Tsquery, Int4], Float4, |_, a| {
        some_rank(rank(&DEFAULT_WEIGHTS, &vector(a, 0)?, &query(a, 1)?, normalization(a, 2)?))
    })
    .optional(1),
    function("ts_rank_weighted", "ts_rank", &[Float4Array, Tsvector, Tsquery, Int4], Float4, |c, a| {
        some_rank(rank(&weights(c, a)?, &vector(a, 1)?, &query(a, 2)?, normalization(a, 3)?))
    })
    .optional(1),
    function("ts_rank_cd", "ts_rank_cd", &[Tsvector, Tsquery, Int4], Float4, |_, a| {
        some_rank(rank_by_covers(&DEFAULT_WEIGHTS, &vector(a, 0)?, &query(a, 1)?, normalization(a, 2)?))
    })
    .optional(1),
    function("ts_rank_cd_weighted", "ts_rank_cd", &[Float4Array, Tsvector, Tsquery, Int4], Float4, |c, a| {
        some_rank(rank_by_covers(&weights(c, a)?, &vector(a, 1)?, &query(a, 2)?, normalization(a, 3)?))
    })
    .optional(1),
    Builtin {
        call: Some(|_, _| some_text(DEFAULT.name())),
        ..builtin("get_current_ts_config", "get_current_ts_config", Kind::Function, &[], Regconfig)
    }
    .stable(),
];

fn shown(answer: impl std::fmt::Display) -> Result<Value> {
    some_text(answer.to_string())
}

fn some_rank(rank: f32) -> Result<Value> {
    Ok(Value::Float(f64::from(rank)))
}

fn config(args: Args<'_, '_>, index: usize) -> Result<Config> {
    Config::parse(text(args, index)?)
}

fn vector(args: Args<'_, '_>, index: usize) -> Result<Vector> {
    Vector::parse(text(args, index)?)
}

fn query(args: Args<'_, '_>, index: usize) -> Result<Query> {
    Query::parse(text(args, index)?)
}

/// The query of the last argument, a text, with the configuration before it, if there is one.
fn of(args: Args<'_, '_>, style: Style) -> Result<Value> {
    let (config, index) = if args.len() > 1 { (config(args, 0)?, 1) } else { (DEFAULT, 0) };
    shown(Query::of_text(config, style, text(args, index)?)?)
}

fn weight(letter: &str) -> Result<Weight> {
    let first = letter.chars().next();
    first.and_then(Weight::parse).ok_or_else(|| {
        let code = first.map_or(0, u32::from);
        ValueError::new("XX000", format!("unrecognized weight: {code}"))
    })
}

fn weights(context: &Context<'_>, args: Args<'_, '_>) -> Result<[f32; 4]> {
    let given = array(context, args, 0)?;
    if given.dimensions.len() != 1 {
        return Err(ValueError::new("2202E", "array of weight must be one-dimensional"));
    }
    let numbers = given.elements.iter().map(|element| match element {
        Value::Float(weight) => Some(*weight),
        #[allow(clippy::cast_precision_loss, reason = "a whole float kept as an integer")]
        Value::Int(weight) => Some(*weight as f64),
        _ => None,
    });
    search::weights(&numbers.collect::<Vec<_>>())
}

fn normalization(args: Args<'_, '_>, index: usize) -> Result<i64> {
    match value(args, index) {
        ValueRef::Null => Ok(0),
        _ => int(args, index),
    }
}
