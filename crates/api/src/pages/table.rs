//! The table of a competition's season.

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use domain::{CompetitionKey, RankedBy, SeasonKey, Standing, Tally, Team};
use engine::StandingsView;
use serde::Deserialize;

use super::{Pages, preferences::Preferences, problem, shell::Shell};

/// What the address can say.
#[derive(Debug, Default, Deserialize)]
pub(super) struct TableQuery {
    #[serde(default)]
    season: String,
}

#[derive(Template)]
#[template(path = "table.html")]
struct TablePage<'a> {
    shell: Shell<'a>,
    name: String,
    season: String,
    /// By what teams are ranked, as a sentence.
    rule: String,
    action: String,
    /// Every season, and whether it is the one shown; the newest first.
    seasons: Vec<(String, bool)>,
    /// What the first figure is.
    measure: &'static str,
    /// Whether games can end level.
    draws: bool,
    rows: Vec<Row>,
}

/// A team in the table.
struct Row {
    position: u32,
    team: String,
    measure: String,
    played: u32,
    won: u32,
    drawn: u32,
    lost: u32,
    scored: u32,
    conceded: u32,
    difference: String,
    home: String,
    away: String,
}

/// `GET /competitions/{key}`.
pub(super) async fn show(
    State(pages): State<Pages>,
    Path(key): Path<String>,
    Query(query): Query<TableQuery>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let season = Some(query.season).filter(|it| !it.is_empty());
    let season = season.map(SeasonKey::new).transpose();
    let (Ok(key), Ok(season)) = (CompetitionKey::new(key), season) else {
        return problem::of_status(&pages, StatusCode::NOT_FOUND, &headers);
    };
    match pages.engine.standings(&key, season.as_ref()).await {
        Ok(view) => {
            let preferences = Preferences::read(&headers);
            let page = page(&pages, view, &uri, preferences);
            pages.respond(&page, StatusCode::OK, &headers)
        }
        Err(error) => pages.failed(&error, &headers),
    }
}

/// The address of a table.
pub(super) fn link(key: &CompetitionKey, season: &SeasonKey) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("season", season.as_str())
        .finish();
    format!("{}?{query}", path(key))
}

/// The address of the table of the season under way. A key may hold a slash, which in a path is not
/// one of its own.
pub(super) fn path(key: &CompetitionKey) -> String {
    format!("/competitions/{}", key.as_str().replace('/', "%2F"))
}

fn page<'a>(
    pages: &'a Pages,
    view: StandingsView,
    uri: &Uri,
    preferences: Preferences,
) -> TablePage<'a> {
    let address = uri.path_and_query().map_or("/", |it| it.as_str());
    let name = view.competition.name.clone();
    let title = format!("{name} {}", view.season);
    let draws = view.competition.sport.has_draw()
        || view.rows.iter().any(|(_, it)| it.record.total().drawn > 0);
    let by_points = view.ranked_by.contains(&RankedBy::Points);
    let seasons = view.seasons.iter().rev();
    TablePage {
        shell: pages.shell("table", title, address.to_owned(), preferences),
        name,
        rule: rule(view.ranked_by),
        action: path(&view.competition.key),
        seasons: seasons
            .map(|it| (it.to_string(), *it == view.season))
            .collect(),
        season: view.season.to_string(),
        measure: if by_points { "Points" } else { "Win share" },
        draws,
        rows: view
            .rows
            .into_iter()
            .map(|(team, standing)| row(team, &standing, by_points, draws))
            .collect(),
    }
}

fn row(team: Team, standing: &Standing, by_points: bool, draws: bool) -> Row {
    let total = standing.record.total();
    let share = total.win_share();
    let measure = match by_points {
        true => total.points().to_string(),
        false => share.map_or("–".to_owned(), |it| format!("{:.1}%", it * 100.0)),
    };
    Row {
        position: standing.position,
        team: team.name,
        measure,
        played: total.played(),
        won: total.won,
        drawn: total.drawn,
        lost: total.lost,
        scored: total.scored,
        conceded: total.conceded,
        difference: match total.difference() {
            it @ 1.. => format!("+{it}"),
            it => it.to_string().replace('-', "−"),
        },
        home: balance(&standing.record.home, draws),
        away: balance(&standing.record.away, draws),
    }
}

fn balance(tally: &Tally, draws: bool) -> String {
    match draws {
        true => format!("{}–{}–{}", tally.won, tally.drawn, tally.lost),
        false => format!("{}–{}", tally.won, tally.lost),
    }
}

/// What the order of teams means, for people.
fn rule(ranked_by: &[RankedBy]) -> String {
    let words = ranked_by.iter().map(|it| match it {
        RankedBy::Points => "points (three for a win, one for a draw)",
        RankedBy::WinShare => "the share of games won",
        RankedBy::Difference => "what was scored less what was conceded",
        RankedBy::Scored => "what was scored",
    });
    let words: Vec<&str> = words.collect();
    format!(
        "Ranked by {}. The postseason, games among those who are level, and points taken away, do not count here.",
        words.join(", then ")
    )
}
