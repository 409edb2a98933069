//! The boosted model of a sport: trees grown on features of past fixtures, which move the opinion
//! of the best base model (the anchor) as far as history justifies.
//!
//! Trees score log-odds to be added to the anchor's, so that little evidence moves little. A stage
//! reads only fixtures known when it became valid, each with the features and the anchor it had
//! before it was played.

mod explain;
mod saved;
mod settings;

use domain::{Competition, CompetitionKey, Sport};
use jiff::{SignedDuration, Timestamp};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use trees::{Model, Rows};

use crate::blend::{Opinion, SHAPES, opinion};
use crate::boost::{BoostFit, BoostSettings, Examples, Objective, boost, sigmoid, softmax};
use crate::features::features;
use crate::walk::{Walked, walk};
use crate::{History, ModelName, Pool, cut_for};

pub use saved::{ModelVersion, Scorer};

pub(crate) use explain::reasons;
use saved::Saved;
use settings::settings;

/// Fixtures a stage learns from at least.
const FIXTURES_MIN: usize = 800;

/// Keeps logarithms finite.
const PROBABILITY_MIN: f64 = 1e-6;

/// A sport's trees in force from a moment on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoostedStage {
    pub(crate) valid_from: Timestamp,
    saved: Saved,
    learned: Learned,
}

/// What a stage was learned from, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Learned {
    rows: u64,
    first_kickoff: Timestamp,
    last_kickoff: Timestamp,
    data_digest: String,
    rounds: u64,
    log_loss: f64,
    log_loss_anchor: f64,
    log_loss_tail: Option<f64>,
    log_loss_tail_anchor: Option<f64>,
}

/// A feature, as a report names it.
#[derive(Debug, Clone, Serialize)]
pub struct FeatureNote {
    /// Its column's name.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// What it says.
    pub about: &'static str,
}

/// What is to be said of a stage, for `report.json` beside its file.
#[derive(Debug, Clone, Serialize)]
pub struct BoostedReport {
    /// What is played.
    pub sport: Sport,
    /// From when on it may be asked.
    pub valid_from: Timestamp,
    /// Its features, in order of column.
    pub features: Vec<FeatureNote>,
    /// Fixtures it learned from.
    pub rows: u64,
    /// Kickoff of the first of them.
    pub first_kickoff: Timestamp,
    /// Kickoff of the last of them.
    pub last_kickoff: Timestamp,
    /// SHA-256 of the training matrix (features, anchors and outcomes, little-endian f64), hex.
    pub data_digest: String,
    /// How trees were grown, the seed among it.
    pub settings: BoostSettings,
    /// Rounds grown, chosen on the last fixtures.
    pub rounds: u64,
    /// Log loss on what it learned from.
    pub log_loss: f64,
    /// Log loss of the anchor alone on the same.
    pub log_loss_anchor: f64,
    /// Log loss on the last fixtures, which chose the rounds, before they were learned from.
    pub log_loss_tail: Option<f64>,
    /// Log loss of the anchor alone on the same.
    pub log_loss_tail_anchor: Option<f64>,
}

impl BoostedStage {
    /// From when on it is asked.
    pub fn valid_from(&self) -> Timestamp {
        self.valid_from
    }

    /// The version it is kept as, where it was given to a server of models.
    pub fn version(&self) -> Option<&ModelVersion> {
        match &self.saved {
            Saved::Here(_) => None,
            Saved::Pushed(version) => Some(version),
        }
    }

    /// Its trees in the compact form, where they are still here.
    pub fn to_compact(&self) -> Option<Vec<u8>> {
        match &self.saved {
            Saved::Here(model) => Some(model.to_compact()),
            Saved::Pushed(_) => None,
        }
    }

    /// Lets the trees go: from now on they are asked for elsewhere.
    pub fn keep_as(&mut self, version: ModelVersion) {
        self.saved = Saved::Pushed(version);
    }

