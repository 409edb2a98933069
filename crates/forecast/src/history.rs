//! Every game in the order of time: the only thing models read.

use std::sync::OnceLock;

use domain::Game;

/// Games of every competition in order of kickoff, then fixture id.
#[derive(Debug, Clone, Default)]
pub struct History {
    games: Vec<Game>,
    /// What each game's closing prices expected of both sides, once somebody asked. It depends on
    /// the game alone, and is by far the dearest part of a fit from nothing.
    implied: Vec<OnceLock<Option<[f64; 2]>>>,
}

impl History {
    /// Sorts the games.
    pub fn new(mut games: Vec<Game>) -> Self {
        games.sort_by_key(|it| (it.kickoff, it.fixture));
        let implied = vec![OnceLock::new(); games.len()];
        Self { games, implied }
    }

    /// Every game, earliest kickoff first.
    pub fn games(&self) -> &[Game] {
        &self.games
    }

    /// What the closing prices of the game at `index` expected, solved once by `solve`, which must
    /// be the same for every game of a sport.
    pub(crate) fn implied(
        &self,
        index: usize,
        solve: impl FnOnce(&Game) -> Option<[f64; 2]>,
    ) -> Option<[f64; 2]> {
        *self.implied[index].get_or_init(|| solve(&self.games[index]))
    }
}
