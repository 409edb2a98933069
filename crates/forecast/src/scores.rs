//! What every model gives: a joint distribution of both sides' scores, so that its markets agree.

use domain::{Market, MarketKind, OutcomeProbability};

use crate::{PointsDistribution, ScoreMatrix};

/// The joint distribution of both sides' scores; every market comes from it.
#[derive(Debug, Clone, PartialEq)]
pub enum Scores {
    /// Goals, counted one by one.
    Goals(ScoreMatrix),
    /// Points, by margin and total.
    Points(PointsDistribution),
}

impl Scores {
    /// Home, draw, away for goals; home, away for points, a tie counting half for each.
    pub fn h2h(&self) -> Vec<f64> {
        match self {
            Self::Goals(matrix) => matrix.h2h().to_vec(),
            Self::Points(points) => points.h2h().to_vec(),
        }
    }

    /// Outcomes of a market in the order of [`Market::outcomes`]; `None` for markets the sport
    /// does not have. On whole and quarter lines a probability is the one at which a price
    /// breaks even, refunds counting neither way.
    pub fn market(&self, market: Market) -> Option<Vec<OutcomeProbability>> {
        match (self, market.kind()) {
            (Self::Goals(matrix), _) => Some(matrix.market(market)),
            (Self::Points(points), MarketKind::H2h | MarketKind::Totals | MarketKind::Spreads) => {
                Some(points.market(market))
            }
            (Self::Points(_), MarketKind::BothTeamsToScore | MarketKind::CorrectScore) => None,
        }
    }

    /// Expected goals or points of home and away.
    pub fn expected(&self) -> [f64; 2] {
        match self {
            Self::Goals(matrix) => matrix.expected(),
            Self::Points(points) => points.expected(),
        }
    }

    /// The same distribution with wins, draws and losses scaled so that [`Scores::h2h`] equals
    /// `target`, their shapes kept.
    ///
    /// # Panics
    ///
    /// Where `target` has another length than [`Scores::h2h`].
    #[must_use]
    pub fn tilted_to(&self, target: &[f64]) -> Self {
        match self {
            Self::Goals(matrix) => {
                let target = target
                    .try_into()
                    .expect("a target of goals has three outcomes");
                Self::Goals(matrix.tilted_to(target))
            }
            Self::Points(points) => {
                let target = target
                    .try_into()
                    .expect("a target of points has two outcomes");
                Self::Points(points.tilted_to(target))
            }
        }
    }

    /// The grid of scores, where the sport counts goals.
    pub fn matrix(&self) -> Option<&ScoreMatrix> {
        match self {
            Self::Goals(matrix) => Some(matrix),
            Self::Points(_) => None,
        }
    }
}
