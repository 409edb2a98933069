//! Sports models, and what it takes to trust them.
//!
//! Same inputs, same bits: no clock, no IO, no unseeded chance, and no answer depends on the
//! number of threads. Nothing reads a result or price that was not known at the moment asked of.

mod history;

mod betting;
mod blend;
mod boost;
mod boosted;
mod calendar;
mod climatology;
mod edge;
mod error;
mod evaluate;
mod features;
mod forecaster;
mod in_play;
mod outcome;
mod random;
mod report;
mod schedule;
mod trained;
mod walk;

mod dixon_coles;
mod elo;
mod margin;
mod market;
mod market_implied;
mod matchup;
mod minimise;
mod points;
mod pool;
mod score_matrix;
mod scores;
mod settlement;
#[cfg(test)]
mod synthetic;

pub use betting::{BettingOptions, BettingReport, CurvePoint};
pub use blend::Opinion;
pub use boost::{BoostFit, BoostSettings, Examples, Objective, boost};
pub use boosted::{
    BoostedReport, BoostedStage, BoostedTable, FeatureNote, ModelVersion, Scorer, boosted_table,
};
pub use dixon_coles::{DixonColesFit, WeightedResult, fit_dixon_coles};
pub use edge::{Edge, EdgeClaim, EdgeFlag};
pub use error::ForecastError;
pub use evaluate::{
    Difference, Interval, Metrics, ReliabilityBin, Scored, compare, evaluate, reliability,
};
pub use features::{Feature, features};
pub use forecaster::{Forecast, Forecaster};
pub use history::History;
pub use in_play::{
    Course, FootballParameters, FootballPlay, GameState, Half, InPlayCell, InPlayReport, NextGoal,
    Phase, Play, PlayLog, PlayScored, PointsParameters, PointsPlay, Regress, ScoreEffect, Tied,
    cancelled, judge_in_play,
};
pub use matchup::Matchup;
pub use points::PointsDistribution;
pub use pool::{
    BaseForecast, ModelName, Pool, PoolFit, PoolWalker, Rating, Reason, fit_pool, rating_path,
};
pub use report::{
    DifferenceRow, Miss, MonthRow, ReliabilityDiagram, Report, ReportRow, SportScope, text_table,
};
pub use schedule::{cut_for, next_cut};
pub use score_matrix::ScoreMatrix;
pub use scores::Scores;
pub use trained::{BacktestOptions, Progress, TrainOptions, Trained, backtest, train};
