//! Base models of football.

use domain::{Game, Score, TeamId};
use jiff::Timestamp;

use crate::dixon_coles::{GoalFit, GoalRecord, GoalSettings, GoalTable, Penalty, days_since_epoch};
use crate::elo::{EloFit, EloRecord, EloSettings, EloTable};
use crate::market_implied::implied_goals;
use crate::pool::{BaseForecast, ModelName, Rating, Reason};
use crate::{Matchup, Scores};

// Everything below was chosen on the top five leagues of 2012/13 to 2020/21, walked forward.
const ELO: EloSettings = EloSettings {
    gain: 9.0,
    margin_power: 0.8,
    home: 60.0,
    newcomer_gap: 100.0,
    memory_days: 1500.0,
    decay_per_day: 0.0007,
};

const GOALS_DECAY_PER_DAY: f64 = 0.0018;
const GOALS: GoalSettings = GoalSettings {
    penalty: Penalty {
        strength: 6.0,
        level: 4.0,
        base: 10.0,
        home: 20.0,
        rho: 200.0,
    },
    newcomer_gap: 0.15,
    newcomer_games: 10.0,
    rho: -0.05,
    weight_floor: 0.02,
};

const SHOTS_DECAY_PER_DAY: f64 = 0.0025;
const SHOTS: GoalSettings = GoalSettings {
    penalty: Penalty {
        strength: 2.0,
        ..GOALS.penalty
    },
    ..GOALS
};
/// What a shot on target is worth in goals; shots off target proved to be worth nothing more.
const SHOT_GOALS: f64 = 0.34;
/// Share of actual goals in what the model on shots is fitted on.
const SHOTS_ACTUAL_SHARE: f64 = 0.75;

const IMPLIED_DECAY_PER_DAY: f64 = 0.0198;
const IMPLIED: GoalSettings = GoalSettings {
    penalty: Penalty {
        strength: 0.15,
        level: 0.3,
        base: 2.0,
        home: 2.0,
        rho: 1e4,
    },
    newcomer_gap: 0.3,
    newcomer_games: 1.0,
    rho: -0.08,
    weight_floor: 1e-4,
};
/// Share of actual goals in what the market-implied model is fitted on.
const IMPLIED_ACTUAL_SHARE: f64 = 0.08;
/// What a game without prices counts in it.
const UNPRICED_WEIGHT: f64 = 0.08;
/// Weighted games with prices from which on there is a market-implied model.
const IMPLIED_GAMES_MIN: f64 = 10.0;

/// What the models remember of a pool's games.
#[derive(Debug, Clone)]
pub(crate) struct FootballState {
    competitions: usize,
    elo: EloTable,
    goals: GoalTable,
    shots: GoalTable,
    implied: GoalTable,
    /// Weight of the games with prices in `implied`, at the epoch of its weights.
    priced: f64,
}

impl FootballState {
    pub(crate) fn new(competitions: usize) -> Self {
        Self {
            competitions,
            elo: EloTable::new(ELO),
            goals: GoalTable::new(GOALS_DECAY_PER_DAY),
            shots: GoalTable::new(SHOTS_DECAY_PER_DAY),
            implied: GoalTable::new(IMPLIED_DECAY_PER_DAY),
            priced: 0.0,
        }
    }

