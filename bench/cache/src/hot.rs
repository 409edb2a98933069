//! Hits, on one thread and on two at once.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use crate::drawn;
use crate::peers::{Ours, Peer, theirs};

const ORDER: usize = 1 << 18;
const ROUNDS: usize = 7;
/// How long one peer is asked in a round, about.
const LASTS: Duration = Duration::from_millis(150);

/// What one peer took in each round: nanoseconds of processor an operation, and operations/s of wall.
#[derive(Default)]
struct Figures {
    one_ns: Vec<f64>,
    one_rate: Vec<f64>,
    two_ns: Vec<f64>,
    two_rate: Vec<f64>,
}

pub fn run(title: &str, count: usize, skew: f64) {
    let keys: Vec<String> = (0..count)
        .map(|it| format!("fixture:{:07}:prediction", it * 37))
        .collect();
    let orders = [1, 2].map(|seed| drawn(count, skew, ORDER, seed));
    let mut peers = Ours::all(&keys);
    let only = std::env::args().nth(2);
    if only.is_none() {
        peers.extend(theirs(&keys));
    }
    peers.retain(|it| only.as_ref().is_none_or(|only| it.name() == only));
    let mut all: Vec<Figures> = peers.iter().map(|_| Figures::default()).collect();
    for _ in 0..ROUNDS {
        // All peers in turn within a round, so that a slow moment of the machine is everybody's.
        for (peer, figures) in peers.iter().zip(&mut all) {
            let (ns, rate) = timed(&**peer, &keys, &orders[..1]);
            figures.one_ns.push(ns);
            figures.one_rate.push(rate);
            let (ns, rate) = timed(&**peer, &keys, &orders);
            figures.two_ns.push(ns);
            figures.two_rate.push(rate);
        }
    }
    println!("{title}; medians of {ROUNDS} rounds, ns of processor an operation\n");
    println!("| cache | 1 thread | 2 threads | throughput of 2 / 1 | 1 thread / quick_cache | fastest round |");
    println!("|---|---|---|---|---|---|");
    let quick = peers.iter().position(|it| it.name() == "quick_cache, get");
    let quick = quick.map_or(f64::NAN, |at| median(&all[at].one_ns));
    for (peer, it) in peers.iter().zip(&all) {
        let (one, two) = (median(&it.one_ns), median(&it.two_ns));
        let scale = median(&it.two_rate) / median(&it.one_rate);
        let best = it.one_ns.iter().copied().fold(f64::MAX, f64::min);
        println!(
            "| {} | {one:.1} | {two:.1} | {scale:.2} | {:.2} | {best:.1} |",
            peer.name(),
            one / quick
        );
    }
}

/// Asks on as many threads as there are orders.
fn timed(peer: &dyn Peer, keys: &[String], orders: &[Vec<u32>]) -> (f64, f64) {
    let gate = Barrier::new(orders.len());
    let work = |order: &Vec<u32>| {
        black_box(peer.ask(keys, &order[..1 << 14]));
        gate.wait();
        let (cpu, began, mut count) = (processor(), Instant::now(), 0);
        while began.elapsed() < LASTS {
            for part in order.chunks(1 << 15) {
                black_box(peer.ask(keys, part));
                count += part.len();
            }
        }
        let spent = (processor() - cpu).as_secs_f64() * 1e9 / count as f64;
        (spent, count as f64 / began.elapsed().as_secs_f64())
    };
    let each: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> = orders.iter().map(|order| scope.spawn(|| work(order))).collect();
        all.into_iter().map(|it| it.join().expect("nothing panics")).collect()
    });
    let spent = each.iter().map(|it| it.0).sum::<f64>() / each.len() as f64;
    (spent, each.iter().map(|it| it.1).sum())
}

/// Time that this thread was on a processor.
fn processor() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the clock exists on Linux, and the place written to is ours.
    let done = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(done, 0, "the clock can be read");
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

fn median(all: &[f64]) -> f64 {
    let mut sorted = all.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
