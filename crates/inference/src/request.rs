//! A request to a model and what comes back.

use std::{fmt, sync::Arc, time::Duration};

use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::Tensor;

/// SHA-256 of a model's file; shown in hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentHash(pub [u8; 32]);

impl ContentHash {
    /// The hash of a file's bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Which version is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum VersionRef {
    /// Whatever serves: label `stable`, or the highest, canary included.
    #[default]
    Serving,
    /// This one.
    Number(u64),
    /// The one with this label.
    Label(String),
}

/// A request to a model.
#[derive(Debug, Clone, PartialEq)]
pub struct InferRequest {
    /// Which model.
    pub model: String,
    /// Which version.
    pub version: VersionRef,
    /// What is asked; all tensors have the same number of rows.
    pub inputs: Vec<Tensor>,
    /// Outputs wanted; all where empty.
    pub outputs: Vec<String>,
    /// What decides about canary and shadow; requests of one key go the same way. A hash of the
    /// inputs where there is none.
    pub key: Option<String>,
    /// One is served first; zero is the model's default.
    pub priority: u64,
    /// After this nobody waits any more.
    pub deadline: Option<Instant>,
    /// Whether contributions of features are wanted too (output `contributions`).
    pub explain: bool,
}

/// What came true for a request that was answered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// The class with this number, counted from zero.
    Class(u32),
    /// This value.
    Value(f64),
}

/// Who answered instead of who was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fallback {
    /// An earlier version of the same model.
    PreviousVersion,
    /// Another model.
    OtherModel,
    /// A good answer given before to the same request.
    LastGood,
}

/// How long each stage took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StageTimes {
    /// Waiting for a load, a slot or a batch.
    pub queue: Duration,
    /// In the model.
    pub compute: Duration,
    /// Around it.
    pub post: Duration,
}

/// What comes back.
#[derive(Debug, Clone, PartialEq)]
pub struct InferReply {
    /// The model that answered.
    pub model: Arc<str>,
    /// Its version.
    pub version: u64,
    /// The file that was in memory for that version.
    pub content: ContentHash,
    /// The outputs wanted, in order.
    pub outputs: Vec<Tensor>,
    /// Who answered, where it was not who was asked.
    pub fallback: Option<Fallback>,
    /// Whether the answer was kept from before.
    pub cached: bool,
    /// How long it took.
    pub times: StageTimes,
}
