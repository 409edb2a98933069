//! Base models of sports of many points.

use std::collections::HashMap;
use std::sync::Arc;

use domain::{Game, Score, Sport, TeamId};
use jiff::Timestamp;

use crate::calendar::Calendar;
use crate::margin::{MarginFit, MarginRecord, MarginSettings, MarginTable, implied_points};
use crate::points::{PointsDistribution, PointsShape};
use crate::pool::{BaseForecast, ModelName, Rating, Reason};
use crate::{Matchup, Scores};

/// Settings of both models of a sport.
#[derive(Debug, Clone, Copy)]
struct Settings {
    played: MarginSettings,
    played_decay: f64,
    implied: MarginSettings,
    implied_decay: f64,
    /// Days that the pause between two seasons counts more than it lasts.
    season_days: f64,
    /// Share of the played score in what the market-implied model is fitted on.
    actual_share: f64,
    /// What the running rating moves by, per point of surprise.
    gain: f64,
}

/// Weighted games with prices from which on there is a market-implied model.
const IMPLIED_GAMES_MIN: f64 = 10.0;

const AMERICAN_FOOTBALL: Settings = {
    let played = MarginSettings {
        ridge: [4.0, 8.0],
        home: 2.0,
        total: 45.0,
        deviations: [12.5, 13.0],
        rest_days_max: 14.0,
        tie_share: 0.1,
        weight_floor: 1e-4,
    };
    Settings {
        played,
        played_decay: 0.005,
        implied: MarginSettings {
            ridge: [0.3, 1.0],
            ..played
        },
        implied_decay: 0.02,
        season_days: 0.0,
        actual_share: 0.08,
        gain: 0.07,
    }
};

const BASKETBALL: Settings = {
    let played = MarginSettings {
        ridge: [4.0, 8.0],
        home: 2.7,
        total: 215.0,
        deviations: [11.8, 18.0],
        rest_days_max: 3.0,
        tie_share: 0.0,
        weight_floor: 1e-4,
    };
    Settings {
        played,
        played_decay: 0.012,
        implied: MarginSettings {
            ridge: [0.3, 1.0],
            ..played
        },
        implied_decay: 0.05,
        season_days: 0.0,
        actual_share: 0.08,
        gain: 0.05,
    }
};

fn settings(sport: Sport) -> &'static Settings {
    match sport {
        Sport::Football | Sport::AmericanFootball => &AMERICAN_FOOTBALL,
        Sport::Basketball => &BASKETBALL,
    }
}

/// What the models remember of a pool's games.
#[derive(Debug, Clone)]
pub(crate) struct PointsState {
    settings: &'static Settings,
    calendar: Arc<Calendar>,
    played: MarginTable,
    implied: MarginTable,
    /// Of the games of `implied`, those whose totals were priced.
    implied_totals: MarginTable,
    /// Running rating of each team, for its path through time.
    ratings: HashMap<TeamId, f64>,
}

impl PointsState {
    pub(crate) fn new(sport: Sport, calendar: Arc<Calendar>) -> Self {
        let settings = settings(sport);
        Self {
            settings,
            calendar,
            played: MarginTable::new(settings.played_decay, settings.season_days),
            implied: MarginTable::new(settings.implied_decay, settings.season_days),
            implied_totals: MarginTable::new(settings.implied_decay, settings.season_days),
            ratings: HashMap::new(),
        }
    }

    /// Margin and total that a game's closing prices expected; a total that was not priced is not a
    /// number.
    pub(crate) fn expected_points(&self, game: &Game) -> Option<[f64; 2]> {
        implied_points(&game.closing, self.settings.implied.deviations)
    }

    /// Adds a finished game, with what its closing prices expected; returns both sides' running
    /// ratings after it.
    pub(crate) fn add(
        &mut self,
        game: &Game,
        score: Score,
        expected: Option<[f64; 2]>,
    ) -> [f64; 2] {
        let [home, away] = [score.home, score.away].map(f64::from);
        let played = [home - away, home + away];
        let record = MarginRecord {
            home: game.home,
            away: game.away,
            neutral: game.neutral,
            kickoff: game.kickoff,
            weight: 1.0,
            rest: rest(&self.calendar, self.settings, &Matchup::from(game)),
            fitted: played,
            played,
        };
        self.played.add(&record);
        if let Some(expected) = expected {
            let share = self.settings.actual_share;
            let mut fitted = [0, 1].map(|it| share * played[it] + (1.0 - share) * expected[it]);
            if fitted[1].is_nan() {
                fitted[1] = played[1];
                self.implied.add(&MarginRecord { fitted, ..record });
            } else {
                self.implied.add(&MarginRecord { fitted, ..record });
                self.implied_totals.add(&MarginRecord { fitted, ..record });
            }
        }
        self.move_ratings(&record)
    }

