//! Files of other libraries, told apart by how they begin.

pub(crate) mod lightgbm;
pub(crate) mod onnx;
pub(crate) mod xgboost;

use crate::{Ensemble, ReadError};

impl Ensemble {
    /// Reads a model of any kind that is known; the kind is told by the first bytes.
    pub fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        let text = bytes.trim_ascii_start();
        if text.starts_with(b"tree\n") || text.starts_with(b"tree\r\n") {
            return lightgbm::read(bytes);
        }
        match text.strip_prefix(b"{") {
            Some([b'"' | b'}' | b' ' | b'\n' | b'\r' | b'\t', ..]) => xgboost::read_json(bytes),
            Some([_, ..]) => xgboost::read_ubjson(bytes),
            None if onnx::begins(bytes) => Ok(onnx::OnnxTrees::read(bytes)?.ensemble),
            _ => Err(ReadError::Unknown),
        }
    }
}
