//! The board in brief on the wire: what a list of games shows and no more, small enough to be
//! followed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{FixtureStatus, KickoffPrecision, MarketKind, Phase, Score, Sport, brief};

/// Steps in which what an edge is worth is told: more than are shown, fewer than a double has. Digits
/// of chance are what cannot be compressed, and a first page has to fit in what a connection sends
/// at once.
const DECIMALS: f64 = 1e7;

/// One row of the board in brief.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct ScoreRow {
    /// The fixture.
    pub(crate) fixture: ScoreFixture,
    /// Our probabilities of who wins; null before a model is trained.
    pub(crate) prediction: Option<ScoreShares>,
    /// The moment whose knowledge the prediction used.
    #[schema(value_type = Option<String>, format = DateTime, example = "2024-05-19T14:00:00Z")]
    pub(crate) as_of: Option<Timestamp>,
    /// The market's view; null where nobody quotes, and while the game is under way and nobody has
    /// priced it as it stands: prices from before kickoff say nothing beside a model that knows the
    /// score.
    pub(crate) market: Option<ScoreMarket>,
    /// The largest edge without a flag; null where there is none.
    pub(crate) edge: Option<ScoreEdge>,
    /// How the game stands; null before it is under way.
    pub(crate) play: Option<ScorePlay>,
}

/// A fixture in brief.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct ScoreFixture {
    /// Number of the fixture.
    #[schema(example = 8)]
    pub(crate) id: i64,
    /// What is played.
    pub(crate) sport: Sport,
    /// Key of the competition.
    #[schema(example = "E0")]
    pub(crate) competition: String,
    /// Name of the competition.
    #[schema(example = "Premier League")]
    pub(crate) competition_name: String,
    /// Start.
    #[schema(value_type = String, format = DateTime, example = "2024-05-19T15:00:00Z")]
    pub(crate) kickoff: Timestamp,
    /// How exactly the start is known.
    pub(crate) kickoff_precision: KickoffPrecision,
    /// Home side.
    pub(crate) home: ScoreTeam,
    /// Away side.
    pub(crate) away: ScoreTeam,
    /// Where it stands.
    pub(crate) status: FixtureStatus,
    /// Final score; null until the fixture is finished.
    pub(crate) score: Option<Score>,
}

/// A side in brief.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct ScoreTeam {
    /// Name.
    #[schema(example = "Arsenal")]
    pub(crate) name: String,
}

/// Probabilities of who wins.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct ScoreShares {
    /// Home, draw (where there is one), away.
    #[schema(example = json!([0.5, 0.27, 0.23]))]
    pub(crate) probabilities: Vec<f64>,
}

/// The market's view of who wins.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct ScoreMarket {
    /// Home, draw (where there is one), away, the margin taken out.
    #[schema(example = json!([0.51, 0.265, 0.225]))]
    pub(crate) probabilities: Vec<f64>,
    /// When the newest of its prices was taken.
    #[schema(value_type = String, format = DateTime, example = "2024-05-19T14:00:00Z")]
    pub(crate) taken_at: Timestamp,
}

/// An edge in brief.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct ScoreEdge {
    /// Which market.
    pub(crate) market: MarketKind,
    /// Its line; null where it has none.
    #[schema(example = 2.5)]
    pub(crate) line: Option<f64>,
    /// Which outcome.
    #[schema(example = "over")]
    pub(crate) outcome: String,
    /// Who offers the price.
    #[schema(example = "bet365")]
    pub(crate) bookmaker: String,
    /// The price, in decimal odds.
    #[schema(example = 2.1, exclusive_minimum = 1, maximum = 10000)]
    pub(crate) price: f64,
    /// What a stake of one is expected to win.
    #[schema(example = 0.021)]
    pub(crate) expected_value: f64,
}

