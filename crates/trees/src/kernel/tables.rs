//! What the bit-vector kernels run over: bytes that lie as they are used, and what says how many.

use super::WIDTH;
use crate::ReadError;
use crate::compact::{Reader, Writer};
use crate::quantise::Quantiser;
use std::ops::Range;

/// Up to 32 trees of one output, in order, side by side.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Group {
    /// Bytes of leaves in a tree of it: 1, 2, 4 or 8.
    pub(crate) planes: u8,
    pub(crate) lanes: u8,
    pub(crate) output: u32,
    /// Columns of categories.
    pub(crate) lookups: u32,
    /// Questions about columns below 32.
    pub(crate) near: u32,
    /// Questions about columns below 64.
    pub(crate) far: u32,
    /// Questions about any column.
    pub(crate) cold: u32,
}

/// A column of categories that a group asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lookup {
    pub(crate) column: u16,
    pub(crate) lines: u8,
}

/// How many categories and ranks one plane of one tree asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Count {
    pub(crate) lines: u8,
    pub(crate) ranks: u8,
}

/// Everything but the bytes.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) groups: Vec<Group>,
    pub(crate) lookups: Vec<Lookup>,
    pub(crate) counts: Vec<Count>,
    /// The columns of the tables in `keeps`.
    pub(crate) columns: Vec<u16>,
    pub(crate) lanes: Range<usize>,
    pub(crate) ops: Range<usize>,
    pub(crate) keeps: Range<usize>,
    pub(crate) leaves: Range<usize>,
}

/// A model's tables over its bytes.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) quantiser: &'a Quantiser,
    pub(crate) tables: &'a Tables,
    pub(crate) lanes: &'a [u8],
    pub(crate) ops: &'a [u8],
    pub(crate) keeps: &'a [u8],
    pub(crate) leaves: &'a [u8],
    /// What sums begin with, one per output.
    pub(crate) start: &'a [f64],
}

