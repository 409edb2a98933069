//! What the kernels run over: bytes that lie as they are used, and what says how many.

use super::WIDTH;
use super::compile::LEAVES_MAX;
use crate::ReadError;
use crate::compact::{Reader, Writer};
use crate::quantise::Quantiser;
use std::ops::Range;

/// A question of each tree of a group: columns, limits, first leaves below.
pub(crate) type Slot = [[u8; WIDTH]; 3];

/// The limit that no rank reaches.
pub(crate) const NEVER: u8 = i8::MAX as u8;

/// Up to 64 trees, in order, side by side.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Group {
    pub(crate) lanes: u8,
    /// Questions of its largest tree.
    pub(crate) slots: u8,
    /// Leaves that each of its trees has room for.
    pub(crate) width: u8,
    /// Columns that its questions number, where not all of the model's.
    pub(crate) columns: u8,
    /// Columns of categories.
    pub(crate) lookups: u32,
    /// Sets of categories.
    pub(crate) sets: u32,
}

/// Trees in order that add to the same output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) output: u32,
    pub(crate) trees: u32,
}

/// A column of categories that a group asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lookup {
    pub(crate) column: u16,
    pub(crate) lines: u8,
}

/// A question about a column of categories.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Set {
    pub(crate) lane: u8,
    pub(crate) slot: u8,
    pub(crate) column: u16,
    /// Lines that go left.
    pub(crate) left: u64,
}

/// A question to many rows; the limit and the first leaf below are given four times each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Op {
    pub(crate) column: u32,
    pub(crate) limit: u32,
    pub(crate) low: u32,
}

/// Everything but the bytes.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) groups: Vec<Group>,
    pub(crate) runs: Vec<Run>,
    pub(crate) lookups: Vec<Lookup>,
    /// By group, lane and slot.
    pub(crate) sets: Vec<Set>,
    pub(crate) columns: Vec<u16>,
    /// [`Slot`]s.
    pub(crate) slots: Range<usize>,
    /// By group, column of categories, line and slot: the trees whose answer is no, as bits.
    pub(crate) no: Range<usize>,
    pub(crate) leaves: Range<usize>,
    /// Questions of each tree.
    pub(crate) counts: Vec<u8>,
    pub(crate) ops: Vec<Op>,
}

/// A model's tables over its bytes.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) quantiser: &'a Quantiser,
    pub(crate) tables: &'a Tables,
    pub(crate) slots: &'a [Slot],
    pub(crate) no: &'a [[u8; 8]],
    pub(crate) leaves: &'a [u8],
    /// What sums begin with, one per output.
    pub(crate) start: &'a [f64],
}

/// The bytes of the tables while they are made.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    pub(crate) slots: Vec<u8>,
    pub(crate) no: Vec<u8>,
    pub(crate) leaves: Vec<u8>,
}

fn slots(bytes: &[u8]) -> &[Slot] {
    bytes.as_chunks::<WIDTH>().0.as_chunks::<3>().0
}

