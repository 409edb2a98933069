//! The bookmaker's margin and four ways to take it out of prices. Every way works for any number
//! of outcomes from two, and also where the prices add up to less than one.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Price;

/// How the overround is taken out of prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overround {
    /// Implied probabilities divided by their sum.
    Proportional,
    /// Implied probabilities raised to a common power (Clarke, Kovalchik and Ingram 2017).
    Power,
    /// Shin's model of insider trading (Shin 1992, 1993).
    Shin,
    /// A common odds ratio between implied and fair probabilities (Cheung 2015).
    OddsRatio,
}

impl Overround {
    /// Every method, in the order of declaration.
    pub const ALL: [Self; 4] = [Self::Proportional, Self::Power, Self::Shin, Self::OddsRatio];
}

/// Why no fair probabilities come out of prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OverroundError {
    /// Fewer than two prices.
    #[error("{0} prices make no market")]
    TooFew(usize),
}

/// The sum of implied probabilities less one: the bookmaker's margin, negative when the prices
/// can be beaten by backing every outcome.
pub fn overround(prices: &[Price]) -> f64 {
    prices
        .iter()
        .map(|it| it.implied_probability())
        .sum::<f64>()
        - 1.0
}

/// The fair probabilities behind `prices`, in their order: each in (0, 1), together one.
pub fn remove_overround(prices: &[Price], method: Overround) -> Result<Vec<f64>, OverroundError> {
    if prices.len() < 2 {
        return Err(OverroundError::TooFew(prices.len()));
    }
    let mut fair = match method {
        Overround::Proportional => prices.iter().map(|it| it.implied_probability()).collect(),
        Overround::Power => power(prices),
        Overround::Shin => shin(prices),
        Overround::OddsRatio => odds_ratio(prices),
    };
    // The solvers stop within rounding of one; this makes the sum as exact as a sum can be.
    let sum: f64 = fair.iter().sum();
    for probability in &mut fair {
        *probability /= sum;
    }
    Ok(fair)
}

/// Solves `sum(implied^k) = 1`. The logarithm of the sum is convex and falls in `k`, so Newton's
/// steps from the left of the root never pass it.
fn power(prices: &[Price]) -> Vec<f64> {
    let logs: Vec<f64> = prices.iter().map(|it| -it.decimal().ln()).collect();
    let mut k = if overround(prices) > 0.0 { 1.0 } else { 0.0 };
    for _ in 0..STEPS_MAX {
        let (mut sum, mut slope) = (0.0, 0.0);
        for log in &logs {
            let term = (k * log).exp();
            sum += term;
            slope += term * log;
        }
        let step = -sum.ln() * sum / slope;
        k += step;
        if step.abs() <= 1e-15 * k {
            break;
        }
    }
    logs.iter().map(|log| (k * log).exp()).collect()
}

/// Solves Shin's equations. With `w = 1 - z` (z the share of insiders, negative for an overround
/// below zero) each probability is the positive root of `w p² + (1 - w) p = implied² / sum`, and
/// their sum rises with `w`.
fn shin(prices: &[Price]) -> Vec<f64> {
    let sum = overround(prices) + 1.0;
    let squares: Vec<f64> = prices
        .iter()
        .map(|it| it.implied_probability().powi(2) / sum)
        .collect();
    let probability = |square: f64, w: f64| {
        let z = 1.0 - w;
        let root = (z * z + 4.0 * w * square).sqrt();
        if z > 0.0 {
            2.0 * square / (root + z)
        } else {
            (root - z) / (2.0 * w)
        }
    };
    let w = bisect(|w| squares.iter().map(|it| probability(*it, w)).sum::<f64>() - 1.0);
    squares.iter().map(|it| probability(*it, w)).collect()
}

/// Solves `sum(1 / (1 + (price - 1) c)) = 1` for the odds ratio `c`.
fn odds_ratio(prices: &[Price]) -> Vec<f64> {
    let probability = |price: &Price, c: f64| 1.0 / (1.0 + (price.decimal() - 1.0) * c);
    let c = bisect(|c| 1.0 - prices.iter().map(|it| probability(it, c)).sum::<f64>());
    prices.iter().map(|it| probability(it, c)).collect()
}

/// More steps than any solver needs: halving the widest bracket to its last bit takes 64.
const STEPS_MAX: usize = 128;

