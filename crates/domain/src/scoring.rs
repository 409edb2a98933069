//! Proper scores of a forecast once the outcome is known; lower is better.

/// The least probability a forecast is charged for, so that one impossible outcome cannot make
/// every mean infinite.
const PROBABILITY_MIN: f64 = 1e-15;

/// The negative logarithm (nats) of the probability given to what happened, the outcome at index
/// `outcome` of `probabilities`.
pub fn log_loss(probabilities: &[f64], outcome: usize) -> f64 {
    -probabilities[outcome].max(PROBABILITY_MIN).ln()
}

/// The squared distance between the forecast and what happened (Brier 1950): summed over the
/// outcomes, but of the first one alone where there are only two, which mirror each other.
pub fn brier(probabilities: &[f64], outcome: usize) -> f64 {
    let square = |(index, p): (usize, &f64)| (p - f64::from(u8::from(index == outcome))).powi(2);
    let counted = if probabilities.len() == 2 {
        1
    } else {
        probabilities.len()
    };
    probabilities
        .iter()
        .enumerate()
        .take(counted)
        .map(square)
        .sum()
}

/// The ranked probability score (Epstein 1969) of outcomes in their natural order, in 0..=1.
pub fn rps(probabilities: &[f64], outcome: usize) -> f64 {
    let steps = probabilities.len().saturating_sub(1);
    let mut cumulated = 0.0;
    let mut sum = 0.0;
    for (index, probability) in probabilities.iter().take(steps).enumerate() {
        cumulated += probability;
        sum += (cumulated - f64::from(u8::from(outcome <= index))).powi(2);
    }
    #[expect(clippy::cast_precision_loss, reason = "a handful of outcomes")]
    let steps = steps.max(1) as f64;
    sum / steps
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn scores_are_what_their_papers_say() {
        let forecast = [0.5, 0.3, 0.2];
        assert!(close(log_loss(&forecast, 1), -(0.3_f64.ln())));
        assert!(close(brier(&forecast, 0), 0.25 + 0.09 + 0.04));
        assert!(close(rps(&forecast, 0), (0.25 + 0.04) / 2.0));
        assert!(close(rps(&forecast, 1), (0.25 + 0.04) / 2.0));
        assert!(close(rps(&forecast, 2), (0.25 + 0.64) / 2.0));
    }

    #[test]
    fn of_two_outcomes_brier_counts_one_and_equals_rps() {
        assert!(close(brier(&[0.7, 0.3], 0), 0.09));
        assert!(close(rps(&[0.7, 0.3], 0), 0.09));
        assert!(close(brier(&[0.7, 0.3], 1), 0.49));
    }

    #[test]
    fn an_impossible_outcome_costs_much_but_not_everything() {
        assert!(close(log_loss(&[1.0, 0.0], 1), -(1e-15_f64.ln())));
        assert_eq!(rps(&[1.0], 0), 0.0);
    }

    proptest! {
        #[test]
        fn honesty_is_the_best_forecast_under_every_score(
            truth in proptest::collection::vec(0.01..1.0_f64, 3),
            other in proptest::collection::vec(0.01..1.0_f64, 3),
        ) {
            let normal = |it: &[f64]| -> Vec<f64> {
                let sum: f64 = it.iter().sum();
                it.iter().map(|p| p / sum).collect()
            };
            let (truth, other) = (normal(&truth), normal(&other));
            for score in [log_loss, brier, rps] {
                let expected = |forecast: &[f64]| -> f64 {
                    (0..3).map(|outcome| truth[outcome] * score(forecast, outcome)).sum()
                };
                prop_assert!(expected(&truth) <= expected(&other) + 1e-12);
            }
        }
    }
}
