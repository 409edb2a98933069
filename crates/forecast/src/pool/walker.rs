//! The walk through a pool's games in the order in which they became known.

use std::sync::Arc;

use domain::{Game, Score, Sport, TeamId};
use jiff::Timestamp;

use crate::History;
use crate::features::FormTable;
use crate::pool::football::{self, FootballState};
use crate::pool::points::PointsState;
use crate::pool::{Models, Pool, PoolFit};

/// What the models of the pool's kind of sport remember.
#[derive(Debug)]
enum State {
    Football(Box<FootballState>),
    Points(Box<PointsState>),
}

/// A finished game of the pool.
#[derive(Debug)]
struct Played<'a> {
    /// Its place in history.
    index: usize,
    game: &'a Game,
    score: Score,
    /// Its competition's place in the pool.
    competition: usize,
}

/// Walks forward through time, keeping sums so that each fit costs little.
///
/// Cuts must not go back: a game once added stays.
#[derive(Debug)]
pub struct PoolWalker<'a> {
    pool: &'a Pool,
    history: &'a History,
    /// Finished games in the order they became known.
    games: Vec<Played<'a>>,
    added: usize,
    state: State,
    /// Shared with fits; copied only where one is still held.
    form: Arc<FormTable>,
}

impl<'a> PoolWalker<'a> {
    /// Starts before the first game.
    pub fn new(history: &'a History, pool: &'a Pool) -> Self {
        let mut games: Vec<_> = history
            .games()
            .iter()
            .enumerate()
            .filter_map(|(index, game)| {
                Some(Played {
                    index,
                    game,
                    score: game.score?,
                    competition: pool.competition_index(&game.competition)?,
                })
            })
            .collect();
        games.sort_by_key(|it| (it.game.known_at, it.game.kickoff, it.game.fixture));
        let state = match pool.sport {
            Sport::Football => {
                State::Football(Box::new(FootballState::new(pool.competitions.len())))
            }
            Sport::AmericanFootball | Sport::Basketball => {
                let calendar = Arc::clone(history.calendar());
                State::Points(Box::new(PointsState::new(pool.sport, calendar)))
            }
        };
        Self {
            pool,
            history,
            games,
            added: 0,
            state,
            form: Arc::default(),
        }
    }

    /// Fits every base model on what was known at `cut`, which must not lie before the last.
    pub fn fit(&mut self, cut: Timestamp) -> PoolFit {
        self.advance(cut, |_, _| {});
        let models = match &self.state {
            State::Football(state) => Models::Football(Box::new(state.fit(cut))),
            State::Points(state) => Models::Points(Box::new(state.fit(cut))),
        };
        PoolFit {
            pool: self.pool.clone(),
            cut,
            models,
            form: Arc::clone(&self.form),
            calendar: Arc::clone(self.history.calendar()),
        }
    }

    /// Adds every game known at `cut`, telling `seen` of each with both sides' ratings after it.
    fn advance(&mut self, cut: Timestamp, mut seen: impl FnMut(&Game, [f64; 2])) {
        while let Some(played) = self.games.get(self.added) {
            if played.game.known_at > cut {
                break;
            }
            let (game, score, index) = (played.game, played.score, played.index);
            let (ratings, margin) = match &mut self.state {
                State::Football(state) => {
                    let expected = self.history.implied(index, football::expected_goals);
                    let ratings = state.add(game, score, played.competition, expected);
                    (ratings, expected.map(|[home, away]| home - away))
                }
                State::Points(state) => {
                    let expected = self.history.implied(index, |it| state.expected_points(it));
                    let ratings = state.add(game, score, expected);
                    (ratings, expected.map(|[margin, _]| margin))
                }
            };
            let form = Arc::make_mut(&mut self.form);
            form.add(game, score, played.competition, margin);
            seen(game, ratings);
            self.added += 1;
        }
    }
}

/// Every base model of a pool fitted on what was known at `cut`.
pub fn fit_pool(history: &History, pool: &Pool, cut: Timestamp) -> PoolFit {
    PoolWalker::new(history, pool).fit(cut)
}

/// A team's rating after each of its games known at `until`, with the moment of its kickoff.
pub fn rating_path(
    history: &History,
    pool: &Pool,
    team: TeamId,
    until: Timestamp,
) -> Vec<(Timestamp, f64)> {
    let mut path = Vec::new();
    PoolWalker::new(history, pool).advance(until, |game, [home, away]| {
        if game.home == team {
            path.push((game.kickoff, home));
        } else if game.away == team {
            path.push((game.kickoff, away));
        }
    });
    path
}

#[cfg(test)]
mod tests;
