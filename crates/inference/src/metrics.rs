//! Everything counted, in the Prometheus text format; every name stands here once.
//!
//! Only versions that were asked are told, and of these no more than [`VERSIONS_MAX`] by name: the
//! rest is one line with an empty version.

use std::fmt::Write;

use crate::{
    StatisticsView,
    histogram::{EDGES, HistogramView},
    model_cache::CacheFigures,
    pipeline::{ResultFigures, Scores, Trial},
};

/// Versions told by name: those first asked.
pub(crate) const VERSIONS_MAX: usize = 500;

/// Name, type, help.
type Family = (&'static str, &'static str, &'static str);

type PerVersion = (Family, fn(&VersionRow) -> f64);

type OfProcess = (Family, fn(&Figures) -> f64);

/// Names and meanings that begin with `nv_` are Triton's; durations in µs, as there.
const PER_VERSION: [PerVersion; 18] = [
    (
        (
            "nv_inference_request_success",
            "counter",
            "Requests answered",
        ),
        |it| it.view.success_count as f64,
    ),
    (
        ("nv_inference_request_failure", "counter", "Requests failed"),
        |it| it.view.fail_count as f64,
    ),
    (("nv_inference_count", "counter", "Rows answered"), |it| {
        it.view.inference_count as f64
    }),
    (
        ("nv_inference_exec_count", "counter", "Times the model ran"),
        |it| it.view.execution_count as f64,
    ),
    (
        (
            "nv_inference_request_duration_us",
            "counter",
            "Time of requests, µs",
        ),
        |it| (it.view.success_ns / 1_000) as f64,
    ),
    (
        (
            "nv_inference_queue_duration_us",
            "counter",
            "Time in the queue, µs",
        ),
        |it| (it.view.queue_ns / 1_000) as f64,
    ),
    (
        (
            "nv_inference_compute_infer_duration_us",
            "counter",
            "Time in the model, µs",
        ),
        |it| (it.view.compute_infer_ns / 1_000) as f64,
    ),
    (
        (
            "nv_cache_num_hits_per_model",
            "counter",
            "Requests answered from kept results",
        ),
        |it| it.view.cache_hit_count as f64,
    ),
    (
        (
            "nv_cache_num_misses_per_model",
            "counter",
            "Looks for kept results that found none",
        ),
        |it| it.view.cache_miss_count as f64,
    ),
    (
        (
            "sports_edge_model_refused_total",
            "counter",
            "Requests refused at a bound of the model",
        ),
        |it| it.view.refused_count as f64,
    ),
    (
        (
            "sports_edge_model_fallback_total",
            "counter",
            "Answers by a fallback",
        ),
        |it| it.view.fallback_count as f64,
    ),
    (
        (
            "sports_edge_model_breaker_open",
            "gauge",
            "Whether the version is left alone after failures",
        ),
        |it| f64::from(u8::from(it.breaker_open)),
    ),
    (
        (
            "sports_edge_model_shadow_rows",
            "gauge",
            "Rows on which a shadow was compared",
        ),
        |it| it.shadow.rows as f64,
    ),
    (
        (
            "sports_edge_model_shadow_difference",
            "gauge",
            "Mean absolute difference of a shadow's outputs",
        ),
        |it| it.shadow.difference().unwrap_or(0.0),
    ),
    (
        (
            "sports_edge_model_scored_classes_total",
            "counter",
            "Results that are classes",
        ),
        |it| it.scores.log_loss.count as f64,
    ),
    (
        (
            "sports_edge_model_log_loss_total",
            "counter",
            "Log loss on them, added up",
        ),
        |it| it.scores.log_loss.sum,
    ),
    (
        (
            "sports_edge_model_scored_values_total",
            "counter",
            "Results that are values",
        ),
        |it| it.scores.squared_error.count as f64,
    ),
    (
        (
            "sports_edge_model_squared_error_total",
            "counter",
            "Squared error on them, added up",
        ),
        |it| it.scores.squared_error.sum,
    ),
];

const REQUEST_SECONDS: Family = (
    "sports_edge_model_request_seconds",
    "histogram",
    "Time of answered requests, seconds",
);
const STAGE_SECONDS: Family = (
    "sports_edge_model_stage_seconds",
    "histogram",
    "Time of answered requests by stage (queue, compute, post), seconds",
);

/// What is told of a version.
#[derive(Debug, Clone)]
pub(crate) struct VersionRow {
    pub(crate) view: StatisticsView,
    pub(crate) breaker_open: bool,
    pub(crate) scores: Scores,
    pub(crate) shadow: Trial,
    pub(crate) whole: HistogramView,
    /// Queue, compute, post.
    pub(crate) stages: [HistogramView; 3],
}

/// What is told of the process.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    pub(crate) cache: CacheFigures,
    pub(crate) results: ResultFigures,
    pub(crate) requests: usize,
    pub(crate) refused: u64,
    /// Canaries stopped, shadows promoted, copies dropped.
    pub(crate) trials: [u64; 3],
}