impl Tables {
    /// The tables over the bytes they were read from.
    pub(crate) fn job<'a>(
        &'a self,
        quantiser: &'a Quantiser,
        bytes: &'a [u8],
        start: &'a [f64],
    ) -> Job<'a> {
        Job {
            quantiser,
            tables: self,
            slots: slots(&bytes[self.slots.clone()]),
            no: bytes[self.no.clone()].as_chunks().0,
            leaves: &bytes[self.leaves.clone()],
            start,
        }
    }

    /// Sets of categories of the group that has most.
    pub(crate) fn sets_most(&self) -> usize {
        self.groups.iter().map(|it| it.sets).max().unwrap_or(0) as usize
    }

    /// Bytes on the heap.
    pub(crate) fn size_bytes(&self) -> usize {
        self.groups.capacity() * size_of::<Group>()
            + self.runs.capacity() * size_of::<Run>()
            + self.lookups.capacity() * size_of::<Lookup>()
            + self.sets.capacity() * size_of::<Set>()
            + self.columns.capacity() * size_of::<u16>()
            + self.counts.capacity()
            + self.ops.capacity() * size_of::<Op>()
    }

    /// Writes tables and bytes.
    pub(crate) fn write(&self, blocks: &Blocks, to: &mut Writer) {
        to.len(self.groups.len());
        for it in &self.groups {
            for number in [it.lanes, it.slots, it.width, it.columns] {
                to.u8(number);
            }
            to.u32(it.lookups);
            to.u32(it.sets);
        }
        to.len(self.runs.len());
        for it in &self.runs {
            to.u32(it.output);
            to.u32(it.trees);
        }
        to.len(self.lookups.len());
        for it in &self.lookups {
            to.u16(it.column);
            to.u8(it.lines);
        }
        to.len(self.sets.len());
        for it in &self.sets {
            to.u8(it.lane);
            to.u8(it.slot);
            to.u16(it.column);
            to.u64(it.left);
        }
        to.len(self.columns.len());
        self.columns.iter().for_each(|it| to.u16(*it));
        for block in [&blocks.slots, &blocks.no, &blocks.leaves] {
            to.block(block);
        }
    }

    /// Reads tables over so many columns and outputs, with leaves of so many bytes.
    pub(crate) fn read(
        from: &mut Reader<'_>,
        width: usize,
        outputs: usize,
        leaf: usize,
    ) -> Result<Self, ReadError> {
        let groups = from.many(12, Group::read)?;
        let runs = from.many(8, |from| {
            let (output, trees) = (from.u32()?, from.u32()?);
            from.hold((output as usize) < outputs, "no such output")?;
            from.hold(trees > 0, "a run of no trees")?;
            Ok(Run { output, trees })
        })?;
        let column = |from: &mut Reader<'_>| {
            let it = from.u16()?;
            from.hold(usize::from(it) < width, "no such column")?;
            Ok(it)
        };
        let lookups = from.many(3, |from| {
            let (column, lines) = (column(from)?, from.u8()?);
            from.hold((1..=64).contains(&lines), "an odd number of lines")?;
            Ok(Lookup { column, lines })
        })?;
        let sets = from.many(12, |from| {
            let (lane, slot) = (from.u8()?, from.u8()?);
            let (column, left) = (column(from)?, from.u64()?);
            Ok(Set {
                lane,
                slot,
                column,
                left,
            })
        })?;
        let columns = from.many(2, column)?;
        let mut it = Self {
            groups,
            runs,
            lookups,
            sets,
            columns,
            ..Self::default()
        };
        it.slots = from.block()?;
        it.no = from.block()?;
        it.leaves = from.block()?;
        it.check(from, leaf)?;
        it.make_ops(from, width)?;
        Ok(it)
    }

    fn check(&self, from: &Reader<'_>, leaf: usize) -> Result<(), ReadError> {
        let sum = |of: fn(&Group) -> u64| self.groups.iter().map(of).sum::<u64>();
        let held = |bytes: &Range<usize>| bytes.len() as u64;
        let trees: u64 = self.runs.iter().map(|it| u64::from(it.trees)).sum();
        let lanes = sum(|it| u64::from(it.lanes));
        from.hold(lanes == trees, "trees do not add up")?;
        let slots = sum(|it| u64::from(it.slots)) * size_of::<Slot>() as u64;
        from.hold(slots == held(&self.slots), "questions do not add up")?;
        let leaves = sum(|it| u64::from(it.width) * u64::from(it.lanes)) * leaf as u64;
        from.hold(leaves == held(&self.leaves), "leaves do not add up")?;
        let columns = sum(|it| u64::from(it.columns)) as usize;
        from.hold(columns == self.columns.len(), "columns do not add up")?;
        let lookups = sum(|it| u64::from(it.lookups)) as usize;
        from.hold(lookups == self.lookups.len(), "categories do not add up")?;
        let sets = sum(|it| u64::from(it.sets)) as usize;
        from.hold(sets == self.sets.len(), "sets do not add up")?;
        let mut lookups = self.lookups.iter();
        let bits = self.groups.iter().map(|group| {
            let mine = lookups.by_ref().take(group.lookups as usize);
            let lines: u64 = mine.map(|it| u64::from(it.lines)).sum();
            8 * lines * u64::from(group.slots)
        });
        let bits = bits.sum::<u64>();
        from.hold(bits == held(&self.no), "lines do not add up")
    }

    /// Lays out for many rows what lies there for one.
    fn make_ops(&mut self, from: &Reader<'_>, width: usize) -> Result<(), ReadError> {
        let mut all = slots(&from.bytes[self.slots.clone()]);
        let (mut sets, mut columns) = (self.sets.as_slice(), self.columns.as_slice());
        self.ops.reserve_exact(all.len() * WIDTH);
        self.counts
            .reserve_exact(self.groups.len().saturating_mul(WIDTH));
        for group in &self.groups {
            let (slots, rest) = all.split_at(usize::from(group.slots));
            let (own, others) = sets.split_at(group.sets as usize);
            let (near, far) = columns.split_at(usize::from(group.columns));
            (all, sets, columns) = (rest, others, far);
            let mut own = own.iter().zip(width as u32..).peekable();
            for lane in 0..usize::from(group.lanes) {
                let before = self.ops.len();
                for ([numbers, limits, lows], slot) in slots.iter().zip(0..) {
                    let is_here = |set: &Set| (usize::from(set.lane), set.slot) == (lane, slot);
                    let (column, limit) = match own.next_if(|(set, _)| is_here(set)) {
                        Some((_, column)) => (column, 0),
                        None if limits[lane] == NEVER => continue,
                        None => {
                            let number = usize::from(numbers[lane]);
                            let column = near.get(number).map_or(number, |it| usize::from(*it));
                            from.hold(column < width, "no such column")?;
                            (column as u32, limits[lane])
                        }
                    };
                    self.ops.push(Op {
                        column,
                        limit: u32::from_ne_bytes([limit; 4]),
                        low: u32::from_ne_bytes([lows[lane]; 4]),
                    });
                }
                self.counts.push((self.ops.len() - before) as u8);
            }
            from.hold(own.next().is_none(), "sets out of order")?;
        }
        self.ops.shrink_to_fit();
        self.counts.shrink_to_fit();
        Ok(())
    }
}

impl Group {
    fn read(from: &mut Reader<'_>) -> Result<Self, ReadError> {
        let it = Self {
            lanes: from.u8()?,
            slots: from.u8()?,
            width: from.u8()?,
            columns: from.u8()?,
            lookups: from.u32()?,
            sets: from.u32()?,
        };
        let lanes = usize::from(it.lanes);
        from.hold((1..=WIDTH).contains(&lanes), "an odd number of trees")?;
        let has_room = it.slots < it.width && usize::from(it.width) <= LEAVES_MAX;
        let has_room = has_room && it.width.is_multiple_of(8);
        from.hold(has_room, "an odd number of leaves")?;
        let columns = usize::from(it.columns);
        from.hold(columns <= super::NEAR, "an odd number of columns")?;
        Ok(it)
    }
}
