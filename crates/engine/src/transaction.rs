//! Several plans in one transaction, in order: all stay or none does. What a batch, a conditional write and a remembered answer are
//! made of; what they mean is the front door's.

use std::time::Duration;

use crate::{EngineError, Execution, Outcome};

/// Plans that belong together.
///
/// Each sees what the ones before it wrote. What one has read still holds when a later one writes: no other transaction's write
/// comes between. Limits of time and of bytes hold for all of them together.
pub struct Transaction {
    /// What to do, in order
    pub steps: Vec<Step>,
    /// Roll everything back in the end and answer as if it had stayed (`tx=rollback`). The steps' own `rollback` does not count
    pub rollback: bool,
    /// The key under which the answer is kept
    pub remember: Option<Remember>,
}

/// One plan of a transaction.
pub struct Step {
    /// What to run
    pub execution: Execution,
    /// Whether to go on with this outcome; otherwise everything is rolled back. Called inside the transaction, again when that is
    /// run again
    pub accept: Option<Accept>,
}

/// Looks at an outcome inside the transaction.
pub type Accept = Box<dyn Fn(&Outcome) -> bool + Send>;

/// Keeps the answer of a transaction under a key, in the same transaction: after a crash both are there, or neither.
///
/// A transaction whose key is there already is not run: what was kept is given instead. Nothing is kept of a transaction that fails
/// or is rolled back.
pub struct Remember {
    /// Whose key it is: a hash, so that nothing about the caller is kept
    pub owner: [u8; 32],
    /// The key: a hash
    pub key: [u8; 32],
    /// What was asked under the key: a hash
    pub fingerprint: [u8; 32],
    /// How, and how much, is kept
    pub limits: RememberLimits,
    /// Makes the answer to be kept, inside the transaction, from the outcomes of all steps
    pub answer: Box<dyn Fn(Vec<Outcome>) -> Vec<u8> + Send>,
}

/// How many answers are kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RememberLimits {
    /// How long a key is remembered
    pub keep: Duration,
    /// Bytes of one answer
    pub max_answer_bytes: u64,
    /// Keys of one owner
    pub max_keys: u64,
    /// Bytes of all answers of one owner
    pub max_total_bytes: u64,
}

/// What a transaction gave.
pub enum Transacted {
    /// The outcomes of its steps
    Done(Vec<Outcome>),
    /// The answer kept under its key, now or by an earlier transaction
    Remembered(Vec<u8>),
}

/// Why nothing of a transaction has stayed.
#[derive(Debug)]
pub struct Stopped {
    /// The step; the last one for what is about none in particular
    pub at: usize,
    /// The reason
    pub why: Why,
}

/// The reason that a transaction has ended early.
#[derive(Debug)]
pub enum Why {
    /// A step could not be done
    Failed(EngineError),
    /// [`Step::accept`] said no to this outcome
    NotAccepted(Box<Outcome>),
}

impl Transaction {
    /// One plan alone.
    pub fn of(execution: Execution) -> Transaction {
        let rollback = execution.rollback;
        Transaction { steps: vec![Step { execution, accept: None }], rollback, remember: None }
    }
}

impl Stopped {
    /// A step that could not be done.
    pub fn failed(at: usize, error: EngineError) -> Stopped {
        Stopped { at, why: Why::Failed(error) }
    }
}
