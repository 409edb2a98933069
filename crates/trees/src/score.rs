//! Scoring as a textbook would: a walk from each root, node by node. Slow, and the oracle that
//! every kernel is held against.

use crate::{
    Aggregate, Base, Categories, Ensemble, Missing, Node, Precision, Side, Split, Test, link,
};

/// What LightGBM calls zero: up to this on both sides of it.
pub(crate) const ZERO_MAX: f64 = 1e-35_f32 as f64;

impl Ensemble {
    /// Scores one row: its raw scores to `raw`, one per output. The row has a number for each
    /// feature.
    pub fn raw_scores(&self, row: &[f64], raw: &mut [f64]) {
        let row: Vec<f64> = row.iter().map(|it| self.precision.rounded(*it)).collect();
        match &self.base {
            Base::First(base) => raw.copy_from_slice(base),
            Base::Last(_) => raw.fill(0.0),
        }
        match self.aggregate {
            Aggregate::Sum | Aggregate::Mean(_) => self.add_up(&row, raw),
            Aggregate::Min => self.pick(&row, raw, f64::min),
            Aggregate::Max => self.pick(&row, raw, f64::max),
        }
        self.finish(raw);
    }

    fn add_up(&self, row: &[f64], raw: &mut [f64]) {
        for tree in &self.trees {
            let leaf = self.precision.rounded(tree.leaf(row, self.precision));
            let sum = &mut raw[tree.output as usize];
            *sum = self.precision.rounded(*sum + leaf);
        }
    }

    /// Adds one leaf of each output's, the least or the greatest.
    fn pick(&self, row: &[f64], raw: &mut [f64], better: fn(f64, f64) -> f64) {
        let mut held: Vec<Option<f64>> = vec![None; raw.len()];
        for tree in &self.trees {
            let leaf = self.precision.rounded(tree.leaf(row, self.precision));
            let held = &mut held[tree.output as usize];
            *held = Some(held.map_or(leaf, |it| better(it, leaf)));
        }
        for (sum, leaf) in raw.iter_mut().zip(held) {
            *sum = self.precision.rounded(*sum + leaf.unwrap_or(0.0));
        }
    }

    /// Scores one row: its predictions to `out`.
    pub fn score(&self, row: &[f64], out: &mut [f64]) {
        if self.predictions() == self.outputs {
            self.raw_scores(row, out);
            link::apply(self.link, self.precision, out);
        } else {
            let mut raw = vec![0.0; self.outputs];
            self.raw_scores(row, &mut raw);
            link::reshape(self.link, self.precision, &raw, out);
        }
    }

    /// What comes after the last tree and before the link.
    pub(crate) fn finish(&self, raw: &mut [f64]) {
        if let Aggregate::Mean(count) = self.aggregate {
            raw.iter_mut()
                .for_each(|it| *it = self.precision.rounded(*it / count));
        }
        if let Base::Last(base) = &self.base {
            for (sum, base) in raw.iter_mut().zip(base) {
                *sum = self.precision.rounded(*sum + base);
            }
        }
    }
}

impl Precision {
    /// A number as this arithmetic holds it.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rounding is what is wanted"
    )]
    pub(crate) fn rounded(self, value: f64) -> f64 {
        match self {
            Self::Double => value,
            Self::Single => f64::from(value as f32),
        }
    }
}

impl crate::Tree {
    /// The value of the leaf in which a row, already rounded, comes to rest.
    pub(crate) fn leaf(&self, row: &[f64], precision: Precision) -> f64 {
        let mut at = 0;
        loop {
            match &self.nodes[at as usize] {
                Node::Leaf { value, .. } => return *value,
                Node::Split(split) => at = split.next(row[split.feature as usize], precision),
            }
        }
    }
}

impl Split {
    /// The child that a value goes to.
    pub(crate) fn next(&self, value: f64, precision: Precision) -> u32 {
        let missing = match self.missing {
            Missing::Nan(side) if value.is_nan() => Some(side),
            Missing::NanAndZero(side) if value.is_nan() || value.abs() <= ZERO_MAX => Some(side),
            _ => None,
        };
        let value = match self.missing {
            Missing::Nothing if value.is_nan() => 0.0,
            _ => value,
        };
        match missing {
            Some(Side::Left) => self.left,
            Some(Side::Right) => self.right,
            None if self.test.holds(value, precision) => self.left,
            None => self.right,
        }
    }
}

impl Test {
    /// Whether a value passes; what is not a number does not.
    fn holds(&self, value: f64, precision: Precision) -> bool {
        match self {
            Self::AtMost(threshold) => value <= precision.rounded(*threshold),
            Self::Below(threshold) => value < precision.rounded(*threshold),
            Self::Equal(threshold) => value == precision.rounded(*threshold),
            Self::Member(categories) => categories.has(value),
        }
    }
}

impl Categories {
    /// Whether a value, cut to a whole number, is in the set.
    pub fn has(&self, value: f64) -> bool {
        let least = if self.fraction_is_zero { -1.0 } else { 0.0 };
        let above = value > least || (value == least && least == 0.0);
        #[expect(clippy::cast_precision_loss, reason = "sets are far smaller than 2^53")]
        let bound = (self.words.len() * 64) as f64;
        if !above || value >= bound {
            return false;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "cut towards zero, within the set's bounds"
        )]
        let category = value as usize;
        // A fraction below zero is category 0, which an empty set has no word for.
        let word = self.words.get(category / 64).copied().unwrap_or(0);
        word >> (category % 64) & 1 == 1
    }
}

#[cfg(test)]
mod tests;
