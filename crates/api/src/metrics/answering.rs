//! How long answers take by route, as a histogram in the Prometheus text format.

use std::{fmt::Write, time::Duration};

/// Name and help.
const NAME: (&str, &str) = (
    "sports_edge_http_request_duration_seconds",
    "Time from a request to the head of its answer, in s, without those of the Open Inference \
     Protocol",
);

/// Upper bounds of the buckets, in s: from an answer at hand to one that is cut off.
const BOUNDS: [f64; 13] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// How long answers took.
#[derive(Debug, Default)]
pub(super) struct Durations {
    /// Answers in each bucket and beyond the last.
    counts: [u64; BOUNDS.len() + 1],
    time: Duration,
}

impl Durations {
    pub(super) fn note(&mut self, time: Duration) {
        let seconds = time.as_secs_f64();
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound);
        self.counts[bucket.unwrap_or(BOUNDS.len())] += 1;
        self.time += time;
    }
}

/// What was noted, each under its labels, in the text format.
pub(super) fn text<'a>(noted: impl Iterator<Item = (String, &'a Durations)>) -> String {
    let (name, help) = NAME;
    let mut text = format!("# HELP {name} {help}\n# TYPE {name} histogram\n");
    for (labels, durations) in noted {
        let mut count = 0;
        let bounds = BOUNDS.map(|it| it.to_string()).into_iter();
        for (bound, in_bucket) in bounds.chain(["+Inf".to_owned()]).zip(durations.counts) {
            count += in_bucket;
            let _ = writeln!(text, "{name}_bucket{{{labels},le=\"{bound}\"}} {count}");
        }
        let sum = durations.time.as_secs_f64();
        let _ = writeln!(
            text,
            "{name}_sum{{{labels}}} {sum}\n{name}_count{{{labels}}} {count}"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_count_all_that_took_no_longer_than_their_bound() {
        let mut durations = Durations::default();
        for ms in [1, 3, 60_000] {
            durations.note(Duration::from_millis(ms));
        }
        let labels = "method=\"GET\",route=\"/v1/teams\"";
        let text = text([(labels.to_owned(), &durations)].into_iter());
        let of = |end: &str, value: &str| {
            let line = match end {
                "sum" | "count" => format!("{}_{end}{{{labels}}} {value}", NAME.0),
                bound => format!("{}_bucket{{{labels},le=\"{bound}\"}} {value}", NAME.0),
            };
            assert!(text.lines().any(|it| it == line), "{line}: {text}");
        };
        of("0.0005", "0");
        of("0.001", "1");
        of("0.005", "2");
        of("10", "2");
        of("+Inf", "3");
        of("count", "3");
        of("sum", "60.004");
    }
}
