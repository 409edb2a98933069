//! What the front door counts, in the Prometheus text format; every name stands here once.

mod answering;
pub(crate) mod server;
pub(crate) mod shared;

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::http::{Method, StatusCode};
use engine::{AlertFigures, HeardFigures, SourceView, ViewBehind, feeding::FeedFigures};

use self::answering::Durations;
use crate::live::{BOUNDS_MS, LatencyFigures};

/// Name, help, value.
type Metric = (&'static str, &'static str, fn(&Answered) -> f64);

/// Counted for each method, route and status.
const METRICS: [Metric; 2] = [
    (
        "sports_edge_http_requests_total",
        "Requests answered, without those of the Open Inference Protocol",
        |it| it.requests as f64,
    ),
    (
        "sports_edge_http_request_seconds_total",
        "Time from a request to the head of its answer, in s",
        |it| it.time.as_secs_f64(),
    ),
];

/// Methods told apart; any other is `OTHER`, so that nobody makes labels up.
const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

/// What was answered so far, by route and then by method; as many entries at most as there are
/// routes, methods and statuses.
#[derive(Debug, Default)]
pub(crate) struct HttpFigures(Mutex<BTreeMap<Box<str>, Vec<Answering>>>);

/// How a route answered one method.
#[derive(Debug)]
struct Answering {
    method: &'static str,
    by_status: Vec<(u16, Answered)>,
    durations: Durations,
}

#[derive(Debug, Default)]
struct Answered {
    requests: u64,
    time: Duration,
}

impl HttpFigures {
    /// Counts an answer; `route` is the path's pattern, where one matched.
    pub(crate) fn answered(
        &self,
        (method, route): (&Method, Option<&str>),
        status: StatusCode,
        time: Duration,
    ) {
        let known = METHODS.iter().position(|it| it == method);
        let method = known.map_or("OTHER", |it| METHODS[it].as_str());
        let (route, status) = (route.unwrap_or("none"), status.as_u16());
        let mut routes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // All that is counted often is there: nothing is put together to look it up.
        let answering = match routes.get_mut(route) {
            Some(it) => it,
            None => routes.entry(route.into()).or_default(),
        };
        let of_method = answering.iter().position(|it| it.method == method);
        let of_method = of_method.unwrap_or_else(|| {
            answering.push(Answering {
                method,
                by_status: Vec::new(),
                durations: Durations::default(),
            });
            answering.len() - 1
        });
        let answering = &mut answering[of_method];
        answering.durations.note(time);
        let by_status = &mut answering.by_status;
        let of_status = by_status.iter().position(|it| it.0 == status);
        let of_status = of_status.unwrap_or_else(|| {
            by_status.push((status, Answered::default()));
            by_status.len() - 1
        });
        let answered = &mut by_status[of_status].1;
        answered.requests += 1;
        answered.time += time;
    }

    /// What was counted, in the text format.
    pub(crate) fn text(&self) -> String {
        let routes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = routes.iter().flat_map(|(route, answering)| {
            let labels =
                move |it: &Answering| format!("method=\"{}\",route=\"{route}\"", it.method);
            answering.iter().map(move |it| (labels(it), it))
        });
        let mut text = String::new();
        for (name, help, value) in METRICS {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter");
            for (labels, answering) in all.clone() {
                for (status, answered) in &answering.by_status {
                    let value = value(answered);
                    let _ = writeln!(text, "{name}{{{labels},status=\"{status}\"}} {value}");
                }
            }
        }
        text + &answering::text(all.map(|(labels, it)| (labels, &it.durations)))
    }
}

