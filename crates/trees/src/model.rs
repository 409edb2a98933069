//! An ensemble made ready to be scored.

use crate::compact::{MAGIC, Reader, Writer, read_head, read_trees, write_head, write_trees};
use crate::kernel::compile::compile;
use crate::kernel::portable::Bytes;
use crate::kernel::tables::{Job, Tables};
use crate::kernel::walk::Walk;
use crate::kernel::{Real, blocks, lanes};
use crate::quantise::Quantiser;
use crate::{Aggregate, Base, Ensemble, Number, Precision, ReadError, Rows, ShapeError};
use std::ops::Range;
use std::sync::Arc;

mod aligned;
mod finish;
mod probe;

use aligned::aligned;

/// Rows from which a block pays beside others.
const BLOCK_MIN: usize = 28;
/// Rows from which a block pays alone.
const ALONE_MIN: usize = 48;
const BLOCK: usize = crate::kernel::WIDTH;
/// Rows that are scored together where they make no block.
const FEW: usize = 8;
/// The same where there are no more.
const FEWER: usize = 4;

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

/// Bytes that a model is read from and keeps: a vector, a mapped file.
pub type SharedBytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// A compiled model; shared between threads as it is.
pub struct Model {
    /// The ensemble without its trees.
    head: Ensemble,
    bytes: SharedBytes,
    /// Where the trees lie, for explanations.
    trees: Range<usize>,
    start: Vec<f64>,
    fast: Option<(Quantiser, Tables)>,
    walk: Option<Walk>,
    kernel: Kernel,
    pub(crate) explainer: crate::contributions::Lazy,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model")
            .field("features", &self.features())
            .field("predictions", &self.predictions())
            .field("kernel", &self.kernel)
            .field("size_bytes", &self.size_bytes())
            .finish_non_exhaustive()
    }
}

impl Model {
    /// Compiles an ensemble for the processor at hand. Panics where its nodes make no trees, which
    /// no reader lets through.
    pub fn new(ensemble: Ensemble) -> Self {
        let mut it = Self::compiled(&ensemble);
        while !it.is_proven() {
            it.kernel = match it.kernel {
                Kernel::Avx512 if is_here(Kernel::Avx2) => Kernel::Avx2,
                _ => Kernel::Portable,
            };
        }
        it
    }

    /// Compiles an ensemble for one kernel; nothing where the model or the processor has not what
    /// the kernel needs.
    pub fn with_kernel(ensemble: Ensemble, kernel: Kernel) -> Option<Self> {
        let mut it = Self::compiled(&ensemble);
        let fits = match kernel {
            Kernel::Walk => true,
            _ => it.fast.is_some() && is_here(kernel),
        };
        if kernel == Kernel::Walk && it.walk.is_none() {
            it.walk = Some(Walk::new(&ensemble));
        }
        it.kernel = kernel;
        fits.then_some(it)
    }

    /// Reads a model of any kind that is known, our own format among them, and compiles it.
    pub fn read(bytes: SharedBytes) -> Result<Self, ReadError> {
        let held = bytes.as_ref().as_ref();
        if held.starts_with(&MAGIC) {
            return Self::open(bytes);
        }
        Ok(Self::new(Ensemble::read(held)?))
    }

    fn compiled(ensemble: &Ensemble) -> Self {
        let bytes: SharedBytes = Arc::new(compact(ensemble));
        Self::open(bytes).expect("what was just written can be read")
    }

