//! Games boiled down to what least squares need: weighted sums per ordered pair of teams.

use std::collections::HashMap;

use domain::TeamId;
use jiff::Timestamp;

use crate::dixon_coles::days_since_epoch;

/// A pause of so many days without a game parts two seasons.
const SEASON_BREAK_DAYS: f64 = 60.0;

/// What one game adds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MarginRecord {
    pub(crate) home: TeamId,
    pub(crate) away: TeamId,
    pub(crate) neutral: bool,
    pub(crate) kickoff: Timestamp,
    /// How much it counts before age.
    pub(crate) weight: f64,
    /// Days of rest the home side had more than the away side.
    pub(crate) rest: f64,
    /// Margin and total that ratings are fitted on.
    pub(crate) fitted: [f64; 2],
    /// Margin and total as played.
    pub(crate) played: [f64; 2],
}

/// Weighted sums of the games of one ordered pair at one kind of venue.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct PairSums {
    pub(crate) home: usize,
    pub(crate) away: usize,
    pub(crate) neutral: bool,
    pub(crate) weight: f64,
    pub(crate) rest: f64,
    pub(crate) rest_squared: f64,
    pub(crate) rest_margin: f64,
    /// Margin and total.
    pub(crate) sums: [f64; 2],
    /// Their squares.
    pub(crate) squares: [f64; 2],
    /// Squares of what was played less what is fitted on.
    pub(crate) misses: [f64; 2],
}

/// Sums over games in the order they were added, with exponential decay by day and by season.
#[derive(Debug, Clone)]
pub(crate) struct MarginTable {
    decay_per_day: f64,
    /// Days that the pause between two seasons counts more than it lasts.
    season_days: f64,
    /// Such days so far.
    shift_days: f64,
    last: Option<Timestamp>,
    pub(crate) teams: Vec<TeamId>,
    pub(crate) index: HashMap<TeamId, usize>,
    /// How many games each team has played.
    pub(crate) games: Vec<u32>,
    pairs: Vec<PairSums>,
    pair_index: HashMap<(usize, usize, bool), usize>,
}

impl MarginTable {
    pub(crate) fn new(decay_per_day: f64, season_days: f64) -> Self {
        Self {
            decay_per_day,
            season_days,
            shift_days: 0.0,
            last: None,
            teams: Vec::new(),
            index: HashMap::new(),
            games: Vec::new(),
            pairs: Vec::new(),
            pair_index: HashMap::new(),
        }
    }

    /// Adds a game.
    pub(crate) fn add(&mut self, game: &MarginRecord) {
        self.shift_days += self.pause(game.kickoff);
        self.last = self.last.max(Some(game.kickoff));
        let (home, away) = (self.team(game.home), self.team(game.away));
        let index = *self
            .pair_index
            .entry((home, away, game.neutral))
            .or_insert_with(|| {
                let neutral = game.neutral;
                self.pairs.push(PairSums {
                    home,
                    away,
                    neutral,
                    ..PairSums::default()
                });
                self.pairs.len() - 1
            });
        let age = days_since_epoch(game.kickoff) + self.shift_days;
        let weight = game.weight * (self.decay_per_day * age).exp();
        let sums = &mut self.pairs[index];
        sums.weight += weight;
        sums.rest += weight * game.rest;
        sums.rest_squared += weight * game.rest * game.rest;
        sums.rest_margin += weight * game.rest * game.fitted[0];
        for side in 0..2 {
            sums.sums[side] += weight * game.fitted[side];
            sums.squares[side] += weight * game.fitted[side].powi(2);
            sums.misses[side] += weight * (game.played[side] - game.fitted[side]).powi(2);
        }
    }

    /// The sums as they weigh at `cut`, pairs lighter than `floor` left out.
    pub(crate) fn at(&self, cut: Timestamp, floor: f64) -> Vec<PairSums> {
        let age = days_since_epoch(cut) + self.shift_days + self.pause(cut);
        let factor = (-self.decay_per_day * age).exp();
        let scaled = self.pairs.iter().map(|it| PairSums {
            weight: it.weight * factor,
            rest: it.rest * factor,
            rest_squared: it.rest_squared * factor,
            rest_margin: it.rest_margin * factor,
            sums: it.sums.map(|sum| sum * factor),
            squares: it.squares.map(|sum| sum * factor),
            misses: it.misses.map(|sum| sum * factor),
            ..*it
        });
        scaled.filter(|it| it.weight >= floor).collect()
    }

    /// What the pause before `moment` counts more than it lasts.
    fn pause(&self, moment: Timestamp) -> f64 {
        let last = self
            .last
            .map_or(0.0, |it| days_since_epoch(moment) - days_since_epoch(it));
        if last > SEASON_BREAK_DAYS {
            self.season_days
        } else {
            0.0
        }
    }

    /// The index of a team, which plays one game more.
    fn team(&mut self, team: TeamId) -> usize {
        let index = *self.index.entry(team).or_insert_with(|| {
            self.teams.push(team);
            self.games.push(0);
            self.teams.len() - 1
        });
        self.games[index] += 1;
        index
    }
}

#[cfg(test)]
mod tests;
