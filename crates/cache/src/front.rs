//! The calling thread's own few entries, in front of memory: a hit here touches nothing that another
//! thread writes. What is here was in memory and is judged by the versions on **every** hit, so
//! that an invalidation reaches it as it reaches memory, at once and without a message.
//!
//! It is bounded in places and in bytes; what left memory is served no more, and what a thread
//! holds is given back when it next looks after everything was forgotten, or ends.

use std::cell::RefCell;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use crate::cache::Core;
use crate::entry::{Entry, Held, Holder};
use crate::key::Key;
use crate::statistics::{Strand, Tally};
use crate::versions::{Verdict, Versions};

/// Places of a thread, at first and at most; two where an entry may stand.
const PLACES: [usize; 2] = [256, 8_192];

/// Bytes that a thread's entries may take, those included that memory holds too.
const BYTES_MAX: u64 = 4 << 20;

/// A larger entry is left to memory, where one look more does not matter.
const ENTRY_BYTES_MAX: u32 = 64 << 10;

/// Caches whose entries a thread remembers; a process has one.
const CACHES_MAX: usize = 2;

/// How many hits in a row an entry may have before it is told of them: an eighth of those it had,
/// within these.
const UNTOLD: [u32; 2] = [1, 64];

/// How often an entry must be passed over before another takes its place, at most.
const HOT_MAX: u8 = 3;

thread_local! {
    static FRONTS: RefCell<Vec<Front>> = const { RefCell::new(Vec::new()) };
}

/// How many of those that find no room are passed over for one that may take another's place.
const PASSED_OVER: u32 = 4;

/// An entry in the hands of one thread: counting those who hold it concerns that thread alone.
pub(crate) struct Lent {
    pub(crate) held: Holder,
}

/// The moment of a look: trust was asked for before, then the versions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now_ms: u64,
    pub(crate) clock: u64,
}

/// What a thread holds of one cache.
struct Front {
    /// The versions of that cache, by which it is known; they do not live on by this.
    cache: Weak<Versions>,
    /// What was older than this was forgotten when it last looked.
    floor: u64,
    places: Vec<Place>,
    /// Some bits of the hash of what is at each place, 0 where nothing is: who is not here is told so
    /// by a sixteenth of the memory.
    tags: Vec<u32>,
    /// What of each place was lent to be held, beside the places as most looks do without.
    lent: Vec<Option<Arc<Lent>>>,
    bytes: u64,
    /// Entries that found no room since it last grew.
    crowded: u32,
    /// By number of kind.
    strands: Vec<Option<Spun>>,
}

/// A thread's counters of a kind, and where they belong when it ends.
struct Spun {
    strand: Arc<Strand>,
    tally: Arc<Tally>,
}

/// A line of the processor's cache.
#[derive(Default)]
#[repr(align(64))]
struct Place {
    hash: u64,
    /// The latest time at which it was known to be fresh.
    verified: u64,
    /// When it is young no more.
    until_ms: u64,
    held: Option<Holder>,
    /// Hits that the entry was not told of, and that it was.
    untold: u32,
    told: u32,
    /// When memory was last told that the entry is wanted.
    turn: u32,
    /// What making the entry took, in microseconds, and its kind: counting a hit need not wait for
    /// the entry's own memory.
    cost_us: u32,
    kind: u16,
    hot: u8,
}

impl Place {
    /// Tells the entry of its hits.
    fn tell(&mut self) {
        if let Some(held) = &self.held
            && self.untold > 0
        {
            held.meta().hits.fetch_add(self.untold, Ordering::Relaxed);
            self.told = self.told.saturating_add(self.untold);
            self.untold = 0;
        }
    }

    /// Counts a hit; says whether memory should hear that the entry is wanted: the first time, and
    /// once in each of its turns.
    #[inline]
    fn count(&mut self, turn: u32) -> bool {
        let is_first = self.told == 0;
        self.hot = (self.hot + 1).min(HOT_MAX);
        self.untold += 1;
        if self.untold >= (self.told / 8).clamp(UNTOLD[0], UNTOLD[1]) {
            self.tell();
        }
        is_first || std::mem::replace(&mut self.turn, turn) != turn
    }
}

impl Front {
    fn new(versions: &Arc<Versions>) -> Self {
        Self {
            cache: Arc::downgrade(versions),
            floor: versions.floor(),
            places: (0..PLACES[0]).map(|_| Place::default()).collect(),
            tags: vec![0; PLACES[0]],
            lent: vec![None; PLACES[0]],
            bytes: 0,
            crowded: 0,
            strands: Vec::new(),
        }
    }

