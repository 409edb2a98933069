//! Which answers were asked for most lately, whatever has become of them since.

use std::collections::{HashMap, HashSet};

use engine::caching::Glimpse;

use super::address_of;

/// Addresses that are remembered.
const ADDRESSES_MAX: usize = 2_000;
/// Seconds after which a request counts half.
const HALF_LIFE_S: f64 = 1_200.0;
/// What is colder is forgotten.
const HEAT_MIN: f64 = 0.05;

/// How hot answers are, by their address.
#[derive(Debug, Default)]
pub(crate) struct Heat {
    addresses: HashMap<String, Warmth>,
    last_s: Option<i64>,
}

#[derive(Debug, Default)]
struct Warmth {
    /// Requests, each halved with every half-life since.
    heat: f64,
    /// Hits of the value that was there when last looked.
    hits: u32,
}

impl Heat {
    /// Notes how often the values in memory were answered by `now_s`, a second of the caller's
    /// clock.
    pub(crate) fn note(&mut self, now_s: i64, glimpses: &[Glimpse]) {
        let passed = self.last_s.map_or(0, |last| (now_s - last).max(0)) as f64;
        self.last_s = Some(now_s);
        let cooling = 0.5_f64.powf(passed / HALF_LIFE_S);
        for it in self.addresses.values_mut() {
            it.heat *= cooling;
        }
        for glimpse in glimpses {
            let Some(address) = address_of(glimpse) else {
                continue;
            };
            let warmth = self.addresses.entry(address.to_owned()).or_default();
            let is_same = glimpse.age.as_secs_f64() > passed && glimpse.hits >= warmth.hits;
            // A value that is new was asked for once more than it was hit.
            let asked = if is_same && warmth.heat > 0.0 {
                glimpse.hits - warmth.hits
            } else {
                glimpse.hits.saturating_add(1)
            };
            warmth.heat += f64::from(asked);
            warmth.hits = glimpse.hits;
        }
        self.addresses.retain(|_, it| it.heat >= HEAT_MIN);
        if self.addresses.len() > ADDRESSES_MAX {
            let hottest: HashSet<_> = self.hottest(ADDRESSES_MAX).into_iter().collect();
            self.addresses.retain(|it, _| hottest.contains(it));
        }
    }

    /// The hottest addresses, first the hottest.
    pub(crate) fn hottest(&self, count: usize) -> Vec<String> {
        let mut all: Vec<_> = self.addresses.iter().collect();
        all.sort_by(|(a, x), (b, y)| y.heat.total_cmp(&x.heat).then_with(|| a.cmp(b)));
        let first = all.into_iter().take(count);
        first.map(|(address, _)| address.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;
    use std::time::Duration;

    use engine::caching::{Cache, CacheOptions, Kind, KindOptions, Rules, Scope, State};

    use super::*;

    static KIND: LazyLock<Kind<(), std::io::Error>> = LazyLock::new(|| {
        let rules = Rules::new(Duration::ZERO, Duration::ZERO);
        let cache = Cache::new(&CacheOptions::default());
        cache.kind(KindOptions::new("k", rules)).unwrap()
    });

    fn glimpse(address: &str, hits: u32, age_s: u64) -> Glimpse {
        let key = KIND.key(Scope::Public).part(address).build();
        Glimpse {
            key: key.as_bytes().into(),
            kind: "k".to_owned(),
            age: Duration::from_secs(age_s),
            state: State::Fresh,
            bytes: 1,
            hits,
            cost: Duration::ZERO,
            slots: Vec::new(),
        }
    }

    #[test]
    fn requests_count_whether_their_value_lives_on_or_was_made_anew() {
        let mut heat = Heat::default();
        heat.note(0, &[glimpse("/kept", 9, 5), glimpse("/new", 8, 5)]);
        assert_eq!(heat.hottest(9), ["/kept", "/new"]);
        // The one was asked for once more; the other was made again and hit four times since.
        heat.note(15, &[glimpse("/kept", 10, 20), glimpse("/new", 4, 3)]);
        assert_eq!(heat.hottest(9), ["/new", "/kept"]);
        // What is gone from memory stays hot for a while.
        heat.note(30, &[]);
        assert_eq!(heat.hottest(1), ["/new"]);
        heat.note(86_400, &[]);
        assert!(heat.hottest(9).is_empty());
    }

    #[test]
    fn no_more_addresses_are_remembered_than_there_is_room_for() {
        let mut heat = Heat::default();
        let many: Vec<_> = (0..200)
            .map(|it| glimpse(&format!("/{it}"), it, 1))
            .collect();
        for round in 0..15 {
            let shifted = many.iter().map(|it| {
                let mut it = it.clone();
                let hits = it.hits;
                it.key = glimpse(&format!("/{round}/{hits}"), 0, 0).key;
                it
            });
            heat.note(round, &shifted.collect::<Vec<_>>());
        }
        assert_eq!(heat.addresses.len(), ADDRESSES_MAX);
        assert!(heat.hottest(1)[0].ends_with("/199"));
    }
}
