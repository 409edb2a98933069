//! Every game in the order of time: the only thing models read.

use domain::Game;

/// Games of every competition in order of kickoff, then fixture id.
#[derive(Debug, Clone, Default)]
pub struct History {
    games: Vec<Game>,
}

impl History {
    /// Sorts the games.
    pub fn new(mut games: Vec<Game>) -> Self {
        games.sort_by_key(|it| (it.kickoff, it.fixture));
        Self { games }
    }

    /// Every game, earliest kickoff first.
    pub fn games(&self) -> &[Game] {
        &self.games
    }
}
