//! Throw-away PostgreSQL: one server that all tests of this machine share, with a database for
//! each, and servers of a test's own, made to be paused and killed.
//!
//! Nothing is written to last: `fsync` is off, and the folder goes when nobody uses it any more.

mod database;
mod pooler;
mod programs;
mod server;
mod shared;

pub use database::PostgresDatabase;
pub use pooler::PostgresPooler;
pub use server::{PostgresServer, ServerOptions};
