//! Goals that prices expect: the intensities at which a score matrix gives the fair
//! probabilities of a fixture's prices.

use domain::{Line, MarketKind, Prices};

use crate::market::fair;
use crate::score_matrix::{admissible_rho, poisson};
use crate::settlement::Settlement;

/// Steps of the search; it needs five or so.
const STEPS_MAX: usize = 40;
/// The search ends where the parameters move less than this.
const STEP_MIN: f64 = 1e-10;
/// How far the logarithm of an intensity moves at most in one step.
const STEP_MAX: f64 = 0.5;
/// Logarithms of intensities stay inside these bounds.
const LOG_BOUNDS: [f64; 2] = [-4.0, 2.1];
/// What totals count against results.
const TOTALS_WEIGHT: f64 = 0.5;

/// What fair prices say: home win, away win, and over a line where totals are priced.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Targets {
    home: f64,
    away: f64,
    over: Option<(Line, f64)>,
}

/// Goals of home and away that `prices` expect, low scores adjusted by `rho`; `None` where the
/// result is not priced or no intensities fit.
pub(crate) fn implied_goals(prices: &Prices, rho: f64) -> Option<[f64; 2]> {
    let h2h = fair(prices.h2h.as_ref(), 3)?;
    let totals = prices
        .totals
        .as_ref()
        .filter(|it| it.market.kind() == MarketKind::Totals);
    let over = totals.and_then(|it| Some((it.market.line()?, fair(Some(it), 2)?[0])));
    solve(
        &Targets {
            home: h2h[0],
            away: h2h[2],
            over,
        },
        rho,
    )
}

/// Gauss–Newton steps on the logarithms of both intensities.
fn solve(targets: &Targets, rho: f64) -> Option<[f64; 2]> {
    const NUDGE: f64 = 1e-6;
    let lean = 0.9 * (targets.home - targets.away);
    let mut logs = [0.3 + lean, 0.3 - lean];
    for _ in 0..STEPS_MAX {
        let now = residuals(logs, targets, rho);
        let by_home = residuals([logs[0] + NUDGE, logs[1]], targets, rho);
        let by_away = residuals([logs[0], logs[1] + NUDGE], targets, rho);
        let slopes: [[f64; 2]; 3] = std::array::from_fn(|it| {
            [
                (by_home[it] - now[it]) / NUDGE,
                (by_away[it] - now[it]) / NUDGE,
            ]
        });
        let step = least_squares_step(&slopes, &now)?;
        for (log, step) in logs.iter_mut().zip(step) {
            *log = (*log - step.clamp(-STEP_MAX, STEP_MAX)).clamp(LOG_BOUNDS[0], LOG_BOUNDS[1]);
        }
        if step.iter().all(|it| it.abs() < STEP_MIN) {
            return Some(logs.map(f64::exp));
        }
    }
    None
}

/// The step that would bring three linear residuals closest to zero.
fn least_squares_step(slopes: &[[f64; 2]; 3], residuals: &[f64; 3]) -> Option<[f64; 2]> {
    let dot = |a: usize, b: usize| slopes.iter().map(|it| it[a] * it[b]).sum::<f64>();
    let right = |a: usize| {
        slopes
            .iter()
            .zip(residuals)
            .map(|(it, r)| it[a] * r)
            .sum::<f64>()
    };
    let (aa, ab, bb) = (dot(0, 0), dot(0, 1), dot(1, 1));
    let determinant = aa * bb - ab * ab;
    (determinant > 1e-12).then(|| {
        let (x, y) = (right(0), right(1));
        [
            (bb * x - ab * y) / determinant,
            (aa * y - ab * x) / determinant,
        ]
    })
}

/// Probabilities under the intensities less those wanted.
fn residuals(logs: [f64; 2], targets: &Targets, rho: f64) -> [f64; 3] {
    let [home, away] = logs.map(f64::exp);
    let rho = admissible_rho([home, away], rho);
    let (scored, conceded) = (poisson(home), poisson(away));
    let none = scored[0] * conceded[0];
    let (mut home_wins, mut away_wins) = (none * home * away * rho, none * home * away * rho);
    let (mut below_home, mut below_away) = (0.0, 0.0);
    for (p, q) in scored.iter().zip(&conceded) {
        home_wins += p * below_away;
        away_wins += q * below_home;
        below_home += p;
        below_away += q;
    }
    let over = targets.over.map_or(0.0, |(line, wanted)| {
        let mut totals = poisson(home + away);
        let shift = none * home * away * rho;
        totals[0] -= shift;
        totals[1] += 2.0 * shift;
        totals[2] -= shift;
        TOTALS_WEIGHT * (Settlement::above(line, 0, &totals).fair_probability() - wanted)
    });
    [home_wins - targets.home, away_wins - targets.away, over]
}

#[cfg(test)]
mod tests;
