//! The engine: what it is made of, and how it starts.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use cache::{Cache, CacheOptions};
use domain::{Competition, CompetitionKey, Team, TeamId};
use forecast::BettingOptions;
use inference::ModelServer;
use jiff::Timestamp;
use store::{Behind, Store, TeamQuery};
use tokio::sync::{Semaphore, watch};

use crate::{
    Clock, EngineError,
    alerts::{Courier, Tally},
    follow::NOWHERE,
    heard::{Heard, SourceView},
    held::Held,
    in_play::ReadyGames,
    keys::HeldKeys,
    knowledge::{Knowledge, blocking},
    logs::Logs,
    topic,
};

/// What the engine is told to do differently.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// How stakes are made of edges.
    pub betting: BettingOptions,
    /// Threads used for training and backtests; `None` means all.
    pub threads: Option<usize>,
    /// Bytes that kept answers may take in memory; 0 keeps none.
    pub cache_bytes_max: u64,
    /// Forecasts computed at the same time; others wait their turn, and cost nothing if their
    /// caller leaves before it comes.
    pub forecasts_max: usize,
    /// How long the source of a game whose clock runs may be silent before the game is marked stale.
    pub silence_max: Duration,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            betting: BettingOptions::default(),
            threads: None,
            cache_bytes_max: 64 << 20,
            forecasts_max: 4,
            silence_max: Duration::from_secs(300),
        }
    }
}

/// What [`Engine::load`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// Games in memory.
    pub games: usize,
    /// The model version that serves, where one has been trained.
    pub model: Option<String>,
}

/// What the platform does.
pub struct Engine {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) options: EngineOptions,
    pub(crate) knowledge: RwLock<Option<Arc<Knowledge>>>,
    /// Held while knowledge is brought up to date, so that it happens once.
    pub(crate) refreshing: tokio::sync::Mutex<()>,
    /// One permit per forecast that may compute.
    forecasting: Arc<Semaphore>,
    /// Whether [`Engine::load`] has been through.
    loaded: AtomicBool,
    names: RwLock<Arc<Names>>,
    serving: Option<Arc<ModelServer>>,
    cache: Cache,
    /// Number of the change up to which the cache has forgotten what changed.
    pub(crate) followed: AtomicU64,
    /// Held while changes are followed, so that each is followed once.
    pub(crate) following: tokio::sync::Mutex<()>,
    /// How often it was begun to follow changes to their end, and which of these was the last to
    /// get there.
    pub(crate) looks: [AtomicU64; 2],
    /// Games under way, ready to be forecast at any moment.
    pub(crate) ready: Arc<ReadyGames>,
    /// What was heard of games under way.
    pub(crate) logs: Logs,
    pub(crate) held: Held,
    /// Keys that were asked for a moment ago.
    pub(crate) held_keys: HeldKeys,
    /// How the sources of it do.
    pub(crate) heard: Heard,
    /// What rules that watch games have done.
    pub(crate) alerting: Tally,
    /// How far views were behind when it was last looked.
    pub(crate) behind: Mutex<Vec<Behind>>,
    /// Who tells receivers what fired, where there is anybody.
    pub(crate) courier: Option<Arc<dyn Courier>>,
    /// Counts up whenever something was forgotten.
    pub(crate) changed: watch::Sender<u64>,
}

/// Names by key; small, read everywhere, replaced whole.
#[derive(Default)]
pub(crate) struct Names {
    pub(crate) competitions: HashMap<CompetitionKey, Competition>,
    pub(crate) teams: HashMap<TeamId, Team>,
}

