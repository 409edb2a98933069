//! What the cache that servers share does, in the Prometheus text format; every name stands here
//! once.

use engine::caching::shared::{SharedCounts, SharedHealth};

use super::write_figure;

/// Name, help, value.
type Metric<T> = (&'static str, &'static str, fn(&T) -> f64);

const GAUGES: [Metric<SharedHealth>; 3] = [
    (
        "sports_edge_shared_cache_up",
        "1 where the server of the shared cache answers",
        |it| f64::from(u8::from(it.up)),
    ),
    (
        "sports_edge_shared_cache_proven",
        "1 where memory is proven to hold nothing that another server has made outdated",
        |it| f64::from(u8::from(it.proven)),
    ),
    (
        "sports_edge_shared_cache_queued_changes",
        "Changes that wait for the server to return",
        |it| it.queued as f64,
    ),
];

const COUNTERS: [Metric<SharedCounts>; 17] = [
    (
        "sports_edge_shared_cache_gets_total",
        "Looks for an entry",
        |it| it.gets as f64,
    ),
    (
        "sports_edge_shared_cache_hits_total",
        "Looks that found one that was fresh",
        |it| it.hits as f64,
    ),
    (
        "sports_edge_shared_cache_outdated_total",
        "Looks that found one that a change had outdated",
        |it| it.outdated as f64,
    ),
    (
        "sports_edge_shared_cache_mismatches_total",
        "Looks that found what is no entry",
        |it| it.mismatches as f64,
    ),
    (
        "sports_edge_shared_cache_puts_total",
        "Entries stored",
        |it| it.puts as f64,
    ),
    (
        "sports_edge_shared_cache_puts_outdated_total",
        "Entries not stored, for a change came first",
        |it| it.puts_outdated as f64,
    ),
    (
        "sports_edge_shared_cache_puts_full_total",
        "Entries not stored for want of memory",
        |it| it.puts_full as f64,
    ),
    (
        "sports_edge_shared_cache_changes_sent_total",
        "Changes sent",
        |it| it.invalidations as f64,
    ),
    (
        "sports_edge_shared_cache_changes_heard_total",
        "Changes heard from other servers",
        |it| it.heard as f64,
    ),
    (
        "sports_edge_shared_cache_gaps_total",
        "Times a change had been missed and was fetched",
        |it| it.gaps as f64,
    ),
    (
        "sports_edge_shared_cache_forgets_total",
        "Times everything had to be forgotten",
        |it| it.forgets as f64,
    ),
    (
        "sports_edge_shared_cache_lapses_total",
        "Times another server's lease was waited out",
        |it| it.lapses as f64,
    ),
    (
        "sports_edge_shared_cache_connections_total",
        "Connections made",
        |it| it.connections as f64,
    ),
    (
        "sports_edge_shared_cache_timeouts_total",
        "Commands that ran out of time",
        |it| it.timeouts as f64,
    ),
    (
        "sports_edge_shared_cache_garbage_total",
        "Answers that made no sense",
        |it| it.garbage as f64,
    ),
    (
        "sports_edge_shared_cache_received_bytes_total",
        "Bytes of entries received",
        |it| it.bytes_in as f64,
    ),
    (
        "sports_edge_shared_cache_sent_bytes_total",
        "Bytes of entries sent",
        |it| it.bytes_out as f64,
    ),
];

/// All of it.
pub(crate) fn text(health: &SharedHealth) -> String {
    let mut text = String::new();
    for (name, help, value) in GAUGES {
        write_figure(&(name, help, "gauge", value), health, &mut text);
    }
    for (name, help, value) in COUNTERS {
        write_figure(&(name, help, "counter", value), &health.counts, &mut text);
    }
    text
}