    /// Adds a finished game, with the goals its closing prices expected; returns both sides' Elo
    /// after it.
    pub(crate) fn add(
        &mut self,
        game: &Game,
        score: Score,
        competition: usize,
        expected: Option<[f64; 2]>,
    ) -> [f64; 2] {
        let counts = [score.home, score.away];
        let record = GoalRecord {
            competition,
            home: game.home,
            away: game.away,
            neutral: game.neutral,
            kickoff: game.kickoff,
            weight: 1.0,
            goals: counts.map(f64::from),
            score: Some(counts),
        };
        self.goals.add(&record);
        self.shots.add(&GoalRecord {
            goals: chance_goals(game, record.goals),
            ..record
        });
        self.add_market(record, expected);
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
            shots: GoalFit::new(&self.shots, self.competitions, cut, &SHOTS),
            implied: (self.priced_games(cut) >= IMPLIED_GAMES_MIN)
                .then(|| GoalFit::new(&self.implied, self.competitions, cut, &IMPLIED)),
        }
    }

    /// Adds goals that the closing prices expected, with a small share of the actual ones; a game
    /// without prices counts little.
    fn add_market(&mut self, actual: GoalRecord, expected: Option<[f64; 2]>) {
        let record = match expected {
            Some(expected) => {
                self.priced += (IMPLIED_DECAY_PER_DAY * days_since_epoch(actual.kickoff)).exp();
                let share = IMPLIED_ACTUAL_SHARE;
                let goals =
                    [0, 1].map(|it| share * actual.goals[it] + (1.0 - share) * expected[it]);
                GoalRecord { goals, ..actual }
            }
            None => GoalRecord {
                weight: UNPRICED_WEIGHT,
                ..actual
            },
        };
        self.implied.add(&GoalRecord {
            score: None,
            ..record
        });
    }

    fn priced_games(&self, cut: Timestamp) -> f64 {
        self.priced * (-IMPLIED_DECAY_PER_DAY * days_since_epoch(cut)).exp()
    }
}

/// Goals that a game's closing prices expected of both sides.
pub(crate) fn expected_goals(game: &Game) -> Option<[f64; 2]> {
    implied_goals(&game.closing, IMPLIED.rho)
}

/// Goals as shots and expected goals tell them, with a share of the actual ones; the actual ones
/// where no shots are known.
fn chance_goals(game: &Game, actual: [f64; 2]) -> [f64; 2] {
    let stats = &game.stats;
    let by_shots = || Some(stats.shots_on_target?.map(|it| SHOT_GOALS * f64::from(it)));
    match stats.expected_goals.or_else(by_shots) {
        Some(chances) => std::array::from_fn(|side| {
            SHOTS_ACTUAL_SHARE * actual[side] + (1.0 - SHOTS_ACTUAL_SHARE) * chances[side]
        }),
        None => actual,
    }
}

/// The models at a moment.
#[derive(Debug, Clone)]
pub(crate) struct FootballFit {
    elo: EloFit,
    goals: GoalFit,
    shots: GoalFit,
    implied: Option<GoalFit>,
}

impl FootballFit {
    pub(crate) fn forecast(&self, game: &Matchup, competition: usize) -> Vec<BaseForecast> {
        let implied = self.implied.as_ref();
        [
            (ModelName::Elo, self.elo.matrix(game, competition)),
            (ModelName::DixonColes, self.goals.matrix(game, competition)),
            (
                ModelName::DixonColesShots,
                self.shots.matrix(game, competition),
            ),
        ]
        .into_iter()
        .chain(implied.map(|it| (ModelName::MarketImplied, it.matrix(game, competition))))
        .map(|(model, matrix)| BaseForecast {
            model,
            scores: Scores::Goals(matrix),
        })
        .collect()
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
        let sides = [game.home, game.away].map(|it| self.goals.strength(it, competition));
        // The logarithm of the ratio of expected goals stands in for log-odds: near enough to
        // rank what matters.
        let attack = sides[0].attack - sides[1].attack;
        let defence = sides[0].defence - sides[1].defence;
        let mut reasons = vec![
            Reason {
                label: "rating difference".to_owned(),
                effect: self.elo.log_odds(home - away),
                detail: format!("Elo {home:.0} against {away:.0}"),
            },
            Reason {
                label: "attack".to_owned(),
                effect: attack,
                detail: strengths("scores", sides.map(|it| it.attack)),
            },
            Reason {
                label: "defence".to_owned(),
                effect: defence,
                detail: strengths("concedes", sides.map(|it| -it.defence)),
            },
        ];
        if !game.neutral {
            reasons.push(Reason {
                label: "home advantage".to_owned(),
                effect: self.elo.home_log_odds(),
                detail: format!("goals at home times {:.2} lately", self.goals.home().exp()),
            });
        }
        reasons
    }
}

/// What both sides' strengths multiply goals by.
fn strengths(verb: &str, [home, away]: [f64; 2]) -> String {
    let [home, away] = [home, away].map(f64::exp);
    format!("home {verb} {home:.2} times the usual, away {away:.2} times")
}
