//! From nodes in any order to trees: each child after its parent, one tree for each output that a
//! tree's leaves vote for.

use crate::{Missing, Node, ReadError, Side, Split, Test, Tree, check::malformed};

/// Nodes that a file's trees may become, for each node and each vote of the file: a tree that
/// votes for many outputs is taken once for each, and a set once for each of its members.
const COPIES_MAX: usize = 64;

/// What a node asks.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Mode {
    AtMost(f64),
    Below(f64),
    AtLeast(f64),
    Above(f64),
    Equal(f64),
    Unequal(f64),
    /// One of these exactly, as ONNX has it; ONNX Runtime cuts fractions first.
    Member(Vec<f64>),
}

/// A node as a file has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Flat {
    /// What it adds to which outputs.
    Leaf { votes: Vec<(u32, f64)>, cover: f64 },
    Split {
        feature: u32,
        mode: Mode,
        /// Whether what is not a number passes.
        missing_passes: bool,
        yes: usize,
        no: usize,
        cover: f64,
    },
}

/// The nodes of a file and where its trees begin.
pub(super) struct Forest {
    pub(super) nodes: Vec<Flat>,
    pub(super) roots: Vec<usize>,
    /// Whether a leaf that does not vote for an output keeps out instead of adding nothing.
    pub(super) picks: bool,
}

impl Forest {
    /// Trees in the file's order.
    pub(super) fn trees(&self) -> Result<Vec<Tree>, ReadError> {
        let votes = |it: &Flat| match it {
            Flat::Leaf { votes, .. } => 1 + votes.len(),
            Flat::Split { .. } => 1,
        };
        let mut room = COPIES_MAX * self.nodes.iter().map(votes).sum::<usize>();
        let mut reached = vec![false; self.nodes.len()];
        let mut trees = Vec::with_capacity(self.roots.len());
        for (index, root) in self.roots.iter().enumerate() {
            for output in self.outputs(index, *root, &mut reached)? {
                let nodes = self.copy(index, *root, output, &mut room)?;
                trees.push(Tree { output, nodes });
            }
        }
        Ok(trees)
    }

    /// Outputs that a tree's leaves vote for; output 0 where they vote for none.
    fn outputs(
        &self,
        index: usize,
        root: usize,
        reached: &mut [bool],
    ) -> Result<Vec<u32>, ReadError> {
        let mut outputs = Vec::new();
        let mut leaves = 0;
        let mut ahead = vec![root];
        while let Some(at) = ahead.pop() {
            let place = || format!("tree {index}, node {at}");
            if std::mem::replace(&mut reached[at], true) {
                return Err(malformed(&place(), "it has two parents"));
            }
            match &self.nodes[at] {
                Flat::Split { yes, no, .. } => ahead.extend([*no, *yes]),
                Flat::Leaf { votes, .. } => {
                    leaves += 1;
                    let mut mine: Vec<u32> = votes.iter().map(|it| it.0).collect();
                    mine.sort_unstable();
                    if mine.windows(2).any(|it| it[0] == it[1]) {
                        return Err(malformed(&place(), "it votes twice for an output"));
                    }
                    outputs.extend(mine);
                }
            }
        }
        outputs.sort_unstable();
        if self.picks
            && outputs
                .chunk_by(|left, right| left == right)
                .any(|it| it.len() < leaves)
        {
            return Err(ReadError::Unsupported(
                "the least or greatest of leaves that do not all vote".to_owned(),
            ));
        }
        outputs.dedup();
        if outputs.is_empty() {
            outputs.push(0);
        }
        Ok(outputs)
    }

    /// A tree as one output sees it.
    fn copy(
        &self,
        index: usize,
        root: usize,
        output: u32,
        room: &mut usize,
    ) -> Result<Vec<Node>, ReadError> {
        let mut nodes = Vec::new();
        // What is to come, and the split whose side waits for its number.
        let mut ahead: Vec<(usize, Option<(usize, Side)>)> = vec![(root, None)];
        while let Some((at, parent)) = ahead.pop() {
            let flat = &self.nodes[at];
            let members = match flat {
                Flat::Split {
                    mode: Mode::Member(members),
                    ..
                } => members.len(),
                _ => 1,
            };
            *room = room.checked_sub(members).ok_or_else(|| {
                let reason = "sets or outputs make too many nodes of the file's";
                malformed(&format!("tree {index}"), reason)
            })?;
            let new = nodes.len();
            connect(&mut nodes, parent, new);
            match flat {
                Flat::Leaf { votes, cover } => {
                    let vote = votes.iter().find(|it| it.0 == output);
                    nodes.push(Node::Leaf {
                        value: vote.map_or(0.0, |it| it.1),
                        cover: *cover,
                    });
                }
                Flat::Split { yes, no, .. } => {
                    let last = push_splits(&mut nodes, flat);
                    let yes_side = side_of_yes(flat);
                    let no_side = match yes_side {
                        Side::Left => Side::Right,
                        Side::Right => Side::Left,
                    };
                    ahead.push((*no, Some((last, no_side))));
                    ahead.extend((new..=last).rev().map(|it| (*yes, Some((it, yes_side)))));
                }
            }
        }
        Ok(nodes)
    }
}

fn connect(nodes: &mut [Node], parent: Option<(usize, Side)>, child: usize) {
    let child = u32::try_from(child).expect("fewer nodes than fit memory");
    if let Some((parent, side)) = parent
        && let Node::Split(split) = &mut nodes[parent]
    {
        match side {
            Side::Left => split.left = child,
            Side::Right => split.right = child,
        }
    }
}

/// Our tests have no "above": its yes is the no of "at most".
fn side_of_yes(flat: &Flat) -> Side {
    match flat {
        Flat::Split {
            mode: Mode::AtLeast(_) | Mode::Above(_) | Mode::Unequal(_),
            ..
        } => Side::Right,
        _ => Side::Left,
    }
}

/// Puts a split behind the nodes, a chain of splits for a set; the number of the last.
fn push_splits(nodes: &mut Vec<Node>, flat: &Flat) -> usize {
    let Flat::Split {
        feature,
        mode,
        missing_passes,
        cover,
        ..
    } = flat
    else {
        return nodes.len();
    };
    let tests = match mode {
        Mode::AtMost(it) | Mode::Above(it) => vec![Test::AtMost(*it)],
        Mode::Below(it) | Mode::AtLeast(it) => vec![Test::Below(*it)],
        Mode::Equal(it) | Mode::Unequal(it) => vec![Test::Equal(*it)],
        Mode::Member(all) => all.iter().map(|it| Test::Equal(*it)).collect(),
    };
    // What is not a number differs from every number.
    let passes = *missing_passes || matches!(mode, Mode::Unequal(_));
    let missing = match (passes, side_of_yes(flat)) {
        (true, side) => side,
        (false, Side::Left) => Side::Right,
        (false, Side::Right) => Side::Left,
    };
    for test in tests {
        let next = u32::try_from(nodes.len() + 1).expect("fewer nodes than fit memory");
        nodes.push(Node::Split(Split {
            feature: *feature,
            test,
            missing: Missing::Nan(missing),
            left: 0,
            right: next,
            cover: *cover,
        }));
    }
    nodes.len() - 1
}
