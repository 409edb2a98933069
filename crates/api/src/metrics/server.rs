//! How the server does: whether it can answer, what is at work, what it keeps.

use std::fmt::Write;

use engine::{KnowledgeAge, caching::KindStatistics};
use jiff::Timestamp;

use super::{Figure, write_all, write_figures};

/// What the server has at the moment.
pub(crate) struct ServerFigures {
    /// Requests at work, and how many may be.
    pub(crate) requests: [usize; 2],
    /// Bytes of memory that kept answers take, and how many they may.
    pub(crate) cache_bytes: [u64; 2],
    pub(crate) kinds: Vec<KindStatistics>,
}

const SERVER: [Figure<ServerFigures>; 4] = [
    (
        "sports_edge_http_requests_in_flight",
        "Requests at work, without those of the Open Inference Protocol and those that wait for \
         answers that are followed",
        "gauge",
        |it| it.requests[0] as f64,
    ),
    (
        "sports_edge_http_requests_in_flight_max",
        "Requests that may be at work; one more is refused",
        "gauge",
        |it| it.requests[1] as f64,
    ),
    (
        "sports_edge_cache_bytes",
        "Memory that kept answers take, in bytes",
        "gauge",
        |it| it.cache_bytes[0] as f64,
    ),
    (
        "sports_edge_cache_bytes_max",
        "Memory that kept answers may take, in bytes",
        "gauge",
        |it| it.cache_bytes[1] as f64,
    ),
];

/// Counted of each kind of kept answers.
const KINDS: [Figure<KindStatistics>; 5] = [
    (
        "sports_edge_cache_entries",
        "Answers kept in memory",
        "gauge",
        |it| it.entries as f64,
    ),
    (
        "sports_edge_cache_hits_total",
        "Fresh answers from the memory of the process",
        "counter",
        |it| (it.front_hits + it.memory_hits) as f64,
    ),
    (
        "sports_edge_cache_misses_total",
        "Requests that found nothing fresh in memory",
        "counter",
        |it| it.misses as f64,
    ),
    (
        "sports_edge_cache_loads_total",
        "Answers made",
        "counter",
        |it| it.loads as f64,
    ),
    (
        "sports_edge_cache_evictions_total",
        "Answers dropped to make room",
        "counter",
        |it| it.evictions as f64,
    ),
];

/// What the server has, in the text format.
pub(crate) fn text(figures: &ServerFigures) -> String {
    let mut text = String::new();
    write_all(&SERVER, figures, &mut text);
    let kinds = figures.kinds.iter().map(|it| (it.kind.as_str(), it));
    write_figures(&KINDS, "kind", kinds, &mut text);
    text
}

/// Whether the server can answer.
pub(crate) struct HealthFigures {
    /// Whether `/health/ready` says yes.
    pub(crate) is_ready: bool,
    /// Whether it says that writes are refused.
    pub(crate) is_degraded: bool,
    /// Whether the database answers.
    pub(crate) is_database_up: bool,
}

const HEALTH: [Figure<HealthFigures>; 3] = [
    (
        "sports_edge_ready",
        "Whether /health/ready says yes",
        "gauge",
        |it| f64::from(u8::from(it.is_ready)),
    ),
    (
        "sports_edge_degraded",
        "Whether /health/ready says that reads are answered and writes are refused",
        "gauge",
        |it| f64::from(u8::from(it.is_degraded)),
    ),
    (
        "sports_edge_database_up",
        "Whether the database answers and is the one that was opened",
        "gauge",
        |it| f64::from(u8::from(it.is_database_up)),
    ),
];

/// The same in the text format.
pub(crate) fn health_text(health: &HealthFigures) -> String {
    let mut text = String::new();
    write_all(&HEALTH, health, &mut text);
    text
}

/// Name, help, value; left out where there is none.
type Moment = (
    &'static str,
    &'static str,
    fn(&KnowledgeAge) -> Option<Timestamp>,
);

const AGE: [Moment; 2] = [
    (
        "sports_edge_trained_timestamp_seconds",
        "When the model that serves forecasts was trained, in s since 1970",
        |it| it.trained_at,
    ),
    (
        "sports_edge_newest_result_timestamp_seconds",
        "Kickoff of the newest game whose result is known, in s since 1970",
        |it| it.newest_result,
    ),
];

/// Of when what is known is, in the text format.
pub(crate) fn age_text(age: KnowledgeAge) -> String {
    let mut text = String::new();
    for (name, help, value) in AGE {
        if let Some(value) = value(&age) {
            let seconds = value.as_second();
            let _ = writeln!(
                text,
                "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {seconds}"
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_has_no_age() {
        assert_eq!(age_text(KnowledgeAge::default()), "");
        let text = age_text(KnowledgeAge {
            trained_at: Some(Timestamp::from_second(7).unwrap()),
            newest_result: None,
        });
        assert!(
            text.ends_with("\nsports_edge_trained_timestamp_seconds 7\n"),
            "{text}"
        );
    }
}