    /// What is to be said of it.
    pub fn report(&self, sport: Sport) -> BoostedReport {
        let learned = &self.learned;
        let note = |it: &'static crate::Feature| FeatureNote {
            name: it.name,
            unit: it.unit,
            about: it.about,
        };
        BoostedReport {
            sport,
            valid_from: self.valid_from,
            features: features(sport).into_iter().map(note).collect(),
            rows: learned.rows,
            first_kickoff: learned.first_kickoff,
            last_kickoff: learned.last_kickoff,
            data_digest: learned.data_digest.clone(),
            settings: settings(sport).boost,
            rounds: learned.rounds,
            log_loss: learned.log_loss,
            log_loss_anchor: learned.log_loss_anchor,
            log_loss_tail: learned.log_loss_tail,
            log_loss_tail_anchor: learned.log_loss_tail_anchor,
        }
    }

    /// What it thinks of a fixture, given what others think; `None` where it cannot be asked.
    pub(crate) fn opinion(
        &self,
        opinions: &[Opinion],
        features: &[f64],
        scorer: Option<&dyn Scorer>,
    ) -> Option<Opinion> {
        let anchor = anchor(opinions)?;
        let raw = self.saved.score(features, scorer)?;
        moved(anchor, &raw)
    }
}

impl BoostedStage {
    /// What moved its raw scores for a row: for each score one number per feature, then what they
    /// begin with.
    pub(crate) fn contributions(
        &self,
        features: &[f64],
        scorer: Option<&dyn Scorer>,
    ) -> Option<Vec<f64>> {
        self.saved.contributions(features, scorer)
    }
}

/// The opinion that trees move: that of the model whose shape of scores is borrowed too.
fn anchor(opinions: &[Opinion]) -> Option<&[f64]> {
    SHAPES.iter().find_map(|it| opinion(opinions, *it))
}

/// Raw scores that trees start from: one per outcome, or one of home against away.
fn offsets(anchor: &[f64]) -> Vec<f64> {
    let logs: Vec<f64> = anchor
        .iter()
        .map(|it| libm::log(it.max(PROBABILITY_MIN)))
        .collect();
    match logs.as_slice() {
        [home, away] => vec![home - away],
        _ => logs,
    }
}

/// The anchor, moved by raw scores; `None` where there are not as many as it needs.
fn moved(anchor: &[f64], raw: &[f64]) -> Option<Opinion> {
    let start = offsets(anchor);
    if raw.len() != start.len() || raw.iter().any(|it| !it.is_finite()) {
        return None;
    }
    let scores: Vec<f64> = start.iter().zip(raw).map(|(a, b)| a + b).collect();
    let h2h = if let [score] = scores[..] {
        let home = sigmoid(score);
        vec![home, 1.0 - home]
    } else {
        let mut chances = vec![0.0; scores.len()];
        softmax(&scores, &mut chances);
        chances
    };
    Some(Opinion {
        model: ModelName::Boosted,
        h2h,
    })
}

/// What a boosted model learns from, in order of kickoff; every row is as of the moment before
/// its game.
#[derive(Debug, Clone, Default)]
pub struct BoostedTable {
    /// Row after row, one number per feature.
    pub features: Vec<f64>,
    /// Raw scores of the anchor that trees start from: one per outcome, or home against away.
    pub offsets: Vec<f64>,
    /// What happened: the index of the outcome, or one where home won of two outcomes.
    pub targets: Vec<f64>,
    /// When each game began.
    pub kickoffs: Vec<Timestamp>,
    /// Where each game was played.
    pub competitions: Vec<CompetitionKey>,
}

/// Walks through history and gives what the boosted model of a sport could learn from.
pub fn boosted_table(
    history: &History,
    competitions: &[Competition],
    sport: Sport,
) -> BoostedTable {
    let mut pools = Pool::group(competitions);
    pools.retain(|it| it.sport == sport);
    let walked = walk(history, &pools, Timestamp::MAX, &|_| ());
    let all = SignedDuration::MAX;
    BoostedTable::new(&walked, Timestamp::MAX, all)
}

