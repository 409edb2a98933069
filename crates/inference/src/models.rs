//! The repository and the cache kept in step: what the folder says is what may be leased.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep},
};

use crate::{
    ContentHash, InferenceError, ServerOptions, Signature, VersionRef,
    model_cache::{Loaded, ModelCache, Reader},
    pipeline::{Pair, Results, States},
    repository::{LEFTOVER_AGE_MIN, ModelEntry, Repository, RuntimeState, STABLE},
    resident::Held,
};

/// How long a stop waits for what runs: whom it was for has left by then.
pub(crate) const STOP_TIME_MAX: Duration = Duration::from_secs(1);

/// The models of a folder and those in memory.
#[derive(Debug)]
pub(crate) struct Models {
    pub(crate) repository: Repository,
    pub(crate) cache: ModelCache,
    pub(crate) read: Reader,
    pub(crate) changes: Mutex<()>,
    pub(crate) results: Results,
    pub(crate) states: Arc<States>,
}

impl Models {
    /// Opens the folder and gives every version its place in the cache.
    pub(crate) async fn open(
        options: &ServerOptions,
        read: Reader,
    ) -> Result<Arc<Self>, InferenceError> {
        let options = options.clone();
        let results = Results::new(options.results_bytes_max);
        blocking(move || {
            let models = Self {
                repository: Repository::open(&options.folder)?,
                cache: ModelCache::new(options, read),
                read,
                changes: Mutex::new(()),
                results,
                states: Arc::default(),
            };
            models.sync();
            let cache = models.cache.clone();
            models.repository.cache.get_or_init(|| cache);
            Ok(Arc::new(models))
        })
        .await
    }

    /// Looks the folder through; a new version takes over from one in memory once it is loaded.
    pub(crate) async fn refresh(self: &Arc<Self>) -> Result<(), InferenceError> {
        self.look().await?;
        let mut leases = JoinSet::new();
        for entry in self.repository.entries().into_values() {
            if let Some(version) = entry.candidate {
                let cache = self.cache.clone();
                leases.spawn(async move { cache.lease(&entry.name, version).await.is_ok() });
            }
        }
        let mut proven = false;
        while let Some(done) = leases.join_next().await {
            proven |= done.unwrap_or(false);
        }
        if proven { self.look().await } else { Ok(()) }
    }

    /// The same for one model: nobody waits for the others.
    pub(crate) async fn refresh_one(self: &Arc<Self>, model: &str) -> Result<(), InferenceError> {
        self.look().await?;
        let entry = self.repository.entry(model)?;
        match entry.candidate {
            Some(version) if self.cache.lease(model, version).await.is_ok() => self.look().await,
            _ => Ok(()),
        }
    }

    /// Clears what a crash, of this process or another on the folder, left half-uploaded.
    async fn sweep(self: &Arc<Self>) {
        let models = Arc::clone(self);
        if let Err(error) = blocking(move || models.repository.sweep()).await {
            tracing::debug!(error = %error, "model_uploads_not_swept");
        }
    }

    async fn look(self: &Arc<Self>) -> Result<(), InferenceError> {
        self.alone(Repository::refresh).await
    }

