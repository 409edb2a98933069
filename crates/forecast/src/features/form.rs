//! How sides have done of late, kept up game by game.

use std::collections::HashMap;

use domain::{Game, Score, SeasonKey, TeamId};
use jiff::Timestamp;

/// What a game counts against the next one, over about five games.
const FAST: f64 = 0.8;
/// The same, over about twenty.
const SLOW: f64 = 0.95;
/// The same for a competition's games, over about two hundred.
const LEVEL: f64 = 0.995;
/// The same for games of the same two sides.
const MEETING: f64 = 0.7;
/// A win, where a draw counts a third of it, as tables do.
const DRAW_POINTS: f64 = 1.0 / 3.0;

/// A mean in which older values count less.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Mean {
    sum: f64,
    weight: f64,
}

impl Mean {
    fn add(&mut self, value: f64, keep: f64) {
        self.sum = keep * self.sum + value;
        self.weight = keep * self.weight + 1.0;
    }

    /// Not a number before the first value.
    pub(super) fn value(self) -> f64 {
        self.sum / self.weight
    }
}

/// A mean of what a side made, and of what was made against it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Pair {
    pub(super) own: Mean,
    pub(super) against: Mean,
}

impl Pair {
    fn add(&mut self, [own, against]: [f64; 2], keep: f64) {
        self.own.add(own, keep);
        self.against.add(against, keep);
    }
}

/// What a side did in a season of a competition.
#[derive(Debug, Clone, PartialEq)]
struct SeasonForm {
    competition: usize,
    season: SeasonKey,
    /// Its latest kickoff.
    last: Timestamp,
    games: u32,
    points: Mean,
}

/// What is known of a side.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct TeamForm {
    pub(super) games: u32,
    /// Its newest season of each competition it plays in.
    seasons: Vec<SeasonForm>,
    /// Share of the points there were to win.
    pub(super) points_fast: Mean,
    pub(super) points_slow: Mean,
    pub(super) goals: Pair,
    pub(super) shots: Pair,
    pub(super) on_target: Pair,
    pub(super) expected_goals: Pair,
    /// Goals or points at home and away from home.
    pub(super) venues: [Pair; 2],
    /// Margin beyond the one that closing prices expected.
    pub(super) surprise_fast: Mean,
    pub(super) surprise_slow: Mean,
    /// Margin of expected goals beyond the one that closing prices expected.
    pub(super) chance_surprise: Mean,
}

impl TeamForm {
    /// Games in a season of the competition at an index of the pool.
    pub(super) fn season_games(&self, competition: usize, season: &SeasonKey) -> f64 {
        self.season(competition, season)
            .map_or(0.0, |it| f64::from(it.games))
    }

    /// Mean share of points in such a season; not a number before its first game.
    pub(super) fn season_points(&self, competition: usize, season: &SeasonKey) -> f64 {
        self.season(competition, season)
            .map_or(f64::NAN, |it| it.points.value())
    }

    fn season(&self, competition: usize, season: &SeasonKey) -> Option<&SeasonForm> {
        let mut seasons = self.seasons.iter();
        seasons.find(|it| it.competition == competition && it.season == *season)
    }

    fn add_to_season(&mut self, game: &Game, competition: usize, points: f64) {
        let begun = SeasonForm {
            competition,
            season: game.season.clone(),
            last: game.kickoff,
            games: 0,
            points: Mean::default(),
        };
        let place = self
            .seasons
            .iter()
            .position(|it| it.competition == competition);
        let place = place.unwrap_or_else(|| {
            self.seasons.push(begun.clone());
            self.seasons.len() - 1
        });
        let newest = &mut self.seasons[place];
        if newest.season != game.season {
            if game.kickoff < newest.last {
                return; // What became known late was played in a season before.
            }
            *newest = begun;
        }
        newest.last = newest.last.max(game.kickoff);
        newest.games += 1;
        newest.points.add(points, 1.0);
    }
}

/// Earlier games of the same two sides, seen from the home side.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Meetings {
    pub(super) margin: Mean,
    pub(super) games: u32,
}

