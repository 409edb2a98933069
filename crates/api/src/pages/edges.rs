//! Edges: prices that pay more than they should, sorted as the address says.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use domain::CompetitionKey;
use engine::{CompetitionView, EdgeFilter, EdgeView, EngineError, Flagged, Page, PageRequest};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{
    Pages,
    asked::{Asked, misread},
    board::known_competition,
    board_row::pick,
    preferences::Preferences,
    quotes::Shown,
    shell::{Shell, inline_json},
    text::{self, Since},
};
use crate::live::Held;

/// The most edges shown.
const EDGES_MAX: u32 = 200;

/// What the address can say.
#[derive(Debug, Default, Deserialize)]
pub(super) struct EdgesQuery {
    #[serde(default)]
    sort: String,
    /// Addresses of before only one market was offered may name another.
    #[serde(default)]
    market: String,
    #[serde(default)]
    competition: String,
    #[serde(default)]
    day: String,
    /// Least expected value in percent.
    #[serde(default)]
    min: String,
    #[serde(default)]
    flagged: String,
}

/// By what edges are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Value,
    Kickoff,
    Price,
    Probability,
    Stake,
    Age,
}

/// An edge, ready to be written.
pub(super) struct EdgeLine {
    pub(super) fixture: i64,
    pub(super) title: String,
    pub(super) competition: String,
    pub(super) kickoff: String,
    pub(super) day: String,
    pub(super) market: String,
    pub(super) pick: String,
    pub(super) bookmaker: String,
    pub(super) price: Shown,
    pub(super) fair: Option<Shown>,
    pub(super) probability: String,
    pub(super) value: String,
    pub(super) raw: String,
    pub(super) stake: String,
    pub(super) age: String,
    /// Whether it counts from now.
    pub(super) ticks: bool,
    pub(super) taken_at: String,
    /// Why it is doubtful; what all of its group are doubtful for stands once.
    pub(super) flags: Vec<&'static str>,
    /// Rows of its fixture from here on; 0 below the first of them.
    pub(super) rows: usize,
    pub(super) doubts: Vec<&'static str>,
    /// Whether there is value in it and no doubt; whether there is doubt.
    pub(super) good: bool,
    pub(super) doubtful: bool,
}

/// A column one can sort by.
struct Column {
    title: &'static str,
    link: Option<String>,
    /// The value of `aria-sort`, where it is sorted by.
    sorted: bool,
}

#[derive(Template)]
#[template(path = "edges.html")]
struct EdgesPage<'a> {
    shell: Shell<'a>,
    columns: Vec<Column>,
    edges: Vec<EdgeLine>,
    competitions: Vec<(String, String, bool)>,
    min: String,
    day: String,
    /// Whether any filter is set.
    filtered: bool,
    sort: &'static str,
    flagged: bool,
    more: bool,
    /// Whether the program follows it.
    follows: bool,
}

/// State of the list, for the program.
#[derive(Serialize)]
struct EdgesState {
    now: String,
    odds: &'static str,
    sort: &'static str,
    /// What to follow; null where it cannot be followed.
    key: Option<String>,
    /// The revision that the list was made of.
    rev: Option<String>,
}

/// A list, the competitions there are, and what it can be followed by.
struct Listed {
    edges: Page<EdgeView>,
    known: Vec<CompetitionView>,
    held: Option<Held>,
}

/// `GET /edges`.
pub(super) async fn show(
    State(pages): State<Pages>,
    Asked(query): Asked<EdgesQuery>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let preferences = Preferences::read(&headers);
    match read(&pages, &query, &preferences).await {
        Ok((listed, notices)) => {
            let path = uri.path_and_query().map_or("/edges", |it| it.as_str());
            let mut page = page(&pages, &query, listed, path.to_owned(), preferences);
            page.shell.notices = notices;
            pages.respond(&page, StatusCode::OK, &headers)
        }
        Err(error) => pages.failed(&error, &headers),
    }
}

async fn read(
    pages: &Pages,
    query: &EdgesQuery,
    preferences: &Preferences,
) -> Result<(Listed, Vec<String>), EngineError> {
    let (from, until) = query.day().and_then(|it| preferences.day(it)).unzip();
    // Before the rest is read, so that the rest is at least as new.
    let held = pages.live.held(&query.key(from.zip(until))).await.ok();
    let filter = EdgeFilter {
        competitions: CompetitionKey::new(query.competition.as_str())
            .into_iter()
            .collect(),
        min_edge: query.percent().map(|it| it / 100.0),
        flagged: if query.flagged.is_empty() {
            Flagged::Hidden
        } else {
            Flagged::Shown
        },
        from,
        until,
        ..EdgeFilter::default()
    };
    let whole = PageRequest {
        cursor: None,
        limit: EDGES_MAX,
    };
    let edges = pages.engine.edges(&filter, &whole).await?;
    let known = pages.engine.competitions().await?;
    let notices = query.notices(&known);
    Ok((Listed { edges, known, held }, notices))
}

