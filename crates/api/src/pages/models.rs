//! Models that are served: what each runs on, holds, gets and takes, and the memory of them all.

mod told;
mod traffic;

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use engine::{
    ModelView,
    serving::{CacheFigures, LoadState},
};
use serde::Deserialize;

use super::{
    Pages,
    asked::{Asked, misread},
    figures,
    preferences::Preferences,
    shell::Shell,
    text,
};

use self::told::{Overview, Wanted, overview};
pub(super) use self::{
    told::{Told, one, platform},
    traffic::Traffic,
};

/// Models on one page: what fits the first flight of a connection.
const ROWS_MAX: usize = 40;

/// What the address can say.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ModelsQuery {
    /// Part of a name.
    #[serde(default)]
    name: String,
    /// Which stretch, from 1.
    #[serde(default)]
    page: String,
}

/// A model, ready to be written.
struct Row {
    name: String,
    platform: &'static str,
    versions: String,
    serving: Option<String>,
    state: (&'static str, &'static str),
    traffic: Traffic,
    memory: String,
    requests: String,
    /// Requests so far, for the program to make a rate of.
    count: u64,
    /// Latency at the median and the 99th percentile of what serves.
    latency: Option<(String, String)>,
    problems: Vec<String>,
}

/// The cache of models, ready to be written.
struct Cache {
    bytes: String,
    budget: String,
    share: String,
    /// Width of the bar in percent.
    width: String,
    resident: String,
    in_use: String,
    hit_share: String,
    hits: String,
    loads: String,
    load_note: String,
}

/// The sports models that serve, ready to be written.
struct Sports {
    version: String,
    digest: String,
    trained: String,
    models: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "models.html")]
struct ModelsPage<'a> {
    shell: Shell<'a>,
    rows: Vec<Row>,
    /// Models there are, whatever was looked for.
    all: usize,
    summary: String,
    name: String,
    previous: Option<String>,
    next: Option<String>,
    cache: Cache,
    folder: String,
    /// The longest file that may be uploaded.
    upload_bytes_max: u64,
    sports: Option<Sports>,
}

/// `GET /models`.
pub(super) async fn show(
    State(pages): State<Pages>,
    Asked(query): Asked<ModelsQuery>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let preferences = Preferences::read(&headers);
    let number = query.page.parse().unwrap_or(1).clamp(1, 1 << 20);
    let overview = match pages.engine.serving() {
        Some(server) => {
            let wanted = Wanted {
                name: query.name.clone(),
                skip: (number - 1) * ROWS_MAX,
                take: ROWS_MAX,
            };
            overview(server, wanted).await
        }
        None => Overview::default(),
    };
    let sports = match pages.engine.models().await {
        Ok(models) => sports(&models, &preferences),
        Err(error) => return pages.failed(&error, &headers),
    };
    let path = uri.path_and_query().map_or("/models", |it| it.as_str());
    let mut shell = pages.shell("models", "Models".to_owned(), path.to_owned(), preferences);
    let known = query.page.parse::<u32>().is_ok_and(|it| it > 0);
    let notice = misread(
        &query.page,
        known,
        "the number of a page",
        "the first is shown",
    );
    shell.notices.extend(notice);
    let page = page(shell, &overview, (query.name, number), sports);
    pages.respond(&page, StatusCode::OK, &headers)
}

fn page<'a>(
    shell: Shell<'a>,
    overview: &Overview,
    (name, number): (String, usize),
    sports: Option<Sports>,
) -> ModelsPage<'a> {
    let link = |number: usize| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if !name.is_empty() {
            query.append_pair("name", &name);
        }
        query.append_pair("page", &number.to_string());
        format!("/models?{}", query.finish())
    };
    ModelsPage {
        shell: shell.with_models_style(),
        rows: overview.told.iter().map(Row::new).collect(),
        all: overview.all,
        summary: summary(overview, &name),
        previous: (number > 1).then(|| link(number - 1)),
        next: (overview.found > number * ROWS_MAX).then(|| link(number + 1)),
        cache: Cache::new(&overview.cache),
        folder: overview.folder.clone(),
        upload_bytes_max: overview.upload_bytes_max,
        name,
        sports,
    }
}

