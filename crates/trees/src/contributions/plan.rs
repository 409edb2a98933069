//! A tree as an explanation goes through it: its forks, each with what the training rows did there.

use std::collections::HashMap;

use crate::{Node, Precision, ShapeError, Split, Tree};

use super::rule::Rule;

/// Stands for no fork.
pub(super) const NONE: u32 = u32::MAX;
/// Different features asked on one path; time per node grows with them.
const FEATURES_MAX: usize = 1024;

/// A tree, ready to be explained.
#[derive(Debug)]
pub(super) struct Plan {
    /// Which output it adds to.
    pub(super) output: usize,
    pub(super) precision: Precision,
    /// Parents before their children.
    pub(super) forks: Vec<Fork>,
    pub(super) leaves: Vec<f64>,
    /// Its average over training rows.
    pub(super) expected: f64,
    /// Points that make the integral exact on its longest path.
    pub(super) rule: Rule,
}

/// A split.
#[derive(Debug)]
pub(super) struct Fork {
    /// What is asked; its children are named as in the tree that was read.
    pub(super) split: Split,
    /// The children for yes and no.
    pub(super) children: [Child; 2],
    /// The share of its training rows that went to each.
    pub(super) shares: [f64; 2],
    /// The nearest fork above that asks the same feature, and which of its children leads here.
    pub(super) above: (u32, Side),
    /// The share of training rows that pass all forks above that ask the same feature.
    pub(super) passing: f64,
}

/// A place among the children of a fork: 0 for yes, 1 for no.
pub(super) type Side = u8;

/// A child of a fork.
#[derive(Debug, Clone, Copy)]
pub(super) enum Child {
    Fork(u32),
    Leaf(u32),
}

/// How a node is come to.
#[derive(Debug, Clone, Copy)]
struct Way {
    node: u32,
    /// The fork above, and which of its children the node is.
    parent: (u32, Side),
    /// The share of training rows that come by.
    reach: f64,
    /// Different features asked before.
    features: usize,
}

/// A step through a tree.
enum Step {
    Enter(Way),
    /// Both sides of a fork are done; what was known of its feature before.
    Leave(u32, Option<(u32, Side)>),
}

impl Plan {
    pub(super) fn new(tree: &Tree, precision: Precision) -> Result<Self, ShapeError> {
        let counted = |it: &Node| cover(it).is_finite() && cover(it) >= 0.0;
        if tree.nodes.len() > 1 && !tree.nodes.iter().all(counted) {
            return Err(ShapeError::NoCover);
        }
        let mut it = Self {
            output: tree.output as usize,
            precision,
            forks: Vec::with_capacity(tree.nodes.len() / 2),
            leaves: Vec::with_capacity(tree.nodes.len() / 2 + 1),
            expected: 0.0,
            rule: Rule::exact_for(0),
        };
        let most = it.grow(tree);
        if most > FEATURES_MAX {
            return Err(ShapeError::Deep {
                given: most,
                bound: FEATURES_MAX,
            });
        }
        it.rule = Rule::exact_for(most.saturating_sub(1));
        Ok(it)
    }

    /// Goes through a tree from its root; tells how many features its longest path asks.
    fn grow(&mut self, tree: &Tree) -> usize {
        let mut asked: HashMap<u32, (u32, Side)> = HashMap::new();
        let mut most = 0;
        let mut ahead = vec![Step::Enter(Way {
            node: 0,
            parent: (NONE, 0),
            reach: 1.0,
            features: 0,
        })];
        while let Some(step) = ahead.pop() {
            let way = match step {
                Step::Leave(feature, Some(before)) => {
                    asked.insert(feature, before);
                    continue;
                }
                Step::Leave(feature, None) => {
                    asked.remove(&feature);
                    continue;
                }
                Step::Enter(way) => way,
            };
            if let Some(parent) = self.forks.get(way.parent.0 as usize) {
                asked.insert(parent.split.feature, way.parent);
            }
            match &tree.nodes[way.node as usize] {
                Node::Leaf { value, .. } => self.leaf(self.precision.rounded(*value), way),
                Node::Split(split) => {
                    let before = asked.get(&split.feature).copied();
                    let ways = self.fork(tree, split, before, way);
                    most = most.max(ways[0].features);
                    ahead.push(Step::Leave(split.feature, before));
                    ahead.extend(ways.into_iter().rev().map(Step::Enter));
                }
            }
        }
        most
    }

    fn leaf(&mut self, value: f64, way: Way) {
        self.expected += way.reach * value;
        self.adopt(way, Child::Leaf(index(self.leaves.len())));
        self.leaves.push(value);
    }

    /// Takes a split; tells how its children are come to.
    fn fork(
        &mut self,
        tree: &Tree,
        split: &Split,
        above: Option<(u32, Side)>,
        way: Way,
    ) -> [Way; 2] {
        let at = index(self.forks.len());
        self.adopt(way, Child::Fork(at));
        let nodes = [split.left, split.right];
        let shares = nodes.map(|it| share(cover(&tree.nodes[it as usize]), split.cover));
        let passing = above.map_or(1.0, |(fork, side)| {
            let fork = &self.forks[fork as usize];
            fork.passing * fork.shares[usize::from(side)]
        });
        self.forks.push(Fork {
            split: split.clone(),
            children: [Child::Leaf(0); 2],
            shares,
            above: above.unwrap_or((NONE, 0)),
            passing,
        });
        [0, 1].map(|side: Side| Way {
            node: nodes[usize::from(side)],
            parent: (at, side),
            reach: way.reach * shares[usize::from(side)],
            features: way.features + usize::from(above.is_none()),
        })
    }

    fn adopt(&mut self, way: Way, child: Child) {
        let (parent, side) = way.parent;
        if let Some(parent) = self.forks.get_mut(parent as usize) {
            parent.children[usize::from(side)] = child;
        }
    }

    pub(super) fn size_bytes(&self) -> usize {
        let sets: usize = self
            .forks
            .iter()
            .map(|it| match &it.split.test {
                crate::Test::Member(set) => set.words.capacity() * size_of::<u64>(),
                _ => 0,
            })
            .sum();
        size_of::<Self>()
            + sets
            + self.forks.capacity() * size_of::<Fork>()
            + self.leaves.capacity() * size_of::<f64>()
            + self.rule.size_bytes()
    }
}

fn cover(node: &Node) -> f64 {
    match node {
        Node::Leaf { cover, .. } => *cover,
        Node::Split(split) => split.cover,
    }
}

/// Nothing where no training row came by: then nothing depends on it either.
fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

fn index(it: usize) -> u32 {
    u32::try_from(it).expect("nodes are counted in 32 bits")
}