    /// Does what changes the folder, one change at a time, and then tells the cache.
    pub(crate) async fn alone<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Repository) -> Result<T, InferenceError> + Send + 'static,
    ) -> Result<T, InferenceError> {
        let models = Arc::clone(self);
        blocking(move || {
            let _one = models
                .changes
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let done = work(&models.repository)?;
            models.sync();
            Ok(done)
        })
        .await
    }

    /// Changes what is set at run time for a model.
    pub(crate) async fn change(
        self: &Arc<Self>,
        model: &str,
        edit: impl FnOnce(&ModelEntry, &mut RuntimeState) -> Result<(), InferenceError> + Send + 'static,
    ) -> Result<Arc<ModelEntry>, InferenceError> {
        let model = model.to_owned();
        self.alone(move |it| it.change(&model, edit)).await
    }

    /// Makes a version the one that serves, in one step, once it is loaded, also where the policy
    /// leaves it out; remembers what served. One that does not take what that took, or does not give
    /// what it gave, has to be forced.
    pub(crate) async fn promote(
        self: &Arc<Self>,
        model: &str,
        version: u64,
        force: bool,
    ) -> Result<(), InferenceError> {
        let entry = self.repository.entry(model)?;
        let asked = entry.resolve(&VersionRef::Number(version)).is_ok();
        let apart = match asked {
            true => self.cache.load(model, version).await.map(|()| None)?,
            false => Some(self.load_apart(&entry, version).await?),
        };
        if !force && version != entry.serving {
            let own = apart.as_ref().map(|it| it.0.backend.signature().clone());
            self.stands_in(&entry, version, own).await.map_err(|what| {
                InferenceError::Refused(format!("{what}; force it, if that is what is wanted"))
            })?;
        }
        let change = self.change(model, move |entry, state| {
            entry.on_disk(version)?;
            if entry.serving != version {
                state.previous = Some(entry.serving).filter(|it| *it > 0);
            }
            state.labels.insert(STABLE.to_owned(), Some(version));
            state.passed_over.remove(&version);
            let canary = entry.canary.as_ref().map(|it| it.version);
            if canary == Some(version) {
                state.canary = Some(None.into());
                state.stopped = None;
            }
            let shadow = entry.shadow.as_ref().map(|it| it.version);
            if shadow == Some(version) {
                state.shadow = Some(None.into());
            }
            Ok(())
        });
        change.await?;
        if let Some((loaded, held)) = apart {
            self.cache.adopt(model, version, loaded, held);
        }
        Ok(())
    }

    /// Says what keeps a version from taking what the one that serves is sent, or from giving what is
    /// read of it. Where either cannot be loaded now, nothing is said.
    pub(crate) async fn stands_in(
        self: &Arc<Self>,
        entry: &ModelEntry,
        version: u64,
        own: Option<Signature>,
    ) -> Result<(), String> {
        let own = match own {
            None if entry.resolve(&VersionRef::Number(version)).is_err() => {
                let apart = self.load_apart(entry, version).await;
                apart.ok().map(|it| it.0.backend.signature().clone())
            }
            None => self.signature(&entry.name, version).await,
            own => own,
        };
        let serving = self.signature(&entry.name, entry.serving).await;
        let (Some(own), Some(serving)) = (own, serving) else {
            return Ok(());
        };
        let (name, other) = (&entry.name, own.lacks(&serving));
        other.map_or(Ok(()), |what| {
            Err(format!(
                "version {version} of {name} cannot stand in for what serves: {what}"
            ))
        })
    }

    /// What a version takes and gives, loaded where that is not known yet.
    async fn signature(&self, model: &str, version: u64) -> Option<Signature> {
        if let Some(facts) = self.cache.slot(model, version).ok()?.facts() {
            return Some(facts.signature.clone());
        }
        let lease = self.cache.lease(model, version).await.ok()?;
        Some(lease.backend.signature().clone())
    }

    /// Loads a version that may not be asked for yet, and sets its bytes aside.
    async fn load_apart(
        self: &Arc<Self>,
        entry: &ModelEntry,
        version: u64,
    ) -> Result<(Loaded, Held), InferenceError> {
        entry.on_disk(version)?;
        let source = entry.source(version);
        let source = source.ok_or_else(|| InferenceError::UnknownModel(entry.name.to_string()))?;
        let (read, model) = (self.read, Arc::clone(&entry.name));
        let loaded = blocking(move || {
            read(&source).map_err(|reason| InferenceError::NotLoaded {
                model,
                version,
                reason: reason.into(),
                retry_after: None,
            })
        })
        .await?;
        let held = self.cache.room(&entry.name, &loaded).await?;
        Ok((loaded, held))
    }

    /// What a version's file holds as it lies there; `None` until that was loaded.
    pub(crate) fn content(&self, model: &str, version: u64) -> Option<ContentHash> {
        Some(self.cache.slot(model, version).ok()?.facts()?.content)
    }

    /// A candidate and what serves beside it, as they are now.
    pub(crate) fn pair(&self, entry: &ModelEntry, candidate: u64) -> Pair {
        let [own, serving] =
            [candidate, entry.serving].map(|it| (it, self.content(&entry.name, it)));
        Pair { own, serving }
    }

    /// Tells the cache what the repository knows, and forgets results and counts of what is gone.
    pub(crate) fn sync(&self) {
        let entries = self.repository.entries();
        let sources = entries.values().flat_map(|it| it.sources()).collect();
        if self.cache.sync(sources) {
            let versions = |model: &str| Some(entries.get(model)?.versions.as_slice());
            self.results.retain(|model, version| {
                versions(model).is_some_and(|it| it.binary_search(&version).is_ok())
            });
            self.states.retain(versions);
        }
    }
}

/// Does what waits for a disk on a thread for that.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, InferenceError> + Send + 'static,
) -> Result<T, InferenceError> {
    // The work itself never panics; what fails here is a runtime that is going down.
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(InferenceError::Stopping))
}

/// Looks the folder through every so often until it is stopped.
#[derive(Debug)]
pub(crate) struct Poller {
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Poller {
    pub(crate) fn start(models: &Arc<Models>, every: Option<Duration>) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let models = Arc::clone(models);
        let task = every.map(|every| {
            tokio::spawn(async move {
                let mut is_unreadable = false;
                let mut swept = Instant::now();
                loop {
                    tokio::select! {
                        _ = stopped.wait_for(|it| *it) => return,
                        () = sleep(every) => {}
                    }
                    if swept.elapsed() >= LEFTOVER_AGE_MIN {
                        swept = Instant::now();
                        models.sweep().await;
                    }
                    let looked = models.refresh().await;
                    let was_unreadable = std::mem::replace(&mut is_unreadable, looked.is_err());
                    match looked {
                        Err(error) if !was_unreadable => {
                            tracing::warn!(error = %error, "model_folder_unreadable");
                        }
                        Ok(()) if was_unreadable => tracing::info!("model_folder_readable"),
                        _ => {}
                    }
                }
            })
        });
        Self {
            stop,
            task: Mutex::new(task),
        }
    }

    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        let task = self
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(task) = task {
            // A poll that panicked has nothing left to stop.
            let _ = task.await;
        }
    }
}
