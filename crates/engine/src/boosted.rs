//! Boosted models kept with the server of models: given to it after training, asked by it when
//! forecasting, the way an uploaded model is.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use forecast::{BoostedStage, ModelVersion, Scorer, Trained};
use inference::{
    DataType, InferRequest, InferenceError, ModelConfig, ModelServer, Push, Tensor, Values,
    VersionPolicy, VersionRef,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;

use crate::{EngineError, knowledge::blocking};

/// What a trainer leaves beside a version.
#[derive(Serialize)]
struct Note {
    /// SHA-256 of the model's file, by which it is found again.
    sha256: String,
    #[serde(flatten)]
    report: forecast::BoostedReport,
}

/// Of a note, what it is found by.
#[derive(Deserialize)]
struct Found {
    sha256: String,
}

/// Gives every stage to the server of models and lets its trees go. A stage whose file is there
/// already keeps its version; one that cannot be kept stays where it is.
pub(crate) async fn keep(server: &ModelServer, trained: &mut Trained) {
    let mut kept: HashMap<String, HashMap<String, u64>> = HashMap::new();
    for (sport, stage) in trained.boosted_mut() {
        let name = format!("{}-boosted", sport.as_str());
        let known = kept
            .entry(name.clone())
            .or_insert_with(|| versions(server, &name));
        let Some(bytes) = stage.to_compact() else {
            continue;
        };
        let sha256 = hex(&Sha256::digest(&bytes));
        let version = match known.get(&sha256) {
            Some(version) => Ok(*version),
            None => {
                let note = Note {
                    sha256: sha256.clone(),
                    report: stage.report(sport),
                };
                push(server, &name, bytes, &note).await
            }
        };
        match version {
            Ok(version) => {
                known.insert(sha256.clone(), version);
                keep_as(stage, name, version, sha256);
            }
            Err(error) => {
                tracing::warn!(model = name, error = %error, "boosted_model_not_kept");
            }
        }
    }
}

fn keep_as(stage: &mut BoostedStage, name: String, version: u64, sha256: String) {
    stage.keep_as(ModelVersion {
        name,
        version,
        sha256,
    });
}

/// The versions of a model by the hash of their files.
fn versions(server: &ModelServer, name: &str) -> HashMap<String, u64> {
    // A model that is not there has no versions.
    let views = server.versions(Some(name)).unwrap_or_default();
    let found = views.into_iter().filter_map(|it| {
        let note: Found = serde_json::from_str(&it.report?).ok()?;
        Some((note.sha256, it.version))
    });
    found.collect()
}

async fn push(
    server: &ModelServer,
    name: &str,
    bytes: Vec<u8>,
    note: &Note,
) -> Result<u64, EngineError> {
    let folder = server.options().folder.clone();
    let sha256 = note.sha256.clone();
    let file = blocking(move || write(&folder, &sha256, &bytes)).await?;
    let config = ModelConfig {
        versions: VersionPolicy::All,
        ..ModelConfig::default()
    };
    let push = Push {
        name: name.to_owned(),
        version: None,
        sha256: Some(note.sha256.clone()),
        file: file.map_err(failed)?,
        golden: None,
        report: Some(serde_json::to_vec_pretty(note).expect("a note is plain values")),
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

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Asks boosted models of the server of models, from threads that may wait.
#[derive(Debug)]
pub(crate) struct ServerScorer {
    server: Arc<ModelServer>,
    runtime: Handle,
    /// Whether a version's file is the one that was trained, once it was looked at.
    checked: Mutex<HashMap<ModelKey, bool>>,
    /// Versions whose absence was told of.
    told: Mutex<HashSet<ModelKey>>,
}

type ModelKey = (String, u64);

impl ServerScorer {
    /// Made where a runtime is, which must outlive it.
    pub(crate) fn new(server: Arc<ModelServer>) -> Self {
        Self {
            server,
            runtime: Handle::current(),
            checked: Mutex::default(),
            told: Mutex::default(),
        }
    }

    /// The numbers of a named output, or of the first; `None` where they are not to be had, which
    /// is told of once.
    fn ask(&self, version: &ModelVersion, row: &[f64], output: Option<&str>) -> Option<Vec<f64>> {
        match self.asked(version, row, output) {
            Ok(values) => Some(values),
            Err(reason) => {
                let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
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
        if !self.is_same(version) {
            return Err("its file is not the one that was trained".to_owned());
        }
        let wanted = |it: &&Tensor| output.is_none_or(|name| it.name == name);
        match reply.outputs.iter().find(wanted).map(|it| &it.values) {
            Some(Values::Fp64(values)) => Ok(values.clone()),
            _ => Err("it gave no numbers".to_owned()),
        }
    }

    /// Whether the file of a version that has answered is the one that was trained.
    fn is_same(&self, version: &ModelVersion) -> bool {
        let key = (version.name.clone(), version.version);
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        *checked.entry(key).or_insert_with(|| {
            let views = self.server.versions(Some(&version.name));
            let mut views = views.unwrap_or_default().into_iter();
            let view = views.find(|it| it.version == version.version);
            view.is_some_and(|it| it.sha256 == version.sha256)
        })
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
