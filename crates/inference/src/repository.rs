//! The folder of models: `name/config.toml`, `name/<n>/model.*`, and `name/state.json` for what
//! was changed at run time.
//!
//! A broken file is a reason beside a model, never the end of it: what was read last stays in
//! force.

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;

use crate::{InferenceError, model_cache::ModelCache};

mod disk;
mod entry;
mod scan;
mod state;

pub(crate) use disk::{lock, sync_folder, unique, write_whole};
pub(crate) use entry::{ModelEntry, STABLE, VersionFiles};
pub(crate) use scan::{file, kind_of, model_file, sensible};
pub(crate) use state::RuntimeState;

/// The highest number a version may have; higher ones are not looked at.
pub(crate) const VERSION_MAX: u64 = i64::MAX.cast_unsigned();
/// Where files lie until they are whole.
pub(crate) const UPLOADS: &str = ".uploads";
/// What a server holds while it changes what a model's operators set.
const LOCK: &str = "lock";
/// What lies there for longer was left by a crash; what is younger another process may be writing.
pub(crate) const LEFTOVER_AGE_MIN: Duration = Duration::from_secs(60 * 60);

type Snapshot = HashMap<Arc<str>, Arc<ModelEntry>>;

/// The models of a folder, as they were when it was last looked through.
#[derive(Debug)]
pub(crate) struct Repository {
    folder: PathBuf,
    snapshot: ArcSwap<Snapshot>,
    writer: Mutex<()>,
    /// Folders in it whose names no model can have.
    strays: Mutex<Vec<String>>,
    /// Says what is in memory; there once versions can be loaded.
    pub(crate) cache: OnceLock<ModelCache>,
}

impl Repository {
    /// Opens a folder, made where it is not there, and clears what a crash left half-uploaded. One
    /// that cannot be written is served as it is.
    pub(crate) fn open(folder: &Path) -> Result<Self, InferenceError> {
        if let Err(error) = prepare(&folder.join(UPLOADS)) {
            tracing::warn!(
                folder = %folder.display(),
                error = %error,
                "model_folder_read_only: what lies there is served, changes are refused"
            );
        }
        let it = Self {
            folder: folder.to_owned(),
            snapshot: ArcSwap::default(),
            writer: Mutex::new(()),
            strays: Mutex::default(),
            cache: OnceLock::new(),
        };
        it.refresh()?;
        Ok(it)
    }

    /// Where the models are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A model and how its traffic goes; `None` where it has no version that may be served.
    pub(crate) fn route(&self, model: &str) -> Option<Arc<ModelEntry>> {
        self.snapshot
            .load()
            .get(model)
            .filter(|it| !it.versions.is_empty())
            .cloned()
    }

    /// A model, even one with nothing to serve.
    pub(crate) fn entry(&self, model: &str) -> Result<Arc<ModelEntry>, InferenceError> {
        self.snapshot
            .load()
            .get(model)
            .cloned()
            .ok_or_else(|| InferenceError::UnknownModel(model.to_owned()))
    }

    /// Why a model that cannot be routed to cannot.
    pub(crate) fn unroutable(&self, model: &str) -> InferenceError {
        let entry = match self.entry(model) {
            Ok(entry) => entry,
            Err(unknown) => return unknown,
        };
        let broken = entry.files.iter().rev().find_map(|(version, files)| {
            let reason = files.model.as_ref().err()?;
            Some(format!("version {version}: {reason}"))
        });
        let reason = entry.problem.clone().or(broken);
        InferenceError::UnknownVersion {
            model: model.to_owned(),
            version: reason.map_or("to serve".to_owned(), |it| format!("to serve: {it}")),
        }
    }

    /// All models by name.
    pub(crate) fn entries(&self) -> BTreeMap<Arc<str>, Arc<ModelEntry>> {
        let snapshot = self.snapshot.load();
        snapshot
            .iter()
            .map(|(name, it)| (Arc::clone(name), Arc::clone(it)))
            .collect()
    }

    /// Looks the folder through. Blocks.
    pub(crate) fn refresh(&self) -> Result<(), InferenceError> {
        let _one = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.scan()
    }

    fn scan(&self) -> Result<(), InferenceError> {
        let old = self.snapshot.load_full();
        let found = scan::folder(&self.folder, &old);
        let (mut new, strays) = found.map_err(|it| failed(&self.folder, "read", it))?;
        self.tell_strays(strays);
        for (name, entry) in &mut new {
            tell(entry, old.get(name));
            let before = old.get(name).map_or(0, |it| it.serving);
            if self.holds(entry, before) {
                Arc::make_mut(entry).hold(before);
            }
        }
        self.snapshot.store(Arc::new(new));
        Ok(())
    }

    /// Folders in it whose names no model can have.
    pub(crate) fn strays(&self) -> Vec<String> {
        let strays = self.strays.lock().unwrap_or_else(PoisonError::into_inner);
        strays.clone()
    }

    /// Logs folders that are no models, once for each.
    fn tell_strays(&self, found: Vec<String>) {
        let mut known = self.strays.lock().unwrap_or_else(PoisonError::into_inner);
        for folder in found.iter().filter(|it| !known.contains(it)) {
            tracing::warn!(folder, "model_folder_has_no_name_of_a_model");
        }
        *known = found;
    }

    /// Clears what a crash left half-uploaded, once it is old enough. Blocks.
    pub(crate) fn sweep(&self) -> Result<(), InferenceError> {
        let uploads = self.folder.join(UPLOADS);
        clear_leftovers(&uploads).map_err(|it| failed(&uploads, "cleared", it))
    }

