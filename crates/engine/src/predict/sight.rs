//! What was known of a fixture at a moment, and what the model made of it.

use domain::{Game, Prices, Quote};
use forecast::{Forecast, ForecastError, Forecaster};
use jiff::Timestamp;

use crate::{EngineError, knowledge::Serving};

/// What was known of a fixture at a moment.
pub(crate) struct Glance {
    pub(super) game: Game,
    pub(super) quotes: Vec<Quote>,
    pub(super) prices: Prices,
    pub(super) as_of: Timestamp,
    /// Whether it is of the present, before kickoff: what is forecast from it will be scored.
    pub(super) is_live: bool,
}

/// How a forecaster is asked.
type Asked = fn(&Forecaster, &Game, &Prices, Timestamp) -> Result<Forecast, ForecastError>;

/// A fixture seen at a moment: what was known, and what the model made of it.
pub(crate) struct Sight {
    pub(crate) game: Game,
    pub(crate) quotes: Vec<Quote>,
    pub(crate) prices: Prices,
    pub(crate) as_of: Timestamp,
    /// Absent where there is no model, or the model cannot say.
    pub(crate) forecast: Result<(Serving, Forecast), EngineError>,
}

impl Glance {
    /// Asks the model; computes, so not on a thread that answers.
    pub(crate) fn see(self, serving: Result<&Serving, EngineError>) -> Sight {
        self.ask(serving, Forecaster::predict)
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
        } = self;
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
            game,
            quotes,
            prices,
            as_of,
            forecast,
        }
    }
}
