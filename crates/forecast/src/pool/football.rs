//! Base models of football.

use domain::{Game, Score, TeamId};
use jiff::Timestamp;

use crate::dixon_coles::{GoalFit, GoalRecord, GoalSettings, GoalTable, Penalty};
use crate::elo::{EloFit, EloRecord, EloSettings, EloTable};
use crate::pool::{BaseForecast, ModelName, Rating, Reason};
use crate::{Matchup, Scores};

const ELO: EloSettings = EloSettings {
    gain: 10.0,
    margin_power: 0.8,
    home: 60.0,
    newcomer_gap: 80.0,
    memory_days: 1500.0,
    decay_per_day: 0.0007,
};

const GOALS_DECAY_PER_DAY: f64 = 0.0018;
const GOALS: GoalSettings = GoalSettings {
    penalty: Penalty { strength: 6.0, level: 4.0, base: 10.0, home: 20.0, rho: 200.0 },
    newcomer_gap: 0.15,
    newcomer_games: 10.0,
    rho: -0.05,
    weight_floor: 1e-4,
};

/// What the models remember of a pool's games.
#[derive(Debug, Clone)]
pub(crate) struct FootballState {
    competitions: usize,
    elo: EloTable,
    goals: GoalTable,
}

impl FootballState {
    pub(crate) fn new(competitions: usize) -> Self {
        Self {
            competitions,
            elo: EloTable::new(ELO),
            goals: GoalTable::new(GOALS_DECAY_PER_DAY),
        }
    }

    /// Adds a finished game; returns both sides' Elo after it.
    pub(crate) fn add(&mut self, game: &Game, score: Score, competition: usize) -> [f64; 2] {
        let counts = [score.home, score.away];
        self.goals.add(&GoalRecord {
            competition,
            home: game.home,
            away: game.away,
            neutral: game.neutral,
            kickoff: game.kickoff,
            weight: 1.0,
            goals: counts.map(f64::from),
            score: Some(counts),
        });
        self.elo.add(&EloRecord {
            competition,
            home: game.home,
            away: game.away,
            neutral: game.neutral,
            kickoff: game.kickoff,
            score: counts,
        })
    }

    pub(crate) fn fit(&self, cut: Timestamp) -> FootballFit {
        FootballFit {
            elo: EloFit::new(&self.elo, cut),
            goals: GoalFit::new(&self.goals, self.competitions, cut, &GOALS),
        }
    }
}

/// The models at a moment.
#[derive(Debug, Clone)]
pub(crate) struct FootballFit {
    elo: EloFit,
    goals: GoalFit,
}

impl FootballFit {
    pub(crate) fn forecast(&self, game: &Matchup, competition: usize) -> Vec<BaseForecast> {
        let forecast = |model, matrix| BaseForecast { model, scores: Scores::Goals(matrix) };
        vec![
            forecast(ModelName::Elo, self.elo.matrix(game, competition)),
            forecast(ModelName::DixonColes, self.goals.matrix(game, competition)),
        ]
    }

    pub(crate) fn rating(&self, team: TeamId) -> Option<Rating> {
        let rated = self.elo.rated(team)?;
        let strength = self.goals.known(team);
        Some(Rating {
            value: rated.rating,
            attack: strength.map(|it| it.attack),
            defence: strength.map(|it| it.defence),
            games: rated.games,
        })
    }

    pub(crate) fn reasons(&self, game: &Matchup, competition: usize) -> Vec<Reason> {
        let [home, away] = self.elo.ratings(game, competition);
        let mut reasons = vec![Reason {
            label: "rating difference".to_owned(),
            effect: self.elo.log_odds(home - away),
            detail: format!("Elo {home:.0} against {away:.0}"),
        }];
        if !game.neutral {
            reasons.push(Reason {
                label: "home advantage".to_owned(),
                effect: self.elo.home_log_odds(),
                detail: "what playing at home has been worth lately".to_owned(),
            });
        }
        reasons
    }
}
