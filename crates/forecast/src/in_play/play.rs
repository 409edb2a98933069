//! A game made ready to be forecast at any moment of it, whatever the sport.

use domain::{SeasonType, Sport};
use jiff::Timestamp;

use crate::Scores;
use crate::in_play::football::{FootballPlay, NextGoal};
use crate::in_play::parameters::{FootballParameters, PointsParameters};
use crate::in_play::points::PointsPlay;
use crate::in_play::state::GameState;

/// A game made ready to be forecast at any moment of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Play {
    /// Football.
    Football(Box<FootballPlay>),
    /// A sport of many points.
    Points(Box<PointsPlay>),
}

impl Play {
    /// Makes a game ready from the scores forecast before it, with the parameters in force.
    pub fn new(sport: Sport, season_type: SeasonType, prematch: &Scores) -> Self {
        match prematch {
            Scores::Goals(matrix) => {
                let play = FootballPlay::new(matrix, &FootballParameters::default());
                Self::Football(Box::new(play))
            }
            Scores::Points(points) => {
                let parameters = PointsParameters::of(sport);
                let parameters = parameters.expect("only goals are forecast of football");
                let parameters = parameters.within(season_type);
                Self::Points(Box::new(PointsPlay::new(points, &parameters)))
            }
        }
    }

    /// The scores at the end, as `state` leaves them at `now`; `None` for a game given up.
    pub fn scores(&self, state: &GameState, now: Timestamp) -> Option<Scores> {
        match self {
            Self::Football(play) => play.scores(state, now).map(Scores::Goals),
            Self::Points(play) => play.scores(state, now).map(Scores::Points),
        }
    }

    /// The same, and in football what the next goal would be and do while there can be one.
    pub fn outlook(&self, state: &GameState, now: Timestamp) -> Option<(Scores, Option<NextGoal>)> {
        match self {
            Self::Football(play) => {
                let (scores, next) = play.outlook(state, now)?;
                Some((Scores::Goals(scores), next))
            }
            Self::Points(play) => Some((Scores::Points(play.scores(state, now)?), None)),
        }
    }
}
