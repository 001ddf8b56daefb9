//! How a plan is told.

/// What is told of a plan, and how (the options of PostgreSQL's `explain`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Explain {
    /// As JSON instead of text
    pub json: bool,
    /// Run it, and tell what it took
    pub analyze: bool,
    /// Tell more
    pub verbose: bool,
    /// Tell the settings that differ from their defaults
    pub settings: bool,
    /// Tell the blocks that were read
    pub buffers: bool,
    /// Tell what was written to the log
    pub wal: bool,
}
