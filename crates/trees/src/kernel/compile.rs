//! From trees to tables.

use super::WIDTH;
use super::tables::{Blocks, Count, Group, Lookup, Tables};
use crate::quantise::{Place, Plan, Quantiser};
use crate::{Ensemble, Node, Precision, Split, Tree};

/// Leaves of a tree at most.
const LEAVES_MAX: usize = 64;

/// A tree in order: its leaves from left to right, and its questions.
struct Ordered {
    leaves: Vec<f64>,
    asked: Vec<Asked>,
}

/// A question and the leaves to its left.
struct Asked {
    place: Place,
    kill: u64,
}

/// Every split of an ensemble.
fn splits(ensemble: &Ensemble) -> impl Iterator<Item = &Split> + Clone {
    let nodes = ensemble.trees.iter().flat_map(|tree| &tree.nodes);
    nodes.filter_map(|node| match node {
        Node::Split(split) => Some(split),
        Node::Leaf { .. } => None,
    })
}

/// Columns and tables; nothing where a tree has too many leaves or the model too many columns.
pub(crate) fn compile(ensemble: &Ensemble) -> Option<(Quantiser, Tables, Blocks)> {
    let leaves = |tree: &Tree| tree.nodes.len().div_ceil(2);
    if ensemble.trees.iter().any(|tree| leaves(tree) > LEAVES_MAX) {
        return None;
    }
    let (quantiser, plan) = Quantiser::plan(ensemble.precision, splits(ensemble))?;
    let mut trees: Vec<&Tree> = ensemble.trees.iter().collect();
    trees.sort_by_key(|tree| tree.output);
    let (mut tables, mut blocks) = (Tables::default(), Blocks::default());
    let single = ensemble.precision == Precision::Single;
    for of_output in trees.chunk_by(|left, right| left.output == right.output) {
        for group in of_output.chunks(WIDTH) {
            let ordered: Vec<Ordered> = group.iter().map(|tree| order(tree, &plan)).collect();
            let most = ordered.iter().map(|it| it.leaves.len()).max().unwrap_or(1);
            let planes = most.div_ceil(8).next_power_of_two();
            for tree in &ordered {
                write_leaves(tree, planes, single, &mut blocks.leaves);
                write_ops(tree, planes, &mut tables, &mut blocks);
            }
            write_lanes(
                &ordered,
                planes,
                group[0].output,
                &mut tables,
                &mut blocks.lanes,
            );
        }
    }
    Some((quantiser, tables, blocks))
}

fn order(tree: &Tree, plan: &Plan) -> Ordered {
    enum Step<'a> {
        Down(u32),
        Asked(&'a Split, usize),
    }
    let mut it = Ordered {
        leaves: Vec::new(),
        asked: Vec::new(),
    };
    let mut steps = vec![Step::Down(0)];
    while let Some(step) = steps.pop() {
        match step {
            Step::Down(at) => match &tree.nodes[at as usize] {
                Node::Leaf { value, .. } => it.leaves.push(*value),
                Node::Split(split) => {
                    steps.push(Step::Down(split.right));
                    steps.push(Step::Asked(split, it.leaves.len()));
                    steps.push(Step::Down(split.left));
                }
            },
            Step::Asked(split, from) => {
                let below = |leaves: usize| u64::MAX.checked_shl(leaves as u32).unwrap_or(0);
                let kill = below(from) & !below(it.leaves.len());
                it.asked.push(Asked {
                    place: plan.place(split),
                    kill,
                });
            }
        }
    }
    it.asked.sort_by_key(|asked| asked.place.column());
    it
}

fn write_leaves(tree: &Ordered, planes: usize, single: bool, to: &mut Vec<u8>) {
    for leaf in 0..8 * planes {
        let value = tree.leaves.get(leaf).copied().unwrap_or(0.0);
        match single {
            true => to.extend((value as f32).to_le_bytes()),
            false => to.extend(value.to_le_bytes()),
        }
    }
}

fn byte(kill: u64, plane: usize) -> u8 {
    kill.to_le_bytes()[plane]
}

