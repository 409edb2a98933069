//! A fixture: what each model and the market think, why, and how it came about.

mod against;
mod course;
mod matrix;
pub(super) mod play;
mod reasons;
mod replay;
mod seen;
mod what_if;

use askama::Template;
use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use domain::{FixtureId, MarketKind, MarketPrediction, Price, SeasonType, Sport};
use engine::{FixtureInsight, FixtureView, RatingSeries};
use jiff::Timestamp;
use serde::Serialize;

use self::{
    against::AgainstBlock,
    course::CourseBlock,
    matrix::Matrix,
    play::PlayBlock,
    reasons::Reason,
    replay::{FixtureQuery, ReplayBlock},
    seen::{Seen, Standing, read},
    what_if::WhatIfBlock,
};
use super::{
    Pages,
    asked::Asked,
    board_row::{Side, status},
    charts::{self, Curve, Labels},
    edges::EdgeLine,
    opinions::{self, OpinionLine},
    preferences::Preferences,
    problem,
    quotes::{self, MarketTable, Shown},
    shell::{Shell, inline_json},
    table,
    text::{self, Since},
};
use crate::live::Held;

#[derive(Template)]
#[template(path = "fixture.html")]
struct FixturePage<'a> {
    shell: Shell<'a>,
    id: i64,
    home: Side,
    away: Side,
    played: bool,
    /// The score, at the end or as it stands.
    score: Option<[u16; 2]>,
    /// Whether it is being played, and whether the program follows it.
    under_way: bool,
    follows: bool,
    play: Option<PlayBlock>,
    course: Option<CourseBlock>,
    against: Option<AgainstBlock>,
    replay: Option<ReplayBlock>,
    what_if: Option<WhatIfBlock>,
    /// The table of its season, where it stands and what it is called.
    table: [String; 2],
    /// Whether it is a game that the table does not count.
    postseason: bool,
    meta: String,
    /// Why it is not played as planned.
    status: Option<&'static str>,
    kickoff: String,
    summary: Option<String>,
    views: Vec<OpinionLine>,
    others: Vec<OpinionLine>,
    model: Option<String>,
    matrix: Option<Matrix>,
    expected: Option<[String; 2]>,
    reasons: Vec<Reason>,
    /// Models that could not be asked, for people; empty where all were.
    left_out: String,
    ratings: Option<String>,
    ratings_say: &'static str,
    markets: Vec<MarketCard>,
    tables: Vec<MarketTable>,
    edges: Vec<EdgeLine>,
    meetings: Vec<Meeting>,
}

/// One market's probabilities.
struct MarketCard {
    title: String,
    outcomes: Vec<(String, String, Option<Shown>)>,
}

/// One earlier game of the two teams.
struct Meeting {
    id: i64,
    day: String,
    home: Side,
    away: Side,
}

/// What the program needs to follow the fixture and to draw ratings.
#[derive(Serialize)]
struct FixtureState {
    now: String,
    odds: &'static str,
    ratings: Vec<RatingState>,
    /// What to follow; null where nothing will change any more.
    key: Option<String>,
    /// The revision that the page was made of; null where it was not read from the feed.
    rev: Option<String>,
    /// How the game stands, told as that revision.
    play: Option<Held>,
}

/// A team's ratings by second.
#[derive(Serialize)]
struct RatingState {
    name: String,
    points: Vec<(i64, f64)>,
}

/// `GET /fixtures/{id}`.
pub(super) async fn show(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    Asked(query): Asked<FixtureQuery>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let Ok(id) = id.parse().map(FixtureId) else {
        return problem::of_status(&pages, StatusCode::NOT_FOUND, &headers);
    };
    let preferences = Preferences::read(&headers);
    match read(&pages, id, query.moment()).await {
        Ok(seen) => {
            let path = uri.path_and_query().map_or("/", |it| it.as_str());
            let mut page = page(&pages, &seen, path.to_owned(), preferences);
            page.shell.notices.extend(query.notice());
            pages.respond(&page, StatusCode::OK, &headers)
        }
        Err(error) => pages.failed(&error, &headers),
    }
}

/// Names the models that should have an opinion and could not be asked.
fn left_out(insight: &FixtureInsight) -> String {
    let names = insight.prediction.as_ref().map(|it| &it.left_out);
    let names = names.into_iter().flatten();
    names
        .map(|it| text::words(it))
        .collect::<Vec<_>>()
        .join(", ")
}

