//! Rows that come with their version: the first fields of each are hashed instead of encoded.

use plinth_engine::{JsonShape, JsonSink, RowSink};
use plinth_values::{Session, Type, ValueRef};
use sha2::{Digest as _, Sha256};

/// Bytes of a version.
pub(super) const VERSION_BYTES: usize = 16;

/// Takes the version out of each row and gives the rest to another sink. What is encoded begins with the version of the row, when
/// there is exactly one; see [`split`].
pub(crate) struct VersionSink {
    rest: Box<dyn RowSink>,
    /// The fields that are the version
    fields: usize,
    version: JsonSink,
    rows: u64,
    /// Rows, objects and arrays that are open
    depth: usize,
    /// Fields of the root's row so far
    at: usize,
    /// Values look the same in every version, whatever time zone the client prefers
    session: Session,
}

impl VersionSink {
    /// A sink whose rows begin with so many fields of the version.
    pub(crate) fn new(rest: Box<dyn RowSink>, fields: usize) -> VersionSink {
        VersionSink {
            rest,
            fields,
            version: JsonSink::new(JsonShape::Object, false),
            rows: 0,
            depth: 0,
            at: 0,
            session: Session::utc(),
        }
    }
}

/// The version that an encoded result begins with, and the result. The version is empty unless there was one row.
pub(crate) fn split(mut encoded: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    let length = encoded.first().map_or(0, |length| usize::from(*length));
    let rest = encoded.split_off(encoded.len().min(1 + length));
    (encoded.split_off(encoded.len().min(1)), rest)
}

/// The version alone; `None` unless there was one row.
pub(crate) fn version(encoded: &[u8]) -> Option<&[u8]> {
    let (length, rest) = encoded.split_first()?;
    rest.get(..usize::from(*length)).filter(|version| !version.is_empty())
}

impl RowSink for VersionSink {
    fn header(&mut self, names: &[&str]) {
        self.rest.header(names.get(self.fields..).unwrap_or_default());
    }

    fn begin_row(&mut self) {
        if self.depth == 0 {
            self.rows += 1;
            self.at = 0;
            if self.rows == 1 {
                self.version.begin_row();
            }
        }
        self.depth += 1;
        self.rest.begin_row();
    }

    fn end_row(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        if self.depth == 0 && self.rows == 1 {
            self.version.end_row();
        }
        self.rest.end_row();
    }

    fn value(&mut self, name: &str, ty: &Type, value: ValueRef<'_>, session: &Session) {
        if self.depth == 1 && self.at < self.fields {
            self.at += 1;
            if self.rows == 1 {
                self.version.value(name, ty, value, &self.session);
            }
            return;
        }
        self.rest.value(name, ty, value, session);
    }

    fn begin_object(&mut self, name: &str) {
        self.depth += 1;
        self.rest.begin_object(name);
    }

    fn end_object(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.rest.end_object();
    }

    fn null(&mut self, name: &str) {
        self.rest.null(name);
    }

    fn begin_array(&mut self, name: &str) {
        self.depth += 1;
        self.rest.begin_array(name);
    }

    fn end_array(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.rest.end_array();
    }

    fn element(&mut self, ty: &Type, value: ValueRef<'_>, session: &Session) {
        self.rest.element(ty, value, session);
    }

    fn len(&self) -> usize {
        self.rest.len() + self.version.len()
    }

    fn wants_text(&self) -> bool {
        self.rest.wants_text()
    }

    fn fresh(&self) -> Option<Box<dyn RowSink>> {
        Some(Box::new(VersionSink::new(self.rest.fresh()?, self.fields)))
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        let VersionSink { rest, version, rows, .. } = *self;
        let mut encoded = vec![0];
        if rows == 1 {
            let hash = Sha256::digest(Box::new(version).finish());
            encoded = vec![VERSION_BYTES as u8];
            encoded.extend_from_slice(hash.get(..VERSION_BYTES).unwrap_or_default());
        }
        encoded.extend_from_slice(&rest.finish());
        encoded
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plinth_values::Value;

    fn row(sink: &mut VersionSink, version: i64, shown: i64) {
        let session = Session::utc();
        sink.begin_row();
        sink.value("id", &Type::Int8, Value::Int(version).as_ref(), &session);
        sink.value("id", &Type::Int8, Value::Int(shown).as_ref(), &session);
        sink.begin_array("more");
        sink.begin_row();
        sink.value("x", &Type::Int8, Value::Int(shown).as_ref(), &session);
        sink.end_row();
        sink.end_array();
        sink.end_row();
    }

    fn encoded(rows: &[(i64, i64)]) -> (Vec<u8>, String) {
        let mut sink = VersionSink::new(Box::new(JsonSink::new(JsonShape::Rows, false)), 1);
        sink.header(&["id", "id", "more"]);
        rows.iter().for_each(|(version, shown)| row(&mut sink, *version, *shown));
        let (version, rest) = split(Box::new(sink).finish());
        (version, String::from_utf8(rest).unwrap())
    }

    #[test]
    fn the_version_is_taken_out() {
        let (version, text) = encoded(&[(1, 2)]);
        assert_eq!(version.len(), VERSION_BYTES);
        assert_eq!(text, r#"[{"id":2,"more":[{"x":2}]}]"#);
        assert_eq!(encoded(&[(1, 3)]).0, version);
        assert_ne!(encoded(&[(2, 2)]).0, version);
        assert_eq!(encoded(&[]), (Vec::new(), "[]".into()));
        assert_eq!(encoded(&[(1, 2), (1, 2)]).0, Vec::<u8>::new());
    }
}