fn summary(overview: &Overview, name: &str) -> String {
    let shown = overview.told.len();
    let models = figures::counted(overview.found, "model");
    let named = if name.is_empty() {
        String::new()
    } else {
        format!(" with \u{201c}{name}\u{201d} in the name")
    };
    if shown < overview.found {
        format!("{shown} of {models}{named}.")
    } else {
        format!("{models}{named}.")
    }
}

/// The models of the trained version that serves; nothing before the first training.
fn sports(models: &[ModelView], preferences: &Preferences) -> Option<Sports> {
    let first = models.iter().find(|it| it.serving)?;
    Some(Sports {
        version: first.version.clone(),
        digest: first.data_digest.chars().take(8).collect(),
        trained: text::day(first.created_at, &preferences.zone),
        models: models
            .iter()
            .map(|it| (it.name.clone(), text::words(&it.name)))
            .collect(),
    })
}

impl Row {
    fn new(told: &Told) -> Self {
        let serving = told.model.serving.and_then(|it| told.version(it));
        let done = serving.and_then(|it| told.done(it.version));
        let memory = told.versions.iter().map(|it| it.memory_bytes).sum();
        let requests = told.statistics.iter();
        let count = requests.map(|it| it.success_count + it.fail_count).sum();
        Self {
            name: told.model.name.clone(),
            platform: told.platform(),
            versions: figures::counted(told.versions.len(), "version"),
            serving: serving.map(|it| it.version.to_string()),
            state: serving.map_or(("failed", "cannot serve"), |it| state(it.state)),
            traffic: Traffic::new(told),
            memory: figures::bytes(memory),
            requests: text::count(count),
            count,
            latency: done.filter(|it| it.success_count > 0).map(|it| {
                let [median, _, worst] = it.latency_us;
                (figures::micros(median), figures::micros(worst))
            }),
            problems: told.problems(),
        }
    }
}

impl Cache {
    fn new(figures: &CacheFigures) -> Self {
        let tries = figures.loads + figures.load_failures;
        #[expect(clippy::cast_precision_loss, reason = "a mean is shown")]
        let mean = figures.load_time.as_secs_f64() * 1e6 / tries.max(1) as f64;
        let share = figures::ratio(figures.bytes, figures.budget_bytes);
        let asked = figures.hits + figures.misses;
        let evicted = figures.evictions;
        Self {
            bytes: figures::bytes(figures.bytes),
            budget: figures::bytes(figures.budget_bytes),
            share: text::percent(share),
            width: text::percent(share.min(1.0)),
            resident: figures::counted(usize::try_from(figures.resident).unwrap_or(0), "version"),
            in_use: text::count(figures.in_use),
            hit_share: if asked == 0 {
                "\u{2013}".to_owned()
            } else {
                text::percent(figures::ratio(figures.hits, asked))
            },
            hits: format!(
                "{} found in memory, {} not",
                text::count(figures.hits),
                text::count(figures.misses)
            ),
            loads: text::count(figures.loads),
            load_note: if tries == 0 {
                "none yet".to_owned()
            } else {
                format!(
                    "{} on average; {} failed, {} evicted",
                    figures::micros(mean),
                    text::count(figures.load_failures),
                    text::count(evicted)
                )
            },
        }
    }
}

/// How far a version is: the class of its mark, and the word.
pub(super) fn state(state: LoadState) -> (&'static str, &'static str) {
    match state {
        LoadState::Available => ("idle", "on disk"),
        LoadState::Loading => ("busy", "loading"),
        LoadState::Ready => ("ready", "in memory"),
        LoadState::Failed => ("failed", "failed"),
        LoadState::Unloaded => ("idle", "unloaded"),
    }
}

#[cfg(test)]
mod tests;
