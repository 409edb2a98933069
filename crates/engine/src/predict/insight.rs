//! Everything the page of a fixture shows, as of a moment or as the forecast of its game began.

use domain::{FixtureId, MarketKind};
use jiff::Timestamp;

use super::{Gathered, Sight, edge_views, market_view, prediction_of, score_matrix};
use crate::{Engine, EngineError, FixtureInsight};

impl Engine {
    /// Returns everything the page of a fixture shows.
    pub async fn insight(
        &self,
        id: FixtureId,
        as_of: Option<Timestamp>,
    ) -> Result<FixtureInsight, EngineError> {
        let sight = self.look(id, as_of).await?;
        self.insight_of(sight).await
    }

    /// Returns everything the page of a fixture shows as it was known when the first of its game was
    /// heard, at kickoff at the latest; an hour before kickoff where nothing was.
    pub async fn insight_before(&self, id: FixtureId) -> Result<FixtureInsight, EngineError> {
        // Before the rest is read, so that the rest is at least as new.
        let knowledge = self.knowledge().await?;
        let facts = self.facts(id).await?;
        let facts = facts.ok_or(EngineError::UnknownFixture(id))?;
        let (log, now) = (self.log(id).await?, self.now());
        let standing = self.standing(&facts.game, &log, None, (now, Timestamp::MIN));
        let before = standing.map_or(facts.game.pregame_at(), |it| it.before);
        let gathered = Gathered {
            game: facts.game.clone(),
            quotes: facts.quotes.clone(),
            log: None,
            as_of: Some(before),
        };
        let glance = self.glance(gathered, knowledge.revision())?;
        self.note_forecast(&knowledge, &glance);
        let sight = self
            .forecasting(move || glance.explain(knowledge.serving()))
            .await?;
        self.insight_of(sight).await
    }

    async fn insight_of(&self, sight: Sight) -> Result<FixtureInsight, EngineError> {
        let fixture = self.fixture(sight.game.fixture).await?;
        let head_to_head = self.meetings(&sight).await?;
        let market = market_view(&sight, fixture.has_draw);
        let mut insight = FixtureInsight {
            edges: edge_views(&sight, &fixture, &self.options.betting),
            fixture,
            prediction: None,
            market,
            score_matrix: None,
            expected_score: None,
            ratings: Vec::new(),
            head_to_head,
        };
        if sight.given_up.is_some() {
            insight.prediction = Some(prediction_of(sight, &[])?);
            return Ok(insight);
        }
        let (serving, forecast) = match sight.forecast {
            Ok(it) => it,
            Err(EngineError::NoModel | EngineError::NotPredictable { .. }) => return Ok(insight),
            Err(error) => return Err(error),
        };
        insight.score_matrix = score_matrix(&forecast);
        insight.expected_score = Some(forecast.scores.expected());
        insight.ratings = self
            .ratings(serving.clone(), &sight.game, sight.as_of)
            .await?;
        let sight = Sight {
            forecast: Ok((serving, forecast)),
            ..sight
        };
        insight.prediction = Some(prediction_of(sight, &MarketKind::ALL)?);
        Ok(insight)
    }
}
