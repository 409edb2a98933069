//! What can go wrong, by what a caller would do about it.

use std::sync::Arc;
use std::time::Duration;

/// Why a value could not be had; `E` is the loader's own error.
#[derive(Debug, thiserror::Error)]
pub enum CacheError<E: std::error::Error + 'static> {
    /// The loader failed; all who waited for it get the same error.
    #[error("the value could not be loaded")]
    Load(#[source] Arc<E>),
    /// The loader panicked.
    #[error("the loader panicked: {0}")]
    Panicked(Arc<str>),
    /// The loader was stopped after its hard time-out.
    #[error("the loader took longer than {0:?}")]
    TimedOut(Duration),
    /// The load ended without an outcome, as when the runtime shuts down.
    #[error("the load was cancelled")]
    Cancelled,
    /// The load failed on another replica a short while ago, which said this of it.
    #[error("the value could not be loaded by another replica: {0}")]
    Elsewhere(Arc<str>),
    /// As many loads are under way as may be.
    #[error("{0} loads are under way, as many as may be")]
    Busy(usize),
    /// The loader named more tags than an entry may have; the value was not kept or returned.
    #[error("a value was made from {count} things, more than {max}; name their kind instead")]
    TooManyTags {
        /// How many it named.
        count: usize,
        /// How many it may name.
        max: usize,
    },
    /// The key is longer than may be.
    #[error("a key has {size} bytes, more than {max}")]
    KeyTooLong {
        /// Its length, in bytes.
        size: usize,
        /// The greatest length, in bytes.
        max: usize,
    },
    /// The key was made by another kind.
    #[error("the key was made for another kind than {0}")]
    WrongKind(Arc<str>),
}

impl<E: std::error::Error + 'static> Clone for CacheError<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Load(error) => Self::Load(error.clone()),
            Self::Panicked(text) => Self::Panicked(text.clone()),
            Self::TimedOut(time) => Self::TimedOut(*time),
            Self::Cancelled => Self::Cancelled,
            Self::Elsewhere(text) => Self::Elsewhere(text.clone()),
            Self::Busy(count) => Self::Busy(*count),
            Self::TooManyTags { count, max } => Self::TooManyTags {
                count: *count,
                max: *max,
            },
            Self::KeyTooLong { size, max } => Self::KeyTooLong {
                size: *size,
                max: *max,
            },
            Self::WrongKind(name) => Self::WrongKind(name.clone()),
        }
    }
}

/// Why the shared tier could not be joined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// One was joined before.
    #[error("the cache has a shared tier already")]
    Joined,
    /// Places in the table of versions are not the same on both sides.
    #[error("the cache has {ours} slots and the shared tier {theirs}")]
    Slots {
        /// Those of memory.
        ours: u32,
        /// Those of the shared tier.
        theirs: u32,
    },
}

/// Why a kind could not be registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KindError {
    /// A kind of that name is there already; clone that one.
    #[error("a kind named {0} is there already")]
    Taken(String),
    /// There are as many kinds as may be.
    #[error("there are {0} kinds, as many as may be")]
    TooMany(usize),
}
