//! Serving: the forecast of a fixture as of a moment, by the same steps as the walk through
//! history, hence with the same bits.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use domain::{
    Competition, Game, Market, MarketPrediction, Outcome, OutcomeProbability, Prices, Quote, Sport,
    TeamId, standing_quotes,
};
use jiff::Timestamp;
use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

use crate::betting::{ClaimStage, Offer, best_sum};
use crate::blend::{Opinion, SHAPES, add_blends, best, opinion};
use crate::boosted;
use crate::climatology::Climatology;
use crate::edge::Edge;
use crate::features::Scene;
use crate::outcome::h2h_width;
use crate::walk::{Grounds, grounds};
use crate::{
    ForecastError, History, Matchup, ModelName, ModelVersion, Pool, PoolFit, Reason, Scorer,
    Scores, Trained, cut_for, fit_pool, rating_path,
};

/// How many fits are kept: every pool at a few moments.
const FITS_MAX: usize = 64;

/// How much is told of a forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Telling {
    Numbers,
    /// What moved the trees too, which takes longer than to ask them.
    Reasons,
}

/// A fit that is made once, however many ask for it at the same time.
type SharedFit = Arc<OnceLock<PoolFit>>;

/// Forecasts fixtures as of any moment.
#[derive(Debug)]
pub struct Forecaster {
    history: Arc<History>,
    pools: Vec<Pool>,
    trained: Arc<Trained>,
    /// Asks boosted models that are kept elsewhere.
    scorer: Option<Arc<dyn Scorer>>,
    climatology: Climatology,
    /// Newest last.
    fits: Mutex<VecDeque<((usize, Timestamp), SharedFit)>>,
}

/// A forecast of one fixture.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// The moment whose knowledge was used.
    pub as_of: Timestamp,
    /// The moment base models were fitted at.
    pub cut: Timestamp,
    /// The best informed model, whose probabilities these are.
    pub best: ModelName,
    /// The joint distribution of scores, in step with the best model's probabilities.
    pub scores: Scores,
    /// What every model thinks.
    pub opinions: Vec<Opinion>,
    /// What moves the forecast, largest first: base models, then, where asked for, trees.
    pub reasons: Vec<Reason>,
    /// Models that should have an opinion and could not be asked.
    pub left_out: Vec<ModelName>,
    /// Whether what happened in the game has moved the scores; opinions are those before it.
    pub in_play: bool,
}

impl Forecast {
    /// Home, draw, away, or home, away, by the best model; as the game stands once it is under way.
    pub fn h2h(&self) -> Vec<f64> {
        if self.in_play {
            return self.scores.h2h();
        }
        opinion(&self.opinions, self.best).map_or_else(|| self.scores.h2h(), <[f64]>::to_vec)
    }

    /// Probabilities of markets, coherent with each other; markets the sport does not have are
    /// left out.
    pub fn markets(&self, markets: &[Market]) -> Vec<MarketPrediction> {
        let predict = |market: &Market| {
            let outcomes = if *market == Market::H2H {
                let h2h = self.h2h();
                let named = market.outcomes(h2h.len() == 3).iter().zip(h2h);
                named
                    .map(|(outcome, probability)| OutcomeProbability {
                        outcome: *outcome,
                        probability,
                    })
                    .collect()
            } else {
                self.scores.market(*market)?
            };
            Some(MarketPrediction {
                market: *market,
                outcomes,
            })
        };
        markets.iter().filter_map(predict).collect()
    }

    /// The forecast of the same game under way: its scores, as they stand at a moment of it.
    #[must_use]
    pub fn moved(&self, scores: Scores, as_of: Timestamp) -> Self {
        Self {
            as_of,
            scores,
            in_play: true,
            ..self.clone()
        }
    }

    /// What a model thinks of who wins.
    pub fn opinion(&self, model: ModelName) -> Option<&[f64]> {
        opinion(&self.opinions, model)
    }
}

