//! What the store said of games, held in memory for as long as nothing else of them was followed.
//!
//! From one event of a game to the next, its facts, its prices and what models are fitted on are
//! what they were. What is held is as new as the last change that was followed, and believed only
//! right after this process appended what came next, or its follower found nothing later; never
//! where replicas share kept answers, for there what another one has acknowledged must be read.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use domain::{Fixture, FixtureId, Game, Quote};
use store::GameQuery;

use crate::{Engine, EngineError, follow::What};

/// How long after the store was asked what is held is believed.
const BELIEVED: Duration = Duration::from_millis(60);
/// Games held; beyond them all are let go.
const GAMES_MAX: usize = 2_000;
/// Quotes held of all games together, some tens of megabytes; beyond them all facts are let go.
const QUOTES_MAX: usize = 200_000;

/// A game with every price of it that counts.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) game: Game,
    pub(crate) quotes: Vec<Quote>,
}

/// What is held.
#[derive(Debug, Default)]
pub(crate) struct Held(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// When it was last known that every change had been followed.
    proven_at: Option<Instant>,
    /// How often changes were followed that are more than events.
    turn: u64,
    /// The turn in which knowledge was found to be the store's.
    known_in: Option<u64>,
    facts: HashMap<FixtureId, Arc<Facts>>,
    fixtures: HashMap<FixtureId, Arc<Fixture>>,
}

impl Held {
    /// Notes that at a moment every change had been followed.
    pub(crate) fn prove(&self, at: Instant) {
        let mut state = self.lock();
        state.proven_at = state.proven_at.max(Some(at));
    }

    /// The number of the turn, for what is read from the store from now on.
    pub(crate) fn turn(&self) -> u64 {
        self.lock().turn
    }

    /// Lets go of what these changes made others, and of knowledge, unless they are events alone.
    pub(crate) fn note(&self, fixtures: &BTreeMap<FixtureId, What>) {
        let mut state = self.lock();
        state.turn += 1;
        for (id, _) in fixtures.iter().filter(|it| *it.1 > What::Events) {
            state.facts.remove(id);
            state.fixtures.remove(id);
        }
    }

    /// Lets go of everything.
    pub(crate) fn clear(&self) {
        let mut state = self.lock();
        *state = State {
            turn: state.turn + 1,
            ..State::default()
        };
    }

    /// Whether knowledge is what it was when it was last compared with the store.
    pub(crate) fn is_known(&self) -> bool {
        let state = self.lock();
        state.known_in == Some(state.turn)
    }

    /// Notes that knowledge, compared with the store in a turn, is current.
    pub(crate) fn note_known(&self, turn: u64) {
        self.lock().known_in = Some(turn);
    }

    /// Holds a game's facts, as they were read in a turn.
    fn keep_facts(&self, id: FixtureId, facts: &Arc<Facts>, turn: u64) {
        let mut state = self.lock();
        if state.turn != turn || facts.quotes.len() > QUOTES_MAX {
            return;
        }
        let held = state.facts.values().map(|it| it.quotes.len());
        if held.sum::<usize>() + facts.quotes.len() > QUOTES_MAX {
            state.facts.clear();
        }
        keep(&mut state.facts, id, Arc::clone(facts));
    }

