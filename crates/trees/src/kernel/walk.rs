//! From the root to a leaf, for trees that are too big for bits: several trees in flight, so that
//! one waits while the others walk.

use super::Real;
use crate::quantise::{at_most, missing_code, missing_side, rounded};
use crate::{Aggregate, Categories, Ensemble, Node, Number, Precision, Test};

/// Trees in flight.
const FLIGHT: usize = 8;

/// An ensemble, flat.
#[derive(Debug)]
pub(crate) struct Walk {
    single: bool,
    aggregate: Aggregate,
    nodes: Vec<Flat>,
    /// First node and output of each tree.
    roots: Vec<(u32, u32)>,
    sets: Vec<Categories>,
}

/// A node; a leaf is its own child, with its value for a threshold.
#[derive(Debug, Clone, Copy)]
struct Flat {
    number: f64,
    feature: u32,
    /// Left and right.
    children: [u32; 2],
    kind: Kind,
    missing: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Leaf,
    AtMost,
    Never,
    Equal,
    Member(u32),
}

impl Walk {
    /// Flattens an ensemble whose trees are trees.
    pub(crate) fn new(ensemble: &Ensemble) -> Self {
        let single = ensemble.precision == Precision::Single;
        let count = ensemble.trees.iter().map(|tree| tree.nodes.len()).sum();
        let mut it = Self {
            single,
            aggregate: ensemble.aggregate,
            nodes: Vec::with_capacity(count),
            roots: Vec::with_capacity(ensemble.trees.len()),
            sets: Vec::new(),
        };
        for tree in &ensemble.trees {
            let first = u32::try_from(it.nodes.len()).expect("fewer nodes than fit memory");
            it.roots.push((first, tree.output));
            for (node, at) in tree.nodes.iter().zip(first..) {
                let flat = it.flat(node, first, at);
                it.nodes.push(flat);
            }
        }
        it
    }

    fn flat(&mut self, node: &Node, first: u32, at: u32) -> Flat {
        let split = match node {
            Node::Leaf { value, .. } => {
                return Flat {
                    number: *value,
                    feature: 0,
                    children: [at, at],
                    kind: Kind::Leaf,
                    missing: 0,
                };
            }
            Node::Split(split) => split,
        };
        let limit = at_most(&split.test, self.single);
        let (kind, number) = match (&split.test, limit) {
            (_, Some(limit)) => (Kind::AtMost, limit),
            (Test::Equal(value), _) => (Kind::Equal, rounded(self.single, *value)),
            (Test::Member(set), _) => {
                self.sets.push(set.clone());
                let last = u32::try_from(self.sets.len() - 1).expect("fewer than nodes");
                (Kind::Member(last), 0.0)
            }
            (Test::AtMost(_) | Test::Below(_), None) => (Kind::Never, 0.0),
        };
        Flat {
            number,
            feature: split.feature,
            children: [first + split.left, first + split.right],
            kind,
            missing: missing_code(split.missing),
        }
    }

    /// Bytes on the heap.
    pub(crate) fn size_bytes(&self) -> usize {
        let words: usize = self.sets.iter().map(|set| 8 * set.words.capacity()).sum();
        self.nodes.capacity() * size_of::<Flat>()
            + self.roots.capacity() * size_of::<(u32, u32)>()
            + self.sets.capacity() * size_of::<Categories>()
            + words
    }

    /// Scores one row; sums begin with `start`.
    pub(crate) fn score<T: Number, R: Real>(&self, row: &[T], start: &[f64], out: &mut [f64]) {
        out.copy_from_slice(start);
        if matches!(self.aggregate, Aggregate::Min | Aggregate::Max) {
            return self.extremes::<T, R>(row, out);
        }
        for trees in self.roots.chunks(FLIGHT) {
            let leaves = self.leaves(row, trees);
            for ((_, output), leaf) in trees.iter().zip(leaves) {
                let sum = &mut out[*output as usize];
                *sum = R::of(*sum).plus(R::of(leaf)).wide();
            }
        }
    }

    fn extremes<T: Number, R: Real>(&self, row: &[T], out: &mut [f64]) {
        let mut held = vec![None; out.len()];
        for trees in self.roots.chunks(FLIGHT) {
            let leaves = self.leaves(row, trees);
            for ((_, output), leaf) in trees.iter().zip(leaves) {
                let held = &mut held[*output as usize];
                let leaf = R::of(leaf).wide();
                *held = Some(match *held {
                    Some(before) if self.aggregate == Aggregate::Min => leaf.min(before),
                    Some(before) => leaf.max(before),
                    None => leaf,
                });
            }
        }
        for (out, held) in out.iter_mut().zip(held) {
            *out = R::of(*out).plus(R::of(held.unwrap_or(0.0))).wide();
        }
    }

    /// Where a row comes to rest in up to as many trees as are in flight.
    fn leaves<T: Number>(&self, row: &[T], trees: &[(u32, u32)]) -> [f64; FLIGHT] {
        let mut at = [0; FLIGHT];
        for (at, (root, _)) in at.iter_mut().zip(trees) {
            *at = *root;
        }
        let flight = &mut at[..trees.len()];
        loop {
            let mut moved = false;
            for at in &mut *flight {
                let node = &self.nodes[*at as usize];
                let next = node.children[usize::from(self.right(node, row))];
                moved |= next != *at;
                *at = next;
            }
            if !moved {
                break;
            }
        }
        let mut leaves = [0.0; FLIGHT];
        for (leaf, at) in leaves.iter_mut().zip(flight) {
            *leaf = self.nodes[*at as usize].number;
        }
        leaves
    }

    #[inline(always)]
    fn right<T: Number>(&self, node: &Flat, row: &[T]) -> bool {
        if node.kind == Kind::Leaf {
            return false;
        }
        let value = rounded(self.single, row[node.feature as usize].wide());
        if let Some(left) = missing_side(node.missing, value) {
            return !left;
        }
        let value = if value.is_nan() { 0.0 } else { value };
        match node.kind {
            Kind::Leaf => false,
            Kind::AtMost => value > node.number,
            Kind::Never => true,
            Kind::Equal => value != node.number,
            Kind::Member(set) => !self.sets[set as usize].has(value),
        }
    }
}
