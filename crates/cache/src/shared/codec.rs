//! How an entry lies in the shared tier: a header, the slots, the key, the value.
//!
//! Whatever does not fit to the last bit is no frame, which is a miss and never a wrong value. The
//! numbers are big-endian, for the scripts read some of them:
//!
//! | bytes | what |
//! |---|---|
//! | 0..4 | `SE`, format, whether the value is compressed |
//! | 4..8 | CRC-32 of everything from 16 on |
//! | 8..16 | when it was stored, milliseconds of the server's clock; written by the script |
//! | 16..32 | the server's incarnation |
//! | 32..40 | the clock when its load began |
//! | 40..48 | schema |
//! | 48..60 | soft and hard age, age when put, milliseconds |
//! | 60..64 | length of the value before compression |
//! | 64..68 | how many slots, length of the key |
//! | 68.. | the slots, the key, the value |

use std::time::Duration;

use bytes::Bytes;

use super::types::{Frame, Incarnation, SLOTS_MAX};

const MAGIC: [u8; 3] = *b"SE\x01";
const HEADER: usize = 68;
/// Where what the script writes begins and ends.
pub(crate) const STORED: std::ops::Range<usize> = 8..16;
const ZSTD: u8 = 1;
/// Fast and good enough: values are a few kilobytes of the same few words.
const ZSTD_LEVEL: i32 = 1;

/// What is needed to write a frame besides the frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seal<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) incarnation: &'a Incarnation,
    pub(crate) built: u64,
}

/// A frame as it was read, with what tells whether it is fresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The entry; its age is the one it had when it was put.
    pub frame: Frame,
    /// The server's incarnation that it belongs to.
    pub incarnation: [u8; 16],
    /// The server's clock when its load began.
    pub built: u64,
    /// When it was stored, milliseconds of the server's clock.
    pub stored_ms: u64,
}

/// Writes a frame, compressed where that pays and the value has at least `compress_from` bytes.
pub(crate) fn encode(frame: &Frame, seal: Seal<'_>, compress_from: usize) -> Vec<u8> {
    debug_assert!(frame.slots.len() <= SLOTS_MAX, "the caller checked");
    let packed = pack(&frame.bytes, compress_from);
    let (value, flags) = match &packed {
        Some(packed) => (packed.as_slice(), ZSTD),
        None => (frame.bytes.as_ref(), 0),
    };
    let size = HEADER + frame.slots.len() * 4 + seal.key.len() + value.len();
    let mut out = Vec::with_capacity(size);
    out.extend_from_slice(&MAGIC);
    out.push(flags);
    out.extend_from_slice(&[0; 12]);
    out.extend_from_slice(seal.incarnation);
    out.extend_from_slice(&seal.built.to_be_bytes());
    out.extend_from_slice(&frame.schema.to_be_bytes());
    for age in [frame.soft, frame.hard, frame.age] {
        out.extend_from_slice(&millis(age).to_be_bytes());
    }
    out.extend_from_slice(&length(frame.bytes.len()).to_be_bytes());
    out.extend_from_slice(&short(frame.slots.len()).to_be_bytes());
    out.extend_from_slice(&short(seal.key.len()).to_be_bytes());
    for slot in &frame.slots {
        out.extend_from_slice(&slot.to_be_bytes());
    }
    out.extend_from_slice(seal.key);
    out.extend_from_slice(value);
    let crc = crc32fast::hash(&out[STORED.end..]);
    out[4..8].copy_from_slice(&crc.to_be_bytes());
    out
}

/// Reads the frame of `key`, without a copy of a value that was not compressed.
///
/// `None` where the bytes are anything else than what [`encode`] wrote for that key, or claim a
/// value of more than `value_max` bytes.
pub fn decode(bytes: &Bytes, key: &[u8], value_max: usize) -> Option<Decoded> {
    let header = bytes.get(..HEADER)?;
    let flags = header[3];
    if header[..3] != MAGIC || flags > ZSTD {
        return None;
    }
    let slots_end = HEADER + 4 * usize::from(u16_at(header, 64));
    let key_end = slots_end + usize::from(u16_at(header, 66));
    if bytes.get(slots_end..key_end)? != key || slots_end > HEADER + 4 * SLOTS_MAX {
        return None;
    }
    if crc32fast::hash(&bytes[STORED.end..]) != u32_at(header, 4) {
        return None;
    }
    let size = usize::try_from(u32_at(header, 60)).ok()?;
    let value = bytes.slice(key_end..);
    let value = match flags {
        _ if size > value_max => return None,
        ZSTD => Bytes::from(unpack(&value, size)?),
        _ if value.len() == size => value,
        _ => return None,
    };
    let mut incarnation = Incarnation::default();
    incarnation.copy_from_slice(&header[16..32]);
    let age = |at| Duration::from_millis(u64::from(u32_at(header, at)));
    Some(Decoded {
        frame: Frame {
            bytes: value,
            schema: u64_at(header, 40),
            slots: bytes[HEADER..slots_end]
                .chunks_exact(4)
                .map(|slot| u32_at(slot, 0))
                .collect(),
            age: age(56),
            soft: age(48),
            hard: age(52),
        },
        incarnation,
        built: u64_at(header, 32),
        stored_ms: u64_at(header, STORED.start),
    })
}

fn pack(value: &[u8], compress_from: usize) -> Option<Vec<u8>> {
    if value.len() < compress_from.max(1) {
        return None;
    }
    let packed = zstd::bulk::compress(value, ZSTD_LEVEL).ok()?;
    (packed.len() < value.len()).then_some(packed)
}

/// The value, where it has the size that the header claims, to the byte.
fn unpack(value: &[u8], size: usize) -> Option<Vec<u8>> {
    let unpacked = zstd::bulk::decompress(value, size).ok()?;
    (unpacked.len() == size).then_some(unpacked)
}

/// Milliseconds, at most 49 days, which is far beyond what a cache keeps.
fn millis(age: Duration) -> u32 {
    u32::try_from(age.as_millis()).unwrap_or(u32::MAX)
}

fn length(size: usize) -> u32 {
    u32::try_from(size).expect("the caller checked the size")
}

fn short(size: usize) -> u16 {
    u16::try_from(size).expect("the caller checked the size")
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    (u64::from(u32_at(bytes, at)) << 32) | u64::from(u32_at(bytes, at + 4))
}