impl BoostedTable {
    /// What was known at a moment, back to where a sport's past no longer counts.
    fn new(walked: &[Walked<'_>], at: Timestamp, span: SignedDuration) -> Self {
        let start = at
            .saturating_sub(span)
            .expect("a span without calendar units always fits");
        let mut table = Self::default();
        for it in walked {
            if it.game.known_at > at || it.game.known_at <= start {
                continue;
            }
            let Some(anchor) = anchor(&it.opinions) else {
                continue;
            };
            let width = anchor.len();
            table.offsets.extend(offsets(anchor));
            table.features.extend(&it.features);
            #[expect(clippy::cast_precision_loss, reason = "outcomes are two or three")]
            table.targets.push(if width == 2 {
                1.0 - it.outcome as f64
            } else {
                it.outcome as f64
            });
            table.kickoffs.push(it.game.kickoff);
            table.competitions.push(it.game.competition.clone());
        }
        table
    }

    fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for column in [&self.features, &self.offsets, &self.targets] {
            let bytes: Vec<u8> = column.iter().flat_map(|it| it.to_le_bytes()).collect();
            hasher.update(&bytes);
        }
        hasher
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// Grows the trees of a sport on what was known at `valid_from`; `None` where that is too little.
pub(crate) fn fit_stage(
    walked: &[Walked<'_>],
    sport: Sport,
    valid_from: Timestamp,
) -> Option<BoostedStage> {
    let settings = settings(sport);
    let table = BoostedTable::new(walked, valid_from, settings.span);
    let rows = table.targets.len();
    if rows < FIXTURES_MIN {
        return None;
    }
    let names: Vec<&str> = features(sport).iter().map(|it| it.name).collect();
    let examples = Examples {
        names: &names,
        features: &table.features,
        targets: &table.targets,
        offsets: Some(&table.offsets),
    };
    let objective = match table.offsets.len() / rows {
        1 => Objective::Binary,
        outcomes => Objective::Classes(outcomes),
    };
    let fit = boost(&examples, objective, &settings.boost).ok()?;
    let learned = learned(&table, &fit);
    Some(BoostedStage {
        valid_from,
        saved: Saved::here(Model::new(fit.ensemble)),
        learned,
    })
}

fn learned(table: &BoostedTable, fit: &BoostFit) -> Learned {
    Learned {
        rows: table.targets.len() as u64,
        first_kickoff: table.kickoffs[0],
        last_kickoff: table.kickoffs[table.kickoffs.len() - 1],
        data_digest: table.digest(),
        rounds: fit.rounds as u64,
        log_loss: fit.losses[fit.losses.len() - 1],
        log_loss_anchor: fit.losses[0],
        log_loss_tail: fit.tail_losses.map(|it| it[1]),
        log_loss_tail_anchor: fit.tail_losses.map(|it| it[0]),
    }
}

/// Adds to every fixture the opinion of the stage that was in force before it.
pub(crate) fn add_opinions(walked: &mut [Walked<'_>], stages: &[BoostedStage]) {
    walked.par_chunks_mut(256).for_each(|chunk| {
        for it in chunk {
            let cut = cut_for(it.game.pregame_at());
            let stage = stages.iter().rev().find(|it| it.valid_from <= cut);
            let opinion = stage.and_then(|stage| stage.opinion(&it.opinions, &it.features, None));
            it.opinions.extend(opinion);
        }
    });
}

/// Scores one row.
fn score(model: &Model, features: &[f64]) -> Option<Vec<f64>> {
    let mut raw = vec![0.0; model.predictions()];
    let row = Rows::strided(features, 1, features.len(), features.len()).ok()?;
    model.predict_rows(row, &mut raw).ok()?;
    Some(raw)
}

/// Says what moved one row's raw scores.
fn contributions(model: &Model, features: &[f64]) -> Option<Vec<f64>> {
    let mut out = vec![0.0; model.contributions_width()];
    let row = Rows::strided(features, 1, features.len(), features.len()).ok()?;
    model.contributions(row, &mut out).ok()?;
    Some(out)
}

#[cfg(test)]
mod tests;
