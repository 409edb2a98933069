//! Adds a version: checked, loaded and compared while nobody sees it, then there in one step.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError},
};

use super::{ModelServer, Push, VersionView};
use crate::{
    InferenceError, ModelConfig,
    model_cache::{Loaded, Source},
    models::{Models, blocking},
    repository::{
        Repository, UPLOADS, VERSION_MAX, failed, file, is_name, kind_of, model_file, sensible,
        sync_folder, unique, write_whole,
    },
    resident::Held,
};

/// Numbers that other processes may take before an upload until it is refused.
const NUMBERS_TRIED_MAX: u32 = 64;

impl ModelServer {
    /// Adds a version: checked, loaded, golden rows compared, then there for all in one step. One
    /// for which there is no room is refused.
    pub async fn push(&self, push: Push) -> Result<VersionView, InferenceError> {
        let models = Arc::clone(&self.models);
        let bytes_max = self.options.upload_bytes_max;
        let (push, staged) = blocking(move || {
            let staged = take(&models, &push, bytes_max);
            // What was not taken over stays nowhere.
            let _ = fs::remove_file(&push.file);
            Ok((push, staged?))
        })
        .await?;
        let held = self.models.cache.room(&push.name, &staged.loaded).await?;
        let models = Arc::clone(&self.models);
        let (name, version) = blocking(move || publish(&models, push, staged, held)).await?;
        let entry = self.models.repository.entry(&name)?;
        self.view(&entry, version)
            .ok_or(InferenceError::UnknownModel(name))
    }
}

/// A folder for one upload, gone with it unless it was renamed into place.
struct Stage(PathBuf);

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// An upload that was checked and loaded, and is nowhere yet.
struct Staged {
    stage: Stage,
    loaded: Loaded,
    config: Option<String>,
}

fn take(models: &Models, push: &Push, bytes_max: u64) -> Result<Staged, InferenceError> {
    if !is_name(&push.name) {
        return Err(InferenceError::BadModel(format!(
            "{:?} is not a name: letters, digits, `_`, `-`, `.`, at most 64",
            push.name
        )));
    }
    match push.version {
        Some(0) => return Err(InferenceError::BadModel("versions begin with 1".to_owned())),
        Some(version) if version > VERSION_MAX => {
            return Err(InferenceError::BadModel(format!(
                "version {version} is too high: they end with {VERSION_MAX}"
            )));
        }
        _ => {}
    }
    let config = push.config.as_ref().map(settings).transpose()?;
    let length = fs::metadata(&push.file).map_err(|it| failed(&push.file, "read", it))?;
    if length.len() > bytes_max {
        return Err(InferenceError::BadModel(format!(
            "the file has {} bytes where {bytes_max} are taken",
            length.len()
        )));
    }
    let stage = stage(&models.repository, push)?;
    let loaded = check(models, push, &stage.0)?;
    Ok(Staged {
        stage,
        loaded,
        config,
    })
}

fn publish(
    models: &Models,
    push: Push,
    staged: Staged,
    held: Held,
) -> Result<(String, u64), InferenceError> {
    let _one = models
        .changes
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let Staged {
        stage,
        loaded,
        config,
    } = staged;
    let version = placed(&models.repository, &push, config.as_deref(), &stage.0)?;
    models.repository.refresh()?;
    models.sync();
    models.cache.adopt(&push.name, version, loaded, held);
    // Now that it is in memory, it may serve.
    models.repository.refresh()?;
    models.sync();
    Ok((push.name, version))
}

/// The settings of a new model as its file has them; refuses what its file could not say.
fn settings(config: &ModelConfig) -> Result<String, InferenceError> {
    let bad = |it: String| InferenceError::BadModel(format!("the settings: {it}"));
    sensible(config).map_err(bad)?;
    toml::to_string(config).map_err(|it| bad(it.to_string()))
}

