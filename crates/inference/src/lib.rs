//! Runs models: a repository of versions, a cache of loaded ones, a batcher, and a pipeline with
//! retry, breaker, fallback, canary and shadow.
//!
//! Knows named tensors of numbers, not what they stand for.

mod backend;
mod batcher;
mod config;
mod error;
#[cfg(test)]
mod fixtures;
mod histogram;
mod loader;
mod metrics;
mod model_cache;
mod models;
mod pipeline;
mod repository;
mod request;
mod resident;
mod server;
mod statistics;
mod tensor;

pub use config::{
    BatchMode, Batching, Breaker, Canary, Eviction, Guard, Limits, ModelConfig, ResultCaching,
    Retry, ServerOptions, Shadow, VersionPolicy,
};
pub use error::InferenceError;
pub use model_cache::CacheFigures;
pub use request::{
    ContentHash, Fallback, InferReply, InferRequest, Outcome, StageTimes, VersionRef,
};
pub use server::{
    IndexEntry, LoadState, ModelMetadata, ModelServer, ModelView, Push, StatisticsView, Upload,
    VersionView,
};
pub use tensor::{DataType, Signature, Tensor, TensorSpec, Values};
