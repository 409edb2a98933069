//! From trees to tables.

use super::tables::{Blocks, Group, Lookup, NEVER, Run, Set, Tables};
use super::{NEAR, WIDTH};
use crate::quantise::{Place, Plan, Quantiser};
use crate::{Ensemble, Node, Precision, Split, Tree};

/// Leaves of a tree at most: those that a signed byte numbers.
pub(crate) const LEAVES_MAX: usize = 128;

/// A tree in order, from left to right: its leaves, and the questions between them.
struct Ordered {
    output: u32,
    leaves: Vec<f64>,
    asked: Vec<Asked>,
}

/// A question and the first leaf below it.
struct Asked {
    place: Place,
    low: u8,
}

/// Every split of an ensemble, and the number of its node among all.
fn splits(ensemble: &Ensemble) -> impl Iterator<Item = (u32, &Split)> {
    let nodes = ensemble.trees.iter().flat_map(|tree| &tree.nodes);
    (0..).zip(nodes).filter_map(|(number, node)| match node {
        Node::Split(split) => Some((number, split)),
        Node::Leaf { .. } => None,
    })
}

/// Columns and tables; nothing where a tree has too many leaves or the model too many columns.
pub(crate) fn compile(ensemble: &Ensemble) -> Option<(Quantiser, Tables, Blocks)> {
    let leaves = |tree: &Tree| tree.nodes.len().div_ceil(2);
    if ensemble.trees.iter().any(|tree| leaves(tree) > LEAVES_MAX) {
        return None;
    }
    let nodes: usize = ensemble.trees.iter().map(|tree| tree.nodes.len()).sum();
    u32::try_from(nodes).ok()?;
    let (quantiser, plan) = Quantiser::plan(ensemble.precision, splits(ensemble), nodes)?;
    let mut first = 0;
    let numbered = |tree| {
        let number = first;
        first += count(tree);
        (number, tree)
    };
    let mut trees: Vec<(u32, &Tree)> = ensemble.trees.iter().map(numbered).collect();
    trees.sort_by_key(|(_, tree)| tree.output);
    let trees: Vec<Ordered> = trees
        .into_iter()
        .map(|(first, tree)| order(first, tree, &plan))
        .collect();
    let (mut tables, mut blocks) = (Tables::default(), Blocks::default());
    for run in trees.chunk_by(|left, right| left.output == right.output) {
        let (output, trees) = (run[0].output, u32::try_from(run.len()).ok()?);
        tables.runs.push(Run { output, trees });
    }
    let single = ensemble.precision == Precision::Single;
    let is_near = quantiser.width() <= NEAR;
    let mut left = trees.as_slice();
    while !left.is_empty() {
        let (count, columns) = match is_near {
            true => (left.len().min(WIDTH), Vec::new()),
            false => together(left),
        };
        let (group, others) = left.split_at(count);
        left = others;
        write_group(group, &columns, &mut tables, &mut blocks);
        let width = usize::from(tables.groups.last().expect("just written").width);
        for tree in group {
            write_leaves(tree, width, single, &mut blocks.leaves);
        }
    }
    Some((quantiser, tables, blocks))
}

/// Nodes of a tree.
fn count(tree: &Tree) -> u32 {
    u32::try_from(tree.nodes.len()).expect("all together are fewer")
}

/// A tree whose nodes are numbered from `first`.
fn order(first: u32, tree: &Tree, plan: &Plan) -> Ordered {
    enum Step<'a> {
        Down(u32),
        Asked(u32, &'a Split, usize),
    }
    let half = tree.nodes.len() / 2;
    let mut it = Ordered {
        output: tree.output,
        leaves: Vec::with_capacity(half + 1),
        asked: Vec::with_capacity(half),
    };
    let mut steps = vec![Step::Down(0)];
    while let Some(step) = steps.pop() {
        match step {
            Step::Down(at) => match &tree.nodes[at as usize] {
                Node::Leaf { value, .. } => it.leaves.push(*value),
                Node::Split(split) => {
                    steps.push(Step::Down(split.right));
                    steps.push(Step::Asked(first + at, split, it.leaves.len()));
                    steps.push(Step::Down(split.left));
                }
            },
            Step::Asked(node, split, low) => it.asked.push(Asked {
                place: plan.place(node, split),
                low: u8::try_from(low).expect("few leaves"),
            }),
        }
    }
    it
}

