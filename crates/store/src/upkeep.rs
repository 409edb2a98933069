//! What operators do to a database as a whole: look at it, back it up, restore it, move it.
//!
//! A target is written aside or in one transaction, read back and compared before it counts; it
//! must be empty. A backup is one SQLite file of the schema it was made from, which says of each
//! table how many rows it has and what they add up to, and which no server takes for its database.

mod backup;
mod copy;
mod file;
mod leader;
mod replica;
mod server;
mod status;
mod tables;
mod tally;

pub use backup::{backup, restore};
pub use copy::copy;
pub use leader::{LeaderStatus, leader_status};
pub use replica::{ReplicaStatus, replica_status};
pub use status::{DatabaseStatus, TableStatus, known_schema, schema, status};
pub use tally::Tally;

/// How far a copy has come; rows of the table at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copying {
    /// What is being done: the table's name while it is written, `verify` while it is read back.
    pub stage: &'static str,
    /// Rows so far.
    pub done: u64,
    /// Rows in all.
    pub total: u64,
}

/// Told how far a copy has come, a few times a second.
pub type Watcher = dyn Fn(Copying) + Send + Sync;

/// Rows and bytes that are on the way at a time, at most.
const BATCH_ROWS: usize = 8_192;
const BATCH_BYTES: usize = 4 << 20;
