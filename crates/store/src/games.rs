//! Unpacks games that were stored as models read them.

use std::collections::HashMap;

use domain::{FixtureId, Game, Sport, TeamId};

use crate::StoreError;
use crate::code::{corrupt, moment, sport};
use crate::names::Names;
use crate::pack::unpack_game;

/// Games unpacked before others get their turn.
const GAMES_PER_TURN: usize = 32;

/// What the numbers in packed games stand for.
pub(crate) struct Tables {
    names: Names,
    sports: HashMap<i64, Sport>,
}

impl Tables {
    /// Tables of keys and of competitions' sports.
    pub(crate) fn new(names: Names, sports: Vec<(i64, String)>) -> Result<Self, StoreError> {
        let sports = sports.into_iter();
        let sports = sports.map(|(id, text)| Ok::<_, StoreError>((id, sport(&text)?)));
        Ok(Self {
            names,
            sports: sports.collect::<Result<_, _>>()?,
        })
    }

    /// Reads games that lie end to end.
    pub(crate) async fn unpack(
        &self,
        mut bytes: &[u8],
        games: &mut Vec<Game>,
    ) -> Result<(), StoreError> {
        while !bytes.is_empty() {
            games.push(self.game(&mut bytes)?);
            if games.len().is_multiple_of(GAMES_PER_TURN) {
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    fn game(&self, bytes: &mut &[u8]) -> Result<Game, StoreError> {
        let (id, facts, [pregame, closing]) = unpack_game(bytes, &self.names.bookmakers)?;
        let sport = self.sports.get(&facts.competition);
        let sport = *sport.ok_or_else(|| corrupt("fixtures.competition", facts.competition))?;
        let kickoff = moment("fixtures.kickoff", facts.kickoff)?;
        Ok(Game {
            fixture: FixtureId(id),
            competition: self.names.competitions.key(facts.competition)?.clone(),
            season: self.names.seasons.key(facts.season)?.clone(),
            season_type: facts.season_type,
            sport,
            kickoff,
            known_at: facts.precision.result_known_at(kickoff, sport),
            home: TeamId(facts.home),
            away: TeamId(facts.away),
            neutral: facts.neutral,
            status: facts.status,
            score: facts.score,
            stats: facts.stats,
            pregame,
            closing,
        })
    }
}
