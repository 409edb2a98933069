//! Ratings after every game, and sums of results by difference of ratings.

use std::collections::{BTreeMap, HashMap};

use domain::TeamId;
use jiff::Timestamp;

use crate::dixon_coles::days_since_epoch;

/// Differences are gathered in bins of so many points.
const BIN_POINTS: f64 = 16.0;
/// Differences beyond this many bins are gathered in the last.
const BIN_MAX: f64 = 60.0;

/// How ratings move; tuned on seasons up to 2020/21.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct EloSettings {
    /// Points a draw moves at most.
    pub(crate) gain: f64,
    /// The gain grows with one plus the goal difference to this power.
    pub(crate) margin_power: f64,
    /// Points the home side is given.
    pub(crate) home: f64,
    /// How far below the mean of its competition a newcomer starts.
    pub(crate) newcomer_gap: f64,
    /// Days of absence after which a team is a newcomer again (to a factor e).
    pub(crate) memory_days: f64,
    /// How fast results lose weight in what a difference is worth.
    pub(crate) decay_per_day: f64,
}

/// A game as the ratings see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EloRecord {
    pub(crate) competition: usize,
    pub(crate) home: TeamId,
    pub(crate) away: TeamId,
    pub(crate) neutral: bool,
    pub(crate) kickoff: Timestamp,
    pub(crate) score: [u16; 2],
}

/// A team and its rating.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RatedTeam {
    pub(crate) team: TeamId,
    pub(crate) rating: f64,
    pub(crate) competition: usize,
    pub(crate) last: Timestamp,
    pub(crate) games: u32,
}

/// Weighted results of games of about one difference of ratings.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct RatingSums {
    /// Home rating less away rating, home advantage left out.
    pub(crate) difference: f64,
    pub(crate) neutral: bool,
    /// Weights of home wins, draws, away wins.
    pub(crate) results: [f64; 3],
    /// Weighted goals, home and away.
    pub(crate) goals: [f64; 2],
}

/// Ratings and sums, grown game by game.
#[derive(Debug, Clone)]
pub(crate) struct EloTable {
    settings: EloSettings,
    teams: Vec<RatedTeam>,
    index: HashMap<TeamId, usize>,
    bins: BTreeMap<(i32, bool), RatingSums>,
    /// First kickoff of each competition.
    firsts: HashMap<usize, Timestamp>,
}

impl EloTable {
    /// Rating of a team of which nothing is known, in a competition of which nothing is known.
    pub(crate) const START: f64 = 1500.0;
    /// A competition's mean counts teams that played within so many days.
    const CURRENT_DAYS: f64 = 400.0;
    /// A team is back from elsewhere after so many days without a game.
    const ABSENCE_DAYS: f64 = 200.0;

    pub(crate) fn new(settings: EloSettings) -> Self {
        Self {
            settings,
            teams: Vec::new(),
            index: HashMap::new(),
            bins: BTreeMap::new(),
            firsts: HashMap::new(),
        }
    }

    /// Moves both sides' ratings by the game; returns them as they stand after it.
    pub(crate) fn add(&mut self, game: &EloRecord) -> [f64; 2] {
        self.firsts.entry(game.competition).or_insert(game.kickoff);
        let home = self.enter(game.home, game);
        let away = self.enter(game.away, game);
        let difference = self.teams[home].rating - self.teams[away].rating;
        self.count(game, difference);
        let venue = if game.neutral {
            0.0
        } else {
            self.settings.home
        };
        let expected = 1.0 / (1.0 + 10.0_f64.powf(-(difference + venue) / 400.0));
        let [scored, conceded] = game.score.map(f64::from);
        let result = if scored > conceded {
            1.0
        } else if scored < conceded {
            0.0
        } else {
            0.5
        };
        let margin = (1.0 + (scored - conceded).abs()).powf(self.settings.margin_power);
        let step = self.settings.gain * margin * (result - expected);
        for (team, sign) in [(home, 1.0), (away, -1.0)] {
            let rated = &mut self.teams[team];
            rated.rating += sign * step;
            rated.competition = game.competition;
            rated.last = game.kickoff;
            rated.games += 1;
        }
        [home, away].map(|it| self.teams[it].rating)
    }

