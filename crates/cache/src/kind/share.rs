//! Loads that replicas share: what another one made, the right to load, and telling what came of it.
//! Where the shared tier cannot do its part, the load goes on without it.

use std::time::Instant;

use tokio::time::sleep;

use super::load::AbortOnDrop;
use super::{Birth, CacheError, Duration, Entry, Inner, Key, Landed, Stage};
use crate::packing::Side;
use crate::rules::{Rules, millis};
use crate::shared::{Begin, Fence, Frame, Shared, Stored, Wish};
use crate::versions::Slot;

/// For how long a load is one replica's alone; how long the others wait for one that died.
const LEASE: Duration = Duration::from_secs(1);

/// How often the lease is renewed while the load runs.
const RENEW_EVERY: Duration = Duration::from_millis(300);

/// The first and the longest pause before another look at what another replica loads.
const PAUSE: [Duration; 2] = [Duration::from_millis(2), Duration::from_millis(25)];

/// The shared tier, for one key.
pub(super) struct Share {
    shared: Shared,
    /// The key under which the tier knows the value.
    name: Vec<u8>,
    /// The key's and the kind's, by which another's load or failure is outdated.
    slots: [Slot; 2],
}

/// What the shared tier has to say before a load.
pub(super) enum Asked<V, E: std::error::Error + 'static> {
    /// A value that is fresh.
    Found(Entry<V>),
    /// Another replica's load failed; until when that is to be remembered.
    Failed(CacheError<E>, u64),
    /// Load it, and tell what came of it where there is a fence.
    Load(Option<Fence>),
}

/// What is to be told of a load that ended.
pub(super) enum Told {
    Nothing,
    Made(Fence, Frame),
    Failed(Fence, String, Duration),
    Unkept(Fence),
}

impl<V, E> Inner<V, E>
where
    V: Send + Sync + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    /// The shared tier for `key`, where there is one and the kind has a codec.
    pub(super) fn share(&self, key: &Key) -> Option<Share> {
        let packing = self.packing.as_ref()?;
        let shared = self.core.shared.get()?.clone();
        Some(Share {
            shared,
            name: packing.name(key.as_bytes()),
            slots: [self.core.versions.of_key(key), self.slot],
        })
    }

    /// The age from which an entry of the shared tier is of no use: half the age of one in memory
    /// that is to be made anew for its age alone.
    fn younger_than(&self, key: &Key) -> Option<Duration> {
        let now = self.arrive();
        let (entry, stage) = self.look(key, now)?;
        let age = now.now_ms.saturating_sub(entry.held().born_ms());
        let is_old = match stage {
            Stage::Eager | Stage::Revalidate => true,
            Stage::Fallback => age >= u64::from(entry.held().ages().soft),
            Stage::Young | Stage::Unproven | Stage::Gone => false,
        };
        is_old.then(|| Duration::from_millis(age / 2))
    }

    /// Takes a frame into memory; `None` where it is no value of this kind.
    fn adopt(&self, key: &Key, frame: &Frame, began: u64) -> Option<Entry<V>> {
        let needs = [self.core.versions.of_key(key), self.slot];
        let packing = self.packing.as_ref()?;
        let opened = packing.open(frame);
        let opened = opened.filter(|_| needs.iter().all(|slot| frame.slots.contains(slot)));
        let Some((value, side)) = opened else {
            self.tally.mismatches.add(1);
            return None;
        };
        let age = u64::from(millis(frame.age));
        let birth = Birth {
            began,
            born_ms: self.core.clock.now_ms().saturating_sub(age),
            ages: side.ages,
            key,
            slots: frame.slots.clone(),
            terms: self.terms.of(side.ages, &self.rules()),
            value_bytes: (self.weigh)(&value),
            cost_us: side.cost_us,
            negative: side.negative,
        };
        let entry = Entry::new(birth, value);
        self.insert(key, &entry);
        Some(entry)
    }
}

