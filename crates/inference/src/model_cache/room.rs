//! Makes room: evicts what nobody holds until a new version fits the budget.

use std::sync::{Arc, atomic::Ordering};

use super::{Inner, Slot, lock};
use crate::{Eviction, resident::Held};

impl Inner {
    /// Bytes set aside for a version, after evicting others where that is needed; `None`, and
    /// nothing is evicted, where what is in use or pinned leaves too little. What the slot itself
    /// holds does not count: it is about to be replaced.
    pub(super) fn reserve(&self, slot: Option<&Arc<Slot>>, wanted: u64) -> Option<Held> {
        let mut residents = lock(&self.residents);
        let own = slot.and_then(|it| it.resident());
        let own = own.map_or(0, |it| it.size_bytes());
        let fits = |spare: u64| {
            let used = self.bytes.load(Ordering::Acquire);
            let used = used.saturating_sub(own).saturating_sub(spare);
            used.saturating_add(wanted) <= self.options.budget_bytes
        };
        let idle = residents.iter().filter(|it| may_go(it, slot));
        let idle = idle.filter_map(|it| it.resident().filter(|it| it.in_use() == 0));
        if !fits(idle.map(|it| it.size_bytes()).sum()) {
            return None;
        }
        loop {
            if fits(0) {
                return Some(Held::new(&self.bytes, wanted));
            }
            if !self.evict_one(&mut residents, slot) {
                return None;
            }
        }
    }

    /// Evicts the one that is missed least; whether there was one.
    fn evict_one(&self, residents: &mut Vec<Arc<Slot>>, keep: Option<&Arc<Slot>>) -> bool {
        let now = self.counts.uses.load(Ordering::Relaxed);
        let mut candidates: Vec<(f64, usize)> = residents
            .iter()
            .enumerate()
            .filter(|(_, slot)| may_go(slot, keep))
            .filter_map(|(index, slot)| Some((self.worth(slot, now)?, index)))
            .collect();
        candidates.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (_, index) in candidates {
            let Some(resident) = residents[index].resident() else {
                continue;
            };
            if resident.retire() {
                let slot = residents.swap_remove(index);
                slot.resident.compare_and_swap(&resident, None);
                self.counts.evictions.fetch_add(1, Ordering::Relaxed);
                return true;
            }
        }
        false
    }

    /// How much a version would be missed; `None` while it is in use or not in memory.
    fn worth(&self, slot: &Slot, now: u64) -> Option<f64> {
        let resident = slot.resident().filter(|it| it.in_use() == 0)?;
        Some(match self.options.eviction {
            Eviction::Lru => slot.used_at() as f64,
            Eviction::Cost => {
                let reload = resident.load_time.as_secs_f64().max(1e-6);
                reload * slot.demand(now) / resident.size_bytes().max(1) as f64
            }
        })
    }

    /// Notes that a slot has something in memory.
    pub(super) fn enlist(&self, slot: &Arc<Slot>) {
        let mut residents = lock(&self.residents);
        if !residents.iter().any(|it| Arc::ptr_eq(it, slot)) {
            residents.push(Arc::clone(slot));
        }
    }

    /// Notes that a slot has nothing in memory any more.
    pub(super) fn strike(&self, slot: &Arc<Slot>) {
        lock(&self.residents).retain(|it| !Arc::ptr_eq(it, slot));
    }
}

/// Whether a version may be evicted once nobody uses it.
fn may_go(slot: &Arc<Slot>, keep: Option<&Arc<Slot>>) -> bool {
    !slot.is_pinned() && !keep.is_some_and(|it| Arc::ptr_eq(it, slot))
}
