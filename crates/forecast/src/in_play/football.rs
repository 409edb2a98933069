//! Football under way: the grid of final scores.
//!
//! Goals still to come follow a Markov chain whose rates depend on minute, score and red cards.
//! Final scores are weighed by what the forecast before the game gives them beyond the chain (the
//! chain conditioned as by Doob), so that before the game the answer is that forecast whatever
//! the chain, and later it stays coherent with it.

use domain::Score;
use jiff::Timestamp;

use crate::ScoreMatrix;
use crate::in_play::chain::{Chain, SIZE};
use crate::in_play::parameters::FootballParameters;
use crate::in_play::state::{GameState, Phase};

/// Rounds of the search for rates; each comes ten times nearer or so.
const ROUNDS_MAX: usize = 12;
/// The search ends where expected goals differ by less.
const GOALS_TOLERANCE: f64 = 1e-9;
/// What stands in for a chance of nothing where something is divided by it.
const CELL_MIN: f64 = 1e-300;

/// A game of football made ready to be forecast at any moment of it.
#[derive(Debug, Clone, PartialEq)]
pub struct FootballPlay {
    prematch: ScoreMatrix,
    parameters: FootballParameters,
    /// Goals per game of both sides while the score is level.
    goals: [f64; 2],
    /// What the forecast before the game gives a final score, over what the chain gives it.
    weights: Box<[[f64; SIZE]; SIZE]>,
}

/// What the next goal would be, and do.
#[derive(Debug, Clone, PartialEq)]
pub struct NextGoal {
    /// Probabilities that home scores it, that away does, that there is none.
    pub probabilities: [f64; 3],
    /// Home win, draw, away win after a goal of home and after one of away at this moment.
    pub after: [[f64; 3]; 2],
}

/// What there is at a moment: final scores, not yet divided by their sum.
struct Grid {
    cells: Box<[[f64; SIZE]; SIZE]>,
    sum: f64,
    /// What home wins, draws and away wins are still to be multiplied by.
    factors: [f64; 3],
}

impl FootballPlay {
    /// Makes a game ready from the grid of scores forecast before it.
    pub fn new(prematch: &ScoreMatrix, parameters: &FootballParameters) -> Self {
        let wanted = prematch.expected();
        let mut goals = wanted;
        let mut chain = whole_game(parameters, goals);
        for _ in 0..ROUNDS_MAX {
            let found = expected(&chain);
            let miss = (0..2).map(|it| (found[it] - wanted[it]).abs());
            if miss.fold(0.0, f64::max) < GOALS_TOLERANCE {
                break;
            }
            goals = std::array::from_fn(|it| goals[it] * wanted[it] / found[it].max(CELL_MIN));
            chain = whole_game(parameters, goals);
        }
        let mut weights = Box::new([[0.0; SIZE]; SIZE]);
        for (home, row) in prematch.rows().enumerate() {
            for (away, cell) in row.iter().enumerate() {
                weights[home][away] = cell / chain.probability(home, away).max(CELL_MIN);
            }
        }
        Self {
            prematch: prematch.clone(),
            parameters: *parameters,
            goals,
            weights,
        }
    }

    /// The grid of scores at the end of regular play, as `state` leaves it at `now`; `None` for a
    /// game given up.
    ///
    /// Before the game it is the forecast before the game, bit for bit; once regular play is over
    /// it is the score. A score too high for the grid is held at its edge, the lead kept where
    /// both sides allow.
    pub fn scores(&self, state: &GameState, now: Timestamp) -> Option<ScoreMatrix> {
        match state.phase {
            Phase::Abandoned => return None,
            Phase::Before => return Some(self.prematch.clone()),
            Phase::Finished | Phase::Playing | Phase::Break => {}
        }
        if let Some(score) = state.regular {
            return Some(ScoreMatrix::certain(on_grid(score)));
        }
        let grid = self.grid(state, on_grid(state.score), now);
        Some(grid.normalised())
    }

    /// The scores at the end, and what the next goal of regular play would be and do where there
    /// can be one; `None` for a game given up.
    pub fn outlook(
        &self,
        state: &GameState,
        now: Timestamp,
    ) -> Option<(ScoreMatrix, Option<NextGoal>)> {
        let scores = self.scores(state, now)?;
        let next = self.next_goal(state, now, &scores);
        Some((scores, next))
    }

