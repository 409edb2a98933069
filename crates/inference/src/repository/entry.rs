//! A model as the repository knows it: its versions, and how traffic goes to them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use super::state::{Override, RuntimeState};
use crate::{
    Canary, InferenceError, ModelConfig, Shadow, VersionPolicy, VersionRef,
    model_cache::{Source, Stamp},
};

/// The label of the version that serves.
pub(crate) const STABLE: &str = "stable";

/// Said of a model that has versions of which none may serve.
const NOTHING_SERVES: &str =
    "no version is left to serve: each is tried out, was passed over, or is not allowed";

/// A version's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VersionFiles {
    /// The model, or why there is none.
    pub(crate) model: Result<(PathBuf, Stamp), String>,
    /// Golden rows beside it.
    pub(crate) golden: Option<(PathBuf, Stamp)>,
    /// A trainer's report beside it.
    pub(crate) report: Option<PathBuf>,
}

/// A model and how its traffic goes.
#[derive(Debug, Clone)]
pub(crate) struct ModelEntry {
    /// Its name.
    pub(crate) name: Arc<str>,
    /// Its settings in force.
    pub(crate) config: Arc<ModelConfig>,
    /// Versions that may be asked for, ascending: what the policy allows and what a label, the
    /// canary, the shadow or a roll-back points at.
    pub(crate) versions: Vec<u64>,
    /// What serves where no version is asked for; zero where there is none.
    pub(crate) serving: u64,
    /// What is to serve once it was loaded; what served goes on until then.
    pub(crate) candidate: Option<u64>,
    /// What served before the last promotion, where it is still there.
    pub(crate) previous: Option<u64>,
    /// Labels in force.
    pub(crate) labels: BTreeMap<String, u64>,
    /// The canary in force.
    pub(crate) canary: Option<Canary>,
    /// The shadow in force.
    pub(crate) shadow: Option<Shadow>,
    /// Every version on disk.
    pub(crate) files: BTreeMap<u64, VersionFiles>,
    /// What was changed at run time.
    pub(crate) state: RuntimeState,
    /// What is wrong with the model's own files.
    pub(crate) problem: Option<String>,
}

impl ModelEntry {
    /// Puts an entry together from what is on disk. Settings that name what is not there, or would
    /// leave nothing to serve, are left out and told.
    pub(super) fn new(
        name: Arc<str>,
        config: Arc<ModelConfig>,
        state: RuntimeState,
        files: BTreeMap<u64, VersionFiles>,
        mut problems: Vec<String>,
    ) -> Self {
        let sound = |version: &u64| files.get(version).is_some_and(|it| it.model.is_ok());
        let all: Vec<u64> = files.keys().copied().filter(sound).collect();
        let mut routing = Routing::new(&config, &state, &all, &mut problems);
        routing.leave_one_to_serve(&config, &state, &all, &mut problems);
        let allowed = routing.allowed(&config, &all);
        let serving = routing.serving(&state, &allowed);
        if problems.is_empty() && serving == 0 && !all.is_empty() {
            problems.push(NOTHING_SERVES.to_owned());
        }
        let previous = state.previous.filter(sound);
        let pointed = routing.labels.values().copied().chain(previous);
        let pointed = pointed.chain(routing.tried());
        let versions: BTreeSet<u64> = allowed.into_iter().chain(pointed).collect();
        Self {
            name,
            config,
            versions: versions.into_iter().collect(),
            serving,
            candidate: None,
            previous,
            labels: routing.labels,
            canary: routing.canary,
            shadow: routing.shadow,
            files,
            state,
            problem: (!problems.is_empty()).then(|| problems.join("; ")),
        }
    }

    /// Lets a version serve until the one that is to has been loaded.
    pub(super) fn hold(&mut self, version: u64) {
        self.candidate = Some(self.serving);
        self.serving = version;
        if let Err(place) = self.versions.binary_search(&version) {
            self.versions.insert(place, version);
        }
    }

    /// The version before this one, of those that may be asked for.
    pub(crate) fn before(&self, version: u64) -> Option<u64> {
        let lower = self.versions.iter().rev().find(|it| **it < version);
        lower.copied()
    }

    /// The version that is asked for.
    pub(crate) fn resolve(&self, version: &VersionRef) -> Result<u64, InferenceError> {
        let found = match version {
            VersionRef::Serving => Some(self.serving),
            VersionRef::Number(number) => Some(*number),
            VersionRef::Label(label) => self.labels.get(label).copied(),
        };
        found
            .filter(|it| self.versions.binary_search(it).is_ok())
            .ok_or_else(|| InferenceError::UnknownVersion {
                model: self.name.as_ref().to_owned(),
                version: match version {
                    VersionRef::Serving => "to serve".to_owned(),
                    VersionRef::Number(number) => number.to_string(),
                    VersionRef::Label(label) => label.clone(),
                },
            })
    }

    /// Whether a version is canary or shadow: it answers its share or nobody, never the rest.
    pub(crate) fn is_tried(&self, version: u64) -> bool {
        self.canary.as_ref().is_some_and(|it| it.version == version)
            || self.shadow.as_ref().is_some_and(|it| it.version == version)
    }

    /// Refuses to try a version out that nothing else could serve beside.
    pub(crate) fn may_try(&self, version: u64) -> Result<(), InferenceError> {
        self.on_disk(version)?;
        let other = |it: &u64| {
            *it != version
                && self.on_disk(*it).is_ok()
                && !self.is_tried(*it)
                && !self.state.passed_over.contains(it)
        };
        if self.labels.contains_key(STABLE) || self.files.keys().any(other) {
            return Ok(());
        }
        Err(InferenceError::Refused(format!(
            "version {version} is the only one of {} that can serve",
            self.name
        )))
    }

