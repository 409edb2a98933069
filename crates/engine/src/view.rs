//! What the engine answers: values ready to be shown, still without any wire format.

use domain::{
    BookmakerKey, Competition, Fixture, FixtureId, GameClock, Market, MarketPrediction, Outcome,
    PlayEvent, Price, QuoteStage, Score, Side, SourceKey, Team, TeamId,
};
use forecast::{NextGoal, Phase};
use jiff::Timestamp;

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The entries.
    pub data: Vec<T>,
    /// Where the next page begins, if there is one. Opaque to clients.
    pub next_cursor: Option<String>,
}

/// A competition with what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct CompetitionView {
    /// The competition.
    pub competition: Competition,
    /// Fixtures known.
    pub fixtures: u64,
    /// Of these, played.
    pub finished: u64,
    /// Single prices known.
    pub prices: u64,
}

/// A fixture with the names of its sides.
#[derive(Debug, Clone, PartialEq)]
pub struct FixtureView {
    /// The fixture.
    pub fixture: Fixture,
    /// Name of the competition.
    pub competition_name: String,
    /// Whether a draw is an outcome.
    pub has_draw: bool,
    /// Home side.
    pub home: Team,
    /// Away side.
    pub away: Team,
}

/// A model's probabilities of who wins, in the order home, draw (where there is one), away.
#[derive(Debug, Clone, PartialEq)]
pub struct Opinion {
    /// Name of the model.
    pub model: String,
    /// Probabilities; add up to one.
    pub probabilities: Vec<f64>,
}

/// A prediction with where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictionView {
    /// Which fixture.
    pub fixture: FixtureId,
    /// Name of the model.
    pub model: String,
    /// Version of the trained model.
    pub version: String,
    /// The moment whose knowledge was used.
    pub as_of: Timestamp,
    /// Every market; none of a game that was given up.
    pub markets: Vec<MarketPrediction>,
    /// What each model says of who wins, the one used included; nothing of a game given up.
    pub opinions: Vec<Opinion>,
    /// Why, the strongest first: base models, then what moved the trees.
    pub reasons: Vec<ReasonView>,
    /// Models that should have an opinion and could not be asked.
    pub left_out: Vec<String>,
    /// How the game stands, once it is under way.
    pub play: Option<PlayView>,
    /// What was forecast before the game, once it is under way.
    pub before: Option<Opinion>,
    /// The model against the market, where the game is under way and priced of late, since it last
    /// turned.
    pub against: Option<AgainstView>,
}

/// Model against market in a game under way.
#[derive(Debug, Clone, PartialEq)]
pub struct AgainstView {
    /// When the market's prices were taken.
    pub taken_at: Timestamp,
    /// In the order home, draw (where there is one), away.
    pub outcomes: Vec<Against>,
}

/// A game under way as it stands at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct PlayView {
    /// Where it stands.
    pub phase: Phase,
    /// Goals or points.
    pub score: Score,
    /// What was scored in the shoot-out, which does not count in the score.
    pub shootout: Option<Score>,
    /// Players sent off, home and away.
    pub red_cards: [u8; 2],
    /// The clock as last heard, and when that was; `None` before the first period.
    pub clock: Option<(GameClock, Timestamp)>,
    /// Whether the clock has run on since.
    pub running: bool,
    /// Seconds announced to be added to the period.
    pub stoppage: Option<u16>,
    /// When something was last heard of the game.
    pub heard_at: Timestamp,
    /// Why what is said may not hold any more, where the source fell silent.
    pub silent: Option<Silence>,
    /// What happened that counts, in order: whistles, cards and, where there are few, goals.
    pub moments: Vec<MomentView>,
    /// What the next goal would be and do, in football while there can be one.
    pub next_goal: Option<NextGoal>,
}

/// A source that says nothing any more of a game under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// When it was last heard.
    pub since: Timestamp,
    /// A sentence for people.
    pub reason: String,
}

/// Something that happened in a game and counts.
#[derive(Debug, Clone, PartialEq)]
pub struct MomentView {
    /// What.
    pub event: PlayEvent,
    /// Whose goal or card it is, also where the score alone was told and it can be no other's.
    pub side: Option<Side>,
    /// The period it fell in; zero before the first.
    pub period: u8,
    /// Seconds played of the period.
    pub seconds: f64,
    /// The score after it.
    pub score: Score,
    /// Whether it was taken back.
    pub cancelled: bool,
}

