//! Predictions: what the model says of a fixture as of a moment, and why.

use std::sync::Arc;

use domain::{
    Fixture, FixtureId, FixtureStatus, Game, Line, Market, MarketKind, MarketPrediction,
    MarketPrices, Overround, Price, Prices, PricesAt, Sport, reference_taken_at, remove_overround,
    summarise_quotes,
};
use forecast::{BettingOptions, Forecast, cut_for, next_cut};
use jiff::{SignedDuration, Timestamp};
use store::{FixtureQuery, SortOrder};

use crate::{
    EdgeFlag, EdgeView, Engine, EngineError, FixtureView, MarketView, Opinion, PredictionView,
    RatingSeries, ReasonView, Topic,
    in_play::whole_millisecond,
    knowledge::{Knowledge, Serving},
    topic,
};

mod batch;
mod gather;
mod insight;
mod sight;
mod timeline;
mod what_if;

pub use batch::PredictionRequest;
pub(crate) use gather::Gathered;

use sight::UnderWay;
pub(crate) use sight::{Glance, Sight};

/// The name of what forecasts games under way.
const IN_PLAY: &str = "in_play";
/// How far back the ratings of a fixture's teams are shown.
const RATINGS_SPAN: SignedDuration = SignedDuration::from_hours(24 * 730);
/// How many earlier meetings are shown.
const MEETINGS_MAX: u32 = 10;
/// Goals up to which the score matrix is shown; more are added to the last row and column.
const MATRIX_GOALS_MAX: usize = 6;

impl Engine {
    /// Returns the prediction of a fixture as of a moment.
    ///
    /// `None` means the present for a fixture to come and for one whose events are told; one hour
    /// before kickoff (what a backtest predicts) for one that has begun and of which nothing is
    /// heard. A moment in the future is refused, and one after kickoff by which nothing was heard.
    pub async fn predict(
        &self,
        id: FixtureId,
        as_of: Option<Timestamp>,
    ) -> Result<PredictionView, EngineError> {
        let sight = self.look(id, as_of).await?;
        prediction_of(sight, &MarketKind::ALL)
    }

    /// The same with markets of the given kinds only, and without what moved the trees.
    pub async fn predict_markets(
        &self,
        id: FixtureId,
        as_of: Option<Timestamp>,
        kinds: &[MarketKind],
    ) -> Result<PredictionView, EngineError> {
        let (knowledge, glance) = self.glance_at(id, as_of).await?;
        let sight = if glance.is_quick(knowledge.serving()) {
            glance.see(knowledge.serving())
        } else {
            self.forecasting(move || glance.see(knowledge.serving()))
                .await?
        };
        prediction_of(sight, kinds)
    }

    /// Looks at a fixture as of a moment.
    pub(crate) async fn look(
        &self,
        id: FixtureId,
        as_of: Option<Timestamp>,
    ) -> Result<Sight, EngineError> {
        let (knowledge, glance) = self.glance_at(id, as_of).await?;
        self.forecasting(move || glance.explain(knowledge.serving()))
            .await
    }

    async fn glance_at(
        &self,
        id: FixtureId,
        as_of: Option<Timestamp>,
    ) -> Result<(Arc<Knowledge>, Glance), EngineError> {
        // Before the rest is read, so that the rest is at least as new.
        let knowledge = self.knowledge().await?;
        let facts = self.facts(id).await?;
        let facts = facts.ok_or(EngineError::UnknownFixture(id))?;
        let log = match self.may_be_under_way(&facts.game, as_of) {
            true => Some(self.log(id).await?),
            false => None,
        };
        let (game, quotes) = (facts.game.clone(), facts.quotes.clone());
        let gathered = Gathered {
            game,
            quotes,
            log,
            as_of,
        };
        let glance = self.glance(gathered, knowledge.revision())?;
        self.note_forecast(&knowledge, &glance);
        Ok((knowledge, glance))
    }

