//! The store of a process that reads from replicas of its PostgreSQL database where they know
//! enough.
//!
//! Every change has a number, and a replica applies changes in their order. What this process
//! knows to have changed, by its own writes or by following others', is remembered by thing
//! (`recent`); a read goes to a replica that has applied the last change of everything the read
//! depends on (`needs`), else to the primary. So nothing that this process was told of is ever
//! read as it was before, however far behind a replica is; and what it was not told of is at most
//! as old as its following. Keys are read at the primary, however well this process follows, so
//! that a revoked one counts no longer; only while it is away a replica says what it knows of them
//! (`pulse`). A replica that does not answer, lags too long, holds another database or another
//! history of it, or was promoted leaves the rotation and returns by itself once it is fit again (`rotation`).

mod alerts;
mod figures;
mod needs;
mod pulse;
mod recent;
mod rotation;
mod routed;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::{Change, ChangeKind, Changes, PostgresOptions, PostgresStore, Store, StoreError};
use needs::Need;
use pulse::Pulse;
use recent::Recent;
use rotation::{Origin, Rotation};

/// How replicas are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaOptions {
    /// How long a replica may be without what was the newest change before it leaves the
    /// rotation. Default 10 s.
    pub lag_max: Duration,
    /// How long a replica may take to say where it is before it counts as dead, and the primary to
    /// answer what a replica may answer in its place. Default 1 s.
    pub answer_max: Duration,
}

impl Default for ReplicaOptions {
    fn default() -> Self {
        Self {
            lag_max: Duration::from_secs(10),
            answer_max: Duration::from_secs(1),
        }
    }
}

/// A PostgreSQL database with replicas that read for it.
pub struct ReplicatedStore {
    primary: PostgresStore,
    pulse: Arc<Pulse>,
    recent: Arc<Mutex<Recent>>,
    rotation: Arc<Rotation>,
    looking: Vec<JoinHandle<()>>,
}

impl ReplicatedStore {
    /// Opens the primary, and looks for its replicas from now on; they need not be there yet.
    pub async fn open(
        primary: &str,
        replicas: &[String],
        (options, bounds): (&PostgresOptions, &ReplicaOptions),
    ) -> Result<Self, StoreError> {
        let primary = PostgresStore::open(primary, options).await?;
        let origin = Origin::of(&primary).await?;
        let rotation = Arc::new(Rotation::new(replicas, options, bounds, origin)?);
        let newest = primary.position().await?;
        let recent = Arc::new(Mutex::new(Recent::from(newest)));
        let mut looking = rotation.look(&recent);
        let (led, leads) = (Arc::clone(&rotation), primary.clone());
        looking.push(tokio::spawn(async move { led.keep_origin(&leads).await }));
        let pulse = Arc::new(Pulse::new(bounds.answer_max));
        let (looker, asked) = (Arc::clone(&pulse), primary.clone());
        looking.push(tokio::spawn(
            async move { looker.keep_looking(&asked).await },
        ));
        Ok(Self {
            primary,
            pulse,
            recent,
            rotation,
            looking,
        })
    }

    /// Reads from a replica that knows enough, else from the primary.
    async fn read<T, F>(
        &self,
        need: Need<'_>,
        read: impl Fn(PostgresStore) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let floor = locked(&self.recent).floor(&need);
        if let Some(turn) = self.rotation.choose(floor)
            && let Some(answer) = turn.run(read(turn.store())).await
        {
            return Ok(answer);
        }
        self.rotation.count_primary();
        read(self.primary.clone()).await
    }

    /// Takes note of what a write of ours changed, before anybody is told that it is done.
    async fn noted<T>(&self, written: Result<T, StoreError>) -> Result<T, StoreError> {
        if written.is_ok() {
            self.catch_up().await;
        }
        written
    }

    async fn catch_up(&self) {
        let after = locked(&self.recent).noted();
        let changes = self.primary.changes(after, crate::CHANGES_MAX).await;
        match changes {
            Ok(changes) if changes.items.len() < crate::CHANGES_MAX as usize => {
                locked(&self.recent).take(after, &changes);
            }
            // Too many to tell apart, or not to be had: what changed may be anything.
            _ => match self.primary.position().await {
                Ok(newest) => locked(&self.recent).everything(newest),
                Err(error) => {
                    tracing::warn!(%error, "replicas are not read from: what changed is not known");
                    locked(&self.recent).blind();
                }
            },
        }
    }
}

impl Drop for ReplicatedStore {
    fn drop(&mut self) {
        for task in &self.looking {
            task.abort();
        }
    }
}

fn locked<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
