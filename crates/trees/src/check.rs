//! What every reader does last: nothing that a kernel or a walk relies on is left to the file.

use crate::{Aggregate, Base, Ensemble, Node, ReadError, Split, Test, Tree};

/// Features a model may have; more is taken for a broken file.
pub(crate) const FEATURES_MAX: usize = 1 << 20;
/// Outputs a model may have.
pub(crate) const OUTPUTS_MAX: usize = 1 << 16;

impl Ensemble {
    /// Passes a sound ensemble on, its base in the arithmetic of its sums; else says where it is
    /// broken.
    pub fn checked(mut self) -> Result<Self, ReadError> {
        let precision = self.precision;
        let (Base::First(base) | Base::Last(base)) = &mut self.base;
        base.iter_mut().for_each(|it| *it = precision.rounded(*it));
        self.check_shape()?;
        for (index, tree) in self.trees.iter().enumerate() {
            self.check_tree(index, tree)?;
        }
        Ok(self)
    }

    fn check_shape(&self) -> Result<(), ReadError> {
        let (Base::First(base) | Base::Last(base)) = &self.base;
        let found = [
            (
                self.features() > FEATURES_MAX,
                "features",
                "there are too many",
            ),
            (self.outputs == 0, "outputs", "there are none"),
            (self.outputs > OUTPUTS_MAX, "outputs", "there are too many"),
            (
                base.len() != self.outputs,
                "base score",
                "there is not one for each output",
            ),
            (
                base.iter().any(|it| !it.is_finite()),
                "base score",
                "it is not finite",
            ),
            (
                self.predictions() > self.outputs && self.outputs != 1,
                "link",
                "a pair needs one output",
            ),
            (
                matches!(self.aggregate, Aggregate::Mean(count) if !(count.is_finite() && count > 0.0)),
                "aggregate",
                "the divisor is not positive",
            ),
        ];
        match found.iter().find(|it| it.0) {
            Some((_, place, reason)) => Err(malformed(place, reason)),
            None => Ok(()),
        }
    }

    /// Children after parents, each node reached once: a tree, and every walk ends.
    fn check_tree(&self, index: usize, tree: &Tree) -> Result<(), ReadError> {
        let fault = |node: usize, reason: String| {
            Err(malformed(&format!("tree {index}, node {node}"), &reason))
        };
        if tree.output as usize >= self.outputs {
            let reason = format!("output {} of {}", tree.output, self.outputs);
            return Err(malformed(&format!("tree {index}"), &reason));
        }
        let mut reached = vec![false; tree.nodes.len()];
        if let Some(root) = reached.first_mut() {
            *root = true;
        } else {
            return Err(malformed(&format!("tree {index}"), "it has no nodes"));
        }
        for (at, node) in tree.nodes.iter().enumerate() {
            if !reached[at] {
                return fault(at, "nothing leads to it".to_owned());
            }
            match node {
                Node::Leaf { value, .. } if !value.is_finite() => {
                    return fault(at, format!("its value is {value}"));
                }
                Node::Leaf { .. } => {}
                Node::Split(split) => {
                    if let Some(reason) = self.fault_of(split) {
                        return fault(at, reason);
                    }
                    for child in [split.left as usize, split.right as usize] {
                        if child <= at || child >= tree.nodes.len() || reached[child] {
                            return fault(
                                at,
                                format!("child {child} is no node after it of its own"),
                            );
                        }
                        reached[child] = true;
                    }
                }
            }
        }
        Ok(())
    }

    fn fault_of(&self, split: &Split) -> Option<String> {
        if split.feature as usize >= self.features() {
            return Some(format!("feature {} of {}", split.feature, self.features()));
        }
        match &split.test {
            Test::AtMost(threshold) | Test::Below(threshold) | Test::Equal(threshold)
                if threshold.is_nan() =>
            {
                Some("its threshold is not a number".to_owned())
            }
            _ => None,
        }
    }
}

/// One name for each of so many features: those given, or made up where there are none.
pub(crate) fn names(given: Vec<String>, features: usize) -> Result<Vec<String>, ReadError> {
    if features > FEATURES_MAX {
        return Err(malformed("features", "there are too many"));
    }
    match given.len() {
        0 => Ok((0..features).map(|it| format!("f{it}")).collect()),
        count if count == features => Ok(given),
        count => Err(malformed(
            "feature_names",
            &format!("{count} names for {features} features"),
        )),
    }
}

/// A fault of a file.
pub(crate) fn malformed(place: &str, reason: &str) -> ReadError {
    ReadError::Malformed {
        place: place.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests;
