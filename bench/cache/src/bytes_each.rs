//! What an entry takes beyond the text of its key and its value, by what the allocator gave out.

use std::alloc::{GlobalAlloc, Layout, System};
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cache::{Cache, CacheOptions, Kind, KindOptions, Rules, Scope, Tag};

use crate::peers::runtime;

const ENTRIES: usize = 200_000;
/// What glibc keeps beside a piece of memory.
const HEADER: usize = 8;
const LIVES: Duration = Duration::from_secs(3_600);

static HELD: AtomicUsize = AtomicUsize::new(0);

/// Counts what is held, as large as the allocator made it.
pub struct Counting;

// SAFETY: everything is passed on as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promised.
        let it = unsafe { System.alloc(layout) };
        HELD.fetch_add(size(it), Ordering::Relaxed);
        it
    }

    unsafe fn dealloc(&self, it: *mut u8, layout: Layout) {
        HELD.fetch_sub(size(it), Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(it, layout) }
    }
}

fn size(it: *mut u8) -> usize {
    // SAFETY: it came from the allocator just now, or goes back to it.
    HEADER + unsafe { libc::malloc_usable_size(it.cast()) }
}

/// Keeps what `fill` makes while it is weighed; says the bytes of an entry beyond `own`.
fn weighed<T>(own: usize, fill: impl FnOnce() -> T) -> f64 {
    let before = HELD.load(Ordering::Relaxed);
    let made = fill();
    let after = HELD.load(Ordering::Relaxed);
    drop(made);
    after.saturating_sub(before) as f64 / ENTRIES as f64 - own as f64
}

fn text(number: usize) -> String {
    format!("fixture:{number:07}:prediction")
}

pub fn run() {
    println!("| cache, {ENTRIES} entries, number → number unless said | bytes beyond key and value |");
    println!("|---|---|");
    let mut row = |name: &str, bytes: f64| println!("| {name} | {bytes:.0} |");
    let key = text(0).len();
    row("ours, 1 tag", weighed(16, || ours(false, 1)));
    row("ours, text of 26 bytes, 1 tag", weighed(key + 8, || ours(true, 1)));
    row("ours, text of 26 bytes, 4 tags", weighed(key + 8, || ours(true, 4)));
    row("quick_cache", weighed(16, || {
        let cache = quick_cache::sync::Cache::new(ENTRIES);
        (0..ENTRIES as u64).for_each(|it| cache.insert(it, it));
        cache
    }));
    row("quick_cache, text", weighed(key + 8, || {
        let cache = quick_cache::sync::Cache::new(ENTRIES);
        (0..ENTRIES).for_each(|it| cache.insert(text(it), it as u64));
        cache
    }));
    row("moka, time to live", weighed(16, || {
        let cache = moka::sync::Cache::builder().max_capacity(ENTRIES as u64);
        let cache = cache.time_to_live(LIVES).build();
        (0..ENTRIES as u64).for_each(|it| cache.insert(it, it));
        cache.run_pending_tasks();
        cache
    }));
    row("foyer", weighed(16, || {
        let cache: foyer_memory::Cache<u64, u64> = foyer_memory::CacheBuilder::new(ENTRIES).build();
        (0..ENTRIES as u64).for_each(|it| drop(cache.insert(it, it)));
        cache
    }));
    row("amalgam, text, 1 tag", weighed(key + 8, || {
        let cache = amalgam::Cache::<u64>::builder();
        let cache = cache.default_options(amalgam::EntryOptions::new(LIVES));
        let cache = cache.max_capacity(ENTRIES as u64).try_build().expect("it is sound");
        runtime().block_on(async {
            for it in 0..ENTRIES {
                let set = cache.set(text(it), it as u64).tags([format!("t{}", it % 100)]);
                set.await.expect("it is kept");
            }
        });
        cache
    }));
}

fn ours(texts: bool, tags: u64) -> (Cache, Kind<u64, Infallible>) {
    let options = CacheOptions {
        // As much as they weigh, about: the tables are made for that.
        memory_bytes_max: ENTRIES as u64 * 512,
        slots: 1 << 10,
        ..CacheOptions::default()
    };
    let cache = Cache::new(&options);
    let kind = cache.kind(KindOptions::new("n", Rules::new(LIVES, LIVES * 2)));
    let kind: Kind<u64, Infallible> = kind.expect("its name is free");
    runtime().block_on(async {
        for number in 0..ENTRIES {
            let key = kind.key(Scope::Public);
            let key = match texts {
                true => key.part(text(number)),
                false => key.part(number as u64),
            };
            let tag = move |loading: &cache::Loading| {
                (0..tags).for_each(|it| loading.tag(&Tag::new("t", number as u64 * 7 + it)));
            };
            kind.put(&key.build(), number as u64, tag).await.expect("it is kept");
        }
    });
    assert!(cache.statistics()[0].entries as usize > ENTRIES * 99 / 100, "all fit");
    (cache, kind)
}
