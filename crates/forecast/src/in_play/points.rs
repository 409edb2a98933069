//! Sports of many points under way: margin and total go on from where they stand, about
//! normally, their spread shrinking with the time left; a tie goes to overtime.
//!
//! As in football, ends are weighed by what the forecast before the game gives them beyond that.

use jiff::Timestamp;

use crate::PointsDistribution;
use crate::in_play::parameters::{PointsParameters, REGULAR, Tied};
use crate::in_play::state::{GameState, Phase};
use crate::points::{MARGIN_MAX, normalise, steps};

/// Deviations from the mean up to which totals are told apart.
const REACH: f64 = 6.0;
/// The least deviation: about nothing, for which there is no normal number.
const DEVIATION_MIN: f64 = 1e-9;

/// A game of many points made ready to be forecast at any moment of it.
#[derive(Debug, Clone, PartialEq)]
pub struct PointsPlay {
    prematch: PointsDistribution,
    parameters: PointsParameters,
    /// Mean and deviation of the margin before the game.
    margin: [f64; 2],
    /// Mean and deviation of the total before the game.
    total: [f64; 2],
    /// What the forecast before the game gives a margin over what the normal course gives it.
    margin_weights: Vec<f64>,
    /// The same of totals, from the lowest the forecast tells apart on.
    total_weights: Vec<f64>,
}

/// What margin and total are at a moment.
#[derive(Debug, Clone, Copy)]
struct Standing {
    margin: i32,
    total: i32,
    /// Share of the game still to come in regular play; after a tie, in the overtime.
    left: f64,
    /// Whether a tie then goes to an overtime, or to another one.
    goes_on: bool,
}

impl PointsPlay {
    /// Makes a game ready from the margins and totals forecast before it.
    pub fn new(prematch: &PointsDistribution, parameters: &PointsParameters) -> Self {
        let (lowest, totals) = prematch.totals();
        let mut play = Self {
            prematch: prematch.clone(),
            parameters: *parameters,
            margin: moments(-MARGIN_MAX, prematch.margins()),
            total: moments(lowest, totals),
            margin_weights: Vec::new(),
            total_weights: Vec::new(),
        };
        let start = Standing {
            margin: 0,
            total: 0,
            left: 1.0,
            goes_on: true,
        };
        let (margins, tie) = play.margins(&start);
        let ratio = |wanted: &[f64], found: &[f64]| -> Vec<f64> {
            let pairs = wanted.iter().zip(found);
            pairs
                .map(|(wanted, found)| if *found > 0.0 { wanted / found } else { 0.0 })
                .collect()
        };
        play.margin_weights = ratio(prematch.margins(), &margins);
        let highest = lowest + i32::try_from(totals.len()).expect("totals are few") - 1;
        let course = play.totals(&start, tie, lowest..=highest);
        play.total_weights = ratio(totals, &course);
        play
    }

    /// Margins and totals at the end, as `state` leaves them at `now`; `None` for a game given up.
    ///
    /// Before the game they are the forecast before the game, bit for bit; once it is over they
    /// are what happened.
    pub fn scores(&self, state: &GameState, now: Timestamp) -> Option<PointsDistribution> {
        match state.phase {
            Phase::Abandoned => return None,
            Phase::Before => return Some(self.prematch.clone()),
            Phase::Finished | Phase::Playing | Phase::Break => {}
        }
        let margin = state.lead().clamp(-MARGIN_MAX, MARGIN_MAX);
        let total = i32::from(state.score.home) + i32::from(state.score.away);
        let goes_on = self.parameters.tied == Tied::PlayedOn;
        let between = state.phase == Phase::Break && state.period >= REGULAR;
        let is_overtime = state.period > REGULAR;
        let is_decided = margin != 0 || (is_overtime && !goes_on);
        if state.phase == Phase::Finished || (between && is_decided) {
            return Some(certain(margin, total));
        }
        let standing = Standing {
            margin,
            total,
            left: self.parameters.left(state, now),
            goes_on: goes_on || !(is_overtime || between),
        };
        Some(self.ends(&standing))
    }

