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
        let start = match self.aggregate {
            Aggregate::Sum | Aggregate::Mean(_) => 0.0,
            Aggregate::Min => f64::INFINITY,
            Aggregate::Max => f64::NEG_INFINITY,
        };
        match &self.base {
            Base::First(base) if start == 0.0 => raw.copy_from_slice(base),
            _ => raw.fill(start),
        }
        for tree in &self.trees {
            let leaf = self.precision.rounded(tree.leaf(&row, self.precision));
            let sum = &mut raw[tree.output as usize];
            *sum = match self.aggregate {
                Aggregate::Sum | Aggregate::Mean(_) => self.precision.rounded(*sum + leaf),
                Aggregate::Min => sum.min(leaf),
                Aggregate::Max => sum.max(leaf),
            };
        }
        self.finish(raw);
    }

    /// Scores one row: its predictions to `out`.
    pub fn score(&self, row: &[f64], out: &mut [f64]) {
        if self.predictions() == self.outputs {
            self.raw_scores(row, out);
            link::apply(self.link, self.precision, out);
        } else {
            let mut raw = [0.0];
            self.raw_scores(row, &mut raw);
            out.copy_from_slice(&link::pair(self.link, self.precision, raw[0]));
        }
    }

    /// What comes after the last tree and before the link.
    pub(crate) fn finish(&self, raw: &mut [f64]) {
        if let Aggregate::Mean(count) = self.aggregate {
            raw.iter_mut()
                .for_each(|it| *it = self.precision.rounded(*it / count));
        }
        let base = match &self.base {
            Base::Last(base) => base,
            // The least and the greatest begin with a leaf; the base can only come after them.
            Base::First(base) if matches!(self.aggregate, Aggregate::Min | Aggregate::Max) => base,
            Base::First(_) => return,
        };
        for (sum, base) in raw.iter_mut().zip(base) {
            *sum = self.precision.rounded(*sum + base);
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
        self.words[category / 64] >> (category % 64) & 1 == 1
    }
}

#[cfg(test)]
mod tests;
