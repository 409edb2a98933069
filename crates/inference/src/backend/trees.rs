//! Tree ensembles, by the `trees` crate.

use std::sync::Arc;

use trees::{Model, Precision, Rows, ShapeError};

use super::{Backend, RunError};
use crate::{DataType, ModelConfig, Signature, Tensor, TensorSpec, Values};

/// A tree ensemble with names for what it takes and gives.
#[derive(Debug)]
pub(crate) struct TreesBackend {
    model: Model,
    platform: &'static str,
    signature: Signature,
    single: bool,
}

/// A matrix of rows as the model takes it.
enum Matrix<'a> {
    Single(&'a [f32]),
    Double(&'a [f64]),
    Made(Vec<f64>),
}

impl TreesBackend {
    /// Reads a model file; `kind` is the end of its name.
    pub(crate) fn read(bytes: Vec<u8>, kind: &str, config: &ModelConfig) -> Result<Self, String> {
        let model = Model::read(Arc::new(bytes)).map_err(|it| it.to_string())?;
        let platform = match kind {
            "json" | "ubj" => "trees_xgboost",
            "onnx" => "trees_onnx",
            "trees" => "trees_compact",
            _ => "trees_lightgbm",
        };
        Self::new(model, platform, config)
    }

    /// Gives a model its names; refuses a signature that does not fit it.
    pub(crate) fn new(
        model: Model,
        platform: &'static str,
        config: &ModelConfig,
    ) -> Result<Self, String> {
        let single = model.precision() == Precision::Single;
        let datatype = if single {
            DataType::Fp32
        } else {
            DataType::Fp64
        };
        let spec = |name: &str, columns: usize| TensorSpec {
            name: name.to_owned(),
            datatype,
            shape: vec![-1, columns as i64],
        };
        let mut signature = Signature {
            inputs: vec![spec("input", model.features())],
            outputs: vec![spec("output", model.predictions())],
            features: model.feature_names().to_vec(),
        };
        if let Some(given) = &config.signature {
            signature = fit(signature, given)?;
        }
        Ok(Self {
            model,
            platform,
            signature,
            single,
        })
    }

    /// The inputs as one matrix: one tensor of rows × features, or one column per feature.
    fn matrix<'a>(&self, inputs: &'a [Tensor]) -> Result<(usize, Matrix<'a>), RunError> {
        let features = self.model.features();
        if let [input] = inputs
            && input.shape.len() == 2
            && input.shape[1] == features as u64
        {
            let rows = input.rows() as usize;
            return Ok((
                rows,
                match &input.values {
                    Values::Fp32(it) => Matrix::Single(it),
                    Values::Fp64(it) => Matrix::Double(it),
                    other => Matrix::Made(wide(&input.name, other)?),
                },
            ));
        }
        let rows = inputs.first().map_or(0, Tensor::rows) as usize;
        let mut made = vec![f64::NAN; rows * features];
        for (column, feature) in self.signature.features.iter().enumerate() {
            let input = inputs
                .iter()
                .find(|it| it.name == *feature)
                .ok_or_else(|| RunError::Rows(format!("there is no input {feature}")))?;
            let values = wide(feature, &input.values)?;
            if values.len() != rows {
                return Err(RunError::Rows(format!(
                    "input {feature} has {} values where {rows} rows are asked",
                    values.len()
                )));
            }
            for (row, value) in values.into_iter().enumerate() {
                made[row * features + column] = value;
            }
        }
        Ok((rows, Matrix::Made(made)))
    }
}

