//! The seam between memory and the shared tier: what the bus says is applied to the versions, and
//! invalidations go over the bus.

use std::ops::Range;
use std::sync::{Arc, Weak};
use std::time::Instant;

use crate::cache::{Aim, Cache, Core};
use crate::error::AttachError;
use crate::shared::{Acknowledged, CHANGE_SLOTS_MAX, Change, Listener, Shared, Touched};
use crate::versions::Force;

impl Cache {
    /// Joins the shared tier. From now on invalidations reach every replica before they count as
    /// made, kinds with a codec share their values, and memory is believed only while the bus proves
    /// that it heard of everything; what it holds by now is forgotten.
    ///
    /// # Errors
    /// Where there is one already, or its table of versions has another size.
    pub fn attach(&self, shared: Shared) -> Result<(), AttachError> {
        let core = self.core();
        let (ours, theirs) = (core.versions.slots(), shared.slots());
        if ours != theirs {
            return Err(AttachError::Slots { ours, theirs });
        }
        core.shared.set(shared).map_err(|_| AttachError::Joined)?;
        let ear = Ear(Arc::downgrade(self.core_arc()));
        let shared = core.shared.get().expect("it was set just now");
        shared.attach(Arc::new(ear));
        Ok(())
    }

    /// The shared tier, where there is one.
    pub fn shared(&self) -> Option<&Shared> {
        self.core().shared.get()
    }

    /// Lets memory be believed until `until` even if the bus of the shared tier is lost.
    ///
    /// Said by whoever learns of changes in another way, and has applied all there were when it
    /// last asked. How long ago that was is the most that memory is behind.
    pub fn vouch(&self, until: Instant) {
        let core = self.core();
        core.trust.vouch(core.clock.at(until));
    }
}

impl Core {
    /// Makes a change known here and, where there is a shared tier, to all replicas; once for all of
    /// them where it comes from a part of a feed that they all read.
    pub(crate) async fn change(
        &self,
        aim: Aim,
        force: Force,
        span: Option<Range<u64>>,
    ) -> Acknowledged {
        let began = Instant::now();
        let Some(shared) = self.shared.get() else {
            match aim {
                Aim::Everything => self.forget_all(),
                Aim::Slots(slots) => {
                    self.versions.change(&slots, force);
                }
            }
            return Acknowledged {
                replicas: 1,
                lapsed: 0,
                queued: false,
                took: began.elapsed(),
            };
        };
        let change = self.named(aim, force);
        let done = match span {
            None => shared.invalidate(&change).await,
            Some(span) => shared.invalidate_once(&change, &span).await,
        };
        done.expect("slots come from a table of the same size, and no more than may be")
    }

    fn named(&self, aim: Aim, force: Force) -> Change {
        let position = self.position();
        let mut change = Change {
            touched: Touched::Everything,
            gently: Vec::new(),
            position: (position > 0).then_some(position),
        };
        if let Aim::Slots(slots) = aim
            && slots.len() <= CHANGE_SLOTS_MAX
        {
            (change.touched, change.gently) = match force {
                Force::Remove => (Touched::Slots(slots), Vec::new()),
                Force::Expire => (Touched::Slots(Vec::new()), slots),
            };
        }
        change
    }

    pub(crate) fn forget_all(&self) {
        self.versions.change_all();
        self.memory.clear();
    }
}

/// Hears what the bus says. The cache owns the shared tier, not the other way round.
struct Ear(Weak<Core>);

impl Ear {
    fn tell(&self, with: impl FnOnce(&Arc<Core>)) {
        if let Some(core) = self.0.upgrade() {
            with(&core);
        }
    }
}

impl Listener for Ear {
    fn changed(&self, change: &Change) {
        self.tell(|core| {
            if let Some(position) = change.position {
                core.see(position);
            }
            match &change.touched {
                Touched::Everything => forget_all_behind(core),
                Touched::Slots(slots) => {
                    if !slots.is_empty() {
                        core.versions.change(slots, Force::Remove);
                    }
                    if !change.gently.is_empty() {
                        core.versions.change(&change.gently, Force::Expire);
                    }
                }
            }
        });
    }

    fn forget_all(&self) {
        self.tell(forget_all_behind);
    }

    fn proven_until(&self, instant: Instant) {
        self.tell(|core| core.trust.prove(core.clock.at(instant)));
    }

    fn unproven(&self) {
        self.tell(|core| core.trust.lose());
    }
}

/// Nothing is served from now on; that the memory is given back is not waited for.
fn forget_all_behind(core: &Arc<Core>) {
    core.versions.change_all();
    let core = core.clone();
    tokio::task::spawn_blocking(move || core.memory.drop_removed(&core.versions));
}
