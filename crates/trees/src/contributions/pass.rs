//! One row through one tree: down with what may lead to a fork, up with what may come of it.

use super::plan::{Child, Fork, NONE, Plan};
use super::rule::LANES;

/// A number for each of several points.
type Lanes = [f64; LANES];

/// What a fork is to the row at hand.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    /// Which child the row goes to.
    hot: u8,
    /// Whether the row passes all forks above that ask the same feature.
    passes: bool,
}

/// What a pass knows of a fork, at each point.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// The weight of the point times the factors of all features on the way here; on the way up,
    /// without the fork's own.
    reach: Lanes,
    /// What each child's factor is to the fork's own.
    factors: [Lanes; 2],
    /// What is to be expected of the fork.
    value: Lanes,
}

/// Room that one row's passes share.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    found: Vec<Found>,
    states: Vec<State>,
}

impl Plan {
    /// Adds this tree's contributions to the sums of features.
    pub(super) fn add(&self, row: &[f64], scratch: &mut Scratch, sums: &mut [f64]) {
        scratch.found.clear();
        for fork in &self.forks {
            let next = fork
                .split
                .next(row[fork.split.feature as usize], self.precision);
            let (above, side) = fork.above;
            let above = scratch.found.get(above as usize);
            scratch.found.push(Found {
                hot: u8::from(next != fork.split.left),
                passes: above.is_none_or(|it| it.passes && it.hot == side),
            });
        }
        if scratch.states.len() < self.forks.len() {
            scratch.states.resize(self.forks.len(), State::default());
        }
        let states = &mut scratch.states[..self.forks.len()];
        for (points, weights) in self.rule.groups.iter() {
            states[0].reach = *weights;
            self.down(points, &scratch.found, states);
            self.up(&scratch.found, states, sums);
        }
    }

    fn down(&self, points: &Lanes, found: &[Found], states: &mut [State]) {
        for (at, (fork, found)) in self.forks.iter().zip(found).enumerate() {
            let reach = states[at].reach;
            let (factors, own) = factors(fork, *found, points);
            for (child, factor) in fork.children.iter().zip(&factors) {
                if let Child::Fork(child) = child {
                    states[*child as usize].reach = each(|it| reach[it] * factor[it]);
                }
            }
            states[at].factors = factors;
            states[at].reach = each(|it| reach[it] * own[it] * own[it]);
        }
    }

    fn up(&self, found: &[Found], states: &mut [State], sums: &mut [f64]) {
        for (at, (fork, found)) in self.forks.iter().zip(found).enumerate().rev() {
            let values = fork.children.map(|child| match child {
                Child::Fork(child) => states[child as usize].value,
                Child::Leaf(leaf) => [self.leaves[leaf as usize]; LANES],
            });
            let State { reach, factors, .. } = states[at];
            states[at].value =
                each(|it| factors[0][it] * values[0][it] + factors[1][it] * values[1][it]);
            if found.passes {
                let hot = usize::from(found.hot);
                let (to_hot, to_cold) = (1.0 - fork.shares[hot], fork.shares[1 - hot]);
                let moved: Lanes = each(|it| {
                    reach[it] * (to_hot * values[hot][it] - to_cold * values[1 - hot][it])
                });
                sums[fork.split.feature as usize] +=
                    fork.passing * ((moved[0] + moved[1]) + (moved[2] + moved[3]));
            }
        }
    }
}

/// What each child's factor is to the fork's own, and what that is to one.
///
/// A feature's factor, where a share `z` of training rows passes all its forks so far, is
/// `z + t (1 - z)` if the row passes them, too, else `z (1 - t)`.
fn factors(fork: &Fork, found: Found, points: &Lanes) -> ([Lanes; 2], Lanes) {
    if !found.passes {
        return (fork.shares.map(|it| [it; LANES]), [1.0; LANES]);
    }
    let passing = fork.passing;
    let own = if fork.above.0 == NONE {
        [1.0; LANES]
    } else {
        each(|it| 1.0 / (passing + points[it] * (1.0 - passing)))
    };
    let hot = usize::from(found.hot);
    let [to_hot, to_cold] = [hot, 1 - hot].map(|it| passing * fork.shares[it]);
    let mut factors = [[0.0; LANES]; 2];
    factors[hot] = each(|it| (to_hot + points[it] * (1.0 - to_hot)) * own[it]);
    factors[1 - hot] = each(|it| to_cold * (1.0 - points[it]) * own[it]);
    (factors, own)
}

fn each(number: impl Fn(usize) -> f64) -> Lanes {
    std::array::from_fn(number)
}
