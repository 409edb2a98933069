//! The distribution of margin and total in sports of many points, and the markets read off it.
//!
//! Margin and total are taken as independent; both are whole numbers.

use domain::{Line, Market, MarketKind, Outcome, OutcomeProbability};

use crate::settlement::Settlement;

/// Margins from minus this to plus this are told apart.
pub(crate) const MARGIN_MAX: i32 = 80;

/// How margin and total of a game are spread.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PointsShape {
    /// Expected home points less away points.
    pub(crate) margin: f64,
    /// Standard deviation of the margin.
    pub(crate) margin_deviation: f64,
    /// Expected points of both sides together.
    pub(crate) total: f64,
    /// Standard deviation of the total.
    pub(crate) total_deviation: f64,
    /// How likely a tie is, relative to what a normal margin gives it.
    pub(crate) tie_share: f64,
}

/// Probabilities of every margin and of every total.
#[derive(Debug, Clone, PartialEq)]
pub struct PointsDistribution {
    /// From `-MARGIN_MAX` on.
    margins: Vec<f64>,
    /// From `total_lowest` on.
    totals: Vec<f64>,
    total_lowest: i32,
}

impl PointsDistribution {
    /// Normal margin and total in steps of one point, each step as wide as its number; ties are
    /// made as rare as the sport has them.
    pub(crate) fn normal(shape: &PointsShape) -> Self {
        let mut margins = steps(
            -MARGIN_MAX..=MARGIN_MAX,
            shape.margin,
            shape.margin_deviation,
        );
        margins[index_of_tie()] *= shape.tie_share;
        normalise(&mut margins);
        let reach = (5.0 * shape.total_deviation).max(1.0);
        let total_lowest = whole((shape.total - reach).floor()).max(0);
        let total_highest = whole((shape.total + reach).ceil()).max(total_lowest + 1);
        let mut totals = steps(
            total_lowest..=total_highest,
            shape.total,
            shape.total_deviation,
        );
        normalise(&mut totals);
        Self {
            margins,
            totals,
            total_lowest,
        }
    }

    /// Made of probabilities of margins from `-MARGIN_MAX` on and of totals from `total_lowest`
    /// on, each of which must add up to one.
    pub(crate) fn from_parts(margins: Vec<f64>, totals: Vec<f64>, total_lowest: i32) -> Self {
        debug_assert_eq!(margins.len(), 2 * index_of_tie() + 1);
        Self {
            margins,
            totals,
            total_lowest,
        }
    }

    /// Probabilities of margins, from `-MARGIN_MAX` on.
    pub(crate) fn margins(&self) -> &[f64] {
        &self.margins
    }

    /// The lowest total told apart, and probabilities of totals from it on.
    pub(crate) fn totals(&self) -> (i32, &[f64]) {
        (self.total_lowest, &self.totals)
    }

    /// Probabilities of one margin and of one total; zero where they are not told apart.
    pub fn likelihood(&self, margin: i32, total: i32) -> [f64; 2] {
        let at = |lowest: i32, probabilities: &[f64], value: i32| {
            let index = usize::try_from(value - lowest).ok();
            index
                .and_then(|it| probabilities.get(it))
                .copied()
                .unwrap_or(0.0)
        };
        [
            at(-MARGIN_MAX, &self.margins, margin),
            at(self.total_lowest, &self.totals, total),
        ]
    }

    /// Home and away, a tie counting half for each.
    pub fn h2h(&self) -> [f64; 2] {
        let [away, tie, home] = self.regions();
        [home + 0.5 * tie, away + 0.5 * tie]
    }

    /// Expected points of home and away.
    pub fn expected(&self) -> [f64; 2] {
        let margin = mean(-MARGIN_MAX, &self.margins);
        let total = mean(self.total_lowest, &self.totals);
        [0.5 * (total + margin), 0.5 * (total - margin)]
    }

    /// Outcomes of `totals` and `spreads` at their line, of `h2h` for any other market.
    pub(crate) fn market(&self, market: Market) -> Vec<OutcomeProbability> {
        match (market.kind(), market.line()) {
            (MarketKind::Totals, Some(line)) => {
                let totals = Settlement::above(line, self.total_lowest, &self.totals);
                totals.outcomes(Outcome::Over, Outcome::Under)
            }
            (MarketKind::Spreads, Some(line)) => {
                let needed = Line::from_quarters(-line.quarters());
                let spread = Settlement::above(needed, -MARGIN_MAX, &self.margins);
                spread.outcomes(Outcome::Home, Outcome::Away)
            }
            _ => {
                let pairs = [Outcome::Home, Outcome::Away].into_iter().zip(self.h2h());
                pairs
                    .map(|(outcome, probability)| OutcomeProbability {
                        outcome,
                        probability,
                    })
                    .collect()
            }
        }
    }

    /// The same distribution with wins and losses scaled so that [`PointsDistribution::h2h`]
    /// equals `target`, which must be two probabilities.
    #[must_use]
    pub fn tilted_to(&self, target: [f64; 2]) -> Self {
        let sum: f64 = target.iter().sum();
        let [home, away] = target.map(|it| it / sum);
        let [now_away, now_tie, now_home] = self.regions();
        // A tie counts half for each side, so it cannot be likelier than twice the unlikelier.
        let tie = now_tie.min(2.0 * home.min(away));
        let scale = |wanted: f64, now: f64| {
            if now > 0.0 {
                (wanted - 0.5 * tie) / now
            } else {
                0.0
            }
        };
        let (home, away, tie) = (
            scale(home, now_home),
            scale(away, now_away),
            if now_tie > 0.0 { tie / now_tie } else { 0.0 },
        );
        let mut margins = self.margins.clone();
        let middle = index_of_tie();
        margins[..middle].iter_mut().for_each(|it| *it *= away);
        margins[middle] *= tie;
        margins[middle + 1..].iter_mut().for_each(|it| *it *= home);
        Self {
            margins,
            totals: self.totals.clone(),
            total_lowest: self.total_lowest,
        }
    }

    /// Away win, tie, home win.
    fn regions(&self) -> [f64; 3] {
        let middle = index_of_tie();
        [
            self.margins[..middle].iter().sum(),
            self.margins[middle],
            self.margins[middle + 1..].iter().sum(),
        ]
    }
}

fn index_of_tie() -> usize {
    usize::try_from(MARGIN_MAX).expect("the constant is positive")
}

/// What a normal distribution gives each whole number.
pub(crate) fn steps(range: std::ops::RangeInclusive<i32>, mean: f64, deviation: f64) -> Vec<f64> {
    let below = |value: f64| normal_cdf((value - mean) / deviation);
    range
        .map(|it| (below(f64::from(it) + 0.5) - below(f64::from(it) - 0.5)).max(1e-12))
        .collect()
}

pub(crate) fn normalise(probabilities: &mut [f64]) {
    let sum: f64 = probabilities.iter().sum();
    probabilities.iter_mut().for_each(|it| *it /= sum);
}

fn mean(lowest: i32, probabilities: &[f64]) -> f64 {
    (lowest..)
        .zip(probabilities)
        .map(|(value, it)| f64::from(value) * it)
        .sum()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "totals of points are small; the cast saturates"
)]
fn whole(value: f64) -> i32 {
    value as i32
}

/// The standard normal distribution function.
pub(crate) fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x / std::f64::consts::SQRT_2)
}

#[cfg(test)]
mod tests;
