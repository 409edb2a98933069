//! Basketball after each quarter of `nba_games.csv`, with the closing spread before the game.

use std::path::Path;

use domain::{Game, Score, Sport};
use forecast::{
    GameState, History, Matchup, ModelName, Phase, PlayScored, PointsDistribution,
    PointsParameters, PointsPlay, Pool, PoolFit, PoolWalker, Scores, cut_for, judge_in_play,
};
use jiff::Timestamp;
use rayon::prelude::*;

use crate::fit::descend;
use crate::{data, print};

const FROM: &str = "2012";
const JUDGED_FROM: &str = "2021";
/// Deviation of a margin from the closing spread, points.
const SPREAD_DEVIATION: f64 = 12.0;

struct Quarter {
    prematch: PointsDistribution,
    state: GameState,
    end: Score,
    to_fit: bool,
}

pub(crate) fn run(folder: &Path, fits: bool) {
    let mut parameters = PointsParameters::of(Sport::Basketball).expect("a sport of points");
    let quarters = read(folder);
    if fits {
        let fitted: Vec<&Quarter> = quarters.iter().filter(|it| it.to_fit).step_by(7).collect();
        parameters = fit(&fitted, parameters);
        println!("{parameters:#?}");
    }
    let scored: Vec<PlayScored> = quarters
        .par_iter()
        .filter(|it| !it.to_fit)
        .map(|it| {
            let play = PointsPlay::new(&it.prematch, &parameters);
            let now = play
                .scores(&it.state, Timestamp::UNIX_EPOCH)
                .expect("played");
            PlayScored {
                minute: u16::from(it.state.period) * 12,
                lead: it.state.lead() / 5,
                probabilities: now.h2h().to_vec(),
                prematch: it.prematch.h2h().to_vec(),
                outcome: usize::from(it.end.home < it.end.away),
            }
        })
        .collect();
    print(
        "NBA 2020/21 and 2021/22, leads in steps of five",
        &judge_in_play(&scored, 1),
    );
}

fn fit(quarters: &[&Quarter], start: PointsParameters) -> PointsParameters {
    let with = |it: &[f64]| {
        let mut next = start;
        next.margin.momentum = it[0];
        next.margin.spread = [it[1], it[2]];
        next.total.momentum = it[3];
        next.total.spread = [it[4], it[5]];
        next
    };
    let loss = |it: &[f64]| {
        let parameters = with(it);
        let losses: Vec<f64> = quarters
            .par_iter()
            .map(|it| {
                let play = PointsPlay::new(&it.prematch, &parameters);
                let now = play
                    .scores(&it.state, Timestamp::UNIX_EPOCH)
                    .expect("played");
                let [home, away] = [it.end.home, it.end.away].map(i32::from);
                let [margin, total] = now.likelihood(home - away, home + away);
                let wins = now.h2h()[usize::from(home < away)];
                -wins.max(1e-12).ln() - 0.2 * (margin.max(1e-9).ln() + total.max(1e-9).ln())
            })
            .collect();
        losses.iter().sum::<f64>() / losses.len() as f64
    };
    let found = descend(vec![0.0; 6], 0.1, &loss);
    println!("loss {:.5} from {:.5}", loss(&found), loss(&[0.0; 6]));
    with(&found)
}

fn read(folder: &Path) -> Vec<Quarter> {
    let data = data::nba(folder);
    let rows = data::rows(&folder.join("nba_games.csv"));
    let history = History::new(data.games);
    let pool = Pool::group(&data.competitions).remove(0);
    let mut walker = PoolWalker::new(&history, &pool);
    let mut fitted: Option<(Timestamp, PoolFit)> = None;
    let mut quarters = Vec::new();
    for game in history.games() {
        let season = game.season.as_str();
        let Some(score) = game.score.filter(|_| season >= FROM) else {
            continue;
        };
        let cut = cut_for(game.pregame_at());
        if fitted.as_ref().is_none_or(|(at, _)| *at != cut) {
            fitted = Some((cut, walker.fit(cut)));
        }
        let (_, fit) = fitted.as_ref().expect("fitted just now");
        let Some(prematch) = before(fit, game) else {
            continue;
        };
        let row = &rows[usize::try_from(game.fixture.0 - 1).expect("counted from one")];
        let points = |side: &str, last: u8| -> u16 {
            let quarter = |it| row[&format!("q{it}_{side}")].parse::<f64>().unwrap_or(0.0);
            (1..=last).map(|it| quarter(it) as u16).sum()
        };
        quarters.extend([1, 2, 3].map(|period| Quarter {
            prematch: prematch.clone(),
            state: GameState {
                phase: Phase::Break,
                period,
                score: Score {
                    home: points("home", period),
                    away: points("away", period),
                },
                ..GameState::BEFORE
            },
            end: score,
            to_fit: season < JUDGED_FROM,
        }));
    }
    quarters
}

/// Ratings on past prices, in step with the closing spread.
fn before(fit: &PoolFit, game: &Game) -> Option<PointsDistribution> {
    let line = game.closing.spreads.as_ref()?.market.line()?.value();
    let forecasts = fit.forecast(&Matchup::from(game));
    let model = ModelName::MarketImpliedMargin;
    let base = forecasts.iter().find(|it| it.model == model)?;
    let home = 0.5 * libm::erfc(line / SPREAD_DEVIATION / std::f64::consts::SQRT_2);
    match base.scores.tilted_to(&[home, 1.0 - home]) {
        Scores::Points(points) => Some(points),
        Scores::Goals(_) => None,
    }
}
