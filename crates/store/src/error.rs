//! Why the store has no answer.

use thiserror::Error;

/// Why the store has no answer.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database was made by a newer release.
    #[error(
        "the database has schema {found}, newer than {known} which this release knows; run the newer release"
    )]
    SchemaTooNew {
        /// Version in the file.
        found: i64,
        /// Newest version known here.
        known: i64,
    },
    /// The database is not one of ours, or is damaged.
    #[error("{0} is not a Sports Edge database")]
    NotOurs(String),
    /// A URL cannot be read.
    #[error("{0} is no URL of a PostgreSQL database, such as postgres://user:password@host/name")]
    Url(String),
    /// A record names something that is not there.
    #[error("{what} {key} is not known")]
    Unknown {
        /// What kind of thing.
        what: &'static str,
        /// Which one.
        key: String,
    },
    /// A stored value makes no sense.
    #[error("column {column} holds {value:?}, which cannot be read")]
    Corrupt {
        /// Table and column.
        column: &'static str,
        /// What it holds.
        value: String,
    },
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}