    /// Refuses a version that has no files.
    pub(crate) fn on_disk(&self, version: u64) -> Result<(), InferenceError> {
        match self.files.get(&version) {
            Some(files) if files.model.is_ok() => Ok(()),
            _ => Err(InferenceError::UnknownVersion {
                model: self.name.as_ref().to_owned(),
                version: version.to_string(),
            }),
        }
    }

    /// Where versions that may be asked for come from.
    pub(crate) fn sources(&self) -> impl Iterator<Item = Source> {
        self.versions.iter().filter_map(|it| self.source(*it))
    }

    /// Where a version comes from, whether it may be asked for or not.
    pub(crate) fn source(&self, version: u64) -> Option<Source> {
        let files = self.files.get(&version)?;
        let (path, stamp) = files.model.clone().ok()?;
        Some(Source {
            model: Arc::clone(&self.name),
            version,
            path,
            stamp,
            golden: files.golden.clone(),
            config: Arc::clone(&self.config),
        })
    }
}

/// What points at versions: settings, and before them what was changed at run time.
struct Routing {
    labels: BTreeMap<String, u64>,
    canary: Option<Canary>,
    shadow: Option<Shadow>,
}

impl Routing {
    /// What points at versions that there are; settings that point at others are told.
    fn new(
        config: &ModelConfig,
        state: &RuntimeState,
        all: &[u64],
        problems: &mut Vec<String>,
    ) -> Self {
        let mut absent = |setting: &str, version: u64| {
            problems.push(format!(
                "config.toml: {setting} is {version}, of which there is no model"
            ));
        };
        let mut lost = Vec::new();
        let mut labels = config.labels.clone();
        labels.retain(|label, version| {
            let changed = state.labels.contains_key(label);
            if !changed && !all.contains(version) {
                absent(&format!("labels.{label}"), *version);
            }
            !changed && all.contains(version)
        });
        let changed = state.labels.iter();
        for (label, version) in changed.filter_map(|(label, it)| Some((label, (*it)?))) {
            match all.contains(&version) {
                true => _ = labels.insert(label.clone(), version),
                false => lost.push((label, version)),
            }
        }
        // What was promoted before goes before what nobody has promoted.
        let before = state.previous.filter(|it| all.contains(it));
        if let (Some(before), true) = (before, lost.iter().any(|it| it.0 == STABLE)) {
            labels.insert(STABLE.to_owned(), before);
        }
        let mut canary = Override::resolve(&state.canary, &config.canary);
        let lost_canary = canary.take_if(|it| !all.contains(&it.version));
        if let (None, Some(it)) = (&state.canary, lost_canary) {
            absent("canary.version", it.version);
        }
        let mut shadow = Override::resolve(&state.shadow, &config.shadow);
        let lost_shadow = shadow.take_if(|it| !all.contains(&it.version));
        if let (None, Some(it)) = (&state.shadow, lost_shadow) {
            absent("shadow.version", it.version);
        }
        problems.extend(lost.iter().map(|(label, version)| {
            format!("the label {label} was set to {version}, of which there is no model any more")
        }));
        Self {
            labels,
            canary,
            shadow,
        }
    }

    /// Takes back a canary or shadow of the settings beside which nothing could serve.
    fn leave_one_to_serve(
        &mut self,
        config: &ModelConfig,
        state: &RuntimeState,
        all: &[u64],
        problems: &mut Vec<String>,
    ) {
        let mut alone = |setting: &str, version: u64| {
            problems.push(format!(
                "config.toml: {setting} is {version}, the only version that can serve"
            ));
        };
        let serves = |it: &Self| it.serving(state, &it.allowed(config, all)) > 0;
        if !serves(self)
            && state.canary.is_none()
            && let Some(canary) = self.canary.take()
        {
            match serves(self) {
                true => alone("canary.version", canary.version),
                false => self.canary = Some(canary),
            }
        }
        if !serves(self)
            && state.shadow.is_none()
            && let Some(shadow) = self.shadow.take()
        {
            match serves(self) {
                true => alone("shadow.version", shadow.version),
                false => self.shadow = Some(shadow),
            }
        }
    }

    fn tried(&self) -> impl Iterator<Item = u64> {
        let canary = self.canary.iter().map(|it| it.version);
        canary.chain(self.shadow.iter().map(|it| it.version))
    }

    /// What the policy allows of all there are, but for those that are tried out.
    fn allowed(&self, config: &ModelConfig, all: &[u64]) -> Vec<u64> {
        let tried: BTreeSet<u64> = self.tried().collect();
        let all = all.iter().copied().filter(|it| !tried.contains(it));
        match &config.versions {
            VersionPolicy::All => all.collect(),
            VersionPolicy::Latest(count) => all.rev().take(*count as usize).collect(),
            VersionPolicy::Listed(listed) => all.filter(|it| listed.contains(it)).collect(),
        }
    }

    /// What serves where no version is asked for; zero where there is none.
    fn serving(&self, state: &RuntimeState, allowed: &[u64]) -> u64 {
        let passed_over = |it: &&u64| state.passed_over.contains(it);
        let highest = allowed.iter().filter(|it| !passed_over(it)).max();
        let stable = self.labels.get(STABLE);
        stable.or(highest).copied().unwrap_or(0)
    }
}
