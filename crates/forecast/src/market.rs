//! The market as a forecaster: fair probabilities of the reference prices, by the power method.

use domain::{MarketPrices, Overround, Price, remove_overround};

/// Fair probabilities of the first `width` reference prices; `None` unless all are there.
pub(crate) fn fair(prices: Option<&MarketPrices>, width: usize) -> Option<Vec<f64>> {
    let reference = &prices?.reference[..width];
    let complete: Vec<Price> = reference.iter().copied().collect::<Option<_>>()?;
    remove_overround(&complete, Overround::Power).ok()
}
