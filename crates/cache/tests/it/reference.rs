//! Random histories against a plain map that forgets at once.

use std::collections::HashMap;

use cache::{Tag, Target};
use proptest::prelude::*;

use super::*;

const KEYS: u64 = 4;
const TAGS: u64 = 3;

#[derive(Debug, Clone)]
enum Step {
    /// Asks; the loader would read the origin, or fail.
    Ask {
        key: u64,
        fails: bool,
    },
    Put {
        key: u64,
    },
    /// Changes what a tag stands for in the origin, and says so.
    Change {
        tag: u64,
        gently: bool,
    },
    RemoveKey {
        key: u64,
    },
    RemoveAll,
    Wait {
        ms: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..KEYS, prop::bool::weighted(0.2)).prop_map(|(key, fails)| Step::Ask { key, fails }),
        1 => (0..KEYS).prop_map(|key| Step::Put { key }),
        2 => (0..TAGS, any::<bool>()).prop_map(|(tag, gently)| Step::Change { tag, gently }),
        1 => (0..KEYS).prop_map(|key| Step::RemoveKey { key }),
        1 => Just(Step::RemoveAll),
        3 => (1..3_000_u64).prop_map(|ms| Step::Wait { ms }),
    ]
}

/// What the plain map knows of a value.
#[derive(Clone)]
struct Known {
    value: u64,
    born: u64,
    expired: bool,
}

#[derive(Default)]
struct Model {
    now: u64,
    /// Fresh answers that were given again.
    again: u64,
    /// How often each tag's thing has changed.
    origin: [u64; TAGS as usize],
    map: HashMap<u64, Known>,
    /// Failures held, by key, until when.
    held: HashMap<u64, u64>,
}

const SOFT: u64 = 2_000;
const HARD: u64 = 5_000;

impl Model {
    fn value(&self, key: u64) -> u64 {
        self.origin[(key % TAGS) as usize] * 10 + key
    }

    /// What asking for `key` must give: the value and whether it is stale, or a failure.
    fn ask(&mut self, key: u64, fails: bool) -> Option<(u64, bool)> {
        let now = self.now;
        let known = self
            .map
            .get(&key)
            .filter(|it| now - it.born < HARD)
            .cloned();
        if let Some(it) = &known
            && !it.expired
            && now - it.born < SOFT
        {
            return Some((it.value, false));
        }
        let held = self.held.get(&key).is_some_and(|until| now < *until);
        if held || fails {
            if !held {
                self.held.insert(key, now + 100);
            }
            return known.map(|it| (it.value, true));
        }
        let value = self.value(key);
        let made = Known {
            value,
            born: now,
            expired: false,
        };
        self.map.insert(key, made);
        Some((value, false))
    }

    fn change(&mut self, keys: impl Fn(u64) -> bool, gently: bool) {
        for key in (0..KEYS).filter(|key| keys(*key)) {
            if !gently {
                self.map.remove(&key);
            } else if let Some(known) = self.map.get_mut(&key) {
                known.expired = true;
            }
        }
    }
}

async fn history(steps: Vec<Step>) {
    let cache = cache();
    let numbers = numbers(&cache, Rules::new(ms(SOFT), ms(HARD)));
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Ask { key: number, fails } => {
                let value = model.value(number);
                let load = move |loading: Loading| async move {
                    loading.tag(&Tag::new("thing", number % TAGS));
                    if fails { Err(Ill) } else { Ok(value) }
                };
                let got = numbers.get_or_load(&key(&numbers, number), load).await;
                let got = got.ok().map(|hit| (*hit, hit.is_stale()));
                assert_eq!(got, model.ask(number, fails), "key {number}");
                // What is fresh is read again from memory, and then from what is at hand.
                let fresh = got.filter(|it| !it.1).map(|it| it.0);
                for _ in 0..2 {
                    let read = numbers.read(&key(&numbers, number), |it| **it);
                    assert_eq!(read, fresh, "key {number} again");
                    model.again += u64::from(read.is_some());
                }
            }
            Step::Put { key: number } => {
                let value = model.value(number);
                let tag = Tag::new("thing", number % TAGS);
                numbers
                    .put(&key(&numbers, number), value, |it| it.tag(&tag))
                    .await
                    .unwrap();
                let made = Known {
                    value,
                    born: model.now,
                    expired: false,
                };
                model.map.insert(number, made);
                model.held.remove(&number);
            }
            Step::Change { tag, gently } => {
                model.origin[tag as usize] += 1;
                let target = [Target::from(Tag::new("thing", tag))];
                let _ = match gently {
                    true => cache.expire(&target).await,
                    false => cache.remove(&target).await,
                };
                model.change(|key| key % TAGS == tag, gently);
            }
            Step::RemoveKey { key: number } => {
                cache.remove(&[Target::from(&key(&numbers, number))]).await;
                model.change(|key| key == number, false);
                model.held.remove(&number);
            }
            Step::RemoveAll => {
                cache.remove(&[Target::Everything]).await;
                model.change(|_| true, false);
                model.held.clear();
            }
            Step::Wait { ms: time } => {
                tokio::time::advance(ms(time)).await;
                model.now += time;
            }
        }
    }
    // Of two reads of a fresh value at least one was answered by what was at hand.
    assert!(cache.statistics()[0].front_hits * 2 >= model.again);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn every_history_reads_as_from_a_plain_map(steps in prop::collection::vec(step(), 1..80)) {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap()
            .block_on(history(steps));
    }
}
