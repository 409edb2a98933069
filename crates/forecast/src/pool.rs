//! Competitions that share teams, and every base model of them fitted at a moment.
//!
//! A fit is a pure function of the games known at the moment: a walk through time gives the same
//! bits as a fit from nothing.

mod football;
mod name;
mod points;
mod reason;
mod walker;

use std::sync::Arc;

use domain::{Competition, CompetitionKey, Sport, TeamId};
use jiff::Timestamp;

use crate::calendar::Calendar;
use crate::features::{FormTable, Scene};
use crate::{Matchup, Scores};

pub use name::ModelName;
pub use reason::Reason;
pub use walker::{PoolWalker, fit_pool, rating_path};

/// Competitions that share teams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Name of the pool.
    pub name: String,
    /// What is played.
    pub sport: Sport,
    /// Its competitions, in order of key.
    pub competitions: Vec<CompetitionKey>,
}

impl Pool {
    /// Groups competitions by sport and pool, in order of sport, then name.
    pub fn group(competitions: &[Competition]) -> Vec<Self> {
        let mut pools: Vec<Self> = Vec::new();
        let mut sorted: Vec<&Competition> = competitions.iter().collect();
        sorted.sort_by_key(|it| (it.sport, &it.pool, &it.key));
        for competition in sorted {
            let key = competition.key.clone();
            match pools.last_mut() {
                Some(pool)
                    if (pool.sport, &pool.name) == (competition.sport, &competition.pool) =>
                {
                    pool.competitions.push(key);
                }
                _ => pools.push(Self {
                    name: competition.pool.clone(),
                    sport: competition.sport,
                    competitions: vec![key],
                }),
            }
        }
        pools
    }

    /// Index of a competition; the first where it is not one of the pool's.
    pub(crate) fn competition_index(&self, key: &CompetitionKey) -> Option<usize> {
        self.competitions.iter().position(|it| it == key)
    }
}

/// A base model's opinion of a fixture.
#[derive(Debug, Clone, PartialEq)]
pub struct BaseForecast {
    /// Whose.
    pub model: ModelName,
    /// The joint distribution of scores.
    pub scores: Scores,
}

/// How strong a team is at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rating {
    /// Elo points for football, points above an average side for sports of many points.
    pub value: f64,
    /// Logarithm of what the side multiplies its own goals by, where goals are modelled.
    pub attack: Option<f64>,
    /// Logarithm of what the side divides its opponent's goals by, where goals are modelled.
    pub defence: Option<f64>,
    /// Games behind the rating.
    pub games: u32,
}

/// Every base model of a pool fitted on what was known at a moment.
#[derive(Debug, Clone)]
pub struct PoolFit {
    pub(crate) pool: Pool,
    pub(crate) cut: Timestamp,
    pub(crate) models: Models,
    pub(crate) form: Arc<FormTable>,
    pub(crate) calendar: Arc<Calendar>,
}

/// The models of the pool's kind of sport.
#[derive(Debug, Clone)]
pub(crate) enum Models {
    Football(Box<football::FootballFit>),
    Points(Box<points::PointsFit>),
}

impl PoolFit {
    /// The moment whose knowledge was used.
    pub fn cut(&self) -> Timestamp {
        self.cut
    }

    /// Every base model's opinion, in the order of [`ModelName`]. A model without anything to go
    /// by (market-implied strengths where no past game has prices) is left out.
    pub fn forecast(&self, game: &Matchup) -> Vec<BaseForecast> {
        let competition = self.competition(game);
        match &self.models {
            Models::Football(models) => models.forecast(game, competition),
            Models::Points(models) => models.forecast(game),
        }
    }

    /// A fixture and what is known of its sides, given what base models make of it and how often
    /// each outcome happens in its competition.
    pub(crate) fn scene<'a>(
        &'a self,
        game: &'a Matchup,
        base: &[BaseForecast],
        rate: &'a [f64],
    ) -> Scene<'a> {
        let known = (&*self.form, &*self.calendar);
        Scene::new(known, self.competition(game), game, base, rate)
    }

    /// A team's rating; `None` before its first game.
    pub fn rating(&self, team: TeamId) -> Option<Rating> {
        match &self.models {
            Models::Football(models) => models.rating(team),
            Models::Points(models) => models.rating(team),
        }
    }

    /// What moves the forecast of a fixture, largest first.
    pub fn reasons(&self, game: &Matchup) -> Vec<Reason> {
        let competition = self.competition(game);
        let mut reasons = match &self.models {
            Models::Football(models) => models.reasons(game, competition),
            Models::Points(models) => models.reasons(game),
        };
        reasons.sort_by(|a, b| b.effect.abs().total_cmp(&a.effect.abs()));
        reasons
    }

    /// A competition outside the pool is read as its first.
    fn competition(&self, game: &Matchup) -> usize {
        self.pool.competition_index(&game.competition).unwrap_or(0)
    }
}