    pub(crate) fn fit(&self, cut: Timestamp) -> PointsFit {
        let implied = |table| {
            let fit = MarginFit::new(table, cut, &self.settings.implied);
            (fit.games() >= IMPLIED_GAMES_MIN).then_some(fit)
        };
        PointsFit {
            settings: self.settings,
            played: MarginFit::new(&self.played, cut, &self.settings.played),
            implied: implied(&self.implied),
            implied_totals: implied(&self.implied_totals),
            games: self.games(),
            calendar: Arc::clone(&self.calendar),
        }
    }

    /// How many games each team has played.
    fn games(&self) -> HashMap<TeamId, u32> {
        let teams = self.played.teams.iter().copied();
        teams.zip(self.played.games.iter().copied()).collect()
    }

    /// Moves both running ratings by a share of the surprise.
    fn move_ratings(&mut self, game: &MarginRecord) -> [f64; 2] {
        let rating = |team| self.ratings.get(&team).copied().unwrap_or(0.0);
        let (home, away) = (rating(game.home), rating(game.away));
        let venue = if game.neutral {
            0.0
        } else {
            self.settings.played.home
        };
        let step = self.settings.gain * (game.played[0] - (home - away + venue));
        self.ratings.insert(game.home, home + step);
        self.ratings.insert(game.away, away - step);
        [home + step, away - step]
    }
}

/// Days of rest the home side has more than the away side, where both are known.
fn rest(calendar: &Calendar, settings: &Settings, game: &Matchup) -> f64 {
    let capped = |days: f64| days.round().min(settings.played.rest_days_max);
    let counted = |team| calendar.rest_days(team, game.kickoff).map(capped);
    match (counted(game.home), counted(game.away)) {
        (Some(home), Some(away)) => home - away,
        _ => 0.0,
    }
}

/// The models at a moment.
#[derive(Debug, Clone)]
pub(crate) struct PointsFit {
    settings: &'static Settings,
    played: MarginFit,
    implied: Option<MarginFit>,
    implied_totals: Option<MarginFit>,
    games: HashMap<TeamId, u32>,
    calendar: Arc<Calendar>,
}

impl PointsFit {
    pub(crate) fn forecast(&self, game: &Matchup) -> Vec<BaseForecast> {
        let rest = rest(&self.calendar, self.settings, game);
        let shape = |fit: &MarginFit| fit.shape([game.home, game.away], game.neutral, rest);
        let forecast = |model, shape: &PointsShape| BaseForecast {
            model,
            scores: Scores::Points(PointsDistribution::normal(shape)),
        };
        let implied = self.implied.as_ref().map(|it| {
            // Where hardly a total is priced, what was played says more of totals.
            let totals = shape(self.implied_totals.as_ref().unwrap_or(&self.played));
            PointsShape {
                total: totals.total,
                total_deviation: totals.total_deviation,
                ..shape(it)
            }
        });
        std::iter::once(forecast(ModelName::Margin, &shape(&self.played)))
            .chain(implied.map(|it| forecast(ModelName::MarketImpliedMargin, &it)))
            .collect()
    }

    pub(crate) fn rating(&self, team: TeamId) -> Option<Rating> {
        let value = self.played.rating(team)?;
        Some(Rating {
            value,
            attack: None,
            defence: None,
            games: *self.games.get(&team)?,
        })
    }

    pub(crate) fn reasons(&self, game: &Matchup) -> Vec<Reason> {
        let rest = rest(&self.calendar, self.settings, game);
        let teams = [game.home, game.away];
        let parts = self.played.parts(teams, game.neutral, rest);
        let deviation = self
            .played
            .shape(teams, game.neutral, rest)
            .margin_deviation;
        // A point of margin is worth about this much in log-odds of a normal margin near zero.
        let log_odds = |points: f64| 1.6 * points / deviation;
        let reason = |label: &str, points: f64, detail: String| Reason {
            label: label.to_owned(),
            effect: log_odds(points),
            detail,
        };
        let mut reasons = vec![reason(
            "rating difference",
            parts.ratings,
            format!(
                "{:+.1} points between the two sides' ratings",
                parts.ratings
            ),
        )];
        if !game.neutral {
            let detail = format!("{:+.1} points for playing at home", parts.home);
            reasons.push(reason("home advantage", parts.home, detail));
        }
        if rest != 0.0 {
            let detail = format!("{:+.1} points for {}", parts.rest, rest_words(rest));
            reasons.push(reason("rest", parts.rest, detail));
        }
        reasons
    }
}

/// `1 day more rest`, of home.
fn rest_words(rest: f64) -> String {
    let (days, more) = (rest.abs(), if rest < 0.0 { "less" } else { "more" });
    let unit = if days == 1.0 { "day" } else { "days" };
    format!("{days:.0} {unit} {more} rest")
}
