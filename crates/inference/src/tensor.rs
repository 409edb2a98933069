//! Named tensors, as the Open Inference Protocol has them.

use serde::{Deserialize, Serialize};

/// The type of a tensor's elements; names are the protocol's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names say it")]
pub enum DataType {
    Bool,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Int8,
    Int16,
    Int32,
    Int64,
    Fp16,
    Fp32,
    Fp64,
    Bytes,
}

impl DataType {
    /// Bytes of one element; `None` where elements differ in length.
    pub fn size_bytes(self) -> Option<usize> {
        match self {
            Self::Bool | Self::Uint8 | Self::Int8 => Some(1),
            Self::Uint16 | Self::Int16 | Self::Fp16 => Some(2),
            Self::Uint32 | Self::Int32 | Self::Fp32 => Some(4),
            Self::Uint64 | Self::Int64 | Self::Fp64 => Some(8),
            Self::Bytes => None,
        }
    }

    /// What its elements are, whatever their width.
    fn kind(self) -> &'static str {
        match self {
            Self::Bool => "truth values",
            Self::Fp16 | Self::Fp32 | Self::Fp64 => "fractions",
            Self::Bytes => "texts",
            _ => "whole numbers",
        }
    }
}

/// A tensor's elements, row-major. Types that no model here takes are kept as what holds them
/// exactly.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Values {
    Bool(Vec<bool>),
    Int64(Vec<i64>),
    Uint64(Vec<u64>),
    Fp32(Vec<f32>),
    Fp64(Vec<f64>),
    Bytes(Vec<Vec<u8>>),
}

impl Values {
    /// How many elements there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Bool(it) => it.len(),
            Self::Int64(it) => it.len(),
            Self::Uint64(it) => it.len(),
            Self::Fp32(it) => it.len(),
            Self::Fp64(it) => it.len(),
            Self::Bytes(it) => it.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Memory it holds.
    fn held_bytes(&self) -> u64 {
        let bytes = match self {
            Self::Bool(it) => it.len(),
            Self::Int64(it) => size_of_val(it.as_slice()),
            Self::Uint64(it) => size_of_val(it.as_slice()),
            Self::Fp32(it) => size_of_val(it.as_slice()),
            Self::Fp64(it) => size_of_val(it.as_slice()),
            Self::Bytes(it) => it.iter().map(|it| size_of::<Vec<u8>>() + it.len()).sum(),
        };
        bytes as u64
    }
}

/// A named tensor; the first dimension counts rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Its name in the model's signature.
    pub name: String,
    /// The type on the wire; `values` hold it exactly.
    pub datatype: DataType,
    /// Its dimensions.
    pub shape: Vec<u64>,
    /// Its elements.
    pub values: Values,
}

impl Tensor {
    /// Rows: the first dimension.
    pub fn rows(&self) -> u64 {
        self.shape.first().copied().unwrap_or(0)
    }

    /// Memory it holds.
    pub(crate) fn held_bytes(&self) -> u64 {
        let around = size_of::<Self>() + self.name.len() + size_of_val(self.shape.as_slice());
        around as u64 + self.values.held_bytes()
    }
}

/// What a model takes or gives under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TensorSpec {
    /// The name.
    pub name: String,
    /// The type it is described as; tree models take FP32 and FP64 alike.
    pub datatype: DataType,
    /// Dimensions; −1 is any. The first counts rows.
    pub shape: Vec<i64>,
}

/// What a model takes and gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Its inputs.
    pub inputs: Vec<TensorSpec>,
    /// Its outputs.
    pub outputs: Vec<TensorSpec>,
    /// Names of a tree model's features in order of column; empty where none are known.
    #[serde(default)]
    pub features: Vec<String>,
}

impl Signature {
    /// What keeps this from taking the place of `other`, whose requests and readers stay: an input
    /// that is not the same, an output that is not there, of another shape or of another kind.
    /// Numbers of other widths are of one kind: values are converted.
    pub(crate) fn lacks(&self, other: &Self) -> Option<String> {
        let inputs = |of: &Self| of.inputs.iter().map(told).collect::<Vec<_>>().join(", ");
        let (own, others) = (inputs(self), inputs(other));
        if own != others {
            return Some(format!("it takes {own} and not {others}"));
        }
        other.outputs.iter().find_map(|wanted| {
            let own = self.outputs.iter().find(|it| it.name == wanted.name);
            let Some(own) = own else {
                return Some(format!("it gives no output {}", wanted.name));
            };
            if !fits(&own.shape, &wanted.shape) {
                let (own, wanted) = (told(own), told(wanted));
                return Some(format!("it gives {own} and not {wanted}"));
            }
            let (kind, wanted_kind) = (own.datatype.kind(), wanted.datatype.kind());
            let name = &own.name;
            (kind != wanted_kind)
                .then(|| format!("it gives {name} as {kind} and not {wanted_kind}"))
        })
    }
}

/// Whether shapes are the same where both are known.
fn fits(one: &[i64], other: &[i64]) -> bool {
    let alike = |(one, other): (&i64, &i64)| *one < 0 || *other < 0 || one == other;
    one.len() == other.len() && one.iter().zip(other).all(alike)
}

fn told(spec: &TensorSpec) -> String {
    let shape: Vec<String> = spec.shape.iter().map(i64::to_string).collect();
    format!("{} [{}]", spec.name, shape.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(name: &str, datatype: DataType, shape: &[i64]) -> TensorSpec {
        TensorSpec {
            name: name.to_owned(),
            datatype,
            shape: shape.to_vec(),
        }
    }

    fn giving(outputs: &[TensorSpec]) -> Signature {
        Signature {
            inputs: vec![spec("input", DataType::Fp32, &[-1, 6])],
            outputs: outputs.to_vec(),
            features: Vec::new(),
        }
    }

    #[test]
    fn what_gives_another_shape_or_kind_does_not_stand_in() {
        let serving = giving(&[spec("output", DataType::Fp64, &[-1, 1])]);
        let cases = [
            (spec("output", DataType::Fp32, &[-1, 1]), None),
            (spec("output", DataType::Fp64, &[-1, -1]), None),
            (
                spec("output", DataType::Fp64, &[-1, 3]),
                Some("it gives output [-1, 3] and not output [-1, 1]"),
            ),
            (
                spec("output", DataType::Fp64, &[-1]),
                Some("it gives output [-1] and not output [-1, 1]"),
            ),
            (
                spec("output", DataType::Int64, &[-1, 1]),
                Some("it gives output as whole numbers and not fractions"),
            ),
            (
                spec("label", DataType::Fp64, &[-1, 1]),
                Some("it gives no output output"),
            ),
        ];
        for (output, wanted) in cases {
            let lacking = giving(&[output]).lacks(&serving);
            assert_eq!(lacking.as_deref(), wanted);
        }
    }
}
