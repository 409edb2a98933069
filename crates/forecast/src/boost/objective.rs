//! What is made small, and its derivatives by the raw scores.

use trees::Link;

use super::histogram::Slope;

/// How much the second derivative of counts is raised, as LightGBM does, so that steps stay short.
const COUNT_CAUTION: f64 = 0.7;
/// Probabilities of the base are not below this.
const RATE_MIN: f64 = 1e-9;

/// What the targets are, and with it the loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objective {
    /// Zero or one; log loss of a sigmoid.
    Binary,
    /// The index of one of so many classes; log loss of a softmax.
    Classes(usize),
    /// Counts; deviance of a Poisson distribution whose logarithm of the mean is the score.
    Counts,
    /// Numbers; half the squared error.
    Squares,
}

impl Objective {
    /// Raw scores per row.
    pub fn outputs(self) -> usize {
        match self {
            Self::Classes(count) => count,
            Self::Binary | Self::Counts | Self::Squares => 1,
        }
    }

    /// From raw scores to predictions.
    pub(super) fn link(self) -> Link {
        match self {
            Self::Binary => Link::Sigmoid { slope: 1.0 },
            Self::Classes(_) => Link::Softmax,
            Self::Counts => Link::Exponential,
            Self::Squares => Link::Identity,
        }
    }

    /// Whether a number can be a target.
    pub(super) fn takes(self, target: f64) -> bool {
        match self {
            Self::Binary => target == 0.0 || target == 1.0,
            Self::Classes(count) => (0..count).any(|it| target == class(it)),
            Self::Counts => target.is_finite() && target >= 0.0,
            Self::Squares => target.is_finite(),
        }
    }

    /// The constant scores that fit best.
    #[expect(clippy::cast_precision_loss, reason = "counts of rows")]
    pub(super) fn base(self, targets: &[f64]) -> Vec<f64> {
        let rows = targets.len() as f64;
        let mean = targets.iter().sum::<f64>() / rows;
        match self {
            Self::Binary => {
                let rate = mean.clamp(RATE_MIN, 1.0 - RATE_MIN);
                vec![libm::log(rate / (1.0 - rate))]
            }
            Self::Classes(count) => {
                let rate = |it: usize| {
                    let hits = targets
                        .iter()
                        .filter(|target| **target == class(it))
                        .count();
                    libm::log((hits as f64 / rows).max(RATE_MIN))
                };
                (0..count).map(rate).collect()
            }
            Self::Counts => vec![libm::log(mean.max(RATE_MIN))],
            Self::Squares => vec![mean],
        }
    }

    /// Derivatives of the loss of the rows that have targets, one list per output.
    pub(super) fn derivatives(self, scores: &[f64], targets: &[f64]) -> Vec<Vec<Slope>> {
        let outputs = self.outputs();
        let mut lists = vec![Vec::with_capacity(targets.len()); outputs];
        let mut chances = vec![0.0; outputs];
        for (scores, target) in scores.chunks_exact(outputs).zip(targets) {
            match self {
                Self::Binary => {
                    let chance = sigmoid(scores[0]);
                    lists[0].push(Slope {
                        first: chance - target,
                        second: chance * (1.0 - chance),
                    });
                }
                Self::Classes(count) => {
                    softmax(scores, &mut chances);
                    // As LightGBM: one class of K is determined by the others.
                    let factor = class(count) / (class(count) - 1.0).max(1.0);
                    for (index, (list, chance)) in lists.iter_mut().zip(&chances).enumerate() {
                        let hit = f64::from(u8::from(*target == class(index)));
                        list.push(Slope {
                            first: chance - hit,
                            second: factor * chance * (1.0 - chance),
                        });
                    }
                }
                Self::Counts => {
                    let mean = libm::exp(scores[0]);
                    lists[0].push(Slope {
                        first: mean - target,
                        second: mean * libm::exp(COUNT_CAUTION),
                    });
                }
                Self::Squares => lists[0].push(Slope {
                    first: scores[0] - target,
                    second: 1.0,
                }),
            }
        }
        lists
    }

    /// The mean loss.
    #[expect(clippy::cast_precision_loss, reason = "counts of rows")]
    pub(super) fn loss(self, scores: &[f64], targets: &[f64]) -> f64 {
        let outputs = self.outputs();
        let mut chances = vec![0.0; outputs];
        let mut sum = 0.0;
        for (scores, target) in scores.chunks_exact(outputs).zip(targets) {
            sum += match self {
                Self::Binary => {
                    let chance = sigmoid(scores[0]);
                    let of_target = if *target == 1.0 { chance } else { 1.0 - chance };
                    -libm::log(of_target.max(f64::MIN_POSITIVE))
                }
                Self::Classes(count) => {
                    softmax(scores, &mut chances);
                    let hit = (0..count).find(|it| *target == class(*it));
                    let chance = hit.map_or(0.0, |it| chances[it]);
                    -libm::log(chance.max(f64::MIN_POSITIVE))
                }
                Self::Counts => libm::exp(scores[0]) - target * scores[0],
                Self::Squares => 0.5 * (scores[0] - target) * (scores[0] - target),
            };
        }
        sum / targets.len() as f64
    }
}

#[expect(clippy::cast_precision_loss, reason = "classes are few")]
fn class(index: usize) -> f64 {
    index as f64
}

/// `1 / (1 + exp(-score))`, the same bits on every machine.
pub(crate) fn sigmoid(score: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-score))
}

/// Probabilities proportional to `exp(score)`, the same bits on every machine.
pub(crate) fn softmax(scores: &[f64], chances: &mut [f64]) {
    let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for (chance, score) in chances.iter_mut().zip(scores) {
        *chance = libm::exp(score - highest);
        sum += *chance;
    }
    chances.iter_mut().for_each(|it| *it /= sum);
}
