//! The walk forward: every played fixture forecast with what was known an hour before its
//! kickoff, by the same code that serves.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::{CompetitionKey, Game, Prices};
use jiff::{Timestamp, tz::TimeZone};
use rayon::prelude::*;

use crate::blend::Opinion;
use crate::climatology::Climatology;
use crate::outcome::{h2h_outcome, h2h_width};
use crate::{
    BaseForecast, History, Matchup, ModelName, Pool, PoolFit, PoolWalker, Progress, cut_for, market,
};

/// A fixture with the opinions formed before it.
#[derive(Debug, Clone)]
pub(crate) struct Walked<'a> {
    pub(crate) game: &'a Game,
    /// Index of what happened.
    pub(crate) outcome: usize,
    /// Base models, climatology, the early market; blends once they are added.
    pub(crate) opinions: Vec<Opinion>,
    /// What boosted models read of it.
    pub(crate) features: Vec<f64>,
    /// The closing market's probabilities, to judge by and never to forecast with.
    pub(crate) close: Option<Vec<f64>>,
}

/// One run of fixtures that is walked on one thread.
struct Leg<'a, 'p> {
    pool: &'p Pool,
    games: Vec<&'a Game>,
}

/// What a fit and its prices say of a fixture before anything learned from other fixtures.
pub(crate) struct Grounds {
    pub(crate) base: Vec<BaseForecast>,
    /// Base models, climatology, the early market.
    pub(crate) opinions: Vec<Opinion>,
    /// What boosted models read of it.
    pub(crate) features: Vec<f64>,
}

/// Asks everything that needs no other fixtures' forecasts.
pub(crate) fn grounds(
    fit: &PoolFit,
    climatology: &Climatology,
    game: &Game,
    prices: &Prices,
) -> Grounds {
    let matchup = Matchup::from(game);
    let base = fit.forecast(&matchup);
    let rate = climatology.forecast(&game.competition, game.sport, fit.cut());
    let features = fit.scene(&matchup, &base, &rate).row(game.sport);
    let rate = Opinion {
        model: ModelName::Climatology,
        h2h: rate,
    };
    let early = market::fair(prices.h2h.as_ref(), h2h_width(game));
    let early = early.map(|h2h| Opinion {
        model: ModelName::MarketEarly,
        h2h,
    });
    let of_base = base.iter().map(|it| Opinion {
        model: it.model,
        h2h: it.scores.h2h(),
    });
    Grounds {
        opinions: std::iter::once(rate).chain(of_base).chain(early).collect(),
        base,
        features,
    }
}

/// Forecasts every decided fixture known by `until`, in the order of history. Pools and years run
/// side by side; each is a pure function of history, so the order of work changes nothing.
pub(crate) fn walk<'a>(
    history: &'a History,
    pools: &[Pool],
    until: Timestamp,
    progress: &(dyn Fn(Progress) + Sync),
) -> Vec<Walked<'a>> {
    let climatology = Climatology::new(history);
    let legs = legs(history, pools, until);
    let total = legs.iter().map(|it| it.games.len() as u64).sum();
    let done = AtomicU64::new(0);
    progress(Progress {
        stage: "walk",
        done: 0,
        total,
    });
    let mut walked: Vec<Walked<'a>> = legs
        .par_iter()
        .flat_map_iter(|leg| {
            let walked = walk_leg(history, leg, &climatology);
            let more = leg.games.len() as u64;
            let done = done.fetch_add(more, Ordering::Relaxed) + more;
            progress(Progress {
                stage: "walk",
                done,
                total,
            });
            walked
        })
        .collect();
    walked.sort_by_key(|it| (it.game.kickoff, it.game.fixture));
    walked
}

/// Splits the decided fixtures by pool and half year, the longest legs of all pools first.
fn legs<'a, 'p>(history: &'a History, pools: &'p [Pool], until: Timestamp) -> Vec<Leg<'a, 'p>> {
    let pool_of: HashMap<&CompetitionKey, usize> = pools
        .iter()
        .enumerate()
        .flat_map(|(index, pool)| pool.competitions.iter().map(move |it| (it, index)))
        .collect();
    let mut legs: Vec<Leg<'a, 'p>> = Vec::new();
    let mut places: HashMap<(usize, i16, bool), usize> = HashMap::new();
    for game in history.games() {
        if game.known_at > until || h2h_outcome(game).is_none() {
            continue;
        }
        let Some(&pool) = pool_of.get(&game.competition) else {
            continue;
        };
        let date = game.kickoff.to_zoned_datetime(TimeZone::UTC).date();
        let place = *places
            .entry((pool, date.year(), date.month() > 6))
            .or_insert_with(|| {
                legs.push(Leg {
                    pool: &pools[pool],
                    games: Vec::new(),
                });
                legs.len() - 1
            });
        legs[place].games.push(game);
    }
    legs
}

fn walk_leg<'a>(
    history: &'a History,
    leg: &Leg<'a, '_>,
    climatology: &Climatology,
) -> Vec<Walked<'a>> {
    let mut walker = PoolWalker::new(history, leg.pool);
    let mut fit: Option<PoolFit> = None;
    let mut walked = Vec::with_capacity(leg.games.len());
    for game in &leg.games {
        let cut = cut_for(game.pregame_at());
        // The last fit goes before the next comes, so that nothing has to be copied.
        let kept = fit.take().filter(|it| it.cut() == cut);
        let current = kept.unwrap_or_else(|| walker.fit(cut));
        let grounds = grounds(&current, climatology, game, &game.pregame);
        walked.push(Walked {
            game,
            outcome: h2h_outcome(game).expect("only decided games are walked"),
            opinions: grounds.opinions,
            features: grounds.features,
            close: market::close(game),
        });
        fit = Some(current);
    }
    walked
}
