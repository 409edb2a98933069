//! Exact Shapley contributions of features to raw scores, where what is not known of a row is
//! averaged by the training rows that each node saw (path-dependent `TreeSHAP`, Lundberg 2018).
//!
//! A Shapley value is the integral over t in (0, 1) of what a feature changes when every other one
//! is known with probability t (Owen 1972). Along a path that is a polynomial in t, so a few points
//! of Gauss and Legendre give the integral exactly; two passes over a tree give it for all
//! features, in time nodes × depth / 2. All factors lie between zero and one, and nothing is
//! divided by what can vanish, so little precision is lost. Refuses models without counts.

use std::sync::OnceLock;

use crate::{Aggregate, Base, Ensemble, Model, Number, Rows, ShapeError};

use pass::Scratch;
use plan::Plan;

mod pass;
mod plan;
mod rule;

/// What explains a model, made when it is first asked for.
#[derive(Debug, Default)]
pub(crate) struct Lazy(OnceLock<Result<Explainer, ShapeError>>);

/// A model's trees, made ready to be explained.
#[derive(Debug)]
struct Explainer {
    plans: Vec<Plan>,
    /// The average raw score, one per output.
    expected: Vec<f64>,
    /// What each tree's contributions are multiplied by.
    scale: f64,
    features: usize,
    size_bytes: usize,
}

impl Lazy {
    /// Bytes of memory held; none before the first explanation.
    pub(crate) fn size_bytes(&self) -> usize {
        match self.0.get() {
            Some(Ok(it)) => it.size_bytes,
            _ => 0,
        }
    }
}

impl Model {
    /// Numbers that one row's contributions take: for each output one per feature, and the average
    /// raw score.
    pub fn contributions_width(&self) -> usize {
        self.outputs() * (self.features() + 1)
    }

    /// Says what moved each row's raw scores: for each row and output one contribution per feature,
    /// then the average raw score over training rows. They add up to the raw score, which comes
    /// before the link. The same bits for a row, whatever rows are beside it.
    ///
    /// The first call decodes the trees and keeps them, some 100 bytes a node, from then on part of
    /// [`Model::size_bytes`].
    pub fn contributions<T: Number>(
        &self,
        rows: Rows<'_, T>,
        out: &mut [f64],
    ) -> Result<(), ShapeError> {
        let (count, width) = (rows.count(), self.contributions_width());
        if count > 0 && rows.columns() != self.features() {
            return Err(ShapeError::Features {
                given: rows.columns(),
                wanted: self.features(),
            });
        }
        if out.len() != count * width {
            return Err(ShapeError::Room {
                given: out.len(),
                wanted: count * width,
            });
        }
        let explainer = self.explainer.0.get_or_init(|| {
            let ensemble = self.ensemble().map_err(ShapeError::Trees)?;
            Explainer::new(ensemble)
        });
        let explainer = explainer.as_ref().map_err(Clone::clone)?;
        let mut scratch = Scratch::default();
        let mut known = vec![0.0; self.features()];
        for (out, row) in out.chunks_exact_mut(width).zip(0..) {
            for (known, given) in known.iter_mut().zip(rows.row(row)) {
                *known = self.precision().rounded(given.wide());
            }
            explainer.explain(&known, &mut scratch, out);
        }
        Ok(())
    }
}

impl Explainer {
    fn new(ensemble: Ensemble) -> Result<Self, ShapeError> {
        let scale = match ensemble.aggregate {
            Aggregate::Sum => 1.0,
            Aggregate::Mean(count) => 1.0 / count,
            Aggregate::Min | Aggregate::Max => return Err(ShapeError::NoSum),
        };
        let features = ensemble.features();
        let (Base::First(base) | Base::Last(base)) = &ensemble.base;
        let first = matches!(ensemble.base, Base::First(_));
        let mut expected = vec![0.0; ensemble.outputs];
        let mut plans = Vec::with_capacity(ensemble.trees.len());
        for tree in &ensemble.trees {
            let plan = Plan::new(tree, ensemble.precision)?;
            expected[plan.output] += plan.expected;
            plans.push(plan);
        }
        for (expected, base) in expected.iter_mut().zip(base) {
            // What a sum begins with is divided with it.
            *expected = if first {
                (*expected + base) * scale
            } else {
                *expected * scale + base
            };
        }
        plans.retain(|it| !it.forks.is_empty());
        plans.shrink_to_fit();
        let held: usize = plans.iter().map(Plan::size_bytes).sum();
        Ok(Self {
            size_bytes: held + expected.capacity() * size_of::<f64>(),
            plans,
            expected,
            scale,
            features,
        })
    }

    /// Explains one row, already rounded, to `outputs × (features + 1)` numbers.
    fn explain(&self, row: &[f64], scratch: &mut Scratch, out: &mut [f64]) {
        let width = self.features + 1;
        out.fill(0.0);
        for plan in &self.plans {
            let sums = &mut out[plan.output * width..][..self.features];
            plan.add(row, scratch, sums);
        }
        for (out, expected) in out.chunks_exact_mut(width).zip(&self.expected) {
            out.iter_mut().for_each(|it| *it *= self.scale);
            out[self.features] = *expected;
        }
    }
}

#[cfg(test)]
mod tests;