fn page<'a>(
    pages: &'a Pages,
    seen: &Seen,
    path: String,
    preferences: Preferences,
) -> FixturePage<'a> {
    let Seen {
        insight, quotes, ..
    } = seen;
    let view = &insight.fixture;
    let now = pages.engine.now();
    let title = format!("{} v {}", view.home.name, view.away.name);
    let happened = seen.result();
    let happened = happened.and_then(|it| opinions::happened(it, view.has_draw));
    let kickoff = (view.fixture.kickoff, view.fixture.kickoff_precision);
    let since = Since::of(kickoff, now, seen.is_under_way());
    let Views { views, others } = opinion_lines(insight, happened, since);
    let (competition, season) = (&view.fixture.competition, &view.fixture.season);
    let meta = [
        text::fixture_day(view, &preferences.zone).1,
        text::time(kickoff.0, kickoff.1, &preferences.zone),
    ];
    let prediction = insight.prediction.as_ref();
    let play = seen.standing.as_ref().map(|it| &it.play);
    let (course, replay) = game_blocks(seen);
    let mut page = FixturePage {
        id: view.fixture.id.0,
        home: Side::of(view, 0),
        away: Side::of(view, 1),
        played: seen.result().is_some(),
        score: seen
            .result()
            .or(play.map(|it| it.score))
            .map(|it| [it.home, it.away]),
        under_way: seen.is_under_way(),
        follows: seen.key.is_some(),
        play: play.map(|it| PlayBlock::new(view, it, (now, since))),
        against: AgainstBlock::new(insight, &preferences, now),
        course,
        replay,
        what_if: WhatIfBlock::new(insight, seen.standing.as_ref(), now),
        table: [
            table::link(competition, season),
            format!("{} {season}", view.competition_name),
        ],
        postseason: view.fixture.season_type == SeasonType::Postseason,
        meta: meta.join(" \u{b7} "),
        status: status(view.fixture.status.into()),
        kickoff: kickoff.0.to_string(),
        summary: summary(insight, happened),
        views,
        others,
        model: prediction.map(|it| format!("{} {}", text::words(&it.model), it.version)),
        matrix: insight
            .score_matrix
            .as_deref()
            .map(|it| Matrix::new(it, view)),
        expected: insight
            .expected_score
            .map(|it| it.map(|it| text::number(it, 2))),
        reasons: Reason::list(insight.prediction.as_ref().map_or(&[], |it| &it.reasons)),
        left_out: left_out(insight),
        ratings: ratings_chart(view, &insight.ratings),
        ratings_say: ratings_say(view.home.sport),
        markets: market_cards(prediction.map_or(&[], |it| &it.markets), &preferences),
        tables: quotes::tables((quotes, &seen.sums), view.has_draw, since, &preferences),
        edges: edge_lines(insight, &preferences, now),
        meetings: meetings(&insight.head_to_head, &preferences),
        shell: pages.shell("fixture", title, path, preferences),
    };
    page.shell.soon = pages.assets.game(page.follows);
    let odds = page.shell.preferences.odds.as_str();
    page.shell.state = inline_json(&state(seen, odds, now));
    page
}

/// How the game went, and what replays it.
fn game_blocks(seen: &Seen) -> (Option<CourseBlock>, Option<ReplayBlock>) {
    let view = &seen.insight.fixture;
    let Some(timeline) = &seen.timeline else {
        return (None, None);
    };
    let replayed = seen.replayed.as_ref();
    let replay = replayed.and_then(|(it, asked)| ReplayBlock::new(view, timeline, it, *asked));
    let cursor = replay.as_ref().filter(|it| it.is_asked).map(|it| it.played);
    (CourseBlock::new(view, timeline, cursor), replay)
}