impl Share {
    /// Looks for the value, or for the right to load it; waits while another replica does.
    pub(super) async fn ask<V, E>(&self, inner: &Inner<V, E>, key: &Key) -> Asked<V, E>
    where
        V: Send + Sync + 'static,
        E: std::error::Error + Send + Sync + 'static,
    {
        let rules = inner.rules();
        let younger_than = inner.younger_than(key);
        let schema = inner.packing.as_ref().map_or(0, |it| it.schema);
        let began = inner.core.versions.now();
        match self.shared.get(&self.name, schema).await {
            Err(_) => return Asked::Load(None),
            Ok(None) => {}
            Ok(Some(frame)) => {
                // A stale one stands in memory from then on, should the load fail.
                let entry = inner.adopt(key, &frame, began);
                let is_young = frame.age < younger_than.map_or(frame.soft, |it| it.min(frame.soft));
                if let (Some(entry), true) = (entry, is_young) {
                    return Asked::Found(entry);
                }
            }
        }
        let wish = Wish {
            lease: LEASE,
            younger_than,
            slots: &self.slots,
        };
        let patience = Instant::now() + rules.hard_timeout;
        let mut pause = PAUSE[0];
        loop {
            let began = inner.core.versions.now();
            let held = match self.shared.begin(&self.name, schema, &wish).await {
                Err(_) => return Asked::Load(None),
                Ok(Begin::Granted(fence)) => return Asked::Load(Some(fence)),
                Ok(Begin::Failed { text, hold }) => {
                    let until_ms = inner.core.clock.now_ms() + u64::from(millis(hold));
                    return Asked::Failed(CacheError::Elsewhere(text.into()), until_ms);
                }
                Ok(Begin::Ready(frame)) => {
                    let entry = inner.adopt(key, &frame, began);
                    return entry.map_or(Asked::Load(None), Asked::Found);
                }
                Ok(Begin::Held { retry_after }) => retry_after,
            };
            if Instant::now() >= patience {
                return Asked::Load(None);
            }
            sleep(pause.min(held.max(PAUSE[0]))).await;
            pause = (pause * 2).min(PAUSE[1]);
        }
    }

    /// Keeps the lease for as long as what it returns is held.
    pub(super) fn keep_lease(&self, fence: &Fence) -> AbortOnDrop<()> {
        let (shared, fence) = (self.shared.clone(), fence.clone());
        AbortOnDrop(tokio::spawn(async move {
            loop {
                sleep(RENEW_EVERY).await;
                shared.renew(&fence, LEASE).await;
            }
        }))
    }

    /// What is to be told of an outcome.
    pub(super) fn told<V, E>(
        &self,
        inner: &Inner<V, E>,
        fence: Option<Fence>,
        outcome: &Result<Landed<V>, CacheError<E>>,
    ) -> Told
    where
        V: Send + Sync + 'static,
        E: std::error::Error + Send + Sync + 'static,
    {
        let Some(fence) = fence else {
            return Told::Nothing;
        };
        let Rules { error_hold, .. } = inner.rules();
        let entry = match outcome {
            Ok(landed) => &landed.entry,
            Err(_) if error_hold.is_zero() => return Told::Unkept(fence),
            Err(error) => return Told::Failed(fence, words(error), error_hold),
        };
        let now_ms = inner.core.clock.now_ms();
        let held = entry.held();
        let ages = held.ages();
        let age = now_ms.saturating_sub(held.born_ms());
        let (Some(packing), true) = (&inner.packing, age < u64::from(ages.soft)) else {
            return Told::Unkept(fence);
        };
        let side = Side {
            ages,
            cost_us: held.cost_us(),
            negative: held.is_negative(),
        };
        let age = Duration::from_millis(age);
        let slots: Vec<Slot> = entry.held().slots().collect();
        Told::Made(fence, packing.frame(entry.value(), side, &slots, age))
    }

    /// Tells it.
    pub(super) async fn tell(&self, told: Told) {
        match told {
            Told::Nothing => {}
            Told::Unkept(fence) => self.shared.release(fence).await,
            Told::Failed(fence, text, hold) => self.shared.fail(fence, &text, hold).await,
            Told::Made(fence, frame) => {
                let stored = self.shared.put(&fence, &frame).await;
                if !matches!(stored, Ok(Stored::Kept)) {
                    self.shared.release(fence).await;
                }
            }
        }
    }
}

/// An error with its causes.
fn words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