impl Forecaster {
    /// Makes ready to forecast fixtures of `competitions` from `history`.
    pub fn new(
        history: Arc<History>,
        competitions: Vec<Competition>,
        trained: Arc<Trained>,
    ) -> Self {
        let climatology = Climatology::new(&history);
        let pools = Pool::group(&competitions);
        Self {
            history,
            pools,
            trained,
            scorer: None,
            climatology,
            fits: Mutex::default(),
        }
    }

    /// Asks boosted models that are kept elsewhere by `scorer`; without one they have no opinion.
    #[must_use]
    pub fn with_scorer(mut self, scorer: Arc<dyn Scorer>) -> Self {
        self.scorer = Some(scorer);
        self
    }

    /// Forecasts a fixture as of a moment not after its kickoff, given the prices as they stood
    /// then. The fixture's own score, statistics and stored prices are not read.
    pub fn predict(
        &self,
        game: &Game,
        prices: &Prices,
        as_of: Timestamp,
    ) -> Result<Forecast, ForecastError> {
        self.forecast(game, prices, as_of, Telling::Numbers)
    }

    /// Forecasts as [`Forecaster::predict`] does, bit for bit, and says what moved the boosted
    /// model too.
    pub fn explain(
        &self,
        game: &Game,
        prices: &Prices,
        as_of: Timestamp,
    ) -> Result<Forecast, ForecastError> {
        self.forecast(game, prices, as_of, Telling::Reasons)
    }

    fn forecast(
        &self,
        game: &Game,
        prices: &Prices,
        as_of: Timestamp,
        telling: Telling,
    ) -> Result<Forecast, ForecastError> {
        let (fixture, kickoff) = (game.fixture, game.kickoff);
        if as_of > kickoff {
            return Err(ForecastError::KickedOff {
                fixture,
                kickoff,
                as_of,
            });
        }
        let pool = self
            .pools
            .iter()
            .position(|it| it.competitions.contains(&game.competition))
            .ok_or_else(|| ForecastError::UnknownCompetition(game.competition.clone()))?;
        let cut = cut_for(as_of);
        let fit = self.fit(pool, cut);
        let fit = fit.get_or_init(|| fit_pool(&self.history, &self.pools[pool], cut));
        let Grounds {
            base,
            mut opinions,
            features,
        } = grounds(fit, &self.climatology, game, prices);
        let left_out = self.add_boosted(game.sport, cut, &mut opinions, &features);
        add_blends(&mut opinions, self.trained.blends(game.sport, cut));
        let best = best(&opinions).expect("the base rate always has an opinion");
        let matchup = Matchup::from(game);
        let mut reasons = fit.reasons(&matchup);
        if telling == Telling::Reasons && opinion(&opinions, ModelName::Boosted).is_some() {
            let rate = opinion(&opinions, ModelName::Climatology);
            let rate = rate.expect("the base rate always has an opinion");
            let scene = fit.scene(&matchup, &base, rate);
            reasons.extend(self.moved_trees(game.sport, cut, &scene, &features));
        }
        let shape = SHAPES
            .iter()
            .find_map(|model| base.iter().find(|it| it.model == *model));
        let shape = shape.expect("every sport has a model that needs no past");
        let target = opinion(&opinions, best).expect("the best model has an opinion");
        Ok(Forecast {
            as_of,
            cut,
            best,
            scores: shape.scores.tilted_to(target),
            reasons,
            opinions,
            left_out,
            in_play: false,
        })
    }

    /// Adds what the boosted model in force thinks; returns what should have an opinion and could
    /// not be asked.
    fn add_boosted(
        &self,
        sport: Sport,
        cut: Timestamp,
        opinions: &mut Vec<Opinion>,
        features: &[f64],
    ) -> Vec<ModelName> {
        let Some(stage) = self.trained.boosted_at(sport, cut) else {
            return Vec::new();
        };
        match stage.opinion(opinions, features, self.scorer.as_deref()) {
            Some(opinion) => {
                opinions.push(opinion);
                Vec::new()
            }
            None => vec![ModelName::Boosted],
        }
    }

