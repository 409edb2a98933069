//! A version: how far it is, what it takes, and what can be done with it.

use engine::serving::{LoadState, VersionView};

use super::Act;
use crate::pages::{
    figures,
    models::{Told, platform, state},
    text,
};

/// Signs of a hash that are shown.
const HASH_SIGNS: usize = 12;

/// A version, ready to be written.
pub(super) struct Card {
    pub(super) number: u64,
    /// Class and words of each mark: what it is, then how far it is.
    pub(super) marks: Vec<(&'static str, String)>,
    /// Why it is not further, or gets no traffic.
    pub(super) reasons: Vec<String>,
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
            acts: acts(told, view),
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
    // What serves has the label `stable`, or needs none.
    let labels = view.labels.iter().filter(|it| *it != "stable");
    marks.extend(labels.map(|it| ("label", format!("label {it}"))));
    let (class, word) = state(view.state);
    marks.push((class, word.to_owned()));
    if view.breaker_open {
        marks.push(("failed", "breaker open".to_owned()));
    }
    marks
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

fn acts(told: &Told, view: &VersionView) -> Vec<Act> {
    let version = view.version;
    let act = |act, words: &str, says: String| Act {
        act,
        words: words.to_owned(),
        version: Some(version),
        says,
        share: None,
    };
    // What the policy leaves out has no statistics, and may not be asked for.
    let allowed = told.done(version).is_some();
    let serves = told.model.serving == Some(version);
    let canary = told.model.canary.as_ref();
    let canary = canary.filter(|it| it.version == version);
    let mut acts = Vec::new();
    if allowed && !serves && view.file_bytes > 0 {
        acts.push(act("promote", "Promote", promotion(told, version)));
    }
    let idle = matches!(
        view.state,
        LoadState::Available | LoadState::Failed | LoadState::Unloaded
    );
    if allowed && idle {
        let says = format!(
            "Version {version} is read into memory, checked and warmed up. No traffic moves."
        );
        acts.push(act("load", "Load", says));
    }
    if !serves && view.file_bytes > 0 && view.state != LoadState::Failed {
        let rest = told.model.serving.map_or_else(
            || "the version that serves".to_owned(),
            |it| format!("version {it}"),
        );
        let words = canary.map_or("Try as canary", |_| "Change its share");
        acts.push(Act {
            share: Some(canary.map_or(10.0, |it| it.share * 100.0)),
            ..act(
                "canary",
                words,
                format!(
                    "Version {version} answers this share of requests; the rest stays with {rest}."
                ),
            )
        });
    }
    if canary.is_some() {
        let says = "It gets no more requests than those that name it.".to_owned();
        acts.push(act("end-canary", "End the canary", says));
    }
    acts
}

/// What a promotion changes, in a sentence.
fn promotion(told: &Told, version: u64) -> String {
    let other = told.model.canary.as_ref();
    let other = other.filter(|it| it.version != version && it.share > 0.0);
    let mut says = match told.model.serving {
        Some(serving) => format!("Version {version} takes all traffic from version {serving}"),
        None => format!("Version {version} takes all traffic"),
    };
    if let Some(canary) = other {
        let share = figures::share(canary.share);
        says.push_str(&format!(
            ", but for the {share} of canary version {}",
            canary.version
        ));
    }
    says.push_str(". It is loaded first if it has to be, and can be rolled back.");
    says
}
