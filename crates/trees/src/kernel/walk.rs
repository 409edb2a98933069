//! From the root to a leaf, for trees that are too big to be scanned. A node takes sixteen bytes and
//! its children lie side by side; several walks are in flight, so that one waits for memory while
//! the others go on: of a row through several trees, of a block of rows through one tree after
//! the other, which then stays in the cache.

use super::Real;
use crate::quantise::{at_most, missing_code, missing_side, rounded};
use crate::{Aggregate, Categories, Ensemble, Node, Number, Precision, Rows, Split, Test, Tree};

/// Walks in flight.
const FLIGHT: usize = 8;
/// Rows that go through a tree together.
const BLOCK: usize = 64;

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

/// A node.
#[derive(Debug, Clone, Copy)]
struct Flat {
    /// A threshold, a value, the number of a set.
    number: f64,
    /// Left; right comes after it. A leaf is its own left.
    child: u32,
    /// The feature, and below it what is asked and what counts as missing.
    asked: u32,
}

const LEAF: u32 = 0;
const AT_MOST: u32 = 1;
const NEVER: u32 = 2;
const EQUAL: u32 = 3;
const MEMBER: u32 = 4;
/// Bits of what is asked, and of it with the rule for what is missing.
const KIND_BITS: u32 = 3;
const CODE_BITS: u32 = 6;

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
            it.roots.push((it.next(), tree.output));
            it.add(tree);
        }
        it
    }

    fn next(&self) -> u32 {
        u32::try_from(self.nodes.len()).expect("fewer nodes than fit memory")
    }

    /// Lays out a tree level by level.
    fn add(&mut self, tree: &Tree) {
        let first = self.nodes.len();
        let mut order = vec![0_u32];
        let mut at = 0;
        while let Some(index) = order.get(at) {
            let node = match &tree.nodes[*index as usize] {
                Node::Leaf { value, .. } => Flat {
                    number: *value,
                    child: self.next(),
                    asked: LEAF,
                },
                Node::Split(split) => {
                    let child = u32::try_from(first + order.len());
                    order.extend([split.left, split.right]);
                    self.flat(split, child.expect("fewer nodes than fit memory"))
                }
            };
            self.nodes.push(node);
            at += 1;
        }
    }

    fn flat(&mut self, split: &Split, child: u32) -> Flat {
        let limit = at_most(&split.test, self.single);
        let (kind, number) = match (&split.test, limit) {
            (_, Some(limit)) => (AT_MOST, limit),
            (Test::Equal(value), _) => (EQUAL, rounded(self.single, *value)),
            (Test::Member(set), _) => {
                self.sets.push(set.clone());
                (MEMBER, (self.sets.len() - 1) as f64)
            }
            (Test::AtMost(_) | Test::Below(_), None) => (NEVER, 0.0),
        };
        let missing = u32::from(missing_code(split.missing)) << KIND_BITS;
        assert!(
            split.feature >> (u32::BITS - CODE_BITS) == 0,
            "fewer features than fit memory"
        );
        Flat {
            number,
            child,
            asked: split.feature << CODE_BITS | missing | kind,
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

    /// Scores rows, one after the other; sums begin with `start`.
    pub(crate) fn score<T: Number, R: Real>(
        &self,
        rows: &Rows<'_, T>,
        start: &[f64],
        out: &mut [f64],
    ) {
        let outputs = start.len();
        for row in out.chunks_exact_mut(outputs) {
            row.copy_from_slice(start);
        }
        let is_sum = matches!(self.aggregate, Aggregate::Sum | Aggregate::Mean(_));
        if is_sum && rows.count() >= FLIGHT {
            for (out, block) in out.chunks_mut(BLOCK * outputs).zip(0..) {
                self.block::<T, R>(rows, block * BLOCK, outputs, out);
            }
            return;
        }
        for (out, row) in out.chunks_exact_mut(outputs).zip(0..) {
            match is_sum {
                true => self.row::<T, R>(rows.row(row), out),
                false => self.extremes::<T, R>(rows.row(row), out),
            }
        }
    }

    fn row<T: Number, R: Real>(&self, row: &[T], out: &mut [f64]) {
        for trees in self.roots.chunks(FLIGHT) {
            let leaves = self.leaves(row, trees);
            for ((_, output), leaf) in trees.iter().zip(leaves) {
                let sum = &mut out[*output as usize];
                *sum = R::of(*sum).plus(R::of(leaf)).wide();
            }
        }
    }

    /// One tree after the other, for all rows of a block.
    fn block<T: Number, R: Real>(
        &self,
        rows: &Rows<'_, T>,
        first: usize,
        outputs: usize,
        out: &mut [f64],
    ) {
        for (root, output) in &self.roots {
            let starts = (first..).step_by(FLIGHT);
            for (out, start) in out.chunks_mut(FLIGHT * outputs).zip(starts) {
                let count = out.len() / outputs;
                let mut flight: [&[T]; FLIGHT] = [&[]; FLIGHT];
                for (row, at) in flight[..count].iter_mut().zip(start..) {
                    *row = rows.row(at);
                }
                let mut at = [*root; FLIGHT];
                self.walk(&flight[..count], &mut at[..count]);
                for (out, at) in out.chunks_exact_mut(outputs).zip(at) {
                    let sum = &mut out[*output as usize];
                    let leaf = R::of(self.nodes[at as usize].number);
                    *sum = R::of(*sum).plus(leaf).wide();
                }
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
        self.walk(&[row; FLIGHT][..trees.len()], &mut at[..trees.len()]);
        let mut leaves = [0.0; FLIGHT];
        for (leaf, at) in leaves.iter_mut().zip(&at[..trees.len()]) {
            *leaf = self.nodes[*at as usize].number;
        }
        leaves
    }

    /// Walks each row on from where it is until all have come to rest.
    #[inline(always)]
    fn walk<T: Number>(&self, rows: &[&[T]], at: &mut [u32]) {
        loop {
            let mut moved = false;
            for (at, row) in at.iter_mut().zip(rows) {
                let node = &self.nodes[*at as usize];
                let next = node.child + u32::from(self.right(node, row));
                moved |= next != *at;
                *at = next;
            }
            if !moved {
                break;
            }
        }
    }

    #[inline(always)]
    fn right<T: Number>(&self, node: &Flat, row: &[T]) -> bool {
        let kind = node.asked % (1 << KIND_BITS);
        if kind == LEAF {
            return false;
        }
        let missing = (node.asked >> KIND_BITS) as u8 % (1 << (CODE_BITS - KIND_BITS));
        let value = rounded(self.single, row[(node.asked >> CODE_BITS) as usize].wide());
        if kind == AT_MOST && missing <= 2 {
            // Without a jump; the side of what is missing is a bit of its code.
            let is_missing = value.is_nan() & (missing != 0);
            let number = if value.is_nan() { 0.0 } else { value };
            return (is_missing & (missing == 2)) | (!is_missing & (number > node.number));
        }
        if let Some(left) = missing_side(missing, value) {
            return !left;
        }
        let value = if value.is_nan() { 0.0 } else { value };
        match kind {
            AT_MOST => value > node.number,
            EQUAL => value != node.number,
            MEMBER => !self.sets[node.number as usize].has(value),
            _ => true,
        }
    }
}
