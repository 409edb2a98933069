//! Odds arithmetic: the overround and its removal, expected value, stakes, ways to write odds.

mod format;
mod overround;

use crate::Price;

pub use format::{OddsFormat, ParseOddsError};
pub use overround::{Overround, OverroundError, overround, remove_overround};

/// Expected profit of one unit staked at `price` on an outcome of probability `probability`.
pub fn expected_value(probability: f64, price: Price) -> f64 {
    probability * price.decimal() - 1.0
}

/// The share of the bankroll that maximises its expected logarithm (Kelly 1956); zero where the
/// price offers no value.
pub fn kelly_fraction(probability: f64, price: Price) -> f64 {
    (expected_value(probability, price) / (price.decimal() - 1.0)).max(0.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_fair_price_has_no_value_and_earns_no_stake() {
        let evens = Price::new(2.0).unwrap();
        assert_eq!(
            (expected_value(0.5, evens), kelly_fraction(0.5, evens)),
            (0.0, 0.0)
        );
        assert_eq!(kelly_fraction(0.4, evens), 0.0);
    }

    #[test]
    fn kelly_stakes_the_edge_over_the_odds() {
        let price = Price::new(3.0).unwrap();
        assert!((expected_value(0.4, price) - 0.2).abs() < 1e-15);
        assert!((kelly_fraction(0.4, price) - 0.1).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn no_other_stake_grows_faster_than_kelly(
            probability in 0.01..0.99_f64, decimal in 1.01..50.0_f64, other in 0.0..0.99_f64,
        ) {
            let stake = kelly_fraction(probability, Price::new(decimal).unwrap());
            let growth = |share: f64| probability * (share * (decimal - 1.0)).ln_1p()
                + (1.0 - probability) * (-share).ln_1p();
            prop_assert!((0.0..1.0).contains(&stake));
            prop_assert!(growth(stake) >= growth(other) - 1e-12);
        }
    }
}
