//! What came of the requests.

use std::time::Duration;

use serde::Serialize;

use super::BenchArgs;

/// What came of a worker's requests, or of all.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// How long answers took from the moment they were due.
    latencies: Vec<Duration>,
    refused: u64,
    pub(super) failed: u64,
    pub(super) unsent: u64,
}

/// What is reported; times in ms from the moment a request was due.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    model: String,
    rate: u32,
    rows_per_request: u32,
    concurrency: u32,
    seconds: f64,
    answered: u64,
    refused: u64,
    failed: u64,
    unsent: u64,
    requests_per_second: f64,
    rows_per_second: f64,
    p50_ms: Option<f64>,
    p90_ms: Option<f64>,
    p99_ms: Option<f64>,
    max_ms: Option<f64>,
}

impl Outcome {
    /// Counts an answer.
    pub(super) fn answered(&mut self, status: u16, latency: Duration) {
        match status {
            200 => self.latencies.push(latency),
            429 | 503 => self.refused += 1,
            _ => self.failed += 1,
        }
    }

    /// Adds a worker's part.
    pub(super) fn add(&mut self, part: Self) {
        self.latencies.extend(part.latencies);
        self.refused += part.refused;
        self.failed += part.failed;
        self.unsent += part.unsent;
    }

    /// Puts the report together.
    pub(super) fn report(mut self, args: &BenchArgs, took: Duration) -> Report {
        self.latencies.sort_unstable();
        let answered = self.latencies.len();
        let of_each_second = answered as f64 / took.as_secs_f64();
        let at = |share: f64| {
            let rank = (share * answered as f64).ceil() as usize;
            let latency = self.latencies.get(rank.max(1) - 1)?;
            Some(latency.as_secs_f64() * 1e3)
        };
        Report {
            model: args.name.0.clone(),
            rate: args.rate,
            rows_per_request: args.rows,
            concurrency: args.concurrency,
            seconds: took.as_secs_f64(),
            answered: answered as u64,
            refused: self.refused,
            failed: self.failed,
            unsent: self.unsent,
            requests_per_second: of_each_second,
            rows_per_second: of_each_second * f64::from(args.rows),
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            max_ms: at(1.0),
        }
    }
}

/// The report for people.
pub(super) fn text(report: &Report) -> String {
    let ms = |it: Option<f64>| it.map_or_else(|| "–".to_owned(), |it| format!("{it:.3} ms"));
    format!(
        "{}: {} requests/s asked for, {} rows each, at most {} at work, {:.1} s\n\
         answered  {}  ({:.0} requests/s, {:.0} rows/s)\n\
         refused   {}\n\
         failed    {}\n\
         unsent    {}  (the server or this client was too slow for the rate)\n\
         latency   p50 {}, p90 {}, p99 {}, max {}, from the moment a request was due\n",
        report.model,
        report.rate,
        report.rows_per_request,
        report.concurrency,
        report.seconds,
        report.answered,
        report.requests_per_second,
        report.rows_per_second,
        report.refused,
        report.failed,
        report.unsent,
        ms(report.p50_ms),
        ms(report.p90_ms),
        ms(report.p99_ms),
        ms(report.max_ms),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_ranks_of_what_was_answered() {
        let mut outcome = Outcome::default();
        for ms in 1..=100 {
            outcome.answered(200, Duration::from_millis(ms));
        }
        for status in [429, 503, 500] {
            outcome.answered(status, Duration::ZERO);
        }
        let args = BenchArgs {
            name: "m".parse().unwrap(),
            rate: 50,
            seconds: 2,
            rows: 3,
            concurrency: 4,
            golden: None,
            seed: 1,
        };
        let report = outcome.report(&args, Duration::from_secs(2));
        assert_eq!(
            (report.answered, report.refused, report.failed),
            (100, 2, 1)
        );
        let percentiles = [report.p50_ms, report.p90_ms, report.p99_ms, report.max_ms];
        assert_eq!(
            percentiles,
            [Some(50.0), Some(90.0), Some(99.0), Some(100.0)]
        );
        assert!((report.rows_per_second - 150.0).abs() < 1e-9);
        assert!(text(&report).contains("p99 99.000 ms"));
        let none = Outcome::default().report(&args, Duration::from_secs(2));
        assert_eq!(none.p50_ms, None);
        assert!(text(&none).contains("p50 –"));
    }
}
