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

    /// The interval around `middle` of standard error `error`, which was estimated with so many
    /// degrees of freedom.
    pub(crate) fn estimated(middle: f64, error: f64, degrees: f64) -> Self {
        let reach = student(degrees) * error;
        Self {
            low: middle - reach,
            high: middle + reach,
        }
    }

    /// Whether a value lies inside.
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// Zero where there are no values.
#[expect(clippy::cast_precision_loss, reason = "counts of fixtures")]
pub(crate) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() {
        0.0
    } else {
        values.iter().sum::<f64>() / values.len() as f64
    }
}

/// Student's deviate of so many degrees of freedom that leaves 2.5 % on either side: exact for one
/// and two, else within 0.2 % by the expansion in Abramowitz and Stegun, 26.7.5.
fn student(degrees: f64) -> f64 {
    if degrees < 2.0 {
        return 12.706_204_736;
    }
    if degrees < 3.0 {
        return 4.302_652_730;
    }
    let (z, n) = (DEVIATE, degrees);
    let terms = [
        (z.powi(3) + z) / 4.0,
        (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0,
        (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0,
        (79.0 * z.powi(9) + 776.0 * z.powi(7) + 1482.0 * z.powi(5)
            - 1920.0 * z.powi(3)
            - 945.0 * z)
            / 92_160.0,
    ];
    z + terms.iter().rev().fold(0.0, |sum, it| (sum + it) / n)
}

/// The interval of a mean of independent values; `None` of fewer than two, which tell nothing of
/// how they spread.
pub(crate) fn mean_interval(values: &[f64]) -> Option<Interval> {
    let ones = vec![1.0; values.len()];
    ratio_interval(values, &ones)
}

/// The interval of `sum(numerators) / sum(denominators)` over independent pairs, by the standard
/// error of the residuals; `None` of fewer than two pairs, or where there is nothing to divide by.
#[expect(clippy::cast_precision_loss, reason = "counts of fixtures")]
pub(crate) fn ratio_interval(numerators: &[f64], denominators: &[f64]) -> Option<Interval> {
    let n = numerators.len() as f64;
    let total: f64 = denominators.iter().sum();
    if n < 2.0 || total == 0.0 {
        return None;
    }
    let ratio = numerators.iter().sum::<f64>() / total;
    let squares: f64 = numerators
        .iter()
        .zip(denominators)
        .map(|(a, b)| (a - ratio * b).powi(2))
        .sum();
    let error = (squares * n / (n - 1.0)).sqrt() / total;
    Some(Interval::estimated(ratio, error, n - 1.0))
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
