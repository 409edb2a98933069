//! A shard against a plain map, step by step, and what its policy is worth on loops and on
//! popularity that moves.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

/// A number of a key, which copy it is, and its weight.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Item {
    key: u32,
    copy: u32,
    weight: u64,
}

impl Piece for Item {
    fn weight(&self) -> u64 {
        self.weight
    }
}

const BYTES_MAX: u64 = 1_000;

#[derive(Debug, Clone)]
enum Step {
    Get(u32),
    Insert(u32, u64),
    Remove(u32),
    Retain(u32),
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    let weight = prop_oneof![8 => 1..50_u64, 2 => 200..400_u64, 1 => 960..1_100_u64];
    prop_oneof![
        40 => (0..60_u32).prop_map(Step::Get),
        40 => (0..60_u32, weight).prop_map(|(key, weight)| Step::Insert(key, weight)),
        10 => (0..60_u32).prop_map(Step::Remove),
        2 => (2..5_u32).prop_map(Step::Retain),
        1 => Just(Step::Clear),
    ]
}

/// Several keys have one part of a hash: only the whole key tells them apart.
fn part(key: u32) -> u32 {
    (key / 2).wrapping_mul(0x9e37_79b1) >> 4
}

fn is(key: u32) -> impl Fn(&Item) -> bool {
    move |it| it.key == key
}

/// What must hold after each step.
fn check(shard: &mut Shard<Item>, last: &HashMap<u32, Item>) {
    let held: Vec<Item> = shard.iter().copied().collect();
    assert_eq!(shard.weight(), held.iter().map(|it| it.weight).sum::<u64>());
    assert!(shard.weight() <= BYTES_MAX);
    assert_eq!(shard.index.len(), held.len());
    assert_eq!(shard.slots.len(), held.len() + shard.free.len());
    for it in &held {
        assert_eq!(last.get(&it.key), Some(it), "nothing older than the last");
        assert_eq!(shard.peek(part(it.key), is(it.key)), Some(it));
    }
    let mut cold = 0;
    for at in 0..shard.slots.len() {
        let marks = *shard.marks[at].get_mut();
        assert!(marks & ASKED <= ASKED_MAX);
        match &shard.slots[at] {
            Some(it) => {
                assert_eq!(marks >> PART_AT, part(it.key));
                cold += usize::from(marks & HOT == 0);
            }
            None => assert_eq!(marks, 0),
        }
    }
    assert_eq!(cold, shard.cold.len(), "the queue names each cold one once");
}

proptest! {
    #[test]
    fn what_is_there_is_the_last_of_its_key_within_the_budget(
        steps in prop::collection::vec(step(), 1..400),
    ) {
        let mut shard = Shard::new(BYTES_MAX);
        let mut last = HashMap::new();
        for (at, step) in steps.into_iter().enumerate() {
            match step {
                Step::Get(key) => {
                    let got = shard.get(part(key), is(key)).copied();
                    assert!(got.is_none() || got == last.get(&key).copied());
                }
                Step::Insert(key, weight) => {
                    let before = shard.peek(part(key), is(key)).copied();
                    let count = shard.index.len();
                    let item = Item { key, copy: at as u32, weight };
                    last.insert(key, item);
                    let gone = shard.insert(part(key), is(key), item);
                    assert_eq!(gone.replaced, before);
                    let went = usize::from(before.is_some()) + gone.evicted.len();
                    assert_eq!(shard.index.len(), count + 1 - went);
                    let fits = before.is_none() && weight <= shard.cold_bytes_max();
                    let there = shard.peek(part(key), is(key));
                    assert!(!fits || there == Some(&item), "a newcomer has a chance");
                }
                Step::Remove(key) => {
                    let before = shard.peek(part(key), is(key)).copied();
                    assert_eq!(shard.remove(part(key), is(key)), before);
                    assert_eq!(shard.peek(part(key), is(key)), None);
                    last.remove(&key);
                }
                Step::Retain(every) => {
                    let gone = shard.retain(|it| !it.key.is_multiple_of(every));
                    assert!(gone.iter().all(|it| it.key.is_multiple_of(every)));
                    assert!(shard.iter().all(|it| !it.key.is_multiple_of(every)));
                    last.retain(|key, _| !key.is_multiple_of(every));
                }
                Step::Clear => {
                    let count = shard.index.len();
                    assert_eq!(shard.clear().len(), count);
                    assert_eq!((shard.len(), shard.weight()), (0, 0));
                    last.clear();
                }
            }
            check(&mut shard, &last);
        }
    }
}

#[test]
fn gaps_are_closed_where_large_ones_take_the_place_of_small_ones() {
    let mut shard = Shard::new(100_000);
    let put = |shard: &mut Shard<Item>, key, weight| {
        let item = Item {
            key,
            copy: 0,
            weight,
        };
        shard.insert(part(key), is(key), item);
        shard.get(part(key), is(key));
    };
    (0..20_000).for_each(|key| put(&mut shard, key, 10));
    assert!(shard.slots.len() >= 10_000);
    (20_000..40_000).for_each(|key| put(&mut shard, key, 1_000));
    let (slots, entries) = (shard.slots.len(), shard.len());
    assert!(slots < entries * 4 + 4, "{slots} slots for {entries}");
    let held: Vec<Item> = shard.iter().copied().collect();
    for it in held {
        assert_eq!(shard.peek(part(it.key), is(it.key)), Some(&it));
    }
    assert!((90_000..=100_000).contains(&shard.weight()));
}

