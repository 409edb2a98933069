//! The joint distribution of both sides' goals as a grid, and the markets read off it.
//!
//! No cell is ever negative and the cells add up to one, whatever went in.

use domain::{Line, Market, MarketKind, MarketPrediction, Outcome, OutcomeProbability};

use crate::settlement::Settlement;

/// Goals are counted from zero to one less than this; what lies beyond is spread over the rest.
const SIZE: usize = 16;
/// Intensities are held inside these bounds, so that the grid holds nearly all of the mass.
const INTENSITY: std::ops::RangeInclusive<f64> = 0.02..=8.0;
/// How many correct scores are listed.
const LIKELIEST_SCORES: usize = 15;

/// Probabilities of every score, home goals by away goals.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreMatrix {
    cells: Vec<f64>,
}

/// What several markets are read off, once one of them asked.
#[derive(Default)]
struct Sums {
    totals: Option<[f64; 2 * SIZE - 1]>,
    margins: Option<[f64; 2 * SIZE - 1]>,
}

impl ScoreMatrix {
    /// Goals per side the grid tells apart, zero included.
    pub const SIZE: usize = SIZE;

    /// The grid of Dixon and Coles (1997): independent Poisson goals of the given intensities,
    /// the four lowest scores adjusted by `rho`, which is first held inside the bounds at which
    /// every cell stays positive.
    pub fn dixon_coles(intensities: [f64; 2], rho: f64) -> Self {
        let [home, away] = intensities.map(hold_intensity);
        let (home_goals, away_goals) = (poisson(home), poisson(away));
        let mut cells: Vec<f64> = home_goals
            .iter()
            .flat_map(|p| away_goals.iter().map(move |q| p * q))
            .collect();
        let rho = admissible_rho([home, away], rho);
        cells[0] *= 1.0 - home * away * rho;
        cells[1] *= 1.0 + home * rho;
        cells[SIZE] *= 1.0 + away * rho;
        cells[SIZE + 1] *= 1.0 - rho;
        let sum: f64 = cells.iter().sum();
        cells.iter_mut().for_each(|cell| *cell /= sum);
        Self { cells }
    }

    /// A grid of cells row by row, which must be [`ScoreMatrix::SIZE`] squared and add up to one.
    pub(crate) fn from_cells(cells: Vec<f64>) -> Self {
        debug_assert_eq!(cells.len(), SIZE * SIZE);
        Self { cells }
    }

    /// All of the probability on one score of the grid.
    pub(crate) fn certain([home, away]: [usize; 2]) -> Self {
        let mut cells = vec![0.0; SIZE * SIZE];
        cells[home * SIZE + away] = 1.0;
        Self { cells }
    }

    /// The probability of one score; zero beyond the grid.
    pub fn probability(&self, home: usize, away: usize) -> f64 {
        if home < SIZE && away < SIZE {
            self.cells[home * SIZE + away]
        } else {
            0.0
        }
    }

