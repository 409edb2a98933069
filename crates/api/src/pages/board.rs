//! The board: fixtures by day, each with the model's view, the market's, and the best edge.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use domain::CompetitionKey;
use engine::{
    BoardFilter, CompetitionView, EngineError, FixtureFilter, Newest, PageRequest, Phase,
};
use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Pages,
    asked::{Asked, misread},
    board_row::Row,
    opinions,
    preferences::Preferences,
    shell::{Shell, inline_json},
    state::BoardState,
    table, text,
};
use crate::wire::{List, ScoreRow};

/// The most rows of a day.
const DAY_ROWS_MAX: u32 = 100;
/// The most rows where no day is asked for: what fits the first flight of a connection.
const FRONT_ROWS_MAX: u32 = 30;

/// How long after its end a day's board, and after its kickoff a fixture, is still followed: results are put right for a while.
pub(super) const FOLLOWED_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// What the address can say; a form sends empty texts for what was left alone.
#[derive(Debug, Default, Deserialize)]
pub(super) struct BoardQuery {
    #[serde(default)]
    day: String,
    #[serde(default)]
    competition: String,
}

/// Everything the page shows.
pub(super) struct Board {
    pub(super) rows: Vec<ScoreRow>,
    /// What the rows were read from, and what the program goes on from.
    pub(super) told: Told,
    pub(super) competitions: Vec<CompetitionView>,
    pub(super) competition: Option<CompetitionKey>,
    /// The day asked for; `None` shows what comes next.
    pub(super) day: Option<Date>,
    /// What of the address could not be shown.
    pub(super) notices: Vec<String>,
    pub(super) previous: Option<Date>,
    pub(super) next: Option<Date>,
    pub(super) now: Timestamp,
}

/// The scoreboard's answer that a page was made of.
pub(super) struct Told {
    /// What it can be followed by; `None` where nothing of it will change any more.
    pub(super) key: Option<String>,
    /// As which revision it is told, and its moment in milliseconds since 1970; `None` where it is
    /// not followed.
    pub(super) held: Option<(String, i64)>,
    pub(super) answer: Value,
}

/// One day's rows.
pub(super) struct Day {
    iso: String,
    label: String,
    rows: Vec<Row>,
}

/// One choice of the competition filter.
struct Choice {
    key: String,
    name: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "board.html")]
struct BoardPage<'a> {
    shell: Shell<'a>,
    heading: String,
    choices: Vec<Choice>,
    day: String,
    previous: Option<String>,
    next: Option<String>,
    /// Whether any filter is set.
    filtered: bool,
    /// The table of the competition that is shown alone.
    table: Option<String>,
    summary: Option<String>,
    days: Vec<Day>,
    empty: Option<Empty>,
    has_model: bool,
    /// Whether the program follows it.
    is_live: bool,
}

/// Why there is nothing to show.
#[derive(Debug, PartialEq, Eq)]
enum Empty {
    NoData,
    NoMatch,
}

/// `GET /`.
pub(super) async fn show(
    State(pages): State<Pages>,
    Asked(query): Asked<BoardQuery>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let preferences = Preferences::read(&headers);
    match read(&pages, &query, &preferences).await {
        Ok(board) => {
            let path = uri.path_and_query().map_or("/", |it| it.as_str());
            let page = page(&pages, &board, path.to_owned(), preferences);
            pages.respond(&page, StatusCode::OK, &headers)
        }
        Err(error) => pages.failed(&error, &headers),
    }
}

impl BoardQuery {
    /// What of it is no day, and no competition there is.
    fn notices(&self, known: &[CompetitionView]) -> Vec<String> {
        let day = self.day.parse::<Date>().is_ok();
        let next = "what comes next is shown";
        let day = misread(&self.day, day, "a day such as 2026-08-15", next);
        let competition = known_competition(&self.competition, known);
        day.into_iter().chain(competition).collect()
    }
}

/// Says that a competition is not known; what is no key at all is passed over.
pub(super) fn known_competition(key: &str, known: &[CompetitionView]) -> Option<String> {
    let is_known = known.iter().any(|it| it.competition.key.as_str() == key);
    let shown = match CompetitionKey::new(key) {
        Ok(_) => "there is nothing of it",
        Err(_) => "all are shown",
    };
    misread(key, is_known, "a competition known here", shown)
}

