//! A version in memory, and the lease that keeps it there.

use std::{ops::Deref, sync::Arc, sync::atomic::AtomicU64, time::Duration};

use crate::{ModelConfig, backend::Backend};

/// A version in memory, warm, its golden rows agreed.
#[derive(Debug)]
pub(crate) struct Resident {
    /// Model.
    pub(crate) model: Arc<str>,
    /// Version.
    pub(crate) version: u64,
    /// The model's settings when it was loaded.
    pub(crate) config: Arc<ModelConfig>,
    /// What runs it.
    pub(crate) backend: Box<dyn Backend>,
    /// Memory it takes.
    pub(crate) size_bytes: u64,
    /// What one row takes, measured at warm-up.
    pub(crate) row_cost: Duration,
    /// How long loading took.
    pub(crate) load_time: Duration,
    /// Leases out.
    pub(crate) leases: AtomicU64,
}

/// Keeps a version in memory for as long as it lives; taken before a request queues.
#[derive(Debug)]
pub(crate) struct Lease {
    resident: Arc<Resident>,
}

impl Lease {
    pub(crate) fn new(resident: Arc<Resident>) -> Self {
        resident
            .leases
            .fetch_add(1, std::sync::atomic::Ordering::AcqRel);
        Self { resident }
    }
}

impl Clone for Lease {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.resident))
    }
}

impl Deref for Lease {
    type Target = Resident;

    fn deref(&self) -> &Resident {
        &self.resident
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.resident
            .leases
            .fetch_sub(1, std::sync::atomic::Ordering::AcqRel);
    }
}
