//! Hit ratios over traces, each against the best there can be (Belady: drop what is needed last).
//!
//! Traces that were recorded elsewhere are read from files of numbers, one a line, named as
//! arguments; those that follow a rule are made here.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use cache::{Cache, CacheOptions, Kind, KindOptions, Rules, Scope, Tier};

use crate::drawn;
use crate::peers::runtime;

struct Trace {
    name: String,
    asked: Vec<u64>,
    rooms: Vec<usize>,
}

pub fn run() {
    let mut traces = made();
    for file in std::env::args().skip(2) {
        let text = std::fs::read_to_string(&file).expect("the file can be read");
        let asked: Vec<u64> = text.lines().filter_map(|it| it.trim().parse().ok()).collect();
        traces.push(Trace { name: file, asked, rooms: vec![500, 1_000, 2_000] });
    }
    println!("| trace, room | best | ours | quick_cache | moka | ours / best | quick_cache / best |");
    println!("|---|---|---|---|---|---|---|");
    let mut shares = [Vec::new(), Vec::new(), Vec::new()];
    let mut regrets = [0.0_f64; 3];
    for trace in &traces {
        for &room in &trace.rooms {
            let best = belady(&trace.asked, room);
            let each = [ours(&trace.asked, room), quick(&trace.asked, room), moka(&trace.asked, room)];
            let leader = each.into_iter().fold(0.0, f64::max);
            for (at, it) in each.into_iter().enumerate() {
                shares[at].push(it / best);
                regrets[at] = regrets[at].max((leader - it) * 100.0);
            }
            let [ours, quick, moka] = each.map(|it| it * 100.0);
            println!(
                "| {} {room} | {:.2} | {ours:.2} | {quick:.2} | {moka:.2} | {:.3} | {:.3} |",
                trace.name,
                best * 100.0,
                ours / best / 100.0,
                quick / best / 100.0,
            );
        }
    }
    let mean = |all: &Vec<f64>| all.iter().sum::<f64>() / all.len() as f64;
    for (name, at) in [("ours", 0), ("quick_cache", 1), ("moka", 2)] {
        let (mean, worst) = (mean(&shares[at]), regrets[at]);
        println!("\n{name}: mean share of the best {mean:.3}, worst regret to the best of the three {worst:.1} points");
    }
}

/// Traces that follow a rule: popularity, loops, popularity that moves, scans in between.
fn made() -> Vec<Trace> {
    let zipf = |skew, seed| drawn(50_000, skew, 1_000_000, seed).into_iter().map(u64::from);
    let moving = zipf(0.9, 3).enumerate().map(|(at, it)| it + (at / 100_000) as u64 * 10_000);
    let scanned = zipf(0.9, 4).enumerate().flat_map(|(at, it)| {
        let scan = (at % 20_000 == 0).then(|| (0..4_000).map(move |n| 1_000_000 + at as u64 * 10 + n));
        std::iter::once(it).chain(scan.into_iter().flatten())
    });
    let looped = (0..1_000_000_u64).map(|it| it % 1_000);
    let mixed = zipf(0.8, 5).enumerate().map(|(at, it)| match at % 2 {
        0 => it,
        _ => 1_000_000 + (at as u64 / 2) % 3_000,
    });
    let trace = |name: &str, asked: Vec<u64>, rooms: &[usize]| Trace {
        name: name.to_owned(),
        asked,
        rooms: rooms.to_vec(),
    };
    vec![
        trace("zipf 0.99", zipf(0.99, 1).collect(), &[500, 5_000]),
        trace("zipf 0.7", zipf(0.7, 2).collect(), &[500, 5_000]),
        trace("zipf 0.9 that moves", moving.collect(), &[500, 5_000]),
        trace("zipf 0.9 with scans", scanned.collect(), &[500, 5_000]),
        trace("loop of 1,000", looped.collect(), &[500, 900]),
        trace("zipf 0.8 and a loop of 3,000", mixed.collect(), &[1_000, 4_000]),
    ]
}

/// The best hit ratio: what is needed last makes room, a newcomer that is needed later still is not
/// kept.
fn belady(asked: &[u64], room: usize) -> f64 {
    let mut next_at = HashMap::new();
    let mut next = vec![usize::MAX; asked.len()];
    for (at, it) in asked.iter().enumerate().rev() {
        next[at] = next_at.insert(*it, at).unwrap_or(usize::MAX - at);
    }
    let (mut held, mut by_need, mut hits) = (HashMap::new(), BTreeSet::new(), 0);
    for (at, it) in asked.iter().enumerate() {
        if let Some(need) = held.remove(it) {
            by_need.remove(&(need, *it));
            hits += 1;
        }
        held.insert(*it, next[at]);
        by_need.insert((next[at], *it));
        if held.len() > room {
            let (_, last) = by_need.pop_last().expect("something is held");
            held.remove(&last);
        }
    }
    hits as f64 / asked.len() as f64
}

/// Bytes of a value, as they are in the product.
const VALUE: usize = 400;

/// With room for as many entries by their weight.
fn ours(asked: &[u64], room: usize) -> f64 {
    let cache = Cache::new(&CacheOptions {
        memory_bytes_max: room as u64 * entry_bytes(),
        ..CacheOptions::default()
    });
    let rules = Rules::new(Duration::from_secs(3_600), Duration::from_secs(7_200));
    let kind = cache.kind(KindOptions::new("n", rules).weigh(|_| VALUE));
    let kind: Kind<u64, Infallible> = kind.expect("its name is free");
    let mut hits = 0;
    runtime().block_on(async {
        for it in asked {
            let key = kind.key(Scope::Public).part(*it).build();
            let value = *it;
            let hit = kind.get_or_load(&key, move |_| async move { Ok(value) }).await;
            let tier = hit.expect("it loads").tier();
            hits += u32::from(matches!(tier, Tier::Front | Tier::Memory));
        }
    });
    f64::from(hits) / asked.len() as f64
}

/// What memory takes an entry to weigh.
fn entry_bytes() -> u64 {
    let cache = Cache::new(&CacheOptions::default());
    let rules = Rules::new(Duration::from_secs(3_600), Duration::from_secs(7_200));
    let kind = cache.kind(KindOptions::new("n", rules).weigh(|_| VALUE));
    let kind: Kind<u64, Infallible> = kind.expect("its name is free");
    let key = kind.key(Scope::Public).part(0_u64).build();
    let load = kind.get_or_load(&key, |_| async { Ok(0) });
    runtime().block_on(load).expect("it loads");
    cache.statistics()[0].bytes
}

fn quick(asked: &[u64], room: usize) -> f64 {
    let cache = quick_cache::sync::Cache::<u64, Arc<()>>::new(room);
    let value = Arc::new(());
    let hit = |it: &&u64| match cache.get(*it) {
        Some(_) => true,
        None => {
            cache.insert(**it, Arc::clone(&value));
            false
        }
    };
    asked.iter().filter(hit).count() as f64 / asked.len() as f64
}

fn moka(asked: &[u64], room: usize) -> f64 {
    let cache = moka::sync::Cache::<u64, ()>::new(room as u64);
    let mut hits = 0;
    for (at, it) in asked.iter().enumerate() {
        match cache.get(it) {
            Some(()) => hits += 1,
            None => cache.insert(*it, ()),
        }
        if at % 64 == 0 {
            cache.run_pending_tasks();
        }
    }
    f64::from(hits) / asked.len() as f64
}
