//! The replicas: where each is, which may answer, and whose turn it is.

use std::mem::{Discriminant, discriminant};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::recent::Recent;
use super::{ReplicaOptions, locked};
use crate::postgres::schema::KNOWN;
use crate::postgres::sql::Args;
use crate::{PostgresOptions, PostgresStore, Store, StoreError, redacted};

/// How often a replica that has everything is asked where it is, and one that has not.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
const LOOK_BEHIND: Duration = Duration::from_millis(10);

/// How often it is looked whether another server leads than before.
const LOOK_WHO_LEADS: Duration = Duration::from_millis(250);

/// Where a replica is: the last change applied, its schema, bytes received and not applied, which
/// database and history it holds, whether it follows another server.
const WHERE: &str = "SELECT outbox, schema, coalesce(pg_wal_lsn_diff(
         pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), 0)::bigint,
         replace(identity::text, '-', ''), replace(history::text, '-', ''), pg_is_in_recovery()
     FROM sports_edge";

/// Why a replica is not read from.
#[derive(Debug, Error)]
enum Unfit {
    #[error("{0}")]
    Away(String),
    #[error("it holds another database than the primary")]
    Another,
    #[error("it follows no other server: it was promoted, or never was a replica")]
    Leads,
    #[error(
        "it has another history than the primary: it has not heard yet who leads now, or knew more \
         when that one took over and has to be made anew from it"
    )]
    Strayed,
}

/// What tells the database that replicas must hold.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    identity: String,
    /// Unknown where the server does not say, as some do that are rented.
    history: Option<String>,
}

impl Origin {
    pub(super) async fn of(primary: &PostgresStore) -> Result<Self, StoreError> {
        Ok(Self {
            identity: Store::identity(primary).await?,
            history: primary.history().await.ok(),
        })
    }
}

/// Every replica, and what was read from the primary instead.
pub(super) struct Rotation {
    pub(super) replicas: Vec<Arc<Replica>>,
    pub(super) primary_reads: AtomicU64,
    bounds: ReplicaOptions,
    turn: AtomicUsize,
    origin: Mutex<Origin>,
}

/// One replica.
pub(super) struct Replica {
    /// Its URL without a password.
    pub(super) place: String,
    store: PostgresStore,
    /// A connection for looking, so that reads never stand in its way.
    looker: PostgresStore,
    /// The last change it has applied.
    pub(super) position: AtomicU64,
    /// Bytes of log it has received and not applied.
    pub(super) unapplied_bytes: AtomicU64,
    alive: watch::Sender<bool>,
    late: AtomicBool,
    at_work: AtomicUsize,
    pub(super) reads: AtomicU64,
    pub(super) failures: AtomicU64,
    doubted: Notify,
}

impl Rotation {
    pub(super) fn new(
        urls: &[String],
        options: &PostgresOptions,
        bounds: &ReplicaOptions,
        origin: Origin,
    ) -> Result<Self, StoreError> {
        let replica = |url: &String| Replica::new(url, options).map(Arc::new);
        Ok(Self {
            replicas: urls.iter().map(replica).collect::<Result<_, _>>()?,
            primary_reads: AtomicU64::new(0),
            bounds: bounds.clone(),
            turn: AtomicUsize::new(0),
            origin: Mutex::new(origin),
        })
    }

    /// Looks at each replica, which must hold the primary's database, for as long as the tasks run.
    pub(super) fn look(self: &Arc<Self>, recent: &Arc<Mutex<Recent>>) -> Vec<JoinHandle<()>> {
        let looking = |replica: &Arc<Replica>| {
            let (replica, rotation) = (Arc::clone(replica), Arc::clone(self));
            let recent = Arc::clone(recent);
            tokio::spawn(async move { replica.keep_looking(&rotation, &recent).await })
        };
        self.replicas.iter().map(looking).collect()
    }

    /// Looks whether another server leads than before, for as long as it is polled.
    pub(super) async fn keep_origin(&self, primary: &PostgresStore) {
        loop {
            sleep(LOOK_WHO_LEADS).await;
            match primary.history().await {
                Ok(history) => locked(&self.origin).history = Some(history),
                Err(error) => tracing::debug!(%error, "it is not known who leads"),
            }
        }
    }

    /// Whether one of them has applied this change.
    pub(super) fn knows(&self, floor: u64) -> bool {
        self.replicas.iter().any(|it| it.knows(floor))
    }

    /// The replica with the least at work of those that have applied this change.
    pub(super) fn choose(&self, floor: u64) -> Option<Turn> {
        let count = self.replicas.len();
        let first = self.turn.fetch_add(1, Relaxed);
        let in_turn = (0..count).map(|it| &self.replicas[(first + it) % count]);
        let able = in_turn.filter(|it| it.knows(floor));
        let replica = able.min_by_key(|it| it.at_work.load(Relaxed))?;
        replica.at_work.fetch_add(1, Relaxed);
        Some(Turn(Arc::clone(replica)))
    }

    pub(super) fn count_primary(&self) {
        self.primary_reads.fetch_add(1, Relaxed);
    }

    /// The last change that every replica in the rotation has applied.
    fn applied_everywhere(&self) -> Option<u64> {
        let able = self.replicas.iter().filter(|it| it.is_in());
        able.map(|it| it.position.load(Relaxed)).min()
    }

    /// Lets go of every connection.
    pub(super) async fn close(&self) {
        for replica in &self.replicas {
            tokio::join!(Store::close(&replica.store), Store::close(&replica.looker));
        }
    }
}