    fn ends(&self, standing: &Standing) -> PointsDistribution {
        let (mut margins, tie) = self.margins(standing);
        let weighed = margins.iter_mut().zip(&self.margin_weights);
        weighed.for_each(|(it, weight)| *it *= weight);
        normalise(&mut margins);
        let [[mean, deviation], overtime] = self.course(standing);
        let reach = REACH * (deviation + overtime[1]);
        let lowest = standing.total.max(whole((mean - reach).floor()));
        let highest = whole((mean + overtime[0] + reach).ceil()).max(lowest + 1);
        let mut totals = self.totals(standing, tie, lowest..=highest);
        let (first, _) = self.prematch.totals();
        for (value, it) in (lowest..).zip(totals.iter_mut()) {
            *it *= self.total_weight(value - first);
        }
        normalise(&mut totals);
        PointsDistribution::from_parts(margins, totals, lowest)
    }

    /// Margins by the normal course alone, and how likely what is left goes to another overtime;
    /// what does is spread over what that makes of it.
    fn margins(&self, standing: &Standing) -> (Vec<f64>, f64) {
        let course = &self.parameters.margin;
        let ends = |now, left| {
            let [mean, deviation] = course.end(now, left, self.margin);
            around(-MARGIN_MAX..=MARGIN_MAX, mean, deviation)
        };
        let mut margins = ends(f64::from(standing.margin), standing.left);
        if !standing.goes_on {
            return (margins, 0.0);
        }
        let middle = usize::try_from(MARGIN_MAX).expect("the constant is positive");
        let tie = std::mem::take(&mut margins[middle]);
        let mut after = ends(0.0, self.parameters.overtime());
        if self.parameters.tied == Tied::PlayedOn {
            after[middle] = 0.0;
            normalise(&mut after);
        }
        let pairs = margins.iter_mut().zip(&after);
        pairs.for_each(|(it, after)| *it += tie * after);
        (margins, tie)
    }

    /// Totals by the normal course alone, none below what stands, where `tie` goes to overtime.
    fn totals(
        &self,
        standing: &Standing,
        tie: f64,
        range: std::ops::RangeInclusive<i32>,
    ) -> Vec<f64> {
        let [[mean, deviation], overtime] = self.course(standing);
        let mut totals = around(range.clone(), mean, deviation);
        let longer = around(
            range.clone(),
            mean + overtime[0],
            deviation.hypot(overtime[1]),
        );
        for ((value, it), longer) in range.zip(&mut totals).zip(longer) {
            *it = if value < standing.total {
                0.0
            } else {
                (1.0 - tie) * *it + tie * longer
            };
        }
        totals
    }

    /// Mean and deviation of the total at the end of what is left, and of what an overtime after
    /// it adds.
    fn course(&self, standing: &Standing) -> [[f64; 2]; 2] {
        let course = &self.parameters.total;
        let end = course.end(f64::from(standing.total), standing.left, self.total);
        let [mean, deviation] = course.end(end[0], self.parameters.overtime(), self.total);
        [end, [mean - end[0], deviation]]
    }

    /// The weight of a total so far above the lowest; beyond the ends, that of the nearest.
    fn total_weight(&self, above: i32) -> f64 {
        let last = self.total_weights.len() - 1;
        let index = usize::try_from(above).unwrap_or(0).min(last);
        self.total_weights[index]
    }
}

fn certain(margin: i32, total: i32) -> PointsDistribution {
    let mut margins = vec![0.0; usize::try_from(2 * MARGIN_MAX + 1).expect("positive")];
    margins[usize::try_from(margin + MARGIN_MAX).expect("held inside")] = 1.0;
    PointsDistribution::from_parts(margins, vec![1.0], total)
}

/// What a normal number gives each whole one; all to the nearest where it hardly spreads.
fn around(range: std::ops::RangeInclusive<i32>, mean: f64, deviation: f64) -> Vec<f64> {
    steps(range, mean, deviation.max(DEVIATION_MIN))
}

/// Mean and deviation of whole numbers from `lowest` on.
fn moments(lowest: i32, probabilities: &[f64]) -> [f64; 2] {
    let pairs = || (lowest..).map(f64::from).zip(probabilities);
    let mean: f64 = pairs().map(|(value, it)| value * it).sum();
    let variance: f64 = pairs().map(|(value, it)| (value - mean).powi(2) * it).sum();
    [mean, variance.sqrt()]
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "totals of points are small; the cast saturates"
)]
fn whole(value: f64) -> i32 {
    value as i32
}

#[cfg(test)]
mod tests;