    /// The team as it stands, where it has played.
    pub(crate) fn rated(&self, team: TeamId) -> Option<&RatedTeam> {
        self.index.get(&team).map(|it| &self.teams[*it])
    }

    /// Rating a team would enter a game with.
    pub(crate) fn entry_rating(&self, team: TeamId, competition: usize, at: Timestamp) -> f64 {
        let newcomer = || self.newcomer_rating(competition, at);
        let Some(known) = self.rated(team) else {
            return newcomer();
        };
        let absence = days_since_epoch(at) - days_since_epoch(known.last);
        if absence <= Self::ABSENCE_DAYS {
            return known.rating;
        }
        let kept = (-(absence - Self::ABSENCE_DAYS) / self.settings.memory_days).exp();
        let newcomer = newcomer();
        newcomer + kept * (known.rating - newcomer)
    }

    /// Results by difference of ratings, as they weigh at `cut`.
    pub(crate) fn sums(&self, cut: Timestamp) -> Vec<RatingSums> {
        let factor = (-self.settings.decay_per_day * days_since_epoch(cut)).exp();
        self.bins
            .values()
            .map(|it| RatingSums {
                results: it.results.map(|weight| weight * factor),
                goals: it.goals.map(|goals| goals * factor),
                ..*it
            })
            .collect()
    }

    fn newcomer_rating(&self, competition: usize, at: Timestamp) -> f64 {
        let current = |it: &&RatedTeam| {
            it.competition == competition
                && days_since_epoch(at) - days_since_epoch(it.last) <= Self::CURRENT_DAYS
        };
        let (mut sum, mut teams) = (0.0, 0.0);
        for rated in self.teams.iter().filter(current) {
            sum += rated.rating;
            teams += 1.0;
        }
        // In its first season a competition fills up, and nobody is new to it.
        let first = self.firsts.get(&competition).copied().unwrap_or(at);
        let age = days_since_epoch(at) - days_since_epoch(first);
        if age <= Self::ABSENCE_DAYS || teams == 0.0 {
            Self::START
        } else {
            sum / teams - self.settings.newcomer_gap
        }
    }

    /// Makes sure the team is there, with the rating it enters the game with.
    fn enter(&mut self, team: TeamId, game: &EloRecord) -> usize {
        let rating = self.entry_rating(team, game.competition, game.kickoff);
        let (competition, last) = (game.competition, game.kickoff);
        let index = *self.index.entry(team).or_insert_with(|| {
            self.teams.push(RatedTeam {
                team,
                rating,
                competition,
                last,
                games: 0,
            });
            self.teams.len() - 1
        });
        self.teams[index].rating = rating;
        index
    }

    fn count(&mut self, game: &EloRecord, difference: f64) {
        let bin = (difference / BIN_POINTS).round().clamp(-BIN_MAX, BIN_MAX);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "clamped to a small whole number"
        )]
        let sums = self.bins.entry((bin as i32, game.neutral)).or_default();
        sums.difference = bin * BIN_POINTS;
        sums.neutral = game.neutral;
        let weight = (self.settings.decay_per_day * days_since_epoch(game.kickoff)).exp();
        let [home, away] = game.score;
        let result = match home.cmp(&away) {
            std::cmp::Ordering::Greater => 0,
            std::cmp::Ordering::Equal => 1,
            std::cmp::Ordering::Less => 2,
        };
        sums.results[result] += weight;
        sums.goals[0] += weight * f64::from(home);
        sums.goals[1] += weight * f64::from(away);
    }
}

#[cfg(test)]
mod tests;