/// How sides, pairs of sides and competitions have done.
#[derive(Debug, Clone, Default)]
pub(crate) struct FormTable {
    teams: HashMap<TeamId, TeamForm>,
    /// By the lower id first, seen from it.
    meetings: HashMap<(TeamId, TeamId), Meetings>,
    levels: Vec<Mean>,
    stranger: TeamForm,
}

impl FormTable {
    /// Adds a finished game of the competition at an index of the pool, with the margin that its
    /// closing prices expected.
    pub(crate) fn add(
        &mut self,
        game: &Game,
        score: Score,
        competition: usize,
        expected_margin: Option<f64>,
    ) {
        let goals = [score.home, score.away].map(f64::from);
        let margin = goals[0] - goals[1];
        for side in [0, 1] {
            let team = [game.home, game.away][side];
            let sign = [1.0, -1.0][side];
            let form = self.teams.entry(team).or_default();
            form.games += 1;
            let points = points(sign * margin, game.sport.has_draw());
            form.points_fast.add(points, FAST);
            form.points_slow.add(points, SLOW);
            form.add_to_season(game, competition, points);
            form.goals.add(seen(goals, side), SLOW);
            if !game.neutral {
                form.venues[side].add(seen(goals, side), SLOW);
            }
            let stats = &game.stats;
            if let Some(shots) = stats.shots {
                form.shots.add(seen(shots.map(f64::from), side), SLOW);
            }
            if let Some(shots) = stats.shots_on_target {
                form.on_target.add(seen(shots.map(f64::from), side), SLOW);
            }
            if let Some(chances) = stats.expected_goals {
                form.expected_goals.add(seen(chances, side), SLOW);
            }
            if let Some(expected) = expected_margin {
                let surprise = sign * (margin - expected);
                form.surprise_fast.add(surprise, FAST);
                form.surprise_slow.add(surprise, SLOW);
                if let Some([home, away]) = stats.expected_goals {
                    let surprise = sign * (home - away - expected);
                    form.chance_surprise.add(surprise, SLOW);
                }
            }
        }
        self.add_meeting(game, margin);
        if self.levels.len() <= competition {
            self.levels.resize(competition + 1, Mean::default());
        }
        self.levels[competition].add(goals[0] + goals[1], LEVEL);
    }

    fn add_meeting(&mut self, game: &Game, margin: f64) {
        let (key, sign) = pair(game.home, game.away);
        let meetings = self.meetings.entry(key).or_default();
        meetings.margin.add(sign * margin, MEETING);
        meetings.games += 1;
    }

    /// What is known of a side.
    pub(super) fn team(&self, team: TeamId) -> &TeamForm {
        self.teams.get(&team).unwrap_or(&self.stranger)
    }

    /// Earlier games of both sides, seen from the home side.
    pub(super) fn meetings(&self, home: TeamId, away: TeamId) -> Meetings {
        let (key, sign) = pair(home, away);
        let mut meetings = self.meetings.get(&key).copied().unwrap_or_default();
        meetings.margin.sum *= sign;
        meetings
    }

    /// Goals or points in the competition's games of late.
    pub(super) fn level(&self, competition: usize) -> f64 {
        self.levels
            .get(competition)
            .map_or(f64::NAN, |it| it.value())
    }
}

/// A home and an away number, the side's own first.
fn seen([home, away]: [f64; 2], side: usize) -> [f64; 2] {
    if side == 0 {
        [home, away]
    } else {
        [away, home]
    }
}

/// The share of the points of a game that a margin brings.
fn points(margin: f64, has_draw: bool) -> f64 {
    if margin > 0.0 {
        1.0
    } else if margin < 0.0 {
        0.0
    } else if has_draw {
        DRAW_POINTS
    } else {
        0.5
    }
}

/// The key of two sides, and what turns the home side's view into the key's.
fn pair(home: TeamId, away: TeamId) -> ((TeamId, TeamId), f64) {
    if home <= away {
        ((home, away), 1.0)
    } else {
        ((away, home), -1.0)
    }
}
