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
        let mut quotes = self.all_current_quotes(ids).await?;
        let told = games.iter().filter(|it| self.may_be_under_way(&it.0, it.1));
        let told: BTreeSet<FixtureId> = told.map(|it| it.0.fixture).collect();
        let logs = self.all_logs(told).await?;
        let mut looks: HashMap<FixtureId, usize> = HashMap::new();
        for (game, _) in &games {
            *looks.entry(game.fixture).or_default() += 1;
        }
        let gathered = |(game, as_of): (Game, Option<Timestamp>)| Gathered {
            quotes: next_of(game.fixture, &mut quotes, &mut looks),
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

/// The prices of a game for one of the looks at it; they are there once, and the last takes them.
fn next_of(
    id: FixtureId,
    quotes: &mut HashMap<FixtureId, Vec<Quote>>,
    looks: &mut HashMap<FixtureId, usize>,
) -> Vec<Quote> {
    let left = looks.entry(id).or_default();
    *left = left.saturating_sub(1);
    let own = match left {
        0 => quotes.remove(&id),
        _ => quotes.get(&id).cloned(),
    };
    own.unwrap_or_default()
}

/// The prices that no other took the place of.
fn counting(quotes: Vec<store::RecordedQuote>) -> Vec<Quote> {
    let counting = quotes.into_iter().filter(|it| it.superseded_at.is_none());
    counting.map(|it| it.quote).collect()
}