fn page<'a>(
    pages: &'a Pages,
    query: &EdgesQuery,
    Listed {
        mut edges,
        known,
        held,
    }: Listed,
    path: String,
    preferences: Preferences,
) -> EdgesPage<'a> {
    let sort = Sort::parse(&query.sort).unwrap_or(Sort::Value);
    sort.apply(&mut edges.data);
    let now = pages.engine.now();
    let state = EdgesState {
        now: now.to_string(),
        odds: preferences.odds.as_str(),
        sort: sort.as_str(),
        key: held.as_ref().map(|it| it.key.clone()),
        rev: held.map(|it| it.rev),
    };
    let follows = state.key.is_some();
    let lines = edges
        .data
        .iter()
        .map(|it| EdgeLine::new(it, &preferences, now));
    let lines = EdgeLine::grouped(lines.collect());
    let mut shell = pages.shell("edges", "Edges".to_owned(), path, preferences);
    shell.state = inline_json(&state);
    shell.soon = pages.assets.game(follows);
    EdgesPage {
        shell,
        columns: Column::list(query, sort),
        edges: lines,
        competitions: known
            .iter()
            .filter(|it| it.fixtures > 0)
            .map(|it| &it.competition)
            .map(|it| {
                let chosen = it.key.as_str() == query.competition;
                (it.key.to_string(), it.name.clone(), chosen)
            })
            .collect(),
        min: query.percent().map(|it| it.to_string()).unwrap_or_default(),
        day: query.day().map(|it| it.to_string()).unwrap_or_default(),
        filtered: query.is_narrow(),
        sort: sort.as_str(),
        flagged: !query.flagged.is_empty(),
        more: edges.next_cursor.is_some(),
        follows,
    }
}

impl Sort {
    const ALL: [Self; 6] = [
        Self::Value,
        Self::Kickoff,
        Self::Price,
        Self::Probability,
        Self::Stake,
        Self::Age,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Kickoff => "kickoff",
            Self::Price => "price",
            Self::Probability => "probability",
            Self::Stake => "stake",
            Self::Age => "age",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }

    /// Largest first; for kickoff the next, for age the youngest.
    fn apply(self, edges: &mut [EdgeView]) {
        let decreasing = |edges: &mut [EdgeView], of: fn(&EdgeView) -> f64| {
            edges.sort_by(|a, b| of(b).total_cmp(&of(a)));
        };
        match self {
            Self::Value => decreasing(edges, |it| it.expected_value),
            Self::Price => decreasing(edges, |it| it.price.decimal()),
            Self::Probability => decreasing(edges, |it| it.probability),
            Self::Stake => decreasing(edges, |it| it.stake),
            Self::Kickoff => edges.sort_by_key(|it| it.fixture.fixture.kickoff),
            Self::Age => edges.sort_by_key(|it| std::cmp::Reverse(it.taken_at)),
        }
    }
}

impl Column {
    fn list(query: &EdgesQuery, sort: Sort) -> Vec<Self> {
        let column = |title, key: Option<Sort>| Self {
            title,
            link: key.map(|it| query.link(it)),
            sorted: key == Some(sort),
        };
        vec![
            column("Fixture", Some(Sort::Kickoff)),
            column("Bet", None),
            column("Price", Some(Sort::Price)),
            column("Fair price", None),
            column("Probability", Some(Sort::Probability)),
            column("Expected value", Some(Sort::Value)),
            column("Raw value", None),
            column("Stake", Some(Sort::Stake)),
            column("Price taken", Some(Sort::Age)),
        ]
    }
}

impl EdgesQuery {
    /// The least expected value that is asked for, in percent.
    fn percent(&self) -> Option<f64> {
        let text = self.min.trim().trim_end_matches('%');
        text.parse().ok().filter(|it: &f64| it.is_finite())
    }

    /// The day that is asked for.
    fn day(&self) -> Option<Date> {
        self.day.parse().ok()
    }

    /// Whether it leaves edges out that would be listed without it.
    fn is_narrow(&self) -> bool {
        let competition = CompetitionKey::new(self.competition.as_str()).is_ok();
        competition || self.day().is_some() || self.percent().is_some()
    }