    /// Rows of the grid, one per number of home goals.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.cells.chunks_exact(SIZE)
    }

    /// Home win, draw, away win.
    pub fn h2h(&self) -> [f64; 3] {
        let mut sums = [0.0; 3];
        for (index, cell) in self.cells.iter().enumerate() {
            sums[region(index)] += cell;
        }
        sums
    }

    /// Expected goals of home and away.
    pub fn expected(&self) -> [f64; 2] {
        let mut sums = [0.0; 2];
        for (index, cell) in self.cells.iter().enumerate() {
            sums[0] += count(index / SIZE) * cell;
            sums[1] += count(index % SIZE) * cell;
        }
        sums
    }

    /// Outcomes of a market with the probabilities at which a price breaks even.
    pub fn market(&self, market: Market) -> Vec<OutcomeProbability> {
        self.priced(market, &mut Sums::default())
    }

    /// The same for several markets, which share what they are read off.
    pub fn markets(&self, markets: &[Market]) -> Vec<MarketPrediction> {
        let mut sums = Sums::default();
        let predict = |market: &Market| MarketPrediction {
            market: *market,
            outcomes: self.priced(*market, &mut sums),
        };
        markets.iter().map(predict).collect()
    }

    fn priced(&self, market: Market, sums: &mut Sums) -> Vec<OutcomeProbability> {
        match (market.kind(), market.line()) {
            (MarketKind::Totals, Some(line)) => {
                let totals = sums.totals.get_or_insert_with(|| self.totals());
                Settlement::above(line, 0, totals).outcomes(Outcome::Over, Outcome::Under)
            }
            (MarketKind::Spreads, Some(line)) => {
                let needed = Line::from_quarters(-line.quarters());
                let margins = sums.margins.get_or_insert_with(|| self.margins());
                let spread = Settlement::above(needed, 1 - offset(SIZE), margins);
                spread.outcomes(Outcome::Home, Outcome::Away)
            }
            (MarketKind::BothTeamsToScore, _) => self.both_teams_to_score(),
            (MarketKind::CorrectScore, _) => self.likeliest_scores(),
            _ => {
                let order = [Outcome::Home, Outcome::Draw, Outcome::Away];
                let pairs = order.into_iter().zip(self.h2h());
                pairs
                    .map(|(outcome, probability)| OutcomeProbability {
                        outcome,
                        probability,
                    })
                    .collect()
            }
        }
    }

    /// The same grid with home wins, draws and away wins each scaled so that they add up to
    /// `target`, which must be three probabilities; their shapes stay.
    pub fn tilted_to(&self, target: [f64; 3]) -> Self {
        let (sum, now) = (target.iter().sum::<f64>(), self.h2h());
        let scale: [f64; 3] = std::array::from_fn(|it| target[it] / sum / now[it]);
        let cells = self
            .cells
            .iter()
            .enumerate()
            .map(|(it, cell)| cell * scale[region(it)]);
        Self {
            cells: cells.collect(),
        }
    }

    /// Probabilities of the sum of goals, from none on.
    fn totals(&self) -> [f64; 2 * SIZE - 1] {
        let mut sums = [0.0; 2 * SIZE - 1];
        for (index, cell) in self.cells.iter().enumerate() {
            sums[index / SIZE + index % SIZE] += cell;
        }
        sums
    }

    /// Probabilities of home goals less away goals, from the largest defeat on.
    fn margins(&self) -> [f64; 2 * SIZE - 1] {
        let mut sums = [0.0; 2 * SIZE - 1];
        for (index, cell) in self.cells.iter().enumerate() {
            sums[index / SIZE + SIZE - 1 - index % SIZE] += cell;
        }
        sums
    }

    fn both_teams_to_score(&self) -> Vec<OutcomeProbability> {
        let scoring = |index: usize| index >= SIZE && !index.is_multiple_of(SIZE);
        let cells = self.cells.iter().enumerate();
        let yes: f64 = cells
            .filter(|(it, _)| scoring(*it))
            .map(|(_, cell)| cell)
            .sum();
        vec![
            OutcomeProbability {
                outcome: Outcome::Yes,
                probability: yes.min(1.0),
            },
            OutcomeProbability {
                outcome: Outcome::No,
                probability: (1.0 - yes).max(0.0),
            },
        ]
    }

    fn likeliest_scores(&self) -> Vec<OutcomeProbability> {
        let mut order: Vec<usize> = (0..self.cells.len()).collect();
        let likelier = |a: &usize, b: &usize| {
            let by_probability = self.cells[*b].total_cmp(&self.cells[*a]);
            by_probability.then(a.cmp(b))
        };
        order.select_nth_unstable_by(LIKELIEST_SCORES, likelier);
        order.truncate(LIKELIEST_SCORES);
        order.sort_by(likelier);
        let goals = |it: usize| u8::try_from(it).expect("the grid ends far below 256");
        order
            .into_iter()
            .map(|index| OutcomeProbability {
                outcome: Outcome::Exactly(goals(index / SIZE), goals(index % SIZE)),
                probability: self.cells[index],
            })
            .collect()
    }
}

/// Holds an intensity inside the bounds of the grid; what is no number becomes the lower bound.
fn hold_intensity(intensity: f64) -> f64 {
    intensity.max(*INTENSITY.start()).min(*INTENSITY.end())
}

/// The nearest value to `rho` that leaves every adjusted cell positive.
pub(crate) fn admissible_rho([home, away]: [f64; 2], rho: f64) -> f64 {
    const MARGIN: f64 = 1e-6;
    let lower = -1.0 / home.max(away).max(1.0) + MARGIN;
    let upper = 1.0_f64.min(1.0 / (home * away)) - MARGIN;
    rho.max(lower).min(upper)
}

/// Poisson probabilities of zero to `SIZE − 1`.
pub(crate) fn poisson(intensity: f64) -> [f64; SIZE] {
    let mut probabilities = [0.0; SIZE];
    let mut probability = (-intensity).exp();
    for (goals, slot) in probabilities.iter_mut().enumerate() {
        *slot = probability;
        probability *= intensity / count(goals + 1);
    }
    probabilities
}

/// 0 for a home win, 1 for a draw, 2 for an away win.
fn region(index: usize) -> usize {
    match (index / SIZE).cmp(&(index % SIZE)) {
        std::cmp::Ordering::Greater => 0,
        std::cmp::Ordering::Equal => 1,
        std::cmp::Ordering::Less => 2,
    }
}

fn count(goals: usize) -> f64 {
    f64::from(u8::try_from(goals).expect("the grid ends far below 256"))
}

fn offset(size: usize) -> i32 {
    i32::try_from(size).expect("the grid ends far below 256")
}

#[cfg(test)]
mod tests;
