//! One row of the board, ready to be written.

use std::cmp::Ordering;

use domain::{MarketKind, Outcome, Price, Sport};
use engine::{EdgeView, FixtureView, Phase};
use jiff::Timestamp;

use super::{
    clock,
    opinions::{self, OpinionLine},
    preferences::Preferences,
    text::{self, Since},
};
use crate::wire::{FixtureStatus, Score, ScoreEdge, ScorePlay, ScoreRow, ScoreTeam};

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
    /// How the game stands while it is under way.
    pub(super) live: Option<LiveTag>,
    pub(super) opinions: Vec<OpinionLine>,
    pub(super) edge: Option<EdgeTag>,
    /// Whether the game is over.
    pub(super) played: bool,
    pub(super) verdict: Option<Verdict>,
}

/// A game under way in a few words.
pub(super) struct LiveTag {
    /// The clock, or a word such as `HT`.
    pub(super) short: String,
    /// Where it stands, such as `First half`.
    pub(super) phase: String,
    is_abandoned: bool,
    /// The clock as last heard, while a period is played.
    pub(super) clock: Option<RowClock>,
    /// Why the figures may not hold.
    pub(super) stale: Option<String>,
}

/// What the program lets the clock run on from.
pub(super) struct RowClock {
    pub(super) period: u8,
    pub(super) seconds: u16,
    pub(super) at: String,
    pub(super) sport: Sport,
    pub(super) running: bool,
}

/// A side and its score, where it has one.
pub(super) struct Side {
    pub(super) name: String,
    pub(super) score: Option<u16>,
    /// What it scored in the shoot-out, where one was told.
    pub(super) kicks: Option<u16>,
    pub(super) won: bool,
    /// Players sent off, while the game is under way.
    pub(super) sent_off: u8,
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
    pub(super) fn new(row: &ScoreRow, preferences: &Preferences, now: Timestamp) -> Self {
        let fixture = &row.fixture;
        let outcomes = row.prediction.as_ref().map(|it| it.probabilities.len());
        let outcomes = outcomes.or(row.market.as_ref().map(|it| it.probabilities.len()));
        let has_draw = outcomes.is_none_or(|it| it == 3);
        let happened = fixture
            .score
            .and_then(|it| opinions::happened(it.into(), has_draw));
        let zone = &preferences.zone;
        Self {
            id: fixture.id,
            kickoff: fixture.kickoff.to_string(),
            time: text::time(fixture.kickoff, fixture.kickoff_precision.into(), zone),
            competition: fixture.competition.clone(),
            competition_name: fixture.competition_name.clone(),
            home: Side::told(row, &fixture.home, 0),
            away: Side::told(row, &fixture.away, 1),
            status: status(fixture.status),
            live: row
                .play
                .as_ref()
                .filter(|_| fixture.score.is_none())
                .map(|it| LiveTag::new(row, it, now)),
            opinions: lines(row, happened, now),
            edge: row
                .edge
                .as_ref()
                .and_then(|it| EdgeTag::new(it, preferences)),
            played: fixture.score.is_some(),
            verdict: happened.and_then(|it| Verdict::new(row, it)),
        }
    }
}

impl Row {
    /// Whether the game was given up, so that nothing is forecast of it.
    pub(super) fn is_abandoned(&self) -> bool {
        self.live.as_ref().is_some_and(|it| it.is_abandoned)
    }

    /// Home and away.
    pub(super) fn sides(&self) -> [&Side; 2] {
        [&self.home, &self.away]
    }
}

impl LiveTag {
    fn new(row: &ScoreRow, play: &ScorePlay, now: Timestamp) -> Self {
        let sport = row.fixture.sport.into();
        let period = play.clock.as_ref().map_or(0, |it| it.period);
        let playing = play
            .clock
            .as_ref()
            .filter(|_| Phase::from(play.phase) == Phase::Playing);
        let short = match playing {
            Some(clock) => {
                let ran = now.duration_since(clock.at).as_secs().clamp(0, 7_200);
                let ran = if clock.running { ran } else { 0 };
                clock::shown(sport, period, i64::from(clock.seconds) + ran)
            }
            None => clock::word(sport, play.phase.into(), period),
        };
        Self {
            short,
            phase: clock::phase(sport, play.phase.into(), period),
            is_abandoned: Phase::from(play.phase) == Phase::Abandoned,
            clock: playing.map(|it| RowClock {
                period,
                seconds: it.seconds,
                at: it.at.to_string(),
                sport,
                running: it.running,
            }),
            stale: play.stale.clone(),
        }
    }
}