    fn is_proven(&self) -> bool {
        let state = self.lock();
        state.proven_at.is_some_and(|it| it.elapsed() < BELIEVED)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keep<K: Eq + Hash, V>(held: &mut HashMap<K, V>, key: K, value: V) {
    if held.len() >= GAMES_MAX {
        held.clear();
    }
    held.insert(key, value);
}

impl Engine {
    /// Whether what is held may be answered from: nobody has acknowledged anything later.
    pub(crate) fn believes_memory(&self) -> bool {
        self.holds_facts() && self.held.is_proven()
    }

    /// Whether anything is held to be answered from.
    fn holds_facts(&self) -> bool {
        self.cache().shared().is_none()
    }

    /// A game with its prices; `None` where it is not known.
    pub(crate) async fn facts(&self, id: FixtureId) -> Result<Option<Arc<Facts>>, EngineError> {
        if self.believes_memory()
            && let Some(facts) = self.held.lock().facts.get(&id)
        {
            return Ok(Some(Arc::clone(facts)));
        }
        let turn = self.held.turn();
        let query = GameQuery {
            ids: vec![id],
            ..GameQuery::default()
        };
        let Some(game) = self.store.games(&query).await?.pop() else {
            return Ok(None);
        };
        let quotes = self.current_quotes(id).await?;
        let facts = Arc::new(Facts { game, quotes });
        if self.holds_facts() {
            self.held.keep_facts(id, &facts, turn);
        }
        Ok(Some(facts))
    }

    /// The fixtures among these that are known; those that were followed last from memory.
    pub(crate) async fn held_fixtures(
        &self,
        ids: impl Iterator<Item = FixtureId> + Clone,
    ) -> Result<HashMap<FixtureId, Arc<Fixture>>, EngineError> {
        if self.believes_memory() {
            let state = self.held.lock();
            let held = |id| Some((id, Arc::clone(state.fixtures.get(&id)?)));
            let all: Option<HashMap<_, _>> = ids.clone().map(held).collect();
            if let Some(all) = all {
                return Ok(all);
            }
        }
        let turn = self.held.turn();
        let known = self.known_fixtures(ids).await?.into_iter();
        let known: HashMap<_, _> = known.map(|(id, it)| (id, Arc::new(it))).collect();
        if !self.holds_facts() {
            return Ok(known);
        }
        let mut state = self.held.lock();
        if state.turn == turn {
            for (id, it) in &known {
                keep(&mut state.fixtures, *id, Arc::clone(it));
            }
        }
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        BookmakerKey, CompetitionKey, FixtureStatus, Market, MatchStats, Prices, QuoteStage,
        SeasonKey, SeasonType, Sport, TeamId,
    };
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn what_is_held_is_let_go_when_more_than_events_is_followed() {
        let held = Held::default();
        held.note_known(held.turn());
        assert!(held.is_known());
        held.note(&BTreeMap::from([(FixtureId(1), What::Facts)]));
        assert!(!held.is_known());
        // Compared with the store before that was followed.
        held.note_known(0);
        assert!(!held.is_known());
        held.note_known(held.turn());
        assert!(held.is_known());
        held.clear();
        assert!(!held.is_known());
    }

    #[test]
    fn it_is_believed_only_right_after_all_was_followed() {
        let held = Held::default();
        assert!(!held.is_proven());
        let now = Instant::now();
        held.prove(now);
        held.prove(now.checked_sub(BELIEVED * 2).unwrap());
        assert_eq!(held.lock().proven_at, Some(now), "never earlier");
        held.lock().proven_at = now.checked_sub(BELIEVED * 2);
        assert!(!held.is_proven());
    }

    #[test]
    fn no_more_games_are_held_than_there_may_be() {
        let mut held = HashMap::new();
        for id in 0..=GAMES_MAX {
            keep(&mut held, id, ());
        }
        assert_eq!(held.len(), 1);
    }

    #[test]
    fn facts_are_let_go_when_their_prices_are_too_many() {
        let held = Held::default();
        let hold = |id, quotes, turn| {
            let facts = facts(id, quotes);
            held.keep_facts(FixtureId(id), &facts, turn);
            held.lock().facts.len()
        };
        assert_eq!(hold(1, QUOTES_MAX / 2, 0), 1);
        assert_eq!(hold(2, QUOTES_MAX / 2, 0), 2);
        assert_eq!(hold(3, 1, 0), 1);
        assert_eq!(hold(4, QUOTES_MAX + 1, 0), 1, "never held");
        assert_eq!(hold(5, 1, 1), 1, "read before something was followed");
    }

    fn facts(id: i64, quotes: usize) -> Arc<Facts> {
        let game = Game {
            fixture: FixtureId(id),
            competition: CompetitionKey::new("E0").unwrap(),
            season: SeasonKey::new("2023/24").unwrap(),
            season_type: SeasonType::Regular,
            sport: Sport::Football,
            kickoff: Timestamp::UNIX_EPOCH,
            known_at: Timestamp::UNIX_EPOCH,
            home: TeamId(1),
            away: TeamId(2),
            neutral: false,
            status: FixtureStatus::Scheduled,
            score: None,
            stats: MatchStats::default(),
            pregame: Prices::default(),
            closing: Prices::default(),
        };
        let quote = Quote {
            bookmaker: BookmakerKey::new("book").unwrap(),
            market: Market::H2H,
            stage: QuoteStage::Closing,
            taken_at: Timestamp::UNIX_EPOCH,
            prices: [None; 3],
        };
        let quotes = vec![quote; quotes];
        Arc::new(Facts { game, quotes })
    }
}
