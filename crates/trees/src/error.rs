//! Why a model cannot be read, or a row not be scored.

use thiserror::Error;

/// Why a model cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReadError {
    /// The bytes are no model of any kind that is known.
    #[error("not a model: neither LightGBM text, XGBoost JSON or UBJSON, ONNX, nor our own format")]
    Unknown,
    /// The file is broken: cut off, cyclic, out of range, absurd.
    #[error("{place}: {reason}")]
    Malformed {
        /// Where: a line, a byte, a field of a tree (`tree 3, node 7`).
        place: String,
        /// What is wrong there.
        reason: String,
    },
    /// The file is sound, but has something that is not scored here.
    #[error("{0} is not supported")]
    Unsupported(String),
}

/// Why rows cannot be scored.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ShapeError {
    /// A row has too few or too many features.
    #[error("a row has {given} features where the model has {wanted}")]
    Features {
        /// Features given.
        given: usize,
        /// Features the model has.
        wanted: usize,
    },
    /// There are not as many numbers as rows and stride say.
    #[error("{given} numbers do not hold {rows} rows of stride {stride}")]
    Data {
        /// Numbers given.
        given: usize,
        /// Rows promised.
        rows: usize,
        /// Numbers from the start of one row to the start of the next.
        stride: usize,
    },
    /// The place for the predictions has the wrong size.
    #[error("room for {given} predictions where {wanted} come")]
    Room {
        /// Room given.
        given: usize,
        /// Room needed.
        wanted: usize,
    },
    /// The file does not say how many training rows went where.
    #[error("the model has no counts of training rows, without which nothing can be explained")]
    NoCover,
    /// A least or a greatest has no parts that add up.
    #[error("a model that takes the least or the greatest of its trees cannot be explained")]
    NoSum,
    /// An explanation would take too long.
    #[error("a path asks {given} different features, {bound} can be explained")]
    Deep {
        /// Features on the path.
        given: usize,
        /// The bound.
        bound: usize,
    },
    /// The trees of a file in our own format, which scoring does not look at, are broken.
    #[error("the trees that explanations need are broken")]
    Trees(#[source] ReadError),
}
