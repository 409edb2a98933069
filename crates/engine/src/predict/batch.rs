//! Many predictions asked for at once.

use std::collections::HashMap;

use domain::{FixtureId, Game, MarketKind};
use jiff::Timestamp;
use store::GameQuery;

use super::{Glance, prediction_of};
use crate::{
    Engine, EngineError, PredictionView,
    knowledge::{Knowledge, Serving},
};

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
            let glances = self.glances_of(turn, &games, &knowledge).await?;
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

    /// What was known of each fixture, or why it cannot be predicted; fails as a whole only where
    /// the store does.
    async fn glances_of(
        &self,
        requests: &[PredictionRequest],
        games: &HashMap<FixtureId, Game>,
        knowledge: &Knowledge,
    ) -> Result<Vec<Result<Glance, EngineError>>, EngineError> {
        let game = |it: &PredictionRequest| Some((games.get(&it.fixture)?.clone(), it.as_of));
        let known = requests.iter().filter_map(game).collect();
        let mut gathered = self.gather(known).await?.into_iter();
        let glance = |request: &PredictionRequest| {
            if !games.contains_key(&request.fixture) {
                return Err(EngineError::UnknownFixture(request.fixture));
            }
            let gathered = gathered.next().expect("each known game was gathered");
            let glance = self.glance(gathered, knowledge.revision())?;
            self.note_forecast(knowledge, &glance);
            Ok(glance)
        };
        Ok(requests.iter().map(glance).collect())
    }
}

fn predicted(glance: Glance, serving: &Serving, kinds: &[MarketKind]) -> Outcome {
    prediction_of(glance.explain(Ok(serving)), kinds)
}
