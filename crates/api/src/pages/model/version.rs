//! A version: how far it is, what it takes, and what can be done with it.

use engine::serving::{LoadState, VersionView};

use super::acts::{self, Act};
use crate::pages::{
    figures,
    models::{Told, platform, state},
    text,
};

/// The label of what serves.
const STABLE: &str = "stable";
/// Signs of a hash that are shown.
const HASH_SIGNS: usize = 12;

/// A version, ready to be written.
pub(super) struct Card {
    pub(super) number: u64,
    /// Class and words of each mark: what it is, then how far it is.
    pub(super) marks: Vec<(&'static str, String)>,
    /// Why it is not further, or gets no traffic.
    pub(super) reasons: Vec<String>,
    /// Labels that can be taken away, each with what that changes in a sentence.
    pub(super) labels: Vec<(String, String)>,
    pub(super) facts: Vec<Fact>,
    pub(super) acts: Vec<Act>,
    /// Whether a report lies beside it.
    pub(super) report: bool,
}

/// A figure of a version.
pub(super) struct Fact {
    pub(super) name: &'static str,
    pub(super) value: String,
    /// The whole of what is shown in part.
    pub(super) title: String,
}

impl Card {
    pub(super) fn new(told: &Told, view: &VersionView) -> Self {
        Self {
            number: view.version,
            marks: marks(told, view),
            reasons: reasons(view),
            facts: facts(told, view),
            labels: labels(view),
            acts: acts::of_version(told, view),
            report: view.report.is_some(),
        }
    }
}

fn reasons(view: &VersionView) -> Vec<String> {
    let stopped = view.canary_stopped.as_ref();
    let stopped = stopped.map(|it| format!("stopped as a canary: {it}"));
    view.reason.clone().into_iter().chain(stopped).collect()
}

fn marks(told: &Told, view: &VersionView) -> Vec<(&'static str, String)> {
    let mut marks = Vec::new();
    if told.model.serving == Some(view.version) {
        marks.push(("serving", "serves".to_owned()));
    }
    if let Some(canary) = &told.model.canary
        && canary.version == view.version
    {
        marks.push(("canary", format!("canary {}", figures::share(canary.share))));
    }
    if view.shadow {
        marks.push(("shadow", "shadow".to_owned()));
    }
    if told.model.previous == Some(view.version) {
        marks.push(("label", "served before".to_owned()));
    }
    let (class, word) = state(view.state);
    marks.push((class, word.to_owned()));
    if view.breaker_open {
        marks.push(("failed", "breaker open".to_owned()));
    }
    marks
}

/// The labels but `stable`, which promotions move: what serves has it, or needs none.
fn labels(view: &VersionView) -> Vec<(String, String)> {
    let labels = view.labels.iter().filter(|it| *it != STABLE);
    let says = |label: &String| {
        let version = view.version;
        format!(
            "Requests that name {label} are refused from then on; version {version} stays as it is."
        )
    };
    labels.map(|it| (it.clone(), says(it))).collect()
}

fn facts(told: &Told, view: &VersionView) -> Vec<Fact> {
    let fact = |name, value| Fact {
        name,
        value,
        title: String::new(),
    };
    let memory = match view.memory_bytes {
        0 => "not loaded".to_owned(),
        bytes => figures::bytes(bytes),
    };
    let runs = match view.mode.as_deref() {
        Some("batched") => Some("in batches"),
        Some(_) => Some("directly"),
        None => None,
    };
    let answered = told.done(view.version).map(|it| it.success_count);
    let in_use = usize::try_from(view.in_use).unwrap_or(usize::MAX);
    let kind = (!view.platform.is_empty()).then(|| platform(&view.platform));
    // What is not known yet is left out.
    let facts = [
        Some(fact("Traffic", figures::share(view.traffic_share))),
        answered.map(|it| fact("Answered", text::count(it))),
        view.row_us.map(|it| fact("One row", figures::micros(it))),
        runs.map(|it| fact("Runs", it.to_owned())),
        kind.map(|it| fact("Kind", it.to_owned())),
        Some(fact("Memory", memory)),
        Some(fact("File", figures::bytes(view.file_bytes))),
        view.load_ms
            .map(|it| fact("Loaded in", figures::micros(it * 1e3))),
        Some(fact("In use by", figures::counted(in_use, "request"))),
        Some(fact("Golden rows", golden(view).to_owned())),
        view.log_loss
            .map(|it| fact("Log loss", scored(it, view.scored))),
        view.squared_error
            .map(|it| fact("Squared error", scored(it, view.scored))),
        (!view.sha256.is_empty()).then(|| Fact {
            name: "SHA-256",
            value: view.sha256.chars().take(HASH_SIGNS).collect(),
            title: view.sha256.clone(),
        }),
    ];
    facts.into_iter().flatten().collect()
}

/// A mean score, and on how many results.
fn scored(score: f64, results: u64) -> String {
    format!("{} on {}", text::number(score, 4), text::count(results))
}

/// Whether the rows with known answers agree.
fn golden(view: &VersionView) -> &'static str {
    let reason = view.reason.as_deref().unwrap_or_default();
    match view.state {
        _ if !view.golden => "none",
        LoadState::Ready => "agree",
        LoadState::Failed if reason.starts_with("golden") => "differ",
        LoadState::Failed => "not reached",
        _ if !view.sha256.is_empty() => "agreed when loaded",
        _ => "checked when loaded",
    }
}
