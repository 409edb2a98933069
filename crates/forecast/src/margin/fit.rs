//! Ridge regression of margin and total, with the uncertainty of what it predicts.

use std::collections::HashMap;

use domain::TeamId;
use jiff::Timestamp;
use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

use crate::margin::table::{MarginTable, PairSums};
use crate::points::PointsShape;

/// How a sport's points behave; tuned on the earlier seasons of the development data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct MarginSettings {
    /// Games' worth by which ratings of margin and total are held to the mean.
    pub(crate) ridge: [f64; 2],
    /// Home advantage, in points, where nothing is known.
    pub(crate) home: f64,
    /// Points of both sides together where nothing is known.
    pub(crate) total: f64,
    /// Deviation of margin and total around a good forecast, where nothing is known.
    pub(crate) deviations: [f64; 2],
    /// Rest beyond so many days makes no difference.
    pub(crate) rest_days_max: f64,
    /// How likely a tie is, relative to what a normal margin gives it.
    pub(crate) tie_share: f64,
    /// Pairs lighter than this are left out of a fit.
    pub(crate) weight_floor: f64,
}

/// How many games the usual deviations and home advantage count.
const PRIOR_GAMES: f64 = 30.0;
/// Games' worth by which the effect of rest is held to zero.
const REST_RIDGE: f64 = 100.0;

/// Ratings at a moment.
#[derive(Debug, Clone)]
pub(crate) struct MarginFit {
    settings: MarginSettings,
    teams: HashMap<TeamId, usize>,
    margin: Regression,
    total: Regression,
    /// Mean square of what was played less what was fitted on.
    misses: [f64; 2],
    weight: f64,
}

/// What moves a margin, in points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct MarginParts {
    /// Home rating less away rating.
    pub(crate) ratings: f64,
    /// Playing at home.
    pub(crate) home: f64,
    /// Rest.
    pub(crate) rest: f64,
}

/// A solved ridge regression.
#[derive(Debug, Clone)]
struct Regression {
    coefficients: DVector<f64>,
    factor: Cholesky<f64, Dyn>,
    /// Mean square of what it leaves unexplained.
    variance: f64,
}

impl Regression {
    /// Solves the normal equations; `squares` is the weighted sum of squares to be explained,
    /// what the ridge holds coefficients to included.
    fn solve(matrix: DMatrix<f64>, right: &DVector<f64>, squares: f64, pairs: &[PairSums]) -> Self {
        let factor =
            Cholesky::new(matrix).expect("a ridge on every coefficient: positive definite");
        let coefficients = factor.solve(right);
        let weight: f64 = pairs.iter().map(|it| it.weight).sum();
        let left = squares - coefficients.dot(right);
        Self {
            variance: (left / (weight + 1.0)).max(0.0),
            coefficients,
            factor,
        }
    }

    /// How uncertain a prediction is, beside the scatter of games: the variance of the mean at
    /// `row`, in units of the scatter's variance.
    fn leverage(&self, row: &DVector<f64>) -> f64 {
        row.dot(&self.factor.solve(row))
    }
}

impl MarginFit {
    /// Fits what `table` holds as it weighs at `cut`.
    pub(crate) fn new(table: &MarginTable, cut: Timestamp, settings: &MarginSettings) -> Self {
        let pairs = table.at(cut, settings.weight_floor);
        let weight: f64 = pairs.iter().map(|it| it.weight).sum();
        let misses = |side: usize| pairs.iter().map(|it| it.misses[side]).sum::<f64>();
        let count = table.teams.len();
        Self {
            settings: *settings,
            teams: table.index.clone(),
            margin: fit_margin(&pairs, count, settings),
            total: fit_total(&pairs, count, settings),
            misses: [0, 1].map(|side| misses(side) / (weight + f64::MIN_POSITIVE)),
            weight,
        }
    }

    /// Games behind the fit, weighted by age.
    pub(crate) fn games(&self) -> f64 {
        self.weight
    }

    /// Points a team is better than the mean; `None` before its first game.
    pub(crate) fn rating(&self, team: TeamId) -> Option<f64> {
        self.teams
            .get(&team)
            .map(|it| self.margin.coefficients[*it])
    }

    /// What moves the margin of a game between two teams.
    pub(crate) fn parts(&self, teams: [TeamId; 2], neutral: bool, rest: f64) -> MarginParts {
        let count = self.margin.coefficients.len();
        let [home, away] = teams.map(|it| self.rating(it).unwrap_or(0.0));
        let venue = if neutral {
            0.0
        } else {
            self.margin.coefficients[count - 2]
        };
        MarginParts {
            ratings: home - away,
            home: venue,
            rest: rest * self.margin.coefficients[count - 1],
        }
    }