/// Writes what versions did; the rows stand in the order in which versions were first asked.
pub(crate) fn versions(text: &mut String, rows: &[VersionRow]) {
    let (told, rest) = rows.split_at(rows.len().min(VERSIONS_MAX));
    let labels: Vec<String> = told.iter().map(labels).collect();
    let rest_labels = "model=\"\",version=\"\"";
    for (family, value) in PER_VERSION {
        head(text, family);
        for (row, labels) in told.iter().zip(&labels) {
            let value = value(row);
            line(text, format_args!("{}{{{labels}}} {value}", family.0));
        }
        if !rest.is_empty() {
            let value: f64 = rest.iter().map(value).sum();
            line(text, format_args!("{}{{{rest_labels}}} {value}", family.0));
        }
    }
    head(text, REQUEST_SECONDS);
    for (row, labels) in told.iter().zip(&labels) {
        histogram(text, REQUEST_SECONDS.0, labels, &row.whole);
    }
    head(text, STAGE_SECONDS);
    for (row, labels) in told.iter().zip(&labels) {
        for (stage, times) in ["queue", "compute", "post"].iter().zip(&row.stages) {
            let labels = format!("{labels},stage=\"{stage}\"");
            histogram(text, STAGE_SECONDS.0, &labels, times);
        }
    }
}

fn labels(row: &VersionRow) -> String {
    let (model, version) = (escaped(&row.view.name), row.view.version);
    format!("model=\"{model}\",version=\"{version}\"")
}

fn histogram(text: &mut String, name: &str, labels: &str, times: &HistogramView) {
    for (edge, below) in EDGES.iter().zip(times.below) {
        let le = *edge as f64 / 1e9;
        line(
            text,
            format_args!("{name}_bucket{{{labels},le=\"{le}\"}} {below}"),
        );
    }
    let (count, sum) = (times.count, times.sum_ns as f64 / 1e9);
    line(
        text,
        format_args!("{name}_bucket{{{labels},le=\"+Inf\"}} {count}"),
    );
    line(text, format_args!("{name}_sum{{{labels}}} {sum}"));
    line(text, format_args!("{name}_count{{{labels}}} {count}"));
}

/// What is told of the process as a whole.
const OF_PROCESS: [OfProcess; 20] = [
    (
        (
            "sports_edge_model_bytes",
            "gauge",
            "Memory of loaded models, bytes",
        ),
        |it| it.cache.bytes as f64,
    ),
    (
        (
            "sports_edge_model_budget_bytes",
            "gauge",
            "Memory models may take, bytes",
        ),
        |it| it.cache.budget_bytes as f64,
    ),
    (
        ("sports_edge_model_resident", "gauge", "Versions in memory"),
        |it| it.cache.resident as f64,
    ),
    (
        ("sports_edge_model_in_use", "gauge", "Versions in use"),
        |it| it.cache.in_use as f64,
    ),
    (
        (
            "sports_edge_model_hits_total",
            "counter",
            "Requests whose version was in memory",
        ),
        |it| it.cache.hits as f64,
    ),
    (
        (
            "sports_edge_model_misses_total",
            "counter",
            "Requests whose version was not in memory",
        ),
        |it| it.cache.misses as f64,
    ),
    (
        ("sports_edge_model_loads_total", "counter", "Loads"),
        |it| it.cache.loads as f64,
    ),
    (
        (
            "sports_edge_model_load_failures_total",
            "counter",
            "Loads that failed",
        ),
        |it| it.cache.load_failures as f64,
    ),
    (
        (
            "sports_edge_model_load_seconds_total",
            "counter",
            "Time spent loading, seconds",
        ),
        |it| it.cache.load_time.as_secs_f64(),
    ),
    (
        (
            "sports_edge_model_evictions_total",
            "counter",
            "Versions evicted",
        ),
        |it| it.cache.evictions as f64,
    ),
    (
        ("sports_edge_model_requests", "gauge", "Requests inside"),
        |it| it.requests as f64,
    ),
    (
        (
            "sports_edge_model_server_refused_total",
            "counter",
            "Requests refused at the bound over all models",
        ),
        |it| it.refused as f64,
    ),
    (
        (
            "sports_edge_model_results_bytes",
            "gauge",
            "Memory of kept results, bytes",
        ),
        |it| it.results.bytes as f64,
    ),
    (
        ("sports_edge_model_results_entries", "gauge", "Results kept"),
        |it| it.results.entries as f64,
    ),
    (
        (
            "sports_edge_model_results_hits_total",
            "counter",
            "Requests answered from kept results",
        ),
        |it| it.results.hits as f64,
    ),
    (
        (
            "sports_edge_model_results_misses_total",
            "counter",
            "Looks that found no kept result",
        ),
        |it| it.results.misses as f64,
    ),
    (
        (
            "sports_edge_model_results_stale_total",
            "counter",
            "Stale results given because all else failed",
        ),
        |it| it.results.stale as f64,
    ),
    (
        (
            "sports_edge_model_canary_stops_total",
            "counter",
            "Canaries stopped by themselves",
        ),
        |it| it.trials[0] as f64,
    ),
    (
        (
            "sports_edge_model_shadow_promotions_total",
            "counter",
            "Shadows promoted by themselves",
        ),
        |it| it.trials[1] as f64,
    ),
    (
        (
            "sports_edge_model_shadow_dropped_total",
            "counter",
            "Copies for shadows dropped because too many waited",
        ),
        |it| it.trials[2] as f64,
    ),
];

/// Writes what the process did and holds.
pub(crate) fn process(text: &mut String, figures: &Figures) {
    for (family, value) in OF_PROCESS {
        head(text, family);
        line(text, format_args!("{} {}", family.0, value(figures)));
    }
}

fn head(text: &mut String, (name, kind, help): Family) {
    line(text, format_args!("# HELP {name} {help}"));
    line(text, format_args!("# TYPE {name} {kind}"));
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes all that is written");
}

/// A label's value, as the format wants it.
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests;
