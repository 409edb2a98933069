//! The cache: what it answers and saves over time and by tier, what is hottest and heaviest, and what
//! a purge would drop. What it shows is for those who operate the server.

mod lines;
mod purge;
mod tier;

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use engine::caching::{Done, Glimpse, KindStatistics, Sample, Window};
use serde::Deserialize;

use super::{
    Pages,
    asked::{self, misread},
    figures,
    preferences::Preferences,
    shell::Shell,
    text,
};
use crate::{aside::aside, kept::address_of};

use self::{
    lines::{Chart, charts},
    purge::{Asked, Preview},
    tier::SharedTier,
};

/// Entries of a list.
const ENTRIES_MAX: usize = 10;

/// What the address can say.
#[derive(Debug, Default, Deserialize)]
pub(super) struct CacheQuery {
    /// `hour` or `day`.
    #[serde(default)]
    window: String,
    #[serde(flatten)]
    asked: Asked,
}

/// A kind, ready to be written.
struct Row {
    name: String,
    hits: String,
    shared_hits: String,
    misses: String,
    stale: String,
    hit_share: String,
    saved: String,
    entries: String,
    memory: String,
}

/// An entry, ready to be written.
struct Entry {
    /// Its address; empty for what is no answer.
    address: String,
    kind: String,
    hits: String,
    memory: String,
    age: String,
    load: String,
    is_stale: bool,
    /// What a purge of it sends.
    body: String,
}

/// The figures at the top.
struct Totals {
    memory: String,
    budget: String,
    share: String,
    /// Width of the bar in percent.
    width: String,
    hit_share: String,
    asked: String,
    saved: String,
    loads: String,
    load_note: String,
}

/// What there is to say, gathered.
struct Told {
    statistics: Vec<KindStatistics>,
    hottest: Vec<Glimpse>,
    heaviest: Vec<Glimpse>,
    memory_bytes: u64,
    budget_bytes: u64,
    kinds: Vec<String>,
    samples: Vec<Sample>,
    window: Window,
    shared: Option<SharedTier>,
}

#[derive(Template)]
#[template(path = "cache.html")]
struct CachePage<'a> {
    shell: Shell<'a>,
    is_day: bool,
    keeps: bool,
    totals: Totals,
    shared: Option<SharedTier>,
    charts: Vec<Chart>,
    rows: Vec<Row>,
    lists: [(&'static str, &'static str, Vec<Entry>); 2],
    kinds: Vec<String>,
    asked: Asked,
    preview: Option<Preview>,
}

/// `GET /cache`.
pub(super) async fn show(
    State(pages): State<Pages>,
    asked::Asked(query): asked::Asked<CacheQuery>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let preferences = Preferences::read(&headers);
    let window = if query.window == "day" {
        Window::Day
    } else {
        Window::Hour
    };
    let told = gather(&pages, window).await;
    let preview = purge::preview(&pages, &query.asked).await;
    let path = uri.path_and_query().map_or("/cache", |it| it.as_str());
    let mut shell = pages.shell("cache", "Cache".to_owned(), path.to_owned(), preferences);
    let known = ["hour", "day"].contains(&query.window.as_str());
    let notice = misread(&query.window, known, "a window", "the last hour is shown");
    shell.notices.extend(notice);
    let page = page(shell, told, query.asked, preview);
    pages.respond(&page, StatusCode::OK, &headers)
}

/// Walks memory off the threads that answer.
async fn gather(pages: &Pages, window: Window) -> Told {
    let cache = pages.engine.cache().clone();
    let kept = pages.kept.clone();
    aside(move || {
        let (kinds, samples) = kept.watch.samples(window);
        Told {
            statistics: cache.statistics(),
            hottest: cache.hottest(ENTRIES_MAX),
            heaviest: cache.heaviest(ENTRIES_MAX),
            memory_bytes: cache.load().0,
            budget_bytes: cache.memory_bytes_max(),
            kinds,
            samples,
            window,
            shared: cache.shared().map(|it| SharedTier::new(&it.health())),
        }
    })
    .await
}

fn page<'a>(shell: Shell<'a>, told: Told, asked: Asked, preview: Option<Preview>) -> CachePage<'a> {
    let zone = shell.preferences.zone.clone();
    let entries = |list: &[Glimpse]| list.iter().map(Entry::new).collect();
    CachePage {
        shell: shell.with_models_style(),
        is_day: told.window == Window::Day,
        keeps: told.budget_bytes > 0,
        totals: Totals::new(&told),
        charts: charts(&told.kinds, &told.samples, told.shared.is_some(), &zone),
        rows: told.statistics.iter().map(Row::new).collect(),
        lists: [
            ("hottest", "Hottest", entries(&told.hottest)),
            ("heaviest", "Heaviest", entries(&told.heaviest)),
        ],
        kinds: told.statistics.iter().map(|it| it.kind.clone()).collect(),
        shared: told.shared,
        asked,
        preview,
    }
}

impl Totals {
    fn new(told: &Told) -> Self {
        let each = told.samples.iter().flat_map(|it| &it.kinds);
        let done = each.fold(Done::default(), |sum, it| sum.and(*it));
        let share = figures::ratio(told.memory_bytes, told.budget_bytes);
        let loads: u64 = told.statistics.iter().map(|it| it.loads).sum();
        let failures: u64 = told.statistics.iter().map(|it| it.failures).sum();
        let entries: u64 = told.statistics.iter().map(|it| it.entries).sum();
        Self {
            memory: figures::bytes(told.memory_bytes),
            budget: figures::bytes(told.budget_bytes),
            share: text::percent(share),
            width: text::percent(share.min(1.0)),
            hit_share: done
                .hit_ratio()
                .map_or_else(|| "\u{2013}".to_owned(), text::percent),
            asked: format!(
                "{} of {} requests",
                text::count(done.hits),
                text::count(done.hits + done.misses)
            ),
            saved: figures::micros(done.time_saved.as_secs_f64() * 1e6),
            loads: text::count(loads),
            load_note: format!(
                "{} failed; {} kept now",
                text::count(failures),
                text::count(entries)
            ),
        }
    }
}

impl Row {
    fn new(it: &KindStatistics) -> Self {
        let hits = it.front_hits + it.memory_hits;
        Self {
            name: short(&it.kind).to_owned(),
            hits: text::count(hits),
            shared_hits: text::count(it.shared_hits),
            misses: text::count(it.misses),
            stale: text::count(it.stale),
            hit_share: if hits + it.misses == 0 {
                "\u{2013}".to_owned()
            } else {
                text::percent(it.hit_ratio())
            },
            saved: figures::micros(it.time_saved.as_secs_f64() * 1e6),
            entries: text::count(it.entries),
            memory: figures::bytes(it.bytes),
        }
    }
}

impl Entry {
    fn new(it: &Glimpse) -> Self {
        let address = address_of(it).unwrap_or_default().to_owned();
        Self {
            body: serde_json::json!({"addresses": [address]}).to_string(),
            address,
            kind: short(&it.kind).to_owned(),
            hits: text::count(u64::from(it.hits)),
            memory: figures::bytes(u64::from(it.bytes)),
            age: text::span(i64::try_from(it.age.as_secs()).unwrap_or(i64::MAX)),
            load: figures::micros(it.cost.as_secs_f64() * 1e6),
            is_stale: it.state != engine::caching::State::Fresh,
        }
    }
}

/// A kind's name without the word that all answers have.
fn short(kind: &str) -> &str {
    kind.strip_prefix("answer.").unwrap_or(kind)
}

#[cfg(test)]
mod tests;
