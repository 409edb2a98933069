//! Holds a kernel for one processor against portable code before it is trusted with a model.

use super::{Kernel, Model};
use crate::Rows;

/// Rows that are scored both ways together: blocks in flight, the last of them not full.
const ROWS: usize = 2 * super::BLOCK + super::BLOCK_MIN;
/// Rows that are scored both ways on their own.
const ALONE: usize = 3;

impl Model {
    /// Whether the kernel gives the bits that portable code gives, on rows of this model's own
    /// thresholds, of numbers beside them, of zeros and of gaps.
    pub(super) fn is_proven(&mut self) -> bool {
        let (Kernel::Avx2 | Kernel::Avx512, Some((quantiser, _))) = (self.kernel, &self.fast)
        else {
            return true;
        };
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut rows = vec![0.0; ROWS * self.features()];
        for value in &mut rows {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            *value = quantiser.probe(state >> 32);
        }
        let scored = |model: &Self| {
            let (features, outputs) = (model.features(), model.head.outputs);
            let mut out = vec![0.0; (ROWS + ALONE) * outputs];
            let (many, few) = out.split_at_mut(ROWS * outputs);
            let all = Rows::strided(&rows, ROWS, features, features).expect("made to measure");
            model.raw(&all, many);
            for (out, row) in few.chunks_exact_mut(outputs).zip(0..) {
                let one = Rows::strided(all.row(row), 1, features, features);
                model.raw(&one.expect("made to measure"), out);
            }
            out.into_iter().map(f64::to_bits).collect::<Vec<u64>>()
        };
        let kernel = self.kernel;
        let given = scored(self);
        self.kernel = Kernel::Portable;
        let wanted = scored(self);
        self.kernel = kernel;
        given == wanted
    }
}
