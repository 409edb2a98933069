//! Why there is no answer.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use thiserror::Error;

/// Why a model does not answer, load, or change.
#[derive(Debug, Clone, Error)]
pub enum InferenceError {
    /// There is no such model.
    #[error("model {0} is not known")]
    UnknownModel(String),
    /// There is no such version, or the policy does not allow it.
    #[error("model {model} has no version {version}")]
    UnknownVersion {
        /// Which model.
        model: String,
        /// What was asked for.
        version: String,
    },
    /// A request does not fit the model's signature.
    #[error("{0}")]
    BadRequest(String),
    /// A name, label, setting or file that was sent cannot be taken.
    #[error("{0}")]
    BadModel(String),
    /// The file that was sent is longer than is taken.
    #[error("the file has more than {bytes_max} bytes")]
    TooLarge {
        /// The bound.
        bytes_max: u64,
    },
    /// There is such a version already.
    #[error("model {model} has version {version} already")]
    VersionTaken {
        /// Which model.
        model: String,
        /// Which version.
        version: u64,
    },
    /// The model's own bound is reached.
    #[error("model {model} has {bound} requests at work")]
    ModelBusy {
        /// Which model.
        model: Arc<str>,
        /// Its bound.
        bound: usize,
        /// When to come again.
        retry_after: Duration,
    },
    /// The bound over all models is reached.
    #[error("{bound} requests are at work")]
    ServerBusy {
        /// The bound.
        bound: usize,
        /// When to come again.
        retry_after: Duration,
    },
    /// The answer would come, or has come, too late.
    #[error("the deadline cannot be met")]
    Deadline,
    /// The version failed to load, and is not tried again yet.
    #[error("model {model} version {version} does not load: {reason}")]
    NotLoaded {
        /// Which model.
        model: Arc<str>,
        /// Which version.
        version: u64,
        /// Why.
        reason: Arc<str>,
        /// When it may be tried again; `None` where something has to change first.
        retry_after: Option<Duration>,
    },
    /// Loading takes longer than a request waits.
    #[error("model {model} version {version} is loading")]
    Loading {
        /// Which model.
        model: Arc<str>,
        /// Which version.
        version: u64,
    },
    /// The models in use fill the budget.
    #[error("no room for model {model}: {wanted_bytes} bytes wanted, {budget_bytes} in all")]
    NoRoom {
        /// Which model.
        model: Arc<str>,
        /// What it needs.
        wanted_bytes: u64,
        /// What there is.
        budget_bytes: u64,
    },
    /// The model was unloaded by hand and waits for a load.
    #[error("model {0} is unloaded")]
    Unloaded(Arc<str>),
    /// The model failed on these rows.
    #[error("model {model} version {version} failed: {reason}")]
    Failed {
        /// Which model.
        model: Arc<str>,
        /// Which version.
        version: u64,
        /// What it said.
        reason: Arc<str>,
        /// Whether the same request may succeed later.
        transient: bool,
    },
    /// The model failed so often that it is left alone.
    #[error("model {model} version {version} is left alone after failures")]
    BreakerOpen {
        /// Which model.
        model: Arc<str>,
        /// Which version.
        version: u64,
        /// When one request may try.
        retry_after: Duration,
    },
    /// A step is refused by a gate that was set.
    #[error("{0}")]
    Refused(String),
    /// The folder of models cannot be read or written.
    #[error("{path} cannot be {action}")]
    Folder {
        /// Where.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// Why not.
        source: Arc<io::Error>,
    },
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
}
