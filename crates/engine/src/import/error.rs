//! Why an import was refused; apart from [`crate::EngineError`] because only the command line
//! imports, and treats every one of these in its own way.

use std::io;

use store::StoreError;
use thiserror::Error;

/// Why an import was refused as a whole.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The content is not what it should be; nothing of it was taken.
    #[error("refused")]
    Refused(#[from] Refusal),
    /// The content could not be read to the end.
    #[error("the content cannot be read")]
    Unreadable(#[source] io::Error),
    /// A mapping, or a table of competitions or aliases, makes no sense.
    #[error("{what} cannot be used: {problem}")]
    BadTable {
        /// Which table.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The reading thread was lost.
    #[error("the reading thread was lost")]
    Worker,
}

/// Why content is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Nothing in it.
    #[error("there is nothing in it")]
    Empty,
    /// A web page, as servers send instead of a missing file.
    #[error("it is a web page, not data")]
    WebPage,
    /// Bytes that are no text.
    #[error("it is not text")]
    Binary,
    /// Text of two or four bytes a character.
    #[error("it is text of two bytes a character (UTF-16); save it as UTF-8")]
    Utf16,
    /// Columns that every row needs are not in the header.
    #[error("the header has no {}", .0.join(", no "))]
    MissingColumns(Vec<String>),
    /// A header whose column cannot be understood.
    #[error("column {column:?} cannot be understood: {problem}")]
    BadColumn {
        /// The column.
        column: String,
        /// What is wrong with it.
        problem: String,
    },
    /// JSON that cannot be read.
    #[error("it is not the JSON of openfootball: {0}")]
    BadJson(String),
    /// More than an import takes.
    #[error("it is larger than {0} bytes")]
    TooLarge(u64),
    /// Neither the name of the connector nor the header tell how to read it.
    #[error(
        "its header belongs to no known source; name one with --source, or describe the columns with --mapping"
    )]
    UnknownSource,
}
