//! What is kept in memory to answer from: every game, and the model that serves.
//!
//! Brought up to date when the store's revision moves. A change of a game that no fit can have
//! read yet (it kicked off after the newest refit) waits until one can, unless it is when sides
//! play: others' days of rest are counted from that.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock, PoisonError},
};

use domain::{Competition, CompetitionKey, FixtureId, Game};
use forecast::{Forecast, Forecaster, History, ModelName, Trained, cut_for};
use jiff::Timestamp;
use store::{GameQuery, ModelRecord};

use crate::{
    Engine, EngineError, Topic,
    boosted::{self, ServerScorer},
    models::MODEL_NAME,
};

/// A consistent state of everything predictions are made from.
pub(crate) struct Knowledge {
    revision: u64,
    history: Arc<History>,
    competitions: Arc<Vec<Competition>>,
    /// Games that changed but which no fit reads yet.
    pending: HashMap<FixtureId, Game>,
    serving: Option<Serving>,
}

/// Of when what is known is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KnowledgeAge {
    /// When the model that serves was trained.
    pub trained_at: Option<Timestamp>,
    /// Kickoff of the newest game whose result is known.
    pub newest_result: Option<Timestamp>,
}

/// The model that answers.
#[derive(Clone)]
pub(crate) struct Serving {
    /// Version, digest and dates; the body is dropped.
    pub(crate) record: Arc<ModelRecord>,
    pub(crate) forecaster: Arc<Forecaster>,
    pub(crate) report: Arc<OnceLock<Arc<forecast::Report>>>,
    trained: Arc<Trained>,
    /// Asks boosted models that the server of models keeps.
    scorer: Option<Arc<ServerScorer>>,
}

impl Serving {
    /// Keeps what the boosted model says of a fixture to come until its result is known.
    pub(crate) fn foretell(&self, game: &Game, forecast: &Forecast) {
        let version = self.forecaster.boosted_version(game.sport, forecast);
        if let (Some(scorer), Some(version), Some(h2h)) =
            (&self.scorer, version, forecast.opinion(ModelName::Boosted))
        {
            scorer.foretell(version, game.fixture, h2h);
        }
    }
}

impl Knowledge {
    pub(crate) fn games(&self) -> usize {
        self.history.games().len()
    }

    /// The state of the store it was read from, or an earlier one.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn version(&self) -> Option<String> {
        self.serving.as_ref().map(|it| it.record.version.clone())
    }

    /// What the models of a competition's pool are fitted on.
    pub(crate) fn history_of(&self, competition: &CompetitionKey) -> Topic {
        let known = self.competitions.iter().find(|it| it.key == *competition);
        known.map_or(Topic::Fixtures, Topic::history)
    }

    pub(crate) fn serving(&self) -> Result<&Serving, EngineError> {
        self.serving.as_ref().ok_or(EngineError::NoModel)
    }

    /// Fits every pool that serving at `now` needs.
    pub(crate) async fn warm(&self, now: Timestamp) -> Result<(), EngineError> {
        let Some(serving) = self.serving.clone() else {
            return Ok(());
        };
        blocking(move || serving.forecaster.warm(now)).await
    }

    fn is_current(&self, revision: u64, cut: Timestamp) -> bool {
        self.revision == revision && !self.pending.values().any(|it| it.kickoff <= cut)
    }
}

