//! What came of the requests.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

/// Counts, and how long answers took.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) seconds: f64,
    pub(super) unconnected: usize,
    statuses: BTreeMap<u16, Vec<f32>>,
    wrong: usize,
    broken: usize,
    first_fault: Option<String>,
}

impl Tally {
    /// Counts an answer.
    pub(super) fn add(&mut self, status: u16, took: Duration, allowed: bool) {
        let all = self.statuses.entry(status).or_default();
        all.push(took.as_secs_f32() * 1e3);
        self.wrong += usize::from(!allowed);
    }

    /// Counts a connection that broke.
    pub(super) fn broke(&mut self, error: &anyhow::Error) {
        self.broken += 1;
        self.first_fault.get_or_insert_with(|| format!("{error:#}"));
    }

    /// Everything, as one line of JSON; times in ms.
    pub(super) fn line(self) -> String {
        let mut statuses = serde_json::Map::new();
        for (status, mut times) in self.statuses {
            times.sort_by(f32::total_cmp);
            let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
            let (count, mean) = (times.len(), times.iter().sum::<f32>() / times.len() as f32);
            let found = json!({
                "count": count, "mean_ms": mean, "p50_ms": at(0.5), "p90_ms": at(0.9),
                "p99_ms": at(0.99), "p999_ms": at(0.999), "max_ms": at(1.0),
            });
            statuses.insert(status.to_string(), found);
        }
        let all: Value = json!({
            "seconds": self.seconds,
            "statuses": statuses,
            "wrong": self.wrong,
            "broken": self.broken,
            "unconnected": self.unconnected,
            "first_fault": self.first_fault,
        });
        all.to_string()
    }
}
