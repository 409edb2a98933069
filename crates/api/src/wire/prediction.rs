//! Predictions on the wire.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Against, MarketKind, Play};

/// A model's probabilities for a fixture as of a moment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Prediction {
    /// The fixture.
    #[schema(example = 8)]
    fixture_id: i64,
    /// Name of the model that answered.
    #[schema(example = "blend_priced")]
    model: String,
    /// Version of the trained model.
    #[schema(example = "20240520T060000Z-1f0c8a2b")]
    version: String,
    /// The moment whose knowledge was used: nothing later was read.
    #[schema(value_type = String, format = DateTime, example = "2024-05-19T14:00:00Z")]
    as_of: Timestamp,
    /// Every market, coherent with each other; none of a game that was abandoned.
    markets: Vec<MarketPrediction>,
    /// What each model says of who wins, the one that answered included; nothing of a game that was
    /// abandoned.
    opinions: Vec<Opinion>,
    /// Why, the strongest first: what base models see, then what moved the trees of `boosted`
    /// (labels that begin with `trees: `).
    reasons: Vec<Reason>,
    /// Models that should have an opinion and could not be asked; the others go on without.
    #[schema(example = json!([]))]
    left_out: Vec<String>,
    /// How the game stands; null before it is under way. Opinions are those before it.
    play: Option<Play>,
    /// What was forecast before the game; null before it is under way.
    before: Option<Opinion>,
    /// The model against the market; null unless the game is under way and was priced since the last
    /// goal or red card.
    against: Option<Against>,
}

/// A reason for a prediction.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Reason {
    /// What it is.
    #[schema(example = "home advantage")]
    label: String,
    /// How much it speaks for home (positive) or away (negative), in log odds.
    #[schema(example = 0.28)]
    effect: f64,
    /// A sentence with the figures.
    #[schema(example = "playing at home is worth 0.28")]
    detail: String,
}

impl Prediction {
    pub(crate) fn reasons(&self) -> &[Reason] {
        &self.reasons
    }
}

impl From<engine::ReasonView> for Reason {
    fn from(reason: engine::ReasonView) -> Self {
        Self {
            label: reason.label,
            effect: reason.effect,
            detail: reason.detail,
        }
    }
}

/// Probabilities of one market. They add up to one, except for `correct_score`, which lists the
/// likeliest scores only.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MarketPrediction {
    /// Which market.
    market: MarketKind,
    /// Its line; null in markets without one.
    #[schema(example = 2.5)]
    line: Option<f64>,
    /// Its outcomes.
    outcomes: Vec<OutcomePrediction>,
}

/// The probability of one outcome.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OutcomePrediction {
    /// Which outcome: `home`, `draw`, `away`, `over`, `under`, `yes`, `no`, or a score such as
    /// `2-1`.
    #[schema(example = "home")]
    outcome: String,
    /// Probability that a bet on it wins, given that it is not refunded.
    #[schema(example = 0.5, minimum = 0, maximum = 1)]
    probability: f64,
    /// The price at which a bet neither wins nor loses in the long run; null where the
    /// probability is zero.
    #[schema(example = 2.0, minimum = 1)]
    fair_price: Option<f64>,
}

/// What one model says of who wins.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Opinion {
    /// Name of the model.
    #[schema(example = "dixon_coles")]
    model: String,
    /// Probabilities in the order home, draw (where there is one), away.
    #[schema(example = json!([0.5, 0.27, 0.23]))]
    probabilities: Vec<f64>,
}

impl From<engine::Opinion> for Opinion {
    fn from(opinion: engine::Opinion) -> Self {
        Self {
            model: opinion.model,
            probabilities: opinion.probabilities,
        }
    }
}

impl From<engine::PredictionView> for Prediction {
    fn from(view: engine::PredictionView) -> Self {
        Self {
            fixture_id: view.fixture.0,
            model: view.model,
            version: view.version,
            as_of: view.as_of,
            markets: view
                .markets
                .into_iter()
                .map(MarketPrediction::from)
                .collect(),
            opinions: view.opinions.into_iter().map(Opinion::from).collect(),
            reasons: view.reasons.into_iter().map(Reason::from).collect(),
            left_out: view.left_out,
            play: view.play.map(Play::from),
            before: view.before.map(Opinion::from),
            against: view.against.map(Against::from),
        }
    }
}

impl From<domain::MarketPrediction> for MarketPrediction {
    fn from(prediction: domain::MarketPrediction) -> Self {
        Self {
            market: prediction.market.kind().into(),
            line: prediction.market.line().map(domain::Line::value),
            outcomes: prediction
                .outcomes
                .into_iter()
                .map(|it| OutcomePrediction {
                    outcome: it.outcome.to_string(),
                    probability: it.probability,
                    fair_price: Some(it.probability.recip()).filter(|price| price.is_finite()),
                })
                .collect(),
        }
    }
}
