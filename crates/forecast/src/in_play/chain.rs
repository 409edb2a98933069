//! Goals still to come as a Markov chain whose rates depend on the lead, solved exactly by
//! uniformisation (Jensen 1953): a Poisson number of steps of one fixed transition.
//!
//! No cell is ever negative, and the answer is continuous in rates and time.

use crate::ScoreMatrix;

/// Further goals per side that are told apart, zero included.
pub(crate) const SIZE: usize = ScoreMatrix::SIZE;
/// Leads beyond this count like it.
pub(crate) const LEAD: i32 = 2;
const LEADS: usize = 2 * LEAD as usize + 1;
/// The sum over steps ends where what is left is less likely than this.
const TAIL: f64 = 1e-12;
/// Steps at most; the rates allowed need about seventy.
const STEPS_MAX: usize = 200;

/// Goals per unit of time of both sides by home's lead, from `-LEAD` on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rates(pub(crate) [[f64; 2]; LEADS]);

/// Probabilities of further goals, home by away, behind one row and column of zeros.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    cells: [[f64; SIZE + 1]; SIZE + 1],
    /// Goals of one side beyond which every cell is zero.
    reach: usize,
}

impl Rates {
    /// Rates of both sides at a lead of home.
    pub(crate) fn at(&self, lead: i32) -> [f64; 2] {
        let index = lead.clamp(-LEAD, LEAD) + LEAD;
        self.0[usize::try_from(index).expect("clamped to the range")]
    }

    fn highest(&self) -> f64 {
        self.0.iter().map(|it| it[0] + it[1]).fold(0.0, f64::max)
    }
}

impl Chain {
    /// No further goal yet.
    pub(crate) fn new() -> Self {
        let mut chain = Self::empty();
        chain.cells[1][1] = 1.0;
        chain
    }

    fn empty() -> Self {
        Self {
            cells: [[0.0; SIZE + 1]; SIZE + 1],
            reach: 0,
        }
    }

    /// Lets `time` pass at `rates`, home leading by `lead` where no further goal has fallen.
    pub(crate) fn run(&mut self, rates: &Rates, lead: i32, time: f64) {
        self.run_for(rates, lead, time, 1);
    }

    /// The same with so many steps that every cell is reached, however unlikely it is.
    pub(crate) fn run_everywhere(&mut self, rates: &Rates, lead: i32, time: f64) {
        self.run_for(rates, lead, time, 2 * SIZE);
    }

    fn run_for(&mut self, rates: &Rates, lead: i32, time: f64, steps_min: usize) {
        let speed = rates.highest();
        let mean = speed * time;
        if mean <= 0.0 {
            return;
        }
        let step = Step::new(rates, lead, speed);
        let mut weight = (-mean).exp();
        let mut left = 1.0 - weight;
        let (mut sum, mut other) = (self.clone(), Self::empty());
        sum.scale(weight);
        let (mut now, mut next) = (&mut *self, &mut other);
        for count in 1..=STEPS_MAX {
            weight *= mean / f64::from(u8::try_from(count).expect("steps are few"));
            left -= weight;
            now.advance(&step, next, (&mut sum, weight));
            std::mem::swap(&mut now, &mut next);
            if count >= steps_min && left < TAIL && weight < TAIL {
                break;
            }
        }
        *self = sum;
    }

    /// The probability of so many further goals.
    pub(crate) fn probability(&self, home: usize, away: usize) -> f64 {
        self.cells[home + 1][away + 1]
    }

    /// Goals of one side beyond which there is nothing.
    pub(crate) fn reach(&self) -> usize {
        self.reach
    }

    /// Probabilities of further away goals where home scores `home` more.
    pub(crate) fn row(&self, home: usize) -> &[f64] {
        &self.cells[home + 1][1..]
    }

    /// Makes `next` of one step more, and adds it, weighed, to a sum.
    fn advance(&self, step: &Step, next: &mut Self, (sum, weight): (&mut Self, f64)) {
        let reach = (self.reach + 1).min(SIZE - 1);
        (next.reach, sum.reach) = (reach, reach);
        let width = reach + 1;
        for home in 0..width {
            let [above, row] = [&self.cells[home], &self.cells[home + 1]];
            // The place of `away − home` among the margins.
            let shift = SIZE - 1 - home;
            let home_scores = &step.home[shift + 1..][..width];
            let away_scores = &step.away[shift..][..width];
            let nothing = &step.nothing[shift..][..width];
            let target = &mut next.cells[home + 1][1..=width];
            let sum = &mut sum.cells[home + 1][1..=width];
            let [above, left, row] = [&above[1..=width], &row[..width], &row[1..=width]];
            for away in 0..width {
                target[away] = above[away] * home_scores[away]
                    + left[away] * away_scores[away]
                    + row[away] * nothing[away];
                sum[away] += weight * target[away];
            }
        }
    }