/// The root of a rising function of a positive number, by halving its logarithm's bracket.
fn bisect(rising: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (-60.0_f64, 60.0_f64);
    for _ in 0..STEPS_MAX {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            break;
        }
        if rising(middle.exp()) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    high.exp()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn prices(decimals: &[f64]) -> Vec<Price> {
        decimals.iter().map(|it| Price::new(*it).unwrap()).collect()
    }

    fn check(method: Overround, decimals: &[f64], expected: &[f64]) {
        let fair = remove_overround(&prices(decimals), method).unwrap();
        for (got, want) in fair.iter().zip(expected) {
            assert!(
                (got - want).abs() < 5e-7,
                "{method:?}: {fair:?} is not {expected:?}"
            );
        }
    }

    #[test]
    fn fewer_than_two_prices_make_no_market() {
        for method in Overround::ALL {
            assert_eq!(
                remove_overround(&[], method),
                Err(OverroundError::TooFew(0))
            );
            let error = remove_overround(&prices(&[2.0]), method).unwrap_err();
            assert_eq!(error.to_string(), "1 prices make no market");
        }
    }

    #[test]
    fn fair_prices_stay_as_they_are_under_every_method() {
        for method in Overround::ALL {
            check(method, &[2.0, 4.0, 4.0], &[0.5, 0.25, 0.25]);
        }
    }

    #[test]
    fn shin_takes_the_same_from_both_sides_of_two() {
        // With two outcomes Shin's model equals the additive one: half the margin off each.
        check(Overround::Shin, &[1.25, 4.0], &[0.8 - 0.025, 0.25 - 0.025]);
    }

    #[test]
    fn each_method_solves_its_own_equation() {
        let book = prices(&[1.5, 4.2, 7.5]);
        let implied: Vec<f64> = book.iter().map(|it| it.implied_probability()).collect();
        let fair = |method| remove_overround(&book, method).unwrap();
        let power = fair(Overround::Power);
        let exponent = |i: usize| power[i].ln() / implied[i].ln();
        assert!(
            (exponent(0) - exponent(1)).abs() < 1e-10 && (exponent(0) - exponent(2)).abs() < 1e-10
        );
        let ratio = fair(Overround::OddsRatio);
        let odds = |p: f64| p / (1.0 - p);
        let c = |i: usize| odds(implied[i]) / odds(ratio[i]);
        assert!((c(0) - c(1)).abs() < 1e-10 && (c(0) - c(2)).abs() < 1e-10 && c(0) > 1.0);
        let shin = fair(Overround::Shin);
        let sum: f64 = implied.iter().sum();
        let z =
            |i: usize| (implied[i].powi(2) / sum - shin[i].powi(2)) / (shin[i] - shin[i].powi(2));
        assert!((z(0) - z(1)).abs() < 1e-10 && (z(0) - z(2)).abs() < 1e-10 && z(0) > 0.0);
        let proportional = fair(Overround::Proportional);
        assert!(
            power[2] < proportional[2] && shin[2] < proportional[2],
            "longshots lose more"
        );
    }

    #[test]
    fn the_ends_of_the_price_range_are_solved_too() {
        let nearly_one = 1.0 + f64::EPSILON;
        for book in [
            vec![nearly_one; 5],
            vec![10_000.0; 2],
            vec![nearly_one, 10_000.0],
        ] {
            for method in Overround::ALL {
                let fair = remove_overround(&prices(&book), method).unwrap();
                assert!(
                    fair.iter().all(|p| *p > 0.0 && *p < 1.0),
                    "{method:?} {book:?} {fair:?}"
                );
                assert!((fair.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn a_method_is_written_in_snake_case() {
        assert_eq!(
            serde_json::to_string(&Overround::OddsRatio).unwrap(),
            "\"odds_ratio\""
        );
    }

    proptest! {
        #[test]
        fn any_book_gives_probabilities_in_the_order_of_its_prices(
            book in proptest::collection::vec(1.0001..10_000.0_f64, 2..12),
        ) {
            for method in Overround::ALL {
                let fair = remove_overround(&prices(&book), method).unwrap();
                prop_assert!(fair.iter().all(|p| *p > 0.0 && *p < 1.0), "{:?} {:?}", method, fair);
                prop_assert!((fair.iter().sum::<f64>() - 1.0).abs() < 1e-12);
                for (i, j) in (1..book.len()).map(|j| (j - 1, j)) {
                    prop_assert!(book[i] > book[j] || fair[i] >= fair[j]);
                }
            }
        }

        #[test]
        fn a_margin_put_on_proportionally_comes_off_exactly(
            raw in proptest::collection::vec(0.05..1.0_f64, 2..6), margin in -0.2..0.3_f64,
        ) {
            let sum: f64 = raw.iter().sum();
            let book: Vec<f64> = raw.iter().map(|it| sum / it / (1.0 + margin)).collect();
            prop_assume!(book.iter().all(|it| *it > 1.0));
            prop_assert!((overround(&prices(&book)) - margin).abs() < 1e-9);
            let fair = remove_overround(&prices(&book), Overround::Proportional).unwrap();
            for (got, want) in fair.iter().zip(&raw) {
                prop_assert!((got - want / sum).abs() < 1e-12);
            }
        }
    }
}
