//! One model: its versions and what can be done with each, where its time goes, its shadow, and
//! what its trainer reported.

mod acts;
mod latency;
mod report;
mod shadow;
mod version;

use askama::Template;
use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use serde::Deserialize;

use self::{
    acts::Act,
    latency::Latency,
    report::{Body, Report},
    shadow::Comparison,
    version::Card,
};
use super::{
    Pages,
    asked::{Asked, misread},
    figures,
    models::{Told, Traffic, one},
    preferences::Preferences,
    problem,
    shell::Shell,
    text,
};

/// Versions that are shown in full, newest first; the rest are counted.
const VERSIONS_MAX: usize = 16;

/// What the address can say.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ModelQuery {
    /// The version whose report is shown.
    #[serde(default)]
    report: String,
}

/// One headline figure.
struct Stat {
    name: &'static str,
    value: String,
    note: String,
    /// Requests so far, where the program makes a rate of them.
    count: Option<u64>,
}

#[derive(Template)]
#[template(path = "model.html")]
struct ModelPage<'a> {
    shell: Shell<'a>,
    name: String,
    meta: String,
    problems: Vec<String>,
    traffic: Traffic,
    stats: Vec<Stat>,
    acts: Vec<Act>,
    cards: Vec<Card>,
    /// Versions that are not shown.
    more: usize,
    latencies: Vec<Latency>,
    comparison: Option<Comparison>,
    report: Option<Report>,
}

/// `GET /models/{name}`.
pub(super) async fn show(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    Asked(query): Asked<ModelQuery>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let told = match pages.engine.serving() {
        Some(server) => one(server, name).await,
        None => None,
    };
    let Some(told) = told else {
        return problem::of_status(&pages, StatusCode::NOT_FOUND, &headers);
    };
    let preferences = Preferences::read(&headers);
    let path = uri.path_and_query().map_or("/models", |it| it.as_str());
    let title = told.model.name.clone();
    let mut shell = pages.shell("model", title, path.to_owned(), preferences);
    let wanted = query.report.parse().ok();
    let known = told.versions.iter().any(|it| Some(it.version) == wanted);
    let notice = misread(
        &query.report,
        known,
        "a version of this model",
        "no report is shown",
    );
    shell.notices.extend(notice);
    let page = page(shell, &told, wanted);
    pages.respond(&page, StatusCode::OK, &headers)
}

fn page<'a>(shell: Shell<'a>, told: &Told, report: Option<u64>) -> ModelPage<'a> {
    let versions = told.versions.iter().rev();
    ModelPage {
        shell: shell.with_models_style(),
        name: told.model.name.clone(),
        meta: meta(told),
        problems: told.problems(),
        traffic: Traffic::new(told),
        stats: stats(told),
        acts: acts::of_model(told),
        cards: versions
            .take(VERSIONS_MAX)
            .map(|it| Card::new(told, it))
            .collect(),
        more: told.versions.len().saturating_sub(VERSIONS_MAX),
        latencies: latency::of(told),
        comparison: Comparison::new(told),
        report: Report::of(told, report),
    }
}

fn meta(told: &Told) -> String {
    let serves = match told.model.serving {
        Some(version) => format!("version {version} serves"),
        None => "nothing serves".to_owned(),
    };
    let versions = figures::counted(told.versions.len(), "version");
    format!("{} · {serves} · {versions} on disk", told.platform())
}

/// The sums over all versions, and the latency of what serves.
fn stats(told: &Told) -> Vec<Stat> {
    let sum = |of: fn(&engine::serving::StatisticsView) -> u64| -> u64 {
        told.statistics.iter().map(of).sum()
    };
    let answered = sum(|it| it.success_count);
    let (failed, refused) = (sum(|it| it.fail_count), sum(|it| it.refused_count));
    let serving = told.model.serving.and_then(|it| told.done(it));
    let latency = serving
        .filter(|it| it.success_count > 0)
        .map(|it| it.latency_us);
    let micros = |index: usize| {
        latency.map_or("\u{2013}".to_owned(), |it: [f64; 3]| {
            figures::micros(it[index])
        })
    };
    let memory: u64 = told.versions.iter().map(|it| it.memory_bytes).sum();
    let loaded = told.versions.iter().filter(|it| it.memory_bytes > 0);
    let stat = |name, value, note| Stat {
        name,
        value,
        note,
        count: None,
    };
    let rows = text::count(sum(|it| it.inference_count));
    vec![
        Stat {
            count: Some(answered + failed),
            ..stat(
                "Requests answered",
                text::count(answered),
                format!("{rows} rows"),
            )
        },
        stat(
            "Not answered",
            text::count(failed + refused),
            format!(
                "{} failed, {} refused at a bound",
                text::count(failed),
                text::count(refused)
            ),
        ),
        stat(
            "Median latency",
            micros(0),
            format!("{} at the 99th percentile", micros(2)),
        ),
        stat(
            "Memory",
            figures::bytes(memory),
            format!("{} loaded", figures::counted(loaded.count(), "version")),
        ),
    ]
}

#[cfg(test)]
mod tests;