fn state(seen: &Seen, odds: &'static str, now: Timestamp) -> FixtureState {
    let series = |series: &RatingSeries| RatingState {
        name: team_name(&seen.insight.fixture, series),
        points: series
            .points
            .iter()
            .map(|(at, rating)| (at.as_second(), tenth(*rating)))
            .collect(),
    };
    FixtureState {
        now: now.to_string(),
        odds,
        ratings: seen.insight.ratings.iter().map(series).collect(),
        key: seen.key.clone(),
        rev: seen.held.as_ref().map(|it| it.rev.clone()),
        play: seen.held.clone(),
    }
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn team_name(view: &FixtureView, series: &RatingSeries) -> String {
    let home = series.team == view.home.id;
    let team = if home { &view.home } else { &view.away };
    team.name.clone()
}

/// Who wins: model and market; then every other model, and the market where it has seen nothing of a
/// game that is under way.
struct Views {
    views: Vec<OpinionLine>,
    others: Vec<OpinionLine>,
}

fn opinion_lines(insight: &FixtureInsight, happened: Option<usize>, since: Since) -> Views {
    let prediction = insight.prediction.as_ref();
    let in_play = prediction.is_some_and(|it| it.before.is_some());
    let line = |who: String, kind, probabilities: &[f64], (at, verb): (Timestamp, _)| OpinionLine {
        who,
        kind,
        segments: opinions::segments(probabilities, happened),
        age: text::age(at, since),
        ticks: since.ticks(),
        at: at.to_string(),
        verb,
    };
    let before = |it: OpinionLine| OpinionLine {
        age: "before kickoff".to_owned(),
        ticks: false,
        ..it
    };
    let (mut views, mut others) = (Vec::new(), Vec::new());
    for (prediction, opinion) in prediction
        .iter()
        .flat_map(|it| it.opinions.iter().map(move |opinion| (it, opinion)))
    {
        let said = (prediction.as_of, "predicted");
        if opinion.model == prediction.model {
            let who = "Model".to_owned();
            views.push(line(who, "model", &opinion.probabilities, said));
            continue;
        }
        let who = text::words(&opinion.model);
        let other = line(who, "market", &opinion.probabilities, said);
        others.push(if in_play { before(other) } else { other });
    }
    if let Some(market) = &insight.market {
        let said = (market.taken_at, "priced");
        let market_line = line("Market".to_owned(), "market", &market.probabilities, said);
        if in_play && market.taken_at <= insight.fixture.fixture.kickoff {
            others.insert(0, before(market_line));
        } else {
            views.push(market_line);
        }
    }
    Views { views, others }
}

/// The fixture in a sentence.
fn summary(insight: &FixtureInsight, happened: Option<usize>) -> Option<String> {
    let prediction = insight.prediction.as_ref()?;
    let opinion = match &prediction.before {
        Some(before) => before,
        None => prediction
            .opinions
            .iter()
            .find(|it| it.model == prediction.model)?,
    };
    let view = &insight.fixture;
    let names = |index: usize| match (index, opinion.probabilities.len()) {
        (0, _) => format!("{} to win", view.home.name),
        (1, 3) => "a draw".to_owned(),
        _ => format!("{} to win", view.away.name),
    };
    let (likeliest, probability) = opinion
        .probabilities
        .iter()
        .enumerate()
        .max_by(|a, b| a.1.total_cmp(b.1))?;
    let mut text = format!(
        "Likeliest before the game: {}, {}.",
        names(likeliest),
        text::percent(*probability)
    );
    if let Some((index, given)) = happened.and_then(|it| Some((it, opinion.probabilities.get(it)?)))
    {
        let market = insight
            .market
            .as_ref()
            .and_then(|it| it.probabilities.get(index));
        let market = market.map(|it| format!(", the market {}", text::percent(*it)));
        let market = market.unwrap_or_default();
        text += &format!(
            " What happened was given {} by the model{market}.",
            text::percent(*given)
        );
    }
    Some(text)
}

/// What ratings of a sport are.
fn ratings_say(sport: Sport) -> &'static str {
    if sport.has_draw() {
        "Elo after each game; 100 points more mean an expected score of about 64% on neutral ground, \
         a draw counted as half."
    } else {
        "Points by which each is better than the average team, after each game; the difference of two \
         is the margin to expect on neutral ground."
    }
}

fn ratings_chart(view: &FixtureView, ratings: &[RatingSeries]) -> Option<String> {
    #[expect(clippy::cast_precision_loss, reason = "seconds on an axis of pixels")]
    let lines = ratings.iter().map(|series| charts::Line {
        name: team_name(view, series),
        class: if series.team == view.home.id {
            "c-home"
        } else {
            "c-away"
        },
        points: series
            .points
            .iter()
            .map(|(at, rating)| (at.as_second() as f64, *rating))
            .collect(),
    });
    let lines: Vec<charts::Line> = lines.collect();
    let last = lines
        .iter()
        .filter_map(|it| Some((it, it.points.last()?.1)));
    let last: Vec<String> = last
        .map(|(line, rating)| format!("{} {}", line.name, text::number(rating, 0)))
        .collect();
    charts::curve(&Curve {
        summary: format!("Ratings over two years; now {}", last.join(", ")),
        lines,
        band: None,
        reference: None,
        decimals: 0,
        unit: "",
        labels: Labels::Months,
    })
}

fn edge_lines(
    insight: &FixtureInsight,
    preferences: &Preferences,
    now: Timestamp,
) -> Vec<EdgeLine> {
    let edges = insight.edges.iter();
    EdgeLine::grouped(
        edges
            .map(|it| EdgeLine::new(it, preferences, now))
            .collect(),
    )
}

fn market_cards(markets: &[MarketPrediction], preferences: &Preferences) -> Vec<MarketCard> {
    let cards = markets.iter().map(|it| market_card(it, preferences));
    cards.collect()
}

fn market_card(prediction: &MarketPrediction, preferences: &Preferences) -> MarketCard {
    let shown = if prediction.market.kind() == MarketKind::CorrectScore {
        8
    } else {
        usize::MAX
    };
    let outcomes = prediction.outcomes.iter().take(shown).map(|it| {
        let fair = Price::new(it.probability.recip()).ok();
        let fair = fair.map(|it| Shown {
            text: preferences.price(it),
            decimal: it.decimal(),
        });
        (
            text::outcome(it.outcome),
            text::percent(it.probability),
            fair,
        )
    });
    MarketCard {
        title: text::market(prediction.market),
        outcomes: outcomes.collect(),
    }
}

fn meetings(games: &[FixtureView], preferences: &Preferences) -> Vec<Meeting> {
    games
        .iter()
        .map(|it| Meeting {
            id: it.fixture.id.0,
            day: text::fixture_day(it, &preferences.zone).1,
            home: Side::of(it, 0),
            away: Side::of(it, 1),
        })
        .collect()
}

#[cfg(test)]
mod tests;
