//! A to-many spread: the related rows come in one by one, and leave as one array for each of their fields.

use plinth_values::{Session, Type, Value, ValueRef};

use crate::{JsonShape, JsonSink, RowSink};

/// Collects the fields of rows by name.
#[derive(Debug)]
pub struct Columns {
    columns: Vec<Column>,
    /// The next field of the row that is being taken
    next: usize,
    nested: Option<Nested>,
    taken: usize,
}

#[derive(Debug)]
struct Column {
    name: String,
    values: Vec<(Type, Value)>,
}

/// A related row or rows inside a row: they become one JSON value.
#[derive(Debug)]
struct Nested {
    sink: Box<JsonSink>,
    depth: usize,
    is_object: bool,
}

impl Columns {
    /// Empty columns; every row will bring these fields, in this order.
    pub fn new(names: &[&str]) -> Columns {
        let columns =
            names.iter().map(|name| Column { name: (*name).to_owned(), values: Vec::new() }).collect();
        Columns { columns, next: 0, nested: None, taken: 0 }
    }

    /// Writes what was collected, as one array per field.
    pub fn emit(&self, sink: &mut dyn RowSink, session: &Session) {
        for column in &self.columns {
            sink.begin_array(&column.name);
            for (ty, value) in &column.values {
                sink.element(ty, value.as_ref(), session);
            }
            sink.end_array();
        }
    }

    fn push(&mut self, ty: &Type, value: Value) {
        self.taken += match &value {
            Value::Text(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            _ => 0,
        } + size_of::<(Type, Value)>();
        if let Some(column) = self.columns.get_mut(self.next) {
            column.values.push((ty.clone(), value));
        }
        self.next += 1;
    }

    fn begin_nested(&mut self, name: &str, is_object: bool) {
        match &mut self.nested {
            Some(nested) => {
                nested.depth += 1;
                if is_object { nested.sink.begin_object(name) } else { nested.sink.begin_array(name) }
            }
            None => {
                // The array of the sink's root is the array itself, or holds the object as its only row.
                let mut sink = Box::new(JsonSink::new(JsonShape::Rows, false));
                if is_object {
                    sink.begin_row();
                }
                self.nested = Some(Nested { sink, depth: 0, is_object });
            }
        }
    }

    fn end_nested(&mut self, is_object: bool) {
        let Some(mut nested) = self.nested.take() else { return };
        if nested.depth > 0 {
            nested.depth -= 1;
            if is_object {
                nested.sink.end_object()
            } else {
                nested.sink.end_array()
            }
            self.nested = Some(nested);
            return;
        }
        if nested.is_object {
            nested.sink.end_row();
        }
        let mut json = nested.sink.finish();
        if nested.is_object {
            json = json.get(1..json.len().saturating_sub(1)).unwrap_or_default().to_vec();
        }
        let text = String::from_utf8(json).unwrap_or_default();
        self.push(&Type::Json, Value::Text(text));
    }
}

impl RowSink for Columns {
    fn header(&mut self, _names: &[&str]) {}

    fn begin_row(&mut self) {
        match &mut self.nested {
            Some(nested) => nested.sink.begin_row(),
            None => self.next = 0,
        }
    }

    fn end_row(&mut self) {
        if let Some(nested) = &mut self.nested {
            nested.sink.end_row();
        }
    }

    fn value(&mut self, name: &str, ty: &Type, value: ValueRef<'_>, session: &Session) {
        match &mut self.nested {
            Some(nested) => nested.sink.value(name, ty, value, session),
            None => self.push(ty, value.to_owned()),
        }
    }

    fn begin_object(&mut self, name: &str) {
        self.begin_nested(name, true);
    }

    fn end_object(&mut self) {
        self.end_nested(true);
    }

    fn null(&mut self, name: &str) {
        match &mut self.nested {
            Some(nested) => nested.sink.null(name),
            None => self.push(&Type::Json, Value::Null),
        }
    }

    fn begin_array(&mut self, name: &str) {
        self.begin_nested(name, false);
    }

    fn end_array(&mut self) {
        self.end_nested(false);
    }

    fn element(&mut self, ty: &Type, value: ValueRef<'_>, session: &Session) {
        if let Some(nested) = &mut self.nested {
            nested.sink.element(ty, value, session);
        }
    }

    fn len(&self) -> usize {
        self.taken + self.nested.as_ref().map_or(0, |nested| nested.sink.len())
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_columns() {
        let session = Session::utc();
        let mut columns = Columns::new(&["id", "tags", "owner"]);
        for id in [1, 2] {
            columns.begin_row();
            columns.value("id", &Type::Int4, ValueRef::Int(id), &session);
            columns.begin_array("tags");
            columns.begin_row();
            columns.value("name", &Type::Int4, ValueRef::Int(id * 10), &session);
            columns.begin_array("deep");
            columns.element(&Type::Int4, ValueRef::Int(5), &session);
            columns.end_array();
            columns.end_row();
            columns.end_array();
            if id == 1 {
                columns.null("owner");
            } else {
                columns.begin_object("owner");
                columns.value("id", &Type::Int4, ValueRef::Int(9), &session);
                columns.end_object();
            }
            columns.end_row();
        }
        let mut sink = Box::new(JsonSink::new(JsonShape::Rows, false));
        sink.begin_row();
        columns.emit(sink.as_mut(), &session);
        sink.end_row();
        let json = String::from_utf8(sink.finish()).expect("JSON is UTF-8");
        let tags = r#"[[{"name":10,"deep":[5]}],[{"name":20,"deep":[5]}]]"#;
        assert_eq!(json, format!(r#"[{{"id":[1,2],"tags":{tags},"owner":[null,{{"id":9}}]}}]"#));
    }
}
