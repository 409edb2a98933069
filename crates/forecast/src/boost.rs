//! Gradient boosting of trees on histograms (Friedman 2001; Ke et al. 2017): leaf by leaf, with a
//! learned side for what is missing.
//!
//! Features are put into at most 255 bins and trees have at most 32 leaves, so that every model
//! fits the fast kernels of `trees`. Each sum runs over rows in one order, whoever computes it:
//! the same seed gives the same bits on any number of threads.

mod bins;
mod grow;
mod histogram;
mod objective;

use serde::Serialize;
use trees::{Aggregate, Base, Ensemble, Link, Precision, Tree};

use crate::ForecastError;
use crate::random::Random;
use bins::Bins;
use grow::{Grower, Grown};

pub use objective::Objective;
pub(crate) use objective::{sigmoid, softmax};

/// How trees are grown and how many.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BoostSettings {
    /// Rounds at most; a round is one tree per output.
    pub rounds_max: usize,
    /// Rounds without a better loss on the tail after which to stop.
    pub patience: usize,
    /// Share of rows, the last ones, on which the number of rounds is chosen; zero grows
    /// `rounds_max` on all of them.
    pub tail_share: f64,
    /// What a leaf's value is multiplied by.
    pub learning_rate: f64,
    /// Leaves of a tree, 2 to 32.
    pub leaves_max: usize,
    /// Rows a leaf has at least.
    pub rows_min: u32,
    /// Sum of second derivatives a leaf has at least.
    pub weight_min: f64,
    /// Ridge on leaf values, in second derivatives.
    pub l2: f64,
    /// Gain a split brings at least.
    pub gain_min: f64,
    /// Share of rows each round sees.
    pub row_share: f64,
    /// Share of features each tree sees.
    pub feature_share: f64,
    /// Bins of a feature, the one for missing values among them, 3 to 255.
    pub bins_max: usize,
    /// Decides which rows and features.
    pub seed: u64,
}

impl Default for BoostSettings {
    fn default() -> Self {
        Self {
            rounds_max: 200,
            patience: 20,
            tail_share: 0.2,
            learning_rate: 0.05,
            leaves_max: 31,
            rows_min: 20,
            weight_min: 1e-3,
            l2: 0.0,
            gain_min: 0.0,
            row_share: 1.0,
            feature_share: 1.0,
            bins_max: 255,
            seed: 1,
        }
    }
}

/// What to learn from, in order of time.
#[derive(Debug, Clone, Copy)]
pub struct Examples<'a> {
    /// One name per feature.
    pub names: &'a [&'a str],
    /// Row after row, one number per feature; NaN is missing.
    pub features: &'a [f64],
    /// One per row: the index of a class, a count or a number.
    pub targets: &'a [f64],
    /// Raw scores that trees start from, one per row and output; the best constants where there
    /// are none.
    pub offsets: Option<&'a [f64]>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct BoostFit {
    /// The trees; where offsets were given, their scores are to be added to an offset.
    pub ensemble: Ensemble,
    /// Rounds grown.
    pub rounds: usize,
    /// Mean loss on the rows trained on, before the first round and after each.
    pub losses: Vec<f64>,
    /// Mean loss on the tail: before the first round, and after the number of rounds chosen.
    pub tail_losses: Option<[f64; 2]>,
}

/// Grows an ensemble: the number of rounds is chosen on the tail of the rows, then all are
/// learned from.
pub fn boost(
    examples: &Examples<'_>,
    objective: Objective,
    settings: &BoostSettings,
) -> Result<BoostFit, ForecastError> {
    check(examples, objective, settings)?;
    let bins = Bins::new(examples.features, examples.names.len(), settings.bins_max);
    let rows = examples.targets.len();
    let head = rows - share_of(rows, settings.tail_share);
    let mut rounds = settings.rounds_max;
    let mut tail_losses = None;
    if head < rows && head > 0 {
        let mut trial = Boosting::new(examples, objective, settings, &bins, head);
        let (best, losses) = trial.stop_early();
        // One round says more than none, and moves next to nothing.
        (rounds, tail_losses) = (best.max(1), Some(losses));
    }
    let mut all = Boosting::new(examples, objective, settings, &bins, rows);
    let mut losses = vec![all.loss(0, rows)];
    for _ in 0..rounds {
        all.round();
        losses.push(all.loss(0, rows));
    }
    Ok(BoostFit {
        ensemble: all.ensemble(examples.names),
        rounds,
        losses,
        tail_losses,
    })
}

/// A number of things that is a share of `count`, rounded down.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "counts of rows and features, times a share"
)]
fn share_of(count: usize, share: f64) -> usize {
    (count as f64 * share) as usize
}