/// Puts the files of a version together where nobody looks.
fn stage(repository: &Repository, push: &Push) -> Result<Stage, InferenceError> {
    let uploads = repository.folder().join(UPLOADS);
    let stage = Stage(uploads.join(format!("{}-{}.d", push.name, unique())));
    let path = &stage.0;
    let bad = |action, it| failed(path, action, it);
    fs::create_dir(path).map_err(|it| bad("made", it))?;
    let kind = kind_of(&push.file).map_err(|it| failed(&push.file, "read", it))?;
    let kind = kind.ok_or_else(|| {
        InferenceError::BadModel("the file is no model of a kind that is known".to_owned())
    })?;
    let model = path.join(format!("model.{kind}"));
    fs::rename(&push.file, &model).map_err(|it| bad("filled", it))?;
    let durable = fs::File::open(&model).and_then(|it| it.sync_all());
    durable.map_err(|it| bad("made durable", it))?;
    let beside = [("golden.json", &push.golden), ("report.json", &push.report)];
    for (name, bytes) in beside {
        if let Some(bytes) = bytes {
            write_whole(&path.join(name), bytes).map_err(|it| bad("filled", it))?;
        }
    }
    sync_folder(path).map_err(|it| bad("made durable", it))?;
    Ok(stage)
}

/// Hash, format, golden rows, warm-up.
fn check(models: &Models, push: &Push, stage: &Path) -> Result<Loaded, InferenceError> {
    let beside = |it| failed(stage, "read", it);
    let found = model_file(stage).map_err(beside)?;
    let (path, stamp) = found.map_err(InferenceError::BadModel)?;
    let known = models.repository.entry(&push.name).ok();
    let config = match (known, &push.config) {
        (Some(entry), _) => Arc::clone(&entry.config),
        (None, config) => Arc::new(config.clone().unwrap_or_default()),
    };
    let source = Source {
        model: push.name.as_str().into(),
        version: push.version.unwrap_or(0),
        path,
        stamp,
        golden: file(stage.join("golden.json")).map_err(beside)?,
        config,
    };
    let loaded = (models.read)(&source).map_err(InferenceError::BadModel)?;
    match &push.sha256 {
        Some(wanted) if !wanted.eq_ignore_ascii_case(&loaded.content.to_string()) => {
            Err(InferenceError::BadModel(format!(
                "the file's SHA-256 is {} where {wanted} is wanted",
                loaded.content
            )))
        }
        _ => Ok(loaded),
    }
}

/// Puts a staged version in place; where another process on the folder has just taken the number
/// that was free, under the next.
fn placed(
    repository: &Repository,
    push: &Push,
    config: Option<&str>,
    stage: &Path,
) -> Result<u64, InferenceError> {
    let mut tries = 0;
    loop {
        repository.refresh()?;
        let placed = place(repository, push, config, stage);
        match placed {
            Err(InferenceError::VersionTaken { .. })
                if push.version.is_none() && tries < NUMBERS_TRIED_MAX =>
            {
                tries += 1;
            }
            placed => return placed,
        }
    }
}

/// Renames a staged version into place.
fn place(
    repository: &Repository,
    push: &Push,
    config: Option<&str>,
    stage: &Path,
) -> Result<u64, InferenceError> {
    let known = repository.entry(&push.name).ok();
    let highest = known
        .as_ref()
        .and_then(|it| it.files.keys().next_back().copied());
    let version = push.version.unwrap_or(highest.unwrap_or(0) + 1);
    if version > VERSION_MAX {
        return Err(InferenceError::BadModel(format!(
            "no number is left above version {VERSION_MAX}: one has to be named"
        )));
    }
    let taken = || InferenceError::VersionTaken {
        model: push.name.clone(),
        version,
    };
    if known
        .as_ref()
        .is_some_and(|it| it.files.contains_key(&version))
    {
        return Err(taken());
    }
    let folder = repository.folder().join(&push.name);
    fs::create_dir_all(&folder).map_err(|it| failed(&folder, "made", it))?;
    if let (None, Some(config)) = (&known, config) {
        let path = folder.join("config.toml");
        write_whole(&path, config.as_bytes()).map_err(|it| failed(&path, "written", it))?;
    }
    let path = folder.join(version.to_string());
    fs::rename(stage, &path).map_err(|error| match error.kind() {
        ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists => taken(),
        _ => failed(&path, "put in place", error),
    })?;
    let folders = sync_folder(&folder).and_then(|()| sync_folder(repository.folder()));
    folders.map_err(|it| failed(&folder, "made durable", it))?;
    Ok(version)
}