impl Engine {
    /// What is known now; reads what changed since last asked.
    pub(crate) async fn knowledge(&self) -> Result<Arc<Knowledge>, EngineError> {
        let cut = cut_for(self.now());
        if self.believes_memory()
            && self.held.is_known()
            && let Some(known) = self.known().filter(|it| it.is_current(it.revision, cut))
        {
            return Ok(known);
        }
        let turn = self.held.turn();
        let revision = self.store.data_revision().await?;
        if let Some(known) = self.known().filter(|it| it.is_current(revision, cut)) {
            self.held.note_known(turn);
            return Ok(known);
        }
        let _one_at_a_time = self.refreshing.lock().await;
        let revision = self.store.data_revision().await?;
        let next = match self.known() {
            Some(known) if known.is_current(revision, cut) => return Ok(known),
            Some(known) => self.catch_up(&known, revision, cut).await?,
            None => self.read_all(revision).await?,
        };
        let next = Arc::new(next);
        *self
            .knowledge
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&next));
        Ok(next)
    }

    /// Of when what is known is, as it stands in memory; asks nobody.
    pub fn age(&self) -> KnowledgeAge {
        let Some(known) = self.known() else {
            return KnowledgeAge::default();
        };
        let mut games = known.history.games().iter().rev();
        let newest = games.find(|it| it.score.is_some());
        let pending = known.pending.values().filter(|it| it.score.is_some());
        KnowledgeAge {
            trained_at: known.serving.as_ref().map(|it| it.record.created_at),
            newest_result: newest.into_iter().chain(pending).map(|it| it.kickoff).max(),
        }
    }

    fn known(&self) -> Option<Arc<Knowledge>> {
        self.knowledge
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn read_all(&self, revision: u64) -> Result<Knowledge, EngineError> {
        let games = self.store.games(&GameQuery::default()).await?;
        let history = Arc::new(blocking(move || History::new(games)).await?);
        let competitions = Arc::new(self.store.competitions().await?);
        let serving = match self.store.latest_model(MODEL_NAME).await? {
            Some(record) => Some(self.serve(record, &history, &competitions).await?),
            None => None,
        };
        Ok(Knowledge {
            revision,
            history,
            competitions,
            pending: HashMap::new(),
            serving,
        })
    }

    /// What was trained, ready to forecast, with its boosted models at hand where they can be.
    async fn serve(
        &self,
        mut record: ModelRecord,
        history: &Arc<History>,
        competitions: &Arc<Vec<Competition>>,
    ) -> Result<Serving, EngineError> {
        let body = std::mem::take(&mut record.body);
        let trained = blocking(move || serde_json::from_slice::<Trained>(&body)).await?;
        let mut trained = trained.map_err(|error| EngineError::Forecast(Box::new(error)))?;
        let scorer = self.scorer().await;
        if let Some(server) = self.serving() {
            boosted::restore(server, &*self.store, &mut trained).await;
        }
        let (history, competitions) = (Arc::clone(history), Arc::clone(competitions));
        blocking(move || {
            let trained = Arc::new(trained);
            Serving {
                forecaster: forecaster(&history, &competitions, &trained, scorer.as_ref()),
                record: Arc::new(record),
                report: Arc::default(),
                trained,
                scorer,
            }
        })
        .await
    }

    /// What asks the server of models, which looks its folder through first: another process may
    /// have trained.
    async fn scorer(&self) -> Option<Arc<ServerScorer>> {
        let server = Arc::clone(self.serving()?);
        if let Err(error) = server.refresh().await {
            tracing::warn!(error = %error, "model_folder_unreadable");
        }
        Some(Arc::new(ServerScorer::new(server)))
    }

    async fn catch_up(
        &self,
        known: &Knowledge,
        revision: u64,
        cut: Timestamp,
    ) -> Result<Knowledge, EngineError> {
        let newest = self
            .store
            .models(Some(MODEL_NAME))
            .await?
            .into_iter()
            .next();
        let serves = known
            .serving
            .as_ref()
            .map(|it| (&it.record.version, it.record.created_at));
        if newest.as_ref().map(|it| (&it.version, it.created_at)) != serves {
            return self.read_all(revision).await;
        }
        let query = GameQuery {
            changed_after: Some(known.revision),
            ..GameQuery::default()
        };
        let mut pending = known.pending.clone();
        let scorer = known.serving.as_ref().and_then(|it| it.scorer.as_ref());
        let mut moved = false;
        for game in self.store.games(&query).await? {
            moved |= !known.history.has_rest_of(&game);
            if let Some(scorer) = scorer {
                scorer.settle(&game);
            }
            pending.insert(game.fixture, game);
        }
        let competitions = Arc::new(self.store.competitions().await?);
        let mut next = Knowledge {
            revision,
            history: Arc::clone(&known.history),
            competitions,
            pending,
            serving: known.serving.clone(),
        };
        if moved
            || next.pending.values().any(|it| it.kickoff <= cut)
            || next.competitions != known.competitions
        {
            next.apply_pending().await?;
        }
        Ok(next)
    }
}

impl Knowledge {
    /// Puts the waiting games among the others and makes a forecaster that reads them.
    async fn apply_pending(&mut self) -> Result<(), EngineError> {
        let mut pending = std::mem::take(&mut self.pending);
        let known = Arc::clone(&self.history);
        let competitions = Arc::clone(&self.competitions);
        let serving = self.serving.clone();
        (self.history, self.serving) = blocking(move || {
            let mut games: Vec<Game> = known
                .games()
                .iter()
                .map(|it| pending.remove(&it.fixture).unwrap_or_else(|| it.clone()))
                .collect();
            games.extend(pending.into_values());
            let history = Arc::new(History::new(games));
            let serving = serving.map(|it| {
                let forecaster =
                    forecaster(&history, &competitions, &it.trained, it.scorer.as_ref());
                Serving { forecaster, ..it }
            });
            (history, serving)
        })
        .await?;
        Ok(())
    }
}

fn forecaster(
    history: &Arc<History>,
    competitions: &Arc<Vec<Competition>>,
    trained: &Arc<Trained>,
    scorer: Option<&Arc<ServerScorer>>,
) -> Arc<Forecaster> {
    let forecaster = Forecaster::new(
        Arc::clone(history),
        competitions.to_vec(),
        Arc::clone(trained),
    );
    Arc::new(match scorer {
        Some(scorer) => forecaster.with_scorer(Arc::clone(scorer) as _),
        None => forecaster,
    })
}

/// Runs what computes for long away from the threads that answer.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, EngineError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| EngineError::Worker)
}