    /// Margin and total of a game between two teams, and how they spread.
    pub(crate) fn shape(&self, teams: [TeamId; 2], neutral: bool, rest: f64) -> PointsShape {
        let known = teams.map(|it| self.teams.get(&it).copied());
        let (margin_count, total_count) = (
            self.margin.coefficients.len(),
            self.total.coefficients.len(),
        );
        let mut margin_row = DVector::zeros(margin_count);
        let mut total_row = DVector::zeros(total_count);
        for (index, sign) in known.into_iter().zip([1.0, -1.0]) {
            if let Some(index) = index {
                margin_row[index] += sign;
                total_row[index] += 1.0;
            }
        }
        margin_row[margin_count - 2] = if neutral { 0.0 } else { 1.0 };
        margin_row[margin_count - 1] = rest;
        total_row[total_count - 1] = 1.0;
        // A team never seen is as uncertain as the ridge says.
        let unseen = f64::from(u8::from(known[0].is_none()) + u8::from(known[1].is_none()));
        let spread = |side: usize, of: &Regression, row: &DVector<f64>| {
            let leverage = of.leverage(row) + unseen / self.settings.ridge[side];
            (self.scatter(side, of) + of.variance * leverage).sqrt()
        };
        PointsShape {
            margin: self.margin.coefficients.dot(&margin_row),
            margin_deviation: spread(0, &self.margin, &margin_row),
            total: self.settings.total + self.total.coefficients.dot(&total_row),
            total_deviation: spread(1, &self.total, &total_row),
            tie_share: self.settings.tie_share,
        }
    }

    /// Variance of a played game around the best that could be fitted.
    fn scatter(&self, side: usize, of: &Regression) -> f64 {
        let usual = self.settings.deviations[side].powi(2);
        let seen = of.variance + self.misses[side];
        (self.weight * seen + PRIOR_GAMES * usual) / (self.weight + PRIOR_GAMES)
    }
}

/// Margin: rating of home less rating of away, home advantage, rest.
fn fit_margin(pairs: &[PairSums], teams: usize, settings: &MarginSettings) -> Regression {
    let (home, rest) = (teams, teams + 1);
    let mut matrix = DMatrix::zeros(teams + 2, teams + 2);
    let mut right = DVector::zeros(teams + 2);
    for team in 0..teams {
        matrix[(team, team)] = settings.ridge[0];
    }
    matrix[(home, home)] = PRIOR_GAMES;
    matrix[(rest, rest)] = REST_RIDGE;
    right[home] = PRIOR_GAMES * settings.home;
    for pair in pairs {
        let venue = if pair.neutral { 0.0 } else { 1.0 };
        let row = [(pair.home, 1.0), (pair.away, -1.0), (home, venue)];
        for (a, x) in row {
            for (b, y) in row {
                matrix[(a, b)] += pair.weight * x * y;
            }
            matrix[(a, rest)] += pair.rest * x;
            matrix[(rest, a)] += pair.rest * x;
            right[a] += pair.sums[0] * x;
        }
        matrix[(rest, rest)] += pair.rest_squared;
        right[rest] += pair.rest_margin;
    }
    let squares: f64 = pairs.iter().map(|it| it.squares[0]).sum();
    let squares = squares + PRIOR_GAMES * settings.home * settings.home;
    Regression::solve(matrix, &right, squares, pairs)
}

/// Total: what is usual, and what each side adds.
fn fit_total(pairs: &[PairSums], teams: usize, settings: &MarginSettings) -> Regression {
    let base = teams;
    let mut matrix = DMatrix::zeros(teams + 1, teams + 1);
    let mut right = DVector::zeros(teams + 1);
    for team in 0..teams {
        matrix[(team, team)] = settings.ridge[1];
    }
    matrix[(base, base)] = 1.0;
    for pair in pairs {
        let above = pair.sums[1] - pair.weight * settings.total;
        let row = [pair.home, pair.away, base];
        for a in row {
            for b in row {
                matrix[(a, b)] += pair.weight;
            }
            right[a] += above;
        }
    }
    let centre = settings.total;
    let from_centre =
        |it: &PairSums| it.squares[1] - 2.0 * centre * it.sums[1] + centre * centre * it.weight;
    Regression::solve(matrix, &right, pairs.iter().map(from_centre).sum(), pairs)
}

#[cfg(test)]
mod tests;
