//! What rules have done, counted.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// What rules have done since the process began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AlertFigures {
    /// Rules that look.
    pub active: u64,
    /// Fixtures that were looked at for some rule.
    pub looked: u64,
    /// Firings that this server was the one to write.
    pub fired: u64,
    /// Looks that another server had made sooner.
    pub lost: u64,
    /// Firings that receivers took.
    pub delivered: u64,
    /// Attempts that failed and are made again.
    pub retried: u64,
    /// Firings that were not told in the end.
    pub given_up: u64,
    /// Receivers that said they are gone.
    pub gone: u64,
    /// Firings still to be told, by all servers.
    pub queue: u64,
}

/// Counts what rules do.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(super) active: AtomicU64,
    pub(super) looked: AtomicU64,
    pub(super) fired: AtomicU64,
    pub(super) lost: AtomicU64,
    pub(super) delivered: AtomicU64,
    pub(super) retried: AtomicU64,
    pub(super) given_up: AtomicU64,
    pub(super) gone: AtomicU64,
    pub(super) queue: AtomicU64,
    /// Rings when there is something to tell.
    pub(super) bell: Notify,
}

impl Tally {
    pub(super) fn figures(&self) -> AlertFigures {
        let read = |it: &AtomicU64| it.load(Ordering::Relaxed);
        AlertFigures {
            active: read(&self.active),
            looked: read(&self.looked),
            fired: read(&self.fired),
            lost: read(&self.lost),
            delivered: read(&self.delivered),
            retried: read(&self.retried),
            given_up: read(&self.given_up),
            gone: read(&self.gone),
            queue: read(&self.queue),
        }
    }
}

/// Counts one more, or several.
pub(super) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}