    /// What was known of a game as of a moment, of what was gathered from the state of the store of
    /// this `revision` or a later one.
    pub(crate) fn glance(&self, gathered: Gathered, revision: u64) -> Result<Glance, EngineError> {
        let Gathered {
            game,
            quotes,
            log,
            as_of,
        } = gathered;
        topic::read(Topic::Fixture(game.fixture));
        let taken_at = quotes.iter().map(|it| it.taken_at);
        let mut now = self.now();
        if as_of.is_none() {
            let told_at = log.iter().flat_map(|it| it.known_after(now));
            now = self.present(taken_at.clone().chain(told_at));
        }
        let quoted_at = taken_at.filter(|it| *it <= now).max();
        let quoted_at = quoted_at.unwrap_or(Timestamp::MIN);
        let standing = log.and_then(|it| self.standing(&game, &it, as_of, (now, quoted_at)));
        if let (Some(standing), None) = (&standing, as_of) {
            standing.note_prices(&quotes, game.sport);
        }
        let is_present = as_of.is_none() && topic::back().is_none();
        let is_live = is_present && self.now() < game.kickoff && standing.is_none();
        let as_of = match (&standing, as_of) {
            (None, asked) => self.moment(&game, asked, now)?,
            (Some(standing), _) => standing.as_of,
        };
        let priced_at = match &standing {
            Some(it) => PricesAt::Start(it.before),
            None => game.prices_at(as_of),
        };
        let prices = summarise_quotes(&quotes, priced_at, game.sport.has_draw());
        let under_way = standing.map(|standing| UnderWay {
            standing,
            revision,
            ready: Arc::clone(&self.ready),
        });
        Ok(Glance {
            game,
            quotes,
            prices,
            as_of,
            is_live,
            under_way,
        })
    }

    /// The moment to look at a game from, `present` being the one of what is known of it.
    fn moment(
        &self,
        game: &Game,
        as_of: Option<Timestamp>,
        present: Timestamp,
    ) -> Result<Timestamp, EngineError> {
        let now = self.now();
        let refuse = |as_of, reason: &str| {
            let reason = reason.to_owned();
            Err(EngineError::NotPredictable {
                fixture: game.fixture,
                as_of,
                reason,
            })
        };
        match as_of {
            None if now < game.kickoff => {
                topic::holds_until(game.kickoff); // Then it is looked at as a backtest would.
                Ok(whole_millisecond(present).min(game.kickoff))
            }
            None => Ok(game.pregame_at()),
            Some(at) if at > now => refuse(at, "the moment lies in the future"),
            Some(at) if at > game.kickoff => refuse(at, "the moment lies after kickoff"),
            Some(at) => Ok(at),
        }
    }

    async fn ratings(
        &self,
        serving: Serving,
        game: &Game,
        as_of: Timestamp,
    ) -> Result<Vec<RatingSeries>, EngineError> {
        let (teams, until) = ([game.home, game.away], cut_for(as_of));
        let from = until
            .saturating_sub(RATINGS_SPAN)
            .expect("a fixed span never overflows");
        self.forecasting(move || {
            let series = |team| {
                let mut points = serving.forecaster.ratings(team, until);
                points.retain(|(at, _)| *at >= from);
                RatingSeries { team, points }
            };
            teams.into_iter().map(series).collect()
        })
        .await
    }

    /// Notes what a forecast of `glance` is made from beside the fixture itself.
    pub(crate) fn note_forecast(&self, knowledge: &Knowledge, glance: &Glance) {
        topic::read(Topic::Model);
        topic::read(knowledge.history_of(&glance.game.competition));
        let now = self.now();
        if cut_for(glance.as_of) == cut_for(now) {
            topic::holds_until(next_cut(now)); // Then models are fitted again.
        }
    }

    /// The last meetings before a game whose results were known at the moment it is looked at from.
    async fn meetings(&self, sight: &Sight) -> Result<Vec<FixtureView>, EngineError> {
        let (game, as_of) = (&sight.game, sight.as_of);
        topic::read(Topic::Team(game.home));
        let query = FixtureQuery {
            team: Some(game.home),
            opponent: Some(game.away),
            until: Some(game.kickoff.min(as_of)),
            status: Some(FixtureStatus::Finished),
            order: SortOrder::Descending,
            limit: MEETINGS_MAX,
            ..FixtureQuery::default()
        };
        let mut fixtures = self.store.fixtures(&query).await?;
        let known_at = |it: &Fixture| {
            let precision = it.kickoff_precision;
            precision.result_known_at(it.kickoff, game.sport)
        };
        fixtures.retain(|it| known_at(it) <= as_of);
        self.fixture_views(fixtures).await
    }
}