/// What was said of a game at every minute of it and at whatever happened.
#[derive(Debug, Clone, PartialEq)]
pub struct TimelineView {
    /// Which fixture.
    pub fixture: FixtureId,
    /// Version of the trained model.
    pub version: String,
    /// The moment whose knowledge was used.
    pub as_of: Timestamp,
    /// Probabilities before the game, in the order home, draw (where there is one), away.
    pub before: Vec<f64>,
    /// Where the periods lie on the axis of time played.
    pub periods: Vec<PeriodView>,
    /// Oldest first; none before the game is under way.
    pub points: Vec<TimelinePoint>,
    /// What happened that counts, as of the moment.
    pub moments: Vec<MomentView>,
    /// What moved the game most, the largest first.
    pub swings: Vec<Swing>,
    /// How much probability moved from some outcomes to others, over all steps.
    pub moved: f64,
    /// Why the last point may not hold any more, where the source fell silent.
    pub silent: Option<Silence>,
}

/// Where a period lies on the axis of time played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeriodView {
    /// Which, counted from one.
    pub period: u8,
    /// Seconds played before it.
    pub start_seconds: u32,
    /// How long it is, or was where it was longer.
    pub length_seconds: u32,
}

/// How a game stood at a moment by what was known then, and who was to win it.
#[derive(Debug, Clone, PartialEq)]
pub struct TimelinePoint {
    /// When.
    pub at: Timestamp,
    /// Where the game stood.
    pub phase: Phase,
    /// The period that was, or was last, under way.
    pub period: u8,
    /// Seconds played of it.
    pub seconds: f64,
    /// Goals or points.
    pub score: Score,
    /// Players sent off, home and away.
    pub red_cards: [u8; 2],
    /// Probabilities, in the order home, draw (where there is one), away.
    pub probabilities: Vec<f64>,
    /// How far home's probability to win, less away's, has moved over the last ten minutes of play.
    pub momentum: f64,
}

/// A step of a game's probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct Swing {
    /// Which point it led to.
    pub point: usize,
    /// How much probability moved from some outcomes to others.
    pub moved: f64,
    /// The last thing that was told in the step.
    pub event: Option<PlayEvent>,
}

/// Who would win if a game stood so.
#[derive(Debug, Clone, PartialEq)]
pub struct WhatIfView {
    /// Which fixture.
    pub fixture: FixtureId,
    /// Version of the trained model.
    pub version: String,
    /// The moment whose forecast before the game was moved.
    pub as_of: Timestamp,
    /// Probabilities before the game, in the order home, draw (where there is one), away.
    pub before: Vec<f64>,
    /// Probabilities if it stood so.
    pub probabilities: Vec<f64>,
    /// What the next goal would be and do then, in football.
    pub next_goal: Option<NextGoal>,
}

/// The market's view of who wins.
#[derive(Debug, Clone, PartialEq)]
pub struct MarketView {
    /// Whose prices these are.
    pub bookmaker: BookmakerKey,
    /// Reference prices, in the order home, draw (where there is one), away.
    pub prices: Vec<Price>,
    /// Fair probabilities behind them (power method), same order.
    pub probabilities: Vec<f64>,
    /// The best price on offer for each outcome, same order.
    pub best: Vec<Option<(BookmakerKey, Price)>>,
    /// When the reference prices were taken.
    pub taken_at: Timestamp,
    /// How many bookmakers quoted.
    pub bookmakers: u16,
}

/// Why an edge should not be taken at face value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EdgeFlag {
    /// The best prices of the market beat the bookmakers together: some price is wrong or gone.
    ImpossibleBook,
    /// The price is old.
    StalePrice,
    /// Too few closing prices are known to check such claims against.
    Unproven,
    /// The price stands far from every other bookmaker's.
    Outlier,
    /// The price is longer than those that expected values are learned from.
    Longshot,
}

impl EdgeFlag {
    /// The key used in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ImpossibleBook => "impossible_book",
            Self::StalePrice => "stale_price",
            Self::Unproven => "unproven",
            Self::Outlier => "outlier",
            Self::Longshot => "longshot",
        }
    }
}