/// Name, help, kind, value.
type Figure<T> = (&'static str, &'static str, &'static str, fn(&T) -> f64);

/// Counted of what is followed.
const FEED: [Figure<FeedFigures>; 9] = [
    (
        "sports_edge_live_keys",
        "Answers that are followed",
        "gauge",
        |it| it.keys as f64,
    ),
    (
        "sports_edge_live_bytes",
        "About what they take in memory, in bytes",
        "gauge",
        |it| it.bytes as f64,
    ),
    (
        "sports_edge_live_readers",
        "Streams and waiting requests",
        "gauge",
        |it| it.readers as f64,
    ),
    (
        "sports_edge_live_published_total",
        "New revisions",
        "counter",
        |it| it.published as f64,
    ),
    (
        "sports_edge_live_encoded_total",
        "Snapshots and folded frames encoded",
        "counter",
        |it| it.encoded as f64,
    ),
    (
        "sports_edge_live_sent_total",
        "Frames sent",
        "counter",
        |it| it.sent as f64,
    ),
    (
        "sports_edge_live_sent_bytes_total",
        "Bytes of frames sent",
        "counter",
        |it| it.sent_bytes as f64,
    ),
    (
        "sports_edge_live_folded_total",
        "Revisions sent within a later one",
        "counter",
        |it| it.folded as f64,
    ),
    (
        "sports_edge_live_gaps_total",
        "Resumptions that needed a snapshot",
        "counter",
        |it| it.gaps as f64,
    ),
];

/// Counted of what each source told, by its name.
const HEARD: [Figure<HeardFigures>; 7] = [
    (
        "sports_edge_events_total",
        "Events of games under way that were new",
        "counter",
        |it| it.new as f64,
    ),
    (
        "sports_edge_events_repeated_total",
        "Events that were known already",
        "counter",
        |it| it.repeated as f64,
    ),
    (
        "sports_edge_events_late_total",
        "New events after one with a higher number",
        "counter",
        |it| it.late as f64,
    ),
    (
        "sports_edge_events_missing",
        "Numbers of events jumped over and not come since",
        "gauge",
        |it| it.missing as f64,
    ),
    (
        "sports_edge_events_lag_seconds_total",
        "How long after they happened new events without a told_at came, in s",
        "counter",
        |it| it.lag_micros as f64 / 1e6,
    ),
    (
        "sports_edge_source_quotes_total",
        "Quotes that came",
        "counter",
        |it| it.quotes as f64,
    ),
    (
        "sports_edge_source_last_heard_timestamp_seconds",
        "When anything last came of a source, in s since 1970",
        "gauge",
        |it| it.last_at.as_second() as f64,
    ),
];

/// Counted of rules that watch games.
const ALERTS: [Figure<AlertFigures>; 9] = [
    (
        "sports_edge_alerts_active",
        "Alerts that look",
        "gauge",
        |it| it.active as f64,
    ),
    (
        "sports_edge_alerts_looked_total",
        "Fixtures looked at for alerts",
        "counter",
        |it| it.looked as f64,
    ),
    (
        "sports_edge_alerts_fired_total",
        "Firings that this server wrote",
        "counter",
        |it| it.fired as f64,
    ),
    (
        "sports_edge_alerts_lost_total",
        "Looks that another server had made sooner",
        "counter",
        |it| it.lost as f64,
    ),
    (
        "sports_edge_webhooks_delivered_total",
        "Firings that receivers took",
        "counter",
        |it| it.delivered as f64,
    ),
    (
        "sports_edge_webhooks_retried_total",
        "Attempts that failed and are made again",
        "counter",
        |it| it.retried as f64,
    ),
    (
        "sports_edge_webhooks_given_up_total",
        "Firings that were not told in the end",
        "counter",
        |it| it.given_up as f64,
    ),
    (
        "sports_edge_webhooks_gone_total",
        "Receivers that answered 410",
        "counter",
        |it| it.gone as f64,
    ),
    (
        "sports_edge_webhooks_queue",
        "Firings still to be told, by all servers",
        "gauge",
        |it| it.queue as f64,
    ),
];

/// What rules that watch games have done, in the text format.
pub(crate) fn alerts_text(figures: &AlertFigures) -> String {
    let mut text = String::new();
    write_all(&ALERTS, figures, &mut text);
    text
}

const VIEWS: [Figure<ViewBehind>; 2] = [
    (
        "sports_edge_views_stale",
        "Seasons, teams or fixtures that changed after the view was made of them",
        "gauge",
        |it| it.stale as f64,
    ),
    (
        "sports_edge_views_stale_seconds",
        "Time since the change of those that was left alone longest",
        "gauge",
        |it| it.age.as_secs_f64(),
    ),
];

/// How far views are behind, in the text format.
pub(crate) fn views_text(behind: &[ViewBehind]) -> String {
    let mut text = String::new();
    let behind = behind.iter().map(|it| (it.view, it));
    write_figures(&VIEWS, "view", behind, &mut text);
    text
}

/// Counted of streams refused and of states of the past made.
const COMING: [Figure<[usize; 3]>; 3] = [
    (
        "sports_edge_live_refused_total",
        "Streams refused at a bound",
        "counter",
        |it| it[0] as f64,
    ),
    (
        "sports_edge_live_refused_per_address_total",
        "Streams refused since their address, without a key, had as many as it may",
        "counter",
        |it| it[1] as f64,
    ),
    (
        "sports_edge_live_recalls_total",
        "States of the past made for who held them of another server",
        "counter",
        |it| it[2] as f64,
    ),
];

/// What is followed and what was heard of each source, in the text format.
pub(crate) fn live_text((feed, coming): (FeedFigures, [usize; 3]), heard: &[SourceView]) -> String {
    let mut text = String::new();
    write_all(&FEED, &feed, &mut text);
    write_all(&COMING, &coming, &mut text);
    let heard = heard.iter().map(|it| (it.source.as_str(), &it.figures));
    write_figures(&HEARD, "source", heard, &mut text);
    text
}

/// Name and help of what clients measured.
const LATENCY: (&str, &str) = (
    "sports_edge_live_latency_seconds",
    "From a change to the screens of those who follow, as their clients measured it, in s",
);

/// What clients measured, as a histogram in the text format.
pub(crate) fn latency_text(figures: &LatencyFigures) -> String {
    let (name, help) = LATENCY;
    let mut text = format!("# HELP {name} {help}\n# TYPE {name} histogram\n");
    for (bound, below) in BOUNDS_MS.iter().zip(figures.below) {
        let bound = f64::from(*bound) / 1e3;
        let _ = writeln!(text, "{name}_bucket{{le=\"{bound}\"}} {below}");
    }
    let (count, sum) = (figures.count, figures.sum_seconds);
    let _ = writeln!(
        text,
        "{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {sum}\n{name}_count {count}"
    );
    text
}

fn write_figure<T>((name, help, kind, value): &Figure<T>, of: &T, text: &mut String) {
    let value = value(of);
    let _ = writeln!(
        text,
        "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}"
    );
}

/// Writes figures of one thing.
fn write_all<T>(figures: &[Figure<T>], of: &T, text: &mut String) {
    for figure in figures {
        write_figure(figure, of, text);
    }
}

/// Writes figures of several things, each named by a label.
fn write_figures<'a, T: 'a>(
    figures: &[Figure<T>],
    label: &str,
    things: impl Iterator<Item = (&'a str, &'a T)> + Clone,
    text: &mut String,
) {
    for (name, help, kind, value) in figures {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (thing, of) in things.clone() {
            let _ = writeln!(text, "{name}{{{label}=\"{thing}\"}} {}", value(of));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_views_are_behind_is_told_by_view() {
        let behind = |view, stale, ms| ViewBehind {
            view,
            stale,
            age: Duration::from_millis(ms),
        };
        let text = views_text(&[behind("standings", 0, 0), behind("markets", 7, 1_500)]);
        let values: Vec<&str> = text.lines().filter(|it| !it.starts_with('#')).collect();
        let expected = [
            "sports_edge_views_stale{view=\"standings\"} 0",
            "sports_edge_views_stale{view=\"markets\"} 7",
            "sports_edge_views_stale_seconds{view=\"standings\"} 0",
            "sports_edge_views_stale_seconds{view=\"markets\"} 1.5",
        ];
        assert_eq!(values, expected);
    }

    #[test]
    fn answers_are_counted_by_method_route_and_status() {
        let figures = HttpFigures::default();
        let second = Duration::from_secs(1);
        let odd = Method::from_bytes(b"ODD").unwrap();
        for method in [&Method::GET, &Method::GET, &odd] {
            figures.answered((method, Some("/v1/teams")), StatusCode::OK, second);
        }
        figures.answered((&Method::GET, None), StatusCode::NOT_FOUND, second);
        let text = figures.text();
        for line in [
            "# TYPE sports_edge_http_requests_total counter",
            "sports_edge_http_requests_total{method=\"GET\",route=\"/v1/teams\",status=\"200\"} 2",
            "sports_edge_http_requests_total{method=\"OTHER\",route=\"/v1/teams\",status=\"200\"} 1",
            "sports_edge_http_requests_total{method=\"GET\",route=\"none\",status=\"404\"} 1",
            "sports_edge_http_request_seconds_total{method=\"GET\",route=\"/v1/teams\",status=\"200\"} 2",
            "sports_edge_http_request_duration_seconds_bucket{method=\"GET\",route=\"/v1/teams\",le=\"1\"} 2",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}: {text}");
        }
    }
}
