//! Boosted models kept with the server of models: given to it after training, asked by it when
//! forecasting, the way an uploaded model is. Their files lie in the store too, out of which a server
//! of models that lacks one gets it: training was another machine's, or the folder is gone.

use std::{
    cmp::Ordering,
    collections::{BTreeSet, HashMap, HashSet, hash_map::Entry},
    fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use domain::{FixtureId, Game, Sport};
use forecast::{BoostedStage, ModelVersion, Scorer, Trained};
use inference::{
    ContentHash, DataType, InferRequest, InferenceError, ModelConfig, ModelServer, Outcome, Push,
    Tensor, Values, VersionPolicy, VersionRef,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{ModelRecord, Store};
use tokio::runtime::Handle;

use crate::{EngineError, chain, knowledge::blocking};

/// What a trainer leaves beside a version.
#[derive(Serialize)]
struct Note {
    /// SHA-256 of the model's file.
    sha256: String,
    #[serde(flatten)]
    report: forecast::BoostedReport,
}

/// Of a note, what tells that it is one.
#[derive(Deserialize)]
struct Found {
    sha256: String,
    #[serde(rename = "sport")]
    _sport: Sport,
    #[serde(rename = "valid_from")]
    _valid_from: Timestamp,
}

/// Gives every stage to the server of models and lets its trees go. A stage whose file is there
/// already keeps its version; one that cannot be kept stays where it is. Returns the files as the
/// store is to keep them.
pub(crate) async fn keep(
    server: &ModelServer,
    trained: &mut Trained,
    now: Timestamp,
) -> Vec<ModelRecord> {
    let mut files = Vec::new();
    let mut kept = Kept::default();
    for (sport, stage) in trained.boosted_mut() {
        let name = model_name(sport);
        let known = kept.of(server, &name).await;
        let Some(bytes) = stage.to_compact() else {
            continue;
        };
        let sha256 = ContentHash::of(&bytes).to_string();
        let note = Note {
            sha256: sha256.clone(),
            report: stage.report(sport),
        };
        let file = ModelRecord {
            name: file_name(&name, &sha256),
            version: name.clone(),
            created_at: now,
            data_digest: sha256.clone(),
            body: bytes,
            report: serde_json::to_vec_pretty(&note).expect("a note is plain values"),
        };
        let version = match known.get(&sha256) {
            Some(version) => Ok(*version),
            None => push(server, &name, None, &file).await,
        };
        match version {
            Ok(version) => {
                known.insert(sha256.clone(), version);
                keep_as(stage, name, version, sha256);
                files.push(file);
            }
            Err(error) => {
                tracing::warn!(model = name, error = %error, "boosted_model_not_kept");
            }
        }
    }
    files
}

/// Gives the server of models what stages refer to and it lacks, out of the store. Its number there
/// may be another than where it was trained.
pub(crate) async fn restore(server: &ModelServer, store: &dyn Store, trained: &mut Trained) {
    let mut kept = Kept::default();
    for (_, stage) in trained.boosted_mut() {
        let Some(wanted) = stage.version().cloned() else {
            continue;
        };
        let known = kept.of(server, &wanted.name).await;
        let version = match known.get(&wanted.sha256) {
            Some(version) => *version,
            None => match bring(server, store, &wanted).await {
                Ok(version) => version,
                Err(error) => {
                    let (model, version) = (&wanted.name, wanted.version);
                    let error = chain(&error);
                    tracing::warn!(model, version, error, "boosted_model_not_restored");
                    continue;
                }
            },
        };
        known.insert(wanted.sha256.clone(), version);
        keep_as(stage, wanted.name, version, wanted.sha256);
    }
}

/// Brings one file out of the store, under its number where that is free.
async fn bring(
    server: &ModelServer,
    store: &dyn Store,
    wanted: &ModelVersion,
) -> Result<u64, EngineError> {
    let name = file_name(&wanted.name, &wanted.sha256);
    let file = store.latest_model(&name).await?;
    let file = file.ok_or(EngineError::UnknownModel(name))?;
    match push(server, &wanted.name, Some(wanted.version), &file).await {
        Ok(version) => Ok(version),
        Err(_) => push(server, &wanted.name, None, &file).await,
    }
}

/// What a file is called in the store.
fn file_name(model: &str, sha256: &str) -> String {
    format!("{model}/{sha256}")
}

fn keep_as(stage: &mut BoostedStage, name: String, version: u64, sha256: String) {
    stage.keep_as(ModelVersion {
        name,
        version,
        sha256,
    });
}

/// The versions of models by the hash of their files, looked up once for each model.
#[derive(Default)]
struct Kept(HashMap<String, HashMap<String, u64>>);

impl Kept {
    async fn of(&mut self, server: &ModelServer, name: &str) -> &mut HashMap<String, u64> {
        match self.0.entry(name.to_owned()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(versions(server, name).await),
        }
    }
}

/// The versions of a model by the hash of their files.
async fn versions(server: &ModelServer, name: &str) -> HashMap<String, u64> {
    // A model that is not there has no versions.
    let contents = server.contents(name).await.unwrap_or_default();
    let by_hash = |(version, content): (u64, ContentHash)| (content.to_string(), version);
    contents.into_iter().map(by_hash).collect()
}

fn model_name(sport: Sport) -> String {
    format!("{}-boosted", sport.as_str())
}

/// Deletes versions that earlier trainings left and none of the `kept` ones refers to. One that an
/// operator has a use for (a label, canary, shadow) stays, and so does what nobody here trained,
/// and what is newer than all that is referred to: another process may be about to.
pub(crate) async fn forget(server: &ModelServer, kept: &[&Trained]) {
    let mut needed: HashMap<&str, BTreeSet<u64>> = HashMap::new();
    for (_, stage) in kept.iter().flat_map(|it| it.boosted()) {
        if let Some(version) = stage.version() {
            let numbers = needed.entry(&version.name).or_default();
            numbers.insert(version.version);
        }
    }
    for (name, numbers) in needed {
        let views = server.versions(Some(name)).unwrap_or_default();
        let old = views.into_iter().filter(|it| {
            let own = it.report.as_ref().is_some_and(|it| is_own(it));
            own && !numbers.contains(&it.version) && Some(&it.version) < numbers.last()
        });
        for view in old {
            if let Err(error) = server.remove(name, view.version).await {
                let version = view.version;
                tracing::info!(model = name, version, error = %error, "boosted_model_not_deleted");
            }
        }
    }
}

/// Whether a report is one that [`keep`] wrote.
fn is_own(report: &str) -> bool {
    let found: Result<Found, _> = serde_json::from_str(report);
    found.is_ok_and(|it| it.sha256.len() == 64)
}

async fn push(
    server: &ModelServer,
    name: &str,
    version: Option<u64>,
    file: &ModelRecord,
) -> Result<u64, EngineError> {
    let folder = server.options().folder.clone();
    let (sha256, bytes) = (file.data_digest.clone(), file.body.clone());
    let written = blocking(move || write(&folder, &sha256, &bytes)).await?;
    let config = ModelConfig {
        versions: VersionPolicy::All,
        ..ModelConfig::default()
    };
    let push = Push {
        name: name.to_owned(),
        version,
        sha256: Some(file.data_digest.clone()),
        file: written.map_err(failed)?,
        golden: None,
        report: Some(file.report.clone()),
        config: Some(config),
    };
    let view = server.push(push).await.map_err(failed)?;
    Ok(view.version)
}

/// Writes a file that the server of models can take over.
fn write(folder: &Path, sha256: &str, bytes: &[u8]) -> std::io::Result<std::path::PathBuf> {
    let file = folder.join(format!(".{sha256}.trees"));
    fs::write(&file, bytes)?;
    Ok(file)
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> EngineError {
    EngineError::Forecast(Box::new(error))
}

/// The key under which opinions of a fixture wait for its result.
fn key_of(fixture: FixtureId) -> String {
    format!("fixture {fixture}")
}

/// Asks boosted models of the server of models, from threads that may wait.
#[derive(Debug)]
pub(crate) struct ServerScorer {
    server: Arc<ModelServer>,
    runtime: Handle,
    /// Versions whose absence was told of and that have not answered since.
    told: Mutex<HashSet<ModelKey>>,
}

type ModelKey = (String, u64);

impl ServerScorer {
    /// Made where a runtime is, which must outlive it.
    pub(crate) fn new(server: Arc<ModelServer>) -> Self {
        Self {
            server,
            runtime: Handle::current(),
            told: Mutex::default(),
        }
    }

    /// Keeps the probabilities of a fixture to come until it is settled.
    pub(crate) fn foretell(&self, version: &ModelVersion, fixture: FixtureId, h2h: &[f64]) {
        let key = key_of(fixture);
        self.server
            .foretell(&version.name, version.version, &key, h2h);
    }

    /// Scores the versions that foretold a game, now that it has a result.
    pub(crate) fn settle(&self, game: &Game) {
        let Some(score) = game.score else {
            return;
        };
        let draws = game.sport.has_draw();
        let class = match score.home.cmp(&score.away) {
            Ordering::Greater => 0,
            Ordering::Equal if draws => 1,
            Ordering::Equal => return,
            Ordering::Less => 1 + u32::from(draws),
        };
        let name = model_name(game.sport);
        // A model that nobody has trained yet foretold nothing.
        let _ = self
            .server
            .observe(&name, &key_of(game.fixture), Outcome::Class(class));
    }

    /// The numbers of a named output, or of the first; `None` where they are not to be had, which
    /// is told of once.
    fn ask(&self, version: &ModelVersion, row: &[f64], output: Option<&str>) -> Option<Vec<f64>> {
        let asked = self.asked(version, row, output);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        match asked {
            Ok(values) => {
                if !told.is_empty() {
                    told.remove(&(version.name.clone(), version.version));
                }
                Some(values)
            }
            Err(reason) => {
                if told.insert((version.name.clone(), version.version)) {
                    tracing::warn!(
                        model = version.name,
                        version = version.version,
                        reason,
                        "boosted_model_left_out"
                    );
                }
                None
            }
        }
    }

    fn asked(
        &self,
        version: &ModelVersion,
        row: &[f64],
        output: Option<&str>,
    ) -> Result<Vec<f64>, String> {
        let request = InferRequest {
            model: version.name.clone(),
            version: VersionRef::Number(version.version),
            inputs: vec![Tensor {
                name: "input".to_owned(),
                datatype: DataType::Fp64,
                shape: vec![1, row.len() as u64],
                values: Values::Fp64(row.to_vec()),
            }],
            outputs: Vec::new(),
            key: None,
            priority: 0,
            deadline: None,
            explain: output.is_some(),
        };
        let reply = self.runtime.block_on(self.server.infer(request));
        let reply = reply.map_err(|it: InferenceError| it.to_string())?;
        if reply.fallback.is_some() || reply.version != version.version {
            return Err("another version answered".to_owned());
        }
        if reply.content.to_string() != version.sha256 {
            return Err("its file is not the one that was trained".to_owned());
        }
        let wanted = |it: &&Tensor| output.is_none_or(|name| it.name == name);
        match reply.outputs.iter().find(wanted).map(|it| &it.values) {
            Some(Values::Fp64(values)) => Ok(values.clone()),
            _ => Err("it gave no numbers".to_owned()),
        }
    }
}

impl Scorer for ServerScorer {
    fn score(&self, version: &ModelVersion, row: &[f64]) -> Option<Vec<f64>> {
        self.ask(version, row, None)
    }

    fn contributions(&self, version: &ModelVersion, row: &[f64]) -> Option<Vec<f64>> {
        self.ask(version, row, Some("contributions"))
    }
}