/// The prediction of a sight, markets of the given kinds only.
fn prediction_of(sight: Sight, kinds: &[MarketKind]) -> Result<PredictionView, EngineError> {
    if sight.given_up.is_some() {
        return sight.without_forecast();
    }
    let against = sight.against();
    let (serving, forecast) = sight.forecast?;
    let (game, prices) = (&sight.game, &sight.prices);
    Ok(PredictionView {
        against,
        fixture: game.fixture,
        model: model_of(&forecast).to_owned(),
        version: serving.record.version.clone(),
        as_of: forecast.as_of,
        markets: markets(game.sport, prices, &forecast, kinds),
        opinions: opinions_of(&forecast),
        reasons: forecast.reasons.iter().map(reason_view).collect(),
        left_out: forecast
            .left_out
            .iter()
            .map(|it| it.as_str().to_owned())
            .collect(),
        before: forecast.in_play.then(|| before(&forecast)).flatten(),
        play: sight.play,
    })
}

/// What each model says of who wins; first what the game has made of it, once it is under way.
fn opinions_of(forecast: &Forecast) -> Vec<Opinion> {
    let named = |it: &forecast::Opinion| Opinion {
        model: it.model.as_str().to_owned(),
        probabilities: it.h2h.clone(),
    };
    let in_play = forecast.in_play.then(|| Opinion {
        model: IN_PLAY.to_owned(),
        probabilities: forecast.h2h(),
    });
    let models = forecast.opinions.iter().map(named);
    in_play.into_iter().chain(models).collect()
}

/// What the model that moves with the game began from.
pub(crate) fn before(forecast: &Forecast) -> Option<Opinion> {
    Some(Opinion {
        model: forecast.best.as_str().to_owned(),
        probabilities: forecast.opinion(forecast.best)?.to_vec(),
    })
}

/// The name of the model whose probabilities these are.
pub(crate) fn model_of(forecast: &Forecast) -> &'static str {
    if forecast.in_play {
        IN_PLAY
    } else {
        forecast.best.as_str()
    }
}

/// The markets of a prediction, of the kinds asked for: the usual lines of the sport, and the
/// ones bookmakers quote.
fn markets(
    sport: Sport,
    prices: &Prices,
    forecast: &Forecast,
    kinds: &[MarketKind],
) -> Vec<MarketPrediction> {
    let [home, away] = forecast.scores.expected();
    let mut markets = vec![Market::H2H];
    let quoted = [&prices.totals, &prices.spreads]
        .into_iter()
        .flatten()
        .map(|it| it.market);
    if sport == Sport::Football {
        markets.extend([2, 6, 10, 14, 18, 22].map(|it| Market::totals(Line::from_quarters(it))));
        let middle = quarters(away - home, 1.0);
        markets.extend((-4..=4).map(|it| Market::spreads(Line::from_quarters(middle + it))));
        markets.extend([Market::BOTH_TEAMS_TO_SCORE, Market::CORRECT_SCORE]);
    } else {
        let total = quarters(home + away, 2.0);
        let spread = quarters(away - home, 2.0);
        for step in -3..=3 {
            markets.push(Market::totals(Line::from_quarters(total + 4 * step)));
            markets.push(Market::spreads(Line::from_quarters(spread + 4 * step)));
        }
    }
    markets.extend(quoted);
    markets.retain(|it| kinds.contains(&it.kind()));
    markets.sort_unstable();
    markets.dedup();
    forecast.markets(&markets)
}

/// A number of goals or points in quarters, rounded to a multiple of `step` quarters.
fn quarters(value: f64, step: f64) -> i32 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "expected scores are below a thousand"
    )]
    let rounded = ((value * 4.0 / step).round() * step) as i32;
    rounded
}

