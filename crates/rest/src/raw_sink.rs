//! A scalar result as itself: text, or the bytes of a bytea.

use plinth_engine::RowSink;
use plinth_values::output::write_text;
use plinth_values::{Session, Type, ValueRef};

/// Takes the first value and nothing else.
#[derive(Default)]
pub(crate) struct RawSink {
    out: Vec<u8>,
    taken: bool,
}

impl RowSink for RawSink {
    fn header(&mut self, _names: &[&str]) {}
    fn begin_row(&mut self) {}
    fn end_row(&mut self) {}
    fn value(&mut self, _name: &str, ty: &Type, value: ValueRef<'_>, session: &Session) {
        if std::mem::replace(&mut self.taken, true) {
            return;
        }
        match value {
            ValueRef::Bytes(bytes) => self.out.extend_from_slice(bytes),
            other => write_text(ty, other, session, &mut self.out),
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
    fn wants_text(&self) -> bool {
        true
    }

    fn fresh(&self) -> Option<Box<dyn RowSink>> {
        Some(Box::new(RawSink::default()))
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        self.out
    }
}