impl Engine {
    /// Joins the parts; reads nothing yet.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, options: EngineOptions) -> Self {
        let cache = Cache::new(&CacheOptions {
            memory_bytes_max: options.cache_bytes_max,
            ..CacheOptions::default()
        });
        Self {
            store,
            clock,
            cache,
            followed: AtomicU64::new(NOWHERE),
            following: tokio::sync::Mutex::default(),
            looks: Default::default(),
            forecasting: Arc::new(Semaphore::new(options.forecasts_max)),
            options,
            knowledge: RwLock::default(),
            refreshing: tokio::sync::Mutex::default(),
            loaded: AtomicBool::new(false),
            names: RwLock::default(),
            serving: None,
            ready: Arc::default(),
            logs: Logs::default(),
            held: Held::default(),
            held_keys: HeldKeys::default(),
            heard: Heard::default(),
            alerting: Tally::default(),
            behind: Mutex::default(),
            courier: None,
            changed: watch::Sender::new(0),
        }
    }

    /// Gives it a server of models, for uploaded models and its own.
    #[must_use]
    pub fn with_serving(mut self, serving: Arc<ModelServer>) -> Self {
        self.serving = Some(serving);
        self
    }

    /// Gives it somebody who tells receivers what fired.
    #[must_use]
    pub fn with_courier(mut self, courier: Arc<dyn Courier>) -> Self {
        self.courier = Some(courier);
        self
    }

    /// What keeps answers.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The server of models, where it was given one.
    pub fn serving(&self) -> Option<&Arc<ModelServer>> {
        self.serving.as_ref()
    }

    /// Reads games and the newest trained model, and fits what serving needs now.
    pub async fn load(&self) -> Result<Readiness, EngineError> {
        self.reload_names().await?;
        let knowledge = self.knowledge().await?;
        knowledge.warm(self.now()).await?;
        self.loaded.store(true, Ordering::Release);
        Ok(Readiness {
            games: knowledge.games(),
            model: knowledge.version(),
        })
    }

    /// Whether [`Engine::load`] has been through.
    pub fn is_ready(&self) -> bool {
        self.loaded.load(Ordering::Acquire)
    }

    /// The present moment, by the engine's clock; the one that [`topic::back_at`] says within it.
    pub fn now(&self) -> Timestamp {
        topic::back().unwrap_or_else(|| self.clock.now())
    }

    /// Answers when the store does.
    pub async fn ping(&self) -> Result<(), EngineError> {
        Ok(self.store.ping().await?)
    }

    /// Whether reads are answered for as long as [`Self::ping`] fails.
    pub fn reads_on(&self) -> bool {
        self.store.reads_on()
    }

    /// What tells the store's database from every other.
    pub async fn identity(&self) -> Result<String, EngineError> {
        Ok(self.store.identity().await?)
    }

    /// What the store counted, in the Prometheus text format.
    pub fn store_metrics(&self) -> String {
        self.store.metrics()
    }

    /// A number that grows with every write that can change an answer.
    pub async fn revision(&self) -> Result<u64, EngineError> {
        Ok(self.store.data_revision().await?)
    }

    /// Tells whenever answers may have become others, here or by what another process wrote.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// What was heard of each source since the process began, in order of name.
    pub fn sources(&self) -> Vec<SourceView> {
        self.heard.views(self.now())
    }

    /// How long a source may be silent while a clock runs.
    pub fn silence_max(&self) -> Duration {
        self.options.silence_max
    }

    /// Runs a forecast away from the threads that answer, when its turn comes. Work whose caller
    /// has left keeps its turn until it is done, so that no crowd of such work can gather.
    pub(crate) async fn forecasting<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, EngineError> {
        let turns = Arc::clone(&self.forecasting);
        let turn = turns
            .acquire_owned()
            .await
            .map_err(|_| EngineError::Worker)?;
        blocking(move || {
            let done = work();
            drop(turn);
            done
        })
        .await
    }

    pub(crate) fn names(&self) -> Arc<Names> {
        Arc::clone(&self.names.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A competition; names are read anew where it is not among them.
    pub(crate) async fn known_competition(
        &self,
        key: &CompetitionKey,
    ) -> Result<Competition, EngineError> {
        let mut names = self.names();
        if !names.competitions.contains_key(key) {
            names = self.reload_names().await?;
        }
        let competition = names.competitions.get(key).cloned();
        competition.ok_or_else(|| EngineError::UnknownCompetition(key.clone()))
    }

    /// A team, in the same way.
    pub(crate) async fn known_team(&self, id: TeamId) -> Result<Team, EngineError> {
        let mut names = self.names();
        if !names.teams.contains_key(&id) {
            names = self.reload_names().await?;
        }
        let team = names.teams.get(&id).cloned();
        team.ok_or(EngineError::UnknownTeam(id))
    }

    pub(crate) async fn reload_names(&self) -> Result<Arc<Names>, EngineError> {
        let competitions = self.store.competitions().await?;
        let teams = self.store.teams(&TeamQuery::default()).await?;
        let names = Arc::new(Names {
            competitions: competitions
                .into_iter()
                .map(|it| (it.key.clone(), it))
                .collect(),
            teams: teams.into_iter().map(|it| (it.id, it)).collect(),
        });
        *self.names.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&names);
        Ok(names)
    }
}
