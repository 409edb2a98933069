//! What was known of a fixture at a moment, and what the model made of it.

use std::sync::Arc;

use domain::{Game, Prices, PricesAt, Quote};
use forecast::{Forecast, ForecastError, Forecaster, Phase};
use jiff::Timestamp;

use super::{IN_PLAY, market_view};
use crate::{
    Against, AgainstView, EngineError, PredictionView,
    in_play::{Ground, Offered, ReadyGames, Standing},
    knowledge::Serving,
    view::PlayView,
};

/// What was known of a fixture at a moment.
pub(crate) struct Glance {
    pub(super) game: Game,
    pub(super) quotes: Vec<Quote>,
    pub(super) prices: Prices,
    pub(super) as_of: Timestamp,
    /// Whether it is of the present, before kickoff: what is forecast from it will be scored.
    pub(super) is_live: bool,
    /// How the game stood, where it was under way; prices are then those before it.
    pub(super) under_way: Option<UnderWay>,
}

/// A game under way, and what makes it ready to be forecast.
pub(crate) struct UnderWay {
    pub(super) standing: Standing,
    /// The state of the store the glance is of, or an earlier one.
    pub(super) revision: u64,
    pub(super) ready: Arc<ReadyGames>,
}

/// How a forecaster is asked.
type Asked = fn(&Forecaster, &Game, &Prices, Timestamp) -> Result<Forecast, ForecastError>;

/// A fixture seen at a moment: what was known, and what the model made of it.
pub(crate) struct Sight {
    pub(crate) game: Game,
    pub(crate) quotes: Vec<Quote>,
    pub(crate) prices: Prices,
    pub(crate) as_of: Timestamp,
    /// The moment of which `prices` are.
    pub(crate) priced_at: PricesAt,
    /// The prices on offer in the game as it stood, where there are any.
    pub(crate) in_play: Option<Offered>,
    /// Absent where there is no model, or the model cannot say.
    pub(crate) forecast: Result<(Serving, Forecast), EngineError>,
    /// How the game stood, where it was under way.
    pub(crate) play: Option<PlayView>,
    /// The version that serves, where the game was given up: nothing is forecast of it any more.
    pub(crate) given_up: Option<String>,
}

impl Sight {
    /// How a game that was given up stood, without probabilities.
    pub(super) fn without_forecast(self) -> Result<PredictionView, EngineError> {
        let version = self.given_up.ok_or(EngineError::NoModel)?;
        Ok(PredictionView {
            fixture: self.game.fixture,
            model: IN_PLAY.to_owned(),
            version,
            as_of: self.as_of,
            markets: Vec::new(),
            opinions: Vec::new(),
            reasons: Vec::new(),
            left_out: Vec::new(),
            play: self.play,
            before: None,
            against: None,
        })
    }

    /// Model against the prices on offer in a game under way.
    pub(super) fn against(&self) -> Option<AgainstView> {
        let (_, forecast) = self.forecast.as_ref().ok()?;
        self.in_play.as_ref()?;
        let market = market_view(self, self.game.sport.has_draw())?;
        let pairs = forecast.h2h().into_iter().zip(&market.probabilities);
        let outcomes = pairs
            .zip(&market.best)
            .map(|((model, market), best)| Against {
                model,
                market: *market,
                value: best
                    .as_ref()
                    .map(|(_, price)| model * price.decimal() - 1.0),
                best: best.clone(),
            });
        Some(AgainstView {
            taken_at: market.taken_at,
            outcomes: outcomes.collect(),
        })
    }
}

impl Glance {
    /// Asks the model; computes, so not on a thread that answers.
    pub(crate) fn see(self, serving: Result<&Serving, EngineError>) -> Sight {
        self.ask(serving, Forecaster::predict)
    }

    /// Whether asking the model takes some tens of microseconds only, so that the way to another
    /// thread is the longer part.
    pub(super) fn is_quick(&self, serving: Result<&Serving, EngineError>) -> bool {
        let (Some(it), Ok(serving)) = (&self.under_way, serving) else {
            return false;
        };
        it.ready.is_ready(self.game.fixture, &it.ground(serving))
    }

    /// Asks the model, and what moved it.
    pub(crate) fn explain(self, serving: Result<&Serving, EngineError>) -> Sight {
        self.ask(serving, Forecaster::explain)
    }

    fn ask(self, serving: Result<&Serving, EngineError>, ask: Asked) -> Sight {
        let Self {
            game,
            quotes,
            prices,
            as_of,
            is_live,
            under_way,
        } = self;
        if let Some(under_way) = under_way {
            return under_way.see(serving, (game, prices, as_of), quotes);
        }
        let forecast = serving.and_then(|serving| {
            let forecast = ask(&serving.forecaster, &game, &prices, as_of);
            let forecast = forecast.map_err(|error| EngineError::NotPredictable {
                fixture: game.fixture,
                as_of,
                reason: error.to_string(),
            })?;
            if is_live {
                serving.foretell(&game, &forecast);
            }
            Ok((serving.clone(), forecast))
        });
        Sight {
            priced_at: game.prices_at(as_of),
            game,
            quotes,
            prices,
            as_of,
            in_play: None,
            forecast,
            play: None,
            given_up: None,
        }
    }
}

impl UnderWay {
    /// What the game is made ready from.
    pub(super) fn ground(&self, serving: &Serving) -> Ground {
        Ground {
            revision: self.revision,
            version: serving.record.version.clone(),
            before: self.standing.before,
        }
    }

    /// The forecast before the game, moved by what happened since.
    fn see(
        self,
        serving: Result<&Serving, EngineError>,
        (game, prices, as_of): (Game, Prices, Timestamp),
        quotes: Vec<Quote>,
    ) -> Sight {
        let mut next_goal = None;
        let standing = &self.standing;
        let is_given_up = standing.state.phase == Phase::Abandoned;
        let version = serving.as_ref().ok().filter(|_| is_given_up);
        let given_up = version.map(|it| it.record.version.clone());
        let forecast = serving.and_then(|serving| {
            let ground = self.ground(serving);
            let asked = (&game, &prices, standing);
            let (forecast, next) = self.ready.forecast(asked, serving, ground, as_of)?;
            next_goal = next;
            Ok((serving.clone(), forecast))
        });
        Sight {
            priced_at: PricesAt::Start(standing.before),
            in_play: standing.offered(&quotes, game.sport),
            play: Some(standing.view(next_goal)),
            given_up,
            game,
            quotes,
            prices,
            as_of,
            forecast,
        }
    }
}
