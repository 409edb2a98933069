//! What a difference of ratings is worth: an ordered logit for the result and a Poisson
//! regression for the goals, both fitted on past games.

use domain::TeamId;
use jiff::Timestamp;

use crate::elo::table::{EloTable, RatedTeam, RatingSums};
use crate::minimise::{Objective, minimise};
use crate::{Matchup, ScoreMatrix};

const TOLERANCE: f64 = 1e-5;
/// Differences are divided by this, so that every parameter is of the order of one.
const UNIT_POINTS: f64 = 200.0;
/// How strongly the usual values are held to, in games.
const PRIOR_GAMES: f64 = 20.0;
/// Slope, logarithm of the half width of the draw, home advantage where nothing is known.
const USUAL_RESULT: [f64; 3] = [1.05, -0.60, 0.35];
/// Slope, logarithm of away goals between equals, home advantage where nothing is known.
const USUAL_GOALS: [f64; 3] = [0.36, 0.14, 0.28];
/// Between equals football gives few more draws than independent goals do.
const RHO: f64 = -0.05;

/// Ratings at a moment and what they are worth.
#[derive(Debug, Clone)]
pub(crate) struct EloFit {
    table: EloTable,
    cut: Timestamp,
    result: [f64; 3],
    goals: [f64; 3],
}

impl EloFit {
    /// Fits the worth of a difference on the games behind `table`.
    pub(crate) fn new(table: &EloTable, cut: Timestamp) -> Self {
        let sums = table.sums(cut);
        let fit = |found: Vec<f64>| [found[0], found[1], found[2]];
        let result = minimise(&ResultByRating(&sums), &USUAL_RESULT, TOLERANCE).parameters;
        let goals = minimise(&GoalsByRating(&sums), &USUAL_GOALS, TOLERANCE).parameters;
        Self {
            table: table.clone(),
            cut,
            result: fit(result),
            goals: fit(goals),
        }
    }

    /// A team as it stands, where it has played.
    pub(crate) fn rated(&self, team: TeamId) -> Option<&RatedTeam> {
        self.table.rated(team)
    }

    /// Ratings both sides enter a fixture with.
    pub(crate) fn ratings(&self, game: &Matchup, competition: usize) -> [f64; 2] {
        [game.home, game.away].map(|it| self.table.entry_rating(it, competition, self.cut))
    }

    /// Log-odds a difference of ratings is worth.
    pub(crate) fn log_odds(&self, difference: f64) -> f64 {
        self.result[0] * difference / UNIT_POINTS
    }

    /// Log-odds playing at home is worth.
    pub(crate) fn home_log_odds(&self) -> f64 {
        self.result[2]
    }

    /// Home win, draw, away win of a fixture.
    pub(crate) fn h2h(&self, game: &Matchup, competition: usize) -> [f64; 3] {
        let [home, away] = self.ratings(game, competition);
        ordered_logit(&self.result, (home - away) / UNIT_POINTS, game.neutral)
    }

    /// The score matrix of a fixture: goals by the regression, tilted to the results.
    pub(crate) fn matrix(&self, game: &Matchup, competition: usize) -> ScoreMatrix {
        let [home, away] = self.ratings(game, competition);
        let intensities =
            log_goals(&self.goals, (home - away) / UNIT_POINTS, game.neutral).map(f64::exp);
        ScoreMatrix::dixon_coles(intensities, RHO).tilted_to(self.h2h(game, competition))
    }
}

/// Home win, draw, away win; positive for any parameters.
fn ordered_logit(parameters: &[f64; 3], difference: f64, neutral: bool) -> [f64; 3] {
    let (lean, half) = lean_and_half(parameters, difference, neutral);
    let draw = logistic(half - lean) * logistic(half + lean) * -(-2.0 * half).exp_m1();
    [logistic(lean - half), draw, logistic(-lean - half)]
}

fn lean_and_half(parameters: &[f64], difference: f64, neutral: bool) -> (f64, f64) {
    let venue = if neutral { 0.0 } else { parameters[2] };
    (parameters[0] * difference + venue, parameters[1].exp())
}

