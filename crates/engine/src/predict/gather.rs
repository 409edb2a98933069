//! What is read of games to look at them: of many in as many reads of the store as of one.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use domain::{FixtureId, Game, Quote};
use jiff::Timestamp;

use crate::{Engine, EngineError, logs::Log};

/// What was read of a game.
#[derive(Debug)]
pub(crate) struct Gathered {
    pub(crate) game: Game,
    /// Every price that counts, oldest first.
    pub(crate) quotes: Vec<Quote>,
    /// What was told of it, where it may be under way.
    pub(crate) log: Option<Arc<Log>>,
    /// The moment to look at it from; the present for `None`.
    pub(crate) as_of: Option<Timestamp>,
}

impl Engine {
    /// Reads what there is of games, each to be looked at from a moment.
    pub(crate) async fn gather(
        &self,
        games: Vec<(Game, Option<Timestamp>)>,
    ) -> Result<Vec<Gathered>, EngineError> {
        let ids: BTreeSet<FixtureId> = games.iter().map(|it| it.0.fixture).collect();
        let quotes = self.all_current_quotes(ids).await?;
        let told = games.iter().filter(|it| self.may_be_under_way(&it.0, it.1));
        let told: BTreeSet<FixtureId> = told.map(|it| it.0.fixture).collect();
        let logs = self.all_logs(told).await?;
        let gathered = |(game, as_of): (Game, Option<Timestamp>)| Gathered {
            quotes: quotes.get(&game.fixture).cloned().unwrap_or_default(),
            log: logs.get(&game.fixture).cloned(),
            game,
            as_of,
        };
        Ok(games.into_iter().map(gathered).collect())
    }

    async fn all_current_quotes(
        &self,
        ids: BTreeSet<FixtureId>,
    ) -> Result<HashMap<FixtureId, Vec<Quote>>, EngineError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<FixtureId> = ids.into_iter().collect();
        let quotes = self.store.quotes_of(&ids).await?.into_iter();
        Ok(quotes.map(|(id, all)| (id, counting(all))).collect())
    }

    /// Every price of a fixture that no other took the place of, oldest first.
    pub(crate) async fn current_quotes(&self, id: FixtureId) -> Result<Vec<Quote>, EngineError> {
        Ok(counting(self.store.quotes(id).await?))
    }
}

/// The prices that no other took the place of.
fn counting(quotes: Vec<store::RecordedQuote>) -> Vec<Quote> {
    let counting = quotes.into_iter().filter(|it| it.superseded_at.is_none());
    counting.map(|it| it.quote).collect()
}
