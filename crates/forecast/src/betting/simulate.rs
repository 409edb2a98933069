//! Betting through history: stakes from the bankroll as it stood at the start of the day.

use domain::Sport;
use jiff::Timestamp;

use super::{BettingOptions, BettingReport, ClaimStage, CurvePoint, offers};
use crate::edge::EdgeClaim;
use crate::evaluate::{mean, mean_interval, ratio_interval};
use crate::walk::Walked;
use crate::{Interval, cut_for};

/// The bankroll is never spread over more than this share of itself on one day.
const DAY_STAKE_MAX: f64 = 0.5;

/// Points of the curve at most; long histories are thinned.
const CURVE_POINTS_MAX: usize = 400;

/// A bet that is placed.
struct Bet {
    at: Timestamp,
    settled_at: Timestamp,
    price: f64,
    claim: EdgeClaim,
    closing_line_value: Option<f64>,
    won: bool,
}

impl Bet {
    /// Profit of a stake of one.
    fn profit(&self) -> f64 {
        if self.won { self.price - 1.0 } else { -1.0 }
    }
}

/// Stakes and what became of them.
#[derive(Default)]
struct Ledger {
    stakes: Vec<f64>,
    profits: Vec<f64>,
    drawdown_max: f64,
    curve: Vec<CurvePoint>,
}