fn write_ops(tree: &Ordered, planes: usize, tables: &mut Tables, blocks: &mut Blocks) {
    for plane in 0..planes {
        let mut count = Count { lines: 0, ranks: 0 };
        for asked in tree
            .asked
            .chunk_by(|left, right| left.place.same_lines(right.place))
        {
            let touched = asked.iter().any(|it| byte(it.kill, plane) != 0);
            match asked[0].place {
                Place::Lines { column, .. } if touched => {
                    count.lines += 1;
                    tables.columns.push(column);
                    blocks
                        .keeps
                        .extend((0..32).map(|line| keep(asked, line, plane)));
                }
                Place::Above { column, rank } if touched => {
                    count.ranks += 1;
                    let [low, high] = column.to_le_bytes();
                    let kill = byte(asked[0].kill, plane);
                    blocks.ops.extend([low, high, (rank + 1) as u8, !kill]);
                }
                _ => {}
            }
        }
        tables.counts.push(count);
    }
}

/// Leaves that stay for a line of a column of categories.
fn keep(asked: &[Asked], line: u32, plane: usize) -> u8 {
    let killed = asked.iter().filter(|it| match it.place {
        Place::Lines { right, .. } => right >> line & 1 == 1,
        Place::Above { .. } => false,
    });
    !killed.fold(0, |all, it| all | byte(it.kill, plane))
}

fn write_lanes(
    trees: &[Ordered],
    planes: usize,
    output: u32,
    tables: &mut Tables,
    to: &mut Vec<u8>,
) {
    let mut group = Group {
        planes: planes as u8,
        lanes: trees.len() as u8,
        output,
        ..Group::default()
    };
    let mut columns: Vec<(u16, u8)> = Vec::new();
    let all = trees.iter().flat_map(|tree| &tree.asked);
    for (column, lines) in all.filter_map(|asked| asked.place.lines()) {
        match columns.iter_mut().find(|it| it.0 == column) {
            Some(held) => held.1 = held.1.max(lines),
            None => columns.push((column, lines)),
        }
    }
    for (column, lines) in columns {
        group.lookups += 1;
        tables.lookups.push(Lookup { column, lines });
        for line in 0..u32::from(lines) {
            for plane in 0..planes {
                to.extend((0..WIDTH).map(|lane| {
                    let asked = trees.get(lane).map_or(&[][..], |tree| tree.of(column));
                    keep(asked, line, plane)
                }));
            }
        }
    }
    write_slots(trees, planes, &mut group, to);
    tables.groups.push(group);
}

fn write_slots(trees: &[Ordered], planes: usize, group: &mut Group, to: &mut Vec<u8>) {
    let mut ranked: Vec<Vec<&Asked>> = Vec::new();
    ranked.resize_with(WIDTH, Vec::new);
    for (tree, lane) in trees.iter().zip(&mut ranked) {
        lane.extend(tree.asked.iter().filter(|it| it.place.lines().is_none()));
    }
    let mut greatest = 0;
    for slot in 0..ranked.iter().map(Vec::len).max().unwrap_or(0) {
        let lane = |lane: usize| ranked[lane].get(slot);
        let column = |at: usize| lane(at).map_or(0, |it| it.place.column());
        greatest = (0..WIDTH).map(column).max().unwrap_or(0).max(greatest);
        match greatest {
            0..32 => group.near += 1,
            32..64 => group.far += 1,
            _ => group.cold += 1,
        }
        for at in 0..WIDTH {
            let [low, high] = column(at).to_le_bytes();
            to.push(low);
            if greatest >= 64 {
                to.push(high);
            }
        }
        to.extend((0..WIDTH).map(|at| match lane(at).map(|it| it.place) {
            Some(Place::Above { rank, .. }) => (rank + 1) as u8,
            _ => i8::MAX as u8,
        }));
        for plane in 0..planes {
            to.extend((0..WIDTH).map(|at| !lane(at).map_or(0, |it| byte(it.kill, plane))));
        }
    }
}

impl Ordered {
    /// The questions about one column.
    fn of(&self, column: u16) -> &[Asked] {
        let from = self.asked.partition_point(|it| it.place.column() < column);
        let to = self.asked.partition_point(|it| it.place.column() <= column);
        &self.asked[from..to]
    }
}
