//! Names an answer by everything it depends on: SHA-256, so that no two requests meet by chance or
//! by design.

use sha2::{Digest, Sha256};

use crate::{InferRequest, Tensor, Values, VersionRef, resident::Resident};

/// What names an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key([u8; 32]);

impl Key {
    /// The answer of what is in memory for a version; a file that changes makes other names.
    pub(crate) fn of_version(resident: &Resident, request: &InferRequest) -> Self {
        let mut hash = Hasher::new("version", &resident.model);
        hash.word(resident.version);
        hash.0.update(resident.identity);
        hash.request(request)
    }

    /// The last good answer of a model, whoever gave it.
    pub(crate) fn of_model(model: &str, request: &InferRequest) -> Self {
        let mut hash = Hasher::new("model", model);
        match &request.version {
            VersionRef::Serving => hash.word(0),
            VersionRef::Number(number) => {
                hash.word(1);
                hash.word(*number);
            }
            VersionRef::Label(label) => {
                hash.word(2);
                hash.bytes(label.as_bytes());
            }
        }
        hash.request(request)
    }

    /// What is known under a caller's own key.
    pub(crate) fn of_key(model: &str, key: &str) -> Self {
        let mut hash = Hasher::new("key", model);
        hash.bytes(key.as_bytes());
        hash.end()
    }
}

struct Hasher(Sha256);

impl Hasher {
    fn new(kind: &str, model: &str) -> Self {
        let mut hash = Self(Sha256::new());
        hash.bytes(kind.as_bytes());
        hash.bytes(model.as_bytes());
        hash
    }

    fn end(self) -> Key {
        Key(self.0.finalize().into())
    }

    fn word(&mut self, word: u64) {
        self.0.update(word.to_le_bytes());
    }

    /// Bytes with their length before them, so that no two lists read alike.
    fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        self.0.update(bytes);
    }

    fn request(mut self, request: &InferRequest) -> Key {
        self.word(u64::from(request.explain));
        self.word(request.outputs.len() as u64);
        for name in &request.outputs {
            self.bytes(name.as_bytes());
        }
        self.word(request.inputs.len() as u64);
        for tensor in &request.inputs {
            self.tensor(tensor);
        }
        self.end()
    }

    fn tensor(&mut self, tensor: &Tensor) {
        self.bytes(tensor.name.as_bytes());
        self.word(tensor.datatype as u64);
        self.word(tensor.shape.len() as u64);
        for &dimension in &tensor.shape {
            self.word(dimension);
        }
        self.word(tensor.values.len() as u64);
        match &tensor.values {
            Values::Bool(it) => self.all(it, |it| [u8::from(it)]),
            Values::Int64(it) => self.all(it, i64::to_le_bytes),
            Values::Uint64(it) => self.all(it, u64::to_le_bytes),
            Values::Fp32(it) => self.all(it, |it| it.to_bits().to_le_bytes()),
            Values::Fp64(it) => self.all(it, |it| it.to_bits().to_le_bytes()),
            Values::Bytes(it) => it.iter().for_each(|it| self.bytes(it)),
        }
    }

    /// Numbers in runs, since the hash takes long pieces faster.
    fn all<T: Copy, const N: usize>(&mut self, values: &[T], bytes: impl Fn(T) -> [u8; N]) {
        const RUN: usize = 32;
        const WIDTH_MAX: usize = 8;
        let mut run = [0; RUN * WIDTH_MAX];
        for values in values.chunks(RUN) {
            for (place, value) in run.chunks_exact_mut(N).zip(values) {
                place.copy_from_slice(&bytes(*value));
            }
            self.0.update(&run[..values.len() * N]);
        }
    }
}
