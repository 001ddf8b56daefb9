//! `create schema`.

use std::collections::HashMap;

use super::reader::Reader;
use super::syntax::{Place, Statement};
use crate::Schema;

/// `public` and those of the search path are always there.
pub(super) fn declare(reader: &mut Reader<'_>, statements: &[Statement]) {
    let mut places: HashMap<&str, Place> = HashMap::new();
    let mut names: Vec<String> = vec!["public".to_owned()];
    for name in reader.search_path {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let always = names.clone();
    for statement in statements {
        let Statement::Schema { name, if_not_exists } = statement else { continue };
        let first = places.get(name.text.as_str()).copied();
        match first {
            Some(_) if *if_not_exists => {}
            Some(first) => {
                let error =
                    reader.duplicate(name.place, format!("schema \"{}\" already exists", name.text), first);
                reader.keep::<()>(Err(error));
            }
            None => {
                places.insert(&name.text, name.place);
                if !always.contains(&name.text) {
                    names.push(name.text.clone());
                }
            }
        }
    }
    if let Some(others) = names.get_mut(1..) {
        others.sort();
    }
    reader.catalog.schemas = names.into_iter().map(|name| Schema { name, comment: None }).collect();
}