/// A replica while it reads for somebody.
pub(super) struct Turn(Arc<Replica>);

impl Turn {
    pub(super) fn store(&self) -> PostgresStore {
        self.0.store.clone()
    }

    /// The answer; nothing where the replica failed, or was found dead meanwhile.
    pub(super) async fn run<T>(
        &self,
        read: impl Future<Output = Result<T, StoreError>>,
    ) -> Option<T> {
        let mut alive = self.0.alive.subscribe();
        let answer = tokio::select! {
            answer = read => answer.map_err(Some),
            _ = alive.wait_for(|it| !it) => Err(None),
        };
        match answer {
            Ok(answer) => {
                self.0.reads.fetch_add(1, Relaxed);
                Some(answer)
            }
            Err(error) => {
                self.0.failures.fetch_add(1, Relaxed);
                self.0.doubted.notify_one();
                tracing::debug!(replica = self.0.place, ?error, "a replica did not answer");
                None
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.at_work.fetch_sub(1, Relaxed);
    }
}

impl Replica {
    fn new(url: &str, options: &PostgresOptions) -> Result<Self, StoreError> {
        let one = PostgresOptions {
            connections_max: 1,
            ..options.clone()
        };
        Ok(Self {
            place: redacted(url),
            store: PostgresStore::connect(url, options)?,
            looker: PostgresStore::connect(url, &one)?,
            position: AtomicU64::new(0),
            unapplied_bytes: AtomicU64::new(0),
            alive: watch::Sender::new(false),
            late: AtomicBool::new(false),
            at_work: AtomicUsize::new(0),
            reads: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            doubted: Notify::new(),
        })
    }

    /// Whether it takes part.
    pub(super) fn is_in(&self) -> bool {
        *self.alive.borrow() && !self.late.load(Relaxed)
    }

    fn knows(&self, floor: u64) -> bool {
        self.is_in() && self.position.load(Relaxed) >= floor
    }

    async fn keep_looking(&self, rotation: &Rotation, recent: &Mutex<Recent>) {
        let mut told = None;
        // What was the newest change at a moment, until it is applied.
        let (mut awaited, mut since) = (0, Instant::now());
        loop {
            let newest = locked(recent).newest();
            let origin = locked(&rotation.origin).clone();
            let found = timeout(rotation.bounds.answer_max, self.find(&origin)).await;
            let mut pause = LOOK_AGAIN;
            match found {
                Ok(Ok(position)) => {
                    self.position.store(position, Relaxed);
                    if position >= awaited {
                        (awaited, since) = (newest, Instant::now());
                    }
                    if position < newest {
                        pause = LOOK_BEHIND;
                    }
                    self.set(true, since.elapsed() > rotation.bounds.lag_max);
                }
                Ok(Err(unfit)) => self.lost(&unfit, &mut told),
                Err(_) => self.lost(&Unfit::Away("it does not answer".to_owned()), &mut told),
            }
            if let Some(everywhere) = rotation.applied_everywhere() {
                locked(recent).applied(everywhere);
            }
            tokio::select! {
                () = sleep(pause) => {}
                () = self.doubted.notified() => {}
            }
        }
    }

    /// The last change it has applied, where it is fit to be read from.
    async fn find(&self, origin: &Origin) -> Result<u64, Unfit> {
        let (outbox, schema, unapplied, identity, history, follows) = self
            .whereabouts()
            .await
            .map_err(|it| Unfit::Away(it.why()))?;
        let unapplied = u64::try_from(unapplied).unwrap_or(0);
        self.unapplied_bytes.store(unapplied, Relaxed);
        // Between a migration of the primary and its arrival here the tables are others.
        if schema != KNOWN {
            let (found, known) = (schema, KNOWN);
            let error = StoreError::SchemaTooOld { found, known };
            return Err(Unfit::Away(error.to_string()));
        }
        if identity != origin.identity {
            return Err(Unfit::Another);
        }
        if !follows {
            return Err(Unfit::Leads);
        }
        if origin.history.as_ref().is_some_and(|it| *it != history) {
            return Err(Unfit::Strayed);
        }
        Ok(outbox.unsigned_abs())
    }

    async fn whereabouts(&self) -> Result<(i64, i64, i64, String, String, bool), StoreError> {
        let mut session = self.looker.read().await?;
        let found = session.one(WHERE, Args::default()).await?;
        session.commit().await?;
        Ok(found)
    }

    /// Takes it out, and says why where that is news.
    fn lost(&self, unfit: &Unfit, told: &mut Option<Discriminant<Unfit>>) {
        let was_alive = self.alive.send_replace(false);
        let is_news = told.replace(discriminant(unfit)) != Some(discriminant(unfit));
        let (replica, why) = (&self.place, unfit.to_string());
        if was_alive {
            tracing::warn!(replica, why, "replica left the rotation");
        } else if is_news {
            tracing::warn!(replica, why, "replica is not in the rotation");
        }
    }

    fn set(&self, alive: bool, late: bool) {
        let was = self.is_in();
        self.late.store(late, Relaxed);
        self.alive.send_replace(alive);
        match (was, self.is_in()) {
            (false, true) => tracing::info!(replica = self.place, "replica is in the rotation"),
            (true, false) => tracing::warn!(
                replica = self.place,
                why = "it is behind",
                "replica left the rotation"
            ),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
