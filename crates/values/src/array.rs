//! Arrays: between the storage form (a compact JSON array) and a list of elements with its dimensions.

use crate::{Result, Type, Value};

/// A rectangular array of any number of dimensions; every lower bound is 1.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Array {
    /// The length of each dimension; empty for the empty array
    pub dimensions: Vec<usize>,
    /// The elements in storage form, row by row
    pub elements: Vec<Value>,
}

impl Array {
    /// A one-dimensional array (the empty one has no dimension).
    pub fn flat(elements: Vec<Value>) -> Array {
        let _ = elements;
        unimplemented!()
    }
}

/// Reads the storage form of an array of this element type.
pub fn decode(element: &Type, stored: &str) -> Result<Array> {
    let _ = (element, stored);
    unimplemented!()
}

/// The storage form of an array of this element type.
pub fn encode(element: &Type, array: &Array) -> Result<Value> {
    let _ = (element, array);
    unimplemented!()
}