impl Side {
    /// The home (0) or away (1) side.
    pub(super) fn of(view: &FixtureView, side: usize) -> Self {
        let team = [&view.home, &view.away][side];
        let score = view.fixture.score.map(Score::from);
        Self::new(&team.name, (score, score), (0, side))
    }

    /// The same of a row: with the score as it stands while the game is under way.
    fn told(row: &ScoreRow, team: &ScoreTeam, side: usize) -> Self {
        let play = row.play.as_ref();
        let last = row.fixture.score;
        let sent_off = play
            .filter(|_| last.is_none())
            .map_or(0, |it| it.red_cards[side]);
        let standing = last.or(play.map(|it| it.score));
        let kicks = play.and_then(|it| it.shootout);
        Self {
            kicks: kicks.map(|it| [it.home, it.away][side]),
            ..Self::new(&team.name, (standing, last), (sent_off, side))
        }
    }

    fn new(
        name: &str,
        (standing, last): (Option<Score>, Option<Score>),
        (sent_off, side): (u8, usize),
    ) -> Self {
        let pair = |it: Score| [it.home, it.away];
        Self {
            name: name.to_owned(),
            score: standing.map(|it| pair(it)[side]),
            kicks: None,
            won: last.is_some_and(|it| pair(it)[side] > pair(it)[1 - side]),
            sent_off,
        }
    }
}

impl EdgeTag {
    /// `None` where the edge is told in words that are not known.
    fn new(edge: &ScoreEdge, preferences: &Preferences) -> Option<Self> {
        let outcome = edge.outcome.parse().ok()?;
        Some(Self {
            value: text::signed_percent(edge.expected_value),
            outcome: picked(edge.market.into(), edge.line, outcome),
            price: preferences.price(Price::new(edge.price).ok()?),
            bookmaker: text::words(&edge.bookmaker),
        })
    }
}

impl Verdict {
    /// Compares what model and market gave to what happened.
    fn new(row: &ScoreRow, happened: usize) -> Option<Self> {
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
    let line = edge.market.line().map(|it| it.value());
    picked(edge.market.kind(), line, edge.outcome)
}

fn picked(market: MarketKind, line: Option<f64>, bet: Outcome) -> String {
    let outcome = text::outcome(bet);
    let line = line.map(|it| match bet {
        // The line is what home is given; away is given the opposite.
        Outcome::Away => -it,
        _ => it,
    });
    match (market, line) {
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

pub(super) fn status(status: FixtureStatus) -> Option<&'static str> {
    match status {
        FixtureStatus::Postponed => Some("Postponed"),
        FixtureStatus::Cancelled => Some("Cancelled"),
        FixtureStatus::Scheduled | FixtureStatus::Finished => None,
    }
}

fn lines(row: &ScoreRow, happened: Option<usize>, now: Timestamp) -> Vec<OpinionLine> {
    let kickoff = row.fixture.kickoff;
    let in_play = row.play.is_some() && row.fixture.score.is_none();
    let precision = row.fixture.kickoff_precision.into();
    let since = Since::of((kickoff, precision), now, in_play);
    let age = |at| match at >= kickoff && in_play {
        true => "in play".to_owned(),
        false => text::age(at, since),
    };
    let model = row
        .prediction
        .as_ref()
        .zip(row.as_of)
        .map(|(opinion, as_of)| OpinionLine {
            who: "Model".to_owned(),
            kind: "model",
            segments: opinions::segments(&opinion.probabilities, happened),
            age: age(as_of),
            ticks: false,
            at: as_of.to_string(),
            verb: "predicted",
        });
    let market = row.market.as_ref().map(|market| OpinionLine {
        who: "Market".to_owned(),
        kind: "market",
        segments: opinions::segments(&market.probabilities, happened),
        age: age(market.taken_at),
        ticks: false,
        at: market.taken_at.to_string(),
        verb: "priced",
    });
    model.into_iter().chain(market).collect()
}
