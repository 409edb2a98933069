//! The walk through a pool's games in the order in which they became known.

use domain::{Game, Score, Sport, TeamId};
use jiff::Timestamp;

use crate::History;
use crate::pool::football::FootballState;
use crate::pool::points::PointsState;
use crate::pool::{Models, Pool, PoolFit};

/// What the models of the pool's kind of sport remember.
#[derive(Debug)]
enum State {
    Football(Box<FootballState>),
    Points(Box<PointsState>),
}

/// Walks forward through time, keeping sums so that each fit costs little.
///
/// Cuts must not go back: a game once added stays.
#[derive(Debug)]
pub struct PoolWalker<'a> {
    pool: &'a Pool,
    /// Finished games with their score and competition's index, in the order they became known.
    games: Vec<(&'a Game, Score, usize)>,
    added: usize,
    state: State,
}

impl<'a> PoolWalker<'a> {
    /// Starts before the first game.
    pub fn new(history: &'a History, pool: &'a Pool) -> Self {
        let mut games: Vec<_> = history
            .games()
            .iter()
            .filter_map(|it| Some((it, it.score?, pool.competition_index(&it.competition)?)))
            .collect();
        games.sort_by_key(|(it, ..)| (it.known_at, it.kickoff, it.fixture));
        let state = match pool.sport {
            Sport::Football => {
                State::Football(Box::new(FootballState::new(pool.competitions.len())))
            }
            Sport::AmericanFootball | Sport::Basketball => {
                State::Points(Box::new(PointsState::new(pool.sport)))
            }
        };
        Self {
            pool,
            games,
            added: 0,
            state,
        }
    }

    /// Fits every base model on what was known at `cut`, which must not lie before the last.
    pub fn fit(&mut self, cut: Timestamp) -> PoolFit {
        self.advance(cut, |_, _| {});
        let models = match &self.state {
            State::Football(state) => Models::Football(state.fit(cut)),
            State::Points(state) => Models::Points(state.fit(cut)),
        };
        PoolFit {
            pool: self.pool.clone(),
            cut,
            models,
        }
    }

    /// Adds every game known at `cut`, telling `seen` of each with both sides' ratings after it.
    fn advance(&mut self, cut: Timestamp, mut seen: impl FnMut(&Game, [f64; 2])) {
        while let Some((game, score, competition)) = self.games.get(self.added) {
            if game.known_at > cut {
                break;
            }
            let ratings = match &mut self.state {
                State::Football(state) => state.add(game, *score, *competition),
                State::Points(state) => state.add(game, *score),
            };
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
