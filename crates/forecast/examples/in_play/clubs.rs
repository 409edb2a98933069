//! Half-time scores of `football_odds.csv`, each with the forecast before the game: by past
//! prices, and by the fixture's own early prices.

use std::collections::HashMap;
use std::path::Path;

use domain::{Game, Overround, Price, Score, remove_overround};
use forecast::{
    FootballParameters, History, Matchup, ModelName, Pool, PoolFit, PoolWalker, Regress,
    ScoreEffect, ScoreMatrix, Scores, cut_for,
};
use jiff::Timestamp;
use rayon::prelude::*;

use crate::{Moment, data, h2h, judge, outcome, print, state};

/// Seasons fitted on and judged, as the file names them.
const FROM: &str = "2012/13";
const JUDGED_FROM: &str = "2021/22";
const TOP: [&str; 5] = ["E0", "SP1", "D1", "I1", "F1"];

/// A half time, twice.
pub(crate) struct HalfTime {
    pub(crate) top: bool,
    /// With the forecast from past prices.
    pub(crate) unpriced: Moment,
    /// With the fixture's own early prices.
    pub(crate) priced: Moment,
}

pub(crate) fn read(folder: &Path) -> Vec<HalfTime> {
    let data = data::football(folder);
    let history = History::new(data.games);
    Pool::group(&data.competitions)
        .par_iter()
        .flat_map_iter(|pool| walk(&history, pool))
        .collect()
}

fn walk(history: &History, pool: &Pool) -> Vec<HalfTime> {
    let mut walker = PoolWalker::new(history, pool);
    let mut fitted: Option<(Timestamp, PoolFit)> = None;
    let own = |it: &&Game| pool.competitions.contains(&it.competition);
    let mut found = Vec::new();
    for game in history.games().iter().filter(own) {
        let (Some(score), Some(half)) = (game.score, game.stats.half_time) else {
            continue;
        };
        let season = game.season.as_str();
        if season < FROM {
            continue;
        }
        let cut = cut_for(game.pregame_at());
        if fitted.as_ref().is_none_or(|(at, _)| *at != cut) {
            fitted = Some((cut, walker.fit(cut)));
        }
        let (_, fit) = fitted.as_ref().expect("fitted just now");
        let Some(base) = shape(fit, game) else {
            continue;
        };
        let Some(priced) = with_prices(&base, game) else {
            continue;
        };
        let moment = |prematch| Moment {
            prematch,
            state: state(half, 45),
            minute: 45,
            end: score,
            to_fit: season < JUDGED_FROM,
        };
        found.push(HalfTime {
            top: TOP.contains(&game.competition.as_str()),
            unpriced: moment(base),
            priced: moment(priced),
        });
    }
    found
}

fn shape(fit: &PoolFit, game: &Game) -> Option<ScoreMatrix> {
    let forecasts = fit.forecast(&Matchup::from(game));
    let found = forecasts
        .iter()
        .find(|it| it.model == ModelName::MarketImplied)?;
    found.scores.matrix().cloned()
}

/// The same grid in step with the early prices, as a forecast with prices is served.
fn with_prices(base: &ScoreMatrix, game: &Game) -> Option<ScoreMatrix> {
    let prices = game.pregame.h2h.as_ref()?.reference;
    let prices: Vec<Price> = prices.into_iter().collect::<Option<_>>()?;
    let fair = remove_overround(&prices, Overround::Power).ok()?;
    Scores::Goals(base.clone())
        .tilted_to(&fair)
        .matrix()
        .cloned()
}

pub(crate) fn report(clubs: &[HalfTime], parameters: &FootballParameters) {
    for (which, top) in [("top five", true), ("all eight", false)] {
        let judged = || {
            let after = clubs.iter().filter(|it| !it.unpriced.to_fit);
            after.filter(move |it| it.top || !top)
        };
        let unpriced: Vec<&Moment> = judged().map(|it| &it.unpriced).collect();
        let priced: Vec<&Moment> = judged().map(|it| &it.priced).collect();
        for (kind, moments) in [("past prices", unpriced), ("early prices", priced)] {
            let title = format!("half time, {which}, {kind}");
            print(&title, &judge(&moments, parameters));
        }
    }
    let top = || clubs.iter().filter(|it| it.top);
    let unpriced: Vec<&Moment> = top().map(|it| &it.unpriced).collect();
    let priced: Vec<&Moment> = top().map(|it| &it.priced).collect();
    for (kind, moments) in [("past prices", unpriced), ("early prices", priced)] {
        baselines(kind, &moments, parameters);
    }
}

/// What others do, on the same top-five fixtures: how often each outcome followed a half-time
/// score before, and Poisson goals of the same expectation in the share of goals left.
fn baselines(kind: &str, moments: &[&Moment], parameters: &FootballParameters) {
    let mut table: HashMap<(u16, u16), [f64; 3]> = HashMap::new();
    for it in moments.iter().filter(|it| it.to_fit) {
        let score = it.state.score;
        let counts = table.entry((score.home, score.away)).or_insert([1.0; 3]);
        counts[outcome(it.end)] += 1.0;
    }
    let plain = FootballParameters {
        effects: [ScoreEffect {
            home_leads: [[0.0; 2]; 2],
            away_leads: [[0.0; 2]; 2],
        }; 2],
        regress: Regress::default(),
        ..*parameters
    };
    let (mut n, mut sums) = (0.0, [0.0; 3]);
    for it in moments.iter().filter(|it| !it.to_fit) {
        let score = it.state.score;
        let counts = table.get(&(score.home, score.away)).unwrap_or(&[1.0; 3]);
        let rest = ScoreMatrix::dixon_coles(
            it.prematch
                .expected()
                .map(|goals| goals * plain.halves[1].share()),
            0.0,
        );
        let happened = outcome(it.end);
        let poisson: f64 = cells(&rest)
            .filter(|(home, away, _)| {
                outcome(Score {
                    home: score.home + home,
                    away: score.away + away,
                }) == happened
            })
            .map(|it| it.2)
            .sum();
        let said = [
            counts[happened] / counts.iter().sum::<f64>(),
            poisson,
            h2h(it, parameters)[happened],
        ];
        n += 1.0;
        for (sum, said) in sums.iter_mut().zip(said) {
            *sum -= said.ln();
        }
    }
    let [table, poisson, ours] = sums.map(|it| it / n);
    println!(
        "half time, top five, {kind}, n {n}: score table {table:.4}, plain Poisson {poisson:.4}, ours {ours:.4}"
    );
}

fn cells(matrix: &ScoreMatrix) -> impl Iterator<Item = (u16, u16, f64)> {
    let rows = (0..).zip(matrix.rows());
    rows.flat_map(|(home, row)| (0..).zip(row).map(move |(away, cell)| (home, away, *cell)))
}
