//! One row or a few: 64 trees side by side, a question of each at once. A few rows cost less than
//! as many alone: a question is read once for all of them.

use super::tables::{Group, Job, Lookup, Slot};
use super::{NEAR, Real, Vector, WIDTH};
use crate::Number;
use sums::{Due, Sums};

mod sums;

/// Questions of a tree at most.
const SLOTS: usize = super::compile::LEAVES_MAX;

/// Scores `K` rows.
#[inline(always)]
pub(crate) fn score<V: Vector, T: Number, R: Real, const K: usize>(
    job: &Job<'_>,
    rows: [&[T]; K],
    out: &mut [f64],
) {
    let room = job.quantiser.room();
    let (mut few, mut all) = ([[0; 2 * NEAR]; K], Vec::new());
    let mut ranks = few.each_mut().map(|it| it.as_mut_slice());
    if room > 2 * NEAR {
        all.resize(room * K, 0);
        let mut left = all.chunks_exact_mut(room);
        ranks = ranks.map(|_| left.next().expect("room for each row"));
    }
    for (row, ranks) in rows.into_iter().zip(&mut ranks) {
        V::quantise(job.quantiser, row, ranks);
    }
    V::lanes::<R, K>(job, ranks.map(|it| &it[..room]), out);
}

/// Scores `K` rows by their ranks.
#[inline(always)]
pub(super) fn score_ranks<V: Vector, R: Real, const K: usize>(
    job: &Job<'_>,
    ranks: [&[u8]; K],
    out: &mut [f64],
) {
    match job.quantiser.width() {
        0..=32 => groups::<V, R, 32, K>(job, ranks, out),
        33..=64 => groups::<V, R, 64, K>(job, ranks, out),
        _ => groups::<V, R, NEAR, K>(job, ranks, out),
    }
}

#[inline(always)]
fn groups<V: Vector, R: Real, const N: usize, const K: usize>(
    job: &Job<'_>,
    ranks: [&[u8]; K],
    out: &mut [f64],
) {
    for out in out.chunks_exact_mut(job.start.len()) {
        out.copy_from_slice(job.start);
    }
    let tables = job.tables;
    let mut near = [[0; NEAR]; K];
    for (near, ranks) in near.iter_mut().zip(ranks) {
        let count = ranks.len().min(NEAR);
        near[..count].copy_from_slice(&ranks[..count]);
    }
    let mut table = near.each_ref().map(V::table);
    let mut rest = Rest {
        slots: job.slots,
        leaves: R::leaves(job.leaves),
        lookups: &tables.lookups,
        no: job.no,
        ranks,
    };
    let mut columns = tables.columns.as_slice();
    let (mut sums, mut due) = (Sums::new(&tables.runs), Due::default());
    let in_flight = match tables.columns.is_empty() {
        true => V::GROUPS / K,
        false => 1,
    };
    let mut groups = tables.groups.as_slice();
    while let Some((first, _)) = groups.split_first() {
        let mine = take(&mut columns, usize::from(first.columns));
        if !mine.is_empty() {
            for (near, ranks) in near.iter_mut().zip(ranks) {
                for (near, column) in near.iter_mut().zip(mine) {
                    *near = ranks[usize::from(*column)];
                }
            }
            table = near.each_ref().map(V::table);
        }
        match groups.split_first_chunk::<2>() {
            Some((two, others)) if in_flight == 2 => {
                let at = rest.scan::<V, R, N, 2>(&table, two, &mut due);
                sums.after::<V, R, K>(two, &at, &mut rest.leaves, (out, &mut due));
                groups = others;
            }
            _ => {
                let at = rest.scan::<V, R, N, 1>(&table, &[*first], &mut due);
                sums.after::<V, R, K>(&[*first], &at, &mut rest.leaves, (out, &mut due));
                groups = &groups[1..];
            }
        }
    }
    if K == 1 && V::GROUPS > 1 {
        due.end::<V>(out);
    }
}

/// What is left of the tables.
struct Rest<'a, L, const K: usize> {
    slots: &'a [Slot],
    leaves: &'a [L],
    lookups: &'a [Lookup],
    no: &'a [[u8; 8]],
    ranks: [&'a [u8]; K],
}

