//! One tree of an XGBoost model.

use std::collections::HashMap;

use crate::{Categories, Missing, Node, ReadError, Side, Split, Test, check::malformed};

use super::file::Columns;

/// XGBoost takes categories from here on for none.
const CATEGORIES_MAX: u32 = 1 << 24;
/// Words of all sets of categories of a model: a category takes all bits below it.
const WORDS_MAX: usize = 1 << 22;

/// Words that sets of categories have taken so far.
#[derive(Default)]
pub(super) struct SetRoom(usize);

/// The nodes of a tree in our order, each child after its parent. `weight` is what the tree counts
/// in `dart`.
pub(super) fn nodes(
    columns: &Columns,
    weight: Option<f32>,
    index: usize,
    room: &mut SetRoom,
) -> Result<Vec<Node>, ReadError> {
    let mut reader = Reader {
        columns,
        weight,
        index,
        sets: HashMap::new(),
    };
    reader.check_lengths()?;
    reader.read_sets(room)?;
    reader.nodes()
}

struct Reader<'a> {
    columns: &'a Columns,
    weight: Option<f32>,
    index: usize,
    /// By node.
    sets: HashMap<u32, Categories>,
}

impl Reader<'_> {
    fn fault(&self, node: usize, reason: &str) -> ReadError {
        malformed(&format!("tree {}, node {node}", self.index), reason)
    }

    fn check_lengths(&self) -> Result<(), ReadError> {
        let it = self.columns;
        let vector = it.tree_param.size_leaf_vector.as_deref().unwrap_or("0");
        if !matches!(vector.trim(), "0" | "1") {
            return Err(ReadError::Unsupported(
                "an XGBoost model of multi-output trees".to_owned(),
            ));
        }
        let nodes = it.left_children.len();
        let lengths = [
            ("right_children", it.right_children.len(), false),
            ("split_indices", it.split_indices.len(), false),
            ("split_conditions", it.split_conditions.len(), false),
            ("default_left", it.default_left.len(), false),
            ("split_type", it.split_type.len(), true),
            ("sum_hessian", it.sum_hessian.len(), true),
        ];
        for (name, length, may_be_empty) in lengths {
            if length != nodes && !(may_be_empty && length == 0) {
                let place = format!("tree {}, {name}", self.index);
                let reason = format!("{length} numbers for {nodes} nodes");
                return Err(malformed(&place, &reason));
            }
        }
        Ok(())
    }

    fn read_sets(&mut self, room: &mut SetRoom) -> Result<(), ReadError> {
        let it = self.columns;
        let place = |name: &str| format!("tree {}, {name}", self.index);
        let sets = it.categories_nodes.len();
        if it.categories_segments.len() != sets || it.categories_sizes.len() != sets {
            let reason = "not one segment and size for each node";
            return Err(malformed(&place("categories_nodes"), reason));
        }
        let parts = it.categories_segments.iter().zip(&it.categories_sizes);
        for (node, (from, size)) in it.categories_nodes.iter().zip(parts) {
            let range = from.checked_add(*size).map(|to| *from..to);
            let Some(members) = range.and_then(|it| self.columns.categories.get(it)) else {
                let reason = format!("segment {from} of {size} lies outside");
                return Err(malformed(&place("categories_segments"), &reason));
            };
            let most = members.iter().copied().max().unwrap_or(0);
            if most >= CATEGORIES_MAX {
                return Err(malformed(&place("categories"), &format!("{most} is none")));
            }
            let mut words = vec![0_u64; most as usize / 64 + 1];
            room.0 += words.len();
            if room.0 > WORDS_MAX {
                return Err(malformed(&place("categories"), "their sets are too large"));
            }
            for category in members {
                words[*category as usize / 64] |= 1 << (category % 64);
            }
            let set = Categories {
                words,
                fraction_is_zero: false,
            };
            self.sets.insert(*node, set);
        }
        Ok(())
    }

    /// Takes nodes from the root on, the left branch first; what nothing leads to was pruned.
    fn nodes(&mut self) -> Result<Vec<Node>, ReadError> {
        let count = self.columns.left_children.len();
        let mut nodes: Vec<Node> = Vec::with_capacity(count);
        let mut ahead: Vec<(usize, Option<(usize, bool)>)> = vec![(0, None)];
        let mut reached = vec![false; count];
        while let Some((old, parent)) = ahead.pop() {
            match reached.get_mut(old) {
                None => return Err(self.fault(old, "there is no such node")),
                Some(true) => return Err(self.fault(old, "it has two parents")),
                Some(reached) => *reached = true,
            }
            let new = nodes.len();
            if let Some((parent, yes)) = parent {
                set_child(&mut nodes[parent], yes, new);
            }
            let children = [
                self.columns.left_children[old],
                self.columns.right_children[old],
            ];
            if children[0] == -1 {
                nodes.push(self.leaf(old));
                continue;
            }
            let [Ok(left), Ok(right)] = children.map(usize::try_from) else {
                return Err(self.fault(old, "a child of it is below zero"));
            };
            let (split, left_is_yes) = self.split(old)?;
            nodes.push(Node::Split(split));
            ahead.push((right, Some((new, !left_is_yes))));
            ahead.push((left, Some((new, left_is_yes))));
        }
        Ok(nodes)
    }

    fn cover(&self, node: usize) -> f64 {
        let given = self.columns.sum_hessian.get(node);
        given.map_or(f64::NAN, |it| f64::from(it.0))
    }

    fn leaf(&self, node: usize) -> Node {
        let value = self.columns.split_conditions[node].0;
        Node::Leaf {
            value: f64::from(self.weight.map_or(value, |weight| weight * value)),
            cover: self.cover(node),
        }
    }

    /// A question, and whether the left child is the one for yes: XGBoost sends the members of a
    /// set to the right.
    fn split(&mut self, node: usize) -> Result<(Split, bool), ReadError> {
        let categorical = match self.columns.split_type.get(node) {
            None | Some(0) => false,
            Some(1) => true,
            Some(other) => return Err(self.fault(node, &format!("split type {other} is none"))),
        };
        let number = u32::try_from(node).unwrap_or(u32::MAX);
        let test = if categorical {
            match self.sets.remove(&number) {
                Some(set) => Test::Member(set),
                None => return Err(self.fault(node, "it has no categories")),
            }
        } else {
            Test::Below(f64::from(self.columns.split_conditions[node].0))
        };
        let missing_is_yes = self.columns.default_left[node].0 != categorical;
        let split = Split {
            feature: self.columns.split_indices[node],
            test,
            missing: Missing::Nan(if missing_is_yes {
                Side::Left
            } else {
                Side::Right
            }),
            left: 0,
            right: 0,
            cover: self.cover(node),
        };
        Ok((split, !categorical))
    }
}

fn set_child(parent: &mut Node, yes: bool, child: usize) {
    let child = u32::try_from(child).expect("a file holds fewer than 2^32 nodes");
    if let Node::Split(split) = parent {
        if yes {
            split.left = child;
        } else {
            split.right = child;
        }
    }
}
