//! Whether the primary answers, for what is asked of it first and can do without it.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::{PostgresStore, Store, StoreError};

/// How often a primary that is away is asked whether it is back.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What is known of the primary.
pub(super) struct Pulse {
    answer_max: Duration,
    is_away: AtomicBool,
    doubted: Notify,
}

impl Pulse {
    /// A primary that is there, and has so long to answer.
    pub(super) fn new(answer_max: Duration) -> Self {
        Self {
            answer_max,
            is_away: AtomicBool::new(false),
            doubted: Notify::new(),
        }
    }

    /// What the primary answers in time; nothing where it does not, or fails. Once it did not answer,
    /// it is not waited for again before it is back.
    pub(super) async fn ask<T>(
        &self,
        asked: impl Future<Output = Result<T, StoreError>>,
    ) -> Option<T> {
        if self.is_away.load(Relaxed) {
            return None;
        }
        let why = match timeout(self.answer_max, asked).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) if !error.is_away() => {
                tracing::debug!(%error, "the primary could not look a key up");
                return None;
            }
            Ok(Err(error)) => error.why(),
            Err(_) => "it does not answer".to_owned(),
        };
        if !self.is_away.swap(true, Relaxed) {
            tracing::warn!(why, "the primary is away: keys are looked up at replicas");
        }
        self.doubted.notify_one();
        None
    }

    /// What the primary answers in time, away or not.
    pub(super) async fn insist<T>(
        &self,
        asked: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let answer = timeout(self.answer_max, asked).await;
        answer.unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut.into()))
    }

    /// Finds out when a primary that was found away is back, for as long as it is polled.
    pub(super) async fn keep_looking(&self, primary: &PostgresStore) {
        loop {
            self.doubted.notified().await;
            while !matches!(timeout(self.answer_max, primary.ping()).await, Ok(Ok(()))) {
                sleep(LOOK_AGAIN).await;
            }
            if self.is_away.swap(false, Relaxed) {
                tracing::info!("the primary is back");
            }
        }
    }
}