/// The bytes of the tables while they are made.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    pub(crate) lanes: Vec<u8>,
    pub(crate) ops: Vec<u8>,
    pub(crate) keeps: Vec<u8>,
    pub(crate) leaves: Vec<u8>,
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
            lanes: &bytes[self.lanes.clone()],
            ops: &bytes[self.ops.clone()],
            keeps: &bytes[self.keeps.clone()],
            leaves: &bytes[self.leaves.clone()],
            start,
        }
    }

    /// Bytes on the heap.
    pub(crate) fn size_bytes(&self) -> usize {
        self.groups.capacity() * size_of::<Group>()
            + self.lookups.capacity() * size_of::<Lookup>()
            + self.counts.capacity() * size_of::<Count>()
            + self.columns.capacity() * size_of::<u16>()
    }

    /// Writes tables and bytes.
    pub(crate) fn write(&self, blocks: &Blocks, to: &mut Writer) {
        to.len(self.groups.len());
        for it in &self.groups {
            to.u8(it.planes);
            to.u8(it.lanes);
            for number in [it.output, it.lookups, it.near, it.far, it.cold] {
                to.u32(number);
            }
        }
        to.len(self.lookups.len());
        for it in &self.lookups {
            to.u32(u32::from(it.column));
            to.u8(it.lines);
        }
        to.len(self.counts.len());
        for it in &self.counts {
            to.u8(it.lines);
            to.u8(it.ranks);
        }
        to.len(self.columns.len());
        self.columns.iter().for_each(|it| to.u32(u32::from(*it)));
        for block in [&blocks.lanes, &blocks.ops, &blocks.keeps, &blocks.leaves] {
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
        let groups = from.many(22, |from| {
            let it = Group {
                planes: from.u8()?,
                lanes: from.u8()?,
                output: from.u32()?,
                lookups: from.u32()?,
                near: from.u32()?,
                far: from.u32()?,
                cold: from.u32()?,
            };
            from.hold(
                matches!(it.planes, 1 | 2 | 4 | 8),
                "an odd number of planes",
            )?;
            from.hold(
                (1..=WIDTH).contains(&usize::from(it.lanes)),
                "an odd number of trees",
            )?;
            from.hold((it.output as usize) < outputs, "no such output")?;
            Ok(it)
        })?;
        let column = |from: &mut Reader<'_>| {
            let it = from.u32()?;
            from.hold((it as usize) < width, "no such column")?;
            u16::try_from(it).map_err(|_| from.broken("no such column"))
        };
        let lookups = from.many(5, |from| {
            let column = column(from)?;
            let lines = from.u8()?;
            from.hold((1..=32).contains(&lines), "an odd number of lines")?;
            Ok(Lookup { column, lines })
        })?;
        let counts = from.many(2, |from| {
            let (lines, ranks) = (from.u8()?, from.u8()?);
            Ok(Count { lines, ranks })
        })?;
        let columns = from.many(4, column)?;
        let mut it = Self {
            groups,
            lookups,
            counts,
            columns,
            ..Self::default()
        };
        it.lanes = from.block()?;
        it.ops = from.block()?;
        it.keeps = from.block()?;
        it.leaves = from.block()?;
        it.check(from, width, leaf)?;
        Ok(it)
    }

    fn check(&self, from: &Reader<'_>, width: usize, leaf: usize) -> Result<(), ReadError> {
        let sum = |of: fn(&Group) -> u64| self.groups.iter().map(of).sum::<u64>();
        let planes = |it: &Group| u64::from(it.planes) * u64::from(it.lanes);
        from.hold(
            sum(planes) == self.counts.len() as u64,
            "planes do not add up",
        )?;
        let leaves = sum(planes) * 8 * leaf as u64;
        from.hold(leaves == self.leaves.len() as u64, "leaves do not add up")?;
        let lookups = sum(|it| u64::from(it.lookups));
        from.hold(
            lookups == self.lookups.len() as u64,
            "categories do not add up",
        )?;
        let ranks: u64 = self.counts.iter().map(|it| 4 * u64::from(it.ranks)).sum();
        from.hold(ranks == self.ops.len() as u64, "questions do not add up")?;
        let lines: u64 = self.counts.iter().map(|it| u64::from(it.lines)).sum();
        let held = (self.columns.len() as u64, self.keeps.len() as u64);
        from.hold(held == (lines, 32 * lines), "lines do not add up")?;
        let (ops, _) = from.bytes[self.ops.clone()].as_chunks::<4>();
        let known = |op: &[u8; 4]| usize::from(u16::from_le_bytes([op[0], op[1]])) < width;
        from.hold(ops.iter().all(known), "no such column")?;
        self.check_lanes(from, width)
    }

    fn check_lanes(&self, from: &Reader<'_>, width: usize) -> Result<(), ReadError> {
        let mut rest = &from.bytes[self.lanes.clone()];
        let mut lookups = self.lookups.as_slice();
        for group in &self.groups {
            let (mine, others) = lookups.split_at(group.lookups as usize);
            lookups = others;
            let plane = WIDTH as u64 * u64::from(group.planes);
            let lines: u64 = mine.iter().map(|it| u64::from(it.lines)).sum();
            let hot = (u64::from(group.near) + u64::from(group.far)) * (plane + 64);
            let cold = u64::from(group.cold) * (plane + 96);
            let (warm, all) = (lines * plane + hot, lines * plane + hot + cold);
            from.hold(all <= rest.len() as u64, "groups of trees do not add up")?;
            let (mine, others) = rest.split_at(all as usize);
            rest = others;
            let slots = mine[warm as usize..].chunks_exact((plane + 96) as usize);
            for slot in slots {
                let (numbers, _) = slot[..64].as_chunks::<2>();
                let known = |it: &[u8; 2]| usize::from(u16::from_le_bytes(*it)) < width;
                from.hold(numbers.iter().all(known), "no such column")?;
            }
        }
        from.hold(rest.is_empty(), "groups of trees do not add up")
    }
}
