//! Grows one tree: always the leaf that gains most is parted next.

use std::ops::Range;

use trees::{Missing, Node, Side, Split, Test};

use super::BoostSettings;
use super::bins::Bins;
use super::histogram::{Histogram, Parting, Slope, Sums};

/// What a tree is grown from.
pub(super) struct Grower<'a> {
    pub(super) bins: &'a Bins,
    pub(super) settings: &'a BoostSettings,
    /// One per row.
    pub(super) slopes: &'a [Slope],
    /// Which features may be asked about, in order.
    pub(super) features: &'a [usize],
}

/// A tree that asks about bins; children stand after their parent.
#[derive(Debug)]
pub(super) struct Grown {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Leaf {
        value: f64,
        rows: u32,
    },
    Split {
        feature: usize,
        bin: usize,
        missing_left: bool,
        children: [usize; 2],
        rows: u32,
    },
}

/// Where a leaf is.
struct Place {
    /// Among the steps.
    step: usize,
    /// Its rows, as a range of the order.
    rows: Range<usize>,
    sums: Sums,
}

/// A leaf that may be parted.
struct Leaf {
    place: Place,
    histogram: Option<Histogram>,
    parting: Option<Parting>,
}

impl Grower<'_> {
    /// Grows a tree on these rows.
    pub(super) fn grow(&self, mut order: Vec<u32>) -> Grown {
        let mut sums = Sums::default();
        for row in &order {
            sums.add(self.slopes[*row as usize]);
        }
        let mut steps = vec![self.leaf_step(sums)];
        let root = Place {
            step: 0,
            rows: 0..order.len(),
            sums,
        };
        let mut leaves = vec![self.leaf(root, &order, None)];
        while leaves.len() < self.settings.leaves_max {
            let Some(next) = most_gaining(&leaves) else {
                break;
            };
            let leaf = leaves.swap_remove(next);
            leaves.extend(self.part(leaf, &mut order, &mut steps));
            // The order of leaves must not depend on which were parted when.
            leaves.sort_by_key(|it| it.place.step);
        }
        Grown { steps }
    }

    fn leaf(&self, place: Place, order: &[u32], known: Option<Histogram>) -> Leaf {
        // A leaf too small to be parted needs no sums.
        let worth = place.sums.rows >= 2 * self.settings.rows_min.max(1);
        let rows = &order[place.rows.clone()];
        let histogram = worth.then(|| {
            known.unwrap_or_else(|| Histogram::new(self.bins, self.features, rows, self.slopes))
        });
        let parting = histogram
            .as_ref()
            .and_then(|it| it.best(self.bins, self.features, place.sums, self.settings));
        Leaf {
            place,
            histogram,
            parting,
        }
    }

    /// Parts a leaf: the smaller child's sums are added up, the larger's are what is left.
    fn part(&self, leaf: Leaf, order: &mut [u32], steps: &mut Vec<Step>) -> [Leaf; 2] {
        let parting = leaf.parting.expect("only leaves with a split are parted");
        let column = &self.bins.columns()[parting.feature];
        let missing = column.value_bins();
        let goes_left = |row: u32| {
            let bin = column.bins[row as usize] as usize;
            if bin == missing {
                parting.missing_left
            } else {
                bin <= parting.bin
            }
        };
        let Place {
            step,
            rows: range,
            sums: whole,
        } = leaf.place;
        let rows = &mut order[range.clone()];
        let (left, right): (Vec<u32>, Vec<u32>) = rows.iter().partition(|it| goes_left(**it));
        rows[..left.len()].copy_from_slice(&left);
        rows[left.len()..].copy_from_slice(&right);
        let middle = range.start + left.len();
        let sides = [range.start..middle, middle..range.end];
        let sums = [parting.left, parting.right];
        let first = steps.len();
        steps.extend(sums.map(|it| self.leaf_step(it)));
        steps[step] = Step::Split {
            feature: parting.feature,
            bin: parting.bin,
            missing_left: parting.missing_left,
            children: [first, first + 1],
            rows: whole.rows,
        };
        let smaller = usize::from(sides[0].len() > sides[1].len());
        let place = |side: usize| Place {
            step: first + side,
            rows: sides[side].clone(),
            sums: sums[side],
        };
        let parent = leaf.histogram.expect("what was parted has sums");
        let small = self.leaf(place(smaller), order, None);
        let rest = small.histogram.as_ref().map(|it| parent.less(it));
        let large = self.leaf(place(1 - smaller), order, rest);
        [small, large]
    }

    fn leaf_step(&self, sums: Sums) -> Step {
        let weight = sums.second + self.settings.l2;
        let value = if weight > 0.0 {
            -self.settings.learning_rate * sums.first / weight
        } else {
            0.0
        };
        Step::Leaf {
            value,
            rows: sums.rows,
        }
    }
}

/// The leaf whose split gains most; of equals the first.
fn most_gaining(leaves: &[Leaf]) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (index, leaf) in leaves.iter().enumerate() {
        if let Some(parting) = &leaf.parting
            && best.is_none_or(|it| parting.gain > it.1)
        {
            best = Some((index, parting.gain));
        }
    }
    best.map(|it| it.0)
}

impl Grown {
    /// The value of the leaf in which a row that was put into bins comes to rest.
    pub(super) fn value(&self, bins: &Bins, row: usize) -> f64 {
        let mut at = 0;
        loop {
            match self.steps[at] {
                Step::Leaf { value, .. } => return value,
                Step::Split {
                    feature,
                    bin,
                    missing_left,
                    children,
                    ..
                } => {
                    let column = &bins.columns()[feature];
                    let here = column.bins[row] as usize;
                    let left = if here == column.value_bins() {
                        missing_left
                    } else {
                        here <= bin
                    };
                    at = children[usize::from(!left)];
                }
            }
        }
    }

    /// The tree with thresholds in the place of bins.
    pub(super) fn nodes(&self, bins: &Bins) -> Vec<Node> {
        let index = |it: usize| u32::try_from(it).expect("a tree has few nodes");
        let node = |step: &Step| match *step {
            Step::Leaf { value, rows } => Node::Leaf {
                value,
                cover: f64::from(rows),
            },
            Step::Split {
                feature,
                bin,
                missing_left,
                children,
                rows,
            } => Node::Split(Split {
                feature: index(feature),
                test: Test::AtMost(bins.columns()[feature].threshold(bin)),
                missing: Missing::Nan(if missing_left {
                    Side::Left
                } else {
                    Side::Right
                }),
                left: index(children[0]),
                right: index(children[1]),
                cover: f64::from(rows),
            }),
        };
        self.steps.iter().map(node).collect()
    }
}
