//! Packs what is read by the ten thousand into bytes, and reads it back bit for bit.
//!
//! Little endian throughout. Every optional part is announced by a bit of a mask, so that nothing
//! is spent on what is absent.

mod game;
mod prices;

use domain::{MatchStats, Score};

use crate::StoreError;
use crate::code::corrupt;

pub(crate) use game::{pack_game, price_part, unpack_game};
pub(crate) use prices::pack_prices;

/// Packs statistics.
pub(crate) fn pack_stats(stats: &MatchStats) -> Vec<u8> {
    let mut writer = Writer::default();
    write_stats(&mut writer, stats);
    writer.0
}

fn write_stats(writer: &mut Writer, stats: &MatchStats) {
    let half_time = stats.half_time.map(|it| [it.home, it.away]);
    let pairs = [
        half_time,
        stats.shots,
        stats.shots_on_target,
        stats.corners,
        stats.yellow_cards,
        stats.red_cards,
        stats.rest_days,
    ];
    let mut mask = u8::from(stats.expected_goals.is_some()) << 7;
    for (bit, pair) in pairs.iter().enumerate() {
        mask |= u8::from(pair.is_some()) << bit;
    }
    writer.u8(mask);
    for side in pairs.into_iter().flatten().flatten() {
        writer.u16(side);
    }
    for side in stats.expected_goals.into_iter().flatten() {
        writer.f64(side);
    }
}

/// Reads [`pack_stats`] back.
pub(crate) fn unpack_stats(bytes: &[u8]) -> Result<MatchStats, StoreError> {
    read_stats(&mut Reader(bytes)).ok_or_else(|| corrupt("fixtures.stats", hex(bytes)))
}

fn read_stats(reader: &mut Reader<'_>) -> Option<MatchStats> {
    let mask = reader.u8()?;
    let mut pair = |bit: u8| -> Option<Option<[u16; 2]>> {
        if mask & (1 << bit) == 0 {
            return Some(None);
        }
        Some(Some([reader.u16()?, reader.u16()?]))
    };
    Some(MatchStats {
        half_time: pair(0)?.map(|[home, away]| Score { home, away }),
        shots: pair(1)?,
        shots_on_target: pair(2)?,
        corners: pair(3)?,
        yellow_cards: pair(4)?,
        red_cards: pair(5)?,
        rest_days: pair(6)?,
        expected_goals: match mask & (1 << 7) {
            0 => None,
            _ => Some([reader.f64()?, reader.f64()?]),
        },
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u16(&mut self, value: u16) {
        self.0.extend(value.to_le_bytes());
    }

    fn i64(&mut self, value: i64) {
        self.0.extend(value.to_le_bytes());
    }

    fn f64(&mut self, value: f64) {
        self.0.extend(value.to_bits().to_le_bytes());
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take().map(u8::from_le_bytes)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    fn i64(&mut self) -> Option<i64> {
        self.take().map(i64::from_le_bytes)
    }

    fn f64(&mut self) -> Option<f64> {
        self.take().map(u64::from_le_bytes).map(f64::from_bits)
    }
}
