//! `columns=`: the key set of a payload, with that of related rows inside it: `columns=name,tasks(title)`. What has no parentheses
//! means what it means in PostgREST.

use plinth_query::request::{Embed, Nested, SelectItem};

use super::field::column_list;
use super::select::select;
use crate::error::ApiError;

/// The columns, and the related rows.
pub(crate) fn columns(text: &str) -> Result<(Vec<String>, Vec<Nested>), ApiError> {
    let refused = match column_list("columns parameter", text) {
        Ok(columns) => return Ok((columns, Vec::new())),
        Err(refused) if !text.contains('(') => return Err(refused),
        Err(refused) => refused,
    };
    let items = select(text).map_err(|_| refused.clone())?;
    split(items).ok_or(refused)
}

/// Names alone and embedded resources; `None` where there is anything else.
fn split(items: Vec<SelectItem>) -> Option<(Vec<String>, Vec<Nested>)> {
    let (mut columns, mut nested) = (Vec::new(), Vec::new());
    for item in items {
        match item {
            SelectItem::Field {
                field: Some(field),
                alias: None,
                cast: None,
                aggregate: None,
                aggregate_cast: None,
            } if field.path.is_empty() => {
                columns.push(field.column);
            }
            SelectItem::Embed(Embed { relation, alias, hint, inner: None, select, .. }) => {
                let (inside, below) = split(select)?;
                nested.push(Nested {
                    relation,
                    alias,
                    hint,
                    columns: inside,
                    nested: below,
                    on_conflict: None,
                });
            }
            _ => return None,
        }
    }
    Some((columns, nested))
}

/// The related rows at a path of names, to say more about them.
pub(crate) fn nested_at<'n>(nested: &'n mut [Nested], path: &[String]) -> Option<&'n mut Nested> {
    let (first, rest) = path.split_first()?;
    let found =
        nested.iter_mut().find(|nested| nested.alias.as_ref().unwrap_or(&nested.relation) == first)?;
    if rest.is_empty() { Some(found) } else { nested_at(&mut found.nested, rest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn related_rows_are_told_by_parentheses() {
        let (names, nested) = columns("a,\"b(c)\"").unwrap();
        assert_eq!((names, nested.len()), (vec!["a".to_owned(), "b(c)".to_owned()], 0));
        let (names, mut nested) = columns("a, t:tasks!fk(x, sub(y)), b").unwrap();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(nested[0].columns, ["x"]);
        assert_eq!((nested[0].alias.as_deref(), nested[0].hint.as_deref()), (Some("t"), Some("fk")));
        let found = nested_at(&mut nested, &["t".to_owned(), "sub".to_owned()]).unwrap();
        assert_eq!(found.columns, ["y"]);
        assert!(nested_at(&mut nested, &["tasks".to_owned()]).is_none());
    }

    #[test]
    fn anything_else_is_refused_as_before() {
        for text in [
            "a,*,t(x)",
            "a::int,t(x)",
            "t!inner(x)",
            "...t(x)",
            "x:a,t(x)",
            "t(x",
            "t(x))y",
            "a->b,t(x)",
            "t(count())",
        ] {
            assert_eq!(columns(text).unwrap_err().code, "PGRST100", "{text}");
        }
    }
}