/// Logarithms of the goals expected of home and away.
fn log_goals(parameters: &[f64], difference: f64, neutral: bool) -> [f64; 2] {
    let venue = if neutral { 0.0 } else { parameters[2] };
    let lean = parameters[0] * difference;
    [parameters[1] + venue + lean, parameters[1] - lean]
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Adds the pull towards the usual values to a value and its gradient.
fn pull(parameters: &[f64], usual: &[f64; 3], gradient: &mut [f64]) -> f64 {
    let mut value = 0.0;
    for (index, (x, usual)) in parameters.iter().zip(usual).enumerate() {
        value += 0.5 * PRIOR_GAMES * (x - usual).powi(2);
        gradient[index] += PRIOR_GAMES * (x - usual);
    }
    value
}

/// Minus the log-likelihood of results, of slope, logarithm of half the draw's width, and home
/// advantage.
struct ResultByRating<'a>(&'a [RatingSums]);

impl Objective for ResultByRating<'_> {
    fn evaluate(&self, parameters: &[f64], gradient: &mut [f64]) -> f64 {
        gradient.fill(0.0);
        let mut value = pull(parameters, &USUAL_RESULT, gradient);
        for sums in self.0 {
            let difference = sums.difference / UNIT_POINTS;
            let (lean, half) = lean_and_half(parameters, difference, sums.neutral);
            let [home, draw, away] = sums.results;
            let (home_wins, away_wins) = (logistic(lean - half), logistic(-lean - half));
            let (not_home, not_away) = (1.0 - home_wins, 1.0 - away_wins);
            let width = -(-2.0 * half).exp_m1();
            value -= home * home_wins.ln()
                + away * away_wins.ln()
                + draw * (not_home.ln() + not_away.ln() + width.ln());
            let by_lean = home * not_home - away * not_away + draw * (away_wins - home_wins);
            let by_half = draw * (home_wins + away_wins + 2.0 / (2.0 * half).exp_m1())
                - home * not_home
                - away * not_away;
            gradient[0] -= by_lean * difference;
            gradient[1] -= by_half * half;
            gradient[2] -= if sums.neutral { 0.0 } else { by_lean };
        }
        value
    }

    fn curvatures(&self, _parameters: &[f64]) -> Vec<f64> {
        let mut sums = [PRIOR_GAMES; 3];
        for it in self.0 {
            let games: f64 = it.results.iter().sum();
            sums[0] += 0.2 * games * (it.difference / UNIT_POINTS).powi(2);
            sums[1] += 0.2 * games;
            sums[2] += 0.2 * games;
        }
        sums.to_vec()
    }
}

/// Minus the log-likelihood of goals, of slope, logarithm of away goals between equals, and home
/// advantage.
struct GoalsByRating<'a>(&'a [RatingSums]);

impl Objective for GoalsByRating<'_> {
    fn evaluate(&self, parameters: &[f64], gradient: &mut [f64]) -> f64 {
        gradient.fill(0.0);
        let mut value = pull(parameters, &USUAL_GOALS, gradient);
        for sums in self.0 {
            let difference = sums.difference / UNIT_POINTS;
            let games: f64 = sums.results.iter().sum();
            let logs = log_goals(parameters, difference, sums.neutral);
            let expected = logs.map(f64::exp);
            let slopes: [f64; 2] =
                std::array::from_fn(|side| games * expected[side] - sums.goals[side]);
            for side in 0..2 {
                value += games * expected[side] - sums.goals[side] * logs[side];
            }
            gradient[0] += difference * (slopes[0] - slopes[1]);
            gradient[1] += slopes[0] + slopes[1];
            gradient[2] += if sums.neutral { 0.0 } else { slopes[0] };
        }
        value
    }

    fn curvatures(&self, _parameters: &[f64]) -> Vec<f64> {
        let mut sums = [PRIOR_GAMES; 3];
        for it in self.0 {
            let goals: f64 = it.goals.iter().sum();
            sums[0] += goals * (it.difference / UNIT_POINTS).powi(2);
            sums[1] += goals;
            sums[2] += it.goals[0];
        }
        sums.to_vec()
    }
}

#[cfg(test)]
mod tests;
