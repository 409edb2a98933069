//! How a kind's values become bytes for the shared tier and values again, with what a memory needs
//! to know of them beside the frame.

use std::time::Duration;

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

use crate::rules::{Ages, millis};
use crate::shared::Frame;

/// Before the value: the ages that a frame does not hold, the cost of its load, and marks.
const HEAD: usize = 13;
const NEGATIVE: u8 = 1;

/// A kind's codec.
pub(crate) struct Packing<V> {
    /// Of the kind's name, the number of its schema, and the layout here.
    pub(crate) schema: u64,
    pub(crate) pack: Pack<V>,
    pub(crate) unpack: Unpack<V>,
}

type Pack<V> = Box<dyn Fn(&V, &mut Vec<u8>) + Send + Sync>;
type Unpack<V> = Box<dyn Fn(Bytes) -> Option<V> + Send + Sync>;

/// Everything about an entry that goes along with its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Side {
    pub(crate) ages: Ages,
    pub(crate) cost_us: u32,
    pub(crate) negative: bool,
}

impl<V> Packing<V> {
    pub(crate) fn new(kind: &str, schema: u32, pack: Pack<V>, unpack: Unpack<V>) -> Self {
        Self {
            schema: xxh3_64(format!("1:{schema}:{kind}").as_bytes()),
            pack,
            unpack,
        }
    }

    /// What the value is known by in the shared tier: schemas side by side do not see each other's,
    /// and changes reach them all.
    pub(crate) fn name(&self, key: &[u8]) -> Vec<u8> {
        [&self.schema.to_be_bytes(), key].concat()
    }

    /// A frame of a value that is `age` old.
    pub(crate) fn frame(&self, value: &V, side: Side, slots: &[u32], age: Duration) -> Frame {
        let mut bytes = Vec::with_capacity(512);
        for number in [side.ages.eager, side.ages.revalidate, side.cost_us] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.push(if side.negative { NEGATIVE } else { 0 });
        (self.pack)(value, &mut bytes);
        Frame {
            bytes: bytes.into(),
            schema: self.schema,
            slots: slots.to_vec(),
            age,
            soft: Duration::from_millis(u64::from(side.ages.soft)),
            hard: Duration::from_millis(u64::from(side.ages.hard)),
        }
    }

    /// The value of a frame; `None` where it is none of this kind.
    pub(crate) fn open(&self, frame: &Frame) -> Option<(V, Side)> {
        let head = frame.bytes.get(..HEAD)?;
        let number = |at: usize| {
            let bytes = head[at..at + 4].try_into();
            u32::from_be_bytes(bytes.expect("the range has four bytes"))
        };
        let (soft, hard) = (millis(frame.soft), millis(frame.hard));
        let ages = Ages {
            eager: number(0),
            soft,
            revalidate: number(4),
            hard,
        };
        let sound = ages.eager <= soft && soft <= ages.revalidate && ages.revalidate <= hard;
        if !sound || head[12] > NEGATIVE {
            return None;
        }
        let side = Side {
            ages,
            cost_us: number(8),
            negative: head[12] == NEGATIVE,
        };
        Some(((self.unpack)(frame.bytes.slice(HEAD..))?, side))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(schema: u32) -> Packing<String> {
        Packing::new(
            "text",
            schema,
            Box::new(|text: &String, to: &mut Vec<u8>| to.extend_from_slice(text.as_bytes())),
            Box::new(|bytes| String::from_utf8(bytes.to_vec()).ok()),
        )
    }

    const SIDE: Side = Side {
        ages: Ages {
            eager: 5,
            soft: 10,
            revalidate: 20,
            hard: 30,
        },
        cost_us: 7,
        negative: true,
    };

    #[test]
    fn what_is_packed_is_unpacked() {
        let packing = texts(1);
        let age = Duration::from_millis(3);
        let frame = packing.frame(&"Ajax".to_owned(), SIDE, &[1, 2], age);
        assert_eq!(frame.age, age);
        assert_eq!(packing.open(&frame), Some(("Ajax".to_owned(), SIDE)));
    }

    #[test]
    fn what_makes_no_sense_is_nothing() {
        let packing = texts(1);
        let frame = packing.frame(&"Ajax".to_owned(), SIDE, &[], Duration::ZERO);
        let with = |at: usize, byte: u8| {
            let mut bytes = frame.bytes.to_vec();
            bytes[at] = byte;
            packing.open(&Frame {
                bytes: bytes.into(),
                ..frame.clone()
            })
        };
        assert_eq!(with(3, 11), None, "eager after soft");
        assert_eq!(with(7, 31), None, "revalidated after the end");
        assert_eq!(with(12, 2), None, "a mark that is not known");
        assert_eq!(with(13, 0xff), None, "no text");
        let short = Frame {
            bytes: frame.bytes.slice(..HEAD - 1),
            ..frame
        };
        assert_eq!(packing.open(&short), None);
    }

    #[test]
    fn schemas_and_kinds_have_names_of_their_own() {
        assert_ne!(texts(1).name(b"k"), texts(2).name(b"k"));
        assert_eq!(texts(1).name(b"k"), texts(1).name(b"k"));
    }
}