async fn read(
    pages: &Pages,
    query: &BoardQuery,
    preferences: &Preferences,
) -> Result<Board, EngineError> {
    let engine = &pages.engine;
    let competition = CompetitionKey::new(query.competition.as_str()).ok();
    let competitions: Vec<CompetitionKey> = competition.iter().cloned().collect();
    let day: Option<Date> = query.day.parse().ok();
    let (from, until) = day.and_then(|it| preferences.day(it)).unzip();
    let limit = if from.is_some() {
        DAY_ROWS_MAX
    } else {
        FRONT_ROWS_MAX
    };
    let filter = BoardFilter {
        competitions: competitions.clone(),
        from,
        until,
        limit,
    };
    let (rows, told) = rows(pages, &filter).await?;
    let first = from.or(rows.first().map(|it| it.fixture.kickoff));
    let last = until.or(rows.last().map(|it| after(it.fixture.kickoff)));
    let (mut previous, mut next) = (None, None);
    if first.is_some() {
        previous = neighbour(pages, &competitions, (None, first), preferences).await?;
        next = neighbour(pages, &competitions, (last, None), preferences).await?;
    }
    let known = engine.competitions().await?;
    Ok(Board {
        rows,
        told,
        notices: query.notices(&known),
        competitions: known,
        competition,
        day,
        previous: previous.filter(|it| Some(*it) != day),
        next: next.filter(|it| Some(*it) != day),
        now: engine.now(),
    })
}

/// The rows, as they are told to who follows them where they may still change, so that what the
/// program hears next joins what the page shows.
async fn rows(pages: &Pages, filter: &BoardFilter) -> Result<(Vec<ScoreRow>, Told), EngineError> {
    let over = pages.engine.now().saturating_sub(FOLLOWED_AFTER);
    let over = over.expect("a fixed span never overflows");
    let key = key(filter);
    let key = Some(key).filter(|_| filter.until.is_none_or(|it| it > over));
    if let Some(key) = &key
        && let Ok(held) = pages.live.held(key).await
        && let Ok(list) = List::<ScoreRow>::deserialize(&held.data)
    {
        let told = Told {
            key: Some(held.key),
            held: Some((held.rev, held.at)),
            answer: held.data,
        };
        return Ok((list.data, told));
    }
    let rows = pages.engine.board(filter).await?;
    let list = List::whole(rows, ScoreRow::from);
    let told = Told::unfollowed(key, &list);
    Ok((list.data, told))
}

/// The address of the rows without `/v1/`, its query in order of name.
fn key(filter: &BoardFilter) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if let Some(competition) = filter.competitions.first() {
        query.append_pair("competition", competition.as_str());
    }
    if let Some(from) = filter.from {
        query.append_pair("from", &from.to_string());
    }
    query.append_pair("limit", &filter.limit.to_string());
    if let Some(until) = filter.until {
        query.append_pair("until", &until.to_string());
    }
    format!("scoreboard?{}", query.finish())
}

impl Told {
    /// Rows that were not read from the feed.
    pub(super) fn unfollowed(key: Option<String>, list: &List<ScoreRow>) -> Self {
        Self {
            key,
            held: None,
            answer: serde_json::to_value(list).expect("rows are plain data"),
        }
    }
}

/// The day of the nearest fixture after `from`, or else before `until`.
async fn neighbour(
    pages: &Pages,
    competitions: &[CompetitionKey],
    (from, until): (Option<Timestamp>, Option<Timestamp>),
    preferences: &Preferences,
) -> Result<Option<Date>, EngineError> {
    let newest_first = if until.is_some() {
        Newest::First
    } else {
        Newest::Last
    };
    let filter = FixtureFilter {
        competitions: competitions.to_vec(),
        from,
        until,
        newest_first,
        ..FixtureFilter::default()
    };
    let page = PageRequest {
        cursor: None,
        limit: 1,
    };
    let found = pages.engine.fixtures(&filter, &page).await?.data;
    let zone = || preferences.zone.clone();
    Ok(found
        .first()
        .map(|it| it.fixture.kickoff.to_zoned_datetime(zone()).date()))
}

/// The page of a board as text.
#[cfg(test)]
pub(super) fn html(pages: &Pages, board: &Board, preferences: Preferences) -> String {
    page(pages, board, "/".to_owned(), preferences)
        .render()
        .expect("a string takes all")
}