    fn scale(&mut self, factor: f64) {
        for row in &mut self.cells[1..self.reach + 2] {
            row.iter_mut().for_each(|cell| *cell *= factor);
        }
    }
}

/// Chances of what the next step brings, by away goals less home goals, from `-(SIZE − 1)` on.
/// Those of goals are by the margin they were scored at.
struct Step {
    /// One longer: the goal of home that leads to a margin was scored one margin before it.
    home: [f64; 2 * SIZE],
    /// The goal of away that leads to a margin was scored one margin before it, the other way.
    away: [f64; 2 * SIZE],
    nothing: [f64; 2 * SIZE],
}

impl Step {
    fn new(rates: &Rates, lead: i32, speed: f64) -> Self {
        let [mut home, mut away, mut nothing] = [[0.0; 2 * SIZE]; 3];
        let lowest = 1 - i32::try_from(SIZE).expect("the grid is small");
        for (index, margin) in (0..2 * SIZE).zip(lowest..) {
            let now = rates.at(lead - margin);
            home[index] = now[0] / speed;
            away[index] = rates.at(lead - (margin - 1))[1] / speed;
            nothing[index] = 1.0 - (now[0] + now[1]) / speed;
        }
        Self {
            home,
            away,
            nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(rates: &Rates, lead: i32, time: f64) -> Chain {
        let mut chain = Chain::new();
        chain.run(rates, lead, time);
        chain
    }

    fn total(chain: &Chain) -> f64 {
        (0..SIZE).flat_map(|it| chain.row(it)).sum()
    }

    #[test]
    fn rates_that_do_not_depend_on_the_lead_give_independent_poisson_goals() {
        let rates = Rates([[1.7, 1.1]; LEADS]);
        let found = chain(&rates, 1, 0.6);
        let poisson = |mean: f64, goals: i32| {
            let factorial: f64 = (1..=goals).map(f64::from).product();
            (-mean).exp() * mean.powi(goals) / factorial
        };
        for (home, away) in [(0, 0), (1, 0), (0, 1), (2, 3), (5, 1), (7, 7)] {
            let wanted = poisson(1.02, home) * poisson(0.66, away);
            let cell = found.probability(home as usize, away as usize);
            assert!(
                (cell - wanted).abs() < 1e-12,
                "{home}-{away}: {cell} {wanted}"
            );
        }
        assert!((total(&found) - 1.0).abs() < 1e-11);
    }

    #[test]
    fn a_side_that_only_scores_when_level_scores_once() {
        let mut rates = Rates([[0.0, 0.0]; LEADS]);
        rates.0[2] = [2.0, 1.0];
        let found = chain(&rates, 0, 1.5);
        let none = (-4.5_f64).exp();
        assert!((found.probability(0, 0) - none).abs() < 1e-12);
        assert!((found.probability(1, 0) - (1.0 - none) * 2.0 / 3.0).abs() < 1e-12);
        assert!((found.probability(0, 1) - (1.0 - none) / 3.0).abs() < 1e-12);
        // From a lead of one only the other side could bring it back to level, and does not.
        assert!((chain(&rates, 1, 1.5).probability(0, 0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn two_stretches_are_as_one_of_their_length() {
        let rates = Rates([[2.0, 0.5], [1.8, 0.6], [1.5, 0.9], [1.2, 1.1], [1.0, 1.4]]);
        let whole = chain(&rates, -1, 1.0);
        let mut parts = chain(&rates, -1, 0.3);
        parts.run(&rates, -1, 0.7);
        for home in 0..6 {
            for away in 0..6 {
                let (a, b) = (whole.probability(home, away), parts.probability(home, away));
                assert!((a - b).abs() < 1e-11, "{home}-{away}: {a} {b}");
            }
        }
        assert_eq!(chain(&rates, 0, 0.0).reach(), 0);
    }
}
