//! One row of the board, ready to be written.

use std::cmp::Ordering;

use domain::{FixtureStatus, MarketKind, Outcome};
use engine::{BoardRow, EdgeView, FixtureView};
use jiff::Timestamp;

use super::{
    opinions::{self, OpinionLine},
    preferences::Preferences,
    text,
};

/// One row of the board.
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) kickoff: String,
    pub(super) time: String,
    pub(super) competition: String,
    pub(super) competition_name: String,
    pub(super) home: Side,
    pub(super) away: Side,
    pub(super) status: Option<&'static str>,
    pub(super) opinions: Vec<OpinionLine>,
    pub(super) edge: Option<EdgeTag>,
    /// Whether the game is over.
    pub(super) played: bool,
    pub(super) verdict: Option<Verdict>,
}

/// A side and its score, where it has one.
pub(super) struct Side {
    pub(super) name: String,
    pub(super) score: Option<u16>,
    pub(super) won: bool,
}

/// The best edge in a few words.
pub(super) struct EdgeTag {
    pub(super) value: String,
    pub(super) outcome: String,
    pub(super) price: String,
    pub(super) bookmaker: String,
}

/// How a prediction fared against the market.
pub(super) struct Verdict {
    /// `better`, `worse` or `even`, for the style.
    pub(super) class: &'static str,
    pub(super) sign: &'static str,
    pub(super) text: String,
}

impl Row {
    pub(super) fn new(row: &BoardRow, preferences: &Preferences, now: Timestamp) -> Self {
        let view = &row.fixture;
        let fixture = &view.fixture;
        let happened = fixture
            .score
            .and_then(|it| opinions::happened(it, view.has_draw));
        let zone = &preferences.zone;
        Self {
            id: fixture.id.0,
            kickoff: fixture.kickoff.to_string(),
            time: text::time(fixture.kickoff, fixture.kickoff_precision, zone),
            competition: fixture.competition.to_string(),
            competition_name: view.competition_name.clone(),
            home: Side::of(view, 0),
            away: Side::of(view, 1),
            status: status(view),
            opinions: lines(row, happened, now),
            edge: row.edge.as_ref().map(|it| EdgeTag::new(it, preferences)),
            played: fixture.score.is_some(),
            verdict: happened.and_then(|it| Verdict::new(row, it)),
        }
    }
}

impl Side {
    /// The home (0) or away (1) side.
    pub(super) fn of(view: &FixtureView, side: usize) -> Self {
        let score = view.fixture.score.map(|it| [it.home, it.away]);
        let team = [&view.home, &view.away][side];
        Self {
            name: team.name.clone(),
            score: score.map(|it| it[side]),
            won: score.is_some_and(|it| it[side] > it[1 - side]),
        }
    }
}

impl EdgeTag {
    pub(super) fn new(edge: &EdgeView, preferences: &Preferences) -> Self {
        Self {
            value: text::signed_percent(edge.expected_value),
            outcome: pick(edge),
            price: preferences.price(edge.price),
            bookmaker: text::words(edge.bookmaker.as_str()),
        }
    }
}

impl Verdict {
    /// Compares what model and market gave to what happened.
    fn new(row: &BoardRow, happened: usize) -> Option<Self> {
        let model = *row.prediction.as_ref()?.probabilities.get(happened)?;
        let gave = format!("gave the result {}", text::percent(model));
        let market = row
            .market
            .as_ref()
            .and_then(|it| it.probabilities.get(happened).copied());
        let Some(market) = market else {
            return Some(Self {
                class: "even",
                sign: "",
                text: gave,
            });
        };
        let [mine, theirs] = [model, market].map(text::percent);
        let (class, sign) = match model.total_cmp(&market) {
            _ if mine == theirs => ("even", "="),
            Ordering::Greater => ("better", "\u{25b2}"),
            _ => ("worse", "\u{25bc}"),
        };
        let text = format!("{gave}, the market {theirs}");
        Some(Self { class, sign, text })
    }
}

/// What an edge bets on: `Home`, `Over 2.5`, `Home −0.5`.
pub(super) fn pick(edge: &EdgeView) -> String {
    let outcome = text::outcome(edge.outcome);
    let line = edge.market.line().map(|it| match edge.outcome {
        // The line is what home is given; away is given the opposite.
        Outcome::Away => -it.value(),
        _ => it.value(),
    });
    match (edge.market.kind(), line) {
        (MarketKind::Totals, Some(line)) => format!("{outcome} {line}"),
        (MarketKind::Spreads, Some(line)) => {
            let sign = if line > 0.0 { "+" } else { "" };
            format!(
                "{outcome} {sign}{}",
                (line + 0.0).to_string().replace('-', "\u{2212}")
            )
        }
        (MarketKind::BothTeamsToScore, _) => format!("Both score: {}", outcome.to_lowercase()),
        _ => outcome,
    }
}

fn status(view: &FixtureView) -> Option<&'static str> {
    match view.fixture.status {
        FixtureStatus::Postponed => Some("Postponed"),
        FixtureStatus::Cancelled => Some("Cancelled"),
        FixtureStatus::Scheduled | FixtureStatus::Finished => None,
    }
}

fn lines(row: &BoardRow, happened: Option<usize>, now: Timestamp) -> Vec<OpinionLine> {
    let kickoff = row.fixture.fixture.kickoff;
    let model = row
        .prediction
        .as_ref()
        .zip(row.as_of)
        .map(|(opinion, as_of)| OpinionLine {
            who: "Model".to_owned(),
            kind: "model",
            segments: opinions::segments(&opinion.probabilities, happened),
            age: text::age(as_of, kickoff, now),
            at: as_of.to_string(),
            verb: "predicted",
        });
    let market = row.market.as_ref().map(|market| OpinionLine {
        who: "Market".to_owned(),
        kind: "market",
        segments: opinions::segments(&market.probabilities, happened),
        age: text::age(market.taken_at, kickoff, now),
        at: market.taken_at.to_string(),
        verb: "priced",
    });
    model.into_iter().chain(market).collect()
}
