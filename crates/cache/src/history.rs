//! What kinds have done lately: a fine ring of samples for the last hour, a coarse one for the last
//! day. The caller says what time it is, and when to take a sample.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::statistics::KindStatistics;

/// How far back a history looks, and how closely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Window {
    /// The last hour.
    Hour,
    /// The last day.
    Day,
}

impl Window {
    /// Seconds between two samples.
    pub const fn step_s(self) -> i64 {
        match self {
            Self::Hour => 15,
            Self::Day => 300,
        }
    }

    /// Samples that are kept.
    pub const fn samples_max(self) -> usize {
        match self {
            Self::Hour => 240,
            Self::Day => 288,
        }
    }
}

/// What a kind did between two samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Fresh answers from the memory of the process.
    pub hits: u64,
    /// Fresh answers from the shared tier.
    pub shared_hits: u64,
    /// Calls that found nothing fresh in memory.
    pub misses: u64,
    /// Stale answers.
    pub stale: u64,
    /// Loads begun.
    pub loads: u64,
    /// Time that loads would have taken.
    pub time_saved: Duration,
    /// Bytes held at the end.
    pub bytes: u64,
}

impl Done {
    /// The share of calls answered without a load, `None` where there were none.
    pub fn hit_ratio(&self) -> Option<f64> {
        let asked = self.hits + self.misses;
        (asked > 0).then(|| self.hits as f64 / asked as f64)
    }

    /// Both together; bytes add up.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            hits: self.hits + other.hits,
            shared_hits: self.shared_hits + other.shared_hits,
            misses: self.misses + other.misses,
            stale: self.stale + other.stale,
            loads: self.loads + other.loads,
            time_saved: self.time_saved + other.time_saved,
            bytes: self.bytes + other.bytes,
        }
    }
}

/// What every kind did between two moments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The end, in seconds of the caller's clock.
    pub at_s: i64,
    /// Seconds since the sample before.
    pub span_s: i64,
    /// By the number of the kind; kinds that came later are missing at the end.
    pub kinds: Vec<Done>,
}

/// Samples of every kind; a few hundred kilobytes with ten kinds.
#[derive(Debug, Default)]
pub struct History {
    /// Kinds by name, with their numbers, which are given in the order in which they come.
    numbers: BTreeMap<String, usize>,
    hour: Ring,
    day: Ring,
}

#[derive(Debug, Default)]
struct Ring {
    samples: VecDeque<Sample>,
    /// When the last one was taken, and the counters then, by number of kind.
    last: Option<(i64, Vec<KindStatistics>)>,
}

impl History {
    /// Takes a sample where one is due at `now_s`, a second of the caller's clock; the first only
    /// notes where the counters are.
    pub fn sample(&mut self, now_s: i64, statistics: &[KindStatistics]) {
        let mut counters = vec![KindStatistics::default(); self.numbers.len()];
        for it in statistics {
            let next = self.numbers.len();
            let number = *self.numbers.entry(it.kind.clone()).or_insert(next);
            if number == counters.len() {
                counters.push(KindStatistics::default());
            }
            counters[number] = it.clone();
        }
        self.hour.sample(Window::Hour, now_s, &counters);
        self.day.sample(Window::Day, now_s, &counters);
    }

    /// The names of kinds, by number.
    pub fn kinds(&self) -> Vec<String> {
        let mut names = vec![String::new(); self.numbers.len()];
        for (name, number) in &self.numbers {
            names[*number].clone_from(name);
        }
        names
    }

    /// The samples of a window, oldest first.
    pub fn samples(&self, window: Window) -> Vec<Sample> {
        let ring = match window {
            Window::Hour => &self.hour,
            Window::Day => &self.day,
        };
        ring.samples.iter().cloned().collect()
    }
}