/// How a game stands, in brief.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct ScorePlay {
    /// Where it stands.
    pub(crate) phase: Phase,
    /// Goals or points, without those of a shoot-out.
    pub(crate) score: Score,
    /// What was scored in the shoot-out; null before one.
    pub(crate) shootout: Option<Score>,
    /// Players sent off, home and away.
    #[schema(value_type = Vec<u8>, min_items = 2, max_items = 2, example = json!([0, 1]))]
    pub(crate) red_cards: [u8; 2],
    /// The clock as last heard; null before the first period.
    pub(crate) clock: Option<ScoreClock>,
    /// When something was last heard of it.
    #[schema(value_type = String, format = DateTime, example = "2024-05-19T15:10:02Z")]
    pub(crate) heard_at: Timestamp,
    /// Why what is said may not hold any more, in a sentence; null while the source is heard.
    #[schema(example = json!(null))]
    pub(crate) stale: Option<String>,
}

/// The clock of a game.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct ScoreClock {
    /// Which half, quarter or overtime, counted from one.
    #[schema(example = 1)]
    pub(crate) period: u8,
    /// Seconds played of it at `at`.
    #[schema(example = 600)]
    pub(crate) seconds: u16,
    /// When it stood there.
    #[schema(value_type = String, format = DateTime, example = "2024-05-19T15:10:00Z")]
    pub(crate) at: Timestamp,
    /// Whether it has run on since.
    pub(crate) running: bool,
}

impl From<engine::BoardRow> for ScoreRow {
    fn from(row: engine::BoardRow) -> Self {
        let fixture = &row.fixture.fixture;
        let prediction = row.prediction.map(|it| ScoreShares {
            probabilities: rounded(&it.probabilities),
        });
        let market = row.market.filter(|it| {
            row.play.is_none() || fixture.score.is_some() || it.taken_at > fixture.kickoff
        });
        let market = market.map(|it| ScoreMarket {
            probabilities: rounded(&it.probabilities),
            taken_at: it.taken_at,
        });
        Self {
            fixture: row.fixture.into(),
            prediction,
            as_of: row.as_of,
            market,
            edge: row.edge.map(ScoreEdge::from),
            play: row.play.map(ScorePlay::from),
        }
    }
}

impl From<engine::FixtureView> for ScoreFixture {
    fn from(view: engine::FixtureView) -> Self {
        let fixture = view.fixture;
        let [home, away] = [view.home, view.away].map(|it| (it.name, it.sport));
        Self {
            id: fixture.id.0,
            sport: home.1.into(),
            competition: fixture.competition.to_string(),
            competition_name: view.competition_name,
            kickoff: fixture.kickoff,
            kickoff_precision: fixture.kickoff_precision.into(),
            home: ScoreTeam { name: home.0 },
            away: ScoreTeam { name: away.0 },
            status: fixture.status.into(),
            score: fixture.score.map(Score::from),
        }
    }
}

impl From<engine::EdgeView> for ScoreEdge {
    fn from(view: engine::EdgeView) -> Self {
        Self {
            market: view.market.kind().into(),
            line: view.market.line().map(domain::Line::value),
            outcome: view.outcome.to_string(),
            bookmaker: view.bookmaker.into(),
            price: view.price.decimal(),
            expected_value: round(view.expected_value),
        }
    }
}

impl From<engine::PlayView> for ScorePlay {
    fn from(view: engine::PlayView) -> Self {
        Self {
            phase: view.phase.into(),
            score: view.score.into(),
            shootout: view.shootout.map(Score::from),
            red_cards: view.red_cards,
            clock: view.clock.map(|(clock, at)| ScoreClock {
                period: clock.period().number(),
                seconds: clock.seconds(),
                at,
                running: view.running,
            }),
            heard_at: view.heard_at,
            stale: view.silent.map(|it| it.reason),
        }
    }
}

fn rounded(values: &[f64]) -> Vec<f64> {
    values.iter().copied().map(brief).collect()
}

fn round(value: f64) -> f64 {
    (value * DECIMALS).round() / DECIMALS
}
