//! How the database would run a plan, in its own words: `explain` of the plan's statement, in a transaction that is rolled back.

use plinth_engine::{Explain, RowSink};
use plinth_values::{Session, Type, ValueRef};

use crate::compile::{Compiled, Counting, Gives};
use crate::sql::Sql;
use crate::sql::layout::{Column, Layout};
use crate::wire::Format;

/// The same plan, told instead of run. `None` where there is nothing to run.
pub(crate) fn told(compiled: Compiled, options: Explain) -> Option<Compiled> {
    let Sql { text, params } = compiled.statement?;
    let mut chosen = vec![if options.json { "format json" } else { "format text" }];
    for (wanted, option) in [
        (options.analyze, "analyze"),
        (options.verbose, "verbose"),
        (options.settings, "settings"),
        (options.buffers, "buffers"),
        (options.wal, "wal"),
    ] {
        if wanted {
            chosen.push(option);
        }
    }
    Some(Compiled {
        statement: Some(Sql { text: format!("explain ({}) {text}", chosen.join(", ")), params }),
        layout: Layout {
            fields: vec![Column::Value { name: "QUERY PLAN".into(), ty: Type::Text }],
            formats: vec![Format::Text],
        },
        gives: Gives::Rows,
        count: Counting::No,
        max_affected: None,
        ..compiled
    })
}

/// Takes the lines of what is told.
#[derive(Default)]
pub(crate) struct Lines {
    out: Vec<u8>,
}

impl RowSink for Lines {
    fn header(&mut self, _names: &[&str]) {}
    fn begin_row(&mut self) {
        if !self.out.is_empty() {
            self.out.push(b'\n');
        }
    }
    fn end_row(&mut self) {}
    fn value(&mut self, _name: &str, _ty: &Type, value: ValueRef<'_>, _session: &Session) {
        if let ValueRef::Text(text) = value {
            self.out.extend_from_slice(text.as_bytes());
        }
    }
    fn begin_object(&mut self, _name: &str) {}
    fn end_object(&mut self) {}
    fn null(&mut self, _name: &str) {}
    fn begin_array(&mut self, _name: &str) {}
    fn end_array(&mut self) {}
    fn element(&mut self, _ty: &Type, _value: ValueRef<'_>, _session: &Session) {}
    fn len(&self) -> usize {
        self.out.len()
    }
    fn finish(self: Box<Self>) -> Vec<u8> {
        self.out
    }
}