/// The share of what is asked for that is there.
fn hit_ratio(room: u64, asked: impl Iterator<Item = u32>) -> f64 {
    let mut shard = Shard::new(room);
    let (mut hits, mut count) = (0, 0);
    for key in asked {
        count += 1;
        if shard.get(hashed(key), is(key)).is_some() {
            hits += 1;
            continue;
        }
        let item = Item {
            key,
            copy: 0,
            weight: 1,
        };
        shard.insert(hashed(key), is(key), item);
    }
    f64::from(hits) / f64::from(count)
}

/// A part of a hash of its own for each number.
fn hashed(key: u32) -> u32 {
    key.wrapping_mul(0x9e37_79b1) >> 4
}

#[test]
fn a_loop_longer_than_the_room_is_kept_as_far_as_it_fits() {
    for (length, room) in [(1_000, 500), (1_000, 600), (1_000, 700), (1_000, 900)] {
        let ratio = hit_ratio(room, (0..300_000).map(|it| it % length));
        let best = room as f64 / f64::from(length);
        assert!(ratio > 0.9 * best, "{length} {room}: {ratio}");
    }
}

#[test]
fn those_that_become_popular_take_the_place_of_those_that_were() {
    // The lower the number above a base, the more popular; the base moves on twenty times.
    let asked = (0..400_000_u32).map(|it| {
        let drawn = f64::from(chance(it)) / f64::from(u32::MAX);
        it / 20_000 * 1_000 + (drawn.powi(4) * 20_000.0) as u32
    });
    let ratio = hit_ratio(1_000, asked);
    assert!(ratio > 0.35, "{ratio}");
}

/// A number without an order (the finalizer of `MurmurHash3`).
fn chance(mut seed: u32) -> u32 {
    seed = (seed ^ seed >> 16).wrapping_mul(0x85eb_ca6b);
    seed = (seed ^ seed >> 13).wrapping_mul(0xc2b2_ae35);
    seed ^ seed >> 16
}

#[test]
fn a_scan_leaves_those_that_are_wanted_where_they_are() {
    // Half of all that is asked for are the same 400; the others are never asked for again.
    let asked = (0..400_000_u32).map(|it| match it % 2 {
        0 => (it.wrapping_mul(0x9e37_79b1) >> 8) % 400,
        _ => 1_000 + it,
    });
    let ratio = hit_ratio(500, asked);
    assert!(ratio > 0.48, "{ratio}");
}

/// Asks for one of a weight; says whether it was there.
fn ask(shard: &mut Shard<Item>, key: u32, weight: u64) -> bool {
    let is_there = shard.get(hashed(key), is(key)).is_some();
    if !is_there {
        let item = Item {
            key,
            copy: 0,
            weight,
        };
        shard.insert(hashed(key), is(key), item);
    }
    is_there
}

#[test]
fn large_ones_that_nobody_asks_for_again_leave_the_wanted_where_they_are() {
    let mut shard = Shard::new(10_000);
    let mut hits = 0;
    for turn in 0..200_000 {
        let key = chance(turn) % 450;
        hits += u32::from(ask(&mut shard, key, 20));
        if turn % 10 == 0 {
            ask(&mut shard, 1_000 + turn, 1_000);
        }
    }
    let ratio = f64::from(hits) / 200_000.0;
    assert!(ratio > 0.98, "{ratio}");
}

#[test]
fn a_large_one_that_comes_back_is_let_in_and_stays() {
    let mut shard = Shard::new(10_000);
    for turn in 0..10_000 {
        ask(&mut shard, chance(turn) % 450, 20);
    }
    for key in 500..600 {
        ask(&mut shard, key, 20);
    }
    assert!(!ask(&mut shard, 1_000, 1_000) && !ask(&mut shard, 1_000, 1_000));
    assert!(ask(&mut shard, 1_000, 1_000), "it came back");
    let mut hits = 0;
    for turn in 0..10_000 {
        ask(&mut shard, chance(turn) % 450, 20);
        hits += u32::from(turn % 20 == 0 && ask(&mut shard, 1_000, 1_000));
    }
    assert!(hits > 490, "{hits} of 500");
}

#[test]
fn a_cold_one_that_was_made_anew_and_has_grown_large_is_kept() {
    let mut shard = Shard::new(10_000);
    for key in 0..500 {
        ask(&mut shard, key, 20);
    }
    let at = shard.find(hashed(499), is(499)).unwrap();
    assert!(shard.is_cold(at));
    let grown = Item {
        key: 499,
        copy: 1,
        weight: 1_000,
    };
    let gone = shard.insert(hashed(499), is(499), grown);
    assert_eq!(gone.replaced.map(|it| it.copy), Some(0));
    assert_eq!(shard.peek(hashed(499), is(499)), Some(&grown));
}
