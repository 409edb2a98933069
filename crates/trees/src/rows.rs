//! Rows to score, where they lie: a strided matrix, never copied.

use crate::ShapeError;

/// A type of number that rows may have.
pub trait Number: Copy + Send + Sync + sealed::Sealed + 'static {
    /// As an `f64`, exactly.
    fn wide(self) -> f64;
}

pub(crate) mod sealed {
    use super::{Number, Rows};
    use crate::Model;

    /// What is compiled here, once for each type of number, and not anew by each user of the crate.
    pub trait Sealed: Sized {
        fn raw(model: &Model, rows: &Rows<'_, Self>, out: &mut [f64])
        where
            Self: Number;
    }

    impl Sealed for f32 {
        fn raw(model: &Model, rows: &Rows<'_, Self>, out: &mut [f64]) {
            model.raw_of(rows, out);
        }
    }

    impl Sealed for f64 {
        fn raw(model: &Model, rows: &Rows<'_, Self>, out: &mut [f64]) {
            model.raw_of(rows, out);
        }
    }
}

impl Number for f32 {
    fn wide(self) -> f64 {
        f64::from(self)
    }
}

impl Number for f64 {
    fn wide(self) -> f64 {
        self
    }
}

/// A matrix of rows, each `columns` numbers, the next row `stride` numbers further on.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a, T: Number> {
    data: &'a [T],
    count: usize,
    columns: usize,
    stride: usize,
}

impl<'a, T: Number> Rows<'a, T> {
    /// Rows that follow each other without a gap.
    pub fn packed(data: &'a [T], columns: usize) -> Result<Self, ShapeError> {
        let count = data.len().checked_div(columns).unwrap_or(0);
        if count * columns != data.len() {
            return Err(ShapeError::Data {
                given: data.len(),
                rows: count + 1,
                stride: columns,
            });
        }
        Ok(Self {
            data,
            count,
            columns,
            stride: columns,
        })
    }

    /// `count` rows of `columns` numbers, each beginning `stride` numbers after the one before.
    pub fn strided(
        data: &'a [T],
        count: usize,
        columns: usize,
        stride: usize,
    ) -> Result<Self, ShapeError> {
        let needed = match count {
            0 => Some(0),
            _ => (count - 1)
                .checked_mul(stride)
                .and_then(|it| it.checked_add(columns)),
        };
        match needed {
            Some(needed) if stride >= columns && needed <= data.len() => Ok(Self {
                data,
                count,
                columns,
                stride,
            }),
            _ => Err(ShapeError::Data {
                given: data.len(),
                rows: count,
                stride,
            }),
        }
    }

    /// How many rows there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Numbers in a row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Where the rows begin, all of them within the slice, and how far apart.
    pub(crate) fn parts(&self) -> (&'a [T], usize) {
        (self.data, self.stride)
    }

    /// One row.
    pub fn row(&self, index: usize) -> &'a [T] {
        assert!(index < self.count, "row {index} of {}", self.count);
        &self.data[index * self.stride..][..self.columns]
    }
}