    /// What of it is asked for in vain.
    fn notices(&self, known: &[CompetitionView]) -> Vec<String> {
        let all = "all are listed";
        let market = self.market == "h2h";
        let sort = Sort::parse(&self.sort).is_some();
        let said = [
            misread(&self.sort, sort, "a column", "the largest value is first"),
            misread(&self.market, market, "a market that has edges", all),
            misread(
                &self.min,
                self.percent().is_some(),
                "a number of percent",
                all,
            ),
            misread(
                &self.day,
                self.day().is_some(),
                "a day such as 2026-08-15",
                "what comes next is looked at",
            ),
            known_competition(&self.competition, known),
        ];
        said.into_iter().flatten().collect()
    }

    /// The address of the list without `/v1/`, its query in order of name.
    fn key(&self, window: Option<(Timestamp, Timestamp)>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Ok(competition) = CompetitionKey::new(self.competition.as_str()) {
            query.append_pair("competition", competition.as_str());
        }
        if !self.flagged.is_empty() {
            query.append_pair("flagged", "shown");
        }
        if let Some((from, _)) = window {
            query.append_pair("from", &from.to_string());
        }
        query.append_pair("limit", &EDGES_MAX.to_string());
        if let Some(percent) = self.percent() {
            query.append_pair("min_edge", &(percent / 100.0).to_string());
        }
        if let Some((_, until)) = window {
            query.append_pair("until", &until.to_string());
        }
        format!("edges?{}", query.finish())
    }

    /// The address of the same list sorted otherwise.
    fn link(&self, sort: Sort) -> String {
        let mut link = format!("/edges?sort={}", sort.as_str());
        let competition = CompetitionKey::new(self.competition.as_str())
            .ok()
            .map(|it| it.to_string());
        let min = self.percent().map(|it| it.to_string());
        let flagged = (!self.flagged.is_empty()).then(|| "1".to_owned());
        for (name, value) in [
            ("competition", competition),
            ("day", self.day().map(|it| it.to_string())),
            ("min", min),
            ("flagged", flagged),
        ] {
            if let Some(value) = value {
                link += &format!("&{name}={value}");
            }
        }
        link
    }
}

impl EdgeLine {
    pub(super) fn new(edge: &EdgeView, preferences: &Preferences, now: Timestamp) -> Self {
        let view = &edge.fixture;
        let fair = domain::Price::new(edge.fair_price).ok();
        let kickoff = view.fixture.kickoff;
        let since = Since::of((kickoff, view.fixture.kickoff_precision), now, false);
        Self {
            fixture: view.fixture.id.0,
            title: format!("{} v {}", view.home.name, view.away.name),
            competition: view.competition_name.clone(),
            kickoff: kickoff.to_string(),
            day: text::fixture_day(view, &preferences.zone).1,
            market: text::market(edge.market),
            pick: pick(edge),
            bookmaker: text::words(edge.bookmaker.as_str()),
            price: Shown {
                text: preferences.price(edge.price),
                decimal: edge.price.decimal(),
            },
            fair: fair.map(|it| Shown {
                text: preferences.price(it),
                decimal: it.decimal(),
            }),
            probability: text::percent(edge.probability),
            value: text::signed_percent(edge.expected_value),
            raw: text::signed_percent(edge.raw_value),
            stake: if edge.stake > 0.0 {
                format!("{}%", text::number(edge.stake * 100.0, 2))
            } else {
                "none".to_owned()
            },
            age: text::age(edge.taken_at, since),
            ticks: since.ticks(),
            taken_at: edge.taken_at.to_string(),
            good: edge.flags.is_empty() && edge.expected_value > 0.0,
            doubtful: !edge.flags.is_empty(),
            flags: edge.flags.iter().map(|it| text::flag(*it)).collect(),
            rows: 1,
            doubts: Vec::new(),
        }
    }

    /// Brings the rows of a fixture together, below the one that came first, and tells once what they
    /// have in common.
    pub(super) fn grouped(lines: Vec<Self>) -> Vec<Self> {
        let mut groups: Vec<Vec<Self>> = Vec::new();
        for line in lines {
            match groups.iter_mut().find(|it| it[0].fixture == line.fixture) {
                Some(group) => group.push(line),
                None => groups.push(vec![line]),
            }
        }
        for group in &mut groups {
            let common = |flag: &&str| group.iter().all(|it| it.flags.contains(flag));
            let common: Vec<&str> = group[0].flags.iter().copied().filter(common).collect();
            for line in group.iter_mut() {
                line.flags.retain(|it| !common.contains(it));
                line.rows = 0;
            }
            group[0].rows = group.len();
            group[0].doubts = common;
        }
        groups.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests;
