//! Files of other libraries, told apart by how they begin.

pub(crate) mod lightgbm;

use crate::{Ensemble, ReadError};

impl Ensemble {
    /// Reads a model of any kind that is known; the kind is told by the first bytes.
    pub fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        match bytes.trim_ascii_start() {
            text if text.starts_with(b"tree\n") || text.starts_with(b"tree\r\n") => {
                lightgbm::read(bytes)
            }
            _ => Err(ReadError::Unknown),
        }
    }
}
