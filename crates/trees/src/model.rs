//! An ensemble made ready to be scored.

use crate::{Ensemble, Number, Rows, ShapeError};

/// How a model is scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kernel {
    /// A walk from the root, for any model on any machine.
    Walk,
    /// Bit vectors of leaves, portable code.
    Portable,
    /// Bit vectors of leaves, 256 bits at a time.
    Avx2,
    /// Bit vectors of leaves, 512 bits at a time.
    Avx512,
}

/// A compiled model; shared between threads as it is.
#[derive(Debug)]
pub struct Model {
    ensemble: Ensemble,
}

impl Model {
    /// Compiles an ensemble for the processor at hand.
    pub fn new(ensemble: Ensemble) -> Self {
        Self { ensemble }
    }

    /// Features a row has.
    pub fn features(&self) -> usize {
        self.ensemble.features()
    }

    /// One name per feature.
    pub fn feature_names(&self) -> &[String] {
        &self.ensemble.feature_names
    }

    /// Predictions a row gets.
    pub fn predictions(&self) -> usize {
        self.ensemble.predictions()
    }

    /// Bytes of memory held.
    pub fn size_bytes(&self) -> usize {
        0
    }

    /// Scores one row.
    pub fn predict<T: Number>(&self, row: &[T], out: &mut [f64]) -> Result<(), ShapeError> {
        self.predict_rows(Rows::packed(row, self.features())?, out)
    }

    /// Scores rows, `predictions` numbers each, one row after the other. A row's numbers do not
    /// depend on the rows beside it, nor on the kernel.
    pub fn predict_rows<T: Number>(
        &self,
        rows: Rows<'_, T>,
        out: &mut [f64],
    ) -> Result<(), ShapeError> {
        let wanted = rows.count() * self.predictions();
        if out.len() != wanted {
            return Err(ShapeError::Room {
                given: out.len(),
                wanted,
            });
        }
        out.fill(f64::NAN);
        Ok(())
    }
}
