//! Models: training, backtests, versions and their report cards.

use std::sync::Arc;

use domain::{Competition, CompetitionKey, Game};
use forecast::{BacktestOptions, History, Progress, Report, TrainOptions, Trained};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use store::{GameQuery, ModelRecord};

use crate::{Engine, EngineError, ModelView, Topic, boosted, knowledge::blocking, topic};

/// The name under which what training makes is kept; it holds every model of every sport.
pub(crate) const MODEL_NAME: &str = "sports-edge";

/// Told how far long work has come.
pub type ProgressSink = Arc<dyn Fn(Progress) + Send + Sync>;

/// What training made.
#[derive(Debug, Clone)]
pub struct TrainOutcome {
    /// The new version.
    pub version: String,
    /// Games it was trained on.
    pub games: usize,
    /// Its report card.
    pub report: Arc<Report>,
}

impl Engine {
    /// The models of the version that serves, each with what is known of it; empty before the
    /// first training.
    pub async fn models(&self) -> Result<Vec<ModelView>, EngineError> {
        topic::read(Topic::Model);
        let knowledge = self.knowledge().await?;
        let Ok(serving) = knowledge.serving() else {
            return Ok(Vec::new());
        };
        let report = self.report().await?;
        let record = &serving.record;
        Ok(report
            .model_names()
            .into_iter()
            .map(|name| ModelView {
                name,
                version: record.version.clone(),
                created_at: record.created_at,
                data_digest: record.data_digest.clone(),
                serving: true,
            })
            .collect())
    }

    /// The report card in which a model of the serving version is judged beside the others.
    pub async fn model_report(&self, name: &str) -> Result<Arc<Report>, EngineError> {
        let report = self.report().await?;
        if report.model_names().iter().any(|it| it == name) {
            Ok(report)
        } else {
            Err(EngineError::UnknownModel(name.to_owned()))
        }
    }

    /// The report card of the version that serves.
    pub async fn report(&self) -> Result<Arc<Report>, EngineError> {
        topic::read(Topic::Model);
        let knowledge = self.knowledge().await?;
        let serving = knowledge.serving()?;
        if let Some(report) = serving.report.get() {
            return Ok(Arc::clone(report));
        }
        let record = self
            .store
            .latest_model(MODEL_NAME)
            .await?
            .ok_or(EngineError::NoModel)?;
        let report = blocking(move || serde_json::from_slice::<Report>(&record.report)).await?;
        let report = report.map_err(|error| EngineError::Forecast(Box::new(error)))?;
        Ok(Arc::clone(serving.report.get_or_init(|| Arc::new(report))))
    }

    /// Trains on everything known now, keeps the new version and serves it.
    pub async fn train(&self, progress: ProgressSink) -> Result<TrainOutcome, EngineError> {
        let now = self.now();
        let (games, competitions) = self.read_games(&[]).await?;
        let count = games.len();
        let digest = digest(&games);
        let options = TrainOptions {
            until: now,
            threads: self.options.threads,
        };
        let trained = blocking(move || {
            let history = History::new(games);
            forecast::train(&history, &competitions, &options, &*progress)
        });
        let (mut trained, report) = trained.await?.map_err(failed)?;
        let mut before = self.trained_before().await?;
        if let Some(server) = self.serving() {
            for file in boosted::keep(server, &mut trained, now).await {
                if self.store.models(Some(&file.name)).await?.is_empty() {
                    self.store.put_model(&file).await?;
                }
            }
            if let Some(before) = &mut before {
                boosted::restore(server, &*self.store, before).await;
            }
        }
        let record = ModelRecord {
            name: MODEL_NAME.to_owned(),
            version: version(now, &digest),
            created_at: now,
            data_digest: digest,
            body: serde_json::to_vec(&trained).expect("trained parameters are plain numbers"),
            report: serde_json::to_vec(&report).expect("a report is plain numbers"),
        };
        self.store.put_model(&record).await?;
        self.forget([Topic::Model]).await;
        if let Some(server) = self.serving() {
            // Who still forecasts by the training before has its versions until the next one.
            let kept: Vec<&Trained> = before.iter().chain([&trained]).collect();
            boosted::forget(server, &kept).await;
        }
        Ok(TrainOutcome {
            version: record.version,
            games: count,
            report: Arc::new(report),
        })
    }

    /// What was trained last; `None` where nothing was, or what cannot be read any more.
    async fn trained_before(&self) -> Result<Option<Trained>, EngineError> {
        let Some(record) = self.store.latest_model(MODEL_NAME).await? else {
            return Ok(None);
        };
        blocking(move || serde_json::from_slice(&record.body).ok()).await
    }

    /// Walks forward through history and reports how the models would have done.
    pub async fn backtest(
        &self,
        mut options: BacktestOptions,
        progress: ProgressSink,
    ) -> Result<Report, EngineError> {
        options.threads = options.threads.or(self.options.threads);
        let (games, competitions) = self.read_games(&[]).await?;
        blocking(move || {
            let history = History::new(games);
            forecast::backtest(&history, &competitions, &options, &*progress)
        })
        .await?
        .map_err(failed)
    }

    async fn read_games(
        &self,
        competitions: &[CompetitionKey],
    ) -> Result<(Vec<Game>, Vec<Competition>), EngineError> {
        let query = GameQuery {
            competitions: competitions.to_vec(),
            ..GameQuery::default()
        };
        Ok((
            self.store.games(&query).await?,
            self.store.competitions().await?,
        ))
    }
}

fn failed(error: forecast::ForecastError) -> EngineError {
    EngineError::Forecast(Box::new(error))
}

/// A version says when it was made and of what: `20240519T160000-1a2b3c4d`.
fn version(at: Timestamp, digest: &str) -> String {
    format!("{}-{}", at.strftime("%Y%m%dT%H%M%S"), &digest[..8])
}

/// A digest of everything models read, in hex.
fn digest(games: &[Game]) -> String {
    let mut hasher = Sha256::new();
    for game in games {
        let line = serde_json::to_vec(game).expect("a game is plain values");
        hasher.update(&line);
    }
    hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
