//! Everything counted, in the Prometheus text format; every name stands here once.

use std::fmt::Write;

use crate::{StatisticsView, model_cache::CacheFigures};

type PerVersion = (
    &'static str,
    &'static str,
    &'static str,
    fn(&StatisticsView) -> u64,
);

/// Name, type, help; names and meanings are Triton's, durations in µs.
const PER_VERSION: [PerVersion; 9] = [
    (
        "nv_inference_request_success",
        "counter",
        "Requests answered",
        |it| it.success_count,
    ),
    (
        "nv_inference_request_failure",
        "counter",
        "Requests failed",
        |it| it.fail_count,
    ),
    ("nv_inference_count", "counter", "Rows answered", |it| {
        it.inference_count
    }),
    (
        "nv_inference_exec_count",
        "counter",
        "Times the model ran",
        |it| it.execution_count,
    ),
    (
        "nv_inference_request_duration_us",
        "counter",
        "Time of requests, µs",
        |it| it.success_ns / 1_000,
    ),
    (
        "nv_inference_queue_duration_us",
        "counter",
        "Time in the queue, µs",
        |it| it.queue_ns / 1_000,
    ),
    (
        "nv_inference_compute_infer_duration_us",
        "counter",
        "Time in the model, µs",
        |it| it.compute_infer_ns / 1_000,
    ),
    (
        "sports_edge_model_refused_total",
        "counter",
        "Requests refused at a bound",
        |it| it.refused_count,
    ),
    (
        "sports_edge_model_fallback_total",
        "counter",
        "Answers by a fallback",
        |it| it.fallback_count,
    ),
];

/// Writes what versions did.
pub(crate) fn versions(text: &mut String, views: &[StatisticsView]) {
    for (name, kind, help, value) in PER_VERSION {
        head(text, name, kind, help);
        for view in views {
            let (model, version, value) = (escaped(&view.name), view.version, value(view));
            line(
                text,
                format_args!("{name}{{model=\"{model}\",version=\"{version}\"}} {value}"),
            );
        }
    }
}

/// Writes what the cache of models did and holds, and how many requests are inside.
pub(crate) fn cache(text: &mut String, figures: &CacheFigures, at_work: usize) {
    let counts: [(&str, &str, &str, f64); 9] = [
        (
            "sports_edge_model_bytes",
            "gauge",
            "Memory of loaded models",
            figures.bytes as f64,
        ),
        (
            "sports_edge_model_budget_bytes",
            "gauge",
            "Memory models may take",
            figures.budget_bytes as f64,
        ),
        (
            "sports_edge_model_resident",
            "gauge",
            "Versions in memory",
            figures.resident as f64,
        ),
        (
            "sports_edge_model_in_use",
            "gauge",
            "Versions in use",
            figures.in_use as f64,
        ),
        (
            "sports_edge_model_loads_total",
            "counter",
            "Loads",
            figures.loads as f64,
        ),
        (
            "sports_edge_model_load_failures_total",
            "counter",
            "Loads that failed",
            figures.load_failures as f64,
        ),
        (
            "sports_edge_model_load_seconds_total",
            "counter",
            "Time spent loading",
            figures.load_time.as_secs_f64(),
        ),
        (
            "sports_edge_model_evictions_total",
            "counter",
            "Versions evicted",
            figures.evictions as f64,
        ),
        (
            "sports_edge_model_requests",
            "gauge",
            "Requests inside",
            at_work as f64,
        ),
    ];
    for (name, kind, help, value) in counts {
        head(text, name, kind, help);
        line(text, format_args!("{name} {value}"));
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
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