/// A signature as users want it, where it fits the model: other names, or a column per feature.
fn fit(own: Signature, given: &Signature) -> Result<Signature, String> {
    let wanted = own.features.len();
    let columns = |it: &TensorSpec| it.shape.get(1).copied().unwrap_or(1);
    let features = if given.features.is_empty() {
        own.features.clone()
    } else {
        given.features.clone()
    };
    if features.len() != wanted {
        return Err(format!(
            "the signature names {} features where the model has {wanted}",
            features.len()
        ));
    }
    let whole = matches!(given.inputs.as_slice(), [it] if columns(it) == wanted as i64);
    let apart = given.inputs.len() == wanted
        && features.iter().all(|name| {
            given
                .inputs
                .iter()
                .any(|it| it.name == *name && columns(it) == 1)
        });
    if !whole && !apart {
        return Err(format!(
            "the signature's inputs are neither one of {wanted} columns nor one per feature"
        ));
    }
    match given.outputs.as_slice() {
        [it] if columns(it) == columns(&own.outputs[0]) => Ok(Signature {
            inputs: given.inputs.clone(),
            outputs: vec![TensorSpec {
                name: it.name.clone(),
                ..own.outputs[0].clone()
            }],
            features,
        }),
        _ => Err(format!(
            "the signature's output is not one of {} columns",
            columns(&own.outputs[0])
        )),
    }
}

fn wide(name: &str, values: &Values) -> Result<Vec<f64>, RunError> {
    Ok(match values {
        Values::Bool(it) => it.iter().map(|&it| f64::from(u8::from(it))).collect(),
        Values::Int64(it) => it.iter().map(|&it| it as f64).collect(),
        Values::Uint64(it) => it.iter().map(|&it| it as f64).collect(),
        Values::Fp32(it) => it.iter().copied().map(f64::from).collect(),
        Values::Fp64(it) => it.clone(),
        Values::Bytes(_) => {
            return Err(RunError::Rows(format!("input {name} is not numbers")));
        }
    })
}

fn misfit(error: ShapeError) -> RunError {
    let said = error.to_string();
    match error {
        ShapeError::NoCover | ShapeError::NoSum | ShapeError::Deep { .. } => {
            RunError::Unsupported(said)
        }
        _ => RunError::Rows(said),
    }
}

impl Backend for TreesBackend {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn platform(&self) -> &'static str {
        self.platform
    }

    fn size_bytes(&self) -> u64 {
        (self.model.size_bytes() + size_of::<Self>()) as u64
    }

    fn run(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, RunError> {
        let (rows, matrix) = self.matrix(inputs)?;
        let (features, predictions) = (self.model.features(), self.model.predictions());
        let mut out = vec![0.0; rows * predictions];
        match &matrix {
            Matrix::Single(it) => {
                let rows = Rows::strided(it, rows, features, features).map_err(misfit)?;
                self.model.predict_rows(rows, &mut out)
            }
            Matrix::Double(it) => {
                let rows = Rows::strided(it, rows, features, features).map_err(misfit)?;
                self.model.predict_rows(rows, &mut out)
            }
            Matrix::Made(it) => {
                let rows = Rows::strided(it, rows, features, features).map_err(misfit)?;
                self.model.predict_rows(rows, &mut out)
            }
        }
        .map_err(misfit)?;
        let spec = &self.signature.outputs[0];
        Ok(vec![Tensor {
            name: spec.name.clone(),
            datatype: spec.datatype,
            shape: vec![rows as u64, predictions as u64],
            values: if self.single {
                Values::Fp32(out.into_iter().map(|it| it as f32).collect())
            } else {
                Values::Fp64(out)
            },
        }])
    }
    fn explain(&self, inputs: &[Tensor]) -> Result<Tensor, RunError> {
        let (rows, matrix) = self.matrix(inputs)?;
        let features = self.model.features();
        let mut out = vec![0.0; rows * self.model.contributions_width()];
        match &matrix {
            Matrix::Single(it) => {
                let rows = Rows::strided(it, rows, features, features).map_err(misfit)?;
                self.model.contributions(rows, &mut out)
            }
            Matrix::Double(it) => {
                let rows = Rows::strided(it, rows, features, features).map_err(misfit)?;
                self.model.contributions(rows, &mut out)
            }
            Matrix::Made(it) => {
                let rows = Rows::strided(it, rows, features, features).map_err(misfit)?;
                self.model.contributions(rows, &mut out)
            }
        }
        .map_err(misfit)?;
        Ok(Tensor {
            name: "contributions".to_owned(),
            datatype: DataType::Fp64,
            shape: [rows, self.model.outputs(), features + 1]
                .map(|it| it as u64)
                .to_vec(),
            values: Values::Fp64(out),
        })
    }
}
