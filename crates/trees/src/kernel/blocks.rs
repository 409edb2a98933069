//! Many rows: 64 of them side by side, some blocks of 64 in flight, one question at once.

use super::tables::{Job, Op};
use super::{Real, Vector, WIDTH};
use crate::{Number, Rows};

/// Blocks in flight at most.
const FLIGHT: usize = 4;

/// A number for each row of the blocks in flight, where a line of memory begins: a register of 64
/// bytes that lies across two is read twice.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Column<const B: usize>(pub(crate) [[u8; WIDTH]; B]);

/// The same for scores.
#[repr(align(64))]
struct Scores<R, const B: usize>([[R; WIDTH]; B]);

/// Scores rows.
#[inline(always)]
pub(crate) fn score<V: Vector, T: Number, R: Real>(
    job: &Job<'_>,
    rows: &Rows<'_, T>,
    out: &mut [f64],
) {
    let outputs = job.start.len();
    let count = out.len() / outputs;
    let whole = match count % (FLIGHT * WIDTH) {
        left if left > 2 * WIDTH => count,
        left => count - left,
    };
    let (many, few) = out.split_at_mut(whole * outputs);
    if whole > 0 {
        blocks::<V, T, R, FLIGHT>(job, rows, 0, many);
    }
    if whole < count {
        blocks::<V, T, R, 1>(job, rows, whole, few);
    }
}

/// Scores rows from one on, `B` blocks at a time.
#[inline(always)]
fn blocks<V: Vector, T: Number, R: Real, const B: usize>(
    job: &Job<'_>,
    rows: &Rows<'_, T>,
    first: usize,
    out: &mut [f64],
) {
    let outputs = job.start.len();
    let width = job.quantiser.width();
    let mut columns: Vec<Column<B>> = vec![Column([[0; WIDTH]; B]); width + job.tables.sets_most()];
    let by_feature = job.quantiser.by_feature();
    let starts = (first..).step_by(B * WIDTH);
    for (out, start) in out.chunks_mut(B * WIDTH * outputs).zip(starts) {
        let end = start + out.len() / outputs;
        for (block, from) in (start..end).step_by(WIDTH).enumerate() {
            let of_rows = from..end.min(from + WIDTH);
            let (ranked, columns) = (by_feature.as_slice(), &mut columns[..width]);
            let quantiser = (job.quantiser, ranked);
            V::quantise_block::<T, R, B>(quantiser, rows, of_rows.clone(), block, columns);
            job.quantiser
                .block_of_others(rows, of_rows, |column, row, rank| {
                    columns[column].0[block][V::place::<R>(row) % WIDTH] = rank;
                });
        }
        V::blocks::<R, B>(job, &mut columns, out);
    }
}

/// Scores rows by the columns of their ranks.
#[inline(always)]
pub(super) fn score_ranks<V: Vector, R: Real, const B: usize>(
    job: &Job<'_>,
    columns: &mut [Column<B>],
    out: &mut [f64],
) {
    let outputs = job.start.len();
    for row in out.chunks_exact_mut(outputs) {
        row.copy_from_slice(job.start);
    }
    let tables = job.tables;
    let width = job.quantiser.width();
    let (mut sets, mut ops) = (tables.sets.as_slice(), tables.ops.as_slice());
    let (mut counts, mut leaves) = (tables.counts.iter(), R::leaves(job.leaves));
    let mut groups = tables.groups.iter();
    let (mut lanes, mut held) = (0, 0);
    for run in &tables.runs {
        let mut scores = Scores([[R::of(0.0); WIDTH]; B]);
        let output = run.output as usize;
        let of_rows = scores.0.as_flattened_mut().iter_mut();
        for (score, row) in of_rows.zip(out.chunks_exact(outputs)) {
            *score = R::of(row[output]);
        }
        for _ in 0..run.trees {
            if lanes == 0 {
                let group = groups.next().expect("a group for each tree");
                (lanes, held) = (group.lanes, usize::from(group.width));
                let (mine, others) = sets.split_at(group.sets as usize);
                sets = others;
                for (set, at) in mine.iter().zip(width..) {
                    let Column(lines) = columns[usize::from(set.column)];
                    for (to, lines) in columns[at].0.iter_mut().zip(lines) {
                        *to = V::load(&lines).members(set.left).store();
                    }
                }
            }
            lanes -= 1;
            let count = counts.next().expect("a count for each tree");
            let (mine, others) = ops.split_at(usize::from(*count));
            ops = others;
            let (own, others) = leaves.split_at(held);
            leaves = others;
            let at = rest::<V, B>(columns, mine);
            for (at, scores) in at.into_iter().zip(&mut scores.0) {
                at.add::<R>(own, scores);
            }
        }
        let of_rows = scores.0.as_flattened().iter();
        for (score, row) in of_rows.zip(out.chunks_exact_mut(outputs)) {
            row[output] = score.wide();
        }
    }
}

/// Where each row comes to rest in a tree.
#[inline(always)]
fn rest<V: Vector, const B: usize>(columns: &[Column<B>], ops: &[Op]) -> [V; B] {
    let (mut at, mut next, one) = ([V::splat(0); B], V::splat(0), V::splat(0x0101_0101));
    for op in ops {
        next = next.plus(one);
        let (limit, low) = (V::splat(op.limit), V::splat(op.low));
        for (at, ranks) in at.iter_mut().zip(&columns[op.column as usize].0) {
            *at = at.step(V::load(ranks).ask(limit), low, next);
        }
    }
    at
}
