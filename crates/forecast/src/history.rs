//! Every game in the order of time: the only thing models read.

use std::sync::{Arc, OnceLock};

use domain::Game;

use crate::calendar::Calendar;

/// Games of every competition in order of kickoff, then fixture id.
#[derive(Debug, Clone, Default)]
pub struct History {
    games: Vec<Game>,
    /// What each game's closing prices expected of both sides, once somebody asked. It depends on
    /// the game alone, and is by far the dearest part of a fit from nothing.
    implied: Vec<OnceLock<Option<[f64; 2]>>>,
    calendar: Arc<Calendar>,
}

impl History {
    /// Sorts the games.
    pub fn new(mut games: Vec<Game>) -> Self {
        games.sort_by_key(|it| (it.kickoff, it.fixture));
        let implied = vec![OnceLock::new(); games.len()];
        let calendar = Arc::new(Calendar::new(&games));
        Self {
            games,
            implied,
            calendar,
        }
    }

    /// Every game, earliest kickoff first.
    pub fn games(&self) -> &[Game] {
        &self.games
    }

    /// Whether sides rest as they do here if `game` stands as it is given: it is among the games,
    /// of the same sides at the same kickoff, and is on or off as here.
    pub fn has_rest_of(&self, game: &Game) -> bool {
        let plan = |it: &Game| it.status.has_kickoff().then_some([it.home, it.away]);
        let place = |it: &Game| (it.kickoff, it.fixture);
        let held = self.games.binary_search_by_key(&place(game), place);
        held.is_ok_and(|index| plan(&self.games[index]) == plan(game))
    }

    /// When each side plays.
    pub(crate) fn calendar(&self) -> &Arc<Calendar> {
        &self.calendar
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