impl Ring {
    fn sample(&mut self, window: Window, now_s: i64, counters: &[KindStatistics]) {
        let Some((last_s, before)) = &self.last else {
            self.last = Some((now_s, counters.to_vec()));
            return;
        };
        let span_s = now_s - last_s;
        if span_s < 0 {
            // The clock was set back: what it called later has not been.
            self.samples.retain(|it| it.at_s < now_s);
            self.last = Some((now_s, counters.to_vec()));
            return;
        }
        // Whoever calls once a step may come a little early by a clock that is read in seconds.
        if span_s + 1 < window.step_s() {
            return;
        }
        let none = KindStatistics::default();
        let each = counters.iter().enumerate();
        let kinds = each.map(|(at, now)| done(before.get(at).unwrap_or(&none), now));
        self.samples.push_back(Sample {
            at_s: now_s,
            span_s,
            kinds: kinds.collect(),
        });
        let span_max = window.step_s() * window.samples_max() as i64;
        while self.samples.len() > window.samples_max()
            || (self.samples.front()).is_some_and(|it| it.at_s <= now_s - span_max)
        {
            self.samples.pop_front();
        }
        self.last = Some((now_s, counters.to_vec()));
    }
}

fn done(before: &KindStatistics, now: &KindStatistics) -> Done {
    let hits = |it: &KindStatistics| it.front_hits + it.memory_hits;
    Done {
        hits: hits(now).saturating_sub(hits(before)),
        shared_hits: now.shared_hits.saturating_sub(before.shared_hits),
        misses: now.misses.saturating_sub(before.misses),
        stale: now.stale.saturating_sub(before.stale),
        loads: now.loads.saturating_sub(before.loads),
        time_saved: now.time_saved.saturating_sub(before.time_saved),
        bytes: now.bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(kind: &str, hits: u64, misses: u64) -> KindStatistics {
        KindStatistics {
            kind: kind.to_owned(),
            memory_hits: hits,
            misses,
            bytes: hits * 10,
            time_saved: Duration::from_millis(hits),
            ..KindStatistics::default()
        }
    }

    #[test]
    fn a_sample_is_what_happened_since_the_one_before() {
        let mut history = History::default();
        history.sample(100, &[counters("b", 5, 5)]);
        assert!(history.samples(Window::Hour).is_empty());
        history.sample(110, &[counters("b", 6, 5)]); // Not due yet.
        history.sample(115, &[counters("a", 1, 0), counters("b", 9, 6)]);
        history.sample(129, &[counters("a", 1, 0), counters("b", 9, 6)]);
        assert_eq!(history.kinds(), ["b", "a"]);
        let samples = history.samples(Window::Hour);
        let [first, second] = &samples[..] else {
            panic!("{samples:?}");
        };
        assert_eq!((first.at_s, first.span_s), (115, 15));
        assert_eq!((first.kinds[0].hits, first.kinds[0].misses), (4, 1));
        assert_eq!(first.kinds[0].hit_ratio(), Some(0.8));
        assert_eq!(first.kinds[0].time_saved, Duration::from_millis(4));
        assert_eq!(first.kinds[1].hits, 1);
        let both = first.kinds[0].and(first.kinds[1]);
        assert_eq!((both.hits, both.bytes), (5, 100));
        assert_eq!((second.at_s, second.kinds[0].hit_ratio()), (129, None));
        assert!(history.samples(Window::Day).is_empty());
    }

    #[test]
    fn rings_hold_an_hour_and_a_day_whatever_comes() {
        let mut history = History::default();
        for step in 0..6_000 {
            history.sample(step * 15, &[counters("a", step.unsigned_abs(), 0)]);
        }
        let hour = history.samples(Window::Hour);
        assert_eq!(hour.len(), 240);
        assert_eq!(hour[239].at_s - hour[0].at_s, 239 * 15);
        let day = history.samples(Window::Day);
        assert_eq!(day.len(), 288);
        assert!(day.iter().all(|it| it.kinds[0].hits == 20));
        // After a night asleep, what is older than the window is gone.
        history.sample(6_000 * 15 + 7_200, &[counters("a", 6_000, 0)]);
        assert_eq!(history.samples(Window::Hour).len(), 1);
    }

    #[test]
    fn a_clock_set_back_leaves_samples_in_order() {
        let mut history = History::default();
        for at in [100, 115, 130, 110, 125] {
            history.sample(at, &[counters("a", at.unsigned_abs(), 0)]);
        }
        let at: Vec<_> = history.samples(Window::Hour);
        let at: Vec<_> = at.iter().map(|it| (it.at_s, it.kinds[0].hits)).collect();
        assert_eq!(at, [(125, 15)]);
    }
}