    #[inline]
    fn is_of(&self, core: &Core) -> bool {
        std::ptr::eq(self.cache.as_ptr(), Arc::as_ptr(&core.versions))
    }

    #[inline]
    fn first_of(&self, hash: u64) -> usize {
        // The lowest choose the shard of memory: these are others.
        (hash >> 40) as usize & (self.places.len() - 2)
    }

    #[inline]
    fn find(&self, hash: u64) -> Option<usize> {
        let (first, tag) = (self.first_of(hash), tag(hash));
        let pair = self.tags.get(first..first + 2)?;
        // Which of the two it is cannot be guessed, so it is worked out without a jump.
        let second = usize::from(pair[0] != tag);
        (pair[second] == tag && self.places[first + second].hash == hash).then_some(first + second)
    }

    #[inline(never)]
    fn empty(&mut self, at: usize) {
        let place = &mut self.places[at];
        place.tell();
        let gone = std::mem::take(place);
        self.lent[at] = None;
        self.tags[at] = 0;
        if let Some(held) = gone.held {
            self.bytes -= u64::from(held.meta().weight);
        }
    }

    /// Lets go of everything.
    fn clear(&mut self) {
        (0..self.places.len()).for_each(|at| self.empty(at));
        self.places.truncate(PLACES[0]);
        self.places.shrink_to_fit();
        self.tags.truncate(PLACES[0]);
        self.tags.shrink_to_fit();
        self.lent.truncate(PLACES[0]);
        self.lent.shrink_to_fit();
    }

    /// Makes room for one of these bytes; `None` where those who are there are wanted more.
    fn room(&mut self, hash: u64, weight: u32) -> Option<usize> {
        let first = self.first_of(hash);
        let pair = [first, first + 1];
        let is_free = |at: &usize| self.tags[*at] == 0;
        let free = pair.into_iter().find(is_free);
        let fits = self.bytes + u64::from(weight) <= BYTES_MAX;
        if let (Some(at), true) = (free, fits) {
            return Some(at);
        }
        self.crowded += u32::from(free.is_none());
        if !self.crowded.is_multiple_of(PASSED_OVER) {
            return None;
        }
        let taken = pair.into_iter().filter(|at| !is_free(at));
        let at = taken.min_by_key(|at| self.places[*at].hot)?;
        if self.places[at].hot > 0 {
            // Whoever stands in the way is a little less wanted each time.
            self.places[at].hot -= 1;
            return None;
        }
        self.empty(at);
        (self.bytes + u64::from(weight) <= BYTES_MAX).then_some(at)
    }

    /// Doubles the places where as many entries as half of them found no room.
    fn grow(&mut self) {
        if (self.crowded as usize) < self.places.len() / 2 || self.places.len() >= PLACES[1] {
            return;
        }
        self.crowded = 0;
        self.lent = vec![None; self.places.len() * 2];
        self.tags = vec![0; self.places.len() * 2];
        let wider = (0..self.places.len() * 2).map(|_| Place::default());
        let before = std::mem::replace(&mut self.places, wider.collect());
        for place in before {
            if place.held.is_some() {
                // Two of a pair find room in the pairs it becomes.
                let first = self.first_of(place.hash);
                let at = first + usize::from(self.tags[first] != 0);
                self.tags[at] = tag(place.hash);
                self.places[at] = place;
            }
        }
    }

    #[inline]
    fn strand(&mut self, kind: u16, tally: &Arc<Tally>) -> &Strand {
        let at = usize::from(kind);
        if self.strands.len() <= at {
            self.strands.resize_with(at + 1, || None);
        }
        let spun = self.strands[at].get_or_insert_with(|| Spun {
            strand: tally.spin(),
            tally: Arc::clone(tally),
        });
        &spun.strand
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.places.iter_mut().for_each(Place::tell);
        for spun in self.strands.iter().flatten() {
            spun.tally.cut(&spun.strand);
        }
    }
}

/// Does something with what the calling thread holds of a cache; `None` where that is in use, as by
/// the caller itself, or the thread is ending.
#[inline]
fn with_front<R>(core: &Core, work: impl FnOnce(&mut Front) -> Option<R>) -> Option<R> {
    FRONTS
        .try_with(|fronts| {
            let mut fronts = fronts.try_borrow_mut().ok()?;
            if !fronts.first().is_some_and(|it| it.is_of(core)) {
                take_first(&mut fronts, core);
            }
            let front = fronts.first_mut()?;
            let floor = core.versions.floor();
            if front.floor != floor {
                front.clear();
                front.floor = floor;
            }
            work(front)
        })
        .ok()?
}

