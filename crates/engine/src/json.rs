//! Rows as JSON, written straight into the response's buffer.

use plinth_values::output::{write_json, write_json_string};
use plinth_values::{Session, Type, ValueRef};

use crate::sink::RowSink;

/// Encodes rows as a JSON array of objects, or as what `shape` asks for.
#[derive(Debug)]
pub struct JsonSink {
    out: Vec<u8>,
    shape: JsonShape,
    strip_nulls: bool,
    /// For each container that is open: whether it has an entry already. The first one is the root
    open: Vec<bool>,
}

/// What the root of the JSON text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonShape {
    /// `[{…},{…}]`
    Rows,
    /// `{…}`: the caller makes sure that there is one row; `null` when there is none
    Object,
    /// `[1,2]`: the first field of each row
    Values,
    /// `1`: the first field of the only row; `null` when there is none
    Scalar,
}

impl JsonSink {
    /// A sink with an empty buffer.
    pub fn new(shape: JsonShape, strip_nulls: bool) -> JsonSink {
        let mut out = Vec::with_capacity(4096);
        if matches!(shape, JsonShape::Rows | JsonShape::Values) {
            out.push(b'[');
        }
        JsonSink { out, shape, strip_nulls, open: vec![false] }
    }

    fn separate(&mut self) {
        if let Some(has_entry) = self.open.last_mut() {
            if *has_entry {
                self.out.push(b',');
            }
            *has_entry = true;
        }
    }

    fn name(&mut self, name: &str) {
        self.separate();
        write_json_string(name, &mut self.out);
        self.out.push(b':');
    }

    fn is_bare(&self) -> bool {
        matches!(self.shape, JsonShape::Values | JsonShape::Scalar)
    }
}

impl RowSink for JsonSink {
    fn header(&mut self, _names: &[&str]) {}

    fn begin_row(&mut self) {
        self.separate();
        let bare = self.is_bare() && self.open.len() == 1;
        if !bare {
            self.out.push(b'{');
        }
        self.open.push(false);
    }

    fn end_row(&mut self) {
        self.open.pop();
        let bare = self.is_bare() && self.open.len() == 1;
        if !bare {
            self.out.push(b'}');
        }
    }

    fn value(&mut self, name: &str, ty: &Type, value: ValueRef<'_>, session: &Session) {
        if self.is_bare() && self.open.len() == 2 {
            return write_json(ty, value, session, &mut self.out);
        }
        if self.strip_nulls && value.is_null() {
            return;
        }
        self.name(name);
        write_json(ty, value, session, &mut self.out);
    }

    fn begin_object(&mut self, name: &str) {
        self.name(name);
        self.out.push(b'{');
        self.open.push(false);
    }

    fn end_object(&mut self) {
        self.open.pop();
        self.out.push(b'}');
    }

    fn null(&mut self, name: &str) {
        if !self.strip_nulls {
            self.name(name);
            self.out.extend_from_slice(b"null");
        }
    }

    fn begin_array(&mut self, name: &str) {
        self.name(name);
        self.out.push(b'[');
        self.open.push(false);
    }

    fn end_array(&mut self) {
        self.open.pop();
        self.out.push(b']');
    }

    fn element(&mut self, ty: &Type, value: ValueRef<'_>, session: &Session) {
        self.separate();
        write_json(ty, value, session, &mut self.out);
    }

    fn len(&self) -> usize {
        self.out.len()
    }

    fn take(&mut self) -> Option<Vec<u8>> {
        // Only an array is still right when an error is found after its first rows went out.
        if !matches!(self.shape, JsonShape::Rows) {
            return None;
        }
        let room = Vec::with_capacity(self.out.capacity());
        Some(std::mem::replace(&mut self.out, room))
    }

    fn fresh(&self) -> Option<Box<dyn RowSink>> {
        Some(Box::new(JsonSink::new(self.shape, self.strip_nulls)))
    }

    fn finish(mut self: Box<Self>) -> Vec<u8> {
        let empty = self.open.first() == Some(&false);
        match self.shape {
            JsonShape::Rows | JsonShape::Values => self.out.push(b']'),
            JsonShape::Object | JsonShape::Scalar if empty => self.out.extend_from_slice(b"null"),
            JsonShape::Object | JsonShape::Scalar => {}
        }
        self.out
    }
}