    /// That there is no next goal is read off the scores at the end; who scores it is split by the
    /// rates of this moment, each weighed by what its goal would lead to.
    fn next_goal(
        &self,
        state: &GameState,
        now: Timestamp,
        scores: &ScoreMatrix,
    ) -> Option<NextGoal> {
        if state.regular.is_some() || matches!(state.phase, Phase::Abandoned | Phase::Finished) {
            return None;
        }
        let [home, away] = on_grid(state.score);
        let none = scores.probability(home, away);
        let next = [[home + 1, away], [home, away + 1]]
            .map(|score| self.grid(state, score.map(|it| it.min(SIZE - 1)), now));
        let half = usize::from(state.period > 1 || state.phase == Phase::Break);
        let rates = self.parameters.rates(self.goals, state.red_cards)[half];
        let rates = rates.at(lead([home, away]));
        let pull: [f64; 2] = std::array::from_fn(|side| rates[side] * next[side].sum);
        let share = pull[0] / (pull[0] + pull[1]);
        let some = 1.0 - none;
        Some(NextGoal {
            probabilities: [some * share, some * (1.0 - share), none],
            after: next.map(|it| it.normalised().h2h()),
        })
    }

    /// Final scores from `score` on.
    fn grid(&self, state: &GameState, score: [usize; 2], now: Timestamp) -> Grid {
        let left = self.parameters.left(state, now);
        let rates = self.parameters.rates(self.goals, state.red_cards);
        let mut chain = Chain::new();
        for (rates, time) in rates.iter().zip(left) {
            chain.run(rates, lead(score), time);
        }
        let [home, away] = score;
        let mut cells = Box::new([[0.0; SIZE]; SIZE]);
        let mut sum = 0.0;
        let rows = SIZE.min(home + chain.reach() + 1);
        for (row, more) in (home..rows).zip(0..) {
            let weighed = self.weights[row][away..].iter().zip(chain.row(more));
            for (cell, (weight, probability)) in cells[row][away..].iter_mut().zip(weighed) {
                *cell = weight * probability;
                sum += *cell;
            }
        }
        let left = (left[0] + left[1]).min(1.0);
        let factors = self.parameters.regress.factors(lead(score), left);
        Grid {
            cells,
            sum,
            factors,
        }
    }
}

impl Grid {
    fn normalised(&self) -> ScoreMatrix {
        let mut cells = self.cells.as_flattened().to_vec();
        let [home, draw, away] = self.factors;
        for (row, line) in cells.chunks_exact_mut(SIZE).enumerate() {
            line[..row].iter_mut().for_each(|it| *it *= home);
            line[row] *= draw;
            line[row + 1..].iter_mut().for_each(|it| *it *= away);
        }
        let sum: f64 = cells.iter().sum();
        cells.iter_mut().for_each(|it| *it /= sum);
        ScoreMatrix::from_cells(cells)
    }
}

fn whole_game(parameters: &FootballParameters, goals: [f64; 2]) -> Chain {
    let rates = parameters.rates(goals, [0; 2]);
    let mut chain = Chain::new();
    for (rates, half) in rates.iter().zip(parameters.halves) {
        chain.run_everywhere(rates, 0, half.share());
    }
    chain
}

fn expected(chain: &Chain) -> [f64; 2] {
    let (mut sums, mut total) = ([0.0; 2], 0.0);
    for home in 0..SIZE {
        for (away, cell) in chain.row(home).iter().enumerate() {
            sums[0] += count(home) * cell;
            sums[1] += count(away) * cell;
            total += cell;
        }
    }
    sums.map(|it| it / total)
}

/// A score as a place on the grid. One too high is brought down on both sides by the same, as far
/// as that goes.
fn on_grid(score: Score) -> [usize; 2] {
    let sides = [score.home, score.away].map(usize::from);
    let beyond = sides[0].max(sides[1]).saturating_sub(SIZE - 1);
    sides.map(|it| it.saturating_sub(beyond))
}

fn lead([home, away]: [usize; 2]) -> i32 {
    let side = |goals: usize| i32::try_from(goals).expect("held on the grid");
    side(home) - side(away)
}

fn count(goals: usize) -> f64 {
    f64::from(u8::try_from(goals).expect("the grid ends far below 256"))
}

#[cfg(test)]
mod tests;
