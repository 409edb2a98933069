//! Means and their intervals.

use serde::{Deserialize, Serialize};

/// The standard normal deviate that leaves 2.5 % on either side.
const DEVIATE: f64 = 1.959_963_984_540_054;

/// An interval that covers the true value 95 times in 100.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// The interval around `middle` of standard error `error`.
    pub(crate) fn around(middle: f64, error: f64) -> Self {
        Self {
            low: middle - DEVIATE * error,
            high: middle + DEVIATE * error,
        }
    }

    /// Whether a value lies inside.
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of fixtures")]
pub(crate) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() {
        0.0
    } else {
        values.iter().sum::<f64>() / values.len() as f64
    }
}

/// The interval of a mean of independent values; a point where there are fewer than two.
pub(crate) fn mean_interval(values: &[f64]) -> Interval {
    let ones = vec![1.0; values.len()];
    ratio_interval(values, &ones)
}

/// The interval of `sum(numerators) / sum(denominators)` over independent pairs, by the standard
/// error of the residuals.
#[expect(clippy::cast_precision_loss, reason = "counts of fixtures")]
pub(crate) fn ratio_interval(numerators: &[f64], denominators: &[f64]) -> Interval {
    let n = numerators.len() as f64;
    let total: f64 = denominators.iter().sum();
    if n < 2.0 || total == 0.0 {
        let middle = if total == 0.0 {
            0.0
        } else {
            numerators.iter().sum::<f64>() / total
        };
        return Interval {
            low: middle,
            high: middle,
        };
    }
    let ratio = numerators.iter().sum::<f64>() / total;
    let squares: f64 = numerators
        .iter()
        .zip(denominators)
        .map(|(a, b)| (a - ratio * b).powi(2))
        .sum();
    Interval::around(ratio, (squares * n / (n - 1.0)).sqrt() / total)
}

/// Wilson's interval of a share (Wilson 1927).
#[expect(clippy::cast_precision_loss, reason = "counts of fixtures")]
pub(crate) fn wilson(hits: u64, n: u64) -> Interval {
    let n = n.max(1) as f64;
    let share = hits as f64 / n;
    let square = DEVIATE * DEVIATE;
    let middle = (share + square / (2.0 * n)) / (1.0 + square / n);
    let half =
        DEVIATE / (1.0 + square / n) * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
    Interval {
        low: (middle - half).max(0.0),
        high: (middle + half).min(1.0),
    }
}