    /// Opens what [`Model::to_compact`] wrote, where it lies if that is where a line of memory
    /// begins.
    pub fn open(bytes: SharedBytes) -> Result<Self, ReadError> {
        let bytes = aligned(bytes);
        let held = bytes.as_ref().as_ref();
        if !held.starts_with(&MAGIC) {
            return Err(ReadError::Unknown);
        }
        let mut from = Reader::new(held, MAGIC.len());
        let head = read_head(&mut from)?;
        let (features, outputs) = (head.features(), head.outputs);
        let mut fast = None;
        if from.flag()? {
            let quantiser = Quantiser::read(&mut from, features)?;
            let leaf = match head.precision {
                Precision::Double => 8,
                Precision::Single => 4,
            };
            let tables = Tables::read(&mut from, quantiser.width(), outputs, leaf)?;
            fast = Some((quantiser, tables));
        }
        let trees = from.block()?;
        from.end()?;
        let start = match &head.base {
            Base::First(base) => base.clone(),
            Base::Last(_) => vec![0.0; outputs],
        };
        let fastest = [Kernel::Avx512, Kernel::Avx2, Kernel::Portable];
        let kernel = match fast {
            Some(_) => fastest.into_iter().find(|it| is_here(*it)),
            None => None,
        };
        let kernel = kernel.unwrap_or(Kernel::Walk);
        let mut it = Self {
            head,
            bytes,
            trees,
            start,
            fast,
            walk: None,
            kernel,
            explainer: crate::contributions::Lazy::default(),
        };
        if it.fast.is_none() {
            it.walk = Some(Walk::new(&it.ensemble()?));
        }
        Ok(it)
    }

    /// The model in our own format.
    pub fn to_compact(&self) -> Vec<u8> {
        self.held().to_vec()
    }

    /// The ensemble that the model was made of. Trees of a file are looked at only here.
    pub fn ensemble(&self) -> Result<Ensemble, ReadError> {
        let held = &self.held()[..self.trees.end];
        let mut from = Reader::new(held, self.trees.start);
        let trees = read_trees(&mut from, self.features(), self.head.outputs)?;
        from.end()?;
        Ok(Ensemble {
            trees,
            ..self.head.clone()
        })
    }

    fn held(&self) -> &[u8] {
        self.bytes.as_ref().as_ref()
    }

    /// How it is scored.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// Features a row has.
    pub fn features(&self) -> usize {
        self.head.features()
    }

    /// One name per feature.
    pub fn feature_names(&self) -> &[String] {
        &self.head.feature_names
    }

    /// Predictions a row gets.
    pub fn predictions(&self) -> usize {
        self.head.predictions()
    }

    /// Raw scores a row has: one per class, or one.
    pub fn outputs(&self) -> usize {
        self.head.outputs
    }

    /// The arithmetic of the library that made it.
    pub fn precision(&self) -> Precision {
        self.head.precision
    }

    /// Bytes of memory held, those of the compact form among them, and those of explanations once
    /// one was given.
    pub fn size_bytes(&self) -> usize {
        let names: usize = self.head.feature_names.iter().map(String::capacity).sum();
        let fast = self.fast.as_ref();
        size_of::<Self>()
            + names
            + self.head.feature_names.capacity() * size_of::<String>()
            + 16 * self.head.outputs
            + self.held().len()
            + fast.map_or(0, |(quantiser, tables)| {
                quantiser.size_bytes() + tables.size_bytes()
            })
            + self.walk.as_ref().map_or(0, Walk::size_bytes)
            + self.explainer.size_bytes()
    }

    /// Scores one row.
    pub fn predict<T: Number>(&self, row: &[T], out: &mut [f64]) -> Result<(), ShapeError> {
        self.predict_rows(Rows::strided(row, 1, row.len(), row.len())?, out)
    }

    /// Scores rows, `predictions` numbers each, one row after the other. A row's numbers do not
    /// depend on the rows beside it, nor on the kernel.
    pub fn predict_rows<T: Number>(
        &self,
        rows: Rows<'_, T>,
        out: &mut [f64],
    ) -> Result<(), ShapeError> {
        let wanted = rows.count() * self.predictions();
        if rows.count() > 0 && rows.columns() != self.features() {
            return Err(ShapeError::Features {
                given: rows.columns(),
                wanted: self.features(),
            });
        }
        if out.len() != wanted {
            return Err(ShapeError::Room {
                given: out.len(),
                wanted,
            });
        }
        if self.predictions() == self.head.outputs {
            self.raw(&rows, out);
            finish::in_place(&self.head, out);
            return Ok(());
        }
        let mut raw = vec![0.0; rows.count() * self.head.outputs];
        self.raw(&rows, &mut raw);
        finish::apart(&self.head, &mut raw, out);
        Ok(())
    }

    fn raw<T: Number>(&self, rows: &Rows<'_, T>, out: &mut [f64]) {
        T::raw(self, rows, out);
    }