    /// Whether what served goes on serving: it is in memory, nobody said what should serve, and
    /// what would never was loaded yet.
    fn holds(&self, entry: &ModelEntry, before: u64) -> bool {
        let said = entry.labels.contains_key(STABLE) || entry.is_tried(before);
        if before == 0 || before == entry.serving || said {
            return false;
        }
        let slot = |version| self.cache.get()?.slot(&entry.name, version).ok();
        entry.on_disk(before).is_ok()
            && slot(before).is_some_and(|it| it.resident().is_some())
            && slot(entry.serving).is_none_or(|it| it.facts().is_none())
    }

    /// Deletes a version's files, or a model's, out of sight in one step. Blocks.
    pub(crate) fn remove(&self, model: &str, version: Option<u64>) -> Result<(), InferenceError> {
        let _one = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let _alone = self.alone()?;
        let (folder, path, name) = match (version, self.folder.join(model)) {
            (None, model_folder) => (self.folder.clone(), model_folder, model.to_owned()),
            (Some(version), folder) => {
                let path = folder.join(version.to_string());
                (folder, path, format!("{model}-{version}"))
            }
        };
        let gone = self.folder.join(UPLOADS).join(format!("{name}.gone"));
        // One that could not be deleted before is in the way.
        let _ = fs::remove_dir_all(&gone);
        fs::rename(&path, &gone).map_err(|it| failed(&path, "taken away", it))?;
        sync_folder(&folder).map_err(|it| failed(&folder, "made durable", it))?;
        self.scan()?;
        fs::remove_dir_all(&gone).map_err(|it| failed(&gone, "deleted", it))
    }

    /// Keeps other servers on the folder from changing it, so that nothing of what they write is lost
    /// between the reading and the writing.
    fn alone(&self) -> Result<fs::File, InferenceError> {
        let uploads = self.folder.join(UPLOADS);
        fs::create_dir_all(&uploads).map_err(|it| failed(&uploads, "made", it))?;
        let path = uploads.join(LOCK);
        lock(&path).map_err(|it| failed(&path, "locked", it))
    }

    /// Changes what a model's operators set at run time, and keeps it. Blocks.
    pub(crate) fn change(
        &self,
        model: &str,
        edit: impl FnOnce(&ModelEntry, &mut RuntimeState) -> Result<(), InferenceError>,
    ) -> Result<Arc<ModelEntry>, InferenceError> {
        let _one = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let _alone = self.alone()?;
        let folder = self.folder.join(model);
        let path = folder.join(state::FILE);
        // As it lies there: what could not be read before would be written over.
        let state = scan::runtime_state(&folder);
        let mut state = state.map_err(|it| failed(&path, "read", it))?;
        if self.entry(model)?.state != state {
            // Another server has changed it since.
            self.scan()?;
        }
        let entry = self.entry(model)?;
        edit(&entry, &mut state)?;
        let text = serde_json::to_vec_pretty(&state).expect("maps of strings and numbers");
        write_whole(&path, &text).map_err(|it| failed(&path, "written", it))?;
        self.scan()?;
        self.entry(model)
    }
}

/// Logs what keeps a model or a version of it from being served, once for each change of it.
fn tell(entry: &ModelEntry, before: Option<&Arc<ModelEntry>>) {
    if let Some(problem) = &entry.problem
        && before.is_none_or(|it| it.problem.as_ref() != Some(problem))
    {
        tracing::warn!(model = %entry.name, problem, "model_not_as_it_should_be");
    }
    for (version, files) in &entry.files {
        let known = before.and_then(|it| it.files.get(version)?.model.as_ref().err());
        if let Err(problem) = &files.model
            && known != Some(problem)
        {
            tracing::warn!(model = %entry.name, version, problem, "model_version_not_served");
        }
    }
}

/// Makes the place of uploads ready.
fn prepare(uploads: &Path) -> io::Result<()> {
    fs::create_dir_all(uploads)?;
    clear_leftovers(uploads)
}

/// Deletes what a crash left half-written. Its age is told by the folder's own clock, against a
/// file that is written now.
fn clear_leftovers(uploads: &Path) -> io::Result<()> {
    let now = time_of_a_write(uploads)?;
    for found in fs::read_dir(uploads)? {
        let found = found?;
        if found.file_name() == LOCK {
            continue;
        }
        // What is gone already, another process has cleared or finished.
        let Ok(data) = found.metadata() else { continue };
        let age = now.duration_since(data.modified()?).unwrap_or_default();
        if age < LEFTOVER_AGE_MIN {
            continue;
        }
        let removed = if data.is_dir() {
            fs::remove_dir_all(found.path())
        } else {
            fs::remove_file(found.path())
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// The time that the folder's filesystem gives to what is written now.
fn time_of_a_write(folder: &Path) -> io::Result<SystemTime> {
    let path = folder.join(format!("now-{}", std::process::id()));
    fs::write(&path, "")?;
    let time = fs::metadata(&path)?.modified();
    fs::remove_file(&path)?;
    time
}

pub(crate) fn failed(path: &Path, action: &'static str, source: io::Error) -> InferenceError {
    InferenceError::Folder {
        path: path.to_owned(),
        action,
        source: Arc::new(source),
    }
}

/// Whether a name is one: 1 to 64 letters, digits, `_`, `-`, `.`, not beginning with a dot.
pub(crate) fn is_name(name: &str) -> bool {
    const LENGTH_MAX: usize = 64;
    let fine = |it: u8| it.is_ascii_alphanumeric() || b"_-.".contains(&it);
    (1..=LENGTH_MAX).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(fine)
}
