//! Leaves added up in the order of the trees. Each addition waits for the one before, so those of
//! one row are done while the questions of the next trees are asked.

use super::super::tables::{Group, Run};
use super::super::{Real, Vector, WIDTH};
use super::take;

/// Which output the next trees add to.
pub(super) struct Sums<'a> {
    runs: &'a [Run],
    left: usize,
}

/// Leaves of up to two groups that one row came to rest in, not all added up yet.
pub(super) struct Due<'a, R: Real> {
    at: [[u8; WIDTH]; 2],
    leaves: &'a [R::Bytes],
    width: usize,
    done: usize,
    count: usize,
    total: R,
    output: usize,
}

impl<R: Real> Default for Due<'_, R> {
    /// Nothing.
    fn default() -> Self {
        Self {
            at: [[0; WIDTH]; 2],
            leaves: &[],
            width: 1,
            done: 0,
            count: 0,
            total: R::of(0.0),
            output: 0,
        }
    }
}

impl<R: Real> Due<'_, R> {
    /// How many to add at each of so many steps.
    #[inline(always)]
    pub(super) fn part(&self, steps: usize) -> usize {
        (self.count - self.done).div_ceil(steps.max(1))
    }

    /// Adds the next leaves.
    #[inline(always)]
    pub(super) fn add<V: Vector>(&mut self, part: usize) {
        let end = self.count.min(self.done + part);
        let at = &self.at.as_flattened()[self.done..end];
        let leaves = take(&mut self.leaves, at.len() * self.width);
        self.total = V::sum::<R>(at, leaves, self.width, self.total);
        self.done = end;
    }

    /// Adds what is left, and gives the sum to its output.
    #[inline(always)]
    pub(super) fn end<V: Vector>(&mut self, out: &mut [f64]) {
        if self.count > 0 {
            self.add::<V>(self.count);
            out[self.output] = self.total.wide();
            self.count = 0;
            self.done = 0;
        }
    }
}

impl<'a> Sums<'a> {
    pub(super) fn new(runs: &'a [Run]) -> Self {
        let left = runs.first().map_or(0, |it| it.trees as usize);
        Self { runs, left }
    }

    /// Ends what was due, then makes the leaves of the groups due; where they are not alike, there
    /// are more rows than one, or registers are too few for both, adds them up.
    #[inline(always)]
    pub(super) fn after<V: Vector, R: Real, const K: usize>(
        &mut self,
        groups: &[Group],
        at: &[[V; K]],
        leaves: &mut &'a [R::Bytes],
        (out, due): (&mut [f64], &mut Due<'a, R>),
    ) {
        if K == 1 && V::GROUPS > 1 {
            due.end::<V>(out);
        }
        let lanes = groups.iter().map(|it| usize::from(it.lanes)).sum();
        let width = groups[0].width;
        let (_, whole) = groups.split_last().expect("one group at least");
        let alike = groups.iter().all(|it| it.width == width)
            && whole.iter().all(|it| usize::from(it.lanes) == WIDTH);
        if K > 1 || V::GROUPS == 1 || !alike || self.ready() < lanes {
            for (group, at) in groups.iter().zip(at) {
                self.add::<V, R, K>(group, *at, leaves, out);
            }
            return;
        }
        self.left -= lanes;
        let output = self.runs[0].output as usize;
        for (to, at) in due.at.iter_mut().zip(at) {
            *to = at[0].store();
        }
        due.leaves = take(leaves, lanes * usize::from(width));
        (due.width, due.count) = (usize::from(width), lanes);
        (due.total, due.output) = (R::of(out[output]), output);
    }

    /// Trees that still add to the output at hand.
    #[inline(always)]
    fn ready(&mut self) -> usize {
        if self.left == 0 {
            self.runs = &self.runs[1..];
            self.left = self.runs[0].trees as usize;
        }
        self.left
    }

    /// Adds up the leaves of a group, one tree after the other.
    #[inline(always)]
    fn add<V: Vector, R: Real, const K: usize>(
        &mut self,
        group: &Group,
        at: [V; K],
        leaves: &mut &[R::Bytes],
        out: &mut [f64],
    ) {
        let (lanes, width) = (usize::from(group.lanes), usize::from(group.width));
        let (outputs, at, mut from) = (out.len() / K, at.map(V::store), 0);
        while from < lanes {
            let count = self.ready().min(lanes - from);
            self.left -= count;
            let output = self.runs[0].output as usize;
            let held = take(leaves, count * width);
            if K == 1 {
                let at = &at[0][from..from + count];
                out[output] = V::sum::<R>(at, held, width, R::of(out[output])).wide();
            } else {
                // Row beside row, as a sum waits for the one before it.
                let mut totals: [R; K] =
                    std::array::from_fn(|row| R::of(out[row * outputs + output]));
                for (tree, lane) in held.chunks_exact(width).zip(from..) {
                    for (total, at) in totals.iter_mut().zip(&at) {
                        *total = total.plus(R::read(&tree[usize::from(at[lane])]));
                    }
                }
                for (row, total) in totals.into_iter().enumerate() {
                    out[row * outputs + output] = total.wide();
                }
            }
            from += count;
        }
    }
}
