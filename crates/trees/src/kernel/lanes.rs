//! One row: 32 trees side by side, a question of each at once.

use super::tables::{Group, Job, Lookup};
use super::{Real, Vector, WIDTH, rest};
use crate::Number;

/// Scores one row.
#[inline(always)]
pub(crate) fn score<V: Vector, T: Number, R: Real>(job: &Job<'_>, row: &[T], out: &mut [f64]) {
    let width = job.quantiser.width();
    if width <= 64 {
        let mut ranks = [0; 64];
        job.quantiser
            .ranks(row, |at, rank| ranks[at & 63] = rank as u8);
        groups::<V, R>(job, &ranks, &ranks, out);
        return;
    }
    let mut ranks = vec![0; width];
    job.quantiser.ranks(row, |at, rank| ranks[at] = rank as u8);
    let hot = *ranks.first_chunk::<64>().expect("more than 64");
    groups::<V, R>(job, &hot, &ranks, out);
}

#[inline(always)]
fn groups<V: Vector, R: Real>(job: &Job<'_>, hot: &[u8; 64], ranks: &[u8], out: &mut [f64]) {
    out.copy_from_slice(job.start);
    let table = V::table(hot);
    let mut tables = job.lanes;
    let mut lookups = job.tables.lookups.as_slice();
    let mut leaves = job.leaves;
    for group in &job.tables.groups {
        let (mine, others) = lookups.split_at(group.lookups as usize);
        lookups = others;
        let lanes = usize::from(group.lanes);
        let width = 8 * usize::from(group.planes);
        let (held, others) = leaves.split_at(lanes * width * R::BYTES);
        leaves = others;
        let own = Own::<V> {
            group,
            lookups: mine,
            table: &table,
            ranks,
        };
        let (at, used) = match group.planes {
            1 => own.rest::<1>(tables),
            2 => own.rest::<2>(tables),
            4 => own.rest::<4>(tables),
            _ => own.rest::<8>(tables),
        };
        tables = &tables[used..];
        let sum = &mut out[group.output as usize];
        let mut score = R::of(*sum);
        for (leaf, lane) in at[..lanes].iter().zip(0..) {
            score = score.plus(R::read(held, lane * width + usize::from(*leaf)));
        }
        *sum = score.wide();
    }
}

struct Own<'a, V: Vector> {
    group: &'a Group,
    lookups: &'a [Lookup],
    table: &'a V::Table,
    ranks: &'a [u8],
}

impl<V: Vector> Own<'_, V> {
    /// Where the row comes to rest in each tree, and how many bytes of tables said so.
    #[inline(always)]
    fn rest<const P: usize>(&self, tables: &[u8]) -> ([u8; WIDTH], usize) {
        let (chunks, _) = tables.as_chunks::<WIDTH>();
        let mut chunks = chunks;
        let mut next = |count: usize| {
            let (mine, others) = chunks.split_at(count);
            chunks = others;
            mine
        };
        let mut planes = [V::splat(u8::MAX); P];
        for lookup in self.lookups {
            let lines = next(usize::from(lookup.lines) * P);
            let line = usize::from(self.ranks[usize::from(lookup.column)]);
            let line = line.min(usize::from(lookup.lines) - 1);
            for (plane, keep) in planes.iter_mut().zip(&lines[line * P..][..P]) {
                *plane = plane.and(V::load(keep));
            }
        }
        for slot in next(self.group.near as usize * (2 + P)).chunks_exact(2 + P) {
            let ranks = V::look_up_32(self.table, V::load(&slot[0]));
            ask(&mut planes, ranks, &slot[1..]);
        }
        for slot in next(self.group.far as usize * (2 + P)).chunks_exact(2 + P) {
            let ranks = V::look_up_64(self.table, V::load(&slot[0]));
            ask(&mut planes, ranks, &slot[1..]);
        }
        for slot in next(self.group.cold as usize * (3 + P)).chunks_exact(3 + P) {
            let numbers = slot[..2].as_flattened().as_chunks::<2>().0;
            let mut ranks = [0; WIDTH];
            for (rank, number) in ranks.iter_mut().zip(numbers) {
                *rank = self.ranks[usize::from(u16::from_le_bytes(*number))];
            }
            ask(&mut planes, V::load(&ranks), &slot[2..]);
        }
        let left = chunks.len();
        (rest(planes), tables.len() - left * WIDTH)
    }
}

#[inline(always)]
fn ask<V: Vector, const P: usize>(planes: &mut [V; P], ranks: V, slot: &[[u8; WIDTH]]) {
    let left = V::load(&slot[0]).above(ranks);
    for (plane, keep) in planes.iter_mut().zip(&slot[1..1 + P]) {
        *plane = plane.and(left.or(V::load(keep)));
    }
}