fn score_matrix(forecast: &Forecast) -> Option<Vec<Vec<f64>>> {
    let matrix = forecast.scores.matrix()?;
    let mut shown = vec![vec![0.0; MATRIX_GOALS_MAX + 1]; MATRIX_GOALS_MAX + 1];
    for (home, row) in matrix.rows().enumerate() {
        for (away, probability) in row.iter().enumerate() {
            shown[home.min(MATRIX_GOALS_MAX)][away.min(MATRIX_GOALS_MAX)] += probability;
        }
    }
    Some(shown)
}

fn reason_view(reason: &forecast::Reason) -> ReasonView {
    ReasonView {
        label: reason.label.clone(),
        effect: reason.effect,
        detail: reason.detail.clone(),
    }
}

/// The market's view of who wins, where it is priced.
pub(crate) fn market_view(sight: &Sight, has_draw: bool) -> Option<MarketView> {
    let offered = sight.in_play.as_ref();
    let prices = offered.map_or(&sight.prices, |it| &it.prices);
    let h2h: &MarketPrices = prices.h2h.as_ref()?;
    let width = Market::H2H.outcomes(has_draw).len();
    let prices: Option<Vec<Price>> = h2h.reference[..width].iter().copied().collect();
    let prices = prices?;
    let taken_at = match offered {
        Some(it) => it.taken_at,
        None => reference_taken_at(&sight.quotes, Market::H2H, sight.priced_at, has_draw)?,
    };
    Some(MarketView {
        bookmaker: h2h.reference_bookmaker.clone(),
        probabilities: remove_overround(&prices, Overround::Power).ok()?,
        prices,
        best: h2h.best[..width]
            .iter()
            .map(|it| it.as_ref().map(|best| (best.bookmaker.clone(), best.price)))
            .collect(),
        taken_at,
        bookmakers: h2h.bookmakers,
    })
}

/// Every edge of a sight, largest expected value first; none of a game that will not be played, or
/// nobody knows when.
pub(crate) fn edge_views(
    sight: &Sight,
    fixture: &FixtureView,
    betting: &BettingOptions,
) -> Vec<EdgeView> {
    let Ok((serving, forecast)) = &sight.forecast else {
        return Vec::new();
    };
    match fixture.fixture.status {
        FixtureStatus::Scheduled | FixtureStatus::Finished => {}
        FixtureStatus::Postponed | FixtureStatus::Cancelled => return Vec::new(),
    }
    if forecast.in_play {
        return Vec::new(); // Prices before the game say nothing of one under way.
    }
    let edges = serving
        .forecaster
        .edges(&sight.game, forecast, &sight.prices, &sight.quotes);
    let mut views: Vec<EdgeView> = edges
        .into_iter()
        .map(|it| {
            let flags: Vec<EdgeFlag> = it.claim.flags.iter().copied().map(flag).collect();
            let stake = match it.is_best {
                true => betting.stake(&it.claim, it.price),
                false => 0.0, // An outcome is bet on once.
            };
            EdgeView {
                fixture: fixture.clone(),
                market: it.market,
                outcome: it.outcome,
                bookmaker: it.bookmaker,
                price: it.price,
                probability: it.claim.probability,
                fair_price: it.claim.fair_price,
                raw_value: it.claim.raw_value,
                expected_value: it.claim.claimed_value,
                stake,
                taken_at: it.taken_at,
                flags,
            }
        })
        .collect();
    views.sort_by(|a, b| b.expected_value.total_cmp(&a.expected_value));
    views
}

fn flag(flag: forecast::EdgeFlag) -> EdgeFlag {
    match flag {
        forecast::EdgeFlag::ImpossibleBook => EdgeFlag::ImpossibleBook,
        forecast::EdgeFlag::StalePrice => EdgeFlag::StalePrice,
        forecast::EdgeFlag::Outlier => EdgeFlag::Outlier,
        forecast::EdgeFlag::Unproven => EdgeFlag::Unproven,
        forecast::EdgeFlag::Longshot => EdgeFlag::Longshot,
    }
}
