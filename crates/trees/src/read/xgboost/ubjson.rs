//! UBJSON, draft 12, big-endian as XGBoost writes it: one value of known shape out of bytes.
//!
//! Nothing is taken on trust: a length reaches no further than the bytes do, values lie in each
//! other so deep and no deeper, and an array of values that take no bytes is refused.

use serde::de::{self, DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor};

use crate::{ReadError, check::malformed};

/// How deep values may lie in each other.
const DEPTH_MAX: usize = 64;

/// Reads the one value that the bytes hold.
pub(super) fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ReadError> {
    let mut reader = Reader {
        bytes,
        at: 0,
        depth: 0,
    };
    let read = reader.marker().and_then(|marker| {
        let value = T::deserialize(Value {
            reader: &mut reader,
            marker,
        })?;
        match reader.at == bytes.len() {
            true => Ok(value),
            false => Err(Fault("more than a model".to_owned())),
        }
    });
    read.map_err(|fault| malformed(&format!("byte {}", reader.at), &fault.0))
}

struct Reader<'de> {
    bytes: &'de [u8],
    at: usize,
    depth: usize,
}

/// What is wrong; the reader knows where.
#[derive(Debug)]
struct Fault(String);

impl std::fmt::Display for Fault {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: std::fmt::Display>(text: T) -> Self {
        Self(text.to_string())
    }
}

fn fault<T>(reason: &str) -> Result<T, Fault> {
    Err(Fault(reason.to_owned()))
}

impl<'de> Reader<'de> {
    fn take(&mut self, count: usize) -> Result<&'de [u8], Fault> {
        let rest = &self.bytes[self.at..];
        let Some(taken) = rest.get(..count) else {
            return fault("cut off");
        };
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let taken = self.take(N)?;
        Ok(taken.try_into().expect("as many as were asked for"))
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// What kind of value comes next.
    fn marker(&mut self) -> Result<u8, Fault> {
        loop {
            match self.array::<1>()? {
                // Stands for nothing.
                [b'N'] => {}
                [marker] => return Ok(marker),
            }
        }
    }

    fn integer(&mut self, marker: u8) -> Result<i64, Fault> {
        Ok(match marker {
            b'i' => i8::from_be_bytes(self.array()?).into(),
            b'U' => u8::from_be_bytes(self.array()?).into(),
            b'I' => i16::from_be_bytes(self.array()?).into(),
            b'l' => i32::from_be_bytes(self.array()?).into(),
            b'L' => i64::from_be_bytes(self.array()?),
            _ => return fault("a length that is no integer"),
        })
    }

    fn length(&mut self) -> Result<usize, Fault> {
        let marker = self.marker()?;
        let length = self.integer(marker)?;
        usize::try_from(length).or_else(|_| fault("a length below zero"))
    }

    fn text(&mut self) -> Result<&'de str, Fault> {
        let length = self.length()?;
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).or_else(|_| fault("it is not text"))
    }

    /// Kind and number of a container's values, where they stand at its front.
    fn front(&mut self) -> Result<(Option<u8>, Option<usize>), Fault> {
        let mut kind = None;
        if self.peek() == Some(b'$') {
            self.at += 1;
            let [marker] = self.array()?;
            if !b"iUIlLdDCSH[{".contains(&marker) {
                return fault("values of a kind that takes no bytes");
            }
            kind = Some(marker);
            if self.peek() != Some(b'#') {
                return fault("a kind without a number of values");
            }
        }
        let mut count = None;
        if self.peek() == Some(b'#') {
            self.at += 1;
            count = Some(self.length()?);
        }
        Ok((kind, count))
    }
}

/// A value whose kind has been read.
struct Value<'a, 'de> {
    reader: &'a mut Reader<'de>,
    marker: u8,
}

impl<'de> de::Deserializer<'de> for Value<'_, 'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let reader = self.reader;
        match self.marker {
            b'Z' => visitor.visit_unit(),
            b'T' => visitor.visit_bool(true),
            b'F' => visitor.visit_bool(false),
            b'd' => visitor.visit_f32(f32::from_be_bytes(reader.array()?)),
            b'D' => visitor.visit_f64(f64::from_be_bytes(reader.array()?)),
            b'C' => visitor.visit_char(reader.array::<1>()?[0].into()),
            b'S' | b'H' => visitor.visit_borrowed_str(reader.text()?),
            marker @ (b'[' | b'{') => {
                if reader.depth == DEPTH_MAX {
                    return fault("values lie in each other too deep");
                }
                reader.depth += 1;
                let (kind, left) = reader.front()?;
                let mut inside = Inside {
                    reader,
                    kind,
                    left,
                    close: marker + 2,
                };
                let value = match marker {
                    b'[' => visitor.visit_seq(&mut inside)?,
                    _ => visitor.visit_map(&mut inside)?,
                };
                if inside.more()? {
                    return fault("more values than are due");
                }
                inside.reader.depth -= 1;
                Ok(value)
            }
            marker @ (b'i' | b'U' | b'I' | b'l' | b'L') => {
                visitor.visit_i64(reader.integer(marker)?)
            }
            other => fault(&format!("{:?} is no kind of value", char::from(other))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.marker {
            b'Z' => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// The values of a container.
struct Inside<'a, 'de> {
    reader: &'a mut Reader<'de>,
    kind: Option<u8>,
    /// How many are to come, where the front says.
    left: Option<usize>,
    close: u8,
}

impl<'de> Inside<'_, 'de> {
    /// Whether another value comes; takes the end where there is one.
    fn more(&mut self) -> Result<bool, Fault> {
        match &mut self.left {
            Some(0) => return Ok(false),
            Some(left) => *left -= 1,
            None => {
                while self.reader.peek() == Some(b'N') {
                    self.reader.at += 1;
                }
                if self.reader.peek() == Some(self.close) {
                    self.reader.at += 1;
                    self.left = Some(0);
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn value<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let marker = match self.kind {
            Some(kind) => kind,
            None => self.reader.marker()?,
        };
        seed.deserialize(Value {
            reader: self.reader,
            marker,
        })
    }
}

impl<'de> SeqAccess<'de> for &mut Inside<'_, 'de> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        match self.more()? {
            true => self.value(seed).map(Some),
            false => Ok(None),
        }
    }
}

impl<'de> MapAccess<'de> for &mut Inside<'_, 'de> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        if !self.more()? {
            return Ok(None);
        }
        let key = self.reader.text()?;
        seed.deserialize(de::value::BorrowedStrDeserializer::new(key))
            .map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        self.value(seed)
    }
}
