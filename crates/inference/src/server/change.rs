//! What operators do: open, load, unload, promote, roll back, label, canary, shadow, close.

use std::sync::Arc;

use super::{ModelServer, Uploads};
use crate::{
    Canary, InferenceError, ServerOptions, Shadow, VersionRef, loader,
    model_cache::Reader,
    models::{Models, Poller},
    pipeline::Pipeline,
    repository::{ModelEntry, STABLE, is_name},
};

impl ModelServer {
    /// Opens the folder of models and starts what has to run beside requests.
    pub async fn open(options: ServerOptions) -> Result<Arc<Self>, InferenceError> {
        Self::open_with(options, loader::read).await
    }

    pub(crate) async fn open_with(
        options: ServerOptions,
        read: Reader,
    ) -> Result<Arc<Self>, InferenceError> {
        let models = Models::open(&options, read).await?;
        let poller = Poller::start(&models, options.poll_every);
        let pipeline = Arc::new(Pipeline::new(&options, &models));
        Ok(Arc::new(Self {
            options,
            pipeline,
            models,
            poller,
            uploads: Uploads::default(),
        }))
    }

    /// Looks the folder through now, without waiting for the next poll.
    pub async fn refresh(&self) -> Result<(), InferenceError> {
        self.models.refresh().await
    }

    /// Loads a version, however often it failed before or was unloaded.
    pub async fn load(&self, model: &str, version: &VersionRef) -> Result<(), InferenceError> {
        self.models.refresh_one(model).await?;
        let entry = self.models.repository.entry(model)?;
        let number = entry.resolve(version)?;
        if *version == VersionRef::Serving {
            self.models.cache.allow(model);
        }
        self.models.cache.load(model, number).await
    }

    /// Lets go of a model's versions once nobody uses them; they load again only when told to.
    pub async fn unload(&self, model: &str) -> Result<(), InferenceError> {
        self.models.repository.entry(model)?;
        self.models.cache.unload(model);
        Ok(())
    }

    /// Makes a version the one that serves (label `stable`), in one step, once it is loaded; a
    /// shadow's gate can refuse, and one that takes or gives something else than what serves is
    /// refused, unless forced. Remembers what served before.
    pub async fn promote(
        &self,
        model: &str,
        version: u64,
        force: bool,
    ) -> Result<(), InferenceError> {
        let entry = self.models.repository.entry(model)?;
        entry.on_disk(version)?;
        if let (false, Some(shadow)) = (force, &entry.shadow)
            && shadow.version == version
        {
            self.gate(&entry, shadow)?;
        }
        self.models.promote(model, version, force).await
    }

    /// Refuses a shadow that its gate holds back.
    fn gate(&self, entry: &ModelEntry, shadow: &Shadow) -> Result<(), InferenceError> {
        let state = self.pipeline.states.known(&entry.name);
        let trial = state.map(|it| it.shadow().clone());
        let pair = self.models.pair(entry, shadow.version);
        let trial = trial.filter(|it| it.is_of(pair));
        let trial = trial.unwrap_or_default();
        trial.gate(shadow, &entry.config.guard)
    }

    /// Makes what served before the last promotion serve again; returns its version.
    pub async fn roll_back(&self, model: &str) -> Result<u64, InferenceError> {
        let entry = self.models.repository.entry(model)?;
        let version = entry.previous.ok_or_else(|| {
            InferenceError::Refused(format!("model {model} has no promotion to take back"))
        })?;
        self.models.cache.load(model, version).await?;
        let change = self.models.change(model, move |entry, state| {
            entry.resolve(&VersionRef::Number(version))?;
            state.labels.insert(STABLE.to_owned(), Some(version));
            state.previous = None;
            Ok(())
        });
        change.await?;
        Ok(version)
    }

    /// Points a label at a version, or takes it away.
    pub async fn label(
        &self,
        model: &str,
        label: &str,
        version: Option<u64>,
    ) -> Result<(), InferenceError> {
        if !is_name(label) || label.bytes().all(|it| it.is_ascii_digit()) {
            return Err(InferenceError::BadModel(format!(
                "{label:?} is not a label: letters, digits, `_`, `-`, `.`, at most 64, not a number"
            )));
        }
        if let (STABLE, Some(version)) = (label, version) {
            return self.promote(model, version, false).await;
        }
        let label = label.to_owned();
        let change = self.models.change(model, move |entry, state| {
            if let Some(version) = version {
                entry.on_disk(version)?;
            }
            state.labels.insert(label, version);
            Ok(())
        });
        change.await.map(drop)
    }

    /// Refuses a candidate that does not take what the model is sent, or does not give what is read
    /// of it: it would refuse all its share.
    async fn stands_in(&self, model: &str, version: u64) -> Result<(), InferenceError> {
        let entry = self.models.repository.entry(model)?;
        entry.may_try(version)?;
        let stands_in = self.models.stands_in(&entry, version, None).await;
        stands_in.map_err(InferenceError::Refused)
    }

    /// Sets or ends a model's canary.
    pub async fn canary(&self, model: &str, canary: Option<Canary>) -> Result<(), InferenceError> {
        if let Some(canary) = &canary {
            self.stands_in(model, canary.version).await?;
        }
        let change = self.models.change(model, move |entry, state| {
            if let Some(canary) = &canary {
                is_share(canary.share)?;
                entry.may_try(canary.version)?;
            }
            let before = entry.canary.as_ref().map(|it| it.version);
            state.passed_over.extend(before);
            state.canary = Some(canary.into());
            state.stopped = None;
            Ok(())
        });
        change.await?;
        self.pipeline.allow_canary(model);
        Ok(())
    }

    /// Sets or ends a model's shadow.
    pub async fn shadow(&self, model: &str, shadow: Option<Shadow>) -> Result<(), InferenceError> {
        if let Some(shadow) = &shadow {
            self.stands_in(model, shadow.version).await?;
        }
        let change = self.models.change(model, move |entry, state| {
            if let Some(shadow) = &shadow {
                is_share(shadow.share)?;
                entry.may_try(shadow.version)?;
            }
            let before = entry.shadow.as_ref().map(|it| it.version);
            state.passed_over.extend(before);
            state.shadow = Some(shadow.into());
            Ok(())
        });
        change.await?;
        self.pipeline.forget_shadow(model);
        Ok(())
    }

    /// Finishes what is at work and stops what runs beside requests.
    pub async fn close(&self) {
        self.poller.stop().await;
        self.pipeline.close().await;
        self.models.cache.close().await;
    }
}

fn is_share(share: f64) -> Result<(), InferenceError> {
    if (0.0..=1.0).contains(&share) {
        return Ok(());
    }
    Err(InferenceError::BadModel(format!(
        "{share} is not a share of the traffic, 0 to 1"
    )))
}