#[cold]
fn take_first(fronts: &mut Vec<Front>, core: &Core) {
    let front = match fronts.iter().position(|it| it.is_of(core)) {
        Some(at) => fronts.remove(at),
        None => Front::new(&core.versions),
    };
    fronts.insert(0, front);
    fronts.truncate(CACHES_MAX);
}

/// Looks for a young entry of `key`, counts the hit and lends the entry to `with`.
#[inline]
pub(crate) fn look<R>(
    core: &Core,
    key: &Key,
    moment: Moment,
    kind: (u16, &Arc<Tally>),
    with: impl FnOnce(&dyn Held) -> R,
) -> Option<R> {
    with_front(core, |front| {
        let at = front.hit(core, key, moment, kind)?;
        front.places[at].held.as_deref().map(with)
    })
}

/// Looks for a young entry of `key`, counts the hit and gives it to be held.
#[inline]
pub(crate) fn take(
    core: &Core,
    key: &Key,
    moment: Moment,
    kind: (u16, &Arc<Tally>),
) -> Option<Arc<Lent>> {
    with_front(core, |front| {
        let at = front.hit(core, key, moment, kind)?;
        if let Some(lent) = &front.lent[at] {
            return Some(Arc::clone(lent));
        }
        let held = front.places[at].held.clone()?;
        let lent = Arc::new(Lent { held });
        front.lent[at] = Some(Arc::clone(&lent));
        Some(lent)
    })
}

impl Front {
    /// Where a young entry of `key` is; counts the hit.
    #[inline]
    fn hit(
        &mut self,
        core: &Core,
        key: &Key,
        moment: Moment,
        (kind, tally): (u16, &Arc<Tally>),
    ) -> Option<usize> {
        let at = self.find(key.hash)?;
        let place = &self.places[at];
        if place.kind != kind {
            return None;
        }
        let held = &**place.held.as_ref()?;
        if !is_good(place, held, key, moment, &core.versions) {
            self.empty(at);
            return None;
        }
        let place = &mut self.places[at];
        let cost_us = place.cost_us;
        place.verified = moment.clock;
        if place.count(core.memory.turn()) {
            core.memory.touch(key);
        }
        self.strand(kind, tally).front_hit(cost_us);
        Some(at)
    }
}

/// Whether an entry may be served: it is the key's, young, still in memory and not outdated.
#[inline]
fn is_good(place: &Place, held: &dyn Held, key: &Key, moment: Moment, versions: &Versions) -> bool {
    moment.now_ms < place.until_ms
        && held.is_present(key)
        // The versions' own clock tells whether anything at all was changed since it was last
        // judged; where something was, the places that it depends on tell whether that was its.
        && (moment.clock == place.verified || held.judge(versions) == Verdict::Fresh)
}

/// Counts an answer of memory by the calling thread's own counters, and takes the entry where it was
/// judged as fresh at `moment`; says whether it could.
pub(crate) fn admit<V>(
    core: &Core,
    key: &Key,
    moment: Option<Moment>,
    (kind, tally): (u16, &Arc<Tally>),
    entry: &Entry<V>,
) -> bool {
    let done = with_front(core, |front| {
        let cost_us = entry.held().cost_us();
        front.strand(kind, tally).memory_hit(cost_us);
        if let Some(moment) = moment {
            front.place(key, moment, core.memory.turn(), entry.held());
        }
        Some(())
    });
    done.is_some()
}

impl Front {
    fn place(&mut self, key: &Key, moment: Moment, turn: u32, held: &Holder) -> Option<()> {
        let meta = held.meta();
        if meta.weight > ENTRY_BYTES_MAX {
            return None;
        }
        if let Some(at) = self.find(key.hash) {
            self.empty(at);
        }
        self.grow();
        let at = self.room(key.hash, meta.weight)?;
        self.bytes += u64::from(meta.weight);
        self.tags[at] = tag(key.hash);
        self.places[at] = Place {
            hash: key.hash,
            verified: moment.clock,
            until_ms: held.born_ms() + u64::from(held.ages().eager),
            held: Some(held.clone()),
            turn,
            cost_us: held.cost_us(),
            kind: meta.terms.kind,
            ..Place::default()
        };
        Some(())
    }
}

/// Bits of a hash that did not choose the place, and one that says that there is something.
#[inline]
fn tag(hash: u64) -> u32 {
    hash as u32 | 1
}

/// Counts an answer of memory by the calling thread's own counters; says whether it could.
pub(crate) fn count_memory_hit(
    core: &Core,
    (kind, tally): (u16, &Arc<Tally>),
    cost_us: u32,
) -> bool {
    let counted = with_front(core, |front| {
        front.strand(kind, tally).memory_hit(cost_us);
        Some(())
    });
    counted.is_some()
}
