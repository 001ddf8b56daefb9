//! Rows as CSV, in PostgreSQL's form (a header line, `\n` at line ends, quotes where needed). Related rows are JSON in a cell.

use plinth_engine::{JsonShape, JsonSink, RowSink};
use plinth_values::output::write_text;
use plinth_values::{Session, Type, ValueRef};

/// Encodes rows as CSV.
pub(crate) struct CsvSink {
    out: Vec<u8>,
    /// Length of the header line, which goes again when no row follows: PostgREST takes it from the first row
    header: usize,
    /// Whether a row followed
    rows: bool,
    cell: Vec<u8>,
    first_cell: bool,
    /// The related rows being written, and how deep in them we are
    nested: Option<(Box<JsonSink>, usize)>,
}

impl CsvSink {
    pub(crate) fn new() -> CsvSink {
        CsvSink {
            out: Vec::with_capacity(1024),
            header: 0,
            rows: false,
            cell: Vec::new(),
            first_cell: true,
            nested: None,
        }
    }

    fn separate(&mut self) {
        if !self.first_cell {
            self.out.push(b',');
        }
        self.first_cell = false;
    }

    /// Writes a cell, quoted where PostgreSQL quotes the field of a row (which is where CSV needs it, and at white space,
    /// parentheses and backslashes).
    fn write_cell(&mut self, text: &[u8]) {
        self.separate();
        let plain =
            !text.iter().any(|b| b.is_ascii_whitespace() || matches!(b, b',' | b'"' | b'\\' | b'(' | b')'));
        if plain {
            self.out.extend_from_slice(text);
            return;
        }
        self.out.push(b'"');
        for byte in text {
            // PostgreSQL doubles both in the field of a row.
            if matches!(*byte, b'"' | b'\\') {
                self.out.push(*byte);
            }
            self.out.push(*byte);
        }
        self.out.push(b'"');
    }

    fn open_nested(&mut self, object: bool) -> bool {
        match &mut self.nested {
            Some((_, depth)) => {
                *depth += 1;
                false
            }
            None => {
                let shape = if object { JsonShape::Object } else { JsonShape::Rows };
                let mut sink = Box::new(JsonSink::new(shape, false));
                if object {
                    sink.begin_row();
                }
                self.nested = Some((sink, 0));
                true
            }
        }
    }

    fn close_nested(&mut self, object: bool) -> bool {
        match &mut self.nested {
            Some((_, depth)) if *depth > 0 => {
                *depth -= 1;
                false
            }
            _ => {
                if let Some((mut sink, _)) = self.nested.take() {
                    if object {
                        sink.end_row();
                    }
                    let text = sink.finish();
                    self.write_cell(&text);
                }
                true
            }
        }
    }
}

impl RowSink for CsvSink {
    fn header(&mut self, names: &[&str]) {
        self.first_cell = true;
        for name in names {
            self.write_cell(name.as_bytes());
        }
        self.header = self.out.len();
    }

    fn begin_row(&mut self) {
        match &mut self.nested {
            Some((sink, _)) => sink.begin_row(),
            None => {
                self.out.push(b'\n');
                self.rows = true;
                self.first_cell = true;
            }
        }
    }

    fn end_row(&mut self) {
        if let Some((sink, _)) = &mut self.nested {
            sink.end_row();
        }
    }

    fn value(&mut self, name: &str, ty: &Type, value: ValueRef<'_>, session: &Session) {
        if let Some((sink, _)) = &mut self.nested {
            return sink.value(name, ty, value, session);
        }
        let mut cell = std::mem::take(&mut self.cell);
        cell.clear();
        write_text(ty, value, session, &mut cell);
        // An empty text is quoted, so that it differs from null.
        if cell.is_empty() && !value.is_null() {
            self.separate();
            self.out.extend_from_slice(b"\"\"");
        } else {
            self.write_cell(&cell);
        }
        self.cell = cell;
    }

    fn begin_object(&mut self, name: &str) {
        if !self.open_nested(true)
            && let Some((sink, _)) = &mut self.nested
        {
            sink.begin_object(name);
        }
    }

    fn end_object(&mut self) {
        if !self.close_nested(true)
            && let Some((sink, _)) = &mut self.nested
        {
            sink.end_object();
        }
    }

    fn null(&mut self, name: &str) {
        match &mut self.nested {
            Some((sink, _)) => sink.null(name),
            None => self.write_cell(b""),
        }
    }

    fn begin_array(&mut self, name: &str) {
        if !self.open_nested(false)
            && let Some((sink, _)) = &mut self.nested
        {
            sink.begin_array(name);
        }
    }

    fn end_array(&mut self) {
        if !self.close_nested(false)
            && let Some((sink, _)) = &mut self.nested
        {
            sink.end_array();
        }
    }

    fn element(&mut self, ty: &Type, value: ValueRef<'_>, session: &Session) {
        if let Some((sink, _)) = &mut self.nested {
            sink.element(ty, value, session);
        }
    }

    fn len(&self) -> usize {
        self.out.len() + self.nested.as_ref().map_or(0, |(sink, _)| sink.len())
    }

    fn wants_text(&self) -> bool {
        true
    }

    fn take(&mut self) -> Option<Vec<u8>> {
        // Without a row there is no header either.
        if !self.rows {
            return None;
        }
        let room = Vec::with_capacity(self.out.capacity());
        Some(std::mem::replace(&mut self.out, room))
    }

    fn fresh(&self) -> Option<Box<dyn RowSink>> {
        Some(Box::new(CsvSink::new()))
    }

    fn finish(mut self: Box<Self>) -> Vec<u8> {
        if !self.rows {
            self.out.drain(..self.header.min(self.out.len()));
            self.out.push(b'\n');
        }
        self.out
    }
}
