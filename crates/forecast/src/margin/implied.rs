//! The margin and total that prices expect.

use domain::{MarketPrices, Prices};

use crate::market::fair;
use crate::points::normal_cdf;

/// Margin and total that `prices` expect where both are spread normally with the given
/// deviations; `None` where neither margin nor result is priced. A total that is not priced is not
/// a number.
pub(crate) fn implied_points(prices: &Prices, deviations: [f64; 2]) -> Option<[f64; 2]> {
    // A spread is what home is given: home covers where the margin is above minus the line.
    let spread = at_line(prices.spreads.as_ref(), -1.0, deviations[0]);
    let result = || {
        let fair = fair(prices.h2h.as_ref(), 2)?;
        Some(deviations[0] * normal_quantile(fair[0]))
    };
    let margin = spread.or_else(result)?;
    let total = at_line(prices.totals.as_ref(), 1.0, deviations[1]);
    Some([margin, total.unwrap_or(f64::NAN)])
}

/// The mean at which a number ends above `sign` times the line of a market with the fair
/// probability of its first outcome.
fn at_line(prices: Option<&MarketPrices>, sign: f64, deviation: f64) -> Option<f64> {
    let line = prices?.market.line()?.value();
    let first = fair(prices, 2)?[0];
    Some(sign * line + deviation * normal_quantile(first))
}

/// Where the standard normal distribution function has the value `probability`.
fn normal_quantile(probability: f64) -> f64 {
    let (mut low, mut high) = (-8.0, 8.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if normal_cdf(middle) < probability {
            low = middle
        } else {
            high = middle
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests;
