//! What a bet on a line is worth: whole lines refund, quarter lines are two half stakes.

use domain::{Line, Outcome, OutcomeProbability};

/// The shares of a stake that win and lose; what is left is refunded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Settlement {
    win: f64,
    lose: f64,
}

impl Settlement {
    /// Settles a bet that wins where a number ends above `line`, given the number's
    /// probabilities in steps of one from `lowest`.
    pub(crate) fn above(line: Line, lowest: i32, probabilities: &[f64]) -> Self {
        let halves = half_lines(line);
        let (mut win, mut lose) = (0.0, 0.0);
        for (value, probability) in (lowest..).zip(probabilities) {
            for half in halves {
                match (4 * value).cmp(&half) {
                    std::cmp::Ordering::Greater => win += 0.5 * probability,
                    std::cmp::Ordering::Equal => {}
                    std::cmp::Ordering::Less => lose += 0.5 * probability,
                }
            }
        }
        Self { win, lose }
    }

    /// The probability at which a price breaks even: refunds count neither way. One half where
    /// nothing but a refund can happen.
    pub(crate) fn fair_probability(self) -> f64 {
        let decided = self.win + self.lose;
        if decided > 0.0 {
            self.win / decided
        } else {
            0.5
        }
    }

    /// The two sides of the line with their fair probabilities.
    pub(crate) fn outcomes(self, above: Outcome, below: Outcome) -> Vec<OutcomeProbability> {
        let probability = self.fair_probability();
        vec![
            OutcomeProbability {
                outcome: above,
                probability,
            },
            OutcomeProbability {
                outcome: below,
                probability: 1.0 - probability,
            },
        ]
    }
}

/// The lines, in quarters, of both halves of the stake.
fn half_lines(line: Line) -> [i32; 2] {
    let quarters = line.quarters();
    if quarters % 2 == 0 {
        [quarters, quarters]
    } else {
        [quarters - 1, quarters + 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fair(line: f64, lowest: i32, probabilities: &[f64]) -> f64 {
        Settlement::above(Line::new(line).unwrap(), lowest, probabilities).fair_probability()
    }

    #[test]
    fn a_half_line_takes_the_tail() {
        assert_eq!(fair(0.5, 0, &[0.25, 0.5, 0.25]), 0.75);
    }

    #[test]
    fn a_whole_line_leaves_the_refund_out() {
        assert_eq!(fair(1.0, 0, &[0.125, 0.5, 0.375]), 0.75);
    }

    #[test]
    fn a_quarter_line_is_the_price_at_which_two_half_stakes_break_even() {
        // Over 1.25: two goals win all (0.25), one goal loses half (0.5), none loses all (0.25).
        assert_eq!(
            fair(1.25, 0, &[0.25, 0.5, 0.25]),
            0.25 / (0.25 + 0.25 + 0.25)
        );
        // Over 0.75: one goal wins half, two win all.
        assert_eq!(fair(0.75, 0, &[0.25, 0.5, 0.25]), 0.5 / 0.75);
    }

    #[test]
    fn a_line_that_can_only_refund_is_even() {
        assert_eq!(fair(1.0, 1, &[1.0]), 0.5);
    }

    #[test]
    fn lines_below_zero_split_towards_both_neighbours() {
        assert_eq!(half_lines(Line::new(-0.25).unwrap()), [-2, 0]);
        assert_eq!(half_lines(Line::new(-0.75).unwrap()), [-4, -2]);
        assert_eq!(half_lines(Line::new(-1.0).unwrap()), [-4, -4]);
    }
}
