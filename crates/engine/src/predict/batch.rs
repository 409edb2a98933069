//! Many predictions asked for at once.

use std::collections::HashMap;

use domain::{FixtureId, Game, MarketKind};
use jiff::Timestamp;
use store::GameQuery;

use super::{Glance, prediction_of};
use crate::{Engine, EngineError, PredictionView, knowledge::Serving};

/// Fixtures forecast in one turn; between turns others get theirs, and a caller that has left is
/// noticed.
const TURN_FIXTURES_MAX: usize = 16;

/// A prediction asked for among others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PredictionRequest {
    /// Which fixture.
    pub fixture: FixtureId,
    /// As of when; see [`Engine::predict`].
    pub as_of: Option<Timestamp>,
}

type Outcome = Result<PredictionView, EngineError>;

impl Engine {
    /// Returns a prediction or the reason against it for each request, in the order asked, all
    /// from one state of what is known; markets of the given kinds only.
    ///
    /// Each is what [`Engine::predict`] says of it, bit for bit.
    pub async fn predict_all(
        &self,
        requests: &[PredictionRequest],
        kinds: &[MarketKind],
    ) -> Result<Vec<Outcome>, EngineError> {
        let knowledge = self.knowledge().await?;
        let serving = knowledge.serving()?.clone();
        let games = self.games_of(requests).await?;
        let mut outcomes = Vec::with_capacity(requests.len());
        for turn in requests.chunks(TURN_FIXTURES_MAX) {
            let mut glances = Vec::with_capacity(turn.len());
            for request in turn {
                let glance = self
                    .glance_of(request, &games, knowledge.revision())
                    .await?;
                if let Ok(glance) = &glance {
                    self.note_forecast(&knowledge, glance);
                }
                glances.push(glance);
            }
            let (serving, kinds) = (serving.clone(), kinds.to_vec());
            let forecast = move || {
                let see =
                    |glance: Result<Glance, EngineError>| predicted(glance?, &serving, &kinds);
                glances.into_iter().map(see).collect::<Vec<_>>()
            };
            outcomes.extend(self.forecasting(forecast).await?);
        }
        Ok(outcomes)
    }

    async fn games_of(
        &self,
        requests: &[PredictionRequest],
    ) -> Result<HashMap<FixtureId, Game>, EngineError> {
        let mut ids: Vec<_> = requests.iter().map(|it| it.fixture).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(HashMap::new()); // A query without ids would find every game.
        }
        let query = GameQuery {
            ids,
            ..GameQuery::default()
        };
        let games = self.store.games(&query).await?;
        Ok(games.into_iter().map(|it| (it.fixture, it)).collect())
    }

    /// What was known of a fixture, or why it cannot be predicted; fails as a whole only where
    /// the store does.
    async fn glance_of(
        &self,
        request: &PredictionRequest,
        games: &HashMap<FixtureId, Game>,
        revision: u64,
    ) -> Result<Result<Glance, EngineError>, EngineError> {
        let Some(game) = games.get(&request.fixture) else {
            return Ok(Err(EngineError::UnknownFixture(request.fixture)));
        };
        match self.glance(game.clone(), request.as_of, revision).await {
            Err(error @ EngineError::Store(_)) => Err(error),
            glance => Ok(glance),
        }
    }
}

fn predicted(glance: Glance, serving: &Serving, kinds: &[MarketKind]) -> Outcome {
    prediction_of(glance.explain(Ok(serving)), kinds)
}
