//! One tree of a LightGBM model: columns of numbers, an internal node in each place.

use std::num::ParseFloatError;
use std::str::FromStr;

use crate::{Categories, Missing, Node, ReadError, Side, Split, Test, Tree};

use super::Fields;

const CATEGORICAL: u8 = 1;
const DEFAULT_LEFT: u8 = 2;

/// The columns of a tree.
struct Columns {
    feature: Vec<u32>,
    threshold: Vec<f64>,
    decision: Vec<u8>,
    left: Vec<i32>,
    right: Vec<i32>,
    cover: Vec<Cover>,
    leaf: Vec<f64>,
    leaf_cover: Vec<Cover>,
    boundaries: Vec<usize>,
    bits: Vec<u32>,
}

pub(super) fn read_tree(fields: &Fields<'_>, output: u32) -> Result<Tree, ReadError> {
    if fields.get("is_linear").is_some_and(|it| it.trim() != "0") {
        return Err(ReadError::Unsupported(
            "a LightGBM model of linear trees".to_owned(),
        ));
    }
    let leaves: usize = fields.number("num_leaves")?;
    let values: Vec<f64> = fields.list("leaf_value", leaves)?;
    if leaves == 0 || values.len() != leaves {
        let reason = format!("{} numbers for {leaves} leaves", values.len());
        return Err(fields.fault("leaf_value", &reason));
    }
    if leaves == 1 {
        let cover: Vec<Cover> = fields.list("leaf_count", 1)?;
        let cover = cover.first().map_or(f64::NAN, |it| it.0);
        return Ok(Tree {
            output,
            nodes: vec![Node::Leaf {
                value: values[0],
                cover,
            }],
        });
    }
    let splits = leaves - 1;
    let columns = Columns {
        feature: fields.numbers("split_feature", splits)?,
        threshold: fields.numbers("threshold", splits)?,
        decision: match fields.get("decision_type") {
            Some(_) => fields.numbers("decision_type", splits)?,
            None => vec![DEFAULT_LEFT; splits],
        },
        left: fields.numbers("left_child", splits)?,
        right: fields.numbers("right_child", splits)?,
        cover: covers(fields, "internal_count", splits)?,
        leaf: values,
        leaf_cover: covers(fields, "leaf_count", leaves)?,
        boundaries: fields.list("cat_boundaries", 0)?,
        bits: fields.list("cat_threshold", 0)?,
    };
    Ok(Tree {
        output,
        nodes: columns.nodes(fields)?,
    })
}

/// A count of training rows. Nearly always a whole number, which is read in half the time.
#[derive(Clone, Copy)]
struct Cover(f64);

impl FromStr for Cover {
    type Err = ParseFloatError;

    fn from_str(text: &str) -> Result<Self, ParseFloatError> {
        match text.parse::<u32>() {
            Ok(whole) => Ok(Self(f64::from(whole))),
            Err(_) => text.parse().map(Self),
        }
    }
}

/// Counts of training rows; not numbers where the file leaves them out.
fn covers(fields: &Fields<'_>, key: &str, count: usize) -> Result<Vec<Cover>, ReadError> {
    match fields.get(key) {
        Some(_) => fields.numbers(key, count),
        None => Ok(vec![Cover(f64::NAN); count]),
    }
}

impl Columns {
    /// Numbers the nodes anew, each child after its parent, and stops at what is no tree.
    fn nodes(&self, fields: &Fields<'_>) -> Result<Vec<Node>, ReadError> {
        let wanted = 2 * self.leaf.len() - 1;
        let mut nodes = Vec::with_capacity(wanted);
        // What is to come: the node's old number, and the parent's side that waits for its new one.
        let mut ahead: Vec<(i32, Option<(usize, Side)>)> = vec![(0, None)];
        while let Some((old, waiting)) = ahead.pop() {
            let new = nodes.len();
            if new == wanted {
                return Err(fields.fault("left_child", "a node has two parents"));
            }
            if let Some((parent, side)) = waiting {
                set_child(&mut nodes, parent, side, new);
            }
            match usize::try_from(old) {
                Err(_) => nodes.push(self.leaf(!old, fields)?),
                Ok(index) => {
                    nodes.push(Node::Split(self.split(index, fields)?));
                    ahead.push((self.right[index], Some((new, Side::Right))));
                    ahead.push((self.left[index], Some((new, Side::Left))));
                }
            }
        }
        if nodes.len() == wanted {
            Ok(nodes)
        } else {
            Err(fields.fault("left_child", "a node has no parent"))
        }
    }

    fn leaf(&self, index: i32, fields: &Fields<'_>) -> Result<Node, ReadError> {
        let found = usize::try_from(index)
            .ok()
            .filter(|it| *it < self.leaf.len());
        match found {
            Some(index) => Ok(Node::Leaf {
                value: self.leaf[index],
                cover: self.leaf_cover[index].0,
            }),
            None => Err(fields.fault("left_child", &format!("there is no leaf {index}"))),
        }
    }

    fn split(&self, index: usize, fields: &Fields<'_>) -> Result<Split, ReadError> {
        let Some(&decision) = self.decision.get(index) else {
            return Err(fields.fault("left_child", &format!("there is no node {index}")));
        };
        let categorical = decision & CATEGORICAL != 0;
        let side = if decision & DEFAULT_LEFT != 0 {
            Side::Left
        } else {
            Side::Right
        };
        let missing = match decision >> 2 & 3 {
            // No category is missing: what is not a number belongs to no set.
            _ if categorical => Missing::Nan(Side::Right),
            0 => Missing::Nothing,
            1 => Missing::NanAndZero(side),
            2 => Missing::Nan(side),
            _ => return Err(fields.fault("decision_type", &format!("{decision} is none"))),
        };
        let threshold = self.threshold[index];
        Ok(Split {
            feature: self.feature[index],
            test: if categorical {
                Test::Member(self.categories(threshold, fields)?)
            } else {
                Test::AtMost(threshold)
            },
            missing,
            left: 0,
            right: 0,
            cover: self.cover[index].0,
        })
    }

    /// The set of categories at a place of `cat_boundaries`, which stands for a threshold.
    fn categories(&self, place: f64, fields: &Fields<'_>) -> Result<Categories, ReadError> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "what is no place in the list is refused below"
        )]
        let at = place.max(0.0) as usize;
        let range = match self.boundaries.get(at..).unwrap_or(&[]) {
            [from, until, ..] if place >= 0.0 => self.bits.get(*from..*until),
            _ => None,
        };
        let Some(bits) = range else {
            return Err(fields.fault("cat_boundaries", &format!("there is no set {place}")));
        };
        let word = |pair: &[u32]| {
            u64::from(pair[0]) | pair.get(1).map_or(0, |high| u64::from(*high) << 32)
        };
        Ok(Categories {
            words: bits.chunks(2).map(word).collect(),
            fraction_is_zero: true,
        })
    }
}

fn set_child(nodes: &mut [Node], parent: usize, side: Side, child: usize) {
    let child = u32::try_from(child).expect("a file of text holds fewer than 2^32 nodes");
    if let Node::Split(split) = &mut nodes[parent] {
        match side {
            Side::Left => split.left = child,
            Side::Right => split.right = child,
        }
    }
}
