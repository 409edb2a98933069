//! One row: 64 trees side by side, a question of each at once.

use super::tables::{Group, Job, Lookup, Run, Slot};
use super::{NEAR, Real, Vector, WIDTH};
use crate::Number;

/// Questions of a tree at most.
const SLOTS: usize = super::compile::LEAVES_MAX;

/// Scores one row.
#[inline(always)]
pub(crate) fn score<V: Vector, T: Number, R: Real>(job: &Job<'_>, row: &[T], out: &mut [f64]) {
    let width = job.quantiser.width();
    let room = job.quantiser.room();
    let (mut few, mut all) = ([0; 2 * NEAR], Vec::new());
    let ranks = match few.get_mut(..room) {
        Some(few) => few,
        None => {
            all.resize(room, 0);
            &mut all
        }
    };
    V::quantise(job.quantiser, row, ranks);
    match width {
        0..=32 => groups::<V, R, 32>(job, ranks, out),
        33..=64 => groups::<V, R, 64>(job, ranks, out),
        _ => groups::<V, R, NEAR>(job, ranks, out),
    }
}

#[inline(always)]
fn groups<V: Vector, R: Real, const N: usize>(job: &Job<'_>, ranks: &[u8], out: &mut [f64]) {
    out.copy_from_slice(job.start);
    let tables = job.tables;
    let mut near = [0; NEAR];
    let count = ranks.len().min(NEAR);
    near[..count].copy_from_slice(&ranks[..count]);
    let mut table = V::table(&near);
    let mut rest = Rest {
        slots: job.slots,
        leaves: R::leaves(job.leaves),
        lookups: &tables.lookups,
        no: job.no,
        ranks,
    };
    let mut columns = tables.columns.as_slice();
    let mut sums = Sums::new(&tables.runs);
    let in_flight = if tables.columns.is_empty() {
        V::GROUPS
    } else {
        1
    };
    let mut groups = tables.groups.as_slice();
    while let Some((first, _)) = groups.split_first() {
        let mine = take(&mut columns, usize::from(first.columns));
        if !mine.is_empty() {
            for (near, column) in near.iter_mut().zip(mine) {
                *near = ranks[usize::from(*column)];
            }
            table = V::table(&near);
        }
        match groups.split_first_chunk::<2>() {
            Some((two, others)) if in_flight == 2 => {
                let at = rest.scan::<V, N, 2>(&table, two);
                sums.add::<V, R, 2>(two, at, &mut rest.leaves, out);
                groups = others;
            }
            _ => {
                let one = [*first];
                let at = rest.scan::<V, N, 1>(&table, &one);
                sums.add::<V, R, 1>(&one, at, &mut rest.leaves, out);
                groups = &groups[1..];
            }
        }
    }
}

/// What is left of the tables.
struct Rest<'a, L> {
    slots: &'a [Slot],
    leaves: &'a [L],
    lookups: &'a [Lookup],
    no: &'a [[u8; 8]],
    ranks: &'a [u8],
}

#[inline(always)]
fn take<'a, T>(from: &mut &'a [T], count: usize) -> &'a [T] {
    let (taken, rest) = from.split_at(count);
    *from = rest;
    taken
}

impl<L> Rest<'_, L> {
    /// Where the row comes to rest in each tree of the next groups.
    #[inline(always)]
    fn scan<V: Vector, const N: usize, const G: usize>(
        &mut self,
        table: &V::Table,
        groups: &[Group; G],
    ) -> [V; G] {
        let mut slots: [&[Slot]; G] = [&[]; G];
        for (slots, group) in slots.iter_mut().zip(groups) {
            *slots = take(&mut self.slots, usize::from(group.slots));
        }
        let mut no = [[0; SLOTS]; G];
        if groups.iter().all(|it| it.lookups == 0) {
            return scan::<V, N, G, false>(table, slots, &no);
        }
        for (no, group) in no.iter_mut().zip(groups) {
            self.look_up(group, no);
        }
        scan::<V, N, G, true>(table, slots, &no)
    }

    /// What a group's sets of categories answer: bits of trees, by slot.
    #[inline(always)]
    fn look_up(&mut self, group: &Group, all: &mut [u64; SLOTS]) {
        let slots = usize::from(group.slots);
        for lookup in take(&mut self.lookups, group.lookups as usize) {
            let lines = usize::from(lookup.lines);
            let line = usize::from(self.ranks[usize::from(lookup.column)]).min(lines - 1);
            let of_lines = take(&mut self.no, lines * slots);
            for (all, no) in all.iter_mut().zip(&of_lines[line * slots..][..slots]) {
                *all |= u64::from_le_bytes(*no);
            }
        }
    }
}

/// Asks the questions of some groups, side by side as far as all have some; `SETS` says whether
/// some are about sets of categories, which have answered with `no`.
#[inline(always)]
fn scan<V: Vector, const N: usize, const G: usize, const SETS: bool>(
    table: &V::Table,
    slots: [&[Slot]; G],
    no: &[[u64; SLOTS]; G],
) -> [V; G] {
    let (mut at, mut next, one) = ([V::splat(0); G], V::splat(0), V::splat(0x0101_0101));
    let common = slots.iter().map(|it| it.len()).min().unwrap_or(0);
    for slot in 0..common {
        next = next.plus(one);
        for group in 0..G {
            let no = if SETS { no[group][slot % SLOTS] } else { 0 };
            at[group] = step::<V, N, SETS>(table, &slots[group][slot], no, at[group], next);
        }
    }
    for group in 0..G {
        let mut next = next;
        for slot in common..slots[group].len() {
            next = next.plus(one);
            let no = if SETS { no[group][slot % SLOTS] } else { 0 };
            at[group] = step::<V, N, SETS>(table, &slots[group][slot], no, at[group], next);
        }
    }
    at
}

#[inline(always)]
fn step<V: Vector, const N: usize, const SETS: bool>(
    table: &V::Table,
    [numbers, limits, lows]: &Slot,
    no: u64,
    at: V,
    next: V,
) -> V {
    let mut answers = V::look_up::<N>(table, V::load(numbers)).ask(V::load(limits));
    if SETS {
        answers = V::and_ask(answers, no);
    }
    at.step(answers, V::load(lows), next)
}

/// Which output the next trees add to.
struct Sums<'a> {
    runs: &'a [Run],
    left: usize,
}

impl<'a> Sums<'a> {
    fn new(runs: &'a [Run]) -> Self {
        let left = runs.first().map_or(0, |it| it.trees as usize);
        Self { runs, left }
    }

    /// Adds up the leaves of groups, one tree after the other.
    #[inline(always)]
    fn add<V: Vector, R: Real, const G: usize>(
        &mut self,
        groups: &[Group; G],
        at: [V; G],
        leaves: &mut &[R::Bytes],
        out: &mut [f64],
    ) {
        for (group, at) in groups.iter().zip(at) {
            let (lanes, width) = (usize::from(group.lanes), usize::from(group.width));
            let at = at.store();
            let mut at = &at[..lanes];
            while !at.is_empty() {
                if self.left == 0 {
                    self.runs = &self.runs[1..];
                    self.left = self.runs[0].trees as usize;
                }
                let count = self.left.min(at.len());
                self.left -= count;
                let sum = &mut out[self.runs[0].output as usize];
                let (at, held) = (take(&mut at, count), take(leaves, count * width));
                *sum = V::sum::<R>(at, held, width, R::of(*sum)).wide();
            }
        }
    }
}

const _: () = assert!(WIDTH == u64::BITS as usize, "a bit for each lane");
