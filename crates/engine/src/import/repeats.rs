//! Games that one file tells more than once.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasher, RandomState},
};

use domain::Score;

use super::row::{CellProblem, Reason, RejectedRow, Row};

/// Games with a result that are remembered; later ones are not compared.
const GAMES_MAX: usize = 500_000;

/// How the games of a file ended by the first row of each, by a digest of the game.
#[derive(Default)]
pub(super) struct Results {
    hasher: RandomState,
    told: HashMap<u64, (u64, Score)>,
}

impl Results {
    /// Sets a row aside whose game ended otherwise by an earlier one: which is right, the file does
    /// not say.
    pub(super) fn compare(&mut self, row: Row, file: &str) -> Result<Row, RejectedRow> {
        let Some(score) = row.result.map(|it| it.score) else {
            return Ok(row);
        };
        let game = (&row.competition, row.kickoff, &row.home, &row.away);
        let game = self.hasher.hash_one(game);
        let is_full = self.told.len() >= GAMES_MAX;
        match self.told.entry(game) {
            Entry::Occupied(first) if first.get().1 != score => {
                let (line, first) = *first.get();
                let problem = CellProblem::whole(Reason::OtherResult { line, first, score });
                Err(problem.at(file, row.line))
            }
            Entry::Vacant(place) if !is_full => {
                place.insert((row.line, score));
                Ok(row)
            }
            _ => Ok(row),
        }
    }
}
