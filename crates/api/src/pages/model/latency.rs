//! Where a version's time goes, stage by stage, and how many rows ran together.

use std::collections::BTreeMap;

use engine::serving::StatisticsView;

use crate::pages::{figures, models::Told, text};

/// The time of a version's requests, ready to be written.
pub(super) struct Latency {
    pub(super) version: u64,
    pub(super) note: String,
    pub(super) stages: Vec<Stage>,
    pub(super) batches: Vec<Batch>,
}

/// A stage: its quantiles as text and as widths in percent of the longest.
pub(super) struct Stage {
    pub(super) name: &'static str,
    pub(super) texts: [String; 3],
    pub(super) widths: [String; 3],
}

/// Runs with so many rows.
pub(super) struct Batch {
    pub(super) rows: String,
    pub(super) runs: String,
    pub(super) width: String,
}

/// The time of every version that answered, what serves first.
pub(super) fn of(told: &Told) -> Vec<Latency> {
    let mut asked: Vec<_> = told.statistics.iter().collect();
    asked.retain(|it| it.success_count > 0);
    asked.sort_by_key(|it| (told.model.serving != Some(it.version), it.version));
    asked.into_iter().map(Latency::new).collect()
}

impl Latency {
    fn new(done: &StatisticsView) -> Self {
        let [queue, compute, post] = done.stages_us;
        let stages = [
            ("Queue", queue),
            ("Compute", compute),
            ("Post", post),
            ("In all", done.latency_us),
        ];
        let scale = Scale::over(stages.iter().flat_map(|it| it.1));
        Self {
            version: done.version,
            note: note(done),
            stages: stages
                .into_iter()
                .map(|(name, times)| Stage {
                    name,
                    texts: times.map(figures::micros),
                    widths: times.map(|it| text::percent(scale.at(it))),
                })
                .collect(),
            batches: batches(&done.batches),
        }
    }
}

/// Widths on which each tenfold is as wide as the next: what takes microseconds is still seen
/// beside what takes milliseconds.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    /// From the power of ten below the shortest to the longest.
    fn over(times: impl Iterator<Item = f64>) -> Self {
        let (low, high) = times
            .filter(|it| *it > 0.0)
            .map(f64::log10)
            .fold((f64::MAX, f64::MIN), |(low, high), it| {
                (low.min(it), high.max(it))
            });
        Self {
            low: (low - f64::EPSILON).floor(),
            high,
        }
    }

    /// A share of the whole width; nothing for no time.
    fn at(&self, time: f64) -> f64 {
        let width = self.high - self.low;
        if time <= 0.0 || width <= 0.0 {
            return 0.0;
        }
        ((time.log10() - self.low) / width).clamp(0.0, 1.0)
    }
}

fn note(done: &StatisticsView) -> String {
    let mut parts = vec![format!(
        "{} requests with {} rows, {} runs of the model",
        text::count(done.success_count),
        text::count(done.inference_count),
        text::count(done.execution_count)
    )];
    for (count, words) in [
        (done.fail_count, "failed"),
        (done.refused_count, "refused"),
        (done.fallback_count, "answered by a fallback"),
        (done.cache_hit_count, "answered from kept results"),
    ] {
        if count > 0 {
            parts.push(format!("{} {words}", text::count(count)));
        }
    }
    parts.join("; ")
}

/// Sizes are shown by doubling: one stands for all from it to the next.
fn batches(counted: &[(u64, u64)]) -> Vec<Batch> {
    let mut doubled = BTreeMap::new();
    for &(size, runs) in counted {
        *doubled.entry(1 << size.max(1).ilog2()).or_insert(0) += runs;
    }
    let most = doubled.values().copied().max().unwrap_or(1);
    let rows = |size: u64| match size {
        1 => "1".to_owned(),
        _ => format!("{}\u{2013}{}", text::count(size), text::count(2 * size - 1)),
    };
    doubled
        .into_iter()
        .map(|(size, runs)| Batch {
            rows: rows(size),
            runs: text::count(runs),
            width: text::percent(figures::ratio(runs, most)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Scale, batches};

    #[test]
    fn runs_of_like_sizes_are_shown_together() {
        let shown = batches(&[(1, 2), (2, 1), (3, 4), (256, 1)]);
        let shown: Vec<_> = shown
            .iter()
            .map(|it| (it.rows.as_str(), it.runs.as_str()))
            .collect();
        assert_eq!(shown, [("1", "2"), ("2–3", "5"), ("256–511", "1")]);
    }

    #[test]
    fn each_tenfold_is_as_wide_as_the_next() {
        let scale = Scale::over([0.0, 20.0, 10_000.0].into_iter());
        assert_eq!(
            [0.0, 10.0, 10_000.0].map(|it| scale.at(it)),
            [0.0, 0.0, 1.0]
        );
        assert!((scale.at(100.0) - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(Scale::over([0.0].into_iter()).at(1.0), 0.0);
    }
}