    pub(crate) fn raw_of<T: Number>(&self, rows: &Rows<'_, T>, out: &mut [f64]) {
        match self.head.precision {
            Precision::Double => self.sums::<T, f64>(rows, out),
            Precision::Single => self.sums::<T, f32>(rows, out),
        }
    }

    fn sums<T: Number, R: Real>(&self, rows: &Rows<'_, T>, out: &mut [f64]) {
        let outputs = self.head.outputs;
        if let (Kernel::Walk, Some(walk)) = (self.kernel, &self.walk) {
            return walk.score::<T, R>(rows, &self.start, out);
        }
        let (quantiser, tables) = self.fast.as_ref().expect("all but the walk have tables");
        let job = tables.job(quantiser, self.held(), &self.start);
        let count = rows.count();
        let few = if count < BLOCK { ALONE_MIN } else { BLOCK_MIN };
        let blocks = match count % BLOCK < few {
            true => count / BLOCK * BLOCK,
            false => count,
        };
        let (many, few) = out.split_at_mut(blocks * outputs);
        if blocks > 0 {
            self.many::<T, R>(&job, rows, many);
        }
        let mut first = blocks;
        for out in few.chunks_mut(FEW * outputs) {
            match out.len() / outputs {
                1 => self.few::<T, R, 1>(&job, [rows.row(first)], out),
                2..=FEWER => self.padded::<T, R, FEWER>(&job, rows, first, out),
                _ => self.padded::<T, R, FEW>(&job, rows, first, out),
            }
            first += FEW;
        }
    }

    /// Scores up to `K` rows from one on, with the last of them in the place of those missing.
    fn padded<T: Number, R: Real, const K: usize>(
        &self,
        job: &Job<'_>,
        rows: &Rows<'_, T>,
        first: usize,
        out: &mut [f64],
    ) {
        let outputs = self.head.outputs;
        let count = out.len() / outputs;
        let rows = std::array::from_fn(|at| rows.row(first + at.min(count - 1)));
        if count == K {
            return self.few::<T, R, K>(job, rows, out);
        }
        let mut whole = vec![0.0; K * outputs];
        self.few::<T, R, K>(job, rows, &mut whole);
        out.copy_from_slice(&whole[..out.len()]);
    }

    fn few<T: Number, R: Real, const K: usize>(
        &self,
        job: &Job<'_>,
        rows: [&[T]; K],
        out: &mut [f64],
    ) {
        match self.kernel {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => crate::kernel::avx512::few::<T, R, K>(job, rows, out),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => crate::kernel::avx2::few::<T, R, K>(job, rows, out),
            _ => lanes::score::<Bytes, T, R, K>(job, rows, out),
        }
    }

    fn many<T: Number, R: Real>(&self, job: &Job<'_>, rows: &Rows<'_, T>, out: &mut [f64]) {
        match self.kernel {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => crate::kernel::avx512::many::<T, R>(job, rows, out),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => crate::kernel::avx2::many::<T, R>(job, rows, out),
            _ => blocks::score::<Bytes, T, R>(job, rows, out),
        }
    }
}

fn compact(ensemble: &Ensemble) -> Vec<u8> {
    let mut to = Writer::default();
    to.bytes.extend_from_slice(&MAGIC);
    write_head(ensemble, &mut to);
    let rare = matches!(ensemble.aggregate, Aggregate::Min | Aggregate::Max);
    let fast = if rare { None } else { compile(ensemble) };
    to.u8(u8::from(fast.is_some()));
    if let Some((quantiser, tables, blocks)) = fast {
        quantiser.write(&mut to);
        tables.write(&blocks, &mut to);
    }
    to.block_of(|to| write_trees(&ensemble.trees, to));
    to.bytes
}

/// Whether the processor has what a kernel needs.
fn is_here(kernel: Kernel) -> bool {
    match kernel {
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx512 => crate::kernel::avx512::is_here(),
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 => crate::kernel::avx2::is_here(),
        Kernel::Walk | Kernel::Portable => true,
        #[cfg(not(target_arch = "x86_64"))]
        Kernel::Avx512 | Kernel::Avx2 => false,
    }
}

#[cfg(test)]
mod tests;
