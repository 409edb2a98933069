//! Whether the server can be reached, and why not: a pool goes on trying while nobody listens, and
//! says no more than that it waited.

use std::fs::File;
use std::io::{Error, ErrorKind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::{ConnectOptions, Connection, raw_sql};
use tokio::time::{sleep, timeout};

use super::sql::Args;
use super::{Pooler, PostgresStore};
use crate::{PostgresOptions, StoreError};

/// How long whoever asks whether it is there waits for it; behind a pooler, where there may be no
/// connection left to ask by, longer.
const ANSWER_MAX: Duration = Duration::from_secs(1);
const POOLED_ANSWER_MAX: Duration = Duration::from_secs(3);
/// How long nothing may be heard until it is looked why.
const SILENCE_MAX: Duration = Duration::from_millis(300);
/// How long a connection is waited for while the server is known to be away.
const HOPE_MAX: Duration = Duration::from_millis(250);

/// Since when the server has not answered whoever asked whether it is there.
#[derive(Debug, Default)]
pub(super) struct Absence(Mutex<Option<Instant>>);

impl Absence {
    fn note(&self, is_there: bool) {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match is_there {
            true => *since = None,
            false => *since = since.or_else(|| Some(Instant::now())),
        }
    }

    /// Whether it has lasted for longer than that.
    fn exceeds(&self, patience: Duration) -> bool {
        let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|it| it.elapsed() > patience)
    }
}

impl PostgresStore {
    /// The same as [`Self::connect`], where a connection can be made.
    pub(crate) async fn reached(url: &str, options: &PostgresOptions) -> Result<Self, StoreError> {
        check_certificates(url)?;
        let store = Self::connect(url, options)?;
        store.reach(options.acquire_timeout).await?;
        Ok(store)
    }

    /// Makes a connection beside the pool's, has it answer, for a pooler lets everybody in, and ends it.
    async fn reach(&self, patience: Duration) -> Result<(), StoreError> {
        let options = self.pool.connect_options();
        let reached = async {
            let mut made = options.connect().await?;
            raw_sql("SELECT 1").execute(&mut made).await?;
            made.close().await
        };
        let reached = timeout(patience, reached).await;
        Ok(reached.map_err(|_| silent(patience))??)
    }

    /// Refuses whoever would wait for a server that has long been away: many who wait leave no room
    /// for those whose answers need none.
    pub(super) async fn expect(&self) -> Result<(), StoreError> {
        if self.absence.exceeds(self.absence_max) {
            let there = timeout(HOPE_MAX, self.pool.acquire()).await;
            there.map_err(|_| silent(HOPE_MAX))??;
        }
        Ok(())
    }

    /// Whether it answers in time and leads; if not, with the cause. Where all connections are in use, one
    /// that is made beside them says that it is there. One that leads in another's place begins a history.
    pub(super) async fn answers(&self) -> Result<(), StoreError> {
        let answered = self.asked().await;
        let follows = matches!(answered, Err(StoreError::Follows));
        self.follows.store(follows, Relaxed);
        self.absence.note(answered.is_ok() || follows);
        if answered.is_ok()
            && let Ok(Err(error)) = timeout(ANSWER_MAX, self.history()).await
        {
            tracing::debug!(%error, "the server does not say which history it has");
        }
        answered
    }

    async fn asked(&self) -> Result<(), StoreError> {
        let patience = match self.pooler {
            Pooler::None => ANSWER_MAX,
            Pooler::Transaction => POOLED_ANSWER_MAX,
        };
        let asked = async {
            let mut session = self.read_now().await?;
            let sql = "SELECT pg_is_in_recovery()";
            let (follows,): (bool,) = session.one(sql, Args::default()).await?;
            session.commit().await?;
            if follows {
                return Err(StoreError::Follows);
            }
            Ok(())
        };
        let beside = async {
            sleep(SILENCE_MAX).await;
            self.reach(patience).await
        };
        let looked = async {
            tokio::select! {
                answered = asked => answered,
                reached = beside => reached,
            }
        };
        let looked = timeout(patience, looked).await;
        looked.unwrap_or_else(|_| Err(silent(patience)))
    }
}

/// Names a file of authorities that cannot be read: the driver says only why.
fn check_certificates(url: &str) -> Result<(), StoreError> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let mut pairs = query.split('&').filter_map(|it| it.split_once('='));
    let named = pairs.find(|it| ["sslrootcert", "ssl-root-cert", "ssl-ca"].contains(&it.0));
    match named {
        // What is encoded is left to the driver.
        Some((_, path)) if !path.contains('%') => match File::open(path) {
            Ok(_) => Ok(()),
            Err(source) => Err(StoreError::File {
                path: path.to_owned(),
                source,
            }),
        },
        _ => Ok(()),
    }
}

fn silent(patience: Duration) -> StoreError {
    let text = format!("nothing was heard of it for {patience:?}");
    sqlx::Error::Io(Error::new(ErrorKind::TimedOut, text)).into()
}