fn after(moment: Timestamp) -> Timestamp {
    moment
        .saturating_add(1.second())
        .expect("a second never overflows when saturating")
}

fn page<'a>(
    pages: &'a Pages,
    board: &Board,
    path: String,
    preferences: Preferences,
) -> BoardPage<'a> {
    let days = days(&board.rows, &preferences, board.now);
    let heading = match days.as_slice() {
        [] => "Board",
        _ if board.rows.iter().any(|it| it.fixture.kickoff >= board.now) => "Coming up",
        _ if board.day.is_some() => "Results",
        _ if board
            .rows
            .iter()
            .any(|it| it.play.is_some() && it.fixture.score.is_none()) =>
        {
            "Being played"
        }
        _ => "Latest results",
    };
    let heading = heading.to_owned();
    let state = BoardState::new(board, &preferences);
    let link = |day: Date| {
        let competition = board
            .competition
            .as_ref()
            .map(|it| format!("&competition={it}"));
        format!("/?day={day}{}", competition.unwrap_or_default())
    };
    let mut shell = pages.shell("board", heading.clone(), path, preferences);
    shell.state = inline_json(&state);
    shell.notices.clone_from(&board.notices);
    shell.soon = pages.assets.board(board.told.key.is_some());
    BoardPage {
        shell,
        heading,
        choices: choices(board),
        day: board.day.map(|it| it.to_string()).unwrap_or_default(),
        previous: board.previous.map(link),
        next: board.next.map(link),
        filtered: board.day.is_some() || board.competition.is_some(),
        table: board.competition.as_ref().map(table::path),
        summary: summary(&board.rows),
        empty: empty(board),
        is_live: board.told.key.is_some(),
        has_model: board.rows.iter().any(is_forecast),
        days,
    }
}

/// Whether a model says something of a row, or nothing only because the game was abandoned.
fn is_forecast(row: &ScoreRow) -> bool {
    let play = row.play.as_ref();
    row.prediction.is_some() || play.is_some_and(|it| Phase::from(it.phase) == Phase::Abandoned)
}

/// Rows in groups of one day, in the order they came.
pub(super) fn days(rows: &[ScoreRow], preferences: &Preferences, now: Timestamp) -> Vec<Day> {
    let mut days: Vec<Day> = Vec::new();
    for row in rows {
        let fixture = &row.fixture;
        let kickoff = (fixture.kickoff, fixture.kickoff_precision.into());
        let (iso, label) = text::day_of(kickoff, &preferences.zone);
        let line = Row::new(row, preferences, now);
        match days.last_mut().filter(|it| it.iso == iso) {
            Some(day) => day.rows.push(line),
            None => days.push(Day {
                iso,
                label,
                rows: vec![line],
            }),
        }
    }
    days
}

fn choices(board: &Board) -> Vec<Choice> {
    board
        .competitions
        .iter()
        .filter(|it| it.fixtures > 0)
        .map(|it| Choice {
            key: it.competition.key.to_string(),
            name: it.competition.name.clone(),
            chosen: board.competition.as_ref() == Some(&it.competition.key),
        })
        .collect()
}

fn empty(board: &Board) -> Option<Empty> {
    let known: u64 = board.competitions.iter().map(|it| it.fixtures).sum();
    match (board.rows.is_empty(), known) {
        (false, _) => None,
        (true, 0) => Some(Empty::NoData),
        (true, _) => Some(Empty::NoMatch),
    }
}

/// How model and market did on the results shown, on the fixtures both had a view of.
pub(super) fn summary(rows: &[ScoreRow]) -> Option<String> {
    let both: Vec<(f64, f64)> = rows
        .iter()
        .filter_map(|row| {
            let model = &row.prediction.as_ref()?.probabilities;
            let score = row.fixture.score?;
            let happened = opinions::happened(score.into(), model.len() == 3)?;
            let model = model.get(happened)?;
            let market = row.market.as_ref()?.probabilities.get(happened)?;
            Some((-model.ln(), -market.ln()))
        })
        .collect();
    if both.is_empty() {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a hundred rows at most")]
    let n = both.len() as f64;
    let (model, market) = both
        .iter()
        .fold((0.0, 0.0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
    Some(format!(
        "Log loss over these {} results: model {:.3}, market {:.3} (lower is better)",
        both.len(),
        model / n,
        market / n,
    ))
}
