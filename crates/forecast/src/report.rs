//! What a backtest found: how good each model's forecasts were, and what betting on them would
//! have brought. Field names are stable: machines read them.

mod judge;
mod table;

use domain::{CompetitionKey, FixtureId, SeasonKey, Sport};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{BettingReport, Difference, Metrics, ModelName, ReliabilityBin};

pub(crate) use judge::judge;
pub use table::text_table;

/// What a backtest found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Kickoff of the first fixture judged.
    pub from: Timestamp,
    /// Kickoff of the last fixture judged.
    pub until: Timestamp,
    /// How many fixtures were judged.
    pub fixtures: u64,
    /// The competitions judged, in order of key.
    pub competitions: Vec<CompetitionKey>,
    /// What of that each sport has; empty in reports of before it was kept.
    #[serde(default)]
    pub sports: Vec<SportScope>,
    /// Scores per model, competition and season; then per model and competition, per model and
    /// season, and per model.
    pub rows: Vec<ReportRow>,
    /// Every model against the closing and the early market on the same fixtures: all of a sport
    /// first, then its parts.
    pub differences: Vec<DifferenceRow>,
    /// Reliability diagrams, one per model and sport.
    pub reliability: Vec<ReliabilityDiagram>,
    /// Log loss per model and calendar month of kickoff.
    pub monthly: Vec<MonthRow>,
    /// The fixtures each model was most surprised by, at most 25 of a sport, the worst first.
    pub worst: Vec<Miss>,
    /// What betting would have brought; one per sport with prices.
    pub betting: Vec<BettingReport>,
}

impl Report {
    /// The names of the models judged, each once.
    pub fn model_names(&self) -> Vec<String> {
        let judged = |model: &ModelName| self.rows.iter().any(|it| it.model == *model);
        let judged = ModelName::ALL.into_iter().filter(judged);
        judged.map(|it| it.as_str().to_owned()).collect()
    }
}

/// The fixtures of one sport that were judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SportScope {
    /// What is played.
    pub sport: Sport,
    /// Kickoff of the first.
    pub from: Timestamp,
    /// Kickoff of the last.
    pub until: Timestamp,
    /// How many.
    pub fixtures: u64,
}

/// Scores of one model over one set of fixtures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportRow {
    /// Which model.
    pub model: ModelName,
    /// What is played.
    pub sport: Sport,
    /// Which competition; `None` over all of the sport.
    pub competition: Option<CompetitionKey>,
    /// Which season; `None` over all.
    pub season: Option<SeasonKey>,
    /// The scores.
    #[serde(flatten)]
    pub metrics: Metrics,
}

/// One model against another on the fixtures both forecast.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DifferenceRow {
    /// Which model.
    pub model: ModelName,
    /// What is played.
    pub sport: Sport,
    /// Which competition; `None` over all of the sport.
    #[serde(default)]
    pub competition: Option<CompetitionKey>,
    /// Which season; `None` over all.
    #[serde(default)]
    pub season: Option<SeasonKey>,
    /// The model compared with.
    pub reference: ModelName,
    /// The difference; positive is worse than the reference.
    #[serde(flatten)]
    pub difference: Difference,
}

/// The reliability diagram of one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityDiagram {
    /// Which model.
    pub model: ModelName,
    /// What is played.
    pub sport: Sport,
    /// Bins of equal count, likeliest last.
    pub bins: Vec<ReliabilityBin>,
}

/// A model's log loss in one month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MonthRow {
    /// Which model.
    pub model: ModelName,
    /// What is played.
    pub sport: Sport,
    /// Year and month of kickoff (UTC), such as `2022-08`.
    pub month: String,
    /// How many fixtures.
    pub n: u64,
    /// Mean log loss.
    pub log_loss: f64,
}

/// A fixture a model was surprised by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Miss {
    /// Which fixture.
    pub fixture: FixtureId,
    /// Its competition.
    pub competition: CompetitionKey,
    /// Its season.
    pub season: SeasonKey,
    /// Its kickoff.
    pub kickoff: Timestamp,
    /// The model surprised.
    pub model: ModelName,
    /// Home, draw, away; home, away in sports without draws.
    pub h2h: Vec<f64>,
    /// Index in `h2h` of what happened.
    pub outcome: u64,
    /// Negative logarithm of the probability it was given.
    pub log_loss: f64,
}
