//! Why a feed refuses.

use thiserror::Error;

/// Why a feed refuses.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FeedError {
    /// There is no room for another key.
    #[error("no more than {0} keys are followed at a time")]
    TooManyKeys(usize),
    /// There is no room for what another key says.
    #[error("what is followed takes as much memory as it may, {0} bytes")]
    TooManyBytes(usize),
    /// There is no room for another reader.
    #[error("no more than {0} readers at a time")]
    TooManyReaders(usize),
    /// A reader follows as many keys as it may.
    #[error("no more than {0} keys for one reader")]
    TooManyKeysOfReader(usize),
    /// Nothing has been published under the key.
    #[error("there is no key {0:?}")]
    UnknownKey(String),
}