    /// What moved the trees in force, largest first.
    fn moved_trees(
        &self,
        sport: Sport,
        cut: Timestamp,
        scene: &Scene<'_>,
        features: &[f64],
    ) -> Vec<Reason> {
        let stage = self.trained.boosted_at(sport, cut);
        let contributions = stage.and_then(|it| it.contributions(features, self.scorer.as_deref()));
        contributions.map_or_else(Vec::new, |it| boosted::reasons(sport, scene, &it))
    }

    /// The version of the boosted model that a forecast asked, where it is kept elsewhere and
    /// answered.
    pub fn boosted_version(&self, sport: Sport, forecast: &Forecast) -> Option<&ModelVersion> {
        forecast.opinion(ModelName::Boosted)?;
        self.trained.boosted_at(sport, forecast.cut)?.version()
    }

    /// Fits every pool as of a moment, so that forecasts for it need not wait.
    pub fn warm(&self, as_of: Timestamp) {
        let cut = cut_for(as_of);
        self.pools.par_iter().enumerate().for_each(|(index, pool)| {
            self.fit(index, cut)
                .get_or_init(|| fit_pool(&self.history, pool, cut));
        });
    }

    /// A team's rating after each of its games known at `until`.
    pub fn ratings(&self, team: TeamId, until: Timestamp) -> Vec<(Timestamp, f64)> {
        let of_team = |it: &&Game| it.home == team || it.away == team;
        let Some(game) = self.history.games().iter().find(of_team) else {
            return Vec::new();
        };
        let pool = self
            .pools
            .iter()
            .find(|it| it.competitions.contains(&game.competition));
        pool.map_or_else(Vec::new, |it| rating_path(&self.history, it, team, until))
    }

    /// What is claimed of every price on who wins that stood at the forecast's moment, one per
    /// bookmaker and outcome; flagged as unproven until enough is known of what such prices were
    /// worth.
    pub fn edges(
        &self,
        game: &Game,
        forecast: &Forecast,
        prices: &Prices,
        quotes: &[Quote],
    ) -> Vec<Edge> {
        let stage = self.trained.claims_at(game.sport, forecast.cut);
        let stage = stage.unwrap_or(&ClaimStage::UNPROVEN);
        let (Some(h2h), Some(market), Some(model)) = (
            &prices.h2h,
            forecast.opinion(ModelName::MarketEarly),
            forecast.opinion(ModelName::BlendPriced),
        ) else {
            return Vec::new();
        };
        let Some(best_sum) = best_sum(h2h, h2h_width(game)) else {
            return Vec::new();
        };
        let best_of = |index: usize| h2h.best[index].as_ref().map(|it| &it.bookmaker);
        let outcomes: &[Outcome] = Market::H2H.outcomes(game.sport.has_draw());
        let mut edges = Vec::new();
        let is_offer =
            |it: &&Quote| it.market == Market::H2H && it.bookmaker.as_str() != "market_average";
        let offers = quotes.iter().filter(is_offer);
        let at = game.prices_at(forecast.as_of);
        for quote in standing_quotes(offers, at, game.sport.has_draw()) {
            let priced = outcomes.iter().enumerate().zip(quote.prices);
            for ((index, outcome), price) in priced.filter_map(|(it, price)| Some((it, price?))) {
                let offer = Offer {
                    outcome: index,
                    price,
                    market: market[index],
                    model: model[index],
                    best_sum,
                    age: forecast.as_of.duration_since(quote.taken_at),
                };
                edges.push(Edge {
                    market: Market::H2H,
                    outcome: *outcome,
                    bookmaker: quote.bookmaker.clone(),
                    price,
                    taken_at: quote.taken_at,
                    is_best: best_of(index) == Some(&quote.bookmaker),
                    claim: stage.claim(&offer),
                });
            }
        }
        edges
    }

    /// The place of a fit; the oldest makes room.
    fn fit(&self, pool: usize, cut: Timestamp) -> SharedFit {
        let mut fits = self.fits.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, fit)) = fits.iter().find(|it| it.0 == (pool, cut)) {
            return Arc::clone(fit);
        }
        if fits.len() >= FITS_MAX {
            fits.pop_front();
        }
        let fit = SharedFit::default();
        fits.push_back(((pool, cut), Arc::clone(&fit)));
        fit
    }
}

#[cfg(test)]
mod tests;