/// How many trees go together with no more columns than one look-up reaches, and those columns.
fn together(trees: &[Ordered]) -> (usize, Vec<u16>) {
    let mut held: Vec<u16> = Vec::new();
    for (tree, count) in trees.iter().take(WIDTH).zip(0..) {
        let before = held.len();
        for asked in &tree.asked {
            if let Place::Above { column, .. } = asked.place
                && !held.contains(&column)
            {
                held.push(column);
            }
        }
        // A tree alone never has more.
        if held.len() > NEAR {
            held.truncate(before);
            return (count, held);
        }
    }
    (trees.len().min(WIDTH), held)
}

fn write_leaves(tree: &Ordered, width: usize, single: bool, to: &mut Vec<u8>) {
    to.reserve(width * if single { 4 } else { 8 });
    for leaf in 0..width {
        let value = tree.leaves.get(leaf).copied().unwrap_or(0.0);
        match single {
            true => to.extend((value as f32).to_le_bytes()),
            false => to.extend(value.to_le_bytes()),
        }
    }
}

fn write_group(trees: &[Ordered], columns: &[u16], tables: &mut Tables, blocks: &mut Blocks) {
    let small = |count: usize| u8::try_from(count).expect("at most 128");
    let slots = trees.iter().map(|it| it.asked.len()).max().unwrap_or(0);
    let mut group = Group {
        lanes: small(trees.len()),
        slots: small(slots),
        width: small((slots + 1).next_multiple_of(8)),
        columns: small(columns.len()),
        ..Group::default()
    };
    tables.columns.extend_from_slice(columns);
    let number = |column: u16| match columns.iter().position(|it| *it == column) {
        Some(number) => small(number),
        None => u8::try_from(column).expect("as many as fit"),
    };
    for slot in 0..slots {
        let mut of_slot = [[0; WIDTH], [NEVER; WIDTH], [0; WIDTH]];
        for (tree, lane) in trees.iter().zip(0..) {
            if let Some(asked) = tree.asked.get(slot) {
                of_slot[2][lane] = asked.low;
                if let Place::Above { column, rank } = asked.place {
                    of_slot[0][lane] = number(column);
                    of_slot[1][lane] = (rank + 1) as u8;
                }
            }
        }
        blocks.slots.extend_from_slice(of_slot.as_flattened());
    }
    let sets = sets_of(trees);
    group.sets = sets.len() as u32;
    group.lookups = write_lookups(&sets, slots, tables, blocks);
    tables.sets.extend(sets.into_iter().map(|(set, _)| set));
    tables.groups.push(group);
}

/// Every question about categories, with the lines of its column.
fn sets_of(trees: &[Ordered]) -> Vec<(Set, u8)> {
    let mut sets = Vec::new();
    for (tree, lane) in trees.iter().zip(0..) {
        for (asked, slot) in tree.asked.iter().zip(0..) {
            if let Place::Lines {
                column,
                left,
                lines,
            } = asked.place
            {
                let set = Set {
                    lane,
                    slot,
                    column,
                    left,
                };
                sets.push((set, lines));
            }
        }
    }
    sets
}

/// Writes who answers with no, by column, line and slot; says how many columns there are.
fn write_lookups(
    sets: &[(Set, u8)],
    slots: usize,
    tables: &mut Tables,
    blocks: &mut Blocks,
) -> u32 {
    let mut lookups: Vec<Lookup> = Vec::new();
    for (Set { column, .. }, lines) in sets {
        if lookups.iter().all(|it| it.column != *column) {
            let (column, lines) = (*column, *lines);
            lookups.push(Lookup { column, lines });
        }
    }
    for lookup in &lookups {
        let mut no = vec![0_u64; usize::from(lookup.lines) * slots];
        for (set, _) in sets.iter().filter(|it| it.0.column == lookup.column) {
            let lines = no.iter_mut().skip(usize::from(set.slot)).step_by(slots);
            for (no, line) in lines.zip(0..) {
                *no |= (!set.left >> line & 1) << set.lane;
            }
        }
        blocks.no.extend(no.iter().flat_map(|it| it.to_le_bytes()));
    }
    tables.lookups.extend_from_slice(&lookups);
    lookups.len() as u32
}
