//! Many rows: 32 of them side by side, one question at once.

use super::tables::{Count, Job};
use super::{Real, Vector, WIDTH, rest};
use crate::{Number, Rows};

/// Scores rows.
#[inline(always)]
pub(crate) fn score<V: Vector, T: Number, R: Real>(
    job: &Job<'_>,
    rows: &Rows<'_, T>,
    out: &mut [f64],
) {
    let outputs = job.start.len();
    let mut ranks = vec![[0_u8; WIDTH]; job.quantiser.width()];
    for (out, block) in out.chunks_mut(WIDTH * outputs).zip(0..) {
        let count = out.len() / outputs;
        for at in 0..count {
            let row = rows.row(block * WIDTH + at);
            let put = |column: usize, rank: i8| ranks[column][at % WIDTH] = rank as u8;
            job.quantiser.ranks(row, put);
        }
        trees::<V, R>(job, &ranks, out);
    }
}

/// What is left of the tables.
struct Rest<'a> {
    ranks: &'a [[u8; WIDTH]],
    counts: &'a [Count],
    ops: &'a [[u8; 4]],
    columns: &'a [u16],
    keeps: &'a [[u8; WIDTH]],
}

#[inline(always)]
fn trees<V: Vector, R: Real>(job: &Job<'_>, ranks: &[[u8; WIDTH]], out: &mut [f64]) {
    let outputs = job.start.len();
    for row in out.chunks_exact_mut(outputs) {
        row.copy_from_slice(job.start);
    }
    let mut own = Rest {
        ranks,
        counts: &job.tables.counts,
        ops: job.ops.as_chunks().0,
        columns: &job.tables.columns,
        keeps: job.keeps.as_chunks().0,
    };
    let mut leaves = job.leaves;
    for group in &job.tables.groups {
        let width = 8 * usize::from(group.planes);
        let mut scores = [R::of(0.0); WIDTH];
        let rows = out.chunks_exact_mut(outputs);
        for (score, row) in scores.iter_mut().zip(rows) {
            *score = R::of(row[group.output as usize]);
        }
        for _ in 0..group.lanes {
            let (held, others) = leaves.split_at(width * R::BYTES);
            leaves = others;
            match group.planes {
                1 => add::<R, 8>(&mut scores, own.tree::<V, 1>(), held),
                2 => add::<R, 16>(&mut scores, own.tree::<V, 2>(), held),
                4 => add::<R, 32>(&mut scores, own.tree::<V, 4>(), held),
                _ => add::<R, 64>(&mut scores, own.tree::<V, 8>(), held),
            }
        }
        for (score, row) in scores.iter().zip(out.chunks_exact_mut(outputs)) {
            row[group.output as usize] = score.wide();
        }
    }
}

#[inline(always)]
fn add<R: Real, const L: usize>(scores: &mut [R; WIDTH], at: [u8; WIDTH], leaves: &[u8]) {
    let leaves = &leaves[..L * R::BYTES];
    for (score, leaf) in scores.iter_mut().zip(at) {
        *score = score.plus(R::read(leaves, usize::from(leaf) % L));
    }
}

impl Rest<'_> {
    #[inline(always)]
    fn tree<V: Vector, const P: usize>(&mut self) -> [u8; WIDTH] {
        let mut planes = [V::splat(u8::MAX); P];
        let (counts, others) = self.counts.split_at(P);
        self.counts = others;
        for (plane, count) in planes.iter_mut().zip(counts) {
            let mut held = *plane;
            let (columns, others) = self.columns.split_at(usize::from(count.lines));
            self.columns = others;
            let (keeps, others) = self.keeps.split_at(usize::from(count.lines));
            self.keeps = others;
            for (column, keep) in columns.iter().zip(keeps) {
                let mut table = [0; 64];
                table[..WIDTH].copy_from_slice(keep);
                let lines = V::load(&self.ranks[usize::from(*column)]);
                held = held.and(V::look_up_32(&V::table(&table), lines));
            }
            let (ops, others) = self.ops.split_at(usize::from(count.ranks));
            self.ops = others;
            for [low, high, limit, keep] in ops {
                let column = usize::from(u16::from_le_bytes([*low, *high]));
                let left = V::splat(*limit).above(V::load(&self.ranks[column]));
                held = held.and(left.or(V::splat(*keep)));
            }
            *plane = held;
        }
        rest(planes)
    }
}
