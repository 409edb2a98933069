//! What an entry knows of itself that few looks need, packed before the rest of its key: six bytes,
//! ten where its life is another one than its kind's.

use crate::versions::Slot;

/// Bytes of one that has nothing of its own.
const BYTES: usize = 6;

/// Slots below this are written in three bytes.
const NARROW: Slot = 1 << 24;

/// Where what stands in the first three bytes, above the length of the key's rest.
const SLOTS_AT: u32 = 11;
const NEGATIVE: u32 = 1 << 19;
const OWN_HARD: u32 = 1 << 20;
const WIDE: u32 = 1 << 21;
const PUBLIC: u32 = 1 << 22;

/// What stands before the rest of a key and the slots, and how long those are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lead {
    /// Bits of the time of birth above the lower 32.
    pub(super) born_high: u8,
    /// What its load took.
    pub(super) cost: Cost,
    /// The age from which it is gone, where its kind's is another.
    pub(super) hard: Option<u32>,
    pub(super) negative: bool,
    /// Everybody may see it, which its terms' prefix says and the rest of the key does not.
    pub(super) public: bool,
    /// Slots take four bytes each, not three.
    wide: bool,
    key_length: u16,
    slots: u8,
}

/// Microseconds in two bytes: exact below 4,096, from there on short by a two-thousandth at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost(u16);

impl Cost {
    pub(super) fn of(us: u32) -> Self {
        let shift = (u32::BITS - us.leading_zeros()).saturating_sub(12);
        match shift {
            0..=15 => Self((shift << 12 | (us >> shift) & 0xfff) as u16),
            // More than two minutes.
            _ => Self(u16::MAX),
        }
    }

    #[inline]
    pub(super) fn us(self) -> u32 {
        u32::from(self.0 & 0xfff) << (self.0 >> 12)
    }
}

impl Lead {
    /// One of a key whose rest is `rest`, with these slots of its own; everything in one piece.
    pub(super) fn tail(mut self, rest: &[u8], slots: &[Slot]) -> Vec<u8> {
        self.key_length = u16::try_from(rest.len()).expect("keys are checked before they are used");
        self.slots = u8::try_from(slots.len()).expect("tags are counted before they are kept");
        self.wide = slots.iter().any(|it| *it >= NARROW);
        let mut tail = Vec::with_capacity(self.end());
        let flags = u32::from(self.key_length)
            | u32::from(self.slots) << SLOTS_AT
            | [
                (self.negative, NEGATIVE),
                (self.hard.is_some(), OWN_HARD),
                (self.wide, WIDE),
                (self.public, PUBLIC),
            ]
            .into_iter()
            .map(|(is_so, flag)| if is_so { flag } else { 0 })
            .sum::<u32>();
        tail.extend_from_slice(&flags.to_le_bytes()[..3]);
        tail.push(self.born_high);
        tail.extend_from_slice(&self.cost.0.to_le_bytes());
        tail.extend(self.hard.iter().flat_map(|it| it.to_le_bytes()));
        tail.extend_from_slice(rest);
        for slot in slots {
            tail.extend_from_slice(&slot.to_le_bytes()[..self.slot_bytes()]);
        }
        tail
    }

    /// Nothing but what is given; lengths follow from [`Self::tail`].
    pub(super) const fn new(born_high: u8, cost: Cost, hard: Option<u32>) -> Self {
        Self {
            born_high,
            cost,
            hard,
            negative: false,
            public: false,
            wide: false,
            key_length: 0,
            slots: 0,
        }
    }

    #[inline]
    pub(super) fn read(tail: &[u8]) -> Self {
        let (lead, after) = tail
            .split_first_chunk::<BYTES>()
            .expect("it is never left out");
        let flags = u32::from_le_bytes([lead[0], lead[1], lead[2], 0]);
        let has = |flag| flags & flag != 0;
        let hard = after.first_chunk().copied().map(u32::from_le_bytes);
        Self {
            born_high: lead[3],
            cost: Cost(u16::from_le_bytes([lead[4], lead[5]])),
            hard: hard.filter(|_| has(OWN_HARD)),
            negative: has(NEGATIVE),
            public: has(PUBLIC),
            wide: has(WIDE),
            key_length: (flags & ((1 << SLOTS_AT) - 1)) as u16,
            slots: (flags >> SLOTS_AT) as u8,
        }
    }

    fn slot_bytes(self) -> usize {
        3 + usize::from(self.wide)
    }

    #[inline]
    fn key_at(self) -> usize {
        BYTES + usize::from(self.hard.is_some()) * size_of::<u32>()
    }

    #[inline]
    fn slots_at(self) -> usize {
        self.key_at() + usize::from(self.key_length)
    }

    fn end(self) -> usize {
        self.slots_at() + usize::from(self.slots) * self.slot_bytes()
    }

    /// The rest of the key.
    #[inline]
    pub(super) fn rest(self, tail: &[u8]) -> &[u8] {
        &tail[self.key_at()..self.slots_at()]
    }

    /// The slots of its own.
    #[inline]
    pub(super) fn slots(self, tail: &[u8]) -> impl Iterator<Item = Slot> + '_ {
        let each = tail[self.slots_at()..self.end()].chunks_exact(self.slot_bytes());
        each.map(|it| {
            let high = it.get(3).copied().unwrap_or(0);
            Slot::from_le_bytes([it[0], it[1], it[2], high])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_read_as_it_was() {
        let rests: [&[u8]; 3] = [b"", b"rest", &[7; 1_024]];
        for rest in rests {
            for slots in [vec![], vec![1, 2, NARROW - 1], vec![NARROW, 3]] {
                for hard in [None, Some(0), Some(u32::MAX)] {
                    let mut lead = Lead::new(250, Cost::of(3_999), hard);
                    lead.negative = rest.is_empty();
                    lead.public = !slots.is_empty();
                    let tail = [lead.tail(rest, &slots), vec![0; 9]].concat();
                    let read = Lead::read(&tail);
                    assert_eq!(
                        (read.born_high, read.cost.us(), read.hard),
                        (250, 3_999, hard)
                    );
                    assert_eq!((read.negative, read.public), (lead.negative, lead.public));
                    assert_eq!(read.rest(&tail), rest);
                    assert_eq!(read.slots(&tail).collect::<Vec<_>>(), slots);
                }
            }
        }
    }

    #[test]
    fn a_cost_is_kept_to_a_two_thousandth() {
        for us in [0, 1, 4_095, 4_096, 40_000, 123_457, 9_999_999, 134_184_960] {
            let kept = Cost::of(us).us();
            assert!(kept <= us && us - kept <= us / 2_048, "{us} {kept}");
        }
        assert_eq!(Cost::of(u32::MAX), Cost::of(134_184_960));
    }
}
