//! How good forecasts were: proper scores with intervals, calibration against the noise floor,
//! differences to a reference on the same fixtures.

mod calibration;
mod interval;

use domain::{brier, log_loss, rps};
use serde::{Deserialize, Serialize};

pub(crate) use calibration::Calibration;
pub use calibration::ReliabilityBin;
pub use interval::Interval;
pub(crate) use interval::{mean, mean_interval, ratio_interval, wilson};

/// A forecast and what happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored<'a> {
    /// Probabilities in the order of the outcomes.
    pub probabilities: &'a [f64],
    /// Index of the outcome that happened.
    pub outcome: usize,
}

/// Mean scores of a forecaster; intervals cover 95 %, and of a single fixture there are none.
///
/// Log loss in nats; Brier summed over three outcomes, of the first of two; RPS in 0..=1; ECE
/// pooled over all outcomes in bins of equal count (20, or 10 where there are two outcomes).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// How many fixtures.
    pub n: u64,
    /// Mean negative logarithm of the probability of what happened.
    pub log_loss: f64,
    /// Interval of the mean by its standard error.
    pub log_loss_interval: Option<Interval>,
    /// Mean Brier score.
    pub brier: f64,
    /// Interval of the mean by its standard error.
    pub brier_interval: Option<Interval>,
    /// Mean ranked probability score.
    pub rps: f64,
    /// Interval of the mean by its standard error.
    pub rps_interval: Option<Interval>,
    /// Expected calibration error.
    pub ece: f64,
    /// Interval by resampling fixtures.
    pub ece_interval: Option<Interval>,
    /// What a perfectly calibrated forecaster of the same probabilities stays below 95 times in
    /// 100: an ECE above this is miscalibration, one below is noise.
    pub ece_floor_p95: f64,
}

/// The mean difference of log loss to a reference on the same fixtures; positive is worse.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// How many fixtures both forecast.
    pub n: u64,
    /// Mean of the differences.
    pub log_loss: f64,
    /// Interval of the mean by its standard error; none of a single fixture.
    pub interval: Option<Interval>,
}

/// Scores forecasts; `None` where there are none.
pub fn evaluate(scored: &[Scored<'_>], seed: u64) -> Option<Metrics> {
    let calibration = Calibration::new(scored)?;
    let of = |score: fn(&[f64], usize) -> f64| -> Vec<f64> {
        scored
            .iter()
            .map(|it| score(it.probabilities, it.outcome))
            .collect()
    };
    let (losses, briers, rpss) = (of(log_loss), of(brier), of(rps));
    Some(Metrics {
        n: scored.len() as u64,
        log_loss: mean(&losses),
        log_loss_interval: mean_interval(&losses),
        brier: mean(&briers),
        brier_interval: mean_interval(&briers),
        rps: mean(&rpss),
        rps_interval: mean_interval(&rpss),
        ece: calibration.ece(),
        ece_interval: (scored.len() > 1).then(|| calibration.ece_interval(seed)),
        ece_floor_p95: calibration.ece_floor_p95(scored, seed),
    })
}

/// Compares log losses pair by pair; `None` where there are no pairs.
pub fn compare(pairs: &[(Scored<'_>, Scored<'_>)]) -> Option<Difference> {
    let loss = |it: &Scored<'_>| log_loss(it.probabilities, it.outcome);
    let differences: Vec<f64> = pairs
        .iter()
        .map(|(model, reference)| loss(model) - loss(reference))
        .collect();
    (!pairs.is_empty()).then(|| Difference {
        n: pairs.len() as u64,
        log_loss: mean(&differences),
        interval: mean_interval(&differences),
    })
}

/// The bins of a reliability diagram; empty where there are no forecasts.
pub fn reliability(scored: &[Scored<'_>]) -> Vec<ReliabilityBin> {
    Calibration::new(scored).map_or_else(Vec::new, |it| it.reliability())
}

#[cfg(test)]
mod tests;
