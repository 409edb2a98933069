//! Times `crates/cache` beside other caches: `cache_bench hot|zipf|bytes|herd|ratio`.

mod bytes_each;
mod herd;
mod hot;
mod peers;
mod ratio;

use bytes_each::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    let what = std::env::args().nth(1).unwrap_or_default();
    match what.as_str() {
        "hot" => hot::run("2,000 keys, each as often", 2_000, 0.0),
        "zipf" => hot::run("100,000 keys, Zipf 0.99", 100_000, 0.99),
        "bytes" => bytes_each::run(),
        "herd" => herd::run(),
        "ratio" => ratio::run(),
        _ => panic!("say what to measure: hot, zipf, bytes, herd or ratio"),
    }
}

/// A sequence of numbers that is the same every time (`SplitMix64`).
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// In 0..1.
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Numbers below `count` by Zipf's law of exponent `skew`, in an order of popularity that has nothing
/// to do with their size; 0 draws them evenly.
pub fn drawn(count: usize, skew: f64, length: usize, seed: u64) -> Vec<u32> {
    let mut chance = Chance(seed);
    let mut sums = Vec::with_capacity(count);
    let mut sum = 0.0;
    for rank in 1..=count {
        sum += (rank as f64).powf(-skew);
        sums.push(sum);
    }
    let mut place: Vec<u32> = (0..count as u32).collect();
    let mut shuffle = Chance(1);
    for at in (1..count).rev() {
        place.swap(at, shuffle.next() as usize % (at + 1));
    }
    (0..length)
        .map(|_| {
            let wanted = chance.share() * sum;
            place[sums.partition_point(|it| *it < wanted).min(count - 1)]
        })
        .collect()
}