/// A price that pays more than it should, by our probability.
#[derive(Debug, Clone, PartialEq)]
pub struct EdgeView {
    /// The fixture.
    pub fixture: FixtureView,
    /// Which market.
    pub market: Market,
    /// Which outcome.
    pub outcome: Outcome,
    /// Who offers.
    pub bookmaker: BookmakerKey,
    /// What is offered.
    pub price: Price,
    /// Our probability, anchored on the market.
    pub probability: f64,
    /// The price that would be fair at that probability.
    pub fair_price: f64,
    /// What most tools print: model probability times price, less one.
    pub raw_value: f64,
    /// The expected value we stand behind: what such edges were worth against the closing line.
    pub expected_value: f64,
    /// Stake as a share of the bankroll (fractional Kelly), as a backtest bets: on the best price of
    /// an outcome alone, up to the largest stake, and on nothing that is worth too little, or at too
    /// long a price.
    pub stake: f64,
    /// When the price was taken.
    pub taken_at: Timestamp,
    /// Reasons for doubt; a flagged edge has no stake.
    pub flags: Vec<EdgeFlag>,
}

/// One line of the board.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardRow {
    /// The fixture.
    pub fixture: FixtureView,
    /// Our probabilities of who wins, where there is a model.
    pub prediction: Option<Opinion>,
    /// The moment whose knowledge the prediction used.
    pub as_of: Option<Timestamp>,
    /// The market's.
    pub market: Option<MarketView>,
    /// The largest unflagged edge.
    pub edge: Option<EdgeView>,
    /// How the game stands, once it is under way.
    pub play: Option<PlayView>,
}

/// A quote with its trace.
#[derive(Debug, Clone, PartialEq)]
pub struct QuoteView {
    /// Who offered.
    pub bookmaker: BookmakerKey,
    /// Which market.
    pub market: Market,
    /// Opening, on the way, closing.
    pub stage: QuoteStage,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// When it was written.
    pub recorded_at: Timestamp,
    /// Outcomes and prices.
    pub prices: Vec<(Outcome, Price)>,
    /// Where it came from.
    pub source: SourceKey,
    /// Whether a corrected quote took its place.
    pub superseded: bool,
}

/// A reason for a prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct ReasonView {
    /// What it is, such as `home advantage`.
    pub label: String,
    /// How much it speaks for home (positive) or away (negative), in log odds.
    pub effect: f64,
    /// A sentence with the figures.
    pub detail: String,
}

/// A team's rating after each of its games.
#[derive(Debug, Clone, PartialEq)]
pub struct RatingSeries {
    /// Which team.
    pub team: TeamId,
    /// Moment and rating, oldest first.
    pub points: Vec<(Timestamp, f64)>,
}

/// Everything the page of a fixture shows beyond its prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct FixtureInsight {
    /// The fixture.
    pub fixture: FixtureView,
    /// The prediction, where there is a model.
    pub prediction: Option<PredictionView>,
    /// The market at the same moment.
    pub market: Option<MarketView>,
    /// Probability of each score, home goals by away goals, each 0..=6 with the last row and
    /// column open-ended; absent for sports of points.
    pub score_matrix: Option<Vec<Vec<f64>>>,
    /// Expected goals or points, home and away.
    pub expected_score: Option<[f64; 2]>,
    /// Ratings of both teams over the last two years.
    pub ratings: Vec<RatingSeries>,
    /// Meetings of the two teams before the fixture, newest first, at most ten.
    pub head_to_head: Vec<FixtureView>,
    /// Edges at the same moment, flagged ones included.
    pub edges: Vec<EdgeView>,
}

/// An outcome of who wins in a game under way: the model beside prices taken since it last turned.
#[derive(Debug, Clone, PartialEq)]
pub struct Against {
    /// Our probability.
    pub model: f64,
    /// The market's, the margin taken out.
    pub market: f64,
    /// The best price on offer, and whose it is.
    pub best: Option<(BookmakerKey, Price)>,
    /// What a stake of one would win at it on average if the model were right; no claim of what such
    /// prices turn out to be worth.
    pub value: Option<f64>,
}

/// A version of a trained model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelView {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// When it was trained.
    pub created_at: Timestamp,
    /// Digest of the data it was trained on.
    pub data_digest: String,
    /// Whether it serves now.
    pub serving: bool,
}
