//! Where an engine writes rows to.

use plinth_values::{Session, Type, ValueRef};

use crate::error::EngineError;

/// Takes the rows of a result as a sequence of calls, in order, and encodes them. Inside a row come its fields; a field is a value,
/// one related object, null, or an array of related rows.
///
/// The calls for `[{"id":1,"client":{"name":"x"},"tasks":[{"id":5}]}]`: `begin_row`, `value("id")`, `begin_object("client")`,
/// `value("name")`, `end_object`, `begin_array("tasks")`, `begin_row`, `value("id")`, `end_row`, `end_array`, `end_row`.
pub trait RowSink: Send {
    /// The names of the root's fields, before the first row: what a CSV header needs when there are no rows.
    fn header(&mut self, names: &[&str]);
    /// A row of the root, or of the array begun last.
    fn begin_row(&mut self);
    /// The end of the row.
    fn end_row(&mut self);
    /// A value of the row or object begun last.
    fn value(&mut self, name: &str, ty: &Type, value: ValueRef<'_>, session: &Session);
    /// A related row as a field.
    fn begin_object(&mut self, name: &str);
    /// Its end.
    fn end_object(&mut self);
    /// Null as a field: no related row.
    fn null(&mut self, name: &str);
    /// Related rows as a field.
    fn begin_array(&mut self, name: &str);
    /// Their end.
    fn end_array(&mut self);
    /// A bare element of the array begun last: to-many spreads.
    fn element(&mut self, ty: &Type, value: ValueRef<'_>, session: &Session);
    /// Bytes taken so far, for limits.
    fn len(&self) -> usize;
    /// Whether nothing was taken yet.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Whether values that the engine does not render itself are wanted in their text form, rather than as JSON.
    fn wants_text(&self) -> bool {
        false
    }
    /// Whether so much was taken that a part should be handed on before more comes. An engine that can wait where it runs then calls
    /// [`RowSink::hand_on`] between two rows of the root; one that cannot goes on.
    fn is_full(&self) -> bool {
        false
    }
    /// Hands on what was taken so far, which may make the thread wait. The arguments are what the outcome will say: the rows, and all
    /// rows that match when the plan counts them. Errors: nobody takes it any more.
    fn hand_on(&mut self, _rows: u64, _total: Option<u64>) -> Result<(), EngineError> {
        Ok(())
    }
    /// What was encoded so far, to go before what is still to come; the sink goes on without it. `None` where only a finished result
    /// makes sense.
    fn take(&mut self) -> Option<Vec<u8>> {
        None
    }
    /// An empty sink like this one, for rows that are read again. `None` where what was taken is gone already.
    fn fresh(&self) -> Option<Box<dyn RowSink>> {
        None
    }
    /// The end of the result: what was encoded, and not taken before.
    fn finish(self: Box<Self>) -> Vec<u8>;
}
