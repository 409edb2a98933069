//! Rows as plain values, and what they add up to.

use xxhash_rust::xxh3::xxh3_128;

/// A value of a row, whichever database it is in.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Int(i64),
    Real(f64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Value {
    /// Bytes it takes, about.
    pub(super) fn weight(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Null | Self::Int(_) | Self::Real(_) => 0,
                Self::Text(it) => it.len(),
                Self::Bytes(it) => it.len(),
            }
    }

    /// Writes it so that no two rows of values are written alike.
    fn write(&self, out: &mut Vec<u8>) {
        let mut long = |tag: u8, bytes: &[u8]| {
            out.push(tag);
            out.extend((bytes.len() as u64).to_le_bytes());
            out.extend(bytes);
        };
        match self {
            Self::Null => out.push(0),
            Self::Int(it) => {
                out.push(1);
                out.extend(it.to_le_bytes());
            }
            Self::Real(it) => {
                out.push(2);
                out.extend(it.to_bits().to_le_bytes());
            }
            Self::Text(it) => long(3, it.as_bytes()),
            Self::Bytes(it) => long(4, it),
        }
    }
}

/// How many rows a table has and the sum of their digests, which no order of rows changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Rows.
    pub rows: u64,
    /// The sum of the rows' XXH3 digests of 128 bits, modulo 2^128.
    pub digest: u128,
}

impl Tally {
    /// Adds a row.
    pub(super) fn add(&mut self, row: &[Value], scratch: &mut Vec<u8>) {
        scratch.clear();
        for value in row {
            value.write(scratch);
        }
        self.rows += 1;
        self.digest = self.digest.wrapping_add(xxh3_128(scratch));
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} rows, digest {:032x}", self.rows, self.digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(rows: &[Vec<Value>]) -> Tally {
        let mut tally = Tally::default();
        let mut scratch = Vec::new();
        for row in rows {
            tally.add(row, &mut scratch);
        }
        tally
    }

    #[test]
    fn order_does_not_matter_and_every_value_does() {
        let text = |it: &str| Value::Text(it.to_owned());
        let a = vec![Value::Int(1), text("ab"), text("c")];
        let b = vec![Value::Int(2), Value::Null, Value::Real(0.5)];
        let both = tally(&[a.clone(), b.clone()]);
        assert_eq!(both, tally(&[b.clone(), a.clone()]));
        let others = [
            vec![Value::Int(1), text("a"), text("bc")],
            vec![Value::Real(f64::from_bits(1)), text("ab"), text("c")],
            vec![Value::Int(1), Value::Bytes(b"ab".to_vec()), text("c")],
            vec![Value::Int(1), text("ab"), text("c"), Value::Null],
            b.clone(),
        ];
        for other in others {
            assert_ne!(both, tally(&[other, b.clone()]));
        }
        assert_eq!(both.to_string().split(',').next(), Some("2 rows"));
    }
}
