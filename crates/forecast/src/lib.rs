//! Sports models, and what it takes to trust them.
//!
//! Same inputs, same bits: no clock, no IO, no unseeded chance, and no answer depends on the
//! number of threads. Nothing reads a result or price that was not known at the moment asked of.

mod history;

mod dixon_coles;
mod elo;
mod matchup;
mod minimise;
mod points;
mod pool;
mod score_matrix;
mod scores;
mod settlement;

pub use history::History;
pub use matchup::Matchup;
pub use points::PointsDistribution;
pub use pool::{
    BaseForecast, ModelName, Pool, PoolFit, PoolWalker, Rating, Reason, fit_pool, rating_path,
};
pub use score_matrix::ScoreMatrix;
pub use scores::Scores;
