//! Holds a kernel for one processor against portable code before it is trusted with a model.

use super::{Kernel, Model};
use crate::Rows;

/// Rows that are scored both ways; two whole blocks and single ones.
const ROWS: usize = 2 * super::BLOCK + super::BLOCK_MIN - 1;

impl Model {
    /// Whether the kernel gives the bits that portable code gives, on rows of this model's own
    /// thresholds, of numbers beside them, of zeros and of gaps.
    pub(super) fn is_proven(&mut self) -> bool {
        let Some((quantiser, _)) = &self.fast else {
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
            let rows = Rows::strided(&rows, ROWS, model.features(), model.features());
            let mut out = vec![0.0; ROWS * model.head.outputs];
            model.raw(&rows.expect("made to measure"), &mut out);
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
