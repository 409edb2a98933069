//! A version in memory, and the lease that keeps it there.

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    ContentHash, InferRequest, Tensor,
    backend::{Backend, RunError},
    histogram::nanoseconds,
};

/// A version in memory, warm, its golden rows agreed.
#[derive(Debug)]
pub(crate) struct Resident {
    /// Model.
    pub(crate) model: Arc<str>,
    /// Version.
    pub(crate) version: u64,
    /// Tells what it answers from what any other content would: of its file and signature.
    pub(crate) identity: [u8; 32],
    /// Its file.
    pub(crate) content: ContentHash,
    /// What runs it.
    pub(crate) backend: Box<dyn Backend>,
    /// What one row takes, measured at warm-up.
    pub(crate) row_cost: Duration,
    /// What explaining one row takes.
    pub(crate) explained: ExplainCost,
    /// How long loading took.
    pub(crate) load_time: Duration,
    /// Leases out.
    pub(crate) leases: AtomicU64,
    /// What it counts for in the cache's budget; last, so that it is given back after the memory.
    pub(crate) held: Held,
}

/// What explaining one row has taken at least; not known until it was asked for.
#[derive(Debug)]
pub(crate) struct ExplainCost(AtomicU64);

impl Default for ExplainCost {
    fn default() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }
}

impl ExplainCost {
    fn get(&self) -> Option<Duration> {
        let least_ns = self.0.load(Ordering::Relaxed);
        (least_ns < u64::MAX).then(|| Duration::from_nanos(least_ns))
    }

    fn learn(&self, rows: u64, took: Duration) {
        let row_ns = nanoseconds(took) / rows.max(1);
        self.0.fetch_min(row_ns, Ordering::Relaxed);
    }
}

/// Bytes counted in a total for as long as it lives.
#[derive(Debug, Default)]
pub(crate) struct Held {
    total: Option<Arc<AtomicU64>>,
    bytes: AtomicU64,
}

impl Held {
    pub(crate) fn new(total: &Arc<AtomicU64>, bytes: u64) -> Self {
        total.fetch_add(bytes, Ordering::AcqRel);
        Self {
            total: Some(Arc::clone(total)),
            bytes: AtomicU64::new(bytes),
        }
    }

    /// Counts what has become more, or less; what was counted before.
    fn set(&self, bytes: u64) -> u64 {
        let before = self.bytes.swap(bytes, Ordering::AcqRel);
        if let Some(total) = &self.total {
            // Whatever wraps here comes out right in the sum.
            total.fetch_add(bytes.wrapping_sub(before), Ordering::AcqRel);
        }
        before
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(total) = &self.total {
            total.fetch_sub(*self.bytes.get_mut(), Ordering::AcqRel);
        }
    }
}

/// Set in the count of leases once a version is evicted: no lease is given any more.
const RETIRED: u64 = 1 << 63;

impl Resident {
    /// Memory it takes.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.held.bytes.load(Ordering::Acquire)
    }

    /// Contributions of features; what a model keeps to give them counts from then on.
    pub(crate) fn explain(&self, inputs: &[Tensor]) -> Result<Tensor, RunError> {
        let begun = Instant::now();
        let contributions = self.backend.explain(inputs)?;
        let kept = self.backend.size_bytes();
        // What it had to make ready first is not the cost of a row.
        if self.held.set(kept) == kept {
            self.explained.learn(contributions.rows(), begun.elapsed());
        }
        Ok(contributions)
    }

    /// What so many rows of a request take; `None` where nobody has asked yet.
    pub(crate) fn cost(&self, request: &InferRequest, rows: u64) -> Option<Duration> {
        let explained = match request.explain {
            true => self.explained.get()?,
            false => Duration::ZERO,
        };
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        Some((self.row_cost + explained).saturating_mul(rows))
    }

    /// Leases out.
    pub(crate) fn in_use(&self) -> u64 {
        self.leases.load(Ordering::Acquire) & !RETIRED
    }

    /// Ends leasing where none is out; whether it did. From then on [`Lease::take`] gives none.
    pub(crate) fn retire(&self) -> bool {
        self.leases
            .compare_exchange(0, RETIRED, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

/// Keeps a version in memory for as long as it lives; taken before a request queues.
#[derive(Debug)]
pub(crate) struct Lease {
    resident: Arc<Resident>,
}

impl Lease {
    /// A lease on what nobody can have retired: not published yet, or leased already.
    pub(crate) fn new(resident: Arc<Resident>) -> Self {
        resident.leases.fetch_add(1, Ordering::AcqRel);
        Self { resident }
    }

    /// A lease, unless the version was retired between being looked up and now.
    pub(crate) fn take(resident: &Arc<Resident>) -> Option<Self> {
        let before = resident.leases.fetch_add(1, Ordering::AcqRel);
        if before & RETIRED == 0 {
            return Some(Self {
                resident: Arc::clone(resident),
            });
        }
        resident.leases.fetch_sub(1, Ordering::AcqRel);
        None
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
        self.resident.leases.fetch_sub(1, Ordering::AcqRel);
    }
}