/// For each row, what sets of categories answer: bits of trees, by slot.
type No<const K: usize> = [[u64; SLOTS]; K];

#[inline(always)]
fn take<'a, T>(from: &mut &'a [T], count: usize) -> &'a [T] {
    let (taken, rest) = from.split_at(count);
    *from = rest;
    taken
}

impl<L, const K: usize> Rest<'_, L, K> {
    /// Where the rows come to rest in each tree of the next groups; adds up beside it what is due.
    #[inline(always)]
    fn scan<V: Vector, R: Real, const N: usize, const G: usize>(
        &mut self,
        table: &[V::Table; K],
        groups: &[Group; G],
        due: &mut Due<'_, R>,
    ) -> [[V; K]; G] {
        let mut slots: [&[Slot]; G] = [&[]; G];
        for (slots, group) in slots.iter_mut().zip(groups) {
            *slots = take(&mut self.slots, usize::from(group.slots));
        }
        if groups.iter().all(|it| it.lookups == 0) {
            return scan::<V, R, N, G, K, false>(table, slots, &[], due);
        }
        let mut no = [[[0; SLOTS]; K]; G];
        for (no, group) in no.iter_mut().zip(groups) {
            self.look_up(group, no);
        }
        scan::<V, R, N, G, K, true>(table, slots, &no, due)
    }

    /// What a group's sets of categories answer.
    #[inline(always)]
    fn look_up(&mut self, group: &Group, all: &mut No<K>) {
        let slots = usize::from(group.slots);
        for lookup in take(&mut self.lookups, group.lookups as usize) {
            let lines = usize::from(lookup.lines);
            let of_lines = take(&mut self.no, lines * slots);
            for (all, ranks) in all.iter_mut().zip(self.ranks) {
                let line = usize::from(ranks[usize::from(lookup.column)]).min(lines - 1);
                for (all, no) in all.iter_mut().zip(&of_lines[line * slots..][..slots]) {
                    *all |= u64::from_le_bytes(*no);
                }
            }
        }
    }
}

/// Asks the questions of some groups, side by side as far as all have some; `SETS` says whether
/// some are about sets of categories, which have answered with `no`.
#[inline(always)]
fn scan<V: Vector, R: Real, const N: usize, const G: usize, const K: usize, const SETS: bool>(
    table: &[V::Table; K],
    slots: [&[Slot]; G],
    no: &[No<K>],
    due: &mut Due<'_, R>,
) -> [[V; K]; G] {
    let (mut at, mut next, one) = ([[V::splat(0); K]; G], V::splat(0), V::splat(0x0101_0101));
    let common = slots.iter().map(|it| it.len()).min().unwrap_or(0);
    let part = due.part(common);
    for slot in 0..common {
        next = next.plus(one);
        if K == 1 && V::GROUPS > 1 {
            due.add::<V>(part);
        }
        for group in 0..G {
            let asked = (slots[group], slot);
            step::<V, N, K, SETS>(table, asked, no.get(group), &mut at[group], next);
        }
    }
    for group in 0..G {
        let mut next = next;
        for slot in common..slots[group].len() {
            next = next.plus(one);
            let asked = (slots[group], slot);
            step::<V, N, K, SETS>(table, asked, no.get(group), &mut at[group], next);
        }
    }
    at
}

#[inline(always)]
fn step<V: Vector, const N: usize, const K: usize, const SETS: bool>(
    table: &[V::Table; K],
    (slots, slot): (&[Slot], usize),
    no: Option<&No<K>>,
    at: &mut [V; K],
    next: V,
) {
    let [numbers, limits, lows] = slots[slot].each_ref().map(V::load);
    for row in 0..K {
        let mut answers = V::look_up::<N>(&table[row], numbers).ask(limits);
        if SETS && let Some(no) = no {
            answers = V::and_ask(answers, no[row][slot % SLOTS]);
        }
        at[row] = at[row].step(answers, lows, next);
    }
}

const _: () = assert!(WIDTH == u64::BITS as usize, "a bit for each lane");