/// Bets on the walked fixtures of one sport, in order of time; `None` where there was nothing to
/// bet on.
pub(crate) fn simulate(
    sport: Sport,
    walked: &[&Walked<'_>],
    stages: &[ClaimStage],
    options: &BettingOptions,
) -> Option<BettingReport> {
    let (bets, flagged) = place(walked, stages, options);
    if bets.is_empty() {
        return None;
    }
    let ledger = settle(&bets, options);
    let judged: Vec<(f64, f64)> = bets
        .iter()
        .filter_map(|it| {
            it.closing_line_value
                .map(|clv| (it.claim.claimed_value, clv))
        })
        .collect();
    let column = |of: fn(&(f64, f64)) -> f64| -> Vec<f64> { judged.iter().map(of).collect() };
    let (claims, values) = (column(|it| it.0), column(|it| it.1));
    let errors = column(|it| it.0 - it.1);
    let claimed: Vec<f64> = bets.iter().map(|it| it.claim.claimed_value).collect();
    let known = |of: &[f64]| (!of.is_empty()).then(|| mean(of));
    let flat: Vec<f64> = bets.iter().map(Bet::profit).collect();
    let slope = slope(&claims, &values);
    let (turnover, profit) = (
        ledger.stakes.iter().sum::<f64>(),
        ledger.profits.iter().sum(),
    );
    Some(BettingReport {
        sport,
        options: *options,
        bets: bets.len() as u64,
        flagged,
        turnover,
        profit,
        yield_: if turnover > 0.0 {
            profit / turnover
        } else {
            0.0
        },
        yield_interval: ratio_interval(&ledger.profits, &ledger.stakes),
        yield_flat: mean(&flat),
        yield_flat_interval: mean_interval(&flat),
        drawdown_max: ledger.drawdown_max,
        claimed_value: mean(&claimed),
        closing_line_value: known(&values),
        closing_line_value_interval: mean_interval(&values),
        claim_error: known(&errors),
        claim_error_interval: mean_interval(&errors),
        slope: slope.map(|it| it.0),
        slope_interval: slope.and_then(|it| it.1),
        curve: ledger.curve,
    })
}

/// The claims good enough to bet on, and how many more were good enough but flagged.
fn place(
    walked: &[&Walked<'_>],
    stages: &[ClaimStage],
    options: &BettingOptions,
) -> (Vec<Bet>, u64) {
    let (mut bets, mut flagged) = (Vec::new(), 0);
    for it in walked {
        let at = it.game.pregame_at();
        let cut = cut_for(at);
        let Some(stage) = stages.iter().rev().find(|stage| stage.valid_from <= cut) else {
            continue;
        };
        for offer in offers(it) {
            let claim = stage.claim(&offer);
            if !options.wants(&claim, offer.price) {
                continue;
            }
            if !claim.flags.is_empty() {
                flagged += 1;
                continue;
            }
            let price = offer.price.decimal();
            let close = it.close.as_ref().map(|close| close[offer.outcome]);
            bets.push(Bet {
                at,
                settled_at: it.game.known_at,
                price,
                claim,
                closing_line_value: close.map(|close| close * price - 1.0),
                won: it.outcome == offer.outcome,
            });
        }
    }
    (bets, flagged)
}

/// Stakes day by day; the day of a bet is its refit moment.
fn settle(bets: &[Bet], options: &BettingOptions) -> Ledger {
    let mut ledger = Ledger::default();
    let (mut bankroll, mut highest) = (1.0_f64, 1.0_f64);
    let (mut expected, mut variance) = (0.0, 0.0);
    for day in bets.chunk_by(|a, b| cut_for(a.at) == cut_for(b.at)) {
        let wanted: Vec<f64> = day.iter().map(|it| options.share(&it.claim)).collect();
        let scale = (DAY_STAKE_MAX / wanted.iter().sum::<f64>()).min(1.0) * bankroll;
        for (bet, share) in day.iter().zip(&wanted) {
            let stake = share * scale;
            let probability = bet.claim.probability;
            ledger.stakes.push(stake);
            ledger.profits.push(stake * bet.profit());
            bankroll += stake * bet.profit();
            expected += stake * bet.claim.claimed_value;
            variance += (stake * bet.price).powi(2) * probability * (1.0 - probability);
        }
        highest = highest.max(bankroll);
        ledger.drawdown_max = ledger.drawdown_max.max(1.0 - bankroll / highest);
        let band = Interval::around(expected, variance.sqrt());
        let at = day
            .iter()
            .map(|it| it.settled_at)
            .max()
            .expect("a day has a bet");
        ledger.curve.push(CurvePoint {
            at,
            profit: bankroll - 1.0,
            low: band.low,
            high: band.high,
        });
    }
    ledger.curve = thinned(ledger.curve);
    ledger
}

/// Every so many points, always with the last.
fn thinned(curve: Vec<CurvePoint>) -> Vec<CurvePoint> {
    let (last, every) = (
        curve.len().saturating_sub(1),
        curve.len().div_ceil(CURVE_POINTS_MAX),
    );
    let keep = |index: usize| index == last || index.is_multiple_of(every.max(1));
    curve
        .into_iter()
        .enumerate()
        .filter(|it| keep(it.0))
        .map(|it| it.1)
        .collect()
}

/// The least-squares slope of `y` on `x` with an interval that allows unequal variances, which takes
/// three; `None` where every `x` is the same.
#[expect(clippy::cast_precision_loss, reason = "counts of bets")]
fn slope(x: &[f64], y: &[f64]) -> Option<(f64, Option<Interval>)> {
    let (mean_x, mean_y) = (mean(x), mean(y));
    let spread: f64 = x.iter().map(|it| (it - mean_x).powi(2)).sum();
    if spread == 0.0 {
        return None;
    }
    let joint: f64 = x
        .iter()
        .zip(y)
        .map(|(a, b)| (a - mean_x) * (b - mean_y))
        .sum();
    let slope = joint / spread;
    let residual = |a: f64, b: f64| b - mean_y - slope * (a - mean_x);
    let squares: f64 = x
        .iter()
        .zip(y)
        .map(|(a, b)| ((a - mean_x) * residual(*a, *b)).powi(2))
        .sum();
    let degrees = x.len() as f64 - 2.0;
    let interval = || Interval::estimated(slope, squares.sqrt() / spread, degrees);
    Some((slope, (degrees >= 1.0).then(interval)))
}
