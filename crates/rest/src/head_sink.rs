//! Rows for an answer without a body: counted by the engine, encoded by nobody.

use plinth_engine::RowSink;
use plinth_values::{Session, Type, ValueRef};

/// Takes rows and keeps nothing.
pub(crate) struct HeadSink;

impl RowSink for HeadSink {
    fn header(&mut self, _names: &[&str]) {}
    fn begin_row(&mut self) {}
    fn end_row(&mut self) {}
    fn value(&mut self, _name: &str, _ty: &Type, _value: ValueRef<'_>, _session: &Session) {}
    fn begin_object(&mut self, _name: &str) {}
    fn end_object(&mut self) {}
    fn null(&mut self, _name: &str) {}
    fn begin_array(&mut self, _name: &str) {}
    fn end_array(&mut self) {}
    fn element(&mut self, _ty: &Type, _value: ValueRef<'_>, _session: &Session) {}
    fn len(&self) -> usize {
        0
    }
    fn fresh(&self) -> Option<Box<dyn RowSink>> {
        Some(Box::new(HeadSink))
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        Vec::new()
    }
}