fn check(
    examples: &Examples<'_>,
    objective: Objective,
    settings: &BoostSettings,
) -> Result<(), ForecastError> {
    let bad = |reason: String| Err(ForecastError::Untrainable(reason));
    let (rows, columns) = (examples.targets.len(), examples.names.len());
    if rows == 0 || columns == 0 || u32::try_from(rows).is_err() {
        return bad(format!("there are {rows} rows of {columns} features"));
    }
    if examples.features.len() != rows * columns {
        let given = examples.features.len();
        return bad(format!("{given} numbers are not {rows} rows of {columns}"));
    }
    if let Some(at) = examples.features.iter().position(|it| it.is_infinite()) {
        let (row, name) = (at / columns, examples.names[at % columns]);
        return bad(format!("feature {name} of row {row} is infinite"));
    }
    if let Some(row) = examples.targets.iter().position(|it| !objective.takes(*it)) {
        let target = examples.targets[row];
        return bad(format!("row {row} has target {target}"));
    }
    if let Some(offsets) = examples.offsets {
        let wanted = rows * objective.outputs();
        if offsets.len() != wanted || offsets.iter().any(|it| !it.is_finite()) {
            let given = offsets.len();
            return bad(format!("{given} offsets are not {wanted} finite numbers"));
        }
    }
    let ranges = [
        ("leaves_max", (2..=32).contains(&settings.leaves_max)),
        ("bins_max", (3..=255).contains(&settings.bins_max)),
        ("tail_share", (0.0..1.0).contains(&settings.tail_share)),
        ("row_share", is_share(settings.row_share)),
        ("feature_share", is_share(settings.feature_share)),
        ("l2", settings.l2 >= 0.0),
        ("learning_rate", settings.learning_rate > 0.0),
    ];
    match ranges.iter().find(|it| !it.1) {
        Some((name, _)) => bad(format!("setting {name} is out of its range")),
        None => Ok(()),
    }
}

fn is_share(value: f64) -> bool {
    value > 0.0 && value <= 1.0
}

/// Trees so far, and what they make of every row.
struct Boosting<'a> {
    examples: &'a Examples<'a>,
    objective: Objective,
    settings: &'a BoostSettings,
    bins: &'a Bins,
    /// Rows learned from, the first ones.
    rows: usize,
    base: Vec<f64>,
    /// One per row and output, the outputs of a row side by side.
    scores: Vec<f64>,
    trees: Vec<(usize, Grown)>,
    random: Random,
}

impl<'a> Boosting<'a> {
    fn new(
        examples: &'a Examples<'a>,
        objective: Objective,
        settings: &'a BoostSettings,
        bins: &'a Bins,
        rows: usize,
    ) -> Self {
        let outputs = objective.outputs();
        let (base, scores) = match examples.offsets {
            Some(offsets) => (vec![0.0; outputs], offsets.to_vec()),
            None => {
                let base = objective.base(&examples.targets[..rows]);
                let scores = base.repeat(examples.targets.len());
                (base, scores)
            }
        };
        Self {
            examples,
            objective,
            settings,
            bins,
            rows,
            base,
            scores,
            trees: Vec::new(),
            random: Random::new(settings.seed),
        }
    }

    /// Grows until the loss on the rows behind those learned from gets no better; returns the best
    /// number of rounds, and the losses before them and after.
    fn stop_early(&mut self) -> (usize, [f64; 2]) {
        let all = self.examples.targets.len();
        let first = self.loss(self.rows, all);
        let (mut best, mut least) = (0, first);
        for round in 1..=self.settings.rounds_max {
            self.round();
            let loss = self.loss(self.rows, all);
            if loss < least {
                (best, least) = (round, loss);
            } else if round - best >= self.settings.patience {
                break;
            }
        }
        (best, [first, least])
    }

    /// Grows one tree per output.
    fn round(&mut self) {
        let outputs = self.objective.outputs();
        let derivatives = self
            .objective
            .derivatives(&self.scores, &self.examples.targets[..self.rows]);
        let rows = self.sampled_rows();
        for (output, slopes) in derivatives.iter().enumerate() {
            let features = self.sampled_features();
            let grower = Grower {
                bins: self.bins,
                settings: self.settings,
                slopes,
                features: &features,
            };
            let grown = grower.grow(rows.clone());
            for (row, scores) in self.scores.chunks_exact_mut(outputs).enumerate() {
                scores[output] += grown.value(self.bins, row);
            }
            self.trees.push((output, grown));
        }
    }

    fn sampled_rows(&mut self) -> Vec<u32> {
        let count = u32::try_from(self.rows).expect("rows are checked to be few");
        if self.settings.row_share >= 1.0 {
            return (0..count).collect();
        }
        (0..count)
            .filter(|_| self.random.unit() < self.settings.row_share)
            .collect()
    }

    /// Some of the features in order, drawn without putting back.
    fn sampled_features(&mut self) -> Vec<usize> {
        let all = self.bins.columns().len();
        let mut features: Vec<usize> = (0..all).collect();
        let wanted = share_of(all, self.settings.feature_share).max(1);
        if wanted < all {
            for place in 0..wanted {
                let other = place + self.random.below(all - place);
                features.swap(place, other);
            }
            features.truncate(wanted);
            features.sort_unstable();
        }
        features
    }

    /// Mean loss of the rows in `from..until`.
    fn loss(&self, from: usize, until: usize) -> f64 {
        let outputs = self.objective.outputs();
        self.objective.loss(
            &self.scores[from * outputs..until * outputs],
            &self.examples.targets[from..until],
        )
    }

    fn ensemble(&self, names: &[&str]) -> Ensemble {
        let trees = self.trees.iter().map(|(output, grown)| Tree {
            output: u32::try_from(*output).expect("outputs are few"),
            nodes: grown.nodes(self.bins),
        });
        Ensemble {
            feature_names: names.iter().map(|it| (*it).to_owned()).collect(),
            outputs: self.objective.outputs(),
            precision: Precision::Double,
            base: Base::First(self.base.clone()),
            trees: trees.collect(),
            aggregate: Aggregate::Sum,
            // What is to be added to an offset is no prediction yet.
            link: match self.examples.offsets {
                Some(_) => Link::Identity,
                None => self.objective.link(),
            },
        }
    }
}

#[cfg(test)]
mod tests;
